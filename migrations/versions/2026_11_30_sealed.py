"""sealed reports: a vault, access to it by two persons, and counts that need no rows."""

import sqlalchemy as sa
from alembic import op
from policies import AREA, PREDICATES, Access, tenant_table

revision = "2026_11_30_sealed"
down_revision = "2026_11_30_ladders"
branch_labels = None
depends_on = None

SEALED = "slrt_sealed"
STATISTICS = "slrt_statistics"
#: what counts of complaints are made of: codes, the place and the day
COUNTED = ("regency", "area", "status", "nature", "category", "program_code", "received_at")
#: sealed reports in the area that accuse neither the reader's office nor the reader
REPORTS = (
    f"{PREDICATES[SEALED]}"
    " AND accused_organization_id IS DISTINCT FROM current_setting('app.organization')::uuid"
    " AND accused_person_id IS DISTINCT FROM current_setting('app.person')::uuid"
)
EFFECT = {"slrt_effect": "SELECT, INSERT, UPDATE"}
TENANT_TABLES = (
    Access("sealed_identities", EFFECT),
    Access("sealed_texts", {SEALED: "SELECT"} | EFFECT),
    Access("sealed_accesses", {SEALED: "SELECT, INSERT, UPDATE"} | EFFECT, predicates={SEALED: REPORTS}),
)
#: tables of which who handles sealed reports reads, and the policy
READ = {"complaints": REPORTS} | dict.fromkeys(
    ("clocks", "complaint_messages", "events", "revisions", "accesses"), PREDICATES[SEALED]
)
#: texts of a report that stand under the keys of sealed reports
TEXTS = ("summary", "detail", "resolution", "referred_to", "reference_number")


def _day(column: str) -> str:
    """That an instant is the beginning of a day (UTC), or none: a check passes what is not known."""
    return f"date_trunc('day', {column} AT TIME ZONE 'UTC') = {column} AT TIME ZONE 'UTC'"


#: what a sealed row says in clear, whatever the code above it does
VEILED = {
    "complaints": (
        "summary = ''",
        *(
            f"{column} IS NULL"
            for column in (
                *(text for text in TEXTS if text != "summary"),
                *("instruction", "relationship", "subject_consent", "has_nik", "card_number", "participations"),
                *("reporter_id", "reporter_name", "reporter_phone"),
                *("household_id", "subject_person_id", "case_id", "forwarded_to"),
            )
        ),
        "received_by LIKE 'unit#%'",
        *(
            _day(column)
            for column in (
                *("created_at", "updated_at", "captured_at", "received_at", "own_received_at", "resolved_at"),
                *("rated_at", "unanswered_since", "reopen_until"),
            )
        ),
    ),
    "complaint_messages": (_day("sent_at"), "reporter_id IS NULL"),
    "clocks": (_day("started_at"), _day("met_at"), _day("paused_at")),
    "events": (_day("at"), "reporter_id IS NULL", "trace_id = repeat('0', 32)"),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in TEXTS:
        op.add_column("complaints", sa.Column(f"sealed_{column}", sa.LargeBinary(), nullable=True))
    op.add_column("accesses", sa.Column("sealed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_check_constraint("complaints_confidentiality", "complaints", "sealed = (confidentiality = 'SEALED')")
    for table, conditions in VEILED.items():
        op.create_check_constraint(f"{table}_veiled", table, f"NOT sealed OR ({' AND '.join(conditions)})")
    _tables()
    for role in (SEALED, STATISTICS):
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        # National tables are for every kind of scope, and an older database has none of these two there.
        for table in _national():
            op.execute(f"GRANT SELECT ON {table} TO {role}")
    for access in TENANT_TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    for table, predicate in READ.items():
        op.execute(f"GRANT SELECT ON {table} TO {SEALED}")
        op.execute(f"CREATE POLICY {SEALED} ON {table} TO {SEALED} USING ({predicate})")
    op.execute(f"GRANT UPDATE ON complaints TO {SEALED}")
    op.execute(f"GRANT INSERT ON complaint_messages TO {SEALED}")
    op.execute(f"ALTER POLICY slrt_auditor ON accesses USING ({AREA} AND NOT sealed)")
    op.execute(f"GRANT SELECT ({', '.join(COUNTED)}) ON complaints TO {STATISTICS}")
    op.execute(f"CREATE POLICY {STATISTICS} ON complaints TO {STATISTICS} USING ({AREA} AND NOT sealed)")


def _national() -> list[str]:
    found = op.get_bind().execute(
        sa.text(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND NOT relrowsecurity AND has_table_privilege('slrt_importer', oid, 'SELECT') ORDER BY relname"
        )
    )
    return [row[0] for row in found]


def _tables() -> None:
    op.create_table(
        "sealed_identities",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["regency", "id"], ["complaints.regency", "complaints.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_table(
        "sealed_texts",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sealed", name="sealed_texts_sealed"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_table(
        "sealed_accesses",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_person_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accused_person_id", sa.Uuid(), nullable=True),
        sa.Column("accused_organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("sealed", name="sealed_accesses_sealed"),
        sa.CheckConstraint("hours BETWEEN 1 AND 168", name="sealed_accesses_hours"),
        sa.CheckConstraint(
            "status NOT IN ('GRANTED', 'USED') OR (decided_by <> asked_by AND expires_at IS NOT NULL)",
            name="sealed_accesses_two_persons",
        ),
        sa.ForeignKeyConstraint(["regency", "complaint_id"], ["complaints.regency", "complaints.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("sealed_accesses_area", "sealed_accesses", ["regency", "area", "id"])
    op.create_index("sealed_accesses_complaint", "sealed_accesses", ["regency", "complaint_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.execute(f"DROP POLICY {STATISTICS} ON complaints")
    op.execute(f"REVOKE ALL ON complaints FROM {STATISTICS}")
    op.execute(f"ALTER POLICY slrt_auditor ON accesses USING ({AREA})")
    for table in READ:
        op.execute(f"DROP POLICY {SEALED} ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM {SEALED}")
    for access in reversed(TENANT_TABLES):
        op.drop_table(access.table)
    for table in VEILED:
        op.drop_constraint(f"{table}_veiled", table)
    op.drop_constraint("complaints_confidentiality", "complaints")
    op.drop_column("accesses", "sealed")
    for column in TEXTS:
        op.drop_column("complaints", f"sealed_{column}")
