"""Find people by name as officers do: fragments, spelling habits, a year of birth, a village; the likeliest first.

Keys find (`households/names`), likeness judges (`households/likeness`). The word with the fewest people is looked up, so that
`Siti Wulandari` costs what `Wulandari` costs; where every word is common, people must have all of them. Each
statement reads a limited range of one index, under the caller's row policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from slrt_api.households import names
from slrt_api.households.likeness import relevance
from slrt_api.households.names import Lookup, Name
from slrt_api.runtime.transaction import Transaction

#: people whose names are compared with the one that is searched
MAX_CANDIDATES: Final = 500
#: rows of a common word that are looked through for the others
MAX_LOOKED_THROUGH: Final = 20_000
#: bearers of a word up to whom each is asked for the other words; of more, the bearers of the other words are read once
FEW: Final = 1_000
#: bearers of another word that are read at most: what is hashed has to fit into PostgreSQL's memory for one hash (8 MB)
MOST_BEARERS: Final = 60_000
#: of people who have all the words that were asked, as many as make beginnings of words not worth their cost
ENOUGH: Final = 20
#: below this, a name has too little of what was asked for to be shown
LEAST_SCORE: Final = 0.6
#: what a year of birth takes from the score, for each year that it is off, and where it is unknown
_YEAR_OFF: Final = 0.03
_YEAR_UNKNOWN: Final = 0.1

#: $1 regency, $2 the candidates
_NAMES: Final = """
SELECT p.id, p.name, p.birth_date FROM persons p WHERE p.regency = $1 AND p.id = ANY ($2::uuid[]) AND p.ended_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched.

    years  first and last year of birth; people whose birth date is unknown are found too
    area   first and last area number
    """

    name: Name
    year: int | None = None
    margin: int = 0
    area: tuple[int, int] | None = None

    @property
    def years(self) -> tuple[int, int] | None:
        return None if self.year is None else (self.year - self.margin, self.year + self.margin)


@dataclass(frozen=True, slots=True)
class Found:
    """A person who answers, with how well: 0 to 1."""

    regency: int
    person_id: UUID
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was found in a regency, the best first, and whether there are candidates that were not looked at."""

    found: tuple[Found, ...]
    more: bool


class _Text:
    """A statement under way: its values stand behind `$n` from $2 on; $1 is the regency."""

    def __init__(self, regency: int, query: Query) -> None:
        self.values: list[Any] = [regency]
        self._narrow = ""
        if query.area is not None:
            self._narrow += (
                f" AND k.area BETWEEN {self.of(query.area[0], 'bigint')} AND {self.of(query.area[1], 'bigint')}"
            )
        if query.years is not None:
            first, last = (self.of(year, "smallint") for year in query.years)
            self._narrow += f" AND (k.birth_year BETWEEN {first} AND {last} OR k.birth_year IS NULL)"

    def of(self, value: Any, type_: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{type_}"

    def where(self, way: Lookup) -> str:
        """The rows of one way, narrowed."""
        return f"k.regency = $1 AND {self.key('k', way)}{self._narrow}"

    def key(self, alias: str, way: Lookup) -> str:
        low = self.of(way.low, "text")
        if way.high is None:
            return f"{alias}.key = {low}"
        return f"{alias}.key >= {low} AND {alias}.key < {self.of(way.high, 'text')}"

    def any_of(self, alias: str, ways: Sequence[Lookup]) -> str:
        return " OR ".join(f"({self.key(alias, way)})" for way in ways)


async def find(tx: Transaction, regency: int, query: Query) -> Answer:
    """The people of a regency whose names answer, as far as the actor may see them. At most `MAX_CANDIDATES` are compared."""
    candidates, more = await _candidates(tx, regency, query)
    rows = await tx.fetch(_NAMES, regency, candidates) if candidates else []
    found = [
        Found(regency, row["id"], row["name"], score)
        for row in rows
        if (score := score_of(query, row["name"], row["birth_date"])) >= LEAST_SCORE
    ]
    return Answer(tuple(sorted(found, key=rank)), more)


def rank(found: Found) -> tuple[float, str, UUID]:
    """Sorts the best first; equal ones by name, so that an answer does not change from one time to the next."""
    return -found.score, found.name, found.person_id


def score_of(query: Query, name: str, born: date | None) -> float:
    """How well a person answers, 0 to 1, to three digits: the likeness of the name, less what the year of birth is off."""
    score = relevance(query.name, names.parse(name))
    if query.year is not None:
        score *= 1 - (_YEAR_UNKNOWN if born is None else _YEAR_OFF * abs(born.year - query.year))
    return round(max(score, 0.0), 3)


async def _candidates(tx: Transaction, regency: int, query: Query) -> tuple[list[UUID], bool]:
    """Ids of who may answer, the surest ways first, and whether there are more than `MAX_CANDIDATES`."""
    words = names.lookups(query.name)
    counts = await _counts(tx, regency, query, words)
    # A word that nobody has is a slip, or a fragment that is too short: the others find, and it is judged with them.
    known = sorted((count, place) for place, count in enumerate(counts) if count)
    found: dict[UUID, None] = {}
    for way in names.joined_lookups(query.name):
        await _add(tx, regency, query, way, (), found)
    if not known:
        return list(found)[:MAX_CANDIDATES], len(found) > MAX_CANDIDATES
    rarest = known[0][1]
    # Where even the rarest word is common, the people who have all the common words are asked for.
    also = [words[place] for count, place in known[1:] if known[0][0] > MAX_CANDIDATES]
    cut = False
    many = known[0][0] > FEW
    ways = _dear(words[rarest]) if also else words[rarest]
    for way in ways:
        if len(found) > (ENOUGH if also else MAX_CANDIDATES):
            cut = True
            break
        cut = await _add(tx, regency, query, way, also, found, many=many) or cut
    return list(found)[:MAX_CANDIDATES], cut or len(found) > MAX_CANDIDATES


async def _counts(tx: Transaction, regency: int, query: Query, words: Sequence[Sequence[Lookup]]) -> list[int]:
    """How many rows each word leads to, counted no further than is needed: never by what the planner believes."""
    text = _Text(regency, query)
    asked = [
        f"SELECT {place} AS word, count(*) AS rows FROM (SELECT FROM person_name_keys k WHERE {text.where(way)}"
        f" LIMIT {FEW + 1}) w"
        for place, ways in enumerate(words)
        for way in _widest(ways)
    ]
    counts = [0] * len(words)
    for row in await tx.fetch(" UNION ALL ".join(asked), *text.values) if asked else ():
        counts[row["word"]] += row["rows"]
    return counts


def _dear(ways: Sequence[Lookup]) -> list[Lookup]:
    """The ways of a common word, without those that others hold: each looks through thousands of rows."""
    return [ways[1], *(way for way in ways if way.high is not None)]


def _widest(ways: Sequence[Lookup]) -> list[Lookup]:
    """The ways that hold all others: what begins with the word or its sound, else what has the sound."""
    ranges = [way for way in ways if way.high is not None]
    # Equal words have equal sounds, so that the sound alone finds both; it is the second way of every word.
    return ranges if any(way.low == ways[1].low for way in ranges) else [ways[1], *ranges]


async def _add(
    tx: Transaction,
    regency: int,
    query: Query,
    way: Lookup,
    also: Sequence[Sequence[Lookup]],
    found: dict[UUID, None],
    *,
    many: bool = False,
) -> bool:
    """Add the people that one way leads to, and who have the words of `also` too. Returns whether the way was cut off.

    many  so many that looking up each one's other words would cost more than reading all who bear them
    """
    text = _Text(regency, query)
    asked = f"SELECT k.regency, k.person_id FROM person_name_keys k WHERE {text.where(way)}"
    if also:
        second = "".join(_bearers(text, ways) if many else _has(text, ways) for ways in also)
        asked = f"SELECT k.regency, k.person_id FROM ({asked} LIMIT {MAX_LOOKED_THROUGH}) k WHERE true{second}"
    rows = await tx.fetch(f"{asked} LIMIT {MAX_CANDIDATES + 1}", *text.values)
    found.update(dict.fromkeys(row["person_id"] for row in rows))
    return len(rows) > MAX_CANDIDATES


def _has(text: _Text, ways: Sequence[Lookup]) -> str:
    """That a person has a word. OFFSET keeps this a question about one person at a time, whatever the planner believes."""
    return (
        " AND EXISTS (SELECT FROM person_name_keys o WHERE o.regency = k.regency AND o.person_id = k.person_id"
        f" AND ({text.any_of('o', _widest(ways))}) OFFSET 0)"
    )


def _bearers(text: _Text, ways: Sequence[Lookup]) -> str:
    """That a person is one of those who have a word. IS TRUE keeps this a hash that is made once, and no join."""
    each = " UNION ALL ".join(
        f"(SELECT o.person_id FROM person_name_keys o WHERE o.regency = $1 AND {text.key('o', way)} LIMIT {MOST_BEARERS})"
        for way in _widest(ways)
    )
    return f" AND (k.person_id IN ({each})) IS TRUE"
