"""The development issuer: who gets a token, what is in it, and that production has none."""

import base64
import json
import os
import stat
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import httpx
import joserfc.jwt
import pytest
from joserfc.jwk import KeySet
from starlette.applications import Starlette

from slrt_api.kernel.errors import Unauthenticated
from slrt_api.runtime.devissuer import DevClient, DevIssuer, DevIssuerRefused
from slrt_api.runtime.tokens import IssuerKeys, Verifier
from slrt_api.settings import Environment, Settings

BASE = "http://127.0.0.1:8000"
GRANT = {
    "role": "facilitator", "areas": ["33.26.01.2001"], "organization": None, "programs": ["PKH"], "valid_until": None,
}  # fmt: skip
FACILITATOR = DevClient(
    "facilitator", "f-secret", "dev|facilitator", frozenset({"cases:read", "cases:write"}), (GRANT,)
)
ODD = DevClient("odd: client", "pässword +%&:", "dev|odd", frozenset({"cases:read"}))
CLIENTS = {client.client_id: client for client in (FACILITATOR, ODD)}
FORM = "application/x-www-form-urlencoded"
POST = {"grant_type": "client_credentials", "client_id": "facilitator", "client_secret": "f-secret"}


def settings(**members: object) -> Settings:
    return Settings.model_validate({"env": Environment.DEVELOPMENT, "dev_issuer": None, "base_url": BASE, **members})


@pytest.fixture
def issuer(tmp_path: Path) -> DevIssuer:
    return DevIssuer(settings(), tmp_path, CLIENTS)


@pytest.fixture
async def http(issuer: DevIssuer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=issuer.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


def basic(client_id: str, secret: str) -> dict[str, str]:
    credentials = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


class TestConstruction:
    def test_production_is_refused_even_when_asked_for_and_makes_no_key(self, tmp_path: Path) -> None:
        for dev_issuer in (None, False, True):
            # A copy skips the check of Settings itself: this is the second lock.
            production = settings().model_copy(update={"env": Environment.PRODUCTION, "dev_issuer": dev_issuer})
            with pytest.raises(DevIssuerRefused):
                DevIssuer(production, tmp_path, CLIENTS)
        assert os.listdir(tmp_path) == []

    def test_switched_off_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DevIssuerRefused):
            DevIssuer(settings(dev_issuer=False), tmp_path, CLIENTS)

    def test_clients_are_listed_by_their_own_id(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="client_id"):
            DevIssuer(settings(), tmp_path, {"administrator": FACILITATOR})

    def test_two_processes_on_one_folder_share_the_key(self, tmp_path: Path) -> None:
        one, other = (DevIssuer(settings(), tmp_path / "data", CLIENTS) for _ in range(2))
        assert one.jwks() == other.jwks()
        assert Verifier([IssuerKeys(one.entry())]).verify(other.issue(FACILITATOR)).subject == "dev|facilitator"
        assert stat.S_IMODE((tmp_path / "data" / "dev-issuer.json").stat().st_mode) == 0o600

    def test_the_key_of_another_folder_is_another(self, tmp_path: Path) -> None:
        one, other = (DevIssuer(settings(), tmp_path / name, CLIENTS) for name in ("a", "b"))
        with pytest.raises(Unauthenticated):
            Verifier([IssuerKeys(one.entry())]).verify(other.issue(FACILITATOR))

    @pytest.mark.parametrize(
        "damage", [b"", b"[]", b"{}", b'{"d": 5}', b'{"d": "AA"}', b'{"d": "hidden"', b'{"d": "\xc3\xa9"}']
    )
    def test_a_damaged_key_file_is_refused_without_being_quoted(self, damage: bytes, tmp_path: Path) -> None:
        (tmp_path / "dev-issuer.json").write_bytes(damage)
        with pytest.raises(DevIssuerRefused) as refusal:
            DevIssuer(settings(), tmp_path, CLIENTS)
        assert "hidden" not in "".join(traceback.format_exception(refusal.value))

    def test_neither_secret_nor_key_shows(self, issuer: DevIssuer, tmp_path: Path) -> None:
        private = json.loads((tmp_path / "dev-issuer.json").read_text())["d"]
        assert "f-secret" not in repr(FACILITATOR) + repr(CLIENTS)
        assert private not in json.dumps(issuer.jwks()) + repr(vars(issuer))


class TestToken:
    def test_is_accepted_by_the_service_with_its_grants(self, issuer: DevIssuer) -> None:
        claims = Verifier([IssuerKeys(issuer.entry())]).verify(issuer.issue(FACILITATOR))
        assert (claims.issuer, claims.subject, claims.client_id) == (BASE, "dev|facilitator", "facilitator")
        assert claims.scopes == FACILITATOR.scopes
        assert claims.expires_at - claims.issued_at == 3_600
        assert [dict(grant) for grant in claims.grants] == [GRANT]

    def test_is_accepted_by_an_independent_reader(self, tmp_path: Path) -> None:
        issuer = DevIssuer(settings(), tmp_path, CLIENTS, now=lambda: 1_795_000_000.9)
        text = issuer.issue(FACILITATOR, frozenset({"cases:read"}), 60)
        token = joserfc.jwt.decode(
            text, KeySet.import_key_set(json.loads(json.dumps(issuer.jwks()))), algorithms=["ES256"]
        )
        key = KeySet.import_key_set(json.loads(json.dumps(issuer.jwks()))).keys[0]
        assert token.header == {"alg": "ES256", "kid": key.thumbprint(), "typ": "at+jwt"}
        identifier = token.claims.pop("jti")
        assert token.claims == {
            "iss": BASE, "aud": "slrt-api", "sub": "dev|facilitator", "client_id": "facilitator", "iat": 1_795_000_000,
            "exp": 1_795_000_060, "scope": "cases:read", "grants": [GRANT],
        }  # fmt: skip
        other = joserfc.jwt.decode(issuer.issue(FACILITATOR), KeySet([key]), algorithms=["ES256"])
        assert other.claims["jti"] != identifier

    @pytest.mark.parametrize("lifetime", [0, -1, 3_601])
    def test_of_another_lifetime_is_not_issued(self, issuer: DevIssuer, lifetime: int) -> None:
        with pytest.raises(ValueError, match="lives"):
            issuer.issue(FACILITATOR, None, lifetime)

    def test_with_more_than_the_clients_scopes_is_not_issued(self, issuer: DevIssuer) -> None:
        with pytest.raises(ValueError, match="scopes"):
            issuer.issue(FACILITATOR, frozenset({"cases:read", "grants:manage"}))

    def test_that_the_service_could_not_read_is_not_issued(self, issuer: DevIssuer) -> None:
        many = DevClient("many", "s", "dev|many", frozenset(), (GRANT,) * 100)
        with pytest.raises(ValueError, match="do not fit"):
            issuer.issue(many)


class TestEndpoint:
    @pytest.mark.parametrize(
        ("form", "headers"),
        [(POST, {}),
         ({"grant_type": "client_credentials"}, basic("facilitator", "f-secret")),
         ({"grant_type": "client_credentials", "client_id": "facilitator"}, basic("facilitator", "f-secret")),
         ({**POST, "scope": "", "unknown": "ignored"}, {"Content-Type": FORM + "; charset=UTF-8"})],
    )  # fmt: skip
    async def test_gives_a_token_for_the_right_secret(
        self, http: httpx.AsyncClient, issuer: DevIssuer, form: dict[str, str], headers: dict[str, str]
    ) -> None:
        answer = await http.post("/oauth/token", data=form, headers=headers)
        assert answer.status_code == 200
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        body = answer.json()
        token = body.pop("access_token")
        assert body == {"token_type": "Bearer", "expires_in": 3_600, "scope": "cases:read cases:write"}
        assert Verifier([IssuerKeys(issuer.entry())]).verify(token).client_id == "facilitator"

    async def test_gives_the_scope_that_is_asked_for(self, http: httpx.AsyncClient, issuer: DevIssuer) -> None:
        body = (await http.post("/oauth/token", data={**POST, "scope": "cases:read"})).json()
        assert body["scope"] == "cases:read"
        claims = Verifier([IssuerKeys(issuer.entry())]).verify(body["access_token"])
        assert claims.scopes == frozenset({"cases:read"})

    async def test_reads_credentials_with_any_character_in_both_ways(self, http: httpx.AsyncClient) -> None:
        grant = {"grant_type": "client_credentials"}
        by_header = await http.post("/oauth/token", data=grant, headers=basic(ODD.client_id, ODD.secret))
        by_body = await http.post(
            "/oauth/token", data={**grant, "client_id": ODD.client_id, "client_secret": ODD.secret}
        )
        assert (by_header.status_code, by_body.status_code) == (200, 200)

    @pytest.mark.parametrize(
        ("content", "headers", "status", "error"),
        [
            (urlencode({**POST, "client_secret": "wrong"}), {}, 401, "invalid_client"),
            (urlencode({**POST, "client_secret": "f-secre"}), {}, 401, "invalid_client"),
            (urlencode({**POST, "client_id": "nobody"}), {}, 401, "invalid_client"),
            (urlencode({**POST, "client_secret": ""}), {}, 401, "invalid_client"),
            (urlencode({**POST, "client_secret": "ŝ"}), {}, 401, "invalid_client"),
            ("grant_type=client_credentials", {}, 401, "invalid_client"),
            ("grant_type=client_credentials", basic("facilitator", "wrong"), 401, "invalid_client"),
            ("grant_type=client_credentials", basic("nobody", "f-secret"), 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic"}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic !!!"}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic Zg"}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic Zm9v"}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic //86//8="}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Basic JWZmOng="}, 401, "invalid_client"),
            ("grant_type=client_credentials", {"Authorization": "Bearer f-secret"}, 401, "invalid_client"),
            (urlencode(POST), basic("facilitator", "f-secret"), 400, "invalid_request"),
            ("grant_type=client_credentials&client_id=odd", basic("facilitator", "f-secret"), 400, "invalid_request"),
            (urlencode({**POST, "grant_type": "password"}), {}, 400, "unsupported_grant_type"),
            (urlencode({**POST, "grant_type": "authorization_code"}), {}, 400, "unsupported_grant_type"),
            (urlencode({**POST, "grant_type": ""}), {}, 400, "invalid_request"),
            (urlencode(POST).partition("&")[2], {}, 400, "invalid_request"),
            (urlencode({**POST, "scope": "grants:manage"}), {}, 400, "invalid_scope"),
            (urlencode({**POST, "scope": "cases:read grants:manage"}), {}, 400, "invalid_scope"),
            (urlencode({**POST, "scope": "cases:read  cases:write"}), {}, 400, "invalid_scope"),
            (urlencode(POST) + "&scope=cases:read&scope=cases:write", {}, 400, "invalid_request"),
            (urlencode(POST) + "&client_secret=wrong", {}, 400, "invalid_request"),
            (json.dumps(POST), {"Content-Type": "application/json"}, 400, "invalid_request"),
            (urlencode(POST), {"Content-Type": "text/plain"}, 400, "invalid_request"),
            (urlencode(POST), {"Content-Type": FORM + "x"}, 400, "invalid_request"),
            (urlencode(POST) + "&x=%ff", {}, 400, "invalid_request"),
            (urlencode(POST) + "&novalue", {}, 400, "invalid_request"),
            (urlencode(POST).encode() + b"&x=\xff", {}, 400, "invalid_request"),
            (urlencode(POST) + "&x=1" * 40, {}, 400, "invalid_request"),
            (urlencode({**POST, "x": "x" * 8_192}), {}, 413, "invalid_request"),
            ("", {}, 401, "invalid_client"),
        ],
    )  # fmt: skip
    async def test_refuses_with_the_errors_of_oauth(
        self, http: httpx.AsyncClient, content: str | bytes, headers: dict[str, str], status: int, error: str
    ) -> None:
        answer = await http.post("/oauth/token", content=content, headers={"Content-Type": FORM, **headers})
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert set(answer.json()) == {"error", "error_description"}
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get("www-authenticate", "").startswith("Basic realm=") is (status == 401)
        assert "f-secret" not in answer.text
        assert "wrong" not in answer.text.replace("wrong secret", "")

    async def test_two_authorization_headers_are_refused(self, http: httpx.AsyncClient) -> None:
        headers = [("Authorization", basic("facilitator", secret)["Authorization"]) for secret in ("f-secret", "x")]
        answer = await http.post(
            "/oauth/token", content="grant_type=client_credentials", headers=[("Content-Type", FORM), *headers]
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    async def test_stops_reading_a_body_without_end(self, http: httpx.AsyncClient) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1_024
                # A server that reads on would make this test fail here instead of filling the memory.
                assert sent <= 100_000
                yield b"x" * 1_024

        answer = await http.post("/oauth/token", content=endless(), headers={"Content-Type": FORM})
        assert answer.status_code == 413

    async def test_knows_clients_that_come_after_the_start(self, tmp_path: Path) -> None:
        clients: dict[str, DevClient] = {}
        application = Starlette(routes=DevIssuer(settings(), tmp_path, clients).routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE) as http:
            before = await http.post("/oauth/token", data=POST)
            clients.update(CLIENTS)
            after = await http.post("/oauth/token", data=POST)
        assert (before.status_code, after.status_code) == (401, 200)

    async def test_a_token_is_not_had_by_get(self, http: httpx.AsyncClient) -> None:
        answer = await http.get("/oauth/token", params=POST)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


class TestDocuments:
    async def test_the_key_set_is_public_and_only_public(self, http: httpx.AsyncClient, issuer: DevIssuer) -> None:
        answer = await http.get("/.well-known/jwks.json")
        assert answer.json() == issuer.jwks()
        (key,) = answer.json()["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "alg", "kid", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")

    async def test_the_configuration_leads_to_the_other_two(self, http: httpx.AsyncClient) -> None:
        configuration = (await http.get("/.well-known/openid-configuration")).json()
        assert configuration == {
            "issuer": BASE,
            "token_endpoint": BASE + "/oauth/token",
            "jwks_uri": BASE + "/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": [],
            "scopes_supported": ["cases:read", "cases:write"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        assert (await http.get(configuration["jwks_uri"])).status_code == 200
        assert (await http.post(configuration["token_endpoint"], data=POST)).status_code == 200
