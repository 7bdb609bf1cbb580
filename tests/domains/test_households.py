"""Households over HTTP, on a real database."""

import asyncpg
import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body

from slrt_api.kernel.ids import Kind, new_id


class TestRegister:
    async def test_without_the_scope_it_is_forbidden(self, api: Api) -> None:
        reader = api.as_("facilitator", scopes=frozenset({"households:read"}))
        answer = await reader.post("/v1/households", json=household_body())
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"area_code": "33.26.01.2999"}, "/area_code", "area_unknown"),
            ({"area_code": "91.01.01.2001"}, "/area_code", "area_withdrawn"),
            ({"kk": "123"}, "/kk", "kk_malformed"),
            ({"members": []}, "/members", "items"),
            ({"captured_at": "2026-11-21T09:14:07"}, "/captured_at", "time_zone_required"),
            ({"captured_at": "2999-11-21T09:14:07Z"}, "/captured_at", "instant_in_future"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, object], pointer: str, code: str
    ) -> None:
        answer = await api.as_("facilitator").post("/v1/households", json=household_body(**change))
        assert answer.status_code == 422
        assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()

    async def test_a_village_of_another_regency_is_out_of_scope(self, api: Api) -> None:
        body = household_body(area_code=OTHER_REGENCY_VILLAGE)
        answer = await api.as_("facilitator").post("/v1/households", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "area_out_of_scope")

    async def test_numbers_come_back_masked_and_findings_name_their_place(self, api: Api) -> None:
        answer = await api.as_("facilitator").post("/v1/households", json=household_body())
        household = answer.json()
        assert answer.status_code == 201
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["location"] == f"/v1/households/{household['id']}"
        assert household["kk"] == "990101**********"
        assert [member["nik"] for member in household["members"]] == ["990101**********", None]
        assert household["findings"] == [
            {"code": "KK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/kk"},
            {"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/members/0/nik"},
        ]
        assert "4505880003" not in answer.text

    async def test_a_number_of_another_district_is_no_finding_also_one_that_vanished(self, api: Api) -> None:
        """91.01.01 was withdrawn when Papua was split; the family lives in 33.26."""
        body = household_body(kk="9101010101120007")
        body["members"][0]["nik"] = "9101014505880003"
        answer = await api.as_("facilitator").post("/v1/households", json=body)
        assert (answer.status_code, answer.json()["findings"]) == (201, [])

    async def test_numbers_that_do_not_fit_are_kept_beside_what_was_declared(self, api: Api) -> None:
        body = household_body(kk="3326014101120007")
        body["members"][0] |= {"nik": "3326010505880003", "birth_date": "1988-05-06"}
        body["members"][1] |= {"nik": "3326013213150001"}
        answer = await api.as_("facilitator").post("/v1/households", json=body)
        household = answer.json()
        assert answer.status_code == 201
        assert [(each["pointer"], each["code"]) for each in household["findings"]] == [
            ("/kk", "KK_ANOMALOUS"),
            ("/members/0/nik", "NIK_MISMATCH_LOCAL"),
            ("/members/1/nik", "NIK_ANOMALOUS"),
        ]
        assert [(each["sex"], each["birth_date"]) for each in household["members"]] == [
            ("F", "1988-05-06"),
            ("M", "2015-03-02"),
        ]
        person = await api.as_("facilitator").get(f"/v1/persons/{household['members'][0]['person_id']}")
        assert [(each["pointer"], each["code"]) for each in person.json()["findings"]] == [
            ("/nik", "NIK_MISMATCH_LOCAL")
        ]


class TestRead:
    async def test_another_village_sees_404_and_no_row(self, api: Api) -> None:
        location = (await api.as_("facilitator").post("/v1/households", json=household_body())).headers["location"]
        stranger = api.as_("facilitator", area="33.26.01.2002")
        assert (await stranger.get(location)).status_code == 404
        assert (await stranger.get(f"{location}/members")).status_code == 404
        listed: httpx.Response = await stranger.get("/v1/households")
        assert all(item["area_code"] != VILLAGE for item in listed.json()["items"])

    async def test_pages_hold_every_row_once(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        facilitator = api.as_("facilitator")
        made = {(await facilitator.post("/v1/households", json=household_body())).json()["id"] for _ in range(5)}
        for sort in ("id", "-id", "updated_at", "-updated_at", "area_code"):
            seen: list[str] = []
            url = f"/v1/households?limit=2&sort={sort}"
            while url:
                page = await officer.get(url)
                seen += [item["id"] for item in page.json()["items"]]
                url = page.links["next"]["url"] if "next" in page.links else ""
            assert len(seen) == len(set(seen))
            assert made <= set(seen)


class TestRegisterAs:
    """A device that was offline uploads under the id it made."""

    async def test_kind_and_tenant_of_the_id_must_match(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        for wrong in (new_id(Kind.CASE, 3326), new_id(Kind.HOUSEHOLD, 3327)):
            answer = await facilitator.put(
                f"/v1/households/{wrong}", json=household_body(), headers={"if-none-match": "*"}
            )
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "id_mismatch")

    async def test_without_the_condition_it_is_428(self, api: Api) -> None:
        url = f"/v1/households/{new_id(Kind.HOUSEHOLD, 3326)}"
        answer = await api.as_("facilitator").put(url, json=household_body())
        assert (answer.status_code, answer.json()["code"]) == (428, "if_none_match_required")

    async def test_a_repeat_is_412_whoever_owns_it(self, api: Api) -> None:
        url = f"/v1/households/{new_id(Kind.HOUSEHOLD, 3326)}"
        first = await api.as_("facilitator").put(url, json=household_body(), headers={"if-none-match": "*"})
        stranger = api.as_("facilitator", area="33.26.01.2002")
        body = household_body(area_code="33.26.01.2002")
        again = await stranger.put(url, json=body, headers={"if-none-match": "*"})
        assert (first.status_code, first.json()["id"]) == (201, url.rpartition("/")[2])
        assert (again.status_code, again.json()["code"], "etag" in again.headers) == (412, "resource_exists", False)


class TestChange:
    async def test_it_needs_the_version_and_refuses_a_stale_one(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post("/v1/households", json=household_body())).headers["location"]
        merge = {"content-type": "application/merge-patch+json"}
        bare = await facilitator.patch(location, content=b'{"address":"B"}', headers=merge)
        good = await facilitator.patch(location, content=b'{"address":"B"}', headers=merge | {"if-match": '"1"'})
        stale = await facilitator.patch(location, content=b'{"address":"C"}', headers=merge | {"if-match": '"1"'})
        null = await facilitator.patch(location, content=b'{"address":null}', headers=merge | {"if-match": '"2"'})
        assert (bare.status_code, bare.json()["code"]) == (428, "if_match_required")
        assert (good.status_code, good.json()["address"], good.headers["etag"]) == (200, "B", '"2"')
        assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
        assert null.status_code == 422
        assert (await facilitator.get(location)).json()["address"] == "B"


async def test_a_count_is_that_of_its_own_list(api: Api, owner: asyncpg.Connection) -> None:
    """Two lists with the same filters and sorts, one after the other: none answers with the count of the other."""
    client = api.as_("secretariat_manager")
    for path, table in (("/v1/households", "households"), ("/v1/complaints", "complaints"), ("/v1/cases", "cases")):
        answer = await client.get(f"{path}?sort=-id&include_total=true")
        shown = {"complaints": " AND NOT sealed", "households": " AND ended_at IS NULL"}.get(table, "")
        expected = await owner.fetchval(f"SELECT count(*) FROM {table} WHERE area / 1000000 = 3326{shown}")
        assert answer.json()["total"] == expected, path
