"""A household goes to another regency: who offers, what the other side sees, what an acceptance moves, and what it leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_lineage import INVARIANTS, done, etag, family_body, opened, people, registered
from tests.problems import problem

from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.flows import carrying
from slrt_api.kernel.ids import Kind, new_id, tenant_of

OFFERERS = {"puskesos_officer", "puskesos_coordinator", "supervisor", "secretariat_officer", "secretariat_manager"}
ANSWERERS = {"supervisor", "secretariat_officer", "secretariat_manager"}
HERE, THERE = 3326, 3327
NIK = "9901014505880447"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of its own: ids that lead across the border are what other tests look for as leaks."""
    return await make_database("slrt_handovers")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(own: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(own.api_url, tmp_path_factory.mktemp("handovers")) as running:
        yield running


@pytest_asyncio.fixture
async def owner(own: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own.owner_url)
    yield connection
    await connection.close()


def source(api: Api, role: str = "secretariat_officer", area: str = "33.26") -> httpx.AsyncClient:
    return api.as_(role, area=area)


def target(api: Api, role: str = "secretariat_officer", area: str = "33.27") -> httpx.AsyncClient:
    return api.as_(role, area=area)


async def offered(api: Api, household: str, **changes: Any) -> dict[str, Any]:
    body = {"household_id": household, "area_code": "33.27", "reason_code": "WORK", "reason": "Ikut anak bekerja"}
    answer = await source(api).post("/v1/handovers", json=body | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ticket_of(api: Api, owner: asyncpg.Connection, offer: dict[str, Any]) -> str:
    """The id of the other side's row: no answer to this side tells it."""
    found = await owner.fetchval("SELECT counterpart_id FROM handovers WHERE id = $1", UUID(offer["id"]))
    return str(found)


async def answer_(client: httpx.AsyncClient, id_: str, action: str, **body: Any) -> httpx.Response:
    seen = await client.get(f"/v1/handovers/{id_}")
    return await client.post(
        f"/v1/handovers/{id_}/transitions",
        json={"action": action, **body},
        headers={"if-match": seen.headers.get("etag", '"1"')},
    )


async def accepted(api: Api, ticket: str, **changes: Any) -> dict[str, Any]:
    body = {"area_code": OTHER_REGENCY_VILLAGE, "address": "Dusun Baru RT 01"} | changes
    answer = await answer_(target(api), ticket, "ACCEPT", **body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def rows(owner: asyncpg.Connection, regency: int, table: str, where: str, *values: Any) -> list[dict[str, Any]]:
    return [
        dict(row)
        for row in await owner.fetch(
            f"SELECT * FROM {table} WHERE regency = {regency} AND {where} ORDER BY 1, 2", *values
        )
    ]


class TestRefusals:
    async def test_only_the_offices_offer_and_see(self, api: Api) -> None:
        household = await registered(api)
        body = {"household_id": household["id"], "area_code": "33.26", "reason_code": "WORK", "reason": "B"}
        for role in Role:
            if role in {Role.PARTNER, Role.PROGRAM_MANAGER}:
                continue
            client = api.as_(role, **({"area": "33.26"} if role is Role.INTEGRATOR else {}))
            assert (Scope.HANDOVERS_WRITE in PERMISSIONS[role]) == (role in OFFERERS)
            # Offered to the own regency: refused by its content, for whom it is not refused by the role.
            asked = await client.post("/v1/handovers", json=body)
            assert asked.status_code == (422 if role in OFFERERS else 403), (role, asked.text)
            listed = await client.get("/v1/handovers")
            assert listed.status_code == (200 if role in OFFERERS else 403), (role, listed.text)

    async def test_an_offer_names_a_household_in_sight_and_a_place_across_the_border(self, api: Api) -> None:
        household = await registered(api)
        body = {"household_id": household["id"], "reason_code": "WORK", "reason": "B"}
        officer = source(api)
        for area, code in (("33.26.02", "same_regency"), ("33.99", "area_unknown"), ("33.99.01.2001", "area_unknown")):
            refused = await officer.post("/v1/handovers", json=body | {"area_code": area})
            problem(refused, 422, "content_invalid", fault=("/area_code", code))
        elsewhere = source(api, area="33.26.02")
        for client, id_ in ((elsewhere, household["id"]), (officer, str(new_id(Kind.HOUSEHOLD, HERE)))):
            refused = await client.post("/v1/handovers", json=body | {"household_id": id_, "area_code": "33.27"})
            problem(refused, 422, "content_invalid", fault=("/household_id", "reference_not_found"))

    async def test_one_offer_at_a_time(self, api: Api) -> None:
        household = await registered(api)
        first = await offered(api, household["id"])
        body = {"household_id": household["id"], "area_code": "33.28", "reason_code": "WORK", "reason": "B"}
        problem(await source(api).post("/v1/handovers", json=body), 409, "handover_under_way")
        withdrawn = await answer_(source(api), first["id"], "WITHDRAW", reason="Keliru")
        assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "WITHDRAWN")
        assert (await source(api).post("/v1/handovers", json=body)).status_code == 201

    async def test_each_side_has_its_own_steps(self, api: Api, owner: asyncpg.Connection) -> None:
        offer = await offered(api, (await registered(api))["id"])
        ticket = await ticket_of(api, owner, offer)
        place = {"area_code": OTHER_REGENCY_VILLAGE, "address": "B"}
        assert offer["allowed_actions"] == ["WITHDRAW"]
        seen = (await target(api).get(f"/v1/handovers/{ticket}")).json()
        assert seen["allowed_actions"] == ["ACCEPT", "DECLINE"]
        own = {"area_code": VILLAGE, "address": "B"}
        problem(await answer_(source(api), offer["id"], "ACCEPT", **own), 409, "other_side_decides")
        problem(await answer_(target(api), ticket, "WITHDRAW", reason="B"), 409, "other_side_decides")
        problem(await answer_(target(api), offer["id"], "ACCEPT", **place), 404, "not_found")
        problem(await answer_(source(api), ticket, "WITHDRAW", reason="B"), 404, "not_found")
        for role in OFFERERS - ANSWERERS:
            # An offer to the village is seen there; whoever keeps the register of more than a village takes it over.
            at_village = await offered(api, (await registered(api))["id"], area_code=OTHER_REGENCY_VILLAGE)
            client = api.as_(role, area=OTHER_REGENCY_VILLAGE)
            shown = await ticket_of(api, owner, at_village)
            assert (await client.get(f"/v1/handovers/{shown}")).json()["allowed_actions"] == []
            problem(await answer_(client, shown, "ACCEPT", **place), 403, "role_not_allowed")

    async def test_an_answer_has_its_members(self, api: Api, owner: asyncpg.Connection) -> None:
        ticket = await ticket_of(api, owner, await offered(api, (await registered(api))["id"]))
        client = target(api)
        for body, fault in (
            ({"address": "B"}, ("/area_code", "required")),
            ({"area_code": OTHER_REGENCY_VILLAGE}, ("/address", "required")),
            (
                {"area_code": OTHER_REGENCY_VILLAGE, "address": "B", "effective_on": "2999-01-01"},
                ("/effective_on", "date_in_future"),
            ),
        ):
            problem(await answer_(client, ticket, "ACCEPT", **body), 422, "content_invalid", fault=fault)
        refused = await answer_(client, ticket, "ACCEPT", area_code=VILLAGE, address="B")
        problem(refused, 403, "area_out_of_scope")
        problem(await answer_(client, ticket, "DECLINE"), 422, "content_invalid", fault=("/reason", "reason_required"))
        refused = await answer_(client, ticket, "DECLINE", reason="B", address="B")
        problem(refused, 422, "content_invalid", fault=("/address", "invalid"))
        assert (await client.get(f"/v1/handovers/{ticket}")).json()["status"] == "OFFERED"

    async def test_what_runs_is_finished_first(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, "HEAD", "CHILD")
        case = await opened(api, household["id"], people(household)[0])
        offer = await offered(api, household["id"])
        ticket = await ticket_of(api, owner, offer)
        await owner.execute("UPDATE needs SET status = 'REFERRED' WHERE case_id = $1", UUID(case))
        refused = await answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B")
        problem(refused, 409, "handover_not_ready")
        await answer_(source(api), offer["id"], "WITHDRAW", reason="B")
        body = {"household_id": household["id"], "area_code": "33.27", "reason_code": "WORK", "reason": "B"}
        # Whose household it is learns what stands in the way; whoever was to accept it did not.
        assert refused.json()["errors"] == []
        told = await source(api).post("/v1/handovers", json=body)
        problem(told, 409, "handover_not_ready", fault=("/household_id", "referrals_open"))
        await owner.execute("UPDATE needs SET status = 'OPEN' WHERE case_id = $1", UUID(case))
        assert (await source(api).post("/v1/handovers", json=body)).status_code == 201

    async def test_a_household_that_has_ended_since_does_not_go(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, "HEAD")
        ticket = await ticket_of(api, owner, await offered(api, household["id"]))
        await done(source(api), f"persons/{people(household)[0]}", "death", died_on="2026-11-02")
        refused = await answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B")
        problem(refused, 409, "handover_not_ready")


class TestTicket:
    async def test_it_tells_whence_when_why_and_how_many(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, "HEAD", "SPOUSE", "CHILD")
        offer = await offered(api, household["id"], area_code="33.27.01")
        ticket = await ticket_of(api, owner, offer)
        seen = (await target(api, "supervisor", "33.27.01").get(f"/v1/handovers/{ticket}?include=household")).json()
        volatile = {"created_at", "updated_at", "allowed_actions"}
        assert {name: value for name, value in seen.items() if name not in volatile} == {
            "id": ticket,
            "version": 1,
            "direction": "INCOMING",
            "status": "OFFERED",
            "area_code": "33.27.01",
            "other_area_code": "33.26",
            "persons": 3,
            "reason_code": "WORK",
            "reason": None,
            "household_id": None,
            "household": None,
            "answered_at": None,
            "answer": None,
            "lineage_id": None,
        }
        assert (offer["direction"], offer["household_id"], offer["reason"]) == (
            "OUTGOING",
            household["id"],
            "Ikut anak bekerja",
        )
        assert (await target(api, "supervisor", "33.27.02").get(f"/v1/handovers/{ticket}")).status_code == 404

    async def test_nothing_of_the_other_side_is_reached_before_it_is_agreed(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household = await registered(api, "HEAD", "CHILD", address="Gang Rahasia 7")
        case = await opened(api, household["id"], people(household)[0])
        offer = await offered(api, household["id"], reason="Alasan yang hanya untuk pihak sini")
        ticket = await ticket_of(api, owner, offer)
        client = target(api, "secretariat_manager")
        auditor = api.as_("auditor", area="33.27")
        told = [
            (await client.get(f"/v1/handovers/{ticket}?include=household")).text,
            (await client.get("/v1/handovers?include_total=true&include=household")).text,
            (await client.get(f"/v1/handovers/{ticket}/history")).text,
            (await client.get("/v1/households?include_total=true&ended=true")).text,
            (await client.get(f"/v1/handovers?household_id={household['id']}")).text,
            await _graph(client, ticket),
        ]
        for value in (household["id"], *people(household), case, offer["id"], "Rahasia", "pihak sini", "Orang 0"):
            assert [text for text in told if value in text] == [], value
        for path in (
            f"households/{household['id']}",
            f"persons/{people(household)[0]}",
            f"cases/{case}",
            f"handovers/{offer['id']}",
            f"handovers/{offer['id']}/history",
        ):
            for who in (client, auditor):
                assert (await who.get(f"/v1/{path}")).status_code in {403, 404}, path
        page = await client.get(f"/v1/handovers?household_id={household['id']}&include_total=true")
        assert (page.json()["items"], page.json()["total"]) == ([], 0)
        # The row itself holds nothing, whoever reads it: names stand in no column, revision or event of that regency.
        kept = await owner.fetch(
            "SELECT to_jsonb(h)::text AS text FROM handovers h WHERE id = $1 UNION ALL"
            " SELECT values::text FROM revisions WHERE aggregate_id = $1 UNION ALL"
            " SELECT encode(body, 'escape') FROM events WHERE aggregate_id = $1",
            UUID(ticket),
        )
        for value in (household["id"], *people(household), case, "Rahasia", "pihak sini", "Orang 0"):
            assert [row["text"] for row in kept if value in row["text"]] == [], value

    async def test_the_table_itself_refuses_a_ticket_that_tells_more(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        ticket = await ticket_of(api, owner, await offered(api, household["id"]))
        for told in (f"household_id = '{household['id']}'", "reason = 'B'"):
            with pytest.raises((asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)):
                await owner.execute(f"UPDATE handovers SET {told} WHERE id = '{ticket}'")

    async def test_a_refusal_is_read_on_both_sides(self, api: Api, owner: asyncpg.Connection) -> None:
        offer = await offered(api, (await registered(api))["id"])
        ticket = await ticket_of(api, owner, offer)
        declined = await answer_(target(api), ticket, "DECLINE", reason="Tidak dikenal di alamat itu")
        mine = (await source(api).get(f"/v1/handovers/{offer['id']}")).json()
        for side in (declined.json(), mine):
            assert (side["status"], side["answer"], side["allowed_actions"]) == (
                "DECLINED",
                "Tidak dikenal di alamat itu",
                [],
            )
        again = await answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B")
        problem(again, 409, "transition_not_allowed")


async def _graph(client: httpx.AsyncClient, ticket: str) -> str:
    query = (
        "query($id: ID!) { handover(id: $id) { id persons reason householdId household { id } }"
        " handovers(first: 50) { edges { cursor node { id reason householdId household { id } } } } }"
    )
    answer = await client.post("/graphql", json={"query": query, "variables": {"id": ticket}})
    assert answer.json()["data"]["handover"]["id"] == ticket, answer.text
    return answer.text


class TestAcceptance:
    async def test_the_family_goes_on_there_with_what_it_is_known_and_served_by(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        here, there = source(api), target(api)
        body = family_body("HEAD", "CHILD", kk="9901010101120447")
        body["members"][0] |= {"nik": NIK, "name": "Tarwiyah Kusnaeni", "birth_date": "1988-05-05"}
        household = (await here.post("/v1/households", json=body)).json()
        first, _ = people(household)
        numbered = await here.post(
            f"/v1/persons/{first}/registry-numbers",
            json={"scheme": "ID_DTKS", "value": "0047", "source": "DOCUMENT"},
            headers={"if-match": '"0"'},
        )
        assert numbered.status_code == 200, numbered.text
        answered = await here.put(
            f"/v1/households/{household['id']}/answers",
            json={"instrument": "REGSOSEK2022K", "source": "OBSERVED", "answers": {"303": "8"}},
            headers={"if-match": await etag(here, f"/v1/households/{household['id']}")},
        )
        assert answered.status_code == 200, answered.text
        case = await opened(api, household["id"], first)
        offer = await offered(api, household["id"])
        after = await accepted(api, await ticket_of(api, owner, offer))
        assert (after["status"], after["persons"], tenant_of(UUID(after["household_id"]))) == ("ACCEPTED", 2, THERE)

        url = f"/v1/households/{after['household_id']}"
        new = (await there.get(f"{url}?include=members,answers,family_cards,cases.needs,lineage")).json()
        assert (new["area_code"], new["address"], new["kk"], new["ended_at"]) == (
            OTHER_REGENCY_VILLAGE,
            "Dusun Baru RT 01",
            "990101**********",
            None,
        )
        assert [(each["name"], each["relation"], each["nik"]) for each in new["members"]] == [
            ("Tarwiyah Kusnaeni", "HEAD", "990101**********"),
            (body["members"][1]["name"], "CHILD", None),
        ]
        assert [(each["question"], each["value"], each["source"]) for each in new["answers"]] == [
            ("303", "8", "OBSERVED")
        ]
        successor = new["members"][0]["person_id"]
        assert tenant_of(UUID(successor)) == THERE
        person = (await there.get(f"/v1/persons/{successor}?include=registry_numbers")).json()
        before = (await here.get(f"/v1/persons/{first}?include=registry_numbers")).json()
        assert person["provenance"] == before["provenance"] != {}
        assert [each["value"] for each in person["registry_numbers"]] == ["0047"]
        assert person["version"] == 0
        [carried] = new["cases"]
        assert (carried["status"], carried["predecessor_id"], carried["received_at"]) == (
            "REGISTERED",
            case,
            (await here.get(f"/v1/cases/{case}")).json()["received_at"],
        )
        assert [(need["person_id"], need["need"], need["status"]) for need in carried["needs"]] == [
            (successor, "HEALTH_INSURANCE", "OPEN")
        ]
        assert [each["operation"] for each in new["lineage"]] == ["MOVE_IN"]

        # There, nothing goes on, and every end leads to its successor.
        old = (await here.get(f"/v1/households/{household['id']}?include=members,lineage")).json()
        assert (old["ended_as"], old["successor_id"], old["members"]) == ("MOVED", new["id"], [])
        assert [each["operation"] for each in old["lineage"]] == ["MOVE_OUT"]
        assert (before["ended_as"], before["successor_id"], before["household_id"]) == ("MOVED", successor, None)
        ended = (await here.get(f"/v1/cases/{case}?include=needs")).json()
        assert (ended["status"], ended["successor_id"], ended["transferred_to"], ended["open_needs"]) == (
            "MOVED",
            carried["id"],
            "33.27",
            0,
        )
        assert [need["status"] for need in ended["needs"]] == ["CANCELLED"]
        mine = (await here.get(f"/v1/handovers/{offer['id']}")).json()
        assert (mine["status"], mine["household_id"], mine["lineage_id"]) == (
            "ACCEPTED",
            household["id"],
            old["lineage"][0]["id"],
        )

        # Found by its number where it lives, and no more where it lived.
        for client, found in ((there, [successor]), (here, [])):
            searched = await client.post("/v1/persons/search", json={"nik": NIK, "purpose": "CASE_INTAKE"})
            assert [each["person_id"] for each in searched.json()["items"]] == found
        # Neither sees the other's rows, by the link either.
        for client, paths in (
            (
                here,
                (
                    f"households/{new['id']}",
                    f"persons/{successor}",
                    f"cases/{carried['id']}",
                    f"lineage/{after['lineage_id']}",
                ),
            ),
            (
                there,
                (f"households/{household['id']}", f"persons/{first}", f"cases/{case}", f"lineage/{mine['lineage_id']}"),
            ),
        ):
            for path in paths:
                problem(await client.get(f"/v1/{path}"), 404, "not_found")

    async def test_numbers_are_of_rows_and_keys_of_their_new_regency(self, api: Api, owner: asyncpg.Connection) -> None:
        body = household_body(kk="9901010101120448")
        body["members"][0]["nik"] = "9901014505880448"
        household = (await source(api).post("/v1/households", json=body)).json()
        after = await accepted(api, await ticket_of(api, owner, await offered(api, household["id"])))
        ours = await rows(owner, HERE, "identities", "owner_id = ANY ($1)", _ids(household))
        new = (await target(api).get(f"/v1/households/{after['household_id']}?include=members")).json()
        theirs = await rows(owner, THERE, "identities", "owner_id = ANY ($1)", _ids(new))
        assert len(ours) == len(theirs) == 2
        assert {row["valid_to"] is None for row in ours} == {False}
        assert {row["valid_to"] is None for row in theirs} == {True}
        assert {row["ciphertext"] for row in ours}.isdisjoint({row["ciphertext"] for row in theirs})
        assert {tenant_of(row["id"]) for row in theirs} == {THERE}
        # The number is readable in its new row: revealed there, in a case of there.
        officer = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
        case = (await officer.post("/v1/cases", json={"household_id": new["id"]})).json()
        shown = await officer.post(
            f"/v1/persons/{new['members'][0]['person_id']}/reveal",
            json={"purpose": "VERIFICATION", "case_id": case["id"]},
            headers={"if-match": '"0"'},
        )
        assert shown.status_code == 200, shown.text
        assert "9901014505880448" in shown.text

    async def test_what_was_handed_over_takes_no_step_where_it_was(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        case = await opened(api, household["id"], people(household)[0])
        after = await accepted(api, await ticket_of(api, owner, await offered(api, household["id"])))
        here, manager = source(api), source(api, "secretariat_manager")
        problem(await here.post("/v1/cases", json={"household_id": household["id"]}), 409, "household_ended")
        body = {"household_id": household["id"], "area_code": "33.27", "reason_code": "WORK", "reason": "B"}
        problem(await here.post("/v1/handovers", json=body), 409, "household_ended")
        version = await etag(manager, f"/v1/cases/{case}")
        reopened = await manager.post(
            f"/v1/cases/{case}/transitions",
            json={"action": "REOPEN", "reason": "B"},
            headers={"if-match": version},
        )
        problem(reopened, 409, "case_handed_over")
        # One side alone undoes nothing.
        [operation] = (await here.get(f"/v1/households/{household['id']}/lineage")).json()["items"]
        for client, id_ in ((here, operation["id"]), (target(api), after["lineage_id"])):
            undone = await client.post(f"/v1/lineage/{id_}/undo", json={"reason": "B"}, headers={"if-match": '"1"'})
            problem(undone, 409, "undo_blocked")

    async def test_it_comes_back_by_another_hand_over(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        await opened(api, household["id"], people(household)[0])
        after = await accepted(api, await ticket_of(api, owner, await offered(api, household["id"])))
        body = {
            "household_id": after["household_id"],
            "area_code": "33.26",
            "reason_code": "HAND_BACK",
            "reason": "Ternyata tidak jadi pindah",
        }
        back = await target(api).post("/v1/handovers", json=body)
        assert back.status_code == 201, back.text
        ticket = await ticket_of(api, owner, back.json())
        again = await answer_(source(api), ticket, "ACCEPT", area_code=VILLAGE, address="Dusun III RT 02")
        assert again.status_code == 200, again.text
        home = (
            await source(api).get(f"/v1/households/{again.json()['household_id']}?include=members,cases.needs")
        ).json()
        assert home["id"] != household["id"]
        assert [each["name"] for each in home["members"]] == [each["name"] for each in household["members"]]
        assert [need["status"] for need in home["cases"][0]["needs"]] == ["OPEN"]
        await _whole(owner, [household["id"], after["household_id"], home["id"]])

    async def test_some_people_go_by_a_split(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, "HEAD", "CHILD", "CHILD")
        first, second, _ = people(household)
        stays, shared = await opened(api, household["id"], first), await opened(api, household["id"], first, second)
        split = await done(
            source(api),
            f"households/{household['id']}",
            "split",
            members=[{"person_id": second, "relation": "HEAD"}],
            cases=[{"case_id": shared, "goes": False}],
        )
        [new] = set(split["household_ids"]) - {household["id"]}
        after = await accepted(api, await ticket_of(api, owner, await offered(api, new)))
        there = (await target(api).get(f"/v1/households/{after['household_id']}?include=members,cases.needs")).json()
        assert len(there["members"]) == 1
        # What was needed in a case that stays is needed there: no case without its people, nobody without their need.
        [case] = there["cases"]
        assert (case["predecessor_id"], len(case["needs"])) == (shared, 1)
        here = source(api)
        left = (await here.get(f"/v1/cases/{shared}?include=needs")).json()
        assert (left["status"], left["successor_id"], left["open_needs"]) == ("ASSESSMENT", None, 1)
        assert {need["person_id"]: need["status"] for need in left["needs"]} == {first: "OPEN", second: "CANCELLED"}
        assert (await here.get(f"/v1/cases/{stays}")).json()["open_needs"] == 1
        await _whole(owner, [household["id"], new, after["household_id"]])

    async def test_a_case_that_would_leave_somebody_behind_stops_it(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, "HEAD", "CHILD")
        first, second = people(household)
        shared = await opened(api, household["id"], first, second)
        split = await done(
            source(api),
            f"households/{household['id']}",
            "split",
            members=[{"person_id": second, "relation": "HEAD"}],
            cases=[{"case_id": shared, "goes": True}],
        )
        [new] = set(split["household_ids"]) - {household["id"]}
        body = {"household_id": new, "area_code": "33.27", "reason_code": "WORK", "reason": "B"}
        problem(await source(api).post("/v1/handovers", json=body), 409, "handover_not_ready")


class TestUnderWay:
    async def test_what_is_owed_goes_on_there_and_what_was_planned_ends_here(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        here, there = source(api), target(api)
        household = await registered(api, "HEAD", "CHILD")
        case_id = await opened(api, household["id"], people(household)[0])
        url = f"/v1/cases/{case_id}"

        async def act(part: str, **body: Any) -> dict[str, Any]:
            headers = {"if-match": await etag(here, url)}
            answer = await here.post(f"{url}/{part}", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        await act("transitions", action="MARK_EMERGENCY", reason="IGD")
        await act("registry-check")
        day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        await act("plan", action="Antar berkas", due_on=day, responsible_role="facilitator")
        await act("assignments", assignee="me")
        await act("assignments", assignee="http://api.test#other", reason="Pindah")
        need = (await here.get(url)).json()["needs"][0]
        draft = await here.post("/v1/referrals", json={"case_id": case_id, "need_id": need["id"]})
        assert draft.status_code == 201, draft.text
        plan = await here.post(
            "/v1/family-plans", json={"household_id": household["id"], "goal": "Sehat", "case_ids": [case_id]}
        )
        assert plan.status_code == 201, plan.text

        offer = await offered(api, household["id"])
        after = await accepted(api, await ticket_of(api, owner, offer))

        left = (await here.get(f"{url}?include=tasks,plan,assignments,referrals")).json()
        assert (left["status"], left["open_tasks"], left["tasks_due_at"], left["offered_to"]) == (
            "MOVED",
            0,
            None,
            None,
        )
        assert {each["type"]: each["status"] for each in left["tasks"]} == {
            "IDENTITY": "DROPPED",
            "REGISTRY_CHECK": "DONE",
            "ASSESSMENT": "DROPPED",
            "CONSENT": "DROPPED",
        }
        assert [each["status"] for each in left["plan"]] == ["DROPPED"]
        assert [each["status"] for each in left["assignments"]] == ["ACTIVE", "WITHDRAWN"]
        assert [each["status"] for each in left["referrals"]] == ["REVOKED"]
        assert (await here.get(f"/v1/family-plans/{plan.json()['id']}")).json()["status"] == "ENDED"

        [new] = (await there.get(f"/v1/cases?household_id={after['household_id']}")).json()["items"]
        new = (await there.get(f"/v1/cases/{new['id']}?include=tasks,plan,clocks,family_plan")).json()
        assert (new["status"], new["emergency"], new["open_tasks"]) == ("REGISTERED", True, 3)
        assert [each["type"] for each in new["tasks"]] == ["IDENTITY", "ASSESSMENT", "CONSENT"]
        [clock] = [each for each in new["clocks"] if each["name"] == "EMERGENCY"]
        assert {each["due_at"] for each in new["tasks"]} == {new["tasks_due_at"]} == {clock["due_at"]}
        assert (new["plan"], new["family_plan"]) == ([], None)
        # Served first here, too: what is owed already is not owed twice.
        answer = await there.post(
            f"/v1/cases/{new['id']}/transitions",
            json={"action": "MARK_EMERGENCY", "reason": "IGD"},
            headers={"if-match": f'"{new["version"]}"'},
        )
        assert (answer.status_code, answer.json()["open_tasks"]) == (200, 4), answer.text


class TestAtOnce:
    async def test_of_two_acceptances_one_is_done(self, api: Api, owner: asyncpg.Connection) -> None:
        for _ in range(4):
            household = await registered(api)
            ticket = await ticket_of(api, owner, await offered(api, household["id"]))
            body = {"action": "ACCEPT", "area_code": OTHER_REGENCY_VILLAGE, "address": "B"}
            answers = await asyncio.gather(
                *(
                    target(api, role).post(
                        f"/v1/handovers/{ticket}/transitions", json=body, headers={"if-match": '"1"'}
                    )
                    for role in ("secretariat_officer", "secretariat_manager")
                )
            )
            assert sorted(each.status_code for each in answers) == [200, 412]
            made = await rows(owner, THERE, "handovers", "id = $1", UUID(ticket))
            successors = await owner.fetchval(
                "SELECT count(DISTINCT successor_id) FROM households WHERE id = $1", UUID(household["id"])
            )
            assert (successors, len(made), made[0]["version"]) == (1, 1, 2)
            await _whole(owner, [household["id"], str(made[0]["household_id"])])

    async def test_accepted_or_withdrawn_but_not_both(self, api: Api, owner: asyncpg.Connection) -> None:
        seen = set()
        for _ in range(6):
            household = await registered(api)
            offer = await offered(api, household["id"])
            ticket = await ticket_of(api, owner, offer)
            accept, withdraw = await asyncio.gather(
                answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B"),
                answer_(source(api), offer["id"], "WITHDRAW", reason="B"),
            )
            codes = (accept.status_code, withdraw.status_code)
            assert codes.count(200) == 1, (accept.text, withdraw.text)
            assert set(codes) <= {200, 409, 412}
            status = await owner.fetch(
                "SELECT status FROM handovers WHERE id = ANY ($1)", [UUID(offer["id"]), UUID(ticket)]
            )
            wanted = "ACCEPTED" if accept.status_code == 200 else "WITHDRAWN"
            assert {row["status"] for row in status} == {wanted}
            ended = await owner.fetchval("SELECT ended_as FROM households WHERE id = $1", UUID(household["id"]))
            assert ended == ("MOVED" if wanted == "ACCEPTED" else None)
            seen.add(wanted)
        assert seen

    async def test_a_household_moves_on_while_it_is_accepted(self, api: Api, owner: asyncpg.Connection) -> None:
        """A birth beside the acceptance: the child goes along, or is refused; it is in no household that has ended."""
        for _ in range(4):
            household = await registered(api)
            ticket = await ticket_of(api, owner, await offered(api, household["id"]))
            child = {"name": "Bayi", "birth_date": "2026-11-20", "sex": "F", "reason": "B"}
            accept, birth = await asyncio.gather(
                answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B"),
                source(api).post(f"/v1/households/{household['id']}/births", json=child, headers={"if-match": '"1"'}),
            )
            assert accept.status_code == 200, accept.text
            assert birth.status_code in {200, 409, 412}, birth.text
            there = (await target(api).get(f"/v1/households/{accept.json()['household_id']}/members")).json()
            assert len(there["items"]) == 2 + (birth.status_code == 200)
            await _whole(owner, [household["id"], accept.json()["household_id"]])


class TestBrokenOff:
    @pytest.mark.parametrize("place", ["_packed", "_leave", "_arrive", "_case"])
    async def test_a_crash_between_leaves_everything_as_it_was(
        self, api: Api, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        household = await registered(api)
        case = await opened(api, household["id"], people(household)[0])
        offer = await offered(api, household["id"])
        ticket = await ticket_of(api, owner, offer)
        tables = (
            "households",
            "persons",
            "memberships",
            "identities",
            "cases",
            "needs",
            "handovers",
            "lineage",
            "events",
        )

        async def counts() -> list[Any]:
            return [
                await owner.fetchval(
                    f"SELECT array_agg(t::text ORDER BY t::text) FROM {table} t WHERE regency = ANY ($1)", [HERE, THERE]
                )
                for table in tables
            ]

        before = await counts()
        whole = getattr(carrying, place)

        async def crash(*given: Any) -> Any:
            await whole(*given)
            raise ConnectionResetError

        monkeypatch.setattr(carrying, place, crash)
        broken = await answer_(target(api), ticket, "ACCEPT", area_code=OTHER_REGENCY_VILLAGE, address="B")
        assert broken.status_code >= 500, broken.text
        assert await counts() == before
        monkeypatch.undo()
        after = await accepted(api, ticket)
        await _whole(owner, [household["id"], after["household_id"]])
        assert (await source(api).get(f"/v1/cases/{case}")).json()["status"] == "MOVED"


def _ids(household: dict[str, Any]) -> list[UUID]:
    return [UUID(household["id"]), *(UUID(each) for each in people(household))]


async def _whole(owner: asyncpg.Connection, households: list[str]) -> None:
    """What must hold of families on both sides of the border."""
    ids = [UUID(household) for household in households]
    for name, sql in INVARIANTS.items():
        assert [dict(row) for row in await owner.fetch(sql, ids)] == [], name
