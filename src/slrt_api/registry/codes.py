"""Codes of registry checks."""

from enum import StrEnum


class RegistryOutcome(StrEnum):
    """What a release of the registry says of a household. Absence is a finding, never a stop."""

    IN_REGISTRY = "IN_REGISTRY"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"
