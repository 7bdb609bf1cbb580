"""The lawful basis of a case, recorded by the acts that open one or make it an emergency."""

from uuid import UUID

from slrt_api.access.consents.codes import ConsentStatus, LawfulBasis, ProcessingPurpose
from slrt_api.access.consents.models import Consent
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.transaction import Transaction


async def record_case_basis(
    tx: Transaction, *, regency: int, area: int, household_id: UUID, case_id: UUID, emergency: bool
) -> Consent:
    """Record why the work on a case is lawful: a public task, of an emergency the vital interest of its people."""
    basis = LawfulBasis.VITAL_INTEREST if emergency else LawfulBasis.PUBLIC_TASK
    return await tx.create(
        Consent(
            regency=regency,
            id=new_id(Kind.CONSENT, regency, tx.now),
            area=area,
            created_at=tx.now,
            updated_at=tx.now,
            household_id=household_id,
            case_id=case_id,
            purpose=ProcessingPurpose.CASE_WORK.value,
            basis=basis.value,
            status=ConsentStatus.GIVEN.value,
            given_at=tx.now,
            recorded_by=tx.actor.subject,
        ),
        "recorded",
    )
