"""The documentation page, the OpenAPI document over HTTP and the metadata of the protected resource."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from tests.api import Api

from slrt_api.access.scopes import Scope
from slrt_api.app import create_app
from slrt_api.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without the flags after --disable-gpu the browser itself asks its makers' hosts for updates.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application, never started: what it tells about itself needs no database."""
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("data"), base_url="http://api.test", dev_issuer=True))


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test")


class TestCaching:
    @pytest.mark.parametrize(
        "path",
        ["/openapi.json", "/docs", "/docs/static/start.js", "/.well-known/oauth-protected-resource"],
    )
    async def test_what_the_caller_has_is_not_sent_again(self, client: httpx.AsyncClient, path: str) -> None:
        first = await client.get(path)
        assert first.status_code == 200
        assert first.headers["cache-control"] == "public, max-age=300"
        again = await client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        changed = await client.get(path, headers={"if-none-match": '"other"'})
        assert (changed.status_code, changed.content) == (200, first.content)


class TestOpenApi:
    async def test_it_is_the_document_of_this_application(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        answer = await client.get("/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == json.loads(json.dumps(app.openapi()))


class TestProtectedResource:
    async def test_it_names_the_resource_its_issuers_and_scopes(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/.well-known/oauth-protected-resource")).json() == {
            "resource": "http://api.test",
            "resource_name": "slrt-api",
            "authorization_servers": ["http://api.test"],
            "scopes_supported": sorted(Scope),
            "bearer_methods_supported": ["header"],
            "resource_documentation": "http://api.test/docs",
        }

    async def test_a_refusal_without_a_token_leads_to_it(self, client: httpx.AsyncClient) -> None:
        challenge = (await client.get("/v1/households")).headers["www-authenticate"]
        [address] = re.findall(r'resource_metadata="([^"]+)"', challenge)
        assert (await client.get(address)).json()["resource"] == "http://api.test"

    async def test_a_refusal_for_want_of_a_scope_names_the_scope(self, api: Api) -> None:
        async with api.as_("puskesos_officer", scopes=frozenset({"cases:read"})) as officer:
            refused = await officer.get("/v1/households")
        assert refused.status_code == 403
        assert refused.headers["www-authenticate"].endswith('error="insufficient_scope", scope="households:read"')

    async def test_under_a_path_it_stands_where_the_refusal_leads(self, tmp_path: Path) -> None:
        app = create_app(Settings(data_dir=tmp_path, base_url="https://go.id/slrt", dev_issuer=True))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://go.id") as client:
            challenge = (await client.get("/v1/households")).headers["www-authenticate"]
            [address] = re.findall(r'resource_metadata="([^"]+)"', challenge)
            assert address == "https://go.id/.well-known/oauth-protected-resource/slrt"
            found = (await client.get(address)).json()
        assert (found["resource"], found["authorization_servers"]) == ("https://go.id/slrt", ["https://go.id/slrt"])


class TestPage:
    @pytest.mark.parametrize("name", ["swagger-ui.js", "..%2fcore.py", "index.css", "%2e%2e/__init__.py"])
    async def test_no_other_file_of_the_package_is_served(self, client: httpx.AsyncClient, name: str) -> None:
        assert (await client.get(f"/docs/static/{name}")).status_code == 404

    async def test_everything_that_it_names_comes_from_here(self, client: httpx.AsyncClient) -> None:
        page = await client.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(named) == 5
        for path in named:
            assert path.startswith("/")
            assert (await client.get(path)).status_code == 200


@pytest.fixture
def base_url(app: FastAPI) -> Iterator[str]:
    """The application on a port of this machine, for a browser."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")
class TestBrowser:
    def test_it_lists_every_operation_and_asks_nobody_else(self, app: FastAPI, base_url: str, tmp_path: Path) -> None:
        assert CHROMIUM is not None
        network = tmp_path / "network.json"
        # What the page would ask elsewhere fails at once, and stands in the log of the network all the same.
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={network}"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr"]
        command += ["--virtual-time-budget=20000", "--dump-dom", f"{base_url}/docs"]
        seen = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)

        document = app.openapi()
        shown = set(re.findall(r'class="opblock-summary-path" data-path="([^"]+)"', seen.stdout))
        assert {path.replace("\u200b", "") for path in shown} == set(document["paths"])
        for item in document["paths"].values():
            for operation in item.values():
                tag = operation["tags"][0].replace(" ", "_")
                assert f'id="operations-{tag}-{operation["operationId"]}"' in seen.stdout
        console = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
        assert console == []
        asked = _asked(network, base_url)
        assert f"{base_url}/openapi.json" in asked
        assert {urlsplit(url).netloc for url in asked} == {urlsplit(base_url).netloc}


def _asked(network: Path, origin: str) -> set[str]:
    """The addresses that pages of `origin` asked the network for. The browser itself asks for updates all the same."""
    by_page = [line for line in network.read_text(encoding="utf-8").splitlines() if f'"initiator":"{origin}"' in line]
    return {url for line in by_page for url in re.findall(r'"url":"([^"]+)"', line)}
