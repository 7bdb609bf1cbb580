"""Keeping the copies of a parent's scope by which row policies decide who sees its attachments."""

from typing import Protocol
from uuid import UUID

from slrt_api.runtime.transaction import Transaction


class Addressed(Protocol):
    """A parent that is sent to others."""

    regency: int
    id: UUID


async def follow(
    tx: Transaction, parent: Addressed, *, organization_id: UUID | None, program_id: UUID | None, shared: bool
) -> None:
    """Let the attachments of a parent be seen by those to whom it goes now, or by them no more. Called inside `tx.effect`.

    A copy, and no change of the attachment: it has no event. What the history of an attachment tells to a receiver ends
    with its being shared.
    """
    await tx.execute(
        "UPDATE attachments SET organization_id = $3, program_id = $4, shared = $5 WHERE regency = $1 AND parent_id = $2",
        parent.regency,
        parent.id,
        organization_id,
        program_id,
        shared,
    )
    for table in ("events", "revisions"):
        await tx.execute(
            f"UPDATE {table} SET open = false WHERE regency = $1 AND NOT $3 AND open AND aggregate_id IN"
            " (SELECT a.id FROM attachments a WHERE a.regency = $1 AND a.parent_id = $2)",
            parent.regency,
            parent.id,
            shared,
        )
