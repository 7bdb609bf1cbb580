"""What requests for operations on families have in common, and the row that an operation leaves."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.areas import codes
from slrt_api.cases.lifecycle import UNIT
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.households.codes import IdentityType, LineageStatus, Operation, Relation
from slrt_api.households.models import Household, Identity, Lineage, Membership, Person
from slrt_api.households.service import members
from slrt_api.households.service.vault import sealed
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command

#: who records what happens to families: the front and back office of both levels, and the supervisor
ROLES = UNIT
MAX_PEOPLE = members.MAX_MEMBERS

EffectiveOn = Annotated[
    date | None,
    Field(description="Since when it holds; today when left out. Never a day to come.", examples=["2026-11-20"]),
]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Why, or on what evidence.",
        examples=["Kartu keluarga baru ditunjukkan"],
    ),
]
PersonId = Annotated[UUID, Field(description="A person.", examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"])]
FamilyCard = Annotated[
    str | None, Field(description="Number of the family card, 16 digits.", examples=["9901010101120008"])
]
Address = Annotated[
    str, Field(min_length=1, max_length=300, description="Address within the village.", examples=["Dusun I RT 05"])
]


class Seat(Command):
    """A person, and the relation to the head of the family from now on."""

    person_id: PersonId
    relation: Relation = Field(description="Relation to the head of the family.")


Seats = Annotated[tuple[Seat, ...], Field(max_length=MAX_PEOPLE)]


def pairs(seats: tuple[Seat, ...]) -> list[tuple[UUID, Relation]]:
    return [(seat.person_id, seat.relation) for seat in seats]


def day(tx: Transaction, area: int, asked: date | None, pointer: str = "/effective_on") -> date:
    """The day that was named, or today where the family lives. Raises Invalid `date_in_future`."""
    now: datetime = tx.now.astimezone(ZoneInfo(codes.time_zone(codes.area_code(area))))
    if asked is not None and asked > now.date():
        raise errors.Invalid.at(pointer, "date_in_future", "Give a date that has come.")
    return asked or now.date()


def begin(tx: Transaction, regency: int, operation: Operation) -> Ledger:
    """A ledger for an operation that begins."""
    return Ledger(tx, regency, operation, new_id(Kind.LINEAGE, regency, tx.now))


def done(tx: Transaction, actor: Actor, ledger: Ledger, area: int, effective_on: date, reason: str) -> Lineage:
    """The row of an operation that is done."""
    if ledger.operation is None:
        raise ValueError("what undoes an operation is no operation")
    return Lineage(
        regency=ledger.regency,
        id=ledger.id,
        area=area,
        created_at=tx.now,
        updated_at=tx.now,
        operation=ledger.operation.value,
        status=LineageStatus.DONE.value,
        effective_on=effective_on,
        reason=reason,
        recorded_by=actor.subject,
    )


def running(household: Household) -> Household:
    """The household, unless it has ended. Raises Conflict `household_ended`."""
    if household.ended_at is not None:
        raise errors.Conflict("household_ended")
    return household


def number(
    tx: Transaction, owner: Household | Person, area: int, type_: IdentityType, text: str, valid_from: date, *found: str
) -> Identity:
    """A NIK or KK number of `owner`, encrypted."""
    id_ = new_id(Kind.PERSON, owner.regency, tx.now)
    return Identity(
        regency=owner.regency,
        id=id_,
        area=area,
        owner_id=owner.id,
        type=type_.value,
        prefix=text[:6],
        **sealed(tx.keyring, type_, id_, text),
        findings=list(found),
        valid_from=valid_from,
    )


async def household_of(tx: Transaction, person_id: UUID) -> UUID | None:
    """The household that a person, whom the caller may see, belongs to now; it is locked before the person."""
    person = await tx.get(Person, person_id)
    found = await tx.rows(Membership, "regency = $1 AND id = $2 AND valid_to IS NULL", person.regency, person.id)
    if not found:
        return None
    return (await tx.lock(Household, found[0].household_id)).id
