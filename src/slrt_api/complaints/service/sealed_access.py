"""Who filed a sealed report: one person asks, another one grants, the first is shown it, once (`docs/decisions/0024`).

Every step is an event of the request, and that the identity was shown one of the report as well, so that the complainant
sees in the tracking that it happened, and on which day. No event holds anything of the identity.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from slrt_api.access.scopes import Scope
from slrt_api.complaints import vault
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.sealed.codes import SealedAccessAction, SealedAccessPurpose, SealedAccessStatus
from slrt_api.complaints.sealed.lifecycle import HOLDERS, LIFECYCLE, REVEAL, facts
from slrt_api.complaints.sealed.models import SealedAccess, SealedIdentity
from slrt_api.complaints.sealed.shapes import REASON, SEALED_ACCESS
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

MAX_HOURS: Final = 7 * 24

#: what each action is called in the past: the type of its event
EVENTS: Final = {
    SealedAccessAction.GRANT: "granted",
    SealedAccessAction.REFUSE: "refused",
    SealedAccessAction.WITHDRAW: "withdrawn",
    SealedAccessAction.REVOKE: "revoked",
}
#: members of the identity that have a name of their own in the answer
_NAMED: Final = ("reporter_name", "reporter_phone")


class AskForIdentity(Command):
    """Whose identity is needed, what for, and for how long."""

    complaint_id: UUID = Field(
        description="A sealed report in your scope.", examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"]
    )
    purpose: SealedAccessPurpose = Field(
        description="What the identity is needed for; stands in the access record.", examples=["PROTECTION"]
    )
    reason: str = Field(
        min_length=20,
        max_length=2_000,
        description="Why, in words that whoever grants will read. Kept under the keys of sealed reports.",
        examples=["Pelapor diancam dan harus dihubungi untuk perlindungan"],
    )
    hours: int = Field(
        default=24, ge=1, le=MAX_HOURS, description="For how long from the grant on: at most 7 days.", examples=[24]
    )


class TransitionSealedAccess(Command):
    """A step of a request."""

    action: SealedAccessAction = Field(description="One of `allowed_actions`.", examples=["GRANT"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2_000,
        description="Why. Needed by REFUSE and REVOKE.",
        examples=["Tidak diperlukan untuk pemeriksaan"],
    )


class RevealedIdentity(BaseModel):
    """Who filed a sealed report, as far as the reporter said."""

    model_config = ConfigDict(extra="forbid")

    complaint_id: UUID = Field(description="The report.", examples=["019aaa11-2233-8000-8cfe-1ca1b2c3d4e5"])
    reporter_name: str | None = Field(description="Name; null where none was given.", examples=["Siti Aminah"])
    reporter_phone: str | None = Field(
        description="Telephone number; null where none was given.", examples=["+628120000000"]
    )
    details: dict[str, Any] = Field(
        description="Whatever else the intake was told that may lead to the reporter, by the intake's members.",
        examples=[{"identifying_details": "Bekerja di kantor desa"}],
    )


@use_case("sealed_accesses.ask", scope=Scope.COMPLAINTS_SEALED, roles=HOLDERS, answers=SEALED_ACCESS, creates=True)
async def ask(tx: Transaction, actor: Actor, command: AskForIdentity) -> SealedAccess:
    """Ask to learn who filed a sealed report.

    Nothing is shown by this: another holder of the right has to grant it. One request of a caller for one report is open at
    a time.
    """
    complaint = await tx.find(Complaint, command.complaint_id)
    if complaint is None:
        raise errors.Invalid.reference("/complaint_id")
    complaint = await tx.lock(Complaint, complaint.id)
    if await tx.value(_OPEN, complaint.regency, complaint.id, actor.subject, tx.now):
        raise errors.Conflict("sealed_access_open")
    id_ = new_id(Kind.SEALED_ACCESS, complaint.regency, tx.now, coarse=True)
    day = tx.veiled().now
    person = actor.guard_facts["person_id"]
    return await tx.create(
        SealedAccess(
            regency=complaint.regency,
            id=id_,
            area=complaint.area,
            created_at=day,
            updated_at=day,
            complaint_id=complaint.id,
            status=SealedAccessStatus.REQUESTED.value,
            purpose=command.purpose.value,
            reason=tx.keyring.sealed.encrypt(command.reason, aad(REASON, id_)),
            hours=command.hours,
            asked_by=actor.subject,
            asked_by_person_id=UUID(str(person)) if person is not None else None,
            asked_at=tx.now,
            accused_person_id=complaint.accused_person_id,
            accused_organization_id=complaint.accused_organization_id,
        ),
        "requested",
    )


_OPEN: Final = """
SELECT true FROM sealed_accesses WHERE regency = $1 AND complaint_id = $2 AND asked_by = $3
    AND status = ANY (ARRAY['REQUESTED', 'GRANTED']) AND coalesce(expires_at > $4, true) LIMIT 1
"""


@use_case("sealed_accesses.transition", scope=Scope.COMPLAINTS_SEALED, roles=HOLDERS, answers=SEALED_ACCESS)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionSealedAccess) -> SealedAccess:
    """Grant, refuse, withdraw or revoke a request to learn who filed a sealed report.

    Nobody grants or refuses the own request, under another account of the same person neither. A grant ends by itself at
    `expires_at`.
    """
    row = await tx.ask(SealedAccess, id_)
    step = LIFECYCLE.advance(
        row.status, command.action, role=actor.role, scopes=actor.scopes, row=facts(row), actor=actor.guard_facts
    )
    LIFECYCLE.require_reason(step, command.reason)
    changes: dict[str, Any] = {"status": step.target}
    if command.action in {SealedAccessAction.GRANT, SealedAccessAction.REFUSE}:
        changes |= {"decided_by": actor.subject, "decided_at": tx.now}
    if command.action is SealedAccessAction.GRANT:
        changes["expires_at"] = tx.now + timedelta(hours=row.hours)
    return await tx.change(row, EVENTS[command.action], texts={"reason": command.reason}, **changes)


@use_case("sealed_accesses.reveal", scope=Scope.COMPLAINTS_SEALED, roles=HOLDERS)
async def reveal(tx: Transaction, actor: Actor, id_: UUID) -> Result:
    """Show who filed a sealed report.

    To whoever asked, once, after another holder of the right has granted it and before the grant ends (409
    `sealed_access_expired`). The access, with its purpose, is on record before the answer leaves, and the complainant's
    tracking tells that it happened, and the day.
    """
    seen = await tx.get(SealedAccess, id_)
    # In the order of all locks: the report first.
    complaint = await tx.lock(Complaint, seen.complaint_id)
    row = await tx.ask(SealedAccess, id_)
    step = LIFECYCLE.advance(
        row.status, REVEAL, role=actor.role, scopes=actor.scopes, row=facts(row), actor=actor.guard_facts
    )
    if row.expires_at is None or row.expires_at <= tx.now:
        raise errors.Conflict("sealed_access_expired")
    async with tx.effect(complaint.regency):
        kept = await tx.get(SealedIdentity, complaint.id)
    identity = vault.opened(tx.keyring.sealed, complaint.id, kept.identity)
    await tx.change(row, "used", status=step.target, revealed_at=tx.now)
    await tx.change(complaint, "identity_shown")
    await tx.access(
        "sealed_accesses.reveal",
        "sealed_identity",
        regency=complaint.regency,
        resource_id=complaint.id,
        purpose=row.purpose,
        rows=1,
    )
    return Result(
        {
            "complaint_id": complaint.id,
            **{name: identity.get(name) for name in _NAMED},
            "details": {name: value for name, value in identity.items() if name not in _NAMED},
        }
    )
