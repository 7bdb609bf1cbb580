"""Cases over HTTP, on a real database: the whole way, and everybody who is refused on it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import OTHER_VILLAGE, Api, household_body

from slrt_api.cases.codes import CaseStatus, NeedStatus
from slrt_api.cases.models import Case
from slrt_api.cases.service import move_need
from slrt_api.complaints.models import Complaint
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.rest.service import Service
from slrt_api.runtime.transaction import Transaction

OFFICER = "puskesos_officer"
COORDINATOR = "puskesos_coordinator"
REASON = "Sesuai musyawarah"


async def household(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.as_("facilitator").post("/v1/households", json=household_body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def opened(api: Api, family: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    family = family or await household(api)
    answer = await api.as_(OFFICER).post("/v1/cases", json={"household_id": family["id"], **members})
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "family": family}


async def post(client: httpx.AsyncClient, case: dict[str, Any], part: str, **body: Any) -> httpx.Response:
    """POST on the case at the version that the case shows."""
    headers = {"if-match": f'"{case["version"]}"'}
    return await client.post(f"/v1/cases/{case['id']}/{part}", json=body, headers=headers)


async def step(api: Api, case: dict[str, Any], action: str, role: str = OFFICER, **members: Any) -> dict[str, Any]:
    answer = await post(api.as_(role), case, "transitions", action=action, **members)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == case["version"] + 1
    return {**answer.json(), "family": case["family"]}


async def with_needs(api: Api, case: dict[str, Any], count: int = 2) -> dict[str, Any]:
    """The case, one need of `HEALTH_INSURANCE` a person."""
    for member in case["family"]["members"][:count]:
        answer = await post(
            api.as_(OFFICER),
            case,
            "needs",
            person_id=member["person_id"],
            domain="HEALTH",
            need="HEALTH_INSURANCE",
        )
        assert answer.status_code == 200, answer.text
        case = {**answer.json(), "family": case["family"]}
    return case


async def assessed(api: Api, case: dict[str, Any]) -> dict[str, Any]:
    answer = await post(
        api.as_(OFFICER),
        case,
        "assessments",
        instrument="REGSOSEK2022K",
        answers={"304": 4, "411": ["1", 4], "409": None},
        summary="Ibu tunggal",
    )
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "family": case["family"]}


async def recommended(api: Api) -> dict[str, Any]:
    case = await step(api, await opened(api), "VERIFY")
    case = await assessed(api, await with_needs(api, await step(api, case, "ASSESS")))
    return await step(api, case, "RECOMMEND")


async def in_service(api: Api) -> dict[str, Any]:
    case = await step(api, await recommended(api), "CONFIRM", COORDINATOR)
    return await step(api, case, "START_SERVICE")


async def served(api: Api, case: dict[str, Any], need: dict[str, Any]) -> dict[str, Any]:
    answer = await post(
        api.as_(OFFICER), case, "services", need_id=need["id"], delivered_on="2026-01-21", evidence="Kartu diserahkan"
    )
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "family": case["family"]}


@asynccontextmanager
async def transaction(api: Api, role: str, **claims: Any) -> AsyncIterator[Transaction]:
    """A transaction of that role, for what another domain does with cases."""
    service: Service = api.app.state.service
    platform = service.platform
    actor = (await service.act_of(f"Bearer {api.token(role, **claims)}", None)).actor
    async with platform.database.transaction(actor.rows, write=True) as connection:
        yield Transaction(connection, actor, now=platform.clock(), trace_id="0" * 32, keyring=platform.keyring)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def fault(answer: httpx.Response) -> tuple[int, str, str]:
    found = answer.json()["errors"][0]
    return answer.status_code, found["pointer"], found["code"]


class TestOpen:
    async def test_a_household_out_of_sight_is_no_reference(self, api: Api) -> None:
        family = await household(api)
        stranger = api.as_(OFFICER, area=OTHER_VILLAGE)
        unknown = str(new_id(Kind.HOUSEHOLD, 3326))
        for household_id in (family["id"], unknown, str(uuid4())):
            answer = await stranger.post("/v1/cases", json={"household_id": household_id})
            assert fault(answer) == (422, "/household_id", "reference_not_found")

    @pytest.mark.parametrize("role", ["facilitator", "auditor", "social_office"])
    async def test_who_may_not_write_cases_is_forbidden(self, api: Api, role: str) -> None:
        family = await household(api)
        answer = await api.as_(role).post("/v1/cases", json={"household_id": family["id"]})
        assert problem(answer) == (403, "scope_missing")

    async def test_a_complaint_that_nobody_knows_is_no_reference(self, api: Api) -> None:
        family = await household(api)
        body = {"household_id": family["id"], "complaint_id": str(new_id(Kind.COMPLAINT, 3326))}
        assert fault(await api.as_(OFFICER).post("/v1/cases", json=body)) == (
            422,
            "/complaint_id",
            "reference_not_found",
        )

    async def test_it_begins_registered_with_a_number(self, api: Api) -> None:
        family = await household(api)
        answer = await api.as_(OFFICER).post("/v1/cases", json={"household_id": family["id"]})
        case = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/v1/cases/{case['id']}"
        assert answer.headers["etag"] == '"1"'
        assert case["number"].startswith("KSS-3326-")
        assert (case["status"], case["household_id"], case["area_code"]) == (
            "REGISTERED",
            family["id"],
            family["area_code"],
        )
        assert case["allowed_actions"] == ["VERIFY", "MARK_EMERGENCY", "CLOSE", "WITHDRAW"]
        assert (case["needs"], case["emergency"], case["closed_at"]) == ([], False, None)


class TestFromComplaint:
    async def complaint(self, api: Api, household_id: str | None, **columns: Any) -> Complaint:
        """A complaint as its own domain records it, written by the facilitator who took it down."""
        received_at = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
        async with transaction(api, "facilitator") as tx:
            return await tx.create(
                Complaint(
                    regency=3326,
                    id=new_id(Kind.COMPLAINT, 3326),
                    area=3326012001,
                    created_at=received_at,
                    updated_at=received_at,
                    number="KEL-3326-0000-0000-0",
                    receipt=secrets.randbits(40),
                    status="RECEIVED",
                    nature="GRIEVANCE",
                    category="PARTICIPATION",
                    severity_flags=[],
                    channel="FIELD_APP",
                    confidentiality="OPEN",
                    summary="Tidak menerima PKH",
                    household_id=UUID(household_id) if household_id else None,
                    captured_at=received_at,
                    received_at=received_at,
                    received_by="test",
                    **columns,
                ),
                "received",
            )

    async def test_the_complaint_names_the_case_and_gives_its_time(self, api: Api, owner: asyncpg.Connection) -> None:
        family = await household(api)
        complaint = await self.complaint(api, family["id"])
        case = await opened(api, family, complaint_id=str(complaint.id))
        assert (case["complaint_id"], case["received_at"]) == (str(complaint.id), "2026-11-02T03:04:05.000000Z")
        row = await owner.fetchrow("SELECT case_id, version FROM complaints WHERE id = $1", complaint.id)
        assert row is not None
        assert tuple(row) == (UUID(case["id"]), 2)
        types = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", complaint.id)
        assert [each["type"] for each in types] == ["complaint.received", "complaint.case_opened"]

        body = {"household_id": family["id"], "complaint_id": str(complaint.id)}
        again = await api.as_(OFFICER).post("/v1/cases", json=body)
        assert problem(again) == (409, "complaint_has_case")
        count = await owner.fetchval("SELECT count(*) FROM cases WHERE household_id = $1", UUID(family["id"]))
        assert count == 1

    async def test_it_is_about_the_household_that_it_names(self, api: Api) -> None:
        first, second = await household(api), await household(api)
        complaint = await self.complaint(api, first["id"])
        body = {"household_id": second["id"], "complaint_id": str(complaint.id)}
        answer = await api.as_(OFFICER).post("/v1/cases", json=body)
        assert fault(answer) == (422, "/household_id", "household_mismatch")
        nameless = await self.complaint(api, None)
        assert (await opened(api, second, complaint_id=str(nameless.id)))["complaint_id"] == str(nameless.id)

    async def test_a_complaint_out_of_sight_is_no_reference(self, api: Api) -> None:
        family = await household(api)
        complaint = await self.complaint(api, family["id"])
        other = household_body(area_code=OTHER_VILLAGE)
        elsewhere = await api.as_("facilitator", area=OTHER_VILLAGE).post("/v1/households", json=other)
        body = {"household_id": elsewhere.json()["id"], "complaint_id": str(complaint.id)}
        answer = await api.as_(OFFICER, area=OTHER_VILLAGE).post("/v1/cases", json=body)
        assert fault(answer) == (422, "/complaint_id", "reference_not_found")

    async def test_the_right_over_complaints_is_asked_for_as_well(self, api: Api) -> None:
        family = await household(api)
        complaint = await self.complaint(api, family["id"])
        narrow = api.as_(OFFICER, scopes=frozenset({"cases:write", "cases:read", "complaints:read"}))
        body = {"household_id": family["id"], "complaint_id": str(complaint.id)}
        assert problem(await narrow.post("/v1/cases", json=body)) == (403, "scope_missing")


class TestWholeWay:
    async def test_from_registration_to_self_reliance(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await in_service(api)
        assert (case["open_needs"], case["need_count"], case["status"]) == (2, 2, "IN_SERVICE")
        early = await post(api.as_(OFFICER), case, "transitions", action="COLLECT_FEEDBACK")
        assert problem(early) == (409, "needs_open")
        for need in case["needs"]:
            case = await served(api, case, need)
        assert [need["status"] for need in case["needs"]] == ["MET", "MET"]
        case = await step(api, case, "COLLECT_FEEDBACK")
        case = await step(api, case, "REASSESS")
        alone = await post(
            api.as_(OFFICER), case, "transitions", action="CLOSE", outcome="CLOSED_SELF_RELIANT", reason=REASON
        )
        assert problem(alone) == (403, "role_not_allowed")
        unsaid = await post(api.as_(COORDINATOR), case, "transitions", action="CLOSE", outcome="CLOSED_SELF_RELIANT")
        assert fault(unsaid) == (422, "/reason", "reason_required")
        unnamed = await post(api.as_(OFFICER), case, "transitions", action="CLOSE", reason=REASON)
        assert fault(unnamed) == (422, "/outcome", "outcome_required")
        case = await step(api, case, "CLOSE", COORDINATOR, outcome="CLOSED_SELF_RELIANT", reason=REASON)
        assert (case["status"], case["closing_text"], case["allowed_actions"]) == (
            "CLOSED_SELF_RELIANT",
            REASON,
            ["REOPEN"],
        )

        seen = await api.as_("secretariat_manager").get(
            f"/v1/cases/{case['id']}?include=assessments,services,household"
        )
        assert [service["service"] for service in seen.json()["services"]] == ["HEALTH_INSURANCE"] * 2
        assert seen.json()["assessments"][0]["answers"] == {"304": "4", "411": ["1", "4"]}
        assert seen.json()["household"]["id"] == case["household_id"]

        events = await owner.fetch(
            "SELECT sequence, type, actor FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(case["id"])
        )
        assert [event["sequence"] for event in events] == list(range(1, case["version"] + 1))
        assert [event["type"] for event in events] == [
            "case.opened",
            "case.verification_started",
            "case.assessment_started",
            "case.need_added",
            "case.need_added",
            "case.assessed",
            "case.recommended",
            "case.confirmed",
            "case.service_started",
            "case.service_provided",
            "case.service_provided",
            "case.feedback_collected",
            "case.reassessment_started",
            "case.closed",
        ]

    async def test_new_needs_of_the_reassessment_go_around_again(self, api: Api) -> None:
        case = await in_service(api)
        for need in case["needs"]:
            case = await served(api, case, need)
        case = await step(api, await step(api, case, "COLLECT_FEEDBACK"), "REASSESS")
        none = await post(api.as_(OFFICER), case, "transitions", action="RECOMMEND")
        assert problem(none) == (409, "need_missing")
        case = await with_needs(api, case, 1)
        closing = await post(
            api.as_(OFFICER), case, "transitions", action="CLOSE", outcome="CLOSED_HANDLED", reason=REASON
        )
        assert problem(closing) == (409, "needs_open")
        case = await step(api, case, "RECOMMEND")
        assert (case["status"], case["open_needs"], case["need_count"]) == ("RECOMMENDED", 1, 3)


class TestDecide:
    async def test_who_recommended_neither_confirms_nor_returns(self, api: Api) -> None:
        family = await household(api)
        subject = "two-hats"
        officer, coordinator = (api.as_(role, subject=subject) for role in (OFFICER, COORDINATOR))
        case = (await officer.post("/v1/cases", json={"household_id": family["id"]})).json() | {"family": family}
        case = await step(api, case, "VERIFY")
        case = await assessed(api, await with_needs(api, await step(api, case, "ASSESS")))
        case = (await post(officer, case, "transitions", action="RECOMMEND")).json() | {"family": family}
        shown = (await coordinator.get(f"/v1/cases/{case['id']}")).json()["allowed_actions"]
        assert {"CONFIRM", "RETURN"}.isdisjoint(shown)
        for action in ("CONFIRM", "RETURN"):
            answer = await post(coordinator, case, "transitions", action=action, reason=REASON)
            assert problem(answer) == (409, "recommender_may_not_decide")
        case = await step(api, case, "CONFIRM", COORDINATOR)
        assert case["status"] == "CONFIRMED"

    async def test_a_return_says_why_and_comes_back(self, api: Api) -> None:
        case = await recommended(api)
        unsaid = await post(api.as_(COORDINATOR), case, "transitions", action="RETURN")
        assert fault(unsaid) == (422, "/reason", "reason_required")
        case = await step(api, case, "RETURN", "social_office", reason=REASON)
        case = await step(api, case, "RECOMMEND")
        assert case["status"] == "RECOMMENDED"

    async def test_nothing_is_recommended_without_assessment_and_need(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        for _ in range(2):
            answer = await post(api.as_(OFFICER), case, "transitions", action="RECOMMEND")
            assert problem(answer) == (409, "assessment_missing")
            case = await assessed(api, case)
        assert "RECOMMEND" not in case["allowed_actions"]
        assert "RECOMMEND" in (await with_needs(api, case, 1))["allowed_actions"]


class TestNeeds:
    async def test_a_person_of_another_household_is_no_reference(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        other = await household(api)
        stranger = other["members"][0]["person_id"]
        for person_id in (stranger, str(new_id(Kind.PERSON, 3326))):
            answer = await post(
                api.as_(OFFICER), case, "needs", person_id=person_id, domain="HEALTH", need="HEALTH_INSURANCE"
            )
            assert fault(answer) == (422, "/person_id", "reference_not_found")

    async def test_the_service_belongs_to_the_domain(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        person_id = case["family"]["members"][0]["person_id"]
        for domain, need in (("EDUCATION", "HEALTH_INSURANCE"), ("HEALTH", "MIRACLE")):
            answer = await post(api.as_(OFFICER), case, "needs", person_id=person_id, domain=domain, need=need)
            assert fault(answer) == (422, "/need", "unknown_code")

    async def test_only_while_in_assessment(self, api: Api) -> None:
        case = await opened(api)
        person_id = case["family"]["members"][0]["person_id"]
        need = await post(
            api.as_(OFFICER), case, "needs", person_id=person_id, domain="HEALTH", need="HEALTH_INSURANCE"
        )
        assessment = await post(api.as_(OFFICER), case, "assessments", instrument="SLRT", answers={}, summary="-")
        assert problem(need) == problem(assessment) == (409, "case_not_in_assessment")

    async def test_versions_are_asked_for_and_checked(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        body = {
            "person_id": case["family"]["members"][0]["person_id"],
            "domain": "HEALTH",
            "need": "HEALTH_INSURANCE",
        }
        url = f"/v1/cases/{case['id']}/needs"
        assert problem(await api.as_(OFFICER).post(url, json=body)) == (428, "if_match_required")
        stale = await api.as_(OFFICER).post(url, json=body, headers={"if-match": '"2"'})
        assert problem(stale) == (412, "version_stale")
        assert stale.headers["etag"] == '"3"'

    async def test_a_service_needs_an_open_need_of_the_case_in_service(self, api: Api) -> None:
        case = await in_service(api)
        other = await in_service(api)
        body = {"delivered_on": "2026-01-21", "evidence": "Ada"}
        answer = await post(api.as_(OFFICER), case, "services", need_id=other["needs"][0]["id"], **body)
        assert fault(answer) == (422, "/need_id", "reference_not_found")
        future = await post(
            api.as_(OFFICER),
            case,
            "services",
            need_id=case["needs"][0]["id"],
            delivered_on="2999-01-01",
            evidence="Ada",
        )
        assert fault(future) == (422, "/delivered_on", "date_in_future")
        case = await served(api, case, case["needs"][0])
        again = await post(api.as_(OFFICER), case, "services", need_id=case["needs"][0]["id"], **body)
        assert problem(again) == (409, "need_not_open")
        early = await recommended(api)
        answer = await post(api.as_(OFFICER), early, "services", need_id=early["needs"][0]["id"], **body)
        assert problem(answer) == (409, "case_not_in_service")

    async def test_a_need_that_cannot_be_met_ends_with_a_reason(self, api: Api) -> None:
        case = await in_service(api)
        first, second = (need["id"] for need in case["needs"])
        case |= (await post(api.as_(OFFICER), case, "need-transitions", need_id=first, action="SERVE")).json()
        assert case["needs"][0]["status"] == "DIRECT_SERVICE"
        unsaid = await post(api.as_(OFFICER), case, "need-transitions", need_id=second, action="FAIL")
        assert fault(unsaid) == (422, "/reason", "reason_required")
        for need_id, action in ((second, "FAIL"), (first, "CANCEL")):
            body = {"need_id": need_id, "action": action, "reason": REASON}
            case |= (await post(api.as_(OFFICER), case, "need-transitions", **body)).json()
        assert [need["status"] for need in case["needs"]] == ["CANCELLED", "UNMET"]
        assert case["open_needs"] == 0
        for action in ("REFER", "MEET", "RETURN"):
            answer = await post(api.as_(OFFICER), case, "need-transitions", need_id=first, action=action)
            assert problem(answer) == (409, "transition_not_allowed")


class TestEnds:
    async def test_an_emergency_serves_first_and_completes_afterwards(self, api: Api) -> None:
        case = await step(api, await opened(api), "MARK_EMERGENCY", reason="Pasien kritis")
        assert (case["status"], case["emergency"]) == ("IN_SERVICE", True)
        case = await assessed(api, await with_needs(api, case, 1))
        case = await served(api, case, case["needs"][0])
        assert (await step(api, case, "COLLECT_FEEDBACK"))["status"] == "FEEDBACK"

    @pytest.mark.parametrize("outcome", ["CLOSED_UNFOUNDED", "NOT_COMPETENT", "DECEASED"])
    async def test_an_early_end_cancels_what_is_open(self, api: Api, outcome: str) -> None:
        case = await step(api, await in_service(api), "CLOSE", outcome=outcome, reason=REASON)
        assert case["status"] == outcome
        assert [need["status"] for need in case["needs"]] == ["CANCELLED", "CANCELLED"]
        assert (case["open_needs"], case["closing_text"]) == (0, REASON)

    async def test_documents_are_awaited_and_withdrawal_ends_it(self, api: Api) -> None:
        case = await step(api, await opened(api), "VERIFY")
        case = await step(api, case, "REQUEST_DOCUMENTS", reason="Surat faskes")
        case = await step(api, case, "RESUME")
        assert case["status"] == "ASSESSMENT"
        assert (await step(api, case, "WITHDRAW", reason=REASON))["status"] == "WITHDRAWN"

    async def test_reopening_keeps_the_number(self, api: Api) -> None:
        first = await opened(api)
        case = await step(api, first, "WITHDRAW", reason=REASON)
        case = await step(api, case, "REOPEN", COORDINATOR, reason=REASON)
        assert (case["status"], case["number"], case["closed_at"], case["closing_text"]) == (
            "REOPENED",
            first["number"],
            None,
            None,
        )

    async def test_transfer_names_the_new_area(self, api: Api) -> None:
        case = await opened(api)
        missing = await post(api.as_(COORDINATOR), case, "transitions", action="TRANSFER", reason=REASON)
        assert fault(missing) == (422, "/area_code", "required")
        wrong = await post(
            api.as_(COORDINATOR), case, "transitions", action="TRANSFER", reason=REASON, area_code="33.99"
        )
        assert fault(wrong) == (422, "/area_code", "area_unknown")
        case = await step(api, case, "TRANSFER", COORDINATOR, reason=REASON, area_code="33.27.01")
        assert (case["status"], case["transferred_to"]) == ("MOVED", "33.27.01")

    @pytest.mark.parametrize("older_survives", [True, False])
    async def test_merge_goes_on_in_a_case_of_the_same_household(self, api: Api, older_survives: bool) -> None:
        family = await household(api)
        cases = [await opened(api, family), await opened(api, family)]
        survivor, duplicate = cases if older_survives else reversed(cases)
        stranger = await opened(api)
        for into in (stranger["id"], duplicate["id"], str(new_id(Kind.CASE, 3326))):
            answer = await post(
                api.as_(COORDINATOR), duplicate, "transitions", action="MERGE", reason=REASON, into=into
            )
            assert fault(answer) == (422, "/into", "reference_not_found")
        merged = await step(api, duplicate, "MERGE", COORDINATOR, reason=REASON, into=survivor["id"])
        assert (merged["status"], merged["merged_into"]) == ("MERGED", survivor["id"])
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json()
        assert (kept["version"], kept["received_at"]) == (2, min(case["received_at"] for case in cases))
        answer = await post(api.as_(COORDINATOR), kept, "transitions", action="MERGE", reason=REASON, into=merged["id"])
        assert problem(answer) == (409, "case_closed")

    @pytest.mark.parametrize("members", [{"into": str(uuid4())}, {"area_code": "33.26"}])
    async def test_members_of_other_actions_are_refused(self, api: Api, members: dict[str, str]) -> None:
        answer = await post(api.as_(OFFICER), await opened(api), "transitions", action="VERIFY", **members)
        assert fault(answer) == (422, f"/{next(iter(members))}", "invalid")


class TestScope:
    async def test_another_village_sees_404(self, api: Api) -> None:
        case = await opened(api)
        unknown = {**case, "id": str(new_id(Kind.CASE, 3326))}
        stranger = api.as_(OFFICER, area=OTHER_VILLAGE)
        for each in (case, unknown):
            url = f"/v1/cases/{each['id']}"
            assert problem(await stranger.get(url)) == (404, "not_found")
            for link in ("needs", "assessments", "services"):
                assert problem(await stranger.get(f"{url}/{link}")) == (404, "not_found")
            assert problem(await post(stranger, each, "transitions", action="VERIFY")) == (404, "not_found")
            assert problem(await post(stranger, each, "assessments", instrument="SLRT", answers={}, summary="-")) == (
                404,
                "not_found",
            )
        listed = await stranger.get(f"/v1/cases?household_id={case['household_id']}")
        assert listed.json()["items"] == []

    @pytest.mark.parametrize("role", ["auditor", "facilitator"])
    async def test_readers_change_nothing(self, api: Api, role: str) -> None:
        case = await opened(api)
        reader = api.as_(role)
        shown = await reader.get(f"/v1/cases/{case['id']}")
        assert (shown.status_code, shown.json()["allowed_actions"]) == (200, [])
        body = {"person_id": case["family"]["members"][0]["person_id"], "domain": "HEALTH", "need": "SANITATION"}
        for part, content in (
            ("transitions", {"action": "VERIFY"}),
            ("needs", body),
            ("need-transitions", {"need_id": case["id"], "action": "SERVE"}),
            ("assessments", {"instrument": "SLRT", "answers": {}, "summary": "-"}),
            ("services", {"need_id": case["id"], "delivered_on": "2026-01-21", "evidence": "-"}),
        ):
            assert problem(await post(reader, case, part, **content)) == (403, "scope_missing")

    async def test_two_at_once_make_one_step(self, api: Api) -> None:
        case = await opened(api)
        answers = await asyncio.gather(
            *(post(api.as_(OFFICER), case, "transitions", action="VERIFY") for _ in range(6))
        )
        assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]

    async def test_cases_merged_into_one_another_do_not_block(self, api: Api) -> None:
        family = await household(api)
        first, second = await opened(api, family), await opened(api, family)
        manager = api.as_(COORDINATOR)
        answers = await asyncio.gather(
            post(manager, first, "transitions", action="MERGE", reason=REASON, into=second["id"]),
            post(manager, second, "transitions", action="MERGE", reason=REASON, into=first["id"]),
        )
        # The later one finds its case changed by the merge: absorbed, or the survivor ended.
        assert sorted(answer.status_code for answer in answers) == [200, 412]

    async def test_filters_find_it(self, api: Api) -> None:
        case = await opened(api, emergency=True)
        other = await opened(api)
        client = api.as_(OFFICER)
        for query in (
            f"household_id={case['household_id']}",
            f"number={case['number'].lower()}",
            f"emergency=true&household_id={case['household_id']}",
            f"status=REGISTERED,FEEDBACK&household_id={case['household_id']}&sort=status",
        ):
            items = (await client.get(f"/v1/cases?{query}")).json()["items"]
            assert [item["id"] for item in items] == [case["id"]]
        calm = await client.get(f"/v1/cases?emergency=false&household_id={other['household_id']}")
        assert [item["id"] for item in calm.json()["items"]] == [other["id"]]
        bad = await client.get("/v1/cases?number=KSS-3326-0000-0000-X")
        assert bad.status_code == 400
        family = await client.get(f"/v1/households/{case['household_id']}?include=cases")
        assert [each["number"] for each in family.json()["cases"]] == [case["number"]]
        listed = await client.get(f"/v1/households/{case['household_id']}/cases")
        assert [each["number"] for each in listed.json()["items"]] == [case["number"]]
        stranger = await api.as_(OFFICER, area=OTHER_VILLAGE).get(f"/v1/households/{case['household_id']}/cases")
        assert problem(stranger) == (404, "not_found")


class TestMoveNeed:
    """What referrals ask of a case, inside their own act."""

    async def move(self, api: Api, need_id: UUID, *steps: tuple[NeedStatus, UUID | None]) -> None:
        async with transaction(api, "partner", organization=uuid4()) as tx:
            for status, referral_id in steps:
                async with tx.effect(3326):
                    await move_need(tx, need_id, status, referral_id=referral_id, event=f"need_{status.lower()}")
            with pytest.raises(errors.NotFound):
                await tx.get(Case, UUID(int=0))

    async def test_it_moves_the_need_and_counts_on_the_case(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await in_service(api)
        need_id, referral_id = UUID(case["needs"][0]["id"]), new_id(Kind.REFERRAL, 3326)
        await self.move(api, need_id, (NeedStatus.REFERRED, referral_id))
        shown = (await api.as_(OFFICER).get(f"/v1/cases/{case['id']}")).json()
        assert (shown["open_needs"], shown["referred_needs"], shown["version"]) == (2, 1, case["version"] + 1)
        assert (shown["needs"][0]["status"], shown["needs"][0]["referral_id"]) == ("REFERRED", str(referral_id))
        early = await post(api.as_(OFFICER), shown, "transitions", action="WITHDRAW", reason=REASON)
        assert problem(early) == (409, "referrals_open")
        ended = await post(
            api.as_(OFFICER), shown, "need-transitions", need_id=str(need_id), action="FAIL", reason=REASON
        )
        assert problem(ended) == (409, "transition_not_allowed")

        again = new_id(Kind.REFERRAL, 3326)
        await self.move(api, need_id, (NeedStatus.OPEN, None), (NeedStatus.REFERRED, again), (NeedStatus.MET, again))
        shown = (await api.as_(OFFICER).get(f"/v1/cases/{case['id']}")).json()
        assert (shown["open_needs"], shown["referred_needs"], shown["needs"][0]["status"]) == (1, 0, "MET")
        sequences = await owner.fetch(
            "SELECT sequence, role FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(case["id"])
        )
        assert [row["sequence"] for row in sequences] == list(range(1, shown["version"] + 1))
        assert sequences[-1]["role"] == "partner"
        with pytest.raises(errors.Conflict, match="need_not_open"):
            await self.move(api, need_id, (NeedStatus.OPEN, None))

    async def test_a_case_not_in_service_refers_nothing(self, api: Api) -> None:
        case = await recommended(api)
        with pytest.raises(errors.Conflict, match="case_not_in_service"):
            await self.move(api, UUID(case["needs"][0]["id"]), (NeedStatus.REFERRED, new_id(Kind.REFERRAL, 3326)))


class TestEventChain:
    async def test_events_equal_changes_for_every_case(self, owner: asyncpg.Connection) -> None:
        wrong = await owner.fetch(
            "SELECT c.id FROM cases c JOIN events e ON e.regency = c.regency AND e.aggregate_id = c.id"
            " GROUP BY c.id, c.version HAVING count(*) <> c.version OR max(e.sequence) <> c.version"
        )
        assert wrong == []
        assert await owner.fetchval("SELECT count(*) FROM cases WHERE status = $1", CaseStatus.MERGED.value) > 0

    async def test_counts_equal_the_needs(self, owner: asyncpg.Connection) -> None:
        wrong = await owner.fetch(
            "SELECT c.id FROM cases c LEFT JOIN needs n ON n.regency = c.regency AND n.case_id = c.id"
            " GROUP BY c.id, c.need_count, c.open_needs, c.referred_needs"
            " HAVING (count(n.id), count(n.id) FILTER (WHERE n.status IN ('OPEN', 'DIRECT_SERVICE', 'REFERRED')),"
            " count(n.id) FILTER (WHERE n.status = 'REFERRED')) <> (c.need_count, c.open_needs, c.referred_needs)"
        )
        assert wrong == []
