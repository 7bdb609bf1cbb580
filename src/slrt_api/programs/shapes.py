"""What can be read of programs. National: any token reads them."""

import re

from slrt_api.areas import codelists
from slrt_api.kernel.ids import Kind
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.runtime.shapes import (
    EVERYBODY,
    ID_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    one_of,
    parse_codes,
    parse_date,
    text_sort,
)

_CODE = "[A-Z0-9][A-Z0-9.-]{0,39}"


def _code(text: str) -> str:
    if not re.fullmatch(_CODE, text):
        raise ValueError
    return text


PROGRAM = (
    Shape(
        "program",
        "programs",
        "programs {t}",
        "A social program: who is entitled, who owns it, where and when it is open, and where complaints about it go.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.PROGRAM,
        tenant=False,
        personal=False,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the program."),
        Field("code", FieldType.TEXT, "Code, unique.", example="PKH"),
        Field("name_id", FieldType.TEXT, "Name in Indonesian.", example="Program Keluarga Harapan"),
        Field("name_en", FieldType.TEXT, "Name in English.", example="Family Hope Program"),
        Field("unit", FieldType.TEXT, "Who is entitled: a code of the list `program-units`.", example="FAMILY"),
        Field("cluster", FieldType.INTEGER, "Cluster of poverty reduction (TNP2K), 1 to 3.", example=1),
        Field("owner_organization_id", FieldType.ID, "Organization that decides, where it is known.", nullable=True),
        Field(
            "area_code",
            FieldType.AREA,
            "Area in which it is open; null = the whole nation.",
            "nullif({t}.area, 0)",
            nullable=True,
            example=None,
        ),
        Field("open_from", FieldType.DATE, "First day on which it takes people."),
        Field("open_to", FieldType.DATE, "Last such day; null while it goes on.", nullable=True),
        Field("complaint_channel", FieldType.TEXT, "Where the program takes complaints.", example="Call center 171"),
        Field("citation", FieldType.TEXT, "Source of these facts.", example="Permensos 3/2026"),
        Field("confidence", FieldType.TEXT, "`sourced` or `unverified`.", example="sourced"),
        Field("sector", FieldType.TEXT, "Sector: a code of the list `program-sectors`.", example="HEALTH"),
        Field("level", FieldType.TEXT, "Who runs it: a code of the list `program-levels`.", example="NATIONAL"),
        Field("domain", FieldType.TEXT, "Service domain: a code of the list `service-domains`.", example="HEALTH"),
        Field(
            "legal_basis",
            FieldType.TEXT,
            "Decrees that found it; null where no source at hand names them.",
            nullable=True,
            example="Permensos 3/2026",
        ),
    )
    .with_filters(
        Filter("code", "{t}.code = {v}::text", _code, "The program of this code.", "PKH", pattern=f"^{_CODE}$"),
        Filter(
            "unit",
            "{t}.unit = ANY ({v}::text[])",
            parse_codes(codelists.load_code_lists()["program-units"].codes),
            "For these units.",
            "FAMILY",
            pattern=one_of(codelists.load_code_lists()["program-units"].codes),
        ),
        *(
            Filter(
                name,
                f"{{t}}.{name} = ANY ({{v}}::text[])",
                parse_codes(codelists.load_code_lists()[name_of_list].codes),
                description,
                example,
                pattern=one_of(codelists.load_code_lists()[name_of_list].codes),
            )
            for name, name_of_list, description, example in (
                ("sector", "program-sectors", "Of these sectors.", "HEALTH"),
                ("level", "program-levels", "Run by these.", "REGENCY"),
                ("domain", "service-domains", "Of these service domains.", "HEALTH"),
            )
        ),
        Filter(
            "open_on",
            "{t}.open_from <= {v}::date AND ({t}.open_to IS NULL OR {t}.open_to >= {v}::date)",
            parse_date,
            "Open on this day.",
            "2026-11-22",
        ),
    )
    .with_sorts(ID_SORT, text_sort("code"))
)
PROGRAM.default_sort = "code"
PROGRAM.link(
    Link(
        "owner_organization",
        ORGANIZATION,
        "{t}.id = {p}.owner_organization_id",
        "The organization that decides.",
        single=True,
    )
)
