"""`python -m benchmarks.search [--persons 1000000] [--data FOLDER]`: what a search by name costs, the row `search.names`.

A regency of synthetic people (`benchmarks.people`: real skew, Siti and Muhammad above 3 %, one name in five a single word) in
an embedded PostgreSQL, with their families and numbers; an officer of its secretariat, whose rows the policy cuts by a range of
areas, searches through the whole application: token, rights, quota, access record, commit. One search after the other, so that
the times are those of a search and not of a queue. Fails when the slowest twentieth takes 50 ms or longer, and when a table of
people was read from end to end. `--data` keeps the database for the next run.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from benchmarks import actor, people, regency, seed
from benchmarks.regency import Known
from benchmarks.times import Times
from slrt_api.access.scopes import Role
from slrt_api.app import create_app
from slrt_api.areas import codes
from slrt_api.runtime import roles
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.settings import Settings

PERSONS, SEARCHES = 1_000_000, 2_000
GOAL_P95_MS = 50.0
#: sequential scans so far of the tables that a search reads
_SCANS = "SELECT sum(seq_scan)::int FROM pg_stat_user_tables WHERE relname = ANY ($1)"
_READ = ("persons", "person_name_keys", "memberships", "households", "identities")
#: as others write it
_HABITS = (("u", "oe"), ("j", "dj"), ("y", "j"), ("s", "ss"), ("kh", "ch"), ("f", "v"), ("i", "y"), ("d", "dh"))


@dataclass
class Asked:
    """What searches of one kind took, and how often the person who was meant is among the twenty."""

    times: Times
    hits: int = 0


def _habit(chance: random.Random, name: str) -> str:
    """The name in another spelling."""
    possible = [(old, new) for old, new in _HABITS if old in name]
    old, new = chance.choice(possible) if possible else ("a", "a")
    return name.replace(old, new, 1)


def _body(kind: str, chance: random.Random, person: Known) -> dict[str, Any]:
    """A search of a kind for a person: how much the officer knows."""
    # Fewer than two letters are no search.
    words = [word for word in person.name.split() if sum(map(str.isalpha, word)) > 1] or ["Siti"]
    year = {"birth_year": person.birth_date.year + chance.randint(-1, 1)}
    village = {"area_code": codes.area_code(person.village)}
    bodies: dict[str, dict[str, Any]] = {
        "name": {"name": " ".join(words)},
        "name, spelled otherwise": {"name": _habit(chance, " ".join(words))},
        "name and year": {"name": " ".join(words)} | year,
        "one word": {"name": chance.choice(words)},
        "one word, year, village": {"name": chance.choice(words)} | year | village,
        "beginnings of the words": {"name": " ".join(word[:4] for word in words)},
        "common words": {"name": chance.choice(("Siti Nur", "Muhammad", "Siti", "Sri", "Muh. Abdul", "Nur"))},
        "nobody": {"name": "Qwertina Zxcvbnia"},
    }
    return bodies[kind]


KINDS = (
    *("name", "name, spelled otherwise", "name and year", "one word", "one word, year, village"),
    *("beginnings of the words", "common words", "nobody"),
)


@contextmanager
def log_lines(file: Path) -> Iterator[None]:
    """What is written to standard output goes to a file, as log lines do in service."""
    sys.stdout.flush()
    kept = os.dup(1)
    with file.open("w") as log:
        os.dup2(log.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


async def measured(url: str, folder: Path, known: list[Known], searches: int) -> list[Asked]:
    """The searches of every kind, in turns. Raises SystemExit for an answer that is none."""
    settings = Settings(
        database_url=url,
        data_dir=folder,
        base_url="http://bench.test",
        trace_sample_ratio=0.0,
        rate_limit_per_minute=1_000_000_000,
        name_searches_per_user_per_day=1_000_000_000,
        name_searches_per_organization_per_day=1_000_000_000,
    )
    app = create_app(settings)
    token = actor.token(settings, Role.SECRETARIAT_OFFICER)
    header = {"authorization": "Bearer " + token.rpartition(" ")[2]}
    chance = random.Random(1)
    asked = {kind: Asked(Times(kind)) for kind in KINDS}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench.test", headers=header) as client,
    ):
        warm = len(KINDS) * 10
        for turn in range(warm + searches):
            kind = KINDS[turn % len(KINDS)]
            person = chance.choice(known)
            body = _body(kind, chance, person) | {"purpose": "CASE_INTAKE"}
            begun = time.perf_counter()
            answer = await client.post("/v1/persons/search", json=body)
            took = time.perf_counter() - begun
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code} {answer.text}")
            if turn >= warm:
                asked[kind].times.add(took)
                asked[kind].hits += any(each["person_id"] == str(person.id) for each in answer.json()["items"])
    return list(asked.values())


def together(asked: list[Asked]) -> Times:
    """The searches of all kinds."""
    return Times("all", [each for kind in asked for each in kind.times.milliseconds])


def told(asked: list[Asked], persons: int) -> str:
    """The result for a person."""
    lines = [f"{persons} persons in one regency, row policy of a range of areas", f"{Times.HEAD}{'found':>8}"]
    lines += [f"{kind.times}{kind.hits / len(kind.times.milliseconds):>8.1%}" for kind in asked]
    return "\n".join((*lines, str(together(asked))))


async def _people(superuser: asyncpg.Connection, persons: int, keyring: Keyring) -> None:
    """Load them, unless a run before has."""
    present = await superuser.fetchval("SELECT count(*) FROM persons")
    if present not in {0, persons}:
        raise SystemExit(f"the kept data has {present} persons, not {persons}: remove it")
    if not present:
        await regency.load(superuser, people.generate(persons), keyring)


async def run(persons: int, searches: int, folder: Path) -> tuple[list[Asked], int]:
    """The searches of every kind, and how many sequential scans of tables of people they made."""
    keyring = Keyring.from_settings(Settings(data_dir=folder), folder)
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        await seed.prepare(server, 0, lambda superuser: _people(superuser, persons, keyring))
        superuser = await asyncpg.connect(server.url("postgres", seed.DATABASE))
        known = await regency.known(superuser)
        # A session's counts are certain to be there when it has ended.
        await superuser.close()
        superuser = await asyncpg.connect(server.url("postgres", seed.DATABASE))
        before = await superuser.fetchval(_SCANS, _READ)
        with log_lines(folder / "search.log"):
            asked = await measured(server.url(roles.API, seed.DATABASE), folder, known, searches)
        scans = await superuser.fetchval(_SCANS, _READ) - before
        await superuser.close()
    finally:
        server.stop()
    return asked, scans


def row(folder: Path) -> tuple[Times, str]:
    """What `python -m benchmarks` shows, and under which conditions. Raises SystemExit for a sequential scan."""
    persons = int(os.environ.get("BENCH_SEARCH_PERSONS", PERSONS))
    asked, scans = asyncio.run(run(persons, SEARCHES, folder))
    if scans:
        raise SystemExit(f"search.names: {scans} sequential scans of tables of people")
    kinds = ", ".join(f"{each.times.name} {each.times.p95:.0f}" for each in asked)
    return together(asked), f"{persons} persons in one regency; no sequential scan; p95 of each kind in ms: {kinds}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--searches", type=int, default=SEARCHES)
    parser.add_argument("--data", type=Path, help="keep the database in this folder for the next run")
    arguments = parser.parse_args()
    folder = arguments.data or Path(tempfile.mkdtemp(prefix="slrt-search-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        asked, scans = asyncio.run(run(arguments.persons, arguments.searches, folder))
    finally:
        if not arguments.data:
            shutil.rmtree(folder, ignore_errors=True)
    print(told(asked, arguments.persons))
    p95 = together(asked).p95
    wrong = [f"p95 is {p95:.1f} ms, not below {GOAL_P95_MS:.0f}"] if p95 >= GOAL_P95_MS else []
    wrong += [f"{scans} sequential scans of tables of people"] if scans else []
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
