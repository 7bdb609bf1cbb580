"""Keys that an issuer publishes: fetched when they must be and not more often, kept while it is away, refused from elsewhere.

The issuer is a server on this machine that answers what each test puts there, and counts.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import ValidationError
from structlog.testing import capture_logs

from slrt_api.kernel.errors import Unauthenticated, Unavailable
from slrt_api.runtime import issuers
from slrt_api.runtime.tokens import Claims, IssuerKeys, Verifier
from slrt_api.settings import Issuer, Settings

NOW = 1_795_000_000
KEYS = {kid: ECKey.generate_key("P-256") for kid in ("one", "two", "three")}
OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


def jwks(*kids: str) -> bytes:
    return json.dumps({"keys": [{**KEYS[kid].as_dict(private=False), "kid": kid} for kid in kids]}).encode()


def http(body: bytes, *headers: str, status: int = 200) -> bytes:
    lines = (f"HTTP/1.1 {status} -", f"content-length: {len(body)}", "connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


@dataclass
class Site:
    """A host: what it answers by path and how fast, which paths it was asked for, and a door that it waits at."""

    base: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_at_once: int = 1_000_000

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.asked.append(path)
        await self.open.wait()
        page = self.pages.get(path, http(b"", status=404))
        for start in range(0, len(page), self.bytes_at_once):
            writer.write(page[start : start + self.bytes_at_once])
            if self.bytes_at_once < len(page):
                await asyncio.sleep(0.01)
        writer.close()

    async def was_asked(self, times: int) -> None:
        while len(self.asked) < times:  # noqa: ASYNC110 - polled: the server counts requests as they come
            await asyncio.sleep(0.001)

    def publish(self, *kids: str) -> None:
        self.pages["/jwks"] = http(jwks(*kids))

    def entry(self, **members: Any) -> Issuer:
        return Issuer(**{"issuer": self.base, "algorithms": ("ES256",), "jwks_url": f"{self.base}/jwks", **members})

    def token(self, kid: str, **claims: Any) -> str:
        said = {"iss": self.base, "aud": "slrt-api", "sub": "officer-1", "iat": NOW, "exp": NOW + 600, **claims}
        return jwt.encode({"alg": "ES256", "kid": kid, "typ": "at+jwt"}, said, KEYS[kid])


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    one = Site()
    one.open.set()
    server = await asyncio.start_server(one.answer, "127.0.0.1", 0)
    one.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    one.publish("one")
    yield one
    one.open.set()
    server.close()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def trusting(entry: Issuer, clock: Clock | None = None) -> tuple[Verifier, issuers.PublishedKeys]:
    keys = IssuerKeys(entry, now=clock or Clock())
    assert keys.published is not None
    return Verifier([keys], now=lambda: NOW), keys.published


async def refused(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.authenticate(token)
    except Unauthenticated:
        return True
    return False


class TestFetching:
    async def test_a_token_brings_the_keys_and_the_next_one_finds_them(self, site: Site) -> None:
        verifier, _ = trusting(site.entry())
        assert site.asked == []
        assert (await verifier.authenticate(site.token("one"))).subject == "officer-1"
        assert (await verifier.authenticate(site.token("one", jti="2"))).token_id == "2"
        assert site.asked == ["/jwks"]

    async def test_many_tokens_at_once_wait_for_one_fetch(self, site: Site) -> None:
        verifier, _ = trusting(site.entry())
        site.open.clear()
        waiting = [asyncio.create_task(verifier.authenticate(site.token("one", jti=str(n)))) for n in range(100)]
        await site.was_asked(1)
        site.open.set()
        found: list[Claims] = await asyncio.gather(*waiting)
        assert {claims.token_id for claims in found} == {str(n) for n in range(100)}
        assert site.asked == ["/jwks"]

    async def test_one_that_gives_up_takes_nobody_with_it(self, site: Site) -> None:
        verifier, _ = trusting(site.entry())
        site.open.clear()
        first, second = (asyncio.create_task(verifier.authenticate(site.token("one", jti=jti))) for jti in "12")
        await site.was_asked(1)
        first.cancel()
        site.open.set()
        assert (await second).token_id == "2"
        assert site.asked == ["/jwks"]

    async def test_no_more_wait_than_there_is_room_for(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issuers, "MAX_WAITING", 3)
        verifier, _ = trusting(site.entry())
        site.open.clear()
        waiting = [asyncio.create_task(verifier.authenticate(site.token("one", jti=str(n)))) for n in range(3)]
        await site.was_asked(1)
        with pytest.raises(Unavailable) as caught:
            await verifier.authenticate(site.token("one"))
        assert caught.value.code == "overloaded"
        site.open.set()
        await asyncio.gather(*waiting)

    async def test_a_forged_signature_or_a_wrong_header_asks_nobody(self, site: Site) -> None:
        verifier, _ = trusting(site.entry())
        await verifier.authenticate(site.token("one"))
        forged = site.token("one")[:-6] + "AAAAAA"
        hs256 = jwt.encode({"alg": "ES256", "kid": "two", "typ": "JWT"}, {"iss": site.base, "sub": "x"}, KEYS["two"])
        for token in (forged, hs256, "a.b.c", "", site.token("two", iss="https://elsewhere.example")):
            assert await refused(verifier, token)
        assert site.asked == ["/jwks"]


class TestRotation:
    async def test_an_unknown_kid_is_asked_for_once_in_30_seconds(self, site: Site) -> None:
        clock = Clock()
        verifier, _ = trusting(site.entry(), clock)
        await verifier.authenticate(site.token("one"))
        clock.now = 30
        site.publish("one", "two")
        assert (await verifier.authenticate(site.token("two"))).subject == "officer-1"
        assert len(site.asked) == 2
        site.publish("one", "two", "three")
        clock.now = 59.9
        assert [await refused(verifier, site.token("three", jti=str(n))) for n in range(20)] == [True] * 20
        assert len(site.asked) == 2
        clock.now = 60
        assert not await refused(verifier, site.token("three"))
        assert len(site.asked) == 3

    async def test_a_withdrawn_key_goes_with_the_tokens_it_signed(self, site: Site) -> None:
        verifier, published = trusting(site.entry())
        token = site.token("one")
        await verifier.authenticate(token)
        site.publish("two")
        assert (await verifier.authenticate(token)).subject == "officer-1"
        assert await published.refresh()
        assert await refused(verifier, token)
        assert not await refused(verifier, site.token("two"))

    async def test_keys_are_fetched_as_a_routine_whatever_the_issuer_says_of_caching(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(issuers, "ROUTINE_SECONDS", 0.01)
        verifier, _ = trusting(site.entry())
        site.pages["/jwks"] = http(jwks("one"), "cache-control: max-age=86400, immutable", "etag: x")
        keeping = asyncio.create_task(verifier.keep_fresh())
        await site.was_asked(3)
        site.publish("two")
        await site.was_asked(len(site.asked) + 2)
        assert await refused(verifier, site.token("one"))
        assert verifier.verify(site.token("two")).subject == "officer-1"
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping

    async def test_keys_of_a_file_are_read_as_a_routine_too(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "jwks.json"
        file.write_bytes(jwks("one"))
        verifier = Verifier([IssuerKeys(site.entry(jwks_url=None, jwks_file=file))], now=lambda: NOW)
        token = site.token("one")
        verifier.verify(token)
        file.write_bytes(jwks("two"))
        for name in ("slrt_api.runtime.tokens.ROUTINE_SECONDS", "slrt_api.runtime.tokens.UNKNOWN_KID_SECONDS"):
            monkeypatch.setattr(name, 0)
        keeping = asyncio.create_task(verifier.keep_fresh())
        await asyncio.sleep(0.01)
        keeping.cancel()
        # From the cache: the file is not looked at for a token that was verified before.
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


class TestAway:
    async def test_before_the_first_fetch_nobody_is_called_a_forger(self, site: Site) -> None:
        clock = Clock()
        verifier, _ = trusting(site.entry(), clock)
        page = site.pages.pop("/jwks")
        with pytest.raises(Unavailable) as first:
            await verifier.authenticate(site.token("one"))
        clock.now = 3.5
        with pytest.raises(Unavailable) as second:
            await verifier.authenticate(site.token("one"))
        assert [caught.value.code for caught in (first, second)] == ["issuer_unavailable"] * 2
        assert [caught.value.retry_after_seconds for caught in (first, second)] == [5, 2]
        assert len(site.asked) == 1
        clock.now = 5
        site.pages["/jwks"] = page
        assert not await refused(verifier, site.token("one"))
        assert len(site.asked) == 2

    async def test_the_known_keys_serve_on_and_the_log_says_so_without_a_token(self, site: Site) -> None:
        clock = Clock()
        verifier, published = trusting(site.entry(), clock)
        await verifier.authenticate(site.token("one"))
        site.pages.clear()
        clock.now = 300
        with capture_logs() as told:
            assert not await published.refresh()
            assert not await refused(verifier, site.token("one", jti="new"))
            assert await refused(verifier, site.token("two"))
        assert told[0] == {
            "event": "issuer_keys_not_fetched",
            "log_level": "warning",
            "issuer": site.base,
            "reason": "answered with another status than 200",
            "known_keys_serve": True,
        }
        assert {entry["event"] for entry in told} == {"issuer_keys_not_fetched"}

    async def test_one_that_drips_holds_a_request_no_longer_either(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Every single read is in time; all of them together would take three seconds.
        site.bytes_at_once = 1
        monkeypatch.setattr(issuers, "FETCH_SECONDS", 0.2)
        verifier, _ = trusting(site.entry())
        started = asyncio.get_running_loop().time()
        with capture_logs() as told, pytest.raises(Unavailable):
            await verifier.authenticate(site.token("one"))
        assert asyncio.get_running_loop().time() - started < 1.5
        assert [entry["reason"] for entry in told] == ["TimeoutError"]

    @pytest.mark.parametrize("known", [True, False])
    async def test_a_slow_one_holds_a_request_no_longer_than_the_limit(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, known: bool
    ) -> None:
        verifier, _ = trusting(site.entry())
        if known:
            await verifier.authenticate(site.token("one"))
        monkeypatch.setattr(issuers, "FETCH_SECONDS", 0.05)
        site.open.clear()
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unauthenticated if known else Unavailable):
            await verifier.authenticate(site.token("two"))
        assert asyncio.get_running_loop().time() - started < 2


class TestAnswersThatAreNoKeySet:
    @pytest.mark.parametrize(
        ("page", "reason"),
        [
            (http(b"", "location: http://127.0.0.1:9/jwks", status=302), "answered with another status than 200"),
            (http(jwks("one"), status=500), "answered with another status than 200"),
            (http(jwks("one")[:-1] + b" " * 262_144 + b"}"), "longer than a key set may be"),
            (http(gzip.compress(jwks("one")), "content-encoding: gzip"), "compressed, which was not asked for"),
            (http(b"<html>"), "ValueError"),
            (http(b'{"keys": [], "keys": []}'), "ValueError"),
            (http(b'{"keys": [], "x": NaN}'), "ValueError"),
            (http(b'\xff{"keys": []}'), "UnicodeDecodeError"),
            (b"not http\r\n\r\n", "RemoteProtocolError"),
            (b"", "RemoteProtocolError"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    async def test_leave_the_known_keys_in_force(self, site: Site, page: bytes, reason: str) -> None:
        verifier, published = trusting(site.entry())
        await verifier.authenticate(site.token("one"))
        site.pages["/jwks"] = page
        with capture_logs() as told:
            assert not await published.refresh()
        assert [entry["reason"] for entry in told] == [reason]
        assert not await refused(verifier, site.token("one", jti="new"))

    async def test_what_nobody_thought_of_leaves_them_too(self, site: Site) -> None:
        taken: list[str] = []

        def take(document: str) -> None:
            if taken:
                raise RecursionError
            taken.append(document)

        published = issuers.PublishedKeys(site.entry(), take)
        assert await published.refresh()
        with capture_logs() as told:
            assert not await published.refresh()
        assert [(entry["reason"], entry["known_keys_serve"]) for entry in told] == [("RecursionError", True)]

    async def test_an_empty_set_withdraws_everything(self, site: Site) -> None:
        verifier, published = trusting(site.entry())
        token = site.token("one")
        await verifier.authenticate(token)
        site.publish()
        with capture_logs() as told:
            assert await published.refresh()
        assert await refused(verifier, token)
        assert told == [
            {"event": "issuer_keys_taken", "log_level": "warning", "issuer": site.base, "usable": 0},
        ]

    async def test_neither_proxy_nor_netrc_of_the_environment_is_used(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        verifier, _ = trusting(site.entry())
        assert not await refused(verifier, site.token("one"))


class TestDiscovery:
    @pytest.mark.parametrize(
        ("discovery", "path", "well_known"),
        [
            (True, "", OPENID),
            ("openid", "/realms/slrt", "/realms/slrt" + OPENID),
            ("oauth", "", OAUTH),
            ("oauth", "/realms/slrt", OAUTH + "/realms/slrt"),
        ],
    )
    async def test_finds_the_keys_by_both_standards(
        self, site: Site, discovery: bool | str, path: str, well_known: str
    ) -> None:
        issuer = site.base + path
        metadata = {
            "issuer": issuer,
            "jwks_uri": f"{site.base}/jwks",
            "id_token_signing_alg_values_supported": ["HS256"],
            "token_endpoint_auth_signing_alg_values_supported": ["none"],
        }
        site.pages[well_known] = http(json.dumps(metadata).encode())
        verifier, _ = trusting(site.entry(issuer=issuer, jwks_url=None, discovery=discovery))
        assert (await verifier.authenticate(site.token("one", iss=issuer))).issuer == issuer
        assert site.asked == [well_known, "/jwks"]

    @pytest.mark.parametrize(
        ("members", "reason"),
        [
            ({"issuer": "https://evil.example"}, "metadata of another issuer"),
            ({"issuer": None}, "metadata of another issuer"),
            ({"jwks_uri": "http://127.0.0.1:9/jwks"}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": "http://169.254.169.254/latest"}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": "https://evil.example/jwks"}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": "/jwks"}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": None}, "jwks_uri is not on the issuer's host"),
            ({"jwks_uri": ["/jwks"]}, "jwks_uri is not on the issuer's host"),
        ],
    )
    async def test_leads_nowhere_else(self, site: Site, members: Mapping[str, object], reason: str) -> None:
        metadata = {"issuer": site.base, "jwks_uri": f"{site.base}/jwks", **members}
        site.pages[OPENID] = http(json.dumps(metadata).encode())
        verifier, _ = trusting(site.entry(jwks_url=None, discovery=True))
        with capture_logs() as told, pytest.raises(Unavailable):
            await verifier.authenticate(site.token("one"))
        assert [entry["reason"] for entry in told] == [reason]
        assert site.asked == [OPENID]

    @pytest.mark.parametrize("body", [b"[]", b"{", b'{"issuer": "a", "issuer": "b"}', b""])
    async def test_metadata_that_cannot_be_read_lead_nowhere(self, site: Site, body: bytes) -> None:
        site.pages[OPENID] = http(body)
        verifier, _ = trusting(site.entry(jwks_url=None, discovery=True))
        with capture_logs() as told, pytest.raises(Unavailable):
            await verifier.authenticate(site.token("one"))
        assert [entry["reason"] for entry in told] == ["metadata are no JSON object"]


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "http://sso.example.go.id/jwks",
            "http://127.0.0.1.example/jwks",
            "http://10.0.0.1/jwks",
            "ftp://sso.example.go.id/jwks",
            "file:///etc/passwd",
            "https://",
            "https://user:secret@sso.example.go.id/jwks",
            "https://sso.example.go.id/jwks#part",
            "https://sso.example.go.id:port/jwks",
            "https://sso.example.go.id/jwks\n",
            "sso.example.go.id",
            "",
        ],
    )
    def test_refuse_an_address_that_cannot_be_trusted(self, url: str) -> None:
        with pytest.raises(ValidationError, match="https address"):
            Issuer(issuer="https://sso.example.go.id", jwks_url=url)
        with pytest.raises(ValidationError, match="https address"):
            Issuer(issuer=url, discovery=True)

    @pytest.mark.parametrize("url", ["https://sso.example.go.id/jwks?p=x", "http://127.0.0.1:1/j", "http://[::1]/j"])
    def test_take_https_and_this_machine(self, url: str) -> None:
        assert Issuer(issuer="https://sso.example.go.id", jwks_url=url).fetched_from == url

    def test_refuse_two_sources_and_none(self) -> None:
        url = "https://sso.example.go.id"
        for members in ({}, {"jwks": "{}", "discovery": True}, {"jwks_url": url, "discovery": "oauth"}):
            with pytest.raises(ValidationError, match="exactly one"):
                Issuer(issuer=url, **members)
        with pytest.raises(ValidationError, match="exactly one"):
            Issuer(issuer=url, discovery=False)
        with pytest.raises(ValidationError, match="without a query"):
            Issuer(issuer=url + "?tenant=1", discovery=True)

    @pytest.mark.parametrize("members", [{"jwks_url": "http://127.0.0.1/jwks"}, {"discovery": True}])
    def test_production_fetches_over_https_only(self, members: dict[str, Any]) -> None:
        complete: dict[str, Any] = {
            "env": "production",
            "database_url": "postgresql://",
            "encryption_keys": "{}",
            "index_key": "key",
            "sealed_keys": "{}",
            "issuers": [{"issuer": "http://127.0.0.1", **members}],
        }
        with pytest.raises(ValidationError, match="over https only"):
            Settings(**complete)
        complete["issuers"] = [{"issuer": "https://sso.example.go.id", "discovery": True}]
        assert Settings(**complete).issuers[0].fetched_from == "https://sso.example.go.id" + OPENID


class TestClaimMapping:
    async def say(self, site: Site, mapping: dict[str, Any], **claims: Any) -> Claims:
        entry = site.entry(jwks_url=None, jwks=jwks("one").decode(), trust_grants=True, claims=mapping)
        return Verifier([IssuerKeys(entry)], now=lambda: NOW).verify(site.token("one", **claims))

    @pytest.mark.parametrize(
        ("path", "claims"),
        [
            ("scp", {"scp": "cases:read cases:write"}),
            ("scp", {"scp": ["cases:read", "cases:write"]}),
            ("realm_access.roles", {"realm_access": {"roles": ["cases:read", "Petugas Dinsos", "cases:write"]}}),
            ("resource_access.slrt-api.roles", {"resource_access": {"slrt-api": {"roles": ["cases:write", "cases:read"]}}}),
            (["https://id.example/scopes"], {"https://id.example/scopes": "cases:write cases:read"}),
        ],
    )  # fmt: skip
    async def test_scopes_stand_where_the_entry_says(self, site: Site, path: Any, claims: dict[str, Any]) -> None:
        said = await self.say(site, {"scopes": path}, **claims, scope="households:read")
        assert said.scopes - {"Petugas Dinsos"} == {"cases:read", "cases:write"}
        assert (await self.say(site, {"scopes": path}, scope="households:read")).scopes == frozenset()

    async def test_a_role_of_several_words_is_not_several_scopes(self, site: Site) -> None:
        said = await self.say(
            site, {"scopes": "realm_access.roles"}, realm_access={"roles": ["cases:read cases:write"]}
        )
        assert said.scopes == frozenset()

    async def test_grants_and_client_stand_where_the_entry_says(self, site: Site) -> None:
        mapping = {"grants": ["https://id.example/slrt", "grants"], "client_id": "appid"}
        grants = [{"role": "facilitator"}]
        said = await self.say(
            site, mapping, appid="field-app", azp="other", grants="x", **{"https://id.example/slrt": {"grants": grants}}
        )
        assert ([dict(grant) for grant in said.grants], said.client_id) == (grants, "field-app")
        said = await self.say(site, mapping, azp="other")
        assert (said.grants, said.client_id) == ((), None)

    @pytest.mark.parametrize(
        ("mapping", "claims"),
        [
            ({"scopes": "realm_access.roles"}, {"realm_access": ["cases:read"]}),
            ({"scopes": "realm_access.roles"}, {"realm_access": {"roles": {"cases:read": True}}}),
            ({"scopes": "realm_access.roles"}, {"realm_access": {"roles": ["cases:read", 5]}}),
            ({"scopes": "scp"}, {"scp": None}),
            ({"grants": "a.b"}, {"a": "b"}),
            ({"grants": "a.b"}, {"a": {"b": {"role": "administrator"}}}),
            ({"client_id": "appid"}, {"appid": 5}),
            ({"client_id": "appid"}, {"appid": ""}),
            ({}, {"scope": ["cases:read"]}),
        ],
    )
    async def test_something_else_at_the_place_is_refused(
        self, site: Site, mapping: dict[str, Any], claims: dict[str, Any]
    ) -> None:
        with pytest.raises(Unauthenticated):
            await self.say(site, mapping, **claims)

    @pytest.mark.parametrize("mapping", [{"scopes": ""}, {"scopes": []}, {"scopes": "a..b"}, {"subject": "email"}])
    def test_a_mapping_that_names_nothing_is_refused(self, mapping: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Issuer.model_validate({"issuer": "https://sso.example.go.id", "jwks": "{}", "claims": mapping})

    @pytest.mark.parametrize(
        "claims", [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"typ": "ID"}, {"typ": "Refresh"}, {"typ": None}]
    )
    def test_an_id_token_is_no_access_token_where_both_are_of_type_jwt(
        self, site: Site, claims: dict[str, Any]
    ) -> None:
        entry = site.entry(jwks_url=None, jwks=jwks("one").decode(), allow_typ_jwt=True)
        verifier = Verifier([IssuerKeys(entry)], now=lambda: NOW)
        said = {"iss": site.base, "aud": "slrt-api", "sub": "o", "azp": "app", "iat": NOW, "exp": NOW + 600}
        head = {"alg": "ES256", "kid": "one", "typ": "JWT"}
        verifier.verify(jwt.encode(head, {**said, "typ": "Bearer"}, KEYS["one"]))
        with pytest.raises(Unauthenticated):
            verifier.verify(jwt.encode(head, {**said, **claims}, KEYS["one"]))
