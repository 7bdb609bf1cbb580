"""Persons over HTTP: read by themselves, with every household they belonged to."""

from typing import Any
from uuid import UUID

import asyncpg
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body

from slrt_api.kernel.ids import Kind, new_id

MERGE = {"content-type": "application/merge-patch+json"}


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.as_("facilitator").post("/v1/households", json=household_body(**changes))
    assert answer.status_code == 201, answer.text
    household: dict[str, Any] = answer.json()
    return household


class TestRead:
    async def test_another_village_sees_404_and_no_row(self, api: Api) -> None:
        person = (await registered(api))["members"][0]["person_id"]
        for stranger in (
            api.as_("facilitator", area="33.26.01.2002"),
            api.as_("facilitator", area=OTHER_REGENCY_VILLAGE),
        ):
            assert (await stranger.get(f"/v1/persons/{person}")).status_code == 404
            assert (await stranger.get(f"/v1/persons/{person}/households")).status_code == 404
            assert (await stranger.get(f"/v1/persons/{person}/history")).status_code == 404
            listed = await stranger.get("/v1/persons")
            assert all(item["area_code"] != VILLAGE for item in listed.json()["items"])

    async def test_roles_without_households_see_none(self, api: Api) -> None:
        person = (await registered(api))["members"][0]["person_id"]
        for role in ("citizen", "national_office", "integrator"):
            answer = await api.as_(role, **({"area": "33.26"} if role == "integrator" else {})).get(
                f"/v1/persons/{person}"
            )
            assert answer.status_code in {403, 404}, role
            assert "Siti" not in answer.text

    async def test_one_is_at_version_0_and_masked_like_a_member(self, api: Api) -> None:
        household = await registered(api)
        member = household["members"][0]
        answer = await api.as_("facilitator").get(f"/v1/persons/{member['person_id']}")
        person = answer.json()
        assert (answer.status_code, answer.headers["etag"], person["version"]) == (200, '"0"', 0)
        assert {name: person[name] for name in ("name", "nik", "birth_date", "sex")} == {
            name: member[name] for name in ("name", "nik", "birth_date", "sex")
        }
        assert (person["nik"], person["household_id"], person["ended_at"]) == (
            "990101**********",
            household["id"],
            None,
        )
        assert person["findings"] == [{"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/nik"}]
        assert "4505880003" not in answer.text

    async def test_where_values_are_from_stands_beside_them(self, api: Api) -> None:
        household = await registered(api)
        people = [
            (await api.as_("facilitator").get(f"/v1/persons/{member['person_id']}")).json()
            for member in household["members"]
        ]
        first, second = people
        assert set(first["provenance"]) == {"name", "sex", "birth_date"}
        assert first["provenance"]["name"] == {
            "value": first["name"],
            "source": "DECLARED",
            "as_of": household["captured_at"][:10],
            "verified_by": None,
            "earlier": [],
        }
        assert first["provenance"]["birth_date"]["value"] == first["birth_date"]
        assert second["provenance"]["birth_date"]["value"] == "2015-03-02"
        assert household["provenance"]["address"]["value"] == household["address"]

    async def test_lists_are_cut_by_household_and_by_ending(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        first, second = (member["person_id"] for member in household["members"])
        facilitator = api.as_("facilitator")
        url = f"/v1/persons?household_id={household['id']}"

        async def ids(query: str) -> set[str]:
            return {item["id"] for item in (await facilitator.get(url + query)).json()["items"]}

        assert await ids("") == await ids("&ended=false") == {first, second}
        await owner.execute(
            "UPDATE persons SET ended_at = now(), ended_as = 'DECEASED' WHERE id = $1::uuid", UUID(second)
        )
        assert await ids("") == await ids("&ended=false") == {first}
        assert await ids("&ended=true") == {second}
        counted = await facilitator.get(f"{url}&include_total=true")
        assert counted.json()["total"] == 1
        assert (await facilitator.get(f"/v1/persons/{second}")).json()["ended_as"] == "DECEASED"
        await owner.execute("UPDATE persons SET ended_at = NULL, ended_as = NULL WHERE id = $1::uuid", UUID(second))

    async def test_an_ended_household_is_in_no_list_unless_asked_for(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        await owner.execute(
            "UPDATE households SET ended_at = now(), ended_as = 'DISSOLVED' WHERE id = $1::uuid",
            UUID(household["id"]),
        )
        facilitator = api.as_("facilitator")

        async def listed(query: str) -> bool:
            items = (await facilitator.get(f"/v1/households?limit=200&sort=-id{query}")).json()["items"]
            return household["id"] in {item["id"] for item in items}

        assert [await listed(query) for query in ("", "&ended=false", "&ended=true")] == [False, False, True]
        assert (await facilitator.get(f"/v1/households/{household['id']}")).json()["ended_as"] == "DISSOLVED"

    async def test_every_membership_is_shown_and_pages_hold_each_once(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        """A person who left and came back, on one day."""
        household = await registered(api)
        person = household["members"][1]["person_id"]
        await owner.execute("UPDATE memberships SET valid_to = valid_from WHERE id = $1::uuid", UUID(person))
        await owner.execute(
            "INSERT INTO memberships (regency, id, area, ordinal, valid_from, household_id, relation, position)"
            " SELECT regency, id, area, 2, valid_from, household_id, 'OTHER', position FROM memberships"
            " WHERE id = $1::uuid",
            UUID(person),
        )
        facilitator = api.as_("facilitator")
        one = (await facilitator.get(f"/v1/persons/{person}?include=households")).json()["households"]
        assert [(each["relation"], each["valid_to"] is None) for each in one] == [("OTHER", True), ("CHILD", False)]
        seen: list[tuple[str, str]] = []
        url = f"/v1/households/{household['id']}/memberships?limit=1"
        while url:
            page = await facilitator.get(url)
            seen += [(each["person_id"], each["relation"]) for each in page.json()["items"]]
            url = page.links["next"]["url"] if "next" in page.links else ""
        head = household["members"][0]["person_id"]
        assert sorted(seen) == sorted([(head, "HEAD"), (person, "CHILD"), (person, "OTHER")])

    async def test_history_of_a_person_begins_with_their_first_change(self, api: Api) -> None:
        person = (await registered(api))["members"][0]["person_id"]
        answer = await api.as_("auditor").get(f"/v1/persons/{person}/history")
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        unknown = await api.as_("auditor").get(f"/v1/persons/{new_id(Kind.PERSON, 3326)}/history")
        assert unknown.status_code == 404
