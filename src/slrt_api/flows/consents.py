"""Consents: recording what a person agreed to, and its withdrawal, which takes back what was shared."""

from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.consents import rules
from slrt_api.access.consents.codes import ConsentAction, ConsentEvidence, ConsentStatus, LawfulBasis, ProcessingPurpose
from slrt_api.access.consents.lifecycle import FACTS, LIFECYCLE, RECORDERS
from slrt_api.access.consents.models import Consent
from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.scopes import Scope
from slrt_api.cases.codes import TaskType
from slrt_api.cases.models import Case
from slrt_api.cases.service import tasks
from slrt_api.households.models import Person
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.referrals import service as referrals
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import Instant
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_EXAMPLE = ["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"]


class RecordConsent(Command):
    """Why the data of one person may be processed for one purpose."""

    person_id: UUID = Field(description="A person in your scope.", examples=_EXAMPLE)
    case_id: UUID | None = Field(
        default=None,
        description=(
            "The case of the person's household that it is limited to; without it, it counts for all work on the person."
            " Required for a vital interest."
        ),
        examples=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"],
    )
    purpose: ProcessingPurpose = Field(description="What the data is processed for.", examples=["PARTNER_SHARING"])
    basis: LawfulBasis = Field(
        description=(
            "Why that is lawful. `CONSENT` for sharing with an LKS, photos and research; `VITAL_INTEREST` in a case that is"
            " an emergency; `PUBLIC_TASK` for what the government does itself."
        ),
        examples=["CONSENT"],
    )
    evidence: ConsentEvidence | None = Field(
        default=None,
        description="How the consent was given; required for `CONSENT`. For a child: `GUARDIAN_SIGNED`.",
        examples=["SIGNED_FORM"],
    )
    evidence_note: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Where the form is kept, or who witnessed it.",
        examples=["Formulir 12/2026 di map kasus"],
    )
    given_at: Instant | None = Field(
        default=None, description="When it was given; now when left out.", examples=["2026-11-22T09:14:07+07:00"]
    )


class TransitionConsent(Command):
    """A step of a consent."""

    action: ConsentAction = Field(description="One of `allowed_actions`.", examples=["WITHDRAW"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read; asked for.",
        examples=["Klien menarik persetujuannya secara lisan"],
    )


@use_case("consents.record", scope=Scope.CONSENTS_WRITE, roles=RECORDERS, answers=CONSENT, creates=True)
async def record(tx: Transaction, actor: Actor, command: RecordConsent) -> Consent:
    """Record a consent or another lawful basis.

    Of one person for one purpose. Each purpose accepts certain bases (UU 27/2022, article 20): sharing with a welfare
    organization (LKS) takes consent, or in an emergency the vital interest. An equal one that stands is 409
    `already_exists`. The basis of case work itself is recorded when a case is opened.
    """
    _check(tx, command)
    person = await tx.find(Person, command.person_id)
    if person is None:
        raise errors.Invalid.reference("/person_id")
    household_id: UUID | None = await tx.value(
        "SELECT household_id FROM memberships WHERE regency = $1 AND id = $2 AND valid_to IS NULL",
        person.regency,
        person.id,
    )
    if command.case_id is not None:
        case = await tx.find(Case, command.case_id)
        if case is None or case.household_id != household_id:
            raise errors.Invalid.reference("/case_id")
        if command.basis is LawfulBasis.VITAL_INTEREST and not case.emergency:
            raise errors.Conflict("case_not_emergency")
        if case.open_tasks and command.basis is not LawfulBasis.VITAL_INTEREST:
            await _file_completed(tx, case.id)
    return await tx.create(
        Consent(
            regency=person.regency,
            id=new_id(Kind.CONSENT, person.regency, tx.now),
            area=person.area,
            created_at=tx.now,
            updated_at=tx.now,
            person_id=person.id,
            household_id=household_id,
            case_id=command.case_id,
            purpose=command.purpose.value,
            basis=command.basis.value,
            status=ConsentStatus.GIVEN.value,
            given_at=command.given_at or tx.now,
            evidence=command.evidence.value if command.evidence is not None else None,
            evidence_note=command.evidence_note,
            recorded_by=actor.subject,
        ),
        "recorded",
    )


@use_case("consents.transition", scope=Scope.CONSENTS_WRITE, roles=RECORDERS, answers=CONSENT)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionConsent) -> Consent:
    """Withdraw a consent.

    Only consent can be withdrawn; a public task and a vital interest do not depend on it (409 `basis_not_withdrawable`).
    With the withdrawal of sharing, the packages of all the person's running referrals to welfare organizations (LKS) are
    emptied at once; the referrals themselves go on, each with the event `referral.package_emptied`.
    """
    row = await tx.ask(Consent, id_)
    line = LIFECYCLE.advance(
        row.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(row, name) for name in FACTS},
        actor=actor.guard_facts,
    )
    LIFECYCLE.require_reason(line, command.reason)
    if row.purpose == ProcessingPurpose.PARTNER_SHARING and row.person_id is not None:
        await referrals.empty_packages(tx, row.regency, row.person_id, row.case_id)
    columns: dict[str, Any] = {"status": line.target, "withdrawn_at": tx.now}
    return await tx.change(row, "withdrawn", texts={"reason": command.reason}, **columns)


async def _file_completed(tx: Transaction, case_id: UUID) -> None:
    """Of an emergency, what its people have now been asked settles the task that was left for it."""
    async with tx.effect(tenant_of(case_id)):
        case = await tx.lock(Case, case_id)
        settled = await tasks.settle(tx, case, {TaskType.CONSENT})
        if settled.tasks:
            await tx.change(case, "consent_recorded", parts=settled.parts, **settled.columns)


def _check(tx: Transaction, command: RecordConsent) -> None:
    """Refuse what contradicts itself. All faults at once."""
    faults = []
    if command.basis not in rules.BASES[command.purpose]:
        faults.append(errors.Fault("/basis", "basis_not_for_purpose", "Give a basis that the purpose accepts."))
    if command.basis is LawfulBasis.CONSENT and command.evidence is None:
        faults.append(errors.Fault("/evidence", "consent_evidence_required", "Say how the consent was given."))
    if command.basis is not LawfulBasis.CONSENT and command.evidence is not None:
        faults.append(errors.Fault("/evidence", "invalid", "This value is not allowed here."))
    if command.basis is LawfulBasis.VITAL_INTEREST and command.case_id is None:
        faults.append(errors.Fault("/case_id", "required", "This member is required."))
    if command.given_at is not None and command.given_at > tx.now:
        faults.append(errors.Fault("/given_at", "instant_in_future", "This instant is yet to come."))
    if faults:
        raise errors.Invalid(faults=tuple(faults))
