"""Show a case to the province or the nation, whose help it needs, and take it back."""

from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.cases.codes import LEVELS, Escalation
from slrt_api.cases.models import Case
from slrt_api.cases.shapes import CASE
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: who speaks for the regency to those above it
ESCALATORS = frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE})
#: its deadlines and its history are read with it too
_PARTS = tuple(
    f"UPDATE {table} SET escalation = $3 WHERE regency = $1 AND aggregate_id = $2"
    for table in ("clocks", "events", "revisions")
)


class EscalateCase(Command):
    """How far up a case is to be shown, and why."""

    level: Escalation = Field(
        description="`PROVINCE`, or `NATION` for both; `NONE` takes it back.", examples=["PROVINCE"]
    )
    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read.",
        examples=["Tidak ada panti rehabilitasi di kabupaten ini"],
    )


@use_case("cases.escalate", scope=Scope.CASES_DECIDE, roles=ESCALATORS, answers=CASE)
async def escalate(tx: Transaction, actor: Actor, case_id: UUID, command: EscalateCase) -> Case:
    """Escalate a case.

    The office of the province, or of the nation as well, sees the case, its needs, deadlines and history from then on: no
    household, person or referral, and a complaint only where that was escalated itself. `NONE` takes it back. A case that has
    ended is not escalated; what was shown stays shown until it is taken back.
    """
    case = await tx.ask(Case, case_id)
    level = LEVELS[command.level]
    if level == case.escalation:
        raise errors.Conflict("escalation_unchanged")
    if level > case.escalation and case.closed_at is not None:
        raise errors.Conflict("case_closed")
    # Its needs are read with it, so they carry the same level; row policies look at one row alone.
    await tx.execute(
        "UPDATE needs SET escalation = $3 WHERE regency = $1 AND case_id = $2", case.regency, case.id, level
    )
    async with tx.effect(case.regency):
        for statement in _PARTS:
            await tx.execute(statement, case.regency, case.id, level)
    type_ = "escalated" if level > case.escalation else "escalation_reduced"
    return await tx.change(case, type_, texts={"reason": command.reason}, escalation=level)
