"""Plans under row policies: what is asked most, by every kind of scope, never reads a tenant table from end to end.

`make soak` asks at a million rows, `make test` at a size at which the planner, left as it is, prefers indexes already.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tests.api import running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.sizes import size
from tests.volume import DISTRICTS, LARGE, REGENCIES, VILLAGES, Volume, fill

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.audit.shapes import ACCESS
from slrt_api.cases.shapes import CASE
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.households import names
from slrt_api.households.service import search
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.reads import Query, Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Link, Shape, select
from slrt_api.runtime.transaction import Transaction

SHAPES = (HOUSEHOLD, CASE, REFERRAL, COMPLAINT, ACCESS)
ROWS = size(30_000, 1_000_000)
HERE = REGENCIES[0]
VILLAGE = HERE * 1_000_000 + 1 * 10_000 + 2001
KEYRING = Keyring({"k": b"1" * 32}, b"2" * 32)
READS = Reads(KEYRING)


def villages(number: int) -> tuple[int, ...]:
    """The first so many villages, regency by regency."""
    found = [
        regency * 1_000_000 + district * 10_000 + 2001 + village
        for regency in REGENCIES
        for district in range(1, DISTRICTS + 1)
        for village in range(VILLAGES)
    ]
    return tuple(found[:number])


def ranged(kind: ScopeKind, code: int, digits: int, tenants: tuple[int, ...] = (), **more: Any) -> RowScope:
    """A scope of an area: `digits` of the ten of its number are `code`."""
    below = 10 ** (10 - digits)
    return RowScope(kind, tenants, lo=code * below, hi=code * below + below - 1, **more)


def scopes(ids: dict[str, UUID]) -> dict[str, tuple[Role, RowScope]]:
    """Every kind of scope, at every width that a grant may have."""
    staff, auditor, escalated = ScopeKind.AREA_RANGE, ScopeKind.AUDITOR, ScopeKind.ESCALATED
    one, four = (HERE,), REGENCIES[:4]
    return {
        "village": (Role.PUSKESOS_OFFICER, ranged(staff, VILLAGE, 10, one)),
        "district": (Role.SUPERVISOR, ranged(staff, HERE * 100 + 1, 6, one)),
        "regency": (Role.SECRETARIAT_MANAGER, ranged(staff, HERE, 4, one)),
        "province": (Role.SECRETARIAT_MANAGER, ranged(staff, 33, 2, spread=four)),
        "50 villages": (Role.FACILITATOR, RowScope(ScopeKind.AREA_LIST, one, areas=villages(50))),
        "many villages": (
            Role.FACILITATOR,
            RowScope(ScopeKind.AREA_LIST, four, four, areas=villages(size(250, 1_000))),
        ),
        "organization": (Role.PARTNER, RowScope(ScopeKind.ORGANIZATION, organization_id=ids["organization"])),
        "program": (
            Role.PROGRAM_MANAGER,
            ranged(ScopeKind.PROGRAM, HERE, 4, one, program_ids=(ids["program"],)),
        ),
        "subject": (Role.CITIZEN, RowScope(ScopeKind.SUBJECT, subject_id=ids["citizen"])),
        "auditor of a regency": (Role.AUDITOR, ranged(auditor, HERE, 4, one)),
        "auditor of a province": (Role.AUDITOR, ranged(auditor, 33, 2, spread=four)),
        "office of the province": (Role.PROVINCE_OFFICE, ranged(escalated, 33, 2, level=1)),
        "office of the nation": (Role.NATIONAL_OFFICE, RowScope(escalated, lo=0, hi=9_999_999_999, level=2)),
    }


@dataclass(frozen=True)
class Question:
    """One read of the engine."""

    name: str
    shape: Shape
    query: Query | None = None
    include: tuple[str, ...] = ()
    link: Link | None = None


def questions(shape: Shape, kind: ScopeKind) -> Iterator[Question]:
    """The item with each link, the list by each sort and filter with its count, and a page of each link."""
    links = [link for link in shape.links.values() if _readable(link.to, kind)]
    yield Question("item", shape)
    for link in links:
        if not link.embedded:
            yield Question(f"item with {link.name}", shape, include=(link.name,))
        if not link.single:
            yield Question(f"{link.name} of one", shape, Query(sort=None), link=link)
    yield Question("list", shape, Query())
    yield Question("count", shape, Query(total=True))
    for sort in shape.sorts:
        for sign in ("", "-"):
            yield Question(f"list by {sign}{sort}", shape, Query(sort=sign + sort))
    for name, value in FILTERS.items():
        if name in shape.filters:
            wanted = [STATUS[shape.name]] if name == "status" else value
            yield Question(f"list by {name}", shape, Query(((name, wanted),), total=True))


def _readable(shape: Shape, kind: ScopeKind) -> bool:
    embedded = (link.to for link in shape.links.values() if link.embedded)
    return kind in shape.kinds and all(_readable(each, kind) for each in embedded)


#: what lists are asked by most, as the parsers leave it
FILTERS: dict[str, Any] = {
    "area_code": [VILLAGE, VILLAGE],
    "status": None,
    "household_id": new_id(Kind.HOUSEHOLD, HERE),
    "case_id": new_id(Kind.CASE, HERE),
    "organization_id": new_id(Kind.ORGANIZATION, 0),
    "resource_id": new_id(Kind.HOUSEHOLD, HERE),
    "actor": "https://id.example#7",
    "number": "KSS-7",
    "escalation": [1, 2],
    "updated_from": datetime(2027, 1, 1, tzinfo=UTC),
    "at_from": datetime(2027, 1, 1, tzinfo=UTC),
}
STATUS = {"case": "IN_SERVICE", "referral": "SENT", "complaint": "RECEIVED"}


class Planner:
    """A connection that asks for the plan of each statement before it runs it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.plans: list[Any] = []

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        await self._plan(sql, values)
        return await self._connection.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        await self._plan(sql, values)
        return await self._connection.fetchval(sql, *values)

    async def _plan(self, sql: str, values: tuple[Any, ...]) -> None:
        found = await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
        self.plans.append(json.loads(found)[0]["Plan"])


#: read by everybody and small enough to be read whole
NATIONAL = {
    "organizations",
    "organization_services",
    "organization_areas",
    "organization_officers",
    "programs",
    "areas",
}


def scanned(plan: Any) -> Iterator[str]:
    """Tenant tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] not in NATIONAL:
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from scanned(below)


@pytest_asyncio.fixture(scope="module")
async def filled(make_database: MakeDatabase) -> tuple[MigratedDatabase, Volume]:
    database = await make_database("slrt_plans")
    superuser = await asyncpg.connect(database.admin_url)
    volume = await fill(superuser, ROWS)
    await superuser.close()
    return database, volume


@pytest_asyncio.fixture
async def api_login(filled: tuple[MigratedDatabase, Volume]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(filled[0].api_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def ids(filled: tuple[MigratedDatabase, Volume]) -> dict[str, UUID]:
    """Ids by which scopes are cut, and one resource of each kind in the first village."""
    owner = await asyncpg.connect(filled[0].owner_url)
    found = {
        name: await owner.fetchval(f"SELECT {filled[1].id(kind, number)}")
        for name, kind, number in (("organization", Kind.ORGANIZATION, 3), ("program", Kind.PROGRAM, 3))
    }
    found["citizen"] = await owner.fetchval("SELECT min(reporter_id::text)::uuid FROM complaints")
    for shape in SHAPES:
        table = shape.source.split()[0]
        area = HERE * 1_000_000 if shape is ACCESS else VILLAGE
        found[shape.name] = await owner.fetchval(f"SELECT id FROM {table} WHERE area = $1 LIMIT 1", area)
    await owner.close()
    return found


SCOPES = tuple(scopes({"organization": UUID(int=0), "program": UUID(int=0), "citizen": UUID(int=0)}))


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES)
async def test_no_tenant_table_is_read_from_end_to_end(
    filled: tuple[MigratedDatabase, Volume], api_login: asyncpg.Connection, ids: dict[str, UUID], scope: str
) -> None:
    role, rows = scopes(ids)[scope]
    actor = Actor("test#planner", role.value, frozenset(each.value for each in PERMISSIONS[role]), rows)
    asked, wrong = 0, []
    for shape in SHAPES:
        if rows.kind not in shape.kinds:
            continue
        for question in questions(shape, rows.kind):
            planner = Planner(api_login)
            async with api_login.transaction(readonly=True):
                await api_login.execute(rows.sql)
                await ask(planner, actor, question, ids[shape.name])
            assert planner.plans
            asked += 1
            wrong += [f"{shape.name} {question.name}: {table}" for plan in planner.plans for table in scanned(plan)]
    assert asked > 10
    tenant = {f"{each}" for each in wrong if each.rpartition(" ")[2] not in NATIONAL}
    assert tenant == set()


NATIONAL = {
    "organizations",
    "organization_services",
    "organization_areas",
    "organization_officers",
    "programs",
    "areas",
}


async def ask(planner: Planner, actor: Actor, question: Question, id_: UUID) -> None:
    selection = select(question.link.to if question.link else question.shape, question.include)
    try:
        if question.query is None:
            await READS.item(planner, actor, selection, id_)
        else:
            parent = (question.shape, question.link, id_) if question.link else None
            await READS.page(planner, actor, selection, question.query, parent=parent)
    except errors.NotFound:
        # What this scope does not reach is looked for all the same.
        pass


async def test_a_search_by_nik_or_kk_and_an_act_find_their_rows_by_index(
    filled: tuple[MigratedDatabase, Volume],
    ids: dict[str, UUID],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What use cases ask by SQL of their own: each SELECT of theirs is planned where and as it is asked."""
    plans: list[Any] = []

    def planned(name: str) -> None:
        usual = getattr(Transaction, name)

        async def run(tx: Transaction, sql: str, *values: Any) -> Any:
            if sql.lstrip().startswith("SELECT"):
                plans.append(
                    json.loads(await tx._connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))[0]["Plan"]
                )
            return await usual(tx, sql, *values)

        monkeypatch.setattr(Transaction, name, run)

    for name in ("fetch", "first", "value"):
        planned(name)
    async with running_api(filled[0].api_url, tmp_path) as api:
        officer = api.as_("puskesos_officer", area="33.26.01.2001")
        for body in ({"nik": "9901014505880003"}, {"kk": "9901010101120007"}):
            found = await officer.post("/v1/persons/search", json={**body, "purpose": "CASE_INTAKE"})
            assert (found.status_code, found.json()["items"]) == (200, [])
        case, complaint = ids["case"], ids["complaint"]
        for path, asked in ((f"cases/{case}", {"action": "VERIFY"}), (f"complaints/{complaint}", {"action": "TRIAGE"})):
            answer = await officer.post(f"/v1/{path}/transitions", json=asked, headers={"if-match": '"1"'})
            assert answer.status_code in {200, 409}, answer.text
    assert {table for plan in plans for table in scanned(plan)} & LARGE == set()
    assert any("identities_blind_index" in json.dumps(plan) for plan in plans)
    assert any(plan_reads(plan, "cases") for plan in plans)


#: words that everybody has, one that a single person has, fragments of both, and one that nobody has
NAMES = ("siti aminah", "siti", "sit", "nama16", "siti nama1", "nama", "aminah siti nobody", "nobody")


@pytest.mark.parametrize("kind", ["village", "regency", "50 villages", "many villages"])
async def test_a_search_by_name_reads_ranges_of_the_index_of_keys(
    filled: tuple[MigratedDatabase, Volume], ids: dict[str, UUID], kind: str
) -> None:
    """Each statement of the search is planned where and as it is asked, as often as a server asks it."""
    role, rows = scopes(ids)[kind]
    actor = Actor("test#planner", role.value, frozenset(each.value for each in PERMISSIONS[role]), rows)
    connection = await asyncpg.connect(filled[0].api_url)
    plans: list[Any] = []
    found = 0

    class Planning(Transaction):
        async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
            plans.append(json.loads(plan)[0]["Plan"])
            return await super().fetch(sql, *values)

    async with connection.transaction(readonly=True):
        await connection.execute(rows.sql)
        tx = Planning(connection, actor, now=datetime.now(UTC), trace_id="0" * 32, keyring=KEYRING)
        for name in NAMES:
            for year in (None, 1995):
                for area in (None, (VILLAGE, VILLAGE)):
                    query = search.Query(names.parse(name), year, 2, area)
                    found += len((await search.find(tx, HERE, query)).found)
    await connection.close()
    assert found
    assert {table for plan in plans for table in scanned(plan)} == set()
    assert any(plan_reads(plan, "person_name_keys") for plan in plans)


async def test_without_the_index_of_keys_a_search_by_name_is_found_to_read_the_whole_table(
    filled: tuple[MigratedDatabase, Volume], ids: dict[str, UUID]
) -> None:
    superuser = await asyncpg.connect(filled[0].admin_url)
    _, rows = scopes(ids)["regency"]
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute("DROP INDEX person_name_keys_key")
        await superuser.execute("ALTER TABLE person_name_keys DROP CONSTRAINT person_name_keys_pkey")
        await superuser.execute(rows.sql)
        plan = await superuser.fetchval(
            "EXPLAIN (FORMAT JSON) SELECT FROM person_name_keys WHERE regency = $1 AND key = $2", HERE, "=siti"
        )
    finally:
        await transaction.rollback()
        await superuser.close()
    assert list(scanned(json.loads(plan)[0]["Plan"])) == ["person_name_keys"]


def plan_reads(plan: Any, table: str) -> bool:
    return plan.get("Relation Name") == table or any(plan_reads(below, table) for below in plan.get("Plans", ()))


async def test_without_its_index_the_same_question_is_found_to_read_the_whole_table(
    filled: tuple[MigratedDatabase, Volume], api_login: asyncpg.Connection, ids: dict[str, UUID]
) -> None:
    """The control: the index of a partner's open referrals is taken away in a transaction that is rolled back."""
    superuser = await asyncpg.connect(filled[0].admin_url)
    role, rows = scopes(ids)["organization"]
    actor = Actor("test#planner", role.value, frozenset(each.value for each in PERMISSIONS[role]), rows)
    planner = Planner(superuser)
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute("DROP INDEX referrals_open, referrals_organization")
        await superuser.execute(rows.sql)
        await ask(planner, actor, Question("list", REFERRAL, Query()), ids["referral"])
    finally:
        await transaction.rollback()
        await superuser.close()
    assert {table for plan in planner.plans for table in scanned(plan)} == {"referrals"}
