"""Tables of organizations. National (an LKS may serve several regencies), except what a regency's acts change: places,
how it routes, and how receivers stood to its offers.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate, NationalAggregate


class Organization(NationalAggregate, table=True):
    """A secretariat, Puskesos, OPD, LKS or facility, with the decree (SK) that founded it."""

    KIND: ClassVar[Kind] = Kind.ORGANIZATION
    NAME: ClassVar[str] = "organization"

    __tablename__ = "organizations"
    __table_args__ = (Index("organizations_code", "code", unique=True), Index("organizations_area", "area", "id"))

    code: str
    name: str
    kind: str
    sk_number: str
    sk_date: date


class Officer(SQLModel, table=True):
    """A person in an office of an organization; `subject` links to the identity provider's account."""

    __tablename__ = "organization_officers"

    organization_id: UUID = Field(sa_column_args=[ForeignKey("organizations.id")], primary_key=True)
    position: int = Field(primary_key=True)
    name: str
    office: str
    valid_from: date
    valid_to: date | None = None


class OfferedService(SQLModel, table=True):
    """A service that an organization offers."""

    __tablename__ = "organization_services"
    __table_args__ = (Index("organization_services_service", "service", "organization_id"),)

    organization_id: UUID = Field(sa_column_args=[ForeignKey("organizations.id")], primary_key=True)
    service: str = Field(sa_column_args=[ForeignKey("services.code")], primary_key=True)


class ServedArea(SQLModel, table=True):
    """An area, with all below it, that an organization serves: `lo` to `hi`, both included."""

    __tablename__ = "organization_areas"
    __table_args__ = (CheckConstraint("lo <= hi", name="organization_areas_range"),)

    organization_id: UUID = Field(sa_column_args=[ForeignKey("organizations.id")], primary_key=True)
    lo: int = Field(sa_type=BigInteger, primary_key=True)
    hi: int = Field(sa_type=BigInteger)


class ServedProgram(SQLModel, table=True):
    """A program for which an organization takes referrals. One that names none takes them for every program."""

    __tablename__ = "organization_programs"

    organization_id: UUID = Field(sa_column_args=[ForeignKey("organizations.id")], primary_key=True)
    program_id: UUID = Field(sa_column_args=[ForeignKey("programs.id")], primary_key=True)


class ServiceCapacity(SQLModel, table=True):
    """How many clients an organization takes for a service in a period, in one regency, and how many places are used."""

    __tablename__ = "service_capacity"
    __table_args__ = (CheckConstraint("used >= 0 AND used <= capacity", name="service_capacity_used"),)

    regency: int = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    service: str = Field(primary_key=True)
    period: date = Field(primary_key=True, description="first day of the month")
    area: int = Field(sa_type=BigInteger)
    capacity: int
    used: int = 0


class RoutingPolicy(Aggregate, table=True):
    """How a regency routes from a day on. Never written again: the newest one before a day counts on it."""

    KIND: ClassVar[Kind] = Kind.ROUTING_POLICY
    NAME: ClassVar[str] = "routing_policy"

    __tablename__ = "routing_policies"
    __table_args__ = (
        Index("routing_policies_from", "regency", "valid_from", unique=True),
        Index("routing_policies_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("minimum_share BETWEEN 0 AND 100", name="routing_policies_share"),
    )

    valid_from: date
    places_weight: int
    response_weight: int
    acceptance_weight: int
    turn_weight: int
    slow_response_minutes: int
    minimum_share: int
    cool_down_days: int
    unanswered_limit: int
    open_offers_limit: int
    attempts_limit: int
    package_grace_days: int
    auto_services: list[str] | None = Field(default=None, sa_column=Column("auto_services", ARRAY(Text), nullable=True))
    reason: str
    decree: str | None = None
    decided_by: str


class RoutingStanding(SQLModel, table=True):
    """How an organization stood to its offers for one service in one regency: the columns of `routing.Standing`."""

    __tablename__ = "routing_standings"
    __table_args__ = (CheckConstraint("open_offers BETWEEN 0 AND offers", name="routing_standings_open"),)

    regency: int = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    service: str = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)
    offers: int = 0
    open_offers: int = 0
    answers: int = 0
    unanswered: int = 0
    response_minutes: int | None = None
    acceptance: int | None = None
    turn: int | None = None
    offered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    silent_at: datetime | None = Field(default=None, sa_type=INSTANT)
