"""One effect for each idempotency key and one change for each version, however often and however parallel it is asked.

Invariants I2 (no effect twice), I3 (a retry gets the first answer), I10 (no lost update). Oracles are counted in SQL.
"""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from tests.api import VILLAGE, Api, household_body
from tests.problems import problem
from tests.sizes import size

from slrt_api.runtime import idempotency

HOUSEHOLDS = "/v1/households"
PARALLEL = size(50, 200)
MERGE = {"content-type": "application/merge-patch+json"}


def replayed(answer: httpx.Response) -> bool:
    return "true" in answer.headers.get_list("idempotency-replayed")


def told(answer: httpx.Response) -> tuple[int, bytes, str | None, str | None]:
    """What of an answer its replay has to repeat."""
    return answer.status_code, answer.content, answer.headers.get("etag"), answer.headers.get("location")


async def households_at(owner: asyncpg.Connection, address: str) -> int:
    return int(await owner.fetchval("SELECT count(*) FROM households WHERE address = $1", address))


async def insisting(client: httpx.AsyncClient, url: str, body: dict[str, Any], key: str) -> tuple[httpx.Response, int]:
    """POST until it is answered, as a careful client does: its answer, and how often it was told to wait."""
    for waits in range(200):
        answer = await client.post(url, json=body, headers={"idempotency-key": key})
        if answer.status_code not in {409, 503}:
            return answer, waits
        assert answer.json()["code"] in {"request_in_flight", "overloaded", "contended"}, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        # The header counts whole seconds; the effect under test takes milliseconds.
        await asyncio.sleep(0.01)
    raise AssertionError("never answered")


class TestParallel:
    async def test_equal_posts_have_one_effect_and_one_answer(self, api: Api, owner: asyncpg.Connection) -> None:
        facilitator, key, address = api.as_("facilitator"), str(uuid4()), f"RT {uuid4()}"
        body = household_body(address=address)
        answers = [
            answer
            for answer, _ in await asyncio.gather(
                *(insisting(facilitator, HOUSEHOLDS, body, key) for _ in range(PARALLEL))
            )
        ]
        assert {told(answer) for answer in answers} == {told(answers[0])}
        assert answers[0].status_code == 201
        assert sum(not replayed(answer) for answer in answers) == 1
        id_ = UUID(answers[0].json()["id"])
        assert await households_at(owner, address) == 1
        assert await owner.fetchval("SELECT count(*) FROM events WHERE aggregate_id = $1", id_) == 1
        assert await owner.fetchval("SELECT count(*) FROM memberships WHERE household_id = $1", id_) == 2
        assert await owner.fetchval("SELECT count(*) FROM idempotent_answers WHERE resource_id = $1", id_) == 1

    async def test_without_a_key_each_is_an_effect(self, api: Api, owner: asyncpg.Connection) -> None:
        facilitator, address = api.as_("facilitator"), f"RT {uuid4()}"
        body = household_body(address=address)
        answers = await asyncio.gather(*(facilitator.post(HOUSEHOLDS, json=body) for _ in range(5)))
        assert [answer.status_code for answer in answers] == [201] * 5
        assert await households_at(owner, address) == 5

    async def test_while_the_first_is_under_way_the_second_is_told_so_at_once(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        facilitator, key, address = api.as_("facilitator"), str(uuid4()), f"RT {uuid4()}"
        body = household_body(address=address)
        keyring = api.app.state.service.platform.keyring
        scope = (f"http://api.test#facilitator@{VILLAGE}", "facilitator", "households.register")
        kept = idempotency.key_of(keyring, 3326, scope, key, b"")
        lock = int.from_bytes(kept.digest[:8], "big", signed=True)
        async with owner.transaction():
            await owner.execute("SELECT pg_advisory_xact_lock($1)", lock)
            answer = await asyncio.wait_for(
                facilitator.post(HOUSEHOLDS, json=body, headers={"idempotency-key": key}), timeout=1
            )
            problem(answer, 409, "request_in_flight")
            assert answer.headers["retry-after"] == "1"
            other = await facilitator.post(HOUSEHOLDS, json=body, headers={"idempotency-key": key + "-2"})
            assert other.status_code == 201
        assert (await facilitator.post(HOUSEHOLDS, json=body, headers={"idempotency-key": key})).status_code == 201
        assert await households_at(owner, address) == 2


class TestReplay:
    async def test_it_repeats_status_location_etag_and_bytes(self, api: Api) -> None:
        facilitator, key = api.as_("facilitator"), str(uuid4())
        first = await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        again = await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        assert told(first) == told(again)
        assert (replayed(first), replayed(again)) == (False, True)
        assert None not in told(again)

    async def test_it_repeats_the_first_answer_after_the_resource_has_changed(self, api: Api) -> None:
        facilitator, key = api.as_("facilitator"), str(uuid4())
        first = await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        location = first.headers["location"]
        changed = await facilitator.patch(location, content=b'{"address": "B"}', headers=MERGE | {"if-match": '"1"'})
        again = await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        assert changed.status_code == 200
        assert told(again) == told(first)

    async def test_a_quoted_key_and_another_spelling_of_the_body_are_the_same(self, api: Api) -> None:
        facilitator, key = api.as_("facilitator"), str(uuid4())
        body = household_body()
        first = await facilitator.post(HOUSEHOLDS, json=body, headers={"idempotency-key": key})
        turned = json.dumps(dict(reversed(body.items())), indent=2).encode()
        again = await facilitator.post(
            HOUSEHOLDS, content=turned, headers={"idempotency-key": f'"{key}"', "content-type": "application/json"}
        )
        assert (told(first), replayed(again)) == (told(again), True)

    async def test_other_content_under_the_same_key_is_422(self, api: Api, owner: asyncpg.Connection) -> None:
        facilitator, key, address = api.as_("facilitator"), str(uuid4()), f"RT {uuid4()}"
        await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        answer = await facilitator.post(
            HOUSEHOLDS, json=household_body(address=address), headers={"idempotency-key": key}
        )
        problem(answer, 422, "idempotency_key_reused")
        assert await households_at(owner, address) == 0

    async def test_another_caller_role_or_operation_has_keys_of_its_own(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        key, address = str(uuid4()), f"RT {uuid4()}"
        body = household_body(address=address)
        clients = (
            api.as_("facilitator", subject="one"),
            api.as_("facilitator", subject="two"),
            api.as_("puskesos_officer", subject="one"),
        )
        answers = [await client.post(HOUSEHOLDS, json=body, headers={"idempotency-key": key}) for client in clients]
        assert [(answer.status_code, replayed(answer)) for answer in answers] == [(201, False)] * 3
        assert await households_at(owner, address) == 3
        search = {"nik": "9901014505880003", "purpose": "CASE_INTAKE"}
        found = await clients[0].post("/v1/persons/search", json=search, headers={"idempotency-key": key})
        assert found.status_code == 200

    async def test_a_refusal_is_not_kept(self, api: Api, owner: asyncpg.Connection) -> None:
        facilitator, key, address = api.as_("facilitator"), str(uuid4()), f"RT {uuid4()}"
        headers = {"idempotency-key": key}
        wrong = await facilitator.post(HOUSEHOLDS, json=household_body(address=address, kk="1"), headers=headers)
        outside = await facilitator.post(
            HOUSEHOLDS, json=household_body(address=address, area_code="33.27.01.2001"), headers=headers
        )
        right = await facilitator.post(HOUSEHOLDS, json=household_body(address=address), headers=headers)
        assert [wrong.status_code, outside.status_code, right.status_code] == [422, 403, 201]
        assert not replayed(right)
        assert await households_at(owner, address) == 1

    async def test_who_lost_sight_of_the_resource_gets_no_replay(self, api: Api, owner: asyncpg.Connection) -> None:
        key, address = str(uuid4()), f"RT {uuid4()}"
        body, headers = household_body(address=address), {"idempotency-key": key}
        before = api.as_("facilitator", subject="moved", area=VILLAGE)
        after = api.as_("facilitator", subject="moved", area="33.26.01.2002")
        assert (await before.post(HOUSEHOLDS, json=body, headers=headers)).status_code == 201
        problem(await after.post(HOUSEHOLDS, json=body, headers=headers), 404, "not_found")
        assert await households_at(owner, address) == 1

    async def test_who_lost_the_scope_is_refused_before_the_key_is_looked_up(self, api: Api) -> None:
        key = {"idempotency-key": str(uuid4())}
        before = api.as_("facilitator", subject="demoted")
        after = api.as_("facilitator", subject="demoted", scopes=frozenset({"households:read"}))
        assert (await before.post(HOUSEHOLDS, json=household_body(), headers=key)).status_code == 201
        problem(await after.post(HOUSEHOLDS, json=household_body(), headers=key), 403, "scope_missing")

    async def test_an_answer_that_only_reads_is_judged_and_recorded_afresh(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        made = (await api.as_("facilitator").post(HOUSEHOLDS, json=household_body())).json()
        person = made["members"][0]["person_id"]
        url, key = f"/v1/persons/{person}/reveal", {"idempotency-key": str(uuid4())}
        before = api.as_("puskesos_officer", subject="revealer")
        case = (await before.post("/v1/cases", json={"household_id": made["id"]})).json()
        body = {"purpose": "VERIFICATION", "case_id": case["id"]}
        after = api.as_("puskesos_officer", subject="revealer", area="33.26.01.2002")
        for expected in (1, 2):
            shown = await before.post(url, json=body, headers=key)
            assert (shown.status_code, replayed(shown)) == (200, False)
            recorded = await owner.fetchval("SELECT count(*) FROM accesses WHERE resource_id = $1", UUID(person))
            assert recorded == expected
        problem(await after.post(url, json=body, headers=key), 404, "not_found")

    async def test_what_is_kept_is_encrypted(self, api: Api, owner: asyncpg.Connection) -> None:
        facilitator, key = api.as_("facilitator"), str(uuid4())
        answer = await facilitator.post(HOUSEHOLDS, json=household_body(), headers={"idempotency-key": key})
        row = await owner.fetchrow("SELECT * FROM idempotent_answers WHERE resource_id = $1", UUID(answer.json()["id"]))
        assert row is not None
        kept = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
        assert b"Siti" in answer.content
        for secret in (b"Siti", b"Dusun", b"990101", key.encode()):
            assert secret not in kept
        assert len(row["body"]) > len(answer.content)


class TestTransitions:
    async def _case(self, api: Api) -> str:
        household = await api.as_("facilitator").post(HOUSEHOLDS, json=household_body())
        case = await api.as_("puskesos_officer").post("/v1/cases", json={"household_id": household.json()["id"]})
        location: str = case.headers["location"]
        return location

    async def test_a_retried_transition_is_a_replay_and_no_412(self, api: Api, owner: asyncpg.Connection) -> None:
        officer, location = api.as_("puskesos_officer"), await self._case(api)
        headers = {"if-match": '"1"', "idempotency-key": str(uuid4())}
        body = {"action": "VERIFY"}
        first = await officer.post(f"{location}/transitions", json=body, headers=headers)
        again = await officer.post(f"{location}/transitions", json=body, headers=headers)
        other = await officer.post(
            f"{location}/transitions", json=body, headers=headers | {"idempotency-key": str(uuid4())}
        )
        assert (first.status_code, first.headers["etag"], replayed(first)) == (200, '"2"', False)
        assert (told(again), replayed(again)) == (told(first), True)
        problem(other, 412, "version_stale")
        id_ = UUID(location.rpartition("/")[2])
        assert await owner.fetchval("SELECT count(*) FROM events WHERE aggregate_id = $1", id_) == 2

    async def test_a_key_used_on_another_resource_is_422(self, api: Api) -> None:
        officer, key = api.as_("puskesos_officer"), {"if-match": '"1"', "idempotency-key": str(uuid4())}
        one, two = await self._case(api), await self._case(api)
        await officer.post(f"{one}/transitions", json={"action": "VERIFY"}, headers=key)
        answer = await officer.post(f"{two}/transitions", json={"action": "VERIFY"}, headers=key)
        problem(answer, 422, "idempotency_key_reused")

    async def test_equal_cases_in_parallel_are_one(self, api: Api, owner: asyncpg.Connection) -> None:
        household = (await api.as_("facilitator").post(HOUSEHOLDS, json=household_body())).json()["id"]
        officer, key, body = api.as_("puskesos_officer"), str(uuid4()), {"household_id": household}
        answers = await asyncio.gather(*(insisting(officer, "/v1/cases", body, key) for _ in range(PARALLEL)))
        assert {told(answer) for answer, _ in answers} == {told(answers[0][0])}
        assert answers[0][0].status_code == 201
        assert await owner.fetchval("SELECT count(*) FROM cases WHERE household_id = $1", UUID(household)) == 1

    async def test_of_parallel_transitions_of_one_version_one_is_accepted(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        officer, location = api.as_("puskesos_officer"), await self._case(api)
        answers = await asyncio.gather(
            *(
                officer.post(f"{location}/transitions", json={"action": "VERIFY"}, headers={"if-match": '"1"'})
                for _ in range(size(10, 50))
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [412] * (len(answers) - 1)
        id_ = UUID(location.rpartition("/")[2])
        assert await owner.fetchval("SELECT count(*) FROM events WHERE aggregate_id = $1", id_) == 2


class TestLostUpdates:
    async def test_of_parallel_changes_of_one_version_one_is_accepted(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        rounds = size(3, 30)
        for version in range(1, rounds + 1):
            answers = await asyncio.gather(
                *(
                    facilitator.patch(
                        location,
                        json={"address": f"RT {version} / {number}"},
                        headers=MERGE | {"if-match": f'"{version}"'},
                    )
                    for number in range(size(10, 50))
                )
            )
            won = [answer for answer in answers if answer.status_code == 200]
            assert [answer.status_code for answer in answers if answer not in won] == [412] * (len(answers) - 1)
            assert {answer.headers["etag"] for answer in answers} == {f'"{version + 1}"'}
            now = await facilitator.get(location)
            assert (now.json()["version"], now.json()["address"]) == (version + 1, won[0].json()["address"])
        id_ = UUID(location.rpartition("/")[2])
        sequences = await owner.fetch("SELECT sequence FROM events WHERE aggregate_id = $1 ORDER BY sequence", id_)
        assert [row["sequence"] for row in sequences] == list(range(1, rounds + 2))
