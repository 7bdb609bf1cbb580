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
from slrt_api.attachments import vault as file_vault
from slrt_api.attachments.models import Attachment
from slrt_api.cases.models import Case, Note
from slrt_api.cases.shapes import SEALED_NOTE, SEALED_REOPENING
from slrt_api.complaints import vault
from slrt_api.complaints.models import Complaint, ComplaintNumber, Message
from slrt_api.complaints.sealed.models import SealedAccess, SealedIdentity
from slrt_api.complaints.sealed.shapes import REASON
from slrt_api.complaints.service.file import NIK_PLACE
from slrt_api.complaints.shapes import MESSAGE_TEXT, SEALED_MESSAGE_TEXT
from slrt_api.flows.upkeep import WORKER
from slrt_api.households.models import Identity
from slrt_api.households.service import identity_place
from slrt_api.kernel.ids import NATIONAL
from slrt_api.programs.models import EligibilityCheck
from slrt_api.programs.shapes import SEALED_INPUTS, SEALED_RESULTS
from slrt_api.referrals import package
from slrt_api.referrals.models import ReferralPackage
from slrt_api.runtime import idempotency
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, Ring, aad
from slrt_api.runtime.tables import IdempotentAnswer, SealedTexts
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import SEALED_TEXTS, Transaction
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
    sealed   it stands under the keys of sealed reports
    where    SQL: of the table, the rows that are meant, where one column holds ciphertexts of either ring
    former   what a value of a column was made of before it stood under this ring (id, column, value)
    """

    model: type[SQLModel]
    key: tuple[str, Any]
    columns: Mapping[str, Callable[[Row], bytes]]
    reads: tuple[str, ...] = ()
    indexed: bool = False
    sealed: bool = False
    where: str = "true"
    former: Callable[[Keyring, UUID, str, bytes], bytes] | None = None

    def ring(self, keyring: Keyring) -> Ring:
        """The keys that it stands under."""
        return keyring.sealed if self.sealed else keyring

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    @property
    def name(self) -> str:
        """By which what is done to it is told: a table may have columns under either ring."""
        return f"{self.table} (sealed)" if self.sealed else self.table

    @property
    def old(self) -> str:
        """SQL that is true of a row under an older key. $1 regency, $2 head of the current key, $3 id of the index key."""
        heads = [f"substring({column} FROM 1 FOR octet_length($2::bytea)) <> $2" for column in self.columns]
        # Named everywhere, so that every statement has the same parameters.
        stale = " OR ".join([*heads, "index_key <> $3::text" if self.indexed else "$3::text IS NULL"])
        return f"{self.where} AND ({stale})"


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
        {
            column: _in_row(f"complaint.{column}")
            for column in ("reporter_name", "reporter_phone", "card_number", "participations")
        },
    ),
    Sealed(ComplaintNumber, _BY_ID, {"ciphertext": _in_row(NIK_PLACE)}, reads=("type",), indexed=True),
    Sealed(Message, _BY_ID, {"text": _in_row(MESSAGE_TEXT)}, where="NOT sealed"),
    Sealed(Message, _BY_ID, {"text": _in_row(SEALED_MESSAGE_TEXT)}, sealed=True, where="sealed"),
    Sealed(
        Complaint,
        _BY_ID,
        {vault.column(name): _in_row(vault.purpose(name)) for name in vault.TEXTS},
        sealed=True,
    ),
    Sealed(SealedIdentity, _BY_ID, {"identity": _in_row(vault.IDENTITY)}, sealed=True),
    Sealed(SealedAccess, _BY_ID, {"reason": _in_row(REASON)}, sealed=True),
    Sealed(SealedTexts, _BY_ID, {"texts": _in_row(SEALED_TEXTS)}, sealed=True),
    Sealed(
        EligibilityCheck,
        _BY_ID,
        {
            "inputs": _in_row(SEALED_INPUTS),
            "results": _in_row(SEALED_RESULTS),
            "open_results": _in_row(SEALED_RESULTS),
        },
    ),
    Sealed(Case, _BY_ID, {"reopening_text": _in_row(SEALED_REOPENING)}),
    Sealed(Note, _BY_ID, {"text": _in_row(SEALED_NOTE)}),
    Sealed(
        Attachment,
        _BY_ID,
        {name: _in_row(file_vault.purpose(name, sealed=False)) for name in file_vault.ENCRYPTED},
    ),
    Sealed(
        Attachment,
        _BY_ID,
        {file_vault.column(name): _in_row(file_vault.purpose(name, sealed=True)) for name in file_vault.KEPT},
        sealed=True,
        former=file_vault.former,
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
    sealed      the same under the keys of sealed reports
    indexes     key id -> blind indexes of identities and of numbers told with complaints
    releases    key id -> entries of registry releases that are the newest of their regency
    """

    encryption: Counter[tuple[str, str]] = field(default_factory=Counter)
    sealed: Counter[tuple[str, str]] = field(default_factory=Counter)
    indexes: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)

    def of_encryption_key(self, key_id: str) -> int:
        return sum(count for (_, held), count in self.encryption.items() if held == key_id)

    def of_sealed_key(self, key_id: str) -> int:
        return sum(count for (_, held), count in self.sealed.items() if held == key_id)

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
                counted = found.sealed if sealed.sealed else found.encryption
                for column in sealed.columns:
                    keys = _KEYS.format(column=column, table=sealed.table, where=sealed.where)
                    for row in await tx.fetch(keys, regency):
                        counted[f"{sealed.table}.{column}", row["key"]] += row["count"]
            for row in await tx.fetch(_INDEX_KEYS, regency):
                found.indexes[row["key"]] += row["count"]
            for row in await tx.fetch(_RELEASE, regency):
                found.releases[row["key"]] += row["count"]
    return found


_KEYS: Final = """
SELECT CASE WHEN octet_length({column}) > 2 THEN encode(substring({column} FROM 3 FOR get_byte({column}, 1)), 'escape')
       ELSE '' END AS key, count(*) AS count
FROM {table} WHERE regency = $1 AND {column} IS NOT NULL AND {where} GROUP BY 1
"""
_INDEX_KEYS: Final = """
SELECT index_key AS key, count(*) AS count
FROM (SELECT index_key FROM identities WHERE regency = $1 UNION ALL SELECT index_key FROM complaint_numbers WHERE regency = $1) i
GROUP BY 1
"""
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
        for sealed in _readable(platform.keyring):
            if left[sealed.name]:
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


def _readable(keyring: Keyring) -> list[Sealed]:
    """All of it, but for what is sealed where this process has no keys for that."""
    return [sealed for sealed in SEALED if keyring.seals or not sealed.sealed]


async def _left(platform: Platform, regency: int) -> Counter[str]:
    """Rows under an older key, by table."""
    async with _within(platform, regency) as tx:
        counts = {
            sealed.name: await tx.value(
                f"SELECT count(*) FROM {sealed.table} WHERE regency = $1 AND ({sealed.old})",
                regency,
                sealed.ring(platform.keyring).head,
                platform.keyring.index_key_id,
            )
            for sealed in _readable(platform.keyring)
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
            rows = await tx.fetch(page, regency, sealed.ring(keyring).head, keyring.index_key_id, after, batch)
            changed = [one for one in (_anew(keyring, sealed, row) for row in rows) if one is not None]
            if changed:
                await tx.execute(_update(sealed), regency, *(list(values) for values in zip(*changed, strict=True)))
        rotated[sealed.name] += len(changed)
        unreadable[sealed.name] += len(rows) - len(changed)
        if len(rows) < batch:
            break
        after = rows[-1][name]
    for counter in (rotated, unreadable):
        if not counter[sealed.name]:
            del counter[sealed.name]


def _anew(keyring: Keyring, sealed: Sealed, row: Row) -> tuple[Any, ...] | None:
    """Key, ciphertexts and indexes of a row under the current keys; None where it cannot be read."""
    values: list[Any] = [row[sealed.key[0]]]
    indexes: list[Any] = []
    ring = sealed.ring(keyring)
    try:
        for column, place in sealed.columns.items():
            plain = _plain(keyring, sealed, row, column)
            values.append(None if plain is None else ring.encrypt(plain, place(row)))
            if sealed.indexed and plain is not None:
                indexes += [keyring.blind_index(row["type"], plain.decode()), keyring.index_key_id]
    except DecryptionFailed:
        return None
    return (*values, *indexes)


def _plain(keyring: Keyring, sealed: Sealed, row: Row, column: str) -> bytes | None:
    value: bytes | None = row[column]
    if value is None:
        return None
    try:
        return sealed.ring(keyring).decrypt(value, sealed.columns[column](row))
    except DecryptionFailed:
        if sealed.former is None:
            raise
        return sealed.former(keyring, row["id"], column, value)


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
