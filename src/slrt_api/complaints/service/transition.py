"""Move a complaint on: one use case for every action, the lifecycle table decides."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.clocks import service as clocks
from slrt_api.complaints.codes import Action, ComplaintStatus
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, TERMINAL, facts
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel import errors
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Changes = dict[str, Any]

#: what each action is called in the past: the type of its event
EVENTS = {
    Action.TRIAGE: "triaged",
    Action.FORWARD: "forwarded",
    Action.START: "started",
    Action.ASK_COMPLAINANT: "complainant_asked",
    Action.ANSWER: "answered",
    Action.RETURN: "returned",
    Action.RESOLVE: "resolved",
    Action.OBJECT: "objected",
    Action.CLOSE: "closed",
    Action.LAPSE: "lapsed",
    Action.REJECT_COMPETENCE: "competence_rejected",
    Action.MERGE: "merged",
    Action.REOPEN: "reopened",
}


class TransitionComplaint(Command):
    """What is to be done with the complaint."""

    action: Action = Field(description="One of its `allowed_actions`.", examples=["TRIAGE"])
    reason: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="Why, in words that the people concerned may read; the question for ASK_COMPLAINANT, what the"
        " complainant said for ANSWER and OBJECT. Needed by RETURN, LAPSE, REJECT_COMPETENCE, MERGE, REOPEN too, and by"
        " CLOSE of an objection.",
        examples=["Please bring the family card to the Puskesos."],
    )
    resolution: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        default=None,
        description="What was found and done, in words for the complainant. Needed by RESOLVE, and only there.",
        examples=["The family was proposed for PKH."],
    )
    service_realized: bool | None = Field(
        default=None, description="Whether a service was given. Needed by RESOLVE, and only there.", examples=[True]
    )
    forward_to: UUID | None = Field(
        default=None,
        description="Organization that it is forwarded to. Needed by FORWARD, and only there.",
        examples=["019aaa11-2233-8000-8000-20a1b2c3d4e5"],
    )
    merge_into: UUID | None = Field(
        default=None,
        description="Complaint that goes on in its place. Needed by MERGE, and only there.",
        examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"],
    )


#: members that an action needs, and that no other takes
_MEMBERS = {
    Action.RESOLVE: ("resolution", "service_realized"),
    Action.FORWARD: ("forward_to",),
    Action.MERGE: ("merge_into",),
}


@use_case(
    "complaints.transition",
    scope=None,
    one_of=(Scope.COMPLAINTS_HANDLE, Scope.COMPLAINTS_WRITE),
    answers=COMPLAINT,
)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionComplaint) -> Complaint:
    """Move a complaint on.

    Handling needs the scope `complaints:handle`; ANSWER and OBJECT, which are the complainant's, `complaints:write`.
    Nobody handles a complaint that accuses themselves or their office, and none is forwarded to the office that it accuses.
    Deadlines that the new state meets are met; those that begin with it begin; at an end the others stop.
    """
    complaint = await tx.ask(Complaint, id_)
    step = COMPLAINT_LIFECYCLE.advance(
        complaint.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row=facts(complaint),
        actor=actor.guard_facts,
    )
    COMPLAINT_LIFECYCLE.require_reason(step, command.reason)
    _require_members(command)
    apply = _EFFECTS.get(command.action)
    changes = await apply(tx, complaint, command) if apply else {}
    complaint = await tx.change(
        complaint, EVENTS[command.action], texts={"reason": command.reason}, status=step.target, **changes
    )
    await clocks.follow(
        tx,
        complaint,
        step.target,
        action=command.action,
        ended=ComplaintStatus(step.target) in TERMINAL,
        nature=complaint.nature,
        severity_flags=complaint.severity_flags,
    )
    return complaint


def _require_members(command: TransitionComplaint) -> None:
    faults = []
    for action, names in _MEMBERS.items():
        for name in names:
            given = getattr(command, name) is not None
            if action is command.action and not given:
                faults.append(errors.Fault(f"/{name}", "required", "This action needs it."))
            elif action is not command.action and given:
                faults.append(errors.Fault(f"/{name}", "not_of_this_action", "Leave it out: the action takes none."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


async def _resolve(tx: Transaction, _: Complaint, command: TransitionComplaint) -> Changes:
    return {
        "resolution": command.resolution,
        "service_realized": command.service_realized,
        "resolved_at": tx.now,
    }


async def _forward(tx: Transaction, complaint: Complaint, command: TransitionComplaint) -> Changes:
    if command.forward_to is None or await tx.find(Organization, command.forward_to) is None:
        raise errors.Invalid.reference("/forward_to")
    if command.forward_to == complaint.accused_organization_id:
        raise errors.Conflict("forward_to_accused")
    return {"forwarded_to": command.forward_to}


async def _merge(tx: Transaction, complaint: Complaint, command: TransitionComplaint) -> Changes:
    survivor = await tx.find(Complaint, command.merge_into) if command.merge_into else None
    if survivor is None or survivor.regency != complaint.regency or survivor.id == complaint.id:
        raise errors.Invalid.reference("/merge_into")
    if survivor.status == ComplaintStatus.MERGED:
        raise errors.Conflict("merged_already")
    return {"merged_into": survivor.id}


_EFFECTS: dict[Action, Callable[[Transaction, Complaint, TransitionComplaint], Awaitable[Changes]]] = {
    Action.RESOLVE: _resolve,
    Action.FORWARD: _forward,
    Action.MERGE: _merge,
}
