"""Migrations go up and down again: each leaves the schema as it found it, also where there are sealed reports."""

import asyncio
import difflib
import subprocess
from pathlib import Path
from uuid import UUID

import asyncpg
from alembic.script import ScriptDirectory
from tests.api import running_api
from tests.conftest import MakeDatabase
from tests.domains.test_complaints import filed
from tests.domains.test_people_migration import downgrade
from tests.domains.test_sealed_reports import PURPOSE, holder, reported
from tests.files import described
from tests.problems import problem
from tests.sizes import size

from slrt_api.runtime import embedded, migrations, roles
from slrt_api.runtime.embedded import EmbeddedPostgres

BEFORE_SEALED, BEFORE_FILES = "2026_11_30_ladders", "2026_11_30_accused_accesses"


async def schema(url: str) -> str:
    """Tables, constraints, indexes, policies and grants, as PostgreSQL tells them."""
    dump = [str(embedded._binaries() / "pg_dump"), "--schema-only", "--exclude-table=alembic_version", "--dbname", url]
    told = (await asyncio.to_thread(subprocess.check_output, dump)).decode()
    # Lines with a key that is drawn anew by every dump.
    return "\n".join(line for line in told.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


async def test_each_step_down_leaves_what_was_there_before_the_step_up(postgres: EmbeddedPostgres) -> None:
    name = "slrt_steps"
    admin = await asyncpg.connect(postgres.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, name)
    await admin.close()
    url, told = postgres.url(roles.OWNER, name), postgres.url("postgres", name)
    steps = [each.revision for each in ScriptDirectory.from_config(migrations.config()).walk_revisions()][::-1]
    # Those since sealed reports came, and in `make soak` those of before that go back without loss. Still older ones leave
    # constraints that are not validated, and the columns of facts.
    first = steps.index(BEFORE_SEALED) - size(0, 4)
    found = {}
    for revision in steps[first:]:
        await migrations.upgrade(url, revision)
        found[revision] = await schema(told)
    assert await migrations.differences(url) == []
    assert len(set(found.values())) == len(found), "a step that changes nothing of the schema"
    for revision in reversed(steps[first:-1]):
        await downgrade(url, revision)
        # Line by line: a difference of whole dumps is not to be read.
        there, expected = (await schema(told)).splitlines(), found[revision].splitlines()
        assert (revision, list(difflib.unified_diff(expected, there, n=0))) == (revision, [])
    await migrations.upgrade(url)
    assert await schema(told) == found[steps[-1]]


async def test_with_sealed_reports_in_it_a_database_goes_down_and_up(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    database = await make_database("slrt_sealed_steps")
    async with running_api(database.api_url, tmp_path) as api:
        plain, report = await filed(api), await reported(api)
        secret = {"authorization": f"Receipt {report['receipt_secret']}"}
        path = f"/v1/public/complaints/{report['receipt']}"
        body = described(b"Catatan", "text/plain", name="buku-kas.txt")
        file = (await api.anonymous.post(f"{path}/attachments", json=body, headers=secret)).json()
        asked = await holder(api).post("/v1/sealed-accesses", json={"complaint_id": report["id"], **PURPOSE})
        assert asked.status_code == 201
    owner = await asyncpg.connect(database.owner_url)
    before = await owner.fetchrow(
        "SELECT number, status, summary, reporter_name FROM complaints WHERE id = $1", UUID(plain["id"])
    )

    await downgrade(database.owner_url, BEFORE_FILES)
    kept = await owner.fetchrow("SELECT status, name, data_key FROM attachments WHERE id = $1", UUID(file["id"]))
    # Nothing that an older version would take for a file: its key is gone.
    assert kept is not None
    assert tuple(kept) == ("EXPIRED", None, None)
    await downgrade(database.owner_url, BEFORE_SEALED)
    assert await owner.fetchval("SELECT to_regclass('sealed_identities')") is None
    await owner.close()

    await migrations.upgrade(database.owner_url)
    assert await migrations.differences(database.owner_url) == []
    owner = await asyncpg.connect(database.owner_url)
    after = await owner.fetchrow(
        "SELECT number, status, summary, reporter_name FROM complaints WHERE id = $1", UUID(plain["id"])
    )
    assert before == after
    await owner.close()
    async with running_api(database.api_url, tmp_path) as api:
        # Its texts and its sender are gone with the tables; that it is sealed is not.
        for role in ("puskesos_officer", "secretariat_manager", "auditor"):
            problem(await api.as_(role).get(f"/v1/complaints/{report['id']}"), 404, "not_found")
        found = (await holder(api).get(f"/v1/complaints/{report['id']}")).json()
        assert (found["status"], found["summary"]) == ("RECEIVED", "")
        again = await reported(api)
        assert (await holder(api).get(f"/v1/complaints/{again['id']}")).status_code == 200
