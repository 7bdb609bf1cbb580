"""Opening a file: a link that is given after a check of rights and works for a moment, and what it leads to.

A link is 16 bytes of the attachment's id, 16 of the access record that was written when it was given, 8 of its end in
milliseconds, and an HMAC of these. It tells nobody anything and leads to one file; who asked for it and why stands in that
record, and again in the record of every opening.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access.scopes import Scope
from slrt_api.attachments.codes import AttachmentStatus, LinkPurpose
from slrt_api.attachments.frames import FileKey
from slrt_api.attachments.lifecycle import READERS, RECEIVERS
from slrt_api.attachments.models import Attachment
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.runtime import accesslog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

PATH: Final = "/v1/attachments/content/"
_TAG_BYTES: Final = 32
_BODY_BYTES: Final = 16 + 16 + 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class LinkRequest(Command):
    """Why a file is opened."""

    purpose: LinkPurpose = Field(description="Why, for the access record.", examples=["CASE_HANDLING"])


class LinkDocument(BaseModel):
    """A way to one file, for a moment."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        description="Path of the file: open it without a token.", examples=[f"{PATH}AZqqESIzgACM_gShssPU5Q"]
    )
    expires_at: datetime = Field(description="Until when.", examples=["2026-11-22T02:16:07.000000Z"])
    media_type: str = Field(description="What it is.", examples=["image/jpeg"])
    size: int = Field(description="Bytes.", examples=[198_113])


@dataclass(frozen=True)
class Content:
    """What a link leads to: the object, the key that it is encrypted under, and what it is."""

    id: UUID
    object: str
    key: FileKey
    size: int
    media_type: str


def follower(token: "Token") -> Actor:
    """Who follows a link: nobody in particular, who reaches no row but by it."""
    return Actor(
        "link", "public", frozenset(), RowScope(ScopeKind.PUBLIC, regency=tenant_of(token.attachment_id), receipt=-1)
    )


@dataclass(frozen=True)
class Token:
    """What a link says, once its HMAC was found right."""

    attachment_id: UUID
    access_id: UUID
    expires_at: datetime

    def text(self, keyring: Keyring) -> str:
        """The link's last part."""
        end = (self.expires_at - _EPOCH) // _MILLISECOND
        body = self.attachment_id.bytes + self.access_id.bytes + end.to_bytes(8, "big")
        return base64.urlsafe_b64encode(body + keyring.digest("attachment link", body)).rstrip(b"=").decode()

    @classmethod
    def read(cls, keyring: Keyring, text: str) -> "Token":
        """What a link says. Raises NotFound for one that this platform did not make."""
        try:
            whole = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
        except (ValueError, UnicodeEncodeError):
            raise errors.NotFound from None
        body, tag = whole[:_BODY_BYTES], whole[_BODY_BYTES:]
        if len(tag) != _TAG_BYTES or not hmac.compare_digest(tag, keyring.digest("attachment link", body)):
            raise errors.NotFound
        end = _EPOCH + int.from_bytes(body[32:], "big") * _MILLISECOND
        token = cls(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), end)
        # Base64 has several spellings of the same last byte; a link has one.
        if token.text(keyring) != text:
            raise errors.NotFound
        return token


@use_case("attachments.link", scope=Scope.ATTACHMENTS_READ, roles=READERS | {"public"}, conditional=False)
async def link(tx: Transaction, actor: Actor, id_: UUID, command: LinkRequest) -> Result:
    """Get a link to a file.

    Rights are checked here, and the access is on record with its purpose before the answer leaves. The link leads to this one
    file for a short time (`expires_at`), without a token, and stops when the attachment is withdrawn, or when the referral of
    the partner who asked has ended. It holds nothing personal. 409 `attachment_not_ready` for what is not READY.
    """
    row = await tx.get(Attachment, id_)
    if row.status != AttachmentStatus.READY:
        raise errors.Conflict("attachment_not_ready")
    expires_at = tx.now + timedelta(seconds=tx.limits.get("attachment_link_seconds", 120))
    access_id = await _recorded(tx, row, "attachments.link", actor.subject, actor.role, command.purpose)
    token = Token(row.id, access_id, expires_at).text(tx.keyring)
    return Result(
        {
            "url": PATH + token,
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "media_type": row.media_type,
            "size": row.kept_size,
        }
    )


async def _recorded(tx: Transaction, row: Attachment, operation: str, actor: str, role: str, purpose: str) -> UUID:
    """Record an access in this transaction, and tell its id."""
    # Of a sealed report no record tells the hour, and none leads to a trace.
    tx = tx.veiled() if row.veiled else tx
    access_id = new_id(Kind.ACCESS, row.regency, tx.now, coarse=row.confidential)
    async with tx.effect(row.regency):
        await tx.execute(
            accesslog.AT_ONCE[row.sealed],
            row.regency,
            access_id,
            row.regency * 1_000_000,
            tx.now,
            actor,
            role,
            operation,
            "attachment",
            row.id,
            purpose,
            1,
            tx.trace_id,
            row.sealed,
            None,
            None,
        )
    return access_id


class OpenLink(Command):
    """What the link says beside the id of the attachment."""

    access_id: UUID
    expires_at: datetime


@use_case("attachments.open", scope=None, conditional=False)
async def opened(tx: Transaction, actor: Actor, id_: UUID, command: OpenLink) -> Content:
    """Open a file by its link.

    Without a token. The opening is on record, in the name of who asked for the link and for the same purpose, before the first
    byte leaves. A link that is over, and one whose file is not there any more, answer as one that never was: 404. One range of
    bytes may be asked for (`Range`).
    """
    regency = tenant_of(id_)
    if command.expires_at <= tx.now or kind_of(id_) is not Kind.ATTACHMENT:
        raise errors.NotFound
    async with tx.effect(regency):
        row = await tx.get(Attachment, id_)
        asked = await tx.first(
            "SELECT actor, role, purpose FROM accesses WHERE regency = $1 AND id = $2 AND resource_id = $3",
            regency,
            command.access_id,
            row.id,
        )
    if asked is None or row.status != AttachmentStatus.READY or row.file_key is None or row.kept_size is None:
        raise errors.NotFound
    if asked["role"] in RECEIVERS and not row.shared:
        raise errors.NotFound
    await _recorded(tx, row, "attachments.open", asked["actor"], asked["role"], asked["purpose"])
    return Content(row.id, row.object, row.file_key, row.kept_size, row.media_type)
