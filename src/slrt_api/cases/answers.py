"""Answers against the form that asks for them, and the score that its declared weights make. Pure.

A form is a JSON Schema (2020-12) of one flat object, in the few words that are read here; a form that uses any other word is
refused when it is loaded, so that nothing of what is published goes unchecked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

#: a place in the answers and what is wrong there, as faults name it
Unfit = tuple[str | None, str]

_FORM: Final = frozenset({"$schema", "type", "properties", "required", "additionalProperties", "x-label"})
_ANSWER: Final = frozenset(
    {"type", "oneOf", "minimum", "maximum", "items", "minItems", "maxItems", "uniqueItems", "maxLength", "format"}
) | {"x-label", "x-source", "x-special"}
_OPTION: Final = frozenset({"const", "x-label"})
_LABEL: Final = frozenset({"id", "en"})
_TYPES: Final = frozenset({"boolean", "integer", "string", "array"})
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Part:
    """What one answer adds to a score."""

    question: str
    answer: str
    points: int


@dataclass(frozen=True)
class Score:
    """A score, the most that it can be, and its parts."""

    points: int
    most: int
    parts: tuple[Part, ...]

    def plain(self) -> dict[str, Any]:
        """As it is kept with the answers."""
        parts = [{"question": each.question, "answer": each.answer, "points": each.points} for each in self.parts]
        return {"points": self.points, "most": self.most, "parts": parts}


def check_form(form: Mapping[str, Any]) -> None:
    """Raises ValueError for a form that is not of the kind that is read here, or leaves a question or code unlabeled."""
    _words("form", form, _FORM)
    if form.get("type") != "object" or form.get("additionalProperties") is not False:
        raise ValueError("a form is an object, closed to other members")
    if not set(form.get("required", ())) <= set(form["properties"]):
        raise ValueError("what is required has to be asked")
    for name, question in form["properties"].items():
        _check_question(name, question)


def check_score(form: Mapping[str, Any], score: Mapping[str, Any]) -> None:
    """Raises ValueError unless each question with weights is required, and has one weight for each of its codes."""
    for name, weights in score["weights"].items():
        codes = [option["const"] for option in form["properties"][name]["oneOf"]]
        if name not in form["required"] or sorted(codes) != sorted(weights):
            raise ValueError(f"{name}: needs an answer, and a weight for each of its codes")
    if not score.get("citation") or not score.get("confidence"):
        raise ValueError("a score says where its weights come from")


def in_codes(form: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers with codes as texts: a whole number stands for the code that is written like it; null is no answer."""
    return {
        name: _coded(form["properties"].get(name, {}), given) for name, given in answers.items() if given is not None
    }


def unfit(form: Mapping[str, Any], answers: Mapping[str, Any]) -> list[Unfit]:
    """Everything that is wrong with the answers; the place of what names no question is None."""
    found: list[Unfit] = [(name, "required") for name in form.get("required", ()) if name not in answers]
    for name, given in answers.items():
        question = form["properties"].get(name)
        if question is None:
            found.append((None, "question_unknown"))
        elif (code := _wrong(question, given)) is not None:
            found.append((name, code))
    return found


def scored(score: Mapping[str, Any], answers: Mapping[str, Any]) -> Score:
    """The score of answers that fit their form."""
    weights: Mapping[str, Mapping[str, int]] = score["weights"]
    parts = tuple(Part(name, answers[name], of[answers[name]]) for name, of in weights.items())
    return Score(sum(part.points for part in parts), sum(max(of.values()) for of in weights.values()), parts)


def _wrong(question: Mapping[str, Any], given: Any) -> str | None:
    """What is wrong with one value, or None."""
    if "oneOf" in question:
        return None if isinstance(given, str) and given in _codes(question) else "unknown_code"
    return _mistyped(question, given)


def _mistyped(question: Mapping[str, Any], given: Any) -> str | None:
    wanted = question["type"]
    if wanted == "array" and isinstance(given, list):
        return _wrong_items(question, given)
    if wanted == "boolean" and isinstance(given, bool):
        return None
    if wanted == "integer" and isinstance(given, int) and not isinstance(given, bool):
        return None if question.get("minimum", given) <= given <= question.get("maximum", given) else "range"
    if wanted == "string" and isinstance(given, str):
        if question.get("format") == "date":
            return None if _is_day(given) else "type"
        return None if len(given) <= question.get("maxLength", len(given)) else "range"
    return "type"


def _wrong_items(question: Mapping[str, Any], given: Sequence[Any]) -> str | None:
    codes = [_wrong(question["items"], each) for each in given]
    if any(codes):
        return next(code for code in codes if code)
    if not question.get("minItems", 0) <= len(given) <= question.get("maxItems", len(given)):
        return "items"
    if question.get("uniqueItems") and len(set(given)) < len(given):
        return "items"
    return None


def _codes(question: Mapping[str, Any]) -> list[str]:
    return [option["const"] for option in question["oneOf"]]


def _coded(question: Mapping[str, Any], given: Any) -> Any:
    if (
        "oneOf" in question
        and isinstance(given, int)
        and not isinstance(given, bool)
        and str(given) in _codes(question)
    ):
        return str(given)
    if question.get("type") == "array" and isinstance(given, list):
        return [_coded(question["items"], each) for each in given]
    return given


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_question(name: str, question: Mapping[str, Any]) -> None:
    _words(name, question, _ANSWER)
    _label(name, question)
    _check_value(name, question)


def _check_value(name: str, value: Mapping[str, Any]) -> None:
    if "oneOf" in value:
        for option in value["oneOf"]:
            _words(name, option, _OPTION)
            _label(f"{name} {option['const']}", option)
        if len(set(_codes(value))) < len(_codes(value)):
            raise ValueError(f"{name}: a code stands twice")
        return
    if value.get("type") not in _TYPES:
        raise ValueError(f"{name}: no type that is read here")
    if value["type"] == "array":
        _words(name, value["items"], _ANSWER)
        _check_value(name, value["items"])
    if value.get("format", "date") != "date":
        raise ValueError(f"{name}: no format that is read here")


def _words(name: str, of: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := set(of) - known:
        raise ValueError(f"{name}: {sorted(unknown)} is not read here")


def _label(name: str, of: Mapping[str, Any]) -> None:
    label = of.get("x-label", {})
    if set(label) != _LABEL or not all(label.values()):
        raise ValueError(f"{name}: needs a label in both languages")
