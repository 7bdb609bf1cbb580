"""Tables of complaints: the complaint, the secret of its receipt, and the count of wrong secrets."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate, Tenant


class Complaint(Aggregate, table=True):
    """A question, suggestion or grievance. `receipt` is the value of the number that the complainant holds.

    `reporter_name` and `reporter_phone` are encrypted; an ANONYMOUS complaint has neither. `reporter_id` is the pseudonym
    of a citizen who filed with a token of the own. Whom it accuses does not handle it.

    A SEALED one says nothing in clear but codes, the place, the day and whom it accuses: what was said stands under the keys
    of sealed reports, who said it in `sealed_identities`. The database refuses a sealed row that says more.
    """

    KIND: ClassVar[Kind] = Kind.COMPLAINT
    NAME: ClassVar[str] = "complaint"

    __tablename__ = "complaints"
    __table_args__ = (
        Index("complaints_receipt", "regency", "receipt", unique=True),
        Index("complaints_area", "regency", "area", "id"),
        Index("complaints_status", "regency", "status", "id"),
        Index("complaints_reporter", "regency", "reporter_id", "id"),
        CheckConstraint("confidentiality <> 'SEALED' OR sealed", name="complaints_sealed"),
        CheckConstraint("sealed = (confidentiality = 'SEALED')", name="complaints_confidentiality"),
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
    sealed_summary: bytes | None = None
    sealed_resolution: bytes | None = None

    @property
    def veiled(self) -> bool:
        return self.sealed

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
