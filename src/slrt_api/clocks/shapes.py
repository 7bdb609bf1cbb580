"""What can be read of clocks, which are part of what they belong to, and of decrees and policies, which everybody reads."""

from slrt_api.areas.codelists import Confidence
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.clocks.codes import ClockState, ClockSubject, CountsFrom
from slrt_api.kernel.ids import Kind
from slrt_api.kernel.worktime import Unit
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    EVERYBODY,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    updated_filters,
)

#: a clock that was met late is breached, also while the worker has not announced it yet; one that has stood still to its
#: limit runs
STATE = (
    "(CASE WHEN {t}.state IN ('RUNNING', 'PAUSED') AND {t}.met_at IS NOT NULL THEN 'BREACHED'"
    " WHEN {t}.state = 'PAUSED' AND {t}.paused_until <= statement_timestamp() THEN 'RUNNING' ELSE {t}.state END)"
)

CLOCK = (
    Shape(
        "clock",
        "clocks",
        "clocks {t}",
        "A deadline: what was promised, under which policy and calendar, and what became of it.",
        scope=None,
        kinds=ALL_STAFF
        | {ScopeKind.ORGANIZATION, ScopeKind.PROGRAM, ScopeKind.SUBJECT, ScopeKind.PUBLIC}
        | {ScopeKind.ESCALATED, ScopeKind.SEALED},
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the clock."),
        Field("name", FieldType.TEXT, "What is promised, as the policy names it.", example="FIRST_RESPONSE"),
        Field("unit", FieldType.CODE, "What `amount` counts.", codes=Unit, example="WORKING_DAY"),
        Field("amount", FieldType.INTEGER, "Length of the promise, in units.", example=5),
        Field("state", FieldType.CODE, "What became of it.", STATE, codes=ClockState),
        Field("started_at", FieldType.INSTANT, "When it began; office time counts from the next opening."),
        Field("started_by", FieldType.TEXT, "Status or action that began it.", nullable=True, example="RECEIVED"),
        Field(
            "due_at",
            FieldType.INSTANT,
            "By when it is to be met. While it stands still: if it does so until `paused_until`.",
        ),
        Field("promised_at", FieldType.INSTANT, "By when it was to be met as first promised.", nullable=True),
        Field(
            "estimated",
            FieldType.BOOLEAN,
            "Whether it counts days of which it is not decreed yet whether they are free.",
            example=False,
        ),
        Field("warn_at", FieldType.INSTANT, "When it is warned of, in office time.", nullable=True),
        Field("warned_at", FieldType.INSTANT, "When it was warned of.", nullable=True),
        Field("paused_at", FieldType.INSTANT, "Since when it stands still.", nullable=True),
        Field("paused_until", FieldType.INSTANT, "When it runs on by itself.", nullable=True),
        Field("met_at", FieldType.INSTANT, "When it was met, in time or late.", nullable=True),
        Field("breached_at", FieldType.INSTANT, "The due instant, once the breach is announced.", nullable=True),
        Field("policy", FieldType.TEXT, "Rules that it follows.", example="LAPOR-2018"),
        Field("policy_version", FieldType.INTEGER, "Version of these rules.", example=1),
        Field(
            "calendar_version",
            FieldType.TEXT,
            "Edition of the working calendar by which it was counted.",
            example="ID-2024-2027/ASN-5/holidays-0.109",
        ),
        Field("time_zone", FieldType.TEXT, "Time zone of the place, in which days count.", example="Asia/Jakarta"),
    )
    .with_filters(code_filter("state", ClockState, "In one of these states."))
    .with_sorts(ID_SORT)
)
CLOCK.default_sort = "id"


def clocks_of(noun: str, *, embedded: bool = False) -> Link:
    """The link from a resource to its clocks."""
    return Link(
        "clocks",
        CLOCK,
        "{t}.regency = {p}.regency AND {t}.aggregate_id = {p}.id",
        f"The deadlines of the {noun}.",
        embedded=embedded,
        order="{t}.started_at, {t}.due_at, {t}.name",
    )


_AREA = Field(
    "area_code", FieldType.AREA, "Regency; null of the nation.", "nullif({t}.area, 0)", nullable=True, example="33.26"
)


def _of_area() -> Filter:
    """What holds in an area: that of its regency, and that of the nation."""
    return Filter(
        "holds_in",
        "{t}.area IN (0, ({v}::bigint[])[1] - ({v}::bigint[])[1] % 1000000)",
        AREA_FILTER.parse,
        "Of the nation, or of the regency in which this area lies: a Kemendagri code of any level.",
        "33.26.01.2001",
        pattern=AREA_FILTER.pattern,
    )


DECREE = (
    Shape(
        "calendar_decree",
        "calendars/decrees",
        "calendar_decrees {t}",
        "A decree on free days and office hours, of the nation or of a regency. It never changes; of two that speak of the"
        " same day the regency's holds before the nation's, and of the same office the later.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.CALENDAR,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("decree"),
        _AREA,
        Field("edition", FieldType.INTEGER, "Number among the decrees of its area.", example=1),
        Field("number", FieldType.TEXT, "Number of the decree.", example="800/123/2026"),
        Field("decreed_on", FieldType.DATE, "Date of the decree."),
        Field(
            "year",
            FieldType.INTEGER,
            "Of the nation's yearly decree: the year that it decrees as a whole.",
            nullable=True,
            example=2028,
        ),
        Field("reason", FieldType.TEXT, "Why.", example="Hari jadi"),
        Field("citation", FieldType.TEXT, "Where it can be read.", example="jdih.example.go.id/800-123-2026"),
        Field("confidence", FieldType.CODE, "How sure it is.", codes=Confidence),
        Field(
            "days",
            FieldType.JSON,
            "Days that are free or given back.",
            example=[
                {
                    "from": "2026-12-07",
                    "to": "2026-12-07",
                    "kind": "REGIONAL",
                    "name": {"id": "Hari Jadi Kabupaten", "en": "Anniversary of the regency"},
                }
            ],
        ),
        Field(
            "hours",
            FieldType.JSON,
            "Office hours that change.",
            example=[{"from": "2027-01-04", "to": None, "kind": "OFFICE", "schedule": "ASN-6", "week": []}],
        ),
    )
    .with_filters(_of_area(), *updated_filters())
    .with_sorts(ID_SORT, UPDATED_SORT)
)

SLA_POLICY = (
    Shape(
        "sla_policy",
        "sla-policies",
        "sla_policies {t}",
        "A service level: a deadline, what starts, meets and pauses it, and where it comes from. Of a name, a rule by flag"
        " holds before all others, then the regency's before the nation's.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.SLA_POLICY,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("policy"),
        _AREA,
        Field("shipped", FieldType.BOOLEAN, "Whether it comes with the platform.", example=False),
        Field("policy", FieldType.TEXT, "Name of the set of rules.", example="LAPOR-2018"),
        Field("policy_version", FieldType.INTEGER, "Version of the rule; clocks keep it.", example=1),
        Field("name", FieldType.TEXT, "What is promised.", example="RESOLVE"),
        Field("applies_to", FieldType.CODE, "What it is for.", codes=ClockSubject),
        Field(
            "natures", FieldType.TEXTS, "Natures of complaints that it is for; all when empty.", example=["GRIEVANCE"]
        ),
        Field(
            "severity_flag",
            FieldType.TEXT,
            "Flag of a complaint that calls for it.",
            nullable=True,
            example="OVERSIGHT",
        ),
        Field("unit", FieldType.CODE, "What `amount` counts.", codes=Unit),
        Field("amount", FieldType.INTEGER, "How long, in units.", example=14),
        Field("counts_from", FieldType.CODE, "The instant from which it counts.", codes=CountsFrom),
        Field("start_events", FieldType.TEXTS, "Statuses or actions that start it.", example=["RECEIVED"]),
        Field("meets_events", FieldType.TEXTS, "Statuses or actions that meet it.", example=["RESOLVED"]),
        Field("pauses_in", FieldType.TEXTS, "Statuses in which it stands still.", example=["AWAITING_COMPLAINANT"]),
        Field(
            "pause_limit", FieldType.INTEGER, "The longest that all pauses last together.", nullable=True, example=30
        ),
        Field("pause_unit", FieldType.CODE, "What `pause_limit` counts.", nullable=True, codes=Unit),
        Field(
            "warn_percent",
            FieldType.INTEGER,
            "Share of its office time used up when it is warned of.",
            nullable=True,
            example=80,
        ),
        Field(
            "warn_minutes", FieldType.INTEGER, "Office minutes left when it is warned of.", nullable=True, example=225
        ),
        Field("statute", FieldType.TEXT, "Law behind it.", nullable=True, example="Permenpan-RB 62/2018"),
        Field(
            "citation", FieldType.TEXT, "Where the number comes from.", example="sippn.menpan.go.id service standard"
        ),
        Field("remark", FieldType.TEXT, "What it is about.", example="needs an examination"),
        Field("confidence", FieldType.CODE, "How sure it is.", codes=Confidence),
        Field("effective_from", FieldType.DATE, "First day on which it starts clocks."),
        Field("effective_to", FieldType.DATE, "Last day.", nullable=True),
        Field("ended", FieldType.BOOLEAN, "Whether it was ended: its clocks are stopped after the last day."),
    )
    .with_filters(
        code_filter("applies_to", ClockSubject, "For these."),
        _of_area(),
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT)
)
