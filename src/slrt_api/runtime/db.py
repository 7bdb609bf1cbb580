"""Connections to PostgreSQL: one pool for reads and one for writes, and the one way to open a transaction on them.

asyncpg prepares each statement once per connection. A transaction opens by one text, `BEGIN` with role and scope,
so that no statement can ever run before its scope is set; settings are LOCAL and end with it. A transaction that only
read is ended by the text that opens the next one on its connection, or a moment later where there is none.
"""

import asyncio
from collections import deque
from typing import Any

import asyncpg
import orjson

from slrt_api.kernel import errors
from slrt_api.runtime.actor import RowScope
from slrt_api.settings import Settings

#: how long a connection may idle in a transaction that only read
SETTLE_SECONDS = 0.005
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


class Connections:
    """A pool whose idle connections stay checked out of asyncpg's, so that taking one costs no task and no timer.

    asyncpg still opens connections, and gets back every one that anything happened to, for it knows how to clean up.
    The last one returned is the next one taken: its caches are warm. One that comes back inside a transaction that only
    read is settled (COMMIT) after SETTLE_SECONDS, unless somebody takes it before and opens the next one on it.
    """

    def __init__(self, pool: asyncpg.Pool, size: int, acquire_timeout_seconds: float) -> None:
        self._pool = pool
        self._size = size
        self._timeout_seconds = acquire_timeout_seconds
        self._taken = 0
        self._closing = False
        self._idle: list[Any] = []
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._patience: asyncio.TimerHandle | None = None
        #: places handed to somebody who has not taken the idle connection that came with it yet
        self._claimed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._settling: set[asyncio.Task[None]] = set()

    async def take(self) -> Any:
        """A connection that was alive when last seen. Raises TimeoutError, and what opening a connection raises."""
        if self._taken < self._size:
            self._taken += 1
        else:
            await self._turn()
            self._claimed -= 1
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                await self._pool.release(connection)
            return await self._pool.acquire(timeout=self._timeout_seconds)
        except BaseException:
            self._left()
            raise

    async def give_back(self, connection: Any, *, clean: bool) -> None:
        """Return what `take` gave. clean: its transaction ended as it should."""
        try:
            if clean and not self._closing and not connection.is_closed():
                self._idle.append(connection)
                if self._timer is None and connection.is_in_transaction():
                    self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)
            else:
                if not connection.is_closed() and connection.is_in_transaction():
                    # asyncpg would log an error for each: a refusal ends its transaction this way, and is none.
                    await connection.execute("ROLLBACK")
                await self._pool.release(connection)
        finally:
            self._left()

    async def close(self) -> None:
        """Close all connections; waits for those that are in use."""
        self._closing = True
        for timer in (self._timer, self._patience):
            if timer is not None:
                timer.cancel()
        self._settle()
        await asyncio.gather(*self._settling)
        while self._idle:
            await self._pool.release(self._idle.pop())
        await self._pool.close()

    def sizes(self) -> tuple[int, int]:
        """(connections open, connections idle)."""
        open_ = int(self._pool.get_size())
        return open_, max(0, open_ - self._taken)

    def _settle(self) -> None:
        """End the transactions that idle connections are in. Each is taken for as long as that takes."""
        self._timer = None
        # Taken from the front; those who have a place already take theirs from the end.
        unclaimed = self._idle[: max(0, len(self._idle) - self._claimed)]
        for connection in [each for each in unclaimed if not each.is_closed() and each.is_in_transaction()]:
            self._idle.remove(connection)
            self._taken += 1
            task = asyncio.get_running_loop().create_task(self._settled(connection))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _settled(self, connection: Any) -> None:
        clean = False
        try:
            await connection.execute("COMMIT")
            clean = True
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # It only read: nothing is lost with it, and the pool opens another one.
            pass
        finally:
            await self.give_back(connection, clean=clean)

    async def _turn(self) -> None:
        """Wait, in the order of asking, until somebody leaves, and take over that place."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        deadline = loop.time() + self._timeout_seconds
        self._waiting.append((waiter, deadline))
        if self._patience is None:
            self._patience = loop.call_at(deadline, self._give_up)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # The place was ours already, and we are gone.
                self._claimed -= 1
                self._left()
            raise

    def _give_up(self) -> None:
        """Send away who has waited too long. All wait equally long, so one timer for the first is enough."""
        loop = asyncio.get_running_loop()
        while self._waiting and (self._waiting[0][0].done() or self._waiting[0][1] <= loop.time()):
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(TimeoutError())
        self._patience = loop.call_at(self._waiting[0][1], self._give_up) if self._waiting else None

    def _left(self) -> None:
        """Hand the place to who waits longest, or free it."""
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._claimed += 1
                return
        self._taken -= 1


class Database:
    """The two pools of one process."""

    def __init__(self, reads: asyncpg.Pool, writes: asyncpg.Pool, settings: Settings) -> None:
        patience = settings.pool_acquire_timeout_seconds
        self._reads = Connections(reads, settings.read_pool_size, patience)
        self._writes = Connections(writes, settings.write_pool_size, patience)

    @classmethod
    async def connect(cls, url: str, settings: Settings) -> "Database":
        """Open the pools. `url` logs in as the API's role."""

        async def pool(size: int, **limits: int) -> asyncpg.Pool:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                init=_prepare,
                reset=_reset,
                max_inactive_connection_lifetime=0,
                # Limits of the session, so that no transaction spends a statement on them.
                server_settings={"application_name": "slrt-api", **{name: str(ms) for name, ms in limits.items()}},
            )

        reads = await pool(settings.read_pool_size, statement_timeout=settings.read_timeout_ms)
        writes = await pool(
            settings.write_pool_size,
            statement_timeout=settings.write_timeout_ms,
            lock_timeout=settings.lock_timeout_ms,
        )
        return cls(reads, writes, settings)

    async def close(self) -> None:
        await asyncio.gather(self._reads.close(), self._writes.close())

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Pool name -> (connections open, connections idle)."""
        return {"reads": self._reads.sizes(), "writes": self._writes.sizes()}

    def transaction(self, rows: RowScope, *, write: bool) -> "Opened":
        """A connection inside a transaction of this scope: committed at the end, rolled back by any exception."""
        if write:
            return Opened(self._writes, rows.begin_write, write=True)
        return Opened(self._reads, rows.begin_read, write=False)

    async def ready(self) -> bool:
        """Whether the database answers."""
        connection = await self._reads.take()
        clean = False
        try:
            answered = bool(await connection.fetchval("SELECT true"))
            clean = True
            return answered
        finally:
            await self._reads.give_back(connection, clean=clean)


class Opened:
    """`async with` a transaction, of which every request opens one: a class costs less than a generator."""

    __slots__ = ("_after", "_begin", "_connection", "_connections", "_write")

    def __init__(self, connections: Connections, begin: tuple[str, str], *, write: bool) -> None:
        self._connections = connections
        self._begin, self._after = begin
        self._write = write

    async def __aenter__(self) -> Any:
        try:
            connection = await self._connections.take()
        except TimeoutError:
            raise errors.Unavailable("overloaded", retry_after_seconds=1) from None
        except _GONE:
            raise errors.Unavailable("database_unavailable", retry_after_seconds=2) from None
        self._connection = connection
        # A connection that only read comes back inside its transaction, which ends here.
        begin = self._after if connection.is_in_transaction() else self._begin
        try:
            await connection.execute(begin)
        except BaseException as error:
            await self._connections.give_back(connection, clean=False)
            _say(error)
            raise
        return connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        clean = False
        try:
            if error is None:
                if self._write:
                    await _commit(self._connection)
                clean = True
        except BaseException as failed:
            _say(failed)
            raise
        finally:
            # `_reset` undoes what is open on a connection that is not clean.
            await self._connections.give_back(self._connection, clean=clean)
        if error is not None:
            _say(error)


_GONE = (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, OSError)


def _say(error: BaseException) -> None:
    """Raise Unavailable for what the database does to whoever comes at a bad time; other errors are left alone."""
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        raise errors.Unavailable("timed_out", retry_after_seconds=1) from None
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.AdminShutdownError | ConnectionError):
        raise errors.Unavailable("database_unavailable", retry_after_seconds=2) from None


async def _commit(connection: Any) -> None:
    """COMMIT, shielded: cancelling it would leave unknown whether the effect stands."""
    commit = asyncio.ensure_future(connection.execute("COMMIT"))
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await commit
        raise
