"""catalog of programs: sector, level, domain, legal basis."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_catalog"
down_revision = "2026_11_22_handovers"
branch_labels = None
depends_on = None

#: what the five programs of the first catalog are, until the catalog is loaded again
FIRST = {
    "HEALTH": ("HEALTH", ("PBI-JK",)),
    "EDUCATION": ("EDUCATION", ("PIP",)),
    "FOOD": ("SOCIAL_WELFARE", ("SEMBAKO",)),
    "SOCIO_ECONOMIC": ("SOCIAL_WELFARE", ("PKH", "ATENSI")),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in ("sector", "level", "domain", "legal_basis"):
        op.add_column("programs", sa.Column(column, sa.String(), nullable=True))
    for sector, (domain, codes) in FIRST.items():
        op.execute(
            sa.text(
                "UPDATE programs SET sector = :sector, level = 'NATIONAL', domain = :domain WHERE code = ANY (:codes)"
            )
            .bindparams(sector=sector, domain=domain)
            .bindparams(sa.bindparam("codes", list(codes), type_=sa.ARRAY(sa.String())))
        )
    # A program of a later catalog that a downgrade left; loading the catalog says what it is.
    op.execute(
        "UPDATE programs SET sector = 'SOCIO_ECONOMIC', level = 'NATIONAL', domain = 'SOCIAL_WELFARE' WHERE sector IS NULL"
    )
    for column in ("sector", "level", "domain"):
        op.alter_column("programs", column, nullable=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for column in ("legal_basis", "domain", "level", "sector"):
        op.drop_column("programs", column)
