"""Routes of deadlines and what they are counted by: clocks of a resource, decrees, service levels, calendars."""

from functools import cache
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.access.permissions import doing, following
from slrt_api.areas.codes import time_zones
from slrt_api.clocks import calendars, service
from slrt_api.clocks.calendars import DayOff, WorkCalendar
from slrt_api.clocks.service.explaining import CODES
from slrt_api.clocks.shapes import CLOCK, DECREE, SLA_POLICY
from slrt_api.flows import deadlines
from slrt_api.kernel import errors
from slrt_api.rest import parameters as described
from slrt_api.rest import query
from slrt_api.rest.caching import reference
from slrt_api.rest.documents import LabelDocument, document, page_document
from slrt_api.rest.exchange import page_response
from slrt_api.rest.operations import Routes
from slrt_api.rest.parameters import REQUIRED
from slrt_api.rest.reference import published
from slrt_api.rest.service import accepts_json, path_id
from slrt_api.runtime.shapes import Shape
from slrt_api.runtime.usecase import of

TAG: Final = "Calendars"
_WEEKDAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_VERSION: Final = "ID-2024-2027/ASN-5/holidays-0.109"
_AT: Final = ["2026-11-23T00:30:00.000000Z"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SegmentDocument(_Document):
    """A stretch of time between the start of a clock and its deadline, half-open."""

    first: str = Field(alias="from", description="Where it begins.", examples=_AT)
    last: str = Field(alias="to", description="Where it ends.", examples=["2026-11-23T09:00:00.000000Z"])
    counted: bool = Field(description="Whether it counted.", examples=[True])
    reason: str = Field(
        description=f"Why: one of {', '.join(sorted(CODES))}, a kind of free day, or a kind of office hours.",
        examples=["OFFICE_HOURS"],
    )
    label: LabelDocument = Field(
        description="The reason, or the name of the day.", examples=[{"id": "Jam kerja", "en": "Office hours"}]
    )
    decree: str | None = Field(description="Number of the decree that made it so.", examples=[None])
    citation: str | None = Field(description="Where that can be read.", examples=[None])
    days: int | None = Field(
        description="Days that ended with it, for units of days. One more than the allowance in all: the first ends day 0.",
        examples=[1],
    )
    seconds: float | None = Field(description="What it used up, for units of hours.", examples=[None])


class ExplanationDocument(_Document):
    """How a deadline came about."""

    clock_id: str = Field(description="Id of the clock.", examples=["019aaa11-2233-8000-8cfe-5ca1b2c3d4e5"])
    name: str = Field(description="What is promised.", examples=["RESOLVE"])
    calendar_version: str = Field(description="Edition of the calendar.", examples=[_VERSION])
    reproduced: bool = Field(
        description="Whether the segments lead to `due_at` exactly. False where that edition is no longer kept.",
        examples=[True],
    )
    segments: list[SegmentDocument] = Field(description="The stretches in order.")


class OfficeHoursDocument(_Document):
    """A stretch of office time, local, half-open."""

    weekday: Literal[_WEEKDAYS] = Field(description="Day of the week.", examples=["MONDAY"])  # type: ignore[valid-type]
    opens: str = Field(description="Local time of opening.", examples=["07:30"])
    closes: str = Field(description="Local time of closing, no longer office time.", examples=["12:00"])


class CalendarDayDocument(_Document):
    """A day that is free."""

    date: str = Field(description="The day.", examples=["2026-08-17"])
    kind: DayOff = Field(
        description="Free for everybody, joint leave of the civil service, a holiday of the regency, or closed.",
        examples=["NATIONAL"],
    )
    name: LabelDocument = Field(
        description="Name in Indonesian and English.",
        examples=[{"id": "Hari Kemerdekaan", "en": "Independence Day"}],
    )
    estimated: bool = Field(description="Whether it is expected and not decreed.", examples=[False])
    decree: str | None = Field(
        description="Number of the decree; null of what comes with the platform.", examples=[None]
    )
    citation: str = Field(description="Where it can be read.", examples=[calendars.DAYS_SOURCE])


class OtherHoursDocument(_Document):
    """A working day with other hours than its weekday's."""

    date: str = Field(description="The day.", examples=["2026-02-23"])
    windows: list[list[str]] = Field(
        description="Opening and closing, local, in order.", examples=[[["08:00", "12:00"], ["12:30", "15:00"]]]
    )
    reason: str | None = Field(description="A kind of office hours, or `WORKING`.", examples=["RAMADAN"])
    decree: str | None = Field(description="Number of the decree.", examples=[None])


class CalendarDocument(_Document):
    """A working calendar: what deadlines there are counted by."""

    time_zone: str = Field(description="IANA time zone.", examples=["Asia/Jakarta"])
    version: str = Field(
        description="Names this edition; every clock keeps the one that it was counted by.", examples=[_VERSION]
    )
    valid_from: str = Field(description="First day that it answers for.", examples=["2024-01-01"])
    valid_to: str = Field(description="Last day that it answers for.", examples=["2029-12-31"])
    decreed_to: str = Field(
        description="Last day of the years whose joint leave is decreed. Deadlines that rest on later days are marked"
        " `estimated` and counted anew when the decree lands.",
        examples=["2027-12-31"],
    )
    schedule: str = Field(description="Name of the usual office hours.", examples=["ASN-5"])
    office_hours: list[OfficeHoursDocument] = Field(
        description="Office time of a usual week without free days, noon breaks left out.",
        examples=[[{"weekday": "MONDAY", "opens": "07:30", "closes": "12:00"}]],
    )
    days: list[CalendarDayDocument] = Field(
        description="The free days, in order; days that the week does not have are not among them."
    )
    other_hours: list[OtherHoursDocument] = Field(
        description="Working days with other hours, as in Ramadan, or under a decree; in order."
    )
    days_source: str = Field(description="Where the free days come from.", examples=[calendars.DAYS_SOURCE])
    hours_source: str = Field(
        description="Where the office hours come from.", examples=["Perpres 21/2023: 37.5 hours a week"]
    )
    hours_confidence: str = Field(description="How far the office hours can be trusted.", examples=["unverified"])


class CalendarPageDocument(_Document):
    """The calendars that come with the platform, one for each time zone."""

    items: list[CalendarDocument] = Field(description="One calendar for each time zone of the country.")
    next_cursor: str | None = Field(description="Always null: all of them stand here.", examples=[None])


def add(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/calendars",
        published(routes, lambda _: _calendars()),
        name="list_calendars",
        summary="List the working calendars of the nation",
        doc="Office hours, Ramadan hours, national holidays and joint leave (cuti bersama), for each time zone of the"
        " country, as they come with the platform. What decrees have changed stands in the calendar of a regency.",
        tag=TAG,
        model=CalendarPageDocument,
        anonymous=True,
        cached=True,
    )
    routes.read(DECREE, tag=TAG)
    routes.write(service.publish, f"/v1/{DECREE.plural}", tag=TAG)
    routes.read(SLA_POLICY, tag=TAG)
    routes.write(service.decide, f"/v1/{SLA_POLICY.plural}", tag=TAG)
    routes.write(service.end, f"/v1/{SLA_POLICY.plural}/{{id}}/end", tag=TAG)
    _regency(routes)


def _regency(routes: Routes) -> None:
    """`GET /v1/calendars/{code}`: the calendar of a regency as it holds now."""
    case = of(service.show)

    async def handler(request: Request) -> Response:
        accepts_json(request)
        act = await routes.service.act(request)
        query.parameters(request.scope["query_string"], ())
        found = await act.ask(service.show, on=request.path_params["code"])
        return reference(request, orjson.dumps(_calendar(found).model_dump(mode="json")))

    routes.add(
        "GET",
        "/v1/calendars/{code}",
        handler,
        name="get_calendar",
        summary=case.summary,
        doc=case.description,
        tag=TAG,
        parameters={
            "code": (
                Annotated[str, Path(description="Code of a regency or city.", max_length=13, examples=["33.26"])],
                REQUIRED,
            )
        },
        model=CalendarDocument,
        errors_=(404,),
        cached=True,
        rule=doing(case),
    )


def link(routes: Routes, shape: Shape, *, tag: str) -> None:
    """`GET /v1/{plural}/{id}/clocks`, with `explain=true` how each deadline came about."""
    clocks = shape.links["clocks"]
    explained = create_model(
        "ExplainedClock",
        __base__=document(CLOCK),
        __doc__=CLOCK.description,
        explanation=(
            ExplanationDocument | None,
            Field(default=None, description="How the deadline came about, where it is asked for."),
        ),
    )
    model = create_model(
        "ExplainedClockPage",
        __base__=page_document(CLOCK),
        __doc__="A page of clocks.",
        items=(list[explained], Field(description="The clocks.")),
    )

    async def handler(request: Request) -> Response:
        accepts_json(request)
        act = await routes.service.act(request)
        id_ = path_id(request)
        rest, explain = _explain(request.scope["query_string"])
        asked = query.of_list(CLOCK, rest)
        page = await act.page(
            asked.selection, asked.query, operation=f"{shape.plural}.clocks", parent=(shape, clocks, id_)
        )
        items = page.items
        if explain:
            told = {each["clock_id"]: each for each in await act.ask(deadlines.explain, on=id_)}
            items = orjson.dumps([{**each, "explanation": told.get(each["id"])} for each in orjson.loads(items)])
        return page_response(request, asked.selection, items, page.cursor, page.total)

    routes.add(
        "GET",
        f"/v1/{shape.plural}/{{id}}/clocks",
        handler,
        name=f"list_{shape.name}_clocks",
        summary=f"List the clocks of a {shape.name.replace('_', ' ')}",
        doc=f"{clocks.description} With `explain=true` each tells how its deadline came about: the stretches from its start"
        " that counted, and those that did not and why.",
        tag=tag,
        parameters={
            "id": described.resource_id(shape.name),
            **described.of_list(CLOCK),
            "explain": (
                Annotated[
                    Literal["true", "false"],
                    Query(description="Tell how each deadline came about.", examples=["true"]),
                ],
                "false",
            ),
        },
        model=model,
        errors_=(404,),
        rule=following(shape, clocks),
    )


def _explain(query_string: bytes) -> tuple[bytes, bool]:
    """The query without `explain`, and what that says. Raises BadRequest as for every other parameter."""
    kept: list[bytes] = []
    said: list[bytes] = []
    for part in query_string.split(b"&"):
        (said if part.partition(b"=")[0] == b"explain" else kept).append(part)
    if len(said) > 1:
        fault = errors.Fault("explain", "parameter_repeated", "Give this parameter once.")
        raise errors.BadRequest("parameter_repeated", faults=(fault,))
    value = said[0].partition(b"=")[2] if said else b"false"
    if value not in {b"true", b"false"}:
        fault = errors.Fault("explain", "parameter_invalid", "true or false.")
        raise errors.BadRequest("parameter_invalid", faults=(fault,))
    return b"&".join(kept), value == b"true"


@cache
def _calendars() -> bytes:
    items = [_calendar(calendars.work_calendar(zone, ())) for zone in sorted(set(time_zones().values()))]
    return orjson.dumps(CalendarPageDocument(items=items, next_cursor=None).model_dump(mode="json"))


def _calendar(work: WorkCalendar) -> CalendarDocument:
    calendar = work.calendar
    citation, confidence = calendars.hours_citation()
    other: list[OtherHoursDocument] = []
    for day, hours in sorted(calendar.special.items()):
        told: Any = work.reason(day)
        other.append(
            OtherHoursDocument(
                date=day.isoformat(),
                windows=[[opens.isoformat("minutes"), closes.isoformat("minutes")] for opens, closes in hours],
                reason=told.code if told else None,
                decree=told.decree if told else None,
            )
        )
    return CalendarDocument(
        time_zone=calendar.zone,
        version=calendar.version,
        valid_from=calendar.valid_from.isoformat(),
        valid_to=calendar.valid_to.isoformat(),
        decreed_to=f"{calendars.LAST_YEAR}-12-31",
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
                date=each.day.isoformat(),
                kind=each.kind,
                name=LabelDocument(id=each.name_id, en=each.name_en),
                estimated=each.estimated,
                decree=each.decree,
                citation=each.citation,
            )
            for _, each in sorted(work.days.items())
        ],
        other_hours=other,
        days_source=calendars.DAYS_SOURCE,
        hours_source=citation,
        hours_confidence=confidence,
    )
