"""keys by which names are found."""

from alembic import op

revision = "2026_11_22_names"
down_revision = "2026_11_22_duplicates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
