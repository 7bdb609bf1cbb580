"""Messages between desk and complainant, and notes among those who work on a complaint.

A question, an answer, an objection and feedback are messages too: the step that they come with writes them. Of who wrote one
only the side is told.
"""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.complaints.codes import Action, ComplaintStatus, MessageAuthor, MessageType, MessageVisibility
from slrt_api.complaints.lifecycle import require_independent
from slrt_api.complaints.models import Complaint, Message
from slrt_api.complaints.service.step import TransitionComplaint, step
from slrt_api.complaints.service.words import MAX_TEXT, message, unanswered
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]

#: what one complainant may write in a day, so that nobody fills a desk through one receipt
MESSAGES_PER_DAY: Final = 20
_DAY: Final = timedelta(days=1)
_WRITTEN: Final = """
SELECT count(*) AS written, min(sent_at) AS first FROM complaint_messages
WHERE regency = $1 AND complaint_id = $2 AND author = 'COMPLAINANT' AND sent_at > $3
"""


class SendMessage(Command):
    """What is to be said, and to whom."""

    text: Text = Field(description="The message; kept encrypted.", examples=["Please bring the family card."])
    visibility: MessageVisibility = Field(
        default=MessageVisibility.COMPLAINANT,
        description="`COMPLAINANT`: the complainant reads it too. `INTERNAL`: those who work on it only.",
        examples=["COMPLAINANT"],
    )
    author: MessageAuthor | None = Field(
        default=None,
        description="`COMPLAINANT` where you write down what the complainant said; of a citizen it always is, and else the"
        " `OFFICER`.",
        examples=["OFFICER"],
    )


@use_case(
    "complaints.send_message",
    scope=None,
    one_of=(Scope.COMPLAINTS_HANDLE, Scope.COMPLAINTS_WRITE),
    answers=COMPLAINT,
    include=("messages",),
    conditional=False,
)
async def send(tx: Transaction, actor: Actor, id_: UUID, command: SendMessage) -> Complaint:
    """Send a message about a complaint.

    The desk writes with `complaints:handle`; whoever hears the complainant writes that down with `complaints:write` and the
    author `COMPLAINANT`. What the complainant says while a question waits (`AWAITING_COMPLAINANT`) is its answer. Complaints
    show since when the complainant waits for one (`unanswered_since`, filter `unanswered`).
    """
    author = command.author
    if actor.role == Role.CITIZEN:
        author = MessageAuthor.COMPLAINANT if author is None else author
        if author is not MessageAuthor.COMPLAINANT:
            raise errors.Forbidden("role_not_allowed")
    author = author or MessageAuthor.OFFICER
    complaint = await tx.ask(Complaint, id_)
    if author is MessageAuthor.OFFICER:
        actor.require(Scope.COMPLAINTS_HANDLE)
        require_independent(complaint, actor.guard_facts)
        return await _write(tx, complaint, author, command.visibility, command.text)
    if command.visibility is not MessageVisibility.COMPLAINANT:
        raise errors.Invalid.at("/visibility", "invalid", "What the complainant says is no note of the desk.")
    actor.require(Scope.COMPLAINTS_WRITE)
    return await hear(tx, actor, complaint, command.text)


async def hear(tx: Transaction, actor: Actor, complaint: Complaint, text: str) -> Complaint:
    """Take down what the complainant says: the answer to a question that waits, else a message.

    Raises TooManyRequests `messages_exhausted` beyond `MESSAGES_PER_DAY`.
    """
    row = await tx.first(_WRITTEN, complaint.regency, complaint.id, tx.now - _DAY)
    if row is not None and row["written"] >= MESSAGES_PER_DAY:
        wait = (row["first"] + _DAY - tx.now).total_seconds()
        raise errors.TooManyRequests("messages_exhausted", retry_after_seconds=max(1, round(wait)))
    if complaint.status == ComplaintStatus.AWAITING_COMPLAINANT:
        return await step(tx, actor, complaint, TransitionComplaint(action=Action.ANSWER, reason=text))
    return await _write(tx, complaint, MessageAuthor.COMPLAINANT, MessageVisibility.COMPLAINANT, text)


async def _write(
    tx: Transaction, complaint: Complaint, author: MessageAuthor, visibility: MessageVisibility, text: str
) -> Complaint:
    if complaint.sealed:
        tx = tx.veiled()
    written: Message = message(tx, complaint, author, MessageType.MESSAGE, text, visibility)
    await tx.insert(written)
    columns: dict[str, Any] = {}
    if visibility is MessageVisibility.COMPLAINANT:
        columns = unanswered(tx, complaint, author)
    type_ = "note_written" if visibility is MessageVisibility.INTERNAL else "message_sent"
    return await tx.change(complaint, type_, parts={"messages": [written]}, **columns)
