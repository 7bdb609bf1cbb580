"""Look across the borders of regencies for who claims one NIK, and bring a ticket to both sides. The worker's alone.

What is compared across regencies is a keyed digest of the NIK that nobody but the worker may read (`national_niks`): under a key
of its own, so that it is no blind index of anybody. Names are compared only of two who share a NIK, and a ticket keeps the
classes of that comparison and no value.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from slrt_api.households import duplicates, matching
from slrt_api.households.codes import TicketStatus
from slrt_api.households.matching import Compared, Entry
from slrt_api.households.models import DuplicateTicket, Person
from slrt_api.households.service.duplicates import candidate
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime.transaction import Transaction

#: tickets that one person brings at most: a number that more regencies share is no person's but a clerk's
MOST_TICKETS: Final = 20
#: what of a comparison stands on a ticket; places and households tell where somebody lives
TOLD: Final = frozenset({Compared.NIK, Compared.NAME, Compared.BIRTH_DATE, Compared.SEX})
#: a ticket in one of these waits for somebody, and is withdrawn where nothing speaks for it any more
WAITING: Final = frozenset({TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.ASKED, TicketStatus.AGREED})
_REGENCY: Final = 1_000_000
_CLAIMED: Final = "SELECT digest, person_id FROM national_niks WHERE person_id = ANY ($1::uuid[])"
#: Two looks at once could each miss the other's claim: neither sees what the other has not committed. In one order, everywhere.
_LOCK: Final = "SELECT pg_advisory_xact_lock(k) FROM (SELECT unnest($1::bigint[]) AS k ORDER BY 1) AS ordered"
_DROP: Final = """
DELETE FROM national_niks n USING unnest($1::bytea[], $2::uuid[]) AS g (digest, person_id)
WHERE n.digest = g.digest AND n.person_id = g.person_id
"""
_CLAIM: Final = """
INSERT INTO national_niks (digest, person_id, tenant)
SELECT c.digest, c.person_id, $3 FROM unnest($1::bytea[], $2::uuid[]) AS c (digest, person_id) ON CONFLICT DO NOTHING
"""
_SHARED: Final = """
SELECT n.digest, n.tenant, n.person_id FROM national_niks n
WHERE n.digest = ANY ($1::bytea[]) AND n.tenant <> $2 ORDER BY n.tenant, n.person_id
"""


@dataclass(frozen=True)
class Claim:
    """A person of this regency as it is now, and the digest of the NIK; None where there is none, or the person has ended."""

    person: Person
    entry: Entry
    digest: bytes | None


def digest_of(tx: Transaction, nik: str) -> bytes:
    """By which one NIK is found in every regency, and nothing else can be."""
    return tx.keyring.digest("nik-across-regencies", nik.encode())


def pair_of(tx: Transaction, one: UUID, other: UUID) -> bytes:
    """The name of a pair, the same on both sides, from which nobody's id can be told."""
    first, second = duplicates.ordered(one, other)
    return tx.keyring.digest("pair-across-regencies", first.bytes + second.bytes)


async def look(tx: Transaction, regency: int, people: Collection[UUID]) -> int:
    """Look for who, in any other regency, claims the NIK of one of these people. Returns how many tickets came.

    Under the worker's own role, outside of every effect. What was decided stays; what holds no more is withdrawn on both sides.
    """
    claims = await _claims(tx, regency, people)
    before = {
        (row["digest"], row["person_id"])
        for row in await tx.fetch(_CLAIMED, [each.person.id for each in claims.values()])
    }
    now = {(each.digest, each.person.id) for each in claims.values() if each.digest is not None}
    digests = {digest for digest, _ in before | now}
    if digests:
        await tx.execute(_LOCK, sorted(int.from_bytes(digest[:8], signed=True) for digest in digests))
    if gone := sorted(before - now):
        await tx.execute(_DROP, [each[0] for each in gone], [each[1] for each in gone])
    if new := sorted(now - before):
        await tx.execute(_CLAIM, [each[0] for each in new], [each[1] for each in new], regency)
    found = await tx.fetch(_SHARED, [digest for digest, _ in now], regency) if now else []
    came = 0
    for claim in claims.values():
        others = {row["person_id"]: row["tenant"] for row in found if row["digest"] == claim.digest}
        came += await _tell(tx, claim, dict(list(others.items())[:MOST_TICKETS]))
    return came


async def _claims(tx: Transaction, regency: int, people: Collection[UUID]) -> Mapping[UUID, Claim]:
    found = {}
    async with tx.effect(regency):
        for person in await tx.rows(Person, "regency = $1 AND id = ANY ($2) ORDER BY id", regency, list(people)):
            entry = (await candidate(tx, regency, person.id)).entry
            running = person.ended_at is None and entry.nik is not None
            digest = digest_of(tx, entry.nik) if running and entry.nik is not None else None
            found[person.id] = Claim(person, entry, digest)
    return found


async def _tell(tx: Transaction, claim: Claim, others: Mapping[UUID, int]) -> int:
    """Bring the tickets of one person to what is known now. Returns how many came."""
    person = claim.person
    async with tx.effect(person.regency):
        rows = await tx.rows(DuplicateTicket, "regency = $1 AND person_id = $2 ORDER BY id", person.regency, person.id)
    known = {row.pair: row for row in rows}
    sharing = {pair_of(tx, person.id, other): other for other in others}
    came = 0
    for pair, row in known.items():
        if row.area != person.area and pair in sharing:
            async with tx.effect(person.regency):
                known[pair] = await tx.change(await tx.lock(DuplicateTicket, row.id), "moved", area=person.area)
        if pair not in sharing and TicketStatus(row.status) in WAITING:
            await _both(tx, row, "withdrawn", TicketStatus.WITHDRAWN, [])
    for pair, other_id in sharing.items():
        row_ = known.get(pair)
        if row_ is not None and row_.status != TicketStatus.WITHDRAWN:
            continue
        other = await _running(tx, others[other_id], other_id)
        if other is None:
            continue
        reasons = _classes(claim.entry, other[1])
        if row_ is not None:
            await _both(tx, row_, "found", TicketStatus.OPEN, reasons)
        else:
            await _bring(tx, person, other[0], pair, reasons)
        came += 1
    return came


async def _running(tx: Transaction, regency: int, person_id: UUID) -> tuple[Person, Entry] | None:
    """The other person, unless their row has ended: who was handed over, died or was merged is claimed by nobody else."""
    async with tx.effect(regency):
        person = await tx.get(Person, person_id)
        if person.ended_at is not None:
            return None
        return person, (await candidate(tx, regency, person_id)).entry


def _classes(one: Entry, other: Entry) -> list[dict[str, Any]]:
    """By field, how two entries agree. No value and no weight: a weight tells how rare a name is."""
    score = matching.score(one, other, duplicates.population(0, {}))
    return [{"field": each.field.value, "level": each.level.value} for each in score.reasons if each.field in TOLD]


async def _bring(tx: Transaction, person: Person, other: Person, pair: bytes, reasons: list[dict[str, Any]]) -> None:
    ids = {each.regency: new_id(Kind.DUPLICATE_TICKET, each.regency, tx.now) for each in (person, other)}
    for mine, theirs in ((person, other), (other, person)):
        async with tx.effect(mine.regency):
            await tx.create(
                DuplicateTicket(
                    regency=mine.regency,
                    id=ids[mine.regency],
                    area=mine.area,
                    created_at=tx.now,
                    updated_at=tx.now,
                    person_id=mine.id,
                    pair=pair,
                    counterpart_id=ids[theirs.regency],
                    # The regency and no more: where in it somebody lives is theirs to tell.
                    other_area=theirs.area - theirs.area % _REGENCY,
                    status=TicketStatus.OPEN.value,
                    reasons=reasons,
                ),
                "found",
            )


async def _both(
    tx: Transaction, row: DuplicateTicket, type_: str, status: TicketStatus, reasons: list[dict[str, Any]]
) -> None:
    """Let both sides of a ticket be in another state; what was shared of people is emptied first."""
    for id_ in sorted((row.id, row.counterpart_id)):
        async with tx.effect(tenant_of(id_)):
            locked = await tx.lock(DuplicateTicket, id_)
            await tx.change(await tx.update(locked, shared=None), type_, status=status.value, reasons=reasons)
