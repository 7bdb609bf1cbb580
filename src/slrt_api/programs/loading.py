"""Facts of a household from the tables, as `HouseholdFacts`. For a screening `relations` asks for the same in SQL.

Who may see them is not decided here: the statements run under the role of the act that asks.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from slrt_api.programs import answers
from slrt_api.programs.answers import Given
from slrt_api.programs.facts import Enrollment, HouseholdFacts, PersonFacts, Subject, Told, Value

#: runs a statement and gives its rows: `Transaction.fetch`, or a connection's
Fetch = Callable[..., Awaitable[Sequence[Any]]]

#: One look for all that is known: $1 regency, $2 household. Of one household and not of many: PostgreSQL plans a statement that
#: is given a list anew each time, and that takes ten times as long as running it.
_KNOWN: Final = """
WITH members AS MATERIALIZED (
    SELECT p.id, p.birth_date, p.sex, m.relation, p.provenance,
           nullif(p.matching_status, 'NOT_MATCHED_YET') AS nik_status,
           (SELECT max(c.asked_at) FROM civil_checks c
            WHERE c.regency = p.regency AND c.person_id = p.id AND c.status = 'ANSWERED') AS checked_at
    FROM memberships m JOIN persons p ON p.regency = m.regency AND p.id = m.id AND p.ended_at IS NULL
    WHERE m.regency = $1 AND m.household_id = $2 AND m.valid_to IS NULL
), owners AS (
    SELECT id FROM members UNION ALL SELECT $2
)
SELECT h.area,
       ARRAY(SELECT ROW (id, birth_date, sex, relation, provenance, nik_status, checked_at)
             FROM members ORDER BY id) AS members,
       ARRAY(SELECT ROW (a.owner_id, a.instrument, a.question, a.value #>> '{}', jsonb_typeof(a.value), a.source, a.as_of)
             FROM owners JOIN answers a ON a.regency = $1 AND a.owner_id = owners.id AND a.replaced_at IS NULL) AS answers,
       ARRAY(SELECT DISTINCT ON (f.id) ROW (f.id, f.outcome, f.desil, f.source, f.release, f.as_of)
             FROM owners JOIN registry_facts f ON f.regency = $1 AND f.id = owners.id
             ORDER BY f.id, f.as_of DESC, f.snapshot_id DESC) AS registry,
       ARRAY(SELECT ROW (g.code, e.person_id, e.started_on, e.ended_on, e.source, e.as_of) FROM (
                 SELECT * FROM enrollments WHERE regency = $1 AND household_id = $2 AND person_id IS NULL
                 UNION ALL
                 SELECT of_members.* FROM members JOIN enrollments of_members
                     ON of_members.regency = $1 AND of_members.person_id = members.id
             ) e JOIN programs g ON g.id = e.program_id WHERE e.status <> 'VOID' ORDER BY e.id) AS enrollments
FROM households h WHERE h.regency = $1 AND h.id = $2 AND h.ended_at IS NULL
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


class _Member(NamedTuple):
    """A line of `members`."""

    id: UUID
    birth_date: date | None
    sex: str | None
    relation: str | None
    provenance: str | Mapping[str, Any]
    nik_status: str | None
    checked_at: datetime | None


class _Entry(NamedTuple):
    """A line of `registry`."""

    id: UUID
    outcome: str | None
    desil: int | None
    source: str
    release: str
    as_of: date


async def household_facts(
    fetch: Fetch, regency: int, id_: UUID, lists: Mapping[str, date] | None = None
) -> HouseholdFacts | None:
    """What is known of an active household; None where it is not there or has ended.

    lists  as `whole_lists` gives them, for whoever may not read them; None: they are read here
    """
    rows = await fetch(_KNOWN, regency, id_)
    if not rows:
        return None
    [known] = rows
    told: dict[UUID, dict[tuple[str, str], Given]] = {}
    for owner, instrument, question, text, kind, source, as_of in known["answers"]:
        told.setdefault(owner, {})[instrument, question] = Given(_answer(text, kind), source, as_of)
    registry = {each.id: each for each in map(_Entry._make, known["registry"])}

    def facts_of(owner: UUID, subject: Subject) -> dict[str, Told]:
        facts = answers.facts_of(subject, told.get(owner, {}))
        if owner in registry:
            facts |= _of_registry(registry[owner], subject)
        return facts

    return HouseholdFacts(
        id=id_,
        regency=regency,
        area=known["area"],
        facts=facts_of(id_, Subject.HOUSEHOLD),
        members=tuple(
            PersonFacts(each.id, _of_person(each) | facts_of(each.id, Subject.PERSON))
            for each in map(_Member._make, known["members"])
        ),
        enrollments=tuple(Enrollment(*each) for each in known["enrollments"]),
        enrollments_of=lists if lists is not None else await whole_lists(fetch, regency),
    )


async def whole_lists(fetch: Fetch, regency: int) -> dict[str, date]:
    """Programs of which every recipient of the regency is known, and as of which day."""
    return {row["program"]: row["as_of"] for row in await fetch(_LISTS, regency)}


def _answer(text: str, kind: str) -> answers.Answer:
    """An answer as it was given: JSON text of a list, a number, or a code."""
    if kind == "array":
        codes: list[str] = json.loads(text)
        return codes
    return int(text) if kind == "number" else text


def _of_registry(entry: _Entry, subject: Subject) -> dict[str, Told]:
    source = f"{entry.source} {entry.release}"
    values: tuple[Value | None, ...] = (entry.desil, entry.outcome)
    return {
        name: Told(value, source, entry.as_of)
        for name, value in zip(_NAMES[subject], values, strict=True)
        if value is not None
    }


def _of_person(member: _Member) -> dict[str, Told]:
    provenance = member.provenance
    from_where: Mapping[str, Any] = json.loads(provenance) if isinstance(provenance, str) else provenance
    found = {}
    for name, value in (
        ("birth_date", member.birth_date),
        ("sex", member.sex),
        ("relation", member.relation),
    ):
        if value is not None:
            told = from_where.get(name) or {}
            as_of = told.get("as_of")
            found[name] = Told(value, told.get("source", _REGISTRATION), date.fromisoformat(as_of) if as_of else None)
    if member.nik_status is not None:
        checked = member.checked_at
        found["nik_status"] = Told(member.nik_status, _CIVIL, checked.date() if checked is not None else None)
    return found
