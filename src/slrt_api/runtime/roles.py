"""The database roles: who owns the schema, who logs in, and one role for each kind of scope.

`slrt_api` logs in and may do nothing by itself (NOINHERIT); every transaction enters the role of its actor's kind of scope.
Tables, grants and policies stand in `migrations/`.
"""

from enum import StrEnum
from typing import Final

import asyncpg


class ScopeKind(StrEnum):
    """How an actor's rows are cut; the value is the database role."""

    AREA_RANGE = "slrt_area_range"
    AREA_LIST = "slrt_area_list"
    ORGANIZATION = "slrt_organization"
    PROGRAM = "slrt_program"
    SUBJECT = "slrt_subject"
    PUBLIC = "slrt_public"
    AUDITOR = "slrt_auditor"
    WORKER = "slrt_worker"
    IMPORTER = "slrt_importer"
    ESCALATED = "slrt_escalated"
    SEALED = "slrt_sealed"
    STATISTICS = "slrt_statistics"


OWNER: Final = "slrt_owner"
API: Final = "slrt_api"
EFFECT: Final = "slrt_effect"
BACKUP: Final = "slrt_backup"


async def create_roles(admin: asyncpg.Connection, *, passwords: dict[str, str | None] | None = None) -> None:
    """Create the roles that are missing and put the memberships right; safe to repeat.

    passwords  for `slrt_owner` and `slrt_api`, where they log in with one; None leaves a password as it is
    """
    for role, options in (
        (OWNER, "LOGIN NOSUPERUSER NOBYPASSRLS"),
        (API, "LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS"),
        (BACKUP, "LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS"),
        *((role, "NOLOGIN NOSUPERUSER NOBYPASSRLS") for role in (EFFECT, *ScopeKind)),
    ):
        exists = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", str(role))
        await admin.execute(f"{'ALTER' if exists else 'CREATE'} ROLE {role} {options}")
    for role in (EFFECT, *ScopeKind):
        await admin.execute(f"GRANT {role} TO {API} WITH INHERIT FALSE, SET TRUE, ADMIN FALSE")
    await admin.execute(f"ALTER ROLE {API} SET jit = off")
    await admin.execute(f"ALTER ROLE {API} SET idle_in_transaction_session_timeout = '5s'")
    for role, password in (passwords or {}).items():
        if password is not None:
            quoted = await admin.fetchval("SELECT quote_literal($1)", password)
            await admin.execute(f"ALTER ROLE {role} PASSWORD {quoted}")


async def create_database(admin: asyncpg.Connection, name: str, *, template: str = "template0") -> None:
    """Create the database, owned by `slrt_owner` and closed to everybody else but the API's and the backup's login.

    template  a database that nobody is connected to, of which the new one is a copy
    """
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        quoted, copied = [await admin.fetchval("SELECT quote_ident($1)", each) for each in (name, template)]
        await admin.execute(f"CREATE DATABASE {quoted} OWNER {OWNER} TEMPLATE {copied} ENCODING 'UTF8'")
        await admin.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")
        await admin.execute(f"GRANT CONNECT ON DATABASE {quoted} TO {API}, {BACKUP}")
