"""Names and secret of the demo's clients. Known to everybody: the development issuer that honors them is never production's."""

from typing import Final

SECRET: Final = "slrt-development"  # noqa: S105 - public on purpose


def client_id(role: str, code: str | None = None) -> str:
    """The client of a role; of one organization's partner or one program's manager when `code` names it."""
    return f"{role}.{code}" if code else role
