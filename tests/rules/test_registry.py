"""What matches in a release of the registry mean."""

import pytest

from slrt_api.registry import rules
from slrt_api.registry.codes import RegistryOutcome

IN, NOT, AMBIGUOUS = RegistryOutcome.IN_REGISTRY, RegistryOutcome.NOT_FOUND, RegistryOutcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("families", "repeated", "outcome"),
    [(0, False, NOT), (1, False, IN), (1, True, AMBIGUOUS), (2, False, AMBIGUOUS), (2, True, AMBIGUOUS)],
)
def test_one_family_and_nobody_twice_is_in_the_registry(
    families: int, outcome: RegistryOutcome, *, repeated: bool
) -> None:
    assert rules.outcome(families, repeated=repeated) is outcome


@pytest.mark.parametrize(
    ("outcome", "delivered", "desil"),
    [
        (IN, [1], 1),
        (IN, [10], 10),
        (IN, [], None),
        (IN, [2, 3], None),
        (AMBIGUOUS, [2], None),
        (NOT, [], None),
    ],
)
def test_a_rank_is_told_where_there_is_one_and_never_made_up(
    outcome: RegistryOutcome, delivered: list[int], desil: int | None
) -> None:
    assert rules.desil(outcome, delivered) == desil
