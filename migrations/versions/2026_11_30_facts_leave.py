"""tables of facts that nothing reads leave.

A screening makes the facts of each step from the tables themselves: kept beside them they were a copy that grows old.
"""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_30_facts_leave"
down_revision = "2026_11_22_screenings"
branch_labels = None
depends_on = None

TABLES = ("facts_enrollments", "facts_persons", "facts_households")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in TABLES:
        op.drop_table(table)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    # Without the facts themselves: what had read them made them anew, columns and all.
    keys = {
        "facts_enrollments": ("household_id", "id"),
        "facts_persons": ("household_id", "id"),
        "facts_households": ("id",),
    }
    for table, names in keys.items():
        op.create_table(
            table,
            sa.Column("regency", sa.Integer(), nullable=False),
            *(sa.Column(name, sa.Uuid(), nullable=False) for name in names),
            sa.PrimaryKeyConstraint("regency", *names),
            prefixes=["UNLOGGED"],
        )
        for statement in tenant_table(Access(table, {"slrt_effect": "SELECT, INSERT, UPDATE, DELETE"})):
            op.execute(statement)
