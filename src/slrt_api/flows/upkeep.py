"""Work that nobody asks for by a request: announce breached clocks, forget what is no longer needed.

Any number of workers may do it at once. One clock is one act: marked and announced together, under the lock of what it
belongs to, so that every breach is told exactly once and none is lost when a worker dies.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from slrt_api.cases.models import Case
from slrt_api.clocks.codes import ClockState
from slrt_api.clocks.models import Clock
from slrt_api.complaints.models import Complaint
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
BATCH: Final = 500
FAILURES_KEPT: Final = timedelta(days=1)
#: of quotas: longer than any day lasts anywhere, and long enough to look into a complaint about one
QUOTAS_KEPT: Final = timedelta(days=30)

#: what a clock may belong to
_OWNERS: Final[dict[Kind, type[Aggregate]]] = {
    Kind.CASE: Case,
    Kind.REFERRAL: Referral,
    Kind.COMPLAINT: Complaint,
}
_DUE: Final = """
SELECT id, due_at FROM clocks
WHERE state = ANY ('{RUNNING,PAUSED}') AND due_at <= $1 AND (due_at, id) > ($2, $3) ORDER BY due_at, id LIMIT $4
"""
_EXPIRED: Final = """
DELETE FROM idempotent_answers WHERE (regency, key_digest) IN
    (SELECT regency, key_digest FROM idempotent_answers WHERE created_at < $1 LIMIT $2)
"""
_FORGOTTEN: Final = "DELETE FROM tracking_failures WHERE hour < $1"
_QUOTAS_FORGOTTEN: Final = "DELETE FROM quota_uses WHERE day < $1"
_FIRST: Final = (datetime.fromisoformat("0001-01-01T00:00:00Z"), UUID(int=0))

_log = structlog.get_logger(__name__)


@use_case("clocks.announce_breach", scope=None, conditional=False)
async def announce_breach(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Mark a due clock as breached and record it with what it belongs to.

    Nothing happens where somebody else is at it, where it was met in time or announced before.
    """
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
    due = await tx.rows(
        Clock,
        "regency = $1 AND id = $2 AND state = ANY ('{RUNNING,PAUSED}') AND due_at <= $3 FOR NO KEY UPDATE",
        seen.regency,
        id_,
        tx.now,
    )
    if owners and due:
        await tx.update(due[0], state=ClockState.BREACHED.value, breached_at=due[0].due_at)
        await tx.change(owners[0], "clock_breached", texts={"clock": due[0].name})


async def breach_clocks(platform: Platform) -> int:
    """Announce every clock that is due. Returns how many were tried; one that fails is left to the next round."""
    tried = 0
    now, position = platform.clock(), _FIRST
    while True:
        async with platform.database.transaction(WORKER.rows, write=False) as connection:
            due = await connection.fetch(_DUE, now, *position, BATCH)
        for row in due:
            position = row["due_at"], row["id"]
            try:
                await Act(platform, WORKER, current_trace_id())(announce_breach, on=row["id"])
            except errors.SlrtError as error:
                _log.warning("clock_left", code=error.code, clock_id=str(row["id"]))
        tried += len(due)
        if len(due) < BATCH:
            return tried


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
