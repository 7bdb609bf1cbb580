"""Codes of access to the identity of a sealed report, as stored: those of the code lists `sealed-access-*`."""

from enum import StrEnum


class SealedAccessStatus(StrEnum):
    """Where a request to learn who reported stands. Expiry is no state: it is a comparison with the clock."""

    REQUESTED = "REQUESTED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    REVOKED = "REVOKED"
    USED = "USED"


class SealedAccessAction(StrEnum):
    """What changes a request. That the identity is shown is an operation of its own."""

    GRANT = "GRANT"
    REFUSE = "REFUSE"
    WITHDRAW = "WITHDRAW"
    REVOKE = "REVOKE"


class SealedAccessPurpose(StrEnum):
    """What the identity is needed for."""

    PROTECTION = "PROTECTION"
    CLARIFICATION = "CLARIFICATION"
    INVESTIGATION = "INVESTIGATION"
    LEGAL_ORDER = "LEGAL_ORDER"
