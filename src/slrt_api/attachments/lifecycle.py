"""The life of an attachment. That it is ready, refused or expired says the worker alone."""

from typing import Final

from slrt_api.access.scopes import Role, Scope
from slrt_api.attachments.codes import AttachmentAction, AttachmentStatus
from slrt_api.kernel.criteria import ActorFact, AnyOf, Equals, Fact, OneOf
from slrt_api.kernel.lifecycle import Label, Lifecycle, State, Transition

S, A = AttachmentStatus, AttachmentAction

#: the offices, who work on cases and complaints and decide them
OFFICES: Final = frozenset(
    {
        Role.PUSKESOS_OFFICER,
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
        Role.SOCIAL_OFFICE,
    }
)
#: to whom referrals go
RECEIVERS: Final = frozenset({Role.PARTNER, Role.PROGRAM_MANAGER})
#: who attaches: all who work with people or their complaints, who serves what is referred, and who complains
WRITERS: Final = OFFICES | RECEIVERS | {Role.FACILITATOR, Role.CITIZEN}
#: who reads what a file shows, which may be of a special category: as the words of a complaint
READERS: Final = OFFICES | RECEIVERS | {Role.CITIZEN, Role.AUDITOR, Role.INTEGRITY_OFFICER}

#: columns of the row that guards read
FACTS: Final = ("uploaded_by",)
#: a partner or citizen takes back what is their own; the offices answer for what lies with them
MAY_WITHDRAW: Final = AnyOf(
    (
        OneOf(ActorFact("role"), tuple(sorted(role.value for role in OFFICES))),
        Equals(Fact("uploaded_by"), ActorFact("subject")),
    )
)


def _line(source: AttachmentStatus, action: AttachmentAction, target: AttachmentStatus) -> Transition:
    withdraws = action is A.WITHDRAW
    return Transition(
        source.value,
        action.value,
        target.value,
        frozenset(role.value for role in WRITERS),
        Scope.ATTACHMENTS_WRITE.value,
        guard=MAY_WITHDRAW if withdraws else None,
        refusal="not_your_attachment",
        reason_required=withdraws,
    )


ATTACHMENT_LIFECYCLE: Final = Lifecycle(
    "attachment",
    [
        State(S.UPLOADING.value, Label("Sedang diunggah", "Being uploaded")),
        State(S.PROCESSING.value, Label("Sedang diperiksa", "Being examined")),
        State(S.READY.value, Label("Siap", "Ready")),
        State(S.REFUSED.value, Label("Ditolak", "Refused"), terminal=True),
        State(S.WITHDRAWN.value, Label("Ditarik", "Withdrawn"), terminal=True),
        State(S.EXPIRED.value, Label("Kedaluwarsa", "Expired"), terminal=True),
    ],
    [
        _line(S.UPLOADING, A.COMPLETE, S.PROCESSING),
        *(_line(source, A.WITHDRAW, S.WITHDRAWN) for source in (S.UPLOADING, S.PROCESSING, S.READY)),
    ],
    # The worker takes it to these.
    initial=(S.UPLOADING.value, S.READY.value, S.REFUSED.value, S.EXPIRED.value),
)
