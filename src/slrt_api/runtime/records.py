"""Rows of tables as the statements that read and write them, and as the values that they hold.

Models of SQLAlchemy say what a table is like; what runs is SQL of ours on asyncpg, whose plans stay.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.orm import class_mapper
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)

#: columns that every change touches and that tell a reader of the revision nothing
_SILENT = {"version", "updated_at"}
#: leaves for the effect in a regency, once a row is written and its policies have let it through
_LEFT = " RETURNING set_config('app.regency', ${0}, true), set_config('role', 'slrt_effect', true)"


def loaded(model: type[Row], values: Mapping[str, Any] | asyncpg.Record) -> Row:
    """A row as it stands in its table, with every column: nothing is checked or filled in, as when SQLAlchemy loads one.

    Its constructor would take longer than the statement.
    """
    row: Row = class_mapper(model).class_manager.new_instance()
    row.__dict__.update(values.items())
    return row


def altered(row: Row, **values: Any) -> Row:
    """The row as it will be with these values, which are not written here."""
    return loaded(type(row), {**values_of(row), **values})


@lru_cache(maxsize=256)
def columns(model: type[SQLModel]) -> tuple[str, ...]:
    """Names of the columns, in the order of the table."""
    # SQLAlchemy names some columns by a subclass of str, which orjson takes for no key of an object.
    return tuple(str(column.name) for column in model.__table__.columns)  # type: ignore[attr-defined]


@lru_cache(maxsize=256)
def select(model: type[SQLModel]) -> str:
    """The beginning of a statement that reads whole rows."""
    names = ", ".join(f'"{name}"' for name in columns(model))
    return f"SELECT {names} FROM {model.__tablename__}"


@lru_cache(maxsize=256)
def select_one(model: type[SQLModel], suffix: str) -> tuple[str, bool]:
    """The statement that reads one row, and whether its key begins with the tenant number."""
    tenanted = "regency" in columns(model)
    where = "regency = $1 AND id = $2" if tenanted else "id = $1"
    return f"{select(model)} WHERE {where}{suffix}", tenanted


@lru_cache(maxsize=256)
def insert(model: type[SQLModel], *, leaving: bool = False) -> str:
    """The statement that inserts a row, with the values of `columns`. leaving: as of `update`."""
    names = ", ".join(f'"{name}"' for name in columns(model))
    places = ", ".join(f"${number}" for number in range(1, len(columns(model)) + 1))
    left = _LEFT.format(len(columns(model)) + 1) if leaving else ""
    return f"INSERT INTO {model.__tablename__} ({names}) VALUES ({places}){left}"


@lru_cache(maxsize=256)
def keys_of(model: type[SQLModel]) -> tuple[str, ...]:
    """Names of the columns of the primary key."""
    return tuple(str(column.name) for column in model.__table__.primary_key)  # type: ignore[attr-defined]


@lru_cache(maxsize=1_000)
def update(model: type[SQLModel], names: tuple[str, ...], *, leaving: bool = False) -> str:
    """The statement that updates a row, with the values of `names` and of its key.

    leaving  and with the regency whose effect is entered with it, once the row is written and checked
    """
    keys = keys_of(model)
    sets = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(names, 1))
    where = " AND ".join(f'"{key}" = ${number}' for number, key in enumerate(keys, len(names) + 1))
    left = _LEFT.format(len(names) + len(keys) + 1) if leaving else ""
    return f"UPDATE {model.__tablename__} SET {sets} WHERE {where}{left}"


def values_of(row: SQLModel) -> dict[str, Any]:
    """Every column with its value."""
    # What a row has stands in its dictionary; SQLAlchemy's attributes would be asked one by one.
    held = row.__dict__
    return {name: held[name] if name in held else getattr(row, name) for name in columns(type(row))}


def changes_of(row: SQLModel) -> dict[str, Any]:
    """What a revision tells of a row that is new."""
    silent = _SILENT | getattr(row, "UNTOLD", frozenset())
    return {
        name: value
        for name, value in values_of(row).items()
        if value is not None and name not in silent and not isinstance(value, bytes)
    }


def without_bytes(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a revision tells of changes: ciphertexts and digests it leaves out."""
    return {
        name: change
        for name, change in changes.items()
        if not any(isinstance(value, bytes) for value in change.values())
    }
