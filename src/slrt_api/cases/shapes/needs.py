"""What people need and what was found, given and skipped: needs, assessments and their forms, services, tasks."""

import re

from slrt_api.access.scopes import Scope
from slrt_api.areas.codelists import redacted_of_special
from slrt_api.cases.codes import (
    Domain,
    IdentityDocument,
    NeedStatus,
    TaskStatus,
    TaskType,
)
from slrt_api.cases.lifecycle import BY_HAND, NEED_COMPUTED, OF_CASE
from slrt_api.cases.parts import (
    CASE_OPEN,
    TASK_LIFECYCLE,
)
from slrt_api.cases.shapes.common import (
    FINDINGS,
    OF_NEEDS,
    READERS,
    may,
    part,
)
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import (
    EVERYBODY,
    ID_SORT,
    Field,
    FieldType,
    Filter,
    Shape,
    code_filter,
)

_FORM_CODE = "^[A-Z][A-Z0-9-]{0,39}$"


def _form_code(text: str) -> str:
    if not re.fullmatch(_FORM_CODE, text):
        raise ValueError
    return text


NEED = part("need", "needs", "needs", "What one person of the household needs.", READERS).with_fields(
    Field("id", FieldType.ID, "Id of the need."),
    Field("person_id", FieldType.ID, "The person who needs it."),
    Field("domain", FieldType.CODE, "Field of work.", codes=Domain),
    Field(
        "need",
        FieldType.TEXT,
        "The service needed: a code of `/v1/services`.",
        example="HEALTH_INSURANCE",
        redacted=redacted_of_special("need"),
        **OF_NEEDS,
    ),
    Field("status", FieldType.CODE, "Where it stands.", codes=NeedStatus),
    may(
        "What this caller may do with it by `need-transitions`; what a referral moves moves with the referral only.",
        BY_HAND,
        NEED_COMPUTED,
        facts_of=OF_CASE,
    ),
    Field("referral_id", FieldType.ID, "The referral that serves it.", nullable=True),
    Field("note", FieldType.TEXT, "What is particular about it.", nullable=True, example="Rawat jalan", **FINDINGS),
    Field("created_at", FieldType.INSTANT, "When it was recorded."),
)

ASSESSMENT = part("assessment", "assessments", "assessments", "What an officer found at an assessment.").with_fields(
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
    Field("answers", FieldType.JSON, "Answers by question.", example={"409": 1}, **FINDINGS),
    Field(
        "score",
        FieldType.INTEGER,
        "The score that the declared weights of the form make; null of a form without any.",
        nullable=True,
        example=9,
        **FINDINGS,
    ),
    Field(
        "score_parts",
        FieldType.JSON,
        "The score, the most that it can be, and what each answer adds to it.",
        nullable=True,
        example={"points": 3, "most": 25, "parts": [{"question": "303", "answer": "8", "points": 3}]},
        **FINDINGS,
    ),
    Field("summary", FieldType.TEXT, "Summary in words.", example="Ibu tunggal, dua anak bersekolah", **FINDINGS),
    Field("assessed_at", FieldType.INSTANT, "When it was recorded."),
)

DIRECT_SERVICE = part(
    "direct_service", "direct-services", "direct_services", "A service that the unit itself gave."
).with_fields(
    Field("id", FieldType.ID, "Id of the service."),
    Field("need_id", FieldType.ID, "The need that it met."),
    Field(
        "service",
        FieldType.TEXT,
        "Code of the service.",
        example="CIVIL_DOCUMENTS",
        redacted=redacted_of_special("service"),
        **OF_NEEDS,
    ),
    Field("delivered_on", FieldType.DATE, "Day on which it was given."),
    Field(
        "evidence",
        FieldType.TEXT,
        "What shows it.",
        example="Akta kelahiran diserahkan kepada ibu",
        redacted=redacted_of_special("service"),
        **OF_NEEDS,
    ),
    Field("created_at", FieldType.INSTANT, "When it was recorded."),
)

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

TASK = (
    part("task", "tasks", "case_tasks", "What an emergency skipped, to be made good afterwards.")
    .with_fields(
        Field("id", FieldType.ID, "Id of the task."),
        Field("type", FieldType.CODE, "What was skipped.", codes=TaskType),
        Field("status", FieldType.CODE, "Whether it is made good.", codes=TaskStatus),
        may("The act by which this caller may settle it now.", TASK_LIFECYCLE, CASE_OPEN, facts_of=OF_CASE),
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
        Field("evidence", FieldType.TEXT, "What shows it.", nullable=True, example="KTP dilihat di IGD", **FINDINGS),
    )
    .with_filters(code_filter("status", TaskStatus, "In one of these states."))
)
