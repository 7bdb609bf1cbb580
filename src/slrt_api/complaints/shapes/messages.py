"""Messages and notes of a complaint."""

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role
from slrt_api.complaints.codes import (
    MessageAuthor,
    MessageType,
    MessageVisibility,
)
from slrt_api.complaints.shapes.parts import MESSAGE_TEXT, MESSAGE_VAULT, rounded
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    Field,
    FieldType,
    Shape,
    Sort,
    code_filter,
)

_SEQUENCE = Sort("sequence", "{t}.sequence", "integer", int)
_MESSAGE_READERS = frozenset(role.value for role in CASE_WORKERS | {Role.CITIZEN, Role.AUDITOR, Role.INTEGRITY_OFFICER})


def _sent_at(role: str) -> str:
    """To the complainant the day only, unless the complaint is open."""
    return rounded("{v}") if role == Role.CITIZEN else "{v}"


AUTHOR = Field("author", FieldType.CODE, "Which side wrote it; who, is told to nobody.", codes=MessageAuthor)
TYPE = Field("type", FieldType.CODE, "What it is for the process.", codes=MessageType)
NUMBER = Field("sequence", FieldType.INTEGER, "Version of the complaint that it came with: their order.", example=3)

MESSAGE = (
    Shape(
        "message",
        "messages",
        "complaint_messages {t}",
        "A message between desk and complainant, or a note among those who work on the complaint (`INTERNAL`), which the"
        " complainant does not see. The text is for those who handle it, the complainant and auditors.",
        scope=None,
        kinds=ALL_STAFF | {ScopeKind.SUBJECT, ScopeKind.SEALED},
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the message."),
        NUMBER,
        AUTHOR,
        TYPE,
        Field("visibility", FieldType.CODE, "Who reads it.", codes=MessageVisibility),
        Field(
            "text",
            FieldType.TEXT,
            "What it says.",
            sealed=MESSAGE_TEXT,
            vault=MESSAGE_VAULT,
            readers=_MESSAGE_READERS,
            example="Please bring the family card.",
        ),
        Field(
            "sent_at",
            FieldType.INSTANT,
            "When; for the complainant the day, unless the complaint is open.",
            stripped=_sent_at,
        ),
    )
    .with_filters(
        code_filter("author", MessageAuthor, "Written by one of these sides."),
        code_filter("visibility", MessageVisibility, "Read by these."),
    )
    .with_sorts(ID_SORT, _SEQUENCE)
)
MESSAGE.default_sort = "sequence"
