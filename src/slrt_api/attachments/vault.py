"""Where an attachment's row keeps what tells of its file: of sealed reports under keys and in columns of their own. No I/O."""

import base64
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from slrt_api.attachments.frames import KEY_PURPOSE
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, aad

#: encrypted in every row: column -> what its AAD binds besides the id
ENCRYPTED: Final = {"name": "attachment.name", "location": "attachment.location", "data_key": KEY_PURPOSE}
#: by which somebody who has a file knows it again; encrypted (as base64) in rows of sealed reports, as they are in others
DIGESTS: Final = {"digest": "attachment.digest", "kept_digest": "attachment.kept_digest"}
#: of SHA-256
DIGEST_BYTES: Final = 32
#: what a sealed row keeps in columns of their own
KEPT: Final = ENCRYPTED | DIGESTS


def column(name: str) -> str:
    """Where a row of a sealed report holds what others hold in the column `name`."""
    return f"sealed_{name}"


def purpose(name: str, *, sealed: bool) -> str:
    """What the AAD of that value binds besides the id of the attachment."""
    return f"sealed.{KEPT[name]}" if sealed else KEPT[name]


def place(name: str, id_: UUID, *, sealed: bool) -> bytes:
    """What the ciphertext of that value is bound to."""
    return aad(purpose(name, sealed=sealed), id_)


def kept(keyring: Keyring, id_: UUID, values: Mapping[str, bytes | None], *, sealed: bool) -> dict[str, Any]:
    """The columns of a row for these values, by the name that they have in one that is not sealed."""
    ring = keyring.sealed if sealed else keyring
    found: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or (name in DIGESTS and not sealed):
            found[column(name) if sealed else name] = value
            continue
        plain = base64.b64encode(value) if name in DIGESTS else value
        found[column(name) if sealed else name] = ring.encrypt(plain, place(name, id_, sealed=sealed))
    return found


def digest(keyring: Keyring, id_: UUID, *, clear: bytes | None, sealed: bytes | None) -> bytes:
    """SHA-256 of what was sent, from the column that has it. Raises DecryptionFailed."""
    if clear is not None:
        return clear
    return base64.b64decode(keyring.opened(sealed or b"", place("digest", id_, sealed=True), sealed=True))


def former(keyring: Keyring, id_: UUID, sealed_column: str, value: bytes) -> bytes:
    """What stands in a sealed row that was written before these columns were there: moved to them by the migration, which has
    no keys, it waits for a rotation. Raises DecryptionFailed.
    """
    name = sealed_column.removeprefix(column(""))
    if name in ENCRYPTED:
        return keyring.decrypt(value, place(name, id_, sealed=False))
    if len(value) != DIGEST_BYTES:
        raise DecryptionFailed
    return base64.b64encode(value)
