"""Use cases of organizations: register one, and set how many clients it takes."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codelists, codes, places
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.organizations import routing
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.models import OfferedService, Officer, Organization, ServedArea, ServiceCapacity
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

AreaText = Annotated[str, Field(max_length=13, description="Kemendagri code of any level.", examples=["33.26.01"])]
ServiceCode = Annotated[str, Field(description="Code of a service.", max_length=60, examples=["SCHOOL_RETENTION"])]


class NewOfficer(Command):
    """A person in an office of the organization."""

    name: str = Field(min_length=1, max_length=150, description="Name.", examples=["Wahyu Nugroho"])
    office: str = Field(min_length=1, max_length=100, description="Office held.", examples=["Manajer"])
    valid_from: date = Field(description="In office since.", examples=["2024-02-12"])
    valid_to: date | None = Field(default=None, description="Last day in office.", examples=[None])


class RegisterOrganization(Command):
    """An organization as an administrator enters it from its decree."""

    code: str = Field(
        pattern="^[A-Z0-9][A-Z0-9.-]{1,39}$", description="Code, unique in the nation.", examples=["LKS-KASIH-IBU"]
    )
    name: str = Field(min_length=1, max_length=200, description="Name.", examples=["LKS Kasih Ibu"])
    kind: OrganizationKind = Field(description="Kind.", examples=["LKS"])
    area_code: str = Field(max_length=13, description="Where it stands: a code of any level.", examples=["33.26"])
    sk_number: str = Field(
        min_length=1, max_length=100, description="Number of the founding decree (SK).", examples=["460/101/2024"]
    )
    sk_date: date = Field(description="Date of the founding decree.", examples=["2024-02-12"])
    officers: tuple[NewOfficer, ...] = Field(default=(), max_length=50, description="People in office, the head first.")
    services: tuple[ServiceCode, ...] = Field(
        default=(), max_length=100, description="Services offered.", examples=[["SCHOOL_RETENTION"]]
    )
    areas: tuple[AreaText, ...] = Field(
        default=(),
        max_length=200,
        description="Areas served, each with all below it; none inside another.",
        examples=[["33.26.01"]],
    )


class SetCapacity(Command):
    """How many clients are taken for a service in a month, in one regency."""

    area_code: str = Field(description="Regency or city.", examples=["33.26"])
    service: ServiceCode
    period: str = Field(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Month.", examples=["2026-11"])
    capacity: int = Field(ge=0, le=1_000_000, description="Places in the month.", examples=[20])


@use_case("organizations.register", scope=Scope.ORGANIZATIONS_WRITE, answers=ORGANIZATION, creates=True)
async def register(tx: Transaction, actor: Actor, command: RegisterOrganization) -> Organization:
    """Register an organization.

    Its place and the areas that it serves must lie in the caller's scope, and be of the current edition.
    """
    _check_officers(command)
    _check_services(command)
    organization = Organization(
        id=new_id(Kind.ORGANIZATION, NATIONAL, tx.now),
        area=places.area(actor, command.area_code)[0],
        created_at=tx.now,
        updated_at=tx.now,
        code=command.code,
        name=command.name,
        kind=command.kind.value,
        sk_number=command.sk_number,
        sk_date=command.sk_date,
    )
    parts: dict[str, list[Any]] = {
        "officers": [
            Officer(organization_id=organization.id, position=position, **officer.model_dump())
            for position, officer in enumerate(command.officers)
        ],
        "services": [OfferedService(organization_id=organization.id, service=code) for code in command.services],
        "areas": [
            ServedArea(organization_id=organization.id, lo=lo, hi=hi) for lo, hi in _served(actor, command.areas)
        ],
    }
    return await tx.create(organization, "registered", parts=parts)


@use_case(
    "organizations.set_capacity",
    scope=Scope.ORGANIZATIONS_WRITE,
    answers=ORGANIZATION,
    include=("capacity",),
    conditional=False,
)
async def set_capacity(tx: Transaction, actor: Actor, id_: UUID, command: SetCapacity) -> Organization:
    """Set how many clients an organization takes.

    For one service in one month and regency. Places that referrals have taken already cannot be taken back: fewer than
    those is answered 409 `capacity_in_use`.
    """
    regency, area = _regency(actor, command.area_code)
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


_FACTS = """
SELECT o.id, o.code, o.name, o.kind,
       EXISTS (SELECT FROM organization_areas a WHERE a.organization_id = o.id AND $3::bigint BETWEEN a.lo AND a.hi) AS serves,
       EXISTS (SELECT FROM organization_services s WHERE s.organization_id = o.id AND s.service = $2) AS offers,
       (SELECT c.capacity - c.used FROM service_capacity c WHERE c.regency = $1 AND c.organization_id = o.id
        AND c.service = $2 AND c.period = $4) AS available
FROM organizations o
"""
_AROUND = """
WHERE EXISTS (SELECT FROM organization_areas a WHERE a.organization_id = o.id AND a.lo <= $6 AND a.hi >= $5)
ORDER BY o.code LIMIT 1000
"""


async def routes(
    tx: Transaction,
    regency: int,
    area: int,
    service: str,
    period: date,
    *,
    may_share: bool,
    only: UUID | None = None,
) -> tuple[routing.Candidate, ...]:
    """Organizations that serve some of the regency of `area`, judged for `service` in `period`, best first.

    period     first day of the month
    only       judge this organization alone, wherever it serves
    may_share  whether the person's data may go to an organization outside the government
    Runs under the effect role: places left are shown to whoever routes, also from a village.
    """
    async with tx.effect(regency):
        asked = (regency, service, area, period)
        if only is not None:
            found = await tx.fetch(f"{_FACTS} WHERE o.id = $5", *asked, only)
        else:
            found = await tx.fetch(_FACTS + _AROUND, *asked, *_regency_range(area))
    return routing.rank(
        routing.Facts(
            organization_id=row["id"],
            code=row["code"],
            name=row["name"],
            kind=OrganizationKind(row["kind"]),
            serves_area=row["serves"],
            offers_service=row["offers"],
            available=row["available"],
            may_share=may_share,
        )
        for row in found
    )


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


def _regency_range(area: int) -> tuple[int, int]:
    """First and last area number of the regency in which `area` lies."""
    regency = codes.regency_of(codes.area_code(area))
    if regency is None:
        raise LookupError(area)
    return codes.area_range(regency)


def _regency(actor: Actor, text: str) -> tuple[int, int]:
    """Tenant number and first area number of a regency in the actor's scope."""
    if text.count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency or city, such as 33.26.")
    return places.tenant(text), places.area(actor, text)[0]


def _served(actor: Actor, areas: tuple[str, ...]) -> list[tuple[int, int]]:
    ranges = [places.area(actor, text, f"/areas/{position}") for position, text in enumerate(areas)]
    for position, (lo, hi) in enumerate(ranges):
        if any(lo <= other[1] and other[0] <= hi for other in ranges[:position]):
            raise errors.Invalid.at(f"/areas/{position}", "duplicate", "It lies in an area that is named already.")
    return ranges


def _check_officers(command: RegisterOrganization) -> None:
    for position, officer in enumerate(command.officers):
        if officer.valid_to is not None and officer.valid_to < officer.valid_from:
            raise errors.Invalid.at(f"/officers/{position}/valid_to", "range", "A term ends after it began.")


def _check_services(command: RegisterOrganization) -> None:
    known = {service.code for service in codelists.load_services()}
    for position, code in enumerate(command.services):
        if code not in known:
            raise errors.Invalid.at(f"/services/{position}", "unknown_code", "Give a code of /v1/services.")
        if code in command.services[:position]:
            raise errors.Invalid.at(f"/services/{position}", "duplicate", "Name each service once.")
