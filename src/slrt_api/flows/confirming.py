"""The word of the client's side that a service was received: by the receipt of the complaint with which it began."""

from typing import Annotated, Final

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.clocks import service as clocks
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import track
from slrt_api.complaints.shapes import TRACKED_COMPLAINT
from slrt_api.kernel import errors, numbers
from slrt_api.referrals.codes import ReferralAction
from slrt_api.referrals.lifecycle import FACTS, LIFECYCLE
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service.draft import NUMBER_PREFIX
from slrt_api.referrals.service.transition import EVENTS
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

#: what tracking shows, and nothing else
_OF_COMPLAINT: Final = """
SELECT r.id FROM cases c JOIN referrals r ON r.regency = c.regency AND r.case_id = c.id
WHERE c.regency = $1 AND c.complaint_id = $2 AND r.number = $3 AND r.status <> 'DRAFT'
"""
#: who has shown the secret may say of that one referral what an officer would write down
_SCOPES: Final = frozenset({Scope.REFERRALS_WRITE.value})


class ConfirmService(Command):
    """Which service was received."""

    referral_number: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="Number of the referral, as tracking shows it, in any case.", examples=["RJK-3326-7ZQ4-0MXR-K"]
    )


class ConfirmByReceipt(ConfirmService):
    """The same, with what is shown for the receipt."""

    secret: Annotated[str, Field(repr=False, description="The secret that was shown with the receipt.")]


@use_case("complaints.confirm_by_receipt", scope=None, answers=TRACKED_COMPLAINT)
async def confirm(tx: Transaction, actor: Actor, command: ConfirmByReceipt) -> Done:
    """Confirm that a service was received.

    For who holds the receipt and its secret, as tracking is: of the complaint from which the case was opened, once the
    referral is `REALIZED`. 409 `receipt_already_confirmed` where an officer was told before. Numbers that tracking does not
    show are 422 `reference_not_found`.
    """
    complaint = await track.held(tx, actor, command.secret)
    if complaint is None:
        return track.REFUSED
    async with tx.effect(complaint.regency):
        row = await named(tx, complaint, command.referral_number)
        line = LIFECYCLE.advance(
            row.status,
            ReferralAction.CONFIRM_RECEIPT,
            role=actor.role,
            scopes=_SCOPES,
            row={name: getattr(row, name) for name in FACTS},
            actor=actor.guard_facts,
        )
        look = clocks.look(row)
        row = await tx.change(row, EVENTS[ReferralAction.CONFIRM_RECEIPT], look=look, receipt_confirmed_at=tx.now)
        await clocks.follow(tx, row, line.target, action=ReferralAction.CONFIRM_RECEIPT, found=look.found)
    return await track.shown(tx, complaint)


async def named(tx: Transaction, complaint: Complaint, text: str) -> Referral:
    """The referral of that number as tracking shows it to the complaint's holder, locked. Called inside `tx.effect`."""
    number = numbers.parse_number(NUMBER_PREFIX, text)
    id_ = None
    if number is not None and not complaint.sealed:
        id_ = await tx.value(_OF_COMPLAINT, complaint.regency, complaint.id, number.text)
    if id_ is None:
        raise errors.Invalid.reference("/referral_number")
    return await tx.lock(Referral, id_)
