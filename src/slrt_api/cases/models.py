"""Tables of cases: the case, its needs, assessments and the services given directly."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, SmallInteger, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant


class Case(Aggregate, table=True):
    """The work for one household.

    `need_count`, `open_needs` (not final) and `referred_needs` (with a referral that runs) are kept by the acts that
    change needs, for guards. `received_at` is when the household's trouble was first reported, here or by its complaint.
    `escalation` shows it to the province (1), or to the nation as well (2). `attention`: all whom it is for have died, and
    an officer has to say how it goes on; the next step takes it away. `successor_id`, `predecessor_id`: of one that was
    handed over with its people, the case in the other regency that goes on, and the one that it came from.
    """

    KIND: ClassVar[Kind] = Kind.CASE
    NAME: ClassVar[str] = "case"

    __tablename__ = "cases"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        Index("cases_number", "regency", "number", unique=True),
        Index("cases_household", "regency", "household_id", "id"),
        Index("cases_area", "regency", "area", "id"),
        Index("cases_status", "regency", "status", "id"),
        Index("cases_updated_at", "regency", "updated_at", "id"),
        Index("cases_escalated", "regency", "area", "id", postgresql_where=text("escalation > 0")),
        CheckConstraint("escalation BETWEEN 0 AND 2", name="cases_escalation"),
        CheckConstraint("open_needs >= 0 AND open_needs <= need_count", name="cases_open_needs"),
        CheckConstraint("referred_needs >= 0 AND referred_needs <= open_needs", name="cases_referred_needs"),
    )

    number: str
    household_id: UUID
    complaint_id: UUID | None = None
    status: str
    emergency: bool = False
    received_at: datetime = Field(sa_type=INSTANT)
    opened_by: str
    registry_outcome: str | None = None
    registry_snapshot_id: UUID | None = None
    registry_checked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    proposal_wanted: bool = False
    assessed: bool = False
    need_count: int = 0
    open_needs: int = 0
    referred_needs: int = 0
    recommended_by: str | None = None
    recommended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closing_text: str | None = None
    merged_into: UUID | None = None
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    transferred_to: int | None = Field(default=None, sa_type=BigInteger)
    attention: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    successor_id: UUID | None = None
    predecessor_id: UUID | None = None


class Need(Tenant, table=True):
    """What one person of the household needs; each has its own state. `escalation` is that of its case."""

    KIND: ClassVar[Kind] = Kind.NEED

    __tablename__ = "needs"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        Index("needs_case", "regency", "case_id", "id"),
        CheckConstraint("escalation BETWEEN 0 AND 2", name="needs_escalation"),
    )

    case_id: UUID
    person_id: UUID
    domain: str
    need: str
    status: str
    referral_id: UUID | None = None
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    note: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)


class Assessment(Tenant, table=True):
    """What an officer found at an assessment of the case."""

    KIND: ClassVar[Kind] = Kind.ASSESSMENT

    __tablename__ = "assessments"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        Index("assessments_case", "regency", "case_id", "id"),
    )

    case_id: UUID
    instrument: str
    answers: dict[str, Any] = Field(sa_column=Column("answers", JSONB, nullable=False))
    summary: str
    assessed_by: str
    assessed_at: datetime = Field(sa_type=INSTANT)


class DirectService(Tenant, table=True):
    """A service that the unit itself gave for a need."""

    KIND: ClassVar[Kind] = Kind.DIRECT_SERVICE

    __tablename__ = "direct_services"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        ForeignKeyConstraint(["regency", "need_id"], ["needs.regency", "needs.id"]),
        Index("direct_services_case", "regency", "case_id", "id"),
    )

    case_id: UUID
    need_id: UUID
    service: str
    delivered_on: date
    evidence: str
    provided_by: str
    created_at: datetime = Field(sa_type=INSTANT)
