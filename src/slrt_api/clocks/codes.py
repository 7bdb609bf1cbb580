"""Codes of clocks, as stored."""

from enum import StrEnum


class ClockState(StrEnum):
    """What became of a promise. BREACHED stays, also when the thing is done later; STOPPED: it no longer matters."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    MET = "MET"
    BREACHED = "BREACHED"
    STOPPED = "STOPPED"
