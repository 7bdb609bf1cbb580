"""candidates, decisions and runs."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_duplicates"
down_revision = "2026_11_22_lineage"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
AREA_STAFF = ("slrt_area_range", "slrt_area_list")
TENANT_TABLES = (
    Access(
        "duplicates",
        dict.fromkeys(AREA_STAFF, "SELECT, UPDATE")
        | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"},
    ),
    Access(
        "duplicate_runs",
        dict.fromkeys(AREA_STAFF, "SELECT, INSERT")
        | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, UPDATE", "slrt_worker": "SELECT"},
    ),
    Access("duplicate_keys", {"slrt_effect": "SELECT, INSERT, DELETE"}),
    Access("duplicate_words", {"slrt_effect": "SELECT, INSERT, UPDATE"}),
)
OPERATIONS = ("BIRTH", "DEATH", "SPLIT", "MERGE", "MOVE_WITHIN", "KK_REISSUE", "NIK_CORRECTION")


def _allow(*operations: str) -> None:
    listed = ", ".join(f"'{operation}'" for operation in operations)
    op.drop_constraint("lineage_operation", "lineage")
    op.create_check_constraint(
        "lineage_operation", "lineage", f"operation IN ({listed})", postgresql_not_valid=operations == OPERATIONS
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    _allow(*OPERATIONS, "MERGE_PERSONS")
    # Null: never looked at. The worker looks at everybody once, at its own pace.
    op.add_column("persons", sa.Column("duplicates_checked", sa.Integer(), nullable=True))
    op.create_index(
        "persons_unchecked",
        "persons",
        ["regency", "id"],
        unique=False,
        postgresql_where=sa.text("duplicates_checked IS DISTINCT FROM version"),
    )
    op.create_index("persons_birth_date", "persons", ["regency", "birth_date", "sex"], unique=False)
    # The worker asks who is to be looked at; what it looks at, it reads regency by regency.
    op.execute("GRANT SELECT (regency, id, version, duplicates_checked) ON persons TO slrt_worker")
    op.execute("CREATE POLICY slrt_worker ON persons TO slrt_worker USING (true)")
    op.create_table(
        "duplicates",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("survivor_id", sa.Uuid(), nullable=True),
        sa.Column("lineage_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("first_id < second_id", name="duplicates_ordered"),
        sa.CheckConstraint("status IN ('OPEN', 'LATER', 'SAME', 'DIFFERENT', 'WITHDRAWN')", name="duplicates_status"),
        sa.ForeignKeyConstraint(["regency", "first_id"], ["persons.regency", "persons.id"]),
        sa.ForeignKeyConstraint(["regency", "second_id"], ["persons.regency", "persons.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("duplicates_pair", "duplicates", ["regency", "first_id", "second_id"], unique=True)
    op.create_index("duplicates_second", "duplicates", ["regency", "second_id"], unique=False)
    op.create_index("duplicates_queue", "duplicates", ["regency", "status", "score", "id"], unique=False)
    op.create_index("duplicates_area", "duplicates", ["regency", "area", "id"], unique=False)
    op.create_index("duplicates_updated_at", "duplicates", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "duplicate_runs",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('RUNNING', 'DONE')", name="duplicate_runs_status"),
        sa.CheckConstraint("(status = 'DONE') = (finished_at IS NOT NULL)", name="duplicate_runs_finished"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "duplicate_runs_one_at_a_time",
        "duplicate_runs",
        ["regency"],
        unique=True,
        postgresql_where=sa.text("status = 'RUNNING'"),
    )
    op.create_table(
        "duplicate_keys",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "key", "id"),
    )
    op.create_index("duplicate_keys_person", "duplicate_keys", ["regency", "id"], unique=False)
    op.create_table(
        "duplicate_words",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "word"),
    )
    for access in TENANT_TABLES:
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in ("duplicate_words", "duplicate_keys", "duplicate_runs", "duplicates"):
        op.drop_table(table)
    op.execute("DROP POLICY slrt_worker ON persons")
    op.execute("REVOKE SELECT (regency, id, version, duplicates_checked) ON persons FROM slrt_worker")
    op.drop_index("persons_birth_date", table_name="persons")
    op.drop_index("persons_unchecked", table_name="persons")
    op.drop_column("persons", "duplicates_checked")
    _allow(*OPERATIONS)
