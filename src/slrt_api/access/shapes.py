"""What can be read of grants and revocations: by those who manage them, and by auditors, inside their own area."""

from slrt_api.access.codes import RevocationTarget
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
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

READERS = frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR})
_SUBJECT = "3b1f8a52-6c0e-5a39-9d7e-2f4b6c8d0e1a"
_GRANTED = "https://id.example#administrator-1"
_NOW = "statement_timestamp()"
_IN_FORCE = (
    f"({{t}}.revoked_at IS NULL AND {{t}}.valid_from <= {_NOW} AND ({{t}}.valid_until > {_NOW}) IS NOT FALSE)"
    " = {v}::boolean"
)
_LIFTED = f"({{t}}.lifted_at IS NULL AND ({{t}}.expires_at > {_NOW}) IS NOT FALSE) = {{v}}::boolean"


GRANT = (
    Shape(
        "grant",
        "grants",
        "grants {t}",
        "That somebody may act in a role: where, for which organization or programs, and how long. Grants that tokens"
        " carry by themselves are not listed.",
        scope=Scope.GRANTS_READ,
        kinds=READERS,
        kind=Kind.GRANT,
        tenant=False,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("grant"),
        Field("issuer", FieldType.TEXT, "Issuer of the subject's tokens.", example="https://id.example"),
        Field("subject", FieldType.TEXT, "`sub` of the subject's tokens.", example="officer-7"),
        Field("subject_id", FieldType.ID, "Pseudonym of issuer and subject.", example=_SUBJECT),
        Field("role", FieldType.CODE, "The role.", codes=Role),
        Field("areas", FieldType.TEXTS, "Where, each with all below it.", example=["33.26.01.2001"]),
        Field(
            "area_code",
            FieldType.AREA,
            "The lowest area that holds all of them; null = the nation.",
            "nullif({t}.area, 0)",
            nullable=True,
            example="33.26.01.2001",
        ),
        Field(
            "organization_id",
            FieldType.ID,
            "The officer's own organization; of a partner, the one that it acts for.",
            nullable=True,
        ),
        Field("program_ids", FieldType.TEXTS, "Programs of a program manager.", example=[]),
        Field("person_id", FieldType.ID, "The officer's own record as a person.", nullable=True),
        Field("valid_from", FieldType.INSTANT, "In force from then on."),
        Field("valid_until", FieldType.INSTANT, "In force before then; null = without an end.", nullable=True),
        Field("decree", FieldType.TEXT, "Number of the decree (SK).", nullable=True, example="460/101/2026"),
        Field("granted_by", FieldType.TEXT, "Who gave it: issuer and subject.", example=_GRANTED),
        Field("revoked_at", FieldType.INSTANT, "When it was taken back.", nullable=True),
        Field(
            "revoked_by",
            FieldType.TEXT,
            "Who took it back: issuer and subject.",
            nullable=True,
            example=_GRANTED,
        ),
    )
    .with_filters(
        code_filter("role", Role, "Of these roles."),
        id_filter("subject_id", "Of this subject, by the pseudonym.", _SUBJECT),
        id_filter("organization_id", "Of this organization.", "019aaa11-2233-8000-8020-04a1b2c3d4e5"),
        Filter("in_force", _IN_FORCE, parse_boolean, "In force now, or not (any more, yet).", "true"),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)

REVOCATION = (
    Shape(
        "revocation",
        "grants/revocations",
        "revocations {t}",
        "That a subject or one token is no longer taken, wherever its grants come from. Neither tokens nor their `jti` are"
        " kept.",
        scope=Scope.GRANTS_READ,
        kinds=READERS,
        kind=Kind.REVOCATION,
        tenant=False,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("revocation"),
        Field("target", FieldType.CODE, "What is refused.", codes=RevocationTarget),
        Field("issuer", FieldType.TEXT, "Issuer of the token.", example="https://id.example"),
        Field(
            "subject", FieldType.TEXT, "`sub` of the tokens; null for one token.", nullable=True, example="officer-7"
        ),
        Field("key", FieldType.ID, "Pseudonym of the subject or of the token.", example=_SUBJECT),
        Field(
            "area_code",
            FieldType.AREA,
            "Area of whoever revoked, by which it is managed; null = the nation. It counts everywhere.",
            "nullif({t}.area, 0)",
            nullable=True,
            example="33.26",
        ),
        Field("revoked_by", FieldType.TEXT, "Who revoked: issuer and subject.", example=_GRANTED),
        Field("expires_at", FieldType.INSTANT, "When the token has ended anyhow.", nullable=True),
        Field("lifted_at", FieldType.INSTANT, "When it was lifted.", nullable=True),
        Field("lifted_by", FieldType.TEXT, "Who lifted it: issuer and subject.", nullable=True, example=_GRANTED),
    )
    .with_filters(
        code_filter("target", RevocationTarget, "Of these targets."),
        id_filter("key", "Of this subject or token, by the pseudonym.", _SUBJECT),
        Filter("in_force", _LIFTED, parse_boolean, "In force now, or not any more.", "true"),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)
