"""What can be read of the reference data: areas, code lists, the catalog of services. Public, the same for everybody."""

from slrt_api.areas import codes
from slrt_api.areas.codelists import Confidence
from slrt_api.areas.codelists import Selection as AnswerForm
from slrt_api.areas.codes import Level
from slrt_api.areas.dataset import name_key
from slrt_api.runtime.shapes import (
    EVERYBODY,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    Sort,
    code_filter,
    parse_boolean,
    text_sort,
)

MAX_CODES = 100
_LABEL = "json_build_object('id', {t}.label_id, 'en', {t}.label_en)"


def label_field(of: str, example_id: str, example_en: str) -> Field:
    """The two names of a code."""
    return Field(
        "label",
        FieldType.LABEL,
        f"Name of the {of} in Indonesian and English.",
        _LABEL,
        example={"id": example_id, "en": example_en},
    )


def _code(text: str) -> str:
    return codes.parse_area_code(text).text


def _codes(text: str) -> list[str]:
    wanted = text.split(",")
    if len(wanted) > MAX_CODES:
        raise ValueError
    return [_code(code) for code in wanted]


def _name(text: str) -> str:
    # Only a-z and 0-9 are left, so nothing in it can be a wildcard of LIKE.
    key = name_key(text)
    if not key:
        raise ValueError
    return key


AREA = (
    Shape(
        "area",
        "areas",
        "areas {t}",
        "A province, regency or city, district or village of any edition of the Kemendagri codes (wilayah).",
        scope=None,
        kinds=EVERYBODY,
        tenant=False,
        key="{t}.code",
        personal=False,
    )
    .with_fields(
        Field("code", FieldType.TEXT, "Kemendagri code, dotted.", example="33.26.01.2001"),
        Field("level", FieldType.CODE, "Level of the area.", codes=Level, example="VILLAGE"),
        Field("name", FieldType.TEXT, "Name in the last edition in which the code stands.", example="Klesem"),
        Field(
            "kind",
            FieldType.TEXT,
            "PROVINSI, KABUPATEN, KOTA, KECAMATAN, KELURAHAN, DESA or DESA_ADAT.",
            nullable=True,
            example="DESA",
        ),
        Field(
            "parent_code",
            FieldType.TEXT,
            "The area that it lies in; null for a province.",
            nullable=True,
            example="33.26.01",
        ),
        Field(
            "current",
            FieldType.BOOLEAN,
            "Whether it stands in the current edition. Only such codes may be used for new rows.",
        ),
        Field("first_edition", FieldType.INTEGER, "First edition in which the code stands.", example=2016),
        Field("last_edition", FieldType.INTEGER, "Last edition in which the code stands.", example=2025),
        Field(
            "time_zone", FieldType.TEXT, "IANA time zone, in which deadlines there are counted.", example="Asia/Jakarta"
        ),
        Field(
            "successor_codes",
            FieldType.TEXTS,
            "What became of a withdrawn code; empty for a current one, or where it is not known.",
            example=["11.12.09.2011"],
        ),
    )
    .with_filters(
        code_filter("level", Level, "Of these levels."),
        Filter(
            "parent_code",
            "{t}.parent_code = {v}::text",
            _code,
            "Directly in this area.",
            "33.26.01",
            pattern=codes.PATTERN,
        ),
        Filter(
            "name",
            "{t}.name_key LIKE '%' || {v}::text || '%'",
            _name,
            "Name, or a part of it; case, accents, spaces and signs do not count.",
            "klesem",
            pattern=r"^[^\u0000]*[A-Za-z0-9][^\u0000]*$",
        ),
        Filter("current", "{t}.current = {v}::boolean", parse_boolean, "Whether in the current edition.", "true"),
        Filter(
            "code",
            "{t}.code = ANY ({v}::text[])",
            _codes,
            f"These codes, at most {MAX_CODES}.",
            "33.26,33.26.01.2001",
            pattern=codes.LIST_PATTERN.replace("*", f"{{0,{MAX_CODES - 1}}}"),
        ),
    )
    .with_sorts(text_sort("code"), text_sort("name", "name_key"))
)
AREA.default_sort = "code"

SERVICE = (
    Shape(
        "service",
        "services",
        "services {t}",
        "A kind of service that a need asks for and an organization offers.",
        scope=None,
        kinds=EVERYBODY,
        tenant=False,
        key="{t}.code",
        personal=False,
    )
    .with_fields(
        Field("code", FieldType.TEXT, "Code of the service.", example="HEALTH_INSURANCE"),
        Field("domain", FieldType.TEXT, "Domain that it belongs to.", example="HEALTH"),
        label_field("service", "Jaminan kesehatan", "Health insurance"),
    )
    .with_sorts(text_sort("code"), text_sort("domain"))
)
SERVICE.default_sort = "code"

CODE_LIST_ITEM = (
    Shape(
        "code_list_item",
        "code-list-items",
        "code_list_items {t}",
        "One code of a list.",
        scope=None,
        kinds=EVERYBODY,
        tenant=False,
        key="{t}.code",
        personal=False,
    )
    .with_fields(
        Field("code", FieldType.TEXT, "The code.", example="EXCLUSION_ERROR"),
        label_field("code", "Layak tetapi tidak mendapat bantuan", "Eligible but not receiving"),
        Field(
            "parent",
            FieldType.TEXT,
            "Code that it belongs to, such as the category of a complaint's subtype.",
            nullable=True,
            example="PARTICIPATION",
        ),
        Field(
            "instrument_code",
            FieldType.TEXT,
            "How the instrument numbers the answer; null where the code is this platform's own.",
            nullable=True,
            example="1",
        ),
        Field("source", FieldType.TEXT, "Where the code comes from.", example="slrt-api"),
        Field("confidence", FieldType.CODE, "How far the row can be trusted.", codes=Confidence, example="DESIGN"),
    )
    .with_sorts(text_sort("code"))
)

CODE_LIST = (
    Shape(
        "code_list",
        "code-lists",
        "(SELECT DISTINCT list_name AS name, instrument, selection FROM code_list_items) {t}",
        "A list of codes with labels, and the instrument that it comes from.",
        scope=None,
        kinds=EVERYBODY,
        tenant=False,
        key="{t}.name",
        personal=False,
    )
    .with_fields(
        Field("name", FieldType.TEXT, "Name of the list.", example="complaint-subtypes"),
        Field(
            "instrument",
            FieldType.TEXT,
            "Questionnaire or system whose codes these are; SLRT for our own.",
            example="SLRT",
        ),
        Field(
            "selection",
            FieldType.CODE,
            "How an answer is stored: one code, or the sum of several that are powers of two.",
            codes=AnswerForm,
        ),
    )
    .with_sorts(Sort("name", "{t}.name", "text", str))
)
CODE_LIST.default_sort = "name"
CODE_LIST.link(
    Link(
        "items",
        CODE_LIST_ITEM,
        "{t}.list_name = {p}.name",
        "The codes, in order.",
        embedded=True,
        order="{t}.position",
    )
)
