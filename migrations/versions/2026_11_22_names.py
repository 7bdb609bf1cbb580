"""keys by which names are found."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_names"
down_revision = "2026_11_22_duplicates"
branch_labels = None
depends_on = None

STAFF = dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT")
#: written beside the person by the effect role alone
KEYS = Access("person_name_keys", STAFF | {"slrt_effect": "SELECT, INSERT, UPDATE, DELETE"})


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "person_name_keys",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        # Ranges of keys are ranges of bytes: no language's order, which would not be the one of the index.
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("regency", "person_id", "key"),
    )
    op.create_index(
        "person_name_keys_key",
        "person_name_keys",
        ["regency", "key", "area", "person_id"],
        unique=False,
        postgresql_include=["birth_year"],
    )
    for statement in tenant_table(KEYS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_table("person_name_keys")
