"""How organizations stood to their offers: read, moved on and written back by the acts of referrals."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Final
from uuid import UUID

from slrt_api.organizations.models import RoutingStanding
from slrt_api.organizations.routing import Standing
from slrt_api.runtime.transaction import Transaction

NAMES: Final = tuple(field.name for field in fields(Standing))
_FIRST: Final = """
INSERT INTO routing_standings (regency, organization_id, service, area, offers, open_offers, answers, unanswered)
VALUES ($1, $2, $3, $4, 0, 0, 0, 0) ON CONFLICT DO NOTHING
"""


async def move_standing(
    tx: Transaction, regency: int, organization_id: UUID, service: str, step: Callable[[Standing], Standing]
) -> Standing:
    """Move a standing on by `step`, and return how it was before. Called inside `tx.effect`, after the place.

    It is locked from here to the end of the transaction. A `step` that raises leaves it as it is.
    """
    key = (regency, organization_id, service)
    await tx.execute(_FIRST, *key, regency * 1_000_000)
    [row] = await tx.rows(
        RoutingStanding, "regency = $1 AND organization_id = $2 AND service = $3 FOR NO KEY UPDATE", *key
    )
    before = Standing(**{name: getattr(row, name) for name in NAMES})
    after = step(before)
    await tx.update(row, **asdict(after))
    return before
