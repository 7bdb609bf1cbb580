"""Use cases of referrals, one file a verb."""

from slrt_api.referrals.service.candidates import candidates
from slrt_api.referrals.service.draft import draft
from slrt_api.referrals.service.sharing import empty_packages
from slrt_api.referrals.service.transition import expire, transition

__all__ = ["candidates", "draft", "empty_packages", "expire", "transition"]
