"""From a verified token to an actor: the grants of one role become its rows and rights.

Grants come from the claims of issuers that are trusted to carry them. A caller who holds several roles names one; it is
never the union of roles over the union of areas.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from slrt_api.access.permissions import KINDS
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.areas import codes
from slrt_api.areas.dataset import tenants_by_code
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tokens import Claims

MAX_AREAS = 1_000
#: how far a case must have been escalated to be seen by the role, see `cases.codes.LEVELS`
_LEVELS = {Role.PROVINCE_OFFICE: 1, Role.NATIONAL_OFFICE: 2}
#: the range of the ten-digit numbers of all areas
_NATION = (0, 9_999_999_999)
#: namespace of the pseudonym by which a citizen's own reports are found again
_SUBJECTS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:slrt:subject")


class Grant(BaseModel):
    """One grant as a token carries it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    areas: tuple[str, ...] = ()
    organization: UUID | None = None
    programs: tuple[UUID, ...] = ()
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    def valid_at(self, now: datetime) -> bool:
        started = self.valid_from is None or self.valid_from <= now
        return started and (self.valid_until is None or now < self.valid_until)


_GRANTS = TypeAdapter(tuple[Grant, ...])


@dataclass(frozen=True)
class Caller:
    """A verified token with the grants in it."""

    subject: str
    scopes: frozenset[str]
    grants: tuple[Grant, ...]

    def acting(self, role: str | None, now: datetime) -> Actor:
        """The actor of the role named, or of the only one held.

        Raises BadRequest `acting_role_required` when several are held and none is named, Forbidden `role_not_granted`
        when no valid grant of the role is held.
        """
        valid = [grant for grant in self.grants if grant.valid_at(now)]
        held = {grant.role for grant in valid}
        if role is None:
            if len(held) > 1:
                fault = errors.Fault("Acting-Role", "acting_role_required", "Name one of the roles you hold.")
                raise errors.BadRequest("acting_role_required", faults=(fault,))
            chosen = next(iter(held), None)
        else:
            chosen = next((each for each in held if each.value == role), None)
        if chosen is None:
            raise errors.Forbidden("role_not_granted")
        mine = [grant for grant in valid if grant.role is chosen]
        return _actor(self, chosen, mine)


def caller_of(claims: Claims) -> Caller:
    """The caller of a verified token. Raises Unauthenticated when its grants cannot be read."""
    try:
        grants = _GRANTS.validate_python([dict(grant) for grant in claims.grants])
    except ValidationError:
        raise errors.Unauthenticated("token_invalid") from None
    return Caller(f"{claims.issuer}#{claims.subject}", claims.scopes, grants)


def subject_id(subject: str) -> UUID:
    """The pseudonym of `issuer#sub` that stands on a citizen's own reports."""
    return uuid.uuid5(_SUBJECTS, subject)


def _actor(caller: Caller, role: Role, grants: Sequence[Grant]) -> Actor:
    kind = KINDS[role]
    try:
        areas = [codes.parse_area_code(area) for grant in grants for area in grant.areas]
    except codes.AreaCodeError:
        raise errors.Forbidden("grant_unusable") from None
    organization = next((grant.organization for grant in grants if grant.organization), None)
    program = next((program for grant in grants for program in grant.programs), None)
    limits: dict[str, Any] = {"tenants": _tenants(areas)}
    if role is Role.NATIONAL_OFFICE and not areas:
        limits["lo"], limits["hi"] = _NATION
    elif kind in {ScopeKind.AREA_RANGE, ScopeKind.AUDITOR, ScopeKind.PROGRAM, ScopeKind.ESCALATED}:
        # Several ranges would need an OR in the policy, and their hull would grant what lies between them.
        if len(areas) != 1:
            raise errors.Forbidden("grant_unusable")
        limits["lo"], limits["hi"] = codes.area_range(areas[0])
    if kind is ScopeKind.AREA_LIST:
        if not 0 < len(areas) <= MAX_AREAS or any(area.level is not codes.Level.VILLAGE for area in areas):
            raise errors.Forbidden("grant_unusable")
        limits["areas"] = tuple(sorted(codes.area_number(area) for area in areas))
    if kind is ScopeKind.ESCALATED:
        limits["level"] = _LEVELS[role]
    if kind is ScopeKind.ORGANIZATION:
        limits["organization_id"] = _given(organization)
    if kind is ScopeKind.PROGRAM:
        limits["program_id"] = _given(program)
    if kind is ScopeKind.SUBJECT:
        # A citizen may complain about any village, so the own reports lie in any regency.
        limits["tenants"] = ()
        limits["subject_id"] = subject_id(caller.subject)
    if kind is ScopeKind.IMPORTER:
        limits["regency"] = limits["tenants"][0] if len(limits["tenants"]) == 1 else _given(None)
    return Actor(
        subject=caller.subject,
        role=role.value,
        scopes=caller.scopes & PERMISSIONS[role],
        rows=RowScope(kind, **limits),
        organization_id=organization,
    )


def _given(value: UUID | None) -> UUID:
    if value is None:
        raise errors.Forbidden("grant_unusable")
    return value


def _tenants(areas: Sequence[codes.AreaCode]) -> tuple[int, ...]:
    """Tenant numbers of the regencies in which `areas` lie; empty when one of them is a province or wider."""
    known = tenants_by_code()
    regencies = {regency for area in areas if (regency := codes.regency_of(area)) is not None}
    if any(codes.regency_of(area) is None for area in areas):
        return ()
    return tuple(sorted(known[str(regency)].number for regency in regencies if str(regency) in known))
