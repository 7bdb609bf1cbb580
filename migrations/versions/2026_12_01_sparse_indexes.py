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
    _replace(sparse=True)


def downgrade() -> None:
    _replace(sparse=False)


def _replace(*, sparse: bool) -> None:
    """Make the new indexes first: while they grow the old ones are still read, and none is taken away before the end."""
    op.execute("SET LOCAL lock_timeout = '1s'")
    for name, (table, columns, column) in SPARSE.items():
        where = text(f"{column} IS NOT NULL") if sparse else None
        op.create_index(f"{name}_new", table, columns, unique=False, postgresql_where=where)
    for name, (table, _, _) in SPARSE.items():
        op.drop_index(name, table)
        op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")
