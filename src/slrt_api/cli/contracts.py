"""`openapi/openapi.json` and `openapi/schema.graphql`: generated from the code, committed, compared by a test."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from slrt_api import graph
from slrt_api.app import create_app
from slrt_api.cli.refusal import Refusal
from slrt_api.settings import Environment, Settings

NAME = "openapi.json"
SCHEMA = "schema.graphql"


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of this code, whatever the environment says; one for the process. Starts nothing."""
    with tempfile.TemporaryDirectory(prefix="slrt-openapi-") as folder:
        settings = Settings(env=Environment.DEVELOPMENT, data_dir=Path(folder), issuers=(), dev_issuer=False)
        return create_app(settings).openapi()


def text() -> str:
    """The document as it is committed: in the order of the code, so that a change shows where it was made."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def schema() -> str:
    """The schema of the GraphQL surface, sorted and described."""
    return graph.schema().text()


@cache
def _files() -> dict[str, str]:
    return {NAME: text(), SCHEMA: schema()}


def _paths(folder: Path) -> list[Path]:
    return [folder / name for name in (NAME, SCHEMA)]


def export(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _files().items():
        (folder / name).write_text(content, encoding="utf-8")


def check(folder: Path) -> None:
    """Compare the files with the code. Raises Refusal when one is missing or differs."""
    committed = {path: path.read_text(encoding="utf-8") if path.is_file() else None for path in _paths(folder)}
    for path, text_ in committed.items():
        # The code is asked only where there is something to compare with: that takes seconds.
        if text_ is None or text_ != _files()[path.name]:
            raise Refusal(f"{path} is not what the code makes: run `make contracts` and look at the difference")
