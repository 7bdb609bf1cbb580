"""`slrt-api grants ...`: the first administrator, and whoever else only the operator of the service can name.

By the same use cases as the API, under an actor of the system that reaches the nation: over the API somebody has to hold a
grant to give one.
"""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from pydantic import ValidationError

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import places
from slrt_api.areas.codes import NATION_RANGE
from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.flows import grants
from slrt_api.kernel import errors
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring, KeysRefused
from slrt_api.runtime.db import Database
from slrt_api.runtime.problem_texts import PROBLEMS
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, Answer, Platform
from slrt_api.settings import Settings

OPERATOR: Final = Actor(
    "system#operator",
    Role.ADMINISTRATOR.value,
    frozenset({Scope.GRANTS_READ.value, Scope.GRANTS_MANAGE.value}),
    RowScope(ScopeKind.AREA_RANGE, lo=NATION_RANGE[0], hi=NATION_RANGE[1]),
)


def add_command(
    role: str,
    issuer: str,
    subject: str,
    *,
    areas: Sequence[str],
    organization: str | None,
    programs: Sequence[str],
    valid_until: datetime | None,
    decree: str | None,
) -> None:
    """`slrt-api grants add`: tell the id of the grant.

    organization, programs  by their codes
    """

    async def add(platform: Platform) -> Answer:
        body = {
            "role": role,
            "issuer": issuer,
            "subject": subject,
            "areas": list(areas),
            "organization_id": await _id(platform, "organizations", organization) if organization else None,
            "program_ids": [await _id(platform, "programs", program) for program in programs],
            "valid_until": valid_until.astimezone().isoformat() if valid_until else None,
            "decree": decree,
        }
        command = grants.GiveGrant.model_validate_json(orjson.dumps(body))
        return await Act(platform, OPERATOR, secrets.token_hex(16))(grants.give, command)

    print(orjson.loads(_run(add).body)["id"])


def revoke_command(id_: UUID, reason: str) -> None:
    """`slrt-api grants revoke`: whatever version the grant has."""

    async def revoke(platform: Platform) -> Answer:
        act = Act(platform, OPERATOR, secrets.token_hex(16))
        command = grants.RevokeGrant.model_validate_json(orjson.dumps({"reason": reason}))
        async with platform.database.transaction(OPERATOR.rows, write=False) as connection:
            version = await connection.fetchval("SELECT version FROM grants WHERE id = $1", id_)
        if version is None:
            raise errors.NotFound
        return await act(grants.revoke, command, on=id_, expected_version=version)

    print(orjson.loads(_run(revoke).body)["revoked_at"])


def _run(work: Any) -> Answer:
    with readable_settings():
        settings = Settings()
    if settings.database_url is None:
        raise Refusal("SLRT_DATABASE_URL is not set")
    # More than a second's work, and no transaction may rest for so long.
    places.load()
    try:
        return asyncio.run(_on_platform(settings, settings.database_url, work))
    except ValidationError as error:
        told = [".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)]
        raise Refusal(f"not valid: {', '.join(sorted(set(told)))}") from None
    except errors.SlrtError as error:
        problem = PROBLEMS.get(error.code)
        lines = [f"{fault.pointer} {fault.detail}" for fault in error.faults]
        raise Refusal("; ".join([problem.detail.en if problem else error.code, *lines])) from None


async def _on_platform(settings: Settings, url: str, work: Any) -> Answer:
    try:
        keyring = Keyring.from_settings(settings, settings.data_dir)
    except KeysRefused as error:
        raise Refusal(str(error)) from None
    try:
        database = await Database.connect(url, settings)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        # By its type only: some of these messages repeat the URL, and the password with it.
        raise Refusal(f"SLRT_DATABASE_URL: no connection ({type(error).__name__})") from None
    try:
        platform = Platform(database, Reads(keyring), keyring, AccessLog(database), lambda *_: None)
        answer: Answer = await work(platform)
        return answer
    finally:
        await database.close()


async def _id(platform: Platform, table: str, code: str) -> str:
    async with platform.database.transaction(OPERATOR.rows, write=False) as connection:
        found = await connection.fetchval(f"SELECT id FROM {table} WHERE code = $1", code)
    if found is None:
        raise Refusal(f"no such code among {table}")
    return str(found)
