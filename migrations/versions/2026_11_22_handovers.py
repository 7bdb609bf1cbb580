"""families that go to another regency."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_handovers"
down_revision = "2026_11_22_facts"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
#: Each side reads and answers its own row; the rows themselves are made by the effect of an offer, one in each regency.
HANDOVERS = Access(
    "handovers",
    dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT, UPDATE")
    | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"},
)
OPERATIONS = ("BIRTH", "DEATH", "SPLIT", "MERGE", "MOVE_WITHIN", "KK_REISSUE", "NIK_CORRECTION", "MERGE_PERSONS")


def _allow(*operations: str) -> None:
    listed = ", ".join(f"'{operation}'" for operation in operations)
    op.drop_constraint("lineage_operation", "lineage")
    op.create_check_constraint(
        "lineage_operation", "lineage", f"operation IN ({listed})", postgresql_not_valid=operations == OPERATIONS
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    _allow(*OPERATIONS, "MOVE_OUT", "MOVE_IN")
    for column in ("successor_id", "predecessor_id"):
        op.add_column("cases", sa.Column(column, sa.Uuid(), nullable=True))
    op.create_table(
        "handovers",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("counterpart_id", sa.Uuid(), nullable=False),
        sa.Column("other_area", sa.BigInteger(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("offered_by", sa.String(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("lineage_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("direction IN ('OUTGOING', 'INCOMING')", name="handovers_direction"),
        sa.CheckConstraint("status IN ('OFFERED', 'ACCEPTED', 'DECLINED', 'WITHDRAWN')", name="handovers_status"),
        # The wall in the table itself: what is offered tells nobody's name, place or household before it is accepted.
        sa.CheckConstraint(
            "direction = 'OUTGOING' OR reason IS NULL AND (status = 'ACCEPTED') = (household_id IS NOT NULL)",
            name="handovers_ticket",
        ),
        sa.ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    for name in ("area", "updated_at"):
        op.create_index(f"handovers_{name}", "handovers", ["regency", name, "id"], unique=False)
    op.create_index("handovers_household", "handovers", ["regency", "household_id"], unique=False)
    op.create_index(
        "handovers_one_offer",
        "handovers",
        ["regency", "household_id"],
        unique=True,
        postgresql_where=sa.text("direction = 'OUTGOING' AND status = 'OFFERED'"),
    )
    for statement in tenant_table(HANDOVERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_table("handovers")
    for column in ("predecessor_id", "successor_id"):
        op.drop_column("cases", column)
    _allow(*OPERATIONS)
