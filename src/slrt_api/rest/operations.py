"""How routes are made: reads from shapes, writes from use cases, all described to OpenAPI by the same declaration.

FastAPI describes an operation by its signature, for the document; the handler is ours, because FastAPI's own reading of
requests is too lenient (see `runtime/strictjson`) and its dependencies cost more than the read itself.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from slrt_api.access.permissions import Rule, doing, following, reading
from slrt_api.rest import exports, query
from slrt_api.rest import parameters as described
from slrt_api.rest.caching import reference
from slrt_api.rest.documents import document, page_document
from slrt_api.rest.exchange import PRIVATE, content_type, if_match, if_none_match, page_response, plain_json, written
from slrt_api.rest.service import Service, accepts_json, path_id
from slrt_api.runtime import idempotency, strictjson
from slrt_api.runtime.shapes import Shape
from slrt_api.runtime.usecase import UseCase, of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Operation(Route):
    """One method on one path. What FastAPI knows of it, for the document alone, is told by `Routes.descriptions`."""

    def __init__(self, method: str, path: str, handler: Handler, names: set[str]) -> None:
        """names  paths of the surface without a parameter"""
        super().__init__(path, handler, methods=[method])
        # Starlette answers HEAD by every GET; here the edge does.
        self.methods = {method}
        self.handler = handler
        self._names = names

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # `/v1/persons/search` is no person: a path that stands by itself is never one with an id in it.
        if "{" in self.path_format and scope["path"].removeprefix(scope.get("root_path", "")) in self._names:
            return Match.NONE, {}
        match, found = super().matches(scope)
        if match is not Match.NONE:
            found["route"] = self
        return match, found


def _endpoint(name: str, doc: str, parameters: Mapping[str, tuple[Any, Any]]) -> Any:
    """An endpoint that shows FastAPI these parameters: name -> (annotation, default)."""

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
    return endpoint


@dataclass(frozen=True)
class Described:
    """An operation: where it stands, what the caller shows, and what is asked of the caller's role.

    credential  `bearer`; `optional`, answered without a token as well; `receipt`; `none`
    rule        None where no role is asked for
    """

    operation: str
    method: str
    path: str
    credential: Literal["bearer", "optional", "receipt", "none"]
    rule: Rule | None


class Routes:
    """The routes of one surface, over one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.routes: list[Operation] = []
        self._to_describe: list[Callable[[APIRouter], None]] = []
        #: every operation, for the table of permissions
        self.operations: list[Described] = []
        #: paths that have no parameter
        self._names: set[str] = set()

    def descriptions(self) -> Sequence[BaseRoute]:
        """Every operation as FastAPI describes it. Made when it is asked for: that takes longer than all of the start."""
        router = APIRouter()
        for describe in self._to_describe:
            describe(router)
        return router.routes

    # Reads ------------------------------------------------------------------------------------------------------

    def read(self, shape: Shape, *, tag: str, item: bool = True, listed: bool = True, anonymous: bool = False) -> None:
        """`GET /v1/{plural}` and `GET /v1/{plural}/{id}`."""
        noun = shape.name.replace("_", " ")
        if listed:
            handler = self._list_handler(shape, anonymous=anonymous)
            self.add(
                "GET",
                f"/v1/{shape.plural}",
                handler,
                name=f"list_{shape.plural.replace('-', '_').replace('/', '_')}",
                summary=f"List {shape.nouns}",
                doc=shape.description,
                tag=tag,
                parameters=described.of_list(shape),
                model=page_document(shape),
                anonymous=anonymous,
                cached=not shape.personal,
                rule=reading(shape, item=False),
            )
        if item:
            handler = self._item_handler(shape, anonymous=anonymous)
            parameters = {"id": described.resource_id(noun)} | described.include(shape)
            if shape.kind is None:
                parameters["id"] = described.code_of(shape)
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
                rule=reading(shape, item=True),
            )

    def link(self, shape: Shape, name: str, *, tag: str, exported: bool = False) -> None:
        """`GET /v1/{plural}/{id}/{link}`: a page of what the link leads to.

        exported  all of it leaves as CSV or NDJSON too, where `Accept` asks for that
        """
        link = shape.links[name]
        operation = f"{shape.plural}.{name}"

        async def handler(request: Request) -> Response:
            media = exports.form(request) if exported else exports.JSON
            if not exported:
                accepts_json(request)
            act = await self.service.act(request)
            id_ = path_id(request)
            if media != exports.JSON:
                return await exports.response(request, act, media, (shape, link, id_), operation=f"{operation}.export")
            asked = query.of_list(link.to, request.scope["query_string"])
            page = await act.page(asked.selection, asked.query, operation=operation, parent=(shape, link, id_))
            return page_response(request, asked.selection, page.items, page.cursor, page.total)

        self.add(
            "GET",
            f"/v1/{shape.plural}/{{id}}/{name.replace('_', '-')}",
            handler,
            name=f"list_{shape.name}_{name}",
            summary=f"List the {name.replace('_', ' ')} of a {shape.name.replace('_', ' ')}",
            doc=link.description,
            tag=tag,
            parameters={"id": described.resource_id(shape.name)} | described.of_list(link.to),
            model=page_document(link.to),
            errors_=(404,),
            media=(exports.CSV, exports.NDJSON) if exported else (),
            rule=following(shape, link),
        )

    def _item_handler(self, shape: Shape, *, anonymous: bool) -> Handler:
        operation = f"{shape.plural}.get"

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = await self.service.act(request, anonymous=anonymous)
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
            act = await self.service.act(request, anonymous=anonymous)
            asked = query.of_list(shape, request.scope["query_string"])
            page = await act.page(asked.selection, asked.query, operation=operation)
            return page_response(request, asked.selection, page.items, page.cursor, page.total)

        return handler

    def computed(
        self, run: Callable[..., Awaitable[Any]], path: str, *, noun: str, tag: str, model: type[BaseModel]
    ) -> None:
        """`GET path` for a read that a use case computes on one resource."""
        case = of(run)

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = await self.service.act(request)
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
            parameters={"id": described.resource_id(noun)},
            model=model,
            errors_=(404,),
            rule=doing(case),
        )

    # Writes -----------------------------------------------------------------------------------------------------

    def write(
        self,
        run: Callable[..., Awaitable[Any]],
        path: str,
        *,
        tag: str,
        method: described.Method = "POST",
        noun: str | None = None,
        model: type[BaseModel] | None = None,
        errors_: tuple[int, ...] = (409,),
        within: str | None = None,
    ) -> None:
        """A write of a use case. A path with `{id}` asks it on that resource, with `If-Match`.

        method  POST; PATCH takes a JSON merge patch; PUT of what creates does it under the client's id, with
                `If-None-Match: *`, and of all else replaces a part of the resource
        within  member of the command, an id, that stands in the path as well and not in the body
        """
        case = of(run)
        parameters: dict[str, tuple[Any, Any]] = {}
        hidden = "Done; with it the resource has left your sight" if case.may_hide else None
        if case.asked:
            parameters["id"] = described.resource_id(noun or (case.answers.name if case.answers else "resource"))
            errors_ = (*errors_, 404)
        if within is not None:
            parameters[within] = described.resource_id(within.removesuffix("_id"))
        if method == "PUT" and case.creates:
            parameters["if_none_match"] = described.IF_NONE_MATCH
            errors_ = (*errors_, 412, 428)
        elif case.asked and case.conditional:
            parameters["if_match"] = described.IF_MATCH
            errors_ = (*errors_, 412, 428)
        if case.command is not None:
            shown = case.command if within is None else described.without(case.command, within)
            parameters["command"] = (
                Annotated[shown, Body(media_type=described.MEDIA_TYPES[method])],
                described.REQUIRED,
            )
            errors_ = (*errors_, 413, 415, 422)
        if method != "PATCH":
            parameters["idempotency_key"] = described.IDEMPOTENCY_KEY
        self.add(
            method,
            path,
            self._write_handler(case, method, within),
            name=case.name.replace(".", "_").replace("-", "_"),
            summary=case.summary,
            doc=case.description,
            tag=tag,
            parameters=parameters,
            model=model or (document(case.answers) if case.answers else None),
            status=201 if case.creates else 200,
            errors_=errors_,
            rule=doing(case),
            hidden=hidden,
            found="It was there already, and is answered" if case.may_find else None,
        )

    def _write_handler(self, case: UseCase, method: described.Method, within: str | None) -> Handler:
        creates_under_id = method == "PUT" and case.creates

        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = await self.service.act(request)
            case.permit(act.actor)
            query.parameters(request.scope["query_string"], ())
            on = path_id(request) if case.asked else None
            body = await request.body()
            command = None
            if case.command is not None:
                content_type(request, described.MEDIA_TYPES[method])
                if within is not None:
                    body = strictjson.with_member(body, within, str(path_id(request, within)))
                command = strictjson.parse_body(case.command, body)
            key = None
            header = request.headers.get("idempotency-key") if method != "PATCH" else None
            if header is not None:
                key = idempotency.key_of_request(act.platform.keyring, act.actor, case.name, header, on=on, body=body)
            if creates_under_id:
                if_none_match(request)
            version = if_match(request) if case.asked and case.conditional and not creates_under_id else None
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
        hidden: str | None = None,
        found: str | None = None,
        rule: Rule | None = None,
        media: tuple[str, ...] = (),
        more: Mapping[int | str, dict[str, Any]] | None = None,
    ) -> None:
        """Add one route and its description.

        anonymous  it is answered without a token as well
        scheme     what the caller shows, as the document names it; None for nothing at all
        hidden     when it answers without a body (204)
        found      when it answers what was there already (200 in place of 201)
        cached     anybody may keep the answer: it has an ETag, and 304 where the caller has it already
        media      what else than JSON the answer may be, as a file
        more       further answers, by their status
        rule       what is asked of the caller's role; without one it must be answered to anybody
        Raises ValueError for an operation for which somebody has to show who they are, and nobody says what they may.
        """
        if scheme == "bearer" and not anonymous and rule is None:
            raise ValueError(f"{method} {path}: say by `rule` who may ask for it")
        credential: Any = "none" if scheme is None else scheme
        self.operations.append(Described(name, method, path, "optional" if anonymous else credential, rule))
        if "{" not in path:
            self._names.add(path)
        shown = dict(parameters or {})
        if scheme == "bearer":
            shown["acting_role"] = described.ACTING_ROLE
        responses = described.problems(*errors_)
        if hidden is not None:
            responses[204] = {"description": hidden}
        if found is not None:
            responses[200] = {"description": found, "model": model}
        if cached:
            shown["if_none_match"] = described.KNOWN_ETAG
            responses[304] = {"description": "You have it already"}
        if media:
            responses[status] = {"content": {each: {"schema": {"type": "string"}} for each in media}}
        responses |= more or {}
        self.routes.append(Operation(method, path, handler, self._names))

        def describe(router: APIRouter) -> None:
            router.add_api_route(
                path,
                _endpoint(name, doc, shown),
                methods=[method],
                operation_id=name,
                summary=summary,
                description=doc or summary,
                tags=[tag],
                response_model=model,
                # Where there is nothing but files, no JSON is promised.
                response_class=Response if media and model is None else JSONResponse,
                status_code=status,
                response_description="Done" if method != "GET" else "Found",
                responses=responses,
                openapi_extra={"security": [*([{scheme: []}] if scheme else []), *([{}] if anonymous else [])]},
            )

        self._to_describe.append(describe)
