"""Whether two entries are one person: agreement field by field, weighed after Fellegi and Sunter, with the reasons.

Each field of a pair falls into one level of agreement. A level weighs `log2(m / u)`: `m` is how often pairs of one person
fall into it, `u` how often pairs of two people do. A missing value weighs nothing. The weights are `data/matching.json`,
trained offline by Splink on a synthetic regency (`benchmarks/train.py`; the file tells how); no rule here has been fitted to
real people. Words of names weigh by their rarity among the people of the regency (`Population`): Siti and Siti is little,
Tarwiyah and Tarwiyah is much.

`u` of all fields but the birth date is that of people *born on the same day*, because nearly all pairs that are compared were
brought together by their birth date, and because fields hang together there: the first twelve digits of a NIK are district,
birth date and sex once more. Two members of one household born on one day are a case of their own with weights of its own:
one person entered twice, or twins, whose names are often alike and whose NIK follow each other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from math import log2
from operator import ne
from types import MappingProxyType
from typing import Final

from slrt_api.households.likeness import Likeness, Pair, Pairing, pair
from slrt_api.households.names import Name

#: more than this adds no certainty: a word that nobody else has is often a slip
MOST_BITS: Final = 13.0
_UNKNOWN_BITS: Final = 7.0
#: bits that are taken from the rarity of words that are not written alike: how unlikely it is to miss in just this way
_MISS: Final = {Likeness.SAME: 0.0, Likeness.SOUND: 2.0, Likeness.TYPO: 5.0, Likeness.SHORT: 5.0, Likeness.FAINT: 9.0}
_DISTRICT: Final = 10_000
#: days that stand for an unknown one
_ROUND: Final = frozenset({(1, 1), (12, 31), (7, 1)})


class Compared(StrEnum):
    """A field in which entries are compared."""

    NAME = "NAME"
    BIRTH_DATE = "BIRTH_DATE"
    SEX = "SEX"
    PLACE = "PLACE"
    NIK = "NIK"
    HOUSEHOLD = "HOUSEHOLD"


class Level(StrEnum):
    """How a field of two entries agrees. Which levels a field has, and in which order, tells `LEVELS`."""

    EXACT = "EXACT"
    SOUND = "SOUND"
    CLOSE = "CLOSE"
    SHORT = "SHORT"
    PART = "PART"
    PART_CLOSE = "PART_CLOSE"
    VAGUE = "VAGUE"
    SHARED = "SHARED"
    SWAPPED = "SWAPPED"
    ROUND = "ROUND"
    YEAR = "YEAR"
    DIGIT = "DIGIT"
    NEIGHBOR = "NEIGHBOR"
    SERIAL = "SERIAL"
    VILLAGE = "VILLAGE"
    DISTRICT = "DISTRICT"
    DIFFERENT = "DIFFERENT"


#: The levels of every field, best first. Weights never rise along them (names: at equal rarity), but for
#: the names of siblings: rhyming is what twins do, missing words are not.
LEVELS: Final[Mapping[Compared, tuple[Level, ...]]] = MappingProxyType(
    {
        Compared.NAME: (
            Level.EXACT,  # the same words in any order
            Level.SOUND,  # the same sounds
            Level.CLOSE,  # a slip of the hand
            Level.SHORT,  # an initial or a short form
            Level.PART,  # words missing on one side, the others agree
            Level.PART_CLOSE,  # words missing on one side, the others are close
            Level.VAGUE,  # nothing contradicts, but a word only resembles the other
            Level.SHARED,  # a word in common, others contradict
            Level.DIFFERENT,
        ),
        Compared.BIRTH_DATE: (
            Level.EXACT,
            Level.SWAPPED,  # day and month exchanged
            Level.ROUND,  # the same, on a day that stands for an unknown one
            Level.YEAR,  # a year apart, also with day and month exchanged
            Level.DIGIT,  # another digit elsewhere
            Level.DIFFERENT,
        ),
        Compared.SEX: (Level.EXACT, Level.DIFFERENT),
        Compared.PLACE: (Level.VILLAGE, Level.DISTRICT, Level.DIFFERENT),
        Compared.NIK: (
            Level.EXACT,
            Level.DIGIT,  # one digit is another, and makes a number contradict its birth date or have a serial too high
            Level.NEIGHBOR,  # of one day and nearly one district, although one of the two lives elsewhere than it says
            Level.SERIAL,  # another serial of the district and day, as twins and others born there that day have
            Level.DIFFERENT,
        ),
        Compared.HOUSEHOLD: (Level.EXACT, Level.DIFFERENT),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is compared of a person.

    village    10-digit area number
    nik        sixteen digits in clear: the caller decrypts it for the comparison and keeps it nowhere
    household  any token that is equal for one household: its id, or the blind index of the KK number
    """

    name: Name
    sex: str | None = None
    birth_date: date | None = None
    village: int | None = None
    nik: str | None = None
    household: str | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """How many people there are in the regency, and how many of them bear a word in their name.

    Without counts every word is of middling rarity.
    """

    persons: int
    words: Mapping[str, int]

    def bits(self, word: str) -> float:
        """Rarity of a normalized word: bits of surprise that a person bears it, at most `MOST_BITS`."""
        if not self.words:
            return _UNKNOWN_BITS
        return min(MOST_BITS, log2((self.persons + 1) / (self.words.get(word, 0) + 1)))


@dataclass(frozen=True, slots=True)
class Weight:
    """Weight of a level. `bits` of weight are added for each bit of rarity above `rarity` (names only)."""

    m: float
    u: float
    weight: float
    rarity: float = 0.0
    bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """Trained weights.

    chance     probability that two entries of a regency of `persons` are one person
    threshold  weight from which a pair goes to adjudication
    siblings   weights of name, sex and NIK between members of one household born on one day
    prior_of_siblings  weight of such a pair before name, sex and NIK are looked at
    """

    persons: int
    chance: float
    threshold: float
    weights: Mapping[Compared, Mapping[Level, Weight]]
    siblings: Mapping[Compared, Mapping[Level, Weight]]
    prior_of_siblings: float

    def prior(self, population: Population) -> float:
        """Weight of a pair before anything is known: the larger the regency, the less likely one person."""
        chance = min(0.5, self.chance * self.persons / max(1, population.persons))
        return log2(chance / (1 - chance))


@dataclass(frozen=True, slots=True)
class Reason:
    """What one field tells: its level, and the bits it adds (or takes)."""

    field: Compared
    level: Level
    weight: float


@dataclass(frozen=True, slots=True)
class Score:
    """Sum of all reasons and the prior, in bits; the probability that it means; a reason for each field on both sides."""

    weight: float
    probability: float
    reasons: tuple[Reason, ...]


@cache
def shipped_model() -> Model:
    """The weights of `data/matching.json`."""
    text = (files("slrt_api.households") / "data" / "matching.json").read_text(encoding="utf-8")
    return read_model(json.loads(text))


def read_model(document: Mapping[str, object]) -> Model:
    """A model from the JSON document that `benchmarks/train.py` writes."""
    persons, chance, threshold = (float(str(document[name])) for name in ("persons", "chance", "threshold"))
    weights, siblings = _tables(document["fields"], Compared), _tables(document["siblings"], OF_SIBLINGS)
    prior = float(str(document["prior_of_siblings"]))
    return Model(int(persons), chance, threshold, weights, siblings, prior)


#: what is weighed between members of one household born on one day; the rest is the same by then
OF_SIBLINGS: Final = (Compared.NAME, Compared.SEX, Compared.NIK)


def _tables(fields: object, wanted: Iterable[Compared]) -> Mapping[Compared, Mapping[Level, Weight]]:
    if not isinstance(fields, dict):
        raise TypeError("not a matching model")
    return MappingProxyType(
        {
            field: MappingProxyType({level: Weight(**fields[field.value][level.value]) for level in LEVELS[field]})
            for field in wanted
        }
    )


# ---- scoring -------------------------------------------------------------------------------------------------------


def score(a: Entry, b: Entry, population: Population, model: Model | None = None) -> Score:
    """How likely two entries are one person, and why. Symmetric; values that are missing on a side count nothing."""
    model = model or shipped_model()
    prior, reasons = _plain_reasons(a, b, population, model)
    if a.name.words and b.name.words:
        pairing = pair(a.name, b.name)
        level = name_level(pairing)
        if are_siblings(a, b):
            weight = model.siblings[Compared.NAME][level].weight
        else:
            weight = name_weight(model.weights[Compared.NAME], level, rarity(pairing, population))
        reasons.insert(0, Reason(Compared.NAME, level, weight))
    weight_of_all = prior + sum(reason.weight for reason in reasons)
    return Score(weight_of_all, 1 / (1 + 2 ** -max(-60.0, min(60.0, weight_of_all))), tuple(reasons))


def likely(
    a: Entry, b: Entry, population: Population, model: Model | None = None, threshold: float | None = None
) -> Score | None:
    """The score of a pair at or above the threshold, else None; spares the names where no name could help any more."""
    model = model or shipped_model()
    threshold = model.threshold if threshold is None else threshold
    # Millions of pairs pass here in a run over a regency: sums alone, and names last.
    together = are_siblings(a, b)
    weight = model.prior_of_siblings if together else model.prior(population)
    for field, level in plain_levels(a, b):
        if level is not None:
            if not together:
                weight += model.weights[field][level].weight
            elif field in model.siblings:
                weight += model.siblings[field][level].weight
    if weight + _most_of_names(a.name, b.name, population, model, together=together) < threshold:
        return None
    found = score(a, b, population, model)
    return found if found.weight >= threshold else None


def _most_of_names(a: Name, b: Name, population: Population, model: Model, *, together: bool) -> float:
    """More than two names cannot weigh: all words of the shorter one agree, and none could be rarer."""
    if not a.words or not b.words:
        return 0.0
    if together:
        return max(each.weight for each in model.siblings[Compared.NAME].values())
    # A slip may make a common word as rare as can be.
    most = MOST_BITS * min(len(a.words), len(b.words))
    rare = sum(map(population.bits, a.words)) if a.words == b.words else most
    return name_weight(model.weights[Compared.NAME], Level.EXACT, min(_MOST_RARITY, rare))


def name_weight(weights: Mapping[Level, Weight], level: Level, rare: float) -> float:
    """Weight of names that agree in this way on words of this rarity: never more than a better level would have."""
    least = float("inf")
    for better in LEVELS[Compared.NAME]:
        each = weights[better]
        least = min(least, each.weight + each.bits * (rare - each.rarity))
        if better is level:
            break
    return least


def are_siblings(a: Entry, b: Entry) -> bool:
    """Whether both stand in one household with one birth date: twins, if not one person."""
    return (
        a.household is not None
        and a.household == b.household
        and a.birth_date is not None
        and a.birth_date == b.birth_date
    )


def _plain_reasons(a: Entry, b: Entry, population: Population, model: Model) -> tuple[float, list[Reason]]:
    """The prior, and a reason for every field but the name.

    Of members of one household born on one day, household, birth date and place together say what `prior_of_siblings` says:
    the reason of the household makes up the difference, so that reasons and prior always add up to the score.
    """
    prior, together = model.prior(population), are_siblings(a, b)
    reasons = []
    for field, level in plain_levels(a, b):
        if level is not None:
            weights = model.siblings if together and field in model.siblings else model.weights
            reasons.append(Reason(field, level, weights[field][level].weight))
    if together:
        shared = sum(each.weight for each in reasons if each.field in {Compared.BIRTH_DATE, Compared.PLACE})
        reasons[-1] = Reason(Compared.HOUSEHOLD, Level.EXACT, model.prior_of_siblings - prior - shared)
    return prior, reasons


def plain_levels(a: Entry, b: Entry) -> Iterator[tuple[Compared, Level | None]]:
    """The level of every field but the name, the household's last; None where a value is missing."""
    yield Compared.BIRTH_DATE, birth_date_level(a.birth_date, b.birth_date)
    yield Compared.SEX, _equal(a.sex, b.sex)
    yield Compared.PLACE, place_level(a.village, b.village)
    yield Compared.NIK, nik_level(a, b)
    yield Compared.HOUSEHOLD, _equal(a.household, b.household)


#: three rare words are as sure as names get
_MOST_RARITY: Final = 3 * MOST_BITS


def rarity(pairing: Pairing, population: Population) -> float:
    """Bits of surprise that two people share the words that agree.

    Words written alike count by their rarity. Of words that are not, the rarer counts: an unheard-of spelling close to a
    common word is a slip, two common words close to each other (Dina, Rina) are two names.
    """
    bits = sum(max(0.0, _pair_bits(each, population) - _MISS[each.likeness]) for each in pairing.pairs)
    return min(_MOST_RARITY, bits)


def _pair_bits(found: Pair, population: Population) -> float:
    if " " in found.left or " " in found.right:
        # Nuraini, Nur Aini: the one word may be rare only because others write two.
        return min(sum(map(population.bits, found.left.split())), sum(map(population.bits, found.right.split())))
    return max(population.bits(found.left), population.bits(found.right))


# ---- levels --------------------------------------------------------------------------------------------------------


def name_level(pairing: Pairing) -> Level:
    """The level of two names by their paired words."""
    if not pairing.pairs:
        return Level.DIFFERENT
    if pairing.left and pairing.right:
        return Level.SHARED
    worst = max((each.likeness for each in pairing.pairs), key=_RANK.__getitem__)
    if worst is Likeness.FAINT:
        return Level.VAGUE
    if pairing.left or pairing.right:
        return Level.PART if worst in {Likeness.SAME, Likeness.SOUND} else Level.PART_CLOSE
    return _WHOLE[worst]


_RANK: Final = {likeness: rank for rank, likeness in enumerate(Likeness)}
_WHOLE: Final = {
    Likeness.SAME: Level.EXACT,
    Likeness.SOUND: Level.SOUND,
    Likeness.TYPO: Level.CLOSE,
    Likeness.SHORT: Level.SHORT,
}


def birth_date_level(a: date | None, b: date | None) -> Level | None:
    """The level of two birth dates; None where one is missing."""
    if a is None or b is None:
        return None
    if a == b:
        return Level.ROUND if (a.month, a.day) in _ROUND else Level.EXACT
    straight = (a.month, a.day) == (b.month, b.day)
    crossed = (a.month, a.day) == (b.day, b.month)
    years = abs(a.year - b.year)
    if crossed and years == 0:
        return Level.SWAPPED
    if years == 1 and (straight or crossed):
        return Level.YEAR
    # One digit lies in one of day, month and year; most pairs differ in more, and formatting dates is slow.
    if (a.day == b.day) + (a.month == b.month) + (years == 0) == 2 and _other_digits(f"{a:%d%m%Y}", f"{b:%d%m%Y}") == 1:
        return Level.DIGIT
    return Level.DIFFERENT


def place_level(a: int | None, b: int | None) -> Level | None:
    """The level of two villages, given by their 10-digit area numbers; None where one is missing."""
    if a is None or b is None:
        return None
    if a == b:
        return Level.VILLAGE
    return Level.DISTRICT if a // _DISTRICT == b // _DISTRICT else Level.DIFFERENT


def nik_level(a: Entry, b: Entry) -> Level | None:
    """The level of two NIK; None where one is missing.

    One digit apart is little sign of one person where two people would have such numbers: born on one day in the district
    in which each lives, or with the next serial. Where each number tells the birth date of its own entry, other dates are
    other people, and where each tells the district of its own entry, other districts are.
    """
    if a.nik is None or b.nik is None:
        return None
    if a.nik == b.nik:
        return Level.EXACT
    one_off = _other_digits(a.nik, b.nik) == 1
    if a.nik[6:12] != b.nik[6:12]:
        return Level.DIGIT if one_off and not (_tells(a) and _tells(b)) else Level.DIFFERENT
    if one_off and _miscounted(a, b):
        return Level.DIGIT
    at_home = _tells_district(a) and _tells_district(b)
    if a.nik[:6] == b.nik[:6]:
        # Who came to a village from elsewhere together brought numbers of one district along.
        return Level.SERIAL if at_home or (a.village is not None and a.village == b.village) else Level.NEIGHBOR
    return Level.NEIGHBOR if one_off and not at_home else Level.DIFFERENT


def _miscounted(a: Entry, b: Entry) -> bool:
    """Whether serials part from the tens on: a district has few births a day, but on days that stand for an unknown one."""
    heaped = {(each.birth_date.month, each.birth_date.day) for each in (a, b) if each.birth_date} & _ROUND
    return not heaped and (a.nik or "")[12:15] != (b.nik or "")[12:15]


def _tells(entry: Entry) -> bool:
    """Whether birth date and sex stand in the NIK as they stand in the entry."""
    born, nik = entry.birth_date, entry.nik or ""
    if born is None:
        return False
    days = {None: (0, 40), "F": (40,)}.get(entry.sex, (0,))
    return nik[8:12] == f"{born:%m%y}" and any(nik[6:8] == f"{born.day + more:02}" for more in days)


def _tells_district(entry: Entry) -> bool:
    """Whether the number was given in the district where the entry stands. Provinces were renumbered, regencies seldom."""
    return entry.village is not None and (entry.nik or "")[2:6] == f"{entry.village:010}"[2:6]


def _equal(a: str | None, b: str | None) -> Level | None:
    if a is None or b is None:
        return None
    return Level.EXACT if a == b else Level.DIFFERENT


def _other_digits(a: str, b: str) -> int:
    return sum(int(ne(x, y)) for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


# ---- candidates ----------------------------------------------------------------------------------------------------


def birth_dates(born: date) -> tuple[date, ...]:
    """The birth dates under which an entry of the same person may stand: as written, day and month exchanged, a year off.

    At most six. Look them up together with the sex, by equality.
    """
    found = []
    for year in (born.year, born.year - 1, born.year + 1):
        for month, day in ((born.month, born.day), (born.day, born.month)):
            try:
                found.append(date(year, month, day))
            except ValueError:
                continue
    return tuple(dict.fromkeys(found))


def rare_sounds(name: Name, population: Population) -> tuple[str, ...]:
    """The sounds of a name, of the rarest word first: look them up within the village until there are candidates enough."""
    order = sorted(zip(name.words, name.sounds, strict=True), key=lambda each: (-population.bits(each[0]), each[1]))
    return tuple(dict.fromkeys(sound for _, sound in order))


def block_keys(entry: Entry) -> frozenset[str]:
    """Keys of which two entries share at least one when they are to be compared: for runs over a whole regency.

    Birth date and sex (day and month in either order, this year and the next, so that neighbors in years meet), name and
    village, household, NIK. Keep these keys in memory only: that of the NIK is the NIK.
    """
    found = {f"n{entry.village}{sound}" for sound in entry.name.sounds} if entry.village is not None else set()
    if entry.birth_date is not None and entry.sex is not None:
        born = entry.birth_date
        low, high = sorted((born.month, born.day))
        found |= {f"d{entry.sex}{year}{low:02}{high:02}" for year in (born.year, born.year + 1)}
    if entry.household is not None:
        found.add(f"h{entry.household}")
    if entry.nik is not None:
        found.add(f"i{entry.nik}")
    return frozenset(found)
