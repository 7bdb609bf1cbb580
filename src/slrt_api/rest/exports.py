"""A list as a file: CSV for spreadsheets, NDJSON for programs, streamed page by page as the caller may see them.

The form is asked for by `Accept`. Every page is a read of its own, under the caller's rights and on the record, so that a long
export holds no transaction; rows that come or go meanwhile may be in it or not.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from slrt_api.kernel import errors
from slrt_api.rest import query
from slrt_api.rest.exchange import PRIVATE
from slrt_api.runtime.reads import Page
from slrt_api.runtime.shapes import FieldMember, Link, Selection, Shape
from slrt_api.runtime.usecase import Act

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
#: rows of one read
ROWS: Final = 1_000
_NAMED: Final = {
    "*/*": JSON,
    "application/*": JSON,
    JSON: JSON,
    "text/*": CSV,
    CSV: CSV,
    NDJSON: NDJSON,
    "application/ndjson": NDJSON,
}
_QUALITY = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")
#: what a spreadsheet takes for a formula (OWASP, CSV injection)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def form(request: Request) -> str:
    """The media type that the caller wants most of those that there are. Raises NotAcceptable."""
    accept = request.headers.get("accept")
    if accept is None:
        return JSON
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        media, _, parameters = part.partition(";")
        found = _NAMED.get(media.strip().lower())
        quality = _QUALITY.search(parameters.replace(" ", "").lower())
        weight = float(quality[1]) if quality is not None else 1.0
        if found is not None and weight > 0:
            wanted.append((-weight, place, found))
    if not wanted:
        raise errors.NotAcceptable
    return min(wanted)[2]


async def response(
    request: Request, act: Act, media: str, parent: tuple[Shape, Link, UUID], *, operation: str
) -> Response:
    """All rows of a link, as a stream of `media`. What can be refused is refused before the first byte."""
    shape = parent[1].to
    # A file has all rows, and each row what the resource has by itself.
    query.parameters(request.scope["query_string"], ("sort", *shape.filters))
    asked = query.of_list(shape, request.scope["query_string"])

    async def page(cursor: str | None) -> Page:
        wanted = replace(asked.query, limit=ROWS, cursor=cursor)
        return await act.page(asked.selection, wanted, operation=operation, parent=parent)

    names = _columns(act, asked.selection)
    write: Callable[[Sequence[dict[str, Any]]], bytes] = _lines if media == NDJSON else _csv(names)
    first = await page(None)

    async def stream() -> AsyncIterator[bytes]:
        if media == CSV:
            yield ",".join(names).encode() + b"\r\n"
        current = first
        while True:
            if current.rows:
                yield write(orjson.loads(current.items))
            if current.cursor is None:
                return
            current = await page(current.cursor)

    suffix = "csv" if media == CSV else "ndjson"
    headers = PRIVATE | {"content-disposition": f'attachment; filename="{shape.plural}.{suffix}"'}
    content_type = f"{CSV}; charset=utf-8; header=present" if media == CSV else NDJSON
    # Starlette would add a charset to a media type of its own; this one is whole.
    return StreamingResponse(stream(), headers=headers | {"content-type": content_type})


def _columns(act: Act, selection: Selection) -> list[str]:
    """The fields of a row, in the order of the answer."""
    return [
        member.key
        for member in selection.members
        if isinstance(member, FieldMember)
        and not (member.usual and member.field.withheld_from(act.actor.role, listed=True))
    ]


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _csv(names: Sequence[str]) -> Callable[[Sequence[dict[str, Any]]], bytes]:
    def write(rows: Sequence[dict[str, Any]]) -> bytes:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\r\n")
        writer.writerows([cell(row.get(name)) for name in names] for row in rows)
        return lines.getvalue().encode()

    return write


def cell(value: Any) -> str:
    """A value as a spreadsheet may read it: empty for null, JSON for what has parts, and never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    return f"'{value}" if value.startswith(_FORMULA) else value
