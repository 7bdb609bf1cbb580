"""What the worker does with referrals by itself: end what nobody answered, ask the next receiver, take old packages back.

Any number of workers may do it at once: one referral is one act, which looks again under the lock whether it is still due.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from slrt_api.access.scopes import Scope
from slrt_api.kernel import errors
from slrt_api.referrals import service as referrals
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.usecase import Act, Platform, system

WORKER: Final = replace(system(RowScope(ScopeKind.WORKER), "worker"), scopes=frozenset({Scope.REFERRALS_WRITE.value}))
BATCH: Final = 500
#: in the form of the partial indexes
_UNANSWERED: Final = """
SELECT id, respond_by AS at FROM referrals
WHERE status = ANY (ARRAY['SENT', 'RECEIVED', 'UNDER_REVIEW', 'WAITLISTED']::text[]) AND respond_by < $1
  AND (respond_by, id) > ($2, $3) ORDER BY respond_by, id LIMIT $4
"""
#: Due since the deadline that was missed, whenever that was written down: a server's clock that ran ahead and came back would
#: hide for as long as it was ahead what it wrote meanwhile, and one that fell back would give the next receiver a deadline that
#: is over
_REROUTED: Final = """
SELECT id, respond_by AS at FROM referrals
WHERE reroute AND respond_by < $1 AND (respond_by, id) > ($2, $3) ORDER BY respond_by, id LIMIT $4
"""
_OUTLIVED: Final = """
SELECT id, package_expires_at AS at FROM referrals
WHERE package_expires_at IS NOT NULL AND package_expires_at <= $1 AND (package_expires_at, id) > ($2, $3)
ORDER BY package_expires_at, id LIMIT $4
"""
_FIRST: Final = (datetime.fromisoformat("0001-01-01T00:00:00Z"), UUID(int=0))

_log = structlog.get_logger(__name__)


async def expire_referrals(platform: Platform) -> int:
    """End every referral that nobody answered in time. Returns how many were tried."""
    return await _each(platform, _UNANSWERED, referrals.expire)


async def reroute_referrals(platform: Platform) -> int:
    """Find the next receiver of every referral that was routed and that nobody answered. Returns how many were tried."""
    return await _each(platform, _REROUTED, referrals.reroute)


async def empty_outlived_packages(platform: Platform) -> int:
    """Empty every package whose time is over. Returns how many were tried."""
    return await _each(platform, _OUTLIVED, referrals.expire_package)


async def _each(platform: Platform, due: str, run: Callable[..., Awaitable[Any]]) -> int:
    """Run an act for each referral that is due; one that fails is left to the next round."""
    tried = 0
    now, position = platform.clock(), _FIRST
    while True:
        async with platform.database.transaction(WORKER.rows, write=False) as connection:
            found = await connection.fetch(due, now, *position, BATCH)
        for row in found:
            position = row["at"], row["id"]
            try:
                await Act(platform, WORKER, current_trace_id())(run, on=row["id"])
            except errors.SlrtError as error:
                _log.warning("referral_left", code=error.code, referral_id=str(row["id"]))
        tried += len(found)
        if len(found) < BATCH:
            return tried
