"""The embedded PostgreSQL: joined, crashed, moved away by long paths, closed to everybody else."""

import errno
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from slrt_api.runtime.embedded import EmbeddedPostgres, EmbeddedPostgresError

Start = Callable[..., EmbeddedPostgres]


async def ask(server: EmbeddedPostgres, question: str) -> object:
    connection = await asyncpg.connect(server.superuser_url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data_dir / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def kill(server: EmbeddedPostgres) -> None:
    """SIGKILL to the postmaster, and wait until the signal has arrived: its socket refuses."""
    address = str(server.socket_dir / ".s.PGSQL.5432")
    os.kill(postmaster(server), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address) == errno.ECONNREFUSED:
                return
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not `tmp_path`: pytest closes its parent to other users again whenever another session starts.
    path = Path(tempfile.mkdtemp(prefix="slrt-faults-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A cluster as `start` makes it, where nothing has run since."""
    path = Path(tempfile.mkdtemp(prefix="slrt-faults-"))
    server = EmbeddedPostgres(path / "data", durable=False)
    server.start()
    server.stop()
    yield path / "data" / "cluster"
    shutil.rmtree(path)


@pytest.fixture
def start(folder: Path, pristine: Path) -> Iterator[Start]:
    """Start a server on a folder below `folder`; all are stopped at the end, the last started first.

    Where a test is not about making one, the cluster is a copy: initdb takes a second.
    """
    handles: list[EmbeddedPostgres] = []

    def start_one(
        data_dir: Path = folder / "data", *, durable: bool = False, initialized: bool = True
    ) -> EmbeddedPostgres:
        if initialized and not data_dir.exists():
            data_dir.mkdir(mode=0o700, parents=True)
            subprocess.run(["cp", "-a", pristine, data_dir / "cluster"], check=True)
        handle = EmbeddedPostgres(data_dir, durable=durable)
        handles.append(handle)
        handle.start()
        return handle

    yield start_one
    for handle in reversed(handles):
        handle.stop()


class TestWhoGetsIn:
    def test_the_socket_folder_is_private_because_every_local_connection_is_trusted(self, start: Start) -> None:
        server = start(initialized=False)
        rules = (server.data_dir / "cluster" / "pg_hba.conf").read_text().splitlines()
        trusting = {rule.split(maxsplit=1)[0] for rule in rules if rule.split()[-1:] == ["trust"]}
        assert trusting == {"local"}
        status = server.socket_dir.stat()
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert status.st_uid == (server.data_dir / "cluster").stat().st_uid
        assert stat.S_IMODE((server.socket_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700

    def test_a_socket_folder_that_was_opened_is_closed_again(self, start: Start, folder: Path) -> None:
        (folder / "data" / "socket").mkdir(parents=True)
        (folder / "data" / "socket").chmod(0o777)
        assert stat.S_IMODE(start().socket_dir.stat().st_mode) == 0o700

    async def test_it_listens_on_no_network_address(self, postgres: EmbeddedPostgres) -> None:
        assert await ask(postgres, "SHOW listen_addresses") == ""

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users at hand")
    def test_another_user_is_refused_by_the_operating_system(self, postgres: EmbeddedPostgres) -> None:
        script = """
            import os, socket, sys
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
            try:
                socket.socket(socket.AF_UNIX).connect(sys.argv[1])
            except PermissionError:
                sys.exit(7)
        """
        path = str(postgres.socket_dir / ".s.PGSQL.5432")
        run = subprocess.run([sys.executable, "-c", textwrap.dedent(script), path], check=False)
        assert run.returncode == 7

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it as somebody else")
    def test_root_runs_it_as_a_user_of_its_own_and_opens_no_folder_to_readers(self, start: Start, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o700)
        server = start(folder / "closed" / "data", initialized=False)
        owner = Path(f"/proc/{postmaster(server)}").stat().st_uid
        assert pwd.getpwuid(owner).pw_name in {"slrt_postgres", "nobody"}
        assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o701
        assert stat.S_IMODE((folder / "closed" / "data").stat().st_mode) == 0o701
        assert stat.S_IMODE((folder / "closed" / "data" / "cluster").stat().st_mode) == 0o700
        assert stat.S_IMODE(server.log_file.stat().st_mode) == 0o600


class TestStart:
    async def test_the_cluster_is_utf8_in_the_builtin_locale_and_speaks_utc(self, postgres: EmbeddedPostgres) -> None:
        row = "SELECT (pg_encoding_to_char(encoding), datlocprovider, datlocale)::text FROM pg_database LIMIT 1"
        assert await ask(postgres, row) == "(UTF8,b,C.UTF-8)"
        assert await ask(postgres, "SHOW timezone") == "UTC"
        assert str(await ask(postgres, "SHOW server_version")).startswith("18.")

    async def test_only_a_throwaway_server_forgets_on_a_crash(self, start: Start, folder: Path) -> None:
        throwaway, durable = start(folder / "a"), start(folder / "b", durable=True)
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert [await ask(throwaway, f"SHOW {name}") for name in names] == ["off", "off", "off"]
        assert [await ask(durable, f"SHOW {name}") for name in names] == ["on", "on", "on"]

    async def test_two_folders_of_which_one_name_contains_the_other_are_two_servers(
        self, start: Start, folder: Path
    ) -> None:
        first = start(folder / "pg1")
        await ask(first, "CREATE TABLE only_here ()")
        second = start(folder / "pg10")
        assert postmaster(first) != postmaster(second)
        assert await ask(second, "SELECT to_regclass('only_here')") is None
        assert await ask(first, "SELECT to_regclass('only_here')::text") == "only_here"

    async def test_data_outlives_a_stop(self, start: Start) -> None:
        server = start()
        await ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.stop()
        server.start()
        assert await ask(server, "SELECT answer FROM kept") == 42

    def test_starting_twice_keeps_the_server(self, start: Start) -> None:
        server = start()
        before = postmaster(server)
        server.start()
        assert postmaster(server) == before

    async def test_an_initdb_that_was_killed_halfway_is_done_anew(self, start: Start, folder: Path) -> None:
        half = folder / "data" / "cluster.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        assert await ask(start(), "SELECT 1") == 1
        assert not half.exists()

    def test_a_server_that_cannot_start_says_why(self, start: Start) -> None:
        server = start()
        server.stop()
        (server.data_dir / "cluster" / "PG_VERSION").write_text("9.6\n")
        with pytest.raises(EmbeddedPostgresError, match="incompatible with server"):
            server.start()

    async def test_failed_statements_leave_no_values_in_the_log(self, postgres: EmbeddedPostgres) -> None:
        connection = await asyncpg.connect(postgres.superuser_url)
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await connection.execute("SELECT 'Siti Aminah'::integer")
        await connection.close()
        assert "Siti" not in postgres.log_file.read_text()


class TestJoin:
    async def test_a_second_handle_joins_and_does_not_stop_what_it_did_not_start(self, start: Start) -> None:
        first, second = start(), start()
        assert postmaster(first) == postmaster(second)
        second.stop()
        assert await ask(first, "SELECT 1") == 1
        first.stop()
        with pytest.raises(EmbeddedPostgresError, match="start it first"):
            _ = second.superuser_url

    async def test_a_handle_that_never_started_anything_finds_the_server(self, start: Start) -> None:
        server = start()
        assert await ask(EmbeddedPostgres(server.data_dir), "SELECT 1") == 1

    def test_starting_at_once_makes_one_server(self, folder: Path) -> None:
        handles = [EmbeddedPostgres(folder / "data", durable=False) for _ in range(4)]
        threads = [threading.Thread(target=handle.start) for handle in handles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            assert len({postmaster(handle) for handle in handles}) == 1
        finally:
            for handle in handles:
                handle.stop()
        assert not (folder / "data" / "cluster" / "postmaster.pid").exists()

    def test_what_a_killed_parent_left_is_joined_and_stopped_by_the_heir(self, start: Start, folder: Path) -> None:
        script = """
            import sys, time, pathlib
            from slrt_api.runtime.embedded import EmbeddedPostgres
            EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False).start()
            print("up", flush=True)
            time.sleep(60)
        """
        command = [sys.executable, "-c", textwrap.dedent(script), str(folder / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "up\n"
            left = postmaster(EmbeddedPostgres(folder / "data"))
            parent.kill()
        heir = start()
        assert postmaster(heir) == left
        heir.stop()
        assert not (heir.data_dir / "cluster" / "postmaster.pid").exists()

    def test_ctrl_c_in_the_terminal_does_not_reach_the_server(self, start: Start) -> None:
        server = start()
        assert os.getpgid(postmaster(server)) != os.getpgid(0)
        assert os.getsid(postmaster(server)) != os.getsid(0)


class TestCrash:
    async def test_a_killed_server_is_started_again_with_what_was_committed(self, start: Start) -> None:
        server = start(durable=True)
        await ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        killed = postmaster(server)
        kill(server)
        server.start()
        assert postmaster(server) != killed
        assert await ask(server, "SELECT answer FROM kept") == 42

    def test_a_pid_file_that_names_a_living_stranger_is_survived(self, start: Start) -> None:
        """After a reboot or in a new container the old pid belongs to somebody else: here, to this test's child."""
        server = start()
        server.stop()
        account = (server.data_dir / "cluster").stat()
        as_root = os.geteuid() == 0
        with subprocess.Popen(["sleep", "60"], user=account.st_uid if as_root else None) as stranger:
            pid_file = server.data_dir / "cluster" / "postmaster.pid"
            lines = [stranger.pid, pid_file.parent, 1, 5432, server.data_dir / "socket", "", "  1  2", "ready   "]
            pid_file.write_text("".join(f"{line}\n" for line in lines))
            os.chown(pid_file, account.st_uid, account.st_gid)
            server.start()
            assert postmaster(server) != stranger.pid
            server.stop()
            assert stranger.poll() is None
            stranger.kill()


class TestLongPath:
    async def test_the_socket_goes_to_a_private_folder_that_is_gone_after_the_stop(
        self, start: Start, folder: Path
    ) -> None:
        server = start(folder / ("long" * 30))
        away = server.socket_dir
        assert server.data_dir not in away.parents
        assert stat.S_IMODE(away.stat().st_mode) == 0o700
        assert await ask(EmbeddedPostgres(server.data_dir), "SELECT 1") == 1
        server.stop()
        assert not away.exists()

    async def test_a_crash_does_not_leave_a_folder_for_each_start(self, start: Start, folder: Path) -> None:
        server = start(folder / ("long" * 30))
        away = server.socket_dir
        kill(server)
        server.start()
        assert server.socket_dir == away
        assert await ask(server, "SELECT 1") == 1

    async def test_the_handle_of_a_killed_server_does_not_disturb_its_successor(
        self, start: Start, folder: Path
    ) -> None:
        first = start(folder / ("long" * 30))
        kill(first)
        second = start(folder / ("long" * 30))
        first.stop()
        assert await ask(second, "SELECT 1") == 1

    async def test_a_folder_whose_name_a_dsn_would_split_works(self, start: Start, folder: Path) -> None:
        assert await ask(start(folder / "a,b c'd"), "SELECT 1") == 1

    def test_a_name_that_somebody_else_took_is_not_used_again(self, start: Start, folder: Path) -> None:
        server = start(folder / ("long" * 30))
        away = server.socket_dir
        kill(server)
        away.chmod(0o755)
        server.start()
        assert server.socket_dir != away
        shutil.rmtree(away)


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user every other test here is this one")
class TestOrdinaryUser:
    SCRIPT = """
        import asyncio, os, pathlib, sys
        import asyncpg
        from slrt_api.runtime.embedded import EmbeddedPostgres
        # Imported as root: the interpreter itself may lie where only root can read.
        asyncio.run(asyncio.sleep(0))
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)
        server.start()
        async def who():
            connection = await asyncpg.connect(server.superuser_url)
            print(await connection.fetchval("SELECT 6 * 7"), server.socket_dir.stat().st_uid)
            await connection.close()
        try:
            asyncio.run(who())
        finally:
            server.stop()
    """

    def run_as_nobody(self, data_dir: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", textwrap.dedent(self.SCRIPT), str(data_dir)]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")

    def test_it_runs_as_that_user_and_root_later_runs_it_as_that_user_too(self, start: Start, folder: Path) -> None:
        # The session's server has made the binaries traversable; in a clone below /root they would not be.
        start(folder / "other").stop()
        home = folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, 65534, 65534)
        run = self.run_as_nobody(home / "data")
        assert run.stdout == "42 65534\n", run.stderr
        server = start(home / "data")
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == 65534
        server.stop()
        run = self.run_as_nobody(home / "data")
        assert run.stdout == "42 65534\n", run.stderr

    def test_a_cluster_of_somebody_else_is_refused_with_the_reason(self, start: Start, folder: Path) -> None:
        server = start()
        run = self.run_as_nobody(server.data_dir)
        assert run.returncode == 1
        assert "belongs to another user" in run.stderr
