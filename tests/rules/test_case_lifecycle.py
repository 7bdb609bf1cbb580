"""The ways of cases and needs, over every state, action and role, against expectations written out here."""

from itertools import product

import pytest

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.cases.codes import CaseAction, CaseStatus, NeedAction, NeedStatus
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, FACTS, NEED_LIFECYCLE, need_line
from slrt_api.kernel import criteria
from slrt_api.kernel.criteria import Value
from slrt_api.kernel.errors import Conflict, Forbidden, Invalid

OFFICERS = {"puskesos_officer", "secretariat_officer", "supervisor"}
MANAGERS = {"puskesos_coordinator", "secretariat_manager"}
DECIDERS = MANAGERS | {"social_office"}
UNIT = OFFICERS | MANAGERS
TERMINAL = {
    "CLOSED_SELF_RELIANT",
    "CLOSED_HANDLED",
    "CLOSED_UNFOUNDED",
    "WITHDRAWN",
    "DECEASED",
    "MOVED",
    "MERGED",
    "NOT_COMPETENT",
}
OPEN = {status.value for status in CaseStatus} - TERMINAL

BEFORE_SERVICE = {
    "REGISTERED",
    "VERIFICATION",
    "ASSESSMENT",
    "AWAITING_DOCUMENTS",
    "RECOMMENDED",
    "RETURNED",
    "REOPENED",
}

#: (state, action) -> (targets, roles)
EXPECTED: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("REGISTERED", "VERIFY"): ({"VERIFICATION"}, OFFICERS),
    ("REOPENED", "VERIFY"): ({"VERIFICATION"}, OFFICERS),
    ("VERIFICATION", "ASSESS"): ({"ASSESSMENT"}, OFFICERS),
    ("RETURNED", "ASSESS"): ({"ASSESSMENT"}, OFFICERS),
    ("REOPENED", "ASSESS"): ({"ASSESSMENT"}, OFFICERS),
    ("VERIFICATION", "REQUEST_DOCUMENTS"): ({"AWAITING_DOCUMENTS"}, OFFICERS),
    ("ASSESSMENT", "REQUEST_DOCUMENTS"): ({"AWAITING_DOCUMENTS"}, OFFICERS),
    ("AWAITING_DOCUMENTS", "RESUME"): ({"ASSESSMENT"}, OFFICERS),
    ("ASSESSMENT", "RECOMMEND"): ({"RECOMMENDED"}, OFFICERS),
    ("RETURNED", "RECOMMEND"): ({"RECOMMENDED"}, OFFICERS),
    ("REASSESSMENT", "RECOMMEND"): ({"RECOMMENDED"}, OFFICERS),
    ("RECOMMENDED", "CONFIRM"): ({"CONFIRMED"}, DECIDERS),
    ("RECOMMENDED", "RETURN"): ({"RETURNED"}, DECIDERS),
    ("CONFIRMED", "START_SERVICE"): ({"IN_SERVICE"}, UNIT),
    **{(state, "MARK_EMERGENCY"): ({"IN_SERVICE"}, UNIT) for state in BEFORE_SERVICE},
    ("IN_SERVICE", "COLLECT_FEEDBACK"): ({"FEEDBACK"}, OFFICERS),
    ("FEEDBACK", "REASSESS"): ({"REASSESSMENT"}, OFFICERS),
    **{(state, "CLOSE"): ({"CLOSED_UNFOUNDED", "NOT_COMPETENT", "DECEASED"}, UNIT) for state in OPEN},
    **{
        (state, "CLOSE"): (
            {"CLOSED_UNFOUNDED", "NOT_COMPETENT", "DECEASED", "CLOSED_SELF_RELIANT", "CLOSED_HANDLED"},
            UNIT,
        )
        for state in ("REASSESSMENT", "REOPENED")
    },
    **{(state, "WITHDRAW"): ({"WITHDRAWN"}, UNIT) for state in OPEN},
    **{(state, "TRANSFER"): ({"MOVED"}, MANAGERS) for state in OPEN},
    **{(state, "MERGE"): ({"MERGED"}, MANAGERS) for state in OPEN},
    **{(state, "REOPEN"): ({"REOPENED"}, UNIT) for state in TERMINAL - {"MERGED"}},
}
#: a row that no guard refuses but that of an open need; `recommended_by` is somebody else
DONE: dict[str, Value] = {
    "assessed": True,
    "need_count": 1,
    "open_needs": 0,
    "referred_needs": 0,
    "recommended_by": "other",
    "open_tasks": 0,
    "successor_id": None,
    "reopenable": True,
}
#: outcomes that fewer may reach than their action
NARROWER = {"CLOSED_SELF_RELIANT": MANAGERS}
LEFT = DONE | {"open_needs": 1}
ACTOR: dict[str, Value] = {"subject": "me"}
NEEDS_REASON = {"REQUEST_DOCUMENTS", "RETURN", "MARK_EMERGENCY", "CLOSE", "WITHDRAW", "TRANSFER", "MERGE", "REOPEN"}


def test_states_and_actions_are_the_frozen_ones() -> None:
    assert [state.code for state in CASE_LIFECYCLE.states] == [status.value for status in CaseStatus]
    assert set(CASE_LIFECYCLE.actions) == {action.value for action in CaseAction}
    assert {state.code for state in CASE_LIFECYCLE.states if state.terminal} == TERMINAL
    assert [state.code for state in NEED_LIFECYCLE.states] == [status.value for status in NeedStatus]
    assert set(NEED_LIFECYCLE.actions) == {action.value for action in NeedAction}


def asked(state: str, action: str, role: Role, outcome: str | None) -> tuple[str, bool | None]:
    """Target and whether a reason is asked for, or the refusal's code and None."""
    row = LEFT if (state, action) == ("REASSESSMENT", "RECOMMEND") else DONE
    try:
        line = CASE_LIFECYCLE.advance(
            state, action, role=role.value, scopes=PERMISSIONS[role], row=row, actor=ACTOR, outcome=outcome
        )
    except Invalid as refusal:
        return refusal.faults[0].code, None
    except (Conflict, Forbidden) as refusal:
        return refusal.code, None
    return line.target, line.reason_required


def expected(state: str, action: str, role: Role, outcome: str | None) -> tuple[str, bool | None]:
    targets, roles = EXPECTED.get((state, action), (set(), set()))
    if not targets:
        return "transition_not_allowed", None
    if outcome is None and len(targets) > 1:
        return "outcome_required", None
    if outcome is not None and outcome not in targets:
        return "unknown_outcome", None
    if role.value not in NARROWER.get(outcome or "", roles):
        return "role_not_allowed", None
    return outcome or min(targets), action in NEEDS_REASON


def test_every_state_action_outcome_and_role() -> None:
    outcomes = (None, *CaseStatus)
    for state, action, role, outcome in product(CaseStatus, CaseAction, Role, outcomes):
        named = outcome.value if outcome else None
        case = (state.value, action.value, role, named)
        assert asked(*case) == expected(*case), case


def test_what_is_allowed_is_what_is_shown() -> None:
    for state, role in product(CaseStatus, Role):
        shown = CASE_LIFECYCLE.allowed_actions(state, role=role.value, scopes=PERMISSIONS[role], row=DONE, actor=ACTOR)
        ways = {
            action
            for (source, action), (_, roles) in EXPECTED.items()
            if source == state.value and role.value in roles and (source, action) != ("REASSESSMENT", "RECOMMEND")
        }
        assert set(shown) == ways, (state, role)


def test_without_the_scope_no_role_may() -> None:
    for (state, action), (targets, roles) in EXPECTED.items():
        for role in roles:
            for scopes in (set[str](), {"cases:read"}):
                with pytest.raises(Forbidden) as refusal:
                    CASE_LIFECYCLE.advance(
                        state, action, role=role, scopes=scopes, row=DONE, actor=ACTOR, outcome=min(targets)
                    )
                assert refusal.value.code == "scope_missing"


@pytest.mark.parametrize(
    ("state", "action", "outcome", "row", "code"),
    [
        ("ASSESSMENT", "RECOMMEND", None, {"assessed": False}, "assessment_missing"),
        ("ASSESSMENT", "RECOMMEND", None, {"need_count": 0}, "assessment_missing"),
        ("RETURNED", "RECOMMEND", None, {"need_count": 0}, "assessment_missing"),
        ("REASSESSMENT", "RECOMMEND", None, {"open_needs": 0}, "need_missing"),
        ("RECOMMENDED", "CONFIRM", None, {"recommended_by": "me"}, "recommender_may_not_decide"),
        ("RECOMMENDED", "CONFIRM", None, {"recommended_by": None}, "recommender_may_not_decide"),
        ("RECOMMENDED", "RETURN", None, {"recommended_by": "me"}, "recommender_may_not_decide"),
        ("IN_SERVICE", "COLLECT_FEEDBACK", None, {"open_needs": 1}, "needs_open"),
        ("REASSESSMENT", "CLOSE", "CLOSED_SELF_RELIANT", {"open_needs": 1}, "needs_open"),
        ("REASSESSMENT", "CLOSE", "CLOSED_HANDLED", {"open_needs": 1}, "needs_open"),
        ("REOPENED", "CLOSE", "CLOSED_HANDLED", {"open_needs": 1}, "needs_open"),
        ("IN_SERVICE", "CLOSE", "DECEASED", {"referred_needs": 1}, "referrals_open"),
        ("IN_SERVICE", "WITHDRAW", None, {"referred_needs": 1}, "referrals_open"),
        ("IN_SERVICE", "TRANSFER", None, {"referred_needs": 1}, "referrals_open"),
        ("REASSESSMENT", "CLOSE", "CLOSED_HANDLED", {"open_tasks": 1}, "tasks_open"),
        ("IN_SERVICE", "CLOSE", "NOT_COMPETENT", {"open_tasks": 1}, "tasks_open"),
        ("IN_SERVICE", "CLOSE", "CLOSED_UNFOUNDED", {"open_tasks": 1}, "tasks_open"),
        ("IN_SERVICE", "WITHDRAW", None, {"open_tasks": 1}, "tasks_open"),
        ("IN_SERVICE", "TRANSFER", None, {"open_tasks": 1}, "tasks_open"),
        ("IN_SERVICE", "MERGE", None, {"open_tasks": 1}, "tasks_open"),
        ("WITHDRAWN", "REOPEN", None, {"successor_id": "019aaa11"}, "case_handed_over"),
    ],
)
def test_guards_refuse_with_their_own_code(
    state: str, action: str, outcome: str | None, row: dict[str, Value], code: str
) -> None:
    _, roles = EXPECTED[state, action]
    for role in NARROWER.get(outcome or "", roles):
        with pytest.raises(Conflict) as refusal:
            CASE_LIFECYCLE.advance(
                state,
                action,
                role=role,
                scopes=PERMISSIONS[Role(role)],
                row=DONE | row,
                actor=ACTOR,
                outcome=outcome,
            )
        assert refusal.value.code == code


def test_guards_read_what_the_use_case_hands_them() -> None:
    read = {name for line in CASE_LIFECYCLE.transitions if line.whole for name in criteria.facts(line.whole)}
    assert read == set(FACTS)


def test_a_death_ends_an_emergency_whatever_is_owed() -> None:
    line = CASE_LIFECYCLE.advance(
        "IN_SERVICE",
        "CLOSE",
        role="supervisor",
        scopes=PERMISSIONS[Role.SUPERVISOR],
        row=DONE | {"open_tasks": 4},
        actor=ACTOR,
        outcome="DECEASED",
    )
    assert line.target == "DECEASED"


@pytest.mark.parametrize("reopenable", [False, None])
def test_after_the_window_only_managers_reopen(reopenable: bool | None) -> None:
    for role in OFFICERS | MANAGERS:
        given = PERMISSIONS[Role(role)]
        row = DONE | {"reopenable": reopenable}
        shown = CASE_LIFECYCLE.allowed_actions("CLOSED_HANDLED", role=role, scopes=given, row=row, actor=ACTOR)
        assert ("REOPEN" in shown) is (role in MANAGERS), role
        if role in OFFICERS:
            with pytest.raises(Conflict) as refusal:
                CASE_LIFECYCLE.advance("CLOSED_HANDLED", "REOPEN", role=role, scopes=given, row=row, actor=ACTOR)
            assert refusal.value.code == "reopen_window_over"


def test_the_worker_withdraws_what_waits_for_documents_and_does_nothing_else() -> None:
    for state, action in product(CaseStatus, CaseAction):
        lines = [
            line
            for line in CASE_LIFECYCLE.transitions
            if (line.source, line.action) == (state, action) and "worker" in line.roles
        ]
        expected = ["WITHDRAWN"] if (state, action) == ("AWAITING_DOCUMENTS", "WITHDRAW") else []
        assert [line.target for line in lines] == expected, (state, action)


NEED_EXPECTED = {
    ("OPEN", "SERVE"): ("DIRECT_SERVICE", UNIT),
    ("OPEN", "REFER"): ("REFERRED", UNIT),
    ("OPEN", "MEET"): ("MET", UNIT),
    ("OPEN", "FAIL"): ("UNMET", UNIT),
    ("OPEN", "CANCEL"): ("CANCELLED", UNIT),
    ("DIRECT_SERVICE", "MEET"): ("MET", UNIT),
    ("DIRECT_SERVICE", "FAIL"): ("UNMET", UNIT),
    ("DIRECT_SERVICE", "CANCEL"): ("CANCELLED", UNIT),
    ("REFERRED", "RETURN"): ("OPEN", UNIT | {"partner", "program_manager"}),
    ("REFERRED", "MEET"): ("MET", UNIT | {"partner", "program_manager"}),
    ("REFERRED", "FAIL"): ("UNMET", UNIT | {"partner", "program_manager"}),
    ("MET", "REOPEN"): ("OPEN", UNIT),
}


def test_every_line_of_a_need() -> None:
    lines = {(line.source, line.action): (line.target, set(line.roles)) for line in NEED_LIFECYCLE.transitions}
    assert lines == NEED_EXPECTED
    # What is met is opened again by hand only, and by nothing that a referral brings about.
    ways = {(source, target) for (source, action), (target, _) in NEED_EXPECTED.items() if action != "REOPEN"}
    for source, target in product(NeedStatus, NeedStatus):
        assert (need_line(source, target) is not None) is ((source.value, target.value) in ways)
