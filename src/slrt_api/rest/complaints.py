"""Routes of complaints, for staff and for citizens with an account."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, Field, ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.access.permissions import doing
from slrt_api.areas import codes
from slrt_api.cases.shapes import CASE
from slrt_api.complaints.codes import Category, ComplaintStatus, Nature
from slrt_api.complaints.sealed.shapes import SEALED_ACCESS
from slrt_api.complaints.service import (
    counts,
    escalate,
    file,
    ladders,
    links,
    messages,
    sealed_access,
    transition,
)
from slrt_api.complaints.shapes import COMPLAINT, ESCALATION_LADDER, PROGRAM_CODES
from slrt_api.flows import join_case
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel import errors
from slrt_api.rest import clocks, parameters, query
from slrt_api.rest.documents import document
from slrt_api.rest.exchange import plain_json
from slrt_api.rest.operations import Routes
from slrt_api.rest.service import accepts_json
from slrt_api.runtime.shapes import Shape, one_of
from slrt_api.runtime.usecase import of

TAG = "Complaints"
SEALED = "Sealed reports"
_ID = "019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"


class SimilarDocument(BaseModel):
    """A complaint that may be about the same."""

    complaint_id: str = Field(description="Id of the complaint.", examples=[_ID])
    receipt: str = Field(description="Its number.", examples=["KEL-3326-7ZQ4-0MXR-K"])
    status: str = Field(description="Where it stands.", examples=["RECEIVED"])
    received_at: str = Field(description="When it was received.", examples=["2026-11-22T02:14:07.000000Z"])
    merged_into: str | None = Field(description="Complaint that goes on in its place.", examples=[None])
    likenesses: list[str] = Field(
        description="Why: codes of the list `complaint-likenesses`, the strongest first.", examples=[["SAME_HOUSEHOLD"]]
    )


class SimilarDocuments(BaseModel):
    """Complaints that may be about the same, the likeliest first."""

    items: list[SimilarDocument] = Field(description="At most twenty.")


def add(routes: Routes) -> None:
    _counts(routes)
    routes.read(COMPLAINT, tag=TAG)
    model = filed(COMPLAINT, "FiledComplaint")
    routes.write(file.file_complaint, "/v1/complaints", tag=TAG, model=model)
    routes.write(
        file.file_complaint_as,
        "/v1/complaints/{id}",
        tag=TAG,
        method="PUT",
        model=model,
    )
    routes.write(transition.transition, "/v1/complaints/{id}/transitions", tag=TAG)
    clocks.link(routes, COMPLAINT, tag=TAG)
    routes.write(escalate.escalate, "/v1/complaints/{id}/escalation", tag=TAG)
    routes.link(COMPLAINT, "messages", tag=TAG)
    routes.write(messages.send, "/v1/complaints/{id}/messages", tag=TAG, errors_=(409, 429))
    routes.computed(links.similar, "/v1/complaints/{id}/similar", noun="complaint", tag=TAG, model=SimilarDocuments)
    routes.link(COMPLAINT, "links", tag=TAG)
    routes.write(links.link, "/v1/complaints/{id}/links", tag=TAG)
    routes.write(links.unlink, "/v1/complaints/{id}/link-removals", tag=TAG)
    routes.write(join_case.join_case, "/v1/complaints/{id}/case", tag=TAG)
    routes.link(CASE, "complaints", tag=TAG)
    routes.read(SEALED_ACCESS, tag=SEALED)
    routes.write(sealed_access.ask, "/v1/sealed-accesses", tag=SEALED)
    routes.write(sealed_access.transition, "/v1/sealed-accesses/{id}/transitions", tag=SEALED)
    routes.write(
        sealed_access.reveal,
        "/v1/sealed-accesses/{id}/reveal",
        tag=SEALED,
        noun="sealed access",
        model=sealed_access.RevealedIdentity,
    )
    routes.link(COMPLAINT, "sealed_accesses", tag=SEALED)
    routes.link(HOUSEHOLD, "complaints", tag=TAG)
    routes.read(ESCALATION_LADDER, tag=TAG)
    routes.write(ladders.declare, "/v1/escalation-ladders", tag=TAG)
    routes.write(ladders.end, "/v1/escalation-ladders/{id}/ending", tag=TAG)


#: parameters of the counts that name one value
_SINGLE: Final = ("by", "level", "area_code", "month_from", "month_to")


def _counts(routes: Routes) -> None:
    """`GET /v1/complaints/counts`. Before `/v1/complaints/{id}`, which would take `counts` for an id."""
    case = of(counts.counts)
    members = counts.CountComplaints.model_fields

    async def handler(request: Request) -> Response:
        accepts_json(request)
        act = await routes.service.act(request)
        case.permit(act.actor)
        given = query.parameters(request.scope["query_string"], members)
        asked = {name: text if name in _SINGLE else text.split(",") for name, text in given.items()}
        return plain_json(await act.ask(counts.counts, command=_asked(asked)))

    routes.add(
        "GET",
        "/v1/complaints/counts",
        handler,
        name="complaints_counts",
        summary=case.summary,
        doc=case.description,
        tag=TAG,
        parameters={name: _parameter(name) for name in members},
        model=counts.Counts,
        rule=doing(case),
    )


def _asked(given: Mapping[str, object]) -> counts.CountComplaints:
    """What a query asks for. Raises BadRequest: of a query, what is wrong is a parameter and not content."""
    try:
        return counts.CountComplaints.model_validate_json(json.dumps(given))
    except ValidationError as error:
        faults = tuple(
            errors.Fault(name, "filter_invalid", counts.CountComplaints.model_fields[name].description or "")
            for name in sorted({str(each["loc"][0]) for each in error.errors(include_input=False)})
        )
        raise errors.BadRequest("filter_invalid", faults=faults) from None


def _parameter(name: str) -> tuple[Any, Any]:
    info = counts.CountComplaints.model_fields[name]
    examples = [example for example in info.examples or [] if example is not None] or [_EXAMPLES[name]]
    if name in _SINGLE:
        kind: Any = _ENUMS.get(name, str)
        pattern = {"area_code": codes.PATTERN}.get(name, counts.MONTH_PATTERN if name.startswith("month") else None)
    else:
        kind, pattern = str, _LISTS[name]
    # Described only: what is checked stands in the command, whose patterns cannot look around.
    extra = {"pattern": pattern} if pattern is not None else None
    described = Query(description=info.description, examples=examples, json_schema_extra=extra)
    required = info.is_required()
    annotation = kind if required else kind | None
    return Annotated[annotation, described], parameters.REQUIRED if required else None


_ENUMS: Final[Mapping[str, Any]] = {"by": counts.CountedBy, "level": codes.Level}
_LISTS: Final[Mapping[str, str]] = {
    "status": one_of(code.value for code in ComplaintStatus),
    "nature": one_of(code.value for code in Nature),
    "category": one_of(code.value for code in Category),
    "program_code": f"^{PROGRAM_CODES}$",
}
_EXAMPLES: Final[Mapping[str, str]] = {
    "level": "DISTRICT",
    "status": "RECEIVED,TRIAGED",
    "nature": "GRIEVANCE",
    "category": "PARTICIPATION",
    "program_code": "PKH",
}


def filed(shape: Shape, name: str) -> type[BaseModel]:
    """Model of the answer to a filing: the resource, and the secret of its receipt."""
    secret = Field(
        description="With the receipt, opens process and outcome without a token. Shown this once.",
        examples=["7ZQ40-MXR2K-9D3WA-HB6TN"],
    )
    return create_model(name, __base__=document(shape), __doc__=shape.description, receipt_secret=(str, secret))
