"""Table of running clocks of any aggregate."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.runtime.tables import INSTANT, Tenant


class Clock(Tenant, table=True):
    """One deadline of one aggregate: what was promised, under which policy and calendar, and what became of it."""

    KIND: ClassVar[Kind] = Kind.CLOCK

    __tablename__ = "clocks"
    __table_args__ = (
        Index("clocks_aggregate", "regency", "aggregate_id", "name"),
        Index("clocks_running", "regency", "due_at", postgresql_where=text("state = 'RUNNING'")),
    )

    aggregate_id: UUID
    name: str
    unit: str
    amount: int
    state: str
    started_at: datetime = Field(sa_type=INSTANT)
    due_at: datetime = Field(sa_type=INSTANT)
    met_at: datetime | None = Field(default=None, sa_type=INSTANT)
    breached_at: datetime | None = Field(default=None, sa_type=INSTANT)
    policy: str
    calendar_version: str
    time_zone: str
    reporter_id: UUID | None = None
    receipt: int | None = Field(default=None, sa_type=BigInteger)
    sealed: bool = False
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
