"""Tables of families and their people. NIK and KK numbers are dated identifiers in a table of their own, encrypted."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.crypto import DEFAULT_INDEX_KEY
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate, Tenant


class Household(Aggregate, table=True):
    """A family (keluarga) at an address. `captured_at` is the visit, `received_at` the arrival at this service."""

    KIND: ClassVar[Kind] = Kind.HOUSEHOLD
    NAME: ClassVar[str] = "household"

    __tablename__ = "households"
    __table_args__ = (
        Index("households_area", "regency", "area", "id"),
        Index("households_updated_at", "regency", "updated_at", "id"),
    )

    address: str
    captured_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime = Field(sa_type=INSTANT)
    registered_by: str


class Person(Tenant, table=True):
    """A person. Changes are recorded with the household to which the person belongs."""

    KIND: ClassVar[Kind] = Kind.PERSON

    __tablename__ = "persons"
    __table_args__ = (
        Index("persons_area", "regency", "area", "id"),
        CheckConstraint("sex IN ('F', 'M')", name="persons_sex"),
    )

    name: str
    sex: str
    birth_date: date | None = None
    created_at: datetime = Field(sa_type=INSTANT)


class Membership(Tenant, table=True):
    """That a person belongs to a household, in which relation, from when to when. `id` is the person's."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        ForeignKeyConstraint(["regency", "id"], ["persons.regency", "persons.id"]),
        Index("memberships_household", "regency", "household_id", "position"),
        Index("memberships_one_active", "regency", "id", unique=True, postgresql_where=text("valid_to IS NULL")),
    )

    valid_from: date = Field(primary_key=True)
    household_id: UUID
    relation: str
    position: int
    valid_to: date | None = None


class Identity(Tenant, table=True):
    """A NIK of a person or a KK number of a household, dated.

    Not unique: two people may claim one NIK, and a unique index would tell a caller of rows out of sight. `prefix` (six
    digits, the district of issue) stands in clear for masked reads; `owner_id` is the person's or the household's id;
    `index_key` names the key that made `blind_index`.
    """

    __tablename__ = "identities"
    __table_args__ = (
        Index("identities_owner", "regency", "owner_id", "type"),
        Index("identities_blind_index", "regency", "blind_index"),
        CheckConstraint("type IN ('NIK', 'KK')", name="identities_type"),
    )

    owner_id: UUID
    type: str
    prefix: str
    ciphertext: bytes
    blind_index: bytes
    index_key: str = Field(sa_column_kwargs={"server_default": DEFAULT_INDEX_KEY})
    findings: list[str] = Field(sa_type=TEXT_ARRAY)
    valid_from: date
    valid_to: date | None = None
