"""The HTTP composition root: one application from settings, with everything that a process shares."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Route

from slrt_api import __version__
from slrt_api.rest import all_routes
from slrt_api.rest.documents import ProblemDocument
from slrt_api.rest.openapi import describe
from slrt_api.rest.service import Service
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.devissuer import DevClient, DevIssuer
from slrt_api.runtime.problems import exception_handlers, problem_page
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.tokens import IssuerKeys, Verifier
from slrt_api.runtime.usecase import Platform
from slrt_api.settings import Settings

Clients = Callable[[Database], Awaitable[Mapping[str, DevClient]]]


def create_app(settings: Settings, *, clients: Clients | None = None) -> FastAPI:
    """The application.

    settings  `database_url` must be set: the embedded database is started by `slrt-api dev`, before
    clients   finds the clients of the development issuer once the database is there
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
    verifier = Verifier([IssuerKeys(issuer) for issuer in issuers])
    service = Service(verifier, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None:
            message = "SLRT_DATABASE_URL is not set"
            raise RuntimeError(message)
        database = await Database.connect(settings.database_url, settings)
        accesses = AccessLog(database)
        service.platform = Platform(database, Reads(keyring), keyring, accesses)
        if clients is not None:
            known.update(await clients(database))
        accesses.start()
        try:
            yield
        finally:
            await accesses.close()
            await asyncio.wait_for(database.close(), 20)

    app = FastAPI(
        title="slrt-api",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=exception_handlers(settings.base_url),
    )
    app.state.service = service
    for route in routes:
        app.router.routes.append(route)
    app.include_router(all_routes(service).router)
    describe(app, ProblemDocument)
    return app
