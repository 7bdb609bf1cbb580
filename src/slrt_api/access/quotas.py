"""Daily quotas of what could empty a registry number by number: lookups and reveals, per user and per organization.

The count stands in PostgreSQL and is taken in the act's own transaction: exact across workers and restarts, and an act that
is refused or fails gives back what it took. A lookup that finds nobody is an answer and counts.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Field, SQLModel

from slrt_api.access.scopes import Role
from slrt_api.areas.dataset import TENANTS
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.settings import Settings


class Quota(StrEnum):
    """What is counted. A KK number that is looked up counts as a NIK does; searches by name are counted apart."""

    NIK_LOOKUP = "NIK_LOOKUP"
    NAME_SEARCH = "NAME_SEARCH"
    REVEAL = "REVEAL"
    CIVIL_CHECK = "CIVIL_CHECK"


class Holder(StrEnum):
    """Whose use is counted."""

    USER = "USER"
    ORGANIZATION = "ORGANIZATION"


class QuotaUse(SQLModel, table=True):
    """How much of one quota a holder has used on one day of the regency's time zone.

    `holder` is a keyed digest, so that the table does not tell who works how much to whoever reads it.
    """

    __tablename__ = "quota_uses"

    regency: int = Field(primary_key=True)
    holder: bytes = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    used: int


#: setting that limits a quota for a kind of holder
_SETTINGS: Final[Mapping[tuple[Quota, Holder], str]] = MappingProxyType(
    {
        (Quota.NIK_LOOKUP, Holder.USER): "nik_lookups_per_user_per_day",
        (Quota.NIK_LOOKUP, Holder.ORGANIZATION): "nik_lookups_per_organization_per_day",
        (Quota.NAME_SEARCH, Holder.USER): "name_searches_per_user_per_day",
        (Quota.NAME_SEARCH, Holder.ORGANIZATION): "name_searches_per_organization_per_day",
        (Quota.REVEAL, Holder.USER): "reveals_per_user_per_day",
        (Quota.REVEAL, Holder.ORGANIZATION): "reveals_per_organization_per_day",
        (Quota.CIVIL_CHECK, Holder.USER): "civil_checks_per_user_per_day",
        (Quota.CIVIL_CHECK, Holder.ORGANIZATION): "civil_checks_per_organization_per_day",
    }
)
#: the office of who belongs to no organization of ours: one for all who work in the villages, one for the secretariat
_OFFICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Role.FACILITATOR: "puskesos",
        Role.PUSKESOS_OFFICER: "puskesos",
        Role.PUSKESOS_COORDINATOR: "puskesos",
        Role.SECRETARIAT_OFFICER: "secretariat",
        Role.SECRETARIAT_MANAGER: "secretariat",
    }
)
_TAKE: Final = """
INSERT INTO quota_uses AS q (regency, holder, kind, day, used)
SELECT $1, $2, $3, $4, 1 WHERE $5::integer > 0
ON CONFLICT (regency, holder, kind, day) DO UPDATE SET used = q.used + 1 WHERE q.used < $5
RETURNING used
"""


def limits(settings: Settings) -> Mapping[str, int]:
    """The limits of these settings, by the name of the setting."""
    return {name: getattr(settings, name) for name in _SETTINGS.values()}


async def take(tx: Transaction, actor: Actor, regency: int, quota: Quota) -> None:
    """Take one of the actor's quota, for the user and for the organization. Called inside `tx.effect(regency)`.

    Raises TooManyRequests `quota_exhausted`, to be tried again after midnight in the regency's time zone.
    """
    zone = ZoneInfo(_zones()[regency])
    day = tx.now.astimezone(zone).date()
    # The user's row first: whoever waits for the row of an organization holds the own one only, so that none wait in a ring.
    for holder, name in ((Holder.USER, actor.subject), (Holder.ORGANIZATION, organization(actor, regency))):
        limit = tx.limits.get(_SETTINGS[quota, holder], _defaults()[_SETTINGS[quota, holder]])
        pseudonym = tx.keyring.digest("quota holder", f"{holder.value}\x1f{name}".encode())
        if await tx.value(_TAKE, regency, pseudonym, quota.value, day, limit) is None:
            raise errors.TooManyRequests("quota_exhausted", retry_after_seconds=_until_midnight(tx.now, zone))


def organization(actor: Actor, regency: int) -> str:
    """Whose the actor's work is: the organization of the grant, else the office that the role works for in `regency`."""
    if actor.organization_id is not None:
        return str(actor.organization_id)
    return f"{regency:04d} {_OFFICES.get(actor.role, actor.role)}"


def _until_midnight(now: datetime, zone: ZoneInfo) -> int:
    """Seconds until the next day begins in `zone`, at least 1."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return max(1, math.ceil((datetime.combine(tomorrow, time(0), zone) - now).total_seconds()))


@cache
def _zones() -> Mapping[int, str]:
    return {tenant.number: tenant.time_zone for tenant in TENANTS}


@cache
def _defaults() -> Mapping[str, int]:
    return {name: Settings.model_fields[name].default for name in _SETTINGS.values()}
