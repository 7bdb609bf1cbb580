"""`python -m benchmarks.clocks`: how many deadlines are worked out a second on one core, the row `clocks.due_at`.

Processor time, not that of the wall, so that what else the machine does matters little. Starts over four years, in three
zones, over calendars with decrees; five working days and fourteen, as most clocks have, and sixty. The calendars are worked
out before, as in the service, which does so once for each edition; how long that takes is told, too. Fails below 300,000 a
second.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from slrt_api.clocks.calendars import DayKind, DayLine, Decree, work_calendar
from slrt_api.kernel.worktime import Calendar, Promise, Unit, course, due_at

NAME = "clocks.due_at"
ASKED = 300_000
DEADLINES = 1_000_000
SEED = 7
ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")


@dataclass(frozen=True)
class Measured:
    """Deadlines a second of processor time, whole courses with warning a second, and seconds to work out a calendar."""

    due_at: float
    course: float
    calendar_seconds: float


def _cases(count: int) -> tuple[list[tuple[datetime, int, Calendar]], float]:
    chance = random.Random(SEED)
    day = date(2026, 12, 7)
    decree = Decree(UUID(int=1), 3326000000, 1, "1", "x", (DayLine(day, day, DayKind.REGIONAL, "H", "D"),))
    begun = time.process_time()
    calendars = [work_calendar(zone, (decree,)).calendar for zone in ZONES]
    for each in calendars:
        due_at(datetime(2026, 1, 5, tzinfo=UTC), Unit.WORKING_DAY, 1, each)
    spent = (time.process_time() - begun) / len(ZONES)
    first = datetime(2024, 1, 2, tzinfo=UTC)
    return [
        (
            first + timedelta(seconds=chance.randrange(4 * 365 * 86_400)),
            chance.choice((5, 14, 60)),
            chance.choice(calendars),
        )
        for _ in range(count)
    ], spent


def measure(count: int = DEADLINES) -> Measured:
    cases, calendar_seconds = _cases(count)
    begun = time.process_time()
    for start, amount, calendar in cases:
        due_at(start, Unit.WORKING_DAY, amount, calendar)
    deadlines = count / (time.process_time() - begun)
    promise = {amount: Promise(Unit.WORKING_DAY, amount, warn_percent=80) for amount in (5, 14, 60)}
    few = cases[: count // 20]
    begun = time.process_time()
    for start, amount, calendar in few:
        course(start, promise[amount], (), calendar)
    return Measured(deadlines, len(few) / (time.process_time() - begun), calendar_seconds)


def run() -> tuple[list[dict[str, Any]], list[str]]:
    """The row for `benchmarks/latest.json`, and what is wrong with it."""
    found = measure()
    print(
        f"{NAME}: {found.due_at:,.0f} a second of processor time (asked: {ASKED:,}); courses with their warning:"
        f" {found.course:,.0f} a second; a calendar is worked out in {found.calendar_seconds * 1_000:.0f} ms"
    )
    row = {
        "name": NAME,
        "a_second_of_processor_time": round(found.due_at),
        "courses_a_second": round(found.course),
        "calendar_ms": round(found.calendar_seconds * 1_000, 1),
        "demanded": ASKED,
    }
    return [row], [] if found.due_at >= ASKED else [f"{NAME}: {found.due_at:,.0f} a second, {ASKED:,} are asked"]


def main() -> None:
    _, wrong = run()
    if wrong:
        raise SystemExit(wrong[0])


if __name__ == "__main__":
    main()
