"""Tables of referrals: the referral, and the package of personal data that its receiver needs."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text, true
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.referrals.codes import ENDED
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant

#: what has not ended; the row policy of partners says the same, and this index holds no other row
_OPEN = f"status <> ALL (ARRAY[{', '.join(repr(status.value) for status in sorted(ENDED))}]::text[])"


class Referral(Aggregate, table=True):
    """One need of a case, referred to an organization or a program.

    `organization_id` and `program_id` are set when it is sent, because receivers see rows by them; a draft keeps what it
    is meant for in `proposed_organization_id` and `program_code`. `capacity_period` is the month whose place it holds.
    """

    KIND: ClassVar[Kind] = Kind.REFERRAL
    NAME: ClassVar[str] = "referral"

    __tablename__ = "referrals"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        ForeignKeyConstraint(["regency", "need_id"], ["needs.regency", "needs.id"]),
        Index("referrals_number", "regency", "number", unique=True),
        Index("referrals_case", "regency", "case_id", "id"),
        Index("referrals_area", "regency", "area", "id"),
        Index("referrals_organization", "regency", "organization_id", "id"),
        Index("referrals_open", "regency", "organization_id", "id", postgresql_where=text(_OPEN)),
        Index("referrals_program", "regency", "program_id", "id"),
        Index("referrals_updated_at", "regency", "updated_at", "id"),
    )

    number: str
    case_id: UUID
    need_id: UUID
    service: str
    status: str
    program_id: UUID | None = None
    program_code: str | None = None
    organization_id: UUID | None = None
    proposed_organization_id: UUID | None = None
    capacity_period: date | None = None
    drafted_by: str
    sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    respond_by: datetime | None = Field(default=None, sa_type=INSTANT)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    realized_at: datetime | None = Field(default=None, sa_type=INSTANT)
    receipt_confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    evidence: str | None = None

    @property
    def open(self) -> bool:
        return self.status not in ENDED


class ReferralPackage(Tenant, table=True):
    """What the receiver may know of the client, copied when the referral is sent and emptied when it ends.

    Same key as the referral; `open` as long as its organization may read it. Personal values are encrypted like
    identities; `nik_prefix` is the masked form's district.
    """

    __tablename__ = "referral_packages"
    __table_args__ = (ForeignKeyConstraint(["regency", "id"], ["referrals.regency", "referrals.id"]),)

    organization_id: UUID | None = None
    program_id: UUID | None = None
    name: bytes | None = None
    birth_date: bytes | None = None
    sex: str | None = None
    address: bytes | None = None
    nik_prefix: str | None = None
    need_note: bytes | None = None
    #: why the receiver may know it; null where it was sent before bases were recorded
    basis: str | None = None
    open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    emptied_at: datetime | None = Field(default=None, sa_type=INSTANT)
