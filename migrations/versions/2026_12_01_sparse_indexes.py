"""cases and events: indexes on columns that few rows have hold those rows only.

Every change of a case writes the new version of its row into each of its indexes, and every act its event into those of
events. Nobody looks for a row by what it does not have.
"""

from alembic import op
from sqlalchemy import text

revision = "2026_12_01_sparse_indexes"
down_revision = "2026_11_30_case_upkeep"
branch_labels = None
depends_on = None

#: index -> table, columns, the column that few rows have
SPARSE = {
    "cases_assignee": ("cases", ["regency", "assignee", "id"], "assignee"),
    "cases_merged_into": ("cases", ["regency", "merged_into"], "merged_into"),
    "events_organization": ("events", ["regency", "organization_id", "aggregate_id"], "organization_id"),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for name, (table, columns, sparse) in SPARSE.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns, unique=False, postgresql_where=text(f"{sparse} IS NOT NULL"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for name, (table, columns, _) in SPARSE.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns, unique=False)
