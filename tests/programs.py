"""Programs, rules and families of the tests of programs, over HTTP."""

from itertools import count
from typing import Any

import httpx
from tests.api import VILLAGE, Api, household_body
from tests.domains.test_referrals import made, version

REGENCY = "33.26"
MANAGER = "secretariat_manager"
_NUMBERS = count(1)


def program_body(**changes: Any) -> dict[str, Any]:
    """A program of the regency, of a code that no other test has."""
    return {
        "code": f"TEST-{next(_NUMBERS)}",
        "name_id": "Bantuan Uji",
        "name_en": "Test Grant",
        "unit": "FAMILY",
        "level": "REGENCY",
        "area_code": REGENCY,
        "cluster": 1,
        "sector": "SOCIO_ECONOMIC",
        "domain": "SOCIAL_WELFARE",
        "open_from": "2026-01-01",
        "complaint_channel": "Loket 3",
        "citation": "Perbup 12/2026",
        "confidence": "sourced",
        **changes,
    }


def criterion(code: str, when: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "code": code,
        "label": {"id": code, "en": code},
        "citation": f"Perbup 12/2026, {code}",
        "confidence": "sourced",
        "valid_from": "2026-01-01",
        "when": when,
        **others,
    }


HERE = criterion("HERE", {"type": "area", "codes": [REGENCY]})
OWNS_HOUSE = criterion("OWNS_HOUSE", {"type": "compare", "fact": "owns_house", "op": "=", "value": True})


def rule_of(of: dict[str, Any], /, *requirements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A rule of the program `of`: of the regency, and `requirements`."""
    return {
        "program": of["code"],
        "version": "2026.1",
        "unit": of["unit"],
        "citation": "Perbup 12/2026",
        "confidence": "sourced",
        "valid_from": "2026-01-01",
        "requirements": [HERE, *requirements],
        **changes,
    }


async def founded(api: Api, **changes: Any) -> dict[str, Any]:
    """A program of the regency."""
    return await made(await api.as_(MANAGER).post("/v1/programs", json=program_body(**changes)))


async def drafted(api: Api, program: dict[str, Any], rule: dict[str, Any], **claims: Any) -> dict[str, Any]:
    client = api.as_(MANAGER, **claims)
    return await made(await client.post(f"/v1/programs/{program['id']}/versions", json={"rule": rule}))


async def step(client: httpx.AsyncClient, resource: str, row: dict[str, Any], **body: Any) -> httpx.Response:
    """A transition of a row of `resource`, in its present version."""
    return await client.post(f"/v1/{resource}/{row['id']}/transitions", json=body, headers={"if-match": version(row)})


async def published(api: Api, program: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """A version that one has drafted and another published."""
    draft = await drafted(api, program, rule, subject="maker")
    checker = api.as_(MANAGER, subject="checker")
    return await made(await step(checker, "rule-versions", draft, action="PUBLISH"), 200)


async def family(api: Api, village: str = VILLAGE, **changes: Any) -> dict[str, Any]:
    """A family of a woman and her child."""
    client = api.as_("facilitator", area=village)
    return await made(await client.post("/v1/households", json=household_body(area_code=village, **changes)))


async def answered(
    api: Api, owner: dict[str, Any], answers: dict[str, Any], instrument: str = "SLRT", resource: str = "households"
) -> None:
    """Our own questions about a household or a person, answered."""
    body = {"instrument": instrument, "source": "DECLARED", "as_of": "2026-11-01", "answers": answers}
    client = api.as_("facilitator")
    current = (await client.get(f"/v1/{resource}/{owner['id']}")).json()["version"]
    answer = await client.put(f"/v1/{resource}/{owner['id']}/answers", json=body, headers={"if-match": f'"{current}"'})
    assert answer.status_code == 200, answer.text


async def program_id(api: Api, code: str) -> str:
    (found,) = (await api.as_("facilitator").get(f"/v1/programs?code={code}")).json()["items"]
    return str(found["id"])
