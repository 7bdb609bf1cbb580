"""The identity vault over HTTP: who finds a number, who sees it in full, and what neither answer tells."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MigratedDatabase
from tests.problems import problem
from tests.wire import Wire, wiretap

SEARCH = "/v1/persons/search"
NEIGHBOR = "33.26.01.2002"


_SERIALS = count(5_000)


def number() -> str:
    """A number that nobody else in the suite has, whose form gives the same findings as any other."""
    return f"990101450588{next(_SERIALS):04d}"


def family(nik: str | None = None, kk: str | None = None, area: str = VILLAGE) -> dict[str, Any]:
    """A family of two, the first of whom holds `nik`."""
    body = household_body(area_code=area, kk=kk)
    body["members"][0]["nik"] = nik
    return body


async def registered(api: Api, **family_: Any) -> dict[str, Any]:
    area = family_.get("area", VILLAGE)
    answer = await api.as_("facilitator", area=area).post("/v1/households", json=family(**family_))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def opened(api: Api, household: dict[str, Any], area: str = VILLAGE) -> str:
    """The id of a new case of the household."""
    officer = api.as_("puskesos_officer", area=area)
    answer = await officer.post("/v1/cases", json={"household_id": household["id"]})
    id_: str = answer.json()["id"]
    return id_


def steady(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """What must not differ: all but the date, the trace and the counters of the rate limit."""
    moving = {"date", "ratelimit", "ratelimit-policy", "traceparent"}
    headers = {name: value for name, value in answer.headers.items() if name not in moving}
    return answer.status_code, headers, re.sub(rb'"trace_id":"[0-9a-f]+"', b"", answer.content)


@pytest_asyncio.fixture(scope="module")
async def wired(
    database: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Api, Wire]]:
    """An application of its own, whose statements are counted on their way."""
    async with wiretap(database.api_url) as wire, running_api(wire.url, tmp_path_factory.mktemp("wired")) as api:
        yield api, wire


async def counted(wire: Wire, client: httpx.AsyncClient, url: str, body: Any) -> tuple[httpx.Response, Counter[str]]:
    # Reading transactions are ended a moment after their answer: of the last request before, and of this one.
    await wire.quiet()
    wire.counted.clear()
    answer = await client.post(url, json=body)
    await wire.quiet()
    return answer, Counter(wire.counted)


class TestSearch:
    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/nik", "number_required"),
            ({"nik": "9901014505880003", "kk": "9901010101120007"}, "/kk", "one_number_only"),
            ({"nik": "990101450588000"}, "/nik", "nik_malformed"),
            ({"kk": "99010101011200071"}, "/kk", "kk_malformed"),
            ({"nik": "９901014505880003"}, "/nik", "nik_malformed"),
        ],
    )
    async def test_it_takes_exactly_one_well_formed_number(
        self, api: Api, body: dict[str, str], pointer: str, code: str
    ) -> None:
        answer = await api.as_("puskesos_officer").post(SEARCH, json={**body, "purpose": "CASE_INTAKE"})
        problem(answer, 422, "content_invalid", fault=(pointer, code))
        assert not any(value in answer.text for value in body.values())

    async def test_it_needs_scope_and_purpose(self, api: Api) -> None:
        nik = number()
        reader = api.as_("puskesos_officer", scopes=frozenset({"households:read"}))
        problem(await reader.post(SEARCH, json={"nik": nik, "purpose": "CASE_INTAKE"}), 403, "scope_missing")
        problem(await api.as_("puskesos_officer").post(SEARCH, json={"nik": nik}), 422, "content_invalid")

    async def test_a_nik_finds_who_holds_it(self, api: Api) -> None:
        nik = number()
        made = await registered(api, nik=nik)
        answer = await api.as_("puskesos_officer").post(SEARCH, json={"nik": nik, "purpose": "CASE_INTAKE"})
        [found] = answer.json()["items"]
        assert found == {
            "person_id": made["members"][0]["person_id"],
            "household_id": made["id"],
            "name": "Siti Aminah",
            "nik": "990101**********",
            "score": None,
        }
        assert answer.headers["cache-control"] == "private, no-store"
        assert nik not in answer.text

    async def test_a_card_finds_the_family_that_holds_it_now(self, api: Api, owner: asyncpg.Connection) -> None:
        nik, kk = number(), number()
        made = await registered(api, nik=nik, kk=kk)
        officer = api.as_("puskesos_officer")
        ask = {"kk": kk, "purpose": "VERIFICATION"}
        found = (await officer.post(SEARCH, json=ask)).json()["items"]
        assert [(each["person_id"], each["household_id"], each["nik"]) for each in found] == [
            (made["members"][0]["person_id"], made["id"], "990101**********"),
            (made["members"][1]["person_id"], made["id"], None),
        ]
        # A NIK is no card, and a card no NIK.
        assert (await officer.post(SEARCH, json={"nik": kk, "purpose": "VERIFICATION"})).json() == {
            "items": [],
            "more": False,
        }
        assert (await officer.post(SEARCH, json={"kk": nik, "purpose": "VERIFICATION"})).json() == {
            "items": [],
            "more": False,
        }
        # Who has left the family is not found by its card, nor anybody by a card of the past.
        await owner.execute(
            "UPDATE memberships SET valid_to = '2026-11-22' WHERE id = $1", UUID(made["members"][1]["person_id"])
        )
        assert len((await officer.post(SEARCH, json=ask)).json()["items"]) == 1
        await owner.execute(
            "UPDATE identities SET valid_to = '2026-11-22' WHERE owner_id = $1 AND type = 'KK'", UUID(made["id"])
        )
        assert (await officer.post(SEARCH, json=ask)).json() == {"items": [], "more": False}

    async def test_the_record_names_purpose_and_case(self, api: Api, owner: asyncpg.Connection) -> None:
        nik = number()
        case = await opened(api, await registered(api, nik=nik))
        subject = f"searcher-{uuid4()}"
        officer = api.as_("puskesos_officer", subject=subject)
        body = {"nik": nik, "purpose": "REFERRAL", "case_id": case}
        assert len((await officer.post(SEARCH, json=body)).json()["items"]) == 1
        rows = await owner.fetch(
            "SELECT operation, purpose, case_id, rows FROM accesses WHERE actor = $1", f"http://api.test#{subject}"
        )
        assert [tuple(row) for row in rows] == [("persons.search", "REFERRAL", UUID(case), 1)]

    @pytest.mark.parametrize("kind", ["nik", "kk"])
    async def test_a_number_elsewhere_and_one_nowhere_cannot_be_told_apart(
        self, wired: tuple[Api, Wire], kind: str
    ) -> None:
        api, wire = wired
        existing, unknown = number(), number()
        await registered(api, area=OTHER_REGENCY_VILLAGE, **{kind: existing})
        neighbors = number()
        await registered(api, area=NEIGHBOR, **{kind: neighbors})
        for role, area in (("puskesos_officer", VILLAGE), ("facilitator", VILLAGE)):
            client = api.as_(role, area=area)
            await client.post(SEARCH, json={kind: number(), "purpose": "CASE_INTAKE"})
            asked = [
                await counted(wire, client, SEARCH, {kind: one, "purpose": "CASE_INTAKE"})
                for one in (existing, unknown, neighbors, unknown, existing)
            ]
            answers = {json.dumps(steady(answer)[:2]) + repr(steady(answer)[2]) for answer, _ in asked}
            assert len(answers) == 1
            assert asked[0][0].json() == {"items": [], "more": False}
            assert [messages for _, messages in asked] == [asked[0][1]] * len(asked)
            assert asked[0][1]["execute"] >= 3, "the wire counts nothing"
        # The control: who may see the neighbors finds them by the same door.
        there = await api.as_("puskesos_officer", area=NEIGHBOR).post(
            SEARCH, json={kind: neighbors, "purpose": "CASE_INTAKE"}
        )
        assert len(there.json()["items"]) == (1 if kind == "nik" else 2)

    async def test_registering_a_number_that_exists_elsewhere_answers_like_any_other(
        self, wired: tuple[Api, Wire]
    ) -> None:
        api, wire = wired
        taken, free = number(), number()
        await registered(api, area=OTHER_REGENCY_VILLAGE, nik=taken)
        await registered(api, area=NEIGHBOR, nik=taken)
        facilitator = api.as_("facilitator")
        await facilitator.post("/v1/households", json=family(nik=number()))
        shown, counts = [], []
        for nik in (taken, free, taken):
            answer, messages = await counted(wire, facilitator, "/v1/households", family(nik=nik))
            status, headers, body = steady(answer)
            shown.append((status, sorted(headers), _without_ids_and_instants(body)))
            counts.append(messages)
        assert shown[0][0] == 201
        assert shown == [shown[0]] * 3
        assert counts == [counts[0]] * 3


def _without_ids_and_instants(body: bytes) -> bytes:
    plain = re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"ID", body)
    return re.sub(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z", b"AT", plain)


class TestReveal:
    async def test_it_needs_scope_purpose_and_case(self, api: Api) -> None:
        household = await registered(api, nik=number())
        url, case = f"/v1/persons/{household['members'][0]['person_id']}/reveal", await opened(api, household)
        body = {"purpose": "VERIFICATION", "case_id": case}
        officer = api.as_("puskesos_officer")
        problem(await api.as_("facilitator").post(url, json=body), 403, "scope_missing")
        problem(
            await officer.post(url, json={"purpose": "VERIFICATION"}),
            422,
            "content_invalid",
            fault=("/case_id", "required"),
        )
        problem(await officer.post(url, json={"case_id": case}), 422, "content_invalid", fault=("/purpose", "required"))
        stranger = api.as_("puskesos_officer", area=NEIGHBOR)
        problem(await stranger.post(url, json=body), 404, "not_found")

    async def test_the_case_is_an_open_one_of_the_persons_household(self, api: Api, owner: asyncpg.Connection) -> None:
        household = await registered(api, nik=number())
        other = await opened(api, await registered(api, nik=number()))
        elsewhere = await opened(api, await registered(api, nik=number(), area=NEIGHBOR), NEIGHBOR)
        ended, mine = await opened(api, household), await opened(api, household)
        officer = api.as_("puskesos_officer")
        closed = await officer.post(
            f"/v1/cases/{ended}/transitions",
            json={"action": "WITHDRAW", "reason": "Keluarga mencabut"},
            headers={"if-match": '"1"'},
        )
        assert closed.status_code == 200, closed.text
        person = household["members"][0]["person_id"]
        url = f"/v1/persons/{person}/reveal"
        refused = [
            await officer.post(url, json={"purpose": "VERIFICATION", "case_id": case})
            for case in (other, elsewhere, ended, str(uuid4()))
        ]
        for answer in refused:
            problem(answer, 422, "content_invalid", fault=("/case_id", "reference_not_found"))
        assert len({steady(answer)[2] for answer in refused}) == 1
        assert (await officer.post(url, json={"purpose": "VERIFICATION", "case_id": mine})).status_code == 200
        await owner.execute("UPDATE memberships SET valid_to = '2026-11-22' WHERE id = $1", UUID(person))
        left = await officer.post(url, json={"purpose": "VERIFICATION", "case_id": mine})
        problem(left, 422, "content_invalid", fault=("/case_id", "reference_not_found"))

    async def test_it_shows_one_number_and_is_on_record(self, api: Api, owner: asyncpg.Connection) -> None:
        nik, kk = number(), number()
        household = await registered(api, nik=nik, kk=kk)
        first, second = (member["person_id"] for member in household["members"])
        case, officer = await opened(api, household), api.as_("puskesos_officer")
        body = {"purpose": "VERIFICATION", "case_id": case}
        shown = await officer.post(f"/v1/persons/{first}/reveal", json=body)
        card = await officer.post(f"/v1/persons/{first}/reveal", json=body | {"type": "KK"})
        none = await officer.post(f"/v1/persons/{second}/reveal", json=body | {"type": "NIK"})
        assert shown.json() == {"person_id": first, "type": "NIK", "nik": nik, "kk": None}
        assert card.json() == {"person_id": first, "type": "KK", "nik": None, "kk": kk}
        assert none.json() == {"person_id": second, "type": "NIK", "nik": None, "kk": None}
        rows = await owner.fetch(
            "SELECT operation, purpose, role, case_id, rows FROM accesses WHERE resource_id = ANY ($1) ORDER BY id",
            [UUID(first), UUID(second)],
        )
        expected = ("persons.reveal", "VERIFICATION", "puskesos_officer", UUID(case))
        assert [tuple(row) for row in rows] == [(*expected, 1), (*expected, 1), (*expected, 0)]

    async def test_a_number_that_was_moved_to_another_row_is_an_alarm_and_no_answer(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        niks = number(), number()
        households = [await registered(api, nik=nik) for nik in niks]
        persons = [household["members"][0]["person_id"] for household in households]
        await owner.execute(
            "UPDATE identities i SET ciphertext = o.ciphertext FROM identities o"
            " WHERE i.owner_id = ANY ($1) AND o.owner_id = ANY ($1) AND i.id <> o.id",
            [UUID(person) for person in persons],
        )
        officer = api.as_("puskesos_officer")
        for person, household in zip(persons, households, strict=True):
            case = await opened(api, household)
            with structlog.testing.capture_logs() as lines:
                answer = await officer.post(
                    f"/v1/persons/{person}/reveal", json={"purpose": "VERIFICATION", "case_id": case}
                )
            problem(answer, 500, "identity_unreadable")
            assert not any(nik in answer.text for nik in niks)
            [alarm] = [line for line in lines if line["event"] == "identity_unreadable"]
            assert (alarm["log_level"], alarm["regency"], alarm["type"]) == ("error", 3326, "NIK")

    async def test_graphql_asks_for_the_case_too(self, api: Api) -> None:
        nik = number()
        household = await registered(api, nik=nik)
        case = await opened(api, household)
        document = "mutation ($input: PersonsRevealInput!) { personsReveal(input: $input) { result } }"
        input_ = {"id": household["members"][0]["person_id"], "purpose": "VERIFICATION", "caseId": case}
        officer = api.as_("puskesos_officer")
        good = await officer.post("/graphql", json={"query": document, "variables": {"input": input_}})
        assert good.json() == {
            "data": {"personsReveal": {"result": {"person_id": input_["id"], "type": "NIK", "nik": nik, "kk": None}}}
        }
        del input_["caseId"]
        bare = await officer.post("/graphql", json={"query": document, "variables": {"input": input_}})
        assert nik not in bare.text
        assert "errors" in bare.json()
