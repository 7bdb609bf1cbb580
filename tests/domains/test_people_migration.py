"""Families that were registered before persons stood by themselves: the migration fills what it adds, and can be undone."""

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
from alembic import command

from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime import migrations, roles
from slrt_api.runtime.embedded import EmbeddedPostgres

BEFORE, AFTER = "2026_11_22_consents", "2026_11_22_people"
AREA, REGENCY = 3326012001, 3326
AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


async def downgrade(url: str, revision: str) -> None:
    engine = migrations.engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migrations.config(sync), revision))
        await connection.commit()
    await engine.dispose()


async def household(owner: asyncpg.Connection) -> UUID:
    id_ = new_id(Kind.HOUSEHOLD, REGENCY)
    await owner.execute(
        "INSERT INTO households (regency, id, area, version, created_at, updated_at, address, captured_at, received_at,"
        " registered_by) VALUES ($1, $2, $3, 1, $4, $4, 'A', $4, $4, 'x')",
        REGENCY,
        id_,
        AREA,
        AT,
    )
    return id_


async def test_rows_of_before_are_filled_and_come_back_unharmed(postgres: EmbeddedPostgres) -> None:
    name = "slrt_people"
    admin = await asyncpg.connect(postgres.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, name)
    await admin.close()
    url = postgres.url(roles.OWNER, name)
    await migrations.upgrade(url, BEFORE)
    owner = await asyncpg.connect(url)
    first, second = await household(owner), await household(owner)
    person = new_id(Kind.PERSON, REGENCY)
    await owner.execute(
        "INSERT INTO persons (regency, id, area, name, sex, created_at) VALUES ($1, $2, $3, 'A', 'F', $4)",
        REGENCY,
        person,
        AREA,
        AT,
    )
    for home, since, until in ((first, date(2026, 1, 1), date(2026, 2, 1)), (second, date(2026, 2, 1), None)):
        await owner.execute(
            "INSERT INTO memberships (regency, id, area, valid_from, household_id, relation, position, valid_to)"
            " VALUES ($1, $2, $3, $4, $5, 'HEAD', 0, $6)",
            REGENCY,
            person,
            AREA,
            since,
            home,
            until,
        )
    await owner.close()

    await migrations.upgrade(url, AFTER)
    owner = await asyncpg.connect(url)
    filled = await owner.fetch("SELECT version, updated_at, provenance, ended_at FROM persons")
    assert [tuple(row) for row in filled] == [(0, AT, "{}", None)]
    assert {row["id"]: row["house_id"] for row in await owner.fetch("SELECT id, house_id FROM households")} == {
        first: first,
        second: second,
    }
    ordinals = await owner.fetch("SELECT household_id, ordinal FROM memberships ORDER BY ordinal")
    assert [tuple(row) for row in ordinals] == [(first, 1), (second, 2)]
    # An older version that still runs writes rows without the new columns.
    late = await household(owner)
    assert await owner.fetchval("SELECT house_id FROM households WHERE id = $1", late) is not None
    await owner.close()

    await downgrade(url, BEFORE)
    owner = await asyncpg.connect(url)
    assert await owner.fetchval("SELECT count(*) FROM memberships") == 2
    assert await owner.fetchval("SELECT to_regclass('answers')") is None
    await owner.close()
    await migrations.upgrade(url)
    assert await migrations.differences(url) == []
