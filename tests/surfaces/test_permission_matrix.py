"""Every operation x every role x (a row in sight, rows out of sight): status, rows and fields as the published table says.

`test_permissions` asks about rows that do not exist; here they exist. Rows in sight are those of `tests.stage`: the words of
the contract as SQL. Operations are those of the table itself, so that none is left out.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLEnumType
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE
from tests.graph_queries import ask as ask_graph
from tests.permissions import Table, allowed, may_read, refusal
from tests.sizes import size
from tests.stage import ONLOOKERS, Onlooker, Stage
from tests.surfaces.test_isolation import CASES, NATIONAL, ask, steady

from slrt_api import graph
from slrt_api.graph.catalog import Resource
from slrt_api.kernel.ids import Kind

CATALOG = graph.schema().catalog
#: the table of the rows of each kind; of the others nobody's rows are out of sight
TABLES = {
    Kind.HOUSEHOLD: "households",
    Kind.PERSON: "persons",
    Kind.CIVIL_CHECK: "civil_checks",
    Kind.ATTACHMENT: "attachments",
    Kind.CASE: "cases",
    Kind.COMPLAINT: "complaints",
    Kind.REFERRAL: "referrals",
    Kind.SNAPSHOT: "registry_snapshots",
    Kind.GRANT: "grants",
    Kind.CONSENT: "consents",
    Kind.ACCESS: "accesses",
    Kind.REVOCATION: "revocations",
    Kind.ACCESS_OVERRIDE: "access_overrides",
    Kind.ENROLLMENT: "enrollments",
    Kind.ENROLLMENT_LIST: "enrollment_lists",
    Kind.VARIANT_CHOICE: "variant_choices",
    Kind.ROUTING_POLICY: "routing_policies",
    Kind.ELIGIBILITY_CHECK: "eligibility_checks",
    Kind.ELIGIBILITY_REVIEW: "eligibility_reviews",
    Kind.LINEAGE: "lineage",
    Kind.DUPLICATE: "duplicates",
    Kind.DUPLICATE_RUN: "duplicate_runs",
    Kind.HANDOVER: "handovers",
    Kind.DUPLICATE_TICKET: "duplicate_tickets",
    Kind.SCREENING: "screenings",
    Kind.FAMILY_PLAN: "family_plans",
    Kind.CASE_MERGE: "case_merges",
    Kind.SEALED_ACCESS: "sealed_accesses",
}
#: shown to none but the person who asked for the override, while it runs: `tests/domains` has that person
PERSONAL = {"get_access_override_resource"}
#: what the body of the case asks for besides: a message in the name of the desk
FURTHER = {("POST", "/v1/complaints/{id}/messages"): "complaints:handle"}
RIGHTS = {"scope_missing", "role_not_allowed", "forbidden", "token_missing"}
NAMES = [name for name in ONLOOKERS if name != "public"]


@dataclass
class Asked:
    """An onlooker with its rows in sight and out of sight."""

    stage: Stage
    table: Table
    onlooker: Onlooker
    client: httpx.AsyncClient
    rng: random.Random

    @property
    def role(self) -> str:
        return self.onlooker.role

    def has(self, kind: Kind | None) -> bool:
        return kind in TABLES and TABLES[kind] in self.stage.worlds.tables

    async def ids(self, table: str, *, in_sight: bool) -> list[str]:
        condition = self.stage.worlds.hidden(self.onlooker.sees)[table]
        condition = f"NOT ({condition})" if in_sight else f"({condition})"
        if table == "accesses":
            # Asking adds to them.
            condition += f" AND at < '{self.stage.scene.at}'"
        return [str(row["id"]) for row in await self.stage.worlds.fetch(f"SELECT id FROM {table} WHERE {condition}")]

    async def some(self, kind: Kind, *, in_sight: bool, most: int, path: str = "") -> Sequence[str]:
        """Ids in sight or out of sight; for a path that names a person too, only of that person's household in sight."""
        found = sorted(await self.ids(TABLES[kind], in_sight=in_sight))
        if in_sight and "{person_id}" in path:
            found = [id_ for id_ in found if id_ == str(self.stage.scene.world.here[kind])]
        return self.rng.sample(found, min(len(found), most))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def table(stage: Stage) -> Table:
    answer = await stage.api.anonymous.get("/v1/meta/permissions")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def begun(stage: Stage, table: Table, name: str) -> Asked:
    print(f"seed: {name!r}")
    await stage.worlds.restore()
    onlooker = ONLOOKERS[name](stage.scene)
    return Asked(stage, table, onlooker, onlooker.client(stage.api), random.Random(name))


def code_of(answer: httpx.Response) -> str | None:
    return str(answer.json()["code"]) if answer.status_code >= 400 else None


# By id --------------------------------------------------------------------------------------------------------------


async def wrong_by_id(asked: Asked) -> list[str]:
    """Operations on one row that are answered otherwise than the table says."""
    wrong = []
    for line in asked.table["operations"]:
        route = (line["method"], line["path"])
        if route not in CASES or line["credential"] != "bearer":
            continue
        case = CASES[route]
        if case.kind is None or case.kind in NATIONAL or not asked.has(case.kind):
            continue
        refused = refusal(asked.table, line["operation"], asked.role)
        read = route[0] == "GET"
        for in_sight, most in ((True, 1), (False, size(1, 20) if read else 1)):
            creates = "if-none-match" in case.headers
            if in_sight and creates:
                # What it creates does not exist before.
                continue
            for id_ in await asked.some(case.kind, in_sight=in_sight, most=most, path=route[1]):
                answer = await ask(asked.client, route, case, id_, asked.stage.scene.world.here)
                told = f"{route} {'in' if in_sight else 'out of'} sight: {answer.status_code} {code_of(answer)}"
                if refused is not None:
                    # A row that the role may not read at all is refused like any other.
                    if (answer.status_code, code_of(answer)) != refused:
                        wrong.append(f"{told}, the table says {refused}")
                elif not in_sight:
                    # Who names an id is told first whether it goes with the body; then that it is taken, whoever took it.
                    if answer.status_code not in ({403, 412, 422} if creates else {404}):
                        wrong.append(told)
                elif line["operation"] in PERSONAL:
                    if answer.status_code not in {200, 404}:
                        wrong.append(told)
                # How far an upload is, is told by headers alone.
                elif (read and answer.status_code not in {200, 204}) or (not read and answer.status_code == 404):
                    wrong.append(told)
                elif not read and code_of(answer) in RIGHTS and _permitted(asked, line, case.body):
                    wrong.append(f"{told}, the table permits it")
                if not read and answer.status_code < 300:
                    await asked.stage.worlds.restore()
    return wrong


def _permitted(asked: Asked, line: Mapping[str, Any], body: Any) -> bool:
    """Whether the table lets the role do what the body asks for: of a transition, that action."""
    further = FURTHER.get((line["method"], line["path"]))
    if further is not None and further not in _scopes(asked.table, asked.role):
        return False
    action = body(asked.stage.scene.world.here).get("action") if body is not None and line["actions"] else None
    return allowed(asked.table, line["operation"], asked.role, action)


def _scopes(table: Table, role: str) -> Sequence[str]:
    [scopes] = [each["scopes"] for each in table["roles"] if each["role"] == role]
    return list(scopes)


# Lists --------------------------------------------------------------------------------------------------------------


async def wrong_in_lists(asked: Asked) -> list[str]:
    """Lists of REST, and connections of GraphQL, that show other rows than those in sight, or count others."""
    wrong = []
    for line in asked.table["operations"]:
        resource = CATALOG.pages.get(line["graphql"] or "")
        if line["method"] != "GET" or resource is None or not asked.has(resource.shape.kind):
            continue
        assert resource.shape.kind is not None
        refused = refusal(asked.table, line["operation"], asked.role)
        filters = {"at_to": asked.stage.scene.at} if resource.shape.kind is Kind.ACCESS else {}
        expected = sorted(await asked.ids(TABLES[resource.shape.kind], in_sight=True))
        answer, ids = await _rows(asked.client, line["path"], filters)
        if refused is not None:
            if (answer.status_code, code_of(answer)) != refused:
                wrong.append(f"{line['path']}: {answer.status_code} {code_of(answer)}, the table says {refused}")
        elif answer.status_code != 200 or ids != expected or answer.json()["total"] != len(expected):
            wrong.append(
                f"{line['path']}: {answer.status_code}, {len(ids)} rows instead of {len(expected)}: {answer.text[-60:]}"
            )
        connection = await _edges(asked.client, resource, filters)
        if refused is not None:
            if connection != refused[1]:
                wrong.append(f"{resource.page}: {connection}, the table says {refused}")
        elif connection != (expected, len(expected)):
            wrong.append(f"{resource.page}: {str(connection)[:300]} instead of {len(expected)} rows")
    return wrong


async def _rows(
    client: httpx.AsyncClient, path: str, filters: Mapping[str, str]
) -> tuple[httpx.Response, Sequence[str]]:
    """The first page, with its count, and the ids of all pages."""
    first = answer = await client.get(path, params={"limit": "200", "include_total": "true", **filters})
    found = [each["id"] for each in answer.json().get("items", [])]
    while "next" in answer.links:
        answer = await client.get(answer.links["next"]["url"])
        found += [each["id"] for each in answer.json()["items"]]
    return first, sorted(found)


async def _edges(client: httpx.AsyncClient, resource: Resource, filters: Mapping[str, str]) -> Any:
    """(ids of all pages, count), or the code of the refusal."""
    given = "".join(f', {_camel(name)}: "{value}"' for name, value in filters.items())
    found: list[str] = []
    after, total = "", 0
    while True:
        query = (
            f"{{ {resource.page}(first: 200{given}{after}) {{ totalCount pageInfo {{ hasNextPage endCursor }}"
            " edges { node { id } } } }"
        )
        told = (await ask_graph(client, query)).json()
        if "errors" in told:
            return told["errors"][0]["extensions"]["code"]
        page = told["data"][resource.page]
        found += [edge["node"]["id"] for edge in page["edges"]]
        total = page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            return sorted(found), total
        after = f', after: "{page["pageInfo"]["endCursor"]}"'


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _camels(value: Any) -> Any:
    """A body of REST with the names of GraphQL."""
    if isinstance(value, dict):
        return {_camel(name): _camels(each) for name, each in value.items()}
    return [_camels(each) for each in value] if isinstance(value, list) else value


def _named(type_: Any, value: Any) -> Any:
    """A code as GraphQL names it, where it is one of an enumeration there."""
    type_ = getattr(type_, "of_type", type_)
    if not isinstance(type_, GraphQLEnumType):
        return value
    [name] = [name for name, each in type_.values.items() if getattr(each.value, "value", each.value) == value]
    return name


# GraphQL ------------------------------------------------------------------------------------------------------------


async def wrong_in_graphql(asked: Asked) -> list[str]:
    """Root fields of one row, and mutations on one, that are answered otherwise than the table and REST say."""
    wrong = []
    for field, resource in CATALOG.items.items():
        kind = resource.shape.kind
        if not asked.has(kind) or kind is None:
            continue
        refused = refusal(asked.table, field, asked.role)
        for in_sight in (True, False):
            for id_ in await asked.some(kind, in_sight=in_sight, most=1 if in_sight else size(1, 20)):
                expected = refused[1] if refused else None if in_sight else "not_found"
                queries = {
                    field: f'{{ {field}(id: "{id_}") {{ id }} }}',
                    "node": f'{{ node(id: "{id_}") {{ id }} }}',
                }
                for name, query in queries.items():
                    told = (await ask_graph(asked.client, query)).json()
                    code = told["errors"][0]["extensions"]["code"] if "errors" in told else None
                    shown = (told.get("data") or {}).get(name)
                    # `node` is null for what is not there, like for what has no such id.
                    absent = name == "node" and expected is not None and code is None and shown is None
                    if not absent and (code != expected or (shown is not None) is not (expected is None)):
                        wrong.append(f"{name} of {field} {'in' if in_sight else 'out of'} sight: {code}, {shown}")
    core = graph.schema().core
    assert core.mutation_type is not None
    for line in asked.table["operations"]:
        if asked.rng.randrange(size(2, 1)):
            # In short each onlooker asks half of them, another half than others do.
            continue
        route = (line["method"], line["path"])
        if line["graphql"] not in core.mutation_type.fields or route not in CASES:
            continue
        case = CASES[route]
        if "if-none-match" in case.headers or case.kind is None or case.kind in NATIONAL or not asked.has(case.kind):
            continue
        input_ = core.mutation_type.fields[line["graphql"]].args["input"].type
        for in_sight in (True, False):
            for id_ in await asked.some(case.kind, in_sight=in_sight, most=1, path=route[1]):
                rest = await ask(asked.client, route, case, id_, asked.stage.scene.world.here)
                if rest.status_code < 300:
                    await asked.stage.worlds.restore()
                body = case.body(asked.stage.scene.world.here) if case.body is not None else {}
                fields = getattr(input_, "of_type", input_).fields
                given = {name: _named(fields[name].type, each) for name, each in _camels(body).items()} | {"id": id_}
                if "if-match" in case.headers and "expectedVersion" in fields:
                    given["expectedVersion"] = int(case.headers["if-match"].strip('"'))
                if "{person_id}" in route[1]:
                    given["personId"] = str(asked.stage.scene.world.here[Kind.PERSON])
                query = f"mutation($i: {input_}) {{ {line['graphql']}(input: $i) {{ __typename }} }}"
                told = (await ask_graph(asked.client, query, {"i": given})).json()
                code = told["errors"][0]["extensions"]["code"] if "errors" in told else None
                if code is None:
                    await asked.stage.worlds.restore()
                if code != code_of(rest):
                    wrong.append(f"{line['graphql']}: {json.dumps(told)[:300]}, REST says {code_of(rest)}")
    return wrong


# Fields -------------------------------------------------------------------------------------------------------------


async def wrong_fields(asked: Asked) -> list[str]:
    """Members of items and of rows of lists that are there, or are not, against the table."""
    wrong = []
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for line in asked.table["fields"]:
        rules.setdefault(line["resource"], []).append(line)
    for line in asked.table["operations"]:
        resource = CATALOG.items.get(line["graphql"] or "")
        if line["method"] != "GET" or resource is None or not asked.has(resource.shape.kind):
            continue
        if refusal(asked.table, line["operation"], asked.role) is not None or resource.shape.kind is None:
            continue
        listed = line["path"].removesuffix("/{id}")
        for id_ in await asked.some(resource.shape.kind, in_sight=True, most=1):
            item = (await asked.client.get(f"{listed}/{id_}")).json()
            page = (await asked.client.get(listed, params={"limit": "200"})).json()["items"]
            for rule in rules.get(resource.shape.name, ()):
                name = rule["field"]
                known = may_read(asked.table, resource.shape.name, name, asked.role)
                absent = "ABSENT" in rule["hiding"] and not known
                if (name not in item) is not absent:
                    wrong.append(f"{resource.shape.name}.{name} in one: {name in item}, may know it: {known}")
                hidden = "ABSENT" in rule["hiding"] and (rule["special"] or not known)
                if any((name not in row) is not hidden for row in page):
                    wrong.append(f"{resource.shape.name}.{name} in the list, special: {rule['special']}")
    return wrong


@pytest.mark.parametrize("name", NAMES)
async def test_status_rows_and_fields_are_those_of_the_table(stage: Stage, table: Table, name: str) -> None:
    asked = await begun(stage, table, name)
    assert await wrong_by_id(asked) == []
    await stage.worlds.restore()
    assert await wrong_in_lists(asked) == []
    assert await wrong_fields(asked) == []
    assert await wrong_in_graphql(asked) == []


def test_no_operation_on_rows_is_left_out(stage: Stage, table: Table) -> None:
    """Each stands in the table, and is asked here by id or as a list, or is one of `test_permissions` alone."""
    here: set[str] = set()
    elsewhere: set[str] = set()
    for line in table["operations"]:
        case = CASES.get((line["method"], line["path"]))
        resource = CATALOG.pages.get(line["graphql"] or "") if line["method"] == "GET" else None
        kind = case.kind if case is not None else resource.shape.kind if resource is not None else None
        asked_here = kind in TABLES and TABLES[kind] in stage.worlds.tables and line["credential"] == "bearer"
        (here if asked_here else elsewhere).add(line["operation"])
    assert {line["operation"] for line in table["operations"]} == here | elsewhere
    by_id = {
        line["operation"]
        for line in table["operations"]
        if line["path"] and "{id}" in line["path"] and line["credential"] == "bearer"
    }
    # What is by id and not here is national, or has a code for its id.
    left = by_id - here
    known = {line["operation"]: (line["method"], line["path"]) for line in table["operations"]}
    wrong = [
        operation
        for operation in left
        if CASES[known[operation]].kind is not None and CASES[known[operation]].kind not in NATIONAL
    ]
    assert wrong == []
    assert len(here) >= 35


# Several roles ------------------------------------------------------------------------------------------------------

PAIRS = [
    ({"role": "facilitator", "areas": [VILLAGE]}, {"role": "secretariat_manager", "areas": ["33.27"]}),
    ({"role": "puskesos_officer", "areas": [OTHER_REGENCY_VILLAGE]}, {"role": "supervisor", "areas": ["33.26.01"]}),
    ({"role": "social_office", "areas": ["33.26"]}, {"role": "province_office", "areas": ["33"]}),
    ({"role": "administrator", "areas": ["33.26"]}, {"role": "puskesos_coordinator", "areas": [VILLAGE]}),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(grant["role"] for grant in pair))
async def test_of_several_roles_one_acts_and_never_all(
    stage: Stage, table: Table, pair: tuple[dict[str, Any], ...]
) -> None:
    """With the role named the answers are those of a token of that role alone; unnamed or not held, all are refused."""
    await stage.worlds.restore()
    empty: dict[str, Any] = {"organization": None, "programs": []}
    grants = [{**empty, **grant} for grant in pair]
    scopes = frozenset(
        scope
        for line in table["roles"]
        if line["role"] in {grant["role"] for grant in pair}
        for scope in line["scopes"]
    )
    both = stage.api.as_(pair[0]["role"], grants=grants, scopes=scopes, subject="several roles")
    lists = [
        line["path"]
        for line in table["operations"]
        if line["method"] == "GET" and line["credential"] == "bearer" and "{" not in line["path"]
    ]
    urls = [*lists, *(f"/v1/{kind}/{id_}" for kind, id_ in _rows_of_both(stage))]
    for url in urls:
        unnamed = await both.get(url)
        assert (unnamed.status_code, code_of(unnamed)) == (400, "acting_role_required"), url
        foreign = await both.get(url, headers={"acting-role": "auditor"})
        assert (foreign.status_code, code_of(foreign)) == (403, "role_not_granted"), url
        for grant in grants:
            alone = stage.api.as_(grant["role"], grants=[grant], subject="several roles")
            named = await both.get(url, headers={"acting-role": grant["role"]})
            assert steady(named) == steady(await alone.get(url)), (url, grant["role"])


def _rows_of_both(stage: Stage) -> list[tuple[str, str]]:
    world = stage.scene.world
    kinds = {Kind.HOUSEHOLD: "households", Kind.CASE: "cases", Kind.COMPLAINT: "complaints", Kind.REFERRAL: "referrals"}
    return [(path, str(rows[kind])) for rows in (world.here, world.there) for kind, path in kinds.items()]


# Controls -----------------------------------------------------------------------------------------------------------


async def test_a_row_policy_taken_away_is_reported(stage: Stage, table: Table) -> None:
    asked = await begun(stage, table, "puskesos_officer")
    await stage.worlds.execute("ALTER TABLE complaints DISABLE ROW LEVEL SECURITY")
    try:
        assert any("out of sight: 200" in each for each in await wrong_by_id(asked))
        assert any(each.startswith("/v1/complaints: 200") for each in await wrong_in_lists(asked))
        assert any("complaint" in each for each in await wrong_in_graphql(asked))
    finally:
        await stage.worlds.execute("ALTER TABLE complaints ENABLE ROW LEVEL SECURITY")


async def test_a_table_that_says_otherwise_is_reported(stage: Stage, table: Table) -> None:
    asked = await begun(stage, table, "partner")
    changed = json.loads(json.dumps(table))
    for line in changed["operations"]:
        if line["operation"] == "get_referral":
            line["roles"] = [each for each in line["roles"] if each["role"] != "partner"]
            line["refused"].append({"role": "partner", "status": 404, "code": "not_found"})
    asked.table = changed
    assert any("get_referral" in each or "/v1/referrals/{id}'" in each for each in await wrong_by_id(asked))
