"""The steps of a referral: one use case, the table of the lifecycle, and what each action does besides."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Final, TypeAlias
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.attachments.codes import AttachmentStatus
from slrt_api.attachments.models import Attachment
from slrt_api.cases import service as cases
from slrt_api.cases.codes import NeedStatus
from slrt_api.cases.models import Case
from slrt_api.clocks import service as clocks
from slrt_api.kernel import errors
from slrt_api.organizations import service as organizations
from slrt_api.organizations.models import Organization
from slrt_api.referrals.codes import ENDED, UNDECIDED, ReferralStatus, RoutedBy, Routing
from slrt_api.referrals.codes import ReferralAction as A
from slrt_api.referrals.lifecycle import FACTS, LIFECYCLE, RECEIVERS, SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service import deadlines, offers, sharing
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
            " `REVOKE`, and by `SEND` to an organization that lets offers wait or has not answered lately."
        ),
        examples=["Tidak ada tenaga pendamping bulan ini"],
    )
    organization_id: UUID | None = Field(
        default=None,
        description=(
            "With `SEND`: the receiving organization; the draft's own when left out. With `REDIRECT`: who should serve it"
            " instead."
        ),
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
    attachment_ids: tuple[UUID, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description=(
            "With `REALIZE`, beside `evidence`: files that show it. Attachments of this referral that the caller sees, READY."
        ),
        examples=[None],
    )
    asked: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="With `REVIEW`: what the sending side is asked for. It answers at `/answers`.",
        examples=["Mohon surat keterangan dari sekolah"],
    )
    waitlist_period: str | None = Field(
        default=None,
        pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$",
        description="With `WAITLIST`: the month in which a place is expected; the next one when left out.",
        examples=["2027-01"],
    )
    waitlist_position: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="With `WAITLIST`: its place in the line; behind all who wait there for the service when left out.",
        examples=[3],
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
    needs `evidence`, and may name files of the referral (`attachment_ids`); approved is not yet realized. When it ends, the
    package is emptied; unless it was realized, the need is open again. A partner sees open referrals only: with the step that
    ends one it is gone, and the answer has no body (204). `CONFIRM_RECEIPT` is the sending side's word that the client was
    asked and has received the service.
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
    texts, look = {"reason": command.reason}, clocks.look(row)
    if line.target not in ENDED or line.source in ENDED:
        await offers.close(tx, row, command.action, line.target)
        row = await tx.change(row, EVENTS[command.action], texts=texts, look=look, **columns)
        if command.action is not A.SEND:
            # Of what is sent the clocks began before its place was taken.
            ended = line.target in ENDED
            await clocks.follow(tx, row, line.target, action=command.action, ended=ended, found=look.found)
        return Done(row.id, once=effect.once)
    columns |= await _end(tx, row, command.action)
    await offers.close(tx, row, command.action, line.target)
    # Its partner, who may be the one that acts, no longer sees the row that comes out of this, and PostgreSQL refuses an
    # update whose result its own role does not see.
    async with tx.effect(row.regency):
        row = await tx.change(row, EVENTS[command.action], texts=texts, look=look, **columns)
        await clocks.follow(tx, row, line.target, action=command.action, ended=True, found=look.found)
    return Done(row.id, once=effect.once)


_OWNERS: Final[dict[str, frozenset[A]]] = {
    "organization_id": frozenset({A.SEND, A.REDIRECT}),
    "routing": frozenset({A.SEND}),
    "override_reason": frozenset({A.SEND}),
    "evidence": frozenset({A.REALIZE}),
    "attachment_ids": frozenset({A.REALIZE}),
    "asked": frozenset({A.REVIEW}),
    "waitlist_period": frozenset({A.WAITLIST}),
    "waitlist_position": frozenset({A.WAITLIST}),
}


def _members(command: ReferralTransition) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    for name, actions in _OWNERS.items():
        if getattr(command, name) is not None and command.action not in actions:
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
        reason=command.reason,
    )


async def _review(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    if command.asked is None:
        return Effect()
    return Effect({"review_asked": command.asked, "review_answered_at": None})


async def _say_yes(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    """The service is promised: by when, and of one that waited, the place that it now takes."""
    realize_by = await deadlines.realize_by(tx, row)
    columns: dict[str, Any] = {
        "decided_by": actor.subject,
        "decided_at": tx.now,
        "realize_by": realize_by,
        "package_expires_at": await deadlines.package_end(tx, row, realize_by),
    }
    if row.status == ReferralStatus.WAITLISTED and row.organization_id is not None:
        async with tx.effect(row.regency):
            columns["capacity_period"] = await organizations.take_place(
                tx, row.regency, row.organization_id, row.service, deadlines.period_of(tx.now, row.area)
            )
    return Effect(columns)


async def _say_no(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return Effect({"decided_by": actor.subject, "decided_at": tx.now})


async def _redirect(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    other = command.organization_id
    if other is None:
        return Effect()
    if other == row.organization_id or await tx.find(Organization, other) is None:
        raise errors.Invalid.reference("/organization_id")
    return Effect({"redirected_to": other})


_WAITING_THERE: Final = """
SELECT count(*) FROM referrals
WHERE regency = $1 AND service = $2 AND status = 'WAITLISTED' AND id <> $3
  AND organization_id IS NOT DISTINCT FROM $4 AND program_id IS NOT DISTINCT FROM $5
"""


async def _waitlist(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    """It waits for a place of a later month, and so holds none of this one."""
    now = deadlines.period_of(tx.now, row.area)
    period = deadlines.month_after(now)
    if command.waitlist_period is not None:
        period = date.fromisoformat(f"{command.waitlist_period}-01")
    if period < now:
        raise errors.Invalid.at("/waitlist_period", "date_in_past", "Name this month or a later one.")
    position = command.waitlist_position
    async with tx.effect(row.regency):
        if position is None:
            key = (row.regency, row.service, row.id, row.organization_id, row.program_id)
            position = 1 + await tx.value(_WAITING_THERE, *key)
        await _give_back(tx, row)
    until = deadlines.end_of(period, row.area)
    columns: dict[str, Any] = {
        "waitlist_position": position,
        "waitlist_period": period,
        "respond_by": until,
        "package_expires_at": await deadlines.package_end(tx, row, until),
        "capacity_period": None,
    }
    return Effect(columns)


async def _give_back(tx: Transaction, row: Referral) -> None:
    """Give the place back that the referral holds, if it holds one. Called inside `tx.effect`."""
    if row.capacity_period is not None and row.organization_id is not None:
        await organizations.give_place_back(tx, row.regency, row.organization_id, row.service, row.capacity_period)


async def _realize(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    files = await _files(tx, row, command.attachment_ids or ())
    return Effect({"realized_at": tx.now, "evidence": command.evidence, "evidence_attachment_ids": files})


async def _files(tx: Transaction, row: Referral, named: tuple[UUID, ...]) -> list[UUID]:
    """The files that are named, each once. Raises Invalid for one that the caller does not see here, or cannot open."""
    for position, id_ in enumerate(named):
        found = await tx.find(Attachment, id_)
        if found is None or found.parent_id != row.id or found.status != AttachmentStatus.READY:
            raise errors.Invalid.reference(f"/attachment_ids/{position}")
    return list(dict.fromkeys(named))


async def _confirm_receipt(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    return Effect({"receipt_confirmed_at": tx.now})


async def _expire(tx: Transaction, actor: Actor, row: Referral, command: ReferralTransition) -> Effect:
    if row.respond_by is None or tx.now <= row.respond_by:
        raise errors.Conflict("respond_by_not_passed")
    # Who routed it looks for the next one; whoever named its receiver decides anew.
    return Effect({"reroute": row.routed_by == RoutedBy.AUTO and row.status in UNDECIDED})


_STEPS: Final[dict[A, _Step]] = {
    A.SEND: _send,
    A.REVIEW: _review,
    A.APPROVE: _say_yes,
    A.ACCEPT: _say_yes,
    A.REJECT: _say_no,
    A.DECLINE: _say_no,
    A.WAITLIST: _waitlist,
    A.REDIRECT: _redirect,
    A.REALIZE: _realize,
    A.CONFIRM_RECEIPT: _confirm_receipt,
    A.EXPIRE: _expire,
}


async def _end(tx: Transaction, row: Referral, action: A) -> dict[str, Any]:
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
        if action not in _FREES_PLACE:
            return {"package_expires_at": None}
        await _give_back(tx, row)
    return {"package_expires_at": None, "capacity_period": None}
