"""From a verified token to an actor: the grants of one role become its rows and rights.

Grants come from the claims of issuers that are trusted to carry them, else from the table. A caller who holds several
roles names one; it is never the union of roles over the union of areas.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from slrt_api.access.permissions import CASE_WORKERS, KINDS
from slrt_api.access.rules import FORMS, MAX_VILLAGES, outermost
from slrt_api.access.scopes import INCLUDED, PERMISSIONS, Role
from slrt_api.areas import codes, places
from slrt_api.areas.dataset import tenants_by_code
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tokens import Claims

T = TypeVar("T")
#: how far a case must have been escalated to be seen by the role, see `cases.codes.LEVELS`
_LEVELS = {Role.PROVINCE_OFFICE: 1, Role.NATIONAL_OFFICE: 2}
#: kinds of scope that are one range of the tree, of any level
_RANGES = frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR, ScopeKind.SEALED})
#: the id of no person
_NOBODY = UUID(int=0)
#: namespaces of the pseudonyms by which subjects and tokens are found again
_SUBJECTS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:slrt:subject")
_TOKENS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:slrt:token")


class Grant(BaseModel):
    """One grant as a token carries it.

    organization  the officer's own; of a partner, the one that it acts for
    person        the officer's own record, for the separation of duties
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    areas: tuple[str, ...] = ()
    organization: UUID | None = None
    programs: tuple[UUID, ...] = ()
    person: UUID | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    def valid_at(self, now: datetime) -> bool:
        started = self.valid_from is None or self.valid_from <= now
        return started and (self.valid_until is None or now < self.valid_until)


_GRANTS = TypeAdapter(tuple[Grant, ...])


@dataclass(frozen=True)
class Caller:
    """A verified token with the grants of its subject."""

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

    def changes_after(self, now: datetime) -> datetime | None:
        """The first instant after `now` at which a grant begins or ends, None where none does."""
        ends = [end for grant in self.grants for end in (grant.valid_from, grant.valid_until) if end is not None]
        return min((end for end in ends if end > now), default=None)


def caller_of(claims: Claims) -> Caller:
    """The caller of a verified token. Raises Unauthenticated when its grants cannot be read."""
    try:
        grants = _GRANTS.validate_python([dict(grant) for grant in claims.grants])
    except ValidationError:
        raise errors.Unauthenticated("token_invalid") from None
    return Caller(subject_of(claims.issuer, claims.subject), claims.scopes, grants)


def subject_of(issuer: str, subject: str) -> str:
    """The name by which events and access records know a subject of an issuer."""
    return f"{issuer}#{subject}"


def subject_id(subject: str) -> UUID:
    """The pseudonym of `issuer#sub` that stands on a citizen's own reports, on grants and on revocations."""
    return uuid.uuid5(_SUBJECTS, subject)


def token_key(issuer: str, token_id: str) -> UUID:
    """The pseudonym of one token of an issuer, by its `jti`."""
    return uuid.uuid5(_TOKENS, f"{issuer}#{token_id}")


def _actor(caller: Caller, role: Role, grants: Sequence[Grant]) -> Actor:
    if FORMS[role].ends and any(grant.valid_until is None for grant in grants):
        raise errors.Forbidden("grant_unusable")
    try:
        areas = [codes.parse_area_code(area) for area in outermost([area for grant in grants for area in grant.areas])]
    except codes.AreaCodeError:
        raise errors.Forbidden("grant_unusable") from None
    # Two offices or two persons behind one role would leave the separation of duties one of them to look at.
    organization = _one({grant.organization for grant in grants} - {None})
    person = _one({grant.person for grant in grants} - {None})
    return Actor(
        subject=caller.subject,
        role=role.value,
        scopes=_scopes(caller.scopes, role),
        rows=_rows(caller, role, grants, areas, organization, person),
        organization_id=organization,
        facts={"person_id": str(person) if person else None},
    )


def _scopes(given: frozenset[str], role: Role) -> frozenset[str]:
    """What the token allows, with what its scopes include, as far as the role permits it."""
    included = {wider.value for scope, wider in INCLUDED.items() if scope.value in given}
    return (given | included) & frozenset[str](scope.value for scope in PERMISSIONS[role])


def _rows(
    caller: Caller,
    role: Role,
    grants: Sequence[Grant],
    areas: Sequence[codes.AreaCode],
    organization: UUID | None,
    person: UUID | None,
) -> RowScope:
    """The rows that the grants of one role reach. Raises Forbidden `grant_unusable`."""
    kind = KINDS[role]
    limits: dict[str, Any] = {"tenants": _tenants(areas)}
    if role in CASE_WORKERS and len(areas) > 1:
        # They work with rows of villages. Several ranges would need an OR in the policy, and their hull would grant what
        # lies between them.
        kind = ScopeKind.AREA_LIST
        limits["areas"] = _villages(places.villages_in(area.text for area in areas))
    elif role is Role.NATIONAL_OFFICE and not areas:
        limits["lo"], limits["hi"] = codes.NATION_RANGE
    elif kind in {*_RANGES, ScopeKind.PROGRAM, ScopeKind.ESCALATED}:
        limits["lo"], limits["hi"] = codes.area_range(_only(areas))
        if kind in _RANGES and not limits["tenants"]:
            limits["spread"] = _spread(_only(areas))
    elif kind is ScopeKind.AREA_LIST:
        if any(area.level is not codes.Level.VILLAGE for area in areas):
            raise errors.Forbidden("grant_unusable")
        limits["areas"] = _villages(sorted(codes.area_number(area) for area in areas))
    if kind is ScopeKind.AREA_LIST and len(limits["tenants"]) > 1:
        limits["spread"] = limits["tenants"]
    if kind is ScopeKind.ESCALATED:
        limits["level"] = _LEVELS[role]
    if kind is ScopeKind.SEALED:
        # An office that is not known could not be kept from reports against it.
        limits["organization_id"] = _only([organization] if organization else [])
        limits["person_id"] = person or _NOBODY
    if kind is ScopeKind.ORGANIZATION:
        limits["organization_id"] = _only([organization] if organization else [])
    if kind is ScopeKind.PROGRAM:
        # One area for all of them: the programs of one grant are none of another's in its area.
        _only({grant.areas for grant in grants})
        limits["program_ids"] = _some(sorted({program for grant in grants for program in grant.programs}))
    if kind is ScopeKind.SUBJECT:
        # A citizen may complain about any village, so the own reports lie in any regency.
        limits["tenants"] = ()
        limits["subject_id"] = subject_id(caller.subject)
    if kind is ScopeKind.IMPORTER:
        limits["regency"] = _only(limits["tenants"])
    return RowScope(kind, **limits)


def _spread(area: codes.AreaCode) -> tuple[int, ...]:
    """Tenants that may have rows in a province: those that lie there now, and those that were founded there."""
    province = str(area)
    return tuple(
        sorted(
            tenant.number
            for tenant in tenants_by_code().values()
            if province in {tenant.code[:2], f"{tenant.number:04d}"[:2]}
        )
    )


def _one(values: Collection[T | None]) -> T | None:
    """The only value, or None without any. Raises Forbidden for more."""
    return _only(values) if values else None


def _only(values: Collection[T | None]) -> Any:
    """The only value. Raises Forbidden for none and for more."""
    if len(values) != 1:
        raise errors.Forbidden("grant_unusable")
    return next(iter(values))


def _some(values: Sequence[T]) -> tuple[T, ...]:
    if not values:
        raise errors.Forbidden("grant_unusable")
    return tuple(values)


def _villages(numbers: Sequence[int]) -> tuple[int, ...]:
    if not 0 < len(numbers) <= MAX_VILLAGES:
        raise errors.Forbidden("grant_unusable")
    return tuple(numbers)


def _tenants(areas: Sequence[codes.AreaCode]) -> tuple[int, ...]:
    """Tenant numbers of the regencies in which `areas` lie; empty when one of them is a province or wider."""
    known = tenants_by_code()
    regencies = {regency for area in areas if (regency := codes.regency_of(area)) is not None}
    if any(codes.regency_of(area) is None for area in areas):
        return ()
    return tuple(sorted(known[str(regency)].number for regency in regencies if str(regency) in known))
