"""The steps of a case, and two cases that are one: merged, with who reported them, and taken apart again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases import service as cases
from slrt_api.cases.codes import FINAL_NEEDS, CaseAction, CaseStatus, MergeAction, MergeStatus, NeedStatus
from slrt_api.cases.lifecycle import MANAGERS, TERMINAL
from slrt_api.cases.models import Case, CaseMerge, Need
from slrt_api.cases.parts import CASE_MERGE_LIFECYCLE
from slrt_api.cases.service.needs import counts_with, move
from slrt_api.cases.service.transition import CaseTransition, locked
from slrt_api.cases.shapes import CASE, CASE_MERGE
from slrt_api.clocks import service as clocks
from slrt_api.complaints.models import Complaint
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.referrals.models import Referral
from slrt_api.runtime import events
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: what a merge changes of the duplicate, and its undoing puts back
_KEPT: Final = ("status", "need_count", "open_needs", "referred_needs", "offered_to")
_OF_FEEDBACK: Final = ("reassess_by", "reassessment_told_at")
#: A sealed report stays where it was filed: it is never brought to another case, and nobody learns that there is one.
_REPORTS: Final = "regency = $1 AND case_id = $2 AND NOT sealed ORDER BY id FOR NO KEY UPDATE"


class UndoMerge(Command):
    """Why the two are not one."""

    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read.",
        examples=["Dua orang berbeda dengan nama yang sama"],
    )


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
    found there never stops the case. `RECOMMEND` pins the eligibility checks that it stands on, and makes one where none is
    named. Whoever recommended a case neither confirms nor returns it. `COLLECT_FEEDBACK` and the closing as self-reliant or
    handled wait until no need is open; every other end but a merge waits until no referral runs, and cancels the needs that
    are left.
    `MARK_EMERGENCY` serves first: what it skips (identity, registry, assessment, consent) stands as `tasks` with a
    deadline, and no end but a death is reached while one is open. `MERGE` ends a duplicate in favor of a case of the same
    household: who reported it follows there, its number leads there, needs that the other lacks or that are referred go on
    there with their referrals, and it can be undone (`/v1/case-merges`). `TRANSFER`
    ends it here; the area that the household moved to opens its own. `REOPEN` keeps the number and begins a new round: at
    any time by a manager, until `reopen_until` by an officer at the word of its people.
    """
    if command.action is CaseAction.MERGE and command.into is not None:
        return await _merge(tx, actor, case_id, command, command.into)
    return await cases.step(tx, actor, case_id, command)


async def _merge(tx: Transaction, actor: Actor, case_id: UUID, command: CaseTransition, into: UUID) -> Case:
    # Two cases are locked in the order of their ids, whichever is asked.
    held = {id_: await locked(tx, id_) for id_ in sorted({case_id, into})}
    before, survivor = held[case_id], held[into]
    if before is not None and before.reopening_asked_at is not None:
        # Whoever asks gets an answer, and not a case of which they were told nothing.
        raise errors.Conflict("reopening_asked")
    needs: list[Need] = []
    if before is not None:
        final = [status.value for status in FINAL_NEEDS]
        needs = await tx.rows(
            Need, "regency = $1 AND case_id = $2 AND status <> ALL ($3) ORDER BY id", before.regency, case_id, final
        )
    case = await cases.step(tx, actor, case_id, command)
    if before is None or survivor is None:
        raise errors.NotFound
    moved = await tx.rows(
        Need, "regency = $1 AND case_id = $2 AND id = ANY ($3)", case.regency, into, [need.id for need in needs]
    )
    await _referrals_follow(tx, survivor, [need.id for need in moved], "case_merged", command.reason)
    async with tx.effect(case.regency):
        reports = await tx.rows(Complaint, _REPORTS, case.regency, case.id)
        for report in reports:
            await tx.change(report, "case_merged", case_id=into)
    await tx.create(
        CaseMerge(
            regency=case.regency,
            id=new_id(Kind.CASE_MERGE, case.regency, tx.now),
            area=survivor.area,
            created_at=tx.now,
            updated_at=tx.now,
            case_id=case.id,
            survivor_id=into,
            status=MergeStatus.MERGED.value,
            merged_by=actor.subject,
            reason=command.reason or "",
            before={
                "case": {name: getattr(before, name) for name in _KEPT}
                | {name: events.plain(getattr(before, name)) for name in _OF_FEEDBACK},
                "moved": sorted(str(need.id) for need in moved),
                "needs": {str(need.id): need.status for need in needs},
                "received_at": events.plain(survivor.received_at),
                "received_at_after": events.plain(min(survivor.received_at, before.received_at)),
                "complaints": [str(report.id) for report in reports],
            },
        ),
        "merged",
        texts={"reason": command.reason},
    )
    return case


@use_case("case_merges.undo", scope=Scope.CASES_WRITE, roles=MANAGERS, answers=CASE_MERGE)
async def undo(tx: Transaction, actor: Actor, merge_id: UUID, command: UndoMerge) -> CaseMerge:
    """Undo the merge of two cases.

    Both stand again as they did before it, and who reported the duplicate follows it back. 409 `merge_depended_on` where
    something has been built on it since: the survivor has ended or absorbed another case after it, a report has gone on to
    another case, or a need that went on there is met, referred or ended by now.
    """
    merge = await tx.ask(CaseMerge, merge_id)
    if merge.status == MergeStatus.UNDONE:
        raise errors.Conflict("merge_undone")
    line = CASE_MERGE_LIFECYCLE.advance(
        merge.status, MergeAction.UNDO, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    held = {id_: await tx.lock(Case, id_) for id_ in sorted({merge.case_id, merge.survivor_id})}
    case, survivor = held[merge.case_id], held[merge.survivor_id]
    reports = await _undoable(tx, merge, case, survivor)
    moved, cancelled = await _needs(tx, merge, case, survivor)
    needs = [await tx.update(need, status=merge.before["needs"][str(need.id)]) for need in cancelled]
    needs += [await move(tx, need, case) for need in moved]
    columns: dict[str, Any] = {**merge.before["case"], "offered_to": None}
    for name in _OF_FEEDBACK:
        # Of a merge before these columns there is nothing to put back.
        at = columns.get(name)
        columns[name] = datetime.fromisoformat(at) if at is not None else None
    case = await tx.change(
        case,
        "merge_undone",
        parts={"needs": needs} if needs else None,
        texts={"reason": command.reason},
        closed_at=None,
        closing_text=None,
        reopen_until=None,
        merged_into=None,
        **columns,
    )
    received_at = datetime.fromisoformat(merge.before["received_at"])
    await tx.change(
        survivor,
        "merge_undone",
        parts={"needs": moved} if moved else None,
        texts={"reason": command.reason},
        received_at=received_at,
        **counts_with(survivor, moved, -1),
    )
    await _referrals_follow(tx, case, [need.id for need in moved], "case_merge_undone", command.reason)
    await clocks.follow(tx, case, case.status)
    async with tx.effect(case.regency):
        for report in reports:
            await tx.change(report, "case_merge_undone", case_id=case.id)
    return await tx.change(
        merge,
        "undone",
        texts={"reason": command.reason},
        status=line.target,
        undone_by=actor.subject,
        undone_at=tx.now,
    )


async def _undoable(tx: Transaction, merge: CaseMerge, case: Case, survivor: Case) -> list[Complaint]:
    """The reports that follow back. Raises Conflict `merge_depended_on` where something was built on the merge."""
    newest = await tx.value(
        "SELECT id FROM case_merges WHERE regency = $1 AND survivor_id = $2 AND status = 'MERGED' ORDER BY id DESC LIMIT 1",
        merge.regency,
        merge.survivor_id,
    )
    ids = [UUID(each) for each in merge.before["complaints"]]
    async with tx.effect(merge.regency):
        where = "regency = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
        reports = await tx.rows(Complaint, where, merge.regency, ids) if ids else []
    stands = (
        case.status == CaseStatus.MERGED
        and case.merged_into == survivor.id
        and CaseStatus(survivor.status) not in TERMINAL
        and newest == merge.id
        and events.plain(survivor.received_at) == merge.before["received_at_after"]
        and all(report.case_id == survivor.id for report in reports)
    )
    if not stands:
        raise errors.Conflict("merge_depended_on")
    return reports


async def _referrals_follow(tx: Transaction, case: Case, needs: Sequence[UUID], event: str, reason: str | None) -> None:
    """Let the referrals of needs, and the notes for their receivers, be of the case that the needs are of."""
    if not needs:
        return
    async with tx.effect(case.regency):
        where = "regency = $1 AND need_id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
        referrals = await tx.rows(Referral, where, case.regency, list(needs))
        for referral in referrals:
            # What the manager says of two cases is for those who work on them, and in their history.
            await tx.change(referral, event, case_id=case.id)
        await tx.execute(
            "UPDATE case_notes SET case_id = $3 WHERE regency = $1 AND referral_id = ANY ($2)",
            case.regency,
            [referral.id for referral in referrals],
            case.id,
        )


async def _needs(tx: Transaction, merge: CaseMerge, case: Case, survivor: Case) -> tuple[list[Need], list[Need]]:
    """The needs that the merge moved and those that it cancelled.

    Raises Conflict `merge_depended_on` where one has gone on since, is gone, or its person is.
    """
    ids = [UUID(each) for each in merge.before["needs"]]
    needs = (
        await tx.rows(Need, "regency = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE", case.regency, ids)
        if ids
        else []
    )
    here = await tx.value(
        "SELECT count(DISTINCT id) FROM memberships WHERE regency = $1 AND household_id = $2 AND valid_to IS NULL"
        " AND id = ANY ($3)",
        case.regency,
        case.household_id,
        [need.person_id for need in needs],
    )
    people = {need.person_id for need in needs}
    going = set(merge.before.get("moved", ()))
    moved = [need for need in needs if str(need.id) in going]
    cancelled = [need for need in needs if str(need.id) not in going]
    stand = all(
        need.case_id == survivor.id and need.status == merge.before["needs"][str(need.id)] for need in moved
    ) and all(need.case_id == case.id and need.status == NeedStatus.CANCELLED for need in cancelled)
    if len(needs) != len(ids) or here != len(people) or not stand:
        raise errors.Conflict("merge_depended_on")
    return moved, cancelled
