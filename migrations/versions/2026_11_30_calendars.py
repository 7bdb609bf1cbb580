"""calendars: decrees on free days and office hours, and service levels, of the nation and of regencies."""

import sqlalchemy as sa
from alembic import op
from policies import national_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_calendars"
down_revision = "2026_11_30_clock_terms"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TEXTS = postgresql.ARRAY(sa.Text())


def _aggregate() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "calendar_decrees",
        *_aggregate(),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("decreed_on", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("days", postgresql.JSONB(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("decreed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("calendar_decrees_edition", "calendar_decrees", ["area", "edition"], unique=True)
    op.create_table(
        "sla_policies",
        *_aggregate(),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("applies_to", sa.String(), nullable=False),
        sa.Column("natures", TEXTS, nullable=False),
        sa.Column("severity_flag", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("counts_from", sa.String(), nullable=False),
        sa.Column("start_events", TEXTS, nullable=False),
        sa.Column("meets_events", TEXTS, nullable=False),
        sa.Column("pauses_in", TEXTS, nullable=False),
        sa.Column("pause_limit", sa.Integer(), nullable=True),
        sa.Column("pause_unit", sa.String(), nullable=True),
        sa.Column("warn_percent", sa.Integer(), nullable=True),
        sa.Column("warn_minutes", sa.Integer(), nullable=True),
        sa.Column("statute", sa.String(), nullable=True),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("ended", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sla_policies_edition", "sla_policies", ["area", "edition"])
    for table in ("calendar_decrees", "sla_policies"):
        for statement in national_table(table, effect="INSERT, UPDATE"):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in ("sla_policies", "calendar_decrees"):
        op.drop_table(table)
