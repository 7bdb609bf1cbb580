"""Codes of referrals, as stored."""

from enum import StrEnum


class ReferralStatus(StrEnum):
    DRAFT = "DRAFT"
    SENT = "SENT"
    RECEIVED = "RECEIVED"
    UNDER_REVIEW = "UNDER_REVIEW"
    APPROVED = "APPROVED"
    WAITLISTED = "WAITLISTED"
    REJECTED = "REJECTED"
    REDIRECTED = "REDIRECTED"
    REALIZED = "REALIZED"
    FAILED = "FAILED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


#: nothing more is asked of its receiver, and a partner no longer sees it
ENDED = frozenset(
    {
        ReferralStatus.REJECTED,
        ReferralStatus.REDIRECTED,
        ReferralStatus.REALIZED,
        ReferralStatus.FAILED,
        ReferralStatus.REVOKED,
        ReferralStatus.EXPIRED,
    }
)


class ReferralAction(StrEnum):
    """What moves a referral on its way; who may, and from where, tells `GET /v1/meta/lifecycles/referral`."""

    SEND = "SEND"
    RECEIVE = "RECEIVE"
    REVIEW = "REVIEW"
    APPROVE = "APPROVE"
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    DECLINE = "DECLINE"
    WAITLIST = "WAITLIST"
    REDIRECT = "REDIRECT"
    REALIZE = "REALIZE"
    CONFIRM_RECEIPT = "CONFIRM_RECEIPT"
    FAIL = "FAIL"
    REVOKE = "REVOKE"
    EXPIRE = "EXPIRE"


class Routing(StrEnum):
    """How the receiver is found: AUTO takes the best candidate."""

    AUTO = "AUTO"
