"""Decide with another regency whether two entries are one person, and let the entry of one side give way to the other's.

A ticket has a row in each regency. Neither side sees anything of the other's person before both have agreed; then each sees the
few values by which two people are told apart, copied for that purpose and emptied when the ticket ends.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.flows import carrying
from slrt_api.flows.lineage.commands import Seats, pairs
from slrt_api.households.codes import TicketAction, TicketStatus
from slrt_api.households.lifecycle import DECIDERS, TICKET_LIFECYCLE
from slrt_api.households.models import DuplicateTicket, Identity, Person
from slrt_api.households.shapes import DUPLICATE_TICKET
from slrt_api.kernel import errors
from slrt_api.kernel.ids import tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: what is agreed on this side -> where the other side stands then
_OTHER: Final[Mapping[TicketStatus, TicketStatus]] = {
    TicketStatus.WAITING: TicketStatus.ASKED,
    TicketStatus.AGREED: TicketStatus.AGREED,
    TicketStatus.DIFFERENT: TicketStatus.DIFFERENT,
    TicketStatus.RELEASED: TicketStatus.TAKEN,
}
EVENTS: Final[Mapping[TicketAction, str]] = {
    TicketAction.AGREE: "agreed",
    TicketAction.DIFFERENT: "decided",
    TicketAction.RELEASE: "released",
}


class TicketDecision(Command):
    """What this side decides of a ticket."""

    action: TicketAction = Field(description="One of `allowed_actions`.", examples=["AGREE"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why. Stays on this side; asked for by `DIFFERENT` and `RELEASE`.",
        examples=["Ditemui, memang sudah pindah"],
    )
    relations: Seats = Field(
        default=(),
        description="With `RELEASE`: relations of those who remain that are others from now on; where the head goes, one of"
        " them is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e6", "relation": "HEAD"}]],
    )


@use_case("duplicate_tickets.transition", scope=Scope.DUPLICATES_DECIDE, roles=DECIDERS, answers=DUPLICATE_TICKET)
async def transition(tx: Transaction, actor: Actor, ticket_id: UUID, command: TicketDecision) -> DuplicateTicket:
    """Decide with another regency whether two entries are one person.

    `AGREE` agrees to look at it together: once both sides have, each sees name, sex, birth date and masked NIK of the other's
    entry under `shared`. `DIFFERENT` is remembered on both sides: the pair does not come back. `RELEASE` lets this side's entry
    give way: the person ends here as `MOVED` with the other's as successor, with no copy of anything but open needs, which go on
    in a new case there; a need with a referral that runs is refused with 409 `referrals_open`, and where the other entry belongs
    to no household the answer is 409 `handover_not_ready`. Where nobody is left here, the household ends as `MOVED` too.
    """
    if command.relations and command.action is not TicketAction.RELEASE:
        raise errors.Invalid.at("/relations", "invalid", "This value is not allowed here.")
    mine, other = await _both(tx, ticket_id)
    line = TICKET_LIFECYCLE.advance(
        mine.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    TICKET_LIFECYCLE.require_reason(line, command.reason)
    status = TicketStatus(line.target)
    results: dict[str, Any] = {}
    if command.action is TicketAction.RELEASE:
        results["lineage_id"] = await _release(tx, actor, mine, other, command)
    here, there = await _shared(tx, mine, other, status)
    decided: dict[str, Any] = {"decided_by": actor.subject, "decided_at": tx.now, "reason": command.reason}
    async with tx.effect(other.regency):
        other = await tx.change(
            await tx.update(other, shared=there), EVENTS[command.action], status=_OTHER[status].value
        )
    mine = await tx.update(mine, shared=here)
    return await tx.change(mine, EVENTS[command.action], status=status.value, **decided, **results)


async def _both(tx: Transaction, ticket_id: UUID) -> tuple[DuplicateTicket, DuplicateTicket]:
    """The row that the act is asked on and that of the other side, locked in the order of their ids, whichever is asked."""
    seen = await tx.get(DuplicateTicket, ticket_id)
    if ticket_id < seen.counterpart_id:
        mine = await tx.ask(DuplicateTicket, ticket_id)
        return mine, await _counterpart(tx, seen)
    other = await _counterpart(tx, seen)
    return await tx.ask(DuplicateTicket, ticket_id), other


async def _counterpart(tx: Transaction, seen: DuplicateTicket) -> DuplicateTicket:
    async with tx.effect(tenant_of(seen.counterpart_id)):
        return await tx.lock(DuplicateTicket, seen.counterpart_id)


async def _shared(
    tx: Transaction, mine: DuplicateTicket, other: DuplicateTicket, status: TicketStatus
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What each side sees of the other's person: something while it is agreed, nothing before and after."""
    if status is not TicketStatus.AGREED:
        return None, None
    return await _told_of(tx, other), await _told_of(tx, mine)


async def _told_of(tx: Transaction, ticket: DuplicateTicket) -> dict[str, Any]:
    async with tx.effect(ticket.regency):
        person = await tx.get(Person, ticket.person_id)
        held = await tx.rows(
            Identity,
            "regency = $1 AND owner_id = $2 AND type = 'NIK' AND valid_to IS NULL ORDER BY id DESC LIMIT 1",
            person.regency,
            person.id,
        )
    return {
        "name": person.name,
        "sex": person.sex,
        "birth_date": person.birth_date.isoformat() if person.birth_date is not None else None,
        "nik": f"{held[0].prefix}**********" if held else None,
    }


async def _release(
    tx: Transaction, actor: Actor, mine: DuplicateTicket, other: DuplicateTicket, command: TicketDecision
) -> UUID:
    # Under the caller's own role: who has moved out of sight is not let go by who does not see them.
    person = await tx.get(Person, mine.person_id)
    return await carrying.release(tx, actor, person, other.person_id, pairs(command.relations), command.reason or "")
