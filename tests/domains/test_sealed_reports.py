"""Sealed reports over HTTP: intake, who finds them, handling, and the identity that two persons open."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import INSPECTORATE, OTHER_VILLAGE, VILLAGE, Api, household_body
from tests.domains.test_complaints import act, complaint_body, filed
from tests.domains.test_public import public_body, track
from tests.domains.test_referrals import organization
from tests.problems import problem

from slrt_api.access.actors import subject_id
from slrt_api.complaints import vault
from slrt_api.complaints.service import intake
from slrt_api.kernel.ids import Kind, minted_at, new_id
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.transaction import NO_TRACE, Transaction

NAME, PHONE, SUMMARY = "Wasis Pelapor", "+628129900112", "Kepala desa memotong bantuan warga."
DETAILS = "Bendahara desa, satu-satunya yang memegang buku kas."
PURPOSE = {"purpose": "PROTECTION", "reason": "Pelapor diancam dan harus dihubungi hari ini."}


def sealed_body(**changes: Any) -> dict[str, Any]:
    """A sealed report that any facilitator of VILLAGE may take."""
    said = {"reporter_name": NAME, "reporter_phone": PHONE, "summary": SUMMARY, "identifying_details": DETAILS}
    coded = {"category": "IMPLEMENTATION", "subtype": "ILLEGAL_DEDUCTION", "nature": "WHISTLEBLOWING"}
    return complaint_body(**{**said, **coded, "confidentiality": "SEALED", **changes})


async def reported(api: Api, role: str = "facilitator", /, **changes: Any) -> dict[str, Any]:
    """A sealed report as whoever filed it is shown it, once."""
    answer = await api.as_(role).post("/v1/complaints", json=sealed_body(**changes))
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def holder(api: Api, subject: str = "wbs-1", **claims: Any) -> httpx.AsyncClient:
    """Somebody who handles sealed reports of the regency."""
    return api.as_("integrity_officer", subject=subject, **claims)


async def seen(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def keyring(api: Api) -> Keyring:
    ring: Keyring = api.app.state.service.platform.keyring
    return ring


class TestIntake:
    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"household_id": str(new_id(Kind.HOUSEHOLD, 3326))}, "/household_id", "sealed_names_nobody"),
            ({"subject_person_id": str(new_id(Kind.PERSON, 3326))}, "/subject_person_id", "sealed_names_nobody"),
            ({"confidentiality": "OPEN"}, "/identifying_details", "only_when_sealed"),
            ({"accused_person_id": str(new_id(Kind.PERSON, 3326))}, "/accused_person_id", "reference_not_found"),
        ],
    )
    async def test_what_would_lead_to_the_reporter_is_refused(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await api.as_("facilitator").post("/v1/complaints", json=sealed_body(**change))
        assert answer.status_code == 422, answer.text
        assert (pointer, code) in [(each["pointer"], each["code"]) for each in answer.json()["errors"]]

    async def test_without_its_keys_none_is_taken(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keyring(api), "_sealed", None)
        answer = await api.as_("facilitator").post("/v1/complaints", json=sealed_body())
        assert answer.json()["errors"][0]["code"] == "sealed_intake_unavailable"

    async def test_no_address_names_it(self, api: Api) -> None:
        id_ = new_id(Kind.COMPLAINT, 3326, coarse=True)
        answer = await api.as_("facilitator").put(
            f"/v1/complaints/{id_}", json=sealed_body(), headers={"if-none-match": "*"}
        )
        problem(answer, 422, "content_invalid", fault=("/confidentiality", "sealed_without_client_id"))

    async def test_whoever_files_it_sees_the_receipt_and_nothing_that_was_said(self, api: Api) -> None:
        for role in ("facilitator", "puskesos_officer", "supervisor", "citizen"):
            shown = await reported(api, role)
            assert {"receipt", "receipt_secret", "status"} <= set(shown)
            assert shown["allowed_actions"] == []
            assert not {NAME, PHONE, SUMMARY, DETAILS} & set(map(str, shown.values()))
            assert (await api.as_(role).get(f"/v1/complaints/{shown['id']}")).status_code == 404

    async def test_the_row_says_codes_place_and_day(self, api: Api, owner: asyncpg.Connection) -> None:
        shown = await reported(
            api, captured_at="2026-11-20T23:30:00+07:00", nik="9901015203990004", card_number="KKS-1"
        )
        id_ = UUID(shown["id"])
        row = await owner.fetchrow("SELECT * FROM complaints WHERE id = $1", id_)
        assert row is not None
        assert (row["sealed"], row["summary"], row["reporter_id"], row["card_number"]) == (True, "", None, None)
        assert row["received_by"].startswith("unit#")
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        assert row["received_at"] in {today, today - timedelta(days=1)}
        assert row["captured_at"] == datetime(2026, 11, 20, tzinfo=UTC)
        assert minted_at(id_) == row["received_at"]
        clocks = await owner.fetch("SELECT started_at FROM clocks WHERE aggregate_id = $1", id_)
        assert {clock["started_at"] for clock in clocks} <= {row["received_at"], row["captured_at"]}
        # A NIK would find the reporter in the register, and other reports of the same.
        assert await owner.fetchval("SELECT count(*) FROM complaint_numbers WHERE id = $1", id_) == 0
        kept = await owner.fetchval("SELECT identity FROM sealed_identities WHERE id = $1", id_)
        identity = vault.opened(keyring(api).sealed, id_, kept)
        assert identity == {
            "card_number": "KKS-1",
            "identifying_details": DETAILS,
            "nik": "9901015203990004",
            "reporter_name": NAME,
            "reporter_phone": PHONE,
            "reporter_relation": "SELF",
        }

    async def test_the_event_names_the_unit_and_no_trace(self, api: Api, owner: asyncpg.Connection) -> None:
        shown = await reported(api)
        event = await owner.fetchrow("SELECT * FROM events WHERE aggregate_id = $1", UUID(shown["id"]))
        assert event is not None
        assert (event["role"], event["trace_id"], event["reporter_id"]) == (vault.UNIT, NO_TRACE, None)
        assert event["actor"].startswith("unit#")
        assert event["at"].time().isoformat() == "00:00:00"
        assert event["xact"] == 0
        told = b"facilitator@" in event["body"] or shown["receipt_secret"].encode() in event["body"]
        assert not told

    async def test_the_pseudonym_of_a_unit_is_the_same_and_tells_nothing(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        office = uuid4()
        by = []
        for role, claims in (
            ("facilitator", {"organization": office}),
            ("puskesos_officer", {"organization": office}),
            ("facilitator", {}),
        ):
            made = await api.as_(role, **claims).post("/v1/complaints", json=sealed_body())
            id_ = UUID(made.json()["id"])
            by.append(await owner.fetchval("SELECT received_by FROM complaints WHERE id = $1", id_))
        assert by[0] == by[1] != by[2]
        assert str(office)[:8] not in by[0]

    async def test_an_empty_identity_is_as_long_as_a_short_one(self, api: Api, owner: asyncpg.Connection) -> None:
        lengths = set()
        nothing: dict[str, None] = dict.fromkeys(("reporter_name", "reporter_phone", "identifying_details"))
        for said in ({}, nothing):
            shown = await reported(api, **said)
            blob = await owner.fetchval("SELECT identity FROM sealed_identities WHERE id = $1", UUID(shown["id"]))
            lengths.add(len(blob))
        assert len(lengths) == 1

    async def test_a_member_that_intake_may_get_later_goes_to_the_vault(self) -> None:
        """What is in clear is listed; nothing is in clear because it was forgotten."""
        members = set(intake.FileComplaint.model_fields)
        assert members - vault.CODED - set(vault.SAID) - set(vault.REFUSED) == {
            *("reporter_name", "reporter_phone", "identifying_details", "nik", "has_nik", "card_number"),
            *("participations", "reporter_relation", "relationship", "subject_consent"),
        }

    async def test_a_repeat_gets_the_same_bytes_and_no_row_leads_to_the_report(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        key = {"idempotency-key": str(uuid4())}
        answers = [await api.as_("facilitator").post("/v1/complaints", json=sealed_body(), headers=key) for _ in "12"]
        assert answers[0].content == answers[1].content
        assert answers[1].headers["idempotency-replayed"] == "true"
        kept = await owner.fetch(
            "SELECT resource_id, location FROM idempotent_answers WHERE created_at = date_trunc('day', created_at, 'UTC')"
        )
        assert (None, None) in [tuple(row) for row in kept]
        id_ = UUID(answers[0].json()["id"])
        assert await owner.fetchval("SELECT count(*) FROM idempotent_answers WHERE resource_id = $1", id_) == 0

    async def test_in_graphql_too(self, api: Api) -> None:
        text = """mutation($input: ComplaintsFileInput!) { complaintsFile(input: $input) {
            complaint { id receipt status allowedActions } once } }"""
        given = {
            "input": {
                "nature": "WHISTLEBLOWING",
                "category": "IMPLEMENTATION",
                "channel": "WALK_IN",
                "confidentiality": "SEALED",
                "areaCode": VILLAGE,
                "summary": SUMMARY,
                "reporterName": NAME,
            }
        }
        client = api.as_("facilitator")
        answer = (await client.post("/graphql", json={"query": text, "variables": given})).json()
        shown = answer["data"]["complaintsFile"]
        assert shown["complaint"]["allowedActions"] == []
        tracked = await track(api, shown["complaint"]["receipt"], shown["once"]["receipt_secret"])
        assert tracked.status_code == 200
        # What would need other rows than the report's own is refused, and nothing is filed.
        wider = text.replace("status allowedActions", "household { id }")
        refused = (await client.post("/graphql", json={"query": wider, "variables": given})).json()
        assert refused["errors"][0]["extensions"]["code"] == "role_not_allowed"


class TestWithoutToken:
    async def test_it_is_filed_and_tracked_by_its_receipt(self, api: Api, owner: asyncpg.Connection) -> None:
        body = public_body(**{name: value for name, value in sealed_body().items() if name != "channel"})
        answer = await api.anonymous.post(
            "/v1/public/complaints",
            json=body,
            headers={
                "idempotency-key": str(uuid4()),
                "x-forwarded-for": "203.0.113.77",
                "user-agent": "Telepon Pelapor",
            },
        )
        assert answer.status_code == 201, answer.text
        shown = answer.json()
        tracked = await track(api, shown["receipt"], shown["receipt_secret"])
        assert tracked.json()["status"] == "RECEIVED"
        assert SUMMARY not in tracked.text
        assert NAME not in tracked.text
        listed = (await seen(api.as_("puskesos_officer"), "/v1/complaints?limit=200"))["items"]
        assert shown["receipt"] not in {each["receipt"] for each in listed}
        received_by = await owner.fetchval("SELECT received_by FROM complaints WHERE number = $1", shown["receipt"])
        assert received_by.startswith("unit#")

    async def test_the_complainant_and_the_unit_write_to_each_other(self, api: Api, owner: asyncpg.Connection) -> None:
        shown = await reported(api)
        report = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        await act(holder(api), report, "ASK_COMPLAINANT", reason="Kapan dipotong?")
        secret = {"authorization": f"Receipt {shown['receipt_secret']}"}
        path = f"/v1/public/complaints/{shown['receipt']}"
        answered = await api.anonymous.post(f"{path}/messages", json={"text": "Setiap tanggal satu."}, headers=secret)
        assert answered.status_code == 200, answered.text
        told = (await track(api, shown["receipt"], shown["receipt_secret"])).json()
        assert [message["text"] for message in told["messages"]] == ["Kapan dipotong?", "Setiap tanggal satu."]
        assert {message["sent_at"][11:19] for message in told["messages"]} == {"00:00:00"}
        at_desk = await seen(holder(api), f"/v1/complaints/{shown['id']}/messages")
        assert [message["text"] for message in at_desk["items"]] == ["Kapan dipotong?", "Setiap tanggal satu."]
        kept = await owner.fetch("SELECT text FROM complaint_messages WHERE complaint_id = $1", UUID(shown["id"]))
        sealed = keyring(api).sealed
        assert {bytes(row["text"])[: len(sealed.head)] for row in kept} == {sealed.head}


class TestSight:
    """Who finds a sealed report, and that nothing of anybody else's moves by it."""

    ONLOOKERS: Mapping[str, dict[str, Any]] = {
        "facilitator": {},
        "puskesos_officer": {},
        "puskesos_coordinator": {},
        "supervisor": {},
        "secretariat_officer": {},
        "secretariat_manager": {},
        "social_office": {},
        "auditor": {},
        "province_office": {},
        "national_office": {"areas": []},
        "integrity_officer": {"area": "33.27"},
    }

    @pytest.mark.parametrize("role", ONLOOKERS)
    async def test_others_find_nothing_and_no_count_moves(self, api: Api, role: str) -> None:
        client = api.as_(role, **{**self.ONLOOKERS[role], "subject": f"onlooker {role}"})

        async def looked() -> list[Any]:
            found: list[Any] = []
            for path in (
                "/v1/complaints?include_total=true&limit=1",
                "/v1/complaints?include_total=true&limit=1&nature=WHISTLEBLOWING",
                f"/v1/complaints?include_total=true&limit=1&area_code={VILLAGE}",
                "/v1/complaints/counts?by=NATURE",
                "/v1/complaints/counts?by=STATUS&area_code=33.26.01.2001",
            ):
                answer = await client.get(path)
                told = answer.json()
                told.pop("trace_id", None)
                found.append((answer.status_code, told))
            text = '{ complaints(first: 1, nature: "WHISTLEBLOWING") { totalCount pageInfo { hasNextPage } } }'
            answered = (await client.post("/graphql", json={"query": text})).json()
            found.append(answered.get("data"))
            return found

        before = await looked()
        shown = await reported(api)
        assert await looked() == before
        for path in ("", "/history", "/clocks", "/messages", "/similar", "/sealed-accesses", "/links"):
            answer = await client.get(f"/v1/complaints/{shown['id']}{path}")
            assert answer.status_code in {403, 404}, (path, answer.text)
            unknown = await client.get(f"/v1/complaints/{new_id(Kind.COMPLAINT, 3326, coarse=True)}{path}")
            assert (answer.status_code, answer.json()["code"]) == (unknown.status_code, unknown.json()["code"])
        node = await client.post("/graphql", json={"query": f'{{ node(id: "{shown["id"]}") {{ id }} }}'})
        assert node.json()["data"] == {"node": None}

    async def test_the_accused_office_and_person_find_nothing(self, api: Api, owner: asyncpg.Connection) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        person = household["members"][0]["person_id"]
        office = uuid4()
        shown = await reported(api, accused_person_id=person)
        for claims, status in (({}, 200), ({"person": person}, 404), ({"person": uuid4()}, 200)):
            answer = await holder(api, **claims).get(f"/v1/complaints/{shown['id']}")
            assert answer.status_code == status, claims
        await owner.execute(
            "UPDATE complaints SET accused_organization_id = $1 WHERE id = $2", office, UUID(shown["id"])
        )
        accused = holder(api, organization=office)
        assert (await accused.get(f"/v1/complaints/{shown['id']}")).status_code == 404
        listed = (await seen(accused, "/v1/complaints?limit=200"))["items"]
        assert shown["id"] not in {each["id"] for each in listed}
        assert (await holder(api, organization=uuid4()).get(f"/v1/complaints/{shown['id']}")).status_code == 200

    @pytest.mark.parametrize("accused", ["organization", "person"])
    async def test_that_it_was_read_is_not_told_to_whom_it_accuses(
        self, api: Api, owner: asyncpg.Connection, accused: str
    ) -> None:
        """Neither by REST nor by GraphQL, of the report, a request for its identity, or the record of a reading."""
        ids = {"organization": (await organization(api, "LEGAL_AID"))["id"]}
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        ids["person"] = household["members"][0]["person_id"]
        shown = await reported(api, **{f"accused_{accused}_id": ids[accused]})
        flush = api.app.state.service.platform.accesses.flush
        independent, of_accused = holder(api), holder(api, f"wbs-{uuid4()}", **{accused: ids[accused]})
        asked = await independent.post("/v1/sealed-accesses", json={"complaint_id": shown["id"], **PURPOSE})
        about = [shown["id"], asked.json()["id"]]
        for path in (f"complaints/{about[0]}", f"complaints/{about[0]}/history", f"sealed-accesses/{about[1]}"):
            await seen(independent, f"/v1/{path}")
        query = f'{{ complaint(id: "{about[0]}") {{ id }} }}'
        assert (await independent.post("/graphql", json={"query": query})).json()["data"]["complaint"]["id"] == about[0]
        await flush()
        [first, *_] = (await seen(independent, f"/v1/audit/accesses?resource_id={about[0]}"))["items"]
        about.append(first["id"])
        await seen(independent, f"/v1/audit/accesses/{first['id']}")
        await flush()
        for id_, number in zip(about, (3, 1, 1), strict=True):
            path = f"/v1/audit/accesses?resource_id={id_}&include_total=true"
            graph = {
                "query": f'{{ auditAccesses(resourceId: "{id_}", first: 9) {{ totalCount edges {{ node {{ id }} }} }} }}'
            }
            found = await seen(independent, path)
            assert (len(found["items"]), found["total"]) == (number, number)
            told = (await independent.post("/graphql", json=graph)).json()["data"]["auditAccesses"]
            assert (told["totalCount"], len(told["edges"])) == (number, number)
            for record in found["items"]:
                assert (await of_accused.get(f"/v1/audit/accesses/{record['id']}")).status_code == 404
            hidden = await seen(of_accused, path)
            assert (hidden["items"], hidden["total"]) == ([], 0)
            told = (await of_accused.post("/graphql", json=graph)).json()["data"]["auditAccesses"]
            assert told == {"totalCount": 0, "edges": []}
        # The control: without whom it accuses the record would be there.
        await owner.execute(f"UPDATE accesses SET accused_{accused}_id = NULL WHERE resource_id = $1", UUID(about[0]))
        assert len((await seen(of_accused, f"/v1/audit/accesses?resource_id={about[0]}"))["items"]) == 3

    async def test_a_list_that_others_read_does_not_tell_how_many_reports_there_are(self, api: Api) -> None:
        """Else an accused office would count those that it does not see."""
        subject = f"wbs-{uuid4()}"
        reader = holder(api, subject)
        for path in ("/v1/complaints", "/v1/sealed-accesses"):
            await seen(reader, path)
        await api.app.state.service.platform.accesses.flush()
        records = (await seen(holder(api), f"/v1/audit/accesses?actor=http://api.test%23{subject}"))["items"]
        assert [(each["resource_id"], each["rows"]) for each in records] == [(None, None)] * 2

    async def test_without_an_office_or_an_end_a_grant_is_of_no_use(self, api: Api) -> None:
        grant = {"role": "integrity_officer", "areas": ["33.26"], "programs": [], "person": None}
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        for changes in (
            {"organization": None, "valid_until": until},
            {"organization": str(INSPECTORATE), "valid_until": None},
        ):
            answer = await api.as_("integrity_officer", grants=[{**grant, **changes}]).get("/v1/complaints")
            problem(answer, 403, "grant_unusable")

    async def test_who_handles_them_sees_no_other_complaint(self, api: Api) -> None:
        shown, other = await reported(api), await filed(api)
        listed = (await seen(holder(api), "/v1/complaints?limit=200&sort=-id"))["items"]
        assert {each["confidentiality"] for each in listed} == {"SEALED"}
        assert shown["id"] in {each["id"] for each in listed}
        assert (await holder(api).get(f"/v1/complaints/{other['id']}")).status_code == 404
        problem(await holder(api).get("/v1/households"), 403, "role_not_allowed")

    async def test_a_merge_in_either_direction_finds_nothing(self, api: Api) -> None:
        shown, other = await reported(api), await filed(api)
        client = api.as_("secretariat_manager")
        refused = await act(client, other, "MERGE", merge_into=shown["id"], reason="Sama", expect=422)
        unknown = str(new_id(Kind.COMPLAINT, 3326, coarse=True))
        likewise = await act(client, other, "MERGE", merge_into=unknown, reason="Sama", expect=422)
        assert {**refused, "trace_id": ""} == {**likewise, "trace_id": ""}
        report = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        await act(holder(api), report, "MERGE", merge_into=other["id"], reason="Sama", expect=422)


class TestHandling:
    async def test_what_is_said_stands_under_the_keys_of_sealed_reports(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        shown = await reported(api, detail="Terjadi setiap bulan di balai desa.")
        report = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        assert (report["summary"], report["detail"]) == (SUMMARY, "Terjadi setiap bulan di balai desa.")
        assert report["reporter_name"] is None
        assert "FORWARD" not in report["allowed_actions"]
        report = await act(holder(api), report, "TRIAGE", nature="GRIEVANCE", reason="Bukan laporan integritas")
        report = await act(holder(api), report, "START")
        told = "Uang dikembalikan."
        report = await act(holder(api), report, "RESOLVE", resolution=told, service_realized=True)
        assert report["resolution"] == "Uang dikembalikan."
        tracked = (await track(api, shown["receipt"], shown["receipt_secret"])).json()
        assert (tracked["status"], tracked["resolution"]) == ("RESOLVED", "Uang dikembalikan.")
        history = (await seen(holder(api), f"/v1/complaints/{shown['id']}/history"))["items"]
        assert [each["type"] for each in history][:2] == ["complaint.filed", "complaint.triaged"]
        assert history[1]["texts"] == {"reason": "Bukan laporan integritas"}
        assert {each["at"][11:19] for each in history} == {"00:00:00"}
        revisions = await owner.fetch("SELECT values::text FROM revisions WHERE aggregate_id = $1", UUID(shown["id"]))
        told = "".join(row["values"] for row in revisions)
        assert not [text for text in (SUMMARY, "Uang dikembalikan", "Bukan laporan") if text in told]

    async def test_the_database_refuses_a_sealed_row_that_says_more(self, api: Api, owner: asyncpg.Connection) -> None:
        shown = await reported(api)
        id_ = UUID(shown["id"])
        for change in (
            "summary = 'Kepala desa'",
            "reporter_name = '\\x00'",
            "reporter_id = gen_random_uuid()",
            "household_id = gen_random_uuid()",
            "resolution = 'Selesai'",
            "received_by = 'http://api.test#facilitator'",
            "received_at = received_at + interval '1 hour'",
            "sealed = false",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await owner.execute(f"UPDATE complaints SET {change} WHERE id = $1", id_)
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("UPDATE events SET trace_id = repeat('1', 32) WHERE aggregate_id = $1", id_)

    async def test_a_step_that_forgets_the_veil_is_refused_by_the_database(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown = await reported(api)
        report = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        monkeypatch.setattr(Transaction, "veiled", lambda self, actor=None: self)
        answer = await holder(api).post(
            f"/v1/complaints/{shown['id']}/transitions",
            json={"action": "START"},
            headers={"if-match": f'"{report["version"]}"'},
        )
        monkeypatch.undo()
        assert answer.status_code == 500
        again = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        assert (again["status"], again["version"]) == ("RECEIVED", 1)

    async def test_its_acts_are_counted_in_no_metric(self, api: Api) -> None:
        async def counted() -> set[str]:
            registry = api.app.state.service.platform.count.__self__.registry
            return {
                f"{sample.labels} {sample.value}"
                for metric in registry.collect()
                for sample in metric.samples
                if sample.name == "slrt_acts_total" and "complaints" in sample.labels["use_case"]
            }

        before = await counted()
        shown = await reported(api)
        report = await seen(holder(api), f"/v1/complaints/{shown['id']}")
        await act(holder(api), report, "START")
        assert await counted() == before
        await filed(api)
        assert await counted() != before


class TestIdentity:
    """Two persons: one asks, another grants, the first is shown it, once."""

    async def asked(self, api: Api, shown: Mapping[str, Any], subject: str = "wbs-1", **changes: Any) -> dict[str, Any]:
        answer = await holder(api, subject).post(
            "/v1/sealed-accesses", json={"complaint_id": shown["id"], **PURPOSE, **changes}
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def step(
        self, client: httpx.AsyncClient, access: Mapping[str, Any], action: str, *, expect: int = 200, **members: Any
    ) -> dict[str, Any]:
        answer = await client.post(
            f"/v1/sealed-accesses/{access['id']}/transitions",
            json={"action": action, **members},
            headers={"if-match": f'"{access["version"]}"'},
        )
        assert answer.status_code == expect, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def reveal(self, client: httpx.AsyncClient, access: Mapping[str, Any], **headers: str) -> httpx.Response:
        return await client.post(
            f"/v1/sealed-accesses/{access['id']}/reveal", headers={"if-match": f'"{access["version"]}"', **headers}
        )

    async def test_nobody_grants_the_own_request(self, api: Api) -> None:
        person = uuid4()
        shown = await reported(api)
        answer = await holder(api, person=person).post(
            "/v1/sealed-accesses", json={"complaint_id": shown["id"], **PURPOSE}
        )
        access = answer.json()
        assert access["allowed_actions"] == ["WITHDRAW"]
        told = await self.step(holder(api, person=person), access, "GRANT", expect=409)
        assert told["code"] == "sealed_access_own"
        # Under another account of the same person neither.
        told = await self.step(holder(api, "wbs-1-again", person=person), access, "GRANT", expect=409)
        assert told["code"] == "sealed_access_own"
        other = holder(api, "wbs-2", person=uuid4())
        assert (await seen(other, f"/v1/sealed-accesses/{access['id']}"))["allowed_actions"] == ["GRANT", "REFUSE"]

    async def test_before_the_grant_nothing_is_shown(self, api: Api) -> None:
        access = await self.asked(api, await reported(api))
        problem(await self.reveal(holder(api), access), 409, "transition_not_allowed")

    async def test_another_one_grants_and_whoever_asked_is_shown_it_once(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        shown = await reported(api)
        access = await self.asked(api, shown)
        granted = await self.step(holder(api, "wbs-2"), access, "GRANT")
        assert (granted["status"], granted["active"]) == ("GRANTED", True)
        problem(await self.reveal(holder(api, "wbs-2"), granted), 409, "sealed_access_of_another")
        key = {"idempotency-key": str(uuid4())}
        answer = await self.reveal(holder(api), granted, **key)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.json() == {
            "complaint_id": shown["id"],
            "reporter_name": NAME,
            "reporter_phone": PHONE,
            "details": {"identifying_details": DETAILS, "reporter_relation": "SELF"},
        }
        for headers in ({}, key):
            again = await self.reveal(holder(api), {**granted, "version": granted["version"] + 1}, **headers)
            problem(again, 409, "transition_not_allowed")
        assert (await self.reveal(holder(api), granted, **key)).status_code == 412
        record = await owner.fetchrow(
            "SELECT * FROM accesses WHERE operation = 'sealed_accesses.reveal' ORDER BY at DESC"
        )
        assert record is not None
        assert (record["purpose"], record["sealed"], record["resource_id"]) == ("PROTECTION", True, UUID(shown["id"]))
        assert record["actor"].endswith("#wbs-1")
        tracked = (await track(api, shown["receipt"], shown["receipt_secret"])).json()
        assert tracked["timeline"][-1]["type"] == "complaint.identity_shown"
        assert tracked["timeline"][-1]["at"][11:19] == "00:00:00"
        events = await owner.fetch(
            "SELECT body FROM events WHERE aggregate_id = ANY ($1::uuid[])", [UUID(access["id"]), UUID(shown["id"])]
        )
        told = b"".join(row["body"] for row in events)
        assert not [text for text in (NAME, PHONE, DETAILS, PURPOSE["reason"]) if text.encode() in told]

    async def test_an_auditor_does_not_see_the_record_and_the_unit_does(self, api: Api) -> None:
        shown = await reported(api)
        await seen(holder(api), f"/v1/complaints/{shown['id']}")
        await api.app.state.service.platform.accesses.flush()
        path = f"/v1/audit/accesses?resource_id={shown['id']}"
        assert (await seen(api.as_("auditor"), path))["items"] == []
        assert [each["operation"] for each in (await seen(holder(api), path))["items"]] == ["complaints.get"]

    async def test_a_grant_ends_by_itself(self, api: Api, owner: asyncpg.Connection) -> None:
        access = await self.asked(api, await reported(api), hours=1)
        granted = await self.step(holder(api, "wbs-2"), access, "GRANT")
        id_ = UUID(granted["id"])
        # One second before, at, and after.
        for left, expected in ((timedelta(0), 409), (timedelta(seconds=-1), 409)):
            await owner.execute("UPDATE sealed_accesses SET expires_at = now() + $2 WHERE id = $1", id_, left)
            problem(await self.reveal(holder(api), granted), expected, "sealed_access_expired")
        assert (await seen(holder(api), f"/v1/sealed-accesses/{id_}"))["active"] is False
        await owner.execute("UPDATE sealed_accesses SET expires_at = now() + interval '9 s' WHERE id = $1", id_)
        assert (await self.reveal(holder(api), granted)).status_code == 200

    async def test_what_was_revoked_refused_or_withdrawn_opens_nothing(self, api: Api) -> None:
        shown = await reported(api)
        for steps in (
            (("wbs-2", "GRANT"), ("wbs-3", "REVOKE")),
            (("wbs-2", "REFUSE"),),
            (("wbs-1", "WITHDRAW"),),
        ):
            access = await self.asked(api, shown)
            for subject, action in steps:
                reason = "Tidak perlu lagi" if action in {"REVOKE", "REFUSE"} else None
                access = await self.step(holder(api, subject), access, action, reason=reason)
            problem(await self.reveal(holder(api), access), 409, "transition_not_allowed")

    async def test_of_many_at_once_one_is_shown_it(self, api: Api) -> None:
        access = await self.asked(api, await reported(api))
        granted = await self.step(holder(api, "wbs-2"), access, "GRANT")
        answers = await asyncio.gather(*(self.reveal(holder(api), granted) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [({"hours": 169}, "/hours"), ({"hours": 0}, "/hours"), ({"reason": "Ingin tahu"}, "/reason")],
    )
    async def test_a_request_is_short_and_says_why(self, api: Api, change: dict[str, Any], pointer: str) -> None:
        body = {"complaint_id": (await reported(api))["id"], **PURPOSE, **change}
        answer = await holder(api).post("/v1/sealed-accesses", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_one_request_of_a_caller_is_open_at_a_time(self, api: Api) -> None:
        shown = await reported(api)
        access = await self.asked(api, shown)
        body = {"complaint_id": shown["id"], **PURPOSE}
        problem(await holder(api).post("/v1/sealed-accesses", json=body), 409, "sealed_access_open")
        await self.step(holder(api), access, "WITHDRAW")
        await self.asked(api, shown)

    async def test_other_roles_other_regencies_and_the_accused_find_no_request(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        person = household["members"][0]["person_id"]
        access = await self.asked(api, await reported(api, accused_person_id=person))
        path = f"/v1/sealed-accesses/{access['id']}"
        for client, status in (
            (api.as_("secretariat_manager"), 404),
            (api.as_("auditor"), 404),
            (holder(api, area="33.27"), 404),
            (holder(api, person=person), 404),
            (holder(api, scopes=frozenset({"complaints:read", "complaints:handle"})), 403),
            (holder(api, "wbs-2"), 200),
        ):
            assert (await client.get(path)).status_code == status
        other = await filed(api)
        body = {"complaint_id": other["id"], **PURPOSE}
        answer = await holder(api).post("/v1/sealed-accesses", json=body)
        problem(answer, 422, "content_invalid", fault=("/complaint_id", "reference_not_found"))


class TestHidden:
    """What ANONYMOUS and CONFIDENTIAL promise."""

    async def test_an_anonymous_complaint_names_nobody_to_anybody(self, api: Api, owner: asyncpg.Connection) -> None:
        made = await filed(api, confidentiality="ANONYMOUS", reporter_name=None, reporter_phone=None)
        row = await owner.fetchrow("SELECT * FROM complaints WHERE id = $1", UUID(made["id"]))
        assert row is not None
        assert (row["reporter_name"], row["reporter_phone"]) == (None, None)
        handled = await seen(api.as_("puskesos_officer"), f"/v1/complaints/{made['id']}")
        assert (handled["reporter_name"], handled["reporter_phone"]) == (None, None)

    async def test_the_account_of_an_anonymous_citizen_is_shown_to_no_handler(self, api: Api) -> None:
        body = complaint_body(confidentiality="ANONYMOUS", reporter_name=None, reporter_phone=None)
        made = (await api.as_("citizen", subject="warga 7").post("/v1/complaints", json=body)).json()
        for role in ("puskesos_officer", "secretariat_manager"):
            history = await api.as_(role).get(f"/v1/complaints/{made['id']}/history")
            assert "warga 7" not in history.text
            assert str(subject_id("http://api.test#warga 7")) not in history.text
            assert "warga 7" not in (await api.as_(role).get(f"/v1/complaints/{made['id']}")).text

    async def test_a_confidential_one_names_its_complainant_to_handlers_only(self, api: Api) -> None:
        made = await filed(api)
        for role, name in (("puskesos_officer", "Siti Aminah"), ("facilitator", None), ("auditor", None)):
            found = await seen(api.as_(role), f"/v1/complaints/{made['id']}")
            assert found["reporter_name"] == name, role
        elsewhere = api.as_("facilitator", area=OTHER_VILLAGE)
        assert (await elsewhere.get(f"/v1/complaints/{made['id']}")).status_code == 404
