"""Who asks: people of a regency's secretariat, whose rows are a range of areas."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.seed import REGENCY
from slrt_api.access.actors import caller_of
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.devissuer import DevClient, DevIssuer
from slrt_api.runtime.tokens import IssuerKeys, Verifier
from slrt_api.settings import Settings

_SUBJECT = "bench"


def token(settings: Settings, role: Role = Role.SECRETARIAT_MANAGER) -> str:
    """An ES256 access token of an hour, by the development issuer of the settings' data folder."""
    return tokens(settings, 1, role)[0]


def tokens(settings: Settings, number: int, role: Role = Role.SECRETARIAT_MANAGER) -> list[str]:
    """So many of them, each of another subject."""
    assert settings.data_dir is not None
    scopes = frozenset(scope.value for scope in PERMISSIONS[role])
    grant = {"role": role.value, "areas": [REGENCY], "organization": None, "programs": []}
    issuer = DevIssuer(settings, Path(settings.data_dir), {})
    subjects = [_SUBJECT, *(f"{_SUBJECT}-{each}" for each in range(1, number))]
    return [issuer.issue(DevClient(_SUBJECT, _SUBJECT, subject, scopes, (grant,))) for subject in subjects]


def manager() -> Actor:
    """The actor that the service makes of that token."""
    return acting(Role.SECRETARIAT_MANAGER)


def acting(role: Role) -> Actor:
    """The actor that the service makes of the token of that role."""
    settings = Settings()
    assert settings.data_dir is not None
    issuer = DevIssuer(settings, Path(settings.data_dir), {}).entry()
    claims = Verifier([IssuerKeys(issuer)]).verify(token(settings, role))
    return caller_of(claims).acting(None, datetime.now(UTC))
