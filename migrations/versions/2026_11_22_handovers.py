"""families that go to another regency, and persons who may be entered in two."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table
from sqlalchemy.dialects import postgresql

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
#: as with hand-overs, a row in each regency; what brings them is the worker's look, inside the effect of each
TICKETS = Access(
    "duplicate_tickets",
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
    op.create_table(
        "duplicate_tickets",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("pair", sa.LargeBinary(), nullable=False),
        sa.Column("counterpart_id", sa.Uuid(), nullable=False),
        sa.Column("other_area", sa.BigInteger(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("shared", postgresql.JSONB(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("lineage_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "status IN ('OPEN', 'WAITING', 'ASKED', 'AGREED', 'DIFFERENT', 'RELEASED', 'TAKEN', 'WITHDRAWN')",
            name="duplicate_tickets_status",
        ),
        sa.ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("duplicate_tickets_pair", "duplicate_tickets", ["regency", "pair"], unique=True)
    op.create_index("duplicate_tickets_person", "duplicate_tickets", ["regency", "person_id"], unique=False)
    for name in ("area", "updated_at"):
        op.create_index(f"duplicate_tickets_{name}", "duplicate_tickets", ["regency", name, "id"], unique=False)
    op.create_table(
        "national_niks",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "person_id"),
    )
    op.create_index("national_niks_person", "national_niks", ["person_id"], unique=False)
    # No row policy cuts it: there is nobody whom a part of it is for. The worker has it, and nobody else reads a row.
    op.execute("GRANT SELECT, INSERT, DELETE ON national_niks TO slrt_worker")
    op.execute("GRANT SELECT ON national_niks TO slrt_backup")
    for access in (HANDOVERS, TICKETS):
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in ("national_niks", "duplicate_tickets", "handovers"):
        op.drop_table(table)
    for column in ("predecessor_id", "successor_id"):
        op.drop_column("cases", column)
    _allow(*OPERATIONS)
