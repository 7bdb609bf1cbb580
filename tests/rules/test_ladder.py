"""The ladder of escalation: where a breach brings a complaint, and past whom."""

from itertools import permutations, product

import pytest

from slrt_api.access.scopes import Role
from slrt_api.areas.codelists import load_code_lists
from slrt_api.clocks.policies import load_policies
from slrt_api.complaints import ladder
from slrt_api.complaints.codes import LEVELS, Branch, EscalationCause, Nature, Rung
from slrt_api.complaints.ladder import Accused, Check, Holder, Known, Step
from slrt_api.kernel.criteria import Truth
from slrt_api.organizations.codes import OrganizationKind

[PRESET] = ladder.presets()
STEPS = ladder.steps_of(PRESET.rungs)
NOBODY = Accused()
#: rungs at which somebody can be accused, and the clock that leads there
LED = {step.rung: step.clocks[0] for step in STEPS if step.clocks}
ME, OTHER = "person of the complaint", "somebody else"
ACCUSED, FREE = "the accused office", "another office"


def breach(present: Rung, clock: str, *, of_integrity: bool = False, **more: object) -> Rung | None:
    given: dict[str, object] = {"accused": NOBODY, "known": {}, **more}
    route = ladder.after_breach(STEPS, present, clock, of_integrity=of_integrity, **given)  # type: ignore[arg-type]
    return None if route is None else route.rung


class TestPreset:
    def test_it_climbs_in_the_order_of_the_codes_and_says_where_each_rung_is_from(self) -> None:
        order = [rung for rung in Rung if rung is not Rung.NONE]
        assert [step.rung for step in STEPS] == order
        assert all(step.citation and step.confidence in {"sourced", "design"} for step in STEPS)

    def test_it_names_roles_offices_and_clocks_that_exist(self) -> None:
        clocks = {policy.name for policy in load_policies() if policy.applies_to == "complaint"}
        for step in STEPS:
            assert set(step.roles) <= {role.value for role in Role}
            assert set(step.organization_kinds) <= {kind.value for kind in OrganizationKind}
            assert set(step.clocks) <= clocks

    @pytest.mark.parametrize(
        ("name", "codes"),
        [("escalation-rungs", Rung), ("escalation-causes", EscalationCause), ("escalation-branches", Branch)],
    )
    def test_every_code_has_its_labels(self, name: str, codes: type[Rung]) -> None:
        assert [item.code for item in load_code_lists()[name].items] == [code.value for code in codes]

    def test_only_province_and_ministry_show_a_complaint_upwards(self) -> None:
        assert {rung: level for rung, level in LEVELS.items() if level} == {Rung.PROVINCE: 1, Rung.MINISTRY: 2}


class TestBreach:
    def test_a_clock_that_no_rung_names_brings_it_nowhere(self) -> None:
        assert breach(Rung.NONE, "COMPLAINANT_ANSWER") is None

    @pytest.mark.parametrize("of_integrity", [False, True])
    def test_each_clock_leads_to_its_rung(self, *, of_integrity: bool) -> None:
        higher = Rung.INSPECTORATE if of_integrity else Rung.REGENT
        assert {clock: breach(Rung.NONE, clock, of_integrity=of_integrity) for clock in LED.values()} == {
            "TRIAGE": Rung.SUPERVISOR,
            "FORWARD": Rung.SECRETARIAT,
            "FIRST_RESPONSE": Rung.SOCIAL_OFFICE,
            "RESOLVE": higher,
            "STATUTORY": Rung.PROVINCE,
            "PROVINCE_ANSWER": Rung.MINISTRY,
        }

    def test_it_never_goes_down_or_twice_to_the_same(self) -> None:
        assert breach(Rung.SECRETARIAT, "TRIAGE") is None
        assert breach(Rung.SECRETARIAT, "FORWARD") is None
        assert breach(Rung.SECRETARIAT, "FIRST_RESPONSE") is Rung.SOCIAL_OFFICE

    def test_the_order_of_breaches_does_not_matter(self) -> None:
        """Whatever worker is first: the highest rung that any clock named."""
        clocks = ("TRIAGE", "FORWARD", "FIRST_RESPONSE", "RESOLVE")
        ends = set()
        for order in permutations(clocks):
            present = Rung.NONE
            for clock in order:
                present = breach(present, clock) or present
            ends.add(present)
        assert ends == {Rung.REGENT}

    def test_above_the_highest_there_is_nothing(self) -> None:
        assert breach(Rung.MINISTRY, "PROVINCE_ANSWER") is None


class TestIntegrity:
    @pytest.mark.parametrize("nature", list(Nature))
    def test_it_is_a_report_of_wrongdoing_or_what_needs_oversight(self, nature: Nature) -> None:
        assert ladder.integrity(nature, ()) is (nature is Nature.WHISTLEBLOWING)
        assert ladder.integrity(nature, ("LIFE_THREATENING",)) is (nature is Nature.WHISTLEBLOWING)
        assert ladder.integrity(nature, ("OVERSIGHT",))

    def test_the_regent_never_gets_it_nor_the_inspectorate_the_rest(self) -> None:
        for clock in LED.values():
            assert breach(Rung.NONE, clock, of_integrity=True) is not Rung.REGENT
            assert breach(Rung.NONE, clock, of_integrity=False) is not Rung.INSPECTORATE

    def test_the_branch_is_told_with_the_route(self) -> None:
        # The regent is passed over for the inspectorate because of the accused office, and the inspectorate for its branch.
        known = {Rung.REGENT: Known(offices=frozenset({ACCUSED}))}
        accused = Accused(office=ACCUSED, offices=frozenset({ACCUSED}))
        route = ladder.after_breach(STEPS, "NONE", "RESOLVE", of_integrity=False, accused=accused, known=known)
        assert route is not None
        assert route.rung is Rung.PROVINCE
        refused = [(rung, rule) for rung, rule, truth in route.checks if truth is Truth.FALSE]
        assert refused == [(Rung.REGENT, Check.INDEPENDENT_OFFICE), (Rung.INSPECTORATE, Check.BRANCH)]
        assert route.told()[0] == {"rung": "REGENT", "rule": "BRANCH", "outcome": "TRUE"}


#: (accused, known at the rung, whether somebody there may handle it)
AT_A_RUNG = [
    # Nobody is accused: whoever is known may.
    (NOBODY, Known(frozenset({ACCUSED}), (Holder(ME, ACCUSED),)), Truth.TRUE),
    # The accused person is all that is known there, or one of two.
    (Accused(person=ME), Known(holders=(Holder(ME),)), Truth.FALSE),
    (Accused(person=ME), Known(holders=(Holder(ME), Holder(OTHER))), Truth.TRUE),
    # Most officers stand in no register: who is not known to be the accused may.
    (Accused(person=ME), Known(holders=(Holder(ME), Holder())), Truth.TRUE),
    (Accused(person=ME), Known(), Truth.UNKNOWN),
    # The accused office is the only one, or one of two.
    (Accused(office=ACCUSED, offices=frozenset({ACCUSED})), Known(frozenset({ACCUSED})), Truth.FALSE),
    (Accused(office=ACCUSED, offices=frozenset({ACCUSED})), Known(frozenset({ACCUSED, FREE})), Truth.TRUE),
    (Accused(office=ACCUSED, offices=frozenset({ACCUSED})), Known(), Truth.UNKNOWN),
    (
        Accused(office=ACCUSED, offices=frozenset({ACCUSED})),
        Known(frozenset({ACCUSED}), (Holder(OTHER, ACCUSED),)),
        Truth.FALSE,
    ),
    (Accused(office=ACCUSED, offices=frozenset({ACCUSED})), Known(holders=(Holder(OTHER, FREE),)), Truth.TRUE),
    # Where the complaint names an office, independence of whoever has none cannot be shown.
    (Accused(office=ACCUSED, offices=frozenset({ACCUSED})), Known(holders=(Holder(OTHER),)), Truth.FALSE),
    # An office whose officer is accused: its others are passed over too; who works elsewhere is not.
    (Accused(person=ME, offices=frozenset({ACCUSED})), Known(holders=(Holder(ME, ACCUSED), Holder(OTHER, ACCUSED))), Truth.FALSE),
    (Accused(person=ME, offices=frozenset({ACCUSED})), Known(holders=(Holder(ME, ACCUSED), Holder(OTHER, FREE))), Truth.TRUE),
    (Accused(person=ME, offices=frozenset({ACCUSED})), Known(holders=(Holder(ME, ACCUSED), Holder(OTHER))), Truth.TRUE),
]  # fmt: skip


class TestAccused:
    @pytest.mark.parametrize("rung", list(LED))
    @pytest.mark.parametrize(("accused", "known", "expected"), AT_A_RUNG)
    def test_a_rung_is_passed_over_where_nobody_else_is_there(
        self, rung: Rung, accused: Accused, known: Known, expected: Truth
    ) -> None:
        """At each rung that a clock leads to."""
        of_integrity = rung is Rung.INSPECTORATE
        route = ladder.after_breach(
            STEPS, Rung.NONE, LED[rung], of_integrity=of_integrity, accused=accused, known={rung: known}
        )
        assert route is not None
        told = {truth for at, rule, truth in route.checks if at is rung and rule is not Check.BRANCH}
        lowest = Truth.FALSE if Truth.FALSE in told else Truth.UNKNOWN if Truth.UNKNOWN in told else Truth.TRUE
        assert lowest is expected
        higher = next(
            (
                step.rung
                for step in STEPS
                if ladder.above(step.rung, rung)
                and step.branch is not (Branch.ORDINARY if of_integrity else Branch.INTEGRITY)
            ),
            None,
        )
        assert route.rung is (higher if expected is Truth.FALSE else rung)

    def test_where_all_above_are_accused_it_stays(self) -> None:
        accused = Accused(office=ACCUSED, offices=frozenset({ACCUSED}))
        known = dict.fromkeys(Rung, Known(frozenset({ACCUSED})))
        for rung, clock in product(Rung, LED.values()):
            route = ladder.after_breach(STEPS, rung, clock, of_integrity=False, accused=accused, known=known)
            assert route is None or route.rung is None


class TestFiling:
    def test_without_an_accused_it_lies_on_the_desk_of_the_village(self) -> None:
        assert ladder.at_filing(STEPS, of_integrity=False, accused=NOBODY, known={}) is None

    def test_an_accused_desk_never_has_it(self) -> None:
        accused = Accused(office=ACCUSED, offices=frozenset({ACCUSED}))
        known = {Rung.PUSKESOS: Known(frozenset({ACCUSED})), Rung.SUPERVISOR: Known(holders=(Holder(None, FREE),))}
        route = ladder.at_filing(STEPS, of_integrity=False, accused=accused, known=known)
        assert route is not None
        assert route.rung is Rung.SUPERVISOR

    def test_another_accused_leaves_it_there(self) -> None:
        accused = Accused(office=ACCUSED, offices=frozenset({ACCUSED}))
        known = {Rung.PUSKESOS: Known(frozenset({FREE}))}
        assert ladder.at_filing(STEPS, of_integrity=False, accused=accused, known=known) is None


class TestByHand:
    def test_to_a_rung_that_the_ladder_lacks_there_is_no_way(self) -> None:
        short = tuple(step for step in STEPS if step.rung is not Rung.REGENT)
        assert ladder.to(short, Rung.REGENT, of_integrity=False, accused=NOBODY, known={}) is None

    @pytest.mark.parametrize("of_integrity", [False, True])
    def test_the_branch_holds_for_hands_too(self, *, of_integrity: bool) -> None:
        found = {}
        for rung in (Rung.REGENT, Rung.INSPECTORATE):
            route = ladder.to(STEPS, rung, of_integrity=of_integrity, accused=NOBODY, known={})
            assert route is not None
            found[rung] = route.rung is not None
        assert found == {Rung.REGENT: not of_integrity, Rung.INSPECTORATE: of_integrity}


def test_steps_are_kept_and_read_alike() -> None:
    assert STEPS[1] == Step(
        Rung.PUSKESOS,
        Branch.ANY,
        ("puskesos_officer", "puskesos_coordinator"),
        ("PUSKESOS",),
        (),
        (),
        "SLRT front and back office manual 2017",
        "the desk of the village where every complaint begins",
        "sourced",
    )
