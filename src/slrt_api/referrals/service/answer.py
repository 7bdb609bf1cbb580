"""The sending side's answer to what a review asks: it goes into the package, and with it."""

from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.kernel import errors
from slrt_api.referrals import package
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.referrals.lifecycle import SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class AnswerReview(Command):
    """What the receiver asked for."""

    answer: str = Field(
        min_length=1,
        max_length=4000,
        description="The answer. The receiver reads it in the package, as long as that is there.",
        examples=["Terdaftar di kelas 7, tidak masuk sejak Agustus karena biaya"],
    )


@use_case("referrals.answer", scope=Scope.REFERRALS_WRITE, roles=SENDERS, answers=REFERRAL)
async def answer(tx: Transaction, actor: Actor, id_: UUID, command: AnswerReview) -> Referral:
    """Answer what a review asks.

    While the receiver reviews the referral and has asked something (409 `nothing_asked` otherwise); a later answer replaces
    the one before. The answer is part of the package: encrypted, and gone with it.
    """
    row = await tx.ask(Referral, id_)
    if row.status != ReferralStatus.UNDER_REVIEW or row.review_asked is None or row.package_expires_at is None:
        raise errors.Conflict("nothing_asked")
    sealed = tx.keyring.encrypt(command.answer, aad(package.purpose("review_answer"), row.id))
    async with tx.effect(row.regency):
        await tx.execute(
            "UPDATE referral_packages SET review_answer = $3 WHERE regency = $1 AND id = $2",
            row.regency,
            row.id,
            sealed,
        )
    columns: dict[str, Any] = {"review_answered_at": tx.now}
    return await tx.change(row, "review_answered", **columns)
