"""What can be read of organizations. National: any token reads them; capacity is a tenant's and cut like its rows."""

import re

from slrt_api.areas import codelists, codes
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.kernel.ids import Kind
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    EVERYBODY,
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
    parse_codes,
    parse_date,
    text_sort,
    updated_filters,
)

_SERVICES = (
    "(SELECT coalesce(json_agg(s.service ORDER BY s.service), '[]'::json) FROM organization_services s"
    " WHERE s.organization_id = {t}.id)"
)
_AREAS = (
    "(SELECT coalesce(json_agg(area_code(a.lo) ORDER BY a.lo), '[]'::json) FROM organization_areas a"
    " WHERE a.organization_id = {t}.id)"
)
_PROGRAMS = (
    "(SELECT coalesce(json_agg(g.code ORDER BY g.code), '[]'::json) FROM organization_programs p"
    " JOIN programs g ON g.id = p.program_id WHERE p.organization_id = {t}.id)"
)


def _range(text: str) -> list[int]:
    return list(codes.area_range(text))


_CODE = "[A-Z0-9][A-Z0-9.-]{0,39}"


def _code(text: str) -> str:
    if not re.fullmatch(_CODE, text):
        raise ValueError
    return text


OFFICER = Shape(
    "officer",
    "officers",
    "organization_officers {t}",
    "A person in an office of an organization.",
    scope=None,
    kinds=EVERYBODY,
    tenant=False,
    personal=False,
).with_fields(
    Field("name", FieldType.TEXT, "Name.", example="Wahyu Nugroho"),
    Field("office", FieldType.TEXT, "Office held.", example="Manajer"),
    Field("valid_from", FieldType.DATE, "In office since."),
    Field("valid_to", FieldType.DATE, "Last day in office; null while in office.", nullable=True),
)

CAPACITY = Shape(
    "capacity",
    "capacity",
    "service_capacity {t}",
    "How many clients an organization takes for a service in a month, in one regency. A service without a line takes"
    " everybody.",
    scope=None,
    kinds=ALL_STAFF | {ScopeKind.ORGANIZATION},
).with_fields(
    Field("area_code", FieldType.AREA, "Regency.", "{t}.area", example="33.26"),
    Field("service", FieldType.TEXT, "Service.", example="SCHOOL_RETENTION"),
    Field("period", FieldType.TEXT, "Month.", "to_char({t}.period, 'YYYY-MM')", example="2026-11"),
    Field("capacity", FieldType.INTEGER, "Places in the month.", example=20),
    Field("used", FieldType.INTEGER, "Places taken by referrals.", example=17),
)

STANDING = Shape(
    "routing_standing",
    "routing-standings",
    "routing_standings {t}",
    "How an organization stood to its offers for a service in one regency: what routing goes by. An organization reads its"
    " own.",
    scope=None,
    kinds=frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR, ScopeKind.ORGANIZATION}),
).with_fields(
    Field("area_code", FieldType.AREA, "Regency.", "{t}.area", example="33.26"),
    Field("service", FieldType.TEXT, "Service.", example="SCHOOL_RETENTION"),
    Field("offers", FieldType.INTEGER, "Offers that it got.", example=12),
    Field("open_offers", FieldType.INTEGER, "Offers that wait for its decision.", example=2),
    Field("answers", FieldType.INTEGER, "Offers that it decided.", example=9),
    Field("unanswered", FieldType.INTEGER, "Left unanswered since it last answered one.", example=0),
    Field(
        "response_minutes",
        FieldType.INTEGER,
        "Mean of its last ten answers, in working minutes; null before the first.",
        nullable=True,
        example=540,
    ),
    Field(
        "acceptance",
        FieldType.INTEGER,
        "Share of its last ten answers that were a yes, of a thousand; null before the first.",
        nullable=True,
        example=900,
    ),
    Field("offered_at", FieldType.INSTANT, "When it got its last offer.", nullable=True),
    Field("silent_at", FieldType.INSTANT, "When it last left one unanswered; null once it answers.", nullable=True),
)

ROUTING_POLICY = (
    Shape(
        "routing_policy",
        "routing-policies",
        "routing_policies {t}",
        "How a regency routes referrals, from a day on. The newest one before a day counts on it; where there is none, the"
        " preset of the platform does, whose numbers are the defaults of `POST /v1/routing-policies`.",
        scope=None,
        kinds=frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR}),
        kind=Kind.ROUTING_POLICY,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("policy"),
        Field("area_code", FieldType.AREA, "The regency.", "{t}.area", example="33.26"),
        Field("valid_from", FieldType.DATE, "First day on which it is routed so."),
        Field("places_weight", FieldType.INTEGER, "Of the share of the month's places that is left.", example=2),
        Field("response_weight", FieldType.INTEGER, "Of answers that came soon.", example=3),
        Field("acceptance_weight", FieldType.INTEGER, "Of offers that were accepted.", example=2),
        Field("turn_weight", FieldType.INTEGER, "Of offers to others since its last one.", example=3),
        Field(
            "slow_response_minutes", FieldType.INTEGER, "Working minutes after which no answer is soon.", example=2250
        ),
        Field("minimum_share", FieldType.INTEGER, "Percent of an equal share that each gets.", example=50),
        Field("cool_down_days", FieldType.INTEGER, "Days without offers after an unanswered one.", example=7),
        Field("unanswered_limit", FieldType.INTEGER, "So many unanswered in a row end routing to it.", example=2),
        Field("open_offers_limit", FieldType.INTEGER, "Offers of one service that may wait at one.", example=50),
        Field("attempts_limit", FieldType.INTEGER, "Receivers that are asked while nobody answers.", example=3),
        Field("package_grace_days", FieldType.INTEGER, "Days after its deadline until the package goes.", example=14),
        Field(
            "auto_services",
            FieldType.TEXTS,
            "Services that may be routed by `AUTO`; null = all.",
            "to_json({t}.auto_services)",
            nullable=True,
            example=["SCHOOL_RETENTION"],
        ),
        Field("reason", FieldType.TEXT, "Why.", example="Tiga LKS baru perlu dikenalkan lebih dahulu"),
        Field("decree", FieldType.TEXT, "The decision that says so.", nullable=True, example="460/12/2026"),
        Field("decided_by", FieldType.TEXT, "Who decided: issuer and subject.", example="https://id.example#m-2"),
    )
    .with_filters(AREA_FILTER, *updated_filters())
    .with_sorts(ID_SORT, UPDATED_SORT, Sort("valid_from", "{t}.valid_from", "date", parse_date))
)
ROUTING_POLICY.default_sort = "-valid_from"

ORGANIZATION = (
    Shape(
        "organization",
        "organizations",
        "organizations {t}",
        "A secretariat, Puskesos, office (OPD), welfare organization (LKS) or facility, with the decree that founded it,"
        " what it offers and whom it serves.",
        scope=None,
        kinds=EVERYBODY,
        kind=Kind.ORGANIZATION,
        tenant=False,
        version="{t}.version",
        personal=False,
    )
    .with_fields(
        *aggregate_fields("organization"),
        Field("code", FieldType.TEXT, "Code, unique in the nation.", example="LKS-KASIH-IBU"),
        Field("name", FieldType.TEXT, "Name.", example="LKS Kasih Ibu"),
        Field("kind", FieldType.CODE, "Kind.", codes=OrganizationKind),
        Field("area_code", FieldType.AREA, "Where it stands.", "{t}.area", example="33.26"),
        Field("sk_number", FieldType.TEXT, "Number of the founding decree (SK).", example="460/101/2024"),
        Field("sk_date", FieldType.DATE, "Date of the founding decree."),
        Field("services", FieldType.TEXTS, "Services offered.", _SERVICES, example=["SCHOOL_RETENTION"]),
        Field("areas", FieldType.TEXTS, "Areas served, each with all below it.", _AREAS, example=["33.26.01"]),
        Field(
            "programs",
            FieldType.TEXTS,
            "Programs for which it takes referrals; none named: every program of its services.",
            _PROGRAMS,
            example=["ATENSI"],
        ),
    )
    .with_filters(
        Filter(
            "code",
            "{t}.code = {v}::text",
            _code,
            "The organization of this code.",
            "LKS-KASIH-IBU",
            pattern=f"^{_CODE}$",
        ),
        code_filter("kind", OrganizationKind, "Of these kinds."),
        Filter(
            "service",
            "EXISTS (SELECT FROM organization_services s WHERE s.organization_id = {t}.id"
            " AND s.service = ANY ({v}::text[]))",
            parse_codes(service.code for service in codelists.load_services()),
            "Offers one of these services.",
            "SCHOOL_RETENTION",
            pattern=one_of(service.code for service in codelists.load_services()),
        ),
        Filter(
            "serves",
            "EXISTS (SELECT FROM organization_areas a WHERE a.organization_id = {t}.id"
            " AND a.lo <= ({v}::bigint[])[1] AND a.hi >= ({v}::bigint[])[2])",
            _range,
            "Serves the whole of this area: a Kemendagri code of any level.",
            "33.26.01.2001",
            pattern=codes.PATTERN,
        ),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, text_sort("code"))
)
ORGANIZATION.default_sort = "code"
ORGANIZATION.link(
    Link(
        "officers",
        OFFICER,
        "{t}.organization_id = {p}.id",
        "People in office, the first the head.",
        embedded=True,
        order="{t}.position",
    )
)
ORGANIZATION.link(
    Link(
        "capacity",
        CAPACITY,
        "{t}.organization_id = {p}.id",
        "Places per service and month, as far as the caller may see them.",
        order="{t}.period DESC, {t}.service, {t}.regency",
    )
)
ORGANIZATION.link(
    Link(
        "standings",
        STANDING,
        "{t}.organization_id = {p}.id",
        "How it stood to its offers, per service, as far as the caller may see that.",
        order="{t}.service, {t}.regency",
    )
)
