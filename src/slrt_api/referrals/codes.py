"""Codes of referrals, as stored."""

from enum import StrEnum


class ReferralStatus(StrEnum):
    """Where a referral stands."""

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


#: its receiver has not decided yet
UNDECIDED = (ReferralStatus.SENT, ReferralStatus.RECEIVED, ReferralStatus.UNDER_REVIEW)
#: its receiver may still say yes or no, and has to by `respond_by`
WAITING = (*UNDECIDED, ReferralStatus.WAITLISTED)


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


class RoutedBy(StrEnum):
    """How the receiver was found."""

    AUTO = "AUTO"
    NAMED = "NAMED"
    PROGRAM = "PROGRAM"


class OfferOutcome(StrEnum):
    """What became of an offer. SILENT: taken back because nobody answered in time; WITHDRAWN: taken back before."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    SILENT = "SILENT"
    WITHDRAWN = "WITHDRAWN"
