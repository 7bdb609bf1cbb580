"""Registering an organization: who runs it, what it offers, whom it serves, and for which programs."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codelists, places
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.models import OfferedService, Officer, Organization, ServedArea, ServedProgram
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

AreaText = Annotated[str, Field(max_length=13, description="Kemendagri code of any level.", examples=["33.26.01"])]
ServiceCode = Annotated[str, Field(description="Code of a service.", max_length=60, examples=["SCHOOL_RETENTION"])]
ProgramCode = Annotated[str, Field(description="Code of a program.", max_length=40, examples=["ATENSI"])]


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
    programs: tuple[ProgramCode, ...] = Field(
        default=(),
        max_length=100,
        description="Programs for which it takes referrals; none named: for every program of its services.",
        examples=[["ATENSI"]],
    )


@use_case(
    "organizations.register",
    scope=Scope.ORGANIZATIONS_WRITE,
    roles={Role.ADMINISTRATOR},
    answers=ORGANIZATION,
    creates=True,
)
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
        "programs": [
            ServedProgram(organization_id=organization.id, program_id=id_) for id_ in await _programs(tx, command)
        ],
    }
    return await tx.create(organization, "registered", parts=parts)


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


async def _programs(tx: Transaction, command: RegisterOrganization) -> list[UUID]:
    """Ids of the programs, in their order."""
    found = await tx.fetch("SELECT code, id FROM programs WHERE code = ANY ($1::text[])", list(command.programs))
    known = {row["code"]: row["id"] for row in found}
    for position, code in enumerate(command.programs):
        if code not in known:
            raise errors.Invalid.at(f"/programs/{position}", "unknown_code", "Give a code of /v1/programs.")
        if code in command.programs[:position]:
            raise errors.Invalid.at(f"/programs/{position}", "duplicate", "Name each program once.")
    return [known[code] for code in command.programs]
