"""Complaints over HTTP, on a real database: intake, handling, deadlines, who sees what."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, VILLAGE, Api, household_body

from slrt_api.areas.codelists import load_code_lists
from slrt_api.clocks.calendars import national_calendar
from slrt_api.complaints import codes
from slrt_api.kernel.ids import Kind, kind_of, minted_at, new_id, tenant_of
from slrt_api.kernel.numbers import normalize_secret, parse_number
from slrt_api.kernel.worktime import Unit, due_at


def complaint_body(**changes: Any) -> dict[str, Any]:
    """A complaint that any facilitator of VILLAGE may file; None leaves a member out."""
    body = {
        "nature": "GRIEVANCE",
        "category": "PARTICIPATION",
        "subtype": "EXCLUSION_ERROR",
        "program_code": "PKH",
        "channel": "FIELD_APP",
        "confidentiality": "CONFIDENTIAL",
        "area_code": VILLAGE,
        "summary": "Not on the list although poor.",
        "reporter_name": "Siti Aminah",
        "reporter_phone": "+628120000000",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


async def filed(api: Api, role: str = "facilitator", subject: str | None = None, /, **changes: Any) -> dict[str, Any]:
    answer = await api.as_(role, subject=subject).post("/v1/complaints", json=complaint_body(**changes))
    assert answer.status_code == 201, answer.text
    complaint: dict[str, Any] = answer.json()
    return complaint


async def act(
    client: httpx.AsyncClient, complaint: dict[str, Any], action: str, *, expect: int = 200, **members: Any
) -> dict[str, Any]:
    """Ask `action` on the version at hand; the complaint as it is then, or the problem."""
    answer = await client.post(
        f"/v1/complaints/{complaint['id']}/transitions",
        json={"action": action, **members},
        headers={"if-match": f'"{complaint["version"]}"'},
    )
    assert answer.status_code == expect, answer.text
    result: dict[str, Any] = answer.json()
    return result


def clock(complaint: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [each for each in complaint["clocks"] if each["name"] == name]
    return found[-1]


class TestFile:
    async def test_without_the_scope_it_is_forbidden(self, api: Api) -> None:
        reader = api.as_("facilitator", scopes=frozenset({"complaints:read"}))
        answer = await reader.post("/v1/complaints", json=complaint_body())
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"area_code": "33.26.01.2999"}, "/area_code", "area_unknown"),
            ({"area_code": "99.99.01.2999"}, "/area_code", "area_unknown"),
            ({"confidentiality": "SEALED"}, "/confidentiality", "sealed_intake_unavailable"),
            ({"confidentiality": "ANONYMOUS"}, "/reporter_name", "anonymous_has_no_reporter"),
            (
                {"confidentiality": "ANONYMOUS", "reporter_name": None},
                "/reporter_phone",
                "anonymous_has_no_reporter",
            ),
            ({"subtype": "HEALTH_SERVICE"}, "/subtype", "subtype_of_other_category"),
            ({"program_code": "NONE-SUCH"}, "/program_code", "reference_not_found"),
            ({"captured_at": "2999-11-21T09:14:07Z"}, "/captured_at", "instant_in_future"),
            ({"captured_at": "2026-11-21T09:14:07"}, "/captured_at", "time_zone_required"),
            ({"reporter_phone": "call me"}, "/reporter_phone", "pattern"),
            ({"nature": "RUMOR"}, "/nature", "unknown_code"),
            ({"summary": ""}, "/summary", "length"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, object], pointer: str, code: str
    ) -> None:
        answer = await api.as_("facilitator").post("/v1/complaints", json=complaint_body(**change))
        assert answer.status_code == 422, answer.text
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    async def test_a_village_elsewhere_is_out_of_scope(self, api: Api) -> None:
        for elsewhere in (OTHER_VILLAGE, OTHER_REGENCY_VILLAGE):
            answer = await api.as_("facilitator").post("/v1/complaints", json=complaint_body(area_code=elsewhere))
            assert (answer.status_code, answer.json()["code"]) == (403, "area_out_of_scope")

    async def test_unknown_and_invisible_references_answer_alike(self, api: Api) -> None:
        stranger = api.as_("facilitator", area=OTHER_VILLAGE)
        household = (await stranger.post("/v1/households", json=household_body(area_code=OTHER_VILLAGE))).json()
        person = household["members"][0]["person_id"]
        for name, hidden, kind in (
            ("household_id", household["id"], Kind.HOUSEHOLD),
            ("subject_person_id", person, Kind.PERSON),
        ):
            answers = [
                await api.as_("facilitator").post("/v1/complaints", json=complaint_body(**{name: str(id_)}))
                for id_ in (hidden, new_id(kind, 3326), uuid4())
            ]
            told = [{**answer.json(), "trace_id": ""} for answer in answers]
            assert told[0]["errors"] == [
                {"pointer": f"/{name}", "code": "reference_not_found", "detail": told[0]["errors"][0]["detail"]}
            ]
            assert told[0] == told[1] == told[2]

    async def test_a_citizen_names_no_household(self, api: Api) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        answer = await api.as_("citizen").post("/v1/complaints", json=complaint_body(household_id=household["id"]))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "reference_not_found")

    async def test_it_comes_with_a_receipt_and_a_secret_shown_once(self, api: Api, owner: asyncpg.Connection) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        answer = await api.as_("facilitator").post(
            "/v1/complaints",
            json=complaint_body(
                household_id=household["id"],
                subject_person_id=household["members"][0]["person_id"],
                severity_flags=["LIFE_THREATENING", "OVERSIGHT", "OVERSIGHT"],
                captured_at="2026-11-20T23:30:00+07:00",
            ),
        )
        complaint = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/v1/complaints/{complaint['id']}"
        assert (complaint["status"], complaint["version"]) == ("RECEIVED", 1)
        # Who wrote it down for somebody sees of its special data no more than of any other complaint.
        assert complaint["severity_flags"] == ["OVERSIGHT"]
        handled = (await api.as_("puskesos_officer").get(answer.headers["location"])).json()
        assert handled["severity_flags"] == ["LIFE_THREATENING", "OVERSIGHT"]
        assert complaint["captured_at"] == "2026-11-20T16:30:00.000000Z"
        assert complaint["household_id"] == household["id"]
        number = parse_number("KEL", complaint["receipt"])
        assert number is not None
        assert number.tenant == 3326
        assert normalize_secret(complaint["receipt_secret"]) == complaint["receipt_secret"]
        again = (await api.as_("facilitator").get(answer.headers["location"])).json()
        assert "receipt_secret" not in again
        row = await owner.fetchrow("SELECT * FROM complaints WHERE id = $1", UUID(complaint["id"]))
        kept = await owner.fetchrow("SELECT * FROM receipt_secrets WHERE id = $1", UUID(complaint["id"]))
        assert row is not None
        assert kept is not None
        assert row["receipt"] == kept["receipt"] == number.value
        assert b"Siti" not in row["reporter_name"]
        assert complaint["receipt_secret"].encode() not in kept["secret_hash"]

    async def test_ids_of_all_but_open_complaints_tell_only_the_day(self, api: Api, owner: asyncpg.Connection) -> None:
        for confidentiality, coarse in (("OPEN", False), ("CONFIDENTIAL", True), ("ANONYMOUS", True)):
            nobody: dict[str, Any] = {"reporter_name": None, "reporter_phone": None}
            complaint = await filed(api, confidentiality=confidentiality, **nobody)
            id_ = UUID(complaint["id"])
            midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            rows = await owner.fetch(
                "SELECT id FROM events WHERE aggregate_id = $1 UNION SELECT id FROM clocks WHERE aggregate_id = $1", id_
            )
            assert len(rows) == 7
            for each in (id_, *(row["id"] for row in rows)):
                assert (minted_at(each) == midnight) is coarse
            assert (kind_of(id_), tenant_of(id_)) == (Kind.COMPLAINT, 3326)

    async def test_a_repeat_with_the_same_key_is_the_same_complaint(self, api: Api) -> None:
        headers = {"idempotency-key": str(uuid4())}
        for client in (api.as_("facilitator"), api.as_("citizen", subject="warga-6")):
            first = await client.post("/v1/complaints", json=complaint_body(), headers=headers)
            second = await client.post("/v1/complaints", json=complaint_body(), headers=headers)
            assert (first.status_code, first.content) == (second.status_code, second.content)
            assert second.headers["idempotency-replayed"] == "true"


class TestWhoSees:
    async def test_the_complainants_name_is_for_handlers(self, api: Api) -> None:
        complaint = await filed(api)
        location = f"/v1/complaints/{complaint['id']}"
        for role, shown in (
            ("facilitator", None),
            ("auditor", None),
            ("puskesos_officer", "Siti Aminah"),
            ("social_office", "Siti Aminah"),
        ):
            seen = (await api.as_(role).get(location)).json()
            assert seen["reporter_name"] == shown, role
            assert seen["reporter_phone"] == (shown and "+628120000000"), role

    async def test_another_village_and_another_regency_see_404(self, api: Api) -> None:
        location = f"/v1/complaints/{(await filed(api))['id']}"
        for stranger in (
            api.as_("facilitator", area=OTHER_VILLAGE),
            api.as_("secretariat_officer", area="33.27"),
            api.as_("citizen", subject="somebody else"),
        ):
            assert (await stranger.get(location)).status_code == 404
            assert (await stranger.get(f"{location}/clocks")).status_code == 404

    async def test_a_citizen_files_for_any_village_and_sees_only_the_own(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-1")
        answer = await citizen.post("/v1/complaints", json=complaint_body(area_code=OTHER_REGENCY_VILLAGE))
        assert answer.status_code == 201, answer.text
        mine = answer.json()
        await filed(api)
        listed = (await citizen.get("/v1/complaints?limit=200")).json()["items"]
        assert mine["id"] in {each["id"] for each in listed}
        other = api.as_("citizen", subject="warga-2")
        assert (await other.get(f"/v1/complaints/{mine['id']}")).status_code == 404
        assert mine["id"] not in {each["id"] for each in (await other.get("/v1/complaints")).json()["items"]}

    async def test_lists_filter_and_page_by_id_only(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        made = {(await filed(api, nature="SUGGESTION"))["id"] for _ in range(3)}
        seen: list[str] = []
        url = "/v1/complaints?nature=SUGGESTION&category=PARTICIPATION&status=RECEIVED&program_code=PKH&limit=2"
        while url:
            page = await officer.get(url)
            assert {item["nature"] for item in page.json()["items"]} == {"SUGGESTION"}
            seen += [item["id"] for item in page.json()["items"]]
            url = page.links["next"]["url"] if "next" in page.links else ""
        assert made <= set(seen)
        assert len(seen) == len(set(seen))
        refused = await officer.get("/v1/complaints?sort=-updated_at")
        assert (refused.status_code, refused.json()["code"]) == (400, "sort_unknown")


class TestLinks:
    async def test_household_complaint_and_case_lead_to_each_other(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        complaint = await filed(api, household_id=household["id"])
        body = {"household_id": household["id"], "complaint_id": complaint["id"]}
        case = (await officer.post("/v1/cases", json=body)).json()
        seen = (await officer.get(f"/v1/complaints/{complaint['id']}?include=case")).json()
        assert (seen["case_id"], seen["case"]["id"]) == (case["id"], case["id"])
        seen = (await officer.get(f"/v1/cases/{case['id']}?include=complaint")).json()
        assert seen["complaint"]["receipt"] == complaint["receipt"]
        listed = (await officer.get(f"/v1/households/{household['id']}/complaints")).json()["items"]
        assert [each["id"] for each in listed] == [complaint["id"]]

    async def test_a_citizen_does_not_reach_the_case(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-4")
        mine = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        answer = await citizen.get(f"/v1/complaints/{mine['id']}?include=case")
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


class TestClocks:
    async def test_they_start_on_arrival_in_working_time_of_the_place(self, api: Api) -> None:
        for village, zone in ((VILLAGE, "Asia/Jakarta"), ("91.71.03.1014", "Asia/Jayapura")):
            complaint = await filed(
                api,
                "citizen",
                "warga-5",
                area_code=village,
                captured_at="2026-11-02T08:00:00+07:00",
                severity_flags=["OVERSIGHT"],
            )
            received = datetime.fromisoformat(complaint["received_at"])
            calendar = national_calendar(zone)
            expected = {
                "ACKNOWLEDGE": (Unit.WORKING_DAY, 1, "SLRT-DEFAULT-2026"),
                "TRIAGE": (Unit.WORKING_DAY, 2, "SLRT-DEFAULT-2026"),
                "FORWARD": (Unit.WORKING_DAY, 3, "LAPOR-2018"),
                "FIRST_RESPONSE": (Unit.WORKING_DAY, 5, "LAPOR-2018"),
                "RESOLVE": (Unit.WORKING_DAY, 60, "LAPOR-2018"),
                "STATUTORY": (Unit.CALENDAR_DAY, 60, "UU-25-2009"),
            }
            assert len(complaint["clocks"]) == len(expected)
            for each in complaint["clocks"]:
                unit, amount, policy = expected[each["name"]]
                assert (each["unit"], each["amount"], each["policy"]) == (unit, amount, policy)
                assert each["state"] == "RUNNING"
                assert each["started_at"] == complaint["received_at"]
                assert datetime.fromisoformat(each["due_at"]) == due_at(received, unit, amount, calendar)
                assert (each["time_zone"], each["calendar_version"]) == (zone, calendar.version)

    async def test_handling_meets_them(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        complaint = await act(officer, await filed(api), "TRIAGE")
        assert {each["name"] for each in complaint["clocks"] if each["state"] == "MET"} == {"ACKNOWLEDGE", "TRIAGE"}
        assert clock(complaint, "TRIAGE")["met_at"] == complaint["updated_at"]
        complaint = await act(officer, complaint, "START")
        assert clock(complaint, "FIRST_RESPONSE")["state"] == "MET"
        assert clock(complaint, "RESOLVE")["state"] == "RUNNING"
        complaint = await act(officer, complaint, "RESOLVE", resolution="Proposed.", service_realized=True)
        assert {each["state"] for each in complaint["clocks"] if each["name"] != "OBJECTION_WINDOW"} == {"MET"}
        assert clock(complaint, "OBJECTION_WINDOW")["state"] == "RUNNING"
        complaint = await act(officer, complaint, "CLOSE")
        assert clock(complaint, "OBJECTION_WINDOW")["state"] == "MET"

    async def test_what_ends_otherwise_stops_them(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        complaint = await act(officer, await filed(api), "ASK_COMPLAINANT", reason="Which program?")
        assert clock(complaint, "COMPLAINANT_ANSWER")["state"] == "RUNNING"
        complaint = await act(officer, complaint, "LAPSE", reason="No answer in thirty days.")
        assert clock(complaint, "COMPLAINANT_ANSWER")["state"] == "MET"
        assert clock(complaint, "RESOLVE")["state"] == "STOPPED"

    async def test_met_late_is_breached_and_stays_so(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint = await filed(api)
        await owner.execute(
            "UPDATE clocks SET due_at = now() - interval '1 minute' WHERE aggregate_id = $1 AND name = 'TRIAGE'",
            UUID(complaint["id"]),
        )
        await owner.execute(
            "UPDATE clocks SET due_at = now() - interval '1 minute', breached_at = now(), state = 'BREACHED'"
            " WHERE aggregate_id = $1 AND name = 'FORWARD'",
            UUID(complaint["id"]),
        )
        complaint = await act(api.as_("puskesos_officer"), complaint, "START")
        assert (clock(complaint, "TRIAGE")["state"], clock(complaint, "FORWARD")["state"]) == ("BREACHED", "BREACHED")
        assert clock(complaint, "TRIAGE")["met_at"] == clock(complaint, "FORWARD")["met_at"] == complaint["updated_at"]


class TestTransition:
    async def test_refusals(self, api: Api) -> None:
        complaint = await filed(api)
        officer, citizen = api.as_("puskesos_officer"), api.as_("citizen")
        assert (await act(citizen, complaint, "TRIAGE", expect=404))["code"] == "not_found"
        assert (await act(api.as_("facilitator"), complaint, "TRIAGE", expect=403))["code"] == "role_not_allowed"
        assert (await act(api.as_("auditor"), complaint, "TRIAGE", expect=403))["code"] == "scope_missing"
        assert (await act(api.as_("partner", organization=uuid4()), complaint, "TRIAGE", expect=403))[
            "code"
        ] == "scope_missing"
        assert (await act(officer, complaint, "CLOSE", expect=409))["code"] == "transition_not_allowed"
        assert (await act(officer, complaint, "DANCE", expect=422))["errors"][0]["code"] == "unknown_code"
        assert (await act(officer, complaint, "MERGE", expect=422))["errors"][0]["code"] == "reason_required"
        stale = {**complaint, "version": 7}
        assert (await act(officer, stale, "TRIAGE", expect=412))["code"] == "version_stale"
        answer = await officer.post(f"/v1/complaints/{complaint['id']}/transitions", json={"action": "TRIAGE"})
        assert answer.status_code == 428

    @pytest.mark.parametrize(
        ("action", "members", "faults"),
        [
            ("RESOLVE", {}, [("/resolution", "required"), ("/service_realized", "required")]),
            ("RESOLVE", {"resolution": "Done."}, [("/service_realized", "required")]),
            ("FORWARD", {}, [("/forward_to", "required")]),
            ("TRIAGE", {"resolution": "Done."}, [("/resolution", "not_of_this_action")]),
            ("FORWARD", {"forward_to": str(new_id(Kind.ORGANIZATION, 0))}, [("/forward_to", "reference_not_found")]),
            ("MERGE", {"reason": "Twice.", "merge_into": str(uuid4())}, [("/merge_into", "reference_not_found")]),
        ],
    )
    async def test_an_action_takes_what_it_needs_and_no_more(
        self, api: Api, action: str, members: dict[str, Any], faults: list[tuple[str, str]]
    ) -> None:
        told = await act(api.as_("puskesos_officer"), await filed(api), action, expect=422, **members)
        assert [(fault["pointer"], fault["code"]) for fault in told["errors"]] == faults

    async def test_it_is_forwarded_to_an_organization(self, api: Api, owner: asyncpg.Connection) -> None:
        organization = new_id(Kind.ORGANIZATION, 0)
        await owner.execute(
            "INSERT INTO organizations (id, area, code, name, kind, sk_number, sk_date, version, created_at, updated_at)"
            " VALUES ($1, 3326000000, $2, 'Dinas', 'OPD', '1', '2026-01-01', 1, now(), now())",
            organization,
            str(organization),
        )
        complaint = await filed(api)
        forwarded = await act(api.as_("puskesos_officer"), complaint, "FORWARD", forward_to=str(organization))
        assert (forwarded["status"], forwarded["forwarded_to"]) == ("FORWARDED", str(organization))

    async def test_a_merged_complaint_names_the_one_that_goes_on(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        survivor, twin, third = await filed(api), await filed(api), await filed(api)
        merged = await act(officer, twin, "MERGE", reason="Reported twice.", merge_into=survivor["id"])
        assert (merged["status"], merged["merged_into"], merged["allowed_actions"]) == ("MERGED", survivor["id"], [])
        told = await act(officer, third, "MERGE", expect=409, reason="Twice.", merge_into=twin["id"])
        assert told["code"] == "merged_already"
        told = await act(officer, third, "MERGE", expect=422, reason="Twice.", merge_into=third["id"])
        assert told["errors"][0]["code"] == "reference_not_found"

    async def test_the_complainant_answers_and_objects(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-3")
        officer = api.as_("puskesos_officer")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        assert complaint["allowed_actions"] == []
        complaint = await act(officer, complaint, "ASK_COMPLAINANT", reason="Which program?")
        assert (await citizen.get(f"/v1/complaints/{complaint['id']}")).json()["allowed_actions"] == ["ANSWER"]
        complaint = await act(citizen, complaint, "ANSWER", reason="PKH.")
        assert complaint["status"] == "IN_PROGRESS"
        complaint = await act(officer, complaint, "RESOLVE", resolution="Not eligible.", service_realized=False)
        complaint = await act(citizen, complaint, "OBJECT", reason="The ranking is wrong.")
        assert (complaint["status"], complaint["allowed_actions"]) == ("OBJECTED", [])
        told = await act(officer, complaint, "CLOSE", expect=422)
        assert told["errors"][0]["code"] == "reason_required"
        complaint = await act(officer, complaint, "CLOSE", reason="Checked again; the ranking stands.")
        told = await act(officer, complaint, "REOPEN", expect=403, reason="New facts.")
        assert told["code"] == "role_not_allowed"
        complaint = await act(api.as_("puskesos_coordinator"), complaint, "REOPEN", reason="New facts.")
        assert (complaint["status"], complaint["resolution"]) == ("REOPENED", "Not eligible.")

    async def test_every_change_is_one_event(self, api: Api, owner: asyncpg.Connection) -> None:
        officer = api.as_("puskesos_officer")
        complaint = await act(officer, await filed(api), "TRIAGE")
        complaint = await act(officer, complaint, "RESOLVE", resolution="Answered.", service_realized=False)
        rows = await owner.fetch(
            "SELECT sequence, type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(complaint["id"])
        )
        assert [tuple(row) for row in rows] == [
            (1, "complaint.filed"),
            (2, "complaint.triaged"),
            (3, "complaint.resolved"),
        ]
        assert complaint["version"] == 3


def test_codes_are_those_of_the_code_lists() -> None:
    lists = load_code_lists()
    for name, enum in {
        "complaint-statuses": codes.ComplaintStatus,
        "complaint-actions": codes.Action,
        "complaint-natures": codes.Nature,
        "complaint-categories": codes.Category,
        "complaint-subtypes": codes.Subtype,
        "complaint-channels": codes.Channel,
        "complaint-severity-flags": codes.SeverityFlag,
        "complaint-confidentialities": codes.Confidentiality,
    }.items():
        assert [code.value for code in enum] == [item.code for item in lists[name].items], name
    parents = {item.code: item.parent for item in lists["complaint-subtypes"].items}
    assert {subtype.value: category.value for subtype, category in codes.CATEGORY_OF.items()} == parents


class TestFileAs:
    """A device that was offline uploads under the id it made."""

    async def test_the_id_must_fit_the_path_the_area_and_the_confidentiality(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        wrong = {
            new_id(Kind.CASE, 3326, coarse=True): "id_mismatch",
            new_id(Kind.COMPLAINT, 3327, coarse=True): "id_mismatch",
            new_id(Kind.COMPLAINT, 3326, datetime(2026, 11, 21, 5, tzinfo=UTC)): "id_tells_the_hour",
        }
        for id_, code in wrong.items():
            answer = await facilitator.put(
                f"/v1/complaints/{id_}", json=complaint_body(), headers={"if-none-match": "*"}
            )
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)

    async def test_a_repeat_with_its_key_shows_the_secret_again_and_without_is_412(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        url = f"/v1/complaints/{new_id(Kind.COMPLAINT, 3326, coarse=True)}"
        headers = {"if-none-match": "*", "idempotency-key": str(uuid4())}
        first = await facilitator.put(url, json=complaint_body(), headers=headers)
        again = await facilitator.put(url, json=complaint_body(), headers=headers)
        bare = await facilitator.put(url, json=complaint_body(), headers={"if-none-match": "*"})
        assert (first.status_code, first.json()["id"]) == (201, url.rpartition("/")[2])
        assert (again.status_code, again.content) == (201, first.content)
        assert (bare.status_code, bare.json()["code"]) == (412, "resource_exists")
