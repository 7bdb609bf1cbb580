"""Codes of eligibility, as stored. Frozen."""

from enum import StrEnum


class Outcome(StrEnum):
    """What a rule makes of a household or a person. Eligible is not the same as receiving."""

    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    INDETERMINATE = "INDETERMINATE"
    ELIGIBLE_WAITLIST = "ELIGIBLE_WAITLIST"
    ALREADY_RECEIVING = "ALREADY_RECEIVING"
    CONFLICT = "CONFLICT"
    EXCLUDED_PENDING_VERIFICATION = "EXCLUDED_PENDING_VERIFICATION"


class Group(StrEnum):
    """What a criterion decides."""

    REQUIREMENT = "REQUIREMENT"
    EXCLUSION = "EXCLUSION"
    CONFLICT = "CONFLICT"
    WAITLIST = "WAITLIST"


class ProgramLevel(StrEnum):
    """Who runs a program, and so who may write it."""

    NATIONAL = "NATIONAL"
    PROVINCE = "PROVINCE"
    REGENCY = "REGENCY"
    VILLAGE = "VILLAGE"
    NON_GOVERNMENT = "NON_GOVERNMENT"


class ProgramUnit(StrEnum):
    """Who is entitled to a program."""

    HOUSEHOLD = "HOUSEHOLD"
    FAMILY = "FAMILY"
    PERSON = "PERSON"
    GROUP = "GROUP"
    METER = "METER"


class VersionStatus(StrEnum):
    """Where a version of a rule stands. What is judged by is PUBLISHED, and for its days SUPERSEDED."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"
    DISCARDED = "DISCARDED"


class VersionAction(StrEnum):
    """What is done with a version."""

    PUBLISH = "PUBLISH"
    DISCARD = "DISCARD"
    WITHDRAW = "WITHDRAW"


class EnrollmentStatus(StrEnum):
    """Whether a program is received. VOID: it was recorded by mistake and never counted."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
    VOID = "VOID"


class EnrollmentAction(StrEnum):
    """What is done with an enrollment."""

    END = "END"
    VOID = "VOID"


class EnrollmentOrigin(StrEnum):
    """How an enrollment is known: from a list of the program, or from the family."""

    IMPORTED = "IMPORTED"
    REPORTED = "REPORTED"


class EnrollmentEnd(StrEnum):
    """Why an enrollment ended."""

    GRADUATED = "GRADUATED"
    NO_LONGER_ELIGIBLE = "NO_LONGER_ELIGIBLE"
    DECEASED = "DECEASED"
    MOVED = "MOVED"
    DECLINED = "DECLINED"
    PROGRAM_CLOSED = "PROGRAM_CLOSED"
    OTHER = "OTHER"


class ReviewType(StrEnum):
    """What is asked of a human: to look at an automated result, to verify a finding, or to hear an objection (sanggah)."""

    HUMAN_REVIEW = "HUMAN_REVIEW"
    VERIFICATION = "VERIFICATION"
    OBJECTION = "OBJECTION"


class ReviewStatus(StrEnum):
    """Where a review stands."""

    REQUESTED = "REQUESTED"
    UPHELD = "UPHELD"
    CHANGED = "CHANGED"
    WITHDRAWN = "WITHDRAWN"


class ReviewAction(StrEnum):
    """What is done with a review."""

    UPHOLD = "UPHOLD"
    CHANGE = "CHANGE"
    WITHDRAW = "WITHDRAW"
