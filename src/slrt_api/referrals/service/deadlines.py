"""By when a receiver answers and gives the service, and until when it may read the package, in local days of the place."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slrt_api.areas import codes
from slrt_api.clocks import service as clocks
from slrt_api.clocks.service.situation import situation
from slrt_api.kernel import worktime
from slrt_api.organizations import service as organizations
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.referrals.models import Referral
from slrt_api.runtime.transaction import Transaction


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


async def respond_by(tx: Transaction, row: Referral) -> datetime:
    """By when it has to be answered that is sent in this act: the promise of the clock that begins with it."""
    return await _promised(tx, row, "RESPOND", ReferralStatus.SENT)


async def realize_by(tx: Transaction, row: Referral) -> datetime:
    """By when the service has to be given that is approved in this act."""
    return await _promised(tx, row, "REALIZE", ReferralStatus.APPROVED)


async def package_grace(tx: Transaction, row: Referral) -> timedelta:
    """How long after its deadline the receiver may read the package."""
    in_force = await organizations.policy_in_force(tx, row.regency, local_day(tx.now, row.area))
    return timedelta(days=in_force.policy.package_grace_days)


async def package_end(
    tx: Transaction, row: Referral, deadline: datetime, *, moved_from: datetime | None = None
) -> datetime | None:
    """Until when the package may be read with a new deadline; None where nothing is left to read.

    moved_from  the deadline as it was, where the same one was counted anew: the end follows it back as well, if it hangs on it
    """
    end = row.package_expires_at
    if end is None:
        return None
    grace = await package_grace(tx, row)
    if moved_from is not None and end == moved_from + grace:
        return deadline + grace
    return max(end, deadline + grace)


async def working_minutes(tx: Transaction, start: datetime, end: datetime, area: int) -> int:
    """Office minutes that passed at the place, by the calendar of its regency."""
    held = await situation(tx, area)
    return worktime.working_minutes_between(start, end, held.work.calendar)


def zone(area: int) -> str:
    return codes.time_zone(codes.area_code(area))


async def _promised(tx: Transaction, row: Referral, name: str, event: ReferralStatus) -> datetime:
    promised = await clocks.promise(tx, row, name, event)
    if promised is None:
        raise LookupError(f"no policy promises {name}")
    return promised
