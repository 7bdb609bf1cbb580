"""Facts that coded answers tell, whichever questionnaire asked: `data/fact-answers.csv`. Pure.

Our own instrument has a question of the name of each fact that is answered; where that and others tell it, the newest answer
counts, and on one day our own. Several questions of one instrument on a fact that is yes or no make it true together when one of
them does: nine difficulties are one disability. An answer of which the map says nothing leaves the fact unknown.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from slrt_api.areas.codelists import load_questions
from slrt_api.programs.facts import FactType, Origin, Spec, Subject, Told, Value, vocabulary

OWN: Final = "SLRT"
#: stands for every code that is not named
OTHERS: Final = "*"
#: as `answers` of households keeps it
Answer = str | int | list[str]


class Kind(StrEnum):
    """How an answer tells a fact."""

    #: it is the value
    SAME = "SAME"
    #: its code stands for a value
    MAP = "MAP"
    #: the first of these codes that is among the answer's stands for a value
    HAS = "HAS"
    #: the greatest of the values that its codes stand for
    GREATEST = "GREATEST"
    #: how many codes it has
    SIZE = "SIZE"


@dataclass(frozen=True, slots=True)
class Source:
    """A question that tells a fact. `values`: code -> value, in order of precedence."""

    instrument: str
    question: str
    kind: Kind
    values: Mapping[str, Value]

    def read(self, answer: Answer) -> Value | None:
        """The value of the fact, or None where the answer does not tell it."""
        match self.kind:
            case Kind.MAP:
                return self.values.get(str(answer), self.values.get(OTHERS))
            case Kind.SIZE:
                return len(answer) if isinstance(answer, list) else None
            case Kind.HAS | Kind.GREATEST:
                found = [value for code, value in self.values.items() if isinstance(answer, list) and code in answer]
                if not found:
                    return None
                return found[0] if self.kind is Kind.HAS else max(int(str(value)) for value in found)
            case Kind.SAME:
                return answer if isinstance(answer, str | int) else None


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that holds, and where it is from."""

    value: Answer
    source: str
    as_of: date


@cache
def sources() -> Mapping[str, Sequence[Sequence[Source]]]:
    """Fact -> what may tell it, by instrument, our own first. Questions of one instrument are asked together."""
    found: dict[str, dict[str, list[Source]]] = {}
    for spec in vocabulary().values():
        if spec.origin is Origin.ANSWER and (OWN, spec.name) in load_questions():
            yes_no: dict[str, Value] = {"YES": True, "NO": False}
            boolean = spec.type is FactType.BOOLEAN
            own = Source(OWN, spec.name, Kind.MAP if boolean else Kind.SAME, yes_no if boolean else {})
            found[spec.name] = {OWN: [own]}
    for (fact, instrument, question, kind), values in _mapped().items():
        typed = {code: _typed(fact, value) for code, value in values.items()}
        found.setdefault(fact, {}).setdefault(instrument, []).append(Source(instrument, question, Kind(kind), typed))
    return MappingProxyType({fact: tuple(map(tuple, groups.values())) for fact, groups in found.items()})


def facts_of(subject: Subject, answers: Mapping[tuple[str, str], Given]) -> dict[str, Told]:
    """The facts that answers of one household or person tell, by instrument and question."""
    found: dict[str, Told] = {}
    if not answers:
        return found
    for fact, groups in sources().items():
        if vocabulary()[fact].subject is not subject:
            continue
        told = [each for group in groups if (each := _of_group(fact, group, answers)) is not None]
        if told:
            # `max` keeps the first of equals, which is our own.
            found[fact] = max(told, key=lambda each: each.as_of or date.min)
    return found


def _of_group(fact: str, group: Sequence[Source], answers: Mapping[tuple[str, str], Given]) -> Told | None:
    known = []
    for source in group:
        given = answers.get((source.instrument, source.question))
        value = None if given is None else source.read(given.value)
        if given is not None and value is not None:
            if vocabulary()[fact].type is FactType.DATE:
                value = date.fromisoformat(str(value))
            known.append(Told(value, f"{source.instrument} {source.question} {given.source}", given.as_of))
    if len(group) == 1:
        return known[0] if known else None
    true = next((each for each in known if each.value is True), None)
    # None of them is only known when all are: an unasked difficulty may be one.
    decides = true or (known[0] if len(known) == len(group) else None)
    if decides is None:
        return None
    return Told(decides.value, decides.source, max(each.as_of for each in known if each.as_of is not None))


def _mapped() -> dict[tuple[str, str, str, str], dict[str, str]]:
    found: dict[tuple[str, str, str, str], dict[str, str]] = {}
    with (files("slrt_api.programs") / "data" / "fact-answers.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            values = found.setdefault((row["fact"], row["instrument"], row["question"], row["kind"]), {})
            if row["code"]:
                values[row["code"]] = row["value"]
    return found


def _typed(fact: str, text: str) -> Value:
    match vocabulary()[fact].type:
        case FactType.BOOLEAN:
            return text == "true"
        case FactType.INTEGER | FactType.RUPIAH:
            return int(text)
        case _:
            return text


def described() -> str:
    """The vocabulary for those who write rules, as Markdown: `docs/facts.md`."""
    lines = [
        "# Facts that rules may ask for",
        "",
        (
            "Made from `programs/data/facts.csv` and `programs/data/fact-answers.csv` by `python -m slrt_api.programs.answers`;"
            " a test compares it."
        ),
        (
            "What is not known has no value: no fact has a default. Facts that are answered have a question of their name in the"
            " instrument"
        ),
        "`SLRT`; where other questionnaires tell them too, the newest answer counts.",
    ]
    for subject, title in ((Subject.HOUSEHOLD, "Of a household"), (Subject.PERSON, "Of a person")):
        lines += ["", f"## {title}", "", "| fact | what it is | values | from |", "|---|---|---|---|"]
        for spec in vocabulary().values():
            if spec.subject is subject:
                special = " (special data)" if spec.special else ""
                lines.append(f"| `{spec.name}` | {spec.label_en}{special} | {_values(spec)} | {_told_by(spec)} |")
    return "\n".join(lines) + "\n"


def _values(spec: Spec) -> str:
    match spec.type:
        case FactType.CODE:
            return f"code of `{spec.list_name}`"
        case FactType.BOOLEAN:
            return "`true`, `false`"
        case FactType.DATE:
            return "`YYYY-MM-DD`"
        case _:
            unit = " rupiah" if spec.type is FactType.RUPIAH else ""
            return f"{spec.low} to {spec.high}{unit}"


def _told_by(spec: Spec) -> str:
    if spec.origin is not Origin.ANSWER:
        return {
            Origin.REGISTRY: "the newest release of the national registry",
            Origin.CIVIL: "the civil registry",
            Origin.PERSON: "the person's own data",
            Origin.HOUSEHOLD: "the household's own data",
        }[spec.origin]
    asked: dict[str, list[str]] = {}
    for source in (each for group in sources().get(spec.name, ()) for each in group):
        asked.setdefault(source.instrument, []).append(source.question)
    return "; ".join(f"{instrument} {', '.join(questions)}" for instrument, questions in asked.items())


if __name__ == "__main__":
    print(described(), end="")
