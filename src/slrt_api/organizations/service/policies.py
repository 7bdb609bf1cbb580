"""How a regency routes: deciding a policy, and the one in force on a day."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codelists, codes
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.organizations.models import RoutingPolicy
from slrt_api.organizations.routing import Policy, preset
from slrt_api.organizations.service.capacity import regency_of
from slrt_api.organizations.service.register import ServiceCode
from slrt_api.organizations.shapes import ROUTING_POLICY
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: who decides for a regency how referrals are routed, and how many places there are
DECIDERS: Final = frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR})
_PRESET: Final = preset()
_NAMES: Final = tuple(field.name for field in fields(Policy))


def _number(name: str, least: int, most: int, description: str, example: int) -> Any:
    """A number of the policy; left out, it is that of the preset."""
    return Field(default=getattr(_PRESET, name), ge=least, le=most, description=description, examples=[example])


class DecideRoutingPolicy(Command):
    """How a regency routes from a day on. What is left out is as in the preset."""

    area_code: str = Field(max_length=13, description="Your regency or city.", examples=["33.26"])
    valid_from: date = Field(description="First day on which it is routed so: today or later.", examples=["2026-12-01"])
    places_weight: int = _number(
        "places_weight", 0, 100, "What the share of the month's places counts that is left.", 2
    )
    response_weight: int = _number("response_weight", 0, 100, "What it counts that offers were answered soon.", 3)
    acceptance_weight: int = _number("acceptance_weight", 0, 100, "What it counts that offers were accepted.", 2)
    turn_weight: int = _number("turn_weight", 0, 100, "What it counts that others were offered since its last one.", 3)
    slow_response_minutes: int = _number(
        "slow_response_minutes", 1, 100_000, "Working minutes after which an answer is no longer soon at all.", 2250
    )
    minimum_share: int = _number(
        "minimum_share",
        0,
        100,
        "Percent of an equal share that each receiver gets that takes clients, whatever its points; 0 = none.",
        50,
    )
    cool_down_days: int = _number(
        "cool_down_days", 0, 365, "Days without offers after one that was left unanswered, for each in a row.", 7
    )
    unanswered_limit: int = _number(
        "unanswered_limit",
        1,
        100,
        "After so many unanswered in a row it is routed to again once it answers one by which it was named.",
        2,
    )
    open_offers_limit: int = _number(
        "open_offers_limit", 1, 10_000, "Offers of one service that may wait at one receiver.", 50
    )
    attempts_limit: int = _number(
        "attempts_limit", 1, 20, "To how many receivers one need is sent, one after the other, while nobody answers.", 3
    )
    package_grace_days: int = _number(
        "package_grace_days", 0, 365, "How many days after its deadline a receiver may still read the package.", 14
    )
    auto_services: tuple[ServiceCode, ...] | None = Field(
        default=None,
        max_length=100,
        description="Services that may be routed by `AUTO`; all when left out, none when empty.",
        examples=[["SCHOOL_RETENTION"]],
    )
    reason: str = Field(
        min_length=1, max_length=2000, description="Why.", examples=["Tiga LKS baru perlu dikenalkan lebih dahulu"]
    )
    decree: str | None = Field(
        default=None, min_length=1, max_length=200, description="The decision that says so.", examples=["460/12/2026"]
    )


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy and its id; None where it is the preset."""

    policy: Policy
    id: UUID | None


@use_case(
    "routing_policies.decide",
    scope=Scope.ORGANIZATIONS_WRITE,
    roles=DECIDERS,
    answers=ROUTING_POLICY,
    creates=True,
)
async def decide_policy(tx: Transaction, actor: Actor, command: DecideRoutingPolicy) -> RoutingPolicy:
    """Decide how a regency routes.

    From a day on that is not past (422 `date_in_past`); one for each day (409 `already_exists`). It is never changed: the
    newest one before a day counts on it, and an offer keeps the policy by which it was made.
    """
    regency, area = regency_of(actor, command.area_code)
    actor.require_area(area + 999_999)
    if command.valid_from < tx.now.astimezone(ZoneInfo(codes.time_zone(command.area_code))).date():
        raise errors.Invalid.at("/valid_from", "date_in_past", "Name today or a later day.")
    if not (command.places_weight + command.response_weight + command.acceptance_weight + command.turn_weight):
        raise errors.Invalid.at("/places_weight", "range", "Something has to count.")
    services = _services(command)
    async with tx.effect(regency):
        return await tx.create(
            RoutingPolicy(
                regency=regency,
                id=new_id(Kind.ROUTING_POLICY, regency, tx.now),
                area=area,
                created_at=tx.now,
                updated_at=tx.now,
                auto_services=services,
                decided_by=actor.subject,
                **command.model_dump(exclude={"area_code", "auto_services"}),
            ),
            "decided",
            texts={"reason": command.reason},
        )


async def policy_in_force(tx: Transaction, regency: int, day: date) -> InForce:
    """The policy by which the regency routes on a day: its own, else the preset."""
    async with tx.effect(regency):
        found = await tx.rows(
            RoutingPolicy,
            "regency = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1",
            regency,
            day,
        )
    if not found:
        return InForce(_PRESET, None)
    given = {name: getattr(found[0], name) for name in _NAMES if name != "auto_services"}
    services = found[0].auto_services
    return InForce(Policy(**given, auto_services=None if services is None else frozenset(services)), found[0].id)


def _services(command: DecideRoutingPolicy) -> list[str] | None:
    if command.auto_services is None:
        return None
    known = {service.code for service in codelists.load_services()}
    for position, code in enumerate(command.auto_services):
        if code not in known:
            raise errors.Invalid.at(f"/auto_services/{position}", "unknown_code", "Give a code of /v1/services.")
    return sorted(set(command.auto_services))
