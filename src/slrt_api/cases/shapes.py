"""What can be read of cases, their needs, assessments and services."""

from typing import Any

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import redacted_of_special
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.cases.codes import LEVELS, CaseStatus, Domain, Escalation, NeedStatus
from slrt_api.cases.lifecycle import CASE_LIFECYCLE
from slrt_api.clocks.shapes import clocks_of
from slrt_api.households.codes import Instrument
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind
from slrt_api.kernel.numbers import parse_number
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    parse_codes,
    text_sort,
    updated_filters,
)

NUMBER_PREFIX = "KSS"

#: who may know what a need is about: who works on the case, and auditors, who judge what was decided
_OF_NEEDS: Any = {"special": True, "readers": CASE_WORKERS | {Role.AUDITOR}}
#: what is said and found of people in words and answers: for the work only
_FINDINGS: Any = {"special": True, "readers": CASE_WORKERS}

_NUMBER = f"{NUMBER_PREFIX}-[0-9]{{4}}-[0-9A-HJKMNP-TV-Z]{{4}}-[0-9A-HJKMNP-TV-Z]{{4}}-[0-9A-HJKMNP-Z]"


def _number(text: str) -> str:
    found = parse_number(NUMBER_PREFIX, text)
    if found is None:
        raise ValueError
    return found.text


def _levels(text: str) -> list[int]:
    return [LEVELS[Escalation(code)] for code in parse_codes(Escalation)(text)]


#: province and nation read what was escalated to them: the case and its needs, and nothing that these lead to
_READERS = ALL_STAFF | {ScopeKind.ESCALATED}

CASE = (
    Shape(
        "case",
        "cases",
        "cases {t}",
        "The work for one household, from registration to its end. Province and nation see those escalated to them.",
        scope=Scope.CASES_READ,
        kinds=_READERS,
        kind=Kind.CASE,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("case"),
        Field("number", FieldType.TEXT, "Number to say aloud; it stays for ever.", example="KSS-3326-7ZQ4-0MXR-K"),
        Field("household_id", FieldType.ID, "The household that it works for."),
        Field("complaint_id", FieldType.ID, "The complaint that it was opened from.", nullable=True),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field("status", FieldType.CODE, "Where it stands.", codes=CaseStatus),
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now.",
            lifecycle=CASE_LIFECYCLE,
        ),
        Field("emergency", FieldType.BOOLEAN, "Service first, completion afterwards (darurat).", example=False),
        Field(
            "escalation",
            FieldType.CODE,
            "How far up it is shown: `NATION` is shown to the province too.",
            "(CASE {t}.escalation WHEN 1 THEN 'PROVINCE' WHEN 2 THEN 'NATION' ELSE 'NONE' END)",
            codes=Escalation,
        ),
        Field("received_at", FieldType.INSTANT, "When the trouble was first reported."),
        Field(
            "registry_outcome",
            FieldType.CODE,
            "What the national registry said of the household; null before the check, or while no release is loaded.",
            nullable=True,
            codes=RegistryOutcome,
        ),
        Field("registry_snapshot_id", FieldType.ID, "The release that was checked.", nullable=True),
        Field("registry_checked_at", FieldType.INSTANT, "When it was checked.", nullable=True),
        Field(
            "proposal_wanted",
            FieldType.BOOLEAN,
            "Not found in the registry: a proposal (usulan) for it should be made. The case goes on meanwhile.",
            example=True,
        ),
        Field("assessed", FieldType.BOOLEAN, "Whether an assessment is recorded."),
        Field("need_count", FieldType.INTEGER, "Needs recorded.", example=2),
        Field("open_needs", FieldType.INTEGER, "Needs that are not final.", example=1),
        Field("referred_needs", FieldType.INTEGER, "Needs with a referral that runs.", example=1),
        Field("recommended_at", FieldType.INSTANT, "When it was recommended last.", nullable=True),
        Field("confirmed_at", FieldType.INSTANT, "When it was confirmed last.", nullable=True),
        Field(
            "attention",
            FieldType.BOOLEAN,
            "All whom it is for have died: an officer has to say how it goes on. The next step takes it away.",
            example=False,
        ),
        Field("closed_at", FieldType.INSTANT, "When it ended.", nullable=True),
        Field(
            "closing_text",
            FieldType.TEXT,
            "Why it ended, in words that the people concerned may read.",
            nullable=True,
            example="Keluarga sudah mandiri",
        ),
        Field(
            "successor_id",
            FieldType.ID,
            "The case in another regency that goes on in its place, when it was handed over with its people.",
            nullable=True,
        ),
        Field("predecessor_id", FieldType.ID, "The case in another regency that it goes on for.", nullable=True),
        Field("merged_into", FieldType.ID, "The case that goes on in its place, when `MERGED`.", nullable=True),
        Field(
            "transferred_to",
            FieldType.AREA,
            "The area that the household moved to, when `MOVED`.",
            nullable=True,
            example="33.27",
        ),
    )
    .with_filters(
        code_filter("status", CaseStatus, "In one of these states."),
        AREA_FILTER,
        *updated_filters(),
        Filter("emergency", "{t}.emergency = {v}::boolean", parse_boolean, "Emergencies, or all others.", "true"),
        Filter("attention", "{t}.attention = {v}::boolean", parse_boolean, "Waiting for an officer to look.", "true"),
        Filter(
            "escalation",
            "{t}.escalation = ANY ({v}::smallint[])",
            _levels,
            "Shown so far up.",
            "PROVINCE,NATION",
            Escalation,
        ),
        id_filter("household_id", "Of this household."),
        Filter(
            "number",
            "{t}.number = {v}::text",
            _number,
            "With this number.",
            "KSS-3326-7ZQ4-0MXR-K",
            pattern=f"^{_NUMBER}$",
        ),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT, text_sort("status"))
)

NEED = (
    Shape(
        "need",
        "needs",
        "needs {t}",
        "What one person of the household needs.",
        scope=Scope.CASES_READ,
        kinds=_READERS,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the need."),
        Field("person_id", FieldType.ID, "The person who needs it."),
        Field("domain", FieldType.CODE, "Field of work.", codes=Domain),
        Field(
            "need",
            FieldType.TEXT,
            "The service needed: a code of `/v1/services`.",
            example="HEALTH_INSURANCE",
            redacted=redacted_of_special("need"),
            **_OF_NEEDS,
        ),
        Field("status", FieldType.CODE, "Where it stands.", codes=NeedStatus),
        Field("referral_id", FieldType.ID, "The referral that serves it.", nullable=True),
        Field(
            "note", FieldType.TEXT, "What is particular about it.", nullable=True, example="Rawat jalan", **_FINDINGS
        ),
        Field("created_at", FieldType.INSTANT, "When it was recorded."),
    )
    .with_sorts(ID_SORT)
)
NEED.default_sort = "id"

ASSESSMENT = (
    Shape(
        "assessment",
        "assessments",
        "assessments {t}",
        "What an officer found at an assessment.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the assessment."),
        Field("instrument", FieldType.CODE, "Questionnaire whose codes the answers use.", codes=Instrument),
        Field("answers", FieldType.JSON, "Answers by question.", example={"409": 1}, **_FINDINGS),
        Field("summary", FieldType.TEXT, "Summary in words.", example="Ibu tunggal, dua anak bersekolah", **_FINDINGS),
        Field("assessed_at", FieldType.INSTANT, "When it was recorded."),
    )
    .with_sorts(ID_SORT)
)
ASSESSMENT.default_sort = "id"

DIRECT_SERVICE = (
    Shape(
        "direct_service",
        "direct-services",
        "direct_services {t}",
        "A service that the unit itself gave.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the service."),
        Field("need_id", FieldType.ID, "The need that it met."),
        Field(
            "service",
            FieldType.TEXT,
            "Code of the service.",
            example="CIVIL_DOCUMENTS",
            redacted=redacted_of_special("service"),
            **_OF_NEEDS,
        ),
        Field("delivered_on", FieldType.DATE, "Day on which it was given."),
        Field(
            "evidence",
            FieldType.TEXT,
            "What shows it.",
            example="Akta kelahiran diserahkan kepada ibu",
            redacted=redacted_of_special("service"),
            **_OF_NEEDS,
        ),
        Field("created_at", FieldType.INSTANT, "When it was recorded."),
    )
    .with_sorts(ID_SORT)
)
DIRECT_SERVICE.default_sort = "id"

_PART = "{t}.regency = {p}.regency AND {t}.case_id = {p}.id"
CASE.link(Link("needs", NEED, _PART, "What people of the household need.", embedded=True))
CASE.link(Link("assessments", ASSESSMENT, _PART, "What was found at assessments."))
CASE.link(clocks_of("case"))
CASE.link(Link("services", DIRECT_SERVICE, _PART, "Services given by the unit itself."))
CASE.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household that the case works for.",
        single=True,
    )
)
HOUSEHOLD.link(
    Link("cases", CASE, "{t}.regency = {p}.regency AND {t}.household_id = {p}.id", "The cases of the household.")
)
CASE.link(
    Link(
        "consents",
        CONSENT,
        "{t}.regency = {p}.regency AND {t}.case_id = {p}.id",
        "Consents and lawful bases that were recorded for it.",
    )
)
