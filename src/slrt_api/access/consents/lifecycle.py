"""The life of a consent: given, and withdrawn by the person. Bases that are no consent cannot be withdrawn."""

from slrt_api.access.consents.codes import ConsentAction as A
from slrt_api.access.consents.codes import ConsentStatus as C
from slrt_api.access.consents.codes import LawfulBasis
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import load_code_lists
from slrt_api.kernel.criteria import Constant, Equals, Fact
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

#: who records consents and their withdrawal
RECORDERS = frozenset(
    {
        Role.FACILITATOR,
        Role.PUSKESOS_OFFICER,
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
    }
)
#: columns of the row that guards read
FACTS = ("basis",)

LIFECYCLE = Lifecycle(
    "consent",
    [
        State(item.code, Label(item.label_id, item.label_en), item.code == C.WITHDRAWN)
        for item in load_code_lists()["consent-statuses"].items
    ],
    [
        Transition(
            C.GIVEN,
            A.WITHDRAW,
            C.WITHDRAWN,
            frozenset(role.value for role in RECORDERS),
            Scope.CONSENTS_WRITE,
            guard=Equals(Fact("basis"), Constant(LawfulBasis.CONSENT.value)),
            refusal="basis_not_withdrawable",
            reason_required=True,
        ),
    ],
)
