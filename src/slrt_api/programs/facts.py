"""Facts that rules of eligibility speak of: their vocabulary, and a household with what is known of it on a day.

Rules see `HouseholdFacts` and never tables. What is not known is not there: no fact has a default, so that a family without a
decile is neither poor nor rich. The vocabulary is data (`data/facts.csv`); publishing checks rules against it, and the guide
for those who write rules is made from it. Pure.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from uuid import UUID

from slrt_api.areas.codelists import load_code_lists

#: a value of a fact; amounts are whole rupiah
Value = bool | int | str | date


class Subject(StrEnum):
    """Whom a fact is about."""

    HOUSEHOLD = "HOUSEHOLD"
    PERSON = "PERSON"


class FactType(StrEnum):
    """How a fact is written. RUPIAH is an integer that people read as money."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    RUPIAH = "RUPIAH"
    DATE = "DATE"
    CODE = "CODE"

    @property
    def ordered(self) -> bool:
        """Whether its values can be compared by order. Codes cannot: their order means nothing."""
        return self in {FactType.INTEGER, FactType.RUPIAH, FactType.DATE}


class Origin(StrEnum):
    """Where a fact comes from."""

    #: the household's own row
    HOUSEHOLD = "HOUSEHOLD"
    #: the person's own row and membership
    PERSON = "PERSON"
    #: the newest release of the national registry
    REGISTRY = "REGISTRY"
    #: the civil registry
    CIVIL = "CIVIL"
    #: coded answers (`data/fact-answers.csv`); our own instrument SLRT has a question of the fact's name
    ANSWER = "ANSWER"


@dataclass(frozen=True, slots=True)
class Spec:
    """What a fact is.

    low, high  the least and the greatest value, of numbers
    codes      the codes that it may have, of CODE; `list_name` is their code list
    special    special data (UU 27/2022, article 4)
    """

    name: str
    subject: Subject
    type: FactType
    low: int | None
    high: int | None
    list_name: str | None
    codes: frozenset[str]
    special: bool
    origin: Origin
    label_id: str
    label_en: str


@cache
def vocabulary() -> Mapping[str, Spec]:
    """Every fact by its name. A name is of one subject only."""
    lists = load_code_lists()
    with (files("slrt_api.programs") / "data" / "facts.csv").open(encoding="utf-8") as lines:
        specs = [
            Spec(
                name=row["name"],
                subject=Subject(row["subject"]),
                type=FactType(row["type"]),
                low=int(row["low"]) if row["low"] else None,
                high=int(row["high"]) if row["high"] else None,
                list_name=row["list"] or None,
                codes=lists[row["list"]].codes if row["list"] else frozenset(),
                special=row["special"] == "true",
                origin=Origin(row["origin"]),
                label_id=row["label_id"],
                label_en=row["label_en"],
            )
            for row in csv.DictReader(lines)
        ]
    return MappingProxyType({spec.name: spec for spec in specs})


@dataclass(frozen=True, slots=True)
class Told:
    """A known value: who told it, and of which day it is known.

    source  such as `DTSEN 2026-Q3`, `REGSOSEK2022K 410 DECLARED`, or `DOCUMENT` of a column
    """

    value: Value
    source: str
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Enrollment:
    """That the household, or a person of it, receives a program.

    person_id   the person who receives it; None where the household does
    started_on  its first day; ended_on its last, None while it goes on
    source      who told it
    """

    program: str
    person_id: UUID | None
    started_on: date
    ended_on: date | None
    source: str
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """An active member of the household: the facts that are known, by name."""

    id: UUID
    facts: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HouseholdFacts:
    """What is known of one household on one day. Frozen: an evaluation is a function of it, the rule and the day.

    area            ten digits
    facts           known facts of the household, by name
    members         active members, in the order of their ids; there are no others
    enrollments     what household and members receive or have received
    enrollments_of  program -> the day of which a whole list of its recipients is known. Who is in no enrollment of such a
                    program does not receive it; of any other program that is not known
    """

    id: UUID
    regency: int
    area: int
    facts: Mapping[str, Told] = field(default_factory=dict)
    members: tuple[PersonFacts, ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    enrollments_of: Mapping[str, date] = field(default_factory=dict)
