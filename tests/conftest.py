"""What the whole suite shares: one throwaway PostgreSQL for the session."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slrt_api.runtime.embedded import EmbeddedPostgres


def pytest_configure() -> None:
    # `timeout` and CI end a run with SIGTERM; without this the fixtures would not stop their servers.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are only worth their minutes at the size of `make soak`."""
    if os.environ.get("SLRT_TEST_SIZE") == "soak":
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this session alone; not crash-safe, on a socket only, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="slrt-tests-"))
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
