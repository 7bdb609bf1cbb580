"""Table of social programs. National."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind


class Program(SQLModel, table=True):
    """A program, the unit that is entitled to it, its owner, where and when it is open, and where complaints go."""

    KIND: ClassVar[Kind] = Kind.PROGRAM

    __tablename__ = "programs"
    __table_args__ = (Index("programs_code", "code", unique=True),)

    id: UUID = Field(primary_key=True)
    code: str
    name_id: str
    name_en: str
    unit: str
    cluster: int
    owner_organization_id: UUID | None = Field(default=None, sa_column_args=[ForeignKey("organizations.id")])
    area: int = Field(sa_type=BigInteger, description="0 = the whole nation")
    open_from: date
    open_to: date | None = None
    complaint_channel: str
    citation: str
    confidence: str
    sector: str
    level: str
    domain: str
    legal_basis: str | None = None
