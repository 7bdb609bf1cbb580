"""The life of a screening. It begins, ends and fails by the worker alone; a person may stop it."""

from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition
from slrt_api.programs.screenings.codes import ScreeningAction, ScreeningStatus

S = ScreeningStatus

#: who screens: whoever answers for an area as a whole
SCREENERS: Final = frozenset(
    {
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
        Role.SOCIAL_OFFICE,
    }
)


def _cancel(source: ScreeningStatus) -> Transition:
    return Transition(
        source.value,
        ScreeningAction.CANCEL.value,
        S.CANCELLED.value,
        frozenset(role.value for role in SCREENERS),
        Scope.ELIGIBILITY_SCREEN.value,
        reason_required=True,
    )


SCREENING_LIFECYCLE: Final = Lifecycle(
    "screening",
    [
        State(S.QUEUED.value, Label("Menunggu dijalankan", "Waiting for a worker")),
        State(S.RUNNING.value, Label("Berjalan", "Under way")),
        State(S.DONE.value, Label("Selesai", "Done"), terminal=True),
        State(S.CANCELLED.value, Label("Dihentikan", "Stopped"), terminal=True),
        State(S.FAILED.value, Label("Gagal", "Failed"), terminal=True),
    ],
    [_cancel(S.QUEUED), _cancel(S.RUNNING)],
    # The worker takes it from the first state to the others.
    initial=(S.QUEUED.value, S.RUNNING.value, S.DONE.value, S.FAILED.value),
)
