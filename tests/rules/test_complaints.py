"""The life of a complaint, over every state, action and role."""

from itertools import product

import pytest

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.areas.codelists import load_code_lists
from slrt_api.complaints.codes import Action, ComplaintStatus
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE
from slrt_api.complaints.service.step import EVENTS
from slrt_api.kernel.errors import Conflict, Forbidden

HANDLING = {
    "puskesos_officer",
    "puskesos_coordinator",
    "supervisor",
    "secretariat_officer",
    "secretariat_manager",
    "social_office",
}
SPEAKING = (HANDLING - {"social_office"}) | {"citizen", "facilitator"}
REOPENING = {"puskesos_coordinator", "supervisor", "secretariat_manager", "social_office"}

#: (state, action) -> where it leads; written out, so that a change of the table is a change here
EXPECTED = {
    ("RECEIVED", "TRIAGE"): "TRIAGED",
    ("RECEIVED", "FORWARD"): "FORWARDED",
    ("RECEIVED", "START"): "IN_PROGRESS",
    ("RECEIVED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("RECEIVED", "RESOLVE"): "RESOLVED",
    ("RECEIVED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("RECEIVED", "MERGE"): "MERGED",
    ("TRIAGED", "FORWARD"): "FORWARDED",
    ("TRIAGED", "START"): "IN_PROGRESS",
    ("TRIAGED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("TRIAGED", "RESOLVE"): "RESOLVED",
    ("TRIAGED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("TRIAGED", "MERGE"): "MERGED",
    ("FORWARDED", "START"): "IN_PROGRESS",
    ("FORWARDED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("FORWARDED", "RETURN"): "RETURNED",
    ("FORWARDED", "RESOLVE"): "RESOLVED",
    ("FORWARDED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("FORWARDED", "MERGE"): "MERGED",
    ("IN_PROGRESS", "FORWARD"): "FORWARDED",
    ("IN_PROGRESS", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("IN_PROGRESS", "RETURN"): "RETURNED",
    ("IN_PROGRESS", "RESOLVE"): "RESOLVED",
    ("IN_PROGRESS", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("IN_PROGRESS", "MERGE"): "MERGED",
    ("AWAITING_COMPLAINANT", "ANSWER"): "IN_PROGRESS",
    ("AWAITING_COMPLAINANT", "LAPSE"): "LAPSED",
    ("RETURNED", "TRIAGE"): "TRIAGED",
    ("RETURNED", "FORWARD"): "FORWARDED",
    ("RETURNED", "START"): "IN_PROGRESS",
    ("RETURNED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("RETURNED", "RESOLVE"): "RESOLVED",
    ("RETURNED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("RETURNED", "MERGE"): "MERGED",
    ("RESOLVED", "OBJECT"): "OBJECTED",
    ("RESOLVED", "CLOSE"): "CLOSED",
    ("OBJECTED", "START"): "IN_PROGRESS",
    ("OBJECTED", "FORWARD"): "FORWARDED",
    ("OBJECTED", "RESOLVE"): "RESOLVED",
    ("OBJECTED", "CLOSE"): "CLOSED",
    ("CLOSED", "REOPEN"): "REOPENED",
    ("LAPSED", "REOPEN"): "REOPENED",
    ("NOT_COMPETENT", "REOPEN"): "REOPENED",
    ("REOPENED", "TRIAGE"): "TRIAGED",
    ("REOPENED", "FORWARD"): "FORWARDED",
    ("REOPENED", "START"): "IN_PROGRESS",
    ("REOPENED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("REOPENED", "RESOLVE"): "RESOLVED",
    ("REOPENED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("REOPENED", "MERGE"): "MERGED",
}
WITH_REASON = {"ASK_COMPLAINANT", "ANSWER", "RETURN", "OBJECT", "LAPSE", "REJECT_COMPETENCE", "MERGE", "REOPEN"}


def may(action: str) -> set[str]:
    if action in {"ANSWER", "OBJECT"}:
        return SPEAKING
    return REOPENING if action == "REOPEN" else HANDLING


@pytest.mark.parametrize(("state", "action", "role"), list(product(ComplaintStatus, Action, Role)))
def test_every_state_action_and_role(state: ComplaintStatus, action: Action, role: Role) -> None:
    """Each role with all the scopes that it may hold."""
    target = EXPECTED.get((state.value, action.value))

    def advance() -> str:
        return COMPLAINT_LIFECYCLE.advance(state, action, role=role, scopes=PERMISSIONS[role], row={}, actor={}).target

    allowed = COMPLAINT_LIFECYCLE.allowed_actions(state, role=role, scopes=PERMISSIONS[role], row={}, actor={})
    if target is None:
        with pytest.raises(Conflict, match="transition_not_allowed"):
            advance()
    elif role.value in may(action.value):
        assert advance() == target
    else:
        with pytest.raises(Forbidden, match="role_not_allowed"):
            advance()
    assert (action.value in allowed) is (target is not None and role.value in may(action.value))


def test_the_scope_is_needed_beside_the_role() -> None:
    for state, action in EXPECTED:
        role = sorted(may(action))[0]
        needed = "complaints:write" if action in {"ANSWER", "OBJECT"} else "complaints:handle"
        with pytest.raises(Forbidden, match="scope_missing"):
            COMPLAINT_LIFECYCLE.advance(
                state, action, role=role, scopes=PERMISSIONS[Role(role)] - {needed}, row={}, actor={}
            )


def test_who_decides_over_somebody_says_why() -> None:
    for line in COMPLAINT_LIFECYCLE.transitions:
        objection = (line.source, line.action) == ("OBJECTED", "CLOSE")
        assert line.reason_required is (line.action in WITH_REASON or objection), line


def test_states_are_those_of_the_code_list_and_every_action_has_its_event() -> None:
    assert [state.code for state in COMPLAINT_LIFECYCLE.states] == [state.value for state in ComplaintStatus]
    assert {state.code for state in COMPLAINT_LIFECYCLE.states} == load_code_lists()["complaint-statuses"].codes
    assert set(COMPLAINT_LIFECYCLE.actions) == {action.value for action in Action}
    assert set(EVENTS) == set(Action)
    assert len(set(EVENTS.values())) == len(Action)
