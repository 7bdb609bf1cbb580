"""Persons who may be entered in two regencies: what each side learns before and after both agree, and how one gives way."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_duplicates import DECIDERS, family, member, people
from tests.domains.test_handovers import accepted, offered, ticket_of
from tests.domains.test_lineage import INVARIANTS, etag, opened
from tests.graph_queries import data
from tests.problems import problem

from slrt_api.access.scopes import Role
from slrt_api.flows import finding
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime.usecase import Platform

HERE, THERE = 3326, 3327
NAME, ELSEWHERE_NAME = "Tarwiyah Kusnaeni", "Tarwiyah Kusneni Rahasia"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of its own: what is planted here is all there is."""
    return await make_database("slrt_tickets")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(own: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(own.api_url, tmp_path_factory.mktemp("tickets")) as running:
        yield running


@pytest_asyncio.fixture
async def owner(own: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def platform(api: Api) -> Platform:
    found: Platform = api.app.state.service.platform
    return found


_serial = iter(range(1, 9999))


def nik() -> str:
    """A NIK that nobody has yet, of a woman born on 17 March 1980."""
    return f"990101570380{next(_serial):04d}"


def here(api: Api, role: str = "secretariat_officer") -> httpx.AsyncClient:
    return api.as_(role, area="33.26")


def there(api: Api, role: str = "secretariat_officer") -> httpx.AsyncClient:
    return api.as_(role, area="33.27")


async def tickets(client: httpx.AsyncClient, **filters: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/duplicate-tickets", params={"limit": "200", **filters})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def one(client: httpx.AsyncClient, person: str, **filters: str) -> dict[str, Any]:
    [found] = await tickets(client, person_id=person, **filters)
    return found


async def decide(client: httpx.AsyncClient, ticket: Mapping[str, Any], action: str, **body: Any) -> httpx.Response:
    seen = await client.get(f"/v1/duplicate-tickets/{ticket['id']}")
    return await client.post(
        f"/v1/duplicate-tickets/{ticket['id']}/transitions",
        json={"action": action, **body},
        headers={"if-match": seen.headers.get("etag", '"1"')},
    )


async def decided(client: httpx.AsyncClient, ticket: Mapping[str, Any], action: str, **body: Any) -> dict[str, Any]:
    answer = await decide(client, ticket, action, **body)
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json()
    return after


class Pair:
    """One person entered in two regencies, and the ticket of each side."""

    mine: dict[str, Any]
    theirs: dict[str, Any]
    my_ticket: dict[str, Any]
    their_ticket: dict[str, Any]

    def __init__(self, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        self.mine, self.theirs = mine, theirs
        self.me, self.them = people(mine)[0], people(theirs)[0]


async def pair(api: Api, platform: Platform, *beside: Mapping[str, Any], name: str = NAME) -> Pair:
    number = nik()
    found = Pair(
        await family(api, member(name, nik=number), *beside),
        await family(api, member(ELSEWHERE_NAME, nik=number), village=OTHER_REGENCY_VILLAGE),
    )
    await finding.find_duplicates(platform)
    found.my_ticket, found.their_ticket = await one(here(api), found.me), await one(there(api), found.them)
    return found


async def agreed(api: Api, found: Pair) -> None:
    await decided(here(api), found.my_ticket, "AGREE")
    await decided(there(api), found.their_ticket, "AGREE")


class TestRefusals:
    async def test_only_those_who_answer_for_the_register_see_and_decide(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        for role in Role:
            if role in {Role.PARTNER, Role.PROGRAM_MANAGER}:
                continue
            client = api.as_(role, area="33.26") if role is not Role.CITIZEN else api.as_(role)
            listed = await client.get("/v1/duplicate-tickets")
            assert listed.status_code == (200 if role in DECIDERS else 403), (role, listed.text)
            answer = await client.post(
                f"/v1/duplicate-tickets/{found.my_ticket['id']}/transitions",
                json={"action": "AGREE"},
                headers={"if-match": '"99"'},
            )
            assert answer.status_code == (412 if role in DECIDERS else 403), (role, answer.text)

    async def test_nobody_decides_for_the_other_side_nor_alone(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        problem(await decide(here(api), found.their_ticket, "AGREE"), 404, "not_found")
        problem(await decide(here(api), found.my_ticket, "RELEASE", reason="B"), 409, "transition_not_allowed")
        after = await decided(here(api), found.my_ticket, "AGREE")
        assert (after["status"], after["allowed_actions"], after["shared"]) == ("WAITING", ["DIFFERENT"], None)
        problem(await decide(here(api), found.my_ticket, "AGREE"), 409, "transition_not_allowed")
        problem(await decide(here(api), found.my_ticket, "RELEASE", reason="B"), 409, "transition_not_allowed")
        assert (await one(there(api), found.them))["allowed_actions"] == ["AGREE", "DIFFERENT"]

    async def test_a_decision_has_its_members(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        found = await pair(api, platform, member("Wulandari", "2011-05-09"))
        client = here(api)
        problem(
            await decide(client, found.my_ticket, "DIFFERENT"),
            422,
            "content_invalid",
            fault=("/reason", "reason_required"),
        )
        relations = [{"person_id": people(found.mine)[1], "relation": "HEAD"}]
        problem(
            await decide(client, found.my_ticket, "AGREE", relations=relations),
            422,
            "content_invalid",
            fault=("/relations", "invalid"),
        )
        await agreed(api, found)
        problem(
            await decide(client, found.my_ticket, "RELEASE", reason="B"),
            422,
            "content_invalid",
            fault=("/relations", "one_head_required"),
        )

    async def test_the_digests_are_the_workers_alone(self, owner: asyncpg.Connection) -> None:
        readers = await owner.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'slrt%' AND has_table_privilege(rolname, 'national_niks',"
            " 'SELECT, INSERT, UPDATE, DELETE')"
        )
        assert {row["rolname"] for row in readers} == {"slrt_owner", "slrt_worker", "slrt_backup"}


class TestWall:
    async def test_before_both_agree_nothing_of_the_other_side_is_reached(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        """By REST and by GraphQL: item, list, count, include, filter, cursor, history; in each state before the agreement."""
        # A name that no other test has agreed to show.
        secret_name = "Sumirah Tanpatanding"
        found = await pair(api, platform, name=secret_name)
        manager = there(api, "secretariat_manager")
        secrets = [found.mine["id"], found.me, found.my_ticket["id"], secret_name, VILLAGE]
        theirs = await manager.get(f"/v1/persons/{found.them}")
        assert theirs.json()["name"] == ELSEWHERE_NAME
        for step in ("found", "asked", "waiting"):
            if step == "asked":
                await decided(here(api), found.my_ticket, "AGREE", reason="Alasan pihak sini")
            if step == "waiting":
                found = await pair(api, platform, name=secret_name)
                secrets[:3] = [found.mine["id"], found.me, found.my_ticket["id"]]
                await decided(manager, found.their_ticket, "AGREE")
            id_ = found.their_ticket["id"]
            answers = [
                (await manager.get(f"/v1/duplicate-tickets/{id_}?include=person.households,person.lineage")).text,
                (await manager.get("/v1/duplicate-tickets?include_total=true&include=person")).text,
                (await manager.get(f"/v1/duplicate-tickets/{id_}/history")).text,
                (await manager.get(f"/v1/persons/{found.them}/history")).text,
                (await manager.get(f"/v1/persons?household_id={found.mine['id']}&include_total=true")).text,
                (await manager.get("/v1/duplicates?include_total=true")).text,
                str(
                    await data(
                        manager,
                        f'{{ duplicateTicket(id: "{id_}") {{ status reasons shared otherAreaCode person {{ id }}'
                        " history { type changes parts texts } }"
                        " duplicateTickets(first: 100) { totalCount edges { cursor node { id shared reasons } } } }",
                    )
                ),
            ]
            for secret in [*secrets, "Alasan pihak sini"]:
                assert [text for text in answers if secret in text] == [], (step, secret)
            for path in (
                f"persons/{found.me}",
                f"households/{found.mine['id']}",
                f"duplicate-tickets/{found.my_ticket['id']}",
                f"duplicate-tickets/{found.my_ticket['id']}/history",
            ):
                problem(await manager.get(f"/v1/{path}"), 404, "not_found")
            assert await tickets(manager, person_id=found.me) == []
            told = await one(manager, found.them)
            assert (told["shared"], told["other_area_code"]) == (None, "33.26")

    async def test_reasons_are_classes_without_values(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        for ticket in (found.my_ticket, found.their_ticket):
            assert {each["field"]: set(each) for each in ticket["reasons"]} == {
                name: {"field", "level"} for name in ("NAME", "BIRTH_DATE", "SEX", "NIK")
            }
            levels = {each["field"]: each["level"] for each in ticket["reasons"]}
            assert (levels["NIK"], levels["BIRTH_DATE"]) == ("EXACT", "EXACT")
            assert levels["NAME"] != "EXACT"

    async def test_once_both_agree_each_sees_what_two_people_are_told_apart_by(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        await agreed(api, found)
        mine, theirs = await one(here(api), found.me), await one(there(api), found.them)
        values = {"sex": "F", "birth_date": "1980-03-17", "nik": "990101**********"}
        assert mine["shared"] == {"name": ELSEWHERE_NAME, **values}
        assert theirs["shared"] == {"name": NAME, **values}
        # No revision keeps it, and it is emptied with the end.
        history = (await here(api).get(f"/v1/duplicate-tickets/{mine['id']}/history")).text
        assert ELSEWHERE_NAME not in history
        problem(await here(api).get(f"/v1/persons/{found.them}"), 404, "not_found")
        await decided(there(api), theirs, "DIFFERENT", reason="Dua orang")
        for client, person in ((here(api), found.me), (there(api), found.them)):
            after = await one(client, person, status="DIFFERENT")
            assert (after["shared"], after["allowed_actions"]) == (None, [])
        kept = await owner.fetch(
            "SELECT values::text FROM revisions WHERE aggregate_id = ANY ($1)", [UUID(mine["id"]), UUID(theirs["id"])]
        )
        assert [row[0] for row in kept if NAME in row[0] or ELSEWHERE_NAME in row[0]] == []


class TestFinding:
    async def test_a_decision_is_remembered(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        found = await pair(api, platform)
        await decided(here(api), found.my_ticket, "DIFFERENT", reason="Dua orang")
        await owner.execute("UPDATE persons SET duplicates_checked = NULL")
        await finding.find_duplicates(platform)
        assert await tickets(here(api), person_id=found.me) == await tickets(there(api), person_id=found.them) == []
        assert (await one(there(api), found.them, status="DIFFERENT"))["reason"] is None

    async def test_looks_repeat_without_effect(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        found = await pair(api, platform)
        await owner.execute("UPDATE persons SET duplicates_checked = NULL")
        await finding.find_duplicates(platform)
        again = await one(here(api), found.me)
        assert (again["id"], again["version"]) == (found.my_ticket["id"], 1)

    async def test_two_workers_at_once_bring_one_ticket(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        for _ in range(4):
            number = nik()
            mine = await family(api, member(NAME, nik=number))
            theirs = await family(api, member(NAME, nik=number), village=OTHER_REGENCY_VILLAGE)
            await asyncio.gather(finding.find_duplicates(platform), finding.find_duplicates(platform))
            await finding.find_duplicates(platform)
            await one(here(api), people(mine)[0])
            await one(there(api), people(theirs)[0])

    async def test_a_corrected_number_takes_it_away_on_both_sides(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        await agreed(api, found)
        officer = here(api)
        corrected = await officer.post(
            f"/v1/persons/{found.me}/nik",
            json={"nik": nik(), "reason": "Salah ketik", "evidence": "KTP"},
            headers={"if-match": await etag(officer, f"/v1/persons/{found.me}")},
        )
        assert corrected.status_code == 200, corrected.text
        await finding.find_duplicates(platform)
        for client, person in ((here(api), found.me), (there(api), found.them)):
            after = await one(client, person, status="WITHDRAWN")
            assert (after["shared"], after["reasons"]) == (None, [])

    async def test_who_was_handed_over_is_nobodys_duplicate(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        household = await family(api, member(NAME, nik=nik()))
        after = await accepted(api, await ticket_of(api, owner, await offered(api, household["id"])))
        await finding.find_duplicates(platform)
        there_ = (await there(api).get(f"/v1/households/{after['household_id']}?include=members")).json()
        for client, person in ((here(api), people(household)[0]), (there(api), people(there_)[0])):
            every = "OPEN,WAITING,ASKED,AGREED,DIFFERENT,WITHDRAWN"
            assert await tickets(client, person_id=person, status=every) == []

    async def test_a_run_over_a_regency_looks_across_too(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        await owner.execute("DELETE FROM duplicate_tickets")
        await owner.execute("DELETE FROM national_niks WHERE tenant = $1", HERE)
        started = await here(api, "secretariat_manager").post("/v1/duplicate-runs", json={"area_code": "33.26"})
        assert started.status_code == 201, started.text
        await finding.run_duplicates(platform)
        await one(here(api), found.me)


class TestRelease:
    async def test_one_entry_gives_way_and_what_was_needed_goes_on(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        child = member("Wulandari", "2011-05-09")
        found = await pair(api, platform, child)
        mine_alone, shared = (
            await opened(api, found.mine["id"], found.me),
            await opened(api, found.mine["id"], found.me, people(found.mine)[1]),
        )
        await agreed(api, found)
        after = await decided(
            here(api),
            found.my_ticket,
            "RELEASE",
            reason="Sudah pindah",
            relations=[{"person_id": people(found.mine)[1], "relation": "HEAD"}],
        )
        assert (after["status"], after["shared"], after["allowed_actions"]) == ("RELEASED", None, [])
        taken = await one(there(api), found.them, status="TAKEN")
        assert (taken["shared"], taken["reason"]) == (None, None)
        person = (await here(api).get(f"/v1/persons/{found.me}")).json()
        assert (person["ended_as"], person["successor_id"], person["nik"]) == ("MOVED", found.them, None)
        home = (await here(api).get(f"/v1/households/{found.mine['id']}?include=members")).json()
        assert [each["relation"] for each in home["members"]] == ["HEAD"]
        cases = (await there(api).get(f"/v1/households/{found.theirs['id']}?include=cases.needs,lineage")).json()
        assert {case["predecessor_id"]: [n["person_id"] for n in case["needs"]] for case in cases["cases"]} == {
            mine_alone: [found.them],
            shared: [found.them],
        }
        assert [each["operation"] for each in cases["lineage"]] == ["MOVE_IN"]
        left = (await here(api).get(f"/v1/cases/{mine_alone}")).json()
        assert (left["status"], tenant_of(UUID(left["successor_id"]))) == ("MOVED", THERE)
        assert (await here(api).get(f"/v1/cases/{shared}")).json()["open_needs"] == 1
        # Two entries of one number are one now.
        await finding.find_duplicates(platform)
        assert await tickets(here(api), person_id=found.me) == await tickets(there(api), person_id=found.them) == []
        await _whole(owner, found)

    async def test_a_household_that_nobody_is_left_in_ends_with_it(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        case = await opened(api, found.mine["id"], found.me)
        await agreed(api, found)
        await decided(here(api), found.my_ticket, "RELEASE", reason="Sudah pindah")
        home = (await here(api).get(f"/v1/households/{found.mine['id']}")).json()
        assert (home["ended_as"], home["successor_id"]) == ("MOVED", found.theirs["id"])
        assert (await here(api).get(f"/v1/cases/{case}")).json()["status"] == "MOVED"
        await _whole(owner, found)

    async def test_a_referral_that_runs_is_ended_first(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        found = await pair(api, platform)
        case = await opened(api, found.mine["id"], found.me)
        await agreed(api, found)
        await owner.execute("UPDATE needs SET status = 'REFERRED' WHERE case_id = $1", UUID(case))
        problem(await decide(here(api), found.my_ticket, "RELEASE", reason="B"), 409, "referrals_open")
        assert (await one(here(api), found.me))["status"] == "AGREED"

    async def test_both_give_way_at_once_but_one_is_done(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        for _ in range(4):
            found = await pair(api, platform)
            await agreed(api, found)
            answers = await asyncio.gather(
                decide(here(api), found.my_ticket, "RELEASE", reason="B"),
                decide(there(api), found.their_ticket, "RELEASE", reason="B"),
            )
            codes = sorted(each.status_code for each in answers)
            assert codes[0] == 200, [each.text for each in answers]
            assert codes[1] in {409, 412}, [each.text for each in answers]
            ended = await owner.fetchval(
                "SELECT count(*) FROM persons WHERE id = ANY ($1) AND ended_at IS NOT NULL",
                [UUID(found.me), UUID(found.them)],
            )
            assert ended == 1
            await _whole(owner, found)


async def test_an_unknown_ticket_and_one_of_the_other_side_answer_alike(
    api: Api, owner: asyncpg.Connection, platform: Platform
) -> None:
    found = await pair(api, platform)
    for client, id_ in (
        (here(api), found.their_ticket["id"]),
        (here(api), str(new_id(Kind.DUPLICATE_TICKET, THERE))),
        (here(api), str(new_id(Kind.DUPLICATE_TICKET, HERE))),
    ):
        problem(await client.get(f"/v1/duplicate-tickets/{id_}"), 404, "not_found")
        refused = await client.post(
            f"/v1/duplicate-tickets/{id_}/transitions", json={"action": "AGREE"}, headers={"if-match": '"1"'}
        )
        problem(refused, 404, "not_found")


async def _whole(owner: asyncpg.Connection, found: Pair) -> None:
    ids = [UUID(found.mine["id"]), UUID(found.theirs["id"])]
    for name, sql in INVARIANTS.items():
        assert [dict(row) for row in await owner.fetch(sql, ids)] == [], name
    wrong = await owner.fetch(
        "SELECT t.id FROM duplicate_tickets t WHERE t.version <> (SELECT count(*) FROM events e WHERE e.aggregate_id = t.id)"
    )
    assert wrong == []
