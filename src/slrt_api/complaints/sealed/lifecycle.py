"""The life of a request to learn who filed a sealed report: one person asks, another one grants, the first looks, once."""

from collections.abc import Mapping
from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.complaints.sealed.codes import SealedAccessAction as A
from slrt_api.complaints.sealed.codes import SealedAccessStatus as S
from slrt_api.kernel.criteria import ActorFact, AllOf, AnyOf, Equals, Fact, Known, Not, NotEquals, Value
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

#: who handles sealed reports
HOLDERS: Final = frozenset({Role.INTEGRITY_OFFICER})
#: the step that shows the identity
REVEAL: Final = "REVEAL"

_ASKER: Final = Fact("asked_by"), ActorFact("subject")
_PERSON: Final = Fact("asked_by_person_id"), ActorFact("person_id")
#: one human being may hold two accounts; where both are known to be of one person, that person does not grant
ANOTHER: Final = AllOf(
    (NotEquals(*_ASKER), AnyOf((Not(Known(_PERSON[0])), Not(Known(_PERSON[1])), NotEquals(*_PERSON))))
)
OWN: Final = Equals(*_ASKER)
#: columns of the row that guards read
FACTS: Final = ("asked_by", "asked_by_person_id")


def facts(row: object) -> Mapping[str, Value]:
    """What guards read of a request: ids as text, as the facts of actors are."""
    return {name: None if (value := getattr(row, name)) is None else str(value) for name in FACTS}


def _line(source: S, action: str, target: S, *, own: bool | None = None, reason: bool = False) -> Transition:
    guard, refusal = {
        None: (None, "guard_refused"),
        True: (OWN, "sealed_access_of_another"),
        False: (ANOTHER, "sealed_access_own"),
    }[own]
    return Transition(
        source.value,
        action,
        target.value,
        frozenset(role.value for role in HOLDERS),
        Scope.COMPLAINTS_SEALED.value,
        guard=guard,
        refusal=refusal,
        reason_required=reason,
    )


LIFECYCLE: Final = Lifecycle(
    "sealed_access",
    [
        State(item.code, Label(item.label_id, item.label_en), item.code not in {S.REQUESTED, S.GRANTED})
        for item in load_code_lists()["sealed-access-statuses"].items
    ],
    [
        _line(S.REQUESTED, A.GRANT, S.GRANTED, own=False),
        _line(S.REQUESTED, A.REFUSE, S.REFUSED, own=False, reason=True),
        _line(S.REQUESTED, A.WITHDRAW, S.WITHDRAWN, own=True),
        _line(S.GRANTED, A.REVOKE, S.REVOKED, reason=True),
        _line(S.GRANTED, REVEAL, S.USED, own=True),
    ],
)
