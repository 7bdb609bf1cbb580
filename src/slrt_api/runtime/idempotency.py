"""The first answer to a request with an idempotency key, kept in the transaction of the effect it answers.

A key counts within issuer, subject, acting role and operation. Only digests of the key and of the content are stored, and
the answer's bytes encrypted. While the first request is under way, a second gets 409 at once; refusals are not kept.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor, RowScope, entering
from slrt_api.runtime.crypto import Keyring, aad
from slrt_api.runtime.prepared import literal, octets

if TYPE_CHECKING:
    from slrt_api.runtime.transaction import Transaction

KEPT_DAYS = 30
_KEY = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")

#: what `slrt_found` tells where nobody has asked before
_FREE = "SELECT 0"
_CLAIMED = """
SELECT current_setting('app.claimed')::boolean AS mine, request_digest, status, location, version, body, resource_id
FROM (SELECT) AS once LEFT JOIN idempotent_answers ON regency = $1 AND key_digest = $2
"""


@dataclass(frozen=True)
class Key:
    """One key in its scope. `regency` is where the row stands; `request` is the digest of target and content."""

    regency: int
    digest: bytes
    request: bytes


@dataclass(frozen=True)
class Kept:
    """An answer as it was given first."""

    status: int
    location: str | None
    version: int | None
    body: bytes
    resource_id: UUID | None


def parse(header: str) -> str:
    """The key of an `Idempotency-Key` header, quoted or bare. Raises BadRequest `idempotency_key_invalid`."""
    text = header.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not _KEY.fullmatch(text):
        fault = errors.Fault("Idempotency-Key", "idempotency_key_invalid", "1 to 255 visible ASCII characters.")
        raise errors.BadRequest("idempotency_key_invalid", faults=(fault,))
    return text


def strong(key: str) -> bool:
    """Whether a key can stand alone, without a caller: a UUID or at least 128 bits in 22 characters."""
    return len(set(key)) > 8 and len(key) >= 22


def key_of(keyring: Keyring, regency: int, scope: tuple[str, ...], key: str, content: bytes) -> Key:
    """The key in its scope. `scope` is issuer and subject, role and operation; `content` names target and body."""
    name = "\x1f".join((*scope, key)).encode()
    return Key(regency, keyring.digest("idempotency key", name), keyring.digest("idempotency content", content))


def place(digest: bytes) -> bytes:
    """What binds the ciphertext of an answer to its row."""
    return aad("idempotent_answer", digest.hex())


def canonical(body: bytes) -> bytes:
    """The JSON value of a body that was read already, in one spelling."""
    if not body:
        return b""
    return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key_of_request(keyring: Keyring, actor: Actor, operation: str, text: str, *, on: UUID | None, body: bytes) -> Key:
    """The key that a request names, in the scope of its caller: the same for every surface.

    on    the resource that the operation is asked on
    body  JSON that was read already
    Raises BadRequest `idempotency_key_invalid`.
    """
    scope = (actor.subject, actor.role, operation)
    content = f"{on}\n".encode() + canonical(body)
    return key_of(keyring, next(iter(actor.rows.tenants), 0), scope, parse(text), content)


def opening(key: Key, rows: RowScope) -> str:
    """What a transaction of `rows` begins with in which `key` is to be claimed.

    Its statements have no values of the caller. The lock is a statement before the look, which so sees what its holder
    before has kept; the last one tells whether anything was found, and the connection has the role of `rows` again.
    """
    lock = int.from_bytes(key.digest[:8], "big", signed=True)
    return (
        f"{entering(key.regency)}; EXECUTE slrt_claim({lock:d});"
        f" EXECUTE slrt_kept({key.regency:d}, {octets(key.digest)}); {rows.again}; EXECUTE slrt_found"
    )


async def claim(tx: "Transaction", key: Key) -> Kept | None:
    """The answer kept for `key`, or None and the right to give the first one until the transaction ends.

    In a transaction that began with `opening`. Raises Conflict `request_in_flight` while another transaction holds that
    right, Invalid `idempotency_key_reused` when the content differs from the first.
    """
    if tx.found == _FREE:
        return None
    async with tx.effect(key.regency):
        row = await tx.first(_CLAIMED, key.regency, key.digest)
    if row is None or not row["mine"]:
        raise errors.Conflict("request_in_flight", retry_after_seconds=1)
    if row["request_digest"] is None:
        return None
    if row["request_digest"] != key.request:
        raise errors.Invalid("idempotency_key_reused")
    body = tx.keyring.decrypt(row["body"], place(key.digest))
    return Kept(row["status"], row["location"], row["version"], body, row["resource_id"])


def keep(tx: "Transaction", key: Key, kept: Kept, *, sealed: bool = False) -> None:
    """Store the first answer, in the effect's own transaction, as its last statement.

    sealed  nothing beside the ciphertext leads to the resource, and the row tells the day only
    """
    if sealed:
        tx = tx.veiled()
        kept = replace(kept, location=None, resource_id=None)
    body = tx.keyring.encrypt(kept.body, place(key.digest))
    values = (
        f"{key.regency:d}, {octets(key.digest)}, {octets(key.request)}, {literal(kept.resource_id)}, {kept.status:d},"
        f" {literal(kept.location)}, {literal(kept.version)}, {octets(body)}, {literal(tx.now)}"
    )
    tx.end_with(key.regency, f"EXECUTE slrt_keep({values})")
