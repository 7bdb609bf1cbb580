"""Work that nobody asks for by a request: warn of deadlines, announce breaches, end what ends by itself, forget what is old.

Any number of workers may do it at once. One clock is one act: marked and announced together, under the lock of what it
belongs to, so that everything is told exactly once and nothing is lost when a worker dies.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from slrt_api.access.scopes import Scope
from slrt_api.cases import service as cases
from slrt_api.cases.models import Case
from slrt_api.clocks.codes import ClockState
from slrt_api.clocks.models import OPEN as RUNS
from slrt_api.clocks.models import UNWARNED, Clock
from slrt_api.complaints.codes import Action
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import escalate
from slrt_api.complaints.service.step import TransitionComplaint
from slrt_api.complaints.service.transition import transition as transition_complaint
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of
from slrt_api.referrals.models import Referral
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.idempotency import KEPT_DAYS
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Platform, system, use_case

WORKER: Final = system(RowScope(ScopeKind.WORKER), "worker")
BATCH: Final = 200
FAILURES_KEPT: Final = timedelta(days=1)
#: of quotas: longer than any day lasts anywhere, and long enough to look into a complaint about one
QUOTAS_KEPT: Final = timedelta(days=30)

#: what a clock may belong to
_OWNERS: Final[dict[Kind, type[Aggregate]]] = {
    Kind.CASE: Case,
    Kind.REFERRAL: Referral,
    Kind.COMPLAINT: Complaint,
}
#: what happens by itself at the end of a window, in the act of the worker that finds it
AtEnd = Callable[[Transaction, Actor, UUID], Awaitable[Any]]


async def _lapse(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """The complainant has not answered in time: deemed withdrawn (UU 25/2009, article 44)."""
    await transition_complaint(tx, actor, id_, TransitionComplaint(action=Action.LAPSE, reason="NO_ANSWER"))


async def _close(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Nobody has objected to the resolution within the window."""
    await transition_complaint(tx, actor, id_, TransitionComplaint(action=Action.CLOSE))


#: (what, its clock) -> what ends with it. Such a clock is a window and no duty: its end is nobody's breach, and is told by what
#: it brings about
ON_DUE: Final[dict[tuple[Kind, str], AtEnd]] = {
    (Kind.COMPLAINT, "COMPLAINANT_ANSWER"): _lapse,
    (Kind.COMPLAINT, "OBJECTION_WINDOW"): _close,
    (Kind.CASE, "DOCUMENTS"): cases.lapse,
}
#: all that the worker needs to take the steps of ON_DUE, in the role of itself alone
_STEPPING: Final = frozenset({Scope.COMPLAINTS_HANDLE.value, Scope.CASES_WRITE.value, Scope.REFERRALS_WRITE.value})

#: Asked regency by regency, each by its part of the index: what runs on is never read, however much of it there is.
_FOUND: Final = """
SELECT c.id, c.aggregate_id, c.name, c.{at} AS at FROM tenants t CROSS JOIN LATERAL (
    SELECT id, aggregate_id, name, {at} FROM clocks
    WHERE regency = t.number AND {which} AND {at} <= $1 AND ({at}, id) > ($2, $3) ORDER BY {at}, id LIMIT $4
) c ORDER BY c.{at}, c.id LIMIT $4
"""
_DUE: Final = _FOUND.format(at="due_at", which=RUNS)
#: of what is due already the breach is told, and no warning any more
_TO_WARN: Final = _FOUND.format(at="warn_at", which=f"{UNWARNED} AND due_at > $1")
#: Old by the database's clock as well: where that of one server runs ahead, a retry would have a second effect
_EXPIRED: Final = f"""
DELETE FROM idempotent_answers WHERE (regency, key_digest) IN
    (SELECT regency, key_digest FROM idempotent_answers
     WHERE created_at < least($1, now() - interval '{KEPT_DAYS} days') LIMIT $2)
"""
_FORGOTTEN: Final = "DELETE FROM tracking_failures WHERE hour < $1"
_QUOTAS_FORGOTTEN: Final = "DELETE FROM quota_uses WHERE day < $1"
_FIRST: Final = (datetime.fromisoformat("0001-01-01T00:00:00Z"), UUID(int=0))


_log = structlog.get_logger(__name__)


@use_case("clocks.announce_warning", scope=None, conditional=False)
async def announce_warning(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Tell of a deadline that comes near, with what it belongs to.

    Nothing happens where somebody else is at it, where the thing is done, or where it was told before.
    """
    found = await _held(tx, actor, id_, f"{UNWARNED} AND warn_at <= $3 AND due_at > $3")
    if found is not None:
        owner, clock = found
        await tx.update(clock, warned_at=tx.now)
        await tx.change(owner, "clock_warned", texts={"clock": clock.name})


@use_case("clocks.announce_breach", scope=None, conditional=False)
async def announce_breach(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Mark a due clock as breached, record it with what it belongs to, and bring a complaint up its ladder.

    Nothing happens where somebody else is at it, where it was met in time or announced before.
    """
    found = await _held(tx, actor, id_, f"{RUNS} AND due_at <= $3")
    if found is None:
        return
    owner, clock = found
    if (owner.KIND, clock.name) in ON_DUE:
        raise errors.Conflict("transition_not_allowed")
    await tx.update(clock, state=ClockState.BREACHED.value, breached_at=clock.due_at)
    owner = await tx.change(owner, "clock_breached", texts={"clock": clock.name})
    if isinstance(owner, Complaint):
        await escalate.after_breach(tx, owner, clock)


@use_case("clocks.end_window", scope=None, conditional=False)
async def end_window(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Take the step that follows by itself when a window ends.

    Nothing happens where somebody else is at it, or where the window was used. Where the step may no longer be taken, the
    window ends without it.
    """
    found = await _held(tx, actor, id_, f"{RUNS} AND due_at <= $3")
    if found is None:
        return
    owner, clock = found
    used = clock.met_at is not None
    # Before the step, which would take it for a duty that was met late.
    await tx.update(clock, state=(ClockState.MET if used else ClockState.STOPPED).value)
    if used:
        return
    try:
        await ON_DUE[owner.KIND, clock.name](tx, replace(actor, scopes=_STEPPING), owner.id)
    except errors.Conflict as refusal:
        # Asked of the table before anything is written.
        _log.warning("window_without_step", code=refusal.code, clock_id=str(id_))


async def _held(tx: Transaction, actor: Actor, id_: UUID, condition: str) -> tuple[Aggregate, Clock] | None:
    """The clock with what it belongs to, both locked; None where somebody else is at it, or `condition` does not hold."""
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")
    seen = await tx.get(Clock, id_)
    kind = kind_of(seen.aggregate_id)
    if kind not in _OWNERS:
        raise errors.NotFound
    # Acts change clocks under the lock of their owner, and so does this: the owner first, then the clock.
    owners = await tx.rows(
        _OWNERS[kind], "regency = $1 AND id = $2 FOR NO KEY UPDATE SKIP LOCKED", seen.regency, seen.aggregate_id
    )
    if not owners:
        return None
    clocks = await tx.rows(
        Clock, f"regency = $1 AND id = $2 AND {condition} FOR NO KEY UPDATE", seen.regency, id_, tx.now
    )
    return (owners[0], clocks[0]) if clocks else None


async def breach_clocks(platform: Platform) -> int:
    """Announce every clock that is due, or take the step that its end brings about. Returns how many were tried."""
    return await _each(platform, _DUE, _at_the_end)


async def warn_clocks(platform: Platform) -> int:
    """Warn of every deadline that comes near. Returns how many were tried."""
    return await _each(platform, _TO_WARN, lambda _: announce_warning)


def _at_the_end(row: asyncpg.Record) -> Callable[..., Awaitable[None]]:
    kind = kind_of(row["aggregate_id"])
    return end_window if kind is not None and (kind, row["name"]) in ON_DUE else announce_breach


async def _each(
    platform: Platform, found: str, what: Callable[[asyncpg.Record], Callable[..., Awaitable[None]]]
) -> int:
    """One act for each clock that `found` finds; one that fails is left to the next round. Returns how many were tried."""
    tried = 0
    now, position = platform.clock(), _FIRST
    while True:
        async with platform.database.transaction(WORKER.rows, write=False) as connection:
            rows = await connection.fetch(found, now, *position, BATCH)
        # In an order of its own, so that workers who found the same seldom meet; what one has done the others' next look
        # does not find.
        for row in random.sample(rows, len(rows)):
            try:
                await Act(platform, WORKER, current_trace_id())(what(row), on=row["id"])
            except errors.SlrtError as error:
                _log.warning("clock_left", code=error.code, clock_id=str(row["id"]))
            except Exception:
                # The edge of one clock's act: one that cannot be told must not keep all others of its round from being told.
                _log.exception("clock_left", clock_id=str(row["id"]))
        tried += len(rows)
        if len(rows) < BATCH:
            return tried
        position = rows[-1]["at"], rows[-1]["id"]


async def expire_idempotency(platform: Platform) -> int:
    """Forget answers to idempotent requests after their thirty days. Returns how many."""
    before = platform.clock() - timedelta(days=KEPT_DAYS)
    forgotten = 0
    while True:
        async with platform.database.transaction(WORKER.rows, write=True) as connection:
            status: str = await connection.execute(_EXPIRED, before, BATCH)
        count = int(status.rpartition(" ")[2])
        forgotten += count
        if count < BATCH:
            return forgotten


async def forget_tracking_failures(platform: Platform) -> int:
    """Forget wrong secrets of receipts when their hour is long over. Returns how many receipts and hours."""
    async with platform.database.transaction(WORKER.rows, write=True) as connection:
        status: str = await connection.execute(_FORGOTTEN, platform.clock() - FAILURES_KEPT)
    return int(status.rpartition(" ")[2])


async def forget_quota_uses(platform: Platform) -> int:
    """Forget what was used of daily quotas a month ago. Returns how many rows."""
    async with platform.database.transaction(WORKER.rows, write=True) as connection:
        status: str = await connection.execute(_QUOTAS_FORGOTTEN, (platform.clock() - QUOTAS_KEPT).date())
    return int(status.rpartition(" ")[2])
