"""Use cases of the registry: check a household against the newest release, and load a release."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes, places
from slrt_api.households.models import Household, Identity
from slrt_api.households.service import vault
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.registry import rules
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.registry.models import Snapshot
from slrt_api.registry.service import facts
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.events import plain
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

MAX_ENTRIES = 100_000


@dataclass(frozen=True)
class Check:
    """What the newest release says of a household."""

    outcome: RegistryOutcome
    snapshot: Snapshot


class CheckHousehold(Command):
    """A household to look up."""

    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )


class ReleaseEntry(Command):
    """One person of a release, as delivered: numbers may be anomalous, the rank may be missing."""

    nik: str = Field(min_length=1, max_length=32, examples=["9901014505880003"])
    kk: str = Field(min_length=1, max_length=32, examples=["9901010101120007"])
    birth_date: date | None = Field(default=None, examples=["1988-05-05"])
    desil: int | None = Field(default=None, ge=1, le=10, examples=[2])


class LoadRelease(Command):
    """A release of the registry for one regency, whole."""

    source: str = Field(min_length=1, max_length=30, examples=["DTSEN"])
    release: str = Field(min_length=1, max_length=30, examples=["2026-Q3"])
    as_of: date = Field(examples=["2026-09-30"])
    area_code: str = Field(description="The regency.", examples=["33.26"])
    entries: tuple[ReleaseEntry, ...] = Field(max_length=MAX_ENTRIES)


@use_case("registry.check", scope=Scope.REGISTRY_CHECK)
async def check_household(tx: Transaction, actor: Actor, command: CheckHousehold) -> Result:
    """Check a household against the national registry.

    Against the newest release that the regency has, by NIK and KK number. `NOT_FOUND` is a finding and stops nothing;
    `AMBIGUOUS` means that the numbers lead to several families or to one person several times. Nothing is stored but
    that you looked: the check that counts for a case is the one of its `VERIFY`.
    """
    household = await tx.find(Household, command.household_id)
    if household is None:
        raise errors.Invalid.reference("/household_id")
    found = await check(tx, household)
    if found is None:
        raise errors.Conflict("registry_not_loaded")
    await tx.access(
        "registry.check",
        "household",
        regency=household.regency,
        resource_id=household.id,
        purpose="REGISTRY_CHECK",
        rows=1,
    )
    snapshot = found.snapshot
    return Result(
        {
            "outcome": found.outcome.value,
            "snapshot": {
                "id": str(snapshot.id),
                "source": snapshot.source,
                "release": snapshot.release,
                "as_of": plain(snapshot.as_of),
            },
            "checked_at": plain(tx.now),
        }
    )


async def check(tx: Transaction, household: Household) -> Check | None:
    """Look a household that the caller may see up in the newest release; None while its regency has none.

    The entries are looked up by the effect role, because nobody may read them: the answer is all that leaves.
    """
    async with tx.effect(household.regency):
        newest = await tx.rows(
            Snapshot, "regency = $1 ORDER BY as_of DESC, loaded_at DESC, id DESC LIMIT 1", household.regency
        )
        if not newest:
            return None
        numbers = await tx.rows(Identity, _NUMBERS, household.regency, household.id)
        indexes: dict[str, set[bytes]] = {"NIK": set(), "KK": set()}
        for number in numbers:
            # The release keeps the index key that it was loaded with, whatever the household's numbers have rotated to.
            indexes[number.type].add(vault.index_under(tx.keyring, newest[0].index_key, number))
        matches = await tx.first(_MATCHES, household.regency, newest[0].id, list(indexes["NIK"]), list(indexes["KK"]))
    families, repeated = (matches["families"], matches["repeated"]) if matches else (0, False)
    return Check(rules.outcome(families, repeated=repeated), newest[0])


#: numbers of the household $2 now: its card's, and its members'
_NUMBERS = """regency = $1 AND valid_to IS NULL AND owner_id = ANY (ARRAY(
    SELECT $2 UNION ALL
    SELECT m.id FROM memberships m WHERE m.regency = $1 AND m.household_id = $2 AND m.valid_to IS NULL))"""
#: $1 regency, $2 snapshot, $3 indexes of NIKs, $4 indexes of KK numbers
_MATCHES = """
WITH by_nik AS (
    SELECT e.nik_index, e.kk_index FROM registry_entries e
    WHERE e.regency = $1 AND e.snapshot_id = $2 AND e.nik_index = ANY ($3::bytea[])
), by_kk AS (
    SELECT e.kk_index FROM registry_entries e
    WHERE e.regency = $1 AND e.snapshot_id = $2 AND e.kk_index = ANY ($4::bytea[])
)
SELECT (SELECT count(*) FROM (SELECT kk_index FROM by_nik UNION SELECT kk_index FROM by_kk) f) AS families,
       EXISTS (SELECT FROM by_nik GROUP BY nik_index HAVING count(*) > 1) AS repeated
"""


@use_case("registry.load_release", scope=Scope.IMPORTS_WRITE)
async def load_release(tx: Transaction, actor: Actor, command: LoadRelease) -> None:
    """Load a release of the national registry for one regency.

    Numbers are kept as blind indexes only; the rank (desil) as delivered, never computed or edited here. What it tells of
    families and people who are registered stands beside them with the same act (`registry_facts`).
    """
    regency = places.tenant(command.area_code)
    code = codes.parse_area_code(command.area_code)
    if code.level is not codes.Level.REGENCY:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency, such as 33.26.")
    if actor.rows.regency != regency:
        raise errors.OutOfScope
    area = codes.area_number(code)
    snapshot = Snapshot(
        regency=regency,
        id=new_id(Kind.SNAPSHOT, regency, tx.now),
        area=area,
        created_at=tx.now,
        updated_at=tx.now,
        source=command.source,
        release=command.release,
        as_of=command.as_of,
        loaded_at=tx.now,
        entries=len(command.entries),
        index_key=tx.keyring.index_key_id,
    )
    await tx.create(snapshot, "loaded")
    index = tx.keyring.blind_index
    await tx.execute(
        "INSERT INTO registry_entries (regency, id, area, snapshot_id, nik_index, kk_index, birth_date, desil)"
        " SELECT $1, e.id, $2, $3, e.nik_index, e.kk_index, e.birth_date, e.desil"
        " FROM unnest($4::uuid[], $5::bytea[], $6::bytea[], $7::date[], $8::smallint[])"
        " AS e (id, nik_index, kk_index, birth_date, desil)",
        regency,
        area,
        snapshot.id,
        [new_id(Kind.REGISTRY_ENTRY, regency, tx.now) for _ in command.entries],
        [index("NIK", entry.nik) for entry in command.entries],
        [index("KK", entry.kk) for entry in command.entries],
        [entry.birth_date for entry in command.entries],
        [entry.desil for entry in command.entries],
    )
    await facts.match_release(tx, snapshot)
