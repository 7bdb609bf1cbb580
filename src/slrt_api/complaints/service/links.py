"""Complaints about the same: found, and linked with a reason that can be taken back.

What is found is cut by the caller's own rows. Whether two NIKs are one is compared where nobody reads them.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.complaints.codes import ComplaintLinkType, Likeness
from slrt_api.complaints.lifecycle import DESK, require_independent
from slrt_api.complaints.models import Complaint, ComplaintLink
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime import events
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: how far apart two complaints about the same are received at most
WINDOW: Final = timedelta(days=90)
MAX_SIMILAR: Final = 20
#: complaints that were told with the same NIK. $1 regency, $2 the complaint
_SAME_NIK: Final = """
SELECT o.id FROM complaint_numbers n
JOIN complaint_numbers o ON o.regency = n.regency AND o.blind_index = n.blind_index AND o.id <> n.id
WHERE n.regency = $1 AND n.id = $2
"""
#: $1 regency, $2 the complaint, $3 person, $4 household, $5 reporter, $6 program, $7 subtype, $8 village, $9 and $10 the window,
#: $11 complaints with the same NIK. Each way has an index of its own, so it is asked by itself.
_SIMILAR: Final = """
WITH found AS (
    SELECT id, 'SAME_NIK' AS likeness FROM complaints WHERE regency = $1 AND id = ANY ($11::uuid[])
    UNION ALL SELECT id, 'SAME_PERSON' FROM complaints WHERE regency = $1 AND subject_person_id = $3
    UNION ALL SELECT id, 'SAME_HOUSEHOLD' FROM complaints WHERE regency = $1 AND household_id = $4
    UNION ALL SELECT id, 'SAME_REPORTER' FROM complaints WHERE regency = $1 AND reporter_id = $5
    UNION ALL SELECT id, 'SAME_PROGRAM_AND_SUBTYPE' FROM complaints
        WHERE regency = $1 AND area = $8 AND program_code = $6 AND subtype = $7
)
SELECT c.id, c.number, c.status, c.received_at, c.merged_into, array_agg(f.likeness) AS likenesses
FROM found f JOIN complaints c ON c.regency = $1 AND c.id = f.id
WHERE c.id <> $2 AND c.received_at BETWEEN $9 AND $10
GROUP BY c.id, c.number, c.status, c.received_at, c.merged_into
"""
_ORDER: Final = {likeness.value: place for place, likeness in enumerate(Likeness)}


class LinkComplaint(Command):
    """Another complaint, and how the two belong together."""

    complaint_id: UUID = Field(
        description="A complaint of the same regency, in your scope.",
        examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"],
    )
    type: ComplaintLinkType = Field(
        description="`DUPLICATE` says that they are the same, and leaves both to go on (to let one go on for both, MERGE it);"
        " `FOLLOW_UP`: this one follows the other.",
        examples=["RELATED"],
    )
    reason: str = Field(
        min_length=1, max_length=2_000, description="Why.", examples=["The same card, two weeks later."]
    )


class UnlinkComplaint(Command):
    """A link that does not hold."""

    link_id: UUID = Field(description="A link of this complaint.", examples=["019aaa11-2233-8000-8cfe-d4a1b2c3d4e5"])
    reason: str = Field(min_length=1, max_length=2_000, description="Why.", examples=["Another family of that name."])


@use_case("complaints.similar", scope=Scope.COMPLAINTS_HANDLE)
async def similar(tx: Transaction, actor: Actor, id_: UUID) -> dict[str, Any]:
    """List complaints that may be about the same.

    Of those that the caller sees, received at most ninety days before or after: told with the same NIK, about the same person or
    household, from the same account, or about the same program and pattern in the same village. The likeliest first, at most
    twenty. Sealed complaints are never among them.
    """
    complaint = await tx.get(Complaint, id_)
    async with tx.effect(complaint.regency):
        same_nik = [row["id"] for row in await tx.fetch(_SAME_NIK, complaint.regency, complaint.id)]
    rows = await tx.fetch(
        _SIMILAR,
        complaint.regency,
        complaint.id,
        complaint.subject_person_id,
        complaint.household_id,
        complaint.reporter_id,
        complaint.program_code,
        complaint.subtype,
        complaint.area,
        complaint.received_at - WINDOW,
        complaint.received_at + WINDOW,
        same_nik,
    )
    items = [
        {
            "complaint_id": str(row["id"]),
            "receipt": row["number"],
            "status": row["status"],
            "received_at": events.plain(row["received_at"]),
            "merged_into": None if row["merged_into"] is None else str(row["merged_into"]),
            "likenesses": sorted(set(row["likenesses"]), key=_ORDER.__getitem__),
        }
        for row in rows
    ]
    items.sort(key=_rank)
    return {"items": items[:MAX_SIMILAR]}


def _rank(item: dict[str, Any]) -> tuple[list[int], str]:
    """The strongest likeness first, then the others; equal ones by id, so that the order is always the same."""
    return [*(_ORDER[each] for each in item["likenesses"]), len(_ORDER)], item["complaint_id"]


@use_case(
    "complaints.link",
    scope=Scope.COMPLAINTS_HANDLE,
    roles=DESK,
    answers=COMPLAINT,
    include=("links",),
    conditional=False,
)
async def link(tx: Transaction, actor: Actor, id_: UUID, command: LinkComplaint) -> Complaint:
    """Link a complaint to another.

    With a reason, and told from both. Two complaints have one link at a time (409 `already_linked`). It changes nothing else.
    """
    if command.complaint_id < id_:
        await _other(tx, command.complaint_id)
    complaint = await tx.ask(Complaint, id_)
    other = None if command.complaint_id == id_ else await _other(tx, command.complaint_id)
    if other is None or other.regency != complaint.regency:
        raise errors.Invalid.reference("/complaint_id")
    for each in (complaint, other):
        require_independent(each, actor.guard_facts)
    pair = new_id(Kind.COMPLAINT_LINK, complaint.regency, tx.now, coarse=complaint.coarse or other.coarse)
    here = _side(tx, actor, command, pair, complaint, other)
    there = _side(tx, actor, command, pair, other, complaint)
    async with tx.effect(complaint.regency):
        try:
            await tx.insert(here, there)
        except errors.Conflict:
            raise errors.Conflict("already_linked") from None
        await tx.change(other, "linked", parts={"links": [there]})
    return await tx.change(complaint, "linked", parts={"links": [here]})


def _side(
    tx: Transaction, actor: Actor, command: LinkComplaint, pair: UUID, complaint: Complaint, other: Complaint
) -> ComplaintLink:
    return ComplaintLink(
        regency=complaint.regency,
        id=new_id(Kind.COMPLAINT_LINK, complaint.regency, tx.now, coarse=complaint.coarse or other.coarse),
        area=complaint.area,
        complaint_id=complaint.id,
        other_id=other.id,
        pair_id=pair,
        type=command.type.value,
        direct=complaint.id != command.complaint_id,
        reason=command.reason,
        linked_by=actor.subject,
        linked_at=tx.now,
        sealed=complaint.sealed,
    )


@use_case(
    "complaints.unlink",
    scope=Scope.COMPLAINTS_HANDLE,
    roles=DESK,
    answers=COMPLAINT,
    include=("links",),
    conditional=False,
)
async def unlink(tx: Transaction, actor: Actor, id_: UUID, command: UnlinkComplaint) -> Complaint:
    """Undo a link.

    From either side, with a reason. It stays to be seen, with its end.
    """
    seen = await tx.rows(
        ComplaintLink, "regency = $1 AND complaint_id = $2 AND id = $3", tenant_of(id_), id_, command.link_id
    )
    if seen and seen[0].other_id < id_:
        async with tx.effect(seen[0].regency):
            await tx.lock(Complaint, seen[0].other_id)
    complaint = await tx.ask(Complaint, id_)
    require_independent(complaint, actor.guard_facts)
    if not seen:
        raise errors.Invalid.reference("/link_id")
    ended: dict[str, Any] = {"ended_at": tx.now, "ended_by": actor.subject, "end_reason": command.reason}
    here = []
    # The other side may lie in another village: the row that was asked on is this one.
    async with tx.effect(complaint.regency):
        both = await tx.rows(
            ComplaintLink,
            "regency = $1 AND pair_id = $2 AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE",
            complaint.regency,
            seen[0].pair_id,
        )
        if not both:
            raise errors.Conflict("link_ended")
        for side in both:
            row = await tx.update(side, **ended)
            if side.complaint_id == id_:
                here.append(row)
            else:
                await tx.change(await tx.lock(Complaint, side.complaint_id), "unlinked", parts={"links": [row]})
    return await tx.change(complaint, "unlinked", parts={"links": here})


async def _other(tx: Transaction, id_: UUID) -> Complaint | None:
    """The other complaint, locked, or None where the caller does not see it."""
    try:
        return await tx.lock(Complaint, id_)
    except errors.NotFound:
        return None
