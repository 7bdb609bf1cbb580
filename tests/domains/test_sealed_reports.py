"""Sealed reports over HTTP: intake, who finds them, handling, and the identity that two persons open."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from tests.api import Api
from tests.domains.test_complaints import act, complaint_body
from tests.domains.test_public import track


def sealed_body(**changes: Any) -> dict[str, Any]:
    body = {"confidentiality": "SEALED", "category": "IMPLEMENTATION", "subtype": "ILLEGAL_DEDUCTION", **changes}
    return complaint_body(**body)


def holder(api: Api, subject: str = "wbs-1", **claims: Any) -> httpx.AsyncClient:
    return api.as_("integrity_officer", **{"subject": subject, **claims})


async def test_smoke(api: Api, owner: asyncpg.Connection) -> None:
    answer = await api.as_("facilitator").post(
        "/v1/complaints", json=sealed_body(), headers={"idempotency-key": str(uuid4())}
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    print(made)
    print(dict(await owner.fetchrow("SELECT * FROM complaints WHERE id=$1", UUID(made["id"]))))
    print([dict(r) for r in await owner.fetch("SELECT * FROM events WHERE aggregate_id=$1", UUID(made["id"]))])
    seen = await holder(api).get(f"/v1/complaints/{made['id']}")
    assert seen.status_code == 200, seen.text
    print(seen.json())
    done = await act(holder(api), seen.json(), "START")
    done = await act(holder(api), done, "ASK_COMPLAINANT", reason="Kapan?")
    print((await holder(api).get(f"/v1/complaints/{made['id']}/history")).json())
    print((await track(api, made["receipt"], made["receipt_secret"])).json())
