"""Tables of attachments: what was attached, the parts of an upload under way, and what is still to be done in the store."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, true
from sqlmodel import Field, SQLModel

from slrt_api.attachments.frames import FileKey
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant


class Attachment(Aggregate, table=True):
    """A file of another aggregate, its parent.

    `area`, `organization_id`, `program_id`, `shared`, `reporter_id`, `receipt` and `sealed` are copies of the parent's, by
    which row policies decide, and so is whom a sealed report accuses; `confidential` tells that its ids and those of its
    events do not tell the hour. `shared` is whether the organization or program that it names may read it. `name`,
    `location` and `data_key` are encrypted; without `data_key` nobody reads what may be left in the store. `digest` is the
    SHA-256 of what was sent, `kept_digest` of what is kept. A file of a sealed report has none of the five in clear columns:
    they stand under the keys of sealed reports (`attachments.vault`).
    """

    KIND: ClassVar[Kind] = Kind.ATTACHMENT
    NAME: ClassVar[str] = "attachment"
    UNTOLD: ClassVar[frozenset[str]] = frozenset(
        {"object", "uploaded_by", "reporter_id", "receipt", "accused_person_id", "accused_organization_id"}
    )

    __tablename__ = "attachments"
    __table_args__ = (
        Index("attachments_parent", "regency", "parent_id", "id"),
        Index("attachments_area", "regency", "area", "id"),
        Index("attachments_updated_at", "regency", "updated_at", "id"),
        Index("attachments_organization", "regency", "organization_id", "id"),
        Index("attachments_reporter", "regency", "reporter_id", "id"),
        CheckConstraint("octet_length(digest) = 32", name="attachments_digest"),
        # What is over has nothing left to decrypt, and what is ready has something to give.
        CheckConstraint(
            "(status IN ('REFUSED', 'WITHDRAWN', 'EXPIRED')) = (coalesce(sealed_data_key, data_key) IS NULL)",
            name="attachments_data_key",
        ),
        # Whatever the code above it does: of a sealed report nothing stands under the keys of the others, and no hour in clear.
        CheckConstraint(
            "CASE WHEN sealed THEN digest IS NULL AND sealed_digest IS NOT NULL AND name IS NULL AND location IS NULL"
            " AND data_key IS NULL AND kept_digest IS NULL AND reporter_id IS NULL AND uploaded_by LIKE 'unit#%'"
            " AND date_trunc('day', created_at AT TIME ZONE 'UTC') = created_at AT TIME ZONE 'UTC'"
            " AND date_trunc('day', updated_at AT TIME ZONE 'UTC') = updated_at AT TIME ZONE 'UTC'"
            " AND coalesce(date_trunc('day', ready_at AT TIME ZONE 'UTC') = ready_at AT TIME ZONE 'UTC', true)"
            " ELSE digest IS NOT NULL AND sealed_digest IS NULL AND sealed_name IS NULL AND sealed_location IS NULL"
            " AND sealed_data_key IS NULL AND sealed_kept_digest IS NULL END",
            name="attachments_veiled",
        ),
        CheckConstraint("status <> 'READY' OR kept_size IS NOT NULL", name="attachments_ready"),
        CheckConstraint("(status = 'REFUSED') = (refusal IS NOT NULL)", name="attachments_refusal"),
    )

    parent_id: UUID
    parent_kind: int = Field(sa_type=SmallInteger)
    status: str
    media_type: str
    size: int = Field(sa_type=BigInteger)
    digest: bytes | None = None
    name: bytes | None = None
    data_key: bytes | None = None
    object: str
    keep_location: bool
    location: bytes | None = None
    kept_size: int | None = Field(default=None, sa_type=BigInteger)
    kept_digest: bytes | None = None
    refusal: str | None = None
    uploaded_by: str
    expires_at: datetime = Field(sa_type=INSTANT)
    ready_at: datetime | None = Field(default=None, sa_type=INSTANT)
    organization_id: UUID | None = None
    program_id: UUID | None = None
    shared: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    reporter_id: UUID | None = None
    receipt: int | None = Field(default=None, sa_type=BigInteger)
    sealed: bool = False
    confidential: bool = False
    accused_person_id: UUID | None = None
    accused_organization_id: UUID | None = None
    sealed_name: bytes | None = None
    sealed_location: bytes | None = None
    sealed_data_key: bytes | None = None
    sealed_digest: bytes | None = None
    sealed_kept_digest: bytes | None = None

    @property
    def file_key(self) -> FileKey | None:
        """The key of its objects; None once it is gone."""
        key = self.sealed_data_key if self.sealed else self.data_key
        return None if key is None else FileKey(self.id, key, self.sealed)

    @property
    def coarse(self) -> bool:
        return self.confidential

    @property
    def veiled(self) -> bool:
        return self.sealed

    @property
    def open(self) -> bool:
        return self.shared


class AttachmentPart(SQLModel, table=True):
    """A part that has arrived: where in the file it begins, and the object that holds it. `digest` is keyed."""

    __tablename__ = "attachment_parts"

    regency: int = Field(primary_key=True)
    attachment_id: UUID = Field(primary_key=True)
    starts: int = Field(sa_type=BigInteger, primary_key=True)
    size: int = Field(sa_type=BigInteger)
    digest: bytes
    object: str


class AttachmentTask(Tenant, table=True):
    """What the worker has to do about an attachment when `due_at` has come. `id` is the attachment's.

    UPLOAD   drop it, unless it was completed before
    EXAMINE  judge what arrived
    CLEAN    delete from the store what is not needed any more
    """

    __tablename__ = "attachment_tasks"
    __table_args__ = (
        Index("attachment_tasks_due_at", "regency", "due_at", "id"),
        CheckConstraint("task IN ('UPLOAD', 'EXAMINE', 'CLEAN')", name="attachment_tasks_task"),
    )

    task: str
    due_at: datetime = Field(sa_type=INSTANT)
