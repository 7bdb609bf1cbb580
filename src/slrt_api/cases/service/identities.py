"""Look people up by NIK or KK number, and show a number in full.

Each counts against the daily quotas, and leaves an access record that is committed before the answer. Both stand with the
cases, because a case may (search) or must (reveal) be named as what the number is needed for.
"""

from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.cases.models import Case
from slrt_api.households import identity
from slrt_api.households.codes import IdentityType, Purpose
from slrt_api.households.models import Identity, Person
from slrt_api.households.service import number_of
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

MAX_FOUND: Final = 100
#: $1 regency, $2 the index of the number under every index key, $3 how many
_BY_NIK: Final = """
SELECT p.id, p.name, m.household_id, i.prefix
FROM identities i
JOIN persons p ON p.regency = i.regency AND p.id = i.owner_id
LEFT JOIN memberships m ON m.regency = p.regency AND m.id = p.id AND m.valid_to IS NULL
WHERE i.regency = $1 AND i.blind_index = ANY ($2::bytea[]) AND i.type = 'NIK' AND i.valid_to IS NULL
ORDER BY p.id LIMIT $3
"""
_BY_KK: Final = """
SELECT p.id, p.name, m.household_id,
       (SELECT n.prefix FROM identities n WHERE n.regency = p.regency AND n.owner_id = p.id AND n.type = 'NIK'
        AND n.valid_to IS NULL ORDER BY n.id DESC LIMIT 1) AS prefix
FROM identities i
JOIN memberships m ON m.regency = i.regency AND m.household_id = i.owner_id AND m.valid_to IS NULL
JOIN persons p ON p.regency = m.regency AND p.id = m.id
WHERE i.regency = $1 AND i.blind_index = ANY ($2::bytea[]) AND i.type = 'KK' AND i.valid_to IS NULL
ORDER BY m.household_id, m.position LIMIT $3
"""
_MEMBER: Final = """
SELECT EXISTS (SELECT FROM memberships WHERE regency = $1 AND id = $2 AND household_id = $3 AND valid_to IS NULL)
"""


class SearchPersons(Command):
    """A NIK or the number of a family card, and why it is looked up."""

    nik: str | None = Field(
        default=None, description="16 digits, in the body only. Give this or `kk`.", examples=["9901014505880003"]
    )
    kk: str | None = Field(
        default=None, description="Number of a family card, 16 digits, in the body only.", examples=[None]
    )
    purpose: Purpose = Field(description="Why, for the access record.", examples=["CASE_INTAKE"])
    case_id: UUID | None = Field(
        default=None,
        description="An open case in your scope that it is needed for, for the access record.",
        examples=[None],
    )


class FoundPerson(BaseModel):
    """A person of the caller's scope who holds the NIK, or belongs to the family with the card."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID = Field(description="Id of the person.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    household_id: UUID | None = Field(
        description="The household the person belongs to now.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    name: str = Field(description="Name.", examples=["Siti Aminah"])
    nik: str | None = Field(
        description="NIK, masked; null for a member of the family without one.", examples=["990101**********"]
    )


class FoundPersons(BaseModel):
    """Who was found; empty for an unknown number and for one outside the caller's scope, the same either way."""

    model_config = ConfigDict(extra="forbid")

    items: list[FoundPerson] = Field(
        description=f"At most {MAX_FOUND}; two people may claim one NIK, and two families one card."
    )


@use_case("persons.search", scope=Scope.NIK_LOOKUP)
async def search(tx: Transaction, actor: Actor, command: SearchPersons) -> Result:
    """Find people by NIK or by the number of their family card.

    Give exactly one number. A KK number finds the people who belong now to the family whose current card it is. Searches the
    caller's own scope: an unknown number and one that belongs to somebody elsewhere answer alike, and both count against
    the daily quotas (429 `quota_exhausted` until midnight in the regency).
    """
    type_, number = _number(command)
    if not actor.rows.tenants:
        # A scope of no single regency has no day and no place to count in; no role that may search has one.
        raise errors.Forbidden("grant_unusable")
    if command.case_id is not None:
        await _open_case(tx, command.case_id)
    sql = _BY_NIK if type_ is IdentityType.NIK else _BY_KK
    indexes = tx.keyring.blind_indexes(type_.value, number)
    found = [row for regency in actor.rows.tenants for row in await tx.fetch(sql, regency, indexes, MAX_FOUND)]
    home = actor.rows.tenants[0]
    async with tx.effect(home):
        await quotas.take(tx, actor, home, Quota.NIK_LOOKUP)
    for regency in actor.rows.tenants:
        await tx.access(
            "persons.search",
            "person",
            regency=regency,
            resource_id=None,
            purpose=command.purpose.value,
            rows=len(found),
            case_id=command.case_id,
        )
    return Result(
        {
            "items": [
                {
                    "person_id": row["id"],
                    "household_id": row["household_id"],
                    "name": row["name"],
                    "nik": identity.mask(row["prefix"]) if row["prefix"] else None,
                }
                for row in found[:MAX_FOUND]
            ]
        }
    )


class RevealNumber(Command):
    """Which number is needed in full, why, and for which case."""

    type: IdentityType = Field(
        default=IdentityType.NIK,
        description="`NIK` of the person, or `KK`: the card of the family that the person belongs to now.",
        examples=["NIK"],
    )
    purpose: Purpose = Field(description="Why, for the access record.", examples=["VERIFICATION"])
    case_id: UUID = Field(
        description="An open case, in your scope, of the household that the person belongs to now.",
        examples=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"],
    )


class RevealedNumber(BaseModel):
    """A number in full."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID = Field(description="Id of the person.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    type: IdentityType = Field(description="Which number was asked for.", examples=["NIK"])
    nik: str | None = Field(
        description="The NIK; null where the KK was asked for, and for a person without one.",
        examples=["9901014505880003"],
    )
    kk: str | None = Field(
        description="The KK number; null where the NIK was asked for, and for a family without one.", examples=[None]
    )


@use_case("persons.reveal", scope=Scope.NIK_REVEAL, conditional=False)
async def reveal(tx: Transaction, actor: Actor, person_id: UUID, command: RevealNumber) -> Result:
    """Show a person's NIK or KK number in full.

    For a case of the person's household that has not ended. The access, with its purpose and case, is on record before the
    answer leaves, and counts against the daily quotas (429 `quota_exhausted` until midnight in the regency).
    """
    person = await tx.get(Person, person_id)
    case = await _open_case(tx, command.case_id)
    if case.regency != person.regency or not await tx.value(_MEMBER, person.regency, person.id, case.household_id):
        raise errors.Invalid.reference("/case_id")
    held = await tx.rows(
        Identity,
        "regency = $1 AND owner_id = $2 AND type = $3 AND valid_to IS NULL ORDER BY id DESC LIMIT 1",
        person.regency,
        person.id if command.type is IdentityType.NIK else case.household_id,
        command.type.value,
    )
    number = number_of(tx.keyring, held[0]) if held else None
    async with tx.effect(person.regency):
        await quotas.take(tx, actor, person.regency, Quota.REVEAL)
    await tx.access(
        "persons.reveal",
        "person",
        regency=person.regency,
        resource_id=person_id,
        purpose=command.purpose.value,
        rows=len(held),
        case_id=case.id,
    )
    shown: dict[str, str | None] = {"nik": None, "kk": None, command.type.value.lower(): number}
    return Result({"person_id": person_id, "type": command.type.value, **shown})


def _number(command: SearchPersons) -> tuple[IdentityType, str]:
    """The one number that is looked up. Raises Invalid for none, two, and malformed ones."""
    if command.nik is not None and command.kk is not None:
        raise errors.Invalid.at("/kk", "one_number_only", "Give nik or kk, not both.")
    if command.kk is not None:
        if not identity.well_formed(command.kk):
            raise errors.Invalid.at("/kk", "kk_malformed", "Give 16 digits.")
        return IdentityType.KK, command.kk
    if command.nik is None:
        raise errors.Invalid.at("/nik", "number_required", "Give nik or kk.")
    if not identity.well_formed(command.nik):
        raise errors.Invalid.at("/nik", "nik_malformed", "Give 16 digits.")
    return IdentityType.NIK, command.nik


async def _open_case(tx: Transaction, case_id: UUID) -> Case:
    """The case that a number is needed for. Raises Invalid for one that is unknown, out of sight or ended."""
    case = await tx.find(Case, case_id)
    if case is None or case.closed_at is not None:
        raise errors.Invalid.reference("/case_id")
    return case
