"""`slrt-api keys rotate | status`: keys of the identity vault, while the service runs."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from slrt_api.cli import databases
from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.flows import rotation
from slrt_api.kernel import errors
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.crypto import Keyring, KeysRefused
from slrt_api.runtime.db import Database
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.usecase import Platform
from slrt_api.settings import Settings

#: nobody waits for an answer here, and a count may go through a million rows
_PATIENCE: Final = {
    "write_pool_size": 1,
    "read_pool_size": 1,
    "pool_acquire_timeout_seconds": 60,
    "write_timeout_ms": 600_000,
    "lock_timeout_ms": 60_000,
}


def rotate_command(batch: int, data_dir: Path) -> None:
    """`slrt-api keys rotate`. Raises Refusal where rows are left under older keys."""

    async def run() -> rotation.Rotation:
        async with _platform(data_dir) as platform:
            return await rotation.rotate(platform, batch=batch)

    outcome = asyncio.run(run())
    for sealed in rotation.SEALED:
        print(f"{sealed.name}: {outcome.rotated[sealed.name]} rotated, {outcome.left[sealed.name]} left")
    if outcome.left:
        unreadable = outcome.unreadable.total()
        raise Refusal(
            f"{outcome.left.total()} rows are left under older keys: {unreadable} cannot be read under any key,"
            f" {outcome.left.total() - unreadable} were in use; keep every key, and run it again"
        )


def status_command(data_dir: Path) -> None:
    """`slrt-api keys status`."""

    async def run() -> tuple[rotation.Status, Keyring]:
        async with _platform(data_dir) as platform:
            return await rotation.status(platform), platform.keyring

    found, keyring = asyncio.run(run())
    for (column, key_id), count in sorted((found.encryption + found.sealed).items()):
        print(f"{column}: {count} under {key_id or 'no key'}")
    for key_id, count in sorted(found.indexes.items()):
        print(f"identities.blind_index: {count} under {key_id}")
    for key_id, count in sorted(found.releases.items()):
        print(f"registry entries of newest releases: {count} under {key_id}")
    for kind, ids, held, seen in (
        ("encryption", keyring.encryption_key_ids, found.of_encryption_key, {key for _, key in found.encryption}),
        (
            "sealed",
            keyring.sealed.key_ids if keyring.seals else (),
            found.of_sealed_key,
            {key for _, key in found.sealed},
        ),
        ("index", keyring.index_key_ids, found.of_index_key, {*found.indexes, *found.releases}),
    ):
        for line in _verdicts(kind, ids, {key_id: held(key_id) for key_id in {*ids, *seen}}):
            print(line)


def _verdicts(kind: str, configured: tuple[str, ...], held: dict[str, int]) -> Iterable[str]:
    for key_id in sorted(held):
        if key_id not in configured:
            yield f"{kind} key {key_id or '(none)'}: NOT CONFIGURED, {held[key_id]} values cannot be used"
        elif key_id == configured[-1]:
            yield f"{kind} key {key_id}: current"
        elif held[key_id]:
            yield f"{kind} key {key_id}: needed by {held[key_id]} values"
        else:
            yield f"{kind} key {key_id}: needed by nothing, may be removed"


@asynccontextmanager
async def _platform(data_dir: Path) -> AsyncIterator[Platform]:
    with readable_settings():
        settings = Settings()
    url = databases.api_url(data_dir)
    try:
        keyring = Keyring.from_settings(settings, data_dir)
    except KeysRefused as error:
        raise Refusal(str(error)) from None
    # Asked first: a refused connection ends in a page of traceback otherwise.
    await (await databases.connected(url, "SLRT_DATABASE_URL")).close()
    database = await Database.connect(url, settings.model_copy(update=_PATIENCE))
    try:
        yield Platform(database, Reads(keyring), keyring, AccessLog(database), lambda *_: None)
    except errors.SlrtError as error:
        raise Refusal(f"the database did not keep up ({error.code}); run it again") from None
    finally:
        await database.close()
