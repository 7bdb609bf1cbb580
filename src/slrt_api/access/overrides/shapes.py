"""What can be read of access overrides: by the office that the resource belongs to, and by auditors."""

from slrt_api.access.overrides.codes import OverrideResource, OverrideStatus, OverrideType
from slrt_api.access.overrides.lifecycle import LIFECYCLE
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
    Filter,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    updated_filters,
)

_ACTIVE = "({t}.status = 'GRANTED' AND {t}.expires_at > statement_timestamp())"

ACCESS_OVERRIDE = (
    Shape(
        "access_override",
        "access-overrides",
        "access_overrides {t}",
        "A rule that was passed by, for one resource: a look at a household or case outside the asker's area"
        " (break-glass), or a referral that was sent to a welfare organization without consent. The office of the"
        " resource's area and its auditors see it.",
        scope=Scope.ACCESS_READ,
        kinds=ALL_STAFF,
        kind=Kind.ACCESS_OVERRIDE,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("access override"),
        Field("type", FieldType.CODE, "Which rule was passed by.", codes=OverrideType),
        Field(
            "status",
            FieldType.CODE,
            "Where it stands; `active` tells whether it opens anything now.",
            codes=OverrideStatus,
        ),
        Field("active", FieldType.BOOLEAN, "Granted, not revoked and not expired.", f"coalesce({_ACTIVE}, false)"),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=LIFECYCLE),
        Field("resource", FieldType.CODE, "What kind of resource it is about.", codes=OverrideResource),
        Field("resource_id", FieldType.ID, "That resource."),
        Field("area_code", FieldType.VILLAGE, "Village of the resource.", "{t}.area", example="33.26.01.2001"),
        Field(
            "reason",
            FieldType.TEXT,
            "Why, in the words of who asked.",
            example="Korban banjir mengungsi ke wilayah kami",
        ),
        Field("asked_by", FieldType.TEXT, "Who asked: issuer and subject.", example="https://id.example#s-2"),
        Field("asked_as", FieldType.TEXT, "In which role.", example="supervisor"),
        Field("minutes", FieldType.INTEGER, "For how long it was asked.", nullable=True, example=60),
        Field("expires_at", FieldType.INSTANT, "When it ends by itself.", nullable=True),
        Field("revoked_by", FieldType.TEXT, "Who ended it early.", nullable=True, example="https://id.example#m-1"),
        Field("revoked_at", FieldType.INSTANT, "When it was ended early.", nullable=True),
    )
    .with_filters(
        code_filter("type", OverrideType, "Of one of these types."),
        code_filter("status", OverrideStatus, "In one of these states."),
        Filter(
            "active",
            f"coalesce({_ACTIVE}, false) = {{v}}::boolean",
            parse_boolean,
            "Whether it opens something now.",
            "true",
        ),
        id_filter("resource_id", "About this resource."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
