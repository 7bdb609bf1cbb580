"""Enrollments over HTTP: who receives what, once at a time, dated, with the conflicts that rules name."""

from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, VILLAGE, Api
from tests.domains.test_consents import chain, person_of
from tests.domains.test_referrals import code, fault, made
from tests.programs import MANAGER, family, founded, program_id, published, rule_of, step

from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.programs.codes import EnrollmentAction, EnrollmentStatus
from slrt_api.programs.lifecycle import ENROLLERS

END = {"action": "END", "ended_on": "2026-06-30", "end_reason": "GRADUATED", "reason": "Graduasi mandiri"}


def body(program: dict[str, Any] | str, household: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "program_id": program if isinstance(program, str) else program["id"],
        "household_id": household["id"],
        "started_on": "2026-01-01",
        "origin": "REPORTED",
        "source": "Buku KKS keluarga",
        **changes,
    }


async def post(api: Api, given: dict[str, Any], role: str = "facilitator") -> httpx.Response:
    return await api.as_(role).post("/v1/enrollments", json=given)


class TestRecord:
    async def test_who_may_not(self, api: Api) -> None:
        program, household = await founded(api), await family(api)
        for role in ("social_office", "auditor", "citizen", "administrator", "national_office"):
            assert code(await post(api, body(program, household), role)) == (403, "scope_missing"), role

    @pytest.mark.parametrize(
        ("changes", "pointer", "expected"),
        [
            ({"ended_on": "2025-12-31", "end_reason": "MOVED"}, "/ended_on", "range"),
            ({"ended_on": "2026-06-30"}, "/end_reason", "required"),
            ({"end_reason": "MOVED"}, "/ended_on", "required"),
            ({"as_of": "2126-01-01"}, "/as_of", "date_in_future"),
            ({"origin": "GUESSED"}, "/origin", "unknown_code"),
            ({"source": ""}, "/source", "length"),
            ({"program_id": "019aaa11-2233-8000-8009-04a1b2c3d4e5"}, "/program_id", "reference_not_found"),
        ],
    )
    async def test_what_is_wrong_is_said_where(
        self, api: Api, changes: dict[str, Any], pointer: str, expected: str
    ) -> None:
        answer = await post(api, body(await founded(api), await family(api), **changes))
        assert fault(answer) == (422, pointer, expected)

    async def test_the_unit_is_the_programs(self, api: Api) -> None:
        household, stranger = await family(api), await family(api)
        of_families, of_persons = await founded(api), await founded(api, unit="PERSON")
        head = person_of(household)
        for program, person, expected in (
            (of_families, head, "unit_of_program"),
            (of_persons, None, "required"),
            (of_persons, person_of(stranger), "reference_not_found"),
        ):
            answer = await post(api, body(program, household, person_id=person))
            assert fault(answer) == (422, "/person_id", expected)
        await made(await post(api, body(of_persons, household, person_id=head)))
        # Another person of the family is another unit.
        await made(await post(api, body(of_persons, household, person_id=person_of(household, 1))))

    async def test_a_household_out_of_sight_is_as_one_that_is_not(self, api: Api) -> None:
        household = await family(api, OTHER_REGENCY_VILLAGE)
        assert fault(await post(api, body(await founded(api), household))) == (
            422,
            "/household_id",
            "reference_not_found",
        )

    @pytest.mark.parametrize(
        ("start", "end", "clashes"),
        [
            ("2026-06-30", None, True),
            ("2026-07-01", None, False),
            ("2025-01-01", "2025-12-31", False),
            ("2025-01-01", "2026-01-01", True),
            ("2025-01-01", None, True),
            ("2026-02-01", "2026-03-01", True),
        ],
    )
    async def test_the_same_program_is_received_once_at_a_time(
        self, api: Api, start: str, end: str | None, *, clashes: bool
    ) -> None:
        program, household = await founded(api), await family(api)
        first = body(program, household, ended_on="2026-06-30", end_reason="OTHER")
        await made(await post(api, first))
        second = body(program, household, started_on=start)
        if end is not None:
            second |= {"ended_on": end, "end_reason": "OTHER"}
        answer = await post(api, second)
        if clashes:
            assert code(answer) == (409, "enrollment_overlap")
        else:
            assert answer.status_code == 201, answer.text

    async def test_programs_that_do_not_go_together_are_told_and_not_refused(self, api: Api) -> None:
        first, second, third = await founded(api), await founded(api), await founded(api)
        conflict = {
            "code": "NOT_WITH_FIRST",
            "label": {"id": "x", "en": "x"},
            "citation": "PMK 146/2023",
            "confidence": "sourced",
            "valid_from": "2026-01-01",
            "program": first["code"],
        }
        await published(api, second, rule_of(second, conflicts=[conflict]))
        household, other = await family(api), await family(api)
        assert (await made(await post(api, body(first, household))))["conflicts"] == []
        assert (await made(await post(api, body(second, household))))["conflicts"] == [first["code"]]
        assert (await made(await post(api, body(third, household))))["conflicts"] == []
        # Whichever came first.
        await made(await post(api, body(second, other)))
        assert (await made(await post(api, body(first, other))))["conflicts"] == [second["code"]]

    async def test_shipped_rules_name_theirs(self, api: Api) -> None:
        household = await family(api)
        await made(await post(api, body(await program_id(api, "PKH"), household)))
        told = await made(await post(api, body(await program_id(api, "BLT-DD"), household)))
        assert told["conflicts"] == ["PKH"]


class TestLife:
    @pytest.mark.parametrize(
        ("given", "pointer", "expected"),
        [
            ({"action": "END", "reason": "B"}, "/ended_on", "required"),
            ({**END, "ended_on": "2025-12-31"}, "/ended_on", "range"),
            ({**END, "reason": " "}, "/reason", "length"),
            ({**END, "reason": None}, "/reason", "reason_required"),
            ({"action": "VOID", "ended_on": "2026-06-30", "reason": "B"}, "/ended_on", "invalid"),
            ({"action": "FORGET"}, "/action", "unknown_code"),
        ],
    )
    async def test_what_a_step_needs(self, api: Api, given: dict[str, Any], pointer: str, expected: str) -> None:
        row = await made(await post(api, body(await founded(api), await family(api))))
        assert fault(await step(api.as_("facilitator"), "enrollments", row, **given)) == (422, pointer, expected)

    async def test_every_state_action_and_role(self, api: Api) -> None:
        program = await founded(api)
        rows: dict[str, dict[str, Any]] = {}
        facilitator = api.as_("facilitator")
        for status, given in (
            ("ACTIVE", None),
            ("ENDED", END),
            ("VOID", {"action": "VOID", "reason": "Salah catat"}),
        ):
            row = await made(await post(api, body(program, await family(api))))
            if given is not None:
                row = await made(await step(facilitator, "enrollments", row, **given), 200)
            assert row["status"] == status
            rows[status] = row
        for status, action, role in product(EnrollmentStatus, EnrollmentAction, Role):
            if Scope.HOUSEHOLDS_READ not in PERMISSIONS[role]:
                continue
            given = {**END, "action": action.value}
            if action is EnrollmentAction.VOID:
                given = {"action": "VOID", "reason": "B"}
            row = rows[status]
            client = api.as_(role)
            shown = (await client.get(f"/v1/enrollments/{row['id']}")).json()
            may = status is EnrollmentStatus.ACTIVE and role in ENROLLERS
            assert (action.value in shown["allowed_actions"]) is may, (status, action, role)
            if may:
                continue
            answer = await step(client, "enrollments", row, **given)
            expected = (
                (403, "scope_missing")
                if Scope.HOUSEHOLDS_WRITE not in PERMISSIONS[role]
                else (409, "transition_not_allowed")
            )
            assert code(answer) == expected, (status, action, role)

    async def test_an_ended_one_stays_and_its_days_are_taken(self, api: Api, owner: asyncpg.Connection) -> None:
        program, household = await founded(api), await family(api)
        row = await made(await post(api, body(program, household)))
        stale = await made(await step(api.as_("facilitator"), "enrollments", row, **END), 200)
        assert (stale["status"], stale["ended_on"], stale["end_reason"]) == ("ENDED", "2026-06-30", "GRADUATED")
        again = await step(api.as_("facilitator"), "enrollments", row, **END)
        assert code(again) == (412, "version_stale")
        assert code(await post(api, body(program, household, started_on="2026-06-30"))) == (409, "enrollment_overlap")
        await made(await post(api, body(program, household, started_on="2026-07-01")))
        assert await chain(owner, "enrollments", row["id"]) == ["enrollment.recorded", "enrollment.ended"]
        history = (await api.as_("facilitator").get(f"/v1/enrollments/{row['id']}/history")).json()["items"]
        assert history[1]["texts"] == {"reason": "Graduasi mandiri"}

    async def test_a_mistake_takes_no_days(self, api: Api) -> None:
        program, household = await founded(api), await family(api)
        row = await made(await post(api, body(program, household)))
        await made(await step(api.as_("facilitator"), "enrollments", row, action="VOID", reason="Salah catat"), 200)
        await made(await post(api, body(program, household)))


class TestReading:
    async def test_by_filter_link_and_graphql(self, api: Api) -> None:
        program, household = await founded(api, unit="PERSON"), await family(api)
        head = person_of(household)
        row = await made(
            await post(api, body(program, household, person_id=head, ended_on="2026-06-30", end_reason="OTHER"))
        )
        facilitator = api.as_("facilitator")
        mine = f"program_code={program['code']}"
        for query, expected in (
            (mine, 1),
            (f"{mine}&active_on=2026-06-30", 1),
            (f"{mine}&active_on=2026-07-01", 0),
            (f"{mine}&active_on=2025-12-31", 0),
            (f"{mine}&status=ACTIVE", 0),
            (f"{mine}&area_code={VILLAGE}", 1),
            (f"{mine}&area_code={OTHER_VILLAGE}", 0),
            (f"household_id={household['id']}", 1),
            (f"person_id={head}", 1),
        ):
            found = await facilitator.get(f"/v1/enrollments?{query}")
            assert len(found.json()["items"]) == expected, query
        for path in (f"households/{household['id']}", f"persons/{head}", f"programs/{program['id']}"):
            shown = await facilitator.get(f"/v1/{path}?include=enrollments")
            assert [each["id"] for each in shown.json()["enrollments"]] == [row["id"]], path
        query = """query($id: ID!) { household(id: $id) { enrollments(first: 5)
                   { edges { node { id programCode program { code } } } } } }"""
        answer = await facilitator.post("/graphql", json={"query": query, "variables": {"id": household["id"]}})
        (edge,) = answer.json()["data"]["household"]["enrollments"]["edges"]
        assert edge["node"] == {
            "id": row["id"],
            "programCode": program["code"],
            "program": {"code": program["code"]},
        }

    async def test_in_another_village_there_is_none(self, api: Api) -> None:
        program, household = await founded(api), await family(api)
        row = await made(await post(api, body(program, household)))
        other = api.as_("facilitator", area=OTHER_VILLAGE)
        assert code(await other.get(f"/v1/enrollments/{row['id']}")) == (404, "not_found")
        listed = (await other.get(f"/v1/enrollments?program_code={program['code']}")).json()["items"]
        assert listed == []

    async def test_moves_with_its_household(self, api: Api, owner: asyncpg.Connection) -> None:
        program, household = await founded(api), await family(api)
        row = await made(await post(api, body(program, household)))
        checked = await made(
            await api.as_("puskesos_officer").post(
                "/v1/eligibility-checks", json={"household_id": household["id"], "program_codes": ["PKH"]}
            )
        )
        moved = await api.as_(MANAGER).post(
            f"/v1/households/{household['id']}/move",
            json={"area_code": OTHER_VILLAGE, "address": "Dusun I", "reason": "Pindah"},
            headers={"if-match": '"1"'},
        )
        assert moved.status_code in {200, 204}, moved.text
        other = api.as_("facilitator", area=OTHER_VILLAGE)
        assert (await other.get(f"/v1/enrollments/{row['id']}")).status_code == 200
        assert (await other.get(f"/v1/eligibility-checks/{checked['id']}")).status_code == 200
        assert code(await api.as_("facilitator").get(f"/v1/enrollments/{row['id']}")) == (404, "not_found")


class TestRegional:
    async def test_choices_and_lists_are_the_regencys(self, api: Api) -> None:
        program = await founded(api)
        choice = {
            "program_id": program["id"],
            "area_code": "33.26",
            "variants": [],
            "valid_from": "2026-12-01",
            "reason": "Edaran 7/2026",
        }
        listed = {"program_id": program["id"], "area_code": "33.26", "as_of": "2026-11-01", "source": "SIKS-NG"}
        manager = api.as_(MANAGER)
        for path, given in (("/v1/variant-choices", choice), ("/v1/enrollment-lists", listed)):
            assert code(await api.as_("puskesos_coordinator").post(path, json=given)) == (403, "role_not_allowed")
            assert code(await api.as_("supervisor").post(path, json=given)) == (403, "scope_missing")
            answer = await manager.post(path, json={**given, "area_code": "33.27"})
            assert code(answer) == (403, "area_out_of_scope")
            answer = await manager.post(path, json={**given, "area_code": "33.26.01"})
            assert fault(answer) == (422, "/area_code", "area_unknown")
        assert code(await manager.post("/v1/variant-choices", json=choice)) == (409, "no_version_in_force")
        assert fault(await manager.post("/v1/enrollment-lists", json={**listed, "as_of": "2126-01-01"})) == (
            422,
            "/as_of",
            "date_in_future",
        )
        await published(api, program, rule_of(program))
        for path, given in (("/v1/variant-choices", choice), ("/v1/enrollment-lists", listed)):
            row = await made(await manager.post(path, json=given))
            assert code(await manager.post(path, json=given)) == (409, "already_exists")
            shown = await api.as_("puskesos_officer").get(f"{path}?program_code={program['code']}")
            assert [each["id"] for each in shown.json()["items"]] == [row["id"]]
            elsewhere = api.as_("puskesos_officer", area=OTHER_REGENCY_VILLAGE)
            assert code(await elsewhere.get(f"{path}/{row['id']}")) == (404, "not_found")
