"""Use cases of referrals, one file a verb."""

from slrt_api.referrals.service.answer import answer
from slrt_api.referrals.service.candidates import candidates
from slrt_api.referrals.service.draft import draft
from slrt_api.referrals.service.notes import note
from slrt_api.referrals.service.reroute import reroute
from slrt_api.referrals.service.sharing import empty_packages, expire_package
from slrt_api.referrals.service.transition import expire, transition

__all__ = [
    "answer",
    "candidates",
    "draft",
    "empty_packages",
    "expire",
    "expire_package",
    "note",
    "reroute",
    "transition",
]
