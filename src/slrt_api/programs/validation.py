"""What is wrong with a rule, told when it is published and not by the first family that meets it. Pure.

pydantic has checked the form; here stands what facts, days and sets make of it. A rule without faults can be judged and compiled.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Final, Literal

from slrt_api.kernel.errors import Fault
from slrt_api.programs import lowering
from slrt_api.programs.criteria import (
    Age,
    All,
    Any,
    Area,
    Benefit,
    Compare,
    Condition,
    Conflict,
    Count,
    Criterion,
    Dated,
    Enrolled,
    Known,
    Not,
    OneOf,
    Period,
    Range,
    Rule,
    Scalar,
    Since,
    Unit,
    chosen,
)
from slrt_api.programs.facts import FactType, Spec, Subject, vocabulary

MAX_FAULTS = 100
_INVERSE: Final[dict[str, Literal["=", "<>", "<", "<=", ">", ">="]]] = {
    "=": "<>",
    "<>": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
}
_FACT_UNKNOWN = ("fact_unknown", "Give a fact of the vocabulary.")
_TYPE = ("type", "Give a value of the type of the fact.")
_RANGE = ("range", "Give a value inside the bounds of the fact.")
_UNKNOWN_CODE = ("unknown_code", "Give a code of the list of the fact.")
_ITEMS = ("items", "Give each value once, and at least one.")
_EMPTY = ("group_empty", "Name a condition, or leave the group out.")
_ORDER = ("fact_not_ordered", "Compare codes and yes-or-no facts with = or <> only.")
_IMPOSSIBLE = ("condition_impossible", "No value meets this: widen it or take one of its parts away.")
_DATES = ("dates_disordered", "Let the end come after the start, inside the validity of the version.")
_CONTEXT = ("fact_out_of_place", "Ask facts of persons inside count, facts of the household outside of it.")
_REPEATED = ("criterion_code_repeated", "Give each code once in the rule, or for days that do not overlap.")
_PROGRAM = ("reference_not_found", "Give the code of another program of the catalog.")
_AREA = ("area_unknown", "Give the code of an area.")
_REPLACES = ("variant_replaces_nothing", "Give a criterion or component of a code that the rule has.")


class _Context(Enum):
    """Which row a condition sees: the household, the person who is judged, or a member who is counted."""

    HOUSEHOLD = "HOUSEHOLD"
    PERSON = "PERSON"
    MEMBER = "MEMBER"


@dataclass(frozen=True)
class Catalog:
    """What a rule may refer to: codes of programs, and codes of areas; None where areas are not to be checked."""

    programs: Collection[str]
    areas: Collection[str] | None = None


def faults(rule: Rule, catalog: Catalog) -> tuple[Fault, ...]:
    """Everything that keeps a rule from being published, each with a JSON pointer into it; at most 100."""
    found = list(_Check(rule, catalog).run())
    return tuple(found[:MAX_FAULTS])


class _Check:
    def __init__(self, rule: Rule, catalog: Catalog) -> None:
        self._rule = rule
        self._catalog = catalog
        self._context = _Context.PERSON if rule.unit is Unit.PERSON else _Context.HOUSEHOLD

    def run(self) -> Iterator[Fault]:
        rule = self._rule
        yield from self._dates("/valid_to", rule.valid_from, rule.valid_to)
        if rule.open_from is not None:
            yield from self._dates("/open_to", rule.open_from, rule.open_to)
        yield from self._areas("/areas", rule.areas)
        for place, quota in enumerate(rule.quotas):
            yield from self._dates(f"/quotas/{place}/period_to", quota.period_from, quota.period_to)
            yield from self._areas(f"/quotas/{place}/area_code", () if quota.area_code is None else (quota.area_code,))
        for pointer, criterion in _criteria("", rule):
            yield from self._criterion(pointer, criterion)
        if rule.benefit is not None:
            yield from self._benefit("/benefit", rule.benefit)
        yield from self._codes()
        yield from self._variants()
        if not list(self._structural()):
            yield from self._together("", rule)

    def _structural(self) -> Iterator[Fault]:
        """Faults that keep the whole from being looked at: criteria must be sound one by one."""
        for pointer, criterion in _criteria("", self._rule):
            yield from self._criterion(pointer, criterion)

    def _criterion(self, pointer: str, criterion: Criterion | Conflict) -> Iterator[Fault]:
        yield from self._within(pointer, criterion)
        place = f"{pointer}/when"
        if isinstance(criterion, Conflict):
            yield from self._program(f"{pointer}/program", criterion.program)
            # Without a condition whoever receives the program would be in conflict with it.
            if criterion.program == self._rule.program and criterion.when is None:
                yield Fault(f"{pointer}/program", *_PROGRAM)
            if criterion.when is None:
                return
        yield from self._condition(place, lowering.condition_of(criterion), self._context)

    def _benefit(self, pointer: str, benefit: Benefit) -> Iterator[Fault]:
        if not benefit.components and benefit.description is None:
            yield Fault(pointer, *_EMPTY)
        for place, component in enumerate(benefit.components):
            at = f"{pointer}/components/{place}"
            yield from self._within(at, component)
            if component.where is not None:
                context = _Context.MEMBER if component.per == "MEMBER" else self._context
                yield from self._condition(f"{at}/where", component.where, context)

    def _condition(self, pointer: str, condition: Condition, context: _Context) -> Iterator[Fault]:
        match condition:
            case All(of=of) | Any(of=of):
                if not of:
                    yield Fault(f"{pointer}/of", *_EMPTY)
                inner = [list(self._condition(f"{pointer}/of/{place}", each, context)) for place, each in enumerate(of)]
                yield from (fault for each in inner for fault in each)
                if isinstance(condition, All) and of and not any(inner) and not _possible(of, self._rule.valid_from):
                    yield Fault(pointer, *_IMPOSSIBLE)
            case Not(of=inner_condition):
                yield from self._condition(f"{pointer}/of", inner_condition, context)
            case Count():
                yield from self._count(pointer, condition, context)
            case Enrolled():
                yield from self._program(f"{pointer}/program", condition.program)
                # One who is judged may be asked for what the family receives; a member who is counted may not.
                if context is (_Context.HOUSEHOLD if condition.who == "PERSON" else _Context.MEMBER):
                    yield Fault(f"{pointer}/who", *_CONTEXT)
            case Area():
                if context is _Context.MEMBER:
                    yield Fault(pointer, *_CONTEXT)
                if not condition.codes or len(set(condition.codes)) != len(condition.codes):
                    yield Fault(f"{pointer}/codes", *_ITEMS)
                yield from self._areas(f"{pointer}/codes", condition.codes)
            case Age():
                yield from self._age(pointer, condition, context)
            case _:
                yield from self._fact(pointer, condition, context)

    def _count(self, pointer: str, condition: Count, context: _Context) -> Iterator[Fault]:
        if context is _Context.MEMBER:
            yield Fault(pointer, *_CONTEXT)
        low, high = condition.at_least, condition.at_most
        if low is None and high is None:
            yield Fault(pointer, *_EMPTY)
        elif low is not None and high is not None and low > high:
            yield Fault(pointer, *_IMPOSSIBLE)
        elif low == 0 and high is None:
            # Always so: whoever wrote it meant something else.
            yield Fault(f"{pointer}/at_least", *_RANGE)
        if condition.where is not None:
            yield from self._condition(f"{pointer}/where", condition.where, _Context.MEMBER)

    def _age(self, pointer: str, condition: Age, context: _Context) -> Iterator[Fault]:
        if context is _Context.HOUSEHOLD:
            yield Fault(pointer, *_CONTEXT)
        low, high = condition.low, condition.high
        most = 150 if condition.unit == "YEARS" else 1800
        if low is None and high is None:
            yield Fault(pointer, *_EMPTY)
        for name, end in (("from", low), ("to", high)):
            if end is not None and end > most:
                yield Fault(f"{pointer}/{name}", *_RANGE)
        if low is not None and high is not None and low > high:
            yield Fault(pointer, *_IMPOSSIBLE)
        if condition.on is not None and not date(1950, 1, 1) <= condition.on <= date(2150, 1, 1):
            yield Fault(f"{pointer}/on", *_RANGE)

    def _fact(
        self, pointer: str, condition: Compare | Range | OneOf | Known | Since, context: _Context
    ) -> Iterator[Fault]:
        spec = vocabulary().get(condition.fact)
        if spec is None:
            yield Fault(f"{pointer}/fact", *_FACT_UNKNOWN)
            return
        if (spec.subject is Subject.PERSON and context is _Context.HOUSEHOLD) or (
            spec.subject is Subject.HOUSEHOLD and context is _Context.MEMBER
        ):
            yield Fault(f"{pointer}/fact", *_CONTEXT)
        match condition:
            case Compare(op=op, value=value):
                if op not in {"=", "<>"} and not spec.type.ordered:
                    yield Fault(f"{pointer}/op", *_ORDER)
                yield from _value(f"{pointer}/value", spec, value)
            case Range(low=low, high=high):
                yield from self._range(pointer, spec, low, high)
            case OneOf(values=values):
                if not values or len(set(values)) != len(values):
                    yield Fault(f"{pointer}/values", *_ITEMS)
                for place, value in enumerate(values):
                    yield from _value(f"{pointer}/values/{place}", spec, value)
            case Since():
                if spec.type is not FactType.DATE:
                    yield Fault(f"{pointer}/fact", *_TYPE)
            case Known():
                pass
        if (
            isinstance(condition, Compare | Range)
            and not list(self._unsound(pointer, spec, condition))
            and not _possible((condition,), self._rule.valid_from)
        ):
            yield Fault(pointer, *_IMPOSSIBLE)

    def _unsound(self, pointer: str, spec: Spec, condition: Compare | Range) -> Iterator[Fault]:
        values = (condition.value,) if isinstance(condition, Compare) else (condition.low, condition.high)
        for value in values:
            if value is not None:
                yield from _value(pointer, spec, value)
        if not spec.type.ordered and not (isinstance(condition, Compare) and condition.op in {"=", "<>"}):
            yield Fault(pointer, *_ORDER)

    def _range(self, pointer: str, spec: Spec, low: Scalar | None, high: Scalar | None) -> Iterator[Fault]:
        if not spec.type.ordered:
            yield Fault(f"{pointer}/fact", *_ORDER)
            return
        if low is None and high is None:
            yield Fault(pointer, *_EMPTY)
        for name, end in (("from", low), ("to", high)):
            if end is not None:
                yield from _value(f"{pointer}/{name}", spec, end)

    def _program(self, pointer: str, program: str) -> Iterator[Fault]:
        if program not in self._catalog.programs:
            yield Fault(pointer, *_PROGRAM)

    def _areas(self, pointer: str, codes: Sequence[str]) -> Iterator[Fault]:
        if self._catalog.areas is not None and any(code not in self._catalog.areas for code in codes):
            yield Fault(pointer, *_AREA)

    def _dates(self, pointer: str, start: date, end: date | None) -> Iterator[Fault]:
        if end is not None and end < start:
            yield Fault(pointer, *_DATES)

    def _within(self, pointer: str, part: Dated) -> Iterator[Fault]:
        """The days of a part are in order, and some are days of the version."""
        rule = self._rule
        if (part.valid_to is not None and part.valid_to < max(part.valid_from, rule.valid_from)) or (
            rule.valid_to is not None and part.valid_from > rule.valid_to
        ):
            yield Fault(f"{pointer}/valid_to", *_DATES)

    def _codes(self) -> Iterator[Fault]:
        """One code means one criterion on every day."""
        rule = self._rule
        yield from _repeated(list(_criteria("", rule)))
        if rule.benefit is not None:
            components = [(f"/benefit/components/{place}", each) for place, each in enumerate(rule.benefit.components)]
            yield from _repeated(components)
        for name, parts in (("variants", rule.variants), ("documents", rule.documents)):
            codes = [each.code for each in parts]
            for place, code in enumerate(codes):
                if code in codes[:place]:
                    yield Fault(f"/{name}/{place}/code", *_REPEATED)

    def _variants(self) -> Iterator[Fault]:
        rule = self._rule
        for place, variant in enumerate(rule.variants):
            at = f"/variants/{place}"
            found: list[Fault] = []
            held: Mapping[str, Sequence[Dated]] = {
                "requirements": rule.requirements,
                "exclusions": rule.exclusions,
                "conflicts": rule.conflicts,
                "waitlist": rule.waitlist,
                "components": rule.benefit.components if rule.benefit else (),
            }
            if not any(getattr(variant, group) for group in held):
                found.append(Fault(at, *_EMPTY))
            for group, parts in held.items():
                codes = {each.code for each in parts}
                replaced: Sequence[Dated] = getattr(variant, group)
                for number, part in enumerate(replaced):
                    if part.code not in codes:
                        found.append(Fault(f"{at}/{group}/{number}/code", *_REPLACES))
            for pointer, criterion in _criteria(at, variant):
                found.extend(self._criterion(pointer, criterion))
            if variant.components:
                found.extend(
                    Fault(fault.pointer.replace("/benefit", at, 1), fault.code, fault.detail)
                    for fault in self._benefit(
                        "/benefit",
                        Benefit(period=Period.ONCE, components=variant.components),
                    )
                )
            yield from found
            if not found and not list(self._structural()):
                yield from self._together(at, chosen(rule, frozenset({variant.code})))

    def _together(self, pointer: str, rule: Rule) -> Iterator[Fault]:
        """On every day of the version something is required, and the requirements can be met together."""
        edges = {rule.valid_from}
        for each in rule.requirements:
            edges.add(each.valid_from)
            if each.valid_to is not None and each.valid_to < date.max:
                edges.add(each.valid_to + timedelta(days=1))
        for day in sorted(edges):
            if day < rule.valid_from or (rule.valid_to is not None and day > rule.valid_to):
                continue
            asked = [each.when for each in rule.requirements if each.holds_on(day)]
            if not asked:
                yield Fault(f"{pointer}/requirements", *_EMPTY)
                return
            if not _possible(asked, day):
                yield Fault(f"{pointer}/requirements", *_IMPOSSIBLE)
                return


def _criteria(at: str, holder: object) -> Iterator[tuple[str, Criterion | Conflict]]:
    for group in ("requirements", "exclusions", "conflicts", "waitlist"):
        criteria: Sequence[Criterion | Conflict] = getattr(holder, group)
        for place, criterion in enumerate(criteria):
            yield f"{at}/{group}/{place}", criterion


def _repeated(parts: Sequence[tuple[str, Dated]]) -> Iterator[Fault]:
    for place, (pointer, part) in enumerate(parts):
        for _, before in parts[:place]:
            if (
                before.code == part.code
                and (before.valid_to is None or part.valid_from <= before.valid_to)
                and (part.valid_to is None or before.valid_from <= part.valid_to)
            ):
                yield Fault(f"{pointer}/code", *_REPEATED)
                break


def _value(pointer: str, spec: Spec, value: Scalar) -> Iterator[Fault]:
    """Whether a constant can be a value of the fact."""
    match spec.type:
        case FactType.BOOLEAN:
            if not isinstance(value, bool):
                yield Fault(pointer, *_TYPE)
        case FactType.INTEGER | FactType.RUPIAH:
            if isinstance(value, bool) or not isinstance(value, int):
                yield Fault(pointer, *_TYPE)
            elif (spec.low is not None and value < spec.low) or (spec.high is not None and value > spec.high):
                yield Fault(pointer, *_RANGE)
        case FactType.DATE:
            try:
                fits = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
            except ValueError:
                fits = False
            if not fits:
                yield Fault(pointer, *_TYPE)
        case FactType.CODE:
            if not isinstance(value, str):
                yield Fault(pointer, *_TYPE)
            elif value not in spec.codes:
                yield Fault(pointer, *_UNKNOWN_CODE)


@dataclass
class _Allowed:
    """What is left of the values of one fact: an interval of numbers (dates by their ordinals), or a set of codes."""

    low: int | None = None
    high: int | None = None
    values: frozenset[Scalar] | None = None
    without: set[Scalar] = field(default_factory=set)

    def at_least(self, value: int) -> None:
        self.low = value if self.low is None else max(self.low, value)

    def at_most(self, value: int) -> None:
        self.high = value if self.high is None else min(self.high, value)

    def one_of(self, values: Collection[Scalar]) -> None:
        self.values = frozenset(values) if self.values is None else self.values & frozenset(values)

    @property
    def empty(self) -> bool:
        if self.values is not None:
            left = {
                value
                for value in self.values - self.without
                if isinstance(value, str | bool)
                or ((self.low is None or value >= self.low) and (self.high is None or value <= self.high))
            }
            return not left
        if self.low is None or self.high is None:
            return False
        return all(value in self.without for value in range(self.low, min(self.high, self.low + len(self.without)) + 1))


def _possible(conditions: Collection[Condition], day: date) -> bool:
    """Whether some values may meet all the conditions: False is certain, True is not.

    Looks at every fact by itself, through `all` and the negation of comparisons. Ages on a day are dates of birth.
    """
    left: dict[str, _Allowed] = {}
    for condition in conditions:
        for each in _conjuncts(condition):
            _narrow(left, each, day)
    return not any(allowed.empty for allowed in left.values())


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    match condition:
        case All(of=of):
            for each in of:
                yield from _conjuncts(each)
        case Any(of=(only,)):
            yield from _conjuncts(only)
        case Not(of=Compare(fact=fact, op=op, value=value)):
            yield Compare.model_construct(type="compare", fact=fact, op=_INVERSE[op], value=value)
        case _:
            yield condition


def _narrow(left: dict[str, _Allowed], condition: Condition, day: date) -> None:
    match condition:
        case Compare(fact=fact, op=op, value=value):
            allowed, number = _of(left, fact), _number(fact, value)
            if op == "=":
                allowed.one_of({value if number is None else number})
            elif op == "<>":
                allowed.without.add(value if number is None else number)
            elif number is not None:
                shift = {"<": -1, ">": 1}.get(op, 0)
                (allowed.at_least if op in {">", ">="} else allowed.at_most)(number + shift)
        case Range(fact=fact, low=low, high=high):
            allowed = _of(left, fact)
            lowest, highest = (None if end is None else _number(fact, end) for end in (low, high))
            if lowest is not None:
                allowed.at_least(lowest)
            if highest is not None:
                allowed.at_most(highest)
        case OneOf(fact=fact, values=values):
            numbers = [_number(fact, value) for value in values]
            _of(left, fact).one_of(
                {value if number is None else number for value, number in zip(values, numbers, strict=True)}
            )
        case Not(of=OneOf(fact=fact, values=values)):
            for value in values:
                number = _number(fact, value)
                _of(left, fact).without.add(value if number is None else number)
        case Age(low=low_age, high=high_age, unit=unit, on=on):
            months = 12 if unit == "YEARS" else 1
            born = _of(left, "birth_date")
            if low_age is not None:
                born.at_most(lowering.months_before(on or day, low_age * months).toordinal())
            if high_age is not None:
                born.at_least(lowering.months_before(on or day, (high_age + 1) * months).toordinal() + 1)
        case Since(fact=fact, months=months):
            allowed = _of(left, fact)
            allowed.at_least(lowering.months_before(day, months).toordinal())
            allowed.at_most(day.toordinal())
        case Area(codes=codes):
            _of_areas(left, codes)
        case _:
            pass


def _of(left: dict[str, _Allowed], fact: str) -> _Allowed:
    if fact not in left:
        spec = vocabulary()[fact]
        values: frozenset[Scalar] | None = None
        if spec.type is FactType.BOOLEAN:
            values = frozenset({True, False})
        elif spec.type is FactType.CODE:
            values = frozenset(spec.codes)
        left[fact] = _Allowed(low=spec.low, high=spec.high, values=values)
    return left[fact]


def _of_areas(left: dict[str, _Allowed], codes: Sequence[str]) -> None:
    """Areas that are asked for together must have a part in common."""
    allowed = left.setdefault("area", _Allowed(values=frozenset(codes)))
    before = {str(code) for code in allowed.values or ()}
    common = {
        inner
        for outer, inners in ((set(codes), before), (before, set(codes)))
        for inner in inners
        if any(inner == each or inner.startswith(f"{each}.") for each in outer)
    }
    allowed.values = frozenset(common)


def _number(fact: str, value: Scalar) -> int | None:
    match vocabulary()[fact].type:
        case FactType.INTEGER | FactType.RUPIAH:
            return int(value)
        case FactType.DATE:
            return date.fromisoformat(str(value)).toordinal()
        case _:
            return None
