"""Routes of complaints, for staff and for citizens with an account."""

from pydantic import BaseModel, Field, create_model

from slrt_api.cases.shapes import CASE
from slrt_api.complaints.service import escalate, file, ladders, links, messages, transition
from slrt_api.complaints.shapes import COMPLAINT, ESCALATION_LADDER
from slrt_api.flows import join_case
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest import clocks
from slrt_api.rest.documents import document
from slrt_api.rest.operations import Routes
from slrt_api.runtime.shapes import Shape

TAG = "Complaints"
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
    routes.write(escalate.escalate, "/v1/complaints/{id}/escalation", tag=TAG)
    clocks.link(routes, COMPLAINT, tag=TAG)
    routes.link(COMPLAINT, "messages", tag=TAG)
    routes.write(messages.send, "/v1/complaints/{id}/messages", tag=TAG, errors_=(409, 429))
    routes.computed(links.similar, "/v1/complaints/{id}/similar", noun="complaint", tag=TAG, model=SimilarDocuments)
    routes.link(COMPLAINT, "links", tag=TAG)
    routes.write(links.link, "/v1/complaints/{id}/links", tag=TAG)
    routes.write(links.unlink, "/v1/complaints/{id}/link-removals", tag=TAG)
    routes.write(join_case.join_case, "/v1/complaints/{id}/case", tag=TAG)
    routes.link(CASE, "complaints", tag=TAG)
    routes.link(HOUSEHOLD, "complaints", tag=TAG)
    routes.read(ESCALATION_LADDER, tag=TAG)
    routes.write(ladders.declare, "/v1/escalation-ladders", tag=TAG)
    routes.write(ladders.end, "/v1/escalation-ladders/{id}/ending", tag=TAG)


def filed(shape: Shape, name: str) -> type[BaseModel]:
    """Model of the answer to a filing: the resource, and the secret of its receipt."""
    secret = Field(
        description="With the receipt, opens process and outcome without a token. Shown this once.",
        examples=["7ZQ40-MXR2K-9D3WA-HB6TN"],
    )
    return create_model(name, __base__=document(shape), __doc__=shape.description, receipt_secret=(str, secret))
