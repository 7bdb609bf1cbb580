"""Who works on a case: given by who leads, handed over from one officer to another, accepted or declined."""

from typing import Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.cases.codes import AssignmentAnswer, AssignmentStatus, CaseStatus
from slrt_api.cases.lifecycle import TERMINAL, UNIT
from slrt_api.cases.models import Assignment, Case
from slrt_api.cases.parts import ASSIGNMENT_COLUMNS, ASSIGNMENT_LIFECYCLE, NOT_YOURS
from slrt_api.cases.shapes import CASE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: whose word is enough: they lead officers, and answer for who does what
LEADERS: Final = frozenset({Role.PUSKESOS_COORDINATOR, Role.SUPERVISOR, Role.SECRETARIAT_MANAGER})


class AssignCase(Command):
    """An officer who is to work on the case."""

    assignee: str = Field(
        min_length=2,
        max_length=300,
        pattern="^(me|[^#]+#.+)$",
        description="`me`, or an officer as `issuer#subject`.",
        examples=["me"],
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Why; asked for where a case is handed over.",
        examples=["Pindah tugas ke kecamatan lain"],
    )


class AnswerAssignment(Command):
    """What becomes of an offer."""

    answer: AssignmentAnswer = Field(
        description="`ACCEPT` or `DECLINE` by whom it is offered to, `WITHDRAW` by who offered it.", examples=["ACCEPT"]
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Why; asked for by `DECLINE`.",
        examples=["Saya mengenal keluarga ini"],
    )


@use_case("cases.assign", scope=Scope.CASES_WRITE, roles=UNIT, answers=CASE, include=("assignments",))
async def assign(tx: Transaction, actor: Actor, case_id: UUID, command: AssignCase) -> Case:
    """Assign a case to an officer.

    Who takes a case that nobody has (`me`) has it at once, as does whom a coordinator, supervisor or manager names. An
    officer who has it, and hands it over, offers it: it stays theirs until the other accepts. One offer at a time
    (409 `assignment_offered`). `assignee=me` lists one's own cases, `offered_to=me` what waits for one's answer.
    """
    case = await tx.ask(Case, case_id)
    if CaseStatus(case.status) in TERMINAL:
        raise errors.Conflict("case_closed")
    assignee = actor.subject if command.assignee == "me" else command.assignee
    if assignee == case.assignee:
        raise errors.Conflict("assignee_unchanged")
    leads = Role(actor.role) in LEADERS
    if case.offered_to is not None and not leads:
        raise errors.Conflict("assignment_offered")
    if (case.assignee is None and assignee == actor.subject) or leads:
        return await _give(tx, actor, case, assignee, command.reason)
    if case.assignee != actor.subject:
        # A case that another officer has is taken by nobody; that has to be asked of who leads.
        raise errors.Forbidden("not_the_assignee")
    if command.reason is None:
        raise errors.Invalid.at("/reason", "reason_required", "Say why, in words that the people concerned may read.")
    row = _row(tx, actor, case, assignee, AssignmentStatus.OFFERED, command.reason)
    await tx.insert(row)
    return await tx.change(case, "assignment_offered", parts={"assignments": [row]}, offered_to=assignee)


@use_case("cases.answer_assignment", scope=Scope.CASES_WRITE, roles=UNIT, answers=CASE, include=("assignments",))
async def answer_assignment(tx: Transaction, actor: Actor, case_id: UUID, command: AnswerAssignment) -> Case:
    """Answer the offer of a case.

    `ACCEPT` and `DECLINE` (with a reason) by the officer whom it is offered to, `WITHDRAW` by who offered it. Accepting
    ends the assignment of who had it.
    """
    case = await tx.ask(Case, case_id)
    found = await tx.rows(
        Assignment,
        "regency = $1 AND case_id = $2 AND status = 'OFFERED' FOR NO KEY UPDATE",
        case.regency,
        case.id,
    )
    if not found:
        raise errors.Conflict("no_assignment_offered")
    offer = found[0]
    try:
        line = ASSIGNMENT_LIFECYCLE.advance(
            offer.status,
            command.answer,
            role=actor.role,
            scopes=actor.scopes,
            row={name: getattr(offer, name) for name in ASSIGNMENT_COLUMNS} | {"case_open": case.closed_at is None},
            actor=actor.guard_facts,
        )
    except errors.Conflict as refused:
        # Whose it is, is no state of the offer but a right to it.
        raise errors.Forbidden(refused.code) if refused.code == NOT_YOURS else refused from None
    ASSIGNMENT_LIFECYCLE.require_reason(line, command.reason)
    if command.answer is AssignmentAnswer.ACCEPT:
        rows = [*await _end_active(tx, case)]
        rows.append(await tx.update(offer, status=line.target, began_at=tx.now))
        return await tx.change(
            case, "assignment_accepted", parts={"assignments": rows}, assignee=offer.assignee, offered_to=None
        )
    row = await tx.update(offer, status=line.target, ended_at=tx.now, answer=command.reason)
    return await tx.change(case, f"assignment_{line.target.lower()}", parts={"assignments": [row]}, offered_to=None)


async def _give(tx: Transaction, actor: Actor, case: Case, assignee: str, reason: str | None) -> Case:
    """The case is the officer's from now on; what was offered before is withdrawn."""
    offers = await tx.rows(
        Assignment, "regency = $1 AND case_id = $2 AND status = 'OFFERED' FOR NO KEY UPDATE", case.regency, case.id
    )
    rows = await _end_active(tx, case)
    rows += [await tx.update(offer, status=AssignmentStatus.WITHDRAWN.value, ended_at=tx.now) for offer in offers]
    row = _row(tx, actor, case, assignee, AssignmentStatus.ACTIVE, reason)
    await tx.insert(row)
    return await tx.change(case, "assigned", parts={"assignments": [*rows, row]}, assignee=assignee, offered_to=None)


async def _end_active(tx: Transaction, case: Case) -> list[Assignment]:
    active = await tx.rows(
        Assignment, "regency = $1 AND case_id = $2 AND status = 'ACTIVE' FOR NO KEY UPDATE", case.regency, case.id
    )
    return [await tx.update(row, status=AssignmentStatus.ENDED.value, ended_at=tx.now) for row in active]


def _row(
    tx: Transaction, actor: Actor, case: Case, assignee: str, status: AssignmentStatus, reason: str | None
) -> Assignment:
    return Assignment(
        regency=case.regency,
        id=new_id(Kind.ASSIGNMENT, case.regency, tx.now),
        area=case.area,
        case_id=case.id,
        assignee=assignee,
        offered_by=actor.subject,
        status=status.value,
        reason=reason,
        created_at=tx.now,
        began_at=tx.now if status is AssignmentStatus.ACTIVE else None,
    )
