"""What REST operations take, as the OpenAPI document describes it: parameters, headers and the errors of an answer."""

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Path, Query
from pydantic import BaseModel, create_model

from slrt_api.runtime.shapes import MAX_INCLUDE_DEPTH, Filter, Shape
from slrt_api.runtime.usecase import Command

#: in the place of a parameter's default
REQUIRED: Any = inspect.Parameter.empty
_TITLES = {
    400: "Cannot be read, or a bad or unknown parameter or header",
    401: "No token, or one that does not verify",
    403: "Scope or role missing",
    404: "Absent, or outside your scope",
    406: "The answer is JSON",
    409: "The state, or an equal resource, does not allow it",
    412: "The version you named is not the current one",
    413: "Body too large",
    415: "Send JSON",
    422: "Readable, but wrong",
    428: "Name the version in If-Match",
    429: "Too many requests",
    503: "Try again later",
}
#: what any operation may answer
_ALWAYS = (400, 401, 403, 406, 429, 503)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of an operation."""
    return {status: {"description": _TITLES[status], "content": _PROBLEM} for status in sorted({*statuses, *_ALWAYS})}


ACTING_ROLE = (
    Annotated[
        str | None,
        Header(
            alias="Acting-Role",
            description="The role to act under, for callers who hold several.",
            pattern="^[a-z_]{1,40}$",
            examples=["puskesos_officer"],
        ),
    ],
    None,
)
IDEMPOTENCY_KEY = (
    Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A retry with the same key and body gets the first answer. Kept 30 days.",
            pattern="^[!#-\\[\\]-~]{1,255}$",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ],
    None,
)
IF_MATCH = (
    Annotated[
        str,
        Header(
            alias="If-Match",
            description='The version that you have seen, as the ETag: `"3"`.',
            pattern='^"(0|[1-9][0-9]{0,8})"$',
            examples=['"1"'],
        ),
    ],
    REQUIRED,
)


IF_NONE_MATCH = (
    Annotated[
        Literal["*"],
        Header(alias="If-None-Match", description="`*`: create, never replace.", examples=["*"]),
    ],
    REQUIRED,
)
KNOWN_ETAG = (
    Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="ETag of the answer that you have; where it is the current one you get 304.",
            examples=['"2e8f1c0b5a7d4936c1f0e2d3b4a59687"'],
        ),
    ],
    None,
)
Method = Literal["POST", "PUT", "PATCH"]
MEDIA_TYPES: Mapping[Method, str] = {
    "POST": "application/json",
    "PUT": "application/json",
    "PATCH": "application/merge-patch+json",
}


def resource_id(noun: str) -> tuple[Any, Any]:
    """The path parameter `id` of a resource."""
    return (
        Annotated[UUID, Path(description=f"Id of the {noun}.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"])],
        REQUIRED,
    )


def without(command: type[Command], member: str) -> type[BaseModel]:
    """The model of a body that lacks a member of the command, because that stands in the path."""
    members: dict[str, Any] = {
        name: (info.annotation, info) for name, info in command.model_fields.items() if name != member
    }
    return create_model(command.__name__, __base__=Command, __doc__=command.__doc__, **members)


def code_of(shape: Shape) -> tuple[Any, Any]:
    """The path parameter `id` of reference data: a code."""
    example = next(iter(shape.fields.values())).example
    noun = shape.name.replace("_", " ")
    path = Path(description=f"Code of the {noun}.", min_length=1, max_length=60, examples=[example])
    return Annotated[str, path], REQUIRED


def include(shape: Shape) -> dict[str, tuple[Any, Any]]:
    optional = [name for name, link in shape.links.items() if not link.embedded]
    if not optional:
        return {}
    names = ", ".join(f"`{name}`" for name in optional)
    paths = "|".join(path.replace(".", "\\.") for path in _paths(shape, MAX_INCLUDE_DEPTH))
    return {
        "include": (
            Annotated[
                str,
                Query(
                    description=f"Links to show, comma separated; deeper ones after a dot, three deep: {names}.",
                    examples=[optional[0]],
                    json_schema_extra={"pattern": f"^({paths})(,({paths})){{0,19}}$"},
                ),
            ],
            None,
        )
    }


def _paths(shape: Shape, depth: int) -> list[str]:
    """Every path that `include` takes."""
    found = []
    for name, link in sorted(shape.links.items()):
        found.append(name)
        if depth > 1:
            found += [f"{name}.{path}" for path in _paths(link.to, depth - 1)]
    return found


def _filter_type(filter_: Filter) -> Any:
    schema = Query(description=filter_.description, examples=[filter_.example], json_schema_extra=dict(filter_.schema))
    return Annotated[str, schema]


def of_list(shape: Shape) -> dict[str, tuple[Any, Any]]:
    sorts = tuple(name for sort in shape.sorts for name in (sort, f"-{sort}"))
    parameters: dict[str, tuple[Any, Any]] = {
        "limit": (Annotated[int, Query(ge=1, le=200, description="Rows of a page.", examples=[50])], 50),
        "cursor": (
            Annotated[
                str | None,
                Query(
                    description="`next_cursor` of the page before, as it stands.",
                    examples=["WyI0ZjJhYjFjMGQ5ZTg3NjU0IiwiMzMuMjYiLCIzMy4yNiJd"],
                ),
            ],
            None,
        ),
        "sort": (
            Annotated[
                Literal[sorts],
                Query(
                    description=f"Order; `-` first is descending. Default: `{shape.default_sort}`.", examples=[sorts[0]]
                ),
            ],
            None,
        ),
        "include_total": (
            Annotated[Literal["true", "false"], Query(description="Count the rows, to 10,000.")],
            "false",
        ),
    }
    for name, filter_ in shape.filters.items():
        parameters[name] = (_filter_type(filter_), None)
    return parameters | include(shape)
