"""Tables of the national registry (DTSEN, before it DTKS) as released to a regency: snapshots and their entries."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.crypto import DEFAULT_INDEX_KEY
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant


class Snapshot(Aggregate, table=True):
    """One release of the registry for one regency. Facts of it are never edited here.

    `index_key` names the key that made the blind indexes of its entries. They have no plaintext here to be made anew from,
    so that they keep it until the next release takes their place.
    """

    KIND: ClassVar[Kind] = Kind.SNAPSHOT
    NAME: ClassVar[str] = "snapshot"

    __tablename__ = "registry_snapshots"
    __table_args__ = (Index("registry_snapshots_release", "regency", "source", "release", unique=True),)

    source: str
    release: str
    as_of: date
    loaded_at: datetime = Field(sa_type=INSTANT)
    entries: int
    index_key: str = Field(sa_column_kwargs={"server_default": DEFAULT_INDEX_KEY})


class Entry(Tenant, table=True):
    """One person of a snapshot: blind indexes of NIK and KK for the check, the rank (desil) as delivered or null."""

    KIND: ClassVar[Kind] = Kind.REGISTRY_ENTRY

    __tablename__ = "registry_entries"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "snapshot_id"], ["registry_snapshots.regency", "registry_snapshots.id"]),
        Index("registry_entries_nik", "regency", "snapshot_id", "nik_index"),
        Index("registry_entries_kk", "regency", "snapshot_id", "kk_index"),
        CheckConstraint("desil BETWEEN 1 AND 10", name="registry_entries_desil"),
    )

    snapshot_id: UUID
    nik_index: bytes
    kk_index: bytes
    birth_date: date | None = None
    desil: int | None = Field(default=None, sa_type=SmallInteger)


class Fact(Tenant, table=True):
    """What one release tells of a household or a person; `id` is theirs. Made from entries that match, edited by nobody.

    source, release, as_of  the release's, which never change
    outcome                 NOT_FOUND stands only where an earlier release knew them
    desil                   as delivered; null where it was not, or where the matches lead to more than one
    """

    __tablename__ = "registry_facts"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "snapshot_id"], ["registry_snapshots.regency", "registry_snapshots.id"]),
        CheckConstraint("desil BETWEEN 1 AND 10", name="registry_facts_desil"),
        CheckConstraint("desil IS NULL OR outcome = 'IN_REGISTRY'", name="registry_facts_desil_of_one"),
        CheckConstraint("outcome IN ('IN_REGISTRY', 'NOT_FOUND', 'AMBIGUOUS')", name="registry_facts_outcome"),
    )

    snapshot_id: UUID = Field(primary_key=True)
    source: str
    release: str
    as_of: date
    outcome: str
    desil: int | None = Field(default=None, sa_type=SmallInteger)
