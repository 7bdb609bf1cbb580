"""What PostgreSQL makes of lifecycle tables and criteria is what Python makes of them."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tests.rules.test_lifecycle import MANAGER, MIXED, OFFICER, ONE_ROLE, STATES, TABLE

from slrt_api.kernel.criteria import (
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
    evaluate,
    to_sql,
)
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.runtime.embedded import EmbeddedPostgres

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
