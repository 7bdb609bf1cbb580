"""Statements that texts without values name, and the literals that such texts give them.

A text is all that opens and ends a transaction, in the round trip of its BEGIN or COMMIT. It holds digests, ciphertext,
numbers, instants and ids, and never a value of the caller.
"""

from collections.abc import Mapping
from typing import Final

#: By their names: each connection that writes has their plans, which cost more than running them. Settings of the transaction
#: keep whether the right to answer first is the caller's, and whether there is an answer already.
PREPARED: Final[Mapping[str, str]] = {
    "slrt_claim": "SELECT set_config('app.claimed', pg_try_advisory_xact_lock($1)::text, true)",
    "slrt_kept": """SELECT set_config('app.kept', EXISTS (
        SELECT FROM idempotent_answers WHERE regency = $1 AND key_digest = $2)::text, true)""",
    "slrt_found": """SELECT FROM (SELECT) AS once
        WHERE current_setting('app.claimed') = 'false' OR current_setting('app.kept') = 'true'""",
    "slrt_keep": """INSERT INTO idempotent_answers
        (regency, key_digest, request_digest, resource_id, status, location, version, body, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
}


def octets(value: bytes) -> str:
    """Bytes as a literal."""
    return f"'\\x{value.hex()}'"


def literal(value: object) -> str:
    """A value as a literal whose type the statement decides."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
