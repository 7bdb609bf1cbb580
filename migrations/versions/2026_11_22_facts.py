"""facts of the registry by person and household."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_facts"
down_revision = "2026_11_22_civil"
branch_labels = None
depends_on = None

#: whoever reads families reads what the registry tells of them; nobody writes it but the effect of a load or a registration
REGISTRY_FACTS = Access(
    "registry_facts",
    {
        **dict.fromkeys(("slrt_area_range", "slrt_area_list", "slrt_auditor"), "SELECT"),
        "slrt_effect": "SELECT, INSERT, UPDATE, DELETE",
    },
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "registry_facts",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("release", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("desil", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("desil BETWEEN 1 AND 10", name="registry_facts_desil"),
        sa.CheckConstraint("desil IS NULL OR outcome = 'IN_REGISTRY'", name="registry_facts_desil_of_one"),
        sa.CheckConstraint("outcome IN ('IN_REGISTRY', 'NOT_FOUND', 'AMBIGUOUS')", name="registry_facts_outcome"),
        sa.ForeignKeyConstraint(
            ["regency", "snapshot_id"],
            ["registry_snapshots.regency", "registry_snapshots.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id", "snapshot_id"),
    )
    for statement in tenant_table(REGISTRY_FACTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_table("registry_facts")
