"""What is done to a database before the API may use it: roles, migrations, reference data."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import asyncpg

from slrt_api.areas import reference as areas_reference
from slrt_api.cases import reference as cases_reference
from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.clocks import reference as clocks_reference
from slrt_api.complaints import reference as complaints_reference
from slrt_api.programs import reference as programs_reference
from slrt_api.runtime import migrations, roles
from slrt_api.settings import DatabaseSettings

DATABASE = "slrt"


@dataclass(frozen=True)
class Urls:
    """How the API and the schema's owner reach one database."""

    api: str
    owner: str


def settings() -> DatabaseSettings:
    """The database URLs of the environment. Asks for nothing else, also where SLRT_ENV=production is set."""
    with readable_settings():
        return DatabaseSettings()


async def make(admin_url: str, database: str, passwords: Mapping[str, str | None]) -> None:
    """Make the roles and the database where they are missing; safe to repeat.

    admin_url  reaches any database of the server as somebody who may make roles
    """
    admin = await connected(admin_url, "SLRT_ADMIN_DATABASE_URL")
    try:
        await roles.create_roles(admin, passwords=dict(passwords))
        await roles.create_database(admin, database)
    finally:
        await admin.close()


async def upgrade(owner_url: str) -> None:
    """Migrate, then load the reference data where it changed; safe to repeat, also by two at once."""
    # Asked first, because a refused connection inside the migration tool ends in a page of traceback.
    owner = await connected(owner_url, "SLRT_MIGRATION_DATABASE_URL")
    try:
        try:
            await migrations.upgrade(owner_url)
        except migrations.RolesMissing as error:
            raise Refusal(str(error)) from None
        await areas_reference.load(owner)
        await clocks_reference.load(owner)
        await programs_reference.load(owner)
        await complaints_reference.load(owner)
        await cases_reference.load(owner)
    finally:
        await owner.close()


async def analyze(owner_url: str) -> None:
    """Let PostgreSQL count what was just written, which it does by itself a minute later: until then it takes a regency for
    empty, and a screening of it longer than its time."""
    owner = await connected(owner_url, "SLRT_MIGRATION_DATABASE_URL")
    try:
        await owner.execute("ANALYZE")
    finally:
        await owner.close()


@contextmanager
def embedded(folder: Path, *, durable: bool = True) -> Iterator[Urls]:
    """The embedded PostgreSQL on `folder` with roles and an empty or older database; stopped at the end."""
    # Here, because this module needs a UNIX, and the other commands do not.
    from slrt_api.runtime.embedded import EmbeddedPostgres, EmbeddedPostgresError  # noqa: PLC0415

    server = EmbeddedPostgres(folder, durable=durable)
    try:
        server.start()
        asyncio.run(make(server.superuser_url, DATABASE, {}))
        yield Urls(server.url(roles.API, DATABASE), server.url(roles.OWNER, DATABASE))
    except EmbeddedPostgresError as error:
        raise Refusal(str(error)) from None
    finally:
        server.stop()


def owner_url(data_dir: Path) -> str:
    """How the owner reaches the database: by SLRT_MIGRATION_DATABASE_URL, or the embedded one that runs on the folder."""
    return _url(settings().migration_database_url, "SLRT_MIGRATION_DATABASE_URL", roles.OWNER, data_dir)


def api_url(data_dir: Path) -> str:
    """How the API reaches the database: by SLRT_DATABASE_URL, or the embedded one that runs on the folder."""
    return _url(settings().database_url, "SLRT_DATABASE_URL", roles.API, data_dir)


def _url(given: str | None, name: str, role: str, data_dir: Path) -> str:
    if given is not None:
        return given
    from slrt_api.runtime.embedded import EmbeddedPostgres, EmbeddedPostgresError  # noqa: PLC0415

    try:
        return EmbeddedPostgres(data_dir / "postgres").url(role, DATABASE)
    except EmbeddedPostgresError:
        raise Refusal(f"{name} is not set, and no `slrt-api dev` runs on {data_dir}") from None


def upgrade_command() -> None:
    """`slrt-api db upgrade`."""
    asyncio.run(upgrade(_given(settings().migration_database_url, "SLRT_MIGRATION_DATABASE_URL")))


def roles_command() -> None:
    """`slrt-api db roles`."""
    urls = settings()
    admin_url = _given(urls.admin_database_url, "SLRT_ADMIN_DATABASE_URL")
    owner = _split(_given(urls.migration_database_url, "SLRT_MIGRATION_DATABASE_URL"))
    api = _split(_given(urls.database_url, "SLRT_DATABASE_URL"))
    for name, url, role in (
        ("SLRT_MIGRATION_DATABASE_URL", owner, roles.OWNER),
        ("SLRT_DATABASE_URL", api, roles.API),
    ):
        if unquote(url.username or "") != role:
            raise Refusal(f"{name} has to log in as {role}")
    database = unquote(owner.path.removeprefix("/"))
    if not database or owner.path != api.path:
        raise Refusal("SLRT_MIGRATION_DATABASE_URL and SLRT_DATABASE_URL have to name the same database")
    passwords = {
        role: unquote(url.password) if url.password else None for role, url in ((roles.OWNER, owner), (roles.API, api))
    }
    asyncio.run(make(admin_url, database, passwords))


def check_command() -> None:
    """`slrt-api db check`."""
    url = settings().migration_database_url
    if url is not None:
        found = asyncio.run(migrations.differences(url))
    else:
        folder = Path(tempfile.mkdtemp(prefix="slrt-check-"))
        try:
            with embedded(folder, durable=False) as urls:
                asyncio.run(migrations.upgrade(urls.owner))
                found = asyncio.run(migrations.differences(urls.owner))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if found:
        raise Refusal("the migrations do not make the tables of the code:\n" + "\n".join(found))


async def connected(url: str, name: str = "the database") -> Any:
    """A connection, or a Refusal that says which URL leads nowhere.

    name  variable that the URL comes from
    """
    try:
        return await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        # By its type only: some of these messages repeat the URL, and the password with it.
        raise Refusal(f"{name}: no connection ({type(error).__name__})") from None


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Refusal("a database URL cannot be read") from None


def _given(url: str | None, name: str) -> str:
    if not url:
        raise Refusal(f"{name} is not set")
    return url
