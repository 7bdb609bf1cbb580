"""A rule judged for one household: the outcome, and why. Pure, and the same bytes for the same facts, rule and day.

Three values everywhere: what is not known is UNKNOWN, is never taken for no, and is named as missing where the answer hangs on
it. `sql` gives the same outcomes for a whole regency.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from slrt_api.kernel import criteria as kernel
from slrt_api.kernel.criteria import Truth
from slrt_api.programs import lowering
from slrt_api.programs.codes import Group, Outcome
from slrt_api.programs.criteria import (
    All,
    Any,
    Benefit,
    Component,
    Condition,
    Conflict,
    Count,
    Criterion,
    Enrolled,
    Not,
    Period,
    Rule,
    Unit,
)
from slrt_api.programs.facts import HouseholdFacts, PersonFacts, Told, Value


@dataclass(frozen=True)
class Situation:
    """What a judgement hangs on beside rule and facts.

    on    the judged day
    full  program -> ranges of areas (ten digits, both ends) in which its places are taken
    """

    on: date
    full: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def is_full(self, program: str, area: int) -> bool:
        """Whether no place of the program is left where the household lives."""
        return any(low <= area <= high for low, high in self.full.get(program, ()))


class Used(NamedTuple):
    """A fact that a criterion asked for. `value`, `source` and `as_of` are None where it is not known.

    fact       a name of the vocabulary, `area`, or `enrolled:` with the code of a program
    person_id  whose it is; None of the household
    """

    fact: str
    person_id: UUID | None
    value: Value | None
    source: str | None
    as_of: date | None


class Judged(NamedTuple):
    """One criterion: its outcome, the facts that it rests on, and of these the unknown ones that leave it open."""

    code: str
    group: Group
    outcome: Truth
    used: tuple[Used, ...]
    missing: tuple[Used, ...]
    citation: str
    confidence: str


class Change(NamedTuple):
    """That the answer would be `outcome` if this one criterion were `becomes` and all others stayed."""

    criterion: str
    becomes: Truth
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Share:
    """A component of the benefit: how often it counts, and up to how often if what is not known were so. Caps are applied."""

    code: str
    amount: int
    times: int
    times_at_most: int


@dataclass(frozen=True, slots=True)
class Amount:
    """The benefit in rupiah a period. `at_most`: if everything that is not known counted."""

    period: Period
    amount: int
    at_most: int
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule makes of one unit.

    person_id   who was judged where the unit is a person; None for the household
    outcome     the answer
    merits      the answer if nothing were received yet: tells inclusion suspects
    receiving   whether the program itself is received on the day
    missing     names of facts that the answer waits for, where it is INDETERMINATE
    """

    program: str
    version: str
    unit: Unit
    person_id: UUID | None
    outcome: Outcome
    merits: Outcome
    receiving: Truth
    criteria: tuple[Judged, ...]
    missing: tuple[str, ...]
    would_change_if: tuple[Change, ...]
    benefit: Amount | None


T = TypeVar("T")
#: rules, criteria and conditions that a day keeps what they ask of
_ASKED_KEPT: Final = 20_000
#: what decides, the first first: that a criterion of the group comes to this
_DECIDES: Final = (
    (Group.REQUIREMENT, Truth.FALSE, Outcome.INELIGIBLE),
    (Group.EXCLUSION, Truth.TRUE, Outcome.EXCLUDED_PENDING_VERIFICATION),
    (Group.CONFLICT, Truth.TRUE, Outcome.CONFLICT),
    (Group.REQUIREMENT, Truth.UNKNOWN, Outcome.INDETERMINATE),
    (Group.WAITLIST, Truth.TRUE, Outcome.ELIGIBLE_WAITLIST),
)
#: the same by the identity of group and truth, which are hashed by their names otherwise: most of a judgement would go there
_PLACES: Final = {
    (id(group), id(truth)): next(
        (place for place, (of, when, _) in enumerate(_DECIDES) if of is group and when is truth), len(_DECIDES)
    )
    for group in Group
    for truth in Truth
}
#: who may get a benefit after all
_OPEN: Final = {Outcome.ELIGIBLE, Outcome.ELIGIBLE_WAITLIST, Outcome.INDETERMINATE}


class Judgments:
    """What criteria came to for one household on one day, so that each is judged once for all rules and members.

    Many rules share their exclusions, and of most the answer is the same for every member. A criterion is known by what it is
    as an object: whoever judges several rules lets equal criteria be one (`rules` does, for what it has read).
    """

    def __init__(self, facts: HouseholdFacts, on: date) -> None:
        self.facts = facts
        self.on = on
        self.members: Final = tuple(sorted(facts.members, key=lambda each: each.id))
        #: the criterion stands beside what it came to, so that no other object takes its place in memory
        self._judged: dict[tuple[int, int, int], tuple[Criterion | Conflict, Judged]] = {}
        self.asked: Final = _asked_on(on)

    def of(self, group: Group, criterion: Criterion | Conflict, view: "_View", *, personal: bool) -> Judged:
        """What the criterion comes to for the unit that the view shows. personal: another for another member."""
        key = (id(criterion), id(group), id(view.person) if personal else 0)
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = criterion, _criterion(group, criterion, view)
        return found[1]


class _Asked:
    """What rules ask on one day, worked out once for all households: of a published rule it never changes.

    Everything is known by what it is as an object, which stands beside what is known of it.
    """

    def __init__(self, on: date) -> None:
        self._on = on
        self._rules: dict[int, tuple[Rule, tuple[tuple[Group, Criterion | Conflict, bool], ...]]] = {}
        self._leaves: dict[int, tuple[lowering.Leaf, str, bool, kernel.Criterion]] = {}

    def criteria(self, rule: Rule) -> tuple[tuple[Group, Criterion | Conflict, bool], ...]:
        """The criteria that the rule asks on the day, each with its group and whether it may be another for another member."""
        found = self._rules.get(id(rule))
        if found is None:
            asked = lowering.criteria_on(rule, self._on)
            criteria = tuple((group, each, _asks_the_person(lowering.condition_of(each))) for group, each in asked)
            found = _kept(self._rules, rule, (rule, criteria))
        return found[1]

    def leaf(self, condition: lowering.Leaf) -> tuple[lowering.Leaf, str, bool, kernel.Criterion]:
        """A condition of one fact: the fact, whether that is one of a person, and what is asked of it."""
        found = self._leaves.get(id(condition))
        if found is None:
            fact = lowering.fact_of(condition)
            known = condition, fact, lowering.is_personal(fact), lowering.leaf(condition, self._on)
            found = _kept(self._leaves, condition, known)
        return found


def _kept(known: dict[int, T], of: object, found: T) -> T:
    if len(known) >= _ASKED_KEPT:
        # Rules that are only tried out come and go; those in force are soon known again.
        known.clear()
    return known.setdefault(id(of), found)


@lru_cache(maxsize=8)
def _asked_on(on: date) -> _Asked:
    return _Asked(on)


def _asks_the_person(condition: Condition) -> bool:
    """Whether the answer may be another for another member."""
    match condition:
        case All(of=of) | Any(of=of):
            return any(map(_asks_the_person, of))
        case Not(of=of):
            return _asks_the_person(of)
        case Count():
            return False
        case Enrolled(who=who):
            return who == "PERSON"
        case _:
            return lowering.is_personal(lowering.fact_of(condition))


def evaluate(
    rule: Rule, facts: HouseholdFacts, situation: Situation, known: Judgments | None = None
) -> tuple[Result, ...]:
    """Judge a rule: one result for the household, or one for each member where the unit is a person, by their ids.

    rule   published, its variants chosen
    known  what other rules have found of the same facts on the same day
    """
    known = known or Judgments(facts, situation.on)
    if rule.unit is Unit.PERSON:
        return tuple(_judge(rule, person, situation, known) for person in known.members)
    return (_judge(rule, None, situation, known),)


def outcome_of(truths: Sequence[tuple[Group, Truth]], *, full: bool) -> Outcome:
    """The outcome by what the criteria came to. Says what decides first; the same order stands in `sql`.

    A requirement that fails decides before everything: nothing is to be verified then. A finding (exclusion) or a conflict that
    is not known decides nothing.
    """
    return _outcome(_numbers(truths), full=full)


def _numbers(truths: Iterable[tuple[Group, Truth]]) -> list[int]:
    """How many criteria decide at each place of `_DECIDES`; the last number is of those that decide nothing."""
    numbers = [0] * (len(_DECIDES) + 1)
    for group, truth in truths:
        numbers[_place(group, truth)] += 1
    return numbers


def _place(group: Group, truth: Truth) -> int:
    """The place in `_DECIDES`; of what decides nothing, the one after the last."""
    return _PLACES[id(group), id(truth)]


def _outcome(numbers: Sequence[int], *, full: bool) -> Outcome:
    for number, (_, _, outcome) in zip(numbers, _DECIDES, strict=False):
        if number:
            return outcome
    return Outcome.ELIGIBLE_WAITLIST if full else Outcome.ELIGIBLE


def canonical(results: Sequence[Result]) -> bytes:
    """The results as bytes that are the same whenever the results are: RFC 8785, of integers, texts and booleans."""
    return json.dumps(
        [as_json(result) for result in results], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def as_json(result: Result) -> dict[str, object]:
    """A result as JSON values, as checks keep and show it."""
    return {
        "program_code": result.program,
        "version": result.version,
        "unit": result.unit.value,
        "person_id": _plain(result.person_id),
        "outcome": result.outcome.value,
        "merits": result.merits.value,
        "receiving": result.receiving.value,
        "criteria": [
            {
                "code": each.code,
                "group": each.group.value,
                "outcome": each.outcome.value,
                "used": [_used(used) for used in each.used],
                "missing": [_used(used) for used in each.missing],
                "citation": each.citation,
                "confidence": each.confidence,
            }
            for each in result.criteria
        ],
        "missing": list(result.missing),
        "would_change_if": [
            {"criterion": each.criterion, "becomes": each.becomes.value, "outcome": each.outcome.value}
            for each in result.would_change_if
        ],
        "benefit": None
        if result.benefit is None
        else {
            "period": result.benefit.period.value,
            "amount": result.benefit.amount,
            "at_most": result.benefit.at_most,
            "components": [
                {"code": each.code, "amount": each.amount, "times": each.times, "times_at_most": each.times_at_most}
                for each in result.benefit.shares
            ],
        },
    }


def _judge(rule: Rule, person: PersonFacts | None, situation: Situation, known: Judgments) -> Result:
    view = _View(known, person)
    judged = tuple(
        known.of(group, each, view, personal=personal) for group, each, personal in known.asked.criteria(rule)
    )
    full = situation.is_full(rule.program, known.facts.area)
    numbers = _numbers((each.group, each.outcome) for each in judged)
    merits = _outcome(numbers, full=full)
    receiving, _ = view.enrolled(_receives(rule.program, person is not None))
    outcome = Outcome.ALREADY_RECEIVING if receiving is Truth.TRUE else merits
    missing = {
        used.fact
        for each in judged
        if each.group is Group.REQUIREMENT and each.outcome is Truth.UNKNOWN
        for used in each.missing
    }
    return Result(
        program=rule.program,
        version=rule.version,
        unit=rule.unit,
        person_id=None if person is None else person.id,
        outcome=outcome,
        merits=merits,
        receiving=receiving,
        criteria=judged,
        missing=tuple(sorted(missing)) if outcome is Outcome.INDETERMINATE else (),
        would_change_if=tuple(_changes(judged, numbers, outcome, full=full)),
        benefit=_amount(rule.benefit, view, situation.on) if rule.benefit is not None and merits in _OPEN else None,
    )


def _criterion(group: Group, criterion: Criterion | Conflict, view: "_View") -> Judged:
    truth, used, missing = view.judge(lowering.condition_of(criterion))
    return Judged(
        criterion.code,
        group,
        truth,
        tuple(_once(used)),
        tuple(_once(missing)),
        criterion.citation,
        criterion.confidence.value,
    )


@lru_cache(maxsize=1_000)
def _receives(program: str, personal: bool) -> Enrolled:
    return Enrolled(program=program, who="PERSON" if personal else "HOUSEHOLD")


def _changes(judged: Sequence[Judged], numbers: Sequence[int], outcome: Outcome, *, full: bool) -> Iterator[Change]:
    """Every single criterion by which the answer stands; none where it could only get worse.

    numbers  of what decided, as `_numbers` gives them
    """
    if outcome is Outcome.ELIGIBLE or outcome is Outcome.ALREADY_RECEIVING:
        return
    # What a criterion changes hangs on where it decides and where it would, and many have both in common.
    others: dict[tuple[int, int], Outcome] = {}
    for each in judged:
        place = _place(each.group, each.outcome)
        for becomes in (Truth.TRUE, Truth.FALSE):
            if becomes is each.outcome:
                continue
            key = (place, _place(each.group, becomes))
            if key not in others:
                changed = list(numbers)
                changed[key[0]] -= 1
                changed[key[1]] += 1
                others[key] = _outcome(changed, full=full)
            if others[key] is not outcome:
                yield Change(each.code, becomes, others[key])


class _View:
    """What a condition sees: the household, and the person at hand where there is one."""

    def __init__(self, known: Judgments, person: PersonFacts | None) -> None:
        self._known = known
        self._facts = known.facts
        self.person = person
        self._on = known.on

    def of(self, person: PersonFacts) -> "_View":
        return _View(self._known, person)

    @property
    def id(self) -> UUID:
        """The unit's."""
        return self._facts.id if self.person is None else self.person.id

    @property
    def members(self) -> Sequence[PersonFacts]:
        return self._known.members

    @property
    def counted(self) -> Sequence[PersonFacts]:
        """Whose components count: everybody's, or those of the one person who is judged."""
        return self.members if self.person is None else (self.person,)

    def judge(self, condition: Condition) -> tuple[Truth, list[Used], list[Used]]:
        """The truth of a condition, every fact that was asked for, and the unknown ones that leave it open."""
        # By its name and not by its class: asking a model whether it is of another class is slow, and most are leaves.
        if condition.type == "all":
            judged = [self.judge(each) for each in condition.of]
            truth = kernel.lowest([truth for truth, _, _ in judged])
        elif condition.type == "any":
            judged = [self.judge(each) for each in condition.of]
            truth = kernel.highest([truth for truth, _, _ in judged])
        elif condition.type == "not":
            judged = [self.judge(condition.of)]
            truth = kernel.negated(judged[0][0])
        elif condition.type == "count":
            return self._count(condition)
        elif condition.type == "enrolled":
            truth, used = self.enrolled(condition)
            return truth, [used], [used] if truth is Truth.UNKNOWN else []
        else:
            return self._leaf(condition)
        missing = [each for inner, _, open_ in judged if inner is Truth.UNKNOWN for each in open_]
        return truth, [each for _, used, _ in judged for each in used], missing if truth is Truth.UNKNOWN else []

    def enrolled(self, condition: Enrolled) -> tuple[Truth, Used]:
        """Whether a program is, or was, received, and by which enrollment that is known."""
        first, last = lowering.window(condition, self._on)
        person = self.person if condition.who == "PERSON" else None
        person_id = None if person is None else person.id
        name = f"enrolled:{condition.program}"
        found = [
            each
            for each in self._facts.enrollments
            if each.program == condition.program
            and (condition.who == "HOUSEHOLD" or each.person_id == person_id)
            and each.started_on <= last
            and (each.ended_on is None or each.ended_on >= first)
        ]
        if found:
            newest = max(found, key=lambda each: (each.started_on, each.source, str(each.person_id or "")))
            return Truth.TRUE, Used(name, person_id, True, newest.source, newest.as_of)
        as_of = self._facts.enrollments_of.get(condition.program)
        if as_of is None:
            return Truth.UNKNOWN, Used(name, person_id, None, None, None)
        return Truth.FALSE, Used(name, person_id, False, "RECIPIENT_LIST", as_of)

    def _count(self, condition: Count) -> tuple[Truth, list[Used], list[Used]]:
        where = condition.where
        judged = [(Truth.TRUE, [], []) if where is None else self.of(each).judge(where) for each in self.members]
        sure = sum(truth is Truth.TRUE for truth, _, _ in judged)
        possible = sum(truth is not Truth.FALSE for truth, _, _ in judged)
        ends = [kernel.evaluate(each, {"sure": sure, "possible": possible}, {}) for each in _ends(condition)]
        truth = kernel.lowest(ends)
        # Of members who do not count nothing is told: the answer does not rest on what they are.
        used = [each for inner, asked, _ in judged if inner is not Truth.FALSE for each in asked]
        missing = [each for inner, _, open_ in judged if inner is Truth.UNKNOWN for each in open_]
        return truth, used, missing if truth is Truth.UNKNOWN else []

    def _leaf(self, condition: lowering.Leaf) -> tuple[Truth, list[Used], list[Used]]:
        _, fact, personal, criterion = self._known.asked.leaf(condition)
        told, person_id = self._told(fact, personal=personal)
        if told is None:
            # What compares is open where nothing is known, and of most facts nothing is: it need not be judged.
            truth = kernel.evaluate(criterion, {}, {}) if condition.type == "known" else Truth.UNKNOWN
            used = Used(fact, person_id, None, None, None)
        else:
            truth = kernel.evaluate(criterion, {fact: told.value}, {})
            used = Used(fact, person_id, told.value, told.source, told.as_of)
        return truth, [used], [used] if truth is Truth.UNKNOWN else []

    def _told(self, fact: str, *, personal: bool) -> tuple[Told | None, UUID | None]:
        if personal:
            if self.person is None:
                raise KeyError(fact)
            return self.person.facts.get(fact), self.person.id
        if fact == "area":
            return Told(self._facts.area, "HOUSEHOLD"), None
        return self._facts.facts.get(fact), None


def _ends(condition: Count) -> Iterator[kernel.Criterion]:
    return lowering.ends(condition, kernel.Fact("sure"), kernel.Fact("possible"))


def _amount(benefit: Benefit, view: _View, on: date) -> Amount | None:
    components = [each for each in benefit.components if each.holds_on(on)]
    if not components:
        return None
    asked = [_asked(component, view) for component in components]
    sure = _times(benefit, components, asked, {Truth.TRUE})
    possible = _times(benefit, components, asked, {Truth.TRUE, Truth.UNKNOWN})
    amount = _total(benefit, components, sure)
    return Amount(
        benefit.period,
        amount,
        max(amount, _total(benefit, components, possible)),
        tuple(
            Share(each.code, each.amount, low, high) for each, low, high in zip(components, sure, possible, strict=True)
        ),
    )


def _total(benefit: Benefit, components: Sequence[Component], times: Sequence[int]) -> int:
    total = sum(each.amount * count for each, count in zip(components, times, strict=True))
    return total if benefit.max_amount is None else min(total, benefit.max_amount)


def _times(
    benefit: Benefit, components: Sequence[Component], asked: Sequence[Mapping[UUID, Truth]], counting: set[Truth]
) -> list[int]:
    """How often each component counts: the highest amounts first, within their caps and the greatest number of all."""
    order = sorted(range(len(components)), key=lambda place: (-components[place].amount, place))
    meets = [[id_ for id_, truth in of.items() if truth in counting] for of in asked]
    times = [0] * len(components)
    left = benefit.max_components
    taken: set[UUID] = set()
    for rank, place in enumerate(order):
        component = components[place]
        later = [meets[other] for other in order[rank + 1 :]]
        # Who meets nothing else comes first, so that one person does not take a place from two.
        found = sorted(
            (each for each in meets[place] if not (benefit.one_per_member and each in taken)),
            key=lambda each: (sum(each in others for others in later), each),
        )
        limits = [limit for limit in (component.cap, left) if limit is not None]
        times[place] = min([len(found), *limits])
        if component.per == "MEMBER":
            taken.update(found[: times[place]])
        if left is not None:
            left -= times[place]
    return times


def _asked(component: Component, view: _View) -> dict[UUID, Truth]:
    """Whether a component counts: for each member, or for the unit itself, by their ids."""
    if component.per == "UNIT":
        return {view.id: Truth.TRUE if component.where is None else view.judge(component.where)[0]}
    return {
        each.id: Truth.TRUE if component.where is None else view.of(each).judge(component.where)[0]
        for each in view.counted
    }


def _once(used: Sequence[Used]) -> Iterator[Used]:
    seen: set[tuple[str, UUID | None]] = set()
    for each in used:
        if (each.fact, each.person_id) not in seen:
            seen.add((each.fact, each.person_id))
            yield each


def _used(used: Used) -> dict[str, object]:
    return {
        "fact": used.fact,
        "person_id": _plain(used.person_id),
        "value": _plain(used.value),
        "source": used.source,
        "as_of": _plain(used.as_of),
    }


def _plain(value: Value | UUID | None) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
