"""Routes of complaints, for staff and for citizens with an account."""

from pydantic import BaseModel, Field, create_model

from slrt_api.complaints.service import escalate, file, ladders, transition
from slrt_api.complaints.shapes import COMPLAINT, ESCALATION_LADDER
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest.documents import document
from slrt_api.rest.operations import Routes
from slrt_api.runtime.shapes import Shape

TAG = "Complaints"


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
    routes.link(COMPLAINT, "clocks", tag=TAG)
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
