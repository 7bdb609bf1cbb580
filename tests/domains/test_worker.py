"""The worker's jobs on a real database: exactly once by any number of workers, and nothing lost when one dies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from tests.api import VILLAGE, Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_complaints import clock, complaint_body, filed
from tests.sizes import size

from slrt_api import worker
from slrt_api.flows import upkeep
from slrt_api.kernel.errors import Forbidden, Unavailable
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings
from slrt_api.worker import Job

PAST = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
KEYRING = Keyring({"test": bytes(range(32))}, bytes(range(32, 64)))


@asynccontextmanager
async def connected(database: MigratedDatabase) -> AsyncIterator[Platform]:
    """What one worker process shares."""
    pools = await Database.connect(database.api_url, Settings())
    try:
        yield Platform(pools, Reads(KEYRING), KEYRING, AccessLog(pools), lambda *_: None)
    finally:
        await pools.close()


@pytest_asyncio.fixture
async def platform(database: MigratedDatabase) -> AsyncIterator[Platform]:
    async with connected(database) as one:
        yield one


def at(platform: Platform, now: datetime) -> Platform:
    return replace(platform, clock=lambda: now)


async def due(owner: asyncpg.Connection, *complaints: str, when: datetime = PAST) -> None:
    """Let the TRIAGE clocks of these complaints be due at `when`."""
    status = await owner.execute(
        "UPDATE clocks SET due_at = $2 WHERE aggregate_id = ANY ($1::uuid[]) AND name = 'TRIAGE'",
        [UUID(each) for each in complaints],
        when,
    )
    assert status == f"UPDATE {len(complaints)}"


async def announced(owner: asyncpg.Connection, *aggregates: str) -> list[tuple[UUID, int]]:
    rows = await owner.fetch(
        "SELECT aggregate_id, sequence FROM events WHERE aggregate_id = ANY ($1::uuid[])"
        " AND type LIKE '%.clock_breached' ORDER BY aggregate_id, sequence",
        [UUID(each) for each in aggregates],
    )
    return [(row["aggregate_id"], row["sequence"]) for row in rows]


class TestBreachClocks:
    async def test_only_the_worker_announces(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        complaint = (await filed(api))["id"]
        await due(owner, complaint)
        id_ = await owner.fetchval("SELECT id FROM clocks WHERE aggregate_id = $1 AND name = 'TRIAGE'", UUID(complaint))
        officer = Actor("x", "supervisor", frozenset(), RowScope(ScopeKind.AREA_RANGE, lo=0, hi=9_999_999_999))
        with pytest.raises(Forbidden, match="role_not_allowed"):
            await Act(platform, officer, "0" * 32)(upkeep.announce_breach, on=id_)

    @pytest.mark.parametrize(("offset", "state"), [(-timedelta(microseconds=1), "RUNNING"), (timedelta(0), "BREACHED")])
    async def test_a_clock_is_breached_from_the_instant_it_is_due(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, offset: timedelta, state: str
    ) -> None:
        complaint = await filed(api)
        await due(owner, complaint["id"])
        await upkeep.breach_clocks(at(platform, PAST + offset))
        seen = (await api.as_("puskesos_officer").get(f"/v1/complaints/{complaint['id']}")).json()
        assert clock(seen, "TRIAGE")["state"] == state
        assert clock(seen, "FORWARD")["state"] == "RUNNING"
        assert (clock(seen, "TRIAGE")["breached_at"] is None) is (state == "RUNNING")
        # The breach, and the step up the ladder that it brings.
        assert seen["version"] == (1 if state == "RUNNING" else 3)
        await upkeep.breach_clocks(at(platform, PAST))

    async def test_the_history_tells_which_clock(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        complaint = (await filed(api))["id"]
        await due(owner, complaint)
        await upkeep.breach_clocks(at(platform, PAST))
        entry = (await api.as_("auditor").get(f"/v1/complaints/{complaint}/history")).json()["items"][1]
        assert (entry["type"], entry["role"], entry["actor"]) == ("complaint.clock_breached", "worker", "system#worker")
        assert entry["texts"] == {"clock": "TRIAGE"}

    async def test_a_clock_that_was_met_late_is_announced_all_the_same(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        complaint = await filed(api)
        await due(owner, complaint["id"])
        officer = api.as_("puskesos_officer")
        answer = await officer.post(
            f"/v1/complaints/{complaint['id']}/transitions",
            json={"action": "MERGE", "reason": "Twice.", "merge_into": (await filed(api))["id"]},
            headers={"if-match": '"1"'},
        )
        assert answer.status_code == 200, answer.text
        await upkeep.breach_clocks(at(platform, PAST))
        seen = (await officer.get(f"/v1/complaints/{complaint['id']}")).json()
        assert clock(seen, "TRIAGE")["state"] == "BREACHED"
        assert clock(seen, "TRIAGE")["met_at"] == answer.json()["updated_at"]
        assert len(await announced(owner, complaint["id"])) == 1

    async def test_clocks_of_cases_are_announced_on_the_case(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        case = (await api.as_("puskesos_officer").post("/v1/cases", json={"household_id": household["id"]})).json()
        await owner.execute(
            "INSERT INTO clocks (regency, id, area, aggregate_id, name, unit, amount, state, started_at, due_at, policy,"
            " calendar_version, time_zone, sealed) VALUES (3326, $1, 3326012001, $2, 'VERIFY', 'WORKING_DAY', 3,"
            " 'RUNNING', $3, $3, 'SLRT-DEFAULT-2026', 'x', 'Asia/Jakarta', false)",
            new_id(Kind.CLOCK, 3326),
            UUID(case["id"]),
            PAST,
        )
        await upkeep.breach_clocks(at(platform, PAST))
        assert await announced(owner, case["id"]) == [(UUID(case["id"]), 2)]

    async def test_two_workers_at_once_announce_each_breach_once(
        self, api: Api, owner: asyncpg.Connection, database: MigratedDatabase
    ) -> None:
        count = size(50, 1_000)
        complaints = [(await filed(api))["id"] for _ in range(count)]
        await due(owner, *complaints)
        async with connected(database) as one, connected(database) as other:
            await asyncio.gather(*(upkeep.breach_clocks(at(each, PAST)) for each in (one, other, one)))
            # What one worker was at, the others left alone: the next round finds nothing more.
            await upkeep.breach_clocks(at(one, PAST))
        assert await announced(owner, *complaints) == [(id_, 2) for id_ in sorted(map(UUID, complaints))]
        versions = await owner.fetch(
            "SELECT version FROM complaints WHERE id = ANY ($1::uuid[])", [UUID(each) for each in complaints]
        )
        assert {row["version"] for row in versions} == {3}

    async def test_a_crash_in_the_middle_loses_none(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        complaints = [(await filed(api))["id"] for _ in range(6)]
        await due(owner, *complaints)
        change = Transaction.change
        calls = 0

        async def dies(self: Transaction, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 3:
                # The clock is marked, its event is not written yet.
                raise ConnectionAbortedError
            return await change(self, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "change", dies)
            await self._until_it_dies(at(platform, PAST))
        assert 0 < len(await announced(owner, *complaints)) < 6
        await upkeep.breach_clocks(at(platform, PAST))
        assert await announced(owner, *complaints) == [(id_, 2) for id_ in sorted(map(UUID, complaints))]

    async def _until_it_dies(self, platform: Platform) -> None:
        act = Act.__call__

        async def killed(self: Act, *args: Any, **kwargs: Any) -> Any:
            try:
                return await act(self, *args, **kwargs)
            except Unavailable:
                raise asyncio.CancelledError from None

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Act, "__call__", killed)
            with pytest.raises(asyncio.CancelledError):
                await upkeep.breach_clocks(platform)

    async def test_one_that_cannot_be_told_keeps_no_other_from_being_told(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        complaints = [(await filed(api))["id"] for _ in range(4)]
        await due(owner, *complaints)
        change = Transaction.change

        async def poisoned(self: Transaction, row: Any, *args: Any, **kwargs: Any) -> Any:
            if str(row.id) == complaints[1]:
                raise ValueError("poison")
            return await change(self, row, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "change", poisoned)
            await upkeep.breach_clocks(at(platform, PAST))
        told = {id_ for id_, _ in await announced(owner, *complaints)}
        assert told == {UUID(each) for each in complaints} - {UUID(complaints[1])}
        await upkeep.breach_clocks(at(platform, PAST))
        assert len(await announced(owner, *complaints)) == 4

    async def test_a_busy_complaint_is_left_to_the_next_round(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        complaint = (await filed(api))["id"]
        await due(owner, complaint)
        async with owner.transaction():
            await owner.execute("SELECT 1 FROM complaints WHERE id = $1 FOR UPDATE", UUID(complaint))
            await upkeep.breach_clocks(at(platform, PAST))
        assert await announced(owner, complaint) == []
        await upkeep.breach_clocks(at(platform, PAST))
        assert len(await announced(owner, complaint)) == 1


class TestForget:
    async def test_a_server_whose_clock_runs_400_days_ahead_forgets_no_answer(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        client, headers = api.as_("facilitator"), {"idempotency-key": str(uuid4())}
        body = complaint_body(summary=f"Sekali {uuid4()}")
        first = await client.post("/v1/complaints", json=body, headers=headers)
        await upkeep.expire_idempotency(at(platform, datetime.now(UTC) + timedelta(days=400)))
        again = await client.post("/v1/complaints", json=body, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert await owner.fetchval("SELECT count(*) FROM complaints WHERE summary = $1", body["summary"]) == 1

    async def test_answers_are_kept_for_thirty_days(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        key = str(uuid4())
        client, headers = api.as_("facilitator"), {"idempotency-key": key}
        first = (await client.post("/v1/complaints", json=complaint_body(), headers=headers)).json()
        kept = "SELECT created_at FROM idempotent_answers WHERE resource_id = $1"
        created: datetime = await owner.fetchval(kept, UUID(first["id"]))
        # Made the oldest of all, so that only this one is forgotten.
        old = created - timedelta(days=400)
        await owner.execute(
            "UPDATE idempotent_answers SET created_at = $2 WHERE resource_id = $1", UUID(first["id"]), old
        )
        assert await upkeep.expire_idempotency(at(platform, old + timedelta(days=30))) == 0
        assert await upkeep.expire_idempotency(at(platform, old + timedelta(days=30, microseconds=1))) == 1
        assert await owner.fetchval(kept, UUID(first["id"])) is None
        second = (await client.post("/v1/complaints", json=complaint_body(), headers=headers)).json()
        assert second["id"] != first["id"]

    async def test_wrong_secrets_are_forgotten_after_a_day(self, owner: asyncpg.Connection, platform: Platform) -> None:
        hour = PAST - timedelta(days=300)
        await owner.execute("INSERT INTO tracking_failures VALUES (3326, 1, $1, 10)", hour)
        assert await upkeep.forget_tracking_failures(at(platform, hour + timedelta(days=1))) == 0
        assert await upkeep.forget_tracking_failures(at(platform, hour + timedelta(days=1, hours=1))) == 1


class TestLoop:
    async def test_each_job_runs_at_its_pace_until_it_is_stopped(self, platform: Platform) -> None:
        stop, rounds = asyncio.Event(), {"quick": 0, "slow": 0}

        def counting(name: str) -> Callable[[Platform], Any]:
            async def run(_: Platform) -> int:
                rounds[name] += 1
                if rounds["quick"] >= 5:
                    stop.set()
                return 1

            return run

        jobs = [Job("quick", 0.01, counting("quick")), Job("slow", 3_600, counting("slow"))]
        await asyncio.wait_for(worker.work(platform, stop, jobs), 10)
        assert rounds == {"quick": 5, "slow": 1}

    async def test_a_job_that_fails_is_tried_again(self, platform: Platform) -> None:
        stop, rounds = asyncio.Event(), 0

        async def fails(_: Platform) -> int:
            nonlocal rounds
            rounds += 1
            if rounds == 2:
                stop.set()
            raise Unavailable("database_unavailable")

        await asyncio.wait_for(worker.work(platform, stop, [Job("fails", 0.01, fails)]), 10)
        assert rounds == 2

    async def test_it_finishes_the_round_under_way(self, platform: Platform) -> None:
        stop, begun, finished = asyncio.Event(), asyncio.Event(), False

        async def long(_: Platform) -> int:
            nonlocal finished
            begun.set()
            await asyncio.sleep(0.05)
            finished = True
            return 0

        task = asyncio.create_task(worker.work(platform, stop, [Job("long", 1, long)]))
        await begun.wait()
        stop.set()
        await asyncio.wait_for(task, 10)
        assert finished

    async def test_a_round_that_takes_longer_is_undone_and_leaves_a_database_that_works(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "ENDING_SECONDS", 0.05)
        stop, begun, undone = asyncio.Event(), asyncio.Event(), False

        async def endless(platform: Platform) -> int:
            nonlocal undone
            try:
                async with platform.database.transaction(upkeep.WORKER.rows, write=True) as connection:
                    begun.set()
                    await connection.execute("SELECT pg_sleep(60)")
            except asyncio.CancelledError:
                undone = True
                raise
            return 1

        task = asyncio.create_task(worker.work(platform, stop, [Job("endless", 1, endless)]))
        await begun.wait()
        stop.set()
        await asyncio.wait_for(task, 10)
        assert undone
        assert await platform.database.ready()
        sizes = platform.database.sizes()["writes"]
        assert sizes[0] == sizes[1], "a connection was not given back"

    async def test_the_whole_worker_announces_what_is_due(
        self, api: Api, owner: asyncpg.Connection, database: MigratedDatabase, tmp_path: Any
    ) -> None:
        complaint = (await filed(api, area_code=VILLAGE))["id"]
        await due(owner, complaint)
        stop = asyncio.Event()
        settings = Settings(database_url=database.api_url, data_dir=tmp_path)
        task = asyncio.create_task(worker.run(settings, stop))
        try:
            for _ in range(200):
                if await announced(owner, complaint):
                    break
                await asyncio.sleep(0.05)
        finally:
            stop.set()
            await asyncio.wait_for(task, 60)
        assert len(await announced(owner, complaint)) == 1

    async def test_without_a_database_it_says_so(self) -> None:
        with pytest.raises(RuntimeError, match="SLRT_DATABASE_URL"):
            await worker.run(Settings(database_url=None))
