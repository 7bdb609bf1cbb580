"""Synthetic families of the demo regency, and the registry release in which most of them stand.

Nobody in here exists. Every NIK and KK number begins with 990101, a place of issue that no edition of the area codes
has, so that no number can be that of a real person. The whole set comes from one seed and is the same every time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

#: place of issue that does not exist
PREFIX = "990101"
#: the day on which the demo plays: ages are counted from it
TODAY = date(2026, 11, 22)
FAMILY_COUNT = 300
REGISTRY_SOURCE = "DTSEN"
REGISTRY_RELEASE = "2026-Q3"
REGISTRY_AS_OF = date(2026, 9, 30)

VILLAGES = (
    *(f"33.26.01.{number}" for number in range(2001, 2015)),
    *(f"33.26.02.{number}" for number in range(2001, 2016)),
    *(f"33.26.03.{number}" for number in range(2001, 2012)),
)
#: villages with a Puskesos hold more families, so that its officers have work
PUSKESOS_VILLAGES = ("33.26.01.2001", "33.26.02.2001")


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One member of a family. `nik` is None for those who have none; some contradict birth date or sex, as in life."""

    name: str
    nik: str | None
    birth_date: date
    sex: str
    relation: str


@dataclass(frozen=True, slots=True)
class DemoFamily:
    """A family at an address; its head comes first. `kk` is None for a family without a family card."""

    area_code: str
    address: str
    kk: str | None
    members: tuple[DemoPerson, ...]


@dataclass(frozen=True, slots=True)
class DemoRegistryRow:
    """One person in the registry release. `desil` None means that no rank has been determined."""

    nik: str
    kk: str
    name: str
    birth_date: date
    desil: int | None
    area_code: str


#: The family of the story: four people, eligible, and not in the registry.
STORY_FAMILY = DemoFamily(
    "33.26.01.2001",
    "Dusun III RT 02 RW 01",
    "9901010101120007",
    (
        DemoPerson("Siti Aminah", "9901014505880003", date(1988, 5, 5), "F", "HEAD"),
        DemoPerson("Bagas Prasetyo", "9901011703110004", date(2011, 3, 17), "M", "CHILD"),
        DemoPerson("Laras Wulandari", "9901016209160002", date(2016, 9, 22), "F", "CHILD"),
        DemoPerson("Sukinem", "9901014107560001", date(1956, 7, 1), "F", "PARENT"),
    ),
)
#: The second family of the story: in the registry, desil 2.
REGISTERED_FAMILY = DemoFamily(
    "33.26.01.2001",
    "Dusun I RT 01 RW 02",
    "9901011406150003",
    (
        DemoPerson("Slamet Purwanto", "9901011208840005", date(1984, 8, 12), "M", "HEAD"),
        DemoPerson("Sri Wahyuni", "9901015911860002", date(1986, 11, 19), "F", "SPOUSE"),
        DemoPerson("Dimas Aditya", "9901010602150006", date(2015, 2, 6), "M", "CHILD"),
    ),
)

_MALE = (
    "Agus",
    "Ahmad",
    "Andi",
    "Arif",
    "Bambang",
    "Bayu",
    "Budi",
    "Darmanto",
    "Dedi",
    "Dwi",
    "Eko",
    "Fajar",
    "Galih",
    "Hadi",
    "Hendra",
    "Heru",
    "Imam",
    "Irfan",
    "Joko",
    "Karyono",
    "Kasmin",
    "Mujiono",
    "Nur",
    "Paijo",
    "Priyo",
    "Rahmat",
    "Rudi",
    "Santoso",
    "Sarjono",
    "Sugeng",
    "Suharno",
    "Sukardi",
    "Supri",
    "Suryadi",
    "Sutrisno",
    "Tarno",
    "Teguh",
    "Tri",
    "Wahyu",
    "Warsito",
    "Wawan",
    "Yanto",
    "Yudi",
    "Zaenal",
)
_FEMALE = (
    "Aisyah",
    "Anik",
    "Ani",
    "Ayu",
    "Casmini",
    "Darsini",
    "Dewi",
    "Dian",
    "Dina",
    "Endah",
    "Eni",
    "Erna",
    "Fatimah",
    "Fitri",
    "Ika",
    "Indah",
    "Ismiati",
    "Kartini",
    "Khotimah",
    "Kusmiati",
    "Lestari",
    "Lilis",
    "Mariyah",
    "Marsih",
    "Murni",
    "Ningsih",
    "Nur",
    "Nurul",
    "Puji",
    "Ratna",
    "Rini",
    "Rohmah",
    "Rukmini",
    "Sari",
    "Sumarni",
    "Sulastri",
    "Suparti",
    "Tarwiyah",
    "Tri",
    "Tutik",
    "Umi",
    "Wiwik",
    "Yanti",
    "Yuliana",
)
_MALE_SECOND = (
    "Setiawan",
    "Pribadi",
    "Santosa",
    "Wibowo",
    "Nugroho",
    "Kurniawan",
    "Hidayat",
    "Susanto",
    "Purnomo",
    "Saputra",
    "Wijaya",
    "Utomo",
    "Raharjo",
    "Wicaksono",
    "Maulana",
    "Firmansyah",
    "Haryanto",
    "Gunawan",
)
_FEMALE_SECOND = (
    "Rahayu",
    "Lestari",
    "Handayani",
    "Astuti",
    "Wulandari",
    "Hidayati",
    "Purwanti",
    "Susanti",
    "Kusuma",
    "Utami",
    "Setyowati",
    "Anggraini",
    "Pratiwi",
    "Maryati",
    "Fatmawati",
    "Indriani",
    "Kurniasih",
    "Widiastuti",
)
_DUSUN = ("I", "II", "III", "IV", "Krajan", "Lor", "Kidul", "Wetan", "Kulon")


class _Numbers:
    """Gives NIK and KK numbers that are unique in the set: a serial is counted for each date in the number."""

    def __init__(self, taken: tuple[DemoFamily, ...]) -> None:
        self._taken = {family.kk for family in taken} | {member.nik for family in taken for member in family.members}

    def nik(self, born: date, sex: str) -> str:
        day = born.day + (40 if sex == "F" else 0)
        return self._next(f"{PREFIX}{day:02}{born:%m%y}")

    def anomalous(self, born: date) -> str:
        """A NIK of a month that does not exist, as some old ones have."""
        return self._next(f"{PREFIX}{born.day:02}00{born:%y}")

    def kk(self, recorded: date) -> str:
        return self._next(f"{PREFIX}{recorded:%d%m%y}")

    def _next(self, head: str) -> str:
        number = next(number for serial in range(1, 10_000) if (number := f"{head}{serial:04}") not in self._taken)
        self._taken.add(number)
        return number


def generate_families() -> Iterator[DemoFamily]:
    """The families, the two of the story first: the same ones at every call."""
    chance = random.Random(3326)  # noqa: S311  (a fixed seed is the point; nothing secret comes of it)
    numbers = _Numbers((STORY_FAMILY, REGISTERED_FAMILY))
    yield STORY_FAMILY
    yield REGISTERED_FAMILY
    weights = [4 if village in PUSKESOS_VILLAGES else 1 for village in VILLAGES]
    for index in range(2, FAMILY_COUNT):
        # Every village holds at least one family; the rest fall by weight.
        village = VILLAGES[index - 2] if index - 2 < len(VILLAGES) else chance.choices(VILLAGES, weights)[0]
        if index in {90, 180, 270}:
            yield _homeless(chance, village)
            continue
        size = chance.choices(range(1, 8), (8, 14, 24, 28, 15, 7, 4))[0]
        address = f"Dusun {chance.choice(_DUSUN)} RT {chance.randint(1, 8):02} RW {chance.randint(1, 4):02}"
        people = tuple(_with_nik(chance, numbers, person) for person in _people(chance, size))
        recorded = date(2008, 1, 1) + timedelta(days=chance.randrange(18 * 365))
        yield DemoFamily(village, address, numbers.kk(recorded), people)


def _people(chance: random.Random, size: int) -> Iterator[DemoPerson]:
    """Members without NIK: head, spouse, a married child's family, children as the mother's age allows, a parent."""
    head_age = chance.randint(58, 82) if size == 1 and chance.random() < 0.7 else chance.randint(24, 62)
    head_sex = "M" if chance.random() < 0.84 else "F"
    yield _person(chance, head_age, head_sex, "HEAD")
    left = size - 1
    mother_age = head_age
    if left and head_sex == "M" and chance.random() < 0.95:
        mother_age = max(19, head_age - chance.randint(0, 6))
        yield _person(chance, mother_age, "F", "SPOUSE")
        left -= 1
    if left >= 3 and mother_age >= 42:
        parent_age = chance.randint(21, mother_age - 19)
        child_sex = chance.choice("FM")
        yield _person(chance, parent_age, child_sex, "CHILD")
        yield _person(
            chance, max(20, parent_age + chance.randint(-3, 3)), "M" if child_sex == "F" else "F", "CHILD_IN_LAW"
        )
        yield _person(chance, chance.randint(0, min(8, parent_age - 20)), chance.choice("FM"), "GRANDCHILD")
        left -= 3
    # A child was born when its mother was 19 to 42, and is still at home until 24.
    youngest, oldest = max(0, mother_age - 42), min(24, mother_age - 19)
    ages = list(range(youngest, oldest + 1))
    grandparents = 1 if left >= 3 and head_age <= 55 and chance.random() < 0.4 else 0
    children = min(left - grandparents, len(ages), 5) if left else 0
    for age in sorted(chance.sample(ages, children), reverse=True):
        yield _person(chance, age, chance.choice("FM"), "CHILD")
        left -= 1
    if left and head_age <= 62:
        yield _person(chance, min(92, head_age + chance.randint(19, 32)), chance.choice("FFM"), "PARENT")
        left -= 1
    for _ in range(left):
        yield _person(chance, chance.randint(8, 60), chance.choice("FM"), "OTHER")


def _person(chance: random.Random, age: int, sex: str, relation: str) -> DemoPerson:
    first, second = (_FEMALE, _FEMALE_SECOND) if sex == "F" else (_MALE, _MALE_SECOND)
    # The old generation often has one name only.
    name = (
        chance.choice(first)
        if age >= 60 and chance.random() < 0.6
        else f"{chance.choice(first)} {chance.choice(second)}"
    )
    born = TODAY - timedelta(days=age * 365 + age // 4 + chance.randrange(1, 364))
    return DemoPerson(name, None, born, sex, relation)


def _with_nik(chance: random.Random, numbers: _Numbers, person: DemoPerson) -> DemoPerson:
    """The person with a NIK, or without: newborns mostly have none, and a few of the oldest never got one."""
    age_days = (TODAY - person.birth_date).days
    draw = chance.random()
    if (age_days < 180 and draw < 0.7) or (age_days > 70 * 365 and draw < 0.08):
        return person
    if draw > 0.99:
        nik = numbers.anomalous(person.birth_date)
    elif draw > 0.98:
        # A corrected birth date leaves the NIK as it was.
        nik = numbers.nik(person.birth_date + timedelta(days=chance.choice((1, 10, 31))), person.sex)
    elif draw > 0.975:
        nik = numbers.nik(person.birth_date, "M" if person.sex == "F" else "F")
    else:
        nik = numbers.nik(person.birth_date, person.sex)
    return DemoPerson(person.name, nik, person.birth_date, person.sex, person.relation)


def _homeless(chance: random.Random, village: str) -> DemoFamily:
    person = _person(chance, chance.randint(35, 68), chance.choice("FM"), "HEAD")
    return DemoFamily(village, "Tanpa alamat tetap, sekitar pasar desa", None, (person,))


def _register(families: tuple[DemoFamily, ...]) -> Iterator[DemoRegistryRow]:
    """About four in five of the families, person by person; the rank is the family's."""
    chance = random.Random(2026)  # noqa: S311  (see above)
    for family in families:
        drawn = chance.random() < 0.8
        desil: int | None = chance.choices(range(1, 11), (20, 20, 16, 12, 10, 8, 6, 4, 3, 1))[0]
        if chance.random() < 0.05:
            desil = None
        if family is REGISTERED_FAMILY:
            drawn, desil = True, 2
        if family is STORY_FAMILY or family.kk is None or not drawn:
            continue
        for member in family.members:
            if member.nik is not None:
                yield DemoRegistryRow(member.nik, family.kk, member.name, member.birth_date, desil, family.area_code)


def generate_registry(families: tuple[DemoFamily, ...]) -> tuple[DemoRegistryRow, ...]:
    """The release of the registry for these families."""
    rows = tuple(_register(families))
    # One person stands in it twice, under two family cards: a check of that NIK is ambiguous.
    twin = next(row for row in rows if row.kk != REGISTERED_FAMILY.kk)
    other = next(row.kk for row in reversed(rows) if row.kk != twin.kk)
    return (*rows, DemoRegistryRow(twin.nik, other, twin.name, twin.birth_date, twin.desil, twin.area_code))


DEMO_FAMILIES: tuple[DemoFamily, ...] = tuple(generate_families())
DEMO_REGISTRY: tuple[DemoRegistryRow, ...] = generate_registry(DEMO_FAMILIES)
#: NIK that stands in the release twice
AMBIGUOUS_NIK = DEMO_REGISTRY[-1].nik
