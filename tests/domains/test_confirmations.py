"""What was received is confirmed by the receipt of the complaint with which it began, and by no other."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.api import Api, household_body
from tests.domains.test_complaints import filed
from tests.domains.test_public import file, track
from tests.domains.test_referrals import EVIDENCE, JOB, OFFICER, act, code, fault, made, organization, partner, version

from slrt_api.kernel.numbers import new_number, new_secret, parse_number


async def confirm(api: Api, complaint: dict[str, Any], number: str, secret: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Receipt {secret or complaint['receipt_secret']}"}
    path = f"/v1/public/complaints/{complaint['receipt']}/confirmations"
    return await api.anonymous.post(path, json={"referral_number": number}, headers=headers)


async def begun(api: Api) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A complaint, the referral of the case that was opened from it, as it was sent, and its receiver."""
    officer, lks, complaint = api.as_(OFFICER), await organization(api, JOB[1]), await filed(api)
    family = await made(await api.as_("facilitator").post("/v1/households", json=household_body()))
    asked = {"household_id": family["id"], "complaint_id": complaint["id"]}
    case = await made(await officer.post("/v1/cases", json=asked))
    need = {"person_id": family["members"][0]["person_id"], "domain": JOB[0], "need": JOB[1]}
    for part, step in (("transitions", {"action": "MARK_EMERGENCY", "reason": "Darurat"}), ("needs", need)):
        headers = {"if-match": version(case)}
        case = await made(await officer.post(f"/v1/cases/{case['id']}/{part}", json=step, headers=headers), 200)
    asked = {"case_id": case["id"], "need_id": case["needs"][0]["id"]}
    draft = await made(await officer.post("/v1/referrals", json=asked))
    assert await shown(api, complaint) == []
    refused = await confirm(api, complaint, draft["number"])
    assert fault(refused) == (422, "/referral_number", "reference_not_found")
    return complaint, await made(await act(officer, draft, "SEND", organization_id=lks["id"]), 200), lks


async def shown(api: Api, complaint: dict[str, Any]) -> Any:
    answer = await track(api, complaint["receipt"], complaint["receipt_secret"])
    return (await made(answer, 200))["case"]["referrals"]


async def test_what_was_realized_is_confirmed_once(api: Api, owner: asyncpg.Connection) -> None:
    complaint, referral, lks = await begun(api)
    number, client = referral["number"], partner(api, lks)
    assert await shown(api, complaint) == [{"number": number, "status": "SENT", "confirmed": False}]
    assert code(await confirm(api, complaint, number)) == (409, "transition_not_allowed")
    accepted = await made(await act(client, referral, "ACCEPT"), 200)
    assert (await act(client, accepted, "REALIZE", evidence=EVIDENCE)).status_code == 204

    # Neither the secret of another nor the receipt of another helps, and what is not shown is not there.
    other = (await file(api)).json()
    assert code(await confirm(api, complaint, number, new_secret())) == (404, "not_found")
    assert code(await confirm(api, complaint, number, other["receipt_secret"])) == (404, "not_found")
    for asked, named in ((other, number), (complaint, new_number("RJK", 3326)), (complaint, complaint["receipt"])):
        assert fault(await confirm(api, asked, named)) == (422, "/referral_number", "reference_not_found")

    told = await made(await confirm(api, complaint, number.lower()), 200)
    assert told["case"]["referrals"] == [{"number": number, "status": "REALIZED", "confirmed": True}]
    assert code(await confirm(api, complaint, number)) == (409, "receipt_already_confirmed")
    officer = api.as_(OFFICER)
    seen = await made(await officer.get(f"/v1/referrals/{referral['id']}"), 200)
    assert (seen["receipt_confirmed_at"] is None, seen["allowed_actions"]) == (False, [])
    last = (await officer.get(f"/v1/referrals/{referral['id']}/history")).json()["items"][-1]
    assert (last["type"], last["role"]) == ("referral.receipt_confirmed", "public")
    assert code(await act(officer, seen, "CONFIRM_RECEIPT")) == (409, "receipt_already_confirmed")


async def test_wrong_secrets_count_as_for_tracking(api: Api) -> None:
    complaint, referral, _ = await begun(api)
    answers = [code(await confirm(api, complaint, referral["number"], new_secret())) for _ in range(11)]
    assert answers == [(404, "not_found")] * 10 + [(429, "receipt_closed")]
    assert (await track(api, complaint["receipt"], complaint["receipt_secret"])).status_code == 429


async def test_who_joined_a_case_or_reports_under_seal_sees_nothing_of_referrals(
    api: Api, owner: asyncpg.Connection
) -> None:
    complaint, referral, _ = await begun(api)
    joined = await filed(api)
    await owner.execute(
        "UPDATE complaints SET case_id = $2 WHERE id = $1", UUID(joined["id"]), UUID(referral["case_id"])
    )
    assert await shown(api, joined) == []
    assert fault(await confirm(api, joined, referral["number"]))[2] == "reference_not_found"
    assert len(await shown(api, complaint)) == 1
    # As if the case had been opened from a report under seal.
    sealed = (await file(api, confidentiality="SEALED")).json()
    number = parse_number("KEL", sealed["receipt"])
    assert number is not None
    await owner.execute(
        "UPDATE cases SET complaint_id = (SELECT id FROM complaints WHERE regency = $2 AND receipt = $3 AND sealed)"
        " WHERE id = $1",
        *(UUID(referral["case_id"]), number.tenant, number.value),
    )
    assert await shown(api, complaint) == []
    told = await made(await track(api, sealed["receipt"], sealed["receipt_secret"]), 200)
    assert told["case"] is None
    assert fault(await confirm(api, sealed, referral["number"]))[2] == "reference_not_found"
