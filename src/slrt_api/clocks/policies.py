"""Service levels: which clocks an aggregate runs, for how long, and what starts and stops them.

The numbers come from laws and standards and stand in `data/policies.csv` with citation and confidence; SLRT
itself has no published national figures. Office time is the subject of `calendars`, the arithmetic that of
`kernel/worktime`.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from slrt_api.kernel.worktime import Unit


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """One clock of one policy.

    policy         version of the rule set, kept with every clock that it started, e.g. `LAPOR-2018`
    applies_to     complaint, case or referral
    natures        complaint natures that it is for; empty for all
    severity_flag  flag that calls for it, before any rule by nature; None for all
    start_event    status (or action) that starts the clock
    meets_events   statuses that meet it
    statute        law behind it, or None
    effective_from first day on which this platform applies it
    """

    policy: str
    name: str
    applies_to: str
    natures: frozenset[str]
    severity_flag: str | None
    unit: Unit
    amount: int
    start_event: str
    meets_events: frozenset[str]
    statute: str | None
    citation: str
    remark: str
    confidence: str
    effective_from: date


@cache
def load_policies() -> tuple[ClockPolicy, ...]:
    """The shipped policies, in file order."""
    with (files("slrt_api.clocks") / "data" / "policies.csv").open(encoding="utf-8") as lines:
        return tuple(
            ClockPolicy(
                policy=row["policy"],
                name=row["name"],
                applies_to=row["applies_to"],
                natures=frozenset(row["natures"].split()),
                severity_flag=row["severity_flag"] or None,
                unit=Unit(row["unit"]),
                amount=int(row["amount"]),
                start_event=row["start_event"],
                meets_events=frozenset(row["meets_events"].split()),
                statute=row["statute"] or None,
                citation=row["citation"],
                remark=row["remark"],
                confidence=row["confidence"],
                effective_from=date.fromisoformat(row["effective_from"]),
            )
            for row in csv.DictReader(lines)
        )


def started_by(
    event: str, applies_to: str, day: date, *, nature: str | None = None, severity_flags: Collection[str] = ()
) -> tuple[ClockPolicy, ...]:
    """The clocks that `event` starts on `day`, one of each name. Rules by flag beat rules by nature beat general ones.

    nature          of a complaint; None for other aggregates
    severity_flags  of a complaint
    """
    chosen: dict[str, ClockPolicy] = {}
    for policy in load_policies():
        if policy.applies_to != applies_to or policy.start_event != event or day < policy.effective_from:
            continue
        if policy.natures and nature not in policy.natures:
            continue
        if policy.severity_flag is not None and policy.severity_flag not in severity_flags:
            continue
        if policy.name not in chosen or _weight(policy) > _weight(chosen[policy.name]):
            chosen[policy.name] = policy
    return tuple(chosen.values())


def _weight(policy: ClockPolicy) -> tuple[bool, bool, date]:
    return policy.severity_flag is not None, bool(policy.natures), policy.effective_from
