"""`slrt-api names rebuild`: the keys by which people are found by name, for people who have none yet."""

import asyncio
from pathlib import Path

from slrt_api.cli import databases
from slrt_api.cli.refusal import Refusal
from slrt_api.households.service import name_keys


def rebuild_command(regency: int | None, *, everybody: bool, data_dir: Path) -> None:
    """Tell one line a batch. Raises Refusal where there is no such regency."""
    asyncio.run(_rebuild(databases.owner_url(data_dir), regency, everybody=everybody))


async def _rebuild(url: str, regency: int | None, *, everybody: bool) -> None:
    owner = await databases.connected(url)
    try:
        known = await name_keys.regencies(owner)
        if regency is not None and regency not in known:
            raise Refusal(f"no regency {regency}")
        for number in known if regency is None else [regency]:
            async for progress in name_keys.rebuild(owner, number, all_=everybody):
                # A line a batch, so that who breaks it off knows how far it is.
                print(f"{number:04d}: {progress.read} people, keys written for {progress.written}", flush=True)
    finally:
        await owner.close()
