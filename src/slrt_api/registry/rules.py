"""What the matches of a household or a person in a release of the registry mean."""

from collections.abc import Collection

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


def desil(found: RegistryOutcome, delivered: Collection[int]) -> int | None:
    """The rank that a release tells, or None: of nobody, of more than one, and where it was not delivered.

    delivered  different ranks of the entries that match
    """
    [rank] = delivered if found is RegistryOutcome.IN_REGISTRY and len(delivered) == 1 else [None]
    return rank
