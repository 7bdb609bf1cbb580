"""Code lists: that the frozen codes stand in them, labelled, and that other people's numbering is kept apart."""

import re
from collections import Counter

import pytest

from slrt_api.areas import codelists
from slrt_api.areas.codelists import CodeList, Selection

# The public names that `/v1` keeps for ever. Adding is allowed, renaming and removing is not.
FROZEN = {
    "case-statuses": "REGISTERED VERIFICATION ASSESSMENT AWAITING_DOCUMENTS RECOMMENDED RETURNED "
    "CONFIRMED IN_SERVICE FEEDBACK REASSESSMENT CLOSED_SELF_RELIANT CLOSED_HANDLED "
    "CLOSED_UNFOUNDED WITHDRAWN DECEASED MOVED MERGED NOT_COMPETENT REOPENED",
    "case-actions": "VERIFY ASSESS REQUEST_DOCUMENTS RESUME RECOMMEND RETURN CONFIRM START_SERVICE "
    "COLLECT_FEEDBACK REASSESS CLOSE WITHDRAW TRANSFER MERGE REOPEN MARK_EMERGENCY",
    "case-escalations": "NONE PROVINCE NATION",
    "need-statuses": "OPEN DIRECT_SERVICE REFERRED MET UNMET CANCELLED",
    "service-domains": "SOCIAL_WELFARE HEALTH EDUCATION ECONOMIC_EMPOWERMENT",
    "referral-statuses": "DRAFT SENT RECEIVED UNDER_REVIEW APPROVED WAITLISTED REJECTED REDIRECTED REALIZED "
    "FAILED REVOKED EXPIRED",
    "referral-actions": "SEND RECEIVE REVIEW APPROVE ACCEPT REJECT DECLINE WAITLIST REDIRECT REALIZE "
    "CONFIRM_RECEIPT FAIL REVOKE EXPIRE",
    "complaint-statuses": "RECEIVED TRIAGED FORWARDED IN_PROGRESS AWAITING_COMPLAINANT RETURNED RESOLVED "
    "OBJECTED CLOSED LAPSED NOT_COMPETENT MERGED REOPENED",
    "complaint-natures": "QUESTION SUGGESTION GRIEVANCE ASPIRATION INFORMATION_REQUEST WHISTLEBLOWING",
    "complaint-categories": "PARTICIPATION NEED IMPLEMENTATION",
    "complaint-confidentialities": "OPEN CONFIDENTIAL ANONYMOUS SEALED",
    "proposal-statuses": "DRAFT SUBMITTED MEETING_SCHEDULED MEETING_APPROVED MEETING_REJECTED DECLARED "
    "OFFICE_CHECK RETURNED GROUND_CHECK VERIFIED RATIFIED SENT ACCEPTED REJECTED RANKED",
    "proposal-types": "NEW CORRECTION PROGRAM OBJECTION REMOVAL",
    "registry-check-outcomes": "IN_REGISTRY NOT_FOUND AMBIGUOUS",
    "nik-findings": "NIK_MALFORMED NIK_ANOMALOUS NIK_PREFIX_UNKNOWN NIK_MISMATCH_LOCAL NIK_DUPLICATE",
    "kk-findings": "KK_ANOMALOUS KK_PREFIX_UNKNOWN",
    "matching-statuses": "NOT_MATCHED_YET MATCHED PARTIAL NOT_MATCHED NIK_NOT_FOUND DUPLICATE_NIK "
    "DUPLICATE_FAMILY DECEASED MOVED NIK_ANOMALOUS NIK_INACTIVE",
    "eligibility-outcomes": "ELIGIBLE INELIGIBLE INDETERMINATE ELIGIBLE_WAITLIST ALREADY_RECEIVING CONFLICT "
    "EXCLUDED_PENDING_VERIFICATION",
    "criterion-outcomes": "TRUE FALSE UNKNOWN",
    "clock-states": "RUNNING PAUSED MET BREACHED STOPPED",
    "clock-units": "HOURS CALENDAR_DAY WORKING_DAY WORKING_HOURS",
    "roles": "facilitator puskesos_officer puskesos_coordinator supervisor secretariat_officer "
    "secretariat_manager social_office province_office national_office program_manager "
    "partner auditor integrator administrator citizen integrity_officer",
    "sealed-access-statuses": "REQUESTED GRANTED REFUSED WITHDRAWN REVOKED USED",
    "sealed-access-actions": "GRANT REFUSE WITHDRAW REVOKE REVEAL",
    "sealed-access-purposes": "PROTECTION CLARIFICATION INVESTIGATION LEGAL_ORDER",
    "family-relations": "HEAD SPOUSE CHILD CHILD_IN_LAW GRANDCHILD PARENT DOMESTIC_WORKER OTHER",
    "sexes": "F M",
    "program-units": "HOUSEHOLD FAMILY PERSON GROUP METER",
}


@pytest.fixture(scope="module")
def lists() -> dict[str, CodeList]:
    return dict(codelists.load_code_lists())


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_every_frozen_code_stands_in_its_list(lists: dict[str, CodeList], name: str) -> None:
    assert lists[name].codes == set(FROZEN[name].split())


def test_codes_are_unique_and_in_order(lists: dict[str, CodeList]) -> None:
    for code_list in lists.values():
        assert len(code_list.codes) == len(code_list.items), code_list.name
        assert [item.position for item in code_list.items] == list(range(1, len(code_list.items) + 1)), code_list.name


def test_every_code_has_both_labels_and_they_differ(lists: dict[str, CodeList]) -> None:
    for code_list in lists.values():
        for item in code_list.items:
            assert item.label_id.strip() == item.label_id != "", (code_list.name, item.code)
            assert item.label_en.strip() == item.label_en != "", (code_list.name, item.code)
            assert item.source, (code_list.name, item.code)
            assert item.label_id != item.label_en, (code_list.name, item.code)


def test_labels_tell_the_codes_of_a_list_apart(lists: dict[str, CodeList]) -> None:
    for code_list in lists.values():
        assert len({item.label_id for item in code_list.items}) == len(code_list.items), code_list.name
        assert len({item.label_en for item in code_list.items}) == len(code_list.items), code_list.name


def test_our_own_codes_are_words_and_an_instruments_codes_are_its_own(lists: dict[str, CodeList]) -> None:
    for code_list in lists.values():
        for item in code_list.items:
            if code_list.name.startswith(("regsosek-", "pbdt2015-", "kemendagri-", "questions-")):
                assert item.instrument_code == item.code
            elif code_list.name == "roles":
                assert re.fullmatch("[a-z_]+", item.code)
            elif code_list.name != "program-clusters":
                assert re.fullmatch("[A-Z_]+", item.code)


def test_lists_of_known_length(lists: dict[str, CodeList]) -> None:
    lengths = {"ppks-categories": 26, "psks-categories": 12, "program-sectors": 9, "pbdt2015-disabilities": 13}
    assert {name: len(lists[name].items) for name in lengths} == lengths


def test_bit_sums_are_marked_and_their_codes_can_be_added(lists: dict[str, CodeList]) -> None:
    summed = {name for name, code_list in lists.items() if code_list.selection is Selection.BIT_SUM}
    assert summed == {"regsosek-411-identity-documents", "regsosek-431a-health-insurance", "pbdt2015-identity-cards"}
    for name in summed:
        powers = [int(code) for code in lists[name].codes if code not in {"0", "99"}]
        assert sum(powers) == 2 ** len(powers) - 1


def test_the_two_instruments_number_school_participation_differently(lists: dict[str, CodeList]) -> None:
    def attending(name: str) -> str:
        return next(item.code for item in lists[name].items if item.label_en == "Attending")

    assert attending("regsosek-412-school-participation") == "2"
    assert attending("pbdt2015-school-participation") == "1"


def test_family_relations_carry_the_numbers_of_regsosek(lists: dict[str, CodeList]) -> None:
    own = {item.instrument_code: item.label_en for item in lists["family-relations"].items}
    theirs = {item.code: item.label_en for item in lists["regsosek-409-family-relations"].items}
    assert own == theirs


def test_every_subtype_belongs_to_a_category(lists: dict[str, CodeList]) -> None:
    parents = Counter(item.parent for item in lists["complaint-subtypes"].items)
    assert set(parents) == lists["complaint-categories"].codes
    assert parents["PARTICIPATION"] == 8
    assert parents["IMPLEMENTATION"] == 9


def test_services_cover_the_four_domains(lists: dict[str, CodeList]) -> None:
    services = codelists.load_services()
    per_domain = Counter(service.domain for service in services)
    assert set(per_domain) == lists["service-domains"].codes
    assert min(per_domain.values()) >= 6
    assert len({service.code for service in services}) == len(services) >= 24
    assert {"HEALTH_INSURANCE", "SCHOOL_RETENTION"} <= {service.code for service in services}
    assert all(service.label_id and service.label_en and service.label_id != service.label_en for service in services)
