"""Working-time arithmetic over calendars, in any IANA zone.

Rules: intake at closing or later, or on a day that is no working day, counts from the next working day. Office hours
are half-open, so that the instant of closing is already outside. Days are counted in local time, durations in real
time. A local time that a clock change skips stands for the instant of the change; one that it repeats, for the first.

Every unit is a scale: a position that never goes back with time. A deadline is where the scale stands `amount` further
than at the start, and a pause moves it on by what the scale went during the pause. So spans add up in every unit, and a
clock that was paused before it was due is never due at once when it runs on.

A calendar answers only for the days that it knows: a deadline that runs past its end is refused, never guessed, because
holidays of later years are not decreed yet.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from slrt_api.kernel.errors import Unavailable

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_NONE = timedelta()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Window = tuple[datetime, datetime]
"""Office time of a day as UTC instants, half-open."""

Hours = tuple[tuple[time, time], ...]
"""Office time of a local day: ascending (opening, closing) in whole minutes."""

Position = int | timedelta
"""Where the scale of a unit stands: days as int, hours as timedelta."""


class Unit(StrEnum):
    HOURS = "HOURS"
    CALENDAR_DAY = "CALENDAR_DAY"
    WORKING_DAY = "WORKING_DAY"
    WORKING_HOURS = "WORKING_HOURS"


#: units that ask the calendar which days are free
_WORKING = frozenset({Unit.WORKING_DAY, Unit.WORKING_HOURS})


class CalendarExhausted(Unavailable):
    """The calendar ends (or begins) before the question can be answered: load the next year's."""

    code = "calendar_exhausted"


def check_hours(day: Hours) -> None:
    """Raise ValueError unless these can be the office hours of a day."""
    edges = [edge for interval in day for edge in interval]
    if any(edge.second or edge.microsecond or edge.tzinfo for edge in edges):
        raise ValueError("office hours are local times in whole minutes")
    if any(before >= after for before, after in pairwise(edges)):
        raise ValueError("office hours of a day ascend")


@dataclass(frozen=True)
class OfficeHours:
    """Local opening and closing times: seven tuples, Monday first, each of ascending (start, end) in whole minutes."""

    week: tuple[Hours, ...]

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):
            raise ValueError("office hours need seven days and a working one among them")
        for day in self.week:
            check_hours(day)

    @classmethod
    def of(cls, weekdays: Mapping[int, Hours]) -> "OfficeHours":
        """From weekday numbers (0 = Monday); days that are not named are free."""
        if not set(weekdays) <= set(range(7)):
            raise ValueError("weekdays are 0 to 6")
        return cls(tuple(weekdays.get(number, ()) for number in range(7)))


@dataclass(frozen=True)
class _Table:
    """A calendar worked out once: instants to search in, so that a deadline is two or three bisections.

    midnights  of each local day that is known, and of the day after the last
    opens, closes  of each window of office time, in order
    done       office time before each window, and after the last; `minutes` the same in whole minutes
    closings   of each working day: the closing of its last window
    """

    midnights: Sequence[datetime]
    opens: Sequence[datetime]
    closes: Sequence[datetime]
    done: Sequence[timedelta]
    minutes: Sequence[int]
    closings: Sequence[datetime]


@dataclass(frozen=True)
class Calendar:
    """Office hours and holidays of one zone, known from `valid_from` to `valid_to`, both included.

    zone      IANA name, e.g. `Asia/Jayapura`
    hours     of a usual week
    holidays  days without office time
    version   names the edition, so that a due instant can be explained later
    special   days with other hours than their weekday's; empty hours are a free day. Stronger than `holidays`
    uncertain  days of which it is not decreed yet whether they are free
    """

    zone: str
    hours: OfficeHours
    holidays: frozenset[date]
    valid_from: date
    valid_to: date
    version: str
    special: Mapping[date, Hours] = field(default_factory=lambda: MappingProxyType({}))
    uncertain: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)
        if self.valid_to < self.valid_from:
            raise ValueError("a calendar ends after it begins")
        for hours in self.special.values():
            check_hours(hours)

    def hours_of(self, day: date) -> Hours:
        """Local office time of a day; empty when it is no working day. Raises CalendarExhausted."""
        if not self.valid_from <= day <= self.valid_to:
            raise CalendarExhausted
        if day in self.special:
            return self.special[day]
        return () if day in self.holidays else self.hours.week[day.weekday()]

    def windows(self, day: date) -> tuple[Window, ...]:
        """Office time of a local day; empty when it is no working day. Raises CalendarExhausted."""
        zone = ZoneInfo(self.zone)
        edges = self.hours_of(day)
        both = ((_instant(day, opening, zone), _instant(day, closing, zone)) for opening, closing in edges)
        return tuple((opening, closing) for opening, closing in both if opening < closing)

    def local_day(self, at: datetime) -> date:
        return _aware(at).astimezone(ZoneInfo(self.zone)).date()

    def midnight(self, day: date) -> datetime:
        """Instant at which a local day begins."""
        return _instant(day, time(), ZoneInfo(self.zone))

    def is_uncertain(self, start: datetime, due: datetime) -> bool:
        """Whether a deadline rests on a day of which it is not decreed yet whether it is free."""
        index = bisect_left(self._uncertain, self.local_day(start))
        # A deadline at midnight belongs to the day that it ends.
        return index < len(self._uncertain) and self._uncertain[index] <= self.local_day(due - _SECOND)

    @cached_property
    def _uncertain(self) -> list[date]:
        return sorted(self.uncertain)

    @cached_property
    def _table(self) -> _Table:
        days = [self.valid_from + number * _DAY for number in range((self.valid_to - self.valid_from).days + 1)]
        working = [windows for day in days if (windows := self.windows(day))]
        every = [window for windows in working for window in windows]
        lengths = [closing - opening for opening, closing in every]
        return _Table(
            midnights=[self.midnight(day) for day in (*days, self.valid_to + _DAY)],
            opens=[opening for opening, _ in every],
            closes=[closing for _, closing in every],
            done=list(accumulate(lengths, initial=_NONE)),
            minutes=list(accumulate((length // _MINUTE for length in lengths), initial=0)),
            closings=[windows[-1][1] for windows in working],
        )

    def _within(self, at: datetime) -> _Table:
        """The table, for an instant of a day that is known, or the end of the last. Raises CalendarExhausted."""
        table = self._table
        if not table.midnights[0] <= at <= table.midnights[-1]:
            raise CalendarExhausted
        return table


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
    if start.tzinfo is not UTC:
        start = _aware(start).astimezone(UTC)
    if unit is Unit.WORKING_DAY:
        # The commonest of all, and so without a further call.
        table = calendar._table
        index = bisect_right(table.closings, start) + amount
        if start < table.midnights[0] or index >= len(table.closings):
            raise CalendarExhausted
        return table.closings[index]
    if unit is Unit.WORKING_HOURS and amount == 0:
        return _next_opening(start, calendar)
    return _reached(position(start, unit, calendar), unit, _steps(unit, amount), calendar)


def position(at: datetime, unit: Unit, calendar: Calendar) -> Position:
    """Where the scale of a unit stands at an instant: only differences mean something.

    HOURS          real time
    CALENDAR_DAY   local days that have ended
    WORKING_DAY    working days that have closed
    WORKING_HOURS  office time
    Raises CalendarExhausted outside the calendar (working units only), ValueError for a naive instant.
    """
    at = _aware(at).astimezone(UTC)
    match unit:
        case Unit.HOURS:
            return at - _EPOCH
        case Unit.CALENDAR_DAY:
            return calendar.local_day(at).toordinal()
        case Unit.WORKING_DAY:
            return bisect_right(calendar._within(at).closings, at)
        case Unit.WORKING_HOURS:
            return _office_time(at, calendar)


def working_minutes_between(a: datetime, b: datetime, calendar: Calendar) -> int:
    """Whole minutes of office time that end in (a, b]; negative when b is before a.

    Counted by the minutes of the office, not from `a`, so that parts add up: f(a, c) = f(a, b) + f(b, c).
    Raises CalendarExhausted when a local day of the span is outside the calendar.
    """
    return _minutes(b, calendar) - _minutes(a, calendar)


@dataclass(frozen=True)
class Promise:
    """What is promised: how long, how long a pause may hold it up, and when it is to be warned of.

    limit         longest that pauses may last, all together, counted in `limit_unit`; after that it runs on
    warn_percent  share of the office time used up when it is to be warned of; None where `warn_minutes` says it
    warn_minutes  office minutes that are left when it is to be warned of; None for both: it is not warned of
    """

    unit: Unit
    amount: int
    limit: int = 0
    limit_unit: Unit = Unit.CALENDAR_DAY
    warn_percent: int | None = None
    warn_minutes: int | None = None


@dataclass(frozen=True)
class Course:
    """How a clock runs: when it is due, when it is to be warned of, and the pauses that counted.

    due_at     of a clock that stands still: if it does so to the limit
    warn_at    in office time; None where there is no office time to warn in
    pauses     (from, to), each cut at the limit; those that had no time left are not among them
    paused_until  when the last pause ends, or its limit is used up
    uncertain  the deadline rests on a day that is not decreed yet
    """

    due_at: datetime
    warn_at: datetime | None
    pauses: tuple[Window, ...]
    paused_until: datetime | None
    uncertain: bool


def course(start: datetime, promise: Promise, pauses: Sequence[datetime], calendar: Calendar) -> Course:
    """How a clock that began at `start` runs.

    pauses  instants at which it was stopped and let run on, in turn; an odd number of them: it stands still since the last
    Raises CalendarExhausted, and ValueError as `due_at` does and for pauses that go back.
    """
    start = _aware(start).astimezone(UTC)
    edges = [_aware(edge).astimezone(UTC) for edge in pauses]
    if any(before > after for before, after in pairwise((start, *edges))):
        raise ValueError("pauses ascend")
    left: Position = _steps(promise.limit_unit, promise.limit)
    counted: list[Window] = []
    for index in range(0, len(edges), 2):
        begun = edges[index]
        limit = _paused_to(begun, promise.limit_unit, left, calendar)
        end = min(limit, edges[index + 1]) if index + 1 < len(edges) else limit
        if end <= begun:
            continue
        counted.append((begun, end))
        left = max(_zero(left), _minus(left, _between(begun, end, promise.limit_unit, calendar)))
    if not counted:
        due = due_at(start, promise.unit, promise.amount, calendar)
    else:
        held = _steps(promise.unit, promise.amount)
        for begun, end in counted:
            held = _plus(held, _between(begun, end, promise.unit, calendar))
        due = _reached(position(start, promise.unit, calendar), promise.unit, held, calendar)
        if promise.amount == 0:
            # Nothing to wait for but the pause: it is over when the pause is.
            due = max(due, due_at(counted[-1][1], promise.unit, 0, calendar))
    until = counted[-1][1] if counted else None
    return Course(
        due_at=due,
        warn_at=_warn_at(start, due, counted, promise, calendar),
        pauses=tuple(counted),
        paused_until=until if len(edges) % 2 and until is not None and until > edges[-1] else None,
        uncertain=(promise.unit in _WORKING or (bool(counted) and promise.limit_unit in _WORKING))
        and calendar.is_uncertain(start, due),
    )


def used(start: datetime, at: datetime, unit: Unit, pauses: Sequence[Window], calendar: Calendar) -> Position:
    """What of the allowance is used up at an instant: the scale's way since the start without that in pauses."""
    total = _between(start, max(start, at), unit, calendar)
    for begun, end in pauses:
        if begun < at:
            total = _minus(total, _between(begun, min(end, at), unit, calendar))
    return total


def _warn_at(
    start: datetime, due: datetime, pauses: Sequence[Window], promise: Promise, calendar: Calendar
) -> datetime | None:
    """The instant of office time at which the promise is to be warned of; after the last pause, before it is due."""
    if promise.warn_percent is None and promise.warn_minutes is None:
        return None
    try:
        last = _office_time(due, calendar)
        whole = last - _office_time(start, calendar)
    except CalendarExhausted:
        # A deadline by the calendar may lie beyond what is known of office time.
        return None
    if promise.warn_minutes is not None:
        left = promise.warn_minutes * _MINUTE
    else:
        whole -= sum((_office_time(end, calendar) - _office_time(begun, calendar) for begun, end in pauses), _NONE)
        left = whole * (100 - (promise.warn_percent or 0)) // 100
    target = last - max(left, _MINUTE)
    table = calendar._table
    earliest = pauses[-1][1] if pauses else start
    index = bisect_right(table.done, target) - 1
    at = table.opens[index] + (target - table.done[index]) if target >= _NONE else earliest
    if at <= earliest:
        try:
            at = _next_opening(earliest, calendar)
        except CalendarExhausted:
            return None
    return at if at < due else None


def _steps(unit: Unit, amount: int) -> Position:
    """An allowance as a way on the scale of its unit."""
    return amount if unit in {Unit.CALENDAR_DAY, Unit.WORKING_DAY} else amount * _HOUR


def _zero(like: Position) -> Position:
    return 0 if isinstance(like, int) else _NONE


def _plus(a: Position, b: Position) -> Position:
    return a + b  # type: ignore[operator]


def _minus(a: Position, b: Position) -> Position:
    return a - b  # type: ignore[operator]


def _between(a: datetime, b: datetime, unit: Unit, calendar: Calendar) -> Position:
    return _minus(position(b, unit, calendar), position(a, unit, calendar))


def _reached(origin: Position, unit: Unit, way: Position, calendar: Calendar) -> datetime:
    """The instant at which an allowance is used up: where the scale stands `way` beyond `origin`, at the earliest."""
    target = _plus(origin, way)
    if isinstance(target, timedelta):
        if unit is Unit.HOURS:
            return _EPOCH + target
        table = calendar._table
        index = bisect_left(table.done, target)
        if index >= len(table.done):
            raise CalendarExhausted
        # Office time that is used up with a closing ends there, not at the next opening.
        return table.closes[index - 1] - (table.done[index] - target) if index else table.opens[0]
    if unit is Unit.CALENDAR_DAY:
        return calendar.midnight(date.fromordinal(target + 1))
    closings = calendar._table.closings
    if target >= len(closings):
        raise CalendarExhausted
    return closings[target]


def _paused_to(begun: datetime, unit: Unit, left: Position, calendar: Calendar) -> datetime:
    """When a pause has used up what it may last, at the earliest: it never moves a deadline on by more than that."""
    if not left:
        return begun
    if isinstance(left, int):
        # Days: the last of them is not waited for to its end, as a deadline does.
        left -= 1
    return _reached(position(begun, unit, calendar), unit, left, calendar)


def _office_time(at: datetime, calendar: Calendar) -> timedelta:
    """Office time from the beginning of the calendar to an instant (UTC)."""
    table = calendar._within(at)
    index = bisect_right(table.opens, at) - 1
    return _NONE if index < 0 else table.done[index] + (min(at, table.closes[index]) - table.opens[index])


def _next_opening(at: datetime, calendar: Calendar) -> datetime:
    """The instant itself in office time, else the next opening."""
    table = calendar._within(at)
    index = bisect_right(table.closes, at)
    if index >= len(table.opens):
        raise CalendarExhausted
    return max(at, table.opens[index])


def _minutes(at: datetime, calendar: Calendar) -> int:
    """Whole minutes of office time that have ended by an instant."""
    at = _aware(at).astimezone(UTC)
    table = calendar._within(at)
    index = bisect_right(table.opens, at) - 1
    if index < 0:
        return 0
    return table.minutes[index] + (min(at, table.closes[index]) - table.opens[index]) // _MINUTE


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
