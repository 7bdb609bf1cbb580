"""What becomes of two persons who may be one, and of a household that is offered to another regency: the tables of decisions.

Of a duplicate, `WITHDRAWN` is entered and left by the worker alone.
"""

from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.households.codes import (
    Direction,
    DuplicateAction,
    DuplicateStatus,
    HandoverAction,
    HandoverStatus,
    LineageAction,
    LineageStatus,
    Operation,
    TicketAction,
    TicketStatus,
)
from slrt_api.kernel.criteria import Constant, Equals, Fact, Not, OneOf
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

#: who offers a household to another regency: who records what happens to families
OFFERERS: Final = DECIDERS | {Role.PUSKESOS_OFFICER, Role.PUSKESOS_COORDINATOR}
H = HandoverStatus
#: columns of the row that guards read
HANDOVER_FACTS: Final = ("direction",)


def _answer(
    action: HandoverAction, target: HandoverStatus, roles: frozenset[Role], side: Direction, *, reason: bool
) -> Transition:
    return Transition(
        H.OFFERED.value,
        action.value,
        target.value,
        frozenset(role.value for role in roles),
        Scope.HANDOVERS_WRITE.value,
        guard=Equals(Fact("direction"), Constant(side.value)),
        refusal="other_side_decides",
        reason_required=reason,
    )


HANDOVER_LIFECYCLE: Final = Lifecycle(
    "handover",
    [
        State(H.OFFERED.value, Label("Ditawarkan", "Offered")),
        State(H.ACCEPTED.value, Label("Diterima", "Accepted"), terminal=True),
        State(H.DECLINED.value, Label("Ditolak", "Declined"), terminal=True),
        State(H.WITHDRAWN.value, Label("Ditarik kembali", "Withdrawn"), terminal=True),
    ],
    [
        _answer(HandoverAction.ACCEPT, H.ACCEPTED, DECIDERS, Direction.INCOMING, reason=False),
        _answer(HandoverAction.DECLINE, H.DECLINED, DECIDERS, Direction.INCOMING, reason=True),
        _answer(HandoverAction.WITHDRAW, H.WITHDRAWN, OFFERERS, Direction.OUTGOING, reason=True),
    ],
)

T = TicketStatus


def _ticket(source: TicketStatus, action: TicketAction, target: TicketStatus) -> Transition:
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(role.value for role in DECIDERS),
        Scope.DUPLICATES_DECIDE.value,
        reason_required=action is not TicketAction.AGREE,
    )


TICKET_LIFECYCLE: Final = Lifecycle(
    "duplicate_ticket",
    [
        State(T.OPEN.value, Label("Menunggu kedua pihak", "Waiting for both sides")),
        State(T.WAITING.value, Label("Menunggu pihak lain", "Waiting for the other side")),
        State(T.ASKED.value, Label("Pihak lain sudah setuju", "The other side has agreed")),
        State(T.AGREED.value, Label("Kedua pihak setuju", "Both sides have agreed")),
        State(T.DIFFERENT.value, Label("Orang berbeda", "Different people"), terminal=True),
        State(T.RELEASED.value, Label("Dilepas ke pihak lain", "Released to the other side"), terminal=True),
        State(T.TAKEN.value, Label("Dilanjutkan di pihak ini", "Goes on on this side"), terminal=True),
        State(T.WITHDRAWN.value, Label("Tidak lagi diduga ganda", "No longer suspected"), terminal=True),
    ],
    [
        _ticket(T.OPEN, TicketAction.AGREE, T.WAITING),
        _ticket(T.ASKED, TicketAction.AGREE, T.AGREED),
        *(_ticket(each, TicketAction.DIFFERENT, T.DIFFERENT) for each in (T.OPEN, T.WAITING, T.ASKED, T.AGREED)),
        _ticket(T.AGREED, TicketAction.RELEASE, T.RELEASED),
    ],
    # What the other side does leads to these.
    initial=(T.OPEN.value, T.ASKED.value, T.TAKEN.value, T.WITHDRAWN.value),
)

#: columns of the row that guards read
LINEAGE_FACTS: Final = ("operation",)
_ACROSS: Final = (Operation.MOVE_OUT.value, Operation.MOVE_IN.value)


def _undoing(scope: Scope, *operations: str, other: bool = False) -> Transition:
    """The line of some operations; `other`: of all but these."""
    named = OneOf(Fact("operation"), operations)
    return Transition(
        LineageStatus.DONE.value,
        LineageAction.UNDO.value,
        LineageStatus.UNDONE.value,
        frozenset(role.value for role in OFFERERS),
        scope.value,
        guard=Not(named) if other else named,
        refusal="undo_blocked",
        reason_required=True,
    )


#: What crossed a border comes back by another hand-over. Who may not decide that two are one may not decide that they are not.
LINEAGE_LIFECYCLE: Final = Lifecycle(
    "lineage",
    [
        State(LineageStatus.DONE.value, Label("Berlaku", "Stands")),
        State(LineageStatus.UNDONE.value, Label("Dibatalkan", "Undone"), terminal=True),
    ],
    [
        _undoing(Scope.HOUSEHOLDS_WRITE, *_ACROSS, Operation.MERGE_PERSONS.value, other=True),
        _undoing(Scope.DUPLICATES_DECIDE, Operation.MERGE_PERSONS.value),
    ],
)
