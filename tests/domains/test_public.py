"""Complaints without a token: filed by anybody, followed by receipt and secret."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from tests.api import VILLAGE, Api, household_body
from tests.domains.test_complaints import act, complaint_body, filed

from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_number, new_secret, parse_number


def public_body(**changes: Any) -> dict[str, Any]:
    body = {"confidentiality": "OPEN", **changes}
    return {name: value for name, value in complaint_body(**body).items() if name != "channel"}


async def file(api: Api, *, key: str | None = None, **changes: Any) -> httpx.Response:
    headers = {"idempotency-key": key or str(uuid4())}
    return await api.anonymous.post("/v1/public/complaints", json=public_body(**changes), headers=headers)


async def track(api: Api, receipt: str, secret: str) -> httpx.Response:
    return await api.anonymous.get(f"/v1/public/complaints/{receipt}", headers={"authorization": f"Receipt {secret}"})


class TestFile:
    @pytest.mark.parametrize(
        ("key", "code"),
        [
            (None, "idempotency_key_required"),
            ("1", "idempotency_key_invalid"),
            ("a" * 36, "idempotency_key_invalid"),
            ("not a key", "idempotency_key_invalid"),
        ],
    )
    async def test_a_key_that_stands_alone_is_required(self, api: Api, key: str | None, code: str) -> None:
        headers = {"idempotency-key": key} if key else {}
        answer = await api.anonymous.post("/v1/public/complaints", json=public_body(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"area_code": "33.26.01"}, "/area_code", "area_unknown"),
            ({"area_code": "00.00.01.2001"}, "/area_code", "area_unknown"),
            ({"confidentiality": "SEALED"}, "/confidentiality", "sealed_intake_unavailable"),
            ({"confidentiality": "ANONYMOUS"}, "/reporter_name", "anonymous_has_no_reporter"),
            ({"program_code": "NONE"}, "/program_code", "reference_not_found"),
            ({"household_id": str(new_id(Kind.HOUSEHOLD, 3326))}, "/household_id", "unknown_member"),
            ({"captured_at": "2026-11-01T00:00:00Z"}, "/captured_at", "unknown_member"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await file(api, **change)
        assert answer.status_code == 422, answer.text
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    async def test_it_shows_receipt_and_secret_and_nothing_personal(self, api: Api) -> None:
        answer = await file(api)
        complaint = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/v1/public/complaints/{complaint['receipt']}"
        assert answer.headers["cache-control"] == "private, no-store"
        assert set(complaint) == {
            *("receipt", "status", "nature", "category", "program_code", "received_at", "timeline", "clocks"),
            *(
                "resolution",
                "service_realized",
                "receipt_secret",
                "allowed_actions",
                "channels",
                "outcome",
                "referred_to",
            ),
            *("reference_number", "objection_until", "reopen_until", "satisfaction", "messages"),
        }
        assert "Siti" not in answer.text
        assert len(complaint["clocks"]) == 6

    async def test_staff_of_the_village_find_it(self, api: Api) -> None:
        receipt = (await file(api, nature="ASPIRATION")).json()["receipt"]
        listed = (await api.as_("puskesos_officer").get("/v1/complaints?nature=ASPIRATION&limit=200")).json()["items"]
        found = next(each for each in listed if each["receipt"] == receipt)
        assert (found["channel"], found["reporter_name"]) == ("WEB", "Siti Aminah")
        stranger = api.as_("facilitator", area="33.26.01.2002")
        assert (await stranger.get(f"/v1/complaints/{found['id']}")).status_code == 404

    async def test_a_repeat_gets_the_same_bytes_and_other_content_is_refused(self, api: Api) -> None:
        key = str(uuid4())
        first, second = await file(api, key=key), await file(api, key=key)
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert first.headers["location"] == second.headers["location"]
        assert second.headers["idempotency-replayed"] == "true"
        for change in ({"summary": "Another."}, {"area_code": "91.71.03.1014"}):
            other = await file(api, key=key, **change)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    async def test_equal_requests_at_once_are_one_complaint(self, api: Api, owner: asyncpg.Connection) -> None:
        key, summary = str(uuid4()), f"At once {uuid4()}"
        answers = await asyncio.gather(*(file(api, key=key, summary=summary) for _ in range(4)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert await owner.fetchval("SELECT count(*) FROM complaints WHERE summary = $1", summary) == 1

    async def test_the_receipt_does_not_show_which_key_made_it(self, api: Api) -> None:
        one, other = (await file(api)).json()["receipt"], (await file(api)).json()["receipt"]
        assert one != other


class TestTrack:
    async def test_a_wrong_secret_and_an_unknown_receipt_answer_alike(self, api: Api) -> None:
        complaint = await filed(api)
        answers = [
            await track(api, complaint["receipt"], new_secret()),
            await track(api, complaint["receipt"], "short"),
            await track(api, new_number("KEL", 3326), complaint["receipt_secret"]),
            await track(api, new_number("KEL", 9999), new_secret()),
            await track(api, new_number("KSS", 3326), new_secret()),
            await track(api, "KEL-3326", new_secret()),
        ]
        told = {
            (answer.status_code, answer.content.replace(answer.json()["trace_id"].encode(), b"")) for answer in answers
        }
        assert len(told) == 1
        assert answers[0].status_code == 404
        headers = [
            {name: value for name, value in answer.headers.items() if not name.startswith("ratelimit")}
            for answer in answers
        ]
        assert all(each == headers[0] for each in headers)

    async def test_without_a_secret_it_is_401(self, api: Api) -> None:
        receipt = (await filed(api))["receipt"]
        answer = await api.anonymous.get(f"/v1/public/complaints/{receipt}")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
        answer = await api.anonymous.get(
            f"/v1/public/complaints/{receipt}", headers={"authorization": "Bearer abc.def.ghi"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")

    async def test_receipt_and_secret_are_read_in_any_spelling(self, api: Api) -> None:
        complaint = await filed(api)
        receipt = complaint["receipt"].lower().replace("0", "o").replace("1", "l")
        secret = complaint["receipt_secret"].lower().replace("-", " ").replace("0", "O").replace("1", "i")
        answer = await track(api, receipt, secret)
        assert (answer.status_code, answer.json()["receipt"]) == (200, complaint["receipt"])

    async def test_process_and_outcome_and_nothing_personal(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        complaint = await filed(api, confidentiality="OPEN")
        secret = complaint["receipt_secret"]
        complaint = await act(officer, complaint, "START")
        complaint = await act(officer, complaint, "RESOLVE", resolution="Proposed for PKH.", service_realized=True)
        answer = await track(api, complaint["receipt"], secret)
        seen = answer.json()
        assert [step["type"] for step in seen["timeline"]] == [
            "complaint.filed",
            "complaint.started",
            "complaint.resolved",
        ]
        assert seen["timeline"][0]["at"] == seen["received_at"] == complaint["received_at"]
        assert seen["timeline"][-1]["at"] == complaint["resolved_at"]
        assert (seen["status"], seen["resolution"], seen["service_realized"]) == ("RESOLVED", "Proposed for PKH.", True)
        assert seen["case"] is None
        shown = {name: value for name, value in complaint["clocks"][0].items() if name in seen["clocks"][0]}
        assert seen["clocks"][0] == shown
        for hidden in ("Siti", "628120000000", complaint["id"], VILLAGE, "puskesos"):
            assert hidden not in answer.text

    async def test_instants_of_a_confidential_complaint_tell_the_day_only(self, api: Api) -> None:
        complaint = await filed(api)
        seen = (await track(api, complaint["receipt"], complaint["receipt_secret"])).json()
        received = datetime.fromisoformat(complaint["received_at"])
        midnight = received.replace(hour=0, minute=0, second=0, microsecond=0)
        assert datetime.fromisoformat(seen["received_at"]) == midnight
        assert datetime.fromisoformat(seen["timeline"][0]["at"]) == midnight
        for shown, true in zip(seen["clocks"], complaint["clocks"], strict=True):
            due, exact = datetime.fromisoformat(shown["due_at"]), datetime.fromisoformat(true["due_at"])
            assert due.time() == midnight.time()
            assert timedelta(0) <= due - exact < timedelta(days=1)

    async def test_the_case_that_came_of_it_shows_its_process(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        complaint = await filed(api, household_id=household["id"])
        body = {"household_id": household["id"], "complaint_id": complaint["id"]}
        opened = await officer.post("/v1/cases", json=body)
        assert opened.status_code == 201, opened.text
        verified = await officer.post(
            f"{opened.headers['location']}/transitions", json={"action": "VERIFY"}, headers={"if-match": '"1"'}
        )
        assert verified.status_code == 200, verified.text
        answer = await track(api, complaint["receipt"], complaint["receipt_secret"])
        seen = answer.json()
        midnight = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.000000Z")
        assert seen["case"]["status"] == "VERIFICATION"
        assert seen["case"]["timeline"][0]["type"] == "case.opened"
        assert {step["at"] for step in seen["case"]["timeline"]} == {midnight}
        assert [step["type"] for step in seen["timeline"]] == ["complaint.filed", "complaint.case_opened"]
        for hidden in (opened.json()["id"], opened.json()["number"], household["id"]):
            assert hidden not in answer.text

    async def test_ten_wrong_secrets_close_the_receipt_known_or_not(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint = await filed(api)
        for receipt in (complaint["receipt"], new_number("KEL", 3326)):
            for _ in range(10):
                assert (await track(api, receipt, new_secret())).status_code == 404
            closed = await track(api, receipt, complaint["receipt_secret"])
            assert (closed.status_code, closed.json()["code"]) == (429, "receipt_closed")
            assert 0 < int(closed.headers["retry-after"]) <= 3600
            number = parse_number("KEL", receipt)
            assert number is not None
            await owner.execute(
                "UPDATE tracking_failures SET hour = hour - interval '1 hour' WHERE receipt = $1", number.value
            )
        assert (await track(api, complaint["receipt"], complaint["receipt_secret"])).status_code == 200

    async def test_guesses_at_once_are_counted_one_by_one(self, api: Api) -> None:
        receipt = new_number("KEL", 3326)
        answers = [
            answer
            for _ in range(6)
            for answer in await asyncio.gather(*(track(api, receipt, new_secret()) for _ in range(4)))
        ]
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(404), statuses.count(429)) == (10, 14)
