"""What the worker does about cases by itself: tell of lines of plans and of re-assessments that are due.

Each exactly once, by any number of workers: one is one act, which looks again under the lock.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from slrt_api.cases import service as cases
from slrt_api.flows.upkeep import BATCH, WORKER
from slrt_api.kernel import errors
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.usecase import Act, Platform

#: The day begins first in the east of the country: what is due there is due, and elsewhere told some hours before.
_EAST: Final = timedelta(hours=9)
_DUE: Final = """
SELECT id, due_on AS due FROM case_plan_lines
WHERE status = 'OPEN' AND reminded_at IS NULL AND due_on <= $1 AND (due_on, id) > ($2, $3) ORDER BY due_on, id LIMIT $4
"""
_REASSESSMENTS: Final = """
SELECT id, reassess_by AS due FROM cases
WHERE reassess_by IS NOT NULL AND reassess_by <= $1 AND reassessment_told_at IS NULL AND (reassess_by, id) > ($2, $3)
ORDER BY reassess_by, id LIMIT $4
"""

_log = structlog.get_logger(__name__)


async def remind_plan_lines(platform: Platform) -> int:
    """Tell of every line that is due today and was not told of. Returns how many were tried; one that fails waits a round."""
    today = (platform.clock() + _EAST).date()
    return await _each(platform, _DUE, today, date(1, 1, 1), cases.remind, "plan_line_left")


async def tell_reassessments(platform: Platform) -> int:
    """Tell of every re-assessment that is due and was not told of. Returns how many were tried; one that fails waits a round."""
    first = datetime.fromisoformat("0001-01-01T00:00:00Z")
    return await _each(platform, _REASSESSMENTS, platform.clock(), first, cases.tell_reassessment, "reassessment_left")


async def _each(
    platform: Platform, query: str, until: date, first: date, run: Callable[..., Awaitable[Any]], left: str
) -> int:
    """Ask `run` on everything that `query` finds until then, one an act, from `first` on.

    left  what the log calls one that is refused
    """
    tried = 0
    position = first, UUID(int=0)
    while True:
        async with platform.database.transaction(WORKER.rows, write=False) as connection:
            due = await connection.fetch(query, until, *position, BATCH)
        for row in due:
            position = row["due"], row["id"]
            try:
                await Act(platform, WORKER, current_trace_id())(run, on=row["id"])
            except errors.SlrtError as error:
                _log.warning(left, code=error.code, resource_id=str(row["id"]))
        tried += len(due)
        if len(due) < BATCH:
            return tried
