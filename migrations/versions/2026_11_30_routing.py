"""how referrals are routed: the policy of a regency, how receivers stood to their offers, and each offer with its route.

Referrals learn how they were routed, until when they are to be realized, what a review asks, a place on a waitlist, and which
one followed when nobody answered; packages learn their end.
"""

import sqlalchemy as sa
from alembic import op
from policies import Access, national_table, tenant_table
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_routing"
down_revision = "2026_11_30_attachments"
branch_labels = None
depends_on = None

TABLES = (
    # Of a regency as a whole: written by the effect role, after the check that the regency is the caller's.
    Access(
        "routing_policies",
        {"slrt_area_range": "SELECT", "slrt_auditor": "SELECT", "slrt_effect": "SELECT, INSERT"},
        regencies=True,
    ),
    Access(
        "routing_standings",
        {
            "slrt_area_range": "SELECT",
            "slrt_auditor": "SELECT",
            "slrt_organization": "SELECT",
            "slrt_effect": "SELECT, INSERT, UPDATE",
        },
    ),
    # A receiver does not read why it was chosen, or who else might have been.
    Access(
        "routing_offers",
        {
            "slrt_area_range": "SELECT",
            "slrt_area_list": "SELECT",
            "slrt_auditor": "SELECT",
            "slrt_effect": "SELECT, INSERT, UPDATE",
        },
    ),
)
REFERRAL_COLUMNS = (
    ("routed_by", sa.String(), None),
    ("attempt", sa.Integer(), "1"),
    ("reroute", sa.Boolean(), "false"),
    ("predecessor_id", sa.Uuid(), None),
    ("successor_id", sa.Uuid(), None),
    ("no_receiver_at", sa.DateTime(timezone=True), None),
    ("realize_by", sa.DateTime(timezone=True), None),
    ("review_asked", sa.String(), None),
    ("review_answered_at", sa.DateTime(timezone=True), None),
    ("waitlist_position", sa.Integer(), None),
    ("waitlist_period", sa.Date(), None),
    ("redirected_to", sa.Uuid(), None),
    ("package_expires_at", sa.DateTime(timezone=True), None),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "organization_programs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"]),
        sa.PrimaryKeyConstraint("organization_id", "program_id"),
    )
    for statement in national_table("organization_programs", effect="INSERT, DELETE"):
        op.execute(statement)
    op.create_table(
        "routing_policies",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (
                "places_weight",
                "response_weight",
                "acceptance_weight",
                "turn_weight",
                "slow_response_minutes",
                "minimum_share",
                "cool_down_days",
                "unanswered_limit",
                "open_offers_limit",
                "attempts_limit",
                "package_grace_days",
            )
        ),
        sa.Column("auto_services", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decree", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.CheckConstraint("minimum_share BETWEEN 0 AND 100", name="routing_policies_share"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("routing_policies_from", "routing_policies", ["regency", "valid_from"], unique=True)
    op.create_index("routing_policies_updated_at", "routing_policies", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "routing_standings",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("offers", "open_offers", "answers", "unanswered")),
        sa.Column("response_minutes", sa.Integer(), nullable=True),
        sa.Column("acceptance", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("open_offers BETWEEN 0 AND offers", name="routing_standings_open"),
        sa.PrimaryKeyConstraint("regency", "organization_id", "service"),
    )
    op.create_table(
        "routing_offers",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("routed_by", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("route", postgresql.JSONB(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_minutes", sa.Integer(), nullable=True),
        sa.CheckConstraint("outcome IN ('OPEN', 'ANSWERED', 'SILENT', 'WITHDRAWN')", name="routing_offers_outcome"),
        sa.CheckConstraint("(outcome = 'OPEN') = (closed_at IS NULL)", name="routing_offers_closed"),
        sa.ForeignKeyConstraint(["regency", "referral_id"], ["referrals.regency", "referrals.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    # One offer a referral: that it is asked on.
    op.create_index("routing_offers_referral", "routing_offers", ["regency", "referral_id"], unique=True)
    op.create_index("routing_offers_need", "routing_offers", ["regency", "need_id", "id"], unique=False)
    for access in TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    for name, kind, default in REFERRAL_COLUMNS:
        op.add_column(
            "referrals",
            sa.Column(
                name,
                kind,
                nullable=default is None,
                server_default=sa.text(default) if default is not None else None,
            ),
        )
    op.create_index(
        "referrals_respond_by",
        "referrals",
        ["regency", "respond_by", "id"],
        postgresql_where=sa.text("status = ANY (ARRAY['SENT', 'RECEIVED', 'UNDER_REVIEW', 'WAITLISTED']::text[])"),
    )
    op.create_index("referrals_reroute", "referrals", ["regency", "id"], postgresql_where=sa.text("reroute"))
    op.create_index(
        "referrals_package_expires_at",
        "referrals",
        ["regency", "package_expires_at", "id"],
        postgresql_where=sa.text("package_expires_at IS NOT NULL"),
    )
    op.add_column("referral_packages", sa.Column("review_answer", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_column("referral_packages", "review_answer")
    for name in ("referrals_package_expires_at", "referrals_reroute", "referrals_respond_by"):
        op.drop_index(name, "referrals")
    for name, _, _ in reversed(REFERRAL_COLUMNS):
        op.drop_column("referrals", name)
    for access in reversed(TABLES):
        op.drop_table(access.table)
    op.drop_table("organization_programs")
