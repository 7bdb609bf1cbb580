"""Codes of access overrides, as stored."""

from enum import StrEnum


class OverrideType(StrEnum):
    """BREAK_GLASS: a look at one resource outside one's area. SHARING: a referral sent to an LKS without consent."""

    BREAK_GLASS = "BREAK_GLASS"
    SHARING = "SHARING"


class OverrideStatus(StrEnum):
    """RECORDED: of SHARING, which is over when it is done."""

    GRANTED = "GRANTED"
    REVOKED = "REVOKED"
    RECORDED = "RECORDED"


class OverrideAction(StrEnum):
    """What changes an override; who may, tells `GET /v1/meta/lifecycles/access_override`."""

    REVOKE = "REVOKE"


class OverrideResource(StrEnum):
    """What an override opens, or what was shared by it."""

    HOUSEHOLD = "HOUSEHOLD"
    CASE = "CASE"
    REFERRAL = "REFERRAL"
