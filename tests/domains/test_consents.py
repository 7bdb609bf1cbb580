"""Consents and lawful bases over HTTP: what each purpose accepts, sharing with an LKS, and taking it back."""

import asyncio
from typing import Any

import asyncpg
import httpx
from tests.api import Api, household_body
from tests.domains.test_referrals import (
    JOB,
    NOTE,
    OFFICER,
    act,
    code,
    fault,
    made,
    organization,
    partner,
    version,
)

REASON = "Klien tidak dapat dihubungi dan tanpa tempat tinggal sejak banjir"
COORDINATOR = "puskesos_coordinator"


async def registered(api: Api) -> dict[str, Any]:
    return await made(await api.as_("facilitator").post("/v1/households", json=household_body()))


def person_of(family: dict[str, Any], position: int = 0) -> str:
    return str(family["members"][position]["person_id"])


def consent_body(family: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "person_id": person_of(family),
        "purpose": "PARTNER_SHARING",
        "basis": "CONSENT",
        "evidence": "SIGNED_FORM",
        **changes,
    }


async def recorded(api: Api, family: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return await made(await api.as_("facilitator").post("/v1/consents", json=consent_body(family, **changes)))


async def withdraw(client: httpx.AsyncClient, consent: dict[str, Any], **changes: Any) -> httpx.Response:
    return await client.post(
        f"/v1/consents/{consent['id']}/transitions",
        json={"action": "WITHDRAW", "reason": "Klien berubah pikiran", **changes},
        headers={"if-match": version(consent)},
    )


async def served(api: Api, family: dict[str, Any], *needs: tuple[str, str]) -> dict[str, Any]:
    """A case in service that is no emergency, with these needs of the head of the family."""
    officer, coordinator = api.as_(OFFICER), api.as_(COORDINATOR)
    case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
    path = f"/v1/cases/{case['id']}"

    async def post(client: httpx.AsyncClient, part: str, body: dict[str, Any]) -> None:
        nonlocal case
        case = await made(await client.post(f"{path}/{part}", json=body, headers={"if-match": version(case)}), 200)

    for action in ("VERIFY", "ASSESS"):
        await post(officer, "transitions", {"action": action})
    for domain, need in needs:
        body = {"person_id": person_of(family), "domain": domain, "need": need, "note": NOTE}
        await post(officer, "needs", body)
    found = {"instrument": "REGSOSEK2022K", "answers": {"304": 4}, "summary": "Perlu pekerjaan"}
    await post(officer, "assessments", found)
    await post(officer, "transitions", {"action": "RECOMMEND"})
    await post(coordinator, "transitions", {"action": "CONFIRM"})
    await post(officer, "transitions", {"action": "START_SERVICE"})
    return case


async def drafted(api: Api, case: dict[str, Any], position: int = 0) -> dict[str, Any]:
    body = {"case_id": case["id"], "need_id": case["needs"][position]["id"]}
    return await made(await api.as_(OFFICER).post("/v1/referrals", json=body))


async def chain(owner: asyncpg.Connection, table: str, id_: str) -> list[str]:
    """Types of the events of an aggregate, once their sequence has been compared with its version."""
    events = await owner.fetch("SELECT sequence, type FROM events WHERE aggregate_id = $1 ORDER BY sequence", id_)
    current = await owner.fetchval(f"SELECT version FROM {table} WHERE id = $1", id_)
    assert [event["sequence"] for event in events] == list(range(1, current + 1))
    return [event["type"] for event in events]


class TestRecord:
    async def test_who_may(self, api: Api) -> None:
        body = consent_body(await registered(api))
        for role in ("social_office", "auditor", "partner", "program_manager", "citizen", "administrator"):
            claims = (
                {"organization": person_of(await registered(api))} if role in {"partner", "program_manager"} else {}
            )
            if role == "program_manager":
                claims["programs"] = [claims["organization"]]  # type: ignore[assignment]
            assert code(await api.as_(role, **claims).post("/v1/consents", json=body)) == (403, "scope_missing"), role

    async def test_a_purpose_accepts_its_bases_only(self, api: Api) -> None:
        family = await registered(api)
        facilitator = api.as_("facilitator")
        for change, pointer, expected in (
            ({"basis": "PUBLIC_TASK", "evidence": None}, "/basis", "basis_not_for_purpose"),
            ({"purpose": "CASE_WORK"}, "/basis", "basis_not_for_purpose"),
            ({"purpose": "PHOTOS", "basis": "PUBLIC_TASK", "evidence": None}, "/basis", "basis_not_for_purpose"),
            ({"evidence": None}, "/evidence", "consent_evidence_required"),
            ({"basis": "VITAL_INTEREST", "evidence": None}, "/case_id", "required"),
            ({"purpose": "REGISTRY_CHECK", "basis": "PUBLIC_TASK"}, "/evidence", "invalid"),
            ({"given_at": "2126-01-01T00:00:00Z"}, "/given_at", "instant_in_future"),
            ({"purpose": "MAGIC"}, "/purpose", "unknown_code"),
            ({"person_id": family["id"]}, "/person_id", "reference_not_found"),
        ):
            answer = await facilitator.post("/v1/consents", json=consent_body(family, **change))
            assert fault(answer) == (422, pointer, expected), change

    async def test_the_case_must_be_of_the_persons_household(self, api: Api) -> None:
        family, other = await registered(api), await registered(api)
        case = await made(await api.as_(OFFICER).post("/v1/cases", json={"household_id": other["id"]}))
        answer = await api.as_(OFFICER).post("/v1/consents", json=consent_body(family, case_id=case["id"]))
        assert fault(answer) == (422, "/case_id", "reference_not_found")

    async def test_a_vital_interest_takes_an_emergency(self, api: Api) -> None:
        family = await registered(api)
        officer = api.as_(OFFICER)
        case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
        body = consent_body(family, basis="VITAL_INTEREST", evidence=None, case_id=case["id"])
        assert code(await officer.post("/v1/consents", json=body)) == (409, "case_not_emergency")
        body["case_id"] = (
            await made(await officer.post("/v1/cases", json={"household_id": family["id"], "emergency": True}))
        )["id"]
        assert (await made(await officer.post("/v1/consents", json=body)))["basis"] == "VITAL_INTEREST"

    async def test_is_read_back_with_its_household(self, api: Api, owner: asyncpg.Connection) -> None:
        family = await registered(api)
        consent = await recorded(api, family, evidence_note="Formulir 12/2026")
        assert {name: consent[name] for name in ("status", "evidence", "case_id", "household_id", "area_code")} == {
            "status": "GIVEN",
            "evidence": "SIGNED_FORM",
            "case_id": None,
            "household_id": family["id"],
            "area_code": family["area_code"],
        }
        assert consent["allowed_actions"] == ["WITHDRAW"]
        officer = api.as_(OFFICER)
        for path in (
            f"/v1/consents?person_id={person_of(family)}&purpose=PARTNER_SHARING&status=GIVEN",
            f"/v1/households/{family['id']}/consents",
        ):
            assert [item["id"] for item in (await officer.get(path)).json()["items"]] == [consent["id"]], path
        included = (await officer.get(f"/v1/households/{family['id']}?include=consents")).json()["consents"]
        assert [item["id"] for item in included] == [consent["id"]]
        assert (await officer.get(f"/v1/consents/{consent['id']}")).json()["recorded_by"].endswith("33.26.01.2001")
        assert await chain(owner, "consents", consent["id"]) == ["consent.recorded"]

    async def test_an_equal_one_that_stands_is_refused_and_a_retry_is_not(self, api: Api) -> None:
        family = await registered(api)
        client, body, key = api.as_("facilitator"), consent_body(family), {"idempotency-key": "c" + person_of(family)}
        first = await client.post("/v1/consents", json=body, headers=key)
        again = await client.post("/v1/consents", json=body, headers=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert code(await client.post("/v1/consents", json=body)) == (409, "already_exists")
        assert (await withdraw(client, first.json())).status_code == 200
        assert (await client.post("/v1/consents", json=body)).status_code == 201


class TestCaseBasis:
    async def bases(self, api: Api, case: dict[str, Any]) -> list[tuple[str, str, str | None]]:
        listed = (await api.as_(OFFICER).get(f"/v1/cases/{case['id']}/consents?sort=id")).json()["items"]
        return [(item["purpose"], item["basis"], item["person_id"]) for item in listed]

    async def test_is_recorded_when_the_case_is_opened(self, api: Api, owner: asyncpg.Connection) -> None:
        family = await registered(api)
        officer = api.as_(OFFICER)
        plain = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
        assert await self.bases(api, plain) == [("CASE_WORK", "PUBLIC_TASK", None)]
        urgent = await made(await officer.post("/v1/cases", json={"household_id": family["id"], "emergency": True}))
        assert await self.bases(api, urgent) == [("CASE_WORK", "VITAL_INTEREST", None)]
        id_ = await owner.fetchval("SELECT id FROM consents WHERE case_id = $1", plain["id"])
        assert await chain(owner, "consents", str(id_)) == ["consent.recorded"]

    async def test_an_emergency_adds_the_vital_interest_once(self, api: Api) -> None:
        family = await registered(api)
        officer = api.as_(OFFICER)
        for emergency, expected in (
            (False, [("CASE_WORK", "PUBLIC_TASK", None), ("CASE_WORK", "VITAL_INTEREST", None)]),
            (True, [("CASE_WORK", "VITAL_INTEREST", None)]),
        ):
            body = {"household_id": family["id"], "emergency": emergency}
            case = await made(await officer.post("/v1/cases", json=body))
            step = {"action": "MARK_EMERGENCY", "reason": "Tidak ada makanan"}
            url = f"/v1/cases/{case['id']}/transitions"
            await made(await officer.post(url, json=step, headers={"if-match": version(case)}), 200)
            assert await self.bases(api, case) == expected

    async def test_cannot_be_withdrawn(self, api: Api) -> None:
        family = await registered(api)
        officer = api.as_(OFFICER)
        case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
        [basis] = (await officer.get(f"/v1/cases/{case['id']}/consents")).json()["items"]
        assert basis["allowed_actions"] == []
        assert code(await withdraw(officer, basis)) == (409, "basis_not_withdrawable")


def rule(item: dict[str, Any], name: str) -> bool:
    """The outcome of one rule of a candidate's route."""
    found: bool = next(each["outcome"] for each in item["route"] if each["rule"] == name)
    return found


class TestSharing:
    async def test_an_lks_needs_consent(self, api: Api) -> None:
        family, lks = await registered(api), await organization(api, JOB[1], capacity=2)
        draft = await drafted(api, await served(api, family, JOB))
        officer = api.as_(OFFICER)
        refused = await act(officer, draft, "SEND", organization_id=lks["id"])
        assert code(refused) == (409, "consent_required")
        await recorded(api, family, person_id=person_of(family, 1), evidence="GUARDIAN_SIGNED")
        assert code(await act(officer, draft, "SEND", organization_id=lks["id"])) == (409, "consent_required")
        await recorded(api, family)
        told = await made(await act(officer, draft, "SEND", organization_id=lks["id"]), 200)
        assert (told["status"], told["package"]["basis"], told["package"]["name"]) == ("SENT", "CONSENT", "Siti Aminah")
        assert {"rule": "consent", "outcome": True} in told["route"]
        assert (await partner(api, lks).get(f"/v1/referrals/{draft['id']}")).json()["package"]["basis"] == "CONSENT"

    async def test_consent_for_one_case_says_nothing_of_another(self, api: Api) -> None:
        family, lks = await registered(api), await organization(api, JOB[1])
        first, second = await served(api, family, JOB), await served(api, family, JOB)
        await recorded(api, family, case_id=first["id"])
        officer = api.as_(OFFICER)
        other = await drafted(api, second)
        assert code(await act(officer, other, "SEND", organization_id=lks["id"])) == (409, "consent_required")
        await made(await act(officer, await drafted(api, first), "SEND", organization_id=lks["id"]), 200)

    async def test_the_government_needs_none(self, api: Api) -> None:
        family, office = await registered(api), await organization(api, JOB[1], kind="OPD")
        draft = await drafted(api, await served(api, family, JOB))
        told = await made(await act(api.as_(OFFICER), draft, "SEND", organization_id=office["id"]), 200)
        assert told["package"]["basis"] == "PUBLIC_TASK"

    async def test_candidates_tell_the_rule_and_routing_keeps_it(self, api: Api) -> None:
        need = ("ECONOMIC_EMPOWERMENT", "MICRO_CREDIT")
        family = await registered(api)
        lks = await organization(api, need[1])
        case = await served(api, family, need)
        draft = await drafted(api, case)
        officer = api.as_(OFFICER)

        async def judged() -> dict[str, tuple[bool, bool]]:
            listed = (await officer.get(f"/v1/referrals/{draft['id']}/candidates")).json()["items"]
            return {item["organization_id"]: (item["takes"], rule(item, "consent")) for item in listed}

        assert (await judged())[lks["id"]] == (False, False)
        assert code(await act(officer, draft, "SEND", routing="AUTO")) == (409, "consent_required")
        body = {"case_id": case["id"], "need_id": case["needs"][0]["id"], "routing": "AUTO"}
        left = await officer.post("/v1/referrals", json=body)
        assert (code(left), left.headers["location"]) == ((409, "consent_required"), f"/v1/referrals/{draft['id']}")
        office = await organization(api, need[1], kind="OPD", capacity=1)
        assert (await judged())[office["id"]] == (True, True)
        await recorded(api, family)
        assert (await judged())[lks["id"]] == (True, True)
        told = await made(await act(officer, draft, "SEND", routing="AUTO"), 200)
        assert told["organization_id"] == lks["id"]

    async def test_an_emergency_shares_by_vital_interest_unless_the_person_said_no(self, api: Api) -> None:
        family, lks = await registered(api), await organization(api, JOB[1])
        case = await served(api, family, JOB)
        officer = api.as_(OFFICER)
        urgent = await made(await officer.post("/v1/cases", json={"household_id": family["id"], "emergency": True}))
        step = {"action": "MARK_EMERGENCY", "reason": "Tidak ada makanan"}
        path = f"/v1/cases/{urgent['id']}"
        urgent = await made(await officer.post(f"{path}/transitions", json=step, headers={"if-match": '"1"'}), 200)
        for _ in range(2):
            body = {"person_id": person_of(family), "domain": JOB[0], "need": JOB[1]}
            urgent = await made(
                await officer.post(f"{path}/needs", json=body, headers={"if-match": version(urgent)}), 200
            )
        first, second = await drafted(api, urgent), await drafted(api, urgent, 1)
        told = await made(await act(officer, first, "SEND", organization_id=lks["id"]), 200)
        assert told["package"]["basis"] == "VITAL_INTEREST"
        consent = await recorded(api, family)
        await made(await withdraw(officer, consent), 200)
        assert code(await act(officer, second, "SEND", organization_id=lks["id"])) == (409, "consent_required")
        ordinary = await drafted(api, case)
        assert code(await act(officer, ordinary, "SEND", organization_id=lks["id"])) == (409, "consent_required")
        await recorded(api, family, basis="VITAL_INTEREST", evidence=None, case_id=urgent["id"])
        told = await made(await act(officer, second, "SEND", organization_id=lks["id"]), 200)
        assert told["package"]["basis"] == "VITAL_INTEREST"


class TestOverride:
    async def test_who_may(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        draft = await drafted(api, await served(api, await registered(api), JOB))
        asked = {"organization_id": lks["id"], "override_reason": REASON}
        assert code(await act(api.as_(OFFICER), draft, "SEND", **asked)) == (403, "scope_missing")
        secretariat = api.as_("secretariat_officer")
        assert code(await act(secretariat, draft, "SEND", **asked)) == (403, "role_not_allowed")
        coordinator = api.as_(COORDINATOR)
        assert fault(await act(coordinator, draft, "SEND", **{**asked, "override_reason": "Perlu"})) == (
            422,
            "/override_reason",
            "length",
        )
        wrong = await act(coordinator, draft, "REVOKE", reason="Salah", override_reason=REASON)
        assert fault(wrong) == (422, "/override_reason", "not_for_this_action")

    async def test_is_recorded_and_seen_by_office_and_auditor(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1])
        draft = await drafted(api, await served(api, await registered(api), JOB))
        coordinator = api.as_(COORDINATOR)
        told = await made(await act(coordinator, draft, "SEND", organization_id=lks["id"], override_reason=REASON), 200)
        assert (told["status"], told["package"]["basis"]) == ("SENT", "OVERRIDE")
        query = f"/v1/access-overrides?resource_id={draft['id']}"
        for role in ("auditor", "secretariat_manager", "social_office", OFFICER):
            [found] = (await api.as_(role).get(query)).json()["items"]
            assert (found["type"], found["status"], found["reason"]) == ("SHARING", "RECORDED", REASON)
            assert (found["asked_as"], found["active"], found["allowed_actions"]) == (COORDINATOR, False, [])
        assert code(await api.as_("facilitator").get(query)) == (403, "scope_missing")
        assert (await api.as_("auditor", area="33.27").get(query)).json()["items"] == []
        assert (await api.as_("secretariat_manager", area="33.27").get(query)).json()["items"] == []
        assert await chain(owner, "access_overrides", found["id"]) == ["access_override.recorded"]
        history = (await api.as_("auditor").get(f"/v1/access-overrides/{found['id']}/history")).json()["items"]
        assert [(entry["type"], entry["role"]) for entry in history] == [("access_override.recorded", COORDINATOR)]

    async def test_nothing_is_recorded_where_none_was_needed(self, api: Api, owner: asyncpg.Connection) -> None:
        family = await registered(api)
        case = await served(api, family, JOB, JOB)
        office, lks = await organization(api, JOB[1], kind="OPD"), await organization(api, JOB[1])
        coordinator = api.as_(COORDINATOR)
        first, second = await drafted(api, case), await drafted(api, case, 1)
        await made(await act(coordinator, first, "SEND", organization_id=office["id"], override_reason=REASON), 200)
        await recorded(api, family)
        await made(await act(coordinator, second, "SEND", organization_id=lks["id"], override_reason=REASON), 200)
        query = "SELECT count(*) FROM access_overrides WHERE resource_id = ANY ($1::uuid[])"
        assert await owner.fetchval(query, [first["id"], second["id"]]) == 0


class TestWithdrawal:
    async def test_refusals(self, api: Api) -> None:
        consent = await recorded(api, await registered(api))
        officer = api.as_(OFFICER)
        url = f"/v1/consents/{consent['id']}/transitions"
        body = {"action": "WITHDRAW", "reason": "Klien berubah pikiran"}
        assert (await officer.post(url, json=body)).status_code == 428
        assert (await officer.post(url, json=body, headers={"if-match": '"2"'})).status_code == 412
        assert fault(await withdraw(officer, consent, reason=None)) == (422, "/reason", "reason_required")
        assert fault(await withdraw(officer, consent, action="GIVE")) == (422, "/action", "unknown_code")
        assert code(await withdraw(api.as_("social_office"), consent)) == (403, "scope_missing")
        assert (await withdraw(api.as_(OFFICER, area="33.26.01.2002"), consent)).status_code == 404
        told = await made(await withdraw(officer, consent), 200)
        assert (told["status"], told["allowed_actions"], told["version"]) == ("WITHDRAWN", [], 2)
        assert code(await withdraw(officer, told)) == (409, "transition_not_allowed")

    async def test_empties_packages_of_every_lks_at_once(self, api: Api, owner: asyncpg.Connection) -> None:
        family = await registered(api)
        lks, other = await organization(api, JOB[1]), await organization(api, JOB[1])
        office = await organization(api, JOB[1], kind="OPD")
        case = await served(api, family, JOB, JOB, JOB)
        consent = await recorded(api, family)
        officer = api.as_(OFFICER)
        running = []
        for position, receiver in enumerate((lks, other, office)):
            draft = await drafted(api, case, position)
            running.append(await made(await act(officer, draft, "SEND", organization_id=receiver["id"]), 200))
        accepted = await made(await act(partner(api, other), running[1], "ACCEPT"), 200)
        assert accepted["package"]["name"] == "Siti Aminah"
        await made(await withdraw(officer, consent), 200)
        empty = dict.fromkeys(("name", "birth_date", "sex", "address", "nik", "need_note"))
        for receiver, referral, status in ((lks, running[0], "SENT"), (other, running[1], "APPROVED")):
            seen = (await partner(api, receiver).get(f"/v1/referrals/{referral['id']}")).json()
            assert {name: seen["package"][name] for name in empty} == empty
            assert seen["package"]["emptied_at"] is not None
            assert seen["status"] == status
            history = (await officer.get(f"/v1/referrals/{referral['id']}/history")).json()["items"]
            assert history[-1]["type"] == "referral.package_emptied"
            assert (await chain(owner, "referrals", referral["id"]))[-1] == "referral.package_emptied"
        kept = (await partner(api, office).get(f"/v1/referrals/{running[2]['id']}")).json()
        assert (kept["package"]["name"], kept["package"]["emptied_at"]) == ("Siti Aminah", None)
        assert await chain(owner, "consents", consent["id"]) == ["consent.recorded", "consent.withdrawn"]
        current = (await partner(api, other).get(f"/v1/referrals/{running[1]['id']}")).json()
        done = await act(partner(api, other), current, "REALIZE", evidence="Sudah bekerja")
        assert done.status_code == 204

    async def test_of_one_case_leaves_the_others(self, api: Api) -> None:
        family, lks = await registered(api), await organization(api, JOB[1])
        cases = [await served(api, family, JOB) for _ in range(2)]
        consents = [await recorded(api, family, case_id=case["id"]) for case in cases]
        officer = api.as_(OFFICER)
        sent = [
            await made(await act(officer, await drafted(api, case), "SEND", organization_id=lks["id"]), 200)
            for case in cases
        ]
        await made(await withdraw(officer, consents[0]), 200)
        names = [
            (await partner(api, lks).get(f"/v1/referrals/{each['id']}")).json()["package"]["name"] for each in sent
        ]
        assert names == [None, "Siti Aminah"]

    async def test_of_another_purpose_empties_nothing(self, api: Api) -> None:
        family, lks = await registered(api), await organization(api, JOB[1])
        await recorded(api, family)
        photos = await recorded(api, family, purpose="PHOTOS")
        draft = await drafted(api, await served(api, family, JOB))
        await made(await act(api.as_(OFFICER), draft, "SEND", organization_id=lks["id"]), 200)
        await made(await withdraw(api.as_(OFFICER), photos), 200)
        seen = (await partner(api, lks).get(f"/v1/referrals/{draft['id']}")).json()
        assert seen["package"]["name"] == "Siti Aminah"

    async def test_and_sending_at_the_same_moment_leave_nothing_behind(self, api: Api) -> None:
        """Whichever comes first: refused, or sent and emptied."""
        lks = await organization(api, JOB[1])
        officer = api.as_(OFFICER)
        for _ in range(4):
            family = await registered(api)
            consent = await recorded(api, family)
            draft = await drafted(api, await served(api, family, JOB))
            sent, withdrawn = await asyncio.gather(
                act(officer, draft, "SEND", organization_id=lks["id"]), withdraw(officer, consent)
            )
            assert withdrawn.status_code == 200
            if sent.status_code == 409:
                assert code(sent) == (409, "consent_required")
                continue
            seen = (await partner(api, lks).get(f"/v1/referrals/{draft['id']}")).json()
            assert (sent.status_code, seen["package"]["name"]) == (200, None)
