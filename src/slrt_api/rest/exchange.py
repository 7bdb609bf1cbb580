"""The HTTP forms of a request and an answer: media types, conditions, bodies, headers."""

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from slrt_api.kernel import errors
from slrt_api.rest.caching import reference
from slrt_api.runtime.shapes import Selection
from slrt_api.runtime.usecase import Answer

#: of answers that hold personal data; the edge adds `Vary`
PRIVATE = {"cache-control": "private, no-store"}
_VERSION = re.compile('"(?:0|[1-9][0-9]{0,8})"')


def content_type(request: Request, wanted: str = "application/json") -> None:
    """Raise UnsupportedMediaType unless the body is declared as `wanted`, in UTF-8 and not compressed."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != wanted or charset not in {"", "charset=utf-8"}:
        raise errors.UnsupportedMediaType
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise errors.UnsupportedMediaType


def if_match(request: Request) -> int | None:
    """The version that `If-Match` names, or None where it is absent. Raises BadRequest `if_match_invalid`."""
    text = request.headers.get("if-match")
    if text is None:
        return None
    if _VERSION.fullmatch(text.strip()):
        return int(text.strip()[1:-1])
    fault = errors.Fault("If-Match", "if_match_invalid", 'Give one version in quotes, such as "3".')
    raise errors.BadRequest("if_match_invalid", faults=(fault,))


def if_none_match(request: Request) -> None:
    """Raise PreconditionRequired without `If-None-Match`, BadRequest `if_none_match_invalid` unless it is `*`."""
    text = request.headers.get("if-none-match")
    if text is None:
        raise errors.PreconditionRequired("if_none_match_required")
    if text.strip() != "*":
        fault = errors.Fault("If-None-Match", "if_none_match_invalid", "Give *: this request only creates.")
        raise errors.BadRequest("if_none_match_invalid", faults=(fault,))


def written(answer: Answer) -> Response:
    """The HTTP answer of a write."""
    headers = dict(PRIVATE)
    if answer.version is not None:
        headers["etag"] = f'"{answer.version}"'
    if answer.location is not None:
        headers["location"] = answer.location
    if answer.replayed:
        headers["idempotency-replayed"] = "true"
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(answer.body, answer.status, headers, "application/json")


def page_response(
    request: Request, selection: Selection, items: bytes, cursor: str | None, total: int | None
) -> Response:
    next_cursor = f'"{cursor}"'.encode() if cursor else b"null"
    counted = b""
    if total is not None:
        shown, exact = min(total, 10_000), b"true" if total <= 10_000 else b"false"
        counted = b',"total":' + str(shown).encode() + b',"total_is_exact":' + exact
    body = b'{"items":' + items + b',"next_cursor":' + next_cursor + counted + b"}"
    personal = Response(body, media_type="application/json", headers=PRIVATE)
    # What is linked to reference data need not be public: a list is as private as the most private of its shapes.
    private = selection.personal
    response = personal if private else reference(request, body)
    if cursor:
        given = request.scope["query_string"].decode("ascii")
        kept = "&".join(part for part in given.split("&") if part and not part.startswith("cursor="))
        joined = f"{kept}&cursor={cursor}" if kept else f"cursor={cursor}"
        response.headers["link"] = f'<{request.scope["path"]}?{joined}>; rel="next"'
    return response


def plain_json(content: Any) -> Response:
    """A JSON answer that does not come from a shape."""
    return Response(json.dumps(content, ensure_ascii=False).encode(), 200, PRIVATE, "application/json")
