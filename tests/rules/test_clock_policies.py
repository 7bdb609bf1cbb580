"""Clock policies: which clocks start for whom, and that every event they name exists."""

from datetime import date

import pytest

from slrt_api.areas.codelists import load_code_lists
from slrt_api.clocks import policies
from slrt_api.clocks.codes import CountsFrom
from slrt_api.kernel.worktime import Unit

TODAY = date(2026, 11, 22)


def clocks_at_intake(nature: str, *flags: str) -> dict[str, tuple[Unit, int]]:
    started = policies.started_by({"RECEIVED"}, "complaint", TODAY, nature=nature, severity_flags=flags)
    return {policy.name: (policy.unit, policy.amount) for policy in started}


class TestIntake:
    def test_a_complaint_starts_its_clocks_together(self) -> None:
        assert clocks_at_intake("GRIEVANCE") == {
            "HAND_IN": (Unit.WORKING_DAY, 1),
            "ACKNOWLEDGE": (Unit.WORKING_DAY, 1),
            "FORWARD": (Unit.WORKING_DAY, 3),
            "FIRST_RESPONSE": (Unit.WORKING_DAY, 5),
            "RESOLVE": (Unit.WORKING_DAY, 14),
            "STATUTORY": (Unit.CALENDAR_DAY, 60),
            "TRIAGE": (Unit.WORKING_DAY, 2),
        }

    @pytest.mark.parametrize(
        ("nature", "flags", "working_days"),
        [
            ("QUESTION", (), 5),
            ("INFORMATION_REQUEST", (), 5),
            ("GRIEVANCE", (), 14),
            ("SUGGESTION", (), 14),
            ("ASPIRATION", (), 14),
            ("WHISTLEBLOWING", (), 60),
            ("GRIEVANCE", ("OVERSIGHT",), 60),
            ("QUESTION", ("OVERSIGHT",), 60),
            ("GRIEVANCE", ("LIFE_THREATENING",), 14),
        ],
    )
    def test_time_to_resolve_goes_by_class(self, nature: str, flags: tuple[str, ...], working_days: int) -> None:
        assert clocks_at_intake(nature, *flags)["RESOLVE"] == (Unit.WORKING_DAY, working_days)

    def test_every_nature_has_a_time_to_resolve(self) -> None:
        for nature in load_code_lists()["complaint-natures"].codes:
            assert "RESOLVE" in clocks_at_intake(nature)

    def test_nothing_starts_before_a_policy_is_in_force(self) -> None:
        assert policies.started_by({"RECEIVED"}, "complaint", date(2023, 12, 31), nature="GRIEVANCE") == ()


class TestOtherAggregates:
    def test_a_sent_referral_is_to_be_answered(self) -> None:
        started = policies.started_by({"SENT"}, "referral", TODAY)
        assert [(policy.name, policy.unit, policy.amount) for policy in started] == [("RESPOND", Unit.WORKING_DAY, 5)]

    def test_an_emergency_runs_by_the_hour(self) -> None:
        started = policies.started_by({"MARK_EMERGENCY"}, "case", TODAY)
        assert [(policy.name, policy.unit, policy.amount) for policy in started] == [("EMERGENCY", Unit.HOURS, 24)]


class TestTable:
    def test_events_are_statuses_or_actions_of_the_aggregate(self) -> None:
        lists = load_code_lists()
        for policy in policies.load_policies():
            if policy.applies_to == "data_subject_request":
                # A resource of a later issue: its states are not declared yet.
                continue
            statuses = lists[f"{policy.applies_to}-statuses"].codes
            actions = lists["case-actions"].codes | {"FILE_COMPLETED"} if policy.applies_to == "case" else frozenset()
            if policy.applies_to == "complaint":
                actions |= {f"ESCALATED_{rung}" for rung in lists["escalation-rungs"].codes}
            assert policy.start_events, policy.name
            assert policy.start_events <= statuses | actions, policy.name
            assert policy.meets_events <= statuses | actions, policy.name
            assert policy.pauses_in <= statuses, policy.name
            assert policy.pauses_in.isdisjoint(policy.meets_events | policy.start_events), policy.name
            # What starts a clock meets it only where the duty was done before: to hand in what was recorded offline.
            captured = policy.counts_from is CountsFrom.CAPTURED
            assert captured is not policy.start_events.isdisjoint(policy.meets_events), policy.name
            assert policy.natures <= lists["complaint-natures"].codes
            assert policy.severity_flag is None or policy.severity_flag in lists["complaint-severity-flags"].codes

    def test_a_number_has_its_source(self) -> None:
        for policy in policies.load_policies():
            assert policy.amount > 0
            assert (policy.pause_limit is not None) is bool(policy.pauses_in)
            assert (policy.pause_limit is None) is (policy.pause_unit is None)
            assert policy.warn_percent is None or policy.warn_minutes is None
            assert policy.citation
            assert policy.confidence in {"sourced", "unverified", "design"}
            assert policy.unit in load_code_lists()["clock-units"].codes
