"""What GraphQL shows: the shapes that are resources, and what of them is a root field.

Derived from the shapes alone. A shape with a kind, or with a code for its key, is read by itself and listed; parts of others
are reached through them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from slrt_api.graph.names import camel, constant, pascal
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Field, Filter, Link, Shape

_PUBLIC = frozenset({ScopeKind.PUBLIC})
#: reads that no statement answers, by their root fields: asked on a resource, by its id, or for what an input says, as the
#: standard executor does
ASKED: Final[Mapping[str, str]] = {
    "clockExplanations": "clocks.explain",
    "complaintCounts": "complaints.counts",
    "complaintSimilar": "complaints.similar",
    "eligibilityCheckReplay": "eligibility_checks.replay",
    "referralCandidates": "referrals.candidates",
}


@dataclass(frozen=True)
class Resource:
    """A shape as an object type of GraphQL."""

    shape: Shape

    @cached_property
    def name(self) -> str:
        return pascal(self.shape.name)

    @cached_property
    def members(self) -> Mapping[str, Field | Link]:
        """Fields and links by their names in GraphQL."""
        named: dict[str, Field | Link] = {camel(name): field for name, field in self.shape.fields.items()}
        return named | {camel(name): link for name, link in self.shape.links.items()}

    @cached_property
    def filters(self) -> Mapping[str, Filter]:
        """Filters by the names of their arguments."""
        return {camel(name): filter_ for name, filter_ in self.shape.filters.items()}

    @cached_property
    def sorts(self) -> Mapping[str, str]:
        """Sorts as REST names them, by the values of the enum."""
        return {
            f"{constant(name)}_{direction}": sign + name
            for name in self.shape.sorts
            for direction, sign in (("ASC", ""), ("DESC", "-"))
        }

    @property
    def node(self) -> bool:
        """Whether it has an id that tells its kind, so that `node(id)` finds it."""
        return self.shape.kind is not None and "id" in self.shape.fields

    @cached_property
    def key(self) -> str:
        """The argument that names one of them: `id`, or the column of a code."""
        return "id" if self.shape.kind is not None else self.shape.key.removeprefix("{t}.")

    @cached_property
    def item(self) -> str:
        """Root field of one."""
        return camel(self.shape.name)

    @cached_property
    def page(self) -> str:
        """Root field of a page of them."""
        plural = camel(self.shape.plural)
        return plural if plural != self.item else plural + "List"


@dataclass(frozen=True)
class Catalog:
    """Every resource by the name of its type."""

    resources: Mapping[str, Resource]

    @classmethod
    def of(cls, shapes: Iterable[Shape]) -> "Catalog":
        """The catalog of `shapes` and of all that they lead to. Raises ValueError where two would have one name."""
        found: dict[str, Resource] = {}
        waiting = [shape for shape in shapes if shape.kinds != _PUBLIC]
        while waiting:
            resource = Resource(waiting.pop(0))
            known = found.setdefault(resource.name, resource)
            if known.shape is not resource.shape:
                raise ValueError(f"two shapes are called {resource.name}")
            if known is resource:
                waiting += [link.to for link in resource.shape.links.values()]
        return cls(dict(sorted(found.items())))

    @cached_property
    def by_shape(self) -> Mapping[Shape, Resource]:
        return {resource.shape: resource for resource in self.resources.values()}

    @cached_property
    def by_kind(self) -> Mapping[Kind, Resource]:
        """What `node(id)` finds."""
        return {
            resource.shape.kind: resource
            for resource in self.resources.values()
            if resource.node and resource.shape.kind is not None
        }

    @cached_property
    def roots(self) -> tuple[Resource, ...]:
        """What is read by itself."""
        parts = {
            link.to
            for resource in self.resources.values()
            for link in resource.shape.links.values()
            if link.embedded and link.to.kind is None
        }
        return tuple(
            resource
            for resource in self.resources.values()
            # A key of several columns tells rows apart and is nothing that a caller would ask by.
            if resource.shape not in parts and (resource.node or (resource.key != "id" and resource.key.isidentifier()))
        )

    @cached_property
    def items(self) -> Mapping[str, Resource]:
        """Root fields of one resource."""
        return {resource.item: resource for resource in self.roots}

    @cached_property
    def pages(self) -> Mapping[str, Resource]:
        """Root fields of pages."""
        return {resource.page: resource for resource in self.roots if resource.shape.sorts}
