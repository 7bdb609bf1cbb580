"""Use cases of cases, one file a verb. Opening one touches complaints and lives in `flows`."""

from slrt_api.cases.service.escalate import escalate
from slrt_api.cases.service.identities import reveal, search
from slrt_api.cases.service.needs import add_need, move_need, transition_need
from slrt_api.cases.service.record import assess, provide
from slrt_api.cases.service.transition import transition

__all__ = [
    "add_need",
    "assess",
    "escalate",
    "move_need",
    "provide",
    "reveal",
    "search",
    "transition",
    "transition_need",
]
