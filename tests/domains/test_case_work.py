"""The work on a case beside its steps: plan, notes, who has it, what an emergency owes, forms, family plans, merges."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.api import OTHER_VILLAGE, VILLAGE, Api
from tests.domains.test_cases import (
    COORDINATOR,
    OFFICER,
    REASON,
    assessed,
    fault,
    household,
    in_service,
    opened,
    post,
    problem,
    served,
    step,
    transaction,
    with_needs,
)
from tests.domains.test_complaints import complaint_body
from tests.domains.test_referrals import act, made, organization, partner

from slrt_api.cases.codes import TaskType
from slrt_api.cases.service import lapse, tell_reassessment
from slrt_api.flows import deadlines, reminders, upkeep
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act

FIRST, SECOND = "http://api.test#officer one", "http://api.test#officer two"
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
CONDITION = {
    "301a": 1,
    "303": 8,
    "304": "6",
    "305": 2,
    "306a": 6,
    "307a": 1,
    "308": 10,
    "309a": 5,
    "310": 4,
}
WORKER = Actor("system#worker", "worker", frozenset({"cases:write"}), RowScope(ScopeKind.WORKER))


def officer(api: Api, subject: str, role: str = OFFICER) -> httpx.AsyncClient:
    return api.as_(role, subject=subject.partition("#")[2])


async def done(answer: httpx.Response, case: dict[str, Any]) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "family": case["family"]}


async def seen(api: Api, case: dict[str, Any], include: str, role: str = OFFICER) -> Any:
    answer = await api.as_(role).get(f"/v1/cases/{case['id']}?include={include}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def events(owner: asyncpg.Connection, id_: str) -> list[str]:
    rows = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(id_))
    return [row["type"].partition(".")[2] for row in rows]


async def feedback(api: Api) -> dict[str, Any]:
    """A case whose needs are met, and that waits for its re-assessment."""
    case = await in_service(api)
    for need in case["needs"]:
        case = await served(api, case, need)
    return await step(api, case, "COLLECT_FEEDBACK")


async def listed(api: Api, case: dict[str, Any], reassessment: str) -> bool:
    answer = await api.as_(OFFICER).get(f"/v1/cases?reassessment={reassessment}&household_id={case['household_id']}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]] == [case["id"]]


class TestPlan:
    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/responsible_role", "one_of"),
            (
                {"responsible_role": "facilitator", "responsible_subject": "https://a.example#b"},
                "/responsible_subject",
                "one_of",
            ),
            ({"responsible_role": "facilitator", "due_on": "2020-01-01"}, "/due_on", "date_in_past"),
            (
                {"responsible_organization_id": str(new_id(Kind.ORGANIZATION, 0))},
                "/responsible_organization_id",
                "reference_not_found",
            ),
            (
                {"responsible_role": "facilitator", "need_id": str(new_id(Kind.NEED, 3326))},
                "/need_id",
                "reference_not_found",
            ),
        ],
    )
    async def test_a_line_that_nobody_could_follow_is_refused(
        self, api: Api, body: dict[str, Any], pointer: str, code: str
    ) -> None:
        case = await opened(api)
        answer = await post(api.as_(OFFICER), case, "plan", **{"action": "Antar", "due_on": TOMORROW, **body})
        assert fault(answer) == (422, pointer, code)

    async def test_who_does_what_by_when_and_what_became_of_it(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await opened(api)
        body = {"action": "Antar berkas", "due_on": TOMORROW, "responsible_role": "facilitator"}
        case = await done(await post(api.as_(OFFICER), case, "plan", **body), case)
        [line] = case["plan"]
        assert (line["action"], line["due_on"], line["responsible_role"], line["status"]) == (
            "Antar berkas",
            TOMORROW,
            "facilitator",
            "OPEN",
        )
        unsaid = await post(api.as_(OFFICER), case, "plan-transitions", line_id=line["id"], action="DONE")
        assert fault(unsaid) == (422, "/evidence", "required")
        other = await opened(api)
        foreign = await post(
            api.as_(OFFICER), other, "plan-transitions", line_id=line["id"], action="DONE", evidence="A"
        )
        assert fault(foreign) == (422, "/line_id", "reference_not_found")
        body = {"line_id": line["id"], "action": "DONE", "evidence": "Tanda terima"}
        case = await done(await post(api.as_(OFFICER), case, "plan-transitions", **body), case)
        again = await post(api.as_(OFFICER), case, "plan-transitions", **body)
        assert problem(again) == (409, "transition_not_allowed")
        [line] = (await seen(api, case, "plan"))["plan"]
        assert (line["status"], line["evidence"], line["ended_at"] is None) == ("DONE", "Tanda terima", False)
        assert await events(owner, case["id"]) == ["opened", "plan_line_added", "plan_line_done"]

    async def test_what_is_due_is_told_once_by_two_workers(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await opened(api)
        body = {"action": "Antar berkas", "due_on": TOMORROW, "responsible_role": "facilitator"}
        case = await done(await post(api.as_(OFFICER), case, "plan", **body), case)
        platform = api.app.state.service.platform
        await reminders.remind_plan_lines(platform)
        assert "plan_line_due" not in await events(owner, case["id"])
        await owner.execute("UPDATE case_plan_lines SET due_on = current_date WHERE case_id = $1", UUID(case["id"]))
        await asyncio.gather(*(reminders.remind_plan_lines(platform) for _ in range(2)))
        await reminders.remind_plan_lines(platform)
        assert (await events(owner, case["id"])).count("plan_line_due") == 1

    async def test_what_is_due_in_a_case_that_has_ended_is_not_told(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await opened(api)
        body = {"action": "Antar berkas", "due_on": TOMORROW, "responsible_role": "facilitator"}
        case = await done(await post(api.as_(OFFICER), case, "plan", **body), case)
        case = await step(api, case, "WITHDRAW", reason=REASON)
        await owner.execute("UPDATE case_plan_lines SET due_on = current_date WHERE case_id = $1", UUID(case["id"]))
        await reminders.remind_plan_lines(api.app.state.service.platform)
        assert "plan_line_due" not in await events(owner, case["id"])


class TestReassessment:
    async def test_a_case_that_waits_for_none_is_not_told_of(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await in_service(api)
        assert (case["reassess_by"], case["reassessment_told_at"]) == (None, None)
        with pytest.raises(errors.Forbidden):
            async with transaction(api, OFFICER) as tx:
                await tell_reassessment(tx, tx.actor, UUID(case["id"]))
        await Act(api.app.state.service.platform, WORKER, "0" * 32)(tell_reassessment, on=UUID(case["id"]))
        assert "reassessment_due" not in await events(owner, case["id"])

    async def test_what_is_due_is_told_once_by_two_workers_and_again_in_the_next_round(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        case = await feedback(api)
        [clock] = [each for each in (await seen(api, case, "clocks"))["clocks"] if each["name"] == "REASSESSMENT_DUE"]
        assert case["reassess_by"] == clock["due_at"]
        assert await listed(api, case, "WAITING")
        assert not await listed(api, case, "DUE")
        platform = api.app.state.service.platform
        await reminders.tell_reassessments(platform)
        assert "reassessment_due" not in await events(owner, case["id"])
        await owner.execute(
            "UPDATE cases SET reassess_by = now() - interval '1 second' WHERE id = $1", UUID(case["id"])
        )
        await asyncio.gather(*(reminders.tell_reassessments(platform) for _ in range(2)))
        await reminders.tell_reassessments(platform)
        assert (await events(owner, case["id"])).count("reassessment_due") == 1
        assert await listed(api, case, "DUE")
        told = await seen(api, case, "clocks")
        assert told["reassessment_told_at"] is not None
        assert "REASSESS" in told["allowed_actions"]
        case = await step(api, {**told, "family": case["family"]}, "REASSESS")
        assert (case["reassess_by"], case["reassessment_told_at"]) == (None, None)
        assert not await listed(api, case, "WAITING")

    async def test_a_decree_moves_it(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await feedback(api)
        id_ = UUID(case["id"])
        await owner.execute(
            "UPDATE clocks SET unit = 'WORKING_DAY', calendar_version = 'older' WHERE aggregate_id = $1"
            " AND name = 'REASSESSMENT_DUE'",
            id_,
        )
        await Act(api.app.state.service.platform, WORKER, "0" * 32)(deadlines.recompute, on=id_)
        moved = await seen(api, case, "clocks")
        [clock] = [each for each in moved["clocks"] if each["name"] == "REASSESSMENT_DUE"]
        assert moved["reassess_by"] == clock["due_at"] > case["reassess_by"]


class TestNotes:
    async def test_who_does_not_work_on_cases_writes_none(self, api: Api) -> None:
        case = await opened(api)
        for role in ("facilitator", "auditor"):
            answer = await post(api.as_(role), case, "notes", text="Catatan")
            assert problem(answer)[0] == 403

    async def test_a_note_for_the_own_office_is_null_to_another(self, api: Api) -> None:
        case = await opened(api)
        case = await done(await post(api.as_(OFFICER), case, "notes", text="Untuk Puskesos", visibility="UNIT"), case)
        case = await done(await post(api.as_(OFFICER), case, "notes", text="Untuk semua"), case)
        for role, texts in (
            (COORDINATOR, ["Untuk Puskesos", "Untuk semua"]),
            ("supervisor", [None, "Untuk semua"]),
            ("secretariat_manager", [None, "Untuk semua"]),
        ):
            assert [note["text"] for note in (await seen(api, case, "notes", role))["notes"]] == texts, role
        for role in ("facilitator", "auditor"):
            assert all("text" not in note for note in (await seen(api, case, "notes", role))["notes"]), role
        # Special data stand in no list.
        listed = (await api.as_(OFFICER).get(f"/v1/cases/{case['id']}/notes")).json()["items"]
        assert all("text" not in note for note in listed)

    async def test_its_text_stands_nowhere_but_encrypted_and_goes_when_erased(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        case = await opened(api)
        words = "Hanya untuk catatan petugas 7f3a"
        case = await done(await post(api.as_(OFFICER), case, "notes", text=words), case)
        for table in ("events", "revisions", "case_notes"):
            found = await owner.fetchval(f"SELECT count(*) FROM {table} t WHERE t::text LIKE $1", f"%{words}%")
            assert found == 0, table
        [note] = (await seen(api, case, "notes"))["notes"]
        assert note["text"] == words
        stranger = officer(api, SECOND)
        refused = await post(stranger, case, "note-erasures", note_id=note["id"], reason=REASON)
        assert problem(refused) == (403, "not_the_author")
        case = await done(await post(api.as_(OFFICER), case, "note-erasures", note_id=note["id"], reason=REASON), case)
        [gone] = (await seen(api, case, "notes"))["notes"]
        assert (gone["text"], gone["erased_at"] is None) == (None, False)
        assert await owner.fetchval("SELECT text FROM case_notes WHERE id = $1", UUID(note["id"])) is None
        again = await post(api.as_(OFFICER), case, "note-erasures", note_id=note["id"], reason=REASON)
        assert problem(again) == (409, "note_erased")

    async def test_a_note_of_another_office_is_no_reference(self, api: Api) -> None:
        case = await opened(api)
        case = await done(await post(api.as_(OFFICER), case, "notes", text="Untuk kami", visibility="UNIT"), case)
        [note] = (await seen(api, case, "notes"))["notes"]
        answer = await post(api.as_("secretariat_manager"), case, "note-erasures", note_id=note["id"], reason=REASON)
        assert fault(answer) == (422, "/note_id", "reference_not_found")


class TestAssignments:
    async def test_nobody_takes_the_case_of_another(self, api: Api) -> None:
        case = await opened(api)
        case = await done(await post(officer(api, FIRST), case, "assignments", assignee="me"), case)
        assert case["assignee"] == FIRST
        answer = await post(officer(api, SECOND), case, "assignments", assignee="me")
        assert problem(answer) == (403, "not_the_assignee")
        same = await post(officer(api, FIRST), case, "assignments", assignee=FIRST)
        assert problem(same) == (409, "assignee_unchanged")

    async def test_a_hand_over_waits_for_its_answer(self, api: Api, owner: asyncpg.Connection) -> None:
        first, second = officer(api, FIRST), officer(api, SECOND)
        case = await opened(api)
        case = await done(await post(first, case, "assignments", assignee="me"), case)
        unsaid = await post(first, case, "assignments", assignee=SECOND)
        assert fault(unsaid) == (422, "/reason", "reason_required")
        case = await done(await post(first, case, "assignments", assignee=SECOND, reason="Cuti"), case)
        assert (case["assignee"], case["offered_to"]) == (FIRST, SECOND)
        for query, client, found in (
            ("assignee=me", first, True),
            ("assignee=me", second, False),
            ("offered_to=me", second, True),
            ("offered_to=me", first, False),
            (f"assignee={httpx.QueryParams({'a': FIRST})['a'].replace('#', '%23').replace(' ', '%20')}", second, None),
        ):
            answer = await client.get(f"/v1/cases?{query}&household_id={case['household_id']}")
            if found is None:
                # A subject with a space names nobody: refused, not ignored.
                assert answer.status_code == 400
            else:
                assert (case["id"] in {each["id"] for each in answer.json()["items"]}) is found, query
        self_answer = await post(first, case, "assignment-answers", answer="ACCEPT")
        assert problem(self_answer) == (403, "not_your_assignment")
        unsaid = await post(second, case, "assignment-answers", answer="DECLINE")
        assert fault(unsaid) == (422, "/reason", "reason_required")
        case = await done(await post(second, case, "assignment-answers", answer="DECLINE", reason="Kerabat"), case)
        assert (case["assignee"], case["offered_to"]) == (FIRST, None)
        case = await done(await post(first, case, "assignments", assignee=SECOND, reason="Cuti"), case)
        case = await done(await post(second, case, "assignment-answers", answer="ACCEPT"), case)
        assert (case["assignee"], case["offered_to"]) == (SECOND, None)
        assert [each["status"] for each in case["assignments"]] == ["ENDED", "DECLINED", "ACTIVE"]
        none = await post(second, case, "assignment-answers", answer="ACCEPT")
        assert problem(none) == (409, "no_assignment_offered")

    async def test_who_leads_gives_it_at_once_and_takes_back_what_was_offered(self, api: Api) -> None:
        first = officer(api, FIRST)
        case = await opened(api)
        case = await done(await post(first, case, "assignments", assignee="me"), case)
        case = await done(await post(first, case, "assignments", assignee=SECOND, reason="Cuti"), case)
        third = "http://api.test#three"
        case = await done(await post(api.as_(COORDINATOR), case, "assignments", assignee=third), case)
        assert (case["assignee"], case["offered_to"]) == (third, None)
        assert [each["status"] for each in case["assignments"]] == ["ENDED", "WITHDRAWN", "ACTIVE"]

    async def test_an_offer_ends_with_the_case(self, api: Api) -> None:
        first = officer(api, FIRST)
        case = await opened(api)
        case = await done(await post(first, case, "assignments", assignee="me"), case)
        case = await done(await post(first, case, "assignments", assignee=SECOND, reason="Cuti"), case)
        case = await step(api, case, "WITHDRAW", reason=REASON)
        assert (case["assignee"], case["offered_to"]) == (FIRST, None)
        late = await post(officer(api, SECOND), case, "assignment-answers", answer="ACCEPT")
        assert problem(late) == (409, "no_assignment_offered")


class TestEmergency:
    async def test_what_was_skipped_stands_between_it_and_its_end(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await step(api, await opened(api), "MARK_EMERGENCY", reason="Pasien kritis")
        shown = await seen(api, case, "tasks,clocks", "auditor")
        assert [task["type"] for task in shown["tasks"]] == [each.value for each in TaskType]
        assert {task["status"] for task in shown["tasks"]} == {"OPEN"}
        [clock] = [clock for clock in shown["clocks"] if clock["name"] == "EMERGENCY"]
        assert {task["due_at"] for task in shown["tasks"]} == {clock["due_at"]} == {shown["tasks_due_at"]}
        for outcome in ("NOT_COMPETENT", "CLOSED_UNFOUNDED"):
            ending = await post(api.as_(OFFICER), case, "transitions", action="CLOSE", outcome=outcome, reason=REASON)
            assert problem(ending) == (409, "tasks_open")
        assert "WITHDRAW" not in case["allowed_actions"]
        assert "CLOSE" in case["allowed_actions"]
        person_id = case["family"]["members"][0]["person_id"]
        case = await done(
            await post(
                api.as_(OFFICER),
                case,
                "identity",
                person_id=person_id,
                document="IDENTITY_CARD",
                evidence="Dilihat di IGD",
            ),
            case,
        )
        case = await done(await post(api.as_(OFFICER), case, "registry-check"), case)
        case = await assessed(api, case)
        assert (case["open_tasks"], case["tasks_due_at"] is None) == (1, False)
        consent = {
            "person_id": person_id,
            "case_id": case["id"],
            "purpose": "PHOTOS",
            "basis": "CONSENT",
            "evidence": "SIGNED_FORM",
        }
        assert (await api.as_(OFFICER).post("/v1/consents", json=consent)).status_code == 201
        shown = await seen(api, case, "tasks,clocks")
        assert (shown["open_tasks"], shown["tasks_due_at"]) == (0, None)
        assert {task["status"] for task in shown["tasks"]} == {"DONE"}
        [clock] = [clock for clock in shown["clocks"] if clock["name"] == "EMERGENCY"]
        assert clock["state"] == "MET"
        assert (await events(owner, case["id"]))[1:] == [
            "emergency_marked",
            "identity_confirmed",
            "registry_checked",
            "assessed",
            "consent_recorded",
        ]
        again = await post(
            api.as_(OFFICER), shown, "identity", person_id=person_id, document="FAMILY_CARD", evidence="Lagi"
        )
        assert problem(again) == (409, "task_not_open")
        assert (await step(api, {**shown, "family": case["family"]}, "WITHDRAW", reason=REASON))[
            "status"
        ] == "WITHDRAWN"

    async def test_what_was_done_before_is_not_owed(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        case = await assessed(api, case)
        case = await step(api, case, "MARK_EMERGENCY", reason="Pasien kritis")
        expected = {"IDENTITY", "CONSENT"} | (set() if case["registry_checked_at"] else {"REGISTRY_CHECK"})
        assert {task["type"] for task in (await seen(api, case, "tasks"))["tasks"]} == expected

    async def test_a_death_lets_go_of_what_is_owed(self, api: Api) -> None:
        case = await step(api, await opened(api), "MARK_EMERGENCY", reason="Pasien kritis")
        case = await step(api, case, "CLOSE", outcome="DECEASED", reason=REASON)
        assert case["open_tasks"] == 0
        assert {task["status"] for task in (await seen(api, case, "tasks"))["tasks"]} == {"DROPPED"}

    async def test_an_auditor_finds_what_is_overdue(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await step(api, await opened(api), "MARK_EMERGENCY", reason="Pasien kritis")
        query = f"emergency=true&household_id={case['household_id']}"
        auditor = api.as_("auditor")
        for tasks, count in (("OPEN", 1), ("OVERDUE", 0)):
            items = (await auditor.get(f"/v1/cases?{query}&tasks={tasks}")).json()["items"]
            assert len(items) == count, tasks
        late = datetime.now(UTC) - timedelta(minutes=1)
        await owner.execute("UPDATE cases SET tasks_due_at = $2 WHERE id = $1", UUID(case["id"]), late)
        await owner.execute("UPDATE case_tasks SET due_at = $2 WHERE case_id = $1", UUID(case["id"]), late)
        assert len((await auditor.get(f"/v1/cases?{query}&tasks=OVERDUE")).json()["items"]) == 1
        assert all(task["overdue"] for task in (await seen(api, case, "tasks", "auditor"))["tasks"])
        assert (await auditor.get("/v1/cases?tasks=LATE")).status_code == 400

    async def test_a_stranger_of_the_household_is_no_reference(self, api: Api) -> None:
        case = await step(api, await opened(api), "MARK_EMERGENCY", reason="Pasien kritis")
        other = await household(api)
        stranger = other["members"][0]["person_id"]
        answer = await post(
            api.as_(OFFICER), case, "identity", person_id=stranger, document="IDENTITY_CARD", evidence="Ada"
        )
        assert fault(answer) == (422, "/person_id", "reference_not_found")


class TestForms:
    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"303": "11"}, "/answers/303", "unknown_code"),
            ({"303": [8]}, "/answers/303", "unknown_code"),
            ({"302": "luas"}, "/answers/302", "type"),
            ({"302": 0}, "/answers/302", "range"),
            ({"307b": [1, 1, 1, 1]}, "/answers/307b", "items"),
            ({"999": 1}, "/answers", "question_unknown"),
            ({"310": None}, "/answers/310", "required"),
        ],
    )
    async def test_what_does_not_fit_the_form_is_refused(
        self, api: Api, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        body = {"instrument": "REGSOSEK-CONDITION", "answers": {**CONDITION, **changes}, "summary": "A"}
        assert fault(await post(api.as_(OFFICER), case, "assessments", **body)) == (422, pointer, code)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [({"instrument": "NO-SUCH"}, "/instrument"), ({"instrument_version": 9}, "/instrument_version")],
    )
    async def test_a_form_that_is_not_there_is_refused(self, api: Api, body: dict[str, Any], pointer: str) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        told = {"instrument": "REGSOSEK-CONDITION", "answers": CONDITION, "summary": "A", **body}
        assert fault(await post(api.as_(OFFICER), case, "assessments", **told)) == (422, pointer, "unknown_code")

    async def test_the_score_is_the_sum_of_its_declared_parts(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        body = {"instrument": "REGSOSEK-CONDITION", "answers": CONDITION, "summary": "Lantai tanah"}
        case = await done(await post(api.as_(OFFICER), case, "assessments", **body), case)
        [found] = (await seen(api, case, "assessments"))["assessments"]
        assert found["answers"] == {name: str(value) for name, value in CONDITION.items()}
        assert (found["instrument"], found["instrument_version"]) == ("REGSOSEK-CONDITION", 1)
        [form] = (await api.as_(OFFICER).get("/v1/instruments?code=REGSOSEK-CONDITION")).json()["items"]
        assert form["id"] == found["instrument_id"]
        weights = form["score"]["weights"]
        parts = {part["question"]: part["points"] for part in found["score_parts"]["parts"]}
        assert parts == {name: weights[name][str(CONDITION[name])] for name in weights}
        assert found["score"] == sum(parts.values()) == found["score_parts"]["points"] == 15
        assert form["score"]["confidence"] == "design"
        assert found["score_parts"]["most"] == sum(max(of.values()) for of in weights.values())

    async def test_needs_of_the_four_domains_are_asked_for(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        answers = {
            "reported_by": "SELF",
            "urgency": "THIS_WEEK",
            "social_welfare": ["BASIC_FOOD_AID"],
            "health": [],
            "education": ["SCHOOL_RETENTION"],
            "economic_empowerment": [],
            "food_days": 2,
            "first_contact_on": "2026-11-20",
        }
        body = {"instrument": "SLRT-NEEDS", "answers": answers, "summary": "A"}
        twice = {**answers, "education": ["SCHOOL_RETENTION", "SCHOOL_RETENTION"]}
        refused = await post(api.as_(OFFICER), case, "assessments", **{**body, "answers": twice})
        assert fault(refused) == (422, "/answers/education", "items")
        day = await post(
            api.as_(OFFICER), case, "assessments", **{**body, "answers": {**answers, "first_contact_on": "2026-02-30"}}
        )
        assert fault(day) == (422, "/answers/first_contact_on", "type")
        case = await done(await post(api.as_(OFFICER), case, "assessments", **body), case)
        [found] = (await seen(api, case, "assessments"))["assessments"]
        assert (found["answers"], found["score"]) == (answers, None)

    async def test_older_assessments_stay_readable(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await assessed(api, await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS"))
        await owner.execute(
            "UPDATE assessments SET instrument = 'DTSEN39', instrument_id = NULL, instrument_version = NULL,"
            " answers = '{\"anything\": [1, null]}' WHERE case_id = $1",
            UUID(case["id"]),
        )
        [found] = (await seen(api, case, "assessments"))["assessments"]
        assert (found["instrument"], found["instrument_version"], found["answers"]) == (
            "DTSEN39",
            None,
            {"anything": [1, None]},
        )


class TestRecommendation:
    async def test_checks_of_another_household_are_no_reference(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        case = await assessed(api, await with_needs(api, case, 1))
        other = await household(api)
        check = await api.as_(OFFICER).post(
            "/v1/eligibility-checks", json={"household_id": other["id"], "program_codes": ["PKH"]}
        )
        for id_ in (check.json()["id"], str(new_id(Kind.ELIGIBILITY_CHECK, 3326))):
            answer = await post(api.as_(OFFICER), case, "transitions", action="RECOMMEND", eligibility_check_ids=[id_])
            assert fault(answer) == (422, "/eligibility_check_ids/0", "reference_not_found")
        wrong = await post(api.as_(OFFICER), case, "transitions", action="WITHDRAW", eligibility_check_ids=[id_])
        assert fault(wrong) == (422, "/eligibility_check_ids", "invalid")

    async def test_the_checks_that_it_stands_on_stay_pinned(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        case = await assessed(api, await with_needs(api, case, 1))
        body = {"household_id": case["household_id"], "program_codes": ["PKH"]}
        named = (await api.as_(OFFICER).post("/v1/eligibility-checks", json=body)).json()["id"]
        case = await step(api, case, "RECOMMEND", eligibility_check_ids=[named])
        await api.as_(OFFICER).post("/v1/eligibility-checks", json=body)
        assert [each["id"] for each in (await seen(api, case, "eligibility_checks"))["eligibility_checks"]] == [named]
        case = await step(api, case, "RETURN", COORDINATOR, reason=REASON)
        assert case["returned_count"] == 1
        case = await step(api, case, "RECOMMEND")
        listed = await api.as_(OFFICER).get(f"/v1/cases/{case['id']}/eligibility-checks")
        [made] = listed.json()["items"]
        assert (made["household_id"], made["id"] != named) == (case["household_id"], True)


class TestRounds:
    async def test_reopening_begins_a_new_round(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await in_service(api)
        for need in case["needs"]:
            case = await served(api, case, need)
        case = await step(api, await step(api, case, "COLLECT_FEEDBACK"), "REASSESS")
        case = await step(api, case, "CLOSE", outcome="CLOSED_HANDLED", reason=REASON)
        number = case["number"]
        assert case["reopen_until"] > case["closed_at"]
        assert "REOPEN" in (await seen(api, case, "needs"))["allowed_actions"]
        late = datetime.now(UTC) - timedelta(seconds=1)
        await owner.execute("UPDATE cases SET reopen_until = $2 WHERE id = $1", UUID(case["id"]), late)
        assert "REOPEN" not in (await seen(api, case, "needs"))["allowed_actions"]
        refused = await post(api.as_(OFFICER), case, "transitions", action="REOPEN", reason=REASON)
        assert problem(refused) == (409, "reopen_window_over")
        case = await step(api, case, "REOPEN", COORDINATOR, reason=REASON)
        assert (case["number"], case["reopened_count"], case["assessed"], case["reopen_until"]) == (
            number,
            1,
            False,
            None,
        )
        names = [clock["name"] for clock in (await seen(api, case, "clocks"))["clocks"] if clock["state"] == "RUNNING"]
        assert names == ["VERIFY"]
        case = await step(api, case, "ASSESS")
        early = await post(api.as_(OFFICER), case, "transitions", action="RECOMMEND")
        assert problem(early) == (409, "assessment_missing")

    async def test_documents_that_do_not_come_end_it_once(self, api: Api, owner: asyncpg.Connection) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        case = await with_needs(api, case, 1)
        case = await step(api, case, "REQUEST_DOCUMENTS", reason="Surat faskes")
        platform = api.app.state.service.platform
        await upkeep.breach_clocks(platform)
        assert (await seen(api, case, "clocks"))["status"] == "AWAITING_DOCUMENTS"
        late = "UPDATE clocks SET due_at = now() - interval '1 s' WHERE aggregate_id = $1 AND name = 'DOCUMENTS'"
        await owner.execute(late, UUID(case["id"]))
        await asyncio.gather(*(upkeep.breach_clocks(platform) for _ in range(2)))
        shown = await seen(api, case, "clocks")
        assert [need["status"] for need in shown["needs"]] == ["CANCELLED"]
        assert "clock_breached" not in await events(owner, case["id"])
        assert (shown["status"], shown["closing_code"]) == ("WITHDRAWN", "DOCUMENTS_NOT_RECEIVED")
        assert shown["closing_text"].startswith("Dianggap dicabut")
        assert (await events(owner, case["id"])).count("withdrawn") == 1
        case = await step(api, {**shown, "family": case["family"]}, "REOPEN", reason="Suratnya ada")
        assert (case["status"], case["closing_code"]) == ("REOPENED", None)

    async def test_what_has_moved_on_does_not_lapse(self, api: Api) -> None:
        case = await step(api, await opened(api), "VERIFY")
        await Act(api.app.state.service.platform, WORKER, "0" * 32)(lapse, on=UUID(case["id"]))
        assert (await seen(api, case, "needs"))["status"] == "VERIFICATION"


class TestNeedActions:
    async def test_needs_show_what_may_be_done_with_them_now(self, api: Api) -> None:
        case = await step(api, await step(api, await opened(api), "VERIFY"), "ASSESS")
        case = await with_needs(api, case, 1)
        assert case["needs"][0]["allowed_actions"] == ["FAIL", "CANCEL"]
        early = await post(api.as_(OFFICER), case, "need-transitions", need_id=case["needs"][0]["id"], action="SERVE")
        assert problem(early) == (409, "case_not_in_service")
        assert (await seen(api, case, "needs", "facilitator"))["needs"][0]["allowed_actions"] == []
        serving = await in_service(api)
        assert serving["needs"][0]["allowed_actions"] == ["SERVE", "FAIL", "CANCEL"]


class TestFamilyPlans:
    async def test_cases_of_another_household_and_ended_ones_are_refused(self, api: Api) -> None:
        case, stranger = await opened(api), await opened(api)
        body = {"household_id": case["household_id"], "goal": "Mandiri", "case_ids": [case["id"], stranger["id"]]}
        answer = await api.as_(OFFICER).post("/v1/family-plans", json=body)
        assert fault(answer) == (422, "/case_ids/1", "reference_not_found")
        ended = await step(api, case, "WITHDRAW", reason=REASON)
        answer = await api.as_(OFFICER).post("/v1/family-plans", json={**body, "case_ids": [ended["id"]]})
        assert problem(answer) == (409, "case_closed")

    async def test_it_groups_cases_and_each_keeps_its_own_deadlines(self, api: Api) -> None:
        family = await household(api)
        cases = [await opened(api, family) for _ in range(2)]
        before = [(await seen(api, case, "clocks"))["clocks"] for case in cases]
        body = {"household_id": family["id"], "goal": "Anak kembali bersekolah", "case_ids": [cases[0]["id"]]}
        client = api.as_(OFFICER)
        made = await client.post("/v1/family-plans", json=body)
        assert made.status_code == 201
        again = await client.post("/v1/family-plans", json={**body, "case_ids": [cases[1]["id"]]})
        assert problem(again) == (409, "already_exists")
        url = f"/v1/family-plans/{made.json()['id']}"
        headers = {"if-match": '"1"'}
        added = await client.post(
            f"{url}/transitions", json={"action": "ADD_CASE", "case_id": cases[1]["id"]}, headers=headers
        )
        assert added.status_code == 200, added.text
        listed = (await client.get(f"{url}/cases")).json()["items"]
        assert {each["id"] for each in listed} == {case["id"] for case in cases}
        assert [(await seen(api, case, "clocks"))["clocks"] for case in cases] == before
        headers = {"if-match": '"2"'}
        twice = await client.post(
            f"{url}/transitions", json={"action": "ADD_CASE", "case_id": cases[1]["id"]}, headers=headers
        )
        assert problem(twice) == (409, "case_in_family_plan")
        gone = await client.post(
            f"{url}/transitions",
            json={"action": "REMOVE_CASE", "case_id": cases[1]["id"], "reason": REASON},
            headers=headers,
        )
        assert gone.status_code == 200, gone.text
        assert (await seen(api, cases[1], "family_plan"))["family_plan"] is None
        ended = await client.post(
            f"{url}/transitions", json={"action": "END", "reason": REASON}, headers={"if-match": '"3"'}
        )
        assert ended.json()["status"] == "ENDED"
        late = await client.post(
            f"{url}/transitions", json={"action": "END", "reason": REASON}, headers={"if-match": '"4"'}
        )
        assert problem(late) == (409, "family_plan_ended")


async def standing(owner: asyncpg.Connection, family: dict[str, Any]) -> list[str]:
    """The rows of a family's cases as they are, but for what every change moves."""
    cases = "(SELECT id FROM cases WHERE household_id = $1)"
    found: list[str] = []
    for table, where in (
        ("cases", f"id IN {cases}"),
        ("needs", f"case_id IN {cases}"),
        ("referrals", f"case_id IN {cases}"),
        ("case_notes", f"case_id IN {cases}"),
        ("referral_packages", f"id IN (SELECT id FROM referrals WHERE case_id IN {cases})"),
    ):
        rows = await owner.fetch(
            f"SELECT (to_jsonb(t) - 'version' - 'updated_at')::text AS told FROM {table} t WHERE {where} ORDER BY id",
            UUID(family["id"]),
        )
        found += [row["told"] for row in rows]
    return found


class TestMerges:
    async def merged(self, api: Api, reports: int = 1) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        """The survivor before, the duplicate after, and who reported the duplicate."""
        family = await household(api)
        survivor = await opened(api, family)
        told = []
        for _ in range(reports):
            body = complaint_body(household_id=family["id"])
            answer = await api.as_(OFFICER).post("/v1/complaints", json=body)
            assert answer.status_code == 201, answer.text
            told.append(answer.json())
        duplicate = await opened(api, family, complaint_id=told[0]["id"])
        for action in ("VERIFY", "ASSESS"):
            duplicate = await step(api, duplicate, action)
        duplicate = await with_needs(api, duplicate)
        merged = await step(api, duplicate, "MERGE", COORDINATOR, reason=REASON, into=survivor["id"])
        return survivor, merged, told

    async def undo(self, api: Api, case: dict[str, Any]) -> httpx.Response:
        client = api.as_(COORDINATOR)
        [merge] = (await client.get(f"/v1/case-merges?case_id={case['id']}&status=MERGED")).json()["items"]
        headers = {"if-match": f'"{merge["version"]}"'}
        return await client.post(f"/v1/case-merges/{merge['id']}/undo", json={"reason": REASON}, headers=headers)

    async def test_the_number_leads_to_the_survivor(self, api: Api) -> None:
        survivor, merged, _ = await self.merged(api)
        found = (await api.as_(OFFICER).get(f"/v1/cases?number={merged['number']}")).json()["items"]
        assert {case["id"]: case["merged_into"] for case in found} == {
            survivor["id"]: None,
            merged["id"]: survivor["id"],
        }
        last = await opened(api, merged["family"])
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json() | {"family": merged["family"]}
        await step(api, kept, "MERGE", COORDINATOR, reason=REASON, into=last["id"])
        found = (await api.as_(OFFICER).get(f"/v1/cases?number={merged['number']}")).json()["items"]
        assert {case["id"] for case in found} == {merged["id"], last["id"]}
        stranger = await api.as_(OFFICER, area=OTHER_VILLAGE).get(f"/v1/cases?number={merged['number']}")
        assert stranger.json()["items"] == []

    async def test_who_reported_follows_and_reads_the_process_of_the_survivor(self, api: Api) -> None:
        survivor, merged, told = await self.merged(api)
        shown = (await api.as_(OFFICER).get(f"/v1/complaints/{told[0]['id']}")).json()
        assert shown["case_id"] == survivor["id"]
        headers = {"authorization": f"Receipt {told[0]['receipt_secret']}"}
        tracked = await api.anonymous.get(f"/v1/public/complaints/{told[0]['receipt']}", headers=headers)
        assert tracked.json()["case"]["status"] == "REGISTERED"
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json()
        assert kept["received_at"] == min(survivor["received_at"], merged["received_at"])

    async def test_a_sealed_report_is_of_no_case_that_could_be_merged(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        """The table itself refuses a row that is both; the merge leaves sealed ones out besides."""
        _, merged, told = await self.merged(api)
        report = UUID(told[0]["id"])
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(
                "UPDATE complaints SET sealed = true, confidentiality = 'SEALED', case_id = $2 WHERE id = $1",
                report,
                UUID(merged["id"]),
            )

    async def test_undone_both_stand_as_they_did(self, api: Api, owner: asyncpg.Connection) -> None:
        survivor, merged, told = await self.merged(api)
        assert (merged["needs"], merged["need_count"], merged["open_needs"]) == ([], 0, 0)
        assert "REOPEN" not in merged["allowed_actions"]
        answer = await self.undo(api, merged)
        assert (answer.status_code, answer.json()["status"]) == (200, "UNDONE")
        back = await seen(api, merged, "clocks")
        assert (back["status"], back["merged_into"], back["closed_at"], back["closing_text"]) == (
            "ASSESSMENT",
            None,
            None,
            None,
        )
        assert ([need["status"] for need in back["needs"]], back["open_needs"]) == (["OPEN", "OPEN"], 2)
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json()
        assert kept["received_at"] == survivor["received_at"]
        shown = (await api.as_(OFFICER).get(f"/v1/complaints/{told[0]['id']}")).json()
        assert shown["case_id"] == merged["id"]
        found = (await api.as_(OFFICER).get(f"/v1/cases?number={merged['number']}")).json()["items"]
        assert [case["id"] for case in found] == [merged["id"]]
        assert (await events(owner, merged["id"]))[-2:] == ["merged", "merge_undone"]
        again = await api.as_(COORDINATOR).post(
            f"/v1/case-merges/{answer.json()['id']}/undo", json={"reason": REASON}, headers={"if-match": '"2"'}
        )
        assert problem(again) == (409, "merge_undone")

    async def test_needs_that_the_survivor_lacks_go_on_there_with_their_referrals_and_come_back(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        family = await household(api)
        cases = []
        for count in (1, 2):
            case = await step(api, await opened(api, family), "MARK_EMERGENCY", reason=REASON)
            await owner.execute("UPDATE case_tasks SET status = 'DONE' WHERE case_id = $1", UUID(case["id"]))
            await owner.execute("UPDATE cases SET open_tasks = 0 WHERE id = $1", UUID(case["id"]))
            cases.append(await with_needs(api, case, count))
        survivor, duplicate = cases
        body = {"person_id": family["members"][0]["person_id"], "domain": "EDUCATION", "need": "SCHOOL_RETENTION"}
        duplicate = await done(await post(api.as_(OFFICER), duplicate, "needs", **body), duplicate)
        lks, officer_ = await organization(api, "SCHOOL_RETENTION"), api.as_(OFFICER)
        same, lacking, referred = duplicate["needs"]
        asked = {"case_id": duplicate["id"], "need_id": referred["id"], "organization_id": lks["id"]}
        draft = await made(await officer_.post("/v1/referrals", json=asked))
        sent = await made(await act(officer_, draft, "SEND"), 200)
        headers = {"if-match": f'"{sent["version"]}"'}
        noted = await officer_.post(f"/v1/referrals/{sent['id']}/notes", json={"text": "Sore"}, headers=headers)
        assert noted.status_code == 200, noted.text
        before = await standing(owner, family)
        duplicate = (await seen(api, duplicate, "needs")) | {"family": family}

        merged = await step(api, duplicate, "MERGE", COORDINATOR, reason=REASON, into=survivor["id"])
        assert [(need["id"], need["status"]) for need in merged["needs"]] == [(same["id"], "CANCELLED")]
        kept = await seen(api, survivor, "needs,notes,referrals")
        assert [(need["id"], need["status"]) for need in kept["needs"]] == [
            (survivor["needs"][0]["id"], "OPEN"),
            (lacking["id"], "OPEN"),
            (referred["id"], "REFERRED"),
        ]
        assert (kept["need_count"], kept["open_needs"], kept["referred_needs"]) == (3, 3, 1)
        assert ([each["id"] for each in kept["referrals"]], len(kept["notes"])) == ([sent["id"]], 1)
        # The referral goes on; that its receiver says yes is nothing that the merge would be kept by.
        running = await made(await partner(api, lks).get(f"/v1/referrals/{sent['id']}"), 200)
        assert running["case_id"] == survivor["id"]

        assert (await self.undo(api, merged)).status_code == 200
        assert await standing(owner, family) == before

        # Once its need has gone on, there is no way back.
        again = (await seen(api, merged, "needs")) | {"family": family}
        merged = await step(api, again, "MERGE", COORDINATOR, reason=REASON, into=survivor["id"])
        running = await made(await partner(api, lks).get(f"/v1/referrals/{sent['id']}"), 200)
        accepted = await made(await act(partner(api, lks), running, "ACCEPT"), 200)
        assert (await act(partner(api, lks), accepted, "REALIZE", evidence="Bersekolah lagi")).status_code == 204
        kept = await seen(api, survivor, "needs")
        assert (kept["needs"][2]["status"], kept["open_needs"], kept["referred_needs"]) == ("MET", 2, 0)
        assert problem(await self.undo(api, merged)) == (409, "merge_depended_on")

    async def test_what_was_built_on_it_keeps_it(self, api: Api) -> None:
        survivor, merged, _ = await self.merged(api)
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json() | {"family": merged["family"]}
        another = await opened(api, merged["family"])
        another = await step(api, another, "MERGE", COORDINATOR, reason=REASON, into=survivor["id"])
        # The later one has to be undone first.
        assert problem(await self.undo(api, merged)) == (409, "merge_depended_on")
        assert (await self.undo(api, another)).status_code == 200
        kept = (await api.as_(OFFICER).get(f"/v1/cases/{survivor['id']}")).json() | {"family": merged["family"]}
        await step(api, kept, "WITHDRAW", reason=REASON)
        assert problem(await self.undo(api, merged)) == (409, "merge_depended_on")

    @pytest.mark.parametrize("role", [OFFICER, "social_office", "auditor"])
    async def test_only_managers_undo(self, api: Api, role: str) -> None:
        _, merged, _ = await self.merged(api)
        [merge] = (await api.as_(role).get(f"/v1/case-merges?case_id={merged['id']}")).json()["items"]
        answer = await api.as_(role).post(
            f"/v1/case-merges/{merge['id']}/undo", json={"reason": REASON}, headers={"if-match": '"1"'}
        )
        assert answer.status_code == 403

    async def test_another_village_sees_404(self, api: Api) -> None:
        _, merged, _ = await self.merged(api)
        [merge] = (await api.as_(OFFICER).get(f"/v1/case-merges?case_id={merged['id']}")).json()["items"]
        assert merge["area_code"] == VILLAGE
        stranger = api.as_(COORDINATOR, area=OTHER_VILLAGE)
        assert problem(await stranger.get(f"/v1/case-merges/{merge['id']}")) == (404, "not_found")


class TestAllowedActions:
    """What the parts of a case tell is what their use cases take: for whoever asks, over both surfaces."""

    async def test_of_an_offer_whom_it_is_for_and_who_made_it_are_told_different_things(self, api: Api) -> None:
        case = await opened(api)
        case = await done(await post(officer(api, FIRST), case, "assignments", assignee="me"), case)
        case = await done(await post(officer(api, FIRST), case, "assignments", assignee=SECOND, reason="Pindah"), case)
        query = "query ($id: ID!) { case(id: $id) { assignments { status allowedActions } } }"
        for subject, expected in ((FIRST, ["WITHDRAW"]), (SECOND, ["ACCEPT", "DECLINE"]), (SECOND + "x", [])):
            client = officer(api, subject)
            [_, offer] = (await client.get(f"/v1/cases/{case['id']}?include=assignments")).json()["assignments"]
            assert (offer["status"], offer["allowed_actions"]) == ("OFFERED", expected)
            asked = await client.post("/graphql", json={"query": query, "variables": {"id": case["id"]}})
            assert asked.json()["data"]["case"]["assignments"][1]["allowedActions"] == expected
        case = await step(api, case, "WITHDRAW", reason=REASON)
        [_, offer] = (await officer(api, SECOND).get(f"/v1/cases/{case['id']}?include=assignments")).json()[
            "assignments"
        ]
        assert (offer["status"], offer["allowed_actions"]) == ("WITHDRAWN", [])

    async def test_of_lines_tasks_and_family_plans(self, api: Api) -> None:
        case = await opened(api)
        body = {"action": "Antar berkas", "due_on": TOMORROW, "responsible_role": "facilitator"}
        case = await done(await post(api.as_(OFFICER), case, "plan", **body), case)
        assert case["plan"][0]["allowed_actions"] == ["DONE", "DROP"]
        body = {"line_id": case["plan"][0]["id"], "action": "DROP", "reason": "Sudah diurus"}
        case = await done(await post(api.as_(OFFICER), case, "plan-transitions", **body), case)
        assert case["plan"][0]["allowed_actions"] == ["REOPEN"]
        case = await step(api, case, "MARK_EMERGENCY", reason=REASON)
        for role, expected in (
            (OFFICER, {"IDENTITY": ["CONFIRM_IDENTITY"], "CONSENT": ["RECORD_CONSENT"]}),
            ("auditor", {"IDENTITY": [], "CONSENT": []}),
        ):
            tasks = (await seen(api, case, "tasks", role))["tasks"]
            told = {each["type"]: each["allowed_actions"] for each in tasks}
            assert {name: told[name] for name in expected} == expected
        asked = {"household_id": case["household_id"], "goal": "Anak sehat", "case_ids": [case["id"]]}
        plan = (await api.as_(OFFICER).post("/v1/family-plans", json=asked)).json()
        assert plan["allowed_actions"] == ["ADD_CASE", "REMOVE_CASE", "END"]
        answer = await api.as_("auditor").get(f"/v1/family-plans/{plan['id']}")
        assert answer.json()["allowed_actions"] == []
