"""The stage of the demo: who acts in it, when, and that each act happens once however often it is asked for.

Every act goes through `Act` under the same roles and grants as a request would. Its name is its idempotency key: a seeding
that was interrupted is run again from the beginning, and what was done before is answered again instead of repeated.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from slrt_api.access.actors import Caller, Grant
from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.demo.clients import REGENCY
from slrt_api.demo.credentials import client_id
from slrt_api.kernel import errors
from slrt_api.runtime import idempotency
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Shape, select
from slrt_api.runtime.usecase import Act, Answer, Command, Platform, of

TENANT: Final = 3326
#: calendar days before now on which the demo begins: long enough for a deadline of five working days to pass around
#: holidays, short enough that no idempotency key of an interrupted seeding is forgotten before it is run again
DAYS: Final = idempotency.KEPT_DAYS - 1
#: office hours at which things happen, in the regency's own time
HOURS: Final = (time(8, 30), time(10, 45), time(13, 15))
_ZONE: Final = ZoneInfo("Asia/Jakarta")
_TRACE: Final = f"{TENANT:032x}"
_VILLAGE_ROLES: Final = frozenset({Role.FACILITATOR, Role.PUSKESOS_OFFICER, Role.PUSKESOS_COORDINATOR})
#: villages and districts that the development clients of these roles stand for; other places are somebody else's
_OWN: Final = "33.26.01.2001"

#: acts under way at once: no more than the smallest pool of connections that the settings allow for
_TOGETHER: Final = 3

Answered = dict[str, Any]
Done = TypeVar("Done")


async def together(jobs: Iterable[Callable[[], Awaitable[Done]]]) -> list[Done]:
    """Do jobs that are independent of each other, a few at a time: most of their time is spent waiting."""
    places = asyncio.Semaphore(_TOGETHER)

    async def one(job: Callable[[], Awaitable[Done]]) -> Done:
        async with places:
            return await job()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job)) for job in jobs]
    return [task.result() for task in tasks]


class Stage:
    """Where the acts of the demo take place. `at` is the instant of the next act; it never passes the running clock.

    issuer  issuer of the development clients' tokens, so that the people of the demo are those whom the tokens name
    """

    def __init__(self, database: Database, keyring: Keyring, issuer: str) -> None:
        self._database = database
        self._keyring = keyring
        self._issuer = issuer
        self._reads = Reads(keyring)
        self._now = datetime.now(UTC)
        self.at = self._now
        self._platform = Platform(
            database, self._reads, keyring, AccessLog(database), lambda *_: None, lambda: min(self.at, self._now)
        )
        first = (self._now - timedelta(days=DAYS)).astimezone(_ZONE).date()
        days = (first + timedelta(days=number) for number in range(DAYS + 1))
        self._moments = tuple(
            datetime.combine(day, hour, _ZONE).astimezone(UTC) for day in days if day.weekday() < 5 for hour in HOURS
        )

    def another(self) -> "Stage":
        """A stage of its own, at the same moment: what takes place there may be under way together with this."""
        stage = Stage(self._database, self._keyring, self._issuer)
        stage.at = self.at
        return stage

    @property
    def now(self) -> datetime:
        """The running clock when the seeding began."""
        return self._now

    def go_to(self, working_day: int, minutes: int = 0) -> None:
        """Go to the morning of a working day of the demo, counted from 0."""
        self.at = self._moments[working_day * len(HOURS)] + timedelta(minutes=minutes)

    def before_now(self, moments: int) -> None:
        """Go back from now, over so many moments at which something happens."""
        past = [moment for moment in self._moments if moment <= self._now]
        self.at = past[-moments]

    def later(self) -> None:
        """Go to the next moment of office hours at which something happens."""
        self.at = next((moment for moment in self._moments if moment > self.at), self._now)

    def months(self) -> tuple[date, ...]:
        """The first days of the months that the demo touches, and of the next one."""
        days = (*(moment.astimezone(_ZONE).date() for moment in self._moments), self._now.date() + timedelta(days=31))
        return tuple(sorted({day.replace(day=1) for day in days}))

    # Who ------------------------------------------------------------------------------------------------------------

    def actor(self, role: Role, area: str = REGENCY) -> Actor:
        """Whoever holds `role` in `area`: the development client where it is that client's place, else somebody else."""
        own = area == (_OWN if role in _VILLAGE_ROLES else REGENCY)
        return self._actor(role, None if own else area, Grant(role=role, areas=(area,)))

    def partner(self, code: str, organization_id: UUID) -> Actor:
        """Whoever acts for an organization."""
        return self._actor(Role.PARTNER, code, Grant(role=Role.PARTNER, areas=(REGENCY,), organization=organization_id))

    def _actor(self, role: Role, code: str | None, grant: Grant) -> Actor:
        scopes = frozenset(scope.value for scope in PERMISSIONS[role])
        return Caller(f"{self._issuer}#demo-{client_id(role.value, code)}", scopes, (grant,)).acting(None, self._now)

    @staticmethod
    def clockwork() -> Actor:
        """The platform itself, where a deadline has passed."""
        scopes = frozenset({Scope.REFERRALS_WRITE.value})
        return Actor("system#worker", "worker", scopes, RowScope(ScopeKind.WORKER))

    # What -----------------------------------------------------------------------------------------------------------

    async def act(
        self,
        name: str,
        actor: Actor,
        run: Callable[..., Awaitable[Any]],
        command: Command | None = None,
        *,
        on: UUID | None = None,
    ) -> Answered:
        """Run a use case, once for ever under `name`. Returns the resource as it was answered the first time."""
        case = of(run)
        key = idempotency.key_of(self._keyring, TENANT, ("demo",), name, b"")
        version = None
        if on is not None and case.conditional and not case.creates and case.answers is not None:
            version = await self._version(actor, case.answers, on)
            if version is None and case.may_hide:
                # Done before, as were the acts after it: a partner does not even see what it answered once it has ended.
                return {}
        try:
            answer = await self._patiently(actor, run, command, on, version, key)
        except errors.NotFound:
            if not case.may_hide:
                raise
            # Ended by the other of two processes since its version was read.
            return {}
        told: Answered = orjson.loads(answer.body) if answer.body else {}
        return told

    async def _patiently(
        self,
        actor: Actor,
        run: Callable[..., Awaitable[Any]],
        command: Command | None,
        on: UUID | None,
        version: int | None,
        key: idempotency.Key,
    ) -> Answer:
        """Wait for a second process that seeds the same database: each act is done by one of the two."""
        act = Act(self._platform, actor, _TRACE)
        for _ in range(100):
            try:
                return await act(run, command, on=on, expected_version=version, key=key)
            except errors.Conflict as conflict:
                if conflict.code != "request_in_flight":
                    raise
                await asyncio.sleep(0.05)
        raise errors.Unavailable("contended", retry_after_seconds=1)

    async def _version(self, actor: Actor, shape: Shape, id_: UUID) -> int | None:
        """The version of a resource, None where `actor` finds none."""
        async with self._database.transaction(actor.rows, write=False) as connection:
            with contextlib.suppress(errors.NotFound):
                return (await self._reads.item(connection, actor, select(shape), id_)).version
        return None

    async def exists(self, actor: Actor, shape: Shape, id_: UUID) -> bool:
        """Whether `actor` finds the resource."""
        return await self._version(actor, shape, id_) is not None
