"""The first steps of a REST request: may the answer be read, and which resource does the path name."""

import re
from contextlib import suppress
from uuid import UUID

from starlette.requests import Request

from slrt_api.access.service import Service as Service
from slrt_api.kernel import errors
from slrt_api.runtime.shapes import parse_uuid

_JSON_RANGES = {"*/*", "application/*", "application/json"}
_REFUSED = re.compile(r"q=0(\.0{0,3})?")


def accepts_json(request: Request) -> None:
    """Raise NotAcceptable unless the caller takes JSON."""
    accept = request.headers.get("accept")
    if accept is None or accept in _JSON_RANGES:
        return
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        if media.strip().lower() in _JSON_RANGES and not _REFUSED.fullmatch(parameters.replace(" ", "")):
            return
    raise errors.NotAcceptable


def path_id(request: Request, name: str = "id") -> UUID:
    """The id in the path. Raises NotFound for text that is no UUID: no such resource, whatever it says."""
    with suppress(ValueError):
        return parse_uuid(request.path_params[name])
    raise errors.NotFound
