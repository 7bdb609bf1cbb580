"""Look for who may be entered twice. Done by the worker for everybody who was written, and for a whole regency in a run.

Who is to be looked at is a state of the person's row (`duplicates_checked` is another version than the row's), so that no
write has to tell, and none is lost. Everything here runs inside `tx.effect` of the regency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from slrt_api.households import duplicates, names
from slrt_api.households.codes import DuplicateStatus, Finding, IdentityType
from slrt_api.households.duplicates import Found
from slrt_api.households.matching import Compared, Entry, Level, Population
from slrt_api.households.models import Duplicate, Identity, Person
from slrt_api.households.service import vault
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.transaction import Transaction

#: namespace of the lock that lets one look at a time happen in a regency
_LOCK: Final = 1_347_571_781
#: what of a person is compared
_SHOWN: Final = """SELECT p.id, p.area, p.name, p.sex, p.birth_date, m.household_id,
    n.id AS nik_id, n.ciphertext AS nik_ciphertext, n.findings AS nik_findings"""
_BESIDE: Final = """
LEFT JOIN memberships m ON m.regency = p.regency AND m.id = p.id AND m.valid_to IS NULL
LEFT JOIN LATERAL (
    SELECT i.id, i.ciphertext, i.findings FROM identities i WHERE i.regency = p.regency AND i.owner_id = p.id AND i.type = 'NIK'
    AND i.valid_to IS NULL ORDER BY i.id DESC LIMIT 1
) n ON true
"""
_ONE: Final = f"{_SHOWN} FROM persons p {_BESIDE} WHERE p.regency = $1 AND p.id = $2"
#: $1 regency, $2 the person, $3 birth dates, $4 sex, $5 indexes of the NIK, $6 household, $7 keys, $8 most by one of
#: them, $9 known pairs
_NEAR: Final = f"""
WITH near AS (
    SELECT unnest(b.ids) AS id FROM unnest($3::date[]) AS d (born) CROSS JOIN LATERAL (
        SELECT array_agg(f.id) AS ids FROM (
            SELECT p.id FROM persons p WHERE p.regency = $1 AND p.birth_date = d.born AND p.sex = $4 LIMIT $8::int + 1
        ) f
    ) b WHERE cardinality(b.ids) <= $8::int
    UNION SELECT unnest(b.ids) FROM unnest($7::text[]) AS k (key) CROSS JOIN LATERAL (
        SELECT array_agg(f.id) AS ids FROM (
            SELECT n.id FROM duplicate_keys n WHERE n.regency = $1 AND n.key = k.key LIMIT $8::int + 1
        ) f
    ) b WHERE cardinality(b.ids) <= $8::int
    UNION SELECT i.owner_id FROM identities i WHERE i.regency = $1 AND i.blind_index = ANY ($5::bytea[])
        AND i.type = 'NIK' AND i.valid_to IS NULL
    UNION SELECT m.id FROM memberships m WHERE m.regency = $1 AND m.household_id = $6 AND m.valid_to IS NULL
    UNION SELECT unnest($9::uuid[])
)
{_SHOWN} FROM near JOIN persons p ON p.regency = $1 AND p.id = near.id {_BESIDE}
WHERE p.ended_at IS NULL AND p.id <> $2 ORDER BY p.id
"""
#: $2 whom the person goes on for, $3 who is different from the person
_TOLD_APART: Final = """
SELECT d.second_id AS id FROM duplicates d WHERE d.regency = $1 AND d.first_id = ANY ($2::uuid[]) AND d.status = 'DIFFERENT'
UNION SELECT d.first_id FROM duplicates d
    WHERE d.regency = $1 AND d.second_id = ANY ($2::uuid[]) AND d.status = 'DIFFERENT'
UNION SELECT p.successor_id FROM persons p
    WHERE p.regency = $1 AND p.id = ANY ($3::uuid[]) AND p.ended_as = 'MERGED'
"""
_LOOKED: Final = "UPDATE persons SET duplicates_checked = $3 WHERE regency = $1 AND id = $2"
_LOOK_AGAIN: Final = "UPDATE persons SET duplicates_checked = NULL WHERE regency = $1 AND id = ANY ($2::uuid[])"
_COUNT_WORDS: Final = """
INSERT INTO duplicate_words (regency, word, persons) SELECT $1, w, $3 FROM unnest($2::text[]) AS w ORDER BY w
ON CONFLICT (regency, word) DO UPDATE SET persons = duplicate_words.persons + $3
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What is read of somebody's NIK."""

    regency: int
    id: UUID
    ciphertext: bytes
    findings: list[str]
    type: str = IdentityType.NIK.value


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be the person who is looked at."""

    id: UUID
    area: int
    entry: Entry
    nik: Held | None


async def look(tx: Transaction, regency: int, person_id: UUID) -> int:
    """Look for who may be this person, and bring what was found to the queue. Returns how many pairs came to it.

    A pair about which somebody has decided stays as it was decided. What holds no more leaves the queue as `WITHDRAWN`.
    """
    # Two looks at a time could each miss the other's person: neither sees the keys that the other has not committed.
    await tx.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK, regency)
    person = (await tx.rows(Person, "regency = $1 AND id = $2", regency, person_id))[0]
    running = person.ended_at is None
    name = names.parse(person.name)
    await _keep_keys(tx, person, duplicates.stored_keys(name, person.area) if running else frozenset())
    pairs = {
        (row.second_id if row.first_id == person.id else row.first_id): row
        for row in await tx.rows(
            Duplicate,
            "regency = $1 AND (first_id = $2 OR second_id = $2) ORDER BY id FOR NO KEY UPDATE",
            regency,
            person.id,
        )
    }
    mine, others = await _candidates(tx, person, name, pairs)
    found: dict[UUID, tuple[int, Found]] = {}
    if running:
        population = await _population(tx, regency, [mine.entry, *(each.entry for each in others)])
        for other in others:
            judged = duplicates.judged(mine.entry, other.entry, population)
            if judged is not None:
                found[other.id] = duplicates.common_area(person.area, other.area), judged
    known = {id_: judged for id_, judged in found.items() if id_ in pairs}
    came, parted = 0, []
    for other_id, row in pairs.items():
        again, alone = await _again(tx, row, known.get(other_id))
        came += again
        parted += [other_id] if alone else []
    told_apart = await _told_apart(tx, person, pairs) if found.keys() - pairs.keys() else set()
    new = {id_: judged for id_, judged in found.items() if id_ not in pairs and id_ not in told_apart}
    came += await _bring(tx, person, new)
    version = await _findings(tx, person, mine, others)
    await tx.execute(_LOOKED, regency, person.id, version)
    # Whoever shared the NIK with this person until now may still share it with somebody else.
    if parted:
        await tx.execute(_LOOK_AGAIN, regency, parted)
    return came


async def candidate(tx: Transaction, regency: int, person_id: UUID) -> Candidate:
    """A person as it is compared."""
    [found] = _read(tx, regency, await tx.fetch(_ONE, regency, person_id))
    return found


async def _keep_keys(tx: Transaction, person: Person, keys: frozenset[str]) -> None:
    """Store what the person is found by now, and count the words of the name."""
    rows = await tx.fetch("SELECT key FROM duplicate_keys WHERE regency = $1 AND id = $2", person.regency, person.id)
    before = frozenset(row["key"] for row in rows)
    if before == keys:
        return
    gone, new = before - keys, keys - before
    if gone:
        await tx.execute(
            "DELETE FROM duplicate_keys WHERE regency = $1 AND id = $2 AND key = ANY ($3::text[])",
            person.regency,
            person.id,
            list(gone),
        )
    if new:
        await tx.execute(
            "INSERT INTO duplicate_keys (regency, key, id) SELECT $1, k, $2 FROM unnest($3::text[]) AS k",
            person.regency,
            person.id,
            list(new),
        )
    # The empty word counts the people.
    fewer = duplicates.words_of(gone) | ({""} if before and not keys else set())
    more = duplicates.words_of(new) | ({""} if keys and not before else set())
    for words, count in ((fewer, -1), (more, 1)):
        if words:
            await tx.execute(_COUNT_WORDS, person.regency, list(words), count)


async def _candidates(
    tx: Transaction, person: Person, name: names.Name, pairs: Iterable[UUID]
) -> tuple[Candidate, list[Candidate]]:
    """The person, and everybody who shares a key with it or is a pair with it already."""
    mine = await candidate(tx, person.regency, person.id)
    nik = mine.entry.nik
    near = await tx.fetch(
        _NEAR,
        person.regency,
        person.id,
        duplicates.birth_dates(person.birth_date),
        person.sex,
        tx.keyring.blind_indexes(IdentityType.NIK.value, nik) if nik is not None else [],
        UUID(mine.entry.household) if mine.entry.household is not None else None,
        duplicates.sound_keys(name, person.area),
        duplicates.LARGEST_BLOCK,
        list(pairs),
    )
    return mine, _read(tx, person.regency, near)


def _read(tx: Transaction, regency: int, rows: Iterable[Record]) -> list[Candidate]:
    """Entries of people, with their NIK in clear for the comparison: they are kept nowhere."""
    found = []
    for row in rows:
        # Rows of the model cost more than all else here: the columns that are needed are taken as they come.
        nik = Held(regency, row["nik_id"], row["nik_ciphertext"], row["nik_findings"]) if row["nik_id"] else None
        entry = Entry(
            name=names.parse(row["name"]),
            sex=row["sex"],
            birth_date=row["birth_date"],
            village=row["area"],
            nik=vault.number_of(tx.keyring, nik) if nik is not None else None,
            household=str(row["household_id"]) if row["household_id"] is not None else None,
        )
        found.append(Candidate(row["id"], row["area"], entry, nik))
    return found


async def _population(tx: Transaction, regency: int, entries: Iterable[Entry]) -> Population:
    words = {word for entry in entries for word in entry.name.words}
    rows = await tx.fetch(
        "SELECT word, persons FROM duplicate_words WHERE regency = $1 AND word = ANY ($2::text[])",
        regency,
        ["", *words],
    )
    counts = {row["word"]: row["persons"] for row in rows}
    return duplicates.population(counts.pop("", 0), counts)


async def _again(tx: Transaction, row: Duplicate, now: tuple[int, Found] | None) -> tuple[int, bool]:
    """Let a pair that is known say what is known now; what was decided of it stays.

    now  where it is seen and what speaks for it; None where nothing does any more
    Returns how many pairs came to the queue by it, and whether the two shared a NIK until now.
    """
    status = DuplicateStatus(row.status)
    if status is DuplicateStatus.SAME:
        return 0, False
    before = duplicates.levels(row.reasons)
    if now is None:
        rest = [each for each in row.reasons if each["field"] != Compared.NIK]
        parted = before.get(Compared.NIK) == Level.EXACT
        if status in {DuplicateStatus.OPEN, DuplicateStatus.LATER}:
            await tx.change(row, "withdrawn", status=DuplicateStatus.WITHDRAWN.value, reasons=rest)
        elif parted:
            await tx.change(row, "judged_again", reasons=rest)
        return 0, parted
    area, judged = now
    after = duplicates.levels(judged.reasons)
    parted = before.get(Compared.NIK) == Level.EXACT != after.get(Compared.NIK)
    values: dict[str, Any] = {
        "score": judged.score,
        "probability": judged.probability,
        "reasons": judged.reasons,
        "area": area,
    }
    if status is DuplicateStatus.WITHDRAWN:
        await tx.change(row, "found", status=DuplicateStatus.OPEN.value, **values)
        return 1, parted
    if area != row.area or after != before:
        await tx.change(row, "judged_again", **values)
    return 0, parted


async def _told_apart(tx: Transaction, person: Person, pairs: Mapping[UUID, Duplicate]) -> set[UUID]:
    """Who is somebody else because of what was decided before a merge: of whom the person goes on for, or who goes on for
    them."""
    rows = await tx.fetch(
        _TOLD_APART,
        person.regency,
        [id_ for id_, row in pairs.items() if row.survivor_id == person.id and row.status == DuplicateStatus.SAME],
        [id_ for id_, row in pairs.items() if row.status == DuplicateStatus.DIFFERENT],
    )
    return {row["id"] for row in rows}


async def _bring(tx: Transaction, person: Person, found: Mapping[UUID, tuple[int, Found]]) -> int:
    """Bring new pairs to the queue, the likeliest. Returns how many."""
    likeliest = sorted(found.items(), key=lambda each: (-each[1][1].score, each[0]))[: duplicates.MOST_PAIRS]
    for other_id, (area, judged) in likeliest:
        first, second = duplicates.ordered(person.id, other_id)
        row = Duplicate(
            regency=person.regency,
            id=new_id(Kind.DUPLICATE, person.regency, tx.now),
            area=area,
            created_at=tx.now,
            updated_at=tx.now,
            first_id=first,
            second_id=second,
            status=DuplicateStatus.OPEN.value,
            score=judged.score,
            probability=judged.probability,
            reasons=judged.reasons,
        )
        await tx.create(row, "found")
    return len(likeliest)


async def _findings(tx: Transaction, person: Person, mine: Candidate, others: list[Candidate]) -> int:
    """Say of the NIK whether others claim it too. Returns the version of the person afterwards."""
    if person.ended_at is not None or mine.nik is None:
        return person.version
    sharing = [each for each in others if each.entry.nik == mine.entry.nik]
    version = person.version
    for each in sorted([mine, *sharing], key=lambda one: one.id):
        if each.nik is None:
            continue
        findings = [code for code in each.nik.findings if code != Finding.NIK_DUPLICATE]
        findings += [Finding.NIK_DUPLICATE.value] if sharing else []
        if set(findings) == set(each.nik.findings):
            continue
        holder = await tx.lock(Person, each.id)
        number = await tx.update(await tx.get(Identity, each.nik.id), findings=findings)
        changed = await tx.change(holder, "nik_compared", parts={"identities": [number]})
        # Where the row has moved on since it was read, it is looked at again.
        if each is mine and holder.version == person.version:
            version = changed.version
    return version
