"""Use cases of organizations, one file a verb, and what the acts of referrals do with places, offers and standings."""

from slrt_api.organizations.service.capacity import SetCapacity, give_place_back, set_capacity, take_place
from slrt_api.organizations.service.policies import InForce, decide_policy, policy_in_force
from slrt_api.organizations.service.register import NewOfficer, RegisterOrganization, register
from slrt_api.organizations.service.routes import Question, routes
from slrt_api.organizations.service.standings import move_standing

__all__ = [
    "InForce",
    "NewOfficer",
    "Question",
    "RegisterOrganization",
    "SetCapacity",
    "decide_policy",
    "give_place_back",
    "move_standing",
    "policy_in_force",
    "register",
    "routes",
    "set_capacity",
    "take_place",
]
