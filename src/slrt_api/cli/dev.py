"""`slrt-api dev`: the whole platform in one process and one PostgreSQL beside it, from nothing, on one data folder."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

from pydantic import SecretStr

from slrt_api.attachments.adapters import store
from slrt_api.cli import civil, databases, seeding
from slrt_api.cli.databases import Urls
from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.cli.server import Server, application, bound
from slrt_api.cli.tokens import ADDRESS
from slrt_api.demo.clients import clients
from slrt_api.households.adapters.civil import configured
from slrt_api.households.adapters.civil_simulator import CREDENTIAL
from slrt_api.settings import Settings
from slrt_api.worker import jobs_of, work

HOST = "127.0.0.1"


def run(port: int, data_dir: Path) -> None:
    """Start everything, serve until SIGINT or SIGTERM, stop everything in the opposite order."""
    with readable_settings():
        if Settings().production:
            raise Refusal("SLRT_ENV=production is set: `slrt-api dev` mints its own tokens and is for development only")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        _Signals() as signals,
        closing(bound(HOST, port)) as listener,
        closing(bound(HOST, 0)) as simulated,
        _database(data_dir) as urls,
    ):
        base_url = f"http://{HOST}:{listener.getsockname()[1]}"
        asyncio.run(databases.upgrade(urls.owner))
        simulator = None
        with readable_settings():
            settings = Settings(database_url=urls.api, data_dir=data_dir, base_url=base_url)
            if settings.civil_registry_url is None:
                simulator = f"http://{HOST}:{simulated.getsockname()[1]}"
                chosen = {"civil_registry_url": simulator, "civil_registry_credential": SecretStr(CREDENTIAL)}
                settings = settings.model_copy(update=chosen)
        _seed(settings, urls.owner)
        app = application(settings, clients=clients)

        async def beside(stop: asyncio.Event) -> None:
            """The worker, and the civil registry of developers who have none."""
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                registry = configured(settings)
                if registry is not None:
                    stack.push_async_callback(registry.aclose)
                group.create_task(work(app.state.service.platform, stop, jobs_of(registry, store.configured(settings))))
                if simulator is not None:
                    group.create_task(civil.serve(simulated, stop))

        with _announced(data_dir, base_url, simulator) as announce:
            signals.leave_to_server()
            Server(app, announce, beside=beside).run_on(listener)


def _seed(settings: Settings, owner_url: str) -> None:
    """The demo regency, where it is not there yet: some seconds that are worth a word."""
    print("demo regency 33.26 ...", end="", file=sys.stderr, flush=True)
    made = seeding.seed(settings)
    if made:
        asyncio.run(databases.analyze(owner_url))
    print(" made" if made else " is there", file=sys.stderr, flush=True)


@contextmanager
def _database(data_dir: Path) -> Iterator[Urls]:
    """The database that the environment names, or else the embedded one."""
    given = databases.settings()
    if given.database_url is None:
        with databases.embedded(data_dir / "postgres") as urls:
            yield urls
    elif given.migration_database_url is None:
        raise Refusal("SLRT_DATABASE_URL is set, so SLRT_MIGRATION_DATABASE_URL is needed, too")
    else:
        yield Urls(given.database_url, given.migration_database_url)


class _Signals:
    """SIGINT and SIGTERM unwind the start, and are heard once: what is stopping is not stopped a second time."""

    def __init__(self) -> None:
        self._heard = False

    def __enter__(self) -> "_Signals":
        # Not Python's own handler for SIGINT either: a second Ctrl-C would leave PostgreSQL running.
        self._before = {number: signal.signal(number, self._on) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def leave_to_server(self) -> None:
        """From now on the server hears them; what it raises again after its end is no reason to hurry."""
        self._heard = True

    def _on(self, number: int, _: FrameType | None) -> None:
        if not self._heard:
            self._heard = True
            sys.exit(128 + number)


@contextmanager
def _announced(data_dir: Path, base_url: str, simulator: str | None) -> Iterator["_Announce"]:
    announce = _Announce(data_dir, base_url, simulator)
    try:
        yield announce
    finally:
        announce.withdraw()


class _Announce:
    """Tells people and `slrt-api token` where the server is."""

    def __init__(self, data_dir: Path, base_url: str, simulator: str | None) -> None:
        self._data_dir = data_dir
        self._simulator = simulator
        self._file = data_dir / ADDRESS
        self._base_url = base_url

    def __call__(self) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(self._base_url + "\n", encoding="utf-8")
        draft.replace(self._file)
        command = sys.argv[0] if Path(sys.argv[0]).name == "slrt-api" else "slrt-api"
        token = f"{command} token puskesos_officer" + (
            "" if self._data_dir == Path(".data") else f" --data-dir {self._data_dir}"
        )
        print(
            f"\nslrt-api is ready: {self._base_url}"
            f"\n  docs   {self._base_url}/docs"
            f"\n  token  {token}"
            + (f"\n  civil  {self._simulator} (simulated civil registry)" if self._simulator is not None else "")
            + f'\n  try    curl -H "Authorization: Bearer $({token})" {self._base_url}/v1/households'
            "\n  stop   Ctrl-C\n",
            flush=True,
        )

    def withdraw(self) -> None:
        """Remove the address, unless it is that of a server which has joined on the same folder since."""
        try:
            if self._file.read_text(encoding="utf-8").strip() == self._base_url:
                self._file.unlink()
        except FileNotFoundError:
            pass
