"""Codes of complaints, as stored: those of the code lists `complaint-*`, which hold their labels."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ComplaintStatus(StrEnum):
    """Where a complaint stands."""

    RECEIVED = "RECEIVED"
    TRIAGED = "TRIAGED"
    FORWARDED = "FORWARDED"
    IN_PROGRESS = "IN_PROGRESS"
    AWAITING_COMPLAINANT = "AWAITING_COMPLAINANT"
    RETURNED = "RETURNED"
    RESOLVED = "RESOLVED"
    OBJECTED = "OBJECTED"
    CLOSED = "CLOSED"
    LAPSED = "LAPSED"
    NOT_COMPETENT = "NOT_COMPETENT"
    MERGED = "MERGED"
    REOPENED = "REOPENED"


class Action(StrEnum):
    """What can be done with a complaint. Names are kept for ever."""

    TRIAGE = "TRIAGE"
    FORWARD = "FORWARD"
    START = "START"
    ASK_COMPLAINANT = "ASK_COMPLAINANT"
    ANSWER = "ANSWER"
    RETURN = "RETURN"
    RESOLVE = "RESOLVE"
    OBJECT = "OBJECT"
    CLOSE = "CLOSE"
    LAPSE = "LAPSE"
    REJECT_COMPETENCE = "REJECT_COMPETENCE"
    MERGE = "MERGE"
    REOPEN = "REOPEN"
    RATE = "RATE"
    UNMERGE = "UNMERGE"


class Nature(StrEnum):
    """What the complainant wants."""

    QUESTION = "QUESTION"
    SUGGESTION = "SUGGESTION"
    GRIEVANCE = "GRIEVANCE"
    ASPIRATION = "ASPIRATION"
    INFORMATION_REQUEST = "INFORMATION_REQUEST"
    WHISTLEBLOWING = "WHISTLEBLOWING"


class Category(StrEnum):
    """What it is about."""

    PARTICIPATION = "PARTICIPATION"
    NEED = "NEED"
    IMPLEMENTATION = "IMPLEMENTATION"


class Subtype(StrEnum):
    """The pattern, within a category."""

    EXCLUSION_ERROR = "EXCLUSION_ERROR"
    INCLUSION_ERROR = "INCLUSION_ERROR"
    DUPLICATE_DATA = "DUPLICATE_DATA"
    NIK_KK_MISMATCH = "NIK_KK_MISMATCH"
    DECEASED_OR_MOVED = "DECEASED_OR_MOVED"
    REMOVED_FROM_LIST = "REMOVED_FROM_LIST"
    DESIL_DISPUTED = "DESIL_DISPUTED"
    REGISTERED_NOT_RECEIVING = "REGISTERED_NOT_RECEIVING"
    SOCIAL_WELFARE_SERVICE = "SOCIAL_WELFARE_SERVICE"
    HEALTH_SERVICE = "HEALTH_SERVICE"
    EDUCATION_SERVICE = "EDUCATION_SERVICE"
    ECONOMIC_SERVICE = "ECONOMIC_SERVICE"
    CIVIL_REGISTRATION_SERVICE = "CIVIL_REGISTRATION_SERVICE"
    ILLEGAL_DEDUCTION = "ILLEGAL_DEDUCTION"
    EMPTY_OR_SHORT_BALANCE = "EMPTY_OR_SHORT_BALANCE"
    LATE_DISBURSEMENT = "LATE_DISBURSEMENT"
    CARD_LOST_DAMAGED_OR_HELD = "CARD_LOST_DAMAGED_OR_HELD"
    ACCOUNT_OR_PIN_BLOCKED = "ACCOUNT_OR_PIN_BLOCKED"
    AGENT_MISCONDUCT = "AGENT_MISCONDUCT"
    OFFICER_REFUSAL_OR_DISCRIMINATION = "OFFICER_REFUSAL_OR_DISCRIMINATION"
    FACILITY_REFUSAL = "FACILITY_REFUSAL"
    DATA_ENTRY_ERROR = "DATA_ENTRY_ERROR"


class Channel(StrEnum):
    """The way by which it came."""

    FIELD_APP = "FIELD_APP"
    WALK_IN = "WALK_IN"
    WEB = "WEB"
    PHONE = "PHONE"
    LETTER = "LETTER"
    LAPOR = "LAPOR"
    PARTNER = "PARTNER"


class SeverityFlag(StrEnum):
    """What makes it grave. OVERSIGHT changes the time to resolve."""

    OVERSIGHT = "OVERSIGHT"
    VIOLENCE_OR_CHILD_PROTECTION = "VIOLENCE_OR_CHILD_PROTECTION"
    LIFE_THREATENING = "LIFE_THREATENING"


class Confidentiality(StrEnum):
    """Who may know the complainant."""

    OPEN = "OPEN"
    CONFIDENTIAL = "CONFIDENTIAL"
    ANONYMOUS = "ANONYMOUS"
    SEALED = "SEALED"


class Rung(StrEnum):
    """Who has to look after a complaint, from the lowest up. NONE: the desk that received it."""

    NONE = "NONE"
    FACILITATOR = "FACILITATOR"
    PUSKESOS = "PUSKESOS"
    SUPERVISOR = "SUPERVISOR"
    SECRETARIAT = "SECRETARIAT"
    SOCIAL_OFFICE = "SOCIAL_OFFICE"
    REGENT = "REGENT"
    INSPECTORATE = "INSPECTORATE"
    PROVINCE = "PROVINCE"
    MINISTRY = "MINISTRY"


class Branch(StrEnum):
    """Which complaints come to a rung: all, those about integrity, or all but those."""

    ANY = "ANY"
    ORDINARY = "ORDINARY"
    INTEGRITY = "INTEGRITY"


class EscalationCause(StrEnum):
    """Why a complaint lies where it lies."""

    FILED = "FILED"
    CLOCK = "CLOCK"
    OFFICER = "OFFICER"


#: how far up a rung shows a complaint: 1 to the province, 2 to the nation as well
LEVELS: Final[Mapping[Rung, int]] = dict.fromkeys(Rung, 0) | {Rung.PROVINCE: 1, Rung.MINISTRY: 2}


class ComplaintOutcome(StrEnum):
    """How it ended. `REALIZED` says of each whether the service was given."""

    SERVICE_REALIZED = "SERVICE_REALIZED"
    DATA_CORRECTED = "DATA_CORRECTED"
    INFORMATION_GIVEN = "INFORMATION_GIVEN"
    PROPOSED = "PROPOSED"
    UNFOUNDED = "UNFOUNDED"
    WITHDRAWN_BY_COMPLAINANT = "WITHDRAWN_BY_COMPLAINANT"
    NOT_COMPETENT = "NOT_COMPETENT"
    NO_ANSWER = "NO_ANSWER"


class ReporterRelation(StrEnum):
    """For whom the reporter speaks."""

    SELF = "SELF"
    OTHER = "OTHER"


class Relationship(StrEnum):
    """Who the reporter is to the person concerned."""

    SPOUSE = "SPOUSE"
    PARENT = "PARENT"
    CHILD = "CHILD"
    OTHER_RELATIVE = "OTHER_RELATIVE"
    GUARDIAN = "GUARDIAN"
    NEIGHBOR = "NEIGHBOR"
    COMMUNITY_LEADER = "COMMUNITY_LEADER"
    OFFICER = "OFFICER"
    OTHER = "OTHER"


class MessageAuthor(StrEnum):
    """Which side wrote a message: all that is told of who it was."""

    OFFICER = "OFFICER"
    COMPLAINANT = "COMPLAINANT"


class MessageVisibility(StrEnum):
    """Who reads a message: the complainant as well, or those who work on it only."""

    COMPLAINANT = "COMPLAINANT"
    INTERNAL = "INTERNAL"


class MessageType(StrEnum):
    """What a message is for the process; all but MESSAGE come with a step of it."""

    MESSAGE = "MESSAGE"
    QUESTION = "QUESTION"
    ANSWER = "ANSWER"
    OBJECTION = "OBJECTION"
    FEEDBACK = "FEEDBACK"


class ComplaintLinkType(StrEnum):
    """How one complaint is linked to another."""

    RELATED = "RELATED"
    DUPLICATE = "DUPLICATE"
    FOLLOW_UP = "FOLLOW_UP"


class Likeness(StrEnum):
    """Why another complaint may be about the same, the strongest first."""

    SAME_NIK = "SAME_NIK"
    SAME_PERSON = "SAME_PERSON"
    SAME_HOUSEHOLD = "SAME_HOUSEHOLD"
    SAME_REPORTER = "SAME_REPORTER"
    SAME_PROGRAM_AND_SUBTYPE = "SAME_PROGRAM_AND_SUBTYPE"


#: outcomes by which what was asked for was really given: a proposal is not yet that
REALIZED: Final = frozenset({ComplaintOutcome.SERVICE_REALIZED, ComplaintOutcome.DATA_CORRECTED})

#: the category that each subtype belongs to
CATEGORY_OF: Final[Mapping[Subtype, Category]] = {
    Subtype.EXCLUSION_ERROR: Category.PARTICIPATION,
    Subtype.INCLUSION_ERROR: Category.PARTICIPATION,
    Subtype.DUPLICATE_DATA: Category.PARTICIPATION,
    Subtype.NIK_KK_MISMATCH: Category.PARTICIPATION,
    Subtype.DECEASED_OR_MOVED: Category.PARTICIPATION,
    Subtype.REMOVED_FROM_LIST: Category.PARTICIPATION,
    Subtype.DESIL_DISPUTED: Category.PARTICIPATION,
    Subtype.REGISTERED_NOT_RECEIVING: Category.PARTICIPATION,
    Subtype.SOCIAL_WELFARE_SERVICE: Category.NEED,
    Subtype.HEALTH_SERVICE: Category.NEED,
    Subtype.EDUCATION_SERVICE: Category.NEED,
    Subtype.ECONOMIC_SERVICE: Category.NEED,
    Subtype.CIVIL_REGISTRATION_SERVICE: Category.NEED,
    Subtype.ILLEGAL_DEDUCTION: Category.IMPLEMENTATION,
    Subtype.EMPTY_OR_SHORT_BALANCE: Category.IMPLEMENTATION,
    Subtype.LATE_DISBURSEMENT: Category.IMPLEMENTATION,
    Subtype.CARD_LOST_DAMAGED_OR_HELD: Category.IMPLEMENTATION,
    Subtype.ACCOUNT_OR_PIN_BLOCKED: Category.IMPLEMENTATION,
    Subtype.AGENT_MISCONDUCT: Category.IMPLEMENTATION,
    Subtype.OFFICER_REFUSAL_OR_DISCRIMINATION: Category.IMPLEMENTATION,
    Subtype.FACILITY_REFUSAL: Category.IMPLEMENTATION,
    Subtype.DATA_ENTRY_ERROR: Category.IMPLEMENTATION,
}
