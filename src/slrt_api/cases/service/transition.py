"""The steps of a case: one use case, the table of the lifecycle, and what each action does besides."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from pydantic import Field

from slrt_api.access.consents.service import record_case_basis
from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.cases.codes import CaseAction, CaseStatus, NeedStatus
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, FACTS, TERMINAL
from slrt_api.cases.models import Case, Need
from slrt_api.cases.shapes import CASE
from slrt_api.clocks import service as clocks
from slrt_api.households.models import Household
from slrt_api.kernel import errors
from slrt_api.registry import service as registry
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class CaseTransition(Command):
    """A step of a case."""

    action: CaseAction = Field(description="One of `allowed_actions`.", examples=["VERIFY"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description=(
            "Why, in words that the people concerned may read. Asked for by `RETURN`, `REQUEST_DOCUMENTS`,"
            " `MARK_EMERGENCY`, `REOPEN` and by every end, where it becomes the closing text."
        ),
        examples=["Keluarga sudah mandiri"],
    )
    outcome: CaseStatus | None = Field(
        default=None,
        description="With `CLOSE`: the state in which it ends.",
        examples=["CLOSED_SELF_RELIANT"],
    )
    into: UUID | None = Field(
        default=None,
        description="With `MERGE`: the case of the same household that goes on.",
        examples=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"],
    )
    area_code: str | None = Field(
        default=None,
        min_length=2,
        max_length=13,
        description="With `TRANSFER`: the area that the household moved to, of any level, here or in another regency.",
        examples=["33.27"],
    )


@dataclass(frozen=True)
class Effect:
    """What an action changes besides the status: columns of the case, and needs written with it."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()


_Effect: TypeAlias = Callable[[Transaction, Actor, Case, CaseTransition], Awaitable[Effect]]

EVENTS: Final[dict[CaseAction, str]] = {
    CaseAction.VERIFY: "verification_started",
    CaseAction.ASSESS: "assessment_started",
    CaseAction.REQUEST_DOCUMENTS: "documents_requested",
    CaseAction.RESUME: "resumed",
    CaseAction.RECOMMEND: "recommended",
    CaseAction.RETURN: "returned",
    CaseAction.CONFIRM: "confirmed",
    CaseAction.START_SERVICE: "service_started",
    CaseAction.COLLECT_FEEDBACK: "feedback_collected",
    CaseAction.REASSESS: "reassessment_started",
    CaseAction.CLOSE: "closed",
    CaseAction.WITHDRAW: "withdrawn",
    CaseAction.TRANSFER: "transferred",
    CaseAction.MERGE: "merged",
    CaseAction.REOPEN: "reopened",
    CaseAction.MARK_EMERGENCY: "emergency_marked",
}


@use_case(
    "cases.transition",
    scope=Scope.CASES_READ,
    # Which of the two a step needs, the table says; without either the row may not even be locked.
    one_of=(Scope.CASES_WRITE, Scope.CASES_DECIDE),
    answers=CASE,
)
async def transition(tx: Transaction, actor: Actor, case_id: UUID, command: CaseTransition) -> Case:
    """Move a case one step.

    `VERIFY` checks the household against the newest release of the national registry that the regency has; that it is not
    found there never stops the case. Whoever recommended a case neither confirms nor returns it. `COLLECT_FEEDBACK` and
    the closing as self-reliant or handled wait until no need is open; every other end waits until no referral runs, and
    cancels the needs that are left. `MARK_EMERGENCY` serves first: assessment and needs are completed while in service.
    `MERGE` ends a duplicate in favor of a case of the same household. `TRANSFER` ends it here; the area that the household
    moved to opens its own.
    """
    _members(command)
    if command.into is not None and command.into < case_id:
        # Two cases are locked in the order of their ids, whichever is asked.
        await _locked(tx, command.into)
    case = await tx.ask(Case, case_id)
    line = CASE_LIFECYCLE.advance(
        case.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(case, name) for name in FACTS},
        actor=actor.guard_facts,
        outcome=command.outcome,
    )
    CASE_LIFECYCLE.require_reason(line, command.reason)
    effect = Effect()
    if command.action in _EFFECTS:
        effect = await _EFFECTS[command.action](tx, actor, case, command)
    columns = {**effect.columns, "status": line.target, "attention": False}
    if line.target in TERMINAL:
        columns |= {"closed_at": tx.now, "closing_text": command.reason}
    case = await tx.change(
        case,
        EVENTS[command.action],
        parts={"needs": effect.needs} if effect.needs else None,
        texts={"reason": command.reason},
        **columns,
    )
    await clocks.follow(tx, case, line.target, action=command.action, ended=line.target in TERMINAL)
    return case


def _members(command: CaseTransition) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    for name, action in (("into", CaseAction.MERGE), ("area_code", CaseAction.TRANSFER)):
        given = getattr(command, name) is not None
        if command.action is action and not given:
            raise errors.Invalid.at(f"/{name}", "required", "This member is required.")
        if given and command.action is not action:
            raise errors.Invalid.at(f"/{name}", "invalid", "This value is not allowed here.")


async def _locked(tx: Transaction, case_id: UUID) -> Case | None:
    try:
        return await tx.lock(Case, case_id)
    except errors.NotFound:
        return None


async def _verify(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    found = await registry.check(tx, await tx.get(Household, case.household_id))
    if found is None:
        return Effect({"registry_outcome": None, "registry_snapshot_id": None, "registry_checked_at": None})
    return Effect(
        {
            "registry_outcome": found.outcome.value,
            "registry_snapshot_id": found.snapshot.id,
            "registry_checked_at": tx.now,
            "proposal_wanted": found.outcome is RegistryOutcome.NOT_FOUND,
        }
    )


async def _recommend(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    return Effect({"recommended_by": actor.subject, "recommended_at": tx.now})


async def _confirm(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    return Effect({"confirmed_by": actor.subject, "confirmed_at": tx.now})


async def _mark_emergency(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    if not case.emergency:
        await record_case_basis(
            tx,
            regency=case.regency,
            area=case.area,
            household_id=case.household_id,
            case_id=case.id,
            emergency=True,
        )
    return Effect({"emergency": True})


async def _cancel_needs(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    """A case that ends otherwise than by its needs leaves none open."""
    if case.open_needs == 0:
        return Effect()
    left = await tx.rows(
        Need,
        "regency = $1 AND case_id = $2 AND status = ANY ($3) ORDER BY id FOR NO KEY UPDATE",
        case.regency,
        case.id,
        [NeedStatus.OPEN.value, NeedStatus.DIRECT_SERVICE.value],
    )
    cancelled = [await tx.update(need, status=NeedStatus.CANCELLED.value) for need in left]
    return Effect({"open_needs": case.open_needs - len(cancelled)}, tuple(cancelled))


async def _transfer(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    area = places.elsewhere(command.area_code or "")
    cancelled = await _cancel_needs(tx, actor, case, command)
    return Effect({**cancelled.columns, "transferred_to": area}, cancelled.needs)


async def _merge(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    """The survivor keeps the earlier report, so that nobody waits longer for having been reported twice."""
    survivor = None if command.into is None or command.into == case.id else await _locked(tx, command.into)
    if survivor is None or survivor.household_id != case.household_id:
        raise errors.Invalid.reference("/into")
    if survivor.status in TERMINAL:
        raise errors.Conflict("case_closed")
    await tx.change(survivor, "absorbed", received_at=min(survivor.received_at, case.received_at))
    cancelled = await _cancel_needs(tx, actor, case, command)
    return Effect({**cancelled.columns, "merged_into": survivor.id}, cancelled.needs)


async def _reopen(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    if case.successor_id is not None:
        # Its people have gone with it, and are served there.
        raise errors.Conflict("case_handed_over")
    return Effect({"closed_at": None, "closing_text": None, "merged_into": None, "transferred_to": None})


_EFFECTS: Final[dict[CaseAction, _Effect]] = {
    CaseAction.VERIFY: _verify,
    CaseAction.RECOMMEND: _recommend,
    CaseAction.CONFIRM: _confirm,
    CaseAction.MARK_EMERGENCY: _mark_emergency,
    CaseAction.CLOSE: _cancel_needs,
    CaseAction.WITHDRAW: _cancel_needs,
    CaseAction.TRANSFER: _transfer,
    CaseAction.MERGE: _merge,
    CaseAction.REOPEN: _reopen,
}
