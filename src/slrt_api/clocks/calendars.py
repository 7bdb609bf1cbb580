"""The national working calendar: office hours of the civil service, national holidays and joint leave (cuti bersama).

Holidays come from the pinned package `holidays`, which follows the yearly joint decree of three ministers (SKB
3 Menteri). Joint leave is its category GOVERNMENT, which is not in the default set. Only years with decreed
joint leave are offered: later ones would answer wrongly. Local holidays, shorter hours in Ramadan and six-day
weeks are not in it.
"""

import csv
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from importlib.resources import files

import holidays

from slrt_api.areas.codes import time_zones
from slrt_api.kernel.worktime import Calendar, OfficeHours

FIRST_YEAR = 2024
LAST_YEAR = 2027
SCHEDULE = "ASN-37.5"
DAYS_SOURCE = (
    "SKB 3 Menteri on national holidays and joint leave of the year, as the Python package holidays records it"
)


class DayOff(StrEnum):
    """Why a day is free. JOINT_LEAVE is free for the civil service, not for everybody."""

    NATIONAL = "NATIONAL"
    JOINT_LEAVE = "JOINT_LEAVE"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One free day. Names are for people; decide by `day` and `kind` only."""

    day: date
    kind: DayOff
    name_id: str
    name_en: str


@cache
def national_days() -> tuple[CalendarDay, ...]:
    """Every national holiday and joint leave day of the years offered, in order."""
    # The language must be named: by itself the package follows the LANG of the process.
    national = _days("id", "public")
    every = _days("id", "public", "government")
    english = _days("en_US", "public", "government")
    return tuple(
        CalendarDay(day, DayOff.NATIONAL if day in national else DayOff.JOINT_LEAVE, every[day], english[day])
        for day in sorted(every)
    )


@cache
def office_hours() -> OfficeHours:
    """Office hours of the civil service: 37.5 hours from Monday to Friday, noon breaks left out."""
    week: dict[int, list[tuple[time, time]]] = {}
    for row in _schedule():
        window = time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"])
        week.setdefault(int(row["weekday"]), []).append(window)
    return OfficeHours.of({weekday: tuple(windows) for weekday, windows in week.items()})


def hours_citation() -> tuple[str, str]:
    """Where the office hours come from, and how far they can be trusted."""
    row = _schedule()[0]
    return row["citation"], row["confidence"]


@cache
def national_calendar(zone: str) -> Calendar:
    """The calendar for one of the time zones of the country. Raises LookupError for any other zone."""
    if zone not in time_zones().values():
        raise LookupError(zone)
    return Calendar(
        zone=zone,
        hours=office_hours(),
        holidays=frozenset(entry.day for entry in national_days()),
        valid_from=date(FIRST_YEAR, 1, 1),
        valid_to=date(LAST_YEAR, 12, 31),
        version=f"ID-{FIRST_YEAR}-{LAST_YEAR}/{SCHEDULE}/holidays-{version('holidays')}",
    )


def _schedule() -> list[dict[str, str]]:
    with (files("slrt_api.clocks") / "data" / "office-hours.csv").open(encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["schedule"] == SCHEDULE]


def _days(language: str, *categories: str) -> dict[date, str]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return dict(holidays.country_holidays("ID", years=years, categories=categories, language=language).items())
