"""Records of reads: queued in memory, written every second or 500 rows and at the end. A full queue refuses the read."""

import asyncio
import contextlib
from collections import deque
from datetime import datetime
from typing import Any, Final
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

_COLUMNS: Final = (
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
#: further columns of a record that is written in the transaction of what it tells of
_ALLOWED: Final = ("case_id", "override_id")
#: what a sealed record may be about: a report, its files, the requests for its identity, and records of all these
_ABOUT: Final = ("complaints", "attachments", "sealed_accesses", "accesses")


def insert(*further: str, sealed: bool) -> str:
    """The statement that writes a record: of `_COLUMNS` and `further` columns, in this order.

    A sealed one keeps whom the report accuses, so that the row policy keeps the record from them as it keeps the report.
    """
    columns = (*_COLUMNS, *further)
    values = [f"${number + 1}" for number in range(len(columns))]
    if sealed:
        place = columns.index("resource_id") + 1
        for column in ("accused_person_id", "accused_organization_id"):
            columns = (*columns, column)
            about = " UNION ALL ".join(
                f"SELECT {column} FROM {table} WHERE regency = $1 AND id = ${place}" for table in _ABOUT
            )
            values.append(f"({about})")
    return f"INSERT INTO accesses ({', '.join(columns)}) VALUES ({', '.join(values)})"


#: by whether it is sealed. A batch whose COMMIT was not answered is written again: what stands already stays.
_QUEUED: Final = {sealed: f"{insert(sealed=sealed)} ON CONFLICT DO NOTHING" for sealed in (False, True)}
#: by whether it is sealed: `_COLUMNS`, then the case and the access override that allowed it
AT_ONCE: Final = {sealed: insert(*_ALLOWED, sealed=sealed) for sealed in (False, True)}
_SEALED: Final = _COLUMNS.index("sealed")
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
                    for sealed, statement in _QUEUED.items():
                        rows = [row for row in batch if row[_SEALED] is sealed]
                        if rows:
                            await connection.executemany(statement, rows)
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
