"""Tables of cases: the case and its parts, the forms of assessments, family plans, and merges of duplicates."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant


class Case(Aggregate, table=True):
    """The work for one household.

    `need_count`, `open_needs` (not final) and `referred_needs` (with a referral that runs) are kept by the acts that
    change needs, for guards. `received_at` is when the household's trouble was first reported, here or by its complaint.
    `escalation` shows it to the province (1), or to the nation as well (2). `attention`: all whom it is for have died, and
    an officer has to say how it goes on; the next step takes it away. `successor_id`, `predecessor_id`: of one that was
    handed over with its people, the case in the other regency that goes on, and the one that it came from. `open_tasks`:
    what an emergency skipped and still owes, `tasks_due_at` by when. `eligibility_check_ids`: the checks that its last
    recommendation stands on. `assignee` works on it, `offered_to` has been asked to. `reopen_until`: how long officers may
    take it up again at the word of its people. `assessed` is of this round: it begins anew when the case is reopened.
    `reassess_by`: while it waits for its re-assessment, by when that is due; `reassessment_told_at`: the worker told so.
    `reopening_asked_at`: its people ask that it goes on, and nobody has answered; `reopening_referral_id`: because this service
    never came. What they say is encrypted.
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
        Index("cases_assignee", "regency", "assignee", "id", postgresql_where=text("assignee IS NOT NULL")),
        Index("cases_merged_into", "regency", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index("cases_tasks", "regency", "tasks_due_at", "id", postgresql_where=text("open_tasks > 0")),
        Index("cases_reassess", "regency", "reassess_by", "id", postgresql_where=text("reassess_by IS NOT NULL")),
        Index("cases_reopening", "regency", "area", "id", postgresql_where=text("reopening_asked_at IS NOT NULL")),
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
    returned_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reopened_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    open_tasks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    tasks_due_at: datetime | None = Field(default=None, sa_type=INSTANT)
    eligibility_check_ids: list[UUID] = Field(
        default_factory=list,
        sa_column=Column("eligibility_check_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    )
    assignee: str | None = None
    offered_to: str | None = None
    family_plan_id: UUID | None = None
    reopen_until: datetime | None = Field(default=None, sa_type=INSTANT)
    closing_code: str | None = None
    reassess_by: datetime | None = Field(default=None, sa_type=INSTANT)
    reassessment_told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reopening_asked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reopening_referral_id: UUID | None = None
    reopening_text: bytes | None = None
    reopening_answer: str | None = None
    reopening_answered_at: datetime | None = Field(default=None, sa_type=INSTANT)


def _listed(table: str) -> tuple[Index, Index]:
    """What lists of an aggregate are cut and ordered by."""
    area, updated_at = (Index(f"{table}_{name}", "regency", name, "id") for name in ("area", "updated_at"))
    return area, updated_at


def _of_case(table: str) -> tuple[ForeignKeyConstraint, Index]:
    """What every part of a case has: its case, and an index by which a case finds it."""
    return (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        Index(f"{table}_case", "regency", "case_id", "id"),
    )


class Need(Tenant, table=True):
    """What one person of the household needs; each has its own state. `escalation` is that of its case."""

    KIND: ClassVar[Kind] = Kind.NEED

    __tablename__ = "needs"
    __table_args__ = (
        *_of_case("needs"),
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
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
    """What an officer found at an assessment of the case, in the version of the form that it was asked by.

    Older rows have no form: their answers stand as they were given.
    """

    KIND: ClassVar[Kind] = Kind.ASSESSMENT

    __tablename__ = "assessments"
    __table_args__ = (*_of_case("assessments"),)

    case_id: UUID
    instrument: str
    answers: dict[str, Any] = Field(sa_column=Column("answers", JSONB, nullable=False))
    summary: str
    assessed_by: str
    assessed_at: datetime = Field(sa_type=INSTANT)
    instrument_id: UUID | None = None
    instrument_version: int | None = None
    score: int | None = None
    score_parts: dict[str, Any] | None = Field(default=None, sa_column=Column("score_parts", JSONB, nullable=True))


class DirectService(Tenant, table=True):
    """A service that the unit itself gave for a need."""

    KIND: ClassVar[Kind] = Kind.DIRECT_SERVICE

    __tablename__ = "direct_services"
    __table_args__ = (
        *_of_case("direct_services"),
        ForeignKeyConstraint(["regency", "need_id"], ["needs.regency", "needs.id"]),
    )

    case_id: UUID
    need_id: UUID
    service: str
    delivered_on: date
    evidence: str
    provided_by: str
    created_at: datetime = Field(sa_type=INSTANT)


class Instrument(SQLModel, table=True):
    """One version of a form: what it asks as JSON Schema, and how its score is made. Shipped; never changed."""

    KIND: ClassVar[Kind] = Kind.INSTRUMENT

    __tablename__ = "instruments"
    __table_args__ = (Index("instruments_code", "code", "version", unique=True),)

    id: UUID = Field(primary_key=True)
    code: str
    version: int
    label_id: str
    label_en: str
    form: dict[str, Any] = Field(sa_column=Column("form", JSONB, nullable=False))
    score: dict[str, Any] | None = Field(default=None, sa_column=Column("score", JSONB, nullable=True))
    citation: str
    confidence: str
    valid_from: date
    digest: bytes


class PlanLine(Tenant, table=True):
    """Who does what by when: one of a role, an organization or an officer. `reminded_at`: the worker told that it is due."""

    KIND: ClassVar[Kind] = Kind.CASE_PLAN_LINE

    __tablename__ = "case_plan_lines"
    __table_args__ = (
        *_of_case("case_plan_lines"),
        ForeignKeyConstraint(["regency", "need_id"], ["needs.regency", "needs.id"]),
        Index(
            "case_plan_lines_due",
            "regency",
            "due_on",
            "id",
            postgresql_where=text("status = 'OPEN' AND reminded_at IS NULL"),
        ),
        CheckConstraint("status IN ('OPEN', 'DONE', 'DROPPED')", name="case_plan_lines_status"),
        CheckConstraint("(status = 'OPEN') = (ended_at IS NULL)", name="case_plan_lines_ended"),
        CheckConstraint(
            "num_nonnulls(responsible_role, responsible_organization_id, responsible_subject) = 1",
            name="case_plan_lines_responsible",
        ),
    )

    case_id: UUID
    need_id: UUID | None = None
    action: str
    responsible_role: str | None = None
    responsible_organization_id: UUID | None = None
    responsible_subject: str | None = None
    due_on: date
    status: str
    evidence: str | None = None
    planned_by: str
    created_at: datetime = Field(sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reminded_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Note(Tenant, table=True):
    """What an officer wrote down, encrypted; gone when it is erased.

    One for receivers is of a referral; its organization or program reads it while it is `shared`, as the package.
    """

    KIND: ClassVar[Kind] = Kind.NOTE

    __tablename__ = "case_notes"
    __table_args__ = (
        *_of_case("case_notes"),
        Index(
            "case_notes_referral",
            "regency",
            "referral_id",
            "id",
            postgresql_where=text("referral_id IS NOT NULL"),
        ),
        CheckConstraint("visibility IN ('UNIT', 'CASE_WORKERS', 'RECEIVERS')", name="case_notes_visibility"),
        CheckConstraint("(visibility = 'RECEIVERS') = (referral_id IS NOT NULL)", name="case_notes_receivers"),
        CheckConstraint("NOT shared OR referral_id IS NOT NULL", name="case_notes_shared"),
        CheckConstraint("(text IS NULL) = (erased_at IS NOT NULL)", name="case_notes_erased"),
    )

    case_id: UUID
    visibility: str
    unit: str
    text: bytes | None = None
    author: str
    created_at: datetime = Field(sa_type=INSTANT)
    erased_at: datetime | None = Field(default=None, sa_type=INSTANT)
    referral_id: UUID | None = None
    organization_id: UUID | None = None
    program_id: UUID | None = None
    shared: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class Assignment(Tenant, table=True):
    """That an officer works on the case, or was asked to. One at a time of each."""

    KIND: ClassVar[Kind] = Kind.ASSIGNMENT

    __tablename__ = "case_assignments"
    __table_args__ = (
        *_of_case("case_assignments"),
        *(
            Index(
                f"case_assignments_one_{status.lower()}",
                "regency",
                "case_id",
                unique=True,
                postgresql_where=text(f"status = '{status}'"),
            )
            for status in ("OFFERED", "ACTIVE")
        ),
        CheckConstraint(
            "status IN ('OFFERED', 'ACTIVE', 'DECLINED', 'WITHDRAWN', 'ENDED')", name="case_assignments_status"
        ),
    )

    case_id: UUID
    assignee: str
    offered_by: str
    status: str
    reason: str | None = None
    answer: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    began_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Task(Tenant, table=True):
    """What an emergency skipped, to be made good by `due_at`; None where no policy sets a deadline."""

    KIND: ClassVar[Kind] = Kind.CASE_TASK

    __tablename__ = "case_tasks"
    __table_args__ = (
        *_of_case("case_tasks"),
        Index(
            "case_tasks_one_open",
            "regency",
            "case_id",
            "type",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
        CheckConstraint("status IN ('OPEN', 'DONE', 'DROPPED')", name="case_tasks_status"),
    )

    case_id: UUID
    type: str
    status: str
    due_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)
    done_at: datetime | None = Field(default=None, sa_type=INSTANT)
    done_by: str | None = None
    document: str | None = None
    evidence: str | None = None


class FamilyPlan(Aggregate, table=True):
    """One goal for several cases of a household; each case keeps its own way and its own deadlines."""

    KIND: ClassVar[Kind] = Kind.FAMILY_PLAN
    NAME: ClassVar[str] = "family_plan"

    __tablename__ = "family_plans"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        *_listed("family_plans"),
        Index(
            "family_plans_one_active",
            "regency",
            "household_id",
            unique=True,
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        CheckConstraint("status IN ('ACTIVE', 'ENDED')", name="family_plans_status"),
    )

    household_id: UUID
    goal: str
    status: str
    made_by: str
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CaseMerge(Aggregate, table=True):
    """That `case_id` was a duplicate of `survivor_id`. `before`: how both stood, for the undoing."""

    KIND: ClassVar[Kind] = Kind.CASE_MERGE
    NAME: ClassVar[str] = "case_merge"
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"before"})

    __tablename__ = "case_merges"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        ForeignKeyConstraint(["regency", "survivor_id"], ["cases.regency", "cases.id"]),
        *_listed("case_merges"),
        Index("case_merges_survivor", "regency", "survivor_id", "id"),
        Index("case_merges_one", "regency", "case_id", unique=True, postgresql_where=text("status = 'MERGED'")),
        CheckConstraint("status IN ('MERGED', 'UNDONE')", name="case_merges_status"),
    )

    case_id: UUID
    survivor_id: UUID
    status: str
    merged_by: str
    reason: str
    before: dict[str, Any] = Field(sa_column=Column("before", JSONB, nullable=False))
    undone_by: str | None = None
    undone_at: datetime | None = Field(default=None, sa_type=INSTANT)
