"""Migrations by Alembic: upgrade, and the check that there is one head and no drift between tables and database.

The scripts lie in `migrations/` of a clone, or in the package where it was installed from a wheel.
"""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from slrt_api.runtime import roles

#: rooms that declare tables; imported by name, because the runtime stands below them
TABLES: Sequence[str] = (
    "runtime.tables",
    "areas.models",
    "access.models",
    "access.quotas",
    "access.consents.models",
    "access.overrides.models",
    "organizations.models",
    "households.models",
    "registry.models",
    "programs.models",
    "programs.screenings.models",
    "clocks.models",
    "cases.models",
    "referrals.models",
    "complaints.models",
    "complaints.sealed.models",
)


def scripts() -> Path:
    """Folder of the migration scripts."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_migrations", package.parents[1] / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    message = "no migrations beside this installation"
    raise FileNotFoundError(message)


def metadata() -> Any:
    """The metadata of every table of the house."""
    for room in TABLES:
        import_module(f"slrt_api.{room}")
    return SQLModel.metadata


def config(connection: Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(scripts()))
    settings.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    settings.set_main_option("prepend_sys_path", str(scripts()))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def run(context: Any) -> None:
    """Body of `migrations/env.py`."""
    environment: EnvironmentContext = context
    environment.configure(
        connection=environment.config.attributes["connection"],
        target_metadata=metadata(),
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with environment.begin_transaction():
        environment.run_migrations()


def engine(url: str) -> AsyncEngine:
    """An engine for one short job. `url` is a PostgreSQL URL of the schema's owner."""
    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)


class RolesMissing(RuntimeError):
    """The server has not all database roles that this version grants to."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; two processes that try at once follow one another.

    Raises RolesMissing before anything is changed, when the roles are those of an older version.
    """
    owner = engine(url)
    try:
        async with owner.connect() as connection:
            await connection.run_sync(_require_roles)
            await connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('slrt-api migrations'))")
            await connection.commit()
            await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))
            await connection.commit()
    finally:
        await owner.dispose()


def _require_roles(connection: Connection) -> None:
    known = set(connection.exec_driver_sql("SELECT rolname FROM pg_roles").scalars())
    missing = sorted({roles.API, roles.EFFECT, roles.BACKUP, *(kind.value for kind in roles.ScopeKind)} - known)
    if missing:
        message = f"database roles are missing: {', '.join(missing)}; let `slrt-api db roles` make them first"
        raise RolesMissing(message)


async def differences(url: str) -> list[str]:
    """What keeps the scripts from one head, or the database from the tables; empty when all is well."""
    heads = ScriptDirectory.from_config(config()).get_heads()
    found = [] if len(heads) == 1 else [f"{len(heads)} heads: {', '.join(heads)}"]
    owner = engine(url)
    try:
        async with owner.connect() as connection:

            def compare(sync: Connection) -> list[Any]:
                context = MigrationContext.configure(sync, opts={"compare_type": True})
                current = context.get_current_heads()
                # A table's comment is data: reference data notes its edition there.
                drift = [each for each in compare_metadata(context, metadata()) if each[0] != "remove_table_comment"]
                return [*drift, *([] if set(current) == set(heads) else [f"database is at {current}"])]

            found += [str(difference) for difference in await connection.run_sync(compare)]
    finally:
        await owner.dispose()
    return found


def autogenerate(url: str, message: str) -> None:
    """Write a new script from the difference between tables and database."""

    async def write() -> None:
        owner = engine(url)
        async with owner.connect() as connection:
            await connection.run_sync(lambda sync: command.revision(config(sync), message, autogenerate=True))
        await owner.dispose()

    asyncio.run(write())
