"""A complaint and its messages, as who holds its receipt is shown them."""

from slrt_api.clocks.shapes import STATE
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, FACTS_SQL
from slrt_api.complaints.shapes.messages import AUTHOR, NUMBER, TYPE
from slrt_api.complaints.shapes.parts import (
    CATEGORY,
    CHANNELS,
    MESSAGE_TEXT,
    MESSAGE_VAULT,
    NATURE,
    OUTCOME,
    PROGRAM,
    REALIZED,
    RECEIPT,
    REFERENCE,
    REFERRED_TO,
    RESOLUTION,
    SATISFACTION,
    STATUS,
    UNTOLD,
    instant,
    rounded,
)
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    Field,
    FieldType,
    Link,
    Shape,
)

_TIMELINE = (
    f"(SELECT coalesce(json_agg(json_build_object('type', e.type, 'at', {instant('e.at')}) ORDER BY e.sequence),"
    " '[]'::json) FROM events e WHERE e.regency = {t}.regency AND e.aggregate_id = {t}.id"
    f" AND e.type <> ALL ('{{{{{','.join(UNTOLD)}}}}}'::text[]))"
)
_CLOCKS = (
    "(SELECT coalesce(json_agg(json_build_object('name', c.name, 'unit', c.unit, 'amount', c.amount, 'state', "
    + STATE.replace("{t}", "c")
    + f", 'due_at', {instant('c.due_at', up=True)}, 'met_at', {instant('c.met_at')}, 'policy', c.policy,"
    " 'time_zone', c.time_zone) ORDER BY c.started_at, c.due_at, c.name), '[]'::json)"
    " FROM clocks c WHERE c.regency = {t}.regency AND c.aggregate_id = {t}.id)"
)

TRACKED_MESSAGE = Shape(
    "tracked_message",
    "public/messages",
    "complaint_messages {t}",
    "A message between the desk and the complainant.",
    scope=None,
    kinds=frozenset({ScopeKind.PUBLIC}),
).with_fields(
    NUMBER,
    AUTHOR,
    TYPE,
    Field(
        "text",
        FieldType.TEXT,
        "What it says.",
        sealed=MESSAGE_TEXT,
        vault=MESSAGE_VAULT,
        example="Please bring the family card.",
    ),
    Field("sent_at", FieldType.INSTANT, "When; the day, unless the complaint is open.", rounded("{t}.sent_at")),
)

TRACKED_COMPLAINT = Shape(
    "tracked_complaint",
    "public/complaints",
    "complaints {t}",
    "Process and outcome of a complaint, for who holds its receipt: nothing personal. Instants of all but open"
    " complaints are rounded to the day.",
    scope=None,
    kinds=frozenset({ScopeKind.PUBLIC}),
    kind=Kind.COMPLAINT,
).with_fields(
    RECEIPT,
    STATUS,
    Field(
        "allowed_actions",
        FieldType.CODES,
        "What the complainant may do now.",
        lifecycle=COMPLAINT_LIFECYCLE,
        facts=FACTS_SQL,
    ),
    NATURE,
    CATEGORY,
    PROGRAM,
    CHANNELS,
    Field("received_at", FieldType.INSTANT, "When it was received.", rounded("{t}.received_at")),
    Field(
        "timeline",
        FieldType.JSON,
        "What happened, in order.",
        _TIMELINE,
        example=[{"type": "complaint.filed", "at": "2026-11-22T02:14:07.000000Z"}],
    ),
    Field(
        "clocks",
        FieldType.JSON,
        "The deadlines, and what became of them.",
        _CLOCKS,
        example=[
            {
                "name": "FIRST_RESPONSE",
                "unit": "WORKING_DAY",
                "amount": 5,
                "state": "RUNNING",
                "due_at": "2026-11-27T09:00:00.000000Z",
                "met_at": None,
                "policy": "LAPOR-2018",
                "time_zone": "Asia/Jakarta",
            }
        ],
    ),
    RESOLUTION,
    OUTCOME,
    REALIZED,
    REFERRED_TO,
    REFERENCE,
    Field(
        "objection_until",
        FieldType.INSTANT,
        "Until when the resolution may be objected to.",
        rounded("{t}.objection_until", up=True),
        nullable=True,
    ),
    Field(
        "reopen_until",
        FieldType.INSTANT,
        "Until when it may be reopened.",
        rounded("{t}.reopen_until", up=True),
        nullable=True,
    ),
    SATISFACTION,
)
TRACKED_COMPLAINT.link(
    Link(
        "messages",
        TRACKED_MESSAGE,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Messages between the desk and the complainant, in their order.",
        embedded=True,
        order="{t}.sequence",
    )
)
