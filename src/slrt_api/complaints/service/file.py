"""File a complaint: by staff for somebody, by a citizen with an account, and by anybody without a token."""

import secrets
from datetime import datetime, time
from itertools import count
from typing import Annotated
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.clocks import service as clocks
from slrt_api.complaints.codes import (
    CATEGORY_OF,
    Category,
    Channel,
    ComplaintStatus,
    Confidentiality,
    Nature,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.models import Complaint, ReceiptSecret
from slrt_api.complaints.shapes import COMPLAINT, TRACKED_COMPLAINT
from slrt_api.households.models import Household, Person
from slrt_api.kernel import errors, numbers
from slrt_api.kernel.ids import Kind, kind_of, minted_at, new_id, tenant_of
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring, aad
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

PREFIX = "KEL"
_VALUE_BYTES = 5


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
        " telephone number. SEALED is not taken yet (`sealed_intake_unavailable`): the separate vault for it is still"
        " to come.",
        examples=["CONFIDENTIAL"],
    )
    summary: str = Field(
        min_length=1,
        max_length=4_000,
        description="What happened, in the complainant's words.",
        examples=["Our family is poor but not on the PKH list."],
    )
    reporter_name: Annotated[str, Field(min_length=1, max_length=150)] | None = Field(
        default=None, description="Name of the complainant; kept encrypted.", examples=["Siti Aminah"]
    )
    reporter_phone: Annotated[str, Field(pattern=r"^\+?[0-9]{6,15}$")] | None = Field(
        default=None, description="Telephone number of the complainant; kept encrypted.", examples=["+628120000000"]
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
    accused_organization_id: UUID | None = Field(
        default=None,
        description="Organization that it accuses: nobody who works there handles it.",
        examples=["019aaa11-2233-8000-8000-20a1b2c3d4e5"],
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
    for any village and names neither household nor person nor organization.
    """
    regency = _check(tx, command, command.captured_at)
    return await _file_by(tx, actor, _new_id(tx, command, regency), command)


@use_case("complaints.file_as", scope=Scope.COMPLAINTS_WRITE, answers=COMPLAINT, creates=True)
async def file_complaint_as(tx: Transaction, actor: Actor, complaint_id: UUID, command: FileComplaint) -> Done:
    """File a complaint under an id that the client made.

    For devices that record offline. The id follows the published recipe; unless the complaint is `OPEN` its time is that of
    the beginning of the day (UTC), so that it does not tell the hour. Send an `Idempotency-Key` too: a repeat with it shows
    the receipt's secret again, a repeat without answers 412.
    """
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
        number=numbers.sayable_number(PREFIX, regency, iter(lambda: secrets.randbits(8 * _VALUE_BYTES), -1)),
        channel=command.channel,
        captured_at=command.captured_at,
        household_id=command.household_id,
        subject_person_id=command.subject_person_id,
        accused_person_id=command.accused_person_id,
        accused_organization_id=command.accused_organization_id,
        reporter_id=actor.rows.subject_id,
    )
    return await _file(tx, complaint)


@use_case("complaints.file_publicly", scope=None, answers=TRACKED_COMPLAINT, creates=True)
async def file_publicly(tx: Transaction, actor: Actor, command: FilePublicComplaint) -> Done:
    """File a complaint without a token.

    `Idempotency-Key` is required and stands for the caller: a UUID, or 128 random bits of your own. A repeat with the
    same key and body gives the same receipt and the same secret. The secret is shown here and nowhere else.
    """
    regency = _check(tx, command, None)
    await _check_program(tx, command)
    complaint = _complaint(
        tx,
        command,
        id_=_new_id(tx, command, regency),
        area=places.village(actor, command.area_code),
        number=_number_of(actor),
        channel=Channel.WEB,
    )
    return await _file(tx, complaint)


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
    """The public as the holder of one receipt."""
    rows = RowScope(ScopeKind.PUBLIC, tenants=(number.tenant,), regency=number.tenant, receipt=number.value)
    return Actor("anonymous", "public", frozenset(), rows)


def receipt_of(actor: Actor) -> str:
    """The receipt that a `receipt_holder` holds."""
    return _number_of(actor).text


def secret_hash(keyring: Keyring, secret: str) -> bytes:
    """What is kept of a receipt's secret (in its canonical form)."""
    return keyring.digest("receipt secret", secret.encode())


def _number_of(actor: Actor) -> numbers.Number:
    if actor.rows.regency is None or actor.rows.receipt is None:
        raise errors.Forbidden
    return numbers.sayable_number(PREFIX, actor.rows.regency, iter((actor.rows.receipt,)))


def _check(tx: Transaction, command: ComplaintContent, captured_at: datetime | None) -> int:
    """Refuse what cannot be, all faults at once. Returns the tenant number."""
    faults = []
    if command.confidentiality is Confidentiality.SEALED:
        faults.append(
            errors.Fault("/confidentiality", "sealed_intake_unavailable", "Sealed complaints are not taken here yet.")
        )
    if command.confidentiality is Confidentiality.ANONYMOUS:
        faults += [
            errors.Fault(f"/{name}", "anonymous_has_no_reporter", "Leave it out, or choose another confidentiality.")
            for name in ("reporter_name", "reporter_phone")
            if getattr(command, name) is not None
        ]
    if command.subtype is not None and CATEGORY_OF[command.subtype] is not command.category:
        faults.append(errors.Fault("/subtype", "subtype_of_other_category", "Give a subtype of the category."))
    if captured_at is not None and captured_at > tx.now:
        faults.append(errors.Fault("/captured_at", "instant_in_future", "This instant is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))
    return places.tenant(command.area_code)


async def _check_program(tx: Transaction, command: ComplaintContent) -> None:
    if command.program_code is not None and not await tx.value(
        "SELECT true FROM programs WHERE code = $1", command.program_code
    ):
        raise errors.Invalid.reference("/program_code")


async def _check_references(tx: Transaction, actor: Actor, command: FileComplaint, regency: int) -> None:
    """Everything named must be visible to the caller and lie in the regency of the complaint."""
    await _check_program(tx, command)
    if command.household_id is not None:
        # A citizen's database role reads no household at all.
        household = None
        if actor.rows.kind is not ScopeKind.SUBJECT:
            household = await tx.find(Household, command.household_id)
        if household is None or household.regency != regency:
            raise errors.Invalid.reference("/household_id")
    for name in ("subject_person_id", "accused_person_id"):
        person_id: UUID | None = getattr(command, name)
        if person_id is None:
            continue
        person = None
        if actor.rows.kind is not ScopeKind.SUBJECT:
            person = await tx.find(Person, person_id)
        if person is None or person.regency != regency:
            raise errors.Invalid.reference(f"/{name}")
    if command.accused_organization_id is not None:
        organization = None
        if actor.rows.kind is not ScopeKind.SUBJECT:
            organization = await tx.find(Organization, command.accused_organization_id)
        if organization is None:
            raise errors.Invalid.reference("/accused_organization_id")


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
    def sealed(name: str, value: str | None) -> bytes | None:
        return None if value is None else tx.keyring.encrypt(value, aad(f"complaint.{name}", id_))

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
        household_id=household_id,
        subject_person_id=subject_person_id,
        accused_person_id=accused_person_id,
        accused_organization_id=accused_organization_id,
        reporter_id=reporter_id,
        reporter_name=sealed("reporter_name", command.reporter_name),
        reporter_phone=sealed("reporter_phone", command.reporter_phone),
        captured_at=captured_at or tx.now,
        received_at=tx.now,
        received_by=tx.actor.subject,
    )


async def _file(tx: Transaction, complaint: Complaint) -> Done:
    """Write the complaint, its clocks and the hash of its secret."""
    await tx.create(complaint, "filed")
    await clocks.follow(
        tx,
        complaint,
        ComplaintStatus.RECEIVED,
        nature=complaint.nature,
        severity_flags=complaint.severity_flags,
    )
    secret = numbers.new_secret()
    async with tx.effect(complaint.regency):
        await tx.insert(
            ReceiptSecret(
                regency=complaint.regency,
                id=complaint.id,
                area=complaint.area,
                receipt=complaint.receipt,
                secret_hash=secret_hash(tx.keyring, secret),
            )
        )
    return Done(complaint.id, once={"receipt_secret": secret})
