"""Handing a referral over: the receiver, its place, the deadline, and the package copied for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from slrt_api.access.consents.codes import SharingBasis
from slrt_api.areas import codes
from slrt_api.cases import service as cases
from slrt_api.cases.codes import NeedStatus
from slrt_api.clocks import service as clocks
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of
from slrt_api.organizations import service as organizations
from slrt_api.organizations.codes import NEEDS_CONSENT
from slrt_api.organizations.routing import Candidate, RuleAnswer
from slrt_api.programs.models import Program
from slrt_api.referrals import package
from slrt_api.referrals.codes import ReferralStatus, Routing
from slrt_api.referrals.models import Referral, ReferralPackage
from slrt_api.referrals.service import sharing
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction


@dataclass(frozen=True)
class Effect:
    """What an action changes besides the status: columns of the referral, and members shown once in the answer."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    once: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Receiver:
    """Where it goes. `period` is the month whose place it holds, None where none is counted."""

    organization_id: UUID | None
    period: date | None
    route: tuple[RuleAnswer, ...]
    #: whether it is outside the government, so that its knowing the person takes consent
    needs_consent: bool = False


async def send(
    tx: Transaction,
    row: Referral,
    *,
    organization_id: UUID | None,
    routing: Routing | None,
    override_reason: str | None = None,
) -> Effect:
    """Hand the referral over. The case is locked already.

    override_reason  send to a welfare organization even without consent, and record why
    Raises Conflict `no_receiver` when routing finds nobody, `no_capacity` or `organization_cannot_take` for an
    organization that was named, `consent_required` where only consent is missing, `program_not_open`, and what moving the
    need raises; Forbidden where the caller may not override.
    """
    if override_reason is not None:
        sharing.may_override(tx.actor)
    basis = await sharing.basis(tx, row, lock=True)
    may_share = basis is not None or override_reason is not None
    program = await open_program(tx, row.program_code, row.area) if row.program_code else None
    named = organization_id or row.proposed_organization_id
    if routing is Routing.AUTO:
        receiver = await _routed(tx, row, may_share=may_share)
    elif named is not None:
        receiver = await _named(tx, row, named, may_share=may_share)
    elif program is not None:
        receiver = _Receiver(None, None, ())
    else:
        raise errors.Invalid.at("/organization_id", "receiver_required", "Name an organization_id, or routing AUTO.")
    scope = {"organization_id": receiver.organization_id, "program_id": program.id if program else None}
    shared = SharingBasis.PUBLIC_TASK
    if receiver.needs_consent:
        shared = SharingBasis(basis.value) if basis is not None else SharingBasis.OVERRIDE
    if shared is SharingBasis.OVERRIDE and override_reason is not None:
        await sharing.override(tx, row, override_reason)
    async with tx.effect(row.regency):
        await cases.move_need(tx, row.need_id, NeedStatus.REFERRED, referral_id=row.id, event="need_referred")
        await tx.insert(await _package(tx, row, scope | {"basis": shared.value}))
    columns = {
        **scope,
        "capacity_period": receiver.period,
        "sent_at": tx.now,
        # The clock of the same name begins with the change that this is part of.
        "respond_by": await clocks.promise(tx, row, "RESPOND", ReferralStatus.SENT),
    }
    return Effect(columns, {"route": list(receiver.route)})


def local_day(at: datetime, area: int) -> date:
    """The day that it is at `at` in the zone of `area`."""
    return at.astimezone(ZoneInfo(_zone(area))).date()


def period_of(at: datetime, area: int) -> date:
    """First day of the month in which places are counted at `at`, by the local calendar."""
    return local_day(at, area).replace(day=1)


async def open_program(tx: Transaction, code: str, area: int) -> Program:
    """The program of that code. Raises Invalid for an unknown one, Conflict `program_not_open` here or today."""
    found = await tx.rows(Program, "code = $1", code)
    if not found:
        raise errors.Invalid.reference("/program_code")
    program, today = found[0], local_day(tx.now, area)
    here = program.area == 0 or codes.contains(codes.area_code(program.area), codes.area_code(area))
    if not here or today < program.open_from or (program.open_to is not None and program.open_to < today):
        raise errors.Conflict("program_not_open")
    return program


async def _routed(tx: Transaction, row: Referral, *, may_share: bool) -> _Receiver:
    """The best candidate that still has a place when it is taken: another referral may have been faster."""
    period = period_of(tx.now, row.area)
    found = await organizations.routes(tx, row.regency, row.area, row.service, period, may_share=may_share)
    async with tx.effect(row.regency):
        for candidate in found:
            if not candidate.takes:
                break
            key = (row.regency, candidate.facts.organization_id, row.service, period)
            try:
                held = await organizations.take_place(tx, *key)
            except errors.Conflict:
                continue
            return _receiver(candidate, held)
    if any(candidate.failing == {"consent"} for candidate in found):
        raise errors.Conflict("consent_required")
    raise errors.Conflict("no_receiver")


async def _named(tx: Transaction, row: Referral, organization_id: UUID, *, may_share: bool) -> _Receiver:
    if kind_of(organization_id) is not Kind.ORGANIZATION:
        raise errors.Invalid.reference("/organization_id")
    period = period_of(tx.now, row.area)
    found = await organizations.routes(
        tx, row.regency, row.area, row.service, period, may_share=may_share, only=organization_id
    )
    if not found:
        raise errors.Invalid.reference("/organization_id")
    candidate = found[0]
    if candidate.failing - {"capacity", "consent"}:
        raise errors.Conflict("organization_cannot_take")
    if "consent" in candidate.failing:
        raise errors.Conflict("consent_required")
    async with tx.effect(row.regency):
        held = await organizations.take_place(tx, row.regency, organization_id, row.service, period)
    return _receiver(candidate, held)


def _receiver(candidate: Candidate, held: date | None) -> _Receiver:
    facts = candidate.facts
    return _Receiver(facts.organization_id, held, candidate.route, facts.kind in NEEDS_CONSENT)


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


def _zone(area: int) -> str:
    return codes.time_zone(codes.area_code(area))
