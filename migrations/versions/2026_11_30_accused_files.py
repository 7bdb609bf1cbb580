"""attachments: files of a sealed report are not there for the office and the person that it accuses."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES

revision = "2026_11_30_accused_files"
down_revision = "2026_11_30_cases"
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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in ACCUSED:
        op.add_column("attachments", sa.Column(column, sa.Uuid(), nullable=True))
    # Sealed reports are few, and so are their files: one statement will do.
    op.execute(
        "UPDATE attachments a SET accused_person_id = c.accused_person_id,"
        " accused_organization_id = c.accused_organization_id FROM complaints c"
        " WHERE a.sealed AND c.regency = a.regency AND c.id = a.parent_id"
    )
    op.execute(f"ALTER POLICY {SEALED} ON attachments USING ({INDEPENDENT})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.execute(f"ALTER POLICY {SEALED} ON attachments USING ({PREDICATES[SEALED]})")
    for column in reversed(ACCUSED):
        op.drop_column("attachments", column)
