"""Break-glass over HTTP: who may look past the own area, for how long, and who sees that it was done."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, Api, household_body
from tests.domains.test_consents import chain
from tests.domains.test_referrals import code, fault, made, version

from slrt_api.access.scopes import Role
from slrt_api.kernel.ids import Kind, new_id

REASON = "Keluarga korban banjir mengungsi ke wilayah kami dan perlu dilayani"
HERE, ELSEWHERE = 3326, 3327
SUPERVISOR = "supervisor"


async def elsewhere(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """A household of the next regency, and its case."""
    body = household_body(area_code=OTHER_REGENCY_VILLAGE)
    facilitator = api.as_("facilitator", area=OTHER_REGENCY_VILLAGE)
    family = await made(await facilitator.post("/v1/households", json=body))
    officer = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
    return family, await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))


async def ask(client: httpx.AsyncClient, id_: str | UUID, **changes: Any) -> httpx.Response:
    return await client.post("/v1/access-overrides", json={"resource_id": str(id_), "reason": REASON, **changes})


async def granted(api: Api, id_: str, **changes: Any) -> dict[str, Any]:
    return await made(await ask(api.as_(SUPERVISOR), id_, **changes))


async def look(client: httpx.AsyncClient, override: dict[str, Any], query: str = "") -> httpx.Response:
    return await client.get(f"/v1/access-overrides/{override['id']}/resource{query}")


async def revoke(client: httpx.AsyncClient, override: dict[str, Any], **changes: Any) -> httpx.Response:
    return await client.post(
        f"/v1/access-overrides/{override['id']}/transitions",
        json={"action": "REVOKE", "reason": "Sudah dilayani petugas kami", **changes},
        headers={"if-match": version(override)},
    )


def bare(answer: httpx.Response) -> dict[str, Any]:
    """A problem without what differs from request to request."""
    return {**answer.json(), "trace_id": ""}


class TestAsk:
    @pytest.mark.parametrize("role", ["facilitator", "puskesos_officer", "auditor", "administrator", "citizen"])
    async def test_others_may_not(self, api: Api, role: str) -> None:
        family, _ = await elsewhere(api)
        assert code(await ask(api.as_(role), family["id"])) == (403, "scope_missing")

    async def test_the_coordinator_may_send_past_consent_but_not_look_past_the_area(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        assert code(await ask(api.as_("puskesos_coordinator"), family["id"])) == (403, "role_not_allowed")

    async def test_what_it_must_say(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        client = api.as_(SUPERVISOR)
        for change, pointer, expected in (
            ({"reason": "Banjir"}, "/reason", "length"),
            ({"minutes": 0}, "/minutes", "range"),
            ({"minutes": 241}, "/minutes", "range"),
            ({"until": "2027-01-01T00:00:00Z"}, "/until", "unknown_member"),
        ):
            assert fault(await ask(client, family["id"], **change)) == (422, pointer, expected)

    async def test_ids_that_open_nothing_all_get_one_answer(self, api: Api, owner: asyncpg.Connection) -> None:
        family, _ = await elsewhere(api)
        client = api.as_(SUPERVISOR)
        ids = [
            new_id(Kind.HOUSEHOLD, ELSEWHERE),
            new_id(Kind.CASE, ELSEWHERE),
            new_id(Kind.HOUSEHOLD, HERE),
            new_id(Kind.HOUSEHOLD, 0),
            UUID(family["members"][0]["person_id"]),
            new_id(Kind.DEVICE, ELSEWHERE),
            uuid4(),
        ]
        before = await owner.fetchval("SELECT count(*) FROM access_overrides")
        answers = [await ask(client, id_) for id_ in ids]
        assert {answer.status_code for answer in answers} == {404}
        assert all(bare(answer) == bare(answers[0]) for answer in answers)
        assert await owner.fetchval("SELECT count(*) FROM access_overrides") == before

    async def test_what_lies_in_the_own_area_needs_none(self, api: Api) -> None:
        family = await made(await api.as_("facilitator").post("/v1/households", json=household_body()))
        assert code(await ask(api.as_(SUPERVISOR), family["id"])) == (409, "override_not_needed")
        assert code(await ask(api.as_("secretariat_officer"), family["id"])) == (409, "override_not_needed")
        neighbor = api.as_(SUPERVISOR, area="33.26.02")
        assert (await ask(neighbor, family["id"])).status_code == 201

    @pytest.mark.parametrize("role", ["supervisor", "secretariat_officer", "secretariat_manager", "social_office"])
    async def test_is_granted_at_once(self, api: Api, owner: asyncpg.Connection, role: str) -> None:
        family, _ = await elsewhere(api)
        answer = await ask(api.as_(role), family["id"])
        told = await made(answer)
        assert (told["type"], told["status"], told["active"]) == ("BREAK_GLASS", "GRANTED", True)
        assert (told["resource"], told["resource_id"], told["minutes"]) == ("HOUSEHOLD", family["id"], 60)
        assert (told["area_code"], told["asked_as"], told["reason"]) == (OTHER_REGENCY_VILLAGE, role, REASON)
        lasts = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["created_at"])
        assert lasts == timedelta(minutes=60)
        assert answer.headers["location"] == f"/v1/access-overrides/{told['id']}"
        assert answer.headers["etag"] == '"1"'
        assert await chain(owner, "access_overrides", told["id"]) == ["access_override.granted"]
        area = await owner.fetchval("SELECT area FROM events WHERE aggregate_id = $1", told["id"])
        assert area == 3327012001

    async def test_a_retry_gets_the_first_answer(self, api: Api, owner: asyncpg.Connection) -> None:
        family, _ = await elsewhere(api)
        body = {"resource_id": family["id"], "reason": REASON}
        client, key = api.as_(SUPERVISOR), {"idempotency-key": f"o{family['id']}"}
        first = await client.post("/v1/access-overrides", json=body, headers=key)
        again = await client.post("/v1/access-overrides", json=body, headers=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        stored = "SELECT count(*) FROM access_overrides WHERE resource_id = $1"
        assert await owner.fetchval(stored, family["id"]) == 1


class TestResource:
    async def test_is_for_who_asked(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        for other in (
            api.as_(SUPERVISOR, subject="another supervisor"),
            api.as_("secretariat_manager"),
            api.as_("secretariat_manager", area="33.27"),
        ):
            missing = await look(other, {"id": new_id(Kind.ACCESS_OVERRIDE, ELSEWHERE)})
            answer = await look(other, override)
            assert (answer.status_code, bare(answer)) == (404, bare(missing))
        assert code(await look(api.as_("auditor"), override)) == (403, "scope_missing")
        assert code(await look(api.as_(SUPERVISOR), override, "?fields=name")) == (400, "parameter_unknown")
        assert code(await look(api.as_(SUPERVISOR), override, "?include=neighbors")) == (400, "include_unknown")

    async def test_shows_the_household_with_masked_numbers(self, api: Api) -> None:
        family, case = await elsewhere(api)
        override = await granted(api, family["id"])
        supervisor = api.as_(SUPERVISOR)
        answer = await look(supervisor, override, "?include=members,cases.needs")
        seen = await made(answer, 200)
        assert answer.headers["cache-control"] == "private, no-store"
        assert (seen["id"], seen["kk"], seen["area_code"]) == (family["id"], "990101**********", OTHER_REGENCY_VILLAGE)
        assert [member["name"] for member in seen["members"]] == ["Siti Aminah", "Budi Santoso"]
        assert seen["members"][0]["nik"] == "990101**********"
        assert [(each["id"], each["allowed_actions"]) for each in seen["cases"]] == [(case["id"], [])]
        assert (await supervisor.get(f"/v1/households/{family['id']}")).status_code == 404
        assert (await supervisor.get(f"/v1/cases/{case['id']}")).status_code == 404

    async def test_hides_special_data_and_has_no_actions(self, api: Api) -> None:
        """As the same role reads it at home, and through the override."""
        family, case = await elsewhere(api)
        officer = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
        path = f"/v1/cases/{case['id']}"
        for action in ("VERIFY", "ASSESS"):
            step = await officer.post(
                f"{path}/transitions", json={"action": action}, headers={"if-match": version(case)}
            )
            case = await made(step, 200)
        need = {
            "person_id": family["members"][0]["person_id"],
            "domain": "HEALTH",
            "need": "HEALTH_INSURANCE",
            "note": "Pengobatan rutin di rumah sakit",
        }
        await made(await officer.post(f"{path}/needs", json=need, headers={"if-match": version(case)}), 200)
        query = "?include=needs,history"
        home = await made(await api.as_(SUPERVISOR, area="33.27.01").get(path + query), 200)
        assert need["note"] in str(home)
        assert home["allowed_actions"] != []
        seen = await made(await look(api.as_(SUPERVISOR), await granted(api, case["id"]), query), 200)
        assert need["note"] not in str(seen)
        assert seen["allowed_actions"] == []

    async def test_shows_a_case(self, api: Api) -> None:
        _, case = await elsewhere(api)
        override = await granted(api, case["id"], minutes=240)
        seen = await made(await look(api.as_(SUPERVISOR), override, "?include=household"), 200)
        assert (override["resource"], seen["id"], seen["number"]) == ("CASE", case["id"], case["number"])

    async def test_each_reading_leaves_a_committed_record(self, api: Api, owner: asyncpg.Connection) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        for count in (1, 2):
            await made(await look(api.as_(SUPERVISOR), override), 200)
            records = await owner.fetch(
                "SELECT regency, purpose, resource, resource_id, role, actor FROM accesses WHERE override_id = $1",
                UUID(override["id"]),
            )
            assert [tuple(record)[:5] for record in records] == [
                (ELSEWHERE, "BREAK_GLASS", "household", UUID(family["id"]), SUPERVISOR)
            ] * count
            assert {record["actor"] for record in records} == {override["asked_by"]}

    async def test_ends_with_the_clock(self, api: Api, owner: asyncpg.Connection) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"], minutes=1)
        assert (await look(api.as_(SUPERVISOR), override)).status_code == 200
        past = datetime.now(UTC) - timedelta(seconds=1)
        await owner.execute("UPDATE access_overrides SET expires_at = $2 WHERE id = $1", override["id"], past)
        assert code(await look(api.as_(SUPERVISOR), override)) == (403, "override_ended")
        seen = (await api.as_("secretariat_manager", area="33.27").get(f"/v1/access-overrides/{override['id']}")).json()
        assert (seen["status"], seen["active"]) == ("GRANTED", False)
        count = "SELECT count(*) FROM accesses WHERE override_id = $1"
        assert await owner.fetchval(count, UUID(override["id"])) == 1

    async def test_gives_no_way_to_what_lies_beside_it(self, api: Api) -> None:
        """The scope that is lent is that of the village: nothing but the one resource may be asked for in it."""
        family, _ = await elsewhere(api)
        beside, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        seen = (await look(api.as_(SUPERVISOR), override, "?include=members,cases,complaints,consents")).text
        assert beside["id"] not in seen
        assert beside["members"][0]["person_id"] not in seen


class TestSeen:
    async def test_by_the_office_its_auditor_and_who_asked(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        path = f"/v1/access-overrides/{override['id']}"
        for role in ("secretariat_manager", "secretariat_officer", "social_office", "auditor"):
            office = api.as_(role, area="33.27")
            assert (await office.get(path)).json()["reason"] == REASON
            listed = (await office.get(f"/v1/access-overrides?resource_id={family['id']}&active=true")).json()["items"]
            assert [item["id"] for item in listed] == [override["id"]]
        village = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
        assert (await village.get(path)).status_code == 200
        own = await api.as_(SUPERVISOR).get(path)
        assert (own.json()["id"], own.headers["etag"]) == (override["id"], '"1"')
        assert (await api.as_(SUPERVISOR).get(f"/v1/access-overrides?resource_id={family['id']}")).json()["items"] == []
        for role in Role:
            if role not in {Role.PARTNER, Role.PROGRAM_MANAGER}:
                answer = await api.as_(role, subject="a stranger").get(path)
                # Who is of a kind that reads overrides, but without the scope, is told so before one is looked up.
                missing = {Role.FACILITATOR, Role.ADMINISTRATOR}
                assert answer.status_code == (403 if role in missing else 404), role

    async def test_by_an_office_of_several_areas(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        both = api.as_(SUPERVISOR, areas=["33.27.01", "33.27.02"], subject="a supervisor of two")
        listed = (await both.get(f"/v1/access-overrides?resource_id={family['id']}")).json()["items"]
        assert [item["id"] for item in listed] == [override["id"]]
        assert (await made(await revoke(both, override), 200))["status"] == "REVOKED"


class TestRevoke:
    async def test_is_for_the_office_that_it_concerns(self, api: Api, owner: asyncpg.Connection) -> None:
        family, _ = await elsewhere(api)
        override = await granted(api, family["id"])
        supervisor = api.as_(SUPERVISOR)
        assert (await revoke(supervisor, override)).status_code == 404
        manager = api.as_("secretariat_manager", area="33.27")
        assert code(await revoke(api.as_("auditor", area="33.27"), override)) == (403, "scope_missing")
        assert fault(await revoke(manager, override, reason=None)) == (422, "/reason", "reason_required")
        url = f"/v1/access-overrides/{override['id']}/transitions"
        body = {"action": "REVOKE", "reason": "Sudah dilayani"}
        assert (await manager.post(url, json=body)).status_code == 428
        told = await made(await revoke(manager, override), 200)
        assert (told["status"], told["active"], told["allowed_actions"]) == ("REVOKED", False, [])
        assert told["revoked_by"].endswith("secretariat_manager@33.27")
        assert code(await look(supervisor, override)) == (403, "override_ended")
        assert code(await revoke(manager, told)) == (409, "transition_not_allowed")
        events = await chain(owner, "access_overrides", override["id"])
        assert events == ["access_override.granted", "access_override.revoked"]
        history = await api.as_("auditor", area="33.27").get(f"/v1/access-overrides/{override['id']}/history")
        assert [entry["type"] for entry in history.json()["items"]] == events
        assert history.json()["items"][1]["texts"] == {"reason": "Sudah dilayani petugas kami"}


class TestGraphQL:
    async def test_asks_and_revokes_but_reads_nothing_through_it(self, api: Api) -> None:
        family, _ = await elsewhere(api)
        query = """mutation ($input: AccessOverridesAskInput!) {
            accessOverridesAsk(input: $input) { accessOverride { id status resourceId active } } }"""
        asked = {"input": {"resourceId": family["id"], "reason": REASON, "idempotencyKey": f"g{family['id']}"}}
        supervisor = api.as_(SUPERVISOR)
        answers = [await supervisor.post("/graphql", json={"query": query, "variables": asked}) for _ in range(2)]
        assert answers[0].json()["data"] == answers[1].json()["data"], answers[0].text
        told = answers[0].json()["data"]["accessOverridesAsk"]["accessOverride"]
        assert (told["status"], told["resourceId"], told["active"]) == ("GRANTED", family["id"], True)
        node = {"query": f'{{ node(id: "{family["id"]}") {{ id }} accessOverride(id: "{told["id"]}") {{ id }} }}'}
        assert (await supervisor.post("/graphql", json=node)).json()["data"] == {"node": None, "accessOverride": None}
        schema = await supervisor.post("/graphql", json={"query": '{ __type(name: "Mutation") { fields { name } } }'})
        names = {field["name"] for field in schema.json()["data"]["__type"]["fields"]}
        assert {"accessOverridesAsk", "accessOverridesTransition", "consentsRecord", "consentsTransition"} <= names
        assert not {"accessOverridesResource", "accessOverridesOwn"} & names
