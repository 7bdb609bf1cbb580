"""`openapi/openapi.json` and `openapi/schema.graphql`: generated from the code, committed, compared by a test."""

import json
import tempfile
from pathlib import Path
from typing import Any

from slrt_api import graph
from slrt_api.app import create_app
from slrt_api.cli.refusal import Refusal
from slrt_api.settings import Environment, Settings

NAME = "openapi.json"
SCHEMA = "schema.graphql"


def document() -> dict[str, Any]:
    """The OpenAPI document of this code, whatever the environment says. Starts nothing."""
    with tempfile.TemporaryDirectory(prefix="slrt-openapi-") as folder:
        settings = Settings(env=Environment.DEVELOPMENT, data_dir=Path(folder), issuers=(), dev_issuer=False)
        return create_app(settings).openapi()


def text() -> str:
    """The document as it is committed: in the order of the code, so that a change shows where it was made."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def schema() -> str:
    """The schema of the GraphQL surface, sorted and described."""
    return graph.schema().text()


def _files() -> dict[str, str]:
    return {NAME: text(), SCHEMA: schema()}


def export(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _files().items():
        (folder / name).write_text(content, encoding="utf-8")


def check(folder: Path) -> None:
    """Compare the files with the code. Raises Refusal when one differs."""
    for name, content in _files().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            raise Refusal(f"{path} is not what the code makes: run `make contracts` and look at the difference")
