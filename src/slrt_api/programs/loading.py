"""Facts of households from the tables, as `HouseholdFacts`. For a screening `relations` asks for the same in SQL.

Who may see them is not decided here: the statements run under the role of the act that asks.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from slrt_api.programs import answers
from slrt_api.programs.answers import Given
from slrt_api.programs.facts import Enrollment, HouseholdFacts, PersonFacts, Subject, Told, Value

#: runs a statement and gives its rows: `Transaction.fetch`, or a connection's
Fetch = Callable[..., Awaitable[Sequence[Any]]]

_HOUSEHOLDS: Final = """
SELECT h.id, h.area FROM households h WHERE h.regency = $1 AND h.id = ANY ($2::uuid[]) AND h.ended_at IS NULL ORDER BY h.id
"""
_MEMBERS: Final = """
SELECT m.household_id, p.id, p.birth_date, p.sex, m.relation, p.provenance,
       nullif(p.matching_status, 'NOT_MATCHED_YET') AS nik_status,
       (SELECT max(c.asked_at) FROM civil_checks c
        WHERE c.regency = p.regency AND c.person_id = p.id AND c.status = 'ANSWERED') AS checked_at
FROM memberships m JOIN persons p ON p.regency = m.regency AND p.id = m.id AND p.ended_at IS NULL
WHERE m.regency = $1 AND m.household_id = ANY ($2::uuid[]) AND m.valid_to IS NULL
ORDER BY p.id
"""
_ANSWERS: Final = """
SELECT a.owner_id, a.instrument, a.question, a.value #>> '{}' AS text, jsonb_typeof(a.value) AS type, a.source, a.as_of
FROM answers a WHERE a.regency = $1 AND a.owner_id = ANY ($2::uuid[]) AND a.replaced_at IS NULL
"""
_REGISTRY: Final = """
SELECT DISTINCT ON (f.id) f.id, f.outcome, f.desil, f.source, f.release, f.as_of
FROM registry_facts f WHERE f.regency = $1 AND f.id = ANY ($2::uuid[])
ORDER BY f.id, f.as_of DESC, f.snapshot_id DESC
"""
_ENROLLMENTS: Final = """
SELECT e.household_id, e.person_id, g.code AS program, e.started_on, e.ended_on, e.source, e.as_of
FROM enrollments e JOIN programs g ON g.id = e.program_id
WHERE e.regency = $1 AND e.status <> 'VOID'
  AND ((e.person_id IS NULL AND e.household_id = ANY ($2::uuid[])) OR e.person_id = ANY ($3::uuid[]))
ORDER BY e.id
"""
_LISTS: Final = """
SELECT g.code AS program, l.as_of FROM enrollment_lists l JOIN programs g ON g.id = l.program_id WHERE l.regency = $1
ORDER BY g.code
"""
#: what a fact of the registry is called, of a household and of a person
_NAMES: Final = {
    Subject.HOUSEHOLD: ("desil", "registry_status"),
    Subject.PERSON: ("person_desil", "person_registry_status"),
}
#: What a transaction that screens sets first. A plan for any households (which PostgreSQL makes of a statement that it has seen
#: five times) expects a few rows and joins them one by one: a tenth of the rate.
SETTINGS: Final[Mapping[str, str]] = {
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "work_mem": "64MB",
}
#: source of what a row tells without provenance
_REGISTRATION: Final = "REGISTRATION"
_CIVIL: Final = "CIVIL_REGISTRY"


async def household_facts(
    fetch: Fetch, regency: int, ids: Sequence[UUID], lists: Mapping[str, date] | None = None
) -> tuple[HouseholdFacts, ...]:
    """What is known of active households, by their ids; those that are not there or have ended are left out.

    lists  as `whole_lists` gives them, for whoever may not read them; None: they are read here
    """
    households = await fetch(_HOUSEHOLDS, regency, list(ids))
    members = await fetch(_MEMBERS, regency, list(ids))
    persons = [row["id"] for row in members]
    owners = [*(row["id"] for row in households), *persons]
    told: dict[UUID, dict[tuple[str, str], Given]] = {}
    for row in await fetch(_ANSWERS, regency, owners):
        given = Given(_answer(row["text"], row["type"]), row["source"], row["as_of"])
        told.setdefault(row["owner_id"], {})[row["instrument"], row["question"]] = given
    registry = {row["id"]: row for row in await fetch(_REGISTRY, regency, owners)}
    enrollments = await fetch(_ENROLLMENTS, regency, list(ids), persons)
    lists = lists if lists is not None else await whole_lists(fetch, regency)

    def facts_of(owner: UUID, subject: Subject) -> dict[str, Told]:
        facts = answers.facts_of(subject, told.get(owner, {}))
        if owner in registry:
            facts |= _of_registry(registry[owner], subject)
        return facts

    found = []
    for household in households:
        belonging = [row for row in members if row["household_id"] == household["id"]]
        ids_of = {row["id"] for row in belonging}
        found.append(
            HouseholdFacts(
                id=household["id"],
                regency=regency,
                area=household["area"],
                facts=facts_of(household["id"], Subject.HOUSEHOLD),
                members=tuple(
                    PersonFacts(row["id"], _of_person(row) | facts_of(row["id"], Subject.PERSON)) for row in belonging
                ),
                enrollments=tuple(
                    Enrollment(
                        row["program"],
                        row["person_id"],
                        row["started_on"],
                        row["ended_on"],
                        row["source"],
                        row["as_of"],
                    )
                    for row in enrollments
                    if row["person_id"] in ids_of
                    or (row["person_id"] is None and row["household_id"] == household["id"])
                ),
                enrollments_of=lists,
            )
        )
    return tuple(found)


async def whole_lists(fetch: Fetch, regency: int) -> dict[str, date]:
    """Programs of which every recipient of the regency is known, and as of which day."""
    return {row["program"]: row["as_of"] for row in await fetch(_LISTS, regency)}


def _answer(text: str, kind: str) -> answers.Answer:
    """An answer as it was given: JSON text of a list, a number, or a code."""
    if kind == "array":
        codes: list[str] = json.loads(text)
        return codes
    return int(text) if kind == "number" else text


def _of_registry(row: Mapping[str, Any], subject: Subject) -> dict[str, Told]:
    source = f"{row['source']} {row['release']}"
    values: tuple[Value | None, ...] = (row["desil"], row["outcome"])
    return {
        name: Told(value, source, row["as_of"])
        for name, value in zip(_NAMES[subject], values, strict=True)
        if value is not None
    }


def _of_person(row: Mapping[str, Any]) -> dict[str, Told]:
    provenance = row["provenance"]
    from_where: Mapping[str, Any] = json.loads(provenance) if isinstance(provenance, str) else provenance
    found = {}
    for name in ("birth_date", "sex", "relation"):
        if row[name] is not None:
            told = from_where.get(name) or {}
            as_of = told.get("as_of")
            found[name] = Told(
                row[name], told.get("source", _REGISTRATION), date.fromisoformat(as_of) if as_of else None
            )
    if row["nik_status"] is not None:
        checked = row["checked_at"]
        found["nik_status"] = Told(row["nik_status"], _CIVIL, checked.date() if checked is not None else None)
    return found
