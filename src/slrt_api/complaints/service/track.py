"""What the holder of a receipt does without a token: follow the complaint, write about it, and take the complainant's steps.

The receipt and its secret are the authorization. The database role of the public reads the one row of the receipt and writes
nothing, so what the holder does is written as an effect, after the secret was found right.
"""

import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from slrt_api.clocks.shapes import STATE
from slrt_api.complaints.codes import Action, ComplaintStatus, Confidentiality
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service import messages
from slrt_api.complaints.service.receipts import secret_hash
from slrt_api.complaints.service.step import TransitionComplaint, step
from slrt_api.complaints.shapes import TRACKED_COMPLAINT
from slrt_api.kernel import errors, numbers
from slrt_api.runtime import events
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Done, use_case

FAILURES_PER_HOUR = 10

_HOUR = timedelta(hours=1)
_NO_HASH = bytes(32)
_NOBODY = UUID(int=0)
_FAILED = """
INSERT INTO tracking_failures (regency, receipt, hour, failures) VALUES ($1, $2, $3, 1)
ON CONFLICT (regency, receipt, hour) DO UPDATE SET failures = tracking_failures.failures + 1
"""


_CLOCKS = (
    f"SELECT c.name, c.unit, c.amount, {STATE.format(t='c')} AS state, c.due_at FROM clocks c"
    " WHERE c.regency = $1 AND c.aggregate_id = $2 ORDER BY c.started_at, c.due_at, c.name"
)
_STEPS = "SELECT type, at FROM events WHERE regency = $1 AND aggregate_id = $2 ORDER BY sequence"
_REFERRALS = """
SELECT r.number, r.status, r.receipt_confirmed_at IS NOT NULL AS confirmed
FROM cases c JOIN referrals r ON r.regency = c.regency AND r.case_id = c.id
WHERE c.regency = $1 AND c.complaint_id = $2 AND r.status <> 'DRAFT' ORDER BY r.id
"""
_REOPENING = """
SELECT CASE WHEN reopening_asked_at IS NOT NULL THEN 'ASKED' WHEN reopening_answer IS NULL THEN 'GRANTED' ELSE 'REFUSED' END
       AS outcome, reopening_answer AS answer
FROM cases WHERE regency = $1 AND complaint_id = $2 AND coalesce(reopening_asked_at, reopening_answered_at) IS NOT NULL
ORDER BY id DESC LIMIT 1
"""
#: what the complainant does is theirs, and is not told to others who complained of the same
_THEIRS = frozenset({"complaint.filed", "complaint.message_sent", "complaint.note_written", "complaint.rated"})
_Secret = Annotated[str, Field(repr=False, description="The secret that was shown with the receipt.")]


class ComplainantAction(StrEnum):
    """What a complainant may do with a complaint."""

    ANSWER = "ANSWER"
    OBJECT = "OBJECT"
    RATE = "RATE"
    REOPEN = "REOPEN"


class TrackComplaint(Command):
    """What the caller shows for a receipt."""

    secret: _Secret


class ComplainantMessage(Command):
    """What the complainant has to say."""

    text: messages.Text = Field(description="The message; kept encrypted.", examples=["The bank has my card."])


class WriteByReceipt(ComplainantMessage):
    """The same, with what is shown for the receipt."""

    secret: _Secret


class ComplainantStep(Command):
    """What the complainant does."""

    action: ComplainantAction = Field(description="One of its `allowed_actions`.", examples=["OBJECT"])
    text: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="What the complainant says to it. Needed by ANSWER, OBJECT and REOPEN.",
        examples=["The money has not come."],
    )
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="How content they are, 1 to 5. Needed by RATE, and only there.", examples=[None]
    )


class StepByReceipt(ComplainantStep):
    """The same, with what is shown for the receipt."""

    secret: _Secret


@use_case("complaints.track", scope=None, answers=TRACKED_COMPLAINT)
async def track(tx: Transaction, actor: Actor, command: TrackComplaint) -> Done:
    """Process and outcome of a complaint.

    For who holds the receipt and its secret (`Authorization: Receipt <secret>`); both are read in any case, with O for 0
    and I or L for 1. A wrong secret and an unknown receipt answer alike, and count alike: ten in an hour close the
    receipt until the next hour begins, also for the right secret. `messages` are those between the complainant and the desk,
    `allowed_actions` what the complainant may do now; of one that was merged, `merged` tells how the one goes on that is
    handled in its place.
    """
    complaint = await held(tx, actor, command.secret)
    return REFUSED if complaint is None else await shown(tx, complaint)


@use_case("complaints.write_by_receipt", scope=None, answers=TRACKED_COMPLAINT)
async def write(tx: Transaction, actor: Actor, command: WriteByReceipt) -> Done:
    """Write a message about a complaint.

    For who holds the receipt and its secret, as tracking is. While a question waits (`AWAITING_COMPLAINANT`) it is the answer.
    Twenty in a day (429 `messages_exhausted`).
    """
    complaint = await held(tx, actor, command.secret)
    if complaint is None:
        return REFUSED
    async with tx.effect(complaint.regency):
        complaint = await messages.hear(tx, actor, await tx.lock(Complaint, complaint.id), command.text)
    return await shown(tx, complaint)


@use_case("complaints.step_by_receipt", scope=None, answers=TRACKED_COMPLAINT)
async def act(tx: Transaction, actor: Actor, command: StepByReceipt) -> Done:
    """Take a step of the complainant.

    For who holds the receipt and its secret, as tracking is: `ANSWER` a question, `OBJECT` to a resolution until
    `objection_until`, `RATE` a resolution once, `REOPEN` what has ended until `reopen_until`.
    """
    complaint = await held(tx, actor, command.secret)
    if complaint is None:
        return REFUSED
    asked = TransitionComplaint(
        action=Action(command.action.value), reason=command.text, satisfaction=command.satisfaction
    )
    async with tx.effect(complaint.regency):
        try:
            complaint = await step(tx, actor, await tx.lock(Complaint, complaint.id), asked)
        except errors.Invalid as refused:
            # What a step calls the reason is called the text here.
            faults = (replace(each, pointer="/text") if each.pointer == "/reason" else each for each in refused.faults)
            raise errors.Invalid(faults=tuple(faults)) from None
    return await shown(tx, complaint)


#: answered to a wrong secret and to an unknown receipt, after the failure has been counted
REFUSED = Done(_NOBODY, refusal=errors.NotFound())


async def held(tx: Transaction, actor: Actor, secret: str) -> Complaint | None:
    """The complaint whose receipt and secret the caller shows; None, and counted, where they do not fit.

    Raises TooManyRequests `receipt_closed`.
    """
    regency, receipt = actor.rows.regency, actor.rows.receipt
    if regency is None or receipt is None:
        raise errors.NotFound
    hour = tx.now.replace(minute=0, second=0, microsecond=0)
    async with tx.effect(regency):
        # Attempts on one receipt go one by one, so that many at once get no more than ten answers.
        await tx.execute("SELECT pg_advisory_xact_lock($1)", regency << 40 | receipt)
        failures = await tx.value(
            "SELECT failures FROM tracking_failures WHERE regency = $1 AND receipt = $2 AND hour = $3",
            regency,
            receipt,
            hour,
        )
        if (failures or 0) >= FAILURES_PER_HOUR:
            wait = (hour + _HOUR - tx.now).total_seconds()
            raise errors.TooManyRequests("receipt_closed", retry_after_seconds=max(1, round(wait)))
        kept = await tx.first(
            "SELECT id, secret_hash FROM receipt_secrets WHERE regency = $1 AND receipt = $2", regency, receipt
        )
        given = secret_hash(tx.keyring, numbers.normalize_secret(secret) or "")
        right = hmac.compare_digest(given, kept["secret_hash"] if kept else _NO_HASH)
        if kept is None or not right:
            await tx.execute(_FAILED, regency, receipt, hour)
            return None
    return await tx.get(Complaint, kept["id"])


async def shown(tx: Transaction, complaint: Complaint) -> Done:
    """The complaint as its holder sees it, with the process of what it has become part of."""
    survivor = complaint
    async with tx.effect(complaint.regency):
        while survivor.merged_into is not None:
            survivor = await tx.get(Complaint, survivor.merged_into)
    coarse = _coarse(complaint) or _coarse(survivor)
    merged = await _process(tx, survivor, coarse=coarse) if survivor.id != complaint.id else None
    case = await _case(tx, survivor, coarse=coarse)
    if case is not None:
        case["referrals"] = await _referrals(tx, complaint)
        case["reopening"] = await _reopening(tx, complaint)
    return Done(complaint.id, once={"case": case, "merged": merged})


def _coarse(complaint: Complaint) -> bool:
    return complaint.confidentiality != Confidentiality.OPEN


async def _process(tx: Transaction, survivor: Complaint, *, coarse: bool) -> dict[str, Any]:
    """How the complaint goes on into which the holder's was merged: nothing that another complainant said or did."""
    async with tx.effect(survivor.regency):
        steps = await tx.fetch(_STEPS, survivor.regency, survivor.id)
        clocks = await tx.fetch(_CLOCKS, survivor.regency, survivor.id)
    return {
        "status": ComplaintStatus(survivor.status).value,
        "timeline": [
            {"type": each["type"], "at": _told(each["at"], coarse=coarse)}
            for each in steps
            if each["type"] not in _THEIRS
        ],
        "clocks": [
            {
                "name": each["name"],
                "unit": each["unit"],
                "amount": each["amount"],
                "state": each["state"],
                "due_at": _told(each["due_at"], coarse=coarse, up=True),
            }
            for each in clocks
        ],
        "outcome": survivor.outcome,
        "resolution": survivor.resolution,
        "service_realized": survivor.service_realized,
    }


async def _case(tx: Transaction, complaint: Complaint, *, coarse: bool) -> dict[str, Any] | None:
    """Status and steps of the case that the complaint belongs to. The public's role reads no case by itself."""
    if complaint.case_id is None:
        return None
    async with tx.effect(complaint.regency):
        status = await tx.value(
            "SELECT status FROM cases WHERE regency = $1 AND id = $2", complaint.regency, complaint.case_id
        )
        steps = await tx.fetch(_STEPS, complaint.regency, complaint.case_id)
    return {
        "status": status,
        "timeline": [{"type": each["type"], "at": _told(each["at"], coarse=coarse)} for each in steps],
    }


async def _referrals(tx: Transaction, complaint: Complaint) -> list[dict[str, Any]]:
    """What was referred of the case that was opened from the complaint, for its holder alone: a number and how far it is.

    Not who serves it, nor what it is: that may tell more of the client than the complainant knows.
    """
    if complaint.sealed:
        return []
    async with tx.effect(complaint.regency):
        found = await tx.fetch(_REFERRALS, complaint.regency, complaint.id)
    return [dict(each) for each in found]


async def _reopening(tx: Transaction, complaint: Complaint) -> dict[str, Any] | None:
    """What its holder asked for last of the case that was opened from it, and the answer; None where nothing was asked."""
    if complaint.sealed:
        return None
    async with tx.effect(complaint.regency):
        row = await tx.first(_REOPENING, complaint.regency, complaint.id)
    return None if row is None else dict(row)


def _told(at: datetime, *, coarse: bool, up: bool = False) -> str:
    """An instant for the complainant: where the hour could give somebody away the UTC day, `up` for the end of it."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if not coarse:
        day = at
    elif up and day != at:
        day += timedelta(days=1)
    return str(events.plain(day))
