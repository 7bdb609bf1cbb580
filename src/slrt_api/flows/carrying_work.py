"""What is under way in cases whose people go to another regency: what is owed goes on there, what was planned here ends.

An emergency owes the same in the other regency, with a deadline of its own. Lines of plans, offers among officers, drafts of
referrals and the family plan are words and promises of this side's people: they are closed, with the reason of the hand-over.
A referral that runs stops the hand-over, before it comes to this.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from slrt_api.cases.codes import AssignmentStatus, FamilyPlanStatus, PlanLineStatus, TaskStatus, TaskType
from slrt_api.cases.models import Assignment, Case, FamilyPlan, PlanLine, Task
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.households.models import Household
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.referrals.models import Referral

#: case -> what its emergency still owes
Owed = Mapping[UUID, Sequence[TaskType]]
_OF_CASES: Final = "regency = $1 AND case_id = ANY ($2) AND status = '{}' ORDER BY id FOR NO KEY UPDATE"


async def owed(ledger: Ledger, cases: Collection[UUID]) -> Owed:
    """What the emergencies of these cases still owe. Nothing changes."""
    found: dict[UUID, list[TaskType]] = {}
    for task in await ledger.tx.rows(Task, _OF_CASES.format("OPEN"), ledger.regency, list(cases)):
        found.setdefault(task.case_id, []).append(TaskType(task.type))
    return found


async def leave(ledger: Ledger, cases: Collection[Case], reason: str) -> None:
    """Close what was under way in cases that end here."""
    tx, ids = ledger.tx, [case.id for case in cases]
    for task in await tx.rows(Task, _OF_CASES.format("OPEN"), ledger.regency, ids):
        closed: dict[str, Any] = {"status": TaskStatus.DROPPED.value, "done_at": tx.now, "done_by": tx.actor.subject}
        ledger.tell("tasks", await tx.update(task, **closed), (ledger.cases[task.case_id],))
    for line in await tx.rows(PlanLine, _OF_CASES.format("OPEN"), ledger.regency, ids):
        closed = {"status": PlanLineStatus.DROPPED.value, "ended_at": tx.now}
        ledger.tell("plan", await tx.update(line, **closed), (ledger.cases[line.case_id],))
    for offer in await tx.rows(Assignment, _OF_CASES.format("OFFERED"), ledger.regency, ids):
        closed = {"status": AssignmentStatus.WITHDRAWN.value, "ended_at": tx.now}
        ledger.tell("assignments", await tx.update(offer, **closed), (ledger.cases[offer.case_id],))
    for case in cases:
        ledger.set(case, offered_to=None, open_tasks=0, tasks_due_at=None)
    for draft in await tx.rows(Referral, _OF_CASES.format("DRAFT"), ledger.regency, ids):
        await tx.change(draft, "revoked", texts={"reason": reason}, status=ReferralStatus.REVOKED.value)


async def end_family_plan(ledger: Ledger, household: Household, reason: str) -> None:
    """End the plan of a family that has gone."""
    tx = ledger.tx
    where = "regency = $1 AND household_id = $2 AND status = 'ACTIVE' FOR NO KEY UPDATE"
    for plan in await tx.rows(FamilyPlan, where, ledger.regency, household.id):
        ended: dict[str, Any] = {"status": FamilyPlanStatus.ENDED.value, "ended_at": tx.now}
        await tx.change(plan, "ended", texts={"reason": reason}, **ended)
