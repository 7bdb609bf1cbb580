"""Programs and the versions of their rules over HTTP: who writes them, two people, and days that do not overlap."""

from typing import Any

import asyncpg
import pytest
from tests.api import VILLAGE, Api
from tests.domains.test_consents import chain
from tests.domains.test_referrals import code, fault, made, version
from tests.programs import (
    HERE,
    MANAGER,
    OWNS_HOUSE,
    criterion,
    drafted,
    founded,
    program_body,
    program_id,
    published,
    rule_of,
    step,
)

from slrt_api.programs import reference
from slrt_api.programs.catalog import load_programs, load_rules


class TestCatalog:
    async def test_who_may_write_which_level_where(self, api: Api) -> None:
        for role, changes, expected in (
            ("puskesos_officer", {}, "scope_missing"),
            ("supervisor", {}, "scope_missing"),
            ("puskesos_coordinator", {}, "role_not_allowed"),
            ("province_office", {}, "role_not_allowed"),
            ("secretariat_manager", {"level": "NATIONAL", "area_code": None}, "role_not_allowed"),
            ("administrator", {"level": "NATIONAL", "area_code": None}, "role_not_allowed"),
            ("secretariat_manager", {"level": "PROVINCE", "area_code": "33"}, "role_not_allowed"),
            ("secretariat_manager", {"area_code": "33.27"}, "area_out_of_scope"),
            ("puskesos_coordinator", {"level": "VILLAGE", "area_code": "33.26.01.2002"}, "area_out_of_scope"),
        ):
            answer = await api.as_(role).post("/v1/programs", json=program_body(**changes))
            assert code(answer) == (403, expected), (role, changes)
        nation = api.as_("national_office", areas=[])
        for client, changes in (
            (api.as_("secretariat_manager"), {}),
            (api.as_("social_office"), {"level": "NON_GOVERNMENT", "area_code": "33.26.01"}),
            (api.as_("puskesos_coordinator"), {"level": "VILLAGE", "area_code": VILLAGE}),
            (api.as_("province_office"), {"level": "PROVINCE", "area_code": "33"}),
            (nation, {"level": "NATIONAL", "area_code": None}),
        ):
            program = await made(await client.post("/v1/programs", json=program_body(**changes)))
            assert program["version"] == 1

    @pytest.mark.parametrize(
        ("changes", "pointer", "expected"),
        [
            ({"area_code": None}, "/area_code", "required"),
            ({"area_code": "33.26.01"}, "/area_code", "area_of_level"),
            ({"area_code": "33.99"}, "/area_code", "area_unknown"),
            ({"sector": "MAGIC"}, "/sector", "unknown_code"),
            ({"domain": "MAGIC"}, "/domain", "unknown_code"),
            ({"unit": "DOG"}, "/unit", "unknown_code"),
            ({"open_to": "2025-12-31"}, "/open_to", "range"),
            ({"confidence": "sure"}, "/confidence", "pattern"),
            (
                {"owner_organization_id": "019aaa11-2233-8000-8020-04a1b2c3d4e5"},
                "/owner_organization_id",
                "reference_not_found",
            ),
        ],
    )
    async def test_what_is_wrong_is_said_where(
        self, api: Api, changes: dict[str, Any], pointer: str, expected: str
    ) -> None:
        answer = await api.as_(MANAGER).post("/v1/programs", json=program_body(**changes))
        assert fault(answer) == (422, pointer, expected)

    async def test_a_code_is_taken_once(self, api: Api) -> None:
        answer = await api.as_(MANAGER).post("/v1/programs", json=program_body(code="PKH"))
        assert code(answer) == (409, "already_exists")

    async def test_is_changed_by_those_entitled_in_its_version(self, api: Api, owner: asyncpg.Connection) -> None:
        program = await founded(api)
        path = f"/v1/programs/{program['id']}"
        headers = {"content-type": "application/merge-patch+json"}
        manager, other = api.as_(MANAGER), api.as_(MANAGER, area="33.27")
        assert code(await manager.patch(path, json={"cluster": 2}, headers=headers)) == (428, "if_match_required")
        headers["if-match"] = version(program)
        assert code(await other.patch(path, json={"cluster": 2}, headers=headers)) == (403, "area_out_of_scope")
        assert fault(await manager.patch(path, json={"name_id": None}, headers=headers)) == (422, "/name_id", "type")
        assert fault(await manager.patch(path, json={"code": "X"}, headers=headers)) == (
            422,
            "/code",
            "unknown_member",
        )
        changed = await made(await manager.patch(path, json={"open_to": "2026-12-31"}, headers=headers), 200)
        assert (changed["version"], changed["open_to"]) == (2, "2026-12-31")
        assert await chain(owner, "programs", program["id"]) == ["program.created", "program.changed"]
        assert code(await manager.patch(path, json={"cluster": 2}, headers=headers)) == (412, "version_stale")

    async def test_a_shipped_one_is_the_ministrys_and_loading_again_keeps_what_it_changed(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        id_ = await program_id(api, "PUPUK")
        path = f"/v1/programs/{id_}"
        headers = {"content-type": "application/merge-patch+json", "if-match": '"0"'}
        body = {"complaint_channel": "Penyuluh pertanian"}
        assert code(await api.as_(MANAGER).patch(path, json=body, headers=headers)) == (403, "role_not_allowed")
        nation = api.as_("national_office", areas=[])
        assert (await made(await nation.patch(path, json=body, headers=headers), 200))["version"] == 1
        before = await owner.fetch("SELECT id, code FROM programs WHERE code <> 'PUPUK' ORDER BY id")
        versions = await owner.fetch("SELECT id, digest, status, valid_to FROM rule_versions ORDER BY id")
        await reference.load(owner)
        assert await owner.fetch("SELECT id, code FROM programs WHERE code <> 'PUPUK' ORDER BY id") == before
        assert await owner.fetch("SELECT id, digest, status, valid_to FROM rule_versions ORDER BY id") == versions
        assert (await nation.get(path)).json()["complaint_channel"] == "Penyuluh pertanian"


class TestShipped:
    async def test_every_program_has_its_published_rules(self, api: Api, owner: asyncpg.Connection) -> None:
        stored = await owner.fetch(
            "SELECT p.code, v.number, v.published_by FROM rule_versions v JOIN programs p ON p.id = v.program_id"
            " WHERE v.drafted_by = 'system#reference' AND v.status IN ('PUBLISHED', 'SUPERSEDED')"
        )
        assert {(row["code"], row["number"]) for row in stored} == {
            (rule.program, rule.version) for rule in load_rules()
        }
        assert {row["code"] for row in stored} == {program.code for program in load_programs()}
        assert {row["published_by"] for row in stored} == {"system#reference"}
        id_ = await program_id(api, "PKH")
        officer = api.as_("puskesos_officer")
        listed = (await officer.get(f"/v1/programs/{id_}/versions")).json()["items"]
        on = (await officer.get(f"/v1/rule-versions?program_id={id_}&in_force_on=2026-11-22")).json()["items"]
        assert len(on) == 1
        assert len(listed) >= 2
        assert on[0]["rule"]["program"] == "PKH"

    async def test_two_versions_and_their_variants_are_compared(self, api: Api) -> None:
        id_ = await program_id(api, "PKH")
        officer = api.as_("puskesos_officer")
        listed = (await officer.get(f"/v1/programs/{id_}/versions")).json()["items"]
        old, new = sorted(listed, key=lambda each: each["valid_from"])[:2]
        found = await officer.post(f"/v1/rule-versions/{new['id']}/diff", json={"against": old["id"]})
        differences = (await made(found, 200))["differences"]
        assert {"part": "version", "code": None, "change": "CHANGED"} in [
            {name: each[name] for name in ("part", "code", "change")} for each in differences
        ]
        sembako = await program_id(api, "SEMBAKO")
        (current,) = (await officer.get(f"/v1/rule-versions?program_id={sembako}&in_force_on=2026-11-22")).json()[
            "items"
        ]
        variant = current["rule"]["variants"][0]["code"]
        found = await officer.post(f"/v1/rule-versions/{current['id']}/diff", json={"variants": [variant]})
        changed = (await made(found, 200))["differences"]
        assert [(each["part"], each["code"], each["change"]) for each in changed] == [
            ("requirements", "DESIL_CEILING", "CHANGED")
        ]
        none = await officer.post(f"/v1/rule-versions/{current['id']}/diff", json={})
        assert none.json()["differences"] == []
        other = await officer.post(f"/v1/rule-versions/{current['id']}/diff", json={"against": old["id"]})
        assert fault(other) == (422, "/against", "reference_not_found")


class TestDraft:
    @pytest.mark.parametrize(
        ("changes", "pointer", "expected"),
        [
            ({"program": "PKH"}, "/rule/program", "rule_of_another_program"),
            ({"unit": "PERSON"}, "/rule/unit", "unit_of_program"),
            ({"requirements": [OWNS_HOUSE]}, "/rule/requirements", "area_criterion_required"),
            ({"requirements": []}, "/rule/requirements", "items"),
            ({"version": "one"}, "/rule/version", "pattern"),
            ({"valid_to": "2025-12-31"}, "/rule/valid_to", "dates_disordered"),
            ({"secret": 1}, "/rule/secret", "unknown_member"),
            (
                {"requirements": [HERE, criterion("A", {"type": "known", "fact": "shoe_size"})]},
                "/rule/requirements/1/when/fact",
                "fact_unknown",
            ),
            (
                {
                    "requirements": [
                        HERE,
                        criterion("A", {"type": "compare", "fact": "desil", "op": "<=", "value": "4"}),
                    ]
                },
                "/rule/requirements/1/when/value",
                "type",
            ),
            (
                {"requirements": [HERE, criterion("A", {"type": "range", "fact": "desil", "from": 5, "to": 4})]},
                "/rule/requirements/1/when",
                "condition_impossible",
            ),
            (
                {"requirements": [HERE, criterion("A", {"type": "enrolled", "program": "NO-SUCH"})]},
                "/rule/requirements/1/when/program",
                "reference_not_found",
            ),
            (
                {"requirements": [criterion("HERE", {"type": "area", "codes": ["33.26", "33.27"]})]},
                "/rule/requirements",
                "area_criterion_required",
            ),
        ],
    )
    async def test_a_fault_is_told_with_its_place(
        self, api: Api, changes: dict[str, Any], pointer: str, expected: str
    ) -> None:
        program = await founded(api)
        answer = await api.as_(MANAGER).post(
            f"/v1/programs/{program['id']}/versions", json={"rule": rule_of(program, **changes)}
        )
        assert fault(answer) == (422, pointer, expected)

    async def test_who_may_not(self, api: Api) -> None:
        program = await founded(api)
        path, body = f"/v1/programs/{program['id']}/versions", {"rule": rule_of(program)}
        assert code(await api.as_("puskesos_officer").post(path, json=body)) == (403, "scope_missing")
        assert code(await api.as_(MANAGER, area="33.27").post(path, json=body)) == (403, "area_out_of_scope")
        assert code(await api.as_("puskesos_coordinator").post(path, json=body)) == (403, "role_not_allowed")

    async def test_a_number_is_given_once(self, api: Api) -> None:
        program = await founded(api)
        await drafted(api, program, rule_of(program))
        answer = await api.as_(MANAGER).post(f"/v1/programs/{program['id']}/versions", json={"rule": rule_of(program)})
        assert code(answer) == (409, "already_exists")
        second = await drafted(api, program, rule_of(program, version="2026.2"))
        put = await api.as_(MANAGER).put(
            f"/v1/rule-versions/{second['id']}/rule",
            json={"rule": rule_of(program)},
            headers={"if-match": version(second)},
        )
        assert code(put) == (409, "already_exists")


class TestPublish:
    async def test_the_maker_does_not_publish(self, api: Api, owner: asyncpg.Connection) -> None:
        program = await founded(api)
        draft = await drafted(api, program, rule_of(program), subject="maker")
        maker, checker = api.as_(MANAGER, subject="maker"), api.as_(MANAGER, subject="checker")
        assert code(await step(maker, "rule-versions", draft, action="PUBLISH")) == (403, "own_draft")
        seen = f"/v1/rule-versions/{draft['id']}"
        assert (await maker.get(seen)).json()["allowed_actions"] == ["DISCARD"]
        assert (await checker.get(seen)).json()["allowed_actions"] == ["PUBLISH", "DISCARD"]
        elsewhere = api.as_(MANAGER, area="33.27", subject="checker")
        assert (await elsewhere.get(seen)).json()["allowed_actions"] == []
        assert code(await step(elsewhere, "rule-versions", draft, action="PUBLISH")) == (403, "area_out_of_scope")
        # Whoever changes the draft has made it.
        redrafted = await made(
            await checker.put(
                f"{seen}/rule", json={"rule": rule_of(program, OWNS_HOUSE)}, headers={"if-match": version(draft)}
            ),
            200,
        )
        assert code(await step(checker, "rule-versions", redrafted, action="PUBLISH")) == (403, "own_draft")
        done = await made(await step(maker, "rule-versions", redrafted, action="PUBLISH"), 200)
        assert (done["status"], done["digest"] == redrafted["digest"]) == ("PUBLISHED", True)
        assert done["published_by"].endswith("#maker")
        assert await chain(owner, "rule_versions", draft["id"]) == [
            "rule_version.drafted",
            "rule_version.redrafted",
            "rule_version.published",
        ]

    async def test_what_is_published_never_changes(self, api: Api) -> None:
        program = await founded(api)
        done = await published(api, program, rule_of(program))
        answer = await api.as_(MANAGER).put(
            f"/v1/rule-versions/{done['id']}/rule",
            json={"rule": rule_of(program, OWNS_HOUSE)},
            headers={"if-match": version(done)},
        )
        assert code(answer) == (409, "version_immutable")
        checker = api.as_(MANAGER, subject="another")
        assert code(await step(checker, "rule-versions", done, action="PUBLISH")) == (409, "transition_not_allowed")

    @pytest.mark.parametrize(
        ("first", "second", "clashes"),
        [
            (("2026-01-01", "2026-06-30"), ("2026-06-30", None), True),
            (("2026-01-01", "2026-06-30"), ("2026-07-01", None), False),
            (("2026-07-01", None), ("2026-01-01", None), True),
            (("2026-07-01", None), ("2026-01-01", "2026-07-01"), True),
            (("2026-07-01", None), ("2026-01-01", "2026-06-30"), False),
            (("2026-01-01", None), ("2026-01-01", None), True),
        ],
    )
    async def test_days_do_not_overlap(
        self, api: Api, first: tuple[str, str | None], second: tuple[str, str | None], *, clashes: bool
    ) -> None:
        program = await founded(api)
        await published(api, program, rule_of(program, valid_from=first[0], valid_to=first[1]))
        draft = await drafted(
            api,
            program,
            rule_of(program, version="2026.2", valid_from=second[0], valid_to=second[1]),
            subject="maker",
        )
        answer = await step(api.as_(MANAGER, subject="checker"), "rule-versions", draft, action="PUBLISH")
        if clashes:
            assert code(answer) == (409, "version_overlap")
        else:
            assert answer.status_code == 200, answer.text

    async def test_the_one_without_an_end_is_superseded(self, api: Api, owner: asyncpg.Connection) -> None:
        program = await founded(api)
        first = await published(api, program, rule_of(program))
        await published(api, program, rule_of(program, OWNS_HOUSE, version="2026.2", valid_from="2026-07-01"))
        shown = (await api.as_(MANAGER).get(f"/v1/rule-versions/{first['id']}")).json()
        assert (shown["status"], shown["valid_to"]) == ("SUPERSEDED", "2026-06-30")
        assert shown["rule"] == first["rule"]
        assert await chain(owner, "rule_versions", first["id"]) == [
            "rule_version.drafted",
            "rule_version.published",
            "rule_version.superseded",
        ]

    async def test_withdrawing_and_discarding_need_a_reason(self, api: Api) -> None:
        program = await founded(api)
        done = await published(api, program, rule_of(program))
        manager = api.as_(MANAGER)
        assert fault(await step(manager, "rule-versions", done, action="WITHDRAW")) == (
            422,
            "/reason",
            "reason_required",
        )
        gone = await made(await step(manager, "rule-versions", done, action="WITHDRAW", reason="Dicabut"), 200)
        assert (gone["status"], gone["allowed_actions"]) == ("WITHDRAWN", [])
        draft = await drafted(api, program, rule_of(program, version="2026.2"))
        assert (await step(manager, "rule-versions", draft, action="DISCARD", reason="Salah")).json()[
            "status"
        ] == "DISCARDED"
        # Its days are free again.
        await published(api, program, rule_of(program, version="2026.3"))

    async def test_the_database_itself_wants_two_people(self, api: Api, owner: asyncpg.Connection) -> None:
        program = await founded(api)
        draft = await drafted(api, program, rule_of(program))
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(
                "UPDATE rule_versions SET status = 'PUBLISHED', published_by = drafted_by WHERE id = $1", draft["id"]
            )

    async def test_the_same_by_graphql(self, api: Api) -> None:
        program = await founded(api)
        query = """mutation($input: ProgramsDraftVersionInput!) { programsDraftVersion(input: $input)
                   { ruleVersion { number status rule } } }"""
        rule = rule_of(program, OWNS_HOUSE)
        answer = await api.as_(MANAGER).post(
            "/graphql", json={"query": query, "variables": {"input": {"id": program["id"], "rule": rule}}}
        )
        shown = answer.json()["data"]["programsDraftVersion"]["ruleVersion"]
        assert (shown["number"], shown["status"], shown["rule"]["requirements"]) == (
            "2026.1",
            "DRAFT",
            rule["requirements"],
        )
        wrong = await api.as_(MANAGER).post(
            "/graphql",
            json={
                "query": query,
                "variables": {"input": {"id": program["id"], "rule": rule_of(program, unit="METER")}},
            },
        )
        (error,) = wrong.json()["errors"]
        assert error["extensions"]["errors"][0]["pointer"] == "/rule/unit"
