"""The life of a referral: who sends, who answers, and that approved is not yet realized.

The sending side are the officers of the case's area. The receiving side is an organization (partner), which accepts or
declines, or a program's manager, who approves or rejects; everything else they do alike, under `referrals:respond`.
"""

from collections.abc import Iterable

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.kernel.criteria import Criterion, Fact, Known, Not
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition
from slrt_api.referrals.codes import ENDED, UNDECIDED, WAITING, OfferOutcome
from slrt_api.referrals.codes import ReferralAction as A
from slrt_api.referrals.codes import ReferralStatus as R

SENDERS = frozenset(
    {Role.PUSKESOS_OFFICER, Role.PUSKESOS_COORDINATOR, Role.SECRETARIAT_OFFICER, Role.SECRETARIAT_MANAGER}
)
RECEIVERS = frozenset({Role.PARTNER, Role.PROGRAM_MANAGER})
#: the platform's own clock; no token carries this role
WORKER = frozenset({"worker"})

#: who holds the receipt of the complaint from which the case was opened, and has shown its secret; no token carries this role
HOLDER = frozenset({"public"})

#: columns of the row that guards read
FACTS = ("receipt_confirmed_at",)


def _lines(
    sources: Iterable[R],
    action: A,
    target: R,
    roles: frozenset[Role] | frozenset[str],
    scope: Scope,
    *,
    reason: bool = False,
    guard: Criterion | None = None,
    refusal: str = "guard_refused",
) -> list[Transition]:
    names = frozenset(str(role) for role in roles)
    return [
        Transition(source, action, target, names, scope, guard=guard, refusal=refusal, reason_required=reason)
        for source in sources
    ]


_MANAGER = frozenset({Role.PROGRAM_MANAGER})
_PARTNER = frozenset({Role.PARTNER})
_RESPOND = Scope.REFERRALS_RESPOND

LIFECYCLE = Lifecycle(
    "referral",
    [
        State(item.code, Label(item.label_id, item.label_en), item.code in ENDED)
        for item in load_code_lists()["referral-statuses"].items
    ],
    [
        # The worker sends what it routes anew, when nobody answered.
        *_lines([R.DRAFT], A.SEND, R.SENT, SENDERS | WORKER, Scope.REFERRALS_WRITE),
        *_lines([R.SENT], A.RECEIVE, R.RECEIVED, RECEIVERS, _RESPOND),
        *_lines(UNDECIDED, A.REVIEW, R.UNDER_REVIEW, RECEIVERS, _RESPOND),
        *_lines(WAITING, A.APPROVE, R.APPROVED, _MANAGER, Scope.REFERRALS_DECIDE),
        *_lines(WAITING, A.ACCEPT, R.APPROVED, _PARTNER, _RESPOND),
        *_lines(WAITING, A.REJECT, R.REJECTED, _MANAGER, Scope.REFERRALS_DECIDE, reason=True),
        *_lines(WAITING, A.DECLINE, R.REJECTED, _PARTNER, _RESPOND, reason=True),
        # Again, when its place or period changes.
        *_lines(WAITING, A.WAITLIST, R.WAITLISTED, RECEIVERS, _RESPOND),
        *_lines(WAITING, A.REDIRECT, R.REDIRECTED, RECEIVERS, _RESPOND, reason=True),
        *_lines([R.APPROVED], A.REALIZE, R.REALIZED, RECEIVERS, _RESPOND),
        *_lines(
            [R.REALIZED],
            A.CONFIRM_RECEIPT,
            R.REALIZED,
            SENDERS | HOLDER,
            Scope.REFERRALS_WRITE,
            guard=Not(Known(Fact("receipt_confirmed_at"))),
            refusal="receipt_already_confirmed",
        ),
        *_lines([R.APPROVED], A.FAIL, R.FAILED, RECEIVERS, _RESPOND, reason=True),
        *_lines([R.DRAFT, *WAITING, R.APPROVED], A.REVOKE, R.REVOKED, SENDERS, Scope.REFERRALS_WRITE, reason=True),
        *_lines(WAITING, A.EXPIRE, R.EXPIRED, WORKER, Scope.REFERRALS_WRITE),
    ],
    from_terminal={A.CONFIRM_RECEIPT},
)

#: what becomes of an offer; each follows from a step of its referral, and nobody does anything with the offer itself
OFFER_LIFECYCLE = Lifecycle(
    "routing_offer",
    [
        State(item.code, Label(item.label_id, item.label_en), item.code != OfferOutcome.OPEN)
        for item in load_code_lists()["offer-outcomes"].items
    ],
    [
        *(
            Transition(OfferOutcome.OPEN, action, OfferOutcome.ANSWERED, roles, scope)
            for action, roles, scope in (
                (A.ACCEPT, _PARTNER, _RESPOND),
                (A.DECLINE, _PARTNER, _RESPOND),
                (A.APPROVE, _MANAGER, Scope.REFERRALS_DECIDE),
                (A.REJECT, _MANAGER, Scope.REFERRALS_DECIDE),
                (A.WAITLIST, RECEIVERS, _RESPOND),
                (A.REDIRECT, RECEIVERS, _RESPOND),
            )
        ),
        Transition(OfferOutcome.OPEN, A.EXPIRE, OfferOutcome.SILENT, WORKER, Scope.REFERRALS_WRITE),
        Transition(
            OfferOutcome.OPEN, A.REVOKE, OfferOutcome.WITHDRAWN, frozenset(map(str, SENDERS)), Scope.REFERRALS_WRITE
        ),
    ],
)
