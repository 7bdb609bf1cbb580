"""Models of answers for the OpenAPI document, made from the shapes. None of them runs at request time."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model

from slrt_api.runtime.shapes import Field as ShapeField
from slrt_api.runtime.shapes import FieldType, Shape


class LabelDocument(BaseModel):
    """A name in two languages."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="In Indonesian.", examples=["Terdaftar"])
    en: str = Field(description="In English.", examples=["Registered"])


_TYPES: dict[FieldType, Any] = {
    FieldType.ID: UUID,
    FieldType.TEXT: str,
    FieldType.TEXTS: list[str],
    FieldType.INTEGER: int,
    FieldType.LONG: int,
    FieldType.BOOLEAN: bool,
    FieldType.INSTANT: datetime,
    FieldType.DATE: date,
    FieldType.VILLAGE: str,
    FieldType.AREA: str,
    FieldType.CODE: str,
    FieldType.CODES: list[str],
    FieldType.LABEL: LabelDocument,
    FieldType.JSON: Any,
}
_EXAMPLES: dict[FieldType, Any] = {
    FieldType.ID: "019aaa11-2233-8000-8cfe-04a1b2c3d4e5",
    FieldType.INSTANT: "2026-11-22T02:14:07.000000Z",
    FieldType.DATE: "2026-11-22",
    FieldType.VILLAGE: "33.26.01.2001",
    FieldType.AREA: "33.26",
    FieldType.BOOLEAN: True,
    FieldType.INTEGER: 1,
    FieldType.LONG: 1,
    FieldType.TEXTS: [],
    FieldType.JSON: {},
}


class FaultDocument(BaseModel):
    """One place of the request that is wrong."""

    pointer: str = Field(
        description="JSON pointer into the body, or the parameter's or header's name.", examples=["/kk"]
    )
    code: str = Field(description="Stable code.", examples=["kk_malformed"])
    detail: str = Field(description="What to do.", examples=["Give 16 digits, or leave it out."])


class ProblemDocument(BaseModel):
    """An error (RFC 9457). Nothing of the request is repeated in it."""

    type: str = Field(description="Where the code is explained.", examples=["/problems/content_invalid"])
    title: str = Field(description="What went wrong, in Indonesian or English.", examples=["Isi tidak sah"])
    status: int = Field(description="HTTP status.", examples=[422])
    detail: str = Field(description="What to do about it.", examples=["Perbaiki bagian yang disebut."])
    code: str = Field(description="Stable code.", examples=["content_invalid"])
    trace_id: str = Field(description="Trace id of the request.", examples=["4bf92f3577b34da6a3ce929d0e0e4736"])
    errors: list[FaultDocument] = Field(description="The places that are wrong; empty where it is not one place.")


@cache
def document(shape: Shape) -> type[BaseModel]:
    """Model of the resource: its fields, its embedded links, and those that `include` may add."""
    return _model(shape, ())


def _model(shape: Shape, above: tuple[Shape, ...]) -> type[BaseModel]:
    members: dict[str, Any] = {field.name: _member(field) for field in shape.fields.values()}
    for link in shape.links.values():
        if link.to in above or link.to is shape:
            continue
        if not link.embedded and above:
            continue
        target: Any = _model(link.to, (*above, shape)) if not _flat(link.to) else document(link.to)
        annotation: Any = target | None if link.single else list[target]
        default: Any = ... if link.embedded else None
        if not link.embedded:
            annotation = annotation | None
        members[link.name] = (annotation, Field(default=default, description=link.description))
    name = "".join(part.capitalize() for part in shape.name.split("_"))
    suffix = (
        ""
        if not above or _flat(shape)
        else "In" + "".join("".join(part.capitalize() for part in one.name.split("_")) for one in above)
    )
    # Below the first level `include` may show more links than are named: they go round in circles, three deep.
    closed = not above or _flat(shape)
    config = ConfigDict(extra="forbid" if closed else "ignore")
    return create_model(name + suffix, __config__=config, __doc__=shape.description, **members)


def _flat(shape: Shape) -> bool:
    return not shape.links


def _member(field: ShapeField) -> Any:
    type_ = _TYPES[field.type]
    if field.codes is not None:
        codes: Any = Literal[tuple(code.value for code in field.codes)]
        type_ = list[codes] if field.type is FieldType.CODES else codes
    example = field.example if field.example is not None else _EXAMPLES.get(field.type)
    if example is None and field.codes is not None:
        example = next(iter(field.codes)).value
    examples = [example] if example is not None else None
    if field.lifecycle is not None:
        type_ = list[str]
        examples = [[field.lifecycle.transitions[0].action]]
    description = field.description
    if field.limited and field.redacted is None:
        # Absent where it may not be read: neither required nor null.
        kept: Any = Field(
            default=None, description=f"{description} {_ABSENT}", examples=examples, json_schema_extra=_without_default
        )
        return (type_ | None if field.may_be_null else type_, kept)
    nullable = field.may_be_null or field.null_where_limited
    if field.null_where_limited:
        description = f"{description} {_NULL}"
    return (type_ | None if nullable else type_, Field(description=description, examples=examples))


_ABSENT: Final = "Special data: absent from lists, and for roles that may not read it (`/v1/meta/permissions`)."
_NULL: Final = "Where it is special data null in lists, and for roles that may not read it (`/v1/meta/permissions`)."


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


@cache
def page_document(shape: Shape) -> type[BaseModel]:
    """Model of a page of the resource."""
    item = document(shape)
    return create_model(
        item.__name__ + "Page",
        __config__=ConfigDict(extra="forbid"),
        __doc__=f"A page of {shape.nouns}.",
        items=(list[item], Field(description="The rows of this page, in order.")),  # type: ignore[valid-type]
        next_cursor=(str | None, Field(description="Leads to the next page; null on the last.", examples=[None])),
        total=(int, Field(default=0, description="Only with `include_total=true`; at most 10,000.", examples=[42])),
        total_is_exact=(bool, Field(default=True, description="Only with `include_total=true`.", examples=[True])),
    )


def with_once(shape: Shape, members: Iterable[tuple[str, str, Any]]) -> type[BaseModel]:
    """Model of the answer that shows `members` (name, description, example) this once only."""
    base = document(shape)
    added: dict[str, Any] = {
        name: (str, Field(description=description, examples=[example])) for name, description, example in members
    }
    return create_model(f"New{base.__name__}", __base__=base, **added)
