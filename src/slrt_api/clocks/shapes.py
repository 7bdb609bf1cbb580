"""What can be read of clocks: part of the resource that they belong to."""

from slrt_api.clocks.codes import ClockState
from slrt_api.kernel.worktime import Unit
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import ALL_STAFF, ID_SORT, Field, FieldType, Link, Shape, code_filter

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
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.PUBLIC},
    )
    .with_fields(
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
            example="ID-2024-2027/ASN-37.5/holidays-0.80",
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
