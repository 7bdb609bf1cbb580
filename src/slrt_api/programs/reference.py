"""Bring the shipped catalog of programs into the database. A program keeps its id when its facts change."""

import asyncpg

from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.programs import catalog

_UPSERT = """
INSERT INTO programs (id, code, name_id, name_en, unit, cluster, area, open_from, open_to, complaint_channel,
                      citation, confidence)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)
ON CONFLICT (code) DO UPDATE SET name_id = excluded.name_id, name_en = excluded.name_en, unit = excluded.unit,
    cluster = excluded.cluster, open_from = excluded.open_from, open_to = excluded.open_to,
    complaint_channel = excluded.complaint_channel, citation = excluded.citation, confidence = excluded.confidence
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write every shipped program, by its code."""
    async with owner.transaction():
        for each in catalog.load_programs():
            await owner.execute(
                _UPSERT,
                new_id(Kind.PROGRAM, NATIONAL),
                each.code,
                each.name_id,
                each.name_en,
                each.unit,
                each.cluster,
                each.open_from,
                each.open_to,
                each.complaint_channel,
                each.citation,
                each.confidence,
            )
