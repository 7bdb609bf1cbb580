"""Codes of access that are stored. Roles and scopes stand in `scopes`."""

from enum import StrEnum


class RevocationTarget(StrEnum):
    """What a revocation takes out of force."""

    SUBJECT = "SUBJECT"
    TOKEN = "TOKEN"  # noqa: S105 - a code
