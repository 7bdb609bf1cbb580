"""Cases that were escalated: the offices of province and nation see those, and nothing else."""

from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import OTHER_VILLAGE, VILLAGE, Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_complaints import filed

from slrt_api.access.scopes import Role

REASON = "Tidak ada panti rehabilitasi di kabupaten ini"
ESCALATORS = {Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE}
OFFICES = ("province_office", "national_office")


def office(api: Api, role: str) -> httpx.AsyncClient:
    """The office as its grant says: the province in its province, the nation without an area."""
    return api.as_(role, areas=["33"] if role == "province_office" else [])


async def opened(api: Api, village: str = VILLAGE) -> dict[str, Any]:
    """A case under assessment, with a need."""
    officer = api.as_("puskesos_officer", area=village)
    family = await api.as_("facilitator", area=village).post("/v1/households", json=household_body(area_code=village))
    case: dict[str, Any] = (await officer.post("/v1/cases", json={"household_id": family.json()["id"]})).json()
    need = {"person_id": family.json()["members"][0]["person_id"], "domain": "HEALTH", "need": "HEALTH_INSURANCE"}
    for part, body in (("transitions", {"action": "VERIFY"}), ("transitions", {"action": "ASSESS"}), ("needs", need)):
        answer = await officer.post(
            f"/v1/cases/{case['id']}/{part}", json=body, headers={"if-match": f'"{case["version"]}"'}
        )
        assert answer.status_code == 200, answer.text
        case = answer.json()
    return case


async def escalate(
    api: Api, case: dict[str, Any], level: str, *, role: str = "secretariat_manager", expect: int = 200, **claims: Any
) -> dict[str, Any]:
    answer = await api.as_(role, **claims).post(
        f"/v1/cases/{case['id']}/escalation",
        json={"level": level, "reason": REASON},
        headers={"if-match": f'"{case["version"]}"'},
    )
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def seen(api: Api, case: dict[str, Any], role: str) -> bool:
    """Whether the office sees the case: as an item, in the list, in the count and in GraphQL alike."""
    client, id_ = office(api, role), case["id"]
    item = (await client.get(f"/v1/cases/{id_}")).status_code == 200
    ids: list[str] = []
    url = "/v1/cases?limit=200"
    while url:
        page = await client.get(url)
        ids += [each["id"] for each in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else ""
    by_number = (await client.get(f"/v1/cases?number={case['number']}&include_total=true")).json()
    node = await client.post("/graphql", json={"query": f'{{ node(id: "{id_}") {{ id }} }}'})
    answers = {
        item,
        id_ in ids,
        len(by_number["items"]) == 1,
        by_number["total"] == 1,
        node.json()["data"]["node"] is not None,
    }
    assert len(answers) == 1
    return item


class TestEscalate:
    @pytest.mark.parametrize("role", [role for role in Role if role not in ESCALATORS])
    async def test_others_may_not(self, api: Api, role: Role) -> None:
        case = await opened(api)
        organization = "019aaa11-2233-8000-8000-20a1b2c3d4e5"
        client = api.as_(role, organization=organization, programs=[organization], scopes=frozenset({"cases:decide"}))
        answer = await client.post(
            f"/v1/cases/{case['id']}/escalation",
            json={"level": "PROVINCE", "reason": REASON},
            headers={"if-match": f'"{case["version"]}"'},
        )
        assert answer.status_code == 403

    async def test_only_a_case_in_sight(self, api: Api) -> None:
        case = await opened(api)
        await escalate(api, case, "PROVINCE", expect=404, area="33.27")

    async def test_the_same_level_twice_is_refused(self, api: Api) -> None:
        case = await opened(api)
        assert (await escalate(api, case, "NONE", expect=409))["code"] == "escalation_unchanged"
        case = await escalate(api, case, "NATION")
        assert (await escalate(api, case, "NATION", expect=409))["code"] == "escalation_unchanged"

    async def test_a_case_that_has_ended_is_not_escalated_but_taken_back(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        ended = []
        for level in (None, "PROVINCE"):
            case = await opened(api)
            if level:
                case = await escalate(api, case, level)
            answer = await officer.post(
                f"/v1/cases/{case['id']}/transitions",
                json={"action": "WITHDRAW", "reason": "Pindah"},
                headers={"if-match": f'"{case["version"]}"'},
            )
            ended.append(answer.json())
        assert (await escalate(api, ended[0], "PROVINCE", expect=409))["code"] == "case_closed"
        assert (await escalate(api, ended[1], "NATION", expect=409))["code"] == "case_closed"
        assert (await escalate(api, ended[1], "NONE"))["escalation"] == "NONE"

    async def test_it_is_recorded_with_its_reason(self, api: Api) -> None:
        case = await opened(api)
        case = await escalate(api, case, "PROVINCE", role="social_office")
        case = await escalate(api, case, "NATION")
        case = await escalate(api, case, "PROVINCE")
        history = (await api.as_("auditor").get(f"/v1/cases/{case['id']}/history?sort=-sequence&limit=3")).json()
        assert [(each["type"], each["texts"], each["changes"]) for each in reversed(history["items"])] == [
            ("case.escalated", {"reason": REASON}, {"escalation": {"before": 0, "after": 1}}),
            ("case.escalated", {"reason": REASON}, {"escalation": {"before": 1, "after": 2}}),
            ("case.escalation_reduced", {"reason": REASON}, {"escalation": {"before": 2, "after": 1}}),
        ]
        assert case["escalation"] == "PROVINCE"
        listed = await api.as_("secretariat_manager").get("/v1/cases?escalation=PROVINCE,NATION&limit=200")
        assert case["id"] in {each["id"] for each in listed.json()["items"]}
        assert {each["escalation"] for each in listed.json()["items"]} <= {"PROVINCE", "NATION"}


class TestSight:
    async def test_an_office_sees_a_case_from_its_escalation_until_it_is_taken_back(self, api: Api) -> None:
        case = await opened(api)
        for level, expected in (
            (None, (False, False)),
            ("PROVINCE", (True, False)),
            ("NATION", (True, True)),
            ("PROVINCE", (True, False)),
            ("NONE", (False, False)),
        ):
            if level:
                case = await escalate(api, case, level)
            assert tuple([await seen(api, case, role) for role in OFFICES]) == expected, level

    async def test_another_province_sees_nothing_of_it(self, api: Api) -> None:
        case = await escalate(api, await opened(api), "NATION")
        for areas in (["32"], ["34"]):
            client = api.as_("province_office", areas=areas)
            assert (await client.get(f"/v1/cases/{case['id']}")).status_code == 404
            assert (await client.get("/v1/cases")).json()["items"] == []

    async def test_its_needs_come_with_it_also_those_added_later(self, api: Api) -> None:
        case = await escalate(api, await opened(api), "NATION")
        need = {"person_id": case["needs"][0]["person_id"], "domain": "EDUCATION", "need": "SCHOOL_RETENTION"}
        answer = await api.as_("puskesos_officer").post(
            f"/v1/cases/{case['id']}/needs", json=need, headers={"if-match": f'"{case["version"]}"'}
        )
        assert answer.status_code == 200, answer.text
        for role in OFFICES:
            found = (await office(api, role).get(f"/v1/cases/{case['id']}")).json()
            assert [each["need"] for each in found["needs"]] == ["HEALTH_INSURANCE", "SCHOOL_RETENTION"]
            assert found["allowed_actions"] == []
        await escalate(api, answer.json(), "PROVINCE")
        again = (await office(api, "province_office").get(f"/v1/cases/{case['id']}")).json()
        assert len(again["needs"]) == 2

    @pytest.mark.parametrize("role", OFFICES)
    async def test_they_see_nothing_else(self, api: Api, role: str) -> None:
        complaint = await filed(api)
        case = await escalate(api, await opened(api), "NATION")
        every = frozenset(
            {"cases:read", "households:read", "referrals:read", "complaints:read", "audit:read", "cases:write"}
        )
        client = api.as_(role, areas=["33"] if role == "province_office" else [], scopes=every)
        for path in (
            f"/v1/households/{case['household_id']}",
            f"/v1/complaints/{complaint['id']}",
        ):
            assert (await client.get(path)).status_code == 404, path
        for plural in (
            "households",
            "referrals",
            "audit/accesses",
            "registry/snapshots",
            f"households/{case['household_id']}/members",
        ):
            assert (await client.get(f"/v1/{plural}")).status_code == 403, plural
        for part in ("assessments", "services"):
            assert (await client.get(f"/v1/cases/{case['id']}/{part}")).status_code == 403, part
        for include in ("household", "referrals", "assessments", "services", "needs.referral"):
            assert (await client.get(f"/v1/cases/{case['id']}?include={include}")).status_code == 403, include
        for action in ("VERIFY", "WITHDRAW"):
            answer = await client.post(
                f"/v1/cases/{case['id']}/transitions",
                json={"action": action, "reason": "x"},
                headers={"if-match": f'"{case["version"]}"'},
            )
            assert answer.status_code in {403, 404}
        query = f'{{ case(id: "{case["id"]}") {{ id household {{ id }} }} }}'
        asked = await client.post("/graphql", json={"query": query})
        assert asked.json()["errors"][0]["extensions"]["code"] == "role_not_allowed"


_TABLES = """
SELECT relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'regency' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""


@pytest_asyncio.fixture
async def escalated(api: Api) -> dict[str, Any]:
    return await escalate(api, await opened(api, OTHER_VILLAGE), "PROVINCE")


class TestDatabase:
    async def test_the_role_may_read_cases_complaints_and_counts_of_screenings_and_write_none(
        self, owner: asyncpg.Connection
    ) -> None:
        readable = set()
        for row in await owner.fetch(_TABLES):
            for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                if await owner.fetchval("SELECT has_table_privilege('slrt_escalated', $1, $2)", row[0], privilege):
                    readable.add((row[0], privilege))
        assert readable == {
            (table, "SELECT")
            for table in (
                *("cases", "needs", "complaints", "clocks", "events", "revisions"),
                *("screenings", "screening_counts", "screening_changes"),
            )
        }

    @pytest.mark.parametrize("table", ["cases", "needs"])
    async def test_without_the_policy_the_rest_would_be_seen(
        self, database: MigratedDatabase, owner: asyncpg.Connection, escalated: dict[str, Any], table: str
    ) -> None:
        """The control: the same question, once under the policy and once with one that is true."""
        api = await asyncpg.connect(database.api_url)
        column = "id" if table == "cases" else "case_id"

        async def levels(level: int) -> set[int]:
            async with api.transaction():
                await api.execute(
                    "SET LOCAL ROLE slrt_escalated; SET LOCAL app.lo = '3300000000'; SET LOCAL app.hi = '3399999999';"
                    f" SET LOCAL app.level = '{level}'"
                )
                return {row[0] for row in await api.fetch(f"SELECT DISTINCT escalation FROM {table}")}

        try:
            assert 1 in await levels(1)
            assert min(await levels(1)) == 1
            assert await levels(2) <= {2}
            qual = await owner.fetchval(
                "SELECT qual FROM pg_policies WHERE tablename = $1 AND policyname = 'slrt_escalated'", table
            )
            await owner.execute(f"ALTER POLICY slrt_escalated ON {table} USING (true)")
            try:
                assert 0 in await levels(2)
            finally:
                await owner.execute(f"ALTER POLICY slrt_escalated ON {table} USING ({qual})")
            assert 0 not in await levels(1)
        finally:
            await api.close()
        assert await owner.fetchval(f"SELECT min(escalation) FROM {table} WHERE {column} = $1", escalated["id"]) == 1
