"""State machines as tables: who may do what from where.

One table drives the use case (`advance`), the `allowed_actions` of every answer (in Python and as SQL), the lifecycle
answer of the API and the exhaustive tests. A table that contradicts itself is refused when it is built.

The first state is where a thing begins, unless `initial` names others.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from slrt_api.kernel import criteria
from slrt_api.kernel.criteria import Criterion, Scalar, Truth, Value
from slrt_api.kernel.errors import Conflict, Forbidden, Invalid

_CODE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Label:
    id: str
    en: str


@dataclass(frozen=True)
class State:
    code: str
    label: Label
    terminal: bool = False


@dataclass(frozen=True)
class Transition:
    """One line of a table. `refusal` is the problem code (409) when the guard is not TRUE.

    Two lines may lead from one state to another by the same action, for roles that are not the same.
    """

    source: str
    action: str
    target: str
    roles: frozenset[str]
    scope: str
    guard: Criterion | None = None
    refusal: str = "guard_refused"
    reason_required: bool = False


class LabelAnswer(TypedDict):
    id: str
    en: str


class StateAnswer(TypedDict):
    code: str
    label: LabelAnswer
    terminal: bool


TransitionAnswer = TypedDict(
    "TransitionAnswer", {"from": str, "action": str, "to": str, "roles": list[str], "guard": str | None}
)


class LifecycleAnswer(TypedDict):
    name: str
    states: list[StateAnswer]
    transitions: list[TransitionAnswer]


class Lifecycle:
    """A table of states and transitions, validated once.

    initial        states in which a thing may begin; by default the first
    from_terminal  actions besides REOPEN that may leave a terminal state
    Raises ValueError, naming the line, for a table that contradicts itself.
    """

    def __init__(
        self,
        name: str,
        states: Sequence[State],
        transitions: Sequence[Transition],
        *,
        initial: Collection[str] = (),
        from_terminal: Collection[str] = (),
    ) -> None:
        self.name = name
        self.states = tuple(states)
        self.transitions = tuple(transitions)
        self.actions = tuple(dict.fromkeys(each.action for each in self.transitions))
        self._from = {
            state.code: tuple(each for each in self.transitions if each.source == state.code) for state in self.states
        }
        _validate(self, frozenset(initial or [self.states[0].code]), frozenset(from_terminal) | {"REOPEN"})

    def advance(
        self,
        state: str,
        action: str,
        *,
        role: str,
        scopes: Collection[str],
        row: Mapping[str, Value],
        actor: Mapping[str, Value],
        outcome: str | None = None,
    ) -> Transition:
        """The transition that `action` makes from `state`, or the refusal.

        outcome  the target, needed where the action has several from this state
        Raises Invalid (unknown action or outcome), Conflict (not from this state, guard), Forbidden (role, scope).
        """
        if action not in self.actions:
            raise Invalid.at("/action", "unknown_action", f"Not an action of a {self.name}.")
        choices = [each for each in self._from[state] if each.action == action]
        if not choices:
            raise Conflict("transition_not_allowed")
        transition = _choose(choices, outcome, role)
        if role not in transition.roles:
            raise Forbidden("role_not_allowed")
        if transition.scope not in scopes:
            raise Forbidden("scope_missing", scope=transition.scope)
        if not _passes(transition, row, actor):
            raise Conflict(transition.refusal)
        return transition

    def require_reason(self, transition: Transition, reason: str | None) -> None:
        """Raises Invalid where the transition needs a reason and none, or only space, is given."""
        if transition.reason_required and not (reason or "").strip():
            raise Invalid.at("/reason", "reason_required", "Say why, in words that the people concerned may read.")

    def allowed_actions(
        self,
        state: str,
        *,
        role: str,
        scopes: Collection[str],
        row: Mapping[str, Value],
        actor: Mapping[str, Value],
    ) -> tuple[str, ...]:
        """The actions that `advance` would accept with some outcome, each once, in the order of the table."""
        permitted = self._permitted(state, role, scopes)
        return tuple(dict.fromkeys(each.action for each in permitted if _passes(each, row, actor)))

    def allowed_actions_sql(
        self,
        *,
        role: str,
        scopes: Collection[str],
        state_column: str,
        column: Callable[[str], str],
        actor: Callable[[str], str],
        constant: Callable[[Scalar], str],
    ) -> str:
        """PostgreSQL expression of type json: the same array as `allowed_actions`, for the row at hand.

        Role and scopes are decided here and now, so that a compiled statement belongs to them. The callables are those
        of `criteria.to_sql`.
        """
        whens = []
        for state in self._from:
            guards: dict[str, list[Criterion | None]] = {}
            for each in self._permitted(state, role, scopes):
                guards.setdefault(each.action, []).append(each.guard)
            if not guards:
                continue
            if all(None in of_action for of_action in guards.values()):
                answer = f"'{json.dumps(list(guards), separators=(',', ':'))}'::json"
            else:
                items = []
                for action, of_action in guards.items():
                    known = tuple(guard for guard in of_action if guard is not None)
                    if len(known) < len(of_action):
                        items.append(f"'{action}'")
                    else:
                        test = criteria.to_sql(criteria.AnyOf(known), column, actor, constant)
                        items.append(f"CASE WHEN {test} THEN '{action}' END")
                answer = f"to_json(array_remove(ARRAY[{', '.join(items)}]::text[], NULL))"
            whens.append(f"WHEN '{state}' THEN {answer}")
        return f"(CASE {state_column} {' '.join(whens)} ELSE '[]'::json END)" if whens else "'[]'::json"

    def describe(self) -> LifecycleAnswer:
        """The answer of `GET /v1/meta/lifecycles/{name}`."""
        return {
            "name": self.name,
            "states": [
                {"code": each.code, "label": {"id": each.label.id, "en": each.label.en}, "terminal": each.terminal}
                for each in self.states
            ],
            "transitions": [
                {
                    "from": each.source,
                    "action": each.action,
                    "to": each.target,
                    "roles": sorted(each.roles),
                    "guard": criteria.describe(each.guard) if each.guard is not None else None,
                }
                for each in self.transitions
            ],
        }

    def _permitted(self, state: str, role: str, scopes: Collection[str]) -> list[Transition]:
        return [each for each in self._from[state] if role in each.roles and each.scope in scopes]


def _choose(choices: list[Transition], outcome: str | None, role: str) -> Transition:
    """The line of that outcome; of several, which differ by their roles, the one of `role`."""
    if outcome is None:
        if len({each.target for each in choices}) > 1:
            raise Invalid.at("/outcome", "outcome_required", "This action has several outcomes: name one.")
        outcome = choices[0].target
    lines = [each for each in choices if each.target == outcome]
    if not lines:
        raise Invalid.at("/outcome", "unknown_outcome", "Not an outcome of this action from the present state.")
    return next((each for each in lines if role in each.roles), lines[0])


def _passes(transition: Transition, row: Mapping[str, Value], actor: Mapping[str, Value]) -> bool:
    return transition.guard is None or criteria.evaluate(transition.guard, row, actor) is Truth.TRUE


def _validate(table: Lifecycle, initial: frozenset[str], from_terminal: frozenset[str]) -> None:
    codes = [state.code for state in table.states]
    terminal = {state.code for state in table.states if state.terminal}
    if len(set(codes)) < len(codes):
        raise ValueError(f"{table.name}: a state stands twice")
    for code in (*codes, *table.actions):
        # Codes are written into SQL as they are.
        if not _CODE.fullmatch(code):
            raise ValueError(f"{table.name}: {code!r} is not UPPER_SNAKE")
    seen: dict[tuple[str, str, str], frozenset[str]] = {}
    for each in table.transitions:
        line = f"{table.name}: {each.source} {each.action} {each.target}"
        if not {each.source, each.target} <= set(codes):
            raise ValueError(f"{line}: unknown state")
        # Twice only for others, who may under a condition of their own.
        before = seen.get((each.source, each.action, each.target), frozenset())
        if before & each.roles:
            raise ValueError(f"{line}: stands twice")
        if not each.roles:
            raise ValueError(f"{line}: nobody may")
        if each.source in terminal and each.action not in from_terminal:
            raise ValueError(f"{line}: leaves a terminal state")
        seen[each.source, each.action, each.target] = before | each.roles
    if not initial <= set(codes):
        raise ValueError(f"{table.name}: unknown initial state")
    forward = {(source, target) for source, _, target in seen}
    if unreachable := set(codes) - _closure(initial, forward):
        raise ValueError(f"{table.name}: unreachable {sorted(unreachable)}")
    if dead := set(codes) - _closure(terminal, {(target, source) for source, target in forward}):
        raise ValueError(f"{table.name}: no way to an end from {sorted(dead)}")


def _closure(start: Collection[str], edges: Collection[tuple[str, str]]) -> set[str]:
    reached: set[str] = set()
    frontier = set(start)
    while frontier:
        reached |= frontier
        frontier = {target for source, target in edges if source in frontier} - reached
    return reached
