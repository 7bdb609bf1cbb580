"""Every state, action, role and guard of a case, by REST and by GraphQL, against the table that the service publishes.

The table is read as a stranger would read it: from `GET /v1/meta/lifecycles/case`, its guards as the words they are told in.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.api import Api
from tests.domains.test_cases import household
from tests.sizes import size

from slrt_api.access.scopes import Role
from slrt_api.kernel.ids import Kind, new_id

Row = Mapping[str, Any]

#: what a case may be like, by what guards ask: all well, and one thing after the other that is not
SITUATIONS: Mapping[str, Row] = {
    "all well": {},
    "not assessed": {"assessed": False},
    "no need": {"need_count": 0, "open_needs": 0, "referred_needs": 0},
    "a need is open": {"open_needs": 1},
    "a referral runs": {"open_needs": 1, "referred_needs": 1},
    "a task is open": {"open_tasks": 1},
    "recommended by the caller": {"recommended_by": "CALLER"},
    "nobody knows who recommended": {"recommended_by": None},
    "gone to another regency": {"successor_id": new_id(Kind.CASE, 3327)},
    "the window is over": {"reopen_until": "2026-01-01T00:00:00Z"},
}
WELL: Row = {
    "assessed": True,
    "need_count": 1,
    "open_needs": 0,
    "referred_needs": 0,
    "open_tasks": 0,
    "recommended_by": "somebody else",
    "successor_id": None,
    "reopen_until": "2999-01-01T00:00:00Z",
}
MUTATION = """
mutation ($input: CasesTransitionInput!) { casesTransition(input: $input) { case { status version } } }
"""
_RESET = """
UPDATE cases SET status = $2, assessed = $3, need_count = $4, open_needs = $5, referred_needs = $6, open_tasks = $7,
    recommended_by = $8, successor_id = $9, reopen_until = $10::text::timestamptz, emergency = true, closed_at = NULL,
    merged_into = NULL, offered_to = NULL
WHERE id = $1 RETURNING version
"""


@dataclass(frozen=True)
class Ask:
    """One question: may this role do this to a case that stands there and is like that?"""

    state: str
    action: str
    outcome: str | None
    role: Role
    situation: str

    def row(self, subject: str) -> dict[str, Any]:
        row = {**WELL, **SITUATIONS[self.situation]}
        if row["recommended_by"] == "CALLER":
            row["recommended_by"] = subject
        return row


def holds(guard: str | None, row: Row, subject: str) -> bool:
    """Whether the words of a guard are true of the row; what is not known is not."""
    for part in (guard or "").split(" and ") if guard else []:
        known = re.fullmatch(r"not \((\w+) is known\)", part)
        compared = re.fullmatch(r"(\w+) (=|<>|>=) (.+)", part)
        if known:
            if row[known[1]] is not None:
                return False
            continue
        assert compared is not None, part
        name, symbol, told = compared.groups()
        left = row["reopen_until"] > "2026-11" if name == "reopenable" else row[name]
        right: Any = subject if told == "actor.subject" else json.loads(told)
        if (
            left is None
            or not {"=": left == right, "<>": left != right, ">=": symbol == ">=" and left >= right}[symbol]
        ):
            return False
    return True


def expected(table: Any, ask: Ask, subject: str) -> str | None:
    """Where it leads, or None where it is refused."""
    lines = [each for each in table["transitions"] if (each["from"], each["action"]) == (ask.state, ask.action)]
    targets = {each["to"] for each in lines}
    if ask.outcome is None and len(targets) > 1:
        return None
    row = ask.row(subject)
    for line in lines:
        wanted = ask.outcome in {None, line["to"]}
        if wanted and ask.role.value in line["roles"] and holds(line["guard"], row, subject):
            return str(line["to"])
    return None


def everything(table: Any) -> list[Ask]:
    states = [state["code"] for state in table["states"]]
    ways = sorted(
        {(line["action"], line["to"] if line["action"] == "CLOSE" else None) for line in table["transitions"]}
    )
    ways.append(("CLOSE", None))
    return [
        Ask(state, action, outcome, role, situation)
        for state, (action, outcome), role, situation in product(states, ways, Role, SITUATIONS)
    ]


def sample(table: Any) -> list[Ask]:
    """All of them; in short, a few of those that are allowed, of those that a guard refuses, and of all others."""
    asks = everything(table)
    rng = random.Random(20261130)
    subject = "anybody"
    allowed = [ask for ask in asks if expected(table, ask, subject) is not None]
    well = {(a.state, a.action, a.outcome, a.role) for a in allowed if a.situation == "all well"}
    guarded = [
        ask
        for ask in asks
        if (ask.state, ask.action, ask.outcome, ask.role) in well and expected(table, ask, subject) is None
    ]
    count = size(12, len(asks))
    if count >= len(asks):
        return asks
    return [*rng.sample(allowed, count), *rng.sample(guarded, count), *rng.sample(asks, count)]


def body(ask: Ask, other: str) -> dict[str, Any]:
    found: dict[str, Any] = {"action": ask.action, "reason": "Uji"}
    if ask.outcome is not None:
        found["outcome"] = ask.outcome
    if ask.action == "MERGE":
        found["into"] = other
    if ask.action == "TRANSFER":
        found["area_code"] = "33.27"
    return found


def client_of(api: Api, role: Role) -> httpx.AsyncClient:
    claims: dict[str, Any] = {}
    if role is Role.PARTNER:
        claims = {"organization": new_id(Kind.ORGANIZATION, 0)}
    if role is Role.PROGRAM_MANAGER:
        claims = {"programs": [new_id(Kind.PROGRAM, 0)], "area": "33.26"}
    if role in {Role.INTEGRATOR, Role.ADMINISTRATOR}:
        claims = {"area": "33.26"}
    return api.as_(role.value, subject=f"{role.value} of the table", **claims)


async def stand(owner: asyncpg.Connection, case_id: UUID, ask: Ask, subject: str) -> int:
    """Let the case stand there and be like that. Returns its version."""
    for table in ("case_tasks", "case_merges", "clocks"):
        column = "aggregate_id" if table == "clocks" else "case_id"
        await owner.execute(f"DELETE FROM {table} WHERE {column} = $1", case_id)
    row = ask.row(subject)
    version: int = await owner.fetchval(_RESET, case_id, ask.state, *(row[name] for name in WELL))
    return version


async def by_rest(
    client: httpx.AsyncClient, case_id: str, version: int, asked: dict[str, Any]
) -> tuple[int, str | None]:
    answer = await client.post(f"/v1/cases/{case_id}/transitions", json=asked, headers={"if-match": f'"{version}"'})
    return answer.status_code, answer.json().get("status") if answer.status_code == 200 else None


async def by_graphql(
    client: httpx.AsyncClient, case_id: str, version: int, asked: dict[str, Any]
) -> tuple[int, str | None]:
    members = {"id": case_id, "expectedVersion": version, **asked}
    if "area_code" in members:
        members["areaCode"] = members.pop("area_code")
    answer = await client.post("/graphql", json={"query": MUTATION, "variables": {"input": members}})
    told = answer.json()
    if "errors" in told:
        return int(told["errors"][0]["extensions"].get("status", 400)), None
    return 200, told["data"]["casesTransition"]["case"]["status"]


@pytest.mark.parametrize("surface", [by_rest, by_graphql])
async def test_every_step_is_as_the_published_table_says(api: Api, owner: asyncpg.Connection, surface: Any) -> None:
    table = (await api.anonymous.get("/v1/meta/lifecycles/case")).json()
    family = await household(api)
    opening = {"household_id": family["id"]}
    officer = api.as_("puskesos_officer")
    case, other = [(await officer.post("/v1/cases", json=opening)).json()["id"] for _ in range(2)]
    wrong: list[str] = []
    accepted = refused = 0
    for ask in sample(table):
        client = client_of(api, ask.role)
        subject = f"http://api.test#{ask.role.value} of the table"
        version = await stand(owner, UUID(case), ask, subject)
        leads = expected(table, ask, subject)
        status, reached = await surface(client, case, version, body(ask, other))
        after = await owner.fetchrow("SELECT status, version FROM cases WHERE id = $1", UUID(case))
        assert after is not None
        if leads is None:
            refused += 1
            if status < 400 or status >= 500 or tuple(after) != (ask.state, version):
                wrong.append(f"{ask}: was let pass: {status} {reached}")
        else:
            accepted += 1
            if (status, reached, after["status"]) != (200, leads, leads) or after["version"] != version + 1:
                wrong.append(f"{ask}: {status} {reached}, expected {leads}")
    print(f"{surface.__name__}: {accepted} accepted, {refused} refused")
    assert wrong == []
    assert min(accepted, refused) > 0


async def test_what_is_shown_as_allowed_is_what_the_published_table_says(api: Api, owner: asyncpg.Connection) -> None:
    table = (await api.anonymous.get("/v1/meta/lifecycles/case")).json()
    family = await household(api)
    case = (await api.as_("puskesos_officer").post("/v1/cases", json={"household_id": family["id"]})).json()["id"]
    states = [state["code"] for state in table["states"]]
    readers = [Role.PUSKESOS_OFFICER, Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.AUDITOR, Role.FACILITATOR]
    rng = random.Random(1130)
    every = list(product(states, SITUATIONS, readers))
    for state, situation, role in rng.sample(every, size(60, len(every))):
        subject = f"http://api.test#{role.value} of the table"
        await stand(owner, UUID(case), Ask(state, "VERIFY", None, role, situation), subject)
        shown = (await client_of(api, role).get(f"/v1/cases/{case}")).json()["allowed_actions"]
        row = Ask(state, "VERIFY", None, role, situation).row(subject)
        told = {
            line["action"]
            for line in table["transitions"]
            if line["from"] == state and role.value in line["roles"] and holds(line["guard"], row, subject)
        }
        assert set(shown) == told, (state, situation, role)


def test_the_reader_of_guards_refuses_what_does_not_hold() -> None:
    """The control: the oracle of this module is no rubber stamp."""
    assert holds("open_needs = 0 and open_tasks = 0", WELL, "me")
    assert not holds("open_needs = 0 and open_tasks = 0", {**WELL, "open_tasks": 1}, "me")
    assert not holds("recommended_by <> actor.subject", {**WELL, "recommended_by": "me"}, "me")
    assert not holds("recommended_by <> actor.subject", {**WELL, "recommended_by": None}, "me")
    assert not holds("reopenable = true", {**WELL, "reopen_until": "2026-01-01T00:00:00Z"}, "me")
