"""Verification of access tokens (RFC 9068 profile of JWT), the only place where python-jose is used.

python-jose 3.5.0 by itself takes a DER public key for an HMAC secret, ignores `crit`, accepts tokens without `exp`,
duplicate members and any curve with any ES algorithm, and fails on a key set with one unknown key. So it only checks
one signature, with one key and one algorithm that were chosen here; every other decision is made in this file.

Not here: who may act where (`access`), and revocation, which is a table.
"""

import base64
import hashlib
import logging
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from slrt_api.kernel.errors import BadRequest, Unauthenticated
from slrt_api.runtime import strictjson
from slrt_api.settings import Issuer

MAX_TOKEN_BYTES = 8_192
MAX_LIFETIME_SECONDS = 3_600
# Tolerance for an issuer whose clock runs ahead of ours (`iat`, `nbf`). There is none for `exp`: clients renew in time,
# and a token that lives on after its end is what the end is meant to prevent.
CLOCK_SKEW_SECONDS = 60
CACHE_SIZE = 10_000
# A key set file is read again for an unknown `kid` (rotation), and as a routine, so that a withdrawn key goes.
UNKNOWN_KID_REREAD_SECONDS = 30
ROUTINE_REREAD_SECONDS = 300
MIN_RSA_BITS = 2_048

# What an allow-list may name, with the kind of key that each needs. python-jose has no PS* (RSASSA-PSS): an issuer
# entry that names one is refused at start.
KEY_OF_ALGORITHM: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
}
# Members of a header that bring keys along, change what is signed, or demand an understanding that is not there.
REFUSED_HEADER_MEMBERS = frozenset({"crit", "jku", "x5u", "x5c", "jwk", "b64", "zip"})
PRIVATE_JWK_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")
_PUBLIC_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
# What base64, python-jose and cryptography were seen to raise for bytes that somebody else chose.
_UNREADABLE = (
    JOSEError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    InvalidSignature,
    UnsupportedAlgorithm,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says.

    scopes      members of its `scope`
    expires_at  seconds since the epoch, as is `issued_at`
    client_id   `client_id`, else `azp`
    grants      its `grants` claim as it stands, if the issuer is trusted with grants; not yet validated
    """

    issuer: str
    subject: str
    scopes: frozenset[str]
    expires_at: int
    issued_at: int
    client_id: str | None
    token_id: str | None
    grants: tuple[Mapping[str, object], ...]


class TokenRefused(Exception):
    """Why a token was refused: a constant of this module, for tests and operators, never for the caller."""

    def __init__(self, reason: str, code: Literal["token_invalid", "token_expired"] = "token_invalid") -> None:
        self.reason = reason
        self.code = code
        super().__init__(reason)


def _refuse(reason: str) -> NoReturn:
    raise TokenRefused(reason)


class IssuerKeys:
    """One trusted issuer and its public keys that can verify anything here; other keys of its set are passed over.

    Raises ValueError (OSError for a missing file) at start for an entry that could never verify a token: an algorithm
    outside ES256 ... RS512, not exactly one of `jwks` and `jwks_file`, an unreadable set, a set without a usable key.
    """

    def __init__(self, entry: Issuer) -> None:
        unknown = sorted(set(entry.algorithms) - set(KEY_OF_ALGORITHM))
        if unknown or not entry.algorithms:
            message = f"issuer {entry.issuer}: algorithms are among {', '.join(KEY_OF_ALGORITHM)}"
            raise ValueError(message)
        if (entry.jwks is None) == (entry.jwks_file is None):
            message = f"issuer {entry.issuer}: give exactly one of jwks and jwks_file"
            raise ValueError(message)
        self.entry = entry
        self._document = self._read()
        self._keys = _usable_keys(self._document, entry.algorithms)
        self._read_at = -math.inf
        if not self._keys:
            message = f"issuer {entry.issuer}: no key of the set can verify its algorithms"
            raise ValueError(message)

    def key(self, kid: str, algorithm: str) -> Key | None:
        """The one key of that id for that algorithm; None when there is none, or more than one."""
        return self._keys.get((kid, algorithm))

    def reread(self, now: float, *, kid: str) -> bool:
        """Read the key set file again, for an unknown `kid` or as a routine; True if it has changed.

        A file that cannot be read leaves the known keys in force.
        """
        pause = ROUTINE_REREAD_SECONDS if any(known == kid for known, _ in self._keys) else UNKNOWN_KID_REREAD_SECONDS
        if self.entry.jwks_file is None or now - self._read_at < pause:
            return False
        self._read_at = now
        try:
            document = self._read()
            if document == self._document:
                return False
            self._keys = _usable_keys(document, self.entry.algorithms)
        except (OSError, ValueError):
            log.warning("the key set file of issuer %s cannot be read; its known keys stay", self.entry.issuer)
            return False
        self._document = document
        return True

    def _read(self) -> str:
        if self.entry.jwks_file is not None:
            return self.entry.jwks_file.read_text(encoding="utf-8")
        return self.entry.jwks or ""


class Verifier:
    """Verifies access tokens of the trusted issuers; to be used from one event loop.

    issuers  at most one entry for an issuer (ValueError otherwise)
    now      seconds since the epoch
    """

    def __init__(self, issuers: Sequence[IssuerKeys], *, now: Callable[[], float] = time.time) -> None:
        self._issuers = {issuer.entry.issuer: issuer for issuer in issuers}
        if len(self._issuers) != len(issuers):
            message = "an issuer may be listed once"
            raise ValueError(message)
        self._now = now
        self._cache: dict[bytes, Claims] = {}

    def verify(self, token: str) -> Claims:
        """The claims of a token that is genuine, meant for us, and in force.

        Raises Unauthenticated with `token_expired` for one that was so until its `exp`, else with `token_invalid`.
        A token seen before costs one SHA-256: the bytes were verified, and only time can have changed the answer.
        """
        now = self._now()
        try:
            # Before the hash, so that a huge token is not even hashed.
            if len(token) > MAX_TOKEN_BYTES:
                _refuse("size")
            digest = hashlib.sha256(token.encode("ascii")).digest()
            # Taken out and put back at the end: the dict's order is the order of last use.
            claims = self._cache.pop(digest, None)
            if claims is None:
                claims = self._verified(token, now)
            if now >= claims.expires_at:
                raise TokenRefused("expired", "token_expired")
        except TokenRefused as refusal:
            raise Unauthenticated(refusal.code) from refusal
        except _UNREADABLE:
            raise Unauthenticated("token_invalid") from None
        if len(self._cache) >= CACHE_SIZE:
            del self._cache[next(iter(self._cache))]
        self._cache[digest] = claims
        return claims

    def _verified(self, token: str, now: float) -> Claims:
        segments = token.split(".")
        if len(segments) != 3:
            _refuse("segments")
        header_bytes, payload, _ = (_decoded(segment) for segment in segments)
        header, claims = _object(header_bytes), _object(payload)
        if not REFUSED_HEADER_MEMBERS.isdisjoint(header):
            _refuse("header member")
        issuer = self._issuers.get(_text(claims, "iss"))
        if issuer is None:
            _refuse("iss")
        algorithm, kid = _text(header, "alg"), _text(header, "kid")
        if algorithm not in issuer.entry.algorithms:
            _refuse("alg")
        _check_type(header, claims, issuer.entry)
        if issuer.reread(now, kid=kid):
            # A key may have been withdrawn; what it signed must be verified anew.
            self._cache.clear()
        key = issuer.key(kid, algorithm)
        if key is None:
            _refuse("kid")
        try:
            signed = jws.verify(token, key, [algorithm])
        except JOSEError:
            raise TokenRefused("signature") from None
        if signed != payload:
            _refuse("signature")
        return _checked(claims, issuer.entry, now)


def _decoded(segment: str) -> bytes:
    """Bytes of a base64url segment without padding; its one canonical spelling only (RFC 7515, 2; RFC 4648, 3.5)."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        _refuse("base64url")
    content = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=") != segment.encode():
        _refuse("base64url")
    return content


def _object(content: bytes) -> Mapping[str, object]:
    """A JSON object, read by the same strict rules as a request body."""
    try:
        value = strictjson.loads(content)
    except BadRequest as error:
        raise TokenRefused(error.code) from None
    if not isinstance(value, dict):
        _refuse("json_object")
    return value


def _text(members: Mapping[str, object], name: str) -> str:
    """A required member: 1 to 255 printable characters."""
    value = members.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or not value.isprintable() or not value.strip():
        _refuse(name)
    return value


def _optional_text(members: Mapping[str, object], name: str) -> str | None:
    return _text(members, name) if name in members else None


def _instant(claims: Mapping[str, object], name: str) -> int:
    """A required NumericDate; whole seconds only, so that no arithmetic of ours ever meets a float."""
    value = claims.get(name)
    # `type`, because a bool is an int.
    if type(value) is not int or not 0 <= value < 2**53:
        _refuse(name)
    return value


def _check_type(header: Mapping[str, object], claims: Mapping[str, object], entry: Issuer) -> None:
    """Only access tokens, never an ID token of the same issuer (RFC 9068, 4)."""
    kind = _text(header, "typ").lower()
    if kind in {"at+jwt", "application/at+jwt"}:
        return
    if kind != "jwt" or not entry.allow_typ_jwt or ("azp" not in claims and "client_id" not in claims):
        _refuse("typ")


def _checked(claims: Mapping[str, object], entry: Issuer, now: float) -> Claims:
    """What a genuine token says, if all of it is of the right type, meant for us and for now."""
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        _refuse("aud")
    if entry.audience not in audiences:
        _refuse("aud")
    if "cnf" in claims:
        # Bound to a key that the sender must prove (DPoP, mTLS). As a bearer token it has been taken from somebody.
        _refuse("cnf")
    expires_at, issued_at = _instant(claims, "exp"), _instant(claims, "iat")
    if not 0 < expires_at - issued_at <= MAX_LIFETIME_SECONDS:
        _refuse("lifetime")
    if issued_at > now + CLOCK_SKEW_SECONDS:
        _refuse("iat")
    if "nbf" in claims and _instant(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
        _refuse("nbf")
    client_id, authorized_party = _optional_text(claims, "client_id"), _optional_text(claims, "azp")
    return Claims(
        issuer=entry.issuer,
        subject=_text(claims, "sub"),
        scopes=_scopes(claims),
        expires_at=expires_at,
        issued_at=issued_at,
        client_id=client_id or authorized_party,
        token_id=_optional_text(claims, "jti"),
        grants=_grants(claims) if entry.trust_grants else (),
    )


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    """RFC 6749, 3.3; a token without `scope` has none."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or (scope and not _SCOPE.fullmatch(scope)):
        _refuse("scope")
    return frozenset(scope.split())


def _grants(claims: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    grants = claims.get("grants", [])
    if not isinstance(grants, list) or not all(isinstance(grant, dict) for grant in grants):
        _refuse("grants")
    # Read-only, because the cache hands the same object to every request.
    return tuple(MappingProxyType(grant) for grant in grants)


def _usable_keys(document: str, algorithms: Sequence[str]) -> dict[tuple[str, str], Key]:
    """Public keys of a JWKS (RFC 7517) by (kid, algorithm).

    Passed over: unknown types and curves, keys without `kid`, for encryption or for another algorithm, RSA below 2,048
    bits, points off the curve, and private or symmetric keys (what the world can read cannot vouch for anybody). Two
    usable keys of one `kid` and algorithm leave neither.
    Raises ValueError for a document that is no JWKS.
    """
    try:
        entries = _object(document.encode("utf-8")).get("keys")
    except TokenRefused:
        entries = None
    if not isinstance(entries, list):
        message = "not a JWKS"
        raise ValueError(message)
    found: dict[tuple[str, str], list[Key]] = {}
    for entry in entries:
        for algorithm in algorithms:
            if isinstance(entry, dict) and (key := _usable_key(entry, algorithm)) is not None:
                found.setdefault((str(entry["kid"]), algorithm), []).append(key)
    return {name: keys[0] for name, keys in found.items() if len(keys) == 1}


def _usable_key(entry: Mapping[str, object], algorithm: str) -> Key | None:
    kty, curve = KEY_OF_ALGORITHM[algorithm]
    operations = entry.get("key_ops", ["verify"])
    if (
        not isinstance(entry.get("kid"), str)
        or not entry["kid"]
        or entry.get("kty") != kty
        or (curve is not None and entry.get("crv") != curve)
        or entry.get("alg", algorithm) != algorithm
        or entry.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
        or not PRIVATE_JWK_MEMBERS.isdisjoint(entry)
    ):
        return None
    try:
        key = jwk.construct({name: entry[name] for name in _PUBLIC_MEMBERS[kty]}, algorithm)
        public = load_pem_public_key(key.to_pem())
    except _UNREADABLE:
        return None
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        return None
    return key
