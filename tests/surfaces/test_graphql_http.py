"""GraphQL over HTTP: media types and status codes, who may ask, and the audits of others."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from graphql import build_schema
from tests import node
from tests.api import OTHER_REGENCY_VILLAGE, Api, household_body
from tests.graph_queries import RESPONSE_JSON, ask, refusal

from slrt_api import graph
from slrt_api.graph.mutations import NOT_OFFERED, house

QUERY = {"query": "{ __typename }"}


class TestRequests:
    async def test_without_a_token_it_is_401(self, api: Api) -> None:
        answer = await api.anonymous.post("/graphql", json=QUERY)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
        assert "resource_metadata" in answer.headers["www-authenticate"]

    @pytest.mark.parametrize(
        ("accept", "media"),
        [
            (None, "application/json"),
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            (RESPONSE_JSON, RESPONSE_JSON),
            (f"{RESPONSE_JSON}, application/json", RESPONSE_JSON),
            (f"{RESPONSE_JSON};q=0.5, application/json", "application/json"),
            (f"{RESPONSE_JSON}; charset=utf-8, application/json; charset=utf-8", RESPONSE_JSON),
        ],
    )
    async def test_the_media_type_is_the_one_accepted(self, api: Api, accept: str | None, media: str) -> None:
        client = api.as_("puskesos_officer")
        del client.headers["accept"]
        answer = await client.post("/graphql", json=QUERY, headers={"accept": accept} if accept else {})
        assert answer.headers["content-type"] == f"{media}; charset=utf-8"
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.json() == {"data": {"__typename": "Query"}}

    @pytest.mark.parametrize(
        ("method", "content", "headers", "status", "code"),
        [
            ("POST", b"{}", {"accept": "text/html"}, 406, "not_acceptable"),
            ("POST", b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
            ("POST", b"{}", {"content-type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
            ("POST", b"query=x", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
            ("PUT", b"{}", {}, 405, "method_not_allowed"),
        ],
    )
    async def test_what_is_no_request_of_graphql_is_a_problem(
        self, api: Api, method: str, content: bytes, headers: dict[str, str], status: int, code: str
    ) -> None:
        client = api.as_("puskesos_officer")
        answer = await client.request(
            method, "/graphql", content=content, headers={"content-type": "application/json"} | headers
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"[" + json.dumps(QUERY).encode() + b"]", "graphql_request_invalid"),
            (b'{"query": "{ __typename }", "more": 1}', "graphql_request_invalid"),
            (b'{"query": "{ __typename }", "query": "{ __typename }"}', "json_duplicate_key"),
            (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "json_number"),
            (b'{"query": "{ __typename }", "variables": {"a": "\\u0000"}}', "json_nul"),
            (b'{"query": 1}', "graphql_request_invalid"),
            (b'{"query": "{ __typename }", "documentId": "sha256:x"}', "graphql_request_invalid"),
            (b"", "json_invalid"),
        ],
    )
    async def test_a_body_is_one_request_read_strictly(self, api: Api, content: bytes, code: str) -> None:
        answer = await api.as_("puskesos_officer").post(
            "/graphql", content=content, headers={"content-type": "application/json"}
        )
        assert refusal(answer)[:2] == (400, code)

    async def test_errors_of_the_document_are_200_as_plain_json(self, api: Api) -> None:
        client = api.as_("puskesos_officer")
        for query in ("{", "{ nothing }", "query($id: ID!) { node(id: $id) { id } }"):
            plain = await client.post("/graphql", json={"query": query}, headers={"accept": "application/json"})
            assert (plain.status_code, "data" in plain.json()) == (200, False)
            assert (await ask(client, query)).status_code == 400

    async def test_there_is_no_websocket(self, api: Api) -> None:
        sent: list[object] = []

        async def receive() -> dict[str, str]:
            return {"type": "websocket.connect"}

        async def send(message: object) -> None:
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/graphql",
            "headers": [],
            "query_string": b"",
            "subprotocols": ["graphql-ws"],
        }
        await api.app(scope, receive, send)
        assert [message["type"] for message in sent] == ["websocket.close"]  # type: ignore[index]


class TestAuthorization:
    async def test_another_regency_and_an_unknown_id_answer_alike(self, api: Api) -> None:
        made = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        stranger = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
        query = "query($id: ID!) { household(id: $id) { id members { name } } node(id: $id) { id } }"
        unknown = made["id"][:-4] + ("0000" if made["id"][-4:] != "0000" else "1111")
        answers = [(await ask(stranger, query, {"id": id_})).text for id_ in (made["id"], unknown)]
        assert answers[0] == answers[1]
        assert json.loads(answers[0])["data"] == {"household": None, "node": None}

    async def test_a_scope_that_is_missing_refuses_the_root_that_leads_to_it(self, api: Api) -> None:
        made = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        reader = api.as_("puskesos_officer", scopes=frozenset({"households:read"}))
        query = (
            "query($id: ID!) { plain: household(id: $id) { id }"
            " deep: household(id: $id) { cases(first: 1) { edges { node { status } } } } }"
        )
        answer = (await ask(reader, query, {"id": made["id"]})).json()
        assert answer["data"] == {"plain": {"id": made["id"]}, "deep": None}
        assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (["deep"], "scope_missing")
        ]

    async def test_a_partner_reads_no_household_and_no_case(self, api: Api) -> None:
        partner = api.as_("partner", organization="019aaa11-2233-8000-8000-21a1b2c3d4e5")
        made = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        query = "query($id: ID!) { household(id: $id) { id } cases(first: 1) { totalCount } referrals(first: 1) { totalCount } }"
        answer = (await ask(partner, query, {"id": made["id"]})).json()
        assert {error["path"][0]: error["extensions"]["code"] for error in answer["errors"]} == {
            "household": "not_found",
            "cases": "role_not_allowed",
        }
        assert answer["data"]["referrals"] == {"totalCount": 0}

    async def test_a_mutation_without_its_scope_is_refused(self, api: Api) -> None:
        reader = api.as_("facilitator", scopes=frozenset({"households:read"}))
        query = (
            'mutation { householdsRegister(input: {areaCode: "33.26.01.2001", address: "A",'
            ' members: [{name: "A", sex: F, relation: HEAD}]}) { household { id } } }'
        )
        answer = (await ask(reader, query)).json()
        assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (
            {"householdsRegister": None},
            "scope_missing",
        )


class TestSchema:
    def test_every_use_case_is_a_mutation_or_named_as_none(self) -> None:
        # The worker's use cases are declared where they stand, which the surfaces do not import.
        import_module("slrt_api.flows.upkeep")
        offered = {mutation.case.name for mutation in graph.schema().mutations.values()}
        assert offered | NOT_OFFERED == set(house())
        assert not offered & NOT_OFFERED

    def test_every_type_field_and_argument_is_described(self) -> None:
        schema = build_schema(graph.schema().text())
        missing = [
            f"{name}.{field}"
            for name, type_ in schema.type_map.items()
            if not name.startswith("__")
            for field, found in getattr(type_, "fields", {}).items()
            if not found.description or any(not each.description for each in getattr(found, "args", {}).values())
        ]
        missing += [name for name, type_ in schema.type_map.items() if not type_.description]
        assert missing == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(api: Api) -> AsyncIterator[str]:
    """The application on a port of its own."""
    config = uvicorn.Config(api.app, port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/graphql"
    server.should_exit = True
    await serving


#: GET with a query and a mutation by GET: we allow GET for persisted documents only, and the audits may be so refused
MAY = {"5A70", "D6D5", "6A70"}


async def test_the_audits_of_graphql_http_find_no_error_and_no_warning(api: Api, address: str) -> None:
    folder = await asyncio.to_thread(node.packages, "graphql-http@1", "graphql@16")
    shutil.copy(Path(__file__).with_name("graphql_audits.mjs"), folder / "audits.mjs")
    environment = os.environ | {"SLRT_GRAPHQL_URL": address, "SLRT_TOKEN": api.token("puskesos_officer")}
    printed = await asyncio.to_thread(node.run, folder, ["node", "audits.mjs"], environment)
    results = json.loads(printed)
    assert len(results) >= 61
    assert {result["id"]: result for result in results if result["status"] in {"error", "warn"}} == {}
    assert {result["id"] for result in results if result["status"] == "notice"} == MAY
