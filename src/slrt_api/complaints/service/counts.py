"""How many complaints there are, by what they have in common, also for offices that see none of them.

Whoever sees the rows is told how many of them there are. To all others counts are told in whole steps, and none of them
leads to a smaller one (`kernel/disclosure`); they come from a database role that reads codes, places and days of complaints
and nothing else. Sealed reports are counted for nobody.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes, places
from slrt_api.areas.codes import Level
from slrt_api.complaints.codes import Category, ComplaintStatus, Nature
from slrt_api.kernel import disclosure, errors
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import ALL_STAFF
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: parts of one answer
MAX_PARTS: Final = 1_000
#: months that an answer by MONTH tells where the caller names none
MONTHS: Final = 12
MONTH_PATTERN: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
#: how many numbers of villages lie in one area of the level
_WIDTHS: Final = {Level.PROVINCE: 10**8, Level.REGENCY: 10**6, Level.DISTRICT: 10**4, Level.VILLAGE: 1}
#: offices that see no complaint but what was escalated to them
_OFFICES: Final = frozenset({ScopeKind.ESCALATED})

Month = Annotated[str, Field(pattern=MONTH_PATTERN)]


class CountedBy(StrEnum):
    """By what complaints are counted."""

    STATUS = "STATUS"
    NATURE = "NATURE"
    CATEGORY = "CATEGORY"
    PROGRAM = "PROGRAM"
    AREA = "AREA"
    MONTH = "MONTH"


class CountComplaints(Command):
    """Which complaints are counted, and by what."""

    by: CountedBy = Field(description="By what they are counted.", examples=["STATUS"])
    level: Level | None = Field(
        default=None,
        description="With `by` AREA: areas of this level; the next one below the area when left out.",
        examples=[None],
    )
    area_code: Annotated[str, Field(max_length=13)] | None = Field(
        default=None,
        description="In this area or below; everywhere in the caller's scope when left out.",
        examples=["33.26"],
    )
    status: tuple[ComplaintStatus, ...] | None = Field(
        default=None, description="In one of these states.", examples=[None]
    )
    nature: tuple[Nature, ...] | None = Field(default=None, description="Of one of these natures.", examples=[None])
    category: tuple[Category, ...] | None = Field(
        default=None, description="Of one of these categories.", examples=[None]
    )
    program_code: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] | None = Field(
        default=None, max_length=50, description="About one of these programs.", examples=[None]
    )
    month_from: Month | None = Field(
        default=None, description="Received in this month or later, as the place counts days.", examples=["2026-01"]
    )
    month_to: Month | None = Field(default=None, description="Received in this month or earlier.", examples=["2026-11"])


class Part(BaseModel):
    """One part of the count."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(
        description="Code of the state, nature, category, program or area, or the month; null: about no program.",
        examples=["RECEIVED"],
    )
    count: int | None = Field(
        description="How many; where `step` is not 1, rounded down to it, and null for fewer than that, none among them.",
        examples=[15],
    )


class Counts(BaseModel):
    """How many complaints there are, as one breakdown."""

    model_config = ConfigDict(extra="forbid")

    by: CountedBy = Field(description="By what they are counted.", examples=["STATUS"])
    step: int = Field(
        description="1 where the caller sees the complaints; otherwise counts are told in steps of five.", examples=[5]
    )
    total: int | None = Field(description="All of them, told like the parts.", examples=[120])
    items: list[Part] = Field(description="Every part that there may be, also those without a complaint.")


@use_case("complaints.counts", scope=Scope.REPORTS_READ)
async def counts(tx: Transaction, actor: Actor, command: CountComplaints) -> dict[str, Any]:
    """Count complaints.

    Exactly for who sees them. For the offices of province and nation, and without `complaints:read`, in steps of five,
    rounded down: fewer than five are told as null, and no two counts differ by less than a step, whatever the filters; what
    was received today is not counted yet. Sealed reports are counted for nobody.
    """
    _check_area(command.area_code)
    sees = actor.rows.kind in ALL_STAFF and Scope.COMPLAINTS_READ.value in actor.scopes
    if not sees and (actor.rows.lo is None or actor.rows.kind not in ALL_STAFF | _OFFICES):
        raise errors.Forbidden("scope_missing", scope=Scope.COMPLAINTS_READ.value)
    keys = await _keys(tx, actor, command)
    if sees:
        found = await _count(tx, command, actor.rows)
    else:
        await tx.execute(_counting(actor.rows).sql)
        # Whoever asks again and again could otherwise see one come in.
        found = await _count(tx, command, actor.rows, before=tx.now.replace(hour=0, minute=0, second=0, microsecond=0))
        await tx.execute(actor.rows.sql)
    told = _exactly if sees else disclosure.told
    return {
        "by": command.by.value,
        "step": 1 if sees else disclosure.LEAST,
        # What stands at a place that no part names is counted here.
        "total": told(sum(found.values())),
        "items": [{"key": key, "count": told(found.get(key, 0))} for key in keys],
    }


def _check_area(area_code: str | None) -> None:
    if area_code is not None and not re.fullmatch(codes.PATTERN, area_code):
        raise _refused("area_code", "filter_invalid", "Give a Kemendagri code of any level, such as 33.26.")


def _exactly(number: int) -> int | None:
    return number


def _counting(rows: RowScope) -> RowScope:
    """The same area, as the role reads it that counts."""
    return RowScope(ScopeKind.STATISTICS, tenants=rows.tenants, spread=rows.spread, lo=rows.lo, hi=rows.hi)


async def _count(
    tx: Transaction, command: CountComplaints, rows: RowScope, *, before: datetime | None = None
) -> dict[str | None, int]:
    """How many there are by key, of what the present role sees."""
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    conditions = []
    if rows.tenants or rows.spread:
        # Every index begins with the tenant.
        conditions.append(f"regency = ANY ({bind(list(rows.tenants or rows.spread))}::integer[])")
    if command.area_code is not None:
        lo, hi = codes.area_range(command.area_code)
        conditions.append(f"area BETWEEN {bind(lo)} AND {bind(hi)}")
    for name in ("status", "nature", "category", "program_code"):
        wanted = getattr(command, name)
        if wanted is not None:
            conditions.append(f"{name} = ANY ({bind([str(each) for each in wanted])}::text[])")
    for month, sign in ((command.month_from, ">="), (command.month_to, "<=")):
        if month is not None:
            conditions.append(f"{_month()} {sign} {bind(month)}")
    if before is not None:
        conditions.append(f"received_at < {bind(before)}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    found = await tx.fetch(
        f"SELECT {_key(command)} AS key, count(*) AS count FROM complaints{where} GROUP BY 1", *values
    )
    return {row["key"]: row["count"] for row in found}


def _key(command: CountComplaints) -> str:
    """SQL of the part that a complaint belongs to."""
    if command.by is CountedBy.AREA:
        width = _WIDTHS[_level(command)]
        return f"area_code(area - area % {width})"
    if command.by is CountedBy.MONTH:
        return _month()
    return "program_code" if command.by is CountedBy.PROGRAM else command.by.value.lower()


@cache
def _month() -> str:
    """SQL of the month in which a complaint was received, as its place counts days."""
    zones: dict[str, list[str]] = {}
    for province, zone in codes.time_zones().items():
        zones.setdefault(zone, []).append(province)
    whens = " ".join(
        f"WHEN area / 100000000 = ANY ('{{{','.join(provinces)}}}'::bigint[]) THEN '{zone}'"
        for zone, provinces in sorted(zones.items())
    )
    return f"to_char(received_at AT TIME ZONE (CASE {whens} ELSE 'Asia/Jakarta' END), 'YYYY-MM')"


def _level(command: CountComplaints) -> Level:
    """The level of the parts of a count by area."""
    if command.level is not None:
        return command.level
    levels = list(Level)
    above = -1 if command.area_code is None else levels.index(codes.parse_area_code(command.area_code).level)
    return levels[min(above + 1, len(levels) - 1)]


async def _keys(tx: Transaction, actor: Actor, command: CountComplaints) -> list[str | None]:
    """Every part that the answer has, whether there is a complaint in it or not."""
    if command.level is not None and command.by is not CountedBy.AREA:
        raise _refused("level", "filter_invalid", "Leave it out, or count by AREA.")
    if command.by is CountedBy.AREA:
        return _bounded(_areas(actor.rows, command.area_code, _level(command)), "level")
    if command.by is CountedBy.MONTH:
        return _bounded(_months(tx.now, command), "month_from")
    if command.by is CountedBy.PROGRAM:
        chosen = command.program_code
        known = [row["code"] for row in await tx.fetch("SELECT code FROM programs ORDER BY code")]
        return [*known, None] if chosen is None else [code for code in known if code in chosen]
    enum: type[StrEnum] = {
        CountedBy.STATUS: ComplaintStatus,
        CountedBy.NATURE: Nature,
        CountedBy.CATEGORY: Category,
    }[command.by]
    chosen = getattr(command, command.by.value.lower())
    return [code.value for code in enum if chosen is None or code in chosen]


def _refused(name: str, code: str, detail: str) -> errors.BadRequest:
    return errors.BadRequest(code, faults=(errors.Fault(name, code, detail),))


def _bounded(keys: Iterable[str], name: str) -> list[str | None]:
    found: list[str | None] = []
    for key in keys:
        if len(found) == MAX_PARTS:
            raise _refused(name, "too_many_parts", f"At most {MAX_PARTS} parts: ask for fewer.")
        found.append(key)
    return found


def _areas(rows: RowScope, area_code: str | None, level: Level) -> Iterable[str]:
    """Codes of that level, also withdrawn ones, that have a part in common with the scope and lie in the area."""
    width = _WIDTHS[level]
    lo, hi = codes.area_range(area_code) if area_code is not None else codes.NATION_RANGE
    if rows.lo is not None and rows.hi is not None:
        lo, hi = max(lo, rows.lo - rows.lo % width), min(hi, rows.hi)
    held = {area - area % width for area in rows.areas} if rows.kind is ScopeKind.AREA_LIST else None
    numbers = _numbers(level)
    for number in numbers[bisect_left(numbers, lo) : bisect_right(numbers, hi)]:
        if held is None or number in held:
            yield codes.area_code(number)


@cache
def _numbers(level: Level) -> list[int]:
    """Numbers of every area of the level that is or ever was, ascending."""
    dots = list(Level).index(level)
    return sorted(codes.area_number(code) for code in places.known() if code.count(".") == dots)


def _months(now: datetime, command: CountComplaints) -> Iterable[str]:
    """The months of the answer: those asked for, else the last twelve."""
    last = command.month_to or now.strftime("%Y-%m")
    year, month = int(last[:4]), int(last[5:])
    first = command.month_from
    if first is None:
        before = year * 12 + month - MONTHS
        first = f"{before // 12:04d}-{before % 12 + 1:02d}"
    at = int(first[:4]) * 12 + int(first[5:]) - 1
    while at <= year * 12 + month - 1:
        yield f"{at // 12:04d}-{at % 12 + 1:02d}"
        at += 1
