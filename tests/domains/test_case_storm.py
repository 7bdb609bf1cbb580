"""Eight clients at once on few cases, each doing whatever comes to its mind; then everything is replayed through the table.

No step that the table does not know, none lost, none twice; every chain of events exact. Without the lock of the row it breaks.
"""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.api import Api
from tests.domains.test_cases import household, opened
from tests.sizes import size

from slrt_api.cases.service.transition import EVENTS
from slrt_api.runtime import events
from slrt_api.runtime.transaction import Transaction

CLIENTS = 8
CASES = 3
ROLES = ("puskesos_officer", "puskesos_coordinator", "secretariat_manager", "supervisor")
OUTCOMES = (None, "CLOSED_HANDLED", "CLOSED_SELF_RELIANT", "CLOSED_UNFOUNDED", "DECEASED", "NOT_COMPETENT")
ACTIONS = {event: action.value for action, event in EVENTS.items()}


@dataclass
class Storm:
    """What the clients were answered. `accepted`: case and version -> the action that led to it."""

    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: dict[tuple[str, int], str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


async def one(client: httpx.AsyncClient, case_id: str, others: list[str], rng: random.Random, storm: Storm) -> None:
    """Look, think of something, do it."""
    url = f"/v1/cases/{case_id}"
    seen = await client.get(url)
    if seen.status_code == 503:
        return
    shown = seen.json()
    allowed = shown["allowed_actions"]
    action = rng.choice(allowed if allowed and rng.random() < 0.8 else sorted(ACTIONS.values()))
    body: dict[str, Any] = {"action": action, "reason": "Uji"}
    if action == "CLOSE":
        body["outcome"] = rng.choice(OUTCOMES)
    if action == "MERGE":
        body["into"] = rng.choice(others)
    if action == "TRANSFER":
        body["area_code"] = "33.27"
    try:
        answer = await client.post(f"{url}/transitions", json=body, headers={"if-match": f'"{shown["version"]}"'})
    except Exception as error:
        storm.wrong.append(f"{action}: {type(error).__name__}")
        return
    storm.statuses[answer.status_code] += 1
    if answer.status_code == 200:
        key = case_id, answer.json()["version"]
        if key in storm.accepted:
            storm.wrong.append(f"{action} and {storm.accepted[key]} both made version {key[1]}")
        storm.accepted[key] = action
    elif answer.status_code >= 500 and answer.status_code != 503:
        storm.wrong.append(f"{action}: {answer.status_code}")


async def rage(api: Api, operations: int, seed: int) -> tuple[Storm, list[str]]:
    family = await household(api)
    cases = [(await opened(api, family))["id"] for _ in range(CASES)]
    storm = Storm()

    async def client(number: int) -> None:
        rng = random.Random(seed * 100 + number)
        mine = api.as_(ROLES[number % len(ROLES)], subject=f"storm {number}")
        while storm.operations < operations:
            storm.operations += 1
            case_id = rng.choice(cases)
            await one(mine, case_id, [each for each in cases if each != case_id], rng, storm)

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return storm, cases


async def replayed(api: Api, owner: asyncpg.Connection, storm: Storm, cases: list[str]) -> list[str]:
    """What is wrong with the history of the cases, told through the published table."""
    table = (await api.anonymous.get("/v1/meta/lifecycles/case")).json()
    lines = {(line["from"], line["action"], line["to"]) for line in table["transitions"]}
    wrong = list(storm.wrong)
    for case_id in cases:
        rows = await owner.fetch(
            "SELECT e.sequence, e.type, e.body, e.hash, r.values FROM events e JOIN revisions r USING (regency, aggregate_id,"
            " sequence) WHERE e.aggregate_id = $1 ORDER BY e.sequence",
            UUID(case_id),
        )
        status, previous = "REGISTERED", events.GENESIS
        for number, row in enumerate(rows, 1):
            told = json.loads(row["body"])
            if (
                row["sequence"] != number
                or told["previous"] != previous.hex()
                or events.leaf(row["body"]) != row["hash"]
            ):
                wrong.append(f"{case_id} {number}: the chain is broken")
            previous = row["hash"]
            changed = json.loads(row["values"])["changes"].get("status")
            action = ACTIONS.get(row["type"].partition(".")[2])
            if action is None or number == 1:
                continue
            if changed is None or changed["before"] != status or (status, action, changed["after"]) not in lines:
                wrong.append(f"{case_id} {number}: {status} {action} {changed}")
            if storm.accepted.pop((case_id, number), None) != action:
                wrong.append(f"{case_id} {number}: {action} was answered to nobody")
            status = changed["after"] if changed else status
        last = await owner.fetchrow("SELECT status, version FROM cases WHERE id = $1", UUID(case_id))
        assert last is not None
        if tuple(last) != (status, len(rows)):
            wrong.append(f"{case_id}: is {last['status']} {last['version']}, its history ends {status} {len(rows)}")
    return wrong + [f"{key} {action}: acknowledged and lost" for key, action in storm.accepted.items()]


async def test_nothing_illegal_happens_and_nothing_is_lost(api: Api, owner: asyncpg.Connection) -> None:
    wanted = size(120, 100_000)
    done, round_ = 0, 0
    while done < wanted:
        # Cases end: new ones after some hundred operations.
        storm, cases = await rage(api, min(240, wanted - done), round_)
        done, round_ = done + storm.operations, round_ + 1
        accepted = len(storm.accepted)
        assert await replayed(api, owner, storm, cases) == []
        assert accepted > 0
        # Several wanted the same version: that is what this is about.
        assert storm.statuses[412] > 0
    print(f"{done} operations in {round_} rounds")


async def test_without_the_lock_it_is_found(
    api: Api, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the row is read without its lock, and the same replay finds what that does."""
    locked = Transaction._row

    async def unlocked(self: Transaction, model: Any, id_: UUID, suffix: str) -> Any:
        row = await locked(self, model, id_, "")
        await asyncio.sleep(0.01)
        return row

    monkeypatch.setattr(Transaction, "_row", unlocked)
    for seed in range(20):
        storm, cases = await rage(api, 80, 1_000 + seed)
        if await replayed(api, owner, storm, cases):
            return
    pytest.fail("no lock, and nothing was found")
