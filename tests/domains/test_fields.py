"""Special data: in no list, for nobody but their readers, by whatever way they are asked for."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.api import Api
from tests.domains.test_cases import post
from tests.domains.test_complaints import filed
from tests.domains.test_referrals import NOTE, act, in_service, made, organization, partner, sent
from tests.graph_queries import act_of, ask, compiled, data, executor, standard, statements

from slrt_api import graph
from slrt_api.access.scopes import Role
from slrt_api.audit.shapes import WITH_HISTORY
from slrt_api.cases import models as cases
from slrt_api.complaints.models import Complaint
from slrt_api.graph.execute import Asked
from slrt_api.referrals.models import Referral
from slrt_api.runtime.shapes import Selection, Shape, select

__all__ = ["statements"]

SECRET_SUMMARY = "Rahasia: hasil pemeriksaan kesehatan"
#: the question; its answers are codes
SECRET_ANSWER = '"430"'
#: what everybody may know of an assessment
ASSESSED = {"id", "instrument", "instrument_id", "instrument_version", "assessed_at"}
VIOLENCE = "Rahasia: kekerasan di rumah"
SPECIAL = ("HEALTH", "MENTAL_HEALTH_CARE")
PLAIN = ("EDUCATION", "SCHOOL_SUPPLIES")
BY = executor()


@dataclass
class World:
    """A case with a special and a plain need, referred; a grave complaint and another; who receives."""

    case: dict[str, Any]
    referral: dict[str, Any]
    receiver: dict[str, Any]
    grave: dict[str, Any]
    plain: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(api: Api) -> World:
    receiver = await organization(api, SPECIAL[1])
    referral = await sent(api, receiver, SPECIAL)
    officer = api.as_("puskesos_officer")
    case = await made(await officer.get(f"/v1/cases/{referral['case_id']}"), 200)
    person = {"person_id": case["needs"][0]["person_id"], "domain": PLAIN[0], "need": PLAIN[1], "note": NOTE}
    case = await made(await post(officer, case, "needs", **person), 200)
    answers = {"instrument": "REGSOSEK2022K", "answers": {"430": "12"}, "summary": SECRET_SUMMARY}
    case = await made(await post(officer, case, "assessments", **answers), 200)
    grave = await filed(
        api,
        category="NEED",
        subtype="HEALTH_SERVICE",
        summary=VIOLENCE,
        severity_flags=["VIOLENCE_OR_CHILD_PROTECTION", "OVERSIGHT"],
    )
    return World(case, referral, receiver, grave, await filed(api))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def refused(api: Api, role: str, query: str, ids: dict[str, Any], **claims: Any) -> list[str]:
    """The fields that both executors refuse by one error, at the root and before any SQL."""
    action = await act_of(api, api.token(role, **claims))
    asked = Asked(query, None, ids, "en")
    first, again = await compiled(action, asked, BY), await standard(action, asked, BY)
    assert first == again
    [error] = first["errors"]
    assert error["extensions"]["code"] == "field_not_readable"
    assert len(error["path"]) == 1
    return [each["pointer"] for each in error["extensions"]["errors"]]


class TestGraphQLRefuses:
    @pytest.mark.parametrize("role", ["facilitator", "auditor"])
    async def test_who_does_not_work_on_the_case_asks_for_no_finding(self, api: Api, world: World, role: str) -> None:
        query = "query($id: ID!) { case(id: $id) { id needs { note } assessments { answers summary } } }"
        fields = await refused(api, role, query, {"id": world.case["id"]})
        assert fields == ["/assessment/answers", "/assessment/summary", "/need/note"]

    async def test_a_fragment_an_alias_and_a_directive_are_no_way_around(self, api: Api, world: World) -> None:
        query = (
            "query($id: ID!, $yes: Boolean!) { node(id: $id) { ... on Case { needs { ...N @include(if: $yes) } } } }"
            " fragment N on Need { x: note }"
        )
        assert await refused(api, "facilitator", query, {"id": world.case["id"], "yes": True}) == ["/need/note"]
        shown = await data(api.as_("facilitator"), query, {"id": world.case["id"], "yes": False})
        assert shown["node"] == {"needs": [{}, {}]}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("{ cases(first: 1) { edges { node { needs { note } } } } }", "/need/note"),
            ("{ cases(first: 1) { edges { node { assessments { answers } } } } }", "/assessment/answers"),
            ("{ complaints(last: 1) { edges { node { summary } } } }", "/complaint/summary"),
            (
                "{ households(first: 1) { edges { node { complaints(first: 1) { edges { node { summary } } } } } } }",
                "/complaint/summary",
            ),
            ("{ referrals(first: 1) { edges { node { package { needNote } } } } }", "/referralPackage/needNote"),
        ],
    )
    async def test_nobody_asks_for_it_in_a_list(self, api: Api, world: World, query: str, field: str) -> None:
        assert await refused(api, "secretariat_manager", query, {}) == [field]

    async def test_nobody_asks_for_it_in_a_list_of_one_resource(self, api: Api, world: World) -> None:
        query = "query($id: ID!) { case(id: $id) { referrals(first: 1) { edges { node { package { needNote } } } } } }"
        assert await refused(api, "puskesos_officer", query, {"id": world.case["id"]}) == ["/referralPackage/needNote"]

    @pytest.mark.parametrize("arguments", ['service: "MENTAL_HEALTH_CARE"', "service: $service"])
    @pytest.mark.parametrize("shown", ["totalCount", "edges { cursor }"])
    async def test_who_may_not_know_it_does_not_filter_or_count_by_it(
        self, api: Api, world: World, arguments: str, shown: str
    ) -> None:
        declared = "query($service: String) " if "$" in arguments else ""
        query = f"{declared}{{ referrals(first: 1, {arguments}) {{ {shown} }} }}"
        given = {"service": "MENTAL_HEALTH_CARE"}
        assert await refused(api, "facilitator", query, given) == ["/referral/service"]
        found = await data(api.as_("puskesos_officer"), query, given)
        assert found["referrals"]

    async def test_no_statement_runs(self, api: Api, world: World, statements: list[str]) -> None:
        query = "query($id: ID!) { case(id: $id) { needs { note } } }"
        await refused(api, "facilitator", query, {"id": world.case["id"]})
        officer = "{ complaints(first: 1) { edges { node { summary } } } }"
        await refused(api, "puskesos_officer", officer, {})
        assert statements == []

    async def test_a_mutation_whose_payload_asks_for_it_does_nothing(
        self, api: Api, world: World, statements: list[str]
    ) -> None:
        query = (
            "mutation($input: ComplaintsFileInput!)"
            " { complaintsFile(input: $input) { complaint { id s: summary clocks { name } } } }"
        )
        given = {
            "nature": "GRIEVANCE",
            "category": "PARTICIPATION",
            "channel": "FIELD_APP",
            "confidentiality": "OPEN",
            "areaCode": "33.26.01.2001",
            "summary": VIOLENCE,
        }
        assert await refused(api, "facilitator", query, {"input": given}) == ["/complaint/summary"]
        assert statements == []
        answer = await ask(api.as_("puskesos_officer"), query, {"input": given})
        assert answer.json()["data"]["complaintsFile"]["complaint"]["s"] == VIOLENCE

    async def test_who_may_not_act_learns_that_first(self, api: Api, world: World) -> None:
        query = "mutation($input: CasesAddNeedInput!) { casesAddNeed(input: $input) { case { needs { note } } } }"
        need = {"personId": world.case["needs"][0]["person_id"], "domain": SPECIAL[0], "need": SPECIAL[1]}
        given = {"input": {"id": world.case["id"], "expectedVersion": 1, **need}}
        action = await act_of(api, api.token("facilitator"))
        for run in (compiled, standard):
            [error] = (await run(action, Asked(query, None, given), BY))["errors"]
            assert error["extensions"]["code"] == "scope_missing"


class TestRestRefuses:
    async def test_a_filter_by_it(self, api: Api, world: World) -> None:
        for url in (
            "/v1/referrals?service=MENTAL_HEALTH_CARE",
            "/v1/referrals?service=SCHOOL_SUPPLIES&include_total=true",
        ):
            answer = await api.as_("facilitator").get(url)
            assert code(answer) == (403, "field_not_readable")
            assert answer.json()["errors"][0]["pointer"] == "service"
            assert "MENTAL" not in answer.text
            assert (await api.as_("puskesos_officer").get(url)).status_code == 200


class TestLists:
    """Nobody sees it there: not in lists, nor in links, nor in what a row of a list includes."""

    async def test_needs_hide_notes_and_special_services(self, api: Api, world: World) -> None:
        case = world.case["id"]
        for role in ("puskesos_officer", "secretariat_manager", "auditor", "facilitator"):
            client = api.as_(role)
            listed = (await client.get(f"/v1/cases/{case}/needs")).json()["items"]
            cases_ = (await client.get("/v1/cases?limit=200&include=assessments")).json()["items"]
            [embedded] = [each for each in cases_ if each["id"] == case]
            for needs in (listed, embedded["needs"]):
                assert [need["need"] for need in needs] == [None, PLAIN[1]]
                assert all("note" not in need for need in needs)
            assert [set(each) for each in embedded["assessments"]] == [ASSESSED]

    async def test_links_of_one_resource_are_lists_where_they_are_paged(self, api: Api, world: World) -> None:
        officer = api.as_("puskesos_officer")
        household = world.case["household_id"]
        urls = (
            f"/v1/cases/{world.case['id']}/assessments",
            f"/v1/households/{household}?include=cases.assessments,cases.referrals",
            f"/v1/households/{household}/cases?include=assessments,referrals",
            "/v1/referrals?limit=200&include=case.assessments",
            "/v1/referrals?limit=200&include=case",
            "/v1/complaints?limit=200&include=case",
        )
        for url in urls:
            answer = await officer.get(url)
            assert answer.status_code == 200, answer.text
            for hidden in (SECRET_SUMMARY, SECRET_ANSWER, NOTE, VIOLENCE, SPECIAL[1], "VIOLENCE_OR"):
                assert hidden not in answer.text, (url, hidden)

    async def test_a_list_of_complaints_does_not_tell_the_grave_ones(self, api: Api, world: World) -> None:
        listed = (await api.as_("puskesos_officer").get("/v1/complaints?limit=200")).json()["items"]
        by_id = {each["id"]: each for each in listed}
        grave, plain = by_id[world.grave["id"]], by_id[world.plain["id"]]
        assert (grave["subtype"], grave["severity_flags"]) == (None, ["OVERSIGHT"])
        assert (plain["subtype"], plain["severity_flags"]) == ("EXCLUSION_ERROR", [])
        assert all("summary" not in each for each in listed)

    async def test_nor_what_was_found_of_them(self, api: Api, world: World) -> None:
        officer = api.as_("puskesos_officer")
        found = "Rahasia: korban dirawat"
        for complaint, shown in (
            (await filed(api, summary=VIOLENCE, severity_flags=["LIFE_THREATENING"]), None),
            (await filed(api), found),
        ):
            done = await officer.post(
                f"/v1/complaints/{complaint['id']}/transitions",
                json={"action": "RESOLVE", "resolution": found, "service_realized": True},
                headers={"if-match": '"1"'},
            )
            assert done.json()["resolution"] == found
            listed = (await officer.get("/v1/complaints?status=RESOLVED&limit=200")).json()["items"]
            assert [each["resolution"] for each in listed if each["id"] == complaint["id"]] == [shown]
            seen = (await api.as_("facilitator").get(f"/v1/complaints/{complaint['id']}")).json()
            assert seen["resolution"] == shown

    async def test_both_executors_redact_below_a_list_alike(self, api: Api, world: World) -> None:
        query = (
            "query($n: String!) { cases(first: 5, number: $n) { edges { node { id needs { need referral { service } }"
            " referrals(first: 5) { edges { node { service evidence case { needs { need } } } } } } } } }"
        )
        action = await act_of(api, api.token("puskesos_officer"))
        first, again = [
            await run(action, Asked(query, None, {"n": world.case["number"]}), BY) for run in (compiled, standard)
        ]
        assert first == again
        [case] = [edge["node"] for edge in first["data"]["cases"]["edges"] if edge["node"]["id"] == world.case["id"]]
        assert case["needs"] == [{"need": None, "referral": {"service": None}}, {"need": PLAIN[1], "referral": None}]
        [edge] = case["referrals"]["edges"]
        assert edge["node"]["case"]["needs"] == [{"need": None}, {"need": PLAIN[1]}]

    async def test_the_receiver_does_not_find_the_note_in_its_list(self, api: Api, world: World) -> None:
        receiver = partner(api, world.receiver)
        [listed] = (await receiver.get("/v1/referrals")).json()["items"]
        assert "need_note" not in listed["package"]
        assert listed["service"] is None


class TestItems:
    async def test_who_works_on_the_case_reads_it(self, api: Api, world: World) -> None:
        for role in ("puskesos_officer", "puskesos_coordinator", "supervisor", "secretariat_manager", "social_office"):
            case = (await api.as_(role).get(f"/v1/cases/{world.case['id']}?include=assessments")).json()
            assert [(need["need"], need["note"]) for need in case["needs"]] == [(SPECIAL[1], NOTE), (PLAIN[1], NOTE)]
            assert case["assessments"][0]["summary"] == SECRET_SUMMARY
            assert case["assessments"][0]["answers"] == {"430": "12"}

    async def test_an_auditor_reads_what_was_decided_and_no_finding(self, api: Api, world: World) -> None:
        case = (await api.as_("auditor").get(f"/v1/cases/{world.case['id']}?include=assessments")).json()
        assert [need["need"] for need in case["needs"]] == [SPECIAL[1], PLAIN[1]]
        assert all("note" not in need for need in case["needs"])
        assert set(case["assessments"][0]) == ASSESSED

    async def test_a_facilitator_reads_neither(self, api: Api, world: World) -> None:
        facilitator = api.as_("facilitator")
        answer = await facilitator.get(f"/v1/cases/{world.case['id']}?include=assessments,referrals")
        assert [need["need"] for need in answer.json()["needs"]] == [None, PLAIN[1]]
        complaint = await facilitator.get(f"/v1/complaints/{world.grave['id']}")
        assert (complaint.json()["subtype"], complaint.json()["severity_flags"]) == (None, ["OVERSIGHT"])
        for text in (answer.text, complaint.text):
            for hidden in (SECRET_SUMMARY, SECRET_ANSWER, NOTE, VIOLENCE, SPECIAL[1], "VIOLENCE_OR", "HEALTH_SERVICE"):
                assert hidden not in text

    async def test_the_receiver_reads_what_its_work_needs(self, api: Api, world: World) -> None:
        seen = (await partner(api, world.receiver).get(f"/v1/referrals/{world.referral['id']}")).json()
        assert (seen["service"], seen["package"]["need_note"]) == (SPECIAL[1], NOTE)
        auditor = (await api.as_("auditor").get(f"/v1/referrals/{world.referral['id']}")).json()
        assert auditor["service"] == SPECIAL[1]
        assert "need_note" not in auditor["package"]

    async def test_the_citizen_reads_the_own_words(self, api: Api, world: World) -> None:
        own = await filed(
            api, "citizen", "warga-khusus", summary=VIOLENCE, severity_flags=["VIOLENCE_OR_CHILD_PROTECTION"]
        )
        assert (own["summary"], own["severity_flags"]) == (VIOLENCE, ["VIOLENCE_OR_CHILD_PROTECTION"])
        query = "query($id: ID!) { complaint(id: $id) { summary subtype severityFlags } }"
        client = api.as_("citizen", subject="warga-khusus")
        shown = (await data(client, query, {"id": own["id"]}))["complaint"]
        assert shown["summary"] == VIOLENCE

    async def test_one_role_is_not_served_the_statement_of_another(self, api: Api, world: World) -> None:
        url = f"/v1/cases/{world.case['id']}"
        query = "query($id: ID!) { case(id: $id) { needs { need } } }"
        for _ in range(2):
            for role, expected in (("puskesos_officer", SPECIAL[1]), ("facilitator", None), ("auditor", SPECIAL[1])):
                client = api.as_(role)
                assert (await client.get(url)).json()["needs"][0]["need"] == expected
                shown = await data(client, query, {"id": world.case["id"]})
                assert shown["case"]["needs"][0]["need"] == expected


class TestHistory:
    async def entries(self, api: Api, role: str, path: str, **claims: Any) -> list[dict[str, Any]]:
        answer = await api.as_(role, **claims).get(f"{path}/history?limit=200")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    @pytest.mark.parametrize("role", ["facilitator", "auditor"])
    async def test_parts_are_without_what_the_role_may_not_read(self, api: Api, world: World, role: str) -> None:
        entries = await self.entries(api, role, f"/v1/cases/{world.case['id']}")
        text = json.dumps(entries)
        for hidden in (SECRET_SUMMARY, SECRET_ANSWER, NOTE):
            assert hidden not in text
        assert (SPECIAL[1] in text) is (role == "auditor")
        needs = [need for entry in entries for need in (entry["parts"] or {}).get("needs", [])]
        assert needs
        assert all("note" not in need and need["status"] for need in needs)
        assert all(("need" in need) is (role == "auditor") for need in needs)
        assessed = [entry["parts"]["assessments"] for entry in entries if entry["type"] == "case.assessed"]
        assert [set(row) & {"answers", "summary"} for rows in assessed for row in rows] == [set()]

    async def test_readers_find_it_there(self, api: Api, world: World) -> None:
        text = json.dumps(await self.entries(api, "puskesos_officer", f"/v1/cases/{world.case['id']}"))
        for shown in (SECRET_SUMMARY, SECRET_ANSWER, NOTE, SPECIAL[1]):
            assert shown in text

    async def test_not_even_the_names_of_what_changed(self, api: Api, world: World) -> None:
        path = f"/v1/complaints/{world.grave['id']}"
        [filed_] = await self.entries(api, "facilitator", path)
        assert {"summary", "subtype", "severity_flags"}.isdisjoint([*filed_["fields"], *filed_["changes"]])
        assert {"category", "status"} <= set(filed_["fields"]) & set(filed_["changes"])
        for role in ("auditor", "puskesos_officer"):
            [filed_] = await self.entries(api, role, path)
            assert {"summary", "subtype", "severity_flags"} <= set(filed_["fields"]) & set(filed_["changes"])

    async def test_both_executors_and_rest_show_one_history(self, api: Api, world: World) -> None:
        query = "query($id: ID!) { case(id: $id) { history { fields changes parts } } }"
        for role in ("facilitator", "auditor", "puskesos_officer"):
            action = await act_of(api, api.token(role))
            asked = Asked(query, None, {"id": world.case["id"]})
            first, again = [await run(action, asked, BY) for run in (compiled, standard)]
            assert first == again
            entries = await self.entries(api, role, f"/v1/cases/{world.case['id']}")
            names = ("fields", "changes", "parts")
            assert first["data"]["case"]["history"] == [{name: each[name] for name in names} for each in entries]


def limited(shape: Shape) -> set[str]:
    return {field.name for field in shape.fields.values() if field.limited}


class TestDeclarations:
    def test_history_strips_by_names_of_columns(self) -> None:
        columns = {
            "complaint": set(Complaint.model_fields),
            "referral": set(Referral.model_fields),
            "need": set(cases.Need.model_fields),
            "assessment": set(cases.Assessment.model_fields),
            "direct_service": set(cases.DirectService.model_fields),
            "plan_line": set(cases.PlanLine.model_fields),
            "note": set(cases.Note.model_fields),
            "assignment": set(cases.Assignment.model_fields),
            "task": set(cases.Task.model_fields),
            "family_plan": set(cases.FamilyPlan.model_fields),
            "case_merge": set(cases.CaseMerge.model_fields),
        }
        shapes = {shape.name: shape for shape in WITH_HISTORY}
        shapes |= {link.to.name: link.to for shape in WITH_HISTORY for link in shape.links.values()}
        for name, known in columns.items():
            assert limited(shapes[name]) <= known

    def test_readers_are_roles(self) -> None:
        roles = {role.value for role in Role}
        for resource in graph.schema().catalog.resources.values():
            for field in resource.shape.fields.values():
                assert field.readers is None or (field.readers and field.readers <= roles), field.name

    def test_no_list_can_be_sorted_by_special_data(self) -> None:
        for resource in graph.schema().catalog.resources.values():
            shape = resource.shape
            assert not {sort.reads or name for name, sort in shape.sorts.items()} & limited(shape)

    def test_what_nobody_asked_for_by_name_is_never_refused(self) -> None:
        for resource in graph.schema().catalog.resources.values():
            usual: Selection = select(resource.shape)
            for role in Role:
                assert list(usual.refused_to(role.value, listed=True)) == []


async def test_a_redirected_or_transitioned_referral_shows_no_more(api: Api, world: World) -> None:
    """The answer of a write is rendered under the same rule."""
    case = await in_service(api, SPECIAL)
    drafted = await api.as_("puskesos_officer").post(
        "/v1/referrals", json={"case_id": case["id"], "need_id": case["needs"][0]["id"]}
    )
    sent_ = await made(
        await act(api.as_("puskesos_officer"), drafted.json(), "SEND", organization_id=world.receiver["id"]), 200
    )
    received = await made(await act(partner(api, world.receiver), sent_, "RECEIVE"), 200)
    assert (received["service"], received["package"]["need_note"]) == (SPECIAL[1], NOTE)
