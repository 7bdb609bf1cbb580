"""daily quotas, and keys that rotate."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_vault"
down_revision = "2026_11_22_grants"
branch_labels = None
depends_on = None

QUOTA_USES = Access("quota_uses", {"slrt_effect": "SELECT, INSERT, UPDATE", "slrt_worker": "SELECT, DELETE"})
#: tables whose blind indexes may be of several keys
INDEXED = ("identities", "registry_snapshots")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "quota_uses",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "holder", "kind", "day"),
    )
    for statement in tenant_table(QUOTA_USES):
        op.execute(statement)
    for table in INDEXED:
        # A constant default rewrites nothing, and an older version that still runs writes indexes of that very key.
        op.add_column(table, sa.Column("index_key", sa.String(), nullable=False, server_default="default"))
    op.add_column("accesses", sa.Column("case_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_column("accesses", "case_id")
    for table in reversed(INDEXED):
        op.drop_column(table, "index_key")
    op.drop_table("quota_uses")
