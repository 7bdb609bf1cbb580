"""Scalars, and how values of shapes and commands stand in GraphQL."""

import re
from collections.abc import Mapping
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from slrt_api.runtime.shapes import (
    FieldType,
    Filter,
    parse_boolean,
    parse_date,
    parse_instant,
    parse_uuid,
)

DateTime = NewType("DateTime", str)
Date = NewType("Date", str)
Long = NewType("Long", int)

_LONG_MAX: Final = 2**63 - 1
_INTEGER = re.compile("-?[0-9]{1,19}")


def _same(value: Any) -> Any:
    return value


def _refused(what: str) -> GraphQLError:
    return GraphQLError(f"Give {what}.")


def _instant(value: Any) -> str:
    try:
        if isinstance(value, str):
            parse_instant(value)
            return value
    except (ValueError, OverflowError):
        pass
    raise _refused("an instant as RFC 3339 with an offset")


def _date(value: Any) -> str:
    try:
        if isinstance(value, str):
            parse_date(value)
            return value
    except ValueError:
        pass
    raise _refused("a date as YYYY-MM-DD")


def _long(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -_LONG_MAX <= value <= _LONG_MAX:
        raise _refused("a whole number of at most 64 bits")
    return value


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant: RFC 3339, in UTC with `Z` in answers, with any offset in arguments.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_same,
        parse_value=_instant,
    ),
    Date: strawberry.scalar(
        name="Date", description="A day of the calendar: `YYYY-MM-DD`.", serialize=_same, parse_value=_date
    ),
    Long: strawberry.scalar(
        name="Long", description="A whole number of at most 64 bits.", serialize=_same, parse_value=_long
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, with the member names of the REST answer.",
        serialize=_same,
        parse_value=_same,
    ),
}

#: the type of a field by how it stands in JSON; what is not named here is JSON as it is
FIELD_TYPES: Final[Mapping[FieldType, Any]] = {
    FieldType.ID: strawberry.ID,
    FieldType.TEXT: str,
    FieldType.TEXTS: list[str],
    FieldType.INTEGER: int,
    FieldType.LONG: Long,
    FieldType.BOOLEAN: bool,
    FieldType.INSTANT: DateTime,
    FieldType.DATE: Date,
    FieldType.VILLAGE: str,
    FieldType.AREA: str,
    FieldType.CODE: str,
    FieldType.CODES: list[str],
}

_FILTER_TYPES: Final[Mapping[Any, Any]] = {
    parse_boolean: bool,
    parse_date: Date,
    parse_instant: DateTime,
    parse_uuid: strawberry.ID,
}


def filter_type(filter_: Filter, codes: Any) -> Any:
    """The type of a filter's argument. `codes` is its enum in GraphQL, or None."""
    return list[codes] if codes is not None else _FILTER_TYPES.get(filter_.parse, str)


def filter_text(value: Any) -> str:
    """An argument's value as the text that REST has in its query string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(filter_text(each) for each in value)
    return str(getattr(value, "value", value))


__all__ = ["FIELD_TYPES", "JSON", "SCALARS", "Date", "DateTime", "Long", "filter_text", "filter_type"]
