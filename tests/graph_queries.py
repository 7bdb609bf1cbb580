"""What the tests of the GraphQL surface share: the executors of the application, and requests over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from tests.api import Api

from slrt_api import graph
from slrt_api.graph.execute import Asked, Executor
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.db import Database
from slrt_api.runtime.usecase import Act

RESPONSE_JSON = "application/graphql-response+json"


async def act_of(api: Api, token: str) -> Act:
    """The act that a request with this token would be."""
    headers = [(b"authorization", f"Bearer {token}".encode())]
    act: Act = await api.app.state.service.act(Request({"type": "http", "headers": headers}))
    return act


def executor() -> Executor:
    """An executor of its own, with empty caches."""
    return Executor.of(graph.schema())


async def compiled(act: Act, asked: Asked, by: Executor) -> Any:
    """The answer of the compiled path."""
    return orjson.loads(await by(act, asked, by.prepare(asked)))


async def standard(act: Act, asked: Asked, by: Executor) -> Any:
    """The answer of graphql-core and the resolvers."""
    return orjson.loads(await by.standard(act, asked, by.prepare(asked)))


async def ask(
    client: httpx.AsyncClient, query: str, variables: Mapping[str, Any] | None = None, **members: Any
) -> httpx.Response:
    """POST one request, answered in GraphQL's own media type, in English."""
    body = {"query": query, "variables": dict(variables or {}), **members}
    headers = {"accept": RESPONSE_JSON, "accept-language": "en"}
    return await client.post("/graphql", json=body, headers=headers)


async def data(client: httpx.AsyncClient, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The data of an answer without errors."""
    answer = await ask(client, query, variables)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """(status, code, code of the first fault) of a request that was refused whole."""
    body = answer.json()
    assert "data" not in body, body
    extensions = body["errors"][0]["extensions"]
    return answer.status_code, extensions["code"], extensions.get("errors", [{"code": ""}])[0]["code"]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that run inside transactions from now on: without BEGIN with its settings, and COMMIT.

    The one that finds who asks is not among them: it runs once in half a minute for a token, before anything is asked.
    """
    seen: list[str] = []
    original = Database.transaction

    @asynccontextmanager
    async def counted(self: Database, rows: RowScope, **how: Any) -> AsyncIterator[Any]:
        async with original(self, rows, **how) as connection:
            yield connection if rows.keys else _Counted(connection, seen)

    monkeypatch.setattr(Database, "transaction", counted)
    return seen


class _Counted:
    """A connection that notes what it is asked."""

    def __init__(self, connection: Any, seen: list[str]) -> None:
        self._connection = connection
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in {"fetch", "fetchrow", "fetchval", "execute"}:
            return method

        def noted(sql: str, *values: Any) -> Any:
            self._seen.append(sql)
            return method(sql, *values)

        return noted
