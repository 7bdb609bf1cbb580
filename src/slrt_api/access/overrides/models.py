"""Table of access overrides. A row belongs to the regency of what it opens, not to that of who asked."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate


class AccessOverride(Aggregate, table=True):
    """One rule that was passed by, for one resource. `expires_at` and `minutes` are null for what was over at once."""

    KIND: ClassVar[Kind] = Kind.ACCESS_OVERRIDE
    NAME: ClassVar[str] = "access_override"

    __tablename__ = "access_overrides"
    __table_args__ = (
        Index("access_overrides_area", "regency", "area", "id"),
        Index("access_overrides_resource", "regency", "resource_id", "id"),
        Index("access_overrides_updated_at", "regency", "updated_at", "id"),
        CheckConstraint(
            "type <> 'BREAK_GLASS' OR (expires_at IS NOT NULL AND minutes BETWEEN 1 AND 240)",
            name="access_overrides_expiry",
        ),
    )

    type: str
    status: str
    resource: str
    resource_id: UUID
    reason: str
    asked_by: str
    asked_as: str
    minutes: int | None = None
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revoked_by: str | None = None
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)
