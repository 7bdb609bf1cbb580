"""Bring the shipped ladders of escalation into the database. One that is there already stays as it is: ladders never change."""

from datetime import UTC, datetime, timedelta

import asyncpg
import orjson

from slrt_api.complaints import ladder
from slrt_api.kernel.ids import NATIONAL, Kind, new_id

MAKER = "system#reference"
_OPEN = "SELECT valid_from FROM escalation_ladders WHERE area = 0 AND valid_to IS NULL"
_END = "UPDATE escalation_ladders SET valid_to = $1 WHERE area = 0 AND valid_to IS NULL"
_INSERT = """
INSERT INTO escalation_ladders (id, area, version, created_at, updated_at, name, valid_from, rungs, citation, declared_by)
VALUES ($1, 0, 0, $2, $2, $3, $4, $5::jsonb, $6, $7)
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write each shipped ladder that is missing and newer than those that are there; the one before ends the day before."""
    async with owner.transaction():
        for preset in ladder.presets():
            before = await owner.fetchval(_OPEN)
            if before is not None and before >= preset.valid_from:
                continue
            await owner.execute(_END, preset.valid_from - timedelta(days=1))
            await owner.execute(
                _INSERT,
                new_id(Kind.ESCALATION_LADDER, NATIONAL),
                datetime.now(UTC),
                preset.name,
                preset.valid_from,
                orjson.dumps(list(preset.rungs)).decode(),
                "Practice of SLRT and LAPOR!; each rung names its source",
                MAKER,
            )
