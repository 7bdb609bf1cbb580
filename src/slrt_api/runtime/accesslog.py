"""Records of reads: queued in memory, written every second or 500 rows and at the end. A full queue refuses the read."""

import asyncio
import contextlib
from collections import deque
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.db import Database
from slrt_api.runtime.roles import ScopeKind

CAPACITY = 20_000
BATCH = 500
INTERVAL_SECONDS = 1.0

_COLUMNS = (
    "regency",
    "id",
    "area",
    "at",
    "actor",
    "role",
    "operation",
    "resource",
    "resource_id",
    "purpose",
    "rows",
    "trace_id",
    "sealed",
)
_INSERT = (
    f"INSERT INTO accesses ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_COLUMNS)))})"
    # A batch whose COMMIT was not answered is written again: what stands already stays.
    " ON CONFLICT DO NOTHING"
)
_log = structlog.get_logger(__name__)


class AccessLog:
    """The queue of one process. `start` runs the writer, `close` writes what is left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: deque[tuple[Any, ...]] = deque()
        self._full = asyncio.Event()
        # Two writers at once would each take from the queue what the other has written, and lose what came after.
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def note(
        self,
        *,
        regency: int,
        at: datetime,
        actor: str,
        role: str,
        operation: str,
        resource: str,
        resource_id: UUID | None,
        rows: int,
        trace_id: str,
        purpose: str | None = None,
        sealed: bool = False,
    ) -> None:
        """Queue one record. Raises Unavailable when the queue is full."""
        if len(self._queue) >= CAPACITY:
            raise errors.Unavailable("access_log_full", retry_after_seconds=1)
        self._queue.append(
            (regency, at, actor, role, operation, resource, resource_id, purpose, rows, trace_id, sealed)
        )
        if len(self._queue) >= BATCH:
            self._full.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_for_ever(), name="access log")

    async def close(self) -> None:
        """Stop the writer and write what is queued.

        The writer is asked and not cancelled: cancelled between COMMIT and its queue, it would write a batch twice.
        """
        self._closing = True
        self._full.set()
        if self._task is not None:
            await self._task
        await self.flush()

    async def flush(self) -> None:
        """Write everything that is queued now. What cannot be written stays queued."""
        async with self._writing:
            while self._queue:
                # A record gets its id once, when it is first written, so that one that is written again is recognized.
                for index in range(min(BATCH, len(self._queue))):
                    if len(self._queue[index]) < len(_COLUMNS):
                        self._queue[index] = _identified(*self._queue[index])
                batch = [self._queue[index] for index in range(min(BATCH, len(self._queue)))]
                async with self._database.transaction(RowScope(ScopeKind.WORKER), write=True) as connection:
                    await connection.executemany(_INSERT, batch)
                for _ in batch:
                    self._queue.popleft()

    async def _write_for_ever(self) -> None:
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), INTERVAL_SECONDS)
            self._full.clear()
            try:
                await self.flush()
            except (errors.SlrtError, asyncpg.PostgresError, OSError) as error:
                # Reads go on until the queue is full, and are then refused: a record is delayed, never lost in silence.
                _log.warning("access_log_delayed", error=type(error).__name__, queued=len(self._queue))
                await asyncio.sleep(INTERVAL_SECONDS)


def _identified(regency: int, at: datetime, *values: Any) -> tuple[Any, ...]:
    """The row of a record. Its place is the tenant: who audits a regency sees the accesses to all of it."""
    return regency, new_id(Kind.ACCESS, regency, at), regency * 1_000_000, at, *values
