"""Find the planted duplicates of a synthetic regency: our scores against Splink's on the same entries, in the same run.

    python -m benchmarks.duplicates [--persons 200000] [--seeds 11,12,13] [--without-splink]

Prints a table for each seed, writes `docs/duplicates.svg` (recall and precision at every threshold, of the first seed) and exits
with 1 when the goal is missed on any.
Needs `requirements/benchmarks.txt` for Splink. Splink is given every advantage that it can take: it is trained on the very
regency that is judged, knows the planted truth for `m`, gets names that are normalized already, and its threshold is the one
that turns out best. Ours are the shipped weights, trained on another seed, at the shipped threshold.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import linking, people
from benchmarks.picture import Curve, drawn
from slrt_api.households import matching
from slrt_api.households.matching import Compared

PICTURE = Path(__file__).parents[1] / "docs/duplicates.svg"
GOAL = 0.95
#: none of them was looked at while rules and weights were made; 20261 is what the weights are trained on
SEEDS = (11, 12, 13)
#: pairs below this many bits are not kept for the curve
_LEAST_BITS = -6.0
_TIMED = 2_000
#: random pairs for u: what Splink's own functions compare costs little, what ours do costs a Python call a pair
_RANDOM_PAIRS, _OUR_RANDOM_PAIRS = 3e6, 5e5

Scored = list[tuple[float, linking.Pair]]


@dataclass(frozen=True, slots=True)
class Found:
    """What one model found. `points` are (weight, recall, precision) at falling weights; `chosen` is one of them."""

    name: str
    points: Sequence[tuple[float, float, float]]
    chosen: tuple[float, float, float]
    above: frozenset[linking.Pair]
    seconds: float

    @property
    def best(self) -> tuple[float, float, float]:
        return max(self.points, key=lambda point: _f1(*point[1:]))


def _f1(recall: float, precision: float) -> float:
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def judged(name: str, scored: Scored, same: frozenset[linking.Pair], threshold: float | None, seconds: float) -> Found:
    """The curve of scored pairs; at `threshold`, or where F1 is highest. Pairs that were never scored count as missed."""
    scored.sort(key=lambda each: -each[0])
    points, right = list[tuple[float, float, float]](), 0
    for rank, (weight, found) in enumerate(scored, 1):
        right += found in same
        if rank == len(scored) or scored[rank][0] < weight:
            points.append((weight, right / len(same), right / rank))
    if threshold is None:
        chosen = max(points, key=lambda point: _f1(*point[1:]))
    else:
        chosen = min((point for point in points if point[0] >= threshold), key=lambda point: point[0])
    return Found(name, points, chosen, frozenset(pair for weight, pair in scored if weight >= chosen[0]), seconds)


# ---- ours ----------------------------------------------------------------------------------------------------------


def ours(regency: people.Regency, same: frozenset[linking.Pair]) -> tuple[Found, str]:
    """The shipped model over all pairs that share a key, and what it cost."""
    started = time.monotonic()
    entries = [linking.entry(person) for person in regency.people]
    population = linking.population(entries)
    pairs, large = linking.candidates(entries)
    model, scored, compared = matching.shipped_model(), Scored(), 0
    reached = 0
    for left, right in pairs:
        compared += 1
        reached += (left, right) in same
        found = matching.likely(entries[left], entries[right], population, model, _LEAST_BITS)
        if found is not None:
            scored.append((found.weight, (left, right)))
    seconds = time.monotonic() - started
    told = (
        f"{compared} pairs share a key ({compared / len(entries):.1f} an entry), {large} blocks left alone; "
        f"{reached / len(same):.2%} of the planted pairs among them; {_write_cost(entries, population)}"
    )
    return judged("slrt-api", scored, same, model.threshold, seconds), told


def _write_cost(entries: list[matching.Entry], population: matching.Population) -> str:
    """Milliseconds to score all candidates of one entry, without the database."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(entries):
        for key in matching.block_keys(each):
            blocks[key].append(number)
    costs, counts = list[float](), list[int]()
    for number in range(0, len(entries), max(1, len(entries) // _TIMED)):
        others = {other for key in matching.block_keys(entries[number]) for other in blocks[key]} - {number}
        started = time.perf_counter()
        for other in others:
            matching.likely(entries[number], entries[other], population)
        costs.append((time.perf_counter() - started) * 1000)
        counts.append(len(others))
    costs.sort()
    counts.sort()
    at = int(len(costs) * 0.95)
    return f"scoring one entry's candidates: p95 {costs[at]:.1f} ms, {counts[at]} candidates"


# ---- Splink --------------------------------------------------------------------------------------------------------


def splinks(regency: people.Regency, same: frozenset[linking.Pair], seed: int) -> list[Found]:
    """Splink as a careful user builds it, the same with the truth for `m`, and Splink over our levels."""
    return [
        _splink("Splink, its comparisons, EM", regency, same, seed, comparisons=_library(), labels=False),
        _splink("Splink, its comparisons, truth for m", regency, same, seed, comparisons=_library(), labels=True),
        _splink(
            "Splink, our levels, truth for m",
            regency,
            same,
            seed,
            comparisons=[
                *(linking.our_comparison(field) for field in matching.Compared if field is not Compared.HOUSEHOLD),
                _HOUSEHOLD,
            ],
            labels=True,
            pairs=_OUR_RANDOM_PAIRS,
        ),
    ]


_YEAR = "(left(born_l, 4)::int - left(born_r, 4)::int)"
_STRAIGHT = "right(born_l, 5) = right(born_r, 5)"
_CROSSED = "(substr(born_l, 6, 2) = substr(born_r, 9, 2) AND substr(born_l, 9, 2) = substr(born_r, 6, 2))"


#: Twins agree in both, and so does who was entered twice: a level of its own lets Splink weigh that once and not twice.
_HOUSEHOLD = {
    "output_column_name": "household",
    "comparison_levels": [
        {"sql_condition": "household_l = household_r AND written_l = written_r", "label_for_charts": "siblings"},
        {"sql_condition": "household_l = household_r", "label_for_charts": "exact"},
        {"sql_condition": "ELSE", "label_for_charts": "else"},
    ],
}


def _library() -> list[Any]:
    """Comparisons of Splink's library, over normalized words in order of the alphabet."""
    import splink.comparison_library as cl  # noqa: PLC0415  (only training and evaluation need requirements/benchmarks.txt)

    return [
        cl.CustomComparison(
            output_column_name="words",
            comparison_levels=[
                {
                    "sql_condition": "len(words_l) = 0 OR len(words_r) = 0",
                    "label_for_charts": "none",
                    "is_null_level": True,
                },
                {
                    "sql_condition": "words_l = words_r",
                    "label_for_charts": "exact",
                    "tf_adjustment_column": "words",
                    "tf_adjustment_weight": 1.0,
                },
                {"sql_condition": "jaro_winkler_similarity(words_l, words_r) >= 0.95", "label_for_charts": "0.95"},
                {"sql_condition": "jaro_winkler_similarity(words_l, words_r) >= 0.9", "label_for_charts": "0.9"},
                {
                    "sql_condition": "len(list_intersect(word_list_l, word_list_r)) >= 2",
                    "label_for_charts": "two words",
                },
                {"sql_condition": "jaro_winkler_similarity(words_l, words_r) >= 0.8", "label_for_charts": "0.8"},
                {"sql_condition": "len(list_intersect(word_list_l, word_list_r)) >= 1", "label_for_charts": "a word"},
                {"sql_condition": "ELSE", "label_for_charts": "else"},
            ],
        ),
        cl.CustomComparison(
            output_column_name="born",
            comparison_levels=[
                {"sql_condition": "born_l = born_r", "label_for_charts": "exact"},
                {"sql_condition": f"{_YEAR} = 0 AND {_CROSSED}", "label_for_charts": "swapped"},
                {"sql_condition": f"abs({_YEAR}) = 1 AND ({_STRAIGHT} OR {_CROSSED})", "label_for_charts": "year"},
                {"sql_condition": "levenshtein(born_l, born_r) <= 1", "label_for_charts": "digit"},
                {
                    "sql_condition": "ELSE",
                    "label_for_charts": "else",
                    "m_probability": 0.005,
                    "fix_m_probability": True,
                },
            ],
        ),
        cl.ExactMatch("sex"),
        cl.ExactMatch("village").configure(term_frequency_adjustments=True),
        cl.CustomComparison(
            output_column_name="nik",
            comparison_levels=[
                {"sql_condition": "nik_l IS NULL OR nik_r IS NULL", "label_for_charts": "none", "is_null_level": True},
                {"sql_condition": "nik_l = nik_r", "label_for_charts": "exact"},
                # Twins, and others born on one day in one district.
                {"sql_condition": "left(nik_l, 12) = left(nik_r, 12)", "label_for_charts": "another serial"},
                {"sql_condition": "damerau_levenshtein(nik_l, nik_r) <= 1", "label_for_charts": "digit"},
                {"sql_condition": "ELSE", "label_for_charts": "else"},
            ],
        ),
        _HOUSEHOLD,
    ]


def _splink(
    name: str,
    regency: people.Regency,
    same: frozenset[linking.Pair],
    seed: int,
    *,
    comparisons: list[Any],
    labels: bool,
    pairs: float = _RANDOM_PAIRS,
) -> Found:
    import splink  # noqa: PLC0415  (only training and evaluation need requirements/benchmarks.txt)

    started = time.monotonic()
    database = splink.DuckDBAPI(linking.connected(regency))
    linker = splink.Linker(
        database.register("people"),
        splink.SettingsCreator(
            link_type="dedupe_only",
            probability_two_random_records_match=linking.chance(regency),
            comparisons=comparisons,
            blocking_rules_to_generate_predictions=linking.prediction_rules(),
            retain_matching_columns=False,
        ),
        log_level="ERROR",
    )
    if labels:
        linking.trained(linker, pairs=pairs, seed=seed)
    else:
        linking.trained_blind(linker, pairs=pairs, seed=seed)
    predicted = linker.inference.predict(threshold_match_weight=_LEAST_BITS)
    rows = linking.rows(database, predicted.physical_name)
    scored = [(weight, (min(left, right), max(left, right))) for left, right, weight in rows]
    return judged(name, scored, same, None, time.monotonic() - started)


# ---- what is told --------------------------------------------------------------------------------------------------


def table(found: list[Found], regency: people.Regency) -> str:
    """The results for a person. Twins and neighbors: pairs of them at or above the threshold, which is wrong."""
    twins, neighbors = ({(min(pair), max(pair)) for pair in pairs} for pairs in (regency.twins, regency.neighbors))
    lines = [
        f"{'':38}{'bits':>7}{'recall':>9}{'precision':>11}{'F1':>8}{'best F1':>9}{'twins':>7}{'neighbors':>11}{'s':>6}"
    ]
    for each in found:
        weight, recall, precision = each.chosen
        lines.append(
            f"{each.name:38}{weight:>7.2f}{recall:>9.4f}{precision:>11.4f}{_f1(recall, precision):>8.4f}"
            f"{_f1(*each.best[1:]):>9.4f}{len(each.above & twins):>7}{len(each.above & neighbors):>11}{each.seconds:>6.0f}"
        )
    return "\n".join(lines)


def failures(found: list[Found]) -> list[str]:
    """What makes the run fail: the goal missed, a higher F1 of Splink's, or a best point of its that our curve does not reach."""
    us, others = found[0], found[1:]
    _, recall, precision = us.chosen
    missed = [
        f"{name} {value:.4f} < {GOAL}" for name, value in (("recall", recall), ("precision", precision)) if value < GOAL
    ]
    for other in others:
        _, its_recall, its_precision = other.chosen
        reached = any(r >= its_recall and p >= its_precision for _, r, p in us.points)
        if not reached or _f1(its_recall, its_precision) > _f1(recall, precision):
            missed.append(
                f"{other.name}: {its_recall:.4f} and {its_precision:.4f}, ours {recall:.4f} and {precision:.4f}"
            )
    return missed


def run(persons: int, seed: int, *, splink: bool) -> tuple[list[Found], list[str]]:
    """One regency: what was found, ours first, and what is wrong with it."""
    regency = people.generate(persons, seed)
    print(f"seed {seed}: {people.summary(regency)}", flush=True)
    same = linking.truth(regency)
    us, told = ours(regency, same)
    # Splink takes its time: ours is told first.
    print(told, table([us], regency), sep="\n", flush=True)
    found = [us, *(splinks(regency, same, seed) if splink else [])]
    print(table(found, regency), flush=True)
    return found, [f"seed {seed}: {each}" for each in failures(found)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates")
    parser.add_argument("--persons", type=int, default=people.PERSONS)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="of the regencies, parted by commas")
    parser.add_argument("--without-splink", action="store_true")
    arguments = parser.parse_args()
    seeds = [int(each) for each in arguments.seeds.split(",")]
    missed: list[str] = []
    for seed in seeds:
        found, wrong = run(arguments.persons, seed, splink=not arguments.without_splink)
        missed += wrong
        if seed == seeds[0] and not arguments.without_splink:
            title = f"Duplicates in a synthetic regency of {arguments.persons:,} persons, seed {seed}"
            curves = [Curve(each.name, [point[1:] for point in each.points], each.chosen[1:]) for each in found]
            PICTURE.write_text(drawn(title, curves, GOAL))
    if missed:
        print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
