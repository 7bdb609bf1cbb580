"""The ways of a case and of a need: who may do what from where.

States and actions are those of SLRT's way of work (registration, verification, assessment, recommendation and its
confirmation by somebody else, direct service and referral, feedback, re-assessment), with the emergency path that serves
first and completes afterwards: what it skipped stands as tasks, and no end but a death is reached while one is open. A case
that ends otherwise than by its needs must have no referral that still runs.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.cases.codes import CaseAction as A
from slrt_api.cases.codes import CaseStatus as C
from slrt_api.cases.codes import NeedAction, NeedStatus
from slrt_api.kernel.criteria import (
    ActorFact,
    AllOf,
    AtLeast,
    Constant,
    Criterion,
    Equals,
    Fact,
    Known,
    Not,
    NotEquals,
    Value,
)
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

OFFICERS = frozenset({Role.PUSKESOS_OFFICER, Role.SECRETARIAT_OFFICER, Role.SUPERVISOR})
MANAGERS = frozenset({Role.PUSKESOS_COORDINATOR, Role.SECRETARIAT_MANAGER})
DECIDERS = MANAGERS | {Role.SOCIAL_OFFICE}
UNIT = OFFICERS | MANAGERS
RECEIVERS = frozenset({Role.PARTNER, Role.PROGRAM_MANAGER})
#: the platform's own clock; no token carries this role
WORKER = frozenset({"worker"})

TERMINAL = frozenset(
    {
        C.CLOSED_SELF_RELIANT,
        C.CLOSED_HANDLED,
        C.CLOSED_UNFOUNDED,
        C.WITHDRAWN,
        C.DECEASED,
        C.MOVED,
        C.MERGED,
        C.NOT_COMPETENT,
    }
)
OPEN = tuple(status for status in C if status not in TERMINAL)
#: what comes before service: an emergency may show at any of these
_BEFORE_SERVICE = (
    C.REGISTERED,
    C.VERIFICATION,
    C.ASSESSMENT,
    C.AWAITING_DOCUMENTS,
    C.RECOMMENDED,
    C.RETURNED,
    C.REOPENED,
)

ASSESSED = AllOf((Equals(Fact("assessed"), Constant(value=True)), AtLeast(Fact("need_count"), Constant(1))))
NEEDS_LEFT = AtLeast(Fact("open_needs"), Constant(1))
NEEDS_DONE = Equals(Fact("open_needs"), Constant(0))
NO_REFERRAL = Equals(Fact("referred_needs"), Constant(0))
#: of an emergency: what was skipped has been made good
TASKS_DONE = Equals(Fact("open_tasks"), Constant(0))
#: its people have not gone to another regency, where it is served now
HERE = Not(Known(Fact("successor_id")))
#: while the people concerned may still have it taken up again at their word; what they asked for in time is in time
IN_WINDOW = Equals(Fact("reopenable"), Constant(value=True))
#: separation of duties: nobody decides what they recommended; who recommended must be known
NOT_THE_RECOMMENDER = NotEquals(Fact("recommended_by"), ActorFact("subject"))

#: columns of the row that guards read
COLUMNS = ("assessed", "need_count", "open_needs", "referred_needs", "recommended_by", "open_tasks", "successor_id")
#: what guards read of the row and the moment, as SQL over `{t}`
COMPUTED = {"reopenable": "({t}.reopen_until > now() OR {t}.reopening_asked_at IS NOT NULL)"}
FACTS = (*COLUMNS, *COMPUTED)


def facts(row: object, now: datetime) -> dict[str, Value]:
    """What guards read of a case at that instant."""
    until: datetime | None = getattr(row, "reopen_until", None)
    within = None if until is None else until > now
    asked = getattr(row, "reopening_asked_at", None) is not None
    return {name: getattr(row, name) for name in COLUMNS} | {"reopenable": asked or within}


def _states(code_list: str, terminal: frozenset[str]) -> tuple[State, ...]:
    items = load_code_lists()[code_list].items
    return tuple(State(item.code, Label(item.label_id, item.label_en), item.code in terminal) for item in items)


def _lines(
    sources: Iterable[C],
    action: A,
    target: C,
    roles: frozenset[Role] | frozenset[str],
    *,
    scope: Scope = Scope.CASES_WRITE,
    guard: Criterion | None = None,
    refusal: str = "guard_refused",
    reason_required: bool = False,
    also: tuple[tuple[Criterion, str], ...] = (),
) -> list[Transition]:
    names = frozenset(str(role) for role in roles)
    return [
        Transition(source, action, target, names, scope, guard, refusal, reason_required, also) for source in sources
    ]


_TASKS = (TASKS_DONE, "tasks_open")


def _closings() -> list[Transition]:
    """Every end of a case. The reason is its closing text, which the people concerned may read."""
    lines: list[Transition] = []
    for target, roles in ((C.CLOSED_SELF_RELIANT, MANAGERS), (C.CLOSED_HANDLED, UNIT)):
        lines += _lines(
            (C.REASSESSMENT, C.REOPENED),
            A.CLOSE,
            target,
            roles,
            guard=NEEDS_DONE,
            refusal="needs_open",
            reason_required=True,
            also=(_TASKS,),
        )
    for action, target, roles in (
        (A.CLOSE, C.CLOSED_UNFOUNDED, UNIT),
        (A.CLOSE, C.NOT_COMPETENT, UNIT),
        (A.CLOSE, C.DECEASED, UNIT),
        (A.WITHDRAW, C.WITHDRAWN, UNIT),
        (A.TRANSFER, C.MOVED, MANAGERS),
    ):
        lines += _lines(
            OPEN,
            action,
            target,
            roles,
            guard=NO_REFERRAL,
            refusal="referrals_open",
            reason_required=True,
            # Nobody can be asked any more for what was left out while there was a life to save.
            also=() if target is C.DECEASED else (_TASKS,),
        )
    # Its needs go on in the survivor, with the referrals that serve them.
    lines += _lines(OPEN, A.MERGE, C.MERGED, MANAGERS, guard=TASKS_DONE, refusal="tasks_open", reason_required=True)
    # Documents that do not come in their time: deemed withdrawn, by the worker.
    lines += _lines(
        (C.AWAITING_DOCUMENTS,),
        A.WITHDRAW,
        C.WITHDRAWN,
        WORKER,
        guard=NO_REFERRAL,
        refusal="referrals_open",
        reason_required=True,
        also=(_TASKS,),
    )
    return lines


def _reopenings() -> list[Transition]:
    """Managers take a case up again at any time, officers at the word of its people and in its window only.

    What was merged goes on in another case: to have it back, the merge is undone.
    """
    ends = [status for status in C if status in TERMINAL - {C.MERGED}]
    lines: list[Transition] = []
    for roles, scope, also in (
        (MANAGERS, Scope.CASES_DECIDE, ()),
        (OFFICERS, Scope.CASES_WRITE, ((IN_WINDOW, "reopen_window_over"),)),
    ):
        lines += _lines(
            ends,
            A.REOPEN,
            C.REOPENED,
            roles,
            scope=scope,
            guard=HERE,
            refusal="case_handed_over",
            reason_required=True,
            also=also,
        )
    return lines


CASE_LIFECYCLE = Lifecycle(
    "case",
    _states("case-statuses", TERMINAL),
    [
        *_lines((C.REGISTERED, C.REOPENED), A.VERIFY, C.VERIFICATION, OFFICERS),
        *_lines((C.VERIFICATION, C.RETURNED, C.REOPENED), A.ASSESS, C.ASSESSMENT, OFFICERS),
        *_lines(
            (C.VERIFICATION, C.ASSESSMENT), A.REQUEST_DOCUMENTS, C.AWAITING_DOCUMENTS, OFFICERS, reason_required=True
        ),
        *_lines((C.AWAITING_DOCUMENTS,), A.RESUME, C.ASSESSMENT, OFFICERS),
        *_lines(
            (C.ASSESSMENT, C.RETURNED),
            A.RECOMMEND,
            C.RECOMMENDED,
            OFFICERS,
            guard=ASSESSED,
            refusal="assessment_missing",
        ),
        *_lines((C.REASSESSMENT,), A.RECOMMEND, C.RECOMMENDED, OFFICERS, guard=NEEDS_LEFT, refusal="need_missing"),
        *_lines(
            (C.RECOMMENDED,),
            A.CONFIRM,
            C.CONFIRMED,
            DECIDERS,
            scope=Scope.CASES_DECIDE,
            guard=NOT_THE_RECOMMENDER,
            refusal="recommender_may_not_decide",
        ),
        *_lines(
            (C.RECOMMENDED,),
            A.RETURN,
            C.RETURNED,
            DECIDERS,
            scope=Scope.CASES_DECIDE,
            guard=NOT_THE_RECOMMENDER,
            refusal="recommender_may_not_decide",
            reason_required=True,
        ),
        *_lines((C.CONFIRMED,), A.START_SERVICE, C.IN_SERVICE, UNIT),
        *_lines(_BEFORE_SERVICE, A.MARK_EMERGENCY, C.IN_SERVICE, UNIT, reason_required=True),
        *_lines((C.IN_SERVICE,), A.COLLECT_FEEDBACK, C.FEEDBACK, OFFICERS, guard=NEEDS_DONE, refusal="needs_open"),
        *_lines((C.FEEDBACK,), A.REASSESS, C.REASSESSMENT, OFFICERS),
        *_closings(),
        *_reopenings(),
    ],
)


def _need(
    sources: Iterable[NeedStatus], action: NeedAction, target: NeedStatus, roles: frozenset[Role]
) -> list[Transition]:
    names = frozenset(role.value for role in roles)
    return [
        Transition(
            source,
            action,
            target,
            names,
            Scope.CASES_WRITE,
            reason_required=action in {NeedAction.FAIL, NeedAction.CANCEL, NeedAction.REOPEN},
        )
        for source in sources
    ]


_N = NeedStatus
NEED_LIFECYCLE = Lifecycle(
    "need",
    _states("need-statuses", frozenset({_N.MET, _N.UNMET, _N.CANCELLED})),
    [
        *_need((_N.OPEN,), NeedAction.SERVE, _N.DIRECT_SERVICE, UNIT),
        *_need((_N.OPEN,), NeedAction.REFER, _N.REFERRED, UNIT),
        *_need((_N.REFERRED,), NeedAction.RETURN, _N.OPEN, UNIT | RECEIVERS),
        *_need((_N.OPEN, _N.DIRECT_SERVICE), NeedAction.MEET, _N.MET, UNIT),
        *_need((_N.REFERRED,), NeedAction.MEET, _N.MET, UNIT | RECEIVERS),
        *_need((_N.OPEN, _N.DIRECT_SERVICE), NeedAction.FAIL, _N.UNMET, UNIT),
        *_need((_N.REFERRED,), NeedAction.FAIL, _N.UNMET, UNIT | RECEIVERS),
        *_need((_N.OPEN, _N.DIRECT_SERVICE), NeedAction.CANCEL, _N.CANCELLED, UNIT),
        *_need((_N.MET,), NeedAction.REOPEN, _N.OPEN, UNIT),
    ],
)


#: what of a need is done by hand, while its case lets it; all else moves with a referral or the record of a service
_SERVING = Equals(Fact("case_status"), Constant(C.IN_SERVICE.value))
_CASE_OPEN = Equals(Fact("case_open"), Constant(value=True))
#: its people say that the service of its referral never came, and the case has not ended
_NOT_RECEIVED = Equals(Fact("not_received"), Constant(value=True))
_BY_HAND = {
    NeedAction.SERVE: (_SERVING, "case_not_in_service"),
    NeedAction.FAIL: (_CASE_OPEN, "case_closed"),
    NeedAction.CANCEL: (_CASE_OPEN, "case_closed"),
    NeedAction.REOPEN: (_NOT_RECEIVED, "reopening_not_asked"),
}
BY_HAND = Lifecycle(
    "need",
    NEED_LIFECYCLE.states,
    [
        replace(line, guard=_BY_HAND[NeedAction(line.action)][0], refusal=_BY_HAND[NeedAction(line.action)][1])
        for line in NEED_LIFECYCLE.transitions
        if line.action in _BY_HAND and line.source != _N.REFERRED
    ],
    part=True,
)
#: the case of a part, as its guards read it: `k`, joined to `{t}`, the part
OF_CASE = "cases k ON k.regency = {t}.regency AND k.id = {t}.case_id"
#: what its guards read of the case
NEED_COMPUTED = {
    "case_status": "k.status",
    "case_open": "(k.id IS NOT NULL AND k.closed_at IS NULL)",
    "not_received": (
        "(k.closed_at IS NULL AND k.reopening_asked_at IS NOT NULL AND k.reopening_referral_id = {t}.referral_id)"
    ),
}


def need_line(source: str, target: str) -> Transition | None:
    """The line that leads a need from `source` to `target`, whoever causes it; None where there is none."""
    lines = (
        each
        for each in NEED_LIFECYCLE.transitions
        # What is met is opened again by an officer, and by nothing that follows from a referral.
        if (each.source, each.target) == (source, target) and each.action != NeedAction.REOPEN
    )
    return next(lines, None)
