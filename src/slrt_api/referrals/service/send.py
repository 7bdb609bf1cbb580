"""Handing a referral over: the receiver, its place, the deadline, and the package copied for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from slrt_api.access.consents.codes import LawfulBasis, SharingBasis
from slrt_api.attachments.service import sharing as attachments
from slrt_api.cases import service as cases
from slrt_api.cases.codes import NeedStatus
from slrt_api.kernel import errors
from slrt_api.programs.models import Program
from slrt_api.referrals import package
from slrt_api.referrals.codes import Routing
from slrt_api.referrals.models import Referral, ReferralPackage
from slrt_api.referrals.service import deadlines, offers, receivers, sharing
from slrt_api.referrals.service.receivers import Receiver
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction


@dataclass(frozen=True)
class Effect:
    """What an action changes besides the status: columns of the referral, and members shown once in the answer."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    once: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A receiver, the program that was asked for, and why the receiver may know the person."""

    receiver: Receiver
    program: Program | None
    basis: LawfulBasis | None


async def send(
    tx: Transaction,
    row: Referral,
    *,
    organization_id: UUID | None,
    routing: Routing | None,
    override_reason: str | None = None,
    reason: str | None = None,
) -> Effect:
    """Hand the referral over. The case is locked already.

    override_reason  send to a welfare organization even without consent, and record why
    reason           why somebody is named against what routing says
    Raises Conflict `no_receiver` when routing finds nobody, `auto_not_allowed`, `no_capacity` or `organization_cannot_take`
    for an organization that was named, `consent_required` where only consent is missing, `program_not_open`, and what moving
    the need raises; Forbidden where the caller may not override.
    """
    if override_reason is not None:
        sharing.may_override(tx.actor)
    found = await look(
        tx,
        row,
        organization_id=organization_id,
        routing=routing,
        overridden=override_reason is not None,
        reason=reason,
    )
    return await hand_over(tx, row, found, override_reason=override_reason)


async def look(
    tx: Transaction,
    row: Referral,
    *,
    organization_id: UUID | None,
    routing: Routing | None,
    overridden: bool = False,
    reason: str | None = None,
) -> Found:
    """Find the receiver and take its place. What raises has written nothing. The referral need not be stored yet.

    overridden  whether consent is not asked for
    """
    basis = await sharing.basis(tx, row, lock=True)
    program = await receivers.open_program(tx, row.program_code, row.area) if row.program_code else None
    receiver = await receivers.find(
        tx,
        row,
        program,
        organization_id=organization_id,
        routing=routing,
        may_share=basis is not None or overridden,
        reason=reason,
    )
    return Found(receiver, program, basis)


async def hand_over(tx: Transaction, row: Referral, found: Found, *, override_reason: str | None = None) -> Effect:
    """Copy the package, move the need, and record the offer. Returns what changes of the referral."""
    receiver, basis = found.receiver, found.basis
    scope = {
        "organization_id": receiver.organization_id,
        "program_id": found.program.id if found.program is not None else None,
    }
    shared = SharingBasis.PUBLIC_TASK
    if receiver.needs_consent:
        shared = SharingBasis(basis.value) if basis is not None else SharingBasis.OVERRIDE
    if shared is SharingBasis.OVERRIDE and override_reason is not None:
        await sharing.override(tx, row, override_reason)
    async with tx.effect(row.regency):
        await cases.move_need(tx, row.need_id, NeedStatus.REFERRED, referral_id=row.id, event="need_referred")
        await tx.insert(await _package(tx, row, scope | {"basis": shared.value}))
        await attachments.follow(tx, row, **scope, shared=True)
        if receiver.organization_id is not None:
            await tx.insert(offers.made(tx, row, receiver))
    respond_by = await deadlines.respond_by(tx, row)
    columns = {
        **scope,
        "capacity_period": receiver.period,
        "routed_by": receiver.routed_by.value,
        "sent_at": tx.now,
        "respond_by": respond_by,
        "package_expires_at": respond_by + await deadlines.package_grace(tx, row),
    }
    return Effect(columns, {"route": list(receiver.route)})


_CLIENT = """
SELECT p.name, p.birth_date, p.sex, h.address, n.note,
       (SELECT i.prefix FROM identities i WHERE i.regency = p.regency AND i.owner_id = p.id AND i.type = 'NIK'
        AND i.valid_to IS NULL ORDER BY i.id DESC LIMIT 1) AS nik_prefix
FROM needs n
JOIN cases c ON c.regency = n.regency AND c.id = n.case_id
JOIN households h ON h.regency = c.regency AND h.id = c.household_id
JOIN persons p ON p.regency = n.regency AND p.id = n.person_id
WHERE n.regency = $1 AND n.id = $2
"""


async def _package(tx: Transaction, row: Referral, scope: Mapping[str, Any]) -> ReferralPackage:
    client = await tx.first(_CLIENT, row.regency, row.need_id)
    if client is None:
        raise errors.NotFound
    born = client["birth_date"]
    known = {
        "name": client["name"],
        "birth_date": born.isoformat() if born else None,
        "sex": client["sex"],
        "address": client["address"],
        "nik_prefix": client["nik_prefix"],
        "need_note": client["note"],
    }
    given = {name: value for name, value in known.items() if name in package.fields_for(row.service)}
    for name in package.SEALED:
        if given.get(name) is not None:
            given[name] = tx.keyring.encrypt(given[name], aad(package.purpose(name), row.id))
    return ReferralPackage(regency=row.regency, id=row.id, area=row.area, **scope, **given)
