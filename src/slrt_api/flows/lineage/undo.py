"""Undo an operation: the values of before, from its revision, unless something depends on those of after."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.cases.models import Case, Need
from slrt_api.flows.lineage.commands import ROLES
from slrt_api.flows.lineage.ledger import MODELS, Ledger, restored
from slrt_api.households.codes import HouseholdEnd, LineageAction, LineageStatus, Operation, PersonEnd, Relation
from slrt_api.households.lifecycle import LINEAGE_FACTS, LINEAGE_LIFECYCLE
from slrt_api.households.models import Duplicate, Household, Lineage, LineageParticipant, Membership, Person
from slrt_api.households.shapes import LINEAGE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.events import plain
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Step = Mapping[str, Any]


class UndoOperation(Command):
    """Why an operation is undone."""

    reason: str = Field(min_length=1, max_length=2000, description="Why.", examples=["Keliru mencatat"])


@use_case("lineage.undo", scope=Scope.HOUSEHOLDS_WRITE, roles=ROLES, answers=LINEAGE, may_hide=True)
async def undo(tx: Transaction, actor: Actor, lineage_id: UUID, command: UndoOperation) -> Lineage:
    """Undo an operation.

    Every value is again what it was before. Rows that the operation made stay, as what never held: a household ends as
    `DISSOLVED`, a person as `MISTAKEN`, memberships and numbers end on the day they began. Refused with 409 `undo_blocked`
    where the operation is undone already, or something has changed since that depends on it: undo that first. A household that
    was handed over to another regency comes back by another hand-over: both sides agreed, and one alone undoes nothing.
    """
    row = await tx.ask(Lineage, lineage_id)
    if row.status != LineageStatus.DONE:
        raise errors.Conflict("undo_blocked")
    if row.operation == Operation.MERGE_PERSONS:
        # Who may not decide that two are one may not decide that they are not.
        actor.require(Scope.DUPLICATES_DECIDE)
    line = LINEAGE_LIFECYCLE.advance(
        row.status,
        LineageAction.UNDO,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(row, name) for name in LINEAGE_FACTS},
        actor=actor.guard_facts,
    )
    async with tx.effect(row.regency):
        steps = await _steps(tx, row)
        participants = await tx.rows(LineageParticipant, "regency = $1 AND id = $2", row.regency, row.id)
        of = {
            kind: [each.participant_id for each in participants if each.kind == kind]
            for kind in (Kind.HOUSEHOLD, Kind.PERSON, Kind.CASE)
        }
        ledger = Ledger(tx, row.regency, None, row.id)
        await ledger.lock(of[Kind.HOUSEHOLD], of[Kind.PERSON], of[Kind.CASE])
        # Of a person's number the household is no participant, but what it is to the person is not touched either.
        await _require_free(ledger, row, steps, [each.participant_id for each in participants])
        rows = [await _as_left(ledger, step) for step in steps]
        for step, found in zip(reversed(steps), reversed(rows), strict=True):
            await _take_back(ledger, step, found)
        await ledger.settle(*(each for each in ledger.households.values() if ledger.running(each)))
        _require_families(ledger)
        area = next((s["before"]["area"] for s in steps if s["before"] and "area" in s["before"]), row.area)
        await ledger.write(command.reason)
        if area != row.area:
            await tx.execute(
                "UPDATE lineage_participants SET area = $3 WHERE regency = $1 AND id = $2", row.regency, row.id, area
            )
        return await tx.change(
            row,
            "undone",
            texts={"reason": command.reason},
            status=line.target,
            undone_at=tx.now,
            undo_reason=command.reason,
            area=area,
        )


async def _steps(tx: Transaction, row: Lineage) -> Sequence[Step]:
    found: Sequence[Step] | None = await tx.value(
        "SELECT values -> 'steps' FROM revisions WHERE regency = $1 AND aggregate_id = $2 AND sequence = 1",
        row.regency,
        row.id,
    )
    if found is None:
        # The revision was erased: what was before is not known any more.
        raise errors.Conflict("undo_blocked")
    return found


async def _require_free(ledger: Ledger, row: Lineage, steps: Sequence[Step], participants: Sequence[UUID]) -> None:
    """Refuse where an operation that came after changed the same values, or touched what this one made."""
    later = await ledger.tx.fetch(
        "SELECT r.values -> 'steps' AS steps, (SELECT array_agg(q.participant_id) FROM lineage_participants q"
        " WHERE q.regency = l.regency AND q.id = l.id) AS participants"
        " FROM lineage l JOIN revisions r ON r.regency = l.regency AND r.aggregate_id = l.id AND r.sequence = 1"
        " WHERE l.regency = $1 AND l.status = 'DONE' AND l.id <> $2 AND l.created_at >= $3 AND l.id IN"
        " (SELECT p.id FROM lineage_participants p WHERE p.regency = $1 AND p.participant_id = ANY ($4))",
        row.regency,
        row.id,
        row.created_at,
        list(participants),
    )
    mine = _places(steps)
    made = {
        UUID(step["key"]["id"])
        for step in steps
        if step["before"] is None and step["table"] in {"households", "persons"}
    }
    for other in later:
        if mine & _places(other["steps"] or ()) or made & set(other["participants"]):
            raise errors.Conflict("undo_blocked")
    used = await ledger.tx.value(
        "SELECT EXISTS (SELECT FROM needs WHERE regency = $1 AND person_id = ANY ($2)) OR EXISTS"
        " (SELECT FROM cases WHERE regency = $1 AND household_id = ANY ($2) AND id <> ALL ($3))",
        row.regency,
        list(made),
        list(participants),
    )
    if used:
        raise errors.Conflict("undo_blocked")


def _places(steps: Sequence[Step]) -> set[tuple[str, str, str]]:
    """(table, key, column) of every value that was there before and was changed."""
    return {
        (step["table"], str(sorted(step["key"].items())), name)
        for step in steps
        if step["before"] is not None
        for name in step["before"]
    }


async def _as_left(ledger: Ledger, step: Step) -> Any:
    """The row of a step, if it still is as the operation left it."""
    model, id_ = MODELS[step["table"]], UUID(step["key"]["id"])
    known: Mapping[type, Mapping[UUID, Any]] = {
        Household: ledger.households,
        Person: ledger.persons,
        Case: ledger.cases,
        Need: ledger.needs,
    }
    if model in known:
        row = known[model].get(id_)
    else:
        ordinal = " AND ordinal = $3" if model is Membership else ""
        key = (id_, step["key"]["ordinal"]) if model is Membership else (id_,)
        found = await ledger.tx.rows(
            model, f"regency = $1 AND id = $2{ordinal} FOR NO KEY UPDATE", ledger.regency, *key
        )
        row = found[0] if found else None
    if row is None or any(plain(getattr(row, name)) != value for name, value in step["after"].items()):
        raise errors.Conflict("undo_blocked")
    case = ledger.cases.get(row.case_id) if isinstance(row, Need) else row
    if isinstance(case, Case) and case.closed_at is not None:
        raise errors.Conflict("undo_blocked")
    return row


async def _take_back(ledger: Ledger, step: Step, row: Any) -> None:
    """Give a row the values of before; one that the operation made has never held."""
    before = restored(type(row), step["before"]) if step["before"] is not None else None
    if isinstance(row, Household):
        ended = {"ended_at": ledger.tx.now, "ended_as": HouseholdEnd.DISSOLVED.value}
        ledger.set(row, **(ended if before is None else before))
    elif isinstance(row, Person):
        ended = {"ended_at": ledger.tx.now, "ended_as": PersonEnd.MISTAKEN.value}
        ledger.set(row, **(ended if before is None else before))
    elif isinstance(row, Case | Duplicate):
        ledger.set(row, **(before or {}))
    elif isinstance(row, Need):
        await ledger.part(row, (ledger.cases[row.case_id],), **(before or {}))
    else:
        values = {"valid_to": row.valid_from} if before is None else before
        owners = [
            aggregate
            for id_ in ((row.household_id, row.id) if isinstance(row, Membership) else (row.owner_id,))
            for aggregate in (ledger.households.get(id_), ledger.persons.get(id_))
            if aggregate is not None
        ]
        after = await ledger.part(row, owners, **values)
        if isinstance(after, Membership):
            if after.valid_to is None:
                ledger.members[after.id] = after
            else:
                ledger.members.pop(after.id, None)


def _require_families(ledger: Ledger) -> None:
    """Refuse what would leave a household without a head, or people in one that has ended."""
    for household in ledger.households.values():
        heads = [relation for relation in ledger.family(household.id).values() if relation is Relation.HEAD]
        if len(heads) != (1 if ledger.running(household) else 0):
            raise errors.Conflict("undo_blocked")
        if not ledger.running(household) and ledger.family(household.id):
            raise errors.Conflict("undo_blocked")
