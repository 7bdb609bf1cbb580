"""Genuine tokens are accepted, forgeries are not, each for the reason that it was made to have.

joserfc is the independent judge: it makes some of the genuine tokens, and every case of the battery says what joserfc
with the usual checks (signature, algorithms, iss, aud, sub, exp, iat, nbf) makes of the same bytes.
"""

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import joserfc.jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jose import jws
from jose import jwt as python_jose
from jose.backends.base import Key
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from structlog.testing import capture_logs

from slrt_api.kernel.errors import Unauthenticated
from slrt_api.runtime import tokens
from slrt_api.runtime.tokens import IssuerKeys, TokenRefused, Verifier
from slrt_api.settings import Issuer

NOW = 1_795_000_000
ISS, OTHER_ISS, STRICT_ISS = "https://id.example", "https://other.example", "https://strict.example"

Signer = Callable[[bytes], bytes]


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def ecdsa(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm) -> Signer:
    size = (key.key_size + 7) // 8

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign


def pkcs1(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm) -> Signer:
    return lambda message: key.sign(message, padding.PKCS1v15(), digest)


def pss(key: rsa.RSAPrivateKey) -> Signer:
    return lambda message: key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def hs256(secret: bytes) -> Signer:
    return lambda message: hmac.digest(secret, message, "sha256")


DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, encoding: serialization.Encoding = DER) -> bytes:
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


P256, P256_OTHER, P256_ENC, P256_LEAKED, P256_STRANGER, P256_TWIN = (
    ec.generate_private_key(ec.SECP256R1()) for _ in range(6)
)
P384, P521 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())
RSA, RSA_FOR_384 = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))
RSA_SHORT = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - breakable is what it is for


def ec_jwk(key: ec.EllipticCurvePrivateKey, kid: str, *, private: bool = False, **members: object) -> dict[str, object]:
    return {**ECKey.import_key(pem(key)).as_dict(private=private), "kid": kid, **members}


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str, **members: object) -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    n = b64(numbers.n.to_bytes((key.key_size + 7) // 8, "big"))
    return {"kty": "RSA", "n": n, "e": "AQAB", "kid": kid, **members}


OKP_JWK = {**OKPKey.import_key(
    Ed25519PrivateKey.generate().private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
).as_dict(private=False), "kid": "okp"}  # fmt: skip

SET = [
    OKP_JWK,
    {"kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AA"},
    {"kty": "oct", "k": b64(b"a shared secret of 32 bytes.....") , "kid": "shared"},
    ec_jwk(P256, "es", alg="ES256", use="sig"),
    ec_jwk(P384, "es384"),
    rsa_jwk(RSA, "rs", use="sig"),
    rsa_jwk(RSA_FOR_384, "rs384", alg="RS384"),
    rsa_jwk(RSA_SHORT, "short"),
    ec_jwk(P256_ENC, "enc", use="enc"),
    ec_jwk(P256_ENC, "ops", key_ops=["deriveKey"]),
    ec_jwk(P256_LEAKED, "leaked", private=True),
    ec_jwk(P256_TWIN, "twin"),
    ec_jwk(P256_OTHER, "twin"),
    {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32), "kid": "off-curve"},
    {"kty": "EC", "crv": "P-256", "kid": "no-point"},
    {"kty": "EC", "crv": 5, "x": [], "y": None, "kid": "types"},
    "not an object",
    5,
]  # fmt: skip


def jwks(*keys: object) -> str:
    return json.dumps({"keys": list(keys)})


def entry(**members: object) -> Issuer:
    return Issuer.model_validate(
        {"issuer": ISS, "algorithms": ("ES256", "ES384", "RS256", "RS384"), "jwks": jwks(*SET), **members}
    )


def verifier(*, now: Callable[[], float] = lambda: NOW) -> Verifier:
    return Verifier(
        [
            IssuerKeys(entry(allow_typ_jwt=True)),
            IssuerKeys(entry(issuer=OTHER_ISS, jwks=jwks(ec_jwk(P256_OTHER, "es")), trust_grants=True)),
            IssuerKeys(entry(issuer=STRICT_ISS, algorithms=("ES256",))),
        ],
        now=now,
    )


ES256 = ecdsa(P256, hashes.SHA256())
OTHER_ES256 = ecdsa(P256_OTHER, hashes.SHA256())
RS256 = pkcs1(RSA, hashes.SHA256())
HEADER: Mapping[str, object] = {"alg": "ES256", "kid": "es", "typ": "at+jwt"}
CLAIMS: Mapping[str, object] = {
    "iss": ISS, "aud": "slrt-api", "sub": "officer-1", "client_id": "field-app", "iat": NOW - 60, "exp": NOW + 540,
    "jti": "t-1", "scope": "cases:read cases:write",
}  # fmt: skip


def header(**changes: object) -> bytes:
    """The genuine header with changes; None takes a member away."""
    return _changed(HEADER, changes)


def claims(**changes: object) -> bytes:
    return _changed(CLAIMS, changes)


def _changed(members: Mapping[str, object], changes: Mapping[str, object]) -> bytes:
    return json.dumps({name: value for name, value in {**members, **changes}.items() if value is not None}).encode()


def token(head: bytes | None = None, body: bytes | None = None, sign: Signer = ES256) -> str:
    signed = f"{b64(header() if head is None else head)}.{b64(claims() if body is None else body)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def replaced(segment: int, change: Callable[[str], str]) -> str:
    """The genuine token with one segment changed after signing."""
    segments = token().split(".")
    segments[segment] = change(segments[segment])
    return ".".join(segments)


def flipped(segment: str) -> str:
    content = bytearray(base64.urlsafe_b64decode(segment + "=="))
    content[20] ^= 1
    return b64(bytes(content))


def sloppy(segment: str) -> str:
    """Another spelling of the same bytes: the unused bits of the last character set (64 bytes leave four of them)."""
    return segment[:-1] + chr(ord(segment[-1]) + 1)


def der(message: bytes) -> bytes:
    return P256.sign(message, ec.ECDSA(hashes.SHA256()))


def raw(text: str, genuine: bytes | None = None) -> bytes:
    """The genuine claims as text, with more text at the end of the object."""
    return (claims() if genuine is None else genuine)[:-1] + text.encode() + b"}"


def deep(depth: int) -> bytes:
    return raw(', "x": ' + "[" * depth + "]" * depth)


Verdict = Literal["refuses", "accepts"]


@dataclass(frozen=True)
class Forgery:
    name: str
    token: str
    reason: str
    judge: Verdict = "refuses"


BATTERY = [
    # The algorithm is what the attacker says it is.
    Forgery("HS256 with the DER public key as its secret", token(header(alg="HS256"), sign=hs256(public(P256))), "alg"),
    Forgery("HS256 with the PEM public key", token(header(alg="HS256"), sign=hs256(public(P256, PEM))), "alg"),
    Forgery("HS256 with the RSA PEM public key",
            token(header(alg="HS256", kid="rs"), sign=hs256(public(RSA, PEM))), "alg"),
    Forgery("HS256 with the symmetric key of the set",
            token(header(alg="HS256", kid="shared"), sign=hs256(b"a shared secret of 32 bytes.....")), "alg"),
    Forgery("alg none, no signature", token(header(alg="none"), sign=lambda _: b""), "base64url"),
    Forgery("alg none, some signature", token(header(alg="none"), sign=lambda _: b"x"), "alg"),
    Forgery("alg None", token(header(alg="None"), sign=lambda _: b"x"), "alg"),
    Forgery("alg nOnE", token(header(alg="nOnE"), sign=lambda _: b"x"), "alg"),
    Forgery("alg missing", token(header(alg=None)), "alg"),
    Forgery("alg a list", token(header(alg=["ES256"])), "alg"),
    Forgery("alg true", token(header(alg=True)), "alg"),
    Forgery("alg in lower case", token(header(alg="es256")), "alg"),
    Forgery("alg with a space", token(header(alg="ES256 ")), "alg"),
    Forgery("PS256 by the RSA key", token(header(alg="PS256", kid="rs"), sign=pss(RSA)), "alg"),
    Forgery("PSS signature called RS256", token(header(alg="RS256", kid="rs"), sign=pss(RSA)), "signature"),
    Forgery("ES512, not on the list", token(header(alg="ES512"), sign=ecdsa(P521, hashes.SHA512())), "alg"),
    Forgery("RS256, not on this issuer's list",
            token(header(alg="RS256", kid="rs"), claims(iss=STRICT_ISS), RS256), "alg", "accepts"),
    Forgery("EdDSA", token(header(alg="EdDSA", kid="okp"), sign=lambda _: b"\0" * 64), "alg"),
    # The key is another one than it should be.
    Forgery("ES256 with the kid of the RSA key", token(header(kid="rs")), "kid"),
    Forgery("RS256 with the kid of the EC key", token(header(alg="RS256"), sign=RS256), "kid"),
    Forgery("ES256 signed by the RSA key", token(sign=RS256), "signature"),
    Forgery("ES256 on P-384", token(header(kid="es384"), sign=ecdsa(P384, hashes.SHA256())), "kid"),
    Forgery("RS256 by a key for RS384",
            token(header(alg="RS256", kid="rs384"), sign=pkcs1(RSA_FOR_384, hashes.SHA256())), "kid"),
    Forgery("RS256 by a key of 1,024 bits",
            token(header(alg="RS256", kid="short"), sign=pkcs1(RSA_SHORT, hashes.SHA256())), "kid",
            "accepts"),
    Forgery("key for encryption", token(header(kid="enc"), sign=ecdsa(P256_ENC, hashes.SHA256())), "kid"),
    Forgery("key for other operations", token(header(kid="ops"), sign=ecdsa(P256_ENC, hashes.SHA256())), "kid"),
    Forgery("private key lying in the set",
            token(header(kid="leaked"), sign=ecdsa(P256_LEAKED, hashes.SHA256())), "kid", "accepts"),
    Forgery("first of two keys of one kid",
            token(header(kid="twin"), sign=ecdsa(P256_TWIN, hashes.SHA256())), "kid", "accepts"),
    Forgery("second of two keys of one kid", token(header(kid="twin"), sign=OTHER_ES256), "kid"),
    Forgery("kid missing", token(header(kid=None)), "kid"),
    Forgery("kid empty", token(header(kid="")), "kid"),
    Forgery("kid null", token(raw(', "kid": null', header(kid=None))), "kid"),
    Forgery("kid a number", token(header(kid=1)), "kid"),
    Forgery("kid a path", token(header(kid="../../../dev/null"), sign=hs256(b"")), "kid"),
    Forgery("kid of a broken key", token(header(kid="off-curve")), "kid"),
    Forgery("key of a stranger", token(sign=ecdsa(P256_STRANGER, hashes.SHA256())), "signature"),
    Forgery("another issuer's key under this iss", token(sign=OTHER_ES256), "signature"),
    Forgery("this issuer's key under another iss", token(body=claims(iss=OTHER_ISS)), "signature"),
    # The header brings its own key, or asks for what nobody here does.
    Forgery("jwk in the header",
            token(header(jwk=ec_jwk(P256_STRANGER, "es")), sign=ecdsa(P256_STRANGER, hashes.SHA256())),
            "header member"),
    Forgery("jwk in the header, genuine signature", token(header(jwk=ec_jwk(P256, "es"))), "header member", "accepts"),
    Forgery("jku", token(header(jku="https://evil.example/jwks")), "header member", "accepts"),
    Forgery("x5u", token(header(x5u="https://evil.example/chain")), "header member", "accepts"),
    Forgery("x5c", token(header(x5c=["MIIB"])), "header member", "accepts"),
    Forgery("crit, unknown", token(header(crit=["exp-policy"], **{"exp-policy": 1})), "header member"),
    Forgery("crit, empty", token(header(crit=[])), "header member", "accepts"),
    Forgery("b64 false", token(header(b64=False, crit=["b64"])), "header member"),
    Forgery("b64 without crit", token(header(b64=True)), "header member", "accepts"),
    Forgery("zip", token(header(zip="DEF")), "header member"),
    Forgery("duplicate alg", token(raw(', "alg": "ES256"', header(alg="none"))), "json_duplicate_key", "accepts"),
    Forgery("duplicate kid, escaped",
            token(raw(', "k\\u0069d": "es"', header(kid="rs"))), "json_duplicate_key", "accepts"),
    # It is no access token.
    Forgery("typ missing", token(header(typ=None)), "typ", "accepts"),
    Forgery("typ of a logout token", token(header(typ="logout+jwt")), "typ", "accepts"),
    Forgery("typ a number", token(header(typ=1)), "typ"),
    Forgery("typ at+jwt with a dotless i look-alike", token(header(typ="at+ĵwt")), "typ", "accepts"),
    Forgery("typ JWT where it is not allowed",
            token(header(typ="JWT"), claims(iss=OTHER_ISS), OTHER_ES256), "typ", "accepts"),
    Forgery("typ JWT without azp or client_id", token(header(typ="JWT"), claims(client_id=None)), "typ", "accepts"),
    # The bytes are not what they seem.
    Forgery("nothing", "", "segments"),
    Forgery("two segments", token().rpartition(".")[0], "segments"),
    Forgery("four segments", token() + ".e30", "segments"),
    Forgery("five segments, as an encrypted token", token() + ".e30.e30", "segments"),
    Forgery("empty header", replaced(0, lambda _: ""), "base64url"),
    Forgery("empty payload", replaced(1, lambda _: ""), "base64url"),
    Forgery("empty signature", replaced(2, lambda _: ""), "base64url"),
    Forgery("padding", replaced(2, lambda segment: segment + "=="), "base64url"),
    Forgery("unused bits set", replaced(2, sloppy), "base64url"),
    Forgery("impossible length", replaced(2, lambda segment: segment + "AAA"), "base64url"),
    Forgery("the other base64 alphabet", replaced(2, lambda segment: "+/" + segment[2:]), "base64url"),
    Forgery("leading space", " " + token(), "base64url"),
    Forgery("trailing newline", token() + "\n", "base64url"),
    Forgery("space inside", replaced(1, lambda segment: segment[:8] + " " + segment[8:]), "base64url"),
    Forgery("trailing NUL", token() + "\0", "base64url"),
    Forgery("unicode digits", replaced(1, lambda segment: segment[:8] + "٣" + segment[8:]), "unreadable"),
    Forgery("a lone surrogate", token() + "\ud800", "unreadable"),
    Forgery("9 KiB", token(body=claims(x="x" * 6_700)), "size", "accepts"),
    Forgery("a megabyte", "a" * 1_000_000, "size"),
    Forgery("header changed after signing", replaced(0, lambda _: b64(header(x=1))), "signature"),
    Forgery("claims changed after signing", replaced(1, lambda _: b64(claims(sub="administrator"))), "signature"),
    Forgery("one bit of the signature", replaced(2, flipped), "signature"),
    Forgery("signature cut by a byte", token(sign=lambda message: ES256(message)[:-1]), "signature"),
    Forgery("signature longer by a byte", token(sign=lambda message: ES256(message) + b"\0"), "signature"),
    Forgery("signature of nothing but zeros (r = s = 0)", token(sign=lambda _: b"\0" * 64), "signature"),
    Forgery("r and s equal to the group order", token(sign=lambda _: bytes.fromhex(
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2), "signature"),
    Forgery("signature in DER", token(sign=der), "signature"),
    Forgery("RSA signature of zeros", token(header(alg="RS256", kid="rs"), sign=lambda _: b"\0" * 256), "signature"),
    Forgery("header no JSON", token(b"alg: ES256"), "json_invalid"),
    Forgery("header a list", token(b'["ES256"]'), "json_object"),
    Forgery("header in UTF-16", token(header().decode().encode("utf-16")), "json_nul", "accepts"),
    Forgery("header with a BOM", token(b"\xef\xbb\xbf" + header()), "json_encoding", "accepts"),
    Forgery("header with trailing data", token(header() + b"{}"), "json_invalid"),
    Forgery("payload a string", token(body=b'"claims"'), "json_object"),
    Forgery("payload with trailing data", token(body=claims() + b" x"), "json_invalid"),
    Forgery("payload nested 2,500 deep", token(body=deep(2_500)), "json_depth"),
    Forgery("payload with NaN", token(body=raw(', "x": NaN')), "json_number", "accepts"),
    Forgery("payload with 1e400", token(body=raw(', "x": 1e400')), "json_number", "accepts"),
    Forgery("payload with NUL", token(body=raw(', "x": "\\u0000"')), "json_nul", "accepts"),
    Forgery("payload with a lone surrogate", token(body=raw(', "x": ["\\ud800"]')), "json_surrogate", "accepts"),
    Forgery("payload with bytes that are no UTF-8",
            token(body=raw("").replace(b"officer-1", b"officer-\xff")), "json_encoding"),
    Forgery("payload with 5,000 digits", token(body=raw(', "x": ' + "9" * 5_000)), "json_number"),
    Forgery("duplicate sub", token(body=raw(', "sub": "administrator"')), "json_duplicate_key", "accepts"),
    Forgery("duplicate member inside",
            token(body=raw(', "x": {"role": 1, "role": 2}')), "json_duplicate_key", "accepts"),
    # Who says so, of whom, to whom.
    Forgery("iss missing", token(body=claims(iss=None)), "iss"),
    Forgery("iss unknown", token(body=claims(iss="https://evil.example")), "iss"),
    Forgery("iss with a slash", token(body=claims(iss=ISS + "/")), "iss"),
    Forgery("iss a list", token(body=claims(iss=[ISS])), "iss"),
    Forgery("aud missing", token(body=claims(aud=None)), "aud"),
    Forgery("aud of another service", token(body=claims(aud="payroll")), "aud"),
    Forgery("aud that begins like ours", token(body=claims(aud="slrt-api.evil.example")), "aud"),
    Forgery("aud empty list", token(body=claims(aud=[])), "aud"),
    Forgery("aud a list without ours", token(body=claims(aud=["payroll", "other"])), "aud"),
    Forgery("aud a list with a number", token(body=claims(aud=["slrt-api", 5])), "aud"),
    Forgery("aud an object", token(body=claims(aud={"slrt-api": True})), "aud"),
    Forgery("sub missing", token(body=claims(sub=None)), "sub"),
    Forgery("sub empty", token(body=claims(sub="")), "sub"),
    Forgery("sub blank", token(body=claims(sub="   ")), "sub", "accepts"),
    Forgery("sub a number", token(body=claims(sub=7)), "sub"),
    Forgery("sub of 256 characters", token(body=claims(sub="x" * 256)), "sub", "accepts"),
    Forgery("sub with a line break", token(body=claims(sub="officer\nadmin")), "sub", "accepts"),
    Forgery("sub with a direction override", token(body=claims(sub="officer\u202e1")), "sub", "accepts"),
    Forgery("cnf: bound to a key", token(body=claims(cnf={"jkt": "x"})), "cnf", "accepts"),
    Forgery("cnf null", token(body=raw(', "cnf": null')), "cnf", "accepts"),
    # When.
    Forgery("exp missing", token(body=claims(exp=None)), "exp"),
    Forgery("exp a string", token(body=claims(exp=str(NOW + 540))), "exp"),
    Forgery("exp a float", token(body=claims(exp=NOW + 540.0)), "exp", "accepts"),
    Forgery("exp true", token(body=claims(exp=True)), "exp"),
    Forgery("exp NaN", token(body=raw(', "exp": NaN', claims(exp=None))), "json_number"),
    Forgery("exp Infinity", token(body=raw(', "exp": Infinity', claims(exp=None))), "json_number"),
    Forgery("exp 1e400", token(body=raw(', "exp": 1e400', claims(exp=None))), "json_number"),
    Forgery("exp 10^30", token(body=claims(exp=10**30)), "exp", "accepts"),
    Forgery("exp negative", token(body=claims(exp=-1)), "exp"),
    Forgery("exp before iat", token(body=claims(iat=NOW + 50, exp=NOW + 40)), "lifetime"),
    Forgery("lifetime of nothing", token(body=claims(iat=NOW + 40, exp=NOW + 40)), "lifetime"),
    Forgery("lifetime of 60 minutes and a second", token(body=claims(iat=NOW, exp=NOW + 3_601)), "lifetime", "accepts"),
    Forgery("lifetime of 61 minutes, in its last one",
            token(body=claims(iat=NOW - 3_630, exp=NOW + 30)), "lifetime", "accepts"),
    Forgery("iat missing", token(body=claims(iat=None)), "iat"),
    Forgery("iat a string", token(body=claims(iat=str(NOW))), "iat"),
    Forgery("iat false", token(body=claims(iat=False)), "iat"),
    Forgery("iat 61 seconds ahead", token(body=claims(iat=NOW + 61)), "iat"),
    Forgery("nbf 61 seconds ahead", token(body=claims(nbf=NOW + 61)), "nbf"),
    Forgery("nbf a string", token(body=claims(nbf="0")), "nbf"),
    Forgery("expired this second", token(body=claims(exp=NOW)), "expired"),
    Forgery("expired an hour ago", token(body=claims(iat=NOW - 7_200, exp=NOW - 3_600)), "expired"),
    # What for.
    Forgery("scope a list", token(body=claims(scope=["cases:read"])), "scope", "accepts"),
    Forgery("scope with a tab", token(body=claims(scope="cases:read\tcases:write")), "scope", "accepts"),
    Forgery("scope with two spaces", token(body=claims(scope="cases:read  cases:write")), "scope", "accepts"),
    Forgery("scope with quotes", token(body=claims(scope='"cases:read"')), "scope", "accepts"),
    Forgery("client_id an object", token(body=claims(client_id={})), "client_id", "accepts"),
    Forgery("azp a number", token(body=claims(azp=1)), "azp", "accepts"),
    Forgery("jti a number", token(body=claims(jti=1)), "jti"),
    Forgery("grants an object, of an issuer trusted with them",
            token(body=claims(iss=OTHER_ISS, grants={"role": "administrator"}), sign=OTHER_ES256), "grants", "accepts"),
    Forgery("grants a list of words, of an issuer trusted with them",
            token(body=claims(iss=OTHER_ISS, grants=["administrator"]), sign=OTHER_ES256), "grants", "accepts"),
]  # fmt: skip


BROKEN = {"off-curve", "no-point", "types", "future"}


@lru_cache
def key_set(keys: str) -> KeySet:
    with warnings.catch_warnings():
        # joserfc only warns of the RSA key of 1,024 bits.
        warnings.simplefilter("ignore", SecurityWarning)
        return KeySet.import_key_set({"keys": json.loads(keys)})


def judge_accepts(text: str) -> bool:
    """What joserfc makes of a token: each issuer's keys, its algorithms, its claims; nothing of our own rules."""
    for issuer, keys in ((ISS, SET), (STRICT_ISS, SET), (OTHER_ISS, [ec_jwk(P256_OTHER, "es")])):
        readable = [key for key in keys if isinstance(key, dict) and key.get("kid") not in BROKEN]
        registry = joserfc.jwt.JWTClaimsRegistry(
            now=NOW,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": "slrt-api"},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            found = joserfc.jwt.decode(
                text,
                key_set(json.dumps(readable)),
                algorithms=["ES256", "ES384", "RS256", "RS384"],
            )
            registry.validate(found.claims)
        except Exception:  # noqa: S112 - any failure of the judge is its refusal
            continue
        return True
    return False


def refusal(text: str, by: Verifier | None = None) -> tuple[str, str]:
    """The code that the caller sees, and the reason that only we see."""
    with pytest.raises(Unauthenticated) as caught:
        (by or verifier()).verify(text)
    cause = caught.value.__cause__
    return caught.value.code, cause.reason if isinstance(cause, TokenRefused) else "unreadable"


class TestForgeries:
    @pytest.mark.parametrize("forgery", BATTERY, ids=lambda forgery: forgery.name)
    def test_is_refused_for_its_reason(self, forgery: Forgery) -> None:
        code, reason = refusal(forgery.token)
        assert reason == forgery.reason
        assert code == ("token_expired" if reason == "expired" else "token_invalid")

    @pytest.mark.parametrize("forgery", BATTERY, ids=lambda forgery: forgery.name)
    def test_judge_says(self, forgery: Forgery) -> None:
        assert judge_accepts(forgery.token) is (forgery.judge == "accepts")

    def test_a_refusal_says_nothing_of_the_token(self) -> None:
        for forgery in BATTERY:
            with pytest.raises(Unauthenticated) as caught:
                verifier().verify(forgery.token)
            assert caught.value.args in {("token_invalid",), ("token_expired",)}
            assert (caught.value.faults, caught.value.retry_after_seconds) == ((), None)

    def test_something_that_is_no_text_is_refused(self) -> None:
        for thing in (None, 5, b"a.b.c", ["a"]):
            assert refusal(thing) == ("token_invalid", "unreadable")  # type: ignore[arg-type]

    def test_claims_are_those_that_python_jose_read_and_no_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jws, "verify", lambda *_: claims(sub="somebody else"))
        assert refusal(token()) == ("token_invalid", "signature")

    def test_a_refused_token_is_refused_again(self) -> None:
        one = verifier()
        forged = token(sign=OTHER_ES256)
        assert refusal(forged, one) == refusal(forged, one) == ("token_invalid", "signature")

    def test_python_jose_alone_takes_some_of_them(self) -> None:
        """Why this module exists. When python-jose refuses these, `tokens` may lean on it more."""
        secret = public(P256)
        forged = token(header(alg="HS256"), claims(exp=None), hs256(secret))
        assert (
            python_jose.decode(forged, secret, algorithms=None, audience="slrt-api", issuer=ISS)["sub"] == "officer-1"
        )
        critical = token(header(crit=["exp-policy"], **{"exp-policy": 1}), claims(exp=None))
        key = ec_jwk(P256, "es", alg="ES256")
        assert python_jose.decode(critical, key, algorithms=["ES256"], audience="slrt-api")["sub"] == "officer-1"


class TestGenuine:
    def test_es256_gives_its_claims(self) -> None:
        found = verifier().verify(token())
        assert found == tokens.Claims(
            issuer=ISS, subject="officer-1", scopes=frozenset({"cases:read", "cases:write"}), expires_at=NOW + 540,
            issued_at=NOW - 60, client_id="field-app", token_id="t-1", grants=(),
        )  # fmt: skip
        with pytest.raises(FrozenInstanceError):
            found.subject = "administrator"  # type: ignore[misc]

    @pytest.mark.parametrize(
        ("alg", "kid", "sign"),
        [("ES384", "es384", ecdsa(P384, hashes.SHA384())), ("RS256", "rs", RS256),
         ("RS384", "rs", pkcs1(RSA, hashes.SHA384())), ("RS384", "rs384", pkcs1(RSA_FOR_384, hashes.SHA384()))],
    )  # fmt: skip
    def test_the_other_algorithms_of_the_list(self, alg: str, kid: str, sign: Signer) -> None:
        genuine = token(header(alg=alg, kid=kid), sign=sign)
        assert verifier().verify(genuine).subject == "officer-1"
        assert judge_accepts(genuine)

    def test_es512_where_it_is_listed(self) -> None:
        issuer = IssuerKeys(entry(algorithms=("ES512",), jwks=jwks(ec_jwk(P521, "es512"))))
        genuine = token(header(alg="ES512", kid="es512"), sign=ecdsa(P521, hashes.SHA512()))
        assert Verifier([issuer], now=lambda: NOW).verify(genuine).subject == "officer-1"

    @pytest.mark.parametrize(("alg", "kid", "key"), [("ES256", "es", P256), ("RS256", "rs", RSA)])
    def test_tokens_that_joserfc_made(
        self, alg: str, kid: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    ) -> None:
        signer = ECKey.import_key(pem(key)) if alg == "ES256" else RSAKey.import_key(pem(key))
        made = joserfc.jwt.encode({"alg": alg, "kid": kid, "typ": "at+jwt"}, dict(CLAIMS), signer)
        assert verifier().verify(made).subject == "officer-1"

    @pytest.mark.parametrize(
        ("head", "body"),
        [
            (header(typ="AT+JWT"), claims()),
            (header(typ="application/at+jwt"), claims()),
            (header(typ="Application/AT+JWT"), claims()),
            (header(typ="JWT"), claims()),
            (header(typ="JWT"), claims(client_id=None, azp="field-app")),
            (header(x5t="x", cty="json"), claims()),
            (header(), claims(aud=["payroll", "slrt-api"])),
            (header(), claims(client_id=None, azp="field-app")),
            (header(), claims(client_id="field-app", azp="other")),
            (header(), claims(iat=NOW + 60, exp=NOW + 3_660)),
            (header(), claims(iat=NOW, exp=NOW + 3_600)),
            (header(), claims(exp=NOW + 1)),
            (header(), claims(nbf=NOW + 60)),
            (header(), claims(sub="officer-1", x=1.5, y={"deep": [None, True]})),
        ],
    )  # fmt: skip
    def test_at_the_edge_of_the_rules(self, head: bytes, body: bytes) -> None:
        found = verifier().verify(token(head, body))
        assert (found.subject, found.client_id) == ("officer-1", "field-app")

    def test_without_the_optional_claims(self) -> None:
        found = verifier().verify(token(body=claims(client_id=None, jti=None, scope=None)))
        assert (found.client_id, found.token_id, found.scopes) == (None, None, frozenset())
        assert verifier().verify(token(body=claims(scope=""))).scopes == frozenset()

    def test_longest_subject_and_largest_token(self) -> None:
        assert verifier().verify(token(body=claims(sub="x" * 255))).subject == "x" * 255
        padding_for = 8_192 - len(token(body=claims(x="")))
        largest = token(body=claims(x="x" * (padding_for * 3 // 4)))
        assert 8_185 <= len(largest) <= 8_192
        assert verifier().verify(largest).subject == "officer-1"

    def test_grants_are_taken_from_issuers_trusted_with_them_only(self) -> None:
        grants = [{"role": "facilitator", "areas": ["33.26.01.2001"], "organization": None, "valid_until": None}]
        trusted = verifier().verify(token(body=claims(iss=OTHER_ISS, grants=grants), sign=OTHER_ES256))
        assert [dict(grant) for grant in trusted.grants] == grants
        with pytest.raises(TypeError):
            trusted.grants[0]["role"] = "administrator"  # type: ignore[index]
        assert verifier().verify(token(body=claims(grants=grants))).grants == ()
        assert verifier().verify(token(body=claims(grants="of no interest"))).grants == ()


class Clock:
    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Counter:
    calls: int = 0


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts the signatures that python-jose is asked to check."""
    counter, verify = Counter(), jws.verify

    def counted(text: str, key: Key, algorithms: list[str]) -> bytes:
        counter.calls += 1
        return verify(text, key, algorithms)

    monkeypatch.setattr(jws, "verify", counted)
    return counter


class TestCache:
    def test_verifies_a_token_once(self, signatures: Counter) -> None:
        one, genuine = verifier(), token()
        assert one.verify(genuine) is one.verify(genuine)
        assert signatures.calls == 1

    def test_refuses_what_has_expired_meanwhile(self) -> None:
        clock = Clock()
        one, genuine = verifier(now=clock), token()
        clock.now = NOW + 539.999
        one.verify(genuine)
        clock.now = NOW + 540
        assert refusal(genuine, one) == refusal(genuine, one) == ("token_expired", "expired")

    def test_does_not_take_another_token_of_the_same_claims(self) -> None:
        one, genuine = verifier(), token()
        one.verify(genuine)
        assert refusal(genuine[:-4] + "AAAA", one)[0] == "token_invalid"

    def test_is_bounded_and_drops_what_was_not_used_longest(
        self, monkeypatch: pytest.MonkeyPatch, signatures: Counter
    ) -> None:
        monkeypatch.setattr(tokens, "CACHE_SIZE", 3)
        one = verifier()
        first, second, third, fourth = (token(body=claims(jti=str(n))) for n in range(4))
        for each in (first, second, third, first, fourth):
            one.verify(each)
        assert signatures.calls == 4
        one.verify(first)
        assert signatures.calls == 4
        one.verify(second)
        assert signatures.calls == 5


class TestKeySetFile:
    NEW = token(header(kid="new"), sign=OTHER_ES256)

    def test_is_read_again_for_an_unknown_kid_at_most_every_30_seconds(self, tmp_path: Path) -> None:
        clock, file = Clock(), tmp_path / "jwks.json"
        file.write_text(jwks(ec_jwk(P256, "es")))
        one = Verifier([IssuerKeys(entry(jwks=None, jwks_file=file))], now=clock)
        assert refusal(self.NEW, one)[1] == "kid"
        file.write_text(jwks(ec_jwk(P256, "es"), ec_jwk(P256_OTHER, "new")))
        clock.now = NOW + 29.9
        assert refusal(self.NEW, one)[1] == "kid"
        clock.now = NOW + 30
        assert one.verify(self.NEW).subject == "officer-1"

    def test_a_withdrawn_key_is_forgotten_together_with_the_tokens_it_signed(self, tmp_path: Path) -> None:
        clock, file = Clock(), tmp_path / "jwks.json"
        file.write_text(jwks(ec_jwk(P256, "es")))
        one, genuine = Verifier([IssuerKeys(entry(jwks=None, jwks_file=file))], now=clock), token()
        one.verify(genuine)
        file.write_text(jwks(ec_jwk(P256_OTHER, "new")))
        clock.now = NOW + 30
        one.verify(self.NEW)
        assert refusal(genuine, one)[1] == "kid"

    def test_is_read_again_as_a_routine(self, tmp_path: Path) -> None:
        clock, file = Clock(), tmp_path / "jwks.json"
        file.write_text(jwks(ec_jwk(P256, "es")))
        one = Verifier([IssuerKeys(entry(jwks=None, jwks_file=file))], now=clock)
        one.verify(token())
        file.write_text(jwks(ec_jwk(P256_OTHER, "es")))
        clock.now = NOW + 299
        one.verify(token(body=claims(jti="t-2")))
        clock.now = NOW + 300
        assert refusal(token(body=claims(jti="t-3")), one)[1] == "signature"

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"keys": {}}', '{"keys": [], "keys": []}', None])
    def test_that_became_unreadable_leaves_the_known_keys(self, damage: str | None, tmp_path: Path) -> None:
        file = tmp_path / "jwks.json"
        file.write_text(jwks(ec_jwk(P256, "es")))
        one = Verifier([IssuerKeys(entry(jwks=None, jwks_file=file))], now=lambda: NOW)
        if damage is None:
            file.unlink()
        else:
            file.write_text(damage)
        with capture_logs() as told:
            assert refusal(self.NEW, one)[1] == "kid"
        assert one.verify(token()).subject == "officer-1"
        assert told[-1:] == [{"event": "issuer_key_file_unreadable", "issuer": ISS, "log_level": "warning"}]


class TestConfiguration:
    @pytest.mark.parametrize(
        "algorithms", [(), ("HS256",), ("none",), ("ES256", "HS512"), ("PS256",), ("EdDSA",), ("es256",)]
    )
    def test_refuses_algorithms_that_cannot_be_trusted_or_checked(self, algorithms: tuple[str, ...]) -> None:
        with pytest.raises(ValueError, match="algorithms are among"):
            IssuerKeys(entry(algorithms=algorithms))

    @pytest.mark.parametrize(
        ("key", "algorithms"),
        [(OKP_JWK, ("ES256",)), (ec_jwk(P256, "es"), ("RS256",)), (ec_jwk(P256_LEAKED, "x", private=True), ("ES256",)),
         (rsa_jwk(RSA_SHORT, "x"), ("RS256",)), ({**ec_jwk(P256, "x"), "kid": ""}, ("ES256",)),
         (ec_jwk(P256, "x", key_ops="verify"), ("ES256",)), ({**ec_jwk(P256, "x"), "kty": "RSA"}, ("ES256",))],
    )  # fmt: skip
    def test_refuses_a_set_that_can_verify_nothing(
        self, key: Mapping[str, object], algorithms: tuple[str, ...]
    ) -> None:
        with pytest.raises(ValueError, match="no key of the set"):
            IssuerKeys(entry(jwks=jwks(key), algorithms=algorithms))

    def test_refuses_no_source_two_sources_and_unreadable_ones(self, tmp_path: Path) -> None:
        for members in ({"jwks": None}, {"jwks_file": tmp_path / "jwks.json"}):
            with pytest.raises(ValueError, match="exactly one"):
                IssuerKeys(entry(**members))
        for document in ("", "null", "[]", '{"keys": 5}', "[" * 5_000):
            with pytest.raises(ValueError, match="not a JWKS"):
                IssuerKeys(entry(jwks=document))
        with pytest.raises(FileNotFoundError):
            IssuerKeys(entry(jwks=None, jwks_file=tmp_path / "absent.json"))

    def test_refuses_an_issuer_listed_twice(self) -> None:
        with pytest.raises(ValueError, match="listed once"):
            Verifier([IssuerKeys(entry()), IssuerKeys(entry())])

    def test_without_issuers_refuses_everything(self) -> None:
        assert refusal(token(), Verifier([])) == ("token_invalid", "iss")

    def test_keeps_a_digest_and_not_the_token(self) -> None:
        one, genuine = verifier(), token()
        one.verify(genuine)
        assert list(one._cache) == [hashlib.sha256(genuine.encode()).digest()]
