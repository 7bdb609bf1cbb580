"""Conditions on a judged day as criteria of the kernel, which are judged in Python and compiled to SQL alike. Pure.

What a day decides (ages, windows of months) becomes a comparison of dates with constants, so that both sides compare the same.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from slrt_api.areas.codes import area_range
from slrt_api.kernel.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Constant,
    Fact,
    Greater,
    Less,
    NotEquals,
    Operand,
    Reaches,
    Scalar,
)
from slrt_api.kernel.criteria import Criterion as Kernel
from slrt_api.kernel.criteria import Equals as KernelEquals
from slrt_api.kernel.criteria import Known as KernelKnown
from slrt_api.kernel.criteria import Not as KernelNot
from slrt_api.kernel.criteria import OneOf as KernelOneOf
from slrt_api.programs.codes import Group
from slrt_api.programs.criteria import (
    Age,
    All,
    Any,
    Area,
    Compare,
    Condition,
    Conflict,
    Count,
    Criterion,
    Enrolled,
    Known,
    Not,
    OneOf,
    Range,
    Rule,
    Since,
)
from slrt_api.programs.facts import FactType, Subject, vocabulary

#: conditions that ask one row
Leaf = Compare | Range | OneOf | Known | Age | Since | Area
_OPERATORS: Final[Mapping[str, Callable[[Operand, Operand], Kernel]]] = {
    "=": KernelEquals,
    "<>": NotEquals,
    "<": Less,
    "<=": AtMost,
    ">": Greater,
    ">=": AtLeast,
}


def months_before(day: date, months: int) -> date:
    """The day of that number of months before; the last of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


def leaf(condition: Leaf, on: date) -> Kernel:
    """The criterion of a leaf on the judged day. Raises KeyError or ValueError for what was not published."""
    match condition:
        case Compare(fact=fact, op=op, value=value):
            return _OPERATORS[op](Fact(fact), Constant(typed(fact, value)))
        case Range(fact=fact, low=low, high=high):
            return _between(
                fact, None if low is None else typed(fact, low), None if high is None else typed(fact, high)
            )
        case OneOf(fact=fact, values=values):
            return KernelOneOf(Fact(fact), tuple(typed(fact, value) for value in values))
        case Known(fact=fact):
            return KernelKnown(Fact(fact))
        case Age():
            return _age(condition, condition.on or on)
        case Since(fact=fact, months=months):
            return _between(fact, months_before(on, months), on)
        case Area(codes=codes):
            return AnyOf(tuple(_between("area", *area_range(code)) for code in codes))


def window(condition: Enrolled, on: date) -> tuple[date, date]:
    """First and last day of which an enrollment counts, if it has one of them."""
    return (months_before(on, condition.within_months) if condition.within_months else on), on


def fact_of(condition: Leaf) -> str:
    """The one fact that a leaf asks for."""
    match condition:
        case Age():
            return "birth_date"
        case Area():
            return "area"
        case _:
            return condition.fact


def is_personal(fact: str) -> bool:
    """Whether a fact is one of a person."""
    return fact != "area" and vocabulary()[fact].subject is Subject.PERSON


def ends(condition: Count, sure: Operand, possible: Operand) -> Iterator[Kernel]:
    """What a count must meet, of how many members count for certain and how many may."""
    if condition.at_least is not None:
        yield Reaches(sure, possible, condition.at_least)
    if condition.at_most is not None:
        yield KernelNot(Reaches(sure, possible, condition.at_most + 1))


def typed(fact: str, value: Scalar) -> Scalar:
    """A constant of a rule as the type of the fact: a date is written as text."""
    if vocabulary()[fact].type is FactType.DATE:
        if not isinstance(value, str):
            raise ValueError("a date is written YYYY-MM-DD")
        return date.fromisoformat(value)
    return value


def criteria_on(rule: Rule, on: date) -> Iterator[tuple[Group, Criterion | Conflict]]:
    """The criteria that are asked on a day, group by group in the order of the rule."""
    groups: tuple[tuple[Group, tuple[Criterion, ...] | tuple[Conflict, ...]], ...] = (
        (Group.REQUIREMENT, rule.requirements),
        (Group.EXCLUSION, rule.exclusions),
        (Group.CONFLICT, rule.conflicts),
        (Group.WAITLIST, rule.waitlist),
    )
    for group, criteria in groups:
        for criterion in criteria:
            if criterion.holds_on(on):
                yield group, criterion


def condition_of(criterion: Criterion | Conflict) -> Condition:
    """What a criterion asks."""
    return criterion.condition if isinstance(criterion, Conflict) else criterion.when


def parts(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that it is made of, one level down."""
    match condition:
        case All(of=of) | Any(of=of):
            return of
        case Not(of=of):
            return (of,)
        case Count(where=where):
            return () if where is None else (where,)
        case _:
            return ()


def _between(fact: str, low: Scalar | None, high: Scalar | None) -> Kernel:
    ends: list[Kernel] = []
    if low is not None:
        ends.append(AtLeast(Fact(fact), Constant(low)))
    if high is not None:
        ends.append(AtMost(Fact(fact), Constant(high)))
    return AllOf(tuple(ends))


def _age(condition: Age, day: date) -> Kernel:
    # Full years or months are reached on the day itself; born on a leap day, on March 1.
    months = 12 if condition.unit == "YEARS" else 1
    ends: list[Kernel] = []
    if condition.low is not None:
        ends.append(AtMost(Fact("birth_date"), Constant(months_before(day, condition.low * months))))
    if condition.high is not None:
        ends.append(Greater(Fact("birth_date"), Constant(months_before(day, (condition.high + 1) * months))))
    return AllOf(tuple(ends))
