"""Service levels: which clocks an aggregate runs, for how long, and what starts, meets and pauses them.

The numbers come from laws and standards and stand in `data/policies.csv` with citation and confidence; SLRT
itself has no published national figures. A regency puts policies of its own over them (`service/policies`). Office time is
the subject of `calendars`, the arithmetic that of `kernel/worktime`.
"""

import csv
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from uuid import UUID

from slrt_api.clocks.codes import CountsFrom
from slrt_api.kernel.ids import Kind, shipped_id
from slrt_api.kernel.worktime import Promise, Unit

#: what was recorded longer ago than this before it arrived comes from a device whose clock is wrong
MAX_CAPTURE_AGE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """One clock of one policy.

    policy         the rule set, e.g. `LAPOR-2018`; with `version` kept with every clock that it started
    applies_to     complaint, case or referral
    natures        complaint natures that it is for; empty for all
    severity_flag  flag that calls for it, before any rule by nature; None for all
    counts_from    the instant from which it counts
    start_events   statuses (or actions) that start it
    meets_events   statuses (or actions) that meet it
    pauses_in      statuses in which it stands still, all together for `pause_limit` at the longest
    warn_percent, warn_minutes  when it is warned of, in office time: see `Promise`
    statute        law behind it, or None
    effective_from, effective_to  first and last day on which it starts clocks
    area           regency (ten digits) whose policy it is, 0 for the nation
    """

    policy: str
    version: int
    name: str
    applies_to: str
    natures: frozenset[str]
    severity_flag: str | None
    unit: Unit
    amount: int
    counts_from: CountsFrom
    start_events: frozenset[str]
    meets_events: frozenset[str]
    pauses_in: frozenset[str]
    pause_limit: int | None
    pause_unit: Unit | None
    warn_percent: int | None
    warn_minutes: int | None
    statute: str | None
    citation: str
    remark: str
    confidence: str
    effective_from: date
    effective_to: date | None = None
    area: int = 0
    id: UUID | None = None

    @property
    def promise(self) -> Promise:
        return Promise(
            self.unit,
            self.amount,
            self.pause_limit or 0,
            self.pause_unit or Unit.CALENDAR_DAY,
            self.warn_percent,
            self.warn_minutes,
        )


#: what tells a shipped policy from all others; a number that changes is shipped as the next version
_KEY: Final = ("policy", "version", "name", "applies_to", "natures", "severity_flag")


@cache
def load_policies() -> tuple[ClockPolicy, ...]:
    """The shipped policies of the nation, in file order."""
    with (files("slrt_api.clocks") / "data" / "policies.csv").open(encoding="utf-8") as lines:
        return tuple(
            ClockPolicy(
                policy=row["policy"],
                version=int(row["version"]),
                name=row["name"],
                applies_to=row["applies_to"],
                natures=frozenset(row["natures"].split()),
                severity_flag=row["severity_flag"] or None,
                unit=Unit(row["unit"]),
                amount=int(row["amount"]),
                counts_from=CountsFrom(row["counts_from"]),
                start_events=frozenset(row["start_events"].split()),
                meets_events=frozenset(row["meets_events"].split()),
                pauses_in=frozenset(row["pauses_in"].split()),
                pause_limit=int(row["pause_limit"]) if row["pause_limit"] else None,
                pause_unit=Unit(row["pause_unit"]) if row["pause_unit"] else None,
                warn_percent=int(row["warn_percent"]) if row["warn_percent"] else None,
                warn_minutes=int(row["warn_minutes"]) if row["warn_minutes"] else None,
                statute=row["statute"] or None,
                citation=row["citation"],
                remark=row["remark"],
                confidence=row["confidence"],
                effective_from=date.fromisoformat(row["effective_from"]),
                effective_to=date.fromisoformat(row["effective_to"]) if row["effective_to"] else None,
                id=shipped_id(Kind.SLA_POLICY, "/".join(row[name] for name in _KEY)),
            )
            for row in csv.DictReader(lines)
        )


def started_by(
    events: Collection[str],
    applies_to: str,
    day: date,
    *,
    nature: str | None = None,
    severity_flags: Collection[str] = (),
    among: Iterable[ClockPolicy] | None = None,
) -> tuple[ClockPolicy, ...]:
    """The clocks that `events` start on `day`, one of each name, in the order in which policies are given.

    Rules by flag beat all others, so that what is grave stays so; then those of the regency beat those of the nation,
    rules by nature general ones, and of two alike the later holds.

    nature          of a complaint; None for other aggregates
    severity_flags  of a complaint
    among           the policies that hold in the regency; those of the nation when left out
    """
    chosen: dict[str, ClockPolicy] = {}
    for policy in load_policies() if among is None else among:
        if policy.applies_to != applies_to or policy.start_events.isdisjoint(events):
            continue
        if day < policy.effective_from or (policy.effective_to is not None and policy.effective_to < day):
            continue
        if policy.natures and nature not in policy.natures:
            continue
        if policy.severity_flag is not None and policy.severity_flag not in severity_flags:
            continue
        if policy.name not in chosen or _weight(policy) > _weight(chosen[policy.name]):
            chosen[policy.name] = policy
    return tuple(chosen.values())


def start_of(
    policy: ClockPolicy, now: datetime, *, received_at: datetime | None, captured_at: datetime | None
) -> datetime | None:
    """The instant from which a clock counts that starts at `now`; None where there is nothing to count.

    A capture that is yet to come or absurdly old counts as received: the device's clock is wrong, and nobody is to be
    late by it.
    """
    received = min(received_at, now) if received_at is not None else now
    match policy.counts_from:
        case CountsFrom.EVENT:
            return now
        case CountsFrom.RECEIVED:
            return received
        case CountsFrom.CAPTURED:
            if captured_at is None or not received - MAX_CAPTURE_AGE <= captured_at < received:
                return None
            return captured_at


def _weight(policy: ClockPolicy) -> tuple[bool, bool, bool, date, int]:
    by_flag, of_regency = policy.severity_flag is not None, policy.area != 0
    return by_flag, of_regency, bool(policy.natures), policy.effective_from, policy.version
