"""Answers that anybody may keep: reference data, schemas, the documentation."""

import hashlib
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

#: of answers that anybody may keep; the edge adds `Vary`
PUBLIC: Final = {"cache-control": "public, max-age=300"}


def reference(
    request: Request,
    body: bytes,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`body`, public for five minutes, with an ETag over its bytes; 304 where the caller has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    shown = {**PUBLIC, "etag": etag, **(headers or {})}
    given = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in given or "*" in given:
        return Response(status_code=304, headers=shown)
    return Response(body, media_type=media_type, headers=shown)
