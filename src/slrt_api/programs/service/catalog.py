"""Write programs of a regency, a village, a welfare organization, a province or the nation."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codelists, places
from slrt_api.areas.codes import Level
from slrt_api.areas.codes import parse_area_code as parse_area
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.organizations.models import Organization
from slrt_api.programs.codes import ProgramLevel, ProgramUnit
from slrt_api.programs.lifecycle import ANY_WRITER
from slrt_api.programs.models import Program
from slrt_api.programs.service import authority
from slrt_api.programs.shapes import PROGRAM
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Text = Annotated[str, Field(min_length=1, max_length=500)]
_Code = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")]
_CONFIDENCE: Final = "^(sourced|unverified)$"
#: level -> the level of the area that its programs are of; a welfare organization works where it works
_AREAS: Final = {
    ProgramLevel.PROVINCE: Level.PROVINCE,
    ProgramLevel.REGENCY: Level.REGENCY,
    ProgramLevel.VILLAGE: Level.VILLAGE,
}
#: member -> the code list of what may stand in it
_LISTS: Final = {"sector": "program-sectors", "domain": "service-domains"}


class CreateProgram(Command):
    """A program as its decree founds it. Its rules are versions of it."""

    code: str = Field(
        pattern="^[A-Z0-9][A-Z0-9.-]{1,39}$", description="Code, unique in the nation.", examples=["BANSOS-3326"]
    )
    name_id: _Name = Field(description="Name in Indonesian.", examples=["Bantuan Lansia Kabupaten"])
    name_en: _Name = Field(description="Name in English.", examples=["Regency Grant for Older People"])
    unit: ProgramUnit = Field(description="Who is entitled.", examples=["FAMILY"])
    level: ProgramLevel = Field(description="Who runs it, and so who may write it.", examples=["REGENCY"])
    area_code: str | None = Field(
        default=None,
        max_length=13,
        description="Where it is open, of the level that runs it; null for the whole nation.",
        examples=["33.26"],
    )
    cluster: int = Field(ge=1, le=3, description="Cluster of poverty reduction (TNP2K).", examples=[1])
    sector: _Code = Field(description="A code of the list `program-sectors`.", examples=["SOCIO_ECONOMIC"])
    domain: _Code = Field(description="A code of the list `service-domains`.", examples=["SOCIAL_WELFARE"])
    owner_organization_id: UUID | None = Field(
        default=None, description="The organization that decides.", examples=["019aaa11-2233-8000-8020-04a1b2c3d4e5"]
    )
    open_from: date = Field(description="First day on which it takes people.", examples=["2026-01-01"])
    open_to: date | None = Field(default=None, description="Last such day.", examples=["2026-12-31"])
    complaint_channel: _Text = Field(
        description="Where the program takes complaints, in words.", examples=["Dinas Sosial, loket 3"]
    )
    legal_basis: _Text | None = Field(default=None, description="Its decree.", examples=["Perbup 12/2026"])
    citation: _Text = Field(description="Source of these facts.", examples=["Perbup 12/2026, pasal 3"])
    confidence: str = Field(
        pattern=_CONFIDENCE, description="`sourced` if the source was read, else `unverified`.", examples=["sourced"]
    )


class ChangeProgram(Command):
    """What of a program changes. Code, unit, level and area stay: they are what its rules are about."""

    name_id: _Name | None = Field(default=None, description="Name in Indonesian.", examples=["Bantuan Lansia"])
    name_en: _Name | None = Field(default=None, description="Name in English.", examples=["Grant for Older People"])
    cluster: int | None = Field(default=None, ge=1, le=3, description="Cluster (TNP2K).", examples=[1])
    sector: _Code | None = Field(default=None, description="Sector.", examples=["SOCIO_ECONOMIC"])
    domain: _Code | None = Field(default=None, description="Service domain.", examples=["SOCIAL_WELFARE"])
    owner_organization_id: UUID | None = Field(
        default=None, description="The organization that decides.", examples=["019aaa11-2233-8000-8020-04a1b2c3d4e5"]
    )
    open_from: date | None = Field(
        default=None, description="First day on which it takes people.", examples=["2026-01-01"]
    )
    open_to: date | None = Field(default=None, description="Last such day; null = it goes on.", examples=["2026-12-31"])
    complaint_channel: _Text | None = Field(default=None, description="Where complaints go.", examples=["Loket 3"])
    legal_basis: _Text | None = Field(default=None, description="Its decree.", examples=["Perbup 12/2026"])
    citation: _Text | None = Field(default=None, description="Source of these facts.", examples=["Perbup 12/2026"])
    confidence: str | None = Field(
        default=None, pattern=_CONFIDENCE, description="Whether it was read.", examples=["sourced"]
    )


#: members of a change that null empties
_EMPTIED: Final = {"open_to", "legal_basis", "owner_organization_id"}


@use_case("programs.create", scope=Scope.PROGRAMS_WRITE, roles=ANY_WRITER, answers=PROGRAM, creates=True)
async def create(tx: Transaction, actor: Actor, command: CreateProgram) -> Program:
    """Create a program.

    Of a regency, a village or a welfare organization (LKS) by the regency's managers and administrators, of a village by its
    coordinator too, of a province and of the nation by their offices. It has no rule until a version of one is published.
    """
    area = _area(actor, command)
    authority.require(actor, command.level, area)
    values = command.model_dump(exclude={"area_code"})
    await _check(tx, values)
    return await tx.create(
        Program(
            id=new_id(Kind.PROGRAM, NATIONAL, tx.now),
            area=area,
            version=1,
            created_at=tx.now,
            updated_at=tx.now,
            **{**values, "unit": command.unit.value, "level": command.level.value},
        ),
        "created",
    )


@use_case("programs.change", scope=Scope.PROGRAMS_WRITE, roles=ANY_WRITER, answers=PROGRAM)
async def change(tx: Transaction, actor: Actor, id_: UUID, command: ChangeProgram) -> Program:
    """Change a program.

    A JSON merge patch. Of a program that was shipped, the change is kept when the catalog is loaded again.
    """
    program = await tx.ask(Program, id_)
    authority.require(actor, program.level, program.area)
    given = {name: getattr(command, name) for name in command.model_fields_set}
    faults = [
        errors.Fault(f"/{name}", "type", "Give a value of the documented type.")
        for name, value in given.items()
        if value is None and name not in _EMPTIED
    ]
    if faults:
        raise errors.Invalid(faults=tuple(faults))
    await _check(tx, {"open_from": program.open_from, "open_to": program.open_to, **given})
    if all(getattr(program, name) == value for name, value in given.items()):
        return program
    return await tx.change(program, "changed", **given)


def _area(actor: Actor, command: CreateProgram) -> int:
    """The area number of a new program, 0 for the nation. Raises Invalid where level and area do not go together."""
    if command.level is ProgramLevel.NATIONAL:
        if command.area_code is not None:
            raise errors.Invalid.at("/area_code", "area_of_level", "Leave the area out: the program is national.")
        return 0
    if command.area_code is None:
        raise errors.Invalid.at("/area_code", "required", "This member is required.")
    number = places.elsewhere(command.area_code)
    wanted = _AREAS.get(command.level)
    if wanted is not None and parse_area(command.area_code).level is not wanted:
        raise errors.Invalid.at("/area_code", "area_of_level", "Give an area of the level that runs the program.")
    return number


async def _check(tx: Transaction, values: dict[str, Any]) -> None:
    faults = []
    lists = codelists.load_code_lists()
    for name, list_name in _LISTS.items():
        if values.get(name) is not None and values[name] not in lists[list_name].codes:
            faults.append(errors.Fault(f"/{name}", "unknown_code", "Give one of the documented codes."))
    if values.get("open_to") is not None and values["open_to"] < values["open_from"]:
        faults.append(errors.Fault("/open_to", "range", "It closes after it opened."))
    owner = values.get("owner_organization_id")
    if owner is not None and await tx.find(Organization, owner) is None:
        raise errors.Invalid.reference("/owner_organization_id")
    if faults:
        raise errors.Invalid(faults=tuple(faults))
