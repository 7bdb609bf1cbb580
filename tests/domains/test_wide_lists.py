"""Lists of a scope that is wider than a tenant: gathered from the tenants, and the same list all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.api import Api, household_body

from slrt_api.access.actors import Caller, Grant
from slrt_api.access.scopes import Role
from slrt_api.areas.dataset import TENANTS

PLACES = ("33.15.01.2001", "33.16.01.2001", "33.17.01.2001", "32.03.01.2001")


@pytest_asyncio.fixture(scope="module")
async def made(api: Api) -> dict[str, dict[str, Any]]:
    """Three households in each of three regencies of the province, in turns, and one in another province."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(3):
        for place in PLACES:
            answer = await api.as_("facilitator", area=place).post(
                "/v1/households", json=household_body(area_code=place)
            )
            assert answer.status_code == 201, answer.text
            found[answer.json()["id"]] = answer.json()
    return found


async def walk(api: Api, query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    url, client = f"/v1/households?{query}", api.as_("auditor", area="33")
    while url:
        page = await client.get(url)
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        url = page.links["next"]["url"] if "next" in page.links else ""
    return items


@pytest.mark.parametrize(
    ("sort", "key"),
    [("id", ("id",)), ("updated_at", ("updated_at", "id")), ("area_code", ("area_code", "id"))],
)
@pytest.mark.parametrize("sign", ["", "-"])
async def test_it_pages_in_order_without_gap_or_repeat(
    api: Api, made: dict[str, dict[str, Any]], sort: str, key: tuple[str, ...], sign: str
) -> None:
    found = await walk(api, f"limit=4&sort={sign}{sort}")
    assert [each["id"] for each in found if each["id"] in made and each["area_code"].startswith("32")] == []
    mine = [each["id"] for each in found if each["id"] in made]
    expected = {id_ for id_, each in made.items() if each["area_code"].startswith("33")}
    assert (len(mine), set(mine)) == (9, expected)
    told = [tuple(each[name] for name in key) for each in found]
    assert told == sorted(told, reverse=sign == "-")


async def test_counts_filters_and_graphql_agree(api: Api, made: dict[str, dict[str, Any]]) -> None:
    client = api.as_("auditor", area="33")
    for place in PLACES[:3]:
        page = (await client.get(f"/v1/households?area_code={place}&include_total=true&limit=2")).json()
        wanted = sorted((id_ for id_, each in made.items() if each["area_code"] == place), reverse=True)
        assert [each["id"] for each in page["items"]] == wanted[:2]
        assert page["total"] == 3
        query = f'{{ households(first: 2, areaCode: "{place}") {{ totalCount edges {{ node {{ id }} }} }} }}'
        answer = (await client.post("/graphql", json={"query": query})).json()["data"]["households"]
        assert answer == {"totalCount": 3, "edges": [{"node": {"id": id_}} for id_ in wanted[:2]]}
    outside = (await client.get(f"/v1/households?area_code={PLACES[3]}&include_total=true")).json()
    assert (outside["items"], outside["total"]) == ([], 0)


def test_it_is_gathered_from_every_tenant_that_may_have_rows_there() -> None:
    now = datetime.now(UTC)
    grants = (Grant(role=Role.AUDITOR, areas=("33",), valid_from=now, valid_until=now + timedelta(days=1)),)
    actor = Caller("test#auditor", frozenset(), grants).acting(None, now)
    assert actor.rows.tenants == ()
    assert set(actor.rows.spread) >= {tenant.number for tenant in TENANTS if tenant.code.startswith("33.")}
    assert {number // 100 for number in actor.rows.spread} == {33}
