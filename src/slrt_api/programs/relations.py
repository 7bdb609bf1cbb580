"""Queries that make facts of tables, of many households at once: what `loading` makes of one, as SQL. Pure.

Parameters: $1 the regency, $2 the ids of households (or what `which` names in their place).
"""

from collections.abc import Sequence
from typing import Final

from slrt_api.programs import answers
from slrt_api.programs.answers import OTHERS, Kind, Source
from slrt_api.programs.facts import FactType, Origin, Spec, Subject, Value, vocabulary

#: which households
SOME: Final = "= ANY ($2::uuid[])"
#: SQL types of facts
TYPES: Final = {
    FactType.BOOLEAN: "boolean",
    FactType.INTEGER: "integer",
    FactType.RUPIAH: "bigint",
    FactType.DATE: "date",
    FactType.CODE: "text",
}
#: facts that stand in columns of their own, or nowhere yet
_COLUMNS: Final = {"birth_date": "p.birth_date", "sex": "p.sex", "relation": "m.relation"}
#: what nobody has asked yet is not known
_CIVIL: Final = {"nik_status": "nullif(p.matching_status, 'NOT_MATCHED_YET')"}
_REGISTRY: Final = {
    "desil": "f.desil::integer",
    "registry_status": "f.outcome",
    "person_desil": "f.desil::integer",
    "person_registry_status": "f.outcome",
}
#: the newest release that tells of each
_NEWEST: Final = """
    LEFT JOIN LATERAL (
        SELECT f.desil, f.outcome FROM registry_facts f WHERE f.regency = $1 AND f.id = {id}
        ORDER BY f.as_of DESC, f.snapshot_id DESC LIMIT 1
    ) f ON true"""


def names(subject: Subject) -> tuple[str, ...]:
    """The facts of a subject in the order of the columns."""
    return tuple(spec.name for spec in vocabulary().values() if spec.subject is subject)


def households(which: str = SOME) -> str:
    """(id, area, facts of households), of active households."""
    slots = _Slots(Subject.HOUSEHOLD)
    facts = ", ".join(f"{slots.fact(spec)} AS {spec.name}" for spec in _specs(Subject.HOUSEHOLD))
    return f"""SELECT h.id, h.area, {facts}
    FROM households h{_NEWEST.format(id="h.id")}
    LEFT JOIN ({slots.pivot(f"SELECT o.id FROM households o WHERE o.regency = $1 AND o.id {which}")}) a
        ON a.owner_id = h.id
    WHERE h.regency = $1 AND h.id {which} AND h.ended_at IS NULL"""


def persons(which: str = SOME) -> str:
    """(household_id, id, area, facts of persons), of active members of active households."""
    slots = _Slots(Subject.PERSON)
    facts = ", ".join(f"{slots.fact(spec)} AS {spec.name}" for spec in _specs(Subject.PERSON))
    members = f"SELECT o.id FROM memberships o WHERE o.regency = $1 AND o.household_id {which} AND o.valid_to IS NULL"
    return f"""SELECT m.household_id, p.id, p.area, {facts}
    FROM memberships m
    JOIN households h ON h.regency = $1 AND h.id = m.household_id AND h.ended_at IS NULL
    JOIN persons p ON p.regency = $1 AND p.id = m.id AND p.ended_at IS NULL{_NEWEST.format(id="p.id")}
    LEFT JOIN ({slots.pivot(members)}) a ON a.owner_id = p.id
    WHERE m.regency = $1 AND m.household_id {which} AND m.valid_to IS NULL"""


def enrollments(which: str = SOME) -> str:
    """(household_id, id, person_id, program, started_on, ended_on): of active households and of their members, who bring
    theirs with them from household to household."""
    return f"""SELECT e.household_id, e.id, NULL::uuid AS person_id, g.code::text AS program, e.started_on, e.ended_on
    FROM enrollments e JOIN programs g ON g.id = e.program_id
    JOIN households h ON h.regency = $1 AND h.id = e.household_id AND h.ended_at IS NULL
    WHERE e.regency = $1 AND e.household_id {which} AND e.person_id IS NULL AND e.status <> 'VOID'
    UNION ALL
    SELECT m.household_id, e.id, e.person_id, g.code::text, e.started_on, e.ended_on
    FROM enrollments e
    JOIN memberships m ON m.regency = $1 AND m.id = e.person_id AND m.valid_to IS NULL
    JOIN households h ON h.regency = $1 AND h.id = m.household_id AND h.ended_at IS NULL
    JOIN programs g ON g.id = e.program_id
    WHERE e.regency = $1 AND m.household_id {which} AND e.status <> 'VOID'"""


def _specs(subject: Subject) -> list[Spec]:
    return [spec for spec in vocabulary().values() if spec.subject is subject]


class _Slots:
    """The answers that tell facts of a subject, a column each: its value, and its day where that decides."""

    def __init__(self, subject: Subject) -> None:
        self._facts = {
            fact: groups for fact, groups in answers.sources().items() if vocabulary()[fact].subject is subject
        }
        questions = [source for groups in self._facts.values() for group in groups for source in group]
        self._numbers = {
            key: number
            for number, key in enumerate(dict.fromkeys((each.instrument, each.question) for each in questions))
        }

    def pivot(self, owners: str) -> str:
        """(owner_id, v0, d0, ...) of the owners that a query names."""
        columns = "".join(
            f", any_value(w.value) FILTER (WHERE q.slot = {number}) AS v{number}"
            f", any_value(w.as_of) FILTER (WHERE q.slot = {number}) AS d{number}"
            for number in self._numbers.values()
        )
        listed = ", ".join(
            f"({_text(instrument)}, {_text(question)}, {number})"
            for (instrument, question), number in self._numbers.items()
        )
        return f"""SELECT w.owner_id{columns} FROM ({owners}) o
        JOIN answers w ON w.regency = $1 AND w.owner_id = o.id AND w.replaced_at IS NULL
        JOIN (VALUES {listed}) q (instrument, question, slot) ON q.instrument = w.instrument AND q.question = w.question
        GROUP BY w.owner_id"""

    def fact(self, spec: Spec) -> str:
        """The value of a fact, or NULL."""
        if spec.origin is Origin.PERSON:
            return _COLUMNS[spec.name]
        if spec.origin is Origin.REGISTRY:
            return _REGISTRY[spec.name]
        if spec.origin is Origin.CIVIL:
            return _CIVIL[spec.name]
        groups = [self._group(spec, group) for group in self._facts.get(spec.name, ())]
        if not groups:
            return f"NULL::{TYPES[spec.type]}"
        best, day = groups[0]
        for value, other in groups[1:]:
            # Of the same day the first holds, which is our own.
            takes = f"({value}) IS NOT NULL AND (({best}) IS NULL OR ({other}) > ({day}))"
            best, day = (
                f"CASE WHEN {takes} THEN {value} ELSE {best} END",
                f"CASE WHEN {takes} THEN {other} ELSE {day} END",
            )
        return f"({best})"

    def _group(self, spec: Spec, group: Sequence[Source]) -> tuple[str, str]:
        numbers = [self._numbers[each.instrument, each.question] for each in group]
        values = [self._value(spec, each) for each in group]
        days = [f"a.d{number}" for number in numbers]
        if len(group) == 1:
            return values[0], days[0]
        # The day of the newest answer that tells anything.
        told = ", ".join(
            f"CASE WHEN ({value}) IS NOT NULL THEN {day} END" for value, day in zip(values, days, strict=True)
        )
        return " OR ".join(f"({value})" for value in values), f"GREATEST({told})"

    def _value(self, spec: Spec, source: Source) -> str:
        """The value that an answer tells; `v` is JSON."""
        column = f"a.v{self._numbers[source.instrument, source.question]}"
        kind = TYPES[spec.type]
        match source.kind:
            case Kind.SAME:
                return f"({column} #>> '{{}}')::{kind}"
            case Kind.SIZE:
                return f"jsonb_array_length({column})"
            case Kind.HAS:
                whens = " ".join(
                    f"WHEN {column} ? {_text(code)} THEN {_value(value)}" for code, value in _named(source)
                )
                return f"CASE {whens} END"
            case Kind.GREATEST:
                ordered = sorted(_named(source), key=lambda each: -int(str(each[1])))
                whens = " ".join(f"WHEN {column} ? {_text(code)} THEN {_value(value)}" for code, value in ordered)
                return f"CASE {whens} END"
            case Kind.MAP:
                whens = "".join(f" WHEN {_text(code)} THEN {_value(value)}" for code, value in _named(source))
                others = source.values.get(OTHERS)
                mapped = f"CASE {column} #>> '{{}}'{whens}{'' if others is None else f' ELSE {_value(others)}'} END"
                if not whens:
                    mapped = _value(others) if others is not None else "NULL"
                return f"CASE WHEN {column} IS NOT NULL THEN {mapped} END"


def _named(source: Source) -> list[tuple[str, Value]]:
    return [(code, value) for code, value in source.values.items() if code != OTHERS]


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else _text(str(value))
