"""cases: when a re-assessment is due, and what its people ask for after its end; notes that receivers read."""

import sqlalchemy as sa
from alembic import op
from policies import AREA, PREDICATES, PROGRAMS

revision = "2026_11_30_case_upkeep"
down_revision = "2026_11_30_receiver_clocks"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CASES = (
    sa.Column("reassess_by", INSTANT, nullable=True),
    sa.Column("reassessment_told_at", INSTANT, nullable=True),
    sa.Column("reopening_asked_at", INSTANT, nullable=True),
    sa.Column("reopening_referral_id", sa.Uuid(), nullable=True),
    sa.Column("reopening_text", sa.LargeBinary(), nullable=True),
    sa.Column("reopening_answer", sa.String(), nullable=True),
    sa.Column("reopening_answered_at", INSTANT, nullable=True),
)
NOTES = (
    sa.Column("referral_id", sa.Uuid(), nullable=True),
    sa.Column("organization_id", sa.Uuid(), nullable=True),
    sa.Column("program_id", sa.Uuid(), nullable=True),
    sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()),
)
#: as the package: nothing after the end of the referral
READERS = {
    "slrt_organization": f"{PREDICATES['slrt_organization']} AND shared",
    "slrt_program": f"{AREA} AND {PROGRAMS} AND shared",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in CASES:
        op.add_column("cases", column)
    # What waits for its re-assessment already: by the clock that runs for it.
    op.execute(
        "UPDATE cases SET reassess_by = c.due_at FROM clocks c WHERE c.regency = cases.regency"
        " AND c.aggregate_id = cases.id AND c.name = 'REASSESSMENT_DUE' AND c.met_at IS NULL"
        " AND c.state IN ('RUNNING', 'PAUSED', 'BREACHED') AND cases.status = 'FEEDBACK'"
    )
    op.create_index(
        "cases_reassess",
        "cases",
        ["regency", "reassess_by", "id"],
        unique=False,
        postgresql_where=sa.text("reassess_by IS NOT NULL"),
    )
    op.create_index(
        "cases_reopening",
        "cases",
        ["regency", "area", "id"],
        unique=False,
        postgresql_where=sa.text("reopening_asked_at IS NOT NULL"),
    )
    for column in NOTES:
        op.add_column("case_notes", column)
    op.drop_constraint("case_notes_visibility", "case_notes", type_="check")
    op.create_check_constraint(
        "case_notes_visibility", "case_notes", "visibility IN ('UNIT', 'CASE_WORKERS', 'RECEIVERS')"
    )
    op.create_check_constraint(
        "case_notes_receivers", "case_notes", "(visibility = 'RECEIVERS') = (referral_id IS NOT NULL)"
    )
    op.create_check_constraint("case_notes_shared", "case_notes", "NOT shared OR referral_id IS NOT NULL")
    op.create_index(
        "case_notes_referral",
        "case_notes",
        ["regency", "referral_id", "id"],
        unique=False,
        postgresql_where=sa.text("referral_id IS NOT NULL"),
    )
    for role, predicate in READERS.items():
        op.execute(f"GRANT SELECT ON case_notes TO {role}")
        op.execute(f"CREATE POLICY {role} ON case_notes TO {role} USING ({predicate})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for role in READERS:
        op.execute(f"DROP POLICY {role} ON case_notes")
        op.execute(f"REVOKE SELECT ON case_notes FROM {role}")
    # The version before knows no such notes: they are for all who work on cases there.
    op.drop_constraint("case_notes_receivers", "case_notes", type_="check")
    op.drop_constraint("case_notes_shared", "case_notes", type_="check")
    op.drop_constraint("case_notes_visibility", "case_notes", type_="check")
    op.execute("UPDATE case_notes SET visibility = 'CASE_WORKERS' WHERE visibility = 'RECEIVERS'")
    op.create_check_constraint("case_notes_visibility", "case_notes", "visibility IN ('UNIT', 'CASE_WORKERS')")
    op.drop_index("case_notes_referral", "case_notes")
    for column in reversed(NOTES):
        op.drop_column("case_notes", column.name)
    op.drop_index("cases_reopening", "cases")
    op.drop_index("cases_reassess", "cases")
    for column in reversed(CASES):
        op.drop_column("cases", column.name)
