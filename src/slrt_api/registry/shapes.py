"""What can be read of the registry: its releases. Entries are never read, only asked whether they match."""

from slrt_api.access.scopes import Scope
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import CREATED_SORT, ID_SORT, UPDATED_SORT, Field, FieldType, Shape, aggregate_fields

SNAPSHOT = (
    Shape(
        "registry_snapshot",
        "registry/snapshots",
        "registry_snapshots {t}",
        "A release of the national registry (DTSEN, before it DTKS) as loaded for one regency.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=frozenset({ScopeKind.AREA_RANGE, ScopeKind.AUDITOR}),
        kind=Kind.SNAPSHOT,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("release"),
        Field("source", FieldType.TEXT, "The registry.", example="DTSEN"),
        Field("release", FieldType.TEXT, "Name of the release.", example="2026-Q3"),
        Field("as_of", FieldType.DATE, "The day whose state it tells.", example="2026-09-30"),
        Field("area_code", FieldType.AREA, "The regency (Kemendagri code).", "{t}.area", example="33.26"),
        Field("loaded_at", FieldType.INSTANT, "When it was loaded."),
        Field("entries", FieldType.INTEGER, "Persons in it.", example=1200),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)
