"""Parts of rules and of households for the tests of eligibility, as short as they can be written."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from slrt_api.programs.criteria import Rule
from slrt_api.programs.facts import Enrollment, HouseholdFacts, PersonFacts, Told, Value, vocabulary
from slrt_api.programs.validation import Catalog, faults

TODAY = date(2026, 11, 22)
HOUSEHOLD = UUID(int=1)
CATALOG = Catalog(programs={"PKH", "SEMBAKO", "BLT-DD", "PBI-JK"})


def criterion(code: str, when: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """A criterion of the test's own law."""
    return {
        "code": code,
        "label": {"id": code, "en": code},
        "citation": "test",
        "confidence": "sourced",
        "valid_from": "2020-01-01",
        "when": when,
    } | others


def rule(*requirements: Mapping[str, Any], **others: Any) -> Rule:
    """A version of the rules of PKH, for families."""
    return Rule.model_validate(
        {
            "program": "PKH",
            "version": "2026.1",
            "unit": "FAMILY",
            "citation": "test",
            "confidence": "sourced",
            "valid_from": "2026-01-01",
            "requirements": requirements or (criterion("ALWAYS", {"type": "known", "fact": "desil"}),),
        }
        | others
    )


def faulty(rule: Rule) -> list[tuple[str, str]]:
    """Where a rule is wrong, and how."""
    return [(fault.pointer, fault.code) for fault in faults(rule, CATALOG)]


def told(values: Mapping[str, Value]) -> dict[str, Told]:
    """Facts that a document of this month tells."""
    assert values.keys() <= vocabulary().keys()
    return {name: Told(value, "DOCUMENT", date(2026, 11, 1)) for name, value in values.items()}


def person(number: int, **values: Value) -> PersonFacts:
    return PersonFacts(UUID(int=100 + number), told(values))


def family(
    *members: PersonFacts,
    area: int = 3326012001,
    enrollments: tuple[Enrollment, ...] = (),
    lists: tuple[str, ...] = (),
    **values: Value,
) -> HouseholdFacts:
    """A household; `lists` are the programs of which all recipients are known."""
    return HouseholdFacts(
        id=HOUSEHOLD,
        regency=3326,
        area=area,
        facts=told(values),
        members=members,
        enrollments=enrollments,
        enrollments_of=dict.fromkeys(lists, date(2026, 11, 1)),
    )


def receives(
    program: str, who: PersonFacts | None = None, start: date = date(2026, 1, 1), end: date | None = None
) -> Enrollment:
    return Enrollment(program, None if who is None else who.id, start, end, "IMPORT", start)
