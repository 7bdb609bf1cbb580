"""Who may act where: grants, their forms and their ends, revocations, and what they make of a caller."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from alembic import command
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_organizations import register
from tests.problems import problem

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.access.service import ACTOR_SECONDS
from slrt_api.areas import places
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime import migrations

ISSUER = "http://api.test"
_NUMBERS = count(1)


def subject() -> str:
    """A `sub` that nobody had before."""
    return f"officer-{next(_NUMBERS)}-{uuid4().hex[:6]}"


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def grant_body(**changes: Any) -> dict[str, Any]:
    """A grant that a manager of the demo regency may give."""
    body = {"issuer": ISSUER, "subject": subject(), "role": "puskesos_officer", "areas": [VILLAGE]}
    return body | {"decree": "460/7/2026"} | changes


async def give(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.as_("administrator", area=changes.pop("by", "33.26")).post(
        "/v1/grants", json=grant_body(**changes)
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def take(client: httpx.AsyncClient, grant: Mapping[str, Any], **headers: str) -> httpx.Response:
    return await client.post(
        f"/v1/grants/{grant['id']}/revocation",
        json={"reason": "Left the service."},
        headers={"if-match": f'"{grant["version"]}"'} | headers,
    )


def holder(api: Api, grant: Mapping[str, Any], *roles: str) -> httpx.AsyncClient:
    """The client of a grant's subject: its token carries no grant, and every scope of the roles."""
    scopes = frozenset(scope.value for role in (grant["role"], *roles) for scope in PERMISSIONS[Role(role)])
    return api.as_(grant["role"], subject=grant["subject"], grants=[], scopes=scopes)


async def status(client: httpx.AsyncClient, role: str | None = None) -> tuple[int, str | None]:
    """How a caller's list of households is answered."""
    answer = await client.get("/v1/households?limit=1", headers={"acting-role": role} if role else {})
    return answer.status_code, answer.json().get("code")


class TestGiving:
    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.SECRETARIAT_MANAGER}))
    async def test_others_neither_give_nor_read(self, api: Api, role: Role) -> None:
        claims = {"organization": new_id(Kind.ORGANIZATION, 0), "programs": [new_id(Kind.PROGRAM, 0)]}
        if role is Role.NATIONAL_OFFICE:
            claims["areas"] = []
        every = frozenset(scope.value for scope in PERMISSIONS[Role.ADMINISTRATOR])
        client = api.as_(role, scopes=every, **claims)
        for path in ("/v1/grants", "/v1/grants/revocations"):
            answer = await client.post(path, json=grant_body() if path == "/v1/grants" else {})
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
            if role is not Role.AUDITOR:
                assert (await client.get(path)).status_code == 403

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"role": "king"}, "/role", "unknown_code"),
            ({"subject": ""}, "/subject", "length"),
            ({"issuer": "a\nb"}, "/issuer", "pattern"),
            ({"areas": []}, "/areas", "required"),
            ({"areas": ["33.26.99.2001"]}, "/areas/0", "area_unknown"),
            ({"areas": [VILLAGE, VILLAGE]}, "/areas/1", "duplicate"),
            ({"areas": ["33.26.01"]}, "/areas/0", "not_of_this_role"),
            ({"role": "facilitator", "areas": [VILLAGE, "33.26"]}, "/areas/1", "not_of_this_role"),
            ({"role": "supervisor"}, "/areas/0", "not_of_this_role"),
            ({"role": "secretariat_officer", "areas": ["33.26.01"]}, "/areas/0", "not_of_this_role"),
            ({"role": "integrator", "areas": ["33.26", "33.26"]}, "/areas", "items"),
            ({"role": "administrator", "areas": ["33.26.01"]}, "/areas/0", "not_of_this_role"),
            ({"role": "province_office", "areas": ["33.26"]}, "/areas/0", "not_of_this_role"),
            ({"role": "national_office", "areas": ["33.26"]}, "/areas", "not_of_this_role"),
            ({"role": "citizen", "areas": ["33.26"]}, "/areas", "not_of_this_role"),
            ({"role": "partner", "areas": []}, "/organization_id", "required"),
            ({"role": "integrity_officer", "areas": ["33.26"]}, "/organization_id", "required"),
            ({"role": "integrity_officer", "areas": [VILLAGE]}, "/areas/0", "not_of_this_role"),
            ({"role": "partner", "areas": ["33.26"]}, "/areas", "not_of_this_role"),
            ({"role": "program_manager", "areas": ["33.26"]}, "/program_ids", "required"),
            ({"program_ids": [str(new_id(Kind.PROGRAM, 0))]}, "/program_ids", "not_of_this_role"),
            ({"role": "auditor", "areas": ["33.26"]}, "/valid_until", "required"),
            ({"role": "auditor", "areas": ["33.26"], "valid_until": in_days(367)}, "/valid_until", "range"),
            ({"valid_until": in_days(-1)}, "/valid_until", "range"),
            ({"valid_from": in_days(2), "valid_until": in_days(1)}, "/valid_until", "range"),
            ({"valid_from": "2026-11-22T09:00:00"}, "/valid_from", "time_zone_required"),
            ({"organization_id": str(new_id(Kind.ORGANIZATION, 0))}, "/organization_id", "reference_not_found"),
            ({"person_id": str(new_id(Kind.PERSON, 3326))}, "/person_id", "reference_not_found"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await api.as_("administrator").post("/v1/grants", json=grant_body(**change))
        problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_programs_are_known_and_named_once(self, api: Api) -> None:
        programs = (await api.as_("administrator").get("/v1/programs?limit=2")).json()["items"]
        body = grant_body(role="program_manager", areas=["33.26"])
        client = api.as_("administrator")
        unknown = [programs[0]["id"], str(new_id(Kind.PROGRAM, 0))]
        answer = await client.post("/v1/grants", json=body | {"program_ids": unknown})
        problem(answer, 422, "content_invalid", fault=("/program_ids/1", "reference_not_found"))
        answer = await client.post("/v1/grants", json=body | {"program_ids": [programs[0]["id"]] * 2})
        problem(answer, 422, "content_invalid", fault=("/program_ids/1", "duplicate"))

    async def test_a_person_of_another_regency_is_unknown(self, api: Api) -> None:
        made = await api.as_("facilitator", area=OTHER_REGENCY_VILLAGE).post(
            "/v1/households", json=household_body(area_code=OTHER_REGENCY_VILLAGE)
        )
        person = made.json()["members"][0]["person_id"]
        answer = await api.as_("administrator").post("/v1/grants", json=grant_body(person_id=person))
        problem(answer, 422, "content_invalid", fault=("/person_id", "reference_not_found"))
        assert (await give(api, person_id=person, areas=[OTHER_REGENCY_VILLAGE], by="33.27"))["person_id"] == person

    @pytest.mark.parametrize(
        "change",
        [
            {"areas": [OTHER_REGENCY_VILLAGE]},
            {"areas": [VILLAGE, OTHER_REGENCY_VILLAGE]},
            {"role": "secretariat_manager", "areas": ["33.27"]},
            {"role": "administrator", "areas": ["33"]},
            {"role": "province_office", "areas": ["33"]},
            {"role": "auditor", "areas": ["33"], "valid_until": in_days(9)},
            {"role": "national_office", "areas": []},
            {"role": "citizen", "areas": []},
        ],
    )
    async def test_nothing_is_given_beyond_the_own_area(self, api: Api, change: dict[str, Any]) -> None:
        answer = await api.as_("administrator").post("/v1/grants", json=grant_body(**change))
        problem(answer, 403, "area_out_of_scope")

    async def test_a_partner_is_made_where_its_organization_stands(self, api: Api) -> None:
        lks = await register(api)
        body = grant_body(role="partner", areas=[], organization_id=lks["id"])
        elsewhere = await api.as_("administrator", area="33.27").post("/v1/grants", json=body)
        problem(elsewhere, 403, "area_out_of_scope")
        made = await give(api, **body)
        assert (made["area_code"], made["areas"], made["organization_id"]) == ("33.26", [], lks["id"])

    @pytest.mark.parametrize(
        ("role", "areas"),
        [
            ("secretariat_manager", ["33.26"]),
            ("administrator", ["33.26"]),
            ("social_office", ["33.26"]),
            ("integrator", ["33.26"]),
        ],
    )
    async def test_a_manager_gives_only_the_roles_below(self, api: Api, role: str, areas: list[str]) -> None:
        manager = api.as_("secretariat_manager")
        answer = await manager.post("/v1/grants", json=grant_body(role=role, areas=areas))
        problem(answer, 403, "role_not_yours_to_give")
        made = await give(api, role=role, areas=areas)
        problem(await take(manager, made), 403, "role_not_yours_to_give")

    async def test_nobody_gives_to_themselves(self, api: Api) -> None:
        name = subject()
        for role in ("administrator", "secretariat_manager"):
            answer = await api.as_(role, subject=name).post("/v1/grants", json=grant_body(subject=name))
            problem(answer, 403, "own_grant")
        # Of another issuer it is somebody else, whatever the name.
        other = grant_body(subject=name, issuer="https://other.example")
        assert (await api.as_("administrator", subject=name).post("/v1/grants", json=other)).status_code == 201

    async def test_so_many_areas_that_no_policy_reads_them_are_refused(self, api: Api) -> None:
        codes = await _districts(api, "33.26", "33.27", "33.28", "33.29")
        assert len(places.villages_in(codes)) > 1_000 > len(places.villages_in(codes[:2]))
        administrator = api.as_("administrator", area="33")
        answer = await administrator.post("/v1/grants", json=grant_body(role="supervisor", areas=codes))
        problem(answer, 422, "content_invalid", fault=("/areas", "too_many_areas"))

    async def test_is_shown_as_given(self, api: Api) -> None:
        body = grant_body(areas=[VILLAGE, OTHER_VILLAGE], valid_until=in_days(30))
        manager = api.as_("secretariat_manager", subject="the manager")
        answer = await manager.post("/v1/grants", json=body)
        made = answer.json()
        assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/grants/{made['id']}")
        shown = {name: made[name] for name in ("issuer", "subject", "role", "areas", "decree")}
        assert shown == {name: body[name] for name in shown}
        assert (made["area_code"], made["granted_by"], made["version"]) == ("33.26", f"{ISSUER}#the manager", 1)
        assert datetime.fromisoformat(made["valid_until"]) == datetime.fromisoformat(body["valid_until"])
        assert (await manager.get(f"/v1/grants/{made['id']}")).json() == made


async def _districts(api: Api, *regencies: str) -> list[str]:
    found = []
    for regency in regencies:
        answer = await api.anonymous.get(f"/v1/areas?parent_code={regency}&limit=200")
        assert answer.status_code == 200, answer.text
        found += [item["code"] for item in answer.json()["items"]]
    return found


class TestReading:
    async def test_nobody_sees_what_lies_beyond_the_own_area(self, api: Api) -> None:
        here, there = await give(api), await give(api, areas=[OTHER_REGENCY_VILLAGE], by="33.27")
        wide = await give(api, areas=[VILLAGE, OTHER_REGENCY_VILLAGE], by="33")
        for role in ("secretariat_manager", "administrator", "auditor"):
            client = api.as_(role)
            assert (await client.get(f"/v1/grants/{here['id']}")).status_code == 200
            for hidden in (there, wide):
                for path in (f"/v1/grants/{hidden['id']}", f"/v1/grants/{hidden['id']}/history"):
                    problem(await client.get(path), 404, "not_found")
                if role != "auditor":
                    problem(await take(client, hidden), 404, "not_found")
                found = await client.get(f"/v1/grants?subject_id={hidden['subject_id']}&include_total=true")
                assert (found.json()["items"], found.json()["total"]) == ([], 0)
        province = api.as_("administrator", area="33")
        assert (await province.get(f"/v1/grants/{wide['id']}")).json()["area_code"] == "33"

    async def test_filters_find_it(self, api: Api) -> None:
        made = await give(api, role="facilitator")
        client = api.as_("secretariat_manager")

        async def found(query: str) -> bool:
            answer = await client.get(f"/v1/grants?subject_id={made['subject_id']}&{query}")
            assert answer.status_code == 200, answer.text
            return [item["id"] for item in answer.json()["items"]] == [made["id"]]

        for query in ("role=facilitator,partner", "in_force=true", f"area_code={VILLAGE}", "area_code=33.26"):
            assert await found(query), query
        for query in ("role=partner", "in_force=false", "area_code=33.27"):
            assert not await found(query), query
        assert (await take(client, made)).status_code == 200
        assert await found("in_force=false")

    async def test_history_tells_who_and_why(self, api: Api, owner: asyncpg.Connection) -> None:
        made = await give(api)
        manager = api.as_("secretariat_manager", subject="the manager")
        revoked = (await take(manager, made)).json()
        assert (revoked["version"], revoked["revoked_by"]) == (2, f"{ISSUER}#the manager")
        entries = (await manager.get(f"/v1/grants/{made['id']}/history")).json()["items"]
        assert [(entry["type"], entry["texts"]) for entry in entries] == [
            ("grant.given", None),
            ("grant.revoked", {"reason": "Left the service."}),
        ]
        assert entries[0]["changes"]["role"] == {"before": None, "after": "puskesos_officer"}
        events = await owner.fetch(
            "SELECT sequence, organization_id FROM events WHERE regency = 0 AND aggregate_id = $1", UUID(made["id"])
        )
        assert sorted(event["sequence"] for event in events) == [1, 2] == list(range(1, revoked["version"] + 1))

    async def test_events_are_not_for_the_organization(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await register(api)
        made = await give(api, role="partner", areas=[], organization_id=lks["id"])
        for table in ("events", "revisions"):
            (row,) = await owner.fetch(f"SELECT * FROM {table} WHERE aggregate_id = $1", UUID(made["id"]))
            assert (row["organization_id"], row["program_id"], row["area"]) == (None, None, 3326000000)

    async def test_graphql_offers_the_same(self, api: Api) -> None:
        manager = api.as_("secretariat_manager")
        mutation = """mutation($input: GrantsGiveInput!) { grantsGive(input: $input) {
            grant { id role areas areaCode subject history { type } } } }"""
        body = grant_body()
        given = {name: body[name] for name in ("issuer", "subject", "areas")} | {"role": "PUSKESOS_OFFICER"}
        answer = (await manager.post("/graphql", json={"query": mutation, "variables": {"input": given}})).json()
        assert "errors" not in answer, answer
        grant = answer["data"]["grantsGive"]["grant"]
        assert (grant["areaCode"], grant["subject"]) == (VILLAGE, body["subject"])
        assert [entry["type"] for entry in grant["history"]] == ["grant.given"]
        query = "query($id: ID!) { node(id: $id) { ... on Grant { version } } grant(id: $id) { id } }"
        read = {"query": query, "variables": {"id": grant["id"]}}
        assert (await manager.post("/graphql", json=read)).json()["data"]["node"] == {"version": 1}
        other = (await api.as_("secretariat_manager", area="33.27").post("/graphql", json=read)).json()
        assert other["data"]["node"] is None
        outside = {"input": given | {"areas": [OTHER_REGENCY_VILLAGE]}}
        refused = (await manager.post("/graphql", json={"query": mutation, "variables": outside})).json()
        assert refused["errors"][0]["extensions"]["code"] == "area_out_of_scope"


class TestActing:
    async def test_without_a_grant_nobody_acts(self, api: Api) -> None:
        client = api.as_("puskesos_officer", subject=subject(), grants=[])
        assert await status(client) == (403, "role_not_granted")

    async def test_the_table_says_where(self, api: Api) -> None:
        for village in (VILLAGE, OTHER_VILLAGE, OTHER_REGENCY_VILLAGE):
            await api.as_("facilitator", area=village).post("/v1/households", json=household_body(area_code=village))
        client = holder(api, await give(api))
        listed = (await client.get("/v1/households?limit=200")).json()["items"]
        assert {item["area_code"] for item in listed} == {VILLAGE}
        for village in (OTHER_VILLAGE, OTHER_REGENCY_VILLAGE):
            answer = await client.post("/v1/households", json=household_body(area_code=village))
            problem(answer, 403, "area_out_of_scope")
        assert (await client.post("/v1/households", json=household_body())).status_code == 201

    async def test_of_another_issuer_the_same_name_is_somebody_else(self, api: Api) -> None:
        made = await give(api, issuer="https://other.example")
        assert await status(holder(api, made)) == (403, "role_not_granted")

    async def test_claims_stand_by_themselves(self, api: Api) -> None:
        made = await give(api)
        grant = {"role": "facilitator", "areas": [OTHER_VILLAGE]}
        client = api.as_("facilitator", subject=made["subject"], grants=[grant])
        answer = await client.post("/v1/households", json=household_body())
        problem(answer, 403, "area_out_of_scope")
        assert await status(client, "puskesos_officer") == (403, "role_not_granted")

    async def test_roles_and_areas_are_never_joined(self, api: Api) -> None:
        made = await give(api, role="facilitator")
        await give(api, role="puskesos_coordinator", subject=made["subject"], areas=[OTHER_VILLAGE])
        client = holder(api, made, "puskesos_coordinator")
        assert await status(client) == (400, "acting_role_required")
        for role, inside, outside in (
            ("facilitator", VILLAGE, OTHER_VILLAGE),
            ("puskesos_coordinator", OTHER_VILLAGE, VILLAGE),
        ):
            acting = {"acting-role": role}
            answer = await client.post("/v1/households", json=household_body(area_code=outside), headers=acting)
            problem(answer, 403, "area_out_of_scope")
            answer = await client.post("/v1/households", json=household_body(area_code=inside), headers=acting)
            assert answer.status_code == 201

    async def test_several_districts_are_the_list_of_their_villages(self, api: Api) -> None:
        made = await give(api, role="supervisor", areas=["33.26.01", "33.26.02"])
        client = holder(api, made)
        for village, expected in ((VILLAGE, 201), (OTHER_VILLAGE, 201), ("33.26.03.2001", 403)):
            answer = await client.post("/v1/households", json=household_body(area_code=village))
            assert answer.status_code == expected, village
        listed = (await client.get("/v1/households?limit=200")).json()["items"]
        assert {VILLAGE, OTHER_VILLAGE} == {item["area_code"] for item in listed} & {VILLAGE, OTHER_VILLAGE}
        assert not [item for item in listed if item["area_code"][:8] not in {"33.26.01", "33.26.02"}]

    async def test_an_area_inside_another_adds_nothing(self, api: Api) -> None:
        made = await give(api, role="supervisor", areas=["33.26.01"])
        await give(api, role="supervisor", areas=["33.26.01", "33.26.02"], subject=made["subject"])
        assert await status(holder(api, made)) == (200, None)

    @pytest.mark.parametrize(
        ("role", "grants"),
        [
            ("administrator", [{"areas": ["33.26"]}, {"areas": ["33.27"]}]),
            ("auditor", [{"areas": ["33.26"]}]),
            ("partner", [{"organization": str(uuid4())}, {"organization": str(uuid4())}]),
            ("puskesos_officer", [{"areas": [VILLAGE], "person": str(uuid4())} for _ in range(2)]),
            # The program of the one area would be read in the other.
            (
                "program_manager",
                [
                    {"areas": ["33.26"], "programs": [str(uuid4())]},
                    {"areas": ["33.26.01"], "programs": [str(uuid4())]},
                ],
            ),
        ],
    )
    async def test_grants_that_cannot_be_one_scope_are_refused(
        self, api: Api, role: str, grants: list[dict[str, Any]]
    ) -> None:
        client = api.as_(role, grants=[{"role": role} | grant for grant in grants])
        answer = await client.get("/v1/programs")
        problem(answer, 403, "grant_unusable")

    async def test_facts_of_the_grant_reach_the_guards(self, api: Api) -> None:
        lks = await register(api)
        person = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()["members"][0]
        made = await give(api, organization_id=lks["id"], person_id=person["person_id"])
        token = api.token("puskesos_officer", subject=made["subject"], grants=[])
        act = await api.app.state.service.act_of(f"Bearer {token}", None)
        assert act.actor.guard_facts == {
            "subject": f"{ISSUER}#{made['subject']}",
            "role": "puskesos_officer",
            "organization_id": lks["id"],
            "person_id": person["person_id"],
        }


class TestPrograms:
    async def test_several_programs_are_read_by_the_index(self, api: Api, owner: asyncpg.Connection) -> None:
        """The condition of the policy, on the table with its index and a hundred thousand rows of many programs."""
        policies = await owner.fetch("SELECT tablename, qual FROM pg_policies WHERE policyname = 'slrt_program'")
        assert {policy["tablename"] for policy in policies} >= {"referrals", "referral_packages", "events"}
        for policy in policies:
            assert "string_to_array" in policy["qual"], policy["tablename"]
        async with owner.transaction():
            await owner.execute("CREATE TEMPORARY TABLE many (LIKE referrals INCLUDING INDEXES) ON COMMIT DROP")
            required = await owner.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'many'::regclass AND attnum > 0 AND attnotnull"
                " AND attname <> ALL (ARRAY['regency', 'id'])"
            )
            for row in required:
                await owner.execute(f"ALTER TABLE many ALTER {row['attname']} DROP NOT NULL")
            await owner.execute(
                "INSERT INTO many (regency, id, area, version, number, program_id) SELECT 3326, gen_random_uuid(),"
                " 3326012001, 1, n::text, md5((n % 500)::text)::uuid FROM generate_series(1, 100000) n"
            )
            await owner.execute("ANALYZE many")
            await owner.execute("SET LOCAL app.lo = '3326000000'; SET LOCAL app.hi = '3326999999'")
            programs = [await owner.fetchval("SELECT md5($1)::uuid", str(number)) for number in (7, 8)]
            await owner.execute(f"SET LOCAL app.program = '{programs[0]},{programs[1]}'")
            (qual,) = [policy["qual"] for policy in policies if policy["tablename"] == "referrals"]
            statement = f"SELECT id FROM many WHERE regency = 3326 AND {qual}"
            assert len(await owner.fetch(statement)) == 400
            plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {statement}"))
            assert "Seq Scan" not in plan, plan
            assert "program_id = ANY" in plan.split("Filter")[0], plan

    async def test_policies_for_one_program_are_rewritten_and_back(self, make_database: MakeDatabase) -> None:
        """A database of the version before has policies for one program; what else they ask stays."""
        database = await make_database("slrt_programs")

        async def policies() -> dict[str, str]:
            owner = await asyncpg.connect(database.owner_url)
            found = await owner.fetch("SELECT tablename, qual FROM pg_policies WHERE policyname = 'slrt_program'")
            await owner.close()
            # PostgreSQL shows a nested AND with more parentheses than the flat one that it is read back from.
            return {row["tablename"]: row["qual"].replace("(", "").replace(")", "") for row in found}

        new = await policies()
        engine = migrations.engine(database.owner_url)
        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: command.downgrade(migrations.config(sync), "2026_11_22_scopes"))
            await connection.commit()
        await engine.dispose()
        old = await policies()
        # Tables that came later are not there.
        assert {"referrals", "referral_packages", "events", "revisions"} <= set(old) < set(new)
        assert all("string_to_array" not in qual and "program_id = current_setting" in qual for qual in old.values())
        await migrations.upgrade(database.owner_url)
        assert await policies() == new


class Clock:
    """The clock of an application, in seconds since the epoch; it stands still until it is moved."""

    def __init__(self, *apis: Api) -> None:
        # Ahead of what the acts write, so that a grant that was just given is in force.
        self.at = time.time() + 60
        for api in apis:
            api.app.state.service.now = lambda: self.at

    def forward(self, seconds: float) -> None:
        self.at += seconds


@asynccontextmanager
async def instance(database: MigratedDatabase, folder: Path, **settings: Any) -> AsyncIterator[Api]:
    """One more process on the same database, with the same keys."""
    async with running_api(database.api_url, folder, **settings) as running:
        yield running


class TestTime:
    async def test_a_grant_begins_and_ends_on_time(self, database: MigratedDatabase, tmp_path: Path) -> None:
        async with instance(database, tmp_path) as api:
            clock = Clock(api)
            begins, ends = clock.at + 10, clock.at + 15
            made = await give(
                api,
                valid_from=datetime.fromtimestamp(begins, UTC).isoformat(),
                valid_until=datetime.fromtimestamp(ends, UTC).isoformat(),
            )
            client = holder(api, made)
            for seconds, expected in ((0, 403), (9.999, 403), (0.002, 200), (4.998, 200), (0.002, 403)):
                clock.forward(seconds)
                assert (await status(client))[0] == expected, clock.at - begins

    async def test_what_is_kept_is_kept_for_half_a_minute_and_not_longer(
        self, database: MigratedDatabase, tmp_path: Path
    ) -> None:
        async with instance(database, tmp_path) as api:
            clock = Clock(api)
            made = await give(api)
            client = holder(api, made)
            assert await status(client) == (200, None)
            revoked = await take(api.as_("administrator"), made)
            assert revoked.status_code == 200
            clock.forward(ACTOR_SECONDS - 0.001)
            assert await status(client) == (200, None)
            clock.forward(0.001)
            assert await status(client) == (403, "role_not_granted")
            # A clock that is set back must not bring it back.
            clock.forward(-3600)
            assert await status(client) == (403, "role_not_granted")

    async def test_one_question_for_many_requests(
        self, database: MigratedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with instance(database, tmp_path) as api:
            client, service = holder(api, await give(api)), api.app.state.service
            asked = 0
            original = service._standing

            async def counted(claims: Any) -> Any:
                nonlocal asked
                asked += 1
                return await original(claims)

            monkeypatch.setattr(service, "_standing", counted)
            assert set(await asyncio.gather(*(status(client) for _ in range(8)))) == {(200, None)}
            nobody = api.as_("puskesos_officer", subject=subject(), grants=[])
            for _ in range(3):
                assert await status(nobody) == (403, "role_not_granted")
            assert asked == 2

    async def test_without_a_database_it_is_503_and_never_a_refusal(
        self, database: MigratedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with instance(database, tmp_path) as api:
            known = holder(api, await give(api))
            assert await status(known) == (200, None)
            reads = api.app.state.service.platform.database._reads

            async def gone() -> Any:
                raise ConnectionRefusedError

            monkeypatch.setattr(reads, "take", gone)
            clock = Clock(api)
            clock.forward(ACTOR_SECONDS + 1)
            for client in (known, api.as_("puskesos_officer"), api.as_("facilitator", grants=[])):
                problem(await client.get("/v1/households"), 503, "database_unavailable")
            monkeypatch.undo()
            assert await status(known) == (200, None)


class TestRevocations:
    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/subject", "required"),
            ({"subject": "a", "token_id": "b"}, "/subject", "required"),
            ({"subject": "a", "reason": ""}, "/reason", "length"),
        ],
    )
    async def test_wrong_content_is_refused(self, api: Api, body: dict[str, Any], pointer: str, code: str) -> None:
        whole = {"issuer": ISSUER, "reason": "Lost."} | body
        answer = await api.as_("administrator").post("/v1/grants/revocations", json=whole)
        problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_nobody_locks_out_whom_they_do_not_manage(self, api: Api) -> None:
        def body(name: str) -> dict[str, str]:
            return {"issuer": ISSUER, "subject": name, "reason": "Lost."}

        manager, administrator = api.as_("secretariat_manager"), api.as_("administrator")
        unknown = await manager.post("/v1/grants/revocations", json=body(subject()))
        problem(unknown, 422, "content_invalid", fault=("/subject", "reference_not_found"))
        elsewhere = await give(api, areas=[OTHER_REGENCY_VILLAGE], by="33.27")
        both = await give(api)
        await give(api, subject=both["subject"], areas=[OTHER_REGENCY_VILLAGE], by="33.27")
        above = await give(api, role="secretariat_manager", areas=["33.26"])
        for grant in (elsewhere, both, above):
            answer = await manager.post("/v1/grants/revocations", json=body(grant["subject"]))
            problem(answer, 422, "content_invalid", fault=("/subject", "reference_not_found"))
        for grant in (elsewhere, both):
            answer = await administrator.post("/v1/grants/revocations", json=body(grant["subject"]))
            problem(answer, 403, "area_out_of_scope")
        own = subject()
        answer = await api.as_("administrator", subject=own).post("/v1/grants/revocations", json=body(own))
        problem(answer, 403, "own_grant")

    async def test_a_subject_is_refused_everywhere_in_half_a_minute(
        self, database: MigratedDatabase, tmp_path: Path
    ) -> None:
        async with instance(database, tmp_path) as one, instance(database, tmp_path) as other:
            clock = Clock(one, other)
            made = await give(one)
            claims = one.token("puskesos_officer", subject=made["subject"])
            clients = [holder(one, made), holder(other, made), one.client(claims), other.client(claims)]
            assert [await status(client) for client in clients] == [(200, None)] * 4
            manager = one.as_("secretariat_manager")
            body = {"issuer": ISSUER, "subject": made["subject"], "reason": "Lost the telephone."}
            declared = await manager.post("/v1/grants/revocations", json=body)
            assert (declared.status_code, declared.json()["target"]) == (201, "SUBJECT")
            again = await manager.post("/v1/grants/revocations", json=body)
            problem(again, 409, "already_exists")
            # Who comes anew is refused at once, and who was known when the half minute is over.
            assert await status(holder(other, made)) == (401, "token_revoked")
            clock.forward(ACTOR_SECONDS)
            assert [await status(client) for client in clients] == [(401, "token_revoked")] * 4
            path = declared.headers["location"]
            assert (await manager.get(path)).json() == declared.json()
            entries = (await manager.get(f"{path}/history")).json()["items"]
            assert [(entry["type"], entry["texts"]) for entry in entries] == [
                ("revocation.declared", {"reason": "Lost the telephone."})
            ]
            for client in (one.as_("secretariat_manager", area="33.27"), one.as_("administrator", area="33.27")):
                problem(await client.get(path), 404, "not_found")

            lifting = {"json": {"reason": "Found."}, "headers": {"if-match": '"1"'}}
            refused = await manager.post(f"{path}/lifting", **lifting)  # type: ignore[arg-type]
            problem(refused, 403, "role_not_allowed")
            administrator = one.as_("administrator")
            lifted = await administrator.post(f"{path}/lifting", **lifting)  # type: ignore[arg-type]
            assert (lifted.status_code, lifted.json()["version"]) == (200, 2)
            lifting["headers"] = {"if-match": '"2"'}
            problem(
                await administrator.post(f"{path}/lifting", **lifting),  # type: ignore[arg-type]
                409,
                "lifted_already",
            )
            clock.forward(ACTOR_SECONDS)
            assert [await status(client) for client in clients] == [(200, None)] * 4

    async def test_one_token_is_refused_and_no_other(self, database: MigratedDatabase, tmp_path: Path) -> None:
        async with instance(database, tmp_path) as api:
            clock = Clock(api)
            name = subject()
            stolen, kept = (api.token("puskesos_officer", subject=name) for _ in range(2))
            token_id = api.app.state.service.verifier.verify(stolen).token_id
            body = {"issuer": ISSUER, "token_id": token_id, "reason": "Seen in a log."}
            declared = await api.as_("secretariat_manager").post("/v1/grants/revocations", json=body)
            assert (declared.status_code, declared.json()["subject"]) == (201, None)
            answer = await api.client(stolen).get("/v1/households")
            problem(answer, 401, "token_revoked")
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            assert await status(api.client(kept)) == (200, None)
            stored = await _everything_of(database, declared.json()["id"])
            assert token_id not in stored
            assert stolen not in stored
            # When it ends, no token that was in force at the time can be.
            clock.forward(3_661)
            left = await api.as_("administrator").get("/v1/grants/revocations?in_force=true")
            assert left.status_code == 200
            ends = datetime.fromisoformat(declared.json()["expires_at"]).timestamp()
            assert ends - time.time() == pytest.approx(3_660, abs=60)

    async def test_a_grant_is_taken_once_and_not_by_its_holder(self, api: Api) -> None:
        made = await give(api, role="administrator", areas=["33.26"])
        problem(await take(holder(api, made), made), 403, "own_grant")
        administrator = api.as_("administrator")
        path = f"/v1/grants/{made['id']}/revocation"
        problem(await administrator.post(path, json={"reason": "B"}), 428, "if_match_required")
        stale = await take(administrator, made | {"version": 7})
        problem(stale, 412, "version_stale")
        revoked = (await take(administrator, made)).json()
        problem(await take(administrator, revoked), 409, "revoked_already")


async def _everything_of(database: MigratedDatabase, id_: str) -> str:
    """All that the database holds of an aggregate, as text."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        found = [
            await connection.fetch(f"SELECT t::text FROM {table} t WHERE {column} = $1", UUID(id_))
            for table, column in (("revocations", "id"), ("revisions", "aggregate_id"))
        ]
        events = await connection.fetch(
            "SELECT convert_from(body, 'UTF8') FROM events WHERE aggregate_id = $1", UUID(id_)
        )
        assert all(found)
        assert events
        return "\n".join(row[0] for rows in (*found, events) for row in rows)
    finally:
        await connection.close()


class TestCitizens:
    async def test_an_issuer_may_name_them_as_its_default(self, database: MigratedDatabase, tmp_path: Path) -> None:
        async with instance(database, tmp_path) as api:
            service = api.app.state.service
            citizen = api.as_("citizen", subject=subject(), grants=[])
            answer = await citizen.get("/v1/complaints")
            problem(answer, 403, "role_not_granted")
            service.default_roles = {ISSUER: "citizen"}
            citizen = api.as_("citizen", subject=subject(), grants=[])
            assert (await citizen.get("/v1/complaints")).json()["items"] == []
            problem(await citizen.get("/v1/households"), 403, "role_not_allowed")
            # Somebody with a grant has that, and is no citizen beside it.
            made = await give(api)
            assert await status(holder(api, made), "citizen") == (403, "role_not_granted")
