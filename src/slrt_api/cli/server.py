"""The HTTP server: uvicorn on a socket of ours."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from slrt_api import worker
from slrt_api.app import Clients, create_app
from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.runtime.crypto import KeysRefused
from slrt_api.settings import Settings

#: how long the service calls itself not ready after SIGTERM and serves on, until nobody sends requests here any more
NOT_READY_SECONDS = 5
#: how long requests under way may take to end after that
DRAIN_SECONDS = 20


class Server(uvicorn.Server):
    """uvicorn, which says when it is ready.

    beside  runs while the service does, until its event is set; awaited before the service gives up its database
    """

    def __init__(
        self,
        app: ASGIApp,
        ready: Callable[[], None],
        *,
        beside: Callable[[asyncio.Event], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                # `runtime/logs` decides what is logged. The edge writes one line a request, without the path.
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                # forwarded_allow_ips stays unset: uvicorn then reads FORWARDED_ALLOW_IPS, and believes 127.0.0.1 only
                # where that is unset too.
            )
        )
        self._ready = ready
        self._beside = beside
        self._stop = asyncio.Event()
        self._companion: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if self._beside is not None:
                self._companion = asyncio.ensure_future(self._beside(self._stop))
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop.set()
        if self._companion is not None:
            # Not awaited itself: whatever became of it, the service still has to be taken down in order.
            await asyncio.wait([self._companion])
        await super().shutdown(sockets)

    def run_on(self, listener: socket.socket) -> None:
        """Serve until SIGINT or SIGTERM. Raises Refusal when the application does not start."""
        self.run(sockets=[listener])
        if not self.started:
            raise Refusal("the service did not start; its log says why")


def bound(host: str, port: int) -> socket.socket:
    """A socket on that address that does not listen yet: callers are refused until the service is ready."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refusal(f"port {port} on {host} cannot be used: {error.strerror}") from None
    return listener


def application(settings: Settings, *, clients: Clients | None = None) -> FastAPI:
    """`create_app`; keys and issuers that cannot be used are a Refusal."""
    try:
        return create_app(settings, clients=clients)
    except ValueError as error:
        raise Refusal(str(error)) from None


def serve(host: str, port: int) -> None:
    """`slrt-api serve`: the API with the settings of the environment."""
    with readable_settings():
        settings = Settings()
    if settings.database_url is None:
        raise Refusal("SLRT_DATABASE_URL is not set; `slrt-api dev` brings a PostgreSQL of its own")
    app = application(settings)
    with closing(bound(host, port)) as listener:
        Server(app, lambda: app.state.health.drain_on_sigterm(NOT_READY_SECONDS)).run_on(listener)


def work() -> None:
    """`slrt-api worker`: the jobs, with the settings of the environment."""
    with readable_settings():
        settings = Settings()
    if settings.database_url is None:
        raise Refusal("SLRT_DATABASE_URL is not set; `slrt-api dev` runs the jobs beside the API")
    try:
        asyncio.run(worker.run(settings))
    except KeysRefused as error:
        raise Refusal(str(error)) from None
