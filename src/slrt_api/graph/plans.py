"""Plans: an operation compiled to selections of shapes, with what its statement needs of the variables.

The walk over the document is GraphQL's: skip and include, fragments, merging of equal fields, in the order of the answer.
Limits of depth and cost are counted on the way, on what applies.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values
from graphql.language import SourceLocation, VariableNode, get_location
from graphql.utilities import coerce_input_literal

from slrt_api.graph.catalog import ASKED, Catalog, Resource
from slrt_api.graph.documents import MAX_COST, MAX_DEPTH, Operation, Refusal, refused
from slrt_api.graph.pages import Page, page_of
from slrt_api.kernel import errors
from slrt_api.kernel.ids import kind_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.shapes import (
    Connection,
    ConstantMember,
    Edges,
    Field,
    FieldMember,
    Link,
    LinkMember,
    Member,
    PagedMember,
    PageFact,
    PageInfo,
    Selection,
    Shape,
    Total,
    parse_uuid,
)
from slrt_api.runtime.statements import ItemRoot, PageRoot, Root, Statement

#: rows that a bounded list is taken for
LIST_COST: Final = 10
#: objects that counting a list is taken for
TOTAL_COST: Final = 50
#: PostgreSQL cuts longer names of columns, which are the names of the answer
MAX_KEY: Final = 63
BOUND_KEPT: Final = 64

Arguments = Callable[[VariableValues], Mapping[str, Any]]


@dataclass(frozen=True)
class PlanRoot:
    """One root field. `root` is what the statement answers; without one the answer is `constant`."""

    key: str
    locations: tuple[SourceLocation, ...]
    operation: str = ""
    arguments: Arguments | None = None
    resource: Resource | None = None
    root: Root | None = None
    nullable: bool = False
    constant: bytes = b"null"

    @property
    def slot(self) -> str:
        return self.root.slot if isinstance(self.root, ItemRoot) else ""


@dataclass
class Bound:
    """A plan for one kind of caller: refusals by root, and the statement of the others."""

    refused: Mapping[int, errors.SlrtError | None]
    asked: tuple[int, ...]
    statement: Statement | None


@dataclass
class Plan:
    """A compiled query. `pages`: slot and arguments of each connection."""

    roots: tuple[PlanRoot, ...]
    pages: tuple[tuple[str, Callable[[VariableValues], Page]], ...]
    cost: int
    compiled: bool
    bound: dict[Any, Bound] = field(default_factory=dict)

    def bind(self, actor: Actor) -> Bound:
        """The plan for this caller: kept by everything that rights and text depend on."""
        key = (actor.rows.kind, actor.role, actor.scopes, min(len(actor.rows.tenants), 2), bool(actor.rows.spread))
        found = self.bound.get(key)
        if found is None:
            if len(self.bound) >= BOUND_KEPT:
                self.bound.clear()
            found = self.bound[key] = self._bound(actor)
        return found

    def _bound(self, actor: Actor) -> Bound:
        refusals: dict[int, errors.SlrtError | None] = {}
        asked: list[int] = []
        for number, root in enumerate(self.roots):
            if root.root is None:
                continue
            item = isinstance(root.root, ItemRoot)
            try:
                Reads.permit(actor, _shown(root.root), item=item)
                asked.append(number)
            except errors.NotFound as error:
                refusals[number] = None if root.nullable else error
            except errors.SlrtError as error:
                refusals[number] = error
        roots = [known for number in asked if (known := self.roots[number].root) is not None]
        return Bound(refusals, tuple(asked), Reads.compile(actor, roots) if roots and self.compiled else None)

    def shapes(self, number: int) -> Iterable[Shape]:
        """Every shape that one of the roots reads."""
        root = self.roots[number].root
        return _shown(root).shapes() if root is not None else ()

    def parameters(self, actor: Actor, variables: VariableValues) -> dict[str, Any]:
        """The values of pages. Raises BadRequest."""
        given: dict[str, Any] = {}
        for slot, page in self.pages:
            given |= page(variables).parameters(actor, slot)
        return given


def _shown(root: Root) -> Selection | Connection:
    return root.selection if isinstance(root, ItemRoot) else root.connection


def bound_id(root: PlanRoot, variables: VariableValues) -> Any:
    """The key that an item's argument names; None for an id of another kind. Raises NotFound for text that is no id."""
    if root.arguments is None or root.resource is None:
        return None
    given, shape = root.arguments(variables), root.resource.shape
    if shape.kind is None:
        return given[root.resource.key]
    try:
        id_ = parse_uuid(given["id"])
    except ValueError:
        raise errors.NotFound from None
    return id_ if kind_of(id_) is shape.kind else None


def compile_query(schema: GraphQLSchema, catalog: Catalog, operation: Operation, variables: VariableValues) -> Plan:
    """The plan of a query under these variables. Raises Refusal where it passes a limit."""
    return _Compilation(schema, catalog, operation, variables).query()


def selection_of(
    schema: GraphQLSchema, catalog: Catalog, operation: Operation, variables: VariableValues
) -> "_Compilation":
    """For the payloads of mutations: compiles what is shown of a resource."""
    return _Compilation(schema, catalog, operation, variables)


class _Compilation:
    """One walk over one operation."""

    def __init__(
        self, schema: GraphQLSchema, catalog: Catalog, operation: Operation, variables: VariableValues
    ) -> None:
        self.schema = schema
        self.catalog = catalog
        self.operation = operation
        self.variables = variables
        self.pages: list[tuple[str, Callable[[VariableValues], Page]]] = []
        self.cost = 0
        self.compiled = not operation.standard
        self._slots = 0

    # GraphQL's own rules ------------------------------------------------------------------------------------------

    def fields(self, type_name: str, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields that apply to an object of that type, by their names in the answer, in its order."""
        found: dict[str, list[FieldNode]] = {}
        self._collect(type_name, sets, found, set())
        return found

    def _collect(
        self, type_name: str, sets: Iterable[SelectionSetNode], found: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for each in sets:
            for node in each.selections:
                if not self._applies(node):
                    continue
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    condition = node.type_condition
                    if condition is None or self._fits(condition.name.value, type_name):
                        self._collect(type_name, (node.selection_set,), found, seen)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                    seen.add(node.name.value)
                    fragment = self.operation.fragments[node.name.value]
                    if self._fits(fragment.type_condition.name.value, type_name):
                        self._collect(type_name, (fragment.selection_set,), found, seen)

    def _applies(self, node: Any) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _fits(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        resource = self.catalog.resources.get(type_name)
        return condition == "Node" and resource is not None and resource.node

    def arguments(self, type_name: str, node: FieldNode) -> Arguments:
        """The arguments of a field, for the variables of each request."""
        parent = self.schema.type_map[type_name]
        if not isinstance(parent, GraphQLObjectType):
            raise TypeError(type_name)
        definition = parent.fields[node.name.value]
        given = node.arguments or ()
        if not any(_has_variable(each.value) for each in given):
            fixed = get_argument_values(definition, node, self.variables)
            return lambda _: fixed
        names = [(each.name.value, each.value.name.value) for each in given if isinstance(each.value, VariableNode)]
        literals = {
            each.name.value: coerce_input_literal(each.value, definition.args[each.name.value].type)
            for each in given
            if not _has_variable(each.value)
        }
        if len(names) + len(literals) == len(given):

            def plain(variables: VariableValues) -> Mapping[str, Any]:
                coerced = variables.coerced
                return literals | {name: coerced[variable] for name, variable in names if variable in coerced}

            return plain
        return lambda variables: get_argument_values(definition, node, variables)

    # Roots ----------------------------------------------------------------------------------------------------------

    def query(self) -> Plan:
        roots = [
            self._root(key, nodes) for key, nodes in self.fields("Query", (self.operation.node.selection_set,)).items()
        ]
        if self.cost > MAX_COST:
            raise self._too_costly()
        return Plan(tuple(roots), tuple(self.pages), self.cost, self.compiled)

    def _root(self, key: str, nodes: Sequence[FieldNode]) -> PlanRoot:
        name = nodes[0].name.value
        places = locations(nodes)
        if name == "__typename":
            return PlanRoot(key, places, constant=b'"Query"')
        if name in {"__schema", "__type"}:
            return PlanRoot(key, places)
        if name in ASKED:
            self.compiled = False
            self._count(LIST_COST)
            return PlanRoot(key, places)
        arguments = self.arguments("Query", nodes[0])
        if name in self.catalog.pages:
            resource = self.catalog.pages[name]
            self._deep(1, nodes[0])
            connection = self._connection(resource, "", arguments, nodes, 1, 1)
            return PlanRoot(key, places, f"{resource.shape.plural}.list", arguments, resource, PageRoot(connection))
        nullable = name == "node"
        if nullable:
            found = self._of_id(arguments(self.variables)["id"])
            if found is None:
                return PlanRoot(key, places)
            resource = found
        else:
            resource = self.catalog.items[name]
        self._slots += 1
        root = ItemRoot(f"s{self._slots}", self.selection(resource, nodes, 1, 1))
        return PlanRoot(key, places, f"{resource.shape.plural}.get", arguments, resource, root, nullable)

    def _of_id(self, text: str) -> Resource | None:
        try:
            kind = kind_of(parse_uuid(text))
        except ValueError:
            return None
        return self.catalog.by_kind.get(kind) if kind is not None else None

    # Selections -----------------------------------------------------------------------------------------------------

    def selection(self, resource: Resource, nodes: Sequence[FieldNode], depth: int, times: int) -> Selection:
        """What is shown of a resource. depth: of `nodes`; times: how many there may be of it."""
        self._count(times)
        members: list[Member] = []
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        for key, chosen in self.fields(resource.name, sets).items():
            self._deep(depth + 1, chosen[0])
            self._named(key)
            name = chosen[0].name.value
            if name == "__typename":
                members.append(ConstantMember(key, resource.name))
                continue
            member = resource.members[name]
            if isinstance(member, Field):
                members.append(FieldMember(key, member))
            elif not member.paged:
                target = self.catalog.by_shape[member.to]
                several = times if member.single else times * LIST_COST
                members.append(LinkMember(key, member, self.selection(target, chosen, depth + 1, several)))
            else:
                members.append(self._paged(resource, key, member, chosen, depth + 1, times))
        return Selection(resource.shape, tuple(members))

    def _paged(
        self, resource: Resource, key: str, link: Link, nodes: Sequence[FieldNode], depth: int, times: int
    ) -> PagedMember:
        target = self.catalog.by_shape[link.to]
        arguments = self.arguments(resource.name, nodes[0])
        way = f"{resource.shape.name}.{link.name}"
        return PagedMember(key, link, self._connection(target, way, arguments, nodes, depth, times))

    def _connection(
        self, resource: Resource, way: str, arguments: Arguments, nodes: Sequence[FieldNode], depth: int, times: int
    ) -> Connection:
        try:
            page = page_of(resource, arguments(self.variables), way)
        except errors.SlrtError as error:
            raise Refusal(error, locations(nodes)) from None
        self._slots += 1
        slot = f"s{self._slots}"
        self.pages.append((slot, lambda variables: page_of(resource, arguments(variables), way)))
        self._count(times)
        members: list[Edges | PageInfo | Total | ConstantMember] = []
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        for key, chosen in self.fields(f"{resource.name}Connection", sets).items():
            self._deep(depth + 1, chosen[0])
            self._named(key)
            name = chosen[0].name.value
            if name == "edges":
                members.append(self._edges(resource, key, chosen, depth + 1, times * page.limit))
            elif name == "pageInfo":
                members.append(self._page_info(key, chosen, depth + 1))
            elif name == "__typename":
                members.append(ConstantMember(key, f"{resource.name}Connection"))
            else:
                self._count(times * TOTAL_COST)
                members.append(Total(key, exact=name == "totalIsExact"))
        return Connection(
            resource.shape,
            slot,
            tuple(members),
            tuple(name for name, _ in page.filters),
            page.sort,
            page.after is not None,
            page.before is not None,
            page.backward,
        )

    def _edges(self, resource: Resource, key: str, nodes: Sequence[FieldNode], depth: int, times: int) -> Edges:
        shown: list[tuple[str, Selection | str | None]] = []
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        for name, chosen in self.fields(f"{resource.name}Edge", sets).items():
            self._deep(depth + 1, chosen[0])
            self._named(name)
            what = chosen[0].name.value
            if what == "node":
                shown.append((name, self.selection(resource, chosen, depth + 1, times)))
            else:
                shown.append((name, None if what == "cursor" else f"{resource.name}Edge"))
        return Edges(key, tuple(shown))

    def _page_info(self, key: str, nodes: Sequence[FieldNode], depth: int) -> PageInfo:
        shown: list[tuple[str, PageFact | str]] = []
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        for name, chosen in self.fields("PageInfo", sets).items():
            self._deep(depth + 1, chosen[0])
            self._named(name)
            what = chosen[0].name.value
            shown.append((name, "PageInfo" if what == "__typename" else PageFact(what)))
        return PageInfo(key, tuple(shown))

    # Limits -----------------------------------------------------------------------------------------------------------

    def _count(self, objects: int) -> None:
        self.cost += objects
        if self.cost > MAX_COST:
            raise self._too_costly()

    @staticmethod
    def _too_costly() -> Refusal:
        detail = f"It may answer more than {MAX_COST} objects: ask for smaller pages or fewer levels."
        return refused("graphql_limit", fault=("cost", detail))

    @staticmethod
    def _deep(depth: int, node: FieldNode) -> None:
        if depth > MAX_DEPTH:
            raise refused("graphql_limit", at=locations((node,)), fault=("depth", f"At most {MAX_DEPTH} levels."))

    def _named(self, key: str) -> None:
        self.compiled = self.compiled and len(key) <= MAX_KEY


def locations(nodes: Sequence[FieldNode]) -> tuple[SourceLocation, ...]:
    """Line and column of each node."""
    return tuple(get_location(node.loc.source, node.loc.start) for node in nodes if node.loc is not None)


def _has_variable(value: Any) -> bool:
    if isinstance(value, VariableNode):
        return True
    inner = [*getattr(value, "values", ()), *(each.value for each in getattr(value, "fields", ()))]
    return any(_has_variable(each) for each in inner)
