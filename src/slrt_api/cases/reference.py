"""The shipped forms of assessments, and how they come into the database.

Each version stands in a file of its own that is never changed once it was shipped: assessments are pinned to it. A form that
has to be changed is shipped as its next version.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import asyncpg
import orjson

from slrt_api.cases import answers
from slrt_api.kernel.ids import NATIONAL, Kind, new_id

_INSERT = """
INSERT INTO instruments (id, code, version, label_id, label_en, form, score, citation, confidence, valid_from, digest)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11) ON CONFLICT (code, version) DO NOTHING
"""


@dataclass(frozen=True)
class Form:
    """One version of a form.

    form    JSON Schema of its answers, with labels in both languages
    score   the weights of its score with their source, or None
    digest  SHA-256 of the file
    """

    code: str
    version: int
    label_id: str
    label_en: str
    form: Mapping[str, Any]
    score: Mapping[str, Any] | None
    citation: str
    confidence: str
    valid_from: date
    digest: bytes


@cache
def load_forms() -> Mapping[tuple[str, int], Form]:
    """All shipped forms by code and version. Raises ValueError, naming the place, for one that contradicts itself."""
    folder = files("slrt_api.cases") / "data" / "instruments"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        form = _form(file.read_bytes())
        if file.name != f"{form.code}.{form.version}.json":
            raise ValueError(f"{file.name} holds another form")
        found[form.code, form.version] = form
    return MappingProxyType(found)


def _form(content: bytes) -> Form:
    told = orjson.loads(content)
    answers.check_form(told["form"])
    if told["score"] is not None:
        answers.check_score(told["form"], told["score"])
    return Form(
        code=told["code"],
        version=told["version"],
        label_id=told["label"]["id"],
        label_en=told["label"]["en"],
        form=told["form"],
        score=told["score"],
        citation=told["citation"],
        confidence=told["confidence"],
        valid_from=date.fromisoformat(told["valid_from"]),
        digest=hashlib.sha256(content).digest(),
    )


async def load(owner: asyncpg.Connection) -> None:
    """Write the shipped forms that are missing. Raises ValueError where one that is there was shipped with another content."""
    there = {(row["code"], row["version"]): row["digest"] for row in await owner.fetch("SELECT * FROM instruments")}
    for key, form in load_forms().items():
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
