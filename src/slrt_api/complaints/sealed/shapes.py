"""What can be read of requests to learn who filed a sealed report: by those who handle such reports."""

from typing import Final

from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.complaints.sealed.codes import SealedAccessPurpose, SealedAccessStatus
from slrt_api.complaints.sealed.lifecycle import FACTS, LIFECYCLE
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ID_SORT,
    Field,
    FieldType,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    updated_filters,
)

#: what the AAD of a request's reason binds besides its id
REASON: Final = "sealed.access_reason"
_ACTIVE: Final = "({t}.status = 'GRANTED' AND {t}.expires_at > statement_timestamp())"

SEALED_ACCESS = (
    Shape(
        "sealed_access",
        "sealed-accesses",
        "sealed_accesses {t}",
        "A request to learn who filed a sealed report. One holder of the right asks, another one grants for some hours, and"
        " the first is shown the identity, once. Who is accused by the report sees none of it.",
        scope=Scope.COMPLAINTS_SEALED,
        kinds=frozenset({ScopeKind.SEALED}),
        kind=Kind.SEALED_ACCESS,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("request"),
        Field("complaint_id", FieldType.ID, "The sealed report.", example="019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"),
        Field(
            "status",
            FieldType.CODE,
            "Where it stands; `active` tells whether the identity may be shown now.",
            codes=SealedAccessStatus,
        ),
        Field(
            "active",
            FieldType.BOOLEAN,
            "Granted, not used, not revoked and not expired.",
            f"coalesce({_ACTIVE}, false)",
        ),
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now. REVEAL is `POST .../reveal`.",
            lifecycle=LIFECYCLE,
            # Text, as the facts of the caller are.
            facts={name: f"({{t}}.{name})::text" for name in FACTS},
        ),
        Field("purpose", FieldType.CODE, "What the identity is needed for.", codes=SealedAccessPurpose),
        Field(
            "reason",
            FieldType.TEXT,
            "Why, in the words of who asked.",
            sealed=REASON,
            example="Pelapor harus dihubungi untuk perlindungan",
        ),
        Field("area_code", FieldType.VILLAGE, "Village of the report.", "{t}.area", example="33.26.01.2001"),
        Field("hours", FieldType.INTEGER, "For how long it was asked.", example=24),
        Field("asked_by", FieldType.TEXT, "Who asked: issuer and subject.", example="https://id.example#wbs-1"),
        Field("asked_at", FieldType.INSTANT, "When."),
        Field(
            "decided_by",
            FieldType.TEXT,
            "Who granted or refused it.",
            nullable=True,
            example="https://id.example#wbs-2",
        ),
        Field("decided_at", FieldType.INSTANT, "When it was granted or refused.", nullable=True),
        Field("expires_at", FieldType.INSTANT, "When a grant ends by itself.", nullable=True),
        Field("revealed_at", FieldType.INSTANT, "When the identity was shown.", nullable=True),
    )
    .with_filters(
        code_filter("status", SealedAccessStatus, "In one of these states."),
        id_filter("complaint_id", "About this report.", "019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT)
)

COMPLAINT.link(
    Link(
        "sealed_accesses",
        SEALED_ACCESS,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Requests to learn who filed it, of a sealed report.",
    )
)
SEALED_ACCESS.link(
    Link(
        "complaint",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.id = {p}.complaint_id",
        "The sealed report.",
        single=True,
    )
)
