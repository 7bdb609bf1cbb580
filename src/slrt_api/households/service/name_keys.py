"""Keys by which people are found by name, kept beside each person.

`keep` is called wherever a person is made, renamed, moved or given another birth date, in that transaction. `rebuild` writes
the keys of people who have none yet: those of a database that is older than the keys, and those that were copied in.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from slrt_api.households import names
from slrt_api.households.models import Person
from slrt_api.runtime.transaction import Transaction

BATCH: Final = 2_000
#: $1 regency, $2 persons, then a row for each key: $3 person, $4 key, $5 area, $6 year of birth
_KEEP: Final = """
WITH gone AS (
    DELETE FROM person_name_keys k WHERE k.regency = $1 AND k.person_id = ANY ($2::uuid[])
    AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::text[]) AS n (person_id, key)
                    WHERE n.person_id = k.person_id AND n.key = k.key)
)
INSERT INTO person_name_keys AS k (regency, person_id, key, area, birth_year)
SELECT $1, n.person_id, n.key, n.area, n.birth_year
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::smallint[]) AS n (person_id, key, area, birth_year)
ON CONFLICT (regency, person_id, key) DO UPDATE SET area = excluded.area, birth_year = excluded.birth_year
WHERE (k.area, k.birth_year) IS DISTINCT FROM (excluded.area, excluded.birth_year)
"""
#: Shared locks, so that nobody is renamed between the reading of a name and the writing of its keys. $1 regency, $2 the last
#: person of the batch before, $3 how many
_PEOPLE: Final = """
SELECT p.id, p.name, p.area, p.birth_date FROM persons p WHERE p.regency = $1 AND p.id > $2 ORDER BY p.id LIMIT $3 FOR SHARE
"""
_KEYED: Final = "SELECT DISTINCT person_id FROM person_name_keys WHERE regency = $1 AND person_id = ANY ($2::uuid[])"
_REGENCIES: Final = "SELECT number FROM tenants WHERE number > 0 ORDER BY number"


async def keep(tx: Transaction, *people: Person) -> None:
    """Write the keys of people of one regency as their rows now are: new ones, other names, another place, another year."""
    if not people:
        return
    regency = people[0].regency
    rows = ((each.id, each.name, each.area, each.birth_date.year if each.birth_date else None) for each in people)
    async with tx.effect(regency):
        await tx.execute(_KEEP, regency, [each.id for each in people], *_columns(rows))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is: `read` people of the regency seen, `written` of them given keys."""

    regency: int
    read: int
    written: int


async def rebuild(owner: Any, regency: int, *, all_: bool = False, batch: int = BATCH) -> AsyncIterator[Progress]:
    """Write the keys of the people of a regency, batch by batch, each batch committed by itself.

    owner  a connection as the owner of the schema, in no transaction
    all_   also of people who have keys, after the rules of names have changed
    Broken off, it is simply run again: who has keys by then is passed over.
    """
    last, read, written = UUID(int=0), 0, 0
    while True:
        async with owner.transaction():
            people = await owner.fetch(_PEOPLE, regency, last, batch)
            if not people:
                return
            ids = [row["id"] for row in people]
            keyed = set() if all_ else {row["person_id"] for row in await owner.fetch(_KEYED, regency, ids)}
            rows = [
                (row["id"], row["name"], row["area"], row["birth_date"].year if row["birth_date"] else None)
                for row in people
                if row["id"] not in keyed
            ]
            if rows:
                await owner.execute(_KEEP, regency, [row[0] for row in rows], *_columns(rows))
        last, read, written = ids[-1], read + len(people), written + len(rows)
        yield Progress(regency, read, written)


async def regencies(owner: Any) -> list[int]:
    """Tenant numbers, ascending."""
    return [row["number"] for row in await owner.fetch(_REGENCIES)]


def _columns(people: Iterable[tuple[UUID, str, int, int | None]]) -> tuple[list[Any], ...]:
    """The keys of people (id, name, area, year of birth) as the columns that `_KEEP` takes."""
    rows = [(id_, key, area, year) for id_, name, area, year in people for key in sorted(names.keys(names.parse(name)))]
    return tuple(map(list, zip(*rows, strict=True))) if rows else ([], [], [], [])
