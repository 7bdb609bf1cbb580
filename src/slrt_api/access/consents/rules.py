"""Which purpose accepts which basis, and whether what was said allows sharing with a welfare organization. Pure.

Source: UU 27/2022 (Pelindungan Data Pribadi), article 20: processing needs a lawful basis, among them consent, the vital
interest of the person and a public task; article 9: consent may be withdrawn. Service by the government is a public task.
What goes beyond it, such as handing data to an organization that is not the government's, takes the person's consent, or
an emergency in which waiting for it would do harm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from slrt_api.access.consents.codes import ConsentStatus, LawfulBasis, ProcessingPurpose

#: purpose -> the bases that it accepts
BASES: Final[Mapping[ProcessingPurpose, frozenset[LawfulBasis]]] = {
    ProcessingPurpose.CASE_WORK: frozenset({LawfulBasis.PUBLIC_TASK, LawfulBasis.VITAL_INTEREST}),
    ProcessingPurpose.REGISTRY_CHECK: frozenset({LawfulBasis.PUBLIC_TASK}),
    ProcessingPurpose.REFERRAL_GOVERNMENT: frozenset({LawfulBasis.PUBLIC_TASK, LawfulBasis.VITAL_INTEREST}),
    ProcessingPurpose.PARTNER_SHARING: frozenset({LawfulBasis.CONSENT, LawfulBasis.VITAL_INTEREST}),
    ProcessingPurpose.PHOTOS: frozenset({LawfulBasis.CONSENT}),
    ProcessingPurpose.RESEARCH: frozenset({LawfulBasis.CONSENT}),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One consent or lawful basis of a person for sharing with welfare organizations.

    case_id  the case for which it was recorded; None = for all work on the person
    """

    basis: LawfulBasis
    status: ConsentStatus
    case_id: UUID | None


def sharing_basis(said: Iterable[Said], case_id: UUID, *, emergency: bool) -> LawfulBasis | None:
    """The basis on which the person's data may go to a welfare organization in this case, or None.

    said       everything that was recorded for the purpose PARTNER_SHARING of the person
    emergency  whether the case is one

    Consent comes first. In an emergency the vital interest carries it too, unless the person has withdrawn: a no outlives
    the flag of the case, and then the vital interest has to be recorded for this case by somebody who answers for it.
    """
    concerning = [each for each in said if each.case_id is None or each.case_id == case_id]
    given = [each for each in concerning if each.status is ConsentStatus.GIVEN]
    if any(each.basis is LawfulBasis.CONSENT for each in given):
        return LawfulBasis.CONSENT
    recorded = any(each.basis is LawfulBasis.VITAL_INTEREST for each in given)
    withdrawn = any(each.status is ConsentStatus.WITHDRAWN for each in concerning)
    return LawfulBasis.VITAL_INTEREST if emergency and (recorded or not withdrawn) else None
