"""The plan of a case: who does what by when, and what became of it."""

from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes
from slrt_api.cases.codes import CaseStatus, PlanAction, PlanLineStatus
from slrt_api.cases.lifecycle import TERMINAL
from slrt_api.cases.models import Case, PlanLine
from slrt_api.cases.parts import PLAN_LINE_LIFECYCLE
from slrt_api.cases.service.needs import of_case
from slrt_api.cases.shapes import CASE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

MAX_LINES = 100
_LINE: Final = ["019aaa11-2233-8000-8cfe-b4a1b2c3d4e5"]
_RESPONSIBLE: Final = ("responsible_role", "responsible_organization_id", "responsible_subject")
_EVENTS: Final = {
    PlanAction.DONE: "plan_line_done",
    PlanAction.DROP: "plan_line_dropped",
    PlanAction.REOPEN: "plan_line_reopened",
}


class AddPlanLine(Command):
    """Who does what by when; exactly one is named who does it."""

    action: str = Field(
        min_length=1, max_length=1000, description="What is to be done.", examples=["Antar berkas ke kantor BPJS"]
    )
    due_on: date = Field(description="By which day.", examples=["2026-12-14"])
    need_id: UUID | None = Field(
        default=None,
        description="The need of the case that it serves.",
        examples=["019aaa11-2233-8000-8cfe-10a1b2c3d4e5"],
    )
    responsible_role: Role | None = Field(default=None, description="Whoever has this role.", examples=["facilitator"])
    responsible_organization_id: UUID | None = Field(
        default=None, description="An organization.", examples=["019aaa11-2233-8000-8cfe-20a1b2c3d4e5"]
    )
    responsible_subject: str | None = Field(
        default=None,
        min_length=3,
        max_length=300,
        pattern="^[^#]+#.+$",
        description="An officer, as `issuer#subject`.",
        examples=["https://sso.example.go.id#4711"],
    )


class TransitionPlanLine(Command):
    """What became of a line."""

    line_id: UUID = Field(description="A line of the plan.", examples=_LINE)
    action: PlanAction = Field(
        description="`DONE` with `evidence`, `DROP` with a reason, `REOPEN` what was ended too early.",
        examples=["DONE"],
    )
    evidence: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="What shows that it was done; asked for by `DONE`.",
        examples=["Tanda terima berkas 12/2026"],
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; asked for by `DROP` and `REOPEN`.",
        examples=["Sudah diurus oleh keluarga sendiri"],
    )


@use_case("cases.plan", scope=Scope.CASES_WRITE, answers=CASE, include=("plan",))
async def plan(tx: Transaction, actor: Actor, case_id: UUID, command: AddPlanLine) -> Case:
    """Add a line to the plan of a case.

    In every open state: one of a role, an organization or an officer does something by a day that has not passed. Who is
    late is told by the worker once (`case.plan_line_due`), on the day itself.
    """
    case = await tx.ask(Case, case_id)
    if CaseStatus(case.status) in TERMINAL:
        raise errors.Conflict("case_closed")
    named = [name for name in _RESPONSIBLE if getattr(command, name) is not None]
    if len(named) != 1:
        place = f"/{named[1]}" if named else "/responsible_role"
        raise errors.Invalid.at(place, "one_of", "Name exactly one who is responsible.")
    if command.due_on < tx.now.astimezone(ZoneInfo(codes.time_zone(codes.area_code(case.area)))).date():
        raise errors.Invalid.at("/due_on", "date_in_past", "Give a day that has not passed.")
    if command.need_id is not None:
        await of_case(tx, case, command.need_id)
    organization_id = command.responsible_organization_id
    if organization_id is not None and await tx.find(Organization, organization_id) is None:
        raise errors.Invalid.reference("/responsible_organization_id")
    lines = await tx.value(
        "SELECT count(*) FROM case_plan_lines WHERE regency = $1 AND case_id = $2", case.regency, case.id
    )
    if lines >= MAX_LINES:
        raise errors.Conflict("plan_full")
    line = PlanLine(
        regency=case.regency,
        id=new_id(Kind.CASE_PLAN_LINE, case.regency, tx.now),
        area=case.area,
        case_id=case.id,
        need_id=command.need_id,
        action=command.action,
        responsible_role=command.responsible_role.value if command.responsible_role is not None else None,
        responsible_organization_id=organization_id,
        responsible_subject=command.responsible_subject,
        due_on=command.due_on,
        status=PlanLineStatus.OPEN.value,
        planned_by=actor.subject,
        created_at=tx.now,
    )
    await tx.insert(line)
    return await tx.change(case, "plan_line_added", parts={"plan": [line]})


@use_case("cases.transition_plan_line", scope=Scope.CASES_WRITE, answers=CASE, include=("plan",))
async def transition_plan_line(tx: Transaction, actor: Actor, case_id: UUID, command: TransitionPlanLine) -> Case:
    """Say what became of a line of the plan.

    `DONE` needs `evidence`, `DROP` a reason. Also of a case that has ended: what was promised is still to be accounted for.
    """
    case = await tx.ask(Case, case_id)
    found = await tx.rows(
        PlanLine, "regency = $1 AND case_id = $2 AND id = $3 FOR NO KEY UPDATE", case.regency, case.id, command.line_id
    )
    if not found:
        raise errors.Invalid.reference("/line_id")
    way = PLAN_LINE_LIFECYCLE.advance(
        found[0].status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    wanted = "evidence" if command.action is PlanAction.DONE else "reason"
    if getattr(command, wanted) is None:
        raise errors.Invalid.at(f"/{wanted}", "required", "This member is required.")
    line = await tx.update(
        found[0],
        status=way.target,
        evidence=command.evidence,
        ended_at=None if way.target == PlanLineStatus.OPEN else tx.now,
    )
    return await tx.change(case, _EVENTS[command.action], parts={"plan": [line]}, texts={"reason": command.reason})


@use_case("cases.remind_plan_line", scope=None, conditional=False)
async def remind(tx: Transaction, actor: Actor, line_id: UUID) -> None:
    """Tell that a line of a plan is due.

    For the worker, one line an act. Nothing happens where somebody else is at it, where it was told before, is not due any
    more or belongs to a case that has ended.
    """
    if actor.role != "worker":
        raise errors.Forbidden("role_not_allowed")
    seen = await tx.get(PlanLine, line_id)
    # The case before its part, as everybody locks them.
    cases = await tx.rows(Case, "regency = $1 AND id = $2 FOR NO KEY UPDATE SKIP LOCKED", seen.regency, seen.case_id)
    lines = await tx.rows(
        PlanLine,
        "regency = $1 AND id = $2 AND status = 'OPEN' AND reminded_at IS NULL FOR NO KEY UPDATE",
        seen.regency,
        line_id,
    )
    if not cases or not lines:
        return
    line = await tx.update(lines[0], reminded_at=tx.now)
    if CaseStatus(cases[0].status) not in TERMINAL:
        await tx.change(cases[0], "plan_line_due", parts={"plan": [line]})
