"""What can be read of programs and their rules, which are national, and of what families receive and are entitled to."""

import re
from typing import Any, Final

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Scope
from slrt_api.areas import codelists
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel.ids import Kind
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.programs.codes import (
    EnrollmentEnd,
    EnrollmentOrigin,
    EnrollmentStatus,
    Outcome,
    ReviewStatus,
    ReviewType,
    VersionStatus,
)
from slrt_api.programs.lifecycle import ENROLLMENT_LIFECYCLE, REVIEW_LIFECYCLE, VERSION_LIFECYCLE
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
    Shape,
    aggregate_fields,
    code_filter,
    one_of,
    parse_codes,
    parse_date,
    parse_uuid,
    text_sort,
    updated_filters,
)

#: what the AAD of a check's ciphertexts binds, beside its id
SEALED_INPUTS: Final = "eligibility_check.inputs"
SEALED_RESULTS: Final = "eligibility_check.results"

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
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the program."),
        Field(
            "version",
            FieldType.INTEGER,
            "Raised by one with every change, for `If-Match`; 0 as it was shipped. Versions of its rule are `versions`.",
            example=0,
        ),
        Field("created_at", FieldType.INSTANT, "When it was written first."),
        Field("updated_at", FieldType.INSTANT, "When it was changed last."),
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

_EXAMPLE: Final = "019aaa11-2233-8000-8cfe-04a1b2c3d4e5"
_SOMEBODY: Final = "https://id.example#officer-7"


def _ids(name: str, description: str) -> Filter:
    return Filter(name, f"{{t}}.{name} = {{v}}::uuid", parse_uuid, description, _EXAMPLE)


#: of tables that keep the id of the program alone
_CODE_OF: Final = "(SELECT g.code FROM programs g WHERE g.id = {t}.program_id)"
_BY_ID: Final = "{t}.program_id = (SELECT g.id FROM programs g WHERE g.code = {v}::text)"


def _of_program(description: str, sql: str = "{t}.program_code = {v}::text") -> Filter:
    return Filter("program_code", sql, _code, description, "PKH", pattern=f"^{_CODE}$")


def _own_area(alias: str) -> str:
    """SQL of whether the area of a row is the caller's, or within it: by the settings of the caller's role."""
    low, high, areas = (f"nullif(current_setting('app.{name}', true), '')" for name in ("lo", "hi", "areas"))
    nation = f"({low}::bigint = 0 AND {high}::bigint = 9999999999)"
    inside = f"({alias}.area BETWEEN {low}::bigint AND {high}::bigint)"
    named = f"({alias}.area = ANY ({areas}::bigint[]))"
    return f"coalesce(CASE WHEN {alias}.area = 0 THEN {nation} ELSE coalesce({inside}, {named}) END, false)"


RULE_VERSION = (
    Shape(
        "rule_version",
        "rule-versions",
        "rule_versions {t}",
        "A version of the rules of a program, as data. A draft is judged by nobody; a published one is never changed, only"
        " superseded by the next one or withdrawn. What is judged by on a day is the one whose days hold it.",
        scope=Scope.PROGRAMS_READ,
        kinds=EVERYBODY,
        kind=Kind.RULE_VERSION,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("version"),
        Field("program_id", FieldType.ID, "The program."),
        Field("number", FieldType.TEXT, "Number of the version of the rule.", example="2026.1"),
        Field("status", FieldType.CODE, "Where it stands.", codes=VersionStatus),
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now.",
            lifecycle=VERSION_LIFECYCLE,
            facts={"reached": _own_area("{t}")},
        ),
        Field("valid_from", FieldType.DATE, "First day on which it is judged by."),
        Field("valid_to", FieldType.DATE, "Last such day; null while no other takes its place.", nullable=True),
        Field(
            "rule",
            FieldType.JSON,
            "The rule: criteria with citations, benefit, quotas, documents and variants.",
            example={"program": "PKH", "version": "2026.1"},
        ),
        Field(
            "digest",
            FieldType.TEXT,
            "SHA-256 of the rule's canonical JSON.",
            example="5e5f4c6e1f0c6f8a0b1f8bb0f63d5b8c",
        ),
        Field("citation", FieldType.TEXT, "Source of the rule.", example="Permensos 3/2026"),
        Field("confidence", FieldType.TEXT, "`sourced` or `unverified`.", example="sourced"),
        Field("drafted_by", FieldType.TEXT, "Who made it, last: issuer and subject.", example=_SOMEBODY),
        Field("published_by", FieldType.TEXT, "Who published it, another person.", nullable=True, example=_SOMEBODY),
        Field("published_at", FieldType.INSTANT, "When.", nullable=True),
    )
    .with_filters(
        _ids("program_id", "Of this program."),
        code_filter("status", VersionStatus, "In one of these states."),
        Filter(
            "in_force_on",
            "{t}.status IN ('PUBLISHED', 'SUPERSEDED') AND {t}.valid_from <= {v}::date"
            " AND ({t}.valid_to IS NULL OR {t}.valid_to >= {v}::date)",
            parse_date,
            "Judged by on this day.",
            "2026-11-22",
        ),
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)
PROGRAM.link(
    Link(
        "versions",
        RULE_VERSION,
        "{t}.program_id = {p}.id",
        "The versions of its rules.",
        order="{t}.valid_from DESC",
    )
)
RULE_VERSION.link(Link("program", PROGRAM, "{t}.id = {p}.program_id", "The program.", single=True))

_REGIONAL: Final = frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR})
VARIANT_CHOICE = (
    Shape(
        "variant_choice",
        "variant-choices",
        "variant_choices {t}",
        "Which of the sources that disagree about a program count in a regency, from a day on. The newest one before a day"
        " counts on it.",
        scope=Scope.PROGRAMS_READ,
        kinds=_REGIONAL,
        kind=Kind.VARIANT_CHOICE,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("choice"),
        Field("program_id", FieldType.ID, "The program."),
        Field("program_code", FieldType.TEXT, "Its code.", example="SEMBAKO"),
        Field("area_code", FieldType.AREA, "The regency.", "{t}.area", example="33.26"),
        Field("variants", FieldType.TEXTS, "Variants that count; none: the rule as it stands.", example=["DESIL_5"]),
        Field("valid_from", FieldType.DATE, "First day on which it is judged so."),
        Field("reason", FieldType.TEXT, "Why.", example="Edaran Dinas Sosial 7/2026"),
        Field("decree", FieldType.TEXT, "The decision that says so.", nullable=True, example="460/7/2026"),
        Field("chosen_by", FieldType.TEXT, "Who chose: issuer and subject.", example=_SOMEBODY),
    )
    .with_filters(
        _ids("program_id", "Of this program."), _of_program("Of the program of this code."), *updated_filters()
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)

ENROLLMENT_LIST = (
    Shape(
        "enrollment_list",
        "enrollment-lists",
        "enrollment_lists {t}",
        "That the enrollments of a program in a regency are all there are, of a day.",
        scope=Scope.PROGRAMS_READ,
        kinds=_REGIONAL,
        kind=Kind.ENROLLMENT_LIST,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("list"),
        Field("program_id", FieldType.ID, "The program."),
        Field("program_code", FieldType.TEXT, "Its code.", _CODE_OF, example="PKH"),
        Field("area_code", FieldType.AREA, "The regency.", "{t}.area", example="33.26"),
        Field("as_of", FieldType.DATE, "The day of which it is."),
        Field("source", FieldType.TEXT, "Where it is from.", example="SIKS-NG 2026-10"),
        Field("declared_by", FieldType.TEXT, "Who declared it: issuer and subject.", example=_SOMEBODY),
    )
    .with_filters(
        _ids("program_id", "Of this program."), _of_program("Of the program of this code.", _BY_ID), *updated_filters()
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)

ENROLLMENT = (
    Shape(
        "enrollment",
        "enrollments",
        "enrollments {t}",
        "That a household, or a person of it, receives a program, from when to when, and who told it.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.ENROLLMENT,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("enrollment"),
        Field("household_id", FieldType.ID, "The household; of a person the one at the time of recording."),
        Field("person_id", FieldType.ID, "The person, where the program is a person's.", nullable=True),
        Field("program_id", FieldType.ID, "The program."),
        Field("program_code", FieldType.TEXT, "Its code.", _CODE_OF, example="PKH"),
        Field("area_code", FieldType.VILLAGE, "Village of who receives it.", "{t}.area", example="33.26.01.2001"),
        Field("status", FieldType.CODE, "Whether it is received.", codes=EnrollmentStatus),
        Field(
            "allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=ENROLLMENT_LIFECYCLE
        ),
        Field("started_on", FieldType.DATE, "First day."),
        Field("ended_on", FieldType.DATE, "Last day; null while it goes on.", nullable=True),
        Field("end_reason", FieldType.CODE, "Why it ended.", nullable=True, codes=EnrollmentEnd),
        Field("origin", FieldType.CODE, "How it is known.", codes=EnrollmentOrigin),
        Field("source", FieldType.TEXT, "Who told it, or which list.", example="SIKS-NG 2026-10"),
        Field("as_of", FieldType.DATE, "The day of which it is known."),
        Field(
            "conflicts",
            FieldType.TEXTS,
            "Programs received on its first day that do not go together with it, as their rules say.",
            example=["PKH"],
        ),
        Field("recorded_by", FieldType.TEXT, "Who recorded it: issuer and subject.", example=_SOMEBODY),
    )
    .with_filters(
        _ids("household_id", "Of this household."),
        _ids("person_id", "Of this person."),
        _of_program("Of the program of this code.", _BY_ID),
        code_filter("status", EnrollmentStatus, "In one of these states."),
        code_filter("origin", EnrollmentOrigin, "Known in one of these ways."),
        Filter(
            "active_on",
            "{t}.status <> 'VOID' AND {t}.started_on <= {v}::date AND ({t}.ended_on IS NULL OR {t}.ended_on >= {v}::date)",
            parse_date,
            "Received on this day.",
            "2026-11-22",
        ),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

#: the whole answer is for the work on cases, and in no list; others get what does not rest on special data
_WHOLE: Any = {"special": True, "readers": CASE_WORKERS, "redacted": "{t}.open_results"}
ELIGIBILITY_CHECK = (
    Shape(
        "eligibility_check",
        "eligibility-checks",
        "eligibility_checks {t}",
        "What the rules made of a household on a day, with the values that were used, and what a human made of it since.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.ELIGIBILITY_CHECK,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("check"),
        Field("household_id", FieldType.ID, "The household."),
        Field("area_code", FieldType.VILLAGE, "Its village.", "{t}.area", example="33.26.01.2001"),
        Field("as_of", FieldType.DATE, "The day that was judged by."),
        Field(
            "rules",
            FieldType.JSON,
            "The versions that were judged by, with their digests and the variants of the regency.",
            example=[{"program_code": "PKH", "version": "2026.1"}],
        ),
        Field(
            "results",
            FieldType.JSON,
            "By program, and by person where the unit is one: outcome, criteria with value, source, day and citation, what is"
            " missing, what would change it, benefit. In lists, and for roles that do not work on cases, criteria that rest"
            " on special data are `withheld`.",
            sealed=SEALED_RESULTS,
            example=[{"program_code": "PKH", "outcome": "ELIGIBLE", "version": "2026.1", "criteria": []}],
            **_WHOLE,
        ),
        Field("checked_by", FieldType.TEXT, "Who ran it: issuer and subject.", example=_SOMEBODY),
    )
    .with_filters(
        _ids("household_id", "Of this household."),
        Filter(
            "program_code",
            "{t}.rules @> jsonb_build_array(jsonb_build_object('program_code', {v}::text))",
            _code,
            "That judged this program.",
            "PKH",
            pattern=f"^{_CODE}$",
        ),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

ELIGIBILITY_REVIEW = (
    Shape(
        "eligibility_review",
        "eligibility-reviews",
        "eligibility_reviews {t}",
        "That a human looks at an automated result, and what came of it.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.ELIGIBILITY_REVIEW,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("review"),
        Field("check_id", FieldType.ID, "The check."),
        Field("household_id", FieldType.ID, "The household."),
        Field("area_code", FieldType.VILLAGE, "Its village.", "{t}.area", example="33.26.01.2001"),
        Field("program_code", FieldType.TEXT, "The program whose result is looked at.", example="PKH"),
        Field("unit_id", FieldType.ID, "Who was judged: the household, or a person of it."),
        Field("type", FieldType.CODE, "What is asked for.", codes=ReviewType),
        Field("status", FieldType.CODE, "Where it stands.", codes=ReviewStatus),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=REVIEW_LIFECYCLE),
        Field("person_id", FieldType.ID, "Who asks for it; null for the office itself.", nullable=True),
        Field("reason", FieldType.TEXT, "Why it was asked for.", example="Bukan pegawai negeri"),
        Field("requested_by", FieldType.TEXT, "Who recorded the request: issuer and subject.", example=_SOMEBODY),
        Field("checked_by", FieldType.TEXT, "Who ran the check, and decides nothing about it.", example=_SOMEBODY),
        Field("outcome_before", FieldType.CODE, "What the machine said.", codes=Outcome),
        Field(
            "outcome_after",
            FieldType.CODE,
            "What the human changed it to; null where it was upheld or is not decided.",
            nullable=True,
            codes=Outcome,
        ),
        Field("decided_by", FieldType.TEXT, "Who decided: issuer and subject.", nullable=True, example=_SOMEBODY),
        Field("decided_at", FieldType.INSTANT, "When.", nullable=True),
        Field("decision_reason", FieldType.TEXT, "Why.", nullable=True, example="Surat keterangan desa"),
    )
    .with_filters(
        _ids("check_id", "Of this check."),
        _ids("household_id", "Of this household."),
        _of_program("About the program of this code."),
        code_filter("status", ReviewStatus, "In one of these states."),
        code_filter("type", ReviewType, "Of one of these types."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

_OF_HOUSEHOLD: Final = "{t}.regency = {p}.regency AND {t}.household_id = {p}.id"
HOUSEHOLD.link(Link("enrollments", ENROLLMENT, _OF_HOUSEHOLD, "What the household and its people receive or received."))
HOUSEHOLD.link(Link("eligibility_checks", ELIGIBILITY_CHECK, _OF_HOUSEHOLD, "Checks of the household against rules."))
PERSON.link(
    Link(
        "enrollments",
        ENROLLMENT,
        "{t}.regency = {p}.regency AND {t}.person_id = {p}.id",
        "What the person receives or received; what the family does stands with the household.",
    )
)
PROGRAM.link(Link("enrollments", ENROLLMENT, "{t}.program_id = {p}.id", "Who receives it, of those whom you may see."))
ENROLLMENT.link(Link("program", PROGRAM, "{t}.id = {p}.program_id", "The program.", single=True))
for _parent in (ENROLLMENT, ELIGIBILITY_CHECK):
    _parent.link(
        Link(
            "household",
            HOUSEHOLD,
            "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
            "The household.",
            single=True,
        )
    )
ELIGIBILITY_CHECK.link(
    Link(
        "reviews",
        ELIGIBILITY_REVIEW,
        "{t}.regency = {p}.regency AND {t}.check_id = {p}.id",
        "What humans made of it since.",
        embedded=True,
    )
)
ELIGIBILITY_REVIEW.link(
    Link(
        "check",
        ELIGIBILITY_CHECK,
        "{t}.regency = {p}.regency AND {t}.id = {p}.check_id",
        "The check.",
        single=True,
    )
)
