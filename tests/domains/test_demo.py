"""The demo regency: made by acts, whole after a crash, and once however often it is asked for."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from tests.conftest import MakeDatabase, MigratedDatabase

from slrt_api.cases.lifecycle import CASE_LIFECYCLE, NEED_LIFECYCLE
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE
from slrt_api.demo import seed, work
from slrt_api.demo.people import DEMO_FAMILIES, DEMO_REGISTRY
from slrt_api.demo.stage import Stage
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.referrals.lifecycle import LIFECYCLE as REFERRAL_LIFECYCLE
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.settings import Settings

ISSUER = "http://api.test"
#: table of each lifecycle's rows
TABLES = {
    "cases": CASE_LIFECYCLE,
    "needs": NEED_LIFECYCLE,
    "referrals": REFERRAL_LIFECYCLE,
    "complaints": COMPLAINT_LIFECYCLE,
}
COUNTED = ("households", "persons", "organizations", "service_capacity", "registry_entries", *TABLES, "events")


class Crash(Exception):
    """The machine went down."""


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in COUNTED}


@pytest_asyncio.fixture(scope="module")
async def empty(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of this module's own: what is counted here nobody else may add to."""
    return await make_database("slrt_demo")


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.from_settings(Settings(), tmp_path_factory.mktemp("demo"))


@pytest_asyncio.fixture
async def platform(empty: MigratedDatabase) -> AsyncIterator[Database]:
    settings = Settings(database_url=empty.api_url, pool_acquire_timeout_seconds=30, lock_timeout_ms=30_000)
    database = await Database.connect(empty.api_url, settings)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def demo(empty: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def crash_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Stage goes down with the 900th act, after the act has been committed and before anybody hears of it."""
    act, done = Stage.act, iter(range(10_000))

    async def fragile(self: Stage, *request: object, **named: object) -> object:
        answer = await act(self, *request, **named)  # type: ignore[arg-type]
        if next(done) >= 900:
            raise Crash
        return answer

    monkeypatch.setattr(Stage, "act", fragile)


class TestSeeding:
    async def test_a_crash_in_the_middle_leaves_a_part(
        self, platform: Database, keyring: Keyring, demo: asyncpg.Connection, crash_after: None
    ) -> None:
        with pytest.raises((Crash, ExceptionGroup)):
            await seed.ensure(platform, keyring, ISSUER)
        part = await counts(demo)
        assert part["cases"] > 0
        assert await demo.fetchval("SELECT count(*) FROM households WHERE id = $1", seed.LAST_HOUSEHOLD) == 0

    async def test_two_at_once_complete_it_and_neither_repeats_what_was_done(
        self, platform: Database, keyring: Keyring, demo: asyncpg.Connection
    ) -> None:
        both = await asyncio.gather(
            seed.ensure(platform, keyring, ISSUER), seed.ensure(platform, keyring, "http://elsewhere.test")
        )
        assert tuple(both) == (True, True)
        found = await counts(demo)
        assert found["households"] == len(DEMO_FAMILIES) == 300
        assert found["persons"] == sum(len(family.members) for family in DEMO_FAMILIES)
        assert found["organizations"] == 10
        assert found["registry_entries"] == len(DEMO_REGISTRY)
        # Each path in both villages; a merged case and a merged complaint need the one that goes on, a referral its case.
        assert found["cases"] == 2 * (len(work.CASES) + 1 + len(work.REFERRALS))
        assert found["referrals"] == 2 * len(work.REFERRALS)
        assert found["complaints"] == 2 * (len(work.COMPLAINTS) + 1)

    async def test_a_third_finds_nothing_to_do(
        self, platform: Database, keyring: Keyring, demo: asyncpg.Connection
    ) -> None:
        before = await counts(demo)
        assert await seed.ensure(platform, keyring, ISSUER) is False
        assert await counts(demo) == before


class TestRegency:
    @pytest.mark.parametrize("table", TABLES)
    async def test_a_row_stands_in_every_state(self, demo: asyncpg.Connection, table: str) -> None:
        lifecycle: Lifecycle = TABLES[table]
        found = {row["status"] for row in await demo.fetch(f"SELECT DISTINCT status FROM {table}")}
        assert found == {state.code for state in lifecycle.states}

    @pytest.mark.parametrize("table", [table for table in TABLES if table != "needs"])
    async def test_the_officer_of_the_development_client_has_every_state_too(
        self, demo: asyncpg.Connection, table: str
    ) -> None:
        found = await demo.fetch(f"SELECT DISTINCT status FROM {table} WHERE area = 3326012001")
        assert len(found) == len(TABLES[table].states)

    async def test_every_change_is_an_event_of_somebody_in_a_role(self, demo: asyncpg.Connection) -> None:
        for table in ("households", "cases", "referrals", "complaints", "registry_snapshots"):
            unequal = await demo.fetchval(
                f"SELECT count(*) FROM {table} t WHERE t.version <> (SELECT count(*) FROM events e"
                " WHERE e.regency = t.regency AND e.aggregate_id = t.id AND e.sequence BETWEEN 1 AND t.version)"
            )
            assert unequal == 0, table
        roles = {row["role"] for row in await demo.fetch("SELECT DISTINCT role FROM events")}
        assert roles == {
            "administrator", "integrator", "facilitator", "puskesos_officer", "puskesos_coordinator", "partner", "worker",
        }  # fmt: skip

    async def test_it_took_weeks_and_ends_now(self, demo: asyncpg.Connection) -> None:
        first, last = (
            await demo.fetchval("SELECT min(at) FROM events"),
            await demo.fetchval("SELECT max(at) FROM events"),
        )
        now = datetime.now(UTC)
        assert 20 < (now - first).days < 30
        assert last <= now
        disordered = await demo.fetchval(
            "SELECT count(*) FROM events e JOIN events f ON f.regency = e.regency AND f.aggregate_id = e.aggregate_id"
            " AND f.sequence = e.sequence + 1 WHERE f.at < e.at"
        )
        assert disordered == 0

    async def test_what_waits_for_an_answer_is_not_overdue(self, demo: asyncpg.Connection) -> None:
        waiting = await demo.fetch(
            "SELECT respond_by FROM referrals WHERE status IN ('SENT', 'RECEIVED', 'UNDER_REVIEW')"
        )
        assert len(waiting) == 6
        assert all(row["respond_by"] > datetime.now(UTC) for row in waiting)
