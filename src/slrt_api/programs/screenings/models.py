"""Tables of screenings: what was asked, what is still to be judged, what came out, and what is counted of it."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate


class Screening(Aggregate, table=True):
    """Rules judged for everybody of an area. Its progress is no change of its own: only start, end and stop have events.

    area, area_to  first and last number of the area
    rules          the versions that are judged by, with digests and the variants of the regency
    situation      what they hang on beside facts: places that are taken, programs of which every recipient is known
    draft          the version that is compared with the one in force: its rule as it stood, or None
    households     households to judge, once a worker has begun; `checked` of them have been
    entries        rows of the list so far
    lists_until    until when the list is kept; the counts stay
    """

    KIND: ClassVar[Kind] = Kind.SCREENING
    NAME: ClassVar[str] = "screening"

    __tablename__ = "screenings"
    __table_args__ = (
        Index(
            "screenings_one_at_a_time",
            "regency",
            "area",
            unique=True,
            postgresql_where=text("status IN ('QUEUED', 'RUNNING')"),
        ),
        Index("screenings_area", "regency", "area", "id"),
        Index("screenings_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("status IN ('QUEUED', 'RUNNING', 'DONE', 'CANCELLED', 'FAILED')", name="screenings_status"),
        CheckConstraint("(status IN ('QUEUED', 'RUNNING')) = (finished_at IS NULL)", name="screenings_finished"),
    )

    area_to: int = Field(sa_type=BigInteger)
    status: str
    as_of: date
    program_codes: list[str] = Field(sa_type=TEXT_ARRAY)
    rules: list[dict[str, Any]] = Field(sa_column=Column("rules", JSONB, nullable=False))
    situation: dict[str, Any] = Field(sa_column=Column("situation", JSONB, nullable=False))
    draft_program: str | None = None
    draft_version_id: UUID | None = None
    draft: dict[str, Any] | None = Field(default=None, sa_column=Column("draft", JSONB(none_as_null=True)))
    households: int | None = None
    checked: int = 0
    entries: int = Field(default=0, sa_type=BigInteger)
    requested_by: str
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)
    lists_until: datetime | None = Field(default=None, sa_type=INSTANT)


class ScreeningHousehold(SQLModel, table=True):
    """A household that a screening has still to judge. Gone in the transaction in which it was judged."""

    __tablename__ = "screening_households"

    regency: int = Field(primary_key=True)
    screening_id: UUID = Field(primary_key=True)
    area: int = Field(primary_key=True, sa_type=BigInteger)
    household_id: UUID = Field(primary_key=True)


class ScreeningEntry(SQLModel, table=True):
    """What came out for one household or person and one program. Who is ineligible and does not receive it has no row.

    n           running number within the screening
    area        where the household lived
    code        outcome as `programs.sql` writes it: the merits, and 16 more where the program is received
    draft_code  the same by the draft
    """

    __tablename__ = "screening_entries"
    __table_args__ = (
        Index("screening_entries_program", "regency", "screening_id", "program_code", "code", "n"),
        Index("screening_entries_household", "regency", "screening_id", "household_id"),
    )

    regency: int = Field(primary_key=True)
    screening_id: UUID = Field(primary_key=True)
    n: int = Field(primary_key=True, sa_type=BigInteger)
    area: int = Field(sa_type=BigInteger)
    program_code: str
    household_id: UUID
    person_id: UUID | None = None
    code: int = Field(sa_type=SmallInteger)
    draft_code: int | None = Field(default=None, sa_type=SmallInteger)


def _number(name: str) -> Any:
    return Field(sa_column=Column(name, Integer, nullable=False))


class ScreeningCount(SQLModel, table=True):
    """How many came out how, of one program in one village, district or the whole area.

    draft  judged by the draft, not by the version in force
    told   the numbers may be told to somebody who may not see the list
    """

    __tablename__ = "screening_counts"

    regency: int = Field(primary_key=True)
    screening_id: UUID = Field(primary_key=True)
    draft: bool = Field(primary_key=True)
    program_code: str = Field(primary_key=True)
    area: int = Field(primary_key=True, sa_type=BigInteger)
    eligible: int = _number("eligible")
    ineligible: int = _number("ineligible")
    indeterminate: int = _number("indeterminate")
    waitlist: int = _number("waitlist")
    conflict: int = _number("conflict")
    excluded: int = _number("excluded")
    receiving_eligible: int = _number("receiving_eligible")
    receiving_ineligible: int = _number("receiving_ineligible")
    receiving_indeterminate: int = _number("receiving_indeterminate")
    receiving_waitlist: int = _number("receiving_waitlist")
    receiving_conflict: int = _number("receiving_conflict")
    receiving_excluded: int = _number("receiving_excluded")
    told: bool = Field(sa_column=Column("told", Boolean, nullable=False, server_default=text("false")))


class ScreeningChange(SQLModel, table=True):
    """What a draft would change, by one dimension: who stays entitled, who gains and who loses."""

    __tablename__ = "screening_changes"

    regency: int = Field(primary_key=True)
    screening_id: UUID = Field(primary_key=True)
    dimension: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)
    stays: int
    gains: int
    losses: int
    told: bool = Field(sa_column=Column("told", Boolean, nullable=False, server_default=text("false")))
