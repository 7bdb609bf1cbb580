"""The outermost layer of the HTTP service: one ASGI middleware that sees every request first and every answer last.

It continues the trace, refuses what no route should see, counts the body, limits the rate, adds the headers that every
answer carries, turns what escapes into a problem, and writes one log line and one metric a request. It runs on every
request, so it works on bytes, allocates little and makes no task of its own: a request whose client has gone is
finished, not cancelled, because a cancelled COMMIT leaves unknown what happened.
"""

import hashlib
from time import perf_counter
from typing import Final, Protocol

import structlog
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slrt_api.kernel.errors import BadRequest, Fault, NotFound, PayloadTooLarge, SlrtError, TooManyRequests
from slrt_api.runtime import logs
from slrt_api.runtime.problems import METHODS, language_of, problem_response
from slrt_api.runtime.ratelimit import Decision
from slrt_api.runtime.telemetry import Telemetry, Trace
from slrt_api.settings import Settings

CLIENT_CLOSED_REQUEST: Final = 499
"""Status of the log line where the client had gone before there was an answer; never sent."""

_METHODS: Final = frozenset(METHODS)
#: headers that change what a request means: of two, one reader would take the first and another the last
_ONCE: Final = {
    name.lower().encode(): name
    for name in (
        *("Acting-Role", "Content-Encoding", "Content-Type"),
        *("Idempotency-Key", "If-Match", "If-None-Match"),
    )
}
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_VARY: Final = (b"vary", b"Authorization, Acting-Role, Accept-Language")
_PRIVATE: Final = (b"cache-control", b"private, no-store")
_CLOSE: Final = (b"connection", b"close")
#: routes without a token
_PUBLIC: Final = "/v1/public/"
_HOST_BYTES: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
_UNMATCHED: Final = "unmatched"

_log = structlog.get_logger()


class Limiter(Protocol):
    """Counts requests by key: `token:` or `address:` and a SHA-256 in hexadecimal."""

    def check(self, key: str) -> Decision: ...


class Edge:
    """ASGI middleware around the whole application.

    limiter  None answers without `RateLimit` headers
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, telemetry: Telemetry, limiter: Limiter | None = None
    ) -> None:
        self._app = app
        self._telemetry = telemetry
        self._limiter = limiter
        self._base_url = settings.base_url.rstrip("/")
        self._max_body_bytes = settings.max_body_bytes
        self._templates = _Templates()
        self._policies: dict[tuple[str, int, int], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        headers = _Headers(scope)
        trace = self._telemetry.continue_trace(headers.traceparent)
        method = scope["method"]
        if method == "HEAD":
            # Routes of FastAPI answer GET only. A copy, because the server reads the method of its own scope.
            scope = {**scope, "method": "GET"}
        exchange = _Exchange(receive, send, trace, method, self._max_body_bytes)
        try:
            self._admit(scope, headers, exchange)
            if trace.tracer is None:
                await self._app(scope, exchange.receive, exchange.send)
            else:
                await self._recorded(scope, trace, exchange)
            if exchange.too_large and not exchange.started:
                raise PayloadTooLarge
        except SlrtError as error:
            await self._answer(error, scope, headers, exchange)
        except ClientDisconnect:
            exchange.status = exchange.status or CLIENT_CLOSED_REQUEST
        except Exception:
            _log.exception("request_failed", method=_known(method), route=self._templates.of(scope))
            await self._answer(SlrtError(), scope, headers, exchange)
        finally:
            self._record(scope, method, trace, exchange, perf_counter() - started)

    def _admit(self, scope: Scope, headers: "_Headers", exchange: "_Exchange") -> None:
        """Refuse what no route should see. Raises a SlrtError."""
        path = scope["path"]
        if self._limiter is not None and not path.startswith("/health/"):
            decision = self._limiter.check(headers.key(scope, path))
            exchange.limits = self._limits(decision)
            if not decision.allowed:
                raise TooManyRequests(retry_after_seconds=max(1, decision.retry_after_seconds))
        wrong = headers.wrong(scope)
        if wrong is not None:
            raise BadRequest(
                "header_invalid", faults=(Fault(wrong, "header_invalid", "Send this header once, valid."),)
            )
        if "\0" in path:
            raise NotFound
        if headers.content_length > self._max_body_bytes:
            exchange.close = True
            raise PayloadTooLarge

    async def _answer(self, error: SlrtError, scope: Scope, headers: "_Headers", exchange: "_Exchange") -> None:
        """Send the problem, unless an answer is under way: then the server closes the connection on the half of it."""
        if exchange.started:
            return
        exchange.too_large = False
        response = problem_response(
            error,
            trace_id=exchange.trace.trace_id,
            language=language_of(headers.accept_language),
            base_url=self._base_url,
        )
        await response(scope, exchange.receive, exchange.send)

    async def _recorded(self, scope: Scope, trace: Trace, exchange: "_Exchange") -> None:
        method = _known(exchange.method)
        with self._telemetry.request_span(trace, method) as span:
            try:
                await self._app(scope, exchange.receive, exchange.send)
            finally:
                route = self._templates.of(scope)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", exchange.status)
                if trace.role is not None:
                    span.set_attribute("slrt.role", trace.role)

    def _limits(self, decision: Decision) -> tuple[tuple[bytes, bytes], ...]:
        known = (decision.policy, decision.limit, decision.window_seconds)
        policy = self._policies.get(known)
        if policy is None:
            policy = self._policies[known] = b'"%b";q=%d;w=%d' % (known[0].encode(), known[1], known[2])
        present = b'"%b";r=%d;t=%d' % (decision.policy.encode(), decision.remaining, decision.reset_seconds)
        return (b"ratelimit-policy", policy), (b"ratelimit", present)

    def _record(self, scope: Scope, method: str, trace: Trace, exchange: "_Exchange", seconds: float) -> None:
        # No status where the task was cancelled before there was an answer.
        status = exchange.status or CLIENT_CLOSED_REQUEST
        method, route = _known(method), self._templates.of(scope)
        self._telemetry.metrics.request(method, route, status, seconds)
        logs.request_line(
            {
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round(seconds * 1000, 2),
                "bytes": exchange.bytes_sent,
                "role": trace.role,
            }
        )


class _Templates:
    """Finds the template of the route that answered."""

    def __init__(self) -> None:
        self._plain: dict[int, tuple[Route, ...]] = {}

    def of(self, scope: Scope) -> str:
        """The template, `unmatched` where no route fits: never the path itself."""
        # FastAPI keeps the template of an included route, prefix and all, beside the route.
        context = scope.get("fastapi", {}).get("effective_route_context")
        if context is not None:
            return str(getattr(context.starlette_route, "path_format", None) or context.path_format)
        route = scope.get("route")
        if route is not None:
            return str(getattr(route, "path_format", _UNMATCHED))
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return _UNMATCHED
        # FastAPI leaves no route in the scope for plain Starlette routes, only what they call.
        fitting = self._plain.get(id(endpoint))
        if fitting is None:
            routes = (route for route in scope["app"].routes if isinstance(route, Route))
            fitting = self._plain[id(endpoint)] = tuple(route for route in routes if route.endpoint is endpoint)
        for route in fitting:
            if len(fitting) == 1 or route.path_regex.match(scope["path"]):
                return route.path_format
        return _UNMATCHED


class _Headers:
    """The request's headers that the edge reads, found in one pass."""

    __slots__ = ("accept_language", "authorization", "content_length", "hosts", "repeated", "traceparent")

    def __init__(self, scope: Scope) -> None:
        self.traceparent: str | None = None
        self.accept_language: str | None = None
        self.authorization: bytes | None = None
        self.content_length = 0
        self.hosts: list[bytes] = []
        self.repeated: str | None = None
        once: set[bytes] = set()
        for name, value in scope["headers"]:
            if name == b"host":
                self.hosts.append(value)
            elif name == b"authorization":
                if self.authorization is not None:
                    self.repeated = "Authorization"
                self.authorization = value
            elif name == b"traceparent":
                # Two of them are as good as none (Trace Context 3.2).
                self.traceparent = "" if self.traceparent is not None else value.decode("latin-1")
            elif name == b"accept-language":
                self.accept_language = value.decode("latin-1")
            elif name in _ONCE:
                if name in once:
                    self.repeated = _ONCE[name]
                once.add(name)
            elif name == b"content-length":
                if value.isdigit() and len(value) < 20:
                    self.content_length = int(value)
                else:
                    self.repeated = "Content-Length"

    def wrong(self, scope: Scope) -> str | None:
        """Name of a header that cannot stand, or None."""
        if self.repeated is not None:
            return self.repeated
        if len(self.hosts) != 1:
            return None if not self.hosts and scope["http_version"] == "1.0" else "Host"
        host = self.hosts[0]
        return "Host" if len(host) > 255 or host.translate(None, _HOST_BYTES) else None

    def key(self, scope: Scope, path: str) -> str:
        """The caller, for the limiter: who shows a token, or the address where none is asked for.

        The public's routes take no token, so that a header of any sort would be a caller of its own, and no limit at all.
        """
        if self.authorization is not None and not path.startswith(_PUBLIC):
            return "token:" + hashlib.sha256(self.authorization).hexdigest()
        client = scope.get("client")
        return "address:" + hashlib.sha256(client[0].encode() if client else b"").hexdigest()


class _Exchange:
    """One request and its answer on their way through the edge."""

    __slots__ = (
        *("_discard", "_gone", "_receive", "_received", "_send", "_max_body_bytes"),
        *("bytes_sent", "close", "limits", "method", "started", "status", "too_large", "trace"),
    )

    def __init__(self, receive: Receive, send: Send, trace: Trace, method: str, max_body_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._max_body_bytes = max_body_bytes
        self._received = 0
        self._discard = method == "HEAD"
        self._gone = False
        self.trace = trace
        self.method = method
        self.limits: tuple[tuple[bytes, bytes], ...] = ()
        self.status = 0
        self.bytes_sent = 0
        self.started = False
        self.too_large = False
        self.close = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone = True
        elif message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._max_body_bytes:
                self.too_large = self.close = True
                raise PayloadTooLarge
        return message

    async def send(self, message: Message) -> None:
        if (self.too_large or self._gone) and not self.started:
            # FastAPI answers 400 to whatever is raised while it reads a body; the edge answers 413 instead. To a client
            # that has gone there is nothing to say.
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            body = b"" if self._discard else message.get("body", b"")
            self.bytes_sent += len(body)
            await self._send({**message, "body": body} if self._discard else message)
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        self.started = True
        status = message["status"]
        headers = list(message.get("headers", ()))
        if status == 405 and self.method == "OPTIONS":
            # No route declares OPTIONS; the refusal lists what the resource answers, which is what was asked.
            status = 204
            headers = [header for header in headers if header[0] == b"allow"]
            self._discard = True
        self.status = status
        names = {name for name, _ in headers}
        headers.append(_NOSNIFF)
        headers.append(_VARY)
        if b"cache-control" not in names:
            headers.append(_PRIVATE)
        headers.extend(self.limits)
        if status < 400:
            # Problems carry the trace id in their body; two refusals that must not be told apart have equal headers.
            headers.append((b"traceparent", self.trace.traceparent.encode()))
        if self.close:
            headers.append(_CLOSE)
        await self._send({**message, "status": status, "headers": headers})


def _known(method: str) -> str:
    """A method for labels: what a caller makes up is OTHER."""
    return method if method in _METHODS else "OTHER"
