"""The server's clock jumps by 400 days and comes back: what is due is told once, and what was promised stays.

The clock that the platform asks is a hand that the test moves; the database, the API and the worker's rounds are real. A
complaint is followed from each of its instants to the next, once with a steady clock and once with one that jumps.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tests.api import Api, running_api
from tests.conftest import MakeDatabase
from tests.domains.test_clocks import decree, head, reported
from tests.domains.test_complaints import act, filed

from slrt_api.flows import deadlines, upkeep
from slrt_api.runtime.usecase import Platform

#: within the years that the calendars know, as is everything 400 days before and after
START = datetime(2026, 11, 30, 3, tzinfo=UTC)
JUMP = timedelta(days=400)
OFFICER = "secretariat_manager"
#: a pair for each jump: one that jumps and one that does not, with no decree before
REGENCIES = (("34.01", "34.02"), ("34.03", "34.04"))
#: instants of a clock, and what became of it
COLUMNS = ("state", "started_at", "due_at", "warn_at", "warned_at", "breached_at", "met_at", "promised_at")
#: begins when the complaint reaches the province, and so has no promise that a jump could change
LATER = "PROVINCE_ANSWER"


@dataclass
class World:
    """An application whose clock stands where it is put, and a connection that sees every row."""

    api: Api
    owner: asyncpg.Connection
    now: datetime = START

    @property
    def platform(self) -> Platform:
        found: Platform = self.api.app.state.service.platform
        return found

    async def rounds(self, at: datetime) -> None:
        """What the worker does about deadlines at that instant, twice: the second round has nothing left to tell."""
        self.now = at
        for _ in range(2):
            for job in (
                upkeep.breach_clocks,
                deadlines.recompute_clocks,
                deadlines.stop_clocks_of_ended,
                upkeep.warn_clocks,
            ):
                await job(self.platform)

    async def recomputed(self, at: datetime) -> None:
        """What the worker counts anew at that instant, and nothing else."""
        self.now = at
        await deadlines.recompute_clocks(self.platform)

    async def clocks(self, complaint: dict[str, Any]) -> dict[str, dict[str, Any]]:
        rows = await self.owner.fetch(
            f"SELECT name, {', '.join(COLUMNS)} FROM clocks WHERE aggregate_id = $1 AND state <> 'STOPPED'",
            UUID(complaint["id"]),
        )
        return {row["name"]: dict(row) for row in rows if row["name"] != LATER}

    async def told(self, complaint: dict[str, Any], *types: str, area: str = "33.26") -> list[tuple[str, Any]]:
        """What the history says: the type of each event, and the clock that it names."""
        found = await self.api.as_("auditor", area=area).get(f"/v1/complaints/{complaint['id']}/history?limit=100")
        return [
            (each["type"].removeprefix("complaint."), (each.get("texts") or {}).get("clock"))
            for each in found.json()["items"]
            if not types or each["type"].removeprefix("complaint.") in types
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    database = await make_database("slrt_jumps")
    owner = await asyncpg.connect(database.owner_url)
    async with running_api(database.api_url, tmp_path_factory.mktemp("jumps")) as api:
        one = World(api, owner)
        service = api.app.state.service
        service.platform = replace(service.platform, clock=lambda: one.now)
        yield one
    await owner.close()


@dataclass
class Course:
    """What became of one complaint."""

    clocks: dict[str, dict[str, Any]]
    events: list[tuple[str, Any]]
    rung: str
    seen: list[dict[str, datetime]] = field(default_factory=list)


async def followed(world: World, jump: timedelta | None) -> Course:
    """A complaint that nobody handles, with a round at each instant of its clocks; `jump`: and one so far off before it."""
    world.now = START
    complaint = await filed(world.api)
    begun = await world.clocks(complaint)
    instants = {each[name] for each in begun.values() for name in ("warn_at", "due_at") if each[name] is not None}
    course = Course({}, [], "")
    for instant in sorted(instants):
        if jump is not None:
            await world.rounds(instant + jump)
            course.seen.append({name: each["due_at"] for name, each in (await world.clocks(complaint)).items()})
        await world.rounds(instant)
    found = (await world.api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
    course.clocks, course.events = await world.clocks(complaint), await world.told(complaint)
    course.rung = found["rung"]
    assert {name: each["due_at"] for name, each in begun.items()} == {
        name: each["due_at"] for name, each in course.clocks.items()
    }
    return course


def of_type(course: Course, type_: str) -> list[Any]:
    return sorted(name for kind, name in course.events if kind == type_ and name != LATER)


async def test_a_clock_that_falls_back_and_returns_changes_nothing(world: World) -> None:
    steady, jumping = await followed(world, None), await followed(world, -JUMP)
    assert jumping.clocks == steady.clocks
    assert jumping.events == steady.events
    assert jumping.rung == steady.rung
    assert of_type(steady, "clock_breached") == sorted(steady.clocks)
    assert of_type(steady, "clock_warned") == sorted(
        name for name, each in steady.clocks.items() if each["warn_at"] is not None
    )
    assert len(steady.clocks) > 4


async def test_a_clock_that_runs_ahead_and_returns_tells_everything_once(world: World) -> None:
    steady, jumping = await followed(world, None), await followed(world, JUMP)
    assert of_type(jumping, "clock_breached") == of_type(steady, "clock_breached")
    # What was due by the clock that ran ahead is breached, and not warned of any more.
    assert of_type(jumping, "clock_warned") == []
    instants = ("state", "started_at", "due_at", "warn_at", "breached_at", "met_at", "promised_at")
    for name, each in jumping.clocks.items():
        assert {at: each[at] for at in instants} == {at: steady.clocks[name][at] for at in instants}
    for seen in jumping.seen:
        assert seen == {name: each["due_at"] for name, each in steady.clocks.items()}


@pytest.mark.parametrize("jump", [-JUMP, JUMP])
async def test_a_window_ends_once(world: World, jump: timedelta) -> None:
    world.now = START
    told: dict[str, Any] = {"resolution": "Sudah diusulkan", "service_realized": True}
    complaint = await act(world.api.as_(OFFICER), await filed(world.api), "RESOLVE", **told)
    ends = (await world.clocks(complaint))["OBJECTION_WINDOW"]["due_at"]
    await world.rounds(START + jump)
    # A clock that fell back ends nothing early; one that runs ahead ends what it takes for over.
    assert len(await world.told(complaint, "closed")) == (1 if jump > timedelta(0) else 0)
    for at in (START, ends - timedelta(microseconds=1), ends, ends + jump, ends):
        await world.rounds(at)
    assert await world.told(complaint, "closed", "clock_breached") == [("closed", None)]


@pytest.mark.parametrize("jump", [-JUMP, timedelta(0)])
async def test_nothing_is_done_before_it_began(world: World, jump: timedelta) -> None:
    world.now = START
    complaint = await filed(world.api)
    before = await world.clocks(complaint)
    world.now = START + jump
    await act(world.api.as_(OFFICER), complaint, "TRIAGE")
    met = {name: each for name, each in (await world.clocks(complaint)).items() if each["met_at"] is not None}
    assert sorted(met) == ["ACKNOWLEDGE", "TRIAGE"]
    for name, each in met.items():
        assert each == {**before[name], "state": "MET", "met_at": START}
    for at in (START, before["TRIAGE"]["due_at"]):
        await world.rounds(at)
    assert {each for each in await world.told(complaint, "clock_breached") if each[1] in met} == set()


@pytest.mark.parametrize(
    ("asked", "answered"), [(-JUMP, timedelta(0)), (timedelta(0), -JUMP), (-JUMP, -JUMP), (JUMP, timedelta(0))]
)
async def test_a_pause_brings_no_deadline_nearer(world: World, asked: timedelta, answered: timedelta) -> None:
    world.now = START
    complaint = await filed(world.api)
    before = await world.clocks(complaint)
    world.now = START + asked
    complaint = await act(world.api.as_(OFFICER), complaint, "ASK_COMPLAINANT", reason="Kapan?")
    world.now = START + answered
    await act(world.api.as_("facilitator"), complaint, "ANSWER", reason="Kemarin")
    after = await world.clocks(complaint)
    assert {name for name, each in after.items() if each["due_at"] < before.get(name, each)["due_at"]} == set()
    # The answer has met the others; this one runs on as if the complainant had answered at once.
    assert after["RESOLVE"] == before["RESOLVE"]


@pytest.mark.parametrize(("jump", "village"), [(-JUMP, 0), (JUMP, 1)])
async def test_a_decree_counts_the_same_and_no_warning_comes_twice(world: World, jump: timedelta, village: int) -> None:
    """Counted anew by a clock that is wrong, and again when it is right: as by one that was right all the time.

    Two regencies publish the same decree, the second one after the clock has come back.
    """
    courses = []
    for regency, jumps in zip(REGENCIES[village], ((jump,), ()), strict=True):
        world.now = START
        complaint = await reported(world.api, regency)
        before = await world.clocks(complaint)
        warned_at = before["TRIAGE"]["warn_at"]
        await world.rounds(warned_at)
        # A free day within RESOLVE, after all that TRIAGE is counted by.
        day = before["RESOLVE"]["due_at"].date().isoformat()
        answer = await head(world.api, regency).post(
            "/v1/calendars/decrees", json=decree(regency, (day, day, "REGIONAL"))
        )
        assert answer.status_code == 201, answer.text
        for each in jumps:
            await world.recomputed(warned_at + each)
        await world.rounds(warned_at + timedelta(minutes=1))
        after = await world.clocks(complaint)
        assert after["RESOLVE"]["due_at"] > before["RESOLVE"]["due_at"]
        assert after["TRIAGE"] == {**before["TRIAGE"], "warned_at": warned_at}
        told = await world.told(complaint, "clock_warned", "clock_recomputed", area=regency)
        assert told.count(("clock_warned", "TRIAGE")) == 1
        courses.append((after, told))
    assert courses[0] == courses[1]
