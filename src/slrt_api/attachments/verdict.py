"""What comes of an examination. Apart from the examination itself, which loads what reads images and documents."""

from dataclasses import dataclass

from slrt_api.attachments.codes import Refusal


@dataclass(frozen=True)
class Location:
    """Where a photograph was taken, in decimal degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Verdict:
    """What came of an examination: the bytes to keep, or why there are none.

    location  where an image was taken, only if that was asked for and the image told it
    """

    content: bytes = b""
    refusal: Refusal | None = None
    location: Location | None = None
