"""Attaching a file to a household, person, case, referral or complaint.

What an attachment is attached to decides who sees it: the scope of the parent is copied, under its lock, in the transaction
that makes the attachment.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.attachments import frames, names, vault
from slrt_api.attachments.codes import GONE, AttachmentAction, AttachmentStatus
from slrt_api.attachments.lifecycle import ATTACHMENT_LIFECYCLE, WRITERS
from slrt_api.attachments.models import Attachment, AttachmentTask
from slrt_api.attachments.service import upload
from slrt_api.attachments.shapes import ATTACHMENT, TRACKED_ATTACHMENT
from slrt_api.cases.models import Case
from slrt_api.complaints.lifecycle import PUBLIC
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.vault import intake_unit
from slrt_api.households.models import Household, Person
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.referrals.models import Referral
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.tables import Aggregate
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case
from slrt_api.settings import Settings

#: what a file may belong to
PARENTS: Final[Mapping[Kind, type[Aggregate]]] = MappingProxyType(
    {
        Kind.HOUSEHOLD: Household,
        Kind.PERSON: Person,
        Kind.CASE: Case,
        Kind.REFERRAL: Referral,
        Kind.COMPLAINT: Complaint,
    }
)
_LIMITS: Final = (
    "attachment_max_bytes",
    "attachments_per_resource",
    "attachment_bytes_per_resource",
    "attachment_upload_minutes",
    "attachment_link_seconds",
)
_HELD: Final = (
    "SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes FROM attachments"
    " WHERE regency = $1 AND parent_id = $2 AND status <> ALL ($3)"
)
_EMPTIED: Final = "SELECT emptied_at IS NOT NULL FROM referral_packages WHERE regency = $1 AND id = $2"
_SHA256_BYTES: Final = 32


def limits(settings: Settings) -> Mapping[str, int]:
    """The limits of these settings, by the name of the setting."""
    return {name: getattr(settings, name) for name in _LIMITS}


class FileDescription(Command):
    """What a file is, before any of it is sent."""

    media_type: Literal["image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain"] = Field(
        description="What it is. It is compared with the bytes.", examples=["image/jpeg"]
    )
    size: int = Field(ge=1, description="Bytes. `attachment_too_large` (413) beyond the limit.", examples=[231_004])
    sha256: Annotated[str, Field(pattern="^[A-Za-z0-9+/]{43}=$")] = Field(
        description="SHA-256 of the file, base64.", examples=["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
    )
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Name for people; kept encrypted.", examples=["kartu-keluarga.jpg"]
    )
    keep_location: bool = Field(
        default=False,
        description="Keep where an image was taken, encrypted and apart from it. All else that a camera writes is dropped.",
        examples=[False],
    )


class CreateAttachment(FileDescription):
    """A file to come, and what it belongs to."""

    parent_id: UUID = Field(
        description="Household, person, case, referral or complaint, in the caller's scope.",
        examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
    )


@dataclass(frozen=True)
class _Scope:
    """Of a parent, what decides who sees its files."""

    organization_id: UUID | None = None
    program_id: UUID | None = None
    shared: bool = True
    reporter_id: UUID | None = None
    receipt: int | None = None
    sealed: bool = False
    confidential: bool = False
    accused_person_id: UUID | None = None
    accused_organization_id: UUID | None = None


def _scope(parent: Aggregate) -> _Scope:
    if isinstance(parent, Referral):
        return _Scope(organization_id=parent.organization_id, program_id=parent.program_id, shared=parent.open)
    if isinstance(parent, Complaint):
        return _Scope(
            reporter_id=parent.reporter_id,
            receipt=parent.receipt,
            sealed=parent.sealed,
            confidential=parent.coarse,
            # Of a sealed report its files are not there for the accused; others are seen and not handled, as the complaint is.
            accused_person_id=parent.accused_person_id if parent.sealed else None,
            accused_organization_id=parent.accused_organization_id if parent.sealed else None,
        )
    return _Scope()


@use_case("attachments.create", scope=Scope.ATTACHMENTS_WRITE, roles=WRITERS, answers=ATTACHMENT, creates=True)
async def create(tx: Transaction, actor: Actor, command: CreateAttachment) -> Done:
    """Attach a file.

    Describe it here; then send its bytes with PATCH to `/v1/attachments/{id}/upload`, in as many parts and as often interrupted
    as need be, until `expires_at`. A partner attaches to referrals that it was sent, a citizen to complaints of their own.
    409 `too_many_attachments` where the resource holds as many files, or bytes, as it may.
    """
    model = PARENTS.get(kind_of(command.parent_id) or Kind.ATTACHMENT)
    if model is None or await tx.find(model, command.parent_id) is None:
        raise errors.Invalid.reference("/parent_id")
    return Done((await _attach(tx, model, command.parent_id, command)).id)


async def _attach(tx: Transaction, model: type[Aggregate], parent_id: UUID, command: FileDescription) -> Attachment:
    """Make an attachment of a parent that the caller sees."""
    if command.size > tx.limits.get("attachment_max_bytes", 0):
        raise errors.PayloadTooLarge("attachment_too_large")
    # Whoever may see it need not be allowed to lock it. Its scope stays as it is from here to the end, and so does the number
    # of its files.
    async with tx.effect(tenant_of(parent_id)):
        parent = await tx.lock(model, parent_id)
        held = await tx.first(_HELD, parent.regency, parent.id, sorted(GONE))
        # A person who took consent back is not made known again by a file.
        emptied = await tx.value(_EMPTIED, parent.regency, parent.id)
    if held is None or held["files"] >= tx.limits["attachments_per_resource"]:
        raise errors.Conflict("too_many_attachments")
    if held["bytes"] + command.size > tx.limits["attachment_bytes_per_resource"]:
        raise errors.Conflict("too_many_attachments")
    scope = replace(_scope(parent), shared=False) if emptied else _scope(parent)
    waits = timedelta(minutes=tx.limits["attachment_upload_minutes"])
    if scope.sealed:
        # As the report itself: by the unit that took it, on a day and at no hour.
        tx, waits = tx.veiled(intake_unit(tx.keyring, tx.actor, parent.regency)), waits + timedelta(days=1)
    id_ = new_id(Kind.ATTACHMENT, parent.regency, tx.now, coarse=scope.confidential)
    expires_at = tx.now + waits
    row = Attachment(
        regency=parent.regency,
        id=id_,
        area=parent.area,
        created_at=tx.now,
        updated_at=tx.now,
        parent_id=parent.id,
        parent_kind=int(parent.KIND),
        status=AttachmentStatus.UPLOADING.value,
        media_type=command.media_type,
        size=command.size,
        object=names.new_object(),
        keep_location=command.keep_location,
        uploaded_by=tx.actor.subject,
        expires_at=expires_at,
        **vars(scope),
        **vault.kept(
            tx.keyring,
            id_,
            {
                "digest": _digest(command.sha256),
                "name": None if command.name is None else command.name.encode(),
                "data_key": frames.new_key(),
            },
            sealed=scope.sealed,
        ),
    )
    await tx.create(row, "created")
    async with tx.effect(row.regency):
        await tx.insert(AttachmentTask(regency=row.regency, id=row.id, area=row.area, task="UPLOAD", due_at=expires_at))
    return row


def _digest(text: str) -> bytes:
    digest = base64.b64decode(text)
    # 43 characters hold two bits more than 32 bytes: only one spelling of them is base64.
    if len(digest) != _SHA256_BYTES or base64.b64encode(digest).decode() != text:
        raise errors.Invalid.at("/sha256", "digest_malformed", "Give the 32 bytes of a SHA-256 in base64.")
    return digest


# Without an account: who holds the receipt of a complaint, and has shown its secret ---------------------------------


def holder(actor: Actor) -> Actor:
    """Who holds a receipt and has shown its secret, with what they may do with files: of that one complaint."""
    return replace(actor, scopes=frozenset({Scope.ATTACHMENTS_READ.value, Scope.ATTACHMENTS_WRITE.value}))


@use_case("attachments.create_publicly", scope=Scope.ATTACHMENTS_WRITE, answers=TRACKED_ATTACHMENT, creates=True)
async def create_publicly(tx: Transaction, actor: Actor, command: FileDescription) -> Done:
    """Attach a file to a complaint by its receipt.

    For who holds the receipt and its secret (`Authorization: Receipt <secret>`). The bytes follow as with
    `POST /v1/attachments`, under `/v1/public/complaints/{receipt}/attachments/{id}/upload`.
    """
    found = await tx.rows(Complaint, "regency = $1 AND receipt = $2", actor.rows.regency, actor.rows.receipt)
    if not found:
        raise errors.NotFound
    return Done((await _attach(tx, Complaint, found[0].id, command)).id)


class WithdrawFile(Command):
    """Why a file is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(
        description="Why; stands in the history of the file.", examples=["Foto keluarga lain terlampir."]
    )


@use_case(
    "attachments.withdraw_publicly",
    scope=Scope.ATTACHMENTS_WRITE,
    roles={PUBLIC},
    answers=TRACKED_ATTACHMENT,
    conditional=False,
)
async def withdraw_publicly(tx: Transaction, actor: Actor, id_: UUID, command: WithdrawFile) -> Done:
    """Take a file of a complaint back by its receipt.

    For who holds the receipt and its secret, at any time, of what was attached by the receipt: the file and its name are
    destroyed, that it was there stays in the history. 409 `not_your_attachment` for a file that somebody else attached,
    `transition_not_allowed` for one that is gone already.
    """
    row = await tx.ask(Attachment, id_)
    # Of a sealed report nobody is named; who attaches by its receipt stands there as the public's pseudonym.
    author = intake_unit(tx.keyring, actor, row.regency) if row.sealed else actor
    line = ATTACHMENT_LIFECYCLE.advance(
        row.status,
        AttachmentAction.WITHDRAW,
        # Who holds the receipt is who complains, as a citizen with an account is.
        role=Role.CITIZEN,
        scopes=actor.scopes,
        row={"uploaded_by": row.uploaded_by},
        actor={**actor.guard_facts, "role": Role.CITIZEN, "subject": author.subject},
    )
    await upload.over(tx, row, "withdrawn", {"reason": command.reason}, status=line.target)
    return Done(row.id)
