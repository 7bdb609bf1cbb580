"""Service levels of a regency or of the nation: decide one, end one. What was promised under one stays promised."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes
from slrt_api.areas.codelists import Confidence, load_code_lists
from slrt_api.clocks.codes import ClockSubject, CountsFrom
from slrt_api.clocks.models import SlaPolicy
from slrt_api.clocks.service import authority
from slrt_api.clocks.shapes import SLA_POLICY
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.kernel.worktime import Unit
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

EventName = Annotated[str, Field(pattern="^[A-Z][A-Z_]{1,59}$", description="A status or an action.")]
_DAY = timedelta(days=1)
#: another service level of the same area for the same things: the later takes its place
_BEFORE = """
area = $1 AND name = $2 AND applies_to = $3 AND natures = $4::text[] AND severity_flag IS NOT DISTINCT FROM $5
AND (effective_to IS NULL OR effective_to >= $6) AND NOT shipped ORDER BY id
"""


class DecidePolicy(Command):
    """A service level: a deadline, what starts, meets and pauses it, and where it comes from."""

    area_code: Annotated[str, Field(max_length=13)] | None = Field(
        default=None, description="Regency or city; the nation when left out.", examples=["33.26"]
    )
    policy: str = Field(
        pattern="^[A-Z0-9][A-Z0-9.-]{1,39}$", description="Name of the set of rules.", examples=["PERBUP-12-2026"]
    )
    name: str = Field(
        pattern="^[A-Z][A-Z_]{1,39}$",
        description="What is promised. One of the same name in the nation's no longer starts here.",
        examples=["RESOLVE"],
    )
    applies_to: ClockSubject = Field(description="What it is for.", examples=["complaint"])
    natures: tuple[str, ...] = Field(
        default=(), max_length=10, description="Natures of complaints that it is for; all when empty.", examples=[[]]
    )
    severity_flag: str | None = Field(
        default=None,
        max_length=60,
        description="Flag of a complaint that calls for it. Such a rule beats every rule without one.",
        examples=[None],
    )
    unit: Unit = Field(description="What `amount` counts.", examples=["WORKING_DAY"])
    amount: int = Field(ge=1, le=10_000, description="How long, in units.", examples=[10])
    counts_from: CountsFrom = Field(
        default=CountsFrom.EVENT,
        description="The instant from which it counts. `CAPTURED` is the duty of who recorded something offline.",
        examples=["EVENT"],
    )
    start_events: tuple[EventName, ...] = Field(
        min_length=1, max_length=20, description="Statuses or actions that start it.", examples=[["RECEIVED"]]
    )
    meets_events: tuple[EventName, ...] = Field(
        min_length=1, max_length=20, description="Statuses or actions that meet it.", examples=[["RESOLVED", "CLOSED"]]
    )
    pauses_in: tuple[EventName, ...] = Field(
        default=(),
        max_length=20,
        description="Statuses in which it stands still, for `pause_limit` in all.",
        examples=[["AWAITING_COMPLAINANT"]],
    )
    pause_limit: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="The longest that all pauses may last together; after that it runs on by itself.",
        examples=[30],
    )
    pause_unit: Unit | None = Field(default=None, description="What `pause_limit` counts.", examples=["CALENDAR_DAY"])
    warn_percent: int | None = Field(
        default=None,
        ge=1,
        le=99,
        description="Share of its office time used up when it is warned of. Give this, or `warn_minutes`, or neither.",
        examples=[80],
    )
    warn_minutes: int | None = Field(
        default=None, ge=1, le=100_000, description="Office minutes left when it is warned of.", examples=[None]
    )
    statute: str | None = Field(
        default=None, min_length=1, max_length=200, description="Law behind it.", examples=["Perbup 12/2026 Ps. 4"]
    )
    citation: str = Field(
        min_length=1,
        max_length=500,
        description="Where it can be read.",
        examples=["jdih.example.go.id/perbup-12-2026"],
    )
    remark: str = Field(
        min_length=1, max_length=500, description="What it is about.", examples=["Keluhan diselesaikan"]
    )
    confidence: Confidence = Field(default=Confidence.SOURCED, description="How sure it is.", examples=["SOURCED"])
    effective_from: date = Field(description="First day, today or later.", examples=["2027-01-01"])
    effective_to: date | None = Field(default=None, description="Last day.", examples=[None])


class EndPolicy(Command):
    """Why a service level ends, and when."""

    effective_to: date = Field(description="Last day, yesterday or later.", examples=["2027-06-30"])
    reason: str = Field(
        min_length=1,
        max_length=2_000,
        description="Why, in words that everybody may read.",
        examples=["Perbup dicabut"],
    )


@use_case("sla_policies.decide", scope=Scope.CALENDARS_WRITE, roles=authority.WRITERS, answers=SLA_POLICY, creates=True)
async def decide(tx: Transaction, actor: Actor, command: DecidePolicy) -> SlaPolicy:
    """Decide a service level.

    Of the caller's regency, or by the national office of the nation. It starts clocks from `effective_from` on and does not
    change: one of the same name for the same natures or flag takes its place, from its own first day. Clocks that run keep
    what they were promised under.
    """
    area = authority.area_of(actor, command.area_code)
    _check(command, _today(tx, area))
    edition = await authority.edition(tx, "sla_policies", area)
    natures = sorted(set(command.natures))
    before = await tx.rows(
        SlaPolicy,
        _BEFORE,
        area,
        command.name,
        command.applies_to.value,
        natures,
        command.severity_flag,
        command.effective_from,
    )
    for each in before:
        if each.effective_from >= command.effective_from:
            raise errors.Conflict("policy_overlaps")
        row = await tx.lock(SlaPolicy, each.id)
        await tx.change(row, "replaced", effective_to=command.effective_from - _DAY, edition=edition)
    number = await tx.value(
        "SELECT coalesce(max(policy_version), 0) + 1 FROM sla_policies"
        " WHERE area = $1 AND policy = $2 AND name = $3 AND applies_to = $4",
        area,
        command.policy,
        command.name,
        command.applies_to.value,
    )
    return await tx.create(
        SlaPolicy(
            id=new_id(Kind.SLA_POLICY, NATIONAL, tx.now),
            area=area,
            created_at=tx.now,
            updated_at=tx.now,
            edition=edition,
            policy=command.policy,
            policy_version=number,
            name=command.name,
            applies_to=command.applies_to.value,
            natures=natures,
            severity_flag=command.severity_flag,
            unit=command.unit.value,
            amount=command.amount,
            counts_from=command.counts_from.value,
            start_events=sorted(set(command.start_events)),
            meets_events=sorted(set(command.meets_events)),
            pauses_in=sorted(set(command.pauses_in)),
            pause_limit=command.pause_limit,
            pause_unit=command.pause_unit.value if command.pause_unit else None,
            warn_percent=command.warn_percent,
            warn_minutes=command.warn_minutes,
            statute=command.statute,
            citation=command.citation,
            remark=command.remark,
            confidence=command.confidence.value,
            effective_from=command.effective_from,
            effective_to=command.effective_to,
            decided_by=actor.subject,
        ),
        "decided",
    )


@use_case("sla_policies.end", scope=Scope.CALENDARS_WRITE, roles=authority.WRITERS, answers=SLA_POLICY)
async def end(tx: Transaction, actor: Actor, id_: UUID, command: EndPolicy) -> SlaPolicy:
    """End a service level.

    After its last day it starts nothing, and its clocks that run are stopped: nothing is warned of, breached or escalated
    by it any more. To change one, decide the next instead. Those that come with the platform do not end; decide one of
    your own in their place.
    """
    policy = await tx.ask(SlaPolicy, id_)
    if policy.shipped:
        raise errors.Conflict("policy_shipped")
    if (policy.area == 0) is not (actor.role == Role.NATIONAL_OFFICE):
        raise errors.Forbidden("role_not_allowed")
    if policy.area:
        actor.require_area(policy.area)
        actor.require_area(policy.area + 999_999)
    if policy.ended:
        raise errors.Conflict("policy_ended")
    earliest = _today(tx, policy.area) - _DAY
    if command.effective_to < earliest or (policy.effective_to or command.effective_to) < command.effective_to:
        raise errors.Invalid.at(
            "/effective_to", "deadline_range_invalid", "Give yesterday or later, and no day after its end."
        )
    edition = await authority.edition(tx, "sla_policies", policy.area)
    return await tx.change(
        policy,
        "ended",
        texts={"reason": command.reason},
        effective_to=command.effective_to,
        ended=True,
        edition=edition,
    )


def _check(command: DecidePolicy, today: date) -> None:
    """Refuse what cannot be, all faults at once."""
    lists = load_code_lists()
    faults = []
    if command.effective_from < today:
        faults.append(errors.Fault("/effective_from", "promise_in_past", "A promise begins today or later."))
    if command.effective_to is not None and command.effective_to < command.effective_from:
        faults.append(errors.Fault("/effective_to", "deadline_range_invalid", "It ends on its first day or later."))
    of_complaint = command.applies_to is ClockSubject.COMPLAINT
    natures = lists["complaint-natures"].codes if of_complaint else frozenset()
    if not set(command.natures) <= natures:
        faults.append(errors.Fault("/natures", "unknown_code", "Give natures of complaints."))
    flags = lists["complaint-severity-flags"].codes if of_complaint else frozenset()
    if command.severity_flag is not None and command.severity_flag not in flags:
        faults.append(errors.Fault("/severity_flag", "unknown_code", "Give a flag of complaints."))
    known = events_of(command.applies_to)
    faults += [
        errors.Fault(f"/{member}", "unknown_code", "Give statuses or actions of what it is for.")
        for member in ("start_events", "meets_events", "pauses_in")
        if known and not set(getattr(command, member)) <= known
    ]
    captured = command.counts_from is CountsFrom.CAPTURED
    if set(command.start_events) & set(command.meets_events) and not captured:
        faults.append(errors.Fault("/meets_events", "event_conflicts", "What starts a clock does not meet it."))
    if set(command.pauses_in) & {*command.start_events, *command.meets_events}:
        faults.append(errors.Fault("/pauses_in", "event_conflicts", "Name none that starts or meets it."))
    if bool(command.pauses_in) is not (command.pause_limit is not None and command.pause_unit is not None):
        faults.append(
            errors.Fault(
                "/pause_limit", "pause_without_limit", "Pauses, their limit and its unit go together: none is endless."
            )
        )
    if command.warn_percent is not None and command.warn_minutes is not None:
        faults.append(errors.Fault("/warn_minutes", "give_one_of_two", "Give one of the two."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))


def _today(tx: Transaction, area: int) -> date:
    """The day that it is in an area; of the nation, in its capital."""
    zone = codes.time_zone(codes.area_code(area)) if area else "Asia/Jakarta"
    return tx.now.astimezone(ZoneInfo(zone)).date()


def events_of(subject: ClockSubject) -> frozenset[str]:
    """Statuses and actions of what has clocks; empty where they are not declared yet."""
    lists = load_code_lists()
    names = (f"{subject.value}-statuses", f"{subject.value}-actions")
    found = frozenset(code for name in names if name in lists for code in lists[name].codes)
    return found | {"FILE_COMPLETED"} if subject is ClockSubject.CASE else found
