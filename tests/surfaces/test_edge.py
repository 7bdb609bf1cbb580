"""The edge around a small application: every answer carries the contract's headers, every failure is a problem."""

import asyncio
import hashlib
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.canaries import logging_kept

from slrt_api.kernel.errors import Conflict, NotFound, PreconditionFailed
from slrt_api.runtime import logs
from slrt_api.runtime.edge import Edge
from slrt_api.runtime.health import Health
from slrt_api.runtime.problems import exception_handlers, problem_page
from slrt_api.runtime.ratelimit import Decision
from slrt_api.runtime.telemetry import Telemetry, current_trace, current_trace_id
from slrt_api.settings import Settings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
NIK = "9901014505880003"
VARY = "Authorization, Acting-Role, Accept-Language"


class FewRequests:
    """A limiter that allows two requests a key."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def check(self, key: str) -> Decision:
        self.seen[key] = self.seen.get(key, 0) + 1
        left = max(0, 2 - self.seen[key])
        return Decision("default", self.seen[key] <= 2, 2, left, 30, 30, 60)


router = APIRouter(prefix="/things")


@router.get("/{thing_id}")
async def read(thing_id: str) -> Response:
    current_trace().role = "supervisor"
    if thing_id == "gone":
        raise NotFound
    if thing_id == "stale":
        raise PreconditionFailed(current_version=3)
    if thing_id == "public":
        return JSONResponse({}, headers={"cache-control": "public, max-age=300"})
    return JSONResponse({"trace_id": current_trace_id()})


@router.post("/{thing_id}")
async def write(thing_id: str, request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@router.put("/{thing_id}")
async def declared(thing_id: str, body: dict[str, int], limit: int = 1) -> dict[str, int]:
    return body


@router.delete("/{thing_id}")
async def fail(thing_id: str) -> Response:
    message = f"row of Siti Aminah {NIK}"
    raise RuntimeError(message)


async def half(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("Siti Aminah")

    return StreamingResponse(parts())


def application(health: Health | None = None) -> FastAPI:
    app = FastAPI(
        exception_handlers=exception_handlers("https://api.example"),
        redirect_slashes=False,
        openapi_url=None,
    )
    app.include_router(router, prefix="/v1")
    app.add_route("/half", half)
    app.add_route("/problems/{code}", problem_page)
    app.router.routes.extend((health or Health(healthy)).routes)
    return app


async def healthy() -> bool:
    return True


class World:
    """An application behind an edge, and everything it told."""

    def __init__(self, app: ASGIApp | None = None, limiter: FewRequests | None = None, ratio: float = 0.0) -> None:
        self.exporter = InMemorySpanExporter()
        settings = Settings(base_url="https://api.example", max_body_bytes=100, trace_sample_ratio=ratio)
        self.telemetry = Telemetry(settings, processor=SimpleSpanProcessor(self.exporter))
        self.edge = Edge(app or application(), settings=settings, telemetry=self.telemetry, limiter=limiter)
        self.log = io.BytesIO()
        logs.configure("INFO", self.log)

    async def ask(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.edge)
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            return await client.request(method, path, **kwargs)

    def lines(self) -> list[dict[str, Any]]:
        logs.flush()
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    with logging_kept():
        yield


async def raw(edge: Edge, messages: list[Message], **scope: Any) -> list[Message]:
    """Call the edge with a scope of one's own and see exactly what it sends."""
    whole: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/things/1",
        "raw_path": b"/v1/things/1",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"local")],
        "client": ("127.0.0.1", 1),
        "server": ("local", 80),
        "root_path": "",
        "asgi": {"version": "3.0"},
        "state": {},
        **scope,
    }
    sent: list[Message] = []
    waiting = iter(messages)

    async def receive() -> Message:
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    await edge(whole, receive, send)
    return sent


class TestEveryAnswer:
    async def test_carries_the_headers_of_the_contract(self) -> None:
        answer = await World().ask("GET", "/v1/things/1")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["vary"] == VARY
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["traceparent"].split("-")[1] == answer.json()["trace_id"]

    async def test_keeps_the_routes_cache_control(self) -> None:
        answer = await World().ask("GET", "/v1/things/public")
        assert answer.headers.get_list("cache-control") == ["public, max-age=300"]

    async def test_continues_the_callers_trace(self) -> None:
        answer = await World().ask("GET", "/v1/things/1", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
        assert answer.json() == {"trace_id": TRACE}
        assert answer.headers["traceparent"].startswith(f"00-{TRACE}-")

    async def test_head_is_get_without_the_body(self) -> None:
        world = World()
        got, head = await world.ask("GET", "/v1/things/1"), await world.ask("HEAD", "/v1/things/1")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert [line["method"] for line in world.lines()] == ["GET", "HEAD"]

    async def test_options_lists_what_the_resource_answers(self) -> None:
        answer = await World().ask("OPTIONS", "/v1/things/1")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS"
        assert "content-length" not in answer.headers

    async def test_websockets_and_lifespan_pass_through(self) -> None:
        seen = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])

        await World(app).edge({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
        assert seen == ["lifespan"]


class TestProblems:
    async def test_an_error_of_the_tree(self) -> None:
        answer = await World().ask("GET", "/v1/things/gone", headers={"accept-language": "en"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == "en"
        assert answer.headers.get_list("cache-control") == ["no-store"]
        content = answer.json()
        assert (content["code"], content["title"]) == ("not_found", "Not found")
        assert len(content["trace_id"]) == 32

    async def test_two_404s_differ_in_the_trace_id_only(self) -> None:
        world = World()
        answers = [await world.ask("GET", path) for path in ("/v1/things/gone", "/nowhere/at/all")]
        first, second = ({**answer.json(), "trace_id": ""} for answer in answers)
        assert first == second
        assert answers[0].headers == answers[1].headers

    async def test_412_tells_the_version(self) -> None:
        assert (await World().ask("GET", "/v1/things/stale")).headers["etag"] == '"3"'

    async def test_405_lists_every_method_of_the_path(self) -> None:
        answer = await World().ask("PATCH", "/v1/things/1")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS"

    async def test_what_escapes_is_a_500_told_once_and_without_its_message(self) -> None:
        world = World()
        answer = await world.ask("DELETE", f"/v1/things/{NIK}")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        failed = [line for line in world.lines() if line["event"] == "request_failed"]
        assert [line["error_type"] for line in failed] == ["builtins.RuntimeError"]
        assert failed[0]["trace_id"] == answer.json()["trace_id"]
        logs.flush()
        told = answer.text + world.log.getvalue().decode()
        assert "Siti" not in told
        assert NIK not in told

    async def test_a_bare_application_gets_its_problems_from_the_edge(self) -> None:
        async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
            raise Conflict("already_exists")

        async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
            raise KeyError("Siti Aminah")

        refused, broken = await World(refuses).ask("GET", "/"), await World(breaks).ask("GET", "/")
        assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
        assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")

    async def test_a_failure_in_the_middle_of_an_answer_ends_it_unfinished(self) -> None:
        world = World()
        sent = await raw(world.edge, [{"type": "http.request", "body": b"", "more_body": False}], path="/half")
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        assert sent[-1]["more_body"] is True
        assert [line["event"] for line in world.lines()] == ["request_failed", "request"]

    async def test_the_frameworks_own_validation_becomes_a_problem_without_the_input(self) -> None:
        world = World()
        parameter = await world.ask("PUT", "/v1/things/1?limit=secret", json={"a": 1})
        assert (parameter.status_code, parameter.json()["code"]) == (400, "parameter_invalid")
        assert parameter.json()["errors"][0]["pointer"] == "limit"
        body = await world.ask("PUT", "/v1/things/1", json={"a": "secret"})
        assert (body.status_code, body.json()["errors"][0]["pointer"]) == (422, "/a")
        assert "secret" not in parameter.text + body.text

    async def test_the_catalog_is_published_and_cached(self) -> None:
        world = World()
        answer = await world.ask("GET", "/problems/not_found")
        assert answer.json()["status"] == 404
        assert answer.json()["title"] == {"id": "Tidak ditemukan", "en": "Not found"}
        assert answer.headers["cache-control"] == "public, max-age=300"
        again = await world.ask("GET", "/problems/not_found", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await world.ask("GET", "/problems/unheard_of")).status_code == 404


class TestBodies:
    async def test_takes_the_largest_body_and_not_one_byte_more(self) -> None:
        world = World()
        assert (await world.ask("POST", "/v1/things/1", content=b"x" * 100)).text == "100"
        answer = await world.ask("POST", "/v1/things/1", content=b"x" * 101)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert answer.headers["connection"] == "close"

    async def test_a_declared_length_is_refused_before_the_body_is_read(self) -> None:
        headers = [(b"host", b"local"), (b"content-length", b"101")]
        sent = await raw(World().edge, [], method="POST", headers=headers)
        assert sent[0]["status"] == 413

    @pytest.mark.parametrize("method", ["POST", "PUT"], ids=["read by the route", "read by the framework"])
    async def test_counts_a_body_of_unknown_length(self, method: str) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield b"x" * 10

        headers = {"content-type": "application/json"}
        answer = await World().ask(method, "/v1/things/1", content=chunks(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]

    async def test_a_client_that_leaves_while_sending_is_no_failure(self) -> None:
        world = World()
        part = {"type": "http.request", "body": b"x", "more_body": True}
        assert await raw(world.edge, [part, {"type": "http.disconnect"}], method="POST") == []
        assert [(line["event"], line["status"]) for line in world.lines()] == [("request", 499)]

    async def test_a_cancelled_request_is_recorded_and_stays_cancelled(self) -> None:
        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(60)

        world = World(waits)
        task = asyncio.create_task(raw(world.edge, []))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [line["status"] for line in world.lines()] == [499]


class TestSanity:
    @pytest.mark.parametrize(
        ("headers", "named"),
        [
            ([], "Host"),
            ([(b"host", b"a"), (b"host", b"b")], "Host"),
            ([(b"host", b"a b")], "Host"),
            ([(b"host", b"a/../b")], "Host"),
            ([(b"host", b"a" * 256)], "Host"),
            ([(b"host", b"a"), (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], "Authorization"),
            ([(b"host", b"a"), (b"content-length", b"-1")], "Content-Length"),
        ],
    )
    async def test_refuses_headers_that_cannot_stand(self, headers: list[tuple[bytes, bytes]], named: str) -> None:
        sent = await raw(World().edge, [], headers=headers)
        content = json.loads(sent[1]["body"])
        assert (sent[0]["status"], content["code"], content["errors"][0]["pointer"]) == (400, "header_invalid", named)

    async def test_takes_addresses_with_ports(self) -> None:
        for host in (b"localhost:8000", b"127.0.0.1", b"[::1]:8000", b"api.example"):
            assert (await raw(World().edge, [], headers=[(b"host", host)]))[0]["status"] == 200

    async def test_a_path_with_nul_is_nowhere(self) -> None:
        assert (await World().ask("GET", "/v1/things/a%00b")).status_code == 404


class TestLimits:
    async def test_every_answer_tells_the_quota(self) -> None:
        answer = await World(limiter=FewRequests()).ask("GET", "/v1/things/1")
        assert answer.headers["ratelimit-policy"] == '"default";q=2;w=60'
        assert answer.headers["ratelimit"] == '"default";r=1;t=30'

    async def test_too_many_are_refused_until_the_reset(self) -> None:
        world = World(limiter=FewRequests())
        statuses = [(await world.ask("GET", "/v1/things/1")).status_code for _ in range(2)]
        answer = await world.ask("GET", "/v1/things/1")
        assert [*statuses, answer.status_code] == [200, 200, 429]
        assert answer.headers["retry-after"] == "30"
        assert answer.headers["ratelimit"] == '"default";r=0;t=30'
        assert answer.json()["code"] == "too_many_requests"

    async def test_callers_are_told_apart_by_token_then_by_address(self) -> None:
        limiter = FewRequests()
        world = World(limiter=limiter)
        await world.ask("GET", "/v1/things/1", headers={"authorization": "Bearer secret"})
        await world.ask("GET", "/v1/things/1")
        assert set(limiter.seen) == {
            "token:" + hashlib.sha256(b"Bearer secret").hexdigest(),
            "address:" + hashlib.sha256(b"127.0.0.1").hexdigest(),
        }

    async def test_where_no_token_is_asked_for_a_header_makes_nobody_another_caller(self) -> None:
        limiter = FewRequests()
        world = World(limiter=limiter)
        for authorization in ("Bearer a", "Receipt b", "c"):
            await world.ask("POST", "/v1/public/complaints", headers={"authorization": authorization})
        assert set(limiter.seen) == {"address:" + hashlib.sha256(b"127.0.0.1").hexdigest()}

    async def test_probes_are_not_counted(self) -> None:
        limiter = FewRequests()
        world = World(limiter=limiter)
        assert [(await world.ask("GET", "/health/live")).status_code for _ in range(4)] == [200] * 4
        assert limiter.seen == {}


class TestRecords:
    async def test_one_line_a_request_with_the_template_and_the_role(self) -> None:
        world = World()
        answer = await world.ask("GET", f"/v1/things/{NIK}?name=Siti")
        [line] = world.lines()
        assert line.pop("duration_ms") >= 0
        assert line.pop("at").endswith("Z")
        assert line == {
            "event": "request",
            "level": "info",
            "trace_id": answer.json()["trace_id"],
            "method": "GET",
            "route": "/v1/things/{thing_id}",
            "status": 200,
            "bytes": len(answer.content),
            "role": "supervisor",
        }

    async def test_labels_hold_nothing_that_a_caller_makes_up(self) -> None:
        world = World()
        await world.ask("GET", f"/{NIK}")
        await world.ask("SITI", "/v1/things/1")
        await world.ask("GET", "/health/live")
        routes = [(line["method"], line["route"], line["status"]) for line in world.lines()]
        assert routes == [
            ("GET", "unmatched", 404),
            ("OTHER", "/v1/things/{thing_id}", 405),
            ("GET", "/health/live", 200),
        ]
        count = world.telemetry.metrics.registry.get_sample_value
        labels = {"method": "OTHER", "route": "/v1/things/{thing_id}", "status": "405"}
        assert count("slrt_http_requests_total", labels) == 1

    async def test_a_sampled_request_has_a_span(self) -> None:
        world = World(ratio=1.0)
        answer = await world.ask("GET", f"/v1/things/{NIK}")
        [span] = world.exporter.get_finished_spans()
        assert span.name == "GET /v1/things/{thing_id}"
        assert dict(span.attributes or {}) == {
            "http.request.method": "GET",
            "http.route": "/v1/things/{thing_id}",
            "http.response.status_code": 200,
            "slrt.role": "supervisor",
        }
        assert answer.headers["traceparent"] == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


class TestHealth:
    async def test_live_never_asks_the_database(self) -> None:
        async def never() -> bool:
            pytest.fail("asked")

        answer = await World(application(Health(never))).ask("GET", "/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    async def test_ready_follows_the_check(self) -> None:
        async def broken() -> bool:
            raise OSError("postgresql://slrt_api:secret@db")

        async def refused() -> bool:
            return False

        assert (await World(application(Health(healthy))).ask("GET", "/health/ready")).status_code == 200
        for check in (broken, refused):
            world = World(application(Health(check)))
            answer = await world.ask("GET", "/health/ready")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "5"
            logs.flush()
            assert "secret" not in answer.text + world.log.getvalue().decode()

    async def test_a_check_that_hangs_is_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def hangs() -> bool:
            await asyncio.sleep(60)
            return True

        monkeypatch.setattr("slrt_api.runtime.health.CHECK_SECONDS", 0.01)
        assert (await World(application(Health(hangs))).ask("GET", "/health/ready")).status_code == 503

    async def test_a_draining_process_is_alive_and_not_ready(self) -> None:
        health = Health(healthy)
        world = World(application(health))
        health.drain()
        assert (await world.ask("GET", "/health/ready")).status_code == 503
        assert (await world.ask("GET", "/health/live")).status_code == 200

    async def test_sigterm_drains_first_and_stops_after_the_grace(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(stopped.set))
        try:
            health = Health(healthy)
            health.drain_on_sigterm(grace_seconds=0.05)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.01)
            assert (health.draining, stopped.is_set()) == (True, False)
            await asyncio.wait_for(stopped.wait(), 5)
        finally:
            signal.signal(signal.SIGTERM, before)
