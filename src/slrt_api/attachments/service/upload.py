"""Uploading: how far it is, one more part, its end, and taking the file back.

Parts go to the object store before the act that counts them, and any worker takes any part: how far an upload is stands in
the database alone, so that it outlives whoever took the parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.attachments import vault
from slrt_api.attachments.codes import AttachmentAction, AttachmentStatus
from slrt_api.attachments.frames import FileKey
from slrt_api.attachments.lifecycle import ATTACHMENT_LIFECYCLE, FACTS, WRITERS
from slrt_api.attachments.models import Attachment, AttachmentPart
from slrt_api.attachments.shapes import ATTACHMENT
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, Result, use_case

EVENTS: Final = {AttachmentAction.COMPLETE: "completed", AttachmentAction.WITHDRAW: "withdrawn"}
#: what of a file that is gone is forgotten with it; its bytes follow, and are ciphertext without a key from now on
FORGOTTEN: Final[Mapping[str, None]] = dict.fromkeys((*vault.ENCRYPTED, *map(vault.column, vault.ENCRYPTED)))

_HELD: Final = "SELECT coalesce(max(starts + size), 0) FROM attachment_parts WHERE regency = $1 AND attachment_id = $2"
_NEXT: Final = "UPDATE attachment_tasks SET task = $3, due_at = $4 WHERE regency = $1 AND id = $2"


@dataclass(frozen=True)
class Progress:
    """How far an upload is.

    offset    bytes that have arrived, from the beginning
    size      bytes that there will be
    complete  nothing more is taken
    object    the random name under which its objects lie
    key       the key of its objects, as the row keeps it; None once it is gone
    """

    offset: int
    size: int
    complete: bool
    object: str
    key: FileKey | None


class AppendPart(Command):
    """A part that lies in the object store.

    starts    where in the file it begins
    digest    keyed digest of its bytes
    object    the object that holds it; empty where none was written, because there is nothing to be added
    complete  it is the last one
    """

    starts: int = Field(ge=0)
    size: int = Field(ge=0)
    digest: bytes
    object: str
    complete: bool


class AttachmentTransition(Command):
    """What is to be done with the attachment."""

    action: AttachmentAction = Field(description="One of its `allowed_actions`.", examples=["WITHDRAW"])
    reason: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None, description="Why. Needed by WITHDRAW.", examples=["Foto keluarga lain terlampir."]
    )


@use_case("attachments.progress", scope=Scope.ATTACHMENTS_WRITE, roles=WRITERS | {"public"}, conditional=False)
async def progress(tx: Transaction, actor: Actor, id_: UUID) -> Progress:
    """How far an upload is.

    `Upload-Offset` tells how many bytes have arrived, `Upload-Complete` whether nothing more is taken (`?1`). HEAD answers the
    same. Names are those of the draft standard for resumable uploads (draft-ietf-httpbis-resumable-upload).
    """
    row = await tx.get(Attachment, id_)
    async with tx.effect(row.regency):
        offset = await tx.value(_HELD, row.regency, row.id)
    if row.status != AttachmentStatus.UPLOADING:
        # Its parts may be gone; as long as it was not dropped, all had arrived.
        offset = row.size if row.file_key is not None else offset
    return Progress(offset, row.size, row.status != AttachmentStatus.UPLOADING, row.object, row.file_key)


@use_case("attachments.append", scope=Scope.ATTACHMENTS_WRITE, roles=WRITERS | {"public"}, conditional=False)
async def append(tx: Transaction, actor: Actor, id_: UUID, command: AppendPart) -> Result:
    """Send a part of an attachment.

    The body holds the bytes from `Upload-Offset` on, `application/partial-upload`, at most as many as `Upload-Limit` says in
    one request. A part that has arrived may be sent again: it is told how far the upload is. `Upload-Complete: ?1` stands on
    the last part, after which the file is examined: it is READY, or REFUSED, a moment later. 409 `upload_offset_mismatch` with
    the right `Upload-Offset` where the part would leave a gap or tell something else than before, `upload_closed` once the
    upload has ended.
    """
    row = await tx.ask(Attachment, id_)
    async with tx.effect(row.regency):
        held = await tx.value(_HELD, row.regency, row.id)
        known = await tx.first(
            "SELECT size, digest FROM attachment_parts WHERE regency = $1 AND attachment_id = $2 AND starts = $3",
            row.regency,
            row.id,
            command.starts,
        )
    repeated = known is not None and (known["size"], known["digest"]) == (command.size, command.digest)
    if row.status != AttachmentStatus.UPLOADING:
        # The answer to the last part was lost: it has arrived, and the upload is as complete as it was to be.
        if command.complete and row.file_key is not None and command.starts + command.size == row.size and repeated:
            return Result({"offset": row.size, "repeated": True})
        raise errors.Conflict("upload_closed")
    if command.starts + command.size > row.size:
        raise errors.Invalid.at("Upload-Offset", "upload_exceeds_size", "Send no more bytes than were declared.")
    if not repeated and (command.starts != held or (command.size > 0 and not command.object)):
        raise errors.Conflict("upload_offset_mismatch", upload_offset=held)
    if not repeated and command.size > 0:
        async with tx.effect(row.regency):
            await tx.insert(
                AttachmentPart(
                    regency=row.regency,
                    attachment_id=row.id,
                    starts=command.starts,
                    size=command.size,
                    digest=command.digest,
                    object=command.object,
                )
            )
    if command.complete:
        await _complete(tx, row)
    return Result({"offset": held if repeated else held + command.size, "repeated": repeated})


async def _complete(tx: Transaction, row: Attachment) -> Attachment:
    """End an upload whose every byte has arrived, and have the worker examine it."""
    async with tx.effect(row.regency):
        held = await tx.value(_HELD, row.regency, row.id)
    if held != row.size:
        raise errors.Conflict("upload_incomplete", upload_offset=held)
    row = await tx.change(row, "completed", status=AttachmentStatus.PROCESSING.value)
    await to_do(tx, row, "EXAMINE", tx.now)
    return row


async def to_do(tx: Transaction, row: Attachment, task: str, due_at: datetime) -> None:
    """Say what the worker has to do next about an attachment."""
    async with tx.effect(row.regency):
        await tx.execute(_NEXT, row.regency, row.id, task, due_at)


@use_case("attachments.transition", scope=Scope.ATTACHMENTS_WRITE, roles=WRITERS, answers=ATTACHMENT, may_hide=True)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: AttachmentTransition) -> Done:
    """Move an attachment on.

    `COMPLETE` ends an upload whose every byte has arrived, as `Upload-Complete: ?1` on the last part does. `WITHDRAW` destroys
    the file and its name, at any time, with a reason; that it was there, and who withdrew it, stays in the history. Offices
    withdraw what lies with them, a partner and a citizen what they uploaded themselves.
    """
    row = await tx.ask(Attachment, id_)
    line = ATTACHMENT_LIFECYCLE.advance(
        row.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(row, name) for name in FACTS},
        actor=actor.guard_facts,
    )
    ATTACHMENT_LIFECYCLE.require_reason(line, command.reason)
    if command.action is AttachmentAction.COMPLETE:
        await _complete(tx, row)
        return Done(row.id)
    await over(tx, row, EVENTS[command.action], {"reason": command.reason}, status=line.target)
    return Done(row.id)


async def over(
    tx: Transaction, row: Attachment, event: str, texts: Mapping[str, str | None] | None = None, **values: Any
) -> Attachment:
    """End an attachment: its key is forgotten now, its objects are deleted by the worker."""
    # A task that was done is gone: there may be none to change.
    row = await tx.change(row, event, texts=texts, **FORGOTTEN, **values)
    async with tx.effect(row.regency):
        await tx.execute(
            "INSERT INTO attachment_tasks (regency, id, area, task, due_at) VALUES ($1, $2, $3, 'CLEAN', $4)"
            " ON CONFLICT (regency, id) DO UPDATE SET task = 'CLEAN', due_at = excluded.due_at",
            row.regency,
            row.id,
            row.area,
            tx.now,
        )
    return row
