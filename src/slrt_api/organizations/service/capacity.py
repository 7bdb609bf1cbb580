"""Places: how many clients an organization takes in a month, and taking one of them."""

from datetime import date
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import places
from slrt_api.kernel import errors
from slrt_api.organizations.models import Organization, ServiceCapacity
from slrt_api.organizations.service.register import ServiceCode
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case


class SetCapacity(Command):
    """How many clients are taken for a service in a month, in one regency."""

    area_code: str = Field(description="Regency or city.", examples=["33.26"])
    service: ServiceCode
    period: str = Field(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Month.", examples=["2026-11"])
    capacity: int = Field(ge=0, le=1_000_000, description="Places in the month.", examples=[20])


@use_case(
    "organizations.set_capacity",
    scope=Scope.ORGANIZATIONS_WRITE,
    roles={Role.ADMINISTRATOR},
    answers=ORGANIZATION,
    include=("capacity",),
    conditional=False,
)
async def set_capacity(tx: Transaction, actor: Actor, id_: UUID, command: SetCapacity) -> Organization:
    """Set how many clients an organization takes.

    For one service in one month and regency. Places that referrals have taken already cannot be taken back: fewer than
    those is answered 409 `capacity_in_use`.
    """
    regency, area = regency_of(actor, command.area_code)
    organization = await tx.ask(Organization, id_)
    offered = await tx.value(
        "SELECT true FROM organization_services WHERE organization_id = $1 AND service = $2", id_, command.service
    )
    if not offered:
        raise errors.Invalid.at("/service", "service_not_offered", "Name a service that the organization offers.")
    row = ServiceCapacity(
        regency=regency,
        organization_id=id_,
        service=command.service,
        period=date.fromisoformat(f"{command.period}-01"),
        area=area,
        capacity=command.capacity,
    )
    async with tx.effect(regency):
        # The organization is locked, so nobody else adds this line; referrals that take a place lock the line itself.
        found = await tx.rows(
            ServiceCapacity,
            "regency = $1 AND organization_id = $2 AND service = $3 AND period = $4 FOR UPDATE",
            regency,
            id_,
            row.service,
            row.period,
        )
        if not found:
            await tx.insert(row)
        elif command.capacity < found[0].used:
            raise errors.Conflict("capacity_in_use")
        else:
            row = await tx.update(found[0], capacity=command.capacity)
    return await tx.change(organization, "capacity_set", parts={"capacity": [row]})


async def take_place(tx: Transaction, regency: int, organization_id: UUID, service: str, period: date) -> date | None:
    """Take one place of a month, under the effect role. Returns the month, or None where everybody is taken.

    Raises Conflict `no_capacity` when no place is left.
    """
    key = (regency, organization_id, service, period)
    taken = await tx.execute(
        "UPDATE service_capacity SET used = used + 1 WHERE regency = $1 AND organization_id = $2 AND service = $3"
        " AND period = $4 AND used < capacity",
        *key,
    )
    if taken == "UPDATE 1":
        return period
    limited = await tx.value(
        "SELECT true FROM service_capacity WHERE regency = $1 AND organization_id = $2 AND service = $3 AND period = $4",
        *key,
    )
    if limited:
        raise errors.Conflict("no_capacity")
    return None


async def give_place_back(tx: Transaction, regency: int, organization_id: UUID, service: str, period: date) -> None:
    """Give one place of a month back, under the effect role."""
    await tx.execute(
        "UPDATE service_capacity SET used = used - 1 WHERE regency = $1 AND organization_id = $2 AND service = $3"
        " AND period = $4",
        regency,
        organization_id,
        service,
        period,
    )


def regency_of(actor: Actor, text: str) -> tuple[int, int]:
    """Tenant number and first area number of a regency in the actor's scope."""
    if text.count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency or city, such as 33.26.")
    return places.tenant(text), places.area(actor, text)[0]
