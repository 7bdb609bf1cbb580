"""The steps of a referral: one use case, the table of the lifecycle, and what each action does besides."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases import service as cases
from slrt_api.cases.codes import NeedStatus
from slrt_api.cases.models import Case
from slrt_api.clocks import service as clocks
from slrt_api.kernel import errors
from slrt_api.organizations import service as organizations
from slrt_api.referrals.codes import ENDED, ReferralStatus, Routing
from slrt_api.referrals.codes import ReferralAction as A
from slrt_api.referrals.lifecycle import FACTS, LIFECYCLE, RECEIVERS, SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service import sharing
from slrt_api.referrals.service.send import Effect, send
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case


class ReferralTransition(Command):
    """A step of a referral."""

    action: A = Field(description="One of `allowed_actions`.", examples=["ACCEPT"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description=(
            "Why, in words that the people concerned may read. Asked for by `REJECT`, `DECLINE`, `REDIRECT`, `FAIL` and"
            " `REVOKE`."
        ),
        examples=["Tidak ada tenaga pendamping bulan ini"],
    )
    organization_id: UUID | None = Field(
        default=None,
        description="With `SEND`: the receiving organization; the draft's own when left out.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )
    routing: Routing | None = Field(
        default=None, description="With `SEND`, in place of an organization: the best candidate.", examples=["AUTO"]
    )
    override_reason: str | None = Field(
        default=None,
        min_length=20,
        max_length=2000,
        description=(
            "With `SEND`: why it goes to a welfare organization (LKS) without the person's consent. Asks for"
            " `access:override`; recorded at `/v1/access-overrides` where it was needed."
        ),
        examples=["Klien tidak dapat dihubungi dan tanpa tempat tinggal sejak banjir kemarin"],
    )
    evidence: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="With `REALIZE`, which asks for it: what the client received, and what shows it.",
        examples=["Kembali bersekolah sejak 2 November, surat kepala sekolah terlampir"],
    )


_Step: TypeAlias = Callable[[Transaction, Actor, Referral, ReferralTransition], Awaitable[Effect]]

EVENTS: Final[dict[A, str]] = {
    A.SEND: "sent",
    A.RECEIVE: "received",
    A.REVIEW: "review_started",
    A.APPROVE: "approved",
    A.ACCEPT: "accepted",
    A.REJECT: "rejected",
    A.DECLINE: "declined",
    A.WAITLIST: "waitlisted",
    A.REDIRECT: "redirected",
    A.REALIZE: "realized",
    A.CONFIRM_RECEIPT: "receipt_confirmed",
    A.FAIL: "failed",
    A.REVOKE: "revoked",
    A.EXPIRE: "expired",
}
#: actions that move the need of the case, which is therefore locked before the referral
_MOVES_NEED: Final = frozenset({A.SEND, A.REALIZE, A.REJECT, A.DECLINE, A.REDIRECT, A.FAIL, A.REVOKE, A.EXPIRE})
#: actions after which the place in the organization's month is free again; one that failed has used it
_FREES_PLACE: Final = frozenset({A.REJECT, A.DECLINE, A.REDIRECT, A.REVOKE, A.EXPIRE})


@use_case(
    "referrals.transition",
    scope=Scope.REFERRALS_READ,
    roles=SENDERS | RECEIVERS,
    answers=REFERRAL,
    may_hide=True,
)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: ReferralTransition) -> Done:
    """Move a referral one step.

    `SEND` hands it to an organization, to the best candidate (`routing: AUTO`) or to its program: the package is copied, a
    place is taken where places are counted, and `respond_by` is set. To a welfare organization (LKS) it needs the person's
    consent to sharing (`/v1/consents`), an emergency, or an `override_reason`: else 409 `consent_required`. `REALIZE`
    needs `evidence`; approved is not yet realized. When it ends, the package is emptied; unless it was realized, the need
    is open again. A partner sees open referrals only: with the step that ends one it is gone, and the answer has no body
    (204). `CONFIRM_RECEIPT` is the sending side's word that the client was asked and has received the service.
    """
    _members(command)
    return await _step(tx, actor, id_, command)


@use_case("referrals.expire", scope=Scope.REFERRALS_WRITE, conditional=False)
async def expire(tx: Transaction, actor: Actor, id_: UUID) -> Done:
    """End a referral that its receiver left unanswered past `respond_by`.

    For the worker, one referral an act.

    Raises Conflict `respond_by_not_passed` while there is time to respond, `transition_not_allowed` once it has moved on.
    """
    return await _step(tx, actor, id_, ReferralTransition(action=A.EXPIRE))


async def _step(tx: Transaction, actor: Actor, id_: UUID, command: ReferralTransition) -> Done:
    if command.action in _MOVES_NEED:
        await _lock_case(tx, id_)
    row = await tx.ask(Referral, id_)
    line = LIFECYCLE.advance(
        row.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(row, name) for name in FACTS},
        actor=actor.guard_facts,
    )
    LIFECYCLE.require_reason(line, command.reason)
    effect = await _STEPS[command.action](tx, actor, row, command) if command.action in _STEPS else Effect()
    columns = {**effect.columns, "status": line.target}
    texts = {"reason": command.reason}
    if line.target not in ENDED or line.source in ENDED:
        row = await tx.change(row, EVENTS[command.action], texts=texts, **columns)
        await clocks.follow(tx, row, line.target, action=command.action, ended=line.target in ENDED)
        return Done(row.id, once=effect.once)
    columns |= await _end(tx, row, command.action)
    # Its partner, who may be the one that acts, no longer sees the row that comes out of this, and PostgreSQL refuses an
    # update whose result its own role does not see.
    async with tx.effect(row.regency):
        row = await tx.change(row, EVENTS[command.action], texts=texts, **columns)
        await clocks.follow(tx, row, line.target, action=command.action, ended=True)
    return Done(row.id, once=effect.once)


def _members(command: ReferralTransition) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    owners = {"organization_id": A.SEND, "routing": A.SEND, "override_reason": A.SEND, "evidence": A.REALIZE}
    for name, action in owners.items():
        if getattr(command, name) is not None and command.action is not action:
            raise errors.Invalid.at(f"/{name}", "not_for_this_action", "Leave this member out for this action.")
    if command.organization_id is not None and command.routing is not None:
        raise errors.Invalid.at("/routing", "not_for_this_action", "Name an organization or a routing, not both.")
    if command.action is A.REALIZE and not command.evidence:
        raise errors.Invalid.at("/evidence", "evidence_required", "Say what the client received, and what shows it.")


async def _lock_case(tx: Transaction, id_: UUID) -> None:
    """Lock the case of a referral that the actor may see: in the order of the house, a case comes before its referral."""
    row = await tx.get(Referral, id_)
    async with tx.effect(row.regency):
        await tx.lock(Case, row.case_id)


async def _send(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return await send(
        tx,
        row,
        organization_id=command.organization_id,
        routing=command.routing,
        override_reason=command.override_reason,
    )


async def _decide(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return Effect({"decided_by": actor.subject, "decided_at": tx.now})


async def _realize(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return Effect({"realized_at": tx.now, "evidence": command.evidence})


async def _confirm_receipt(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return Effect({"receipt_confirmed_at": tx.now})


async def _expire(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    if row.respond_by is None or tx.now <= row.respond_by:
        raise errors.Conflict("respond_by_not_passed")
    return Effect()


_STEPS: Final[dict[A, _Step]] = {
    A.SEND: _send,
    A.APPROVE: _decide,
    A.ACCEPT: _decide,
    A.REJECT: _decide,
    A.DECLINE: _decide,
    A.REALIZE: _realize,
    A.CONFIRM_RECEIPT: _confirm_receipt,
    A.EXPIRE: _expire,
}


async def _end(tx: Transaction, row: Referral, action: A) -> dict[str, None]:
    """What an ending demands elsewhere: the package emptied, the need moved on, the place given back."""
    if row.status == ReferralStatus.DRAFT:
        return {}
    async with tx.effect(row.regency):
        await sharing.empty_package(tx, row, open_=False)
        # The history of what ended is the sending side's alone, as the referral itself.
        for table in ("events", "revisions"):
            await tx.execute(
                f"UPDATE {table} SET open = false WHERE regency = $1 AND aggregate_id = $2", row.regency, row.id
            )
        if action is A.REALIZE:
            await cases.move_need(tx, row.need_id, NeedStatus.MET, referral_id=row.id, event="need_met")
        else:
            await cases.move_need(tx, row.need_id, NeedStatus.OPEN, referral_id=None, event="need_returned")
        if action not in _FREES_PLACE or row.capacity_period is None or row.organization_id is None:
            return {}
        await organizations.give_place_back(tx, row.regency, row.organization_id, row.service, row.capacity_period)
    return {"capacity_period": None}
