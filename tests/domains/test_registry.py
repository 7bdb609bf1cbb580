"""The registry: releases, what a check finds in the newest one, and what each tells of families and people."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import Api, household_body, running_api
from tests.conftest import MigratedDatabase
from tests.domains.test_cases import fault, post, problem

from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.registry import service
from slrt_api.registry.service import LoadRelease, ReleaseEntry
from slrt_api.rest.service import Service
from slrt_api.runtime.usecase import Act

REGENCY = "33.28"
VILLAGE = "33.28.01.2001"
#: in a regency of which no release is loaded
EMPTY_VILLAGE = "33.29.01.2001"
OFFICER = "puskesos_officer"

#: KK and NIKs by family; a family that no release knows has none of these
KNOWN = ("9901010101120101", "9901014505880101", "9901014505880102")
TWICE = ("9901010101120201", "9901014505880201")
SPLIT = ("9901010101120301", "9901014505880301", "9901014505880302")


def entry(nik: str, kk: str, desil: int | None = 2) -> ReleaseEntry:
    return ReleaseEntry(nik=nik, kk=kk, desil=desil)


ENTRIES = (
    entry(KNOWN[1], KNOWN[0]),
    entry(KNOWN[2], KNOWN[0], None),
    entry(TWICE[1], TWICE[0]),
    entry(TWICE[1], TWICE[0]),
    entry(SPLIT[1], SPLIT[0]),
    entry(SPLIT[2], "9901010101120399"),
)


async def load(
    api: Api, release: str, as_of: date, *entries: ReleaseEntry, area_code: str | None = None, reach: str = REGENCY
) -> None:
    """Load a release by the integrator of the regency `reach`."""
    house: Service = api.app.state.service
    actor = (await house.act_of(f"Bearer {api.token('integrator', area=reach)}", None)).actor
    command = LoadRelease(source="DTSEN", release=release, as_of=as_of, area_code=area_code or reach, entries=entries)
    await Act(house.platform, actor, "0" * 32)(service.load_release, command)


def family(kk: str | None, *niks: str, village: str = VILLAGE) -> dict[str, Any]:
    members = [
        {"name": "Siti", "nik": nik, "sex": "F", "relation": "OTHER" if place else "HEAD"}
        for place, nik in enumerate(niks or (None,))
    ]
    return household_body(kk=kk, area_code=village, members=members)


async def checked(api: Api, body: dict[str, Any]) -> httpx.Response:
    village = body["area_code"]
    registered = await api.as_("facilitator", area=village).post("/v1/households", json=body)
    assert registered.status_code == 201, registered.text
    return await api.as_(OFFICER, area=village).post(
        "/v1/registry/checks", json={"household_id": registered.json()["id"]}
    )


@pytest_asyncio.fixture(scope="module")
async def release(api: Api) -> None:
    """Two releases: in the older one nobody of this module stands."""
    await load(api, "2026-Q3", date(2026, 9, 30), *ENTRIES)
    await load(api, "2026-Q2", date(2026, 6, 30), entry("9901014505880901", "9901010101120901"))


@pytest.mark.usefixtures("release")
class TestCheck:
    @pytest.mark.parametrize(
        ("body", "outcome"),
        [
            (family(*KNOWN), "IN_REGISTRY"),
            (family(None, KNOWN[2]), "IN_REGISTRY"),
            (family(KNOWN[0]), "IN_REGISTRY"),
            (family("9901010101129999", KNOWN[1]), "IN_REGISTRY"),
            (family("9901010101129999", "9901014505889999"), "NOT_FOUND"),
            (family(None), "NOT_FOUND"),
            (family("9901010101120901", "9901014505880901"), "NOT_FOUND"),
            (family(*TWICE), "AMBIGUOUS"),
            (family(*SPLIT), "AMBIGUOUS"),
            (family(KNOWN[0], SPLIT[1]), "AMBIGUOUS"),
            # Somebody's NIK given as the number of a family card leads nowhere.
            (family(KNOWN[1]), "NOT_FOUND"),
        ],
    )
    async def test_finds_the_family_in_the_newest_release(self, api: Api, body: dict[str, Any], outcome: str) -> None:
        answer = await checked(api, body)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert set(found) == {"outcome", "snapshot", "checked_at"}
        assert (found["outcome"], found["snapshot"]["release"], found["snapshot"]["as_of"]) == (
            outcome,
            "2026-Q3",
            "2026-09-30",
        )
        assert answer.headers["cache-control"] == "private, no-store"

    async def test_who_looked_is_on_record_when_the_answer_leaves(self, api: Api, owner: asyncpg.Connection) -> None:
        made = await api.as_("facilitator", area=VILLAGE).post("/v1/households", json=family(*KNOWN))
        body = {"household_id": made.json()["id"]}
        await api.as_(OFFICER, area=VILLAGE).post("/v1/registry/checks", json=body)
        accesses = await owner.fetch(
            "SELECT actor, operation, purpose FROM accesses WHERE resource_id = $1", UUID(made.json()["id"])
        )
        assert [tuple(each) for each in accesses] == [
            (f"http://api.test#{OFFICER}@{VILLAGE}", "registry.check", "REGISTRY_CHECK")
        ]

    async def test_a_household_out_of_sight_is_no_reference(self, api: Api) -> None:
        made = await api.as_("facilitator", area=VILLAGE).post("/v1/households", json=family(*KNOWN))
        stranger = api.as_(OFFICER, area="33.28.01.2002")
        for household_id in (made.json()["id"], str(new_id(Kind.HOUSEHOLD, 3328))):
            answer = await stranger.post("/v1/registry/checks", json={"household_id": household_id})
            assert fault(answer) == (422, "/household_id", "reference_not_found")

    async def test_facilitators_do_not_check(self, api: Api) -> None:
        body = {"household_id": str(new_id(Kind.HOUSEHOLD, 3328))}
        answer = await api.as_("facilitator", area=VILLAGE).post("/v1/registry/checks", json=body)
        assert problem(answer) == (403, "scope_missing")

    async def test_where_no_release_is_loaded_nothing_can_be_said(self, api: Api) -> None:
        answer = await checked(api, family(*KNOWN, village=EMPTY_VILLAGE))
        assert problem(answer) == (409, "registry_not_loaded")

    @pytest.mark.parametrize(
        ("body", "outcome", "wanted"),
        [
            (family(*KNOWN), "IN_REGISTRY", False),
            (family(None), "NOT_FOUND", True),
            (family(*SPLIT), "AMBIGUOUS", False),
        ],
    )
    async def test_verification_keeps_the_finding_and_goes_on(
        self, api: Api, body: dict[str, Any], outcome: str, wanted: bool
    ) -> None:
        made = (await api.as_("facilitator", area=VILLAGE).post("/v1/households", json=body)).json()
        officer = api.as_(OFFICER, area=VILLAGE)
        case = (await officer.post("/v1/cases", json={"household_id": made["id"]})).json()
        for action in ("VERIFY", "ASSESS"):
            case = (await post(officer, case, "transitions", action=action)).json()
        assert (case["status"], case["registry_outcome"], case["proposal_wanted"]) == ("ASSESSMENT", outcome, wanted)
        snapshot = await officer.get(f"/v1/registry/snapshots/{case['registry_snapshot_id']}")
        assert snapshot.json()["release"] == "2026-Q3"
        assert case["registry_checked_at"] is not None

    async def test_verification_without_a_release_keeps_no_finding(self, api: Api) -> None:
        body = family(*KNOWN, village=EMPTY_VILLAGE)
        made = (await api.as_("facilitator", area=EMPTY_VILLAGE).post("/v1/households", json=body)).json()
        officer = api.as_(OFFICER, area=EMPTY_VILLAGE)
        case = (await officer.post("/v1/cases", json={"household_id": made["id"]})).json()
        case = (await post(officer, case, "transitions", action="VERIFY")).json()
        assert (case["status"], case["registry_outcome"], case["proposal_wanted"]) == ("VERIFICATION", None, False)


@pytest.mark.usefixtures("release")
class TestReleases:
    async def test_staff_of_a_village_see_the_releases_of_their_regency_only(self, api: Api) -> None:
        mine = (await api.as_(OFFICER, area=VILLAGE).get("/v1/registry/snapshots")).json()["items"]
        assert [(each["release"], each["entries"], each["area_code"]) for each in mine] == [
            ("2026-Q2", 1, REGENCY),
            ("2026-Q3", len(ENTRIES), REGENCY),
        ]
        for role, area in ((OFFICER, EMPTY_VILLAGE), ("secretariat_officer", "33.27"), ("auditor", "33.29")):
            stranger = api.as_(role, area=area)
            assert (await stranger.get("/v1/registry/snapshots")).json()["items"] == []
            assert problem(await stranger.get(f"/v1/registry/snapshots/{mine[0]['id']}")) == (404, "not_found")

    async def test_a_release_is_loaded_once(self, api: Api) -> None:
        with pytest.raises(errors.Conflict, match="already_exists"):
            await load(api, "2026-Q3", date(2026, 9, 30))

    async def test_nobody_loads_another_regency(self, api: Api) -> None:
        with pytest.raises(errors.OutOfScope):
            await load(api, "2026-Q4", date(2026, 12, 31), area_code="33.29")
        with pytest.raises(errors.Invalid):
            await load(api, "2026-Q4", date(2026, 12, 31), area_code="33.28.01")

    async def test_officers_may_not_load(self, api: Api) -> None:
        house: Service = api.app.state.service
        actor = (await house.act_of(f"Bearer {api.token('secretariat_manager', area=REGENCY)}", None)).actor
        command = LoadRelease(source="DTSEN", release="X", as_of=date(2026, 1, 1), area_code=REGENCY, entries=())
        with pytest.raises(errors.Forbidden, match="scope_missing"):
            await Act(house.platform, actor, "0" * 32)(service.load_release, command)

    async def test_no_number_stands_in_the_tables(self, owner: asyncpg.Connection) -> None:
        rows = await owner.fetch("SELECT e::text AS line FROM registry_entries e WHERE regency = 3328")
        assert len(rows) == len(ENTRIES) + 1
        assert not any("99010" in row["line"] for row in rows)
        event = await owner.fetchrow(
            "SELECT type, sequence, role FROM events JOIN registry_snapshots s"
            " ON s.regency = events.regency AND s.id = aggregate_id WHERE s.regency = 3328 AND release = '2026-Q3'"
        )
        assert event is not None
        assert tuple(event) == ("snapshot.loaded", 1, "integrator")


#: a regency for itself, of which releases are loaded in the midst of the tests
FACTS_REGENCY = "33.23"
FACTS_VILLAGE = "33.23.01.2001"
STANDING = ("9901010101120401", "9901014505880401", "9901014505880402")
LEAVING = ("9901010101120501", "9901014505880501")
DOUBLE = ("9901010101120601", "9901014505880601")
UNKNOWN = ("9901010101120701", "9901014505880701")


async def facts(api: Api, path: str, village: str = FACTS_VILLAGE) -> list[tuple[str, str, int | None]]:
    """Release, outcome and rank of the facts of a household or person, as they are included."""
    answer = await api.as_(OFFICER, area=village).get(f"/v1/{path}?include=registry_facts")
    assert answer.status_code == 200, answer.text
    listed = answer.json()["registry_facts"]
    assert all(set(each) == {"outcome", "desil", "source", "release", "as_of", "snapshot_id"} for each in listed)
    return [(each["release"], each["outcome"], each["desil"]) for each in listed]


async def registered(api: Api, *numbers: str, village: str = FACTS_VILLAGE) -> dict[str, Any]:
    body = family(numbers[0], *numbers[1:], village=village)
    answer = await api.as_("facilitator", area=village).post("/v1/households", json=body)
    assert answer.status_code == 201, answer.text
    household: dict[str, Any] = answer.json()
    return household


@pytest_asyncio.fixture(scope="module")
async def families(api: Api) -> dict[str, dict[str, Any]]:
    """Families registered before a release, between two, and after them; the second release is the older one."""
    before = {
        "standing": await registered(api, *STANDING),
        "double": await registered(api, *DOUBLE),
        "unknown": await registered(api, *UNKNOWN),
    }
    await load(
        api,
        "2026-Q3",
        date(2026, 9, 30),
        entry(STANDING[1], STANDING[0], 2),
        entry(STANDING[2], STANDING[0], None),
        entry(DOUBLE[1], DOUBLE[0], 3),
        entry(DOUBLE[1], DOUBLE[0], 3),
        reach=FACTS_REGENCY,
    )
    between = {"leaving": await registered(api, *LEAVING)}
    await load(
        api,
        "2026-Q2",
        date(2026, 6, 30),
        entry(LEAVING[1], LEAVING[0], 1),
        entry(STANDING[1], STANDING[0], 4),
        reach=FACTS_REGENCY,
    )
    return before | between | {"late": await registered(api, *STANDING), "gone": await registered(api, *LEAVING)}


class TestFacts:
    async def test_of_who_stands_in_no_release_there_are_none_and_no_rank(
        self, api: Api, families: dict[str, dict[str, Any]]
    ) -> None:
        household = families["unknown"]
        assert await facts(api, f"households/{household['id']}") == []
        assert await facts(api, f"persons/{household['members'][0]['person_id']}") == []

    async def test_several_matches_tell_no_rank(self, api: Api, families: dict[str, dict[str, Any]]) -> None:
        household = families["double"]
        for path in (f"households/{household['id']}", f"persons/{household['members'][0]['person_id']}"):
            assert await facts(api, path) == [("2026-Q3", "AMBIGUOUS", None)]

    @pytest.mark.parametrize("when", ["standing", "late"])
    async def test_every_release_tells_its_own_whether_it_was_loaded_before_or_after(
        self, api: Api, families: dict[str, dict[str, Any]], when: str
    ) -> None:
        household = families[when]
        told = await facts(api, f"households/{household['id']}")
        assert told == [("2026-Q3", "IN_REGISTRY", 2), ("2026-Q2", "IN_REGISTRY", 4)]
        one, other = (f"persons/{member['person_id']}" for member in household["members"])
        assert await facts(api, one) == [("2026-Q3", "IN_REGISTRY", 2), ("2026-Q2", "IN_REGISTRY", 4)]
        # Delivered without a rank it has none: neither the family's nor the lowest.
        assert await facts(api, other) == [("2026-Q3", "IN_REGISTRY", None)]

    @pytest.mark.parametrize("when", ["leaving", "gone"])
    async def test_who_stood_in_an_earlier_release_is_told_to_stand_in_the_later_no_more(
        self, api: Api, families: dict[str, dict[str, Any]], when: str
    ) -> None:
        household = families[when]
        for path in (f"households/{household['id']}", f"persons/{household['members'][0]['person_id']}"):
            assert await facts(api, path) == [("2026-Q3", "NOT_FOUND", None), ("2026-Q2", "IN_REGISTRY", 1)]

    async def test_a_member_who_joins_later_is_looked_up_too(
        self, api: Api, families: dict[str, dict[str, Any]]
    ) -> None:
        assert families
        household = await registered(api, "9901010101120702", "9901014505880702")
        assert await facts(api, f"households/{household['id']}") == []
        joined = await api.as_("facilitator", area=FACTS_VILLAGE).post(
            f"/v1/households/{household['id']}/members",
            json={"relation": "CHILD", "person": {"name": "Siti", "sex": "F", "nik": STANDING[1]}},
            headers={"if-match": '"1"'},
        )
        assert joined.status_code == 200, joined.text
        told = [("2026-Q3", "IN_REGISTRY", 2), ("2026-Q2", "IN_REGISTRY", 4)]
        assert await facts(api, f"persons/{joined.json()['members'][-1]['person_id']}") == told
        assert await facts(api, f"households/{household['id']}") == told

    async def test_they_follow_the_numbers_of_people_who_leave_and_come_back(
        self, api: Api, families: dict[str, dict[str, Any]]
    ) -> None:
        assert families
        household = await registered(api, "9901010101120703", "9901014505880703", STANDING[1])
        officer = api.as_(OFFICER, area=FACTS_VILLAGE)
        first, second = (member["person_id"] for member in household["members"])
        told = [("2026-Q3", "IN_REGISTRY", 2), ("2026-Q2", "IN_REGISTRY", 4)]
        assert await facts(api, f"households/{household['id']}") == told

        async def ask(of: str, operation: str, **body: Any) -> dict[str, Any]:
            version = (await officer.get(f"/v1/{of}")).headers["etag"]
            answer = await officer.post(
                f"/v1/{of}/{operation}", json={"reason": "KK baru", **body}, headers={"if-match": version}
            )
            assert answer.status_code == 200, answer.text
            done: dict[str, Any] = answer.json()
            return done

        of = f"households/{household['id']}"
        split = await ask(of, "split", members=[{"person_id": second, "relation": "HEAD"}])
        [new] = set(split["household_ids"]) - {household["id"]}
        assert await facts(api, f"households/{new}") == await facts(api, f"persons/{second}") == told
        assert await facts(api, of) == []
        await ask(f"lineage/{split['id']}", "undo")
        assert await facts(api, of) == told
        await ask(f"persons/{second}", "nik", nik="9901014505880704", evidence="KTP-el")
        for path in (of, f"persons/{first}", f"persons/{second}"):
            assert await facts(api, path) == []

    async def test_they_are_listed_by_themselves_too(self, api: Api, families: dict[str, dict[str, Any]]) -> None:
        household = families["standing"]
        for path in (f"households/{household['id']}", f"persons/{household['members'][0]['person_id']}"):
            url = f"/v1/{path}/registry-facts?limit=1"
            listed = []
            while url:
                page = await api.as_(OFFICER, area=FACTS_VILLAGE).get(url)
                assert page.status_code == 200, page.text
                listed += [each["release"] for each in page.json()["items"]]
                url = page.links["next"]["url"] if "next" in page.links else ""
            assert sorted(listed) == ["2026-Q2", "2026-Q3"]

    async def test_elsewhere_nobody_sees_them(self, api: Api, families: dict[str, dict[str, Any]]) -> None:
        household = families["standing"]
        for stranger in (
            api.as_(OFFICER, area="33.23.01.2002"),
            api.as_("partner", organization=new_id(Kind.ORGANIZATION, 0)),
            api.as_("national_office"),
        ):
            answer = await stranger.get(f"/v1/households/{household['id']}/registry-facts")
            assert answer.status_code in {403, 404}

    async def test_nobody_but_the_effect_of_a_load_or_a_registration_writes_them(
        self, owner: asyncpg.Connection
    ) -> None:
        writers = await owner.fetch(
            "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
            " WHERE table_name = 'registry_facts' AND privilege_type <> 'SELECT' AND grantee <> 'slrt_owner'"
        )
        assert [row["grantee"] for row in writers] == ["slrt_effect"]

    async def test_graphql_tells_the_same(self, api: Api, families: dict[str, dict[str, Any]]) -> None:
        household = families["gone"]
        answer = await api.as_(OFFICER, area=FACTS_VILLAGE).post(
            "/graphql",
            json={
                "query": "query($id: ID!) { household(id: $id) { registryFacts { release outcome desil } } }",
                "variables": {"id": household["id"]},
            },
        )
        assert answer.json() == {
            "data": {
                "household": {
                    "registryFacts": [
                        {"release": "2026-Q3", "outcome": "NOT_FOUND", "desil": None},
                        {"release": "2026-Q2", "outcome": "IN_REGISTRY", "desil": 1},
                    ]
                }
            }
        }

    async def test_numbers_that_have_rotated_match_releases_of_the_older_key_and_the_other_way_round(
        self, database: MigratedDatabase, tmp_path: Path
    ) -> None:
        first, second = (base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2))
        keys = {
            "encryption_keys": json.dumps({"one": base64.b64encode(bytes([3] * 32)).decode()}),
            "index_key": base64.b64encode(bytes([4] * 32)).decode(),
        }
        numbers, village = ("9901010101120801", "9901014505880801"), "33.22.01.2001"
        only_first, both = json.dumps({"a": first}), json.dumps({"a": first, "b": second})
        async with running_api(database.api_url, tmp_path, **keys, index_keys=only_first) as api:
            old = await registered(api, *numbers, village=village)
            await load(api, "key a", date(2020, 1, 1), entry(numbers[1], numbers[0], 5), reach="33.22")
        async with running_api(database.api_url, tmp_path, **keys, index_keys=both) as api:
            new = await registered(api, *numbers, village=village)
            await load(api, "key b", date(2020, 6, 1), entry(numbers[1], numbers[0], 6), reach="33.22")
            told = [("key b", "IN_REGISTRY", 6), ("key a", "IN_REGISTRY", 5)]
            for household in (old, new):
                assert await facts(api, f"households/{household['id']}", village) == told
        async with running_api(database.api_url, tmp_path, **keys, index_keys=json.dumps({"b": second})) as api:
            # A release of a key that is gone can be matched by nobody, and stops nobody.
            late = await registered(api, *numbers, village=village)
            assert await facts(api, f"households/{late['id']}", village) == told[:1]
