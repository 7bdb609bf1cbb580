"""Tables of the reference data: areas, tenants, code lists, services. National: no tenant number, all roles read them."""

from datetime import date

from sqlalchemy import BigInteger, Index, SmallInteger
from sqlmodel import Field, SQLModel

from slrt_api.runtime.tables import TEXT_ARRAY


class Area(SQLModel, table=True):
    """One code of the Kemendagri scheme, with the first and last edition in which it stands."""

    __tablename__ = "areas"
    __table_args__ = (
        Index("areas_number", "number"),
        Index("areas_parent", "parent_code", "code"),
        Index("areas_name_key", "name_key", "code"),
    )

    code: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    level: str
    name: str
    name_key: str
    kind: str | None = None
    parent_code: str | None = None
    first_edition: int = Field(sa_type=SmallInteger)
    last_edition: int = Field(sa_type=SmallInteger)
    current: bool
    time_zone: str
    successor_codes: list[str] = Field(sa_type=TEXT_ARRAY)


class TenantNumber(SQLModel, table=True):
    """A regency as a tenant: its number is given once, at founding, and never changes or returns."""

    __tablename__ = "tenants"

    number: int = Field(primary_key=True)
    code: str
    name: str
    time_zone: str
    valid_from: date
    valid_to: date | None = None


class CodeListItem(SQLModel, table=True):
    """One code of one list, with its labels and the instrument it comes from."""

    __tablename__ = "code_list_items"

    list_name: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    position: int
    label_id: str
    label_en: str
    parent: str | None = None
    selection: str
    instrument: str
    instrument_code: str | None = None
    source: str
    confidence: str


class Service(SQLModel, table=True):
    """A kind of service that a need asks for and an organization offers."""

    __tablename__ = "services"

    code: str = Field(primary_key=True)
    domain: str
    label_id: str
    label_en: str
