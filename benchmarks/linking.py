"""What training and evaluation share: entries to compare, pairs to look at, and Splink over the same levels.

Splink and DuckDB come from `requirements/benchmarks.txt`; what does not need them works without.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import Any

from benchmarks.people import Person, Regency
from slrt_api.households import likeness, matching, names
from slrt_api.households.matching import Compared, Entry, Level, Population

#: a block of more entries than this is left alone: who belongs together shares a rarer key as well
LARGEST_BLOCK = 150
#: what a run may take of a shared machine
DUCKDB: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": "6GB"}

Pair = tuple[int, int]


def entry(person: Person) -> Entry:
    return Entry(
        names.parse(person.name), person.sex, person.birth_date, person.village, person.nik, str(person.household)
    )


def population(entries: Iterable[Entry]) -> Population:
    """Counts of the words of all names, as a regency would count its own."""
    counts: Counter[str] = Counter()
    persons = 0
    for each in entries:
        persons += 1
        counts.update(set(each.name.words))
    return Population(persons, counts)


def candidates(entries: list[Entry]) -> tuple[Iterator[Pair], int]:
    """Pairs that share a key, each once, and how many blocks were too large."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(entries):
        for key in matching.block_keys(each):
            blocks[key].append(number)
    kept = [block for block in blocks.values() if 1 < len(block) <= LARGEST_BLOCK]
    return _pairs(kept), sum(len(block) > LARGEST_BLOCK for block in blocks.values())


def _pairs(blocks: list[list[int]]) -> Iterator[Pair]:
    seen: set[int] = set()
    for block in blocks:
        for left, right in combinations(block, 2):
            # One integer a pair keeps millions of them small.
            key = left << 32 | right
            if key not in seen:
                seen.add(key)
                yield left, right


def truth(regency: Regency) -> frozenset[Pair]:
    """The pairs that are one person, the smaller number first."""
    return frozenset((min(d.original, d.duplicate), max(d.original, d.duplicate)) for d in regency.duplicates)


def chance(regency: Regency) -> float:
    """Probability that two entries drawn at random are one person, as planted."""
    count = len(regency.people)
    return len(regency.duplicates) / (count * (count - 1) / 2)


# ---- Splink --------------------------------------------------------------------------------------------------------


def connected(regency: Regency) -> Any:
    """A DuckDB connection with the table `people` and our levels as functions in it."""
    import duckdb  # noqa: PLC0415  (only this and Splink need requirements/benchmarks.txt)
    import pyarrow  # noqa: PLC0415

    people = regency.people
    second = {duplicate.duplicate: duplicate.original for duplicate in regency.duplicates}
    connection = duckdb.connect(config=DUCKDB)
    connection.register(
        "given",
        pyarrow.table(
            {
                "unique_id": [person.number for person in people],
                "person": [second.get(person.number, person.number) for person in people],
                "name": [person.name.casefold() for person in people],
                "words": [" ".join(sorted(names.parse(person.name).words)) for person in people],
                "word_list": [sorted(set(names.parse(person.name).words)) for person in people],
                "sounds": [sorted(set(names.parse(person.name).sounds)) for person in people],
                "sex": [person.sex for person in people],
                "born": [person.birth_date.isoformat() for person in people],
                # both again for the comparison of NIK: Splink does not train what a blocking rule mentions
                "written": [person.birth_date.isoformat() for person in people],
                "place": [str(person.village) for person in people],
                "folded": [_folded(person.birth_date, 0) for person in people],
                "folded_next": [_folded(person.birth_date, 1) for person in people],
                "village": [str(person.village) for person in people],
                "district": [str(person.village)[:6] for person in people],
                "nik": [person.nik for person in people],
                "household": [str(person.household) for person in people],
            }
        ),
    )
    connection.execute("CREATE TABLE people AS SELECT * FROM given")
    connection.unregister("given")
    for name, function, count in (("name_level", _name, 2), ("born_level", _born, 2), ("nik_level", _nik, 6)):
        connection.create_function(name, function, ["VARCHAR"] * count, "VARCHAR")
    return connection


def _folded(born: date, years: int) -> str:
    low, high = sorted((born.month, born.day))
    return f"{born.year + years}{low:02}{high:02}"


_parse = lru_cache(maxsize=300_000)(names.parse)


@lru_cache(maxsize=1_000_000)
def _name(left: str, right: str) -> str:
    return matching.name_level(likeness.pair(_parse(left), _parse(right))).value


@lru_cache(maxsize=1_000_000)
def _born(left: str, right: str) -> str:
    return str(matching.birth_date_level(date.fromisoformat(left), date.fromisoformat(right)))


@lru_cache(maxsize=1_000_000)
def _nik(left: str, left_born: str, left_place: str, right: str, right_born: str, right_place: str) -> str:
    nobody = names.parse("")
    return str(
        matching.nik_level(
            Entry(nobody, nik=left, birth_date=date.fromisoformat(left_born), village=int(left_place)),
            Entry(nobody, nik=right, birth_date=date.fromisoformat(right_born), village=int(right_place)),
        )
    )


#: condition of Splink for a level of ours; the first level of a field is what remains
_CONDITIONS: Mapping[Compared, Callable[[Level], str]] = {
    Compared.NAME: lambda level: f"name_level(name_l, name_r) = '{level}'",
    Compared.BIRTH_DATE: lambda level: f"born_level(born_l, born_r) = '{level}'",
    Compared.SEX: lambda _: "sex_l <> sex_r",
    Compared.PLACE: lambda level: (
        "district_l = district_r AND village_l <> village_r" if level is Level.DISTRICT else "district_l <> district_r"
    ),
    Compared.NIK: lambda level: f"nik_level(nik_l, written_l, place_l, nik_r, written_r, place_r) = '{level}'",
    Compared.HOUSEHOLD: lambda _: "household_l <> household_r",
}
#: Shares that the synthetic regency cannot teach, because it plants no such pair; assumed, so that no weight is endless. Two
#: people do claim one NIK, one person does hold two, and anything may be written wrongly.
ASSUMED: Mapping[tuple[Compared, Level], Mapping[str, float]] = {
    (Compared.NIK, Level.EXACT): {"u": 1e-5},
    (Compared.NIK, Level.DIGIT): {"u": 1e-4},
    (Compared.NIK, Level.DIFFERENT): {"m": 0.01},
    (Compared.SEX, Level.DIFFERENT): {"m": 0.005},
    (Compared.BIRTH_DATE, Level.DIGIT): {"m": 0.01},
    (Compared.BIRTH_DATE, Level.DIFFERENT): {"m": 0.005},
}
_NULLS = {Compared.NIK: "nik_l IS NULL OR nik_r IS NULL"}


def our_comparison(field: Compared) -> dict[str, Any]:
    """The levels of a field of ours, as Splink wants them: the last first, because most pairs fall into it."""
    levels: list[dict[str, Any]] = []
    if field in _NULLS:
        levels.append({"sql_condition": _NULLS[field], "label_for_charts": "missing", "is_null_level": True})
    *named, last = reversed(matching.LEVELS[field])
    levels += [{"sql_condition": _CONDITIONS[field](level), "label_for_charts": level.value} for level in named]
    levels.append({"sql_condition": "ELSE", "label_for_charts": last.value})
    for level in levels:
        for share, value in ASSUMED.get((field, level["label_for_charts"]), {}).items():
            level |= {f"{share}_probability": value, f"fix_{share}_probability": True}
    return {"output_column_name": field.value, "comparison_levels": levels}


#: the pairs that Splink looks at: the same keys as ours
SAME_NIK = "l.nik = r.nik"
SAME_DAY = "l.born = r.born"
SAME_NAME_AND_VILLAGE = "l.words = r.words AND l.village = r.village"
_PREDICTION_RULES = (
    SAME_NIK,
    "l.folded = r.folded AND l.sex = r.sex",
    "l.folded_next = r.folded AND l.sex = r.sex",
    "l.folded = r.folded_next AND l.sex = r.sex",
    "l.household = r.household",
)


def prediction_rules() -> list[Any]:
    """Splink's rules for the pairs that `matching.block_keys` brings together."""
    from splink.blocking_rule_library import CustomRule  # noqa: PLC0415

    village = "l.village = r.village AND l.sounds = r.sounds"
    return [*map(CustomRule, _PREDICTION_RULES), CustomRule(village, arrays_to_explode=["sounds"])]


def rows(database: Any, table: str) -> list[tuple[int, int, float]]:
    """Numbers of both entries and the weight of every predicted pair."""
    found: list[tuple[int, int, float]] = database._con.execute(
        f"SELECT unique_id_l, unique_id_r, match_weight FROM {table}"
    ).fetchall()
    return found


def trained(linker: Any, *, pairs: float, seed: int) -> None:
    """Let Splink learn, see `benchmarks/train.py`."""
    learn = linker.training
    learn.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed)
    learn.estimate_m_from_label_column("person")
    learn.estimate_parameters_using_expectation_maximisation(
        SAME_DAY, fix_m_probabilities=True, fix_u_probabilities=False
    )


def trained_blind(linker: Any, *, pairs: float, seed: int) -> None:
    """Let Splink learn by the recipe of its documentation, without the truth."""
    learn = linker.training
    learn.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed)
    learn.estimate_parameters_using_expectation_maximisation(SAME_NIK)
    # Among pairs of one day it would take twins, who agree in nearly everything, for one person.
    learn.estimate_parameters_using_expectation_maximisation(SAME_NAME_AND_VILLAGE)
