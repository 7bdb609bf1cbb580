"""What becomes of values that no key of the process opens: rows are shown without them, and nothing is decided or lost."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import structlog
from tests.api import Api
from tests.domains.test_complaints import act, complaint_body, filed
from tests.domains.test_sealed_reports import SUMMARY, holder, reported, seen
from tests.graph_queries import data
from tests.problems import problem

from slrt_api.runtime import metrics, reads
from slrt_api.runtime.crypto import Ring, aad
from slrt_api.runtime.reads import Reads

OFFICER = "puskesos_officer"
GONE = Ring({"gone-1": b"g" * 32})


async def lose(owner: asyncpg.Connection, made: Mapping[str, Any], column: str, purpose: str) -> bytes:
    """Let a value stand under a key that nobody holds. Returns its bytes."""
    id_ = UUID(made["id"])
    blob = GONE.encrypt("Nama Lain", aad(purpose, id_))
    await owner.execute(f"UPDATE complaints SET {column} = $2 WHERE id = $1", id_, blob)
    return blob


async def listed(client: httpx.AsyncClient, *wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get("/v1/complaints?limit=200")
    assert answer.status_code == 200, answer.text
    rows = {row["id"]: row for row in answer.json()["items"]}
    return [rows[each["id"]] for each in wanted]


class TestReads:
    async def test_a_list_goes_on_without_the_one_value(self, api: Api, owner: asyncpg.Connection) -> None:
        lost, whole = await filed(api), await filed(api)
        await lose(owner, lost, "reporter_name", "complaint.reporter_name")
        client = api.as_(OFFICER)
        one, other = await listed(client, lost, whole)
        assert (one["reporter_name"], one["reporter_phone"]) == (None, "+628120000000")
        assert other["reporter_name"] == "Siti Aminah"
        found = await seen(client, f"/v1/complaints/{lost['id']}")
        assert (found["reporter_name"], found["summary"]) == (None, complaint_body()["summary"])

    async def test_graphql_shows_the_same(self, api: Api, owner: asyncpg.Connection) -> None:
        lost = await filed(api)
        await lose(owner, lost, "reporter_name", "complaint.reporter_name")
        query = f'{{ complaint(id: "{lost["id"]}") {{ reporterName reporterPhone }} }}'
        assert await data(api.as_(OFFICER), query) == {
            "complaint": {"reporterName": None, "reporterPhone": "+628120000000"}
        }

    async def test_a_value_that_was_moved_from_another_row_is_no_answer(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        one, other = await filed(api, reporter_name="Wasis Satu"), await filed(api, reporter_name="Wasis Dua")
        await owner.execute(
            "UPDATE complaints SET reporter_name = (SELECT reporter_name FROM complaints WHERE id = $2) WHERE id = $1",
            UUID(one["id"]),
            UUID(other["id"]),
        )
        found = [row["reporter_name"] for row in await listed(api.as_(OFFICER), one, other)]
        assert found == [None, "Wasis Dua"]

    async def test_a_process_without_the_sealed_keys_shows_the_codes_of_sealed_reports(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        report = await reported(api)
        monkeypatch.setattr(api.app.state.service.platform.keyring, "_sealed", None)
        [row] = await listed(holder(api), report)
        found = await seen(holder(api), f"/v1/complaints/{report['id']}")
        assert (row["nature"], found["nature"], found["summary"]) == ("WHISTLEBLOWING", "WHISTLEBLOWING", None)
        monkeypatch.undo()
        assert (await seen(holder(api), f"/v1/complaints/{report['id']}"))["summary"] == SUMMARY

    async def test_the_operator_is_told_once_a_key_and_by_a_count(
        self, api: Api, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lost = await filed(api)
        await lose(owner, lost, "reporter_name", "complaint.reporter_name")
        service, counted = api.app.state.service, metrics.Metrics()
        fresh = Reads(service.platform.keyring, counted.unreadable)
        monkeypatch.setattr(service, "platform", replace(service.platform, reads=fresh))
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                await seen(api.as_(OFFICER), f"/v1/complaints/{lost['id']}")
        told = [line for line in lines if line["event"] == "value_unreadable"]
        assert told == [{"event": "value_unreadable", "log_level": "error", "cause": "key_missing", "key_id": "gone-1"}]
        assert counted.registry.get_sample_value("slrt_unreadable_values_total") == 3

    async def test_without_the_control_the_list_fails(
        self, api: Api, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lost = await filed(api)
        kept = await owner.fetchval("SELECT reporter_name FROM complaints WHERE id = $1", UUID(lost["id"]))
        await lose(owner, lost, "reporter_name", "complaint.reporter_name")
        with monkeypatch.context() as patch:
            patch.setattr(reads, "DecryptionFailed", ZeroDivisionError)
            answer = await api.as_(OFFICER).get(f"/v1/complaints/{lost['id']}")
            problem(answer, 500, "internal_error")
        await owner.execute("UPDATE complaints SET reporter_name = $2 WHERE id = $1", UUID(lost["id"]), kept)


class TestWrites:
    async def test_a_step_leaves_the_value_as_it_is(self, api: Api, owner: asyncpg.Connection) -> None:
        lost = await filed(api)
        blob = await lose(owner, lost, "reporter_name", "complaint.reporter_name")
        client = api.as_(OFFICER)
        found = await seen(client, f"/v1/complaints/{lost['id']}")
        told = await act(client, found, "TRIAGE", nature="GRIEVANCE")
        assert (told["status"], told["reporter_name"]) == ("TRIAGED", None)
        after = await owner.fetchval("SELECT reporter_name FROM complaints WHERE id = $1", UUID(lost["id"]))
        assert after == blob

    async def test_a_repeat_whose_answer_is_lost_is_refused_and_has_no_second_effect(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        client, key = api.as_("facilitator"), {"idempotency-key": str(uuid4())}
        body = complaint_body(summary=f"Sekali saja {uuid4()}")
        made = await client.post("/v1/complaints", json=body, headers=key)
        assert made.status_code == 201
        await owner.execute(
            "UPDATE idempotent_answers SET body = $2 WHERE resource_id = $1",
            UUID(made.json()["id"]),
            GONE.encrypt(b"", b""),
        )
        problem(await client.post("/v1/complaints", json=body, headers=key), 500, "value_unreadable")
        assert await owner.fetchval("SELECT count(*) FROM complaints WHERE summary = $1", body["summary"]) == 1
