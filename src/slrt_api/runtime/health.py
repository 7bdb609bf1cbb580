"""`/health/live`: the process runs. `/health/ready`: it can serve, and is not on its way out."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slrt_api.kernel.errors import Unavailable

CHECK_SECONDS: Final = 2.0

_log = structlog.get_logger()


class Health:
    """The two probes.

    check  asks whatever the service cannot do without; False or any exception means not ready
    """

    def __init__(self, check: Callable[[], Awaitable[bool]]) -> None:
        self._check = check
        self.draining = False
        self.routes = [
            Route("/health/live", self._live, methods=["GET"]),
            Route("/health/ready", self._ready, methods=["GET"]),
        ]

    def drain(self) -> None:
        """Answer not ready from now on, so that no new requests are sent here."""
        self.draining = True

    def drain_on_sigterm(self, grace_seconds: float = 0.0) -> None:
        """Drain at SIGTERM, then let the server's own handler stop it after `grace_seconds`.

        Call from the running loop of the main thread, after the server has set its handler (in the lifespan).
        """
        loop = asyncio.get_running_loop()
        previous = signal.getsignal(signal.SIGTERM)

        def on_signal(number: int, frame: FrameType | None) -> None:
            self.drain()
            if not callable(previous):
                raise SystemExit(128 + number)
            if grace_seconds > 0:
                loop.call_soon_threadsafe(loop.call_later, grace_seconds, previous, number, None)
            else:
                previous(number, frame)

        signal.signal(signal.SIGTERM, on_signal)

    async def _live(self, _: Request) -> Response:
        return _ok()

    async def _ready(self, _: Request) -> Response:
        if self.draining or not await self._passes():
            raise Unavailable(retry_after_seconds=5)
        return _ok()

    async def _passes(self) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await self._check()
        except Exception:
            _log.exception("not_ready")
            return False


def _ok() -> Response:
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})
