"""Households over HTTP, on a real database."""

import httpx
import pytest
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body


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
            {"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/members/0/nik"}
        ]
        assert "4505880003" not in answer.text


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
