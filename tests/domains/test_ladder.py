"""The ladder of escalation over HTTP and by the worker, on a real database: declared, climbed, and past whom."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_complaints import act, clock, complaint_body
from tests.domains.test_grants import grant_body
from tests.domains.test_organizations import organization_body
from tests.domains.test_public import file as filed_publicly
from tests.domains.test_sealed_reports import reported
from tests.domains.test_worker import PAST, connected

from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.complaints import ladder
from slrt_api.complaints.codes import LEVELS, Rung
from slrt_api.complaints.lifecycle import HANDLERS
from slrt_api.complaints.service.escalate import SPEAKERS
from slrt_api.flows import upkeep
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.usecase import Platform

#: a city of its own, so that no other test's offices and grants are known here
VILLAGE, DISTRICT, CITY, PROVINCE = "71.71.01.1001", "71.71.01", "71.71", "71"
#: cities that declare ladders of their own
DECLARING, ENDING = "71.72", "71.73"
REASON = "Puskesos tidak berwenang"
TODAY = datetime.now(ZoneInfo("Asia/Makassar")).date()
DECLARERS = {Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR, Role.NATIONAL_OFFICE}
OFFICES = ("province_office", "national_office")


def officer(api: Api, role: str = "secretariat_manager", *, city: str = CITY, **claims: Any) -> httpx.AsyncClient:
    places = {"facilitator": f"{city}.01.1001", "puskesos_officer": f"{city}.01.1001", "supervisor": f"{city}.01"}
    places["puskesos_coordinator"] = places["puskesos_officer"]
    return api.as_(role, area=places.get(role, city), **claims)


def above(api: Api, role: str) -> httpx.AsyncClient:
    return api.as_(role, areas=[PROVINCE] if role == "province_office" else [])


async def filed(api: Api, city: str = CITY, **changes: Any) -> dict[str, Any]:
    body = complaint_body(area_code=f"{city}.01.1001", **changes)
    answer = await officer(api, "facilitator", city=city).post("/v1/complaints", json=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def seen(api: Api, complaint: dict[str, Any], city: str = CITY) -> dict[str, Any]:
    answer = await officer(api, city=city).get(f"/v1/complaints/{complaint['id']}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def escalate(
    client: httpx.AsyncClient, complaint: dict[str, Any], rung: str, *, expect: int = 200
) -> dict[str, Any]:
    answer = await client.post(
        f"/v1/complaints/{complaint['id']}/escalation",
        json={"rung": rung, "reason": REASON},
        headers={"if-match": f'"{complaint["version"]}"'},
    )
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest_asyncio.fixture
async def platform(database: MigratedDatabase) -> AsyncIterator[Platform]:
    async with connected(database) as one:
        yield one


async def breach(owner: asyncpg.Connection, platform: Platform, complaint: dict[str, Any], *names: str) -> None:
    """Let these clocks of the complaint be due, and the worker find that: now, because ladders are of a day."""
    status = await owner.execute(
        "UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1 AND name = ANY ($3::text[])",
        UUID(complaint["id"]),
        PAST,
        list(names),
    )
    assert status == f"UPDATE {len(names)}"
    await upkeep.breach_clocks(platform)


async def events(owner: asyncpg.Connection, complaint: dict[str, Any]) -> list[str]:
    rows = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(complaint["id"]))
    return [row["type"].removeprefix("complaint.") for row in rows]


def ladder_body(city: str = DECLARING, **changes: Any) -> dict[str, Any]:
    rungs = [
        {"rung": "PUSKESOS", "roles": ["puskesos_officer"]},
        {"rung": "SECRETARIAT", "roles": ["secretariat_manager"], "clocks": ["TRIAGE"]},
        {"rung": "PROVINCE", "roles": ["province_office"], "clocks": ["RESOLVE"]},
    ]
    return {
        "area_code": city,
        "name": f"T-{uuid4().hex[:12].upper()}",
        "valid_from": TODAY.isoformat(),
        "rungs": rungs,
        "citation": "Perwali 12/2026",
        "reason": "Sekretariat menangani langsung",
        **changes,
    }


async def declare(api: Api, city: str, *, expect: int = 201, **changes: Any) -> dict[str, Any]:
    answer = await officer(api, city=city).post("/v1/escalation-ladders", json=ladder_body(city, **changes))
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


class TestLadders:
    @pytest.mark.parametrize("role", [role for role in Role if role not in DECLARERS])
    async def test_others_declare_none(self, api: Api, role: Role) -> None:
        id_ = str(new_id(Kind.ORGANIZATION, 0))
        client = api.as_(role, organization=id_, programs=[id_], scopes=frozenset({"calendars:write"}))
        assert (await client.post("/v1/escalation-ladders", json=ladder_body())).status_code == 403

    @pytest.mark.parametrize(
        ("role", "change", "code"),
        [
            ("secretariat_manager", {"area_code": "33.26"}, "area_out_of_scope"),
            ("secretariat_manager", {"area_code": None}, "role_not_allowed"),
            ("national_office", {}, "role_not_allowed"),
        ],
    )
    async def test_each_for_the_own_area_only(self, api: Api, role: str, change: dict[str, Any], code: str) -> None:
        client = above(api, role) if role in OFFICES else officer(api, role, city=DECLARING)
        answer = await client.post("/v1/escalation-ladders", json=ladder_body(**change))
        assert (answer.status_code, answer.json()["code"]) == (403, code)

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"area_code": "71.72.01"}, "/area_code", "area_unknown"),
            ({"area_code": "99.99"}, "/area_code", "area_unknown"),
            ({"valid_from": (TODAY - timedelta(days=1)).isoformat()}, "/valid_from", "date_in_past"),
            ({"rungs": []}, "/rungs", "items"),
            ({"rungs": [{"rung": "NONE"}]}, "/rungs/0/rung", "order"),
            ({"rungs": [{"rung": "PROVINCE"}, {"rung": "PUSKESOS"}]}, "/rungs/1/rung", "order"),
            ({"rungs": [{"rung": "PUSKESOS"}, {"rung": "PUSKESOS"}]}, "/rungs/1/rung", "order"),
            ({"rungs": [{"rung": "PUSKESOS", "clocks": ["TRIAGED"]}]}, "/rungs/0/clocks/0", "unknown_code"),
            # A clock of cases brings no complaint anywhere.
            ({"rungs": [{"rung": "PUSKESOS", "clocks": ["VERIFY"]}]}, "/rungs/0/clocks/0", "unknown_code"),
            (
                {"rungs": [{"rung": "PUSKESOS", "organization_ids": [str(new_id(Kind.ORGANIZATION, 0))]}]},
                "/rungs/0/organization_ids/0",
                "reference_not_found",
            ),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await officer(api, city=DECLARING).post("/v1/escalation-ladders", json=ladder_body(**change))
        assert answer.status_code == 422, answer.text
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    @pytest.mark.parametrize("role", ["partner", "citizen", "facilitator", "province_office"])
    async def test_everybody_with_a_token_reads_that_of_the_nation(self, api: Api, role: str) -> None:
        id_ = str(new_id(Kind.ORGANIZATION, 0))
        listed = await api.as_(role, organization=id_).get("/v1/escalation-ladders?area_code=ID&in_force_on=2026-11-30")
        [nation] = listed.json()["items"]
        [preset] = ladder.presets()
        assert (nation["name"], nation["area_code"], nation["version"]) == (preset.name, None, 0)
        assert nation["rungs"] == list(preset.rungs)
        assert (await api.anonymous.get("/v1/escalation-ladders")).status_code == 401

    async def test_the_next_one_ends_the_one_before_and_none_changes(self, api: Api) -> None:
        first = await declare(api, DECLARING)
        assert (first["area_code"], first["valid_to"], first["version"]) == (DECLARING, None, 1)
        refused = await declare(api, DECLARING, expect=409)
        assert refused["code"] == "ladder_not_later"
        later = TODAY + timedelta(days=10)
        second = await declare(api, DECLARING, valid_from=later.isoformat())
        client = officer(api, city=DECLARING)
        ended = (await client.get(f"/v1/escalation-ladders/{first['id']}")).json()
        assert ended["valid_to"] == (later - timedelta(days=1)).isoformat()
        assert {**ended, "valid_to": None, "version": 1, "updated_at": first["updated_at"]} == first
        history = (await client.get(f"/v1/escalation-ladders/{first['id']}/history")).json()["items"]
        assert [entry["type"] for entry in history] == ["escalation_ladder.declared", "escalation_ladder.replaced"]
        assert history[0]["texts"] == {"reason": "Sekretariat menangani langsung"}
        in_force = await client.get(f"/v1/escalation-ladders?area_code={DECLARING}&in_force_on={later}")
        assert [each["id"] for each in in_force.json()["items"]] == [second["id"]]

    async def test_that_of_the_nation_is_replaced_and_not_ended(self, api: Api) -> None:
        client = above(api, "national_office")
        [nation] = (await client.get("/v1/escalation-ladders?area_code=ID&in_force_on=2026-11-30")).json()["items"]
        body = {"ends_on": "2099-01-01", "reason": "x"}
        url, version = f"/v1/escalation-ladders/{nation['id']}/ending", {"if-match": f'"{nation["version"]}"'}
        refused = await client.post(url, json=body, headers=version)
        assert (refused.status_code, refused.json()["code"]) == (409, "ladder_of_the_nation")
        foreign = await officer(api, city=DECLARING).post(url, json=body, headers=version)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "role_not_allowed")
        # So late that nothing of this database is brought up by it.
        answer = await client.post("/v1/escalation-ladders", json=ladder_body(area_code=None, valid_from="2999-01-01"))
        assert (answer.status_code, answer.json()["area_code"]) == (201, None)


class TestEnd:
    async def end(self, api: Api, row: dict[str, Any], on: date, *, city: str = ENDING) -> httpx.Response:
        return await officer(api, city=city).post(
            f"/v1/escalation-ladders/{row['id']}/ending",
            json={"ends_on": on.isoformat(), "reason": "Dicabut"},
            headers={"if-match": f'"{row["version"]}"'},
        )

    async def test_by_its_office_not_before_today_and_not_twice(self, api: Api, owner: asyncpg.Connection) -> None:
        own = await declare(api, ENDING)
        assert (await self.end(api, own, TODAY, city=DECLARING)).status_code == 403
        assert (await self.end(api, own, TODAY - timedelta(days=1))).status_code == 422
        ended = await self.end(api, own, TODAY + timedelta(days=3))
        assert (ended.status_code, ended.json()["valid_to"]) == (200, (TODAY + timedelta(days=3)).isoformat())
        assert (await self.end(api, ended.json(), TODAY + timedelta(days=4))).status_code == 422
        await past(owner, own)
        refused = await self.end(api, ended.json(), TODAY)
        assert (refused.status_code, refused.json()["code"]) == (409, "ladder_ended")

    async def test_an_ended_one_escalates_nothing(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        own = await declare(api, ENDING)
        first, second = await filed(api, ENDING), await filed(api, ENDING)
        # By its own ladder the secretariat comes after the desk; by the nation's the supervisor does.
        await breach(owner, platform, first, "TRIAGE")
        told = (await seen(api, first, ENDING))["escalated_to"]
        assert (told["rung"], told["ladder_id"]) == ("SECRETARIAT", own["id"])
        await past(owner, own)
        await breach(owner, platform, second, "TRIAGE")
        told = (await seen(api, second, ENDING))["escalated_to"]
        assert told["rung"] == "SUPERVISOR"
        assert told["ladder_id"] != own["id"]


async def past(owner: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Let the ladder have ended last year."""
    await owner.execute(
        "UPDATE escalation_ladders SET valid_from = $2, valid_to = $3 WHERE id = $1",
        UUID(row["id"]),
        date(2025, 1, 1) + timedelta(days=UUID(row["id"]).int % 300),
        date(2025, 12, 31),
    )


class TestByHand:
    @pytest.mark.parametrize("role", [role for role in Role if role not in HANDLERS])
    async def test_who_does_not_handle_brings_nothing_up(self, api: Api, role: Role) -> None:
        complaint = await filed(api)
        id_ = str(new_id(Kind.ORGANIZATION, 0))
        client = api.as_(role, organization=id_, programs=[id_], scopes=frozenset({"complaints:handle"}))
        assert (await escalate(client, complaint, "SUPERVISOR", expect=403))["code"] in {
            "scope_missing",
            "role_not_allowed",
        }

    async def test_only_what_is_in_sight(self, api: Api) -> None:
        await escalate(officer(api, city=DECLARING), await filed(api), "SUPERVISOR", expect=404)

    @pytest.mark.parametrize("role", sorted(HANDLERS - SPEAKERS - {Role.INTEGRITY_OFFICER}))
    async def test_above_the_regency_and_down_again_go_those_who_speak_for_it(self, api: Api, role: Role) -> None:
        complaint = await filed(api)
        for rung in ("PROVINCE", "MINISTRY"):
            assert (await escalate(officer(api, role), complaint, rung, expect=403))["code"] == "role_not_allowed"
        complaint = await escalate(officer(api, role), complaint, "SECRETARIAT")
        assert complaint["rung"] == "SECRETARIAT"
        for rung in ("SUPERVISOR", "NONE"):
            assert (await escalate(officer(api, role), complaint, rung, expect=403))["code"] == "role_not_allowed"

    @pytest.mark.parametrize("role", sorted(SPEAKERS))
    async def test_it_goes_up_and_down_and_says_why(self, api: Api, owner: asyncpg.Connection, role: Role) -> None:
        complaint = await filed(api)
        client = officer(api, role)
        assert (complaint["rung"], complaint["escalation"], complaint["escalated_to"]) == ("NONE", "NONE", None)
        assert (await escalate(client, complaint, "NONE", expect=409))["code"] == "escalation_unchanged"
        complaint = await escalate(client, complaint, "MINISTRY")
        told = complaint["escalated_to"]
        assert (complaint["escalation"], told["rung"], told["cause"], told["clock"]) == (
            "NATION",
            "MINISTRY",
            "OFFICER",
            None,
        )
        assert told["since"] == complaint["updated_at"]
        complaint = await escalate(client, complaint, "PROVINCE")
        assert (complaint["escalation"], complaint["rung"]) == ("PROVINCE", "PROVINCE")
        complaint = await escalate(client, complaint, "NONE")
        assert (complaint["rung"], complaint["escalated_to"], complaint["escalation_route"]) == ("NONE", None, None)
        assert await events(owner, complaint) == ["filed", "escalated", "escalation_reduced", "escalation_reduced"]
        history = (await client.get(f"/v1/complaints/{complaint['id']}/history")).json()["items"]
        assert [entry["texts"] for entry in history[1:]] == [{"reason": REASON}] * 3
        assert history[1]["changes"]["rung"] == {"before": "NONE", "after": "MINISTRY"}

    @pytest.mark.parametrize(
        ("change", "rung"),
        [
            ({}, "INSPECTORATE"),
            ({"severity_flags": ["OVERSIGHT"]}, "REGENT"),
            ({"nature": "WHISTLEBLOWING"}, "REGENT"),
        ],
    )
    async def test_the_branch_holds_for_hands_too(self, api: Api, change: dict[str, Any], rung: str) -> None:
        complaint = await filed(api, **change)
        refused = await escalate(officer(api), complaint, rung, expect=409)
        assert refused["code"] == "rung_not_in_ladder"

    async def test_what_has_ended_is_not_brought_up_but_taken_back(self, api: Api) -> None:
        client = officer(api)
        complaint = await escalate(client, await filed(api), "PROVINCE")
        complaint = await act(client, complaint, "REJECT_COMPETENCE", reason="Bukan kewenangan")
        assert (await escalate(client, complaint, "MINISTRY", expect=409))["code"] == "complaint_closed"
        assert (await escalate(client, complaint, "NONE"))["escalation"] == "NONE"

    async def test_the_accused_brings_nothing_up_and_it_goes_to_none_of_theirs(self, api: Api) -> None:
        accused = await office(api, "SECRETARIAT")
        complaint = await filed(api, accused_organization_id=accused)
        refused = await escalate(officer(api, organization=accused), complaint, "SOCIAL_OFFICE", expect=409)
        assert refused["code"] == "accused_may_not_handle"
        free = officer(api, "supervisor", organization=await office(api, "OPD"))
        assert (await escalate(free, complaint, "SECRETARIAT", expect=409))["code"] == "rung_accused"
        moved = await escalate(free, complaint, "SOCIAL_OFFICE")
        assert {"rung": "SOCIAL_OFFICE", "rule": "BRANCH", "outcome": "TRUE"} in moved["escalation_route"]


async def office(api: Api, kind: str, *areas: str) -> str:
    """An office of the city that serves the village alone, so that no other test's is known there."""
    body = organization_body(kind=kind, area_code=CITY, areas=list(areas) or [VILLAGE], services=[])
    answer = await officer(api, "administrator").post("/v1/organizations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def gone(owner: asyncpg.Connection) -> None:
    """Nobody is known in the city: offices serve something else, and grants are revoked."""
    await owner.execute("DELETE FROM organization_areas WHERE lo BETWEEN 7171000000 AND 7171999999")
    await owner.execute(
        "UPDATE grants SET revoked_at = now(), revoked_by = 'x' WHERE revoked_at IS NULL AND (area / 1000000 = 7171"
        " OR area / 100000000 = 71 AND role = 'province_office' OR role IN ('national_office', 'auditor') AND area = 0)"
    )


async def see(api: Api, complaint: dict[str, Any], client: httpx.AsyncClient) -> bool:
    """Whether the office sees the complaint: as an item, in lists, counts, clocks, history and GraphQL alike."""
    id_ = complaint["id"]
    item = (await client.get(f"/v1/complaints/{id_}")).status_code == 200
    ids: list[str] = []
    url = "/v1/complaints?limit=200"
    while url:
        page = await client.get(url)
        ids += [each["id"] for each in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else ""
    by_area = (await client.get(f"/v1/complaints?area_code={VILLAGE}&include_total=true&limit=200")).json()
    parts = [(await client.get(f"/v1/complaints/{id_}/{part}")).status_code == 200 for part in ("clocks", "history")]
    query = f'{{ node(id: "{id_}") {{ id }} complaint(id: "{id_}") {{ id clocks {{ name }} }} }}'
    graph = (await client.post("/graphql", json={"query": query})).json()
    told = graph["data"] or {"node": None, "complaint": None}
    answers = {
        item,
        id_ in ids,
        id_ in {each["id"] for each in by_area["items"]},
        *parts,
        told["node"] is not None,
        told["complaint"] is not None,
    }
    assert len(answers) == 1, answers
    return item


class TestSight:
    async def test_an_office_sees_a_complaint_from_its_rung_until_it_is_taken_back(self, api: Api) -> None:
        """The matrix: what the province and the nation see at each rung, up and down."""
        complaint = await filed(api)
        for rung, expected in (
            (None, (False, False)),
            ("SUPERVISOR", (False, False)),
            ("SECRETARIAT", (False, False)),
            ("SOCIAL_OFFICE", (False, False)),
            ("REGENT", (False, False)),
            ("PROVINCE", (True, False)),
            ("MINISTRY", (True, True)),
            ("PROVINCE", (True, False)),
            ("REGENT", (False, False)),
            ("MINISTRY", (True, True)),
            ("NONE", (False, False)),
        ):
            if rung:
                complaint = await escalate(officer(api), complaint, rung)
            found = tuple([await see(api, complaint, above(api, role)) for role in OFFICES])
            assert found == expected, rung
            elsewhere = api.as_("province_office", areas=["33"])
            assert not await see(api, complaint, elsewhere)

    async def test_all_of_its_history_and_deadlines_come_with_it_also_those_added_later(self, api: Api) -> None:
        client = officer(api)
        complaint = await escalate(client, await act(client, await filed(api), "TRIAGE"), "MINISTRY")
        complaint = await act(client, complaint, "ASK_COMPLAINANT", reason="Fotokopi KK?")
        for role in OFFICES:
            reader = above(api, role)
            found = (await reader.get(f"/v1/complaints/{complaint['id']}")).json()
            assert {each["name"] for each in found["clocks"]} == {each["name"] for each in complaint["clocks"]}
            assert "COMPLAINANT_ANSWER" in {each["name"] for each in found["clocks"]}
            history = (await reader.get(f"/v1/complaints/{complaint['id']}/history")).json()["items"]
            assert [entry["sequence"] for entry in history] == [1, 2, 3, 4]
            assert history[3]["type"] == "complaint.complainant_asked"
            assert history[3]["changes"]["status"] == {"before": "TRIAGED", "after": "AWAITING_COMPLAINANT"}
            assert all(entry["parts"] is None for entry in history)

    async def test_what_happened_is_told_and_who_complained_is_not(self, api: Api) -> None:
        complaint = await escalate(officer(api), await filed(api, summary="Kartu ditahan agen"), "MINISTRY")
        assert complaint["reporter_name"] == "Siti Aminah"
        for role in OFFICES:
            found = (await above(api, role).get(f"/v1/complaints/{complaint['id']}")).json()
            assert found["summary"] == "Kartu ditahan agen"
            assert (found["reporter_name"], found["reporter_phone"], found["allowed_actions"]) == (None, None, [])

    async def test_what_the_desk_says_among_itself_is_not_shown(self, api: Api) -> None:
        """Neither by the complaint, its history nor its messages, over REST and GraphQL; who handles it reads it."""
        note = "Catatan-internal-Qorvand"
        client = officer(api)
        complaint = await filed(api)
        path = f"/v1/complaints/{complaint['id']}"
        written = await client.post(f"{path}/messages", json={"text": note, "visibility": "INTERNAL"})
        assert written.status_code in {200, 201}, written.text
        await escalate(client, written.json(), "MINISTRY")
        asked = f'{{ complaint(id: "{complaint["id"]}") {{ status messages {{ items {{ text }} }} }} }}'
        told: dict[str, str] = {}
        for role in (*OFFICES, "secretariat_manager", "facilitator"):
            reader = above(api, role) if role in OFFICES else officer(api, role)
            answers = [await reader.get(path + part) for part in ("", "?include=messages", "/messages", "/history")]
            answers.append(await reader.post("/graphql", json={"query": asked}))
            assert answers[0].status_code == 200
            told[role] = "".join(answer.text for answer in answers)
        assert {role for role, text in told.items() if note in text} == {"secretariat_manager"}
        for role in OFFICES:
            found = await above(api, role).get(f"{path}/messages")
            assert found.status_code in {403, 404}, found.text

    @pytest.mark.parametrize("role", OFFICES)
    async def test_they_do_nothing_with_it(self, api: Api, role: str) -> None:
        complaint = await escalate(officer(api), await filed(api), "MINISTRY")
        every = frozenset(scope.value for scope in Scope)
        client = api.as_(role, areas=[PROVINCE] if role == "province_office" else [], scopes=every)
        assert {scope for scope in PERMISSIONS[Role(role)] if scope.startswith("complaints")} == {"complaints:read"}
        for part, body in (
            ("transitions", {"action": "TRIAGE"}),
            ("escalation", {"rung": "NONE", "reason": REASON}),
        ):
            answer = await client.post(
                f"/v1/complaints/{complaint['id']}/{part}", json=body, headers={"if-match": f'"{complaint["version"]}"'}
            )
            assert answer.status_code == 403
        for include in ("household",):
            answer = await client.get(f"/v1/complaints/{complaint['id']}?include={include}")
            assert answer.status_code == 403

    async def test_a_sealed_one_is_never_shown(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint = await reported(api)
        id_ = UUID(complaint["id"])
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("UPDATE complaints SET escalation = 2 WHERE id = $1", id_)
        # A worker with the keys of sealed reports, which the history of one is written under.
        await breach(owner, api.app.state.service.platform, complaint, "TRIAGE", "STATUTORY")
        assert await owner.fetchval("SELECT rung FROM complaints WHERE id = $1", id_) == "NONE"
        assert await events(owner, complaint) == ["filed", "clock_breached", "clock_breached"]
        # Even were its parts marked by mistake, the policies would not show them.
        for table in ("clocks", "events", "revisions"):
            await owner.execute(f"UPDATE {table} SET escalation = 2 WHERE aggregate_id = $1", id_)
        assert not await see(api, complaint, above(api, "national_office"))

    @pytest.mark.parametrize("table", ["complaints", "clocks", "events", "revisions"])
    async def test_without_the_policy_the_rest_would_be_seen(
        self, api: Api, owner: asyncpg.Connection, database: MigratedDatabase, table: str
    ) -> None:
        """The control: the same question, once under the policy and once with one that is true."""
        await escalate(officer(api), await filed(api), "PROVINCE")
        await filed(api)
        login = await asyncpg.connect(database.api_url)

        async def levels() -> set[int]:
            async with login.transaction():
                await login.execute(
                    "SET LOCAL ROLE slrt_escalated; SET LOCAL app.lo = '7100000000'; SET LOCAL app.hi = '7199999999';"
                    " SET LOCAL app.level = '1'"
                )
                return {row[0] for row in await login.fetch(f"SELECT DISTINCT escalation FROM {table}")}

        try:
            assert 1 in await levels()
            assert 0 not in await levels()
            qual = await owner.fetchval(
                "SELECT qual FROM pg_policies WHERE tablename = $1 AND policyname = 'slrt_escalated'", table
            )
            assert "NOT sealed" in qual
            await owner.execute(f"ALTER POLICY slrt_escalated ON {table} USING (true)")
            try:
                assert 0 in await levels()
            finally:
                await owner.execute(f"ALTER POLICY slrt_escalated ON {table} USING ({qual})")
            assert 0 not in await levels()
        finally:
            await login.close()


class TestBreach:
    @pytest.mark.parametrize("change", [{}, {"severity_flags": ["OVERSIGHT"]}], ids=["ordinary", "integrity"])
    async def test_each_missed_deadline_brings_it_to_its_rung(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, change: dict[str, Any]
    ) -> None:
        await gone(owner)
        complaint = await filed(api, **change)
        for name, rung in (
            ("TRIAGE", "SUPERVISOR"),
            ("FORWARD", "SECRETARIAT"),
            ("FIRST_RESPONSE", "SOCIAL_OFFICE"),
            ("RESOLVE", "INSPECTORATE" if change else "REGENT"),
            ("STATUTORY", "PROVINCE"),
            ("PROVINCE_ANSWER", "MINISTRY"),
        ):
            await breach(owner, platform, complaint, name)
            told = await seen(api, complaint)
            assert clock(told, name)["state"] == "BREACHED"
            assert (told["rung"], told["escalated_to"]["cause"], told["escalated_to"]["clock"]) == (rung, "CLOCK", name)
        assert told["escalation"] == "NATION"
        assert await events(owner, complaint) == ["filed", *["clock_breached", "escalated"] * 6]
        [told_once] = {
            row["type"]: row
            for row in (
                await owner.fetch(
                    "SELECT type, actor, role FROM events WHERE aggregate_id = $1 AND type = 'complaint.escalated'",
                    UUID(complaint["id"]),
                )
            )
        }.values()
        assert (told_once["actor"], told_once["role"]) == ("system#worker", "worker")
        for role in OFFICES:
            assert await see(api, complaint, above(api, role))

    async def test_several_at_once_bring_it_to_the_highest_in_any_order(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        complaint = await filed(api)
        await breach(owner, platform, complaint, "RESOLVE", "TRIAGE", "FORWARD", "FIRST_RESPONSE")
        assert (await seen(api, complaint))["rung"] == "REGENT"
        told = await events(owner, complaint)
        assert told.count("clock_breached") == 4
        assert 1 <= told.count("escalated") <= 4

    async def test_a_merged_one_is_announced_at_most_and_never_escalates(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        complaint, client = await filed(api), officer(api)
        await owner.execute(
            "UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1 AND name = 'FORWARD'", UUID(complaint["id"]), PAST
        )
        merged = await act(client, complaint, "MERGE", reason="Ganda", merge_into=(await filed(api))["id"])
        # What was missed before stays to be told; what ran on has stopped.
        await upkeep.breach_clocks(platform)
        await owner.execute("UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1", UUID(complaint["id"]), PAST)
        await upkeep.breach_clocks(platform)
        told = await seen(api, merged)
        assert (told["rung"], clock(told, "FORWARD")["state"]) == ("NONE", "BREACHED")
        assert await events(owner, complaint) == ["filed", "merged", "clock_breached"]

    async def test_what_was_done_never_escalates_whether_in_time_or_late(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        complaint, client = await filed(api), officer(api)
        await owner.execute(
            "UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1 AND name = 'TRIAGE'", UUID(complaint["id"]), PAST
        )
        complaint = await act(client, complaint, "START")
        # FORWARD and FIRST_RESPONSE were met in time, TRIAGE late.
        await owner.execute(
            "UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1 AND name IN ('FORWARD', 'FIRST_RESPONSE')",
            UUID(complaint["id"]),
            PAST,
        )
        await upkeep.breach_clocks(platform)
        told = await seen(api, complaint)
        states = {name: clock(told, name)["state"] for name in ("TRIAGE", "FORWARD", "FIRST_RESPONSE")}
        assert states == {"TRIAGE": "BREACHED", "FORWARD": "MET", "FIRST_RESPONSE": "MET"}
        assert told["rung"] == "NONE"
        assert await events(owner, complaint) == ["filed", "started", "clock_breached"]

    @pytest.mark.parametrize(("ended", "rung"), [(True, "NONE"), (False, "SUPERVISOR")])
    async def test_a_policy_that_was_ended_escalates_nothing(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, *, ended: bool, rung: str
    ) -> None:
        """A clock of it that was due before the worker stopped it: the breach is told and leads nowhere."""
        await gone(owner)
        complaint, policy = await filed(api), new_id(Kind.SLA_POLICY, 0)
        columns = [
            row["column_name"]
            for row in await owner.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'sla_policies'"
                " AND column_name NOT IN ('id', 'area', 'ended', 'shipped', 'effective_to')"
            )
        ]
        await owner.execute(
            f"INSERT INTO sla_policies (id, area, ended, shipped, effective_to, {', '.join(columns)})"
            f" SELECT $1, 7171000000, $2, false, DATE '2025-12-31', {', '.join(columns)} FROM sla_policies"
            " WHERE name = 'TRIAGE' LIMIT 1",
            policy,
            ended,
        )
        await owner.execute(
            "UPDATE clocks SET policy_id = $2 WHERE aggregate_id = $1 AND name = 'TRIAGE'",
            UUID(complaint["id"]),
            policy,
        )
        await breach(owner, platform, complaint, "TRIAGE")
        told = await seen(api, complaint)
        assert (told["rung"], clock(told, "TRIAGE")["state"]) == (rung, "BREACHED")
        assert await events(owner, complaint) == ["filed", "clock_breached", *([] if ended else ["escalated"])]
        await owner.execute("DELETE FROM sla_policies WHERE id = $1", policy)


#: rung -> the clock that leads to it, a role and a kind of office at it, where the ladder has one
AT_RUNGS = {
    "SUPERVISOR": ("TRIAGE", "supervisor", None),
    "SECRETARIAT": ("FORWARD", "secretariat_manager", "SECRETARIAT"),
    "SOCIAL_OFFICE": ("FIRST_RESPONSE", "social_office", None),
    "INSPECTORATE": ("RESOLVE", "auditor", None),
    "PROVINCE": ("STATUTORY", "province_office", None),
}
NEXT = {"SUPERVISOR": "SECRETARIAT", "SECRETARIAT": "SOCIAL_OFFICE", "INSPECTORATE": "PROVINCE", "PROVINCE": "MINISTRY"}


def following(rung: str, *, of_integrity: bool) -> str:
    return NEXT.get(rung) or ("INSPECTORATE" if of_integrity else "REGENT")


async def grant(api: Api, role: str, **members: Any) -> None:
    """A grant of the role where it holds the village."""
    places = {"supervisor": [DISTRICT], "province_office": [PROVINCE]}
    area = PROVINCE if role == "province_office" else CITY
    body = grant_body(role=role, areas=places.get(role, [CITY]), **members)
    if role == "auditor":
        body["valid_until"] = (datetime.now(ZoneInfo("UTC")) + timedelta(days=30)).isoformat()
    answer = await api.as_("administrator", area=area).post("/v1/grants", json=body)
    assert answer.status_code == 201, answer.text


class TestAccused:
    @pytest.mark.parametrize("rung", list(AT_RUNGS))
    async def test_a_rung_of_the_accused_person_is_passed_over_unless_somebody_else_is_there(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, rung: str
    ) -> None:
        await gone(owner)
        name, role, _ = AT_RUNGS[rung]
        family = await officer(api, "facilitator").post("/v1/households", json=household_body(area_code=VILLAGE))
        person = family.json()["members"][0]["person_id"]
        flags = ["OVERSIGHT"] if rung == "INSPECTORATE" else []
        await grant(api, role, person_id=person)
        complaint = await filed(api, accused_person_id=person, severity_flags=flags)
        await breach(owner, platform, complaint, name)
        told = await seen(api, complaint)
        assert told["rung"] == following(rung, of_integrity=bool(flags))
        assert {"rung": rung, "rule": "INDEPENDENT_PERSON", "outcome": "FALSE"} in told["escalation_route"]
        await grant(api, role)
        complaint = await filed(api, accused_person_id=person, severity_flags=flags)
        await breach(owner, platform, complaint, name)
        told = await seen(api, complaint)
        assert told["rung"] == rung
        assert {"rung": rung, "rule": "INDEPENDENT_PERSON", "outcome": "TRUE"} in told["escalation_route"]

    @pytest.mark.parametrize("rung", list(AT_RUNGS))
    async def test_a_rung_of_the_accused_office_is_passed_over_unless_another_is_there(
        self, api: Api, owner: asyncpg.Connection, platform: Platform, rung: str
    ) -> None:
        await gone(owner)
        name, role, kind = AT_RUNGS[rung]
        accused = await office(api, kind or "OPD")
        flags = ["OVERSIGHT"] if rung == "INSPECTORATE" else []
        await grant(api, role, organization_id=accused)
        complaint = await filed(api, accused_organization_id=accused, severity_flags=flags)
        await breach(owner, platform, complaint, name)
        free = officer(api, organization=str(new_id(Kind.ORGANIZATION, 0)))
        told = (await free.get(f"/v1/complaints/{complaint['id']}")).json()
        assert told["rung"] == following(rung, of_integrity=bool(flags))
        assert {"rung": rung, "rule": "INDEPENDENT_OFFICE", "outcome": "FALSE"} in told["escalation_route"]
        await grant(api, role, organization_id=await office(api, "OPD"))
        complaint = await filed(api, accused_organization_id=accused, severity_flags=flags)
        await breach(owner, platform, complaint, name)
        assert (await seen(api, complaint))["rung"] == rung

    async def test_an_office_whose_officer_is_accused_is_passed_over_too(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        await gone(owner)
        family = await officer(api, "facilitator").post("/v1/households", json=household_body(area_code=VILLAGE))
        person = family.json()["members"][0]["person_id"]
        secretariat = await office(api, "SECRETARIAT")
        await grant(api, "secretariat_officer", person_id=person, organization_id=secretariat)
        await grant(api, "secretariat_manager", organization_id=secretariat)
        complaint = await filed(api, accused_person_id=person)
        await breach(owner, platform, complaint, "FORWARD")
        told = await seen(api, complaint)
        assert told["rung"] == "SOCIAL_OFFICE"
        outcomes = {each["rule"]: each["outcome"] for each in told["escalation_route"] if each["rung"] == "SECRETARIAT"}
        assert outcomes == {"BRANCH": "TRUE", "INDEPENDENT_PERSON": "TRUE", "INDEPENDENT_OFFICE": "FALSE"}

    async def test_an_accused_desk_does_not_have_it_for_a_moment(self, api: Api, owner: asyncpg.Connection) -> None:
        await gone(owner)
        accused = await office(api, "PUSKESOS")
        complaint = await filed(api, accused_organization_id=accused)
        assert (complaint["rung"], complaint["escalated_to"]["cause"]) == ("SUPERVISOR", "FILED")
        assert await events(owner, complaint) == ["filed"]
        await office(api, "PUSKESOS")
        assert (await filed(api, accused_organization_id=accused))["rung"] == "NONE"

    async def test_nor_where_it_is_accused_without_a_token(self, api: Api, owner: asyncpg.Connection) -> None:
        await gone(owner)
        accused = await office(api, "PUSKESOS")
        for named, rung in (({}, "NONE"), ({"accused_organization_id": accused}, "SUPERVISOR")):
            answer = await filed_publicly(api, area_code=VILLAGE, **named)
            assert answer.status_code == 201, answer.text
            listed = await officer(api).get(f"/v1/complaints?receipt={answer.json()['receipt']}")
            [complaint] = listed.json()["items"]
            assert complaint["rung"] == rung
            assert await events(owner, complaint) == ["filed"]

    async def test_where_nobody_is_known_that_is_said_and_the_rung_taken(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        await gone(owner)
        complaint = await filed(api, accused_organization_id=await office(api, "OPD", "71.71.02"))
        await breach(owner, platform, complaint, "TRIAGE")
        told = await seen(api, complaint)
        assert told["rung"] == "SUPERVISOR"
        assert {"rung": "SUPERVISOR", "rule": "INDEPENDENT_OFFICE", "outcome": "UNKNOWN"} in told["escalation_route"]

    async def test_the_route_is_not_for_those_who_may_not_know_whom_it_accuses(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        await gone(owner)
        complaint = await filed(api, accused_organization_id=await office(api, "PUSKESOS"))
        facilitator = officer(api, "facilitator")
        found = (await facilitator.get(f"/v1/complaints/{complaint['id']}")).json()
        assert "escalation_route" not in found
        assert "accused_organization_id" not in found
        assert found["rung"] == "SUPERVISOR"
        [entry] = (await facilitator.get(f"/v1/complaints/{complaint['id']}/history")).json()["items"]
        assert "escalation_route" not in entry["changes"]
        assert "escalation_route" not in entry["fields"]
        seen_by_auditor = await officer(api, "auditor").get(f"/v1/complaints/{complaint['id']}/history")
        assert "escalation_route" in seen_by_auditor.json()["items"][0]["changes"]


def test_levels_are_those_of_the_rungs() -> None:
    assert LEVELS[Rung.PROVINCE] < LEVELS[Rung.MINISTRY]
