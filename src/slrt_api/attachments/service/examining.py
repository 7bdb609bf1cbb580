"""What the worker does about one attachment, one act each: drop, fetch, write the verdict, forget what was cleaned."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import orjson

from slrt_api.attachments import vault
from slrt_api.attachments.codes import GONE, AttachmentStatus, Refusal
from slrt_api.attachments.frames import FileKey
from slrt_api.attachments.models import Attachment, AttachmentPart
from slrt_api.attachments.service import upload
from slrt_api.attachments.verdict import Location
from slrt_api.kernel import errors
from slrt_api.kernel.ids import tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case


@dataclass(frozen=True)
class Material:
    """What is to be examined: its parts in order, and what was declared."""

    parts: tuple[AttachmentPart, ...]
    object: str
    key: FileKey
    media_type: str
    size: int
    digest: bytes
    keep_location: bool


class Examined(Command):
    """What came of an examination. `size` and `digest` are those of what lies in the store; None for what is refused."""

    refusal: Refusal | None = None
    size: int | None = None
    digest: bytes | None = None
    location: Location | None = None


def _require_worker(actor: Actor) -> None:
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")


@use_case("attachments.expire", scope=None, conditional=False)
async def expire(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Drop an upload that was not completed in time. Nothing happens to one that was."""
    _require_worker(actor)
    async with tx.effect(tenant_of(id_)):
        row = await tx.lock(Attachment, id_)
        if row.status == AttachmentStatus.UPLOADING and row.expires_at <= tx.now:
            await upload.over(tx, row, "expired", status=AttachmentStatus.EXPIRED.value)


@use_case("attachments.material", scope=None, conditional=False)
async def material(tx: Transaction, actor: Actor, id_: UUID) -> Material | None:
    """What to examine; None where there is nothing to examine any more."""
    _require_worker(actor)
    regency = tenant_of(id_)
    async with tx.effect(regency):
        row = await tx.get(Attachment, id_)
        if row.status != AttachmentStatus.PROCESSING or row.file_key is None:
            return None
        parts = await tx.rows(AttachmentPart, "regency = $1 AND attachment_id = $2 ORDER BY starts", regency, id_)
    digest = vault.digest(tx.keyring, row.id, clear=row.digest, sealed=row.sealed_digest)
    return Material(tuple(parts), row.object, row.file_key, row.media_type, row.size, digest, row.keep_location)


@use_case("attachments.record", scope=None, conditional=False)
async def record(tx: Transaction, actor: Actor, id_: UUID, command: Examined) -> Result:
    """Write a verdict, once. Tells whether what lies in the store is needed."""
    _require_worker(actor)
    async with tx.effect(tenant_of(id_)):
        row = await tx.lock(Attachment, id_)
        if row.status != AttachmentStatus.PROCESSING:
            return Result({"kept": row.status == AttachmentStatus.READY})
        if command.refusal is not None:
            await upload.over(tx, row, "refused", status=AttachmentStatus.REFUSED.value, refusal=command.refusal.value)
            return Result({"kept": False})
        await tx.change(
            row,
            "ready",
            status=AttachmentStatus.READY.value,
            kept_size=command.size,
            ready_at=tx.veiled().now if row.veiled else tx.now,
            **vault.kept(
                tx.keyring,
                row.id,
                {
                    "kept_digest": command.digest,
                    "location": None if command.location is None else orjson.dumps(command.location),
                },
                sealed=row.sealed,
            ),
        )
        await upload.to_do(tx, row, "CLEAN", tx.now)
    return Result({"kept": True})


@use_case("attachments.litter", scope=None, conditional=False)
async def litter(tx: Transaction, actor: Actor, id_: UUID) -> tuple[str, bool]:
    """The name under which the objects of an attachment lie, and whether the file itself is among what is deleted."""
    _require_worker(actor)
    async with tx.effect(tenant_of(id_)):
        row = await tx.get(Attachment, id_)
    return row.object, row.status in GONE


@use_case("attachments.cleaned", scope=None, conditional=False)
async def cleaned(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Forget the parts of an attachment, which are deleted, and that there was something to do."""
    _require_worker(actor)
    regency = tenant_of(id_)
    async with tx.effect(regency):
        await tx.execute("DELETE FROM attachment_parts WHERE regency = $1 AND attachment_id = $2", regency, id_)
        await tx.execute("DELETE FROM attachment_tasks WHERE regency = $1 AND id = $2 AND task = 'CLEAN'", regency, id_)


def digest_of(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()
