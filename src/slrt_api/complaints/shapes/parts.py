"""What the shapes of complaints have in common: fields, who reads them, and instants as complainants are shown them."""

import re
from typing import Any, Final

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.cases.codes import LEVELS, Escalation
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    Category,
    ComplaintOutcome,
    ComplaintStatus,
    Nature,
    SeverityFlag,
)
from slrt_api.complaints.lifecycle import HANDLERS
from slrt_api.kernel import numbers
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    RENDER,
    Field,
    FieldType,
    Vault,
    parse_codes,
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


def receipt(text: str) -> str:
    number = numbers.parse_number("KEL", text)
    if number is None:
        raise ValueError
    return number.text


def rounded(sql: str, *, up: bool = False) -> str:
    """An instant for the complainant: of all but open complaints only the UTC day, `up` for the end of it.

    Who watches a small village could otherwise tell from the hour who complained.
    """
    day = f"date_trunc('day', {sql}, 'UTC')"
    if up:
        day = f"(CASE WHEN {day} = {sql} THEN {sql} ELSE {day} + interval '24 hours' END)"
    return f"(CASE WHEN {{t}}.confidentiality = 'OPEN' THEN {sql} ELSE {day} END)"


def instant(sql: str, *, up: bool = False) -> str:
    """The same as it stands in JSON."""
    return RENDER[FieldType.INSTANT].replace("{}", rounded(sql, up=up))


def program_codes(text: str) -> list[str]:
    if not re.fullmatch(PROGRAM_CODES, text):
        raise ValueError
    return text.split(",")


RECEIPT = Field(
    "receipt", FieldType.TEXT, "The number that the complainant holds.", "{t}.number", example="KEL-3326-7ZQ4-0MXR-K"
)
STATUS = Field("status", FieldType.CODE, "Where it stands.", codes=ComplaintStatus)
NATURE = Field("nature", FieldType.CODE, "What the complainant wants.", codes=Nature, example="GRIEVANCE")
CATEGORY = Field("category", FieldType.CODE, "What it is about.", codes=Category)
PROGRAM = Field("program_code", FieldType.TEXT, "Program that it is about.", nullable=True, example="PKH")
#: who is shown the texts of sealed reports: who handles them
HANDLED = frozenset({ScopeKind.SEALED})
#: and of what is said to the complainant the holder of the receipt
_TOLD = HANDLED | {ScopeKind.PUBLIC}


def vaulted(name: str, kinds: frozenset[ScopeKind]) -> Vault:
    return Vault(f"{{t}}.{vault.column(name)}", vault.purpose(name), kinds)


MESSAGE_VAULT = Vault("CASE WHEN {t}.sealed THEN {t}.text END", SEALED_MESSAGE_TEXT, _TOLD)
RESOLUTION = Field(
    "resolution",
    FieldType.TEXT,
    "What was found and done, in words for the complainant.",
    nullable=True,
    example="The family was proposed for PKH and is on the list of the next release.",
    vault=vaulted("resolution", _TOLD),
)
REALIZED = Field(
    "service_realized", FieldType.BOOLEAN, "Whether a service was given; null until resolved.", nullable=True
)

OUTCOME = Field(
    "outcome",
    FieldType.CODE,
    "How it ended; null until then, and where the desk told only whether a service was given.",
    codes=ComplaintOutcome,
    nullable=True,
)
REFERRED_TO = Field(
    "referred_to",
    FieldType.TEXT,
    "Who is competent instead, where we are not.",
    nullable=True,
    example="PLN, Posko Pusat",
    vault=vaulted("referred_to", _TOLD),
)
REFERENCE = Field(
    "reference_number",
    FieldType.TEXT,
    "The number under which they know it.",
    nullable=True,
    example="LAPOR-1234567",
    vault=vaulted("reference_number", _TOLD),
)
CHANNELS = Field(
    "channels",
    FieldType.JSON,
    "Where else the program that it is about takes complaints: it has to go there as well.",
    "(SELECT coalesce(json_agg(json_build_object('program_code', p.code, 'channel', p.complaint_channel)), '[]'::json)"
    " FROM programs p WHERE p.code = {t}.program_code)",
    example=[{"program_code": "PKH", "channel": "Kementerian Sosial, call center 171"}],
)
SATISFACTION = Field(
    "satisfaction",
    FieldType.INTEGER,
    "How content the complainant is with the resolution, 1 to 5; null until rated.",
    nullable=True,
    example=4,
)

#: the name and number of the complainant are for those who handle the complaint
CONTACT: Any = {"nullable": True, "unmask": Scope.COMPLAINTS_HANDLE.value, "masked": "NULL::text"}

#: the offices above: they see what was escalated to them
_ABOVE = frozenset({Role.PROVINCE_OFFICE, Role.NATIONAL_OFFICE})
#: of violence, a child or a life in danger: for who handles it or was asked to help, who complained, and auditors
GRAVE: Any = {
    "special": True,
    "readers": CASE_WORKERS | _ABOVE | {Role.CITIZEN, Role.AUDITOR, Role.INTEGRITY_OFFICER},
}
GRAVE_FLAGS = f"ARRAY['{SeverityFlag.VIOLENCE_OR_CHILD_PROTECTION}', '{SeverityFlag.LIFE_THREATENING}']"

ACCUSED_READERS = frozenset(role.value for role in HANDLERS | _ABOVE | {Role.AUDITOR})
NULL_WHERE_GRAVE = f"(CASE WHEN {{t}}.severity_flags && {GRAVE_FLAGS} THEN NULL ELSE {{v}} END)"


def levels(text: str) -> list[int]:
    return [LEVELS[Escalation(code)] for code in parse_codes(Escalation)(text)]


#: to whom it was brought; null where it lies with the desk that received it
ESCALATED_TO = (
    "(CASE WHEN {t}.rung <> 'NONE' THEN json_build_object('rung', {t}.rung, 'since', "
    + RENDER[FieldType.INSTANT].replace("{}", "{t}.rung_since")
    + ", 'cause', {t}.rung_cause, 'clock', {t}.rung_clock, 'ladder_id', {t}.rung_ladder_id) END)"
)
