"""Names of GraphQL from the names of shapes, fields and use cases. Pure."""

import re

_EDGES = re.compile("[./_-]+")


def camel(name: str) -> str:
    """`captured_at` and `cases.add_need` as `capturedAt` and `casesAddNeed`."""
    head, *rest = _EDGES.split(name)
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """`code_list_item` as `CodeListItem`."""
    return "".join(part[:1].upper() + part[1:] for part in _EDGES.split(name))


def constant(name: str) -> str:
    """`updated_at` as `UPDATED_AT`."""
    return _EDGES.sub("_", name).upper()


def pointer(text: str) -> str:
    """A pointer of a REST fault as a pointer into `input`: its member names in camel case."""
    return "/".join(camel(part) for part in text.split("/")) if text.startswith("/") else camel(text)
