"""The registry: releases, and what a check finds in the newest one."""

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.api import Api, household_body
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


async def load(api: Api, release: str, as_of: date, *entries: ReleaseEntry, area_code: str = REGENCY) -> None:
    house: Service = api.app.state.service
    actor = (await house.act_of(f"Bearer {api.token('integrator', area=REGENCY)}", None)).actor
    command = LoadRelease(source="DTSEN", release=release, as_of=as_of, area_code=area_code, entries=entries)
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
