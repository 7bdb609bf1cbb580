"""Rules compiled to SQL, which judges all households of a relation at once: the outcomes of `evaluation`, as sets. Pure.

What programs share is asked once. Members are grouped once for all counts, every condition of a household is one column that all
programs read, and what a rule for persons asks of their household comes from there. A test holds both evaluations together.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from slrt_api.kernel import criteria as kernel
from slrt_api.programs import lowering
from slrt_api.programs.codes import Group, Outcome
from slrt_api.programs.criteria import All, Any, Area, Condition, Count, Enrolled, Not, Rule, Unit
from slrt_api.programs.evaluation import Situation
from slrt_api.programs.facts import Subject

#: how outcomes are written in arrays: the merits, and RECEIVING added where the program is received
CODES: Final[Mapping[Outcome, int]] = {
    Outcome.ELIGIBLE: 1,
    Outcome.INELIGIBLE: 2,
    Outcome.INDETERMINATE: 3,
    Outcome.ELIGIBLE_WAITLIST: 4,
    Outcome.CONFLICT: 6,
    Outcome.EXCLUDED_PENDING_VERIFICATION: 7,
}
RECEIVING: Final = 16
_MERITS: Final[Mapping[int, Outcome]] = {code: outcome for outcome, code in CODES.items()}


@dataclass(frozen=True)
class Relations:
    """Where facts are, each a table or a query in parentheses; only what rules ask for is read.

    households   id, area, and a column for each fact of a household
    persons      household_id, id, and a column for each fact of a person: the members of these households
    enrollments  household_id, person_id (null where the household receives), program, started_on, ended_on: of the same
    lists        programs of which every recipient is known
    """

    households: str
    persons: str
    enrollments: str
    lists: Collection[str] = ()


@dataclass(frozen=True)
class Compiled:
    """Queries of a WITH clause, and what their columns mean.

    ctes      queries with commas between them. `judged_households` has (id, area, outcomes smallint[]), `judged_persons`
              (household_id, id, area, outcomes smallint[]); with criteria both have `criteria boolean[]` too, null is UNKNOWN
    households, persons  the rules in the order of the arrays
    household_criteria, person_criteria  which rule of these and which code, in the order of the arrays
    """

    ctes: str
    households: tuple[Rule, ...]
    persons: tuple[Rule, ...]
    household_criteria: tuple[tuple[int, str], ...]
    person_criteria: tuple[tuple[int, str], ...]


def outcome(code: int) -> Outcome:
    """The outcome by its code in an array."""
    return Outcome.ALREADY_RECEIVING if code >= RECEIVING else _MERITS[code]


def merits(code: int) -> Outcome:
    """What it would be if nothing were received."""
    return _MERITS[code % RECEIVING]


def compile_rules(
    rules: Sequence[Rule], situation: Situation, relations: Relations, *, with_criteria: bool = False
) -> Compiled:
    """Compile published rules, their variants chosen. Rules for persons are judged for every member.

    The same program may stand in it twice: a draft beside what is in force.
    """
    return _Compiler(situation, relations, with_criteria).compile(rules)


@dataclass(frozen=True)
class _Judged:
    """A rule in SQL: the columns of its criteria where they are wanted, and the outcome made of them."""

    codes: tuple[str, ...]
    criteria: tuple[str, ...]
    outcome: str


class _Columns:
    """Expressions that are computed once, by the name of their column."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}

    def name(self, expression: str) -> str:
        """The column of an expression."""
        return self._names.setdefault(expression, f"{self._prefix}{len(self._names) + 1}")

    def select(self) -> list[str]:
        """The columns of a SELECT list."""
        return [f"{expression} AS {name}" for expression, name in self._names.items()]

    def __bool__(self) -> bool:
        return bool(self._names)


class _Compiler:
    def __init__(self, situation: Situation, relations: Relations, with_criteria: bool) -> None:
        self._situation = situation
        self._relations = relations
        self._with_criteria = with_criteria
        #: conditions of one member, asked before members are grouped
        self._of_member = _Columns("c")
        #: numbers of members by household
        self._numbers = _Columns("n")
        #: enrollments by household and by person
        self._enrolled = _Columns("e")
        self._person_enrolled = _Columns("f")
        #: conditions of a household, and of a person who is judged
        self._of_household = _Columns("k")
        self._of_person = _Columns("p")
        #: columns of the household that rules for persons read as they are
        self._shared: dict[str, str] = {}

    def compile(self, rules: Sequence[Rule]) -> Compiled:
        households = tuple(rule for rule in rules if rule.unit is not Unit.PERSON)
        persons = tuple(rule for rule in rules if rule.unit is Unit.PERSON)
        of_households = [self._rule(rule, Subject.HOUSEHOLD) for rule in households]
        of_persons = [self._rule(rule, Subject.PERSON) for rule in persons]
        queries = [
            *self._enrollments(),
            *self._members(),
            self._household_rows(),
            f"judged_households AS (SELECT id, area, {self._results(of_households)} FROM household_rows)",
            f"judged_persons AS (SELECT household_id, id, area, {self._results(of_persons)} FROM {self._person_rows()} r)",
        ]
        return Compiled(
            ctes=",\n".join(queries),
            households=households,
            persons=persons,
            household_criteria=_listed(of_households),
            person_criteria=_listed(of_persons),
        )

    def _rule(self, rule: Rule, subject: Subject) -> _Judged:
        asked = list(lowering.criteria_on(rule, self._situation.on))

        def of(group: Group) -> list[Condition]:
            return [lowering.condition_of(criterion) for each, criterion in asked if each is group]

        required = " AND ".join(self._columns_of(_all, of(Group.REQUIREMENT), subject)) or "TRUE"
        if " AND " in required:
            required = f"({required})"
        found = {
            group: " OR ".join(self._columns_of(_any, _merged(of(group)), subject))
            for group in (Group.EXCLUSION, Group.CONFLICT, Group.WAITLIST)
        }
        waits = " OR ".join(filter(None, (found[Group.WAITLIST], self._full(rule, subject))))
        whens = [
            (f"{required} IS FALSE", Outcome.INELIGIBLE),
            (found[Group.EXCLUSION], Outcome.EXCLUDED_PENDING_VERIFICATION),
            (found[Group.CONFLICT], Outcome.CONFLICT),
            (f"{required} IS NULL", Outcome.INDETERMINATE),
            (waits, Outcome.ELIGIBLE_WAITLIST),
        ]
        cases = " ".join(f"WHEN {when} THEN {CODES[then]}" for when, then in whens if when)
        own = Enrolled(program=rule.program, who="PERSON" if subject is Subject.PERSON else "HOUSEHOLD")
        return _Judged(
            codes=tuple(criterion.code for _, criterion in asked),
            # One by one they are only asked for when somebody wants to see them.
            criteria=tuple(self._column(lowering.condition_of(criterion), subject) for _, criterion in asked)
            if self._with_criteria
            else (),
            outcome=f"CASE {cases} ELSE {CODES[Outcome.ELIGIBLE]} END"
            f" + CASE WHEN {self._column(own, subject)} THEN {RECEIVING} ELSE 0 END",
        )

    def _columns_of(
        self, together: Callable[[Sequence[Condition]], Condition], conditions: Sequence[Condition], subject: Subject
    ) -> list[str]:
        """A group as few columns: what it asks of the household is one, for all persons and programs that ask the same."""
        apart: tuple[list[Condition], list[Condition]] = ([], [])
        for each in conditions:
            apart[subject is Subject.PERSON and _is_personal(each)].append(each)
        return [self._column(together(of), subject) for of in apart if of]

    def _full(self, rule: Rule, subject: Subject) -> str:
        ranges = self._situation.full.get(rule.program, ())
        if not ranges:
            return ""
        sql = " OR ".join(f"h.area BETWEEN {low} AND {high}" for low, high in ranges)
        return self._household_column(f"({sql})", subject)

    def _column(self, condition: Condition, subject: Subject) -> str:
        """The column in which a criterion stands, of the row that is judged."""
        if subject is Subject.HOUSEHOLD or not _is_personal(condition):
            return self._household_column(_sql(self._lowered(condition, Subject.HOUSEHOLD)), subject)
        return self._of_person.name(_sql(self._lowered(condition, Subject.PERSON)))

    def _household_column(self, sql: str, subject: Subject) -> str:
        name = self._of_household.name(sql)
        if subject is Subject.HOUSEHOLD:
            return name
        self._shared.setdefault(name, f"h_{name}")
        return self._shared[name]

    def _lowered(self, condition: Condition, subject: Subject) -> kernel.Criterion:
        """A condition as a criterion over columns: `h.` of households, `p.` of persons, `m.` of grouped members."""
        if subject is Subject.PERSON and not _is_personal(condition):
            # What a rule for persons asks of the household is asked once for all of its members.
            return _is_true(f"h.{self._of_household.name(_sql(self._lowered(condition, Subject.HOUSEHOLD)))}")
        match condition:
            case All(of=of):
                return kernel.AllOf(tuple(self._lowered(each, subject) for each in of))
            case Any(of=of):
                return kernel.AnyOf(tuple(self._lowered(each, subject) for each in of))
            case Not(of=inner):
                return kernel.Not(self._lowered(inner, subject))
            case Count():
                return self._counted(condition)
            case Enrolled():
                return _is_true(self._enrollment(condition))
            case _:
                prefix = "p." if lowering.is_personal(lowering.fact_of(condition)) else "h."
                return _qualified(lowering.leaf(condition, self._situation.on), prefix)

    def _counted(self, condition: Count) -> kernel.Criterion:
        if condition.where is None:
            everybody = kernel.Fact(f"coalesce(m.{self._numbers.name('count(*)')}, 0)")
            return kernel.AllOf(tuple(lowering.ends(condition, everybody, everybody)))
        column = self._of_member.name(_sql(self._lowered(condition.where, Subject.PERSON)))
        sure = self._numbers.name(f"count(*) FILTER (WHERE {column})")
        possible = self._numbers.name(f"count(*) FILTER (WHERE {column} IS NOT FALSE)")
        return kernel.AllOf(
            tuple(
                lowering.ends(
                    condition, kernel.Fact(f"coalesce(m.{sure}, 0)"), kernel.Fact(f"coalesce(m.{possible}, 0)")
                )
            )
        )

    def _enrollment(self, condition: Enrolled) -> str:
        first, last = lowering.window(condition, self._situation.on)
        asked = f"e.program = {_literal(condition.program)} AND e.started_on <= {_literal(last)}"
        asked += f" AND (e.ended_on IS NULL OR e.ended_on >= {_literal(first)})"
        found = f"bool_or({asked})"
        person = condition.who == "PERSON"
        column = f"pe.{self._person_enrolled.name(found)}" if person else f"he.{self._enrolled.name(found)}"
        otherwise = "FALSE" if condition.program in self._relations.lists else "NULL"
        return f"(CASE WHEN {column} THEN TRUE ELSE {otherwise} END)"

    def _enrollments(self) -> list[str]:
        found = []
        for name, key, columns in (
            ("household_enrollments", "household_id", self._enrolled),
            ("person_enrollments", "person_id", self._person_enrolled),
        ):
            if columns:
                found.append(
                    f"{name} AS MATERIALIZED (SELECT e.{key}, {', '.join(columns.select())} FROM"
                    f" {self._relations.enrollments} e WHERE e.{key} IS NOT NULL GROUP BY e.{key})"
                )
        return found

    def _members(self) -> list[str]:
        """Everything that is counted, by household."""
        if not self._numbers:
            return []
        conditions = self._of_member.select()
        # OFFSET 0 keeps the conditions of a member from being written into every count again.
        rows = (
            f"SELECT p.household_id{_more(conditions)} FROM {self._relations.persons} p{_received(conditions)} OFFSET 0"
        )
        numbers = _more(self._numbers.select())
        return [
            f"member_counts AS MATERIALIZED (SELECT c.household_id{numbers} FROM ({rows}) c GROUP BY c.household_id)"
        ]

    def _household_rows(self) -> str:
        joins = ""
        if self._numbers:
            joins += " LEFT JOIN member_counts m ON m.household_id = h.id"
        if self._enrolled:
            joins += " LEFT JOIN household_enrollments he ON he.household_id = h.id"
        return (
            f"household_rows AS MATERIALIZED (SELECT h.id, h.area{_more(self._of_household.select())}"
            f" FROM {self._relations.households} h{joins})"
        )

    def _person_rows(self) -> str:
        conditions = self._of_person.select()
        shared = [f"h.{name} AS {other}" for name, other in self._shared.items()]
        return (
            f"(SELECT p.household_id, p.id, h.area{_more(conditions)}{_more(shared)} FROM {self._relations.persons} p"
            f" JOIN household_rows h ON h.id = p.household_id{_received(conditions)} OFFSET 0)"
        )

    def _results(self, judged: Sequence[_Judged]) -> str:
        sql = f"ARRAY[{', '.join(each.outcome for each in judged)}]::smallint[] AS outcomes"
        if self._with_criteria:
            criteria = [column for each in judged for column in each.criteria]
            sql += f", ARRAY[{', '.join(criteria)}]::boolean[] AS criteria"
        return sql


def _listed(judged: Sequence[_Judged]) -> tuple[tuple[int, str], ...]:
    return tuple((place, code) for place, each in enumerate(judged) for code in each.codes)


def _merged(conditions: Sequence[Condition]) -> list[Condition]:
    """The same alternatives, fewer: a member of one kind, or one of another, is a member of either kind."""
    kinds, others = list[Condition](), list[Condition]()
    for each in conditions:
        if isinstance(each, Count) and each.where is not None and (each.at_least, each.at_most) == (1, None):
            kinds.append(each.where)
        else:
            others.append(each)
    return (
        [*others, Count.model_construct(type="count", where=_any(kinds), at_least=1, at_most=None)] if kinds else others
    )


def _all(conditions: Sequence[Condition]) -> Condition:
    # Not validated: a group may have more parts than a condition that is written by hand.
    return All.model_construct(type="all", of=tuple(conditions))


def _any(conditions: Sequence[Condition]) -> Condition:
    return Any.model_construct(type="any", of=tuple(conditions))


def _more(columns: Sequence[str]) -> str:
    return "".join(f", {each}" for each in columns)


def _received(conditions: Sequence[str]) -> str:
    """The join to what persons receive, where a condition asks for it."""
    asked = any("pe." in each for each in conditions)
    return " LEFT JOIN person_enrollments pe ON pe.person_id = p.id" if asked else ""


def _is_personal(condition: Condition) -> bool:
    """Whether the answer is one person's: what is counted is the household's."""
    match condition:
        case Count() | Area():
            return False
        case Enrolled(who=who):
            return who == "PERSON"
        case All() | Any() | Not():
            return any(_is_personal(each) for each in lowering.parts(condition))
        case _:
            return lowering.is_personal(lowering.fact_of(condition))


def _is_true(column: str) -> kernel.Criterion:
    return kernel.Equals(kernel.Fact(column), kernel.Constant(value=True))


def _qualified(criterion: kernel.Criterion, prefix: str) -> kernel.Criterion:
    """The same with the columns of one relation."""

    def of(operand: kernel.Operand) -> kernel.Operand:
        return kernel.Fact(f"{prefix}{operand.name}") if isinstance(operand, kernel.Fact) else operand

    match criterion:
        case kernel.AllOf(criteria):
            return kernel.AllOf(tuple(_qualified(each, prefix) for each in criteria))
        case kernel.AnyOf(criteria):
            return kernel.AnyOf(tuple(_qualified(each, prefix) for each in criteria))
        case kernel.OneOf(operand, values):
            return kernel.OneOf(of(operand), values)
        case kernel.Known(operand):
            return kernel.Known(of(operand))
        case kernel.Not(inner):
            return kernel.Not(_qualified(inner, prefix))
        case kernel.Reaches(sure, possible, least):
            return kernel.Reaches(of(sure), of(possible), least)
        case _:
            return type(criterion)(of(criterion.left), of(criterion.right))


def _sql(criterion: kernel.Criterion) -> str:
    return kernel.to_sql(criterion, lambda column: column, lambda _: "NULL", _literal)


def _literal(value: kernel.Scalar) -> str:
    """A constant as SQL. Constants stand in the text, because plans are made for them and rules are few."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'{}'".format(value.replace("'", "''"))
        case _:
            raise TypeError(type(value).__name__)
