"""Search by name over HTTP: who is found however a name is written, who is not, and what a search leaves behind."""

import json
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog
from tests.api import OTHER_REGENCY_VILLAGE, Api, running_api
from tests.conftest import MigratedDatabase
from tests.domains.test_vault import number, steady
from tests.problems import problem

from slrt_api.households import names
from slrt_api.households.service import name_keys
from slrt_api.households.service import search as by_name

SEARCH = "/v1/persons/search"
#: villages of the officer, in which no other test works
VILLAGES = ("33.26.08.2001", "33.26.08.2002")
#: the same names live here, for an officer of another village and for another regency
ELSEWHERE = "33.26.09.2001"
#: a village of a regency in which nobody else lives
ALONE = "33.22.01.2001"
#: as names are written -> as officers search them
SPELLINGS = (
    ("Siti Zulaekha", "Sitti Zulaikha"),
    ("Muhammad Wirasena", "Muh. Wirasena"),
    ("Moh. Jatmiko", "Muhammad Djatmiko"),
    ("Soeprapto Wirjo", "Suprapto Wiryo"),
    ("Djoko Sutjipto", "Joko Sucipto"),
    ("Nur Hasanah", "Nurhasanah"),
    ("Nuraini", "Nur Aini"),
    ("Hj. Chotimah, S.Pd", "Khotimah"),
    ("Abdurrahman Wachid", "Abdul Rahman Wahid"),
    ("Fachrudin Yusuf", "fahrudin jusuf"),
)
FRAGMENTS = (("Kertanegara Wibowo", "kertan"), ("Siti Sukmawati", "siti sukm"), ("Sukmawijaya", "SUKMAWIJ"))
_HOUSES = count(1)


async def register(api: Api, *people: tuple[str, str | None], area: str = VILLAGES[0]) -> dict[str, str]:
    """A family of these people (name, birth date); the ids by name."""
    members = [
        {"name": name, "birth_date": born, "sex": "F", "relation": "CHILD" if place else "HEAD"}
        for place, (name, born) in enumerate(people)
    ]
    body = {"area_code": area, "address": f"RT {next(_HOUSES)}", "members": members}
    answer = await api.as_("facilitator", area=area).post("/v1/households", json=body)
    assert answer.status_code == 201, answer.text
    return {each["name"]: each["person_id"] for each in answer.json()["members"]}


def officer(api: Api, **claims: Any) -> httpx.AsyncClient:
    return api.as_("puskesos_officer", **({"areas": VILLAGES} | claims))


async def search(client: httpx.AsyncClient, name: str, **more: Any) -> httpx.Response:
    return await client.post(SEARCH, json={"name": name, "purpose": "CASE_INTAKE", **more})


async def found(client: httpx.AsyncClient, name: str, **more: Any) -> list[str]:
    """Names of who was found, in order."""
    answer = await search(client, name, **more)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


@pytest_asyncio.fixture(scope="module")
async def people(api: Api) -> dict[str, str]:
    """Ids of the people of `SPELLINGS` and `FRAGMENTS`, in the officer's village; the same names live elsewhere."""
    written = [(name, None) for name, _ in (*SPELLINGS, *FRAGMENTS)]
    for area in (ELSEWHERE, OTHER_REGENCY_VILLAGE):
        await register(api, *written, area=area)
    return await register(api, *written)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/nik", "number_required"),
        ({"name": "Siti", "nik": "9901014505880003"}, "/name", "one_number_only"),
        ({"name": "S"}, "/name", None),
        ({"name": "H. -"}, "/name", "invalid"),
        ({"name": "Siti", "area_code": "33.26.00"}, "/area_code", "area_unknown"),
        ({"name": "Siti", "birth_year": 12}, "/birth_year", None),
        ({"nik": "9901014505880003", "birth_year": 1988}, "/birth_year", "invalid"),
        ({"kk": "9901010101120007", "area_code": VILLAGES[0]}, "/area_code", "invalid"),
    ],
)
async def test_what_cannot_be_searched(api: Api, body: dict[str, Any], pointer: str, code: str | None) -> None:
    answer = await officer(api).post(SEARCH, json={**body, "purpose": "CASE_INTAKE"})
    problem(answer, 422, "content_invalid")
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert code in {None, fault["code"]}


async def test_a_purpose_and_the_scope_are_required(api: Api) -> None:
    assert (await officer(api).post(SEARCH, json={"name": "Siti"})).status_code == 422
    reader = officer(api, scopes=frozenset({"households:read"}))
    problem(await search(reader, "Siti"), 403, "scope_missing")


class TestWhoIsFound:
    @pytest.mark.parametrize(("written", "asked"), [*SPELLINGS, *FRAGMENTS])
    async def test_however_the_name_is_written(
        self, api: Api, people: dict[str, str], written: str, asked: str
    ) -> None:
        answer = (await search(officer(api), asked)).json()
        assert answer["items"][0]["person_id"] == people[written], answer
        # Nobody of the other village or the other regency, though they are called the same.
        assert {each["person_id"] for each in answer["items"]} <= set(people.values())
        assert answer["items"][0]["score"] >= by_name.LEAST_SCORE
        assert answer["items"][0]["household_id"]

    @pytest.mark.parametrize("asked", ["Zulaekha", "Wirasena", "Sukmawijaya"])
    async def test_somewhere_else_answers_like_nobody(self, api: Api, people: dict[str, str], asked: str) -> None:
        here, nobody = officer(api), f"Qwx{uuid4().hex[:6]}"
        away = officer(api, areas=["33.26.10.2001"])
        assert [steady(await search(away, each))[2] for each in (asked, nobody)] == [
            steady(await search(here, nobody))[2]
        ] * 2
        # Naming the village where they live gives away nothing either.
        beyond = [await search(here, asked, area_code=code) for code in (ELSEWHERE, OTHER_REGENCY_VILLAGE, "33.26.10")]
        assert steady(beyond[0]) == steady(beyond[1]) == steady(beyond[2])
        assert beyond[0].json() == {"items": [], "more": False}

    async def test_the_year_of_birth_and_the_village_narrow(self, api: Api) -> None:
        here = await register(api, ("Gendhis Ayuningtyas", "1950-01-01"), ("Gendis Ayuningtias", "1988-05-05"))
        there = await register(api, ("Gendhis Ayuningtyas", None), area=VILLAGES[1])
        client = officer(api)
        elder, younger = here.values()
        [unknown] = there.values()

        async def ids(**more: Any) -> list[str]:
            answer = await search(client, "gendis ayuningtyas", **more)
            return [each["person_id"] for each in answer.json()["items"]]

        assert set(await ids()) == {elder, younger, unknown}
        assert await ids(birth_year=1989) == [younger, unknown]
        assert await ids(birth_year=1991) == [unknown]
        assert await ids(birth_year=1991, birth_year_margin=3) == [younger, unknown]
        assert await ids(area_code=VILLAGES[1]) == [unknown]
        assert set(await ids(area_code="33.26.08")) == {elder, younger, unknown}

    async def test_the_best_twenty_of_many_and_that_there_are_more(self, api: Api) -> None:
        client = officer(api)
        for start in (0, 12):
            await register(api, *((f"Trimulyani {'abcdefghijklmnopqrstuvwx'[start + i] * 3}", None) for i in range(12)))
        await register(api, ("Trimulyani", None))
        answer = (await search(client, "Trimulyani")).json()
        assert (len(answer["items"]), answer["more"], answer["items"][0]["name"]) == (20, True, "Trimulyani")
        assert (await search(client, "Trimulyani")).json() == answer
        one = (await search(client, "trimulyani ccc")).json()
        assert (one["items"][0]["name"], one["items"][0]["score"]) == ("Trimulyani ccc", 1.0)

    @pytest.mark.parametrize(("few", "one", "other"), [(1_000, "Warsinah", "Kasmirah"), (3, "Wagirah", "Kartinem")])
    async def test_where_every_word_is_common_people_have_all_of_them(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, few: int, one: str, other: str
    ) -> None:
        """Whether each bearer of the rarest word is asked for the other, or the bearers of the other are read once."""
        monkeypatch.setattr(by_name, "MAX_CANDIDATES", 2)
        monkeypatch.setattr(by_name, "FEW", few)
        for start in (0, 5):
            await register(api, *((f"{one} {'abcdefghij'[start + i] * 4}", None) for i in range(5)))
            await register(api, *((f"{other} {'klmnopqrst'[start + i] * 4}", None) for i in range(5)))
        await register(api, (f"{other} {one}", None))
        assert await found(officer(api), f"{one} {other}") == [f"{other} {one}"]
        assert await found(officer(api), f"{one[:5]} {other[:5]}") == [f"{other} {one}"]
        alone = (await search(officer(api), one)).json()
        assert (len(alone["items"]), alone["more"]) == (2, True)

    async def test_graphql_finds_the_same(self, api: Api, people: dict[str, str]) -> None:
        client = officer(api)
        rest = (await search(client, "Sitti Zulaikha")).json()
        question = "mutation ($input: PersonsSearchInput!) { personsSearch(input: $input) { result } }"
        answer = await client.post(
            "/graphql",
            json={"query": question, "variables": {"input": {"name": "Sitti Zulaikha", "purpose": "CASE_INTAKE"}}},
        )
        assert answer.json() == {"data": {"personsSearch": {"result": rest}}}


class TestKeys:
    async def test_they_follow_the_person(self, api: Api, owner: asyncpg.Connection) -> None:
        [person] = (await register(api, ("Pujirahayu", "1970-01-01"))).values()
        client, facilitator = officer(api), api.as_("facilitator", areas=VILLAGES)
        assert await found(client, "pujirahayu", birth_year=1970) == ["Pujirahayu"]
        changed = await facilitator.patch(
            f"/v1/persons/{person}",
            json={"name": "Wulansari Kencono", "birth_date": "1980-01-01", "reason": "Salah", "source": "DOCUMENT"},
            headers={"if-match": '"0"', "content-type": "application/merge-patch+json"},
        )
        assert changed.status_code == 200, changed.text
        assert await found(client, "pujirahayu") == []
        assert await found(client, "kencana wulansari", birth_year=1970) == []
        assert await found(client, "wulansari kencono", birth_year=1980) == ["Wulansari Kencono"]
        rows = await owner.fetch("SELECT key, area, birth_year FROM person_name_keys WHERE person_id = $1", person)
        assert {row["key"] for row in rows} == names.keys(names.parse("Wulansari Kencono"))
        assert {(row["area"], row["birth_year"]) for row in rows} == {(3326082001, 1980)}

    async def test_a_new_member_and_a_newborn_are_found(self, api: Api) -> None:
        answer = await api.as_("facilitator", areas=VILLAGES).post(
            "/v1/households",
            json={
                "area_code": VILLAGES[0],
                "address": "RT 1",
                "members": [{"name": "Parwati", "sex": "F", "relation": "HEAD"}],
            },
        )
        household = answer.json()["id"]
        facilitator = api.as_("facilitator", areas=VILLAGES)
        added = await facilitator.post(
            f"/v1/households/{household}/members",
            json={"relation": "CHILD", "person": {"name": "Lintang Kinasih", "sex": "F"}},
            headers={"if-match": '"1"'},
        )
        assert added.status_code == 200, added.text
        born = await officer(api).post(
            f"/v1/households/{household}/births",
            json={
                "name": "Bening Kinasih",
                "sex": "F",
                "birth_date": "2026-11-02",
                "relation": "CHILD",
                "reason": "Lahir",
            },
            headers={"if-match": '"2"'},
        )
        assert born.status_code == 200, born.text
        assert await found(officer(api), "lintang kinasih") == ["Lintang Kinasih"]
        assert await found(officer(api), "bening", birth_year=2026) == ["Bening Kinasih"]

    async def test_a_family_that_moves_is_found_where_it_lives_and_one_who_died_no_more(self, api: Api) -> None:
        [person] = (await register(api, ("Kirana Maheswari", None))).values()
        client = officer(api)
        [item] = (await search(client, "kirana")).json()["items"]
        moved = await client.post(
            f"/v1/households/{item['household_id']}/move",
            json={"area_code": VILLAGES[1], "address": "RT 9", "reason": "Pindah"},
            headers={"if-match": '"1"'},
        )
        assert moved.status_code == 200, moved.text
        assert await found(client, "kirana", area_code=VILLAGES[0]) == []
        assert await found(client, "kirana", area_code=VILLAGES[1]) == ["Kirana Maheswari"]
        version = (await client.get(f"/v1/persons/{person}")).json()["version"]
        died = await client.post(
            f"/v1/persons/{person}/death",
            json={"died_on": "2026-11-01", "reason": "Surat kematian"},
            headers={"if-match": f'"{version}"'},
        )
        assert died.status_code == 200, died.text
        assert await found(client, "kirana") == []

    async def test_who_was_there_before_is_found_after_a_rebuild_that_may_be_broken_off(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        regency, client = int(ALONE[:5].replace(".", "")), officer(api, areas=[ALONE])
        people = await register(
            api, ("Saraswati Puspita", None), ("Saraswati Kamala", None), ("Saraswati Dewani", None), area=ALONE
        )
        ids = sorted(people.values())
        await owner.execute("DELETE FROM person_name_keys WHERE person_id = ANY ($1::uuid[])", ids)
        assert await found(client, "Saraswati") == []
        async for progress in name_keys.rebuild(owner, regency, batch=1):
            if progress.written:
                break
        assert len(await found(client, "Saraswati")) == 1
        again = [progress async for progress in name_keys.rebuild(owner, regency, batch=1)][-1]
        assert (again.regency, again.written, again.read) == (regency, 2, 3)
        assert set(await found(client, "Saraswati")) == set(people)
        # Keys by other rules than today's are replaced where everybody's are asked for, and only there.
        await owner.execute("UPDATE person_name_keys SET key = 'x' || key WHERE person_id = $1", ids[1])
        for everybody, written in ((False, 0), (True, 3)):
            [done] = [progress async for progress in name_keys.rebuild(owner, regency, all_=everybody)]
            assert (done.read, done.written) == (3, written)
        assert set(await found(client, "Saraswati")) == set(people)
        kept = await owner.fetchval(
            "SELECT count(*) FROM person_name_keys WHERE regency = $1 AND key LIKE 'x%'", regency
        )
        assert kept == 0

    async def test_every_person_has_the_keys_of_the_name(self, owner: asyncpg.Connection) -> None:
        """What every test of the suite has done so far, over whichever path."""
        rows = await owner.fetch(
            "SELECT p.id, p.name, p.area, p.birth_date, array_agg(k.key) AS keys, min(k.area) AS low, max(k.area) AS high,"
            " min(k.birth_year) AS year FROM persons p JOIN person_name_keys k ON k.regency = p.regency AND k.person_id = p.id"
            " WHERE p.updated_at > now() - interval '1 day' GROUP BY p.regency, p.id"
        )
        assert rows
        for row in rows:
            assert set(row["keys"]) == names.keys(names.parse(row["name"])), row["id"]
            assert (row["low"], row["high"]) == (row["area"], row["area"]), row["id"]
            assert row["year"] == (row["birth_date"].year if row["birth_date"] else None), row["id"]


class TestTrail:
    async def test_a_search_is_recorded_without_the_name_and_leaves_none_anywhere(
        self, api: Api, owner: asyncpg.Connection, people: dict[str, str]
    ) -> None:
        client = officer(api, subject=f"reader-{uuid4()}")
        with structlog.testing.capture_logs() as logs:
            answer = await search(client, "Siti Zulaekha", birth_year=1990)
        assert answer.headers["cache-control"] == "private, no-store"
        assert "ulae" not in json.dumps(logs, default=str)
        [row] = await owner.fetch(
            "SELECT * FROM accesses WHERE operation = 'persons.search' ORDER BY at DESC, id DESC LIMIT 1"
        )
        assert (row["purpose"], row["rows"]) == ("CASE_INTAKE", len(answer.json()["items"]))
        assert "ulae" not in str(dict(row))

    async def test_names_have_a_quota_of_their_own(self, database: MigratedDatabase, tmp_path: Path) -> None:
        limits = {"name_searches_per_user_per_day": 1, "nik_lookups_per_user_per_day": 1}
        async with running_api(database.api_url, tmp_path, **limits) as api:
            client = officer(api, subject=f"curious-{uuid4()}")
            assert (await search(client, "Nobody Atall")).status_code == 200
            problem(await search(client, "Nobody Atall"), 429, "quota_exhausted")
            body = {"nik": number(), "purpose": "CASE_INTAKE"}
            assert (await client.post(SEARCH, json=body)).status_code == 200
            problem(await client.post(SEARCH, json=body), 429, "quota_exhausted")
