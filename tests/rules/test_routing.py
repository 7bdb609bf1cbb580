"""Who can take a client, in which order, and why."""

from dataclasses import replace
from uuid import UUID

import pytest

from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.routing import Facts, judge, rank

LKS = Facts(UUID(int=1), "LKS-B", "B", OrganizationKind.LKS, serves_area=True, offers_service=True, available=3)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"serves_area": False}, "serves_area"),
        ({"offers_service": False}, "offers_service"),
        ({"kind": OrganizationKind.PUSKESOS}, "receives_referrals"),
        ({"kind": OrganizationKind.SECRETARIAT}, "receives_referrals"),
        ({"available": 0}, "capacity"),
        ({"may_share": False}, "consent"),
    ],
)
def test_one_failing_rule_is_enough_and_is_named(change: dict[str, object], failing: str) -> None:
    candidate = judge(replace(LKS, **change))  # type: ignore[arg-type]
    assert not candidate.takes
    assert [rule["rule"] for rule in candidate.route if not rule["outcome"]] == [failing]
    assert candidate.failing == {failing}


@pytest.mark.parametrize("kind", [OrganizationKind.OPD, OrganizationKind.FACILITY, OrganizationKind.MINISTRY])
def test_the_government_needs_no_consent(kind: OrganizationKind) -> None:
    assert judge(replace(LKS, kind=kind, may_share=False)).takes


def test_capacity_tells_the_places_left() -> None:
    assert judge(LKS).takes
    assert judge(LKS).route[3] == {"rule": "capacity", "outcome": True, "available": 3}
    assert judge(replace(LKS, available=None)).route[3] == {"rule": "capacity", "outcome": True, "available": None}


def test_the_one_with_most_places_comes_first_then_by_code() -> None:
    ranked = rank(
        [
            replace(LKS, code="FULL", available=0),
            replace(LKS, code="C", available=3),
            LKS,
            replace(LKS, code="TEN", available=10),
            replace(LKS, code="ALL", available=None),
        ]
    )
    assert [each.facts.code for each in ranked] == ["ALL", "TEN", "C", "LKS-B", "FULL"]
