"""Persons who may be one: which pairs come to the queue, who sees them, and by which keys they are found. Pure.

How alike two entries are is said by `matching`; here is what follows from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from slrt_api.households import matching
from slrt_api.households.matching import Entry, Population, Score
from slrt_api.households.names import Name

#: a key that more people share than this tells nothing: who belongs together shares a rarer one as well
LARGEST_BLOCK: Final = 150
#: pairs that one person brings to the queue at most, the likeliest first
MOST_PAIRS: Final = 20
#: what an area of each level leaves of a ten-digit number: village, district, regency
_LEVELS: Final = (1, 10_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Found:
    """What speaks for two persons being one, as it is stored.

    score        weight in hundredths of a bit
    probability  0 to 1, four digits
    reasons      by field: level, and weight in bits; no values
    """

    score: int
    probability: float
    reasons: list[dict[str, Any]]


def ordered(a: UUID, b: UUID) -> tuple[UUID, UUID]:
    """The two ids of a pair, the smaller first, so that a pair has one row."""
    return (a, b) if a < b else (b, a)


def common_area(a: int, b: int) -> int:
    """The smallest area that holds two villages of one regency, as a ten-digit number.

    Area scopes are ranges of these numbers and hold a district's or regency's number where they hold all of it: whoever sees
    the pair sees both persons.
    """
    return next(a - a % size for size in _LEVELS if a // size == b // size)


def population(persons: int, words: Mapping[str, int]) -> Population:
    """What the people of a regency are compared among.

    persons  how many are registered
    words    normalized word -> how many of them bear it
    Never fewer than the model was trained on: its weights of days and villages are of a regency of that size, and among the
    first few who are registered in a new one every two of a village would be one person.
    """
    return Population(max(persons, matching.shipped_model().persons), words)


def judged(a: Entry, b: Entry, population: Population) -> Found | None:
    """What speaks for a pair that somebody has to look at, else None.

    At or above the threshold of the model; and whoever claims one NIK with somebody else, however little else agrees.
    """
    score = matching.likely(a, b, population)
    if score is None and a.nik is not None and a.nik == b.nik:
        score = matching.score(a, b, population)
    return _stored(score) if score is not None else None


def _stored(score: Score) -> Found:
    reasons = [
        {"field": each.field.value, "level": each.level.value, "weight": round(each.weight, 2)}
        for each in score.reasons
    ]
    return Found(round(score.weight * 100), round(score.probability, 4), reasons)


def levels(reasons: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Field -> level. Weights drift with the people of a regency; only another level is news."""
    return {each["field"]: each["level"] for each in reasons}


def stored_keys(name: Name, village: int) -> frozenset[str]:
    """What is stored of a person to be found by: `=word` of every word, `~village sound` of every sound."""
    return frozenset({f"={word}" for word in name.words} | set(sound_keys(name, village)))


def sound_keys(name: Name, village: int) -> list[str]:
    """The keys under which others of the village with such a name stand."""
    return sorted({f"~{village} {sound}" for sound in name.sounds})


def words_of(keys: frozenset[str]) -> set[str]:
    """The words among stored keys."""
    return {key[1:] for key in keys if key.startswith("=")}


def birth_dates(born: date | None) -> list[date]:
    """The birth dates under which an entry of the same person may stand; none for an unknown one."""
    return list(matching.birth_dates(born)) if born is not None else []
