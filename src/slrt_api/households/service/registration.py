"""Register a family: one act writes the household, its people, their numbers and the event. Change its address."""

from datetime import date
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.households import identity
from slrt_api.households.codes import IdentityType, Relation
from slrt_api.households.models import Household, Identity, Membership, Person
from slrt_api.households.provenance import Source, told
from slrt_api.households.service import name_keys, persons
from slrt_api.households.service.members import MAX_MEMBERS, active, neighbor
from slrt_api.households.service.persons import NewPerson, as_of_day
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class NewMember(NewPerson):
    """A person of the household that is being registered."""

    relation: Relation = Field(description="Relation to the head of the family; one member is HEAD.")


class RegisterHousehold(Command):
    """A family as a facilitator or an officer records it."""

    kk: str | None = Field(
        default=None, description="Number of the family card, 16 digits.", examples=["9901010101120007"]
    )
    area_code: str = Field(description="Village of the current edition.", examples=["33.26.01.2001"])
    address: str = Field(
        min_length=1, max_length=300, description="Address within the village.", examples=["Dusun III RT 02"]
    )
    members: tuple[NewMember, ...] = Field(
        min_length=1, max_length=MAX_MEMBERS, description="The people of the household; exactly one is HEAD."
    )
    same_house_as: UUID | None = Field(
        default=None,
        description="A household of the village whose house this family shares; null for a house of its own.",
        examples=[None],
    )
    captured_at: Instant | None = Field(
        default=None,
        description="When it was recorded in the field; now when left out.",
        examples=["2026-11-22T09:14:07+07:00"],
    )


async def register(tx: Transaction, actor: Actor, command: RegisterHousehold) -> Household:
    """Write a household with its people and numbers. The use case is `registry/service/registration.py`, which looks the
    family up in the national registry too."""
    area = places.village(actor, command.area_code)
    return await _write(tx, actor, new_id(Kind.HOUSEHOLD, places.tenant(command.area_code), tx.now), area, command)


async def register_as(tx: Transaction, actor: Actor, household_id: UUID, command: RegisterHousehold) -> Household:
    """`register` under an id that the client made. Raises PreconditionFailed for one that exists, whoever owns it."""
    area = places.village(actor, command.area_code)
    if kind_of(household_id) is not Kind.HOUSEHOLD or tenant_of(household_id) != places.tenant(command.area_code):
        raise errors.Invalid.at("id", "id_mismatch", "The id's kind or tenant is not that of the path and the area.")
    try:
        return await _write(tx, actor, household_id, area, command)
    except errors.Conflict:
        raise errors.PreconditionFailed("resource_exists") from None


class ChangeHousehold(Command):
    """What may be changed of a household here. Members left out stay as they are."""

    address: str = Field(
        default="", min_length=1, max_length=300, description="Address within the village.", examples=["Dusun I RT 05"]
    )
    source: Source = Field(default=Source.DECLARED, description="Who told it.", examples=["OBSERVED"])
    as_of: date | None = Field(
        default=None, description="The day of which it is known; today when left out.", examples=["2026-11-22"]
    )
    verified: bool = Field(default=False, description="Whether you have checked it yourself.", examples=[True])


@use_case("households.change", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD)
async def change(tx: Transaction, actor: Actor, household_id: UUID, command: ChangeHousehold) -> Household:
    """Change the address of a household.

    A JSON merge patch (RFC 7396). Moves to another village and new family cards are operations of their own.
    """
    household = await active(tx, household_id)
    as_of = as_of_day(tx, command.as_of)
    if "address" not in command.model_fields_set:
        return household
    provenance = told(
        household.provenance,
        {"address": command.address},
        source=command.source,
        as_of=as_of,
        verified_by=actor.subject if command.verified else None,
        replaced_at=tx.now,
    )
    return await tx.change(household, "changed", address=command.address, provenance=provenance)


async def _write(tx: Transaction, actor: Actor, id_: UUID, area: int, command: RegisterHousehold) -> Household:
    _check(tx, command)
    regency = tenant_of(id_)
    captured_at = command.captured_at or tx.now
    house = None
    if command.same_house_as is not None:
        house = await neighbor(tx, command.same_house_as, regency=regency, area=area)
    household = Household(
        regency=regency,
        id=id_,
        area=area,
        created_at=tx.now,
        updated_at=tx.now,
        address=command.address,
        captured_at=captured_at,
        received_at=tx.now,
        registered_by=actor.subject,
        house_id=house.house_id if house is not None else id_,
        provenance=told({}, {"address": command.address}, source=Source.DECLARED, as_of=captured_at.date()),
    )
    people: list[Person] = []
    memberships: list[Membership] = []
    identities: list[Identity] = []
    if command.kk is not None:
        findings = identity.kk_findings(command.kk, known_prefixes=places.district_prefixes())
        on = captured_at.date()
        identities.append(persons.new_identity(tx, household, id_, IdentityType.KK, command.kk, findings, on=on))
    for position, member in enumerate(command.members):
        person, numbers = persons.new_person(tx, household, member, on=captured_at.date())
        people.append(person)
        identities += numbers
        memberships.append(
            Membership(
                regency=household.regency,
                id=person.id,
                area=area,
                valid_from=captured_at.date(),
                household_id=household.id,
                relation=member.relation.value,
                position=position,
            )
        )
    household = await tx.create(
        household,
        "registered",
        parts={"persons": people, "memberships": memberships, "identities": identities},
    )
    await name_keys.keep(tx, *people)
    return household


def _check(tx: Transaction, command: RegisterHousehold) -> None:
    """Refuse what cannot be: malformed numbers, no head or two, dates to come. All faults at once."""
    faults: list[errors.Fault] = []
    for position, member in enumerate(command.members):
        faults += persons.faults_of(tx, member, f"/members/{position}")
    if command.kk is not None and not identity.well_formed(command.kk):
        faults.append(errors.Fault("/kk", "kk_malformed", "Give 16 digits, or leave it out."))
    if sum(member.relation is Relation.HEAD for member in command.members) != 1:
        faults.append(errors.Fault("/members", "one_head_required", "Name exactly one member as HEAD."))
    if command.captured_at is not None and command.captured_at > tx.now:
        faults.append(errors.Fault("/captured_at", "instant_in_future", "This instant is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))
