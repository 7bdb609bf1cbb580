"""Running clocks of an aggregate: start, meet, stop. Called by the use cases that change the aggregate, under its lock.

Clocks are second rows: they are written under `slrt_effect`, so none of these may be called inside `tx.effect`. That a
clock is breached is marked and announced by the worker alone, so that it is told once, whoever comes first.
"""

from collections.abc import Collection

from slrt_api.areas import codes
from slrt_api.clocks import calendars, policies
from slrt_api.clocks.codes import ClockState
from slrt_api.clocks.models import Clock
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.worktime import due_at
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.transaction import Transaction

_MEET = """
UPDATE clocks SET met_at = $4, state = CASE WHEN due_at <= $4 THEN state ELSE 'MET' END
WHERE regency = $1 AND aggregate_id = $2 AND name = ANY ($3::text[]) AND state IN ('RUNNING', 'BREACHED')
  AND met_at IS NULL
"""
_STOP = """
UPDATE clocks SET state = 'STOPPED'
WHERE regency = $1 AND aggregate_id = $2 AND state = 'RUNNING' AND met_at IS NULL AND due_at > $3
"""


async def start(
    tx: Transaction, row: Aggregate, event: str, *, nature: str | None = None, severity_flags: Collection[str] = ()
) -> list[Clock]:
    """Start the clocks that `event` (a status or an action of `row`) calls for, from the instant of the act.

    What was recorded offline counts from its arrival here: nobody can answer what has not been received.
    Raises CalendarExhausted when the working calendar ends before a clock is due.
    """
    zone = codes.time_zone(codes.area_code(row.area))
    calendar = calendars.national_calendar(zone)
    day = calendar.local_day(tx.now)
    clocks = [
        Clock(
            regency=row.regency,
            id=new_id(Kind.CLOCK, row.regency, tx.now, coarse=row.coarse),
            area=row.area,
            aggregate_id=row.id,
            name=policy.name,
            unit=policy.unit.value,
            amount=policy.amount,
            state=ClockState.RUNNING.value,
            started_at=tx.now,
            due_at=due_at(tx.now, policy.unit, policy.amount, calendar),
            policy=policy.policy,
            calendar_version=calendar.version,
            time_zone=zone,
            reporter_id=getattr(row, "reporter_id", None),
            receipt=getattr(row, "receipt", None),
            sealed=bool(getattr(row, "sealed", False)),
            escalation=getattr(row, "escalation", 0),
        )
        for policy in policies.started_by(event, row.NAME, day, nature=nature, severity_flags=severity_flags)
    ]
    if clocks:
        async with tx.effect(row.regency):
            await tx.insert(*clocks)
    return clocks


async def meet(tx: Transaction, row: Aggregate, event: str) -> None:
    """Meet the clocks of `row` that `event` meets. One that is past due keeps the instant and is breached all the same."""
    names = sorted(
        {
            policy.name
            for policy in policies.load_policies()
            if policy.applies_to == row.NAME and event in policy.meets_events
        }
    )
    if names:
        async with tx.effect(row.regency):
            await tx.execute(_MEET, row.regency, row.id, names, tx.now)


async def stop(tx: Transaction, row: Aggregate) -> None:
    """Stop what still runs when `row` has come to an end. What was past due by then stays to be announced."""
    async with tx.effect(row.regency):
        await tx.execute(_STOP, row.regency, row.id, tx.now)
