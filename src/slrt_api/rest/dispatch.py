"""The short way to hot reads: `GET /v1/{plural}` and `GET /v1/{plural}/{id}` without FastAPI's router.

The handlers are those of the routes, which still describe them, and errors become problems by the same function; whatever
is not such a GET takes the long way. Gains: `docs/decisions/0010`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slrt_api.kernel.errors import SlrtError
from slrt_api.rest.operations import Handler, Routes

_PREFIX = "/v1/"
_ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class Template:
    """Stands for the route in the scope, where the edge looks for the name of what answered."""

    path_format: str


class HotReads:
    """ASGI application in front of another.

    routes   of them the lists, and the items whose id is a UUID
    problem  makes the answer to what a handler refuses
    """

    def __init__(
        self, app: ASGIApp, routes: Routes, problem: Callable[[Request, SlrtError], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._problem = problem
        self._lists: dict[str, tuple[Handler, Template]] = {
            plural: (handler, Template(f"/v1/{plural}")) for plural, handler in routes.lists.items()
        }
        self._items: dict[str, tuple[Handler, Template]] = {
            plural: (handler, Template(f"/v1/{plural}/{{id}}")) for plural, handler in routes.items.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path"):
            path: str = scope["path"]
            plural, slash, id_ = path.removeprefix(_PREFIX).partition("/")
            if not slash:
                found = self._lists.get(plural)
            else:
                # A text of another length is no id; it may be the name of another route.
                found = self._items.get(plural) if len(id_) == _ID_LENGTH and "/" not in id_ else None
            if found is not None and path.startswith(_PREFIX):
                scope["path_params"] = {"id": id_} if slash else {}
                scope["route"] = found[1]
                request = Request(scope, receive, send)
                try:
                    response = await found[0](request)
                except SlrtError as error:
                    response = await self._problem(request, error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
