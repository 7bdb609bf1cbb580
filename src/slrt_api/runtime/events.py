"""Events and revisions: the bytes, the chain and the commitment (architecture: `docs/decisions/0005`).

An event says that something changed; its revision says what. The event's bytes hold no personal value and no free text,
only `commitment = SHA-256(salt || canonical values)`, so that the revision can be erased without breaking the chain.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
