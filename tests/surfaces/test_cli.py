"""The command line: what people and deployments start, how it stops, and what it refuses."""

import asyncio
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.api import household_body
from tests.commands import Result, copied, run, started, within
from tests.conftest import MigratedDatabase

from slrt_api.access.scopes import Role
from slrt_api.runtime import roles
from slrt_api.runtime.embedded import EmbeddedPostgres

PASSWORD = "p@ss/word"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test. Not pytest's own: every session closes that one to others, and PostgreSQL runs as another."""
    path = Path(tempfile.mkdtemp(prefix="slrt-tests-"))
    yield path
    shutil.rmtree(path)


class TestRefusals:
    """A refusal is one line for people: no traceback, no secret."""

    async def test_a_process_tells_it_like_the_others_here(self, folder: Path) -> None:
        """The others of this class are asked within this process: each start of one takes seconds."""
        asked = await run("serve", folder=folder)
        assert asked == within("serve", folder=folder)
        assert (asked.code, asked.out, asked.err.count("\n")) == (1, "", 1)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("serve",), "SLRT_DATABASE_URL"),
            (("db", "upgrade"), "SLRT_MIGRATION_DATABASE_URL"),
            (("db", "roles"), "SLRT_ADMIN_DATABASE_URL"),
            (("worker",), "SLRT_DATABASE_URL"),
            (("audit", "verify"), "SLRT_MIGRATION_DATABASE_URL"),
            (("token", "facilitator"), "no server runs on .data"),
            (("openapi", "export", "--check"), "make contracts"),
        ],
    )
    async def test_what_is_missing_is_named(self, folder: Path, arguments: tuple[str, ...], told: str) -> None:
        result = within(*arguments, folder=folder)
        assert (result.code, result.out) == (1, "")
        assert told in result.err
        assert result.err.count("\n") == 1

    async def test_an_incomplete_production_starts_nothing_and_shows_no_value(self, folder: Path) -> None:
        url = f"postgresql://slrt_api:{PASSWORD}@db/slrt"
        result = within("serve", folder=folder, SLRT_ENV="production", SLRT_DATABASE_URL=url)
        assert result.code == 1
        assert "SLRT_ENCRYPTION_KEYS, SLRT_INDEX_KEY, SLRT_SEALED_KEYS, SLRT_ISSUERS" in result.err
        assert PASSWORD not in result.err

    async def test_development_is_refused_in_production(self, folder: Path) -> None:
        result = within("dev", "--port", "0", folder=folder, SLRT_ENV="production")
        assert result.code == 1
        assert "SLRT_ENV=production" in result.err
        assert not (folder / ".data").exists()

    async def test_a_taken_port_is_told_before_anything_starts(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = await run("dev", "--port", port, folder=folder)
        assert result.code == 1
        assert f"port {port} on 127.0.0.1 cannot be used" in result.err
        assert not (folder / ".data" / "postgres").exists()

    async def test_a_database_that_is_not_there_is_told_without_its_url(self, folder: Path) -> None:
        url = f"postgresql://slrt_owner:secret@/slrt?host={folder}"
        result = within("db", "upgrade", folder=folder, SLRT_MIGRATION_DATABASE_URL=url)
        assert result.code == 1
        assert "SLRT_MIGRATION_DATABASE_URL: no connection" in result.err
        assert "secret" not in result.err

    @pytest.mark.parametrize(
        ("owner", "api", "told"),
        [
            ("postgres@/slrt", "slrt_api@/slrt", "SLRT_MIGRATION_DATABASE_URL has to log in as slrt_owner"),
            ("slrt_owner@/slrt", "slrt_owner@/slrt", "SLRT_DATABASE_URL has to log in as slrt_api"),
            ("slrt_owner@/slrt", "slrt_api@/other", "name the same database"),
        ],
    )
    async def test_urls_that_do_not_belong_together(self, folder: Path, owner: str, api: str, told: str) -> None:
        result = within(
            *("db", "roles"),
            folder=folder,
            SLRT_ADMIN_DATABASE_URL="postgresql://postgres@/postgres",
            SLRT_MIGRATION_DATABASE_URL=f"postgresql://{owner}",
            SLRT_DATABASE_URL=f"postgresql://{api}",
        )
        assert result.code == 1
        assert told in result.err


class TestDatabase:
    async def test_from_an_empty_server_to_a_checked_schema(self, postgres: EmbeddedPostgres, folder: Path) -> None:
        """The steps of a deployment, each with the URLs that it gets there and no other setting."""
        name = "slrt_from_nothing"

        def url(role: str) -> str:
            return f"postgresql://{role}:p%40ss%2Fword@/{name}?host={postgres.socket_dir}"

        steps = {"SLRT_ENV": "production", "SLRT_MIGRATION_DATABASE_URL": url(roles.OWNER)}
        admin = {"SLRT_ADMIN_DATABASE_URL": postgres.superuser_url, "SLRT_DATABASE_URL": url(roles.API)}
        for _ in range(2):
            assert await run("db", "roles", folder=folder, **steps, **admin) == Result(0, "", "")
        superuser = await asyncpg.connect(postgres.superuser_url)
        logins = await superuser.fetch(
            "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY rolname"
        )
        await superuser.close()
        assert [row["rolname"] for row in logins] == [roles.API, roles.OWNER]
        assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in logins)

        unmigrated = await run("db", "check", folder=folder, **steps)
        assert unmigrated.code == 1
        for _ in range(2):
            assert await run("db", "upgrade", folder=folder, **steps) == Result(0, "", "")
        checked = await run("db", "check", folder=folder, **steps)
        assert (checked.code, checked.out, checked.err) == (0, "", "")

        owner = await asyncpg.connect(postgres.url(roles.OWNER, name))
        assert await owner.fetchval("SELECT count(*) FROM areas WHERE code = '33.26.01.2001'") == 1
        assert await owner.fetchval("SELECT count(*) FROM programs WHERE code = 'PKH'") == 1
        await owner.execute("ALTER TABLE households ADD COLUMN drifted integer")
        await owner.close()
        drifted = await run("db", "check", folder=folder, **steps)
        assert drifted.code == 1
        assert "drifted" in drifted.err

    async def test_without_a_url_the_check_makes_a_server_of_its_own(self, folder: Path) -> None:
        scratch = folder / "scratch"
        scratch.mkdir()
        assert await run("db", "check", folder=folder, TMPDIR=str(scratch)) == Result(0, "", "")
        assert list(scratch.iterdir()) == []


@asynccontextmanager
async def development(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`slrt-api dev` on a free port, until it tells its address; terminated where a test fails."""
    process = await started("dev", "--port", "0", folder=folder)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while b"is ready: " not in (line := await process.stdout.readline()):
                assert line, "it ended before it was ready"
        yield process, line.decode().rpartition(" ")[2].strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 60)


@asynccontextmanager
async def owner_of(data: Path) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to the database of a stopped development server."""
    server = EmbeddedPostgres(data / "postgres")
    await asyncio.to_thread(server.start)
    try:
        connection = await asyncpg.connect(server.url(roles.OWNER, "slrt"))
        yield connection
        await connection.close()
    finally:
        await asyncio.to_thread(server.stop)


class TestWorker:
    async def test_it_works_until_it_is_told_to_stop(self, database: MigratedDatabase, folder: Path) -> None:
        process = await started(
            "worker", folder=folder, SLRT_DATABASE_URL=database.api_url, SLRT_DATA_DIR=str(folder / "data")
        )
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        assert b"worker_started" in line
        process.terminate()
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, err) == (0, b"")
        assert b"worker_stopped" in out
        assert b"job_failed" not in out


class TestDevelopment:
    async def test_from_nothing_to_a_household_and_again(self, folder: Path, demo_data: Path) -> None:
        """What the first start is like, `demo_data` tells."""
        data = folder / ".data"
        copied(demo_data, data)
        async with development(folder) as (process, base_url):
            assert (data / "address").read_text() == f"{base_url}\n"
            token = await run("token", "facilitator", folder=folder)
            assert (token.code, token.err, token.out.count("\n")) == (0, "", 1)
            headers = {"authorization": f"Bearer {token.out.strip()}"}
            async with httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False) as facilitator:
                key = {"idempotency-key": "00000000-0000-4000-8000-000000000001"}
                made = await facilitator.post("/v1/households", json=household_body(), headers=key)
                assert made.status_code == 201
                assert "server" not in made.headers
                assert (await facilitator.get("/health/ready")).status_code == 200
            elsewhere = await run("token", "auditor", folder=Path("/"), SLRT_BASE_URL=base_url)
            assert (elsewhere.code, elsewhere.out.count(".")) == (0, 2)
            for role in Role:
                told = within("token", role.value, folder=folder)
                assert (role, told.code, told.out.count(".")) == (role, 0, 2)
            unknown = within("token", "partner", "--organization", "LKS-NOBODY", folder=folder)
            assert (unknown.code, unknown.out) == (1, "")
            assert "check role and organization" in unknown.err
            verified = await run("audit", "verify", "--regency", "3326", folder=folder)
            assert (verified.code, verified.err) == (0, ""), verified.out
            assert re.fullmatch(r"3326: [1-9][0-9]* events of [1-9][0-9]* resources: intact\n", verified.out)
            # Whoever was registered by the API can be found already.
            rebuilt = await run("names", "rebuild", "--regency", "3326", folder=folder)
            assert (rebuilt.code, rebuilt.err) == (0, "")
            assert re.fullmatch(r"3326: [1-9][0-9]* people, keys written for 0\n", rebuilt.out)
            nowhere = within("names", "rebuild", "--regency", "1", folder=folder)
            assert (nowhere.code, nowhere.out, nowhere.err) == (1, "", "slrt-api: no regency 1\n")
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 60)
            assert process.returncode == 0
        assert not (data / "address").exists()
        assert not (data / "postgres" / "cluster" / "postmaster.pid").exists()
        async with owner_of(data) as connection:
            # The first start had what it made counted, and did not leave that to the minute after.
            counted = "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'households'"
            assert await connection.fetchval(counted) == 1
            await connection.execute("UPDATE idempotent_answers SET created_at = created_at - interval '31 days'")
            await connection.execute("UPDATE events SET actor = 'somebody else' WHERE kind = 1")

        async with development(folder) as (process, base_url):
            token = await run("token", "auditor", folder=folder)
            headers = {"authorization": f"Bearer {token.out.strip()}"}
            async with httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False) as auditor:
                found = await auditor.get(made.headers["location"])
                assert found.json()["address"] == household_body()["address"]
            forged = await run("audit", "verify", folder=folder)
            assert forged.code == 1
            assert re.search(r"3326: .* flaws\n  .* COLUMNS actor", forged.out)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 60)
            assert process.returncode == 0
        async with owner_of(data) as connection:
            # The record of the last read was in memory when the signal came.
            assert await connection.fetchval("SELECT count(*) FROM accesses WHERE role = 'auditor'") == 1
            # The jobs ran beside the API.
            assert await connection.fetchval("SELECT count(*) FROM idempotent_answers") == 0

    async def test_a_signal_during_the_start_leaves_no_server_behind(self, folder: Path) -> None:
        process = await started("dev", "--port", "0", folder=folder)
        pid_file = folder / ".data" / "postgres" / "cluster" / "postmaster.pid"
        async with asyncio.timeout(60):
            while not pid_file.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 128 + signal.SIGTERM
        assert not pid_file.exists()
