"""Routes of reference data: areas, services, code lists, the calendar, state machines. Public, also without a token."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.access.consents.lifecycle import LIFECYCLE as CONSENT_LIFECYCLE
from slrt_api.access.overrides.lifecycle import LIFECYCLE as OVERRIDE_LIFECYCLE
from slrt_api.areas.codes import time_zones
from slrt_api.areas.shapes import AREA, CODE_LIST, SERVICE
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, NEED_LIFECYCLE
from slrt_api.clocks import calendars
from slrt_api.clocks.calendars import DayOff
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE
from slrt_api.complaints.sealed.lifecycle import LIFECYCLE as SEALED_ACCESS_LIFECYCLE
from slrt_api.households.lifecycle import DUPLICATE_LIFECYCLE, HANDOVER_LIFECYCLE, TICKET_LIFECYCLE
from slrt_api.kernel import errors
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.programs.lifecycle import ENROLLMENT_LIFECYCLE, REVIEW_LIFECYCLE, VERSION_LIFECYCLE
from slrt_api.programs.screenings.lifecycle import SCREENING_LIFECYCLE
from slrt_api.referrals.lifecycle import LIFECYCLE as REFERRAL_LIFECYCLE
from slrt_api.rest import query
from slrt_api.rest.caching import reference
from slrt_api.rest.documents import LabelDocument
from slrt_api.rest.operations import Handler, Routes
from slrt_api.rest.parameters import REQUIRED
from slrt_api.rest.service import accepts_json

TAG = "Reference"
_WEEKDAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TABLES: Final[tuple[Lifecycle, ...]] = (
    CASE_LIFECYCLE,
    NEED_LIFECYCLE,
    REFERRAL_LIFECYCLE,
    COMPLAINT_LIFECYCLE,
    CONSENT_LIFECYCLE,
    OVERRIDE_LIFECYCLE,
    DUPLICATE_LIFECYCLE,
    VERSION_LIFECYCLE,
    ENROLLMENT_LIFECYCLE,
    REVIEW_LIFECYCLE,
    HANDOVER_LIFECYCLE,
    TICKET_LIFECYCLE,
    SCREENING_LIFECYCLE,
    SEALED_ACCESS_LIFECYCLE,
)
#: the state machines of the house by name
LIFECYCLES: Final[Mapping[str, Lifecycle]] = {table.name: table for table in _TABLES}


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OfficeHoursDocument(_Document):
    """A stretch of office time, local, half-open."""

    weekday: Literal[_WEEKDAYS] = Field(description="Day of the week.", examples=["MONDAY"])  # type: ignore[valid-type]
    opens: str = Field(description="Local time of opening.", examples=["07:30"])
    closes: str = Field(description="Local time of closing, no longer office time.", examples=["12:00"])


class CalendarDayDocument(_Document):
    """A day that is free."""

    date: str = Field(description="The day.", examples=["2026-08-17"])
    kind: DayOff = Field(description="Free for everybody, or joint leave of the civil service.", examples=["NATIONAL"])
    name: LabelDocument = Field(
        description="Name in Indonesian and English.",
        examples=[{"id": "Hari Kemerdekaan", "en": "Independence Day"}],
    )


class CalendarDocument(_Document):
    """The working calendar of one time zone: what deadlines there are counted by."""

    time_zone: str = Field(description="IANA time zone.", examples=["Asia/Jakarta"])
    version: str = Field(
        description="Names this edition; every clock keeps the one that it was counted by.",
        examples=["ID-2024-2027/ASN-37.5/holidays-0.109"],
    )
    valid_from: str = Field(description="First day that it answers for.", examples=["2024-01-01"])
    valid_to: str = Field(description="Last day that it answers for.", examples=["2027-12-31"])
    schedule: str = Field(description="Name of the office hours.", examples=["ASN-37.5"])
    office_hours: list[OfficeHoursDocument] = Field(
        description="Office time of a week without free days, noon breaks left out.",
        examples=[[{"weekday": "MONDAY", "opens": "07:30", "closes": "12:00"}]],
    )
    days: list[CalendarDayDocument] = Field(
        description="The free days, in order; Saturdays and Sundays are not among them.",
        examples=[
            [{"date": "2026-08-17", "kind": "NATIONAL", "name": {"id": "Hari Kemerdekaan", "en": "Independence Day"}}]
        ],
    )
    days_source: str = Field(description="Where the free days come from.", examples=[calendars.DAYS_SOURCE])
    hours_source: str = Field(
        description="Where the office hours come from.", examples=["Perpres 21/2023: 37.5 hours a week"]
    )
    hours_confidence: str = Field(description="How far the office hours can be trusted.", examples=["unverified"])


class CalendarPageDocument(_Document):
    """The calendars, one for each time zone."""

    items: list[CalendarDocument] = Field(description="One calendar for each time zone of the country.")
    next_cursor: str | None = Field(description="Always null: all of them stand here.", examples=[None])


class StateDocument(_Document):
    """One state."""

    code: str = Field(description="Code of the state.", examples=["REGISTERED"])
    label: LabelDocument = Field(
        description="Name in Indonesian and English.", examples=[{"id": "Terdaftar", "en": "Registered"}]
    )
    terminal: bool = Field(description="Whether it ends here.", examples=[False])


class TransitionDocument(_Document):
    """One line of the table: from where, by which action, to where, by whom."""

    source: str = Field(alias="from", description="State that it leaves.", examples=["REGISTERED"])
    action: str = Field(description="Action that the request names.", examples=["VERIFY"])
    target: str = Field(alias="to", description="State that it leads to.", examples=["VERIFICATION"])
    roles: list[str] = Field(description="Roles that may act.", examples=[["puskesos_officer"]])
    guard: str | None = Field(
        description="What must hold besides; null where nothing must.", examples=["assessed = true and need_count >= 1"]
    )


class LifecycleDocument(_Document):
    """A state machine: its states and who may do what from where."""

    name: str = Field(description="What it is the lifecycle of.", examples=["case"])
    states: list[StateDocument] = Field(
        description="The states; the first is where a thing begins.",
        examples=[[{"code": "REGISTERED", "label": {"id": "Terdaftar", "en": "Registered"}, "terminal": False}]],
    )
    transitions: list[TransitionDocument] = Field(
        description="The table.",
        examples=[
            [
                {
                    "from": "ASSESSMENT",
                    "action": "RECOMMEND",
                    "to": "RECOMMENDED",
                    "roles": ["puskesos_officer"],
                    "guard": "assessed = true and need_count >= 1",
                }
            ]
        ],
    )


def add(routes: Routes) -> None:
    for shape in (AREA, SERVICE, CODE_LIST):
        routes.read(shape, tag=TAG, anonymous=True)
    routes.add(
        "GET",
        "/v1/calendars",
        published(routes, lambda _: _calendars()),
        name="list_calendars",
        summary="List the working calendars",
        doc="Office hours, national holidays and joint leave (cuti bersama), for each time zone of the country.",
        tag=TAG,
        model=CalendarPageDocument,
        anonymous=True,
        cached=True,
    )
    routes.add(
        "GET",
        "/v1/meta/lifecycles/{name}",
        published(routes, lambda request: _lifecycle(request.path_params["name"])),
        name="get_lifecycle",
        summary="Get one state machine",
        doc="The table that drives transitions and `allowed_actions`: states, actions, roles and guards.",
        tag=TAG,
        parameters={
            "name": (Annotated[str, Path(description="What it is the lifecycle of.", examples=["case"])], REQUIRED)
        },
        model=LifecycleDocument,
        errors_=(404,),
        anonymous=True,
        cached=True,
    )


def published(routes: Routes, body: Callable[[Request], bytes]) -> Handler:
    """The handler of an answer that is the same for everybody."""

    async def handler(request: Request) -> Response:
        accepts_json(request)
        # Asked for its refusals only: a wrong token is a wrong token here, too.
        await routes.service.act(request, anonymous=True)
        query.parameters(request.scope["query_string"], ())
        return reference(request, body(request))

    return handler


@cache
def _calendars() -> bytes:
    items = [_calendar(zone) for zone in sorted(set(time_zones().values()))]
    return orjson.dumps(CalendarPageDocument(items=items, next_cursor=None).model_dump(mode="json"))


def _calendar(zone: str) -> CalendarDocument:
    calendar = calendars.national_calendar(zone)
    citation, confidence = calendars.hours_citation()
    return CalendarDocument(
        time_zone=zone,
        version=calendar.version,
        valid_from=calendar.valid_from.isoformat(),
        valid_to=calendar.valid_to.isoformat(),
        schedule=calendars.SCHEDULE,
        office_hours=[
            OfficeHoursDocument(
                weekday=_WEEKDAYS[number], opens=opens.isoformat("minutes"), closes=closes.isoformat("minutes")
            )
            for number, day in enumerate(calendar.hours.week)
            for opens, closes in day
        ],
        days=[
            CalendarDayDocument(
                date=each.day.isoformat(), kind=each.kind, name=LabelDocument(id=each.name_id, en=each.name_en)
            )
            for each in calendars.national_days()
        ],
        days_source=calendars.DAYS_SOURCE,
        hours_source=citation,
        hours_confidence=confidence,
    )


def _lifecycle(name: str) -> bytes:
    if name not in LIFECYCLES:
        raise errors.NotFound
    return _described(name)


@cache
def _described(name: str) -> bytes:
    described: Any = LIFECYCLES[name].describe()
    return orjson.dumps(described)
