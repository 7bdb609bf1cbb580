"""What a complaint names: whoever files or triages it must see that, and it must lie in the regency of the complaint."""

from uuid import UUID

from slrt_api.households.models import Household, Person
from slrt_api.kernel import errors
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction


async def program(tx: Transaction, pointer: str, code: str | None) -> None:
    """Raise Invalid `reference_not_found` for a program that the catalog does not have."""
    if code is not None and not await tx.value("SELECT true FROM programs WHERE code = $1", code):
        raise errors.Invalid.reference(pointer)


async def household(tx: Transaction, actor: Actor, pointer: str, id_: UUID | None, regency: int) -> None:
    """Raise Invalid `reference_not_found` for a household that is unknown, out of sight or of another regency."""
    if id_ is None:
        return
    # A citizen's database role reads no household at all.
    found = None if actor.rows.kind is ScopeKind.SUBJECT else await tx.find(Household, id_)
    if found is None or found.regency != regency:
        raise errors.Invalid.reference(pointer)


async def person(tx: Transaction, actor: Actor, pointer: str, id_: UUID | None, regency: int) -> None:
    """The same of a person."""
    if id_ is None:
        return
    found = None if actor.rows.kind is ScopeKind.SUBJECT else await tx.find(Person, id_)
    if found is None or found.regency != regency:
        raise errors.Invalid.reference(pointer)


async def organization(tx: Transaction, pointer: str, id_: UUID | None) -> None:
    """The same of an organization. These are national, and everybody may name one: whom a complaint accuses is for its
    author to say."""
    if id_ is not None and await tx.find(Organization, id_) is None:
        raise errors.Invalid.reference(pointer)
