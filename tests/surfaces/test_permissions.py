"""The published table of permissions: complete, and what the service does."""

from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from starlette.responses import Response
from tests.api import Api
from tests.graph_queries import ask
from tests.permissions import Table, allowed, may_read, operation, refusal

from slrt_api import graph
from slrt_api.access.permissions import KINDS, in_role
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.cases.lifecycle import CASE_LIFECYCLE
from slrt_api.cli import contracts
from slrt_api.graph.catalog import Resource
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.rest.operations import Routes
from slrt_api.runtime.problems import status_of
from slrt_api.runtime.shapes import Link
from slrt_api.runtime.usecase import USE_CASES

CATALOG = graph.schema().catalog
ROLES = tuple(Role)
#: kinds of the ids in paths, by the collection
KINDS_OF = {
    "attachments": Kind.ATTACHMENT,
    "cases": Kind.CASE,
    "complaints": Kind.COMPLAINT,
    "households": Kind.HOUSEHOLD,
    "organizations": Kind.ORGANIZATION,
    "persons": Kind.PERSON,
    "programs": Kind.PROGRAM,
    "referrals": Kind.REFERRAL,
    "registry": Kind.SNAPSHOT,
    "grants": Kind.GRANT,
    "consents": Kind.CONSENT,
    "access-overrides": Kind.ACCESS_OVERRIDE,
}
UNKNOWN = new_id(Kind.ORGANIZATION, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def table(api: Api) -> Table:
    answer = await api.anonymous.get("/v1/meta/permissions")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def client_of(api: Api, role: Role) -> httpx.AsyncClient:
    claims: dict[str, Any] = {}
    if role is Role.PARTNER:
        claims["organization"] = UNKNOWN
    if role is Role.PROGRAM_MANAGER:
        claims["programs"] = [new_id(Kind.PROGRAM, 0)]
    return api.as_(role, **claims)


def unknown(path: str) -> UUID:
    """An id of the right kind that names nothing."""
    kind = KINDS_OF.get(path.split("/")[2], Kind.CASE)
    return new_id(kind, 0 if kind in {Kind.ORGANIZATION, Kind.PROGRAM} else 3326)


class TestTable:
    def test_every_operation_of_rest_stands_in_it_once(self, table: Table) -> None:
        documented = {
            (each["operationId"], method.upper(), path)
            for path, item in contracts.document()["paths"].items()
            for method, each in item.items()
        }
        published = [
            (each["operation"], each["method"], each["path"]) for each in table["operations"] if each["method"]
        ]
        assert sorted(published) == sorted(documented)

    def test_every_root_field_of_graphql_stands_in_it_once(self, table: Table) -> None:
        core = graph.schema().core
        assert core.query_type is not None
        assert core.mutation_type is not None
        fields = [*core.query_type.fields, *core.mutation_type.fields]
        assert sorted(each["graphql"] for each in table["operations"] if each["graphql"]) == sorted(fields)

    def test_it_says_of_every_role_whether_it_may(self, table: Table) -> None:
        for each in table["operations"]:
            named = [*(line["role"] for line in each["roles"]), *(line["role"] for line in each["refused"])]
            assert sorted(named) == sorted(role.value for role in Role), each["operation"]
            assert all(line["condition"]["id"] and line["condition"]["en"] for line in each["roles"])

    def test_it_names_every_role_with_its_scopes_and_rows(self, table: Table) -> None:
        assert {each["role"]: (set(each["scopes"]), each["rows"]) for each in table["roles"]} == {
            role.value: ({scope.value for scope in PERMISSIONS[role]}, KINDS[role].name) for role in Role
        }

    def test_actions_have_the_roles_and_guards_of_the_lifecycle(self, table: Table) -> None:
        [confirm] = [each for each in operation(table, "cases_transition")["actions"] if each["action"] == "CONFIRM"]
        assert confirm["roles"] == ["puskesos_coordinator", "secretariat_manager", "social_office"]
        assert [step["scope"] for step in confirm["steps"]] == ["cases:decide"]
        assert "recommended_by" in confirm["steps"][0]["guard"]
        assert [each["action"] for each in operation(table, "cases_transition")["actions"]] == list(
            CASE_LIFECYCLE.actions
        )
        moving = {each["operation"] for each in table["operations"] if each["actions"]}
        assert {"cases_transition", "cases_transition_need", "referrals_transition", "complaints_transition"} <= moving

    def test_who_may_ask_for_a_transition_has_a_step_of_it(self, table: Table) -> None:
        for each in table["operations"]:
            if each["actions"]:
                acting = {role for action in each["actions"] for role in action["roles"]}
                assert {line["role"] for line in each["roles"]} == acting, each["operation"]

    def test_it_names_every_field_with_a_rule_once(self, table: Table) -> None:
        expected = {
            (resource.shape.name, field.name)
            for resource in CATALOG.resources.values()
            for field in resource.shape.fields.values()
            if field.readers is not None or field.special or field.masked is not None or field.stripped is not None
        }
        published = [(each["resource"], each["field"]) for each in table["fields"]]
        assert sorted(published) == sorted(expected)
        assert {("assessment", "answers"), ("need", "note"), ("history_entry", "changes")} <= expected

    def test_it_says_who_writes_and_unmasks_a_field(self, table: Table) -> None:
        by_name = {(each["resource"], each["field"]): each for each in table["fields"]}
        assert by_name["assessment", "answers"]["written_by"] == ["cases_assess"]
        assert by_name["need", "note"]["written_by"] == ["cases_add_need"]
        name = by_name["complaint", "reporter_name"]
        assert name["unmasked_by"]["scope"] == "complaints:handle"
        assert "auditor" in name["readers"]
        assert "auditor" not in name["unmasked_by"]["roles"]

    def test_what_it_tells_is_read_by_functions_that_tests_share(self, table: Table) -> None:
        assert allowed(table, "cases_transition", "puskesos_officer", "VERIFY")
        assert not allowed(table, "cases_transition", "puskesos_officer", "CONFIRM")
        assert not allowed(table, "casesTransition", "partner")
        assert refusal(table, "get_case", "partner") == (404, "not_found")

    async def test_anybody_may_keep_it(self, api: Api) -> None:
        answer = await api.anonymous.get("/v1/meta/permissions")
        assert answer.headers["cache-control"] == "public, max-age=300"
        known = {"if-none-match": answer.headers["etag"]}
        assert (
            await api.as_("partner", organization=UNKNOWN).get("/v1/meta/permissions", headers=known)
        ).status_code == 304

    def test_an_operation_of_which_nobody_says_who_may_is_refused(self) -> None:
        async def handler(_: Any) -> Response:
            return Response()

        routes: Any = Routes(None)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="GET /v1/x"):
            routes.add("GET", "/v1/x", handler, name="x", summary="x", doc="x", tag="x")

    def test_who_may_ask_for_a_use_case_may_read_what_it_answers(self, table: Table) -> None:
        """Otherwise the table would promise a refusal that comes only after the work."""
        for each in table["operations"]:
            if each["graphql"] is None or each["method"] in {None, "GET"}:
                continue
            case = USE_CASES[next(name for name in USE_CASES if name.replace(".", "_") == each["operation"])]
            for role in Role:
                try:
                    case.permit(in_role(role))
                    first = None
                except errors.SlrtError as error:
                    first = status_of(error), error.code
                assert first == refusal(table, each["operation"], role.value), (each["operation"], role)


class TestEnforcement:
    @pytest.mark.parametrize("role", ROLES)
    async def test_rest_answers_every_operation_as_the_table_says(self, api: Api, table: Table, role: Role) -> None:
        client = client_of(api, role)
        for each in table["operations"]:
            if each["method"] is None or each["credential"] not in {"bearer", "optional"}:
                continue
            path = each["path"].replace("{id}", str(unknown(each["path"])) if each["credential"] == "bearer" else "X")
            path = path.replace("{name}", "case")
            headers = {"content-type": "application/json", "if-match": '"1"'}
            if each["method"] == "PATCH":
                headers["content-type"] = "application/merge-patch+json"
            body = None if each["method"] == "GET" else b"{}"
            answer = await client.request(each["method"], path, headers=headers, content=body)
            expected = refusal(table, each["operation"], role.value)
            code = answer.json().get("code") if answer.status_code >= 400 else None
            if expected is not None:
                assert (answer.status_code, code) == expected, each["operation"]
            else:
                assert answer.status_code != 401, each["operation"]
                assert code not in {"scope_missing", "role_not_allowed", "forbidden"}, each["operation"]

    @pytest.mark.parametrize("role", ROLES)
    async def test_graphql_answers_every_read_as_the_table_says(self, api: Api, table: Table, role: Role) -> None:
        client = client_of(api, role)
        for resource in CATALOG.roots:
            key = "X" if resource.shape.kind is None else unknown(f"/v1/{resource.shape.plural}")
            queries = {resource.item: f'{{ {resource.item}({resource.key}: "{key}") {{ __typename }} }}'}
            if resource.shape.sorts:
                queries[resource.page] = f"{{ {resource.page}(first: 1) {{ edges {{ node {{ __typename }} }} }} }}"
            for field, query in queries.items():
                answer = (await ask(client, query)).json()
                codes = [each["extensions"]["code"] for each in answer.get("errors", [])]
                expected = refusal(table, field, role.value)
                if expected is not None:
                    assert codes == [expected[1]], field
                else:
                    assert codes in ([], ["not_found"]), field

    @pytest.mark.parametrize("role", ROLES)
    async def test_fields_are_refused_to_whom_the_table_does_not_name(self, api: Api, table: Table, role: Role) -> None:
        client = client_of(api, role)
        asked = set()
        for resource in CATALOG.roots:
            if not allowed(table, resource.item, role.value) or resource.shape.kind is None:
                continue
            for name, field, path in ways(resource):
                query = f"query($id: ID!) {{ {resource.item}(id: $id) {{ {path} }} }}"
                answer = (await ask(client, query, {"id": str(unknown(f"/v1/{resource.shape.plural}"))})).json()
                [code] = [each["extensions"]["code"] for each in answer["errors"]]
                expected = "not_found" if may_read(table, name, field, role.value) else "field_not_readable"
                assert code in {expected, "role_not_allowed"}, (role, path)
                asked.add((name, field, code))
        if role is Role.FACILITATOR:
            assert ("complaint", "summary", "field_not_readable") in asked
            assert ("assessment", "answers", "field_not_readable") in asked
        if role is Role.SUPERVISOR:
            assert ("assessment", "answers", "not_found") in asked


def ways(resource: Resource) -> list[tuple[str, str, str]]:
    """Every field of the resource and its parts that is left out where it may not be read: (shape, field, selection)."""
    found = []
    for name, member in resource.members.items():
        if isinstance(member, Link):
            if not member.paged:
                target = CATALOG.by_shape[member.to]
                found += [
                    (target.shape.name, part.name, f"{name} {{ {inner} }}")
                    for inner, part in target.members.items()
                    if not isinstance(part, Link) and part.limited and part.redacted is None
                ]
        elif member.limited and member.redacted is None:
            found.append((resource.shape.name, member.name, name))
    return found
