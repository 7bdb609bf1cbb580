"""Who does what: lines of plans, notes, assignments."""

from slrt_api.access.scopes import Role
from slrt_api.cases.codes import (
    AssignmentStatus,
    CaseUnit,
    NoteVisibility,
    PlanLineStatus,
)
from slrt_api.cases.lifecycle import OF_CASE
from slrt_api.cases.parts import (
    ASSIGNMENT_LIFECYCLE,
    CASE_OPEN,
    PLAN_LINE_LIFECYCLE,
)
from slrt_api.cases.shapes.common import (
    FINDINGS,
    OF_WORK,
    SEALED_NOTE,
    may,
    officer,
    part,
)
from slrt_api.runtime.shapes import (
    Field,
    FieldType,
    Sort,
    code_filter,
    parse_date,
)

#: the office of whoever works on cases
UNITS = {
    Role.PUSKESOS_OFFICER: CaseUnit.PUSKESOS,
    Role.PUSKESOS_COORDINATOR: CaseUnit.PUSKESOS,
    Role.SUPERVISOR: CaseUnit.SUPERVISION,
    Role.SECRETARIAT_OFFICER: CaseUnit.SECRETARIAT,
    Role.SECRETARIAT_MANAGER: CaseUnit.SECRETARIAT,
    Role.SOCIAL_OFFICE: CaseUnit.SOCIAL_OFFICE,
}


def _own_unit(role: str) -> str:
    """SQL of the text of a note as far as the role may know it: what is for another office is null."""
    unit = UNITS.get(Role(role)) if role in set(Role) else None
    return f"(CASE WHEN {{t}}.visibility = 'UNIT' AND {{t}}.unit <> '{unit or '-'}' THEN NULL ELSE {{v}} END)"


PLAN_LINE = (
    part("plan_line", "plan-lines", "case_plan_lines", "Who does what by when.")
    .with_fields(
        Field("id", FieldType.ID, "Id of the line."),
        Field("need_id", FieldType.ID, "The need that it serves.", nullable=True),
        Field("action", FieldType.TEXT, "What is to be done.", example="Antar berkas ke kantor BPJS", **FINDINGS),
        Field("responsible_role", FieldType.CODE, "Whoever has this role does it.", nullable=True, codes=Role),
        Field("responsible_organization_id", FieldType.ID, "This organization does it.", nullable=True),
        officer("responsible_subject", "This officer does it", nullable=True),
        Field("due_on", FieldType.DATE, "By which day."),
        Field("status", FieldType.CODE, "What became of it.", codes=PlanLineStatus),
        may("What this caller may say of it now, by `plan-transitions` of its case.", PLAN_LINE_LIFECYCLE),
        Field("evidence", FieldType.TEXT, "What shows it.", nullable=True, example="Tanda terima 12/2026", **FINDINGS),
        Field("created_at", FieldType.INSTANT, "When it was planned."),
        Field("ended_at", FieldType.INSTANT, "When it was done or dropped.", nullable=True),
        Field("reminded_at", FieldType.INSTANT, "When it was told that it is due.", nullable=True),
    )
    .with_filters(code_filter("status", PlanLineStatus, "In one of these states."))
    .with_sorts(Sort("due_on", "{t}.due_on", "date", parse_date))
)

NOTE = part("note", "notes", "case_notes", "A note of an officer.").with_fields(
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
        **FINDINGS,
    ),
    officer("author", "Who wrote it"),
    Field("created_at", FieldType.INSTANT, "When it was written."),
    Field("erased_at", FieldType.INSTANT, "When it was erased.", nullable=True),
    Field("referral_id", FieldType.ID, "Of one for receivers: the referral that it is for.", nullable=True),
    Field("shared", FieldType.BOOLEAN, "Whether the receiver reads it now: while the package is there.", example=False),
)

ASSIGNMENT = part(
    "assignment", "assignments", "case_assignments", "That an officer works on the case, or was asked to."
).with_fields(
    Field("id", FieldType.ID, "Id of the assignment."),
    officer("assignee", "The officer"),
    officer("offered_by", "Who gave or offered it", number=4712),
    Field("status", FieldType.CODE, "Where it stands.", codes=AssignmentStatus),
    may(
        "What this caller may answer now, by `assignment-answers` of its case.",
        ASSIGNMENT_LIFECYCLE,
        CASE_OPEN,
        facts_of=OF_CASE,
    ),
    Field("reason", FieldType.TEXT, "Why.", nullable=True, example="Pindah tugas", **OF_WORK),
    Field("answer", FieldType.TEXT, "Why it was declined.", nullable=True, example="Saya kerabatnya", **OF_WORK),
    Field("created_at", FieldType.INSTANT, "When it was made."),
    Field("began_at", FieldType.INSTANT, "When the officer took over.", nullable=True),
    Field("ended_at", FieldType.INSTANT, "When it ended.", nullable=True),
)
