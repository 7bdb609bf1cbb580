"""Households at the boundaries of the shipped programs: the tables in `tests/domains/programs`, read as facts.

A table is a CSV of one program, a household a row. Columns:

- `case`, `day`, `area` (a village) and, where the program has some, `variants`;
- a column for each fact by its name: of the household, or of its first member, who is judged where a program is a person's;
- `others`: further members, `; ` between them, each a list of `fact=value`;
- `enrolled` (the household), `person_enrolled` (the first member) and `enrolled=` in `others`: `PROGRAM@from..to`, the last
  day left out while it goes on; `lists`: programs of which every recipient is known;
- what is expected: `outcome`, `criteria` (`CODE=TRUE`, those that the row is about), `amount` where it is told;
- `citation`: where the boundary is from.

An empty cell is what is not known.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

from slrt_api.areas.codes import area_number
from slrt_api.programs.facts import Enrollment, FactType, HouseholdFacts, PersonFacts, Subject, Told, Value, vocabulary

FOLDER: Final = Path(__file__).parent / "domains" / "programs"
_ABOUT: Final = {"case", "day", "area", "variants"}
_EXPECTED: Final = {"outcome", "criteria", "amount", "citation"}
_MORE: Final = {"enrolled", "person_enrolled", "others", "lists"}
SOURCE: Final = "table"
HOUSEHOLD: Final = UUID(int=1)
FIRST_MEMBER: Final = UUID(int=2)


@dataclass(frozen=True)
class Row:
    """A household at a boundary, and what is expected of it.

    criteria  code of a criterion -> TRUE, FALSE or UNKNOWN; the others are not what the row is about
    amount    rupiah, or None where the row does not tell
    """

    program: str
    case: str
    day: date
    variants: frozenset[str]
    household: HouseholdFacts
    outcome: str
    criteria: Mapping[str, str]
    amount: int | None
    citation: str

    def __str__(self) -> str:
        return f"{self.program}: {self.case}"


def programs() -> list[str]:
    """Programs that have a table, by code."""
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def load(program: str) -> list[Row]:
    """The table of a program. Raises ValueError for what is no column, KeyError for what is no fact."""
    with (FOLDER / f"{program}.csv").open(encoding="utf-8", newline="") as lines:
        return [_row(program, row) for row in csv.DictReader(lines, strict=True)]


def every_row() -> Iterator[Row]:
    """All rows of all tables."""
    for program in programs():
        yield from load(program)


def _row(program: str, cells: Mapping[str, str]) -> Row:
    if None in cells or None in cells.values():
        raise ValueError(f"{program}: a row of another length")
    day = date.fromisoformat(cells["day"])
    of_household: dict[str, Told] = {}
    of_person: dict[str, Told] = {}
    for name, text in cells.items():
        if text and name not in _ABOUT | _EXPECTED | _MORE:
            facts = of_household if vocabulary()[name].subject is Subject.HOUSEHOLD else of_person
            facts[name] = Told(_value(name, text), SOURCE, day)
    members = [PersonFacts(FIRST_MEMBER, of_person)]
    enrollments = [
        *_enrollments(cells.get("enrolled", ""), None),
        *_enrollments(cells.get("person_enrolled", ""), FIRST_MEMBER),
    ]
    for position, text in enumerate(filter(None, cells.get("others", "").split("; ")), start=3):
        pairs = [pair.split("=", 1) for pair in text.split()]
        person = UUID(int=position)
        facts = {name: Told(_value(name, value), SOURCE, day) for name, value in pairs if name != "enrolled"}
        members.append(PersonFacts(person, facts))
        for name, value in pairs:
            if name == "enrolled":
                enrollments += _enrollments(value, person)
    return Row(
        program=program,
        case=cells["case"],
        day=day,
        variants=frozenset(cells.get("variants", "").split()),
        household=HouseholdFacts(
            id=HOUSEHOLD,
            regency=int(cells["area"].replace(".", "")[:4]),
            area=area_number(cells["area"]),
            facts=of_household,
            members=tuple(members),
            enrollments=tuple(enrollments),
            enrollments_of=dict.fromkeys(cells.get("lists", "").split(), day),
        ),
        outcome=cells["outcome"],
        criteria=dict(pair.split("=") for pair in cells["criteria"].split()),
        amount=int(cells["amount"]) if cells["amount"] else None,
        citation=cells["citation"],
    )


def _value(name: str, text: str) -> Value:
    spec = vocabulary()[name]
    match spec.type:
        case FactType.BOOLEAN:
            return {"true": True, "false": False}[text]
        case FactType.INTEGER | FactType.RUPIAH:
            return int(text)
        case FactType.DATE:
            return date.fromisoformat(text)
        case FactType.CODE:
            if text not in spec.codes:
                raise ValueError(f"{name} has no code {text}")
            return text


def _enrollments(text: str, person: UUID | None) -> Iterator[Enrollment]:
    for each in text.split():
        program, _, days = each.partition("@")
        start, _, end = days.partition("..")
        yield Enrollment(
            program=program,
            person_id=person,
            started_on=date.fromisoformat(start),
            ended_on=date.fromisoformat(end) if end else None,
            source=SOURCE,
        )
