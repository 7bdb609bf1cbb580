"""Finding the receiver of a referral: the best candidate, the one that was named, or its program; and taking its place.

Who is found is found without a lock. The place is taken last, when all else of the act is written, so that others who send to
the same organization wait for hardly more than its commit; who was slower then is told by `Taken`, and asks the next candidate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from slrt_api.areas import codes
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of
from slrt_api.organizations import service as organizations
from slrt_api.organizations.codes import NEEDS_CONSENT
from slrt_api.organizations.routing import Candidate, Policy, RuleAnswer, Standing
from slrt_api.programs.models import Program
from slrt_api.referrals.codes import RoutedBy, Routing
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service.deadlines import local_day, period_of
from slrt_api.runtime.transaction import Transaction

#: what may be named against what routing says, once somebody says why
_NEED_A_REASON: Final = frozenset({"open_offers", "answers"})
#: what an organization that is named has to fulfill by all means; places and consent have refusals of their own
_OF_THEIR_OWN: Final = frozenset({"capacity", "consent"})
_ASKED_BEFORE: Final = """
SELECT organization_id FROM routing_offers WHERE regency = $1 AND need_id = $2 AND outcome <> 'WITHDRAWN'
"""


@dataclass(frozen=True)
class Receiver:
    """Where a referral may go.

    period     the month of which it takes a place, None where none is counted
    place      its place among the candidates, 1 the best; None where it was no candidate
    policy_id  the policy of the regency by which it was judged; None = the preset
    judged     the candidates among which it was found; None of a program
    """

    organization_id: UUID | None
    routed_by: RoutedBy
    period: date | None = None
    route: tuple[RuleAnswer, ...] = ()
    #: whether it is outside the government, so that its knowing the person takes consent
    needs_consent: bool = False
    place: int | None = None
    policy_id: UUID | None = None
    judged: "Judged | None" = None


@dataclass(frozen=True)
class Options:
    """Where a referral may go, best first. refusal: what is told once all of them are taken by others."""

    receivers: tuple[Receiver, ...]
    refusal: str = "no_receiver"


class Taken(Exception):
    """Somebody else was faster: the place, or what may wait there, is taken."""


@dataclass(frozen=True)
class Judged:
    """The candidates of a referral, best first, and the policy by which they were judged."""

    candidates: tuple[Candidate, ...]
    total: int
    in_force: organizations.InForce

    @property
    def policy(self) -> Policy:
        return self.in_force.policy


async def judged(
    tx: Transaction, row: Referral, program: Program | None, *, may_share: bool, only: UUID | None = None
) -> Judged:
    """Judge who could take the referral now.

    only  judge this organization too, wherever it serves
    """
    in_force = await organizations.policy_in_force(tx, row.regency, local_day(tx.now, row.area))
    async with tx.effect(row.regency):
        before = await tx.fetch(_ASKED_BEFORE, row.regency, row.need_id)
    question = organizations.Question(
        regency=row.regency,
        area=row.area,
        service=row.service,
        period=period_of(tx.now, row.area),
        may_share=may_share,
        program_id=program.id if program is not None else None,
        program_open=is_open(tx, program, row.area) if program is not None else None,
        asked_before=frozenset(each["organization_id"] for each in before),
    )
    candidates, total = await organizations.routes(tx, question, in_force.policy, only=only)
    return Judged(candidates, total, in_force)


async def find(
    tx: Transaction,
    row: Referral,
    program: Program | None,
    *,
    organization_id: UUID | None,
    routing: Routing | None,
    may_share: bool,
    reason: str | None = None,
) -> Options:
    """Who may receive it. Nothing is written or locked.

    reason  why somebody is named who lets offers wait or has not answered lately
    """
    named = organization_id or row.proposed_organization_id
    if routing is Routing.AUTO:
        return await _routed(tx, row, program, may_share=may_share)
    if named is not None:
        return await _named(tx, row, program, named, may_share=may_share, reason=reason)
    if program is not None:
        return Options((Receiver(None, RoutedBy.PROGRAM),))
    raise errors.Invalid.at("/organization_id", "receiver_required", "Name an organization_id, or routing AUTO.")


def is_open(tx: Transaction, program: Program, area: int) -> bool:
    """Whether the program takes people at that place today."""
    today = local_day(tx.now, area)
    here = program.area == 0 or codes.contains(codes.area_code(program.area), codes.area_code(area))
    return here and program.open_from <= today and (program.open_to is None or today <= program.open_to)


async def program_of(tx: Transaction, code: str) -> Program:
    """The program of that code. Raises Invalid for an unknown one."""
    found = await tx.rows(Program, "code = $1", code)
    if not found:
        raise errors.Invalid.reference("/program_code")
    return found[0]


async def open_program(tx: Transaction, code: str, area: int) -> Program:
    """The program of that code. Raises Invalid for an unknown one, Conflict `program_not_open` here or today."""
    program = await program_of(tx, code)
    if not is_open(tx, program, area):
        raise errors.Conflict("program_not_open")
    return program


async def _routed(tx: Transaction, row: Referral, program: Program | None, *, may_share: bool) -> Options:
    """The candidates that take it, best first."""
    found = await judged(tx, row, program, may_share=may_share)
    if not found.policy.allows_auto(row.service):
        raise errors.Conflict("auto_not_allowed")
    consent = any(candidate.failing == {"consent"} for candidate in found.candidates)
    refusal = "consent_required" if consent else "no_receiver"
    taking = [(place, each) for place, each in enumerate(found.candidates, 1) if each.takes]
    if not taking:
        raise errors.Conflict(refusal)
    return Options(tuple(_receiver(tx, row, each, RoutedBy.AUTO, place, found) for place, each in taking), refusal)


async def _named(
    tx: Transaction,
    row: Referral,
    program: Program | None,
    organization_id: UUID,
    *,
    may_share: bool,
    reason: str | None,
) -> Options:
    if kind_of(organization_id) is not Kind.ORGANIZATION:
        raise errors.Invalid.reference("/organization_id")
    found = await judged(tx, row, program, may_share=may_share, only=organization_id)
    place, candidate = _placed(found.candidates, organization_id)
    if candidate.refused - _OF_THEIR_OWN:
        raise errors.Conflict("organization_cannot_take")
    if "consent" in candidate.failing:
        raise errors.Conflict("consent_required")
    if candidate.failing & _NEED_A_REASON and not (reason or "").strip():
        raise errors.Invalid.at("/reason", "reason_required", "Say why it is named against what routing says.")
    return Options((_receiver(tx, row, candidate, RoutedBy.NAMED, place, found),))


async def take(tx: Transaction, row: Referral, receiver: Receiver) -> None:
    """Take the place and count the offer, last of all that is written. Called inside `tx.effect`.

    Raises Taken where somebody was faster, and for an organization that was named Conflict `no_capacity`.
    """
    if receiver.organization_id is None or receiver.judged is None:
        return
    routed = receiver.routed_by is RoutedBy.AUTO
    key = (row.regency, receiver.organization_id, row.service)
    try:
        held = await organizations.take_place(tx, *key, period_of(tx.now, row.area))
    except errors.Conflict:
        if routed:
            raise Taken from None
        raise
    # That places are counted there, or no longer, was decided meanwhile: what was judged holds no more.
    if held != receiver.period or not await _offered(tx, key, receiver.judged, limited=routed):
        raise Taken


def _placed(candidates: Sequence[Candidate], organization_id: UUID) -> tuple[int | None, Candidate]:
    for place, candidate in enumerate(candidates, 1):
        if candidate.facts.organization_id == organization_id:
            return (place if candidate.takes else None), candidate
    raise errors.Invalid.reference("/organization_id")


async def _offered(tx: Transaction, key: tuple[int, UUID, str], found: Judged, *, limited: bool = True) -> bool:
    """Count the offer. False where others were faster and too much waits there by now."""

    def step(before: Standing) -> Standing:
        if limited and before.open_offers >= found.policy.open_offers_limit:
            return before
        return before.offered(tx.now, found.total)

    before = await organizations.move_standing(tx, *key, step)
    return not limited or before.open_offers < found.policy.open_offers_limit


def _receiver(
    tx: Transaction, row: Referral, candidate: Candidate, routed_by: RoutedBy, place: int | None, found: Judged
) -> Receiver:
    facts = candidate.facts
    first: RuleAnswer = {"rule": "first", "outcome": place == 1}
    return Receiver(
        facts.organization_id,
        routed_by,
        None if facts.available is None else period_of(tx.now, row.area),
        (*candidate.route, first),
        facts.kind in NEEDS_CONSENT,
        place,
        found.in_force.id,
        found,
    )
