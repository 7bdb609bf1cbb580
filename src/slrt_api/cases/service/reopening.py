"""What the people of a case ask for after its end, or where a service never came: taken down, granted by a step, or refused.

They ask by the receipt of their complaint (`flows/reopening`), and change nothing by it. An officer decides: to grant it is to
reopen the case, or the need while the case still runs.
"""

from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.lifecycle import UNIT
from slrt_api.cases.models import Case
from slrt_api.cases.shapes import CASE, SEALED_REOPENING
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class RefuseReopening(Command):
    """Why it does not go on."""

    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read: tracking shows them.",
        examples=["Bantuan sudah diterima pada 2 November, tanda terima ditandatangani ibu"],
    )


@use_case("cases.refuse_reopening", scope=Scope.CASES_WRITE, roles=UNIT, answers=CASE)
async def refuse(tx: Transaction, actor: Actor, case_id: UUID, command: RefuseReopening) -> Case:
    """Refuse what the people of a case ask for.

    Where `reopening_asked_at` tells that they do (409 `reopening_not_asked` otherwise). It is granted by `REOPEN` of the
    case, or of the need while the case runs; both stand in `allowed_actions`.
    """
    case = await tx.ask(Case, case_id)
    if case.reopening_asked_at is None:
        raise errors.Conflict("reopening_not_asked")
    return await tx.change(
        case,
        "reopening_refused",
        texts={"reason": command.reason},
        reopening_asked_at=None,
        reopening_answer=command.reason,
        reopening_answered_at=tx.now,
    )


async def ask(tx: Transaction, case: Case, text: str, referral_id: UUID | None) -> Case:
    """Take down what its people ask for. Called inside `tx.effect`, after it was found that they may."""
    if case.reopening_asked_at is not None:
        raise errors.Conflict("reopening_asked")
    return await tx.change(
        case,
        "reopening_asked",
        reopening_asked_at=tx.now,
        reopening_referral_id=referral_id,
        reopening_text=tx.keyring.encrypt(text.encode(), aad(SEALED_REOPENING, case.id)),
        reopening_answer=None,
        reopening_answered_at=None,
    )


def granted(tx: Transaction) -> dict[str, Any]:
    """Columns of a case whose people get what they asked for."""
    return {"reopening_asked_at": None, "reopening_answer": None, "reopening_answered_at": tx.now}
