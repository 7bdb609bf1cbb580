"""Connections to PostgreSQL: a few for reads and a few for writes, and the one way to open a transaction on them.

asyncpg prepares each statement once per connection. A transaction opens by one text, `BEGIN` with role and scope,
so that no statement can ever run before its scope is set; settings are LOCAL and end with it. A transaction that only
read is ended by the text that opens the next one on its connection, or a moment later where there is none; a read of the
very same scope that comes in this moment goes on in it (`docs/decisions/0013`).
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from slrt_api.kernel import errors
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.prepared import PREPARED
from slrt_api.settings import Settings

#: how long a connection may idle in a transaction that only read
SETTLE_SECONDS = 0.005
#: how old a transaction may be that another read of its scope goes on in: it delays migrations and cleaning up by as much
SHARE_SECONDS = 0.02
#: how long ending a transaction that failed may take before its connection is closed instead
CLEANING_SECONDS = 5.0
#: SQLSTATEs after which the same transaction may be tried again
RETRY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Connection(asyncpg.Connection):
    """A connection that remembers which transaction it is in.

    begun  the text that opened one that only reads, None outside of one; empty for one that nobody may go on in
    until  time of the loop until which a read of the same scope may go on in it
    found  what the last statement of the text that opened one that writes told: `SELECT 1`
    last   statements without values of the caller that a write ends with, in the round trip of its COMMIT
    """

    __slots__ = ("begun", "found", "last", "until")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.begun: str | None = None
        self.until = 0.0
        self.found = ""
        self.last = ""


class Connections:
    """At most `size` connections, opened when they are needed. The last one returned is the next one taken: its caches
    are warm.

    One that comes back inside a transaction that only read is settled (COMMIT) after SETTLE_SECONDS, unless somebody
    takes it before. `asyncpg.Pool` would cost a proxy, a task and a timer each time.

    connecting  arguments of `asyncpg.connect`
    prepared    name -> statement that each of them prepares
    """

    def __init__(
        self,
        connecting: Mapping[str, Any],
        size: int,
        acquire_timeout_seconds: float,
        prepared: Mapping[str, str] | None = None,
    ) -> None:
        self._connecting = connecting
        self._preparing = "; ".join(f"PREPARE {name} AS {sql}" for name, sql in (prepared or {}).items())
        self._size = size
        self._timeout_seconds = acquire_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._open = 0
        self._taken = 0
        self._closing: asyncio.Future[None] | None = None
        self._idle: list[Connection] = []
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._patience: asyncio.TimerHandle | None = None
        #: places handed to somebody who has not taken the idle connection that came with it yet
        self._claimed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._settling: set[asyncio.Task[None]] = set()

    async def take(self) -> Connection:
        """A connection that was alive when last seen. Raises TimeoutError, and what opening a connection raises."""
        if self._taken < self._size:
            self._taken += 1
        else:
            await self._turn()
            self._claimed -= 1
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        try:
            return await self._connected()
        except BaseException:
            self._left()
            raise

    async def give_back(self, connection: Connection, *, clean: bool) -> None:
        """Return what `take` gave. clean: its transaction ended as it should."""
        kept = False
        try:
            if not clean:
                connection.begun = None
                # Also after a cancellation, for which asyncpg waits, and where it is unknown whether one was begun.
                await asyncio.wait_for(connection.execute("ROLLBACK"), CLEANING_SECONDS)
            kept = self._closing is None and not connection.is_closed()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            # Nothing of what failed can stand: the server undoes what a closed connection had not committed.
            pass
        finally:
            if kept:
                self._idle.append(connection)
                if connection.begun is not None and self._timer is None:
                    self._timer = self._loop.call_later(SETTLE_SECONDS, self._settle)
            else:
                self._open -= 1
                connection.terminate()
            self._left()

    async def open_one(self) -> None:
        """Open the first connection, so that a start without a database fails."""
        await self.give_back(await self.take(), clean=True)

    async def close(self) -> None:
        """Close all connections; waits for those that are in use."""
        self._closing = self._loop.create_future()
        for timer in (self._timer, self._patience):
            if timer is not None:
                timer.cancel()
        if self._taken:
            await self._closing
        while self._idle:
            await self._idle.pop().close()

    def now(self) -> float:
        """Time of the loop, in seconds."""
        return self._loop.time()

    def sizes(self) -> tuple[int, int]:
        """(connections open, connections idle)."""
        return self._open, max(0, self._open - self._taken)

    async def _connected(self) -> Connection:
        """A new connection, in the place that was taken for it."""
        connection: Connection = await asyncpg.connect(
            connection_class=Connection, timeout=self._timeout_seconds, **self._connecting
        )
        try:
            # JSON values come and go as Python values, not as text.
            await connection.set_type_codec(
                "jsonb",
                encoder=lambda value: b"\x01" + orjson.dumps(value),
                decoder=lambda data: orjson.loads(data[1:]),
                schema="pg_catalog",
                format="binary",
            )
            if self._preparing:
                await connection.execute(self._preparing)
        except BaseException:
            connection.terminate()
            raise
        self._open += 1
        return connection

    def _settle(self) -> None:
        """End the transactions that idle connections are in. Each is taken for as long as that takes."""
        self._timer = None
        # Taken from the front; those who have a place already take theirs from the end.
        unclaimed = self._idle[: max(0, len(self._idle) - self._claimed)]
        for connection in [each for each in unclaimed if each.begun is not None]:
            self._idle.remove(connection)
            self._taken += 1
            task = self._loop.create_task(self._settled(connection))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _settled(self, connection: Connection) -> None:
        clean = False
        try:
            await connection.execute("COMMIT")
            connection.begun = None
            clean = True
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # It only read: nothing is lost with it, and another one is opened in its place.
            pass
        finally:
            await self.give_back(connection, clean=clean)

    async def _turn(self) -> None:
        """Wait, in the order of asking, until somebody leaves, and take over that place."""
        waiter = self._loop.create_future()
        deadline = self._loop.time() + self._timeout_seconds
        self._waiting.append((waiter, deadline))
        if self._patience is None:
            self._patience = self._loop.call_at(deadline, self._give_up)
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
        while self._waiting and (self._waiting[0][0].done() or self._waiting[0][1] <= self._loop.time()):
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(TimeoutError())
        self._patience = self._loop.call_at(self._waiting[0][1], self._give_up) if self._waiting else None

    def _left(self) -> None:
        """Hand the place to who waits longest, or free it."""
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._claimed += 1
                return
        self._taken -= 1
        if self._closing is not None and not self._taken and not self._closing.done():
            self._closing.set_result(None)


class Database:
    """The connections of one process."""

    def __init__(self, reads: Connections, writes: Connections) -> None:
        self._reads = reads
        self._writes = writes

    @classmethod
    async def connect(cls, url: str, settings: Settings) -> "Database":
        """Open the first ones. `url` logs in as the API's role."""

        def connections(size: int, prepared: Mapping[str, str] | None = None, **limits: int) -> Connections:
            # Limits of the session, so that no transaction spends a statement on them.
            session = {"application_name": "slrt-api", **{name: str(ms) for name, ms in limits.items()}}
            connecting = {"dsn": url, "server_settings": session}
            return Connections(connecting, size, settings.pool_acquire_timeout_seconds, prepared)

        reads = connections(settings.read_pool_size, statement_timeout=settings.read_timeout_ms)
        writes = connections(
            settings.write_pool_size,
            PREPARED,
            statement_timeout=settings.write_timeout_ms,
            lock_timeout=settings.lock_timeout_ms,
        )
        await asyncio.gather(reads.open_one(), writes.open_one())
        return cls(reads, writes)

    async def close(self) -> None:
        await asyncio.gather(self._reads.close(), self._writes.close())

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Pool name -> (connections open, connections idle)."""
        return {"reads": self._reads.sizes(), "writes": self._writes.sizes()}

    def transaction(self, rows: RowScope, *, write: bool, alone: bool = False, then: str = "") -> "Opened":
        """A connection inside a transaction of this scope: committed at the end, rolled back by any exception.

        then   statements without values that a write begins with, in the same round trip
        alone  of a read that runs more than statements of the read engine: no other read goes on in its transaction
        """
        if write:
            return Opened(self._writes, f"{rows.begin_write}; {then}" if then else rows.begin_write, write=True)
        return Opened(self._reads, rows.begin_read, write=False, alone=alone)

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

    __slots__ = ("_alone", "_begin", "_connection", "_connections", "_write")

    def __init__(self, connections: Connections, begin: str, *, write: bool, alone: bool = False) -> None:
        self._alone = alone
        self._connections = connections
        self._begin = begin
        self._write = write

    async def __aenter__(self) -> Any:
        try:
            connection = await self._connections.take()
        except TimeoutError:
            raise errors.Unavailable("overloaded", retry_after_seconds=1) from None
        except _GONE:
            raise errors.Unavailable("database_unavailable", retry_after_seconds=2) from None
        self._connection = connection
        begun = connection.begun
        now = self._connections.now()
        if begun is None or begun != self._begin or connection.until < now or self._alone:
            connection.found = await self._begun(connection, self._begin if begun is None else f"COMMIT; {self._begin}")
            connection.last = ""
            if not self._write:
                connection.begun = "" if self._alone else self._begin
                connection.until = now + SHARE_SECONDS
        return connection

    async def _begun(self, connection: Connection, text: str) -> str:
        try:
            status: str = await connection.execute(text)
        except BaseException as error:
            await self._connections.give_back(connection, clean=False)
            _say(error)
            raise
        return status

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
    text = f"{connection.last}; COMMIT" if connection.last else "COMMIT"
    commit = asyncio.ensure_future(connection.execute(text))
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await commit
        raise
