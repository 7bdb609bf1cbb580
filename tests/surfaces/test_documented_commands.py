"""The commands in README and how-tos work: each document's `sh` blocks run in one shell against a running server.

Blocks of another language (`console`, `text`, `json`) are for reading.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.canaries import LEAKS
from tests.commands import copied

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DOCUMENTED_ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory, demo_data: Path) -> Iterator[str]:
    """`slrt-api dev` with its demo regency, as `make run` starts it."""
    folder = tmp_path_factory.mktemp("dev")
    copied(demo_data, folder / ".data")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLRT_")}
    # What it tells is searched at the end like everything that the suite makes an application say.
    environment |= {"SLRT_LOG_LEVEL": "DEBUG", "SLRT_TRACE_SAMPLE_RATIO": "1"}
    slrt_api = Path(sys.executable).with_name("slrt-api")
    command = [str(slrt_api), "dev", "--port", "0", "--data-dir", str(folder / ".data")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = folder / ".data" / "address"
        until = time.monotonic() + 180
        while not address.exists():
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield address.read_text().strip()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        LEAKS.log((folder / "log").read_text(), "the log of the documented commands")
        LEAKS.postgres_log(folder / ".data" / "postgres" / "postgres.log")


def script(document: Path, base_url: str) -> str:
    """The document's commands as one shell script. Python blocks run where they stand."""
    parts = ["set -euo pipefail"]
    for language, text in _BLOCK.findall(document.read_text(encoding="utf-8")):
        command = text if language == "sh" else f".venv/bin/python - <<'PYTHON'\n{text}PYTHON\n"
        parts.append(command.replace(DOCUMENTED_ADDRESS, base_url))
    return "\n".join(parts)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_works(document: Path, base_url: str, tmp_path: Path) -> None:
    # The commands are written for the folder of the clone, and name its environment; here it may be another one.
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    text = script(document, base_url)
    assert "curl" in text
    environment = {**os.environ, "SLRT_BASE_URL": base_url}
    ended = subprocess.run(
        ["bash", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3_000:] + ended.stderr[-3_000:]


def test_a_command_that_fails_is_noticed(base_url: str, tmp_path: Path) -> None:
    document = tmp_path / "wrong.md"
    document.write_text(f"```sh\ncurl -sS --fail-with-body {DOCUMENTED_ADDRESS}/v1/households\ntrue\n```\n")
    ended = subprocess.run(["bash", "-c", script(document, base_url)], capture_output=True, check=False)
    assert ended.returncode != 0
