"""`slrt-api grants ...`: how the first administrator of an installation comes about."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from tests.api import Api
from tests.commands import run, within
from tests.conftest import MigratedDatabase
from tests.domains.test_grants import ISSUER, grant_body, subject

from slrt_api.access.scopes import PERMISSIONS, Role


def add(role: str, name: str, *more: str) -> tuple[str, ...]:
    return ("grants", "add", role, "--issuer", ISSUER, "--subject", name, *more)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (add("king", "a"), "not valid: role"),
        (add("administrator", "a"), "/areas Name the area in which the role is held."),
        (add("administrator", "a", "--area", "33.99"), "/areas/0 Give a Kemendagri code"),
        (add("partner", "a", "--organization", "NOBODY"), "no such code among organizations"),
        (add("auditor", "a", "--area", "33.26"), "/valid_until A grant of this role ends."),
        (("grants", "revoke", "019aaa11-2233-8000-8044-04a1b2c3d4e5", "--reason", "B"), "Absent"),
    ],
)
def test_refusals_are_one_line(
    database: MigratedDatabase, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = within(*arguments, folder=tmp_path, SLRT_DATABASE_URL=database.api_url, SLRT_DATA_DIR=str(tmp_path))
    assert (result.code, result.out) == (1, "")
    assert told in result.err
    assert result.err.count("\n") == 1


def test_without_a_database_it_says_which_url(tmp_path: Path) -> None:
    variables = {"SLRT_DATA_DIR": str(tmp_path)}
    missing = within(*add("administrator", "a", "--area", "33.26"), folder=tmp_path, **variables)
    assert missing.err == "slrt-api: SLRT_DATABASE_URL is not set\n"
    variables["SLRT_DATABASE_URL"] = "postgresql://slrt_api:secret@127.0.0.1:1/slrt"
    gone = within(*add("administrator", "a", "--area", "33.26"), folder=tmp_path, **variables)
    assert (gone.code, "no connection" in gone.err, "secret" in gone.err) == (1, True, False)


async def test_the_first_administrator_gives_all_others(
    database: MigratedDatabase, api: Api, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    name = subject()
    variables = {"SLRT_DATABASE_URL": database.api_url, "SLRT_DATA_DIR": str(tmp_path)}
    made = await run(*add("administrator", name, "--area", "33.26"), folder=tmp_path, **variables)
    assert (made.code, made.err) == (0, "")
    id_ = UUID(made.out.strip())
    event = await owner.fetchrow("SELECT actor, role, type FROM events WHERE aggregate_id = $1", id_)
    assert tuple(event or ()) == ("system#operator", "administrator", "grant.given")

    scopes = frozenset(scope.value for scope in PERMISSIONS[Role.ADMINISTRATOR])
    first = api.as_("administrator", subject=name, grants=[], scopes=scopes)
    answer = await first.post("/v1/grants", json=grant_body())
    assert answer.status_code == 201, answer.text

    taken = await run("grants", "revoke", str(id_), "--reason", "Handed over.", folder=tmp_path, **variables)
    assert (taken.code, taken.err) == (0, "")
    later = api.as_("administrator", subject=name, grants=[], scopes=scopes)
    assert (await later.get("/v1/grants")).json()["code"] == "role_not_granted"
