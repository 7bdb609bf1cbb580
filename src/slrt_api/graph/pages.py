"""Arguments of a connection: which page, which rows, in which order; and what a statement gets from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slrt_api.graph.catalog import Resource
from slrt_api.graph.scalars import filter_text
from slrt_api.kernel import errors, paging
from slrt_api.runtime import reads
from slrt_api.runtime.actor import Actor

PAGE_ARGUMENTS = ("first", "after", "last", "before", "sort")


def _fault(name: str, code: str, detail: str) -> errors.BadRequest:
    return errors.BadRequest(code, faults=(errors.Fault(name, code, detail),))


@dataclass(frozen=True)
class Page:
    """What the arguments of one connection ask for.

    link  names the way to it from another resource, for the hash that ties cursors to their list
    """

    resource: Resource
    limit: int
    backward: bool
    after: str | None
    before: str | None
    sort: str | None
    filters: tuple[tuple[str, str], ...]
    link: str = ""

    def parameters(self, actor: Actor, slot: str) -> dict[str, Any]:
        """The values of the statement's parameters. Raises BadRequest `filter_invalid`, `cursor_invalid` and so on."""
        shape = self.resource.shape
        given: dict[str, Any] = {f"{slot}.limit": self.limit}
        for name, text in self.filters:
            filter_ = shape.filters[name]
            try:
                given[f"{slot}.filter.{name}"] = filter_.parse(text)
            except (ValueError, OverflowError):
                detail = f"{filter_.description} Example: {filter_.example}"
                raise _fault(name, "filter_invalid", detail) from None
        asked = dict(self.filters) | ({"sort": self.sort} if self.sort is not None else {})
        signature = "&".join(f"{name}={asked[name]}" for name in sorted(asked))
        # The same parts as those of REST, so that a cursor of one list is a cursor of the same list there.
        digest = paging.digest(shape.plural, actor.role, signature, self.link)
        given[f"{slot}.digest"] = digest.hex()
        sort, _ = shape.order(self.sort)
        for place, cursor in (("after", self.after), ("before", self.before)):
            if cursor is not None:
                names = (f"{slot}.{place}", f"{slot}.{place}.id")
                given |= reads.position(cursor, digest, shape, sort, names)
        return given


def page_of(resource: Resource, given: Mapping[str, Any], link: str = "") -> Page:
    """The page that coerced arguments ask for.

    Raises BadRequest `graphql_page_required` without exactly one of `first` and `last`, `graphql_page_size` for one
    outside 1 to 200.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    if ("first" in arguments) == ("last" in arguments):
        raise _fault("first", "graphql_page_required", "Give first or last, one of them.")
    backward = "last" in arguments
    limit = arguments["last" if backward else "first"]
    if not 1 <= limit <= paging.MAX_LIMIT:
        raise _fault("last" if backward else "first", "graphql_page_size", f"From 1 to {paging.MAX_LIMIT}.")
    sort = arguments.get("sort")
    filters = tuple(
        (filter_.name, filter_text(arguments[name])) for name, filter_ in resource.filters.items() if name in arguments
    )
    return Page(
        resource,
        limit,
        backward,
        arguments.get("after"),
        arguments.get("before"),
        resource.sorts[filter_text(sort)] if sort is not None else None,
        filters,
        link,
    )
