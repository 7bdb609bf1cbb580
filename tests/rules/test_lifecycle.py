"""State machines as tables, on a small one that has everything: several outcomes, guards, a way back."""

import itertools
import re
from collections.abc import Collection
from dataclasses import replace
from typing import TypedDict

import pytest

from slrt_api.kernel.criteria import ActorFact, AllOf, Constant, Criterion, Equals, Fact, NotEquals
from slrt_api.kernel.errors import Conflict, Forbidden, Invalid, SlrtError
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

OFFICER, MANAGER = "puskesos_officer", "secretariat_manager"
READY = Equals(Fact("open_needs"), Constant(0))
OTHER = NotEquals(Fact("recommended_by"), ActorFact("subject"))


def state(code: str, *, terminal: bool = False) -> State:
    return State(code, Label(code.lower(), code.title()), terminal)


def line(source: str, action: str, target: str, *roles: str, guard: Criterion | None = None) -> Transition:
    scope = "cases:decide" if action == "CONFIRM" else "cases:write"
    return Transition(source, action, target, frozenset(roles or {OFFICER}), scope, guard)


STATES = [
    state("OPEN"),
    state("RECOMMENDED"),
    state("SERVED"),
    state("HANDLED", terminal=True),
    state("WITHDRAWN", terminal=True),
]
LINES = [
    line("OPEN", "RECOMMEND", "RECOMMENDED"),
    replace(line("OPEN", "CLOSE", "WITHDRAWN"), reason_required=True),
    replace(line("RECOMMENDED", "CONFIRM", "SERVED", MANAGER, OFFICER, guard=OTHER), refusal="own_recommendation"),
    replace(line("SERVED", "CLOSE", "HANDLED", guard=READY), refusal="needs_open"),
    line("SERVED", "CLOSE", "WITHDRAWN", MANAGER),
    line("SERVED", "RETURN", "OPEN", MANAGER),
    line("HANDLED", "REOPEN", "OPEN", MANAGER),
]
TABLE = Lifecycle("case", STATES, LINES)
ONE_ROLE = Lifecycle("case", STATES, [replace(each, roles=frozenset({MANAGER})) for each in LINES])
MIXED = Lifecycle(
    "case", STATES, [replace(each, guard=READY) if each.action == "RETURN" else each for each in ONE_ROLE.transitions]
)


class Call(TypedDict):
    role: str
    scopes: Collection[str]
    row: dict[str, str | int | bool | None]
    actor: dict[str, str | int | bool | None]


def call(
    role: str = OFFICER,
    scopes: Collection[str] = ("cases:write", "cases:decide"),
    *,
    open_needs: int | None = 0,
    subject: str = "b",
) -> Call:
    return Call(
        role=role,
        scopes=scopes,
        row={"open_needs": open_needs, "recommended_by": "a"},
        actor={"subject": subject},
    )


def fault(refused: pytest.ExceptionInfo[Invalid]) -> tuple[str, str]:
    (only,) = refused.value.faults
    return only.pointer, only.code


class TestTablesThatContradictThemselves:
    @pytest.mark.parametrize(
        ("states", "lines", "complaint"),
        [
            ([*STATES, state("OPEN")], LINES, "stands twice"),
            ([*STATES[:-1]], LINES, "unknown state"),
            (STATES, [*LINES, LINES[0]], "OPEN RECOMMEND RECOMMENDED: stands twice"),
            (STATES, [*LINES, replace(LINES[0], action="VERIFY", roles=frozenset())], "nobody may"),
            (STATES, [*LINES, line("WITHDRAWN", "RETURN", "OPEN")], "leaves a terminal state"),
            ([*STATES, state("LOST", terminal=True)], LINES, re.escape("unreachable ['LOST']")),
            ([*STATES, state("STUCK")], [*LINES, line("OPEN", "WAIT", "STUCK")], re.escape("end from ['STUCK']")),
            (STATES, [*LINES, line("OPEN", "it's", "SERVED")], "UPPER_SNAKE"),
        ],
    )
    def test_are_refused(self, states: list[State], lines: list[Transition], complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            Lifecycle("case", states, lines)

    def test_a_named_action_may_leave_a_terminal_state(self) -> None:
        lines = [*LINES, line("WITHDRAWN", "TRANSFER", "OPEN")]
        table = Lifecycle("case", STATES, lines, from_terminal={"TRANSFER"})
        assert table.advance("WITHDRAWN", "TRANSFER", **call()).target == "OPEN"

    def test_other_roles_may_have_a_line_of_their_own(self) -> None:
        """The same step under another condition, and never two lines for one role."""
        lines = [*LINES, replace(line("HANDLED", "REOPEN", "OPEN", "citizen", guard=READY), refusal="too_late")]
        table = Lifecycle("case", STATES, lines)
        assert table.advance("HANDLED", "REOPEN", **call(MANAGER, open_needs=1)) is LINES[6]
        assert table.advance("HANDLED", "REOPEN", **call("citizen")) is lines[-1]
        with pytest.raises(Conflict) as refused:
            table.advance("HANDLED", "REOPEN", **call("citizen", open_needs=1))
        assert refused.value.code == "too_late"
        with pytest.raises(Forbidden):
            table.advance("HANDLED", "REOPEN", **call(OFFICER))
        assert table.allowed_actions("HANDLED", **call("citizen", open_needs=1)) == ()
        with pytest.raises(ValueError, match="HANDLED REOPEN OPEN: stands twice"):
            Lifecycle("case", STATES, [*lines, line("HANDLED", "REOPEN", "OPEN", OFFICER, "citizen")])

    def test_initial_states_are_reached_by_nobody(self) -> None:
        states, lines = [*STATES, state("IMPORTED")], [*LINES, line("IMPORTED", "VERIFY", "OPEN")]
        with pytest.raises(ValueError, match="unreachable"):
            Lifecycle("case", states, lines)
        assert Lifecycle("case", states, lines, initial={"OPEN", "IMPORTED"}).actions[-1] == "VERIFY"
        with pytest.raises(ValueError, match="unknown initial"):
            Lifecycle("case", states, lines, initial={"OPEN", "IMPORTED", "TYPO"})


class TestAdvanceRefuses:
    def test_an_unknown_action(self) -> None:
        with pytest.raises(Invalid) as refused:
            TABLE.advance("OPEN", "FLY", **call())
        assert fault(refused) == ("/action", "unknown_action")

    def test_an_action_from_another_state(self) -> None:
        with pytest.raises(Conflict) as refused:
            TABLE.advance("OPEN", "CONFIRM", **call())
        assert refused.value.code == "transition_not_allowed"

    def test_several_outcomes_without_a_choice(self) -> None:
        with pytest.raises(Invalid) as refused:
            TABLE.advance("SERVED", "CLOSE", **call())
        assert fault(refused) == ("/outcome", "outcome_required")

    @pytest.mark.parametrize(("source", "outcome"), [("SERVED", "OPEN"), ("OPEN", "HANDLED"), ("OPEN", "")])
    def test_an_outcome_that_the_action_has_not(self, source: str, outcome: str) -> None:
        with pytest.raises(Invalid) as refused:
            TABLE.advance(source, "CLOSE", **call(), outcome=outcome)
        assert fault(refused) == ("/outcome", "unknown_outcome")

    def test_another_role(self) -> None:
        with pytest.raises(Forbidden) as refused:
            TABLE.advance("SERVED", "CLOSE", **call(OFFICER), outcome="WITHDRAWN")
        assert refused.value.code == "role_not_allowed"

    def test_a_missing_scope(self) -> None:
        with pytest.raises(Forbidden) as refused:
            TABLE.advance("RECOMMENDED", "CONFIRM", **call(MANAGER, ["cases:write"]))
        assert refused.value.code == "scope_missing"

    def test_the_recommender_as_confirmer(self) -> None:
        with pytest.raises(Conflict) as refused:
            TABLE.advance("RECOMMENDED", "CONFIRM", **call(MANAGER, subject="a"))
        assert refused.value.code == "own_recommendation"

    @pytest.mark.parametrize("open_needs", [1, None])
    def test_a_guard_that_is_not_true(self, open_needs: int | None) -> None:
        with pytest.raises(Conflict) as refused:
            TABLE.advance("SERVED", "CLOSE", **call(open_needs=open_needs), outcome="HANDLED")
        assert refused.value.code == "needs_open"

    @pytest.mark.parametrize("reason", [None, "", " \n"])
    def test_a_reason_that_says_nothing(self, reason: str | None) -> None:
        with pytest.raises(Invalid) as refused:
            TABLE.require_reason(LINES[1], reason)
        assert fault(refused) == ("/reason", "reason_required")


class TestAdvance:
    def test_gives_the_line_of_the_table(self) -> None:
        assert TABLE.advance("RECOMMENDED", "CONFIRM", **call(MANAGER)) is LINES[2]
        assert TABLE.advance("SERVED", "CLOSE", **call(), outcome="HANDLED") is LINES[3]
        assert TABLE.advance("HANDLED", "REOPEN", **call(MANAGER)) is LINES[6]

    def test_the_only_outcome_may_be_named(self) -> None:
        assert TABLE.advance("OPEN", "CLOSE", **call(), outcome="WITHDRAWN") is LINES[1]

    def test_reasons_pass(self) -> None:
        TABLE.require_reason(LINES[1], "pindah")
        TABLE.require_reason(LINES[0], None)
        assert LINES[1].reason_required

    @pytest.mark.parametrize("open_needs", [0, 1, None])
    @pytest.mark.parametrize("subject", ["a", "b"])
    @pytest.mark.parametrize("scopes", [[], ["cases:write"], ["cases:write", "cases:decide"]])
    def test_accepts_what_allowed_actions_names_and_nothing_else(
        self, scopes: list[str], subject: str, open_needs: int | None
    ) -> None:
        for source, role in itertools.product([each.code for each in STATES], [OFFICER, MANAGER, "partner"]):
            asked = call(role, scopes, open_needs=open_needs, subject=subject)
            accepted = []
            for each in LINES:
                try:
                    TABLE.advance(source, each.action, **asked, outcome=each.target)
                except SlrtError:
                    continue
                accepted.append(each.action)
            assert TABLE.allowed_actions(source, **asked) == tuple(dict.fromkeys(accepted))


class TestAllowedActions:
    def test_stand_once_and_in_order(self) -> None:
        assert ONE_ROLE.allowed_actions("SERVED", **call(MANAGER)) == ("CLOSE", "RETURN")

    def test_sql_has_constants_where_nothing_is_guarded(self) -> None:
        assert sql(OFFICER) == (
            """(CASE WHEN c.status IN ('OPEN') THEN '["RECOMMEND","CLOSE"]'::json"""
            " WHEN c.status IN ('RECOMMENDED') THEN to_json(array_remove(ARRAY["
            "CASE WHEN ((c.recommended_by <> :subject)) THEN 'CONFIRM' END]::text[], NULL))"
            " WHEN c.status IN ('SERVED') THEN to_json(array_remove(ARRAY["
            "CASE WHEN ((c.open_needs = 0)) THEN 'CLOSE' END]::text[], NULL))"
            " ELSE '[]'::json END)"
        )

    def test_sql_of_a_manager_has_one_guard(self) -> None:
        assert (
            """WHEN c.status IN ('SERVED') THEN '["CLOSE","RETURN"]'::json"""
            """ WHEN c.status IN ('HANDLED') THEN '["REOPEN"]'::json"""
        ) in sql(MANAGER)

    def test_an_unguarded_outcome_frees_the_action(self) -> None:
        assert """WHEN c.status IN ('SERVED') THEN '["CLOSE","RETURN"]'::json""" in sql(MANAGER, ONE_ROLE)

    def test_a_guard_beside_an_unguarded_outcome_binds_only_its_own_action(self) -> None:
        assert (
            " WHEN c.status IN ('SERVED') THEN to_json(array_remove(ARRAY['CLOSE', "
            "CASE WHEN ((c.open_needs = 0)) THEN 'RETURN' END]::text[], NULL))"
        ) in sql(MANAGER, MIXED)

    def test_states_with_the_same_answer_share_it(self) -> None:
        lines = [line("OPEN", "CLOSE", "WITHDRAWN", guard=READY), line("SERVED", "CLOSE", "HANDLED", guard=READY)]
        others = [line("OPEN", "RECOMMEND", "RECOMMENDED", MANAGER), LINES[2]]
        assert "WHEN c.status IN ('OPEN', 'SERVED') THEN" in sql(OFFICER, Lifecycle("case", STATES, [*lines, *others]))

    def test_an_outcome_with_more_conditions_adds_no_test(self) -> None:
        stricter = line("SERVED", "CLOSE", "WITHDRAWN", guard=AllOf((READY, OTHER)))
        table = Lifecycle("case", STATES, [*LINES, stricter])
        assert sql(OFFICER, table) == sql(OFFICER)

    def test_sql_of_a_stranger_is_empty(self) -> None:
        assert sql("partner") == "'[]'::json"


def sql(role: str, table: Lifecycle = TABLE) -> str:
    return table.allowed_actions_sql(
        role=role,
        scopes=["cases:write", "cases:decide"],
        state_column="c.status",
        column=lambda name: f"c.{name}",
        actor=lambda name: f":{name}",
        constant=str,
    )


class TestDescribe:
    def test_is_the_lifecycle_answer(self) -> None:
        answer = TABLE.describe()
        assert list(answer) == ["name", "states", "transitions"]
        assert answer["states"][3] == {"code": "HANDLED", "label": {"id": "handled", "en": "Handled"}, "terminal": True}
        assert answer["transitions"][0] == {
            "from": "OPEN",
            "action": "RECOMMEND",
            "to": "RECOMMENDED",
            "roles": [OFFICER],
            "guard": None,
        }
        assert answer["transitions"][2]["roles"] == [OFFICER, MANAGER]
        assert answer["transitions"][2]["guard"] == "recommended_by <> actor.subject"
