"""escalation: the ladder of a regency, how far up a complaint lies, and who reads it there."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES, national_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_ladders"
down_revision = "2026_11_30_complaint_desk"
branch_labels = None
depends_on = None

ESCALATED = "slrt_escalated"
#: what the offices above read of a complaint that was escalated to them, with the key by which it belongs to it
OF_COMPLAINTS = {"complaints": "id", "clocks": "aggregate_id", "events": "aggregate_id", "revisions": "aggregate_id"}
#: tables in which a sealed row is marked, so that it is seen by nobody above
SEALED = "NOT sealed"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    _ladders()
    for table in OF_COMPLAINTS:
        op.add_column(table, sa.Column("escalation", sa.SmallInteger(), server_default="0", nullable=False))
        op.execute(f"GRANT SELECT ON {table} TO {ESCALATED}")
        op.execute(f"CREATE POLICY {ESCALATED} ON {table} TO {ESCALATED} USING ({PREDICATES[ESCALATED]} AND {SEALED})")
    for table in ("events", "revisions"):
        op.execute(f"GRANT UPDATE (escalation) ON {table} TO slrt_effect")
        # Cases that were escalated before: their history is read like that of complaints from now on. The owner's
        # policy shows it every row.
        op.execute(
            f"UPDATE {table} t SET escalation = c.escalation FROM cases c"
            " WHERE c.escalation > 0 AND t.regency = c.regency AND t.aggregate_id = c.id"
        )
    op.create_check_constraint("complaints_escalation", "complaints", "escalation BETWEEN 0 AND 2")
    op.create_check_constraint("complaints_sealed_below", "complaints", "escalation = 0 OR NOT sealed")
    op.add_column("complaints", sa.Column("rung", sa.String(), server_default="NONE", nullable=False))
    op.add_column("complaints", sa.Column("rung_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaints", sa.Column("rung_cause", sa.String(), nullable=True))
    op.add_column("complaints", sa.Column("rung_clock", sa.String(), nullable=True))
    op.add_column("complaints", sa.Column("rung_ladder_id", sa.Uuid(), nullable=True))
    op.add_column("complaints", sa.Column("escalation_route", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "complaints_rung", "complaints", ["regency", "rung", "id"], postgresql_where=sa.text("rung <> 'NONE'")
    )
    op.create_index(
        "complaints_escalated", "complaints", ["regency", "area", "id"], postgresql_where=sa.text("escalation > 0")
    )


def _ladders() -> None:
    op.create_table(
        "escalation_ladders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("rungs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("declared_by", sa.String(), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name="escalation_ladders_validity"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("escalation_ladders_from", "escalation_ladders", ["area", "valid_from"], unique=True)
    op.create_index(
        "escalation_ladders_open",
        "escalation_ladders",
        ["area"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    for statement in national_table("escalation_ladders", effect="INSERT, UPDATE"):
        op.execute(statement)
    # Where somebody is accused it is asked where that person works.
    op.create_index("grants_person", "grants", ["person_id"], postgresql_where=sa.text("person_id IS NOT NULL"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_index("complaints_escalated", "complaints")
    op.drop_index("complaints_rung", "complaints")
    for name in ("escalation_route", "rung_ladder_id", "rung_clock", "rung_cause", "rung_since", "rung"):
        op.drop_column("complaints", name)
    op.drop_constraint("complaints_sealed_below", "complaints", type_="check")
    op.drop_constraint("complaints_escalation", "complaints", type_="check")
    for table in OF_COMPLAINTS:
        op.execute(f"DROP POLICY {ESCALATED} ON {table}")
        op.execute(f"REVOKE SELECT ON {table} FROM {ESCALATED}")
        op.drop_column(table, "escalation")
    op.drop_index("grants_person", "grants")
    op.drop_table("escalation_ladders")
