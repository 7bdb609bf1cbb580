"""The resolvers of the standard executor: one act for each link of each row. Slow, simple, and the oracle of the other.

They read one level at a time through the same act and the same engine; what graphql-core does by itself (selection, fragments,
directives, aliases, merging, order) is what the compiled path is compared with.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
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
from slrt_api.runtime.reads import Reads
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
    """Root field of what no selection can say of one resource."""

    async def run(_: Any, info: Any, given: Mapping[str, Any]) -> Any:
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
            found = (await _read(info, ItemRoot("s", Selection(resource.shape, (shown,))), _by(resource, key)))["x"]
            if link.single:
                return found and {**found, _TYPE: target.name}
            return [{**each, _TYPE: target.name} for each in found]
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
        payload = dict(await info.context.perform(mutation, values.get("input", {})))
        if mutation.case.answers is not None:
            resource = catalog.by_shape[mutation.case.answers]
            id_ = payload.pop("id")
            payload[mutation.case.answers.name] = None if id_ is None else await _item(info, resource, id_)
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
    members = [FieldMember(name, field) for name, field in shape.fields.items()]
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
    found = await _read(info, ItemRoot("s", _flat(resource.shape)), _by(resource, key))
    return {**found, _TYPE: resource.name} if found is not None else None


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
        edge["node"][_TYPE] = resource.name
    return found


def _permit(info: Any, resource: Resource, *, item: bool) -> None:
    """Rights over all that the root field leads to: refused whole, at the root, as REST refuses an `include`."""
    reached = [resource.shape]
    fields = [each for each in info.selected_fields if isinstance(each, SelectedField)]
    for each in fields:
        found = (
            _below(each.selections, resource) if not _is_page(each, resource) else _of_page(each.selections, resource)
        )
        reached += found
    kinds, actor = _act(info).actor.rows.kind, _act(info).actor
    if kinds not in resource.shape.kinds:
        raise errors.NotFound if item else errors.Forbidden("role_not_allowed")
    if any(kinds not in shape.kinds for shape in reached):
        raise errors.Forbidden("role_not_allowed")
    for shape in reached:
        if shape.scope is not None:
            actor.require(shape.scope)


def _is_page(field: SelectedField, resource: Resource) -> bool:
    return field.name == resource.page


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


def _of_page(selections: Iterable[Any], resource: Resource) -> list[Shape]:
    found: list[Shape] = []
    for field in _chosen(selections, f"{resource.name}Connection"):
        for edge in _chosen(field.selections, f"{resource.name}Edge"):
            if edge.name == "node":
                found += _below(edge.selections, resource)
    return found


def _below(selections: Iterable[Any], resource: Resource) -> list[Shape]:
    found: list[Shape] = []
    for field in _chosen(selections, resource.name):
        followed = resource.members.get(field.name)
        if isinstance(followed, Link):
            target = Resource(followed.to)
            found.append(followed.to)
            found += _of_page(field.selections, target) if followed.paged else _below(field.selections, target)
    return found
