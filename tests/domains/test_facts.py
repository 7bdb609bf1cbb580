"""Facts from the tables: what a check reads of one household is what a screening reads of all."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from slrt_api.areas.codelists import Question, QuestionType, load_code_lists, load_questions
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.programs import answers, loading, relations
from slrt_api.programs.answers import Given
from slrt_api.programs.answers import Kind as AnswerKind
from slrt_api.programs.facts import FactType, HouseholdFacts, Origin, Subject, Told, vocabulary

REGENCY, AREA = 3401, 3401012001
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SEED = 6


class TestAnswers:
    def tell(self, subject: Subject, *given: tuple[str, str, Any, date]) -> dict[str, Told]:
        return answers.facts_of(
            subject,
            {(instrument, question): Given(value, "DECLARED", day) for instrument, question, value, day in given},
        )

    def test_the_newest_answer_counts_and_of_one_day_our_own(self) -> None:
        old, new = date(2025, 1, 1), date(2026, 1, 1)
        theirs = ("REGSOSEK2022K", "410", "1", new)
        assert self.tell(Subject.PERSON, theirs, ("SLRT", "pregnant", "NO", old))["pregnant"].value is True
        assert self.tell(Subject.PERSON, theirs, ("SLRT", "pregnant", "NO", new))["pregnant"].value is False
        told = self.tell(Subject.PERSON, theirs)["pregnant"]
        assert (told.source, told.as_of) == ("REGSOSEK2022K 410 DECLARED", new)

    def test_the_two_instruments_number_school_differently(self) -> None:
        day = date(2026, 1, 1)
        assert self.tell(Subject.PERSON, ("REGSOSEK2022K", "412", "1", day))["in_school"].value is False
        assert self.tell(Subject.PERSON, ("PBDT2015", "school_participation", "1", day))["in_school"].value is True

    def test_nine_difficulties_are_one_disability_and_an_unasked_one_leaves_it_open(self) -> None:
        day = date(2026, 1, 1)
        asked = [("REGSOSEK2022K", f"428{letter}", "4", day) for letter in "abcdefghi"]
        assert self.tell(Subject.PERSON, *asked)["disability"].value is False
        assert "disability" not in self.tell(Subject.PERSON, *asked[:8])
        told = self.tell(Subject.PERSON, *asked[:3], ("REGSOSEK2022K", "428d", "2", day))
        assert told["disability"].value is True
        assert "severe_disability" not in told

    def test_what_an_answer_does_not_tell_is_not_known(self) -> None:
        day = date(2026, 1, 1)
        assert self.tell(Subject.PERSON, ("REGSOSEK2022K", "431a", ["99"], day)) == {}
        assert "civil_servant" not in self.tell(Subject.PERSON, ("REGSOSEK2022K", "418", "5", day))
        meters = self.tell(Subject.HOUSEHOLD, ("REGSOSEK2022K", "307b", ["2", "1"], day))
        assert (meters["meter_va"].value, meters["meter_count"].value) == (900, 2)

    def test_every_source_is_a_question_and_tells_what_the_fact_can_be(self) -> None:
        lists, questions = load_code_lists(), load_questions()
        for fact, groups in answers.sources().items():
            spec = vocabulary()[fact]
            assert spec.origin is Origin.ANSWER
            for source in (each for group in groups for each in group):
                question = questions[source.instrument, source.question]
                assert question.subject.value == spec.subject.value
                assert set(source.values) - {answers.OTHERS} <= (
                    lists[question.list_name].codes if question.list_name else set()
                )
                if source.kind is AnswerKind.SAME:
                    assert question.list_name == spec.list_name
                for value in source.values.values():
                    assert type(value) is {FactType.BOOLEAN: bool, FactType.INTEGER: int}.get(spec.type, str)
                    assert spec.type is not FactType.CODE or value in spec.codes

    def test_the_guide_tells_the_vocabulary(self) -> None:
        guide = Path(__file__).parents[2] / "docs" / "facts.md"
        assert guide.read_text() == answers.described(), "python -m slrt_api.programs.answers > docs/facts.md"

    def test_every_fact_that_is_answered_has_a_question(self) -> None:
        assert {spec.name for spec in vocabulary().values() if spec.origin is Origin.ANSWER} == set(answers.sources())


async def test_a_screening_reads_the_same_facts_as_a_check(owner: asyncpg.Connection) -> None:
    chance = random.Random(SEED)
    ids = await regency(owner, chance)
    found = [await loading.household_facts(owner.fetch, REGENCY, id_) for id_ in sorted(ids)]
    read = tuple(each for each in found if each is not None)
    assert [each.id for each in read] == sorted(ids)[:-1]

    of_households, of_persons = [
        {row["id"]: dict(row) for row in await owner.fetch(query, REGENCY, ids)}
        for query in (relations.households(), relations.persons())
    ]
    told = 0
    for household in read:
        told += same(of_households.pop(household.id), household.facts, Subject.HOUSEHOLD)
        for member in household.members:
            row = of_persons.pop(member.id)
            assert row["household_id"] == household.id
            told += same(row, member.facts, Subject.PERSON)
    assert (of_households, of_persons) == ({}, {})
    assert told > 20 * len(read)
    statuses = [member.facts.get("nik_status") for each in read for member in each.members]
    # What nobody has asked yet is not known; the day is that of the last answer.
    assert {(each.value, each.source, each.as_of) for each in statuses if each is not None} == {
        (status, "CIVIL_REGISTRY", day) for status in ("MATCHED", "DECEASED") for day in (NOW.date(), None)
    }
    assert None in statuses

    received = await owner.fetch(relations.enrollments(), REGENCY, ids)
    assert sorted(map(enrolled, received), key=str) == sorted(of_checks(read), key=str)
    assert len(received) > len(read) // 2


def same(row: dict[str, Any], facts: Any, subject: Subject) -> int:
    values = {name: row[name] for name in relations.names(subject) if row[name] is not None}
    assert values == {name: told.value for name, told in facts.items()}
    return len(values)


def enrolled(row: Any) -> tuple[Any, ...]:
    return row["household_id"], row["person_id"], row["program"], row["started_on"], row["ended_on"]


def of_checks(read: tuple[HouseholdFacts, ...]) -> list[tuple[Any, ...]]:
    return [
        (household.id, each.person_id, each.program, each.started_on, each.ended_on)
        for household in read
        for each in household.enrollments
    ]


def answer(question: Question, chance: random.Random) -> str:
    """A JSON text that the question takes."""
    codes = sorted(load_code_lists()[question.list_name].codes) if question.list_name else []
    match question.type:
        case QuestionType.CODE:
            return f'"{chance.choice(codes)}"'
        case QuestionType.NUMBER:
            return str(chance.randint(question.low or 0, min(question.high or 9, 10**12)))
        case QuestionType.DATE:
            return f'"{date(2026, 1, 1) + timedelta(days=chance.randrange(300))}"'
        case _:
            return "[{}]".format(", ".join(f'"{code}"' for code in chance.sample(codes, chance.randint(1, 2))))


async def regency(owner: asyncpg.Connection, chance: random.Random) -> list[UUID]:
    """Thirty households with people, answers of every question, releases and enrollments; the last one has ended."""
    programs = [row["id"] for row in await owner.fetch("SELECT id FROM programs ORDER BY code LIMIT 3")]
    assert len(programs) == 3
    ids = sorted(new_id(Kind.HOUSEHOLD, REGENCY) for _ in range(30))
    persons: list[UUID] = []
    for number, id_ in enumerate(ids):
        await owner.execute(
            "INSERT INTO households (regency, id, area, version, created_at, updated_at, address, captured_at, received_at,"
            " registered_by, ended_at, ended_as) VALUES ($1, $2, $3, 1, $4, $4, 'x', $4, $4, 'x', $5, $6)",
            *(REGENCY, id_, AREA, NOW),
            *((NOW, "DISSOLVED") if number == len(ids) - 1 else (None, None)),
        )
        for position in range(chance.randint(0, 4)):
            person = new_id(Kind.PERSON, REGENCY)
            persons.append(person)
            born = chance.choice([None, date(1960 + chance.randrange(60), 2, 28)])
            provenance = chance.choice(
                ["{}", '{"birth_date": {"value": null, "source": "DOCUMENT", "as_of": "2026-01-01"}}']
            )
            await owner.execute(
                "INSERT INTO persons (regency, id, area, created_at, updated_at, name, sex, birth_date, provenance,"
                " matching_status) VALUES ($1, $2, $3, $4, $4, 'x', $5, $6, $7::jsonb, $8)",
                *(REGENCY, person, AREA, NOW, chance.choice("FM"), born, provenance),
                chance.choice(["NOT_MATCHED_YET", "MATCHED", "DECEASED"]),
            )
            if chance.random() < 0.5:
                await owner.execute(
                    "INSERT INTO civil_checks (regency, id, area, version, created_at, updated_at, person_id, status, attempts,"
                    " requested_by, standing, basis, asked_at, expires_at)"
                    " VALUES ($1, gen_random_uuid(), $2, 2, $3, $3, $4, 'ANSWERED', 1, 'x', 'IN_FORCE', '\\x00', $3, $3)",
                    *(REGENCY, AREA, NOW, person),
                )
            left = chance.random() < 0.1
            await owner.execute(
                "INSERT INTO memberships (regency, id, area, ordinal, valid_from, household_id, relation, position, valid_to)"
                " VALUES ($1, $2, $3, 1, '2020-01-01', $4, $5, $6, $7)",
                *(
                    REGENCY,
                    person,
                    AREA,
                    id_,
                    "CHILD" if position else "HEAD",
                    position,
                    date(2026, 1, 1) if left else None,
                ),
            )
    for subject, owners in ((Subject.HOUSEHOLD, ids), (Subject.PERSON, persons)):
        for id_ in owners:
            for question in load_questions().values():
                if question.subject.value == subject.value and chance.random() < 0.5:
                    await owner.execute(
                        "INSERT INTO answers (regency, id, area, owner_id, instrument, question, value, special, source, as_of,"
                        " replaced_at, created_at) VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6::jsonb, false, 'DECLARED',"
                        " $7, $8, $9)",
                        *(REGENCY, AREA, id_, question.instrument, question.code, answer(question, chance)),
                        date(2026, 1, chance.randint(1, 3)),
                        NOW if chance.random() < 0.1 else None,
                        NOW,
                    )
    await releases(owner, chance, [*ids, *persons])
    for id_ in [*ids, *persons]:
        household = id_ if id_ in ids else ids[0]
        await owner.execute(
            "INSERT INTO enrollments (regency, id, area, version, created_at, updated_at, program_id, household_id, person_id,"
            " started_on, ended_on, source, as_of) VALUES ($1, $2, $3, 1, $4, $4, $5, $6, $7, '2026-01-01', $8, 'IMPORT',"
            " '2026-02-01')",
            *(REGENCY, new_id(Kind.ENROLLMENT, REGENCY), AREA, NOW, chance.choice(programs), household),
            *(None if id_ in ids else id_, chance.choice([None, date(2026, 6, 30)])),
        )
    return ids


async def releases(owner: asyncpg.Connection, chance: random.Random, owners: list[UUID]) -> None:
    for release, as_of in (("2026-Q1", date(2026, 3, 31)), ("2026-Q2", date(2026, 6, 30))):
        snapshot = new_id(Kind.SNAPSHOT, REGENCY)
        await owner.execute(
            "INSERT INTO registry_snapshots (regency, id, area, version, created_at, updated_at, source, release, as_of,"
            " loaded_at, entries) VALUES ($1, $2, $3, 1, $4, $4, 'DTSEN', $5, $6, $4, 0)",
            *(REGENCY, snapshot, AREA, NOW, release, as_of),
        )
        for id_ in owners:
            if chance.random() < 0.6:
                outcome = chance.choice(["IN_REGISTRY", "IN_REGISTRY", "NOT_FOUND", "AMBIGUOUS"])
                desil = chance.choice([None, 1, 4, 10]) if outcome == "IN_REGISTRY" else None
                await owner.execute(
                    "INSERT INTO registry_facts (regency, id, area, snapshot_id, source, release, as_of, outcome, desil)"
                    " VALUES ($1, $2, $3, $4, 'DTSEN', $5, $6, $7, $8)",
                    *(REGENCY, id_, AREA, snapshot, release, as_of, outcome, desil),
                )


@pytest.mark.parametrize("subject", list(Subject))
async def test_a_fact_is_a_column_of_its_type(owner: asyncpg.Connection, subject: Subject) -> None:
    query = relations.households() if subject is Subject.HOUSEHOLD else relations.persons()
    asked = await owner.prepare(query)
    columns = {column.name: column.type.name for column in asked.get_attributes()}
    for key in ("id", "area", "household_id"):
        columns.pop(key, None)
    written = {"bool": "boolean", "int4": "integer", "int8": "bigint", "varchar": "text"}
    assert {name: written.get(type_, type_) for name, type_ in columns.items()} == {
        name: relations.TYPES[vocabulary()[name].type] for name in relations.names(subject)
    }
