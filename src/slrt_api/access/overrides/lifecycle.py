"""The life of an access override: granted at once, over by itself at `expires_at`, or ended early by the owning office.

Expiry is no state: it is the comparison with the clock, so nothing has to run for an override to end.
"""

from slrt_api.access.overrides.codes import OverrideAction as A
from slrt_api.access.overrides.codes import OverrideStatus as C
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

#: who may look at one resource outside the own area
BREAKERS = frozenset({Role.SUPERVISOR, Role.SECRETARIAT_OFFICER, Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE})
#: who may send to a welfare organization without consent
SHARERS = frozenset({Role.PUSKESOS_COORDINATOR, Role.SUPERVISOR, Role.SECRETARIAT_MANAGER})
#: who, in the office that the resource belongs to, may end it
REVOKERS = BREAKERS | SHARERS

LIFECYCLE = Lifecycle(
    "access_override",
    [
        State(item.code, Label(item.label_id, item.label_en), item.code != C.GRANTED)
        for item in load_code_lists()["access-override-statuses"].items
    ],
    [
        Transition(
            C.GRANTED,
            A.REVOKE,
            C.REVOKED,
            frozenset(role.value for role in REVOKERS),
            Scope.ACCESS_OVERRIDE,
            reason_required=True,
        ),
    ],
    initial={C.GRANTED, C.RECORDED},
)
