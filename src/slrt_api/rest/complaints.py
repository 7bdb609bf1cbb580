"""Routes of complaints, for staff and for citizens with an account."""

from pydantic import BaseModel, Field, create_model

from slrt_api.complaints.sealed.shapes import SEALED_ACCESS
from slrt_api.complaints.service import file, sealed_access, transition
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest.documents import document
from slrt_api.rest.operations import Routes
from slrt_api.runtime.shapes import Shape

TAG = "Complaints"
SEALED = "Sealed reports"


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
    routes.link(COMPLAINT, "clocks", tag=TAG)
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


def filed(shape: Shape, name: str) -> type[BaseModel]:
    """Model of the answer to a filing: the resource, and the secret of its receipt."""
    secret = Field(
        description="With the receipt, opens process and outcome without a token. Shown this once.",
        examples=["7ZQ40-MXR2K-9D3WA-HB6TN"],
    )
    return create_model(name, __base__=document(shape), __doc__=shape.description, receipt_secret=(str, secret))
