"""persons by themselves, houses, registry ids, coded answers."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_people"
down_revision = "2026_11_22_consents"
branch_labels = None
depends_on = None

STAFF = dict.fromkeys(("slrt_area_range", "slrt_area_list", "slrt_effect"), "SELECT, INSERT, UPDATE")
TENANT_TABLES = (
    Access("registry_numbers", STAFF | {"slrt_auditor": "SELECT"}),
    Access("answers", STAFF | {"slrt_auditor": "SELECT"}),
)
INSTANT = sa.DateTime(timezone=True)
ENDED = "(ended_at IS NULL) = (ended_as IS NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    # Defaults stay: an older version that still runs writes rows without these columns.
    for table, ends in (("households", "MERGED MOVED DISSOLVED"), ("persons", "DECEASED MOVED MERGED")):
        op.add_column(table, sa.Column("ended_at", INSTANT, nullable=True))
        op.add_column(table, sa.Column("ended_as", sa.String(), nullable=True))
        op.add_column(table, sa.Column("successor_id", sa.Uuid(), nullable=True))
        op.add_column(
            table,
            sa.Column("provenance", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
        )
        codes = ", ".join(f"'{end}'" for end in ends.split())
        op.create_check_constraint(f"{table}_ended_as", table, f"ended_as IN ({codes})")
        op.create_check_constraint(f"{table}_ended", table, ENDED)
    op.add_column("households", sa.Column("house_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE households SET house_id = id")
    op.alter_column("households", "house_id", nullable=False, server_default=sa.text("gen_random_uuid()"))
    op.create_index("households_house", "households", ["regency", "house_id"], unique=False)
    op.add_column("persons", sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("persons", sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()))
    op.execute("UPDATE persons SET updated_at = created_at")
    op.add_column("persons", sa.Column("died_on", sa.Date(), nullable=True))
    op.create_index("persons_updated_at", "persons", ["regency", "updated_at", "id"], unique=False)
    # One day may see a person leave a household and join another: the day cannot be the key.
    op.add_column("memberships", sa.Column("ordinal", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
    op.execute(
        "UPDATE memberships m SET ordinal = o.ordinal FROM (SELECT regency, id, valid_from,"
        " row_number() OVER (PARTITION BY regency, id ORDER BY valid_from) AS ordinal FROM memberships) o"
        " WHERE o.regency = m.regency AND o.id = m.id AND o.valid_from = m.valid_from AND o.ordinal > 1"
    )
    op.drop_constraint("memberships_pkey", "memberships", type_="primary")
    op.create_primary_key("memberships_pkey", "memberships", ["regency", "id", "ordinal"])
    op.create_table(
        "registry_numbers",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name="registry_numbers_validity"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("registry_numbers_owner", "registry_numbers", ["regency", "owner_id"], unique=False)
    op.create_index("registry_numbers_value", "registry_numbers", ["regency", "value"], unique=False)
    op.create_table(
        "answers",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("special", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("verified_by", sa.String(), nullable=True),
        sa.Column("replaced_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "answers_one_holds",
        "answers",
        ["regency", "owner_id", "instrument", "question"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_index("answers_owner", "answers", ["regency", "owner_id"], unique=False)
    for access in TENANT_TABLES:
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_table("answers")
    op.drop_table("registry_numbers")
    op.drop_constraint("memberships_pkey", "memberships", type_="primary")
    op.create_primary_key("memberships_pkey", "memberships", ["regency", "id", "valid_from"])
    op.drop_column("memberships", "ordinal")
    op.drop_index("persons_updated_at", table_name="persons")
    for column in ("died_on", "updated_at", "version"):
        op.drop_column("persons", column)
    op.drop_index("households_house", table_name="households")
    op.drop_column("households", "house_id")
    for table in ("persons", "households"):
        op.drop_constraint(f"{table}_ended", table)
        op.drop_constraint(f"{table}_ended_as", table)
        for column in ("provenance", "successor_id", "ended_as", "ended_at"):
            op.drop_column(table, column)
