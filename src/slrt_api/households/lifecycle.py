"""What becomes of two persons who may be one: the table of decisions. `WITHDRAWN` is entered and left by the worker alone."""

from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.households.codes import DuplicateAction, DuplicateStatus
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

S, A = DuplicateStatus, DuplicateAction

#: who decides: who answers for the register of an area
DECIDERS: Final = frozenset({Role.SUPERVISOR, Role.SECRETARIAT_OFFICER, Role.SECRETARIAT_MANAGER})


def _line(source: DuplicateStatus, action: DuplicateAction, target: DuplicateStatus) -> Transition:
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(role.value for role in DECIDERS),
        Scope.DUPLICATES_DECIDE.value,
        reason_required=True,
    )


DUPLICATE_LIFECYCLE: Final = Lifecycle(
    "duplicate",
    [
        State(S.OPEN.value, Label("Menunggu keputusan", "Waiting for a decision")),
        State(S.LATER.value, Label("Ditunda", "Put off")),
        State(S.SAME.value, Label("Orang yang sama", "The same person"), terminal=True),
        State(S.DIFFERENT.value, Label("Orang berbeda", "Different people"), terminal=True),
        State(S.WITHDRAWN.value, Label("Tidak lagi diduga ganda", "No longer suspected"), terminal=True),
    ],
    [
        _line(S.OPEN, A.SAME, S.SAME),
        _line(S.OPEN, A.DIFFERENT, S.DIFFERENT),
        _line(S.OPEN, A.LATER, S.LATER),
        _line(S.LATER, A.SAME, S.SAME),
        _line(S.LATER, A.DIFFERENT, S.DIFFERENT),
        _line(S.DIFFERENT, A.REOPEN, S.OPEN),
    ],
    initial=(S.OPEN.value, S.WITHDRAWN.value),
)
