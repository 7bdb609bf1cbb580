"""Tables of sealed reports: who reported, and who asked to learn it."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant


class SealedIdentity(Tenant, table=True):
    """All that a sealed report says of its reporter, as one ciphertext. `id` is the complaint's.

    No scope reads the table. Every sealed report has a row, also one whose reporter said nothing, and the ciphertext's
    length is that of a whole block: neither tells whether there is a name.
    """

    __tablename__ = "sealed_identities"
    __table_args__ = (ForeignKeyConstraint(["regency", "id"], ["complaints.regency", "complaints.id"]),)

    identity: bytes


class SealedAccess(Aggregate, table=True):
    """One request to learn who filed one sealed report, and what became of it.

    Who is accused stands here too, so that the row policy keeps the request from them as it keeps the report.
    """

    KIND: ClassVar[Kind] = Kind.SEALED_ACCESS
    NAME: ClassVar[str] = "sealed_access"
    #: the trail tells that and by whom it was asked, and not what leads to the reporter
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"accused_person_id", "accused_organization_id"})

    __tablename__ = "sealed_accesses"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "complaint_id"], ["complaints.regency", "complaints.id"]),
        Index("sealed_accesses_area", "regency", "area", "id"),
        Index("sealed_accesses_complaint", "regency", "complaint_id", "id"),
        CheckConstraint("sealed", name="sealed_accesses_sealed"),
        CheckConstraint("hours BETWEEN 1 AND 168", name="sealed_accesses_hours"),
        CheckConstraint(
            "status NOT IN ('GRANTED', 'USED') OR (decided_by <> asked_by AND expires_at IS NOT NULL)",
            name="sealed_accesses_two_persons",
        ),
    )

    sealed: bool = True
    complaint_id: UUID
    status: str
    purpose: str
    reason: bytes
    hours: int
    asked_by: str
    asked_by_person_id: UUID | None = None
    asked_at: datetime = Field(sa_type=INSTANT)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revealed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    accused_person_id: UUID | None = None
    accused_organization_id: UUID | None = None

    @property
    def coarse(self) -> bool:
        return True

    @property
    def veiled(self) -> bool:
        return True
