"""Packages of npm that judge what we publish: installed into a git-ignored folder where Node is there."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "node_modules" / ".slrt"


def packages(*names: str) -> Path:
    """A folder with these packages (`name@version`) in its node_modules; skips the test where that cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm")
    folder = ROOT / hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"name": "judges", "private": True, "type": "module"}))
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", *names]
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if installed.returncode != 0:
            pytest.skip("npm cannot install " + ", ".join(names))
        (folder / "done").touch()
    return folder


def run(folder: Path, arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What a program prints; fails with what it says."""
    done = subprocess.run(
        list(arguments), cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
