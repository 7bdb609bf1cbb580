"""What ends by itself, and what is warned of: each exactly once, by any number of workers, and never what stands still."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tests.api import Api
from tests.conftest import MigratedDatabase
from tests.domains.test_complaints import act, clock, filed
from tests.domains.test_worker import PAST, at, connected
from tests.sizes import size

from slrt_api.flows import upkeep
from slrt_api.kernel.errors import Conflict, Forbidden
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, Platform

OFFICER = "secretariat_manager"
RESOLVED: dict[str, Any] = {"resolution": "Sudah diusulkan", "service_realized": True}
#: the clock of a window -> how a complaint comes into it, and how it ends by itself
WINDOWS = {
    "COMPLAINANT_ANSWER": (("ASK_COMPLAINANT", {"reason": "Fotokopi KK?"}), "LAPSED", "lapsed"),
    "OBJECTION_WINDOW": (("RESOLVE", RESOLVED), "CLOSED", "closed"),
}


@pytest_asyncio.fixture
async def platform(database: MigratedDatabase) -> AsyncIterator[Platform]:
    async with connected(database) as one:
        yield one


async def waiting(api: Api, name: str) -> dict[str, Any]:
    """A complaint within that window."""
    (action, members), _, _ = WINDOWS[name]
    complaint = await act(api.as_(OFFICER), await filed(api), action, **members)
    assert clock(complaint, name)["state"] == "RUNNING"
    return complaint


async def move(owner: asyncpg.Connection, complaint: dict[str, Any], name: str, **columns: Any) -> None:
    """Give the clock of that name other columns."""
    sets = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, 3))
    status = await owner.execute(
        f"UPDATE clocks SET {sets} WHERE aggregate_id = $1 AND name = $2",
        UUID(complaint["id"]),
        name,
        *columns.values(),
    )
    assert status.startswith("UPDATE 1")


async def seen(api: Api, complaint: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
    return found


async def told(owner: asyncpg.Connection, complaint: dict[str, Any]) -> list[str]:
    rows = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(complaint["id"]))
    return [row["type"].removeprefix("complaint.") for row in rows][2:]


@pytest.mark.parametrize("name", list(WINDOWS))
class TestWindow:
    async def test_only_the_worker_ends_it_and_as_a_breach_nobody(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, name: str
    ) -> None:
        complaint = await waiting(api, name)
        await move(owner, complaint, name, due_at=PAST)
        found = "SELECT id FROM clocks WHERE due_at = $1 AND aggregate_id = $2"
        id_ = await owner.fetchval(found, PAST, UUID(complaint["id"]))
        officer = Actor("x", "supervisor", frozenset(), RowScope(ScopeKind.AREA_RANGE, lo=0, hi=9_999_999_999))
        with pytest.raises(Forbidden, match="role_not_allowed"):
            await Act(platform, officer, "0" * 32)(upkeep.end_window, on=id_)
        with pytest.raises(Conflict, match="transition_not_allowed"):
            await Act(at(platform, PAST), upkeep.WORKER, "0" * 32)(upkeep.announce_breach, on=id_)
        assert await told(owner, complaint) == []
        await upkeep.breach_clocks(at(platform, PAST))

    @pytest.mark.parametrize("offset", [-timedelta(microseconds=1), timedelta(0)])
    async def test_it_ends_at_its_instant_and_is_no_breach(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, name: str, offset: timedelta
    ) -> None:
        complaint = await waiting(api, name)
        await move(owner, complaint, name, due_at=PAST)
        await upkeep.breach_clocks(at(platform, PAST + offset))
        found = await seen(api, complaint)
        if offset:
            assert (found["status"], clock(found, name)["state"]) == (complaint["status"], "RUNNING")
            await upkeep.breach_clocks(at(platform, PAST))
            found = await seen(api, complaint)
        _, status, event = WINDOWS[name]
        assert found["status"] == status
        assert (clock(found, name)["state"], clock(found, name)["breached_at"]) == ("STOPPED", None)
        assert await told(owner, complaint) == [event]
        entry = (await api.as_("auditor").get(f"/v1/complaints/{complaint['id']}/history")).json()["items"][-1]
        assert (entry["actor"], entry["role"]) == ("system#worker", "worker")
        await upkeep.breach_clocks(at(platform, PAST))
        assert await told(owner, complaint) == [event]
        assert found["rung"] == "NONE"

    async def test_two_workers_at_once_end_each_once(
        self, api: Api, owner: asyncpg.Connection, database: MigratedDatabase, name: str
    ) -> None:
        complaints = [await waiting(api, name) for _ in range(size(8, 200))]
        for each in complaints:
            await move(owner, each, name, due_at=PAST)
        async with connected(database) as one, connected(database) as other:
            await asyncio.gather(*(upkeep.breach_clocks(at(each, PAST)) for each in (one, other, one)))
            await upkeep.breach_clocks(at(one, PAST))
        assert {tuple(await told(owner, each)) for each in complaints} == {(WINDOWS[name][2],)}

    async def test_a_window_that_was_used_ends_nothing(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, name: str
    ) -> None:
        """Used in time; and used late, but before a worker looked."""
        answer: tuple[str, dict[str, Any]] = ("ANSWER", {"reason": "Ini"})
        used = {"COMPLAINANT_ANSWER": answer, "OBJECTION_WINDOW": ("CLOSE", {})}[name]
        for late in (False, True):
            complaint = await waiting(api, name)
            if late:
                await move(owner, complaint, name, due_at=PAST)
            complaint = await act(api.as_(OFFICER), complaint, used[0], **used[1])
            await move(owner, complaint, name, due_at=PAST)
            before = await told(owner, complaint)
            await upkeep.breach_clocks(at(platform, PAST))
            found = await seen(api, complaint)
            assert (found["status"], clock(found, name)["state"]) == (complaint["status"], "MET")
            assert await told(owner, complaint) == before

    async def test_where_the_step_may_no_longer_be_taken_it_ends_without(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, name: str
    ) -> None:
        complaint = await waiting(api, name)
        await move(owner, complaint, name, due_at=PAST)
        await owner.execute("UPDATE complaints SET status = 'TRIAGED' WHERE id = $1", UUID(complaint["id"]))
        await upkeep.breach_clocks(at(platform, PAST))
        found = await seen(api, complaint)
        assert (found["status"], clock(found, name)["state"]) == ("TRIAGED", "STOPPED")
        assert await told(owner, complaint) == []


class TestWarning:
    async def test_it_is_told_once_from_its_instant_on(
        self, api: Api, owner: asyncpg.Connection, database: MigratedDatabase
    ) -> None:
        complaints = [await filed(api) for _ in range(size(8, 200))]
        for each in complaints:
            await move(owner, each, "TRIAGE", warn_at=PAST, due_at=PAST + timedelta(hours=2))
        async with connected(database) as one, connected(database) as other:
            await upkeep.warn_clocks(at(one, PAST - timedelta(microseconds=1)))
            assert {tuple(await events(owner, each)) for each in complaints} == {()}
            await asyncio.gather(*(upkeep.warn_clocks(at(each, PAST)) for each in (one, other, one)))
            await upkeep.warn_clocks(at(one, PAST + timedelta(hours=1)))
            assert {tuple(await events(owner, each)) for each in complaints} == {("clock_warned",)}
            found = await seen(api, complaints[0])
            assert (clock(found, "TRIAGE")["state"], found["rung"]) == ("RUNNING", "NONE")
            assert clock(found, "TRIAGE")["warned_at"] == "2026-01-05T03:00:00.000000Z"
            entry = (await api.as_("auditor").get(f"/v1/complaints/{found['id']}/history")).json()["items"][-1]
            assert (entry["type"], entry["texts"]) == ("complaint.clock_warned", {"clock": "TRIAGE"})
            await upkeep.breach_clocks(at(one, PAST + timedelta(hours=2)))
        assert await events(owner, complaints[0]) == ["clock_warned", "clock_breached", "escalated"]

    @pytest.mark.parametrize(
        ("columns", "why"),
        [
            ({"due_at": PAST}, "its breach is told instead"),
            ({"met_at": PAST - timedelta(hours=1), "state": "MET"}, "met"),
            ({"state": "STOPPED"}, "stopped"),
            ({"state": "BREACHED", "breached_at": PAST}, "breached"),
            ({"warned_at": PAST - timedelta(days=1)}, "told before"),
            ({"warn_at": None}, "the policy wants none"),
        ],
        ids=lambda each: each if isinstance(each, str) else "",
    )
    async def test_nothing_is_told_of_what_needs_no_warning(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, columns: dict[str, Any], why: str
    ) -> None:
        complaint = await filed(api)
        await move(owner, complaint, "TRIAGE", **{"warn_at": PAST, "due_at": PAST + timedelta(hours=2), **columns})
        await upkeep.warn_clocks(at(platform, PAST))
        assert await events(owner, complaint) == [], why

    async def test_what_stands_still_is_neither_warned_of_nor_breached(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        """While the complainant is asked the clocks of the desk wait; when the answer comes they run on."""
        complaint = await waiting(api, "COMPLAINANT_ANSWER")
        paused = clock(complaint, "FORWARD")
        assert paused["state"] == "PAUSED"
        # As if all of it had happened so long ago that its promise was due in the past: whatever ran on would be found.
        late = datetime.fromisoformat(paused["promised_at"]) - PAST
        await owner.execute(
            "UPDATE clocks SET due_at = due_at - $2::interval, warn_at = warn_at - $2::interval,"
            " promised_at = promised_at - $2::interval, paused_at = paused_at - $2::interval,"
            " paused_until = paused_until - $2::interval WHERE aggregate_id = $1 AND state = 'PAUSED'",
            UUID(complaint["id"]),
            late,
        )
        for now in (PAST - timedelta(hours=4), PAST, PAST + timedelta(days=2)):
            await upkeep.warn_clocks(at(platform, now))
            await upkeep.breach_clocks(at(platform, now))
        rows = await owner.fetch(
            "SELECT state, warned_at, breached_at FROM clocks WHERE id = (SELECT id FROM clocks WHERE aggregate_id = $1"
            " AND name = 'FORWARD')",
            UUID(complaint["id"]),
        )
        assert [tuple(row) for row in rows] == [("PAUSED", None, None)]
        # Its limit over it runs on by itself, and is breached like any other.
        await upkeep.breach_clocks(at(platform, PAST + timedelta(days=45)))
        assert "clock_breached" in await events(owner, complaint)


async def events(owner: asyncpg.Connection, complaint: dict[str, Any]) -> list[str]:
    rows = await owner.fetch(
        "SELECT type FROM events WHERE aggregate_id = $1 AND sequence > 1 ORDER BY sequence", UUID(complaint["id"])
    )
    return [row["type"].removeprefix("complaint.") for row in rows]
