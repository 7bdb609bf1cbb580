"""Table of consents and lawful bases."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate


class Consent(Aggregate, table=True):
    """Why the data of a person may be processed for a purpose.

    `person_id` is null where it is about everybody whom a case is for: the basis of the case work itself. `case_id` binds
    it to one case; null is for all work on the person. There are no foreign keys: persons and cases stand in domains above.
    """

    KIND: ClassVar[Kind] = Kind.CONSENT
    NAME: ClassVar[str] = "consent"

    __tablename__ = "consents"
    __table_args__ = (
        Index(
            "consents_one_given",
            "regency",
            "person_id",
            "case_id",
            "purpose",
            "basis",
            unique=True,
            postgresql_where=text("status = 'GIVEN'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("consents_person", "regency", "person_id", "id"),
        Index("consents_household", "regency", "household_id", "id"),
        Index("consents_case", "regency", "case_id", "id"),
        Index("consents_area", "regency", "area", "id"),
        Index("consents_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("person_id IS NOT NULL OR case_id IS NOT NULL", name="consents_subject"),
        CheckConstraint("basis <> 'CONSENT' OR evidence IS NOT NULL", name="consents_evidence"),
    )

    person_id: UUID | None = None
    household_id: UUID | None = None
    case_id: UUID | None = None
    purpose: str
    basis: str
    status: str
    given_at: datetime = Field(sa_type=INSTANT)
    withdrawn_at: datetime | None = Field(default=None, sa_type=INSTANT)
    evidence: str | None = None
    evidence_note: str | None = None
    recorded_by: str
