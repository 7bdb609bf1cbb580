"""What a check keeps, as JSON: the facts that the rules saw, and the answer that people read. Pure, and the same bytes each time.

The answer has two forms: the whole one, and the open one without what rests on special data (UU 27/2022, article 4), for those
who do not work on cases.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson

from slrt_api.areas.codes import area_code
from slrt_api.kernel.criteria import Truth
from slrt_api.programs import evaluation, lowering
from slrt_api.programs.criteria import Component, Condition, Rule
from slrt_api.programs.evaluation import Judged, Result, Situation, Used
from slrt_api.programs.facts import Enrollment, FactType, HouseholdFacts, PersonFacts, Told, Value, vocabulary

#: raised when the evaluation comes to other answers, or writes the same ones otherwise
ENGINE: Final = 1
#: rules by what they are as objects, each with the codes of its criteria that rest on special data
_SPECIAL: Final[dict[int, tuple[Rule, frozenset[str]]]] = {}
_SPECIAL_KEPT: Final = 1_000
_TRUTHS: Final[Mapping[Truth, bool | None]] = {Truth.TRUE: True, Truth.FALSE: False, Truth.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A rule that was judged by: its version, as it stood with the variants of the regency.

    rule  None where the program has no version in force on the day, as `version_id` and `digest` of the version then are
    """

    program: str
    version_id: UUID | None
    digest: str | None
    variants: tuple[str, ...]
    rule: Rule | None


def encoded(content: object) -> bytes:
    """JSON that is the same bytes for the same content: members by name, nothing between them."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def digest(content: object) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(encoded(content)).hexdigest()


# What the rules saw -----------------------------------------------------------------------------------------------------


def inputs(facts: HouseholdFacts, situation: Situation) -> dict[str, Any]:
    """Facts and situation as JSON; `inputs_of` reads them back."""
    return {
        "household": {
            "id": str(facts.id),
            "regency": facts.regency,
            "area": facts.area,
            "facts": _told(facts.facts),
            "members": [{"id": str(each.id), "facts": _told(each.facts)} for each in facts.members],
            "enrollments": [
                {
                    "program": each.program,
                    "person_id": _plain(each.person_id),
                    "started_on": _plain(each.started_on),
                    "ended_on": _plain(each.ended_on),
                    "source": each.source,
                    "as_of": _plain(each.as_of),
                }
                for each in facts.enrollments
            ],
            "enrollments_of": {program: day.isoformat() for program, day in sorted(facts.enrollments_of.items())},
        },
        "on": situation.on.isoformat(),
        "full": {program: [list(each) for each in ranges] for program, ranges in sorted(situation.full.items())},
    }


def inputs_of(content: Mapping[str, Any]) -> tuple[HouseholdFacts, Situation]:
    """The facts and the situation that `inputs` wrote."""
    household = content["household"]
    facts = HouseholdFacts(
        id=UUID(household["id"]),
        regency=household["regency"],
        area=household["area"],
        facts=_facts(household["facts"]),
        members=tuple(PersonFacts(UUID(each["id"]), _facts(each["facts"])) for each in household["members"]),
        enrollments=tuple(
            Enrollment(
                program=each["program"],
                person_id=UUID(each["person_id"]) if each["person_id"] else None,
                started_on=date.fromisoformat(each["started_on"]),
                ended_on=_day(each["ended_on"]),
                source=each["source"],
                as_of=_day(each["as_of"]),
            )
            for each in household["enrollments"]
        ),
        enrollments_of={program: date.fromisoformat(day) for program, day in household["enrollments_of"].items()},
    )
    full = {program: tuple((low, high) for low, high in ranges) for program, ranges in content["full"].items()}
    return facts, Situation(on=date.fromisoformat(content["on"]), full=full)


def _told(facts: Mapping[str, Told]) -> dict[str, Any]:
    return {name: [_plain(told.value), told.source, _plain(told.as_of)] for name, told in sorted(facts.items())}


def _facts(content: Mapping[str, Sequence[Any]]) -> dict[str, Told]:
    known = vocabulary()
    return {
        name: Told(
            date.fromisoformat(value) if known[name].type is FactType.DATE else value,
            source,
            _day(as_of),
        )
        for name, (value, source, as_of) in content.items()
    }


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _plain(value: Value | UUID | None) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


# What people read -------------------------------------------------------------------------------------------------------


def answer(judgements: Iterable[Judgement], facts: HouseholdFacts, situation: Situation) -> list[dict[str, Any]]:
    """The whole answer: one line for each program and unit, in the order of `judgements`."""
    known = evaluation.Judgments(facts, situation.on)
    # What several lines tell of a criterion is written once; each stays alive in `known` meanwhile.
    criteria: dict[int, dict[str, Any]] = {}
    lines: list[dict[str, Any]] = []
    for each in judgements:
        if each.rule is None:
            lines.append(_without_rule(each))
            continue
        results = evaluation.evaluate(each.rule, facts, situation, known)
        lines += [_line(each, result, criteria) for result in results]
    return lines


def opened(judgements: Iterable[Judgement], lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`lines` of `answer` without what rests on special data: criteria say that they are `withheld`."""
    rules = {each.program: (each.rule, _special(each.rule)) for each in judgements}
    return [_opened(*rules[line["program_code"]], line) for line in lines]


def outcomes(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By program and unit what came out, without any fact."""
    return [
        {name: line[name] for name in ("program_code", "version", "unit", "person_id", "outcome", "missing")}
        for line in lines
    ]


def _without_rule(judgement: Judgement) -> dict[str, Any]:
    return {
        "program_code": judgement.program,
        "version": None,
        "version_id": None,
        "variants": [],
        "unit": None,
        "person_id": None,
        "outcome": "INDETERMINATE",
        "merits": "INDETERMINATE",
        "receiving": "UNKNOWN",
        "criteria": [],
        "missing": ["rule"],
        "would_change_if": [],
        "benefit": None,
    }


def _line(judgement: Judgement, result: Result, criteria: dict[int, dict[str, Any]]) -> dict[str, Any]:
    # Without its criteria, which are told otherwise here: they are most of it.
    plain = evaluation.as_json(replace(result, criteria=()))
    plain["version_id"] = _plain(judgement.version_id)
    plain["variants"] = list(judgement.variants)
    for each in result.criteria:
        if id(each) not in criteria:
            criteria[id(each)] = _criterion(each)
    plain["criteria"] = [criteria[id(each)] for each in result.criteria]
    return plain


def _criterion(judged: Judged) -> dict[str, Any]:
    # Of one fact its value is the criterion's; of several they stand in `used`, each with whose it is.
    (only,) = judged.used if len(judged.used) == 1 else (None,)
    return {
        "code": judged.code,
        "group": judged.group.value,
        "outcome": _TRUTHS[judged.outcome],
        "truth": judged.outcome.value,
        "value": None if only is None else _shown(only),
        "source": None if only is None else only.source,
        "as_of": None if only is None else _plain(only.as_of),
        "used": [_used(each) for each in judged.used],
        "missing": sorted({each.fact for each in judged.missing}),
        "citation": judged.citation,
        "confidence": judged.confidence,
        "withheld": False,
    }


def _used(used: Used) -> dict[str, Any]:
    return {
        "fact": used.fact,
        "person_id": _plain(used.person_id),
        "value": _shown(used),
        "source": used.source,
        "as_of": _plain(used.as_of),
    }


def _shown(used: Used) -> Any:
    if used.fact == "area" and isinstance(used.value, int):
        return str(area_code(used.value))
    return _plain(used.value)


def _special(rule: Rule | None) -> frozenset[str]:
    """The codes of criteria that rest on special data."""
    if rule is None:
        return frozenset()
    known = _SPECIAL.get(id(rule))
    if known is None:
        if len(_SPECIAL) >= _SPECIAL_KEPT:
            _SPECIAL.clear()
        groups = (rule.requirements, rule.exclusions, rule.conflicts, rule.waitlist)
        codes = frozenset(each.code for group in groups for each in group if _is_special(lowering.condition_of(each)))
        known = _SPECIAL[id(rule)] = rule, codes
    return known[1]


def _opened(rule: Rule | None, special: frozenset[str], line: Mapping[str, Any]) -> dict[str, Any]:
    if rule is None:
        return dict(line)
    shown = dict(line)
    shown["criteria"] = [
        {
            **each,
            "outcome": None,
            "truth": None,
            "value": None,
            "source": None,
            "as_of": None,
            "used": [],
            "missing": [],
            "withheld": True,
        }
        if each["code"] in special
        else each
        for each in line["criteria"]
    ]
    shown["missing"] = [name for name in line["missing"] if name not in vocabulary() or not vocabulary()[name].special]
    shown["would_change_if"] = [each for each in line["would_change_if"] if each["criterion"] not in special]
    # An amount is the sum of its components: with one of them it would tell.
    if line["benefit"] is not None and rule.benefit is not None and any(map(_tells, rule.benefit.components)):
        shown["benefit"] = None
    return shown


def _tells(component: Component) -> bool:
    return component.where is not None and _is_special(component.where)


def _is_special(condition: Condition) -> bool:
    parts = lowering.parts(condition)
    if parts:
        return any(map(_is_special, parts))
    fact = getattr(condition, "fact", None)
    return fact is not None and fact in vocabulary() and vocabulary()[fact].special
