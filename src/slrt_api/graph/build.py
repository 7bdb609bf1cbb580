"""The schema: Strawberry types made from shapes and use cases. Nothing is declared a second time here.

Types and descriptions come from the shapes, inputs from the commands. The resolvers are those of the standard executor
(`resolvers`); the compiled path (`plans`) reads the same catalog and never calls them.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import GenericAlias
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from slrt_api.graph import resolvers
from slrt_api.graph.catalog import ASKED, Catalog, Resource
from slrt_api.graph.mutations import InputMember, Mutation, mutations
from slrt_api.graph.names import constant
from slrt_api.graph.scalars import FIELD_TYPES, JSON, SCALARS, filter_type
from slrt_api.runtime.shapes import Field, Link, Shape
from slrt_api.runtime.usecase import USE_CASES


@dataclass(frozen=True)
class Built:
    """The schema with what both executors look up."""

    schema: strawberry.Schema
    catalog: Catalog
    mutations: Mapping[str, Mutation]

    @property
    def core(self) -> GraphQLSchema:
        return self.schema._schema

    def text(self) -> str:
        """The schema as it is published: sorted, described."""
        return self.schema.as_str() + "\n"


def build(shapes: Iterable[Shape]) -> Built:
    """The schema of `shapes`, of all they lead to, and of every use case that a caller may ask for."""
    catalog = Catalog.of(shapes)
    types = _Types(catalog)
    offered = mutations()
    schema = strawberry.Schema(
        query=types.query(),
        mutation=types.mutation(offered) if offered else None,
        types=types.nodes(),
        config=StrawberryConfig(
            scalar_map=SCALARS,
            default_resolver=resolvers.member,
            disable_field_suggestions=True,
            sort_schema=True,
        ),
    )
    return Built(schema, catalog, offered)


def _made(name: str, members: Mapping[str, tuple[Any, Any]], doc: str, bases: tuple[type, ...] = ()) -> type:
    """A class with annotated members, to be made a Strawberry type."""
    made = type(
        name, bases, {key: value for key, (_, value) in members.items() if value is not inspect.Parameter.empty}
    )
    made.__annotations__ = {key: annotation for key, (annotation, _) in members.items()}
    made.__doc__ = doc
    made.__module__ = __name__
    return made


def _resolver(run: Callable[..., Any], returns: Any, arguments: Mapping[str, tuple[Any, Any]]) -> Any:
    """`run(source, info, arguments)` as a resolver with these arguments: name -> (annotation, default)."""

    async def resolve(root: Any, info: strawberry.Info, **given: Any) -> Any:
        return await run(root, info, {name: value for name, value in given.items() if value is not strawberry.UNSET})

    keyword = inspect.Parameter.KEYWORD_ONLY
    resolve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
            inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info),
            *(
                inspect.Parameter(name, keyword, annotation=annotation, default=default)
                for name, (annotation, default) in arguments.items()
            ),
        ],
        return_annotation=returns,
    )
    return resolve


_REQUIRED = inspect.Parameter.empty


def _argument(annotation: Any, description: str, *, required: bool = False) -> tuple[Any, Any]:
    described = strawberry.argument(description=description)
    if required:
        return (_annotated(annotation, described), _REQUIRED)
    return (_annotated(annotation | None, described), strawberry.UNSET)


def _annotated(annotation: Any, metadata: Any) -> Any:
    return cast("Any", Annotated)[annotation, metadata]


@strawberry.interface(description="What has an id of its own. The id tells its kind.")
class Node:
    """Relay's interface."""

    id: strawberry.ID = strawberry.field(description="Globally unique: the same UUID in REST, GraphQL and events.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's facts of a page."""

    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows stand before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row; null on an empty page.")


class _Types:
    """The Strawberry types of one schema. Classes are made first and decorated after, because they lead to each other."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._enums: dict[str, tuple[type[Enum], Any]] = {}
        self._sorts: dict[Resource, Any] = {}
        self._inputs: dict[str, Any] = {}
        self._objects: dict[Resource, type] = {}
        self._connections: dict[Resource, type] = {}
        for resource in catalog.resources.values():
            bases = (Node,) if resource.node else ()
            made = type(resource.name, bases, {"__annotations__": {}, "__doc__": None, "__module__": __name__})
            if resource.node:
                made.is_type_of = staticmethod(resolvers.is_type_of(resource))  # type: ignore[attr-defined]
            self._objects[resource] = made
        paged = {link.to for each in catalog.resources.values() for link in each.shape.links.values() if link.paged}
        for resource in catalog.resources.values():
            if resource.shape in paged or resource in catalog.pages.values():
                self._connections[resource] = self._connection(resource)
        for resource, made in self._objects.items():
            self._object(resource, made)

    # Types ------------------------------------------------------------------------------------------------------

    def nodes(self) -> list[type]:
        return [made for resource, made in self._objects.items() if resource.node]

    def enum(self, codes: type[StrEnum]) -> Any:
        """The GraphQL enum of a code's Python enum."""
        known = self._enums.get(codes.__name__)
        if known is None:
            doc = inspect.cleandoc(codes.__doc__ or "")
            described = doc if doc and not doc.startswith("An enumeration") else f"Codes of {codes.__name__}."
            known = (codes, strawberry.enum(codes, description=described.splitlines()[0]))
            self._enums[codes.__name__] = known
        if known[0] is not codes:
            raise ValueError(f"two enums are called {codes.__name__}")
        return known[1]

    def _sort(self, resource: Resource) -> Any:
        if resource not in self._sorts:
            made = Enum(f"{resource.name}Sort", {name: name for name in resource.sorts})  # type: ignore[misc]
            made.__module__ = __name__
            self._sorts[resource] = strawberry.enum(
                made, description=f"Orders of {resource.shape.nouns}; the id breaks ties."
            )
        return self._sorts[resource]

    def _field_type(self, field: Field) -> Any:
        type_ = FIELD_TYPES.get(field.type, JSON)
        if field.codes is not None and field.lifecycle is None and _shouted(field.codes):
            enum = self.enum(field.codes)
            type_ = GenericAlias(list, (enum,)) if type_ == list[str] else enum
        # A mask may leave nothing of a value, and a field that not everybody may read is not promised to anybody.
        hidden = field.masked is not None and field.masked.strip().upper().startswith("NULL")
        hidden = hidden or field.null_where_limited
        return type_ | None if field.may_be_null or hidden else type_

    def _object(self, resource: Resource, made: type) -> None:
        shape = resource.shape
        for field in shape.fields.values():
            made.__annotations__[field.name] = self._field_type(field)
            setattr(made, field.name, strawberry.field(description=field.description))
        for link in shape.links.values():
            made.__annotations__[link.name] = annotation = self._link_type(link)
            run = resolvers.link(resource, self._catalog.by_shape[link.to], link)
            arguments = self._page_arguments(self._catalog.by_shape[link.to]) if link.paged else {}
            resolver = _resolver(run, annotation, arguments)
            setattr(made, link.name, strawberry.field(resolver=resolver, description=link.description))
        strawberry.type(made, name=resource.name, description=shape.description)

    def _link_type(self, link: Link) -> Any:
        target = self._catalog.by_shape[link.to]
        if link.single:
            return self._objects[target] | None
        return self._connections[target] if link.paged else GenericAlias(list, (self._objects[target],))

    def _connection(self, resource: Resource) -> type:
        plural = resource.shape.nouns
        edge = _made(
            f"{resource.name}Edge",
            {
                "cursor": (str, strawberry.field(description="Leads to the rows after or before this one.")),
                "node": (self._objects[resource], strawberry.field(description=f"One of the {plural}.")),
            },
            "",
        )
        edge = strawberry.type(edge, name=f"{resource.name}Edge", description=f"A row of a page of {plural}.")
        connection = _made(
            f"{resource.name}Connection",
            {
                "edges": (list[edge], strawberry.field(description="The rows of this page, in order.")),  # type: ignore[valid-type]
                "page_info": (PageInfo, strawberry.field(description="Where this page stands.")),
                "total_count": (int, strawberry.field(description="Rows of the whole list, counted to 10,000.")),
                "total_is_exact": (bool, strawberry.field(description="Whether `totalCount` is all of them.")),
            },
            "",
        )
        name = f"{resource.name}Connection"
        return strawberry.type(connection, name=name, description=f"A page of {plural}.")

    def _page_arguments(self, resource: Resource) -> dict[str, tuple[Any, Any]]:
        arguments = {
            "first": _argument(int, "Rows after `after`, from the beginning without it: 1 to 200."),
            "after": _argument(str, "Cursor of the row before the page."),
            "last": _argument(int, "Rows before `before`, from the end without it: 1 to 200."),
            "before": _argument(str, "Cursor of the row after the page."),
        }
        if resource.sorts:
            arguments["sort"] = _argument(self._sort(resource), f"Order. Default: `{_default_sort(resource)}`.")
        for filter_ in resource.shape.filters.values():
            codes: Any = None
            if filter_.codes is not None:
                codes = self.enum(filter_.codes) if _shouted(filter_.codes) else str
            arguments[filter_.name] = _argument(filter_type(filter_, codes), filter_.description)
        return arguments

    # Roots ------------------------------------------------------------------------------------------------------

    def query(self) -> type:
        """The root of queries: of each resource one and a page, and `node`."""
        members: dict[str, tuple[Any, Any]] = {}
        for resource in self._catalog.roots:
            shape = resource.shape
            noun = shape.name.replace("_", " ")
            key = _argument(strawberry.ID if resource.key == "id" else str, f"Its {resource.key}.", required=True)
            returns: Any = self._objects[resource] | None
            resolver = _resolver(resolvers.item(resource), returns, {resource.key: key})
            described = f"One {noun}, by its {resource.key}. {shape.description}"
            members[shape.name] = (returns, strawberry.field(resolver=resolver, description=described))
            if shape.sorts:
                connection = self._connections[resource]
                resolver = _resolver(resolvers.page(resource), connection | None, self._page_arguments(resource))
                field = strawberry.field(
                    resolver=resolver,
                    description=f"The {shape.nouns} in the caller's scope.",
                    name=resource.page,
                )
                members[f"{shape.name}_page"] = (connection | None, field)
        for name, case in ((name, USE_CASES[known]) for name, known in ASKED.items()):
            question: dict[str, Any] = {"id": _argument(strawberry.ID, "Its id.", required=True)}
            if not case.asked:
                known = Mutation(case)
                question = {
                    "input": _argument(self._inputs_of(known, known.asked), "What is asked for.", required=True)
                }
            resolver = _resolver(resolvers.ask(case), JSON | None, question)
            described = f"{case.summary}.\n\n{case.description.strip()}\n\nAs REST answers it."
            members[name] = (JSON | None, strawberry.field(resolver=resolver, description=described, name=name))
        resolver = _resolver(
            resolvers.node(self._catalog), Node | None, {"id": _argument(strawberry.ID, "Its id.", required=True)}
        )
        described = "Whatever has this id, if it is in the caller's scope."
        members["node"] = (Node | None, strawberry.field(resolver=resolver, description=described))
        return strawberry.type(_made("Query", members, ""), name="Query", description="What can be read.")

    def mutation(self, offered: Mapping[str, Mutation]) -> type:
        """The root of mutations: one field a use case."""
        members: dict[str, tuple[Any, Any]] = {}
        for mutation in offered.values():
            payload = self._payload(mutation)
            input_type = self._input(mutation)
            arguments = {"input": _argument(input_type, "What is asked for.", required=True)} if input_type else {}
            resolver = _resolver(resolvers.mutation(mutation, self._catalog), payload | None, arguments)
            case = mutation.case
            description = f"{case.summary}.\n\n{case.description.strip()}".strip()
            field = strawberry.field(resolver=resolver, description=description, name=mutation.field)
            members[case.name.replace(".", "_")] = (payload | None, field)
        return strawberry.type(
            _made("Mutation", members, ""), name="Mutation", description="What can be done, each an act of its own."
        )

    def _payload(self, mutation: Mutation) -> Any:
        case = mutation.case
        members: dict[str, tuple[Any, Any]] = {}
        if case.answers is not None:
            resource = self._catalog.by_shape[case.answers]
            shown: Any = self._objects[resource]
            now = f"The {case.answers.name.replace('_', ' ')} as it is now"
            if case.may_hide:
                shown, now = shown | None, f"{now}; null where it has left the caller's sight"
            members[case.answers.name] = (shown, strawberry.field(description=f"{now}."))
            described = strawberry.field(
                description="Members that are shown this once only; null where there are none."
            )
            members["once"] = (JSON | None, described)
        else:
            described = strawberry.field(description="What was found, as REST answers it.")
            members["result"] = (JSON | None, described)
        name = mutation.payload
        return strawberry.type(_made(name, members, ""), name=name, description=f"Answer of `{mutation.field}`.")

    def _input(self, mutation: Mutation) -> Any:
        return self._inputs_of(mutation, mutation.members)

    def _inputs_of(self, mutation: Mutation, found: Iterable[InputMember]) -> Any:
        members: dict[str, tuple[Any, Any]] = {}
        for member in found:
            annotation: Any = member.type_for(self)
            if member.required and not member.nullable:
                members[member.name] = (annotation, strawberry.field(description=member.description))
            else:
                field = strawberry.field(description=member.description, default=strawberry.UNSET)
                members[member.name] = (annotation | None, field)
        if not members:
            return None
        return self.input_of(mutation.input, members, f"Input of `{mutation.field}`.")

    def input_of(self, name: str, members: Mapping[str, tuple[Any, Any]], description: str) -> Any:
        """The input type of that name, made once."""
        if name not in self._inputs:
            made = strawberry.input(_made(name, members, ""), name=name, description=description)
            setattr(sys.modules[__name__], f"_{name}", made)
            self._inputs[name] = made
        return self._inputs[name]


def _shouted(codes: type[StrEnum]) -> bool:
    """Whether each code is its own name, so that an enum of GraphQL can show it. Names of roles are not: they are texts."""
    return all(code.name == code.value for code in codes)


def _default_sort(resource: Resource) -> str:
    default = resource.shape.default_sort
    return f"{constant(default.removeprefix('-'))}_{'DESC' if default.startswith('-') else 'ASC'}"
