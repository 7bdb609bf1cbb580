"""Persisted documents: the texts that clients name by `sha256:` and the hash of the text instead of sending them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

PREFIX = "sha256:"


def document_id(text: str) -> str:
    """The id of a document's text."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def load(path: Path | None) -> Mapping[str, str]:
    """Documents by id, from a folder of `*.graphql` or a JSON object of texts as build tools of clients write them.

    The id is always computed from the text. Raises ValueError for a file whose keys are not the hashes of its texts.
    """
    if path is None:
        return {}
    if path.is_dir():
        texts = [file.read_text(encoding="utf-8") for file in sorted(path.rglob("*.graphql"))]
        return {document_id(text): text for text in texts}
    found = json.loads(path.read_text(encoding="utf-8"))
    documents = {document_id(text): text for text in found.values()}
    if {PREFIX + key.removeprefix(PREFIX) for key in found} != set(documents):
        raise ValueError("a key of the persisted documents is not the SHA-256 of its text")
    return documents
