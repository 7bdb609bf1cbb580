"""Codes of organizations, as stored."""

from enum import StrEnum


class OrganizationKind(StrEnum):
    """What an organization is; the list `organization-kinds`."""

    SECRETARIAT = "SECRETARIAT"
    PUSKESOS = "PUSKESOS"
    OPD = "OPD"
    LKS = "LKS"
    FACILITY = "FACILITY"
    MINISTRY = "MINISTRY"


#: outside the government: a person's data goes there by consent, not by public task
NEEDS_CONSENT = frozenset({OrganizationKind.LKS})
#: units of SLRT itself: they serve people directly and receive no referrals
UNITS_OF_SLRT = frozenset({OrganizationKind.SECRETARIAT, OrganizationKind.PUSKESOS})
