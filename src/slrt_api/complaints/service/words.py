"""What is said about a complaint, as the row of a message."""

from typing import Any, Final

from slrt_api.complaints.codes import MessageAuthor, MessageType, MessageVisibility
from slrt_api.complaints.models import Complaint, Message
from slrt_api.complaints.shapes import MESSAGE_TEXT, SEALED_MESSAGE_TEXT
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction

MAX_TEXT: Final = 4_000


def message(
    tx: Transaction,
    complaint: Complaint,
    author: MessageAuthor,
    type_: MessageType,
    text: str,
    visibility: MessageVisibility = MessageVisibility.COMPLAINANT,
) -> Message:
    """The message that comes with the next change of the complaint. Its text is encrypted for this row, that of a sealed
    report under the keys of such reports."""
    id_ = new_id(Kind.MESSAGE, complaint.regency, tx.now, coarse=complaint.coarse)
    if complaint.sealed:
        kept = tx.keyring.sealed.encrypt(text, aad(SEALED_MESSAGE_TEXT, id_))
    else:
        kept = tx.keyring.encrypt(text, aad(MESSAGE_TEXT, id_))
    return Message(
        regency=complaint.regency,
        id=id_,
        area=complaint.area,
        complaint_id=complaint.id,
        sequence=complaint.version + 1,
        author=author.value,
        type=type_.value,
        visibility=visibility.value,
        text=kept,
        sent_at=tx.now,
        confidentiality=complaint.confidentiality,
        reporter_id=complaint.reporter_id,
        receipt=complaint.receipt,
        sealed=complaint.sealed,
    )


def unanswered(tx: Transaction, complaint: Complaint, author: MessageAuthor) -> dict[str, Any]:
    """Since when the complainant waits, after this side has spoken."""
    if author is MessageAuthor.OFFICER:
        return {"unanswered_since": None}
    return {"unanswered_since": complaint.unanswered_since or tx.now}
