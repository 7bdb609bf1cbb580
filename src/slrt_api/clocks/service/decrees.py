"""Publish a decree: days that are free or given back, office hours that change from a day to a day."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas.codelists import Confidence
from slrt_api.areas.codes import area_number
from slrt_api.areas.dataset import tenants_by_code
from slrt_api.clocks import calendars
from slrt_api.clocks.calendars import DayKind, HoursKind, WorkCalendar
from slrt_api.clocks.codes import Schedule, Weekday
from slrt_api.clocks.models import CalendarDecree
from slrt_api.clocks.service import authority
from slrt_api.clocks.service.situation import situation, week_of
from slrt_api.clocks.shapes import DECREE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.kernel.worktime import check_hours
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: days that one line may cover
MAX_DAYS = 366
_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class DayName(Command):
    """A name in both languages."""

    id: str = Field(min_length=1, max_length=150, description="In Indonesian.", examples=["Hari Jadi Kabupaten"])
    en: str = Field(min_length=1, max_length=150, description="In English.", examples=["Anniversary of the regency"])


class DecreedDays(Command):
    """What becomes of the days from one to another."""

    first: date = Field(alias="from", description="First day.", examples=["2026-12-07"])
    last: date = Field(alias="to", description="Last day.", examples=["2026-12-07"])
    kind: DayKind = Field(
        description="Why they are free, or `WORKING` for days that are given back. A day given back on which the week has no"
        " hours is worked like a Monday.",
        examples=["REGIONAL"],
    )
    name: DayName = Field(
        description="What they are called.",
        examples=[{"id": "Hari Jadi Kabupaten", "en": "Anniversary of the regency"}],
    )


class OfficeWindow(Command):
    """A stretch of office time, local, half-open."""

    weekday: Weekday = Field(description="Day of the week.", examples=["MONDAY"])
    opens: str = Field(pattern=_TIME, description="Local time of opening.", examples=["08:00"])
    closes: str = Field(pattern=_TIME, description="Local time of closing, no longer office time.", examples=["14:00"])


class DecreedHours(Command):
    """Office hours from one day to another."""

    first: date = Field(alias="from", description="First day.", examples=["2027-01-04"])
    last: date | None = Field(
        default=None, alias="to", description="Last day; until further notice when left out.", examples=["2027-06-30"]
    )
    kind: HoursKind = Field(
        default=HoursKind.OFFICE,
        description="What they are for. SPECIAL ones hold before those of RAMADAN, and these before the usual ones.",
        examples=["OFFICE"],
    )
    schedule: Schedule | None = Field(
        default=None, description="Shipped hours, such as a six-day week. Give this or `week`.", examples=["ASN-6"]
    )
    week: tuple[OfficeWindow, ...] = Field(
        default=(), max_length=28, description="Hours of your own; days that are not named are free.", examples=[[]]
    )


class PublishDecree(Command):
    """A decree on free days and office hours."""

    area_code: Annotated[str, Field(max_length=13)] | None = Field(
        default=None, description="Regency or city; the nation when left out.", examples=["33.26"]
    )
    number: str = Field(min_length=1, max_length=100, description="Number of the decree.", examples=["800/123/2026"])
    decreed_on: date = Field(description="Date of the decree.", examples=["2026-11-20"])
    year: int | None = Field(
        default=None,
        ge=calendars.FIRST_YEAR,
        le=calendars.LAST_EXPECTED_YEAR,
        description="Of the nation's yearly decree: the year whose free days it decrees as a whole. What was only expected"
        " of that year no longer counts.",
        examples=[None],
    )
    reason: str = Field(
        min_length=1, max_length=2_000, description="Why, in words that everybody may read.", examples=["Hari jadi"]
    )
    citation: str = Field(
        min_length=1, max_length=500, description="Where it can be read.", examples=["jdih.example.go.id/800-123-2026"]
    )
    confidence: Confidence = Field(default=Confidence.SOURCED, description="How sure it is.", examples=["SOURCED"])
    days: tuple[DecreedDays, ...] = Field(
        default=(),
        max_length=100,
        description="Days that are free or given back.",
        examples=[
            [
                {
                    "from": "2026-12-07",
                    "to": "2026-12-07",
                    "kind": "REGIONAL",
                    "name": {"id": "Hari Jadi Kabupaten", "en": "Anniversary of the regency"},
                }
            ]
        ],
    )
    hours: tuple[DecreedHours, ...] = Field(
        default=(), max_length=20, description="Office hours that change.", examples=[[]]
    )


@use_case(
    "calendars.publish_decree", scope=Scope.CALENDARS_WRITE, roles=authority.WRITERS, answers=DECREE, creates=True
)
async def publish(tx: Transaction, actor: Actor, command: PublishDecree) -> CalendarDecree:
    """Publish a decree on free days and office hours.

    Of the caller's regency, or by the national office of the nation. It holds at once and never changes; what it should
    not have said, the next one says otherwise. Deadlines that run are counted anew within a minute: each keeps what was
    first promised, and its resource's history tells the old and the new one with the number of the decree. What is met,
    breached or stopped stays as it is.
    """
    area = authority.area_of(actor, command.area_code)
    _check(command, area)
    return await tx.create(
        CalendarDecree(
            id=new_id(Kind.CALENDAR, NATIONAL, tx.now),
            area=area,
            created_at=tx.now,
            updated_at=tx.now,
            edition=await authority.edition(tx, "calendar_decrees", area),
            number=command.number,
            decreed_on=command.decreed_on,
            year=command.year,
            reason=command.reason,
            citation=command.citation,
            confidence=command.confidence.value,
            days=[_day_line(line) for line in command.days],
            hours=[_hours_line(line) for line in command.hours],
            decreed_by=actor.subject,
        ),
        "published",
    )


@use_case("calendars.show", scope=None, conditional=False)
async def show(tx: Transaction, actor: Actor, code: str) -> WorkCalendar:
    """Get the working calendar of a regency.

    As it holds now: usual office hours, free days and other hours, each with the decree that made it so. Its `version` is
    that which clocks of the regency are counted by.
    """
    found = tenants_by_code().get(code)
    if found is None:
        raise errors.NotFound
    return (await situation(tx, area_number(found.code))).work


def _check(command: PublishDecree, area: int) -> None:
    """Refuse what cannot be, all faults at once."""
    first, last = date(calendars.FIRST_YEAR, 1, 1), date(calendars.LAST_EXPECTED_YEAR, 12, 31)
    faults = []
    if not command.days and not command.hours:
        faults.append(errors.Fault("/days", "required", "Name days, hours, or both."))
    if command.year is not None and area:
        faults.append(errors.Fault("/year", "invalid", "Only the nation decrees a whole year."))
    for number, days in enumerate(command.days):
        if not first <= days.first <= days.last <= last or (days.last - days.first).days >= MAX_DAYS:
            faults.append(
                errors.Fault(f"/days/{number}/to", "deadline_range_invalid", f"Give days from {first} to {last}.")
            )
    for number, hours in enumerate(command.hours):
        if not first <= hours.first <= (hours.last or last) <= last:
            faults.append(
                errors.Fault(f"/hours/{number}/to", "deadline_range_invalid", f"Give days from {first} to {last}.")
            )
        if (hours.schedule is None) is not bool(hours.week):
            faults.append(
                errors.Fault(f"/hours/{number}/week", "give_one_of_two", "Give a schedule or a week, not both.")
            )
        elif not _ascends(hours):
            faults.append(
                errors.Fault(
                    f"/hours/{number}/week", "office_windows_invalid", "Give the windows of each day in order."
                )
            )
    if faults:
        raise errors.Invalid(faults=tuple(faults))


def _ascends(hours: DecreedHours) -> bool:
    try:
        for day in week_of([window.model_dump() for window in hours.week]):
            check_hours(day)
    except ValueError:
        return False
    return True


def _day_line(line: DecreedDays) -> dict[str, Any]:
    return line.model_dump(mode="json", by_alias=True)


def _hours_line(line: DecreedHours) -> dict[str, Any]:
    return line.model_dump(mode="json", by_alias=True)
