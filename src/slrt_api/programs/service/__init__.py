"""Use cases of programs: the catalog, versions of rules, what a regency says of them, enrollments, checks and reviews."""

from slrt_api.programs.service.catalog import ChangeProgram, CreateProgram, change, create
from slrt_api.programs.service.checks import CheckEligibility, repeated, replay, run
from slrt_api.programs.service.enrollments import RecordEnrollment, TransitionEnrollment, record
from slrt_api.programs.service.enrollments import transition as transition_enrollment
from slrt_api.programs.service.regional import ChooseVariants, DeclareRecipients, RenewList, choose, declare, renew
from slrt_api.programs.service.reviews import RequestReview, TransitionReview, request
from slrt_api.programs.service.reviews import transition as transition_review
from slrt_api.programs.service.versions import CompareVersions, DraftVersion, TransitionVersion, compare, draft, redraft
from slrt_api.programs.service.versions import transition as transition_version

__all__ = [
    "ChangeProgram",
    "CheckEligibility",
    "ChooseVariants",
    "CompareVersions",
    "CreateProgram",
    "DeclareRecipients",
    "DraftVersion",
    "RecordEnrollment",
    "RenewList",
    "RequestReview",
    "TransitionEnrollment",
    "TransitionReview",
    "TransitionVersion",
    "change",
    "choose",
    "compare",
    "create",
    "declare",
    "draft",
    "record",
    "redraft",
    "renew",
    "repeated",
    "replay",
    "request",
    "run",
    "transition_enrollment",
    "transition_review",
    "transition_version",
]
