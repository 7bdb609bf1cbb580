"""Train the weights of `slrt_api/households/data/matching.json` by Splink, on a synthetic regency of its own seed.

    python -m benchmarks.train [--persons 200000] [--seed 20261] [--pairs 3000000]

Needs `requirements/benchmarks.txt`, which the platform itself never does. Splink estimates

- `m` of all fields from the planted pairs, whose truth is known;
- `u` of the birth date from random pairs;
- `u` of all other fields by expectation maximization over the pairs born on one day, see `matching`;

`SERIAL` of NIK depends on the place as no other levels of two fields do, so that its shares are counted among entries of one
district. Twins in one household are too few for Splink: `u` of their names, sex and NIK is counted, and half a pair is added to
each count so that no weight is endless.

The chance that two entries are one person is that of the plan, and a few shares that it does not plant are assumed
(`linking.ASSUMED`). What rarity of a name's words adds, and the threshold, are fitted afterwards to the planted truth of the
same regency; then levels of a field that come out in the wrong order are pooled. The evaluation (`benchmarks/duplicates.py`)
uses another seed.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from itertools import combinations
from math import exp, log, log2
from pathlib import Path
from typing import Any

from benchmarks import linking, people
from slrt_api.households import likeness, matching
from slrt_api.households.matching import LEVELS, Compared, Entry, Level

MODEL = Path(__file__).parents[1] / "src/slrt_api/households/data/matching.json"
#: a share that was never seen is taken for this
_LEAST = 1e-6
_BIT = log(2)

Weights = dict[Compared, dict[Level, dict[str, float]]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--persons", type=int, default=people.PERSONS)
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--pairs", type=float, default=3e6, help="random pairs for u of the birth date")
    arguments = parser.parse_args()
    started = time.monotonic()
    regency = people.generate(arguments.persons, arguments.seed)
    print(people.summary(regency), flush=True)
    settings, version = learned(regency, arguments.pairs, arguments.seed)
    weights = _weights(settings)
    weights[Compared.NIK][Level.SERIAL] |= serials(regency)
    of_siblings, share = siblings(regency, weights)
    document: dict[str, Any] = {
        "note": "Fellegi-Sunter weights for entries of persons; see benchmarks/train.py for how they came about",
        "trained": {
            "by": f"Splink {version}, then benchmarks/train.py",
            "on": f"synthetic regency of {arguments.persons} persons, seed {arguments.seed}: no real person",
            "confidence": "unverified: no weight has met real data yet",
        },
        "persons": arguments.persons,
        "chance": settings["probability_two_random_records_match"],
        "threshold": 0.0,
        "prior_of_siblings": log2(share / (1 - share)),
        "fields": _document(ordered(weights)),
        "siblings": _document(ordered(of_siblings)),
    }
    document = fitted(regency, document)
    MODEL.write_text(json.dumps(_rounded(document), indent=1) + "\n")
    print(table(document))
    print(f"{time.monotonic() - started:.0f} s; {MODEL.name} written")


# ---- Splink --------------------------------------------------------------------------------------------------------


def learned(regency: people.Regency, pairs: float, seed: int) -> tuple[dict[str, Any], str]:
    """The settings that Splink learned, and its version."""
    import splink  # noqa: PLC0415  (only training and evaluation need requirements/benchmarks.txt)

    started = time.monotonic()
    database = splink.DuckDBAPI(linking.connected(regency))
    linker = splink.Linker(
        database.register("people"),
        {
            "link_type": "dedupe_only",
            "probability_two_random_records_match": linking.chance(regency),
            "comparisons": [linking.our_comparison(field) for field in Compared],
            "blocking_rules_to_generate_predictions": linking.prediction_rules(),
        },
        log_level="ERROR",
    )
    linking.trained(linker, pairs=pairs, seed=seed)
    print(f"{time.monotonic() - started:.0f} s of Splink", flush=True)
    return linker.misc.save_model_to_json(), splink.__version__


def serials(regency: people.Regency) -> dict[str, float]:
    """`m` and `u` of serials of one district and day, among pairs of entries of one district born on one day."""
    near: dict[tuple[object, int], list[tuple[int, Entry]]] = defaultdict(list)
    second = {duplicate.duplicate: duplicate.original for duplicate in regency.duplicates}
    for person in regency.people:
        if person.nik is not None:
            owner = second.get(person.number, person.number)
            near[person.birth_date, person.village // 10_000].append((owner, linking.entry(person)))
    counts: Counter[tuple[bool, bool]] = Counter()
    for block in near.values():
        for (one, a), (other, b) in combinations(block, 2):
            counts[one == other, matching.nik_level(a, b) is Level.SERIAL] += 1
    m, u = ((counts[same, True] + 0.5) / (counts[same, True] + counts[same, False] + 1) for same in (True, False))
    return {"m": m, "u": u}


def siblings(regency: people.Regency, weights: Weights) -> tuple[Weights, float]:
    """Weights between members of one household born on one day, and the share of one person among such pairs."""
    homes: dict[tuple[str | None, object], list[Entry]] = defaultdict(list)
    second = {duplicate.duplicate: duplicate.original for duplicate in regency.duplicates}
    people_of: dict[int, int] = {}
    for person in regency.people:
        each = linking.entry(person)
        homes[each.household, each.birth_date].append(each)
        people_of[id(each)] = second.get(person.number, person.number)
    counts: dict[Compared, Counter[Level]] = {field: Counter() for field in matching.OF_SIBLINGS}
    one, two = 0, 0
    for home in homes.values():
        for a, b in combinations(home, 2):
            if people_of[id(a)] == people_of[id(b)]:
                one += 1
                continue
            two += 1
            counts[Compared.NAME][matching.name_level(likeness.pair(a.name, b.name))] += 1
            for field, level in matching.plain_levels(a, b):
                if field in counts and level is not None:
                    counts[field][level] += 1
    found: Weights = {}
    for field, seen in counts.items():
        total = seen.total() + 0.5 * len(LEVELS[field])
        found[field] = {
            level: {"m": weights[field][level]["m"], "u": (seen[level] + 0.5) / total} for level in LEVELS[field]
        }
    return found, one / (one + two)


def _weights(settings: dict[str, Any]) -> Weights:
    found: Weights = {}
    for comparison in settings["comparisons"]:
        field = Compared(comparison["output_column_name"])
        found[field] = {
            Level(level["label_for_charts"]): {
                "m": max(_LEAST, level.get("m_probability") or 0.0),
                "u": max(_LEAST, level.get("u_probability") or 0.0),
            }
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        }
    return found


def ordered(weights: Weights) -> Weights:
    """Neighboring levels pooled until no level weighs more than a better one. Names wait until rarity is known."""
    for field, levels in weights.items():
        pools: list[tuple[list[Level], float, float]] = []
        for level in LEVELS[field]:
            pools.append(([level], levels[level]["m"], levels[level]["u"]))
            while field is not Compared.NAME and len(pools) > 1 and _ratio(pools[-1]) > _ratio(pools[-2]):
                last = pools.pop()
                pools[-1] = (pools[-1][0] + last[0], pools[-1][1] + last[1], pools[-1][2] + last[2])
        for pooled, m, u in pools:
            for level in pooled:
                levels[level]["weight"] = log2(m / u)
    return weights


def _ratio(pool: tuple[list[Level], float, float]) -> float:
    return pool[1] / pool[2]


# ---- rarity and threshold ------------------------------------------------------------------------------------------


def fitted(regency: people.Regency, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the effect of rarity and the threshold, fitted on all pairs that share a key."""
    entries = [linking.entry(person) for person in regency.people]
    population = linking.population(entries)
    model, same = matching.read_model(document), linking.truth(regency)
    cells: Cells = Counter()
    of_siblings: Counter[tuple[float, bool]] = Counter()
    pairs, _ = linking.candidates(entries)
    for left, right in pairs:
        a, b = entries[left], entries[right]
        if matching.are_siblings(a, b):
            weight = matching.score(a, b, population, model).weight
            of_siblings[round(weight * 4) / 4, (left, right) in same] += 1
            continue
        pairing = likeness.pair(a.name, b.name)
        others = model.prior(population) + sum(
            model.weights[field][level].weight for field, level in matching.plain_levels(a, b) if level is not None
        )
        rare = round(matching.rarity(pairing, population) * 4) / 4
        cells[matching.name_level(pairing), rare, round(others * 4) / 4, (left, right) in same] += 1
    slopes, starts = _regression(cells)
    starts = _descending(slopes, starts, cells)
    fields = document["fields"][Compared.NAME.value]
    for level, slope in slopes.items():
        each = fields[level.value]
        if slope:
            # weight + slope * (rarity - reference) = start + slope * rarity
            each |= {"bits": slope, "rarity": (each["weight"] - starts[level]) / slope}
        else:
            each["weight"] = starts[level]
    document["threshold"] = _threshold(cells, matching.read_model(document), of_siblings, len(same))
    return document


#: levels that share one slope on rarity: all words agree somehow, or only some do; nothing agrees, nothing is rare
_GROUPS = (
    (Level.EXACT, Level.SOUND, Level.CLOSE, Level.SHORT, Level.PART, Level.PART_CLOSE),
    (Level.VAGUE, Level.SHARED),
)

Cells = Counter[tuple[Level, float, float, bool]]


def _regression(cells: Cells) -> tuple[dict[Level, float], dict[Level, float]]:
    """Slope on rarity and start of every level, in bits: logistic regression with the other fields as given.

    One coordinate after the other by Newton's step, with a weak pull to 0 so that empty levels stay put.
    """
    slopes = {level: 0.6 if any(level in group for group in _GROUPS) else 0.0 for level in LEVELS[Compared.NAME]}
    starts = dict.fromkeys(slopes, 0.0)
    by_level: dict[Level, list[tuple[float, float, bool, int]]] = defaultdict(list)
    for (level, rare, others, same), count in cells.items():
        by_level[level].append((rare, others, same, count))
    for _ in range(80):
        for level, rows in by_level.items():
            gradient, curvature = -starts[level] * 0.02, 0.02
            for rare, others, same, count in rows:
                p = _probability(others + starts[level] + slopes[level] * rare)
                gradient += count * (same - p) * _BIT
                curvature += count * p * (1 - p) * _BIT * _BIT
            starts[level] += max(-2.0, min(2.0, gradient / curvature))
        for group in _GROUPS:
            gradient, curvature = 0.0, 1e-9
            for level in group:
                for rare, others, same, count in by_level[level]:
                    p = _probability(others + starts[level] + slopes[level] * rare)
                    gradient += count * (same - p) * rare * _BIT
                    curvature += count * p * (1 - p) * rare * rare * _BIT * _BIT
            slope = max(0.05, slopes[group[0]] + max(-0.05, min(0.05, gradient / curvature)))
            slopes |= dict.fromkeys(group, slope)
    return slopes, starts


def _probability(bits: float) -> float:
    return 1 / (1 + exp(-_BIT * max(-60.0, min(60.0, bits))))


def _descending(slopes: dict[Level, float], starts: dict[Level, float], cells: Cells) -> dict[Level, float]:
    """Starts pooled, by the number of true pairs, until no level of a group is above a better one."""
    true: Counter[Level] = Counter()
    for (level, _, _, same), count in cells.items():
        true[level] += count * same
    pools: list[tuple[list[Level], float, float]] = []
    for level in LEVELS[Compared.NAME]:
        pools.append(([level], starts[level], true[level] + 1.0))
        while len(pools) > 1 and slopes[pools[-2][0][0]] == slopes[level] and pools[-1][1] > pools[-2][1]:
            levels, start, size = pools.pop()
            before = pools[-1]
            total = before[2] + size
            pools[-1] = (before[0] + levels, (before[1] * before[2] + start * size) / total, total)
    return {level: start for levels, start, _ in pools for level in levels}


def _threshold(cells: Cells, model: matching.Model, of_siblings: Counter[tuple[float, bool]], wanted: int) -> float:
    """The weight at which the lesser of recall and precision is highest."""
    scored = Counter(of_siblings)
    for (level, rare, others, same), count in cells.items():
        weight = others + matching.name_weight(model.weights[Compared.NAME], level, rare)
        scored[round(weight * 4) / 4, same] += count
    best, threshold, right, wrong = 0.0, 0.0, 0, 0
    for weight in sorted({weight for weight, _ in scored}, reverse=True):
        right += scored[weight, True]
        wrong += scored[weight, False]
        found = right + wrong
        lesser = min(right / wanted, right / found) if right else 0.0
        if lesser > best:
            best, threshold = lesser, weight
    return threshold


# ---- the file ------------------------------------------------------------------------------------------------------


def _document(weights: Weights) -> dict[str, dict[str, dict[str, float]]]:
    return {field: {level.value: levels[level] for level in LEVELS[field]} for field, levels in weights.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


def table(document: dict[str, Any]) -> str:
    """The weights for a person."""
    lines = [f"{'':32}{'m':>10}{'u':>12}{'bits':>8}"]
    everything = [*document["fields"].items(), *((f"({field})", each) for field, each in document["siblings"].items())]
    for field, levels in everything:
        for level, each in levels.items():
            lines.append(
                f"{field + ' ' + level:32}{each['m']:>10.4f}{each['u']:>12.7f}{each['weight']:>8.2f}" + _rare(each)
            )
    lines.append(
        f"chance {document['chance']:.3g}, threshold {document['threshold']:.2f} bits; "
        f"(in brackets: of siblings, prior {document['prior_of_siblings']:.2f} bits)"
    )
    return "\n".join(lines)


def _rare(each: dict[str, float]) -> str:
    return f" + {each['bits']:.2f} x (rarity - {each['rarity']:.1f})" if each.get("bits") else ""


if __name__ == "__main__":
    main()
