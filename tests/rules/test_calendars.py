"""The national calendar: counts of the decrees, and due dates worked out by hand over its hardest weeks."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from slrt_api.clocks import calendars
from slrt_api.clocks.calendars import DayOff
from slrt_api.kernel.worktime import CalendarExhausted, Unit, due_at

ZONES = ["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura"]


def local(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


class TestDays:
    @pytest.mark.parametrize(
        ("year", "national", "joint_leave"), [(2024, 19, 10), (2025, 17, 11), (2026, 17, 8), (2027, 18, 8)]
    )
    def test_counts_of_every_year(self, year: int, national: int, joint_leave: int) -> None:
        kinds = Counter(entry.kind for entry in calendars.national_days() if entry.day.year == year)
        assert kinds == {DayOff.NATIONAL: national, DayOff.JOINT_LEAVE: joint_leave}

    def test_idul_fitri_2026_with_its_joint_leave(self) -> None:
        free = {entry.day: entry.kind for entry in calendars.national_days()}
        week = [free.get(date(2026, 3, 18) + timedelta(days=number)) for number in range(7)]
        joint, national = DayOff.JOINT_LEAVE, DayOff.NATIONAL
        assert week == [joint, national, joint, national, national, joint, joint]

    def test_both_languages_are_asked_for_by_name(self) -> None:
        names = {entry.day: (entry.name_id, entry.name_en) for entry in calendars.national_days()}
        assert names[date(2026, 8, 17)] == ("Hari Kemerdekaan Republik Indonesia", "Independence Day")

    def test_an_ad_hoc_day_of_2025_is_known(self) -> None:
        assert date(2025, 8, 18) in {entry.day for entry in calendars.national_days()}


class TestOfficeHours:
    def test_the_week_has_37_and_a_half_hours(self) -> None:
        monday = date(2026, 11, 23)
        calendar = calendars.national_calendar("Asia/Jakarta")
        windows = [window for day in range(7) for window in calendar.windows(monday + timedelta(days=day))]
        assert sum((closing - opening for opening, closing in windows), timedelta()) == timedelta(hours=37.5)

    @pytest.mark.parametrize(
        ("zone", "opens_utc"),
        [("Asia/Jakarta", 0), ("Asia/Pontianak", 0), ("Asia/Makassar", -1), ("Asia/Jayapura", -2)],
    )
    def test_each_zone_opens_at_its_own_half_past_seven(self, zone: str, opens_utc: int) -> None:
        opening, _ = calendars.national_calendar(zone).windows(date(2026, 11, 23))[0]
        assert opening == datetime(2026, 11, 23, 0, 30, tzinfo=UTC) + timedelta(hours=opens_utc)

    def test_another_countrys_zone_is_refused(self) -> None:
        with pytest.raises(LookupError):
            calendars.national_calendar("Europe/Amsterdam")


class TestDueDates:
    @pytest.mark.parametrize("zone", ZONES)
    def test_over_idul_fitri_2026(self, zone: str) -> None:
        """Received on Friday 13 March. Working days after it: 16, 17, then nothing until 25, 26, 27 March."""
        received = local(zone, 2026, 3, 13, 10, 0)
        due = due_at(received, Unit.WORKING_DAY, 5, calendars.national_calendar(zone))
        assert due == local(zone, 2026, 3, 27, 16, 30)

    def test_fourteen_working_days_also_pass_good_friday(self) -> None:
        """After 27 March (5): 30, 31, 1 and 2 April (9), Good Friday the 3rd is free, 6 to 10 April (14)."""
        received = local("Asia/Jakarta", 2026, 3, 13, 10, 0)
        due = due_at(received, Unit.WORKING_DAY, 14, calendars.national_calendar("Asia/Jakarta"))
        assert due == local("Asia/Jakarta", 2026, 4, 10, 16, 30)

    def test_calendar_days_do_not_care(self) -> None:
        received = local("Asia/Jayapura", 2026, 3, 13, 10, 0)
        due = due_at(received, Unit.CALENDAR_DAY, 60, calendars.national_calendar("Asia/Jayapura"))
        assert due == local("Asia/Jayapura", 2026, 5, 13, 0, 0)

    def test_past_the_last_expected_year_is_refused(self) -> None:
        received = local("Asia/Jakarta", 2029, 12, 23, 10, 0)
        with pytest.raises(CalendarExhausted):
            due_at(received, Unit.WORKING_DAY, 14, calendars.national_calendar("Asia/Jakarta"))

    def test_the_version_names_the_edition(self) -> None:
        assert calendars.national_calendar("Asia/Jakarta").version == "ID-2024-2027/ASN-5/holidays-0.109"


class TestRamadan:
    def test_every_month_ends_the_day_before_idul_fitri(self) -> None:
        free = {entry.day: entry.name_en for entry in calendars.national_days()}
        for month in calendars.ramadans():
            assert "Eid al-Fitr" in free[month.last + timedelta(days=1)]
            assert 29 <= (month.last - month.first).days + 1 <= 30

    def test_what_the_moon_decides_is_marked_until_it_is_decreed(self) -> None:
        marked = {entry.day for entry in calendars.national_days() if entry.estimated}
        assert date(2027, 3, 10) in marked
        assert date(2026, 3, 21) not in marked
        assert {day.year for day in marked} == {2027, 2028, 2029}
