"""I11: a breach is announced exactly once, by any number of workers, across kill -9; and a warning, and what ends by itself.

Two real worker processes on a database of their own, full of clocks that run on; one of them is killed in the middle of its work.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from tests.canaries import LEAKS
from tests.sizes import size

from slrt_api.areas import codes
from slrt_api.areas.dataset import tenants_by_code
from slrt_api.clocks import calendars
from slrt_api.clocks import reference as clocks_reference
from slrt_api.complaints import reference
from slrt_api.flows import upkeep
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime import migrations, roles
from slrt_api.runtime.embedded import EmbeddedPostgres

#: clocks that run, and how many of them are breached, to be warned of, and windows at their end
CLOCKS, BREACHES, WARNINGS, WINDOWS = size(1_000, 100_000), size(120, 1_000), size(20, 200), size(20, 200)
KILLS = size(1, 5)
#: within which everything is announced
LIMIT_SECONDS = 60
REGENCIES = 20
NAMES = ("TRIAGE", "FORWARD", "FIRST_RESPONSE", "RESOLVE")
_TOLD = "SELECT count(*) FROM events WHERE type = ANY ($1::text[])"
TYPES = [f"complaint.{each}" for each in ("clock_breached", "clock_warned", "closed")]


@pytest_asyncio.fixture(scope="module")
async def urls(postgres: EmbeddedPostgres) -> tuple[str, str]:
    """URLs of the API's login and of a superuser, of a database with tables, tenants and the ladder, and no other data."""
    admin = await asyncpg.connect(postgres.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, "slrt_breaches")
    await admin.close()
    await migrations.upgrade(postgres.url(roles.OWNER, "slrt_breaches"))
    return postgres.url(roles.API, "slrt_breaches"), postgres.url("postgres", "slrt_breaches")


@pytest_asyncio.fixture(scope="module")
async def filled(urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection]:
    # A superuser's connection: rows in number are copied, which policies do not allow.
    owner = await asyncpg.connect(urls[1])
    await clocks_reference.load(owner)
    await reference.load(owner)
    tenants = sorted(tenants_by_code().values(), key=lambda each: each.number)[:: 514 // REGENCIES]
    await owner.copy_records_to_table(
        "tenants",
        records=[(each.number, each.code, "x", "Asia/Jakarta", each.valid_from) for each in tenants],
        columns=["number", "code", "name", "time_zone", "valid_from"],
    )
    # Counted by the calendar that holds: what is not would be counted anew first.
    await fill(owner, {each.number: calendars.version_of(0, codes.area_number(each.code), 0) for each in tenants})
    yield owner
    await owner.close()


async def fill(owner: asyncpg.Connection, versions: Mapping[int, str]) -> None:
    """Complaints with the clocks of their desk; the first of each kind of trouble are due, the rest has time."""
    now = datetime.now(UTC)
    later, due = now + timedelta(days=9), now - timedelta(minutes=1)
    complaints: list[dict[str, Any]] = []
    clocks: list[dict[str, Any]] = []
    for number in range(CLOCKS // len(NAMES)):
        regency = list(versions)[number % len(versions)]
        row: dict[str, Any] = {"regency": regency, "area": regency * 1_000_000 + 10_000 + 1001}
        complaint = {
            **row, "id": new_id(Kind.COMPLAINT, regency), "version": 0, "created_at": now, "updated_at": now,
            "number": f"KEL-{number}", "receipt": number, "status": "RECEIVED", "nature": "GRIEVANCE",
            "category": "PARTICIPATION", "severity_flags": [], "channel": "WEB", "confidentiality": "OPEN", "sealed": False,
            "summary": "Keluhan", "captured_at": now, "received_at": now, "received_by": "test#1",
        }  # fmt: skip
        own = {
            name: {
                **row, "id": new_id(Kind.CLOCK, regency), "aggregate_id": complaint["id"], "name": name, "unit": "WORKING_DAY",
                "amount": 3, "state": "RUNNING", "started_at": now, "due_at": later, "warn_at": None, "policy": "LAPOR-2018",
                "calendar_version": versions[regency], "time_zone": "Asia/Jakarta", "sealed": False,
            }
            for name in NAMES
        }  # fmt: skip
        if number < BREACHES:
            own["TRIAGE"]["due_at"] = due
        elif number < BREACHES + WARNINGS:
            own["TRIAGE"]["warn_at"] = due
        elif number < BREACHES + WARNINGS + WINDOWS:
            complaint["status"], own["TRIAGE"]["name"], own["TRIAGE"]["due_at"] = "RESOLVED", "OBJECTION_WINDOW", due
        complaints.append(complaint)
        clocks += own.values()
    for table, rows in (("complaints", complaints), ("clocks", clocks)):
        columns = list(rows[0])
        await owner.copy_records_to_table(
            table, records=[tuple(each[name] for name in columns) for each in rows], columns=columns
        )
        await owner.execute(f"ANALYZE {table}")


@contextmanager
def worker(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own, as `slrt-api worker` runs it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLRT_")}
    environment |= {"SLRT_DATABASE_URL": url, "SLRT_DATA_DIR": str(folder), "SLRT_LOG_LEVEL": "DEBUG"}
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("slrt-api")), "worker"], env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        LEAKS.log((folder / "log").read_text(), "the log of a worker that was killed, or of its fellow")


async def announced(owner: asyncpg.Connection) -> int:
    found: int = await owner.fetchval(_TOLD, TYPES)
    return found


async def test_a_round_reads_what_is_due_and_not_what_runs(filled: asyncpg.Connection, urls: tuple[str, str]) -> None:
    """The look for due clocks takes its part of the index in each regency, however many run."""
    for sql in (upkeep._DUE, upkeep._TO_WARN):
        plan = "\n".join(
            row[0]
            for row in await filled.fetch(
                f"EXPLAIN (ANALYZE, BUFFERS) {sql}", datetime.now(UTC), *upkeep._FIRST, upkeep.BATCH
            )
        )
        assert "clocks_due" in plan or "clocks_warn" in plan, plan
        assert "Seq Scan on clocks" not in plan, plan


async def test_everything_is_told_once_whoever_dies(
    urls: tuple[str, str], filled: asyncpg.Connection, tmp_path: Path
) -> None:
    total = BREACHES + WARNINGS + WINDOWS
    killed, started = 0, 0.0
    with worker(urls[0], tmp_path / "steady") as steady:
        while killed < KILLS:
            with worker(urls[0], tmp_path / f"mortal{killed}") as mortal:
                before = await announced(filled)
                # Both are at it, and neither is done.
                enough = max(before + 1, total * (killed + 1) // (KILLS + 3))
                until = time.monotonic() + LIMIT_SECONDS
                while await announced(filled) < enough:
                    assert steady.poll() is None, (tmp_path / "steady" / "log").read_text()
                    assert mortal.poll() is None, (tmp_path / f"mortal{killed}" / "log").read_text()
                    assert time.monotonic() < until
                    await asyncio.sleep(0.005)
                    started = started or (time.monotonic() if await announced(filled) else 0.0)
                mortal.send_signal(signal.SIGKILL)
                killed += 1
                begun = time.monotonic()
        at_kill = await announced(filled)
        # What the dead left behind is told by the next round of whoever lives.
        while await announced(filled) < total:
            assert time.monotonic() - begun < LIMIT_SECONDS
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - begun
    print(
        f"{CLOCKS} clocks, {BREACHES} breaches, {WARNINGS} warnings, {WINDOWS} windows: {killed} kills,"
        f" {at_kill} of {total} told at the last one, all {seconds:.1f} s later; {begun - started:.1f} s from the first to it"
    )
    assert killed == KILLS > 0
    assert 0 < at_kill < total, "nobody was killed in the middle of the work"
    found = await filled.fetch(
        "SELECT type, count(*) AS events, count(DISTINCT aggregate_id) AS complaints FROM events GROUP BY type"
    )
    assert {row["type"]: (row["events"], row["complaints"]) for row in found} == {
        "complaint.clock_breached": (BREACHES, BREACHES),
        "complaint.escalated": (BREACHES, BREACHES),
        "complaint.clock_warned": (WARNINGS, WARNINGS),
        "complaint.closed": (WINDOWS, WINDOWS),
    }
    # Each with its revision, and every sequence without a gap.
    assert await filled.fetchval("SELECT count(*) FROM revisions") == 2 * BREACHES + WARNINGS + WINDOWS
    gaps = await filled.fetchval(
        "SELECT count(*) FROM (SELECT c.version, count(e.*) AS events FROM complaints c LEFT JOIN events e"
        " ON e.regency = c.regency AND e.aggregate_id = c.id GROUP BY c.regency, c.id) s WHERE version <> events"
    )
    assert gaps == 0
    states = {
        row["state"]: row["count"] for row in await filled.fetch("SELECT state, count(*) FROM clocks GROUP BY state")
    }
    # Of what closed by itself the other clocks are met; all else runs on.
    assert states["BREACHED"] == BREACHES
    assert states["STOPPED"] >= WINDOWS
    assert states["RUNNING"] == CLOCKS - BREACHES - len(NAMES) * WINDOWS
