"""The story of `docs/examples/story.py`: it closes, and each of three sabotages breaks it."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.conftest import MakeDatabase, MigratedDatabase

from slrt_api.access.scopes import Scope
from slrt_api.app import create_app
from slrt_api.cli.server import Server, bound
from slrt_api.demo import seed
from slrt_api.demo.clients import clients
from slrt_api.demo.stage import Stage
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.roles import ScopeKind
from slrt_api.settings import Settings

FILE = Path(__file__).parents[2] / "docs" / "examples" / "story.py"
#: an event's bytes with another role in them
_FORGED = "convert_to(replace(convert_from(body, 'UTF8'), 'secretariat_manager', 'social_office'), 'UTF8')"
STEPS = [
    "register", "complain", "open", "verify", "assess", "confirm", "serve", "consent", "refer", "accept", "realize", "close",
    "resolve", "track", "audit",
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A server for one story, and its database as the owner reaches it."""

    base_url: str
    owner_url: str

    def sabotage(self, sql: str) -> None:
        """Run one statement as the owner of the schema, past every rule of the service."""

        async def run() -> None:
            connection = await asyncpg.connect(self.owner_url)
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        asyncio.run(run())


@pytest.fixture(scope="module")
def story() -> Any:
    spec = importlib.util.spec_from_file_location("story", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest_asyncio.fixture(scope="module")
async def database(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of this module's own, because the tests break it."""
    return await make_database("slrt_story")


@pytest_asyncio.fixture(scope="module")
async def place(database: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """uvicorn on a free port, in a thread of its own; of the demo what the story needs."""
    folder = tmp_path_factory.mktemp("story")
    listener = bound("127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        database_url=database.api_url,
        data_dir=folder,
        base_url=base_url,
        rate_limit_per_minute=1_000_000,
        public_rate_limit_per_minute=1_000_000,
    )
    connected = await Database.connect(database.api_url, settings)
    stage = Stage(connected, Keyring.from_settings(settings, folder), base_url)
    await seed.register_organizations(stage)
    await seed.load_release(stage)
    await connected.close()
    ready = threading.Event()
    server = Server(create_app(settings, clients=clients), ready.set)
    thread = threading.Thread(target=server.run_on, args=(listener,))
    thread.start()
    try:
        assert await asyncio.to_thread(ready.wait, 60)
        yield Place(base_url, database.owner_url)
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join, 60)
        listener.close()


def breaks(story: Any, place: Place, step: str, sabotage: Callable[[], None]) -> tuple[object, list[str]]:
    """Tell the story with `sabotage` after `step`. Returns the exit code or message, and the steps that were checked."""
    told: list[str] = []

    def after(name: str) -> None:
        told.append(name)
        if name == step:
            sabotage()

    with pytest.raises(SystemExit) as ended:
        story.tell(place.base_url, after)
    return ended.value.code, told


class TestStory:
    def test_it_closes(self, story: Any, place: Place) -> None:
        told: list[str] = []
        story.tell(place.base_url, told.append)
        assert told == STEPS

    def test_it_closes_again_where_it_was_told_before(self, story: Any, place: Place) -> None:
        place.sabotage("UPDATE service_capacity SET used = capacity WHERE service = 'SCHOOL_RETENTION'")
        story.tell(place.base_url)

    def test_a_right_too_many_for_the_lks(self, story: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for table in ("households", "memberships", "persons", "identities"):
            place.sabotage(f"GRANT SELECT ON {table} TO slrt_organization")
            place.sabotage(f"CREATE POLICY sabotage ON {table} TO slrt_organization USING (true)")
        monkeypatch.setattr(HOUSEHOLD, "scope", Scope.REFERRALS_READ)
        monkeypatch.setattr(HOUSEHOLD, "kinds", HOUSEHOLD.kinds | {ScopeKind.ORGANIZATION})
        try:
            message, told = breaks(story, place, "", lambda: None)
        finally:
            for table in ("households", "memberships", "persons", "identities"):
                place.sabotage(f"DROP POLICY sabotage ON {table}")
                place.sabotage(f"REVOKE SELECT ON {table} FROM slrt_organization")
        assert message == "story: household for the LKS: expected 404, got 200"
        assert told == STEPS[:8]

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ("hash = sha256(hash)", "hash of event"),
            (f"body = {_FORGED}", "hash of event"),
            # Whoever changes the bytes and makes hash and columns fit again is found out by the event after.
            (
                (
                    f"body = {_FORGED}, hash = sha256('\\x00'::bytea || {_FORGED}), role = 'social_office',"
                    " actor = replace(actor, 'secretariat_manager', 'social_office')"
                ),
                "link of event",
            ),
        ],
        ids=["hash", "bytes", "bytes, hash and columns"],
    )
    def test_an_event_that_was_changed(self, story: Any, place: Place, change: str, complaint: str) -> None:
        newest = "SELECT max(xact::text::bigint) FROM events WHERE type = 'case.confirmed'"
        message, told = breaks(
            story,
            place,
            "track",
            lambda: place.sabotage(
                f"UPDATE events SET {change} WHERE type = 'case.confirmed' AND xact::text::bigint = ({newest})"
            ),
        )
        assert str(message).startswith(f"story: {complaint}")
        assert told == STEPS[:-1]

    def test_a_receipt_whose_secret_was_changed(self, story: Any, place: Place) -> None:
        message, told = breaks(
            story,
            place,
            "resolve",
            lambda: place.sabotage("UPDATE receipt_secrets SET secret_hash = sha256(secret_hash)"),
        )
        assert message == "story: the complaint by receipt and secret: expected 200, got 404"
        assert told == STEPS[:-2]


class TestCommand:
    def test_it_starts_and_stops_a_server_of_its_own(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLRT_")}
        ended = subprocess.run(
            [sys.executable, FILE], capture_output=True, text=True, timeout=240, env=environment, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines()[-1] == "the loop is closed"
        assert [line.split()[0] for line in ended.stdout.splitlines()[1:-1]] == STEPS

    def test_a_server_that_is_not_there_is_no_success(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        environment = {**os.environ, "SLRT_BASE_URL": nobody}
        ended = subprocess.run([sys.executable, FILE], capture_output=True, timeout=60, env=environment, check=False)
        assert ended.returncode == 1
