"""A synthetic regency with planted duplicates, to find them again: persons, households, and the truth.

`python -m benchmarks.people FOLDER [--persons 200000] [--seed 1]` writes `people.csv` and `pairs.csv` and prints what was
planted. The same seed makes the same regency. Nobody in here exists: every NIK and KK number begins with 99, a province
that no edition of the area codes has.

What is fixed by the issue: 5 % of the persons are second entries of others, each with 2 to 4 of: a typo (60 %), day and month
swapped (15 %), year off by one (10 %), a nickname or a dropped word (40 %), NIK missing (50 %) or one digit wrong (15 %),
another village (10 %). Each is drawn by itself and the draw repeated until 2 to 4 have come, so the shares among the pairs
are higher than these; both are printed. 2 % of the persons are twins, 2 % bear the name of a neighbor: they are different
people. What the issue leaves open is chosen here: 30 % of the second entries stand in the household of the first, 35 % in
another one, 35 % alone; 6 % of all persons have no NIK.
"""

import argparse
import csv
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from slrt_api.areas import dataset
from slrt_api.households import names

REGENCY = "33.26"
TODAY = date(2026, 11, 22)
PERSONS = 200_000
DUPLICATES, TWINS, NEIGHBORS = 0.05, 0.02, 0.02
CORRUPTIONS = {
    "typo": 0.60,
    "swapped": 0.15,
    "year": 0.10,
    "short": 0.40,
    "nik_missing": 0.50,
    "nik_digit": 0.15,
    "village": 0.10,
}
FEWEST, MOST = 2, 4
_NO_NIK = 0.06
_SAME_HOUSEHOLD, _OTHER_HOUSEHOLD = 0.30, 0.35
#: share of dates of which day and month can change places; the draw is made there only, at a rate that gives 15 % of all
_SWAPPABLE = 12 * 11 / 365.25


@dataclass(frozen=True, slots=True)
class Person:
    """One entry. `number` is its place in the list; `village` a 10-digit area number; `kk` the household's number."""

    number: int
    household: int
    kk: str | None
    village: int
    name: str
    sex: str
    birth_date: date
    nik: str | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two entries of one person, and what was done to the second."""

    original: int
    duplicate: int
    corruptions: tuple[str, ...]


@dataclass(slots=True)
class Regency:
    """Entries with the truth about them. `twins` and `neighbors` are pairs of different people."""

    people: list[Person] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    twins: list[tuple[int, int]] = field(default_factory=list)
    neighbors: list[tuple[int, int]] = field(default_factory=list)


# ---- names ---------------------------------------------------------------------------------------------------------


class Pool:
    """Words drawn with Zipf's skew: the n-th comes `1 / (n + flat)` as often."""

    def __init__(self, words: Iterable[str], *, flat: float = 6.0) -> None:
        self.words = list(dict.fromkeys(words))
        self._sums = list(accumulate(1 / (rank + flat) for rank in range(1, len(self.words) + 1)))

    def draw(self, chance: random.Random) -> str:
        return self.words[bisect_left(self._sums, chance.random() * self._sums[-1])]


def _composed(beginnings: str, ends: str, seed: int) -> list[str]:
    """All compositions, in an order of their own that is the same in every regency."""
    words = [first + last for first in beginnings.split() for last in ends.split()]
    random.Random(seed).shuffle(words)
    return words


_OLD_M = _composed(
    "Su Sar Kar Kas Tar Tas War Was Dar Ras Cas Mar Wir Rus Dul Sud Sur Sut Mul Tur Cah Yas Jum Sap Wal Bas Bad Rod",
    "no man min mun di jo wan to tono yono iman adi ipin urip ijan anto oyo udi uri ono aman imin juki jan mari",
    1,
)
_OLD_F = _composed(
    "Su Sar Kar Kas Tar Tas War Was Dar Ras Cas Mar Wir Rus Sut Sul Mul Tur Cah Yas Jum Sap Wal Bas Rod Mur Sum Ron",
    "inah iyah iah em mi ti yati wati ni tini siyem inem kem tinah riyah nah yah minah isah ijah atun iti mini ningsih",
    2,
)


def _words() -> dict[str, list[str]]:
    """The lists of `words.txt` by their titles."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in Path(__file__).with_name("words.txt").read_text().splitlines():
        if line.startswith("["):
            title = line.strip("[]")
        elif line and not line.startswith("#"):
            found.setdefault(title, []).extend(line.split())
    return found


class Namer:
    """Names by sex and year of birth: one Javanese word for the old, two or three words for the young."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._old = {"M": Pool(_OLD_M), "F": Pool(_OLD_F)}
        words = _words()
        self._arabic = {"M": Pool(words["arabic m"]), "F": Pool(words["arabic f"])}
        self._modern = {"M": Pool(words["modern m"]), "F": Pool(words["modern f"])}

    def name(self, sex: str, born: int) -> str:
        chance, words = self._chance, list[str]()
        old = min(0.85, max(0.03, (1995 - born) / 45))
        alone = min(0.40, max(0.03, (2012 - born) / 117))
        if chance.random() < alone:
            pool = self._old if chance.random() < old + 0.1 else self._modern if chance.random() < 0.6 else self._arabic
            return pool[sex].draw(chance)
        lead = chance.random()
        if sex == "F":
            words += ["Siti"] if lead < 0.10 else ["Sri"] if lead < 0.14 else ["Nur"] if lead < 0.18 else []
        else:
            words += [chance.choices(("Muhammad", "Mohammad", "Muh.", "Moh.", "M."), (60, 10, 10, 10, 10))[0]] * (
                lead < 0.12
            )
            words += ["Abdul"] * (0.12 <= lead < 0.15)
        wanted = 3 if chance.random() < max(0.05, min(0.45, (born - 1975) / 80)) else 2
        while len(words) < wanted:
            draw = chance.random()
            pool = self._old if draw < old else self._arabic if draw < old + (1 - old) * 0.4 else self._modern
            word = pool[sex].draw(chance)
            if word not in words:
                words.append(word)
        return " ".join(words)

    def twin_of(self, name: str, same_sex: str, sex: str, born: int) -> str:
        """A name for a twin: of its own, with a word in common, or rhyming."""
        chance, words = self._chance, name.split()
        own = self.name(sex, born).split()
        style = chance.random()
        if style < 0.35 or sex != same_sex:
            found = own
        elif style < 0.80 and len(words) > 1:
            found = [words[0], *own[-(len(words) - 1) :]] if chance.random() < 0.5 else [*own[:1], *words[1:]]
        else:
            index = chance.randrange(len(words))
            found = [*words[:index], _rhyme(chance, words[index]), *words[index + 1 :]]
        if found == words:
            found = [*words[:-1], _rhyme(chance, words[-1])]
        return " ".join(found)


def _rhyme(chance: random.Random, word: str) -> str:
    """A word like another: a last vowel or a first consonant exchanged (Aldi, Aldo; Rina, Dina)."""
    places = [index for index, letter in enumerate(word) if letter in "aiou"]
    if places and chance.random() < 0.6:
        at = places[-1]
        return word[:at] + chance.choice([each for each in "aiou" if each != word[at]]) + word[at + 1 :]
    return chance.choice([each for each in "DFLMRTZ" if each != word[0]]) + word[1:].lower()


# ---- numbers and families ------------------------------------------------------------------------------------------


class Numbers:
    """NIK and KK numbers with the serials counted for each district and date, as offices do."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._serials: Counter[str] = Counter()

    def nik(self, village: int, born: date, sex: str, place: str = "") -> str:
        """The next number of a district: `place` where it is known, mostly that of the village otherwise."""
        where = self._chance.random()
        district = str(village)[4:6]
        if place:
            pass
        elif where >= 0.95:
            place = f"{self._chance.randint(1, 75):02}{self._chance.randint(1, 20):02}"
        else:
            place = "26" + (district if where < 0.88 else f"{self._chance.randint(1, 19):02}")
        return self.next(f"99{place}{born.day + 40 * (sex == 'F'):02}{born:%m%y}")

    def kk(self, village: int) -> str:
        recorded = date(2006, 1, 1) + timedelta(days=self._chance.randrange(7_600))
        return self.next(f"9926{str(village)[4:6]}{recorded:%d%m%y}")

    def next(self, head: str) -> str:
        self._serials[head] += 1
        return f"{head}{self._serials[head]:04}"


def villages() -> list[int]:
    """Ten-digit numbers of the current villages of the regency."""
    return [
        row.number
        for row in dataset.load_areas()
        if row.current and row.level.value == "VILLAGE" and row.code.startswith(REGENCY + ".")
    ]


class _Maker:
    def __init__(self, persons: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.persons = persons
        self.namer, self.numbers = Namer(self.chance), Numbers(self.chance)
        self.regency = Regency()
        self.households = 0
        places = villages()
        # Villages differ in size as they do in life, the largest ten times the smallest.
        self.places = (
            places,
            list(accumulate(self.chance.choices((1, 2, 3, 5, 10), (15, 35, 30, 15, 5), k=len(places)))),
        )

    def make(self) -> Regency:
        people = self.regency.people
        wanted = self.persons - round(self.persons * DUPLICATES)
        twins = round(self.persons * TWINS / 2)
        while len(people) < wanted - twins:
            self._family(wanted - twins - len(people))
        self._twins(twins)
        self._neighbors(round(self.persons * NEIGHBORS / 2))
        self._duplicates(self.persons - len(people))
        return self.regency

    def _add(
        self, household: int, kk: str | None, village: int, sex: str, born: date, name: str = "", place: str = ""
    ) -> Person:
        nik = None if self.chance.random() < _NO_NIK else self.numbers.nik(village, born, sex, place)
        name = name or self.namer.name(sex, born.year)
        person = Person(len(self.regency.people), household, kk, village, name, sex, born, nik)
        self.regency.people.append(person)
        return person

    def _born(self, age: float) -> date:
        born = TODAY - timedelta(days=round(max(0.0, age) * 365.25))
        # Whose birth was not recorded has the first of January, the last of December or the first of July.
        if born.year < 1976 and self.chance.random() < 0.05:
            return self.chance.choice((date(born.year, 1, 1), date(born.year, 12, 31), date(born.year, 7, 1)))
        return born

    def _family(self, room: int) -> None:
        chance = self.chance
        village = chance.choices(self.places[0], cum_weights=self.places[1])[0]
        household, kk = self.households, self.numbers.kk(village) if chance.random() < 0.97 else None
        self.households += 1
        size = min(room, chance.choices(range(1, 8), (8, 14, 24, 28, 15, 7, 4))[0])
        head = chance.uniform(58, 88) if size == 1 else chance.uniform(22, 72)
        sexes = ["M" if chance.random() < 0.84 else "F"]
        ages = [head]
        if size > 1:
            sexes.append("F" if sexes[0] == "M" else chance.choice("FM"))
            ages.append(head - chance.uniform(-2, 7) if sexes[0] == "M" else chance.uniform(2, 40))
        while len(ages) < size:
            sexes.append(chance.choice("FM"))
            # A child of the woman, or her parent.
            mother = max(ages[:2])
            ages.append(mother - chance.uniform(19, 40) if chance.random() < 0.9 else mother + chance.uniform(20, 32))
        for sex, age in zip(sexes, ages, strict=True):
            self._add(household, kk, village, sex, self._born(age if 0 <= age < 100 else chance.uniform(0, 18)))

    def _twins(self, count: int) -> None:
        young = [person for person in self.regency.people if person.birth_date.year > 1980]
        for person in self.chance.sample(young, count):
            sex = person.sex if self.chance.random() < 0.75 else "F" if person.sex == "M" else "M"
            name = self.namer.twin_of(person.name, person.sex, sex, person.birth_date.year)
            place = person.nik[2:6] if person.nik else ""
            twin = self._add(person.household, person.kk, person.village, sex, person.birth_date, name, place)
            self.regency.twins.append((person.number, twin.number))

    def _neighbors(self, count: int) -> None:
        by_place: dict[tuple[int, str], list[int]] = defaultdict(list)
        people = self.regency.people
        for person in people:
            by_place[person.village, person.sex].append(person.number)
        for number in self.chance.sample(range(len(people)), count):
            person = people[number]
            near = [
                other
                for other in by_place[person.village, person.sex]
                if people[other].household != person.household
                and abs(people[other].birth_date.year - person.birth_date.year) < 12
            ]
            if near:
                other = self.chance.choice(near)
                people[other] = replace(people[other], name=person.name)
                self.regency.neighbors.append((number, other))

    def _duplicates(self, count: int) -> None:
        people = self.regency.people
        homes: dict[int, list[int]] = defaultdict(list)
        for person in people:
            homes[person.village].append(person.number)
        for original in self.chance.sample(people[:], count):
            chosen = self._corruptions(original)
            second = replace(original, number=len(people))
            for corruption in chosen:
                second = _CORRUPT[corruption](self.chance, second)
            second = self._housed(second, original, homes, moved="village" in chosen)
            people.append(second)
            self.regency.duplicates.append(Duplicate(original.number, second.number, chosen))

    def _corruptions(self, person: Person) -> tuple[str, ...]:
        day, month = person.birth_date.day, person.birth_date.month
        rates = dict(CORRUPTIONS)
        rates["swapped"] = CORRUPTIONS["swapped"] / _SWAPPABLE if day <= 12 and day != month else 0.0
        while True:
            chosen = [
                name for name in ("short", "typo", "swapped", "year", "village") if self.chance.random() < rates[name]
            ]
            draw = self.chance.random()
            if person.nik is not None:
                chosen += ["nik_missing"] * (draw < rates["nik_missing"])
                chosen += ["nik_digit"] * (0 <= draw - rates["nik_missing"] < rates["nik_digit"])
            if FEWEST <= len(chosen) <= MOST:
                return tuple(chosen)

    def _housed(self, second: Person, original: Person, homes: dict[int, list[int]], *, moved: bool) -> Person:
        if moved:
            while second.village == original.village:
                village = self.chance.choices(self.places[0], cum_weights=self.places[1])[0]
                second = replace(second, village=village)
        draw = self.chance.random()
        if not moved and draw < _SAME_HOUSEHOLD:
            return second
        if draw < _SAME_HOUSEHOLD + _OTHER_HOUSEHOLD and homes[second.village]:
            host = self.regency.people[self.chance.choice(homes[second.village])]
            if host.household != original.household:
                return replace(second, household=host.household, kk=host.kk)
        self.households += 1
        return replace(second, household=self.households - 1, kk=self.numbers.kk(second.village))


# ---- corruption ----------------------------------------------------------------------------------------------------

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_HABITS = (
    *(("u", "oe"), ("U", "Oe"), ("j", "dj"), ("J", "Dj"), ("c", "tj"), ("y", "j"), ("f", "p"), ("F", "P"), ("z", "s")),
    *(("Z", "J"), ("kh", "h"), ("Kh", "Ch"), ("ah", "a"), ("i", "y"), ("a", "o"), ("o", "u"), ("sy", "s"), ("th", "t")),
    *(("q", "k"), ("k", "q"), ("v", "f"), ("h", "kh"), ("ai", "ae"), ("d", "t"), ("n", "nn"), ("s", "ss"), ("iy", "i")),
    *(("Muhammad", "Muh."), ("Muhammad", "Mochamad"), ("Siti", "St."), ("Siti", "Sitti"), ("Abdul", "Abd.")),
)


def _typo(chance: random.Random, person: Person) -> Person:
    """One slip of the keys (60 %) or one other spelling (40 %), somewhere in the name."""
    name = person.name
    if chance.random() < 0.4:
        habit = chance.sample(_HABITS, len(_HABITS))
        wrong = next((name.replace(a, b, 1) for a, b in habit if a in name), name)
        if wrong != name:
            return replace(person, name=wrong)
    while True:
        at = chance.choice([index for index, letter in enumerate(name) if letter.isalpha()])
        wrong = _slip(chance, name, at)
        if wrong != name and any(character.isalpha() for character in wrong):
            return replace(person, name=wrong)


def _slip(chance: random.Random, name: str, at: int) -> str:
    letter, kind = name[at], chance.random()
    row = next((row for row in _KEYS if letter.lower() in row), "aeiou")
    place = max(0, row.find(letter.lower()))
    near = chance.choice(row[max(0, place - 1) : place] + row[place + 1 : place + 2])
    if kind < 0.4:
        return name[:at] + (near.upper() if letter.isupper() else near) + name[at + 1 :]
    if kind < 0.6:
        return name[:at] + name[at + 1 :]
    if kind < 0.8:
        return name[: at + 1] + chance.choice((letter.lower(), near)) + name[at + 1 :]
    if at + 1 < len(name) and name[at + 1].isalpha():
        return name[:at] + name[at + 1] + letter + name[at + 2 :]
    return name


def _short(chance: random.Random, person: Person) -> Person:
    """A word dropped (60 % where there are several), or one word cut to the name that people call."""
    words = person.name.split()
    if len(words) > 1 and chance.random() < 0.6:
        words.pop(chance.randrange(len(words)))
    else:
        index = max(range(len(words)), key=lambda place: (len(words[place]), place))
        words[index] = _nickname(chance, words[index])
    return replace(person, name=" ".join(words))


def _nickname(chance: random.Random, word: str) -> str:
    """The end or the beginning of a word: Sulastri is called Lastri or Sul, Agus is called Gus."""
    if len(word) < 5:
        return word[1:].capitalize() if len(word) > 2 else word * 2
    cuts = [
        index
        for index in range(1, len(word) - 2)
        if word[index].lower() not in "aeiou" and word[index + 1].lower() in "aeiou"
    ]
    if cuts and chance.random() < 0.65:
        return word[chance.choice(cuts) :].capitalize()
    return word[: chance.randint(3, len(word) - 1)]


def _swapped(_: random.Random, person: Person) -> Person:
    born = person.birth_date
    return replace(person, birth_date=date(born.year, born.day, born.month))


def _year(chance: random.Random, person: Person) -> Person:
    born = person.birth_date
    year = born.year + chance.choice((-1, 1))
    return replace(person, birth_date=date(year, born.month, min(born.day, 28) if born.month == 2 else born.day))


def _nik_digit(chance: random.Random, person: Person) -> Person:
    nik = person.nik or ""
    at = chance.randrange(2, len(nik))  # the 99 at the beginning stays, so that no number can be a real one
    return replace(
        person, nik=nik[:at] + chance.choice([each for each in "0123456789" if each != nik[at]]) + nik[at + 1 :]
    )


_CORRUPT: dict[str, Callable[[random.Random, Person], Person]] = {
    "typo": _typo,
    "short": _short,
    "swapped": _swapped,
    "year": _year,
    "nik_missing": lambda _, person: replace(person, nik=None),
    "nik_digit": _nik_digit,
    "village": lambda _, person: person,  # the new village is drawn with the household
}


# ---- what is told --------------------------------------------------------------------------------------------------


def generate(persons: int = PERSONS, seed: int = 1) -> Regency:
    """The regency of a seed: the same at every call."""
    return _Maker(persons, seed).make()


def summary(regency: Regency) -> str:
    """What was planted, in counts and shares."""
    people, pairs = regency.people, len(regency.duplicates)
    parsed = [names.parse(person.name).words for person in people]
    done = Counter(corruption for duplicate in regency.duplicates for corruption in duplicate.corruptions)
    kinds = Counter(len(duplicate.corruptions) for duplicate in regency.duplicates)
    shares = ", ".join(f"{name} {done[name] / max(1, pairs):.0%}" for name in CORRUPTIONS)
    homes, places = ({getattr(person, what) for person in people} for what in ("household", "village"))
    alone = sum(len(words) == 1 for words in parsed) / len(parsed)
    numberless = sum(person.nik is None for person in people) / len(people)
    others = f"one word {alone:.1%}, no NIK {numberless:.1%}"
    counted = ", ".join(f"{count} of them {number / max(1, pairs):.0%}" for count, number in sorted(kinds.items()))
    found = [
        f"{len(people)} persons, {len(homes)} households, {len(places)} villages, {len({*map(frozenset, parsed)})} names",
        f"Siti {_share(parsed, 'siti'):.1%}, Muhammad {_share(parsed, 'muhammad'):.1%}, {others}",
        f"{pairs} duplicate pairs; {shares}; {counted}",
        f"{len(regency.twins)} pairs of twins, {len(regency.neighbors)} pairs of neighbors of one name",
    ]
    return "\n".join(found)


def _share(parsed: Sequence[tuple[str, ...]], word: str) -> float:
    return sum(word in words for words in parsed) / len(parsed)


def write(regency: Regency, folder: Path) -> None:
    """`people.csv`, and `pairs.csv` with the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "people.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("number", "household", "kk", "village", "name", "sex", "birth_date", "nik"))
        writer.writerows(
            (p.number, p.household, p.kk or "", p.village, p.name, p.sex, p.birth_date, p.nik or "")
            for p in regency.people
        )
    with (folder / "pairs.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("left", "right", "kind", "corruptions"))
        writer.writerows((d.original, d.duplicate, "DUPLICATE", " ".join(d.corruptions)) for d in regency.duplicates)
        writer.writerows((a, b, "TWINS", "") for a, b in regency.twins)
        writer.writerows((a, b, "NEIGHBORS", "") for a, b in regency.neighbors)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people", description="A synthetic regency with duplicates."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    regency = generate(arguments.persons, arguments.seed)
    write(regency, arguments.folder)
    print(summary(regency))


if __name__ == "__main__":
    main()
