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
    REOPEN = "REOPEN"


class Domain(StrEnum):
    """Field of work that a need belongs to."""

    SOCIAL_WELFARE = "SOCIAL_WELFARE"
    HEALTH = "HEALTH"
    EDUCATION = "EDUCATION"
    ECONOMIC_EMPOWERMENT = "ECONOMIC_EMPOWERMENT"


#: a need in one of these takes no further work: with all needs here, service is over
FINAL_NEEDS = frozenset({NeedStatus.MET, NeedStatus.UNMET, NeedStatus.CANCELLED})


class ReopeningOutcome(StrEnum):
    """What became of what the people of a case asked for."""

    ASKED = "ASKED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"


class ClosingCode(StrEnum):
    """Why the platform itself ended a case."""

    DOCUMENTS_NOT_RECEIVED = "DOCUMENTS_NOT_RECEIVED"


class TaskType(StrEnum):
    """What an emergency skips, to be made good while the service goes on."""

    IDENTITY = "IDENTITY"
    REGISTRY_CHECK = "REGISTRY_CHECK"
    ASSESSMENT = "ASSESSMENT"
    CONSENT = "CONSENT"


class TaskStatus(StrEnum):
    """Whether it is made good; DROPPED where nobody can be asked any more."""

    OPEN = "OPEN"
    DONE = "DONE"
    DROPPED = "DROPPED"


class TaskAction(StrEnum):
    """What settles a task: each is an act of its own; DROP follows from others."""

    CONFIRM_IDENTITY = "CONFIRM_IDENTITY"
    CHECK_REGISTRY = "CHECK_REGISTRY"
    ASSESS = "ASSESS"
    RECORD_CONSENT = "RECORD_CONSENT"
    DROP = "DROP"


class IdentityDocument(StrEnum):
    """What an officer saw of who somebody is."""

    IDENTITY_CARD = "IDENTITY_CARD"
    FAMILY_CARD = "FAMILY_CARD"
    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    VILLAGE_LETTER = "VILLAGE_LETTER"
    HEALTH_FACILITY_LETTER = "HEALTH_FACILITY_LETTER"


class PlanLineStatus(StrEnum):
    """What became of what somebody was to do."""

    OPEN = "OPEN"
    DONE = "DONE"
    DROPPED = "DROPPED"


class PlanAction(StrEnum):
    """What is said of a line of a plan."""

    DONE = "DONE"
    DROP = "DROP"
    REOPEN = "REOPEN"


class NoteVisibility(StrEnum):
    """Who reads a note: the office of its author, all who work on cases here, or the receiver of a referral as well."""

    UNIT = "UNIT"
    CASE_WORKERS = "CASE_WORKERS"
    RECEIVERS = "RECEIVERS"


class CaseUnit(StrEnum):
    """The office that an officer works in."""

    PUSKESOS = "PUSKESOS"
    SUPERVISION = "SUPERVISION"
    SECRETARIAT = "SECRETARIAT"
    SOCIAL_OFFICE = "SOCIAL_OFFICE"


class AssignmentStatus(StrEnum):
    """Where an assignment stands."""

    OFFERED = "OFFERED"
    ACTIVE = "ACTIVE"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    ENDED = "ENDED"


class AssignmentAnswer(StrEnum):
    """What becomes of an offer: whom it is for accepts or declines it, who made it withdraws it."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    WITHDRAW = "WITHDRAW"


class FamilyPlanStatus(StrEnum):
    """Whether a family plan goes on."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class FamilyPlanAction(StrEnum):
    """What changes a family plan."""

    ADD_CASE = "ADD_CASE"
    REMOVE_CASE = "REMOVE_CASE"
    END = "END"


class MergeStatus(StrEnum):
    """Whether a merge stands."""

    MERGED = "MERGED"
    UNDONE = "UNDONE"


class MergeAction(StrEnum):
    """What becomes of a merge."""

    UNDO = "UNDO"
