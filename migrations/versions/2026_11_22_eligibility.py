"""versions of the rules of programs, enrollments, eligibility checks and their reviews.

Programs become aggregates: those that are there begin at version 0 and have no event until their first change.
"""

import sqlalchemy as sa
from alembic import op
from policies import Access, national_table, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_eligibility"
down_revision = "2026_11_22_programs"
branch_labels = None
depends_on = None

READS = {"slrt_area_range": "SELECT", "slrt_area_list": "SELECT", "slrt_auditor": "SELECT"}
WRITES = {
    "slrt_area_range": "SELECT, INSERT, UPDATE",
    "slrt_area_list": "SELECT, INSERT, UPDATE",
    "slrt_auditor": "SELECT",
    "slrt_effect": "SELECT, INSERT, UPDATE",
}
#: of a regency as a whole: written by the effect role, after the check that the regency is the caller's
REGIONAL = {"slrt_area_range": "SELECT", "slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT"}
TABLES = (
    Access("variant_choices", REGIONAL, regencies=True),
    # What was judged is never written again, but for a move of the household and under a new key.
    Access(
        "eligibility_checks",
        READS
        | {"slrt_area_range": "SELECT, INSERT", "slrt_area_list": "SELECT, INSERT", "slrt_effect": "SELECT, UPDATE"},
    ),
    Access("eligibility_reviews", WRITES),
)

CHECKS = {
    "enrollments_ended": "status <> 'ENDED' OR ended_on IS NOT NULL",
    "enrollments_status": "status IN ('ACTIVE', 'ENDED', 'VOID')",
    "enrollments_origin": "origin IN ('IMPORTED', 'REPORTED')",
}


def _aggregate(*, national: bool = False) -> list[sa.Column[object]]:
    tenant = [] if national else [sa.Column("regency", sa.Integer(), nullable=False)]
    return [
        *tenant,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.add_column("programs", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    for name in ("created_at", "updated_at"):
        op.add_column(
            "programs", sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
        )
    op.create_table(
        "rule_versions",
        *_aggregate(national=True),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        *_texts("level", "number", "status"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        *_texts("digest", "citation", "confidence", "drafted_by"),
        sa.Column("published_by", sa.String(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("valid_to >= valid_from", name="rule_versions_validity"),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'PUBLISHED', 'SUPERSEDED', 'WITHDRAWN', 'DISCARDED')", name="rule_versions_status"
        ),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'DISCARDED') OR published_by IS NOT NULL", name="rule_versions_published"
        ),
        sa.CheckConstraint(
            "published_by <> drafted_by OR drafted_by = 'system#reference'", name="rule_versions_two_people"
        ),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rule_versions_number", "rule_versions", ["program_id", "number"], unique=True)
    op.create_index("rule_versions_in_force", "rule_versions", ["program_id", "status", "valid_from"], unique=False)
    for statement in national_table("rule_versions", effect="INSERT, UPDATE"):
        op.execute(statement)
    op.create_table(
        "variant_choices",
        *_aggregate(),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("program_code", sa.String(), nullable=False),
        sa.Column("variants", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decree", sa.String(), nullable=True),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("variant_choices_from", "variant_choices", ["regency", "program_id", "valid_from"], unique=True)
    for column in (
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("declared_by", sa.String(), nullable=False, server_default="system#import"),
    ):
        op.add_column("enrollment_lists", column)
    for column in (
        sa.Column("status", sa.String(), nullable=False, server_default="ACTIVE"),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False, server_default="IMPORTED"),
        sa.Column("conflicts", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'::text[]")),
        sa.Column("recorded_by", sa.String(), nullable=False, server_default="system#import"),
    ):
        op.add_column("enrollments", column)
    for name, condition in CHECKS.items():
        op.create_check_constraint(name, "enrollments", condition)
    op.create_index("enrollments_program_area", "enrollments", ["regency", "program_id", "area"], unique=False)
    op.create_index("enrollment_lists_updated_at", "enrollment_lists", ["regency", "updated_at", "id"], unique=False)
    op.execute("GRANT INSERT, UPDATE ON enrollments TO slrt_area_range, slrt_area_list")
    # Of a regency as a whole: whoever works in villages of it is told by rules alone.
    op.execute("REVOKE SELECT ON enrollment_lists FROM slrt_area_list")
    op.execute("DROP POLICY slrt_area_list ON enrollment_lists")
    op.create_table(
        "eligibility_checks",
        *_aggregate(),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("engine", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("outcomes", postgresql.JSONB(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("results", sa.LargeBinary(), nullable=False),
        sa.Column("open_results", sa.LargeBinary(), nullable=False),
        *_texts("checked_by"),
        sa.ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_table(
        "eligibility_reviews",
        *_aggregate(),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("program_code", sa.String(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        *_texts("type", "status"),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        *_texts("reason", "requested_by", "checked_by", "outcome_before"),
        sa.Column("outcome_after", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status IN ('REQUESTED', 'UPHELD', 'CHANGED', 'WITHDRAWN')", name="eligibility_reviews_status"
        ),
        sa.CheckConstraint(
            "(status = 'CHANGED') = (outcome_after IS NOT NULL AND outcome_after <> outcome_before)",
            name="eligibility_reviews_changed",
        ),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> checked_by", name="eligibility_reviews_another"),
        sa.ForeignKeyConstraint(["regency", "check_id"], ["eligibility_checks.regency", "eligibility_checks.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "eligibility_reviews_one_open",
        "eligibility_reviews",
        ["regency", "check_id", "program_code", "unit_id"],
        unique=True,
        postgresql_where=sa.text("status = 'REQUESTED'"),
    )
    for table in ("eligibility_checks", "eligibility_reviews"):
        op.create_index(f"{table}_household", table, ["regency", "household_id", "id"], unique=False)
    for table in ("eligibility_checks", "eligibility_reviews"):
        op.create_index(f"{table}_area", table, ["regency", "area", "id"], unique=False)
    for access in TABLES:
        op.create_index(f"{access.table}_updated_at", access.table, ["regency", "updated_at", "id"], unique=False)
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for access in reversed(TABLES):
        op.drop_table(access.table)
    op.drop_table("rule_versions")
    op.execute("GRANT SELECT ON enrollment_lists TO slrt_area_list")
    op.execute(
        "CREATE POLICY slrt_area_list ON enrollment_lists TO slrt_area_list"
        " USING (area = ANY (current_setting('app.areas')::bigint[]))"
    )
    op.execute("REVOKE INSERT, UPDATE ON enrollments FROM slrt_area_range, slrt_area_list")
    op.drop_index("enrollment_lists_updated_at")
    op.drop_index("enrollments_program_area")
    for name in CHECKS:
        op.drop_constraint(name, "enrollments")
    for name in ("recorded_by", "conflicts", "origin", "end_reason", "status"):
        op.drop_column("enrollments", name)
    for name in ("declared_by", "updated_at", "created_at", "version"):
        op.drop_column("enrollment_lists", name)
    for name in ("updated_at", "created_at", "version"):
        op.drop_column("programs", name)
