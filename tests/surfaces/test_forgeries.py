"""Forged tokens over HTTP, through the real server: 401 each and word for word the same, with a good token around each.

The tokens are put together byte by byte here. joserfc is the independent judge: `judged` says what it makes of a token by
its signature and its usual claims; where it accepts, a rule of RFC 9068 or of ours is what refuses.
"""

import asyncio
import base64
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import pytest_asyncio
import uvicorn
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwe
from joserfc import jwt as judge
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from tests.api import VILLAGE, running_api
from tests.conftest import MigratedDatabase

ISSUER, SECOND_ISSUER = "https://id.example", "https://second.example"
PERSON = "officer-1"
GRANTS = [{"role": "puskesos_officer", "areas": [VILLAGE]}]
# FIPS 186-5, P-256: the order of its group.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

EC, EC_SECOND, EC_STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
RSA = rsa.generate_private_key(65_537, 2_048)
Signer = Callable[[bytes], bytes]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def public(key: PrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key: PrivateKey, kid: str) -> dict[str, Any]:
    pem = public(key, serialization.Encoding.PEM)
    made = ECKey.import_key(pem) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAKey.import_key(pem)
    return {**made.as_dict(private=False), "kid": kid}


def ecdsa(key: ec.EllipticCurvePrivateKey) -> Signer:
    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def hs256(secret: bytes) -> Signer:
    return lambda message: hmac.digest(secret, message, "sha256")


def fixed(signature: bytes) -> Signer:
    return lambda _: signature


def der(message: bytes) -> bytes:
    return EC.sign(message, ec.ECDSA(hashes.SHA256()))


ES256 = ecdsa(EC)


def rs256(message: bytes) -> bytes:
    return RSA.sign(message, padding.PKCS1v15(), hashes.SHA256())


def pss(message: bytes) -> bytes:
    return RSA.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def head(**changes: object) -> bytes:
    """The good header with changes; None takes a member away."""
    return changed({"alg": "ES256", "kid": "es", "typ": "at+jwt"}, changes)


def said(**changes: object) -> bytes:
    """Good claims with changes, of a token that nobody has seen yet."""
    now = int(time.time())
    good = {
        "iss": ISSUER, "aud": "slrt-api", "sub": PERSON, "client_id": "field-app", "iat": now - 30, "exp": now + 570,
        "jti": str(uuid.uuid4()), "scope": "households:read", "grants": GRANTS,
    }  # fmt: skip
    return changed(good, changes)


def changed(members: Mapping[str, object], changes: Mapping[str, object]) -> bytes:
    return json.dumps({name: value for name, value in {**members, **changes}.items() if value is not None}).encode()


def more(members: bytes, text: str) -> bytes:
    """Members with more text at the end of the object."""
    return members[:-1] + b", " + text.encode() + b"}"


def token(header: bytes | None = None, claims: bytes | None = None, sign: Signer = ES256) -> str:
    signed = f"{b64(header or head())}.{b64(claims or said())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def soon(seconds: int) -> int:
    return int(time.time()) + seconds


def encrypted(plain: bytes, content_type: str) -> str:
    key = OctKey.import_key(b"0123456789abcdef0123456789abcdef")
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM", "kid": "es", "cty": content_type}, plain, key)


def respelled() -> str:
    """The good token with another last character for the same bytes of the signature."""
    good = token()
    return good[:-1] + chr(ord(good[-1]) + 1)


Verdict = Literal["refuses", "accepts"]


@dataclass(frozen=True)
class Forgery:
    """A token that is not to be believed, made when it is needed (it is of its time), and what the judge makes of it."""

    name: str
    make: Callable[[], str]
    judged: Verdict = "refuses"


EC_PEM, EC_DER = public(EC, serialization.Encoding.PEM), public(EC, serialization.Encoding.DER)
EC_JWK = jwk(EC, "es")

BATTERY = [
    # The attacker chooses the algorithm.
    Forgery("alg none without a signature", lambda: token(head(alg="none"), sign=fixed(b""))),
    Forgery("alg none with one", lambda: token(head(alg="none"))),
    Forgery("alg None", lambda: token(head(alg="None"), sign=fixed(b""))),
    Forgery("alg nOnE", lambda: token(head(alg="nOnE"), sign=fixed(b"x"))),
    Forgery("alg missing", lambda: token(head(alg=None))),
    Forgery("HS256, the PEM public key as its secret", lambda: token(head(alg="HS256"), sign=hs256(EC_PEM))),
    Forgery("HS256, the DER public key as its secret", lambda: token(head(alg="HS256"), sign=hs256(EC_DER))),
    Forgery("HS256, the JWK as its secret", lambda: token(head(alg="HS256"), sign=hs256(json.dumps(EC_JWK).encode()))),
    Forgery("HS256, the RSA PEM public key as its secret",
            lambda: token(head(alg="HS256", kid="rs"), sign=hs256(public(RSA, serialization.Encoding.PEM)))),
    Forgery("HS256, an empty key", lambda: token(head(alg="HS256"), sign=hs256(b""))),
    Forgery("HS512 by name only", lambda: token(head(alg="HS512"), sign=hs256(EC_DER))),
    Forgery("RS256 with a PSS signature", lambda: token(head(alg="RS256", kid="rs"), sign=pss)),
    Forgery("PS256", lambda: token(head(alg="PS256", kid="rs"), sign=pss)),
    Forgery("ES256 with the RSA key", lambda: token(head(kid="rs"), sign=rs256)),
    # The attacker chooses the key.
    Forgery("kid a path", lambda: token(head(alg="HS256", kid="../../../../dev/null"), sign=hs256(b""))),
    Forgery("kid a statement", lambda: token(head(kid="x' UNION SELECT 'secret'--"), sign=ecdsa(EC_STRANGER))),
    Forgery("kid missing", lambda: token(head(kid=None))),
    Forgery("kid an array", lambda: token(head(kid=["es"]))),
    Forgery("kid an object", lambda: token(head(kid={"$ne": None}))),
    Forgery("kid of 10 kB", lambda: token(head(kid="k" * 10_000), sign=ecdsa(EC_STRANGER))),
    Forgery("jwk in the header",
            lambda: token(head(jwk=jwk(EC_STRANGER, "es")), sign=ecdsa(EC_STRANGER))),
    Forgery("jwk in the header, under a kid of its own",
            lambda: token(head(kid="own", jwk=jwk(EC_STRANGER, "own")), sign=ecdsa(EC_STRANGER))),
    Forgery("jku", lambda: token(head(jku="https://evil.example/jwks.json"), sign=ecdsa(EC_STRANGER))),
    Forgery("jku, genuine signature", lambda: token(head(jku="https://evil.example/jwks.json")), "accepts"),
    Forgery("x5u", lambda: token(head(x5u="https://evil.example/chain.pem"), sign=ecdsa(EC_STRANGER))),
    Forgery("x5c", lambda: token(head(x5c=[base64.b64encode(EC_DER).decode()]), sign=ecdsa(EC_STRANGER))),
    Forgery("x5c, genuine signature", lambda: token(head(x5c=[base64.b64encode(EC_DER).decode()])), "accepts"),
    Forgery("this issuer, a stranger's key", lambda: token(sign=ecdsa(EC_STRANGER))),
    Forgery("this issuer, another trusted issuer's key", lambda: token(sign=ecdsa(EC_SECOND))),
    Forgery("another trusted issuer, this one's key", lambda: token(claims=said(iss=SECOND_ISSUER))),
    Forgery("the issuer of another environment, with its own key",
            lambda: token(claims=said(iss="https://sandbox.id.example"), sign=ecdsa(EC_STRANGER))),
    Forgery("the issuer of another environment, with this one's key",
            lambda: token(claims=said(iss="https://sandbox.id.example"))),
    # The header asks for what nobody here does.
    Forgery("crit, unknown", lambda: token(head(crit=["exp-policy"], **{"exp-policy": "none"}))),
    Forgery("crit, empty", lambda: token(head(crit=[])), "accepts"),
    Forgery("b64 false", lambda: token(head(b64=False, crit=["b64"]))),
    Forgery("zip", lambda: token(head(zip="DEF"))),
    # Two readers would read two things.
    Forgery("duplicate alg", lambda: token(more(head(alg="none"), '"alg": "ES256"')), "accepts"),
    Forgery("duplicate sub", lambda: token(claims=more(said(), '"sub": "administrator"')), "accepts"),
    Forgery("duplicate exp", lambda: token(claims=more(said(exp=1), f'"exp": {soon(500)}')), "accepts"),
    Forgery("duplicate iss, escaped", lambda: token(claims=more(said(iss="x"), f'"i\\u0073s": "{ISSUER}"')), "accepts"),
    # It says too little.
    Forgery("exp missing", lambda: token(claims=said(exp=None))),
    Forgery("aud missing", lambda: token(claims=said(aud=None))),
    Forgery("iss missing", lambda: token(claims=said(iss=None))),
    Forgery("sub missing", lambda: token(claims=said(sub=None))),
    Forgery("iat missing", lambda: token(claims=said(iat=None))),
    Forgery("no claims at all", lambda: token(claims=b"{}")),
    # It is meant for something else.
    Forgery("aud of another service", lambda: token(claims=said(aud="payroll"))),
    Forgery("typ missing", lambda: token(head(typ=None)), "accepts"),
    Forgery("typ JWT", lambda: token(head(typ="JWT")), "accepts"),
    Forgery("typ of a DPoP proof", lambda: token(head(typ="dpop+jwt")), "accepts"),
    Forgery("an ID token",
            lambda: token(head(typ="JWT"), said(aud=["slrt-api", "field-app"], nonce="n", at_hash="h")), "accepts"),
    Forgery("cnf: bound to a key that nobody proves", lambda: token(claims=said(cnf={"jkt": "0" * 43})), "accepts"),
    # It is not of now.
    Forgery("nbf in the future", lambda: token(claims=said(nbf=soon(300)))),
    Forgery("iat in the future", lambda: token(claims=said(iat=soon(300), exp=soon(600)))),
    Forgery("exp a text", lambda: token(claims=said(exp=str(soon(300))))),
    Forgery("exp a float", lambda: token(claims=said(exp=soon(300) + 0.5)), "accepts"),
    Forgery("exp negative", lambda: token(claims=said(exp=-soon(300)))),
    Forgery("exp true", lambda: token(claims=said(exp=True))),
    Forgery("exp beyond every calendar", lambda: token(claims=more(said(exp=None), '"exp": 1e400'))),
    Forgery("exp of 5,000 digits", lambda: token(claims=more(said(exp=None), '"exp": ' + "9" * 5_000))),
    Forgery("a lifetime of a year", lambda: token(claims=said(exp=soon(31_536_000))), "accepts"),
    # The signature is not one.
    Forgery("ES256 signature of zeros", lambda: token(sign=fixed(b"\0" * 64))),
    Forgery("r zero", lambda: token(sign=lambda message: b"\0" * 32 + ES256(message)[32:])),
    Forgery("s zero", lambda: token(sign=lambda message: ES256(message)[:32] + b"\0" * 32)),
    Forgery("r and s the order of the group", lambda: token(sign=fixed(ORDER.to_bytes(32, "big") * 2))),
    Forgery("s beyond the order of the group",
            lambda: token(sign=lambda message: ES256(message)[:32] + (ORDER + 1).to_bytes(32, "big"))),
    Forgery("signature in DER", lambda: token(sign=der)),
    Forgery("signature cut by a byte", lambda: token(sign=lambda message: ES256(message)[:-1])),
    Forgery("signature longer by a byte", lambda: token(sign=lambda message: ES256(message) + b"\0")),
    Forgery("signature of another token", lambda: token().rpartition(".")[0] + "." + token().rpartition(".")[2]),
    Forgery("RSA signature of zeros", lambda: token(head(alg="RS256", kid="rs"), sign=fixed(b"\0" * 256))),
    # The bytes are another spelling.
    Forgery("padded with =", lambda: token() + "=="),
    Forgery("another spelling of the signature", respelled),
    Forgery("a space inside", lambda: token().replace(".", ". ", 1)),
    Forgery("a tab behind the dot", lambda: token().replace(".", ".\t", 1)),
    Forgery("percent-encoded", lambda: token().replace(".", "%2E")),
    Forgery("the other base64 alphabet", lambda: token()[:-2] + "+/"),
    Forgery("in quotes", lambda: f'"{token()}"'),
    Forgery("a comma and another token", lambda: f"{token()},{token()}"),
    Forgery("a NUL escaped in the header", lambda: token(head(kid="es\0"))),
    Forgery("a header with a BOM", lambda: token(b"\xef\xbb\xbf" + head()), "accepts"),
    Forgery("four segments", lambda: token() + ".e30"),
    Forgery("JSON serialization", lambda: json.dumps({"payload": b64(said()), "signatures": []})),
    # A token in a token.
    Forgery("nested: a good token as the payload", lambda: token(head(cty="JWT"), token().encode())),
    Forgery("JWE of good claims", lambda: encrypted(said(), "json")),
    Forgery("JWE of a good token", lambda: encrypted(token().encode(), "JWT")),
    # It is large, but the server reads it.
    Forgery("9 kB, else good", lambda: token(claims=said(x="x" * 6_800)), "accepts"),
    Forgery("nested 2,000 deep", lambda: token(claims=more(said(), '"x": ' + "[" * 2_000 + "]" * 2_000))),
]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def public(self) -> tuple[int, dict[str, Any], str | None]:
        """What a caller learns: status, body without the trace id, the challenge."""
        content = json.loads(self.body)
        assert len(content.pop("trace_id")) == 32
        return self.status, content, self.headers.get("www-authenticate")


@dataclass(frozen=True)
class Server:
    """The application behind uvicorn, spoken to in bytes: a client library would refuse to send some of this."""

    port: int

    async def send(self, method: str, path: str, *headers: bytes, body: bytes = b"") -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = (
            f"{method} {path} HTTP/1.1".encode(), b"host: api.test", b"connection: close",
            b"content-type: application/json", b"content-length: %d" % len(body), *headers,
        )  # fmt: skip
        try:
            writer.write(b"\r\n".join((*lines, b"", b"")) + body)
            await writer.drain()
            raw = await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        top, _, content = raw.partition(b"\r\n\r\n")
        first, *rest = top.decode("latin-1").split("\r\n")
        named = dict(line.split(": ", 1) for line in rest)
        return Answer(int(first.split(" ")[1]), {name.lower(): value for name, value in named.items()}, content)

    async def read(self, authorization: bytes) -> Answer:
        """A list by the short way, with this header."""
        return await self.send("GET", "/v1/households?limit=1", b"authorization: " + authorization)

    async def everywhere(self, authorization: bytes) -> list[Answer]:
        """A list, a change and GraphQL with this header."""
        header = b"authorization: " + authorization
        return [
            await self.read(authorization),
            await self.send("POST", "/v1/households", header, body=b"{}"),
            await self.send(
                "POST", "/graphql", header, body=b'{"query": "{ households(first: 1) { edges { cursor } } }"}'
            ),
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(database: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    issuers = [
        {"issuer": ISSUER, "jwks": json.dumps({"keys": [EC_JWK, jwk(RSA, "rs")]}), "trust_grants": True},
        {"issuer": SECOND_ISSUER, "jwks": json.dumps({"keys": [jwk(EC_SECOND, "es")]}), "trust_grants": True},
    ]
    async with running_api(database.api_url, tmp_path_factory.mktemp("data"), issuers=issuers) as api:
        # What `slrt-api serve` runs with, on a port of its own.
        config = uvicorn.Config(api.app, port=0, log_config=None, access_log=False, lifespan="off", ws="none")
        serving = uvicorn.Server(config)
        task = asyncio.create_task(serving.serve())
        while not serving.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield Server(serving.servers[0].sockets[0].getsockname()[1])
        serving.should_exit = True
        await task


async def control(server: Server) -> None:
    """A good token that nobody has seen before is believed."""
    assert (await server.read(b"Bearer " + token().encode())).status == 200


def test_there_are_enough_and_no_two_alike() -> None:
    assert len(BATTERY) >= 24
    assert len({forgery.name for forgery in BATTERY}) == len({forgery.make() for forgery in BATTERY}) == len(BATTERY)


@pytest.mark.parametrize("forgery", BATTERY, ids=lambda forgery: forgery.name)
async def test_is_refused_like_every_other(server: Server, forgery: Forgery) -> None:
    await control(server)
    plain = (await server.read(b"Bearer x")).public()
    assert (plain[0], plain[1]["code"]) == (401, "token_invalid")
    forged = forgery.make().encode()
    for answer in await server.everywhere(b"Bearer " + forged):
        assert answer.public() == plain
        # Not even a part of it comes back.
        assert forged[:20] not in answer.body
    await control(server)


@pytest.mark.parametrize("forgery", BATTERY, ids=lambda forgery: forgery.name)
def test_the_judge_says(forgery: Forgery) -> None:
    keys = KeySet.import_key_set({"keys": [EC_JWK, jwk(RSA, "rs")]})
    essential: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    registry = judge.JWTClaimsRegistry(
        leeway=5,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": "slrt-api"},
        **essential,
    )
    try:
        registry.validate(judge.decode(forgery.make(), keys, algorithms=["ES256", "RS256"]).claims)
    except Exception:
        # Whatever fails in it, it did not accept.
        verdict = "refuses"
    else:
        verdict = "accepts"
    assert verdict == forgery.judged


def test_the_judge_believes_the_control() -> None:
    for good in (token(), token(head(alg="RS256", kid="rs"), sign=rs256)):
        assert judge.decode(good, KeySet.import_key_set({"keys": [EC_JWK, jwk(RSA, "rs")]})).claims["sub"] == PERSON


@pytest.mark.parametrize(
    "authorization",
    [b"", b"Bearer", b"Bearer ", b"Basic %s", b"DPoP %s", b"Token %s", b"%s", b"Bearer  %s", b"Bearer\t%s", b"Bearer:%s",
     b"Bearer Bearer %s", b"Bearer %s %s", b"Bearer \xff\xfe", b"Bearer \xc3\xa9.\xc3\xa9.\xc3\xa9"],
)  # fmt: skip
async def test_another_way_to_carry_it_is_refused_like_a_forgery(server: Server, authorization: bytes) -> None:
    await control(server)
    plain = (await server.read(b"Bearer x")).public()
    for answer in await server.everywhere(authorization.replace(b"%s", token().encode())):
        assert answer.public() == plain
    await control(server)


async def test_a_good_token_is_believed_wherever_it_is_asked_about(server: Server) -> None:
    for scheme in (b"Bearer", b"bearer", b"BEARER"):
        listed, created, graph = await server.everywhere(scheme + b" " + token().encode())
        # The token has no scope to write.
        assert (listed.status, created.status, graph.status) == (200, 403, 200)
    other = token(head(alg="RS256", kid="rs"), sign=rs256)
    assert (await server.read(b"Bearer " + other.encode())).status == 200


async def test_two_authorization_headers_are_no_choice(server: Server) -> None:
    header = b"authorization: Bearer " + token().encode()
    answer = await server.send("GET", "/v1/households?limit=1", header, header)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "header_invalid")
    await control(server)


async def test_a_token_in_the_query_the_body_or_a_cookie_is_none(server: Server) -> None:
    good = token()
    in_query = await server.send("GET", f"/v1/households?access_token={good}")
    in_cookie = await server.send("GET", "/v1/households", f"cookie: access_token={good}".encode())
    in_body = await server.send("POST", "/v1/households", body=json.dumps({"access_token": good}).encode())
    for answer in (in_query, in_cookie, in_body):
        assert (answer.status, json.loads(answer.body)["code"]) == (401, "token_missing")
        assert good.encode() not in answer.body


@pytest.mark.parametrize("size", [65_536, 1_000_000])
@pytest.mark.parametrize("text", ["a", "a.", "eyJ"])
async def test_a_huge_token_is_refused_by_whoever_meets_it_first(server: Server, size: int, text: str) -> None:
    await control(server)
    answer = await server.read(b"Bearer " + (text * size)[:size].encode())
    assert answer.status in {400, 401, 431}
    await control(server)


async def test_an_expired_token_is_told_apart_only_when_it_is_genuine(server: Server) -> None:
    expired = said(iat=soon(-600), exp=soon(-1))
    genuine = (await server.read(b"Bearer " + token(claims=expired).encode())).public()
    assert (genuine[0], genuine[1]["code"]) == (401, "token_expired")
    forged = await server.read(b"Bearer " + token(claims=expired, sign=ecdsa(EC_STRANGER)).encode())
    assert forged.public()[1]["code"] == "token_invalid"
