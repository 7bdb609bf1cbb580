"""Encryption at rest, blind indexes and keyed digests of what must not be readable in the database.

Nothing here knows what a value means: a caller binds a ciphertext to its place with `aad(...)`. Signatures and tokens
are not here (`runtime/tokens`).
"""

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from slrt_api.runtime import secretfile
from slrt_api.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
VERSION = 1
#: id of SLRT_INDEX_KEY as a key of blind indexes
DEFAULT_INDEX_KEY = "default"

_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class DecryptionFailed(Exception):
    """The bytes are not a ciphertext of this keyring for this place: altered, moved, or of a key that is gone."""


class KeysRefused(ValueError):
    """The configured keys cannot be used. The message names the setting, never its value."""


def aad(*parts: str | int | UUID) -> bytes:
    """Bytes that name the place of a ciphertext, for instance `aad("person_identity", row_id, "NIK")`.

    Every part carries its type and length, so no two different lists of parts give the same bytes: `("a", "bc")` and
    `("ab", "c")` differ, and so do `1` and `"1"`, and a UUID and its text.
    """
    return b"".join(_framed(part) for part in parts)


def _framed(part: str | int | UUID) -> bytes:
    if isinstance(part, str):
        tag, content = b"s", part.encode()
    elif isinstance(part, UUID):
        tag, content = b"u", part.bytes
    elif isinstance(part, int) and not isinstance(part, bool):
        tag, content = b"i", str(part).encode()
    else:
        message = "a part of an AAD is a str, an int or a UUID"
        raise TypeError(message)
    return tag + len(content).to_bytes(4, "big") + content


def key_id_of(blob: bytes) -> str | None:
    """Id of the key that a ciphertext names; None for what is no ciphertext."""
    if len(blob) < 2 or blob[0] != VERSION:
        return None
    key_id = blob[2 : 2 + blob[1]].decode("ascii", "replace")
    return key_id if _KEY_ID.fullmatch(key_id) else None


class Ring:
    """Encryption keys by their ids: the last one encrypts, all of them decrypt."""

    __slots__ = ("_ciphers", "_current")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = list(keys)[-1]

    @property
    def key_id(self) -> str:
        """Id of the key that encrypts."""
        return self._current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that decrypt, the current one last."""
        return tuple(self._ciphers)

    @property
    def head(self) -> bytes:
        """What every ciphertext of the current key begins with."""
        key_id = self._current.encode()
        return bytes((VERSION, len(key_id))) + key_id

    def __repr__(self) -> str:
        return f"<Ring {', '.join(self._ciphers)}>"

    def __reduce__(self) -> str:
        # A pickle would carry the keys to wherever it is written.
        message = "keys cannot be pickled"
        raise TypeError(message)

    def encrypt(self, plaintext: str | bytes, aad: bytes) -> bytes:
        """AES-256-GCM under the current key, bound to `aad` and to the key's id.

        Gives: version byte, length of the key id (1 byte), key id, nonce (12 bytes), ciphertext and tag (16 bytes).
        """
        content = plaintext.encode() if isinstance(plaintext, str) else plaintext
        head = self.head
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + self._ciphers[self._current].encrypt(nonce, content, head + aad)

    def decrypt(self, blob: bytes, aad: bytes) -> bytes:
        """What `encrypt` was given, for the same `aad`. Raises DecryptionFailed, which says nothing of the cause."""
        if len(blob) < 2 or blob[0] != VERSION:
            raise DecryptionFailed
        nonce_at = 2 + blob[1]
        head, nonce, sealed = blob[:nonce_at], blob[nonce_at : nonce_at + NONCE_BYTES], blob[nonce_at + NONCE_BYTES :]
        cipher = self._ciphers.get(head[2:].decode("ascii", "replace"))
        if cipher is None or len(sealed) < TAG_BYTES:
            raise DecryptionFailed
        try:
            return cipher.decrypt(nonce, sealed, head + aad)
        except InvalidTag:
            raise DecryptionFailed from None


class Keyring(Ring):
    """The keys of one installation.

    encryption_keys  32 bytes each, by id; the last one encrypts, all of them decrypt
    index_key        32 bytes: the root of `digest`, which never rotates, because digests have no plaintext to be made
                     anew from. It is the key of the blind indexes too (id `default`) while there is no `index_keys`
    index_keys       32 bytes each, by id; the last one makes blind indexes, lookups try all of them
    sealed_keys      32 bytes each, by id; the ring `sealed`, of sealed reports alone. None: nothing can be sealed

    No encryption key equals another key: who can look a value up must not be able to read the others, and who can read the
    others must not be able to read what is sealed.
    Raises KeysRefused for keys of another length, equal keys, and ids outside `[A-Za-z0-9_.-]{1,32}`.
    """

    __slots__ = ("_index_current", "_index_keys", "_root", "_sealed", "_subkey")

    def __init__(
        self,
        encryption_keys: Mapping[str, bytes],
        index_key: bytes,
        index_keys: Mapping[str, bytes] | None = None,
        sealed_keys: Mapping[str, bytes] | None = None,
    ) -> None:
        indexes = {DEFAULT_INDEX_KEY: index_key} if index_keys is None else dict(index_keys)
        sealed = dict(sealed_keys or {})
        if not encryption_keys or not indexes or (sealed_keys is not None and not sealed):
            raise KeysRefused("at least one encryption key and one index key are needed")
        if not all(_KEY_ID.fullmatch(key_id) for key_id in (*encryption_keys, *indexes, *sealed)):
            raise KeysRefused("a key's id is 1 to 32 of the characters A-Z a-z 0-9 _ . -")
        ciphers = [*encryption_keys.values(), *sealed.values()]
        if any(len(key) != KEY_BYTES for key in (*ciphers, *indexes.values(), index_key)):
            raise KeysRefused(f"every key is {KEY_BYTES} bytes")
        for distinct in ([*ciphers, *indexes.values()], [*ciphers, index_key]):
            if any(hmac.compare_digest(one, other) for one, other in combinations(distinct, 2)):
                raise KeysRefused("the encryption keys, the sealed keys and the index keys must all differ")
        super().__init__(encryption_keys)
        self._sealed = Ring(sealed) if sealed else None
        self._index_keys = indexes
        self._index_current = list(indexes)[-1]
        self._root = index_key
        # The purposes are a handful of constants of our code; deriving a subkey once saves two HMACs a digest.
        self._subkey: Callable[[str], bytes] = lru_cache(maxsize=64)(self._derive)

    @classmethod
    def from_settings(cls, settings: Settings, data_dir: Path | None) -> Self:
        """The configured keys; in development without any, keys made once into the data folder.

        They stand in `keys.json`, those of sealed reports in `sealed-keys.json`.
        Raises KeysRefused in production without keys, when only one of the two settings is given, when they cannot be
        read, and in development when there is neither a key nor a folder to keep one.
        """
        if settings.encryption_keys is not None and settings.index_key is not None:
            return cls(
                _parsed(settings.encryption_keys),
                _decoded(settings.index_key.get_secret_value()),
                _parsed(settings.index_keys) if settings.index_keys is not None else None,
                _sealed(settings, data_dir),
            )
        if settings.production:
            raise KeysRefused("SLRT_ENV=production needs SLRT_ENCRYPTION_KEYS and SLRT_INDEX_KEY")
        if settings.encryption_keys is not None or settings.index_key is not None or settings.index_keys is not None:
            raise KeysRefused("SLRT_ENCRYPTION_KEYS and SLRT_INDEX_KEY are given together or not at all")
        if data_dir is None:
            raise KeysRefused("without SLRT_ENCRYPTION_KEYS and SLRT_INDEX_KEY a data folder is needed to keep keys in")
        kept = _object(secretfile.load_or_create(data_dir / "keys.json", _generated).decode())
        encryption_keys, index_key, index_keys = (
            kept.get(name) for name in ("encryption_keys", "index_key", "index_keys")
        )
        if (
            not isinstance(encryption_keys, dict)
            or not isinstance(index_key, str)
            or not isinstance(index_keys, dict | None)
        ):
            raise KeysRefused("keys.json in the data folder is damaged")
        return cls(
            {key_id: _decoded(key) for key_id, key in encryption_keys.items()},
            _decoded(index_key),
            None if index_keys is None else {key_id: _decoded(key) for key_id, key in index_keys.items()},
            _sealed(settings, data_dir),
        )

    @property
    def sealed(self) -> Ring:
        """The keys of sealed reports. Raises KeysRefused where there are none."""
        if self._sealed is None:
            raise KeysRefused("without SLRT_SEALED_KEYS nothing can be sealed")
        return self._sealed

    @property
    def seals(self) -> bool:
        """Whether there are keys for sealed reports."""
        return self._sealed is not None

    def opened(self, blob: bytes, aad: bytes, *, sealed: bool) -> bytes:
        """What was encrypted for `aad`, by the ring of sealed reports or by this one. Raises DecryptionFailed, also where this
        process holds no key of sealed reports."""
        ring = self._sealed if sealed else self
        if ring is None:
            raise DecryptionFailed
        return ring.decrypt(blob, aad)

    def ids(self, *, sealed: bool) -> tuple[str, ...]:
        """Ids of the keys that decrypt in that ring; none where this process has no such ring."""
        ring = self._sealed if sealed else self
        return () if ring is None else ring.key_ids

    @property
    def encryption_key_id(self) -> str:
        """Id of the key that encrypts."""
        return self.key_id

    @property
    def encryption_key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that decrypt, the current one last."""
        return self.key_ids

    @property
    def index_key_id(self) -> str:
        """Id of the key that makes blind indexes; kept beside each."""
        return self._index_current

    @property
    def index_key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that lookups try, the current one last."""
        return tuple(self._index_keys)

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self.key_ids)}>"

    def blind_index(self, kind: str, value: str) -> bytes:
        """32 bytes by which equal values of one kind are found without reading them (HMAC-SHA256, current index key).

        The caller normalizes the value first. Equal values of different kinds give different bytes.
        """
        return hmac.digest(self._index_keys[self._index_current], aad(kind, value), hashlib.sha256)

    def blind_indexes(self, kind: str, value: str) -> list[bytes]:
        """The indexes of a value under every index key: what a lookup compares with, while rows rotate from one to the
        next."""
        return [hmac.digest(key, aad(kind, value), hashlib.sha256) for key in self._index_keys.values()]

    def blind_index_under(self, key_id: str, kind: str, value: str) -> bytes:
        """The index of a value under one key. Raises DecryptionFailed when the key is gone."""
        key = self._index_keys.get(key_id)
        if key is None:
            raise DecryptionFailed
        return hmac.digest(key, aad(kind, value), hashlib.sha256)

    def digest(self, purpose: str, data: bytes) -> bytes:
        """32 bytes that tell whether `data` is the same as before, worthless for any other purpose.

        HMAC-SHA256 under a subkey of SLRT_INDEX_KEY for `purpose` (HKDF, RFC 5869), which does not change when
        encryption keys or index keys rotate.
        """
        return hmac.digest(self._subkey(purpose), data, hashlib.sha256)

    def _derive(self, purpose: str) -> bytes:
        info = b"slrt-api digest v1" + aad(purpose)
        return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._root)


def _generated() -> bytes:
    def key() -> str:
        return base64.b64encode(os.urandom(KEY_BYTES)).decode()

    return json.dumps({"encryption_keys": {"dev-1": key()}, "index_key": key()}).encode()


def _sealed(settings: Settings, data_dir: Path | None) -> dict[str, bytes] | None:
    """The keys of sealed reports: configured, in development those of the data folder, else none."""
    if settings.sealed_keys is not None:
        return _parsed(settings.sealed_keys)
    if settings.production or data_dir is None:
        return None
    kept = _object(secretfile.load_or_create(data_dir / "sealed-keys.json", _generated_sealed).decode())
    return {key_id: _decoded(key) for key_id, key in kept.items()}


def _generated_sealed() -> bytes:
    return json.dumps({"dev-sealed-1": base64.b64encode(os.urandom(KEY_BYTES)).decode()}).encode()


def _parsed(setting: SecretStr) -> dict[str, bytes]:
    return {key_id: _decoded(key) for key_id, key in _object(setting.get_secret_value()).items()}


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        # Without the cause: a JSON error quotes the document, and the document is a key.
        raise KeysRefused("the keys are a JSON object {key id: base64} with distinct ids") from None
    if not isinstance(value, dict):
        raise KeysRefused("the keys are a JSON object {key id: base64}")
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _decoded(key: object) -> bytes:
    try:
        return base64.b64decode(key if isinstance(key, str) else "!", validate=True)
    except ValueError:
        raise KeysRefused(f"a key is base64 of {KEY_BYTES} bytes") from None
