"""Track a complaint by receipt and secret, without a token: process and outcome, nothing personal."""

import hmac
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from slrt_api.complaints.codes import Confidentiality
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.service.file import secret_hash
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


class TrackComplaint(Command):
    """What the caller shows for a receipt."""

    secret: str = Field(repr=False, description="The secret that was shown with the receipt.")


@use_case("complaints.track", scope=None, answers=TRACKED_COMPLAINT)
async def track(tx: Transaction, actor: Actor, command: TrackComplaint) -> Done:
    """Process and outcome of a complaint.

    For who holds the receipt and its secret (`Authorization: Receipt <secret>`); both are read in any case, with O for 0
    and I or L for 1. A wrong secret and an unknown receipt answer alike, and count alike: ten in an hour close the
    receipt until the next hour begins, also for the right secret.
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
        shown = secret_hash(tx.keyring, numbers.normalize_secret(command.secret) or "")
        right = hmac.compare_digest(shown, kept["secret_hash"] if kept else _NO_HASH)
        if kept is None or not right:
            await tx.execute(_FAILED, regency, receipt, hour)
            return Done(_NOBODY, refusal=errors.NotFound())
    complaint = await tx.get(Complaint, kept["id"])
    return Done(complaint.id, once={"case": await _case(tx, complaint)})


async def _case(tx: Transaction, complaint: Complaint) -> dict[str, Any] | None:
    """Status and steps of the case that was opened from the complaint. The public's role reads no case by itself."""
    if complaint.case_id is None:
        return None
    async with tx.effect(complaint.regency):
        status = await tx.value(
            "SELECT status FROM cases WHERE regency = $1 AND id = $2", complaint.regency, complaint.case_id
        )
        steps = await tx.fetch(
            "SELECT type, at FROM events WHERE regency = $1 AND aggregate_id = $2 ORDER BY sequence",
            complaint.regency,
            complaint.case_id,
        )
    return {
        "status": status,
        "timeline": [{"type": step["type"], "at": events.plain(_shown(complaint, step["at"]))} for step in steps],
    }


def _shown(complaint: Complaint, at: datetime) -> datetime:
    if complaint.confidentiality == Confidentiality.OPEN:
        return at
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
