"""Several cases of a household: family plans, and merges of duplicates."""

from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.cases.codes import (
    FamilyPlanStatus,
    MergeStatus,
)
from slrt_api.cases.parts import (
    CASE_MERGE_LIFECYCLE,
    FAMILY_PLAN_LIFECYCLE,
)
from slrt_api.cases.shapes.common import (
    FINDINGS,
    OF_WORK,
    may,
)
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    updated_filters,
)

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
        Field("goal", FieldType.TEXT, "What is to be different.", example="Anak kembali bersekolah", **FINDINGS),
        Field("status", FieldType.CODE, "Whether it goes on.", codes=FamilyPlanStatus),
        may("What this caller may do with it now.", FAMILY_PLAN_LIFECYCLE),
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
        may(
            "What this caller may do with it now. An undoing is refused where something was built on it since.",
            CASE_MERGE_LIFECYCLE,
        ),
        Field("reason", FieldType.TEXT, "Why they were taken for one.", example="Dilaporkan dua kali", **OF_WORK),
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
