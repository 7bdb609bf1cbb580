"""What happens to families, over HTTP: births, deaths, splits, merges, moves, new numbers, and undoing each of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body
from tests.problems import problem

from slrt_api.access.scopes import Role
from slrt_api.kernel.ids import Kind, new_id

NEXT_VILLAGE = "33.26.01.2002"
WORKERS = ("puskesos_officer", "puskesos_coordinator", "supervisor", "secretariat_officer", "secretariat_manager")


def family_body(*relations: str, **changes: Any) -> dict[str, Any]:
    members = [
        {"name": f"Orang {position}", "birth_date": "1980-01-01", "sex": "F", "relation": relation}
        for position, relation in enumerate(relations)
    ]
    return household_body(members=members, **changes)


async def registered(api: Api, *relations: str, **changes: Any) -> dict[str, Any]:
    client = api.as_("secretariat_officer")
    answer = await client.post("/v1/households", json=family_body(*(relations or ("HEAD", "CHILD")), **changes))
    assert answer.status_code == 201, answer.text
    household: dict[str, Any] = answer.json()
    return household


def people(household: Mapping[str, Any]) -> list[str]:
    return [member["person_id"] for member in household["members"]]


async def etag(client: httpx.AsyncClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


async def act(client: httpx.AsyncClient, of: str, operation: str, **body: Any) -> httpx.Response:
    """Ask for an operation on `of`, a path such as `households/{id}`, with the version that it has."""
    version = await etag(client, f"/v1/{of}")
    return await client.post(
        f"/v1/{of}/{operation}", json={"reason": "Dicatat petugas", **body}, headers={"if-match": version}
    )


async def done(client: httpx.AsyncClient, of: str, operation: str, **body: Any) -> dict[str, Any]:
    answer = await act(client, of, operation, **body)
    assert answer.status_code == 200, answer.text
    lineage: dict[str, Any] = answer.json()
    assert lineage["status"] == ("UNDONE" if operation == "undo" else "DONE")
    return lineage


async def opened(api: Api, household: str, *persons: str) -> str:
    """A case in assessment, with a need of each person."""
    officer = api.as_("secretariat_officer")
    made = await officer.post("/v1/cases", json={"household_id": household})
    assert made.status_code == 201, made.text
    case: str = made.json()["id"]
    for action in ("VERIFY", "ASSESS"):
        await done_case(officer, case, "transitions", {"action": action})
    for person in persons:
        need = {"person_id": person, "domain": "HEALTH", "need": "HEALTH_INSURANCE"}
        await done_case(officer, case, "needs", need)
    return case


async def done_case(client: httpx.AsyncClient, case: str, part: str, body: Any) -> None:
    version = await etag(client, f"/v1/cases/{case}")
    answer = await client.post(f"/v1/cases/{case}/{part}", json=body, headers={"if-match": version})
    assert answer.status_code == 200, answer.text


async def members(client: httpx.AsyncClient, household: str) -> dict[str, str]:
    page = await client.get(f"/v1/households/{household}/members?limit=200")
    return {item["person_id"]: item["relation"] for item in page.json()["items"]}


def head(person: str, relation: str = "HEAD") -> dict[str, str]:
    return {"person_id": person, "relation": relation}


class TestRefusals:
    async def test_only_the_offices_record_what_happens(self, api: Api) -> None:
        household = await registered(api)
        body = {"name": "B", "birth_date": "2026-11-02", "sex": "F", "reason": "B"}
        for role in Role:
            client = api.as_(role, **({"area": "33.26"} if role == "integrator" else {}))
            if role in {"partner", "program_manager"}:
                continue
            answer = await client.post(
                f"/v1/households/{household['id']}/births", json=body, headers={"if-match": '"7"'}
            )
            assert answer.status_code == (412 if role in WORKERS else 403), (role, answer.text)

    async def test_a_version_has_to_be_named(self, api: Api) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        body = {"name": "B", "birth_date": "2026-11-02", "sex": "F", "reason": "B"}
        problem(await officer.post(f"/v1/households/{household['id']}/births", json=body), 428, "if_match_required")

    async def test_a_head_cannot_be_born_nor_anybody_tomorrow(self, api: Api) -> None:
        household = await registered(api)
        officer, of = api.as_("puskesos_officer"), f"households/{household['id']}"
        child = {"name": "B", "birth_date": "2026-11-02", "sex": "F"}
        refused = await act(officer, of, "births", **child, relation="HEAD")
        problem(refused, 422, "content_invalid", fault=("/relation", "one_head_required"))
        refused = await act(officer, of, "births", **{**child, "birth_date": "2999-01-01"})
        problem(refused, 422, "content_invalid", fault=("/birth_date", "date_in_future"))
        refused = await act(officer, of, "births", **child, nik="12")
        problem(refused, 422, "content_invalid", fault=("/nik", "nik_malformed"))

    async def test_where_the_head_goes_another_one_is_named(self, api: Api) -> None:
        household = await registered(api, "HEAD", "SPOUSE", "CHILD")
        officer = api.as_("puskesos_officer")
        first, second, third = people(household)
        died = await act(officer, f"persons/{first}", "death", died_on="2026-11-02")
        problem(died, 422, "content_invalid", fault=("/relations", "one_head_required"))
        of = f"households/{household['id']}"
        left = await act(officer, of, "split", members=[head(first)])
        problem(left, 422, "content_invalid", fault=("/relations", "one_head_required"))
        left = await act(officer, of, "split", members=[head(second, "SPOUSE")])
        problem(left, 422, "content_invalid", fault=("/members", "one_head_required"))
        left = await act(officer, of, "split", members=[head(first), head(second, "SPOUSE"), head(third, "CHILD")])
        problem(left, 422, "content_invalid", fault=("/members", "nobody_stays"))
        stranger = str(new_id(Kind.PERSON, 3326))
        left = await act(officer, of, "split", members=[head(stranger)])
        problem(left, 422, "content_invalid", fault=("/members/0/person_id", "reference_not_found"))
        assert await members(officer, household["id"]) == {first: "HEAD", second: "SPOUSE", third: "CHILD"}

    async def test_a_merge_names_everybody_and_no_second_head(self, api: Api) -> None:
        source, target = await registered(api), await registered(api)
        officer, of = api.as_("puskesos_officer"), f"households/{source['id']}"
        first, second = people(source)
        for named, code in (
            ([head(first, "OTHER")], "members_incomplete"),
            ([head(first), head(second, "CHILD")], "one_head_required"),
        ):
            refused = await act(officer, of, "merge", into=target["id"], members=named)
            problem(refused, 422, "content_invalid", fault=("/members", code))
        everybody = [head(first, "OTHER"), head(second, "OTHER")]
        refused = await act(officer, of, "merge", into=source["id"], members=everybody)
        problem(refused, 422, "content_invalid", fault=("/into", "reference_not_found"))

    async def test_a_move_ends_at_the_border_of_the_regency(self, api: Api) -> None:
        household = await registered(api)
        officer, of = api.as_("puskesos_officer"), f"households/{household['id']}"
        refused = await act(officer, of, "move", area_code=OTHER_REGENCY_VILLAGE, address="B")
        problem(refused, 422, "content_invalid", fault=("/area_code", "other_regency"))
        refused = await act(officer, of, "move", area_code="33.26", address="B")
        problem(refused, 422, "content_invalid", fault=("/area_code", "area_unknown"))

    async def test_what_has_ended_takes_no_further_operation(self, api: Api) -> None:
        household = await registered(api, "HEAD", "SPOUSE")
        officer = api.as_("puskesos_officer")
        first, second = people(household)
        await done(officer, f"persons/{second}", "death", died_on="2026-11-02")
        problem(await act(officer, f"persons/{second}", "death", died_on="2026-11-02"), 409, "person_ended")
        await done(officer, f"persons/{first}", "death", died_on="2026-11-02")
        ended = await act(officer, f"households/{household['id']}", "family-card", kk="9901010101120009")
        problem(ended, 409, "household_ended")
        assert (await officer.get(f"/v1/households/{household['id']}")).json()["ended_as"] == "DISSOLVED"


class TestVital:
    async def test_a_child_is_a_member_since_its_birth(self, api: Api) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        born = await done(
            officer,
            f"households/{household['id']}",
            "births",
            name="Putri",
            birth_date="2026-11-02",
            sex="F",
            nik="9901014211260001",
        )
        [child] = born["person_ids"]
        assert (born["operation"], born["household_ids"], born["effective_on"]) == (
            "BIRTH",
            [household["id"]],
            "2026-11-02",
        )
        assert (await members(officer, household["id"]))[child] == "CHILD"
        person = (await officer.get(f"/v1/persons/{child}")).json()
        assert (person["version"], person["nik"], person["household_id"]) == (0, "990101**********", household["id"])
        undone = await done(officer, f"lineage/{born['id']}", "undo")
        assert undone["undo_reason"] == "Dicatat petugas"
        assert child not in await members(officer, household["id"])
        assert (await officer.get(f"/v1/persons/{child}")).json()["ended_as"] == "MISTAKEN"

    async def test_a_child_with_a_need_is_no_mistake(self, api: Api) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        of = f"households/{household['id']}"
        born = await done(officer, of, "births", name="Putri", birth_date="2026-11-02", sex="F")
        await opened(api, household["id"], born["person_ids"][0])
        problem(await act(officer, f"lineage/{born['id']}", "undo"), 409, "undo_blocked")

    async def test_a_death_ends_the_membership_and_what_was_needed(self, api: Api) -> None:
        household = await registered(api, "HEAD", "SPOUSE", "CHILD")
        officer = api.as_("puskesos_officer")
        first, second, third = people(household)
        shared = await opened(api, household["id"], first, third)
        alone = await opened(api, household["id"], first)
        died = await done(
            officer, f"persons/{first}", "death", died_on="2026-11-21", relations=[head(second), head(third, "OTHER")]
        )
        assert await members(officer, household["id"]) == {second: "HEAD", third: "OTHER"}
        person = (await officer.get(f"/v1/persons/{first}")).json()
        assert (person["died_on"], person["ended_as"], person["household_id"]) == ("2026-11-21", "DECEASED", None)
        both = [(await officer.get(f"/v1/cases/{case}")).json() for case in (shared, alone)]
        assert [(case["open_needs"], case["attention"], case["status"]) for case in both] == [
            (1, False, "ASSESSMENT"),
            (0, True, "ASSESSMENT"),
        ]
        listed = (await officer.get(f"/v1/cases?attention=true&household_id={household['id']}")).json()
        assert [case["id"] for case in listed["items"]] == [alone]
        await done(officer, f"lineage/{died['id']}", "undo")
        assert await members(officer, household["id"]) == {first: "HEAD", second: "SPOUSE", third: "CHILD"}
        restored = (await officer.get(f"/v1/cases/{alone}")).json()
        assert (restored["open_needs"], restored["attention"]) == (1, False)
        problem(await act(officer, f"lineage/{died['id']}", "undo"), 409, "undo_blocked")

    async def test_the_next_step_takes_the_attention_away_and_the_undoing_with_it(self, api: Api) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        _, second = people(household)
        case = await opened(api, household["id"], second)
        died = await done(officer, f"persons/{second}", "death", died_on="2026-11-21")
        closing = {"action": "CLOSE", "outcome": "DECEASED", "reason": "Sudah meninggal"}
        await done_case(officer, case, "transitions", closing)
        assert (await officer.get(f"/v1/cases/{case}")).json()["attention"] is False
        problem(await act(officer, f"lineage/{died['id']}", "undo"), 409, "undo_blocked")


class TestNumbers:
    async def test_old_numbers_stay_dated(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        first = people(household)[0]
        card = await done(officer, f"households/{household['id']}", "family-card", kk="9902020101120009")
        corrected = await done(
            officer, f"persons/{first}", "nik", nik="9903034101800001", evidence="KTP-el asli ditunjukkan"
        )

        async def numbers(of: str) -> list[tuple[str, bool]]:
            rows = await owner.fetch(
                "SELECT prefix, valid_to IS NULL AS holds FROM identities WHERE owner_id = $1 ORDER BY id", UUID(of)
            )
            return [tuple(row) for row in rows]

        assert await numbers(household["id"]) == [("990101", False), ("990202", True)]
        assert await numbers(first) == [("990303", True)]
        history = (await officer.get(f"/v1/persons/{first}/history")).json()["items"]
        assert [(each["type"], each["texts"]["evidence"]) for each in history] == [
            ("person.nik_corrected", "KTP-el asli ditunjukkan")
        ]
        again = await done(officer, f"persons/{first}", "nik", nik="9904044101800001", evidence="Akta")
        problem(await act(officer, f"lineage/{corrected['id']}", "undo"), 409, "undo_blocked")
        for lineage in (again, corrected, card):
            await done(officer, f"lineage/{lineage['id']}", "undo")
        assert (await officer.get(f"/v1/persons/{first}")).json()["nik"] is None
        assert await numbers(household["id"]) == [("990101", True), ("990202", False)]

    async def test_nothing_of_a_number_stands_in_the_trail(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        officer = api.as_("puskesos_officer")
        card = await done(officer, f"households/{household['id']}", "family-card", kk="9902020101127777")
        rows = await owner.fetch(
            "SELECT e.body::text || r.values::text AS said FROM events e JOIN revisions r USING (regency, aggregate_id,"
            " sequence) WHERE e.aggregate_id = ANY ($1)",
            [UUID(household["id"]), UUID(card["id"])],
        )
        assert rows
        assert not [row for row in rows if "0101127777" in row["said"]]


class TestSplit:
    async def test_the_case_follows_its_people(self, api: Api) -> None:
        household = await registered(api, "HEAD", "SPOUSE", "CHILD", "CHILD")
        office = api.as_("secretariat_officer")
        first, second, third, _ = people(household)
        goes, stays = await opened(api, household["id"], third), await opened(api, household["id"], first, second)
        both = await opened(api, household["id"], second, third)
        of = f"households/{household['id']}"
        leaving: dict[str, Any] = {"members": [head(third)], "area_code": NEXT_VILLAGE, "address": "Dusun V"}
        refused = await act(office, of, "split", **leaving)
        problem(refused, 422, "content_invalid", fault=("/cases", "case_split_required"))
        refused = await act(office, of, "split", **leaving, cases=[{"case_id": goes, "goes": False}])
        problem(refused, 422, "content_invalid", fault=("/cases/0/case_id", "case_follows_people"))
        done_ = await done(
            office, of, "split", **leaving, kk="9901010101120010", cases=[{"case_id": both, "goes": True}]
        )
        [new] = set(done_["household_ids"]) - {household["id"]}
        assert await members(office, new) == {third: "HEAD"}
        cases = {case: (await office.get(f"/v1/cases/{case}")).json() for case in (goes, stays, both)}
        assert {case: (each["household_id"], each["area_code"]) for case, each in cases.items()} == {
            goes: (new, NEXT_VILLAGE),
            stays: (household["id"], VILLAGE),
            both: (new, NEXT_VILLAGE),
        }
        assert (await api.as_("puskesos_officer").get(f"/v1/persons/{third}")).status_code == 404
        neighbor = api.as_("puskesos_officer", area=NEXT_VILLAGE)
        assert (await neighbor.get(f"/v1/persons/{third}")).json()["household_id"] == new
        await done(office, f"lineage/{done_['id']}", "undo")
        assert (await office.get(f"/v1/households/{new}")).json()["ended_as"] == "DISSOLVED"
        assert len(await members(office, household["id"])) == 4
        assert (await office.get(f"/v1/cases/{both}")).json()["household_id"] == household["id"]

    async def test_a_household_in_which_something_began_is_not_taken_back(self, api: Api) -> None:
        household = await registered(api, "HEAD", "CHILD")
        officer = api.as_("puskesos_officer")
        first, second = people(household)
        parted = await done(officer, f"households/{household['id']}", "split", members=[head(second)])
        [new] = set(parted["household_ids"]) - {household["id"]}
        assert (await officer.get(f"/v1/households/{new}")).json()["house_id"] == household["house_id"]
        born = await done(officer, f"households/{new}", "births", name="B", birth_date="2026-11-22", sex="M")
        problem(await act(officer, f"lineage/{parted['id']}", "undo"), 409, "undo_blocked")
        await done(officer, f"lineage/{born['id']}", "undo")
        await opened(api, new)
        problem(await act(officer, f"lineage/{parted['id']}", "undo"), 409, "undo_blocked")
        assert await members(officer, new) == {second: "HEAD"}
        assert await members(officer, household["id"]) == {first: "HEAD"}

    async def test_a_membership_that_holds_again_is_where_the_household_has_gone_meanwhile(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household = await registered(api, area_code=NEXT_VILLAGE)
        office, of, leaves = api.as_("secretariat_officer"), f"households/{household['id']}", people(household)[1]
        split = await done(office, of, "split", members=[head(leaves)], area_code=VILLAGE, address="Dusun V")
        await done(office, of, "move", area_code=VILLAGE, address="Dusun VI")
        await done(office, f"lineage/{split['id']}", "undo")
        assert [dict(row) for row in await owner.fetch(INVARIANTS[_ELSEWHERE], [UUID(household["id"])])] == []
        assert set(await members(api.as_("puskesos_officer"), household["id"])) == set(people(household))


class TestMerge:
    async def test_people_and_cases_go_on_in_the_other(self, api: Api) -> None:
        source, target = await registered(api), await registered(api, area_code=NEXT_VILLAGE)
        office = api.as_("secretariat_officer")
        first, second = people(source)
        case = await opened(api, source["id"], second)
        of = f"households/{source['id']}"
        named = [head(first, "PARENT"), head(second, "OTHER")]
        blind = await act(api.as_("puskesos_officer"), of, "merge", into=target["id"], members=named)
        problem(blind, 422, "content_invalid", fault=("/into", "reference_not_found"))
        merged = await done(office, of, "merge", into=target["id"], members=named)
        ended = (await office.get(f"/v1/households/{source['id']}")).json()
        assert (ended["ended_as"], ended["successor_id"], ended["kk"]) == ("MERGED", target["id"], None)
        assert len(await members(office, target["id"])) == 4
        assert (await office.get(f"/v1/cases/{case}")).json()["household_id"] == target["id"]
        assert (await office.get(f"/v1/persons/{first}")).json()["area_code"] == NEXT_VILLAGE
        await done(office, f"lineage/{merged['id']}", "undo")
        assert await members(office, source["id"]) == {first: "HEAD", second: "CHILD"}
        again = (await office.get(f"/v1/households/{source['id']}")).json()
        assert (again["ended_at"], again["kk"], again["successor_id"]) == (None, "990101**********", None)
        assert (await office.get(f"/v1/persons/{first}")).json()["area_code"] == VILLAGE


class TestMove:
    async def test_who_sees_it_follows_the_village(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        officer, neighbor = api.as_("puskesos_officer"), api.as_("puskesos_officer", area=NEXT_VILLAGE)
        person = people(household)[1]
        case = await opened(api, household["id"], person)
        of = f"households/{household['id']}"
        number = {"scheme": "ID_DTKS", "value": "0000123456789012", "source": "NATIONAL_REGISTRY"}
        assert (
            await officer.post(f"/v1/{of}/registry-numbers", json=number, headers={"if-match": '"1"'})
        ).status_code in {200, 201}
        gone = await act(officer, of, "move", area_code=NEXT_VILLAGE, address="Dusun V")
        assert (gone.status_code, gone.content) == (204, b"")
        for url in (of, f"persons/{person}", f"cases/{case}"):
            assert (await officer.get(f"/v1/{url}")).status_code == 404
            assert (await neighbor.get(f"/v1/{url}")).json()["area_code"] == NEXT_VILLAGE
        needs = (await neighbor.get(f"/v1/cases/{case}/needs")).json()["items"]
        assert [need["person_id"] for need in needs] == [person]
        [moved] = (await neighbor.get(f"/v1/{of}/lineage")).json()["items"]
        assert (moved["operation"], moved["area_code"], moved["case_ids"]) == ("MOVE_WITHIN", NEXT_VILLAGE, [case])
        assert [item["id"] for item in (await neighbor.get(f"/v1/persons/{person}/lineage")).json()["items"]] == [
            moved["id"]
        ]
        for table, owner_id in (("identities", "owner_id"), ("registry_numbers", "owner_id"), ("answers", "owner_id")):
            assert (
                await owner.fetchval(
                    f"SELECT count(*) FROM {table} WHERE {owner_id} = ANY ($1) AND area <> 3326012002",
                    [UUID(household["id"]), UUID(person)],
                )
                == 0
            ), table
        assert (
            await owner.fetchval(
                "SELECT count(*) FILTER (WHERE area = 3326012002) FROM registry_numbers WHERE owner_id = $1",
                UUID(household["id"]),
            )
            == 1
        )
        provenance = (await neighbor.get(f"/v1/{of}")).json()["provenance"]["address"]
        assert (provenance["value"], provenance["earlier"][0]["value"]) == ("Dusun V", "Dusun III RT 02")
        back = await act(neighbor, f"lineage/{moved['id']}", "undo")
        assert back.status_code == 204, back.text
        assert (await officer.get(f"/v1/{of}")).json()["address"] == "Dusun III RT 02"
        assert (await officer.get(f"/v1/lineage/{moved['id']}")).json()["status"] == "UNDONE"

    async def test_every_event_names_the_operation(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        office = api.as_("secretariat_officer")
        moved = await done(office, f"households/{household['id']}", "move", area_code=NEXT_VILLAGE, address="Dusun V")
        rows = await owner.fetch(
            "SELECT e.type FROM events e JOIN revisions r USING (regency, aggregate_id, sequence)"
            " WHERE r.values ->> 'lineage' = $1 ORDER BY 1",
            moved["id"],
        )
        assert [row["type"] for row in rows] == ["household.moved", "person.moved", "person.moved"]
        history = (await office.get(f"/v1/lineage/{moved['id']}/history")).json()["items"]
        assert [each["type"] for each in history] == ["lineage.recorded"]


_ELSEWHERE = "a person elsewhere than the household"
_PEOPLE = "(SELECT id FROM memberships WHERE household_id = ANY ($1))"
#: what must not be found, by what it would mean
INVARIANTS = {
    "a person of two households": f"SELECT id FROM memberships WHERE id IN {_PEOPLE} AND valid_to IS NULL"
    " GROUP BY id HAVING count(*) > 1",
    "a household without exactly one head, or an ended one with people": "SELECT h.id FROM households h"
    " LEFT JOIN memberships m ON m.household_id = h.id AND m.valid_to IS NULL WHERE h.id = ANY ($1) GROUP BY h.id, h.ended_at"
    " HAVING count(m.id) FILTER (WHERE m.relation = 'HEAD') <> (h.ended_at IS NULL)::int"
    " OR (h.ended_at IS NOT NULL AND count(m.id) > 0)",
    "an ended person in a household": f"SELECT p.id FROM persons p JOIN memberships m ON m.id = p.id AND m.valid_to IS NULL"
    f" WHERE p.id IN {_PEOPLE} AND p.ended_at IS NOT NULL",
    "a case without its people": "SELECT c.id FROM cases c JOIN households h ON h.id = c.household_id"
    " WHERE h.id = ANY ($1) AND c.closed_at IS NULL AND NOT c.attention AND (h.ended_at IS NOT NULL OR (c.open_needs > 0"
    " AND NOT EXISTS (SELECT FROM needs n JOIN persons p ON p.id = n.person_id WHERE n.case_id = c.id"
    " AND n.status = 'OPEN' AND p.ended_at IS NULL)))",
    "an open need of the dead": f"SELECT n.id FROM needs n JOIN persons p ON p.id = n.person_id WHERE p.id IN {_PEOPLE}"
    " AND n.status = 'OPEN' AND p.ended_at IS NOT NULL",
    "a count that is wrong": "SELECT c.id FROM cases c WHERE c.household_id = ANY ($1) AND c.open_needs <>"
    " (SELECT count(*) FROM needs n WHERE n.case_id = c.id AND n.status = 'OPEN')",
    _ELSEWHERE: "SELECT p.id FROM persons p JOIN memberships m ON m.id = p.id AND"
    " m.valid_to IS NULL JOIN households h ON h.id = m.household_id WHERE h.id = ANY ($1) AND (p.area <> h.area OR"
    " m.area <> h.area OR EXISTS (SELECT FROM identities i WHERE i.owner_id IN (p.id, h.id) AND i.area <> h.area))",
    "a case elsewhere than the household": "SELECT c.id FROM cases c JOIN households h ON h.id = c.household_id"
    " WHERE h.id = ANY ($1) AND h.ended_at IS NULL AND c.closed_at IS NULL AND (c.area <> h.area OR EXISTS"
    " (SELECT FROM needs n WHERE n.case_id = c.id AND n.area <> c.area))",
    "events that are not the changes": "SELECT a.id, a.version FROM (SELECT id, version FROM households WHERE id = ANY ($1)"
    f" UNION ALL SELECT id, version FROM persons WHERE id IN {_PEOPLE}"
    " UNION ALL SELECT id, version FROM cases WHERE household_id = ANY ($1)"
    " UNION ALL SELECT l.id, l.version FROM lineage l JOIN lineage_participants q ON q.id = l.id"
    " WHERE q.participant_id = ANY ($1)) a WHERE a.version <> (SELECT count(*) FROM events e WHERE e.aggregate_id = a.id)"
    " OR a.version <> (SELECT coalesce(max(e.sequence), 0) FROM events e WHERE e.aggregate_id = a.id)",
}


async def test_graphql_records_and_undoes_the_same(api: Api) -> None:
    household = await registered(api)
    officer = api.as_("puskesos_officer")
    asked = {
        "query": "mutation($input: HouseholdsBirthInput!) { householdsBirth(input: $input) { lineage { id status } } }",
        "variables": {
            "input": {
                "id": household["id"],
                "expectedVersion": 1,
                "name": "Putri",
                "birthDate": "2026-11-02",
                "sex": "F",
                "reason": "B",
            }
        },
    }
    answer = (await officer.post("/graphql", json=asked)).json()
    assert answer["data"]["householdsBirth"]["lineage"]["status"] == "DONE", answer
    id_ = answer["data"]["householdsBirth"]["lineage"]["id"]
    listed = {
        "query": "query($id: ID!) { household(id: $id) { lineage(first: 5) { edges { node { id operation } } } } }"
    }
    found = (await officer.post("/graphql", json={**listed, "variables": {"id": household["id"]}})).json()
    assert found["data"]["household"]["lineage"]["edges"] == [{"node": {"id": id_, "operation": "BIRTH"}}], found
