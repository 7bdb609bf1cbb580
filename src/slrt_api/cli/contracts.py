"""`openapi/openapi.json`: generated from the code, committed, compared by a test."""

import json
import tempfile
from pathlib import Path
from typing import Any

from slrt_api.app import create_app
from slrt_api.cli.refusal import Refusal
from slrt_api.settings import Environment, Settings

NAME = "openapi.json"


def document() -> dict[str, Any]:
    """The OpenAPI document of this code, whatever the environment says. Starts nothing."""
    with tempfile.TemporaryDirectory(prefix="slrt-openapi-") as folder:
        settings = Settings(env=Environment.DEVELOPMENT, data_dir=Path(folder), issuers=(), dev_issuer=False)
        return create_app(settings).openapi()


def text() -> str:
    """The document as it is committed: in the order of the code, so that a change shows where it was made."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def export(folder: Path) -> None:
    """Write the file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(text(), encoding="utf-8")


def check(folder: Path) -> None:
    """Compare the file with the code. Raises Refusal when they differ."""
    path = folder / NAME
    if not path.is_file() or path.read_text(encoding="utf-8") != text():
        raise Refusal(f"{path} is not what the code makes: run `make contracts` and look at the difference")
