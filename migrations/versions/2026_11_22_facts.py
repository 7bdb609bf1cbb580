"""facts of the registry by person and household."""

from alembic import op

revision = "2026_11_22_facts"
down_revision = "2026_11_22_civil"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
