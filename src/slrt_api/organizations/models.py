"""Tables of organizations. National (an LKS may serve several regencies), except capacity, which a regency's acts change."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import NationalAggregate


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
