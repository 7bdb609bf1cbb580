"""`python -m benchmarks [rest,...]`: measure, print a table, write `benchmarks/latest.json`.

Exits with 1 when any answer was no 2xx, or a ratio that is demanded was missed. Environment: BENCH_HOUSEHOLDS,
BENCH_ROUNDS and BENCH_SECONDS for trials, BENCH_PERSONS and BENCH_SEARCH_PERSONS for what is timed on a regency of people;
BENCH_DATA_DIR keeps the database for the next run. `search.names` loads a million people and is measured only by its name.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import actor, clocks, eligibility, finding, peers, questions, search, seed, transitions
from benchmarks.load import Plan, Seen
from benchmarks.times import Times
from slrt_api.access.scopes import Role
from slrt_api.access.service import CALLERS_KEPT
from slrt_api.runtime import roles, tokens
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.settings import Settings

HOUSEHOLDS = int(os.environ.get("BENCH_HOUSEHOLDS", "200000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
CONNECTIONS = 16
LATEST = Path(__file__).with_name("latest.json")
ROOT = Path(__file__).resolve().parents[1]
#: No quota, or that would be what is measured. And patience: while a disk or a core that others use too stalls, callers
#: would be sent away after a quarter of a second, and statements canceled after two. Everything else is as it comes.
_ENVIRONMENT = {
    "SLRT_RATE_LIMIT_PER_MINUTE": "1000000000",
    "SLRT_POOL_ACQUIRE_TIMEOUT_SECONDS": "10",
    "SLRT_READ_TIMEOUT_MS": "10000",
}
#: seconds before the first round, which fill caches; V8 takes longer than those until its code is optimized
_WARMUP = {peers.POSTGRAPHILE: 10.0}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    server    what `benchmarks.serve` runs for it, or a peer
    ids       which ids stand in path or body
    expects   text that every right answer holds
    once      each id is asked once only: what was changed cannot be changed the same way again
    tokens    how many tokens the requests take in turn; 1 = one and the same
    baseline  the row that it is compared with, round by round; `demanded` is the least ratio
    connections  that ask at once; with one, times are those of a request that waits for no other
    p95_below_ms  what 95 of 100 answers have to be faster than
    """

    name: str
    server: str
    path: str
    ids: str = "households"
    baseline: str | None = None
    demanded: float | None = None
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: str = ""
    expects: str = ""
    once: bool = False
    tokens: int = 1
    connections: int = CONNECTIONS
    p95_below_ms: float | None = None
    role: Role = Role.SECRETARIAT_MANAGER
    environment: Mapping[str, str] = field(default_factory=dict)


_UNSAMPLED = {"SLRT_TRACE_SAMPLE_RATIO": "0"}


def _graphql(name: str, body: str, expects: str, **others: Any) -> Row:
    """A question in GraphQL, to the application unless another server is named."""
    row: dict[str, Any] = {"server": "app", "environment": _UNSAMPLED, **others}
    headers = ("Accept: application/graphql-response+json",)
    return Row(name, path="/graphql", method="POST", headers=headers, body=body, expects=expects, **row)


ROWS = (
    Row("bare", "bare", "/{id}"),
    Row("bare.no_rls", "bare.no_rls", "/{id}", baseline="bare"),
    Row(
        "rest.household_members",
        "app",
        "/v1/households/{id}?include=members",
        baseline="bare",
        demanded=0.6,
        environment=_UNSAMPLED,
    ),
    _graphql(
        "graphql.household_members", questions.HOUSEHOLD_MEMBERS, '"relation":"HEAD"', baseline="bare", demanded=0.6
    ),
    Row(
        "rest.household_members.traced",
        "app.traced",
        "/v1/households/{id}?include=members",
        baseline="rest.household_members",
        environment={"SLRT_TRACE_SAMPLE_RATIO": "1"},
    ),
    Row("walls.no_rls", "bare.no_policies", "/{id}"),
    Row("walls.rls", "bare", "/{id}", baseline="walls.no_rls"),
    Row(
        "walls.token_cached",
        "app",
        "/v1/households/{id}?include=members",
        baseline="rest.household_members",
        tokens=500,
        environment=_UNSAMPLED,
    ),
    Row(
        "walls.token_cold",
        "app",
        "/v1/households/{id}?include=members",
        baseline="walls.token_cached",
        # More than the caches keep, taken in turn: each has been forgotten before its turn comes again.
        tokens=2 * max(tokens.CACHE_SIZE, CALLERS_KEPT) + 1,
        environment=_UNSAMPLED,
    ),
    Row("rest.households_list", "app", "/v1/households?limit=50", ids="", environment=_UNSAMPLED),
    Row("write.case_transition.sql", transitions.SERVER, "", ids="cases"),
    # With its event, its revision, and the answer kept for a retry.
    Row(
        "write.case_transition",
        "app",
        "/v1/cases/{id}/transitions",
        ids="cases",
        baseline="write.case_transition.sql",
        demanded=0.12,
        p95_below_ms=40.0,
        method="POST",
        headers=('If-Match: "1"', "Idempotency-Key: {id}"),
        body='{"action":"ASSESS"}',
        once=True,
        role=Role.SECRETARIAT_OFFICER,
        environment=_UNSAMPLED,
    ),
    # One household against three programs, stored with what it hung on.
    Row(
        "eligibility.check",
        "app",
        "/v1/eligibility-checks",
        method="POST",
        body='{"household_id":"{id}","program_codes":["PKH","SEMBAKO","PBI-JK"],"as_of":"2026-11-22"}',
        expects='"outcome"',
        connections=1,
        p95_below_ms=15.0,
        role=Role.SECRETARIAT_OFFICER,
        environment=_UNSAMPLED,
    ),
    _graphql("graphql.three_levels", questions.THREE_LEVELS, '"number":"RJK-', ids="worked"),
    _graphql("graphql.list_50", questions.LIST, '"hasNextPage":true', ids=""),
    _graphql(
        "postgraphile.household_members",
        questions.POSTGRAPHILE,
        '"relation":"HEAD"',
        server=peers.POSTGRAPHILE,
        environment={},
    ),
    _graphql(
        "graphql.vs_postgraphile",
        questions.OURS,
        '"relation":"HEAD"',
        baseline="postgraphile.household_members",
        demanded=1.1,
    ),
)


@dataclass(frozen=True)
class Timed:
    """A line of the table that is no rate: acts one after the other, on people of its own.

    limit_ms  p95 has to be below it
    named     measured only where its name is asked for
    """

    name: str
    limit_ms: float
    measure: Callable[[Path], tuple[Times, str]]
    named: bool = False


TIMED = (
    Timed("duplicates.check", finding.GOAL_P95_MS, finding.row),
    Timed("search.names", search.GOAL_P95_MS, search.row, named=True),
)
#: which ids are asked for
_WANTED = {
    "households": "SELECT id FROM households",
    # The first half: pgbench has cases of its own, from the end (`transitions.prepare`).
    "cases": "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all_of_them FROM cases"
    " WHERE status = 'VERIFICATION' AND version = 1) WHERE place <= all_of_them / 2",
    "worked": "SELECT DISTINCT c.household_id FROM cases c JOIN referrals r ON r.case_id = c.id",
}
#: households for which ours and the peer's answer are compared before anything is measured
_COMPARED = 100


def selected(wanted: list[str]) -> list[Row]:
    """The rows whose name, or whose beginning up to a dot, is wanted, with the rows that they are compared with."""
    chosen = {row.name for row in ROWS if not wanted or _is_wanted(row.name, wanted)}
    names = [each.name for each in (*ROWS, *TIMED)]
    if unknown := [name for name in wanted if not any(_is_wanted(each, [name]) for each in names)]:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names)}")
    while further := {row.baseline for row in ROWS if row.name in chosen and row.baseline} - chosen:
        # What is compared may itself be compared with another.
        chosen |= further
    return [row for row in ROWS if row.name in chosen]


def _is_wanted(name: str, wanted: list[str]) -> bool:
    return name in wanted or name.partition(".")[0] in wanted


def timed(wanted: list[str]) -> list[dict[str, object]]:
    """The rows of acts that are timed one after the other, each on a database of its own."""
    results: list[dict[str, object]] = []
    for each in TIMED:
        if not (_is_wanted(each.name, wanted) or (not wanted and not each.named)):
            continue
        print(f"measuring {each.name} ...", flush=True)
        load_before = os.getloadavg()[0]
        with tempfile.TemporaryDirectory(prefix="slrt-bench-", ignore_cleanup_errors=True) as folder:
            times, told = each.measure(Path(folder))
        results.append(
            {
                "name": each.name,
                "value": round(times.p95, 1),
                "unit": "ms, p95",
                "baseline": None,
                "ratio": None,
                "p50_ms": round(times.at(0.5), 1),
                "p95_ms": round(times.p95, 1),
                "p99_ms": round(times.at(0.99), 1),
                "non_2xx": 0,
                "seconds": round(sum(times.milliseconds) / 1_000, 1),
                "conditions": f"{os.cpu_count()} cores shared with PostgreSQL 18 (embedded, durable), load average before "
                f"{load_before:.1f}; {len(times.milliseconds)} acts; {told}",
                "commit": commit(),
            }
        )
    return results


@dataclass
class Server:
    """A running server process."""

    process: subprocess.Popen[str]
    port: int

    def cpu_seconds(self) -> float:
        """Processor time of the process so far; 0 where /proc does not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(name: str, environment: Mapping[str, str], log: Path, peer: peers.Peer | None) -> Iterator[Server]:
    """A server for as long as the block runs. Its log lines go to a file, as they would in service."""
    with log.open("w") as output:
        reader, writer = os.pipe()
        own = [sys.executable, "-m", "benchmarks.serve", name, str(writer)]
        process = subprocess.Popen(
            peer.command(writer) if peer and name == peers.POSTGRAPHILE else own,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            text=True,
        )
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                port = pipe.readline().strip()
            if not port:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-3000:]}")
            yield Server(process, int(port))
        finally:
            process.terminate()
            process.wait(30)


def measured(plan: Plan) -> Seen:
    """One run of the load generator."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        check=False,
        timeout=plan.warmup_seconds + plan.seconds + 60,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return Seen(**json.loads(done.stdout))


@dataclass
class Runs:
    """What the rounds of one row saw."""

    row: Row
    seen: list[Seen] = field(default_factory=list)
    server_seconds: list[float] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        return [run.requests / run.seconds for run in self.seen]

    def result(self, baseline: "Runs | None", conditions: str) -> dict[str, object]:
        """The row of `latest.json`. The ratio is the median of the rounds' ratios, so that drift cancels out."""
        ratio = None
        if baseline is not None:
            ratio = round(statistics.median(a / b for a, b in zip(self.rates, baseline.rates, strict=True)), 3)
        generator = statistics.median(run.cpu_share for run in self.seen)
        spent = [used / run.sent for used, run in zip(self.server_seconds, self.seen, strict=True)]
        server = statistics.median(a * b for a, b in zip(spent, self.rates, strict=True))
        size = sum(run.bytes_ for run in self.seen) / max(1, sum(run.requests for run in self.seen))
        return {
            "name": self.row.name,
            "value": round(statistics.median(self.rates), 1),
            "unit": "requests/s",
            "baseline": self.row.baseline,
            "ratio": ratio,
            "p50_ms": round(statistics.median(run.p50_ms for run in self.seen), 3),
            "p95_ms": round(statistics.median(run.p95_ms for run in self.seen), 3),
            "p99_ms": round(statistics.median(run.p99_ms for run in self.seen), 3),
            "non_2xx": sum(run.non_2xx for run in self.seen),
            "seconds": round(sum(run.seconds for run in self.seen), 1),
            "conditions": f"{conditions}; {self.row.connections} keep-alive connections; "
            f"the server used {server:.0%} of one core, "
            f"{statistics.median(spent) * 1e6:.0f} us a request, the generator {generator:.0%}; {size:.0f} bytes an answer",
            "commit": commit(),
        }


def commit() -> str:
    """The commit that was measured, `+` where the work tree differs from it."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() + ("+" if changed.stdout.strip() else "") if found.returncode == 0 else "unknown"


def without_peer(rows: list[Row], reason: str) -> tuple[list[Row], list[dict[str, object]]]:
    """The rows that need no peer, and a result without numbers for each of the others."""
    needing = [row for row in rows if peers.POSTGRAPHILE in {row.server, (row.baseline or "").partition(".")[0]}]
    empty = dict.fromkeys(("value", "ratio", "p50_ms", "p95_ms", "p99_ms"))
    skipped: list[dict[str, object]] = [
        {
            "name": row.name,
            "unit": "requests/s",
            "baseline": row.baseline,
            **empty,
            "non_2xx": 0,
            "seconds": 0,
            "conditions": f"not measured: {reason}",
            "commit": commit(),
        }
        for row in needing
    ]
    return [row for row in rows if row not in needing], skipped


def run(
    rows: list[Row], folder: Path, server: EmbeddedPostgres, peer: peers.Peer | None
) -> tuple[list[dict[str, object]], list[str]]:
    """Measure the rows in alternating rounds. Returns the results, and what the generator found wrong."""
    problems: list[str] = []
    environment = {
        **_ENVIRONMENT,
        "SLRT_DATA_DIR": str(folder),
        "SLRT_DATABASE_URL": server.url(roles.API, seed.DATABASE),
        "BENCH_SUPERUSER_URL": server.url("postgres", seed.DATABASE),
    }
    os.environ.update(environment)
    ids: dict[str, Path] = {}
    for table in {row.ids for row in rows if row.ids}:
        ids[table] = folder / f"{table}.ids"
        ids[table].write_text("\n".join(asyncio.run(seed.ids_of(server, _WANTED[table]))))
    several: dict[str, Path] = {}
    for row in rows:
        if row.tokens > 1:
            several[row.name] = folder / f"{row.name}.tokens"
            several[row.name].write_text("\n".join(actor.tokens(Settings(), row.tokens, row.role)))
    bearers = {role: f"Authorization: Bearer {actor.token(Settings(), role)}" for role in {row.role for row in rows}}
    runs = {row.name: Runs(row) for row in rows}
    load_before = os.getloadavg()[0]
    with ExitStack() as stack:
        servers: dict[tuple[str, str], Server] = {}
        for row in rows:
            key = (row.server, json.dumps(dict(row.environment)))
            if row.server != transitions.SERVER and key not in servers:
                log = folder / f"{row.name}.log"
                given = row.environment
                if peer and row.server == peers.POSTGRAPHILE:
                    given = peer.environment(environment["SLRT_DATABASE_URL"], actor.manager().rows, Settings())
                servers[key] = stack.enter_context(serving(row.server, given, log, peer))
        for row in rows:
            if row.baseline == "postgraphile.household_members":
                ours = servers[row.server, json.dumps(dict(row.environment))]
                compared = ids[row.ids].read_text().split("\n")[:_COMPARED]
                questions.compare(ours.port, servers[peers.POSTGRAPHILE, "{}"].port, bearers[row.role], compared)
        alone = {
            row.name: transitions.Pgbench.ready(
                environment["BENCH_SUPERUSER_URL"], environment["SLRT_DATABASE_URL"], row.connections
            )
            for row in rows
            if row.server == transitions.SERVER
        }
        for number in range(ROUNDS):
            for row in rows:
                if row.server == transitions.SERVER:
                    seen = alone[row.name].measured(SECONDS)
                    runs[row.name].seen.append(seen)
                    runs[row.name].server_seconds.append(0.0)
                    print(f"  round {number + 1} {row.name:32}{seen.requests / seen.seconds:8.0f}/s", flush=True)
                    continue
                measuring = servers[row.server, json.dumps(dict(row.environment))]
                plan = Plan(
                    port=measuring.port,
                    path=row.path,
                    method=row.method,
                    headers=row.headers if row.name in several else (*row.headers, bearers[row.role]),
                    tokens_file=str(several.get(row.name, "")),
                    body=row.body,
                    expects=row.expects,
                    ids_file=str(ids[row.ids]) if row.ids else "",
                    once=row.once,
                    offset=sum(run.sent for run in runs[row.name].seen),
                    connections=row.connections,
                    # The first round also fills the caches of the server and of PostgreSQL.
                    warmup_seconds=_WARMUP.get(row.server, 3.0) if number == 0 else 1.0,
                    seconds=SECONDS,
                )
                before = measuring.cpu_seconds()
                seen = measured(plan)
                used = measuring.cpu_seconds() - before
                runs[row.name].seen.append(seen)
                runs[row.name].server_seconds.append(used)
                rate = f"{seen.requests / seen.seconds:8.0f}/s {used / max(1, seen.sent) * 1e6:6.0f} us of the server"
                print(f"  round {number + 1} {row.name:32}{rate}", flush=True)
                problems += [f"{row.name}: {failure}" for failure in seen.failures]
    conditions = (
        f"{os.cpu_count()} cores shared by server, PostgreSQL 18 (embedded, durable) and generator, load average before "
        f"{load_before:.1f}; {HOUSEHOLDS} households x {seed.MEMBERS}; one worker, uvicorn on uvloop and httptools, "
        f"{Settings().read_pool_size} read connections, no rate limit, 10 s of patience for one and for a statement; "
        "connections without pipelining; median of "
        f"{ROUNDS} alternating rounds of {SECONDS:g} s"
    )
    results = []
    for each in runs.values():
        told = conditions
        if peer and peers.POSTGRAPHILE in {each.row.server, (each.row.baseline or "").partition(".")[0]}:
            told = f"{conditions}; {peer.told}; the same values in both answers for {_COMPARED} households"
        if each.row.server == transitions.SERVER:
            told = f"pgbench: the {alone[each.row.name].statements} texts of one act, prepared, {conditions}"
        results.append(each.result(runs.get(each.row.baseline or ""), told))
    return results, problems


def failures(results: list[dict[str, object]]) -> list[str]:
    """What makes the run fail."""
    demanded = {row.name: row.demanded for row in ROWS if row.demanded is not None}
    found = [f"{row['name']}: {row['non_2xx']} answers were no 2xx" for row in results if row["non_2xx"]]
    for row in results:
        least, ratio = demanded.get(str(row["name"])), row["ratio"]
        if row["value"] is not None and least is not None and (not isinstance(ratio, float) or ratio < least):
            found.append(f"{row['name']}: ratio {ratio} to {row['baseline']}, demanded {least}")
    limits = {each.name: each.limit_ms for each in TIMED}
    limits |= {each.name: each.p95_below_ms for each in ROWS if each.p95_below_ms is not None}
    for row in results:
        limit, value = limits.get(str(row["name"])), row["p95_ms"]
        if limit is not None and isinstance(value, float) and value >= limit:
            found.append(f"{row['name']}: p95 {value} ms, demanded below {limit:g}")
    return found


def table(results: list[dict[str, object]]) -> str:
    """The results for a person."""
    lines = [f"{'':32} {'value':>10} {'ratio':>7} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'non-2xx':>8}"]
    for row in results:
        if row["value"] is None:
            lines.append(f"{row['name']!s:32} {row['conditions']}")
            continue
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
        unit = "/s" if row["unit"] == "requests/s" else "ms"
        lines.append(
            f"{row['name']!s:32} {row['value']:>8}{unit} {ratio:>7} {row['p50_ms']:>8} {row['p95_ms']:>8} {row['p99_ms']:>8}"
            f" {row['non_2xx']:>8}"
        )
    return "\n".join(lines)


def rates(rows: list[Row]) -> tuple[list[dict[str, object]], list[str]]:
    """Load the database and measure the rows. Returns the results, and what the generator found wrong."""
    peer: peers.Peer | None = None
    skipped: list[dict[str, object]] = []
    if any(row.server == peers.POSTGRAPHILE for row in rows):
        try:
            peer = peers.install()
        except peers.Missing as reason:
            rows, skipped = without_peer(rows, str(reason))
    kept = os.environ.get("BENCH_DATA_DIR")
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="slrt-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        print(f"loading {HOUSEHOLDS} households ...", flush=True)
        asyncio.run(seed.prepare(server, HOUSEHOLDS, peers.computed_columns if peer else None))
        results, problems = run(rows, folder, server, peer)
    finally:
        server.stop()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    return results + skipped, problems


def main() -> int:
    wanted = [name for argument in sys.argv[1:] for name in argument.split(",") if name]
    screening = [name for name in wanted if name.partition(".")[0] == "eligibility" and name != "eligibility.check"]
    deadlines = [name for name in wanted if name in {"clocks", clocks.NAME}]
    others = [name for name in wanted if name not in {*screening, *deadlines}]
    rows = selected(others) if others or not wanted else []
    results, problems = rates(rows) if rows else ([], [])
    results += timed(others) if others or not wanted else []
    print(table(results))
    found = [*problems, *failures(results)]
    if screening or not wanted:
        screened, wrong = eligibility.run(eligibility.HOUSEHOLDS, ROUNDS)
        results += [{**row, "commit": commit()} for row in screened]
        found += wrong
    if deadlines or not wanted:
        counted, wrong = clocks.run()
        results += [{**row, "commit": commit()} for row in counted]
        found += wrong
    LATEST.write_text(json.dumps(results, indent=2) + "\n")
    if found:
        print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
