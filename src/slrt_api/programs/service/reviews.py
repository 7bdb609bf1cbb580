"""A human looks at an automated result: asked for by whoever is concerned, decided by another than who ran the check.

UU 27/2022, article 10: nobody need bow to a decision that was made by a machine alone.
"""

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.programs.codes import Outcome, ReviewAction, ReviewStatus, ReviewType
from slrt_api.programs.lifecycle import CHECKERS, REVIEW_FACTS, REVIEW_LIFECYCLE
from slrt_api.programs.models import EligibilityCheck, EligibilityReview
from slrt_api.programs.shapes import ELIGIBILITY_REVIEW
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class RequestReview(Command):
    """What of a check a human is to look at, and why."""

    program_code: str = Field(
        pattern="^[A-Z0-9][A-Z0-9.-]{0,39}$", description="A program of the check.", examples=["PKH"]
    )
    unit_id: UUID | None = Field(
        default=None,
        description="The person who was judged, where the program is a person's; for a family, leave it out.",
        examples=[None],
    )
    type: ReviewType = Field(
        description="`VERIFICATION` of a finding that excluded, `OBJECTION` (sanggah) or `HUMAN_REVIEW` of any result.",
        examples=["HUMAN_REVIEW"],
    )
    person_id: UUID | None = Field(
        default=None,
        description="The member of the household who asks for it; without it, the office itself does.",
        examples=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
    )
    reason: str = Field(
        min_length=1,
        max_length=2000,
        description="Why, in words.",
        examples=["Bukan pegawai negeri, hanya bernama sama"],
    )


class TransitionReview(Command):
    """A decision about a review."""

    action: ReviewAction = Field(description="One of `allowed_actions`.", examples=["CHANGE"])
    outcome: Outcome | None = Field(
        default=None, description="What the result is changed to: required for `CHANGE`.", examples=["ELIGIBLE"]
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why, in words that the people concerned may read; asked for.",
        examples=["Surat keterangan desa menunjukkan orang lain"],
    )


@use_case(
    "eligibility_checks.request_review",
    scope=Scope.ELIGIBILITY_CHECK,
    roles=CHECKERS,
    answers=ELIGIBILITY_REVIEW,
    creates=True,
    conditional=False,
)
async def request(tx: Transaction, actor: Actor, check_id: UUID, command: RequestReview) -> EligibilityReview:
    """Request that a human reviews a result.

    Of one program of a check, for a member of the household or for the office itself. A finding that excluded asks for a
    `VERIFICATION` (422 `nothing_to_verify` otherwise). One at a time: 409 `already_exists` while it is not decided.
    """
    check = await tx.get(EligibilityCheck, check_id)
    line = _line(check, command)
    if command.type is ReviewType.VERIFICATION and line["outcome"] != Outcome.EXCLUDED_PENDING_VERIFICATION:
        raise errors.Invalid.at("/type", "nothing_to_verify", "Nothing excluded it: ask for a HUMAN_REVIEW.")
    if command.person_id is not None:
        belongs = await tx.value(
            "SELECT true FROM memberships WHERE regency = $1 AND household_id = $2 AND id = $3 AND valid_to IS NULL",
            check.regency,
            check.household_id,
            command.person_id,
        )
        if not belongs:
            raise errors.Invalid.reference("/person_id")
    return await tx.create(
        EligibilityReview(
            regency=check.regency,
            id=new_id(Kind.ELIGIBILITY_REVIEW, check.regency, tx.now),
            area=check.area,
            created_at=tx.now,
            updated_at=tx.now,
            check_id=check.id,
            household_id=check.household_id,
            program_code=command.program_code,
            unit_id=command.unit_id or check.household_id,
            type=command.type.value,
            status=ReviewStatus.REQUESTED.value,
            person_id=command.person_id,
            reason=command.reason,
            requested_by=actor.subject,
            checked_by=check.checked_by,
            outcome_before=line["outcome"],
        ),
        "requested",
        texts={"reason": command.reason},
    )


@use_case("eligibility_reviews.transition", scope=Scope.ELIGIBILITY_CHECK, roles=CHECKERS, answers=ELIGIBILITY_REVIEW)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionReview) -> EligibilityReview:
    """Decide a review, or withdraw it.

    `UPHOLD` leaves the result, `CHANGE` names another outcome; both say why. Who ran the check decides nothing about it
    (403 `own_check`). The check stays as it was: what the machine said and what the human said stand side by side.
    """
    row = await tx.ask(EligibilityReview, id_)
    if command.action is not ReviewAction.WITHDRAW and row.checked_by == actor.subject:
        raise errors.Forbidden("own_check")
    line = REVIEW_LIFECYCLE.advance(
        row.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={name: getattr(row, name) for name in REVIEW_FACTS},
        actor=actor.guard_facts,
    )
    REVIEW_LIFECYCLE.require_reason(line, command.reason)
    if (command.action is ReviewAction.CHANGE) is not (command.outcome is not None):
        code, detail = (
            ("required", "This member is required.")
            if command.outcome is None
            else ("invalid", "This value is not allowed here.")
        )
        raise errors.Invalid.at("/outcome", code, detail)
    if command.outcome is not None and command.outcome == row.outcome_before:
        raise errors.Invalid.at("/outcome", "outcome_unchanged", "It is that already: uphold the result.")
    columns: dict[str, Any] = {"status": line.target}
    if command.action is not ReviewAction.WITHDRAW:
        columns |= {"decided_by": actor.subject, "decided_at": tx.now, "decision_reason": command.reason}
    if command.outcome is not None:
        columns["outcome_after"] = command.outcome.value
    return await tx.change(row, _EVENTS[command.action], texts={"reason": command.reason}, **columns)


_EVENTS: Final = {ReviewAction.UPHOLD: "upheld", ReviewAction.CHANGE: "changed", ReviewAction.WITHDRAW: "withdrawn"}


def _line(check: EligibilityCheck, command: RequestReview) -> dict[str, Any]:
    """The line of the check that is asked about. Raises Invalid where it has none."""
    unit = str(command.unit_id) if command.unit_id is not None else None
    of_program = [each for each in check.outcomes if each["program_code"] == command.program_code]
    if not of_program:
        raise errors.Invalid.at("/program_code", "reference_not_found", "Give a program of the check.")
    for each in of_program:
        if each["person_id"] == unit:
            return dict(each)
    raise errors.Invalid.reference("/unit_id")
