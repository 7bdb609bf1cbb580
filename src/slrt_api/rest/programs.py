"""Routes of programs: the catalog, versions of rules, what a regency says of them, enrollments, checks and reviews."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from slrt_api.programs import service
from slrt_api.programs.shapes import (
    ELIGIBILITY_CHECK,
    ELIGIBILITY_REVIEW,
    ENROLLMENT,
    ENROLLMENT_LIST,
    PROGRAM,
    RULE_VERSION,
    VARIANT_CHOICE,
)
from slrt_api.rest.operations import Routes

TAG = "Programs"
ELIGIBILITY = "Eligibility"
_ID = "019aaa11-2233-8000-802d-04a1b2c3d4e5"


class ComparedVersion(BaseModel):
    """One side of a comparison."""

    version: str = Field(description="Number of the version.", examples=["2026.1"])
    variants: list[str] = Field(description="Variants that it is read with.", examples=[[]])


class DifferenceDocument(BaseModel):
    """One part that the two say differently."""

    part: str = Field(description="Member of the rule, or `components`.", examples=["requirements"])
    code: str | None = Field(description="Code of the part, where it has one.", examples=["DESIL_AT_MOST_4"])
    change: str = Field(description="`ADDED`, `REMOVED` or `CHANGED`.", examples=["CHANGED"])
    before: Any = Field(description="What `before` says; null where it has no such part.", examples=[None])
    after: Any = Field(description="What `after` says; null where it has no such part.", examples=[None])


class ComparisonDocument(BaseModel):
    """What two versions say differently."""

    before: ComparedVersion = Field(description="The other version.")
    after: ComparedVersion = Field(description="The version in the path, with the variants named.")
    differences: list[DifferenceDocument] = Field(description="In the order of the parts of a rule.")


class ReplayedRule(BaseModel):
    """A version that the check was judged by."""

    program_code: str = Field(description="The program.", examples=["PKH"])
    version: str | None = Field(description="Number of the version; null where none was in force.", examples=["2026.1"])
    version_id: UUID | None = Field(description="Its id.", examples=[_ID])


class ReplayDocument(BaseModel):
    """A check that was repeated."""

    id: UUID = Field(description="The check.", examples=["019aaa11-2233-8000-8cfe-30a1b2c3d4e5"])
    as_of: date = Field(description="The day that was judged by.", examples=["2026-11-22"])
    engine: int = Field(description="Version of the evaluation that made it.", examples=[1])
    engine_now: int = Field(description="Version of the evaluation that repeated it.", examples=[1])
    rules: list[ReplayedRule] = Field(description="The versions that it was judged by, then and again.")
    equal: bool = Field(description="Whether every byte of the answer came out again.", examples=[True])


def add(routes: Routes) -> None:
    routes.read(PROGRAM, tag=TAG)
    routes.write(service.create, "/v1/programs", tag=TAG)
    routes.write(service.change, "/v1/programs/{id}", tag=TAG, method="PATCH")
    routes.link(PROGRAM, "versions", tag=TAG)
    routes.write(service.draft, "/v1/programs/{id}/versions", tag=TAG, noun="program")
    routes.read(RULE_VERSION, tag=TAG)
    routes.write(service.redraft, "/v1/rule-versions/{id}/rule", tag=TAG, method="PUT")
    routes.write(service.transition_version, "/v1/rule-versions/{id}/transitions", tag=TAG)
    routes.write(service.compare, "/v1/rule-versions/{id}/diff", tag=TAG, noun="rule version", model=ComparisonDocument)
    routes.read(VARIANT_CHOICE, tag=TAG)
    routes.write(service.choose, "/v1/variant-choices", tag=TAG)
    routes.read(ENROLLMENT_LIST, tag=TAG)
    routes.write(service.declare, "/v1/enrollment-lists", tag=TAG)
    routes.write(service.renew, "/v1/enrollment-lists/{id}/renewal", tag=TAG)
    routes.read(ENROLLMENT, tag=TAG)
    routes.write(service.record, "/v1/enrollments", tag=TAG)
    routes.write(service.transition_enrollment, "/v1/enrollments/{id}/transitions", tag=TAG)
    routes.read(ELIGIBILITY_CHECK, tag=ELIGIBILITY)
    routes.write(service.run, "/v1/eligibility-checks", tag=ELIGIBILITY)
    routes.computed(
        service.replay,
        "/v1/eligibility-checks/{id}/replay",
        noun="eligibility check",
        tag=ELIGIBILITY,
        model=ReplayDocument,
    )
    routes.write(service.request, "/v1/eligibility-checks/{id}/reviews", tag=ELIGIBILITY, noun="eligibility check")
    routes.read(ELIGIBILITY_REVIEW, tag=ELIGIBILITY)
    routes.write(service.transition_review, "/v1/eligibility-reviews/{id}/transitions", tag=ELIGIBILITY)
