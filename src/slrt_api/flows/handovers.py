"""Hand a household over to another regency: offered there, accepted or declined here, each side on a row of its own.

The two rows of one offer are written together, by one transaction in both tenants: the row of the other side under the effect
role, after the check on the own one. Nobody has a role that sees both. What an acceptance moves is `flows/carrying`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes, places
from slrt_api.flows import carrying
from slrt_api.flows.lineage.commands import Address, EffectiveOn, day, running
from slrt_api.households.codes import (
    Direction,
    HandoverAction,
    HandoverReason,
    HandoverStatus,
)
from slrt_api.households.lifecycle import HANDOVER_FACTS, HANDOVER_LIFECYCLE, OFFERERS
from slrt_api.households.models import Handover, Household
from slrt_api.households.shapes import HANDOVER
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_REGENCY = 1_000_000


class OfferHandover(Command):
    """A household, and the area of another regency that it is offered to."""

    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    area_code: str = Field(
        min_length=5,
        max_length=13,
        description="Regency, district or village of the current edition, in another regency: as much as is known. Whoever"
        " answers for all of it there sees the offer.",
        examples=["33.27"],
    )
    reason_code: HandoverReason = Field(description="Why; the other side sees it.", examples=["RELOCATION"])
    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words. It stays here, and becomes the closing text of open cases.",
        examples=["Ikut anak yang bekerja di sana"],
    )


class AnswerHandover(Command):
    """What becomes of an offer."""

    action: HandoverAction = Field(description="One of `allowed_actions`.", examples=["ACCEPT"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="What to say to it, in words that both sides read: nothing personal. Asked for by `DECLINE` and `WITHDRAW`.",
        examples=["Keluarga tidak ditemukan di alamat yang disebut"],
    )
    area_code: str | None = Field(
        default=None,
        min_length=13,
        max_length=13,
        description="With `ACCEPT`: the village where the household lives from now on, in your scope.",
        examples=["33.27.01.2001"],
    )
    address: Address | None = Field(
        default=None, description="With `ACCEPT`: the address within the village.", examples=["Dusun I RT 05"]
    )
    effective_on: EffectiveOn = None


@use_case("handovers.offer", scope=Scope.HANDOVERS_WRITE, roles=OFFERERS, answers=HANDOVER, creates=True)
async def offer(tx: Transaction, actor: Actor, command: OfferHandover) -> Handover:
    """Offer a household to another regency.

    The other side sees from which regency it comes, when, why by a code, and of how many people, and nobody's name before it
    accepts. For some people of a household, split it first. One offer at a time (409 `handover_under_way`). While a referral
    runs, or somebody who does not go has an open need in a case that would, the answer is 409 `handover_not_ready`.
    """
    area = places.elsewhere(command.area_code)
    regency = places.tenant(command.area_code)
    try:
        household = running(await tx.lock(Household, command.household_id))
    except errors.NotFound:
        raise errors.Invalid.reference("/household_id") from None
    if regency == household.regency:
        raise errors.Invalid.at("/area_code", "same_regency", "Within the regency, move the household.")
    ids = {of: new_id(Kind.HANDOVER, of, tx.now) for of in (household.regency, regency)}
    async with tx.effect(household.regency):
        under_way = await tx.rows(
            Handover,
            "regency = $1 AND household_id = $2 AND direction = 'OUTGOING' AND status = 'OFFERED'",
            household.regency,
            household.id,
        )
        if under_way:
            raise errors.Conflict("handover_under_way")
        people = await carrying.ready(tx, household)
        told: dict[str, Any] = {
            "persons": people,
            "reason_code": command.reason_code.value,
            "status": HandoverStatus.OFFERED.value,
        }
        times: dict[str, Any] = {"created_at": tx.now, "updated_at": tx.now}
        row = await tx.create(
            Handover(
                regency=household.regency,
                id=ids[household.regency],
                area=household.area,
                direction=Direction.OUTGOING.value,
                counterpart_id=ids[regency],
                other_area=area,
                reason=command.reason,
                household_id=household.id,
                offered_by=actor.subject,
                **told,
                **times,
            ),
            "offered",
        )
    async with tx.effect(regency):
        await tx.create(
            Handover(
                regency=regency,
                id=ids[regency],
                area=area,
                direction=Direction.INCOMING.value,
                counterpart_id=ids[household.regency],
                other_area=household.area - household.area % _REGENCY,
                **told,
                **times,
            ),
            "offered",
        )
    return row


@use_case(
    "handovers.transition",
    scope=Scope.HANDOVERS_WRITE,
    roles=OFFERERS,
    answers=HANDOVER,
)
async def transition(tx: Transaction, actor: Actor, handover_id: UUID, command: AnswerHandover) -> Handover:
    """Accept, decline or withdraw the offer of a household.

    `ACCEPT` takes the household over, whole or not at all: it goes on here as a new household under `household_id`, with new
    persons, their numbers, coded answers and numbers of registries, each with where it is from; its open cases go on as new
    ones that begin `REGISTERED`, with the needs that are open. There, household and people end as `MOVED` with those here as
    successors, and the cases as `MOVED`. Neither side sees the other's rows afterwards either. What was accepted is undone by
    handing it back (`HAND_BACK`), which takes the consent of both sides again. `DECLINE` is for this side, `WITHDRAW` for the
    one that offered.
    """
    _members(command)
    mine, other = await _both(tx, handover_id)
    line = HANDOVER_LIFECYCLE.advance(
        mine.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(mine, name) for name in HANDOVER_FACTS},
        actor=actor.guard_facts,
    )
    HANDOVER_LIFECYCLE.require_reason(line, command.reason)
    answer: dict[str, Any] = {
        "status": line.target,
        "answered_at": tx.now,
        "answered_by": actor.subject,
        "answer": command.reason,
    }
    here, there = _Results(), _Results()
    if command.action is HandoverAction.ACCEPT:
        here, there = await _accept(tx, actor, mine, other, command)
    type_ = line.target.lower()
    async with tx.effect(other.regency):
        await tx.change(other, type_, **answer, **there.columns)
    return await tx.change(mine, type_, **answer, **here.columns)


@dataclass(frozen=True)
class _Results:
    """What an acceptance leaves on one side."""

    household_id: UUID | None = None
    lineage_id: UUID | None = None
    persons: int = 0

    @property
    def columns(self) -> dict[str, Any]:
        if self.household_id is None or self.lineage_id is None:
            return {}
        return {"household_id": self.household_id, "lineage_id": self.lineage_id, "persons": self.persons}


def _members(command: AnswerHandover) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    accepting = command.action is HandoverAction.ACCEPT
    for name in ("area_code", "address"):
        if accepting and getattr(command, name) is None:
            raise errors.Invalid.at(f"/{name}", "required", "This member is required.")
    for name in ("area_code", "address", "effective_on"):
        if not accepting and getattr(command, name) is not None:
            raise errors.Invalid.at(f"/{name}", "invalid", "This value is not allowed here.")


async def _both(tx: Transaction, handover_id: UUID) -> tuple[Handover, Handover]:
    """The row that the act is asked on and that of the other side, both locked; the outgoing one first, whichever is asked."""
    seen = await tx.get(Handover, handover_id)
    if seen.direction == Direction.OUTGOING:
        mine = await tx.ask(Handover, handover_id)
        return mine, await _counterpart(tx, seen)
    other = await _counterpart(tx, seen)
    return await tx.ask(Handover, handover_id), other


async def _counterpart(tx: Transaction, seen: Handover) -> Handover:
    async with tx.effect(tenant_of(seen.counterpart_id)):
        return await tx.lock(Handover, seen.counterpart_id)


async def _accept(
    tx: Transaction, actor: Actor, mine: Handover, other: Handover, command: AnswerHandover
) -> tuple[_Results, _Results]:
    """Take the household over. Returns what is on this side and on the other afterwards."""
    if command.area_code is None or command.address is None or other.household_id is None:
        raise ValueError("an acceptance names a place, and an offer a household")
    area = places.village(actor, command.area_code)
    if places.tenant(command.area_code) != mine.regency:
        # Who works in two regencies accepts for the one that was asked.
        raise errors.Invalid.at("/area_code", "other_regency", "Give a village of the regency that it is offered to.")
    since: date = day(tx, area, command.effective_on)
    arrival = carrying.Arrival(area, command.address, since, command.reason or _text(other))
    moved = await carrying.carry(tx, actor, other, mine.regency, arrival)
    return (
        _Results(moved.successor_id, moved.here, moved.persons),
        _Results(moved.household_id, moved.there, moved.persons),
    )


def _text(offer: Handover) -> str:
    """What the operation here says of itself where nobody said anything: whence it came."""
    return f"{offer.reason_code} {codes.area_code(offer.area - offer.area % _REGENCY)}"
