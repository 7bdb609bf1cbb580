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
    also  further guards, each with its own refusal; asked after `guard`, in this order
    """

    source: str
    action: str
    target: str
    roles: frozenset[str]
    scope: str
    guard: Criterion | None = None
    refusal: str = "guard_refused"
    reason_required: bool = False
    also: tuple[tuple[Criterion, str], ...] = ()

    @property
    def whole(self) -> Criterion | None:
        """All guards as one; None where there is none."""
        parts = (*([self.guard] if self.guard is not None else []), *(guard for guard, _ in self.also))
        return parts[0] if len(parts) == 1 else criteria.AllOf(parts) if parts else None

    def refused(self, row: Mapping[str, Value], actor: Mapping[str, Value]) -> str | None:
        """The code of the first guard that is not TRUE."""
        for guard, code in (*([(self.guard, self.refusal)] if self.guard is not None else []), *self.also):
            if criteria.evaluate(guard, row, actor) is not Truth.TRUE:
                return code
        return None


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
    part           it is some lines of another table: not all of its states are on a way here
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
        part: bool = False,
    ) -> None:
        self.name = name
        self.states = tuple(states)
        self.transitions = tuple(transitions)
        self.actions = tuple(dict.fromkeys(each.action for each in self.transitions))
        self._from = {
            state.code: tuple(each for each in self.transitions if each.source == state.code) for state in self.states
        }
        _validate(self, frozenset(initial or [self.states[0].code]), frozenset(from_terminal) | {"REOPEN"}, part=part)

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
        lines = _choose(choices, outcome)
        own = [each for each in lines if role in each.roles]
        if not own:
            raise Forbidden("role_not_allowed")
        held = [each for each in own if each.scope in scopes]
        if not held:
            raise Forbidden("scope_missing", scope=own[0].scope)
        # Roles may have lines of their own to the same target, and one role several: the first that lets it pass.
        refusals = [each.refused(row, actor) for each in held]
        if None not in refusals:
            raise Conflict(refusals[0] or "guard_refused")
        return held[refusals.index(None)]

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
        of `criteria.to_sql`. PostgreSQL prepares the whole of it for each statement, whatever state the row is in: states
        with the same answer share it, and no test stands twice.
        """
        answers: dict[str, list[str]] = {}
        for state in self._from:
            guards: dict[str, list[Criterion | None]] = {}
            for each in self._permitted(state, role, scopes):
                guards.setdefault(each.action, []).append(each.whole)
            if not guards:
                continue
            if all(None in of_action for of_action in guards.values()):
                answer = f"'{json.dumps(list(guards), separators=(',', ':'))}'::json"
            else:
                items = []
                for action, of_action in guards.items():
                    known = [guard for guard in of_action if guard is not None]
                    if len(known) < len(of_action):
                        items.append(f"'{action}'")
                    else:
                        test = criteria.to_sql(criteria.any_of(known), column, actor, constant)
                        items.append(f"CASE WHEN {test} THEN '{action}' END")
                answer = f"to_json(array_remove(ARRAY[{', '.join(items)}]::text[], NULL))"
            answers.setdefault(answer, []).append(f"'{state}'")
        if not answers:
            return "'[]'::json"
        whens = [f"WHEN {state_column} IN ({', '.join(states)}) THEN {answer}" for answer, states in answers.items()]
        return f"(CASE {' '.join(whens)} ELSE '[]'::json END)"

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
                    "guard": criteria.describe(each.whole) if each.whole is not None else None,
                }
                for each in self.transitions
            ],
        }

    def _permitted(self, state: str, role: str, scopes: Collection[str]) -> list[Transition]:
        return [each for each in self._from[state] if role in each.roles and each.scope in scopes]


def _choose(choices: list[Transition], outcome: str | None) -> list[Transition]:
    """The lines to the target that is meant."""
    if outcome is None:
        if len({each.target for each in choices}) > 1:
            raise Invalid.at("/outcome", "outcome_required", "This action has several outcomes: name one.")
        return choices
    found = [each for each in choices if each.target == outcome]
    if not found:
        raise Invalid.at("/outcome", "unknown_outcome", "Not an outcome of this action from the present state.")
    return found


def _passes(transition: Transition, row: Mapping[str, Value], actor: Mapping[str, Value]) -> bool:
    return transition.refused(row, actor) is None


def _validate(table: Lifecycle, initial: frozenset[str], from_terminal: frozenset[str], *, part: bool) -> None:
    codes = [state.code for state in table.states]
    terminal = {state.code for state in table.states if state.terminal}
    if len(set(codes)) < len(codes):
        raise ValueError(f"{table.name}: a state stands twice")
    for code in (*codes, *table.actions):
        # Codes are written into SQL as they are.
        if not _CODE.fullmatch(code):
            raise ValueError(f"{table.name}: {code!r} is not UPPER_SNAKE")
    seen: set[tuple[str, str, str]] = set()
    lines: list[Transition] = []
    for each in table.transitions:
        line = f"{table.name}: {each.source} {each.action} {each.target}"
        if not {each.source, each.target} <= set(codes):
            raise ValueError(f"{line}: unknown state")
        if any(_same_way(other, each) for other in lines):
            raise ValueError(f"{line}: stands twice")
        if not each.roles:
            raise ValueError(f"{line}: nobody may")
        if each.source in terminal and each.action not in from_terminal:
            raise ValueError(f"{line}: leaves a terminal state")
        seen.add((each.source, each.action, each.target))
        lines.append(each)
    if not initial <= set(codes):
        raise ValueError(f"{table.name}: unknown initial state")
    if part:
        return
    forward = {(source, target) for source, _, target in seen}
    if unreachable := set(codes) - _closure(initial, forward):
        raise ValueError(f"{table.name}: unreachable {sorted(unreachable)}")
    if dead := set(codes) - _closure(terminal, {(target, source) for source, target in forward}):
        raise ValueError(f"{table.name}: no way to an end from {sorted(dead)}")


def _same_way(one: Transition, other: Transition) -> bool:
    """Whether two lines say twice who may go one way: roles may have lines of their own, under a scope or guard of their own."""
    ways = (one.source, one.action, one.target), (other.source, other.action, other.target)
    return ways[0] == ways[1] and bool(one.roles & other.roles) and one.scope == other.scope


def _closure(start: Collection[str], edges: Collection[tuple[str, str]]) -> set[str]:
    reached: set[str] = set()
    frontier = set(start)
    while frontier:
        reached |= frontier
        frontier = {target for source, target in edges if source in frontier} - reached
    return reached
