"""what a complaint's desk keeps: intake, outcome, windows, messages, links, and the number that was told with it."""

import sqlalchemy as sa
from alembic import op
from policies import Access, narrow, tenant_table

revision = "2026_11_30_complaint_desk"
down_revision = "2026_11_30_calendars"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STAFF = ("slrt_area_range", "slrt_area_list")
#: of most complaints these columns hold nothing
PARTIAL = {
    "household": ("household_id",),
    "person": ("subject_person_id",),
    "case": ("case_id",),
    "merged": ("merged_into",),
    "forwarded": ("forwarded_to", "id"),
}
NUMBERS = Access("complaint_numbers", {"slrt_effect": "SELECT, INSERT, UPDATE"})
MESSAGES = Access(
    "complaint_messages",
    dict.fromkeys(STAFF, "SELECT, INSERT")
    | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"}
    | {"slrt_subject": "SELECT, INSERT", "slrt_public": "SELECT"},
    sealed=True,
)
LINKS = Access(
    "complaint_links",
    dict.fromkeys(STAFF, "SELECT") | {"slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT, UPDATE"},
    sealed=True,
)
#: the objections that may still come, of what is resolved already
WINDOWS = """
UPDATE complaints c SET objection_until = k.due_at
FROM (SELECT regency, aggregate_id, max(due_at) AS due_at FROM clocks WHERE name = 'OBJECTION_WINDOW' GROUP BY 1, 2) k
WHERE k.regency = c.regency AND k.aggregate_id = c.id AND c.status = 'RESOLVED'
"""


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("program_level", sa.String(), nullable=True),
        sa.Column("program_sector", sa.String(), nullable=True),
        sa.Column("card_number", sa.LargeBinary(), nullable=True),
        sa.Column("participations", sa.LargeBinary(), nullable=True),
        sa.Column("reporter_relation", sa.String(), server_default="SELF", nullable=False),
        sa.Column("relationship", sa.String(), nullable=True),
        sa.Column("subject_consent", sa.Boolean(), nullable=True),
        sa.Column("has_nik", sa.Boolean(), nullable=True),
        sa.Column("own_received_at", INSTANT, nullable=True),
        sa.Column("cycle", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("instruction", sa.String(), nullable=True),
        sa.Column("referred_to", sa.String(), nullable=True),
        sa.Column("reference_number", sa.String(), nullable=True),
        sa.Column("merged_from", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("objection_until", INSTANT, nullable=True),
        sa.Column("reopen_until", INSTANT, nullable=True),
        sa.Column("satisfaction", sa.SmallInteger(), nullable=True),
        sa.Column("rated_at", INSTANT, nullable=True),
        sa.Column("unanswered_since", INSTANT, nullable=True),
    ]


def _tenant(*columns: sa.Column[object]) -> list[sa.Column[object]]:
    return [
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        *columns,
    ]


def _of_complaint(column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["regency", column], ["complaints.regency", "complaints.id"])


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in _columns():
        op.add_column("complaints", column)
    op.create_check_constraint("complaints_satisfaction", "complaints", "satisfaction BETWEEN 1 AND 5")
    for name, columns in PARTIAL.items():
        op.create_index(
            f"complaints_{name}",
            "complaints",
            ["regency", *columns],
            unique=False,
            postgresql_where=sa.text(f"{columns[0]} IS NOT NULL"),
        )
    op.execute(WINDOWS)
    op.create_table(
        "complaint_numbers",
        *_tenant(
            sa.Column("type", sa.String(), nullable=False),
            sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
            sa.Column("blind_index", sa.LargeBinary(), nullable=False),
            sa.Column("index_key", sa.String(), nullable=False),
        ),
        _of_complaint("id"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("complaint_numbers_index", "complaint_numbers", ["regency", "blind_index"], unique=False)
    op.create_table(
        "complaint_messages",
        *_tenant(
            sa.Column("complaint_id", sa.Uuid(), nullable=False),
            sa.Column("sequence", sa.Integer(), nullable=False),
            sa.Column("author", sa.String(), nullable=False),
            sa.Column("type", sa.String(), nullable=False),
            sa.Column("visibility", sa.String(), nullable=False),
            sa.Column("text", sa.LargeBinary(), nullable=False),
            sa.Column("sent_at", INSTANT, nullable=False),
            sa.Column("confidentiality", sa.String(), nullable=False),
            sa.Column("reporter_id", sa.Uuid(), nullable=True),
            sa.Column("receipt", sa.BigInteger(), nullable=False),
            sa.Column("sealed", sa.Boolean(), nullable=False),
        ),
        sa.CheckConstraint("visibility IN ('COMPLAINANT', 'INTERNAL')", name="complaint_messages_visibility"),
        _of_complaint("complaint_id"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "complaint_messages_complaint", "complaint_messages", ["regency", "complaint_id", "sequence"], unique=False
    )
    op.create_table(
        "complaint_links",
        *_tenant(
            sa.Column("complaint_id", sa.Uuid(), nullable=False),
            sa.Column("other_id", sa.Uuid(), nullable=False),
            sa.Column("pair_id", sa.Uuid(), nullable=False),
            sa.Column("type", sa.String(), nullable=False),
            sa.Column("direct", sa.Boolean(), nullable=False),
            sa.Column("reason", sa.String(), nullable=False),
            sa.Column("linked_by", sa.String(), nullable=False),
            sa.Column("linked_at", INSTANT, nullable=False),
            sa.Column("ended_at", INSTANT, nullable=True),
            sa.Column("ended_by", sa.String(), nullable=True),
            sa.Column("end_reason", sa.String(), nullable=True),
            sa.Column("sealed", sa.Boolean(), nullable=False),
        ),
        _of_complaint("complaint_id"),
        _of_complaint("other_id"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("complaint_links_complaint", "complaint_links", ["regency", "complaint_id", "id"], unique=False)
    op.create_index(
        "complaint_links_once",
        "complaint_links",
        ["regency", "complaint_id", "other_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    for access in (NUMBERS, MESSAGES, LINKS):
        for statement in tenant_table(access):
            op.execute(statement)
    # What those who work on it say among themselves does not exist for the complainant.
    for role in ("slrt_subject", "slrt_public"):
        for statement in narrow("complaint_messages", role, "visibility = 'COMPLAINANT'", sealed=True):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in ("complaint_links", "complaint_messages", "complaint_numbers"):
        op.drop_table(table)
    for name in PARTIAL:
        op.drop_index(f"complaints_{name}", "complaints")
    op.drop_constraint("complaints_satisfaction", "complaints")
    for column in _columns():
        op.drop_column("complaints", column.name)
