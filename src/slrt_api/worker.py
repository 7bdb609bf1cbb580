"""The worker: a table of jobs and the loop that runs them. It knows when, never what.

Any number of workers may run beside each other and beside the API; what a job does is safe to be done by all of them.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from slrt_api.attachments.adapters import store
from slrt_api.attachments.adapters.store import Store
from slrt_api.clocks import calendars
from slrt_api.flows import asking, deadlines, examining, finding, reminders, rerouting, screening, upkeep
from slrt_api.households.adapters import civil
from slrt_api.households.adapters.civil import CivilRegistry
from slrt_api.households.service import civil_checks
from slrt_api.runtime import traces
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.telemetry import Telemetry
from slrt_api.runtime.usecase import Platform
from slrt_api.settings import Settings

#: how long a round under way may take to finish when the worker is told to stop
ENDING_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """Something to do every `every_seconds`, counted from the end of the last round. `run` returns how much it did."""

    name: str
    every_seconds: float
    run: Callable[[Platform], Awaitable[int]]


JOBS: Final = (
    Job("breach_clocks", 15, upkeep.breach_clocks),
    Job("recompute_clocks", 30, deadlines.recompute_clocks),
    Job("stop_clocks_of_ended", 30, deadlines.stop_clocks_of_ended),
    Job("warn_clocks", 15, upkeep.warn_clocks),
    Job("expire_referrals", 15, rerouting.expire_referrals),
    Job("reroute_referrals", 5, rerouting.reroute_referrals),
    Job("empty_packages", 60, rerouting.empty_outlived_packages),
    Job("remind_plan_lines", 60, reminders.remind_plan_lines),
    Job("tell_reassessments", 60, reminders.tell_reassessments),
    Job("find_duplicates", 5, finding.find_duplicates),
    Job("run_duplicates", 5, finding.run_duplicates),
    Job("run_screenings", 5, screening.run_screenings),
    Job("forget_screenings", 600, screening.forget_screenings),
    Job("expire_idempotency", 3_600, upkeep.expire_idempotency),
    Job("forget_tracking_failures", 3_600, upkeep.forget_tracking_failures),
    Job("forget_quota_uses", 3_600, upkeep.forget_quota_uses),
)


def jobs_of(registry: CivilRegistry | None, objects: Store | None = None) -> Sequence[Job]:
    """The jobs of a worker that may ask this civil registry and reaches this object store; without one, all others."""
    jobs = [*JOBS]
    if registry is not None:
        jobs.append(Job("ask_civil_registry", 2, asking.of(registry)))
    if objects is not None:
        jobs.append(Job("examine_attachments", 1, examining.of(objects)))
    return jobs


async def work(platform: Platform, stop: asyncio.Event, jobs: Sequence[Job] = JOBS, *, ratio: float = 0.0) -> None:
    """Run `jobs`, each at its own pace, until `stop` is set; a round under way has ENDING_SECONDS to finish.

    What it is at after that is undone, as if the worker had died, and done again by the next one: rounds are many acts, and
    those that find duplicates among thousands of people take minutes.

    ratio  share of rounds whose traces are sampled
    """
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(job, platform, stop, ratio), name=job.name)


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Work on the database of the settings until SIGTERM or SIGINT, or until `stop` is set.

    Raises RuntimeError without SLRT_DATABASE_URL, KeysRefused for keys that cannot be used.
    """
    if settings.database_url is None:
        message = "SLRT_DATABASE_URL is not set"
        raise RuntimeError(message)
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keyring = Keyring.from_settings(settings, Path(settings.data_dir) if settings.data_dir else None)
    telemetry = Telemetry(settings)
    database = await Database.connect(settings.database_url, settings)
    accesses = AccessLog(database)
    platform = Platform(
        database,
        Reads(keyring, telemetry.metrics.unreadable),
        keyring,
        accesses,
        telemetry.metrics.act,
        limits=civil_checks.limits(settings),
    )
    await asyncio.to_thread(calendars.load)
    telemetry.start()
    accesses.start()
    registry = civil.configured(settings)
    jobs = jobs_of(registry, store.configured(settings))
    _log.info("worker_started", jobs=[job.name for job in jobs])
    try:
        await work(platform, stop, jobs, ratio=settings.trace_sample_ratio)
    finally:
        if registry is not None:
            await registry.aclose()
        await accesses.close()
        await database.close()
        await asyncio.to_thread(telemetry.stop)
        _log.info("worker_stopped")


async def _round(job: Job, platform: Platform, stop: asyncio.Event) -> int:
    """One round of a job. Once `stop` is set it has ENDING_SECONDS left."""
    running, stopped = asyncio.ensure_future(job.run(platform)), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await asyncio.wait({running}, timeout=ENDING_SECONDS)
        if running.done():
            return await running
        _log.info("job_interrupted", job=job.name)
        return 0
    finally:
        for task in (running, stopped):
            task.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)


async def _repeat(job: Job, platform: Platform, stop: asyncio.Event, ratio: float) -> None:
    while not stop.is_set():
        traces.use(traces.begin(None, ratio=ratio))
        try:
            with traces.act_span(job.name):
                done = await _round(job, platform, stop)
        except Exception:
            # The outermost edge of a worker: a database that is away for a minute must not end it.
            _log.exception("job_failed", job=job.name)
        else:
            if done:
                _log.info("job_done", job=job.name, count=done)
        try:
            await asyncio.wait_for(stop.wait(), job.every_seconds)
        except TimeoutError:
            continue
