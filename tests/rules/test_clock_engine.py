"""The clock engine against a second calculator, which walks minute by minute and shares nothing with it but the calendar data;
against a table of what other systems get wrong; and under other zones and times of the server.

The walker knows local dates and times only. It has no scale, no bisection and no instants: it takes one minute after the other
and asks the decrees whether that minute is worked.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from tests.sizes import size

from slrt_api.clocks import calendars, policies
from slrt_api.clocks.calendars import DayKind, DayLine, Decree, HoursKind, HoursLine, WorkCalendar
from slrt_api.clocks.service import explaining
from slrt_api.kernel.worktime import (
    Calendar,
    OfficeHours,
    Promise,
    Unit,
    course,
    due_at,
    position,
    used,
    working_minutes_between,
)

SEED = 20261130
ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
#: in microseconds of local time
_DAY, _MINUTE = 86_400_000_000, 60_000_000
REGENCY = 3326000000


# The calendar data ----------------------------------------------------------------------------------------------------


def decreed(rng: random.Random, area: int, edition: int) -> Decree:
    """A decree such as a regency or the nation may publish."""
    days = []
    for _ in range(rng.randrange(4)):
        first = date(2024, 1, 1) + rng.randrange(1_400) * DAY
        kind = rng.choice([DayKind.REGIONAL, DayKind.CLOSURE, DayKind.WORKING, DayKind.JOINT_LEAVE])
        days.append(DayLine(first, first + rng.randrange(3) * DAY, kind, "Hari", "Day"))
    hours = []
    for _ in range(rng.randrange(3)):
        first = date(2024, 1, 1) + rng.randrange(1_400) * DAY
        last = None if rng.random() < 0.3 else first + rng.randrange(40) * DAY
        name = rng.choice(sorted(calendars.schedules()))
        hours.append(HoursLine(first, last, rng.choice(list(HoursKind)), calendars.schedules()[name], name))
    return Decree(UUID(int=rng.getrandbits(128)), area, edition, f"{area}/{edition}", "x", tuple(days), tuple(hours))


@cache
def lines(seed: int) -> tuple[Decree, ...]:
    """Decrees of a regency and of the nation, in the order of their editions."""
    rng = random.Random(seed)
    return tuple(decreed(rng, area, edition) for area in (0, REGENCY) for edition in range(1, rng.randrange(1, 4)))


# The second calculator ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walker:
    """Which minutes are worked, by the decrees alone. Local time is the offset of the zone, which Indonesia never changes."""

    decrees: tuple[Decree, ...]
    offset: timedelta

    def windows(self, day: date) -> tuple[tuple[time, time], ...]:
        return _worked(self.decrees, day)

    def local(self, at: datetime) -> datetime:
        return at.replace(tzinfo=None) + self.offset

    def utc(self, local: datetime) -> datetime:
        return (local - self.offset).replace(tzinfo=UTC)

    def closing(self, day: date) -> datetime | None:
        windows = self.windows(day)
        return datetime.combine(day, windows[-1][1]) if windows else None

    def worked(self, at: datetime) -> bool:
        """Whether the time from here to the next whole minute is office time."""
        return any(opens <= at.time() < closes for opens, closes in self.windows(at.date()))

    def due(self, start: datetime, unit: Unit, amount: int, pauses: Sequence[tuple[datetime, datetime]]) -> datetime:
        """The deadline, by walking from the start. `pauses` as they count."""
        at, held = self.local(start), [(self.local(a), self.local(b)) for a, b in pauses]
        if unit in {Unit.CALENDAR_DAY, Unit.WORKING_DAY}:
            # Days that end: each midnight or closing that is passed and does not lie in a pause counts, and day 0 besides.
            left = amount + 1
            day = at.date()
            while True:
                if unit is Unit.CALENDAR_DAY:
                    end: datetime | None = datetime.combine(day + DAY, time())
                else:
                    end = self.closing(day)
                if end is not None and end > at and not any(a < end <= b for a, b in held):
                    left -= 1
                    if left == 0:
                        return self.utc(end)
                day += DAY
        return self._walk(at, amount, [edge for pause in held for edge in pause], always=unit is Unit.HOURS)

    def _walk(self, start: datetime, hours: int, edges: list[datetime], *, always: bool) -> datetime:
        """From one whole minute to the next, or to where a pause begins or ends within it, until the hours are used up."""
        now, left, paused = _micros(start), hours * 60 * _MINUTE, False
        ahead = [_micros(edge) for edge in edges]
        day, worked = -1, b""
        while True:
            if now // _DAY != day:
                day = now // _DAY
                worked = _minutes_of(self.decrees, date(1970, 1, 1) + day * DAY)
            minute = now // _MINUTE
            after = (minute + 1) * _MINUTE
            while ahead and ahead[0] <= now:
                ahead.pop(0)
                paused = not paused
            if ahead and ahead[0] < after:
                after = ahead[0]
            if not paused and (always or worked[minute % 1_440]):
                if after - now >= left:
                    return self.utc(datetime(1970, 1, 1) + timedelta(microseconds=now + left))  # noqa: DTZ001
                left -= after - now
            now = after

    def minutes(self, a: datetime, b: datetime) -> int:
        """Whole office minutes that end in (a, b]."""
        at, end, found = self.local(a), self.local(b), 0
        at = at.replace(second=0, microsecond=0)
        while at + MINUTE <= end:
            if self.worked(at) and at + MINUTE > self.local(a):
                found += 1
            at += MINUTE
        return found

    def in_office(self, at: datetime) -> bool:
        return self.worked(self.local(at))


@cache
def _worked(decrees: tuple[Decree, ...], day: date) -> tuple[tuple[time, time], ...]:
    """Office time of a day, told line by line from what is decreed."""
    free = day in _preset()
    given_back = False
    for area in (0, REGENCY):
        for each in decrees:
            if each.area == area:
                for line in each.days:
                    if line.first <= day <= line.last:
                        free, given_back = line.kind is not DayKind.WORKING, line.kind is DayKind.WORKING
    if free:
        return ()
    found: dict[HoursKind, tuple[tuple[tuple[time, time], ...], ...]] = {}
    for area in (0, REGENCY):
        for each in decrees:
            for hours in each.hours if each.area == area else ():
                if hours.first <= day and (hours.last is None or day <= hours.last):
                    found[hours.kind] = hours.week
    week = found.get(HoursKind.OFFICE, calendars.schedules()["ASN-5"])
    if any(each.first <= day <= each.last for each in calendars.ramadans()):
        week = calendars.schedules()["RAMADAN-6" if week[5] else "RAMADAN-5"]
    week = found.get(HoursKind.SPECIAL, found.get(HoursKind.RAMADAN, week))
    return week[day.weekday()] or (week[0] if given_back else ())


@cache
def _minutes_of(decrees: tuple[Decree, ...], day: date) -> bytes:
    """For each minute of a day whether it is office time."""
    windows = [(a.hour * 60 + a.minute, b.hour * 60 + b.minute) for a, b in _worked(decrees, day)]
    return bytes(any(a <= minute < b for a, b in windows) for minute in range(1_440))


def _micros(local: datetime) -> int:
    return (local - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001


@cache
def _preset() -> frozenset[date]:
    return frozenset(each.day for each in calendars.national_days())


# The cases ------------------------------------------------------------------------------------------------------------

#: times at which clocks begin and pause: the edges of offices and days, and any
EDGES = [time(0), time(7, 30), time(12), time(13), time(16), time(16, 30), time(23, 59), time(23, 59, 59, 999_000)]


@dataclass(frozen=True)
class Case:
    seed: int
    zone: str
    start: datetime
    promise: Promise
    pauses: tuple[datetime, ...]


def any_time(rng: random.Random, day: date, zone: str) -> datetime:
    at = rng.choice(EDGES) if rng.random() < 0.5 else time(rng.randrange(24), rng.randrange(60), rng.randrange(60))
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def cases(count: int) -> list[Case]:
    rng = random.Random(SEED)
    made = []
    for number in range(count):
        zone = rng.choice(ZONES)
        # One start in ten is about a leap day.
        day = (
            date(2024, 2, 27) + rng.randrange(4) * DAY
            if number % 10 == 0
            else date(2024, 1, 2) + rng.randrange(1_200) * DAY
        )
        start = any_time(rng, day, zone)
        unit = rng.choice(list(Unit))
        amount = rng.randrange(1, 30) if unit in {Unit.CALENDAR_DAY, Unit.WORKING_DAY} else rng.randrange(1, 20)
        edges = []
        at = start
        for _ in range(rng.choice([0, 0, 1, 2, 3, 4])):
            at = max(at, any_time(rng, (at + rng.randrange(5) * DAY).date(), zone))
            edges.append(at)
        limit = rng.randrange(1, 10)
        limit_unit = rng.choice([Unit.CALENDAR_DAY, Unit.WORKING_DAY, Unit.HOURS])
        warn = rng.choice([(None, None), (80, None), (None, 225)])
        made.append(
            Case(number % size(5, 40), zone, start, Promise(unit, amount, limit, limit_unit, *warn), tuple(edges))
        )
    return made


def work(case: Case) -> WorkCalendar:
    return calendars.work_calendar(case.zone, lines(case.seed))


def walker(case: Case) -> Walker:
    offset = datetime(2026, 1, 1, tzinfo=ZoneInfo(case.zone)).utcoffset()
    assert offset is not None
    return Walker(lines(case.seed), offset)


def paused(case: Case, walk: Walker) -> list[tuple[datetime, datetime]]:
    """The pauses as they count, cut where their limit is used up, by walking."""
    found: list[tuple[datetime, datetime]] = []
    left = case.promise.limit
    hours_left = timedelta(hours=left)
    edges = [*case.pauses, case.pauses[-1] + 400 * DAY] if len(case.pauses) % 2 else list(case.pauses)
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        end = b
        if a >= walk.due(case.start, case.promise.unit, case.promise.amount, found):
            # Due before it is paused: it stands still no more.
            break
        if case.promise.limit_unit is Unit.HOURS:
            end = min(b, a + hours_left)
            hours_left -= end - a
        else:
            day = walk.local(a).date()
            while left:
                midnight = datetime.combine(day + DAY, time())
                passed = midnight if case.promise.limit_unit is Unit.CALENDAR_DAY else walk.closing(day)
                day += DAY
                if passed is None or walk.utc(passed) <= a:
                    continue
                if walk.utc(passed) > b:
                    break
                left -= 1
                if left == 0:
                    end = walk.utc(passed)
        if end > a:
            found.append((a, end))
        if left == 0 or not hours_left:
            break
    return found


@cache
def no_wednesdays() -> Decree:
    """A decree that moves nearly every deadline."""
    first = date(2024, 1, 3)
    days = tuple(
        DayLine(day, day, DayKind.REGIONAL, "Rabu", "Wednesday")
        for day in (first + number * 7 * DAY for number in range(260))
    )
    return Decree(UUID(int=99), REGENCY, 99, "99", "x", days)


@cache
def _unaware(zone: str) -> Calendar:
    """A calendar that knows no free days and no decree."""
    return replace(calendars.national_calendar(zone), holidays=frozenset(), special={})


class TestAgainstTheWalker:
    def test_every_deadline_is_the_one_that_is_walked_to(self) -> None:
        tried = with_pauses = with_decrees = 0
        for case in cases(size(800, 100_000)):
            walk, of = walker(case), work(case)
            counted = paused(case, walk)
            run = course(case.start, case.promise, case.pauses, of.calendar)
            assert list(run.pauses) == counted, case
            assert run.due_at == walk.due(case.start, case.promise.unit, case.promise.amount, counted), case
            if run.warn_at is not None:
                assert walk.in_office(run.warn_at), case
                assert case.start <= run.warn_at < run.due_at, case
            tried += 1
            with_pauses += bool(counted)
            with_decrees += bool(lines(case.seed))
        print(f"seed {SEED}: {tried} cases, {with_pauses} with pauses, {with_decrees} under decrees")
        assert tried == size(800, 100_000)
        assert min(with_pauses, with_decrees) > tried // 5

    def test_a_decree_that_arrives_later_leads_where_the_walker_goes_with_it(self) -> None:
        moved = 0
        for case in cases(size(100, 5_000)):
            seed = case.seed % 4
            before = calendars.work_calendar(case.zone, lines(seed))
            later = (*lines(seed), no_wednesdays())
            after = calendars.work_calendar(case.zone, later)
            unpaused = replace(case, pauses=())
            old = course(case.start, case.promise, (), before.calendar).due_at
            new = course(case.start, case.promise, (), after.calendar).due_at
            walk = replace(walker(unpaused), decrees=later)
            assert new == walk.due(case.start, case.promise.unit, case.promise.amount, []), case
            moved += new != old
        assert moved > 30

    def test_office_minutes_are_those_that_are_walked(self) -> None:
        for case in cases(size(20, 2_000)):
            b = case.start + timedelta(hours=random.Random(case.start.timestamp()).randrange(200))
            assert working_minutes_between(case.start, b, work(case).calendar) == walker(case).minutes(case.start, b), (
                case
            )

    def test_the_walker_finds_an_engine_that_counts_holidays(self) -> None:
        """What it would say if the engine knew no free days: so the comparison can fail."""
        wrong = 0
        for case in cases(100):
            of = _unaware(case.zone)
            run = course(case.start, case.promise, (), of)
            wrong += run.due_at != walker(case).due(case.start, case.promise.unit, case.promise.amount, [])
        assert wrong > 10


class TestLaws:
    def test_spans_add_up_in_every_unit(self) -> None:
        rng = random.Random(SEED)
        for case in cases(size(300, 20_000)):
            a = case.start
            b = a + timedelta(seconds=rng.randrange(20 * 86_400))
            c = b + timedelta(microseconds=rng.randrange(20 * 86_400_000_000))
            of = work(case).calendar
            for unit in Unit:
                at = [position(each, unit, of) for each in (a, b, c)]
                assert at[2] - at[0] == (at[1] - at[0]) + (at[2] - at[1])  # type: ignore[operator]
                assert at[0] <= at[1] <= at[2]  # type: ignore[operator]
            whole = working_minutes_between(a, c, of)
            assert whole == working_minutes_between(a, b, of) + working_minutes_between(b, c, of)

    def test_a_clock_that_paused_before_it_was_due_is_never_due_when_it_runs_on(self) -> None:
        tried = 0
        for case in cases(size(500, 50_000)):
            of = work(case).calendar
            running: list[datetime] = []
            for begun, ran_on in zip(case.pauses[::2], case.pauses[1::2], strict=False):
                if course(case.start, case.promise, running, of).due_at <= begun:
                    break
                running += [begun, ran_on]
                run = course(case.start, case.promise, running, of)
                if run.pauses and run.pauses[-1][1] == ran_on:
                    tried += 1
                    assert run.due_at > ran_on, case
                assert run.due_at >= course(case.start, case.promise, (), of).due_at
        assert tried > 50

    def test_while_it_stands_still_it_is_due_after_its_limit(self) -> None:
        for case in cases(size(500, 50_000)):
            of = work(case).calendar
            run = course(case.start, case.promise, (case.start + MINUTE,), of)
            if run.paused_until is not None and course(case.start, case.promise, (), of).due_at > case.start + MINUTE:
                assert run.due_at > run.paused_until, case

    def test_what_is_used_up_at_the_deadline_is_the_allowance(self) -> None:
        for case in cases(size(500, 20_000)):
            of = work(case).calendar
            run = course(case.start, case.promise, case.pauses, of)
            spent = used(case.start, run.due_at, case.promise.unit, run.pauses, of)
            if isinstance(spent, int):
                assert spent == case.promise.amount + 1
            else:
                assert spent == timedelta(hours=case.promise.amount)

    def test_an_explanation_leads_to_the_deadline_without_a_gap(self) -> None:
        for case in cases(size(200, 5_000)):
            run, pieces = explaining.segments(case.start, case.promise, case.pauses, work(case))
            assert (pieces[0].first, pieces[-1].last) == (case.start, run.due_at)
            assert all(one.last == next_.first for one, next_ in pairwise(pieces))
            if case.promise.unit in {Unit.CALENDAR_DAY, Unit.WORKING_DAY}:
                assert sum(each.days or 0 for each in pieces) == case.promise.amount + 1
            else:
                assert sum(each.seconds or 0 for each in pieces) == pytest.approx(case.promise.amount * 3_600, abs=1e-3)
            assert all(not each.counted for each in pieces if each.why.code in {"PAUSE", "NATIONAL", "NO_WORKING_DAY"})


def at(text: str, zone: str = "Asia/Jakarta") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


class TestFailuresOfOthers:
    """Each was seen in a system that people rely on."""

    def test_no_minute_is_lost_at_midnight(self) -> None:
        # Offices that never close: elsewhere each midnight swallowed a minute, because a day ended at 23:59.
        for unit, amount in ((Unit.HOURS, 72), (Unit.CALENDAR_DAY, 3)):
            due = due_at(at("2026-11-23T00:00"), unit, amount, calendars.national_calendar("Asia/Jakarta"))
            assert due == at("2026-11-26T00:00") + (DAY if unit is Unit.CALENDAR_DAY else timedelta())
        day = ((time(0), time(23, 59)),)
        late = Calendar(
            "Asia/Jakarta",
            OfficeHours.of(dict.fromkeys(range(7), day)),
            frozenset(),
            date(2026, 1, 1),
            date(2026, 12, 31),
            "x",
        )
        # Half-open to 23:59 loses one minute a day, and says so; nothing else is lost.
        assert working_minutes_between(at("2026-11-23T00:00"), at("2026-11-26T00:00"), late) == 3 * (24 * 60 - 1)

    def test_a_millisecond_before_midnight_is_still_today(self) -> None:
        preset = calendars.national_calendar("Asia/Jakarta")
        before, after = at("2026-11-23T23:59:59.999"), at("2026-11-24T00:00")
        assert due_at(before, Unit.CALENDAR_DAY, 1, preset) == at("2026-11-25T00:00")
        assert due_at(after, Unit.CALENDAR_DAY, 1, preset) == at("2026-11-26T00:00")

    def test_nobody_is_reminded_at_midnight_or_on_a_holiday(self) -> None:
        walk = Walker((), timedelta(hours=7))
        for policy in policies.load_policies():
            if policy.warn_percent is None and policy.warn_minutes is None:
                continue
            for hour in range(0, 24 * 40, 7):
                start = at("2026-12-10T00:00") + timedelta(hours=hour)
                run = course(start, policy.promise, (), calendars.national_calendar("Asia/Jakarta"))
                assert run.warn_at is None or walk.in_office(run.warn_at)

    def test_days_are_not_read_as_hours(self) -> None:
        [policy] = [each for each in policies.load_policies() if each.name == "DATA_SUBJECT_REQUEST"]
        assert (policy.unit, policy.amount) == (Unit.HOURS, 3 * 24)
        friday = at("2026-11-27T15:00")
        preset = calendars.national_calendar("Asia/Jakarta")
        assert course(friday, policy.promise, (), preset).due_at == at("2026-11-30T15:00")
        assert due_at(friday, Unit.WORKING_DAY, 3, preset) == at("2026-12-02T16:00")

    def test_a_policy_that_ended_starts_nothing(self) -> None:
        [triage] = [each for each in policies.load_policies() if each.name == "TRIAGE"]
        ended = replace(triage, effective_to=date(2026, 11, 29))
        for day, found in ((date(2026, 11, 29), (ended,)), (date(2026, 11, 30), ())):
            assert policies.started_by({"RECEIVED"}, "complaint", day, nature="GRIEVANCE", among=[ended]) == found

    def test_of_two_policies_the_flag_holds_then_the_regency_then_the_class(self) -> None:
        shipped = policies.load_policies()
        [of_nature] = [each for each in shipped if each.name == "RESOLVE" and "GRIEVANCE" in each.natures]
        general = replace(of_nature, area=REGENCY, natures=frozenset(), amount=10)
        among = (*shipped, general)
        day = date(2026, 11, 30)
        for flags, amount in (((), 10), (("OVERSIGHT",), 60)):
            found = policies.started_by(
                {"RECEIVED"}, "complaint", day, nature="GRIEVANCE", severity_flags=flags, among=among
            )
            assert [each.amount for each in found if each.name == "RESOLVE"] == [amount]

    def test_a_pause_is_no_way_out(self) -> None:
        """However often it is paused, a clock stands still no longer than its limit in all."""
        [resolve] = [
            each for each in policies.load_policies() if each.name == "RESOLVE" and "GRIEVANCE" in each.natures
        ]
        preset = calendars.national_calendar("Asia/Jakarta")
        start = at("2026-06-01T09:00")
        pauses = [start + timedelta(days=11 * number + side) for number in range(30) for side in (1, 11)]
        run = course(start, resolve.promise, pauses, preset)
        held = sum((preset.local_day(b) - preset.local_day(a)).days for a, b in run.pauses)
        assert held == resolve.pause_limit == 30

    @pytest.mark.parametrize(
        ("captured", "counts"),
        [
            (None, False),
            (timedelta(seconds=1), False),
            (timedelta(0), False),
            (-timedelta(seconds=1), True),
            (-policies.MAX_CAPTURE_AGE, True),
            (-policies.MAX_CAPTURE_AGE - timedelta(microseconds=1), False),
            (-timedelta(days=20_000), False),
        ],
    )
    def test_a_skewed_capture_counts_as_received(self, captured: timedelta | None, counts: bool) -> None:
        [duty] = [each for each in policies.load_policies() if each.name == "HAND_IN"]
        now = at("2026-11-30T09:00").astimezone(UTC)
        recorded = None if captured is None else now + captured
        start = policies.start_of(duty, now, received_at=now, captured_at=recorded)
        assert start == (recorded if counts else None)


class TestCalendars:
    def test_years_not_decreed_yet_are_marked_and_end_with_the_decree(self) -> None:
        start = at("2027-12-23T10:00")
        promise = Promise(Unit.WORKING_DAY, 14)
        expected = course(start, promise, (), calendars.national_calendar("Asia/Jakarta"))
        assert expected.uncertain
        yearly = Decree(
            UUID(int=1),
            0,
            1,
            "SKB 2028",
            "x",
            (DayLine(date(2028, 1, 3), date(2028, 1, 3), DayKind.JOINT_LEAVE, "C", "J"),),
            (),
            2028,
        )
        known = course(start, promise, (), calendars.work_calendar("Asia/Jakarta", (yearly,)).calendar)
        assert (known.uncertain, known.due_at.date()) == (False, expected.due_at.date() + DAY)
        assert not course(at("2026-11-30T10:00"), promise, (), calendars.national_calendar("Asia/Jakarta")).uncertain
        assert course(at("2027-03-01T10:00"), promise, (), calendars.national_calendar("Asia/Jakarta")).uncertain

    def test_ramadan_is_shorter_and_a_six_day_week_stays_one(self) -> None:
        six = Decree(
            UUID(int=2),
            REGENCY,
            1,
            "6",
            "x",
            (),
            (HoursLine(date(2026, 1, 1), None, HoursKind.OFFICE, calendars.schedules()["ASN-6"]),),
        )
        for decrees, hours in (((), 32.5), ((six,), 33)):
            of = calendars.work_calendar("Asia/Jakarta", decrees).calendar
            windows = [window for day in range(7) for window in of.windows(date(2026, 2, 23) + day * DAY)]
            assert sum((b - a for a, b in windows), timedelta()) == timedelta(hours=hours)

    def test_the_version_names_what_holds_and_is_read_back(self) -> None:
        version = calendars.version_of(2, REGENCY, 3)
        assert version == f"{calendars.base_version()}/N2/33.26-3"
        assert calendars.editions_of(version) == (2, 3)
        assert calendars.editions_of(calendars.base_version()) == (0, 0)
        assert calendars.editions_of("ID-2023/other") is None


_PROGRAM = """
import json, random, sys
sys.path.insert(0, {root!r})
from tests.rules.test_clock_engine import answers
print(json.dumps(answers()))
"""


def answers() -> list[list[str | None]]:
    """What the engine says of some cases; told by a server with another zone as well."""
    found: list[list[str | None]] = []
    for case in cases(60):
        run = course(case.start, case.promise, case.pauses, work(case).calendar)
        found.append([run.due_at.isoformat(), run.warn_at.isoformat() if run.warn_at else None])
    return found


class TestServer:
    def test_a_server_in_newfoundland_says_the_same(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        environment = os.environ | {"TZ": "America/St_Johns", "LANG": "C", "LC_ALL": "C"}
        told = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(root=root)],
            env=environment,
            check=True,
            capture_output=True,
            cwd=root,
        ).stdout
        assert json.loads(told) == answers()
