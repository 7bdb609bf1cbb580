"""What several tests of the surfaces share."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.api import running_api
from tests.canaries import LEAKS
from tests.commands import COMMAND
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


@pytest.fixture(scope="session")
def demo_data() -> Iterator[Path]:
    """A data folder that `slrt-api dev` has filled from nothing and left. Whoever starts on it takes a copy."""
    folder = Path(tempfile.mkdtemp(prefix="slrt-tests-"))
    data = folder / ".data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLRT_")}
    # What it tells is searched like everything that the suite makes an application say.
    environment |= {"SLRT_LOG_LEVEL": "DEBUG", "SLRT_TRACE_SAMPLE_RATIO": "1"}
    command = [COMMAND, "dev", "--port", "0", "--data-dir", str(data)]
    said = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said.append(line.decode())
                if "is ready: " in said[-1]:
                    break
            else:
                raise AssertionError("".join(said))
            assert (data / "address").read_text() == said[-1].rpartition(" ")[2]
        finally:
            process.send_signal(signal.SIGINT)
            said.append(process.communicate(timeout=60)[0].decode())
    LEAKS.log("".join(said), "the log of the first start")
    assert process.returncode == 0
    assert not (data / "address").exists()
    assert not (data / "postgres" / "cluster" / "postmaster.pid").exists()
    yield data
    shutil.rmtree(folder)
