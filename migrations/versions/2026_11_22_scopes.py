"""what each role may see: open referrals of a partner, escalated cases, whom a complaint accuses."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES, narrow, widen

revision = "2026_11_22_scopes"
down_revision = "2026_11_22_first_tables"
branch_labels = None
depends_on = None

#: `referrals.codes.ENDED`
ENDED = ("EXPIRED", "FAILED", "REALIZED", "REDIRECTED", "REJECTED", "REVOKED")
OPEN = f"status <> ALL (ARRAY[{', '.join(map(repr, ENDED))}]::text[])"
#: what belongs to one referral, and is taken from its organization by the act that ends it
OF_REFERRALS = ("referral_packages", "events", "revisions")
SEALED = ("events", "revisions")
_KEYS = {"referral_packages": "id", "events": "aggregate_id", "revisions": "aggregate_id"}
ESCALATED = "slrt_escalated"
NATIONAL = (
    "areas",
    "tenants",
    "code_list_items",
    "services",
    "organizations",
    "organization_officers",
    "organization_services",
    "organization_areas",
    "programs",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    _partners()
    _escalation()
    for name in ("accused_person_id", "accused_organization_id"):
        op.add_column("complaints", sa.Column(name, sa.Uuid(), nullable=True))


def _partners() -> None:
    for table in OF_REFERRALS:
        op.add_column(table, sa.Column("open", sa.Boolean(), server_default=sa.true(), nullable=False))
        # The owner's policy shows it every row; without one this would change nothing, in silence.
        op.execute(
            f"UPDATE {table} t SET open = false FROM referrals r"
            f" WHERE r.regency = t.regency AND r.id = t.{_KEYS[table]} AND NOT ({OPEN.replace('status', 'r.status')})"
        )
        for statement in narrow(table, "slrt_organization", "open", sealed=table in SEALED):
            op.execute(statement)
    for statement in narrow("referrals", "slrt_organization", OPEN):
        op.execute(statement)
    for table in ("events", "revisions"):
        op.execute(f"GRANT UPDATE (open) ON {table} TO slrt_effect")
    op.create_index("referrals_open", "referrals", ["regency", "organization_id", "id"], postgresql_where=sa.text(OPEN))


def _escalation() -> None:
    for table in ("cases", "needs"):
        op.add_column(table, sa.Column("escalation", sa.SmallInteger(), server_default="0", nullable=False))
        op.create_check_constraint(f"{table}_escalation", table, "escalation BETWEEN 0 AND 2")
        # Of these tables the role is granted nothing but to read what was escalated to it.
        op.execute(f"GRANT SELECT ON {table} TO {ESCALATED}")
        op.execute(f"CREATE POLICY {ESCALATED} ON {table} TO {ESCALATED} USING ({PREDICATES[ESCALATED]})")
    op.create_index("cases_escalated", "cases", ["regency", "area", "id"], postgresql_where=sa.text("escalation > 0"))
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ESCALATED}")
    op.execute(f"GRANT SELECT ON {', '.join(NATIONAL)} TO {ESCALATED}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for name in ("accused_person_id", "accused_organization_id"):
        op.drop_column("complaints", name)
    op.drop_index("cases_escalated", "cases")
    for table in ("cases", "needs"):
        op.execute(f"DROP POLICY {ESCALATED} ON {table}")
        op.execute(f"REVOKE SELECT ON {table} FROM {ESCALATED}")
        op.drop_column(table, "escalation")
    op.drop_index("referrals_open", "referrals")
    for table in ("referrals", *OF_REFERRALS):
        for statement in widen(table, "slrt_organization", sealed=table in SEALED):
            op.execute(statement)
    for table in OF_REFERRALS:
        op.drop_column(table, "open")
