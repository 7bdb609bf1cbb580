"""What holds in a place now: its calendar and its policies, from the database, worked out once for each edition.

One look tells which editions hold; what they say never changes, so it is read and worked out the first time only. A
process that has not heard of a new decree does not exist: every act looks.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import orjson
from asyncpg import Record

from slrt_api.areas import codes
from slrt_api.clocks import calendars, policies
from slrt_api.clocks.calendars import DayKind, DayLine, Decree, HoursKind, HoursLine, WorkCalendar
from slrt_api.clocks.codes import CountsFrom, Weekday
from slrt_api.clocks.models import CalendarDecree, SlaPolicy
from slrt_api.clocks.policies import ClockPolicy
from slrt_api.kernel.worktime import Hours, Unit
from slrt_api.runtime.transaction import Transaction

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_REGENCY: Final = 1_000_000
#: the newest decree and policy of the nation and of a regency: what they are called names the edition
EDITIONS: Final = """
SELECT (SELECT id FROM calendar_decrees WHERE area = 0 ORDER BY edition DESC LIMIT 1) AS national,
       (SELECT id FROM calendar_decrees WHERE area = $1 ORDER BY edition DESC LIMIT 1) AS regional,
       (SELECT id::text || version FROM sla_policies WHERE area = 0 AND NOT shipped
           ORDER BY edition DESC, id DESC LIMIT 1) AS national_policies,
       (SELECT id::text || version FROM sla_policies WHERE area = $1 ORDER BY edition DESC, id DESC LIMIT 1) AS policies
"""


class _Kept(Generic[K, V]):
    """The newest few of what was worked out."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> V:
        self._kept[key] = value
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return value


_calendars: _Kept[tuple[str, UUID | None, UUID | None], WorkCalendar] = _Kept(256)
_policies: _Kept[tuple[str | None, str | None], tuple[ClockPolicy, ...]] = _Kept(1_024)


@dataclass(frozen=True)
class Situation:
    """Calendar and policies that hold in a place."""

    work: WorkCalendar
    policies: tuple[ClockPolicy, ...]


def regency_of(area: int) -> int:
    """The regency (ten digits) in which an area lies."""
    return area - area % _REGENCY


async def situation(tx: Transaction, area: int) -> Situation:
    """What holds in the regency of `area` (ten digits) now."""
    [editions] = await tx.fetch(EDITIONS, regency_of(area))
    return await of_editions(tx, area, editions)


async def of_editions(tx: Transaction, area: int, editions: Record) -> Situation:
    """The same, for whoever has looked already which editions hold: a row of `EDITIONS`."""
    regency, zone = regency_of(area), codes.time_zone(codes.area_code(area))
    of_calendar = (zone, editions["national"], editions["regional"])
    work = _calendars.get(of_calendar)
    if work is None:
        work = _calendars.put(of_calendar, await calendar(tx, regency, zone))
    of_policies = (editions["national_policies"], editions["policies"])
    held = _policies.get(of_policies)
    if held is None:
        rows: list[SlaPolicy] = []
        if any(of_policies):
            rows = await tx.rows(SlaPolicy, "area = ANY ($1) AND NOT shipped ORDER BY edition, id", [0, regency])
        held = _policies.put(of_policies, (*policies.load_policies(), *(policy_of(row) for row in rows)))
    return Situation(work, held)


async def calendar(tx: Transaction, regency: int, zone: str, editions: tuple[int, int] | None = None) -> WorkCalendar:
    """The calendar of a regency: now, or as it was after so many decrees of the nation and of the regency."""
    rows = await tx.rows(CalendarDecree, "area = ANY ($1) ORDER BY area, edition", [0, regency])
    if editions is not None:
        national, regional = editions
        rows = [row for row in rows if row.edition <= (regional if row.area else national)]
    return calendars.work_calendar(zone, tuple(decree_of(row) for row in rows))


def decree_of(row: CalendarDecree) -> Decree:
    return Decree(
        id=row.id,
        area=row.area,
        edition=row.edition,
        number=row.number,
        citation=row.citation,
        days=tuple(_day_line(each) for each in _json(row.days)),
        hours=tuple(_hours_line(each) for each in _json(row.hours)),
        year=row.year,
    )


def policy_of(row: SlaPolicy) -> ClockPolicy:
    return ClockPolicy(
        policy=row.policy,
        version=row.policy_version,
        name=row.name,
        applies_to=row.applies_to,
        natures=frozenset(row.natures),
        severity_flag=row.severity_flag,
        unit=Unit(row.unit),
        amount=row.amount,
        counts_from=CountsFrom(row.counts_from),
        start_events=frozenset(row.start_events),
        meets_events=frozenset(row.meets_events),
        pauses_in=frozenset(row.pauses_in),
        pause_limit=row.pause_limit,
        pause_unit=Unit(row.pause_unit) if row.pause_unit else None,
        warn_percent=row.warn_percent,
        warn_minutes=row.warn_minutes,
        statute=row.statute,
        citation=row.citation,
        remark=row.remark,
        confidence=row.confidence,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        area=row.area,
        id=row.id,
    )


def _json(value: Any) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = orjson.loads(value) if isinstance(value, str | bytes) else value
    return found


def _day_line(line: Mapping[str, Any]) -> DayLine:
    return DayLine(
        date.fromisoformat(line["from"]),
        date.fromisoformat(line["to"]),
        DayKind(line["kind"]),
        line["name"]["id"],
        line["name"]["en"],
    )


def _hours_line(line: Mapping[str, Any]) -> HoursLine:
    schedule: str | None = line["schedule"]
    week = calendars.schedules()[schedule] if schedule is not None else week_of(line["week"])
    last = date.fromisoformat(line["to"]) if line["to"] is not None else None
    return HoursLine(date.fromisoformat(line["from"]), last, HoursKind(line["kind"]), week, schedule)


def week_of(lines: list[Mapping[str, Any]]) -> tuple[Hours, ...]:
    """A week of office hours, Monday first, from lines of weekday, opening and closing."""
    week: list[list[tuple[time, time]]] = [[] for _ in range(7)]
    for line in lines:
        number = list(Weekday).index(Weekday(line["weekday"]))
        week[number].append((time.fromisoformat(line["opens"]), time.fromisoformat(line["closes"])))
    return tuple(tuple(day) for day in week)
