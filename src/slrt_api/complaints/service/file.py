"""File a complaint: by staff for somebody, by a citizen with an account, and by anybody without a token."""

import secrets
from dataclasses import replace
from datetime import datetime, time
from itertools import count
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from pydantic import Field

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.areas import codelists, places
from slrt_api.clocks import service as clocks
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    CATEGORY_OF,
    Category,
    Channel,
    ComplaintStatus,
    Confidentiality,
    Nature,
    Relationship,
    ReporterRelation,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.lifecycle import PUBLIC
from slrt_api.complaints.models import Complaint, ComplaintNumber, ReceiptSecret
from slrt_api.complaints.service import escalate, references, sealed
from slrt_api.complaints.shapes import COMPLAINT, TRACKED_COMPLAINT
from slrt_api.households import identity
from slrt_api.households.codes import IdentityType
from slrt_api.kernel import errors, numbers
from slrt_api.kernel.ids import Kind, kind_of, minted_at, new_id, tenant_of
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring, aad
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

PREFIX = "KEL"
#: what binds the ciphertext of a NIK to its complaint, beside the id
NIK_PLACE: Final = "complaint.nik"
MAX_PARTICIPATIONS: Final = 20
_VALUE_BYTES = 5
#: whoever holds the NIK, as far as the caller sees; a second one leaves it open who it is
_HOLDERS: Final = """
SELECT owner_id FROM identities
WHERE regency = $1 AND blind_index = ANY ($2::bytea[]) AND type = 'NIK' AND valid_to IS NULL LIMIT 2
"""
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


@use_case("complaints.file", scope=Scope.COMPLAINTS_WRITE, answers=COMPLAINT, creates=True)
async def file_complaint(tx: Transaction, actor: Actor, command: FileComplaint) -> Done:
    """File a complaint.

    Its deadlines start with its arrival, in working time of the place. The answer shows `receipt_secret` this once: with
    the receipt it opens process and outcome without a token (`GET /v1/public/complaints/{receipt}`). A citizen files
    for any village and names neither household nor person. `channels` tell where else it has to go. A `nik`
    names its holder as `subject_person_id` where the caller may look it up (`persons.nik:lookup`, which counts as one search) and
    sees that person; one that nobody holds and one of somebody elsewhere answer alike. A SEALED report names neither household
    nor person but whom it accuses, its NIK finds nobody, and it is not found again under its id by whoever filed it.
    """
    tx.hush()
    regency = _check(tx, command, command.captured_at)
    if command.confidentiality is Confidentiality.SEALED:
        area = places.village(actor, command.area_code)
        await _check_references(tx, actor, command, regency)
        return await _file_sealed(tx, actor, command, area, _any_number(regency), command.channel)
    return await _file_by(tx, actor, _new_id(tx, command, regency), command)


@use_case("complaints.file_as", scope=Scope.COMPLAINTS_WRITE, answers=COMPLAINT, creates=True)
async def file_complaint_as(tx: Transaction, actor: Actor, complaint_id: UUID, command: FileComplaint) -> Done:
    """File a complaint under an id that the client made.

    For devices that record offline. The id follows the published recipe; unless the complaint is `OPEN` its time is that of
    the beginning of the day (UTC), so that it does not tell the hour. Send an `Idempotency-Key` too: a repeat with it shows
    the receipt's secret again, a repeat without answers 412. A SEALED report is filed without: an address that names it
    would stand in the logs of whatever lies on the way.
    """
    tx.hush()
    if command.confidentiality is Confidentiality.SEALED:
        raise errors.Invalid.at("/confidentiality", "sealed_without_client_id", "File it by POST, without an id.")
    regency = _check(tx, command, command.captured_at)
    if kind_of(complaint_id) is not Kind.COMPLAINT or tenant_of(complaint_id) != regency:
        raise errors.Invalid.at("id", "id_mismatch", "The id's kind or tenant is not that of the path and the area.")
    minted = minted_at(complaint_id)
    if command.confidentiality is not Confidentiality.OPEN and minted.time() != time(0):
        raise errors.Invalid.at("id", "id_tells_the_hour", "Take the beginning of the day (UTC) as the id's time.")
    try:
        return await _file_by(tx, actor, complaint_id, command)
    except errors.Conflict:
        raise errors.PreconditionFailed("resource_exists") from None


async def _file_by(tx: Transaction, actor: Actor, id_: UUID, command: FileComplaint) -> Done:
    """File for a caller with a token."""
    regency = tenant_of(id_)
    area = places.village(actor, command.area_code)
    await _check_references(tx, actor, command, regency)
    complaint = _complaint(
        tx,
        command,
        id_=id_,
        area=area,
        number=_any_number(regency),
        channel=command.channel,
        captured_at=command.captured_at,
        household_id=command.household_id,
        subject_person_id=command.subject_person_id or await _holder(tx, actor, command, id_),
        accused_person_id=command.accused_person_id,
        accused_organization_id=command.accused_organization_id,
        reporter_id=actor.rows.subject_id,
    )
    return await _file(tx, complaint, command.nik)


async def _holder(tx: Transaction, actor: Actor, command: FileComplaint, id_: UUID) -> UUID | None:
    """The one person in the caller's sight who holds the NIK; nobody where the caller may not look it up."""
    if command.nik is None or Scope.NIK_LOOKUP not in actor.scopes:
        return None
    regency = tenant_of(id_)
    found = await tx.fetch(_HOLDERS, regency, tx.keyring.blind_indexes(IdentityType.NIK.value, command.nik))
    async with tx.effect(regency):
        await quotas.take(tx, actor, regency, Quota.NIK_LOOKUP)
    await tx.access(
        "complaints.file", "person", regency=regency, resource_id=None, purpose="CASE_INTAKE", rows=len(found)
    )
    return found[0]["owner_id"] if len(found) == 1 else None


@use_case("complaints.file_publicly", scope=None, answers=TRACKED_COMPLAINT, creates=True)
async def file_publicly(tx: Transaction, actor: Actor, command: FilePublicComplaint) -> Done:
    """File a complaint without a token.

    `Idempotency-Key` is required and stands for the caller: a UUID, or 128 random bits of your own. A repeat with the
    same key and body gives the same receipt and the same secret. The secret is shown here and nowhere else. Nobody who works
    at the `accused_organization_id` handles it, and of a SEALED report nobody there sees it.
    """
    tx.hush()
    regency = _check(tx, command, None)
    await _check_programs(tx, command)
    await references.organization(tx, "/accused_organization_id", command.accused_organization_id)
    if command.confidentiality is Confidentiality.SEALED:
        area = places.village(actor, command.area_code)
        return await _file_sealed(tx, actor, command, area, _number_of(actor), Channel.WEB)
    complaint = _complaint(
        tx,
        command,
        id_=_new_id(tx, command, regency),
        area=places.village(actor, command.area_code),
        number=_number_of(actor),
        channel=Channel.WEB,
        accused_organization_id=command.accused_organization_id,
    )
    return await _file(tx, complaint, command.nik)


async def _file_sealed(
    tx: Transaction, actor: Actor, command: ComplaintContent, area: int, number: numbers.Number, channel: Channel
) -> Done:
    """Write a sealed report, in the name of the unit that took it. Nobody who files one may write its rows."""
    regency = number.tenant
    veiled = tx.veiled(vault.intake_unit(tx.keyring, actor, regency))
    complaint, identity = sealed.report(
        veiled, command.model_dump(), regency=regency, area=area, number=number, channel=channel
    )
    async with veiled.effect(regency):
        done = await _file(veiled, complaint, None)
        await veiled.insert(identity)
    without_token = actor.rows.kind is ScopeKind.PUBLIC
    return replace(done, veil=actor.rows if without_token else sealed.shown_to_filer(complaint))


def public_actor(keyring: Keyring, area_code: str, key: str) -> Actor:
    """The public as the holder of one receipt: that of the complaint which the idempotency key `key` files.

    The receipt follows from the key, so that a repeat may see what the first request made. It tells nothing: without the
    index key of this installation nobody computes it. Raises Invalid `area_unknown`.
    """
    regency = places.tenant(area_code)
    values = (
        int.from_bytes(keyring.digest("public receipt", f"{attempt}\x1f{regency}\x1f{key}".encode())[:_VALUE_BYTES])
        for attempt in count()
    )
    return receipt_holder(numbers.sayable_number(PREFIX, regency, values))


def receipt_holder(number: numbers.Number) -> Actor:
    """The public as the holder of one receipt: what the complainant may do, on the one row of that receipt."""
    rows = RowScope(ScopeKind.PUBLIC, tenants=(number.tenant,), regency=number.tenant, receipt=number.value)
    return Actor("anonymous", PUBLIC, frozenset({Scope.COMPLAINTS_WRITE.value}), rows)


def receipt_of(actor: Actor) -> str:
    """The receipt that a `receipt_holder` holds."""
    return _number_of(actor).text


def secret_hash(keyring: Keyring, secret: str) -> bytes:
    """What is kept of a receipt's secret (in its canonical form)."""
    return keyring.digest("receipt secret", secret.encode())


def _any_number(regency: int) -> numbers.Number:
    return numbers.sayable_number(PREFIX, regency, iter(lambda: secrets.randbits(8 * _VALUE_BYTES), -1))


def _number_of(actor: Actor) -> numbers.Number:
    if actor.rows.regency is None or actor.rows.receipt is None:
        raise errors.Forbidden
    return numbers.sayable_number(PREFIX, actor.rows.regency, iter((actor.rows.receipt,)))


def _check(tx: Transaction, command: ComplaintContent, captured_at: datetime | None) -> int:
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


async def _check_programs(tx: Transaction, command: ComplaintContent) -> None:
    await references.program(tx, "/program_code", command.program_code)
    for place, each in enumerate(command.participations):
        await references.program(tx, f"/participations/{place}/program_code", each.program_code)


async def _check_references(tx: Transaction, actor: Actor, command: FileComplaint, regency: int) -> None:
    """Everything named must be visible to the caller and lie in the regency of the complaint."""
    await _check_programs(tx, command)
    await references.household(tx, actor, "/household_id", command.household_id, regency)
    for name in ("subject_person_id", "accused_person_id"):
        await references.person(tx, actor, f"/{name}", getattr(command, name), regency)
    await references.organization(tx, "/accused_organization_id", command.accused_organization_id)


def _new_id(tx: Transaction, command: ComplaintContent, regency: int) -> UUID:
    """An id for the complaint; that of one that is not open does not tell the hour."""
    return new_id(Kind.COMPLAINT, regency, tx.now, coarse=command.confidentiality is not Confidentiality.OPEN)


def _complaint(
    tx: Transaction,
    command: ComplaintContent,
    *,
    id_: UUID,
    area: int,
    number: numbers.Number,
    channel: Channel,
    captured_at: datetime | None = None,
    household_id: UUID | None = None,
    subject_person_id: UUID | None = None,
    accused_person_id: UUID | None = None,
    accused_organization_id: UUID | None = None,
    reporter_id: UUID | None = None,
) -> Complaint:
    def encrypted(name: str, value: str | bytes | None) -> bytes | None:
        return None if value is None else tx.keyring.encrypt(value, aad(f"complaint.{name}", id_))

    relation = command.reporter_relation
    numbers_held: list[dict[str, Any]] = [each.model_dump() for each in command.participations]

    return Complaint(
        regency=tenant_of(id_),
        id=id_,
        area=area,
        created_at=tx.now,
        updated_at=tx.now,
        number=number.text,
        receipt=number.value,
        status=ComplaintStatus.RECEIVED.value,
        nature=command.nature.value,
        category=command.category.value,
        subtype=command.subtype.value if command.subtype else None,
        severity_flags=sorted({flag.value for flag in command.severity_flags}),
        program_code=command.program_code,
        channel=channel.value,
        confidentiality=command.confidentiality.value,
        summary=command.summary,
        detail=command.detail,
        program_level=command.program_level,
        program_sector=command.program_sector,
        card_number=encrypted("card_number", command.card_number),
        participations=encrypted("participations", orjson.dumps(numbers_held) if numbers_held else None),
        reporter_relation=relation.value,
        relationship=command.relationship.value if command.relationship else None,
        subject_consent=command.subject_consent,
        has_nik=True if command.nik is not None else command.has_nik,
        household_id=household_id,
        subject_person_id=subject_person_id,
        accused_person_id=accused_person_id,
        accused_organization_id=accused_organization_id,
        reporter_id=reporter_id,
        reporter_name=encrypted("reporter_name", command.reporter_name),
        reporter_phone=encrypted("reporter_phone", command.reporter_phone),
        captured_at=captured_at or tx.now,
        received_at=tx.now,
        received_by=tx.actor.subject,
    )


async def _file(tx: Transaction, complaint: Complaint, nik: str | None) -> Done:
    """Write the complaint, its clocks, the hash of its secret, and the NIK where nobody reads it."""
    await escalate.place(tx, complaint)
    await tx.create(complaint, "filed")
    await clocks.follow(
        tx,
        complaint,
        ComplaintStatus.RECEIVED,
        nature=complaint.nature,
        severity_flags=complaint.severity_flags,
    )
    secret = numbers.new_secret()
    kept: list[ComplaintNumber | ReceiptSecret] = [
        ReceiptSecret(
            regency=complaint.regency,
            id=complaint.id,
            area=complaint.area,
            receipt=complaint.receipt,
            secret_hash=secret_hash(tx.keyring, secret),
        )
    ]
    if nik is not None:
        kept.append(
            ComplaintNumber(
                regency=complaint.regency,
                id=complaint.id,
                area=complaint.area,
                type=IdentityType.NIK.value,
                ciphertext=tx.keyring.encrypt(nik, aad(NIK_PLACE, complaint.id)),
                blind_index=tx.keyring.blind_index(IdentityType.NIK.value, nik),
                index_key=tx.keyring.index_key_id,
            )
        )
    async with tx.effect(complaint.regency):
        await tx.insert(*kept)
    return Done(complaint.id, once={"receipt_secret": secret})
