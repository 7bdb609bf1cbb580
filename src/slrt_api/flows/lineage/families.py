"""Families that split, merge and move, with the cases that follow their people."""

from collections.abc import Mapping
from uuid import UUID, uuid4

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.flows.lineage.commands import (
    MAX_PEOPLE,
    ROLES,
    Address,
    EffectiveOn,
    FamilyCard,
    Reason,
    Seats,
    begin,
    day,
    done,
    number,
    pairs,
    running,
)
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.flows.lineage.numbers import retire
from slrt_api.households import identity, lineage
from slrt_api.households.codes import HouseholdEnd, IdentityType, Operation, Relation
from slrt_api.households.models import Household, Lineage
from slrt_api.households.provenance import Source, told
from slrt_api.households.shapes import LINEAGE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

MAX_CASES = 50
_AREA = "Village of the current edition, in the same regency; need not be in your scope."


class CaseSide(Command):
    """Where a case goes whose people are on both sides of a split."""

    case_id: UUID = Field(
        description="An open case of the household.", examples=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"]
    )
    goes: bool = Field(description="Whether it goes with those who leave.", examples=[True])


class SplitHousehold(Command):
    """Who leaves a household, and the household that they form."""

    members: Seats = Field(
        min_length=1,
        description="Who leaves, with the relation in the new household; exactly one is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e5", "relation": "HEAD"}]],
    )
    relations: Seats = Field(
        default=(),
        description="Relations of those who stay that are others from now on; where the head leaves, one of them is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e6", "relation": "HEAD"}]],
    )
    cases: tuple[CaseSide, ...] = Field(
        default=(),
        max_length=MAX_CASES,
        description="Open cases with people on both sides: where each goes. The others follow their people.",
        examples=[[{"case_id": "019aaa11-2233-8000-8cfe-0ca1b2c3d4e5", "goes": True}]],
    )
    kk: FamilyCard = None
    area_code: str | None = Field(
        default=None, description=f"{_AREA} The same when left out.", examples=["33.26.01.2002"]
    )
    address: Address | None = Field(
        default=None, description="Address of the new household; the same house when left out."
    )
    effective_on: EffectiveOn = None
    reason: Reason


class MergeHousehold(Command):
    """The household that the people of this one join."""

    into: UUID = Field(
        description="A household in your scope, of the same regency.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    members: Seats = Field(
        min_length=1,
        description="Everybody of this household, with the relation to the head of the other; none is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e5", "relation": "PARENT"}]],
    )
    effective_on: EffectiveOn = None
    reason: Reason


class MoveHousehold(Command):
    """Where a household lives from now on."""

    area_code: str = Field(description=_AREA, examples=["33.26.01.2002"])
    address: Address
    effective_on: EffectiveOn = None
    reason: Reason


@use_case("households.split", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def split(tx: Transaction, actor: Actor, household_id: UUID, command: SplitHousehold) -> Lineage:
    """Split a household.

    Those who leave form a household of their own, with its head. An open case stays, unless everybody with an open need in
    it leaves: then it goes with them. With people on both sides the answer is 422 with the fault `case_split_required`:
    name where it goes. Undone, the new household ends as `DISSOLVED`.
    """
    household = running(await tx.ask(Household, household_id))
    since = day(tx, household.area, command.effective_on)
    area = household.area if command.area_code is None else _village(household, command.area_code)
    if command.kk is not None and not identity.well_formed(command.kk):
        raise errors.Invalid.at("/kk", "kk_malformed", "Give 16 digits, or leave it out.")
    async with tx.effect(household.regency):
        ledger = await begin(tx, household.regency, Operation.SPLIT).lock([household.id])
        going, staying = _sides(ledger, household, command)
        where = _with_people(ledger, household, command, going)
        new = _split_off(tx, actor, household, area, command)
        seats = [
            await ledger.seat(ledger.persons[person], new, relation, position, since)
            for position, (person, relation) in enumerate(going.items())
        ]
        kk = [number(tx, new, area, IdentityType.KK, command.kk, since)] if command.kk is not None else []
        await tx.create(
            new,
            "split_off",
            parts={"memberships": seats, "identities": kk},
            texts={"reason": command.reason},
            notes={"lineage": ledger.id},
        )
        ledger.added(new)
        for card in kk:
            ledger.added(card)
        for seat in seats:
            ledger.added(seat)
            ledger.tell("memberships", seat, (ledger.persons[seat.id],))
        for case_id in where:
            ledger.set(ledger.cases[case_id], household_id=new.id)
        ledger.set(household)
        await ledger.reseat(household, staying, since)
        await ledger.settle(household, new)
        return await ledger.close(done(tx, actor, ledger, household.area, since, command.reason), [new.id])


def _sides(
    ledger: Ledger, household: Household, command: SplitHousehold
) -> tuple[Mapping[UUID, Relation], Mapping[UUID, Relation]]:
    """Who goes and who stays, with their relations. Raises Invalid where one of the two is no family."""
    members = ledger.family(household.id)
    going = lineage.named_once(pairs(command.members), "/members")
    for position, person in enumerate(going):
        if person not in members:
            raise errors.Invalid.reference(f"/members/{position}/person_id")
    if len(going) == len(members):
        raise errors.Invalid.at("/members", "nobody_stays", "Name those who leave; somebody stays.")
    lineage.seats(going, [], "/members")
    rest = {person: relation for person, relation in members.items() if person not in going}
    return going, lineage.seats(rest, pairs(command.relations), "/relations")


def _with_people(
    ledger: Ledger, household: Household, command: SplitHousehold, going: Mapping[UUID, Relation]
) -> list[UUID]:
    """The open cases that go. Raises Invalid `case_split_required` for one that nobody said where it goes."""
    members = ledger.family(household.id)
    sides = {
        case.id: lineage.side(ledger.waiting(case.id), going, members)
        for case in ledger.cases.values()
        if case.closed_at is None
    }
    said: dict[UUID, bool] = {}
    for position, each in enumerate(command.cases):
        pointer = f"/cases/{position}/case_id"
        if each.case_id not in sides:
            raise errors.Invalid.reference(pointer)
        if each.case_id in said:
            raise errors.Invalid.at(pointer, "duplicate", "Name each case once.")
        if sides[each.case_id] is not lineage.Side.BOTH:
            raise errors.Invalid.at(pointer, "case_follows_people", "Its people are on one side: it goes with them.")
        said[each.case_id] = each.goes
    if any(side is lineage.Side.BOTH and case not in said for case, side in sides.items()):
        raise errors.Invalid.at(
            "/cases", "case_split_required", "Say of each case with people on both sides where it goes."
        )
    return [case for case, side in sides.items() if side is lineage.Side.GOES or said.get(case, False)]


def _split_off(tx: Transaction, actor: Actor, household: Household, area: int, command: SplitHousehold) -> Household:
    elsewhere = area != household.area or command.address is not None
    address = command.address or household.address
    id_ = new_id(Kind.HOUSEHOLD, household.regency, tx.now)
    return Household(
        regency=household.regency,
        id=id_,
        area=area,
        created_at=tx.now,
        updated_at=tx.now,
        address=address,
        captured_at=tx.now,
        received_at=tx.now,
        registered_by=actor.subject,
        house_id=id_ if elsewhere else household.house_id,
        provenance=told({}, {"address": address}, source=Source.DECLARED, as_of=tx.now.date()),
    )


@use_case("households.merge", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def merge(tx: Transaction, actor: Actor, household_id: UUID, command: MergeHousehold) -> Lineage:
    """Merge a household into another.

    Its people and open cases go on in the other one; it ends as `MERGED`, with the other as successor, and its family card
    ends with it. For one family that was registered twice, merge the persons as duplicates instead.
    """
    if command.into < household_id:
        # Two households are locked in the order of their ids, whichever is asked.
        await _other(tx, command.into)
    source = running(await tx.ask(Household, household_id))
    if command.into == source.id:
        raise errors.Invalid.reference("/into")
    target = running(await _other(tx, command.into))
    if target.regency != source.regency:
        raise errors.Invalid.reference("/into")
    since = day(tx, source.area, command.effective_on)
    async with tx.effect(source.regency):
        ledger = await begin(tx, source.regency, Operation.MERGE).lock([source.id, target.id])
        named = lineage.named_once(pairs(command.members), "/members")
        if set(named) != set(ledger.family(source.id)):
            raise errors.Invalid.at(
                "/members", "members_incomplete", "Name everybody of this household, and nobody else."
            )
        if Relation.HEAD in named.values():
            raise errors.Invalid.at("/members", "one_head_required", "Name exactly one member as HEAD.")
        if len(ledger.members) > MAX_PEOPLE:
            raise errors.Conflict("members_full")
        after = 1 + max(ledger.members[person].position for person in ledger.family(target.id))
        for position, (person, relation) in enumerate(named.items(), after):
            who = ledger.persons[person]
            await ledger.add(await ledger.seat(who, target, relation, position, since), (target, who))
        await retire(ledger, source, IdentityType.KK, since)
        for case in ledger.cases.values():
            if case.household_id == source.id:
                ledger.set(case, household_id=target.id)
        ledger.set(source, ended_at=tx.now, ended_as=HouseholdEnd.MERGED.value, successor_id=target.id)
        ledger.set(target)
        await ledger.settle(target)
        return await ledger.close(done(tx, actor, ledger, target.area, since, command.reason))


@use_case("households.move", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE, may_hide=True)
async def move(tx: Transaction, actor: Actor, household_id: UUID, command: MoveHousehold) -> Lineage:
    """Move a household within its regency.

    Its people, their numbers, its open cases with their needs, and referrals that run go with it: who sees them afterwards
    follows the village. Where that is outside your scope the answer has no body. Cases that have ended stay where they were
    worked on.
    """
    household = running(await tx.ask(Household, household_id))
    since = day(tx, household.area, command.effective_on)
    area = _village(household, command.area_code)
    provenance = told(
        household.provenance, {"address": command.address}, source=Source.DECLARED, as_of=since, replaced_at=tx.now
    )
    async with tx.effect(household.regency):
        ledger = await begin(tx, household.regency, Operation.MOVE_WITHIN).lock([household.id])
        # A house of its own: the one that it leaves may be that of other families.
        ledger.set(household, area=area, address=command.address, house_id=uuid4(), provenance=provenance)
        await ledger.settle(household)
        return await ledger.close(done(tx, actor, ledger, area, since, command.reason))


def _village(household: Household, text: str) -> int:
    """The number of a village of the current edition in the household's regency. Raises Invalid."""
    if text.count(".") != 3:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a village, such as 33.26.01.2001.")
    area = places.elsewhere(text)
    if places.tenant(text) != household.regency:
        raise errors.Invalid.at("/area_code", "other_regency", "Give a village of the household's own regency.")
    return area


async def _other(tx: Transaction, household_id: UUID) -> Household:
    try:
        return await tx.lock(Household, household_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/into") from None
