"""Referrals over HTTP, on a real database: who sees what, places in a month, the package, and the way back."""

import asyncio
import dataclasses
import hashlib
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.api import Api, household_body

from slrt_api.clocks.calendars import national_calendar
from slrt_api.referrals import service
from slrt_api.rest.service import Service
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, system

OFFICER = "puskesos_officer"
NOTE = "Perlu pendamping yang sabar"
EVIDENCE = "Mulai bekerja di koperasi, surat ketua terlampir"
_CODES = count(1)


async def made(answer: httpx.Response, status: int = 201) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def in_service(api: Api, *needs: tuple[str, str]) -> dict[str, Any]:
    """A case in service with these needs (domain, service), all of the head of the family."""
    officer = api.as_(OFFICER)
    family = await made(await api.as_("facilitator").post("/v1/households", json=household_body()))
    case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
    path = f"/v1/cases/{case['id']}"

    async def post(part: str, body: dict[str, Any]) -> dict[str, Any]:
        return await made(await officer.post(f"{path}/{part}", json=body, headers={"if-match": version(case)}), 200)

    case = await post("transitions", {"action": "MARK_EMERGENCY", "reason": "Tidak ada makanan"})
    assert case["status"] == "IN_SERVICE"
    for domain, need in needs:
        body = {"person_id": family["members"][0]["person_id"], "domain": domain, "need": need, "note": NOTE}
        case = await post("needs", body)
    return case


async def organization(api: Api, *services: str, capacity: int | None = None, **changes: Any) -> dict[str, Any]:
    """An LKS that serves district 33.26.01, with places this month where `capacity` says so."""
    administrator = api.as_("administrator")
    body = {
        "code": f"LKS-REFERRAL-{next(_CODES)}",
        "name": "LKS Contoh",
        "kind": "LKS",
        "area_code": "33.26",
        "sk_number": "460/1/CONTOH/2024",
        "sk_date": "2024-02-12",
        "services": list(services),
        "areas": ["33.26.01"],
        **changes,
    }
    registered = await made(await administrator.post("/v1/organizations", json=body))
    if capacity is not None:
        line = {"area_code": "33.26", "service": services[0], "period": this_month(), "capacity": capacity}
        await made(await administrator.post(f"/v1/organizations/{registered['id']}/capacity", json=line), 200)
    return registered


def this_month() -> str:
    return datetime.now(ZoneInfo("Asia/Jakarta")).strftime("%Y-%m")


def version(row: dict[str, Any]) -> str:
    return f'"{row["version"]}"'


def partner(api: Api, organization: dict[str, Any]) -> httpx.AsyncClient:
    return api.as_("partner", organization=organization["id"])


async def act(client: httpx.AsyncClient, referral: dict[str, Any], action: str, **members: Any) -> httpx.Response:
    return await client.post(
        f"/v1/referrals/{referral['id']}/transitions",
        json={"action": action, **members},
        headers={"if-match": version(referral)},
    )


async def draft(api: Api, case: dict[str, Any], position: int = 0, **members: Any) -> httpx.Response:
    body = {"case_id": case["id"], "need_id": case["needs"][position]["id"], **members}
    return await api.as_(OFFICER).post("/v1/referrals", json=body)


async def sent(api: Api, receiver: dict[str, Any], service: tuple[str, str]) -> dict[str, Any]:
    """A referral of a new case's need, sent to `receiver`."""
    case = await in_service(api, service)
    drafted = await made(await draft(api, case))
    return await made(await act(api.as_(OFFICER), drafted, "SEND", organization_id=receiver["id"]), 200)


async def need_of(api: Api, referral: dict[str, Any]) -> dict[str, Any]:
    case = (await api.as_(OFFICER).get(f"/v1/cases/{referral['case_id']}")).json()
    found: dict[str, Any] = next(need for need in case["needs"] if need["id"] == referral["need_id"])
    return found


async def used(owner: asyncpg.Connection, organization: dict[str, Any]) -> int:
    found: int = await owner.fetchval(
        "SELECT used FROM service_capacity WHERE organization_id = $1", organization["id"]
    )
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def fault(answer: httpx.Response) -> tuple[int, str, str]:
    first = answer.json()["errors"][0]
    return answer.status_code, first["pointer"], first["code"]


JOB = ("ECONOMIC_EMPOWERMENT", "JOB_PLACEMENT")


class TestDraft:
    async def test_only_the_sending_officers_may(self, api: Api) -> None:
        case = await in_service(api, JOB)
        body = {"case_id": case["id"], "need_id": case["needs"][0]["id"]}
        assert code(await api.as_("facilitator").post("/v1/referrals", json=body)) == (403, "role_not_allowed")
        lks = await organization(api, JOB[1])
        assert code(await partner(api, lks).post("/v1/referrals", json=body)) == (403, "scope_missing")

    async def test_what_it_names_must_be_there(self, api: Api) -> None:
        case, other = await in_service(api, JOB), await in_service(api, JOB)
        body = {"case_id": case["id"], "need_id": case["needs"][0]["id"]}
        stranger = api.as_(OFFICER, area="33.26.01.2002")
        assert fault(await stranger.post("/v1/referrals", json=body)) == (422, "/case_id", "reference_not_found")
        officer = api.as_(OFFICER)
        for change, pointer, expected in (
            ({"need_id": other["needs"][0]["id"]}, "/need_id", "reference_not_found"),
            ({"organization_id": case["id"]}, "/organization_id", "reference_not_found"),
            ({"program_code": "NONE"}, "/program_code", "reference_not_found"),
            ({"service": "MAGIC"}, "/service", "unknown_code"),
            ({"routing": "MANUAL"}, "/routing", "unknown_code"),
        ):
            assert fault(await officer.post("/v1/referrals", json=body | change)) == (422, pointer, expected)

    async def test_a_case_not_in_service_has_no_referrals(self, api: Api) -> None:
        family = await made(await api.as_("facilitator").post("/v1/households", json=household_body()))
        officer = api.as_(OFFICER)
        case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
        path = f"/v1/cases/{case['id']}"
        for action in ("VERIFY", "ASSESS"):
            headers = {"if-match": version(case)}
            case = await made(await officer.post(f"{path}/transitions", json={"action": action}, headers=headers), 200)
        need = {"person_id": family["members"][0]["person_id"], "domain": JOB[0], "need": JOB[1]}
        case = await made(await officer.post(f"{path}/needs", json=need, headers={"if-match": version(case)}), 200)
        assert code(await draft(api, case)) == (409, "case_not_in_service")

    async def test_its_receiver_sees_nothing_of_it(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        drafted = await made(await draft(api, await in_service(api, JOB), organization_id=lks["id"]))
        assert (drafted["status"], drafted["package"], drafted["organization_id"]) == ("DRAFT", None, None)
        assert drafted["proposed_organization_id"] == lks["id"]
        assert drafted["allowed_actions"] == ["SEND", "REVOKE"]
        assert (await partner(api, lks).get(f"/v1/referrals/{drafted['id']}")).status_code == 404
        assert (await partner(api, lks).get("/v1/referrals")).json()["items"] == []
        now_sent = await made(await act(api.as_(OFFICER), drafted, "SEND"), 200)
        assert now_sent["organization_id"] == lks["id"]

    async def test_a_revoked_draft_leaves_the_need_open(self, api: Api) -> None:
        drafted = await made(await draft(api, await in_service(api, JOB)))
        officer = api.as_(OFFICER)
        assert fault(await act(officer, drafted, "SEND")) == (422, "/organization_id", "receiver_required")
        assert fault(await act(officer, drafted, "REVOKE")) == (422, "/reason", "reason_required")
        revoked = await made(await act(officer, drafted, "REVOKE", reason="Salah pilih"), 200)
        assert (revoked["status"], revoked["allowed_actions"]) == ("REVOKED", [])
        assert (await need_of(api, revoked))["status"] == "OPEN"


class TestRouting:
    async def test_sends_at_once_to_the_best_candidate_and_tells_why(self, api: Api) -> None:
        need = ("ECONOMIC_EMPOWERMENT", "BUSINESS_MENTORING")
        await organization(api, need[1], capacity=2)
        best = await organization(api, need[1], capacity=3)
        await organization(api, need[1], areas=["33.26.02"])
        await organization(api, need[1], kind="PUSKESOS")
        case = await in_service(api, need, need)
        drafted = await made(await draft(api, case))
        listed = (await api.as_(OFFICER).get(f"/v1/referrals/{drafted['id']}/candidates")).json()["items"]
        mine = [item for item in listed if item["route"][1]["outcome"]]
        assert [(item["takes"], item["route"][3]["available"]) for item in mine] == [
            (True, 3),
            (True, 2),
            (False, None),
            (False, None),
        ]
        assert mine[0]["organization_id"] == best["id"]
        routed = await made(await draft(api, case, 1, routing="AUTO"))
        assert (routed["status"], routed["organization_id"], routed["version"]) == ("SENT", best["id"], 2)
        assert routed["route"] == [
            {"rule": "serves_area", "outcome": True},
            {"rule": "offers_service", "outcome": True},
            {"rule": "receives_referrals", "outcome": True},
            {"rule": "capacity", "outcome": True, "available": 3},
            {"rule": "consent", "outcome": True},
            {"rule": "not_asked_before", "outcome": True},
            {"rule": "open_offers", "outcome": True, "count": 0},
            {"rule": "answers", "outcome": True, "count": 0},
            {"rule": "places", "outcome": True, "value": 1000, "weight": 2},
            {"rule": "response", "outcome": True, "value": 500, "weight": 3},
            {"rule": "acceptance", "outcome": True, "value": 500, "weight": 2},
            {"rule": "turn", "outcome": True, "value": 1000, "weight": 3},
            {"rule": "least_share", "outcome": True, "value": 1000, "count": None},
            {"rule": "first", "outcome": True},
        ]

    async def test_candidates_are_for_the_sending_side(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        path = f"/v1/referrals/{referral['id']}/candidates"
        assert (await partner(api, lks).get(path)).status_code == 403
        assert (await api.as_(OFFICER, area="33.26.01.2002").get(path)).status_code == 404

    async def test_without_a_receiver_the_draft_stays(self, api: Api) -> None:
        case = await in_service(api, ("ECONOMIC_EMPOWERMENT", "FARM_INPUTS"))
        answer = await draft(api, case, routing="AUTO")
        assert code(answer) == (409, "no_receiver")
        left = await made(await api.as_(OFFICER).get(answer.headers["location"]), 200)
        assert (left["status"], left["version"], left["need_id"]) == ("DRAFT", 1, case["needs"][0]["id"])
        assert code(await act(api.as_(OFFICER), left, "SEND", routing="AUTO")) == (409, "no_receiver")
        again = await draft(api, case, routing="AUTO")
        assert again.headers["location"] == answer.headers["location"]
        await organization(api, "FARM_INPUTS")
        routed = await made(await draft(api, case, routing="AUTO"))
        assert (routed["id"], routed["status"], routed["version"]) == (left["id"], "SENT", 2)

    async def test_an_organization_that_cannot_take_it_is_refused(self, api: Api) -> None:
        drafted = await made(await draft(api, await in_service(api, JOB)))
        officer = api.as_(OFFICER)
        for receiver in (
            await organization(api, "LEGAL_AID"),
            await organization(api, JOB[1], areas=["33.26.02"]),
            await organization(api, JOB[1], kind="SECRETARIAT"),
        ):
            answer = await act(officer, drafted, "SEND", organization_id=receiver["id"])
            assert code(answer) == (409, "organization_cannot_take")
        full = await organization(api, JOB[1], capacity=0)
        assert code(await act(officer, drafted, "SEND", organization_id=full["id"])) == (409, "no_capacity")
        unknown = await act(officer, drafted, "SEND", organization_id=drafted["id"])
        assert fault(unknown) == (422, "/organization_id", "reference_not_found")

    @pytest.mark.slow
    async def test_places_are_never_given_twice(self, api: Api, owner: asyncpg.Connection) -> None:
        need = ("ECONOMIC_EMPOWERMENT", "BUSINESS_GROUP")
        lks = await organization(api, need[1], capacity=5)
        cases = [await in_service(api, *[need] * 4) for _ in range(5)]
        drafts = [await made(await draft(api, case, position)) for position in range(4) for case in cases]
        officer = api.as_(OFFICER)
        answers = await asyncio.gather(*(act(officer, each, "SEND", organization_id=lks["id"]) for each in drafts))
        outcomes = sorted("SENT" if answer.status_code == 200 else str(code(answer)) for answer in answers)
        assert outcomes == ["(409, 'no_capacity')"] * 15 + ["SENT"] * 5
        assert await used(owner, lks) == 5
        going = [answer.json() for answer in answers if answer.status_code == 200]
        client = partner(api, lks)
        declined = await asyncio.gather(*(act(client, each, "DECLINE", reason="Penuh") for each in going))
        assert {answer.status_code for answer in declined} == {204}
        assert await used(owner, lks) == 0
        assert await owner.fetchval("SELECT count(*) FROM needs WHERE status = 'REFERRED' AND need = $1", need[1]) == 0


class TestReceiver:
    async def test_sees_its_referrals_with_the_package_and_nothing_else(self, api: Api) -> None:
        lks, other = await organization(api, JOB[1]), await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        reader = api.as_(
            "partner",
            organization=lks["id"],
            scopes=frozenset({"referrals:read", "referrals:respond", "households:read", "cases:read"}),
        )
        seen = await made(await reader.get(f"/v1/referrals/{referral['id']}?include=organization"), 200)
        assert seen["package"] == {
            "name": "Siti Aminah",
            "birth_date": "1988-05-05",
            "sex": "F",
            "address": "Dusun III RT 02",
            "nik": None,
            "need_note": NOTE,
            "review_answer": None,
            "basis": "VITAL_INTEREST",
            "emptied_at": None,
        }
        assert seen["organization"]["id"] == lks["id"]
        assert seen["allowed_actions"] == ["RECEIVE", "REVIEW", "ACCEPT", "DECLINE", "WAITLIST", "REDIRECT"]
        listed = (await reader.get("/v1/referrals")).json()["items"]
        assert [item["id"] for item in listed] == [referral["id"]]
        case = (await api.as_(OFFICER).get(f"/v1/cases/{referral['case_id']}?include=referrals")).json()
        assert [item["id"] for item in case["referrals"]] == [referral["id"]]
        assert (await reader.get(f"/v1/cases/{case['id']}")).status_code == 404
        assert (await reader.get(f"/v1/households/{case['household_id']}")).status_code == 404
        stranger = partner(api, other)
        assert (await stranger.get(f"/v1/referrals/{referral['id']}")).status_code == 404
        assert (await stranger.get("/v1/referrals")).json()["items"] == []
        assert (await act(stranger, referral, "ACCEPT")).status_code == 404

    async def test_gets_the_district_of_the_nik_where_the_service_needs_it(self, api: Api) -> None:
        lks = await organization(api, "MEDICAL_TREATMENT")
        referral = await sent(api, lks, ("HEALTH", "MEDICAL_TREATMENT"))
        seen = (await partner(api, lks).get(f"/v1/referrals/{referral['id']}")).json()
        assert seen["package"]["nik"] == "990101**********"

    async def test_personal_values_are_not_stored_in_clear(self, api: Api, owner: asyncpg.Connection) -> None:
        referral = await sent(api, await organization(api, JOB[1]), JOB)
        row = await owner.fetchrow("SELECT * FROM referral_packages WHERE id = $1", referral["id"])
        assert row is not None
        for value in (b"Siti Aminah", b"1988-05-05", b"Dusun III RT 02", NOTE.encode()):
            assert all(value not in column for column in row.values() if isinstance(column, bytes))

    async def test_must_answer_within_five_working_days(self, api: Api) -> None:
        referral = await sent(api, await organization(api, JOB[1]), JOB)
        at = datetime.fromisoformat(referral["sent_at"])
        calendar = national_calendar("Asia/Jakarta")
        days = [calendar.local_day(at) + timedelta(days=number) for number in range(40)]
        # Day 0 is the working day on which counting starts; sent after closing, that is the next one.
        ahead = [windows[-1][1] for day in days if (windows := calendar.windows(day)) and at < windows[-1][1]]
        assert datetime.fromisoformat(referral["respond_by"]) == ahead[5]


class TestOutcome:
    async def test_realized_empties_the_package_and_meets_the_need(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1], capacity=1)
        referral = await sent(api, lks, JOB)
        client, officer = partner(api, lks), api.as_(OFFICER)
        assert (await need_of(api, referral)).items() >= {
            "status": "REFERRED",
            "referral_id": referral["id"],
        }.items()
        assert code(await act(officer, referral, "ACCEPT")) == (403, "role_not_allowed")
        assert code(await act(client, referral, "REALIZE", evidence=EVIDENCE)) == (409, "transition_not_allowed")
        accepted = await made(await act(client, referral, "ACCEPT"), 200)
        assert (await act(client, referral, "ACCEPT")).status_code == 412
        assert accepted["decided_at"] is not None
        assert fault(await act(client, accepted, "REALIZE")) == (422, "/evidence", "evidence_required")
        refused = await act(client, accepted, "FAIL", reason="x", evidence=EVIDENCE)
        assert fault(refused) == (422, "/evidence", "not_for_this_action")
        assert (await act(client, accepted, "REALIZE", evidence=EVIDENCE)).status_code == 204
        realized = await made(await officer.get(f"/v1/referrals/{referral['id']}"), 200)
        assert (realized["status"], realized["evidence"]) == ("REALIZED", EVIDENCE)
        assert realized["allowed_actions"] == ["CONFIRM_RECEIPT"]
        assert {name: value for name, value in realized["package"].items() if name not in {"emptied_at", "basis"}} == (
            dict.fromkeys(("name", "birth_date", "sex", "address", "nik", "need_note", "review_answer"))
        )
        row = await owner.fetchrow("SELECT * FROM referral_packages WHERE id = $1", referral["id"])
        assert row is not None
        for column in ("name", "birth_date", "sex", "address", "nik_prefix", "need_note"):
            assert row[column] is None
        assert row["emptied_at"] is not None
        assert (await need_of(api, referral)).items() >= {"status": "MET", "referral_id": referral["id"]}.items()
        assert await used(owner, lks) == 1
        confirmed = await made(await act(officer, realized, "CONFIRM_RECEIPT"), 200)
        assert (confirmed["status"], confirmed["receipt_confirmed_at"] is None) == ("REALIZED", False)
        assert code(await act(officer, confirmed, "CONFIRM_RECEIPT")) == (409, "receipt_already_confirmed")

    @pytest.mark.parametrize(
        ("steps", "by", "status", "left"),
        [
            (["DECLINE"], "partner", "REJECTED", 0),
            (["RECEIVE", "REVIEW", "WAITLIST", "DECLINE"], "partner", "REJECTED", 0),
            (["REDIRECT"], "partner", "REDIRECTED", 0),
            (["REVOKE"], "officer", "REVOKED", 0),
            (["ACCEPT", "FAIL"], "partner", "FAILED", 1),
        ],
    )
    async def test_otherwise_the_need_is_open_again(
        self, api: Api, owner: asyncpg.Connection, steps: list[str], by: str, status: str, left: int
    ) -> None:
        lks = await organization(api, JOB[1], capacity=3)
        referral = await sent(api, lks, JOB)
        assert await used(owner, lks) == 1
        client = partner(api, lks) if by == "partner" else api.as_(OFFICER)
        for step in steps[:-1]:
            referral = await made(await act(client, referral, step), 200)
        assert fault(await act(client, referral, steps[-1])) == (422, "/reason", "reason_required")
        answer = await act(client, referral, steps[-1], reason="Tidak ada tenaga")
        assert answer.status_code == (204 if by == "partner" else 200)
        ended = await made(await api.as_(OFFICER).get(f"/v1/referrals/{referral['id']}"), 200)
        assert (ended["status"], ended["package"]["name"]) == (status, None)
        assert await used(owner, lks) == left
        assert (await need_of(api, ended)).items() >= {"status": "OPEN", "referral_id": None}.items()
        body = {"case_id": ended["case_id"], "need_id": ended["need_id"]}
        again = await made(await api.as_(OFFICER).post("/v1/referrals", json=body))
        assert (await act(api.as_(OFFICER), again, "SEND", organization_id=lks["id"])).status_code == 200

    async def test_a_need_is_referred_once_at_a_time(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1], capacity=3)
        case = await in_service(api, JOB)
        first, second = [await made(await draft(api, case)) for _ in range(2)]
        officer = api.as_(OFFICER)
        await made(await act(officer, first, "SEND", organization_id=lks["id"]), 200)
        assert code(await act(officer, second, "SEND", organization_id=lks["id"])) == (409, "need_not_open")
        assert await used(owner, lks) == 1
        assert code(await draft(api, case)) == (409, "need_not_open")

    async def test_unanswered_it_expires(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1], capacity=1)
        referral = await sent(api, lks, JOB)
        platform = state(api).platform
        worker = dataclasses.replace(
            system(RowScope(ScopeKind.WORKER), "worker"), scopes=frozenset({"referrals:write"})
        )
        with pytest.raises(Exception, match="respond_by_not_passed"):
            await Act(platform, worker, "0" * 32)(service.expire, on=UUID(referral["id"]))
        later = dataclasses.replace(
            platform, clock=lambda: datetime.fromisoformat(referral["respond_by"]) + timedelta(microseconds=1)
        )
        await Act(later, worker, "0" * 32)(service.expire, on=UUID(referral["id"]))
        seen = (await api.as_(OFFICER).get(f"/v1/referrals/{referral['id']}")).json()
        assert (seen["status"], seen["package"]["name"]) == ("EXPIRED", None)
        assert await used(owner, lks) == 0

    async def test_its_events_form_one_chain(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        assert (await act(partner(api, lks), referral, "DECLINE", reason="Tidak ada tenaga")).status_code == 204
        for table, id_ in (("referrals", referral["id"]), ("cases", referral["case_id"])):
            last = await owner.fetchval(f"SELECT version FROM {table} WHERE id = $1", id_)
            rows = await owner.fetch(
                "SELECT sequence, type, body, hash FROM events WHERE aggregate_id = $1 ORDER BY sequence", id_
            )
            assert [row["sequence"] for row in rows] == list(range(1, last + 1))
            previous = bytes(32)
            for row in rows:
                assert f'"previous":"{previous.hex()}"'.encode() in row["body"]
                assert row["hash"] == hashlib.sha256(b"\x00" + row["body"]).digest()
                previous = row["hash"]
            kinds = [row["type"] for row in rows]
        assert kinds[-2:] == ["case.need_referred", "case.need_returned"]
        stored = await owner.fetch("SELECT values::text AS text FROM revisions WHERE aggregate_id = $1", referral["id"])
        assert any("Tidak ada tenaga" in row["text"] for row in stored)
        assert not any("Siti Aminah" in row["text"] for row in stored)


class TestLost:
    """A partner has its open referrals, and loses one in the transaction in which it ends, whoever ends it."""

    @pytest.mark.parametrize("by", ["partner", "officer"])
    async def test_with_the_end_nothing_of_it_is_left(self, api: Api, owner: asyncpg.Connection, by: str) -> None:
        lks = await organization(api, JOB[1])
        referral, other = await sent(api, lks, JOB), await sent(api, lks, JOB)
        client, path = partner(api, lks), f"/v1/referrals/{referral['id']}"
        for part in ("", "/history", "?include=organization"):
            assert (await client.get(path + part)).status_code == 200
        if by == "partner":
            ended = await act(client, referral, "DECLINE", reason="Tidak ada tenaga")
            assert (ended.status_code, ended.content, ended.headers.get("etag")) == (204, b"", None)
        else:
            await made(await act(api.as_(OFFICER), referral, "REVOKE", reason="Salah alamat"), 200)
        for part in ("", "/history", "?include=organization"):
            assert (await client.get(path + part)).status_code == 404
        assert (await act(client, {**referral, "version": 3}, "ACCEPT")).status_code == 404
        for query in ("", "?include_total=true", "?status=REJECTED,REVOKED", f"?case_id={referral['case_id']}"):
            listed = (await client.get(f"/v1/referrals{query}")).json()
            assert referral["id"] not in {item["id"] for item in listed["items"]}
            assert listed.get("total", 1) == 1
        assert (await client.get(f"/v1/referrals/{other['id']}")).status_code == 200
        # The sending side reads all of it, and the trail says what it said before.
        entries = (await api.as_(OFFICER).get(path + "/history")).json()["items"]
        assert [entry["sequence"] for entry in entries] == [1, 2, 3]
        flags = await owner.fetch("SELECT DISTINCT open FROM events WHERE aggregate_id = $1", referral["id"])
        assert [row["open"] for row in flags] == [False]

    async def test_a_repeated_end_is_answered_alike(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        client = partner(api, lks)

        async def decline(reason: str) -> httpx.Response:
            return await client.post(
                f"/v1/referrals/{referral['id']}/transitions",
                json={"action": "DECLINE", "reason": reason},
                headers={
                    "if-match": version(referral),
                    "idempotency-key": f"decline {referral['id']}".replace(" ", "-"),
                },
            )

        first, again = await decline("Penuh"), await decline("Penuh")
        assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert code(await decline("Lain")) == (422, "idempotency_key_reused")

    async def test_the_answer_to_an_earlier_step_is_not_replayed_after_the_end(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        headers = {"if-match": version(referral), "idempotency-key": f"receive-{referral['id']}"}
        ask = (f"/v1/referrals/{referral['id']}/transitions", {"action": "RECEIVE"})
        client = partner(api, lks)
        received = await made(await client.post(ask[0], json=ask[1], headers=headers), 200)
        assert (await client.post(ask[0], json=ask[1], headers=headers)).status_code == 200
        await made(await act(api.as_(OFFICER), received, "REVOKE", reason="Salah alamat"), 200)
        assert (await client.post(ask[0], json=ask[1], headers=headers)).status_code == 404

    async def test_in_graphql_the_payload_shows_no_referral(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        document = (
            "mutation($i: ReferralsTransitionInput!) { a: referralsTransition(input: $i)"
            " { referral { id status } again: referral { id } once } }"
        )
        ask = {"id": referral["id"], "expectedVersion": referral["version"], "action": "DECLINE", "reason": "Penuh"}
        client = partner(api, lks)
        for _ in range(2):
            body = {"query": document, "variables": {"i": {**ask, "idempotencyKey": f"end-{referral['id']}"}}}
            answer = await client.post("/graphql", json=body)
            assert answer.json() == {"data": {"a": {"referral": None, "again": None, "once": None}}}
        seen = (await api.as_(OFFICER).get(f"/v1/referrals/{referral['id']}")).json()
        assert (seen["status"], seen["version"]) == ("REJECTED", 3)


class TestProgram:
    async def test_its_manager_decides(self, api: Api) -> None:
        program = (await api.as_(OFFICER).get("/v1/programs?code=ATENSI")).json()["items"][0]
        case = await in_service(api, ("SOCIAL_WELFARE", "SOCIAL_REHABILITATION"))
        drafted = await made(await draft(api, case, program_code="ATENSI"))
        manager = api.as_("program_manager", area="33.26", programs=[program["id"]])
        assert (await manager.get(f"/v1/referrals/{drafted['id']}")).status_code == 404
        referral = await made(await act(api.as_(OFFICER), drafted, "SEND"), 200)
        assert (referral["organization_id"], referral["program_code"], referral["route"]) == (None, "ATENSI", [])
        seen = await made(await manager.get(f"/v1/referrals/{referral['id']}"), 200)
        assert seen["package"]["name"] == "Siti Aminah"
        assert seen["allowed_actions"] == ["RECEIVE", "REVIEW", "APPROVE", "REJECT", "WAITLIST", "REDIRECT"]
        elsewhere = api.as_("program_manager", area="33.27", programs=[program["id"]])
        assert (await elsewhere.get(f"/v1/referrals/{referral['id']}")).status_code == 404
        other = (await api.as_(OFFICER).get("/v1/programs?code=PKH")).json()["items"][0]
        of_other = api.as_("program_manager", area="33.26", programs=[other["id"]])
        assert (await act(of_other, referral, "APPROVE")).status_code == 404
        assert code(await act(manager, referral, "ACCEPT")) == (403, "role_not_allowed")
        approved = await made(await act(manager, referral, "APPROVE"), 200)
        realized = await made(await act(manager, approved, "REALIZE", evidence=EVIDENCE), 200)
        assert (realized["status"], realized["package"]["name"]) == ("REALIZED", None)
        # A program answers for what became of it, so its manager goes on seeing what ended.
        for part in ("", "/history"):
            assert (await manager.get(f"/v1/referrals/{referral['id']}{part}")).status_code == 200


def state(api: Api) -> Service:
    found: Service = api.app.state.service
    return found
