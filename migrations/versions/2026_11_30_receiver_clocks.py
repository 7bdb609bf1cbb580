"""clocks: who a referral was sent to reads its deadlines, as long as the referral itself."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES

revision = "2026_11_30_receiver_clocks"
down_revision = "2026_11_30_sealed_files"
branch_labels = None
depends_on = None

#: of a referral that goes on, as its own policy has it (`2026_11_22_scopes`)
GOES_ON = "r.status <> ALL (ARRAY['REJECTED', 'REDIRECTED', 'REALIZED', 'FAILED', 'REVOKED', 'EXPIRED'])"
SCOPE = ("organization_id", "program_id")
RECEIVERS = {"slrt_organization": " AND open", "slrt_program": ""}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in SCOPE:
        op.add_column("clocks", sa.Column(column, sa.Uuid(), nullable=True))
    op.add_column("clocks", sa.Column("open", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.execute(
        "UPDATE clocks c SET organization_id = r.organization_id, program_id = r.program_id,"
        f" open = {GOES_ON} FROM referrals r WHERE r.regency = c.regency AND r.id = c.aggregate_id"
    )
    for role, narrowed in RECEIVERS.items():
        op.execute(f"GRANT SELECT ON clocks TO {role}")
        op.execute(f"CREATE POLICY {role} ON clocks TO {role} USING ({PREDICATES[role]}{narrowed} AND NOT sealed)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for role in RECEIVERS:
        op.execute(f"DROP POLICY {role} ON clocks")
        op.execute(f"REVOKE SELECT ON clocks FROM {role}")
    for column in ("open", *reversed(SCOPE)):
        op.drop_column("clocks", column)
