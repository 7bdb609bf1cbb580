"""What several tests of the surfaces share."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from tests.api import running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.stage import Stage, staged
from tests.worlds import Worlds


@pytest_asyncio.fixture(scope="session")
async def stage(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    database: MigratedDatabase = await make_database("slrt_worlds")
    owner = await asyncpg.connect(database.owner_url)
    admin = await asyncpg.connect(database.admin_url)
    async with running_api(database.api_url, tmp_path_factory.mktemp("worlds")) as api:
        scene = await staged(api, owner)
        await api.app.state.service.platform.accesses.flush()
        worlds = Worlds(admin)
        await worlds.save()
        yield Stage(api, scene, worlds)
    await admin.close()
    await owner.close()
