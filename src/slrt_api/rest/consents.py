"""Routes of consents and of access overrides."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.overrides.shapes import ACCESS_OVERRIDE
from slrt_api.access.permissions import doing, reading
from slrt_api.cases.shapes import CASE
from slrt_api.flows import consents, overrides
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.rest import parameters, query
from slrt_api.rest.documents import document
from slrt_api.rest.exchange import PRIVATE
from slrt_api.rest.operations import Handler, Routes
from slrt_api.rest.service import accepts_json, path_id
from slrt_api.runtime.shapes import Selection, Shape
from slrt_api.runtime.usecase import of

TAG = "Consents"
OVERRIDES = "Access overrides"


def add(routes: Routes) -> None:
    routes.read(CONSENT, tag=TAG)
    routes.write(consents.record, "/v1/consents", tag=TAG)
    routes.write(consents.transition, "/v1/consents/{id}/transitions", tag=TAG)
    for shape in (HOUSEHOLD, CASE):
        routes.link(shape, "consents", tag=TAG)
    routes.read(ACCESS_OVERRIDE, tag=OVERRIDES, item=False)
    routes.write(overrides.ask, "/v1/access-overrides", tag=OVERRIDES, errors_=(404, 409))
    routes.add(
        "GET",
        "/v1/access-overrides/{id}",
        _override(routes),
        name="get_access_override",
        summary="Get one access override",
        doc="For the office in charge of the resource, its auditors, and whoever asked for the override.",
        tag=OVERRIDES,
        parameters={"id": parameters.resource_id("access override")} | parameters.include(ACCESS_OVERRIDE),
        model=document(ACCESS_OVERRIDE),
        errors_=(404,),
        rule=reading(ACCESS_OVERRIDE, item=True),
    )
    case = of(overrides.resource)
    routes.add(
        "GET",
        "/v1/access-overrides/{id}/resource",
        _resource(routes),
        name="get_access_override_resource",
        summary=case.summary,
        doc=case.description,
        tag=OVERRIDES,
        parameters={
            "id": parameters.resource_id("access override"),
            "include": (
                Annotated[
                    str,
                    Query(description="Links to show, as for the household or case itself.", examples=["members"]),
                ],
                None,
            ),
        },
        model=document(HOUSEHOLD) | document(CASE),
        errors_=(404,),
        rule=doing(case),
    )
    routes.write(overrides.transition, "/v1/access-overrides/{id}/transitions", tag=OVERRIDES)


def _override(routes: Routes) -> Handler:
    async def handler(request: Request) -> Response:
        accepts_json(request)
        act = await routes.service.act(request)
        id_ = path_id(request)
        asked = query.of_item(ACCESS_OVERRIDE, request.scope["query_string"])
        try:
            item = await act.item(asked.selection, id_, operation="access-overrides.get")
        except errors.NotFound:
            # Not of this caller's area: then only whoever asked for it may see it.
            try:
                item = await act.lent(overrides.own, on=id_, paths=lambda _: asked.selection)
            except errors.Forbidden:
                raise errors.NotFound from None
        headers = dict(PRIVATE)
        if asked.plain and item.version is not None:
            headers["etag"] = f'"{item.version}"'
        return Response(item.body, media_type="application/json", headers=headers)

    return handler


def _resource(routes: Routes) -> Handler:
    async def handler(request: Request) -> Response:
        accepts_json(request)
        act = await routes.service.act(request)
        query_string = request.scope["query_string"]
        # Names of parameters are judged before the override is looked up, what they include when its kind is known.
        query.parameters(query_string, ("include",))

        def selected(shape: Shape) -> Selection:
            return query.of_item(shape, query_string).selection

        item = await act.lent(overrides.resource, on=path_id(request), paths=selected)
        return Response(item.body, media_type="application/json", headers=PRIVATE)

    return handler
