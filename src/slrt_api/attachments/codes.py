"""Codes of attachments, as stored. Frozen."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class AttachmentStatus(StrEnum):
    """Where an attachment stands. Only what is READY is ever given out."""

    UPLOADING = "UPLOADING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class AttachmentAction(StrEnum):
    """What is done with an attachment; the worker does the rest."""

    COMPLETE = "COMPLETE"
    WITHDRAW = "WITHDRAW"


class Refusal(StrEnum):
    """Why a file that arrived was not kept."""

    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    UNREADABLE = "UNREADABLE"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    ANIMATED = "ANIMATED"
    ENCRYPTED = "ENCRYPTED"
    ACTIVE_CONTENT = "ACTIVE_CONTENT"
    TOO_COSTLY = "TOO_COSTLY"


#: media type -> what the name of a file that is given out ends in. Nothing else is taken
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image/jpeg": "jpg",
        "image/png": "png",
        "image/webp": "webp",
        "application/pdf": "pdf",
        "text/plain": "txt",
    }
)
#: nothing of the file is there any more
GONE: Final = frozenset({AttachmentStatus.REFUSED, AttachmentStatus.WITHDRAWN, AttachmentStatus.EXPIRED})


class LinkPurpose(StrEnum):
    """Why a file is opened. Stands in the access record."""

    CASE_HANDLING = "CASE_HANDLING"
    COMPLAINT_HANDLING = "COMPLAINT_HANDLING"
    REFERRAL = "REFERRAL"
    DATA_CORRECTION = "DATA_CORRECTION"
    AUDIT = "AUDIT"
    OWN_REPORT = "OWN_REPORT"
