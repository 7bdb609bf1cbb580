"""The only place that knows HTTP statuses: errors of the tree become `application/problem+json` (RFC 9457).

Codes and texts stand in `problem_texts`. An answer depends on the error's code and faults, the language and the trace
id, and on nothing else.
"""

import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope

from slrt_api.kernel import errors
from slrt_api.kernel.errors import Fault, SlrtError
from slrt_api.runtime.problem_texts import PROBLEMS, Problem
from slrt_api.runtime.strictjson import faults_of
from slrt_api.runtime.traces import current_trace_id

Language = Literal["id", "en"]
Handler: TypeAlias = Callable[[Request, Any], Coroutine[Any, Any, Response]]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RETRY_AFTER_SECONDS: Final = 5
_CLASSES: Final[Mapping[int, type[SlrtError]]] = {
    400: errors.BadRequest,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    422: errors.Invalid,
    428: errors.PreconditionRequired,
    429: errors.TooManyRequests,
    503: errors.Unavailable,
}
_STATUSES: Final[Mapping[type[SlrtError], int]] = {kind: status for status, kind in _CLASSES.items()}


def status_of(error: SlrtError | type[SlrtError]) -> int:
    """HTTP status of an error, by its class or the nearest parent that has one; 500 for the root."""
    kind = error if isinstance(error, type) else type(error)
    return next((_STATUSES[parent] for parent in kind.__mro__ if parent in _STATUSES), 500)


def language_of(accept_language: str | None) -> Language:
    """The language to answer in, by `Accept-Language`: Indonesian unless English is wanted more."""
    best: Language = "id"
    weight = 0.0
    for entry in (accept_language or "").split(",")[:20]:
        tag, _, parameter = entry.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        # `in` was the code of Indonesian until 1989 and is what old Android and Java send.
        language: Language | None = "en" if primary == "en" else "id" if primary in {"id", "in", "*"} else None
        quality = _quality(parameter)
        if language is not None and quality > weight:
            best, weight = language, quality
    return best


def problem_response(
    error: SlrtError, *, trace_id: str, language: Language, base_url: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that ended in `error`.

    base_url  public address of the service, for `resource_metadata` of a 401, and of a 403 that a scope would mend
    headers   more headers
    """
    problem = PROBLEMS.get(error.code) or PROBLEMS[_nearest(error)]
    status = status_of(error)
    content: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": getattr(problem.title, language),
        "status": status,
        "detail": getattr(problem.detail, language),
        "code": error.code,
        "trace_id": trace_id,
        "errors": [_shown(fault, language) for fault in error.faults],
    }
    response = Response(orjson.dumps(content), status, media_type="application/problem+json")
    response.headers["cache-control"] = "no-store"
    response.headers["content-language"] = language
    for name, value in _headers(error, status, base_url).items():
        response.headers[name] = value
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def graphql_extensions(error: SlrtError, language: Language = "en") -> dict[str, Any]:
    """`extensions` of the GraphQL error: the code of the REST problem and its faults."""
    extensions: dict[str, Any] = {"code": error.code}
    if error.faults:
        extensions["errors"] = [_shown(fault, language) for fault in error.faults]
    return extensions


def graphql_error(
    error: SlrtError,
    language: Language,
    locations: Sequence[Mapping[str, int]] = (),
    path: Sequence[str | int] = (),
) -> dict[str, Any]:
    """One entry of `errors` of a GraphQL answer: the title of the REST problem, where, and its code."""
    problem = PROBLEMS.get(error.code) or PROBLEMS[_nearest(error)]
    entry: dict[str, Any] = {"message": getattr(problem.title, language)}
    if locations:
        entry["locations"] = list(locations)
    if path:
        entry["path"] = list(path)
    entry["extensions"] = graphql_extensions(error, language)
    return entry


def exception_handlers(base_url: str) -> dict[int | type[Exception], Handler]:
    """Handlers for `FastAPI(exception_handlers=...)`: whatever the framework or a route raises becomes a problem."""

    def answer(request: Request, error: SlrtError) -> Response:
        language = language_of(request.headers.get("accept-language"))
        return problem_response(error, trace_id=current_trace_id(), language=language, base_url=base_url)

    async def on_error(request: Request, exc: Exception) -> Response:
        return answer(request, exc if isinstance(exc, SlrtError) else SlrtError())

    async def on_http(request: Request, exc: Exception) -> Response:
        status = exc.status_code if isinstance(exc, HTTPException) else 500
        if status == 405:
            return answer(request, errors.MethodNotAllowed(allowed=allowed_methods(request.scope)))
        return answer(request, _CLASSES[status]() if status in _CLASSES else SlrtError())

    async def on_validation(request: Request, exc: Exception) -> Response:
        if not isinstance(exc, RequestValidationError):
            raise exc
        return answer(request, _of_validation(exc.errors(), exc.body))

    return {
        SlrtError: on_error,
        HTTPException: on_http,
        RequestValidationError: on_validation,
        Exception: on_error,
    }


def allowed_methods(scope: Scope) -> tuple[str, ...]:
    """Every method that the path of `scope` answers, not only those of the first route that fits it."""
    routes: Sequence[BaseRoute] = scope["app"].routes
    # FastAPI keeps notes of the match under way in the scope; they must not meet a second match.
    blank = {key: value for key, value in scope.items() if key not in {"fastapi", "path_params", "route", "endpoint"}}
    fitting = {
        method
        for method in METHODS
        for route in routes
        if not isinstance(route, Mount) and route.matches({**blank, "method": method})[0] is Match.FULL
    }
    if "GET" in fitting:
        fitting.add("HEAD")
    return tuple(method for method in METHODS if method in fitting or method == "OPTIONS")


async def problem_page(request: Request) -> Response:
    """`GET /problems/{code}`: what a code means, in both languages. Raises NotFound for an unknown code."""
    problem = PROBLEMS.get(request.path_params["code"])
    if problem is None:
        raise errors.NotFound
    body = orjson.dumps(problem)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "public, max-age=300"}
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _nearest(error: SlrtError) -> str:
    return next(kind.code for kind in type(error).__mro__ if issubclass(kind, SlrtError) and kind.code in PROBLEMS)


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    value = value.strip()
    if name.strip().lower() != "q" or not (value.isascii() and value.replace(".", "", 1).isdigit() and len(value) <= 5):
        return 0.0
    return float(value)


def _shown(fault: Fault, language: Language) -> dict[str, str]:
    # Faults bring their English text; Indonesian comes from the catalog.
    known: Problem | None = PROBLEMS.get(fault.code) if language == "id" else None
    return {
        "pointer": fault.pointer,
        "code": fault.code,
        "detail": getattr(known.detail, language) if known else fault.detail,
    }


def _headers(error: SlrtError, status: int, base_url: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        # RFC 6750, 3.1: a request without a token learns nothing about an error.
        told = "" if error.code == "token_missing" else ', error="invalid_token"'
        headers["www-authenticate"] = _challenge(base_url) + told
    if isinstance(error, errors.Forbidden) and error.scope is not None:
        headers["www-authenticate"] = f'{_challenge(base_url)}, error="insufficient_scope", scope="{error.scope}"'
    if isinstance(error, errors.MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, errors.PreconditionFailed) and error.current_version is not None:
        headers["etag"] = f'"{error.current_version}"'
    if isinstance(error, errors.Conflict) and error.location is not None:
        headers["location"] = error.location
    if isinstance(error, errors.Conflict) and error.upload_offset is not None:
        headers["upload-offset"] = str(error.upload_offset)
    if error.retry_after_seconds is not None or status in {429, 503}:
        headers["retry-after"] = str(error.retry_after_seconds or RETRY_AFTER_SECONDS)
    return headers


def resource_metadata(base_url: str) -> str:
    """Address of the metadata of this protected resource: between host and path of its own (RFC 9728, 3.1)."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path.rstrip('/')}"


def _challenge(base_url: str) -> str:
    return f'Bearer realm="slrt-api", resource_metadata="{resource_metadata(base_url)}"'


def _of_validation(found: Sequence[Any], body: Any) -> SlrtError:
    """FastAPI's own validation: path 404, query and headers 400, body 422."""
    places = {error["loc"][0] for error in found if error["loc"]}
    if "path" in places:
        return errors.NotFound()
    outside = [error for error in found if error["loc"] and error["loc"][0] != "body"]
    if outside:
        named = (
            Fault(str(error["loc"][1]), "parameter_invalid", "Check the value of this parameter.") for error in outside
        )
        return errors.BadRequest("parameter_invalid", faults=tuple(named))
    if any(error["type"] == "json_invalid" for error in found):
        return errors.BadRequest("json_invalid")
    inside = [{**error, "loc": error["loc"][1:]} for error in found]
    return errors.Invalid(faults=faults_of(inside, body))  # type: ignore[arg-type]
