"""The people of a case ask that it goes on, by the receipt of the complaint with which it began. An officer decides.

Of a case that has ended within its window; of one that still runs where a service was reported as given and never came.
"""

from typing import Annotated, Final

from pydantic import Field

from slrt_api.cases.codes import CaseStatus
from slrt_api.cases.models import Case
from slrt_api.cases.service import reopening
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import track
from slrt_api.complaints.shapes import TRACKED_COMPLAINT
from slrt_api.flows import confirming
from slrt_api.kernel import errors
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.referrals.models import Referral
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

_OF_COMPLAINT: Final = "SELECT id FROM cases WHERE regency = $1 AND complaint_id = $2 ORDER BY id DESC LIMIT 1"


class AskReopening(Command):
    """Why it should go on."""

    text: Annotated[str, Field(min_length=1, max_length=2_000, repr=False)] = Field(
        description="Why, in the words of the people concerned; kept encrypted.",
        examples=["Bantuan modal yang dijanjikan tidak pernah datang."],
    )
    referral_number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="The referral whose service never came: its number, as tracking shows it. Needed while the case runs.",
        examples=["RJK-3326-7ZQ4-0MXR-K"],
    )


class AskByReceipt(AskReopening):
    """The same, with what is shown for the receipt."""

    secret: Annotated[str, Field(repr=False, description="The secret that was shown with the receipt.")]


@use_case("complaints.ask_reopening_by_receipt", scope=None, answers=TRACKED_COMPLAINT)
async def ask(tx: Transaction, actor: Actor, command: AskByReceipt) -> Done:
    """Ask that a case goes on.

    For who holds the receipt and its secret, as tracking is: of the complaint from which the case was opened. Where the case
    has ended, until `reopen_until` (409 `reopen_window_over`); while it runs, where the service of a `REALIZED` referral
    never came. Else 409 `nothing_to_reopen`. Nothing moves by it: an officer reopens, or refuses and says why; tracking shows
    the answer. One at a time (409 `reopening_asked`).
    """
    complaint = await track.held(tx, actor, command.secret)
    if complaint is None:
        return track.REFUSED
    async with tx.effect(complaint.regency):
        case = await _case(tx, complaint)
        referral = None
        if command.referral_number is not None:
            referral = await confirming.named(tx, complaint, command.referral_number)
        _require(tx, case, referral)
        await reopening.ask(tx, case, command.text, referral.id if referral is not None else None)
    return await track.shown(tx, complaint)


async def _case(tx: Transaction, complaint: Complaint) -> Case:
    """The case that was opened from the complaint, locked. Raises Conflict `nothing_to_reopen` where there is none."""
    id_ = None if complaint.sealed else await tx.value(_OF_COMPLAINT, complaint.regency, complaint.id)
    if id_ is None:
        raise errors.Conflict("nothing_to_reopen")
    return await tx.lock(Case, id_)


def _require(tx: Transaction, case: Case, referral: Referral | None) -> None:
    if case.closed_at is not None:
        if case.status == CaseStatus.MERGED or case.successor_id is not None:
            # It goes on already, elsewhere.
            raise errors.Conflict("nothing_to_reopen")
        if case.reopen_until is None or case.reopen_until <= tx.now:
            raise errors.Conflict("reopen_window_over")
    elif referral is None or referral.status != ReferralStatus.REALIZED or referral.receipt_confirmed_at is not None:
        raise errors.Conflict("nothing_to_reopen")
