"""accesses: that a sealed report was read is not told to the office and the person that it accuses."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES

revision = "2026_11_30_accused_accesses"
down_revision = "2026_11_30_evidence"
branch_labels = None
depends_on = None

SEALED = "slrt_sealed"
#: as of the report itself (`2026_11_30_sealed`)
INDEPENDENT = (
    f"{PREDICATES[SEALED]}"
    " AND accused_organization_id IS DISTINCT FROM current_setting('app.organization')::uuid"
    " AND accused_person_id IS DISTINCT FROM current_setting('app.person')::uuid"
)
ACCUSED = ("accused_person_id", "accused_organization_id")
#: what a sealed record may be about besides reports, which the worker reads anyway
ABOUT = ("attachments", "sealed_accesses", "accesses")
#: the worker writes what was read, and learns of whom it is kept from
LOOKUP = f"SELECT (regency, id, {', '.join(ACCUSED)})"
#: tables where it had no policy
NEW = ("attachments", "sealed_accesses")
#: records of a report, its files and its requests; then records of such records
FILL = """
WITH RECURSIVE about (regency, id, accused_person_id, accused_organization_id) AS (
    SELECT regency, id, accused_person_id, accused_organization_id FROM complaints WHERE sealed
    UNION ALL SELECT regency, id, accused_person_id, accused_organization_id FROM attachments WHERE sealed
    UNION ALL SELECT regency, id, accused_person_id, accused_organization_id FROM sealed_accesses
), told (regency, id, accused_person_id, accused_organization_id) AS (
    SELECT a.regency, a.id, r.accused_person_id, r.accused_organization_id
    FROM accesses a JOIN about r ON r.regency = a.regency AND r.id = a.resource_id WHERE a.sealed
    UNION ALL
    SELECT a.regency, a.id, t.accused_person_id, t.accused_organization_id
    FROM accesses a JOIN told t ON t.regency = a.regency AND t.id = a.resource_id WHERE a.sealed
)
UPDATE accesses a
SET accused_person_id = t.accused_person_id, accused_organization_id = t.accused_organization_id
FROM told t WHERE a.regency = t.regency AND a.id = t.id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in ACCUSED:
        op.add_column("accesses", sa.Column(column, sa.Uuid(), nullable=True))
    # Who handles sealed reports are few, and so are the records of their reading: one statement will do.
    op.execute(FILL)
    op.execute(f"ALTER POLICY {SEALED} ON accesses USING ({INDEPENDENT})")
    for table in ABOUT:
        op.execute(f"GRANT {LOOKUP} ON {table} TO slrt_worker")
    for table in NEW:
        op.execute(f"CREATE POLICY slrt_worker ON {table} TO slrt_worker USING (sealed)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in reversed(NEW):
        op.execute(f"DROP POLICY slrt_worker ON {table}")
    for table in reversed(ABOUT):
        op.execute(f"REVOKE {LOOKUP} ON {table} FROM slrt_worker")
    op.execute(f"ALTER POLICY {SEALED} ON accesses USING ({PREDICATES[SEALED]})")
    for column in reversed(ACCUSED):
        op.drop_column("accesses", column)
