"""Codes of cases and their needs, as stored."""

from enum import StrEnum


class CaseStatus(StrEnum):
    """Where a case stands on its way."""

    REGISTERED = "REGISTERED"
    VERIFICATION = "VERIFICATION"
    ASSESSMENT = "ASSESSMENT"
    AWAITING_DOCUMENTS = "AWAITING_DOCUMENTS"
    RECOMMENDED = "RECOMMENDED"
    RETURNED = "RETURNED"
    CONFIRMED = "CONFIRMED"
    IN_SERVICE = "IN_SERVICE"
    FEEDBACK = "FEEDBACK"
    REASSESSMENT = "REASSESSMENT"
    CLOSED_SELF_RELIANT = "CLOSED_SELF_RELIANT"
    CLOSED_HANDLED = "CLOSED_HANDLED"
    CLOSED_UNFOUNDED = "CLOSED_UNFOUNDED"
    WITHDRAWN = "WITHDRAWN"
    DECEASED = "DECEASED"
    MOVED = "MOVED"
    MERGED = "MERGED"
    NOT_COMPETENT = "NOT_COMPETENT"
    REOPENED = "REOPENED"


class CaseAction(StrEnum):
    """What moves a case on its way; who may, and from where, tells `GET /v1/meta/lifecycles/case`."""

    VERIFY = "VERIFY"
    ASSESS = "ASSESS"
    REQUEST_DOCUMENTS = "REQUEST_DOCUMENTS"
    RESUME = "RESUME"
    RECOMMEND = "RECOMMEND"
    RETURN = "RETURN"
    CONFIRM = "CONFIRM"
    START_SERVICE = "START_SERVICE"
    COLLECT_FEEDBACK = "COLLECT_FEEDBACK"
    REASSESS = "REASSESS"
    CLOSE = "CLOSE"
    WITHDRAW = "WITHDRAW"
    TRANSFER = "TRANSFER"
    MERGE = "MERGE"
    REOPEN = "REOPEN"
    MARK_EMERGENCY = "MARK_EMERGENCY"


class Escalation(StrEnum):
    """How far up a case is shown; the nation's are shown to their province too."""

    NONE = "NONE"
    PROVINCE = "PROVINCE"
    NATION = "NATION"


#: as stored on the case and its needs, and as row policies compare it
LEVELS = {level: number for number, level in enumerate(Escalation)}


class NeedStatus(StrEnum):
    """Where a need stands; each has its own way."""

    OPEN = "OPEN"
    DIRECT_SERVICE = "DIRECT_SERVICE"
    REFERRED = "REFERRED"
    MET = "MET"
    UNMET = "UNMET"
    CANCELLED = "CANCELLED"


class NeedAction(StrEnum):
    """`REFER` and `RETURN` follow from referrals, `MEET` from a service given or realized; the rest is asked for."""

    SERVE = "SERVE"
    REFER = "REFER"
    RETURN = "RETURN"
    MEET = "MEET"
    FAIL = "FAIL"
    CANCEL = "CANCEL"


class Domain(StrEnum):
    """Field of work that a need belongs to."""

    SOCIAL_WELFARE = "SOCIAL_WELFARE"
    HEALTH = "HEALTH"
    EDUCATION = "EDUCATION"
    ECONOMIC_EMPOWERMENT = "ECONOMIC_EMPOWERMENT"


#: a need in one of these takes no further work: with all needs here, service is over
FINAL_NEEDS = frozenset({NeedStatus.MET, NeedStatus.UNMET, NeedStatus.CANCELLED})
