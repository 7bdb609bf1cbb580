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
