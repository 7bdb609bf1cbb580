"""Rules that must not be published: each fault by its place, and what is sound passes."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.eligibility import criterion, faulty, rule

from slrt_api.kernel.errors import Fault
from slrt_api.programs import catalog
from slrt_api.programs.criteria import Rule
from slrt_api.programs.validation import Catalog, faults

AT = "/requirements/0/when"


def asked(when: dict[str, Any], unit: str = "FAMILY") -> list[tuple[str, str]]:
    return faulty(rule(criterion("ASKED", when), unit=unit))


def count(where: dict[str, Any] | None, **ends: Any) -> dict[str, Any]:
    return {"type": "count", "where": where, **(ends or {"at_least": 1})}


def compare(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"type": "compare", "fact": fact, "op": op, "value": value}


def both(*of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "all", "of": of}


def of_age(low: int | None, high: int | None = None, **others: Any) -> dict[str, Any]:
    return {"type": "age", "from": low, "to": high, **others}


@pytest.mark.parametrize(
    ("when", "place", "code"),
    [
        # what facts there are, and of what type
        (compare("wealth", "=", 1), "/fact", "fact_unknown"),
        (compare("desil", "=", "1"), "/value", "type"),
        (compare("desil", "=", True), "/value", "type"),
        (compare("owns_house", "=", 1), "/value", "type"),
        (compare("floor_material", "=", "99"), "/value", "unknown_code"),
        (compare("floor_material", "<", "2"), "/op", "fact_not_ordered"),
        (compare("owns_house", ">=", True), "/op", "fact_not_ordered"),
        ({"type": "range", "fact": "registry_status", "from": "NOT_FOUND"}, "/fact", "fact_not_ordered"),
        ({"type": "one_of", "fact": "registry_status", "values": ["NOT_FOUND", "GONE"]}, "/values/1", "unknown_code"),
        ({"type": "one_of", "fact": "registry_status", "values": []}, "/values", "items"),
        ({"type": "one_of", "fact": "desil", "values": [1, 1]}, "/values", "items"),
        ({"type": "since", "fact": "desil", "months": 3}, "/fact", "type"),
        # what no value can be
        (compare("desil", "<", 1), "", "condition_impossible"),
        (compare("desil", "<", 0), "/value", "range"),
        (compare("desil", "<=", 11), "/value", "range"),
        (compare("desil", ">", 10), "", "condition_impossible"),
        ({"type": "range", "fact": "desil", "from": 4, "to": 2}, "", "condition_impossible"),
        ({"type": "range", "fact": "desil"}, "", "group_empty"),
        (both(compare("desil", "<=", 3), compare("desil", ">=", 4)), "", "condition_impossible"),
        (both(compare("desil", "<=", 3), both(compare("desil", ">", 3))), "", "condition_impossible"),
        (both(compare("owns_house", "=", True), compare("owns_house", "<>", True)), "", "condition_impossible"),
        (
            both(compare("owns_house", "=", True), {"type": "not", "of": compare("owns_house", "=", True)}),
            "",
            "condition_impossible",
        ),
        (
            both(
                {"type": "one_of", "fact": "registry_status", "values": ["NOT_FOUND"]},
                compare("registry_status", "=", "AMBIGUOUS"),
            ),
            "",
            "condition_impossible",
        ),
        (both({"type": "area", "codes": ["31"]}, {"type": "area", "codes": ["33.26"]}), "", "condition_impossible"),
        (count(both(of_age(70), of_age(None, 60))), "/where", "condition_impossible"),
        (count(of_age(60, 50)), "/where", "condition_impossible"),
        (count(of_age(151)), "/where/from", "range"),
        (count(of_age(None)), "/where", "group_empty"),
        (count(None, at_least=3, at_most=2), "", "condition_impossible"),
        (count(None, at_least=0), "/at_least", "range"),
        (count(None, at_most=None), "", "group_empty"),
        # groups
        (both(), "/of", "group_empty"),
        ({"type": "any", "of": []}, "/of", "group_empty"),
        # whom a fact is about
        (compare("pregnant", "=", True), "/fact", "fact_out_of_place"),
        (of_age(60), "", "fact_out_of_place"),
        (count(compare("desil", "=", 1)), "/where/fact", "fact_out_of_place"),
        (count(count(None)), "/where", "fact_out_of_place"),
        (count({"type": "area", "codes": ["33"]}), "/where", "fact_out_of_place"),
        ({"type": "enrolled", "program": "PKH", "who": "PERSON"}, "/who", "fact_out_of_place"),
        (count({"type": "enrolled", "program": "PKH"}), "/where/who", "fact_out_of_place"),
        # other programs
        ({"type": "enrolled", "program": "NONE"}, "/program", "reference_not_found"),
    ],
)
def test_a_condition_that_cannot_be_meant(when: dict[str, Any], place: str, code: str) -> None:
    assert (f"{AT}{place}", code) in asked(when)


@pytest.mark.parametrize(
    "when",
    [
        compare("desil", "<=", 10),
        both(compare("desil", ">=", 4), compare("desil", "<=", 4)),
        {"type": "any", "of": [compare("desil", "=", 1), compare("desil", "=", 2)]},
        both({"type": "area", "codes": ["33"]}, {"type": "area", "codes": ["33.26"]}),
        count(of_age(60, 60)),
        count(of_age(0, 6, unit="MONTHS")),
        count(None, at_most=0),
        count({"type": "enrolled", "program": "PKH", "who": "PERSON", "within_months": 12}),
        {"type": "not", "of": {"type": "known", "fact": "desil"}},
    ],
)
def test_a_sound_condition(when: dict[str, Any]) -> None:
    assert asked(when) == []


def test_a_person_who_is_judged_is_asked_at_once() -> None:
    assert asked(of_age(60), unit="PERSON") == []
    assert asked(compare("desil", "=", 1), unit="PERSON") == []
    assert asked(both(of_age(60), of_age(None, 59)), unit="PERSON") == [(AT, "condition_impossible")]


def test_requirements_must_be_possible_together() -> None:
    poor = criterion("POOR", compare("desil", "<=", 2))
    assert faulty(rule(poor, criterion("MIDDLE", compare("desil", ">=", 3)))) == [
        ("/requirements", "condition_impossible")
    ]
    # not asked on the same days
    dated = [poor | {"valid_to": "2026-06-30"}, criterion("MIDDLE", compare("desil", ">=", 3), valid_from="2026-07-01")]
    assert faulty(rule(*dated)) == []


def test_on_every_day_something_is_required() -> None:
    assert faulty(rule(criterion("POOR", compare("desil", "<=", 2), valid_to="2026-06-30"))) == [
        ("/requirements", "group_empty")
    ]


class TestDates:
    def test_the_end_is_not_before_the_start(self) -> None:
        assert ("/valid_to", "dates_disordered") in faulty(rule(valid_to="2025-12-31"))
        assert ("/open_to", "dates_disordered") in faulty(rule(open_from="2026-05-01", open_to="2026-04-30"))
        quota = {
            "period_from": "2026-01-01",
            "period_to": "2025-01-01",
            "places": 1,
            "citation": "x",
            "confidence": "sourced",
        }
        assert ("/quotas/0/period_to", "dates_disordered") in faulty(rule(quotas=[quota]))

    def test_a_criterion_has_days_of_the_version(self) -> None:
        before = criterion("BEFORE", compare("desil", "=", 1), valid_to="2025-12-31")
        assert ("/requirements/1/valid_to", "dates_disordered") in faulty(
            rule(criterion("A", compare("desil", "=", 1)), before)
        )


class TestCodes:
    def test_one_code_is_one_criterion_on_a_day(self) -> None:
        twice = criterion("POOR", compare("desil", "<=", 2))
        assert faulty(rule(twice, exclusions=[twice])) == [("/exclusions/0/code", "criterion_code_repeated")]

    def test_a_conflict_is_with_another_program(self) -> None:
        own = {key: value for key, value in criterion("OWN", {}, program="PKH").items() if key != "when"}
        assert faulty(rule(conflicts=[own])) == [("/conflicts/0/program", "reference_not_found")]

    def test_a_variant_replaces_something(self) -> None:
        variant = {
            "code": "OTHER",
            "label": {"id": "lain", "en": "other"},
            "citation": "x",
            "confidence": "unverified",
            "requirements": [criterion("NOT_THERE", compare("desil", "<=", 5))],
        }
        assert faulty(rule(variants=[variant])) == [("/variants/0/requirements/0/code", "variant_replaces_nothing")]
        assert faulty(rule(variants=[variant | {"requirements": []}])) == [("/variants/0", "group_empty")]

    def test_a_variant_is_judged_with_what_it_leaves(self) -> None:
        poor, others = criterion("POOR", compare("desil", "<=", 2)), criterion("ALSO", compare("desil", "<=", 3))
        variant = {
            "code": "RICH",
            "label": {"id": "lain", "en": "other"},
            "citation": "x",
            "confidence": "unverified",
            "requirements": [criterion("POOR", compare("desil", ">=", 9))],
        }
        assert faulty(rule(poor, others, variants=[variant])) == [("/variants/0/requirements", "condition_impossible")]


class TestBenefit:
    def test_members_are_asked_where_members_count(self) -> None:
        made = criterion("OLD", {}, amount=1, per="UNIT", where=of_age(60))
        component = {key: value for key, value in made.items() if key != "when"}
        assert faulty(rule(benefit={"period": "YEAR", "components": [component]})) == [
            ("/benefit/components/0/where", "fact_out_of_place")
        ]
        assert faulty(rule(benefit={"period": "YEAR", "components": [component | {"per": "MEMBER"}]})) == []
        assert faulty(rule(benefit={"period": "YEAR"})) == [("/benefit", "group_empty")]


def test_areas_are_known_where_they_are_checked() -> None:
    here = rule(criterion("HERE", {"type": "area", "codes": ["33.26", "99.99"]}))
    assert faults(here, Catalog({"PKH"}, areas={"33.26"})) == (
        Fault(f"{AT}/codes", "area_unknown", "Give the code of an area."),
    )


@pytest.mark.parametrize(
    "when",
    [
        compare("desil", "~", 1),
        compare("desil", "=", 1.5),
        compare("desil", "=", None),
        {"type": "guess", "fact": "desil"},
        {"type": "known", "fact": "desil", "more": 1},
        {"type": "area", "codes": ["33.7."]},
    ],
)
def test_what_is_no_condition_is_not_even_read(when: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(criterion("ASKED", when))


def test_a_rule_comes_back_from_its_json_as_it_was() -> None:
    for each in catalog.load_rules():
        assert Rule.model_validate_json(each.model_dump_json()) == each


def test_every_shipped_rule_is_sound() -> None:
    codes = {each.code for each in catalog.load_programs()}
    assert {each.program: found for each in catalog.load_rules() if (found := faults(each, Catalog(codes)))} == {}
