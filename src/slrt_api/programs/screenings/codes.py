"""Codes of screenings, as stored. Frozen."""

from enum import StrEnum


class ScreeningStatus(StrEnum):
    """Where a screening stands. FAILED: a rule was altered while it ran; nothing of it counts."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class ScreeningAction(StrEnum):
    """What is done with a screening; who may, tells `GET /v1/meta/lifecycles/screening`."""

    CANCEL = "CANCEL"


class Dimension(StrEnum):
    """By what gains and losses of a draft are told. Of a program for families, sex and age are those of the head."""

    TOTAL = "TOTAL"
    DESIL = "DESIL"
    DISTRICT = "DISTRICT"
    SEX = "SEX"
    AGE_BAND = "AGE_BAND"
