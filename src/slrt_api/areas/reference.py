"""Bring the shipped reference data into the database: areas of all editions, tenants, code lists, services.

Runs as the schema's owner after a migration. Tables are replaced whole, in one transaction, when the shipped data changed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import asyncpg

from slrt_api.areas import codelists, dataset

_TABLES = ("areas", "tenants", "code_list_items", "services")


def digest() -> str:
    """Hash of the shipped files, by which a database knows whether it has them."""
    found = hashlib.sha256(b"4")
    for file in sorted(files("slrt_api.areas").joinpath("data").iterdir(), key=lambda each: each.name):
        found.update(file.read_bytes())
    return found.hexdigest()


async def load(owner: asyncpg.Connection) -> bool:
    """Load what is shipped; returns whether there was something to do."""
    wanted = digest()
    if await owner.fetchval("SELECT obj_description('areas'::regclass, 'pg_class')") == wanted:
        return False
    async with owner.transaction():
        for table, columns, rows in _contents():
            await owner.execute(f"DELETE FROM {table}")
            await owner.copy_records_to_table(table, columns=columns, records=rows)
        await owner.execute(f"COMMENT ON TABLE areas IS '{wanted}'")
    for table in _TABLES:
        await owner.execute(f"ANALYZE {table}")
    return True


def _contents() -> Iterable[tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]]:
    yield (
        "areas",
        (
            "code",
            "number",
            "level",
            "name",
            "name_key",
            "kind",
            "parent_code",
            "first_edition",
            "last_edition",
            "current",
            "time_zone",
            "successor_codes",
        ),
        (
            (
                row.code,
                row.number,
                row.level.value,
                row.name,
                dataset.name_key(row.name),
                row.kind,
                row.parent_code,
                row.first_edition,
                row.last_edition,
                row.current,
                row.time_zone,
                list(row.successor_codes),
            )
            for row in dataset.load_areas()
        ),
    )
    yield (
        "tenants",
        ("number", "code", "name", "time_zone", "valid_from"),
        ((each.number, each.code, each.name, each.time_zone, each.valid_from) for each in dataset.TENANTS),
    )
    yield (
        "code_list_items",
        (
            "list_name",
            "code",
            "position",
            "label_id",
            "label_en",
            "parent",
            "selection",
            "instrument",
            "instrument_code",
            "source",
            "confidence",
        ),
        (
            (
                each.name,
                item.code,
                item.position,
                item.label_id,
                item.label_en,
                item.parent,
                each.selection.value,
                each.instrument,
                item.instrument_code,
                item.source,
                item.confidence.value,
            )
            for each in codelists.load_code_lists().values()
            for item in each.items
        ),
    )
    yield (
        "services",
        ("code", "domain", "label_id", "label_en"),
        ((each.code, each.domain, each.label_id, each.label_en) for each in codelists.load_services()),
    )
