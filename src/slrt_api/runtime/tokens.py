"""Verification of access tokens (RFC 9068 profile of JWT), the only place where python-jose is used.

python-jose 3.5.0 by itself takes a DER public key for an HMAC secret, ignores `crit`, accepts tokens without `exp`,
duplicate members and any curve with any ES algorithm, and fails on a key set with one unknown key. So it only checks
one signature, with one key and one algorithm that were chosen here; every other decision is made in this file.

Not here: how an issuer's keys are fetched (`issuers`), who may act where (`access`), and revocation, which is a table.
"""

import asyncio
import base64
import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NoReturn

import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from slrt_api.kernel.errors import BadRequest, Unauthenticated
from slrt_api.runtime import strictjson
from slrt_api.runtime.issuers import ROUTINE_SECONDS, UNKNOWN_KID_SECONDS, PublishedKeys
from slrt_api.settings import Issuer

MAX_TOKEN_BYTES = 8_192
MAX_LIFETIME_SECONDS = 3_600
# Tolerance for an issuer whose clock runs ahead of ours (`iat`, `nbf`). There is none for `exp`: clients renew in time,
# and a token that lives on after its end is what the end is meant to prevent.
CLOCK_SKEW_SECONDS = 60
CACHE_SIZE = 10_000
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

# What only an ID token has: those of an issuer whose access tokens are of type `JWT` as well look much alike.
_ID_TOKEN_MEMBERS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_RFC_9068_SCOPES = ("scope",)

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

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says.

    scopes      what it carries; the mapping of the issuer's entry says where
    expires_at  seconds since the epoch, as is `issued_at`
    client_id   whom it was issued to
    grants      its grants as they stand, if the issuer is trusted with grants; not yet validated
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


class KeyUnknown(TokenRefused):
    """No key of that `kid` and algorithm is known; the issuer may have published it meanwhile."""

    def __init__(self, keys: "IssuerKeys") -> None:
        self.keys = keys
        super().__init__("kid")


class IssuerKeys:
    """One trusted issuer and its public keys that can verify anything here; other keys of its set are passed over.

    Raises ValueError (OSError for a missing file) at start for an entry that could never verify a token: an algorithm
    outside ES256 ... RS512, an unreadable set, a set without a usable key. A set that is fetched may come later.

    now  seconds that only grow, for the pauses between fetches
    """

    def __init__(self, entry: Issuer, *, now: Callable[[], float] = time.monotonic) -> None:
        unknown = sorted(set(entry.algorithms) - set(KEY_OF_ALGORITHM))
        if unknown or not entry.algorithms:
            message = f"issuer {entry.issuer}: algorithms are among {', '.join(KEY_OF_ALGORITHM)}"
            raise ValueError(message)
        self.entry = entry
        #: the keys that the issuer publishes; None where they lie here
        self.published = None if entry.fetched_from is None else PublishedKeys(entry, self.take, now=now)
        #: called after another set than before has been taken into force
        self.changed: Callable[[], None] = lambda: None
        self._document: str | None = None
        self._keys: dict[tuple[str, str], Key] = {}
        self._read_at = -math.inf
        if self.published is None:
            self.take(self._read())
            if not self._keys:
                message = f"issuer {entry.issuer}: no key of the set can verify its algorithms"
                raise ValueError(message)

    def key(self, kid: str, algorithm: str) -> Key | None:
        """The one key of that id for that algorithm; None when there is none, or more than one."""
        return self._keys.get((kid, algorithm))

    def take(self, document: str) -> None:
        """Take a key set into force. Raises ValueError for a document that is no JWKS."""
        if document == self._document:
            return
        self._keys = _usable_keys(document, self.entry.algorithms)
        self._document = document
        if self.entry.jwks is None:
            # None usable: the issuer has withdrawn all, or the entry allows none of its algorithms. Nobody gets in.
            tell = _log.info if self._keys else _log.warning
            tell("issuer_keys_taken", issuer=self.entry.issuer, usable=len(self._keys))
        self.changed()

    def reread(self, now: float, *, kid: str | None = None) -> None:
        """Read the key set file again, for an unknown `kid` or as a routine.

        A file that cannot be read leaves the known keys in force.
        """
        known = kid is None or any(known == kid for known, _ in self._keys)
        if self.entry.jwks_file is None or now - self._read_at < (ROUTINE_SECONDS if known else UNKNOWN_KID_SECONDS):
            return
        self._read_at = now
        try:
            self.take(self._read())
        except (OSError, ValueError):
            _log.warning("issuer_key_file_unreadable", issuer=self.entry.issuer)

    async def keep_fresh(self, now: Callable[[], float]) -> None:
        """Look for other keys now and then, until cancelled; ends at once for keys that stand in the settings."""
        if self.published is not None:
            await self.published.keep_fresh()
        while self.entry.jwks_file is not None:
            self.reread(now())
            await asyncio.sleep(ROUTINE_SECONDS)

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
        for issuer in issuers:
            # A key may have been withdrawn: what it signed must be verified anew.
            issuer.changed = self._cache.clear

    async def authenticate(self, token: str) -> Claims:
        """The claims of a token, as `verify` says; for a `kid` that is not known the issuer is asked first.

        Raises Unavailable while the issuer has never been reached.
        """
        try:
            return self.verify(token)
        except Unauthenticated as refusal:
            unknown = refusal.__cause__
            if not isinstance(unknown, KeyUnknown) or unknown.keys.published is None:
                raise
            if not await unknown.keys.published.ask_again():
                raise
        return self.verify(token)

    async def keep_fresh(self) -> None:
        """Keep the keys of all issuers as they are published, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for issuer in self._issuers.values():
                group.create_task(issuer.keep_fresh(self._now))

    def verify(self, token: str) -> Claims:
        """The claims of a token that is genuine, meant for us, and in force, by the keys at hand.

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
        issuer.reread(now, kid=kid)
        key = issuer.key(kid, algorithm)
        if key is None:
            raise KeyUnknown(issuer)
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
    if kind != "jwt" or not entry.allow_typ_jwt or _client_id(claims, entry) is None:
        _refuse("typ")
    # Keycloak says inside, too, what a token is: Bearer, ID, Refresh, Logout.
    if not _ID_TOKEN_MEMBERS.isdisjoint(claims) or claims.get("typ", "Bearer") != "Bearer":
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
    return Claims(
        issuer=entry.issuer,
        subject=_text(claims, "sub"),
        scopes=_scopes(claims, entry.claims.scopes),
        expires_at=expires_at,
        issued_at=issued_at,
        client_id=_client_id(claims, entry),
        token_id=_optional_text(claims, "jti"),
        grants=_grants(_at(claims, entry.claims.grants, [])) if entry.trust_grants else (),
    )


def _at(claims: Mapping[str, object], path: Sequence[str], absent: object) -> object:
    """What stands at a path of the claims, `absent` where nothing does."""
    value: object = claims
    for name in path:
        if not isinstance(value, dict):
            _refuse("claims")
        if name not in value:
            return absent
        value = value[name]
    return value


def _client_id(claims: Mapping[str, object], entry: Issuer) -> str | None:
    if entry.claims.client_id is not None:
        value = _at(claims, entry.claims.client_id, None)
        return None if value is None else _text({"client_id": value}, "client_id")
    client_id, authorized_party = _optional_text(claims, "client_id"), _optional_text(claims, "azp")
    return client_id or authorized_party


def _scopes(claims: Mapping[str, object], path: Sequence[str]) -> frozenset[str]:
    """RFC 6749, 3.3; a token without scopes has none.

    In a list other things than scopes may stand as well, the names of realm roles for instance: they are passed over.
    """
    found = _at(claims, path, "")
    if isinstance(found, list) and tuple(path) != _RFC_9068_SCOPES:
        if not all(isinstance(one, str) for one in found):
            _refuse("scope")
        return frozenset(one for one in found if _SCOPE.fullmatch(one) and " " not in one)
    if not isinstance(found, str) or (found and not _SCOPE.fullmatch(found)):
        _refuse("scope")
    return frozenset(found.split())


def _grants(grants: object) -> tuple[Mapping[str, object], ...]:
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
