"""Tables of complaints: the complaint, the secret of its receipt, and the count of wrong secrets."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate, NationalAggregate, Tenant


class Complaint(Aggregate, table=True):
    """A question, suggestion or grievance. `receipt` is the value of the number that the complainant holds.

    `reporter_name` and `reporter_phone` are encrypted; an ANONYMOUS complaint has neither. `reporter_id` is the pseudonym
    of a citizen who filed with a token of the own. Whom it accuses does not handle it.

    `rung` is how far up the ladder it lies, since when and why; `escalation_route` what was asked of the rungs on the way.
    `escalation` shows it to the province (1), or to the nation as well (2); never a sealed one.
    """

    KIND: ClassVar[Kind] = Kind.COMPLAINT
    NAME: ClassVar[str] = "complaint"

    __tablename__ = "complaints"
    __table_args__ = (
        Index("complaints_receipt", "regency", "receipt", unique=True),
        Index("complaints_area", "regency", "area", "id"),
        Index("complaints_status", "regency", "status", "id"),
        Index("complaints_reporter", "regency", "reporter_id", "id"),
        Index("complaints_rung", "regency", "rung", "id", postgresql_where=text("rung <> 'NONE'")),
        Index("complaints_escalated", "regency", "area", "id", postgresql_where=text("escalation > 0")),
        CheckConstraint("confidentiality <> 'SEALED' OR sealed", name="complaints_sealed"),
        CheckConstraint("escalation BETWEEN 0 AND 2", name="complaints_escalation"),
        CheckConstraint("escalation = 0 OR NOT sealed", name="complaints_sealed_below"),
    )

    number: str
    receipt: int = Field(sa_type=BigInteger)
    status: str
    nature: str
    category: str
    subtype: str | None = None
    severity_flags: list[str] = Field(sa_type=TEXT_ARRAY)
    program_code: str | None = None
    channel: str
    confidentiality: str
    sealed: bool = False
    summary: str
    household_id: UUID | None = None
    subject_person_id: UUID | None = None
    accused_person_id: UUID | None = None
    accused_organization_id: UUID | None = None
    case_id: UUID | None = None
    reporter_id: UUID | None = None
    reporter_name: bytes | None = None
    reporter_phone: bytes | None = None
    captured_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime = Field(sa_type=INSTANT)
    received_by: str
    forwarded_to: UUID | None = None
    merged_into: UUID | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    resolution: str | None = None
    service_realized: bool | None = None
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    rung: str = Field(default="NONE", sa_column_kwargs={"server_default": "NONE"})
    rung_since: datetime | None = Field(default=None, sa_type=INSTANT)
    rung_cause: str | None = None
    rung_clock: str | None = None
    rung_ladder_id: UUID | None = None
    escalation_route: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column("escalation_route", JSONB, nullable=True)
    )

    @property
    def coarse(self) -> bool:
        """All but open complaints: the hour of filing may give the complainant away in a small village."""
        return self.confidentiality != "OPEN"


class ReceiptSecret(Tenant, table=True):
    """Hash of the secret that was shown once with a complaint's receipt. `id` is the complaint's."""

    __tablename__ = "receipt_secrets"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "id"], ["complaints.regency", "complaints.id"]),
        Index("receipt_secrets_receipt", "regency", "receipt", unique=True),
    )

    receipt: int = Field(sa_type=BigInteger)
    secret_hash: bytes


class TrackingFailure(SQLModel, table=True):
    """Wrong secrets shown for a receipt, known or not, in one hour: ten, and the receipt is closed until the next."""

    __tablename__ = "tracking_failures"

    regency: int = Field(primary_key=True)
    receipt: int = Field(sa_type=BigInteger, primary_key=True)
    hour: datetime = Field(sa_type=INSTANT, primary_key=True)
    failures: int


class EscalationLadder(NationalAggregate, table=True):
    """To whom complaints of an area go when deadlines pass, from a day on. `area` 0: the nation's, where a regency has none.

    rungs  as `ladder.Step`, from the lowest up; never changed: a later ladder replaces it, and it may end
    """

    KIND: ClassVar[Kind] = Kind.ESCALATION_LADDER
    NAME: ClassVar[str] = "escalation_ladder"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "escalation_ladders"
    __table_args__ = (
        Index("escalation_ladders_from", "area", "valid_from", unique=True),
        # One at a time goes on without an end, whoever declares it first.
        Index("escalation_ladders_open", "area", unique=True, postgresql_where=text("valid_to IS NULL")),
        CheckConstraint("valid_to >= valid_from", name="escalation_ladders_validity"),
    )

    version: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    name: str
    valid_from: date
    valid_to: date | None = None
    rungs: list[dict[str, Any]] = Field(sa_column=Column("rungs", JSONB, nullable=False))
    citation: str
    declared_by: str
