"""Ids of everything: UUIDs that tell tenant, kind and time of minting without a look into the database.

The recipe is public, so that clients which create rows offline mint ids by themselves. RFC 9562 version 8, most
significant bit first, 128 bits:

    bits  field
    48    milliseconds since 1970-01-01T00:00:00Z
     4    version, 8
    12    counter: a random start below 2048 in each new millisecond, plus 1 for each further id of the same minter
     2    variant, binary 10
    14    tenant number (0 = national)
     6    kind, see `Kind`
    42    random, from a cryptographic source

A minter whose counter overflows borrows the next millisecond. Confidential things are *coarse*: the time is that of the
beginning of the UTC day and the counter is random, so that the id tells neither hour nor order.

What lives here knows nothing of rows: whether an id exists is another question.
"""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from threading import Lock
from uuid import UUID

NATIONAL = 0
MAX_TENANT = 9999
"""Tenant numbers have four decimal digits; the 14 bits would hold more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MILLISECONDS = 24 * 60 * 60 * 1000
_LOW_42_BITS = (1 << 42) - 1


class Kind(IntEnum):
    """What an id names. Numbers are kept for ever; new kinds are appended (63 is the last that fits)."""

    HOUSEHOLD = 1
    PERSON = 2
    CASE = 3
    NEED = 4
    ASSESSMENT = 5
    REFERRAL = 6
    COMPLAINT = 7
    ORGANIZATION = 8
    PROGRAM = 9
    EVENT = 10
    ENROLLMENT = 11
    ELIGIBILITY_CHECK = 12
    SCREENING = 13
    IMPORT = 14
    EXPORT = 15
    PROPOSAL = 16
    GRANT = 17
    ATTACHMENT = 18
    DUPLICATE = 19
    WEBHOOK_ENDPOINT = 20
    DELIVERY = 21
    MESSAGE = 22
    CLOCK = 23
    CONSENT = 24
    REGISTRY_ENTRY = 25
    SNAPSHOT = 26
    DEVICE = 27
    DATA_SUBJECT_REQUEST = 28
    DIRECT_SERVICE = 29
    ACCESS = 30
    REVOCATION = 31
    ACCESS_OVERRIDE = 32
    LINEAGE = 33
    DUPLICATE_RUN = 34
    CIVIL_CHECK = 35
    HANDOVER = 36
    DUPLICATE_TICKET = 37
    RULE_VERSION = 38
    VARIANT_CHOICE = 39
    ELIGIBILITY_REVIEW = 40
    ENROLLMENT_LIST = 41
    SEALED_ACCESS = 42
    CALENDAR = 43
    SLA_POLICY = 44
    CASE_PLAN_LINE = 45
    NOTE = 46
    ASSIGNMENT = 47
    INSTRUMENT = 48
    FAMILY_PLAN = 49
    ROUTING_POLICY = 50
    ESCALATION_LADDER = 51
    ROUTING_OFFER = 52
    COMPLAINT_LINK = 53
    CASE_TASK = 54
    CASE_MERGE = 55


_KINDS = {int(kind): kind for kind in Kind}


class _Random:
    """Bytes of the cryptographic source, drawn by the page: a system call for each id costs more than the id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn = memoryview(b"")

    def forget(self) -> None:
        """A forked process must not hand out the ids of its parent."""
        self._lock, self._drawn = Lock(), memoryview(b"")

    def take(self) -> memoryview:
        """Eight bytes that nobody got before."""
        with self._lock:
            if not self._drawn:
                self._drawn = memoryview(os.urandom(4096))
            taken, self._drawn = self._drawn[:8], self._drawn[8:]
            return taken


_random = _Random()
os.register_at_fork(after_in_child=_random.forget)


class _Minter:
    """Hands out (milliseconds, counter) as one 60-bit position, so that a full counter carries by itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._live = 0
        self._asked = -1
        self._given = 0

    def live(self, milliseconds: int, start: int) -> int:
        """The next position at the running clock; never goes back, even when the clock does.

        start  11 random bits, where the counter begins in a new millisecond
        """
        with self._lock:
            behind = milliseconds <= self._live >> 12
            self._live = self._live + 1 if behind else milliseconds << 12 | start
            return self._live

    def given(self, milliseconds: int, start: int) -> int:
        """The next position at an instant that the caller names; ascending while the caller names the same one."""
        with self._lock:
            again = milliseconds == self._asked
            self._asked, self._given = milliseconds, self._given + 1 if again else milliseconds << 12 | start
            return self._given


_minter = _Minter()


def new_id(kind: Kind, tenant: int, at: datetime | None = None, *, coarse: bool = False) -> UUID:
    """A new id, ascending within this process.

    tenant  tenant number, 0 for what is national
    at      aware instant to stand in the id; None is now
    coarse  only the UTC day of `at` and a random counter: for confidential things
    Raises ValueError for a tenant outside 0..9999, a naive instant or one before 1970.
    """
    if not NATIONAL <= tenant <= MAX_TENANT:
        raise ValueError("a tenant number has four digits")
    milliseconds = _milliseconds(at if at is not None else datetime.now(UTC))
    # One draw for both fields: an access record is minted with every read.
    random = int.from_bytes(_random.take(), "big")
    if coarse:
        position = (milliseconds - milliseconds % _DAY_MILLISECONDS) << 12 | random >> 52
    elif at is None:
        position = _minter.live(milliseconds, random >> 53)
    else:
        position = _minter.given(milliseconds, random >> 53)
    high = position >> 12 << 16 | 0x8 << 12 | position & 0xFFF
    low = 0b10 << 62 | tenant << 48 | kind << 42 | random & _LOW_42_BITS
    return UUID(int=high << 64 | low)


def shipped_id(kind: Kind, name: str) -> UUID:
    """The id of national data that comes with the platform: the same wherever it is loaded. Its time is 2024-01-01.

    name  what tells it from all others of its kind, for ever
    """
    digest = int.from_bytes(hashlib.sha256(f"{int(kind)}\x1f{name}".encode()).digest())
    milliseconds = _milliseconds(datetime(2024, 1, 1, tzinfo=UTC))
    high = milliseconds << 16 | 0x8 << 12 | digest >> 42 & 0xFFF
    return UUID(int=high << 64 | 0b10 << 62 | NATIONAL << 48 | kind << 42 | digest & _LOW_42_BITS)


def kind_of(uuid: UUID) -> Kind | None:
    """The kind that the id names; None when it was not minted by the recipe, or names a kind that does not exist."""
    if uuid.int >> 76 & 0xF != 0x8 or uuid.int >> 62 & 0b11 != 0b10:
        return None
    return _KINDS.get(uuid.int >> 42 & 0x3F)


def tenant_of(uuid: UUID) -> int:
    """The tenant number in the id (0..16383); tells nothing where `kind_of` is None."""
    return uuid.int >> 48 & 0x3FFF


def minted_at(uuid: UUID) -> datetime:
    """The instant in the id (UTC, milliseconds; of a coarse one the beginning of the day), as its minter claims.

    Raises ValueError where the id names a time after the year 9999.
    """
    try:
        return _EPOCH + (uuid.int >> 80) * _MILLISECOND
    except OverflowError as overflow:
        raise ValueError("the id names a time after the year 9999") from overflow


def _milliseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    milliseconds = (at - _EPOCH) // _MILLISECOND
    if milliseconds < 0:
        raise ValueError("ids begin in 1970")
    return milliseconds
