"""consents, lawful bases and access overrides.

What is added to tables of earlier migrations is nullable and without a default: nothing is rewritten, and older versions
of the service go on beside it.
"""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_consents"
down_revision = "2026_11_22_vault"
branch_labels = None
depends_on = None

EFFECT = {"slrt_effect": "SELECT, INSERT, UPDATE"}
TABLES = (
    Access(
        "consents",
        {"slrt_area_range": "SELECT, INSERT, UPDATE", "slrt_area_list": "SELECT, INSERT, UPDATE"}
        | {"slrt_auditor": "SELECT"}
        | EFFECT,
    ),
    # Written by the effect role alone: who asks sits in another area.
    Access(
        "access_overrides",
        {"slrt_area_range": "SELECT, UPDATE", "slrt_area_list": "SELECT, UPDATE", "slrt_auditor": "SELECT"} | EFFECT,
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "consents",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("evidence_note", sa.String(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.CheckConstraint("person_id IS NOT NULL OR case_id IS NOT NULL", name="consents_subject"),
        sa.CheckConstraint("basis <> 'CONSENT' OR evidence IS NOT NULL", name="consents_evidence"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "consents_one_given",
        "consents",
        ["regency", "person_id", "case_id", "purpose", "basis"],
        unique=True,
        postgresql_where=sa.text("status = 'GIVEN'"),
        postgresql_nulls_not_distinct=True,
    )
    for name in ("person_id", "household_id", "case_id", "area", "updated_at"):
        op.create_index(f"consents_{name.removesuffix('_id')}", "consents", ["regency", name, "id"], unique=False)
    op.create_table(
        "access_overrides",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_as", sa.String(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "type <> 'BREAK_GLASS' OR (expires_at IS NOT NULL AND minutes BETWEEN 1 AND 240)",
            name="access_overrides_expiry",
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    for name in ("area", "resource_id", "updated_at"):
        index = f"access_overrides_{name.removesuffix('_id')}"
        op.create_index(index, "access_overrides", ["regency", name, "id"], unique=False)
    for access in TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    op.add_column("accesses", sa.Column("override_id", sa.Uuid(), nullable=True))
    op.add_column("referral_packages", sa.Column("basis", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_column("referral_packages", "basis")
    op.drop_column("accesses", "override_id")
    op.drop_table("access_overrides")
    op.drop_table("consents")
