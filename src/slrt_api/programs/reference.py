"""Bring the shipped catalog of programs and the shipped versions of their rules into the database.

A program keeps its id when its facts change, and a version its own. What somebody has changed here is not overwritten: a program
of version 0 is still as it was shipped. A shipped version that is in the database already stays as it is, because what was
published never changes; a rule that has to be corrected is shipped as the next version.
"""

from datetime import UTC, datetime, timedelta

import asyncpg
import orjson

from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.programs import catalog, differences, recording
from slrt_api.programs.codes import VersionStatus
from slrt_api.programs.criteria import Rule

#: who drafted and published what is shipped
MAKER = "system#reference"
_UPSERT = """
INSERT INTO programs (id, code, name_id, name_en, unit, cluster, area, open_from, open_to, complaint_channel,
                      citation, confidence, sector, level, domain, legal_basis)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (code) DO UPDATE SET name_id = excluded.name_id, name_en = excluded.name_en, unit = excluded.unit,
    cluster = excluded.cluster, area = excluded.area, open_from = excluded.open_from, open_to = excluded.open_to,
    complaint_channel = excluded.complaint_channel, citation = excluded.citation, confidence = excluded.confidence,
    sector = excluded.sector, level = excluded.level, domain = excluded.domain, legal_basis = excluded.legal_basis
WHERE programs.version = 0
"""
_VERSIONS = "SELECT id, number, status, valid_from, valid_to, drafted_by FROM rule_versions WHERE program_id = $1"
#: the columns are those of the table, in its order
_INSERT = """
INSERT INTO rule_versions (id, area, version, created_at, updated_at, program_id, level, number, status, valid_from, valid_to,
                              rule, digest, citation, confidence, drafted_by, published_by, published_at)
SELECT $1, p.area, 0, $2, $2, p.id, p.level, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12, $13
FROM programs p WHERE p.code = $14
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write every shipped program, by its code, or renew it; then the shipped versions of their rules that are missing."""
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
        for rule in catalog.load_rules():
            await _version(owner, rule)


async def _version(owner: asyncpg.Connection, rule: Rule) -> None:
    """Write one shipped version, published; as a draft where somebody's own version is in force on one of its days."""
    program_id = await owner.fetchval("SELECT id FROM programs WHERE code = $1", rule.program)
    others = await owner.fetch(_VERSIONS, program_id)
    if any(each["number"] == rule.version for each in others):
        return
    in_force = [each for each in others if each["status"] in {VersionStatus.PUBLISHED, VersionStatus.SUPERSEDED}]
    overlapping = [
        each
        for each in in_force
        if (rule.valid_to is None or each["valid_from"] <= rule.valid_to)
        and (each["valid_to"] is None or each["valid_to"] >= rule.valid_from)
    ]
    published = True
    for each in overlapping:
        if each["valid_to"] is None and each["valid_from"] < rule.valid_from and each["drafted_by"] == MAKER:
            await owner.execute(
                "UPDATE rule_versions SET status = $2, valid_to = $3 WHERE id = $1",
                each["id"],
                VersionStatus.SUPERSEDED.value,
                rule.valid_from - timedelta(days=1),
            )
        else:
            published = False
    content, now = differences.plain(rule), datetime.now(UTC)
    await owner.execute(
        _INSERT,
        new_id(Kind.RULE_VERSION, NATIONAL),
        now,
        rule.version,
        (VersionStatus.PUBLISHED if published else VersionStatus.DRAFT).value,
        rule.valid_from,
        rule.valid_to,
        orjson.dumps(content).decode(),
        recording.digest(content),
        rule.citation,
        rule.confidence.value,
        MAKER,
        MAKER if published else None,
        now if published else None,
        rule.program,
    )
