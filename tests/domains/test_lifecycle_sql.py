"""What PostgreSQL makes of lifecycle tables and criteria is what Python makes of them."""

import importlib
import json
import pkgutil
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import TypeVar
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlmodel import SQLModel
from tests.rules.test_lifecycle import MANAGER, MIXED, OFFICER, ONE_ROLE, STATES, TABLE
from tests.sizes import size

import slrt_api
from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.cases.lifecycle import BY_HAND
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
    Scalar,
    Truth,
    Value,
    _Comparison,
    evaluate,
    to_sql,
)
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.rest.reference import LIFECYCLES
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.runtime.shapes import Shape

TYPES: dict[type, str] = {
    bool: "boolean",
    int: "bigint",
    Decimal: "numeric",
    str: "text",
    UUID: "uuid",
    datetime: "timestamptz",
    date: "date",
}
SAMPLES: dict[str, tuple[Scalar, Scalar, Scalar]] = {
    "boolean": (False, True, True),
    "bigint": (-1, 0, 2**40),
    "numeric": (Decimal("-0.5"), Decimal(0), Decimal("1.25")),
    "uuid": (UUID(int=1), UUID(int=2**127 - 1), UUID(int=2**127)),
    "timestamptz": (
        datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
        datetime(2026, 11, 22, tzinfo=UTC),
    ),
    "date": (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)),
}


def literal(value: Scalar | None, sql_type: str | None = None) -> str:
    if value is None:
        return f"NULL::{sql_type}"
    return "'{}'::{}".format(str(value).replace("'", "''"), TYPES[type(value)])


@pytest_asyncio.fixture
async def connection(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres.superuser_url)
    yield opened
    await opened.close()


@pytest.mark.parametrize("table", [TABLE, ONE_ROLE, MIXED])
@pytest.mark.parametrize("scopes", [["cases:write"], ["cases:write", "cases:decide"]])
@pytest.mark.parametrize("role", [OFFICER, MANAGER, "partner"])
async def test_allowed_actions_are_the_same(
    connection: asyncpg.Connection, table: Lifecycle, scopes: list[str], role: str
) -> None:
    for subject in ("a", None):
        actor: dict[str, Value] = {"subject": subject}
        sql = table.allowed_actions_sql(
            role=role,
            scopes=scopes,
            state_column="c.status",
            column=lambda name: f"c.{name}",
            actor=lambda name, actor=actor: literal(actor[name], "text"),  # type: ignore[misc]
            constant=literal,
        )
        rows = list(product([state.code for state in STATES], (0, 1, None), ("a", "b", None)))
        answers = await connection.fetch(
            f"SELECT {sql} AS allowed FROM unnest($1::text[], $2::bigint[], $3::text[])"
            " WITH ORDINALITY c (status, open_needs, recommended_by, place) ORDER BY place",
            *(list(column) for column in zip(*rows, strict=True)),
        )
        for (status, open_needs, recommended_by), answer in zip(rows, answers, strict=True):
            row: dict[str, Value] = {"open_needs": open_needs, "recommended_by": recommended_by}
            expected = table.allowed_actions(status, role=role, scopes=scopes, row=row, actor=actor)
            assert answer["allowed"] == json.dumps(expected, separators=(",", ":"))


@pytest.mark.parametrize("sql_type", SAMPLES)
async def test_every_type_is_compared_alike(connection: asyncpg.Connection, sql_type: str) -> None:
    below, at, above = SAMPLES[sql_type]
    criteria: list[Criterion] = [
        comparison(Fact("x"), Constant(at)) for comparison in (Equals, NotEquals, Less, AtMost, Greater, AtLeast)
    ]
    criteria += [OneOf(Fact("x"), (below, above)), Known(Fact("x")), Not(OneOf(Fact("x"), (at,)))]
    for criterion, value in product(criteria, (below, at, above, None)):
        sql = to_sql(criterion, lambda _, value=value: literal(value, sql_type), str, literal)  # type: ignore[misc]
        answer = await connection.fetchval(f"SELECT {sql}")
        expected = {True: Truth.TRUE, False: Truth.FALSE, None: Truth.UNKNOWN}[answer]
        assert evaluate(criterion, {"x": value}, {}) is expected


Found = TypeVar("Found")
#: state machines that are some lines of another, for what is asked for by hand
PARTS: Mapping[str, Lifecycle] = {"need by hand": BY_HAND}
MACHINES = {**LIFECYCLES, **PARTS}
#: of these nobody moves the thing itself: it follows from what is done elsewhere, and so has no `allowed_actions`
FOLLOWING = {"routing_offer"}
#: tables whose status no caller moves by an action
NO_MACHINE = {
    # Jobs of the platform.
    "civil_checks",
    "duplicate_runs",
    # The status of an HTTP answer.
    "idempotent_answers",
}


def every(kind: type[Found]) -> list[Found]:
    """All module-level objects of a kind in the house, each once."""
    found: dict[int, Found] = {}
    for info in pkgutil.walk_packages(slrt_api.__path__, "slrt_api."):
        if info.name.rpartition(".")[2] == "__main__":
            continue
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, kind):
                found[id(value)] = value
    return list(found.values())


class TestEveryMachine:
    def test_no_machine_is_left_out(self) -> None:
        known = {id(each) for each in MACHINES.values()}
        assert [each.name for each in every(Lifecycle) if id(each) not in known] == []

    def test_what_a_machine_moves_shows_what_may_be_done_with_it(self) -> None:
        shown = {
            id(each.lifecycle): shape
            for shape in every(Shape)
            for each in shape.fields.values()
            if each.lifecycle is not None
        }
        silent = {name for name, each in MACHINES.items() if id(each) not in shown}
        # All of a need's lines are published, those that are asked for by hand are shown.
        assert silent == FOLLOWING | {"need"}

    def test_every_status_has_its_machine(self) -> None:
        """A table with a status that nobody drew would go its way without anybody having said who may."""
        shapes = {shape.source.split()[0] for shape in every(Shape) if any(f.lifecycle for f in shape.fields.values())}
        tables = {name for name, table in SQLModel.metadata.tables.items() if "status" in table.columns}
        assert tables - shapes - NO_MACHINE == set()

    @pytest.mark.parametrize("name", sorted(MACHINES))
    async def test_allowed_actions_are_the_same_for_every_role(self, connection: asyncpg.Connection, name: str) -> None:
        table = MACHINES[name]
        types = kinds_of(table)
        chance = random.Random(name)
        draw = {fact: [*values, None] for fact, values in types.items()}
        rows = [
            (state.code, {fact: chance.choice(values) for fact, values in draw.items()})
            for state in table.states
            for _ in range(size(60, 1_000))
        ]
        given: set[str] = set()
        source = ", ".join(f"${n}::{sql}[]" for n, sql in enumerate(["text", *map(sql_type, types.values())], 1))
        columns = ", ".join(["status", *(f'"{fact}"' for fact in types), "place"])
        values = [[state for state, _ in rows], *([row[fact] for _, row in rows] for fact in types)]
        for role in (*(each.value for each in Role), "worker", "public"):
            permitted = {each.value for each in PERMISSIONS[Role(role)]} if role in set(Role) else set(Scope)
            for scopes in (sorted(permitted), sorted(permitted)[::2]):
                actor: dict[str, Value] = {"subject": "a", "role": role, "person_id": "b", "organization_id": "c"}
                sql = table.allowed_actions_sql(
                    role=role,
                    scopes=scopes,
                    state_column="c.status",
                    column=lambda fact: f'c."{fact}"',
                    actor=lambda fact, actor=actor: literal(actor.get(fact), "text"),  # type: ignore[misc]
                    constant=literal,
                )
                answers = await connection.fetch(
                    f"SELECT {sql} AS allowed FROM unnest({source}) WITH ORDINALITY c ({columns}) ORDER BY place",
                    *values,
                )
                for (state, row), answer in zip(rows, answers, strict=True):
                    expected = table.allowed_actions(state, role=role, scopes=scopes, row=row, actor=actor)
                    assert answer["allowed"] == json.dumps(expected, separators=(",", ":")), (role, state, row)
                    given |= set(expected)
        assert given == set(table.actions)


def kinds_of(table: Lifecycle) -> dict[str, list[Scalar]]:
    """Values of every fact that the guards of a machine read: those that it is compared with, and another of the type."""
    found: dict[str, list[Scalar]] = {}
    for line in table.transitions:
        if line.whole is not None:
            for fact, values in compared(line.whole):
                found.setdefault(fact, [])
                found[fact] += [each for each in values if each not in found[fact]]
    return {
        fact: [*values, *OTHERS[type(values[0])]] if values else ["a", "z"] for fact, values in sorted(found.items())
    }


OTHERS: Mapping[type, list[Scalar]] = {bool: [True, False], int: [0, 1, 2], str: ["a", "z"]}


def compared(criterion: Criterion) -> Iterator[tuple[str, list[Scalar]]]:
    match criterion:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from compared(part)
        case Not(inner):
            yield from compared(inner)
        case OneOf(Fact(name), values):
            yield name, list(values)
        case Known(Fact(name)):
            yield name, []
        case _Comparison(left, right):
            names = [each.name for each in (left, right) if isinstance(each, Fact)]
            constants = [each.value for each in (left, right) if isinstance(each, Constant)]
            texts: list[Scalar] = ["a", "b", "c"] if any(isinstance(each, ActorFact) for each in (left, right)) else []
            for name in names:
                yield name, [*constants, *texts]


def sql_type(values: list[Scalar]) -> str:
    return TYPES[type(values[0])]
