"""Tables of programs (national), of who receives them, and of the facts by which a regency is screened."""

from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.programs.facts import FactType, Subject, vocabulary
from slrt_api.runtime.tables import Aggregate, Tenant


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


class Enrollment(Aggregate, table=True):
    """That a household, or a person where `person_id` names one, receives a program.

    household_id  where a person receives: the household that the person belonged to when it was recorded
    started_on    the first day; ended_on the last, null while it goes on
    source        who told it; as_of the day of which it is known
    """

    KIND: ClassVar[Kind] = Kind.ENROLLMENT
    NAME: ClassVar[str] = "enrollment"

    __tablename__ = "enrollments"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        Index("enrollments_household", "regency", "household_id", "program_id"),
        Index("enrollments_person", "regency", "person_id", "program_id"),
        Index("enrollments_program", "regency", "program_id", "id"),
        Index("enrollments_area", "regency", "area", "id"),
        Index("enrollments_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("ended_on >= started_on", name="enrollments_days"),
    )

    program_id: UUID
    household_id: UUID
    person_id: UUID | None = None
    started_on: date
    ended_on: date | None = None
    source: str
    as_of: date


class EnrollmentList(Tenant, table=True):
    """That every recipient of a program in the regency is known as of a day: who is not enrolled does not receive it."""

    __tablename__ = "enrollment_lists"
    __table_args__ = (Index("enrollment_lists_program", "regency", "program_id", unique=True),)

    program_id: UUID
    source: str
    as_of: date


_TYPES: Final[dict[FactType, Any]] = {
    FactType.BOOLEAN: Boolean,
    FactType.INTEGER: Integer,
    FactType.RUPIAH: BigInteger,
    FactType.DATE: Date,
    FactType.CODE: Text,
}


def _facts_of(subject: Subject) -> list[Column[Any]]:
    return [Column(spec.name, _TYPES[spec.type]) for spec in vocabulary().values() if spec.subject is subject]


#: What is known of each active household and each member, a column a fact, as rules of a whole regency read it. Made anew from
#: the tables above before it is read (`loading.refresh`), and therefore unlogged; nobody is answered from it one by one.
FACTS_HOUSEHOLDS: Final = Table(
    "facts_households",
    SQLModel.metadata,
    Column("regency", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("area", BigInteger, nullable=False),
    *_facts_of(Subject.HOUSEHOLD),
    prefixes=["UNLOGGED"],
)
FACTS_PERSONS: Final = Table(
    "facts_persons",
    SQLModel.metadata,
    Column("regency", Integer, primary_key=True, autoincrement=False),
    Column("household_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("area", BigInteger, nullable=False),
    *_facts_of(Subject.PERSON),
    prefixes=["UNLOGGED"],
)
#: what active households and their members receive or received, where they are now
FACTS_ENROLLMENTS: Final = Table(
    "facts_enrollments",
    SQLModel.metadata,
    Column("regency", Integer, primary_key=True, autoincrement=False),
    Column("household_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid),
    Column("program", Text, nullable=False),
    Column("started_on", Date, nullable=False),
    Column("ended_on", Date),
    prefixes=["UNLOGGED"],
)
