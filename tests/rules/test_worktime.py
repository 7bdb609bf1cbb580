"""Working time: boundary tables, then laws over random instants."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.kernel.worktime import (
    Calendar,
    CalendarExhausted,
    OfficeHours,
    Unit,
    due_at,
    working_minutes_between,
)

# Monday to Thursday with a lunch break, a longer one on Friday for prayer.
WEEK = OfficeHours.of(
    {day: ((time(8), time(12)), (time(13), time(16))) for day in range(4)}
    | {4: ((time(8), time(11, 30)), (time(13, 30), time(16, 30)))}
)
ZONES = {"Asia/Jakarta": 7, "Asia/Makassar": 8, "Asia/Jayapura": 9}


def calendar(zone: str = "Asia/Jakarta", hours: OfficeHours = WEEK) -> Calendar:
    holidays = frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2024, 2, 8)})
    return Calendar(zone, hours, holidays, date(2024, 1, 1), date(2026, 12, 31), "2026-1")


def local(text: str, zone: str = "Asia/Jakarta") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


class TestRefusals:
    def test_a_calendar_that_ends_before(self) -> None:
        start = local("2026-12-31T15:59:59")
        assert due_at(start, Unit.WORKING_DAY, 0, calendar()) == local("2026-12-31T16:00")
        for unit, amount in ((Unit.WORKING_DAY, 1), (Unit.WORKING_HOURS, 1)):
            with pytest.raises(CalendarExhausted) as refused:
                due_at(start, unit, amount, calendar())
            assert refused.value.code == "calendar_exhausted"

    def test_a_start_before_the_calendar(self) -> None:
        with pytest.raises(CalendarExhausted):
            due_at(local("2023-12-31T23:59:59"), Unit.WORKING_DAY, 0, calendar())

    def test_a_span_that_leaves_the_calendar(self) -> None:
        with pytest.raises(CalendarExhausted):
            working_minutes_between(local("2026-12-31T09:00"), local("2027-01-01T00:00:01"), calendar())

    @pytest.mark.parametrize("unit", Unit)
    def test_naive_instants_and_negative_amounts(self, unit: Unit) -> None:
        with pytest.raises(ValueError, match="time zone"):
            due_at(datetime(2026, 11, 23), unit, 1, calendar())  # noqa: DTZ001
        with pytest.raises(ValueError, match="negative"):
            due_at(local("2026-11-23T09:00"), unit, -1, calendar())

    @pytest.mark.parametrize(
        ("day", "complaint"),
        [
            (((time(8), time(8)),), "ascend"),
            (((time(13), time(16)), (time(8), time(12))), "ascend"),
            (((time(8), time(12)), (time(12), time(16))), "ascend"),
            (((time(8), time(16, 0, 30)),), "whole minutes"),
            (((time(8, tzinfo=UTC), time(16, tzinfo=UTC)),), "local times"),
            ((), "seven days"),
        ],
    )
    def test_office_hours_that_make_no_sense(self, day: tuple[tuple[time, time], ...], complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            OfficeHours.of({0: day})

    def test_weekdays_and_validity_that_do_not_exist(self) -> None:
        with pytest.raises(ValueError, match="0 to 6"):
            OfficeHours.of({7: ((time(8), time(16)),)})
        with pytest.raises(ValueError, match="ends after"):
            Calendar("Asia/Jakarta", WEEK, frozenset(), date(2026, 1, 2), date(2026, 1, 1), "x")


# 2026-11-23 is a Monday.
WORKING_DAYS = [
    ("before opening", "2026-11-23T00:00:00", 1, "2026-11-24T16:00"),
    ("one second before closing", "2026-11-23T15:59:59", 1, "2026-11-24T16:00"),
    ("at closing", "2026-11-23T16:00:00", 1, "2026-11-25T16:00"),
    ("one second after closing", "2026-11-23T16:00:01", 1, "2026-11-25T16:00"),
    ("last second of the day", "2026-11-23T23:59:59", 1, "2026-11-25T16:00"),
    ("in the lunch break", "2026-11-23T12:30:00", 0, "2026-11-23T16:00"),
    ("nothing to wait for, but closed", "2026-11-23T16:00:00", 0, "2026-11-24T16:00"),
    ("Thursday for Friday's closing", "2026-11-26T09:00:00", 1, "2026-11-27T16:30"),
    ("Friday before closing", "2026-11-27T16:29:59", 1, "2026-11-30T16:00"),
    ("Friday at closing", "2026-11-27T16:30:00", 1, "2026-12-01T16:00"),
    ("Saturday", "2026-11-28T10:00:00", 1, "2026-12-01T16:00"),
    ("Sunday night", "2026-11-29T23:59:59", 1, "2026-12-01T16:00"),
    ("over two holidays and a weekend", "2026-12-23T10:00:00", 1, "2026-12-28T16:00"),
    ("on a holiday", "2026-12-24T10:00:00", 1, "2026-12-29T16:00"),
    ("closed before the holidays", "2026-12-23T16:00:00", 1, "2026-12-29T16:00"),
    ("onto the leap day", "2024-02-28T10:00:00", 1, "2024-02-29T16:00"),
    ("over the leap day", "2024-02-28T10:00:00", 2, "2024-03-01T16:30"),
    ("closed on the leap day", "2024-02-29T16:00:00", 0, "2024-03-01T16:30"),
    ("fourteen", "2026-11-02T10:00:00", 14, "2026-11-20T16:30"),
]
WORKING_HOURS = [
    ("before opening", "2026-11-23T06:00:00", 1, "2026-11-23T09:00"),
    ("over lunch", "2026-11-23T11:30:00", 1, "2026-11-23T13:30"),
    ("up to lunch exactly", "2026-11-23T11:00:00", 1, "2026-11-23T12:00"),
    ("up to closing exactly", "2026-11-23T15:00:00", 1, "2026-11-23T16:00"),
    ("one second over closing", "2026-11-23T15:00:01", 1, "2026-11-24T08:00:01"),
    ("at closing", "2026-11-23T16:00:00", 1, "2026-11-24T09:00"),
    ("a whole day", "2026-11-23T09:00:00", 7, "2026-11-24T09:00"),
    ("Friday afternoon", "2026-11-27T16:00:00", 1, "2026-11-30T08:30"),
    ("over holidays", "2026-12-23T15:30:00", 1, "2026-12-28T08:30"),
    ("nothing to wait for, but closed", "2026-11-28T10:00:00", 0, "2026-11-30T08:00"),
    ("nothing to wait for, at closing", "2026-11-23T16:00:00", 0, "2026-11-24T08:00"),
    ("nothing to wait for", "2026-11-23T10:00:00", 0, "2026-11-23T10:00"),
]
CALENDAR_DAYS = [
    ("the same day", "2026-11-23T00:00:00", 0, "2026-11-24T00:00"),
    ("last second", "2026-11-23T23:59:59", 1, "2026-11-25T00:00"),
    ("weekends count", "2026-11-27T12:00:00", 2, "2026-11-30T00:00"),
    ("leap day", "2024-02-28T12:00:00", 1, "2024-03-01T00:00"),
    ("past the end of the calendar", "2026-12-31T12:00:00", 14, "2027-01-15T00:00"),
]


def table(rows: list[tuple[str, str, int, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("start", "amount", "due"), [row[1:] for row in rows], ids=[row[0] for row in rows])


@pytest.mark.parametrize("zone", ZONES)
class TestDueAt:
    @table(WORKING_DAYS)
    def test_working_days(self, zone: str, start: str, amount: int, due: str) -> None:
        assert due_at(local(start, zone), Unit.WORKING_DAY, amount, calendar(zone)) == local(due, zone)

    @table(WORKING_HOURS)
    def test_working_hours(self, zone: str, start: str, amount: int, due: str) -> None:
        assert due_at(local(start, zone), Unit.WORKING_HOURS, amount, calendar(zone)) == local(due, zone)

    @table(CALENDAR_DAYS)
    def test_calendar_days(self, zone: str, start: str, amount: int, due: str) -> None:
        assert due_at(local(start, zone), Unit.CALENDAR_DAY, amount, calendar(zone)) == local(due, zone)

    def test_hours_are_real_time(self, zone: str) -> None:
        start = local("2026-12-31T23:00", zone)
        assert due_at(start, Unit.HOURS, 72, calendar(zone)) == start.astimezone(UTC) + timedelta(hours=72)

    def test_answers_are_utc(self, zone: str) -> None:
        start = local("2026-11-23T09:00", zone)
        assert [due_at(start, unit, 1, calendar(zone)).tzinfo for unit in Unit] == [UTC] * 4

    def test_the_zone_decides_which_day_it_is(self, zone: str) -> None:
        closing_in_jakarta = datetime(2026, 11, 23, 8, 59, 59, tzinfo=UTC)
        day = 24 if zone == "Asia/Jakarta" else 25
        expected = datetime(2026, 11, day, 16 - ZONES[zone], tzinfo=UTC)
        assert due_at(closing_in_jakarta, Unit.WORKING_DAY, 1, calendar(zone)) == expected


class TestClockChanges:
    def test_a_midnight_that_is_skipped_is_the_instant_of_the_change(self) -> None:
        cairo = calendar("Africa/Cairo")  # on 2024-04-26 the clocks went from 00:00 to 01:00
        due = due_at(local("2024-04-25T10:00", "Africa/Cairo"), Unit.CALENDAR_DAY, 0, cairo)
        assert due == datetime(2024, 4, 25, 22, tzinfo=UTC)

    def test_office_time_over_a_change_is_real_time(self) -> None:
        nights = OfficeHours.of(dict.fromkeys(range(7), ((time(1), time(4)),)))
        berlin = calendar("Europe/Berlin", nights)
        spring, autumn = date(2024, 3, 31), date(2024, 10, 27)
        lengths = [[closing - opening for opening, closing in berlin.windows(day)] for day in (spring, autumn)]
        assert lengths == [[timedelta(hours=2)], [timedelta(hours=4)]]

    def test_hours_that_begin_in_the_gap_begin_at_the_change(self) -> None:
        gap = OfficeHours.of(dict.fromkeys(range(7), ((time(2, 15), time(2, 45)), (time(2, 50), time(3, 30)))))
        windows = calendar("Europe/Berlin", gap).windows(date(2024, 3, 31))
        assert windows == ((datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),)


class TestWorkingMinutes:
    @pytest.mark.parametrize(
        ("a", "b", "minutes"),
        [
            ("2026-11-23T08:00:00", "2026-11-23T16:00:00", 420),
            ("2026-11-23T07:59:59", "2026-11-23T08:00:59", 0),
            ("2026-11-23T08:00:59", "2026-11-23T08:01:00", 1),
            ("2026-11-23T15:59:59", "2026-11-23T16:00:00", 1),
            ("2026-11-23T16:00:00", "2026-11-24T08:00:00", 0),
            ("2026-11-23T11:59:00", "2026-11-23T13:01:00", 2),
            ("2026-11-27T16:00:00", "2026-11-30T08:30:00", 60),
            ("2026-12-23T16:00:00", "2026-12-28T08:00:00", 0),
            ("2024-02-29T00:00:00", "2024-03-01T00:00:00", 420),
            ("2026-11-24T08:00:00", "2026-11-23T08:00:00", -420),
        ],
    )
    @pytest.mark.parametrize("zone", ZONES)
    def test_boundaries(self, zone: str, a: str, b: str, minutes: int) -> None:
        assert working_minutes_between(local(a, zone), local(b, zone), calendar(zone)) == minutes


MOMENTS = st.datetimes(
    datetime(2024, 1, 2),  # noqa: DTZ001
    datetime(2026, 11, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
NEAR = st.timedeltas(timedelta(), timedelta(days=12))
NIGHTS = OfficeHours.of(dict.fromkeys(range(7), ((time(0), time(2, 30)), (time(2, 45), time(3, 30)))))
CALENDARS = st.sampled_from(
    [*(calendar(zone) for zone in ZONES), calendar("Europe/Berlin", NIGHTS), calendar("Africa/Cairo", NIGHTS)]
)


class TestLaws:
    @settings(max_examples=size(150, 100_000), deadline=None)
    @given(start=MOMENTS, later=NEAR, unit=st.sampled_from(Unit), amount=st.integers(0, 20), of=CALENDARS)
    def test_due_instants_are_monotone(
        self, start: datetime, later: timedelta, unit: Unit, amount: int, of: Calendar
    ) -> None:
        due = due_at(start, unit, amount, of)
        assert start <= due <= due_at(start + later, unit, amount, of)
        assert due <= due_at(start, unit, amount + 1, of)

    @settings(max_examples=size(150, 100_000), deadline=None)
    @given(a=MOMENTS, ab=NEAR, bc=NEAR, of=CALENDARS)
    def test_spans_add_up(self, a: datetime, ab: timedelta, bc: timedelta, of: Calendar) -> None:
        b, c = a + ab, a + ab + bc
        parts = working_minutes_between(a, b, of) + working_minutes_between(b, c, of)
        assert working_minutes_between(a, c, of) == parts
        assert parts >= 0

    @settings(max_examples=size(100, 100_000), deadline=None)
    @given(start=MOMENTS, amount=st.integers(1, 40), of=CALENDARS)
    def test_an_allowance_of_hours_is_that_much_office_time(self, start: datetime, amount: int, of: Calendar) -> None:
        due = due_at(start, Unit.WORKING_HOURS, amount, of)
        assert working_minutes_between(start, due, of) == amount * 60
