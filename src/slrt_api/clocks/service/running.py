"""Running clocks of an aggregate. Called by the use cases that change the aggregate, under its lock.

Clocks are second rows, written under `slrt_effect`. That a clock is warned of or breached is marked and announced by the
worker alone, so that it is told once, whoever comes first.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from slrt_api.clocks import policies
from slrt_api.clocks.codes import ClockState
from slrt_api.clocks.models import Clock
from slrt_api.clocks.policies import ClockPolicy
from slrt_api.clocks.service.situation import EDITIONS, Situation, of_editions, regency_of, situation
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.worktime import Calendar, Course, course, due_at
from slrt_api.runtime.records import loaded
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.transaction import Look, Transaction

#: What holds in a regency ($1), and the clocks of an aggregate ($2 its regency, $3 its id) that run, in one look: a row of the
#: editions alone where none does.
_RUNNING = f"""
SELECT editions.national, editions.regional, editions.national_policies, editions.policies, clocks.*
FROM ({EDITIONS}) editions
LEFT JOIN clocks ON clocks.regency = $2 AND aggregate_id = $3 AND state <> ALL ('{{MET,STOPPED}}') AND met_at IS NULL
ORDER BY id
"""

#: a clock may be older than the sending, and outlives it
_ADDRESSED = """
UPDATE clocks SET organization_id = $3, program_id = $4, open = $5
WHERE regency = $1 AND aggregate_id = $2
  AND (organization_id, program_id, open) IS DISTINCT FROM ($3::uuid, $4::uuid, $5::boolean)
"""


def look(row: Aggregate) -> Look:
    """What `follow` has to know of a row, for the change that it is to follow: one round trip less."""
    return Look(_RUNNING, (regency_of(row.area), row.regency, row.id))


async def follow(
    tx: Transaction,
    row: Aggregate,
    event: str,
    *,
    action: str | None = None,
    ended: bool = False,
    nature: str | None = None,
    severity_flags: Collection[str] = (),
    found: Sequence[Record] = (),
) -> list[Clock]:
    """Let the clocks of `row` follow a change: what it meets is met, pauses or runs on, and what it starts begins.

    event   the status that `row` has now
    action  what was done, where policies start or meet a clock by the action
    ended   nothing more is expected of anybody: what still runs stops, and what is past due by then stays to be announced
    nature, severity_flags  of a complaint
    found   what `look` found with the change, where no clock has been touched since
    Returns the clocks that began. One that still runs under the same name is left as it is, and no second one begins.
    Raises CalendarExhausted when the working calendar ends before a clock is due.
    """
    events = {str(event)} | ({str(action)} if action is not None else set())
    # A change of its status has told already that the actor may; clocks are read whole, whoever acts.
    async with tx.effect(row.regency):
        held, running = await _running(tx, row, found)
        left = [clock for clock in running if not await _met(tx, clock, events)]
        if ended:
            for clock in left:
                await _stop(tx, clock)
            left = []
        else:
            for clock in left:
                await _pause(tx, clock, held.work.calendar, str(event))
        names = {clock.name for clock in left if clock.state != ClockState.BREACHED}
        chosen = _started(tx, row, held, events, nature=nature, severity_flags=severity_flags)
        clocks = [_begun(tx, row, policy, held, events) for policy in chosen if policy.name not in names]
        begun = [clock for clock in clocks if clock is not None]
        await tx.insert(*begun)
        scope = _scope(row)
        if scope:
            await tx.execute(_ADDRESSED, row.regency, row.id, *scope.values())
    return begun


async def begin(
    tx: Transaction, row: Aggregate, event: str, *, nature: str | None = None, severity_flags: Collection[str] = ()
) -> list[Clock]:
    """Begin the clocks that `event` calls for and that do not run yet, and leave all others: for what is no new status."""
    async with tx.effect(row.regency):
        held, running = await _running(tx, row)
        names = {clock.name for clock in running}
        chosen = _started(tx, row, held, {event}, nature=nature, severity_flags=severity_flags)
        clocks = [_begun(tx, row, policy, held, {event}) for policy in chosen if policy.name not in names]
        begun = [clock for clock in clocks if clock is not None]
        await tx.insert(*begun)
    return begun


async def reclassify(tx: Transaction, row: Aggregate, *, nature: str | None, severity_flags: Collection[str]) -> None:
    """Let the clocks that run follow a change of the class of `row`: where another policy is right now, its promise counts from
    when the old one began, and the old one stops. What is breached stays so."""
    async with tx.effect(row.regency):
        held, running = await _running(tx, row)
        for clock in running:
            if clock.state == ClockState.BREACHED or clock.due_at <= tx.now or clock.started_by is None:
                continue
            chosen = _started(tx, row, held, {clock.started_by}, nature=nature, severity_flags=severity_flags)
            policy = next((each for each in chosen if each.name == clock.name), None)
            if policy is None or (policy.unit.value, policy.amount) == (clock.unit, clock.amount):
                continue
            await _stop(tx, clock)
            begun = _begun(tx, row, policy, held, {clock.started_by}, since=clock.started_at)
            if begun is not None:
                await tx.insert(begun)


async def promise(tx: Transaction, row: Aggregate, name: str, event: str) -> datetime | None:
    """The deadline that the clock `name` will have when `event` starts it in this act; None where no policy calls for it.

    For a row that keeps the deadline as a column of its own.
    """
    held = await situation(tx, row.area)
    for policy in _started(tx, row, held, {str(event)}):
        if policy.name == name:
            start = _start(tx, row, policy)
            if start is not None:
                return due_at(start, policy.unit, policy.amount, held.work.calendar)
    return None


async def _running(tx: Transaction, row: Aggregate, found: Sequence[Record] = ()) -> tuple[Situation, list[Clock]]:
    """What holds where `row` is, and its clocks that run, by their ids."""
    if not found:
        asked = look(row)
        found = await tx.fetch(asked.sql, *asked.values)
    held = await of_editions(tx, row.area, found[0])
    names = Clock.model_fields
    clocks = [{name: each[name] for name in names} for each in found if each["id"] is not None]
    return held, [loaded(Clock, each) for each in clocks]


def _started(
    tx: Transaction,
    row: Aggregate,
    held: Situation,
    events: Collection[str],
    *,
    nature: str | None = None,
    severity_flags: Collection[str] = (),
) -> tuple[ClockPolicy, ...]:
    day = held.work.calendar.local_day(tx.now)
    return policies.started_by(events, row.NAME, day, nature=nature, severity_flags=severity_flags, among=held.policies)


def _start(tx: Transaction, row: Aggregate, policy: ClockPolicy) -> datetime | None:
    # Citizens who write down their own trouble owe nobody to hand it in.
    by_officer = getattr(row, "reporter_id", None) is None
    return policies.start_of(
        policy,
        tx.now,
        received_at=getattr(row, "received_at", None),
        captured_at=getattr(row, "captured_at", None) if by_officer else None,
    )


def _begun(
    tx: Transaction,
    row: Aggregate,
    policy: ClockPolicy,
    held: Situation,
    events: Collection[str],
    *,
    since: datetime | None = None,
) -> Clock | None:
    """The clock that a policy begins; None where there is nothing to count. since: it counts from an earlier instant."""
    start = since or _start(tx, row, policy)
    if start is None:
        return None
    calendar = held.work.calendar
    planned = course(start, policy.promise, (), calendar)
    # The duty of who recorded something offline is done with its arrival.
    met = not policy.meets_events.isdisjoint(events)
    in_time = met and tx.now < planned.due_at
    return Clock(
        regency=row.regency,
        id=new_id(Kind.CLOCK, row.regency, tx.now, coarse=row.coarse),
        area=row.area,
        aggregate_id=row.id,
        name=policy.name,
        unit=policy.unit.value,
        amount=policy.amount,
        state=(ClockState.MET if in_time else ClockState.RUNNING).value,
        started_at=start,
        due_at=planned.due_at,
        met_at=tx.now if met else None,
        policy=policy.policy,
        policy_id=policy.id,
        policy_version=policy.version,
        calendar_version=calendar.version,
        time_zone=calendar.zone,
        reporter_id=getattr(row, "reporter_id", None),
        receipt=getattr(row, "receipt", None),
        sealed=bool(getattr(row, "sealed", False)),
        escalation=getattr(row, "escalation", 0),
        **_scope(row),
        started_by=min(policy.start_events & set(events)),
        meets=sorted(policy.meets_events),
        pauses_in=sorted(policy.pauses_in),
        pause_limit=policy.pause_limit,
        pause_unit=policy.pause_unit.value if policy.pause_unit else None,
        warn_percent=policy.warn_percent,
        warn_minutes=policy.warn_minutes,
        warn_at=planned.warn_at,
        promised_at=planned.due_at,
        estimated=planned.uncertain,
    )


def _scope(row: Aggregate) -> dict[str, Any]:
    """Of what is sent to others, those who may read its clocks, and whether they still may; nothing of what is not."""
    sent = row.ADDRESSED and "organization_id" in type(row).model_fields
    return {name: getattr(row, name) for name in ("organization_id", "program_id", "open")} if sent else {}


async def _met(tx: Transaction, clock: Clock, events: Collection[str]) -> bool:
    """Meet the clock if one of `events` does. One that is past due keeps the instant and is breached all the same."""
    if set(clock.meets).isdisjoint(events):
        return False
    in_time = clock.state != ClockState.BREACHED and tx.now < clock.due_at
    # The clock of a server may jump back: nothing is done before it began.
    met_at = max(tx.now, clock.started_at)
    await tx.update(clock, met_at=met_at, **({"state": ClockState.MET.value} if in_time else {}))
    return True


async def _stop(tx: Transaction, clock: Clock) -> None:
    if clock.state != ClockState.BREACHED and tx.now < clock.due_at:
        await tx.update(clock, state=ClockState.STOPPED.value)


async def _pause(tx: Transaction, clock: Clock, calendar: Calendar, status: str) -> None:
    """Stop the clock in a status in which it stands still, and let it run on in any other. Past due, it is left alone."""
    stands, stood = status in clock.pauses_in, clock.state == ClockState.PAUSED
    if stands == stood or clock.state == ClockState.BREACHED or clock.due_at <= tx.now:
        return
    pauses = [*clock.pauses, max(tx.now, clock.pauses[-1] if clock.pauses else clock.started_at)]
    planned = course(clock.started_at, clock.promise, pauses, calendar)
    if stands and planned.paused_until is None:
        # Nothing is left of what it may stand still.
        return
    await tx.update(
        clock,
        state=(ClockState.PAUSED if stands else ClockState.RUNNING).value,
        paused_at=pauses[-1] if stands else None,
        **moved(clock, planned, calendar, tx.now),
        pauses=pauses,
    )


def moved(clock: Clock, planned: Course, calendar: Calendar, now: datetime) -> dict[str, datetime | str | bool | None]:
    """Columns of a clock whose course is another now. One that is to be warned of anew forgets that it was.

    Not where the warning was told at that instant or later: a server's clock that jumped back has it come twice.
    """
    again = planned.warn_at is not None and max(now, clock.warned_at or now) < planned.warn_at
    return {
        "due_at": planned.due_at,
        "warn_at": planned.warn_at,
        "warned_at": None if again else clock.warned_at,
        "paused_until": planned.paused_until,
        "estimated": planned.uncertain,
        "calendar_version": calendar.version,
    }
