"""What the worker does with a routed referral that nobody answered: the next candidate gets another one."""

from typing import Final
from uuid import UUID

from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import CaseStatus, NeedStatus
from slrt_api.cases.models import Case, Need
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_number
from slrt_api.organizations import service as organizations
from slrt_api.referrals.codes import ReferralAction, ReferralStatus, Routing
from slrt_api.referrals.lifecycle import LIFECYCLE
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service import deadlines
from slrt_api.referrals.service.draft import NUMBER_PREFIX
from slrt_api.referrals.service.send import hand_over, look, undone
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case

#: refusals of routing that are told to the sender, who has to find somebody
_NOBODY: Final = frozenset({"no_receiver", "auto_not_allowed", "consent_required", "program_not_open"})


@use_case("referrals.reroute", scope=Scope.REFERRALS_WRITE, conditional=False)
async def reroute(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Find the next receiver of a referral that was routed and that nobody answered.

    For the worker, one referral an act, once: nothing happens where another worker was faster, or the need has moved on. After
    `attempts_limit` receivers, or where there is none, the sender is told by the event `referral.no_receiver`.
    """
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")
    seen = await tx.get(Referral, id_)
    # In the order of the house, the case before its referral.
    async with tx.effect(seen.regency):
        case = await tx.lock(Case, seen.case_id)
        need = await tx.lock(Need, seen.need_id)
    waiting = await tx.rows(Referral, "regency = $1 AND id = $2 AND reroute FOR NO KEY UPDATE", seen.regency, seen.id)
    if not waiting:
        return
    row = waiting[0]
    if case.status != CaseStatus.IN_SERVICE or need.status != NeedStatus.OPEN:
        await _close(tx, row, "reroute_dropped")
        return
    in_force = await organizations.policy_in_force(tx, row.regency, deadlines.local_day(tx.now, row.area))
    if row.attempt >= in_force.policy.attempts_limit:
        await _give_up(tx, row, "no_receiver")
        return
    successor = _successor(tx, row)
    line = LIFECYCLE.advance(
        successor.status,
        ReferralAction.SEND,
        role=actor.role,
        scopes=actor.scopes,
        row={},
        actor=actor.guard_facts,
    )
    try:
        found = await look(tx, successor, organization_id=None, routing=Routing.AUTO)
        async with undone(tx, row.regency, "rerouting", errors.Conflict), tx.effect(row.regency):
            successor = await tx.create(successor, "drafted")
            effect = await hand_over(tx, successor, found)
            successor = await tx.change(successor, "sent", status=line.target, **effect.columns)
    except errors.Conflict as conflict:
        if conflict.code not in _NOBODY:
            raise
        await _give_up(tx, row, conflict.code)
        return
    await _close(tx, row, "rerouted", successor.id)


def _successor(tx: Transaction, row: Referral) -> Referral:
    return Referral(
        regency=row.regency,
        id=new_id(Kind.REFERRAL, row.regency, tx.now),
        area=row.area,
        created_at=tx.now,
        updated_at=tx.now,
        number=new_number(NUMBER_PREFIX, row.regency),
        case_id=row.case_id,
        need_id=row.need_id,
        service=row.service,
        status=ReferralStatus.DRAFT.value,
        program_code=row.program_code,
        drafted_by=row.drafted_by,
        attempt=row.attempt + 1,
        predecessor_id=row.id,
    )


async def _give_up(tx: Transaction, row: Referral, why: str) -> None:
    async with tx.effect(row.regency):
        await tx.change(row, "no_receiver", texts={"why": why}, reroute=False, no_receiver_at=tx.now)


async def _close(tx: Transaction, row: Referral, event: str, successor_id: UUID | None = None) -> None:
    async with tx.effect(row.regency):
        await tx.change(row, event, reroute=False, successor_id=successor_id)
