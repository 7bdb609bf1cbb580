"""Who receives which program, since when and until when. Receiving is another thing than being eligible."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.households.models import Household, Person
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.programs.codes import (
    EnrollmentAction,
    EnrollmentEnd,
    EnrollmentOrigin,
    EnrollmentStatus,
    ProgramUnit,
)
from slrt_api.programs.lifecycle import ENROLLERS, ENROLLMENT_LIFECYCLE
from slrt_api.programs.models import Enrollment, Program
from slrt_api.programs.shapes import ENROLLMENT
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class RecordEnrollment(Command):
    """That a household, or a person of it, receives a program."""

    program_id: UUID = Field(description="The program.", examples=["019aaa11-2233-8000-8009-04a1b2c3d4e5"])
    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    person_id: UUID | None = Field(
        default=None,
        description="The member who receives it: required for a program of persons, and for no other.",
        examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
    )
    started_on: date = Field(description="First day.", examples=["2026-01-01"])
    ended_on: date | None = Field(default=None, description="Last day, where it has ended.", examples=[None])
    end_reason: EnrollmentEnd | None = Field(
        default=None, description="Why it ended: asked for with `ended_on`.", examples=[None]
    )
    origin: EnrollmentOrigin = Field(description="How it is known.", examples=["REPORTED"])
    source: str = Field(
        min_length=1, max_length=100, description="Who told it, or which list.", examples=["Buku KKS keluarga"]
    )
    as_of: date | None = Field(
        default=None, description="The day of which it is known; today when left out.", examples=["2026-11-22"]
    )


class TransitionEnrollment(Command):
    """A step of an enrollment."""

    action: EnrollmentAction = Field(description="One of `allowed_actions`.", examples=["END"])
    ended_on: date | None = Field(default=None, description="Last day: required to end it.", examples=["2026-11-30"])
    end_reason: EnrollmentEnd | None = Field(
        default=None, description="Why it ended: required to end it.", examples=["GRADUATED"]
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="In words that the people concerned may read; asked for.",
        examples=["Graduasi mandiri setelah usaha berjalan"],
    )


@use_case("enrollments.record", scope=Scope.HOUSEHOLDS_WRITE, roles=ENROLLERS, answers=ENROLLMENT, creates=True)
async def record(tx: Transaction, actor: Actor, command: RecordEnrollment) -> Enrollment:
    """Record that a program is received.

    By a household, or by one person where the program is a person's. The same unit receives a program once at a time: days on
    which it is received already are refused (409 `enrollment_overlap`). Programs that do not go together are no reason to
    refuse what is so: they stand in `conflicts`.
    """
    household, program = await _referred(tx, command)
    unit = await _unit(tx, household, program, command.person_id)
    as_of = command.as_of or tx.now.date()
    _check(tx, command, as_of)
    overlapping = await tx.value(
        f"SELECT true FROM enrollments WHERE regency = $1 AND {unit[0]} = $2 AND program_id = $3 AND status <> 'VOID'"
        f"{' AND person_id IS NULL' if command.person_id is None else ''}"
        " AND started_on <= coalesce($5, 'infinity'::date) AND coalesce(ended_on, 'infinity'::date) >= $4 LIMIT 1",
        household.regency,
        unit[1],
        program.id,
        command.started_on,
        command.ended_on,
    )
    if overlapping:
        raise errors.Conflict("enrollment_overlap")
    return await tx.create(
        Enrollment(
            regency=household.regency,
            id=new_id(Kind.ENROLLMENT, household.regency, tx.now),
            area=household.area,
            created_at=tx.now,
            updated_at=tx.now,
            household_id=household.id,
            person_id=command.person_id,
            program_id=program.id,
            status=(EnrollmentStatus.ACTIVE if command.ended_on is None else EnrollmentStatus.ENDED).value,
            started_on=command.started_on,
            ended_on=command.ended_on,
            end_reason=command.end_reason.value if command.end_reason is not None else None,
            origin=command.origin.value,
            source=command.source,
            as_of=as_of,
            conflicts=await _conflicts(tx, household, program, command.started_on),
            recorded_by=actor.subject,
        ),
        "recorded",
    )


@use_case("enrollments.transition", scope=Scope.HOUSEHOLDS_WRITE, roles=ENROLLERS, answers=ENROLLMENT)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionEnrollment) -> Enrollment:
    """End an enrollment, or say that it was recorded by mistake.

    `END` needs the last day and why; `VOID` takes it out of what rules see, and keeps it in the history. Both need a reason.
    """
    row = await tx.ask(Enrollment, id_)
    line = ENROLLMENT_LIFECYCLE.advance(
        row.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    ENROLLMENT_LIFECYCLE.require_reason(line, command.reason)
    columns: dict[str, Any] = {"status": line.target}
    faults = []
    for name in ("ended_on", "end_reason"):
        given = getattr(command, name)
        if command.action is EnrollmentAction.END and given is None:
            faults.append(errors.Fault(f"/{name}", "required", "This member is required."))
        elif command.action is not EnrollmentAction.END and given is not None:
            faults.append(errors.Fault(f"/{name}", "invalid", "This value is not allowed here."))
    if command.ended_on is not None and command.ended_on < row.started_on:
        faults.append(errors.Fault("/ended_on", "range", "It ends after it began."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))
    if command.action is EnrollmentAction.END and command.end_reason is not None:
        columns |= {"ended_on": command.ended_on, "end_reason": command.end_reason.value}
    return await tx.change(row, _EVENTS[command.action], texts={"reason": command.reason}, **columns)


_EVENTS: Final = {EnrollmentAction.END: "ended", EnrollmentAction.VOID: "voided"}
#: programs that $2 receives on the day $4 and that do not go together with $3: the rule of either says so
_CONFLICTING: Final = """
WITH stated AS (
    SELECT p.code AS program, c ->> 'program' AS other
    FROM rule_versions v JOIN programs p ON p.id = v.program_id
    CROSS JOIN LATERAL jsonb_array_elements(coalesce(v.rule -> 'conflicts', '[]'::jsonb)) AS c
    WHERE v.status IN ('PUBLISHED', 'SUPERSEDED') AND v.valid_from <= $4 AND (v.valid_to IS NULL OR v.valid_to >= $4)
      AND (c ->> 'valid_from')::date <= $4 AND coalesce((c ->> 'valid_to')::date, $4) >= $4
)
SELECT DISTINCT g.code FROM enrollments e JOIN programs g ON g.id = e.program_id
WHERE e.regency = $1 AND e.household_id = $2 AND g.code <> $3 AND e.status <> 'VOID' AND e.started_on <= $4
  AND (e.ended_on IS NULL OR e.ended_on >= $4)
  AND ((g.code, $3) IN (SELECT program, other FROM stated) OR ($3, g.code) IN (SELECT program, other FROM stated))
ORDER BY g.code
"""


async def _referred(tx: Transaction, command: RecordEnrollment) -> tuple[Household, Program]:
    # The household is locked, so that two enrollments of it do not overlap unseen.
    try:
        household = await tx.lock(Household, command.household_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/household_id") from None
    if household.ended_at is not None:
        raise errors.Conflict("household_ended")
    program = await tx.find(Program, command.program_id)
    if program is None:
        raise errors.Invalid.reference("/program_id")
    return household, program


async def _unit(tx: Transaction, household: Household, program: Program, person_id: UUID | None) -> tuple[str, UUID]:
    """Column and id of who receives it. Raises Invalid where that is not the unit of the program, or no member."""
    if program.unit != ProgramUnit.PERSON:
        if person_id is not None:
            raise errors.Invalid.at("/person_id", "unit_of_program", "Leave it out: the program is a family's.")
        return "household_id", household.id
    if person_id is None:
        raise errors.Invalid.at("/person_id", "required", "This member is required.")
    try:
        await tx.lock(Person, person_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/person_id") from None
    belongs = await tx.value(
        "SELECT true FROM memberships WHERE regency = $1 AND household_id = $2 AND id = $3 AND valid_to IS NULL",
        household.regency,
        household.id,
        person_id,
    )
    if not belongs:
        raise errors.Invalid.reference("/person_id")
    return "person_id", person_id


def _check(tx: Transaction, command: RecordEnrollment, as_of: date) -> None:
    faults = []
    if command.ended_on is not None and command.ended_on < command.started_on:
        faults.append(errors.Fault("/ended_on", "range", "It ends after it began."))
    if (command.ended_on is None) is not (command.end_reason is None):
        missing = "/end_reason" if command.end_reason is None else "/ended_on"
        faults.append(errors.Fault(missing, "required", "This member is required."))
    if as_of > tx.now.date():
        faults.append(errors.Fault("/as_of", "date_in_future", "This day is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


async def _conflicts(tx: Transaction, household: Household, program: Program, on: date) -> list[str]:
    found = await tx.fetch(_CONFLICTING, household.regency, household.id, program.code, on)
    return [row["code"] for row in found]
