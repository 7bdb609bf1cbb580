"""Whatever a caller may not see may be anything: it changes no byte of any answer to that caller.

For each onlooker the same questions are asked in three worlds: as it is; with every row out of sight changed and as many
added; and with all of them gone. The questions come from the OpenAPI document and from GraphQL's catalog.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import hypothesis
import pytest
from tests.api import Api, household_body
from tests.domains.test_complaints import complaint_body
from tests.domains.test_referrals import NOTE
from tests.sizes import size
from tests.stage import (
    FLAGS,
    ONLOOKERS,
    SPECIAL,
    TOLD,
    Onlooker,
    Stage,
)
from tests.surfaces.test_graphql_parity import documents
from tests.surfaces.test_isolation import CASES, World, ask, steady
from tests.worlds import SECRET_COLUMNS

from slrt_api import graph
from slrt_api.cli import contracts
from slrt_api.graph.catalog import Resource
from slrt_api.households.codes import IdentityType
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import Field, Link

CATALOG = graph.schema().catalog
#: in no household at first; then of somebody out of sight
SEARCHED, REGISTERED = "9901014505880771", "9901014505880772"
_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FRESH = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z?"
    "|(?:KSS|KEL|RJK)-[0-9]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]"
    "|[0-9A-Z]{5}(?:-[0-9A-Z]{5}){3}"
)

# Questions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A request. `follow`: with all the pages after it."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    follow: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.url} {json.dumps(self.body)[:600] if self.body is not None else ''}"


Answer = tuple[tuple[int, list[tuple[str, str]], str], ...]


async def answered(client: httpx.AsyncClient, question: Question) -> Answer:
    """All that comes back, but for what changes with the time of asking."""
    found, url = [], question.url
    for _ in range(40):
        answer = await client.request(question.method, url, json=question.body, headers=dict(question.headers))
        found.append(_whole(answer))
        if not question.follow or "next" not in answer.links:
            return tuple(found)
        url = answer.links["next"]["url"]
    raise AssertionError(f"{question.url} has no last page")


def _whole(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    status, headers, text = steady(answer)
    if answer.request.url.path == "/graphql":
        told = answer.json()
        # Resolvers that fail at once fail in any order; each problem has the trace of its request.
        errors = [{**error, "extensions": {**error["extensions"], "trace_id": ""}} for error in told.get("errors", [])]
        told["errors"] = sorted(errors, key=json.dumps)
        text = json.dumps(told)
        headers = [(name, value) for name, value in headers if name != "content-length"]
    return status, headers, text


def _ids(known: Mapping[Kind, Sequence[str]], kind: Kind | None) -> Sequence[str]:
    return known.get(kind, ()) if kind is not None else ()


#: no filters; and those of accesses that `_steady` gives
_PAGING = {"limit", "cursor", "sort", "include", "include_total", "at_from", "at_to"}


def _steady(question: Question, at: str) -> Question:
    """The question, about what was there before anybody was asked: every question is itself recorded as an access."""
    if question.url.startswith("/v1/audit/accesses"):
        return replace(question, url=f"{question.url}{'&' if '?' in question.url else '?'}at_to={at}")
    if question.url == "/graphql":
        query = re.sub(r"(auditAccesses\()", rf'\1atTo: "{at}", ', question.body["query"])
        return replace(question, body=question.body | {"query": query})
    return question


def rest_questions(api: Api, known: Mapping[Kind, Sequence[str]], rng: random.Random) -> list[Question]:
    """Every GET of the document: lists by page, sort, filter, count and include; items, parts and histories by id."""
    found: list[Question] = []
    for path, operations in sorted(contracts.document()["paths"].items()):
        operation = operations.get("get")
        if operation is None:
            continue
        parameters = {each["name"]: each for each in operation.get("parameters", ())}
        urls = [path]
        if "{" in path:
            case = CASES["GET", path]
            places = _ids(known, case.kind) if case.kind is not None else ["33.26.01", "HEALTH_INSURANCE", "case"]
            urls = [re.sub(r"\{[a-z_]+\}", str(place), path) for place in places]
        # What everybody may keep is the same for everybody: its first page is enough.
        follow = "If-None-Match" not in parameters
        for number, url in enumerate(urls):
            found.append(Question("GET", url))
            queries = [
                Question("GET", f"{url}?{urlencode(query)}", follow=follow) for query in _queries(parameters, rng)
            ]
            # Of further ids a few: what is asked of each of them is the same.
            found += queries if number == 0 else rng.sample(queries, min(len(queries), size(1, 8)))
    return found


def _queries(parameters: Mapping[str, Any], rng: random.Random) -> list[dict[str, str]]:
    """Query strings of one operation, each parameter at least once."""
    found: list[dict[str, str]] = []
    if "include" in parameters:
        allowed = re.findall(r"[a-z_]+(?:\\?\.[a-z_]+)*", parameters["include"]["schema"]["pattern"])
        paths = sorted({name.replace("\\", "") for name in allowed})
        top = [path for path in paths if "." not in path]
        deep = [path for path in paths if "." in path]
        found += [{"include": path} for path in top]
        found += [{"include": path} for path in rng.sample(deep, min(len(deep), size(3, 30)))]
    if "cursor" not in parameters:
        return found
    found = [{**query, "limit": "200"} for query in found]
    found.append({"limit": "2", "include_total": "true"})
    orders = parameters["sort"]["schema"].get("enum", [])
    found += [{"limit": "50", "sort": order} for order in rng.sample(orders, min(len(orders), size(2, 20)))]
    for name, parameter in parameters.items():
        # Of accesses, what is asked of them all: see `_steady`.
        if (
            parameter["in"] != "query"
            or name in {"at_from", "at_to"}
            or name in {"limit", "cursor", "sort", "include", "include_total"}
        ):
            continue
        values = {str(each) for each in parameter["schema"].get("examples", ())[:1]}
        if name == "area_code":
            values = {"33.26.01.2001", "33.26.02", "33.27", "33"}
        elif "updated" in name:
            values = {"2026-01-01T00:00:00Z"}
        elif name in {"status", "nature", "category", "state"}:
            listed = parameter["schema"]["pattern"].partition("(")[2].partition(")")[0].split("|")
            values = set(rng.sample(listed, min(3, len(listed))))
        found += [{name: value, "include_total": "true"} for value in sorted(values)]
    return found


def _fields(resource: Resource, role: str, *, listed: bool) -> str:
    """All fields but those whose very name would be refused there."""
    return " ".join(
        name
        for name, member in resource.members.items()
        if isinstance(member, Field) and not member.withheld_from(role, listed=listed)
    )


def _node(resource: Resource, role: str) -> str:
    """Every field, and of each link what is one step away."""
    parts = [_fields(resource, role, listed=False)]
    for name, member in resource.members.items():
        if isinstance(member, Link):
            inner = _fields(CATALOG.by_shape[member.to], role, listed=member.paged)
            paged = f"{name}(first: 20) {{ totalCount edges {{ cursor node {{ {inner} }} }} }}"
            parts.append(paged if member.paged else f"{name} {{ {inner} }}")
    return " ".join(parts)


def graph_questions(known: Mapping[Kind, Sequence[str]], role: str, rng: random.Random) -> list[Question]:
    """Every root field: connections from both ends with their counts, resources by id, and nodes; and random documents."""
    queries: list[tuple[str, dict[str, Any]]] = []
    for name, resource in sorted(CATALOG.pages.items()):
        info = "totalCount totalIsExact pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        shown = _fields(resource, role, listed=True)
        queries.append((f"{{ {name}(first: 20) {{ {info} edges {{ cursor node {{ {shown} }} }} }} }}", {}))
        order = f", sort: {rng.choice(sorted(resource.sorts))}"
        queries.append((f"{{ {name}(last: 3{order}) {{ {info} edges {{ cursor }} }} }}", {}))
    for name, resource in sorted(CATALOG.items.items()):
        for id_ in _ids(known, resource.shape.kind):
            texts = (_node(resource, role), _fields(resource, role, listed=False))
            queries += [(f"query($id: ID!) {{ {name}(id: $id) {{ {text} }} }}", {"id": id_}) for text in texts]
            if resource.node:
                queries.append(("query($id: ID!) { node(id: $id) { __typename id } }", {"id": id_}))
    types = {resource.name: kind for kind, resource in CATALOG.by_kind.items()}
    for text, ids, values in _random_documents(rng):
        named = {
            name: rng.choice(_ids(known, types.get(type_)) or ["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"])
            for name, type_, _ in ids
        }
        queries.append((text, values | named))
    return [
        Question("POST", "/graphql", {"query": query, "variables": variables}, {"accept-language": "en"})
        for query, variables in queries
    ]


def _random_documents(rng: random.Random) -> list[Any]:
    """Documents as the parity of both executors is tested with."""
    drawn: list[Any] = []

    @hypothesis.seed(rng.getrandbits(32))
    @hypothesis.settings(
        max_examples=size(5, 300),
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(documents())
    def draw(document: Any) -> None:
        drawn.append(document)

    draw()
    return drawn


def searches() -> list[Question]:
    """Looking people up: by a number of the village, and by one that only the second world has, out of sight."""
    return [
        Question("POST", "/v1/persons/search", {"nik": nik, "purpose": "CASE_INTAKE"})
        for nik in ("9901014505880003", SEARCHED)
    ]


async def refused_writes(
    client: httpx.AsyncClient, hidden: Mapping[Kind, Sequence[str]], world: World
) -> dict[str, Answer]:
    """Every write on ids out of sight."""
    found: dict[str, Answer] = {}
    for route, case in CASES.items():
        if route[0] in {"GET", "PUT"}:
            continue
        for id_ in _ids(hidden, case.kind)[: size(1, 2)]:
            answer = await ask(client, route, case, id_, world.here)
            found[f"{route} {id_}"] = (steady(answer),)
    return found


def _fresh(answer: httpx.Response) -> str:
    """An answer to a write, without what is new each time: ids, instants, numbers and secrets."""
    status, headers, text = steady(answer)
    whole = json.dumps([status, [each for each in headers if each[0] != "content-length"], text])
    seen: dict[str, str] = {}
    numbered = _UUID.sub(lambda match: seen.setdefault(match[0], f"id {len(seen)}"), whole)
    return _FRESH.sub("new", numbered)


def writes(household: str | None) -> list[tuple[str, Any]]:
    """Acts that take effect where the caller may ask for them."""
    members = [{"name": "Siti Aminah", "nik": REGISTERED, "birth_date": "1988-05-05", "sex": "F", "relation": "HEAD"}]
    found: list[tuple[str, Any]] = [
        ("/v1/households", household_body(members=members)),
        ("/v1/complaints", complaint_body()),
    ]
    if household is not None:
        found += [("/v1/registry/checks", {"household_id": household}), ("/v1/cases", {"household_id": household})]
    return found


# The comparison -----------------------------------------------------------------------------------------------------


@dataclass
class Asking:
    """One onlooker with its questions."""

    stage: Stage
    onlooker: Onlooker
    client: httpx.AsyncClient
    questions: list[Question]
    hidden: dict[Kind, list[str]]
    household: str | None

    async def answers(self) -> dict[str, Answer]:
        found = {str(question): await answered(self.client, question) for question in self.questions}
        return found | await refused_writes(self.client, self.hidden, self.stage.scene.world)


async def asking(stage: Stage, onlooker: Onlooker, rng: random.Random) -> Asking:
    """The questions of an onlooker: about rows in sight and rows out of sight alike."""
    tables = {
        Kind.HOUSEHOLD: "households",
        Kind.PERSON: "persons",
        Kind.CIVIL_CHECK: "civil_checks",
        Kind.ATTACHMENT: "attachments",
        Kind.CASE: "cases",
        Kind.NEED: "needs",
        Kind.COMPLAINT: "complaints",
        Kind.REFERRAL: "referrals",
        Kind.SNAPSHOT: "registry_snapshots",
        Kind.ASSESSMENT: "assessments",
        Kind.ACCESS: "accesses",
        Kind.ENROLLMENT: "enrollments",
        Kind.ENROLLMENT_LIST: "enrollment_lists",
        Kind.VARIANT_CHOICE: "variant_choices",
        Kind.ROUTING_POLICY: "routing_policies",
        Kind.ELIGIBILITY_CHECK: "eligibility_checks",
        Kind.ELIGIBILITY_REVIEW: "eligibility_reviews",
        Kind.LINEAGE: "lineage",
        Kind.DUPLICATE: "duplicates",
        Kind.DUPLICATE_RUN: "duplicate_runs",
        Kind.SCREENING: "screenings",
        Kind.FAMILY_PLAN: "family_plans",
        Kind.CASE_MERGE: "case_merges",
        Kind.SEALED_ACCESS: "sealed_accesses",
    }
    known: dict[Kind, list[str]] = {}
    hidden: dict[Kind, list[str]] = {}
    household = None
    for kind, table in tables.items():
        hidden_here = stage.worlds.hidden(onlooker.sees)[table]
        # Those in sight first: of the first one all is asked.
        for condition, most in ((f"NOT ({hidden_here})", size(2, 5)), (hidden_here, 3)):
            rows = await stage.worlds.fetch(f"SELECT id FROM {table} WHERE {condition} ORDER BY id")
            ids = [str(row["id"]) for row in rng.sample(rows, min(len(rows), most))]
            known.setdefault(kind, []).extend(ids)
            if condition is hidden_here:
                hidden[kind] = ids
            elif kind is Kind.HOUSEHOLD and ids:
                household = ids[0]
    for kind in (Kind.RULE_VERSION, Kind.ESCALATION_LADDER):
        known[kind] = [str(stage.scene.world.here[kind])]
    known[Kind.ORGANIZATION], known[Kind.PROGRAM] = list(stage.scene.organizations), list(stage.scene.programs)
    if onlooker.receipt is not None:
        receipt, secret = onlooker.receipt
        headers = {"authorization": f"Receipt {secret}"}
        questions = [Question("GET", f"/v1/public/complaints/{receipt}", headers=headers)]
    else:
        questions = [*rest_questions(stage.api, known, rng), *graph_questions(known, onlooker.role, rng)]
        questions = [_steady(question, stage.scene.at) for question in questions]
        # Another part of them for each onlooker, so that together they ask all.
        # What is in every part: the lists in which most that changes would be seen.
        lists = [Question("GET", f"/v1/{plural}") for plural in ("referrals", "complaints", "cases")]
        questions = [*rng.sample(questions, size(len(questions) // 16, len(questions))), *searches(), *lists]
    return Asking(stage, onlooker, onlooker.client(stage.api), questions, hidden, household)


def differing(first: Mapping[str, Answer], second: Mapping[str, Answer]) -> list[str]:
    """What was answered otherwise, by question."""
    assert first.keys() == second.keys()
    return [
        f"{question}\n   {str(first[question])[:1500]}\n   {str(second[question])[:1500]}"
        for question in first
        if first[question] != second[question]
    ]


async def kind_of_scope(stage: Stage, onlooker: Onlooker) -> str:
    if onlooker.receipt is not None:
        return "slrt_public"
    act = await stage.api.app.state.service.act_of(f"Bearer {stage.api.token(onlooker.role, **onlooker.claims)}", None)
    return str(act.actor.rows.kind.value)


def out_of_sight(stage: Stage, onlooker: Onlooker) -> dict[str, str]:
    """Condition of the rows that the onlooker may not see, by table."""
    # The onlooker's own repeated requests are answered from those that came later.
    kept = {"idempotent_answers": "key_digest IN (SELECT key_digest FROM saved.idempotent_answers)"}
    return stage.worlds.hidden(onlooker.sees) | kept


async def second_world(stage: Stage, onlooker: Onlooker, rng: random.Random, share: float) -> None:
    """Change everything out of sight and add as much; what is encrypted in sight changes too."""
    worlds = stage.worlds
    where = out_of_sight(stage, onlooker)
    keep = await worlds.decisive(await kind_of_scope(stage, onlooker))
    inserted = await worlds.insert(where, rng)
    changed = await worlds.change(where, rng=rng, share=share, keep=keep)
    # Otherwise nothing was tried.
    assert sum(changed.rows.values()) > 100, changed
    assert len(changed.columns) > 100 * share, changed
    assert sum(inserted.inserted.values()) > 50, inserted
    # What checks bind to other columns (a status to its instant) stays in the copies: few of all.
    assert len(changed.refused) < len(changed.columns) / 10, (changed.refused, len(changed.columns))
    for (table, column), condition in (
        (("identities", "ciphertext"), "true"),
        (("receipt_secrets", "secret_hash"), where["receipt_secrets"]),
    ):
        assert (table, column) in SECRET_COLUMNS
        await worlds.execute(f"UPDATE {table} SET {column} = sha256({column}) WHERE {condition}")
    keyring = stage.api.app.state.service.platform.keyring
    for number, nik in enumerate((SEARCHED, REGISTERED)):
        await worlds.execute(
            f"UPDATE identities SET blind_index = $1, type = 'NIK' WHERE {where['identities']} AND id IN ("
            f"SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM identities WHERE {where['identities']}) o"
            f" WHERE n % 2 = {number})",
            keyring.blind_index(IdentityType.NIK.value, nik),
        )


async def begun(stage: Stage, name: str, seed: object) -> tuple[Asking, random.Random]:
    """An onlooker before the world as it is. `seed` is printed: it draws the questions and the changes."""
    print(f"seed: {seed!r}")
    rng = random.Random(str(seed))
    await stage.worlds.restore()
    return await asking(stage, ONLOOKERS[name](stage.scene), rng), rng


@pytest.mark.parametrize("number", range(size(1, 3)))
@pytest.mark.parametrize("name", ONLOOKERS)
async def test_what_is_out_of_sight_changes_no_byte(stage: Stage, name: str, number: int) -> None:
    asked, rng = await begun(stage, name, (name, number))
    onlooker, worlds = asked.onlooker, stage.worlds
    keys = {path: str(uuid4()) for path, _ in writes(asked.household)}

    async def written(keys: Mapping[str, str]) -> dict[str, httpx.Response]:
        if onlooker.receipt is not None:
            return {}
        return {
            path: await asked.client.post(path, json=body, headers={"idempotency-key": keys[path]})
            for path, body in writes(asked.household)
        }

    first_written = await written(keys)
    first = await asked.answers()
    # Questions that are all refused would be answered alike in any world.
    answered_well = sum(answer[0][0] == 200 for answer in first.values())
    assert answered_well >= (size(5, 25) if onlooker.receipt is None else 1), answered_well
    await worlds.save("before")
    # All columns in the first round: nothing can hide what another one would show.
    await second_world(stage, onlooker, rng, 1.0 if number == 0 else rng.uniform(0.1, 0.9))
    assert differing(first, await asked.answers()) == []
    for path, replay in (await written(keys)).items():
        before = first_written[path]
        if before.status_code == 200:
            # It only read, and says when: nothing was kept that could be repeated.
            continue
        assert (replay.status_code, _without_trace(replay)) == (before.status_code, _without_trace(before)), path
        assert (replay.headers.get("idempotency-replayed") == "true") is (before.status_code < 300)
    anew = await written({path: str(uuid4()) for path in keys})
    assert {path: _fresh(answer) for path, answer in anew.items()} == {
        path: _fresh(answer) for path, answer in first_written.items()
    }
    await worlds.restore("before")
    gone = await worlds.delete(out_of_sight(stage, onlooker))
    assert sum(gone.deleted.values()) > 50, gone
    assert differing(first, await asked.answers()) == []


def _without_trace(answer: httpx.Response) -> bytes:
    return re.sub(rb'"trace_id":"[0-9a-f]+"', b"", answer.content)


#: who may read special data of one resource, though nobody of a list
READERS = {"puskesos_officer", "secretariat_manager", "social_office"}


async def other_special_data(stage: Stage) -> None:
    """Special data become others, wherever they stand; also the texts that only those read who work on the case."""
    worlds = stage.worlds
    await worlds.execute(
        f"UPDATE needs SET note = '{TOLD[1]}', need = CASE need WHEN '{SPECIAL[0]}' THEN '{SPECIAL[1]}' ELSE need END"
    )
    await worlds.execute(
        f"UPDATE direct_services SET service = '{SPECIAL[1]}', evidence = '{TOLD[1]}' WHERE service = '{SPECIAL[0]}'"
    )
    await worlds.execute(f"UPDATE assessments SET summary = '{TOLD[1]}', answers = '{{\"304\": 1}}'")
    await worlds.execute(
        f"UPDATE complaints SET severity_flags = array_replace(severity_flags, '{FLAGS[0]}', '{FLAGS[1]}')"
    )
    for first, second in ((NOTE, TOLD[1]), ('"summary": "B"', f'"summary": "{TOLD[1]}"')):
        await worlds.execute("UPDATE revisions SET values = replace(values::text, $1, $2)::jsonb", first, second)


@pytest.mark.parametrize("name", ["facilitator", "program_manager", "partner", "province_office", *sorted(READERS)])
async def test_special_data_change_no_byte_where_they_are_not_shown(stage: Stage, name: str) -> None:
    asked, _ = await begun(stage, name, f"special {name}")
    if name in READERS:
        # The history of one resource is for whoever reads the resource.
        lists = [each for each in asked.questions if "limit=" in each.url and "history" not in each.url]
        asked.questions = lists + [each for each in asked.questions if _is_page(each)]
    first = await asked.answers()
    await other_special_data(stage)
    assert differing(first, await asked.answers()) == []


def _is_page(question: Question) -> bool:
    return question.url == "/graphql" and str(question.body["query"]).startswith("{ ")


async def test_special_data_are_noticed_by_those_who_read_them(stage: Stage) -> None:
    """The control of the test above."""
    await stage.worlds.restore()
    client = stage.api.as_("puskesos_officer")
    urls = [f"/v1/cases/{stage.scene.world.here[Kind.CASE]}?include=assessments,services,needs,history"]
    urls.append(f"/v1/complaints/{stage.scene.world.here[Kind.COMPLAINT]}")
    first = {url: await answered(client, Question("GET", url)) for url in urls}
    assert {answer[0][0] for answer in first.values()} == {200}
    await other_special_data(stage)
    second = {url: await answered(client, Question("GET", url)) for url in urls}
    assert len(differing(first, second)) == 2


@pytest.mark.parametrize(
    "name", ["facilitator", "secretariat_manager", "auditor", "partner", "program_manager", "citizen", "public"]
)
async def test_a_change_in_sight_is_noticed(stage: Stage, name: str) -> None:
    """The control of the comparison."""
    asked, rng = await begun(stage, name, name)
    first = await asked.answers()
    keep = await stage.worlds.decisive(await kind_of_scope(stage, asked.onlooker))
    seen = {
        table: condition
        for table, condition in asked.onlooker.sees.items()
        if table in {"referrals", "complaints", "cases"}
    }
    changed = await stage.worlds.change(seen, rng=rng, share=1.0, keep=keep)
    assert sum(changed.rows.values()) > 0
    assert len(differing(first, await asked.answers())) > 0


@pytest.mark.parametrize("table", ["households", "complaints", "cases"])
async def test_without_its_row_policy_a_table_is_noticed(stage: Stage, table: str) -> None:
    """The control of the second world: what is out of sight comes into sight with the wall gone."""
    asked, rng = await begun(stage, "puskesos_officer", table)
    await stage.worlds.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    try:
        first = await asked.answers()
        await second_world(stage, asked.onlooker, rng, 1.0)
        assert len(differing(first, await asked.answers())) > 0
    finally:
        await stage.worlds.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
