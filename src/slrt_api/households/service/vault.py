"""Numbers of people and families under key: what binds a ciphertext to its row, and reading it again.

Encrypted for one row, a number decrypts in that row only: a ciphertext that was moved to another is an alarm, not an answer.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from slrt_api.households.codes import IdentityType
from slrt_api.households.models import Identity
from slrt_api.kernel import errors
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, aad

_log = structlog.get_logger(__name__)


class Sealed(Protocol):
    """What it takes to decrypt a number: an `Identity`, or these columns of one."""

    @property
    def regency(self) -> int: ...
    @property
    def id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def ciphertext(self) -> bytes: ...


def identity_place(type_: str, id_: UUID) -> bytes:
    """What binds the ciphertext of a number to its row and kind."""
    return aad("identity", str(type_), id_)


def sealed(keyring: Keyring, type_: IdentityType, id_: UUID, number: str) -> Mapping[str, Any]:
    """The columns of an identity that keep its number: ciphertext, blind index, and the key of that index."""
    return {
        "ciphertext": keyring.encrypt(number, identity_place(type_, id_)),
        "blind_index": keyring.blind_index(type_.value, number),
        "index_key": keyring.index_key_id,
    }


def number_of(keyring: Keyring, identity: Sealed) -> str:
    """The number in full. Raises SlrtError `identity_unreadable`, and says so in the log, where it does not decrypt."""
    try:
        return keyring.decrypt(identity.ciphertext, identity_place(identity.type, identity.id)).decode()
    except DecryptionFailed:
        raise unreadable(identity) from None


def index_under(keyring: Keyring, key_id: str, identity: Identity) -> bytes:
    """The blind index of the number under another key than its own. Raises as `number_of`."""
    if identity.index_key == key_id:
        return identity.blind_index
    number = number_of(keyring, identity)
    try:
        return keyring.blind_index_under(key_id, identity.type, number)
    except DecryptionFailed:
        raise unreadable(identity) from None


def unreadable(identity: Sealed) -> errors.SlrtError:
    """The error of a number that does not decrypt. Somebody has to look at it: the bytes were altered or moved, or their
    key was taken away."""
    _log.error("identity_unreadable", regency=identity.regency, identity_id=str(identity.id), type=identity.type)
    return errors.SlrtError("identity_unreadable")
