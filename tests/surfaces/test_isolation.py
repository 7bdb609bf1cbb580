"""Nothing of another regency: not by id, list, filter, count, cursor or include, on any route, in any role (I9).

The routes come from the OpenAPI document: one without a case here fails.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from tests.api import OTHER_REGENCY_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase
from tests.domains.test_complaints import complaint_body
from tests.domains.test_grants import grant_body
from tests.domains.test_public import public_body
from tests.domains.test_sealed_reports import sealed_body
from tests.problems import problem
from tests.programs import program_body
from tests.sizes import size

from slrt_api.access.scopes import Role
from slrt_api.areas import codes
from slrt_api.cli import contracts
from slrt_api.flows import asking, finding, screening, upkeep
from slrt_api.households.codes import Standing
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.kernel.numbers import new_number
from slrt_api.registry import service as registry
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act

HERE, ELSEWHERE = 3326, 3327
#: what reaches over regencies: the offices above read the numbers of screenings in all of their area
ABOVE = {(role, Kind.SCREENING) for role in (Role.PROVINCE_OFFICE, Role.NATIONAL_OFFICE)}
NATIONAL = {
    Kind.ORGANIZATION,
    Kind.PROGRAM,
    Kind.RULE_VERSION,
    Kind.CALENDAR,
    Kind.SLA_POLICY,
    Kind.ESCALATION_LADDER,
    Kind.INSTRUMENT,
}
_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
Method = tuple[str, str]
#: by kind; a further one of a kind by what it is
Rows = dict[Kind | str, UUID]


@dataclass(frozen=True)
class Case:
    """How to ask one route about a resource.

    kind    of the id in the path; None where the path holds a code
    row     which of that kind, where it is not the usual one
    role    one that may do it
    reach   of that role's grant, where a village is too little to see it
    status  of the one answer that every id out of sight gets
    codes   what may stand in the path instead of an id
    """

    kind: Kind | None
    role: str
    body: Callable[[Rows], Any] | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json", "if-match": '"1"'})
    status: int = 404
    reach: str = OTHER_REGENCY_VILLAGE
    codes: Callable[["World"], dict[str, str]] = lambda _: {"a code": "NO_SUCH_CODE", "another": "NEITHER_THIS"}
    row: Kind | str | None = None

    def of(self, rows: Rows) -> UUID:
        """The resource to ask about, of one regency's."""
        asked = self.row or self.kind
        assert asked is not None
        return rows[asked]


JSON = {"content-type": "application/json"}
MERGE = {"content-type": "application/merge-patch+json", "if-match": '"1"'}
REGISTRY_NUMBER = {"scheme": "ID_DTKS", "value": "B", "source": "DECLARED"}
ENROLLED = {"started_on": "2026-01-01", "origin": "REPORTED", "source": "B"}
PLANNED = {"action": "B", "due_on": "2099-01-01", "responsible_role": "facilitator"}
#: of somebody who holds no receipt; failures are counted by receipt, so that each is asked about a new one
RECEIPT = {"authorization": "Receipt 7ZQ40-MXR2K-9D3WA-HB6TN"}
PART = {"content-type": "application/partial-upload", "upload-offset": "0"}
TEXT = {"media_type": "text/plain", "size": 3, "sha256": "lVzKHOukUFLYWYTTolZfTOJbdIhgLGChZVmL+Asm5HI="}


def _new_receipts(_: "World") -> dict[str, str]:
    return {
        "unknown, here": new_number("KEL", HERE),
        "unknown, elsewhere": new_number("KEL", ELSEWHERE),
        "no number": "KEL-0",
    }


ANSWERS = {"instrument": "REGSOSEK2022K", "source": "DECLARED"}


def _receipts(world: "World") -> dict[str, str]:
    return {
        "unknown, here": new_number("KEL", HERE),
        "unknown, elsewhere": new_number("KEL", ELSEWHERE),
        "existing, elsewhere": world.receipt,
        "no number": "KEL-0",
    }


CASES: dict[Method, Case] = {
    ("GET", "/v1/households/{id}"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/members"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("PATCH", "/v1/households/{id}"): Case(Kind.HOUSEHOLD, "facilitator", lambda _: {"address": "B"}, MERGE),
    # An id of another regency, existing or not, contradicts the area in the body.
    ("PUT", "/v1/households/{id}"): Case(
        Kind.HOUSEHOLD, "facilitator", lambda _: household_body(), JSON | {"if-none-match": "*"}, status=422
    ),
    ("GET", "/v1/households/{id}/memberships"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/house"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/family-cards"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/registry-numbers"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/answers"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/households/{id}/earlier-answers"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("POST", "/v1/households/{id}/members"): Case(
        Kind.HOUSEHOLD, "facilitator", lambda _: {"relation": "CHILD", "person": {"name": "B", "sex": "F"}}
    ),
    ("PATCH", "/v1/households/{id}/members/{person_id}"): Case(
        Kind.HOUSEHOLD, "facilitator", lambda _: {"position": 0}, MERGE
    ),
    ("POST", "/v1/households/{id}/registry-numbers"): Case(Kind.HOUSEHOLD, "facilitator", lambda _: REGISTRY_NUMBER),
    ("PUT", "/v1/households/{id}/answers"): Case(
        Kind.HOUSEHOLD, "facilitator", lambda _: ANSWERS | {"answers": {"303": "8"}}
    ),
    ("GET", "/v1/households/{id}/registry-facts"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/persons/{id}/registry-facts"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}/niks"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}/registry-numbers"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}/answers"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}/earlier-answers"): Case(Kind.PERSON, "facilitator"),
    ("PATCH", "/v1/persons/{id}"): Case(
        Kind.PERSON,
        "facilitator",
        lambda _: {"name": "B", "reason": "B", "source": "DOCUMENT"},
        MERGE | {"if-match": '"0"'},
    ),
    ("POST", "/v1/persons/{id}/registry-numbers"): Case(
        Kind.PERSON, "facilitator", lambda _: REGISTRY_NUMBER, JSON | {"if-match": '"0"'}
    ),
    ("PUT", "/v1/persons/{id}/answers"): Case(
        Kind.PERSON, "facilitator", lambda _: ANSWERS | {"answers": {"408": "2"}}, JSON | {"if-match": '"0"'}
    ),
    ("GET", "/v1/persons/{id}/households"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/persons/{id}/history"): Case(Kind.PERSON, "facilitator"),
    ("POST", "/v1/persons/{id}/reveal"): Case(
        Kind.PERSON,
        "puskesos_officer",
        lambda rows: {"purpose": "VERIFICATION", "case_id": str(rows[Kind.CASE])},
    ),
    ("POST", "/v1/households/{id}/births"): Case(
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda _: {"name": "B", "birth_date": "2026-11-02", "sex": "F", "reason": "B"},
    ),
    ("POST", "/v1/households/{id}/split"): Case(
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda rows: {"members": [{"person_id": str(rows[Kind.PERSON]), "relation": "HEAD"}], "reason": "B"},
    ),
    ("POST", "/v1/households/{id}/merge"): Case(
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda rows: {
            "into": str(rows[Kind.HOUSEHOLD]),
            "members": [{"person_id": str(rows[Kind.PERSON]), "relation": "CHILD"}],
            "reason": "B",
        },
        # The household in the body is in sight; that it is the same one as in the path is said only when that is seen.
        {"content-type": "application/json", "if-match": '"9"'},
    ),
    ("POST", "/v1/households/{id}/move"): Case(
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda _: {"area_code": "33.27.01.2001", "address": "B", "reason": "B"},
        {"content-type": "application/json", "if-match": '"9"'},
    ),
    ("POST", "/v1/households/{id}/family-card"): Case(
        Kind.HOUSEHOLD, "puskesos_officer", lambda _: {"kk": "9901010101120008", "reason": "B"}
    ),
    ("GET", "/v1/households/{id}/lineage"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/persons/{id}/lineage"): Case(Kind.PERSON, "facilitator"),
    ("POST", "/v1/persons/{id}/death"): Case(
        Kind.PERSON,
        "puskesos_officer",
        lambda _: {"died_on": "2026-11-02", "reason": "B"},
        {"content-type": "application/json", "if-match": '"9"'},
    ),
    ("POST", "/v1/persons/{id}/nik"): Case(
        Kind.PERSON,
        "puskesos_officer",
        lambda _: {"nik": "9901014505880004", "reason": "B", "evidence": "B"},
    ),
    ("POST", "/v1/persons/{id}/civil-checks"): Case(Kind.PERSON, "puskesos_officer"),
    ("GET", "/v1/persons/{id}/civil-checks"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/civil-checks/{id}"): Case(Kind.CIVIL_CHECK, "facilitator"),
    ("GET", "/v1/civil-checks/{id}/history"): Case(Kind.CIVIL_CHECK, "facilitator"),
    ("GET", "/v1/duplicates/{id}"): Case(Kind.DUPLICATE, "secretariat_officer"),
    ("GET", "/v1/duplicates/{id}/history"): Case(Kind.DUPLICATE, "secretariat_officer"),
    ("POST", "/v1/duplicates/{id}/transitions"): Case(
        Kind.DUPLICATE, "secretariat_officer", lambda _: {"action": "DIFFERENT", "reason": "B"}
    ),
    ("GET", "/v1/duplicate-runs/{id}"): Case(Kind.DUPLICATE_RUN, "secretariat_manager", reach="33.27"),
    ("GET", "/v1/handovers/{id}"): Case(Kind.HANDOVER, "puskesos_officer"),
    ("GET", "/v1/handovers/{id}/history"): Case(Kind.HANDOVER, "puskesos_officer"),
    ("POST", "/v1/handovers/{id}/transitions"): Case(
        Kind.HANDOVER, "puskesos_officer", lambda _: {"action": "WITHDRAW", "reason": "B"}
    ),
    ("GET", "/v1/duplicate-tickets/{id}"): Case(Kind.DUPLICATE_TICKET, "secretariat_officer"),
    ("GET", "/v1/duplicate-tickets/{id}/history"): Case(Kind.DUPLICATE_TICKET, "secretariat_officer"),
    ("POST", "/v1/duplicate-tickets/{id}/transitions"): Case(
        Kind.DUPLICATE_TICKET, "secretariat_officer", lambda _: {"action": "DIFFERENT", "reason": "B"}
    ),
    ("GET", "/v1/lineage/{id}"): Case(Kind.LINEAGE, "facilitator"),
    ("GET", "/v1/lineage/{id}/history"): Case(Kind.LINEAGE, "facilitator"),
    ("POST", "/v1/lineage/{id}/undo"): Case(Kind.LINEAGE, "puskesos_officer", lambda _: {"reason": "B"}),
    ("GET", "/v1/organizations/{id}"): Case(Kind.ORGANIZATION, "facilitator"),
    ("POST", "/v1/organizations/{id}/capacity"): Case(
        Kind.ORGANIZATION,
        "administrator",
        lambda _: {"service": "SCHOOL_RETENTION", "period": "2026-11", "area_code": "33.26", "capacity": 3},
    ),
    ("GET", "/v1/calendars/{code}"): Case(None, "facilitator"),
    ("GET", "/v1/calendars/decrees/{id}"): Case(Kind.CALENDAR, "facilitator"),
    ("GET", "/v1/sla-policies/{id}"): Case(Kind.SLA_POLICY, "facilitator"),
    ("POST", "/v1/sla-policies/{id}/end"): Case(
        Kind.SLA_POLICY, "secretariat_manager", lambda _: {"effective_to": "2027-01-01", "reason": "B"}, reach="33.27"
    ),
    ("GET", "/v1/programs/{id}"): Case(Kind.PROGRAM, "facilitator"),
    ("GET", "/v1/programs/{id}/versions"): Case(Kind.PROGRAM, "facilitator"),
    ("GET", "/v1/programs/{id}/history"): Case(Kind.PROGRAM, "puskesos_officer"),
    ("PATCH", "/v1/programs/{id}"): Case(
        Kind.PROGRAM, "secretariat_manager", lambda _: {"cluster": 2}, MERGE, reach="33.27"
    ),
    ("POST", "/v1/programs/{id}/versions"): Case(
        Kind.PROGRAM, "secretariat_manager", lambda _: {"rule": {}}, reach="33.27"
    ),
    ("GET", "/v1/rule-versions/{id}"): Case(Kind.RULE_VERSION, "facilitator"),
    ("GET", "/v1/rule-versions/{id}/history"): Case(Kind.RULE_VERSION, "puskesos_officer"),
    ("PUT", "/v1/rule-versions/{id}/rule"): Case(
        Kind.RULE_VERSION, "secretariat_manager", lambda _: {"rule": {}}, reach="33.27"
    ),
    ("POST", "/v1/rule-versions/{id}/transitions"): Case(
        Kind.RULE_VERSION, "secretariat_manager", lambda _: {"action": "PUBLISH"}, reach="33.27"
    ),
    ("POST", "/v1/rule-versions/{id}/diff"): Case(Kind.RULE_VERSION, "facilitator", lambda _: {}, JSON),
    ("GET", "/v1/variant-choices/{id}"): Case(Kind.VARIANT_CHOICE, "puskesos_officer"),
    ("GET", "/v1/variant-choices/{id}/history"): Case(Kind.VARIANT_CHOICE, "puskesos_officer"),
    ("GET", "/v1/enrollment-lists/{id}"): Case(Kind.ENROLLMENT_LIST, "puskesos_officer"),
    ("GET", "/v1/enrollment-lists/{id}/history"): Case(Kind.ENROLLMENT_LIST, "puskesos_officer"),
    ("POST", "/v1/enrollment-lists/{id}/renewal"): Case(
        Kind.ENROLLMENT_LIST, "secretariat_manager", lambda _: {"as_of": "2026-11-02", "source": "B"}, reach="33.27"
    ),
    ("GET", "/v1/enrollments/{id}"): Case(Kind.ENROLLMENT, "facilitator"),
    ("GET", "/v1/enrollments/{id}/history"): Case(Kind.ENROLLMENT, "facilitator"),
    ("POST", "/v1/enrollments/{id}/transitions"): Case(
        Kind.ENROLLMENT, "facilitator", lambda _: {"action": "VOID", "reason": "B"}
    ),
    ("GET", "/v1/eligibility-checks/{id}"): Case(Kind.ELIGIBILITY_CHECK, "puskesos_officer"),
    ("GET", "/v1/eligibility-checks/{id}/replay"): Case(Kind.ELIGIBILITY_CHECK, "puskesos_officer"),
    ("POST", "/v1/eligibility-checks/{id}/reviews"): Case(
        Kind.ELIGIBILITY_CHECK,
        "puskesos_officer",
        lambda _: {"program_code": "PKH", "type": "OBJECTION", "reason": "B"},
        JSON,
    ),
    ("GET", "/v1/eligibility-reviews/{id}"): Case(Kind.ELIGIBILITY_REVIEW, "puskesos_officer"),
    ("GET", "/v1/eligibility-reviews/{id}/history"): Case(Kind.ELIGIBILITY_REVIEW, "puskesos_officer"),
    ("POST", "/v1/eligibility-reviews/{id}/transitions"): Case(
        Kind.ELIGIBILITY_REVIEW, "puskesos_coordinator", lambda _: {"action": "UPHOLD", "reason": "B"}
    ),
    ("GET", "/v1/screenings/{id}"): Case(Kind.SCREENING, "secretariat_manager", reach="33.27"),
    ("GET", "/v1/screenings/{id}/results"): Case(Kind.SCREENING, "secretariat_manager", reach="33.27"),
    ("GET", "/v1/screenings/{id}/counts"): Case(Kind.SCREENING, "secretariat_manager", reach="33.27"),
    ("GET", "/v1/screenings/{id}/changes"): Case(Kind.SCREENING, "secretariat_manager", reach="33.27"),
    ("GET", "/v1/screenings/{id}/history"): Case(Kind.SCREENING, "secretariat_manager", reach="33.27"),
    ("POST", "/v1/screenings/{id}/transitions"): Case(
        Kind.SCREENING, "secretariat_manager", lambda _: {"action": "CANCEL", "reason": "B"}, reach="33.27"
    ),
    ("GET", "/v1/registry/snapshots/{id}"): Case(Kind.SNAPSHOT, "secretariat_officer"),
    ("GET", "/v1/cases/{id}"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/transitions"): Case(Kind.CASE, "puskesos_officer", lambda _: {"action": "VERIFY"}),
    ("POST", "/v1/cases/{id}/escalation"): Case(
        Kind.CASE, "secretariat_manager", lambda _: {"level": "PROVINCE", "reason": "B"}
    ),
    ("GET", "/v1/cases/{id}/needs"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/needs"): Case(
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"person_id": str(rows[Kind.PERSON]), "domain": "HEALTH", "need": "HEALTH_INSURANCE"},
    ),
    ("POST", "/v1/cases/{id}/need-transitions"): Case(
        Kind.CASE, "puskesos_officer", lambda rows: {"need_id": str(rows[Kind.NEED]), "action": "CANCEL", "reason": "B"}
    ),
    ("GET", "/v1/cases/{id}/assessments"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/assessments"): Case(
        Kind.CASE,
        "puskesos_officer",
        lambda _: {"instrument": "REGSOSEK2022K", "answers": {"304": 4}, "summary": "B"},
    ),
    ("POST", "/v1/cases/{id}/registry-check"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/identity"): Case(
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"person_id": str(rows[Kind.PERSON]), "document": "IDENTITY_CARD", "evidence": "B"},
    ),
    ("GET", "/v1/cases/{id}/plan"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/plan"): Case(Kind.CASE, "puskesos_officer", lambda _: PLANNED),
    ("POST", "/v1/cases/{id}/plan-transitions"): Case(
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"line_id": str(rows[Kind.CASE_PLAN_LINE]), "action": "DONE", "evidence": "B"},
    ),
    ("GET", "/v1/cases/{id}/notes"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/notes"): Case(Kind.CASE, "puskesos_officer", lambda _: {"text": "B"}),
    ("POST", "/v1/cases/{id}/note-erasures"): Case(
        Kind.CASE, "puskesos_officer", lambda rows: {"note_id": str(rows[Kind.NOTE]), "reason": "B"}
    ),
    ("GET", "/v1/cases/{id}/assignments"): Case(Kind.CASE, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/assignments"): Case(Kind.CASE, "puskesos_officer", lambda _: {"assignee": "me"}),
    ("POST", "/v1/cases/{id}/assignment-answers"): Case(Kind.CASE, "puskesos_officer", lambda _: {"answer": "ACCEPT"}),
    ("GET", "/v1/cases/{id}/tasks"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/cases/{id}/eligibility-checks"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/instruments/{id}"): Case(Kind.INSTRUMENT, "puskesos_officer"),
    ("GET", "/v1/family-plans/{id}"): Case(Kind.FAMILY_PLAN, "puskesos_officer"),
    ("GET", "/v1/family-plans/{id}/cases"): Case(Kind.FAMILY_PLAN, "puskesos_officer"),
    ("GET", "/v1/family-plans/{id}/history"): Case(Kind.FAMILY_PLAN, "puskesos_officer"),
    ("POST", "/v1/family-plans/{id}/transitions"): Case(
        Kind.FAMILY_PLAN, "puskesos_officer", lambda _: {"action": "END", "reason": "B"}
    ),
    ("GET", "/v1/case-merges/{id}"): Case(Kind.CASE_MERGE, "puskesos_officer"),
    ("GET", "/v1/case-merges/{id}/history"): Case(Kind.CASE_MERGE, "puskesos_officer"),
    ("POST", "/v1/case-merges/{id}/undo"): Case(Kind.CASE_MERGE, "puskesos_coordinator", lambda _: {"reason": "B"}),
    ("GET", "/v1/cases/{id}/services"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/cases/{id}/clocks"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/referrals/{id}/clocks"): Case(Kind.REFERRAL, "puskesos_officer"),
    ("POST", "/v1/cases/{id}/services"): Case(
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"need_id": str(rows[Kind.NEED]), "delivered_on": "2026-01-21", "evidence": "B"},
    ),
    ("GET", "/v1/households/{id}/complaints"): Case(Kind.HOUSEHOLD, "puskesos_officer"),
    ("GET", "/v1/complaints/{id}"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("PUT", "/v1/complaints/{id}"): Case(
        Kind.COMPLAINT,
        "facilitator",
        lambda _: complaint_body(),
        JSON | {"if-none-match": "*"},
        status=422,
    ),
    ("GET", "/v1/complaints/{id}/clocks"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("GET", "/v1/complaints/{id}/history"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("POST", "/v1/complaints/{id}/escalation"): Case(
        Kind.COMPLAINT, "puskesos_officer", lambda _: {"rung": "SUPERVISOR", "reason": "B"}
    ),
    ("GET", "/v1/escalation-ladders/{id}"): Case(Kind.ESCALATION_LADDER, "facilitator"),
    ("GET", "/v1/escalation-ladders/{id}/history"): Case(Kind.ESCALATION_LADDER, "puskesos_officer"),
    ("POST", "/v1/escalation-ladders/{id}/ending"): Case(
        Kind.ESCALATION_LADDER,
        "secretariat_manager",
        lambda _: {"ends_on": "2099-12-31", "reason": "B"},
        reach="33.27",
    ),
    ("GET", "/v1/households/{id}/history"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/audit/accesses/{id}"): Case(Kind.ACCESS, "auditor", reach="33.27"),
    ("GET", "/v1/cases/{id}/history"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/referrals/{id}/history"): Case(Kind.REFERRAL, "puskesos_officer"),
    ("POST", "/v1/complaints/{id}/transitions"): Case(
        Kind.COMPLAINT, "puskesos_officer", lambda _: {"action": "TRIAGE"}
    ),
    ("GET", "/v1/complaints/{id}/messages"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("POST", "/v1/complaints/{id}/messages"): Case(Kind.COMPLAINT, "puskesos_officer", lambda _: {"text": "B"}, JSON),
    ("GET", "/v1/complaints/{id}/similar"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("GET", "/v1/complaints/{id}/sealed-accesses"): Case(
        Kind.COMPLAINT, "integrity_officer", reach="33.27", row="sealed report"
    ),
    ("GET", "/v1/sealed-accesses/{id}"): Case(Kind.SEALED_ACCESS, "integrity_officer", reach="33.27"),
    ("GET", "/v1/sealed-accesses/{id}/history"): Case(Kind.SEALED_ACCESS, "integrity_officer", reach="33.27"),
    ("POST", "/v1/sealed-accesses/{id}/transitions"): Case(
        Kind.SEALED_ACCESS, "integrity_officer", lambda _: {"action": "WITHDRAW"}, reach="33.27"
    ),
    ("POST", "/v1/sealed-accesses/{id}/reveal"): Case(Kind.SEALED_ACCESS, "integrity_officer", reach="33.27"),
    ("GET", "/v1/complaints/{id}/links"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("POST", "/v1/complaints/{id}/links"): Case(
        Kind.COMPLAINT,
        "puskesos_officer",
        lambda rows: {"complaint_id": str(rows["linked complaint"]), "type": "RELATED", "reason": "B"},
        JSON,
    ),
    ("POST", "/v1/complaints/{id}/link-removals"): Case(
        Kind.COMPLAINT,
        "puskesos_officer",
        lambda rows: {"link_id": str(rows[Kind.COMPLAINT_LINK]), "reason": "B"},
        JSON,
        row="linked complaint",
    ),
    ("POST", "/v1/complaints/{id}/case"): Case(
        Kind.COMPLAINT, "puskesos_officer", lambda rows: {"case_id": str(rows[Kind.CASE])}
    ),
    ("GET", "/v1/cases/{id}/complaints"): Case(Kind.CASE, "puskesos_officer"),
    # A wrong secret, an unknown receipt and one of another regency. Failures are counted by receipt: one role asks.
    ("GET", "/v1/public/complaints/{receipt}"): Case(None, "citizen", headers=RECEIPT, codes=_receipts),
    ("GET", "/v1/public/complaints/{receipt}/messages"): Case(None, "citizen", headers=RECEIPT, codes=_receipts),
    ("POST", "/v1/public/complaints/{receipt}/messages"): Case(
        None, "citizen", lambda _: {"text": "B"}, JSON | RECEIPT, codes=_receipts
    ),
    ("POST", "/v1/public/complaints/{receipt}/transitions"): Case(
        None, "citizen", lambda _: {"action": "OBJECT", "text": "B"}, JSON | RECEIPT, codes=_receipts
    ),
    ("POST", "/v1/public/complaints/{receipt}/confirmations"): Case(
        None, "citizen", lambda _: {"referral_number": "RJK-3326-7ZQ4-0MXR-K"}, JSON | RECEIPT, codes=_new_receipts
    ),
    ("POST", "/v1/public/complaints/{receipt}/reopening-requests"): Case(
        None, "citizen", lambda _: {"text": "B"}, JSON | RECEIPT, codes=_new_receipts
    ),
    ("POST", "/v1/cases/{id}/reopening-refusals"): Case(Kind.CASE, "puskesos_officer", lambda _: {"reason": "B"}),
    ("GET", "/v1/households/{id}/cases"): Case(Kind.HOUSEHOLD, "puskesos_officer"),
    ("GET", "/v1/referrals/{id}"): Case(Kind.REFERRAL, "puskesos_officer"),
    ("GET", "/v1/households/{id}/attachments"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/persons/{id}/attachments"): Case(Kind.PERSON, "facilitator"),
    ("GET", "/v1/cases/{id}/attachments"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/referrals/{id}/attachments"): Case(Kind.REFERRAL, "puskesos_officer"),
    ("GET", "/v1/complaints/{id}/attachments"): Case(Kind.COMPLAINT, "puskesos_officer"),
    ("GET", "/v1/attachments/{id}"): Case(Kind.ATTACHMENT, "facilitator"),
    ("GET", "/v1/attachments/{id}/history"): Case(Kind.ATTACHMENT, "puskesos_officer"),
    ("GET", "/v1/attachments/{id}/upload"): Case(Kind.ATTACHMENT, "facilitator"),
    ("PATCH", "/v1/attachments/{id}/upload"): Case(Kind.ATTACHMENT, "facilitator", lambda _: "B", PART),
    ("POST", "/v1/attachments/{id}/links"): Case(
        Kind.ATTACHMENT, "puskesos_officer", lambda _: {"purpose": "CASE_HANDLING"}
    ),
    ("POST", "/v1/attachments/{id}/transitions"): Case(
        Kind.ATTACHMENT, "puskesos_officer", lambda _: {"action": "WITHDRAW", "reason": "B"}
    ),
    ("GET", "/v1/attachments/content/{token}"): Case(None, "citizen", headers=RECEIPT),
    ("GET", "/v1/public/complaints/{receipt}/attachments"): Case(None, "citizen", headers=RECEIPT, codes=_new_receipts),
    ("POST", "/v1/public/complaints/{receipt}/attachments"): Case(
        None, "citizen", lambda _: TEXT, JSON | RECEIPT, codes=_new_receipts
    ),
    ("GET", "/v1/public/complaints/{receipt}/attachments/{id}/upload"): Case(
        None, "citizen", headers=RECEIPT, codes=_new_receipts
    ),
    ("PATCH", "/v1/public/complaints/{receipt}/attachments/{id}/upload"): Case(
        None, "citizen", lambda _: "B", PART | RECEIPT, codes=_new_receipts
    ),
    ("POST", "/v1/public/complaints/{receipt}/attachments/{id}/links"): Case(
        None, "citizen", headers=RECEIPT, codes=_new_receipts
    ),
    ("POST", "/v1/public/complaints/{receipt}/attachments/{id}/withdrawal"): Case(
        None, "citizen", lambda _: {"reason": "B"}, JSON | RECEIPT, codes=_new_receipts
    ),
    ("GET", "/v1/referrals/{id}/candidates"): Case(Kind.REFERRAL, "puskesos_officer"),
    ("POST", "/v1/referrals/{id}/transitions"): Case(
        Kind.REFERRAL, "puskesos_officer", lambda _: {"action": "REVOKE", "reason": "B"}
    ),
    ("POST", "/v1/referrals/{id}/notes"): Case(Kind.REFERRAL, "puskesos_officer", lambda _: {"text": "B"}),
    ("POST", "/v1/referrals/{id}/answers"): Case(Kind.REFERRAL, "puskesos_officer", lambda _: {"answer": "B"}),
    ("GET", "/v1/routing-policies/{id}"): Case(Kind.ROUTING_POLICY, "puskesos_officer"),
    ("GET", "/v1/routing-policies/{id}/history"): Case(Kind.ROUTING_POLICY, "puskesos_officer"),
    ("GET", "/v1/grants/{id}"): Case(Kind.GRANT, "secretariat_manager"),
    ("GET", "/v1/grants/{id}/history"): Case(Kind.GRANT, "secretariat_manager"),
    ("POST", "/v1/grants/{id}/revocation"): Case(Kind.GRANT, "secretariat_manager", lambda _: {"reason": "B"}),
    ("GET", "/v1/grants/revocations/{id}"): Case(Kind.REVOCATION, "secretariat_manager"),
    ("GET", "/v1/grants/revocations/{id}/history"): Case(Kind.REVOCATION, "secretariat_manager"),
    ("POST", "/v1/grants/revocations/{id}/lifting"): Case(Kind.REVOCATION, "administrator", lambda _: {"reason": "B"}),
    ("GET", "/v1/consents/{id}"): Case(Kind.CONSENT, "facilitator"),
    ("GET", "/v1/consents/{id}/history"): Case(Kind.CONSENT, "facilitator"),
    ("POST", "/v1/consents/{id}/transitions"): Case(
        Kind.CONSENT, "facilitator", lambda _: {"action": "WITHDRAW", "reason": "B"}
    ),
    ("GET", "/v1/households/{id}/consents"): Case(Kind.HOUSEHOLD, "facilitator"),
    ("GET", "/v1/cases/{id}/consents"): Case(Kind.CASE, "puskesos_officer"),
    ("GET", "/v1/access-overrides/{id}"): Case(Kind.ACCESS_OVERRIDE, "secretariat_manager"),
    ("GET", "/v1/access-overrides/{id}/history"): Case(Kind.ACCESS_OVERRIDE, "secretariat_manager"),
    # For whoever asked for it, which is nobody who asks here.
    ("GET", "/v1/access-overrides/{id}/resource"): Case(Kind.ACCESS_OVERRIDE, "secretariat_officer"),
    ("POST", "/v1/access-overrides/{id}/transitions"): Case(
        Kind.ACCESS_OVERRIDE, "secretariat_manager", lambda _: {"action": "REVOKE", "reason": "B"}
    ),
    ("GET", "/v1/areas/{id}"): Case(None, "facilitator"),
    ("GET", "/v1/services/{id}"): Case(None, "facilitator"),
    ("GET", "/v1/code-lists/{id}"): Case(None, "facilitator"),
    ("GET", "/v1/meta/lifecycles/{name}"): Case(None, "facilitator"),
}
#: (route, member of its body that names another resource) -> the kind, who may ask, and the body without the member
REFERENCES: dict[tuple[str, str], tuple[Kind, str, Callable[[Rows], Any]]] = {
    ("/v1/duplicates/{id}/transitions", "survivor_id"): (
        Kind.PERSON,
        "secretariat_officer",
        lambda _: {"action": "SAME", "reason": "B"},
    ),
    ("/v1/duplicates/{id}/transitions", "household_id"): (
        Kind.HOUSEHOLD,
        "secretariat_officer",
        lambda rows: {"action": "SAME", "reason": "B", "survivor_id": str(rows[Kind.PERSON])},
    ),
    ("/v1/programs", "owner_organization_id"): (
        Kind.ORGANIZATION,
        "secretariat_manager",
        lambda _: program_body(),
    ),
    ("/v1/programs/{id}", "owner_organization_id"): (Kind.ORGANIZATION, "secretariat_manager", lambda _: {}),
    ("/v1/rule-versions/{id}/diff", "against"): (Kind.RULE_VERSION, "facilitator", lambda _: {}),
    ("/v1/variant-choices", "program_id"): (
        Kind.PROGRAM,
        "secretariat_manager",
        lambda _: {"area_code": "33.26", "variants": [], "valid_from": "2026-12-01", "reason": "B"},
    ),
    ("/v1/enrollment-lists", "program_id"): (
        Kind.PROGRAM,
        "secretariat_manager",
        lambda _: {"area_code": "33.26", "as_of": "2026-11-01", "source": "B"},
    ),
    ("/v1/enrollments", "household_id"): (
        Kind.HOUSEHOLD,
        "facilitator",
        lambda rows: ENROLLED | {"program_id": str(rows[Kind.PROGRAM])},
    ),
    ("/v1/enrollments", "program_id"): (
        Kind.PROGRAM,
        "facilitator",
        lambda rows: ENROLLED | {"household_id": str(rows[Kind.HOUSEHOLD])},
    ),
    ("/v1/enrollments", "person_id"): (
        Kind.PERSON,
        "facilitator",
        lambda rows: ENROLLED | {"household_id": str(rows[Kind.HOUSEHOLD]), "program_id": str(rows[Kind.PROGRAM])},
    ),
    ("/v1/screenings", "draft_version_id"): (
        Kind.RULE_VERSION,
        "secretariat_manager",
        lambda _: {"area_code": "33.26", "program_codes": ["PKH"]},
    ),
    ("/v1/eligibility-checks", "household_id"): (
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda _: {"program_codes": ["PKH"]},
    ),
    ("/v1/eligibility-checks/{id}/reviews", "person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        lambda _: {"program_code": "PKH", "type": "OBJECTION", "reason": "B"},
    ),
    ("/v1/eligibility-checks/{id}/reviews", "unit_id"): (
        Kind.PERSON,
        "puskesos_officer",
        lambda _: {"program_code": "PBI-JK", "type": "OBJECTION", "reason": "B"},
    ),
    ("/v1/households", "same_house_as"): (Kind.HOUSEHOLD, "facilitator", lambda _: household_body()),
    ("/v1/households/{id}/members", "person_id"): (Kind.PERSON, "facilitator", lambda _: {"relation": "CHILD"}),
    ("/v1/handovers", "household_id"): (
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda _: {"area_code": "33.28", "reason_code": "WORK", "reason": "B"},
    ),
    ("/v1/attachments", "parent_id"): (Kind.HOUSEHOLD, "facilitator", lambda _: TEXT),
    ("/v1/cases", "household_id"): (Kind.HOUSEHOLD, "puskesos_officer", lambda _: {}),
    ("/v1/cases", "complaint_id"): (
        Kind.COMPLAINT,
        "puskesos_officer",
        lambda rows: {"household_id": str(rows[Kind.HOUSEHOLD])},
    ),
    ("/v1/persons/search", "case_id"): (
        Kind.CASE,
        "puskesos_officer",
        lambda _: {"nik": "9901014505880003", "purpose": "CASE_INTAKE"},
    ),
    ("/v1/persons/{id}/reveal", "case_id"): (Kind.CASE, "puskesos_officer", lambda _: {"purpose": "VERIFICATION"}),
    ("/v1/households/{id}/merge", "into"): (
        Kind.HOUSEHOLD,
        "puskesos_officer",
        CASES["POST", "/v1/households/{id}/merge"].body or dict,
    ),
    ("/v1/registry/checks", "household_id"): (Kind.HOUSEHOLD, "puskesos_officer", lambda _: {}),
    ("/v1/cases/{id}/needs", "person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/needs"].body or dict,
    ),
    ("/v1/cases/{id}/need-transitions", "need_id"): (
        Kind.NEED,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/need-transitions"].body or dict,
    ),
    ("/v1/cases/{id}/services", "need_id"): (
        Kind.NEED,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/services"].body or dict,
    ),
    ("/v1/cases/{id}/identity", "person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/identity"].body or dict,
    ),
    ("/v1/cases/{id}/plan", "need_id"): (Kind.NEED, "puskesos_officer", lambda _: PLANNED),
    ("/v1/cases/{id}/plan", "responsible_organization_id"): (
        Kind.ORGANIZATION,
        "puskesos_officer",
        lambda _: {"action": "B", "due_on": "2099-01-01"},
    ),
    ("/v1/cases/{id}/plan-transitions", "line_id"): (
        Kind.CASE_PLAN_LINE,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/plan-transitions"].body or dict,
    ),
    ("/v1/cases/{id}/note-erasures", "note_id"): (
        Kind.NOTE,
        "puskesos_officer",
        CASES["POST", "/v1/cases/{id}/note-erasures"].body or dict,
    ),
    ("/v1/cases/{id}/transitions", "eligibility_check_ids"): (
        Kind.ELIGIBILITY_CHECK,
        "puskesos_officer",
        lambda _: {"action": "RECOMMEND"},
    ),
    ("/v1/family-plans", "household_id"): (
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda rows: {"goal": "B", "case_ids": [str(rows[Kind.CASE])]},
    ),
    ("/v1/family-plans", "case_ids"): (
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"goal": "B", "household_id": str(rows[Kind.HOUSEHOLD])},
    ),
    ("/v1/family-plans/{id}/transitions", "case_id"): (
        Kind.CASE,
        "puskesos_officer",
        lambda _: {"action": "ADD_CASE"},
    ),
    ("/v1/referrals", "case_id"): (
        Kind.CASE,
        "puskesos_officer",
        lambda rows: {"need_id": str(rows[Kind.NEED])},
    ),
    ("/v1/referrals", "need_id"): (
        Kind.NEED,
        "puskesos_officer",
        lambda rows: {"case_id": str(rows[Kind.CASE])},
    ),
    ("/v1/referrals", "organization_id"): (
        Kind.ORGANIZATION,
        "puskesos_officer",
        lambda rows: {"case_id": str(rows[Kind.CASE]), "need_id": str(rows[Kind.NEED])},
    ),
    ("/v1/referrals/{id}/transitions", "organization_id"): (
        Kind.ORGANIZATION,
        "puskesos_officer",
        lambda _: {"action": "SEND"},
    ),
    ("/v1/complaints", "household_id"): (Kind.HOUSEHOLD, "puskesos_officer", lambda _: complaint_body()),
    ("/v1/complaints", "subject_person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        lambda rows: complaint_body(household_id=str(rows[Kind.HOUSEHOLD])),
    ),
    ("/v1/complaints", "accused_person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        lambda rows: complaint_body(household_id=str(rows[Kind.HOUSEHOLD])),
    ),
    ("/v1/complaints", "accused_organization_id"): (
        Kind.ORGANIZATION,
        "puskesos_officer",
        lambda rows: complaint_body(household_id=str(rows[Kind.HOUSEHOLD])),
    ),
    ("/v1/public/complaints", "accused_organization_id"): (Kind.ORGANIZATION, "citizen", lambda _: public_body()),
    ("/v1/complaints/{id}/transitions", "forward_to"): (
        Kind.ORGANIZATION,
        "puskesos_officer",
        lambda _: {"action": "FORWARD"},
    ),
    ("/v1/complaints/{id}/transitions", "merge_into"): (
        Kind.COMPLAINT,
        "puskesos_officer",
        lambda _: {"action": "MERGE", "reason": "B"},
    ),
    ("/v1/complaints/{id}/transitions", "household_id"): (
        Kind.HOUSEHOLD,
        "puskesos_officer",
        lambda _: {"action": "TRIAGE"},
    ),
    ("/v1/complaints/{id}/transitions", "subject_person_id"): (
        Kind.PERSON,
        "puskesos_officer",
        lambda _: {"action": "TRIAGE"},
    ),
    ("/v1/complaints/{id}/links", "complaint_id"): (
        Kind.COMPLAINT,
        "puskesos_officer",
        lambda _: {"type": "RELATED", "reason": "B"},
    ),
    ("/v1/complaints/{id}/link-removals", "link_id"): (
        Kind.COMPLAINT_LINK,
        "puskesos_officer",
        lambda _: {"reason": "B"},
    ),
    ("/v1/sealed-accesses", "complaint_id"): (
        Kind.COMPLAINT,
        "integrity_officer",
        lambda _: {"purpose": "PROTECTION", "reason": "Pelapor harus segera dilindungi"},
    ),
    ("/v1/complaints/{id}/case", "case_id"): (Kind.CASE, "puskesos_officer", lambda _: {}),
    ("/v1/grants", "organization_id"): (Kind.ORGANIZATION, "administrator", lambda _: grant_body()),
    ("/v1/grants", "person_id"): (Kind.PERSON, "administrator", lambda _: grant_body()),
    ("/v1/grants", "program_ids"): (
        Kind.PROGRAM,
        "administrator",
        lambda _: grant_body(role="program_manager", areas=["33.26"]),
    ),
    ("/v1/consents", "person_id"): (
        Kind.PERSON,
        "facilitator",
        lambda _: {"purpose": "PHOTOS", "basis": "CONSENT", "evidence": "SIGNED_FORM"},
    ),
    ("/v1/consents", "case_id"): (
        Kind.CASE,
        "facilitator",
        lambda rows: {
            "person_id": str(rows[Kind.PERSON]),
            "purpose": "PHOTOS",
            "basis": "CONSENT",
            "evidence": "SIGNED_FORM",
        },
    ),
    ("/v1/cases/{id}/transitions", "into"): (
        Kind.CASE,
        "puskesos_coordinator",
        lambda _: {"action": "MERGE", "reason": "B"},
    ),
}


@dataclass
class World:
    """Rows of each kind that exist here and in the other regency."""

    here: Rows = field(default_factory=dict)
    there: Rows = field(default_factory=dict)
    receipt: str = ""
    #: a case of this regency that is still being assessed
    assessing: UUID | None = None


async def _work(
    officer: httpx.AsyncClient, coordinator: httpx.AsyncClient, rows: Rows, *, again_id: str, version: int
) -> None:
    """What is written down of a case that is under way, a plan for its family, and a duplicate of it that was merged."""
    url = f"/v1/cases/{again_id}"
    for number, (part, body) in enumerate(
        (("plan", PLANNED), ("notes", {"text": "B"}), ("assignments", {"assignee": "me"})), version
    ):
        answer = await officer.post(f"{url}/{part}", json=body, headers={"if-match": f'"{number}"'})
        assert answer.status_code == 200, answer.text
    shown = (await officer.get(f"{url}?include=plan,notes")).json()
    rows[Kind.CASE_PLAN_LINE] = UUID(shown["plan"][0]["id"])
    rows[Kind.NOTE] = UUID(shown["notes"][0]["id"])
    household = {"household_id": str(rows[Kind.HOUSEHOLD])}
    plan = await _made(officer, "/v1/family-plans", {**household, "goal": "B", "case_ids": [again_id]})
    rows[Kind.FAMILY_PLAN] = UUID(plan["id"])
    urgent, twice = [await _made(officer, "/v1/cases", household) for _ in range(2)]
    headers = {"if-match": '"1"'}
    for client, case, body in (
        (officer, urgent, {"action": "MARK_EMERGENCY", "reason": "B"}),
        (coordinator, twice, {"action": "MERGE", "reason": "B", "into": again_id}),
    ):
        answer = await client.post(f"/v1/cases/{case['id']}/transitions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    merges = await officer.get(f"/v1/case-merges?case_id={twice['id']}")
    rows[Kind.CASE_MERGE] = UUID(merges.json()["items"][0]["id"])


async def _programs(api: Api, rows: Rows, village: str, household: str) -> None:
    """What a family receives, what the rules make of it and what a human does with that; and what the regency says of rules."""
    facilitator, officer = api.as_("facilitator", area=village), api.as_("puskesos_officer", area=village)
    manager = api.as_("secretariat_manager", area=village[:5])
    [personal] = (await officer.get("/v1/programs?code=PBI-JK")).json()["items"]
    [sembako] = (await officer.get("/v1/programs?code=SEMBAKO")).json()["items"]
    rows[Kind.PROGRAM] = UUID(personal["id"])
    if village == VILLAGE:
        # Which its own manager may change.
        rows[Kind.PROGRAM] = UUID((await _made(manager, "/v1/programs", program_body(unit="PERSON")))["id"])
    [version] = (await officer.get(f"/v1/rule-versions?program_id={sembako['id']}&in_force_on=2026-11-22")).json()[
        "items"
    ]
    rows[Kind.RULE_VERSION] = UUID(version["id"])
    [level, *_] = (await officer.get("/v1/sla-policies")).json()["items"]
    rows[Kind.SLA_POLICY] = UUID(level["id"])
    # Of a third regency: deadlines here are counted by the shipped calendar.
    decree = {
        "area_code": "34.71",
        "number": "1",
        "decreed_on": "2026-01-01",
        "reason": "B",
        "citation": "B",
        "hours": [{"from": "2029-12-31", "schedule": "ASN-5"}],
    }
    decider = api.as_("secretariat_manager", area="34.71")
    rows[Kind.CALENDAR] = UUID((await _made(decider, "/v1/calendars/decrees", decree))["id"])
    enrollment = ENROLLED | {"household_id": household, "program_id": sembako["id"]}
    rows[Kind.ENROLLMENT] = UUID((await _made(facilitator, "/v1/enrollments", enrollment))["id"])
    asked = {"household_id": household, "program_codes": ["PKH", "PBI-JK"], "as_of": "2026-11-22"}
    check = await _made(officer, "/v1/eligibility-checks", asked)
    rows[Kind.ELIGIBILITY_CHECK] = UUID(check["id"])
    review = {"program_code": "PKH", "type": "HUMAN_REVIEW", "reason": "B"}
    path = f"/v1/eligibility-checks/{check['id']}/reviews"
    rows[Kind.ELIGIBILITY_REVIEW] = UUID((await _made(officer, path, review))["id"])
    regional = {"program_id": sembako["id"], "area_code": village[:5]}
    choice = regional | {"variants": [], "valid_from": "2026-12-01", "reason": "B"}
    rows[Kind.VARIANT_CHOICE] = UUID(await _once(manager, "/v1/variant-choices", choice))
    listed = regional | {"as_of": "2026-11-01", "source": "B"}
    rows[Kind.ENROLLMENT_LIST] = UUID(await _once(manager, "/v1/enrollment-lists", listed))
    codes_ = ["PKH", "PBI-JK", "SEMBAKO"]
    screened = {"area_code": village[:5], "program_codes": codes_, "draft_version_id": version["id"]}
    routed = {"area_code": village[:5], "valid_from": "2099-01-01", "reason": "B"}
    rows[Kind.ROUTING_POLICY] = UUID(await _once(manager, "/v1/routing-policies", routed))
    rows[Kind.SCREENING] = UUID((await _made(manager, "/v1/screenings", screened))["id"])
    await screening.run_screenings(api.app.state.service.platform)


async def _once(client: httpx.AsyncClient, url: str, body: Any) -> str:
    """The id of what a regency has once for a program; another module may have made it in this database."""
    answer = await client.post(url, json=body)
    if answer.status_code != 409:
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])
    listed = await client.get(url, params={"program_id": body["program_id"]} if "program_id" in body else {})
    return str(listed.json()["items"][0]["id"])


async def _answered(api: Api, check: UUID) -> None:
    """Let the civil registry have answered."""
    act = Act(api.app.state.service.platform, upkeep.WORKER, "0" * 32)
    asked = await act.ask(asking.question, on=check)
    matches = {"name": True, "sex": True, "birth_date": False}
    told = asking.Told(attempt=0, basis=asked.basis, standing=Standing.IN_FORCE, matches=matches)
    await act(asking.record, told, on=check)


async def populated(api: Api) -> World:
    """Make the same rows in both regencies, each by its own staff."""
    world = World()
    for village, rows in ((VILLAGE, world.here), (OTHER_REGENCY_VILLAGE, world.there)):
        facilitator, officer = api.as_("facilitator", area=village), api.as_("puskesos_officer", area=village)
        household = await _made(facilitator, "/v1/households", household_body(area_code=village))
        rows[Kind.HOUSEHOLD] = UUID(household["id"])
        rows[Kind.PERSON] = UUID(household["members"][0]["person_id"])
        second = await _made(facilitator, "/v1/households", household_body(area_code=village))
        attached = await _made(facilitator, "/v1/attachments", TEXT | {"parent_id": household["id"]})
        rows[Kind.ATTACHMENT] = UUID(attached["id"])
        check = await _made(officer, f"/v1/persons/{second['members'][0]['person_id']}/civil-checks", {})
        rows[Kind.CIVIL_CHECK] = UUID(check["id"])
        await _answered(api, rows[Kind.CIVIL_CHECK])
        born = await officer.post(
            f"/v1/households/{second['id']}/births",
            json={"name": "B", "birth_date": "2026-11-02", "sex": "F", "reason": "B"},
            headers={"if-match": '"1"'},
        )
        rows[Kind.LINEAGE] = UUID(born.json()["id"])
        complaint = await _made(facilitator, "/v1/complaints", complaint_body(area_code=village))
        rows[Kind.COMPLAINT], world.receipt = UUID(complaint["id"]), complaint["receipt"]
        rows["linked complaint"], rows[Kind.COMPLAINT_LINK] = await _linked(facilitator, officer, village)
        report = await _made(facilitator, "/v1/complaints", sealed_body(area_code=village))
        rows["sealed report"] = UUID(report["id"])
        asked = {"complaint_id": report["id"], "purpose": "PROTECTION", "reason": "Pelapor harus segera dilindungi"}
        unit = api.as_("integrity_officer", area=village[:5])
        rows[Kind.SEALED_ACCESS] = UUID((await _made(unit, "/v1/sealed-accesses", asked))["id"])
        case = await _made(officer, "/v1/cases", {"household_id": household["id"]})
        rows[Kind.CASE] = UUID(case["id"])
        url = f"/v1/cases/{case['id']}"
        need = {"person_id": str(rows[Kind.PERSON]), "domain": "HEALTH", "need": "HEALTH_INSURANCE"}
        assessment = {"instrument": "REGSOSEK2022K", "answers": {"304": 4}, "summary": "B"}
        coordinator = api.as_("puskesos_coordinator", area=village)
        for version, (client, part, body) in enumerate(
            (
                (officer, "transitions", {"action": "VERIFY"}),
                (officer, "transitions", {"action": "ASSESS"}),
                (officer, "needs", need),
                (officer, "needs", need | {"person_id": household["members"][1]["person_id"]}),
                (officer, "assessments", assessment),
                (officer, "transitions", {"action": "RECOMMEND"}),
                (coordinator, "transitions", {"action": "CONFIRM"}),
                (officer, "transitions", {"action": "START_SERVICE"}),
            ),
            1,
        ):
            answer = await client.post(f"{url}/{part}", json=body, headers={"if-match": f'"{version}"'})
            assert answer.status_code == 200, answer.text
        needs = await officer.get(f"{url}/needs")
        first, second = (item["id"] for item in needs.json()["items"])
        rows[Kind.NEED] = UUID(first)
        [nation] = (await officer.get("/v1/escalation-ladders?area_code=ID&in_force_on=2026-11-22")).json()["items"]
        rows[Kind.ESCALATION_LADDER] = UUID(nation["id"])
        await _work(officer, coordinator, rows, again_id=str(rows[Kind.CASE]), version=9)
        administrator = api.as_("administrator", area=village)
        grant = await _made(administrator, "/v1/grants", grant_body(areas=[village]))
        rows[Kind.GRANT] = UUID(grant["id"])
        revocation = {"issuer": grant["issuer"], "subject": grant["subject"], "reason": "B"}
        rows[Kind.REVOCATION] = UUID((await _made(administrator, "/v1/grants/revocations", revocation))["id"])
        referral = await _made(officer, "/v1/referrals", {"case_id": case["id"], "need_id": second})
        rows[Kind.REFERRAL] = UUID(referral["id"])
        consent = {
            "person_id": str(rows[Kind.PERSON]),
            "purpose": "PARTNER_SHARING",
            "basis": "CONSENT",
            "evidence": "SIGNED_FORM",
        }
        rows[Kind.CONSENT] = UUID((await _made(facilitator, "/v1/consents", consent))["id"])
        once = {"name": "Wiyono Kertapati", "birth_date": "1961-09-19", "sex": "M", "relation": "HEAD"}
        for _ in range(2):
            again = await _made(
                facilitator, "/v1/households", household_body(kk=None, area_code=village, members=[once])
            )
        twice = again["members"][0]["person_id"]
        await Act(api.app.state.service.platform, upkeep.WORKER, "0" * 32)(finding.look, on=UUID(twice))
        regency = village[:5]
        deciding = api.as_("secretariat_manager", area=regency)
        pairs = await deciding.get("/v1/duplicates", params={"person_id": twice})
        rows[Kind.DUPLICATE] = UUID(pairs.json()["items"][0]["id"])
        await deciding.post("/v1/duplicate-runs", json={"area_code": regency})
        rows[Kind.DUPLICATE_RUN] = UUID((await deciding.get("/v1/duplicate-runs")).json()["items"][0]["id"])
        await _programs(api, rows, village, household["id"])
        other = "33.27" if village == VILLAGE else "33.26"
        leaving = {"household_id": again["id"], "area_code": other, "reason_code": "WORK", "reason": "B"}
        rows[Kind.HANDOVER] = UUID((await _made(officer, "/v1/handovers", leaving))["id"])
        looking = {"resource_id": household["id"], "reason": "Keluarga mengungsi ke wilayah kami"}
        asker = api.as_("secretariat_officer", area=other, subject=f"secretariat_officer@{village}")
        override = await _made(asker, "/v1/access-overrides", looking)
        rows[Kind.ACCESS_OVERRIDE] = UUID(override["id"])
    # Both regencies have somebody of this NIK: each side has its ticket, and sees the other's as any unknown one.
    for rows in (world.here, world.there):
        await Act(api.app.state.service.platform, upkeep.WORKER, "0" * 32)(finding.look, on=rows[Kind.PERSON])
    for area, rows in (("33.26", world.here), ("33.27", world.there)):
        found = await api.as_("secretariat_officer", area=area).get(
            "/v1/duplicate-tickets", params={"person_id": str(rows[Kind.PERSON])}
        )
        rows[Kind.DUPLICATE_TICKET] = UUID(found.json()["items"][0]["id"])
    officer = api.as_("puskesos_officer")
    case = await _made(officer, "/v1/cases", {"household_id": str(world.here[Kind.HOUSEHOLD])})
    for version, action in enumerate(("VERIFY", "ASSESS"), 1):
        answer = await officer.post(
            f"/v1/cases/{case['id']}/transitions", json={"action": action}, headers={"if-match": f'"{version}"'}
        )
        assert answer.status_code == 200, answer.text
    need = {"person_id": str(world.here[Kind.PERSON]), "domain": "HEALTH", "need": "SANITATION"}
    found_: tuple[tuple[str, dict[str, Any]], ...] = (("needs", need), ("assessments", assessment))
    for version, (part, body) in enumerate(found_, 3):
        answer = await officer.post(f"/v1/cases/{case['id']}/{part}", json=body, headers={"if-match": f'"{version}"'})
        assert answer.status_code == 200, answer.text
    world.assessing = UUID(case["id"])
    # A release here would change what other tests of this database are told by the newest one.
    release = registry.LoadRelease(
        source="DTSEN", release=uuid4().hex[:8], as_of=date(2026, 9, 30), area_code="33.27", entries=()
    )
    rows_of = RowScope(ScopeKind.IMPORTER, tenants=(ELSEWHERE,), regency=ELSEWHERE)
    importer = Actor("system#importer", "integrator", frozenset({"imports:write"}), rows_of)
    await Act(api.app.state.service.platform, importer, "0" * 32)(registry.load_release, release)
    listed = await api.as_("secretariat_officer", area="33.27").get("/v1/registry/snapshots")
    world.there[Kind.SNAPSHOT] = UUID(listed.json()["items"][0]["id"])
    await api.app.state.service.platform.accesses.flush()
    read = await api.as_("auditor", area="33.27").get("/v1/audit/accesses?limit=1")
    world.there[Kind.ACCESS] = UUID(read.json()["items"][0]["id"])
    return world


async def _linked(facilitator: httpx.AsyncClient, officer: httpx.AsyncClient, village: str) -> tuple[UUID, UUID]:
    """Two further complaints about one family that were talked about: one of them, and their link."""
    one, two = [await _made(facilitator, "/v1/complaints", complaint_body(area_code=village)) for _ in range(2)]
    for visibility in ("COMPLAINANT", "INTERNAL"):
        said = {"text": "B", "visibility": visibility}
        assert (await officer.post(f"/v1/complaints/{one['id']}/messages", json=said)).status_code == 200
    body = {"complaint_id": one["id"], "type": "RELATED", "reason": "B"}
    answer = await officer.post(f"/v1/complaints/{two['id']}/links", json=body)
    assert answer.status_code == 200, answer.text
    return UUID(two["id"]), UUID(answer.json()["links"][0]["id"])


async def _made(client: httpx.AsyncClient, url: str, body: Any) -> Any:
    answer = await client.post(url, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest_asyncio.fixture(scope="module")
async def world(api: Api) -> World:
    return await populated(api)


def token_of(api: Api, role: str) -> httpx.AsyncClient:
    """A client of the role in this regency."""
    claims: dict[str, Any] = {}
    if role in {"partner", "program_manager"}:
        claims = {
            "organization": new_id(Kind.ORGANIZATION, 0),
            "programs": [new_id(Kind.PROGRAM, 0)] if role == "program_manager" else [],
        }
    if role == "integrator":
        claims = {"area": "33.26"}
    # A citizen's own reports may lie anywhere: this one has none, whatever other tests filed.
    return api.as_(role, subject=f"{role} of isolation", **claims)


def steady(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Everything of an answer that may tell one resource from another."""
    volatile = {"ratelimit", "date", "traceparent"}
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in volatile)
    text = answer.text
    if answer.headers.get("content-type") == "application/problem+json":
        text = json.dumps({**answer.json(), "trace_id": ""})
    return answer.status_code, headers, text


async def ask(client: httpx.AsyncClient, route: Method, case: Case, id_: UUID | str, rows: Rows) -> httpx.Response:
    method, path = route
    content = json.dumps(case.body(rows)).encode() if case.body is not None else None
    headers = {name: value for name, value in case.headers.items() if method != "GET" or name == "authorization"}
    # A part of the resource in the path is one of those that are asked about it.
    path = path.replace("{person_id}", str(rows[Kind.PERSON]))
    return await client.request(method, re.sub(r"\{[a-z_]+\}", str(id_), path), content=content, headers=headers)


def candidates(case: Case, world: World) -> dict[str, UUID | str]:
    """Ids that a caller of this regency must not be able to tell apart."""
    if case.kind is None:
        return dict(case.codes(world))
    wrong = Kind.DEVICE
    found: dict[str, UUID | str] = {
        "unknown, elsewhere": new_id(case.kind, ELSEWHERE),
        "of another kind": new_id(wrong, ELSEWHERE),
        "of another kind, here": new_id(wrong, HERE),
        "of no kind": uuid4(),
    }
    if case.kind not in NATIONAL:
        found["existing, elsewhere"] = case.of(world.there)
    if case.status == 404:
        found["unknown, here"] = new_id(case.kind, HERE)
        found["unknown, national"] = new_id(case.kind, 0)
    return found


async def leaks_of_items(api: Api, world: World, cases: dict[Method, Case], roles: tuple[Role, ...]) -> list[str]:
    """Routes, roles and ids whose answer differs from that for an unknown id."""
    found = []
    for route, case in cases.items():
        for role in roles if "authorization" not in case.headers else (Role(case.role),):
            client = token_of(api, role.value)
            answers = {
                name: await ask(client, route, case, id_, world.here) for name, id_ in candidates(case, world).items()
            }
            if (role, case.kind) in ABOVE:
                answers.pop("existing, elsewhere")
            first, *others = answers.items()
            if role.value == case.role and first[1].status_code != case.status:
                found.append(f"{route} as {role}: {first[1].status_code} {first[1].text}")
            found += [
                f"{route} as {role}: {name} differs from {first[0]}: {answer.status_code}"
                for name, answer in others
                if steady(answer) != steady(first[1])
            ]
    return found


async def leaks_of_lists(api: Api, roles: tuple[Role, ...]) -> list[str]:
    """What lists show from outside: every page, every include, counts, and filters that ask for it."""
    found = []
    for path, operations in contracts.document()["paths"].items():
        if "{" in path or "get" not in operations:
            continue
        names = {parameter["name"]: parameter for parameter in operations["get"].get("parameters", ())}
        if "cursor" not in names:
            continue
        includes = re.findall("`([a-z_]+)`", names["include"]["description"]) if "include" in names else []
        for role in roles:
            client = token_of(api, role.value)
            for query in ("limit=200&include_total=true", *(f"limit=200&include={name}" for name in includes)):
                async for page in pages(client, f"{path}?{query}"):
                    found += [f"{path}?{query} as {role}: {each}" for each in outside(page, role)]
            if "area_code" in names and "updated_from" in names:
                for area in ("33.27", OTHER_REGENCY_VILLAGE):
                    answer = await client.get(f"{path}?area_code={area}&include_total=true")
                    if _reaching(role).intersection(map(_kind, answer.json().get("items", ()))):
                        continue
                    if answer.status_code == 200 and (answer.json()["items"] or answer.json()["total"]):
                        found.append(f"{path}?area_code={area} as {role}: {answer.json()['total']} rows")
    return found


async def pages(client: httpx.AsyncClient, url: str) -> Any:
    for _ in range(20):
        answer = await client.get(url)
        assert answer.status_code in {200, 403}, answer.text
        if answer.status_code == 403:
            return
        yield answer.json()
        if "next" not in answer.links:
            return
        url = answer.links["next"]["url"]


def _kind(item: Mapping[str, Any]) -> Kind | None:
    return kind_of(UUID(item["id"])) if "id" in item else None


def _reaching(role: Role) -> set[Kind | None]:
    """Kinds that the role sees beyond this regency."""
    return {kind for each, kind in ABOVE if each is role}


def outside(page: Any, role: Role) -> Iterator[str]:
    """What of a page lies outside the scope of `token_of(role)`: ids by their tenant, rows by their area."""
    page = {**page, "items": [item for item in page["items"] if _kind(item) not in _reaching(role)]}
    for text in set(_UUID.findall(json.dumps(page))):
        if kind_of(UUID(text)) is not None and tenant_of(UUID(text)) not in {0, HERE}:
            yield f"an id of tenant {tenant_of(UUID(text))}"
    reach = {
        Role.FACILITATOR: VILLAGE,
        Role.PUSKESOS_OFFICER: VILLAGE,
        Role.PUSKESOS_COORDINATOR: VILLAGE,
        Role.SUPERVISOR: "33.26.01",
    }.get(role, "33.26")
    for item in page["items"]:
        # National rows, such as organizations, are read by everybody and have no version of their own regency; grants and
        # revocations are national and closed.
        closed = kind_of(UUID(item["id"])) in {Kind.GRANT, Kind.REVOCATION} if "id" in item else False
        if "area_code" in item and (closed or tenant_of(UUID(item["id"])) != 0):
            # What a regency says of rules is for whoever works in a part of it.
            regional = kind_of(UUID(item["id"])) in {Kind.VARIANT_CHOICE, Kind.ENROLLMENT_LIST, Kind.ROUTING_POLICY}
            lo, hi = codes.area_range("33.26" if regional else reach)
            if not lo <= codes.area_range(item["area_code"])[0] <= hi:
                yield "a row of another area"


async def test_every_route_with_an_id_has_a_case(api: Api) -> None:
    routes = {
        (method.upper(), path)
        for path, operations in contracts.document()["paths"].items()
        if "{" in path
        for method in operations
    }
    assert routes == set(CASES)


def some_roles(count: int) -> tuple[Role, ...]:
    """So many of the roles, others each time; what was drawn is printed."""
    seed = random.randrange(2**32)
    roles = random.Random(seed).sample(list(Role), count)
    print("seed", seed, "roles", *roles)
    return tuple(roles)


async def test_ids_out_of_sight_all_get_one_answer(api: Api, world: World) -> None:
    assert await leaks_of_items(api, world, CASES, some_roles(size(3, len(Role)))) == []


async def test_the_cases_would_be_answered_on_a_resource_in_sight(api: Api, world: World) -> None:
    """A body that is refused for itself would prove nothing: the same cases, asked by the other regency's own staff."""
    wrong = []
    for route, case in CASES.items():
        if case.kind is None or case.kind in NATIONAL or (route[0] == "PUT" and case.status == 422):
            continue
        client = api.as_(case.role, area=case.reach)
        answer = await ask(client, route, case, case.of(world.there), world.there)
        if answer.status_code not in {200, 201, 204, 409, 412}:
            wrong.append(f"{route}: {answer.status_code} {answer.text}")
    assert wrong == [], "\n".join(wrong)


def _references(api: Api) -> set[tuple[str, str]]:
    """Every member of a body that is an id: (path, name), from the document."""
    document = contracts.document()
    found = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "put":
                # PUT creates with the body of the collection's POST, read by the same function.
                continue
            for media in operation.get("requestBody", {}).get("content", {}).values():
                if "$ref" not in media["schema"]:
                    continue
                schema = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
                found |= {
                    (path, name) for name, member in schema["properties"].items() if '"uuid"' in json.dumps(member)
                }
    return found


#: the one id in a body that is meant to reach outside, for those entitled, and is answered 404 where it names nothing:
#: `tests/domains/test_overrides.py` compares those answers
BREAK_GLASS = {("/v1/access-overrides", "resource_id")}
#: named by the receiver of a referral that it has accepted: `tests/domains/test_attachments.py` compares those answers
BY_RECEIVERS = {("/v1/referrals/{id}/transitions", "attachment_ids")}


async def test_every_id_in_a_body_has_a_case(api: Api) -> None:
    assert _references(api) == set(REFERENCES) | BREAK_GLASS | BY_RECEIVERS


async def test_a_body_cannot_tell_an_id_out_of_sight_from_an_unknown_one(api: Api, world: World) -> None:
    for (path, member), (kind, role, body) in REFERENCES.items():
        public = path.startswith("/v1/public/")
        client = api.anonymous if public else token_of(api, role)
        kinds = {
            "complaints": Kind.COMPLAINT,
            "duplicates": Kind.DUPLICATE,
            "referrals": Kind.REFERRAL,
            "persons": Kind.PERSON,
            "households": Kind.HOUSEHOLD,
            "programs": Kind.PROGRAM,
            "rule-versions": Kind.RULE_VERSION,
            "eligibility-checks": Kind.ELIGIBILITY_CHECK,
            "family-plans": Kind.FAMILY_PLAN,
        }
        asked = world.here[kinds.get(path.split("/")[2], Kind.CASE)]
        early = path.endswith("/needs") or member == "eligibility_check_ids"
        url = path.replace("{id}", str(world.assessing if early else asked))
        headers: dict[str, str] = {}
        method = "POST"
        if "{id}" in path and not path.startswith("/v1/persons/"):
            item = await client.get("/".join(url.split("/")[:4]))
            headers["if-match"] = f'"{item.json()["version"]}"'
        if ("PATCH", path) in CASES and ("POST", path) not in CASES:
            method, headers["content-type"] = "PATCH", "application/merge-patch+json"
        ids = {
            "unknown": new_id(kind, HERE),
            "unknown, elsewhere": new_id(kind, ELSEWHERE),
            "of another kind": new_id(Kind.DEVICE, HERE),
            "of no kind": uuid4(),
        }
        if kind in world.there and kind not in NATIONAL:
            ids["existing, elsewhere"] = world.there[kind]
        answers = {
            name: await client.request(
                method,
                url,
                json={**body(world.here), member: [str(id_)] if member.endswith("_ids") else str(id_)},
                # Of who shows no token the key stands for the caller.
                headers=headers | ({"idempotency-key": str(uuid4())} if public else {}),
            )
            for name, id_ in ids.items()
        }
        first = answers.pop("unknown")
        pointer = f"/{member}/0" if member.endswith("_ids") else f"/{member}"
        problem(first, 422, "content_invalid", fault=(pointer, "reference_not_found"))
        assert {name: steady(answer) for name, answer in answers.items()} == dict.fromkeys(answers, steady(first)), path


async def test_lists_show_nothing_from_outside(api: Api, world: World) -> None:
    """In short for a few roles: `test_permission_matrix` compares the lists of every role with the rows in its sight."""
    assert await leaks_of_lists(api, some_roles(size(3, len(Role)))) == []


async def test_without_the_row_policy_both_checks_report_it(
    make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The control: on a database of its own, one table loses its policy and the same checks find the leak."""
    database = await make_database("slrt_open")
    async with running_api(database.api_url, tmp_path_factory.mktemp("open")) as api:
        there = await populated(api)
        await _made(
            api.as_("facilitator", area="33.26.02.2001"), "/v1/households", household_body(area_code="33.26.02.2001")
        )
        routes = {route: case for route, case in CASES.items() if route == ("GET", "/v1/households/{id}")}
        roles = (Role.FACILITATOR,)
        assert await leaks_of_items(api, there, routes, roles) == []
        assert await leaks_of_lists(api, roles) == []
        await database.execute("ALTER TABLE households DISABLE ROW LEVEL SECURITY")
        assert await leaks_of_items(api, there, routes, roles) == [
            f"{('GET', '/v1/households/{id}')} as facilitator: existing, elsewhere differs from unknown, elsewhere: 200"
        ]
        assert any("a row of another area" in leak for leak in await leaks_of_lists(api, roles))
