"""The lives of a version of a rule, of an enrollment, and of the review of an automated result."""

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.kernel.criteria import ActorFact, AllOf, AnyOf, Constant, Equals, Fact, NotEquals
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition
from slrt_api.programs.codes import EnrollmentAction, EnrollmentStatus, ReviewAction, ReviewStatus
from slrt_api.programs.codes import VersionAction as A
from slrt_api.programs.codes import VersionStatus as V

#: who may write programs of a level and their rules, within the own area
WRITERS = {
    "NATIONAL": frozenset({Role.NATIONAL_OFFICE}),
    "PROVINCE": frozenset({Role.PROVINCE_OFFICE, Role.NATIONAL_OFFICE}),
    "REGENCY": frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR}),
    "VILLAGE": frozenset({Role.PUSKESOS_COORDINATOR, Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR}),
    "NON_GOVERNMENT": frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR}),
}
ANY_WRITER = frozenset().union(*WRITERS.values())
#: who decides for a regency which of two sources counts, and whether a list of recipients is whole
CHOOSERS = frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR})
#: who records what a family receives: whoever records the family
ENROLLERS = frozenset(
    {
        Role.FACILITATOR,
        Role.PUSKESOS_OFFICER,
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
    }
)
#: who runs checks and takes requests for their review
CHECKERS = ENROLLERS | {Role.SOCIAL_OFFICE}
#: who decides a review
REVIEWERS = frozenset(
    {Role.PUSKESOS_COORDINATOR, Role.SUPERVISOR, Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE},
)


def _names(roles: frozenset[Role]) -> frozenset[str]:
    return frozenset(role.value for role in roles)


def _states(name: str, *terminal: str) -> list[State]:
    return [
        State(item.code, Label(item.label_id, item.label_en), item.code in terminal)
        for item in load_code_lists()[name].items
    ]


#: what guards of a version read: `level` of its program, and `reached`, whether that lies in the caller's area
_REACHED = AllOf(
    (
        Equals(Fact("reached"), Constant(value=True)),
        AnyOf(
            tuple(
                AllOf(
                    (
                        Equals(Fact("level"), Constant(level)),
                        AnyOf(tuple(Equals(ActorFact("role"), Constant(role.value)) for role in sorted(roles))),
                    )
                )
                for level, roles in WRITERS.items()
            )
        ),
    )
)

# The service refuses the maker before the guard does, with a code of its own; the guard keeps it out of `allowed_actions`.
VERSION_LIFECYCLE = Lifecycle(
    "rule_version",
    _states("rule-version-statuses", V.WITHDRAWN, V.DISCARDED),
    [
        Transition(
            V.DRAFT,
            A.PUBLISH,
            V.PUBLISHED,
            _names(ANY_WRITER),
            Scope.PROGRAMS_WRITE,
            guard=AllOf((_REACHED, NotEquals(Fact("drafted_by"), ActorFact("subject")))),
        ),
        Transition(
            V.DRAFT,
            A.DISCARD,
            V.DISCARDED,
            _names(ANY_WRITER),
            Scope.PROGRAMS_WRITE,
            guard=_REACHED,
            reason_required=True,
        ),
        Transition(
            V.PUBLISHED,
            A.WITHDRAW,
            V.WITHDRAWN,
            _names(ANY_WRITER),
            Scope.PROGRAMS_WRITE,
            guard=_REACHED,
            reason_required=True,
        ),
        Transition(
            V.SUPERSEDED,
            A.WITHDRAW,
            V.WITHDRAWN,
            _names(ANY_WRITER),
            Scope.PROGRAMS_WRITE,
            guard=_REACHED,
            reason_required=True,
        ),
    ],
    # The shipped ones come in published; a published one is superseded by the act that publishes the next.
    initial={V.DRAFT, V.PUBLISHED, V.SUPERSEDED},
)

ENROLLMENT_LIFECYCLE = Lifecycle(
    "enrollment",
    _states("enrollment-statuses", EnrollmentStatus.ENDED, EnrollmentStatus.VOID),
    [
        Transition(
            EnrollmentStatus.ACTIVE,
            EnrollmentAction.END,
            EnrollmentStatus.ENDED,
            _names(ENROLLERS),
            Scope.HOUSEHOLDS_WRITE,
            reason_required=True,
        ),
        Transition(
            EnrollmentStatus.ACTIVE,
            EnrollmentAction.VOID,
            EnrollmentStatus.VOID,
            _names(ENROLLERS),
            Scope.HOUSEHOLDS_WRITE,
            reason_required=True,
        ),
    ],
    # A list may tell of what has ended already.
    initial={EnrollmentStatus.ACTIVE, EnrollmentStatus.ENDED},
)

#: columns of a review that its guards read
REVIEW_FACTS = ("checked_by", "requested_by")
_ANOTHER = NotEquals(Fact("checked_by"), ActorFact("subject"))

REVIEW_LIFECYCLE = Lifecycle(
    "eligibility_review",
    _states("eligibility-review-statuses", ReviewStatus.UPHELD, ReviewStatus.CHANGED, ReviewStatus.WITHDRAWN),
    [
        Transition(
            ReviewStatus.REQUESTED,
            ReviewAction.UPHOLD,
            ReviewStatus.UPHELD,
            _names(REVIEWERS),
            Scope.ELIGIBILITY_CHECK,
            guard=_ANOTHER,
            reason_required=True,
        ),
        Transition(
            ReviewStatus.REQUESTED,
            ReviewAction.CHANGE,
            ReviewStatus.CHANGED,
            _names(REVIEWERS),
            Scope.ELIGIBILITY_CHECK,
            guard=_ANOTHER,
            reason_required=True,
        ),
        Transition(
            ReviewStatus.REQUESTED,
            ReviewAction.WITHDRAW,
            ReviewStatus.WITHDRAWN,
            _names(CHECKERS),
            Scope.ELIGIBILITY_CHECK,
            guard=Equals(Fact("requested_by"), ActorFact("subject")),
            refusal="not_own_request",
            reason_required=True,
        ),
    ],
)
