"""Reading a file that somebody sent, who may mean harm: what it is, whether it may stay, and what of it stays.

Runs in a process of its own (`adapters/inspector`) that holds no key, no connection and no setting, within limits of memory
and processor time. Images are drawn anew from their pixels, so that nothing else that was in the file is in what is kept: no
EXIF, XMP, comment, thumbnail or color profile, and nothing before or after the picture. A PDF and a text stay as they are,
byte for byte (a signature on a decree would not survive a rewriting), and are refused where they could do something.
"""

import io
import json
import re
import resource
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from PIL import Image, ImageOps
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from slrt_api.attachments.codes import Refusal
from slrt_api.attachments.verdict import Location, Verdict

#: of an image: a camera of 50 megapixels
MAX_PIXELS: Final = 50_000_000
#: of a PDF that is looked through
MAX_OBJECTS: Final = 200_000
MEMORY_BYTES: Final = 1_536 * 1024 * 1024
PROCESSOR_SECONDS: Final = 30

_FORMATS: Final[Mapping[str, str]] = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_SIGNATURES: Final = (
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("application/pdf", re.compile(rb"%PDF-[12]\.[0-9]")),
)
#: keys and names of a PDF that run something, carry another file, or lead elsewhere by themselves
_ACTIVE: Final = frozenset(
    {
        "/JS",
        "/JavaScript",
        "/Launch",
        "/EmbeddedFile",
        "/EmbeddedFiles",
        "/EF",
        "/RichMedia",
        "/XFA",
        "/GoToE",
        "/GoToR",
        "/ImportData",
        "/SubmitForm",
        "/Movie",
        "/Rendition",
        "/AA",
    }
)
_NAME: Final = re.compile(rb"/[^\x00\t\n\f\r ()<>\[\]{}/%]+")
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
#: what no text has: control characters but tab, line feed, form feed and carriage return
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_GPS: Final = 0x8825


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def sniffed(content: bytes) -> str | None:
    """The media type that the first bytes tell; None where they tell none of those that are taken."""
    for media_type, signature in _SIGNATURES:
        if signature.match(content):
            return media_type
    return None


def examine(content: bytes, media_type: str, *, keep_location: bool) -> Verdict:
    """Judge a file that was declared as `media_type`."""
    try:
        found = sniffed(content)
        if found is None and media_type == "text/plain":
            return Verdict(_text(content))
        if found != media_type:
            raise _Refused(Refusal.TYPE_MISMATCH)
        if media_type == "application/pdf":
            return Verdict(_pdf(content))
        return _image(content, _FORMATS[media_type], keep_location=keep_location)
    except _Refused as refused:
        return Verdict(refusal=refused.refusal)


def _text(content: bytes) -> bytes:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _Refused(Refusal.TYPE_MISMATCH) from None
    if _CONTROL.search(text):
        raise _Refused(Refusal.TYPE_MISMATCH)
    return content


# Images -----------------------------------------------------------------------------------------------------------


def _image(content: bytes, format_: str, *, keep_location: bool) -> Verdict:
    # Pillow warns of much that is odd in a file; how many pixels there may be is asked here.
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(content), formats=[format_]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _Refused(Refusal.TOO_MANY_PIXELS)
            if getattr(image, "n_frames", 1) > 1:
                raise _Refused(Refusal.ANIMATED)
            location = _location(image) if keep_location else None
            image.load()
            turned = ImageOps.exif_transpose(image)
            return Verdict(_drawn(turned, format_), location=location)
    except _Refused:
        raise
    except MemoryError:
        raise _Refused(Refusal.TOO_COSTLY) from None
    except Exception:
        # A reader of hostile files fails in any way that it likes: what cannot be read is not kept.
        raise _Refused(Refusal.UNREADABLE) from None


def _drawn(image: Image.Image, format_: str) -> bytes:
    """The picture in a file of its own, made of its pixels alone."""
    transparent = image.has_transparency_data and format_ != "JPEG"
    mode = "RGBA" if transparent else "L" if image.mode in {"1", "L"} else "RGB"
    pixels = image.convert(mode)
    # What a picture was opened with is written again where it is not taken away: comments, profiles, resolutions.
    clean = Image.frombytes(mode, pixels.size, pixels.tobytes())
    out = io.BytesIO()
    if format_ == "PNG":
        clean.save(out, format_)
    else:
        clean.save(out, format_, quality=90)
    return out.getvalue()


def _location(image: Image.Image) -> Location | None:
    """Where it says that it was taken; None where it does not, or says nonsense."""
    try:
        tags = image.getexif().get_ifd(_GPS)
        latitude, longitude = _degrees(tags[2], tags[1] == "S"), _degrees(tags[4], tags[3] == "W")
    except Exception:
        # Tags may hold anything. Without a place the picture is as good.
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Location(latitude, longitude)


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = round(degrees + minutes / 60 + seconds / 3600, 6)
    return -value if negative else value


# PDF --------------------------------------------------------------------------------------------------------------


def _pdf(content: bytes) -> bytes:
    """The document as it is, where nothing in it acts.

    Looked for twice: in the bytes, because other readers find objects that the table of contents leaves out, and in the
    objects, because most stand in compressed streams.
    """
    if b"%%EOF" not in content[-1024:]:
        raise _Refused(Refusal.UNREADABLE)
    if any(_plain_name(name) in _ACTIVE for name in set(_NAME.findall(content))):
        raise _Refused(Refusal.ACTIVE_CONTENT)
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise _Refused(Refusal.ENCRYPTED)
        if len(reader.pages) < 1:
            raise _Refused(Refusal.UNREADABLE)
        for number, value in enumerate(_objects(reader)):
            if number > MAX_OBJECTS:
                raise _Refused(Refusal.TOO_COSTLY)
            if isinstance(value, DictionaryObject) and not _ACTIVE.isdisjoint(value):
                raise _Refused(Refusal.ACTIVE_CONTENT)
            if isinstance(value, NameObject) and value in _ACTIVE:
                raise _Refused(Refusal.ACTIVE_CONTENT)
    except _Refused:
        raise
    except MemoryError:
        raise _Refused(Refusal.TOO_COSTLY) from None
    except Exception:
        raise _Refused(Refusal.UNREADABLE) from None
    return content


def _plain_name(name: bytes) -> str:
    """A name without its escapes: `/#4aS` is `/JS`."""
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), name).decode("latin-1")


def _objects(reader: PdfReader) -> Iterator[Any]:
    """Every object of a document, and what stands directly in it."""
    numbers = {number for generation in reader.xref.values() for number in generation} | set(reader.xref_objStm)
    pending: list[Any] = [reader.trailer]
    for number in sorted(numbers):
        pending.append(reader.get_object(number))
        while pending:
            value = pending.pop()
            yield value
            if isinstance(value, DictionaryObject):
                # `values` would follow references, of which each is visited by its number.
                pending.extend(value.raw_get(key) for key in value)
            elif isinstance(value, ArrayObject):
                pending.extend(list.__iter__(value))


# The process ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Judge what stands at standard input: a line of JSON, then the file. Answers likewise."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    head, _, content = sys.stdin.buffer.read().partition(b"\n")
    asked = json.loads(head)
    verdict = examine(content, asked["media_type"], keep_location=asked["keep_location"])
    location = asdict(verdict.location) if verdict.location is not None else None
    told = {"refusal": verdict.refusal, "location": location, "size": len(verdict.content)}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + verdict.content)


if __name__ == "__main__":
    main()
