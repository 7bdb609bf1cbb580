"""One complaint goes on for several: what may be merged, what the survivor takes over, and the way back.

Each keeps its row, receipt, messages and history. The survivor counts as received when the earliest of them was.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from slrt_api.complaints.codes import ComplaintStatus, Confidentiality
from slrt_api.complaints.lifecycle import TERMINAL, require_independent
from slrt_api.complaints.models import Complaint
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction

#: how well each keeps its complainant: a complaint never goes on in one that keeps less
_KEPT: Final[Sequence[Confidentiality]] = (
    Confidentiality.OPEN,
    Confidentiality.CONFIDENTIAL,
    Confidentiality.ANONYMOUS,
    Confidentiality.SEALED,
)
_EARLIEST: Final = """
SELECT min(received_at) FROM complaints WHERE regency = $1 AND merged_into = $2 AND id <> $3
"""


async def lock_other(tx: Transaction, id_: UUID, into: UUID | None) -> None:
    """Lock the other complaint first where its id comes first, so that no two acts wait for each other."""
    other, seen = into, None
    if other is None:
        seen = await tx.find(Complaint, id_)
        other = seen.merged_into if seen is not None else None
    if other is None or other >= id_:
        return
    if into is not None:
        await _seen(tx, into)
    elif seen is not None:
        async with tx.effect(seen.regency):
            await tx.lock(Complaint, other)


async def merge(tx: Transaction, actor: Actor, complaint: Complaint, into: UUID) -> dict[str, Any]:
    """Let `into` go on for `complaint`. Returns the columns that tell so."""
    survivor = None if into == complaint.id else await _seen(tx, into)
    if survivor is None or survivor.regency != complaint.regency:
        raise errors.Invalid.reference("/merge_into")
    require_independent(survivor, actor.guard_facts)
    if survivor.status == ComplaintStatus.MERGED:
        raise errors.Conflict("merged_already")
    if ComplaintStatus(survivor.status) in TERMINAL:
        raise errors.Conflict("survivor_ended")
    if survivor.sealed is not complaint.sealed or _rank(survivor) < _rank(complaint):
        raise errors.Conflict("merge_lowers_confidentiality")
    for name in ("accused_person_id", "accused_organization_id"):
        # Else whom it accuses would handle it in the survivor.
        if getattr(complaint, name) not in {None, getattr(survivor, name)}:
            raise errors.Conflict("merge_drops_accusation")
    await tx.change(
        survivor,
        "absorbed",
        received_at=min(survivor.received_at, complaint.received_at),
        own_received_at=survivor.own_received_at or survivor.received_at,
    )
    return {"merged_into": survivor.id, "merged_from": complaint.status}


async def unmerge(tx: Transaction, complaint: Complaint) -> dict[str, Any]:
    """Let both go on for themselves again. Returns the columns that tell so."""
    survivor_id, gone = complaint.merged_into, complaint.id
    async with tx.effect(complaint.regency):
        # The survivor may itself have been merged since.
        while survivor_id is not None:
            survivor = await tx.lock(Complaint, survivor_id)
            own = survivor.own_received_at or survivor.received_at
            rest: datetime | None = await tx.value(_EARLIEST, survivor.regency, survivor.id, gone)
            earliest = own if rest is None else min(own, rest)
            await tx.change(survivor, "released", received_at=earliest)
            survivor_id, gone = survivor.merged_into, complaint.id
    return {"merged_into": None, "merged_from": None}


def _rank(complaint: Complaint) -> int:
    return _KEPT.index(Confidentiality(complaint.confidentiality))


async def _seen(tx: Transaction, id_: UUID) -> Complaint | None:
    """The complaint, locked, or None where the caller does not see it."""
    try:
        return await tx.lock(Complaint, id_)
    except errors.NotFound:
        return None
