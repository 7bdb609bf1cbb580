"""The synthetic people of `benchmarks.people` in a database: families, persons, numbers under key, keys of names.

Written as the acts of the application would leave them, but by COPY: NIK and KK encrypted and indexed with the keys of the data
folder, the keys by which search and duplicate finding look people up, the words of names counted. Foreign keys hold by
construction and are not checked again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks import people, seed
from slrt_api.households import duplicates, names
from slrt_api.households.codes import IdentityType
from slrt_api.households.service import vault
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.crypto import Keyring

_CHUNK = 20_000
_BEGUN = datetime(2026, 1, 5, tzinfo=UTC)
_COLUMNS = {
    "households": (
        *("regency", "id", "area", "version", "created_at", "updated_at"),
        *("address", "captured_at", "received_at", "registered_by"),
    ),
    "persons": ("regency", "id", "area", "name", "sex", "birth_date", "created_at", "duplicates_checked"),
    "memberships": ("regency", "id", "area", "valid_from", "household_id", "relation", "position"),
    "identities": (
        *("regency", "id", "area", "owner_id", "type", "prefix"),
        *("ciphertext", "blind_index", "index_key", "findings", "valid_from"),
    ),
    "person_name_keys": ("regency", "person_id", "key", "area", "birth_year"),
    "duplicate_keys": ("regency", "key", "id"),
    "duplicate_words": ("regency", "word", "persons"),
}

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody in the database."""

    id: UUID
    name: str
    birth_date: date
    village: int


async def load(
    superuser: asyncpg.Connection, regency: people.Regency, keyring: Keyring, new: Collection[int] = ()
) -> list[UUID]:
    """Write everybody; returns their ids, in the order of `regency.people`.

    new  numbers of people at whom nobody has looked for duplicates yet: persons just registered
    """
    unchecked = frozenset(new)
    ids = [new_id(Kind.PERSON, seed.TENANT, _at(person.number)) for person in regency.people]
    words: Counter[str] = Counter()
    await superuser.execute("SET session_replication_role = replica")
    for rows in _rows(regency.people, ids, keyring, unchecked, words):
        for table, records in rows.items():
            await superuser.copy_records_to_table(table, columns=_COLUMNS[table], records=records)
    counted = [(seed.TENANT, word, count) for word, count in words.items()]
    await superuser.copy_records_to_table("duplicate_words", columns=_COLUMNS["duplicate_words"], records=counted)
    for table in _COLUMNS:
        await superuser.execute(f"VACUUM (ANALYZE) {table}")
    return ids


async def known(superuser: asyncpg.Connection) -> list[Known]:
    """Everybody who is in the database."""
    rows = await superuser.fetch("SELECT id, name, birth_date, area FROM persons ORDER BY id")
    return [Known(row["id"], row["name"], row["birth_date"], row["area"]) for row in rows]


def _at(number: int) -> datetime:
    return _BEGUN + timedelta(seconds=number)


def _rows(
    everybody: Sequence[people.Person],
    ids: Sequence[UUID],
    keyring: Keyring,
    unchecked: frozenset[int],
    words: Counter[str],
) -> Iterator[Rows]:
    homes: dict[int, UUID] = {}
    places: Counter[int] = Counter()
    for start in range(0, len(everybody), _CHUNK):
        rows: Rows = {table: [] for table in _COLUMNS if table != "duplicate_words"}
        for person in everybody[start : start + _CHUNK]:
            at = _at(person.number)
            if person.household not in homes:
                homes[person.household] = _household(rows, person, keyring, at)
            id_, home = ids[person.number], homes[person.household]
            checked = None if person.number in unchecked else 0
            _person(rows, person, id_, home, places[person.household], keyring, checked)
            places[person.household] += 1
            name = names.parse(person.name)
            if checked is not None:
                keys = duplicates.stored_keys(name, person.village)
                rows["duplicate_keys"] += [(seed.TENANT, key, id_) for key in keys]
                words.update({"", *duplicates.words_of(keys)})
            rows["person_name_keys"] += [
                (seed.TENANT, id_, key, person.village, person.birth_date.year) for key in names.keys(name)
            ]
        yield rows


def _household(rows: Rows, person: people.Person, keyring: Keyring, at: datetime) -> UUID:
    id_ = new_id(Kind.HOUSEHOLD, seed.TENANT, at)
    rows["households"].append(
        (seed.TENANT, id_, person.village, 1, at, at, "Dusun I RT 01 RW 01", at, at, "urn:bench#facilitator")
    )
    if person.kk is not None:
        rows["identities"].append(_identity(keyring, IdentityType.KK, id_, person.kk, person.village, at))
    return id_


def _person(
    rows: Rows, person: people.Person, id_: UUID, home: UUID, position: int, keyring: Keyring, checked: int | None
) -> None:
    """The person, a member of the household; the first is its head."""
    at, place = _at(person.number), person.village
    rows["persons"].append((seed.TENANT, id_, place, person.name, person.sex, person.birth_date, at, checked))
    relation = "CHILD" if position else "HEAD"
    rows["memberships"].append((seed.TENANT, id_, place, at.date(), home, relation, position))
    if person.nik is not None:
        rows["identities"].append(_identity(keyring, IdentityType.NIK, id_, person.nik, place, at))


def _identity(
    keyring: Keyring, type_: IdentityType, owner: UUID, number: str, village: int, at: datetime
) -> tuple[Any, ...]:
    id_ = new_id(Kind.PERSON, seed.TENANT, at)
    sealed = vault.sealed(keyring, type_, id_, number)
    return (
        *(seed.TENANT, id_, village, owner, type_.value, number[:6]),
        *(sealed["ciphertext"], sealed["blind_index"], sealed["index_key"], [], at.date()),
    )
