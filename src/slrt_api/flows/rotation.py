"""Rotation of keys: whatever stands encrypted or indexed under an older key is made anew under the current one.

Runs beside the API and beside another rotation. One transaction takes a few rows that nobody else holds, so that nobody
waits long for it and it waits for nobody; what is done is told by the rows themselves, so that one that was killed is
simply started again. Every encrypted column of the house stands here; a test compares them with the tables.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from sqlmodel import SQLModel

from slrt_api.areas.dataset import TENANTS
from slrt_api.attachments.frames import key_place
from slrt_api.attachments.models import Attachment
from slrt_api.complaints.models import Complaint
from slrt_api.flows.upkeep import WORKER
from slrt_api.households.models import Identity
from slrt_api.households.service import identity_place
from slrt_api.kernel.ids import NATIONAL
from slrt_api.programs.models import EligibilityCheck
from slrt_api.programs.shapes import SEALED_INPUTS, SEALED_RESULTS
from slrt_api.referrals import package
from slrt_api.referrals.models import ReferralPackage
from slrt_api.runtime import idempotency
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, aad
from slrt_api.runtime.tables import IdempotentAnswer
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Platform

BATCH: Final = 200
#: rounds without any progress, a fifth of a second each, after which rows that others hold are left to the next rotation
PATIENCE: Final = 100
PAUSE_SECONDS: Final = 0.2

_log = structlog.get_logger(__name__)

Row = Mapping[str, Any] | asyncpg.Record


@dataclass(frozen=True)
class Sealed:
    """The encrypted columns of one table.

    key      column that names a row within its regency, and the value before the first
    columns  column -> the place of its ciphertext in a row (its AAD)
    reads    further columns that the place is made of
    indexed  the plaintext has a blind index (`blind_index`, `index_key`, kind in `type`)
    """

    model: type[SQLModel]
    key: tuple[str, Any]
    columns: Mapping[str, Callable[[Row], bytes]]
    reads: tuple[str, ...] = ()
    indexed: bool = False

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    @property
    def old(self) -> str:
        """SQL that is true of a row under an older key. $1 regency, $2 head of the current key, $3 id of the index key."""
        heads = [f"substring({column} FROM 1 FOR octet_length($2::bytea)) <> $2" for column in self.columns]
        # Named everywhere, so that every statement has the same parameters.
        return " OR ".join([*heads, "index_key <> $3::text" if self.indexed else "$3::text IS NULL"])


def _in_row(purpose: str) -> Callable[[Row], bytes]:
    return lambda row: aad(purpose, row["id"])


_BY_ID: Final = ("id", UUID(int=0))
SEALED: Final = (
    Sealed(
        Identity,
        _BY_ID,
        {"ciphertext": lambda row: identity_place(row["type"], row["id"])},
        reads=("type",),
        indexed=True,
    ),
    Sealed(ReferralPackage, _BY_ID, {column: _in_row(package.purpose(column)) for column in package.SEALED}),
    Sealed(
        Complaint,
        _BY_ID,
        {column: _in_row(f"complaint.{column}") for column in ("reporter_name", "reporter_phone")},
    ),
    Sealed(
        EligibilityCheck,
        _BY_ID,
        {
            "inputs": _in_row(SEALED_INPUTS),
            "results": _in_row(SEALED_RESULTS),
            "open_results": _in_row(SEALED_RESULTS),
        },
    ),
    Sealed(
        Attachment,
        _BY_ID,
        {
            "data_key": lambda row: key_place(row["id"]),
            **{column: _in_row(f"attachment.{column}") for column in ("name", "location")},
        },
    ),
    Sealed(IdempotentAnswer, ("key_digest", b""), {"body": lambda row: idempotency.place(row["key_digest"])}),
)


@dataclass(frozen=True)
class Rotation:
    """How many rows of which table were made anew, cannot be read by any key, or are still under an older one."""

    rotated: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Status:
    """How many values stand under which key.

    encryption  (table and column, key id) -> ciphertexts
    indexes     key id -> blind indexes of identities
    releases    key id -> entries of registry releases that are the newest of their regency
    """

    encryption: Counter[tuple[str, str]] = field(default_factory=Counter)
    indexes: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)

    def of_encryption_key(self, key_id: str) -> int:
        return sum(count for (_, held), count in self.encryption.items() if held == key_id)

    def of_index_key(self, key_id: str) -> int:
        return self.indexes[key_id] + self.releases[key_id]


async def rotate(platform: Platform, *, batch: int = BATCH, regencies: Sequence[int] | None = None) -> Rotation:
    """Bring every row to the current keys. Tells counts only; safe to be killed and started again at any moment.

    batch      rows in one transaction
    regencies  tenant numbers; all of them when left out, with those of the nation (0)
    """
    outcome = Rotation()
    for regency in regencies if regencies is not None else [NATIONAL, *(tenant.number for tenant in TENANTS)]:
        await _rotate(platform, regency, batch, outcome)
    _log.info(
        "keys_rotated",
        rotated=dict(outcome.rotated),
        unreadable=dict(outcome.unreadable),
        left=dict(outcome.left),
    )
    return outcome


async def status(platform: Platform) -> Status:
    """Count what stands under which key, all regencies together."""
    found = Status()
    for regency in [NATIONAL, *(tenant.number for tenant in TENANTS)]:
        async with _within(platform, regency) as tx:
            for sealed in SEALED:
                for column in sealed.columns:
                    for row in await tx.fetch(_KEYS.format(column=column, table=sealed.table), regency):
                        found.encryption[f"{sealed.table}.{column}", row["key"]] += row["count"]
            for row in await tx.fetch(_INDEX_KEYS, regency):
                found.indexes[row["key"]] += row["count"]
            for row in await tx.fetch(_RELEASE, regency):
                found.releases[row["key"]] += row["count"]
    return found


_KEYS: Final = """
SELECT CASE WHEN octet_length({column}) > 2 THEN encode(substring({column} FROM 3 FOR get_byte({column}, 1)), 'escape')
       ELSE '' END AS key, count(*) AS count
FROM {table} WHERE regency = $1 AND {column} IS NOT NULL GROUP BY 1
"""
_INDEX_KEYS: Final = "SELECT index_key AS key, count(*) AS count FROM identities WHERE regency = $1 GROUP BY 1"
#: older releases are looked up by nobody any more
_RELEASE: Final = """
SELECT index_key AS key, entries AS count FROM registry_snapshots
WHERE regency = $1 ORDER BY as_of DESC, loaded_at DESC, id DESC LIMIT 1
"""


async def _rotate(platform: Platform, regency: int, batch: int, outcome: Rotation) -> None:
    patience = PATIENCE
    while True:
        left = await _left(platform, regency)
        if not left:
            return
        unreadable: Counter[str] = Counter()
        rotated: Counter[str] = Counter()
        for sealed in SEALED:
            if left[sealed.table]:
                await _pass(platform, sealed, regency, batch, rotated, unreadable)
        outcome.rotated.update(rotated)
        patience = PATIENCE if rotated else patience - 1
        # What nobody can read stays as it is: the rows are evidence.
        if left <= unreadable or not patience:
            outcome.unreadable.update(unreadable)
            outcome.left.update(await _left(platform, regency))
            return
        if not rotated:
            await asyncio.sleep(PAUSE_SECONDS)


async def _left(platform: Platform, regency: int) -> Counter[str]:
    """Rows under an older key, by table."""
    async with _within(platform, regency) as tx:
        counts = {
            sealed.table: await tx.value(
                f"SELECT count(*) FROM {sealed.table} WHERE regency = $1 AND ({sealed.old})",
                regency,
                platform.keyring.head,
                platform.keyring.index_key_id,
            )
            for sealed in SEALED
        }
    return +Counter(counts)


async def _pass(
    platform: Platform, sealed: Sealed, regency: int, batch: int, rotated: Counter[str], unreadable: Counter[str]
) -> None:
    """Go once through the rows of a table in the order of their keys, a batch a transaction."""
    name, after = sealed.key
    reads = ", ".join((name, *sealed.columns, *sealed.reads))
    page = (
        f"SELECT {reads} FROM {sealed.table} WHERE regency = $1 AND {name} > $4 AND ({sealed.old})"
        # A row that somebody else is writing gets the current key from them, or waits for the next pass.
        f" ORDER BY {name} LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED"
    )
    keyring = platform.keyring
    while True:
        async with _within(platform, regency) as tx:
            rows = await tx.fetch(page, regency, keyring.head, keyring.index_key_id, after, batch)
            changed = [one for one in (_anew(keyring, sealed, row) for row in rows) if one is not None]
            if changed:
                await tx.execute(_update(sealed), regency, *(list(values) for values in zip(*changed, strict=True)))
        rotated[sealed.table] += len(changed)
        unreadable[sealed.table] += len(rows) - len(changed)
        if len(rows) < batch:
            break
        after = rows[-1][name]
    for counter in (rotated, unreadable):
        if not counter[sealed.table]:
            del counter[sealed.table]


def _anew(keyring: Keyring, sealed: Sealed, row: Row) -> tuple[Any, ...] | None:
    """Key, ciphertexts and indexes of a row under the current keys; None where it cannot be read."""
    values: list[Any] = [row[sealed.key[0]]]
    indexes: list[Any] = []
    try:
        for column, place in sealed.columns.items():
            plain = keyring.decrypt(row[column], place(row)) if row[column] is not None else None
            values.append(None if plain is None else keyring.encrypt(plain, place(row)))
            if sealed.indexed and plain is not None:
                indexes += [keyring.blind_index(row["type"], plain.decode()), keyring.index_key_id]
    except DecryptionFailed:
        return None
    return (*values, *indexes)


def _update(sealed: Sealed) -> str:
    """$1 regency, then an array a column: the key, and what is new."""
    types = dict.fromkeys(sealed.columns, "bytea")
    if sealed.indexed:
        types |= {"blind_index": "bytea", "index_key": "text"}
    name, first = sealed.key
    arrays = ["uuid" if isinstance(first, UUID) else "bytea", *types.values()]
    given = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(arrays, 2))
    return (
        f"UPDATE {sealed.table} AS t SET {', '.join(f'{column} = n.{column}' for column in types)}"
        f" FROM unnest({given}) AS n ({', '.join((name, *types))}) WHERE t.regency = $1 AND t.{name} = n.{name}"
    )


@asynccontextmanager
async def _within(platform: Platform, regency: int) -> AsyncIterator[Transaction]:
    """A transaction of the worker that works on the rows of one regency."""
    async with platform.database.transaction(WORKER.rows, write=True) as connection:
        tx = Transaction(
            connection, WORKER, now=platform.clock(), trace_id=current_trace_id(), keyring=platform.keyring
        )
        async with tx.effect(regency):
            yield tx
