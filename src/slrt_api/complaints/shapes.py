"""What can be read of complaints: by staff and the complainant's own account, and without a token by receipt."""

import re
from dataclasses import replace
from typing import Any, Final

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.cases.codes import LEVELS, Escalation
from slrt_api.cases.shapes import CASE
from slrt_api.clocks.shapes import STATE, clocks_of
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    Category,
    Channel,
    ComplaintLinkType,
    ComplaintOutcome,
    ComplaintStatus,
    Confidentiality,
    EscalationCause,
    MessageAuthor,
    MessageType,
    MessageVisibility,
    Nature,
    Relationship,
    ReporterRelation,
    Rung,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, FACTS_SQL, HANDLERS
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import numbers
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
    Sort,
    Vault,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    parse_codes,
    parse_date,
    updated_filters,
)

_HOUSEHOLD_ID = "019aaa11-2233-8000-8cfe-04a1b2c3d4e5"
PROGRAM_CODES = "[A-Z0-9][A-Z0-9.-]{0,39}(,[A-Z0-9][A-Z0-9.-]{0,39})*"


#: what binds the ciphertext of a message to its row, beside the id
MESSAGE_TEXT: Final = "complaint_message.text"
#: the same of a message about a sealed report, which stands under the keys of such reports
SEALED_MESSAGE_TEXT: Final = "sealed.message_text"
#: what happens among those who work on a complaint, and is no step of its process
UNTOLD: Final = (
    "complaint.note_written",
    "complaint.linked",
    "complaint.unlinked",
    "complaint.absorbed",
    "complaint.released",
)


def _receipt(text: str) -> str:
    number = numbers.parse_number("KEL", text)
    if number is None:
        raise ValueError
    return number.text


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


def _program_codes(text: str) -> list[str]:
    if not re.fullmatch(PROGRAM_CODES, text):
        raise ValueError
    return text.split(",")


_RECEIPT = Field(
    "receipt", FieldType.TEXT, "The number that the complainant holds.", "{t}.number", example="KEL-3326-7ZQ4-0MXR-K"
)
_STATUS = Field("status", FieldType.CODE, "Where it stands.", codes=ComplaintStatus)
_NATURE = Field("nature", FieldType.CODE, "What the complainant wants.", codes=Nature, example="GRIEVANCE")
_CATEGORY = Field("category", FieldType.CODE, "What it is about.", codes=Category)
_PROGRAM = Field("program_code", FieldType.TEXT, "Program that it is about.", nullable=True, example="PKH")
#: who is shown the texts of sealed reports: who handles them
_HANDLED = frozenset({ScopeKind.SEALED})
#: and of what is said to the complainant the holder of the receipt
_TOLD = _HANDLED | {ScopeKind.PUBLIC}


def _vault(name: str, kinds: frozenset[ScopeKind]) -> Vault:
    return Vault(f"{{t}}.{vault.column(name)}", vault.purpose(name), kinds)


_MESSAGE_VAULT = Vault("CASE WHEN {t}.sealed THEN {t}.text END", SEALED_MESSAGE_TEXT, _TOLD)
_RESOLUTION = Field(
    "resolution",
    FieldType.TEXT,
    "What was found and done, in words for the complainant.",
    nullable=True,
    example="The family was proposed for PKH and is on the list of the next release.",
    vault=_vault("resolution", _TOLD),
)
_REALIZED = Field(
    "service_realized", FieldType.BOOLEAN, "Whether a service was given; null until resolved.", nullable=True
)

_OUTCOME = Field(
    "outcome",
    FieldType.CODE,
    "How it ended; null until then, and where the desk told only whether a service was given.",
    codes=ComplaintOutcome,
    nullable=True,
)
_REFERRED_TO = Field(
    "referred_to",
    FieldType.TEXT,
    "Who is competent instead, where we are not.",
    nullable=True,
    example="PLN, Posko Pusat",
    vault=_vault("referred_to", _TOLD),
)
_REFERENCE = Field(
    "reference_number",
    FieldType.TEXT,
    "The number under which they know it.",
    nullable=True,
    example="LAPOR-1234567",
    vault=_vault("reference_number", _TOLD),
)
_CHANNELS = Field(
    "channels",
    FieldType.JSON,
    "Where else the program that it is about takes complaints: it has to go there as well.",
    "(SELECT coalesce(json_agg(json_build_object('program_code', p.code, 'channel', p.complaint_channel)), '[]'::json)"
    " FROM programs p WHERE p.code = {t}.program_code)",
    example=[{"program_code": "PKH", "channel": "Kementerian Sosial, call center 171"}],
)
_SATISFACTION = Field(
    "satisfaction",
    FieldType.INTEGER,
    "How content the complainant is with the resolution, 1 to 5; null until rated.",
    nullable=True,
    example=4,
)

#: the name and number of the complainant are for those who handle the complaint
_CONTACT: Any = {"nullable": True, "unmask": Scope.COMPLAINTS_HANDLE.value, "masked": "NULL::text"}

#: the offices above: they see what was escalated to them
_ABOVE = frozenset({Role.PROVINCE_OFFICE, Role.NATIONAL_OFFICE})
#: of violence, a child or a life in danger: for who handles it or was asked to help, who complained, and auditors
_GRAVE: Any = {
    "special": True,
    "readers": CASE_WORKERS | _ABOVE | {Role.CITIZEN, Role.AUDITOR, Role.INTEGRITY_OFFICER},
}
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
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.ESCALATED, ScopeKind.SEALED},
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
            facts=FACTS_SQL,
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
            vault=_vault("summary", _HANDLED),
            **_GRAVE,
        ),
        Field(
            "detail",
            FieldType.TEXT,
            "The whole story, where it was told.",
            nullable=True,
            vault=_vault("detail", _HANDLED),
            example="In September the card was collected by the head of the group.",
            **_GRAVE,
        ),
        Field(
            "program_level",
            FieldType.TEXT,
            "Who runs the program: a code of `program-levels`.",
            nullable=True,
            example="NATIONAL",
        ),
        Field(
            "program_sector", FieldType.TEXT, "Its sector: a code of `program-sectors`.", nullable=True, example="FOOD"
        ),
        _CHANNELS,
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
        Field("case_id", FieldType.ID, "Case that was opened from it, or that it joined.", nullable=True),
        Field(
            "reporter_relation",
            FieldType.CODE,
            "For whom the complainant speaks; null as the name is.",
            codes=ReporterRelation,
            example="SELF",
            **_CONTACT,
        ),
        Field(
            "relationship",
            FieldType.CODE,
            "Who the complainant is to the person concerned; null as the name is.",
            codes=Relationship,
            **_CONTACT,
        ),
        Field(
            "subject_consent",
            FieldType.BOOLEAN,
            "Whether the person concerned agrees, where somebody else complains and it is known.",
            nullable=True,
        ),
        Field("has_nik", FieldType.BOOLEAN, "Whether the person concerned has a NIK; null unknown.", nullable=True),
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
        Field(
            "card_number",
            FieldType.TEXT,
            "Number of the card that it is about; null as the name is.",
            sealed="complaint.card_number",
            example="6013010000000000",
            **_CONTACT,
        ),
        Field(
            "participations",
            FieldType.JSON,
            "Programs that the person concerned takes part in, with the numbers there; null as the name is.",
            sealed="complaint.participations",
            example=[{"program_code": "PKH", "number": "PKH-0042"}],
            **{**_CONTACT, "masked": "NULL::json"},
        ),
        Field("forwarded_to", FieldType.ID, "Organization that it was forwarded to.", nullable=True),
        Field(
            "instruction",
            FieldType.TEXT,
            "What is to be done there. For handlers and auditors.",
            nullable=True,
            readers=_ACCUSED_READERS,
            example="Check with the bank within three days and tell us.",
        ),
        _REFERRED_TO,
        _REFERENCE,
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
        Field(
            "received_at",
            FieldType.INSTANT,
            "When this service received it; of one that goes on for others, when it received the earliest of them.",
        ),
        Field("cycle", FieldType.INTEGER, "1, and one more with every reopening.", example=1),
        Field(
            "unanswered_since",
            FieldType.INSTANT,
            "When the complainant wrote first what the desk has not answered yet.",
            nullable=True,
        ),
        Field("resolved_at", FieldType.INSTANT, "When it was resolved last.", nullable=True),
        replace(_RESOLUTION, redacted=_NULL_WHERE_GRAVE, **_GRAVE),
        _OUTCOME,
        _REALIZED,
        Field("objection_until", FieldType.INSTANT, "Until when the resolution may be objected to.", nullable=True),
        Field("reopen_until", FieldType.INSTANT, "Until when the complainant may have it reopened.", nullable=True),
        _SATISFACTION,
        Field("rated_at", FieldType.INSTANT, "When the resolution was rated.", nullable=True),
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
            pattern=f"^{PROGRAM_CODES}$",
        ),
        id_filter("household_id", "About this household."),
        id_filter("forwarded_to", "Forwarded to this organization."),
        code_filter("outcome", ComplaintOutcome, "That ended in one of these ways."),
        Filter(
            "receipt",
            "{t}.number = {v}::text",
            _receipt,
            "With this receipt, in any spelling; a merged one names the complaint that goes on as `merged_into`.",
            "KEL-3326-7ZQ4-0MXR-K",
            pattern="^[Kk][Ee][Ll].{0,40}$",
        ),
        Filter(
            "unanswered",
            "({t}.unanswered_since IS NOT NULL) = {v}::boolean",
            parse_boolean,
            "Whose complainant waits for an answer (`true`), or does not (`false`).",
            "true",
            reads="unanswered_since",
        ),
        *updated_filters(),
    )
    .with_sorts(ID_SORT)
)

_SEQUENCE = Sort("sequence", "{t}.sequence", "integer", int)
_MESSAGE_READERS = frozenset(role.value for role in CASE_WORKERS | {Role.CITIZEN, Role.AUDITOR, Role.INTEGRITY_OFFICER})


def _sent_at(role: str) -> str:
    """To the complainant the day only, unless the complaint is open."""
    return _rounded("{v}") if role == Role.CITIZEN else "{v}"


_AUTHOR = Field("author", FieldType.CODE, "Which side wrote it; who, is told to nobody.", codes=MessageAuthor)
_TYPE = Field("type", FieldType.CODE, "What it is for the process.", codes=MessageType)
_NUMBER = Field("sequence", FieldType.INTEGER, "Version of the complaint that it came with: their order.", example=3)

MESSAGE = (
    Shape(
        "message",
        "messages",
        "complaint_messages {t}",
        "A message between desk and complainant, or a note among those who work on the complaint (`INTERNAL`), which the"
        " complainant does not see. The text is for those who handle it, the complainant and auditors.",
        scope=None,
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.SEALED},
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the message."),
        _NUMBER,
        _AUTHOR,
        _TYPE,
        Field("visibility", FieldType.CODE, "Who reads it.", codes=MessageVisibility),
        Field(
            "text",
            FieldType.TEXT,
            "What it says.",
            sealed=MESSAGE_TEXT,
            vault=_MESSAGE_VAULT,
            readers=_MESSAGE_READERS,
            example="Please bring the family card.",
        ),
        Field(
            "sent_at",
            FieldType.INSTANT,
            "When; for the complainant the day, unless the complaint is open.",
            stripped=_sent_at,
        ),
    )
    .with_filters(
        code_filter("author", MessageAuthor, "Written by one of these sides."),
        code_filter("visibility", MessageVisibility, "Read by these."),
    )
    .with_sorts(ID_SORT, _SEQUENCE)
)
MESSAGE.default_sort = "sequence"

COMPLAINT_LINK = (
    Shape(
        "complaint_link",
        "links",
        "complaint_links {t}",
        "A link to another complaint, told from this one. One that was undone stays, with its end.",
        scope=None,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the link, as told from this complaint."),
        Field("other_id", FieldType.ID, "The other complaint."),
        Field("type", FieldType.CODE, "How they are linked.", codes=ComplaintLinkType),
        Field(
            "direct",
            FieldType.BOOLEAN,
            "Whether it was said of this complaint. Of a `FOLLOW_UP`: this one follows the other, or (false) is followed by it.",
        ),
        Field("reason", FieldType.TEXT, "Why.", readers=_ACCUSED_READERS, example="The same card, two weeks later."),
        Field("linked_at", FieldType.INSTANT, "When."),
        Field("ended_at", FieldType.INSTANT, "When it was undone.", nullable=True),
        Field(
            "end_reason",
            FieldType.TEXT,
            "Why it was undone.",
            nullable=True,
            readers=_ACCUSED_READERS,
            example="Another family of that name.",
        ),
    )
    .with_filters(code_filter("type", ComplaintLinkType, "Linked in one of these ways."))
    .with_sorts(ID_SORT)
)
COMPLAINT_LINK.default_sort = "id"

COMPLAINT.link(
    Link(
        "messages",
        MESSAGE,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Messages and notes, in their order.",
        order="{t}.sequence, {t}.id",
    )
)
COMPLAINT.link(
    Link(
        "links",
        COMPLAINT_LINK,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Links to other complaints, also those that were undone.",
    )
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
        "The case that was opened from the complaint, or that it joined.",
        single=True,
    )
)
CASE.link(
    Link(
        "complaints",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.case_id = {p}.id",
        "Complaints that belong to the case: the one that it was opened from, and those that joined it.",
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


_TIMELINE = (
    f"(SELECT coalesce(json_agg(json_build_object('type', e.type, 'at', {_instant('e.at')}) ORDER BY e.sequence),"
    " '[]'::json) FROM events e WHERE e.regency = {t}.regency AND e.aggregate_id = {t}.id"
    f" AND e.type <> ALL ('{{{{{','.join(UNTOLD)}}}}}'::text[]))"
)
_CLOCKS = (
    "(SELECT coalesce(json_agg(json_build_object('name', c.name, 'unit', c.unit, 'amount', c.amount, 'state', "
    + STATE.replace("{t}", "c")
    + f", 'due_at', {_instant('c.due_at', up=True)}, 'met_at', {_instant('c.met_at')}, 'policy', c.policy,"
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
    _NUMBER,
    _AUTHOR,
    _TYPE,
    Field(
        "text",
        FieldType.TEXT,
        "What it says.",
        sealed=MESSAGE_TEXT,
        vault=_MESSAGE_VAULT,
        example="Please bring the family card.",
    ),
    Field("sent_at", FieldType.INSTANT, "When; the day, unless the complaint is open.", _rounded("{t}.sent_at")),
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
    Field(
        "allowed_actions",
        FieldType.CODES,
        "What the complainant may do now.",
        lifecycle=COMPLAINT_LIFECYCLE,
        facts=FACTS_SQL,
    ),
    _NATURE,
    _CATEGORY,
    _PROGRAM,
    _CHANNELS,
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
    _OUTCOME,
    _REALIZED,
    _REFERRED_TO,
    _REFERENCE,
    Field(
        "objection_until",
        FieldType.INSTANT,
        "Until when the resolution may be objected to.",
        _rounded("{t}.objection_until", up=True),
        nullable=True,
    ),
    Field(
        "reopen_until",
        FieldType.INSTANT,
        "Until when it may be reopened.",
        _rounded("{t}.reopen_until", up=True),
        nullable=True,
    ),
    _SATISFACTION,
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
