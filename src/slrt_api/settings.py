"""Typed settings: every knob of the service, read from `SLRT_*` environment variables, units in the names."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Container engines mount secrets here: a file named like the variable (`slrt_index_key`) sets it; the environment wins.
SECRETS_DIRECTORY = Path("/run/secrets")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Discovery(StrEnum):
    """Where an issuer publishes its metadata, and in them where its keys are."""

    OPENID = "openid"
    """`{issuer}/.well-known/openid-configuration` (OpenID Connect Discovery)"""
    OAUTH = "oauth"
    """`https://host/.well-known/oauth-authorization-server/path` (RFC 8414)"""


def _path(value: Any) -> Any:
    return tuple(value.split(".")) if isinstance(value, str) else value


def _discovery(value: Any) -> Any:
    return {True: Discovery.OPENID, False: None}[value] if isinstance(value, bool) else value


# Names from the token inwards. As text they are parted by dots; a name that holds a dot itself
# (`https://id.example/grants`) is written as a list of names.
ClaimPath: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=255)], ...],
    BeforeValidator(_path),
    Field(min_length=1, max_length=8),
]


#: a text that a deployment may pass on empty, for one that is not set
UnlessEmpty: TypeAlias = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class ClaimMapping(BaseModel):
    """Where an issuer writes what the service needs to know; `realm_access.roles` is a path.

    scopes     `scope` is a text of scopes parted by spaces (RFC 9068); at any other place that or a list of scopes
    grants     a list of grants, read from issuers with `trust_grants`
    client_id  None is `client_id`, else `azp`

    Who is meant is always `sub`: with `iss` the one name that an issuer never gives to anybody else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scopes: ClaimPath = ("scope",)
    grants: ClaimPath = ("grants",)
    client_id: ClaimPath | None = None


class Issuer(BaseModel):
    """One token issuer that this service trusts. Its keys come from exactly one of the first four.

    jwks            inline JWKS (JSON text)
    jwks_file       path of a JWKS file, read at start, every five minutes, and when a `kid` is unknown
    jwks_url        address of the JWKS, fetched like the file is read
    discovery       true or `openid`, or `oauth`: the issuer's metadata name the address, on the issuer's own host
    algorithms      what the service accepts, whatever tokens and metadata say; asymmetric ones only
    allow_typ_jwt   accept `typ: JWT` as well as `at+jwt`; then the client's id is required
    trust_grants    take the grants from the token
    claims          where the token says what
    default_role    role of its subjects without a grant; only `citizen`, who reaches nothing but the own reports
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    audience: str = "slrt-api"
    algorithms: tuple[str, ...] = ("ES256", "RS256")
    jwks: str | None = None
    jwks_file: Path | None = None
    jwks_url: str | None = None
    discovery: Annotated[Discovery | None, BeforeValidator(_discovery)] = None
    allow_typ_jwt: bool = False
    trust_grants: bool = False
    default_role: Literal["citizen"] | None = None
    claims: ClaimMapping = ClaimMapping()

    @property
    def fetched_from(self) -> str | None:
        """The first address that the keys are fetched from; None where they lie here."""
        if self.jwks_url is not None:
            return self.jwks_url
        if self.discovery is None:
            return None
        if self.discovery is Discovery.OPENID:
            return self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"

    @model_validator(mode="after")
    def keys_have_one_source(self) -> Self:
        """Refuse an entry without keys, or with two opinions on them, or with an address that cannot be trusted."""
        if sum(source is not None for source in (self.jwks, self.jwks_file, self.jwks_url, self.discovery)) != 1:
            message = f"issuer {self.issuer}: give exactly one of jwks, jwks_file, jwks_url and discovery"
            raise ValueError(message)
        if self.jwks_url is not None and not fetchable(self.jwks_url):
            message = f"issuer {self.issuer}: jwks_url is an https address (http on this machine only)"
            raise ValueError(message)
        if self.discovery is not None and (not fetchable(self.issuer) or urlsplit(self.issuer).query):
            message = f"issuer {self.issuer}: discovery needs an issuer that is an https address without a query"
            raise ValueError(message)
        return self


def fetchable(url: str) -> bool:
    """Whether keys may be fetched from there: https, or http on the loopback; no password and no fragment in it."""
    try:
        parts: SplitResult = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = parts.scheme == "http" and host in {"127.0.0.1", "::1", "localhost"}
    return bool(
        (parts.scheme == "https" or plain) and host and "@" not in parts.netloc and "#" not in url and url.isprintable()
    )


class DatabaseSettings(BaseSettings):
    """Where the database is: all that `slrt-api db` needs. Asks for no keys and no issuer, also in production."""

    model_config = SettingsConfigDict(
        env_prefix="SLRT_",
        frozen=True,
        extra="ignore",
        # An error would show the values of the other fields as well: URLs with passwords, keys.
        hide_input_in_errors=True,
        # pydantic-settings warns about a directory that does not exist, and most machines have none.
        secrets_dir=SECRETS_DIRECTORY if SECRETS_DIRECTORY.is_dir() else None,
    )

    database_url: str | None = Field(default=None, repr=False, description="the API's login role, slrt_api")
    migration_database_url: str | None = Field(default=None, repr=False, description="the owner's, for migrations")
    admin_database_url: str | None = Field(default=None, repr=False, description="an administrator's, for `db roles`")


class Settings(DatabaseSettings):
    """All settings. Secrets have no default outside development (see `runtime/crypto`)."""

    env: Environment = Environment.DEVELOPMENT
    data_dir: Path | None = None
    base_url: str = "http://127.0.0.1:8000"
    issuers: tuple[Issuer, ...] = ()
    dev_issuer: bool | None = None
    encryption_keys: SecretStr | None = Field(
        default=None, description="JSON object {key id: base64 of 32 bytes}; the last is used for new values"
    )
    index_key: SecretStr | None = Field(
        default=None,
        description="base64 of 32 bytes; root of the keyed digests, and the key of the blind index without index_keys",
    )
    index_keys: SecretStr | None = Field(
        default=None,
        description="JSON object {key id: base64 of 32 bytes}; keys of the blind index, the last is used for new values",
    )
    sealed_keys: SecretStr | None = Field(
        default=None,
        description="JSON object {key id: base64 of 32 bytes}; keys of sealed reports alone, the last is used for new ones",
    )
    nik_lookups_per_user_per_day: int = Field(default=200, ge=0)
    nik_lookups_per_organization_per_day: int = Field(default=5_000, ge=0)
    name_searches_per_user_per_day: int = Field(default=400, ge=0)
    name_searches_per_organization_per_day: int = Field(default=10_000, ge=0)
    reveals_per_user_per_day: int = Field(default=50, ge=0)
    reveals_per_organization_per_day: int = Field(default=1_000, ge=0)
    civil_checks_per_user_per_day: int = Field(default=200, ge=0)
    civil_checks_per_organization_per_day: int = Field(default=5_000, ge=0)
    civil_registry_url: str | None = Field(
        default=None, description="base of the civil registry's interface, without a slash at its end; off when unset"
    )
    civil_registry_credential: SecretStr | None = Field(default=None, description="bearer token for the civil registry")
    civil_answer_days: int = Field(
        default=30, ge=1, le=366, description="how long an answer of the civil registry is not asked for again"
    )
    attachments_url: str | None = Field(
        default=None,
        description="where files are kept: `s3://bucket/prefix` or `file:///folder`; `attachments` in the data folder"
        " when unset",
    )
    attachments_endpoint: UnlessEmpty = Field(
        default=None, description="address of an S3-compatible store; that of AWS when unset"
    )
    attachments_region: str = Field(default="us-east-1", description="region that requests to the store are signed for")
    attachments_access_key: UnlessEmpty = Field(default=None, repr=False, description="id of the store's access key")
    attachments_secret_key: SecretStr | None = Field(default=None, description="secret of the store's access key")
    attachment_max_bytes: int = Field(default=10 * 1_048_576, ge=1, le=256 * 1_048_576)
    attachments_per_resource: int = Field(default=50, ge=1)
    attachment_bytes_per_resource: int = Field(default=200 * 1_048_576, ge=1)
    attachment_upload_minutes: int = Field(
        default=24 * 60, ge=1, le=30 * 24 * 60, description="after which an upload that was not completed is dropped"
    )
    attachment_link_seconds: int = Field(default=120, ge=5, le=900, description="how long a link to a file works")
    cors_origins: tuple[str, ...] = ()
    graphql_documents: Path | None = Field(
        default=None, description="folder of persisted documents (*.graphql), or a JSON file {sha256: text}"
    )
    graphql_documents_only: bool = Field(default=False, description="run persisted documents and nothing else")
    read_pool_size: int = 6
    write_pool_size: int = 6
    pool_acquire_timeout_seconds: float = 0.25
    read_timeout_ms: int = 2_000
    write_timeout_ms: int = 10_000
    lock_timeout_ms: int = 1_000
    max_body_bytes: int = 1_048_576
    rate_limit_per_minute: int = 6_000
    public_rate_limit_per_minute: int = 120
    trace_sample_ratio: float = Field(default=0.05, ge=0, le=1)
    otlp_endpoint: str | None = None
    metrics_port: int | None = None
    log_level: str = "INFO"

    @cached_property
    def production(self) -> bool:
        return self.env is Environment.PRODUCTION

    @cached_property
    def dev_issuer_enabled(self) -> bool:
        return not self.production if self.dev_issuer is None else self.dev_issuer

    @model_validator(mode="after")
    def civil_registry_is_complete(self) -> Self:
        """Refuse a civil registry without its credential, and an address that NIKs could be read on the way to."""
        if self.civil_registry_url is None:
            return self
        if self.civil_registry_credential is None:
            message = "SLRT_CIVIL_REGISTRY_URL needs SLRT_CIVIL_REGISTRY_CREDENTIAL"
            raise ValueError(message)
        if not fetchable(self.civil_registry_url) or self.civil_registry_url.endswith("/"):
            message = (
                "SLRT_CIVIL_REGISTRY_URL is an https address (http on this machine only) without a slash at its end"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def attachments_have_a_place(self) -> Self:
        """Refuse a place for files that is none, one half of a key, and a store that a key would travel to in clear."""
        scheme, separator, place = (self.attachments_url or "file:///").partition("://")
        if scheme not in {"s3", "file"} or not separator or not place or "@" in place:
            message = "SLRT_ATTACHMENTS_URL is s3://bucket/prefix or file:///folder, without a password in it"
            raise ValueError(message)
        if (self.attachments_access_key is None) != (self.attachments_secret_key is None):
            message = "SLRT_ATTACHMENTS_ACCESS_KEY and SLRT_ATTACHMENTS_SECRET_KEY are given together or not at all"
            raise ValueError(message)
        if self.attachments_endpoint is not None and not fetchable(self.attachments_endpoint):
            message = "SLRT_ATTACHMENTS_ENDPOINT is an https address (http on this machine only)"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def production_is_complete(self) -> Self:
        """Refuse to start a production service that lacks keys or an issuer, or that would mint its own tokens."""
        if self.env is not Environment.PRODUCTION:
            return self
        missing = [
            name
            for name, value in (
                ("SLRT_DATABASE_URL", self.database_url),
                ("SLRT_ENCRYPTION_KEYS", self.encryption_keys),
                ("SLRT_INDEX_KEY", self.index_key),
                ("SLRT_SEALED_KEYS", self.sealed_keys),
                ("SLRT_ISSUERS", self.issuers),
            )
            if not value
        ]
        if missing:
            message = f"SLRT_ENV=production needs {', '.join(missing)}"
            raise ValueError(message)
        if self.dev_issuer:
            message = "SLRT_ENV=production refuses SLRT_DEV_ISSUER"
            raise ValueError(message)
        if any((issuer.fetched_from or "https:").startswith("http:") for issuer in self.issuers):
            message = "SLRT_ENV=production fetches the keys of SLRT_ISSUERS over https only"
            raise ValueError(message)
        return self
