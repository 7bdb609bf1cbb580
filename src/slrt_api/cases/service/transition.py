"""The steps of a case: the table of the lifecycle, and what each action does besides.

The use case itself stands in `flows/case_merge`, because complaints follow a case that is merged.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from pydantic import Field

from slrt_api.access.consents.service import record_case_basis
from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.cases.codes import FINAL_NEEDS, AssignmentStatus, CaseAction, CaseStatus, ClosingCode, NeedStatus
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, TERMINAL, facts
from slrt_api.cases.models import Assignment, Case, Need
from slrt_api.cases.service import reopening, tasks
from slrt_api.cases.service.needs import MAX_NEEDS, counts_with, move
from slrt_api.clocks import service as clocks
from slrt_api.kernel import errors
from slrt_api.programs.models import EligibilityCheck
from slrt_api.programs.service import checks
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: what people read of a case that the platform ended because nothing came in time
DEEMED_WITHDRAWN: Final = "Dianggap dicabut: kelengkapan tidak diterima dalam batas waktu."

#: the clock of a case that waits for its re-assessment
REASSESSMENT: Final = "REASSESSMENT_DUE"


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
    eligibility_check_ids: tuple[UUID, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description=(
            "With `RECOMMEND`: the eligibility checks of the household that the recommendation stands on. Without them the"
            " household is checked for every program with this step, by who may."
        ),
        examples=[None],
    )


@dataclass(frozen=True)
class Effect:
    """What an action changes besides the status: columns of the case, and rows written with it."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> dict[str, Any] | None:
        """The parts of the event."""
        return {**({"needs": list(self.needs)} if self.needs else {}), **self.parts} or None


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


async def step(tx: Transaction, actor: Actor, case_id: UUID, command: CaseTransition) -> Case:
    """Move a case one step. Whoever merges holds the lock of both cases already."""
    _members(command)
    return await _move(tx, actor, await tx.ask(Case, case_id), command)


@use_case("cases.lapse", scope=Scope.CASES_WRITE, conditional=False)
async def lapse(tx: Transaction, actor: Actor, case_id: UUID) -> None:
    """End a case whose documents did not come in their time.

    For the worker, one case an act, when the clock `DOCUMENTS` is due. Nothing happens to a case that has moved on.
    """
    case = await tx.ask(Case, case_id)
    if case.status == CaseStatus.AWAITING_DOCUMENTS:
        command = CaseTransition(action=CaseAction.WITHDRAW, reason=DEEMED_WITHDRAWN)
        # The worker reads no needs; those that are left are cancelled with the case.
        async with tx.effect(case.regency):
            await _move(tx, actor, case, command, closing_code=ClosingCode.DOCUMENTS_NOT_RECEIVED.value)


async def waits_for_reassessment(tx: Transaction, case: Case, status: str) -> dict[str, Any]:
    """Columns of a case that goes to `status`: by when its re-assessment is due while it waits for one, and told of anew."""
    if status == CaseStatus.FEEDBACK:
        return {"reassess_by": await clocks.promise(tx, case, REASSESSMENT, status), "reassessment_told_at": None}
    return {} if case.reassess_by is None else {"reassess_by": None, "reassessment_told_at": None}


@use_case("cases.tell_reassessment", scope=None, conditional=False)
async def tell_reassessment(tx: Transaction, actor: Actor, case_id: UUID) -> None:
    """Tell that the re-assessment of a case is due.

    For the worker, one case an act. Nothing happens where somebody else is at it, where it was told before, or where the
    case has moved on or has more time.
    """
    if actor.role != "worker":
        raise errors.Forbidden("role_not_allowed")
    seen = await tx.get(Case, case_id)
    due = await tx.rows(
        Case,
        "regency = $1 AND id = $2 AND reassess_by <= $3 AND reassessment_told_at IS NULL FOR NO KEY UPDATE SKIP LOCKED",
        seen.regency,
        seen.id,
        tx.now,
    )
    if due:
        await tx.change(due[0], "reassessment_due", reassessment_told_at=tx.now)


async def _move(tx: Transaction, actor: Actor, case: Case, command: CaseTransition, **also: Any) -> Case:
    line = CASE_LIFECYCLE.advance(
        case.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row=facts(case, tx.now),
        actor=actor.guard_facts,
        outcome=command.outcome,
    )
    CASE_LIFECYCLE.require_reason(line, command.reason)
    effect = Effect()
    if command.action in _EFFECTS:
        effect = await _EFFECTS[command.action](tx, actor, case, command)
    ended = line.target in TERMINAL
    columns = {**effect.columns, "status": line.target, "attention": False, **also}
    columns |= await waits_for_reassessment(tx, case, line.target)
    parts = effect.written()
    if ended:
        columns |= {"closed_at": tx.now, "closing_text": command.reason}
        columns["reopen_until"] = await clocks.promise(tx, case, "REOPEN_WINDOW", "ENDED")
        if case.offered_to is not None:
            columns["offered_to"] = None
            parts = {**(parts or {}), "assignments": await _offers_withdrawn(tx, case)}
    texts, look = {"reason": command.reason}, clocks.look(case)
    case = await tx.change(case, EVENTS[command.action], parts=parts, texts=texts, look=look, **columns)
    await clocks.follow(tx, case, line.target, action=command.action, ended=ended, found=look.found)
    return case


def _members(command: CaseTransition) -> None:
    """Refuse members that belong to another action, and the absence of those that belong to this one."""
    for name, action, needed in (
        ("into", CaseAction.MERGE, True),
        ("area_code", CaseAction.TRANSFER, True),
        ("eligibility_check_ids", CaseAction.RECOMMEND, False),
    ):
        given = getattr(command, name) is not None
        if command.action is action and needed and not given:
            raise errors.Invalid.at(f"/{name}", "required", "This member is required.")
        if given and command.action is not action:
            raise errors.Invalid.at(f"/{name}", "invalid", "This value is not allowed here.")


async def locked(tx: Transaction, case_id: UUID) -> Case | None:
    """The case under its lock; None where there is none in sight."""
    try:
        return await tx.lock(Case, case_id)
    except errors.NotFound:
        return None


async def _offers_withdrawn(tx: Transaction, case: Case) -> list[Assignment]:
    rows = await tx.rows(
        Assignment, "regency = $1 AND case_id = $2 AND status = 'OFFERED' FOR NO KEY UPDATE", case.regency, case.id
    )
    return [await tx.update(row, status=AssignmentStatus.WITHDRAWN.value, ended_at=tx.now) for row in rows]


async def _verify(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    return Effect(await tasks.checked(tx, case))


async def _recommend(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    pinned = await _checks(tx, actor, case, command)
    return Effect({"recommended_by": actor.subject, "recommended_at": tx.now, "eligibility_check_ids": pinned})


async def _checks(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> list[UUID]:
    """The eligibility checks that the recommendation stands on: those that were named, or one that is made now."""
    if command.eligibility_check_ids is not None:
        for place, id_ in enumerate(command.eligibility_check_ids):
            check = await tx.find(EligibilityCheck, id_)
            if check is None or check.household_id != case.household_id:
                raise errors.Invalid.reference(f"/eligibility_check_ids/{place}")
        return list(dict.fromkeys(command.eligibility_check_ids))
    if Scope.ELIGIBILITY_CHECK not in actor.scopes:
        # By the newest that there is: what was known when it was recommended.
        newest = await tx.value(
            "SELECT id FROM eligibility_checks WHERE regency = $1 AND household_id = $2 ORDER BY id DESC LIMIT 1",
            case.regency,
            case.household_id,
        )
        return [newest] if newest is not None else []
    check = await checks.run(tx, actor, checks.CheckEligibility(household_id=case.household_id))
    return [check.id]


async def _return(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    return Effect({"returned_count": case.returned_count + 1})


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
    owed = await tasks.owe(tx, case)
    return Effect({"emergency": True, **owed.columns}, parts=owed.parts)


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


async def _close(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    cancelled = await _cancel_needs(tx, actor, case, command)
    dropped = await tasks.drop(tx, case)
    return Effect({**cancelled.columns, **dropped.columns}, cancelled.needs, dropped.parts)


async def _transfer(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    area = places.elsewhere(command.area_code or "")
    cancelled = await _cancel_needs(tx, actor, case, command)
    return Effect({**cancelled.columns, "transferred_to": area}, cancelled.needs)


async def _merge(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    """The survivor keeps the earlier report, so that nobody waits longer for having been reported twice."""
    survivor = None if command.into is None or command.into == case.id else await locked(tx, command.into)
    if survivor is None or survivor.household_id != case.household_id:
        raise errors.Invalid.reference("/into")
    if survivor.status in TERMINAL:
        raise errors.Conflict("case_closed")
    going, left = await _needs_to_move(tx, case, survivor)
    if survivor.need_count + len(going) > MAX_NEEDS:
        raise errors.Conflict("needs_full")
    moved = [await move(tx, need, survivor) for need in going]
    cancelled = [await tx.update(need, status=NeedStatus.CANCELLED.value) for need in left]
    await tx.change(
        survivor,
        "absorbed",
        parts={"needs": moved} if moved else None,
        received_at=min(survivor.received_at, case.received_at),
        **counts_with(survivor, moved),
    )
    return Effect(
        {
            "need_count": case.need_count - len(moved),
            "open_needs": 0,
            "referred_needs": 0,
            "merged_into": survivor.id,
        },
        (*moved, *cancelled),
    )


async def _needs_to_move(tx: Transaction, case: Case, survivor: Case) -> tuple[list[Need], list[Need]]:
    """The open needs of a duplicate: those that its survivor lacks or that a referral serves, and those that it has as well."""
    final = [status.value for status in FINAL_NEEDS]
    found = await tx.rows(
        Need,
        "regency = $1 AND case_id = ANY ($2) AND status <> ALL ($3) ORDER BY id FOR NO KEY UPDATE",
        case.regency,
        [case.id, survivor.id],
        final,
    )
    there = {(need.person_id, need.domain, need.need) for need in found if need.case_id == survivor.id}
    going: list[Need] = []
    left: list[Need] = []
    for need in found:
        if need.case_id == case.id:
            lacking = (need.person_id, need.domain, need.need) not in there
            (going if lacking or need.status == NeedStatus.REFERRED else left).append(need)
            there.add((need.person_id, need.domain, need.need))
    return going, left


async def _reopen(tx: Transaction, actor: Actor, case: Case, command: CaseTransition) -> Effect:
    """It keeps its number, and begins a new round: what it was assessed and recommended by is of the one before."""
    asked = reopening.granted(tx) if case.reopening_asked_at is not None else {}
    return Effect(
        asked
        | {
            "closed_at": None,
            "closing_text": None,
            "closing_code": None,
            "transferred_to": None,
            "reopen_until": None,
            "reopened_count": case.reopened_count + 1,
            "assessed": False,
            "eligibility_check_ids": [],
            "recommended_by": None,
            "recommended_at": None,
            "confirmed_by": None,
            "confirmed_at": None,
        }
    )


_EFFECTS: Final[dict[CaseAction, _Effect]] = {
    CaseAction.VERIFY: _verify,
    CaseAction.RECOMMEND: _recommend,
    CaseAction.RETURN: _return,
    CaseAction.CONFIRM: _confirm,
    CaseAction.MARK_EMERGENCY: _mark_emergency,
    CaseAction.CLOSE: _close,
    CaseAction.WITHDRAW: _cancel_needs,
    CaseAction.TRANSFER: _transfer,
    CaseAction.MERGE: _merge,
    CaseAction.REOPEN: _reopen,
}
