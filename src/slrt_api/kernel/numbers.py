"""Numbers that people say aloud and write on paper, and the secrets that go with them.

`KSS-3326-7ZQ4-0MXR-K`: a prefix, the tenant number in four digits, 40 random bits as eight characters, and a check
character. The characters are Crockford's base32 (no I, L, O, U); the check character is Crockford's too: the number
`tenant * 2**40 + random` modulo 37, written with five further symbols `* ~ $ = U` for 32 to 36. It finds every single
wrong character and every swap of two neighbors. New numbers are drawn so that the check character can be said and typed
(`* ~ $ =` are drawn anew); old ones with such a character would be read.

Numbers are random, never sequential: they tell neither how many there are nor which came first.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from slrt_api.kernel.ids import MAX_TENANT

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS = _ALPHABET + "*~$=U"
_SAYABLE = _ALPHABET + "U"
_LOOKALIKES = str.maketrans("OIL", "011")
_VALUE_BITS = 40
_SECRET_BITS = 100
_NUMBER = re.compile(r"([0-9]{4})-([0-9A-HJKMNP-TV-Z]{4})-([0-9A-HJKMNP-TV-Z]{4})-([0-9A-HJKMNP-Z*~$=])")
_SECRET = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was read: `value` are its 40 random bits, `text` its canonical form."""

    tenant: int
    value: int
    text: str


def new_number(prefix: str, tenant: int) -> str:
    """A new random number. `prefix` is e.g. `KSS` (case), `KEL` (complaint), `RJK` (referral)."""
    return sayable_number(prefix, tenant, iter(lambda: secrets.randbits(_VALUE_BITS), -1)).text


def sayable_number(prefix: str, tenant: int, values: Iterator[int]) -> Number:
    """The first number among `values` (40 bits each) whose check character can be said.

    For numbers that have to come out the same again, such as the receipt of a request that is repeated.
    Raises ValueError for a tenant outside 0..9999 and where no value is left.
    """
    if not 0 <= tenant <= MAX_TENANT:
        raise ValueError("a tenant number has four digits")
    for value in values:
        if _check(tenant, value) in _SAYABLE:
            return Number(tenant, value, _text(prefix, tenant, value))
    raise ValueError("no value gives a number that can be said")


def parse_number(prefix: str, text: str) -> Number | None:
    """The number that `text` writes, in any case and with O for 0, I or L for 1; None when malformed or mistyped."""
    head = f"{prefix}-"
    # Upper-casing first would let letters of other scripts through: the dotless i becomes I.
    if not text.isascii() or len(text) > _LONGEST or not text.upper().startswith(head):
        return None
    match = _NUMBER.fullmatch(text.upper()[len(head) :].translate(_LOOKALIKES))
    if match is None:
        return None
    tenant, value = int(match[1]), _decode(match[2] + match[3])
    if match[4] != _check(tenant, value):
        return None
    return Number(tenant, value, _text(prefix, tenant, value))


def new_secret() -> str:
    """100 random bits as four groups of five characters. Shown once; only its hash is kept."""
    return _grouped(_encode(secrets.randbits(_SECRET_BITS), 20), 5)


def normalize_secret(text: str) -> str | None:
    """The canonical form of a secret typed in any case, with or without hyphens and spaces; None when malformed."""
    if not text.isascii() or len(text) > _LONGEST:
        return None
    characters = text.upper().translate(_LOOKALIKES).replace("-", "").replace(" ", "")
    return _grouped(characters, 5) if _SECRET.fullmatch(characters) else None


def _text(prefix: str, tenant: int, value: int) -> str:
    return f"{prefix}-{tenant:04}-{_grouped(_encode(value, 8), 4)}-{_check(tenant, value)}"


def _check(tenant: int, value: int) -> str:
    return _CHECKS[(tenant << _VALUE_BITS | value) % 37]


def _encode(value: int, length: int) -> str:
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(length)))


def _decode(characters: str) -> int:
    value = 0
    for character in characters:
        value = value << 5 | _ALPHABET.index(character)
    return value


def _grouped(characters: str, width: int) -> str:
    return "-".join(characters[start : start + width] for start in range(0, len(characters), width))
