"""`/graphql` as an ASGI endpoint: GraphQL over HTTP, its media types and status codes.

A thin layer of its own, because the stock one of Strawberry fails 8 of the 61 audits of `graphql-http` and allows what the
contract forbids. What is wrong with the HTTP request (no token, no JSON) is a problem of REST; from the document on, errors are
GraphQL's.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from graphql.language import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slrt_api.access.scopes import Scope as TokenScope
from slrt_api.access.service import Service
from slrt_api.graph.documents import Refusal, refused
from slrt_api.graph.execute import Asked, Executor
from slrt_api.graph.persisted import load
from slrt_api.kernel import errors
from slrt_api.runtime import strictjson
from slrt_api.runtime.problems import graphql_error, language_of

RESPONSE_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
_CHARSET: Final = b"; charset=utf-8"
_READ: Final = frozenset({b"accept", b"accept-language", b"acting-role", b"authorization", b"content-type"})
_MEMBERS: Final = frozenset({"query", "documentId", "operationName", "variables", "extensions"})


@dataclass(frozen=True)
class _Route:
    """What the edge reads of a route: the name of the request in logs and metrics."""

    path_format: str


class GraphQL:
    """ASGI application that answers `/graphql` itself and gives all else to `app`: no router stands before a query.

    problem  makes the answer to what is refused before there is a document
    """

    PATH: Final = "/graphql"
    _ROUTE: Final = _Route(PATH)

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        executor: Executor,
        problem: Callable[[Request, Any], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._problem = problem
        self._service = service
        self._executor = executor
        self._persisted = load(service.settings.graphql_documents)
        self._introspection = not service.settings.production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.PATH:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._ROUTE
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        try:
            status, media, body = await self._respond(scope, headers, receive)
        except errors.SlrtError as error:
            response = await self._problem(Request(scope, receive), error)
            await response(scope, receive, send)
            return
        # Raw messages, not a Response: this is the hottest path of the service.
        shown = [(b"content-type", media.encode() + _CHARSET), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer."""
        method = scope["method"]
        if method not in {"POST", "GET"}:
            raise errors.MethodNotAllowed(allowed=("GET", "POST"))
        media = _accepted(headers.get(b"accept"))
        act = await self._service.act_of(headers.get(b"authorization"), headers.get(b"acting-role"))
        language = headers.get(b"accept-language")
        try:
            asked = await self._asked(scope, headers, receive, language)
        except Refusal as refusal:
            # Not a request of GraphQL at all: 400 whatever is accepted.
            return 400, media, _refusal(refusal, language)
        try:
            prepared = self._executor.prepare(asked)
            operation = prepared[1]
            if operation.type is not OperationType.QUERY and method == "GET":
                raise refused("graphql_get_query")
            may_introspect = self._introspection or TokenScope.GRAPHQL_INTROSPECT in act.actor.scopes
            if operation.standard and not may_introspect:
                raise Refusal(errors.Forbidden("graphql_introspection_off"))
            return 200, media, await self._executor(act, asked, prepared)
        except Refusal as refusal:
            return 400 if media == RESPONSE_JSON else 200, media, _refusal(refusal, language)

    async def _asked(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, language: str | None) -> Asked:
        """What is asked for. Raises Refusal."""
        given: Any
        if scope["method"] == "GET":
            given = _query_members(scope["query_string"])
            if "documentId" not in given:
                raise refused("graphql_get_query")
        else:
            if scope["query_string"]:
                raise refused("graphql_request_invalid")
            _json(headers.get(b"content-type", ""))
            try:
                given = strictjson.loads(await _body(receive))
            except errors.BadRequest as error:
                raise Refusal(error) from None
        if not isinstance(given, dict) or not _MEMBERS.issuperset(given):
            raise refused("graphql_request_invalid")
        operation, variables = given.get("operationName"), given.get("variables")
        well_formed = (
            (operation is None or isinstance(operation, str))
            and (variables is None or isinstance(variables, dict))
            and (given.get("extensions") is None or isinstance(given["extensions"], dict))
        )
        if not well_formed:
            raise refused("graphql_request_invalid")
        return Asked(self._text(given), operation, variables or {}, language)

    def _text(self, given: Mapping[str, Any]) -> str:
        text, id_ = given.get("query"), given.get("documentId")
        if id_ is not None:
            if not isinstance(id_, str) or text is not None:
                raise refused("graphql_request_invalid")
            known = self._persisted.get(id_)
            if known is None:
                raise refused("graphql_document_unknown")
            return known
        if not isinstance(text, str):
            raise refused("graphql_request_invalid")
        if self._service.settings.graphql_documents_only:
            raise refused("graphql_document_required")
        return text


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises ClientDisconnect where it never comes."""
    message = await receive()
    parts = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return b"".join(parts) if len(parts) > 1 else parts[0]


def _query_members(query_string: bytes) -> Any:
    """The members of a GET request: `variables` and `extensions` as JSON. Raises Refusal."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except (UnicodeDecodeError, ValueError):
        raise refused("graphql_request_invalid") from None
    found: dict[str, Any] = dict(pairs)
    if len(found) != len(pairs):
        raise refused("graphql_request_invalid")
    try:
        for name in ("variables", "extensions"):
            if name in found:
                found[name] = strictjson.loads(found[name].encode())
    except errors.BadRequest as error:
        raise Refusal(error) from None
    return found


def _json(content_type: str) -> None:
    """Raise UnsupportedMediaType unless the body is JSON in UTF-8."""
    if content_type == JSON:
        return
    media, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != JSON or charset not in {"", "charset=utf-8"}:
        raise errors.UnsupportedMediaType


def _accepted(accept: str | None) -> str:
    """The media type to answer in: the one of `Accept` with the higher weight. Raises NotAcceptable."""
    if accept is None or accept in {"*/*", JSON}:
        return JSON
    if accept == RESPONSE_JSON:
        return RESPONSE_JSON
    best, weight = "", 0.0
    for part in accept.split(",")[:20]:
        media, _, parameters = part.partition(";")
        name = media.strip().lower()
        quality = next((each.strip()[2:] for each in parameters.split(";") if each.strip()[:2].lower() == "q="), "1")
        try:
            asked = float(quality)
        except ValueError:
            asked = 0.0
        found = RESPONSE_JSON if name == RESPONSE_JSON else JSON if name in {JSON, "application/*", "*/*"} else ""
        # Of equal weight, the media type of GraphQL is what a client that names it can read best.
        if found and (asked > weight or (asked == weight > 0 and found == RESPONSE_JSON)):
            best, weight = found, asked
    if not best:
        raise errors.NotAcceptable
    return best


def _refusal(refusal: Refusal, accept_language: str | None) -> bytes:
    places = [{"line": each.line, "column": each.column} for each in refusal.locations]
    return orjson.dumps({"errors": [graphql_error(refusal.error, language_of(accept_language), places)]})
