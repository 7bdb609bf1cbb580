"""Tables of complaints: the complaint with its number, messages and links, the secret of its receipt, and the count of wrong
secrets."""

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

    `reporter_name`, `reporter_phone`, `card_number` and `participations` are encrypted; an ANONYMOUS complaint has neither name
    nor telephone. `reporter_id` is the pseudonym of a citizen who filed with a token of the own. Whom it accuses does not
    handle it.

    A SEALED one says nothing in clear but codes, the place, the day and whom it accuses: what was said stands under the keys
    of sealed reports, who said it in `sealed_identities`. The database refuses a sealed row that says more.

    received_at      of a survivor, of the earliest of all that were merged into it; `own_received_at` is then its own
    objection_until  until when the resolution may be objected to; kept here because guards read columns
    reopen_until     until when the complainant may have it reopened
    merged_from      the state that it was merged from, to which it returns
    unanswered_since when the complainant wrote first what nobody has answered yet
    cycle            1, and one more with every reopening: each has deadlines of its own
    rung             how far up the ladder it lies, since when and why; `escalation_route` what was asked of the rungs on the way
    escalation       shows it to the province (1), or to the nation as well (2); never a sealed one
    """

    KIND: ClassVar[Kind] = Kind.COMPLAINT
    NAME: ClassVar[str] = "complaint"
    #: who reads the history may not handle it, and so not know for whom the complainant speaks
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"reporter_relation", "relationship"})

    __tablename__ = "complaints"
    __table_args__ = (
        Index("complaints_receipt", "regency", "receipt", unique=True),
        Index("complaints_area", "regency", "area", "id"),
        Index("complaints_status", "regency", "status", "id"),
        Index("complaints_reporter", "regency", "reporter_id", "id"),
        Index("complaints_rung", "regency", "rung", "id", postgresql_where=text("rung <> 'NONE'")),
        Index("complaints_escalated", "regency", "area", "id", postgresql_where=text("escalation > 0")),
        Index("complaints_household", "regency", "household_id", postgresql_where=text("household_id IS NOT NULL")),
        Index(
            "complaints_person", "regency", "subject_person_id", postgresql_where=text("subject_person_id IS NOT NULL")
        ),
        Index("complaints_case", "regency", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        Index("complaints_merged", "regency", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index(
            "complaints_forwarded", "regency", "forwarded_to", "id", postgresql_where=text("forwarded_to IS NOT NULL")
        ),
        CheckConstraint("satisfaction BETWEEN 1 AND 5", name="complaints_satisfaction"),
        CheckConstraint("confidentiality <> 'SEALED' OR sealed", name="complaints_sealed"),
        CheckConstraint("escalation BETWEEN 0 AND 2", name="complaints_escalation"),
        CheckConstraint("escalation = 0 OR NOT sealed", name="complaints_sealed_below"),
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
    detail: str | None = None
    program_level: str | None = None
    program_sector: str | None = None
    card_number: bytes | None = None
    participations: bytes | None = None
    reporter_relation: str = Field(default="SELF", sa_column_kwargs={"server_default": "SELF"})
    relationship: str | None = None
    subject_consent: bool | None = None
    has_nik: bool | None = None
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
    own_received_at: datetime | None = Field(default=None, sa_type=INSTANT)
    cycle: int = Field(default=1, sa_type=SmallInteger, sa_column_kwargs={"server_default": "1"})
    forwarded_to: UUID | None = None
    instruction: str | None = None
    referred_to: str | None = None
    reference_number: str | None = None
    merged_into: UUID | None = None
    merged_from: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    resolution: str | None = None
    outcome: str | None = None
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
    objection_until: datetime | None = Field(default=None, sa_type=INSTANT)
    reopen_until: datetime | None = Field(default=None, sa_type=INSTANT)
    satisfaction: int | None = Field(default=None, sa_type=SmallInteger)
    rated_at: datetime | None = Field(default=None, sa_type=INSTANT)
    unanswered_since: datetime | None = Field(default=None, sa_type=INSTANT)
    sealed_summary: bytes | None = None
    sealed_detail: bytes | None = None
    sealed_resolution: bytes | None = None
    sealed_referred_to: bytes | None = None
    sealed_reference_number: bytes | None = None

    @property
    def veiled(self) -> bool:
        return self.sealed

    @property
    def coarse(self) -> bool:
        """All but open complaints: the hour of filing may give the complainant away in a small village."""
        return self.confidentiality != "OPEN"


class ComplaintNumber(Tenant, table=True):
    """The NIK that was told with a complaint: encrypted, found by a blind index, read by nobody. `id` is the complaint's."""

    __tablename__ = "complaint_numbers"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "id"], ["complaints.regency", "complaints.id"]),
        Index("complaint_numbers_index", "regency", "blind_index"),
    )

    type: str
    ciphertext: bytes
    blind_index: bytes
    index_key: str


class Message(Tenant, table=True):
    """What was said about a complaint, between desk and complainant or among those who work on it. `text` is encrypted.

    `sequence` is the version of the complaint that it came with: ids of confidential complaints tell no order.
    """

    KIND: ClassVar[Kind] = Kind.MESSAGE
    #: what leads to the complainant, as of the complaint itself
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"reporter_id", "receipt"})

    __tablename__ = "complaint_messages"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "complaint_id"], ["complaints.regency", "complaints.id"]),
        Index("complaint_messages_complaint", "regency", "complaint_id", "sequence"),
        CheckConstraint("visibility IN ('COMPLAINANT', 'INTERNAL')", name="complaint_messages_visibility"),
    )

    complaint_id: UUID
    sequence: int
    author: str
    type: str
    visibility: str
    text: bytes
    sent_at: datetime = Field(sa_type=INSTANT)
    confidentiality: str
    reporter_id: UUID | None = None
    receipt: int = Field(sa_type=BigInteger)
    sealed: bool = False


class ComplaintLink(Tenant, table=True):
    """One side of a link between two complaints: each has a row of its own, under its own scope, and both one `pair_id`.

    direct  it was said of this complaint: of a FOLLOW_UP, that this one follows the other
    """

    KIND: ClassVar[Kind] = Kind.COMPLAINT_LINK

    __tablename__ = "complaint_links"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "complaint_id"], ["complaints.regency", "complaints.id"]),
        ForeignKeyConstraint(["regency", "other_id"], ["complaints.regency", "complaints.id"]),
        Index("complaint_links_complaint", "regency", "complaint_id", "id"),
        Index(
            "complaint_links_once",
            "regency",
            "complaint_id",
            "other_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    complaint_id: UUID
    other_id: UUID
    pair_id: UUID
    type: str
    direct: bool
    reason: str
    linked_by: str
    linked_at: datetime = Field(sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_by: str | None = None
    end_reason: str | None = None
    sealed: bool = False


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
