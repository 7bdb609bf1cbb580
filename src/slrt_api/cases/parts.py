"""The ways of what belongs to cases: lines of plans, assignments, tasks, family plans and merges. Who may do what from where.

One table each, for the use case, for `allowed_actions` and for the published lifecycle. Pure.
"""

from collections.abc import Mapping
from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.cases.codes import (
    AssignmentAnswer,
    AssignmentStatus,
    FamilyPlanAction,
    FamilyPlanStatus,
    MergeAction,
    MergeStatus,
    PlanAction,
    PlanLineStatus,
    TaskAction,
    TaskStatus,
    TaskType,
)
from slrt_api.cases.lifecycle import MANAGERS, NEED_COMPUTED, UNIT, WORKER
from slrt_api.kernel.criteria import ActorFact, AllOf, Constant, Criterion, Equals, Fact
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

#: what guards read of the case of a part, `OF_CASE`
CASE_OPEN: Final[Mapping[str, str]] = {"case_open": NEED_COMPUTED["case_open"]}
_OPEN: Final = Equals(Fact("case_open"), Constant(value=True))
_NAMES: Final = frozenset(role.value for role in UNIT)


def _states(code_list: str, *terminal: str) -> list[State]:
    items = load_code_lists()[code_list].items
    return [State(item.code, Label(item.label_id, item.label_en), item.code in terminal) for item in items]


def _line(
    source: str,
    action: str,
    target: str,
    *,
    roles: frozenset[str] = _NAMES,
    scope: Scope = Scope.CASES_WRITE,
    guard: Criterion | None = None,
    refusal: str = "guard_refused",
    reason: bool = False,
    also: tuple[tuple[Criterion, str], ...] = (),
) -> Transition:
    return Transition(source, action, target, roles, scope, guard, refusal, reason, also)


_P, _Pa = PlanLineStatus, PlanAction
#: also of a case that has ended: what was promised is still to be accounted for
PLAN_LINE_LIFECYCLE: Final = Lifecycle(
    "plan_line",
    _states("plan-line-statuses", _P.DONE, _P.DROPPED),
    [
        _line(_P.OPEN, _Pa.DONE, _P.DONE),
        _line(_P.OPEN, _Pa.DROP, _P.DROPPED, reason=True),
        *(_line(source, _Pa.REOPEN, _P.OPEN, reason=True) for source in (_P.DONE, _P.DROPPED)),
    ],
)

_A, _Aa = AssignmentStatus, AssignmentAnswer
#: whom it is offered to answers, who offered it takes it back
_FOR_ME: Final = Equals(Fact("assignee"), ActorFact("subject"))
_MINE: Final = Equals(Fact("offered_by"), ActorFact("subject"))
NOT_YOURS: Final = "not_your_assignment"
#: of an assignment: the columns that guards read besides
ASSIGNMENT_COLUMNS: Final = ("assignee", "offered_by")
#: What leads from ACTIVE to ENDED is that somebody else has the case: no step of the assignment itself.
ASSIGNMENT_LIFECYCLE: Final = Lifecycle(
    "assignment",
    _states("assignment-statuses", _A.DECLINED, _A.WITHDRAWN, _A.ENDED),
    [
        _line(_A.OFFERED, _Aa.ACCEPT, _A.ACTIVE, guard=_FOR_ME, refusal=NOT_YOURS, also=((_OPEN, "case_closed"),)),
        _line(_A.OFFERED, _Aa.DECLINE, _A.DECLINED, guard=_FOR_ME, refusal=NOT_YOURS, reason=True),
        _line(_A.OFFERED, _Aa.WITHDRAW, _A.WITHDRAWN, guard=_MINE, refusal=NOT_YOURS),
    ],
    part=True,
)

_T, _Ta = TaskStatus, TaskAction
_RECORDERS: Final = _NAMES | {Role.FACILITATOR.value}


def _settles(type_: TaskType) -> Criterion:
    return AllOf((_OPEN, Equals(Fact("type"), Constant(type_.value))))


#: Each action is the act that settles it, where that stands by itself.
TASK_LIFECYCLE: Final = Lifecycle(
    "task",
    _states("case-task-statuses", _T.DONE, _T.DROPPED),
    [
        _line(_T.OPEN, _Ta.CONFIRM_IDENTITY, _T.DONE, guard=_settles(TaskType.IDENTITY)),
        _line(_T.OPEN, _Ta.CHECK_REGISTRY, _T.DONE, guard=_settles(TaskType.REGISTRY_CHECK)),
        _line(_T.OPEN, _Ta.ASSESS, _T.DONE, guard=_settles(TaskType.ASSESSMENT)),
        _line(
            _T.OPEN,
            _Ta.RECORD_CONSENT,
            _T.DONE,
            roles=_RECORDERS,
            scope=Scope.CONSENTS_WRITE,
            guard=_settles(TaskType.CONSENT),
        ),
        # With the death of its people, or with its case that goes to another regency: nobody can do it here any more.
        _line(_T.OPEN, _Ta.DROP, _T.DROPPED, roles=WORKER),
    ],
)

_F, _Fa = FamilyPlanStatus, FamilyPlanAction
FAMILY_PLAN_LIFECYCLE: Final = Lifecycle(
    "family_plan",
    _states("family-plan-statuses", _F.ENDED),
    [
        _line(_F.ACTIVE, _Fa.ADD_CASE, _F.ACTIVE),
        _line(_F.ACTIVE, _Fa.REMOVE_CASE, _F.ACTIVE, reason=True),
        _line(_F.ACTIVE, _Fa.END, _F.ENDED, reason=True),
    ],
)

CASE_MERGE_LIFECYCLE: Final = Lifecycle(
    "case_merge",
    _states("case-merge-statuses", MergeStatus.UNDONE),
    [
        _line(
            MergeStatus.MERGED,
            MergeAction.UNDO,
            MergeStatus.UNDONE,
            roles=frozenset(role.value for role in MANAGERS),
            reason=True,
        )
    ],
)
