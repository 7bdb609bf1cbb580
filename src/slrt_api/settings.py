"""Typed settings: every knob of the service, read from `SLRT_*` environment variables, units in the names."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Container engines mount secrets here: a file named like the variable (`slrt_index_key`) sets it; the environment wins.
SECRETS_DIRECTORY = Path("/run/secrets")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Issuer(BaseModel):
    """One token issuer that this service trusts.

    jwks            inline JWKS (JSON text) or None
    jwks_file       path of a JWKS file, read at start and when a `kid` is unknown
    allow_typ_jwt   accept `typ: JWT` as well as `at+jwt`; then `azp` or `client_id` is required
    trust_grants    take the grants from the token's `grants` claim
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    audience: str = "slrt-api"
    algorithms: tuple[str, ...] = ("ES256", "RS256")
    jwks: str | None = None
    jwks_file: Path | None = None
    allow_typ_jwt: bool = False
    trust_grants: bool = False


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
    index_key: SecretStr | None = Field(default=None, description="base64 of 32 bytes; key of the blind index")
    cors_origins: tuple[str, ...] = ()
    graphql_documents: Path | None = Field(
        default=None, description="folder of persisted documents (*.graphql), or a JSON file {sha256: text}"
    )
    graphql_documents_only: bool = Field(default=False, description="run persisted documents and nothing else")
    read_pool_size: int = 6
    write_pool_size: int = 4
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
        return self
