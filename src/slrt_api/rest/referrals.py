"""Routes of referrals."""

from pydantic import BaseModel, Field, create_model

from slrt_api.referrals import service
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.rest import clocks
from slrt_api.rest.documents import document
from slrt_api.rest.operations import Routes

TAG = "Referrals"
_ID = "019aaa11-2233-8000-8cfe-04a1b2c3d4e5"


class RuleDocument(BaseModel):
    """One rule of routing."""

    rule: str = Field(description="Name of the rule.", examples=["capacity"])
    outcome: bool = Field(description="Whether it holds.", examples=[True])
    available: int | None = Field(
        default=None, description="Only of `capacity`: places left; null = unlimited.", examples=[3]
    )


class CandidateDocument(BaseModel):
    """An organization judged for a referral."""

    organization_id: str = Field(description="Id of the organization.", examples=[_ID])
    code: str = Field(description="Its code.", examples=["LKS-KASIH-IBU"])
    name: str = Field(description="Its name.", examples=["LKS Kasih Ibu"])
    takes: bool = Field(description="Whether every rule holds.", examples=[True])
    route: list[RuleDocument] = Field(description="The rules, in order.")


class CandidatesDocument(BaseModel):
    """The candidates of a referral, best first."""

    items: list[CandidateDocument] = Field(description="Organizations judged.")


def add(routes: Routes) -> None:
    routed = create_model(
        "RoutedReferral",
        __base__=document(REFERRAL),
        __doc__="A referral, with the route where this act sent it.",
        route=(list[RuleDocument], Field(default=[], description="Why this receiver: shown once, when it is sent.")),
    )
    routes.read(REFERRAL, tag=TAG)
    routes.write(service.draft, "/v1/referrals", tag=TAG, model=routed)
    routes.computed(
        service.candidates, "/v1/referrals/{id}/candidates", noun="referral", tag=TAG, model=CandidatesDocument
    )
    routes.write(service.transition, "/v1/referrals/{id}/transitions", tag=TAG, model=routed)
    clocks.link(routes, REFERRAL, tag=TAG)
