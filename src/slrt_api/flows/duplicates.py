"""Decide whether two persons are one; where they are, one goes on for both, as an operation that can be undone."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import FINAL_NEEDS, NeedStatus
from slrt_api.flows.lineage.commands import Seats, begin, day, done, pairs
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.flows.lineage.numbers import retire
from slrt_api.households import lineage
from slrt_api.households.codes import (
    DuplicateAction,
    HouseholdEnd,
    IdentityType,
    Operation,
    PersonEnd,
    Relation,
)
from slrt_api.households.lifecycle import DECIDERS, DUPLICATE_LIFECYCLE
from slrt_api.households.models import Duplicate, Household, Identity, Membership, Person
from slrt_api.households.shapes import DUPLICATE
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

EVENTS: Final = {
    DuplicateAction.DIFFERENT: "decided",
    DuplicateAction.LATER: "put_off",
    DuplicateAction.REOPEN: "reopened",
}
_SEATS: Final = "SELECT household_id FROM memberships WHERE regency = $1 AND id = ANY ($2) AND valid_to IS NULL"
_OPEN_CASES: Final = """
SELECT DISTINCT c.id FROM cases c JOIN needs n ON n.regency = c.regency AND n.case_id = c.id
WHERE c.regency = $1 AND n.person_id = $2 AND c.closed_at IS NULL
"""


class DuplicateDecision(Command):
    """What is decided of two persons who may be one."""

    action: DuplicateAction = Field(description="One of `allowed_actions`.", examples=["DIFFERENT"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why, or on what evidence. Asked for by every action.",
        examples=["Dua orang, ditemui keduanya"],
    )
    survivor_id: UUID | None = Field(
        default=None,
        description="With `SAME`: the person who goes on.",
        examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
    )
    household_id: UUID | None = Field(
        default=None,
        description="With `SAME`, where the two belong to two households: the one to which the person belongs.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )
    relations: Seats = Field(
        default=(),
        description="With `SAME`: relations of the people of the household that is left that are others from now on; where its"
        " head leaves, one of them is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e6", "relation": "HEAD"}]],
    )


@use_case("duplicates.transition", scope=Scope.DUPLICATES_DECIDE, roles=DECIDERS, answers=DUPLICATE)
async def transition(tx: Transaction, actor: Actor, duplicate_id: UUID, command: DuplicateDecision) -> Duplicate:
    """Decide whether two persons are one.

    `DIFFERENT` is remembered: the pair does not come back. `LATER` leaves it in the queue. `SAME` merges: the survivor goes
    on with its own values, and takes NIK and birth date from the other where it has none; its open needs become the
    survivor's; the other ends as `MERGED`, with the survivor as successor, and everything else that names it stays readable
    there. Where the two belong to two households, `household_id` names the one that stays; nobody left in the other, that one
    ends as `MERGED` too. The answer names the operation under `lineage_id`: undoing it takes the decision back.
    """
    _members(command)
    pair = await tx.ask(Duplicate, duplicate_id)
    line = DUPLICATE_LIFECYCLE.advance(
        pair.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    DUPLICATE_LIFECYCLE.require_reason(line, command.reason)
    if command.action is DuplicateAction.SAME:
        return await _merge(tx, actor, pair, command)
    return await tx.change(
        pair,
        EVENTS[command.action],
        status=line.target,
        reason=command.reason,
        decided_by=actor.subject,
        decided_at=tx.now,
    )


def _members(command: DuplicateDecision) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    if command.action is DuplicateAction.SAME:
        if command.survivor_id is None:
            raise errors.Invalid.at("/survivor_id", "required", "This member is required.")
        return
    for name in ("survivor_id", "household_id", "relations"):
        if getattr(command, name):
            raise errors.Invalid.at(f"/{name}", "invalid", "This value is not allowed here.")


@dataclass(frozen=True)
class Homes:
    """The households of a person who is there twice.

    stays  the one to which the person belongs from now on; None for somebody without one
    left   the other one, where there are two
    """

    stays: Household | None
    left: Household | None


async def _merge(tx: Transaction, actor: Actor, pair: Duplicate, command: DuplicateDecision) -> Duplicate:
    """Let one person go on for both."""
    ids = [pair.first_id, pair.second_id]
    if command.household_id is not None and await tx.find(Household, command.household_id) is None:
        raise errors.Invalid.reference("/household_id")
    if command.survivor_id not in ids:
        raise errors.Invalid.reference("/survivor_id")
    for id_ in ids:
        # Under the caller's own role: who has moved out of sight is not merged by who does not see them.
        if (await tx.get(Person, id_)).ended_at is not None:
            raise errors.Conflict("person_ended")
    async with tx.effect(pair.regency):
        ledger = begin(tx, pair.regency, Operation.MERGE_PERSONS)
        other_id = ids[1] if ids[0] == command.survivor_id else ids[0]
        seats = [row["household_id"] for row in await tx.fetch(_SEATS, pair.regency, ids)]
        cases = [row["id"] for row in await tx.fetch(_OPEN_CASES, pair.regency, other_id)]
        await ledger.lock(seats, ids, cases)
        survivor, other = ledger.persons[command.survivor_id], ledger.persons[other_id]
        if survivor.ended_at is not None or other.ended_at is not None:
            raise errors.Conflict("person_ended")
        if {row["household_id"] for row in await tx.fetch(_SEATS, pair.regency, ids)} != set(seats):
            # Somebody moved one of them before the locks were ours.
            raise errors.Unavailable("contended", retry_after_seconds=1)
        homes = _homes(ledger, survivor, other, command)
        area = homes.stays.area if homes.stays else survivor.area
        since = day(tx, area, None)
        before = {person.id: ledger.members.get(person.id) for person in (survivor, other)}
        await _take_seat(ledger, survivor, other, homes, command)
        await _take_numbers(ledger, survivor, other, area)
        await _take_needs(ledger, survivor, other, homes)
        ledger.set(survivor, **_filled(survivor, other))
        ledger.set(other, ended_at=tx.now, ended_as=PersonEnd.MERGED.value, successor_id=survivor.id)
        for household in {seat.household_id for seat in before.values() if seat is not None}:
            ledger.set(ledger.households[household])
        ledger.set(
            pair,
            status=DuplicateAction.SAME.value,
            reason=command.reason,
            decided_by=actor.subject,
            decided_at=tx.now,
            survivor_id=survivor.id,
            lineage_id=ledger.id,
        )
        await ledger.settle(*(home for home in (homes.stays, homes.left) if home is not None and ledger.running(home)))
        await ledger.close(done(tx, actor, ledger, area, since, command.reason or ""))
    return pair


def _homes(ledger: Ledger, survivor: Person, other: Person, command: DuplicateDecision) -> Homes:
    """Which household stays. Raises Invalid where there are two and none was named, or another was."""
    seats = [ledger.members[each.id] for each in (survivor, other) if each.id in ledger.members]
    named = list(dict.fromkeys(seat.household_id for seat in seats))
    if command.household_id is not None and command.household_id not in named:
        raise errors.Invalid.reference("/household_id")
    if len(named) == 2 and command.household_id is None:
        raise errors.Invalid.at(
            "/household_id", "household_required", "They belong to two households: name the one that stays."
        )
    stays = command.household_id or (named[0] if named else None)
    left = next((each for each in named if each != stays), None)
    return Homes(ledger.households[stays] if stays else None, ledger.households[left] if left else None)


async def _take_seat(ledger: Ledger, survivor: Person, other: Person, homes: Homes, command: DuplicateDecision) -> None:
    """End the memberships that are one too many. Both households keep exactly one head, or nobody."""
    stays = homes.stays
    if stays is None:
        if command.relations:
            raise errors.Invalid.reference("/relations/0/person_id")
        return
    since = day(ledger.tx, stays.area, None)
    mine, theirs = ledger.members.get(survivor.id), ledger.members.pop(other.id, None)
    inherited: dict[UUID, Relation] = {}
    if theirs is not None:
        owners = (ledger.households[theirs.household_id], other)
        await ledger.part(theirs, owners, valid_to=lineage.ends_on(theirs.valid_from, since))
    if mine is None or mine.household_id != stays.id:
        # The survivor takes the place of the other.
        if theirs is None:
            raise ValueError("a household that stays has one of the two")
        relation = Relation(theirs.relation)
        if mine is not None:
            seat = await ledger.seat(survivor, stays, relation, theirs.position, since)
        else:
            seat = await _first_seat(ledger, survivor, stays, theirs)
        await ledger.add(seat, (stays, survivor))
    elif theirs is not None and theirs.household_id == stays.id and theirs.relation == Relation.HEAD:
        inherited = {survivor.id: Relation.HEAD}
    changed = homes.left or stays
    after = lineage.seats({**ledger.family(changed.id), **inherited}, pairs(command.relations), "/relations")
    await ledger.reseat(changed, after, since)
    if homes.left is not None and not after:
        await retire(ledger, homes.left, IdentityType.KK, since)
        ledger.set(homes.left, ended_at=ledger.tx.now, ended_as=HouseholdEnd.MERGED.value, successor_id=stays.id)


async def _first_seat(ledger: Ledger, survivor: Person, stays: Household, theirs: Membership) -> Membership:
    """The membership of a survivor who belonged to no household."""
    last = await ledger.tx.value(
        "SELECT max(ordinal) FROM memberships WHERE regency = $1 AND id = $2", ledger.regency, survivor.id
    )
    seat = Membership(
        regency=ledger.regency,
        id=survivor.id,
        area=stays.area,
        ordinal=(last or 0) + 1,
        valid_from=lineage.ends_on(theirs.valid_from, day(ledger.tx, stays.area, None)),
        household_id=stays.id,
        relation=theirs.relation,
        position=theirs.position,
    )
    ledger.members[survivor.id] = seat
    return seat


async def _take_numbers(ledger: Ledger, survivor: Person, other: Person, area: int) -> None:
    """A survivor without a NIK takes the other's; else the other's ends with it. `area`: where the survivor lives then."""
    held = await ledger.tx.rows(
        Identity,
        "regency = $1 AND owner_id = ANY ($2) AND type = 'NIK' AND valid_to IS NULL ORDER BY id FOR NO KEY UPDATE",
        ledger.regency,
        [survivor.id, other.id],
    )
    if any(each.owner_id == survivor.id for each in held):
        await retire(ledger, other, IdentityType.NIK, day(ledger.tx, area, None))
        return
    for each in held:
        await ledger.part(each, (survivor, other), owner_id=survivor.id, area=area)


async def _take_needs(ledger: Ledger, survivor: Person, other: Person, homes: Homes) -> None:
    """What the other still needs, the survivor needs; open cases of the household that is left follow their people."""
    for need in list(ledger.needs.values()):
        case = ledger.cases[need.case_id]
        if need.person_id == other.id and case.closed_at is None and NeedStatus(need.status) not in FINAL_NEEDS:
            await ledger.part(need, (case,), person_id=survivor.id)
    if homes.left is None or homes.stays is None:
        return
    stay = ledger.family(homes.left.id)
    for case in ledger.cases.values():
        if case.household_id == homes.left.id and case.closed_at is None:
            people = ledger.waiting(case.id)
            if not stay or (people and people <= {survivor.id}):
                ledger.set(case, household_id=homes.stays.id)


def _filled(survivor: Person, other: Person) -> dict[str, Any]:
    """What the survivor takes from the other because it has none, with where it is from."""
    if survivor.birth_date is not None or other.birth_date is None:
        return {}
    told = {name: value for name, value in other.provenance.items() if name == "birth_date"}
    return {"birth_date": other.birth_date, "provenance": {**survivor.provenance, **told}}
