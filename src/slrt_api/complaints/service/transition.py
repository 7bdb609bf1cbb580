"""Move a complaint on: the door for callers with a token. What a step does stands in `step`."""

from uuid import UUID

from slrt_api.access.scopes import Scope
from slrt_api.complaints.codes import Action
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service.merging import lock_other
from slrt_api.complaints.service.step import TransitionComplaint, step
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case


@use_case(
    "complaints.transition",
    scope=None,
    one_of=(Scope.COMPLAINTS_HANDLE, Scope.COMPLAINTS_WRITE),
    answers=COMPLAINT,
)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionComplaint) -> Complaint:
    """Move a complaint on.

    Handling needs the scope `complaints:handle`; ANSWER, OBJECT, RATE and the complainant's REOPEN, `complaints:write`.
    Nobody handles a complaint that accuses themselves or their office, and none is forwarded to the office that it accuses.
    Deadlines that the new state meets are met; those that begin with it begin; at an end the others stop. REOPEN and UNMERGE
    begin them anew. OBJECT is possible until `objection_until`, and the complainant's REOPEN until `reopen_until`. MERGE lets
    another complaint go on for this one and is undone by UNMERGE; both keep their receipts.
    """
    if command.action in {Action.MERGE, Action.UNMERGE}:
        await lock_other(tx, id_, command.merge_into)
    complaint = await tx.ask(Complaint, id_)
    return await step(tx, actor, complaint, command)
