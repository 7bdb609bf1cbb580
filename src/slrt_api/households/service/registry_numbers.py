"""Numbers that national registries gave to families and people: kept for ever, and looked up by their exact value.

Opaque, and not secret as a NIK is, but each tells who somebody is: looked up in a body, never in a URL, and counted.
"""

from datetime import date
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.households.codes import Purpose, RegistryScheme
from slrt_api.households.models import Household, Person, RegistryNumber
from slrt_api.households.provenance import Source
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

Owner = TypeVar("Owner", Household, Person)
MAX_FOUND = 100
_SAME = (
    "SELECT EXISTS (SELECT FROM registry_numbers WHERE regency = $1 AND owner_id = $2 AND scheme = $3 AND value = $4"
    " AND valid_to IS NULL)"
)
#: $1 regency, $2 scheme, $3 value, $4 how many. A number whose owner is out of sight finds nobody
_BY_VALUE = """
SELECT n.owner_id, m.household_id
FROM registry_numbers n
LEFT JOIN memberships m ON m.regency = n.regency AND m.id = n.owner_id AND m.valid_to IS NULL
WHERE n.regency = $1 AND n.value = $3 AND n.scheme = $2
ORDER BY n.owner_id LIMIT $4
"""
_VALUE = r"^[A-Za-z0-9./_\-]{1,64}$"


class AddRegistryNumber(Command):
    """A number of a national registry, as it stands there."""

    scheme: RegistryScheme = Field(description="The registry.", examples=["ID_DTKS"])
    value: str = Field(pattern=_VALUE, description="The number; opaque, never read.", examples=["0000123456789012"])
    valid_from: date | None = Field(default=None, description="Since when, where known.", examples=["2021-04-01"])
    valid_to: date | None = Field(default=None, description="Until when, of one that holds no more.", examples=[None])
    source: Source = Field(description="Who told it.", examples=["NATIONAL_REGISTRY"])


@use_case(
    "households.add_registry_number", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("registry_numbers",)
)
async def add_to_household(tx: Transaction, actor: Actor, household_id: UUID, command: AddRegistryNumber) -> Household:
    """Add a registry number to a household.

    Numbers of every registry, past ones too, are kept beside one another; none is ever taken away.
    """
    return await _add(tx, await tx.ask(Household, household_id), command)


@use_case("persons.add_registry_number", scope=Scope.HOUSEHOLDS_WRITE, answers=PERSON, include=("registry_numbers",))
async def add_to_person(tx: Transaction, actor: Actor, person_id: UUID, command: AddRegistryNumber) -> Person:
    """Add a registry number to a person.

    Numbers of every registry, past ones too, are kept beside one another; none is ever taken away.
    """
    return await _add(tx, await tx.ask(Person, person_id), command)


async def _add(tx: Transaction, owner: Owner, command: AddRegistryNumber) -> Owner:
    if command.valid_from is not None and command.valid_to is not None and command.valid_to < command.valid_from:
        raise errors.Invalid.at("/valid_to", "range", "Give a day that is not before valid_from.")
    if await tx.value(_SAME, owner.regency, owner.id, command.scheme.value, command.value):
        raise errors.Conflict("already_exists")
    number = RegistryNumber(
        regency=owner.regency,
        id=new_id(owner.KIND, owner.regency, tx.now),
        area=owner.area,
        owner_id=owner.id,
        scheme=command.scheme.value,
        value=command.value,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        source=command.source.value,
        created_at=tx.now,
    )
    await tx.insert(number)
    return await tx.change(owner, "registry_number_added", parts={"registry_numbers": [number]})


class SearchRegistryNumbers(Command):
    """A number of a national registry, and why it is looked up."""

    scheme: RegistryScheme = Field(description="The registry.", examples=["ID_DTKS"])
    value: str = Field(pattern=_VALUE, description="The number, in the body only.", examples=["0000123456789012"])
    purpose: Purpose = Field(description="Why, for the access record.", examples=["CASE_INTAKE"])


class FoundOwner(BaseModel):
    """Whose number it is."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID | None = Field(
        description="The person; null for the number of a family.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"]
    )
    household_id: UUID | None = Field(
        description="The family, or the one that the person belongs to now.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )


class FoundOwners(BaseModel):
    """Whose number it is; empty for an unknown one and for one outside the caller's scope, the same either way."""

    model_config = ConfigDict(extra="forbid")

    items: list[FoundOwner] = Field(description=f"At most {MAX_FOUND}: a registry may have counted a family twice.")


@use_case("registry_numbers.search", scope=Scope.NIK_LOOKUP)
async def search(tx: Transaction, actor: Actor, command: SearchRegistryNumbers) -> Result:
    """Find a family or a person by a registry number.

    Searches the caller's own scope, past numbers too. Counts against the daily quotas as a NIK does (429 `quota_exhausted`
    until midnight in the regency), and stands in the access record.
    """
    if not actor.rows.tenants:
        raise errors.Forbidden("grant_unusable")
    found = [
        row
        for regency in actor.rows.tenants
        for row in await tx.fetch(_BY_VALUE, regency, command.scheme.value, command.value, MAX_FOUND)
    ]
    home = actor.rows.tenants[0]
    async with tx.effect(home):
        await quotas.take(tx, actor, home, Quota.NIK_LOOKUP)
    for regency in actor.rows.tenants:
        await tx.access(
            "registry_numbers.search",
            "registry_number",
            regency=regency,
            resource_id=None,
            purpose=command.purpose.value,
            rows=len(found),
        )
    items = []
    for row in found[:MAX_FOUND]:
        person = kind_of(row["owner_id"]) is Kind.PERSON
        items.append(
            {
                "person_id": row["owner_id"] if person else None,
                "household_id": row["household_id"] if person else row["owner_id"],
            }
        )
    return Result({"items": items})
