"""Tables of who may act where, and of what was taken back. National: a grant may span regencies, and who signs in is known
before any regency is.

Both are closed by row policies all the same: area staff see what lies inside their own area, and at authentication a
caller reaches the own grants and the revocations of the own subject and token, nothing else.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, NationalAggregate


class Grant(NationalAggregate, table=True):
    """That somebody may act in a role: where, for whom and how long.

    `area` is the lowest area that holds all of `areas` (or the organization's; 0 = the nation): by it a grant is seen and
    managed. `subject_id` is the pseudonym of issuer and subject by which the grants of a caller are found.
    """

    KIND: ClassVar[Kind] = Kind.GRANT
    NAME: ClassVar[str] = "grant"
    # Its organization is the officer's own, not somebody whom the events are for.
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "grants"
    __table_args__ = (
        Index("grants_subject", "subject_id", "id"),
        Index("grants_area", "area", "id"),
        Index("grants_person", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        CheckConstraint("valid_until > valid_from", name="grants_validity"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="grants_revoked"),
    )

    issuer: str
    subject: str
    subject_id: UUID
    role: str
    areas: list[str] = Field(sa_type=TEXT_ARRAY)
    organization_id: UUID | None = None
    program_ids: list[UUID] = Field(sa_column=Column("program_ids", ARRAY(UuidType), nullable=False))
    person_id: UUID | None = None
    valid_from: datetime = Field(sa_type=INSTANT)
    valid_until: datetime | None = Field(default=None, sa_type=INSTANT)
    decree: str | None = None
    granted_by: str
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revoked_by: str | None = None


class Revocation(NationalAggregate, table=True):
    """That a subject or one token is no longer taken, wherever its grants come from.

    `key` is derived from issuer and subject, or from issuer and `jti`: neither a token nor its `jti` is stored. A token's
    revocation ends with the token. An aggregate, because it is an act like any other: with an event, its reason in the
    revision, a version, and a second act that lifts it.
    """

    KIND: ClassVar[Kind] = Kind.REVOCATION
    NAME: ClassVar[str] = "revocation"

    __tablename__ = "revocations"
    __table_args__ = (
        Index("revocations_key", "key", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("revocations_area", "area", "id"),
        CheckConstraint("(target = 'SUBJECT') = (subject IS NOT NULL)", name="revocations_subject"),
        CheckConstraint("(target = 'TOKEN') = (expires_at IS NOT NULL)", name="revocations_token"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="revocations_lifted"),
    )

    target: str
    key: UUID
    issuer: str
    subject: str | None = None
    revoked_by: str
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    lifted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    lifted_by: str | None = None
