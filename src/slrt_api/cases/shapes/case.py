"""The case itself: what it shows, and what lists of cases are cut and ordered by."""

import re
from collections.abc import Callable

from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.cases.codes import (
    LEVELS,
    CaseStatus,
    ClosingCode,
    Escalation,
)
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, COMPUTED
from slrt_api.cases.shapes.common import (
    FINDINGS,
    NUMBER_PREFIX,
    OF_WORK,
    READERS,
    SEALED_REOPENING,
    may,
    officer,
)
from slrt_api.kernel.ids import Kind
from slrt_api.kernel.numbers import parse_number
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.shapes import (
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    OfCaller,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    parse_codes,
    text_sort,
    updated_filters,
)

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


def _by_officer(column: str, description: str) -> Filter:
    pattern = "^(me|[!-~]{1,200}#[!-~]{1,100})$"
    return Filter(column, f"{{t}}.{column} = {{v}}::text", _caller, description, "me", pattern=pattern)


def _among(*known: str) -> Callable[[str], str]:
    """Parser of one of a few words."""

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError
        return text

    return parse


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


def _levels(text: str) -> list[int]:
    return [LEVELS[Escalation(code)] for code in parse_codes(Escalation)(text)]


CASE = (
    Shape(
        "case",
        "cases",
        "cases {t}",
        "The work for one household, from registration to its end. Province and nation see those escalated to them.",
        scope=Scope.CASES_READ,
        kinds=READERS,
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
        may("What this caller may do with it now.", CASE_LIFECYCLE, COMPUTED),
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
        officer("assignee", "The officer who works on it", nullable=True),
        Field(
            "offered_to",
            FieldType.TEXT,
            "The officer whom it is offered to.",
            nullable=True,
            example="https://sso.example.go.id#4712",
            **OF_WORK,
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
            **FINDINGS,
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
            _among("OPEN", "OVERDUE"),
            "Emergencies that still owe what they skipped: `OPEN`, or `OVERDUE` past its deadline.",
            "OVERDUE",
            pattern="^(OPEN|OVERDUE)$",
            reads="open_tasks",
        ),
        Filter(
            "reassessment",
            "CASE {v}::text WHEN 'WAITING' THEN {t}.reassess_by IS NOT NULL"
            " ELSE {t}.reassess_by IS NOT NULL AND {t}.reassess_by <= now() END",
            _among("WAITING", "DUE"),
            "Waiting for a re-assessment: `WAITING` all of them, `DUE` those whose day has come.",
            "DUE",
            pattern="^(WAITING|DUE)$",
            reads="reassess_by",
        ),
        _by_officer("assignee", "Worked on by `me`, or by an officer as `issuer#subject`."),
        _by_officer("offered_to", "Offered to `me`, or to an officer as `issuer#subject`."),
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
