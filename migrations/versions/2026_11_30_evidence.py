"""referrals name the files that show that the service was given."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_evidence"
down_revision = "2026_11_30_accused_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.add_column(
        "referrals",
        sa.Column("evidence_attachment_ids", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default="{}"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_column("referrals", "evidence_attachment_ids")
