"""Why a clock is due when it is: what counted between its start and its deadline, and what did not. Pure.

The deadline comes from the engine itself, and the pieces from its scale, so that the explanation cannot tell of another
deadline than the one that holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from slrt_api.clocks.calendars import Told, WorkCalendar
from slrt_api.kernel.worktime import Course, Promise, Unit, course, position

_DAY: Final = timedelta(days=1)
_DAYS: Final = frozenset({Unit.CALENDAR_DAY, Unit.WORKING_DAY})

_RUNNING: Final = Told("RUNNING", "Waktu berjalan", "Time that counts")
_OFFICE: Final = Told("OFFICE_HOURS", "Jam kerja", "Office hours")
_CLOSED: Final = Told("CLOSED_HOURS", "Di luar jam kerja", "Outside office hours")
_WEEKEND: Final = Told("NO_WORKING_DAY", "Bukan hari kerja", "No working day of the week")
_PAUSE: Final = Told("PAUSE", "Dijeda", "Paused")
_OVER: Final = Told("PAUSE_OVER_LIMIT", "Melewati batas jeda", "Past the limit of the pause: it runs on")
#: what a segment may be called, besides the kinds of free days and of office hours
CODES: Final[Mapping[str, Told]] = MappingProxyType(
    {each.code: each for each in (_RUNNING, _OFFICE, _CLOSED, _WEEKEND, _PAUSE, _OVER)}
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time of one kind, half-open.

    days, seconds  what it used up of the allowance, by its unit; one of them is None
    """

    first: datetime
    last: datetime
    counted: bool
    why: Told
    days: int | None
    seconds: float | None

    def json(self) -> dict[str, Any]:
        return {
            "from": _text(self.first),
            "to": _text(self.last),
            "counted": self.counted,
            "reason": self.why.code,
            "label": {"id": self.why.name_id, "en": self.why.name_en},
            "decree": self.why.decree,
            "citation": self.why.citation,
            "days": self.days,
            "seconds": self.seconds,
        }


def segments(
    start: datetime, promise: Promise, pauses: Sequence[datetime], work: WorkCalendar
) -> tuple[Course, tuple[Segment, ...]]:
    """The course of a clock, and the stretches from its start to its deadline. Raises as `course` does."""
    run = course(start, promise, pauses, work.calendar)
    start = start.astimezone(UTC)
    pieces: list[Segment] = []
    for first, last in _cuts(start, run, promise.unit, pauses, work):
        piece = _piece(first, last, run, promise.unit, pauses, work)
        before = pieces[-1] if pieces else None
        if before is not None and (before.counted, before.why) == (piece.counted, piece.why):
            pieces[-1] = replace(
                before,
                last=last,
                days=None if before.days is None else before.days + (piece.days or 0),
                seconds=None if before.seconds is None else before.seconds + (piece.seconds or 0),
            )
        else:
            pieces.append(piece)
    return run, tuple(pieces)


def _cuts(
    start: datetime, run: Course, unit: Unit, pauses: Sequence[datetime], work: WorkCalendar
) -> Iterable[tuple[datetime, datetime]]:
    """Every stretch within which nothing changes."""
    calendar = work.calendar
    edges = {start, run.due_at, *(edge.astimezone(UTC) for edge in pauses)}
    for pause in run.pauses:
        edges |= set(pause)
    if unit is not Unit.HOURS:
        day, last = calendar.local_day(start), calendar.local_day(run.due_at)
        while day <= last:
            edges.add(calendar.midnight(day))
            if unit is Unit.WORKING_HOURS or day == calendar.local_day(start):
                edges |= {edge for window in _windows(day, work) for edge in window}
            day += _DAY
    ordered = sorted(edge for edge in edges if start <= edge <= run.due_at)
    return pairwise(ordered)


def _piece(
    first: datetime, last: datetime, run: Course, unit: Unit, pauses: Sequence[datetime], work: WorkCalendar
) -> Segment:
    calendar = work.calendar
    if any(begun <= first < end for begun, end in run.pauses):
        return _segment(first, last, unit, _PAUSE, 0)
    used = 0 if unit is Unit.HOURS else position(last, unit, calendar) - position(first, unit, calendar)  # type: ignore[operator]
    over = _within(first, pauses)
    if unit is Unit.HOURS:
        return _segment(first, last, unit, _OVER if over else _RUNNING, last - first)
    if unit is Unit.CALENDAR_DAY:
        return _segment(first, last, unit, _OVER if over else _RUNNING, used, counted=True)
    day = calendar.local_day(first)
    windows, told = _windows(day, work), work.reason(day)
    if not windows:
        return _segment(first, last, unit, told or _WEEKEND, used)
    if unit is Unit.WORKING_DAY:
        closed = first >= windows[-1][1]
        why = _CLOSED if closed else _OVER if over else told or _OFFICE
        return _segment(first, last, unit, why, used, counted=not closed)
    inside = any(opening <= first < closing for opening, closing in windows)
    return _segment(first, last, unit, (_OVER if over else told or _OFFICE) if inside else _CLOSED, used)


def _segment(
    first: datetime, last: datetime, unit: Unit, why: Told, used: int | timedelta, *, counted: bool | None = None
) -> Segment:
    amount = used.total_seconds() if isinstance(used, timedelta) else float(used)
    return Segment(
        first,
        last,
        bool(amount) if counted is None else counted,
        why,
        int(amount) if unit in _DAYS else None,
        None if unit in _DAYS else amount,
    )


def _windows(day: date, work: WorkCalendar) -> tuple[tuple[datetime, datetime], ...]:
    calendar = work.calendar
    # A deadline by the calendar may lie beyond what is known of office time.
    return calendar.windows(day) if calendar.valid_from <= day <= calendar.valid_to else ()


def _within(at: datetime, pauses: Sequence[datetime]) -> bool:
    """Whether an instant lies in a pause as it was asked for, whatever its limit."""
    return sum(edge <= at for edge in pauses) % 2 == 1


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
