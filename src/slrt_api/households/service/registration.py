"""Register a family: one act writes the household, its people, their numbers and the event. Change its address."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.households import identity
from slrt_api.households.codes import Finding, IdentityType, Relation, Sex
from slrt_api.households.models import Household, Identity, Membership, Person
from slrt_api.households.provenance import Source, told
from slrt_api.households.service import vault
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Name = Annotated[str, Field(min_length=1, max_length=150, description="Name as on the card.", examples=["Siti Aminah"])]
MAX_MEMBERS = 40


class NewMember(Command):
    """A person of the household that is being registered."""

    name: Name
    nik: str | None = Field(
        default=None, description="16 digits; null for a person without one.", examples=["9901014505880003"]
    )
    birth_date: date | None = Field(default=None, description="Date of birth, where known.", examples=["1988-05-05"])
    sex: Sex = Field(description="Sex, as on the card.")
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
    captured_at: Instant | None = Field(
        default=None,
        description="When it was recorded in the field; now when left out.",
        examples=["2026-11-22T09:14:07+07:00"],
    )


@use_case("households.register", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",), creates=True)
async def register(tx: Transaction, actor: Actor, command: RegisterHousehold) -> Household:
    """Register a household.

    The people's NIKs and the KK number are encrypted; warnings about them stand under `findings` and block nothing.
    Absence from the national registry never blocks a registration either.
    """
    area = places.village(actor, command.area_code)
    return await _write(tx, actor, new_id(Kind.HOUSEHOLD, places.tenant(command.area_code), tx.now), area, command)


@use_case("households.register_as", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",), creates=True)
async def register_as(tx: Transaction, actor: Actor, household_id: UUID, command: RegisterHousehold) -> Household:
    """Register a household under an id that the client made.

    For devices that record offline: the id follows the published recipe (UUID version 8 with tenant and kind), so that
    the upload can be repeated safely. An id that exists answers 412, whoever owns it.
    """
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


@use_case("households.change", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD)
async def change(tx: Transaction, actor: Actor, household_id: UUID, command: ChangeHousehold) -> Household:
    """Change the address of a household.

    A JSON merge patch (RFC 7396). Moves to another village and new family cards are operations of their own.
    """
    household = await tx.ask(Household, household_id)
    given = command.model_dump(exclude_unset=True)
    if not given:
        return household
    told_now = told(household.provenance, given, source=Source.DECLARED, as_of=tx.now.date(), replaced_at=tx.now)
    return await tx.change(household, "changed", **given, provenance=told_now)


async def _write(tx: Transaction, actor: Actor, id_: UUID, area: int, command: RegisterHousehold) -> Household:
    _check(tx, command)
    regency = tenant_of(id_)
    captured_at = command.captured_at or tx.now
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
        house_id=id_,
        provenance=told({}, {"address": command.address}, source=Source.DECLARED, as_of=captured_at.date()),
    )
    persons: list[Person] = []
    memberships: list[Membership] = []
    identities: list[Identity] = []
    if command.kk is not None:
        findings = identity.kk_findings(command.kk, known_prefixes=places.district_prefixes())
        identities.append(_identity(tx, household, household.id, IdentityType.KK, command.kk, findings))
    for position, member in enumerate(command.members):
        person = Person(
            regency=regency,
            id=new_id(Kind.PERSON, regency, tx.now),
            area=area,
            name=member.name,
            sex=member.sex.value,
            birth_date=member.birth_date,
            created_at=tx.now,
            updated_at=tx.now,
            provenance=told(
                {},
                {"name": member.name, "sex": member.sex.value}
                | ({"birth_date": member.birth_date} if member.birth_date is not None else {}),
                source=Source.DECLARED,
                as_of=captured_at.date(),
            ),
        )
        persons.append(person)
        memberships.append(
            Membership(
                regency=regency,
                id=person.id,
                area=area,
                valid_from=captured_at.date(),
                household_id=household.id,
                relation=member.relation.value,
                position=position,
            )
        )
        if member.nik is not None:
            findings = identity.nik_findings(
                member.nik,
                sex=member.sex,
                birth_date=member.birth_date,
                known_prefixes=places.district_prefixes(),
            )
            identities.append(_identity(tx, household, person.id, IdentityType.NIK, member.nik, findings))
    return await tx.create(
        household,
        "registered",
        parts={"persons": persons, "memberships": memberships, "identities": identities},
    )


def _check(tx: Transaction, command: RegisterHousehold) -> None:
    """Refuse what cannot be: malformed numbers, no head or two, dates to come. All faults at once."""
    faults = []
    for position, member in enumerate(command.members):
        if member.nik is not None and not identity.well_formed(member.nik):
            faults.append(errors.Fault(f"/members/{position}/nik", "nik_malformed", "Give 16 digits, or leave it out."))
        if member.birth_date is not None and member.birth_date > tx.now.date():
            faults.append(errors.Fault(f"/members/{position}/birth_date", "date_in_future", "This day is yet to come."))
    if command.kk is not None and not identity.well_formed(command.kk):
        faults.append(errors.Fault("/kk", "kk_malformed", "Give 16 digits, or leave it out."))
    if sum(member.relation is Relation.HEAD for member in command.members) != 1:
        faults.append(errors.Fault("/members", "one_head_required", "Name exactly one member as HEAD."))
    if command.captured_at is not None and command.captured_at > tx.now:
        faults.append(errors.Fault("/captured_at", "instant_in_future", "This instant is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


def _identity(
    tx: Transaction,
    household: Household,
    owner_id: UUID,
    type_: IdentityType,
    number: str,
    findings: tuple[Finding, ...],
) -> Identity:
    id_ = new_id(Kind.PERSON, household.regency, tx.now)
    return Identity(
        regency=household.regency,
        id=id_,
        area=household.area,
        owner_id=owner_id,
        type=type_.value,
        prefix=number[:6],
        **vault.sealed(tx.keyring, type_, id_, number),
        findings=[finding.value for finding in findings],
        valid_from=household.captured_at.date(),
    )
