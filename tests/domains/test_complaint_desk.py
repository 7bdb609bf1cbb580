"""What a complaint's desk does: intake by proxy, messages, triage, windows, outcomes, links, merging, joining a case."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import OTHER_VILLAGE, VILLAGE, Api, household_body
from tests.domains.test_complaints import act, clock, complaint_body, filed
from tests.domains.test_public import file, public_body, track
from tests.domains.test_referrals import organization
from tests.graph_queries import ask as ask_graph
from tests.graph_queries import data

from slrt_api.complaints.service.messages import MESSAGES_PER_DAY
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_secret

OFFICER, COORDINATOR, MANAGER = "puskesos_officer", "puskesos_coordinator", "secretariat_manager"


async def say(
    client: httpx.AsyncClient, complaint: dict[str, Any], text: str, *, expect: int = 200, **members: Any
) -> dict[str, Any]:
    answer = await client.post(f"/v1/complaints/{complaint['id']}/messages", json={"text": text, **members})
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def messages(client: httpx.AsyncClient, complaint: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/complaints/{complaint['id']}/messages")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def by_receipt(
    api: Api, complaint: dict[str, Any], path: str, *, expect: int = 200, key: str | None = None, **body: Any
) -> dict[str, Any]:
    """What the holder of the receipt does without a token."""
    headers = {"authorization": f"Receipt {complaint['receipt_secret']}"}
    if key is not None:
        headers["idempotency-key"] = key
    answer = await api.anonymous.post(
        f"/v1/public/complaints/{complaint['receipt']}/{path}", json=body, headers=headers
    )
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def seen(api: Api, complaint: dict[str, Any]) -> dict[str, Any]:
    answer = await track(api, complaint["receipt"], complaint["receipt_secret"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def resolved(api: Api, complaint: dict[str, Any], **members: Any) -> dict[str, Any]:
    given = {"resolution": "Selesai.", "outcome": "SERVICE_REALIZED", **members}
    return {**complaint, **await act(api.as_(OFFICER), complaint, "RESOLVE", **given)}


class TestIntake:
    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"reporter_relation": "OTHER"}, "/relationship", "required"),
            ({"relationship": "CHILD"}, "/relationship", "invalid"),
            ({"subject_consent": True}, "/subject_consent", "invalid"),
            ({"nik": "123"}, "/nik", "nik_malformed"),
            ({"nik": "9901014505880000"}, "/nik", "nik_malformed"),
            ({"nik": "9901014505880003", "has_nik": False}, "/has_nik", "invalid"),
            ({"program_level": "GALACTIC"}, "/program_level", "unknown_code"),
            ({"program_sector": "GALACTIC"}, "/program_sector", "unknown_code"),
            (
                {"participations": [{"program_code": "NONE", "number": "1"}]},
                "/participations/0/program_code",
                "reference_not_found",
            ),
            ({"card_number": "!"}, "/card_number", "pattern"),
        ],
    )
    async def test_what_does_not_go_together_is_refused(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        for answer in (
            await api.as_("facilitator").post("/v1/complaints", json=complaint_body(**change)),
            await file(api, **change),
        ):
            assert answer.status_code == 422, answer.text
            assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()
            assert "9901014505880" not in answer.text

    async def test_an_anonymous_complainant_tells_nothing_that_tells_who_it_is(self, api: Api) -> None:
        nobody: dict[str, Any] = {"reporter_name": None, "reporter_phone": None, "confidentiality": "ANONYMOUS"}
        told = {"nik": "9901014505880003", "card_number": "6013 0100", "relationship": "CHILD"}
        for name, value in told.items():
            answer = await file(api, **nobody, **{name: value})
            assert answer.json()["errors"][0]["code"] == "anonymous_has_no_reporter", name
        # For somebody else the number is not the complainant's, and who they are to each other stays unsaid.
        other = {"reporter_relation": "OTHER", "nik": told["nik"], "card_number": told["card_number"]}
        assert (await file(api, **nobody, **other)).status_code == 201

    async def test_for_somebody_else_with_the_fields_of_the_paper_form(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        nik = "9901014505887701"
        complaint = await filed(
            api,
            reporter_relation="OTHER",
            relationship="NEIGHBOR",
            subject_consent=True,
            nik=nik,
            card_number="6013 0100 4455",
            participations=[{"program_code": "PKH", "number": "PKH-0042"}],
            program_level="NATIONAL",
            program_sector="SOCIO_ECONOMIC",
            detail="A long story.",
        )
        assert complaint["channels"] == [{"program_code": "PKH", "channel": "Kementerian Sosial, call center 171"}]
        # Who complained, and for whom, is for those who handle it.
        for name in ("reporter_relation", "relationship", "card_number", "participations", "reporter_name"):
            assert complaint[name] is None, name
        handled = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
        assert {name: handled[name] for name in ("reporter_relation", "relationship", "card_number", "has_nik")} == {
            "reporter_relation": "OTHER",
            "relationship": "NEIGHBOR",
            "card_number": "6013 0100 4455",
            "has_nik": True,
        }
        assert handled["participations"] == [{"program_code": "PKH", "number": "PKH-0042"}]
        assert (handled["detail"], handled["subject_consent"]) == ("A long story.", True)
        for where in ("", "/history", "?include=messages,links"):
            assert nik not in (await api.as_("auditor").get(f"/v1/complaints/{complaint['id']}{where}")).text
        id_ = UUID(complaint["id"])
        kept = await owner.fetchrow("SELECT * FROM complaint_numbers WHERE id = $1", id_)
        row = await owner.fetchrow("SELECT card_number, participations FROM complaints WHERE id = $1", id_)
        told = await owner.fetchval("SELECT string_agg(values::text, '') FROM revisions WHERE aggregate_id = $1", id_)
        assert kept is not None
        assert row is not None
        for secret in (nik, "6013 0100 4455", "PKH-0042"):
            assert secret not in told
            assert all(secret.encode() not in value for value in (kept["ciphertext"], *row.values()))

    async def test_a_nik_names_its_holder_only_to_those_who_may_look_it_up_and_see_them(self, api: Api) -> None:
        nik, elsewhere = "9901014505887702", "9901014505887703"
        members = [{"name": "Rini", "nik": nik, "birth_date": "1988-05-05", "sex": "F", "relation": "HEAD"}]
        made = await api.as_("facilitator").post("/v1/households", json=household_body(members=members))
        person = made.json()["members"][0]["person_id"]
        stranger = api.as_("facilitator", area=OTHER_VILLAGE)
        body = household_body(area_code=OTHER_VILLAGE, members=[members[0] | {"nik": elsewhere}])
        assert (await stranger.post("/v1/households", json=body)).status_code == 201
        assert (await filed(api, nik=nik))["subject_person_id"] == person
        blind = frozenset({"complaints:write", "complaints:read"})
        answer = await api.as_("facilitator", scopes=blind).post("/v1/complaints", json=complaint_body(nik=nik))
        assert (answer.status_code, answer.json()["subject_person_id"]) == (201, None)
        assert (await filed(api, "citizen", "warga-nik", nik=nik))["subject_person_id"] is None
        unknown = await filed(api, nik="9901014505887704")
        hidden = await filed(api, nik=elsewhere)
        assert unknown["subject_person_id"] is hidden["subject_person_id"] is None
        same = {name for name in unknown if unknown[name] == hidden[name]}
        new = {"id", "receipt", "receipt_secret", "created_at", "updated_at", "captured_at", "received_at", "clocks"}
        assert set(unknown) - same <= new


class TestMessages:
    async def test_refusals(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-pesan")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        facilitator = api.as_("facilitator")
        assert (await say(facilitator, complaint, "x", expect=403))["code"] == "scope_missing"
        assert (await say(citizen, complaint, "x", author="OFFICER", expect=403))["code"] == "role_not_allowed"
        hidden = await say(citizen, complaint, "x", visibility="INTERNAL", expect=422)
        assert hidden["errors"][0]["pointer"] == "/visibility"
        await say(api.as_("citizen", subject="somebody else"), complaint, "x", expect=404)
        await say(api.as_(OFFICER, area=OTHER_VILLAGE), complaint, "x", expect=404)
        assert (await say(api.as_("auditor"), complaint, "x", expect=403))["code"] == "scope_missing"
        await say(citizen, complaint, "", expect=422)
        accused = (await organization(api, "LEGAL_AID"))["id"]
        about = await filed(api, accused_organization_id=accused)
        told = await say(api.as_(OFFICER, organization=accused), about, "x", expect=409)
        assert told["code"] == "accused_may_not_handle"

    async def test_both_sides_write_and_only_the_side_is_told(self, api: Api, owner: asyncpg.Connection) -> None:
        officer, citizen = api.as_(OFFICER), api.as_("citizen", subject="warga-dua-arah")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        told = await say(officer, complaint, "Bawa kartu keluarga.")
        assert told["version"] == complaint["version"] + 1
        await say(officer, complaint, "Keluarga ini sudah tiga kali datang.", visibility="INTERNAL")
        told = await say(citizen, complaint, "Kartunya di bank.")
        assert told["unanswered_since"] == told["updated_at"]
        waiting = (await officer.get("/v1/complaints?unanswered=true&limit=200")).json()["items"]
        assert complaint["id"] in {each["id"] for each in waiting}
        inside, outside = await messages(officer, complaint), await messages(citizen, complaint)
        assert [(each["author"], each["visibility"], each["text"]) for each in inside] == [
            ("OFFICER", "COMPLAINANT", "Bawa kartu keluarga."),
            ("OFFICER", "INTERNAL", "Keluarga ini sudah tiga kali datang."),
            ("COMPLAINANT", "COMPLAINANT", "Kartunya di bank."),
        ]
        assert [each["text"] for each in outside] == ["Bawa kartu keluarga.", "Kartunya di bank."]
        assert [each["text"] for each in (await seen(api, complaint))["messages"]] == [each["text"] for each in outside]
        midnight = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.000000Z")
        assert {each["sent_at"] for each in outside} == {midnight}
        assert midnight not in {each["sent_at"] for each in inside}
        assert [set(each) for each in await messages(api.as_("facilitator"), complaint)] == [
            {"id", "sequence", "author", "type", "visibility", "sent_at"}
        ] * 3
        for each in ("puskesos", "warga-dua-arah"):
            assert each not in json.dumps([inside, outside])
        rows = await owner.fetch("SELECT text FROM complaint_messages WHERE complaint_id = $1", UUID(complaint["id"]))
        kept = await owner.fetchval(
            "SELECT string_agg(convert_from(body, 'UTF8') || r.values::text, '') FROM events e JOIN revisions r"
            " USING (regency, aggregate_id, sequence) WHERE aggregate_id = $1",
            UUID(complaint["id"]),
        )
        for text in ("kartu", "Kartunya", "tiga kali"):
            assert text not in kept
            assert all(text.encode() not in row["text"] for row in rows)
        assert "note_written" not in json.dumps((await seen(api, complaint))["timeline"])
        assert (await say(officer, complaint, "Kami tanyakan ke bank."))["unanswered_since"] is None

    async def test_what_the_complainant_says_while_a_question_waits_is_its_answer(self, api: Api) -> None:
        complaint = await filed(api)
        asked = await act(api.as_(OFFICER), complaint, "ASK_COMPLAINANT", reason="Program yang mana?")
        assert asked["status"] == "AWAITING_COMPLAINANT"
        assert {each["state"] for each in asked["clocks"] if each["name"] == "RESOLVE"} == {"PAUSED"}
        told = await by_receipt(api, complaint, "messages", text="PKH.")
        assert (told["status"], told["allowed_actions"]) == ("IN_PROGRESS", [])
        assert [(each["author"], each["type"], each["text"]) for each in told["messages"]] == [
            ("OFFICER", "QUESTION", "Program yang mana?"),
            ("COMPLAINANT", "ANSWER", "PKH."),
        ]
        listed = await api.anonymous.get(
            f"/v1/public/complaints/{complaint['receipt']}/messages",
            headers={"authorization": f"Receipt {complaint['receipt_secret']}"},
        )
        assert listed.json() == {"items": told["messages"]}

    async def test_one_receipt_does_not_fill_a_desk(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint = await filed(api)
        for number in range(MESSAGES_PER_DAY):
            await by_receipt(api, complaint, "messages", text=f"Pesan {number}")
        refused = await by_receipt(api, complaint, "messages", text="Lagi", expect=429)
        assert refused["code"] == "messages_exhausted"
        await owner.execute(
            "UPDATE complaint_messages SET sent_at = sent_at - interval '1 day' WHERE complaint_id = $1",
            UUID(complaint["id"]),
        )
        await by_receipt(api, complaint, "messages", text="Besok")


class TestByReceipt:
    async def test_a_wrong_secret_writes_nothing_and_counts(self, api: Api) -> None:
        complaint = await filed(api)
        asked = await act(api.as_(OFFICER), complaint, "ASK_COMPLAINANT", reason="Kapan?")
        wrong = {**complaint, "receipt_secret": new_secret()}
        for _ in range(5):
            await by_receipt(api, wrong, "messages", text="x", expect=404)
            await by_receipt(api, wrong, "transitions", action="ANSWER", text="x", expect=404)
        closed = await by_receipt(api, complaint, "messages", text="x", expect=429)
        assert closed["code"] == "receipt_closed"
        now = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
        assert now["version"] == asked["version"]

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({"action": "RATE"}, "/satisfaction", "required"),
            ({"action": "RATE", "satisfaction": 6}, "/satisfaction", "range"),
            ({"action": "OBJECT"}, "/text", "reason_required"),
            ({"action": "TRIAGE"}, "/action", "unknown_code"),
            ({"action": "OBJECT", "text": "x", "satisfaction": 1}, "/satisfaction", "not_of_this_action"),
            ({"action": "OBJECT", "secret": "x"}, "/secret", "unknown_member"),
        ],
    )
    async def test_a_wrong_step_is_refused_at_its_place(
        self, api: Api, body: dict[str, Any], pointer: str, code: str
    ) -> None:
        complaint = await resolved(api, await filed(api))
        told = await by_receipt(api, complaint, "transitions", expect=422, **body)
        assert {"pointer": pointer, "code": code}.items() <= told["errors"][0].items()

    async def test_the_steps_of_the_complainant_each_in_its_window(self, api: Api, owner: asyncpg.Connection) -> None:
        complaint = await filed(api)
        early = await by_receipt(api, complaint, "transitions", action="OBJECT", text="x", expect=409)
        assert early["code"] == "transition_not_allowed"
        done = await resolved(api, complaint)
        window = datetime.fromisoformat(clock(done, "OBJECTION_WINDOW")["due_at"])
        assert datetime.fromisoformat(done["objection_until"]) == window
        shown = await seen(api, complaint)
        assert shown["allowed_actions"] == ["OBJECT", "RATE"]
        assert timedelta(0) <= datetime.fromisoformat(shown["objection_until"]) - window < timedelta(days=1)
        rated = await by_receipt(api, complaint, "transitions", action="RATE", satisfaction=2, text="Lama sekali.")
        assert (rated["satisfaction"], rated["allowed_actions"]) == (2, ["OBJECT"])
        twice = await by_receipt(api, complaint, "transitions", action="RATE", satisfaction=5, expect=409)
        assert twice["code"] == "rated_already"
        told = await by_receipt(api, complaint, "transitions", action="OBJECT", text="Uangnya belum datang.")
        assert (told["status"], told["allowed_actions"]) == ("OBJECTED", [])
        now = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
        # A new resolution may be rated anew.
        done = await resolved(api, {**complaint, **now}, outcome="PROPOSED")
        assert (done["satisfaction"], done["service_realized"]) == (None, False)
        await owner.execute(
            "UPDATE complaints SET objection_until = now() - interval '1 microsecond' WHERE id = $1",
            UUID(complaint["id"]),
        )
        late = await by_receipt(api, complaint, "transitions", action="OBJECT", text="x", expect=409)
        assert late["code"] == "objection_window_over"
        assert (await seen(api, complaint))["allowed_actions"] == ["RATE"]
        officer_sees = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
        assert officer_sees["allowed_actions"] == ["RATE", "CLOSE"]
        closed = await act(api.as_(OFFICER), done, "CLOSE")
        assert (await seen(api, complaint))["allowed_actions"] == ["RATE", "REOPEN"]
        told = await by_receipt(api, complaint, "transitions", action="REOPEN", text="Tetap belum.")
        assert told["status"] == "REOPENED"
        again = (await api.as_(OFFICER).get(f"/v1/complaints/{complaint['id']}")).json()
        assert (again["cycle"], again["receipt"], closed["cycle"]) == (2, complaint["receipt"], 1)
        assert [each["state"] for each in again["clocks"] if each["name"] == "RESOLVE"] == ["MET", "RUNNING"]

    async def test_reopening_is_over_after_its_window_and_stays_with_those_who_decide(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        complaint = await filed(api)
        closed = await act(api.as_(OFFICER), await resolved(api, complaint), "CLOSE")
        until = datetime.fromisoformat(closed["reopen_until"])
        assert until - datetime.fromisoformat(closed["updated_at"]) == timedelta(days=30)
        await owner.execute(
            "UPDATE complaints SET reopen_until = now() - interval '1 microsecond' WHERE id = $1",
            UUID(complaint["id"]),
        )
        late = await by_receipt(api, complaint, "transitions", action="REOPEN", text="x", expect=409)
        assert late["code"] == "reopen_window_over"
        told = await act(api.as_("facilitator"), closed, "REOPEN", reason="x", expect=409)
        assert told["code"] == "reopen_window_over"
        assert (await act(api.as_(COORDINATOR), closed, "REOPEN", reason="Fakta baru."))["cycle"] == 2

    async def test_a_retry_is_the_first_answer_and_for_nobody_without_the_secret(self, api: Api) -> None:
        complaint = await resolved(api, await filed(api))
        body: dict[str, Any] = {"action": "RATE", "satisfaction": 4}
        key = str(uuid4())
        first = await by_receipt(api, complaint, "transitions", key=key, **body)
        assert await by_receipt(api, complaint, "transitions", key=key, **body) == first
        other = await by_receipt(api, complaint, "transitions", key=key, action="RATE", satisfaction=5, expect=422)
        assert other["code"] == "idempotency_key_reused"
        wrong = {**complaint, "receipt_secret": new_secret()}
        await by_receipt(api, wrong, "transitions", key=key, expect=404, **body)


class TestTriage:
    async def test_what_was_filed_is_changed_with_a_reason_only(self, api: Api) -> None:
        officer, complaint = api.as_(OFFICER), await filed(api)
        for change in ({"nature": "QUESTION"}, {"severity_flags": ["OVERSIGHT"]}, {"program_code": "SEMBAKO"}):
            told = await act(officer, complaint, "TRIAGE", expect=422, **change)
            assert told["errors"][0]["code"] == "reason_required"
        told = await act(officer, complaint, "TRIAGE", expect=422, reason="x", subtype="HEALTH_SERVICE")
        assert told["errors"][0]["code"] == "subtype_of_other_category"
        hidden = str(new_id(Kind.HOUSEHOLD, 3326))
        told = await act(officer, complaint, "TRIAGE", expect=422, household_id=hidden)
        assert told["errors"][0] == {**told["errors"][0], "pointer": "/household_id", "code": "reference_not_found"}
        told = await act(officer, complaint, "START", expect=422, nature="QUESTION")
        assert told["errors"][0]["code"] == "not_of_this_action"
        # Saying again what was filed changes nothing and needs no reason.
        assert (await act(officer, complaint, "TRIAGE", nature="GRIEVANCE"))["status"] == "TRIAGED"

    async def test_another_class_has_another_deadline_from_the_same_start(self, api: Api) -> None:
        complaint = await filed(api)
        first = clock(complaint, "RESOLVE")
        told = await act(
            api.as_(OFFICER), complaint, "TRIAGE", reason="Ada pungutan.", severity_flags=["OVERSIGHT"], category="NEED"
        )
        assert (told["category"], told["subtype"], told["severity_flags"]) == ("NEED", None, ["OVERSIGHT"])
        clocks = [each for each in told["clocks"] if each["name"] == "RESOLVE"]
        assert {(each["amount"], each["state"], each["started_at"]) for each in clocks} == {
            (14, "STOPPED", first["started_at"]),
            (60, "RUNNING", first["started_at"]),
        }
        assert sum(each["name"] == "STATUTORY" for each in told["clocks"]) == 1
        again = await act(api.as_(OFFICER), told, "TRIAGE", reason="Tidak ada.", severity_flags=[])
        running = [each for each in again["clocks"] if each["name"] == "RESOLVE" and each["state"] == "RUNNING"]
        assert [each["amount"] for each in running] == [14]


class TestOutcome:
    @pytest.mark.parametrize(
        ("members", "pointer", "code"),
        [
            ({"outcome": "SERVICE_REALIZED", "service_realized": False}, "/service_realized", "outcome_contradicts"),
            ({"outcome": "PROPOSED", "service_realized": True}, "/service_realized", "outcome_contradicts"),
            ({"outcome": "NO_ANSWER"}, "/outcome", "outcome_of_other_action"),
            ({"outcome": "NOT_COMPETENT"}, "/outcome", "outcome_of_other_action"),
        ],
    )
    async def test_it_says_by_itself_whether_the_service_was_given(
        self, api: Api, members: dict[str, Any], pointer: str, code: str
    ) -> None:
        told = await act(api.as_(OFFICER), await filed(api), "RESOLVE", resolution="x", expect=422, **members)
        assert {"pointer": pointer, "code": code}.items() <= told["errors"][0].items()

    async def test_every_end_has_one(self, api: Api) -> None:
        officer = api.as_(OFFICER)
        done = await resolved(api, await filed(api), outcome="DATA_CORRECTED")
        assert (done["outcome"], done["service_realized"]) == ("DATA_CORRECTED", True)
        closed = await act(officer, done, "CLOSE", outcome="WITHDRAWN_BY_COMPLAINANT")
        assert (closed["outcome"], closed["service_realized"]) == ("WITHDRAWN_BY_COMPLAINANT", False)
        asked = await act(officer, await filed(api), "ASK_COMPLAINANT", reason="Kapan?")
        lapsed = await act(officer, asked, "LAPSE", reason="Tidak menjawab.")
        assert (lapsed["outcome"], lapsed["service_realized"]) == ("NO_ANSWER", False)
        listed = (await officer.get("/v1/complaints?outcome=NO_ANSWER&limit=200")).json()["items"]
        assert lapsed["id"] in {each["id"] for each in listed}
        assert {each["outcome"] for each in listed} == {"NO_ANSWER"}

    async def test_not_ours_says_whose_it_is(self, api: Api) -> None:
        officer = api.as_(OFFICER)
        electric = await filed(api, program_code="LISTRIK-SUBSIDI", category="IMPLEMENTATION", subtype=None)
        [channel] = electric["channels"]
        told = await act(officer, electric, "REJECT_COMPETENCE", reason="Urusan PLN.", reference_number="PLN-7")
        assert (told["status"], told["outcome"], told["referred_to"]) == (
            "NOT_COMPETENT",
            "NOT_COMPETENT",
            channel["channel"],
        )
        shown = await seen(api, electric)
        assert (shown["referred_to"], shown["reference_number"]) == (channel["channel"], "PLN-7")
        bare = await filed(api, program_code=None)
        assert bare["channels"] == []
        refused = await act(officer, bare, "REJECT_COMPETENCE", reason="Bukan kami.", expect=422)
        assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/referred_to", "required")
        told = await act(officer, bare, "REJECT_COMPETENCE", reason="Bukan kami.", referred_to="Dinas Pendidikan")
        assert told["referred_to"] == "Dinas Pendidikan"

    async def test_what_is_forwarded_has_an_instruction_that_the_complainant_does_not_read(self, api: Api) -> None:
        office = (await organization(api, "LEGAL_AID"))["id"]
        citizen = api.as_("citizen", subject="warga-disposisi")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        told = await act(
            api.as_(OFFICER), complaint, "FORWARD", forward_to=office, instruction="Periksa ke bank dalam tiga hari."
        )
        assert told["instruction"] == "Periksa ke bank dalam tiga hari."
        inbox = (await api.as_("social_office").get(f"/v1/complaints?forwarded_to={office}")).json()["items"]
        assert [(each["id"], each["instruction"]) for each in inbox] == [(complaint["id"], told["instruction"])]
        for answer in (
            await citizen.get(f"/v1/complaints/{complaint['id']}"),
            await citizen.get(f"/v1/complaints/{complaint['id']}/history"),
            await track(api, complaint["receipt"], complaint["receipt_secret"]),
        ):
            assert answer.status_code == 200
            assert "Periksa" not in answer.text


class TestMerge:
    async def test_refusals(self, api: Api) -> None:
        officer = api.as_(OFFICER)
        nobody: dict[str, Any] = {"reporter_name": None, "reporter_phone": None}
        kept = await filed(api, confidentiality="ANONYMOUS", **nobody)
        told = await act(officer, kept, "MERGE", expect=409, reason="x", merge_into=(await filed(api))["id"])
        assert told["code"] == "merge_lowers_confidentiality"
        office = (await organization(api, "LEGAL_AID"))["id"]
        other = (await organization(api, "LEGAL_AID"))["id"]
        about = await filed(api, accused_organization_id=office)
        somewhere = api.as_(OFFICER, organization=other)
        told = await act(somewhere, about, "MERGE", expect=409, reason="x", merge_into=(await filed(api))["id"])
        assert told["code"] == "merge_drops_accusation"
        # Nobody merges into what accuses their own office either.
        told = await act(
            api.as_(OFFICER, organization=office),
            await filed(api),
            "MERGE",
            expect=409,
            reason="x",
            merge_into=about["id"],
        )
        assert told["code"] == "accused_may_not_handle"
        ended = await act(officer, await filed(api), "REJECT_COMPETENCE", reason="x")
        told = await act(officer, await filed(api), "MERGE", expect=409, reason="x", merge_into=ended["id"])
        assert told["code"] == "survivor_ended"
        hidden = await filed(api, "citizen", "warga-jauh", area_code=OTHER_VILLAGE)
        told = await act(officer, await filed(api), "MERGE", expect=422, reason="x", merge_into=hidden["id"])
        assert told["errors"][0]["code"] == "reference_not_found"

    async def test_a_sealed_one_never_goes_on_in_an_open_one(self, api: Api) -> None:
        complaint, sealed = await filed(api), await filed(api, confidentiality="SEALED")
        told = await act(api.as_(OFFICER), complaint, "MERGE", expect=422, reason="x", merge_into=sealed["id"])
        assert told["errors"][0]["code"] == "reference_not_found"
        await act(api.as_(OFFICER), sealed, "MERGE", expect=404, reason="x", merge_into=complaint["id"])

    async def test_each_receipt_goes_on_and_shows_the_survivors_process(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        officer = api.as_(OFFICER)
        early = (await file(api, summary="Yang pertama")).json()
        id_ = await owner.fetchval("SELECT id FROM complaints WHERE number = $1", early["receipt"])
        before = datetime(2026, 11, 2, 3, tzinfo=UTC)
        await owner.execute("UPDATE complaints SET received_at = $2 WHERE id = $1", id_, before)
        twin = (await officer.get(f"/v1/complaints?receipt={early['receipt'].lower()}")).json()["items"][0]
        assert twin["id"] == str(id_)
        survivor = await filed(api, confidentiality="OPEN")
        merged = await act(officer, twin, "MERGE", reason="Dilaporkan dua kali.", merge_into=survivor["id"])
        assert {each["state"] for each in merged["clocks"]} <= {"STOPPED", "MET"}
        now = (await officer.get(f"/v1/complaints/{survivor['id']}")).json()
        assert datetime.fromisoformat(now["received_at"]) == before
        await say(officer, now, "Hanya untuk pelapor pertama.")
        now = (await officer.get(f"/v1/complaints/{survivor['id']}")).json()
        await resolved(api, {**survivor, **now}, resolution="Sudah dibayar.")
        shown = (await track(api, early["receipt"], early["receipt_secret"])).json()
        assert (shown["status"], shown["messages"], shown["allowed_actions"]) == ("MERGED", [], [])
        assert (shown["merged"]["status"], shown["merged"]["outcome"]) == ("RESOLVED", "SERVICE_REALIZED")
        assert shown["merged"]["resolution"] == "Sudah dibayar."
        assert {"RESOLVE", "STATUTORY"} <= {each["name"] for each in shown["merged"]["clocks"]}
        assert [each["type"] for each in shown["merged"]["timeline"]] == ["complaint.absorbed", "complaint.resolved"]
        told = json.dumps(shown)
        for hidden in (survivor["id"], survivor["receipt"], "Hanya untuk"):
            assert hidden not in told
        # What this complainant says is heard, and only here.
        written = await track(api, early["receipt"], early["receipt_secret"])
        heard = await by_receipt(api, {**early, "id": str(id_)}, "messages", text="Terima kasih.")
        assert written.status_code == 200
        assert [each["text"] for each in heard["messages"]] == ["Terima kasih."]
        assert "Terima" not in json.dumps(await seen(api, survivor))

    async def test_it_is_undone_to_where_it_was(self, api: Api, owner: asyncpg.Connection) -> None:
        officer, coordinator = api.as_(OFFICER), api.as_(COORDINATOR)
        first, second, third = [await filed(api) for _ in range(3)]
        instants = []
        for days, each in ((3, first), (2, second), (1, third)):
            instant = datetime.now(UTC) - timedelta(days=days)
            await owner.execute("UPDATE complaints SET received_at = $2 WHERE id = $1", UUID(each["id"]), instant)
            instants.append(instant)

        async def received(complaint: dict[str, Any]) -> datetime:
            answer = await officer.get(f"/v1/complaints/{complaint['id']}")
            return datetime.fromisoformat(answer.json()["received_at"])

        started = await act(officer, first, "START")
        merged = await act(officer, started, "MERGE", reason="Sama.", merge_into=second["id"])
        now = (await officer.get(f"/v1/complaints/{second['id']}")).json()
        chained = await act(officer, now, "MERGE", reason="Sama juga.", merge_into=third["id"])
        assert await received(third) == instants[0]
        told = await act(officer, merged, "UNMERGE", reason="Keluarga lain.", expect=403)
        assert told["code"] == "role_not_allowed"
        told = await act(coordinator, merged, "UNMERGE", expect=422)
        assert told["errors"][0]["code"] == "reason_required"
        back = await act(coordinator, merged, "UNMERGE", reason="Keluarga lain.")
        assert (back["status"], back["merged_into"], back["allowed_actions"][0]) == ("IN_PROGRESS", None, "FORWARD")
        assert clock(back, "RESOLVE")["state"] == clock(back, "STATUTORY")["state"] == "RUNNING"
        assert clock(back, "FIRST_RESPONSE")["state"] == "MET"
        assert await received(third) == instants[1]
        chained = (await officer.get(f"/v1/complaints/{second['id']}")).json()
        assert (await act(coordinator, chained, "UNMERGE", reason="Lain."))["status"] == "RECEIVED"
        assert await received(third) == instants[2]
        assert (await seen(api, first))["merged"] is None


class TestLinks:
    async def test_refusals(self, api: Api) -> None:
        officer, complaint = api.as_(OFFICER), await filed(api)
        other = await filed(api)
        hidden = await filed(api, "citizen", "warga-jauh-2", area_code=OTHER_VILLAGE)
        url = f"/v1/complaints/{complaint['id']}/links"
        body = {"type": "RELATED", "reason": "Kartu yang sama."}
        for id_ in (hidden["id"], complaint["id"], str(uuid4())):
            answer = await officer.post(url, json=body | {"complaint_id": id_})
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "reference_not_found")
        refused = await api.as_("facilitator").post(url, json=body | {"complaint_id": other["id"]})
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert (await officer.post(url, json=body | {"complaint_id": other["id"]})).status_code == 200
        for asked, named in ((complaint, other), (other, complaint)):
            twice = await officer.post(
                f"/v1/complaints/{asked['id']}/links", json=body | {"complaint_id": named["id"], "type": "DUPLICATE"}
            )
            assert (twice.status_code, twice.json()["code"]) == (409, "already_linked")
        removal = {"link_id": str(new_id(Kind.COMPLAINT_LINK, 3326)), "reason": "x"}
        answer = await officer.post(f"/v1/complaints/{complaint['id']}/link-removals", json=removal)
        assert answer.json()["errors"][0]["pointer"] == "/link_id"

    async def test_it_is_told_from_both_sides_and_undone_from_either(self, api: Api) -> None:
        officer = api.as_(OFFICER)
        one, two = await filed(api), await filed(api)
        body = {"complaint_id": one["id"], "type": "FOLLOW_UP", "reason": "Dua minggu kemudian."}
        told = (await officer.post(f"/v1/complaints/{two['id']}/links", json=body)).json()
        [link] = told["links"]
        assert (link["other_id"], link["type"], link["direct"], link["ended_at"]) == (
            one["id"],
            "FOLLOW_UP",
            True,
            None,
        )
        [other] = (await officer.get(f"/v1/complaints/{one['id']}/links")).json()["items"]
        assert (other["other_id"], other["direct"], other["reason"]) == (two["id"], False, "Dua minggu kemudian.")
        removal = {"link_id": other["id"], "reason": "Keluarga lain."}
        url = f"/v1/complaints/{one['id']}/link-removals"
        ended = (await officer.post(url, json=removal)).json()
        assert ended["links"][0]["ended_at"] == ended["updated_at"]
        [link] = (await officer.get(f"/v1/complaints/{two['id']}/links")).json()["items"]
        assert link["end_reason"] == "Keluarga lain."
        again = await officer.post(url, json=removal)
        assert (again.status_code, again.json()["code"]) == (409, "link_ended")
        assert (await officer.post(f"/v1/complaints/{two['id']}/links", json=body)).status_code == 200
        types = [each["type"] for each in (await officer.get(f"/v1/complaints/{two['id']}/history")).json()["items"]]
        assert sorted(types) == ["complaint.filed", "complaint.linked", "complaint.linked", "complaint.unlinked"]

    async def test_what_may_be_the_same_is_found_and_nothing_out_of_sight(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        officer, nik = api.as_(OFFICER), "9901014505887710"
        home = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        quiet: dict[str, Any] = {"program_code": "RUTILAHU", "category": "NEED", "subtype": "SOCIAL_WELFARE_SERVICE"}
        asked = await filed(api, nik=nik, household_id=home["id"], **quiet)
        same_nik = await filed(api, "citizen", "warga-kembar", nik=nik, program_code=None)
        same_home = await filed(api, household_id=home["id"], program_code=None)
        pattern = await filed(api, **quiet)
        await filed(api, program_code="RUTILAHU", category="NEED", subtype="HEALTH_SERVICE")
        await filed(api, "citizen", "warga-lain", nik=nik, area_code=OTHER_VILLAGE)
        await filed(api, nik=nik, confidentiality="SEALED")
        old = await filed(api, nik=nik)
        await owner.execute(
            "UPDATE complaints SET received_at = received_at - interval '91 days' WHERE id = $1", UUID(old["id"])
        )
        url = f"/v1/complaints/{asked['id']}/similar"
        found = (await officer.get(url)).json()["items"]
        assert [(each["complaint_id"], each["likenesses"]) for each in found] == [
            (same_nik["id"], ["SAME_NIK"]),
            (same_home["id"], ["SAME_HOUSEHOLD"]),
            (pattern["id"], ["SAME_PROGRAM_AND_SUBTYPE"]),
        ]
        assert nik not in json.dumps(found)
        query = "query($id: ID!) { complaintSimilar(id: $id) }"
        assert (await data(officer, query, {"id": asked["id"]}))["complaintSimilar"]["items"] == found
        refused = await api.as_("facilitator").get(url)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert (await api.as_(OFFICER, area=OTHER_VILLAGE).get(url)).status_code == 404


class TestCase:
    async def test_several_complaints_belong_to_one_case(self, api: Api) -> None:
        officer = api.as_(OFFICER)
        home = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        first, second, bare = (
            await filed(api, household_id=home["id"]),
            await filed(api, household_id=home["id"]),
            await filed(api),
        )
        body = {"household_id": home["id"], "complaint_id": first["id"]}
        case = (await officer.post("/v1/cases", json=body)).json()

        async def join(
            client: httpx.AsyncClient, complaint: dict[str, Any], case_id: str, version: int = 1
        ) -> httpx.Response:
            return await client.post(
                f"/v1/complaints/{complaint['id']}/case",
                json={"case_id": case_id},
                headers={"if-match": f'"{version}"'},
            )

        other = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        elsewhere = (await officer.post("/v1/cases", json={"household_id": other["id"]})).json()
        refused = await join(officer, second, elsewhere["id"])
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "household_mismatch")
        assert (await join(api.as_("facilitator"), second, case["id"])).json()["code"] == "scope_missing"
        assert (await join(officer, second, str(new_id(Kind.CASE, 3326)))).json()["errors"][0]["pointer"] == "/case_id"
        assert (await join(officer, first, case["id"], 2)).json()["code"] == "complaint_has_case"
        joined = await join(officer, second, case["id"])
        assert (joined.status_code, joined.json()["case"]["id"]) == (200, case["id"])
        assert (await join(officer, bare, case["id"])).json()["household_id"] == home["id"]
        listed = (await officer.get(f"/v1/cases/{case['id']}/complaints")).json()["items"]
        assert {each["id"] for each in listed} == {first["id"], second["id"], bare["id"]}
        assert (await seen(api, second))["case"]["status"] == "REGISTERED"


async def test_graphql_does_the_same_by_the_same_use_cases(api: Api) -> None:
    officer = api.as_(OFFICER)
    complaint = await resolved(api, await filed(api))
    mutation = """mutation($input: ComplaintsTransitionInput!) { complaintsTransition(input: $input) {
        complaint { version satisfaction allowedActions messages { author type text visibility } } } }"""
    rate = {"id": complaint["id"], "expectedVersion": complaint["version"], "action": "RATE", "satisfaction": 5}
    told = (await data(officer, mutation, {"input": rate | {"reason": "Cepat."}}))["complaintsTransition"]["complaint"]
    assert (told["satisfaction"], told["allowedActions"]) == (5, ["OBJECT", "CLOSE"])
    assert told["messages"] == [
        {"author": "COMPLAINANT", "type": "FEEDBACK", "text": "Cepat.", "visibility": "COMPLAINANT"}
    ]
    answer = (await ask_graph(officer, mutation, {"input": rate | {"expectedVersion": told["version"]}})).json()
    assert answer["errors"][0]["extensions"]["code"] == "rated_already"
    send = """mutation($input: ComplaintsSendMessageInput!) { complaintsSendMessage(input: $input) {
        complaint { messages { text } } } }"""
    note = {"id": complaint["id"], "text": "Catatan.", "visibility": "INTERNAL"}
    told = (await data(officer, send, {"input": note}))["complaintsSendMessage"]["complaint"]
    assert [each["text"] for each in told["messages"]] == ["Cepat.", "Catatan."]


async def test_the_public_body_takes_the_same_content(api: Api) -> None:
    body = public_body(reporter_relation="OTHER", relationship="PARENT", nik="9901014505887720", area_code=VILLAGE)
    headers = {"idempotency-key": str(uuid4())}
    answer = await api.anonymous.post("/v1/public/complaints", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert "9901014505887720" not in answer.text
    listed = (await api.as_(OFFICER).get(f"/v1/complaints?receipt={answer.json()['receipt']}")).json()["items"]
    assert [(each["relationship"], each["has_nik"]) for each in listed] == [("PARENT", True)]
