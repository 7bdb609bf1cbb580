"""Screening an area: who asks for it, and the worker's steps.

Any number of workers may do it at once: a step takes households from what is left, judges them and tells of it in one
transaction, so that a worker that dies loses a step at most, which is done again, and no household is judged twice.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import structlog
from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.flows.upkeep import WORKER
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.programs import loading
from slrt_api.programs.criteria import Rule, chosen
from slrt_api.programs.evaluation import Situation
from slrt_api.programs.models import RuleVersion
from slrt_api.programs.recording import Judgement, digest
from slrt_api.programs.screenings import counting, disclosure
from slrt_api.programs.screenings.codes import ScreeningAction, ScreeningStatus
from slrt_api.programs.screenings.lifecycle import SCREENERS, SCREENING_LIFECYCLE
from slrt_api.programs.screenings.models import Screening
from slrt_api.programs.screenings.shapes import SCREENING
from slrt_api.programs.service import facts, rules
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Act, Command, Platform, use_case

#: households that one step judges: less than a second's work, so that whoever stops it does not wait
STEP: Final = 1_000
#: how long the list of a finished screening is kept
LISTS_KEPT: Final = timedelta(days=30)
#: rows of a list that are deleted in one transaction
FORGOTTEN_AT_ONCE: Final = 20_000
_EARLIEST: Final = date(2015, 1, 1)
_LATEST: Final = date(2100, 1, 1)
_DISTRICT, _REGENCY = 10_000, 1_000_000
_OPEN: Final = (ScreeningStatus.QUEUED.value, ScreeningStatus.RUNNING.value)

_UNDER_WAY: Final = "SELECT id FROM screenings WHERE status IN ('QUEUED', 'RUNNING') ORDER BY regency, id"
_OVERDUE: Final = (
    "SELECT id FROM screenings WHERE entries > 0 AND lists_until <= $1 AND status NOT IN ('QUEUED', 'RUNNING')"
    " ORDER BY regency, id"
)
_TAKEN: Final = (
    "SELECT EXISTS (SELECT FROM screenings WHERE regency = $1 AND area = $2 AND status IN ('QUEUED', 'RUNNING'))"
)
_LEFT: Final = "DELETE FROM screening_households WHERE regency = $1 AND screening_id = $2"
#: lists that this screening makes old: of the same area, of no other programs, compared with the same draft or none
_SUPERSEDE: Final = """
UPDATE screenings SET lists_until = $3 WHERE regency = $1 AND id <> $2 AND area = $4 AND area_to = $5 AND status = 'DONE'
AND lists_until > $3 AND program_codes <@ $6::text[] AND draft_version_id IS NOT DISTINCT FROM $7
"""
_FORGET: Final = """
DELETE FROM screening_entries WHERE regency = $1 AND screening_id = $2 AND n < $3 + (
    SELECT min(n) FROM screening_entries WHERE regency = $1 AND screening_id = $2
)
"""

_log = structlog.get_logger(__name__)


class StartScreening(Command):
    """The area, the programs and the day; and a draft, to see what it would change."""

    area_code: str = Field(
        min_length=5,
        max_length=13,
        description="A regency, district or village, all of it in your scope (Kemendagri code).",
        examples=["33.26"],
    )
    program_codes: tuple[Annotated[str, Field(pattern="^[A-Z0-9][A-Z0-9.-]{0,39}$")], ...] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Programs by their codes; without them, the draft's program, or all that have a rule for the area.",
        examples=[["PKH", "PBI-JK"]],
    )
    as_of: date | None = Field(
        default=None,
        description="The day to judge by: its rules, ages and enrollments; today when left out.",
        examples=["2026-11-22"],
    )
    draft_version_id: UUID | None = Field(
        default=None,
        description="A version of the rules of one of these programs, to be compared with the one in force.",
        examples=["019aaa11-2233-8000-8025-04a1b2c3d4e5"],
    )


class TransitionScreening(Command):
    """A step of a screening."""

    action: ScreeningAction = Field(description="One of `allowed_actions`.", examples=["CANCEL"])
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Why; asked for.", examples=["Salah wilayah"]
    )


@use_case("screenings.start", scope=Scope.ELIGIBILITY_SCREEN, roles=SCREENERS, answers=SCREENING, creates=True)
async def start(tx: Transaction, actor: Actor, command: StartScreening) -> Screening:
    """Screen an area.

    The worker judges everybody of the area by the versions that are in force on the day, as a check of one household does: ask
    for its progress. One at a time in an area (409 `screening_under_way`). With `draft_version_id`, every unit is judged by
    that version as well, and `changes` tell who gains and who loses by it. The list is kept for 30 days, or until a newer
    screening of the same area, programs and draft is done; the counts stay. An outcome is no decision: what a screening
    finds is for people to look at.
    """
    first, last = places.area(actor, command.area_code)
    regency = places.tenant(command.area_code)
    as_of = command.as_of or tx.now.date()
    if not _EARLIEST <= as_of <= _LATEST:
        raise errors.Invalid.at("/as_of", "range", "Give a value inside the documented range.")
    wanted = command.program_codes
    if wanted is not None:
        repeated = [place for place, code in enumerate(wanted) if code in wanted[:place]]
        if repeated:
            raise errors.Invalid.at(f"/program_codes/{repeated[0]}", "duplicate", "Name each program once.")
    draft = None
    if command.draft_version_id is not None:
        draft = await tx.find(RuleVersion, command.draft_version_id)
        if draft is None:
            raise errors.Invalid.reference("/draft_version_id")
        wanted = wanted or (Rule.model_validate(draft.rule).program,)
    judgements = await rules.in_force(tx, regency, first, as_of, wanted)
    if not judgements or any(each.rule is None for each in judgements):
        raise errors.Conflict("no_version_in_force")
    compared = _compared(draft, judgements) if draft is not None else None
    if await tx.value(_TAKEN, regency, first):
        raise errors.Conflict("screening_under_way")
    async with tx.effect(regency):
        lists = await loading.whole_lists(tx.fetch, regency)
        taken = await facts.places_taken(tx, regency, (first, last), as_of, judgements)
    screening = Screening(
        regency=regency,
        id=new_id(Kind.SCREENING, regency, tx.now),
        area=first,
        area_to=last,
        created_at=tx.now,
        updated_at=tx.now,
        status=ScreeningStatus.QUEUED.value,
        as_of=as_of,
        program_codes=[each.program for each in judgements],
        rules=rules.recorded(judgements),
        situation={
            "full": {program: [list(each) for each in ranges] for program, ranges in sorted(taken.items())},
            "lists": sorted(lists),
        },
        draft_program=compared["program_code"] if compared else None,
        draft_version_id=draft.id if draft is not None else None,
        draft=compared,
        requested_by=actor.subject,
    )
    return await tx.create(screening, "asked_for")


def _compared(draft: RuleVersion, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """What a screening keeps of the draft: its rule as it is now, and the variants that the regency follows."""
    rule = Rule.model_validate(draft.rule)
    current = next((each for each in judgements if each.program == rule.program), None)
    if current is None:
        raise errors.Invalid.at("/draft_version_id", "not_among_programs", "Name its program among `program_codes`.")
    return {
        "program_code": rule.program,
        "version": rule.version,
        "digest": digest(draft.rule),
        "variants": sorted({each.code for each in rule.variants}.intersection(current.variants)),
        "rule": draft.rule,
    }


@use_case("screenings.transition", scope=Scope.ELIGIBILITY_SCREEN, roles=SCREENERS, answers=SCREENING)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionScreening) -> Screening:
    """Stop a screening.

    A step that a worker has begun is finished. What was found until then is neither listed nor counted.
    """
    screening = await tx.ask(Screening, id_)
    line = SCREENING_LIFECYCLE.advance(
        screening.status, command.action, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    SCREENING_LIFECYCLE.require_reason(line, command.reason)
    # Whoever sees it holds its first village: stopping it takes all of its area.
    actor.require_area(screening.area_to)
    async with tx.effect(screening.regency):
        await tx.execute(_LEFT, screening.regency, screening.id)
    return await tx.change(
        screening,
        "cancelled",
        texts={"reason": command.reason},
        status=line.target,
        finished_at=tx.now,
        lists_until=tx.now,
    )


@use_case("screenings.step", scope=None, conditional=False)
async def step(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Begin a screening, judge its next households, or end it where there are none."""
    _require_worker(actor)
    seen = await tx.get(Screening, id_)
    async with tx.effect(seen.regency):
        screening = await tx.lock(Screening, id_)
        if screening.status == ScreeningStatus.QUEUED:
            await _begin(tx, screening)
        elif screening.status == ScreeningStatus.RUNNING:
            taken = await tx.fetch(counting.TAKE, screening.regency, screening.id, STEP)
            if taken:
                await _judge(tx, screening, [row["id"] for row in taken])
            else:
                await _finish(tx, screening)


async def _begin(tx: Transaction, screening: Screening) -> None:
    """Note every household that is to be judged: where families move meanwhile, each is judged once."""
    status = await tx.execute(counting.FILL, screening.regency, screening.id, screening.area, screening.area_to)
    await tx.change(screening, "begun", status=ScreeningStatus.RUNNING.value, households=int(status.rpartition(" ")[2]))


async def _judge(tx: Transaction, screening: Screening, households: Sequence[UUID]) -> None:
    try:
        statement = await _statement(tx, screening)
    except errors.Conflict:
        await tx.execute(_LEFT, screening.regency, screening.id)
        await tx.change(
            screening, "failed", status=ScreeningStatus.FAILED.value, finished_at=tx.now, lists_until=tx.now
        )
        return
    # For this act's statements alone: the transaction ends with it.
    await tx.execute("; ".join(f"SET LOCAL {name} = '{value}'" for name, value in loading.SETTINGS.items()))
    given: list[Any] = [screening.regency, list(households), screening.id, screening.entries]
    if screening.draft is not None:
        given.append(screening.area)
    done = await tx.first(statement, *given)
    listed = done["listed"] if done is not None else 0
    await tx.update(
        screening,
        checked=screening.checked + len(households),
        entries=screening.entries + listed,
        updated_at=tx.now,
    )


async def _statement(tx: Transaction, screening: Screening) -> str:
    """The statement of a step. Raises Conflict `rule_altered` where a version is not what it was at the start."""
    judged = [each.rule for each in await rules.kept(tx, screening.rules) if each.rule is not None]
    draft = None
    if screening.draft is not None:
        draft = Rule.model_validate(screening.draft["rule"])
        if screening.draft["variants"]:
            draft = chosen(draft, frozenset(screening.draft["variants"]))
    full = {
        program: tuple((low, high) for low, high in ranges) for program, ranges in screening.situation["full"].items()
    }
    return counting.step(judged, draft, Situation(screening.as_of, full), screening.situation["lists"])


async def _finish(tx: Transaction, screening: Screening) -> None:
    """Add up, say what may be told to whom, and let older lists of the same go."""
    key = (screening.regency, screening.id)
    width = screening.area_to - screening.area + 1
    for size in (_DISTRICT, _REGENCY):
        if width >= size:
            await tx.execute(counting.ADD_UP, *key, size)
    await _tell(tx, screening)
    await tx.execute(
        _SUPERSEDE,
        *key,
        tx.now,
        screening.area,
        screening.area_to,
        screening.program_codes,
        screening.draft_version_id,
    )
    await tx.change(
        screening,
        "finished",
        status=ScreeningStatus.DONE.value,
        finished_at=tx.now,
        lists_until=tx.now + LISTS_KEPT,
    )


async def _tell(tx: Transaction, screening: Screening) -> None:
    """Mark the numbers that may be told to somebody who may not see the list. Those of a draft by area never are: taken
    together with its gains and losses they would tell smaller ones."""
    key = (screening.regency, screening.id)
    villages: dict[str, dict[int, list[int]]] = {}
    for row in await tx.fetch(counting.COUNTS, *key):
        cells = [row[name] for name in counting.NUMBERS]
        villages.setdefault(row["program_code"], {})[row["area"]] = cells
    told: list[tuple[str, int]] = []
    for program, cells_of in villages.items():
        areas, whole = disclosure.told(cells_of)
        told += [(program, area) for area in areas if area != screening.area]
        told += [(program, screening.area)] if whole else []
    await tx.execute(counting.TELL_COUNTS, *key, [program for program, _ in told], [area for _, area in told])
    found: dict[str, dict[str, list[int]]] = {}
    for row in await tx.fetch(counting.CHANGES, *key):
        found.setdefault(row["dimension"], {})[row["value"]] = [row["stays"], row["gains"], row["losses"]]
    open_ = [(dimension, value) for dimension, values in found.items() for value in disclosure.group(values)]
    await tx.execute(counting.TELL_CHANGES, *key, [dimension for dimension, _ in open_], [value for _, value in open_])


@use_case("screenings.forget", scope=None, conditional=False)
async def forget(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Delete a part of a list that is kept no longer; the counts stay."""
    _require_worker(actor)
    seen = await tx.get(Screening, id_)
    async with tx.effect(seen.regency):
        screening = await tx.lock(Screening, id_)
        if screening.status in _OPEN or screening.lists_until is None or screening.lists_until > tx.now:
            return
        status = await tx.execute(_FORGET, screening.regency, screening.id, FORGOTTEN_AT_ONCE)
        deleted = int(status.rpartition(" ")[2])
        await tx.update(screening, entries=screening.entries - deleted if deleted else 0, updated_at=tx.now)


def _require_worker(actor: Actor) -> None:
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")


async def run_screenings(platform: Platform) -> int:
    """Go on with every screening that is asked for, to its end. Returns how many steps it took."""
    steps = 0
    for id_ in await _ids(platform, _UNDER_WAY):
        try:
            while await _value(platform, "SELECT status FROM screenings WHERE regency = $1 AND id = $2", id_) in _OPEN:
                await Act(platform, WORKER, current_trace_id())(step, on=id_)
                steps += 1
        except (errors.SlrtError, asyncpg.QueryCanceledError) as error:
            # Another one need not wait for it; it is tried again in the next round.
            _log.warning("screening_left", code=getattr(error, "code", "timeout"), screening_id=str(id_))
    return steps


async def forget_screenings(platform: Platform) -> int:
    """Delete lists that are kept no longer. Returns how many transactions it took."""
    steps = 0
    for id_ in await _ids(platform, _OVERDUE, platform.clock()):
        try:
            while await _value(platform, "SELECT entries FROM screenings WHERE regency = $1 AND id = $2", id_):
                await Act(platform, WORKER, current_trace_id())(forget, on=id_)
                steps += 1
        except errors.SlrtError as error:
            _log.warning("screening_left", code=error.code, screening_id=str(id_))
    return steps


async def _ids(platform: Platform, statement: str, *values: Any) -> list[UUID]:
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        return [row["id"] for row in await connection.fetch(statement, *values)]


async def _value(platform: Platform, statement: str, id_: UUID) -> Any:
    async with platform.database.transaction(WORKER.rows, write=False) as connection:
        return await connection.fetchval(statement, tenant_of(id_), id_)
