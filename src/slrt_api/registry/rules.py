"""What the matches of a household in a release of the registry mean."""

from slrt_api.registry.codes import RegistryOutcome


def outcome(families: int, *, repeated: bool) -> RegistryOutcome:
    """The outcome of a check.

    families  different KK numbers among the entries that a NIK of the household or its own KK number matches
    repeated  whether one NIK of the household stands in several entries
    """
    if families == 0:
        return RegistryOutcome.NOT_FOUND
    if families > 1 or repeated:
        return RegistryOutcome.AMBIGUOUS
    return RegistryOutcome.IN_REGISTRY
