"""Who decides calendars and service levels: a regency its own, the national office those of the nation."""

from typing import Final

from slrt_api.access.scopes import Role
from slrt_api.areas import places
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction

OF_REGENCY: Final = frozenset({Role.SOCIAL_OFFICE, Role.SECRETARIAT_MANAGER, Role.ADMINISTRATOR})
WRITERS: Final = OF_REGENCY | {Role.NATIONAL_OFFICE}


def area_of(actor: Actor, code: str | None) -> int:
    """The area (ten digits, 0 for the nation) that the caller decides for.

    Raises Forbidden `role_not_allowed` for a level that is not the role's, Invalid for what is no regency, OutOfScope for
    one that is not wholly the caller's.
    """
    if (code is None) is not (actor.role == Role.NATIONAL_OFFICE):
        raise errors.Forbidden("role_not_allowed")
    if code is None:
        return 0
    if code.count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency or city, such as 33.26.")
    return places.area(actor, code)[0]


async def edition(tx: Transaction, table: str, area: int) -> int:
    """The number of the next decree or policy of an area. Two at once follow one another until the first has ended."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", table, area)
    found: int = await tx.value(f"SELECT coalesce(max(edition), 0) + 1 FROM {table} WHERE area = $1", area)
    return found
