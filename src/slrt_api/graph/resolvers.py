"""The resolvers of the standard executor: one act for each link of each row. Slow, simple, and the oracle of the other.

They read one level at a time through the same act and the same engine; what graphql-core does by itself (selection, fragments,
directives, aliases, merging, order) is what the compiled path is compared with.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField

from slrt_api.graph.catalog import Catalog, Resource
from slrt_api.graph.mutations import Mutation
from slrt_api.graph.pages import Page, page_of
from slrt_api.kernel import errors
from slrt_api.kernel.ids import kind_of, tenant_of
from slrt_api.runtime import strictjson
from slrt_api.runtime.reads import Reads, refuse_fields
from slrt_api.runtime.shapes import (
    Connection,
    Edges,
    Field,
    FieldMember,
    FieldType,
    Link,
    LinkMember,
    PagedMember,
    PageFact,
    PageInfo,
    Selection,
    Shape,
    Total,
    parse_uuid,
)
from slrt_api.runtime.statements import ItemRoot, PageRoot, Root
from slrt_api.runtime.usecase import Act, UseCase

Run = Callable[[Any, Any, Mapping[str, Any]], Awaitable[Any]]
_KEY: Final = "__key"
_TYPE: Final = "__type"
#: whether the object is a row of a list, or belongs to one
_LISTED: Final = "__listed"
_FACTS: Final = {
    "has_next_page": PageFact.HAS_NEXT,
    "has_previous_page": PageFact.HAS_PREVIOUS,
    "start_cursor": PageFact.START,
    "end_cursor": PageFact.END,
}


@dataclass(frozen=True)
class Context:
    """What resolvers get of the request. `perform` runs a mutation: (mutation, input) -> payload."""

    act: Act
    perform: Callable[[Mutation, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def member(source: Any, name: str) -> Any:
    """A plain member of what a resolver returned."""
    return source[name]


def is_type_of(resource: Resource) -> Callable[[Any, Any], bool]:
    """Whether an object of the executor is one of this resource."""
    return lambda source, _: source[_TYPE] == resource.name


def item(resource: Resource) -> Run:
    """Root field of one resource."""

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
        found = await _item(info, resource, given[resource.key])
        if found is None:
            raise errors.NotFound
        return found

    return run


def node(catalog: Catalog) -> Run:
    """`node(id)`: null for what is not there or not to be seen."""

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
        try:
            kind = kind_of(parse_uuid(given["id"]))
        except ValueError:
            return None
        resource = catalog.by_kind.get(kind) if kind is not None else None
        if resource is None:
            return None
        try:
            return await _item(info, resource, given["id"])
        except errors.NotFound:
            return None

    return run


def ask(case: UseCase) -> Run:
    """Root field of what no selection can say: of one resource, or for what the input asks."""
    asked = Mutation(case)

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
        if case.command is not None:
            case.permit(_act(info).actor)
            command = strictjson.parse_body(case.command, asked.body(_arguments(info._raw_info).get("input", {})))
            return await _act(info).ask(case.run, command=command)
        try:
            id_ = parse_uuid(given["id"])
        except ValueError:
            raise errors.NotFound from None
        return await _act(info).ask(case.run, on=id_)

    return run


def page(resource: Resource) -> Run:
    """Root field of a page."""

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
        _permit(info, resource, item=False)
        asked = page_of(resource, _graphql(resource, given))
        connection = _connection(resource, asked)
        return _named(resource, await _read(info, PageRoot(connection), asked.parameters(_act(info).actor, "s")))

    return run


def link(resource: Resource, target: Resource, link: Link) -> Run:
    """A link of one row."""

    async def run(source: Any, info: Any, given: Mapping[str, Any]) -> Any:
        key = source[_KEY]
        if not link.paged:
            shown = LinkMember("x", link, _flat(target.shape))
            listed = source[_LISTED]
            root = ItemRoot("s", Selection(resource.shape, (shown,)), listed=listed)
            found = (await _read(info, root, _by(resource, key)))["x"]
            if link.single:
                return found and _object(target, found, listed=listed)
            return [_object(target, each, listed=listed) for each in found]
        asked = page_of(target, _graphql(target, given), f"{resource.shape.name}.{link.name}")
        paged = PagedMember("x", link, _connection(target, asked, "p"))
        parameters = asked.parameters(_act(info).actor, "p") | _by(resource, key)
        found = await _read(info, ItemRoot("s", Selection(resource.shape, (paged,))), parameters)
        return _named(target, found["x"])

    return run


def mutation(mutation: Mutation, catalog: Catalog) -> Run:
    """A mutation. Its payload is read again, one level at a time, by the links of its resource."""

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
        raw = info._raw_info
        values = _arguments(raw)
        mutation.case.permit(_act(info).actor)
        if mutation.case.answers is not None:
            _permit_payload(info, mutation, catalog.by_shape[mutation.case.answers])
        payload = dict(await info.context.perform(mutation, values.get("input", {})))
        if mutation.case.answers is not None:
            resource = catalog.by_shape[mutation.case.answers]
            id_ = payload.pop("id")
            shown = None if id_ is None else await _row(info, resource, parse_uuid(id_))
            payload[mutation.case.answers.name] = shown
        return payload

    return run


def _arguments(raw: Any) -> Mapping[str, Any]:
    definition = raw.parent_type.fields[raw.field_name]
    values = raw.variable_values
    if not isinstance(values, VariableValues):
        values = VariableValues({}, values)
    return get_argument_values(definition, raw.field_nodes[0], values)


def _act(info: Any) -> Act:
    act: Act = info.context.act
    return act


def _graphql(resource: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names that they have in the document."""
    names = {filter_.name: name for name, filter_ in resource.filters.items()}
    return {names.get(name, name): value for name, value in given.items()}


def _flat(shape: Shape) -> Selection:
    """All fields of a shape, and the key by which its links are followed."""
    members = [FieldMember(name, field, usual=True) for name, field in shape.fields.items()]
    if shape.links:
        members.append(FieldMember(_KEY, Field(_KEY, FieldType.TEXT, "", f"({shape.key})::text")))
    return Selection(shape, tuple(members))


def _by(resource: Resource, key: str) -> dict[str, Any]:
    uuid = resource.key == "id"
    known = parse_uuid(key) if uuid else key
    return {"s.id": known, "s.regency": tenant_of(known) if isinstance(known, UUID) else None}


async def _item(info: Any, resource: Resource, key: str) -> dict[str, Any] | None:
    kind = resource.shape.kind
    if kind is not None:
        try:
            parse_uuid(key)
        except ValueError:
            return None
    _permit(info, resource, item=True)
    if kind is not None and kind_of(parse_uuid(key)) is not kind:
        return None
    return await _row(info, resource, key)


async def _row(info: Any, resource: Resource, key: Any) -> dict[str, Any] | None:
    found = await _read(info, ItemRoot("s", _flat(resource.shape)), _by(resource, str(key)))
    return _object(resource, found, listed=False) if found is not None else None


def _object(resource: Resource, found: dict[str, Any], *, listed: bool) -> dict[str, Any]:
    return {**found, _TYPE: resource.name, _LISTED: listed}


async def _read(info: Any, root: Root, given: Mapping[str, Any]) -> Any:
    act = _act(info)
    statement = Reads.compile(act.actor, (root,))
    [(body, _)] = await act.answers(statement, {**given, **Reads.actor_values(act.actor)}, operation="graphql")
    return orjson.loads(body) if body is not None else None


def _connection(resource: Resource, page: Page, slot: str = "s") -> Connection:
    edge = Edges("edges", (("cursor", None), ("node", _flat(resource.shape))))
    facts = PageInfo("page_info", tuple(_FACTS.items()))
    return Connection(
        resource.shape,
        slot,
        (edge, facts, Total("total_count"), Total("total_is_exact", exact=True)),
        tuple(name for name, _ in page.filters),
        page.sort,
        page.after is not None,
        page.before is not None,
        page.backward,
    )


def _named(resource: Resource, found: Any) -> Any:
    for edge in found["edges"]:
        edge["node"] = _object(resource, edge["node"], listed=True)
    return found


@dataclass
class _Reached:
    """What a selection leads to: its shapes, and the fields that it may not ask for, as `/resource/field`."""

    role: str
    shapes: list[Shape] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def below(self, selections: Iterable[Any], resource: Resource, *, listed: bool) -> None:
        """Follow the selections of one object."""
        shape = resource.shape
        for chosen in _chosen(selections, resource.name):
            followed = resource.members.get(chosen.name)
            if isinstance(followed, Field) and followed.withheld_from(self.role, listed=listed):
                self.refused.add(f"/{shape.name}/{followed.name}")
            if isinstance(followed, Link):
                target = Resource(followed.to)
                self.shapes.append(followed.to)
                if followed.paged:
                    self.page(chosen, target)
                else:
                    self.below(chosen.selections, target, listed=listed)

    def page(self, asked: SelectedField, resource: Resource) -> None:
        """Follow the arguments and the rows of a connection."""
        shape = resource.shape
        given = {name: value for name, value in asked.arguments.items() if value is not None}
        filters = [filter_.name for name, filter_ in resource.filters.items() if name in given]
        sort = resource.sorts[str(getattr(given["sort"], "value", given["sort"]))] if "sort" in given else None
        for _, unknown in shape.unknown_to(self.role, filters, sort):
            self.refused.add(f"/{shape.name}/{unknown.name}")
        for edges in _chosen(asked.selections, f"{resource.name}Connection"):
            for edge in _chosen(edges.selections, f"{resource.name}Edge"):
                if edge.name == "node":
                    self.below(edge.selections, resource, listed=True)


def _permit(info: Any, resource: Resource, *, item: bool) -> None:
    """Rights over all that the root field leads to: refused whole, at the root, as REST refuses an `include`."""
    reached = _Reached(_act(info).actor.role, [resource.shape])
    for chosen in _selected(info):
        if chosen.name == resource.page:
            reached.page(chosen, resource)
        else:
            reached.below(chosen.selections, resource, listed=False)
    _judge(info, resource, reached, item=item)


def _permit_payload(info: Any, mutation: Mutation, resource: Resource) -> None:
    """Rights over what a mutation's payload shows of its resource, before anything is done."""
    for chosen in _selected(info):
        for shown in _chosen(chosen.selections, mutation.payload):
            if shown.name == mutation.resource:
                reached = _Reached(_act(info).actor.role, [resource.shape])
                reached.below(shown.selections, resource, listed=False)
                _judge(info, resource, reached, item=True)


def _selected(info: Any) -> list[SelectedField]:
    return [each for each in info.selected_fields if isinstance(each, SelectedField)]


def _judge(info: Any, resource: Resource, reached: _Reached, *, item: bool) -> None:
    actor = _act(info).actor
    if actor.rows.kind not in resource.shape.kinds:
        raise errors.NotFound if item else errors.Forbidden("role_not_allowed")
    if any(actor.rows.kind not in shape.kinds for shape in reached.shapes):
        raise errors.Forbidden("role_not_allowed")
    for shape in reached.shapes:
        if shape.scope is not None:
            actor.require(shape.scope)
    refuse_fields(reached.refused)


def _chosen(selections: Iterable[Any], type_name: str) -> Iterable[SelectedField]:
    """The fields among selections that apply to an object of that type."""
    for each in selections:
        directives = each.directives or {}
        if directives.get("skip", {}).get("if") or not directives.get("include", {"if": True}).get("if"):
            continue
        if isinstance(each, (FragmentSpread, InlineFragment)):
            if each.type_condition in {type_name, "Node", None}:
                yield from _chosen(each.selections, type_name)
        else:
            yield each
