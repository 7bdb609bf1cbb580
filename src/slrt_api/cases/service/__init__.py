"""Use cases of cases, one file a verb. Opening one, its steps and merging touch complaints and live in `flows`."""

from slrt_api.cases.service.assign import answer_assignment, assign
from slrt_api.cases.service.escalate import escalate
from slrt_api.cases.service.identities import reveal, search
from slrt_api.cases.service.needs import add_need, move_need, transition_need
from slrt_api.cases.service.notes import erase_note, note
from slrt_api.cases.service.plan import plan, remind, transition_plan_line
from slrt_api.cases.service.record import assess, provide
from slrt_api.cases.service.reopening import refuse as refuse_reopening
from slrt_api.cases.service.tasks import check_registry, confirm_identity
from slrt_api.cases.service.transition import lapse, step, tell_reassessment

__all__ = [
    "add_need",
    "answer_assignment",
    "assess",
    "assign",
    "check_registry",
    "confirm_identity",
    "erase_note",
    "escalate",
    "lapse",
    "move_need",
    "note",
    "plan",
    "provide",
    "refuse_reopening",
    "remind",
    "reveal",
    "search",
    "step",
    "tell_reassessment",
    "transition_need",
    "transition_plan_line",
]
