"""What is measured, a process of its own: `python -m benchmarks.serve NAME FD`, settings from the environment.

Writes its port to the descriptor that is its second argument. One worker, and the server of `slrt-api serve`.
"""

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks import actor
from slrt_api.app import create_app
from slrt_api.cli.server import Server
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.shapes import select
from slrt_api.settings import Settings


class _Recorder:
    """Stands in for a connection and keeps the statement that the read engine would run."""

    async def fetchrow(self, sql: str, *values: Any) -> tuple[bytes, int]:
        self.sql, self.values = sql, values
        return b"", 0


class _Dropped(SpanExporter):
    """An exporter that throws everything away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class Bare:
    """The household with its members by an ASGI callable without framework, token, log line or access record.

    url    of the database; its login decides what the statement runs as
    scope  SET LOCAL statements of the actor's scope, or None for neither transaction nor role
    """

    def __init__(self, url: str, settings: Settings, scope: str | None) -> None:
        self._url = url
        self._size = settings.read_pool_size
        self._timeout = {"statement_timeout": str(settings.read_timeout_ms)}
        self._begin = f"BEGIN READ ONLY; {scope}" if scope else None
        # No pool: nothing to check out, wrap or reset. That is the least that a connection can cost.
        self._idle: deque[Any] = deque()
        self._waiting: deque[Any] = deque()

    async def _start(self) -> None:
        recorder, household = _Recorder(), new_id(Kind.HOUSEHOLD, 3326)
        keys = Keyring({"bench": bytes(32)}, bytes([1]) * 32)
        await Reads(keys).item(recorder, actor.manager(), select(HOUSEHOLD, ["members"]), household)
        self._sql = recorder.sql
        # The id stands wherever the engine would bind it.
        self._values = [None if value == household else value for value in recorder.values]
        self._place = recorder.values.index(household)
        for _ in range(self._size):
            self._idle.append(await asyncpg.connect(self._url, server_settings=self._timeout))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self._start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        values = list(self._values)
        values[self._place] = UUID(scope["path"][-36:])
        if self._idle:
            connection = self._idle.pop()
        else:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            connection = await waiter
        try:
            if self._begin is None:
                record = await connection.fetchrow(self._sql, *values)
            else:
                await connection.execute(self._begin)
                record = await connection.fetchrow(self._sql, *values)
                await connection.execute("COMMIT")
        finally:
            if self._waiting:
                self._waiting.popleft().set_result(connection)
            else:
                self._idle.append(connection)
        body = record[0] if record else b""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200 if record else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _application(name: str) -> Any:
    settings = Settings()
    if name == "bare":
        assert settings.database_url is not None
        return Bare(settings.database_url, settings, actor.manager().rows.sql)
    if name == "bare.no_policies":
        # The same transaction and settings, and a login that no policy applies to: what is left over is the policies.
        role, _, scope = actor.manager().rows.sql.partition("; ")
        assert role.startswith("SET LOCAL ROLE ")
        return Bare(os.environ["BENCH_SUPERUSER_URL"], settings, scope)
    if name == "bare.no_rls":
        return Bare(os.environ["BENCH_SUPERUSER_URL"], settings, None)
    # Spans are made and queued as in service; what the collector would get is dropped.
    return create_app(settings, spans=BatchSpanProcessor(_Dropped()) if name == "app.traced" else None)


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    told = int(sys.argv[2])

    def ready() -> None:
        with os.fdopen(told, "w") as pipe:
            print(listener.getsockname()[1], file=pipe)

    Server(_application(sys.argv[1]), ready).run(sockets=[listener])


if __name__ == "__main__":
    main()
