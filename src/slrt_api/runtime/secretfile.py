"""Secrets that a development installation makes for itself, once, in its data folder.

Production never comes here: it gets its keys from the settings.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def load_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """Content of the secret file at `path`; made by `make()` when it does not exist yet.

    Readable by its owner alone (mode 0600). Safe when several processes start on one empty folder: all of them get the
    content of whoever was first, and nobody ever reads half a file.
    """
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: it fails when another process was first, and its file is complete when it appears.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_bytes()
