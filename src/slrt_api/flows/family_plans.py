"""A plan for a family: one goal that groups its cases. Each case keeps its own way, its own people and its own deadlines."""

from typing import Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import CaseStatus, FamilyPlanAction, FamilyPlanStatus
from slrt_api.cases.lifecycle import TERMINAL, UNIT
from slrt_api.cases.models import Case, FamilyPlan
from slrt_api.cases.parts import FAMILY_PLAN_LIFECYCLE
from slrt_api.cases.shapes import FAMILY_PLAN
from slrt_api.households.models import Household
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_CASE: Final = "019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"


class MakeFamilyPlan(Command):
    """A goal for a household, and the cases that serve it."""

    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    goal: str = Field(
        min_length=1,
        max_length=2000,
        description="What is to be different for the family.",
        examples=["Anak kembali bersekolah dan ibu berpenghasilan tetap"],
    )
    case_ids: tuple[UUID, ...] = Field(
        min_length=1, max_length=20, description="Open cases of the household.", examples=[[_CASE]]
    )


class TransitionFamilyPlan(Command):
    """A change of a family plan."""

    action: FamilyPlanAction = Field(
        description="`ADD_CASE` and `REMOVE_CASE` with `case_id`; `END` with a reason.", examples=["ADD_CASE"]
    )
    case_id: UUID | None = Field(default=None, description="The case that comes or goes.", examples=[_CASE])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; asked for by `END` and `REMOVE_CASE`.",
        examples=["Tujuan tercapai"],
    )


@use_case("family_plans.make", scope=Scope.CASES_WRITE, roles=UNIT, answers=FAMILY_PLAN, creates=True)
async def make(tx: Transaction, actor: Actor, command: MakeFamilyPlan) -> FamilyPlan:
    """Make a plan for a family.

    It groups open cases of one household under a goal. A household has one such plan at a time (409 `already_exists`).
    """
    try:
        household = await tx.lock(Household, command.household_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/household_id") from None
    if household.ended_at is not None:
        raise errors.Conflict("household_ended")
    # In the order of their ids, as two cases are locked everywhere; a fault names the place in the request.
    for id_ in sorted(set(command.case_ids)):
        await _case(tx, household.id, id_, f"/case_ids/{command.case_ids.index(id_)}")
    plan = await tx.create(
        FamilyPlan(
            regency=household.regency,
            id=new_id(Kind.FAMILY_PLAN, household.regency, tx.now),
            area=household.area,
            created_at=tx.now,
            updated_at=tx.now,
            household_id=household.id,
            goal=command.goal,
            status=FamilyPlanStatus.ACTIVE.value,
            made_by=actor.subject,
        ),
        "made",
    )
    for id_ in sorted(set(command.case_ids)):
        await _join(tx, plan, id_, f"/case_ids/{command.case_ids.index(id_)}")
    return plan


@use_case("family_plans.transition", scope=Scope.CASES_WRITE, roles=UNIT, answers=FAMILY_PLAN)
async def transition(tx: Transaction, actor: Actor, plan_id: UUID, command: TransitionFamilyPlan) -> FamilyPlan:
    """Change a family plan.

    `ADD_CASE` takes in an open case of the household that is in no plan, `REMOVE_CASE` lets one go, `END` ends the plan: its
    cases stay in it, and go on by themselves.
    """
    plan = await tx.ask(FamilyPlan, plan_id)
    if plan.status == FamilyPlanStatus.ENDED:
        raise errors.Conflict("family_plan_ended")
    ends = command.action is FamilyPlanAction.END
    if ends is (command.case_id is not None):
        code, detail = (
            ("invalid", "This value is not allowed here.") if ends else ("required", "This member is required.")
        )
        raise errors.Invalid.at("/case_id", code, detail)
    line = FAMILY_PLAN_LIFECYCLE.advance(
        plan.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    FAMILY_PLAN_LIFECYCLE.require_reason(line, command.reason)
    texts = {"reason": command.reason}
    if command.case_id is None:
        return await tx.change(plan, "ended", texts=texts, status=line.target, ended_at=tx.now)
    if command.action is FamilyPlanAction.ADD_CASE:
        await _join(tx, plan, command.case_id, "/case_id")
        return await tx.change(plan, "case_added", texts=texts, notes={"case_id": str(command.case_id)})
    case = await _case(tx, plan.household_id, command.case_id, "/case_id")
    if case.family_plan_id != plan.id:
        raise errors.Invalid.reference("/case_id")
    await tx.change(case, "plan_left", texts=texts, family_plan_id=None)
    return await tx.change(plan, "case_removed", texts=texts, notes={"case_id": str(command.case_id)})


async def _join(tx: Transaction, plan: FamilyPlan, case_id: UUID, place: str) -> None:
    case = await _case(tx, plan.household_id, case_id, place)
    if CaseStatus(case.status) in TERMINAL:
        raise errors.Conflict("case_closed")
    if case.family_plan_id == plan.id:
        raise errors.Conflict("case_in_family_plan")
    await tx.change(case, "plan_joined", family_plan_id=plan.id)


async def _case(tx: Transaction, household_id: UUID, case_id: UUID, place: str) -> Case:
    """The case of the household, locked. Raises Invalid for any other."""
    try:
        case = await tx.lock(Case, case_id)
    except errors.NotFound:
        raise errors.Invalid.reference(place) from None
    if case.household_id != household_id:
        raise errors.Invalid.reference(place)
    return case
