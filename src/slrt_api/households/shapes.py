"""What can be read of households, members and persons."""

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.households.codes import Relation, Sex
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Link,
    Shape,
    aggregate_fields,
    updated_filters,
)

_NUMBER = (
    "(SELECT i.prefix || '**********' FROM identities i WHERE i.regency = {{t}}.regency"
    " AND i.owner_id = {{t}}.id AND i.type = '{type}' AND i.valid_to IS NULL ORDER BY i.id DESC LIMIT 1)"
)
#: warnings of the people's NIKs, each with the place of the member that it concerns
_FINDINGS = (
    "(SELECT coalesce(json_agg(json_build_object('code', f.code, 'severity', 'WARNING', 'pointer',"
    " '/members/' || m.position || '/nik') ORDER BY m.position, f.code), '[]'::json)"
    " FROM memberships m JOIN identities i ON i.regency = m.regency AND i.owner_id = m.id AND i.type = 'NIK'"
    " AND i.valid_to IS NULL CROSS JOIN LATERAL unnest(i.findings) AS f (code)"
    " WHERE m.regency = {t}.regency AND m.household_id = {t}.id AND m.valid_to IS NULL)"
)

HOUSEHOLD = (
    Shape(
        "household",
        "households",
        "households {t}",
        "A family (keluarga) at an address, as registered by SLRT.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.HOUSEHOLD,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("household"),
        Field(
            "kk",
            FieldType.TEXT,
            "Number of the family card (KK), masked: the district in clear.",
            _NUMBER.format(type="KK"),
            nullable=True,
            example="990101**********",
        ),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field("address", FieldType.TEXT, "Address within the village.", example="Dusun III RT 02"),
        Field("captured_at", FieldType.INSTANT, "When the facilitator recorded it in the field."),
        Field("received_at", FieldType.INSTANT, "When this service received it."),
        Field(
            "findings",
            FieldType.JSON,
            "Warnings about NIKs of members; none of them blocks anything.",
            _FINDINGS,
            example=[{"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/members/0/nik"}],
        ),
    )
    .with_filters(AREA_FILTER, *updated_filters())
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

MEMBER = (
    Shape(
        "member",
        "members",
        "memberships {t} JOIN persons {t}p ON {t}p.regency = {t}.regency AND {t}p.id = {t}.id",
        "A person as a member of a household.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("person_id", FieldType.ID, "Id of the person.", "{t}.id"),
        Field("household_id", FieldType.ID, "Id of the household."),
        Field("name", FieldType.TEXT, "Name.", "{t}p.name", example="Siti Aminah"),
        Field(
            "nik",
            FieldType.TEXT,
            "NIK, masked: the district in clear. Null for a person without one.",
            _NUMBER.format(type="NIK"),
            nullable=True,
            example="990101**********",
        ),
        Field("birth_date", FieldType.DATE, "Date of birth, where known.", "{t}p.birth_date", nullable=True),
        Field("sex", FieldType.CODE, "Sex.", "{t}p.sex", codes=Sex),
        Field("relation", FieldType.CODE, "Relation to the head of the family.", codes=Relation),
        Field("valid_from", FieldType.DATE, "Member since."),
    )
    .with_sorts(ID_SORT)
)
MEMBER.default_sort = "id"

HOUSEHOLD.link(
    Link(
        "members",
        MEMBER,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id AND {t}.valid_to IS NULL",
        "The people of the household now, the head first.",
        order="{t}.position",
    )
)
HOUSEHOLD.link(
    Link(
        "consents",
        CONSENT,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "Consents and lawful bases of its people.",
    )
)
