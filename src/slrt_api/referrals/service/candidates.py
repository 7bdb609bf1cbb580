"""Who could take a referral now, and why or why not."""

from typing import Any
from uuid import UUID

from slrt_api.access.scopes import Scope
from slrt_api.referrals.lifecycle import SENDERS
from slrt_api.referrals.models import Referral
from slrt_api.referrals.service import receivers, sharing
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case


@use_case("referrals.candidates", scope=Scope.REFERRALS_WRITE, roles=SENDERS)
async def candidates(tx: Transaction, actor: Actor, id_: UUID) -> dict[str, Any]:
    """List the candidates of a referral.

    Organizations that serve some of the regency, judged for the client's village, the service, the program and the present
    month by the routing policy of the regency, best first: whoever got less than its least share, then by points. `route`
    tells the outcome of each rule and the value and weight of what is weighed; `consent` holds for the government, and for a
    welfare organization (LKS) where the person consented to sharing or the case is an emergency.
    """
    row = await tx.get(Referral, id_)
    basis = await sharing.basis(tx, row)
    program = await receivers.program_of(tx, row.program_code) if row.program_code else None
    found = await receivers.judged(tx, row, program, may_share=basis is not None)
    return {
        "items": [
            {
                "organization_id": str(each.facts.organization_id),
                "code": each.facts.code,
                "name": each.facts.name,
                "takes": each.takes,
                "route": list(each.route),
            }
            for each in found.candidates
        ],
        "policy_id": str(found.in_force.id) if found.in_force.id is not None else None,
        "auto": found.policy.allows_auto(row.service),
    }
