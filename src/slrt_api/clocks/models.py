"""Tables of running clocks of any aggregate, and of the calendars and policies by which they run.

Calendars and policies are national tables, also where they are a regency's: they hold nothing personal, everybody may
read them, and whoever starts a clock needs them, in whatever role.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, SmallInteger, false, text, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.kernel.worktime import Promise, Unit
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, NationalAggregate, Tenant

INSTANT_ARRAY: Any = ARRAY(DateTime(timezone=True))
#: clocks that may still be breached: also one that stands still, which runs on by itself at its limit
OPEN: Final = "state = ANY (ARRAY['RUNNING'::text, 'PAUSED'::text])"
#: clocks that are still to be warned of
UNWARNED: Final = f"{OPEN} AND warn_at IS NOT NULL AND warned_at IS NULL AND met_at IS NULL"


class Clock(Tenant, table=True):
    """One deadline of one aggregate: what was promised, under which policy and calendar, and what became of it.

    What the policy says of this clock is kept with it (`meets` to `warn_minutes`), so that no later policy changes what
    was promised. `pauses` are the instants at which it was stopped and let run on, in turn. While it stands still `due_at`
    is the deadline if it does so until `paused_until`, the limit; after that instant it runs on by itself, whatever `state`
    says. `warned_at` is written by the worker that warns, and emptied when the deadline moves. `promised_at` is the
    deadline as first promised. `estimated`: it rests on days that are not decreed yet. `organization_id`, `program_id` and
    `open` are those of a referral, by which row policies show its clocks to whom it was sent.
    """

    KIND: ClassVar[Kind] = Kind.CLOCK

    __tablename__ = "clocks"
    __table_args__ = (
        Index("clocks_aggregate", "regency", "aggregate_id", "name"),
        Index("clocks_due", "regency", "due_at", "id", postgresql_where=text(OPEN)),
        Index("clocks_warn", "regency", "warn_at", "id", postgresql_where=text(UNWARNED)),
        Index("clocks_calendar", "regency", "calendar_version", postgresql_where=text(OPEN)),
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
    organization_id: UUID | None = None
    program_id: UUID | None = None
    open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    escalation: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    policy_id: UUID | None = None
    policy_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    started_by: str | None = None
    meets: list[str] = Field(default_factory=list, sa_type=TEXT_ARRAY, sa_column_kwargs={"server_default": "{}"})
    pauses_in: list[str] = Field(default_factory=list, sa_type=TEXT_ARRAY, sa_column_kwargs={"server_default": "{}"})
    pause_limit: int | None = None
    pause_unit: str | None = None
    warn_percent: int | None = None
    warn_minutes: int | None = None
    warn_at: datetime | None = Field(default=None, sa_type=INSTANT)
    warned_at: datetime | None = Field(default=None, sa_type=INSTANT)
    pauses: list[datetime] = Field(
        default_factory=list, sa_type=INSTANT_ARRAY, sa_column_kwargs={"server_default": "{}"}
    )
    paused_at: datetime | None = Field(default=None, sa_type=INSTANT)
    paused_until: datetime | None = Field(default=None, sa_type=INSTANT)
    promised_at: datetime | None = Field(default=None, sa_type=INSTANT)
    estimated: bool = Field(default=False, sa_column_kwargs={"server_default": false()})

    @property
    def promise(self) -> Promise:
        return Promise(
            Unit(self.unit),
            self.amount,
            self.pause_limit or 0,
            Unit(self.pause_unit) if self.pause_unit else Unit.CALENDAR_DAY,
            self.warn_percent,
            self.warn_minutes,
        )


class CalendarDecree(NationalAggregate, table=True):
    """A decree on free days and office hours, of the nation (`area` 0) or of a regency. It never changes.

    `edition` counts the decrees of an area: calendars name the last one that they know. `days` and `hours` are lines as
    `clocks/calendars` reads them.
    """

    KIND: ClassVar[Kind] = Kind.CALENDAR
    NAME: ClassVar[str] = "calendar_decree"

    __tablename__ = "calendar_decrees"
    __table_args__ = (Index("calendar_decrees_edition", "area", "edition", unique=True),)

    edition: int
    number: str
    decreed_on: date
    year: int | None = None
    reason: str
    citation: str
    confidence: str
    days: list[dict[str, Any]] = Field(sa_type=JSONB)
    hours: list[dict[str, Any]] = Field(sa_type=JSONB)
    decreed_by: str


class SlaPolicy(NationalAggregate, table=True):
    """A service level, of the nation (`area` 0) or of a regency. Only its end changes; a later one takes its place.

    `shipped` ones come with the platform. `edition` counts the changes of an area's policies.
    """

    KIND: ClassVar[Kind] = Kind.SLA_POLICY
    NAME: ClassVar[str] = "sla_policy"

    __tablename__ = "sla_policies"
    __table_args__ = (Index("sla_policies_edition", "area", "edition"),)

    edition: int
    shipped: bool = False
    policy: str
    policy_version: int
    name: str
    applies_to: str
    natures: list[str] = Field(sa_type=TEXT_ARRAY)
    severity_flag: str | None = None
    unit: str
    amount: int
    counts_from: str
    start_events: list[str] = Field(sa_type=TEXT_ARRAY)
    meets_events: list[str] = Field(sa_type=TEXT_ARRAY)
    pauses_in: list[str] = Field(sa_type=TEXT_ARRAY)
    pause_limit: int | None = None
    pause_unit: str | None = None
    warn_percent: int | None = None
    warn_minutes: int | None = None
    statute: str | None = None
    citation: str
    remark: str
    confidence: str
    effective_from: date
    effective_to: date | None = None
    ended: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    decided_by: str
