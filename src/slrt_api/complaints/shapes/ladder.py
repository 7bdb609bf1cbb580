"""Escalation ladders of regencies, provinces and the nation."""

from slrt_api.areas import codes
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import (
    CREATED_SORT,
    EVERYBODY,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Shape,
    parse_date,
)


def _of_area(text: str) -> int:
    return 0 if text == "ID" else codes.area_number(text)


ESCALATION_LADDER = (
    Shape(
        "escalation_ladder",
        "escalation-ladders",
        "escalation_ladders {t}",
        "To whom complaints go when deadlines pass: the rungs from the lowest up, who handles a complaint at each, and which"
        " missed deadline brings it there. A regency without one of its own has the nation's. A ladder never changes: a later"
        " one replaces it, and it may end.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.ESCALATION_LADDER,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the ladder."),
        Field("version", FieldType.INTEGER, "Raised by one with every change; 0 as it was shipped.", example=0),
        Field("created_at", FieldType.INSTANT, "When it was written first."),
        Field("updated_at", FieldType.INSTANT, "When it was changed last."),
        Field("name", FieldType.TEXT, "Its name.", example="SLRT-DEFAULT-2026"),
        Field(
            "area_code",
            FieldType.AREA,
            "Regency that it is for; null: every one without a ladder of its own.",
            "nullif({t}.area, 0)",
            nullable=True,
            example="33.26",
        ),
        Field("valid_from", FieldType.DATE, "First day on which it brings complaints up."),
        Field("valid_to", FieldType.DATE, "Last such day; null while it goes on.", nullable=True),
        Field(
            "rungs",
            FieldType.JSON,
            "From the lowest up: the rung, its branch, roles and offices, the clocks whose breach leads to it, and the source.",
            example=[
                {
                    "rung": "SECRETARIAT",
                    "branch": "ANY",
                    "roles": ["secretariat_officer", "secretariat_manager"],
                    "organization_kinds": ["SECRETARIAT"],
                    "organization_ids": [],
                    "clocks": ["FORWARD"],
                    "citation": "Permenpan-RB 62/2018",
                    "remark": None,
                    "confidence": "design",
                }
            ],
        ),
        Field("citation", FieldType.TEXT, "What says so.", example="Perbup 12/2026"),
        Field(
            "declared_by",
            FieldType.TEXT,
            "Who declared it: issuer and subject.",
            example="https://id.example#officer-7",
        ),
    )
    .with_filters(
        Filter(
            "area_code",
            "{t}.area = {v}::bigint",
            _of_area,
            "Of this regency; `ID` for the nation's.",
            "33.26",
            pattern="^(ID|[0-9]{2}\\.[0-9]{2})$",
        ),
        Filter(
            "in_force_on",
            "{t}.valid_from <= {v}::date AND ({t}.valid_to IS NULL OR {t}.valid_to >= {v}::date)",
            parse_date,
            "In force on this day.",
            "2026-12-01",
        ),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)
