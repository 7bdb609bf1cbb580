"""The life of a complaint: who may do what from where. Names are kept for ever.

Handling asks for `complaints:handle`; what the complainant does (answer, object) for `complaints:write`, which officers
hold as well, because most complainants answer by telephone or at the counter.

Nobody handles a complaint against themselves or their office. An office is known of whoever works in one, so where the
complaint names one and the caller's is not known, independence cannot be shown and handling is refused. A person is named by
an entry of the register, in which most officers do not stand: there only the caller who is known to be that person is
refused, or nobody could ever handle it.
"""

from collections.abc import Mapping
from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.complaints.codes import Action, ComplaintStatus
from slrt_api.kernel import criteria, errors
from slrt_api.kernel.criteria import ActorFact, AllOf, AnyOf, Fact, Known, Not, NotEquals, Truth, Value
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
#: who reopens: not the desk that closed
DECIDERS: Final = HANDLERS - {Role.PUSKESOS_OFFICER, Role.SECRETARIAT_OFFICER}
#: the complainant, and those who write down what the complainant says
COMPLAINANTS: Final = (HANDLERS - {Role.SOCIAL_OFFICE}) | {Role.CITIZEN, Role.FACILITATOR}

#: nothing more is expected of anybody
TERMINAL: Final = frozenset({S.CLOSED, S.LAPSED, S.NOT_COMPETENT, S.MERGED})

#: what would bring a sealed report out of the hands of those who handle such
_STAYS: Final = frozenset({A.FORWARD})
#: actions that say why, to the people concerned
_WITH_REASON: Final = frozenset(
    {A.ASK_COMPLAINANT, A.ANSWER, A.RETURN, A.OBJECT, A.LAPSE, A.REJECT_COMPETENCE, A.MERGE, A.REOPEN}
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

#: columns of the row that guards read
FACTS: Final = ("accused_person_id", "accused_organization_id")


def facts(row: object) -> dict[str, Value]:
    """What guards read of a complaint: ids as text, as the facts of actors are."""
    return {name: None if (id_ := getattr(row, name)) is None else str(id_) for name in FACTS}


def require_independent(row: object, actor: Mapping[str, Value]) -> None:
    """Raise Conflict `accused_may_not_handle` for handling that is no transition."""
    if criteria.evaluate(INDEPENDENT, facts(row), actor) is not Truth.TRUE:
        raise errors.Conflict(REFUSAL)


def _line(source: ComplaintStatus, action: Action, target: ComplaintStatus, *, reason: bool = False) -> Transition:
    spoken = action in {A.ANSWER, A.OBJECT}
    roles = COMPLAINANTS if spoken else DECIDERS if action is A.REOPEN else HANDLERS
    if action in _STAYS:
        roles = roles - {Role.INTEGRITY_OFFICER}
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(role.value for role in roles),
        (Scope.COMPLAINTS_WRITE if spoken else Scope.COMPLAINTS_HANDLE).value,
        # What the complainant says is written down by whoever hears it: that is no handling.
        guard=None if spoken else INDEPENDENT,
        refusal=REFUSAL,
        reason_required=reason or action in _WITH_REASON,
    )


def _open(source: ComplaintStatus, *actions: Action) -> list[Transition]:
    """Lines of a state in which the complaint lies on a desk."""
    targets = {
        A.TRIAGE: S.TRIAGED,
        A.FORWARD: S.FORWARDED,
        A.START: S.IN_PROGRESS,
        A.ASK_COMPLAINANT: S.AWAITING_COMPLAINANT,
        A.RETURN: S.RETURNED,
        A.RESOLVE: S.RESOLVED,
        A.REJECT_COMPETENCE: S.NOT_COMPETENT,
        A.MERGE: S.MERGED,
    }
    return [_line(source, action, targets[action]) for action in (*actions, A.REJECT_COMPETENCE, A.MERGE)]


COMPLAINT_LIFECYCLE: Final = Lifecycle(
    "complaint",
    [
        State(item.code, Label(item.label_id, item.label_en), terminal=item.code in TERMINAL)
        for item in load_code_lists()["complaint-statuses"].items
    ],
    [
        *_open(S.RECEIVED, A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
        *_open(S.TRIAGED, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
        *_open(S.FORWARDED, A.START, A.ASK_COMPLAINANT, A.RETURN, A.RESOLVE),
        *_open(S.IN_PROGRESS, A.FORWARD, A.ASK_COMPLAINANT, A.RETURN, A.RESOLVE),
        *_open(S.RETURNED, A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
        *_open(S.REOPENED, A.TRIAGE, A.FORWARD, A.START, A.ASK_COMPLAINANT, A.RESOLVE),
        _line(S.AWAITING_COMPLAINANT, A.ANSWER, S.IN_PROGRESS),
        _line(S.AWAITING_COMPLAINANT, A.LAPSE, S.LAPSED),
        _line(S.RESOLVED, A.OBJECT, S.OBJECTED),
        _line(S.RESOLVED, A.CLOSE, S.CLOSED),
        _line(S.OBJECTED, A.START, S.IN_PROGRESS),
        _line(S.OBJECTED, A.FORWARD, S.FORWARDED),
        _line(S.OBJECTED, A.RESOLVE, S.RESOLVED),
        # An objection that is not upheld is answered, so it is closed with a reason only.
        _line(S.OBJECTED, A.CLOSE, S.CLOSED, reason=True),
        _line(S.CLOSED, A.REOPEN, S.REOPENED),
        _line(S.LAPSED, A.REOPEN, S.REOPENED),
        _line(S.NOT_COMPETENT, A.REOPEN, S.REOPENED),
    ],
)
