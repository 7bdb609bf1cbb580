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


class ClockSubject(StrEnum):
    """What has clocks."""

    COMPLAINT = "complaint"
    CASE = "case"
    REFERRAL = "referral"
    DATA_SUBJECT_REQUEST = "data_subject_request"


class Schedule(StrEnum):
    """Office hours that are shipped."""

    ASN_5 = "ASN-5"
    ASN_6 = "ASN-6"
    RAMADAN_5 = "RAMADAN-5"
    RAMADAN_6 = "RAMADAN-6"


class Weekday(StrEnum):
    """Days of the week, as everywhere Monday first."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"
