"""What an intake says, whoever takes it, and what is refused of it."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from slrt_api.areas import codelists, places
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    CATEGORY_OF,
    Category,
    Channel,
    Confidentiality,
    Nature,
    Relationship,
    ReporterRelation,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.service import references
from slrt_api.households import identity
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command

MAX_PARTICIPATIONS: Final = 20
#: what would tell who an anonymous complainant is
_TELLING: Final = ("reporter_name", "reporter_phone", "relationship")
_TELLING_OF_SELF: Final = ("nik", "card_number", "participations")

_Code = Annotated[str, Field(min_length=1, max_length=40)]


class Participation(Command):
    """A program that the person concerned takes part in, and the number there."""

    program_code: _Code = Field(description="Code of the program.", examples=["PKH"])
    number: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        description="Number of the participant.", examples=["PKH-0042"]
    )


class ComplaintContent(Command):
    """What every complaint says, whoever writes it down."""

    nature: Nature = Field(description="What the complainant wants.", examples=["GRIEVANCE"])
    category: Category = Field(description="What it is about.", examples=["PARTICIPATION"])
    subtype: Subtype | None = Field(
        default=None, description="The pattern, one of the category's.", examples=["EXCLUSION_ERROR"]
    )
    severity_flags: tuple[SeverityFlag, ...] = Field(
        default=(), max_length=len(SeverityFlag), description="What makes it grave.", examples=[["OVERSIGHT"]]
    )
    program_code: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="Program that it is about.", examples=["PKH"]
    )
    area_code: str = Field(description="Village of the current edition that it concerns.", examples=["33.26.01.2001"])
    confidentiality: Confidentiality = Field(
        default=Confidentiality.CONFIDENTIAL,
        description="CONFIDENTIAL hides the complainant from all but those who handle it; ANONYMOUS takes no name and no"
        " telephone number. SEALED keeps the whole report from all but the unit for sealed reports, and who filed it from"
        " them, too, unless two of them agree: whoever files it sees receipt and secret, and never the report again.",
        examples=["CONFIDENTIAL"],
    )
    summary: str = Field(
        min_length=1,
        max_length=4_000,
        description="What happened, in the complainant's words.",
        examples=["Our family is poor but not on the PKH list."],
    )
    detail: Annotated[str, Field(min_length=1, max_length=20_000)] | None = Field(
        default=None, description="The whole story, where the summary is too short for it.", examples=[None]
    )
    program_level: str | None = Field(
        default=None, description="Who runs the program: a code of the list `program-levels`.", examples=["NATIONAL"]
    )
    program_sector: str | None = Field(
        default=None, description="Its sector: a code of the list `program-sectors`.", examples=["SOCIO_ECONOMIC"]
    )
    participations: tuple[Participation, ...] = Field(
        default=(),
        max_length=MAX_PARTICIPATIONS,
        description="Programs that the person concerned takes part in, with the numbers there; kept encrypted.",
        examples=[[]],
    )
    card_number: Annotated[str, Field(pattern=r"^[0-9A-Za-z ./-]{3,40}$")] | None = Field(
        default=None,
        description="Number of the card that it is about (KKS, KIS, KIP); kept encrypted.",
        examples=[None],
    )
    reporter_relation: ReporterRelation = Field(
        default=ReporterRelation.SELF,
        description="`SELF`: the complainant is the person concerned. `OTHER`: the complainant speaks for somebody else.",
        examples=["SELF"],
    )
    relationship: Relationship | None = Field(
        default=None,
        description="Who the complainant is to the person concerned. Needed with `OTHER`, unless it is anonymous.",
        examples=[None],
    )
    subject_consent: bool | None = Field(
        default=None,
        description="With `OTHER`: whether the person concerned agrees, where that is known.",
        examples=[None],
    )
    has_nik: bool | None = Field(
        default=None,
        description="Whether the person concerned has a NIK; nobody has to. Follows from `nik` where that is given.",
        examples=[True],
    )
    nik: str | None = Field(
        default=None,
        repr=False,
        description="NIK of the person concerned, 16 digits. Kept encrypted and never shown again: it only finds who that is, in"
        " the scope of those who may look a NIK up, and other complaints about the same person.",
        examples=[None],
    )
    reporter_name: Annotated[str, Field(min_length=1, max_length=150)] | None = Field(
        default=None, description="Name of the complainant; kept encrypted.", examples=["Siti Aminah"]
    )
    reporter_phone: Annotated[str, Field(pattern=r"^\+?[0-9]{6,15}$")] | None = Field(
        default=None, description="Telephone number of the complainant; kept encrypted.", examples=["+628120000000"]
    )
    accused_organization_id: UUID | None = Field(
        default=None,
        description="Organization that it accuses: nobody who works there handles it.",
        examples=["019aaa11-2233-8000-8000-20a1b2c3d4e5"],
    )
    identifying_details: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="Of a SEALED report: what would tell who filed it. Kept with name and number, apart from the summary.",
        examples=[None],
    )


class FileComplaint(ComplaintContent):
    """A complaint as staff or a citizen with an account files it."""

    channel: Channel = Field(description="The way by which it came.", examples=["FIELD_APP"])
    household_id: UUID | None = Field(
        default=None,
        description="Household that it concerns, in the caller's scope.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )
    subject_person_id: UUID | None = Field(
        default=None,
        description="Person that it concerns, in the caller's scope.",
        examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
    )
    accused_person_id: UUID | None = Field(
        default=None,
        description="Person whom it accuses, in the caller's scope: does not handle it.",
        examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
    )
    captured_at: Instant | None = Field(
        default=None,
        description="When it was recorded in the field; now when left out. Deadlines count from its arrival here.",
        examples=["2026-11-22T09:14:07+07:00"],
    )


class FilePublicComplaint(ComplaintContent):
    """A complaint as anybody files it, without a token."""


def check(tx: Transaction, command: ComplaintContent, captured_at: datetime | None) -> int:
    """Refuse what cannot be, all faults at once. Returns the tenant number."""
    faults = []
    if command.confidentiality is Confidentiality.SEALED:
        if not tx.keyring.seals:
            faults.append(
                errors.Fault("/confidentiality", "sealed_intake_unavailable", "No sealed report is taken here.")
            )
        faults += vault.faults(command.model_dump())
    elif command.identifying_details is not None:
        faults.append(errors.Fault("/identifying_details", "only_when_sealed", "Leave it out, or choose SEALED."))
    if command.confidentiality is Confidentiality.ANONYMOUS:
        speaks_for_self = command.reporter_relation is ReporterRelation.SELF
        faults += [
            errors.Fault(f"/{name}", "anonymous_has_no_reporter", "Leave it out, or choose another confidentiality.")
            for name in (*_TELLING, *(_TELLING_OF_SELF if speaks_for_self else ()))
            if getattr(command, name)
        ]
    faults += _proxy_faults(command)
    if command.nik is not None and not identity.well_formed(command.nik):
        faults.append(errors.Fault("/nik", "nik_malformed", "Give 16 digits."))
    if command.nik is not None and command.has_nik is False:
        faults.append(errors.Fault("/has_nik", "invalid", "Leave it out where you give the NIK."))
    for name in ("program_level", "program_sector"):
        code = getattr(command, name)
        if code is not None and code not in codelists.load_code_lists()[f"{name.replace('_', '-')}s"].codes:
            faults.append(errors.Fault(f"/{name}", "unknown_code", "Give a code of the list."))
    if command.subtype is not None and CATEGORY_OF[command.subtype] is not command.category:
        faults.append(errors.Fault("/subtype", "subtype_of_other_category", "Give a subtype of the category."))
    if captured_at is not None and captured_at > tx.now:
        faults.append(errors.Fault("/captured_at", "instant_in_future", "This instant is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))
    return places.tenant(command.area_code)


def _proxy_faults(command: ComplaintContent) -> list[errors.Fault]:
    """What does not go together of who speaks for whom."""
    if command.reporter_relation is ReporterRelation.SELF:
        return [
            errors.Fault(f"/{name}", "invalid", "Leave it out where the complainant is the person concerned.")
            for name in ("relationship", "subject_consent")
            if getattr(command, name) is not None
        ]
    if command.relationship is None and command.confidentiality is not Confidentiality.ANONYMOUS:
        return [errors.Fault("/relationship", "required", "Say who the complainant is to the person concerned.")]
    return []


async def check_programs(tx: Transaction, command: ComplaintContent) -> None:
    await references.program(tx, "/program_code", command.program_code)
    for place, each in enumerate(command.participations):
        await references.program(tx, f"/participations/{place}/program_code", each.program_code)


async def check_references(tx: Transaction, actor: Actor, command: FileComplaint, regency: int) -> None:
    """Everything named must be visible to the caller and lie in the regency of the complaint."""
    await check_programs(tx, command)
    await references.household(tx, actor, "/household_id", command.household_id, regency)
    for name in ("subject_person_id", "accused_person_id"):
        await references.person(tx, actor, f"/{name}", getattr(command, name), regency)
    await references.organization(tx, "/accused_organization_id", command.accused_organization_id)
