"""What can be read of clocks: part of the resource that they belong to."""

from slrt_api.clocks.codes import ClockState
from slrt_api.kernel.worktime import Unit
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import ALL_STAFF, ID_SORT, Field, FieldType, Shape, code_filter

#: a clock that was met late is breached, also while the worker has not announced it yet
STATE = "(CASE WHEN {t}.state = 'RUNNING' AND {t}.met_at IS NOT NULL THEN 'BREACHED' ELSE {t}.state END)"

CLOCK = (
    Shape(
        "clock",
        "clocks",
        "clocks {t}",
        "A deadline: what was promised, under which policy and calendar, and what became of it.",
        scope=None,
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.PUBLIC, ScopeKind.SEALED},
    )
    .with_fields(
        Field("name", FieldType.TEXT, "What is promised, as the policy names it.", example="FIRST_RESPONSE"),
        Field("unit", FieldType.CODE, "What `amount` counts.", codes=Unit, example="WORKING_DAY"),
        Field("amount", FieldType.INTEGER, "Length of the promise, in units.", example=5),
        Field("state", FieldType.CODE, "What became of it.", STATE, codes=ClockState),
        Field("started_at", FieldType.INSTANT, "When it began; office time counts from the next opening."),
        Field("due_at", FieldType.INSTANT, "By when it is to be met."),
        Field("met_at", FieldType.INSTANT, "When it was met, in time or late.", nullable=True),
        Field("breached_at", FieldType.INSTANT, "The due instant, once the breach is announced.", nullable=True),
        Field("policy", FieldType.TEXT, "Version of the rules that it follows.", example="LAPOR-2018"),
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
