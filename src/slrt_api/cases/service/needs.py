"""Needs of a case: adding one, ending one, and moving one on behalf of its referral."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas.codelists import load_services
from slrt_api.cases.codes import FINAL_NEEDS, CaseStatus, Domain, NeedAction, NeedStatus
from slrt_api.cases.lifecycle import BY_HAND, need_line
from slrt_api.cases.models import Case, Need
from slrt_api.cases.service import reopening
from slrt_api.cases.shapes import CASE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

MAX_NEEDS = 100
_EVENTS: Final = {
    NeedAction.SERVE: "need_served",
    NeedAction.FAIL: "need_failed",
    NeedAction.CANCEL: "need_cancelled",
    NeedAction.REOPEN: "need_reopened",
}


class AddNeed(Command):
    """What one person of the household needs."""

    person_id: UUID = Field(description="A member of the household.", examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"])
    domain: Domain = Field(description="Field of work.", examples=["HEALTH"])
    need: str = Field(
        min_length=1,
        max_length=60,
        description="The service needed: a code of `/v1/services` of that domain.",
        examples=["HEALTH_INSURANCE"],
    )
    note: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="What is particular about it.",
        examples=["Rawat jalan"],
    )


class TransitionNeed(Command):
    """A step of one need that no referral makes."""

    need_id: UUID = Field(description="A need of the case.", examples=["019aaa11-2233-8000-8cfe-10a1b2c3d4e5"])
    action: NeedAction = Field(
        description=(
            "`SERVE` (the unit begins to serve it), `FAIL` (it cannot be met), `CANCEL` (it fell away) or `REOPEN` (its people"
            " say that the service never came)."
        ),
        examples=["SERVE"],
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; asked for by `FAIL`, `CANCEL` and `REOPEN`.",
        examples=["Keluarga sudah mendapat bantuan yang sama"],
    )


@use_case("cases.add_need", scope=Scope.CASES_WRITE, answers=CASE)
async def add_need(tx: Transaction, actor: Actor, case_id: UUID, command: AddNeed) -> Case:
    """Add a need to a case.

    While the case is in `ASSESSMENT` or `REASSESSMENT`; of an emergency also while it is `IN_SERVICE`, because service
    comes first there. The need begins `OPEN`.
    """
    case = await tx.ask(Case, case_id)
    if not in_assessment(case):
        raise errors.Conflict("case_not_in_assessment")
    if case.need_count >= MAX_NEEDS:
        raise errors.Conflict("needs_full")
    if (command.need, command.domain.value) not in {(each.code, each.domain) for each in load_services()}:
        raise errors.Invalid.at("/need", "unknown_code", "Give one of the documented codes.")
    if not await _is_member(tx, case, command.person_id):
        raise errors.Invalid.reference("/person_id")
    need = Need(
        regency=case.regency,
        id=new_id(Kind.NEED, case.regency, tx.now),
        area=case.area,
        case_id=case.id,
        person_id=command.person_id,
        domain=command.domain.value,
        need=command.need,
        status=NeedStatus.OPEN.value,
        note=command.note,
        escalation=case.escalation,
        created_at=tx.now,
    )
    await tx.insert(need)
    return await tx.change(
        case,
        "need_added",
        parts={"needs": [need]},
        need_count=case.need_count + 1,
        open_needs=case.open_needs + 1,
    )


@use_case("cases.transition_need", scope=Scope.CASES_WRITE, answers=CASE)
async def transition_need(tx: Transaction, actor: Actor, case_id: UUID, command: TransitionNeed) -> Case:
    """Begin to serve a need, end it unserved, or open it again.

    `SERVE` while the case is `IN_SERVICE`; it ends with the record of the service (`/services`). `FAIL` and `CANCEL` in
    every open state of the case: a need that nobody can meet must not keep it open. A need that is referred moves with
    its referral only. `REOPEN` grants what the people of the case ask for where a service that was reported as given never
    came (`reopening_asked_at`, `reopening_referral_id`).
    """
    case = await tx.ask(Case, case_id)
    need = await of_case(tx, case, command.need_id)
    if command.action not in BY_HAND.actions:
        raise errors.Conflict("transition_not_allowed")
    line = BY_HAND.advance(
        need.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={
            "case_status": case.status,
            "case_open": case.closed_at is None,
            "not_received": case.closed_at is None
            and case.reopening_asked_at is not None
            and case.reopening_referral_id is not None
            and case.reopening_referral_id == need.referral_id,
        },
        actor=actor.guard_facts,
    )
    BY_HAND.require_reason(line, command.reason)
    counts = counts_after(case, need, NeedStatus(line.target))
    if command.action is NeedAction.REOPEN:
        counts |= reopening.granted(tx)
        need = await tx.update(need, status=line.target, referral_id=None)
    else:
        need = await tx.update(need, status=line.target)
    event = _EVENTS[command.action]
    return await tx.change(case, event, parts={"needs": [need]}, texts={"reason": command.reason}, **counts)


async def move_need(
    tx: Transaction, need_id: UUID, status: NeedStatus, *, referral_id: UUID | None, event: str
) -> Need:
    """Move a need with its referral, and record it on the case. Called inside `tx.effect`: the referral was asked, not we.

    status       REFERRED when the referral is sent, OPEN when it comes back, MET when realized, UNMET when given up
    referral_id  what stands on the need from now on: the referral, or None when it comes back
    event        type of the case's event without its name, such as `need_referred`
    Raises NotFound; Conflict `need_not_open` where the need has moved on, `case_not_in_service` for a referral of a case
    that is not in service.
    """
    case_id = (await tx.get(Need, need_id)).case_id
    # Locked in the order of the house: the case before its part.
    case = await tx.lock(Case, case_id)
    need = await tx.lock(Need, need_id)
    if need_line(need.status, status) is None:
        raise errors.Conflict("need_not_open")
    if status is NeedStatus.REFERRED and case.status != CaseStatus.IN_SERVICE:
        raise errors.Conflict("case_not_in_service")
    counts = counts_after(case, need, status)
    need = await tx.update(need, status=status.value, referral_id=referral_id)
    await tx.change(case, event, parts={"needs": [need]}, **counts)
    return need


def counts_after(case: Case, need: Need, status: NeedStatus) -> dict[str, Any]:
    """The counts of the case when `need` goes to `status`."""
    before = NeedStatus(need.status)
    return {
        "open_needs": case.open_needs + (before in FINAL_NEEDS) - (status in FINAL_NEEDS),
        "referred_needs": case.referred_needs + (status is NeedStatus.REFERRED) - (before is NeedStatus.REFERRED),
    }


async def move(tx: Transaction, need: Need, case: Case) -> Need:
    """Let a need be one of `case`, of the same household. The counts of both are the caller's."""
    return await tx.update(need, case_id=case.id, area=case.area, escalation=case.escalation)


def counts_with(case: Case, needs: Sequence[Need], sign: int = 1) -> dict[str, Any]:
    """The counts of a case that these needs come to, or (-1) leave."""
    referred = sum(need.status == NeedStatus.REFERRED for need in needs)
    return {
        "need_count": case.need_count + sign * len(needs),
        "open_needs": case.open_needs + sign * len(needs),
        "referred_needs": case.referred_needs + sign * referred,
    }


def in_assessment(case: Case) -> bool:
    """Whether needs and assessments may be recorded: at an assessment, and afterwards where an emergency skipped it."""
    if case.status in {CaseStatus.ASSESSMENT, CaseStatus.REASSESSMENT}:
        return True
    return case.emergency and case.status == CaseStatus.IN_SERVICE


async def of_case(tx: Transaction, case: Case, need_id: UUID) -> Need:
    """The need, locked. Raises Invalid for one that is not of this case."""
    found = await tx.rows(
        Need, "regency = $1 AND case_id = $2 AND id = $3 FOR NO KEY UPDATE", case.regency, case.id, need_id
    )
    if not found:
        raise errors.Invalid.reference("/need_id")
    return found[0]


async def _is_member(tx: Transaction, case: Case, person_id: UUID) -> bool:
    found: bool = await tx.value(
        "SELECT EXISTS (SELECT FROM memberships WHERE regency = $1 AND id = $2 AND household_id = $3 AND valid_to IS NULL)",
        case.regency,
        person_id,
        case.household_id,
    )
    return found
