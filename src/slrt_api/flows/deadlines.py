"""Deadlines that run, seen from what they belong to: why they are due when they are, and counted anew after a decree.

A new edition of a calendar needs no list of what it concerns: a clock names the edition that it was counted by, and the
worker looks for those that name another one than holds in their regency. So no clock is forgotten, also one that began
while the decree was published, and a new version of the platform with other holidays is no special case.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes
from slrt_api.areas.dataset import TENANTS
from slrt_api.cases.models import Case
from slrt_api.clocks import calendars
from slrt_api.clocks.codes import ClockState
from slrt_api.clocks.models import Clock
from slrt_api.clocks.service import explaining, moved
from slrt_api.clocks.service.situation import calendar, regency_of, situation
from slrt_api.clocks.shapes import CLOCK
from slrt_api.complaints.models import Complaint
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of
from slrt_api.kernel.worktime import CalendarExhausted, course
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service.deadlines import package_end
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Platform, system, use_case

_log = structlog.get_logger(__name__)

WORKER: Final = system(RowScope(ScopeKind.WORKER), "worker")
BATCH: Final = 200
#: what has clocks, and the scope that reading it asks for
_OWNERS: Final[Mapping[Kind, tuple[type[Aggregate], Scope]]] = {
    Kind.CASE: (Case, Scope.CASES_READ),
    Kind.REFERRAL: (Referral, Scope.REFERRALS_READ),
    Kind.COMPLAINT: (Complaint, Scope.COMPLAINTS_READ),
}
_OPEN: Final = "state = ANY ('{RUNNING,PAUSED}') AND met_at IS NULL"
_DECREED: Final = "SELECT area, max(edition) AS edition FROM calendar_decrees GROUP BY area"
_EDITIONS: Final = f"SELECT regency, calendar_version FROM clocks WHERE {_OPEN} GROUP BY regency, calendar_version"
_STALE: Final = f"""
SELECT DISTINCT aggregate_id FROM clocks
WHERE {_OPEN} AND regency = $1 AND calendar_version = $2 AND due_at > $3 AND aggregate_id > $4
ORDER BY aggregate_id LIMIT $5
"""
_OF_ENDED: Final = f"""
SELECT DISTINCT c.aggregate_id FROM sla_policies p
JOIN clocks c ON c.policy_id = p.id AND c.{_OPEN.replace("met_at", "c.met_at")} AND c.due_at > $1
WHERE p.ended AND p.effective_to < ($1 AT TIME ZONE c.time_zone)::date ORDER BY c.aggregate_id LIMIT $2
"""


@use_case("clocks.explain", scope=None, conditional=False)
async def explain(tx: Transaction, actor: Actor, id_: UUID) -> list[dict[str, Any]]:
    """Explain the deadlines of a complaint, a case or a referral.

    For each clock the stretches from its start to its deadline: what counted, and what did not and why (weekend, holiday
    with its decree, hours outside the office, a pause and its limit), by the very edition of the calendar that it was
    counted by. `reproduced` is false where that edition is no longer kept.
    """
    kind = kind_of(id_)
    if kind is None or kind not in _OWNERS:
        raise errors.NotFound
    model, scope = _OWNERS[kind]
    actor.require(scope)
    owner = await tx.get(model, id_)
    if actor.rows.kind not in CLOCK.kinds:
        raise errors.Forbidden("role_not_allowed")
    clocks = await tx.rows(
        Clock, "regency = $1 AND aggregate_id = $2 ORDER BY started_at, due_at, name", owner.regency, owner.id
    )
    return [await _explained(tx, clock) for clock in clocks]


async def _explained(tx: Transaction, clock: Clock) -> dict[str, Any]:
    told: dict[str, Any] = {
        "clock_id": str(clock.id),
        "name": clock.name,
        "calendar_version": clock.calendar_version,
        "reproduced": False,
        "segments": [],
    }
    editions = calendars.editions_of(clock.calendar_version)
    if editions is None:
        return told
    work = await calendar(tx, regency_of(clock.area), clock.time_zone, editions)
    try:
        run, pieces = explaining.segments(clock.started_at, clock.promise, clock.pauses, work)
    except CalendarExhausted:
        return told
    return told | {"reproduced": run.due_at == clock.due_at, "segments": [piece.json() for piece in pieces]}


#: deadlines that a referral keeps as columns of its own, because it is ended and routed by them
_OF_REFERRALS: Final = {"RESPOND": "respond_by", "REALIZE": "realize_by"}
#: and a case, because lists and the worker ask by it
_OF_CASES: Final = {"REASSESSMENT_DUE": "reassess_by"}


@use_case("clocks.recompute", scope=None, conditional=False)
async def recompute(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Count the running clocks of one resource anew by the calendar that holds now.

    For the worker, one resource an act, under its lock. What is due already stays as it is, to be announced.
    """
    owner = await _owner(tx, actor, id_)
    clocks = await tx.rows(
        Clock,
        f"regency = $1 AND aggregate_id = $2 AND {_OPEN} AND due_at > $3 ORDER BY id FOR NO KEY UPDATE",
        owner.regency,
        owner.id,
        tx.now,
    )
    held = await situation(tx, owner.area)
    told: dict[str, dict[str, str]] = {}
    kept: dict[str, Any] = {}
    for clock in clocks:
        if clock.calendar_version == held.work.calendar.version:
            continue
        planned = course(clock.started_at, clock.promise, clock.pauses, held.work.calendar)
        if planned.due_at != clock.due_at:
            told[clock.name] = {"before": clock.due_at.isoformat(), "after": planned.due_at.isoformat()}
            if isinstance(owner, Referral) and clock.name in _OF_REFERRALS:
                kept[_OF_REFERRALS[clock.name]] = planned.due_at
                kept["package_expires_at"] = await package_end(tx, owner, planned.due_at, moved_from=clock.due_at)
            if isinstance(owner, Case) and clock.name in _OF_CASES:
                kept[_OF_CASES[clock.name]] = planned.due_at
        await tx.update(clock, **moved(clock, planned, held.work.calendar, tx.now))
    if told:
        version = held.work.calendar.version
        texts = {
            "clocks": "; ".join(f"{name}: {each['before']} > {each['after']}" for name, each in sorted(told.items())),
            "calendar_version": version,
            "decree": await _newest(tx, owner.area),
        }
        await tx.change(owner, "clock_recomputed", texts=texts, notes={"clocks": told}, **kept)


async def _newest(tx: Transaction, area: int) -> str | None:
    """Number and reason of the decree that was published last for a place."""
    row = await tx.first(
        "SELECT number, reason FROM calendar_decrees WHERE area = ANY ($1) ORDER BY created_at DESC, id DESC LIMIT 1",
        [0, regency_of(area)],
    )
    return None if row is None else f"{row['number']}: {row['reason']}"


@use_case("clocks.stop_ended", scope=None, conditional=False)
async def stop_ended(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Stop the running clocks of one resource whose policy was ended.

    For the worker. What is due already stays as it is, to be announced.
    """
    owner = await _owner(tx, actor, id_)
    clocks = await tx.rows(
        Clock,
        f"regency = $1 AND aggregate_id = $2 AND {_OPEN} AND due_at > $3 AND policy_id IN"
        " (SELECT p.id FROM sla_policies p WHERE p.ended AND p.effective_to < ($3 AT TIME ZONE clocks.time_zone)::date)"
        " ORDER BY id FOR NO KEY UPDATE",
        owner.regency,
        owner.id,
        tx.now,
    )
    for clock in clocks:
        await tx.update(clock, state=ClockState.STOPPED.value)
    if clocks:
        stopped = {each.name for each in clocks}
        # Nobody is told of what no longer runs.
        kept = {column: None for name, column in _OF_CASES.items() if isinstance(owner, Case) and name in stopped}
        await tx.change(owner, "clock_stopped", texts={"clocks": ", ".join(sorted(stopped))}, **kept)


async def _owner(tx: Transaction, actor: Actor, id_: UUID) -> Aggregate:
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")
    kind = kind_of(id_)
    if kind is None or kind not in _OWNERS:
        raise errors.NotFound
    return await tx.lock(_OWNERS[kind][0], id_)


async def recompute_clocks(platform: Platform) -> int:
    """Count anew what was counted by another calendar than holds now. Returns how many resources were tried."""
    now, tried = platform.clock(), 0
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        decreed = {row["area"]: row["edition"] for row in await connection.fetch(_DECREED)}
        editions = await connection.fetch(_EDITIONS)
    areas = {each.number: codes.area_number(each.code) for each in TENANTS}
    for row in editions:
        regency = row["regency"]
        area = areas[regency]
        if row["calendar_version"] == calendars.version_of(decreed.get(0, 0), area, decreed.get(area, 0)):
            continue
        last = UUID(int=0)
        while True:
            async with platform.database.transaction(WORKER.rows, write=False) as connection:
                stale = await connection.fetch(_STALE, regency, row["calendar_version"], now, last, BATCH)
            for each in stale:
                last = each["aggregate_id"]
                await _try(platform, recompute, last)
            tried += len(stale)
            if len(stale) < BATCH:
                break
    return tried


async def stop_clocks_of_ended(platform: Platform) -> int:
    """Stop what runs under a policy that was ended. Returns how many resources were tried."""
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        found = await connection.fetch(_OF_ENDED, platform.clock(), BATCH)
    for each in found:
        await _try(platform, stop_ended, each["aggregate_id"])
    return len(found)


async def _try(platform: Platform, run: Any, id_: UUID) -> None:
    """One act; one that fails is left to the next round."""
    try:
        await Act(platform, WORKER, current_trace_id())(run, on=id_)
    except errors.SlrtError as error:
        _log.warning("clock_left", code=error.code, resource_id=str(id_))
