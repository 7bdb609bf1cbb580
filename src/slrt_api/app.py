"""The HTTP composition root: one application from settings, with everything that a process shares."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from opentelemetry.sdk.trace import SpanProcessor
from sqlalchemy.orm import configure_mappers
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from slrt_api import __version__, graph
from slrt_api.access import quotas
from slrt_api.areas import places
from slrt_api.clocks import calendars
from slrt_api.flows import attaching
from slrt_api.households.service import civil_checks
from slrt_api.kernel.errors import SlrtError
from slrt_api.rest import all_routes, docs
from slrt_api.rest.dispatch import ShortWay
from slrt_api.rest.documents import ProblemDocument
from slrt_api.rest.openapi import describe
from slrt_api.rest.service import Service
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.devissuer import DevClient, DevIssuer
from slrt_api.runtime.edge import Edge
from slrt_api.runtime.health import Health
from slrt_api.runtime.problems import exception_handlers, problem_page
from slrt_api.runtime.ratelimit import Decision, RateLimiter
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.telemetry import Telemetry
from slrt_api.runtime.tokens import IssuerKeys, Verifier
from slrt_api.runtime.usecase import Platform
from slrt_api.settings import Settings

DRAIN_SECONDS = 20

Clients = Callable[[Database], Awaitable[Mapping[str, DevClient]]]


def _spare_collections() -> None:
    """Leave what was loaded at the start out of garbage collections, and make them rarer.

    A request makes hundreds of small objects and no cycles; the areas of the country alone are 400,000 that never go.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class Limits:
    """The request limits of one process: of callers with a token, and of addresses without one."""

    def __init__(self, settings: Settings) -> None:
        self._callers = RateLimiter(settings.rate_limit_per_minute)
        self._public = RateLimiter(settings.public_rate_limit_per_minute, policy="public")

    def check(self, key: str) -> Decision:
        return (self._callers if key.startswith("token:") else self._public).check(key)


def create_app(settings: Settings, *, clients: Clients | None = None, spans: SpanProcessor | None = None) -> FastAPI:
    """The application.

    settings  `database_url` must be set: the embedded database is started by `slrt-api dev`, before
    clients   finds the clients of the development issuer once the database is there
    spans     receives finished spans, beside the OTLP exporter of the settings
    """
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    keyring = Keyring.from_settings(settings, data_dir)
    issuers = list(settings.issuers)
    routes: list[Route] = [Route("/problems/{code}", problem_page, methods=["GET"])]
    known: dict[str, DevClient] = {}
    if settings.dev_issuer_enabled and data_dir is not None:
        development = DevIssuer(settings, data_dir, known)
        issuers.append(development.entry())
        routes += development.routes()
    telemetry = Telemetry(settings, processor=spans)
    service = Service(
        Verifier([IssuerKeys(issuer) for issuer in issuers]),
        settings,
        {issuer.issuer: issuer.default_role for issuer in issuers if issuer.default_role is not None},
    )
    health = Health(service.ready)
    routes += [*health.routes, *docs.routes(settings, issuers)]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None:
            message = "SLRT_DATABASE_URL is not set"
            raise RuntimeError(message)
        # Read by the first request, it would hold up every other one, and a transaction for longer than it may rest.
        await asyncio.to_thread(places.load)
        await asyncio.to_thread(calendars.load)
        await asyncio.to_thread(configure_mappers)
        database = await Database.connect(settings.database_url, settings)
        accesses = AccessLog(database)
        service.platform = Platform(
            database,
            Reads(keyring, telemetry.metrics.unreadable),
            keyring,
            accesses,
            telemetry.metrics.act,
            limits={
                **quotas.limits(settings),
                **civil_checks.limits(settings),
                **attaching.limits(settings),
            },
        )
        telemetry.metrics.watch_pools(database.sizes)
        if clients is not None:
            known.update(await clients(database))
        telemetry.start()
        accesses.start()
        keys = asyncio.create_task(service.verifier.keep_fresh())
        _spare_collections()
        try:
            yield
        finally:
            health.drain()
            keys.cancel()
            await asyncio.wait([keys])
            await accesses.close()
            await asyncio.wait_for(database.close(), DRAIN_SECONDS)
            await asyncio.to_thread(telemetry.stop)

    problems = exception_handlers(settings.base_url)
    app = FastAPI(
        title="slrt-api",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=problems,
        # FastAPI's own instrumentation names raw paths; ours is in the edge.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    app.state.health = health
    for route in routes:
        app.router.routes.append(route)
    reads_and_writes = all_routes(service, graph.root_fields())
    # Not included: FastAPI would describe every route at once. What the short way finds never asks them.
    app.router.routes.extend(reads_and_writes.routes)
    describe(app, reads_and_writes.descriptions, ProblemDocument)
    # Put together here: as middleware of FastAPI the edge would stand inside of FastAPI's own, and see less than all.
    stack: ASGIApp = ShortWay(app.build_middleware_stack(), reads_and_writes.routes, problems[SlrtError])
    stack = graph.in_front_of(stack, service, problems[SlrtError])
    if settings.cors_origins:
        stack = CORSMiddleware(
            stack,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Acting-Role",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
            ],
            expose_headers=[
                "ETag",
                "Location",
                "Link",
                "Idempotency-Replayed",
                "RateLimit",
                "Retry-After",
                "WWW-Authenticate",
            ],
        )
    app.middleware_stack = Edge(stack, settings=settings, telemetry=telemetry, limiter=Limits(settings))
    return app
