"""Three-valued criteria: Python and SQL give the same answer."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.kernel.criteria import (
    ActorFact,
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Constant,
    Criterion,
    Equals,
    Fact,
    Greater,
    Known,
    Less,
    Not,
    NotEquals,
    OneOf,
    Operand,
    Reaches,
    Scalar,
    Truth,
    Value,
    any_of,
    describe,
    evaluate,
    facts,
    to_sql,
)

COMPARISONS = (Equals, NotEquals, Less, AtMost, Greater, AtLeast)
INSTANT = datetime(2026, 11, 22, tzinfo=UTC)
CLOSABLE = AllOf((Equals(Fact("open_needs"), Constant(0)), NotEquals(Fact("recommended_by"), ActorFact("subject"))))
URGENT = Equals(Fact("e"), Constant(True))

TRUTHS = {
    Truth.TRUE: Equals(Constant(1), Constant(1)),
    Truth.FALSE: Equals(Constant(1), Constant(2)),
    Truth.UNKNOWN: Equals(Fact("missing"), Constant(1)),
}


def judge(criterion: Criterion, row: Mapping[str, Value] | None = None) -> Truth:
    return evaluate(criterion, row or {}, {})


class TestRefusals:
    @pytest.mark.parametrize(
        ("left", "right"),
        [(1, "1"), (True, 1), (INSTANT, date(2026, 11, 22)), (UUID(int=1), "1"), (Decimal(1), False)],
    )
    @pytest.mark.parametrize("comparison", COMPARISONS)
    def test_different_types_are_never_compared(
        self, comparison: type[Equals | Less], left: Scalar, right: Scalar
    ) -> None:
        with pytest.raises(TypeError, match="different types"):
            judge(comparison(Fact("x"), Constant(right)), {"x": left})

    @pytest.mark.parametrize("comparison", [Less, AtMost, Greater, AtLeast])
    def test_text_has_no_order(self, comparison: type[Less]) -> None:
        with pytest.raises(TypeError, match="no order"):
            judge(comparison(Fact("x"), Constant("b")), {"x": "a"})

    def test_naive_instants_are_refused(self) -> None:
        with pytest.raises(TypeError, match="time zone"):
            judge(Less(Fact("x"), Constant(INSTANT)), {"x": INSTANT.replace(tzinfo=None)})

    def test_other_types_are_refused(self) -> None:
        with pytest.raises(TypeError, match="float"):
            judge(Equals(Fact("x"), Constant(1)), {"x": cast("Value", 1.0)})

    def test_a_mistake_shows_even_where_the_answer_is_clear(self) -> None:
        with pytest.raises(TypeError, match="different types"):
            judge(AllOf((TRUTHS[Truth.FALSE], Equals(Constant(1), Constant("1")))))
        with pytest.raises(TypeError, match="different types"):
            judge(OneOf(Constant(1), (1, "1")))

    def test_an_empty_list_is_refused(self) -> None:
        with pytest.raises(ValueError, match="needs a value"):
            OneOf(Fact("x"), ())

    def test_a_truth_is_no_boolean(self) -> None:
        with pytest.raises(TypeError, match="three values"):
            bool(Truth.UNKNOWN)


class TestEvaluate:
    @pytest.mark.parametrize("row", [{}, {"x": None}])
    @pytest.mark.parametrize("comparison", COMPARISONS)
    def test_what_is_not_known_stays_unknown(self, comparison: type[Equals], row: Mapping[str, Value]) -> None:
        assert judge(comparison(Fact("x"), Constant(1)), row) is Truth.UNKNOWN
        assert judge(OneOf(Fact("x"), (1, 2)), row) is Truth.UNKNOWN
        assert judge(Known(Fact("x")), row) is Truth.FALSE

    @pytest.mark.parametrize(
        ("comparison", "answers"),
        [
            (Equals, (False, True, False)),
            (NotEquals, (True, False, True)),
            (Less, (True, False, False)),
            (AtMost, (True, True, False)),
            (Greater, (False, False, True)),
            (AtLeast, (False, True, True)),
        ],
    )
    def test_below_at_and_above(self, comparison: type[Equals], answers: tuple[bool, ...]) -> None:
        judged = [judge(comparison(Fact("x"), Constant(Decimal(4))), {"x": x}) for x in (3, 4, 5)]
        assert judged == [Truth.TRUE if answer else Truth.FALSE for answer in answers]

    def test_the_actor_is_not_the_row(self) -> None:
        row: dict[str, Value] = {"open_needs": 0, "recommended_by": "a"}
        same, other = {"subject": "a"}, {"subject": "b"}
        assert evaluate(CLOSABLE, row, other) is Truth.TRUE
        assert evaluate(CLOSABLE, row, same) is Truth.FALSE
        assert evaluate(CLOSABLE, row, {}) is Truth.UNKNOWN

    @pytest.mark.parametrize(
        ("left", "right", "both", "either"),
        [
            ("TRUE", "TRUE", "TRUE", "TRUE"),
            ("TRUE", "UNKNOWN", "UNKNOWN", "TRUE"),
            ("TRUE", "FALSE", "FALSE", "TRUE"),
            ("UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"),
            ("UNKNOWN", "FALSE", "FALSE", "UNKNOWN"),
            ("FALSE", "FALSE", "FALSE", "FALSE"),
        ],
    )
    def test_kleene_tables(self, left: str, right: str, both: str, either: str) -> None:
        parts = (TRUTHS[Truth(left)], TRUTHS[Truth(right)])
        for order in (parts, parts[::-1]):
            assert judge(AllOf(order)) is Truth(both)
            assert judge(AnyOf(order)) is Truth(either)

    @pytest.mark.parametrize(
        ("sure", "possible", "truth"),
        [(2, 2, Truth.TRUE), (2, 5, Truth.TRUE), (1, 2, Truth.UNKNOWN), (1, 1, Truth.FALSE), (0, 9, Truth.UNKNOWN)],
    )
    def test_a_count_between_two_bounds(self, sure: int, possible: int, truth: Truth) -> None:
        assert judge(Reaches(Fact("sure"), Fact("possible"), 2), {"sure": sure, "possible": possible}) is truth

    def test_not_and_empty(self) -> None:
        assert [judge(Not(TRUTHS[truth])) for truth in Truth] == [Truth.TRUE, Truth.UNKNOWN, Truth.FALSE]
        assert (judge(AllOf(())), judge(AnyOf(()))) == (Truth.TRUE, Truth.FALSE)


class TestDescribe:
    def test_reads_as_a_sentence(self) -> None:
        assert describe(CLOSABLE) == "open_needs = 0 and recommended_by <> actor.subject"

    def test_nesting_shows(self) -> None:
        criterion = AnyOf((CLOSABLE, Not(Known(Fact("x"))), OneOf(Fact("s"), ("A", "it's")), URGENT))
        assert describe(criterion) == (
            "(open_needs = 0 and recommended_by <> actor.subject)"
            " or not (x is known) or s in ('A', 'it''s') or e = true"
        )

    def test_dates_and_empty_ones(self) -> None:
        assert describe(AtLeast(Fact("d"), Constant(date(2024, 2, 29)))) == "d >= 2024-02-29"
        assert (describe(AllOf(())), describe(AnyOf(()))) == ("true", "false")

    def test_facts_are_the_columns(self) -> None:
        assert facts(AnyOf((CLOSABLE, Not(Known(Fact("x"))), OneOf(Fact("s"), ("A",))))) == {
            "open_needs",
            "recommended_by",
            "x",
            "s",
        }


# Columns and actor facts of each type, so that random trees hold no comparison that evaluate refuses.
NUMBERS = st.integers(-1, 1)
TEXTS = st.sampled_from(["a", "b", "it's"])


def operands(kind: str, values: st.SearchStrategy[int] | st.SearchStrategy[str]) -> st.SearchStrategy[Operand]:
    names = st.sampled_from([f"{kind}{index}" for index in range(3)])
    return st.one_of(names.map(Fact), names.map(ActorFact), values.map(Constant))


number, text = operands("n", NUMBERS), operands("t", TEXTS)
leaves: st.SearchStrategy[Criterion] = st.one_of(
    st.builds(lambda of, left, right: of(left, right), st.sampled_from(COMPARISONS), number, number),
    st.builds(lambda of, left, right: of(left, right), st.sampled_from([Equals, NotEquals]), text, text),
    st.builds(OneOf, number, st.lists(NUMBERS, min_size=1, max_size=3).map(tuple)),
    st.builds(OneOf, text, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.builds(Known, number | text),
    st.builds(Reaches, number, number, NUMBERS),
)


def branches(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    many = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(AllOf, many), st.builds(AnyOf, many))


trees = st.recursive(leaves, branches, max_leaves=8)
rows = st.fixed_dictionaries(
    {f"n{index}": st.none() | NUMBERS for index in range(3)} | {f"t{index}": st.none() | TEXTS for index in range(3)}
)


@pytest.fixture(scope="module")
def database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


def literal(value: Scalar) -> str:
    return "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else str(value)


class TestAgainstSql:
    @settings(max_examples=size(150, 100_000), deadline=None)
    @given(criterion=trees, row=rows, actor=rows)
    def test_sqlite_gives_the_same_answer(
        self, database: sqlite3.Connection, criterion: Criterion, row: dict[str, Value], actor: dict[str, Value]
    ) -> None:
        sql = to_sql(criterion, lambda name: f"r.{name}", lambda name: f"a.{name}", literal)
        r, a = (", ".join(f"? AS {name}" for name in facts_) for facts_ in (row, actor))
        statement = f"SELECT {sql} FROM (SELECT {r}) r, (SELECT {a}) a"
        (answer,) = database.execute(statement, [*row.values(), *actor.values()]).fetchone()
        assert evaluate(criterion, row, actor) is {1: Truth.TRUE, 0: Truth.FALSE, None: Truth.UNKNOWN}[answer]


class TestKleeneLaws:
    @settings(max_examples=size(60, 20_000), deadline=None)
    @given(a=trees, b=trees, c=trees, row=rows)
    def test_laws_hold(self, a: Criterion, b: Criterion, c: Criterion, row: dict[str, Value]) -> None:
        def same(left: Criterion, right: Criterion) -> bool:
            return evaluate(left, row, {}) is evaluate(right, row, {})

        assert same(Not(Not(a)), a)
        assert same(Not(AllOf((a, b))), AnyOf((Not(a), Not(b))))
        assert same(AllOf((a, b)), AllOf((b, a)))
        assert same(AllOf((a, AllOf((b, c)))), AllOf((AllOf((a, b)), c)))
        assert same(AllOf((a, AnyOf((b, c)))), AnyOf((AllOf((a, b)), AllOf((a, c)))))
        assert same(AllOf((a, AnyOf((a, b)))), a)
        assert judge(Known(Fact("n0")), row) is not Truth.UNKNOWN

    @settings(max_examples=size(60, 20_000), deadline=None)
    @given(alternatives=st.lists(trees, max_size=3), also=trees, row=rows)
    def test_what_another_implies_is_left_out_unnoticed(
        self, alternatives: list[Criterion], also: Criterion, row: dict[str, Value]
    ) -> None:
        doubled = [AllOf((also, each)) for each in alternatives] + alternatives
        assert evaluate(any_of(doubled), row, {}) is evaluate(AnyOf(tuple(doubled)), row, {})
        assert len(any_of(doubled).criteria) <= len(alternatives)

    def test_what_is_equal_to_python_only_is_kept(self) -> None:
        one, yes = Equals(Fact("x"), Constant(1)), Equals(Fact("x"), Constant(value=True))
        assert any_of([one, yes]).criteria == (one, yes)
