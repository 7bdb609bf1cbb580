"""Receipts: the number and the secret by which a complainant without an account comes back to a complaint."""

import secrets
from itertools import count

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.complaints.lifecycle import PUBLIC
from slrt_api.kernel import errors, numbers
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.roles import ScopeKind

PREFIX = "KEL"
_VALUE_BYTES = 5


def public_actor(keyring: Keyring, area_code: str, key: str) -> Actor:
    """The public as the holder of one receipt: that of the complaint which the idempotency key `key` files.

    The receipt follows from the key, so that a repeat may see what the first request made. It tells nothing: without the
    index key of this installation nobody computes it. Raises Invalid `area_unknown`.
    """
    regency = places.tenant(area_code)
    values = (
        int.from_bytes(keyring.digest("public receipt", f"{attempt}\x1f{regency}\x1f{key}".encode())[:_VALUE_BYTES])
        for attempt in count()
    )
    return receipt_holder(numbers.sayable_number(PREFIX, regency, values))


def receipt_holder(number: numbers.Number) -> Actor:
    """The public as the holder of one receipt: what the complainant may do, on the one row of that receipt."""
    rows = RowScope(ScopeKind.PUBLIC, tenants=(number.tenant,), regency=number.tenant, receipt=number.value)
    return Actor("anonymous", PUBLIC, frozenset({Scope.COMPLAINTS_WRITE.value}), rows)


def receipt_of(actor: Actor) -> str:
    """The receipt that a `receipt_holder` holds."""
    return number_of(actor).text


def secret_hash(keyring: Keyring, secret: str) -> bytes:
    """What is kept of a receipt's secret (in its canonical form)."""
    return keyring.digest("receipt secret", secret.encode())


def any_number(regency: int) -> numbers.Number:
    return numbers.sayable_number(PREFIX, regency, iter(lambda: secrets.randbits(8 * _VALUE_BYTES), -1))


def number_of(actor: Actor) -> numbers.Number:
    if actor.rows.regency is None or actor.rows.receipt is None:
        raise errors.Forbidden
    return numbers.sayable_number(PREFIX, actor.rows.regency, iter((actor.rows.receipt,)))
