"""What an emergency skipped: tasks with a deadline, each closed by the act that does it.

Service comes first without a look at the registry, an assessment or a consent (the basis is the vital interest of the
people). What was skipped is owed all the same, and the case does not end while it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import CaseAction, CaseStatus, IdentityDocument, TaskStatus, TaskType
from slrt_api.cases.lifecycle import TERMINAL
from slrt_api.cases.models import Case, Task
from slrt_api.cases.shapes import CASE
from slrt_api.clocks import service as clocks
from slrt_api.households.models import Household
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.registry import service as registry
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_PLACE: Final = "regency = $1 AND case_id = $2 AND status = 'OPEN'"


@dataclass(frozen=True)
class Settled:
    """Columns of the case and rows that go with them, for the event of the act that settled tasks."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()

    @property
    def parts(self) -> dict[str, Any]:
        return {"tasks": list(self.tasks)} if self.tasks else {}


class ConfirmIdentity(Command):
    """What an officer has seen of who the person is."""

    person_id: UUID = Field(
        description="The member of the household who was served.", examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"]
    )
    document: IdentityDocument = Field(description="The document that was seen.", examples=["IDENTITY_CARD"])
    evidence: str = Field(
        min_length=1,
        max_length=2000,
        description="Where and by whom it was seen, or what stands in for it.",
        examples=["KTP dilihat di ruang IGD oleh petugas"],
    )


@use_case("cases.check_registry", scope=Scope.CASES_WRITE, answers=CASE)
async def check_registry(tx: Transaction, actor: Actor, case_id: UUID) -> Case:
    """Check the household of a case against the national registry.

    Against the newest release that the regency has, as `VERIFY` does, in every open state and as often as there is a new
    release. Of an emergency it settles the task `REGISTRY_CHECK`. Not being found never stops a case.
    """
    case = await tx.ask(Case, case_id)
    _open(case)
    settled = await settle(tx, case, {TaskType.REGISTRY_CHECK})
    return await tx.change(case, "registry_checked", parts=settled.parts, **await checked(tx, case), **settled.columns)


@use_case("cases.confirm_identity", scope=Scope.CASES_WRITE, answers=CASE)
async def confirm_identity(tx: Transaction, actor: Actor, case_id: UUID, command: ConfirmIdentity) -> Case:
    """Confirm who was served in an emergency.

    Settles the task `IDENTITY`; 409 `task_not_open` where none is open. `include=tasks` shows what was seen.
    """
    case = await tx.ask(Case, case_id)
    _open(case)
    member = await tx.value(
        "SELECT true FROM memberships WHERE regency = $1 AND id = $2 AND household_id = $3 AND valid_to IS NULL",
        case.regency,
        command.person_id,
        case.household_id,
    )
    if not member:
        raise errors.Invalid.reference("/person_id")
    settled = await settle(tx, case, {TaskType.IDENTITY}, document=command.document.value, evidence=command.evidence)
    if not settled.tasks:
        raise errors.Conflict("task_not_open")
    return await tx.change(case, "identity_confirmed", parts=settled.parts, **settled.columns)


async def checked(tx: Transaction, case: Case) -> dict[str, Any]:
    """Columns of what the newest release of the registry says of the household; empty of it while none is loaded."""
    found = await registry.check(tx, await tx.get(Household, case.household_id))
    if found is None:
        return {"registry_outcome": None, "registry_snapshot_id": None, "registry_checked_at": None}
    return {
        "registry_outcome": found.outcome.value,
        "registry_snapshot_id": found.snapshot.id,
        "registry_checked_at": tx.now,
        "proposal_wanted": found.outcome is RegistryOutcome.NOT_FOUND,
    }


async def owe(tx: Transaction, case: Case) -> Settled:
    """Begin the tasks of a case that becomes an emergency: all that has not been done before."""
    owed = [TaskType.IDENTITY]
    if case.registry_checked_at is None:
        owed.append(TaskType.REGISTRY_CHECK)
    if not case.assessed:
        owed.append(TaskType.ASSESSMENT)
    owed.append(TaskType.CONSENT)
    if case.open_tasks:
        # Of one that came from another regency, what was owed there is owed already.
        open_ = await tx.rows(Task, _PLACE, case.regency, case.id)
        owed = [each for each in owed if each not in {task.type for task in open_}]
    begun, due_at = await begin(tx, case, owed)
    await tx.insert(*begun)
    return Settled({"open_tasks": case.open_tasks + len(begun), "tasks_due_at": case.tasks_due_at or due_at}, begun)


async def begin(tx: Transaction, case: Case, owed: Collection[TaskType]) -> tuple[tuple[Task, ...], datetime | None]:
    """Tasks of a case that is an emergency from this act on, not yet written, and by when they are to be made good."""
    due_at = await clocks.promise(tx, case, "EMERGENCY", CaseAction.MARK_EMERGENCY)
    tasks = tuple(
        Task(
            regency=case.regency,
            id=new_id(Kind.CASE_TASK, case.regency, tx.now),
            area=case.area,
            case_id=case.id,
            type=each.value,
            status=TaskStatus.OPEN.value,
            due_at=due_at,
            created_at=tx.now,
        )
        for each in owed
    )
    return tasks, due_at


async def settle(tx: Transaction, case: Case, types: Collection[TaskType], **told: Any) -> Settled:
    """Close the open tasks of these types, where the case has any, and meet its clock with the last."""
    return await _close(tx, case, types, TaskStatus.DONE, **told)


async def drop(tx: Transaction, case: Case) -> Settled:
    """Let go of the open tasks of a case whose people have died."""
    return await _close(tx, case, list(TaskType), TaskStatus.DROPPED)


async def _close(tx: Transaction, case: Case, types: Collection[TaskType], status: TaskStatus, **told: Any) -> Settled:
    if case.open_tasks == 0:
        # The usual case is no emergency, and pays nothing for those that are.
        return Settled()
    where = f"{_PLACE} AND type = ANY ($3::text[]) ORDER BY id FOR NO KEY UPDATE"
    rows = await tx.rows(Task, where, case.regency, case.id, [each.value for each in types])
    done = tuple(
        [await tx.update(row, status=status.value, done_at=tx.now, done_by=tx.actor.subject, **told) for row in rows]
    )
    left = case.open_tasks - len(done)
    if left == 0 and done:
        await clocks.follow(tx, case, case.status, action="FILE_COMPLETED")
    return Settled({"open_tasks": left, **({"tasks_due_at": None} if left == 0 else {})}, done) if done else Settled()


def _open(case: Case) -> None:
    if CaseStatus(case.status) in TERMINAL:
        raise errors.Conflict("case_closed")
