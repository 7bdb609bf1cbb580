"""What the people of a case ask for after its end, or where a service never came, is taken down, and an officer decides."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.api import Api
from tests.domains.test_confirmations import begun, confirm
from tests.domains.test_public import file, track
from tests.domains.test_referrals import EVIDENCE, OFFICER, act, code, fault, made, partner, version

from slrt_api.kernel.numbers import new_number, new_secret

WORDS = "Bantuan modal tidak pernah datang kepada kami"
CASE = "query ($id: ID!) { case(id: $id) { reopeningAskedAt reopeningText allowedActions needs { allowedActions } } }"


async def ask(api: Api, complaint: dict[str, Any], secret: str | None = None, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Receipt {secret or complaint['receipt_secret']}"}
    path = f"/v1/public/complaints/{complaint['receipt']}/reopening-requests"
    return await api.anonymous.post(path, json={"text": WORDS, **body}, headers=headers)


async def told(api: Api, complaint: dict[str, Any]) -> Any:
    return (await made(await track(api, complaint["receipt"], complaint["receipt_secret"]), 200))["case"]["reopening"]


async def case_of(api: Api, referral: dict[str, Any], role: str = OFFICER) -> Any:
    return await made(await api.as_(role).get(f"/v1/cases/{referral['case_id']}"), 200)


async def decide(api: Api, case: dict[str, Any], part: str, role: str = OFFICER, **body: Any) -> httpx.Response:
    headers = {"if-match": version(case)}
    return await api.as_(role).post(f"/v1/cases/{case['id']}/{part}", json=body, headers=headers)


async def realized(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """A complaint, and the referral of its case that was reported as realized."""
    complaint, referral, lks = await begun(api)
    accepted = await made(await act(partner(api, lks), referral, "ACCEPT"), 200)
    assert (await act(partner(api, lks), accepted, "REALIZE", evidence=EVIDENCE)).status_code == 204
    return complaint, referral


async def ended(api: Api, owner: asyncpg.Connection) -> tuple[dict[str, Any], dict[str, Any]]:
    complaint, referral = await realized(api)
    await owner.execute("UPDATE cases SET open_tasks = 0 WHERE id = $1", UUID(referral["case_id"]))
    await owner.execute("UPDATE case_tasks SET status = 'DONE' WHERE case_id = $1", UUID(referral["case_id"]))
    case = await case_of(api, referral)
    assert (await decide(api, case, "transitions", action="WITHDRAW", reason="Keluarga mundur")).status_code == 200
    return complaint, referral


class TestAsking:
    async def test_while_nothing_is_amiss_there_is_nothing_to_reopen(self, api: Api) -> None:
        complaint, referral, _ = await begun(api)
        other = (await file(api)).json()
        assert code(await ask(api, other)) == (409, "nothing_to_reopen")
        assert code(await ask(api, complaint)) == (409, "nothing_to_reopen")
        assert code(await ask(api, complaint, referral_number=referral["number"])) == (409, "nothing_to_reopen")
        assert code(await ask(api, complaint, new_secret())) == (404, "not_found")
        assert fault(await ask(api, complaint, text=""))[:2] == (422, "/text")
        assert await told(api, complaint) is None

    async def test_what_was_confirmed_has_come(self, api: Api) -> None:
        complaint, referral = await realized(api)
        await made(await confirm(api, complaint, referral["number"]), 200)
        assert code(await ask(api, complaint, referral_number=referral["number"])) == (409, "nothing_to_reopen")

    async def test_a_service_that_never_came_has_its_need_opened_by_an_officer(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        complaint, referral = await realized(api)
        unknown = await ask(api, complaint, referral_number=new_number("RJK", 3326))
        assert fault(unknown) == (422, "/referral_number", "reference_not_found")
        before = await case_of(api, referral)
        assert before["needs"][0]["allowed_actions"] == []
        body = {"need_id": before["needs"][0]["id"], "action": "REOPEN", "reason": "Ditanyakan kembali"}
        assert code(await decide(api, before, "need-transitions", **body)) == (409, "reopening_not_asked")
        assert code(await decide(api, before, "reopening-refusals", reason="Sudah")) == (409, "reopening_not_asked")

        await made(await ask(api, complaint, referral_number=referral["number"].lower()), 200)
        assert await told(api, complaint) == {"outcome": "ASKED", "answer": None}
        assert code(await ask(api, complaint, referral_number=referral["number"])) == (409, "reopening_asked")
        case = await case_of(api, referral)
        assert (case["status"], case["needs"][0]["status"]) == (before["status"], "MET")
        assert (case["reopening_text"], case["reopening_referral_id"]) == (WORDS, referral["id"])
        assert case["needs"][0]["allowed_actions"] == ["REOPEN"]
        asked = await api.as_(OFFICER).post("/graphql", json={"query": CASE, "variables": {"id": case["id"]}})
        shown = asked.json()["data"]["case"]
        assert (shown["reopeningText"], shown["needs"]) == (WORDS, [{"allowedActions": ["REOPEN"]}])
        [listed] = (await api.as_(OFFICER).get("/v1/cases?reopening_asked=true")).json()["items"]
        # What people say stands in no list.
        assert (listed["id"], "reopening_text" in listed) == (case["id"], False)
        assert "reopening_text" not in await case_of(api, referral, "auditor")
        found = await owner.fetchval(
            "SELECT count(*) FROM revisions WHERE position(convert_to($1, 'UTF8') IN values::text::bytea) > 0", WORDS
        )
        assert found == 0

        case = await made(await decide(api, case, "need-transitions", **body), 200)
        assert (case["needs"][0]["status"], case["open_needs"], case["reopening_asked_at"]) == ("OPEN", 1, None)
        assert await told(api, complaint) == {"outcome": "GRANTED", "answer": None}
        body = {"case_id": case["id"], "need_id": case["needs"][0]["id"]}
        assert (await api.as_(OFFICER).post("/v1/referrals", json=body)).status_code == 201

    async def test_a_refusal_says_why_and_the_next_question_is_taken(self, api: Api) -> None:
        complaint, referral = await realized(api)
        await made(await ask(api, complaint, referral_number=referral["number"]), 200)
        case = await case_of(api, referral)
        assert code(await decide(api, case, "reopening-refusals", "auditor", reason="Sudah diterima"))[0] == 403
        case = await made(await decide(api, case, "reopening-refusals", reason="Sudah diterima 2 November"), 200)
        assert case["needs"][0]["allowed_actions"] == []
        assert await told(api, complaint) == {"outcome": "REFUSED", "answer": "Sudah diterima 2 November"}
        await made(await ask(api, complaint, referral_number=referral["number"]), 200)
        assert await told(api, complaint) == {"outcome": "ASKED", "answer": None}


class TestOfAnEndedCase:
    async def test_after_the_window_it_is_too_late(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint, referral = await ended(api, owner)
        await owner.execute("UPDATE cases SET reopen_until = now() WHERE id = $1", UUID(referral["case_id"]))
        assert code(await ask(api, complaint)) == (409, "reopen_window_over")

    async def test_what_was_asked_in_time_is_granted_by_an_officer_after_it(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        complaint, referral = await ended(api, owner)
        await made(await ask(api, complaint), 200)
        case = await case_of(api, referral)
        assert case["status"] == "WITHDRAWN"
        await owner.execute("UPDATE cases SET reopen_until = now() WHERE id = $1", UUID(case["id"]))
        case = await case_of(api, referral)
        assert case["allowed_actions"] == ["REOPEN"]
        number = case["number"]
        case = await made(await decide(api, case, "transitions", action="REOPEN", reason="Atas permintaan"), 200)
        assert (case["status"], case["number"], case["reopening_asked_at"]) == ("REOPENED", number, None)
        assert await told(api, complaint) == {"outcome": "GRANTED", "answer": None}
        history = (await api.as_(OFFICER).get(f"/v1/cases/{case['id']}/history")).json()["items"]
        assert [(each["type"], each["role"]) for each in history[-2:]] == [
            ("case.reopening_asked", "public"),
            ("case.reopened", OFFICER),
        ]
