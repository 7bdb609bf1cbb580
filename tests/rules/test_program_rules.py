"""The shipped rules, judged in Python against the tables of households at their boundaries."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError
from tests import boundaries

from slrt_api.programs.catalog import load_programs, load_rules
from slrt_api.programs.criteria import Conflict, Criterion, Dated, Enrolled, Rule, Unit, chosen
from slrt_api.programs.evaluation import Result, Situation, evaluate
from slrt_api.programs.validation import Catalog, faults

RULES = load_rules()
CODES = [program.code for program in load_programs()]
CATALOG = Catalog(programs=CODES)
ROWS = list(boundaries.every_row())
#: what says of itself that nobody looked it up
UNREAD = "no source at hand"


def rule_of(row: boundaries.Row) -> Rule:
    """The version that holds on the day of the row, with the variants that it chooses."""
    (found,) = (
        rule
        for rule in RULES
        if rule.program == row.program
        and rule.valid_from <= row.day
        and (rule.valid_to is None or row.day <= rule.valid_to)
    )
    return chosen(found, row.variants)


def judge(row: boundaries.Row) -> Result:
    """What the rule makes of the household, or of its first member where the program is a person's."""
    rule = rule_of(row)
    unit = boundaries.FIRST_MEMBER if rule.unit is Unit.PERSON else None
    (result,) = (each for each in evaluate(rule, row.household, Situation(row.day)) if each.person_id == unit)
    return result


def dated(rule: Rule) -> list[Dated]:
    """Every part of a rule that has a source of its own, those of its variants included."""
    of_rule = [*rule.requirements, *rule.exclusions, *rule.conflicts, *rule.waitlist]
    amounts = rule.benefit.components if rule.benefit else ()
    of_variants = [
        part
        for each in rule.variants
        for part in (*each.requirements, *each.exclusions, *each.conflicts, *each.waitlist, *each.components)
    ]
    return [*of_rule, *amounts, *of_variants]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_household_at_a_boundary(row: boundaries.Row) -> None:
    result = judge(row)
    judged = {each.code: each.outcome.value for each in result.criteria}
    assert {code: judged.get(code) for code in row.criteria} == row.criteria
    assert result.outcome == row.outcome
    if row.amount is not None:
        assert result.benefit is not None
        assert result.benefit.amount == row.amount


def test_every_criterion_is_seen_to_hold_and_to_fail() -> None:
    seen: dict[tuple[str, str], set[str]] = {}
    for row in ROWS:
        for each in judge(row).criteria:
            seen.setdefault((row.program, each.code), set()).add(each.outcome.value)
    own = {(rule.program, each.code) for rule in RULES for each in rule.requirements}
    assert {key for key in own if not {"TRUE", "FALSE"} <= seen[key]} == set()


def test_every_shared_exclusion_leads_to_a_verification() -> None:
    (pkh,) = (rule for rule in RULES if rule.program == "PKH" and rule.valid_to is None)
    found = {
        code
        for row in ROWS
        if row.program == "PKH" and row.outcome == "EXCLUDED_PENDING_VERIFICATION"
        for code, truth in row.criteria.items()
        if truth == "TRUE"
    }
    assert found == {each.code for each in pkh.exclusions}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.program} {rule.version}")
class TestEveryRule:
    def test_is_fit_to_be_published(self, rule: Rule) -> None:
        assert faults(rule, CATALOG) == ()

    def test_is_that_of_its_program(self, rule: Rule) -> None:
        (program,) = (each for each in load_programs() if each.code == rule.program)
        assert rule.unit == program.unit
        assert (len(rule.areas) == 1) is (program.area != 0)
        assert rule.open_to == program.open_to

    def test_says_where_each_part_is_from(self, rule: Rule) -> None:
        for part in dated(rule):
            assert part.citation.strip(), part.code
            assert part.confidence.value in {"sourced", "unverified"}, part.code

    def test_calls_nothing_sourced_that_nobody_looked_up(self, rule: Rule) -> None:
        said = [(part.citation, part.confidence) for part in dated(rule)]
        said += [(each.citation, each.confidence) for each in rule.variants]
        said += [(each.citation, each.confidence) for each in rule.quotas]
        said += [(each.citation, each.confidence) for each in rule.documents]
        for citation, confidence in [*said, (rule.citation, rule.confidence)]:
            assert (UNREAD in citation) <= (confidence == "unverified"), citation

    def test_is_written_as_it_is_stored(self, rule: Rule) -> None:
        assert Rule.model_validate_json(rule.model_dump_json()) == rule


def test_every_program_has_rules_and_no_day_has_two() -> None:
    versions = Counter(rule.program for rule in RULES)
    assert set(versions) == set(CODES)
    for program in versions:
        held = sorted((rule for rule in RULES if rule.program == program), key=lambda rule: rule.valid_from)
        assert all(before.valid_to and before.valid_to < after.valid_from for before, after in pairwise(held))


def test_sources_that_disagree_are_variants() -> None:
    variants = {(rule.program, variant.code) for rule in RULES for variant in rule.variants}
    assert {("SEMBAKO", "DESIL_5"), ("PKH", "OLDER_PERSON_70")} <= variants
    told = {(row.program, variant) for row in ROWS for variant in row.variants}
    assert variants == told


def test_what_cannot_be_received_together() -> None:
    conflicts = {(rule.program, each.program) for rule in RULES for each in rule.conflicts}
    assert conflicts == {("BLT-DD", "PKH"), ("BPUM", "BPUM"), ("PRAKERJA", "PRAKERJA")}


class TestTheFormItself:
    @pytest.mark.parametrize("member", ["citation", "confidence", "valid_from", "label", "when"])
    def test_a_criterion_without_its_source_is_no_criterion(self, member: str) -> None:
        given: dict[str, Any] = json.loads(RULES[0].requirements[0].model_dump_json())
        assert Criterion.model_validate(given) == RULES[0].requirements[0]
        del given[member]
        with pytest.raises(ValidationError):
            Criterion.model_validate(given)

    def test_a_conflict_with_the_program_itself_says_when(self) -> None:
        (bpum,) = (rule for rule in RULES if rule.program == "BPUM")
        (conflict,) = bpum.conflicts
        assert conflict.condition == Enrolled(program="BPUM")
        bare = Conflict.model_validate({**conflict.model_dump(), "when": None})
        found = faults(bpum.model_copy(update={"conflicts": (bare,)}), CATALOG)
        assert [fault.pointer for fault in found] == ["/conflicts/0/program"]
