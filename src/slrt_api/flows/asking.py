"""Asking the civil registry: the worker's rounds over the checks that are due.

Any number of workers may do it at once. A check is taken up in one statement that skips what others hold, and is out of their
sight until its lease ends; then the registry is asked with no transaction open; then one act writes what came of it, if no
later attempt has begun. A worker that dies in between loses an attempt and no check.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from pydantic import Field

from slrt_api.flows.upkeep import WORKER
from slrt_api.households.adapters.civil import CivilRegistry, CivilRegistryAway, Verdict
from slrt_api.households.codes import CivilCheckStatus, Standing
from slrt_api.households.models import CivilCheck, Person
from slrt_api.households.service import civil_checks
from slrt_api.households.service.civil_checks import Question
from slrt_api.kernel import errors
from slrt_api.kernel.ids import tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Command, Platform, use_case

#: how long a check belongs to the worker that took it up; the adapter gives up long before
LEASE: Final = timedelta(minutes=2)
#: after which a round begins nothing new: a worker that is to stop waits for the end of its round
ROUND_SECONDS: Final = 10.0
_TAKE: Final = """
UPDATE civil_checks SET attempts = attempts + 1, due_at = $2 WHERE (regency, id) = (
    SELECT regency, id FROM civil_checks WHERE status = 'REQUESTED' AND due_at <= $1
    ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) RETURNING id, attempts
"""

_log = structlog.get_logger(__name__)


class Told(Command):
    """What came of one attempt.

    attempt   which one it was
    basis     digest of what was compared; None where it was not asked
    standing  None where there was no answer
    """

    attempt: int
    basis: bytes | None = None
    standing: Standing | None = None
    matches: dict[str, bool] = Field(default_factory=dict)


@use_case("civil_checks.question", scope=None, conditional=False)
async def question(tx: Transaction, actor: Actor, id_: UUID) -> Question | None:
    """What to ask about the person of a check; None where there is nothing to ask any more."""
    _require_worker(actor)
    async with tx.effect(tenant_of(id_)):
        check = await tx.get(CivilCheck, id_)
        person = await tx.get(Person, check.person_id)
        return await civil_checks.question_of(tx, person) if person.ended_at is None else None


@use_case("civil_checks.record", scope=None, conditional=False)
async def record(tx: Transaction, actor: Actor, id_: UUID, command: Told) -> None:
    """Write what came of an attempt, once. Nothing happens where the check is settled, or a later attempt has begun."""
    _require_worker(actor)
    async with tx.effect(tenant_of(id_)):
        seen = await tx.get(CivilCheck, id_)
        person = await tx.lock(Person, seen.person_id)
        check = await tx.lock(CivilCheck, id_)
        if check.status == CivilCheckStatus.REQUESTED and check.attempts == command.attempt:
            verdict = Verdict(command.standing, command.matches) if command.standing is not None else None
            await civil_checks.settle(tx, person, check, verdict, command.basis)


def _require_worker(actor: Actor) -> None:
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")


def of(registry: CivilRegistry) -> Callable[[Platform], Awaitable[int]]:
    """The job that asks `registry`, one check after the other. Returns how many it asked."""

    async def ask(platform: Platform) -> int:
        tried, until = 0, time.monotonic() + ROUND_SECONDS
        while time.monotonic() < until:
            now = platform.clock()
            async with platform.database.transaction(WORKER.rows, write=True) as connection:
                taken = await connection.fetchrow(_TAKE, now, now + LEASE)
            if taken is None:
                break
            tried += 1
            act = Act(platform, WORKER, current_trace_id())
            try:
                told = await _attempt(act, registry, taken["id"], taken["attempts"])
                await act(record, told, on=taken["id"])
            except errors.SlrtError as error:
                # It is due again when the lease ends.
                _log.warning("civil_check_left", code=error.code, check_id=str(taken["id"]))
        return tried

    return ask


async def _attempt(act: Act, registry: CivilRegistry, id_: UUID, attempt: int) -> Told:
    """Ask, with no transaction open. No answer is an outcome like others."""
    try:
        asked: Question | None = await act.ask(question, on=id_)
    except errors.SlrtError as error:
        # A number that does not decrypt is no reason to try for ever: it is told like an outage, and given up.
        _log.warning("civil_check_not_asked", code=error.code, check_id=str(id_))
        return Told(attempt=attempt)
    if asked is None:
        return Told(attempt=attempt)
    try:
        verdict = await registry.match(asked.nik, asked.declared)
    except CivilRegistryAway:
        # The adapter has said in the log what it was.
        return Told(attempt=attempt)
    return Told(attempt=attempt, basis=asked.basis, standing=verdict.standing, matches=dict(verdict.fields))
