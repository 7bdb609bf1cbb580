"""The short way to an operation answers as the long way does: same status, headers and bytes, for answers and refusals."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.api import Api, household_body

from slrt_api.kernel.ids import Kind, new_id
from slrt_api.rest.dispatch import ShortWay, _Node
from slrt_api.rest.operations import Operation

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def short_way(app: Any) -> ShortWay:
    """The dispatcher in the stack of the application."""
    layer: Any = app.middleware_stack
    while not isinstance(layer, ShortWay):
        layer = getattr(layer, "_app", None) or layer.app
    return layer


class Counted:
    """The long way, which counts who comes along."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.came = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.came += 1
        await self.app(scope, receive, send)


@pytest_asyncio.fixture
async def household(api: Api) -> AsyncIterator[str]:
    async with api.as_("facilitator") as client:
        created = await client.post("/v1/households", json=household_body())
    assert created.status_code == 201
    yield created.json()["id"]


async def both(api: Api, monkeypatch: pytest.MonkeyPatch, path: str, **asked: Any) -> tuple[httpx.Response, ...]:
    """The answer by the short way and that by the long way."""
    found = []
    dispatcher = short_way(api.app)
    client = api.client(asked.pop("token", None) or api.token("secretariat_manager"))
    asked["headers"] = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00", **asked.get("headers", {})}
    for short in (True, False):
        long_way = Counted(dispatcher._app)
        with monkeypatch.context() as patch:
            patch.setattr(dispatcher, "_app", long_way)
            if not short:
                patch.setattr(dispatcher, "_root", _Node())
            found.append(
                await client.request(asked.get("method", "GET"), path, headers=asked["headers"], json=asked.get("json"))
            )
        assert long_way.came == (0 if short else 1), path
    await client.aclose()
    return tuple(found)


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """What must be the same: everything but the counters of the limit and the span of the request."""
    passing = {"ratelimit", "traceparent"}
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in passing)
    return answer.status_code, headers, answer.content


class TestBothWays:
    @pytest.mark.parametrize("query", ["", "?include=members", "?include=nothing", "?unknown=1"])
    async def test_item(self, api: Api, household: str, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
        short, long = await both(api, monkeypatch, f"/v1/households/{household}{query}")
        assert short.status_code == (400 if "nothing" in query or "unknown" in query else 200)
        assert told(short) == told(long)

    async def test_text_that_is_no_id(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        for wrong in ("x" * 36, str(UUID(int=0)), str(new_id(Kind.CASE, 3326)), str(new_id(Kind.HOUSEHOLD, 3327))):
            short, long = await both(api, monkeypatch, f"/v1/households/{wrong}")
            assert short.status_code == 404
            assert told(short) == told(long)

    @pytest.mark.parametrize("query", ["?limit=1", "?limit=0", "?cursor=", "?sort=address", "?area_code=33.26.01"])
    async def test_list(self, api: Api, household: str, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
        short, long = await both(api, monkeypatch, f"/v1/households{query}")
        assert short.status_code == (200 if "limit=1" in query or "area" in query else 400)
        assert told(short) == told(long)

    async def test_head_has_the_headers_and_no_body(
        self, api: Api, household: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        short, long = await both(api, monkeypatch, f"/v1/households/{household}", method="HEAD")
        assert (short.status_code, short.content) == (200, b"")
        assert told(short) == told(long)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"authorization": "Bearer no"}, 401),
            ({"accept": "text/html"}, 406),
            ({"accept": "text/html", "accept-language": "en"}, 406),
            ({"acting-role": "auditor"}, 403),
        ],
    )
    async def test_refusals(
        self, api: Api, household: str, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
    ) -> None:
        short, long = await both(api, monkeypatch, f"/v1/households/{household}", headers=headers)
        assert short.status_code == status
        assert told(short) == told(long)

    async def test_a_role_without_households(self, api: Api, household: str, monkeypatch: pytest.MonkeyPatch) -> None:
        token = api.token("partner", organization=new_id(Kind.ORGANIZATION, 0))
        short, long = await both(api, monkeypatch, f"/v1/households/{household}", token=token)
        assert short.status_code == 404
        assert told(short) == told(long)

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            ({}, {}, 422),
            ({"action": "FLY"}, {"if-match": '"1"'}, 422),
            ({"action": "ASSESS"}, {"if-match": '"1"'}, 404),
            ({"action": "ASSESS"}, {"content-type": "text/plain"}, 415),
        ],
    )
    async def test_refused_writes(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, body: dict[str, str], headers: dict[str, str], status: int
    ) -> None:
        path = f"/v1/cases/{new_id(Kind.CASE, 3326)}/transitions"
        short, long = await both(api, monkeypatch, path, method="POST", json=body, headers=headers)
        assert short.status_code == status
        assert told(short) == told(long)

    async def test_a_write_is_the_same_answer_again(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        headers = {"idempotency-key": str(new_id(Kind.EVENT, 3326))}
        short, long = await both(
            api,
            monkeypatch,
            "/v1/households",
            method="POST",
            json=household_body(),
            headers=headers,
            token=api.token("facilitator"),
        )
        assert (short.status_code, long.status_code) == (201, 201)
        assert (short.content, short.headers["location"]) == (long.content, long.headers["location"])
        assert long.headers["idempotency-replayed"] == "true"


class TestTheTree:
    """Where the tree leads, the router leads too."""

    def test_every_operation_is_found_as_the_router_finds_it(self, api: Api) -> None:
        operations = _operations(api.app)
        assert len(operations) > 200
        for each in operations:
            for method in each.methods or ():
                path = "/".join(_ID if "{" in part else part for part in each.path_format.split("/"))
                found = short_way(api.app).found(_scope(api.app, method, path))
                assert found is not None, path
                assert found[0] is each
                assert (found[0], found[2]) == _by_router(api.app, method, path), path

    def test_where_two_paths_fit_it_is_the_one_that_the_router_finds(self, api: Api) -> None:
        operations = _operations(api.app)
        both_fit = {
            (method, path)
            for one in operations
            for other in operations
            if one is not other and (path := _fits(one, other)) is not None
            for method in (one.methods or set()) | (other.methods or set())
        }
        assert len(both_fit) > 5
        differ = {}
        for method, path in both_fit:
            found = short_way(api.app).found(_scope(api.app, method, path))
            if found is not None and (found[0], found[2]) != _by_router(api.app, method, path):
                differ[path] = found[0].path_format
        # No id is `content`, and no token `upload`: both paths refuse it. A written name comes first.
        assert differ == {"/v1/attachments/content/upload": "/v1/attachments/content/{token}"}


_ID = str(new_id(Kind.CASE, 3326))


def _operations(app: Any) -> list[Operation]:
    return [route for route in app.routes if isinstance(route, Operation)]


def _scope(app: Any, method: str, path: str) -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": [], "app": app}


def _by_router(app: Any, method: str, path: str) -> tuple[Any, dict[str, str]] | None:
    """The route that the router finds, with the parameters in the path; None without one."""
    for route in app.routes:
        match, child = route.matches(_scope(app, method, path))
        if match is Match.FULL:
            return route, child["path_params"]
    return None


def _fits(one: Operation, other: Operation) -> str | None:
    """A path that fits the templates of both, where there is one."""
    parts, others = one.path_format.split("/"), other.path_format.split("/")
    if one.path_format == other.path_format or len(parts) != len(others):
        return None
    path = []
    for part, beside in zip(parts, others, strict=True):
        if "{" in part and "{" in beside:
            path.append(_ID)
        elif "{" in part or "{" in beside:
            path.append(beside if "{" in part else part)
        elif part == beside:
            path.append(part)
        else:
            return None
    return "/".join(path)


class TestTheLongWay:
    """What the dispatcher must leave to the router."""

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("DELETE", "/v1/households", 405),
            ("POST", "/v1/households/{id}", 405),
            ("OPTIONS", "/v1/households/{id}", 204),
            ("GET", "/v1/households/{id}/", 404),
            ("GET", "/v1/households/", 404),
            ("GET", "/v1//households/{id}", 404),
            ("GET", "/households/{id}", 404),
            ("GET", "/households", 404),
            ("GET", "/v1/households/short", 404),
            ("GET", "/v1/households/{id}/members", 200),
        ],
    )
    async def test_answers(self, api: Api, household: str, method: str, path: str, status: int) -> None:
        async with api.as_("secretariat_manager") as client:
            answer = await client.request(method, path.format(id=household))
        assert answer.status_code == status
        if status == 405:
            assert "GET" in answer.headers["allow"]
