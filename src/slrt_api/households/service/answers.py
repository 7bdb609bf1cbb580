"""Coded socio-economic answers of households and persons, each with its instrument and where it is from."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas.codelists import Question, Subject, load_code_lists, load_questions
from slrt_api.households import answers as rules
from slrt_api.households.codes import Instrument, PersonEnd
from slrt_api.households.models import Answer, Household, Person
from slrt_api.households.provenance import Source
from slrt_api.households.service.members import active
from slrt_api.households.service.persons import as_of_day
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel import errors
from slrt_api.kernel.ids import new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import pointer_to
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Owner = TypeVar("Owner", Household, Person)
_Scalar = bool | Annotated[int, Field(ge=-(10**12), le=10**12)] | float | Annotated[str, Field(max_length=100)] | None
_Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")]
MAX_ANSWERS = 300


class GiveAnswers(Command):
    """Answers to questions of one instrument, from one source and of one day."""

    instrument: Instrument = Field(
        description="The questionnaire: `REGSOSEK2022K`, `PBDT2015`, or `SLRT` for our own questions about what rules of programs"
        " ask for. Of `DTSEN39` no question is published yet.",
        examples=["REGSOSEK2022K"],
    )
    source: Source = Field(description="Who told it.", examples=["DECLARED"])
    as_of: date | None = Field(
        default=None, description="The day of which it is known; today when left out.", examples=["2026-11-22"]
    )
    verified: bool = Field(default=False, description="Whether you have checked it yourself.", examples=[True])
    answers: dict[_Code, _Scalar | list[_Scalar]] = Field(
        min_length=1,
        max_length=MAX_ANSWERS,
        description="Codes by question, as the instrument writes them; null takes an answer back. A set of codes is a list,"
        " or the sum of their numbers. Questions stand in the code lists `questions-...`, with the list of their answers"
        " as parent.",
        examples=[{"303": "8", "304": "4"}],
    )


@use_case("households.answer", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("answers",))
async def answer_household(tx: Transaction, actor: Actor, household_id: UUID, command: GiveAnswers) -> Household:
    """Record answers about a household.

    Each is checked against the code list of its question, in the instrument that is named: the same number means different
    things in two of them. An answer takes the place of the one that was given before to the same question of the same
    instrument, which is kept; questions that are not named stay as they are. The same request twice changes nothing.
    """
    household = await active(tx, household_id)
    return await _answer(tx, actor, household, Subject.HOUSEHOLD, command)


@use_case("persons.answer", scope=Scope.HOUSEHOLDS_WRITE, answers=PERSON, include=("answers",))
async def answer_person(tx: Transaction, actor: Actor, person_id: UUID, command: GiveAnswers) -> Person:
    """Record answers about a person.

    As for households. Answers about health and disability are special data: they are shown under `special_answers`, to those
    who work on cases, and in no list.
    """
    person = await tx.ask(Person, person_id)
    if person.ended_as in {PersonEnd.MERGED, PersonEnd.MOVED}:
        raise errors.Conflict("person_ended")
    return await _answer(tx, actor, person, Subject.PERSON, command)


async def _answer(tx: Transaction, actor: Actor, owner: Owner, subject: Subject, command: GiveAnswers) -> Owner:
    given = _read(subject, command)
    as_of = as_of_day(tx, command.as_of)
    verified_by = actor.subject if command.verified else None
    held = {
        row.question: row
        for row in await tx.rows(
            Answer,
            "regency = $1 AND owner_id = $2 AND instrument = $3 AND question = ANY ($4::text[]) AND replaced_at IS NULL",
            owner.regency,
            owner.id,
            command.instrument.value,
            [question.code for question, _ in given],
        )
    }
    written: list[Answer] = []
    for question, value in given:
        before = held.get(question.code)
        told = (value, command.source.value, as_of, verified_by)
        if before is None and value is None:
            continue
        if before is not None:
            if (before.value, before.source, before.as_of, before.verified_by) == told:
                continue
            gone = await tx.update(before, replaced_at=tx.now)
            if value is None:
                written.append(gone)
        if value is not None:
            written.append(
                Answer(
                    regency=owner.regency,
                    id=new_id(owner.KIND, owner.regency, tx.now),
                    area=owner.area,
                    owner_id=owner.id,
                    instrument=command.instrument.value,
                    question=question.code,
                    value=value,
                    special=question.special,
                    source=command.source.value,
                    as_of=as_of,
                    verified_by=verified_by,
                    created_at=tx.now,
                )
            )
            await tx.insert(written[-1])
    if not written:
        return owner
    # Apart, because not everybody who may read the history may know the special ones.
    parts = {
        "answers": [row for row in written if not row.special],
        "special_answers": [row for row in written if row.special],
    }
    return await tx.change(owner, "answered", parts={name: rows for name, rows in parts.items() if rows})


def _read(subject: Subject, command: GiveAnswers) -> list[tuple[Question, rules.Value | None]]:
    """The answers in their one form, by question. Raises Invalid with a fault for each that does not fit."""
    lists, questions = load_code_lists(), load_questions()
    found: list[tuple[Question, rules.Value | None]] = []
    faults: list[errors.Fault] = []
    for code, given in command.answers.items():
        question = questions.get((command.instrument.value, code))
        if question is None or question.subject is not subject:
            faults.append(errors.Fault(_place(code), "question_unknown", "Give a question of this instrument."))
            continue
        try:
            found.append((question, None if given is None else rules.read(question, given, lists)))
        except rules.Unfit as unfit:
            faults.append(errors.Fault(_place(code), unfit.code, _DETAILS[unfit.code]))
    if faults:
        raise errors.Invalid(faults=tuple(faults[:100]))
    return found


_DETAILS: Mapping[str, str] = {
    "type": "Give a code, a list of codes, a whole number, or a day as YYYY-MM-DD, as the question takes it.",
    "range": "Give a number within the bounds of the question, or a day that there is.",
    "items": "Give as many codes as the question takes, each once.",
    "unknown_code": "Give a code of the question's own list.",
}


def _place(code: str) -> str:
    # What names no question may be anything, a document number too: it is not repeated.
    known = any(code == name for _, name in load_questions())
    return pointer_to("answers", code) if known else "/answers"
