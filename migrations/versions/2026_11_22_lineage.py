"""operations on families, with undo."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_lineage"
down_revision = "2026_11_22_people"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
GRANTS = dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT, INSERT, UPDATE") | {
    "slrt_auditor": "SELECT",
    "slrt_effect": "SELECT, INSERT, UPDATE",
}
OPERATIONS = ("BIRTH", "DEATH", "SPLIT", "MERGE", "MOVE_WITHIN", "KK_REISSUE", "NIK_CORRECTION")


def _listed(*codes: str) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "lineage",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undo_reason", sa.String(), nullable=True),
        sa.CheckConstraint(f"operation IN ({_listed(*OPERATIONS)})", name="lineage_operation"),
        sa.CheckConstraint("status IN ('DONE', 'UNDONE')", name="lineage_status"),
        sa.CheckConstraint("(status = 'UNDONE') = (undone_at IS NOT NULL)", name="lineage_undone"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("lineage_area", "lineage", ["regency", "area", "id"], unique=False)
    op.create_index("lineage_updated_at", "lineage", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "lineage_participants",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["regency", "id"], ["lineage.regency", "lineage.id"]),
        sa.PrimaryKeyConstraint("regency", "id", "participant_id"),
    )
    op.create_index(
        "lineage_participants_participant", "lineage_participants", ["regency", "participant_id", "id"], unique=False
    )
    for table in ("lineage", "lineage_participants"):
        for statement in tenant_table(Access(table, GRANTS)):
            op.execute(statement)
    op.drop_constraint("persons_ended_as", "persons")
    op.create_check_constraint(
        "persons_ended_as", "persons", f"ended_as IN ({_listed('DECEASED', 'MOVED', 'MERGED', 'MISTAKEN')})"
    )
    op.add_column("cases", sa.Column("attention", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_column("cases", "attention")
    op.drop_constraint("persons_ended_as", "persons")
    op.create_check_constraint(
        "persons_ended_as",
        "persons",
        f"ended_as IN ({_listed('DECEASED', 'MOVED', 'MERGED')})",
        postgresql_not_valid=True,
    )
    op.drop_table("lineage_participants")
    op.drop_table("lineage")
