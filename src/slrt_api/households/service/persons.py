"""Persons: how one is written with a household, what is corrected of one, and where each value is from."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.households import identity
from slrt_api.households.codes import Finding, IdentityType, MatchingStatus, PersonEnd, Sex
from slrt_api.households.models import Household, Identity, Person
from slrt_api.households.provenance import Source, told
from slrt_api.households.service import name_keys, vault
from slrt_api.households.shapes import PERSON
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Name = Annotated[str, Field(min_length=1, max_length=150, description="Name as on the card.", examples=["Siti Aminah"])]


class NewPerson(Command):
    """A person who is registered with a household. Newborns and people without papers have no NIK."""

    name: Name
    nik: str | None = Field(
        default=None, description="16 digits; null for a person without one.", examples=["9901014505880003"]
    )
    birth_date: date | None = Field(default=None, description="Date of birth, where known.", examples=["1988-05-05"])
    sex: Sex = Field(description="Sex, as on the card.")


def faults_of(tx: Transaction, person: NewPerson, pointer: str) -> list[errors.Fault]:
    """What of a new person cannot be: a malformed NIK, a birth to come."""
    faults = []
    if person.nik is not None and not identity.well_formed(person.nik):
        faults.append(errors.Fault(f"{pointer}/nik", "nik_malformed", "Give 16 digits, or leave it out."))
    if person.birth_date is not None and person.birth_date > tx.now.date():
        faults.append(errors.Fault(f"{pointer}/birth_date", "date_in_future", "This day is yet to come."))
    return faults


def new_person(
    tx: Transaction, household: Household, person: NewPerson, *, on: date, source: Source = Source.DECLARED
) -> tuple[Person, list[Identity]]:
    """The rows of a person who is registered with `household`, not written yet: parts of its event. `on`: as of which day."""
    known = {"name": person.name, "sex": person.sex.value}
    born = {"birth_date": person.birth_date} if person.birth_date is not None else {}
    row = Person(
        regency=household.regency,
        id=new_id(Kind.PERSON, household.regency, tx.now),
        area=household.area,
        name=person.name,
        sex=person.sex.value,
        birth_date=person.birth_date,
        created_at=tx.now,
        updated_at=tx.now,
        provenance=told({}, {**known, **born}, source=source, as_of=on),
    )
    if person.nik is None:
        return row, []
    findings = nik_findings(person.nik, row)
    return row, [new_identity(tx, household, row.id, IdentityType.NIK, person.nik, findings, on=on)]


def nik_findings(nik: str, person: Person) -> tuple[Finding, ...]:
    """Warnings about a NIK against what is known of its holder."""
    return identity.nik_findings(
        nik, sex=Sex(person.sex), birth_date=person.birth_date, known_prefixes=places.district_prefixes()
    )


def new_identity(
    tx: Transaction,
    owner: Household | Person,
    owner_id: UUID,
    type_: IdentityType,
    number: str,
    findings: tuple[Finding, ...] = (),
    *,
    on: date,
) -> Identity:
    """The row of a NIK or KK number, not written yet: a part of the event of its owner.

    owner  a row in the place of which it stands; `owner_id` is whose number it is. `on`: since which day
    """
    id_ = new_id(Kind.PERSON, owner.regency, tx.now)
    return Identity(
        regency=owner.regency,
        id=id_,
        area=owner.area,
        owner_id=owner_id,
        type=type_.value,
        prefix=number[:6],
        **vault.sealed(tx.keyring, type_, id_, number),
        findings=[finding.value for finding in findings],
        valid_from=on,
    )


class CorrectPerson(Command):
    """What was wrong of a person, and how it is known. Members left out stay as they are."""

    name: Name = Field(default="", description="Name as on the card.")
    sex: Sex = Field(default_factory=lambda: Sex.F, description="Sex, as on the card.")
    birth_date: date | None = Field(
        default=None, description="Date of birth; null where it turned out to be unknown.", examples=["1988-05-05"]
    )
    reason: str = Field(min_length=1, max_length=1000, description="Why.", examples=["Salah ketik saat pendataan"])
    source: Source = Field(description="Who told the value.", examples=["DOCUMENT"])
    as_of: date | None = Field(
        default=None, description="The day of which it is known; today when left out.", examples=["2026-11-22"]
    )
    verified: bool = Field(default=False, description="Whether you have checked it yourself.", examples=[True])


_CORRECTABLE = ("name", "sex", "birth_date")


@use_case("persons.correct", scope=Scope.HOUSEHOLDS_WRITE, answers=PERSON)
async def correct(tx: Transaction, actor: Actor, person_id: UUID, command: CorrectPerson) -> Person:
    """Correct the name, sex or birth date of a person.

    A JSON merge patch (RFC 7396) with the reason and the source. Nothing is overwritten silently: `provenance` keeps what was
    known before. The NIK stays, whatever is corrected: by law only the other data change, and a NIK that tells another
    birth date or sex is a warning under `findings`. Giving a value that is known already confirms it from the new source.
    """
    person = await tx.ask(Person, person_id)
    given = {name: getattr(command, name) for name in _CORRECTABLE if name in command.model_fields_set}
    if person.ended_as in {PersonEnd.MERGED, PersonEnd.MOVED}:
        raise errors.Conflict("person_ended")
    if not given:
        raise errors.Invalid.at("", "nothing_to_change", "Give at least one value to change.")
    as_of = as_of_day(tx, command.as_of)
    if command.birth_date is not None and command.birth_date > tx.now.date():
        raise errors.Invalid.at("/birth_date", "date_in_future", "This day is yet to come.")
    values: dict[str, Any] = {name: value.value if isinstance(value, Sex) else value for name, value in given.items()}
    provenance = told(
        person.provenance,
        values,
        source=command.source,
        as_of=as_of,
        verified_by=actor.subject if command.verified else None,
        replaced_at=tx.now,
    )
    if any(getattr(person, name) != value for name, value in values.items()):
        # What the civil registry said was said of other values.
        values["matching_status"] = MatchingStatus.NOT_MATCHED_YET.value
    after = Person(**{**person.model_dump(), **values})
    parts = {"identities": [changed] if (changed := await _found_again(tx, after)) else []}
    person = await tx.change(
        person, "corrected", parts=parts, texts={"reason": command.reason}, provenance=provenance, **values
    )
    await name_keys.keep(tx, person)
    return person


def as_of_day(tx: Transaction, given: date | None) -> date:
    """The day of which something is known: today, unless one was given. Raises Invalid `date_in_future`."""
    if given is not None and given > tx.now.date():
        raise errors.Invalid.at("/as_of", "date_in_future", "This day is yet to come.")
    return given or tx.now.date()


async def _found_again(tx: Transaction, person: Person) -> Identity | None:
    """Judge the NIK anew against what is known now; the row where that found something else than before."""
    held = await tx.rows(
        Identity,
        "regency = $1 AND owner_id = $2 AND type = 'NIK' AND valid_to IS NULL ORDER BY id DESC LIMIT 1",
        person.regency,
        person.id,
    )
    if not held:
        return None
    findings = [finding.value for finding in nik_findings(vault.number_of(tx.keyring, held[0]), person)]
    # Whether somebody else claims it is the worker's to say.
    findings += [each for each in held[0].findings if each == Finding.NIK_DUPLICATE]
    return await tx.update(held[0], findings=findings) if findings != held[0].findings else None
