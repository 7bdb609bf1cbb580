"""Bring the shipped catalog of programs into the database. A program keeps its id when its facts change."""

import asyncpg

from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.programs import catalog

_UPSERT = """
INSERT INTO programs (id, code, name_id, name_en, unit, cluster, area, open_from, open_to, complaint_channel,
                      citation, confidence, sector, level, domain, legal_basis)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (code) DO UPDATE SET name_id = excluded.name_id, name_en = excluded.name_en, unit = excluded.unit,
    cluster = excluded.cluster, area = excluded.area, open_from = excluded.open_from, open_to = excluded.open_to,
    complaint_channel = excluded.complaint_channel, citation = excluded.citation, confidence = excluded.confidence,
    sector = excluded.sector, level = excluded.level, domain = excluded.domain, legal_basis = excluded.legal_basis
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write every shipped program, by its code, or renew it."""
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
                each.area,
                each.open_from,
                each.open_to,
                each.complaint_channel,
                each.citation,
                each.confidence,
                each.sector,
                each.level,
                each.domain,
                each.legal_basis,
            )
