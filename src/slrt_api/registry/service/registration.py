"""Register a family, or one more member of it, and look up in the same act what the registry tells of it."""

from uuid import UUID

from slrt_api.access.scopes import Scope
from slrt_api.households import service as households
from slrt_api.households.models import Household
from slrt_api.households.service import AddMember, RegisterHousehold
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.registry.service import facts
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import use_case


@use_case("households.register", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",), creates=True)
async def register(tx: Transaction, actor: Actor, command: RegisterHousehold) -> Household:
    """Register a household.

    The people's NIKs and the KK number are encrypted; warnings about them stand under `findings` and block nothing.
    Absence from the national registry never blocks a registration either.
    """
    household = await households.register(tx, actor, command)
    await facts.match(tx, household.regency, [household.id])
    return household


@use_case("households.register_as", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",), creates=True)
async def register_as(tx: Transaction, actor: Actor, household_id: UUID, command: RegisterHousehold) -> Household:
    """Register a household under an id that the client made.

    For devices that record offline: the id follows the published recipe (UUID version 8 with tenant and kind), so that
    the upload can be repeated safely. An id that exists answers 412, whoever owns it.
    """
    household = await households.register_as(tx, actor, household_id, command)
    await facts.match(tx, household.regency, [household.id])
    return household


@use_case("households.add_member", scope=Scope.HOUSEHOLDS_WRITE, answers=HOUSEHOLD, include=("members",))
async def add_member(tx: Transaction, actor: Actor, household_id: UUID, command: AddMember) -> Household:
    """Add a member to a household.

    Either a person who is known and belongs to no household now, or a new one. A NIK may be missing. A new head is named by
    changing the member (`PATCH`), so that there is always exactly one.
    """
    household = await households.add_member(tx, actor, household_id, command)
    await facts.match(tx, household.regency, [household.id])
    return household
