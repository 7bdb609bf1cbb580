"""What can be read of complaints: by staff and the complainant's own account, and without a token by receipt."""

import re
from dataclasses import replace
from typing import Any

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.cases.codes import LEVELS, Escalation
from slrt_api.cases.shapes import CASE
from slrt_api.clocks.shapes import STATE, clocks_of
from slrt_api.complaints.codes import (
    Category,
    Channel,
    ComplaintStatus,
    Confidentiality,
    EscalationCause,
    Nature,
    Rung,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, FACTS, HANDLERS
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    EVERYBODY,
    ID_SORT,
    RENDER,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_codes,
    parse_date,
    updated_filters,
)

_HOUSEHOLD_ID = "019aaa11-2233-8000-8cfe-04a1b2c3d4e5"
_PROGRAM_CODES = "[A-Z0-9][A-Z0-9.-]{0,39}(,[A-Z0-9][A-Z0-9.-]{0,39})*"


def _program_codes(text: str) -> list[str]:
    if not re.fullmatch(_PROGRAM_CODES, text):
        raise ValueError
    return text.split(",")


_RECEIPT = Field(
    "receipt", FieldType.TEXT, "The number that the complainant holds.", "{t}.number", example="KEL-3326-7ZQ4-0MXR-K"
)
_STATUS = Field("status", FieldType.CODE, "Where it stands.", codes=ComplaintStatus)
_NATURE = Field("nature", FieldType.CODE, "What the complainant wants.", codes=Nature, example="GRIEVANCE")
_CATEGORY = Field("category", FieldType.CODE, "What it is about.", codes=Category)
_PROGRAM = Field("program_code", FieldType.TEXT, "Program that it is about.", nullable=True, example="PKH")
_RESOLUTION = Field(
    "resolution",
    FieldType.TEXT,
    "What was found and done, in words for the complainant.",
    nullable=True,
    example="The family was proposed for PKH and is on the list of the next release.",
)
_REALIZED = Field(
    "service_realized", FieldType.BOOLEAN, "Whether a service was given; null until resolved.", nullable=True
)

#: the name and number of the complainant are for those who handle the complaint
_CONTACT: Any = {"nullable": True, "unmask": Scope.COMPLAINTS_HANDLE.value, "masked": "NULL::text"}

#: the offices above: they see what was escalated to them
_ABOVE = frozenset({Role.PROVINCE_OFFICE, Role.NATIONAL_OFFICE})
#: of violence, a child or a life in danger: for who handles it or was asked to help, who complained, and auditors
_GRAVE: Any = {"special": True, "readers": CASE_WORKERS | _ABOVE | {Role.CITIZEN, Role.AUDITOR}}
_GRAVE_FLAGS = f"ARRAY['{SeverityFlag.VIOLENCE_OR_CHILD_PROTECTION}', '{SeverityFlag.LIFE_THREATENING}']"

_ACCUSED_READERS = frozenset(role.value for role in HANDLERS | _ABOVE | {Role.AUDITOR})
_NULL_WHERE_GRAVE = f"(CASE WHEN {{t}}.severity_flags && {_GRAVE_FLAGS} THEN NULL ELSE {{v}} END)"


def _levels(text: str) -> list[int]:
    return [LEVELS[Escalation(code)] for code in parse_codes(Escalation)(text)]


#: to whom it was brought; null where it lies with the desk that received it
_ESCALATED_TO = (
    "(CASE WHEN {t}.rung <> 'NONE' THEN json_build_object('rung', {t}.rung, 'since', "
    + RENDER[FieldType.INSTANT].replace("{}", "{t}.rung_since")
    + ", 'cause', {t}.rung_cause, 'clock', {t}.rung_clock, 'ladder_id', {t}.rung_ladder_id) END)"
)

COMPLAINT = (
    Shape(
        "complaint",
        "complaints",
        "complaints {t}",
        "A question, suggestion or grievance with its deadlines. Lists are in order of `id`: those of confidential"
        " complaints tell the day only.",
        scope=Scope.COMPLAINTS_READ,
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.ESCALATED},
        kind=Kind.COMPLAINT,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("complaint"),
        _RECEIPT,
        _STATUS,
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now.",
            lifecycle=COMPLAINT_LIFECYCLE,
            # Text, as the facts of the caller are.
            facts={name: f"({{t}}.{name})::text" for name in FACTS},
        ),
        _NATURE,
        _CATEGORY,
        Field(
            "subtype",
            FieldType.CODE,
            "The pattern, within the category.",
            codes=Subtype,
            nullable=True,
            redacted=_NULL_WHERE_GRAVE,
            **_GRAVE,
        ),
        Field(
            "severity_flags",
            FieldType.CODES,
            "What makes it grave. In lists, and for roles that may not read special data, `OVERSIGHT` only.",
            codes=SeverityFlag,
            example=["OVERSIGHT"],
            redacted=f"array(SELECT f FROM unnest({{v}}) f WHERE f <> ALL ({_GRAVE_FLAGS}))",
            **_GRAVE,
        ),
        _PROGRAM,
        Field("channel", FieldType.CODE, "The way by which it came.", codes=Channel),
        Field("confidentiality", FieldType.CODE, "Who may know the complainant.", codes=Confidentiality),
        Field("area_code", FieldType.VILLAGE, "Village that it concerns.", "{t}.area", example="33.26.01.2001"),
        Field(
            "summary",
            FieldType.TEXT,
            "What happened, in the complainant's words.",
            example="Not on the PKH list.",
            **_GRAVE,
        ),
        Field("household_id", FieldType.ID, "Household that it concerns.", nullable=True),
        Field("subject_person_id", FieldType.ID, "Person that it concerns.", nullable=True),
        Field(
            "accused_person_id",
            FieldType.ID,
            "Person whom it accuses, who does not handle it. For handlers and auditors.",
            nullable=True,
            readers=_ACCUSED_READERS,
        ),
        Field(
            "accused_organization_id",
            FieldType.ID,
            "Organization that it accuses, which does not handle it. For handlers and auditors.",
            nullable=True,
            readers=_ACCUSED_READERS,
        ),
        Field("case_id", FieldType.ID, "Case that was opened from it.", nullable=True),
        Field(
            "reporter_name",
            FieldType.TEXT,
            "Name of the complainant; null for anonymous ones and for callers without `complaints:handle`.",
            sealed="complaint.reporter_name",
            example="Siti Aminah",
            **_CONTACT,
        ),
        Field(
            "reporter_phone",
            FieldType.TEXT,
            "Telephone number of the complainant; null as the name is.",
            sealed="complaint.reporter_phone",
            example="+628120000000",
            **_CONTACT,
        ),
        Field("forwarded_to", FieldType.ID, "Organization that it was forwarded to.", nullable=True),
        Field("merged_into", FieldType.ID, "Complaint that goes on in its place.", nullable=True),
        Field(
            "escalation",
            FieldType.CODE,
            "Whom it is shown to above the regency.",
            "(CASE {t}.escalation WHEN 1 THEN 'PROVINCE' WHEN 2 THEN 'NATION' ELSE 'NONE' END)",
            codes=Escalation,
        ),
        Field("rung", FieldType.CODE, "How far up the ladder it lies.", codes=Rung),
        Field(
            "escalated_to",
            FieldType.JSON,
            "The rung that it was brought to, since when, why (`FILED`, `CLOCK`, `OFFICER`), by the breach of which clock and"
            " by which ladder; null where it lies with the desk that received it.",
            _ESCALATED_TO,
            nullable=True,
            example={
                "rung": "SECRETARIAT",
                "since": "2026-11-26T09:00:12.000000Z",
                "cause": EscalationCause.CLOCK.value,
                "clock": "FORWARD",
                "ladder_id": "019aaa11-2233-8000-80cc-04a1b2c3d4e5",
            },
        ),
        Field(
            "escalation_route",
            FieldType.JSON,
            "What was asked of each rung on its way, in order, with the outcome `TRUE`, `FALSE` or `UNKNOWN`; a rung with a"
            " `FALSE` was passed over. For handlers, auditors and the offices above.",
            nullable=True,
            example=[{"rung": "SUPERVISOR", "rule": "INDEPENDENT_PERSON", "outcome": "FALSE"}],
            readers=_ACCUSED_READERS,
        ),
        Field("captured_at", FieldType.INSTANT, "When it was recorded in the field."),
        Field("received_at", FieldType.INSTANT, "When this service received it: deadlines count from here."),
        Field("resolved_at", FieldType.INSTANT, "When it was resolved last.", nullable=True),
        replace(_RESOLUTION, redacted=_NULL_WHERE_GRAVE, **_GRAVE),
        _REALIZED,
    )
    .with_filters(
        AREA_FILTER,
        code_filter("status", ComplaintStatus, "In one of these states."),
        code_filter("nature", Nature, "Of one of these natures."),
        code_filter("category", Category, "Of one of these categories."),
        Filter(
            "escalation",
            "{t}.escalation = ANY ({v}::smallint[])",
            _levels,
            "Shown so far up.",
            "PROVINCE,NATION",
            Escalation,
        ),
        code_filter("rung", Rung, "At one of these rungs of the ladder."),
        Filter(
            "program_code",
            "{t}.program_code = ANY ({v}::text[])",
            _program_codes,
            "About one of these programs.",
            "PKH",
            pattern=f"^{_PROGRAM_CODES}$",
        ),
        id_filter("household_id", "About this household."),
        *updated_filters(),
    )
    .with_sorts(ID_SORT)
)

COMPLAINT.link(clocks_of("complaint", embedded=True))
HOUSEHOLD.link(
    Link(
        "complaints",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "Complaints about the household.",
    )
)
COMPLAINT.link(
    Link(
        "case",
        CASE,
        "{t}.regency = {p}.regency AND {t}.id = {p}.case_id",
        "The case that was opened from the complaint.",
        single=True,
    )
)
COMPLAINT.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household that it is about, where one is named.",
        single=True,
    )
)
CASE.link(
    Link(
        "complaint",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.id = {p}.complaint_id",
        "The complaint that the case was opened from.",
        single=True,
    )
)


def _rounded(sql: str, *, up: bool = False) -> str:
    """An instant for the complainant: of all but open complaints only the UTC day, `up` for the end of it.

    Who watches a small village could otherwise tell from the hour who complained.
    """
    day = f"date_trunc('day', {sql}, 'UTC')"
    if up:
        day = f"(CASE WHEN {day} = {sql} THEN {sql} ELSE {day} + interval '24 hours' END)"
    return f"(CASE WHEN {{t}}.confidentiality = 'OPEN' THEN {sql} ELSE {day} END)"


def _instant(sql: str, *, up: bool = False) -> str:
    """The same as it stands in JSON."""
    return RENDER[FieldType.INSTANT].replace("{}", _rounded(sql, up=up))


_TIMELINE = (
    f"(SELECT coalesce(json_agg(json_build_object('type', e.type, 'at', {_instant('e.at')}) ORDER BY e.sequence),"
    " '[]'::json) FROM events e WHERE e.regency = {t}.regency AND e.aggregate_id = {t}.id)"
)
_CLOCKS = (
    "(SELECT coalesce(json_agg(json_build_object('name', c.name, 'unit', c.unit, 'amount', c.amount, 'state', "
    + STATE.replace("{t}", "c")
    + f", 'due_at', {_instant('c.due_at', up=True)}, 'met_at', {_instant('c.met_at')}, 'policy', c.policy,"
    " 'time_zone', c.time_zone) ORDER BY c.started_at, c.due_at, c.name), '[]'::json)"
    " FROM clocks c WHERE c.regency = {t}.regency AND c.aggregate_id = {t}.id)"
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
    _RECEIPT,
    _STATUS,
    _NATURE,
    _CATEGORY,
    _PROGRAM,
    Field("received_at", FieldType.INSTANT, "When it was received.", _rounded("{t}.received_at")),
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
    _RESOLUTION,
    _REALIZED,
)


def _of_area(text: str) -> int:
    return 0 if text == "ID" else codes.area_number(text)


ESCALATION_LADDER = (
    Shape(
        "escalation_ladder",
        "escalation-ladders",
        "escalation_ladders {t}",
        "To whom complaints go when deadlines pass: the rungs from the lowest up, who handles a complaint at each, and which"
        " missed deadline brings it there. A regency without one of its own has the nation's. A ladder never changes: a later"
        " one replaces it, and it may end.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.ESCALATION_LADDER,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the ladder."),
        Field("version", FieldType.INTEGER, "Raised by one with every change; 0 as it was shipped.", example=0),
        Field("created_at", FieldType.INSTANT, "When it was written first."),
        Field("updated_at", FieldType.INSTANT, "When it was changed last."),
        Field("name", FieldType.TEXT, "Its name.", example="SLRT-DEFAULT-2026"),
        Field(
            "area_code",
            FieldType.AREA,
            "Regency that it is for; null: every one without a ladder of its own.",
            "nullif({t}.area, 0)",
            nullable=True,
            example="33.26",
        ),
        Field("valid_from", FieldType.DATE, "First day on which it brings complaints up."),
        Field("valid_to", FieldType.DATE, "Last such day; null while it goes on.", nullable=True),
        Field(
            "rungs",
            FieldType.JSON,
            "From the lowest up: the rung, its branch, roles and offices, the clocks whose breach leads to it, and the source.",
            example=[
                {
                    "rung": "SECRETARIAT",
                    "branch": "ANY",
                    "roles": ["secretariat_officer", "secretariat_manager"],
                    "organization_kinds": ["SECRETARIAT"],
                    "organization_ids": [],
                    "clocks": ["FORWARD"],
                    "citation": "Permenpan-RB 62/2018",
                    "remark": None,
                    "confidence": "design",
                }
            ],
        ),
        Field("citation", FieldType.TEXT, "What says so.", example="Perbup 12/2026"),
        Field(
            "declared_by",
            FieldType.TEXT,
            "Who declared it: issuer and subject.",
            example="https://id.example#officer-7",
        ),
    )
    .with_filters(
        Filter(
            "area_code",
            "{t}.area = {v}::bigint",
            _of_area,
            "Of this regency; `ID` for the nation's.",
            "33.26",
            pattern="^(ID|[0-9]{2}\\.[0-9]{2})$",
        ),
        Filter(
            "in_force_on",
            "{t}.valid_from <= {v}::date AND ({t}.valid_to IS NULL OR {t}.valid_to >= {v}::date)",
            parse_date,
            "In force on this day.",
            "2026-12-01",
        ),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)
