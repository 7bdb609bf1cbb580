"""On which basis a person's data goes to a welfare organization (LKS), and taking it back."""

from typing import Final
from uuid import UUID

from slrt_api.access.consents.codes import ConsentStatus, LawfulBasis
from slrt_api.access.consents.rules import Said, sharing_basis
from slrt_api.access.overrides.codes import OverrideResource, OverrideStatus, OverrideType
from slrt_api.access.overrides.lifecycle import SHARERS
from slrt_api.access.overrides.models import AccessOverride
from slrt_api.access.scopes import Scope
from slrt_api.attachments.service import sharing as attachments
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.organizations.codes import NEEDS_CONSENT
from slrt_api.referrals.codes import ENDED
from slrt_api.referrals.models import Referral
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case

_SAID: Final = """
SELECT c.basis, c.status, c.case_id
FROM needs n
JOIN consents c ON c.regency = n.regency AND c.person_id = n.person_id
WHERE n.regency = $1 AND n.id = $2 AND c.purpose = 'PARTNER_SHARING'
"""
_EMPTY: Final = """
UPDATE referral_packages SET name = NULL, birth_date = NULL, sex = NULL, address = NULL, nik_prefix = NULL,
    need_note = NULL, review_answer = NULL, emptied_at = coalesce(emptied_at, $3), open = $4
WHERE regency = $1 AND id = $2
"""
_SHARED: Final = f"""
regency = $1 AND status <> ALL ($2) AND ($4::uuid IS NULL OR case_id = $4)
AND need_id = ANY (SELECT n.id FROM needs n WHERE n.regency = $1 AND n.person_id = $3)
AND organization_id = ANY (SELECT o.id FROM organizations o
    WHERE o.kind IN ({", ".join(f"'{kind.value}'" for kind in sorted(NEEDS_CONSENT))}))
AND EXISTS (SELECT FROM referral_packages p WHERE p.regency = $1 AND p.id = referrals.id AND p.emptied_at IS NULL)
ORDER BY id FOR NO KEY UPDATE
"""


async def basis(tx: Transaction, row: Referral, *, lock: bool = False) -> LawfulBasis | None:
    """The basis on which the person of the need may be made known to an LKS; None where there is none.

    lock  keep what was said as it is until the transaction ends: a withdrawal comes before this act or after it, and then
          it finds the package
    """
    async with tx.effect(row.regency):
        said = await tx.fetch(_SAID + (" FOR SHARE OF c" if lock else ""), row.regency, row.need_id)
        emergency: bool = await tx.value(
            "SELECT emergency FROM cases WHERE regency = $1 AND id = $2", row.regency, row.case_id
        )
    return sharing_basis(
        [Said(LawfulBasis(each["basis"]), ConsentStatus(each["status"]), each["case_id"]) for each in said],
        row.case_id,
        emergency=bool(emergency),
    )


def may_override(actor: Actor) -> None:
    """Raise Forbidden unless the caller may send without consent."""
    actor.require(Scope.ACCESS_OVERRIDE)
    if actor.role not in SHARERS:
        raise errors.Forbidden("role_not_allowed")


async def override(tx: Transaction, row: Referral, reason: str) -> AccessOverride:
    """Record that a referral goes to an LKS without consent, who decided it and why."""
    async with tx.effect(row.regency):
        return await tx.create(
            AccessOverride(
                regency=row.regency,
                id=new_id(Kind.ACCESS_OVERRIDE, row.regency, tx.now),
                area=row.area,
                created_at=tx.now,
                updated_at=tx.now,
                type=OverrideType.SHARING.value,
                status=OverrideStatus.RECORDED.value,
                resource=OverrideResource.REFERRAL.value,
                resource_id=row.id,
                reason=reason,
                asked_by=tx.actor.subject,
                asked_as=tx.actor.role,
            ),
            "recorded",
        )


async def empty_package(tx: Transaction, row: Referral, *, open_: bool) -> None:
    """Take back what the receiver was told. Called inside `tx.effect`.

    open_  whether the referral goes on, so that its receiver sees that nothing is left
    """
    await tx.execute(_EMPTY, row.regency, row.id, tx.now, open_)
    await tx.execute(
        "UPDATE case_notes SET shared = false WHERE regency = $1 AND referral_id = $2 AND shared", row.regency, row.id
    )
    await attachments.follow(tx, row, organization_id=row.organization_id, program_id=row.program_id, shared=False)


async def empty_packages(tx: Transaction, regency: int, person_id: UUID, case_id: UUID | None) -> int:
    """Take back what welfare organizations were told of a person in referrals that run. Returns how many referrals.

    case_id  only those of this case
    The referrals go on; each has an event of it, so that both sides see why nothing is left to read.
    """
    async with tx.effect(regency):
        found = await tx.rows(Referral, _SHARED, regency, sorted(state.value for state in ENDED), person_id, case_id)
        for row in found:
            await empty_package(tx, row, open_=True)
            await tx.change(row, "package_emptied", package_expires_at=None)
    return len(found)


@use_case("referrals.expire_package", scope=Scope.REFERRALS_WRITE, conditional=False)
async def expire_package(tx: Transaction, actor: Actor, id_: UUID) -> None:
    """Empty a package whose time is over, though its referral still runs.

    For the worker, one referral an act, once: nothing happens where another worker was faster.
    """
    if actor.rows.kind is not ScopeKind.WORKER:
        raise errors.Forbidden("role_not_allowed")
    seen = await tx.get(Referral, id_)
    due = await tx.rows(
        Referral,
        "regency = $1 AND id = $2 AND package_expires_at <= $3 FOR NO KEY UPDATE",
        seen.regency,
        seen.id,
        tx.now,
    )
    if not due:
        return
    async with tx.effect(seen.regency):
        await empty_package(tx, due[0], open_=True)
        await tx.change(due[0], "package_emptied", package_expires_at=None)
