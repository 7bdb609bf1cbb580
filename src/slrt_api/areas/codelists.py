"""Code lists and the catalog of services: reference data, like the areas, and kept beside them for that reason.

Every code has a label in Indonesian and English and names the instrument it comes from, because two questionnaires
number the same answers differently. Reads package data only.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType


class Selection(StrEnum):
    """How an answer is stored: one code, or the sum of several codes that are powers of two."""

    ONE = "ONE"
    BIT_SUM = "BIT_SUM"


class Confidence(StrEnum):
    """How far a row can be trusted: read in a source, from general knowledge only, or chosen by this project."""

    SOURCED = "SOURCED"
    UNVERIFIED = "UNVERIFIED"
    DESIGN = "DESIGN"


@dataclass(frozen=True, slots=True)
class CodeItem:
    """One code of a list.

    parent           code that it belongs to (the category of a complaint's subtype), or None
    instrument_code  how the instrument itself numbers the answer, or None where the code is ours
    """

    code: str
    position: int
    label_id: str
    label_en: str
    parent: str | None
    instrument_code: str | None
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list of codes in order. `instrument` is SLRT for our own."""

    name: str
    instrument: str
    selection: Selection
    items: tuple[CodeItem, ...]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(item.code for item in self.items)


class QuestionType(StrEnum):
    """How a question is answered: one code, a set of codes, codes in order that may repeat, a whole number, or a day."""

    CODE = "CODE"
    CODES = "CODES"
    LIST = "LIST"
    NUMBER = "NUMBER"
    DATE = "DATE"


class Subject(StrEnum):
    """Whom a question is about."""

    HOUSEHOLD = "HOUSEHOLD"
    PERSON = "PERSON"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of an instrument whose answers are coded.

    list_name  the code list of its answers; None for a number or a day
    low, high  bounds of a number, or of how many codes a LIST has; None for the others
    special    special data (UU 27/2022, article 4): health, disability. Which questions are is this project's choice
    """

    instrument: str
    code: str
    subject: Subject
    type: QuestionType
    list_name: str | None
    low: int | None
    high: int | None
    special: bool
    label_id: str
    label_en: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of service that a need asks for and an organization offers.

    domain   one of the four domains
    special  that a person needs it is special data (UU 27/2022, article 4): it tells of health, disability, drugs, violence
             suffered, or a child in danger. Which services do is this project's choice
    """

    code: str
    domain: str
    label_id: str
    label_en: str
    special: bool


@cache
def load_code_lists() -> Mapping[str, CodeList]:
    """All code lists by name."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in _rows("code-lists.csv"):
        rows.setdefault(row["name"], []).append(row)
    lists = {name: _code_list(name, members) for name, members in rows.items()}
    return MappingProxyType(lists | _question_lists())


@cache
def load_questions() -> Mapping[tuple[str, str], Question]:
    """Every question by instrument and code. Of DTSEN39 there is none: its 39 variables are not published."""
    questions = (
        Question(
            instrument=row["instrument"],
            code=row["question"],
            subject=Subject(row["subject"]),
            type=QuestionType(row["type"]),
            list_name=row["list"] or None,
            low=int(row["low"]) if row["low"] else None,
            high=int(row["high"]) if row["high"] else None,
            special=row["special"] == "true",
            label_id=row["label_id"],
            label_en=row["label_en"],
            source=row["source"],
            confidence=Confidence(row["confidence"].upper()),
        )
        for row in _rows("questions.csv")
    )
    return MappingProxyType({(question.instrument, question.code): question for question in questions})


def _question_lists() -> dict[str, CodeList]:
    """The questions as code lists, such as `questions-regsosek2022k-person`: what may be answered. The parent of one is the
    code list of its answers."""
    found: dict[str, list[CodeItem]] = {}
    instruments: dict[str, str] = {}
    for question in load_questions().values():
        name = f"questions-{question.instrument}-{question.subject}".lower()
        instruments[name] = question.instrument
        items = found.setdefault(name, [])
        items.append(
            CodeItem(
                code=question.code,
                position=len(items) + 1,
                label_id=question.label_id,
                label_en=question.label_en,
                parent=question.list_name,
                instrument_code=question.code,
                source=question.source,
                confidence=question.confidence,
            )
        )
    return {name: CodeList(name, instruments[name], Selection.ONE, tuple(items)) for name, items in found.items()}


@cache
def load_services() -> tuple[Service, ...]:
    """The catalog of services, domain by domain."""
    return tuple(
        Service(row["code"], row["domain"], row["label_id"], row["label_en"], row["special"] == "true")
        for row in _rows("services.csv")
    )


@cache
def special_services() -> tuple[str, ...]:
    """Codes of the services that are special data."""
    return tuple(sorted(service.code for service in load_services() if service.special))


def redacted_of_special(column: str) -> str:
    """SQL template of a shape's field that is null in rows whose `column` names a special service."""
    listed = ", ".join(f"'{code}'" for code in special_services())
    return f"(CASE WHEN {{t}}.{column} IN ({listed}) THEN NULL ELSE {{v}} END)"


def _code_list(name: str, rows: list[dict[str, str]]) -> CodeList:
    items = tuple(
        CodeItem(
            code=row["code"],
            position=int(row["position"]),
            label_id=row["label_id"],
            label_en=row["label_en"],
            parent=row["parent"] or None,
            instrument_code=row["instrument_code"] or None,
            source=row["source"],
            confidence=Confidence(row["confidence"].upper()),
        )
        for row in rows
    )
    return CodeList(name, rows[0]["instrument"], Selection(rows[0]["selection"]), items)


def _rows(table: str) -> Iterator[dict[str, str]]:
    with (files("slrt_api.areas") / "data" / table).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
