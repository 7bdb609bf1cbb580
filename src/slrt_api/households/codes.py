"""Codes of families and their people, as stored."""

from enum import StrEnum


class Sex(StrEnum):
    """Female or male, as the civil registry records it."""

    F = "F"
    M = "M"


class Relation(StrEnum):
    """Relation to the head of the family, after question 409 of Regsosek 2022-K."""

    HEAD = "HEAD"
    SPOUSE = "SPOUSE"
    CHILD = "CHILD"
    CHILD_IN_LAW = "CHILD_IN_LAW"
    GRANDCHILD = "GRANDCHILD"
    PARENT = "PARENT"
    DOMESTIC_WORKER = "DOMESTIC_WORKER"
    OTHER = "OTHER"


class HouseholdEnd(StrEnum):
    """Why a household is no more: merged into another, moved to another regency, or nobody is left in it."""

    MERGED = "MERGED"
    MOVED = "MOVED"
    DISSOLVED = "DISSOLVED"


class PersonEnd(StrEnum):
    """Why a person's row is no more: died, moved to another regency, was counted twice, or never lived."""

    DECEASED = "DECEASED"
    MOVED = "MOVED"
    MERGED = "MERGED"
    #: a birth that was recorded by mistake and undone
    MISTAKEN = "MISTAKEN"


class Operation(StrEnum):
    """What happens to families and their people."""

    BIRTH = "BIRTH"
    DEATH = "DEATH"
    SPLIT = "SPLIT"
    MERGE = "MERGE"
    MOVE_WITHIN = "MOVE_WITHIN"
    KK_REISSUE = "KK_REISSUE"
    NIK_CORRECTION = "NIK_CORRECTION"
    MERGE_PERSONS = "MERGE_PERSONS"
    #: handed over to another regency, and taken over from one
    MOVE_OUT = "MOVE_OUT"
    MOVE_IN = "MOVE_IN"


class LineageStatus(StrEnum):
    """Whether an operation stands, or was undone."""

    DONE = "DONE"
    UNDONE = "UNDONE"


class LineageAction(StrEnum):
    """What becomes of an operation."""

    UNDO = "UNDO"


class Direction(StrEnum):
    """Which side of a border a row is for: the regency that hands over, or the one that is to take over."""

    OUTGOING = "OUTGOING"
    INCOMING = "INCOMING"


class HandoverStatus(StrEnum):
    """Where a hand-over to another regency stands; the same on both sides."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class HandoverAction(StrEnum):
    """What becomes of an offer: the other side accepts or declines it, the own side withdraws it."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    WITHDRAW = "WITHDRAW"


class HandoverReason(StrEnum):
    """Why a household is handed over, as far as the other regency learns before it accepts."""

    RELOCATION = "RELOCATION"
    WORK = "WORK"
    EDUCATION = "EDUCATION"
    MARRIAGE = "MARRIAGE"
    #: what was handed over before comes back: the undoing of an accepted hand-over
    HAND_BACK = "HAND_BACK"


class DuplicateStatus(StrEnum):
    """What is known of two persons who may be one. `WITHDRAWN`: what spoke for it holds no more, or one of them has ended."""

    OPEN = "OPEN"
    LATER = "LATER"
    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    WITHDRAWN = "WITHDRAWN"


class DuplicateAction(StrEnum):
    """What is decided of two persons who may be one. `REOPEN` takes back that they are different."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    LATER = "LATER"
    REOPEN = "REOPEN"


class TicketStatus(StrEnum):
    """Where a pair across two regencies stands, as this side sees it.

    `WAITING`: this side has agreed, the other has not yet; `ASKED`: the other way round. `RELEASED`: this side's entry gave way
    to the other's; `TAKEN`: the other way round. `WITHDRAWN`: what spoke for it holds no more.
    """

    OPEN = "OPEN"
    WAITING = "WAITING"
    ASKED = "ASKED"
    AGREED = "AGREED"
    DIFFERENT = "DIFFERENT"
    RELEASED = "RELEASED"
    TAKEN = "TAKEN"
    WITHDRAWN = "WITHDRAWN"


class TicketAction(StrEnum):
    """What one side decides of a pair across two regencies."""

    AGREE = "AGREE"
    DIFFERENT = "DIFFERENT"
    RELEASE = "RELEASE"


class RunStatus(StrEnum):
    """Whether a look at a whole regency is under way."""

    RUNNING = "RUNNING"
    DONE = "DONE"


class IdentityType(StrEnum):
    """NIK of a person, or number of a family card (KK)."""

    NIK = "NIK"
    KK = "KK"


class RegistryScheme(StrEnum):
    """The national registry, past or present, that gave a number to a family or a person."""

    ID_PPLS = "ID_PPLS"
    ID_BDT = "ID_BDT"
    ID_DTKS = "ID_DTKS"
    ID_P3KE = "ID_P3KE"
    ID_REGSOSEK = "ID_REGSOSEK"
    ID_DTSEN = "ID_DTSEN"


class Instrument(StrEnum):
    """Questionnaire whose codes answers use; two of them number the same answers differently."""

    SLRT = "SLRT"
    PBDT2015 = "PBDT2015"
    REGSOSEK2022K = "REGSOSEK2022K"
    DTSEN39 = "DTSEN39"


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


class Finding(StrEnum):
    """What a check of a NIK or KK number found. Only a malformed number is refused: the law lets the others stand."""

    NIK_MALFORMED = "NIK_MALFORMED"
    NIK_ANOMALOUS = "NIK_ANOMALOUS"
    NIK_PREFIX_UNKNOWN = "NIK_PREFIX_UNKNOWN"
    NIK_MISMATCH_LOCAL = "NIK_MISMATCH_LOCAL"
    #: somebody else of the regency claims it too; found by the worker only
    NIK_DUPLICATE = "NIK_DUPLICATE"
    KK_ANOMALOUS = "KK_ANOMALOUS"
    KK_PREFIX_UNKNOWN = "KK_PREFIX_UNKNOWN"


class Purpose(StrEnum):
    """Why a NIK is looked up or shown in full. Stands in the access record."""

    CASE_INTAKE = "CASE_INTAKE"
    VERIFICATION = "VERIFICATION"
    REFERRAL = "REFERRAL"
    COMPLAINT_HANDLING = "COMPLAINT_HANDLING"
    DATA_CORRECTION = "DATA_CORRECTION"


class MatchingStatus(StrEnum):
    """Whether a person is who the civil registry knows under the NIK."""

    NOT_MATCHED_YET = "NOT_MATCHED_YET"
    MATCHED = "MATCHED"
    PARTIAL = "PARTIAL"
    NOT_MATCHED = "NOT_MATCHED"
    NIK_NOT_FOUND = "NIK_NOT_FOUND"
    DUPLICATE_NIK = "DUPLICATE_NIK"
    DUPLICATE_FAMILY = "DUPLICATE_FAMILY"
    DECEASED = "DECEASED"
    MOVED = "MOVED"
    NIK_ANOMALOUS = "NIK_ANOMALOUS"
    NIK_INACTIVE = "NIK_INACTIVE"


class CivilCheckStatus(StrEnum):
    """Whether the civil registry has been asked. `WITHDRAWN`: the person ended, or has no NIK any more, before it was."""

    REQUESTED = "REQUESTED"
    ANSWERED = "ANSWERED"
    GIVEN_UP = "GIVEN_UP"
    WITHDRAWN = "WITHDRAWN"


class Standing(StrEnum):
    """What the civil registry says of a NIK, before anything is compared."""

    IN_FORCE = "IN_FORCE"
    NOT_FOUND = "NOT_FOUND"
    INACTIVE = "INACTIVE"
    DUPLICATE = "DUPLICATE"
    DECEASED = "DECEASED"
    MOVED = "MOVED"
