"""The pool after a storm: every connection comes back, outside of any transaction, whoever was cancelled on the way."""

import asyncio
import random
import time

import asyncpg
import pytest
from tests.conftest import MigratedDatabase
from tests.sizes import size

from slrt_api.kernel import errors
from slrt_api.runtime import db
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.db import SETTLE_SECONDS, Database
from slrt_api.runtime.roles import ScopeKind
from slrt_api.settings import Settings

PLACES = (RowScope(ScopeKind.AREA_RANGE, lo=1, hi=1), RowScope(ScopeKind.AREA_RANGE, lo=2, hi=2))


async def test_a_storm_of_cancellations_leaves_clean_connections_and_no_scope_of_another(
    database: MigratedDatabase,
) -> None:
    settings = Settings(read_pool_size=2, write_pool_size=2, pool_acquire_timeout_seconds=5)
    pools = await Database.connect(database.api_url, settings)
    chance = random.Random(3326)
    served = cancelled = 0

    async def ask(rows: RowScope, *, write: bool) -> None:
        nonlocal served
        async with pools.transaction(rows, write=write) as connection:
            lo = await connection.fetchval("SELECT current_setting('app.lo')::integer")
            assert lo == rows.lo
            await connection.fetchval("SELECT pg_sleep(0.0005)")
        served += 1

    async def client(requests: int) -> None:
        nonlocal cancelled
        for _ in range(requests):
            task = asyncio.create_task(ask(chance.choice(PLACES), write=chance.random() < 0.3))
            if chance.random() < 0.1:
                await asyncio.sleep(chance.random() * 0.004)
                task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            if chance.random() < 0.05:
                await asyncio.sleep(2 * SETTLE_SECONDS)

    try:
        requests = size(60, 1_000)
        await asyncio.gather(*(client(requests) for _ in range(20)))
        assert cancelled > requests / 2
        assert served + cancelled == 20 * requests
        await asyncio.sleep(20 * SETTLE_SECONDS)
        # Only a superuser is told the state of another login.
        admin = await asyncpg.connect(database.admin_url)
        rows = await admin.fetch("SELECT DISTINCT state FROM pg_stat_activity WHERE usename = 'slrt_api'")
        await admin.close()
        assert {row["state"] for row in rows} == {"idle"}
        # All places are free again: as many can be taken at once as there are.
        await asyncio.gather(*(ask(PLACES[0], write=write) for write in (False, False, True, True)))
        # A read that has just ended is taken once more, to be settled.
        async with asyncio.timeout(10):
            while any(open_ != idle for open_, idle in pools.sizes().values()):  # noqa: ASYNC110 - nobody is told of it
                await asyncio.sleep(SETTLE_SECONDS)
    finally:
        await pools.close()


async def test_who_waits_too_long_is_sent_away_and_takes_no_place_along(database: MigratedDatabase) -> None:
    settings = Settings(read_pool_size=1, pool_acquire_timeout_seconds=0.05)
    pools = await Database.connect(database.api_url, settings)

    async def hold(seconds: float) -> str:
        try:
            async with pools.transaction(PLACES[0], write=False) as connection:
                await connection.fetchval("SELECT pg_sleep($1)", seconds)
        except errors.Unavailable as error:
            return error.code
        return "served"

    try:
        told = await asyncio.gather(hold(0.2), hold(0), hold(0))
        assert list(told) == ["served", "overloaded", "overloaded"]
        assert await hold(0) == "served"
    finally:
        await pools.close()


async def test_a_read_goes_on_in_the_transaction_of_its_own_scope_alone(
    database: MigratedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(read_pool_size=1, write_pool_size=1, pool_acquire_timeout_seconds=5)
    pools = await Database.connect(database.api_url, settings)
    here, there = PLACES

    async def began(rows: RowScope, *, fail: bool = False) -> object:
        async with pools.transaction(rows, write=False) as connection:
            lo, at = await connection.fetchrow(
                "SELECT current_setting('app.lo')::integer, transaction_timestamp()::text"
            )
            assert lo == rows.lo
            if fail:
                await connection.fetchval("SELECT 1 / $1::integer", 0)
            return at

    try:
        # A machine that does other things as well may take longer from one read to the next than a transaction lasts.
        for name in ("SHARE_SECONDS", "SETTLE_SECONDS"):
            monkeypatch.setattr(db, name, 5.0)
        first = await began(here)
        assert await began(here) == first
        # Equal scopes are the same scope, whoever holds them.
        assert await began(RowScope(ScopeKind.AREA_RANGE, lo=1, hi=1)) == first
        other = await began(there)
        assert other != first
        assert await began(here) not in {first, other}
        again = await began(here)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await began(here, fail=True)
        assert await began(here) != again
        # A use case may enter other roles on its way; nobody goes on where it was.
        last = await began(here)
        async with pools.transaction(here, write=False, alone=True) as connection:
            alone = await connection.fetchval("SELECT transaction_timestamp()::text")
        assert len({last, alone, await began(here)}) == 3
        # However busy the connection is, a transaction ends in time.
        monkeypatch.undo()
        seen = {await began(there)}
        start = time.monotonic()
        while len(seen) < 4:
            assert time.monotonic() - start < 10
            seen.add(await began(here))
        await asyncio.sleep(4 * SETTLE_SECONDS)
        assert await began(here) not in seen
    finally:
        await pools.close()


async def test_without_the_comparison_a_scope_would_be_served_another_s_transaction(
    database: MigratedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above: what they would see."""
    pools = await Database.connect(database.api_url, Settings(read_pool_size=1))
    try:
        async with pools.transaction(PLACES[0], write=False) as connection:
            monkeypatch.setattr(connection, "begun", PLACES[1].begin_read)
        async with pools.transaction(PLACES[1], write=False) as connection:
            assert await connection.fetchval("SELECT current_setting('app.lo')::integer") == PLACES[0].lo
    finally:
        await pools.close()
