"""clocks: keep what the policy says of each, pauses with their limit, warnings, and the first promise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_clock_terms"
down_revision = "2026_11_30_facts_leave"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPEN = "state = ANY (ARRAY['RUNNING'::text, 'PAUSED'::text])"
UNWARNED = f"{OPEN} AND warn_at IS NOT NULL AND warned_at IS NULL AND met_at IS NULL"
#: what meets the clocks that run already: until now the policies said it when they were met
MEETS = {
    "FORWARD": "FORWARDED,IN_PROGRESS,RESOLVED,NOT_COMPETENT,MERGED",
    "FIRST_RESPONSE": "IN_PROGRESS,RESOLVED,NOT_COMPETENT,MERGED",
    "RESOLVE": "RESOLVED,CLOSED,NOT_COMPETENT,MERGED",
    "OBJECTION_WINDOW": "OBJECTED,CLOSED",
    "STATUTORY": "RESOLVED,CLOSED,NOT_COMPETENT,MERGED",
    "COMPLAINANT_ANSWER": "IN_PROGRESS,TRIAGED,FORWARDED,LAPSED",
    "TRIAGE": "TRIAGED,FORWARDED,IN_PROGRESS,RESOLVED,NOT_COMPETENT,MERGED",
}


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("started_by", sa.String(), nullable=True),
        sa.Column("meets", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("pauses_in", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("pause_limit", sa.Integer(), nullable=True),
        sa.Column("pause_unit", sa.String(), nullable=True),
        sa.Column("warn_percent", sa.Integer(), nullable=True),
        sa.Column("warn_minutes", sa.Integer(), nullable=True),
        sa.Column("warn_at", INSTANT, nullable=True),
        sa.Column("warned_at", INSTANT, nullable=True),
        sa.Column("pauses", postgresql.ARRAY(INSTANT), nullable=False, server_default="{}"),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("paused_until", INSTANT, nullable=True),
        sa.Column("promised_at", INSTANT, nullable=True),
        sa.Column("estimated", sa.Boolean(), nullable=False, server_default=sa.false()),
    ]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in _columns():
        op.add_column("clocks", column)
    op.execute("UPDATE clocks SET promised_at = due_at")
    for name, events in MEETS.items():
        op.execute(f"UPDATE clocks SET meets = '{{{events}}}' WHERE name = '{name}'")
    op.drop_index("clocks_running", "clocks")
    op.create_index("clocks_due", "clocks", ["regency", "due_at", "id"], postgresql_where=sa.text(OPEN))
    op.create_index("clocks_warn", "clocks", ["regency", "warn_at", "id"], postgresql_where=sa.text(UNWARNED))
    op.create_index("clocks_calendar", "clocks", ["regency", "calendar_version"], postgresql_where=sa.text(OPEN))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for name in ("clocks_calendar", "clocks_warn", "clocks_due"):
        op.drop_index(name, "clocks")
    op.create_index("clocks_running", "clocks", ["regency", "due_at"], postgresql_where=sa.text("state = 'RUNNING'"))
    for column in reversed(_columns()):
        op.drop_column("clocks", column.name)
