"""Look a person up by NIK, and show a NIK in full. Each leaves an access record that is committed before the answer."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access.scopes import Scope
from slrt_api.households import identity
from slrt_api.households.codes import IdentityType, Purpose
from slrt_api.households.models import Identity, Person
from slrt_api.households.service.registration import identity_place
from slrt_api.kernel import errors
from slrt_api.kernel.ids import tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

_FOUND = """
SELECT p.id, p.name, m.household_id, i.prefix || '**********' AS nik
FROM identities i
JOIN persons p ON p.regency = i.regency AND p.id = i.owner_id
LEFT JOIN memberships m ON m.regency = p.regency AND m.id = p.id AND m.valid_to IS NULL
WHERE i.regency = $1 AND i.blind_index = $2 AND i.type = 'NIK' AND i.valid_to IS NULL
ORDER BY p.id LIMIT 20
"""


class SearchPersons(Command):
    """A NIK, and why it is looked up."""

    nik: str = Field(description="16 digits, in the body only.", examples=["9901014505880003"])
    purpose: Purpose = Field(description="Why, for the access record.", examples=["CASE_INTAKE"])


class FoundPerson(BaseModel):
    """A person of the caller's scope who holds the NIK."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID = Field(description="Id of the person.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    household_id: UUID | None = Field(
        description="The household the person belongs to now.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    name: str = Field(description="Name.", examples=["Siti Aminah"])
    nik: str = Field(description="NIK, masked.", examples=["990101**********"])


class FoundPersons(BaseModel):
    """Who was found; empty for an unknown NIK and for one outside the caller's scope, the same either way."""

    model_config = ConfigDict(extra="forbid")

    items: list[FoundPerson] = Field(description="At most 20; two people may claim one NIK.")


@use_case("persons.search", scope=Scope.NIK_LOOKUP)
async def search(tx: Transaction, actor: Actor, command: SearchPersons) -> Result:
    """Find a person by NIK.

    Searches the caller's own scope. An unknown NIK and one that belongs to a person elsewhere answer alike.
    """
    if not identity.well_formed(command.nik):
        raise errors.Invalid.at("/nik", "nik_malformed", "Give 16 digits.")
    index = tx.keyring.blind_index(IdentityType.NIK.value, command.nik)
    found = [row for regency in actor.rows.tenants for row in await tx.fetch(_FOUND, regency, index)]
    for regency in actor.rows.tenants:
        await tx.access(
            "persons.search",
            "person",
            regency=regency,
            resource_id=None,
            purpose=command.purpose.value,
            rows=len(found),
        )
    return Result(
        {
            "items": [
                {"person_id": row["id"], "household_id": row["household_id"], "name": row["name"], "nik": row["nik"]}
                for row in found
            ]
        }
    )


class RevealNik(Command):
    """Why the number is needed in full."""

    purpose: Purpose = Field(description="Why, for the access record.", examples=["VERIFICATION"])


class RevealedNik(BaseModel):
    """A NIK in full."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID = Field(description="Id of the person.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    nik: str | None = Field(description="The number; null for a person without one.", examples=["9901014505880003"])


@use_case("persons.reveal", scope=Scope.NIK_REVEAL, conditional=False)
async def reveal(tx: Transaction, actor: Actor, person_id: UUID, command: RevealNik) -> Result:
    """Show a person's NIK in full.

    The access, with its purpose, is on record before the answer leaves.
    """
    person = await tx.get(Person, person_id)
    held = await tx.rows(
        Identity,
        "regency = $1 AND owner_id = $2 AND type = 'NIK' AND valid_to IS NULL ORDER BY id DESC LIMIT 1",
        person.regency,
        person.id,
    )
    await tx.access(
        "persons.reveal",
        "person",
        regency=tenant_of(person_id),
        resource_id=person_id,
        purpose=command.purpose.value,
        rows=len(held),
    )
    nik = None
    if held:
        nik = tx.keyring.decrypt(held[0].ciphertext, identity_place(IdentityType.NIK, held[0].id)).decode()
    return Result({"person_id": person_id, "nik": nik})
