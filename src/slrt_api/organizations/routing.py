"""Which organizations can take a client for a service, and why: a pure rule over facts that the caller has read.

Rules, in this order: it serves the area, it offers the service, it receives referrals at all, it has a place left in the
period, and the person's data may go there. A service for which an organization keeps no capacity takes everybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from slrt_api.organizations.codes import NEEDS_CONSENT, UNITS_OF_SLRT, OrganizationKind


class RuleAnswer(TypedDict, total=False):
    """One rule as the API tells it: `outcome` of a yes-or-no rule, `available` places of `capacity` (null = unlimited)."""

    rule: str
    outcome: bool
    available: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one organization for one service, area and period.

    available  places left in the period, 0 or more; None where the organization keeps no capacity for the service
    may_share  whether the person's data may go to an organization outside the government
    """

    organization_id: UUID
    code: str
    name: str
    kind: OrganizationKind
    serves_area: bool
    offers_service: bool
    available: int | None
    may_share: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """One organization judged. `takes` is true when every rule holds."""

    facts: Facts
    takes: bool
    route: tuple[RuleAnswer, ...]

    @property
    def failing(self) -> frozenset[str]:
        """Names of the rules that do not hold."""
        return frozenset(rule["rule"] for rule in self.route if not rule["outcome"])


def judge(facts: Facts) -> Candidate:
    """Ask every rule, also after one has failed, so that the explanation is whole."""
    receives = facts.kind not in UNITS_OF_SLRT
    has_place = facts.available is None or facts.available > 0
    may_know = facts.may_share or facts.kind not in NEEDS_CONSENT
    route: tuple[RuleAnswer, ...] = (
        {"rule": "serves_area", "outcome": facts.serves_area},
        {"rule": "offers_service", "outcome": facts.offers_service},
        {"rule": "receives_referrals", "outcome": receives},
        {"rule": "capacity", "outcome": has_place, "available": facts.available},
        {"rule": "consent", "outcome": may_know},
    )
    return Candidate(facts, all(rule["outcome"] for rule in route), route)


def rank(facts: Iterable[Facts]) -> tuple[Candidate, ...]:
    """Everybody judged: those that take the client first, the one with most places before, then by code."""
    return tuple(sorted(map(judge, facts), key=_order))


def _order(candidate: Candidate) -> tuple[bool, bool, int, str]:
    available = candidate.facts.available
    return (not candidate.takes, available is not None, -(available or 0), candidate.facts.code)
