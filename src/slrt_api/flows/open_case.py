"""Open a case for a household, by itself or from a complaint about it."""

from uuid import UUID

from pydantic import Field

from slrt_api.access.consents.service import record_case_basis
from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import CaseStatus
from slrt_api.cases.models import Case
from slrt_api.cases.shapes import CASE, NUMBER_PREFIX
from slrt_api.clocks import service as clocks
from slrt_api.complaints.lifecycle import require_independent
from slrt_api.complaints.models import Complaint
from slrt_api.households.models import Household
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_number
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class OpenCase(Command):
    """The household that a case is for, and the complaint that it comes from."""

    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    complaint_id: UUID | None = Field(
        default=None,
        description="A complaint about this household that has no case yet; asks for `complaints:handle` as well.",
        examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"],
    )
    emergency: bool = Field(
        default=False,
        description="Flag it as an emergency from the first; `MARK_EMERGENCY` then starts the service at once.",
        examples=[False],
    )


@use_case("cases.open", scope=Scope.CASES_WRITE, answers=CASE, creates=True)
async def open_case(tx: Transaction, actor: Actor, command: OpenCase) -> Case:
    """Open a case.

    It begins `REGISTERED` and has a number to say aloud. A household may have several cases. Opened from a complaint, it
    counts as received when the complaint was, and the complaint names the case from then on. The lawful basis of the work
    is recorded with it (`/v1/consents`): a public task, of an emergency the vital interest of the people.
    """
    if command.complaint_id is not None:
        actor.require(Scope.COMPLAINTS_HANDLE)
    household = await _household(tx, command.household_id)
    case_id = new_id(Kind.CASE, household.regency, tx.now)
    received_at = tx.now
    if command.complaint_id is not None:
        complaint = await _complaint(tx, command.complaint_id, household)
        require_independent(complaint, actor.guard_facts)
        received_at = complaint.received_at
    case = await tx.create(
        Case(
            regency=household.regency,
            id=case_id,
            area=household.area,
            created_at=tx.now,
            updated_at=tx.now,
            number=new_number(NUMBER_PREFIX, household.regency),
            household_id=household.id,
            complaint_id=command.complaint_id,
            status=CaseStatus.REGISTERED.value,
            emergency=command.emergency,
            received_at=received_at,
            opened_by=actor.subject,
        ),
        "opened",
    )
    await clocks.follow(tx, case, CaseStatus.REGISTERED)
    await record_case_basis(
        tx,
        regency=case.regency,
        area=case.area,
        household_id=case.household_id,
        case_id=case.id,
        emergency=case.emergency,
    )
    if command.complaint_id is not None:
        await tx.change(complaint, "case_opened", case_id=case.id)
    return case


async def _household(tx: Transaction, household_id: UUID) -> Household:
    """The household, locked, so that it cannot leave the area while its case begins there."""
    try:
        household = await tx.lock(Household, household_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/household_id") from None
    if household.ended_at is not None:
        # No case without its people: those of a household that has ended are elsewhere.
        raise errors.Conflict("household_ended")
    return household


async def _complaint(tx: Transaction, complaint_id: UUID, household: Household) -> Complaint:
    try:
        complaint = await tx.lock(Complaint, complaint_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/complaint_id") from None
    if complaint.case_id is not None:
        raise errors.Conflict("complaint_has_case")
    if complaint.household_id is not None and complaint.household_id != household.id:
        raise errors.Invalid.at("/household_id", "household_mismatch", "The complaint names another household.")
    return complaint
