"""What PostgreSQL makes of rules for a whole relation is what Python makes of them one by one: outcomes and every criterion."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import boundaries
from tests.eligibility import criterion, rule
from tests.sizes import size

from slrt_api.kernel.criteria import Truth
from slrt_api.programs import catalog, sql
from slrt_api.programs.codes import Outcome
from slrt_api.programs.criteria import Rule, Unit, chosen
from slrt_api.programs.evaluation import Result, Situation, evaluate
from slrt_api.programs.facts import (
    Enrollment,
    FactType,
    HouseholdFacts,
    PersonFacts,
    Spec,
    Subject,
    Told,
    vocabulary,
)
from slrt_api.runtime.embedded import EmbeddedPostgres

TRUTHS = {True: Truth.TRUE, False: Truth.FALSE, None: Truth.UNKNOWN}
PROGRAMS = ("PKH", "SEMBAKO", "BLT-DD")
DAYS = (date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1), date(2026, 3, 31), date(2026, 11, 22))
AREAS = (3326012001, 3326012002, 3326022001, 3374011001)
AREA_CODES = ("33", "33.26", "33.26.01", "33.26.01.2001", "33.74", "91")
HOUSEHOLD_FACTS = ("desil", "registry_status", "owns_house", "income_monthly", "floor_material")
PERSON_FACTS = ("birth_date", "sex", "pregnant", "civil_servant", "wage_monthly", "school_level", "graduated_on")
COLUMN_TYPES = {
    FactType.BOOLEAN: "boolean",
    FactType.INTEGER: "integer",
    FactType.RUPIAH: "bigint",
    FactType.DATE: "date",
    FactType.CODE: "text",
}


def values(spec: Spec) -> st.SearchStrategy[Any]:
    """Few values of a fact, so that constants and facts meet."""
    match spec.type:
        case FactType.BOOLEAN:
            return st.booleans()
        case FactType.INTEGER:
            return st.integers(spec.low or 0, min(spec.high or 10, (spec.low or 0) + 9))
        case FactType.RUPIAH:
            return st.sampled_from([0, 1, 999_999, 1_000_000, 2**33])
        case FactType.CODE:
            return st.sampled_from(sorted(spec.codes)[:3])
        case FactType.DATE:
            around = st.builds(
                lambda day, months, more: day - timedelta(days=round(30.4375 * months) + more),
                st.sampled_from(DAYS),
                st.sampled_from([0, 1, 12, 35, 36, 60 * 12, 7 * 12, 18 * 12]),
                st.integers(-3, 3),
            )
            return st.one_of(around, st.sampled_from(DAYS), st.just(date(2004, 2, 29)))


def written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@st.composite
def leaves(draw: st.DrawFn, facts: Sequence[str]) -> dict[str, Any]:
    spec = vocabulary()[draw(st.sampled_from(facts))]
    kinds = ["compare", "one_of", "known"]
    if spec.type.ordered:
        kinds += ["compare", "range"]
    if spec.type is FactType.DATE:
        kinds += ["since"]
    if spec.name == "birth_date":
        kinds += ["age", "age", "age"]
    match draw(st.sampled_from(kinds)):
        case "compare":
            operators = ["=", "<>", "<", "<=", ">", ">="] if spec.type.ordered else ["=", "<>"]
            value = written(draw(values(spec)))
            return {"type": "compare", "fact": spec.name, "op": draw(st.sampled_from(operators)), "value": value}
        case "range":
            low, high = sorted((draw(values(spec)), draw(values(spec))))
            return {"type": "range", "fact": spec.name, "from": written(low), "to": written(high)}
        case "one_of":
            some = draw(st.lists(values(spec), min_size=1, max_size=3, unique=True))
            return {"type": "one_of", "fact": spec.name, "values": [written(each) for each in some]}
        case "since":
            return {"type": "since", "fact": spec.name, "months": draw(st.sampled_from([1, 12, 36]))}
        case "age":
            low, high = sorted((draw(st.sampled_from([0, 3, 6, 18, 35, 60])), draw(st.sampled_from([0, 6, 7, 60, 70]))))
            unit = draw(st.sampled_from(["YEARS", "MONTHS"]))
            on = draw(st.sampled_from([None, None, "2025-03-01", "2024-02-29"]))
            return {"type": "age", "from": low, "to": draw(st.sampled_from([high, None])), "unit": unit, "on": on}
        case _:
            return {"type": "known", "fact": spec.name}


@st.composite
def conditions(draw: st.DrawFn, context: str, depth: int = 3) -> dict[str, Any]:
    """A tree for a household, for a person who is judged, or for a member who is counted."""
    kinds = ["leaf", "leaf", "leaf"]
    if depth:
        kinds += ["all", "any", "not"]
        if context != "member":
            kinds += ["count", "count"]
    kinds += ["enrolled"]
    if context != "member":
        kinds += ["area"]
    match draw(st.sampled_from(kinds)):
        case "all" | "any" as kind:
            inner = st.lists(conditions(context, depth - 1), min_size=1, max_size=3)
            return {"type": kind, "of": draw(inner)}
        case "not":
            return {"type": "not", "of": draw(conditions(context, depth - 1))}
        case "count":
            low, high = sorted((draw(st.integers(0, 4)), draw(st.integers(0, 4))))
            ends = draw(st.sampled_from([{"at_least": low + 1}, {"at_most": high}, {"at_least": low, "at_most": high}]))
            where = draw(st.one_of(st.none(), conditions("member", depth - 1), conditions("member", depth - 1)))
            return {"type": "count", "where": where, **ends}
        case "area":
            codes = draw(st.lists(st.sampled_from(AREA_CODES), min_size=1, max_size=2, unique=True))
            return {"type": "area", "codes": codes}
        case "enrolled":
            who = {"household": ["HOUSEHOLD"], "person": ["HOUSEHOLD", "PERSON"], "member": ["PERSON"]}[context]
            return {
                "type": "enrolled",
                "program": draw(st.sampled_from(PROGRAMS)),
                "who": draw(st.sampled_from(who)),
                "within_months": draw(st.sampled_from([None, 1, 12])),
            }
        case _:
            facts = {
                "household": HOUSEHOLD_FACTS,
                "person": HOUSEHOLD_FACTS + PERSON_FACTS,
                "member": PERSON_FACTS,
            }[context]
            return draw(leaves(facts))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    unit = draw(st.sampled_from(["FAMILY", "FAMILY", "PERSON"]))
    context = "person" if unit == "PERSON" else "household"
    program = draw(st.sampled_from(PROGRAMS))

    def group(name: str, least: int, most: int) -> list[dict[str, Any]]:
        found = draw(st.lists(conditions(context), min_size=least, max_size=most))
        return [criterion(f"{name}_{place}", each) for place, each in enumerate(found)]

    others = [each for each in PROGRAMS if each != program]
    conflicts = [
        {key: value for key, value in criterion(f"CONFLICT_{each[:3]}", {}, program=each).items() if key != "when"}
        for each in draw(st.lists(st.sampled_from(others), unique=True, max_size=2))
    ]
    # One that is over on some of the days, and is not asked there.
    over = [criterion("OVER", draw(conditions(context)), valid_to="2025-02-28")] if draw(st.booleans()) else []
    return rule(
        *group("REQUIRED", 1, 3),
        *over,
        unit=unit,
        program=program,
        exclusions=group("EXCLUDED", 0, 2),
        conflicts=conflicts,
        waitlist=group("WAITS", 0, 1),
    )


def known(draw: st.DrawFn, facts: Sequence[str]) -> dict[str, Told]:
    found = {name: draw(st.one_of(st.none(), values(vocabulary()[name]), values(vocabulary()[name]))) for name in facts}
    return {name: Told(value, "test") for name, value in found.items() if value is not None}


@st.composite
def households(draw: st.DrawFn) -> list[tuple[dict[str, Told], list[dict[str, Told]], int, list[Enrollment]]]:
    return [
        (
            known(draw, HOUSEHOLD_FACTS),
            [known(draw, PERSON_FACTS) for _ in range(draw(st.integers(0, 4)))],
            draw(st.sampled_from(AREAS)),
            [
                Enrollment(
                    draw(st.sampled_from(PROGRAMS)),
                    draw(st.sampled_from([None, UUID(int=0), UUID(int=1)])),
                    start := draw(st.sampled_from([date(2023, 1, 1), date(2025, 2, 28), date(2026, 11, 22)])),
                    draw(st.sampled_from([None, None, start, date(2026, 12, 31)])),
                    "test",
                )
                for _ in range(draw(st.integers(0, 3)))
            ],
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


@dataclass(frozen=True)
class Database:
    """PostgreSQL for tests that are not coroutines themselves, as hypothesis wants them."""

    run: Callable[[Awaitable[Any]], Any]
    connection: asyncpg.Connection


@pytest.fixture(scope="module")
def database_of_facts(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres.superuser_url))
        yield Database(lambda awaitable: runner.run(_awaited(awaitable)), connection)
        runner.run(connection.close())


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def columns(subject: Subject) -> str:
    return "".join(
        f", {spec.name} {COLUMN_TYPES[spec.type]}" for spec in vocabulary().values() if spec.subject is subject
    )


def relation(parameter: int, keys: str) -> str:
    return f"(SELECT * FROM jsonb_to_recordset(${parameter}::jsonb) AS r ({keys}))"


def rows(
    facts: Sequence[HouseholdFacts],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Households as the three relations that the compiler reads."""

    def plain(told: Any) -> dict[str, Any]:
        return {name: written(each.value) for name, each in told.items()}

    return (
        [{"id": str(each.id), "area": each.area, **plain(each.facts)} for each in facts],
        [
            {"household_id": str(each.id), "id": str(member.id), **plain(member.facts)}
            for each in facts
            for member in each.members
        ],
        [
            {
                "household_id": str(each.id),
                "person_id": None if enrollment.person_id is None else str(enrollment.person_id),
                "program": enrollment.program,
                "started_on": enrollment.started_on.isoformat(),
                "ended_on": written(enrollment.ended_on),
            }
            for each in facts
            for enrollment in each.enrollments
        ],
    )


def in_sql(
    database: Database,
    judged: Sequence[Rule],
    facts: Sequence[HouseholdFacts],
    situation: Situation,
    lists: Sequence[str],
) -> dict[tuple[int, UUID, UUID | None], tuple[Outcome, Outcome, dict[str, Truth]]]:
    """(place of the rule, household, person) -> outcome, merits, criteria."""
    relations = sql.Relations(
        households=relation(1, f"id uuid, area bigint{columns(Subject.HOUSEHOLD)}"),
        persons=relation(2, f"household_id uuid, id uuid{columns(Subject.PERSON)}"),
        enrollments=relation(3, "household_id uuid, person_id uuid, program text, started_on date, ended_on date"),
        lists=lists,
    )
    compiled = sql.compile_rules(judged, situation, relations, with_criteria=True)
    statement = (
        f"WITH {compiled.ctes} SELECT id AS household_id, NULL::uuid AS person_id, outcomes, criteria FROM judged_households"
        " WHERE $1::jsonb IS NOT NULL AND $2::jsonb IS NOT NULL AND $3::jsonb IS NOT NULL"
        " UNION ALL SELECT household_id, id, outcomes, criteria FROM judged_persons"
    )
    found = database.run(database.connection.fetch(statement, *(json.dumps(each) for each in rows(facts))))
    answers = {}
    for row in found:
        of_person = row["person_id"] is not None
        group = compiled.persons if of_person else compiled.households
        codes = compiled.person_criteria if of_person else compiled.household_criteria
        places = [place for place, each in enumerate(judged) if any(each is other for other in group)]
        for number, code in enumerate(row["outcomes"]):
            criteria = {
                name: TRUTHS[truth]
                for (place, name), truth in zip(codes, row["criteria"], strict=True)
                if place == number
            }
            key = (places[number], row["household_id"], row["person_id"])
            answers[key] = (sql.outcome(code), sql.merits(code), criteria)
    return answers


def in_python(
    judged: Sequence[Rule], facts: Sequence[HouseholdFacts], situation: Situation
) -> dict[tuple[int, UUID, UUID | None], tuple[Outcome, Outcome, dict[str, Truth]]]:
    def told(result: Result) -> tuple[Outcome, Outcome, dict[str, Truth]]:
        return result.outcome, result.merits, {each.code: each.outcome for each in result.criteria}

    return {
        (place, each.id, result.person_id): told(result)
        for place, of in enumerate(judged)
        for each in facts
        for result in evaluate(of, each, situation)
    }


def made(
    drawn: Sequence[tuple[dict[str, Told], list[dict[str, Told]], int, list[Enrollment]]], lists: Sequence[str]
) -> list[HouseholdFacts]:
    facts = []
    for number, (of_household, of_members, area, enrollments) in enumerate(drawn):
        ids = [UUID(int=1000 * number + place) for place in range(1, len(of_members) + 1)]
        facts.append(
            HouseholdFacts(
                id=UUID(int=1000 * (number + 1)),
                regency=3326,
                area=area,
                facts=of_household,
                members=tuple(PersonFacts(each, told) for each, told in zip(ids, of_members, strict=True)),
                enrollments=tuple(
                    Enrollment(
                        each.program,
                        None if each.person_id is None else ids[each.person_id.int % len(ids)],
                        each.started_on,
                        each.ended_on,
                        each.source,
                    )
                    for each in enrollments
                    if each.person_id is None or ids
                ),
                enrollments_of=dict.fromkeys(lists, date(2023, 1, 1)),
            )
        )
    return facts


def test_random_rules_and_households_are_judged_alike(database_of_facts: Database) -> None:
    seen: Counter[Outcome] = Counter()

    @settings(
        max_examples=size(60, 10_000),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(
        judged=st.lists(rules(), min_size=1, max_size=4),
        drawn=households(),
        day=st.sampled_from(DAYS),
        lists=st.lists(st.sampled_from(PROGRAMS), unique=True, max_size=3),
        full=st.booleans(),
    )
    def compare(judged: list[Rule], drawn: Any, day: date, lists: list[str], full: bool) -> None:
        situation = Situation(day, {"PKH": ((3326010000, 3326019999),)} if full else {})
        facts = made(drawn, lists)
        expected = in_python(judged, facts, situation)
        assert in_sql(database_of_facts, judged, facts, situation, lists) == expected
        seen.update(outcome for outcome, _, _ in expected.values())

    compare()
    print("judged alike:", sum(seen.values()), dict(seen))
    # Otherwise less was compared than the name of the test says.
    assert set(seen) == set(Outcome)


def test_shipped_rules_are_judged_alike_for_every_household_of_the_boundary_tables(database_of_facts: Database) -> None:
    shipped = catalog.load_rules()
    days: dict[date, list[HouseholdFacts]] = {}
    for row in boundaries.every_row():
        days.setdefault(row.day, []).append(row.household)
    compared = 0
    for day, found in days.items():
        judged = [
            each for each in shipped if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
        ]
        lists = sorted({program for each in found for program in each.enrollments_of})
        facts = [renumbered(each, number, lists) for number, each in enumerate(found)]
        expected = in_python(judged, facts, Situation(day))
        assert in_sql(database_of_facts, judged, facts, Situation(day), lists) == expected
        compared += len(expected)
    # Every household is judged by every rule, not only by the one that its table is about.
    assert compared > len(shipped) * sum(map(len, days.values())) * 0.9


def renumbered(facts: HouseholdFacts, number: int, lists: Sequence[str]) -> HouseholdFacts:
    """The same household under ids that no other has."""
    ids = {each.id: UUID(int=each.id.int + 1000 * number) for each in facts.members}
    return replace(
        facts,
        id=UUID(int=1000 * (number + 1)),
        members=tuple(replace(each, id=ids[each.id]) for each in facts.members),
        enrollments=tuple(
            replace(each, person_id=None if each.person_id is None else ids[each.person_id])
            for each in facts.enrollments
        ),
        enrollments_of=dict.fromkeys(lists, date(2023, 1, 1)),
    )


def test_every_shipped_program_is_judged_by_sql_as_its_table_says(database_of_facts: Database) -> None:
    """Against the tables themselves, with the variants and the lists of recipients of each row."""
    together: dict[tuple[date, frozenset[str], tuple[str, ...]], list[boundaries.Row]] = {}
    for row in boundaries.every_row():
        together.setdefault((row.day, row.variants, tuple(sorted(row.household.enrollments_of))), []).append(row)
    wrong = []
    for (day, variants, lists), found in together.items():
        programs = sorted({row.program for row in found})
        judged = [
            chosen(each, variants)
            for each in catalog.load_rules()
            if each.program in programs and each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
        ]
        assert sorted(rule.program for rule in judged) == programs
        facts = [renumbered(row.household, number, lists) for number, row in enumerate(found)]
        answers = in_sql(database_of_facts, judged, facts, Situation(day), lists)
        for row, renamed in zip(found, facts, strict=True):
            place = next(number for number, rule in enumerate(judged) if rule.program == row.program)
            person = renamed.members[0].id if judged[place].unit is Unit.PERSON else None
            outcome, _, criteria = answers[(place, renamed.id, person)]
            said = {code: criteria[code].value if code in criteria else None for code in row.criteria}
            if outcome != row.outcome or said != row.criteria:
                wrong.append(str(row))
    assert wrong == []
