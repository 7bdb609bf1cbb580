"""Let a complaint join a case that runs already, instead of opening one of its own."""

from typing import Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import PERMISSIONS, Scope
from slrt_api.cases.models import Case
from slrt_api.complaints.lifecycle import DESK, require_independent
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: of the desk, who may change the case too
_JOINING: Final = frozenset(role for role in DESK if Scope.CASES_WRITE in PERMISSIONS[role])


class JoinCase(Command):
    """The case that the complaint belongs to."""

    case_id: UUID = Field(
        description="A case in your scope that has not ended, of the household that the complaint names.",
        examples=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"],
    )


@use_case("complaints.join_case", scope=Scope.COMPLAINTS_HANDLE, roles=_JOINING, answers=COMPLAINT, include=("case",))
async def join_case(tx: Transaction, actor: Actor, id_: UUID, command: JoinCase) -> Complaint:
    """Let a complaint join a case.

    Needs `cases:write` as well. Several complaints may belong to one case (`GET /v1/cases/{id}/complaints`), and the receipt of
    each shows its process. A complaint that names no household takes that of the case; one that has a case is refused (409
    `complaint_has_case`).
    """
    actor.require(Scope.CASES_WRITE)
    # The case first: the order in which all acts lock.
    try:
        case = await tx.lock(Case, command.case_id)
    except errors.NotFound:
        case = None
    complaint = await tx.ask(Complaint, id_)
    require_independent(complaint, actor.guard_facts)
    if case is None or case.regency != complaint.regency:
        raise errors.Invalid.reference("/case_id")
    if complaint.case_id is not None:
        raise errors.Conflict("complaint_has_case")
    if case.closed_at is not None:
        raise errors.Conflict("case_closed")
    if complaint.household_id is not None and complaint.household_id != case.household_id:
        raise errors.Invalid.at("/case_id", "household_mismatch", "The complaint names another household.")
    await tx.change(case, "complaint_joined", received_at=min(case.received_at, complaint.received_at))
    return await tx.change(complaint, "case_joined", case_id=case.id, household_id=case.household_id)
