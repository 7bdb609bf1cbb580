"""Separation of duties: nobody handles a complaint against themselves or their office."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.api import VILLAGE, Api, household_body
from tests.domains.test_complaints import act, complaint_body, filed
from tests.domains.test_lifecycle_sql import literal
from tests.domains.test_public import file
from tests.domains.test_referrals import organization
from tests.problems import problem

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, FACTS, FACTS_SQL, HANDLERS, facts
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import transition
from slrt_api.complaints.service.step import TransitionComplaint
from slrt_api.flows import open_case
from slrt_api.kernel import errors
from slrt_api.kernel.criteria import Value, describe
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act

MANAGER = "secretariat_manager"
SPOKEN = {"ANSWER", "OBJECT", "RATE"}
RATED = datetime(2026, 11, 30, 9, tzinfo=UTC)
#: what guards read besides whom it accuses
SITUATIONS: tuple[dict[str, Value], ...] = (
    {"objection_open": None, "reopen_open": None, "rated_at": None, "merged_from": None},
    {"objection_open": True, "reopen_open": True, "rated_at": None, "merged_from": "IN_PROGRESS"},
    {"objection_open": False, "reopen_open": False, "rated_at": RATED, "merged_from": "RECEIVED"},
)
TYPES_OF = {"objection_open": "boolean", "reopen_open": "boolean", "rated_at": "timestamptz", "merged_from": "text"}
ONE, OTHER = "00000000-0000-8000-8000-000000000001", "00000000-0000-8000-8000-000000000002"


def independent(person: str | None, office: str | None, own_person: str | None, own_office: str | None) -> bool:
    """The rule in words: the office must be known to be another, the person must not be known to be the same."""
    if person is not None and person == own_person:
        return False
    return office is None or (own_office is not None and own_office != office)


@pytest.mark.parametrize("role", sorted(role.value for role in HANDLERS))
async def test_table_and_sql_say_the_same_for_every_pair(owner: asyncpg.Connection, role: str) -> None:
    """Every state, whom it accuses, and who asks."""
    scopes = [scope.value for scope in PERMISSIONS[Role(role)]]
    values = (None, ONE, OTHER)
    for situation in SITUATIONS:
        free = {
            state.code: COMPLAINT_LIFECYCLE.allowed_actions(
                state.code, role=role, scopes=scopes, row={**dict.fromkeys(FACTS), **situation}, actor={}
            )
            for state in COMPLAINT_LIFECYCLE.states
        }
        assert any(free.values())
        for own_person, own_office in product(values, values):
            actor = {"person_id": own_person, "organization_id": own_office}
            sql = COMPLAINT_LIFECYCLE.allowed_actions_sql(
                role=role,
                scopes=scopes,
                state_column="c.status",
                column=lambda name, facts=situation: (  # type: ignore[misc]
                    literal(facts[name], TYPES_OF[name]) if name in facts else f"(c.{name})::text"
                ),
                actor=lambda name, actor=actor: literal(actor[name], "text"),  # type: ignore[misc]
                constant=literal,
            )
            rows = list(product(free, values, values))
            answers = await owner.fetch(
                f"SELECT {sql} AS allowed FROM unnest($1::text[], $2::uuid[], $3::uuid[])"
                " WITH ORDINALITY c (status, accused_person_id, accused_organization_id, place) ORDER BY place",
                *(list(column) for column in zip(*rows, strict=True)),
            )
            for (state, person, office), answer in zip(rows, answers, strict=True):
                row = {"accused_person_id": person, "accused_organization_id": office, **situation}
                allowed = COMPLAINT_LIFECYCLE.allowed_actions(state, role=role, scopes=scopes, row=row, actor=actor)
                assert json.loads(answer["allowed"]) == list(allowed)
                handles = independent(person, office, own_person, own_office)
                assert list(allowed) == [each for each in free[state] if handles or each in SPOKEN]


async def test_what_guards_read_of_a_row_is_the_same_in_sql(api: Api, owner: asyncpg.Connection) -> None:
    """The facts of a complaint in Python and as the read engine asks for them, before, at and after the end of its windows."""
    complaint_id = UUID((await filed(api))["id"])
    asked = ", ".join(f"{FACTS_SQL.get(name, '{t}.' + name).format(t='c')} AS {name}" for name in FACTS)
    now = await owner.fetchval("SELECT now()")
    for objection, reopen in product((-1, 0, 60, None), repeat=2):
        await owner.execute(
            "UPDATE complaints SET objection_until = $2, reopen_until = $3, merged_from = 'TRIAGED', rated_at = $4"
            " WHERE id = $1",
            complaint_id,
            None if objection is None else now + timedelta(minutes=objection),
            None if reopen is None else now + timedelta(minutes=reopen),
            now,
        )
        row = await owner.fetchrow(f"SELECT {asked} FROM complaints c WHERE id = $1", complaint_id)
        kept = await owner.fetchrow("SELECT * FROM complaints WHERE id = $1", complaint_id)
        assert row is not None
        assert kept is not None
        assert dict(row) == facts(Complaint(**dict(kept)), datetime.now(UTC))
        assert (row["objection_open"], row["reopen_open"]) == tuple(
            None if end is None else end > 0 for end in (objection, reopen)
        )


def test_every_handling_action_is_guarded() -> None:
    unguarded = {
        each.action for each in COMPLAINT_LIFECYCLE.transitions if each.guard is None and each.roles != {"worker"}
    }
    assert unguarded == {"ANSWER"}
    for each in COMPLAINT_LIFECYCLE.transitions:
        handling = each.scope == "complaints:handle" and each.roles != {"worker"}
        assert handling is ("accused" in (describe(each.guard) if each.guard is not None else "")), each


async def kept_from(api: Api, complaint: dict[str, Any], accused: str, other: str) -> None:
    """Staff of the accused office and staff of no known office are refused, staff of another office handles it."""
    for claims in ({"organization": accused}, {}):
        client = api.as_(MANAGER, **claims)
        refused = await act(client, complaint, "TRIAGE", expect=409)
        assert refused["code"] == "accused_may_not_handle"
        assert (await client.get(f"/v1/complaints/{complaint['id']}")).json()["allowed_actions"] == []
    handled = await act(api.as_(MANAGER, organization=other), complaint, "TRIAGE")
    assert handled["status"] == "TRIAGED"


async def offices(api: Api) -> tuple[str, str]:
    return (await organization(api, "LEGAL_AID"))["id"], (await organization(api, "LEGAL_AID"))["id"]


class TestOffice:
    async def test_who_works_there_or_whose_office_is_unknown_does_not_handle_it(self, api: Api) -> None:
        accused, other = await offices(api)
        complaint = await filed(api, accused_organization_id=accused)
        for claims in ({"organization": accused}, {}):
            client = api.as_(MANAGER, **claims)
            for action, members in (
                ("TRIAGE", {}),
                ("RESOLVE", {"resolution": "Selesai", "service_realized": False}),
                ("REJECT_COMPETENCE", {"reason": "x"}),
            ):
                refused = await act(client, complaint, action, expect=409, **members)
                assert refused["code"] == "accused_may_not_handle"
            assert (await client.get(f"/v1/complaints/{complaint['id']}")).json()["allowed_actions"] == []
            listed = (await client.get("/v1/complaints?limit=200")).json()["items"]
            assert next(each for each in listed if each["id"] == complaint["id"])["allowed_actions"] == []
        client = api.as_(MANAGER, organization=other)
        seen = (await client.get(f"/v1/complaints/{complaint['id']}")).json()
        assert "TRIAGE" in seen["allowed_actions"]
        assert (await act(client, complaint, "TRIAGE"))["status"] == "TRIAGED"

    async def test_it_is_not_forwarded_to_the_accused(self, api: Api) -> None:
        accused, other = await offices(api)
        complaint = await filed(api, accused_organization_id=accused)
        client = api.as_(MANAGER, organization=other)
        refused = await act(client, complaint, "FORWARD", expect=409, forward_to=accused)
        assert refused["code"] == "forward_to_accused"
        assert (await act(client, complaint, "FORWARD", forward_to=other))["forwarded_to"] == other

    async def test_no_case_is_opened_from_it_by_the_accused(self, api: Api) -> None:
        accused, other = await offices(api)
        family = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        complaint = await filed(api, household_id=family["id"], accused_organization_id=accused)
        body = {"household_id": family["id"], "complaint_id": complaint["id"]}
        refused = await api.as_("puskesos_officer", organization=accused).post("/v1/cases", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "accused_may_not_handle")
        assert (await api.as_("puskesos_officer", organization=other).post("/v1/cases", json=body)).status_code == 201

    async def test_the_complainant_still_answers_and_objects(self, api: Api) -> None:
        accused, other = await offices(api)
        complaint = await filed(api, accused_organization_id=accused)
        complaint = await act(api.as_(MANAGER, organization=other), complaint, "ASK_COMPLAINANT", reason="Kapan?")
        assert (await act(api.as_("facilitator"), complaint, "ANSWER", reason="Kemarin"))["status"] == "IN_PROGRESS"

    async def test_a_complaint_that_accuses_nobody_is_handled_as_before(self, api: Api) -> None:
        assert (await act(api.as_(MANAGER), await filed(api), "TRIAGE"))["status"] == "TRIAGED"


class TestPerson:
    @pytest.mark.parametrize(
        ("own", "refused"), [("the accused", True), ("somebody else", False), ("not known", False)]
    )
    async def test_the_accused_does_not_handle_it(self, api: Api, own: str, refused: bool) -> None:
        family = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        accused, other = (member["person_id"] for member in family["members"])
        complaint = await filed(api, household_id=family["id"], accused_person_id=accused)
        person = {"the accused": accused, "somebody else": other, "not known": None}[own]
        rows = RowScope(ScopeKind.AREA_RANGE, tenants=(3326,), lo=33_26_00_0000, hi=33_26_99_9999)
        scopes = frozenset(scope.value for scope in PERMISSIONS[Role.SECRETARIAT_MANAGER])
        actor = Actor("test#manager", MANAGER, scopes, rows, facts={"person_id": person})
        ask = Act(api.app.state.service.platform, actor, "0" * 32)
        command = TransitionComplaint.model_validate({"action": "TRIAGE"}, strict=False)
        opening = open_case.OpenCase(household_id=UUID(family["id"]), complaint_id=UUID(complaint["id"]))
        if refused:
            for run, given, on in (
                (transition.transition, command, UUID(complaint["id"])),
                (open_case.open_case, opening, None),
            ):
                with pytest.raises(errors.Conflict) as caught:
                    await ask(run, given, on=on, expected_version=1 if on else None)
                assert caught.value.code == "accused_may_not_handle"
        else:
            answer = await ask(transition.transition, command, on=UUID(complaint["id"]), expected_version=1)
            assert json.loads(answer.body)["status"] == "TRIAGED"
            assert (await ask(open_case.open_case, opening)).status == 201


class TestFile:
    async def test_whom_it_accuses_must_be_in_sight(self, api: Api) -> None:
        elsewhere = (
            await api.as_("facilitator", area="33.26.02.2001").post(
                "/v1/households", json=household_body(area_code="33.26.02.2001")
            )
        ).json()["members"][0]["person_id"]
        for member, ids in (
            ("accused_person_id", (elsewhere, str(new_id(Kind.PERSON, 3326)), str(uuid4()))),
            ("accused_organization_id", (str(new_id(Kind.ORGANIZATION, 0)), str(uuid4()))),
        ):
            for id_ in ids:
                answer = await api.as_("facilitator").post("/v1/complaints", json=complaint_body(**{member: id_}))
                fault = answer.json()["errors"][0]
                assert (answer.status_code, fault["pointer"], fault["code"]) == (
                    422,
                    f"/{member}",
                    "reference_not_found",
                )

    async def test_a_citizen_names_an_office_and_no_person(self, api: Api) -> None:
        family = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        person = complaint_body(accused_person_id=family["members"][0]["person_id"])
        assert (await api.as_("citizen").post("/v1/complaints", json=person)).status_code == 422
        accused, other = await offices(api)
        complaint = await filed(api, "citizen", accused_organization_id=accused)
        await kept_from(api, complaint, accused, other)

    async def test_without_a_token_an_unknown_office_is_refused_like_any_other_unknown(self, api: Api) -> None:
        for confidentiality in ("OPEN", "CONFIDENTIAL", "SEALED"):
            for id_ in (new_id(Kind.ORGANIZATION, 0), new_id(Kind.PERSON, 3326), uuid4()):
                answer = await file(api, confidentiality=confidentiality, accused_organization_id=str(id_))
                problem(answer, 422, "content_invalid", fault=("/accused_organization_id", "reference_not_found"))
        answer = await file(api, accused_person_id=str(new_id(Kind.PERSON, 3326)))
        problem(answer, 422, "content_invalid", fault=("/accused_person_id", "unknown_member"))

    @pytest.mark.parametrize("confidentiality", ["OPEN", "CONFIDENTIAL"])
    async def test_without_a_token_the_office_that_is_named_never_handles_it(
        self, api: Api, confidentiality: str
    ) -> None:
        accused, other = await offices(api)
        answer = await file(api, confidentiality=confidentiality, accused_organization_id=accused)
        assert answer.status_code == 201, answer.text
        assert accused not in answer.text
        receipt = answer.json()["receipt"]
        [complaint] = (await api.as_(MANAGER).get(f"/v1/complaints?receipt={receipt}")).json()["items"]
        await kept_from(api, complaint, accused, other)

    async def test_without_a_token_a_sealed_report_is_not_there_for_the_inspectorate_that_it_accuses(
        self, api: Api
    ) -> None:
        accused, other = await offices(api)
        answer = await file(api, confidentiality="SEALED", accused_organization_id=accused)
        assert answer.status_code == 201, answer.text
        receipt = answer.json()["receipt"]
        independent = api.as_("integrity_officer", subject="wbs-of-another", organization=other)
        [report] = (await independent.get(f"/v1/complaints?receipt={receipt}")).json()["items"]
        assert report["accused_organization_id"] == accused
        of_accused = api.as_("integrity_officer", subject="wbs-of-accused", organization=accused)
        found = (await of_accused.get(f"/v1/complaints?receipt={receipt}&include_total=true")).json()
        assert (found["items"], found["total"]) == ([], 0)
        path = f"/v1/complaints/{report['id']}"
        for part in ("", "/history", "/clocks", "/messages"):
            assert (await of_accused.get(path + part)).status_code == 404, part
            assert (await independent.get(path + part)).status_code == 200, part
        refused = await of_accused.post(
            f"{path}/transitions", json={"action": "TRIAGE", "nature": "GRIEVANCE"}, headers={"if-match": '"1"'}
        )
        assert refused.status_code == 404
        asked = {"complaint_id": report["id"], "purpose": "PROTECTION", "reason": "Harus dihubungi hari ini juga."}
        assert (await of_accused.post("/v1/sealed-accesses", json=asked)).status_code in {404, 422}
        assert (await independent.post("/v1/sealed-accesses", json=asked)).status_code == 201

    async def test_handlers_and_auditors_read_it_others_do_not(self, api: Api) -> None:
        accused, _ = await offices(api)
        complaint = await filed(api, accused_organization_id=accused)
        path = f"/v1/complaints/{complaint['id']}"
        for role in ("puskesos_officer", MANAGER, "auditor"):
            assert (await api.as_(role).get(path)).json()["accused_organization_id"] == accused
        assert accused not in json.dumps(complaint)
        for part in ("", "/history", "?include=clocks"):
            assert accused not in (await api.as_("facilitator").get(path + part)).text

    async def test_the_public_tracker_does_not_show_it(self, api: Api) -> None:
        accused, _ = await offices(api)
        complaint = await filed(api, accused_organization_id=accused)
        answer = await api.anonymous.get(
            f"/v1/public/complaints/{complaint['receipt']}",
            headers={"authorization": f"Receipt {complaint['receipt_secret']}"},
        )
        assert answer.status_code == 200
        assert accused not in answer.text
        assert "accused" not in answer.text


class TestCitizen:
    async def test_a_citizen_has_the_own_reports_and_no_other(self, api: Api, owner: asyncpg.Connection) -> None:
        citizen, neighbor = (api.as_("citizen", subject=f"warga-{uuid4()}") for _ in range(2))
        mine: dict[str, Any] = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        await neighbor.post("/v1/complaints", json=complaint_body())
        listed = (await citizen.get("/v1/complaints?include_total=true")).json()
        assert ([each["id"] for each in listed["items"]], listed["total"]) == ([mine["id"]], 1)
        for part in ("", "/history", "/clocks"):
            assert (await citizen.get(f"/v1/complaints/{mine['id']}{part}")).status_code == 200
            assert (await neighbor.get(f"/v1/complaints/{mine['id']}{part}")).status_code == 404
        assert await owner.fetchval("SELECT area FROM complaints WHERE id = $1", mine["id"]) == int(
            VILLAGE.replace(".", "")
        )
