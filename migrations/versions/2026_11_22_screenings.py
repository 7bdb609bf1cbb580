"""screenings: what is to be judged, what came out, and what is counted of it."""

import sqlalchemy as sa
from alembic import op
from policies import AREA, Access, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_screenings"
down_revision = "2026_11_22_eligibility"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STAFF = ("slrt_area_range", "slrt_area_list", "slrt_auditor")
#: counts are for those, too, who see no families: of a whole area of theirs
WIDER = {"slrt_escalated": AREA}
SEEN = dict.fromkeys((*STAFF, "slrt_escalated"), "SELECT")
TABLES = (
    Access(
        "screenings",
        SEEN
        | dict.fromkeys(("slrt_area_range", "slrt_area_list"), "SELECT, INSERT, UPDATE")
        | {"slrt_effect": "SELECT, UPDATE", "slrt_worker": "SELECT"},
        predicates=WIDER,
    ),
    Access("screening_households", {"slrt_effect": "SELECT, INSERT, DELETE"}),
    Access("screening_entries", dict.fromkeys(STAFF, "SELECT") | {"slrt_effect": "SELECT, INSERT, DELETE"}),
    Access("screening_counts", SEEN | {"slrt_effect": "SELECT, INSERT, UPDATE"}, predicates=WIDER),
    Access("screening_changes", SEEN | {"slrt_effect": "SELECT, INSERT, UPDATE"}, predicates=WIDER),
)
NUMBERS = ("eligible", "ineligible", "indeterminate", "waitlist", "conflict", "excluded")


def _tenant(*names: str) -> list[sa.Column[object]]:
    return [
        sa.Column("regency", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in names),
    ]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "screenings",
        *_tenant("id"),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("area_to", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("program_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("situation", postgresql.JSONB(), nullable=False),
        sa.Column("draft_program", sa.String(), nullable=True),
        sa.Column("draft_version_id", sa.Uuid(), nullable=True),
        sa.Column("draft", postgresql.JSONB(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("lists_until", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('QUEUED', 'RUNNING', 'DONE', 'CANCELLED', 'FAILED')", name="screenings_status"),
        sa.CheckConstraint("(status IN ('QUEUED', 'RUNNING')) = (finished_at IS NULL)", name="screenings_finished"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index(
        "screenings_one_at_a_time",
        "screenings",
        ["regency", "area"],
        unique=True,
        postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING')"),
    )
    op.create_index("screenings_area", "screenings", ["regency", "area", "id"], unique=False)
    op.create_index("screenings_updated_at", "screenings", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "screening_households",
        *_tenant("screening_id"),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "screening_id", "area", "household_id"),
    )
    op.create_table(
        "screening_entries",
        *_tenant("screening_id"),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("program_code", sa.String(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("draft_code", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("regency", "screening_id", "n"),
    )
    op.create_index(
        "screening_entries_program",
        "screening_entries",
        ["regency", "screening_id", "program_code", "code", "n"],
        unique=False,
    )
    op.create_index(
        "screening_entries_household", "screening_entries", ["regency", "screening_id", "household_id"], unique=False
    )
    op.create_table(
        "screening_counts",
        *_tenant("screening_id"),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("program_code", sa.String(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in NUMBERS),
        *(sa.Column(f"receiving_{name}", sa.Integer(), nullable=False) for name in NUMBERS),
        sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("regency", "screening_id", "draft", "program_code", "area"),
    )
    op.create_table(
        "screening_changes",
        *_tenant("screening_id"),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("stays", sa.Integer(), nullable=False),
        sa.Column("gains", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("regency", "screening_id", "dimension", "value"),
    )
    for access in TABLES:
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for access in reversed(TABLES):
        op.drop_table(access.table)
