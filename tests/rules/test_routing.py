"""Who can take a client, in which order, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.routing import Candidate, Facts, Standing, judge, preset, rank

LKS = Facts(UUID(int=1), "LKS-B", "B", OrganizationKind.LKS, serves_area=True, offers_service=True, available=3)
NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
POLICY = preset()
#: one that has been offered often, lately, and answers as others do
KNOWN = Standing(offers=10, answers=10, response_minutes=1_125, acceptance=500, turn=100, offered_at=NOW)


def judged(facts: Facts) -> Candidate:
    return judge(facts, NOW, POLICY)


def order(*facts: Facts, total: int = 100, minimum_share: int = POLICY.minimum_share) -> list[str]:
    policy = replace(POLICY, minimum_share=minimum_share)
    return [each.facts.code for each in rank(facts, NOW, policy, total)]


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"serves_area": False}, "serves_area"),
        ({"offers_service": False}, "offers_service"),
        ({"kind": OrganizationKind.PUSKESOS}, "receives_referrals"),
        ({"kind": OrganizationKind.SECRETARIAT}, "receives_referrals"),
        ({"available": 0}, "capacity"),
        ({"may_share": False}, "consent"),
        ({"program_open": False}, "program_open"),
        ({"program_open": True, "serves_program": False}, "serves_program"),
        ({"asked_before": True}, "not_asked_before"),
        ({"standing": Standing(offers=50, open_offers=50, turn=50)}, "open_offers"),
        ({"standing": KNOWN.silent(NOW)}, "answers"),
    ],
)
def test_one_failing_rule_is_enough_and_is_named(change: dict[str, object], failing: str) -> None:
    candidate = judged(replace(LKS, **change))  # type: ignore[arg-type]
    assert not candidate.takes
    assert [rule["rule"] for rule in candidate.route if not rule["outcome"]] == [failing]
    assert candidate.failing == {failing}
    waivable = failing in {"not_asked_before", "open_offers", "answers"}
    assert candidate.refused == (set() if waivable else {failing})


@pytest.mark.parametrize("kind", [OrganizationKind.OPD, OrganizationKind.FACILITY, OrganizationKind.MINISTRY])
def test_the_government_needs_no_consent(kind: OrganizationKind) -> None:
    assert judged(replace(LKS, kind=kind, may_share=False)).takes


def test_capacity_tells_the_places_left() -> None:
    assert judged(LKS).takes
    assert judged(LKS).route[3] == {"rule": "capacity", "outcome": True, "available": 3}
    assert judged(replace(LKS, available=None)).route[3] == {"rule": "capacity", "outcome": True, "available": None}


def test_without_a_program_nothing_is_said_of_programs() -> None:
    assert {"program_open", "serves_program"}.isdisjoint(rule["rule"] for rule in judged(LKS).route)


def test_of_equals_the_one_with_most_places_comes_first_then_by_code() -> None:
    assert order(
        replace(LKS, code="FULL", available=0),
        replace(LKS, code="C", available=3),
        LKS,
        replace(LKS, code="TEN", available=10),
        replace(LKS, code="ALL", available=None),
    ) == ["ALL", "TEN", "C", "LKS-B", "FULL"]


class TestPoints:
    @pytest.mark.parametrize(
        ("better", "worse"),
        [
            ({"available": 9, "capacity": 10}, {"available": 1, "capacity": 10}),
            ({"standing": replace(KNOWN, response_minutes=100)}, {"standing": replace(KNOWN, response_minutes=2_000)}),
            ({"standing": replace(KNOWN, acceptance=900)}, {"standing": replace(KNOWN, acceptance=100)}),
            ({"standing": replace(KNOWN, turn=98)}, {"standing": replace(KNOWN, turn=100)}),
        ],
    )
    def test_each_of_them_counts_alone(self, better: dict[str, object], worse: dict[str, object]) -> None:
        known = replace(LKS, capacity=3, standing=KNOWN)
        # The code would have it the other way round.
        first, last = replace(known, code="Z", **better), replace(known, code="A", **worse)  # type: ignore[arg-type]
        assert order(first, last, minimum_share=0) == ["Z", "A"]

    def test_what_is_not_known_counts_as_the_middle(self) -> None:
        middle = replace(KNOWN, answers=0, response_minutes=None, acceptance=None)
        [candidate] = rank([replace(LKS, standing=middle)], NOW, POLICY, 100)
        weighed = {rule["rule"]: rule.get("value") for rule in candidate.route}
        assert (weighed["response"], weighed["acceptance"], weighed["turn"]) == (500, 500, 0)

    def test_an_answer_slower_than_the_policy_says_is_worth_nothing_and_never_less(self) -> None:
        for minutes, value in ((0, 1_000), (POLICY.slow_response_minutes, 0), (1_000_000, 0)):
            [candidate] = rank([replace(LKS, standing=replace(KNOWN, response_minutes=minutes))], NOW, POLICY, 100)
            assert {rule["rule"]: rule.get("value") for rule in candidate.route}["response"] == value


class TestLeastShare:
    BEST = replace(LKS, code="BEST", available=None, standing=replace(KNOWN, response_minutes=1, acceptance=1_000))
    SLOW = replace(LKS, code="SLOW", available=1, capacity=9, standing=replace(KNOWN, response_minutes=2_250, turn=0))

    @pytest.mark.parametrize(("turns", "first"), [(3, "BEST"), (4, "SLOW")])
    def test_whoever_got_less_comes_first_whatever_its_points(self, turns: int, first: str) -> None:
        # Two take clients, and half of an equal share is one offer in four.
        slow = replace(self.SLOW, standing=replace(self.SLOW.standing, turn=100 - turns))
        assert order(self.BEST, slow)[0] == first

    def test_without_a_least_share_points_alone_decide(self) -> None:
        assert order(self.BEST, self.SLOW, minimum_share=0) == ["BEST", "SLOW"]

    def test_it_gives_nobody_a_place_that_is_not_there(self) -> None:
        full = replace(self.SLOW, available=0)
        assert order(full, self.BEST) == ["BEST", "SLOW"]

    def test_who_never_had_one_comes_before_who_waited_long(self) -> None:
        assert order(self.SLOW, self.BEST, replace(LKS, code="NEW"))[0] == "NEW"
        once = replace(LKS, code="NEW", standing=Standing().offered(NOW, 100))
        # With its first offer its turn is over: it does not get all that others had before it came.
        assert order(self.SLOW, self.BEST, once, total=101)[0] == "SLOW"


class TestSilence:
    def test_after_one_it_is_not_offered_until_it_has_cooled_down(self) -> None:
        silent = KNOWN.offered(NOW, 100).silent(NOW)
        again = NOW + timedelta(days=POLICY.cool_down_days)
        assert [silent.answers_at(at, POLICY) for at in (NOW, again - timedelta(microseconds=1), again)] == [
            False,
            False,
            True,
        ]
        told = judged(replace(LKS, standing=silent)).route[7]
        assert told == {"rule": "answers", "outcome": False, "count": 1, "until": "2026-12-07T02:00:00Z"}

    def test_at_the_limit_it_has_to_answer_first(self) -> None:
        silent = KNOWN.offered(NOW, 100).offered(NOW, 101).silent(NOW).silent(NOW)
        for years in (1, 50):
            assert not silent.answers_at(NOW + timedelta(days=365 * years), POLICY)
        told = judged(replace(LKS, standing=silent)).route[7]
        assert told == {"rule": "answers", "outcome": False, "count": 2, "until": None}
        answered = silent.offered(NOW, 102).answered(10, accepted=False)
        assert (answered.unanswered, answered.silent_at, answered.answers_at(NOW, POLICY)) == (0, None, True)


class TestStanding:
    def test_counts_its_offers_from_first_to_last(self) -> None:
        standing = Standing().offered(NOW, 7).offered(NOW, 8).offered(NOW, 9)
        assert (standing.offers, standing.open_offers, standing.turn) == (3, 3, 10)
        standing = standing.answered(100, accepted=True).silent(NOW).withdrawn()
        assert (standing.offers, standing.open_offers, standing.answers, standing.unanswered) == (3, 0, 1, 1)

    def test_what_was_offered_before_it_was_counted_takes_it_below_nothing(self) -> None:
        for after in (Standing().answered(1, accepted=True), Standing().silent(NOW), Standing().withdrawn()):
            assert after.open_offers == 0

    def test_the_mean_is_of_the_last_ten(self) -> None:
        standing = Standing()
        for _ in range(3):
            standing = standing.answered(100, accepted=True)
        assert (standing.response_minutes, standing.acceptance) == (100, 1_000)
        standing = standing.answered(500, accepted=False)
        assert (standing.response_minutes, standing.acceptance) == (200, 750)
        for _ in range(60):
            standing = standing.answered(1_000, accepted=False)
        assert standing.response_minutes is not None
        assert standing.acceptance is not None
        # A past that is long over no longer helps.
        assert standing.response_minutes > 950
        assert standing.acceptance < 20


def test_the_policy_names_the_services_that_are_routed() -> None:
    assert POLICY.allows_auto("LEGAL_AID")
    only = replace(POLICY, auto_services=frozenset({"LEGAL_AID"}))
    assert only.allows_auto("LEGAL_AID")
    assert not only.allows_auto("SCHOOL_RETENTION")
    assert not replace(POLICY, auto_services=frozenset()).allows_auto("LEGAL_AID")
