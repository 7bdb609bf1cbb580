"""Eligibility of one household: what decides, what is missing, what would change it, and how much there is."""

import json
from datetime import date
from typing import Any, ClassVar

import pytest
from tests.eligibility import TODAY, criterion, family, faulty, person, receives, rule

from slrt_api.kernel.criteria import Truth
from slrt_api.programs.codes import Outcome
from slrt_api.programs.criteria import Rule, chosen
from slrt_api.programs.evaluation import Result, Situation, canonical, evaluate
from slrt_api.programs.facts import HouseholdFacts, PersonFacts

POOR = criterion("DESIL_AT_MOST_4", {"type": "range", "fact": "desil", "from": 1, "to": 4})
ELDERLY = criterion("ELDERLY", {"type": "count", "where": {"type": "age", "from": 60}, "at_least": 1})
OFFICIAL = criterion(
    "CIVIL_SERVANT",
    {"type": "count", "where": {"type": "compare", "fact": "civil_servant", "op": "=", "value": True}, "at_least": 1},
)
CONFLICT = {key: value for key, value in criterion("NOT_WITH_BLT", {}, program="BLT-DD").items() if key != "when"}
OLD, YOUNG, AGELESS = person(1, birth_date=date(1950, 1, 1)), person(2, birth_date=date(2000, 1, 1)), person(3)


def judge(of: Rule, facts: HouseholdFacts, **situation: Any) -> Result:
    assert faulty(of) == []
    (result,) = evaluate(of, facts, Situation(TODAY, **situation))
    return result


class TestOutcome:
    whole = rule(POOR, ELDERLY, exclusions=[OFFICIAL], conflicts=[CONFLICT])

    @pytest.mark.parametrize(
        ("facts", "outcome"),
        [
            (family(OLD, desil=5), Outcome.INELIGIBLE),
            (family(YOUNG, desil=4), Outcome.INELIGIBLE),
            (family(OLD), Outcome.INDETERMINATE),
            (family(AGELESS, desil=4), Outcome.INDETERMINATE),
            # what is not known is not asked for where something else decides
            (family(AGELESS, desil=5), Outcome.INELIGIBLE),
            (family(OLD, desil=4), Outcome.ELIGIBLE),
            (family(OLD, AGELESS, desil=4), Outcome.ELIGIBLE),
            (family(OLD, person(4, civil_servant=True), desil=4), Outcome.EXCLUDED_PENDING_VERIFICATION),
            (family(OLD, person(4, civil_servant=True)), Outcome.EXCLUDED_PENDING_VERIFICATION),
            (family(OLD, person(4, civil_servant=True), desil=9), Outcome.INELIGIBLE),
            (family(OLD, desil=4, enrollments=(receives("BLT-DD"),)), Outcome.CONFLICT),
            (family(OLD, desil=4, enrollments=(receives("BLT-DD", end=date(2026, 11, 21)),)), Outcome.ELIGIBLE),
            (family(OLD, desil=4, enrollments=(receives("BLT-DD", end=TODAY),)), Outcome.CONFLICT),
            (family(OLD, desil=4, enrollments=(receives("PKH"),)), Outcome.ALREADY_RECEIVING),
        ],
    )
    def test_what_decides(self, facts: HouseholdFacts, outcome: Outcome) -> None:
        assert judge(self.whole, facts).outcome is outcome

    def test_who_receives_without_being_entitled_is_found(self) -> None:
        result = judge(self.whole, family(OLD, desil=9, enrollments=(receives("PKH"),)))
        assert (result.outcome, result.merits, result.receiving) == (
            Outcome.ALREADY_RECEIVING,
            Outcome.INELIGIBLE,
            Truth.TRUE,
        )

    def test_no_place_left_is_a_waiting_list(self) -> None:
        here = {"PKH": ((3326012001, 3326012001),)}
        assert judge(self.whole, family(OLD, desil=4), full=here).outcome is Outcome.ELIGIBLE_WAITLIST
        assert judge(self.whole, family(OLD, desil=4, area=3326012002), full=here).outcome is Outcome.ELIGIBLE
        assert judge(self.whole, family(OLD, desil=5), full=here).outcome is Outcome.INELIGIBLE

    def test_each_person_is_judged_where_persons_are_entitled(self) -> None:
        pension = rule(criterion("AGE", {"type": "age", "from": 60}), unit="PERSON")
        assert faulty(pension) == []
        results = evaluate(pension, family(AGELESS, OLD, YOUNG), Situation(TODAY))
        assert [(each.person_id, each.outcome) for each in results] == [
            (OLD.id, Outcome.ELIGIBLE),
            (YOUNG.id, Outcome.INELIGIBLE),
            (AGELESS.id, Outcome.INDETERMINATE),
        ]

    def test_a_criterion_is_asked_on_its_days_only(self) -> None:
        dated = rule(
            criterion("AGE", ELDERLY["when"]["where"] | {"from": 70}, valid_from="2020-01-01", valid_to="2026-11-21"),
            criterion("AGE", ELDERLY["when"]["where"], valid_from="2026-11-22"),
            unit="PERSON",
        )
        sixty = family(person(1, birth_date=date(1966, 11, 22)))
        assert judge(dated, sixty).outcome is Outcome.ELIGIBLE
        (before,) = evaluate(dated, sixty, Situation(date(2026, 11, 21)))
        assert before.outcome is Outcome.INELIGIBLE


class TestWhy:
    def test_what_is_missing_is_named_and_only_where_the_answer_waits_for_it(self) -> None:
        asked = rule(POOR, ELDERLY)
        assert judge(asked, family(OLD, AGELESS)).missing == ("desil",)
        assert judge(asked, family(AGELESS)).missing == ("birth_date", "desil")
        assert judge(asked, family(AGELESS, desil=5)).missing == ()

    def test_the_value_its_source_and_its_day(self) -> None:
        (poor,) = judge(rule(POOR), family(desil=2)).criteria
        assert (poor.used[0].value, poor.used[0].source, poor.used[0].as_of) == (2, "DOCUMENT", date(2026, 11, 1))
        assert (poor.outcome, poor.citation) == (Truth.TRUE, "test")

    def test_the_one_criterion_that_would_change_the_answer(self) -> None:
        asked = rule(POOR, ELDERLY, exclusions=[OFFICIAL])

        def changes(facts: HouseholdFacts) -> list[tuple[str, Truth, Outcome]]:
            return [(each.criterion, each.becomes, each.outcome) for each in judge(asked, facts).would_change_if]

        assert changes(family(OLD, desil=5)) == [
            ("DESIL_AT_MOST_4", Truth.TRUE, Outcome.ELIGIBLE),
        ]
        assert changes(family(YOUNG, desil=5)) == []
        assert changes(family(OLD, desil=4)) == []
        assert ("CIVIL_SERVANT", Truth.FALSE, Outcome.ELIGIBLE) in changes(
            family(OLD, person(4, civil_servant=True), desil=4)
        )
        assert changes(family(OLD))[:2] == [
            ("DESIL_AT_MOST_4", Truth.TRUE, Outcome.ELIGIBLE),
            ("DESIL_AT_MOST_4", Truth.FALSE, Outcome.INELIGIBLE),
        ]

    def test_who_receives_nothing_is_known_only_from_whole_lists(self) -> None:
        without = rule(
            criterion("NO_PKH", {"type": "not", "of": {"type": "enrolled", "program": "PKH"}}), program="BLT-DD"
        )
        assert judge(without, family()).outcome is Outcome.INDETERMINATE
        assert judge(without, family(lists=("PKH",))).outcome is Outcome.ELIGIBLE
        assert judge(without, family(enrollments=(receives("PKH"),))).outcome is Outcome.INELIGIBLE

    def test_the_same_facts_make_the_same_bytes_whatever_their_order(self) -> None:
        asked = rule(POOR, ELDERLY, exclusions=[OFFICIAL], conflicts=[CONFLICT])
        there = evaluate(asked, family(OLD, YOUNG, AGELESS, desil=4), Situation(TODAY))
        back = evaluate(asked, family(AGELESS, YOUNG, OLD, desil=4), Situation(TODAY))
        assert canonical(there) == canonical(back)
        assert json.loads(canonical(there))[0]["outcome"] == "ELIGIBLE"


def component(code: str, amount: int, where: dict[str, Any] | None, **others: Any) -> dict[str, Any]:
    made = criterion(code, {}, amount=amount, where=where, per="MEMBER", **others)
    return {key: value for key, value in made.items() if key != "when"}


def level(code: str) -> dict[str, Any]:
    return {"type": "compare", "fact": "school_level", "op": "=", "value": code}


class TestBenefit:
    benefit: ClassVar[dict[str, Any]] = {
        "period": "YEAR",
        "max_components": 4,
        "components": [
            component("PREGNANT", 3_000_000, {"type": "compare", "fact": "pregnant", "op": "=", "value": True}),
            component("PRIMARY", 900_000, level("PRIMARY")),
            component("JUNIOR", 1_500_000, level("JUNIOR_SECONDARY")),
            component("SENIOR", 2_000_000, level("SENIOR_SECONDARY")),
            component("ELDERLY", 2_400_000, {"type": "age", "from": 60}, cap=1),
        ],
    }

    def amount(self, *members: PersonFacts, **others: Any) -> tuple[int, int]:
        result = judge(rule(POOR, benefit=self.benefit | others), family(*members, desil=1))
        assert result.benefit is not None
        return result.benefit.amount, result.benefit.at_most

    known: ClassVar[dict[str, Any]] = {"birth_date": date(2010, 1, 1), "pregnant": False}

    def test_the_four_highest_count(self) -> None:
        pupils = [
            person(number, school_level=code, **self.known)
            for number, code in enumerate(["PRIMARY", "JUNIOR_SECONDARY", "JUNIOR_SECONDARY", "SENIOR_SECONDARY"])
        ]
        assert self.amount(*pupils) == (900_000 + 1_500_000 * 2 + 2_000_000,) * 2
        mother = person(9, school_level="PRIMARY", birth_date=date(2000, 1, 1), pregnant=True)
        assert self.amount(*pupils, mother) == (3_000_000 + 2_000_000 + 1_500_000 * 2,) * 2

    def test_a_cap_of_one_component(self) -> None:
        old = [
            person(number, birth_date=date(1940, 1, 1), school_level="HIGHER", pregnant=False) for number in range(3)
        ]
        assert self.amount(*old) == (2_400_000, 2_400_000)

    def test_what_is_not_known_is_no_money_yet(self) -> None:
        assert self.amount(person(1, birth_date=date(2010, 1, 1), school_level="PRIMARY")) == (900_000, 3_900_000)

    def test_a_member_counts_once_where_the_program_says_so(self) -> None:
        pupil = person(1, school_level="PRIMARY", birth_date=date(2005, 1, 1), pregnant=True)
        assert self.amount(pupil) == (3_900_000, 3_900_000)
        assert self.amount(pupil, one_per_member=True) == (3_000_000, 3_000_000)

    def test_no_more_than_the_greatest_amount(self) -> None:
        pupil = person(1, school_level="PRIMARY", **self.known)
        assert self.amount(pupil, max_amount=500_000) == (500_000, 500_000)

    def test_none_for_who_is_not_entitled(self) -> None:
        assert judge(rule(POOR, benefit=self.benefit), family(desil=9)).benefit is None


class TestVariants:
    five: ClassVar[dict[str, Any]] = {
        "code": "DESIL_5",
        "label": {"id": "Desil 5", "en": "Decile 5"},
        "citation": "another",
        "confidence": "unverified",
        "requirements": [criterion("DESIL_AT_MOST_4", {"type": "range", "fact": "desil", "to": 5})],
    }

    def test_a_regency_chooses_what_the_sources_disagree_on(self) -> None:
        both = rule(POOR, variants=[self.five])
        assert faulty(both) == []
        fifth = family(desil=5)
        assert judge(both, fifth).outcome is Outcome.INELIGIBLE
        assert judge(chosen(both, frozenset({"DESIL_5"})), fifth).outcome is Outcome.ELIGIBLE

    def test_one_of_two_that_replace_the_same(self) -> None:
        both = rule(POOR, variants=[self.five, self.five | {"code": "OTHER"}])
        with pytest.raises(ValueError, match="two variants"):
            chosen(both, frozenset({"DESIL_5", "OTHER"}))
        with pytest.raises(ValueError, match="no such"):
            chosen(both, frozenset({"NONE"}))


class TestAge:
    @pytest.mark.parametrize(
        ("born", "day", "years"),
        [
            (date(1966, 11, 22), date(2026, 11, 21), 59),
            (date(1966, 11, 22), date(2026, 11, 22), 60),
            (date(2004, 2, 29), date(2025, 2, 28), 20),
            (date(2004, 2, 29), date(2025, 3, 1), 21),
            (date(2004, 2, 29), date(2024, 2, 29), 20),
            (date(2003, 3, 1), date(2024, 2, 29), 20),
            (date(2003, 2, 28), date(2024, 2, 29), 21),
        ],
    )
    def test_years_are_full_on_the_birthday(self, born: date, day: date, years: int) -> None:
        facts = family(person(1, birth_date=born))
        for asked in range(18, 62):
            exactly = rule(criterion("AGE", {"type": "age", "from": asked, "to": asked}), unit="PERSON")
            (result,) = evaluate(exactly, facts, Situation(day))
            assert (result.outcome is Outcome.ELIGIBLE) == (asked == years)
