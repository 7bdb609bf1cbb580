"""New numbers: a family card that is issued anew, and a NIK that was wrong."""

from datetime import date
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.flows.lineage.commands import ROLES, EffectiveOn, Reason, begin, day, done, household_of, number, running
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.households import identity
from slrt_api.households.codes import IdentityType, Operation, Sex
from slrt_api.households.lineage import ends_on
from slrt_api.households.models import Household, Identity, Lineage, Person
from slrt_api.households.shapes import LINEAGE
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class IssueFamilyCard(Command):
    """A family card with a new number."""

    kk: str = Field(description="The new number, 16 digits.", examples=["9901010101120008"])
    effective_on: EffectiveOn = None
    reason: Reason


class CorrectNik(Command):
    """The right NIK of a person."""

    nik: str = Field(description="The right number, 16 digits.", examples=["9901014505880004"])
    effective_on: EffectiveOn = None
    reason: Reason
    evidence: str = Field(
        min_length=1,
        max_length=2000,
        description="What shows that this one is right.",
        examples=["KTP-el asli ditunjukkan"],
    )


@use_case("households.family_card", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def family_card(tx: Transaction, actor: Actor, household_id: UUID, command: IssueFamilyCard) -> Lineage:
    """Record a new family card.

    The number changes on a move, at the head's death, at a divorce or a split. The old one stays, dated.
    """
    household = running(await tx.ask(Household, household_id))
    since = day(tx, household.area, command.effective_on)
    if not identity.well_formed(command.kk):
        raise errors.Invalid.at("/kk", "kk_malformed", "Give 16 digits, or leave it out.")
    async with tx.effect(household.regency):
        ledger = await begin(tx, household.regency, Operation.KK_REISSUE).lock([household.id])
        since = await retire(ledger, household, IdentityType.KK, since)
        new = number(tx, household, household.area, IdentityType.KK, command.kk, since)
        await ledger.add(new, (household,))
        return await ledger.close(done(tx, actor, ledger, household.area, since, command.reason))


@use_case("persons.correct_nik", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE)
async def correct_nik(tx: Transaction, actor: Actor, person_id: UUID, command: CorrectNik) -> Lineage:
    """Correct a NIK, or give the first one.

    A NIK is permanent: a new one stands only because the old one was wrong, so the evidence is asked for. The old one
    stays, dated. Warnings about the new one block nothing.
    """
    household_id = await household_of(tx, person_id)
    person = await tx.ask(Person, person_id)
    if person.ended_at is not None:
        raise errors.Conflict("person_ended")
    since = day(tx, person.area, command.effective_on)
    if not identity.well_formed(command.nik):
        raise errors.Invalid.at("/nik", "nik_malformed", "Give 16 digits, or leave it out.")
    found = identity.nik_findings(
        command.nik, sex=Sex(person.sex), birth_date=person.birth_date, known_prefixes=places.district_prefixes()
    )
    async with tx.effect(person.regency):
        ledger = begin(tx, person.regency, Operation.NIK_CORRECTION)
        await ledger.lock([household_id] if household_id else [], [person.id])
        since = await retire(ledger, person, IdentityType.NIK, since)
        await ledger.add(number(tx, person, person.area, IdentityType.NIK, command.nik, since, *found), (person,))
        ledger.texts["evidence"] = command.evidence
        return await ledger.close(done(tx, actor, ledger, person.area, since, command.reason))


async def retire(ledger: Ledger, owner: Household | Person, type_: IdentityType, since: date) -> date:
    """End the numbers of the owner that hold. Returns the day on which the next one begins."""
    old = await ledger.tx.rows(
        Identity,
        "regency = $1 AND owner_id = $2 AND type = $3 AND valid_to IS NULL ORDER BY id FOR NO KEY UPDATE",
        owner.regency,
        owner.id,
        type_.value,
    )
    for each in old:
        since = ends_on(each.valid_from, since)
    for each in old:
        await ledger.part(each, (owner,), valid_to=since)
    return since
