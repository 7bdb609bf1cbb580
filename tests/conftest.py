"""What the whole suite shares: one throwaway PostgreSQL, one migrated database and one running application."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests import canaries
from tests.api import Api, running_api

from slrt_api.areas import reference as areas_reference
from slrt_api.cases import reference as cases_reference
from slrt_api.clocks import reference as clocks_reference
from slrt_api.complaints import reference as complaints_reference
from slrt_api.programs import reference as programs_reference
from slrt_api.runtime import migrations, roles
from slrt_api.runtime.embedded import EmbeddedPostgres


def pytest_configure() -> None:
    # `timeout` and CI end a run with SIGTERM; without this the fixtures would not stop their servers.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    canaries.install()
    # As the application does from its start on: what is imported and collected stays.
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are only worth their minutes at the size of `make soak`; look for leaks at the end."""
    items.sort(key=lambda item: item.path.name == "test_canaries.py")
    if os.environ.get("SLRT_TEST_SIZE") == "soak":
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this session alone; not crash-safe, on a socket only, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="slrt-tests-"))
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        _configure(server, canaries.STATEMENTS)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _configure(server: EmbeddedPostgres, settings: Mapping[str, str]) -> None:
    """Start the server anew with settings that it does not have by itself."""
    server.stop()
    with (server.data_dir / "cluster" / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    server.start()


@dataclass(frozen=True)
class MigratedDatabase:
    """A database of its own with roles, tables and reference data."""

    owner_url: str
    api_url: str
    admin_url: str

    async def execute(self, sql: str) -> None:
        """Run a statement as the owner."""
        connection = await asyncpg.connect(self.owner_url)
        await connection.execute(sql)
        await connection.close()


MakeDatabase = Callable[[str], Awaitable[MigratedDatabase]]


#: what every database of the session is copied from; nobody connects to it once it is made
_TEMPLATE = "slrt_template"


@pytest_asyncio.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """Name of a database with all migrations and the reference data: copied in a tenth of a second, made in several."""
    admin = await asyncpg.connect(postgres.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, _TEMPLATE)
    await admin.close()
    owner_url = postgres.url(roles.OWNER, _TEMPLATE)
    await migrations.upgrade(owner_url)
    owner = await asyncpg.connect(owner_url)
    await areas_reference.load(owner)
    await clocks_reference.load(owner)
    await programs_reference.load(owner)
    await complaints_reference.load(owner)
    await cases_reference.load(owner)
    await owner.close()
    return _TEMPLATE


async def _made(server: EmbeddedPostgres, name: str) -> MigratedDatabase:
    admin = await asyncpg.connect(server.superuser_url)
    await roles.create_database(admin, name, template=_TEMPLATE)
    await admin.close()
    return MigratedDatabase(server.url(roles.OWNER, name), server.url(roles.API, name), server.url("postgres", name))


@pytest_asyncio.fixture(scope="session")
async def database(postgres: EmbeddedPostgres, template: str) -> MigratedDatabase:
    """The database of the session. Tests make rows of their own and never count on being alone."""
    return await _made(postgres, "slrt")


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres, template: str) -> MakeDatabase:
    """Makes a further database, for a test that breaks something in it."""
    return lambda name: _made(postgres, name)


@pytest_asyncio.fixture(scope="session")
async def api(database: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The application, running on that database, and clients that act in it."""
    async with running_api(database.api_url, tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest_asyncio.fixture
async def owner(database: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the schema's owner: sees every row, for oracles."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()
