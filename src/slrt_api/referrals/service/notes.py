"""Notes for the receiver of a referral: the receiver reads them as long as the package is there, case workers always."""

from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import NoteVisibility
from slrt_api.cases.models import Case
from slrt_api.cases.service import notes
from slrt_api.kernel import errors
from slrt_api.referrals.lifecycle import SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class AddReferralNote(Command):
    """What the receiver is to know."""

    text: str = Field(
        min_length=1,
        max_length=4000,
        repr=False,
        description="The note.",
        examples=["Ibu lebih mudah ditemui sore hari; mohon hubungi lewat kader"],
    )


@use_case("referrals.note", scope=Scope.REFERRALS_WRITE, roles=SENDERS, answers=REFERRAL, include=("notes",))
async def note(tx: Transaction, actor: Actor, id_: UUID, command: AddReferralNote) -> Referral:
    """Write a note for the receiver of a referral.

    While the package is there (409 `package_gone` before it is sent, and afterwards). It is encrypted and stands in no event
    and no history; the receiver reads it with the referral (`include=notes`) until that ends or the package is emptied, and
    those who work on the case read it among the notes of the case, where it can be erased.
    """
    seen = await tx.get(Referral, id_)
    # In the order of the house, the case before its referral.
    async with tx.effect(seen.regency):
        case = await tx.lock(Case, seen.case_id)
    row = await tx.ask(Referral, id_)
    if row.package_expires_at is None:
        raise errors.Conflict("package_gone")
    async with tx.effect(row.regency):
        await notes.write(
            tx,
            case,
            NoteVisibility.RECEIVERS,
            command.text,
            referral_id=row.id,
            organization_id=row.organization_id,
            program_id=row.program_id,
            shared=True,
        )
    return await tx.change(row, "note_written")
