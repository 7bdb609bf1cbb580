"""plans, notes, assignments, tasks, instruments, family plans and merges of cases."""

import sqlalchemy as sa
from alembic import op
from policies import Access, national_table, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_cases"
down_revision = "2026_11_30_routing"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WORK = dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT, INSERT, UPDATE")
GRANTS = WORK | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"}
TABLES = (
    # The worker reminds of lines that are due.
    Access("case_plan_lines", GRANTS | {"slrt_worker": "SELECT, UPDATE"}),
    Access("case_notes", GRANTS),
    Access("case_assignments", GRANTS),
    Access("case_tasks", GRANTS),
    Access("family_plans", GRANTS),
    Access("case_merges", GRANTS),
)


def _tenant() -> list[sa.Column[object]]:
    return [
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
    ]


def _aggregate() -> list[sa.Column[object]]:
    return [
        *_tenant(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    ]


def _of(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["regency", column], [f"{table}.regency", f"{table}.id"])


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in (
        sa.Column("returned_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reopened_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("open_tasks", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("tasks_due_at", INSTANT, nullable=True),
        sa.Column("eligibility_check_ids", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default="{}"),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("offered_to", sa.String(), nullable=True),
        sa.Column("family_plan_id", sa.Uuid(), nullable=True),
        sa.Column("reopen_until", INSTANT, nullable=True),
        sa.Column("closing_code", sa.String(), nullable=True),
    ):
        op.add_column("cases", column)
    op.create_index("cases_assignee", "cases", ["regency", "assignee", "id"], unique=False)
    op.create_index("cases_merged_into", "cases", ["regency", "merged_into"], unique=False)
    op.create_index(
        "cases_tasks",
        "cases",
        ["regency", "tasks_due_at", "id"],
        unique=False,
        postgresql_where=sa.text("open_tasks > 0"),
    )
    for column in (
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("instrument_version", sa.Integer(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("score_parts", postgresql.JSONB(), nullable=True),
    ):
        op.add_column("assessments", column)
    op.create_table(
        "instruments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("form", postgresql.JSONB(), nullable=False),
        sa.Column("score", postgresql.JSONB(), nullable=True),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("instruments_code", "instruments", ["code", "version"], unique=True)
    op.create_table(
        "case_plan_lines",
        *_tenant(),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("responsible_role", sa.String(), nullable=True),
        sa.Column("responsible_organization_id", sa.Uuid(), nullable=True),
        sa.Column("responsible_subject", sa.String(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('OPEN', 'DONE', 'DROPPED')", name="case_plan_lines_status"),
        sa.CheckConstraint("(status = 'OPEN') = (ended_at IS NULL)", name="case_plan_lines_ended"),
        sa.CheckConstraint(
            "num_nonnulls(responsible_role, responsible_organization_id, responsible_subject) = 1",
            name="case_plan_lines_responsible",
        ),
        _of("case_id", "cases"),
        _of("need_id", "needs"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("case_plan_lines_case", "case_plan_lines", ["regency", "case_id", "id"], unique=False)
    op.create_index(
        "case_plan_lines_due",
        "case_plan_lines",
        ["regency", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'OPEN' AND reminded_at IS NULL"),
    )
    op.create_table(
        "case_notes",
        *_tenant(),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("erased_at", INSTANT, nullable=True),
        sa.CheckConstraint("visibility IN ('UNIT', 'CASE_WORKERS')", name="case_notes_visibility"),
        sa.CheckConstraint("(text IS NULL) = (erased_at IS NOT NULL)", name="case_notes_erased"),
        _of("case_id", "cases"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("case_notes_case", "case_notes", ["regency", "case_id", "id"], unique=False)
    op.create_table(
        "case_assignments",
        *_tenant(),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("offered_by", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "status IN ('OFFERED', 'ACTIVE', 'DECLINED', 'WITHDRAWN', 'ENDED')", name="case_assignments_status"
        ),
        _of("case_id", "cases"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("case_assignments_case", "case_assignments", ["regency", "case_id", "id"], unique=False)
    for status in ("OFFERED", "ACTIVE"):
        op.create_index(
            f"case_assignments_one_{status.lower()}",
            "case_assignments",
            ["regency", "case_id"],
            unique=True,
            postgresql_where=sa.text(f"status = '{status}'"),
        )
    op.create_table(
        "case_tasks",
        *_tenant(),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.CheckConstraint("status IN ('OPEN', 'DONE', 'DROPPED')", name="case_tasks_status"),
        _of("case_id", "cases"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("case_tasks_case", "case_tasks", ["regency", "case_id", "id"], unique=False)
    op.create_index(
        "case_tasks_one_open",
        "case_tasks",
        ["regency", "case_id", "type"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_table(
        "family_plans",
        *_aggregate(),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('ACTIVE', 'ENDED')", name="family_plans_status"),
        _of("household_id", "households"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    for name in ("area", "updated_at"):
        op.create_index(f"family_plans_{name}", "family_plans", ["regency", name, "id"], unique=False)
    op.create_index(
        "family_plans_one_active",
        "family_plans",
        ["regency", "household_id"],
        unique=True,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_table(
        "case_merges",
        *_aggregate(),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("merged_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('MERGED', 'UNDONE')", name="case_merges_status"),
        _of("case_id", "cases"),
        _of("survivor_id", "cases"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    for name in ("area", "updated_at"):
        op.create_index(f"case_merges_{name}", "case_merges", ["regency", name, "id"], unique=False)
    op.create_index("case_merges_survivor", "case_merges", ["regency", "survivor_id", "id"], unique=False)
    op.create_index(
        "case_merges_one",
        "case_merges",
        ["regency", "case_id"],
        unique=True,
        postgresql_where=sa.text("status = 'MERGED'"),
    )
    for access in TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    for statement in national_table("instruments"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for access in reversed(TABLES):
        op.drop_table(access.table)
    op.drop_table("instruments")
    for column in ("score_parts", "score", "instrument_version", "instrument_id"):
        op.drop_column("assessments", column)
    for index in ("cases_tasks", "cases_merged_into", "cases_assignee"):
        op.drop_index(index, "cases")
    for column in (
        "closing_code",
        "reopen_until",
        "family_plan_id",
        "offered_to",
        "assignee",
        "eligibility_check_ids",
        "tasks_due_at",
        "open_tasks",
        "reopened_count",
        "returned_count",
    ):
        op.drop_column("cases", column)
