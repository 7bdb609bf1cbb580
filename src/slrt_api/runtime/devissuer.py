"""The embedded token issuer of a development installation: OAuth 2.0 client credentials, nothing else.

It exists so that two commands give a running platform. It cannot be made in production, where a real issuer is
configured.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slrt_api.runtime import secretfile
from slrt_api.runtime.tokens import MAX_LIFETIME_SECONDS, MAX_TOKEN_BYTES
from slrt_api.settings import Issuer, Settings

AUDIENCE = "slrt-api"
MAX_FORM_BYTES = 8_192
MAX_FORM_FIELDS = 32
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
JWKS_PATH = "/.well-known/jwks.json"
CONFIGURATION_PATH = "/.well-known/openid-configuration"

_COORDINATE_BYTES = 32
_FORM = re.compile(r"application/x-www-form-urlencoded\s*(?:;.*)?", re.IGNORECASE | re.ASCII)
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE | re.ASCII)

ErrorCode = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


class DevIssuerRefused(ValueError):
    """This installation may not mint tokens for itself."""


@dataclass(frozen=True, slots=True)
class DevClient:
    """One client of the development issuer.

    subject  `sub` of its tokens
    scopes   what it may ask for, and gets when it asks for nothing in particular
    grants   the `grants` claim, a list of `{"role": "facilitator", "areas": ["33.26.01.2001"], "organization": "<uuid>"
             or null, "programs": ["PKH"], "valid_until": null}`
    """

    client_id: str
    secret: str = field(repr=False)
    subject: str
    scopes: frozenset[str]
    grants: tuple[Mapping[str, object], ...] = ()


class _OAuthError(Exception):
    """An error answer of RFC 6749, 5.2."""

    def __init__(self, code: ErrorCode, description: str, *, status: int = 400) -> None:
        self.code = code
        self.description = description
        self.status = status
        super().__init__(code)


class DevIssuer:
    """Issues ES256 access tokens (RFC 9068) under one key that all processes on one data folder share.

    Raises DevIssuerRefused in production and where SLRT_DEV_ISSUER is off.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        clients: Mapping[str, DevClient],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        if settings.production:
            raise DevIssuerRefused("SLRT_ENV=production refuses the development issuer")
        if not settings.dev_issuer_enabled:
            raise DevIssuerRefused("SLRT_DEV_ISSUER is off")
        if any(client.client_id != client_id for client_id, client in clients.items()):
            message = "clients are listed by their client_id"
            raise ValueError(message)
        self._issuer = settings.base_url
        # Kept as it is handed in: the composition root fills it when the database, which knows the organizations, is there.
        self._clients = clients
        self._now = now
        self._key = _loaded(secretfile.load_or_create(data_dir / "dev-issuer.json", _generated))
        point = self._key.public_key().public_numbers()
        self._jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": _b64(point.x.to_bytes(_COORDINATE_BYTES, "big")),
            "y": _b64(point.y.to_bytes(_COORDINATE_BYTES, "big")),
        }
        # RFC 7638: the thumbprint is over these members, sorted, without spaces; so every process names the key alike.
        canonical = json.dumps(self._jwk, separators=(",", ":"), sort_keys=True).encode()
        self._kid = _b64(hashlib.sha256(canonical).digest())

    def issue(
        self, client: DevClient, scope: frozenset[str] | None = None, lifetime_seconds: int = MAX_LIFETIME_SECONDS
    ) -> str:
        """A signed access token for `client`.

        scope             None for all scopes of the client
        lifetime_seconds  1 to 3,600
        Raises ValueError for scopes that the client does not have, for another lifetime, and for grants that would make
        the token longer than the service reads.
        """
        scopes = client.scopes if scope is None else scope
        if not scopes <= client.scopes:
            message = "the client does not have these scopes"
            raise ValueError(message)
        if not 1 <= lifetime_seconds <= MAX_LIFETIME_SECONDS:
            message = f"a token lives 1 to {MAX_LIFETIME_SECONDS} seconds"
            raise ValueError(message)
        issued_at = int(self._now())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": client.subject,
            "client_id": client.client_id,
            "iat": issued_at,
            "exp": issued_at + lifetime_seconds,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(sorted(scopes)),
            "grants": [dict(grant) for grant in client.grants],
        }
        header = {"alg": "ES256", "kid": self._kid, "typ": "at+jwt"}
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
        token = f"{signed}.{_b64(signature)}"
        if len(token) > MAX_TOKEN_BYTES:
            message = f"the grants of client {client.client_id} do not fit into a token"
            raise ValueError(message)
        return token

    def entry(self) -> Issuer:
        """The entry that makes the service trust this issuer, with its grants."""
        return Issuer(
            issuer=self._issuer,
            audience=AUDIENCE,
            algorithms=("ES256",),
            jwks=json.dumps(self.jwks()),
            trust_grants=True,
        )

    def jwks(self) -> dict[str, object]:
        """The public key as a JWKS (RFC 7517)."""
        return {"keys": [{**self._jwk, "alg": "ES256", "kid": self._kid, "use": "sig"}]}

    def openid_configuration(self) -> dict[str, object]:
        """The metadata of RFC 8414 and OpenID Connect Discovery."""
        base = self._issuer.rstrip("/")
        return {
            "issuer": self._issuer,
            "token_endpoint": base + TOKEN_PATH,
            "jwks_uri": base + JWKS_PATH,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            # Required by both standards; empty, because there is no authorization endpoint.
            "response_types_supported": [],
            "scopes_supported": sorted(frozenset[str]().union(*(client.scopes for client in self._clients.values()))),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def routes(self) -> list[Route]:
        """The token endpoint and the two documents that describe it."""
        return [
            Route(TOKEN_PATH, self._token, methods=["POST"], name="dev_issuer_token"),
            Route(JWKS_PATH, self._jwks_document, methods=["GET"], name="dev_issuer_jwks"),
            Route(CONFIGURATION_PATH, self._configuration_document, methods=["GET"], name="dev_issuer_configuration"),
        ]

    async def _jwks_document(self, _: Request) -> Response:
        return JSONResponse(self.jwks(), headers={"Cache-Control": "no-cache"})

    async def _configuration_document(self, _: Request) -> Response:
        return JSONResponse(self.openid_configuration(), headers={"Cache-Control": "no-cache"})

    async def _token(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        try:
            form = await _form(request)
            client = self._authenticated(request.headers.getlist("authorization"), form)
            scopes = _granted(form, client)
        except _OAuthError as error:
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="slrt-api development issuer", charset="UTF-8"'
            body = {"error": error.code, "error_description": error.description}
            return JSONResponse(body, error.status, headers)
        answer = {
            "access_token": self.issue(client, scopes),
            "token_type": "Bearer",
            "expires_in": MAX_LIFETIME_SECONDS,
            "scope": " ".join(sorted(scopes)),
        }
        return JSONResponse(answer, headers=headers)

    def _authenticated(self, authorization: list[str], form: Mapping[str, str]) -> DevClient:
        """The client of the request, by client_secret_basic or client_secret_post."""
        if authorization and ("client_secret" in form or len(authorization) > 1):
            raise _OAuthError("invalid_request", "Authenticate the client in one way only.")
        if authorization:
            client_id, secret = _basic(authorization[0])
            if form.get("client_id", client_id) != client_id:
                raise _OAuthError("invalid_request", "The client_id of the body is not the one that authenticates.")
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        client = self._clients.get(client_id)
        # An unknown client is compared too, with a secret that nobody has, so that the time does not tell who exists.
        expected = secrets.token_bytes(16) if client is None else client.secret.encode()
        if not hmac.compare_digest(expected, secret.encode()) or client is None:
            raise _OAuthError("invalid_client", "Unknown client or wrong secret.", status=401)
        return client


async def _form(request: Request) -> dict[str, str]:
    """Parameters of the body; those without a value count as omitted (RFC 6749, 3.2)."""
    if not _FORM.fullmatch(request.headers.get("content-type", "")):
        raise _OAuthError("invalid_request", "Send application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise _OAuthError("invalid_request", f"The body is longer than {MAX_FORM_BYTES} bytes.", status=413)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise _OAuthError("invalid_request", "The body cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _OAuthError("invalid_request", "A parameter is given twice.")
    return {name: value for name, value in form.items() if value}


def _basic(authorization: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded before they were joined (RFC 6749, 2.3.1)."""
    match = _BASIC.fullmatch(authorization)
    try:
        text = base64.b64decode(match[1], validate=True).decode() if match else ""
        client_id, secret = text.split(":", 1)
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise _OAuthError("invalid_client", "The Authorization header cannot be read.", status=401) from None


def _granted(form: Mapping[str, str], client: DevClient) -> frozenset[str]:
    if "grant_type" not in form:
        raise _OAuthError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise _OAuthError("unsupported_grant_type", "Only client_credentials is supported.")
    if "scope" not in form:
        return client.scopes
    wanted = frozenset(form["scope"].split(" "))
    if not wanted <= client.scopes:
        raise _OAuthError("invalid_scope", "The client does not have all of these scopes.")
    return wanted


def _generated() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return json.dumps({"kty": "EC", "crv": "P-256", "d": _b64(key.to_bytes(_COORDINATE_BYTES, "big"))}).encode()


def _loaded(document: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        encoded = json.loads(document)["d"]
        private_value = int.from_bytes(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), "big")
        return ec.derive_private_key(private_value, ec.SECP256R1())
    except (ValueError, TypeError, LookupError):
        # Without the cause: it may quote the key.
        raise DevIssuerRefused("dev-issuer.json in the data folder is damaged; delete it to get a new key") from None


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
