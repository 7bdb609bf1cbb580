"""Births and deaths."""

from datetime import date
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.cases.codes import NeedStatus
from slrt_api.flows.lineage.commands import (
    MAX_PEOPLE,
    ROLES,
    Reason,
    Seats,
    begin,
    day,
    done,
    household_of,
    number,
    pairs,
    running,
)
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.households import identity, lineage
from slrt_api.households.codes import HouseholdEnd, IdentityType, Operation, PersonEnd, Relation, Sex
from slrt_api.households.models import Household, Lineage, Membership, Person
from slrt_api.households.provenance import Source, told
from slrt_api.households.service import name_keys
from slrt_api.households.shapes import LINEAGE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class RecordBirth(Command):
    """A child that was born into a household."""

    name: str = Field(min_length=1, max_length=150, description="Name of the child.", examples=["Putri Lestari"])
    birth_date: date = Field(description="Day of birth; member since then.", examples=["2026-11-02"])
    sex: Sex = Field(description="Sex.")
    relation: Relation = Field(
        default=Relation.CHILD, description="Relation to the head of the family; not HEAD.", examples=["CHILD"]
    )
    nik: str | None = Field(
        default=None, description="16 digits; null as long as there is none.", examples=["9901014211260001"]
    )
    reason: Reason


class RecordDeath(Command):
    """The death of a person."""

    died_on: date = Field(description="Day of death.", examples=["2026-11-02"])
    relations: Seats = Field(
        default=(),
        description="Relations of those who remain that are others from now on; where the head died, one of them is HEAD.",
        examples=[[{"person_id": "019aaa11-2233-8000-8cfe-08a1b2c3d4e6", "relation": "HEAD"}]],
    )
    reason: Reason


@use_case("households.birth", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def birth(tx: Transaction, actor: Actor, household_id: UUID, command: RecordBirth) -> Lineage:
    """Record a birth.

    The child becomes a person of its own and a member since the day of birth, with or without a NIK. Undone, the person's
    row ends as `MISTAKEN`.
    """
    household = running(await tx.ask(Household, household_id))
    born = day(tx, household.area, command.birth_date, "/birth_date")
    if command.relation is Relation.HEAD:
        raise errors.Invalid.at("/relation", "one_head_required", "Name exactly one member as HEAD.")
    if command.nik is not None and not identity.well_formed(command.nik):
        raise errors.Invalid.at("/nik", "nik_malformed", "Give 16 digits, or leave it out.")
    person = Person(
        regency=household.regency,
        id=new_id(Kind.PERSON, household.regency, tx.now),
        area=household.area,
        name=command.name,
        sex=command.sex.value,
        birth_date=born,
        created_at=tx.now,
        updated_at=tx.now,
        provenance=told(
            {},
            {"name": command.name, "sex": command.sex.value, "birth_date": born},
            source=Source.DECLARED,
            as_of=tx.now.date(),
        ),
    )
    async with tx.effect(household.regency):
        ledger = await begin(tx, household.regency, Operation.BIRTH).lock([household.id])
        if len(ledger.members) >= MAX_PEOPLE:
            raise errors.Conflict("members_full")
        await tx.insert(person)
        await name_keys.keep(tx, person)
        ledger.added(person)
        ledger.tell("persons", person, (household,))
        position = 1 + max((seat.position for seat in ledger.members.values()), default=-1)
        seat = Membership(
            regency=household.regency,
            id=person.id,
            area=household.area,
            valid_from=born,
            household_id=household.id,
            relation=command.relation.value,
            position=position,
        )
        await ledger.add(seat, (household,))
        if command.nik is not None:
            found = identity.nik_findings(
                command.nik, sex=command.sex, birth_date=born, known_prefixes=places.district_prefixes()
            )
            nik = number(tx, person, household.area, IdentityType.NIK, command.nik, born, *found)
            await ledger.add(nik, (household,))
        row = done(tx, actor, ledger, household.area, born, command.reason)
        return await ledger.close(row, [person.id])


@use_case("persons.death", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def death(tx: Transaction, actor: Actor, person_id: UUID, command: RecordDeath) -> Lineage:
    """Record a death.

    The membership ends and the person's open needs are cancelled; a need with a referral that runs is refused with 409
    `referrals_open`: revoke the referral first. Where the head died, `relations` names the new one. Where nobody is left,
    the household ends as `DISSOLVED`. A case whose people have all died is not closed: it shows `attention`, and an
    officer says how it goes on.
    """
    household_id = await household_of(tx, person_id)
    person = await tx.ask(Person, person_id)
    if person.ended_at is not None:
        raise errors.Conflict("person_ended")
    died = day(tx, person.area, command.died_on, "/died_on")
    if person.birth_date is not None and died < person.birth_date:
        raise errors.Invalid.at("/died_on", "died_before_birth", "This day is before the day of birth.")
    async with tx.effect(person.regency):
        ledger = begin(tx, person.regency, Operation.DEATH)
        named = await tx.fetch(
            "SELECT DISTINCT c.id FROM cases c JOIN needs n ON n.regency = c.regency AND n.case_id = c.id"
            " WHERE c.regency = $1 AND n.person_id = $2 AND c.closed_at IS NULL",
            person.regency,
            person.id,
        )
        await ledger.lock([household_id] if household_id else [], [person.id], [case["id"] for case in named])
        ledger.set(person, died_on=died, ended_at=tx.now, ended_as=PersonEnd.DECEASED.value)
        if household_id is not None:
            await _leave(ledger, ledger.households[household_id], person, command, died)
        await _cancel(ledger, person)
        await ledger.settle()
        return await ledger.close(done(tx, actor, ledger, person.area, died, command.reason))


async def _leave(ledger: Ledger, household: Household, person: Person, command: RecordDeath, died: date) -> None:
    """End the membership; those who remain have a head, or there is no household any more."""
    members = ledger.family(household.id)
    members.pop(person.id)
    after = lineage.seats(members, pairs(command.relations), "/relations")
    seat = ledger.members.pop(person.id)
    await ledger.part(seat, (household, person), valid_to=lineage.ends_on(seat.valid_from, died))
    await ledger.reseat(household, after, died)
    if not after:
        ledger.set(household, ended_at=ledger.tx.now, ended_as=HouseholdEnd.DISSOLVED.value)


async def _cancel(ledger: Ledger, person: Person) -> None:
    """Cancel what the person still needed; what is left of cases without people waits for an officer."""
    for need in list(ledger.needs.values()):
        case = ledger.cases[need.case_id]
        if need.person_id != person.id or need.person_id not in ledger.waiting(case.id) or case.closed_at is not None:
            continue
        if need.status == NeedStatus.REFERRED:
            raise errors.Conflict("referrals_open")
        if need.status in {NeedStatus.OPEN, NeedStatus.DIRECT_SERVICE}:
            await ledger.part(need, (case,), status=NeedStatus.CANCELLED.value)
    for case in ledger.cases.values():
        people = {need.person_id for need in ledger.needs.values() if need.case_id == case.id}
        alone = person.id in people and not await _living(ledger, people - {person.id})
        if case.closed_at is None and (alone or not ledger.family(case.household_id)):
            ledger.set(case, attention=True)


async def _living(ledger: Ledger, people: set[UUID]) -> bool:
    found: bool = await ledger.tx.value(
        "SELECT EXISTS (SELECT FROM persons WHERE regency = $1 AND id = ANY ($2) AND ended_at IS NULL)",
        ledger.regency,
        list(people),
    )
    return found
