"""One step of a complaint, whoever asks for it: the lifecycle table decides, and this is what each action does besides."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.clocks import service as clocks
from slrt_api.complaints import vault
from slrt_api.complaints.codes import (
    CATEGORY_OF,
    REALIZED,
    Action,
    Category,
    ComplaintOutcome,
    ComplaintStatus,
    MessageAuthor,
    MessageType,
    Nature,
    SeverityFlag,
    Subtype,
)
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE, TERMINAL, facts
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import merging, references
from slrt_api.complaints.service.words import message, unanswered
from slrt_api.kernel import errors
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Look, Transaction
from slrt_api.runtime.usecase import Command

Changes = dict[str, Any]

#: how long the complainant may have reopened what has ended. A choice of this project: no rule names one; UU 25/2009, article
#: 42, gives as many days for complaining about a service
REOPEN_WINDOW: Final = timedelta(days=30)

#: what each action is called in the past: the type of its event
EVENTS: Final = {
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
    Action.RATE: "rated",
    Action.UNMERGE: "unmerged",
}


class TransitionComplaint(Command):
    """What is to be done with the complaint."""

    action: Action = Field(description="One of its `allowed_actions`.", examples=["TRIAGE"])
    reason: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="Why, in words that the people concerned may read; the question for ASK_COMPLAINANT, what the"
        " complainant said for ANSWER, OBJECT and RATE. Needed by RETURN, LAPSE, REJECT_COMPETENCE, MERGE, UNMERGE, REOPEN too,"
        " by CLOSE of an objection, and by a TRIAGE that changes what was filed.",
        examples=["Please bring the family card to the Puskesos."],
    )
    resolution: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        default=None,
        description="What was found and done, in words for the complainant. Needed by RESOLVE, and only there.",
        examples=["The family was proposed for PKH."],
    )
    outcome: ComplaintOutcome | None = Field(
        default=None,
        description="How it ends, for RESOLVE and CLOSE; says by itself whether a service was given. `NOT_COMPETENT` and"
        " `NO_ANSWER` come with REJECT_COMPETENCE and LAPSE by themselves.",
        examples=["SERVICE_REALIZED"],
    )
    service_realized: bool | None = Field(
        default=None,
        description="Whether a service was given. RESOLVE needs it where it names no `outcome`; with one, leave it out or say the"
        " same.",
        examples=[True],
    )
    forward_to: UUID | None = Field(
        default=None,
        description="Organization that it is forwarded to. Needed by FORWARD, and only there.",
        examples=["019aaa11-2233-8000-8000-20a1b2c3d4e5"],
    )
    instruction: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="With FORWARD: what is to be done there (disposisi). Not shown to the complainant.",
        examples=["Check with the bank within three days and tell us."],
    )
    referred_to: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        default=None,
        description="With REJECT_COMPETENCE: who is competent, in words for the complainant. Left out, it is the complaint"
        " channel of the program; where the complaint names none, it is required.",
        examples=["PLN, Posko Pusat"],
    )
    reference_number: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="With REJECT_COMPETENCE: the number under which they know it.",
        examples=["LAPOR-1234567"],
    )
    merge_into: UUID | None = Field(
        default=None,
        description="Complaint that goes on in its place. Needed by MERGE, and only there.",
        examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"],
    )
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None,
        description="How content the complainant is with the resolution, 1 to 5. Needed by RATE, once for each resolution.",
        examples=[4],
    )
    nature: Nature | None = Field(default=None, description="With TRIAGE: what it really is.", examples=[None])
    category: Category | None = Field(default=None, description="With TRIAGE: the same.", examples=[None])
    subtype: Subtype | None = Field(default=None, description="With TRIAGE: the same.", examples=[None])
    severity_flags: Annotated[tuple[SeverityFlag, ...], Field(max_length=len(SeverityFlag))] | None = Field(
        default=None, description="With TRIAGE: all that make it grave; none is `[]`.", examples=[None]
    )
    program_code: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="With TRIAGE: the program that it is about.", examples=[None]
    )
    household_id: UUID | None = Field(
        default=None, description="With TRIAGE: the household that it concerns, in your scope.", examples=[None]
    )
    subject_person_id: UUID | None = Field(
        default=None, description="With TRIAGE: the person that it concerns, in your scope.", examples=[None]
    )


#: members that an action needs
_REQUIRED: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.RESOLVE: ("resolution",),
    Action.FORWARD: ("forward_to",),
    Action.MERGE: ("merge_into",),
    Action.RATE: ("satisfaction",),
}
#: members that triage may set right, of which what was filed is changed with a reason only
_CLASS: Final = ("nature", "category", "subtype", "severity_flags", "program_code")
_FOUND: Final = ("household_id", "subject_person_id")
#: members that an action takes besides
_TAKEN: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.RESOLVE: ("outcome", "service_realized"),
    Action.CLOSE: ("outcome",),
    Action.FORWARD: ("instruction",),
    Action.REJECT_COMPETENCE: ("referred_to", "reference_number"),
    Action.TRIAGE: (*_CLASS, *_FOUND),
}
_OF_ACTIONS: Final = sorted({name for names in (*_REQUIRED.values(), *_TAKEN.values()) for name in names})

#: actions whose reason is a message, who speaks, and what it is
_SAID: Final[Mapping[Action, tuple[MessageAuthor, MessageType]]] = {
    Action.ASK_COMPLAINANT: (MessageAuthor.OFFICER, MessageType.QUESTION),
    Action.ANSWER: (MessageAuthor.COMPLAINANT, MessageType.ANSWER),
    Action.OBJECT: (MessageAuthor.COMPLAINANT, MessageType.OBJECTION),
    Action.RATE: (MessageAuthor.COMPLAINANT, MessageType.FEEDBACK),
}
#: actions by which the desk has answered
_ANSWERED: Final = frozenset({Action.RESOLVE, Action.CLOSE, Action.REJECT_COMPETENCE})


@dataclass(frozen=True)
class _Asked:
    tx: Transaction
    actor: Actor
    complaint: Complaint
    command: TransitionComplaint


async def step(tx: Transaction, actor: Actor, complaint: Complaint, command: TransitionComplaint) -> Complaint:
    """Take one step of a complaint that is locked.

    Raises what `Lifecycle.advance` raises, Invalid for members that the action does not take or lacks, and what its effect
    raises.
    """
    if complaint.sealed:
        tx = tx.veiled()
    line = COMPLAINT_LIFECYCLE.advance(
        complaint.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row=facts(complaint, tx.now),
        actor=actor.guard_facts,
        outcome=_before(complaint, command.action),
    )
    COMPLAINT_LIFECYCLE.require_reason(line, command.reason)
    _require_members(command)
    columns: Changes = {"status": line.target}
    if ComplaintStatus(line.target) in TERMINAL and line.source != line.target:
        columns["reopen_until"] = tx.now + REOPEN_WINDOW
    if command.action in _ANSWERED:
        columns |= unanswered(tx, complaint, MessageAuthor.OFFICER)
    effect = _EFFECTS.get(command.action)
    if effect is not None:
        columns |= await effect(_Asked(tx, actor, complaint, command))
    parts = []
    if command.action in _SAID and command.reason is not None:
        author, type_ = _SAID[command.action]
        parts.append(message(tx, complaint, author, type_, command.reason))
        await tx.insert(*parts)
        if command.action is not Action.RATE:
            columns |= unanswered(tx, complaint, author)
    if complaint.sealed:
        columns = vault.hidden(tx.keyring.sealed, complaint.id, columns)
    look = clocks.look(complaint)
    before, complaint = (
        complaint,
        await tx.change(
            complaint,
            EVENTS[command.action],
            parts={"messages": parts} if parts else None,
            # What a message holds is encrypted there, and stands nowhere else.
            texts=None if parts else {"reason": command.reason},
            look=look,
            **columns,
        ),
    )
    return await _follow(tx, before, complaint, command.action, look)


def _before(complaint: Complaint, action: Action) -> str | None:
    """The state that a merged complaint returns to; of all other steps the table knows the end."""
    if action is not Action.UNMERGE or complaint.status != ComplaintStatus.MERGED:
        return None
    return complaint.merged_from or ComplaintStatus.RECEIVED


async def _follow(tx: Transaction, before: Complaint, complaint: Complaint, action: Action, look: Look) -> Complaint:
    """Let the deadlines follow the step: none where the complaint stays as it was. look: at its clocks, with the step."""
    found = look.found
    told: Changes = {"nature": complaint.nature, "severity_flags": complaint.severity_flags}
    if told != {"nature": before.nature, "severity_flags": before.severity_flags}:
        await clocks.reclassify(tx, complaint, **told)
        found = []
    if before.status == complaint.status:
        return complaint
    if action is Action.UNMERGE:
        # It waits again, as one that was reopened does; what its state meets is met below.
        await clocks.follow(tx, complaint, ComplaintStatus.REOPENED, **told)
        found = []
    started = await clocks.follow(
        tx,
        complaint,
        complaint.status,
        action=action,
        ended=ComplaintStatus(complaint.status) in TERMINAL,
        found=found,
        **told,
    )
    if complaint.status == ComplaintStatus.RESOLVED:
        # Of the window nothing is known before its clock runs; the column repeats it for guards.
        ends = [clock.due_at for clock in started if clock.name == "OBJECTION_WINDOW"]
        return await tx.update(complaint, objection_until=max(ends, default=None))
    return complaint


def _require_members(command: TransitionComplaint) -> None:
    faults = []
    required, taken = _REQUIRED.get(command.action, ()), _TAKEN.get(command.action, ())
    for name in _OF_ACTIONS:
        given = getattr(command, name) is not None
        if name in required and not given:
            faults.append(errors.Fault(f"/{name}", "required", "This action needs it."))
        elif given and name not in required and name not in taken:
            faults.append(errors.Fault(f"/{name}", "not_of_this_action", "Leave it out: the action takes none."))
    if command.action is Action.RESOLVE and command.outcome is None and command.service_realized is None:
        faults.append(errors.Fault("/service_realized", "required", "This action needs it, or an outcome."))
    if command.outcome in {ComplaintOutcome.NOT_COMPETENT, ComplaintOutcome.NO_ANSWER}:
        faults.append(errors.Fault("/outcome", "outcome_of_other_action", "It comes with another action by itself."))
    elif (
        command.outcome is not None
        and command.service_realized is not None
        and command.service_realized is not (command.outcome in REALIZED)
    ):
        faults.append(errors.Fault("/service_realized", "outcome_contradicts", "The outcome says otherwise."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


def _ended(outcome: ComplaintOutcome | None) -> Changes:
    return {} if outcome is None else {"outcome": outcome.value, "service_realized": outcome in REALIZED}


async def _triage(asked: _Asked) -> Changes:
    """Set right what was filed. Clocks that depend on the class follow it."""
    tx, complaint, command = asked.tx, asked.complaint, asked.command
    changes: Changes = {}
    for name in _CLASS:
        value = getattr(command, name)
        if value is not None:
            changes[name] = sorted({str(flag) for flag in value}) if name == "severity_flags" else str(value)
    differing = [name for name, value in changes.items() if getattr(complaint, name) != value]
    if differing and not (command.reason or "").strip():
        raise errors.Invalid.at("/reason", "reason_required", "Say why what was filed is changed.")
    category, subtype = changes.get("category", complaint.category), changes.get("subtype", complaint.subtype)
    if subtype is not None and CATEGORY_OF[Subtype(subtype)] != category:
        if command.subtype is not None:
            raise errors.Invalid.at("/subtype", "subtype_of_other_category", "Give a subtype of the category.")
        changes["subtype"] = None
    await references.program(tx, "/program_code", command.program_code)
    await references.household(tx, asked.actor, "/household_id", command.household_id, complaint.regency)
    await references.person(tx, asked.actor, "/subject_person_id", command.subject_person_id, complaint.regency)
    if command.household_id is not None and complaint.case_id is not None:
        # It belongs to the case of another household; what it is about is known there.
        raise errors.Conflict("complaint_has_case")
    changes |= {name: id_ for name in _FOUND if (id_ := getattr(command, name)) is not None}
    return changes


async def _resolve(asked: _Asked) -> Changes:
    command = asked.command
    return {
        "resolution": command.resolution,
        "outcome": None,
        "service_realized": command.service_realized,
        **_ended(command.outcome),
        "resolved_at": asked.tx.now,
        # Each resolution is rated by itself.
        "satisfaction": None,
        "rated_at": None,
    }


async def _close(asked: _Asked) -> Changes:
    return _ended(asked.command.outcome)


async def _lapse(asked: _Asked) -> Changes:
    return _ended(ComplaintOutcome.NO_ANSWER)


async def _reject(asked: _Asked) -> Changes:
    """Tell who is competent: as the officer says, else as the program's own entry of the catalog does."""
    command, code = asked.command, asked.complaint.program_code
    referred_to = command.referred_to
    if referred_to is None and code is not None:
        referred_to = await asked.tx.value("SELECT complaint_channel FROM programs WHERE code = $1", code)
    if referred_to is None:
        raise errors.Invalid.at("/referred_to", "required", "The complaint names no program: say who is competent.")
    return {
        **_ended(ComplaintOutcome.NOT_COMPETENT),
        "referred_to": referred_to,
        "reference_number": command.reference_number,
    }


async def _forward(asked: _Asked) -> Changes:
    command = asked.command
    if command.forward_to is None or await asked.tx.find(Organization, command.forward_to) is None:
        raise errors.Invalid.reference("/forward_to")
    if command.forward_to == asked.complaint.accused_organization_id:
        raise errors.Conflict("forward_to_accused")
    return {"forwarded_to": command.forward_to, "instruction": command.instruction}


async def _rate(asked: _Asked) -> Changes:
    return {"satisfaction": asked.command.satisfaction, "rated_at": asked.tx.now}


async def _reopen(asked: _Asked) -> Changes:
    return {"cycle": asked.complaint.cycle + 1, "reopen_until": None, "objection_until": None}


async def _merge(asked: _Asked) -> Changes:
    if asked.command.merge_into is None:
        raise errors.Invalid.reference("/merge_into")
    merged = await merging.merge(asked.tx, asked.actor, asked.complaint, asked.command.merge_into)
    # Its receipt shows what goes on; there is nothing of its own to reopen.
    return {**merged, "reopen_until": None}


async def _unmerge(asked: _Asked) -> Changes:
    return await merging.unmerge(asked.tx, asked.complaint)


_EFFECTS: Final[Mapping[Action, Callable[[_Asked], Awaitable[Changes]]]] = {
    Action.TRIAGE: _triage,
    Action.RESOLVE: _resolve,
    Action.CLOSE: _close,
    Action.LAPSE: _lapse,
    Action.REJECT_COMPETENCE: _reject,
    Action.FORWARD: _forward,
    Action.RATE: _rate,
    Action.REOPEN: _reopen,
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
}
