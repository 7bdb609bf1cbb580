"""Connections to PostgreSQL: one pool for reads and one for writes, and the one way to open a transaction on them.

asyncpg prepares each statement once per connection. A transaction opens by one text, `BEGIN` with role, scope and limits,
so that no statement can ever run before its scope is set; settings are LOCAL and end with it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from slrt_api.kernel import errors
from slrt_api.runtime.actor import RowScope
from slrt_api.settings import Settings

#: SQLSTATEs after which the same transaction may be tried again
RETRY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


async def _prepare(connection: asyncpg.Connection) -> None:
    """JSON values come and go as Python values, not as text."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


async def _reset(connection: asyncpg.Connection) -> None:
    """Hand back a clean connection. Nothing outlives a transaction here, so an open one is all there can be to undo."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


class Database:
    """The two pools of one process."""

    def __init__(self, reads: asyncpg.Pool, writes: asyncpg.Pool, settings: Settings) -> None:
        self._reads = reads
        self._writes = writes
        self._acquire_timeout_seconds = settings.pool_acquire_timeout_seconds
        self._begin_read = f"BEGIN READ ONLY; SET LOCAL statement_timeout = {settings.read_timeout_ms}; "
        self._begin_write = (
            f"BEGIN; SET LOCAL statement_timeout = {settings.write_timeout_ms}; "
            f"SET LOCAL lock_timeout = {settings.lock_timeout_ms}; "
        )

    @classmethod
    async def connect(cls, url: str, settings: Settings) -> "Database":
        """Open the pools. `url` logs in as the API's role."""

        async def pool(size: int) -> asyncpg.Pool:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                init=_prepare,
                reset=_reset,
                max_inactive_connection_lifetime=0,
                server_settings={"application_name": "slrt-api"},
            )

        return cls(await pool(settings.read_pool_size), await pool(settings.write_pool_size), settings)

    async def close(self) -> None:
        await asyncio.gather(self._reads.close(), self._writes.close())

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Pool name -> (connections open, connections idle)."""
        return {
            name: (pool.get_size(), pool.get_idle_size())
            for name, pool in (("reads", self._reads), ("writes", self._writes))
        }

    @asynccontextmanager
    async def transaction(self, rows: RowScope, *, write: bool) -> AsyncIterator[Any]:
        """A connection inside a transaction of this scope: committed at the end, rolled back by any exception."""
        pool = self._writes if write else self._reads
        try:
            connection = await pool.acquire(timeout=self._acquire_timeout_seconds)
        except TimeoutError:
            raise errors.Unavailable("overloaded", retry_after_seconds=1) from None
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            raise errors.Unavailable("database_unavailable", retry_after_seconds=2) from None
        try:
            await connection.execute((self._begin_write if write else self._begin_read) + rows.sql)
            yield connection
            await _commit(connection, write=write)
        except (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError):
            raise errors.Unavailable("timed_out", retry_after_seconds=1) from None
        except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, ConnectionError):
            raise errors.Unavailable("database_unavailable", retry_after_seconds=2) from None
        finally:
            if not connection.is_closed() and connection.is_in_transaction():
                await connection.execute("ROLLBACK")
            await pool.release(connection)

    async def ready(self) -> bool:
        """Whether the database answers."""
        async with self._reads.acquire(timeout=self._acquire_timeout_seconds) as connection:
            return bool(await connection.fetchval("SELECT true"))


async def _commit(connection: Any, *, write: bool) -> None:
    """COMMIT. A write's is shielded: cancelling it would leave unknown whether the effect stands."""
    if not write:
        await connection.execute("COMMIT")
        return
    commit = asyncio.ensure_future(connection.execute("COMMIT"))
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await commit
        raise
