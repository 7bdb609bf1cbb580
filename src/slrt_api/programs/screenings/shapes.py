"""What can be read of screenings: the run, its list, its counts, and what a draft would change."""

from collections.abc import Mapping
from typing import Final

from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel.ids import Kind
from slrt_api.programs import sql
from slrt_api.programs.codes import Outcome
from slrt_api.programs.screenings.codes import Dimension, ScreeningStatus
from slrt_api.programs.screenings.counting import MERITS
from slrt_api.programs.screenings.lifecycle import SCREENING_LIFECYCLE
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
    Sort,
    aggregate_fields,
    code_filter,
    one_of,
    parse_boolean,
    parse_codes,
    updated_filters,
)

#: who reads counts: staff of the area, and the offices above, which see no families
_COUNTERS: Final = ALL_STAFF | {ScopeKind.ESCALATED}
_PROGRAM: Final = "[A-Z0-9][A-Z0-9.-]{0,39}"
_SUSPECTS: Final = (Outcome.INELIGIBLE, Outcome.CONFLICT, Outcome.EXCLUDED_PENDING_VERIFICATION)
_ENTITLED: Final = (Outcome.ELIGIBLE, Outcome.ELIGIBLE_WAITLIST)


def _codes_of(outcomes: Mapping[str, Outcome] | tuple[Outcome, ...], *, received: bool) -> list[int]:
    wanted = outcomes.values() if isinstance(outcomes, Mapping) else outcomes
    return [sql.CODES[each] + (sql.RECEIVING if received else 0) for each in wanted]


def _numbers_of(text: str) -> list[int]:
    """The stored codes of outcomes `A,B`."""
    found: list[int] = []
    for name in parse_codes(outcome.value for outcome in Outcome)(text):
        received = name == Outcome.ALREADY_RECEIVING
        found += _codes_of(tuple(sql.CODES), received=True) if received else [sql.CODES[Outcome(name)]]
    return found


def _outcome(column: str) -> str:
    """SQL of the outcome by its stored code."""
    whens = " ".join(f"WHEN {code} THEN '{outcome.value}'" for outcome, code in sql.CODES.items())
    received = f"WHEN {{t}}.{column} >= {sql.RECEIVING} THEN '{Outcome.ALREADY_RECEIVING.value}'"
    return f"(CASE {received} ELSE CASE {{t}}.{column} {whens} END END)"


def _merits(column: str) -> str:
    whens = " ".join(f"WHEN {code} THEN '{outcome.value}'" for outcome, code in sql.CODES.items())
    return f"(CASE {{t}}.{column} % {sql.RECEIVING} {whens} END)"


def _in(column: str, codes: list[int]) -> str:
    return f"{{t}}.{column} IN ({', '.join(map(str, codes))})"


SCREENING = (
    Shape(
        "screening",
        "screenings",
        "screenings {t}",
        "The rules of programs judged for everybody of an area, by the worker; it goes on where it was after a restart. Its"
        " `results` are the list of households and persons, `counts` how many there are, `changes` what a draft would"
        " change; all three once it is `DONE`.",
        scope=Scope.PROGRAMS_READ,
        kinds=_COUNTERS,
        kind=Kind.SCREENING,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("screening"),
        Field("status", FieldType.CODE, "Where it stands.", codes=ScreeningStatus),
        Field(
            "allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=SCREENING_LIFECYCLE
        ),
        Field("area_code", FieldType.AREA, "The area.", "{t}.area", example="33.26"),
        Field("as_of", FieldType.DATE, "The day that is judged by."),
        Field("program_codes", FieldType.TEXTS, "Programs that are judged.", example=["PKH", "SEMBAKO"]),
        Field(
            "rules",
            FieldType.JSON,
            "The versions that are judged by, with their digests and the variants of the regency.",
            example=[{"program_code": "PKH", "version": "2026.1"}],
        ),
        Field("draft_version_id", FieldType.ID, "The version that is compared with the one in force.", nullable=True),
        Field(
            "draft_digest",
            FieldType.TEXT,
            "Digest of its rule as it was when the screening was asked for: a draft may change since.",
            "{t}.draft ->> 'digest'",
            nullable=True,
            example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        Field(
            "households",
            FieldType.INTEGER,
            "Households to judge; null until a worker has begun.",
            nullable=True,
            example=250000,
        ),
        Field("checked", FieldType.INTEGER, "Households judged.", example=51000),
        Field("entries", FieldType.LONG, "Rows of its list that are kept.", example=610000),
        Field("requested_by", FieldType.TEXT, "Who asked for it.", example="https://id.example#officer-7"),
        Field("finished_at", FieldType.INSTANT, "When it ended.", nullable=True),
        Field("lists_until", FieldType.INSTANT, "Until when its list is kept; the counts stay.", nullable=True),
    )
    .with_filters(
        code_filter("status", ScreeningStatus, "In one of these states."),
        Filter(
            "program_code",
            "{t}.program_codes @> ARRAY[{v}::text]",
            str,
            "That judges this program.",
            "PKH",
            pattern=f"^{_PROGRAM}$",
        ),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

#: in parentheses, because a part of a screening is no resource of its own
_ENTRY_KEY: Final = "({t}.n)"
_NAME: Final = (
    "(SELECT p.name FROM persons p WHERE p.regency = {t}.regency AND p.id = coalesce({t}.person_id,"
    " (SELECT m.id FROM memberships m WHERE m.regency = {t}.regency AND m.household_id = {t}.household_id"
    " AND m.relation = 'HEAD' AND m.valid_to IS NULL)))"
)
SCREENING_RESULT = (
    Shape(
        "screening_result",
        "screening-results",
        "screening_entries {t}",
        "What came out for one household or person and one program. Who is ineligible and does not receive the program is"
        " counted, not listed.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        key=_ENTRY_KEY,
    )
    .with_fields(
        Field("program_code", FieldType.TEXT, "The program.", example="PKH"),
        Field("outcome", FieldType.CODE, "The answer.", _outcome("code"), codes=Outcome),
        Field("merits", FieldType.CODE, "What it would be if nothing were received.", _merits("code"), codes=Outcome),
        Field(
            "receiving",
            FieldType.BOOLEAN,
            "Whether the program is known to be received.",
            f"({{t}}.code >= {sql.RECEIVING})",
            example=False,
        ),
        Field(
            "draft_outcome",
            FieldType.CODE,
            "The answer by the draft; null where none was compared.",
            _outcome("draft_code"),
            nullable=True,
            codes=Outcome,
        ),
        Field("household_id", FieldType.ID, "The household."),
        Field("person_id", FieldType.ID, "The person, where the program is for persons.", nullable=True),
        Field("area_code", FieldType.VILLAGE, "Village where it was judged.", "{t}.area", example="33.26.01.2001"),
        Field(
            "name",
            FieldType.TEXT,
            "Name of the person, or of the head of the household, now; null where that has left your sight.",
            _NAME,
            nullable=True,
            example="Siti Aminah",
        ),
    )
    .with_filters(
        Filter(
            "program_code",
            "{t}.program_code = {v}::text",
            str,
            "Of this program.",
            "PKH",
            pattern=f"^{_PROGRAM}$",
        ),
        Filter(
            "outcome",
            "{t}.code = ANY ({v}::smallint[])",
            _numbers_of,
            "With one of these outcomes.",
            "ELIGIBLE,ELIGIBLE_WAITLIST",
            pattern=one_of(outcome.value for outcome in Outcome),
        ),
        Filter(
            "draft_outcome",
            "{t}.draft_code = ANY ({v}::smallint[])",
            _numbers_of,
            "With one of these outcomes by the draft.",
            "ELIGIBLE",
            pattern=one_of(outcome.value for outcome in Outcome),
        ),
        Filter(
            "unmet_need",
            f"({_in('code', _codes_of(_ENTITLED, received=False))}) = {{v}}::boolean",
            parse_boolean,
            "Entitled and not known to receive it.",
            "true",
            reads="outcome",
        ),
        Filter(
            "inclusion_suspect",
            f"({_in('code', _codes_of(_SUSPECTS, received=True))}) = {{v}}::boolean",
            parse_boolean,
            "Receiving what the rules do not give: something to verify, never to stop by itself.",
            "true",
            reads="outcome",
        ),
        AREA_FILTER,
    )
    .with_sorts(Sort("id", _ENTRY_KEY, "bigint", int))
)
SCREENING_RESULT.default_sort = "id"

_MASK: Final = Scope.HOUSEHOLDS_READ
_SUPPRESSED: Final = (
    " Null where it may not be told to somebody who may not see the list: below five, or the rest of such."
)


def _count(name: str, type_: FieldType, description: str, columns: str, example: object) -> Field:
    return Field(
        name,
        type_,
        description + _SUPPRESSED,
        columns,
        nullable=True,
        example=example,
        unmask=_MASK,
        masked=f"(CASE WHEN {{t}}.told THEN {columns} END)",
    )


def _sum(*columns: str) -> str:
    return "(" + " + ".join(f"{{t}}.{column}" for column in columns) + ")"


_RECEIVING: Final = _sum(*(f"receiving_{name}" for name in MERITS))
_OUTCOMES: Final = (
    "json_build_object("
    + ", ".join(f"'{outcome.value}', {{t}}.{name}" for name, outcome in MERITS.items())
    + f", '{Outcome.ALREADY_RECEIVING.value}', {_RECEIVING})"
)
_BY_MERITS: Final = (
    "json_build_object("
    + ", ".join(f"'{outcome.value}', {{t}}.receiving_{name}" for name, outcome in MERITS.items())
    + ")"
)
_COUNT_KEY: Final = "({t}.program_code || ' ' || {t}.area || ' ' || {t}.draft)"
SCREENING_COUNT = (
    Shape(
        "screening_count",
        "screening-counts",
        "screening_counts {t}",
        "How many came out how: of one program in one village, in one district, or in the whole area.",
        scope=Scope.PROGRAMS_READ,
        kinds=_COUNTERS,
        key=_COUNT_KEY,
    )
    .with_fields(
        Field("program_code", FieldType.TEXT, "The program.", example="PKH"),
        Field("draft", FieldType.BOOLEAN, "By the draft, not by the version in force.", example=False),
        Field("area_code", FieldType.AREA, "Village, district, or the whole area.", "{t}.area", example="33.26.01"),
        _count(
            "units",
            FieldType.INTEGER,
            "Households, or persons of a program for persons, that were judged.",
            _sum(*MERITS, *(f"receiving_{name}" for name in MERITS)),
            1134,
        ),
        _count("outcomes", FieldType.JSON, "By outcome.", _OUTCOMES, {"ELIGIBLE": 210, "INELIGIBLE": 800}),
        _count(
            "receiving",
            FieldType.JSON,
            "Of those who receive it, by what it would be if they did not.",
            _BY_MERITS,
            {"ELIGIBLE": 100, "INELIGIBLE": 24},
        ),
        _count(
            "unmet_need",
            FieldType.INTEGER,
            "Eligible, or eligible and waiting for a place, and not known to receive it.",
            _sum("eligible", "waitlist"),
            210,
        ),
        _count(
            "inclusion_suspects",
            FieldType.INTEGER,
            "Receiving, and by the rules ineligible, in conflict or with a finding: to be verified.",
            _sum("receiving_ineligible", "receiving_conflict", "receiving_excluded"),
            24,
        ),
    )
    .with_filters(
        Filter("program_code", "{t}.program_code = {v}::text", str, "Of this program.", "PKH", pattern=f"^{_PROGRAM}$"),
        Filter("draft", "{t}.draft = {v}::boolean", parse_boolean, "By the draft, or by what is in force.", "false"),
        AREA_FILTER,
        Filter(
            "level",
            "CASE WHEN {t}.area % 10000 <> 0 THEN 'VILLAGE' WHEN {t}.area % 1000000 <> 0 THEN 'DISTRICT'"
            " ELSE 'REGENCY' END = ANY ({v}::text[])",
            parse_codes(("VILLAGE", "DISTRICT", "REGENCY")),
            "Of areas of these levels.",
            "DISTRICT",
            pattern=one_of(("VILLAGE", "DISTRICT", "REGENCY")),
            reads="area_code",
        ),
    )
    .with_sorts(Sort("id", _COUNT_KEY, "text", str))
)
SCREENING_COUNT.default_sort = "id"

_CHANGE_KEY: Final = "({t}.dimension || ' ' || {t}.value)"
SCREENING_CHANGE = (
    Shape(
        "screening_change",
        "screening-changes",
        "screening_changes {t}",
        "What a draft would change for the entitled (eligible, or eligible and waiting), whether they receive it or not.",
        scope=Scope.PROGRAMS_READ,
        kinds=_COUNTERS,
        key=_CHANGE_KEY,
    )
    .with_fields(
        Field(
            "dimension",
            FieldType.CODE,
            "By what. Sex and age are the person's, of a program for families the head's.",
            codes=Dimension,
        ),
        Field(
            "value",
            FieldType.TEXT,
            "A desil, a district's code, F or M, an age band in years; `UNKNOWN`; `ALL` of the total.",
            example="4",
        ),
        _count("stays", FieldType.INTEGER, "Entitled by both.", "{t}.stays", 900),
        _count("gains", FieldType.INTEGER, "Entitled by the draft alone.", "{t}.gains", 120),
        _count("losses", FieldType.INTEGER, "Entitled by what is in force alone.", "{t}.losses", 31),
    )
    .with_filters(code_filter("dimension", Dimension, "By these."))
    .with_sorts(Sort("id", _CHANGE_KEY, "text", str))
)
SCREENING_CHANGE.default_sort = "id"

_OF_SCREENING: Final = "{t}.regency = {p}.regency AND {t}.screening_id = {p}.id AND {p}.status = 'DONE'"
for _name, _shape, _description, _order in (
    ("results", SCREENING_RESULT, "Households and persons by program, masked as anywhere.", _ENTRY_KEY),
    ("counts", SCREENING_COUNT, "How many came out how, by program and area.", _COUNT_KEY),
    ("changes", SCREENING_CHANGE, "What the draft would change, by desil, district, sex and age.", _CHANGE_KEY),
):
    SCREENING.link(Link(_name, _shape, _OF_SCREENING, _description, order=_order))
SCREENING_RESULT.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household.",
        single=True,
    )
)
SCREENING_RESULT.link(
    Link("person", PERSON, "{t}.regency = {p}.regency AND {t}.id = {p}.person_id", "The person.", single=True)
)
