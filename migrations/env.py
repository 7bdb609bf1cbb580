"""Alembic environment: one connection handed in by `slrt_api.runtime.migrations`, one transaction for each migration."""

from alembic import context
from slrt_api.runtime import migrations

migrations.run(context)
