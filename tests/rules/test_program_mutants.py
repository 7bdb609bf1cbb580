"""The tables are sharp: whatever number, code or word of a shipped rule is changed, a household at a boundary notices.

Every requirement, exclusion, conflict, waitlist criterion, component and variant of every rule is changed in every place that
could be mistyped: a bound moved by one, a truth turned round, a part or a code left out, `all` and `any` exchanged, an amount
raised by a rupiah. A change that no row notices is a boundary that nobody stands on.
"""

import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests import boundaries
from tests.rules.test_program_rules import RULES

from slrt_api.programs.catalog import load_shared_exclusions
from slrt_api.programs.criteria import Rule, Unit, chosen
from slrt_api.programs.evaluation import Situation, evaluate
from slrt_api.programs.facts import vocabulary

GROUPS: Final = ("requirements", "exclusions", "conflicts", "waitlist")
#: changes that change nothing, by program: decile 1 is entitled by itself, so that the next tier may begin with it
SAME: Final = {
    "BLT-DD": {"/requirements/0/when/of/1/of/1/from = 1", "/conflicts/0/when/of/1/of/of/1/of/1/from = 1"},
}
ROWS = {program: boundaries.load(program) for program in boundaries.programs()}


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """The rule, changed in one place, and which."""
    whole = rule.model_dump(mode="json")
    for pointer, change in _places(whole):
        changed = copy.deepcopy(whole)
        change(changed)
        yield pointer, Rule.model_validate(changed)


def _places(whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    # What programs share is tried once, with PKH.
    shared = 0 if whole["program"] == "PKH" else len(load_shared_exclusions())
    found: list[tuple[str | int, ...]] = [
        (group, place)
        for group in GROUPS
        for place, part in enumerate(whole[group])
        if not (group == "exclusions" and place < shared <= len(whole[group]))
    ]
    found += [("benefit", "components", place) for place in range(len((whole["benefit"] or {}).get("components", ())))]
    for number, variant in enumerate(whole["variants"]):
        found += [
            ("variants", number, group, place)
            for group in (*GROUPS, "components")
            for place in range(len(variant[group]))
        ]
    for path in found:
        part = _at(whole, path)
        if "amount" in part:
            yield _change((*path, "amount"), part["amount"] + 1)
            if part["cap"]:
                yield _change((*path, "cap"), part["cap"] + 1)
        for key in ("when", "where"):
            if part.get(key):
                yield from _conditions(part[key], (*path, key))


def _conditions(condition: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    match condition["type"]:
        case "all" | "any" as kind:
            if len(condition["of"]) > 1:
                yield _change((*path, "type"), "any" if kind == "all" else "all")
                yield from (_without((*path, "of"), place) for place in range(len(condition["of"])))
            for place, each in enumerate(condition["of"]):
                yield from _conditions(each, (*path, "of", place))
        case "not":
            yield from _conditions(condition["of"], (*path, "of"))
        case "count":
            for end in ("at_least", "at_most"):
                if condition[end]:
                    yield _change((*path, end), condition[end] + 1)
            if condition["where"]:
                yield from _conditions(condition["where"], (*path, "where"))
        case "compare":
            value = condition["value"]
            if isinstance(value, bool):
                yield _change((*path, "value"), not value)
            elif isinstance(value, int):
                yield _change((*path, "value"), value + 1)
                yield _change((*path, "value"), value - 1)
        case "range" | "age":
            spec = vocabulary().get(condition.get("fact", ""))
            for end in ("from", "to"):
                bound = condition.get(end)
                # Past the first and the last value of the fact there is nobody.
                if bound and bound != (spec.high if spec else None):
                    yield _change((*path, end), bound + 1)
                if bound and bound != (spec.low if spec else None):
                    yield _change((*path, end), bound - 1)
        case "one_of":
            if len(condition["values"]) > 1:
                yield from (_without((*path, "values"), place) for place in range(len(condition["values"])))
        case "since":
            yield _change((*path, "months"), condition["months"] + 1)
            yield _change((*path, "months"), condition["months"] - 1)


def _change(path: tuple[str | int, ...], value: object) -> tuple[str, Any]:
    def change(whole: dict[str, Any]) -> None:
        _at(whole, path[:-1])[path[-1]] = value

    return f"/{'/'.join(map(str, path))} = {value}", change


def _without(path: tuple[str | int, ...], place: int) -> tuple[str, Any]:
    def change(whole: dict[str, Any]) -> None:
        del _at(whole, path)[place]

    return f"/{'/'.join(map(str, path))} without {place}", change


def _at(whole: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def noticed(rule: Rule, rows: list[boundaries.Row]) -> bool:
    """Whether a row wants something else than the rule says. Whoever notices comes first among the rows afterwards."""
    unit = boundaries.FIRST_MEMBER if rule.unit is Unit.PERSON else None
    for place, row in enumerate(rows):
        results = evaluate(chosen(rule, row.variants), row.household, Situation(row.day))
        (result,) = (each for each in results if each.person_id == unit)
        judged = {each.code: each.outcome.value for each in result.criteria}
        amount = result.benefit.amount if result.benefit else 0
        if (
            result.outcome != row.outcome
            or any(judged.get(code) != truth for code, truth in row.criteria.items())
            or row.amount not in {None, amount}
        ):
            # It is likely to notice the next change too, which is beside this one.
            rows.insert(0, rows.pop(place))
            return True
    return False


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.program} {rule.version}")
def test_no_change_of_a_rule_goes_unnoticed(rule: Rule) -> None:
    rows = [
        row
        for row in ROWS[rule.program]
        if rule.valid_from <= row.day and (rule.valid_to is None or row.day <= rule.valid_to)
    ]
    assert not noticed(rule, rows)
    findings = {each.code for each in rule.exclusions}
    of_findings = [row for row in rows if row.criteria.keys() & findings]
    of_the_rest = [row for row in rows if not row.criteria.keys() & findings]
    unnoticed = set()
    for place, mutant in mutants(rule):
        if place.startswith("/exclusions/"):
            seen = noticed(mutant, of_findings)
        else:
            # Findings are most of what costs time, and these rows have none.
            seen = noticed(mutant.model_copy(update={"exclusions": ()}), of_the_rest)
        if not seen:
            unnoticed.add(place)
    assert unnoticed == SAME.get(rule.program, set())
