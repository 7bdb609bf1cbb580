"""Who belongs to a household, what is corrected of a person, registry numbers and coded answers, over HTTP."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from httpx import AsyncClient, Response
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, VILLAGE, Api, household_body
from tests.domains.test_persons import MERGE, registered
from tests.problems import problem

from slrt_api.kernel.ids import Kind, new_id

NUMBER = {"scheme": "ID_DTKS", "source": "NATIONAL_REGISTRY"}
CHILD = {"name": "Putri Aminah", "birth_date": "2026-11-02", "sex": "F"}


def at(version: int) -> dict[str, str]:
    return {"if-match": f'"{version}"'}


async def add(client: AsyncClient, household: dict[str, Any], version: int = 1, **body: Any) -> Response:
    return await client.post(f"/v1/households/{household['id']}/members", json=body, headers=at(version))


async def change(client: AsyncClient, household: str, person: str, version: int, **body: Any) -> Response:
    url = f"/v1/households/{household}/members/{person}"
    return await client.patch(url, json=body, headers=MERGE | at(version))


async def homeless(api: Api, owner: asyncpg.Connection) -> str:
    """A person of the village who belongs to no household now."""
    person: str = (await registered(api))["members"][1]["person_id"]
    await owner.execute("UPDATE memberships SET valid_to = current_date WHERE id = $1::uuid", UUID(person))
    return person


async def trail(owner: asyncpg.Connection, id_: str) -> list[str]:
    """The events of a resource; fails where they are not one for each version (I4)."""
    rows = await owner.fetch("SELECT sequence, type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(id_))
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    table = "persons" if UUID(id_).int >> 42 & 63 == Kind.PERSON else "households"
    assert await owner.fetchval(f"SELECT version FROM {table} WHERE id = $1", UUID(id_)) == len(rows)
    return [row["type"] for row in rows]


class TestAdd:
    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({"relation": "CHILD"}, "", "one_person_required"),
            (
                {"relation": "CHILD", "person": CHILD, "person_id": str(new_id(Kind.PERSON, 3326))},
                "",
                "one_person_required",
            ),
            ({"relation": "HEAD", "person": CHILD}, "/relation", "one_head_required"),
            ({"relation": "CHILD", "person": CHILD, "since": "2999-01-01"}, "/since", "date_in_future"),
            ({"relation": "CHILD", "person": CHILD | {"nik": "12"}}, "/person/nik", "nik_malformed"),
            (
                {"relation": "CHILD", "person": CHILD | {"birth_date": "2999-01-01"}},
                "/person/birth_date",
                "date_in_future",
            ),
            ({"relation": "CHILD", "person_id": str(new_id(Kind.PERSON, 3326))}, "/person_id", "reference_not_found"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, body: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await add(api.as_("facilitator"), await registered(api), **body)
        problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_the_version_is_named_and_current(self, api: Api) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        body = {"relation": "CHILD", "person": CHILD}
        bare = await facilitator.post(f"/v1/households/{household['id']}/members", json=body)
        assert (bare.status_code, bare.json()["code"]) == (428, "if_match_required")
        assert (await add(facilitator, household, 2, **body)).status_code == 412

    async def test_without_the_scope_or_out_of_sight_nothing_happens(self, api: Api) -> None:
        household = await registered(api)
        reader = api.as_("facilitator", scopes=frozenset({"households:read"}))
        assert (await add(reader, household, relation="CHILD", person=CHILD)).status_code == 403
        for stranger in (OTHER_VILLAGE, OTHER_REGENCY_VILLAGE):
            answer = await add(api.as_("facilitator", area=stranger), household, relation="CHILD", person=CHILD)
            assert answer.status_code == 404
        assert (await add(api.as_("auditor"), household, relation="CHILD", person=CHILD)).status_code == 403

    async def test_who_belongs_to_a_household_does_not_join_another(self, api: Api, owner: asyncpg.Connection) -> None:
        household, other = await registered(api), await registered(api)
        person = other["members"][1]["person_id"]
        answer = await add(api.as_("facilitator"), household, relation="CHILD", person_id=person)
        assert (answer.status_code, answer.json()["code"]) == (409, "person_has_household")
        assert await trail(owner, household["id"]) == ["household.registered"]

    async def test_a_person_of_another_village_is_unknown(self, api: Api) -> None:
        household = await registered(api)
        elsewhere = await api.as_("facilitator", area=OTHER_VILLAGE).post(
            "/v1/households", json=household_body(area_code=OTHER_VILLAGE)
        )
        person = elsewhere.json()["members"][0]["person_id"]
        answer = await add(api.as_("facilitator"), household, relation="OTHER", person_id=person)
        problem(answer, 422, "content_invalid", fault=("/person_id", "reference_not_found"))

    async def test_an_ended_household_takes_nobody(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        await owner.execute(
            "UPDATE households SET ended_at = now(), ended_as = 'DISSOLVED' WHERE id = $1", UUID(household["id"])
        )
        answer = await add(api.as_("facilitator"), household, relation="CHILD", person=CHILD)
        assert (answer.status_code, answer.json()["code"]) == (409, "household_ended")

    async def test_a_newborn_has_no_nik_and_is_written_with_the_household(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household = await registered(api)
        answer = await add(api.as_("facilitator"), household, relation="CHILD", person=CHILD, since="2026-11-02")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        newborn = answer.json()["members"][2]
        assert {**newborn, "person_id": ""} == {
            "person_id": "",
            "household_id": household["id"],
            "name": "Putri Aminah",
            "nik": None,
            "birth_date": "2026-11-02",
            "sex": "F",
            "relation": "CHILD",
            "valid_from": "2026-11-02",
        }
        assert await trail(owner, household["id"]) == ["household.registered", "household.member_added"]
        assert await trail(owner, newborn["person_id"]) == []

    async def test_somebody_without_a_household_joins_one(self, api: Api, owner: asyncpg.Connection) -> None:
        household, person = await registered(api), await homeless(api, owner)
        facilitator = api.as_("facilitator")
        answer = await add(facilitator, household, relation="OTHER", person_id=person)
        assert answer.status_code == 200, answer.text
        seen = (await facilitator.get(f"/v1/persons/{person}?include=households")).json()
        assert seen["household_id"] == household["id"]
        assert [each["valid_to"] is None for each in seen["households"]] == [True, False]

    async def test_who_joins_from_another_village_comes_along_with_everything(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        """The supervisor sees both villages; afterwards the new village's officer sees the person and the NIK."""
        person = (await registered(api))["members"][0]["person_id"]
        await owner.execute("UPDATE memberships SET valid_to = current_date WHERE id = $1::uuid", UUID(person))
        new = "33.26.01.2003"
        made = await api.as_("facilitator", area=new).post("/v1/households", json=household_body(area_code=new))
        answer = await add(api.as_("supervisor"), made.json(), relation="OTHER", person_id=person)
        assert answer.status_code == 200, answer.text
        seen = await api.as_("facilitator", area=new).get(f"/v1/persons/{person}?include=niks")
        assert (seen.json()["area_code"], seen.json()["version"]) == (new, 1)
        assert [each["number"] for each in seen.json()["niks"]] == ["990101**********"]
        assert (await api.as_("facilitator").get(f"/v1/persons/{person}")).status_code == 404
        assert await trail(owner, person) == ["person.relocated"]


class TestChange:
    async def test_who_is_no_member_is_not_found(self, api: Api) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        other = (await registered(api))["members"][0]["person_id"]
        for person in (other, str(new_id(Kind.PERSON, 3326)), str(new_id(Kind.PERSON, 3327)), household["id"], "x"):
            answer = await change(facilitator, household["id"], person, 1, relation="OTHER")
            assert answer.status_code == 404, person

    async def test_there_is_always_one_head(self, api: Api, owner: asyncpg.Connection) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        head, child = (member["person_id"] for member in household["members"])
        refused = [
            (head, {"relation": "SPOUSE"}, "/relation", "one_head_required"),
            (child, {"relation": "HEAD"}, "/former_head_relation", "required"),
            (child, {"relation": "HEAD", "former_head_relation": "HEAD"}, "/former_head_relation", "one_head_required"),
            (child, {"relation": "OTHER", "former_head_relation": "PARENT"}, "/former_head_relation", "invalid"),
            (child, {"person_id": head, "relation": "OTHER"}, "/person_id", "unknown_member"),
            (child, {"relation": None}, "/relation", "unknown_code"),
            (child, {"position": 40}, "/position", "range"),
        ]
        for person, body, pointer, code in refused:
            answer = await change(facilitator, household["id"], person, 1, **body)
            problem(answer, 422, "content_invalid", fault=(pointer, code))
        good = await change(
            facilitator, household["id"], child, 1, relation="HEAD", former_head_relation="PARENT", position=0
        )
        assert good.status_code == 200, good.text
        assert [(each["person_id"], each["relation"]) for each in good.json()["members"]] == [
            (child, "HEAD"),
            (head, "PARENT"),
        ]
        assert await trail(owner, household["id"]) == ["household.registered", "household.member_changed"]

    async def test_what_changes_nothing_is_no_event(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api)
        child = household["members"][1]["person_id"]
        answer = await change(api.as_("facilitator"), household["id"], child, 1, relation="CHILD", position=1)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert await trail(owner, household["id"]) == ["household.registered"]


class TestHouse:
    async def test_only_a_family_of_the_village_is_a_neighbor(self, api: Api) -> None:
        elsewhere = await api.as_("facilitator", area=OTHER_VILLAGE).post(
            "/v1/households", json=household_body(area_code=OTHER_VILLAGE)
        )
        supervisor = api.as_("secretariat_officer")
        for id_ in (elsewhere.json()["id"], str(new_id(Kind.HOUSEHOLD, 3326)), str(new_id(Kind.CASE, 3326))):
            answer = await supervisor.post("/v1/households", json=household_body(same_house_as=id_))
            problem(answer, 422, "content_invalid", fault=("/same_house_as", "reference_not_found"))

    async def test_families_in_one_house_see_one_another(self, api: Api, owner: asyncpg.Connection) -> None:
        first = await registered(api)
        second = await registered(api, same_house_as=first["id"], kk=None)
        third = await registered(api, same_house_as=second["id"], kk=None)
        alone = await registered(api)
        facilitator = api.as_("facilitator")

        async def house(id_: str) -> set[str]:
            listed = await facilitator.get(f"/v1/households/{id_}/house")
            return {each["id"] for each in listed.json()["items"]}

        assert first["house_id"] == second["house_id"] == third["house_id"] != alone["house_id"]
        assert await house(first["id"]) == {second["id"], third["id"]}
        assert await house(alone["id"]) == set()
        await owner.execute(
            "UPDATE households SET ended_at = now(), ended_as = 'MOVED' WHERE id = $1", UUID(second["id"])
        )
        assert await house(first["id"]) == {third["id"]}


class TestCorrect:
    async def correct(self, client: AsyncClient, person: str, version: int, **body: Any) -> Response:
        given = {"reason": "Salah ketik", "source": "DOCUMENT", **body}
        return await client.patch(f"/v1/persons/{person}", json=given, headers=MERGE | at(version))

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "", "nothing_to_change"),
            ({"name": None}, "/name", "type"),
            ({"name": ""}, "/name", "length"),
            ({"sex": None}, "/sex", "unknown_code"),
            ({"sex": "X"}, "/sex", "unknown_code"),
            ({"birth_date": "2999-01-01"}, "/birth_date", "date_in_future"),
            ({"name": "A", "as_of": "2999-01-01"}, "/as_of", "date_in_future"),
            ({"name": "A", "reason": ""}, "/reason", "length"),
            ({"name": "A", "source": "RUMOR"}, "/source", "unknown_code"),
            ({"nik": "9901014505880003"}, "/nik", "unknown_member"),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, body: dict[str, Any], pointer: str, code: str
    ) -> None:
        person = (await registered(api))["members"][0]["person_id"]
        answer = await self.correct(api.as_("facilitator"), person, 0, **body)
        problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_the_version_is_named_from_0_on(self, api: Api) -> None:
        person, facilitator = (await registered(api))["members"][0]["person_id"], api.as_("facilitator")
        bare = await facilitator.patch(
            f"/v1/persons/{person}", json={"name": "A", "reason": "B", "source": "DOCUMENT"}, headers=MERGE
        )
        assert bare.status_code == 428
        assert (await self.correct(facilitator, person, 1, name="A")).status_code == 412
        assert (await self.correct(facilitator, person, 0, name="A")).headers["etag"] == '"1"'
        assert (await self.correct(facilitator, person, 0, name="B")).status_code == 412

    async def test_nothing_is_overwritten_silently(self, api: Api, owner: asyncpg.Connection) -> None:
        person, officer = (await registered(api))["members"][0]["person_id"], api.as_("puskesos_officer")
        answer = await self.correct(officer, person, 0, name="Siti Aminah Rahayu", verified=True, as_of="2026-11-20")
        known = answer.json()["provenance"]["name"]
        assert answer.json()["name"] == known["value"] == "Siti Aminah Rahayu"
        assert (known["source"], known["as_of"]) == ("DOCUMENT", "2026-11-20")
        assert known["verified_by"].endswith("#puskesos_officer@33.26.01.2001")
        assert [(each["value"], each["source"]) for each in known["earlier"]] == [("Siti Aminah", "DECLARED")]
        (entry,) = (await api.as_("auditor").get(f"/v1/persons/{person}/history")).json()["items"]
        assert (entry["sequence"], entry["type"]) == (1, "person.corrected")
        assert entry["changes"]["name"] == {"before": "Siti Aminah", "after": "Siti Aminah Rahayu"}
        assert entry["texts"] == {"reason": "Salah ketik"}
        assert await trail(owner, person) == ["person.corrected"]

    async def test_the_nik_stays_and_is_judged_anew(self, api: Api) -> None:
        """By law only the other data change; a NIK that tells another birth date is a warning."""
        household = await registered(api)
        person, facilitator = household["members"][0]["person_id"], api.as_("facilitator")
        answer = await self.correct(facilitator, person, 0, birth_date="1990-01-01")
        assert [finding["code"] for finding in answer.json()["findings"]] == [
            "NIK_MISMATCH_LOCAL",
            "NIK_PREFIX_UNKNOWN",
        ]
        assert answer.json()["nik"] == "990101**********"
        assert "4505880003" not in answer.text
        back = await self.correct(facilitator, person, 1, birth_date=None)
        assert [finding["code"] for finding in back.json()["findings"]] == ["NIK_PREFIX_UNKNOWN"]
        assert (back.json()["birth_date"], len(back.json()["provenance"]["birth_date"]["earlier"])) == (None, 2)

    async def test_who_was_merged_away_is_not_corrected_and_who_died_may_be(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        facilitator = api.as_("facilitator")
        for end, status in (("MERGED", 409), ("MOVED", 409), ("DECEASED", 200)):
            person = (await registered(api))["members"][0]["person_id"]
            await owner.execute("UPDATE persons SET ended_at = now(), ended_as = $1 WHERE id = $2", end, UUID(person))
            assert (await self.correct(facilitator, person, 0, name="A")).status_code == status, end

    async def test_an_address_tells_where_it_is_from(self, api: Api) -> None:
        household = await registered(api)
        body = {"address": "Dusun I", "source": "OBSERVED", "as_of": "2026-11-20", "verified": True}
        answer = await api.as_("facilitator").patch(
            f"/v1/households/{household['id']}", json=body, headers=MERGE | at(1)
        )
        known = answer.json()["provenance"]["address"]
        assert (known["value"], known["source"], known["as_of"]) == ("Dusun I", "OBSERVED", "2026-11-20")
        assert [each["value"] for each in known["earlier"]] == ["Dusun III RT 02"]


class TestRegistryNumbers:
    async def search(self, client: AsyncClient, value: str, scheme: str = "ID_DTKS") -> list[Any]:
        body = {"scheme": scheme, "value": value, "purpose": "VERIFICATION"}
        answer = await client.post("/v1/registry-numbers/search", json=body)
        assert answer.status_code == 200, answer.text
        items: list[Any] = answer.json()["items"]
        return items

    async def test_wrong_content_is_refused_at_its_place(self, api: Api) -> None:
        household = await registered(api)
        url = f"/v1/households/{household['id']}/registry-numbers"
        for body, pointer, code in (
            ({"value": "a b"}, "/value", "pattern"),
            ({"value": "A", "scheme": "KTP"}, "/scheme", "unknown_code"),
            ({"value": "A", "valid_from": "2021-02-01", "valid_to": "2021-01-01"}, "/valid_to", "range"),
        ):
            answer = await api.as_("facilitator").post(url, json=NUMBER | body, headers=at(1))
            problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_all_are_kept_and_found_by_their_exact_value_in_sight(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        person = household["members"][0]["person_id"]
        value = new_id(Kind.DEVICE, 0).hex
        for version, scheme in enumerate(("ID_DTKS", "ID_BDT"), 1):
            answer = await facilitator.post(
                f"/v1/households/{household['id']}/registry-numbers",
                json=NUMBER | {"scheme": scheme, "value": value},
                headers=at(version),
            )
            assert answer.status_code == 200, answer.text
        assert [(each["scheme"], each["value"]) for each in answer.json()["registry_numbers"]] == [
            ("ID_BDT", value),
            ("ID_DTKS", value),
        ]
        again = await facilitator.post(
            f"/v1/households/{household['id']}/registry-numbers",
            json=NUMBER | {"value": value},
            headers=at(3),
        )
        assert (again.status_code, again.json()["code"]) == (409, "already_exists")
        one = await facilitator.post(
            f"/v1/persons/{person}/registry-numbers", json=NUMBER | {"value": value}, headers=at(0)
        )
        assert (one.status_code, one.headers["etag"]) == (200, '"1"')
        assert await self.search(facilitator, value) == [
            {"person_id": None, "household_id": household["id"]},
            {"person_id": person, "household_id": household["id"]},
        ]
        assert await self.search(facilitator, value, "ID_DTSEN") == []
        assert await self.search(facilitator, value[:-1]) == []
        assert await self.search(api.as_("facilitator", area=OTHER_VILLAGE), value) == []
        assert await trail(owner, person) == ["person.registry_number_added"]
        recorded = await owner.fetchval(
            "SELECT count(*) FROM accesses WHERE operation = 'registry_numbers.search' AND actor LIKE $1",
            f"%facilitator@{VILLAGE}",
        )
        assert recorded >= 3

    async def test_who_may_not_look_numbers_up_may_not_search(self, api: Api) -> None:
        body = {"scheme": "ID_DTKS", "value": "A", "purpose": "VERIFICATION"}
        for role in ("auditor", "partner", "national_office"):
            claims = {"organization": new_id(Kind.ORGANIZATION, 0)} if role == "partner" else {}
            answer = await api.as_(role, **claims).post("/v1/registry-numbers/search", json=body)
            assert answer.status_code == 403, role


class TestAnswers:
    async def give(
        self, client: AsyncClient, url: str, version: int, answers: dict[str, Any], **changes: Any
    ) -> Response:
        body = {"instrument": "REGSOSEK2022K", "source": "DECLARED", "answers": answers, **changes}
        return await client.put(f"{url}/answers", json=body, headers=at(version))

    async def test_what_does_not_fit_is_refused_at_its_place(self, api: Api) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        url = f"/v1/households/{household['id']}"
        for answers, pointer, code in (
            ({"303": "10"}, "/answers/303", "unknown_code"),
            ({"303": ["1"]}, "/answers/303", "type"),
            ({"302": 0}, "/answers/302", "range"),
            ({"307b": []}, "/answers/307b", "items"),
            # A question about persons, and one that is none: the name is not repeated.
            ({"410": "1"}, "/answers/410", "question_unknown"),
            ({"9901014505880003": "1"}, "/answers", "question_unknown"),
            ({}, "/answers", "items"),
        ):
            answer = await self.give(facilitator, url, 1, answers)
            problem(answer, 422, "content_invalid", fault=(pointer, code))
            assert "9901014505880003" not in answer.text
        for instrument in ("DTSEN39", "PBDT2015", "SLRT"):
            answer = await self.give(facilitator, url, 1, {"303": "8"}, instrument=instrument)
            problem(answer, 422, "content_invalid", fault=("/answers/303", "question_unknown"))
        assert (await facilitator.get(f"{url}/answers")).json()["items"] == []

    async def test_one_that_does_not_fit_refuses_all_and_each_is_told(self, api: Api) -> None:
        household = await registered(api)
        url = f"/v1/households/{household['id']}"
        answer = await self.give(api.as_("facilitator"), url, 1, {"303": "8", "304": "x", "305": True})
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
            ("/answers/304", "unknown_code"),
            ("/answers/305", "type"),
        ]
        assert (await api.as_("facilitator").get(f"{url}/answers")).json()["items"] == []

    async def test_an_answer_takes_the_place_of_the_one_before_which_is_kept(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        household, facilitator = await registered(api), api.as_("facilitator")
        url = f"/v1/households/{household['id']}"
        first = await self.give(facilitator, url, 1, {"303": "8", "304": 4}, as_of="2026-01-02")
        assert (first.status_code, first.headers["etag"]) == (200, '"2"')
        assert [(each["question"], each["value"]) for each in first.json()["answers"]] == [("303", "8"), ("304", "4")]
        same = await self.give(facilitator, url, 2, {"304": "4", "303": 8}, as_of="2026-01-02")
        assert same.headers["etag"] == '"2"'
        second = await self.give(facilitator, url, 2, {"303": "2", "304": None}, source="OBSERVED", verified=True)
        (held,) = second.json()["answers"]
        assert (held["question"], held["value"], held["source"]) == ("303", "2", "OBSERVED")
        assert held["verified_by"].endswith(f"#facilitator@{VILLAGE}")
        earlier = (await facilitator.get(f"{url}/earlier-answers")).json()["items"]
        assert {(each["question"], each["value"], each["as_of"]) for each in earlier} == {
            ("303", "8", "2026-01-02"),
            ("304", "4", "2026-01-02"),
        }
        assert await trail(owner, household["id"]) == ["household.registered", *["household.answered"] * 2]

    async def test_two_instruments_stand_beside_one_another(self, api: Api) -> None:
        person, facilitator = (await registered(api))["members"][1]["person_id"], api.as_("facilitator")
        url = f"/v1/persons/{person}"
        await self.give(facilitator, url, 0, {"412": "2", "411": 5})
        answer = await self.give(facilitator, url, 1, {"school_participation": "2"}, instrument="PBDT2015")
        assert [(each["instrument"], each["question"], each["value"]) for each in answer.json()["answers"]] == [
            ("PBDT2015", "school_participation", "2"),
            ("REGSOSEK2022K", "411", ["1", "4"]),
            ("REGSOSEK2022K", "412", "2"),
        ]

    async def test_health_is_for_case_workers_and_in_no_list_and_no_history_of_others(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        person, facilitator = (await registered(api))["members"][0]["person_id"], api.as_("facilitator")
        url = f"/v1/persons/{person}"
        answer = await self.give(facilitator, url, 0, {"410": "1", "428a": "3", "408": "2"})
        assert [each["question"] for each in answer.json()["answers"]] == ["408"]
        shown = await api.as_("puskesos_officer").get(f"{url}?include=special_answers")
        assert [(each["question"], each["value"]) for each in shown.json()["special_answers"]] == [
            ("410", "1"),
            ("428a", "3"),
        ]
        for role in ("facilitator", "auditor"):
            hidden = (await api.as_(role).get(f"{url}?include=special_answers")).json()["special_answers"]
            assert [each["question"] for each in hidden] == ["410", "428a"]
            assert all("value" not in each for each in hidden), role
        listed = await api.as_("puskesos_officer").get("/v1/persons?limit=1&sort=-updated_at&include=special_answers")
        (row,) = listed.json()["items"]
        assert row["id"] == person
        assert len(row["special_answers"]) == 2
        assert all("value" not in each for each in row["special_answers"])
        for role, known in (("facilitator", False), ("auditor", False), ("puskesos_officer", True)):
            (entry,) = (await api.as_(role).get(f"{url}/history")).json()["items"]
            assert entry["parts"]["answers"][0]["value"] == "2"
            assert all(("value" in each) is known for each in entry["parts"]["special_answers"]), role

    async def test_health_is_refused_to_others_in_graphql(self, api: Api) -> None:
        person = (await registered(api))["members"][0]["person_id"]
        await self.give(api.as_("facilitator"), f"/v1/persons/{person}", 0, {"410": "1"})
        query = {"query": f'{{ person(id: "{person}") {{ specialAnswers {{ question value }} }} }}'}
        refused = (await api.as_("facilitator").post("/graphql", json=query)).json()
        assert refused["errors"][0]["extensions"]["code"] == "field_not_readable"
        seen = (await api.as_("puskesos_officer").post("/graphql", json=query)).json()
        assert seen["data"]["person"]["specialAnswers"] == [{"question": "410", "value": "1"}]


async def test_a_search_is_no_person(api: Api) -> None:
    officer = api.as_("puskesos_officer")
    for method in ("GET", "PATCH"):
        answer = await officer.request(method, "/v1/persons/search")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    asked = await officer.options("/v1/persons/search")
    assert (asked.status_code, asked.headers["allow"]) == (204, "POST, OPTIONS")


async def test_graphql_does_what_rest_does(api: Api, owner: asyncpg.Connection) -> None:
    household, facilitator = await registered(api), api.as_("facilitator")
    child = household["members"][1]["person_id"]
    mutation = """mutation($input: HouseholdsChangeMemberInput!) { householdsChangeMember(input: $input) {
        household { version members { personId relation } } } }"""
    given = {
        "id": household["id"],
        "personId": child,
        "relation": "HEAD",
        "formerHeadRelation": "PARENT",
        "expectedVersion": 1,
    }
    answer = (await facilitator.post("/graphql", json={"query": mutation, "variables": {"input": given}})).json()
    shown = answer["data"]["householdsChangeMember"]["household"]
    assert (shown["version"], [each["relation"] for each in shown["members"]]) == (2, ["PARENT", "HEAD"])
    assert await trail(owner, household["id"]) == ["household.registered", "household.member_changed"]
