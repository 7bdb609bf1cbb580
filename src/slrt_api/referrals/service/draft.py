"""Drafting a referral, and sending it in the same act where routing finds a receiver."""

from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codelists
from slrt_api.cases.codes import CaseStatus, NeedStatus
from slrt_api.cases.models import Case, Need
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.kernel.numbers import new_number
from slrt_api.organizations.models import Organization
from slrt_api.referrals.codes import ReferralAction, ReferralStatus, Routing
from slrt_api.referrals.lifecycle import LIFECYCLE, SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service.receivers import open_program
from slrt_api.referrals.service.send import Effect, send
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

NUMBER_PREFIX = "RJK"
_EXAMPLE = ["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]


class DraftReferral(Command):
    """A need of a case that others are to serve."""

    case_id: UUID = Field(description="The case, in service.", examples=_EXAMPLE)
    need_id: UUID = Field(description="An open need of that case.", examples=_EXAMPLE)
    service: str | None = Field(
        default=None,
        max_length=60,
        description="The service to ask for; the need's own when left out.",
        examples=["SCHOOL_RETENTION"],
    )
    organization_id: UUID | None = Field(
        default=None,
        description="The organization that it is meant for; it sees nothing of a draft.",
        examples=_EXAMPLE,
    )
    program_code: str | None = Field(
        default=None, max_length=40, description="The program that it goes to.", examples=["ATENSI"]
    )
    routing: Routing | None = Field(
        default=None, description="AUTO: send it at once to the best candidate.", examples=["AUTO"]
    )


@use_case("referrals.draft", scope=Scope.REFERRALS_WRITE, roles=SENDERS, answers=REFERRAL, creates=True)
async def draft(tx: Transaction, actor: Actor, command: DraftReferral) -> Done:
    """Draft a referral.

    The case must be in service and the need open. With `routing: AUTO` it is sent in the same act, and `route` tells why
    its receiver was chosen; when nobody can take it, the answer is 409 `no_receiver`, or `consent_required` where only the
    person's consent to sharing is missing, and the draft stays, at `Location`; the same request takes it up again.
    """
    case = await _case(tx, command.case_id)
    need = await tx.find(Need, command.need_id)
    if need is None or need.case_id != case.id:
        raise errors.Invalid.reference("/need_id")
    if case.status != CaseStatus.IN_SERVICE:
        raise errors.Conflict("case_not_in_service")
    if need.status != NeedStatus.OPEN:
        raise errors.Conflict("need_not_open")
    service = command.service or need.need
    if service not in {each.code for each in codelists.load_services()}:
        raise errors.Invalid.at("/service", "unknown_code", "Give one of the documented codes.")
    await _check_receivers(tx, command, case.area)
    row = await _left(tx, case, service, command) if command.routing is not None else None
    row = row or await tx.create(_new(tx, actor, case, service, command), "drafted")
    if command.routing is None:
        return Done(row.id)
    return await _send_now(tx, actor, row, command.routing)


def _new(tx: Transaction, actor: Actor, case: Case, service: str, command: DraftReferral) -> Referral:
    return Referral(
        regency=case.regency,
        id=new_id(Kind.REFERRAL, case.regency, tx.now),
        area=case.area,
        created_at=tx.now,
        updated_at=tx.now,
        number=new_number(NUMBER_PREFIX, case.regency),
        case_id=case.id,
        need_id=command.need_id,
        service=service,
        status=ReferralStatus.DRAFT.value,
        program_code=command.program_code,
        proposed_organization_id=command.organization_id,
        drafted_by=actor.subject,
    )


async def _left(tx: Transaction, case: Case, service: str, command: DraftReferral) -> Referral | None:
    """The draft that an earlier, equal attempt left behind: a repeated one must not leave a second."""
    found = await tx.rows(
        Referral,
        "regency = $1 AND case_id = $2 AND need_id = $3 AND service = $4 AND status = 'DRAFT'"
        " AND program_code IS NOT DISTINCT FROM $5 AND proposed_organization_id IS NOT DISTINCT FROM $6"
        " ORDER BY id LIMIT 1 FOR NO KEY UPDATE",
        case.regency,
        case.id,
        command.need_id,
        service,
        command.program_code,
        command.organization_id,
    )
    return found[0] if found else None


async def _send_now(tx: Transaction, actor: Actor, row: Referral, routing: Routing) -> Done:
    line = LIFECYCLE.advance(
        row.status, ReferralAction.SEND, role=actor.role, scopes=actor.scopes, row={}, actor=actor.guard_facts
    )
    try:
        effect: Effect = await send(tx, row, organization_id=None, routing=routing)
    except errors.Conflict as conflict:
        if conflict.code not in {"no_receiver", "consent_required"}:
            raise
        return Done(row.id, refusal=errors.Conflict(conflict.code, location=f"/v1/{REFERRAL.plural}/{row.id}"))
    await tx.change(row, "sent", status=line.target, **effect.columns)
    return Done(row.id, once=effect.once)


async def _case(tx: Transaction, case_id: UUID) -> Case:
    """The case, locked, so that it stays in service until the act has ended."""
    try:
        return await tx.lock(Case, case_id)
    except errors.NotFound:
        raise errors.Invalid.reference("/case_id") from None


async def _check_receivers(tx: Transaction, command: DraftReferral, area: int) -> None:
    if command.organization_id is not None and await tx.find(Organization, command.organization_id) is None:
        raise errors.Invalid.reference("/organization_id")
    if command.program_code is not None:
        await open_program(tx, command.program_code, area)
