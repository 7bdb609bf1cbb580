"""Which organizations can take a client for a service, in which order, and why: pure rules over facts that the caller read.

First come rules that hold or do not, in this order: it serves the area, it offers the service, it receives referrals at
all, it has a place left in the period, the person's data may go there; where a program is asked for, that it is open here and
that the organization serves it; then that nobody there was asked for this need before, that not too much waits there
already, and that it has answered lately. A service for which an organization keeps no capacity takes everybody.

Those that take the client are put in order by points: places left, how soon and how often it said yes, and how many offers
went to others since its last one. Points alone would let a slow one starve, so that whoever got less than the least share
comes first. What is counted is kept in a `Standing` for each organization and service, which the acts move on.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypedDict
from uuid import UUID

from slrt_api.organizations.codes import NEEDS_CONSENT, UNITS_OF_SLRT, OrganizationKind

#: values are shares of a thousand
WHOLE: Final = 1_000
#: what stands for that which nobody knows yet
UNKNOWN: Final = 500
#: how many answers the mean remembers
REMEMBERED: Final = 10
#: an officer who names an organization may set these aside, with a reason
WAIVABLE: Final = frozenset({"not_asked_before", "open_offers", "answers"})


class RuleAnswer(TypedDict, total=False):
    """One rule as the API tells it.

    outcome    whether it holds; of what is weighed, always
    available  places left, of `capacity` (null = unlimited)
    value      of what is weighed: 0 to 1000; `weight` is that of the policy. Of `least_share` 1000 where it comes first by it
    count      offers that wait (`open_offers`), unanswered in a row (`answers`), offers to others meanwhile (`least_share`,
               null = never offered)
    until      of `answers`: when it may be offered again, null where it has to answer one first
    """

    rule: str
    outcome: bool
    available: int | None
    value: int
    weight: int
    count: int | None
    until: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a regency routes.

    *_weight               what places left, soon answers, acceptances and the time since the last offer count
    slow_response_minutes  working minutes after which an answer is no longer soon at all
    minimum_share          percent of an equal share that each organization gets that takes clients; 0 = none
    cool_down_days         how long one is not offered after it left one unanswered, for each in a row
    unanswered_limit       after so many in a row it has to answer one by which it was named before it is offered again
    open_offers_limit      offers that may wait at one organization for one service
    attempts_limit         to how many receivers one need is sent, one after the other, while none answers
    package_grace_days     how long after its deadline a receiver may read the package
    auto_services          services that may be routed by AUTO; None = all
    """

    places_weight: int
    response_weight: int
    acceptance_weight: int
    turn_weight: int
    slow_response_minutes: int
    minimum_share: int
    cool_down_days: int
    unanswered_limit: int
    open_offers_limit: int
    attempts_limit: int
    package_grace_days: int
    auto_services: frozenset[str] | None = None

    def allows_auto(self, service: str) -> bool:
        return self.auto_services is None or service in self.auto_services


@cache
def preset() -> Policy:
    """The policy of a regency that has none of its own."""
    text = (files("slrt_api.organizations") / "data" / "routing-policy.json").read_text(encoding="utf-8")
    given: Mapping[str, Any] = json.loads(text)
    return Policy(**{name: value for name, value in given.items() if name in Policy.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Standing:
    """How an organization stood to its offers for one service in one regency.

    offers             how many it got
    open_offers        how many wait for its decision
    answers            how many it decided
    unanswered         how many it left unanswered since it last answered one
    response_minutes   mean of the last answers, in working minutes; None before the first
    acceptance         share of the last answers that were a yes, of a thousand; None before the first
    turn               how many offers of the service the regency had made when it got its last, that one included
    """

    offers: int = 0
    open_offers: int = 0
    answers: int = 0
    unanswered: int = 0
    response_minutes: int | None = None
    acceptance: int | None = None
    turn: int | None = None
    offered_at: datetime | None = None
    silent_at: datetime | None = None

    def offered(self, at: datetime, total: int) -> "Standing":
        """It got one. `total` offers of the service had been made in the regency before."""
        return replace(self, offers=self.offers + 1, open_offers=self.open_offers + 1, offered_at=at, turn=total + 1)

    def answered(self, minutes: int, *, accepted: bool) -> "Standing":
        """It decided one, after so many working minutes."""
        known = min(self.answers, REMEMBERED - 1)
        return replace(
            self,
            open_offers=max(self.open_offers - 1, 0),
            answers=self.answers + 1,
            unanswered=0,
            response_minutes=_mean(self.response_minutes, max(minutes, 0), known),
            acceptance=_mean(self.acceptance, WHOLE if accepted else 0, known),
            silent_at=None,
        )

    def silent(self, at: datetime) -> "Standing":
        """It left one unanswered until it was taken back."""
        return replace(self, open_offers=max(self.open_offers - 1, 0), unanswered=self.unanswered + 1, silent_at=at)

    def withdrawn(self) -> "Standing":
        """One was taken back before it had to answer."""
        return replace(self, open_offers=max(self.open_offers - 1, 0))

    def offered_again(self, policy: Policy) -> datetime | None:
        """Until when it is not offered after its silence. None where it has to answer one first."""
        if self.silent_at is None or self.unanswered >= policy.unanswered_limit:
            return None
        return self.silent_at + timedelta(days=policy.cool_down_days * self.unanswered)

    def answers_at(self, at: datetime, policy: Policy) -> bool:
        """Whether it may be expected to answer."""
        if self.unanswered == 0:
            return True
        again = self.offered_again(policy)
        return again is not None and again <= at


def _mean(before: int | None, value: int, known: int) -> int:
    return value if before is None else (before * known + value) // (known + 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one organization for one service, area and period.

    available       places left in the period, 0 or more; None where the organization keeps no capacity for the service
    capacity        places of the period, the taken ones included; None likewise
    may_share       whether the person's data may go to an organization outside the government
    program_open    whether the program asked for is open here and today; None where none is asked for
    serves_program  whether the organization takes referrals for it
    asked_before    whether this need was sent there before
    """

    organization_id: UUID
    code: str
    name: str
    kind: OrganizationKind
    serves_area: bool
    offers_service: bool
    available: int | None
    may_share: bool = True
    capacity: int | None = None
    program_open: bool | None = None
    serves_program: bool = True
    asked_before: bool = False
    standing: Standing = Standing()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One organization judged. `takes` is true when every rule holds; `points` are for the order among those."""

    facts: Facts
    takes: bool
    route: tuple[RuleAnswer, ...]
    points: int = 0
    owed: bool = False

    @property
    def failing(self) -> frozenset[str]:
        """Names of the rules that do not hold."""
        return frozenset(rule["rule"] for rule in self.route if not rule["outcome"])

    @property
    def refused(self) -> frozenset[str]:
        """Names of the rules that do not hold and that nobody may set aside."""
        return self.failing - WAIVABLE


def judge(facts: Facts, at: datetime, policy: Policy) -> Candidate:
    """Ask every rule, also after one has failed, so that the explanation is whole."""
    receives = facts.kind not in UNITS_OF_SLRT
    has_place = facts.available is None or facts.available > 0
    may_know = facts.may_share or facts.kind not in NEEDS_CONSENT
    standing = facts.standing
    route: list[RuleAnswer] = [
        {"rule": "serves_area", "outcome": facts.serves_area},
        {"rule": "offers_service", "outcome": facts.offers_service},
        {"rule": "receives_referrals", "outcome": receives},
        {"rule": "capacity", "outcome": has_place, "available": facts.available},
        {"rule": "consent", "outcome": may_know},
    ]
    if facts.program_open is not None:
        route += [
            {"rule": "program_open", "outcome": facts.program_open},
            {"rule": "serves_program", "outcome": facts.serves_program},
        ]
    route += [
        {"rule": "not_asked_before", "outcome": not facts.asked_before},
        {
            "rule": "open_offers",
            "outcome": standing.open_offers < policy.open_offers_limit,
            "count": standing.open_offers,
        },
        _answers(standing, at, policy),
    ]
    return Candidate(facts, all(rule["outcome"] for rule in route), tuple(route))


def _answers(standing: Standing, at: datetime, policy: Policy) -> RuleAnswer:
    answers = standing.answers_at(at, policy)
    told: RuleAnswer = {"rule": "answers", "outcome": answers, "count": standing.unanswered}
    if not answers:
        again = standing.offered_again(policy)
        told["until"] = again.isoformat().replace("+00:00", "Z") if again is not None else None
    return told


def rank(facts: Iterable[Facts], at: datetime, policy: Policy, total: int = 0) -> tuple[Candidate, ...]:
    """Everybody judged, best first; those that do not take the client after all others, by code.

    at     aware instant of the choice
    total  how many offers of the service the regency has made
    """
    judged = [judge(each, at, policy) for each in facts]
    takers = sum(candidate.takes for candidate in judged)
    return tuple(sorted((_weighed(each, takers, total, policy) for each in judged), key=_order))


def _weighed(candidate: Candidate, takers: int, total: int, policy: Policy) -> Candidate:
    if not candidate.takes:
        return candidate
    facts, standing = candidate.facts, candidate.facts.standing
    turns = None if standing.turn is None else max(total - standing.turn, 0)
    # An equal share is one offer in `takers`: the least share is reached while one in `takers * 100 / minimum_share` is.
    owed = policy.minimum_share > 0 and (turns is None or turns * policy.minimum_share >= takers * 100)
    values = {
        "places": (_places(facts), policy.places_weight),
        "response": (_soon(standing.response_minutes, policy), policy.response_weight),
        "acceptance": (
            UNKNOWN if standing.acceptance is None else standing.acceptance,
            policy.acceptance_weight,
        ),
        "turn": (WHOLE if turns is None else min(WHOLE, turns * WHOLE // (2 * takers)), policy.turn_weight),
    }
    weighed: tuple[RuleAnswer, ...] = tuple(
        {"rule": name, "outcome": True, "value": value, "weight": weight} for name, (value, weight) in values.items()
    )
    share: RuleAnswer = {"rule": "least_share", "outcome": True, "value": WHOLE if owed else 0, "count": turns}
    points = sum(value * weight for value, weight in values.values())
    return replace(candidate, route=(*candidate.route, *weighed, share), points=points, owed=owed)


def _places(facts: Facts) -> int:
    """Share of the period's places that is left."""
    if facts.available is None:
        return WHOLE
    return min(WHOLE, facts.available * WHOLE // max(facts.capacity or facts.available, 1))


def _soon(minutes: int | None, policy: Policy) -> int:
    if minutes is None:
        return UNKNOWN
    return max(0, WHOLE - minutes * WHOLE // policy.slow_response_minutes)


def _order(candidate: Candidate) -> tuple[bool, bool, int, int, bool, int, str]:
    """Who takes it first; who is owed one before, longest without first; then points, places, and the code."""
    facts = candidate.facts
    turn = facts.standing.turn
    waited = (-1 if turn is None else turn) if candidate.owed else 0
    return (
        not candidate.takes,
        not candidate.owed,
        waited,
        -candidate.points,
        facts.available is not None,
        -(facts.available or 0),
        facts.code,
    )
