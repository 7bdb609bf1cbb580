"""The data that is measured: a server, roles, tables, and a regency of synthetic households loaded by COPY.

Nobody in here exists: all numbers are random bytes, as they would be for who has no key. COPY does not run under row
policies, so it is the superuser's; foreign keys hold by construction and are not checked again.
"""

import random
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from slrt_api.areas import dataset
from slrt_api.areas import reference as areas_reference
from slrt_api.cases import reference as cases_reference
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_number
from slrt_api.programs import reference as programs_reference
from slrt_api.runtime import events, migrations, roles
from slrt_api.runtime.embedded import EmbeddedPostgres

TENANT = 3326
REGENCY = "33.26"
DATABASE = "slrt"
MEMBERS = 4
#: cases in VERIFICATION, one for each transition that is measured
CASES = 160_000
#: households that have cases with referrals, for what is asked over three levels; at most a tenth of all
WORKED = 20_000
#: cases of such a household, and referrals of each of them
PARTS = 2
#: version, key id, nonce, 16 digits and tag: what `Keyring.encrypt` makes of a NIK
CIPHERTEXT_BYTES = 51
_CHUNK = 10_000
#: numbers of this process so far
_numbers: set[str] = set()
_START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
_PREFIX = "990101"
_GIVEN = ("Siti", "Budi", "Dewi", "Agus", "Rina", "Slamet", "Wahyu", "Nur", "Eko", "Sri", "Joko", "Fitri")
_FAMILY = ("Santoso", "Aminah", "Lestari", "Wibowo", "Hidayat", "Kurniawan", "Rahayu", "Susanto", "Utami", "Pratama")
_RELATIONS = (("HEAD", 35, 65), ("SPOUSE", 30, 60), ("CHILD", 0, 20), ("CHILD", 0, 20))

Rows = list[tuple[Any, ...]]

_COLUMNS = {
    "households": (
        *("regency", "id", "area", "version", "created_at", "updated_at"),
        *("address", "captured_at", "received_at", "registered_by"),
    ),
    "persons": ("regency", "id", "area", "name", "sex", "birth_date", "created_at"),
    "memberships": ("regency", "id", "area", "valid_from", "household_id", "relation", "position"),
    "identities": (
        *("regency", "id", "area", "owner_id", "type", "prefix"),
        *("ciphertext", "blind_index", "findings", "valid_from"),
    ),
    "cases": (
        *("regency", "id", "area", "version", "created_at", "updated_at", "number", "household_id", "status"),
        *("emergency", "received_at", "opened_by", "proposal_wanted", "assessed"),
        *("need_count", "open_needs", "referred_needs"),
    ),
    "needs": ("regency", "id", "area", "case_id", "person_id", "domain", "need", "status", "created_at"),
    "referrals": (
        *("regency", "id", "area", "version", "created_at", "updated_at", "number"),
        *("case_id", "need_id", "service", "status", "drafted_by"),
    ),
    "events": (
        *("regency", "aggregate_id", "sequence", "id", "area", "kind", "type", "at"),
        *("actor", "role", "sealed", "trace_id", "body", "hash"),
    ),
}


def villages() -> list[int]:
    """Ten-digit numbers of the current villages of the regency."""
    return [
        row.number
        for row in dataset.load_areas()
        if row.current and row.level.value == "VILLAGE" and row.code.startswith(REGENCY + ".")
    ]


async def prepare(
    server: EmbeddedPostgres, households: int, extend: Callable[[asyncpg.Connection], Awaitable[None]] | None = None
) -> None:
    """Roles, database, migrations, reference data and `households` households, unless they are there already.

    households  0: none of its own
    extend      what else a superuser does to the database
    """
    admin = await asyncpg.connect(server.superuser_url)
    await roles.create_roles(admin)
    await roles.create_database(admin, DATABASE)
    await admin.close()
    owner_url = server.url(roles.OWNER, DATABASE)
    await migrations.upgrade(owner_url)
    owner = await asyncpg.connect(owner_url)
    await areas_reference.load(owner)
    await programs_reference.load(owner)
    await cases_reference.load(owner)
    await owner.close()
    superuser = await asyncpg.connect(server.url("postgres", DATABASE))
    try:
        await superuser.execute("SET session_replication_role = replica")
        if households:
            await _fill(superuser, households)
        if extend is not None:
            await extend(superuser)
        for table in _COLUMNS:
            await superuser.execute(f"VACUUM ANALYZE {table}")
        await superuser.execute("CHECKPOINT")
    finally:
        await superuser.close()


async def _fill(superuser: asyncpg.Connection, households: int) -> None:
    """Households, their cases and referrals, unless they are there already."""
    present = await superuser.fetchval("SELECT count(*) FROM households")
    if present not in {0, households}:
        message = f"the kept data has {present} households, not {households}: remove it"
        raise SystemExit(message)
    if not present:
        for chunk in _chunks(households):
            await _copy(superuser, chunk)
    if await superuser.fetchval("SELECT count(*) FROM cases WHERE status = 'VERIFICATION'") < CASES / 2:
        places = await superuser.fetch("SELECT id, area FROM households ORDER BY id LIMIT $1", CASES)
        await _copy(superuser, _cases([(record["id"], record["area"]) for record in places]))
    if not await superuser.fetchval("SELECT EXISTS (SELECT FROM referrals)"):
        worked = await superuser.fetch(
            "SELECT household_id, area, id FROM memberships WHERE position = 0 ORDER BY household_id DESC LIMIT $1",
            min(WORKED, households // 10),
        )
        for start in range(0, len(worked), _CHUNK):
            await _copy(superuser, _work([tuple(record) for record in worked[start : start + _CHUNK]]))


async def _copy(superuser: asyncpg.Connection, chunk: dict[str, Rows]) -> None:
    for table, rows in chunk.items():
        await superuser.copy_records_to_table(table, columns=_COLUMNS[table], records=rows)


async def ids_of(server: EmbeddedPostgres, query: str) -> list[str]:
    """Ids that a query finds, in random order, the same in each run."""
    superuser = await asyncpg.connect(server.url("postgres", DATABASE))
    records = await superuser.fetch(query)
    await superuser.close()
    ids = sorted(str(record[0]) for record in records)
    random.Random(1).shuffle(ids)
    return ids


def _number(prefix: str) -> str:
    """A number that no other row has: of a few 100,000 random ones two may be the same, and COPY knows no second try."""
    number = new_number(prefix, TENANT)
    while number in _numbers:
        number = new_number(prefix, TENANT)
    _numbers.add(number)
    return number


def _chunks(households: int) -> Iterator[dict[str, Rows]]:
    chooser = random.Random(20261122)
    places = villages()
    for start in range(0, households, _CHUNK):
        chunk: dict[str, Rows] = {table: [] for table in _COLUMNS}
        for number in range(start, min(start + _CHUNK, households)):
            _household(chunk, chooser, chooser.choice(places), _START + timedelta(seconds=45 * number))
        yield chunk


def _household(chunk: dict[str, Rows], chooser: random.Random, area: int, at: datetime) -> None:
    id_ = new_id(Kind.HOUSEHOLD, TENANT, at)
    address = f"Dusun {chooser.choice(('I', 'II', 'III', 'IV'))} RT {chooser.randint(1, 9):02d} RW {chooser.randint(1, 6):02d}"
    chunk["households"].append((TENANT, id_, area, 1, at, at, address, at, at, "urn:bench#facilitator"))
    chunk["identities"].append(_identity(id_, area, "KK", [], at))
    for position, (relation, youngest, oldest) in enumerate(_RELATIONS):
        person = new_id(Kind.PERSON, TENANT, at)
        name = f"{chooser.choice(_GIVEN)} {chooser.choice(_FAMILY)}"
        born = date(2026, 1, 1) - timedelta(days=chooser.randint(youngest * 365, oldest * 365 + 364))
        chunk["persons"].append((TENANT, person, area, name, chooser.choice("FM"), born, at))
        chunk["memberships"].append((TENANT, person, area, at.date(), id_, relation, position))
        findings = ["NIK_PREFIX_UNKNOWN"] if chooser.random() < 0.1 else []
        chunk["identities"].append(_identity(person, area, "NIK", findings, at))


def _identity(owner: UUID, area: int, type_: str, findings: list[str], at: datetime) -> tuple[Any, ...]:
    bytes_ = secrets.token_bytes(CIPHERTEXT_BYTES), secrets.token_bytes(32)
    return (TENANT, new_id(Kind.PERSON, TENANT, at), area, owner, type_, _PREFIX, *bytes_, findings, at.date())


def _cases(households: list[tuple[UUID, int]]) -> dict[str, Rows]:
    """A case of each household that waits for its assessment, with the event that an act would have written."""
    chunk: dict[str, Rows] = {"cases": [], "events": []}
    opened_by, role, trace_id = "urn:bench#officer", "secretariat_officer", "0" * 32
    for number, (household, area) in enumerate(households):
        at = _START + timedelta(seconds=45 * number)
        id_, event_id = new_id(Kind.CASE, TENANT, at), new_id(Kind.EVENT, TENANT, at)
        recorded = events.record(
            event_id=event_id,
            regency=TENANT,
            aggregate=id_,
            kind=Kind.CASE,
            sequence=1,
            type_="case.opened",
            at=at,
            actor=opened_by,
            role=role,
            on_behalf_of=None,
            fields=["household_id", "number", "status"],
            values={"changes": {"status": {"before": None, "after": "VERIFICATION"}}},
            trace_id=trace_id,
        )
        body = recorded.body(events.GENESIS)
        flags = (False, at, opened_by, False, False, 0, 0, 0)
        chunk["cases"].append((TENANT, id_, area, 1, at, at, _number("KSS"), household, "VERIFICATION", *flags))
        chunk["events"].append(
            (
                *(TENANT, id_, 1, event_id, area, int(Kind.CASE), "case.opened", at),
                *(opened_by, role, False, trace_id, body, events.leaf(body)),
            )
        )
    return chunk


def _work(households: list[tuple[UUID, int, UUID]]) -> dict[str, Rows]:
    """Cases in service, their needs, and a drafted referral of each need. They are only read, and so have no events.

    households  (id, area, a member's id)
    """
    chunk: dict[str, Rows] = {"cases": [], "needs": [], "referrals": []}
    by = "urn:bench#officer"
    for number, (household, area, person) in enumerate(households):
        at = _START + timedelta(days=200, seconds=45 * number)
        for _ in range(PARTS):
            case = new_id(Kind.CASE, TENANT, at)
            name = _number("KSS")
            flags = (False, at, by, False, True, PARTS, PARTS, 0)
            chunk["cases"].append((TENANT, case, area, 1, at, at, name, household, "IN_SERVICE", *flags))
            for _ in range(PARTS):
                need, referral = new_id(Kind.NEED, TENANT, at), new_id(Kind.REFERRAL, TENANT, at)
                wanted = ("SOCIAL_WELFARE", "CASH_TRANSFER", "OPEN")
                chunk["needs"].append((TENANT, need, area, case, person, *wanted, at))
                spoken = _number("RJK")
                wanted = ("CASH_TRANSFER", "DRAFT", by)
                chunk["referrals"].append((TENANT, referral, area, 1, at, at, spoken, case, need, *wanted))
    return chunk
