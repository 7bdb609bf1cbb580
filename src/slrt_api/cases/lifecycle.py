"""The ways of a case and of a need: who may do what from where.

States and actions are those of SLRT's way of work (registration, verification, assessment, recommendation and its
confirmation by somebody else, direct service and referral, feedback, re-assessment), with the emergency path that serves
first and completes afterwards. A case that ends otherwise than by its needs must have no referral that still runs.
"""

from collections.abc import Iterable

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.cases.codes import CaseAction as A
from slrt_api.cases.codes import CaseStatus as C
from slrt_api.cases.codes import NeedAction, NeedStatus
from slrt_api.kernel.criteria import ActorFact, AllOf, AtLeast, Constant, Criterion, Equals, Fact, NotEquals
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

OFFICERS = frozenset({Role.PUSKESOS_OFFICER, Role.SECRETARIAT_OFFICER, Role.SUPERVISOR})
MANAGERS = frozenset({Role.PUSKESOS_COORDINATOR, Role.SECRETARIAT_MANAGER})
DECIDERS = MANAGERS | {Role.SOCIAL_OFFICE}
UNIT = OFFICERS | MANAGERS
RECEIVERS = frozenset({Role.PARTNER, Role.PROGRAM_MANAGER})

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

ASSESSED = AllOf((Equals(Fact("assessed"), Constant(value=True)), AtLeast(Fact("need_count"), Constant(1))))
NEEDS_LEFT = AtLeast(Fact("open_needs"), Constant(1))
NEEDS_DONE = Equals(Fact("open_needs"), Constant(0))
NO_REFERRAL = Equals(Fact("referred_needs"), Constant(0))
#: separation of duties: nobody decides what they recommended; who recommended must be known
NOT_THE_RECOMMENDER = NotEquals(Fact("recommended_by"), ActorFact("subject"))

#: columns of the row that guards read
FACTS = ("assessed", "need_count", "open_needs", "referred_needs", "recommended_by")


def _states(code_list: str, terminal: frozenset[str]) -> tuple[State, ...]:
    items = load_code_lists()[code_list].items
    return tuple(State(item.code, Label(item.label_id, item.label_en), item.code in terminal) for item in items)


def _lines(
    sources: Iterable[C],
    action: A,
    target: C,
    roles: frozenset[Role],
    *,
    scope: Scope = Scope.CASES_WRITE,
    guard: Criterion | None = None,
    refusal: str = "guard_refused",
    reason_required: bool = False,
) -> list[Transition]:
    names = frozenset(role.value for role in roles)
    return [Transition(source, action, target, names, scope, guard, refusal, reason_required) for source in sources]


def _closings() -> list[Transition]:
    """Every end of a case. The reason is its closing text, which the people concerned may read."""
    lines: list[Transition] = []
    for target in (C.CLOSED_SELF_RELIANT, C.CLOSED_HANDLED):
        lines += _lines(
            (C.REASSESSMENT, C.REOPENED),
            A.CLOSE,
            target,
            UNIT,
            guard=NEEDS_DONE,
            refusal="needs_open",
            reason_required=True,
        )
    for target in (C.CLOSED_UNFOUNDED, C.NOT_COMPETENT, C.DECEASED):
        lines += _lines(OPEN, A.CLOSE, target, UNIT, guard=NO_REFERRAL, refusal="referrals_open", reason_required=True)
    for action, target, roles in (
        (A.WITHDRAW, C.WITHDRAWN, UNIT),
        (A.TRANSFER, C.MOVED, MANAGERS),
        (A.MERGE, C.MERGED, MANAGERS),
    ):
        lines += _lines(OPEN, action, target, roles, guard=NO_REFERRAL, refusal="referrals_open", reason_required=True)
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
        *_lines(
            (C.REGISTERED, C.VERIFICATION, C.ASSESSMENT), A.MARK_EMERGENCY, C.IN_SERVICE, UNIT, reason_required=True
        ),
        *_lines((C.IN_SERVICE,), A.COLLECT_FEEDBACK, C.FEEDBACK, OFFICERS, guard=NEEDS_DONE, refusal="needs_open"),
        *_lines((C.FEEDBACK,), A.REASSESS, C.REASSESSMENT, OFFICERS),
        *_closings(),
        *_lines(
            (status for status in C if status in TERMINAL),
            A.REOPEN,
            C.REOPENED,
            MANAGERS,
            scope=Scope.CASES_DECIDE,
            reason_required=True,
        ),
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
            reason_required=action in {NeedAction.FAIL, NeedAction.CANCEL},
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
    ],
)


def need_line(source: str, target: str) -> Transition | None:
    """The line that leads a need from `source` to `target`, whoever causes it; None where there is none."""
    lines = (each for each in NEED_LIFECYCLE.transitions if (each.source, each.target) == (source, target))
    return next(lines, None)
