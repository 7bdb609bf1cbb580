"""The short way to every operation: a tree of path segments, without FastAPI's router.

The router asks each of its routes in turn, some hundreds; of a transition of a case that was half of the time outside of the
database. The handlers are those of the routes, and errors become problems by the same function. What the tree does not lead to
takes the long way: other methods, other paths, and those of plain Starlette routes. Gains: `docs/decisions/0010`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from starlette.convertors import StringConvertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slrt_api.kernel.errors import SlrtError
from slrt_api.rest.operations import Handler, Operation


@dataclass(slots=True)
class _Node:
    """One place in the tree: what follows a segment of a path.

    named       the places after a segment that is written so
    any         the place after a segment that is a parameter
    operations  method -> operation of the path that ends here, its handler and the names of its parameters
    """

    named: "dict[str, _Node]" = field(default_factory=dict)
    any: "_Node | None" = None
    operations: dict[str, tuple[Operation, Handler, tuple[str, ...]]] = field(default_factory=dict)

    def place(self, segment: str) -> "_Node":
        """The place after `segment` of a template, made where there is none yet."""
        if segment.startswith("{"):
            self.any = self.any or _Node()
            return self.any
        return self.named.setdefault(segment, _Node())

    def find(self, segments: list[str], at: int, values: list[str]) -> "_Node | None":
        """Where the segments from number `at` on lead; a written name comes before a parameter. `values` gets the parameters."""
        if at == len(segments):
            return self if self.operations else None
        segment = segments[at]
        named = self.named.get(segment)
        found = named.find(segments, at + 1, values) if named is not None else None
        if found is not None or self.any is None or not segment:
            return found
        values.append(segment)
        found = self.any.find(segments, at + 1, values)
        if found is None:
            values.pop()
        return found


class ShortWay:
    """ASGI application in front of another.

    operations  those that are answered here
    problem     makes the answer to what a handler refuses
    """

    def __init__(
        self,
        app: ASGIApp,
        operations: Iterable[Operation],
        problem: Callable[[Request, SlrtError], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._problem = problem
        self._root = _Node()
        for each in operations:
            if any(type(convertor) is not StringConvertor for convertor in each.param_convertors.values()):
                continue
            node = self._root
            for segment in each.path_format.split("/"):
                node = node.place(segment)
            for method in each.methods or ():
                node.operations[method] = each, each.handler, tuple(each.param_convertors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.found(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        operation, handler, parameters = found
        scope["path_params"] = parameters
        # Where the edge looks for the name of what answered.
        scope["route"] = operation
        request = Request(scope, receive, send)
        try:
            response = await handler(request)
        except SlrtError as error:
            response = await self._problem(request, error)
        await response(scope, receive, send)

    def found(self, scope: Scope) -> tuple[Operation, Handler, dict[str, str]] | None:
        """The operation that a request asks for, its handler and the parameters in the path; None where the router decides."""
        if scope.get("root_path"):
            return None
        values: list[str] = []
        node = self._root.find(scope["path"].split("/"), 0, values)
        found = None if node is None else node.operations.get(scope["method"])
        if found is None:
            return None
        operation, handler, names = found
        return operation, handler, dict(zip(names, values, strict=True))
