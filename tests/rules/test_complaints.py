"""The life of a complaint, over every state, action and role."""

from datetime import UTC, datetime
from itertools import product

import pytest

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.areas.codelists import load_code_lists
from slrt_api.complaints.codes import REALIZED, Action, ComplaintOutcome, ComplaintStatus
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE
from slrt_api.complaints.service.step import EVENTS
from slrt_api.kernel.criteria import Value
from slrt_api.kernel.errors import Conflict, Forbidden

HANDLING = {
    "puskesos_officer",
    "puskesos_coordinator",
    "supervisor",
    "secretariat_officer",
    "secretariat_manager",
    "social_office",
}
SPEAKING = (HANDLING - {"social_office"}) | {"citizen", "facilitator", "public"}
REOPENING = {"puskesos_coordinator", "supervisor", "secretariat_manager", "social_office"}
#: who may have it reopened while its window is open
ASKING = {"citizen", "facilitator", "public"}
SPOKEN = {"ANSWER", "OBJECT", "RATE"}
#: what the worker does by itself
BY_ITSELF = {("AWAITING_COMPLAINANT", "LAPSE"), ("RESOLVED", "CLOSE")}
#: everybody who may ask: the roles of tokens, the holder of a receipt, and the worker
ASKERS = (*(role.value for role in Role), "public", "worker")
ALL_SCOPES = frozenset({"complaints:handle", "complaints:write"})
DESKS = ("RECEIVED", "TRIAGED", "FORWARDED", "IN_PROGRESS", "RETURNED", "REOPENED")

#: (state, action) -> where it leads; written out, so that a change of the table is a change here
EXPECTED = {
    ("RECEIVED", "TRIAGE"): "TRIAGED",
    ("RECEIVED", "FORWARD"): "FORWARDED",
    ("RECEIVED", "START"): "IN_PROGRESS",
    ("RECEIVED", "ASK_COMPLAINANT"): "AWAITING_COMPLAINANT",
    ("RECEIVED", "RESOLVE"): "RESOLVED",
    ("RECEIVED", "REJECT_COMPETENCE"): "NOT_COMPETENT",
    ("RECEIVED", "MERGE"): "MERGED",
    ("TRIAGED", "TRIAGE"): "TRIAGED",
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
    ("RESOLVED", "RATE"): "RESOLVED",
    ("RESOLVED", "CLOSE"): "CLOSED",
    ("OBJECTED", "START"): "IN_PROGRESS",
    ("OBJECTED", "FORWARD"): "FORWARDED",
    ("OBJECTED", "RESOLVE"): "RESOLVED",
    ("OBJECTED", "CLOSE"): "CLOSED",
    ("CLOSED", "RATE"): "CLOSED",
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
WITH_REASON = {
    *("ASK_COMPLAINANT", "ANSWER", "RETURN", "OBJECT", "LAPSE", "REJECT_COMPETENCE", "MERGE", "REOPEN", "UNMERGE"),
}
#: a row all of whose windows are open, that nobody has rated, and that was merged while it was in progress
OPEN: dict[str, Value] = {
    "accused_person_id": None,
    "accused_organization_id": None,
    "objection_open": True,
    "reopen_open": True,
    "rated_at": None,
    "merged_from": "IN_PROGRESS",
}


def may(state: str, action: str) -> set[str]:
    """Who may take the step, where its windows are open."""
    if action in SPOKEN:
        return SPEAKING
    if action == "REOPEN":
        return REOPENING | ASKING
    if action == "UNMERGE":
        return REOPENING
    return HANDLING | ({"worker"} if (state, action) in BY_ITSELF else set())


def scopes(role: str) -> frozenset[str]:
    """All that the role may hold; the worker and who holds a receipt act with what their step takes."""
    if role in {"public", "worker"}:
        return ALL_SCOPES
    return frozenset(scope.value for scope in PERMISSIONS[Role(role)])


def advance(state: str, action: str, role: str, **changes: Value) -> str:
    row = OPEN | changes
    outcome = str(row["merged_from"]) if action == "UNMERGE" else None
    return COMPLAINT_LIFECYCLE.advance(
        state, action, role=role, scopes=scopes(role), row=row, actor={"role": role}, outcome=outcome
    ).target


def allowed(state: str, role: str, **changes: Value) -> tuple[str, ...]:
    return COMPLAINT_LIFECYCLE.allowed_actions(
        state, role=role, scopes=scopes(role), row=OPEN | changes, actor={"role": role}
    )


@pytest.mark.parametrize("state", list(ComplaintStatus))
@pytest.mark.parametrize("action", list(Action))
def test_every_state_action_and_role(state: ComplaintStatus, action: Action) -> None:
    """Each role with all the scopes that it may hold, on a row whose windows are open."""
    target = EXPECTED.get((state.value, action.value))
    if (state, action) == ("MERGED", "UNMERGE"):
        target = "IN_PROGRESS"
    for role in ASKERS:
        if target is None:
            with pytest.raises(Conflict, match="transition_not_allowed"):
                advance(state, action, role)
        elif role in may(state, action):
            assert advance(state, action, role) == target
        else:
            with pytest.raises(Forbidden, match="role_not_allowed"):
                advance(state, action, role)
        passes = target is not None and role in may(state, action)
        assert (action.value in allowed(state, role)) is passes, role


def test_the_scope_is_needed_beside_the_role() -> None:
    for state, action in EXPECTED:
        for role in sorted(may(state, action)):
            spoken = action in SPOKEN or (action == "REOPEN" and role in ASKING)
            needed = "complaints:write" if spoken else "complaints:handle"
            with pytest.raises(Forbidden, match="scope_missing"):
                COMPLAINT_LIFECYCLE.advance(
                    state, action, role=role, scopes=scopes(role) - {needed}, row=OPEN, actor={"role": role}
                )


@pytest.mark.parametrize("shut", [False, None])
def test_a_window_that_is_over_or_never_was_is_shut(shut: bool | None) -> None:
    for role in sorted(SPEAKING):
        with pytest.raises(Conflict, match="objection_window_over"):
            advance("RESOLVED", "OBJECT", role, objection_open=shut)
        assert "OBJECT" not in allowed("RESOLVED", role, objection_open=shut)
    for state, role in product(("CLOSED", "LAPSED", "NOT_COMPETENT"), sorted(ASKING)):
        with pytest.raises(Conflict, match="reopen_window_over"):
            advance(state, "REOPEN", role, reopen_open=shut)
        assert "REOPEN" not in allowed(state, role, reopen_open=shut)
    for state, role in product(("CLOSED", "LAPSED", "NOT_COMPETENT"), sorted(REOPENING)):
        # Who decides needs no window.
        assert advance(state, "REOPEN", role, reopen_open=shut) == "REOPENED"


def test_a_resolution_is_rated_once() -> None:
    rated = datetime(2026, 11, 30, tzinfo=UTC)
    for state, role in product(("RESOLVED", "CLOSED"), sorted(SPEAKING)):
        with pytest.raises(Conflict, match="rated_already"):
            advance(state, "RATE", role, rated_at=rated)
        assert "RATE" not in allowed(state, role, rated_at=rated)


def test_what_was_merged_returns_to_where_it_was_and_nowhere_else() -> None:
    for before, target in product(DESKS, DESKS):
        row = OPEN | {"merged_from": before}
        asked = {"role": "supervisor", "scopes": ALL_SCOPES, "row": row, "actor": {"role": "supervisor"}}
        if before == target:
            assert COMPLAINT_LIFECYCLE.advance("MERGED", "UNMERGE", outcome=target, **asked).target == before  # type: ignore[arg-type]
        else:
            with pytest.raises(Conflict):
                COMPLAINT_LIFECYCLE.advance("MERGED", "UNMERGE", outcome=target, **asked)  # type: ignore[arg-type]
    assert allowed("MERGED", "supervisor", merged_from=None) == ()


def test_who_decides_over_somebody_says_why() -> None:
    for line in COMPLAINT_LIFECYCLE.transitions:
        objection = (line.source, line.action) == ("OBJECTED", "CLOSE")
        by_itself = line.roles == {"worker"}
        assert line.reason_required is ((line.action in WITH_REASON or objection) and not by_itself), line


def test_an_outcome_says_whether_the_service_was_given() -> None:
    assert {outcome.value for outcome in ComplaintOutcome} == load_code_lists()["complaint-outcomes"].codes
    assert {ComplaintOutcome.SERVICE_REALIZED, ComplaintOutcome.DATA_CORRECTED} == REALIZED


def test_states_are_those_of_the_code_list_and_every_action_has_its_event() -> None:
    assert [state.code for state in COMPLAINT_LIFECYCLE.states] == [state.value for state in ComplaintStatus]
    assert {state.code for state in COMPLAINT_LIFECYCLE.states} == load_code_lists()["complaint-statuses"].codes
    assert set(COMPLAINT_LIFECYCLE.actions) == {action.value for action in Action}
    assert set(EVENTS) == set(Action)
    assert len(set(EVENTS.values())) == len(Action)
