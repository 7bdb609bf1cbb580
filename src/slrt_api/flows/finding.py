"""Finding duplicates: the worker's rounds over who was written, and runs over a whole regency that somebody asks for.

Any number of workers may do it at once: looks take turns within a regency, and a run keeps its place in the transaction of
its step, so that a worker that dies loses a step at most, which is done again.
"""

from typing import Final
from uuid import UUID

import structlog
from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes, places
from slrt_api.flows.upkeep import WORKER
from slrt_api.households.codes import RunStatus
from slrt_api.households.models import DuplicateRun, Person
from slrt_api.households.service import duplicates, tickets
from slrt_api.households.shapes import DUPLICATE_RUN
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Command, Platform, use_case

BATCH: Final = 500
#: people whom one step of a run looks at, in one transaction
STEP: Final = 25
_UNCHECKED: Final = """
SELECT regency, id FROM persons
WHERE duplicates_checked IS DISTINCT FROM version AND (regency, id) > ($1, $2) ORDER BY regency, id LIMIT $3
"""
_RUNNING: Final = "SELECT id FROM duplicate_runs WHERE status = 'RUNNING' ORDER BY regency, id"
_COUNT: Final = "SELECT count(*) FROM persons WHERE regency = $1 AND ended_at IS NULL"
_NEXT: Final = """
SELECT id FROM persons WHERE regency = $1 AND ended_at IS NULL AND id > $2 ORDER BY id LIMIT $3
"""
_FIRST: Final = UUID(int=0)

_log = structlog.get_logger(__name__)


class StartRun(Command):
    """The regency to look at."""

    area_code: str = Field(
        min_length=5,
        max_length=5,
        description="A regency, all of it in your scope (Kemendagri code).",
        examples=["33.26"],
    )


@use_case(
    "duplicate_runs.start",
    scope=Scope.DUPLICATES_DECIDE,
    roles=(Role.SUPERVISOR, Role.SECRETARIAT_MANAGER),
    answers=DUPLICATE_RUN,
    creates=True,
)
async def start(tx: Transaction, actor: Actor, command: StartRun) -> DuplicateRun:
    """Look for duplicates among everybody of a regency.

    Persons are looked at by themselves after every write; a run is for after imports, and for new weights. One at a time in a
    regency (409 `duplicate_run_under_way`). The worker does it: ask for its progress.
    """
    first, _ = places.area(actor, command.area_code)
    regency = places.tenant(command.area_code)
    if codes.area_code(first).count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency, such as 33.26.")
    under_way = await tx.value(
        "SELECT EXISTS (SELECT FROM duplicate_runs WHERE regency = $1 AND status = 'RUNNING')", regency
    )
    if under_way:
        raise errors.Conflict("duplicate_run_under_way")
    run = DuplicateRun(
        regency=regency,
        id=new_id(Kind.DUPLICATE_RUN, regency, tx.now),
        area=first,
        created_at=tx.now,
        updated_at=tx.now,
        status=RunStatus.RUNNING.value,
        persons=await tx.value(_COUNT, regency),
        requested_by=actor.subject,
    )
    return await tx.create(run, "started")


@use_case("duplicates.look", scope=None, conditional=False)
async def look(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Look for who may be a person who was written."""
    _require_worker(actor)
    if kind_of(id_) is not Kind.PERSON:
        raise errors.NotFound
    async with tx.effect(tenant_of(id_)):
        await tx.get(Person, id_)
        await duplicates.look(tx, tenant_of(id_), id_)
    await tickets.look(tx, tenant_of(id_), [id_])


@use_case("duplicate_runs.step", scope=None, conditional=False)
async def step(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Look at the next people of a run, or end it where there are none."""
    _require_worker(actor)
    seen = await tx.get(DuplicateRun, id_)
    async with tx.effect(seen.regency):
        run = await tx.lock(DuplicateRun, id_)
        if run.status != RunStatus.RUNNING:
            return
        people = [row["id"] for row in await tx.fetch(_NEXT, run.regency, run.position or _FIRST, STEP)]
        if not people:
            await tx.change(run, "finished", status=RunStatus.DONE.value, finished_at=tx.now)
            return
        came = [await duplicates.look(tx, run.regency, person) for person in people]
        await tx.update(
            run,
            checked=run.checked + len(people),
            found=run.found + sum(came),
            position=people[-1],
            updated_at=tx.now,
        )
    await tickets.look(tx, run.regency, people)


def _require_worker(actor: Actor) -> None:
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")


async def find_duplicates(platform: Platform) -> int:
    """Look at everybody who was written since the last look. Returns how many; who fails is left to the next round."""
    tried, position = 0, (0, _FIRST)
    while True:
        async with platform.database.transaction(WORKER.rows, write=False) as connection:
            due = await connection.fetch(_UNCHECKED, *position, BATCH)
        for row in due:
            position = row["regency"], row["id"]
            try:
                await Act(platform, WORKER, current_trace_id())(look, on=row["id"])
            except errors.SlrtError as error:
                _log.warning("person_left", code=error.code, person_id=str(row["id"]))
        tried += len(due)
        if len(due) < BATCH:
            return tried


async def run_duplicates(platform: Platform) -> int:
    """Go on with every run that is under way, to its end. Returns how many steps it took."""
    steps = 0
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        running = [row["id"] for row in await connection.fetch(_RUNNING)]
    for id_ in running:
        try:
            while await _under_way(platform, id_):
                await Act(platform, WORKER, current_trace_id())(step, on=id_)
                steps += 1
        except errors.SlrtError as error:
            _log.warning("run_left", code=error.code, run_id=str(id_))
    return steps


async def _under_way(platform: Platform, id_: UUID) -> bool:
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        status = await connection.fetchval(
            "SELECT status FROM duplicate_runs WHERE regency = $1 AND id = $2", tenant_of(id_), id_
        )
    return bool(status == RunStatus.RUNNING)
