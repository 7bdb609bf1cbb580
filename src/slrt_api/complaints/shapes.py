"""What can be read of complaints: by staff and the complainant's own account, and without a token by receipt."""

import re
from dataclasses import replace
from typing import Any

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.cases.shapes import CASE
from slrt_api.clocks.shapes import STATE, clocks_of
from slrt_api.complaints.codes import (
    Category,
    Channel,
    ComplaintStatus,
    Confidentiality,
    Nature,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, FACTS, HANDLERS
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    RENDER,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
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

#: of violence, a child or a life in danger: for who handles it, who complained, and auditors
_GRAVE: Any = {"special": True, "readers": CASE_WORKERS | {Role.CITIZEN, Role.AUDITOR}}
_GRAVE_FLAGS = f"ARRAY['{SeverityFlag.VIOLENCE_OR_CHILD_PROTECTION}', '{SeverityFlag.LIFE_THREATENING}']"

_ACCUSED_READERS = frozenset(role.value for role in HANDLERS | {Role.AUDITOR})
_NULL_WHERE_GRAVE = f"(CASE WHEN {{t}}.severity_flags && {_GRAVE_FLAGS} THEN NULL ELSE {{v}} END)"

COMPLAINT = (
    Shape(
        "complaint",
        "complaints",
        "complaints {t}",
        "A question, suggestion or grievance with its deadlines. Lists are in order of `id`: those of confidential"
        " complaints tell the day only.",
        scope=Scope.COMPLAINTS_READ,
        kinds=ALL_STAFF | {ScopeKind.SUBJECT},
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
