"""Working calendars as dated data: what the nation presets, and what decrees of the nation and of a regency put over it.

The preset are the office hours of the civil service, shorter ones in Ramadan, national holidays and joint leave (cuti
bersama). Holidays come from the pinned package `holidays`, which follows the yearly joint decree of three ministers (SKB
3 Menteri). Joint leave is its category GOVERNMENT, which is not in the default set. Of years after the last decreed one
the calendar knows the national holidays as they are expected and no joint leave; what rests on them is marked, not guessed
in silence, and counted anew when the decree lands.

A decree takes days off or gives them back, and changes office hours from a day to a day. Of two that speak of the same day
the regency's holds before the nation's, and of the same office the later. Pure: where decrees come from is the subject of
`service`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from uuid import UUID

import holidays

from slrt_api.areas import codes
from slrt_api.areas.codes import time_zones
from slrt_api.kernel.worktime import Calendar, Hours, OfficeHours

FIRST_YEAR = 2024
#: the last year whose joint leave is decreed; those after it are expected only
LAST_YEAR = 2027
LAST_EXPECTED_YEAR = 2029
SCHEDULE = "ASN-5"
DAYS_SOURCE = (
    "SKB 3 Menteri on national holidays and joint leave of the year, as the Python package holidays records it"
)
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
#: how the package marks a day that follows the moon and is not decided yet; it tells it nowhere else
_ESTIMATED: Final = "(estimated)"


class DayOff(StrEnum):
    """Why a day is free. JOINT_LEAVE is free for the civil service, not for everybody."""

    NATIONAL = "NATIONAL"
    JOINT_LEAVE = "JOINT_LEAVE"
    REGIONAL = "REGIONAL"
    CLOSURE = "CLOSURE"


class DayKind(StrEnum):
    """What a decree makes of a day: free, for one of the reasons, or a working day."""

    NATIONAL = "NATIONAL"
    JOINT_LEAVE = "JOINT_LEAVE"
    REGIONAL = "REGIONAL"
    CLOSURE = "CLOSURE"
    WORKING = "WORKING"


class HoursKind(StrEnum):
    """What office hours are for. SPECIAL ones hold before those of RAMADAN, and these before the usual ones."""

    OFFICE = "OFFICE"
    RAMADAN = "RAMADAN"
    SPECIAL = "SPECIAL"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One free day. Names are for people; decide by `day` and `kind` only.

    decree     number of the decree that made it free; None of the preset
    estimated  expected, not decreed
    """

    day: date
    kind: DayOff
    name_id: str
    name_en: str
    decree: str | None = None
    citation: str = DAYS_SOURCE
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class DayLine:
    """What a decree makes of the days from `first` to `last`, both included."""

    first: date
    last: date
    kind: DayKind
    name_id: str
    name_en: str


@dataclass(frozen=True, slots=True)
class HoursLine:
    """Office hours from `first` to `last`, both included; until further notice where that is None.

    schedule  name of the hours, where they are shipped ones
    """

    first: date
    last: date | None
    kind: HoursKind
    week: tuple[Hours, ...]
    schedule: str | None = None

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Decree:
    """A decree, as the calendar reads it.

    area     regency (ten digits), 0 for the nation
    edition  number among the decrees of its area; the later holds
    year     the year whose free days it decrees as a whole; None otherwise
    """

    id: UUID
    area: int
    edition: int
    number: str
    citation: str
    days: tuple[DayLine, ...] = ()
    hours: tuple[HoursLine, ...] = ()
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Why a day has the hours that it has."""

    code: str
    name_id: str
    name_en: str
    decree: str | None = None
    citation: str | None = None


@dataclass(frozen=True)
class WorkCalendar:
    """A calendar with the reasons of its days."""

    calendar: Calendar
    days: Mapping[date, CalendarDay]
    #: of days that are neither free nor of usual hours
    told: Mapping[date, Told] = field(default_factory=lambda: MappingProxyType({}))

    def reason(self, day: date) -> Told | None:
        """Why a day is free or has other hours; None of a usual day, weekends included."""
        free = self.days.get(day)
        if free is not None:
            return Told(free.kind.value, free.name_id, free.name_en, free.decree, free.citation)
        return self.told.get(day)


@cache
def national_days() -> tuple[CalendarDay, ...]:
    """Every national holiday and joint leave day of the preset, in order; those not decreed yet are marked."""
    # The language must be named: by itself the package follows the LANG of the process.
    national = _days("id", "public")
    every = _days("id", "public", "government")
    english = _days("en_US", "public", "government")
    return tuple(
        CalendarDay(
            day,
            DayOff.NATIONAL if day in national else DayOff.JOINT_LEAVE,
            every[day],
            english[day],
            estimated=day.year > LAST_YEAR or _ESTIMATED in english[day],
        )
        for day in sorted(every)
    )


@cache
def schedules() -> Mapping[str, tuple[Hours, ...]]:
    """The shipped office hours by name, a week each, noon breaks left out."""
    found: dict[str, list[list[tuple[time, time]]]] = {}
    for row in _rows("office-hours.csv"):
        week = found.setdefault(row["schedule"], [[] for _ in range(7)])
        week[int(row["weekday"])].append((time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"])))
    return MappingProxyType({name: tuple(tuple(day) for day in week) for name, week in found.items()})


def office_hours() -> OfficeHours:
    """Usual office hours of the civil service: 37.5 hours from Monday to Friday, noon breaks left out."""
    return OfficeHours(schedules()[SCHEDULE])


def hours_citation(schedule: str = SCHEDULE) -> tuple[str, str]:
    """Where office hours come from, and how far they can be trusted."""
    row = next(row for row in _rows("office-hours.csv") if row["schedule"] == schedule)
    return row["citation"], row["confidence"]


@dataclass(frozen=True, slots=True)
class Ramadan:
    """A month of Ramadan of the preset."""

    first: date
    last: date
    estimated: bool
    citation: str


@cache
def ramadans() -> tuple[Ramadan, ...]:
    return tuple(
        Ramadan(
            date.fromisoformat(row["first"]),
            date.fromisoformat(row["last"]),
            row["estimated"] == "true",
            row["citation"],
        )
        for row in _rows("ramadan.csv")
    )


def base_version() -> str:
    """Name of the preset's edition."""
    return f"ID-{FIRST_YEAR}-{LAST_YEAR}/{SCHEDULE}/holidays-{version('holidays')}"


def version_of(national: int, area: int, regional: int) -> str:
    """Name of the edition after so many decrees of the nation and of a regency."""
    text = base_version() + (f"/N{national}" if national else "")
    return f"{text}/{codes.area_code(area)}-{regional}" if regional else text


def editions_of(text: str) -> tuple[int, int] | None:
    """How many decrees of nation and regency an edition knows; None of another preset, which is not kept."""
    if not text.startswith(base_version()):
        return None
    national = regional = 0
    for part in text.removeprefix(base_version()).split("/"):
        if part.startswith("N"):
            national = int(part[1:])
        elif part:
            regional = int(part.rpartition("-")[2])
    return national, regional


@cache
def national_calendar(zone: str) -> Calendar:
    """The preset for one of the time zones of the country. Raises LookupError for any other zone."""
    return work_calendar(zone, ()).calendar


@lru_cache(maxsize=256)
def work_calendar(zone: str, decrees: tuple[Decree, ...]) -> WorkCalendar:
    """The calendar of a zone under decrees of the nation and of one regency. Raises LookupError for a foreign zone."""
    if zone not in time_zones().values():
        raise LookupError(zone)
    ordered = sorted(decrees, key=lambda each: (each.area != 0, each.edition))
    decreed = {each.year for each in ordered if each.area == 0 and each.year is not None}
    free = {each.day: each for each in national_days() if not (each.estimated and each.day.year in decreed)}
    spoken: dict[date, Decree] = {}
    working: dict[date, Told] = {}
    for decree in ordered:
        for line in decree.days:
            for day in _span(line.first, line.last):
                spoken[day] = decree
                _apply(decree, line, day, free, working)
    usual = office_hours()
    special: dict[date, Hours] = {}
    told: dict[date, Told] = {}
    lines = [(decree, line) for decree in ordered for line in decree.hours]
    for day in _span(date(FIRST_YEAR, 1, 1), date(LAST_EXPECTED_YEAR, 12, 31)):
        if day in free:
            continue
        week, why = _week_of(day, lines, usual.week)
        hours = week[day.weekday()]
        if day in working:
            # A day given back that the week does not have is worked like a Monday.
            hours, why = hours or week[0], working[day]
        if hours != usual.week[day.weekday()]:
            special[day] = hours
        if why is not None:
            told[day] = why
    regional = [each for each in ordered if each.area]
    calendar = Calendar(
        zone=zone,
        hours=usual,
        holidays=frozenset(free),
        valid_from=date(FIRST_YEAR, 1, 1),
        valid_to=date(LAST_EXPECTED_YEAR, 12, 31),
        version=version_of(
            max((each.edition for each in ordered if not each.area), default=0),
            regional[0].area if regional else 0,
            max((each.edition for each in regional), default=0),
        ),
        special=special,
        uncertain=frozenset(_uncertain(decreed) - spoken.keys()),
    )
    return WorkCalendar(calendar, free, told)


def _apply(decree: Decree, line: DayLine, day: date, free: dict[date, CalendarDay], working: dict[date, Told]) -> None:
    if line.kind is DayKind.WORKING:
        free.pop(day, None)
        working[day] = Told(line.kind.value, line.name_id, line.name_en, decree.number, decree.citation)
    else:
        working.pop(day, None)
        free[day] = CalendarDay(
            day, DayOff(line.kind.value), line.name_id, line.name_en, decree.number, decree.citation
        )


def _week_of(
    day: date, lines: list[tuple[Decree, HoursLine]], usual: tuple[Hours, ...]
) -> tuple[tuple[Hours, ...], Told | None]:
    """The week of office hours that holds on a day, and why where it is not the usual one."""
    holding: dict[HoursKind, tuple[Decree, HoursLine]] = {}
    for decree, line in lines:
        if line.covers(day):
            holding[line.kind] = decree, line
    office = holding[HoursKind.OFFICE][1].week if HoursKind.OFFICE in holding else usual
    for kind in (HoursKind.SPECIAL, HoursKind.RAMADAN):
        if kind in holding:
            return holding[kind][1].week, _told(*holding[kind])
    ramadan = next((each for each in ramadans() if each.first <= day <= each.last), None)
    if ramadan is not None:
        # Whoever works on Saturdays does so in Ramadan too.
        week = schedules()["RAMADAN-6" if office[_SATURDAY] else "RAMADAN-5"]
        return week, Told(HoursKind.RAMADAN.value, "Jam kerja Ramadan", "Ramadan hours", None, ramadan.citation)
    if HoursKind.OFFICE in holding:
        return office, _told(*holding[HoursKind.OFFICE])
    return usual, None


_NAMES: Final[Mapping[HoursKind, tuple[str, str]]] = {
    HoursKind.OFFICE: ("Jam kerja", "Office hours"),
    HoursKind.RAMADAN: ("Jam kerja Ramadan", "Ramadan hours"),
    HoursKind.SPECIAL: ("Jam kerja khusus", "Special hours"),
}


def _told(decree: Decree, line: HoursLine) -> Told:
    return Told(line.kind.value, *_NAMES[line.kind], decree.number, decree.citation)


def _uncertain(decreed: set[int]) -> set[date]:
    """Days of which the preset does not know for sure whether, or how long, they are worked."""
    years = set(range(LAST_YEAR + 1, LAST_EXPECTED_YEAR + 1)) - decreed
    days = {day for year in years for day in _span(date(year, 1, 1), date(year, 12, 31))}
    for each in national_days():
        if each.estimated and each.day.year not in decreed:
            # The moon may be seen a day earlier or later.
            days |= {each.day - _DAY, each.day, each.day + _DAY}
    return days


def _span(first: date, last: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (files("slrt_api.clocks") / "data" / name).open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


def _days(language: str, *categories: str) -> dict[date, str]:
    years = range(FIRST_YEAR, LAST_EXPECTED_YEAR + 1)
    return dict(holidays.country_holidays("ID", years=years, categories=categories, language=language).items())
