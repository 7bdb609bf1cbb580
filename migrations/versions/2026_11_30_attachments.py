"""attachments: files of any aggregate, the parts of uploads, and what is to be done in the object store."""

import sqlalchemy as sa
from alembic import op
from policies import AREA, PREDICATES, PROGRAMS, Access, tenant_table

revision = "2026_11_30_attachments"
down_revision = "2026_11_30_sealed"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WRITERS = ("slrt_area_range", "slrt_area_list", "slrt_organization", "slrt_program", "slrt_subject", "slrt_public")
TABLES = (
    Access(
        "attachments",
        dict.fromkeys(WRITERS, "SELECT, INSERT, UPDATE")
        | {"slrt_auditor": "SELECT", "slrt_sealed": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"},
        sealed=True,
        # As the referral itself: nothing before it is sent, nothing after its end.
        predicates={
            "slrt_organization": f"{PREDICATES['slrt_organization']} AND shared",
            "slrt_program": f"{AREA} AND {PROGRAMS} AND shared",
        },
    ),
    Access("attachment_parts", {"slrt_effect": "SELECT, INSERT, DELETE"}),
    Access("attachment_tasks", {"slrt_effect": "SELECT, INSERT, UPDATE, DELETE", "slrt_worker": "SELECT, UPDATE"}),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "attachments",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=False),
        sa.Column("parent_kind", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("data_key", sa.LargeBinary(), nullable=True),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("keep_location", sa.Boolean(), nullable=False),
        sa.Column("location", sa.LargeBinary(), nullable=True),
        sa.Column("kept_size", sa.BigInteger(), nullable=True),
        sa.Column("kept_digest", sa.LargeBinary(), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("receipt", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name="attachments_digest"),
        sa.CheckConstraint(
            "(status IN ('REFUSED', 'WITHDRAWN', 'EXPIRED')) = (data_key IS NULL)", name="attachments_data_key"
        ),
        sa.CheckConstraint("status <> 'READY' OR kept_size IS NOT NULL", name="attachments_ready"),
        sa.CheckConstraint("(status = 'REFUSED') = (refusal IS NOT NULL)", name="attachments_refusal"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    for name, column in (
        ("parent", "parent_id"),
        ("area", "area"),
        ("updated_at", "updated_at"),
        ("organization", "organization_id"),
        ("reporter", "reporter_id"),
    ):
        op.create_index(f"attachments_{name}", "attachments", ["regency", column, "id"], unique=False)
    op.create_table(
        "attachment_parts",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "attachment_id", "starts"),
    )
    op.create_table(
        "attachment_tasks",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.CheckConstraint("task IN ('UPLOAD', 'EXAMINE', 'CLEAN')", name="attachment_tasks_task"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("attachment_tasks_due_at", "attachment_tasks", ["regency", "due_at", "id"], unique=False)
    for access in TABLES:
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for access in reversed(TABLES):
        op.drop_table(access.table)
