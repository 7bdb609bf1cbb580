"""Every (state, action, role) of a referral, against the table of what is expected."""

from datetime import UTC, datetime
from itertools import product

import pytest

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.kernel.errors import Conflict, Forbidden, Invalid
from slrt_api.referrals import package
from slrt_api.referrals.codes import ReferralAction as A
from slrt_api.referrals.codes import ReferralStatus as R
from slrt_api.referrals.lifecycle import LIFECYCLE

#: action -> (from, to, who). S the sending officers, P partners, M program managers, W the worker,
#: H who holds the receipt of the complaint.
EXPECTED: dict[A, tuple[str, R | None, str]] = {
    A.SEND: ("DRAFT", R.SENT, "SW"),
    A.RECEIVE: ("SENT", R.RECEIVED, "PM"),
    A.REVIEW: ("SENT RECEIVED UNDER_REVIEW", R.UNDER_REVIEW, "PM"),
    A.APPROVE: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.APPROVED, "M"),
    A.ACCEPT: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.APPROVED, "P"),
    A.REJECT: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.REJECTED, "M"),
    A.DECLINE: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.REJECTED, "P"),
    A.WAITLIST: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.WAITLISTED, "PM"),
    A.REDIRECT: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.REDIRECTED, "PM"),
    A.REALIZE: ("APPROVED", R.REALIZED, "PM"),
    A.CONFIRM_RECEIPT: ("REALIZED", R.REALIZED, "SH"),
    A.FAIL: ("APPROVED", R.FAILED, "PM"),
    A.REVOKE: ("DRAFT SENT RECEIVED UNDER_REVIEW WAITLISTED APPROVED", R.REVOKED, "S"),
    A.EXPIRE: ("SENT RECEIVED UNDER_REVIEW WAITLISTED", R.EXPIRED, "W"),
}
ROLES = {
    Role.PUSKESOS_OFFICER.value: "S",
    Role.PUSKESOS_COORDINATOR.value: "S",
    Role.SECRETARIAT_OFFICER.value: "S",
    Role.SECRETARIAT_MANAGER.value: "S",
    Role.PARTNER.value: "P",
    Role.PROGRAM_MANAGER.value: "M",
    "worker": "W",
    "public": "H",
}
EVERY_ROLE = [*(role.value for role in Role), "worker", "public"]
REASONS = {A.REJECT, A.DECLINE, A.REDIRECT, A.FAIL, A.REVOKE}


def scopes_of(role: str) -> frozenset[str]:
    if role in {"worker", "public"}:
        return frozenset({"referrals:write"})
    return frozenset(PERMISSIONS[Role(role)])


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_every_state_action_and_role(role: str) -> None:
    for state, action in product(R, A):
        sources, target, who = EXPECTED[action]
        expected: object = target
        if state not in sources.split():
            expected = "transition_not_allowed"
        elif ROLES.get(role, "-") not in who:
            expected = "role_not_allowed"
        try:
            line = LIFECYCLE.advance(
                state, action, role=role, scopes=scopes_of(role), row={"receipt_confirmed_at": None}, actor={}
            )
            outcome: object = line.target
            assert line.reason_required == (action in REASONS)
        except (Conflict, Forbidden) as refused:
            outcome = refused.code
        assert outcome == expected, (state, action, role)


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_without_scopes_nobody_may_do_anything(role: str) -> None:
    for state in R:
        assert LIFECYCLE.allowed_actions(state, role=role, scopes=(), row={}, actor={}) == ()


def test_reading_gives_no_right_to_answer() -> None:
    with pytest.raises(Forbidden) as refused:
        LIFECYCLE.advance("SENT", "ACCEPT", role="partner", scopes={"referrals:read"}, row={}, actor={})
    assert refused.value.code == "scope_missing"


def test_receipt_is_confirmed_once() -> None:
    row = {"receipt_confirmed_at": datetime(2026, 11, 22, tzinfo=UTC)}
    officer = "puskesos_officer"
    with pytest.raises(Conflict) as refused:
        LIFECYCLE.advance("REALIZED", "CONFIRM_RECEIPT", role=officer, scopes=scopes_of(officer), row=row, actor={})
    assert refused.value.code == "receipt_already_confirmed"
    assert LIFECYCLE.allowed_actions("REALIZED", role=officer, scopes=scopes_of(officer), row=row, actor={}) == ()


def test_a_reason_of_spaces_is_none() -> None:
    line = LIFECYCLE.advance("SENT", "DECLINE", role="partner", scopes=scopes_of("partner"), row={}, actor={})
    with pytest.raises(Invalid):
        LIFECYCLE.require_reason(line, "  ")


def test_the_district_of_the_nik_goes_only_where_a_register_is_asked() -> None:
    assert "nik_prefix" in package.fields_for("HEALTH_INSURANCE")
    assert "nik_prefix" not in package.fields_for("SCHOOL_RETENTION")
    assert set(package.SEALED) < package.fields_for("SCHOOL_RETENTION")
