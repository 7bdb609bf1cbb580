"""Working-time arithmetic over calendars, in any IANA zone.

Rules: intake at closing or later, or on a day that is no working day, counts from the next working day. Office hours
are half-open, so that the instant of closing is already outside. Days are counted in local time, durations in real
time. A local time that a clock change skips stands for the instant of the change; one that it repeats, for the first.

A calendar answers only for the days that it knows: a deadline that runs past its end is refused, never guessed, because
holidays of later years are not decreed yet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from slrt_api.kernel.errors import Unavailable

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)

Window = tuple[datetime, datetime]
"""Office time of a day as UTC instants, half-open."""


class Unit(StrEnum):
    HOURS = "HOURS"
    CALENDAR_DAY = "CALENDAR_DAY"
    WORKING_DAY = "WORKING_DAY"
    WORKING_HOURS = "WORKING_HOURS"


class CalendarExhausted(Unavailable):
    """The calendar ends (or begins) before the question can be answered: load the next year's."""

    code = "calendar_exhausted"


@dataclass(frozen=True)
class OfficeHours:
    """Local opening and closing times: seven tuples, Monday first, each of ascending (start, end) in whole minutes."""

    week: tuple[tuple[tuple[time, time], ...], ...]

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):
            raise ValueError("office hours need seven days and a working one among them")
        for day in self.week:
            edges = [edge for interval in day for edge in interval]
            if any(edge.second or edge.microsecond or edge.tzinfo for edge in edges):
                raise ValueError("office hours are local times in whole minutes")
            if any(before >= after for before, after in pairwise(edges)):
                raise ValueError("office hours of a day ascend")

    @classmethod
    def of(cls, weekdays: Mapping[int, tuple[tuple[time, time], ...]]) -> "OfficeHours":
        """From weekday numbers (0 = Monday); days that are not named are free."""
        if not set(weekdays) <= set(range(7)):
            raise ValueError("weekdays are 0 to 6")
        return cls(tuple(weekdays.get(number, ()) for number in range(7)))


@dataclass(frozen=True)
class Calendar:
    """Office hours and holidays of one zone, known from `valid_from` to `valid_to`, both included.

    zone     IANA name, e.g. `Asia/Jayapura`
    version  names the edition, so that a due instant can be explained later
    """

    zone: str
    hours: OfficeHours
    holidays: frozenset[date]
    valid_from: date
    valid_to: date
    version: str

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)
        if self.valid_to < self.valid_from:
            raise ValueError("a calendar ends after it begins")

    def windows(self, day: date) -> tuple[Window, ...]:
        """Office time of a local day; empty when it is no working day. Raises CalendarExhausted."""
        if not self.valid_from <= day <= self.valid_to:
            raise CalendarExhausted
        if day in self.holidays:
            return ()
        zone = ZoneInfo(self.zone)
        edges = self.hours.week[day.weekday()]
        both = ((_instant(day, opening, zone), _instant(day, closing, zone)) for opening, closing in edges)
        return tuple((opening, closing) for opening, closing in both if opening < closing)

    def local_day(self, at: datetime) -> date:
        return _aware(at).astimezone(ZoneInfo(self.zone)).date()


def due_at(start: datetime, unit: Unit, amount: int, calendar: Calendar) -> datetime:
    """Instant (aware, UTC) by which something that began at `start` is due.

    HOURS          `amount` hours of real time later
    CALENDAR_DAY   the local midnight that ends the day `amount` days after the local day of `start`
    WORKING_DAY    closing of the `amount`-th working day after day 0, the working day on which counting starts
    WORKING_HOURS  when `amount` hours of office time have passed
    Raises CalendarExhausted when the calendar ends before (working units only), ValueError for a naive start or a
    negative amount.
    """
    if amount < 0:
        raise ValueError("an allowance is not negative")
    match unit:
        case Unit.HOURS:
            return _aware(start).astimezone(UTC) + timedelta(hours=amount)
        case Unit.CALENDAR_DAY:
            end = calendar.local_day(start) + (amount + 1) * _DAY
            return _instant(end, time(), ZoneInfo(calendar.zone))
        case Unit.WORKING_DAY:
            return _closing_of(amount, start, calendar)
        case Unit.WORKING_HOURS:
            return _after_office_time(timedelta(hours=amount), start, calendar)


def working_minutes_between(a: datetime, b: datetime, calendar: Calendar) -> int:
    """Whole minutes of office time that end in (a, b]; negative when b is before a.

    Counted by the minutes of the office, not from `a`, so that parts add up: f(a, c) = f(a, b) + f(b, c).
    Raises CalendarExhausted when a local day of the span is outside the calendar.
    """
    if b < a:
        return -working_minutes_between(b, a, calendar)
    day, last, minutes = calendar.local_day(a), calendar.local_day(b), 0
    while day <= last:
        for window in calendar.windows(day):
            minutes += _elapsed(window, b) - _elapsed(window, a)
        day += _DAY
    return minutes


def _closing_of(amount: int, start: datetime, calendar: Calendar) -> datetime:
    """Closing of the working day `amount` after day 0, the first working day that has not closed at `start`."""
    closings = (windows[-1][1] for windows in _working_days(start, calendar) if start < windows[-1][1])
    closing = next(islice(closings, amount, None), None)
    if closing is None:
        raise CalendarExhausted
    return closing


def _after_office_time(allowance: timedelta, start: datetime, calendar: Calendar) -> datetime:
    for windows in _working_days(start, calendar):
        for opening, closing in windows:
            begun = max(opening, start).astimezone(UTC)
            if begun >= closing:
                continue
            if allowance <= closing - begun:
                return begun + allowance
            allowance -= closing - begun
    raise CalendarExhausted


def _working_days(start: datetime, calendar: Calendar) -> Iterator[tuple[Window, ...]]:
    """Office time of each working day from the local day of `start` to the end of the calendar."""
    day = calendar.local_day(start)
    while day <= calendar.valid_to:
        if windows := calendar.windows(day):
            yield windows
        day += _DAY


def _elapsed(window: Window, at: datetime) -> int:
    """Whole minutes of the window that have passed at an instant."""
    opening, closing = window
    return (min(max(at, opening), closing) - opening) // _MINUTE


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """UTC instant of a local time; the instant of the change where a clock change skips it."""
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # In a gap, fold 1 lands before the change and fold 0 after it: search the second between them.
    low, high = local.replace(fold=1).astimezone(UTC), instant
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // 2 // _SECOND * _SECOND
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at
