"""Break-glass: a look at one household or case outside one's area, at once, for a while, and seen by those whose it is.

The override is a row of the regency that the resource belongs to. Whoever asked sits in another area, so the row policy hides
the row from them, too: they read their own override, and the resource through it, under a row scope of that one village,
which is entered only after the row has been found to be theirs.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.overrides.codes import OverrideAction, OverrideResource, OverrideStatus, OverrideType
from slrt_api.access.overrides.lifecycle import BREAKERS, LIFECYCLE, REVOKERS
from slrt_api.access.overrides.models import AccessOverride
from slrt_api.access.overrides.shapes import ACCESS_OVERRIDE
from slrt_api.access.scopes import Scope
from slrt_api.cases.models import Case
from slrt_api.cases.shapes import CASE
from slrt_api.households.models import Household
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Shape
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, Lent, use_case

MAX_MINUTES: Final = 240
PURPOSE: Final = "BREAK_GLASS"
#: what can be opened: kind of id -> code, table, shape
_OPENED: Final[dict[Kind, tuple[OverrideResource, type[Aggregate], Shape]]] = {
    Kind.HOUSEHOLD: (OverrideResource.HOUSEHOLD, Household, HOUSEHOLD),
    Kind.CASE: (OverrideResource.CASE, Case, CASE),
}
#: the role of such a look. It is no role of anybody's: whatever a field is kept for is kept from it, and it has no actions
_LOOKING: Final = "break_glass"
#: all that a reader keeps of its rights when it looks past them: nothing is changed, unmasked or revealed by such a look
_KEPT: Final = frozenset(
    scope.value for scope in (Scope.HOUSEHOLDS_READ, Scope.CASES_READ, Scope.REFERRALS_READ, Scope.COMPLAINTS_READ)
)


class AskForAccess(Command):
    """One household or case outside your area, and why it must be seen now."""

    resource_id: UUID = Field(
        description="Id of a household or case that lies outside your scope.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )
    reason: str = Field(
        min_length=20,
        max_length=2000,
        description="Why, in words that the office in charge of it will read.",
        examples=["Keluarga korban banjir mengungsi ke wilayah kami dan perlu dilayani malam ini"],
    )
    minutes: int = Field(default=60, ge=1, le=MAX_MINUTES, description="For how long it is needed.", examples=[60])


class TransitionOverride(Command):
    """A step of an access override."""

    action: OverrideAction = Field(description="One of `allowed_actions`.", examples=["REVOKE"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; asked for.",
        examples=["Keluarga sudah dilayani petugas kami"],
    )


async def seen_by_asker(tx: Transaction, actor: Actor, id_: UUID) -> RowScope:
    """The rows under which whoever asked for an override reads it. Raises NotFound for everybody else."""
    row = await _own(tx, actor, id_)
    return RowScope(ScopeKind.AREA_RANGE, tenants=(row.regency,), lo=row.area, hi=row.area)


@use_case(
    "access_overrides.ask",
    scope=Scope.ACCESS_OVERRIDE,
    roles=BREAKERS,
    answers=ACCESS_OVERRIDE,
    creates=True,
    sees=seen_by_asker,
)
async def ask(tx: Transaction, actor: Actor, command: AskForAccess) -> Done:
    """Open one household or case outside your area for a while (break-glass).

    Granted at once; the office in charge of the resource and its auditors see who asked, why, and until when, and the
    office can end it early. An id that does not exist is 404: whoever asks holds the id already. What lies within your own
    scope is 409 `override_not_needed`.
    """
    opened = _OPENED.get(kind_of(command.resource_id) or Kind.EVENT)
    if opened is None:
        raise errors.NotFound
    code, model, _ = opened
    if await tx.find(model, command.resource_id) is not None:
        raise errors.Conflict("override_not_needed")
    async with tx.effect(tenant_of(command.resource_id)):
        # Not locked: to look at a row, nobody has to wait for it.
        resource = await tx.get(model, command.resource_id)
        row = await tx.create(
            AccessOverride(
                regency=resource.regency,
                id=new_id(Kind.ACCESS_OVERRIDE, resource.regency, tx.now),
                area=resource.area,
                created_at=tx.now,
                updated_at=tx.now,
                type=OverrideType.BREAK_GLASS.value,
                status=OverrideStatus.GRANTED.value,
                resource=code.value,
                resource_id=resource.id,
                reason=command.reason,
                asked_by=actor.subject,
                asked_as=actor.role,
                minutes=command.minutes,
                expires_at=tx.now + timedelta(minutes=command.minutes),
            ),
            "granted",
        )
    return Done(row.id)


@use_case("access_overrides.transition", scope=Scope.ACCESS_OVERRIDE, roles=REVOKERS, answers=ACCESS_OVERRIDE)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionOverride) -> AccessOverride:
    """End an access override early.

    By the office in whose area the resource lies. An override ends by itself at `expires_at`.
    """
    row = await tx.ask(AccessOverride, id_)
    line = LIFECYCLE.advance(
        row.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    LIFECYCLE.require_reason(line, command.reason)
    return await tx.change(
        row,
        "revoked",
        texts={"reason": command.reason},
        status=line.target,
        revoked_by=actor.subject,
        revoked_at=tx.now,
    )


@use_case("access_overrides.own", scope=Scope.ACCESS_OVERRIDE, roles=BREAKERS)
async def own(tx: Transaction, actor: Actor, id_: UUID) -> Lent:
    """Read an override that you asked for."""
    return Lent(replace(actor, rows=await seen_by_asker(tx, actor, id_)), ACCESS_OVERRIDE, id_)


@use_case("access_overrides.resource", scope=Scope.ACCESS_OVERRIDE, roles=BREAKERS)
async def resource(tx: Transaction, actor: Actor, id_: UUID) -> Lent:
    """Read the household or case that an override opens.

    For whoever asked for it, until it expires or is revoked: then 403 `override_ended`. Numbers are masked, nothing of a
    special category is shown, and nothing can be done from here. Each reading is recorded with the purpose `BREAK_GLASS`
    and the override, before the answer leaves.
    """
    row = await _own(tx, actor, id_)
    if row.status != OverrideStatus.GRANTED or row.expires_at is None or row.expires_at <= tx.now:
        raise errors.Forbidden("override_ended")
    _, _, shape = _OPENED[kind_of(row.resource_id) or Kind.EVENT]
    await tx.access(
        "access-overrides.resource",
        shape.name,
        regency=row.regency,
        resource_id=row.resource_id,
        purpose=PURPOSE,
        rows=1,
        override_id=row.id,
    )
    rows = RowScope(ScopeKind.AREA_LIST, tenants=(row.regency,), areas=(row.area,))
    looking = replace(actor, role=_LOOKING, rows=rows, scopes=actor.scopes & _KEPT)
    return Lent(looking, shape, row.resource_id)


async def _own(tx: Transaction, actor: Actor, id_: UUID) -> AccessOverride:
    """The override of that id, if it is break-glass and this caller's. Raises NotFound for every other id."""
    if kind_of(id_) is not Kind.ACCESS_OVERRIDE:
        raise errors.NotFound
    async with tx.effect(tenant_of(id_)):
        row = await tx.get(AccessOverride, id_)
    mine = row.asked_by == actor.subject and row.asked_as == actor.role
    if not mine or row.type != OverrideType.BREAK_GLASS:
        raise errors.NotFound
    return row
