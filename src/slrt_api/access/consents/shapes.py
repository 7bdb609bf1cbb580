"""What can be read of consents and lawful bases. The links to them stand in the domains that they are about."""

from slrt_api.access.consents.codes import ConsentEvidence, ConsentStatus, LawfulBasis, ProcessingPurpose
from slrt_api.access.consents.lifecycle import LIFECYCLE
from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
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

CONSENT = (
    Shape(
        "consent",
        "consents",
        "consents {t}",
        "For which purpose the data of a person may be processed, and on which basis (UU 27/2022, article 20): a public"
        " task, a vital interest, or the person's consent, which can be withdrawn.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.CONSENT,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("consent"),
        Field(
            "person_id",
            FieldType.ID,
            "The person. Null where it is about everybody whom the case is for.",
            nullable=True,
        ),
        Field("household_id", FieldType.ID, "The household of the person when it was recorded.", nullable=True),
        Field(
            "case_id",
            FieldType.ID,
            "The case that it is limited to; null where it is for all work on the person.",
            nullable=True,
        ),
        Field("area_code", FieldType.VILLAGE, "Village of the person.", "{t}.area", example="33.26.01.2001"),
        Field("purpose", FieldType.CODE, "What the data is processed for.", codes=ProcessingPurpose),
        Field("basis", FieldType.CODE, "Why that is lawful.", codes=LawfulBasis),
        Field("status", FieldType.CODE, "Whether it still stands.", codes=ConsentStatus),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=LIFECYCLE),
        Field("given_at", FieldType.INSTANT, "Since when it stands."),
        Field("withdrawn_at", FieldType.INSTANT, "When it was withdrawn.", nullable=True),
        Field(
            "evidence",
            FieldType.CODE,
            "How the consent was given; null for what is no consent.",
            nullable=True,
            codes=ConsentEvidence,
        ),
        Field(
            "evidence_note",
            FieldType.TEXT,
            "Where the form is kept, or who witnessed it.",
            nullable=True,
            example="Formulir 12/2026 di map kasus",
        ),
        Field("recorded_by", FieldType.TEXT, "Who recorded it: issuer and subject.", example="https://id.example#o-7"),
    )
    .with_filters(
        id_filter("person_id", "Of this person."),
        id_filter("household_id", "Of this household."),
        id_filter("case_id", "Recorded for this case."),
        code_filter("purpose", ProcessingPurpose, "For one of these purposes."),
        code_filter("basis", LawfulBasis, "On one of these bases."),
        code_filter("status", ConsentStatus, "In one of these states."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
