"""Eligibility checks over HTTP: answers with reasons, kept, repeated to the byte, and looked at by a human."""

from typing import Any

import asyncpg
import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, Api
from tests.domains.test_consents import chain, person_of
from tests.domains.test_referrals import code, fault, made
from tests.programs import (
    MANAGER,
    OWNS_HOUSE,
    answered,
    criterion,
    drafted,
    family,
    founded,
    published,
    rule_of,
    step,
)
from tests.sizes import size

from slrt_api.programs.service import rules

OFFICER = "puskesos_officer"
PREGNANT = criterion(
    "PREGNANT",
    {"type": "count", "at_least": 1, "where": {"type": "compare", "fact": "pregnant", "op": "=", "value": True}},
)
CIVIL_SERVANT = criterion(
    "CIVIL_SERVANT",
    {"type": "count", "at_least": 1, "where": {"type": "compare", "fact": "civil_servant", "op": "=", "value": True}},
)


async def check(
    api: Api, household: dict[str, Any], *codes: str, role: str = OFFICER, **changes: Any
) -> dict[str, Any]:
    body: dict[str, Any] = {"household_id": household["id"], "as_of": "2026-11-22", **changes}
    if codes:
        body["program_codes"] = list(codes)
    return await made(await api.as_(role).post("/v1/eligibility-checks", json=body))


async def governed(api: Api, *requirements: dict[str, Any], **changes: Any) -> str:
    """The code of a program with a published rule."""
    program = await founded(api)
    await published(api, program, rule_of(program, *requirements, **changes))
    return str(program["code"])


class TestRefusals:
    async def test_who_may_not(self, api: Api) -> None:
        household = await family(api)
        for role, expected in (
            ("auditor", (403, "scope_missing")),
            ("citizen", (403, "scope_missing")),
            ("administrator", (403, "scope_missing")),
            ("province_office", (403, "scope_missing")),
        ):
            answer = await api.as_(role).post("/v1/eligibility-checks", json={"household_id": household["id"]})
            assert code(answer) == expected, role

    async def test_a_household_out_of_sight_is_as_one_that_is_not(self, api: Api) -> None:
        household = await family(api, OTHER_REGENCY_VILLAGE)
        answer = await api.as_(OFFICER).post("/v1/eligibility-checks", json={"household_id": household["id"]})
        assert fault(answer) == (422, "/household_id", "reference_not_found")

    @pytest.mark.parametrize(
        ("body", "pointer", "expected"),
        [
            ({"program_codes": ["PKH", "NO-SUCH"]}, "/program_codes/1", "reference_not_found"),
            ({"program_codes": ["PKH", "PKH"]}, "/program_codes/1", "duplicate"),
            ({"program_codes": []}, "/program_codes", "items"),
            ({"as_of": "1900-01-01"}, "/as_of", "range"),
            ({"desil": 1}, "/desil", "unknown_member"),
        ],
    )
    async def test_what_is_wrong_is_said_where(
        self, api: Api, body: dict[str, Any], pointer: str, expected: str
    ) -> None:
        household = await family(api)
        answer = await api.as_(OFFICER).post("/v1/eligibility-checks", json={"household_id": household["id"], **body})
        assert fault(answer) == (422, pointer, expected)


class TestAnswer:
    async def test_what_is_not_known_is_missing_and_never_no(self, api: Api) -> None:
        program = await governed(api, OWNS_HOUSE)
        (line,) = (await check(api, await family(api), program))["results"]
        assert (line["outcome"], line["missing"], line["version"]) == ("INDETERMINATE", ["owns_house"], "2026.1")
        here, owns = line["criteria"]
        assert (here["outcome"], here["value"], here["source"]) == (True, "33.26.01.2001", "HOUSEHOLD")
        assert (owns["outcome"], owns["truth"], owns["value"]) == (None, "UNKNOWN", None)
        assert {each["outcome"] for each in line["would_change_if"] if each["criterion"] == "OWNS_HOUSE"} == {
            "ELIGIBLE",
            "INELIGIBLE",
        }

    async def test_tells_value_source_day_and_citation(self, api: Api) -> None:
        program = await governed(api, OWNS_HOUSE)
        household = await family(api)
        await answered(api, household, {"owns_house": "YES"})
        (line,) = (await check(api, household, program))["results"]
        assert line["outcome"] == "ELIGIBLE"
        owns = line["criteria"][1]
        assert {name: owns[name] for name in ("code", "outcome", "value", "source", "as_of", "citation")} == {
            "code": "OWNS_HOUSE",
            "outcome": True,
            "value": True,
            "source": "SLRT owns_house DECLARED",
            "as_of": "2026-11-01",
            "citation": "Perbup 12/2026, OWNS_HOUSE",
        }
        await answered(api, household, {"owns_house": "NO"})
        (line,) = (await check(api, household, program))["results"]
        assert line["outcome"] == "INELIGIBLE"
        changes = [(each["criterion"], each["becomes"], each["outcome"]) for each in line["would_change_if"]]
        assert changes == [("OWNS_HOUSE", "TRUE", "ELIGIBLE")]

    async def test_an_answer_of_the_ministrys_questionnaire_counts_too_and_the_newest_one_most(self, api: Api) -> None:
        program = await governed(api, OWNS_HOUSE)
        household = await family(api)
        await answered(api, household, {"301a": "1"}, "REGSOSEK2022K")
        (line,) = (await check(api, household, program))["results"]
        assert (line["criteria"][1]["value"], line["criteria"][1]["source"]) == (True, "REGSOSEK2022K 301a DECLARED")
        await answered(api, household, {"owns_house": "NO"})
        (line,) = (await check(api, household, program))["results"]
        assert line["criteria"][1]["value"] is False

    async def test_a_program_without_a_rule_is_indeterminate(self, api: Api) -> None:
        program = await founded(api)
        await drafted(api, program, rule_of(program))
        (line,) = (await check(api, await family(api), program["code"]))["results"]
        assert (line["outcome"], line["version"], line["missing"]) == ("INDETERMINATE", None, ["rule"])

    async def test_shipped_programs_are_judged_without_being_named(self, api: Api) -> None:
        lines = (await check(api, await family(api)))["results"]
        found = {line["program_code"]: line for line in lines}
        assert {"PKH", "SEMBAKO", "PBI-JK"} <= found.keys()
        # Of the capital alone: not judged here, unless it is asked for by name.
        assert "KLJ" not in found
        assert len([line for line in lines if line["program_code"] == "PBI-JK"]) == 2, "one for each person"

    async def test_a_rule_of_that_day_is_taken(self, api: Api) -> None:
        program = await founded(api)
        await published(api, program, rule_of(program, valid_to="2026-06-30"))
        await published(api, program, rule_of(program, OWNS_HOUSE, version="2026.2", valid_from="2026-07-01"))
        household = await family(api)
        for day, number in (("2026-06-30", "2026.1"), ("2026-07-01", "2026.2"), ("2025-12-31", None)):
            (line,) = (await check(api, household, program["code"], as_of=day))["results"]
            assert line["version"] == number, day

    async def test_a_finding_asks_for_verification_and_drops_nobody_silently(self, api: Api) -> None:
        program = await governed(api, exclusions=[CIVIL_SERVANT])
        household = await family(api)
        await answered(api, {"id": person_of(household)}, {"civil_servant": "YES"}, resource="persons")
        (line,) = (await check(api, household, program))["results"]
        assert line["outcome"] == "EXCLUDED_PENDING_VERIFICATION"

    async def test_places_that_are_taken_make_a_waitlist(self, api: Api) -> None:
        quota = {
            "area_code": "33.26.01.2001",
            "period_from": "2026-01-01",
            "period_to": "2026-12-31",
            "places": 1,
            "citation": "Perbup 12/2026",
            "confidence": "sourced",
        }
        program = await founded(api)
        await published(api, program, rule_of(program, quotas=[quota]))
        first, second = await family(api), await family(api)
        (line,) = (await check(api, second, program["code"]))["results"]
        assert line["outcome"] == "ELIGIBLE"
        body = {"program_id": program["id"], "household_id": first["id"], "started_on": "2026-02-01"}
        await made(await api.as_(OFFICER).post("/v1/enrollments", json={**body, "origin": "REPORTED", "source": "B"}))
        (line,) = (await check(api, second, program["code"]))["results"]
        assert line["outcome"] == "ELIGIBLE_WAITLIST"
        (line,) = (await check(api, first, program["code"]))["results"]
        assert (line["outcome"], line["merits"]) == ("ALREADY_RECEIVING", "ELIGIBLE_WAITLIST")

    async def test_a_variant_that_the_regency_chose_is_judged_by_from_its_day(self, api: Api) -> None:
        program = await founded(api)
        other = criterion("OWNS_HOUSE", {"type": "known", "fact": "owns_house"})
        variant = {
            "code": "ANY_HOUSE",
            "label": {"id": "x", "en": "x"},
            "citation": "Edaran 7",
            "confidence": "sourced",
            "requirements": [other],
        }
        await published(api, program, rule_of(program, OWNS_HOUSE, variants=[variant]))
        household = await family(api)
        await answered(api, household, {"owns_house": "NO"})
        body = {"program_id": program["id"], "area_code": "33.26", "reason": "Edaran 7/2026"}
        manager = api.as_(MANAGER)
        refused = await manager.post(
            "/v1/variant-choices", json={**body, "variants": ["NO_SUCH"], "valid_from": "2026-12-01"}
        )
        assert fault(refused) == (422, "/variants/0", "unknown_code")
        await made(
            await manager.post(
                "/v1/variant-choices", json={**body, "variants": ["ANY_HOUSE"], "valid_from": "2026-12-01"}
            )
        )
        for day, outcome, variants in (("2026-11-30", "INELIGIBLE", []), ("2026-12-01", "ELIGIBLE", ["ANY_HOUSE"])):
            (line,) = (await check(api, household, program["code"], as_of=day))["results"]
            assert (line["outcome"], line["variants"]) == (outcome, variants), day

    async def test_whether_a_program_is_received_is_known_of_a_whole_list_alone(self, api: Api) -> None:
        other = await founded(api)
        program = await governed(
            api, criterion("NOT_OTHER", {"type": "not", "of": {"type": "enrolled", "program": other["code"]}})
        )
        household = await family(api)
        (line,) = (await check(api, household, program))["results"]
        assert line["missing"] == [f"enrolled:{other['code']}"]
        body = {"program_id": other["id"], "area_code": "33.26", "as_of": "2026-11-01", "source": "SIKS-NG 2026-10"}
        await made(await api.as_(MANAGER).post("/v1/enrollment-lists", json=body))
        (line,) = (await check(api, household, program))["results"]
        assert line["outcome"] == "ELIGIBLE"


class TestSpecialData:
    async def test_what_rests_on_it_is_for_the_work_on_cases_and_in_no_list(self, api: Api) -> None:
        component = {**PREGNANT, "amount": 3_000_000, "where": PREGNANT["when"]}
        del component["when"]
        program = await governed(api, PREGNANT, benefit={"period": "YEAR", "components": [component]})
        household = await family(api)
        await answered(api, {"id": person_of(household)}, {"pregnant": "YES"}, resource="persons")
        made_ = await check(api, household, program)
        whole = made_["results"][0]
        assert (whole["criteria"][1]["outcome"], whole["benefit"]["amount"]) == (True, 3_000_000)
        path = f"/v1/eligibility-checks/{made_['id']}"
        assert (await api.as_("supervisor").get(path)).json()["results"] == made_["results"]
        for role in ("facilitator", "auditor"):
            line = (await api.as_(role).get(path)).json()["results"][0]
            hidden = line["criteria"][1]
            assert (hidden["outcome"], hidden["used"], hidden["withheld"], line["benefit"]) == (None, [], True, None)
            # The answer itself is told: it is what the family is told.
            assert line["outcome"] == "ELIGIBLE"
        listed = await api.as_(OFFICER).get(f"/v1/eligibility-checks?household_id={household['id']}")
        assert listed.json()["items"][0]["results"][0]["criteria"][1]["withheld"] is True
        asked = await api.as_("facilitator").post(
            "/v1/eligibility-checks", json={"household_id": household["id"], "program_codes": [program]}
        )
        assert asked.json()["results"][0]["criteria"][1]["withheld"] is True

    async def test_facts_stand_encrypted_and_in_no_event(self, api: Api, owner: asyncpg.Connection) -> None:
        program = await governed(api, OWNS_HOUSE)
        household = await family(api)
        await answered(api, household, {"income_monthly": 1_234_567, "owns_house": "YES"})
        made_ = await check(api, household, program)
        row = await owner.fetchrow("SELECT * FROM eligibility_checks WHERE id = $1", made_["id"])
        revision = await owner.fetchval("SELECT values::text FROM revisions WHERE aggregate_id = $1", made_["id"])
        assert row is not None
        assert "1234567" not in str(dict(row)) + revision
        assert "SLRT owns_house" not in str(dict(row)) + revision
        assert await chain(owner, "eligibility_checks", made_["id"]) == ["eligibility_check.run"]


class TestReplay:
    async def test_is_equal_after_everything_has_changed(self, api: Api) -> None:
        program = await founded(api)
        version = await published(api, program, rule_of(program, OWNS_HOUSE))
        household = await family(api)
        await answered(api, household, {"owns_house": "YES"})
        made_ = await check(api, household, program["code"], "PKH")
        await answered(api, household, {"owns_house": "NO"})
        await made(await step(api.as_(MANAGER), "rule-versions", version, action="WITHDRAW", reason="Dicabut"), 200)
        path = f"/v1/eligibility-checks/{made_['id']}"
        replay = (await api.as_(OFFICER).get(f"{path}/replay")).json()
        assert replay["equal"] is True
        assert [each["version"] for each in replay["rules"]] == [line["version"] for line in made_["results"][:2]]
        assert (await api.as_(OFFICER).get(path)).json()["results"] == made_["results"]
        (line,) = (await check(api, household, program["code"]))["results"]
        assert line["version"] is None, "what is withdrawn is judged by no more"

    async def test_a_rule_that_was_altered_behind_the_service_is_told(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        program = await founded(api)
        version = await published(api, program, rule_of(program, OWNS_HOUSE))
        made_ = await check(api, await family(api), program["code"])
        await owner.execute(
            "UPDATE rule_versions SET rule = jsonb_set(rule, '{citation}', '\"another\"') WHERE id = $1",
            version["id"],
        )
        # Another process has not read it before; this one has what it read.
        rules._CACHE.clear()
        answer = await api.as_(OFFICER).get(f"/v1/eligibility-checks/{made_['id']}/replay")
        await owner.execute(
            "UPDATE rule_versions SET rule = jsonb_set(rule, '{citation}', '\"Perbup 12/2026\"') WHERE id = $1",
            version["id"],
        )
        assert code(answer) == (409, "rule_altered")

    async def test_nobody_else_may(self, api: Api) -> None:
        made_ = await check(api, await family(api), "PKH")
        path = f"/v1/eligibility-checks/{made_['id']}/replay"
        assert code(await api.as_("auditor").get(path)) == (403, "scope_missing")
        assert code(await api.as_(OFFICER, area=OTHER_VILLAGE).get(path)) == (404, "not_found")

    async def test_stored_checks_are_repeated_to_the_byte(self, api: Api) -> None:
        """`make soak` repeats 10,000 of them."""
        households = [await family(api) for _ in range(size(3, 200))]
        for number, household in enumerate(households):
            await answered(
                api, household, {"owns_house": "YES" if number % 2 else "NO", "floor_area": 20 + number % 30}
            )
        wanted, repeated = size(12, 10_000), 0
        officer = api.as_(OFFICER)
        while repeated < wanted:
            household = households[repeated % len(households)]
            made_ = await check(api, household)
            replay = (await officer.get(f"/v1/eligibility-checks/{made_['id']}/replay")).json()
            assert replay["equal"] is True, (household["id"], made_["id"])
            repeated += 1


class TestReview:
    async def excluded(self, api: Api) -> tuple[dict[str, Any], str, dict[str, Any]]:
        program = await governed(api, exclusions=[CIVIL_SERVANT])
        household = await family(api)
        await answered(api, {"id": person_of(household)}, {"civil_servant": "YES"}, resource="persons")
        other = await founded(api, unit="PERSON")
        await published(api, other, rule_of(other))
        self.personal = other["code"]
        return household, program, await check(api, household, program, other["code"], role="puskesos_coordinator")

    async def request(
        self, api: Api, check_: dict[str, Any], program: str, role: str = OFFICER, **changes: Any
    ) -> httpx.Response:
        body = {"program_code": program, "type": "HUMAN_REVIEW", "reason": "Bukan pegawai negeri", **changes}
        return await api.as_(role).post(f"/v1/eligibility-checks/{check_['id']}/reviews", json=body)

    async def test_only_what_was_judged_can_be_reviewed(self, api: Api) -> None:
        household, program, made_ = await self.excluded(api)
        stranger = await family(api)
        for changes, pointer, expected in (
            ({"program_code": "PKH"}, "/program_code", "reference_not_found"),
            ({"unit_id": person_of(household)}, "/unit_id", "reference_not_found"),
            ({"person_id": person_of(stranger)}, "/person_id", "reference_not_found"),
            ({"program_code": self.personal}, "/unit_id", "reference_not_found"),
            ({"reason": ""}, "/reason", "length"),
        ):
            answer = await self.request(api, made_, program, **changes)
            assert fault(answer) == (422, pointer, expected), changes
        answer = await self.request(api, made_, self.personal, unit_id=person_of(household), type="VERIFICATION")
        assert fault(answer) == (422, "/type", "nothing_to_verify")
        assert code(await self.request(api, made_, program, role="auditor")) == (403, "scope_missing")

    async def test_who_ran_the_check_decides_nothing_about_it(self, api: Api) -> None:
        household, program, made_ = await self.excluded(api)
        review = await made(
            await self.request(api, made_, program, type="VERIFICATION", person_id=person_of(household))
        )
        mine = await step(
            api.as_("puskesos_coordinator"), "eligibility-reviews", review, action="UPHOLD", reason="Tetap"
        )
        assert code(mine) == (403, "own_check")
        # An officer takes requests and decides none.
        other = await step(api.as_(OFFICER), "eligibility-reviews", review, action="UPHOLD", reason="Tetap")
        assert code(other) == (403, "role_not_allowed")
        supervisor = api.as_("supervisor")
        for body, pointer, expected in (
            ({"action": "CHANGE", "reason": "B"}, "/outcome", "required"),
            ({"action": "UPHOLD", "outcome": "ELIGIBLE", "reason": "B"}, "/outcome", "invalid"),
            (
                {"action": "CHANGE", "outcome": "EXCLUDED_PENDING_VERIFICATION", "reason": "B"},
                "/outcome",
                "outcome_unchanged",
            ),
            ({"action": "UPHOLD"}, "/reason", "reason_required"),
        ):
            assert fault(await step(supervisor, "eligibility-reviews", review, **body)) == (422, pointer, expected)

    async def test_a_decision_stands_beside_the_result(self, api: Api, owner: asyncpg.Connection) -> None:
        _, program, made_ = await self.excluded(api)
        review = await made(await self.request(api, made_, program, type="VERIFICATION"))
        assert code(await self.request(api, made_, program)) == (409, "already_exists")
        supervisor = api.as_("supervisor")
        assert (await supervisor.get(f"/v1/eligibility-reviews/{review['id']}")).json()["allowed_actions"] == [
            "UPHOLD",
            "CHANGE",
        ]
        decided = await made(
            await step(
                supervisor, "eligibility-reviews", review, action="CHANGE", outcome="ELIGIBLE", reason="Orang lain"
            ),
            200,
        )
        assert (decided["outcome_before"], decided["outcome_after"]) == ("EXCLUDED_PENDING_VERIFICATION", "ELIGIBLE")
        shown = (await api.as_(OFFICER).get(f"/v1/eligibility-checks/{made_['id']}")).json()
        assert shown["results"][0]["outcome"] == "EXCLUDED_PENDING_VERIFICATION"
        assert [each["outcome_after"] for each in shown["reviews"]] == ["ELIGIBLE"]
        again = await step(supervisor, "eligibility-reviews", decided, action="UPHOLD", reason="B")
        assert code(again) == (409, "transition_not_allowed")
        # The next request is another review, of the result as it was.
        await made(await self.request(api, made_, program, type="OBJECTION"))
        assert await chain(owner, "eligibility_reviews", review["id"]) == [
            "eligibility_review.requested",
            "eligibility_review.changed",
        ]
        history = (await supervisor.get(f"/v1/eligibility-reviews/{review['id']}/history")).json()["items"]
        assert [each["texts"]["reason"] for each in history] == ["Bukan pegawai negeri", "Orang lain"]

    async def test_is_withdrawn_by_whoever_requested_it(self, api: Api) -> None:
        _, program, made_ = await self.excluded(api)
        review = await made(await self.request(api, made_, program))
        body = {"action": "WITHDRAW", "reason": "Sudah jelas"}
        refused = await step(api.as_("supervisor"), "eligibility-reviews", review, **body)
        assert code(refused) == (409, "not_own_request")
        done = await made(await step(api.as_(OFFICER), "eligibility-reviews", review, **body), 200)
        assert (done["status"], done["decided_by"]) == ("WITHDRAWN", None)


class TestReading:
    async def test_checks_of_a_household_by_link_list_and_graphql(self, api: Api) -> None:
        household = await family(api)
        made_ = await check(api, household, "PKH", "SEMBAKO")
        officer = api.as_(OFFICER)
        shown = (await officer.get(f"/v1/households/{household['id']}?include=eligibility_checks")).json()
        assert [each["id"] for each in shown["eligibility_checks"]] == [made_["id"]]
        for query, expected in (("program_code=PKH", 1), ("program_code=PIP", 0)):
            found = await officer.get(f"/v1/eligibility-checks?household_id={household['id']}&{query}")
            assert len(found.json()["items"]) == expected
        query = """query($id: ID!) { eligibilityCheck(id: $id) { results reviews { status } household { id } }
                   eligibilityCheckReplay(id: $id) }"""
        answer = await officer.post("/graphql", json={"query": query, "variables": {"id": made_["id"]}})
        data = answer.json()["data"]
        assert data["eligibilityCheck"]["results"] == made_["results"]
        assert data["eligibilityCheck"]["household"]["id"] == household["id"]
        assert data["eligibilityCheckReplay"]["equal"] is True

    async def test_a_repeat_with_its_key_is_the_first_answer(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await family(api)
        officer = api.as_(OFFICER)
        body = {"household_id": household["id"], "program_codes": ["PKH"]}
        answers = [
            await officer.post(
                "/v1/eligibility-checks", json=body, headers={"idempotency-key": "check-once-and-no-more"}
            )
            for _ in range(2)
        ]
        assert answers[0].content == answers[1].content
        assert answers[1].headers["idempotency-replayed"] == "true"
        stored = await owner.fetchval(
            "SELECT count(*) FROM eligibility_checks WHERE household_id = $1", household["id"]
        )
        assert stored == 1

    async def test_the_same_by_graphql(self, api: Api) -> None:
        household = await family(api)
        query = (
            "mutation($input: EligibilityChecksRunInput!)"
            " { eligibilityChecksRun(input: $input) { eligibilityCheck { results } } }"
        )
        variables = {"input": {"householdId": household["id"], "programCodes": ["PKH"], "asOf": "2026-11-22"}}
        answer = await api.as_(OFFICER).post("/graphql", json={"query": query, "variables": variables})
        rest = await check(api, household, "PKH")
        assert answer.json()["data"]["eligibilityChecksRun"]["eligibilityCheck"]["results"] == rest["results"]
