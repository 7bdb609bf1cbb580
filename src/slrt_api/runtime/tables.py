"""Column sets that tables share, and the tables of the runtime itself: events, revisions, accesses, idempotency.

Every tenant table begins with `regency`, the tenant number, in its primary key and in every index and foreign key, so that
the schema can be distributed on it (`docs/decisions/0003`).
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, SmallInteger, Text, false, func, text, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from slrt_api.kernel.ids import NATIONAL, Kind

INSTANT: Any = DateTime(timezone=True)
TEXT_ARRAY: Any = ARRAY(Text)


class XID8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which orders the event feed."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


ischema_names["xid8"] = XID8


class Tenant(SQLModel):
    """A row of one tenant: its number, an id, and the place (`area`, ten digits) by which area staff see it."""

    regency: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)


class Aggregate(Tenant):
    """A row with a version: every change raises it by one and writes the event of that sequence.

    A row whose making is told by the event of another begins at version 0, and has no event until its first change.
    """

    KIND: ClassVar[Kind]
    #: name of the aggregate in event types and event bytes
    NAME: ClassVar[str]
    #: whether its events are for the organization or program that it names
    ADDRESSED: ClassVar[bool] = True
    #: columns that no revision tells of: they lead to what readers of the history may not know
    UNTOLD: ClassVar[frozenset[str]] = frozenset()

    version: int = 1
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)

    @property
    def coarse(self) -> bool:
        """Whether ids of its events tell only the day: true for what is confidential."""
        return False

    @property
    def veiled(self) -> bool:
        """Whether all that is written of it tells no more than the day, and its texts are sealed: true for what is sealed."""
        return False

    @property
    def open(self) -> bool:
        """Whether the organization that it names may read it: a partner loses a referral that ends."""
        return True


class NationalAggregate(SQLModel):
    """A national row with a version. Everybody reads it and only `slrt_effect` writes it; its events stand under tenant 0."""

    KIND: ClassVar[Kind]
    NAME: ClassVar[str]
    #: whether its events are for the organization or program that it names
    ADDRESSED: ClassVar[bool] = True
    regency: ClassVar[int] = NATIONAL

    id: UUID = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)
    version: int = 1
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)


class Event(SQLModel, table=True):
    """One change of one aggregate: audit trail and outbox at once. Holds no personal value and no free text.

    `body` is the canonical event (RFC 8785), `hash` its SHA-256 with a leading 0x00; the typed columns repeat what
    queries and row policies need. `receipt` and `reporter_id` let a complainant see the steps of the own complaint.
    Two columns change, both with what the event is of: `open`, false takes the event from the organization that it names, in
    the transaction in which the referral ends; `escalation` shows it to the offices above.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("events_id", "regency", "id"),
        Index("events_xact", "regency", "xact"),
        Index(
            "events_organization",
            *("regency", "organization_id", "aggregate_id"),
            postgresql_where=text("organization_id IS NOT NULL"),
        ),
        CheckConstraint("sequence > 0", name="events_sequence_positive"),
        CheckConstraint("octet_length(hash) = 32", name="events_hash_length"),
    )

    regency: int = Field(primary_key=True)
    aggregate_id: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    id: UUID
    area: int = Field(sa_type=BigInteger)
    kind: int = Field(sa_type=SmallInteger)
    type: str
    at: datetime = Field(sa_type=INSTANT)
    actor: str
    role: str
    on_behalf_of: str | None = None
    organization_id: UUID | None = None
    program_id: UUID | None = None
    reporter_id: UUID | None = None
    receipt: int | None = Field(default=None, sa_type=BigInteger)
    sealed: bool = False
    open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    trace_id: str
    body: bytes
    hash: bytes
    xact: str = Field(sa_column=Column("xact", XID8, nullable=False, server_default=func.pg_current_xact_id()))


class Revision(SQLModel, table=True):
    """What an event changed: values before and after, and every free text. Erasable; the event keeps a commitment."""

    __tablename__ = "revisions"

    regency: int = Field(primary_key=True)
    aggregate_id: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)
    organization_id: UUID | None = None
    program_id: UUID | None = None
    sealed: bool = False
    open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    values: dict[str, Any] = Field(sa_column=Column("values", JSONB, nullable=False))
    salt: bytes


class SealedTexts(Tenant, table=True):
    """What was said with one change of something sealed, under the keys of sealed reports. `id` is the event's.

    The revision keeps a keyed digest of it, which the event's commitment covers.
    """

    __tablename__ = "sealed_texts"
    __table_args__ = (CheckConstraint("sealed", name="sealed_texts_sealed"),)

    sealed: bool = True
    texts: bytes


class Access(SQLModel, table=True):
    """Who read what, when, in which role and for which purpose; `case_id` is the case that a reveal or search names.

    `sealed` keeps the record to who handles sealed reports: it would tell all others that there is one. Whom the report
    accuses stands here too: nor is the record there for them.
    """

    __tablename__ = "accesses"
    __table_args__ = (
        Index("accesses_resource", "regency", "resource_id", "at"),
        Index("accesses_actor", "regency", "actor", "at"),
    )

    regency: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    area: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=INSTANT)
    actor: str
    role: str
    operation: str
    resource: str
    resource_id: UUID | None = None
    purpose: str | None = None
    case_id: UUID | None = None
    rows: int = 1
    trace_id: str
    #: the access override by which it was allowed
    override_id: UUID | None = None
    sealed: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    accused_person_id: UUID | None = None
    accused_organization_id: UUID | None = None


class IdempotentAnswer(SQLModel, table=True):
    """The first answer to a request with an idempotency key, kept with the effect it answers."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (Index("idempotent_answers_created_at", "regency", "created_at"),)

    regency: int = Field(primary_key=True)
    key_digest: bytes = Field(primary_key=True)
    request_digest: bytes
    resource_id: UUID | None = None
    status: int = Field(sa_type=SmallInteger)
    location: str | None = None
    version: int | None = None
    body: bytes = Field(description="AES-256-GCM ciphertext of the answer's bytes")
    created_at: datetime = Field(sa_type=INSTANT)
