"""What can be read of cases and their parts, of the forms of assessments, of family plans and merges."""

import re
from collections.abc import Mapping
from typing import Any

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.codelists import redacted_of_special
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.attachments import shapes as attachments
from slrt_api.cases.codes import (
    LEVELS,
    AssignmentStatus,
    CaseStatus,
    CaseUnit,
    ClosingCode,
    Domain,
    Escalation,
    FamilyPlanStatus,
    IdentityDocument,
    MergeStatus,
    NeedStatus,
    NoteVisibility,
    PlanLineStatus,
    TaskStatus,
    TaskType,
)
from slrt_api.cases.lifecycle import BY_HAND, CASE_LIFECYCLE, COMPUTED, NEED_COMPUTED
from slrt_api.cases.parts import (
    ASSIGNMENT_LIFECYCLE,
    CASE_MERGE_LIFECYCLE,
    CASE_OPEN,
    FAMILY_PLAN_LIFECYCLE,
    PLAN_LINE_LIFECYCLE,
    TASK_LIFECYCLE,
)
from slrt_api.clocks.shapes import clocks_of
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.kernel.numbers import parse_number
from slrt_api.programs.shapes import ELIGIBILITY_CHECK
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    EVERYBODY,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    OfCaller,
    Shape,
    Sort,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    parse_codes,
    parse_date,
    text_sort,
    updated_filters,
)

NUMBER_PREFIX = "KSS"
#: what the ciphertext of a note is bound to
SEALED_NOTE = "case_note"
#: and what people say who ask that their case goes on
SEALED_REOPENING = "case_reopening"

#: the office of whoever works on cases
UNITS = {
    Role.PUSKESOS_OFFICER: CaseUnit.PUSKESOS,
    Role.PUSKESOS_COORDINATOR: CaseUnit.PUSKESOS,
    Role.SUPERVISOR: CaseUnit.SUPERVISION,
    Role.SECRETARIAT_OFFICER: CaseUnit.SECRETARIAT,
    Role.SECRETARIAT_MANAGER: CaseUnit.SECRETARIAT,
    Role.SOCIAL_OFFICE: CaseUnit.SOCIAL_OFFICE,
}

#: who may know what a need is about: who works on the case, and auditors, who judge what was decided
_OF_NEEDS: Any = {"special": True, "readers": CASE_WORKERS | {Role.AUDITOR}}
#: who works on what: for the work and its audit
_OF_WORK: Any = {"readers": CASE_WORKERS | {Role.AUDITOR}}
#: what is said and found of people in words and answers: for the work only
_FINDINGS: Any = {"special": True, "readers": CASE_WORKERS}

_NUMBER = f"{NUMBER_PREFIX}-[0-9]{{4}}-[0-9A-HJKMNP-TV-Z]{{4}}-[0-9A-HJKMNP-TV-Z]{{4}}-[0-9A-HJKMNP-Z]"


def _number(text: str) -> str:
    found = parse_number(NUMBER_PREFIX, text)
    if found is None:
        raise ValueError
    return found.text


def _caller(text: str) -> OfCaller | str:
    """`me`, or an officer as `issuer#subject`."""
    if text == "me":
        return OfCaller("subject")
    if not re.fullmatch("[!-~]{1,200}#[!-~]{1,100}", text):
        raise ValueError
    return text


_FORM_CODE = "^[A-Z][A-Z0-9-]{0,39}$"


def _form_code(text: str) -> str:
    if not re.fullmatch(_FORM_CODE, text):
        raise ValueError
    return text


def _tasks(text: str) -> str:
    if text not in {"OPEN", "OVERDUE"}:
        raise ValueError
    return text


def _reassessment(text: str) -> str:
    if text not in {"WAITING", "DUE"}:
        raise ValueError
    return text


#: The case of that number and, where it was merged, those that it was merged into, one after the other. The number tells
#: the tenant, so that an index is used.
_BY_NUMBER = (
    "({t}.regency = split_part({v}::text, '-', 2)::integer AND {t}.id IN ("
    "WITH RECURSIVE way (id, next) AS (SELECT n.id, n.merged_into FROM cases n"
    " WHERE n.regency = split_part({v}::text, '-', 2)::integer AND n.number = {v}::text"
    " UNION SELECT n.id, n.merged_into FROM way JOIN cases n"
    " ON n.regency = split_part({v}::text, '-', 2)::integer AND n.id = way.next)"
    " SELECT id FROM way WHERE next IS NULL OR id = (SELECT id FROM cases n WHERE n.regency ="
    " split_part({v}::text, '-', 2)::integer AND n.number = {v}::text)))"
)


def _own_unit(role: str) -> str:
    """SQL of the text of a note as far as the role may know it: what is for another office is null."""
    unit = UNITS.get(Role(role)) if role in set(Role) else None
    return f"(CASE WHEN {{t}}.visibility = 'UNIT' AND {{t}}.unit <> '{unit or '-'}' THEN NULL ELSE {{v}} END)"


def _may(description: str, lifecycle: Lifecycle, facts: Mapping[str, str] | None = None) -> Field:
    """The field that tells what the caller may do."""
    return Field("allowed_actions", FieldType.CODES, description, lifecycle=lifecycle, facts=facts or {})


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
        _may("What this caller may do with it now.", CASE_LIFECYCLE, COMPUTED),
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
        Field("assessed", FieldType.BOOLEAN, "Whether an assessment is recorded in this round."),
        Field("need_count", FieldType.INTEGER, "Needs recorded.", example=2),
        Field("open_needs", FieldType.INTEGER, "Needs that are not final.", example=1),
        Field("referred_needs", FieldType.INTEGER, "Needs with a referral that runs.", example=1),
        Field(
            "open_tasks",
            FieldType.INTEGER,
            "Of an emergency: what was skipped and is still owed. While there is one, it ends by a death only.",
            example=2,
        ),
        Field("tasks_due_at", FieldType.INSTANT, "By when that is to be made good.", nullable=True),
        Field(
            "reassess_by",
            FieldType.INSTANT,
            "By when its re-assessment is due, while it waits for one (`FEEDBACK`); null where no policy sets a deadline.",
            nullable=True,
        ),
        Field(
            "reassessment_told_at",
            FieldType.INSTANT,
            "When the platform told that its re-assessment is due: once in a round.",
            nullable=True,
        ),
        Field("returned_count", FieldType.INTEGER, "How often its recommendation was returned.", example=1),
        Field("reopened_count", FieldType.INTEGER, "How often it was reopened.", example=0),
        Field(
            "assignee",
            FieldType.TEXT,
            "The officer who works on it, as `issuer#subject`.",
            nullable=True,
            example="https://sso.example.go.id#4711",
            **_OF_WORK,
        ),
        Field(
            "offered_to",
            FieldType.TEXT,
            "The officer whom it is offered to.",
            nullable=True,
            example="https://sso.example.go.id#4712",
            **_OF_WORK,
        ),
        Field("family_plan_id", FieldType.ID, "The family plan that it belongs to.", nullable=True),
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
            "closing_code",
            FieldType.CODE,
            "Why the platform itself ended it; null where somebody did.",
            nullable=True,
            codes=ClosingCode,
        ),
        Field(
            "reopen_until",
            FieldType.INSTANT,
            "Until when an officer may reopen it at the word of its people; a manager may at any time.",
            nullable=True,
        ),
        Field(
            "reopening_asked_at",
            FieldType.INSTANT,
            "When its people asked that it goes on, by the receipt of their complaint; null once that is granted or refused.",
            nullable=True,
        ),
        Field(
            "reopening_referral_id",
            FieldType.ID,
            "The referral whose service never came, where they ask for that reason.",
            nullable=True,
        ),
        Field(
            "reopening_text",
            FieldType.TEXT,
            "What they say.",
            nullable=True,
            sealed=SEALED_REOPENING,
            example="Bantuan modal yang dijanjikan tidak pernah datang",
            **_FINDINGS,
        ),
        Field(
            "reopening_answer",
            FieldType.TEXT,
            "Why it was refused, in words that they read; null where it was granted.",
            nullable=True,
            example="Bantuan sudah diterima pada 2 November",
        ),
        Field("reopening_answered_at", FieldType.INSTANT, "When it was granted or refused.", nullable=True),
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
        Filter(
            "tasks",
            "CASE {v}::text WHEN 'OPEN' THEN {t}.open_tasks > 0 ELSE {t}.open_tasks > 0 AND {t}.tasks_due_at <= now() END",
            _tasks,
            "Emergencies that still owe what they skipped: `OPEN`, or `OVERDUE` past its deadline.",
            "OVERDUE",
            pattern="^(OPEN|OVERDUE)$",
            reads="open_tasks",
        ),
        Filter(
            "reassessment",
            "CASE {v}::text WHEN 'WAITING' THEN {t}.reassess_by IS NOT NULL"
            " ELSE {t}.reassess_by IS NOT NULL AND {t}.reassess_by <= now() END",
            _reassessment,
            "Waiting for a re-assessment: `WAITING` all of them, `DUE` those whose day has come.",
            "DUE",
            pattern="^(WAITING|DUE)$",
            reads="reassess_by",
        ),
        Filter(
            "assignee",
            "{t}.assignee = {v}::text",
            _caller,
            "Worked on by `me`, or by an officer as `issuer#subject`.",
            "me",
            pattern="^(me|[!-~]{1,200}#[!-~]{1,100})$",
        ),
        Filter(
            "offered_to",
            "{t}.offered_to = {v}::text",
            _caller,
            "Offered to `me`, or to an officer as `issuer#subject`.",
            "me",
            pattern="^(me|[!-~]{1,200}#[!-~]{1,100})$",
        ),
        id_filter("family_plan_id", "In this family plan."),
        Filter("attention", "{t}.attention = {v}::boolean", parse_boolean, "Waiting for an officer to look.", "true"),
        Filter(
            "reopening_asked",
            "({t}.reopening_asked_at IS NOT NULL) = {v}::boolean",
            parse_boolean,
            "Whose people ask that it goes on and have no answer, or all others.",
            "true",
            reads="reopening_asked_at",
        ),
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
            _BY_NUMBER,
            _number,
            "With this number. Of a case that was merged, the case that goes on in its place as well: the one itself tells"
            " it under `merged_into`.",
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
        _may(
            "What this caller may do with it by `need-transitions`; what a referral moves moves with the referral only.",
            BY_HAND,
            NEED_COMPUTED,
        ),
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
        Field("instrument", FieldType.TEXT, "The form that was asked by: its code.", example="REGSOSEK-CONDITION"),
        Field(
            "instrument_version",
            FieldType.INTEGER,
            "Its version, to which the answers are pinned; null of assessments older than forms.",
            nullable=True,
            example=1,
        ),
        Field("instrument_id", FieldType.ID, "That version of it.", nullable=True),
        Field("answers", FieldType.JSON, "Answers by question.", example={"409": 1}, **_FINDINGS),
        Field(
            "score",
            FieldType.INTEGER,
            "The score that the declared weights of the form make; null of a form without any.",
            nullable=True,
            example=9,
            **_FINDINGS,
        ),
        Field(
            "score_parts",
            FieldType.JSON,
            "The score, the most that it can be, and what each answer adds to it.",
            nullable=True,
            example={"points": 3, "most": 25, "parts": [{"question": "303", "answer": "8", "points": 3}]},
            **_FINDINGS,
        ),
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

INSTRUMENT = (
    Shape(
        "assessment_form",
        "instruments",
        "instruments {t}",
        "A version of a form of assessments: what it asks, as JSON Schema with labels in both languages, and how its score is"
        " made. A version never changes; what is to change gets the next one.",
        scope=Scope.CASES_READ,
        kinds=EVERYBODY,
        kind=Kind.INSTRUMENT,
        tenant=False,
        personal=False,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the version."),
        Field("code", FieldType.TEXT, "Code of the form.", example="SLRT-NEEDS"),
        Field("version", FieldType.INTEGER, "Its version.", example=1),
        Field(
            "label",
            FieldType.LABEL,
            "Name of the form.",
            "json_build_object('id', {t}.label_id, 'en', {t}.label_en)",
            example={"id": "Kondisi keluarga menurut Regsosek", "en": "Condition of the family, after Regsosek"},
        ),
        Field(
            "form",
            FieldType.JSON,
            "JSON Schema (2020-12) of the answers; `x-label` names each question and code.",
            example={"type": "object", "properties": {}},
        ),
        Field(
            "score",
            FieldType.JSON,
            "Weights by question and code, with their source and how far that can be trusted; null without a score.",
            nullable=True,
            example={"code": "CONDITION", "confidence": "design"},
        ),
        Field("citation", FieldType.TEXT, "Source of the questions.", example="BPS Regsosek 2022-K"),
        Field("confidence", FieldType.TEXT, "How far that can be trusted.", example="sourced"),
        Field("valid_from", FieldType.DATE, "First day on which it may be asked by."),
    )
    .with_filters(
        Filter("code", "{t}.code = {v}::text", _form_code, "Versions of this form.", "SLRT-NEEDS", pattern=_FORM_CODE)
    )
    .with_sorts(ID_SORT)
)

PLAN_LINE = (
    Shape(
        "plan_line",
        "plan-lines",
        "case_plan_lines {t}",
        "Who does what by when.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the line."),
        Field("need_id", FieldType.ID, "The need that it serves.", nullable=True),
        Field("action", FieldType.TEXT, "What is to be done.", example="Antar berkas ke kantor BPJS", **_FINDINGS),
        Field("responsible_role", FieldType.CODE, "Whoever has this role does it.", nullable=True, codes=Role),
        Field("responsible_organization_id", FieldType.ID, "This organization does it.", nullable=True),
        Field(
            "responsible_subject",
            FieldType.TEXT,
            "This officer does it, as `issuer#subject`.",
            nullable=True,
            example="https://sso.example.go.id#4711",
            **_OF_WORK,
        ),
        Field("due_on", FieldType.DATE, "By which day."),
        Field("status", FieldType.CODE, "What became of it.", codes=PlanLineStatus),
        _may("What this caller may say of it now, by `plan-transitions` of its case.", PLAN_LINE_LIFECYCLE),
        Field("evidence", FieldType.TEXT, "What shows it.", nullable=True, example="Tanda terima 12/2026", **_FINDINGS),
        Field("created_at", FieldType.INSTANT, "When it was planned."),
        Field("ended_at", FieldType.INSTANT, "When it was done or dropped.", nullable=True),
        Field("reminded_at", FieldType.INSTANT, "When it was told that it is due.", nullable=True),
    )
    .with_filters(code_filter("status", PlanLineStatus, "In one of these states."))
    .with_sorts(ID_SORT, Sort("due_on", "{t}.due_on", "date", parse_date))
)
PLAN_LINE.default_sort = "id"

NOTE = (
    Shape("note", "notes", "case_notes {t}", "A note of an officer.", scope=Scope.CASES_READ, kinds=ALL_STAFF)
    .with_fields(
        Field("id", FieldType.ID, "Id of the note."),
        Field("visibility", FieldType.CODE, "Who reads it.", codes=NoteVisibility),
        Field("unit", FieldType.CODE, "Office of its author.", codes=CaseUnit),
        Field(
            "text",
            FieldType.TEXT,
            "The note; null where it is for another office, or erased.",
            nullable=True,
            sealed=SEALED_NOTE,
            example="Ibu lebih mudah ditemui sore hari",
            stripped=_own_unit,
            **_FINDINGS,
        ),
        Field(
            "author",
            FieldType.TEXT,
            "Who wrote it, as `issuer#subject`.",
            example="https://sso.example.go.id#4711",
            **_OF_WORK,
        ),
        Field("created_at", FieldType.INSTANT, "When it was written."),
        Field("erased_at", FieldType.INSTANT, "When it was erased.", nullable=True),
        Field("referral_id", FieldType.ID, "Of one for receivers: the referral that it is for.", nullable=True),
        Field(
            "shared", FieldType.BOOLEAN, "Whether the receiver reads it now: while the package is there.", example=False
        ),
    )
    .with_sorts(ID_SORT)
)
NOTE.default_sort = "id"

ASSIGNMENT = (
    Shape(
        "assignment",
        "assignments",
        "case_assignments {t}",
        "That an officer works on the case, or was asked to.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the assignment."),
        Field(
            "assignee",
            FieldType.TEXT,
            "The officer, as `issuer#subject`.",
            example="https://sso.example.go.id#4711",
            **_OF_WORK,
        ),
        Field(
            "offered_by",
            FieldType.TEXT,
            "Who gave or offered it, as `issuer#subject`.",
            example="https://sso.example.go.id#4712",
            **_OF_WORK,
        ),
        Field("status", FieldType.CODE, "Where it stands.", codes=AssignmentStatus),
        _may("What this caller may answer now, by `assignment-answers` of its case.", ASSIGNMENT_LIFECYCLE, CASE_OPEN),
        Field("reason", FieldType.TEXT, "Why.", nullable=True, example="Pindah tugas", **_OF_WORK),
        Field("answer", FieldType.TEXT, "Why it was declined.", nullable=True, example="Saya kerabatnya", **_OF_WORK),
        Field("created_at", FieldType.INSTANT, "When it was made."),
        Field("began_at", FieldType.INSTANT, "When the officer took over.", nullable=True),
        Field("ended_at", FieldType.INSTANT, "When it ended.", nullable=True),
    )
    .with_sorts(ID_SORT)
)
ASSIGNMENT.default_sort = "id"

TASK = (
    Shape(
        "task",
        "tasks",
        "case_tasks {t}",
        "What an emergency skipped, to be made good afterwards.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the task."),
        Field("type", FieldType.CODE, "What was skipped.", codes=TaskType),
        Field("status", FieldType.CODE, "Whether it is made good.", codes=TaskStatus),
        _may("The act by which this caller may settle it now.", TASK_LIFECYCLE, CASE_OPEN),
        Field("due_at", FieldType.INSTANT, "By when; null where no policy sets a deadline.", nullable=True),
        Field(
            "overdue",
            FieldType.BOOLEAN,
            "Whether it is still owed past its deadline.",
            "coalesce({t}.status = 'OPEN' AND {t}.due_at <= now(), false)",
            example=False,
        ),
        Field("done_at", FieldType.INSTANT, "When it was closed.", nullable=True),
        Field("document", FieldType.CODE, "The document that was seen.", nullable=True, codes=IdentityDocument),
        Field("evidence", FieldType.TEXT, "What shows it.", nullable=True, example="KTP dilihat di IGD", **_FINDINGS),
    )
    .with_filters(code_filter("status", TaskStatus, "In one of these states."))
    .with_sorts(ID_SORT)
)
TASK.default_sort = "id"

FAMILY_PLAN = (
    Shape(
        "family_plan",
        "family-plans",
        "family_plans {t}",
        "One goal that groups several cases of a household; each keeps its own way and its own deadlines.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
        kind=Kind.FAMILY_PLAN,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("plan"),
        Field("household_id", FieldType.ID, "The household."),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field("goal", FieldType.TEXT, "What is to be different.", example="Anak kembali bersekolah", **_FINDINGS),
        Field("status", FieldType.CODE, "Whether it goes on.", codes=FamilyPlanStatus),
        _may("What this caller may do with it now.", FAMILY_PLAN_LIFECYCLE),
        Field("ended_at", FieldType.INSTANT, "When it ended.", nullable=True),
    )
    .with_filters(
        code_filter("status", FamilyPlanStatus, "In one of these states."),
        AREA_FILTER,
        id_filter("household_id", "Of this household."),
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)

CASE_MERGE = (
    Shape(
        "case_merge",
        "case-merges",
        "case_merges {t}",
        "That one case was a duplicate of another. While nothing was built on it, it can be undone.",
        scope=Scope.CASES_READ,
        kinds=ALL_STAFF,
        kind=Kind.CASE_MERGE,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("merge"),
        Field("case_id", FieldType.ID, "The duplicate."),
        Field("survivor_id", FieldType.ID, "The case that goes on."),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field("status", FieldType.CODE, "Whether it stands.", codes=MergeStatus),
        _may(
            "What this caller may do with it now. An undoing is refused where something was built on it since.",
            CASE_MERGE_LIFECYCLE,
        ),
        Field("reason", FieldType.TEXT, "Why they were taken for one.", example="Dilaporkan dua kali", **_OF_WORK),
        Field("undone_at", FieldType.INSTANT, "When it was undone.", nullable=True),
    )
    .with_filters(
        code_filter("status", MergeStatus, "In one of these states."),
        AREA_FILTER,
        id_filter("case_id", "Of this duplicate."),
        id_filter("survivor_id", "Into this case."),
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)

_PART = "{t}.regency = {p}.regency AND {t}.case_id = {p}.id"
CASE.link(Link("needs", NEED, _PART, "What people of the household need.", embedded=True))
CASE.link(Link("assessments", ASSESSMENT, _PART, "What was found at assessments."))
CASE.link(Link("plan", PLAN_LINE, _PART, "Who does what by when."))
CASE.link(Link("notes", NOTE, _PART, "Notes of officers."))
CASE.link(Link("assignments", ASSIGNMENT, _PART, "Who works on it and who did."))
CASE.link(Link("tasks", TASK, _PART, "What an emergency skipped."))
CASE.link(
    Link(
        "eligibility_checks",
        ELIGIBILITY_CHECK,
        "{t}.regency = {p}.regency AND {t}.id = ANY ({p}.eligibility_check_ids)",
        "The eligibility checks that its recommendation stands on.",
    )
)
CASE.link(
    Link(
        "family_plan",
        FAMILY_PLAN,
        "{t}.regency = {p}.regency AND {t}.id = {p}.family_plan_id",
        "The family plan that it belongs to.",
        single=True,
    )
)
FAMILY_PLAN.link(
    Link("cases", CASE, "{t}.regency = {p}.regency AND {t}.family_plan_id = {p}.id", "The cases that it groups.")
)
HOUSEHOLD.link(
    Link(
        "family_plans",
        FAMILY_PLAN,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "The plans that were made for the family.",
    )
)
CASE.link(
    Link(
        "merges",
        CASE_MERGE,
        "{t}.regency = {p}.regency AND {t}.survivor_id = {p}.id",
        "Duplicates that were merged into it.",
    )
)
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
attachments.of(CASE)
