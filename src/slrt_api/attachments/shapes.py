"""What can be read of attachments. Their bytes are given out by signed links only (`service/links`)."""

from typing import Any, Final

from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER
from slrt_api.attachments import vault
from slrt_api.attachments.codes import MEDIA_TYPES, AttachmentStatus, Refusal
from slrt_api.attachments.lifecycle import ATTACHMENT_LIFECYCLE, READERS
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Link,
    Shape,
    Vault,
    aggregate_fields,
    code_filter,
    id_filter,
    updated_filters,
)

_DIGEST = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#: what tells of the file itself is for those who may open it
_TOLD: Final[Any] = {"special": True, "readers": READERS}


def _vault(name: str) -> Vault:
    """Where the value stands in a file of a sealed report."""
    return Vault(f"{{t}}.{vault.column(name)}", vault.purpose(name, sealed=True), frozenset({ScopeKind.SEALED}))


_STATUS = Field("status", FieldType.CODE, "Where it stands. Only what is READY can be opened.", codes=AttachmentStatus)
_MEDIA_TYPE = Field(
    "media_type",
    FieldType.TEXT,
    f"What it is: {', '.join(f'`{each}`' for each in MEDIA_TYPES)}.",
    example="image/jpeg",
)
_SIZE = Field("size", FieldType.LONG, "Bytes, as declared and sent.", example=231_004)
_REFUSAL = Field("refusal", FieldType.CODE, "Why it was not kept.", codes=Refusal, nullable=True)

ATTACHMENT = (
    Shape(
        "attachment",
        "attachments",
        "attachments {t}",
        "A file of a household, person, case, referral or complaint. It is uploaded in parts, examined, and given out by"
        " short-lived links. Its bytes are kept encrypted, images without any metadata.",
        scope=Scope.ATTACHMENTS_READ,
        kinds=ALL_STAFF | {ScopeKind.ORGANIZATION, ScopeKind.PROGRAM, ScopeKind.SEALED, ScopeKind.SUBJECT},
        kind=Kind.ATTACHMENT,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("attachment"),
        Field("parent_id", FieldType.ID, "What it belongs to; the id tells the kind."),
        _STATUS,
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now.",
            lifecycle=ATTACHMENT_LIFECYCLE,
        ),
        _MEDIA_TYPE,
        _SIZE,
        Field(
            "sha256",
            FieldType.TEXT,
            "SHA-256 of what was sent, as declared (base64).",
            "encode({t}.digest, 'base64')",
            example=_DIGEST,
            vault=_vault("digest"),
        ),
        Field(
            "name",
            FieldType.TEXT,
            "Name that the client gave it. For those who may open it, and not in lists; null once it is gone.",
            nullable=True,
            sealed=vault.purpose("name", sealed=False),
            example="kartu-keluarga.jpg",
            vault=_vault("name"),
            **_TOLD,
        ),
        Field(
            "location",
            FieldType.JSON,
            "Where an image was taken, if that was asked to be kept and the image told it. As the name.",
            nullable=True,
            sealed=vault.purpose("location", sealed=False),
            example={"latitude": -6.9, "longitude": 109.6},
            vault=_vault("location"),
            **_TOLD,
        ),
        Field("kept_size", FieldType.LONG, "Bytes of what is kept; null unless READY.", nullable=True, example=198_113),
        Field(
            "kept_sha256",
            FieldType.TEXT,
            "SHA-256 of what is kept and given out (base64). Images differ from what was sent.",
            "encode({t}.kept_digest, 'base64')",
            nullable=True,
            example=_DIGEST,
            vault=_vault("kept_digest"),
        ),
        _REFUSAL,
        Field("area_code", FieldType.VILLAGE, "Village of what it belongs to.", "{t}.area", example="33.26.01.2001"),
        Field("expires_at", FieldType.INSTANT, "By when the upload has to be completed."),
        Field("ready_at", FieldType.INSTANT, "Since when it can be opened.", nullable=True),
    )
    .with_filters(
        id_filter("parent_id", "Of this resource."),
        code_filter("status", AttachmentStatus, "In one of these states."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT)
)

TRACKED_ATTACHMENT = (
    Shape(
        "tracked_attachment",
        "public/attachments",
        "attachments {t}",
        "A file that belongs to a complaint, for who holds its receipt.",
        scope=None,
        kinds=frozenset({ScopeKind.PUBLIC}),
        kind=Kind.ATTACHMENT,
    )
    .with_fields(Field("id", FieldType.ID, "Id of the attachment."), _STATUS, _MEDIA_TYPE, _SIZE, _REFUSAL)
    .with_sorts(ID_SORT)
)


def of(shape: Shape) -> None:
    """Add the way from a resource to its attachments."""
    noun = shape.name.replace("_", " ")
    shape.link(
        Link(
            "attachments",
            ATTACHMENT,
            "{t}.regency = {p}.regency AND {t}.parent_id = {p}.id",
            f"Files of the {noun}.",
        )
    )
