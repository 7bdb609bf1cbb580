"""Persons who may be entered twice: who is found, who decides, what a merge leaves, and that it can be taken back."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import OTHER_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.graph_queries import data
from tests.problems import problem

from slrt_api.access.scopes import Role
from slrt_api.flows import finding, upkeep
from slrt_api.kernel.errors import Forbidden
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, Platform

DECIDERS = {"supervisor", "secretariat_officer", "secretariat_manager"}
#: whose members are not like each other, and like nobody of another household
_OTHERS = ("Wulandari", "Prasetyo", "Kusuma", "Hartono", "Lestari", "Gunawan", "Maharani", "Suryadi")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of its own: what is planted here is all there is."""
    return await make_database("slrt_duplicates")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(own: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(own.api_url, tmp_path_factory.mktemp("duplicates")) as running:
        yield running


@pytest_asyncio.fixture
async def owner(own: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own.owner_url)
    # What former tests planted is not part of this one.
    await connection.execute("UPDATE duplicates SET status = 'WITHDRAWN' WHERE status IN ('OPEN', 'LATER')")
    await connection.execute("UPDATE duplicate_runs SET status = 'DONE', finished_at = now() WHERE status = 'RUNNING'")
    yield connection
    await connection.close()


@pytest.fixture
def platform(api: Api) -> Platform:
    """What a worker shares, under the keys of the application."""
    found: Platform = api.app.state.service.platform
    return found


def member(name: str, born: str | None = "1980-03-17", *, sex: str = "F", nik: str | None = None) -> dict[str, Any]:
    return {"name": name, "birth_date": born, "sex": sex, "nik": nik}


async def family(api: Api, *members: Mapping[str, Any], village: str = VILLAGE) -> dict[str, Any]:
    """A household of these people, the first the head."""
    people = [{**each, "relation": "CHILD" if at else "HEAD"} for at, each in enumerate(members)]
    client = api.as_("facilitator", area=village)
    answer = await client.post("/v1/households", json=household_body(kk=None, area_code=village, members=people))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def people(household: Mapping[str, Any]) -> list[str]:
    return [each["person_id"] for each in household["members"]]


async def queue(client: httpx.AsyncClient, **filters: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/duplicates", params={"limit": "200", **filters})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def pair_of(item: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({item["first_id"], item["second_id"]})


async def decide(client: httpx.AsyncClient, pair: Mapping[str, Any], **body: Any) -> httpx.Response:
    seen = await client.get(f"/v1/duplicates/{pair['id']}")
    version = seen.headers.get("etag", '"1"')
    return await client.post(
        f"/v1/duplicates/{pair['id']}/transitions", json={"reason": "Diperiksa", **body}, headers={"if-match": version}
    )


async def decided(client: httpx.AsyncClient, pair: Mapping[str, Any], **body: Any) -> dict[str, Any]:
    answer = await decide(client, pair, **body)
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json()
    return after


async def twice(api: Api, platform: Platform, name: str, **beside: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One person entered in two households of two; the pair that is found, and the households."""
    first = await family(api, member(name, nik=beside.get("nik")), member(_OTHERS[0], "2011-05-09", sex="M"))
    second = await family(api, member(name), member(_OTHERS[1], "2014-08-21"))
    await finding.find_duplicates(platform)
    [pair] = await queue(api.as_("secretariat_officer"), person_id=people(first)[0])
    assert pair_of(pair) == {people(first)[0], people(second)[0]}
    return pair, [first, second]


class TestRefusals:
    async def test_only_those_entitled_see_and_decide(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        pair, _ = await twice(api, platform, "Tarwiyah Kusnaeni")
        for role in Role:
            if role in {Role.PARTNER, Role.PROGRAM_MANAGER}:
                continue
            client = api.as_(role, area="33.26") if role is not Role.CITIZEN else api.as_(role)
            listed = await client.get("/v1/duplicates")
            assert listed.status_code == (200 if role in DECIDERS else 403), (role, listed.text)
            answer = await client.post(
                f"/v1/duplicates/{pair['id']}/transitions",
                json={"action": "LATER", "reason": "B"},
                headers={"if-match": '"99"'},
            )
            assert answer.status_code == (412 if role in DECIDERS else 403), (role, answer.text)

    async def test_a_run_is_asked_for_by_who_answers_for_the_whole_regency(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        body = {"area_code": "33.26"}
        for role in Role:
            if role in {Role.PARTNER, Role.PROGRAM_MANAGER, Role.SUPERVISOR, Role.SECRETARIAT_MANAGER}:
                continue
            answer = await api.as_(role).post("/v1/duplicate-runs", json=body)
            assert answer.status_code == 403, (role, answer.text)
        supervisor = api.as_("supervisor", area="33.26.01")
        problem(await supervisor.post("/v1/duplicate-runs", json=body), 403, "area_out_of_scope")
        manager = api.as_("secretariat_manager")
        for code in ("33.27", "33.26.0"):
            answer = await manager.post("/v1/duplicate-runs", json={"area_code": code})
            assert answer.status_code in {403, 422}, answer.text

    async def test_the_worker_alone_looks(self, platform: Platform) -> None:
        officer = Actor("x", "supervisor", frozenset(), RowScope(ScopeKind.AREA_RANGE, lo=0, hi=9_999_999_999))
        for act, kind in ((finding.look, Kind.PERSON), (finding.step, Kind.DUPLICATE_RUN)):
            with pytest.raises(Forbidden, match="role_not_allowed"):
                await Act(platform, officer, "0" * 32)(act, on=new_id(kind, 3326))

    async def test_a_decision_has_its_members(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        pair, homes = await twice(api, platform, "Rukmini Darsono")
        officer = api.as_("secretariat_officer")
        survivor, other = people(homes[0])[0], people(homes[1])[0]
        problem(await decide(officer, pair, action="DIFFERENT", reason=None), 422, "content_invalid")
        problem(
            await decide(officer, pair, action="DIFFERENT", survivor_id=survivor),
            422,
            "content_invalid",
            fault=("/survivor_id", "invalid"),
        )
        problem(await decide(officer, pair, action="SAME"), 422, "content_invalid", fault=("/survivor_id", "required"))
        stranger = people(homes[0])[1]
        problem(
            await decide(officer, pair, action="SAME", survivor_id=stranger),
            422,
            "content_invalid",
            fault=("/survivor_id", "reference_not_found"),
        )
        problem(
            await decide(officer, pair, action="SAME", survivor_id=survivor),
            422,
            "content_invalid",
            fault=("/household_id", "household_required"),
        )
        problem(
            await decide(officer, pair, action="SAME", survivor_id=survivor, household_id=homes[0]["id"]),
            422,
            "content_invalid",
            fault=("/relations", "one_head_required"),
        )
        problem(await decide(officer, pair, action="REOPEN"), 409, "transition_not_allowed")
        assert [each["status"] for each in await queue(officer, person_id=other)] == ["OPEN"]

    async def test_a_pair_is_seen_by_who_sees_both(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        first = await family(api, member("Suprihatin Wignyo"))
        second = await family(api, member("Suprihatin Wignyo"), village=OTHER_VILLAGE)
        await finding.find_duplicates(platform)
        [pair] = await queue(api.as_("secretariat_manager"), person_id=people(first)[0])
        assert pair["area_code"] == "33.26"
        assert pair_of(pair) == {people(first)[0], people(second)[0]}
        for area in ("33.26.01", "33.26.02", "33.27"):
            client = api.as_("supervisor", area=area)
            assert await queue(client, person_id=people(first)[0]) == []
            problem(await client.get(f"/v1/duplicates/{pair['id']}"), 404, "not_found")
            problem(await decide(client, pair, action="DIFFERENT"), 404, "not_found")


class TestFinding:
    async def test_the_queue_holds_what_was_planted_and_nothing_else(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        head = await family(
            api, member("Mochamad Sukarman", "1971-11-04", sex="M"), *(member(name, None) for name in _OTHERS[2:5])
        )
        spelled = await family(api, member("Muh. Soekarman", "1971-04-11", sex="M"), member(_OTHERS[5], "1990-02-20"))
        typed = await family(api, member("Kartinah Pujiastuti", "1966-06-13"))
        mistyped = await family(api, member("Kartina Pujiastutik", "1966-06-13"))
        numbered = await family(api, member("Endang Rahayu", "1959-09-30", nik="9901017009590002"))
        claimed = await family(api, member("Bambang Irawan", "1983-01-25", sex="M", nik="9901017009590002"))
        twins = await family(api, member("Nurul Hidayati", "2010-10-10"), member("Fitri Hidayati", "2010-10-10"))
        await family(api, member("Slamet Riyadi", "1955-12-24", sex="M"))
        await family(api, member("Slamet Riyadi", "1987-05-16", sex="M"))
        assert await finding.find_duplicates(platform) > 0
        found = await queue(api.as_("secretariat_manager"))
        expected = {
            frozenset({people(head)[0], people(spelled)[0]}),
            frozenset({people(typed)[0], people(mistyped)[0]}),
            frozenset({people(numbered)[0], people(claimed)[0]}),
        }
        assert {pair_of(each) for each in found} == expected
        assert len(found) == len(expected)
        assert not any(set(people(twins)) & pair_of(each) for each in found)
        assert [each["score"] for each in found] == sorted((each["score"] for each in found), reverse=True)
        levels = {pair_of(each): {reason["field"]: reason["level"] for reason in each["reasons"]} for each in found}
        assert levels[frozenset({people(head)[0], people(spelled)[0]})]["BIRTH_DATE"] == "SWAPPED"
        assert levels[frozenset({people(numbered)[0], people(claimed)[0]})]["NIK"] == "EXACT"
        told = str([each["reasons"] for each in found])
        assert not any(word in told for word in ("Sukarman", "1971", "990101"))

    async def test_nothing_is_left_to_look_at_and_looking_again_finds_nothing_new(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        pair, homes = await twice(api, platform, "Warsinah Prabowo")
        assert await finding.find_duplicates(platform) == 0
        ids = [UUID(people(home)[0]) for home in homes]
        await owner.execute("UPDATE persons SET duplicates_checked = NULL WHERE id = ANY ($1)", ids)
        assert await finding.find_duplicates(platform) == len(ids)
        [again] = await queue(api.as_("secretariat_officer"), person_id=str(ids[0]))
        assert (again["id"], again["version"]) == (pair["id"], 1)
        assert await finding.find_duplicates(platform) == 0

    async def test_side_by_side_both_are_masked(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        pair, homes = await twice(api, platform, "Ngatinem Hardjo", nik="9901015703800004")
        seen = (await api.as_("supervisor").get(f"/v1/duplicates/{pair['id']}")).json()
        shown = {seen["first"]["id"]: seen["first"], seen["second"]["id"]: seen["second"]}
        assert shown[people(homes[0])[0]]["nik"] == "990101**********"
        assert shown[people(homes[1])[0]]["nik"] is None
        assert {each["name"] for each in shown.values()} == {"Ngatinem Hardjo"}
        assert seen["allowed_actions"] == ["SAME", "DIFFERENT", "LATER"]

    async def test_a_shared_nik_is_a_finding_until_it_is_corrected(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        nik = "9901015402770003"
        one = people(await family(api, member("Sumiyati Lasmini", "1977-02-14", nik=nik)))[0]
        two = people(await family(api, member("Agus Wibisono", "1992-07-03", sex="M", nik=nik)))[0]
        await finding.find_duplicates(platform)
        officer = api.as_("secretariat_officer")

        async def findings(person: str) -> list[str]:
            told = (await officer.get(f"/v1/persons/{person}")).json()["findings"]
            return [each["code"] for each in told]

        assert "NIK_DUPLICATE" in await findings(one)
        assert "NIK_DUPLICATE" in await findings(two)
        seen = await officer.get(f"/v1/persons/{two}")
        answer = await officer.post(
            f"/v1/persons/{two}/nik",
            json={"nik": "9901010307920008", "reason": "B", "evidence": "KTP-el"},
            headers={"if-match": seen.headers["etag"]},
        )
        assert answer.status_code == 200, answer.text
        # The first round parts the two, the next looks again at who was left behind.
        assert await finding.find_duplicates(platform) == 1
        assert await finding.find_duplicates(platform) > 0
        assert "NIK_DUPLICATE" not in await findings(one)
        assert "NIK_DUPLICATE" not in await findings(two)
        assert await queue(officer, person_id=one) == []
        assert [each["status"] for each in await queue(officer, person_id=one, status="WITHDRAWN")] == ["WITHDRAWN"]

    async def test_a_run_goes_on_where_it_was(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        for at in range(finding.STEP):
            await family(api, member(f"{_OTHERS[at % 8]} Ke{at}", f"19{50 + at}-03-{at + 1:02}"))
        manager = api.as_("secretariat_manager")
        answer = await manager.post("/v1/duplicate-runs", json={"area_code": "33.26"})
        assert answer.status_code == 201, answer.text
        run = answer.json()
        problem(await manager.post("/v1/duplicate-runs", json={"area_code": "33.26"}), 409, "duplicate_run_under_way")
        await Act(platform, upkeep.WORKER, "0" * 32)(finding.step, on=UUID(run["id"]))
        seen = (await manager.get(answer.headers["location"])).json()
        assert (seen["status"], seen["checked"]) == ("RUNNING", finding.STEP)
        assert seen["persons"] > finding.STEP
        assert await finding.run_duplicates(platform) > 1
        seen = (await manager.get(answer.headers["location"])).json()
        assert (seen["status"], seen["checked"], seen["version"]) == ("DONE", run["persons"], 2)
        assert await finding.run_duplicates(platform) == 0
        assert (await api.as_("secretariat_manager", area="33.27").get(answer.headers["location"])).status_code == 404


class TestDecisions:
    async def test_different_is_remembered(self, api: Api, owner: asyncpg.Connection, platform: Platform) -> None:
        pair, homes = await twice(api, platform, "Poniyem Setiawati")
        officer = api.as_("secretariat_officer")
        put_off = await decided(officer, pair, action="LATER")
        assert (put_off["status"], put_off["allowed_actions"]) == ("LATER", ["SAME", "DIFFERENT"])
        after = await decided(officer, pair, action="DIFFERENT", reason="Dua orang, ditemui keduanya")
        assert (after["status"], after["reason"]) == ("DIFFERENT", "Dua orang, ditemui keduanya")
        person = people(homes[0])[0]
        seen = await officer.get(f"/v1/persons/{person}")
        answer = await officer.patch(
            f"/v1/persons/{person}",
            json={"name": "Poniyem Setyawati", "reason": "B", "source": "DOCUMENT"},
            headers={"if-match": seen.headers["etag"], "content-type": "application/merge-patch+json"},
        )
        assert answer.status_code == 200, answer.text
        assert await finding.find_duplicates(platform) == 1
        assert await queue(officer, person_id=person) == []
        [kept] = await queue(officer, person_id=person, status="DIFFERENT")
        assert kept["id"] == pair["id"]
        assert (await decided(officer, pair, action="REOPEN"))["status"] == "OPEN"

    async def test_different_is_remembered_of_who_goes_on_for_one_of_them(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        made = [await family(api, member("Mursinah Atmojo", "1962-01-19")) for _ in range(3)]
        one, same, other = (people(home)[0] for home in made)
        await finding.find_duplicates(platform)
        officer = api.as_("secretariat_officer")
        found = {pair_of(each): each for each in await queue(officer, person_id=same)}
        await decided(officer, found[frozenset({same, other})], action="DIFFERENT")
        # Had the pair of the survivor and the stranger not come to the queue yet, it would not come any more.
        for table in ("revisions", "events"):
            await owner.execute(
                f"DELETE FROM {table} WHERE aggregate_id IN"
                " (SELECT id FROM duplicates WHERE first_id = $1 AND second_id = $2)",
                *sorted((UUID(one), UUID(other))),
            )
        removed = await owner.execute(
            "DELETE FROM duplicates WHERE first_id = $1 AND second_id = $2", *sorted((UUID(one), UUID(other)))
        )
        assert removed == "DELETE 1"
        await decided(
            officer, found[frozenset({one, same})], action="SAME", survivor_id=one, household_id=made[0]["id"]
        )
        await owner.execute(
            "UPDATE persons SET duplicates_checked = NULL WHERE id = ANY ($1)", [UUID(one), UUID(other)]
        )
        assert await finding.find_duplicates(platform) > 0
        assert await queue(officer, person_id=one) == []
        assert await queue(officer, person_id=other) == []


async def rows(owner: asyncpg.Connection, *ids: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of these households and persons that a merge may touch."""
    wanted = [UUID(each) for each in ids]
    silent = {"version", "updated_at", "duplicates_checked"}
    found = {}
    for table, column in (
        ("households", "id"),
        ("persons", "id"),
        ("identities", "id"),
        ("needs", "case_id"),
        ("cases", "household_id"),
    ):
        where = "owner_id" if table == "identities" else column
        if table == "needs":
            where = "case_id IN (SELECT id FROM cases WHERE household_id = ANY ($1::uuid[])) AND TRUE OR id"
        records = await owner.fetch(f"SELECT * FROM {table} WHERE {where} = ANY ($1::uuid[]) ORDER BY id", wanted)
        found[table] = [{name: value for name, value in row.items() if name not in silent} for row in records]
    records = await owner.fetch(
        "SELECT id, household_id, relation, position, area FROM memberships"
        " WHERE household_id = ANY ($1::uuid[]) AND valid_to IS NULL ORDER BY household_id, id",
        wanted,
    )
    found["memberships"] = [dict(row) for row in records]
    return found


class TestMerge:
    async def test_one_goes_on_for_both_and_undoing_restores_every_value(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        pair, homes = await twice(api, platform, "Juminten Sastro", nik="9901015703800007")
        officer = api.as_("secretariat_officer")
        (other, child), (survivor, left) = people(homes[0]), people(homes[1])
        case = await opened(officer, homes[0]["id"], other)
        everything = [*(home["id"] for home in homes), other, child, survivor, left]
        before = await rows(owner, *everything)
        after = await decided(
            officer,
            pair,
            action="SAME",
            survivor_id=survivor,
            household_id=homes[1]["id"],
            relations=[{"person_id": child, "relation": "HEAD"}],
        )
        assert (after["status"], after["survivor_id"], after["allowed_actions"]) == ("SAME", survivor, [])
        ended = (await officer.get(f"/v1/persons/{other}")).json()
        assert (ended["ended_as"], ended["successor_id"], ended["household_id"]) == ("MERGED", survivor, None)
        lives = (await officer.get(f"/v1/persons/{survivor}")).json()
        assert (lives["nik"], lives["household_id"], lives["ended_at"]) == ("990101**********", homes[1]["id"], None)
        needs = (await officer.get(f"/v1/cases/{case}/needs")).json()["items"]
        assert [need["person_id"] for need in needs] == [survivor]
        assert (await officer.get(f"/v1/cases/{case}")).json()["household_id"] == homes[1]["id"]
        assert [
            (each["person_id"], each["relation"])
            for each in (await officer.get(f"/v1/households/{homes[0]['id']}/members")).json()["items"]
        ] == [(child, "HEAD")]
        await sequences(owner, *everything, case, pair["id"])
        types = await owner.fetch(
            "SELECT type FROM events WHERE aggregate_id = ANY ($1::uuid[]) AND type LIKE '%merged' ORDER BY type",
            [UUID(each) for each in (*everything, case)],
        )
        assert {row["type"] for row in types} == {"household.members_merged", "person.merged", "case.person_merged"}
        await finding.find_duplicates(platform)
        assert await queue(officer, person_id=survivor) == []

        operation = await officer.get(f"/v1/lineage/{after['lineage_id']}")
        assert operation.json()["operation"] == "MERGE_PERSONS"
        undoing: dict[str, Any] = {"json": {"reason": "Keliru"}, "headers": {"if-match": operation.headers["etag"]}}
        url = f"/v1/lineage/{after['lineage_id']}/undo"
        problem(await api.as_("puskesos_officer").post(url, **undoing), 403, "scope_missing")
        answer = await officer.post(url, **undoing)
        assert answer.status_code == 200, answer.text
        assert await rows(owner, *everything) == before
        await sequences(owner, *everything, case, pair["id"])
        await finding.find_duplicates(platform)
        [again] = await queue(officer, person_id=survivor)
        assert (again["id"], again["status"], again["survivor_id"], again["lineage_id"]) == (
            pair["id"],
            "OPEN",
            None,
            None,
        )

    async def test_a_household_that_nobody_is_left_in_ends_with_the_other_as_successor(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        first = await family(api, member("Wagirah Lestaluhu"))
        second = await family(api, member("Wagirah Lestaluhu"))
        await finding.find_duplicates(platform)
        officer = api.as_("secretariat_officer")
        [pair] = await queue(officer, person_id=people(first)[0])
        # The survivor takes the place of the other, in the household of the other.
        await decided(officer, pair, action="SAME", survivor_id=people(first)[0], household_id=second["id"])
        gone = (await officer.get(f"/v1/households/{first['id']}")).json()
        assert (gone["ended_as"], gone["successor_id"]) == ("MERGED", second["id"])
        lives = (await officer.get(f"/v1/persons/{people(first)[0]}")).json()
        assert lives["household_id"] == second["id"]
        assert [
            (each["person_id"], each["relation"])
            for each in (await officer.get(f"/v1/households/{second['id']}/members")).json()["items"]
        ] == [(people(first)[0], "HEAD")]

    async def test_twice_in_one_household_the_head_stays_the_head(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        home = await family(
            api, member("Sutinah Mangun", "1969-08-08"), member("Sutinah Mangun", "1969-08-08"), member("Joko", None)
        )
        await finding.find_duplicates(platform)
        officer = api.as_("secretariat_officer")
        head, again, _ = people(home)
        [pair] = await queue(officer, person_id=head)
        await decided(officer, pair, action="SAME", survivor_id=again)
        listed = (await officer.get(f"/v1/households/{home['id']}/members")).json()["items"]
        assert {each["person_id"]: each["relation"] for each in listed} == {
            again: "HEAD",
            people(home)[2]: "CHILD",
        }

    async def test_graphql_reads_and_decides_the_same(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        pair, _ = await twice(api, platform, "Tukiyem Brotoseno")
        officer = api.as_("secretariat_officer")
        query = "query ($id: ID!) { duplicate(id: $id) { status first { name } second { name } } }"
        shown = await data(officer, query, {"id": pair["id"]})
        assert shown["duplicate"] == {
            "status": "OPEN",
            "first": {"name": "Tukiyem Brotoseno"},
            "second": {"name": "Tukiyem Brotoseno"},
        }


async def opened(client: httpx.AsyncClient, household: str, person: str) -> str:
    """A case in assessment with a need of the person."""
    made = await client.post("/v1/cases", json={"household_id": household})
    assert made.status_code == 201, made.text
    case: str = made.json()["id"]
    need = {"person_id": person, "domain": "HEALTH", "need": "HEALTH_INSURANCE"}
    for version, (part, body) in enumerate(
        (("transitions", {"action": "VERIFY"}), ("transitions", {"action": "ASSESS"}), ("needs", need)), 1
    ):
        answer = await client.post(f"/v1/cases/{case}/{part}", json=body, headers={"if-match": f'"{version}"'})
        assert answer.status_code == 200, answer.text
    return case


async def sequences(owner: asyncpg.Connection, *ids: str) -> None:
    """Every aggregate's events are as many as its changes (I4)."""
    for table in ("households", "persons", "cases", "duplicates"):
        for row in await owner.fetch(
            f"SELECT id, version FROM {table} WHERE id = ANY ($1::uuid[])", [UUID(each) for each in ids]
        ):
            told = await owner.fetch("SELECT sequence FROM events WHERE aggregate_id = $1 ORDER BY sequence", row["id"])
            assert [event["sequence"] for event in told] == list(range(1, row["version"] + 1)), (table, row["id"])
