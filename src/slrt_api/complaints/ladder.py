"""The ladder of escalation: to whom a complaint goes when a deadline passes, and past whom, because they are accused. Pure.

A rung names the clocks whose breach brings a complaint up to it. So the order in which breaches are told does not matter: a
complaint lies at the highest rung that any of them named. It never goes down by itself.

A rung is passed over where all who could handle the complaint there are the accused person or work in an accused office, as
far as that is known; where nobody is known, that is said, and the rung is taken.
"""

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from slrt_api.complaints.codes import Branch, Nature, Rung, SeverityFlag
from slrt_api.kernel.criteria import Truth

_HEIGHT: Final = {rung: height for height, rung in enumerate(Rung)}


class Check(StrEnum):
    """What is asked of a rung before a complaint goes there."""

    BRANCH = "BRANCH"
    INDEPENDENT_PERSON = "INDEPENDENT_PERSON"
    INDEPENDENT_OFFICE = "INDEPENDENT_OFFICE"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder.

    roles                who handles a complaint there; none: nobody signs in as it
    organization_ids     the offices that it is, where the ladder names them
    organization_kinds   otherwise: the offices of these kinds that serve the place
    clocks               clocks whose breach brings a complaint up to here; none: nothing does by itself
    """

    rung: Rung
    branch: Branch
    roles: tuple[str, ...]
    organization_kinds: tuple[str, ...]
    organization_ids: tuple[str, ...]
    clocks: tuple[str, ...]
    citation: str | None = None
    remark: str | None = None
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may act at a rung: the own record in the register and the own office, as far as known."""

    person: str | None = None
    office: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Who is known at a rung: its offices, and who holds one of its roles there."""

    offices: frozenset[str] = frozenset()
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True)
class Accused:
    """Whom a complaint accuses.

    office   the office that it names
    offices  that one, and those in which the accused person is known to work
    """

    person: str | None = None
    office: str | None = None
    offices: frozenset[str] = frozenset()

    @property
    def anybody(self) -> bool:
        return self.person is not None or bool(self.offices)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a complaint goes, and why it goes past others. `rung` is None where no rung is left."""

    rung: Rung | None
    checks: tuple[tuple[Rung, Check, Truth], ...]

    def told(self) -> list[dict[str, Any]]:
        """The checks as they are kept with the complaint."""
        return [{"rung": rung.value, "rule": rule.value, "outcome": truth.name} for rung, rule, truth in self.checks]


def integrity(nature: str, flags: Collection[str]) -> bool:
    """Whether a complaint is about integrity: a report of wrongdoing, or one that needs oversight."""
    return nature == Nature.WHISTLEBLOWING or SeverityFlag.OVERSIGHT in flags


def above(one: str, other: str) -> bool:
    """Whether `one` is higher up than `other`."""
    return _HEIGHT[Rung(one)] > _HEIGHT[Rung(other)]


def after_breach(
    steps: Sequence[Step],
    present: str,
    clock: str,
    *,
    of_integrity: bool,
    accused: Accused,
    known: Mapping[Rung, Known],
) -> Route | None:
    """Where a complaint at `present` goes when `clock` is breached; None where the breach brings it nowhere.

    To the lowest rung that names the clock, or the first above it that may be taken.
    """
    named = next((step for step in steps if clock in step.clocks and _branch(step, of_integrity=of_integrity)), None)
    if named is None or not above(named.rung, present):
        return None
    higher = [step for step in steps if not above(named.rung, step.rung)]
    return _first(higher, of_integrity=of_integrity, accused=accused, known=known)


def at_filing(
    steps: Sequence[Step], *, of_integrity: bool, accused: Accused, known: Mapping[Rung, Known]
) -> Route | None:
    """Where a new complaint goes instead of to the desk of its village; None where it may lie there.

    The desk is the highest of the lowest rungs that no clock leads to.
    """
    leading: list[Step] = []
    for step in steps:
        if step.clocks:
            break
        leading.append(step)
    if not accused.anybody or not leading:
        return None
    route = _first(
        [step for step in steps if not above(leading[-1].rung, step.rung)],
        of_integrity=of_integrity,
        accused=accused,
        known=known,
    )
    return None if route.rung is leading[-1].rung else route


def to(
    steps: Sequence[Step], rung: Rung, *, of_integrity: bool, accused: Accused, known: Mapping[Rung, Known]
) -> Route | None:
    """Whether a complaint may be brought to `rung` by hand: `Route.rung` is None where not; None where it is no rung here."""
    step = next((step for step in steps if step.rung is rung), None)
    return None if step is None else _first([step], of_integrity=of_integrity, accused=accused, known=known)


def _first(steps: Iterable[Step], *, of_integrity: bool, accused: Accused, known: Mapping[Rung, Known]) -> Route:
    """The first of the steps of which no check is false."""
    checks: list[tuple[Rung, Check, Truth]] = []
    for step in steps:
        here = known.get(step.rung, Known())
        asked = (
            (Check.BRANCH, _truth(_branch(step, of_integrity=of_integrity))),
            (Check.INDEPENDENT_PERSON, _independent_person(accused, here)),
            (Check.INDEPENDENT_OFFICE, _independent_office(accused, here)),
        )
        checks += [(step.rung, rule, truth) for rule, truth in asked]
        if all(truth is not Truth.FALSE for _, truth in asked):
            return Route(step.rung, tuple(checks))
    return Route(None, tuple(checks))


def _branch(step: Step, *, of_integrity: bool) -> bool:
    return step.branch is Branch.ANY or (step.branch is Branch.INTEGRITY) is of_integrity


def _independent_person(accused: Accused, known: Known) -> Truth:
    """Whether somebody there is not the accused. Who stands in no register is not known to be."""
    if accused.person is None:
        return Truth.TRUE
    if not known.holders:
        return Truth.UNKNOWN
    return _truth(any(holder.person != accused.person for holder in known.holders))


def _independent_office(accused: Accused, known: Known) -> Truth:
    """Whether some office there is not accused, or somebody there works elsewhere.

    Where the complaint names an office, whoever's own is not known does not handle it (`lifecycle.INDEPENDENT`).
    """
    if not accused.offices:
        return Truth.TRUE
    if not known.holders and not known.offices:
        return Truth.UNKNOWN
    free = any(
        holder.person is None or holder.person != accused.person
        for holder in known.holders
        if holder.office not in accused.offices and (holder.office is not None or accused.office is None)
    )
    return _truth(free or bool(known.offices - accused.offices))


def _truth(holds: object) -> Truth:
    return Truth.TRUE if holds else Truth.FALSE


def steps_of(rungs: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps of a ladder as it is kept."""
    return tuple(
        Step(
            rung=Rung(each["rung"]),
            branch=Branch(each["branch"]),
            roles=tuple(each["roles"]),
            organization_kinds=tuple(each["organization_kinds"]),
            organization_ids=tuple(each["organization_ids"]),
            clocks=tuple(each["clocks"]),
            citation=each["citation"],
            remark=each["remark"],
            confidence=each["confidence"],
        )
        for each in rungs
    )


@dataclass(frozen=True, slots=True)
class Preset:
    """The ladder of the nation, for regencies without one of their own."""

    name: str
    valid_from: date
    rungs: tuple[dict[str, Any], ...]


@cache
def presets() -> tuple[Preset, ...]:
    """The shipped ladders, in order of time."""
    with (files("slrt_api.complaints") / "data" / "escalation-ladder.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["valid_from"], row["ladder"]), []).append(
            {
                "rung": row["rung"],
                "branch": row["branch"],
                "roles": row["roles"].split(),
                "organization_kinds": row["organization_kinds"].split(),
                "organization_ids": [],
                "clocks": row["clocks"].split(),
                "citation": row["citation"],
                "remark": row["remark"],
                "confidence": row["confidence"],
            }
        )
    return tuple(
        Preset(name, date.fromisoformat(valid_from), tuple(rungs))
        for (valid_from, name), rungs in sorted(found.items())
    )
