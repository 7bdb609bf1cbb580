"""How routes are made: reads from shapes, writes from use cases, all described to OpenAPI by the same declaration.

FastAPI describes an operation by its signature; the handler is ours, because FastAPI's own reading of requests is too
lenient (see `runtime/strictjson`) and its dependencies cost more than the read itself.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.kernel import errors
from slrt_api.rest import query
from slrt_api.rest.caching import reference
from slrt_api.rest.documents import document, page_document
from slrt_api.rest.service import Service, accepts_json, path_id
from slrt_api.runtime import idempotency, strictjson
from slrt_api.runtime.shapes import MAX_INCLUDE_DEPTH, Filter, Selection, Shape
from slrt_api.runtime.usecase import Answer, UseCase, of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

PRIVATE = {"cache-control": "private, no-store", "vary": "Authorization, Acting-Role, Accept-Language"}
_VERSION = re.compile('"[1-9][0-9]{0,8}"')
#: in the place of a parameter's default
REQUIRED: Any = inspect.Parameter.empty
_TITLES = {
    400: "Cannot be read, or a bad or unknown parameter or header",
    401: "No token, or one that does not verify",
    403: "Scope or role missing",
    404: "Absent, or outside your scope",
    406: "The answer is JSON",
    409: "The state, or an equal resource, does not allow it",
    412: "The version you named is not the current one",
    413: "Body too large",
    415: "Send JSON",
    422: "Readable, but wrong",
    428: "Name the version in If-Match",
    429: "Too many requests",
    503: "Try again later",
}
#: what any operation may answer
_ALWAYS = (400, 401, 403, 406, 429, 503)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}


class Operation(APIRoute):
    """A route whose handler takes the request as it is. The signature of its endpoint only describes it."""

    def get_route_handler(self) -> Handler:
        handler: Handler = self.endpoint.handler  # type: ignore[attr-defined]
        return handler


def _described(handler: Handler, name: str, doc: str, parameters: Mapping[str, tuple[Any, Any]]) -> Any:
    """An endpoint that carries `handler` and shows FastAPI these parameters: name -> (annotation, default)."""

    async def endpoint() -> None:
        """Never called: `Operation` runs the handler."""

    endpoint.__name__ = name
    endpoint.__doc__ = doc
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for name, (annotation, default) in parameters.items()
        ]
    )
    endpoint.handler = handler  # type: ignore[attr-defined]
    return endpoint


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of an operation."""
    return {status: {"description": _TITLES[status], "content": _PROBLEM} for status in sorted({*statuses, *_ALWAYS})}


ACTING_ROLE = (
    Annotated[
        str | None,
        Header(
            alias="Acting-Role",
            description="The role to act under, for callers who hold several.",
            pattern="^[a-z_]{1,40}$",
            examples=["puskesos_officer"],
        ),
    ],
    None,
)
IDEMPOTENCY_KEY = (
    Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A retry with the same key and body gets the first answer. Kept 30 days.",
            pattern="^[!#-\\[\\]-~]{1,255}$",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ],
    None,
)
IF_MATCH = (
    Annotated[
        str,
        Header(
            alias="If-Match",
            description='The version that you have seen, as the ETag: `"3"`.',
            pattern='^"[1-9][0-9]{0,8}"$',
            examples=['"1"'],
        ),
    ],
    REQUIRED,
)


IF_NONE_MATCH = (
    Annotated[
        Literal["*"],
        Header(alias="If-None-Match", description="`*`: create, never replace.", examples=["*"]),
    ],
    REQUIRED,
)
KNOWN_ETAG = (
    Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="ETag of the answer that you have; where it is the current one you get 304.",
            examples=['"2e8f1c0b5a7d4936c1f0e2d3b4a59687"'],
        ),
    ],
    None,
)
Method = Literal["POST", "PUT", "PATCH"]
MEDIA_TYPES: Mapping[Method, str] = {
    "POST": "application/json",
    "PUT": "application/json",
    "PATCH": "application/merge-patch+json",
}


def resource_id(noun: str) -> tuple[Any, Any]:
    """The path parameter `id` of a resource."""
    return (
        Annotated[UUID, Path(description=f"Id of the {noun}.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"])],
        REQUIRED,
    )


class Routes:
    """The routes of one surface, over one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.router = APIRouter(route_class=Operation)
        #: hot reads by collection: (item handler, list handler)
        self.items: dict[str, Handler] = {}
        self.lists: dict[str, Handler] = {}

    # Reads ------------------------------------------------------------------------------------------------------

    def read(self, shape: Shape, *, tag: str, item: bool = True, listed: bool = True, anonymous: bool = False) -> None:
        """`GET /v1/{plural}` and `GET /v1/{plural}/{id}`."""
        noun = shape.name.replace("_", " ")
        if listed:
            handler = self._list_handler(shape, anonymous=anonymous)
            self.lists[shape.plural] = handler
            self.add(
                "GET",
                f"/v1/{shape.plural}",
                handler,
                name=f"list_{shape.plural.replace('-', '_').replace('/', '_')}",
                summary=f"List {shape.plural.replace('-', ' ').replace('/', ' ')}",
                doc=shape.description,
                tag=tag,
                parameters=_list_parameters(shape),
                model=page_document(shape),
                anonymous=anonymous,
                cached=not shape.personal,
            )
        if item:
            handler = self._item_handler(shape, anonymous=anonymous)
            self.items[shape.plural] = handler
            parameters = {"id": resource_id(noun)} | _include(shape)
            if shape.kind is None:
                parameters["id"] = (
                    Annotated[
                        str,
                        Path(
                            description=f"Code of the {noun}.",
                            min_length=1,
                            max_length=60,
                            examples=[next(iter(shape.fields.values())).example],
                        ),
                    ],
                    REQUIRED,
                )
            self.add(
                "GET",
                f"/v1/{shape.plural}/{{id}}",
                handler,
                name=f"get_{shape.name}",
                summary=f"Get one {noun}",
                doc=shape.description,
                tag=tag,
                parameters=parameters,
                model=document(shape),
                errors_=(404,),
                anonymous=anonymous,
                cached=not shape.personal,
            )

    def link(self, shape: Shape, name: str, *, tag: str) -> None:
        """`GET /v1/{plural}/{id}/{link}`: a page of what the link leads to."""
        link = shape.links[name]

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = self.service.act(request)
            id_ = path_id(request)
            asked = query.of_list(link.to, request.scope["query_string"])
            page = await act.page(
                asked.selection, asked.query, operation=f"{shape.plural}.{name}", parent=(shape, link, id_)
            )
            return _page_response(request, asked.selection, page.items, page.cursor, page.total)

        self.add(
            "GET",
            f"/v1/{shape.plural}/{{id}}/{name}",
            handler,
            name=f"list_{shape.name}_{name}",
            summary=f"List the {name.replace('_', ' ')} of a {shape.name.replace('_', ' ')}",
            doc=link.description,
            tag=tag,
            parameters={"id": resource_id(shape.name)} | _list_parameters(link.to),
            model=page_document(link.to),
            errors_=(404,),
        )

    def _item_handler(self, shape: Shape, *, anonymous: bool) -> Handler:
        operation = f"{shape.plural}.get"

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = self.service.act(request, anonymous=anonymous)
            id_ = path_id(request) if shape.kind is not None else request.path_params["id"]
            asked = query.of_item(shape, request.scope["query_string"])
            item = await act.item(asked.selection, id_, operation=operation)
            if not asked.selection.personal:
                return reference(request, item.body)
            headers = dict(PRIVATE)
            if asked.plain and item.version is not None:
                headers["etag"] = f'"{item.version}"'
            return Response(item.body, media_type="application/json", headers=headers)

        return handler

    def _list_handler(self, shape: Shape, *, anonymous: bool) -> Handler:
        operation = f"{shape.plural}.list"

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = self.service.act(request, anonymous=anonymous)
            asked = query.of_list(shape, request.scope["query_string"])
            page = await act.page(asked.selection, asked.query, operation=operation)
            return _page_response(request, asked.selection, page.items, page.cursor, page.total)

        return handler

    def computed(
        self, run: Callable[..., Awaitable[Any]], path: str, *, noun: str, tag: str, model: type[BaseModel]
    ) -> None:
        """`GET path` for a read that a use case computes on one resource."""
        case = of(run)

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = self.service.act(request)
            query.parameters(request.scope["query_string"], ())
            return plain_json(await act.ask(run, on=path_id(request)))

        self.add(
            "GET",
            path,
            handler,
            name=case.name.replace(".", "_"),
            summary=case.summary,
            doc=case.description,
            tag=tag,
            parameters={"id": resource_id(noun)},
            model=model,
            errors_=(404,),
        )

    # Writes -----------------------------------------------------------------------------------------------------

    def write(
        self,
        run: Callable[..., Awaitable[Any]],
        path: str,
        *,
        tag: str,
        method: Method = "POST",
        noun: str | None = None,
        model: type[BaseModel] | None = None,
        errors_: tuple[int, ...] = (409,),
    ) -> None:
        """A write of a use case. A path with `{id}` asks it on that resource, with `If-Match`.

        method  POST; PATCH takes a JSON merge patch; PUT creates under the client's id, with `If-None-Match: *`
        """
        case = of(run)
        parameters: dict[str, tuple[Any, Any]] = {}
        if case.asked:
            parameters["id"] = resource_id(noun or (case.answers.name if case.answers else "resource"))
            errors_ = (*errors_, 404)
        if method == "PUT":
            parameters["if_none_match"] = IF_NONE_MATCH
            errors_ = (*errors_, 412, 428)
        elif case.asked and case.conditional:
            parameters["if_match"] = IF_MATCH
            errors_ = (*errors_, 412, 428)
        if case.command is not None:
            parameters["command"] = (
                Annotated[case.command, Body(media_type=MEDIA_TYPES[method])],
                REQUIRED,
            )
            errors_ = (*errors_, 413, 415, 422)
        if method != "PATCH":
            parameters["idempotency_key"] = IDEMPOTENCY_KEY
        self.add(
            method,
            path,
            self._write_handler(case, method),
            name=case.name.replace(".", "_").replace("-", "_"),
            summary=case.summary,
            doc=case.description,
            tag=tag,
            parameters=parameters,
            model=model or (document(case.answers) if case.answers else None),
            status=201 if case.creates else 200,
            errors_=errors_,
        )

    def _write_handler(self, case: UseCase, method: Method) -> Handler:
        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = self.service.act(request)
            if case.scope is not None:
                act.actor.require(case.scope)
            query.parameters(request.scope["query_string"], ())
            on = path_id(request) if case.asked else None
            body = await request.body()
            command = None
            if case.command is not None:
                content_type(request, MEDIA_TYPES[method])
                command = strictjson.parse_body(case.command, body)
            key = None
            header = request.headers.get("idempotency-key") if method != "PATCH" else None
            if header is not None:
                key = idempotency.key_of_request(act.platform.keyring, act.actor, case.name, header, on=on, body=body)
            if method == "PUT":
                if_none_match(request)
            version = if_match(request) if case.asked and case.conditional and method != "PUT" else None
            answer = await act(case, command, on=on, expected_version=version, key=key)
            return written(answer)

        return handler

    # All --------------------------------------------------------------------------------------------------------

    def add(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        name: str,
        summary: str,
        doc: str,
        tag: str,
        parameters: Mapping[str, tuple[Any, Any]] | None = None,
        model: Any = None,
        status: int = 200,
        errors_: tuple[int, ...] = (),
        anonymous: bool = False,
        scheme: str | None = "bearer",
        cached: bool = False,
    ) -> None:
        """Add one route and its description.

        anonymous  it is answered without a token as well
        scheme     what the caller shows, as the document names it; None for nothing at all
        cached     anybody may keep the answer: it has an ETag, and 304 where the caller has it already
        """
        shown = dict(parameters or {})
        if scheme == "bearer":
            shown["acting_role"] = ACTING_ROLE
        responses = problems(*errors_)
        if cached:
            shown["if_none_match"] = KNOWN_ETAG
            responses[304] = {"description": "You have it already"}
        self.router.add_api_route(
            path,
            _described(handler, name, doc, shown),
            methods=[method],
            operation_id=name,
            summary=summary,
            description=doc or summary,
            tags=[tag],
            response_model=model,
            status_code=status,
            response_description="Done" if method != "GET" else "Found",
            responses=responses,
            openapi_extra={"security": [*([{scheme: []}] if scheme else []), *([{}] if anonymous else [])]},
        )


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


def _page_response(
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


def _include(shape: Shape) -> dict[str, tuple[Any, Any]]:
    optional = [name for name, link in shape.links.items() if not link.embedded]
    if not optional:
        return {}
    names = ", ".join(f"`{name}`" for name in optional)
    paths = "|".join(path.replace(".", "\\.") for path in _paths(shape, MAX_INCLUDE_DEPTH))
    return {
        "include": (
            Annotated[
                str,
                Query(
                    description=f"Links to show, comma separated; deeper ones after a dot, three deep: {names}.",
                    examples=[optional[0]],
                    json_schema_extra={"pattern": f"^({paths})(,({paths})){{0,19}}$"},
                ),
            ],
            None,
        )
    }


def _paths(shape: Shape, depth: int) -> list[str]:
    """Every path that `include` takes."""
    found = []
    for name, link in sorted(shape.links.items()):
        found.append(name)
        if depth > 1:
            found += [f"{name}.{path}" for path in _paths(link.to, depth - 1)]
    return found


def _filter_type(filter_: Filter) -> Any:
    schema = Query(description=filter_.description, examples=[filter_.example], json_schema_extra=dict(filter_.schema))
    return Annotated[str, schema]


def _list_parameters(shape: Shape) -> dict[str, tuple[Any, Any]]:
    sorts = tuple(name for sort in shape.sorts for name in (sort, f"-{sort}"))
    parameters: dict[str, tuple[Any, Any]] = {
        "limit": (Annotated[int, Query(ge=1, le=200, description="Rows of a page.", examples=[50])], 50),
        "cursor": (
            Annotated[
                str | None,
                Query(
                    description="`next_cursor` of the page before, as it stands.",
                    examples=["WyI0ZjJhYjFjMGQ5ZTg3NjU0IiwiMzMuMjYiLCIzMy4yNiJd"],
                ),
            ],
            None,
        ),
        "sort": (
            Annotated[
                Literal[sorts],
                Query(
                    description=f"Order; `-` first is descending. Default: `{shape.default_sort}`.", examples=[sorts[0]]
                ),
            ],
            None,
        ),
        "include_total": (
            Annotated[Literal["true", "false"], Query(description="Count the rows, to 10,000.")],
            "false",
        ),
    }
    for name, filter_ in shape.filters.items():
        parameters[name] = (_filter_type(filter_), None)
    return parameters | _include(shape)


def plain_json(content: Any, *, headers: Mapping[str, str] = PRIVATE, status: int = 200) -> Response:
    """A JSON answer that does not come from a shape."""
    return Response(json.dumps(content, ensure_ascii=False).encode(), status, dict(headers), "application/json")
