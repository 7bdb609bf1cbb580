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
    aggregate_fields,
    code_filter,
    one_of,
    parse_codes,
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
