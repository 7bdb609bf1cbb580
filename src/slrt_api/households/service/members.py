"""Who belongs to a household: people join it, and their relation and place change. Exactly one member is the head.

A membership is dated and is kept when it ends. `join` and `leave` are the only writers of memberships after registration;
operations on families (split, merge, move) use them too.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pydantic import Field
from sqlmodel import SQLModel

from slrt_api.access.scopes import Scope
from slrt_api.households.codes import Relation
from slrt_api.households.models import Household, Identity, Membership, Person
from slrt_api.households.service import name_keys, persons
from slrt_api.households.service.persons import NewPerson
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

MAX_MEMBERS = 40


async def members_of(tx: Transaction, household: Household) -> list[Membership]:
    """The memberships of a household now, in order."""
    return await tx.rows(
        Membership,
        "regency = $1 AND household_id = $2 AND valid_to IS NULL ORDER BY position, id",
        household.regency,
        household.id,
    )


async def join(
    tx: Transaction, household: Household, person: Person, relation: Relation, *, position: int, on: date
) -> Membership:
    """Write that a person belongs to a household from a day on, without an event: a part of the household's.

    The caller has locked both, and judged that the person belongs to no other household.
    """
    last = await tx.value(
        "SELECT max(ordinal) FROM memberships WHERE regency = $1 AND id = $2", person.regency, person.id
    )
    membership = Membership(
        regency=household.regency,
        id=person.id,
        area=household.area,
        ordinal=(last or 0) + 1,
        valid_from=on,
        household_id=household.id,
        relation=relation.value,
        position=position,
    )
    await tx.insert(membership)
    return membership


async def leave(tx: Transaction, membership: Membership, *, on: date) -> Membership:
    """Write that a membership ended on a day, without an event: a part of the household's. Never before it began."""
    return await tx.update(membership, valid_to=max(on, membership.valid_from))


class AddMember(Command):
    """Somebody who belongs to the household from now on: known already, or new."""

    person_id: UUID | None = Field(
        default=None,
        description="A person of your scope who belongs to no household. Give this or `person`.",
        examples=[None],
    )
    person: NewPerson | None = Field(
        default=None,
        description="Somebody new: a newborn child, a person without papers. Give this or `person_id`.",
        examples=[{"name": "Putri Aminah", "birth_date": "2026-11-02", "sex": "F"}],
    )
    relation: Relation = Field(description="Relation to the head of the family; there is a head already.")
    since: date | None = Field(default=None, description="Member since; today when left out.", examples=["2026-11-02"])


async def add_member(tx: Transaction, actor: Actor, household_id: UUID, command: AddMember) -> Household:
    """Add a member. The use case is `registry/service/registration.py`, which looks them up in the national registry too."""
    household = await active(tx, household_id)
    members = await members_of(tx, household)
    _check(tx, command)
    if len(members) >= MAX_MEMBERS:
        raise errors.Conflict("members_full")
    since = command.since or tx.now.date()
    identities: list[Identity] = []
    if command.person is not None:
        person, identities = persons.new_person(tx, household, command.person, on=since)
        await tx.insert(person, *identities)
        await name_keys.keep(tx, person)
    else:
        person = await _known(tx, household, command.person_id)
    place = members[-1].position + 1 if members else 0
    membership = await join(tx, household, person, command.relation, position=place, on=since)
    parts: dict[str, Sequence[SQLModel]] = {"memberships": [membership]}
    if command.person is not None:
        parts |= {"persons": [person], "identities": identities}
    return await tx.change(household, "member_added", parts=parts)


def _check(tx: Transaction, command: AddMember) -> None:
    faults = []
    if (command.person_id is None) is (command.person is None):
        faults.append(errors.Fault("", "one_person_required", "Give person_id or person, one of them."))
    if command.person is not None:
        faults += persons.faults_of(tx, command.person, "/person")
    if command.relation is Relation.HEAD:
        faults.append(
            errors.Fault("/relation", "one_head_required", "There is a head already: change the member later.")
        )
    if command.since is not None and command.since > tx.now.date():
        faults.append(errors.Fault("/since", "date_in_future", "This day is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


async def _known(tx: Transaction, household: Household, person_id: UUID | None) -> Person:
    """The person who joins, locked. Raises Invalid for one who is unknown, out of sight or of another regency."""
    person = await tx.find(Person, person_id) if person_id is not None else None
    if person is None or person.regency != household.regency:
        raise errors.Invalid.reference("/person_id")
    person = await tx.lock(Person, person.id)
    if person.ended_at is not None:
        raise errors.Conflict("person_ended")
    belongs = "SELECT EXISTS (SELECT FROM memberships WHERE regency = $1 AND id = $2 AND valid_to IS NULL)"
    async with tx.effect(household.regency):
        # Also where the household lies out of the caller's sight: nobody belongs to two.
        if await tx.value(belongs, person.regency, person.id):
            raise errors.Conflict("person_has_household")
    if person.area != household.area:
        person = await relocate(tx, person, household.area)
    return person


async def relocate(tx: Transaction, person: Person, area: int) -> Person:
    """Bring a person, with all that hangs on them, to the village of their household: an event of the person."""
    for table in ("identities", "registry_numbers", "answers"):
        await tx.execute(
            f"UPDATE {table} SET area = $1 WHERE regency = $2 AND owner_id = $3", area, person.regency, person.id
        )
    person = await tx.change(person, "relocated", area=area)
    await name_keys.keep(tx, person)
    return person


class ChangeMember(Command):
    """What changes of a member. Members of this object left out stay as they are."""

    person_id: UUID = Field(description="The member.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    relation: Relation = Field(
        default_factory=lambda: Relation.OTHER,
        description="Relation to the head of the family. HEAD makes this member the head.",
        examples=["HEAD"],
    )
    former_head_relation: Relation = Field(
        default_factory=lambda: Relation.OTHER,
        description="With a new head: what the former one is to the new one.",
        examples=["PARENT"],
    )
    position: int = Field(default=0, ge=0, lt=MAX_MEMBERS, description="Place among the members, from 0.", examples=[0])


@use_case("households.change_member", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",))
async def change_member(tx: Transaction, actor: Actor, household_id: UUID, command: ChangeMember) -> Household:
    """Change the relation of a member to the head of the family, or the place among the members.

    There is always exactly one head: a new one is named together with what the former one is to them
    (`former_head_relation`), and the head cannot simply cease to be it.
    """
    household = await active(tx, household_id)
    members = await members_of(tx, household)
    member = next((each for each in members if each.id == command.person_id), None)
    if member is None:
        raise errors.NotFound
    relations = _relations(members, member, command)
    order = [each.id for each in members]
    if "position" in command.model_fields_set:
        order.remove(member.id)
        order.insert(command.position, member.id)
    changed = []
    for each in members:
        wanted = {"relation": relations[each.id], "position": order.index(each.id)}
        if "position" not in command.model_fields_set:
            del wanted["position"]
        if any(getattr(each, name) != value for name, value in wanted.items()):
            changed.append(await tx.update(each, **wanted))
    if not changed:
        return household
    return await tx.change(household, "member_changed", parts={"memberships": changed})


def _relations(members: list[Membership], member: Membership, command: ChangeMember) -> dict[UUID, str]:
    """The relation of each member after the change. Raises Invalid where there would be no head, or two."""
    relations = {each.id: each.relation for each in members}
    given = command.model_fields_set
    becomes_head = "relation" in given and command.relation is Relation.HEAD and member.relation != Relation.HEAD
    if "former_head_relation" in given and not becomes_head:
        raise errors.Invalid.at("/former_head_relation", "invalid", "Give it with a new head only.")
    if "relation" not in given:
        return relations
    if member.relation == Relation.HEAD and command.relation is not Relation.HEAD:
        raise errors.Invalid.at("/relation", "one_head_required", "Make another member the head instead.")
    if becomes_head:
        if "former_head_relation" not in given:
            raise errors.Invalid.at("/former_head_relation", "required", "This member is required.")
        if command.former_head_relation is Relation.HEAD:
            raise errors.Invalid.at("/former_head_relation", "one_head_required", "There is one head only.")
        relations |= {each.id: command.former_head_relation.value for each in members if each.relation == Relation.HEAD}
    return relations | {member.id: command.relation.value}


async def active(tx: Transaction, household_id: UUID) -> Household:
    """The household that an act is asked on, locked. Raises Conflict `household_ended` for one that is no more."""
    household = await tx.ask(Household, household_id)
    if household.ended_at is not None:
        raise errors.Conflict("household_ended")
    return household


async def neighbor(tx: Transaction, household_id: UUID, *, regency: int, area: int) -> Household:
    """A family whose house another shares. Raises Invalid for one that is unknown, out of sight or of another village."""
    found = await tx.find(Household, household_id)
    if found is None or (found.regency, found.area) != (regency, area):
        raise errors.Invalid.reference("/same_house_as")
    return found
