"""Who may act where: grants are given and taken back, subjects and tokens revoked.

Here and not in `access`, because a grant names an organization, programs and a person.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access import rules
from slrt_api.access.actors import subject_id, subject_of, token_key
from slrt_api.access.codes import RevocationTarget
from slrt_api.access.models import Grant, Revocation
from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.access.shapes import GRANT, REVOCATION
from slrt_api.areas import places
from slrt_api.households.models import Person
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.organizations.models import Organization
from slrt_api.programs.models import Program
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.tokens import CLOCK_SKEW_SECONDS, MAX_LIFETIME_SECONDS
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: after this long no token that is in force now can be in force
_TOKEN_LIFE: Final = timedelta(seconds=MAX_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS)
_PRINTABLE: Final = r"^[^\x00-\x1F\x7F]+$"

AreaText = Annotated[str, Field(max_length=13, description="Kemendagri code.", examples=["33.26.01.2001"])]
Reason = Annotated[str, Field(min_length=1, max_length=2000, description="Why.", examples=["Left the service."])]


class GiveGrant(Command):
    """Who gets which role, where and how long. What a role names and what it does not stands at `areas` and below."""

    issuer: str = Field(
        min_length=1,
        max_length=255,
        pattern=_PRINTABLE,
        description="`iss` of the subject's tokens, to the letter.",
        examples=["https://id.example"],
    )
    subject: str = Field(
        min_length=1,
        max_length=255,
        pattern=_PRINTABLE,
        description="`sub` of the subject's tokens, to the letter.",
        examples=["officer-7"],
    )
    role: Role = Field(description="The role.", examples=["puskesos_officer"])
    areas: tuple[AreaText, ...] = Field(
        default=(),
        max_length=rules.MAX_VILLAGES,
        description=(
            "Villages of a facilitator and of Puskesos staff; districts of a supervisor; one regency or city of the"
            " secretariat, the social office and an integrator; one province of its office; one province or regency of an"
            " administrator and an integrity officer; one area of any level of an auditor and a program manager; none of"
            " others."
        ),
        examples=[["33.26.01.2001"]],
    )
    organization_id: UUID | None = Field(
        default=None,
        description="The officer's own organization (required of an integrity officer); of a partner, the one that it acts"
        " for (required).",
        examples=[None],
    )
    program_ids: tuple[UUID, ...] = Field(
        default=(), max_length=100, description="Programs of a program manager, and of nobody else.", examples=[[]]
    )
    person_id: UUID | None = Field(
        default=None,
        description="The officer's own record as a person, so that nobody handles the own affairs.",
        examples=[None],
    )
    valid_from: Instant | None = Field(
        default=None, description="In force from then on; now when left out.", examples=[None]
    )
    valid_until: Instant | None = Field(
        default=None,
        description="In force before then; without an end when left out. Required of an auditor and an integrity officer:"
        " at most 366 days.",
        examples=[None],
    )
    decree: str | None = Field(
        default=None, min_length=1, max_length=100, description="Number of the decree (SK).", examples=["460/101/2026"]
    )


class RevokeGrant(Command):
    """Why a grant is taken back."""

    reason: Reason


class DeclareRevocation(Command):
    """A subject, or one token, and why it is no longer taken."""

    issuer: str = Field(
        min_length=1, max_length=255, pattern=_PRINTABLE, description="`iss`.", examples=["https://id.example"]
    )
    subject: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        pattern=_PRINTABLE,
        description="`sub`: every token of this subject is refused, until the revocation is lifted.",
        examples=["officer-7"],
    )
    token_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        pattern=_PRINTABLE,
        description="`jti`: this one token is refused. It is not kept.",
        examples=[None],
    )
    reason: Reason


class LiftRevocation(Command):
    """Why a revocation is lifted."""

    reason: Reason


@use_case("grants.give", scope=Scope.GRANTS_MANAGE, roles=rules.GIVES, answers=GRANT, creates=True)
async def give(tx: Transaction, actor: Actor, command: GiveGrant) -> Grant:
    """Give a grant.

    Administrators give any role; managers of a secretariat those of facilitators, Puskesos staff, supervisors and officers
    of the secretariat. Every area, and a partner's organization, lies inside the caller's own area. Nobody gives to
    themselves. It counts everywhere within 30 seconds.
    """
    _may_manage(actor, command.issuer, command.subject, [command.role])
    for position, named in enumerate(command.areas):
        places.area(actor, named, f"/areas/{position}")
    valid_from = command.valid_from or tx.now
    rules.check_form(command.role, command.areas, command.organization_id, command.program_ids, command.valid_until)
    rules.check_validity(command.role, valid_from, command.valid_until, tx.now)
    if (
        command.role in CASE_WORKERS
        and len(command.areas) > 1
        and len(places.villages_in(command.areas)) > rules.MAX_VILLAGES
    ):
        raise errors.Invalid.at("/areas", "too_many_areas", f"At most {rules.MAX_VILLAGES} villages.")
    organization = await _organization(tx, command.organization_id)
    await _check_programs(tx, command.program_ids)
    if command.person_id is not None and await tx.find(Person, command.person_id) is None:
        raise errors.Invalid.reference("/person_id")
    area = rules.common_area(command.areas)
    if command.role is Role.PARTNER and organization is not None:
        area = organization.area
    actor.require_area(area)
    return await tx.create(
        Grant(
            id=new_id(Kind.GRANT, NATIONAL, tx.now),
            area=area,
            created_at=tx.now,
            updated_at=tx.now,
            issuer=command.issuer,
            subject=command.subject,
            subject_id=subject_id(subject_of(command.issuer, command.subject)),
            role=command.role.value,
            areas=list(command.areas),
            organization_id=command.organization_id,
            program_ids=list(command.program_ids),
            person_id=command.person_id,
            valid_from=valid_from,
            valid_until=command.valid_until,
            decree=command.decree,
            granted_by=actor.subject,
        ),
        "given",
    )


@use_case("grants.revoke", scope=Scope.GRANTS_MANAGE, roles=rules.GIVES, answers=GRANT)
async def revoke(tx: Transaction, actor: Actor, id_: UUID, command: RevokeGrant) -> Grant:
    """Take a grant back.

    By whoever may give it. The caller's tokens are refused or act by the other grants within 30 seconds, everywhere.
    """
    grant = await tx.ask(Grant, id_)
    _may_manage(actor, grant.issuer, grant.subject, [Role(grant.role)])
    if grant.revoked_at is not None:
        raise errors.Conflict("revoked_already")
    return await tx.change(
        grant, "revoked", texts={"reason": command.reason}, revoked_at=tx.now, revoked_by=actor.subject
    )


@use_case("revocations.declare", scope=Scope.GRANTS_MANAGE, roles=rules.GIVES, answers=REVOCATION, creates=True)
async def declare(tx: Transaction, actor: Actor, command: DeclareRevocation) -> Revocation:
    """Revoke a subject or a token.

    Every request of the subject, or with the token, is answered 401 `token_revoked`, everywhere and within 30 seconds,
    also where tokens carry their grants. A subject must have its grants inside the caller's area, and of roles that the
    caller may give; one that the table does not know is revoked by administrators only.
    """
    if (command.subject is None) == (command.token_id is None):
        raise errors.Invalid.at("/subject", "required", "Name either a subject or a token.")
    own_area = _own_area(actor)
    if command.subject is not None:
        _may_manage(actor, command.issuer, command.subject, ())
        key = subject_id(subject_of(command.issuer, command.subject))
        await _check_reach(tx, actor, key)
        target, expires_at = RevocationTarget.SUBJECT, None
    else:
        key = token_key(command.issuer, command.token_id or "")
        target, expires_at = RevocationTarget.TOKEN, tx.now + _TOKEN_LIFE
    return await tx.create(
        Revocation(
            id=new_id(Kind.REVOCATION, NATIONAL, tx.now),
            area=own_area,
            created_at=tx.now,
            updated_at=tx.now,
            target=target.value,
            key=key,
            issuer=command.issuer,
            subject=command.subject,
            revoked_by=actor.subject,
            expires_at=expires_at,
        ),
        "declared",
        texts={"reason": command.reason},
    )


@use_case("revocations.lift", scope=Scope.GRANTS_MANAGE, roles=(Role.ADMINISTRATOR,), answers=REVOCATION)
async def lift(tx: Transaction, actor: Actor, id_: UUID, command: LiftRevocation) -> Revocation:
    """Lift a revocation.

    By administrators, also where a manager revoked. Tokens of the subject are taken again within 30 seconds.
    """
    revocation = await tx.ask(Revocation, id_)
    if revocation.subject is not None:
        _may_manage(actor, revocation.issuer, revocation.subject, ())
    if revocation.lifted_at is not None:
        raise errors.Conflict("lifted_already")
    return await tx.change(
        revocation, "lifted", texts={"reason": command.reason}, lifted_at=tx.now, lifted_by=actor.subject
    )


def _may_manage(actor: Actor, issuer: str, subject: str, roles: Sequence[Role]) -> None:
    """Raise Forbidden unless the actor may give and take `roles` of this subject."""
    _own_area(actor)
    if not rules.GIVES[Role(actor.role)].issuperset(roles):
        raise errors.Forbidden("role_not_yours_to_give")
    if subject_of(issuer, subject) == actor.subject:
        raise errors.Forbidden("own_grant")


def _own_area(actor: Actor) -> int:
    """The first area number of the actor's range. Raises Forbidden for one who works in a list of villages."""
    if actor.rows.kind is not ScopeKind.AREA_RANGE or actor.rows.lo is None:
        raise errors.Forbidden("grant_unusable")
    return actor.rows.lo


async def _check_reach(tx: Transaction, actor: Actor, subject: UUID) -> None:
    """Refuse to lock somebody out who works elsewhere too, or in a role that the actor may not take."""
    async with tx.effect(NATIONAL):
        known = await tx.rows(Grant, "subject_id = $1 AND revoked_at IS NULL", subject)
    held = [grant for grant in known if _lasts(grant, tx.now)]
    gives = rules.GIVES[Role(actor.role)]
    if Role(actor.role) is Role.ADMINISTRATOR:
        if not all(actor.rows.reaches(grant.area) for grant in held):
            raise errors.OutOfScope
    elif not held or not all(actor.rows.reaches(grant.area) and Role(grant.role) in gives for grant in held):
        raise errors.Invalid.reference("/subject")


def _lasts(grant: Grant, now: datetime) -> bool:
    return grant.valid_until is None or now < grant.valid_until


async def _organization(tx: Transaction, id_: UUID | None) -> Organization | None:
    if id_ is None:
        return None
    found = await tx.find(Organization, id_)
    if found is None:
        raise errors.Invalid.reference("/organization_id")
    return found


async def _check_programs(tx: Transaction, ids: Sequence[UUID]) -> None:
    for position, id_ in enumerate(ids):
        if id_ in ids[:position]:
            raise errors.Invalid.at(f"/program_ids/{position}", "duplicate", "Name each program once.")
        if await tx.find(Program, id_) is None:
            raise errors.Invalid.reference(f"/program_ids/{position}")
