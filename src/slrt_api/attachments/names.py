"""Names of objects in the store. They are random, and tell neither what nor whose a file is."""

import secrets


def new_object() -> str:
    """A name that nobody guesses."""
    return secrets.token_hex(16)


def parts_of(name: str) -> str:
    """Below which the parts of an upload lie."""
    return f"parts/{name}/"


def new_part(name: str) -> str:
    """An object for one more part; a part that is sent twice at once is two objects, of which one is counted."""
    return f"{parts_of(name)}{new_object()}"


def file_of(name: str) -> str:
    """Where the file lies that is given out."""
    return f"files/{name}"
