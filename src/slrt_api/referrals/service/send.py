"""Handing a referral over: the receiver, its place, the deadline, and the package copied for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from slrt_api.access.consents.codes import LawfulBasis, SharingBasis
from slrt_api.attachments.service import sharing as attachments
from slrt_api.cases import service as cases
from slrt_api.cases.codes import NeedStatus
from slrt_api.clocks import service as clocks
from slrt_api.kernel import errors
from slrt_api.programs.models import Program
from slrt_api.referrals import package
from slrt_api.referrals.codes import ReferralAction, ReferralStatus, RoutedBy, Routing
from slrt_api.referrals.models import Referral, ReferralPackage
from slrt_api.referrals.service import deadlines, offers, receivers, sharing
from slrt_api.referrals.service.receivers import Options, Receiver, Taken
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.records import altered
from slrt_api.runtime.transaction import Transaction


@dataclass(frozen=True)
class Effect:
    """What an action changes besides the status: columns of the referral, and members shown once in the answer."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    once: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Who may receive it, the program that was asked for, and why a receiver may know the person."""

    options: Options
    program: Program | None
    basis: LawfulBasis | None


@asynccontextmanager
async def undone(tx: Transaction, regency: int, name: str, *refusals: type[Exception]) -> AsyncIterator[None]:
    """Undo what was written inside where one of `refusals` is raised there, and raise it on.

    The role of the savepoint is the one that it is gone back to, so that the connection and `tx` agree on it.
    """
    async with tx.effect(regency):
        await tx.execute(f"SAVEPOINT {name}")
    try:
        yield
    except refusals:
        async with tx.effect(regency):
            await tx.execute(f"ROLLBACK TO SAVEPOINT {name}")
            await tx.execute(f"RELEASE SAVEPOINT {name}")
        raise


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
    """Find who may receive it. Nothing is written. The referral need not be stored yet.

    overridden  whether consent is not asked for
    """
    basis = await sharing.basis(tx, row, lock=True)
    program = await receivers.open_program(tx, row.program_code, row.area) if row.program_code else None
    options = await receivers.find(
        tx,
        row,
        program,
        organization_id=organization_id,
        routing=routing,
        may_share=basis is not None or overridden,
        reason=reason,
    )
    return Found(options, program, basis)


async def hand_over(tx: Transaction, row: Referral, found: Found, *, override_reason: str | None = None) -> Effect:
    """Copy the package, move the need, record the offer, begin the clocks; last of all the place is taken.

    Where somebody was faster, all of that is undone and done for the next candidate. Returns what changes of the referral.
    Raises Conflict where all are taken, having written nothing.
    """
    respond_by = await deadlines.respond_by(tx, row)
    expires_at = respond_by + await deadlines.package_grace(tx, row)
    async with tx.effect(row.regency):
        given = await _packed(tx, row)
    for receiver in found.options.receivers:
        scope = {
            "organization_id": receiver.organization_id,
            "program_id": found.program.id if found.program is not None else None,
        }
        try:
            async with undone(tx, row.regency, "handing_over", Taken):
                await _written(tx, row, found, receiver, scope, given, override_reason)
                async with tx.effect(row.regency):
                    await receivers.take(tx, row, receiver)
        except Taken:
            continue
        columns = {
            **scope,
            "capacity_period": receiver.period,
            "routed_by": receiver.routed_by.value,
            "sent_at": tx.now,
            "respond_by": respond_by,
            "package_expires_at": expires_at,
        }
        return Effect(columns, {"route": list(receiver.route)})
    if found.options.receivers[0].routed_by is not RoutedBy.AUTO:
        # What was named is judged anew.
        raise errors.Unavailable("contended", retry_after_seconds=1)
    raise errors.Conflict(found.options.refusal)


async def _written(
    tx: Transaction,
    row: Referral,
    found: Found,
    receiver: Receiver,
    scope: Mapping[str, Any],
    given: Mapping[str, Any],
    override_reason: str | None,
) -> None:
    """What the handing over writes besides the referral itself, but for the place."""
    shared = SharingBasis.PUBLIC_TASK
    if receiver.needs_consent:
        shared = SharingBasis(found.basis.value) if found.basis is not None else SharingBasis.OVERRIDE
    if shared is SharingBasis.OVERRIDE and override_reason is not None:
        await sharing.override(tx, row, override_reason)
    async with tx.effect(row.regency):
        await cases.move_need(tx, row.need_id, NeedStatus.REFERRED, referral_id=row.id, event="need_referred")
        await tx.insert(
            ReferralPackage(regency=row.regency, id=row.id, area=row.area, basis=shared.value, **scope, **given)
        )
        await attachments.follow(tx, row, **scope, shared=True)
        if receiver.organization_id is not None:
            await tx.insert(offers.made(tx, row, receiver))
    # Its receiver reads the deadlines: they are those of the referral as it will be.
    await clocks.follow(tx, altered(row, **scope), ReferralStatus.SENT, action=ReferralAction.SEND)


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


async def _packed(tx: Transaction, row: Referral) -> dict[str, Any]:
    """What the receiver of this service may know of the client, as it is kept in the package."""
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
    return given
