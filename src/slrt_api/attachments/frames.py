"""How the bytes of an attachment lie in the object store: AES-256-GCM under a key of the attachment's own.

The key stands in the row, encrypted by the keyring, so that keys rotate without a touch of the store, and what is withdrawn
is unreadable everywhere, in copies too, from the moment that its row forgets the key. Every ciphertext is bound to its
attachment and its place in it. A frame is nonce (12 bytes), ciphertext, tag (16 bytes).
"""

import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slrt_api.runtime.crypto import KEY_BYTES, NONCE_BYTES, TAG_BYTES, DecryptionFailed, Keyring, aad, key_id_of

#: bytes of the file in one frame of what is kept
FRAME_BYTES: Final = 256 * 1024
OVERHEAD: Final = NONCE_BYTES + TAG_BYTES


#: what the AAD of an attachment's key binds besides its id
KEY_PURPOSE: Final = "attachment.key"


def new_key() -> bytes:
    """A key for an attachment."""
    return os.urandom(KEY_BYTES)


@dataclass(frozen=True)
class FileKey:
    """The key of an attachment as its row keeps it: encrypted by the keyring, or by its ring of sealed reports."""

    id: UUID
    ciphertext: bytes
    sealed: bool

    @property
    def key_id(self) -> str | None:
        """Id of the key of the keyring that it stands under."""
        return key_id_of(self.ciphertext)

    def opened(self, keyring: Keyring) -> bytes:
        """Raises DecryptionFailed for a key that is gone."""
        purpose = f"sealed.{KEY_PURPOSE}" if self.sealed else KEY_PURPOSE
        return keyring.opened(self.ciphertext, aad(purpose, self.id), sealed=self.sealed)


class Cipher:
    """Encrypts and decrypts what belongs to one attachment. Raises DecryptionFailed for a key that is gone."""

    def __init__(self, keyring: Keyring, key: FileKey) -> None:
        self._id = key.id
        self._cipher = AESGCM(key.opened(keyring))

    def _seal(self, content: bytes, *place: str | int) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, aad("attachment", self._id, *place))

    def _open(self, frame: bytes, *place: str | int) -> bytes:
        try:
            return self._cipher.decrypt(frame[:NONCE_BYTES], frame[NONCE_BYTES:], aad("attachment", self._id, *place))
        except (InvalidTag, ValueError):
            raise DecryptionFailed from None

    def seal_part(self, content: bytes, offset: int) -> bytes:
        """A part of an upload that begins at `offset`."""
        return self._seal(content, "part", offset, len(content))

    def open_part(self, frame: bytes, offset: int) -> bytes:
        return self._open(frame, "part", offset, len(frame) - OVERHEAD)

    def seal(self, content: bytes) -> bytes:
        """A whole file, frame by frame."""
        return b"".join(
            self._seal(content[start : start + FRAME_BYTES], "file", start, len(content))
            for start in range(0, len(content), FRAME_BYTES)
        )

    def open_frame(self, frame: bytes, start: int, size: int) -> bytes:
        """The bytes of a file of `size` bytes that begin at `start`, from their frame."""
        return self._open(frame, "file", start, size)


def frame_at(position: int, size: int) -> tuple[int, int, int]:
    """The frame that holds byte `position` of a file of `size` bytes: its start in the file, and where it lies (from, to)."""
    number = position // FRAME_BYTES
    start = number * FRAME_BYTES
    begins = number * (FRAME_BYTES + OVERHEAD)
    return start, begins, begins + min(FRAME_BYTES, size - start) + OVERHEAD
