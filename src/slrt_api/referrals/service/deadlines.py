"""By when a receiver answers and gives the service, in the local days of the client's place."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slrt_api.areas import codes
from slrt_api.clocks import policies
from slrt_api.clocks.calendars import national_calendar
from slrt_api.kernel import worktime
from slrt_api.referrals.codes import ReferralStatus


def local_day(at: datetime, area: int) -> date:
    """The day that it is at `at` in the zone of `area`."""
    return at.astimezone(ZoneInfo(zone(area))).date()


def period_of(at: datetime, area: int) -> date:
    """First day of the month in which places are counted at `at`, by the local calendar."""
    return local_day(at, area).replace(day=1)


def month_after(period: date) -> date:
    """First day of the next month."""
    return (period + timedelta(days=31)).replace(day=1)


def end_of(period: date, area: int) -> datetime:
    """The instant at which a month is over at the place."""
    return datetime.combine(month_after(period), time(), ZoneInfo(zone(area))).astimezone(UTC)


def respond_by(at: datetime, area: int) -> datetime:
    """By when what is sent at `at` has to be answered."""
    return _due("RESPOND", ReferralStatus.SENT, at, area)


def realize_by(at: datetime, area: int) -> datetime:
    """By when the service has to be given that was approved at `at`."""
    return _due("REALIZE", ReferralStatus.APPROVED, at, area)


def working_minutes(start: datetime, end: datetime, area: int) -> int:
    """Office minutes that passed at the place."""
    return worktime.working_minutes_between(start, end, national_calendar(zone(area)))


def zone(area: int) -> str:
    return codes.time_zone(codes.area_code(area))


def _due(name: str, event: ReferralStatus, at: datetime, area: int) -> datetime:
    found = policies.started_by(event.value, "referral", local_day(at, area))
    policy = next(each for each in found if each.name == name)
    return worktime.due_at(at, policy.unit, policy.amount, national_calendar(zone(area)))
