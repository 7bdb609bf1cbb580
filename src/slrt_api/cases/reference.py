"""Bring the shipped forms of assessments into the database.

What is there stays as it is: assessments are pinned to it. A form that has to be changed is shipped as its next version.
"""

import asyncpg
import orjson

from slrt_api.cases import catalog
from slrt_api.kernel.ids import NATIONAL, Kind, new_id

_INSERT = """
INSERT INTO instruments (id, code, version, label_id, label_en, form, score, citation, confidence, valid_from, digest)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11) ON CONFLICT (code, version) DO NOTHING
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write the shipped forms that are missing. Raises ValueError where one that is there was shipped with another content."""
    there = {(row["code"], row["version"]): row["digest"] for row in await owner.fetch("SELECT * FROM instruments")}
    for key, form in catalog.load_forms().items():
        if there.get(key, form.digest) != form.digest:
            raise ValueError(f"{form.code} {form.version} was shipped before: give what changed a version of its own")
        if key not in there:
            await owner.execute(
                _INSERT,
                new_id(Kind.INSTRUMENT, NATIONAL),
                form.code,
                form.version,
                form.label_id,
                form.label_en,
                orjson.dumps(dict(form.form)).decode(),
                orjson.dumps(dict(form.score)).decode() if form.score is not None else None,
                form.citation,
                form.confidence,
                form.valid_from,
                form.digest,
            )
