"""What can be read of the registry: its releases, and what they tell of families and people. Entries are never read."""

from slrt_api.access.scopes import Scope
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel.ids import Kind
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Link,
    Shape,
    Sort,
    aggregate_fields,
)

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

#: a family has several facts: its id alone would end a page in the midst of them
_FACT_KEY = "(to_char({t}.as_of, 'YYYYMMDD') || '-' || {t}.snapshot_id)"
FACT = Shape(
    "registry_fact",
    "registry-facts",
    "registry_facts {t}",
    "What one release of the national registry tells of a family or a person. Imported, and edited by nobody.",
    scope=Scope.HOUSEHOLDS_READ,
    kinds=ALL_STAFF,
    key=_FACT_KEY,
).with_fields(
    Field(
        "outcome",
        FieldType.CODE,
        "Whether they stand in it. `NOT_FOUND` where an earlier release knew them; none knew those without any fact.",
        codes=RegistryOutcome,
    ),
    Field(
        "desil",
        FieldType.INTEGER,
        "The rank as delivered, 1 to 10; null where the release tells none, never a guess.",
        nullable=True,
        example=2,
    ),
    Field("source", FieldType.TEXT, "The registry.", example="DTSEN"),
    Field("release", FieldType.TEXT, "Name of the release.", example="2026-Q3"),
    Field("as_of", FieldType.DATE, "The day whose state it tells.", example="2026-09-30"),
    Field("snapshot_id", FieldType.ID, "Id of the release."),
)
FACT.with_sorts(Sort("as_of", _FACT_KEY, "text", str))
FACT.default_sort = "-as_of"

for _of, _whom in ((HOUSEHOLD, "the family"), (PERSON, "the person")):
    _of.link(
        Link(
            "registry_facts",
            FACT,
            "{t}.regency = {p}.regency AND {t}.id = {p}.id",
            f"What releases of the national registry tell of {_whom}, the newest first.",
            order="{t}.as_of DESC, {t}.snapshot_id DESC",
        )
    )
