"""File a complaint: by staff for somebody, by a citizen with an account, and by anybody without a token."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

import orjson

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.clocks import service as clocks
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    Channel,
    ComplaintStatus,
    Confidentiality,
)
from slrt_api.complaints.models import Complaint, ComplaintNumber, ReceiptSecret
from slrt_api.complaints.service import escalate, intake, receipts, references, sealed
from slrt_api.complaints.service.intake import ComplaintContent, FileComplaint, FilePublicComplaint
from slrt_api.complaints.shapes import COMPLAINT, TRACKED_COMPLAINT
from slrt_api.households.codes import IdentityType
from slrt_api.kernel import errors, numbers
from slrt_api.kernel.ids import Kind, kind_of, minted_at, new_id, tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Done, use_case

#: what binds the ciphertext of a NIK to its complaint, beside the id
NIK_PLACE: Final = "complaint.nik"
#: whoever holds the NIK, as far as the caller sees; a second one leaves it open who it is
_HOLDERS: Final = """
SELECT owner_id FROM identities
WHERE regency = $1 AND blind_index = ANY ($2::bytea[]) AND type = 'NIK' AND valid_to IS NULL LIMIT 2
"""


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
    regency = intake.check(tx, command, command.captured_at)
    if command.confidentiality is Confidentiality.SEALED:
        area = places.village(actor, command.area_code)
        await intake.check_references(tx, actor, command, regency)
        return await _file_sealed(tx, actor, command, area, receipts.any_number(regency), command.channel)
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
    regency = intake.check(tx, command, command.captured_at)
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
    await intake.check_references(tx, actor, command, regency)
    complaint = _complaint(
        tx,
        command,
        id_=id_,
        area=area,
        number=receipts.any_number(regency),
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
    regency = intake.check(tx, command, None)
    await intake.check_programs(tx, command)
    await references.organization(tx, "/accused_organization_id", command.accused_organization_id)
    if command.confidentiality is Confidentiality.SEALED:
        area = places.village(actor, command.area_code)
        return await _file_sealed(tx, actor, command, area, receipts.number_of(actor), Channel.WEB)
    complaint = _complaint(
        tx,
        command,
        id_=_new_id(tx, command, regency),
        area=places.village(actor, command.area_code),
        number=receipts.number_of(actor),
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
            secret_hash=receipts.secret_hash(tx.keyring, secret),
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
