"""Alembic environment: runs on the one connection that `slrt_api.runtime.migrations` hands in."""

from alembic import context

from slrt_api.runtime import migrations

migrations.run(context)
