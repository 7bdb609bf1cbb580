"""One definition, two executors, two surfaces: equal answers and equal errors, whatever is asked by whomever."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api import OTHER_REGENCY_VILLAGE, Api
from tests.domains.test_referrals import organization, sent
from tests.graph_queries import act_of, ask, compiled, data, executor, standard
from tests.sizes import size
from tests.surfaces.test_isolation import World, populated

from slrt_api import graph
from slrt_api.graph.catalog import Resource
from slrt_api.graph.documents import Refusal
from slrt_api.graph.execute import Asked
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import Field, Link
from slrt_api.runtime.usecase import Act

CATALOG = graph.schema().catalog
BY = executor()


@dataclass
class Rows:
    """Ids by the type that they are of, and an organization that was sent a referral."""

    ids: dict[str, list[str]]
    receiver: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rows(api: Api) -> Rows:
    world: World = await populated(api)
    receiver = await organization(api, "VOCATIONAL_TRAINING")
    referral = await sent(api, receiver, ("ECONOMIC_EMPOWERMENT", "VOCATIONAL_TRAINING"))
    ids: dict[str, list[str]] = {}
    for found in (world.here, world.there):
        for kind, id_ in found.items():
            if isinstance(kind, Kind) and kind in CATALOG.by_kind:
                ids.setdefault(CATALOG.by_kind[kind].name, []).append(str(id_))
    ids["Referral"].append(referral["id"])
    ids["Case"].append(referral["case_id"])
    ids["Organization"] = [receiver["id"]]
    return Rows(ids, receiver["id"])


# Random documents ---------------------------------------------------------------------------------------------------


@dataclass
class Sketch:
    """A document while it is drawn. `row` says which of the known ids each id variable takes."""

    draw: Any
    fragments: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    ids: list[tuple[str, str, int]] = field(default_factory=list)
    aliases: int = 0

    def variable(self, name: str, type_: str) -> str:
        self.variables[name] = type_
        return f"${name}"

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == 0)

    def key(self, name: str) -> str:
        if self.aliases < 14 and self.chance(6):
            self.aliases += 1
            return f"a{self.aliases}: {name}"
        return name

    def directive(self) -> str:
        if not self.chance(8):
            return ""
        return str(
            self.draw(
                st.sampled_from(
                    [
                        " @skip(if: true)",
                        " @include(if: false)",
                        " @skip(if: false)",
                        " @include(if: $yes)",
                        " @skip(if: $yes)",
                    ]
                )
            )
        )

    def wrap(self, type_name: str, text: str) -> str:
        """The selections, perhaps inside a fragment."""
        if self.chance(6):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_name} {{ {text} }}")
            return f"...{name}{self.directive()}"
        if self.chance(6):
            condition = f" on {type_name}" if self.chance(2) else ""
            return f"...{condition}{self.directive()} {{ {text} }}"
        return text

    def objects(self, resource: Resource, depth: int) -> str:
        names = self.draw(st.lists(st.sampled_from([*resource.members, "__typename"]), min_size=1, max_size=4))
        parts = []
        for name in names:
            member = resource.members.get(name)
            if isinstance(member, Link):
                if depth <= 0:
                    continue
                parts.append(self.link(member, name, depth - 1))
            elif isinstance(member, Field) and member.limited and member.redacted is None and not self.chance(4):
                # One of them refuses the whole root: often enough to compare refusals, and no more.
                continue
            elif member is None or isinstance(member, Field):
                parts.append(f"{self.key(name)}{self.directive()}")
        parts.append("__typename")
        if resource.node and self.chance(8):
            parts.append("... on Node { id }")
        return self.wrap(resource.name, " ".join(parts))

    def link(self, link: Link, name: str, depth: int) -> str:
        target = CATALOG.by_shape[link.to]
        if link.paged:
            # Two pages of one link need two names.
            self.aliases += 1
            named = f"a{self.aliases}: {name}" if self.aliases < 15 else None
            if named is None:
                return "__typename"
            return f"{named}{self.arguments(target)}{self.directive()} {{ {self.connection(target, depth)} }}"
        return f"{self.key(name)}{self.directive()} {{ {self.objects(target, depth)} }}"

    def arguments(self, resource: Resource) -> str:
        way = self.draw(st.sampled_from(["first", "first", "last"]))
        number = self.draw(st.sampled_from(["1", "2", "5", "$n"]))
        if number == "$n":
            self.variable("n", "Int!")
        given = [f"{way}: {number}"]
        if resource.sorts and self.chance(2):
            given.append(f"sort: {self.draw(st.sampled_from(sorted(resource.sorts)))}")
        for name, filter_ in resource.filters.items():
            if self.chance(6) and name != "code":
                if filter_.codes is not None:
                    given.append(f"{name}: [{self.draw(st.sampled_from([each.value for each in filter_.codes]))}]")
                else:
                    text = filter_.example
                    given.append(f"{name}: {text if text in {'true', 'false'} else json.dumps(text)}")
        return f"({', '.join(given)})"

    def facts(self) -> str:
        names = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]
        return " ".join(self.draw(st.lists(st.sampled_from(names), min_size=1, unique=True)))

    def connection(self, resource: Resource, depth: int) -> str:
        parts = [
            part
            for part in (
                f"{self.key('pageInfo')} {{ {self.facts()} }}",
                self.key("totalCount"),
                "totalIsExact",
                "__typename",
            )
            if self.chance(3)
        ]
        node = f"node {{ {self.objects(resource, depth)} }}"
        edges = f"edges {{ {self.draw(st.sampled_from(['cursor', '__typename', '']))} {node} }}"
        shown = [*parts, edges] if not parts or not self.chance(4) else parts
        return self.wrap(f"{resource.name}Connection", " ".join(shown))

    def root(self, number: int) -> str:
        kind = self.draw(st.sampled_from(["item", "item", "page", "page", "node"]))
        resource = self.draw(st.sampled_from(sorted(CATALOG.items.values(), key=lambda each: each.name)))
        if kind == "page" and resource.page in CATALOG.pages:
            after = ", after: $after" if self.chance(3) else ""
            arguments = self.arguments(resource)
            if after and "first" in arguments:
                self.variable("after", "String")
                arguments = arguments[:-1] + after + ")"
            self.aliases += 1
            return f"r{number}: {resource.page}{arguments} {{ {self.connection(resource, 2)} }}"
        self.aliases += 1
        if resource.key != "id":
            return f'r{number}: {resource.item}({resource.key}: "33.26") {{ {self.objects(resource, 2)} }}'
        name = f"id{number}"
        self.ids.append((name, resource.name, self.draw(st.integers(0, 3))))
        self.variable(name, "ID!")
        if kind == "node":
            return f"r{number}: node(id: ${name}) {{ id ... on {resource.name} {{ {self.objects(resource, 2)} }} }}"
        return f"r{number}: {resource.item}(id: ${name}) {{ {self.objects(resource, 2)} }}"


@st.composite
def documents(draw: Any) -> tuple[str, list[tuple[str, str, int]], dict[str, Any]]:
    sketch = Sketch(draw)
    roots = " ".join(sketch.root(number) for number in range(draw(st.integers(1, 2))))
    body = "{ __typename " + roots + " }"
    if "$yes" in body + "".join(sketch.fragments):
        sketch.variable("yes", "Boolean!")
    declared = ", ".join(f"${name}: {type_}" for name, type_ in sketch.variables.items())
    text = f"query Q{f'({declared})' if declared else ''} {body} {' '.join(sketch.fragments)}"
    values: dict[str, Any] = {}
    if "yes" in sketch.variables:
        values["yes"] = draw(st.booleans())
    if "n" in sketch.variables:
        values["n"] = draw(st.integers(1, 3))
    return text, sketch.ids, values


ACTORS = st.sampled_from(
    [
        ("puskesos_officer", {}),
        ("puskesos_coordinator", {}),
        ("facilitator", {}),
        ("auditor", {}),
        ("secretariat_manager", {}),
        ("puskesos_officer", {"area": OTHER_REGENCY_VILLAGE}),
        ("puskesos_officer", {"scopes": frozenset({"households:read"})}),
        ("partner", {"organization": "receiver"}),
        ("integrator", {}),
        ("citizen", {}),
    ]
)


def ordered(answer: Any) -> str:
    """The answer with the order of its members, and its errors by path: parallel resolvers fail in any order."""
    errors = sorted(answer.get("errors", []), key=lambda error: json.dumps(error["path"]))
    return json.dumps({"data": answer["data"], "errors": errors})


async def outcome(run: Any, act: Act, asked: Asked) -> str:
    """What one executor makes of it: the answer, or the code of the refusal."""
    try:
        return ordered(await run(act, asked, BY))
    except Refusal as refused:
        return json.dumps(refused.error.code)


def cursor_in(value: Any) -> str | None:
    if isinstance(value, dict):
        if isinstance(value.get("cursor"), str):
            return str(value["cursor"])
        value = list(value.values())
    if isinstance(value, list):
        return next((found for each in value if (found := cursor_in(each)) is not None), None)
    return None


class TestBothExecutors:
    @given(document=documents(), actor=ACTORS)
    @settings(
        max_examples=size(40, 3_000),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    async def test_random_queries_have_one_answer(
        self, api: Api, rows: Rows, document: tuple[str, Any, dict[str, Any]], actor: tuple[str, dict[str, Any]]
    ) -> None:
        text, ids, values = document
        role, claims = actor
        if "organization" in claims:
            claims = {"organization": rows.receiver}
        act = await act_of(api, api.token(role, **claims))
        for name, type_, position in ids:
            known = rows.ids.get(type_, ["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"])
            values = values | {name: known[position % len(known)]}
        asked = Asked(text, None, values)
        first, again = [await outcome(run, act, asked) for run in (compiled, standard)]
        assert first == again
        cursor = cursor_in(json.loads(first))
        if "$after" in text and cursor is not None:
            asked = Asked(text, None, values | {"after": cursor})
            first, again = [await outcome(run, act, asked) for run in (compiled, standard)]
            assert first == again

    async def test_a_name_too_long_for_a_column_takes_the_standard_executor(self, api: Api, rows: Rows) -> None:
        name = "n" * 64
        found = await data(
            api.as_("puskesos_officer"),
            f"query($id: ID!) {{ household(id: $id) {{ {name}: id {name}x: kk }} }}",
            {"id": rows.ids["Household"][0]},
        )
        assert list(found["household"]) == [name, f"{name}x"]
        assert found["household"][name] == rows.ids["Household"][0]


# REST ---------------------------------------------------------------------------------------------------------------


def fields(resource: Resource) -> list[tuple[str, Field]]:
    return [(name, member) for name, member in resource.members.items() if isinstance(member, Field)]


def plain_fields(resource: Resource, role: str) -> dict[str, str]:
    """The fields of one resource that the role may ask for: their names in REST by those in GraphQL."""
    return {name: field.name for name, field in fields(resource) if not field.withheld_from(role, listed=False)}


ROLES = ("puskesos_officer", "facilitator", "auditor", "province_office", "integrator", "citizen", "program_manager")


class TestRest:
    @pytest.mark.parametrize("type_", ["Household", "Case", "Complaint", "Referral", "Organization"])
    async def test_an_item_has_the_values_and_the_refusals_of_rest(self, api: Api, rows: Rows, type_: str) -> None:
        resource = CATALOG.resources[type_]
        seen = set()
        for role in ROLES:
            names = plain_fields(resource, role)
            query = f"query($id: ID!) {{ {resource.item}(id: $id) {{ {' '.join(names)} }} }}"
            claims: dict[str, Any] = {"programs": [rows.receiver]} if role == "program_manager" else {}
            client = api.as_(role, **claims)
            for id_ in [*rows.ids[type_], "019aaa11-2233-8000-8cfe-04a1b2c3d4e5", "x"]:
                rest = await client.get(f"/v1/{resource.shape.plural}/{id_}")
                answer = (await ask(client, query, {"id": id_})).json()
                shown = answer["data"][resource.item]
                if rest.status_code == 200:
                    found = {name: value for name, value in rest.json().items() if name in resource.shape.fields}
                    assert {names[name]: value for name, value in shown.items()} == found
                else:
                    [error] = answer["errors"]
                    assert (shown, error["extensions"]["code"]) == (None, rest.json()["code"])
                seen.add(rest.status_code)
        assert {200, 404} <= seen

    @pytest.mark.parametrize("limit", [1, 2])
    @pytest.mark.parametrize("sort", ["id", "-id", "updated_at", "-updated_at", "area_code"])
    async def test_a_list_has_the_rows_and_the_cursors_of_rest(
        self, api: Api, rows: Rows, sort: str, limit: int
    ) -> None:
        officer = api.as_("puskesos_officer")
        value = next(name for name, text in CATALOG.resources["Case"].sorts.items() if text == sort)
        query = (
            'query($after: String, $sort: CaseSort) { cases(first: %d, after: $after, sort: $sort, areaCode: "33.26")'
            " { edges { node { id number } } pageInfo { hasNextPage endCursor } totalCount totalIsExact } }"
        )
        cursor = None
        pages = 0
        while True:
            url = f"/v1/cases?limit={limit}&sort={sort}&area_code=33.26&include_total=true"
            rest = (await officer.get(url + (f"&cursor={cursor}" if cursor else ""))).json()
            page = (await data(officer, query % limit, {"after": cursor, "sort": value}))["cases"]
            assert [edge["node"]["id"] for edge in page["edges"]] == [item["id"] for item in rest["items"]]
            assert (page["totalCount"], page["totalIsExact"]) == (rest["total"], rest["total_is_exact"])
            assert page["pageInfo"]["hasNextPage"] == (rest["next_cursor"] is not None)
            pages += 1
            if rest["next_cursor"] is None:
                break
            assert page["pageInfo"]["endCursor"] == rest["next_cursor"]
            cursor = rest["next_cursor"]
        assert pages > 1

    async def test_backward_pages_are_forward_pages_from_the_end(self, api: Api, rows: Rows) -> None:
        officer = api.as_("puskesos_officer")
        forward = await data(officer, "{ cases(first: 200) { edges { cursor node { id } } } }")
        expected = [edge["node"]["id"] for edge in forward["cases"]["edges"]]
        query = (
            "query($before: String%s) { cases(last: 2, before: $before)"
            " { edges { node { id } } pageInfo { hasPreviousPage hasNextPage startCursor } } }"
        )
        found: list[str] = []
        before = None
        while True:
            page = (await data(officer, query % ("!" if before else ""), {"before": before}))["cases"]
            found = [edge["node"]["id"] for edge in page["edges"]] + found
            assert page["pageInfo"]["hasNextPage"] is (before is not None)
            if not page["pageInfo"]["hasPreviousPage"]:
                break
            before = page["pageInfo"]["startCursor"]
        assert found == expected
        assert len(expected) > 2

    async def test_filters_refuse_what_rest_refuses(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        rest = await officer.get("/v1/cases?area_code=999")
        answer = await ask(officer, '{ cases(first: 1, areaCode: "999") { totalCount } }')
        assert rest.json()["code"] == answer.json()["errors"][0]["extensions"]["code"] == "filter_invalid"
        assert answer.status_code == 400


class TestReferrals:
    async def test_candidates_are_those_of_rest_and_for_the_sending_side(self, api: Api, rows: Rows) -> None:
        id_ = rows.ids["Referral"][-1]
        document = "query ($id: ID!) { referralCandidates(id: $id) referral(id: $id) { number } }"
        officer = api.as_("secretariat_officer")
        listed = (await officer.get(f"/v1/referrals/{id_}/candidates")).json()
        assert listed["items"]
        shown = await data(officer, document, {"id": id_})
        assert shown["referralCandidates"] == listed
        for unknown in (rows.ids["Case"][0], str(UUID(int=7)), "none"):
            answer = (await ask(officer, document, {"id": unknown})).json()
            assert answer["data"] == {"referralCandidates": None, "referral": None}
            assert {each["extensions"]["code"] for each in answer["errors"]} == {"not_found"}
        answer = (await ask(api.as_("supervisor"), document, {"id": id_})).json()
        assert answer["data"]["referralCandidates"] is None
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["role_not_allowed"]

    @pytest.mark.parametrize(
        "token", [{"role": "secretariat_officer"}, {"role": "province_office"}, {"role": "partner"}]
    )
    async def test_an_organization_leads_to_its_referrals_in_scope(
        self, api: Api, rows: Rows, token: dict[str, str]
    ) -> None:
        client = api.as_(**token, organization=rows.receiver)
        page = "referrals(first: 5, sort: ID_ASC) { edges { node { id } } totalCount }"
        document = f"query ($id: ID!) {{ organization(id: $id) {{ {page} }} }}"
        answer = (await ask(client, document, {"id": rows.receiver})).json()
        listed = await client.get(f"/v1/referrals?organization_id={rows.receiver}&sort=id&limit=5&include_total=true")
        if token["role"] == "province_office":
            assert (listed.status_code, answer["errors"][0]["extensions"]["code"]) == (403, listed.json()["code"])
            return
        found = answer["data"]["organization"]["referrals"]
        assert [edge["node"]["id"] for edge in found["edges"]] == [each["id"] for each in listed.json()["items"]]
        assert found["totalCount"] == listed.json()["total"] > 0
        # Where nothing of the rows is asked for, the caller's tenants are no parameter of the statement.
        nothing = "{ organizations(first: 5) { edges { node { referrals(first: 5) { __typename } } } } }"
        shown = (await ask(client, nothing)).json()
        assert {"referrals": {"__typename": "ReferralConnection"}} in [
            edge["node"] for edge in shown["data"]["organizations"]["edges"]
        ]
        included = (await client.get(f"/v1/organizations/{rows.receiver}?include=referrals")).json()["referrals"]
        assert [each["id"] for each in included] == [edge["node"]["id"] for edge in found["edges"]]


class TestMutations:
    async def test_both_surfaces_share_an_idempotency_key(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        body = {
            "area_code": "33.26.01.2001",
            "address": "A",
            "members": [{"name": "A", "sex": "F", "relation": "HEAD"}],
        }
        key = "8e03978e-40d5-43e8-bc93-6894a57f9399"
        rest = await officer.post("/v1/households", json=body, headers={"idempotency-key": key})
        given = {
            "areaCode": "33.26.01.2001",
            "address": "A",
            "members": [{"name": "A", "sex": "F", "relation": "HEAD"}],
            "idempotencyKey": key,
        }
        query = (
            "mutation($input: HouseholdsRegisterInput!)"
            " { householdsRegister(input: $input) { household { id members { name } } } }"
        )
        again = await data(officer, query, {"input": given})
        other = await ask(officer, query, {"input": given | {"address": "B"}})
        assert again["householdsRegister"]["household"] == {"id": rest.json()["id"], "members": [{"name": "A"}]}
        assert other.json()["errors"][0]["extensions"]["code"] == "idempotency_key_reused"

    async def test_a_transition_needs_the_version_and_refuses_a_stale_one(self, api: Api, rows: Rows) -> None:
        officer = api.as_("puskesos_officer")
        opened = await officer.post("/v1/cases", json={"household_id": rows.ids["Household"][0]})
        query = "mutation($input: CasesTransitionInput!) { casesTransition(input: $input) { case { version status } } }"
        given = {"id": opened.json()["id"], "action": "VERIFY"}
        codes = [
            (await ask(officer, query, {"input": given | more})).json()["errors"][0]["extensions"]["code"]
            for more in ({}, {"expectedVersion": 2}, {"expectedVersion": 1, "action": "CONFIRM"})
        ]
        done = await data(officer, query, {"input": given | {"expectedVersion": 1}})
        assert codes == ["if_match_required", "version_stale", "transition_not_allowed"]
        assert done["casesTransition"]["case"] == {"version": 2, "status": "VERIFICATION"}

    async def test_each_root_field_is_an_act_in_order(self, api: Api, rows: Rows) -> None:
        officer = api.as_("puskesos_officer")
        household = rows.ids["Household"][0]
        query = (
            "mutation($id: ID!, $none: ID!) {"
            " a: casesOpen(input: {householdId: $id}) { case { id household { cases(last: 1) { totalCount } } } }"
            " b: casesOpen(input: {householdId: $none}) { case { id } }"
            " c: casesOpen(input: {householdId: $id}) { case { id household { cases(last: 1) { totalCount } } }"
            " again: case { status } } }"
        )
        answer = (await ask(officer, query, {"id": household, "none": rows.ids["Household"][1]})).json()
        counts = [answer["data"][key]["case"]["household"]["cases"]["totalCount"] for key in "ac"]
        assert counts[1] == counts[0] + 1
        assert answer["data"]["c"]["again"] == {"status": "REGISTERED"}
        assert answer["data"]["b"] is None
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["b"], "content_invalid")
        assert error["extensions"]["errors"][0]["pointer"] == "/householdId"

    async def test_what_is_shown_once_stands_under_once(self, api: Api) -> None:
        client: httpx.AsyncClient = api.as_("facilitator")
        given = {
            "nature": "GRIEVANCE",
            "category": "PARTICIPATION",
            "subtype": "EXCLUSION_ERROR",
            "channel": "FIELD_APP",
            "confidentiality": "OPEN",
            "areaCode": "33.26.01.2001",
            "summary": "Layak tetapi tidak mendapat bantuan",
        }
        query = (
            "mutation($input: ComplaintsFileInput!) { complaintsFile(input: $input) { complaint { receipt } once } }"
        )
        filed = (await data(client, query, {"input": given}))["complaintsFile"]
        assert filed["complaint"]["receipt"].startswith("KEL-3326-")
        assert len(filed["once"]["receipt_secret"]) == 23

    async def test_the_same_refusals_by_the_standard_executor(self, api: Api, rows: Rows) -> None:
        act = await act_of(api, api.token("puskesos_officer"))
        text = "mutation($id: ID!) { casesOpen(input: {householdId: $id}) { case { status allowedActions } once } }"
        for id_ in rows.ids["Household"]:
            asked = Asked(text, None, {"id": id_})
            assert await compiled(act, asked, BY) == await standard(act, asked, BY)


def test_every_kind_of_the_world_is_in_the_catalog() -> None:
    kinds = {Kind.HOUSEHOLD, Kind.CASE, Kind.REFERRAL, Kind.COMPLAINT, Kind.ORGANIZATION, Kind.PROGRAM, Kind.SNAPSHOT}
    assert kinds <= set(CATALOG.by_kind)
