"""Organizations and programs over HTTP, on a real database."""

import hashlib
from datetime import date
from itertools import count
from typing import Any

import asyncpg
import pytest
from tests.api import Api

_NUMBERS = count(1)


def organization_body(**changes: Any) -> dict[str, Any]:
    """An LKS of the demo regency with a code of its own."""
    return {
        "code": f"LKS-TEST-{next(_NUMBERS)}",
        "name": "LKS Contoh",
        "kind": "LKS",
        "area_code": "33.26",
        "sk_number": "460/1/CONTOH/2024",
        "sk_date": "2024-02-12",
        "officers": [
            {"name": "Wahyu Nugroho", "office": "Ketua", "valid_from": "2024-02-12"},
            {"name": "Ratna Handayani", "office": "Sekretaris", "valid_from": "2024-02-12"},
        ],
        "services": ["SCHOOL_RETENTION", "BASIC_FOOD_AID"],
        "areas": ["33.26.01", "33.26.02.2001"],
        **changes,
    }


async def register(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.as_("administrator").post("/v1/organizations", json=organization_body(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class TestRegister:
    async def test_only_an_administrator_may(self, api: Api) -> None:
        for role, code in (("secretariat_manager", "role_not_allowed"), ("supervisor", "scope_missing")):
            answer = await api.as_(role).post("/v1/organizations", json=organization_body())
            assert (answer.status_code, answer.json()["code"]) == (403, code)

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"code": "lower case"}, "/code", "pattern"),
            ({"kind": "CLUB"}, "/kind", "unknown_code"),
            ({"area_code": "33.99"}, "/area_code", "area_unknown"),
            ({"areas": ["33.26.01", "33.26.01.2001"]}, "/areas/1", "duplicate"),
            ({"areas": ["33.26.99"]}, "/areas/0", "area_unknown"),
            ({"services": ["SCHOOL_RETENTION", "MAGIC"]}, "/services/1", "unknown_code"),
            ({"services": ["LEGAL_AID", "LEGAL_AID"]}, "/services/1", "duplicate"),
            (
                {"officers": [{"name": "A", "office": "B", "valid_from": "2024-02-12", "valid_to": "2024-02-11"}]},
                "/officers/0/valid_to",
                "range",
            ),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await api.as_("administrator").post("/v1/organizations", json=organization_body(**change))
        assert answer.status_code == 422
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]

    @pytest.mark.parametrize("change", [{"area_code": "33.27"}, {"areas": ["33.27.01"]}, {"areas": ["33"]}])
    async def test_places_outside_the_administrators_scope_are_refused(self, api: Api, change: dict[str, Any]) -> None:
        answer = await api.as_("administrator").post("/v1/organizations", json=organization_body(**change))
        assert (answer.status_code, answer.json()["code"]) == (403, "area_out_of_scope")

    async def test_a_code_is_given_once(self, api: Api) -> None:
        made = await register(api)
        answer = await api.as_("administrator").post("/v1/organizations", json=organization_body(code=made["code"]))
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")

    async def test_any_token_reads_it(self, api: Api) -> None:
        made = await register(api)
        expected = organization_body(code=made["code"])
        expected["services"].sort()
        for officer in expected["officers"]:
            officer["valid_to"] = None
        assert {name: made[name] for name in expected} == expected
        for role in ("facilitator", "auditor", "citizen", "national_office"):
            answer = await api.as_(role).get(f"/v1/organizations/{made['id']}")
            assert answer.json() == made
        assert (await api.anonymous.get(f"/v1/organizations/{made['id']}")).status_code == 401

    async def test_filters_find_it(self, api: Api) -> None:
        made = await register(api)
        reader = api.as_("facilitator")

        async def found(query: str) -> bool:
            answer = await reader.get(f"/v1/organizations?limit=200&{query}")
            assert answer.status_code == 200
            return any(item["id"] == made["id"] for item in answer.json()["items"])

        for query in (
            f"code={made['code']}",
            "kind=LKS,OPD",
            "service=SCHOOL_RETENTION",
            "area_code=33.26",
            "serves=33.26.01",
            "serves=33.26.01.2002",
            "serves=33.26.02.2001",
        ):
            assert await found(query), query
        for query in (
            "code=NONE",
            "kind=OPD",
            "service=LEGAL_AID",
            "area_code=33.27",
            "serves=33.26",
            "serves=33.26.02",
        ):
            assert not await found(query), query
        assert (await reader.get("/v1/organizations?service=MAGIC")).json()["code"] == "filter_invalid"


class TestCapacity:
    async def test_is_refused_where_it_makes_no_sense(self, api: Api) -> None:
        made = await register(api)
        path = f"/v1/organizations/{made['id']}/capacity"
        body = {"area_code": "33.26", "service": "SCHOOL_RETENTION", "period": "2026-11", "capacity": 5}
        administrator = api.as_("administrator")
        for change, pointer, code in (
            ({"service": "LEGAL_AID"}, "/service", "service_not_offered"),
            ({"area_code": "33.26.01"}, "/area_code", "area_unknown"),
            ({"period": "2026-13"}, "/period", "pattern"),
            ({"capacity": -1}, "/capacity", "range"),
        ):
            answer = await administrator.post(path, json=body | change)
            assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
        elsewhere = await administrator.post(path, json=body | {"area_code": "33.27"})
        assert elsewhere.json()["code"] == "area_out_of_scope"
        assert (await api.as_("secretariat_manager").post(path, json=body)).status_code == 403
        unknown = path.replace(made["id"], made["id"][:-1] + ("0" if made["id"][-1] != "0" else "1"))
        assert (await administrator.post(unknown, json=body)).status_code == 404

    async def test_raises_the_version_and_is_shown_to_those_of_the_regency(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        made = await register(api)
        path = f"/v1/organizations/{made['id']}"
        administrator = api.as_("administrator")
        body = {"area_code": "33.26", "service": "SCHOOL_RETENTION", "period": "2026-11", "capacity": 5}
        first = await administrator.post(f"{path}/capacity", json=body)
        second = await administrator.post(f"{path}/capacity", json=body | {"capacity": 7})
        assert (first.json()["version"], second.json()["version"]) == (2, 3)
        line = {"area_code": "33.26", "service": "SCHOOL_RETENTION", "period": "2026-11", "capacity": 7, "used": 0}
        assert second.json()["capacity"] == [line]
        seen = await api.as_("secretariat_officer").get(f"{path}?include=capacity")
        assert seen.json()["capacity"] == [line]
        assert seen.headers["cache-control"] == "private, no-store"
        stranger = await api.as_("secretariat_officer", area="33.27").get(f"{path}?include=capacity")
        assert stranger.json()["capacity"] == []
        await owner.execute("UPDATE service_capacity SET used = 6 WHERE organization_id = $1", made["id"])
        fewer = await administrator.post(f"{path}/capacity", json=body)
        assert (fewer.status_code, fewer.json()["code"]) == (409, "capacity_in_use")

    async def test_events_of_a_national_row_form_one_chain(self, api: Api, owner: asyncpg.Connection) -> None:
        made = await register(api)
        body = {"area_code": "33.26", "service": "SCHOOL_RETENTION", "period": "2026-11", "capacity": 5}
        await api.as_("administrator").post(f"/v1/organizations/{made['id']}/capacity", json=body)
        rows = await owner.fetch(
            "SELECT regency, sequence, type, body, hash FROM events WHERE aggregate_id = $1 ORDER BY sequence",
            made["id"],
        )
        assert [(row["regency"], row["sequence"], row["type"]) for row in rows] == [
            (0, 1, "organization.registered"),
            (0, 2, "organization.capacity_set"),
        ]
        assert rows[0]["hash"] == hashlib.sha256(b"\x00" + rows[0]["body"]).digest()
        assert f'"previous":"{rows[0]["hash"].hex()}"'.encode() in rows[1]["body"]


class TestPrograms:
    async def test_any_token_reads_the_catalog(self, api: Api) -> None:
        reader = api.as_("partner", organization="019aaa11-2233-8000-8cfe-04a1b2c3d4e5")
        listed = (await reader.get("/v1/programs")).json()["items"]
        assert [item["code"] for item in listed] == sorted(item["code"] for item in listed)
        found = next(item for item in listed if item["code"] == "PKH")
        assert (found["unit"], found["area_code"], found["open_from"]) == ("FAMILY", None, "2026-01-01")
        assert (await reader.get(f"/v1/programs/{found['id']}")).json() == found

    async def test_filters(self, api: Api) -> None:
        reader = api.as_("facilitator")

        async def codes(query: str) -> set[str]:
            return {item["code"] for item in (await reader.get(f"/v1/programs?{query}")).json()["items"]}

        assert await codes("code=PKH") == {"PKH"}
        assert "PBI-JK" in await codes("unit=PERSON")
        assert "PKH" not in await codes("unit=PERSON")
        assert "PKH" in await codes(f"open_on={date(2026, 1, 1)}")
        assert await codes("open_on=2025-12-31") == set()
        assert await codes("open_on=2021-12-31") == {"BPUM"}
        assert await codes("level=VILLAGE,NON_GOVERNMENT") == {"BLT-DD", "ATENSI-LKS"}
        assert await codes("sector=ENERGY&domain=SOCIAL_WELFARE") == {"LISTRIK-SUBSIDI", "LPG-3KG"}
        assert (await reader.get("/v1/programs?level=KECAMATAN")).status_code == 400

    async def test_a_program_of_a_province_names_it(self, api: Api) -> None:
        (found,) = (await api.as_("facilitator").get("/v1/programs?code=KLJ")).json()["items"]
        assert (found["area_code"], found["level"], found["domain"]) == ("31", "PROVINCE", "SOCIAL_WELFARE")
        assert found["legal_basis"] == "Pergub DKI Jakarta 193/2017"
