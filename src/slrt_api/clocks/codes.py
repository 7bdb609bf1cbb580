"""Codes of clocks, as stored."""

from enum import StrEnum


class ClockState(StrEnum):
    """What became of a promise. BREACHED stays, also when the thing is done later; STOPPED: it no longer matters."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    MET = "MET"
    BREACHED = "BREACHED"
    STOPPED = "STOPPED"


class CountsFrom(StrEnum):
    """The instant from which a clock counts.

    EVENT     the act that starts it: what was recorded offline counts from its arrival
    RECEIVED  when the thing was first received, here or by the complaint that it comes from
    CAPTURED  when it was recorded in the field: the duty of who recorded it. Counts only what arrived later than that
    """

    EVENT = "EVENT"
    RECEIVED = "RECEIVED"
    CAPTURED = "CAPTURED"


class Subject(StrEnum):
    """What has clocks."""

    COMPLAINT = "complaint"
    CASE = "case"
    REFERRAL = "referral"
    DATA_SUBJECT_REQUEST = "data_subject_request"
