"""What releases of the registry tell of families and people, kept beside them.

Read-only for everybody: written when a release is loaded and when a family is registered, from numbers that match. Entries
are matched by the effect role, because nobody may read them.
"""

import contextlib
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from slrt_api.households.models import Identity
from slrt_api.households.service import vault
from slrt_api.kernel import errors
from slrt_api.registry import rules
from slrt_api.registry.models import Snapshot
from slrt_api.runtime.transaction import Transaction

#: households and persons $2, and the people who belong to those households now
_OWNERS: Final = """
SELECT id FROM unnest($2::uuid[]) AS o (id)
UNION SELECT m.id FROM memberships m WHERE m.regency = $1 AND m.household_id = ANY ($2::uuid[]) AND m.valid_to IS NULL
"""
#: $1 regency; $2 a release whose index key $3 the numbers of the whole regency are looked up by, or null; $4 to $7 numbers
#: by release, owner and type, with their indexes. Families of a person are those of the entries, by KK
_MATCHES: Final = """
WITH numbers AS MATERIALIZED (
    SELECT $2::uuid AS snapshot_id, i.owner_id, i.type, i.blind_index FROM identities i
    WHERE $2::uuid IS NOT NULL AND i.regency = $1 AND i.index_key = $3 AND i.valid_to IS NULL
    UNION ALL SELECT * FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::bytea[])
), of_persons AS MATERIALIZED (
    SELECT n.snapshot_id, n.owner_id, m.household_id, e.kk_index, e.desil
    FROM numbers n
    JOIN registry_entries e ON e.regency = $1 AND e.snapshot_id = n.snapshot_id AND e.nik_index = n.blind_index
    LEFT JOIN memberships m ON m.regency = $1 AND m.id = n.owner_id AND m.valid_to IS NULL
    WHERE n.type = 'NIK'
), families AS MATERIALIZED (
    SELECT snapshot_id, household_id AS id, kk_index FROM of_persons WHERE household_id IS NOT NULL
    UNION SELECT n.snapshot_id, n.owner_id, n.blind_index FROM numbers n WHERE n.type = 'KK'
), repeated AS MATERIALIZED (
    SELECT snapshot_id, owner_id, household_id FROM of_persons
    GROUP BY snapshot_id, owner_id, household_id HAVING count(*) > 1
)
SELECT p.snapshot_id, o.id, o.area, count(DISTINCT p.kk_index) AS families, count(*) > 1 AS repeated,
       array_agg(DISTINCT p.desil) FILTER (WHERE p.desil IS NOT NULL) AS desils
FROM of_persons p JOIN persons o ON o.regency = $1 AND o.id = p.owner_id AND o.ended_at IS NULL
GROUP BY p.snapshot_id, o.id, o.area
UNION ALL
SELECT f.snapshot_id, o.id, o.area, count(DISTINCT f.kk_index),
       EXISTS (SELECT FROM repeated r WHERE r.snapshot_id = f.snapshot_id AND r.household_id = o.id),
       array_agg(DISTINCT e.desil) FILTER (WHERE e.desil IS NOT NULL)
FROM families f
JOIN registry_entries e ON e.regency = $1 AND e.snapshot_id = f.snapshot_id AND e.kk_index = f.kk_index
JOIN households o ON o.regency = $1 AND o.id = f.id AND o.ended_at IS NULL
GROUP BY f.snapshot_id, o.id, o.area
"""
_KEEP: Final = """
INSERT INTO registry_facts (regency, id, area, snapshot_id, source, release, as_of, outcome, desil)
SELECT s.regency, f.id, f.area, s.id, s.source, s.release, s.as_of, f.outcome, f.desil
FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::smallint[]) AS f (snapshot_id, id, area, outcome, desil)
JOIN registry_snapshots s ON s.regency = $1 AND s.id = f.snapshot_id
"""
#: who stands in a release and in a later one no more: $1 regency, $2 index keys that releases can be matched by, $3 owners or
#: null for all
_DROPPED: Final = """
INSERT INTO registry_facts (regency, id, area, snapshot_id, source, release, as_of, outcome, desil)
SELECT s.regency, k.id, coalesce(p.area, h.area), s.id, s.source, s.release, s.as_of, 'NOT_FOUND', NULL
FROM (
    SELECT f.id, min(f.as_of) AS as_of FROM registry_facts f
    WHERE f.regency = $1 AND f.outcome <> 'NOT_FOUND' AND ($3::uuid[] IS NULL OR f.id = ANY ($3::uuid[]))
    GROUP BY f.id
) k
JOIN registry_snapshots s ON s.regency = $1 AND s.as_of > k.as_of AND s.index_key = ANY ($2::text[])
LEFT JOIN persons p ON p.regency = $1 AND p.id = k.id AND p.ended_at IS NULL
LEFT JOIN households h ON h.regency = $1 AND h.id = k.id AND h.ended_at IS NULL
WHERE coalesce(p.area, h.area) IS NOT NULL
ON CONFLICT (regency, id, snapshot_id) DO NOTHING
"""


async def match(tx: Transaction, regency: int, of: Collection[UUID]) -> None:
    """Write anew what every release of `regency` tells of households and persons, and of who belongs to the households now.

    Called by what registers a family or changes its numbers, its people or its place, in the same transaction. Releases that
    were loaded under an index key that is gone cannot be matched any more: what they told stays as it is.
    """
    async with tx.effect(regency):
        keys = list(tx.keyring.index_key_ids)
        releases = await tx.rows(Snapshot, "regency = $1 AND index_key = ANY ($2::text[])", regency, keys)
        if not releases:
            return
        owners = [row["id"] for row in await tx.fetch(_OWNERS, regency, list(of))]
        await tx.execute(
            "DELETE FROM registry_facts WHERE regency = $1 AND id = ANY ($2::uuid[]) AND snapshot_id = ANY ($3::uuid[])",
            regency,
            owners,
            [release.id for release in releases],
        )
        numbers = await tx.rows(
            Identity, "regency = $1 AND owner_id = ANY ($2::uuid[]) AND valid_to IS NULL", regency, owners
        )
        await _write(tx, regency, None, ((release, number) for release in releases for number in numbers))
        await tx.execute(_DROPPED, regency, keys, owners)


async def match_release(tx: Transaction, release: Snapshot) -> None:
    """Write what a release that has just been loaded tells of the families and people of its regency."""
    async with tx.effect(release.regency):
        # Most numbers are of the release's own index key; those that have not rotated to it yet are brought to it here.
        others = await tx.rows(
            Identity, "regency = $1 AND index_key <> $2 AND valid_to IS NULL", release.regency, release.index_key
        )
        await _write(tx, release.regency, release, ((release, number) for number in others))
        await tx.execute(_DROPPED, release.regency, list(tx.keyring.index_key_ids), None)


async def _write(
    tx: Transaction, regency: int, whole: Snapshot | None, numbers: Iterable[tuple[Snapshot, Identity]]
) -> None:
    """Match `numbers` in their releases, and every number of the regency in `whole`, and keep what was found."""
    indexed = []
    for release, number in numbers:
        # A number that does not decrypt is an alarm in the log, and no reason to keep a regency from its release.
        with contextlib.suppress(errors.SlrtError):
            index = vault.index_under(tx.keyring, release.index_key, number)
            indexed.append((release.id, number.owner_id, number.type, index))
    found = await tx.fetch(
        _MATCHES,
        regency,
        whole.id if whole is not None else None,
        whole.index_key if whole is not None else None,
        *([row[column] for row in indexed] for column in range(4)),
    )
    outcomes = [rules.outcome(row["families"], repeated=row["repeated"]) for row in found]
    await tx.execute(
        _KEEP,
        regency,
        [row["snapshot_id"] for row in found],
        [row["id"] for row in found],
        [row["area"] for row in found],
        [outcome.value for outcome in outcomes],
        [rules.desil(outcome, row["desils"] or ()) for outcome, row in zip(outcomes, found, strict=True)],
    )
