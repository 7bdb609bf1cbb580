"""Who could take a referral now, and why or why not."""

from typing import Any
from uuid import UUID

from slrt_api.access.scopes import Scope
from slrt_api.organizations import service as organizations
from slrt_api.referrals.lifecycle import SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service import sharing
from slrt_api.referrals.service.send import period_of
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case


@use_case("referrals.candidates", scope=Scope.REFERRALS_WRITE, roles=SENDERS)
async def candidates(tx: Transaction, actor: Actor, id_: UUID) -> dict[str, Any]:
    """List the candidates of a referral.

    Organizations that serve some of the regency, judged for the client's village, the service and the present month:
    those that take the client first, by places left, then by code. `route` tells the outcome of each rule; `consent` holds
    for the government, and for a welfare organization (LKS) where the person consented to sharing or the case is an
    emergency.
    """
    row = await tx.get(Referral, id_)
    basis = await sharing.basis(tx, row)
    period = period_of(tx.now, row.area)
    found = await organizations.routes(tx, row.regency, row.area, row.service, period, may_share=basis is not None)
    return {
        "items": [
            {
                "organization_id": str(each.facts.organization_id),
                "code": each.facts.code,
                "name": each.facts.name,
                "takes": each.takes,
                "route": list(each.route),
            }
            for each in found
        ]
    }
