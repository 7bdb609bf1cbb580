"""Query parameters: of a list, of an item. Unknown, repeated and wrong ones are refused, never ignored."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from slrt_api.kernel import errors, paging
from slrt_api.runtime.reads import Query
from slrt_api.runtime.shapes import Selection, Shape, select

_LIST = ("limit", "cursor", "sort", "include", "include_total")


@dataclass(frozen=True)
class Asked:
    """A query string, read: what to select and which page. `plain` where nothing was included."""

    selection: Selection
    query: Query
    plain: bool


def _fault(name: str, code: str, detail: str) -> errors.BadRequest:
    return errors.BadRequest(code, faults=(errors.Fault(name, code, detail),))


def parameters(query_string: bytes, known: Collection[str]) -> dict[str, str]:
    """The parameters by name.

    Raises BadRequest `parameter_unknown`, `parameter_repeated`, or `parameter_invalid` for what is not percent-encoded
    UTF-8 or holds NUL.
    """
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise errors.BadRequest("parameter_invalid") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            # The name is the caller's text and is not repeated.
            raise _fault("query", "parameter_unknown", f"Known here: {', '.join(sorted(known)) or 'none'}.")
        if name in found:
            raise _fault(name, "parameter_repeated", "Give this parameter once.")
        if "\0" in value:
            raise _fault(name, "parameter_invalid", "Leave out the character U+0000.")
        found[name] = value
    return found


@lru_cache(maxsize=2_000)
def of_item(shape: Shape, query_string: bytes) -> Asked:
    """The selection that the query of an item asks for: `include`."""
    given = parameters(query_string, ("include",) if any(not link.embedded for link in shape.links.values()) else ())
    return Asked(_selection(shape, given.get("include")), Query(), plain="include" not in given)


@lru_cache(maxsize=2_000)
def of_list(shape: Shape, query_string: bytes) -> Asked:
    """Selection, filters, sort and page that the query of a list asks for."""
    given = parameters(query_string, (*_LIST, *shape.filters))
    filters = []
    for name, filter_ in shape.filters.items():
        if name in given:
            try:
                filters.append((name, filter_.parse(given[name])))
            except (ValueError, OverflowError):
                raise _fault(name, "filter_invalid", f"{filter_.description} Example: {filter_.example}") from None
    sort = given.get("sort")
    shape.order(sort)
    total = given.get("include_total", "false")
    if total not in {"true", "false"}:
        raise _fault("include_total", "parameter_invalid", "true or false.")
    query = Query(
        filters=tuple(filters),
        sort=sort,
        limit=paging.parse_limit(given.get("limit")),
        cursor=given.get("cursor"),
        total=total == "true",
        signature="&".join(
            f"{name}={given[name]}" for name in sorted(given) if name in shape.filters or name == "sort"
        ),
    )
    return Asked(_selection(shape, given.get("include")), query, plain="include" not in given)


def _selection(shape: Shape, include: str | None) -> Selection:
    if include is None:
        return select(shape)
    paths = include.split(",")
    if len(paths) > 20:
        raise _fault("include", "include_unknown", "At most 20 links.")
    return select(shape, paths)
