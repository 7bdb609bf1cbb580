"""Who read what: records of accesses, as auditors find them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
from tests.api import Api, household_body

from slrt_api.access.scopes import Role
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime.shapes import parse_uuid

#: a regency in which no other test acts
REGENCY, PLACE = "33.24", "33.24.01.2001"


async def listed(api: Api, *, area: str = REGENCY, **query: str) -> list[dict[str, Any]]:
    await api.app.state.service.platform.accesses.flush()
    answer = await api.as_("auditor", area=area).get("/v1/audit/accesses", params={"limit": "200", **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def read(api: Api) -> str:
    """A household that was made, and read by two people. Returns its id."""
    made = await api.as_("facilitator", area=PLACE).post("/v1/households", json=household_body(area_code=PLACE))
    household = str(made.json()["id"])
    for role, subject in (("facilitator", "reader-1"), ("puskesos_officer", "reader-2")):
        client = api.as_(role, area=PLACE, subject=subject)
        assert (await client.get(f"/v1/households/{household}")).status_code == 200
    return household


async def test_two_writers_at_once_write_each_record_once(api: Api) -> None:
    """At the end of a process, the last round may still be under way. Else one takes what the other has not written."""
    household = await read(api)
    accesses = api.app.state.service.platform.accesses
    await asyncio.gather(accesses.flush(), accesses.flush())
    assert len(await listed(api, resource_id=household)) == 2


#: integrity officers read those to sealed reports: `test_sealed_reports`
@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.AUDITOR, Role.INTEGRITY_OFFICER}])
async def test_only_auditors_read_them(api: Api, role: Role) -> None:
    claims: Mapping[str, Any] = {
        "organization": new_id(Kind.ORGANIZATION, 0),
        "programs": [new_id(Kind.PROGRAM, 0)],
        "scopes": frozenset({"audit:read"}),
    }
    client = api.as_(role, **claims)
    assert (await client.get("/v1/audit/accesses")).status_code == 403
    assert (await client.get(f"/v1/audit/accesses/{new_id(Kind.ACCESS, 3324)}")).status_code == 404


async def test_an_auditor_needs_the_scope(api: Api) -> None:
    client = api.as_("auditor", scopes=frozenset({"households:read"}))
    assert (await client.get("/v1/audit/accesses")).json()["code"] == "scope_missing"


async def test_a_read_is_found_by_what_was_read_and_by_whom(api: Api) -> None:
    household = await read(api)
    found = await listed(api, resource_id=household)
    assert [(each["role"], each["operation"], each["resource"], each["rows"]) for each in found] == [
        ("puskesos_officer", "households.get", "household", 1),
        ("facilitator", "households.get", "household", 1),
    ]
    newest, oldest = found
    assert (newest["area_code"], newest["resource_id"], newest["purpose"]) == (REGENCY, household, None)
    assert newest["actor"].endswith("#reader-2")
    for query in (
        {"actor": oldest["actor"]},
        {"role": "facilitator"},
        {"at_to": newest["at"]},
    ):
        assert [each["id"] for each in await listed(api, resource_id=household, **query)] == [oldest["id"]]
    for query, expected in (
        ({"at_from": newest["at"]}, [newest["id"]]),
        ({"operation": "households.get", "resource": "household"}, [newest["id"], oldest["id"]]),
        ({"operation": "households.list"}, []),
        ({"resource": "case"}, []),
        ({"purpose": "CASE_INTAKE"}, []),
    ):
        assert [each["id"] for each in await listed(api, resource_id=household, **query)] == expected
    one = await api.as_("auditor", area=REGENCY).get(f"/v1/audit/accesses/{newest['id']}")
    assert one.json() == newest


async def test_the_purpose_of_a_search_is_found(api: Api) -> None:
    await read(api)
    searched = await api.as_("puskesos_officer", area=PLACE).post(
        "/v1/persons/search", json={"nik": "9901014505880003", "purpose": "CASE_INTAKE"}
    )
    assert searched.status_code == 200, searched.text
    found = await listed(api, purpose="CASE_INTAKE")
    assert {each["role"] for each in found} == {"puskesos_officer"}


async def test_they_are_cut_by_area(api: Api) -> None:
    household = await read(api)
    record = (await listed(api, resource_id=household))[0]
    for area in ("33.25", "33.24.01"):
        assert await listed(api, area=area, resource_id=household) == []
        answer = await api.as_("auditor", area=area).get(f"/v1/audit/accesses/{record['id']}")
        assert answer.status_code == 404
    assert len(await listed(api, area="33", resource_id=household)) == 2


async def test_they_page_without_gap_or_repeat(api: Api) -> None:
    household = await read(api)
    for _ in range(5):
        await api.as_("facilitator", area=PLACE).get(f"/v1/households/{household}")
    whole = [each["id"] for each in await listed(api, resource_id=household)]
    assert len(whole) == 7
    client, seen = api.as_("auditor", area=REGENCY), []
    url = f"/v1/audit/accesses?resource_id={household}&limit=3"
    while url:
        page = await client.get(url)
        seen += [each["id"] for each in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else ""
    assert seen == whole


async def test_reading_them_is_recorded_too(api: Api, owner: asyncpg.Connection) -> None:
    household = await read(api)
    await listed(api, resource_id=household)
    await api.app.state.service.platform.accesses.flush()
    rows = await owner.fetch(
        "SELECT regency, operation, role FROM accesses WHERE resource = 'access' AND regency = 3324 ORDER BY at DESC LIMIT 1"
    )
    assert [tuple(row) for row in rows] == [(3324, "audit/accesses.list", "auditor")]


async def test_a_filter_that_cannot_match_is_refused(api: Api) -> None:
    client = api.as_("auditor", area=REGENCY)
    for query in (
        "actor=a b",
        "resource=Household",
        "purpose=case",
        "at_from=2026-11-22",
        "resource_id=1",
        "sort=actor",
    ):
        assert (await client.get(f"/v1/audit/accesses?{query}")).status_code == 400, query


async def test_graphql_shows_the_same(api: Api) -> None:
    household = await read(api)
    first = (await listed(api, resource_id=household))[0]
    document = (
        "query($h: ID!, $id: ID!) { access(id: $id) { id role operation }"
        " auditAccesses(resourceId: $h, first: 1) { edges { node { id actor rows } } } }"
    )
    body = {"query": document, "variables": {"h": household, "id": first["id"]}}
    answer = await api.as_("auditor", area=REGENCY).post("/graphql", json=body)
    assert answer.json()["data"] == {
        "access": {name: first[name] for name in ("id", "role", "operation")},
        "auditAccesses": {"edges": [{"node": {name: first[name] for name in ("id", "actor", "rows")}}]},
    }
    refused = await api.as_("secretariat_manager", area=REGENCY).post("/graphql", json=body)
    assert {error["extensions"]["code"] for error in refused.json()["errors"]} == {"not_found", "role_not_allowed"}


async def test_the_id_tells_the_tenant(api: Api) -> None:
    household = await read(api)
    for each in await listed(api, resource_id=household):
        assert tenant_of(parse_uuid(each["id"])) == 3324
