"""Screen a regency of a million synthetic persons: our rules compiled to SQL, the same rules by hand, and two peers.

    python -m benchmarks.eligibility [--households 250000] [--rounds 3]       (also a part of `make bench`)

Rows: `eligibility.facts` (the facts of everybody, made from the tables), `eligibility.screening` (25 programs judged on
them, outcomes kept in tables), `eligibility.by_hand` (`by_hand.sql`), and of ten of the programs `eligibility.ten`,
`openfisca.ten`, `zen.ten`. An evaluation is one program of one household, with all of its members where persons are entitled.
Peers load from the same facts in the measured time, as ours reads them; they say yes or no only, know no UNKNOWN, and keep
nothing. Before anything is measured every outcome by hand must be ours, and afterwards the peers must have found as many
eligible ones as we. `eligibility.job` is a whole screening as the service runs it, by one worker from asking to the end: facts
from the tables, the same 25 programs, list, counts by area, all in durable steps.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import asyncpg

from benchmarks import screened
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.areas import reference as areas_reference
from slrt_api.flows import screening
from slrt_api.programs import catalog, loading, reference, sql
from slrt_api.programs.criteria import Rule, Unit
from slrt_api.programs.evaluation import Situation
from slrt_api.programs.screenings.shapes import SCREENING
from slrt_api.runtime import migrations, roles
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import select
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings

DAY: Final = date(2026, 11, 22)
DATABASE: Final = "screening"
#: of four persons each
HOUSEHOLDS: Final = int(os.environ.get("BENCH_SCREENED_HOUSEHOLDS", "250000"))
#: least evaluations a second of `eligibility.screening`, on two idle cores
LEAST: Final = 1_000_000
FOLDER: Final = Path(__file__).parent
PEERS: Final = FOLDER / ".peers" / "eligibility"
#: of the peers; numpy comes with them
PACKAGES: Final = ("openfisca-core==46.0.1", "zen-engine==2.1.3", "asyncpg==0.32.0")
PROGRAMS: Final = (
    *("PKH", "SEMBAKO", "BLT-DD", "LISTRIK-SUBSIDI", "BSPS", "RUTILAHU", "KUBE", "PBI-JK", "ATENSI", "PIP"),
    *("PBI-REAKTIVASI", "PBPU-PEMDA", "PIP-TK", "KIP-KULIAH", "SEKOLAH-RAKYAT", "ATENSI-YATIM", "ATENSI-SEMBAKO"),
    *("ATENSI-LKS", "PERMAKANAN", "LPG-3KG", "PUPUK", "PENA", "KUR", "UMI", "PRAKERJA"),
)
TEN: Final = (
    *("PKH", "SEMBAKO", "LISTRIK-SUBSIDI", "RUTILAHU", "PBPU-PEMDA"),
    *("SEKOLAH-RAKYAT", "PERMAKANAN", "PENA", "KUR", "PUPUK"),
)
#: households in one statement: their facts stay in the processor's cache and in work_mem
CHUNK: Final = 12_500
CONNECTIONS: Final = 2
#: of zen-engine, which is asked one household after the other
ZEN_HOUSEHOLDS: Final = 5_000
#: least ratios to other rows
DEMANDED: Final = {"eligibility.by_hand": 0.25, "openfisca.ten": 1.0, "zen.ten": 1.0}
_KEPT: Final = (
    "household_id uuid, id uuid, area bigint, outcomes smallint[]",
    "id uuid, area bigint, outcomes smallint[]",
)

#: what connections that judge set besides: tables that have just been filled look small
_NO_LOOPS: Final = "SET enable_nestloop = off"


def rules(codes: Sequence[str]) -> list[Rule]:
    """The shipped rules of programs on the day."""
    found = {
        rule.program: rule
        for rule in catalog.load_rules()
        if rule.valid_from <= DAY and (rule.valid_to is None or rule.valid_to >= DAY)
    }
    return [found[code] for code in codes]


@dataclass
class Regency:
    """The loaded database: the superuser's connection, those that screen, its households, and the lists that are whole."""

    superuser: asyncpg.Connection
    connections: list[asyncpg.Connection]
    ids: list[UUID]
    lists: list[str]

    @property
    def households(self) -> int:
        return len(self.ids)

    async def over(self, work: Callable[[asyncpg.Connection, list[UUID]], Awaitable[Any]]) -> float:
        """Do something for the households of each range, on both connections; the seconds that it took."""
        left = [self.ids[start : start + CHUNK] for start in range(0, len(self.ids), CHUNK)]

        async def worker(connection: asyncpg.Connection) -> None:
            while left:
                await work(connection, left.pop(0))

        began = perf_counter()
        await asyncio.gather(*(worker(each) for each in self.connections))
        return perf_counter() - began

    async def freeze(self) -> float:
        """Make the facts anew."""
        for statement in screened.fact_tables():
            await self.superuser.execute(statement)
        await self.superuser.execute(f"GRANT ALL ON {', '.join(screened.FACTS)} TO {roles.EFFECT}")
        return await self.over(screened.fill_range)

    async def screen(self, statement: str, kept: str) -> float:
        """Judge everybody and keep the outcomes."""
        await self.superuser.execute(f"TRUNCATE {kept}_households, {kept}_persons")
        return await self.over(
            lambda connection, of: connection.execute(statement, screened.TENANT, of[0], of[-1], timeout=600)
        )

    def compiled(self, codes: Sequence[str], kept: str) -> str:
        """Our statement for a range."""
        ctes = sql.compile_rules(rules(codes), Situation(DAY), screened.facts_of_range(self.lists)).ctes
        return (
            f"WITH {ctes}, kept AS (INSERT INTO {kept}_households SELECT * FROM judged_households)"
            f" INSERT INTO {kept}_persons SELECT * FROM judged_persons"
        )


async def opened(server: EmbeddedPostgres, households: int) -> Regency:
    """The database with its regency, made unless it is there."""
    admin = await asyncpg.connect(server.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, DATABASE)
    await admin.close()
    await migrations.upgrade(server.url(roles.OWNER, DATABASE))
    owner = await asyncpg.connect(server.url(roles.OWNER, DATABASE))
    await areas_reference.load(owner)
    await reference.load(owner)
    await owner.close()
    superuser = await asyncpg.connect(server.url("postgres", DATABASE))
    present = await superuser.fetchval("SELECT count(*) FROM households")
    if present not in {0, households}:
        raise SystemExit(f"the kept data has {present} households, not {households}: remove it")
    if not present:
        await screened.make(superuser, households)
    for kept in ("ours", "by_hand", "ten"):
        for name, columns in zip(("persons", "households"), _KEPT, strict=True):
            await superuser.execute(f"CREATE TABLE IF NOT EXISTS {kept}_{name} ({columns})")
    await superuser.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {roles.EFFECT}")
    ids = [row["id"] for row in await superuser.fetch("SELECT id FROM households ORDER BY id")]
    lists = list(await loading.whole_lists(superuser.fetch, screened.TENANT))
    connections = [await asyncpg.connect(server.url("postgres", DATABASE)) for _ in range(CONNECTIONS)]
    for connection in connections:
        # As a screening runs: under the role that may read all facts of a regency, and its row policies.
        settings = {"role": roles.EFFECT, "app.regency": str(screened.TENANT), **loading.SETTINGS}
        for name, value in settings.items():
            await connection.execute(f"SET {name} = '{value}'")
    return Regency(superuser, connections, ids, lists)


async def job(server: EmbeddedPostgres) -> tuple[float, int]:
    """Screen the regency as the service does. Returns the seconds from asking to the end, and how many steps it took."""
    settings = Settings(database_url=server.url(roles.API, DATABASE))
    database = await Database.connect(server.url(roles.API, DATABASE), settings)
    keyring = Keyring({"bench": bytes(range(32))}, bytes(range(32, 64)))
    platform = Platform(database, Reads(keyring), keyring, AccessLog(database), lambda *_: None)
    area = screened.TENANT * 1_000_000
    rows = RowScope(ScopeKind.AREA_RANGE, tenants=(screened.TENANT,), lo=area, hi=area + 999_999)
    scopes = frozenset(scope.value for scope in PERMISSIONS[Role.SECRETARIAT_MANAGER])
    manager = Actor("bench", Role.SECRETARIAT_MANAGER.value, scopes, rows)
    asked = screening.StartScreening(area_code="33.26", program_codes=PROGRAMS, as_of=DAY)
    began = perf_counter()
    answer = await Act(platform, manager, "0" * 32)(screening.start, asked)
    steps = await screening.run_screenings(platform)
    seconds = perf_counter() - began
    done = await Act(platform, manager, "0" * 32).item(
        select(SCREENING), UUID(json.loads(answer.body)["id"]), operation="bench"
    )
    await database.close()
    status = json.loads(done.body)["status"]
    if status != "DONE":
        raise SystemExit(f"the screening ended {status}")
    return seconds, steps


async def differing(connection: asyncpg.Connection) -> int:
    """Rows whose outcomes by hand are not ours."""
    total = 0
    for name in ("households", "persons"):
        total += await connection.fetchval(
            f"SELECT count(*) FROM ours_{name} o FULL JOIN by_hand_{name} b ON b.id = o.id"
            " WHERE o.outcomes IS DISTINCT FROM b.outcomes"
        )
    return total


async def eligible(connection: asyncpg.Connection, last: UUID) -> dict[str, int]:
    """How many are eligible for each of the ten in households up to `last`, waiting ones included, whatever they receive."""
    found = {}
    of_units = [
        ("households", "id", [rule.program for rule in rules(TEN) if rule.unit is not Unit.PERSON]),
        ("persons", "household_id", [rule.program for rule in rules(TEN) if rule.unit is Unit.PERSON]),
    ]
    for name, key, codes in of_units:
        for place, code in enumerate(codes, 1):
            found[code] = await connection.fetchval(
                f"SELECT count(*) FROM ten_{name} WHERE {key} <= $1 AND outcomes[{place}] % {sql.RECEIVING} IN (1, 4)",
                last,
            )
    return found


def peer(name: str, server: EmbeddedPostgres, households: int) -> dict[str, Any] | None:
    """What a peer did: seconds with loading, evaluations, eligible ones by program; None where it cannot be had."""
    python = PEERS / "bin" / "python"
    done = PEERS / ".installed"
    if not done.exists() or done.read_text() != "\n".join(PACKAGES):
        commands = (
            [sys.executable, "-m", "venv", str(PEERS)],
            [str(python), "-m", "pip", "install", "-q", *PACKAGES],
        )
        for command in commands:
            if subprocess.run(command, capture_output=True, check=False, timeout=600).returncode:
                return None
        done.write_text("\n".join(PACKAGES))
    run = subprocess.run(
        [str(python), str(FOLDER / "eligibility_peers.py"), name, server.url("postgres", DATABASE), str(households)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    if run.returncode:
        raise SystemExit(run.stderr[-3000:])
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


async def measured(server: EmbeddedPostgres, households: int, rounds: int) -> tuple[list[dict[str, object]], list[str]]:
    """The rows of `latest.json`, and what is wrong with them."""
    found = await opened(server, households)
    load = os.getloadavg()[0]
    first, problems = found.superuser, list[str]()
    facts = [await found.freeze()]
    for connection in found.connections:
        await connection.execute(_NO_LOOPS)
    for table in screened.FACTS:
        await first.execute(f"VACUUM (ANALYZE) {table}", timeout=600)
    ours = found.compiled(PROGRAMS, "ours")
    text = (FOLDER / "by_hand.sql").read_text()
    by_hand = text.replace("{households}", "by_hand_households").replace("{persons}", "by_hand_persons")
    ten = found.compiled(TEN, "ten")
    await found.screen(ours, "ours")
    await found.screen(by_hand, "by_hand")
    if wrong := await differing(first):
        problems.append(
            f"{wrong} rows by hand are not ours: the shipped rules have changed, bring by_hand.sql up to date"
        )
    seconds: dict[str, list[float]] = {"eligibility.screening": [], "eligibility.by_hand": [], "eligibility.ten": []}
    for _ in range(rounds):
        seconds["eligibility.screening"].append(await found.screen(ours, "ours"))
        seconds["eligibility.by_hand"].append(await found.screen(by_hand, "by_hand"))
        seconds["eligibility.ten"].append(await found.screen(ten, "ten"))
    rates = {
        name: found.households * len(TEN if name.endswith("ten") else PROGRAMS) / statistics.median(each)
        for name, each in seconds.items()
    }
    rates["eligibility.facts"] = found.households / facts[0]
    whole, steps = await job(server)
    rates["eligibility.job"] = found.households * len(PROGRAMS) / whole
    conditions = (
        f"{os.cpu_count()} cores, load average before {load:.1f}; {found.households} households x {screened.MEMBERS} persons;"
        f" PostgreSQL 18 (embedded, durable), {CONNECTIONS} connections, {CHUNK} households a statement, no JIT; outcomes of"
        f" households and persons kept in tables; median of {rounds} alternating rounds"
    )
    told: dict[str, str] = {
        "eligibility.facts": f"households a second; {conditions}; from persons, memberships, answers, registry and enrollments",
        "eligibility.job": f"{conditions}; one worker, {whole:.0f} s in {steps} steps, once",
    }
    for name in ("openfisca", "zen"):
        many = found.households if name == "openfisca" else min(ZEN_HOUSEHOLDS, found.households)
        result = await asyncio.to_thread(peer, name, server, many)
        if result is None:
            told[f"{name}.ten"] = "not measured: it cannot be installed here"
            continue
        rates[f"{name}.ten"] = result["evaluations"] / result["seconds"]
        told[f"{name}.ten"] = f"{conditions}; {result['told']}"
        expected = await eligible(first, found.ids[many - 1])
        if result["eligible"] != expected:
            problems.append(f"{name} found others eligible: {result['eligible']}, ours {expected}")
    baselines = {
        "eligibility.screening": "eligibility.by_hand",
        "eligibility.ten": "openfisca.ten",
        "eligibility.ten.zen": "zen.ten",
    }
    rates["eligibility.ten.zen"] = rates["eligibility.ten"]
    rows: list[dict[str, object]] = []
    for name, rate in rates.items():
        baseline = baselines.get(name)
        ratio = round(rate / rates[baseline], 3) if baseline in rates else None
        rows.append(
            {
                "name": name,
                "value": round(rate),
                "unit": "households/s" if name == "eligibility.facts" else "evaluations/s",
                "baseline": baseline,
                "ratio": ratio,
                "p50_ms": None,
                "p95_ms": None,
                "p99_ms": None,
                "non_2xx": 0,
                "seconds": round(sum(seconds.get(name, [])), 1),
                "conditions": told.get(name, conditions),
            }
        )
        if baseline and ratio is not None and ratio < DEMANDED[baseline]:
            problems.append(f"{name}: ratio {ratio} to {baseline}, demanded {DEMANDED[baseline]}")
    if rates["eligibility.screening"] < LEAST and found.households >= 250_000:
        problems.append(f"eligibility.screening: {rates['eligibility.screening']:.0f} evaluations/s, demanded {LEAST}")
    for connection in (found.superuser, *found.connections):
        await connection.close()
    return rows, problems


def run(households: int, rounds: int) -> tuple[list[dict[str, object]], list[str]]:
    """Measure in a database of its own and print a table. Returns the rows of `latest.json`, and what is wrong with them."""
    kept = os.environ.get("BENCH_DATA_DIR")
    with tempfile.TemporaryDirectory(prefix="slrt-bench-") as folder:
        server = EmbeddedPostgres(Path(kept or folder))
        try:
            server.start()
            print(f"making {households} households for eligibility ...", flush=True)
            rows, problems = asyncio.run(measured(server, households, rounds))
        finally:
            server.stop()
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']} of {row['baseline']}"
        print(f"{row['name']!s:28} {row['value']!s:>10} {row['unit']!s:16} {ratio}")
    return rows, problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=HOUSEHOLDS)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows, problems = run(asked.households, asked.rounds)
    for row in rows:
        print(f"{row['name']}: {row['conditions']}")
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
