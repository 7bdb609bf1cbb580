"""Opaque keyset cursors and page limits.

A cursor holds the sort values and the id of the last row of a page, and a digest of filter, sort and role. It is
neither secret nor signed, because it gives no right: every page is cut by the row policy. What it may hold is checked
all the same, before it comes near a statement.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from slrt_api.kernel.errors import BadRequest, Fault

CursorValue = str | int | bool | None

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR_LENGTH = 1024
_DIGEST_BYTES = 8
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_CURSOR = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_CURSOR_LENGTH}}}")
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
"""Characters that JSON can carry and PostgreSQL cannot."""


def digest(*parts: str) -> bytes:
    """Eight bytes that stand for filter, sort and role. Parts are framed: ("ab", "c") differs from ("a", "bc")."""
    return sha256(json.dumps(parts).encode()).digest()[:_DIGEST_BYTES]


def encode_cursor(values: Sequence[CursorValue], digest: bytes) -> str:
    """The cursor after a row with these sort values and id. Raises ValueError beyond 1,024 characters."""
    cursor = _encoded([digest.hex(), *values])
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise ValueError("a cursor's values are too long: sort by short columns")
    return cursor


def decode_cursor(text: str, digest: bytes) -> list[CursorValue]:
    """The values of a cursor that was made for the same digest.

    Raises BadRequest: `cursor_invalid` for what `encode_cursor` would not have written, `cursor_mismatch` for another
    filter, sort or role. How many values there are and of which types is for the caller to check.
    """
    if not _CURSOR.fullmatch(text):
        raise _refused("cursor_invalid")
    try:
        parts = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise _refused("cursor_invalid") from None
    if not isinstance(parts, list) or not parts or not all(_allowed(part) for part in parts) or _encoded(parts) != text:
        raise _refused("cursor_invalid")
    head, *values = parts
    if not isinstance(head, str) or not re.fullmatch("[0-9a-f]{16}", head):
        raise _refused("cursor_invalid")
    if head != digest.hex():
        raise _refused("cursor_mismatch")
    return values


def parse_limit(text: str | None) -> int:
    """The page length that a query parameter asks for: 1 to 200, 50 without one."""
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        fault = Fault("limit", "out_of_range", f"A whole number from 1 to {MAX_LIMIT}.")
        raise BadRequest("parameter_invalid", faults=(fault,))
    return int(text)


def _encoded(parts: list[CursorValue]) -> str:
    payload = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    return urlsafe_b64encode(payload).decode().rstrip("=")


def _allowed(part: object) -> bool:
    if isinstance(part, str):
        return not _UNSAFE.search(part)
    return part is None or (isinstance(part, int) and -(2**63) <= part < 2**63)


def _refused(code: str) -> BadRequest:
    return BadRequest(code, faults=(Fault("cursor", code, "Start again without a cursor."),))
