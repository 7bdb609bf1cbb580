"""attachments: what tells of a file of a sealed report stands under the keys of such reports.

A migration has no keys. What older rows hold is moved to the new columns as it is, and `slrt-api keys rotate` brings it under the
keys of sealed reports; until then its readers are told that it cannot be read.
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_sealed_files"
down_revision = "2026_11_30_accused_accesses"
branch_labels = None
depends_on = None

COLUMNS = ("name", "location", "data_key", "digest", "kept_digest")
OVER = "status IN ('REFUSED', 'WITHDRAWN', 'EXPIRED')"


def _day(column: str) -> str:
    """That an instant is the beginning of a day (UTC)."""
    return f"date_trunc('day', {column} AT TIME ZONE 'UTC') = {column} AT TIME ZONE 'UTC'"


VEILED = (
    "CASE WHEN sealed THEN digest IS NULL AND sealed_digest IS NOT NULL AND name IS NULL AND location IS NULL"
    " AND data_key IS NULL AND kept_digest IS NULL AND reporter_id IS NULL AND uploaded_by LIKE 'unit#%'"
    f" AND {_day('created_at')} AND {_day('updated_at')} AND coalesce({_day('ready_at')}, true)"
    " ELSE digest IS NOT NULL AND sealed_digest IS NULL AND sealed_name IS NULL AND sealed_location IS NULL"
    " AND sealed_data_key IS NULL AND sealed_kept_digest IS NULL END"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in COLUMNS:
        op.add_column("attachments", sa.Column(f"sealed_{column}", sa.LargeBinary(), nullable=True))
    op.alter_column("attachments", "digest", nullable=True)
    op.drop_constraint("attachments_data_key", "attachments")
    # Sealed reports are few, and so are their files: one statement will do.
    moved = ", ".join(f"sealed_{column} = {column}, {column} = NULL" for column in COLUMNS)
    op.execute(f"UPDATE attachments SET {moved} WHERE sealed")
    op.create_check_constraint(
        "attachments_data_key", "attachments", f"({OVER}) = (coalesce(sealed_data_key, data_key) IS NULL)"
    )
    op.create_check_constraint("attachments_veiled", "attachments", VEILED)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.drop_constraint("attachments_veiled", "attachments")
    op.drop_constraint("attachments_data_key", "attachments")
    # What stands under the keys of sealed reports is read by no older version: these files are over.
    op.execute(
        "UPDATE attachments SET digest = decode(repeat('00', 32), 'hex'), kept_size = NULL, refusal = NULL, status = 'EXPIRED'"
        " WHERE sealed"
    )
    op.create_check_constraint("attachments_data_key", "attachments", f"({OVER}) = (data_key IS NULL)")
    op.alter_column("attachments", "digest", nullable=False)
    for column in reversed(COLUMNS):
        op.drop_column("attachments", f"sealed_{column}")
