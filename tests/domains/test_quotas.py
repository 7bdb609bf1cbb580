"""Daily quotas of lookups and reveals: exact across processes and restarts, counted by the day of the regency."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from tests.api import Api, running_api
from tests.conftest import MigratedDatabase
from tests.domains.test_vault import SEARCH, number, opened, registered
from tests.problems import problem

from slrt_api.access import quotas
from slrt_api.access.scopes import Role
from slrt_api.flows import upkeep
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.settings import Settings

#: half a minute before midnight in 33.26, half past one in the morning of the next day in 91.71
LATE = datetime(2031, 3, 1, 16, 59, 30, tzinfo=UTC)


@asynccontextmanager
async def instances(database: MigratedDatabase, folder: Path, count: int, **limits: int) -> AsyncIterator[list[Api]]:
    """Several processes of one installation: their own connections, the same keys."""
    async with AsyncExitStack() as stack:
        patience: dict[str, Any] = {"pool_acquire_timeout_seconds": 30, "lock_timeout_ms": 30_000}
        yield [
            await stack.enter_async_context(running_api(database.api_url, folder, **patience, **limits))
            for _ in range(count)
        ]


def at(api: Api, now: datetime) -> None:
    """Set the clock of the instance."""
    service = api.app.state.service
    service.platform = replace(service.platform, clock=lambda: now)


async def lookup(client: httpx.AsyncClient, nik: str | None = None) -> httpx.Response:
    return await client.post(SEARCH, json={"nik": nik or number(), "purpose": "CASE_INTAKE"})


async def used(owner: asyncpg.Connection) -> int:
    total: int = await owner.fetchval("SELECT coalesce(sum(used), 0)::integer FROM quota_uses")
    return total


async def test_of_fifty_at_once_in_two_processes_exactly_twenty_succeed_and_a_restart_changes_nothing(
    database: MigratedDatabase, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    subject = f"busy-{uuid4()}"
    async with instances(database, tmp_path, 2, nik_lookups_per_user_per_day=20) as both:
        for api in both:
            at(api, LATE - timedelta(days=40))
        clients = [api.as_("puskesos_officer", subject=subject) for api in both]
        answers = await asyncio.gather(*(lookup(clients[turn % 2]) for turn in range(50)))
    assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 30}
    async with instances(database, tmp_path, 1, nik_lookups_per_user_per_day=20) as [restarted]:
        at(restarted, LATE - timedelta(days=40))
        answer = await lookup(restarted.as_("puskesos_officer", subject=subject))
        problem(answer, 429, "quota_exhausted")
        # Who is not the one who used it up goes on.
        assert (await lookup(restarted.as_("puskesos_officer", subject=f"idle-{uuid4()}"))).status_code == 200
    assert await owner.fetchval(
        "SELECT count(*) FROM accesses WHERE actor = $1 AND operation = 'persons.search'", f"http://api.test#{subject}"
    ) == 20  # fmt: skip


async def test_the_day_is_that_of_the_regency_and_retry_after_names_its_midnight(
    database: MigratedDatabase, tmp_path: Path
) -> None:
    async with instances(database, tmp_path, 1, nik_lookups_per_user_per_day=1) as [api]:
        western = api.as_("puskesos_officer", subject=f"west-{uuid4()}")
        eastern = api.as_("puskesos_officer", subject=f"east-{uuid4()}", area="91.71.03.1014")
        at(api, LATE)
        assert [(await lookup(each)).status_code for each in (western, eastern)] == [200, 200]
        refused = [await lookup(each) for each in (western, eastern)]
        for answer in refused:
            problem(answer, 429, "quota_exhausted")
        assert [answer.headers["retry-after"] for answer in refused] == ["30", str(22 * 3600 + 30)]
        at(api, LATE + timedelta(seconds=29, microseconds=999_999))
        assert (await lookup(western)).headers["retry-after"] == "1"
        at(api, LATE + timedelta(seconds=30))
        assert [(await lookup(each)).status_code for each in (western, eastern)] == [200, 429]


async def test_what_was_refused_consumes_nothing_and_a_lookup_that_finds_nobody_does(
    database: MigratedDatabase, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    async with instances(database, tmp_path, 1, nik_lookups_per_user_per_day=2) as [api]:
        officer = api.as_("puskesos_officer", subject=f"careful-{uuid4()}")
        before = await used(owner)
        wrong = {"nik": number(), "purpose": "CASE_INTAKE", "case_id": str(uuid4())}
        problem(await officer.post(SEARCH, json=wrong), 422, "content_invalid")
        problem(await lookup(officer, "123"), 422, "content_invalid")
        assert await used(owner) == before
        assert (await lookup(officer)).json() == {"items": [], "more": False}
        # One of the user's and one of the office's.
        assert await used(owner) == before + 2
        kk = await officer.post(SEARCH, json={"kk": number(), "purpose": "CASE_INTAKE"})
        assert (kk.status_code, await used(owner)) == (200, before + 4)
        problem(await lookup(officer), 429, "quota_exhausted")
        assert await used(owner) == before + 4


async def test_an_organization_has_a_quota_of_its_own_and_its_refusal_takes_nothing_from_the_user(
    database: MigratedDatabase, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    limits = {"nik_lookups_per_user_per_day": 3, "nik_lookups_per_organization_per_day": 4}
    async with instances(database, tmp_path, 1, **limits) as [api]:
        here, there = uuid4(), uuid4()
        one, two, other = (
            api.as_("puskesos_officer", subject=f"colleague-{uuid4()}", organization=organization)
            for organization in (here, here, there)
        )
        assert [(await lookup(one)).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert [(await lookup(two)).status_code for _ in range(2)] == [200, 429]
        before = await used(owner)
        problem(await lookup(two), 429, "quota_exhausted")
        assert await used(owner) == before
        assert (await lookup(other)).status_code == 200


async def test_reveals_have_a_quota_of_their_own(database: MigratedDatabase, tmp_path: Path) -> None:
    async with instances(database, tmp_path, 1, reveals_per_user_per_day=1, nik_lookups_per_user_per_day=1) as [api]:
        household = await registered(api, nik=number())
        case = await opened(api, household)
        officer = api.as_("puskesos_officer", subject=f"both-{uuid4()}")
        url = f"/v1/persons/{household['members'][0]['person_id']}/reveal"
        body = {"purpose": "VERIFICATION", "case_id": case}
        assert (await lookup(officer)).status_code == 200
        assert (await officer.post(url, json=body)).status_code == 200
        problem(await officer.post(url, json=body | {"type": "KK"}), 429, "quota_exhausted")
        problem(await lookup(officer), 429, "quota_exhausted")


async def test_a_limit_of_nothing_allows_nothing(database: MigratedDatabase, tmp_path: Path) -> None:
    async with instances(database, tmp_path, 1, nik_lookups_per_user_per_day=0) as [api]:
        problem(await lookup(api.as_("puskesos_officer", subject=f"none-{uuid4()}")), 429, "quota_exhausted")


async def test_holders_are_pseudonyms_and_rows_are_forgotten(
    database: MigratedDatabase, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    async with instances(database, tmp_path, 1) as [api]:
        subject = f"plain-{uuid4()}"
        nik = number()
        at(api, LATE + timedelta(days=60))
        await lookup(api.as_("puskesos_officer", subject=subject), nik)
        rows = await owner.fetch("SELECT * FROM quota_uses")
        kept = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
        for secret in (subject, nik, "puskesos"):
            assert secret.encode() not in kept
        assert {len(row["holder"]) for row in rows} == {32}
        forgotten = await upkeep.forget_quota_uses(api.app.state.service.platform)
        assert forgotten >= 2
        left = {row["day"] for row in await owner.fetch("SELECT day FROM quota_uses")}
        assert left == {(LATE + timedelta(days=60, hours=7)).date()}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Role.FACILITATOR, Role.PUSKESOS_COORDINATOR, True),
        (Role.SECRETARIAT_OFFICER, Role.SECRETARIAT_MANAGER, True),
        (Role.PUSKESOS_OFFICER, Role.SECRETARIAT_OFFICER, False),
        (Role.SUPERVISOR, Role.PUSKESOS_OFFICER, False),
    ],
)
def test_without_an_organization_the_office_is_the_group_of_roles_in_the_regency(
    one: Role, other: Role, *, same: bool
) -> None:
    def office(role: Role, regency: int = 3326) -> str:
        return quotas.organization(Actor("x", role.value, frozenset(), RowScope(ScopeKind.AREA_RANGE)), regency)

    assert (office(one) == office(other)) is same
    assert office(one) != office(one, 3327)


def test_every_setting_of_a_limit_has_a_default() -> None:
    assert quotas.limits(Settings()) == {
        "nik_lookups_per_user_per_day": 200,
        "nik_lookups_per_organization_per_day": 5_000,
        "name_searches_per_user_per_day": 400,
        "name_searches_per_organization_per_day": 10_000,
        "reveals_per_user_per_day": 50,
        "reveals_per_organization_per_day": 1_000,
        "civil_checks_per_user_per_day": 200,
        "civil_checks_per_organization_per_day": 5_000,
    }
