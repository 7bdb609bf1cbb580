"""Bring a complaint up the ladder: by hand, when a deadline passes, and at once where the desk that would have it is accused.

Each step is one event with the rungs that were asked in its revision. What reaches the province or the nation is shown to
their offices from then on, with its deadlines and its history; a sealed complaint never is.
"""

from typing import Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.clocks import service as clocks
from slrt_api.clocks.models import Clock
from slrt_api.complaints import ladder
from slrt_api.complaints.codes import LEVELS, EscalationCause, Rung
from slrt_api.complaints.ladder import Check, Route
from slrt_api.complaints.lifecycle import HANDLERS, TERMINAL, require_independent
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import ladders
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel import errors
from slrt_api.kernel.criteria import Truth
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: who speaks for the regency to those above it, and takes back what was brought up
SPEAKERS: Final = frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE})
#: what belongs to a complaint carries its level: row policies look at one row alone
_PARTS: Final = tuple(
    f"UPDATE {table} SET escalation = $3 WHERE regency = $1 AND aggregate_id = $2"
    for table in ("clocks", "events", "revisions")
)


class EscalateComplaint(Command):
    """How far up a complaint is to be brought, and why."""

    rung: Rung = Field(
        description="A rung of the ladder of its place; `NONE` takes it back to the desk that received it.",
        examples=["SECRETARIAT"],
    )
    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read.",
        examples=["Puskesos tidak berwenang mengubah data penerima"],
    )


@use_case("complaints.escalate", scope=Scope.COMPLAINTS_HANDLE, roles=HANDLERS, answers=COMPLAINT)
async def escalate(tx: Transaction, actor: Actor, complaint_id: UUID, command: EscalateComplaint) -> Complaint:
    """Escalate a complaint.

    Whoever handles it brings it up the ladder of its place (`GET /v1/escalation-ladders`); to the province or the ministry,
    and down again, the secretariat's manager or the social office does. At `PROVINCE` the office of the province sees the
    complaint, its deadlines and its history, at `MINISTRY` that of the nation as well: no household, person or case, and no
    name or number of the complainant. A rung where nobody but the accused could handle it is refused (409 `rung_accused`), one
    that the ladder lacks or that is for other complaints too (409 `rung_not_in_ladder`). What has ended is not brought up;
    what was shown stays shown until it is taken back.
    """
    complaint = await tx.ask(Complaint, complaint_id)
    require_independent(complaint, actor.guard_facts)
    if command.rung == complaint.rung:
        raise errors.Conflict("escalation_unchanged")
    up = ladder.above(command.rung, complaint.rung)
    if actor.role not in SPEAKERS and (not up or LEVELS[command.rung]):
        raise errors.Forbidden("role_not_allowed")
    if complaint.sealed:
        raise errors.Conflict("sealed_not_escalated")
    route = None
    if up:
        if complaint.status in TERMINAL:
            raise errors.Conflict("complaint_closed")
        route = await _by_hand(tx, complaint, command.rung)
    return await _move(
        tx, complaint, command.rung, cause=EscalationCause.OFFICER, route=route, texts={"reason": command.reason}
    )


async def after_breach(tx: Transaction, complaint: Complaint, clock: Clock) -> Complaint:
    """Bring a complaint to where the breach of a clock leads by the ladder in force, or leave it.

    Left is what has ended, what was done meanwhile if late, and what is sealed.
    """
    if complaint.sealed or complaint.status in TERMINAL or clock.met_at is not None:
        return complaint
    found = await ladders.in_force(tx, complaint.area)
    if found is None:
        return complaint
    accused = await ladders.accused(tx, complaint)
    route = ladder.after_breach(
        found.steps,
        complaint.rung,
        clock.name,
        of_integrity=ladder.integrity(complaint.nature, complaint.severity_flags),
        accused=accused,
        known=await ladders.known(tx, found.steps, complaint.area) if accused.anybody else {},
    )
    if route is None or route.rung is None:
        return complaint
    return await _move(
        tx,
        complaint,
        route.rung,
        cause=EscalationCause.CLOCK,
        route=(found.id, route),
        clock=clock.name,
        texts={"clock": clock.name},
    )


async def place(tx: Transaction, complaint: Complaint) -> None:
    """Lay a complaint that is about to be filed where it may lie: not on the desk that it accuses."""
    if complaint.sealed or (complaint.accused_person_id is None and complaint.accused_organization_id is None):
        return
    found = await ladders.in_force(tx, complaint.area)
    if found is None:
        return
    route = ladder.at_filing(
        found.steps,
        of_integrity=ladder.integrity(complaint.nature, complaint.severity_flags),
        accused=await ladders.accused(tx, complaint),
        known=await ladders.known(tx, found.steps, complaint.area),
    )
    if route is not None and route.rung is not None:
        complaint.rung, complaint.escalation = route.rung.value, LEVELS[route.rung]
        complaint.rung_since, complaint.rung_cause = tx.now, EscalationCause.FILED.value
        complaint.rung_ladder_id, complaint.escalation_route = found.id, route.told()


async def _by_hand(tx: Transaction, complaint: Complaint, rung: Rung) -> tuple[UUID, Route]:
    """The ladder, and what was asked of the rung. Raises Conflict where it may not go there."""
    found = await ladders.in_force(tx, complaint.area)
    route = None
    if found is not None:
        route = ladder.to(
            found.steps,
            rung,
            of_integrity=ladder.integrity(complaint.nature, complaint.severity_flags),
            accused=await ladders.accused(tx, complaint),
            known=await ladders.known(tx, found.steps, complaint.area),
        )
    if found is None or route is None or (rung, Check.BRANCH, Truth.FALSE) in route.checks:
        raise errors.Conflict("rung_not_in_ladder")
    if route.rung is None:
        raise errors.Conflict("rung_accused")
    return found.id, route


async def _move(
    tx: Transaction,
    complaint: Complaint,
    rung: Rung,
    *,
    cause: EscalationCause,
    route: tuple[UUID, Route] | None,
    texts: dict[str, str],
    clock: str | None = None,
) -> Complaint:
    up, level = ladder.above(rung, complaint.rung), LEVELS[rung]
    if level != complaint.escalation:
        async with tx.effect(complaint.regency):
            for statement in _PARTS:
                await tx.execute(statement, complaint.regency, complaint.id, level)
    back = rung is Rung.NONE
    moved = await tx.change(
        complaint,
        "escalated" if up else "escalation_reduced",
        texts=texts,
        escalation=level,
        rung=rung.value,
        rung_since=None if back else tx.now,
        rung_cause=None if back else cause.value,
        rung_clock=clock,
        rung_ladder_id=route[0] if route else None,
        escalation_route=route[1].told() if route else None,
    )
    if up:
        await clocks.begin(tx, moved, f"ESCALATED_{rung}", nature=moved.nature, severity_flags=moved.severity_flags)
    return moved
