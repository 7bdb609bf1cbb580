"""what the civil registry said."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_civil"
down_revision = "2026_11_22_names"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CIVIL_CHECKS = Access(
    "civil_checks",
    {
        **dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT, INSERT"),
        "slrt_auditor": "SELECT",
        "slrt_effect": "SELECT, UPDATE",
        # It takes a check up, and nothing else: what becomes of it is written by an act.
        "slrt_worker": "SELECT, UPDATE (attempts, due_at)",
    },
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    # Nobody was asked about before. The default is for code of before, too, which does not name the column.
    op.add_column(
        "persons",
        sa.Column("matching_status", sa.String(), server_default=sa.text("'NOT_MATCHED_YET'"), nullable=False),
    )
    op.create_index("persons_matching", "persons", ["regency", "matching_status", "id"], unique=False)
    op.create_table(
        "civil_checks",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("basis", sa.LargeBinary(), nullable=True),
        sa.Column("standing", sa.String(), nullable=True),
        sa.Column("name_matches", sa.Boolean(), nullable=True),
        sa.Column("sex_matches", sa.Boolean(), nullable=True),
        sa.Column("birth_date_matches", sa.Boolean(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('REQUESTED', 'ANSWERED', 'GIVEN_UP', 'WITHDRAWN')", name="civil_checks_status"),
        sa.CheckConstraint("(status = 'REQUESTED') = (due_at IS NOT NULL)", name="civil_checks_due_at"),
        sa.CheckConstraint(
            "num_nonnulls(standing, basis, asked_at, expires_at) = CASE status WHEN 'ANSWERED' THEN 4 ELSE 0 END",
            name="civil_checks_answered",
        ),
        sa.ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("civil_checks_person", "civil_checks", ["regency", "person_id", "id"], unique=False)
    op.create_index(
        "civil_checks_one_under_way",
        "civil_checks",
        ["regency", "person_id"],
        unique=True,
        postgresql_where=sa.text("status = 'REQUESTED'"),
    )
    op.create_index(
        "civil_checks_due",
        "civil_checks",
        ["regency", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'REQUESTED'"),
    )
    op.create_index("civil_checks_area", "civil_checks", ["regency", "area", "id"], unique=False)
    op.create_index("civil_checks_updated_at", "civil_checks", ["regency", "updated_at", "id"], unique=False)
    for statement in tenant_table(CIVIL_CHECKS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_table("civil_checks")
    op.drop_index("persons_matching", table_name="persons")
    op.drop_column("persons", "matching_status")
