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
    value: int | None = Field(default=None, description="Of what is weighed: 0 to 1000.", examples=[750])
    weight: int | None = Field(default=None, description="Its weight by the routing policy.", examples=[2])
    count: int | None = Field(
        default=None,
        description=(
            "Offers that wait there (`open_offers`), unanswered in a row (`answers`), offers to others since its last one"
            " (`least_share`; null = it never had one)."
        ),
        examples=[4],
    )
    until: str | None = Field(
        default=None,
        description="Only of `answers`: when it may be offered again; null = once it answers one by which it was named.",
        examples=["2026-12-07T02:00:00Z"],
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
    policy_id: str | None = Field(
        description="The routing policy of the regency; null = the preset of the platform.", examples=[None]
    )
    auto: bool = Field(description="Whether the service may be routed by `AUTO`.", examples=[True])


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
    routes.write(service.answer, "/v1/referrals/{id}/answers", tag=TAG)
    routes.write(service.note, "/v1/referrals/{id}/notes", tag=TAG)
    clocks.link(routes, REFERRAL, tag=TAG)
