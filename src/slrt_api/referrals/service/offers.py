"""Offers: made when a referral is sent to an organization, and closed by its answer, its silence, or their withdrawal."""

from typing import Final

from slrt_api.kernel.ids import Kind, new_id
from slrt_api.organizations import service as organizations
from slrt_api.organizations.routing import Standing
from slrt_api.referrals.codes import UNDECIDED, OfferOutcome
from slrt_api.referrals.codes import ReferralAction as A
from slrt_api.referrals.codes import ReferralStatus as R
from slrt_api.referrals.models import Referral, RoutingOffer
from slrt_api.referrals.service import deadlines
from slrt_api.referrals.service.receivers import Receiver
from slrt_api.runtime.transaction import Transaction

#: a waitlist is a yes that takes its time
_YES: Final = frozenset({A.ACCEPT, A.APPROVE, A.WAITLIST})


def made(tx: Transaction, row: Referral, receiver: Receiver) -> RoutingOffer:
    """The offer of a referral that is being sent to an organization."""
    if receiver.organization_id is None:
        raise ValueError("an offer is made to an organization")
    return RoutingOffer(
        regency=row.regency,
        id=new_id(Kind.ROUTING_OFFER, row.regency, tx.now),
        area=row.area,
        referral_id=row.id,
        need_id=row.need_id,
        organization_id=receiver.organization_id,
        service=row.service,
        attempt=row.attempt,
        routed_by=receiver.routed_by.value,
        place=receiver.place,
        route=[dict(rule) for rule in receiver.route],
        policy_id=receiver.policy_id,
        offered_at=tx.now,
        outcome=OfferOutcome.OPEN.value,
    )


async def close(tx: Transaction, row: Referral, action: A, target: str) -> None:
    """Close the offer of a referral that leaves its undecided states by `action`, and move the standing of its receiver.

    After the place was given back, in the order of the house.
    """
    if row.organization_id is None or row.status not in UNDECIDED or R(target) in UNDECIDED:
        return
    sent_at, now, minutes = row.sent_at, tx.now, None
    if action is A.EXPIRE:
        outcome = OfferOutcome.SILENT
    elif action is A.REVOKE or sent_at is None:
        outcome = OfferOutcome.WITHDRAWN
    else:
        outcome = OfferOutcome.ANSWERED
        async with tx.effect(row.regency):
            minutes = await deadlines.working_minutes(tx, sent_at, now, row.area)

    def step(before: Standing) -> Standing:
        if minutes is not None:
            return before.answered(minutes, accepted=action in _YES)
        return before.silent(now) if outcome is OfferOutcome.SILENT else before.withdrawn()

    async with tx.effect(row.regency):
        await organizations.move_standing(tx, row.regency, row.organization_id, row.service, step)
        await tx.execute(
            "UPDATE routing_offers SET outcome = $3, closed_at = $4, response_minutes = $5"
            " WHERE regency = $1 AND referral_id = $2",
            row.regency,
            row.id,
            outcome.value,
            now,
            minutes,
        )
