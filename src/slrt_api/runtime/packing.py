"""JSON that is long and much the same throughout, made short before it is encrypted: ciphertext is not compressed by anybody."""

import zlib

#: quick, and of the answers of a check within a tenth of the best
_LEVEL = 1
#: with this byte every stream of zlib begins (RFC 1950, a window of 32 KiB), and no JSON
_MARK = b"\x78"


def packed(content: bytes) -> bytes:
    """JSON as the bytes that are kept of it."""
    return zlib.compress(content, _LEVEL)


def unpacked(kept: bytes) -> bytes:
    """The JSON that was packed; JSON that was not is given back as it is."""
    return zlib.decompress(kept) if kept.startswith(_MARK) else kept
