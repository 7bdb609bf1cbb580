"""Three-valued criteria: one expression that is judged in Python, compiled to SQL and shown to people.

A criterion speaks of the columns of one row and of the facts of one actor. What is not known stays UNKNOWN by the laws
of Kleene, which are those of SQL: unknown is never taken for false, and only TRUE lets anything pass. `evaluate` and
`to_sql` give the same answer for every row; a differential test holds them together.

The kernel knows no SQL beyond operators that all dialects share: whoever compiles says how operands are written.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, assert_never
from uuid import UUID

Scalar = bool | int | Decimal | str | UUID | datetime | date
Value = Scalar | None


class Truth(Enum):
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"
    TRUE = "TRUE"

    def __bool__(self) -> bool:
        raise TypeError("a Truth has three values: compare it with Truth.TRUE")


_ASCENDING = (Truth.FALSE, Truth.UNKNOWN, Truth.TRUE)


@dataclass(frozen=True)
class Fact:
    """A column of the row."""

    name: str


@dataclass(frozen=True)
class ActorFact:
    """A fact of the actor, such as `subject` or `organization_id`."""

    name: str


@dataclass(frozen=True)
class Constant:
    value: Scalar


Operand = Fact | ActorFact | Constant


@dataclass(frozen=True)
class _Comparison:
    left: Operand
    right: Operand
    symbol: ClassVar[str]


class Equals(_Comparison):
    symbol = "="


class NotEquals(_Comparison):
    symbol = "<>"


class _Ordering(_Comparison):
    """Compares by order. Not for text, whose order depends on the collation of the database."""


class Less(_Ordering):
    symbol = "<"


class AtMost(_Ordering):
    symbol = "<="


class Greater(_Ordering):
    symbol = ">"


class AtLeast(_Ordering):
    symbol = ">="


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class OneOf:
    operand: Operand
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("OneOf needs a value: SQL knows no empty list")


@dataclass(frozen=True)
class Known:
    """Whether the operand has a value; never UNKNOWN itself."""

    operand: Operand


@dataclass(frozen=True)
class Reaches:
    """Whether a count of rows is at least `least`, where some rows may not be known to count.

    sure      how many rows count for certain
    possible  how many may, the certain ones among them
    """

    sure: Operand
    possible: Operand
    least: int


@dataclass(frozen=True)
class Not:
    criterion: "Criterion"


@dataclass(frozen=True)
class AllOf:
    """TRUE when empty."""

    criteria: tuple["Criterion", ...]


@dataclass(frozen=True)
class AnyOf:
    """FALSE when empty."""

    criteria: tuple["Criterion", ...]


Criterion = Equals | NotEquals | Less | AtMost | Greater | AtLeast | OneOf | Known | Reaches | Not | AllOf | AnyOf


def any_of(criteria: Iterable[Criterion]) -> AnyOf:
    """One of these holds, without those that another implies: of `A` and `A and B` only `A`."""
    kept: dict[frozenset[str], Criterion] = {}
    # The fewer its conditions, the more it lets through. Representations tell True from 1, which are equal.
    for conditions, criterion in sorted(
        ((frozenset(repr(each) for each in _conditions(criterion)), criterion) for criterion in criteria),
        key=lambda pair: len(pair[0]),
    ):
        if not any(weaker <= conditions for weaker in kept):
            kept[conditions] = criterion
    return AnyOf(tuple(kept.values()))


def _conditions(criterion: Criterion) -> list[Criterion]:
    """What has to hold all at once."""
    if isinstance(criterion, AllOf):
        return [each for inner in criterion.criteria for each in _conditions(inner)]
    return [criterion]


def negated(truth: Truth) -> Truth:
    """NOT."""
    return _ASCENDING[2 - _ASCENDING.index(truth)]


def lowest(truths: Iterable[Truth]) -> Truth:
    """AND; TRUE of none."""
    found = tuple(truths)
    if Truth.FALSE in found:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.TRUE


def highest(truths: Iterable[Truth]) -> Truth:
    """OR; FALSE of none."""
    found = tuple(truths)
    if Truth.TRUE in found:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.FALSE


def evaluate(criterion: Criterion, row: Mapping[str, Value], actor: Mapping[str, Value]) -> Truth:
    """Judge a criterion. A fact that is missing or None makes UNKNOWN.

    Every part is judged, whatever the others say, so that a mistake in a criterion shows on the first row.
    Raises TypeError when known operands are of different types, when text is ordered, or for a naive instant.
    """
    match criterion:
        case _Comparison():
            left, right = _value(criterion.left, row, actor), _value(criterion.right, row, actor)
            return _compare(criterion, left, right)
        case OneOf(operand, values):
            value = _value(operand, row, actor)
            return highest([_compare(Equals(operand, Constant(each)), value, each) for each in values])
        case Known(operand):
            return _truth(_value(operand, row, actor) is not None)
        case Reaches(sure, possible, least):
            limit = Constant(least)
            return _either(
                _compare(AtLeast(sure, limit), _value(sure, row, actor), least),
                _compare(AtLeast(possible, limit), _value(possible, row, actor), least),
            )
        case Not(inner):
            return negated(evaluate(inner, row, actor))
        case AllOf(criteria):
            return lowest([evaluate(each, row, actor) for each in criteria])
        case AnyOf(criteria):
            return highest([evaluate(each, row, actor) for each in criteria])
        case _:
            assert_never(criterion)


def to_sql(
    criterion: Criterion,
    column: Callable[[str], str],
    actor: Callable[[str], str],
    constant: Callable[[Scalar], str],
) -> str:
    """SQL of a criterion, as one closed expression of boolean type; NULL is UNKNOWN.

    column, actor, constant  give the SQL of a column, of a fact of the actor and of a literal, each closed in itself
    """

    def operand(of: Operand) -> str:
        match of:
            case Fact(name):
                return column(name)
            case ActorFact(name):
                return actor(name)
            case Constant(value):
                return constant(value)

    def compile_(of: Criterion) -> str:
        match of:
            case _Comparison():
                return f"({operand(of.left)} {of.symbol} {operand(of.right)})"
            case OneOf(tested, values):
                return f"({operand(tested)} IN ({', '.join(constant(each) for each in values)}))"
            case Known(tested):
                return f"({operand(tested)} IS NOT NULL)"
            case Reaches(sure, possible, least):
                limit = constant(least)
                return f"(CASE WHEN {operand(sure)} >= {limit} THEN TRUE WHEN {operand(possible)} < {limit} THEN FALSE END)"
            case Not(inner):
                return f"(NOT {compile_(inner)})"
            case AllOf(criteria):
                return f"({' AND '.join(compile_(each) for each in criteria)})" if criteria else "TRUE"
            case AnyOf(criteria):
                return f"({' OR '.join(compile_(each) for each in criteria)})" if criteria else "FALSE"
            case _:
                assert_never(of)

    return compile_(criterion)


def describe(criterion: Criterion) -> str:
    """A criterion for people: `open_needs = 0 and recommended_by <> actor.subject`."""
    match criterion:
        case _Comparison():
            return f"{_words(criterion.left)} {criterion.symbol} {_words(criterion.right)}"
        case OneOf(operand, values):
            return f"{_words(operand)} in ({', '.join(_words(Constant(each)) for each in values)})"
        case Known(operand):
            return f"{_words(operand)} is known"
        case Reaches(sure, possible, least):
            return f"{_words(sure)} to {_words(possible)} reach {least}"
        case Not(inner):
            return f"not ({describe(inner)})"
        case AllOf(criteria):
            return " and ".join(_part(each) for each in criteria) or "true"
        case AnyOf(criteria):
            return " or ".join(_part(each) for each in criteria) or "false"
        case _:
            assert_never(criterion)


def facts(criterion: Criterion) -> frozenset[str]:
    """The columns that the row must have for the criterion to be judged. Facts of the actor are not among them."""
    return frozenset(operand.name for operand in _operands(criterion) if isinstance(operand, Fact))


def _operands(criterion: Criterion) -> Iterator[Operand]:
    match criterion:
        case _Comparison():
            yield from (criterion.left, criterion.right)
        case Reaches(sure, possible):
            yield from (sure, possible)
        case OneOf(operand) | Known(operand):
            yield operand
        case Not(inner):
            yield from _operands(inner)
        case AllOf(criteria) | AnyOf(criteria):
            for each in criteria:
                yield from _operands(each)
        case _:
            assert_never(criterion)


def _value(operand: Operand, row: Mapping[str, Value], actor: Mapping[str, Value]) -> Value:
    match operand:
        case Fact(name):
            return row.get(name)
        case ActorFact(name):
            return actor.get(name)
        case Constant(value):
            return value


def _compare(comparison: _Comparison, left: Value, right: Value) -> Truth:
    of_left = None if left is None else _family(left)
    of_right = None if right is None else _family(right)
    if of_left is not of_right and left is not None and right is not None:
        raise TypeError(f"operands of different types: {_words(comparison.left)} {comparison.symbol} ...")
    if isinstance(comparison, _Ordering) and (of_left is str or of_right is str):
        raise TypeError(f"text has no order here: {_words(comparison.left)} {comparison.symbol} ...")
    if left is None or right is None:
        return Truth.UNKNOWN
    return _truth(_HOLDS[comparison.symbol](left, right))


#: of the types that values have as they come; an instant is looked at besides
_FAMILIES: dict[type, type] = {bool: bool, int: Decimal, Decimal: Decimal, str: str, UUID: UUID, date: date}


def _family(value: Scalar) -> type:
    """The type as which a value is compared. A boolean is no number, an instant no date, and numbers are one type."""
    exact = _FAMILIES.get(type(value))
    if exact is not None:
        return exact
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TypeError("an instant needs a time zone")
    for family in (bool, int, Decimal, str, UUID, datetime, date):
        if isinstance(value, family):
            return Decimal if family is int else family
    raise TypeError(f"{type(value).__name__} is not a type of facts")


def _truth(holds: bool) -> Truth:
    return Truth.TRUE if holds else Truth.FALSE


def _either(sure: Truth, possible: Truth) -> Truth:
    """TRUE by the certain rows, FALSE when even the possible ones do not suffice."""
    if sure is Truth.TRUE:
        return Truth.TRUE
    return Truth.FALSE if possible is Truth.FALSE else Truth.UNKNOWN


def _part(criterion: Criterion) -> str:
    text = describe(criterion)
    return f"({text})" if isinstance(criterion, AllOf | AnyOf) else text


def _words(operand: Operand) -> str:
    match operand:
        case Fact(name):
            return name
        case ActorFact(name):
            return f"actor.{name}"
        case Constant(bool() as value):
            return str(value).lower()
        case Constant(int() | Decimal() as value):
            return str(value)
        case Constant(date() as value):
            return value.isoformat()
        case Constant(value):
            return "'{}'".format(str(value).replace("'", "''"))
