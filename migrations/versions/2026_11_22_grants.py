"""grants and revocations."""

import sqlalchemy as sa
from alembic import op
from policies import Access, rewrite, tenant_table
from sqlalchemy.dialects import postgresql

#: national rows are written under the tenant number 0 and no other
NATIONAL = "current_setting('app.regency')::integer = 0"
EFFECT = {"slrt_effect": "SELECT, INSERT, UPDATE"}
READ = dict.fromkeys(("slrt_area_range", "slrt_auditor", "slrt_subject"), "SELECT")

#: the condition of a program manager's policies: when there could be one program only, and since
ONE_PROGRAM = "(program_id = (current_setting('app.program'::text))::uuid)"
PROGRAMS = "(program_id = ANY ((string_to_array(current_setting('app.program'::text), ','::text))::uuid[]))"

CLOSED_TABLES = (
    Access(
        "grants",
        READ | EFFECT,
        predicates={"slrt_subject": "subject_id = current_setting('app.subject')::uuid", "slrt_effect": NATIONAL},
    ),
    Access(
        "revocations",
        READ | EFFECT,
        predicates={"slrt_subject": "key = ANY (current_setting('app.keys')::uuid[])", "slrt_effect": NATIONAL},
    ),
)

revision = "2026_11_22_grants"
down_revision = "2026_11_22_scopes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("program_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decree", sa.String(), nullable=True),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.CheckConstraint("valid_until > valid_from", name="grants_validity"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="grants_revoked"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("grants_subject", "grants", ["subject_id", "id"], unique=False)
    op.create_index("grants_area", "grants", ["area", "id"], unique=False)
    op.create_table(
        "revocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.CheckConstraint("(target = 'SUBJECT') = (subject IS NOT NULL)", name="revocations_subject"),
        sa.CheckConstraint("(target = 'TOKEN') = (expires_at IS NOT NULL)", name="revocations_token"),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="revocations_lifted"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "revocations_key", "revocations", ["key"], unique=True, postgresql_where=sa.text("lifted_at IS NULL")
    )
    op.create_index("revocations_area", "revocations", ["area", "id"], unique=False)
    for access in CLOSED_TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    for statement in rewrite("slrt_program", ONE_PROGRAM, PROGRAMS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for statement in rewrite("slrt_program", PROGRAMS, ONE_PROGRAM):
        op.execute(statement)
    op.drop_table("revocations")
    op.drop_table("grants")
