"""The life of a complaint: who may do what from where. Names are kept for ever.

Handling asks for `complaints:handle`; what the complainant does (answer, object, rate, have it reopened) for
`complaints:write`, which officers hold as well, because most complainants answer by telephone or at the counter. Who holds
the receipt does the same without a token, as `public`; the worker closes what nobody objected to and lapses what nobody
answered.

Nobody handles a complaint against themselves or their office. An office is known of whoever works in one, so where the
complaint names one and the caller's is not known, independence cannot be shown and handling is refused. A person is named by
an entry of the register, in which most officers do not stand: there only the caller who is known to be that person is
refused, or nobody could ever handle it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.complaints.codes import Action, ComplaintStatus
from slrt_api.kernel import criteria, errors
from slrt_api.kernel.criteria import (
    ActorFact,
    AllOf,
    AnyOf,
    Constant,
    Criterion,
    Equals,
    Fact,
    Known,
    Not,
    NotEquals,
    Truth,
    Value,
)
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

S, A = ComplaintStatus, Action

HANDLERS: Final = frozenset(
    {
        Role.PUSKESOS_OFFICER,
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
        Role.SOCIAL_OFFICE,
        # Of sealed reports, which nobody else sees; and of nothing else.
        Role.INTEGRITY_OFFICER,
    }
)
#: of these, who works with cases, households and other complaints beside
DESK: Final = HANDLERS - {Role.INTEGRITY_OFFICER}
#: who reopens: not the desk that closed
DECIDERS: Final = HANDLERS - {Role.PUSKESOS_OFFICER, Role.SECRETARIAT_OFFICER}
#: who holds the receipt and its secret; no token carries this role
PUBLIC: Final = "public"
#: the platform's own clock; no token carries this role either
WORKER: Final = "worker"
#: the complainant, and those who write down what the complainant says
COMPLAINANTS: Final = (HANDLERS - {Role.SOCIAL_OFFICE}) | {Role.CITIZEN, Role.FACILITATOR, PUBLIC}
#: of these, who may have reopened only what may still be reopened; the others decide that themselves
ASKING: Final = frozenset({Role.CITIZEN, Role.FACILITATOR, PUBLIC})
#: what the complainant does
SPOKEN: Final = frozenset({A.ANSWER, A.OBJECT, A.RATE})

#: nothing more is expected of anybody
TERMINAL: Final = frozenset({S.CLOSED, S.LAPSED, S.NOT_COMPETENT, S.MERGED})

#: what would bring a sealed report out of the hands of those who handle such
_STAYS: Final = frozenset({A.FORWARD})
#: actions that say why, to the people concerned
_WITH_REASON: Final = frozenset(
    {A.ASK_COMPLAINANT, A.ANSWER, A.RETURN, A.OBJECT, A.LAPSE, A.REJECT_COMPETENCE, A.MERGE, A.REOPEN, A.UNMERGE}
)


_PERSON: Final = Fact("accused_person_id"), ActorFact("person_id")
_OFFICE: Final = Fact("accused_organization_id"), ActorFact("organization_id")
#: separation of duties. Unknown where an office is accused and the caller's is not known, and only what is true passes
INDEPENDENT: Final = AllOf(
    (
        AnyOf((Not(Known(_PERSON[0])), Not(Known(_PERSON[1])), NotEquals(*_PERSON))),
        AnyOf((Not(Known(_OFFICE[0])), NotEquals(*_OFFICE))),
    )
)
REFUSAL: Final = "accused_may_not_handle"

#: what guards read of the row: columns as they stand, and whether a window is open now
FACTS: Final = (
    "accused_person_id",
    "accused_organization_id",
    "objection_open",
    "reopen_open",
    "rated_at",
    "merged_from",
)
_IDS: Final = FACTS[:2]
#: window -> the column that tells its end
WINDOWS: Final = {"objection_open": "objection_until", "reopen_open": "reopen_until"}

_OBJECTION_OPEN: Final = Equals(Fact("objection_open"), Constant(value=True))
_REOPEN_OPEN: Final = Equals(Fact("reopen_open"), Constant(value=True))
_NOT_RATED: Final = Not(Known(Fact("rated_at")))


class Row(Protocol):
    """The columns of a complaint that `facts` reads."""

    accused_person_id: UUID | None
    accused_organization_id: UUID | None
    objection_until: datetime | None
    reopen_until: datetime | None
    rated_at: datetime | None
    merged_from: str | None


def facts(row: Row, now: datetime) -> dict[str, Value]:
    """What guards read of a complaint at an instant: ids as text, as the facts of actors are."""
    ids = {name: None if (id_ := getattr(row, name)) is None else str(id_) for name in _IDS}
    windows = {name: None if (end := getattr(row, column)) is None else end > now for name, column in WINDOWS.items()}
    return {**ids, **windows, "rated_at": row.rated_at, "merged_from": row.merged_from}


#: the same as SQL over the alias `{t}`
FACTS_SQL: Final = {
    # Text, as the facts of the caller are.
    **{name: f"({{t}}.{name})::text" for name in _IDS},
    **{name: f"({{t}}.{column} > statement_timestamp())" for name, column in WINDOWS.items()},
}


def require_independent(row: Row, actor: Mapping[str, Value]) -> None:
    """Raise Conflict `accused_may_not_handle` for handling that is no transition."""
    accused = {name: None if (id_ := getattr(row, name)) is None else str(id_) for name in _IDS}
    if criteria.evaluate(INDEPENDENT, accused, actor) is not Truth.TRUE:
        raise errors.Conflict(REFUSAL)


def _line(source: ComplaintStatus, action: Action, target: ComplaintStatus, *, reason: bool = False) -> Transition:
    """A step of the handling."""
    roles = DECIDERS if action in {A.REOPEN, A.UNMERGE} else HANDLERS
    if action in _STAYS:
        roles = DESK
    guard: Criterion = INDEPENDENT
    if action is A.UNMERGE:
        guard = AllOf((INDEPENDENT, Equals(Fact("merged_from"), Constant(target.value))))
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(role.value for role in roles),
        Scope.COMPLAINTS_HANDLE.value,
        guard=guard,
        refusal=REFUSAL,
        reason_required=reason or action in _WITH_REASON,
    )


def _spoken(
    source: ComplaintStatus,
    action: Action,
    target: ComplaintStatus,
    guard: Criterion | None = None,
    refusal: str = "guard_refused",
) -> Transition:
    """A step of the complainant. What the complainant says is written down by whoever hears it: that is no handling."""
    roles = ASKING if action is A.REOPEN else COMPLAINANTS
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(str(role) for role in roles),
        Scope.COMPLAINTS_WRITE.value,
        guard=guard,
        refusal=refusal,
        reason_required=action in _WITH_REASON,
    )


def _by_itself(source: ComplaintStatus, action: Action, target: ComplaintStatus) -> Transition:
    """A step of the worker, when a window has passed."""
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset({WORKER}),
        Scope.COMPLAINTS_HANDLE.value,
    )


_TARGETS: Final = {
    A.TRIAGE: S.TRIAGED,
    A.FORWARD: S.FORWARDED,
    A.START: S.IN_PROGRESS,
    A.ASK_COMPLAINANT: S.AWAITING_COMPLAINANT,
    A.RETURN: S.RETURNED,
    A.RESOLVE: S.RESOLVED,
    A.REJECT_COMPETENCE: S.NOT_COMPETENT,
    A.MERGE: S.MERGED,
}
#: states in which a complaint lies on a desk -> what may be done there; each may be merged and turned out to be for others
_DESKS: Final = {
    S.RECEIVED: (A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
    S.TRIAGED: (A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
    S.FORWARDED: (A.START, A.ASK_COMPLAINANT, A.RETURN, A.RESOLVE),
    S.IN_PROGRESS: (A.FORWARD, A.ASK_COMPLAINANT, A.RETURN, A.RESOLVE),
    S.RETURNED: (A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
    S.REOPENED: (A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
}


COMPLAINT_LIFECYCLE: Final = Lifecycle(
    "complaint",
    [
        State(item.code, Label(item.label_id, item.label_en), terminal=item.code in TERMINAL)
        for item in load_code_lists()["complaint-statuses"].items
    ],
    [
        *(
            _line(source, action, _TARGETS[action])
            for source, actions in _DESKS.items()
            for action in (*actions, A.REJECT_COMPETENCE, A.MERGE)
        ),
        _spoken(S.AWAITING_COMPLAINANT, A.ANSWER, S.IN_PROGRESS),
        _line(S.AWAITING_COMPLAINANT, A.LAPSE, S.LAPSED),
        _by_itself(S.AWAITING_COMPLAINANT, A.LAPSE, S.LAPSED),
        _spoken(S.RESOLVED, A.OBJECT, S.OBJECTED, _OBJECTION_OPEN, "objection_window_over"),
        _spoken(S.RESOLVED, A.RATE, S.RESOLVED, _NOT_RATED, "rated_already"),
        _line(S.RESOLVED, A.CLOSE, S.CLOSED),
        _by_itself(S.RESOLVED, A.CLOSE, S.CLOSED),
        _line(S.OBJECTED, A.START, S.IN_PROGRESS),
        _line(S.OBJECTED, A.FORWARD, S.FORWARDED),
        _line(S.OBJECTED, A.RESOLVE, S.RESOLVED),
        # An objection that is not upheld is answered, so it is closed with a reason only.
        _line(S.OBJECTED, A.CLOSE, S.CLOSED, reason=True),
        _spoken(S.CLOSED, A.RATE, S.CLOSED, _NOT_RATED, "rated_already"),
        *(_line(source, A.REOPEN, S.REOPENED) for source in (S.CLOSED, S.LAPSED, S.NOT_COMPETENT)),
        *(
            _spoken(source, A.REOPEN, S.REOPENED, _REOPEN_OPEN, "reopen_window_over")
            for source in (S.CLOSED, S.LAPSED, S.NOT_COMPETENT)
        ),
        # Back to where it was: of these lines the guard passes one.
        *(_line(S.MERGED, A.UNMERGE, target) for target in _DESKS),
    ],
    from_terminal={A.RATE, A.UNMERGE},
)
