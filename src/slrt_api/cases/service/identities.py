"""Look people up by NIK or KK number or by name, and show a number in full.

Each counts against the daily quotas, and leaves an access record that is committed before the answer. Both stand with the
cases, because a case may (search) or must (reveal) be named as what the number is needed for.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.areas import codes as area_codes
from slrt_api.cases.models import Case
from slrt_api.households import identity, names
from slrt_api.households.codes import IdentityType, Purpose
from slrt_api.households.models import Identity, Person
from slrt_api.households.service import number_of
from slrt_api.households.service import search as by_name
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

MAX_FOUND: Final = 100
MAX_NAMED: Final = 20
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
#: $1 regency, $2 the people who were found
_BY_ID: Final = """
SELECT p.id, p.name, m.household_id,
       (SELECT n.prefix FROM identities n WHERE n.regency = p.regency AND n.owner_id = p.id AND n.type = 'NIK'
        AND n.valid_to IS NULL ORDER BY n.id DESC LIMIT 1) AS prefix
FROM persons p
LEFT JOIN memberships m ON m.regency = p.regency AND m.id = p.id AND m.valid_to IS NULL
WHERE p.regency = $1 AND p.id = ANY ($2::uuid[])
"""
_MEMBER: Final = """
SELECT EXISTS (SELECT FROM memberships WHERE regency = $1 AND id = $2 AND household_id = $3 AND valid_to IS NULL)
"""


class SearchPersons(Command):
    """A NIK, the number of a family card or a name, and why it is looked up."""

    nik: str | None = Field(
        default=None,
        description="16 digits, in the body only. Give this, `kk` or `name`.",
        examples=["9901014505880003"],
    )
    kk: str | None = Field(
        default=None, description="Number of a family card, 16 digits, in the body only.", examples=[None]
    )
    name: str | None = Field(
        default=None,
        min_length=2,
        max_length=150,
        description="Words of a name or their beginnings, in any order and spelling; titles do not count.",
        examples=[None],
    )
    birth_year: int | None = Field(
        default=None,
        ge=1850,
        le=2200,
        description="With a name: about when they were born. People whose birth date is unknown are found too.",
        examples=[None],
    )
    birth_year_margin: int = Field(
        default=2, ge=0, le=10, description="How many years the birth year may be off, either way.", examples=[2]
    )
    area_code: str | None = Field(
        default=None,
        max_length=13,
        description="With a name: in this area or below, a Kemendagri code of any level.",
        examples=[None],
    )
    purpose: Purpose = Field(description="Why, for the access record.", examples=["CASE_INTAKE"])
    case_id: UUID | None = Field(
        default=None,
        description="An open case in your scope that it is needed for, for the access record.",
        examples=[None],
    )


class FoundPerson(BaseModel):
    """A person of the caller's scope who holds the NIK, belongs to the family with the card, or is called so."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID = Field(description="Id of the person.", examples=["019aaa11-2233-8000-8cfe-08b1c2d3e4f5"])
    household_id: UUID | None = Field(
        description="The household the person belongs to now.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    name: str = Field(description="Name.", examples=["Siti Aminah"])
    nik: str | None = Field(description="NIK, masked; null for a person without one.", examples=["990101**********"])
    score: float | None = Field(
        default=None,
        description="How well the name and the birth year answer, from 0.6 to 1; null for a search by number.",
        examples=[None],
    )


class FoundPersons(BaseModel):
    """Who was found; empty for an unknown number or name and for one outside the caller's scope, the same either way."""

    model_config = ConfigDict(extra="forbid")

    items: list[FoundPerson] = Field(
        description=f"At most {MAX_FOUND}; two people may claim one NIK, and two families one card. By name, the"
        f" {MAX_NAMED} who answer best, the best first."
    )
    more: bool = Field(
        default=False,
        description="Whether others answer to the name who are not shown: add a word, a birth year or a village.",
        examples=[False],
    )


@use_case("persons.search", scope=Scope.NIK_LOOKUP)
async def search(tx: Transaction, actor: Actor, command: SearchPersons) -> Result:
    """Find people by NIK, by the number of their family card, or by name.

    Give exactly one of the three. A KK number finds the people who belong now to the family whose current card it is. A name is
    found by any of its words and their beginnings, however they are spelled (Siti, Sitti; Muh., Muhammad; Soekarno, Sukarno;
    Djoko, Joko), narrowed by `birth_year` and `area_code`, and leaves out those who have ended.

    Searches the caller's own scope: what is unknown and what belongs to somebody elsewhere answer alike, and both count against
    the daily quotas, one of numbers and one of names (429 `quota_exhausted` until midnight in the regency).
    """
    asked = _asked(command)
    if not actor.rows.tenants:
        # A scope of no single regency has no day and no place to count in; no role that may search has one.
        raise errors.Forbidden("grant_unusable")
    if command.case_id is not None:
        await _open_case(tx, command.case_id)
    if isinstance(asked, by_name.Query):
        items, more = await _called(tx, actor.rows.tenants, asked)
    else:
        items, more = await _numbered(tx, actor.rows.tenants, *asked), False
    home = actor.rows.tenants[0]
    # Taken late: the row of an office is locked until the end, and its people wait for each other.
    async with tx.effect(home):
        await quotas.take(tx, actor, home, Quota.NAME_SEARCH if isinstance(asked, by_name.Query) else Quota.NIK_LOOKUP)
    for regency in actor.rows.tenants:
        await tx.access(
            "persons.search",
            "person",
            regency=regency,
            resource_id=None,
            purpose=command.purpose.value,
            rows=len(items),
            case_id=command.case_id,
        )
    return Result({"items": items, "more": more})


async def _numbered(
    tx: Transaction, regencies: Sequence[int], type_: IdentityType, number: str
) -> list[dict[str, Any]]:
    """Who holds a NIK, or belongs to the family with a card, as answered."""
    sql = _BY_NIK if type_ is IdentityType.NIK else _BY_KK
    indexes = tx.keyring.blind_indexes(type_.value, number)
    found = [row for regency in regencies for row in await tx.fetch(sql, regency, indexes, MAX_FOUND)]
    return [_item(row, None) for row in found[:MAX_FOUND]]


async def _called(tx: Transaction, regencies: Sequence[int], query: by_name.Query) -> tuple[list[dict[str, Any]], bool]:
    """Who is called like this, the best first, as answered, and whether there are more than are shown."""
    answers = [await by_name.find(tx, regency, query) for regency in regencies]
    found = sorted((each for answer in answers for each in answer.found), key=by_name.rank)
    more = len(found) > MAX_NAMED or any(answer.more for answer in answers)
    shown = found[:MAX_NAMED]
    rows: dict[UUID, Any] = {}
    for regency in {each.regency for each in shown}:
        ids = [each.person_id for each in shown if each.regency == regency]
        rows |= {row["id"]: row for row in await tx.fetch(_BY_ID, regency, ids)}
    return [_item(rows[each.person_id], each.score) for each in shown], more


def _item(row: Any, score: float | None) -> dict[str, Any]:
    return {
        "person_id": row["id"],
        "household_id": row["household_id"],
        "name": row["name"],
        "nik": identity.mask(row["prefix"]) if row["prefix"] else None,
        "score": score,
    }


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


def _asked(command: SearchPersons) -> tuple[IdentityType, str] | by_name.Query:
    """The one number or name that is looked up. Raises Invalid for none, several, and what cannot be one."""
    given = [name for name in ("nik", "kk", "name") if getattr(command, name) is not None]
    if not given:
        raise errors.Invalid.at("/nik", "number_required", "Give nik, kk or name.")
    if len(given) > 1:
        raise errors.Invalid.at(f"/{given[1]}", "one_number_only", "Give one of nik, kk and name.")
    if command.name is not None:
        return _named(command, command.name)
    for member in ("birth_year", "area_code", "birth_year_margin"):
        if member in command.model_fields_set and getattr(command, member) is not None:
            raise errors.Invalid.at(f"/{member}", "invalid", "Give it with a name only.")
    if command.kk is not None:
        if not identity.well_formed(command.kk):
            raise errors.Invalid.at("/kk", "kk_malformed", "Give 16 digits.")
        return IdentityType.KK, command.kk
    if command.nik is None or not identity.well_formed(command.nik):
        raise errors.Invalid.at("/nik", "nik_malformed", "Give 16 digits.")
    return IdentityType.NIK, command.nik


def _named(command: SearchPersons, text: str) -> by_name.Query:
    """The search by name. Raises Invalid for a name without a word, and for an area that is none by its form."""
    name = names.parse(text)
    if not any(len(word) > 1 for word in name.words):
        raise errors.Invalid.at("/name", "invalid", "Give at least two letters of a name.")
    # An area elsewhere is no fault: it holds nobody whom the caller may see, as an area without people does.
    area = None
    if command.area_code is not None:
        try:
            area = area_codes.area_range(command.area_code)
        except area_codes.AreaCodeError:
            raise errors.Invalid.at(
                "/area_code", "area_unknown", "Give a Kemendagri code such as 33.26.01.2001."
            ) from None
    return by_name.Query(name, command.birth_year, command.birth_year_margin, area)


async def _open_case(tx: Transaction, case_id: UUID) -> Case:
    """The case that a number is needed for. Raises Invalid for one that is unknown, out of sight or ended."""
    case = await tx.find(Case, case_id)
    if case is None or case.closed_at is not None:
        raise errors.Invalid.reference("/case_id")
    return case
