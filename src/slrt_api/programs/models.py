"""Tables of programs: the catalog and the versions of its rules (national), what a regency makes of them, who receives them, and
the facts by which a regency is screened.

Personal facts of a check stand encrypted in it.
"""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate, NationalAggregate


class Program(NationalAggregate, table=True):
    """A program, the unit that is entitled to it, its owner, where and when it is open, and where complaints go.

    A shipped one begins at version 0; the loader renews it until somebody changes it. `area` 0 = the whole nation.
    """

    KIND: ClassVar[Kind] = Kind.PROGRAM
    NAME: ClassVar[str] = "program"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "programs"
    __table_args__ = (Index("programs_code", "code", unique=True),)

    version: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": func.now()})
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": func.now()})
    code: str
    name_id: str
    name_en: str
    unit: str
    cluster: int
    owner_organization_id: UUID | None = Field(default=None, sa_column_args=[ForeignKey("organizations.id")])
    open_from: date
    open_to: date | None = None
    complaint_channel: str
    citation: str
    confidence: str
    sector: str
    level: str
    domain: str
    legal_basis: str | None = None


class RuleVersion(NationalAggregate, table=True):
    """A version of the rules of a program. The rule changes in a draft alone.

    version        of the row, as of every aggregate; `number` is the version of the rule, such as 2026.1
    area, level    the program's: who may write it
    valid_from, valid_to  the days on which it is judged by; `valid_to` ends where the next one begins
    rule, digest   as `criteria` publishes it, and the SHA-256 of its canonical JSON
    """

    KIND: ClassVar[Kind] = Kind.RULE_VERSION
    NAME: ClassVar[str] = "rule_version"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "rule_versions"
    __table_args__ = (
        Index("rule_versions_number", "program_id", "number", unique=True),
        Index("rule_versions_in_force", "program_id", "status", "valid_from"),
        CheckConstraint("valid_to >= valid_from", name="rule_versions_validity"),
        CheckConstraint(
            "status IN ('DRAFT', 'PUBLISHED', 'SUPERSEDED', 'WITHDRAWN', 'DISCARDED')", name="rule_versions_status"
        ),
        CheckConstraint("status IN ('DRAFT', 'DISCARDED') OR published_by IS NOT NULL", name="rule_versions_published"),
        # The maker of a version is not who publishes it; what is shipped has no maker here.
        CheckConstraint(
            "published_by <> drafted_by OR drafted_by = 'system#reference'", name="rule_versions_two_people"
        ),
    )

    program_id: UUID = Field(sa_column_args=[ForeignKey("programs.id")])
    level: str
    number: str
    status: str
    valid_from: date
    valid_to: date | None = None
    rule: dict[str, Any] = Field(sa_column=Column("rule", JSONB, nullable=False))
    digest: str
    citation: str
    confidence: str
    drafted_by: str
    published_by: str | None = None
    published_at: datetime | None = Field(default=None, sa_type=INSTANT)


class VariantChoice(Aggregate, table=True):
    """Which of the sources that disagree about a program count in a regency, from a day on. None: the rule as it stands."""

    KIND: ClassVar[Kind] = Kind.VARIANT_CHOICE
    NAME: ClassVar[str] = "variant_choice"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "variant_choices"
    __table_args__ = (
        Index("variant_choices_from", "regency", "program_id", "valid_from", unique=True),
        Index("variant_choices_updated_at", "regency", "updated_at", "id"),
    )

    program_id: UUID
    program_code: str
    variants: list[str] = Field(sa_type=TEXT_ARRAY)
    valid_from: date
    reason: str
    decree: str | None = None
    chosen_by: str


class EnrollmentList(Aggregate, table=True):
    """That every recipient of a program in the regency is known as of a day: who is not enrolled does not receive it."""

    KIND: ClassVar[Kind] = Kind.ENROLLMENT_LIST
    NAME: ClassVar[str] = "enrollment_list"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "enrollment_lists"
    __table_args__ = (
        Index("enrollment_lists_program", "regency", "program_id", unique=True),
        Index("enrollment_lists_updated_at", "regency", "updated_at", "id"),
    )

    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": func.now()})
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": func.now()})
    program_id: UUID
    source: str
    as_of: date
    declared_by: str = Field(default="system#import", sa_column_kwargs={"server_default": "system#import"})


class Enrollment(Aggregate, table=True):
    """That a household, or a person where `person_id` names one, receives a program.

    household_id  where a person receives: the household that the person belonged to when it was recorded
    status        ENDED once a last day was named; VOID was recorded by mistake, and is seen by no rule
    started_on    the first day; ended_on the last, null while it goes on
    source        who told it; as_of the day of which it is known
    conflicts     programs that were received on the first day and do not go together with this one
    """

    KIND: ClassVar[Kind] = Kind.ENROLLMENT
    NAME: ClassVar[str] = "enrollment"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "enrollments"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        Index("enrollments_household", "regency", "household_id", "program_id"),
        Index("enrollments_person", "regency", "person_id", "program_id"),
        Index("enrollments_program", "regency", "program_id", "id"),
        Index("enrollments_program_area", "regency", "program_id", "area"),
        Index("enrollments_area", "regency", "area", "id"),
        Index("enrollments_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("ended_on >= started_on", name="enrollments_days"),
        CheckConstraint("status <> 'ENDED' OR ended_on IS NOT NULL", name="enrollments_ended"),
        CheckConstraint("status IN ('ACTIVE', 'ENDED', 'VOID')", name="enrollments_status"),
        CheckConstraint("origin IN ('IMPORTED', 'REPORTED')", name="enrollments_origin"),
    )

    program_id: UUID
    household_id: UUID
    person_id: UUID | None = None
    status: str = Field(default="ACTIVE", sa_column_kwargs={"server_default": "ACTIVE"})
    started_on: date
    ended_on: date | None = None
    end_reason: str | None = None
    # The defaults are for lists that are written without naming them.
    origin: str = Field(default="IMPORTED", sa_column_kwargs={"server_default": "IMPORTED"})
    source: str
    as_of: date
    conflicts: list[str] = Field(
        default_factory=list, sa_type=TEXT_ARRAY, sa_column_kwargs={"server_default": text("'{}'::text[]")}
    )
    recorded_by: str = Field(default="system#import", sa_column_kwargs={"server_default": "system#import"})


class EligibilityCheck(Aggregate, table=True):
    """What the rules made of a household on a day, with everything that it hung on.

    rules         the versions that were judged by, with their digests and the variants of the regency
    outcomes      by program and unit: outcome and what is missing; no facts
    inputs        ciphertext of the facts and the situation, as the rules saw them; packed before, as the two others
    results       ciphertext of the whole answer; `open_results` of the answer without what rests on special data
    engine        version of the evaluation, so that a later one is not taken for a difference
    """

    KIND: ClassVar[Kind] = Kind.ELIGIBILITY_CHECK
    NAME: ClassVar[str] = "eligibility_check"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "eligibility_checks"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        Index("eligibility_checks_household", "regency", "household_id", "id"),
        Index("eligibility_checks_area", "regency", "area", "id"),
        Index("eligibility_checks_updated_at", "regency", "updated_at", "id"),
    )

    household_id: UUID
    as_of: date
    engine: int
    rules: list[dict[str, Any]] = Field(sa_column=Column("rules", JSONB, nullable=False))
    outcomes: list[dict[str, Any]] = Field(sa_column=Column("outcomes", JSONB, nullable=False))
    inputs: bytes
    results: bytes
    open_results: bytes
    checked_by: str


class EligibilityReview(Aggregate, table=True):
    """That a human looks at an automated result (UU 27/2022, article 10), and what came of it. The result keeps both.

    person_id  who asks for it, where that is a member of the household
    checked_by  who ran the check: decides nothing about it
    """

    KIND: ClassVar[Kind] = Kind.ELIGIBILITY_REVIEW
    NAME: ClassVar[str] = "eligibility_review"
    ADDRESSED: ClassVar[bool] = False

    __tablename__ = "eligibility_reviews"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "check_id"], ["eligibility_checks.regency", "eligibility_checks.id"]),
        Index(
            "eligibility_reviews_one_open",
            "regency",
            "check_id",
            "program_code",
            "unit_id",
            unique=True,
            postgresql_where=text("status = 'REQUESTED'"),
        ),
        Index("eligibility_reviews_household", "regency", "household_id", "id"),
        Index("eligibility_reviews_area", "regency", "area", "id"),
        Index("eligibility_reviews_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("status IN ('REQUESTED', 'UPHELD', 'CHANGED', 'WITHDRAWN')", name="eligibility_reviews_status"),
        CheckConstraint(
            "(status = 'CHANGED') = (outcome_after IS NOT NULL AND outcome_after <> outcome_before)",
            name="eligibility_reviews_changed",
        ),
        CheckConstraint("decided_by IS NULL OR decided_by <> checked_by", name="eligibility_reviews_another"),
    )

    check_id: UUID
    household_id: UUID
    program_code: str
    unit_id: UUID
    type: str
    status: str
    person_id: UUID | None = None
    reason: str
    requested_by: str
    checked_by: str
    outcome_before: str
    outcome_after: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    decision_reason: str | None = None
