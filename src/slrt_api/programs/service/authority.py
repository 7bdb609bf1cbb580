"""Who may write which program: by its level and its area."""

from slrt_api.areas import codes
from slrt_api.kernel import errors
from slrt_api.programs.lifecycle import WRITERS
from slrt_api.runtime.actor import Actor

_NATION = (0, 9_999_999_999)


def reaches(actor: Actor, level: str, area: int) -> bool:
    """Whether the role writes programs of that level, and the area is within the caller's own."""
    if actor.role not in WRITERS[level]:
        return False
    if area == 0:
        return (actor.rows.lo, actor.rows.hi) == _NATION
    low, high = codes.area_range(codes.area_code(area))
    return actor.rows.reaches(low) and actor.rows.reaches(high)


def require(actor: Actor, level: str, area: int) -> None:
    """Raises Forbidden `role_not_allowed` for a level that is not the role's, OutOfScope for another area."""
    if actor.role not in WRITERS[level]:
        raise errors.Forbidden("role_not_allowed")
    if not reaches(actor, level, area):
        raise errors.OutOfScope
