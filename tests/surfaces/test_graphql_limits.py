"""What a GraphQL request may ask at most: one below passes, one above is refused, and then no SQL has run."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.api import Api, household_body, running_api
from tests.conftest import MigratedDatabase
from tests.graph_queries import ask, data, refusal, statements  # noqa: F401 - a fixture

from slrt_api.graph.persisted import document_id
from slrt_api.kernel import paging
from slrt_api.runtime.problem_texts import PROBLEMS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def household(api: Api) -> str:
    """A household of two with three cases."""
    officer = api.as_("puskesos_officer")
    made = (await officer.post("/v1/households", json=household_body())).json()
    for _ in range(3):
        opened = await officer.post("/v1/cases", json={"household_id": made["id"]})
        assert opened.status_code == 201
    return str(made["id"])


def tokens(number: int) -> str:
    """A query of so many tokens."""
    levels = " ".join("VILLAGE" for _ in range(number - 15))
    return f"{{ areas(first: 1, level: [{levels}]) {{ __typename }} }}"


def deep(levels: int) -> str:
    """`case` and links to one, back and forth, so deep."""
    links = ["complaint", "case"]
    return (
        "query($id: ID!) { case(id: $id) "
        + "".join(f"{{ {links[level % 2]} " for level in range(levels - 2))
        + "{ id }"
        + " }" * (levels - 2)
        + " }"
    )


LIMITS = [
    ("tokens", tokens(2_000), tokens(2_001)),
    ("depth", deep(10), deep(11)),
    (
        "aliases",
        *(
            "query($id: ID!) {{ case(id: $id) {{ {} }} }}".format(" ".join(f"a{n}: id" for n in range(m)))
            for m in (15, 16)
        ),
    ),
    (
        "directives",
        *(
            "query($id: ID!) {{ case(id: $id) {{ id {} }} }}".format(" ".join("id @skip(if: false)" for _ in range(m)))
            for m in (50, 51)
        ),
    ),
    (
        "fields",
        *("query($id: ID!) {{ case(id: $id) {{ {} }} }}".format(" ".join("id" for _ in range(m))) for m in (100, 101)),
    ),
    # A page counts itself, its rows, and ten of each bounded list: 1 + 200 * (1 + 10 + 10 + ...) objects.
    (
        "cost",
        (
            "query($n: Int = 119) { cases(first: $n) { edges { node { needs { id } assessments { id } services { id }"
            " household { members { name } } } } } }"
        ),
        (
            "query($n: Int = 120) { cases(first: $n) { edges { node { needs { id } assessments { id } services { id }"
            " household { members { name } } } } } }"
        ),
    ),
]


class TestLimits:
    @pytest.mark.parametrize(("limit", "below", "above"), LIMITS, ids=[name for name, _, _ in LIMITS])
    async def test_each_refuses_what_is_one_above_before_any_sql(
        self,
        api: Api,
        household: str,
        statements: list[str],  # noqa: F811
        limit: str,
        below: str,
        above: str,
    ) -> None:
        officer = api.as_("puskesos_officer")
        variables = {name: household for name in ("id", "a") if f"${name}:" in below}
        refused = await ask(officer, above, variables)
        assert statements == []
        assert refusal(refused) == (400, "graphql_limit", limit)
        passed = await ask(officer, below, variables)
        assert passed.status_code == 200, passed.text

    async def test_pages_have_a_size_of_1_to_200(self, api: Api, statements: list[str]) -> None:  # noqa: F811
        officer = api.as_("puskesos_officer")
        query = "query($first: Int, $last: Int) { cases(first: $first, last: $last) { totalCount } }"
        for variables, code in (
            ({}, "graphql_page_required"),
            ({"first": 1, "last": 1}, "graphql_page_required"),
            ({"first": 0}, "graphql_page_size"),
            ({"first": 201}, "graphql_page_size"),
            ({"last": 201}, "graphql_page_size"),
        ):
            assert refusal(await ask(officer, query, variables)) == (400, code, code)
        assert statements == []
        for variables in ({"first": 200}, {"last": 200}, {"first": 1}):
            await data(officer, query, variables)

    async def test_at_most_five_mutations_in_one_request(self, api: Api, household: str) -> None:
        officer = api.as_("puskesos_officer")

        def opening(number: int) -> str:
            acts = " ".join(f"a{n}: casesOpen(input: {{householdId: $id}}) {{ once }}" for n in range(number))
            return f"mutation($id: ID!) {{ {acts} }}"

        count = "query($id: ID!) { household(id: $id) { cases(first: 1) { totalCount } } }"
        before = (await data(officer, count, {"id": household}))["household"]["cases"]["totalCount"]
        assert refusal(await ask(officer, opening(6), {"id": household})) == (400, "graphql_limit", "mutations")
        assert (await data(officer, count, {"id": household}))["household"]["cases"]["totalCount"] == before
        await data(officer, opening(5), {"id": household})
        assert (await data(officer, count, {"id": household}))["household"]["cases"]["totalCount"] == before + 5

    async def test_fragments_that_double_at_each_level_are_cut_short(self, api: Api) -> None:
        levels = "".join(
            f"fragment F{n} on Case {{ a{n}: household {{ cases(first: 3) {{ edges {{ node {{ ...F{n + 1} }} }} }} }} }} "
            for n in range(10)
        )
        query = f"query($id: ID!) {{ case(id: $id) {{ ...F0 }} }} {levels} fragment F10 on Case {{ id }}"
        answer = await ask(api.as_("puskesos_officer"), query, {"id": "x"})
        assert refusal(answer)[:2] == (400, "graphql_limit")


class TestStatements:
    @pytest.mark.parametrize(
        "query",
        [
            "query($id: ID!) { household(id: $id) { id } }",
            (
                "query($id: ID!) { household(id: $id) { members { name } cases(first: 5) { totalCount edges { cursor node {"
                " needs { id } referrals(first: 5) { edges { node { organization { name officers { name } } } } }"
                " household { complaints(last: 2) { edges { node { clocks { name } } } } } } } } } }"
            ),
            (
                "{ a: cases(first: 1) { edges { node { id } } } b: cases(first: 50) { edges { node { household { members {"
                " name } } } } } }"
            ),
        ],
    )
    async def test_a_query_is_one_statement_whatever_it_finds(
        self,
        api: Api,
        household: str,
        statements: list[str],  # noqa: F811
        query: str,
    ) -> None:
        variables = {"id": household} if "$id" in query else {}
        await data(api.as_("puskesos_officer"), query, variables)
        assert len(statements) == 1, statements

    async def test_what_can_be_nothing_is_no_statement(self, api: Api, statements: list[str]) -> None:  # noqa: F811
        officer = api.as_("puskesos_officer")
        for id_ in ("x", "019aaa11-2233-8000-8cfe-04a1b2c3d4e5"):
            answer = await ask(officer, 'query($id: ID!) { case(id: $id) { id } node(id: "y") { id } }', {"id": id_})
            assert answer.json()["errors"][0]["extensions"]["code"] == "not_found"
        assert statements == []

    async def test_every_personal_read_is_on_record(self, api: Api, household: str) -> None:
        noted: list[tuple[Any, ...]] = []
        accesses = api.app.state.service.platform.accesses
        original = accesses.note
        accesses.note = lambda **given: noted.append((given["operation"], given["resource"], given["rows"]))
        try:
            officer = api.as_("puskesos_officer")
            await data(officer, "query($id: ID!) { household(id: $id) { id } }", {"id": household})
            await data(officer, "{ cases(first: 2) { edges { node { id } } } programs(first: 1) { totalCount } }")
        finally:
            accesses.note = original
        assert noted == [("households.get", "household", 1), ("cases.list", "case", 2)]


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "variables", "code"),
        [
            ("{ household(id: 1", {}, "graphql_syntax"),
            ('{ household(id: "\\u0000") { id } }', {}, "graphql_syntax"),
            ("{ nothing }", {}, "graphql_invalid"),
            ("query($id: ID!) { household(id: $id) { id } }", {}, "graphql_variables"),
            ("query($id: ID!) { household(id: $id) { id } }", {"id": {"nik": "9901014505880003"}}, "graphql_variables"),
            ("query A { __typename } query B { __typename }", {}, "graphql_operation_unknown"),
            ("fragment F on Query { __typename }", {}, "graphql_invalid"),
            ('{ cases(first: 1, after: "9901014505880003") { totalCount } }', {}, "cursor_invalid"),
        ],
    )
    async def test_nothing_of_the_request_is_repeated(
        self, api: Api, query: str, variables: dict[str, Any], code: str
    ) -> None:
        answer = await ask(api.as_("puskesos_officer"), query, variables)
        assert refusal(answer)[:2] == (400, code)
        assert "nothing" not in answer.text
        assert "9901014505880003" not in answer.text
        assert code in PROBLEMS

    async def test_a_cursor_that_no_column_takes_is_refused(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        page = await data(officer, "{ cases(first: 1, sort: AREA_CODE_ASC) { edges { cursor } } }")
        cursor = page["cases"]["edges"][0]["cursor"]
        digest, _, id_ = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        forged = paging.encode_cursor(["9" * 30, id_], bytes.fromhex(digest))
        query = "query($after: String) { cases(first: 1, sort: AREA_CODE_ASC, after: $after) { totalCount } }"
        assert (await ask(officer, query, {"after": cursor})).status_code == 200
        assert refusal(await ask(officer, query, {"after": forged}))[:2] == (400, "cursor_invalid")

    async def test_a_mistyped_field_is_not_corrected(self, api: Api) -> None:
        answer = await ask(api.as_("puskesos_officer"), "{ case(id: 1) { statu } }")
        assert "mean" not in answer.text
        assert "status" not in answer.text

    async def test_messages_speak_the_language_of_the_request(self, api: Api) -> None:
        for language, message in (("id", "Tidak ditemukan"), ("en", "Not found")):
            answer = await api.as_("puskesos_officer").post(
                "/graphql", json={"query": '{ case(id: "x") { id } }'}, headers={"accept-language": language}
            )
            assert answer.json()["errors"][0]["message"] == message


DOCUMENT = "query($id: ID!) { household(id: $id) { id } }"
MUTATION = "mutation($id: ID!) { casesOpen(input: {householdId: $id}) { case { id } } }"


class TestPersisted:
    @pytest_asyncio.fixture(scope="class", loop_scope="session")
    @staticmethod
    async def closed(database: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """An application that runs persisted documents only."""
        folder = tmp_path_factory.mktemp("persisted")
        (folder / "household.graphql").write_text(DOCUMENT)
        (folder / "open.graphql").write_text(MUTATION)
        settings = {"graphql_documents": folder, "graphql_documents_only": True}
        async with running_api(database.api_url, tmp_path_factory.mktemp("data"), **settings) as running:
            yield running

    async def test_other_documents_are_refused(self, closed: Api, household: str) -> None:
        officer = closed.as_("puskesos_officer")
        assert refusal(await ask(officer, "{ __typename }")) == (400, "graphql_document_required", "")
        body = {"documentId": document_id("{ __typename }")}
        answer = await officer.post("/graphql", json=body)
        assert refusal(answer) == (400, "graphql_document_unknown", "")

    async def test_a_registered_one_runs_by_post_and_by_get(self, closed: Api, household: str) -> None:
        officer = closed.as_("puskesos_officer")
        variables = {"id": household}
        body = {"documentId": document_id(DOCUMENT), "variables": variables}
        posted = await officer.post("/graphql", json=body)
        params = {"documentId": document_id(DOCUMENT), "variables": json.dumps(variables)}
        got = await officer.get("/graphql", params=params)
        assert posted.json() == got.json() == {"data": {"household": {"id": household}}}

    async def test_get_never_mutates_and_takes_no_query(self, closed: Api, api: Api, household: str) -> None:
        params = {"documentId": document_id(MUTATION), "variables": json.dumps({"id": household})}
        answer = await closed.as_("puskesos_officer").get(
            "/graphql", params=params, headers={"accept": "application/graphql-response+json"}
        )
        assert refusal(answer) == (400, "graphql_get_query", "")
        answer = await api.as_("puskesos_officer").get("/graphql", params={"query": "{ __typename }"})
        assert refusal(answer) == (400, "graphql_get_query", "")

    def test_a_file_with_a_wrong_hash_is_refused_at_start(self, tmp_path: Path) -> None:
        from slrt_api.graph.persisted import load

        file = tmp_path / "documents.json"
        file.write_text(json.dumps({document_id(DOCUMENT).removeprefix("sha256:"): DOCUMENT}))
        assert load(file) == {document_id(DOCUMENT): DOCUMENT}
        file.write_text(json.dumps({"0" * 64: DOCUMENT}))
        with pytest.raises(ValueError, match="not the SHA-256"):
            load(file)


class TestIntrospection:
    QUERY = "{ __schema { queryType { name } } }"

    async def test_production_needs_the_scope(self, api: Api, monkeypatch: pytest.MonkeyPatch, household: str) -> None:
        from slrt_api.graph.http import GraphQL

        layer: Any = api.app.middleware_stack
        while not isinstance(layer, GraphQL):
            layer = layer._app
        monkeypatch.setattr(layer, "_introspection", False)
        refused = await ask(api.as_("puskesos_officer"), self.QUERY)
        assert refusal(refused) == (400, "graphql_introspection_off", "")
        await data(api.as_("puskesos_officer"), "{ __typename }")
        found = await data(api.as_("integrator"), self.QUERY)
        assert found == {"__schema": {"queryType": {"name": "Query"}}}
        monkeypatch.setattr(layer, "_introspection", True)
        assert await data(api.as_("puskesos_officer"), self.QUERY) == found
