"""Calendars and service levels of a regency: who decides them, what they do to clocks that run, and why one is due when."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import Api
from tests.conftest import MigratedDatabase
from tests.domains.test_worker import connected

from slrt_api.clocks.service.situation import regency_of
from slrt_api.flows import deadlines, upkeep
from slrt_api.kernel.errors import Forbidden
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, Platform

# A regency of its own for each subject, so that no other test is counted by these decrees.
DECREED, LEVELS, PAUSED, ENDED = "34.04", "34.03", "34.02", "34.01"
_NAME = {"id": "Hari Jadi", "en": "Anniversary"}


def decree(area: str | None, *days: tuple[str, str, str], **changes: Any) -> dict[str, Any]:
    return {
        "area_code": area,
        "number": "800/1/2026",
        "decreed_on": "2026-11-20",
        "reason": "Hari jadi",
        "citation": "jdih.example.go.id/800-1",
        "days": [{"from": first, "to": last, "kind": kind, "name": _NAME} for first, last, kind in days],
        **changes,
    }


def policy(area: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "area_code": area,
        "policy": "PERBUP-12-2026",
        "name": "TRIAGE",
        "applies_to": "complaint",
        "unit": "WORKING_DAY",
        "amount": 4,
        "start_events": ["RECEIVED"],
        "meets_events": ["TRIAGED", "RESOLVED"],
        "citation": "jdih.example.go.id/perbup-12",
        "remark": "Triase",
        "effective_from": datetime.now(ZoneInfo("Asia/Jakarta")).date().isoformat(),
        **changes,
    }


def head(api: Api, area: str) -> httpx.AsyncClient:
    return api.as_("secretariat_manager", area=area)


async def reported(api: Api, area: str, **changes: Any) -> dict[str, Any]:
    """A complaint of a village of that regency, filed by its facilitator."""
    village = f"{area}.01.2001"
    answer = await api.as_("facilitator", areas=[village]).post(
        "/v1/complaints",
        json={
            "nature": "GRIEVANCE",
            "category": "PARTICIPATION",
            "channel": "FIELD_APP",
            "area_code": village,
            "confidentiality": "OPEN",
            "summary": "Not on the list.",
            **changes,
        },
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def seen(api: Api, complaint: dict[str, Any], area: str, query: str = "") -> list[dict[str, Any]]:
    answer = await head(api, area).get(f"/v1/complaints/{complaint['id']}/clocks{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def named(clocks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [each for each in clocks if each["name"] == name]
    return found


@pytest_asyncio.fixture
async def platform(database: MigratedDatabase) -> AsyncIterator[Platform]:
    async with connected(database) as one:
        yield one


class TestDecreeRefusals:
    @pytest.mark.parametrize(
        ("role", "code"),
        [
            ("puskesos_officer", "scope_missing"),
            ("auditor", "scope_missing"),
            ("citizen", "scope_missing"),
            ("province_office", "scope_missing"),
        ],
    )
    async def test_who_does_not_decide(self, api: Api, role: str, code: str) -> None:
        answer = await api.as_(role).post(
            "/v1/calendars/decrees", json=decree("33.26", ("2026-12-07", "2026-12-07", "REGIONAL"))
        )
        assert (answer.status_code, answer.json()["code"]) == (403, code)

    async def test_a_regency_decides_for_itself_alone(self, api: Api) -> None:
        body = decree(DECREED, ("2026-12-07", "2026-12-07", "REGIONAL"))
        answer = await head(api, LEVELS).post("/v1/calendars/decrees", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "area_out_of_scope")
        answer = await head(api, LEVELS).post("/v1/calendars/decrees", json={**body, "area_code": None})
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")
        answer = await api.as_("national_office").post("/v1/calendars/decrees", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"days": []}, "/days", "required"),
            ({"year": 2028}, "/year", "invalid"),
            ({"area_code": f"{DECREED}.01"}, "/area_code", "area_unknown"),
            ({"hours": [{"from": "2027-01-04", "schedule": "ASN-6", "week": []}, {"from": "2027-01-04"}]},
             "/hours/1/week", "give_one_of_two"),
            ({"hours": [{"from": "2027-01-04", "week": [
                {"weekday": "MONDAY", "opens": "12:00", "closes": "08:00"}]}]}, "/hours/0/week", "office_windows_invalid"),
            ({"days": [{"from": "2026-12-08", "to": "2026-12-07", "kind": "REGIONAL", "name": _NAME}]},
             "/days/0/to", "deadline_range_invalid"),
            ({"days": [{"from": "2030-01-01", "to": "2030-01-01", "kind": "REGIONAL", "name": _NAME}]},
             "/days/0/to", "deadline_range_invalid"),
        ],
    )  # fmt: skip
    async def test_what_cannot_be(self, api: Api, change: dict[str, Any], pointer: str, code: str) -> None:
        body = {**decree(DECREED, ("2026-12-07", "2026-12-07", "REGIONAL")), **change}
        answer = await head(api, DECREED).post("/v1/calendars/decrees", json=body)
        assert answer.status_code == 422, answer.text
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    async def test_only_the_worker_counts_anew(self, api: Api, platform: Platform) -> None:
        id_ = UUID((await reported(api, DECREED))["id"])
        officer = Actor("x", "supervisor", frozenset(), RowScope(ScopeKind.AREA_RANGE, lo=0, hi=9_999_999_999))
        for run in (deadlines.recompute, deadlines.stop_ended):
            with pytest.raises(Forbidden, match="role_not_allowed"):
                await Act(platform, officer, "0" * 32)(run, on=id_)


class TestDecree:
    async def test_running_clocks_follow_it_and_closed_ones_stay_byte_for_byte(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        running, closed, breached = [await reported(api, DECREED) for _ in range(3)]
        officer = api.as_("puskesos_officer", area=f"{DECREED}.01.2001")
        answer = await officer.post(
            f"/v1/complaints/{closed['id']}/transitions", json={"action": "TRIAGE"}, headers={"if-match": '"1"'}
        )
        assert answer.status_code == 200, answer.text
        past = datetime(2026, 1, 5, 3, tzinfo=UTC)
        await owner.execute(
            "UPDATE clocks SET due_at = $2 WHERE aggregate_id = $1 AND name = 'TRIAGE'", UUID(breached["id"]), past
        )
        await upkeep.breach_clocks(replace(platform, clock=lambda: past))
        before = {
            row["id"]: tuple(row.values())
            for row in await owner.fetch(
                "SELECT * FROM clocks WHERE aggregate_id = ANY ($1) AND state IN ('MET', 'BREACHED', 'STOPPED')",
                [UUID(each["id"]) for each in (closed, breached)],
            )
        }
        assert len(before) == 3  # ACKNOWLEDGE and TRIAGE met, TRIAGE breached
        old = named(await seen(api, running, DECREED), "FORWARD")
        due = datetime.fromisoformat(old["due_at"])
        free = due.date().isoformat()

        answer = await head(api, DECREED).post("/v1/calendars/decrees", json=decree(DECREED, (free, free, "REGIONAL")))
        assert answer.status_code == 201, answer.text
        assert (answer.json()["edition"], answer.json()["area_code"]) == (1, DECREED)
        assert await deadlines.recompute_clocks(platform) >= 2

        new = named(await seen(api, running, DECREED), "FORWARD")
        assert datetime.fromisoformat(new["due_at"]) > due
        assert new["promised_at"] == old["due_at"]
        assert new["calendar_version"] == f"{old['calendar_version']}/{DECREED}-1"
        history = (await api.as_("auditor", area=DECREED).get(f"/v1/complaints/{running['id']}/history")).json()[
            "items"
        ]
        assert [each["type"] for each in history] == ["complaint.filed", "complaint.clock_recomputed"]
        assert history[-1]["role"] == "worker"
        assert history[-1]["texts"]["decree"] == "800/1/2026: Hari jadi"
        assert f"FORWARD: {due.isoformat()}" in history[-1]["texts"]["clocks"]
        after = {
            row["id"]: tuple(row.values())
            for row in await owner.fetch("SELECT * FROM clocks WHERE id = ANY ($1)", list(before))
        }
        assert after == before

        # Everything names the edition that holds: the next round finds nothing.
        assert await deadlines.recompute_clocks(platform) == 0
        fresh = named(await seen(api, await reported(api, DECREED), DECREED), "FORWARD")
        assert fresh["due_at"] == new["due_at"]
        elsewhere = named(await seen(api, await reported(api, LEVELS), LEVELS), "FORWARD")
        assert elsewhere["due_at"] == old["due_at"]

        explained = named(await seen(api, running, DECREED, "?explain=true"), "FORWARD")["explanation"]
        assert explained["reproduced"] is True
        [day] = [each for each in explained["segments"] if each["reason"] == "REGIONAL"]
        assert (day["counted"], day["label"], day["decree"]) == (False, _NAME, "800/1/2026")
        assert explained["segments"][-1]["to"] == new["due_at"]
        assert sum(each["days"] for each in explained["segments"]) == 3 + 1
        assert {each["explanation"]["reproduced"] for each in await seen(api, running, DECREED, "?explain=true")} == {
            True
        }

    async def test_the_calendar_of_the_regency_tells_it(self, api: Api) -> None:
        body = decree(
            DECREED,
            ("2027-02-01", "2027-02-02", "CLOSURE"),
            ("2027-08-17", "2027-08-17", "WORKING"),
            hours=[{"from": "2027-03-29", "to": "2027-04-10", "kind": "SPECIAL", "schedule": "ASN-6"}],
        )
        answer = await head(api, DECREED).post("/v1/calendars/decrees", json=body)
        assert answer.status_code == 201, answer.text
        client = api.as_("citizen", subject="warga-9")
        calendar = (await client.get(f"/v1/calendars/{DECREED}")).json()
        days = {each["date"]: each for each in calendar["days"]}
        assert (days["2027-02-01"]["kind"], days["2027-02-01"]["decree"]) == ("CLOSURE", "800/1/2026")
        assert "2027-08-17" not in days
        hours = {each["date"]: each for each in calendar["other_hours"]}
        assert hours["2027-04-03"] == {
            "date": "2027-04-03",
            "windows": [["07:30", "13:00"]],
            "reason": "SPECIAL",
            "decree": "800/1/2026",
        }
        national = (await client.get("/v1/calendars")).json()["items"][0]
        assert "2027-08-17" in {each["date"] for each in national["days"]}
        assert (await client.get("/v1/calendars/99.99")).status_code == 404
        listed = (await client.get(f"/v1/calendars/decrees?holds_in={DECREED}.01.2001")).json()["items"]
        assert answer.json()["id"] in {each["id"] for each in listed}


class TestPolicies:
    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"effective_from": "2026-01-01"}, "/effective_from", "promise_in_past"),
            ({"effective_to": "2026-01-01"}, "/effective_to", "deadline_range_invalid"),
            ({"natures": ["COMPLAINT"]}, "/natures", "unknown_code"),
            ({"severity_flag": "GRAVE"}, "/severity_flag", "unknown_code"),
            ({"start_events": ["BORN"]}, "/start_events", "unknown_code"),
            ({"meets_events": ["RECEIVED"]}, "/meets_events", "event_conflicts"),
            ({"pauses_in": ["AWAITING_COMPLAINANT"]}, "/pause_limit", "pause_without_limit"),
            ({"warn_percent": 80, "warn_minutes": 60}, "/warn_minutes", "give_one_of_two"),
        ],
    )
    async def test_what_cannot_be(self, api: Api, change: dict[str, Any], pointer: str, code: str) -> None:
        answer = await head(api, LEVELS).post("/v1/sla-policies", json=policy(LEVELS, **change))
        assert answer.status_code == 422, answer.text
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    async def test_a_later_one_rewrites_no_history(self, api: Api) -> None:
        first = await reported(api, LEVELS)
        old = named(first["clocks"], "TRIAGE")
        assert (old["amount"], old["policy"]) == (2, "SLRT-DEFAULT-2026")
        answer = await head(api, LEVELS).post("/v1/sla-policies", json=policy(LEVELS))
        assert answer.status_code == 201, answer.text
        assert answer.json()["policy_version"] == 1
        second = named((await reported(api, LEVELS))["clocks"], "TRIAGE")
        assert (second["amount"], second["policy"], second["policy_version"]) == (4, "PERBUP-12-2026", 1)
        assert named(await seen(api, first, LEVELS), "TRIAGE") == old
        again = await head(api, LEVELS).post("/v1/sla-policies", json=policy(LEVELS, amount=1))
        assert (again.status_code, again.json()["code"]) == (409, "policy_overlaps")
        tomorrow = (datetime.now(ZoneInfo("Asia/Jakarta")).date() + timedelta(days=1)).isoformat()
        later = await head(api, LEVELS).post("/v1/sla-policies", json=policy(LEVELS, amount=1, effective_from=tomorrow))
        assert (later.status_code, later.json()["policy_version"]) == (201, 2)
        replaced = (await head(api, LEVELS).get(f"/v1/sla-policies/{answer.json()['id']}")).json()
        assert (replaced["effective_to"], replaced["ended"]) == (answer.json()["effective_from"], False)
        third = named((await reported(api, LEVELS))["clocks"], "TRIAGE")
        assert (third["amount"], third["policy_version"]) == (4, 1)

    async def test_one_that_was_ended_starts_and_breaches_nothing(
        self, api: Api, owner: asyncpg.Connection, platform: Platform
    ) -> None:
        client = head(api, ENDED)
        made = (await client.post("/v1/sla-policies", json=policy(ENDED))).json()
        complaint = await reported(api, ENDED)
        assert named(complaint["clocks"], "TRIAGE")["amount"] == 4
        path = f"/v1/sla-policies/{made['id']}/end"
        body = {
            "effective_to": (datetime.now(ZoneInfo("Asia/Jakarta")).date() - timedelta(days=1)).isoformat(),
            "reason": "Dicabut",
        }
        refused = await head(api, LEVELS).post(path, json=body, headers={"if-match": '"1"'})
        assert (refused.status_code, refused.json()["code"]) == (403, "area_out_of_scope")
        assert (await client.post(path, json=body, headers={"if-match": '"7"'})).status_code == 412
        ended = await client.post(path, json=body, headers={"if-match": '"1"'})
        assert (ended.status_code, ended.json()["ended"]) == (200, True), ended.text
        again = await client.post(path, json=body, headers={"if-match": '"2"'})
        assert (again.status_code, again.json()["code"]) == (409, "policy_ended")
        assert await deadlines.stop_clocks_of_ended(platform) == 1
        assert named(await seen(api, complaint, ENDED), "TRIAGE")["state"] == "STOPPED"
        far = replace(platform, clock=lambda: datetime.now(UTC) + timedelta(days=20))
        await upkeep.breach_clocks(far)
        events = await owner.fetch(
            "SELECT v.values -> 'texts' ->> 'clock' AS clock FROM events e JOIN revisions v USING (regency, aggregate_id,"
            " sequence) WHERE e.aggregate_id = $1 AND e.type = 'complaint.clock_breached'",
            UUID(complaint["id"]),
        )
        assert "TRIAGE" not in {row["clock"] for row in events}
        assert {row["clock"] for row in events} >= {"FORWARD", "FIRST_RESPONSE"}
        assert named((await reported(api, ENDED))["clocks"], "TRIAGE")["policy"] == "SLRT-DEFAULT-2026"

    async def test_those_of_the_platform_are_read_and_do_not_end(self, api: Api) -> None:
        items = (await api.as_("citizen").get("/v1/sla-policies?applies_to=data_subject_request")).json()["items"]
        assert [(each["unit"], each["amount"], each["shipped"]) for each in items] == [("HOURS", 72, True)]
        path = f"/v1/sla-policies/{items[0]['id']}/end"
        body = {"effective_to": datetime.now(ZoneInfo("Asia/Jakarta")).date().isoformat(), "reason": "B"}
        answer = await api.as_("national_office").post(path, json=body, headers={"if-match": '"0"'})
        assert (answer.status_code, answer.json()["code"]) == (409, "policy_shipped")


class TestPauses:
    async def test_a_question_to_the_complainant_stops_the_clock_until_the_answer(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        officer = api.as_("puskesos_officer", area=f"{PAUSED}.01.2001")
        complaint = await reported(api, PAUSED)
        old = named(complaint["clocks"], "RESOLVE")
        answer = await officer.post(
            f"/v1/complaints/{complaint['id']}/transitions",
            json={"action": "ASK_COMPLAINANT", "reason": "Which program?"},
            headers={"if-match": '"1"'},
        )
        held = named(answer.json()["clocks"], "RESOLVE")
        assert (held["state"], held["paused_at"]) == ("PAUSED", answer.json()["updated_at"])
        assert held["due_at"] > held["paused_until"] > held["paused_at"]
        assert named(answer.json()["clocks"], "STATUTORY")["state"] == "RUNNING"
        # Ten days pass: five or more of them are working days, and all of them move the deadline on.
        await owner.execute(
            "UPDATE clocks SET started_at = started_at - interval '14 days', pauses = ARRAY[pauses[1] - interval '14 days'],"
            " paused_at = paused_at - interval '14 days', due_at = due_at - interval '10 days'"
            " WHERE aggregate_id = $1 AND name = 'RESOLVE'",
            UUID(complaint["id"]),
        )
        answer = await officer.post(
            f"/v1/complaints/{complaint['id']}/transitions",
            json={"action": "ANSWER", "reason": "PKH."},
            headers={"if-match": '"2"'},
        )
        assert answer.status_code == 200, answer.text
        ran_on = named(answer.json()["clocks"], "RESOLVE")
        assert (ran_on["state"], ran_on["paused_at"], ran_on["paused_until"]) == ("RUNNING", None, None)
        assert ran_on["promised_at"] == old["due_at"]
        # Started and paused at the same moment, so that what is left is the whole allowance from now on.
        again = named((await reported(api, PAUSED))["clocks"], "RESOLVE")
        assert ran_on["due_at"] == again["due_at"]
        explained = named(await seen(api, complaint, PAUSED, "?explain=true"), "RESOLVE")["explanation"]
        assert explained["reproduced"] is True
        assert "PAUSE" in {each["reason"] for each in explained["segments"]}


class TestStart:
    async def test_what_was_recorded_offline_is_the_facilitators_duty_since_then(self, api: Api) -> None:
        late = datetime.now(UTC) - timedelta(days=10)
        complaint = await reported(api, PAUSED, captured_at=late.isoformat())
        duty = named(complaint["clocks"], "HAND_IN")
        assert datetime.fromisoformat(duty["started_at"]) == late
        assert (duty["state"], duty["met_at"]) == ("BREACHED", complaint["received_at"])
        assert {each["started_at"] for each in complaint["clocks"] if each["name"] != "HAND_IN"} == {
            complaint["received_at"]
        }

    @pytest.mark.parametrize("age", [timedelta(0), timedelta(days=400)])
    async def test_a_device_whose_clock_is_wrong_makes_nobody_late(self, api: Api, age: timedelta) -> None:
        changes = {"captured_at": (datetime.now(UTC) - age).isoformat()} if age else {}
        complaint = await reported(api, PAUSED, **changes)
        assert "HAND_IN" not in {each["name"] for each in complaint["clocks"]}


class TestGraphql:
    async def test_it_explains_as_rest_does(self, api: Api) -> None:
        complaint = await reported(api, PAUSED)
        client = head(api, PAUSED)
        asked = {"query": f'{{ clockExplanations(id: "{complaint["id"]}") }}'}
        answer = (await client.post("/graphql", json=asked, headers={"accept": "application/json"})).json()
        told = {each["clock_id"]: each for each in answer["data"]["clockExplanations"]}
        listed = await seen(api, complaint, PAUSED, "?explain=true")
        assert {each["id"]: each["explanation"] for each in listed} == told

    async def test_others_see_none(self, api: Api) -> None:
        complaint = await reported(api, PAUSED)
        answer = await head(api, LEVELS).get(f"/v1/complaints/{complaint['id']}/clocks?explain=true")
        assert answer.status_code == 404
        for query in ("?explain=yes", "?explain=true&explain=true"):
            answer = await head(api, PAUSED).get(f"/v1/complaints/{complaint['id']}/clocks{query}")
            assert answer.status_code == 400


def test_the_regency_of_a_village() -> None:
    assert regency_of(3404012001) == 3404000000
