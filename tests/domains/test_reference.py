"""Reference data over HTTP: public, cached, and strict about what is asked."""

from datetime import date
from typing import Any

import asyncpg
import pytest
from tests.api import Api

from slrt_api.areas import codelists, dataset
from slrt_api.areas.codes import Level, time_zones
from slrt_api.rest.reference import LIFECYCLES


async def _every(api: Api, url: str) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    found: list[dict[str, Any]] = []
    while url:
        page = await api.anonymous.get(url)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        url = page.links["next"]["url"] if "next" in page.links else ""
    return found


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("level=REALM", "filter_invalid"),
            ("name=", "filter_invalid"),
            ("name=%25", "filter_invalid"),
            ("name=_", "filter_invalid"),
            ("parent_code=3326", "filter_invalid"),
            ("code=33.26,x", "filter_invalid"),
            ("code=" + ",".join(["33.26"] * 101), "filter_invalid"),
            ("current=yes", "filter_invalid"),
            ("sort=time_zone", "sort_unknown"),
            ("include=parent", "include_unknown"),
            ("number=1", "parameter_unknown"),
            ("name=a%00b", "parameter_invalid"),
        ],
    )
    async def test_a_wrong_question_is_refused(self, api: Api, query: str, code: str) -> None:
        answer = await api.anonymous.get(f"/v1/areas?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    @pytest.mark.parametrize("path", ["/v1/calendars?zone=Asia/Jakarta", "/v1/code-lists?name=x", "/v1/areas/33?x=1"])
    async def test_unknown_parameters_are_refused_everywhere(self, api: Api, path: str) -> None:
        answer = await api.anonymous.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_unknown")

    @pytest.mark.parametrize("path", ["/v1/areas", "/v1/areas/33", "/v1/calendars", "/v1/code-lists"])
    async def test_a_wrong_token_is_not_taken_for_none(self, api: Api, path: str) -> None:
        answer = await api.client("wrong").get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/areas/33.99",
            "/v1/areas/x'%20OR%20true",
            "/v1/services/NOTHING",
            "/v1/code-lists/nothing",
            "/v1/meta/lifecycles/nothing",
            "/v1/services/" + "A" * 300,
        ],
    )
    async def test_an_unknown_code_is_absent_like_anything_else(self, api: Api, path: str) -> None:
        usual = await api.anonymous.get("/v1/nothing")
        answer = await api.anonymous.get(path)
        assert answer.status_code == usual.status_code == 404
        assert answer.json() | {"trace_id": ""} == usual.json() | {"trace_id": ""}
        volatile = {"date", "ratelimit", "traceparent"}
        assert {n: v for n, v in answer.headers.items() if n not in volatile} == {
            n: v for n, v in usual.headers.items() if n not in volatile
        }


class TestAreas:
    async def test_one_area_as_it_was_shipped(self, api: Api) -> None:
        assert (await api.anonymous.get("/v1/areas/33.26.01.2001")).json() == {
            "code": "33.26.01.2001",
            "level": "VILLAGE",
            "name": "Klesem",
            "kind": "DESA",
            "parent_code": "33.26.01",
            "current": True,
            "first_edition": 2016,
            "last_edition": dataset.CURRENT_EDITION,
            "time_zone": "Asia/Jakarta",
            "successor_codes": [],
        }

    async def test_a_withdrawn_code_names_what_became_of_it(self, api: Api) -> None:
        area = (await api.anonymous.get("/v1/areas/91.01.01.2001")).json()
        shipped = next(row for row in dataset.load_areas() if row.code == "91.01.01.2001")
        assert (area["current"], tuple(area["successor_codes"])) == (False, shipped.successor_codes)

    async def test_the_parts_of_an_area_come_in_order_each_once(self, api: Api) -> None:
        wanted = sorted(row.code for row in dataset.load_areas() if row.parent_code == "33.26" and row.current)
        assert len(wanted) > 10
        found = await _every(api, "/v1/areas?parent_code=33.26&current=true&limit=7")
        assert [area["code"] for area in found] == wanted
        backwards = await _every(api, "/v1/areas?parent_code=33.26&current=true&limit=7&sort=-code")
        assert [area["code"] for area in backwards] == wanted[::-1]

    async def test_names_are_found_whatever_their_case_and_signs(self, api: Api) -> None:
        for name in ("pekalongan", "KABUPATEN%20Pekalongan", "p.e.k.a.l.o.n.g.a.n"):
            found = await _every(api, f"/v1/areas?level=REGENCY&current=true&name={name}&sort=name")
            assert [(area["code"], area["kind"]) for area in found] == [("33.26", "KABUPATEN"), ("33.75", "KOTA")]

    async def test_several_levels_and_codes_may_be_named(self, api: Api) -> None:
        found = await _every(api, "/v1/areas?code=33,33.26,33.26.01,33.26.01.2001&level=PROVINCE,DISTRICT")
        assert [area["code"] for area in found] == ["33", "33.26.01"]

    async def test_the_total_is_that_of_the_table(self, api: Api, owner: asyncpg.Connection) -> None:
        villages = await owner.fetchval(
            "SELECT count(*) FROM areas WHERE level = 'VILLAGE' AND parent_code = '33.26.01'"
        )
        page = await api.anonymous.get("/v1/areas?parent_code=33.26.01&level=VILLAGE&include_total=true&limit=1")
        assert (page.json()["total"], page.json()["total_is_exact"]) == (villages, True)
        every = await api.anonymous.get("/v1/areas?include_total=true&limit=1")
        assert (every.json()["total"], every.json()["total_is_exact"]) == (10_000, False)
        assert len(Level) == 4


class TestServicesAndCodeLists:
    async def test_services_are_the_shipped_catalog(self, api: Api) -> None:
        found = await _every(api, "/v1/services?limit=10")
        shipped = sorted(codelists.load_services(), key=lambda each: each.code)
        assert found == [
            {"code": each.code, "domain": each.domain, "label": {"id": each.label_id, "en": each.label_en}}
            for each in shipped
        ]
        assert (await api.anonymous.get(f"/v1/services/{shipped[0].code}")).json() == found[0]

    async def test_every_list_comes_with_its_codes_in_order(self, api: Api) -> None:
        found = await _every(api, "/v1/code-lists?limit=5")
        shipped = codelists.load_code_lists()
        assert [each["name"] for each in found] == sorted(shipped)
        for each in found:
            list_ = shipped[each["name"]]
            assert (each["instrument"], each["selection"]) == (list_.instrument, list_.selection)
            assert each["items"] == [
                {
                    "code": item.code,
                    "label": {"id": item.label_id, "en": item.label_en},
                    "parent": item.parent,
                    "instrument_code": item.instrument_code,
                    "source": item.source,
                    "confidence": item.confidence,
                }
                for item in list_.items
            ]
            assert (await api.anonymous.get(f"/v1/code-lists/{each['name']}")).json() == each


class TestCalendars:
    async def test_each_zone_has_hours_and_free_days(self, api: Api) -> None:
        items = (await api.anonymous.get("/v1/calendars")).json()["items"]
        assert [item["time_zone"] for item in items] == sorted(set(time_zones().values()))
        for item in items:
            days = {each["date"]: each for each in item["days"]}
            assert days["2026-08-17"]["kind"] == "NATIONAL"
            assert days["2026-08-17"]["name"]["en"] == "Independence Day"
            assert {each["kind"] for each in days.values()} == {"NATIONAL", "JOINT_LEAVE"}
            assert min(days) >= item["valid_from"]
            assert max(days) <= item["valid_to"]
            week: dict[str, int] = {}
            for each in item["office_hours"]:
                hours, minutes = (
                    int(closes) - int(opens)
                    for closes, opens in zip(each["closes"].split(":"), each["opens"].split(":"), strict=True)
                )
                week[each["weekday"]] = week.get(each["weekday"], 0) + hours * 60 + minutes
            assert sum(week.values()) == 37.5 * 60
            assert {"SATURDAY", "SUNDAY"}.isdisjoint(week)
            assert date.fromisoformat(item["valid_to"]).year >= 2026


class TestLifecycles:
    @pytest.mark.parametrize("name", sorted(LIFECYCLES))
    async def test_it_is_the_table_of_the_code(self, api: Api, name: str) -> None:
        assert (await api.anonymous.get(f"/v1/meta/lifecycles/{name}")).json() == LIFECYCLES[name].describe()


class TestCaching:
    @pytest.mark.parametrize("path", ["/v1/areas?level=PROVINCE", "/v1/services", "/v1/code-lists", "/v1/calendars"])
    async def test_anybody_may_keep_it_and_gets_304_for_what_is_known(self, api: Api, path: str) -> None:
        first = await api.anonymous.get(path)
        assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=300")
        again = await api.anonymous.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        # A cursor belongs to the role that it was given to; all else is the same for everybody.
        of_auditor = (await api.as_("auditor").get(path)).json()
        assert of_auditor | {"next_cursor": None} == first.json() | {"next_cursor": None}
