"""Events and revisions: the bytes, the chain, the commitment, and the statement that writes them (`docs/decisions/0005`).

An event says that something changed; its revision says what. The event's bytes hold no personal value and no free text,
only `commitment = SHA-256(salt || canonical values)`, so that the revision can be erased without breaking the chain.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import rfc8785

from slrt_api.kernel.ids import Kind

GENESIS = bytes(32)
FORMAT = 1
#: the largest whole number that every reader of JSON holds exactly (RFC 8785, section 3.2.2.3)
_EXACT = 2**53 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00:00Z."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def plain(value: Any) -> Any:
    """`value` as JSON holds it; instants in UTC with `Z`. Bytes (ciphertexts, digests) are left out of revisions."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if not isinstance(item, bytes)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def canonical(value: Any) -> bytes:
    """The JSON of `value` by RFC 8785.

    Where all names are ASCII and all numbers are whole and exact in every reader, orjson writes the same bytes, in a fiftieth
    of the time.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if _is_simple(value) else rfc8785.dumps(value)


def _is_simple(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(name) is str and name.isascii() and _is_simple(item) for name, item in value.items())
    if isinstance(value, list):
        return all(map(_is_simple, value))
    if isinstance(value, int):
        return -_EXACT <= value <= _EXACT
    return value is None or isinstance(value, str)


#: what stands before the hash of the event before, once in the bytes of an event: a quote inside of a text is escaped
_PREVIOUS = b'"previous":"'


@dataclass(frozen=True)
class Recorded:
    """The row values of one event and its revision.

    head, tail  the bytes of the event before and after the hash (hex) of the event before it, which whoever writes it puts
                between them; of the first one, of GENESIS
    """

    head: bytes
    tail: bytes
    values: dict[str, Any]
    salt: bytes

    def body(self, previous: bytes) -> bytes:
        """The bytes of the event. previous: the hash of the event before."""
        return self.head + previous.hex().encode() + self.tail


def record(
    *,
    event_id: UUID,
    regency: int,
    aggregate: UUID,
    kind: Kind,
    sequence: int,
    type_: str,
    at: datetime,
    actor: str,
    role: str,
    on_behalf_of: str | None,
    fields: list[str],
    values: Mapping[str, Any],
    trace_id: str,
) -> Recorded:
    """Build the event of one change."""
    revision: dict[str, Any] = plain(values)
    salt = secrets.token_bytes(16)
    body = canonical(
        {
            "format": FORMAT,
            "id": str(event_id),
            "regency": regency,
            "aggregate": str(aggregate),
            "kind": int(kind),
            "sequence": sequence,
            "type": type_,
            "at": microseconds(at),
            "actor": actor,
            "role": role,
            "on_behalf_of": on_behalf_of,
            "fields": sorted(fields),
            "commitment": commitment(salt, revision),
            "trace_id": trace_id,
            "previous": "",
        }
    )
    head, mark, tail = body.partition(_PREVIOUS)
    return Recorded(head=head + mark, tail=tail, values=revision, salt=salt)


def leaf(body: bytes) -> bytes:
    """Hash of an event's bytes; also its leaf in the Merkle tree of checkpoints (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def commitment(salt: bytes, values: Mapping[str, Any]) -> str:
    """Hex SHA-256 over the salt and the canonical values of a revision."""
    return hashlib.sha256(salt + canonical(dict(values))).hexdigest()


#: The chain is closed where the row is written: the event before is looked up and its hash put between the two parts of the
#: bytes. None there is no hash, and no row without one. Sealed events stand in no feed, and the number of their transaction
#: would tell the hour between two others.
_CHAINED = """
WITH whole AS (
    SELECT $18::bytea || convert_to(encode(previous, 'hex'), 'UTF8') || $19::bytea AS body
    FROM (SELECT CASE WHEN $3 = 1 THEN $24::bytea ELSE (
              SELECT hash FROM events WHERE regency = $1 AND aggregate_id = $2 AND sequence = $3 - 1) END AS previous) chain
), event AS (
    INSERT INTO events (regency, aggregate_id, sequence, id, area, kind, type, at, actor, role, on_behalf_of,
                        organization_id, program_id, reporter_id, receipt, sealed, trace_id, body, hash, open, escalation,
                        xact)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, body, sha256('\\x00'::bytea || body),
           $22, $23, CASE WHEN $16 THEN '0'::xid8 ELSE pg_current_xact_id() END
    FROM whole
)"""
_REVISION = """
INSERT INTO revisions (regency, aggregate_id, sequence, area, organization_id, program_id, sealed, values, salt, open,
                       escalation)
VALUES ($1, $2, $3, $5, $12, $13, $16, $20, $21, $22, $23)
"""
RECORD = f"{_CHAINED}{_REVISION}"
_VALUES = 24


@lru_cache(maxsize=256)
def recording(look: str) -> str:
    """The statement that records an event and looks at something else, whose values come after its own."""
    moved = re.sub(r"\$([0-9]+)", lambda match: f"${int(match[1]) + _VALUES}", look)
    return f"{_CHAINED}, revision AS ({_REVISION}) {moved}"
