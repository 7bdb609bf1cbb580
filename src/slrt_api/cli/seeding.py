"""`slrt-api seed demo`: the demo regency 33.26, made by acts on a migrated database."""

import asyncio
from typing import Final

from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.demo.seed import ensure
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.settings import Settings


def demo_command() -> None:
    """`slrt-api seed demo`."""
    with readable_settings():
        settings = Settings()
    if settings.production:
        raise Refusal("SLRT_ENV=production takes no demo regency")
    if settings.database_url is None:
        raise Refusal(
            "SLRT_DATABASE_URL is not set; `slrt-api dev` brings a PostgreSQL of its own, with the demo regency"
        )
    print("demo regency 33.26: made" if seed(settings) else "demo regency 33.26: was there already")


def seed(settings: Settings) -> bool:
    """Make what is missing of the demo regency. True when there was something to do."""
    return asyncio.run(_seed(settings))


#: nobody waits for an answer here, so that a slow machine needs no refusals
_PATIENCE: Final = {
    "pool_acquire_timeout_seconds": 60,
    "read_timeout_ms": 60_000,
    "write_timeout_ms": 60_000,
    "lock_timeout_ms": 60_000,
}


async def _seed(settings: Settings) -> bool:
    if settings.database_url is None:
        raise Refusal("SLRT_DATABASE_URL is not set")
    keyring = Keyring.from_settings(settings, settings.data_dir)
    # No act is promised to anybody, so none has to wait for the disk: after a crash the last ones are done again.
    mark = "&" if "?" in settings.database_url else "?"
    url = f"{settings.database_url}{mark}synchronous_commit=off"
    database = await Database.connect(url, settings.model_copy(update=_PATIENCE))
    try:
        return await ensure(database, keyring, settings.base_url)
    finally:
        await database.close()
