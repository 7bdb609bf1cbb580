"""The demo regency 33.26: organizations, a release of the registry, families, and work in every state there is.

Everything comes into being by acts, as it would in life, over the weeks before now. What is done stands in `work`; when
and by whom an act happens in `stage`.
"""

import asyncio
from functools import partial
from typing import Final
from uuid import UUID

from slrt_api.access.scopes import Role
from slrt_api.clocks import calendars
from slrt_api.demo import organizations, people, work
from slrt_api.demo.clients import REGENCY
from slrt_api.demo.people import DemoFamily
from slrt_api.demo.stage import TENANT, Stage, together
from slrt_api.demo.work import Home
from slrt_api.households.codes import Relation, Sex
from slrt_api.households.service.registration import NewMember, RegisterHousehold
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.kernel.ids import Kind
from slrt_api.organizations import service as organization_service
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.service import NewOfficer, RegisterOrganization, SetCapacity
from slrt_api.registry import service as registry
from slrt_api.registry.service import LoadRelease, ReleaseEntry
from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.db import Database

#: Id of the last family, which is registered after everything else: where it is, nothing is left to do. Made by the
#: published recipe (UUID version 8) from an instant of 2026, the tenant, the kind, and zeros in place of chance.
LAST_HOUSEHOLD: Final = UUID(int=1_793_000_000_000 << 80 | 0x8 << 76 | 0b10 << 62 | TENANT << 48 | Kind.HOUSEHOLD << 42)
#: families are registered in the first working days of the demo, and the work for them begins after
_REGISTRATION_DAYS: Final = 3


async def ensure(database: Database, keyring: Keyring, issuer: str) -> bool:
    """Make the demo regency where it is not there yet, or only in part. True when there was something to do.

    issuer  issuer of the development clients' tokens
    """
    stage = Stage(database, keyring, issuer)
    if await stage.exists(stage.actor(Role.SECRETARIAT_OFFICER), HOUSEHOLD, LAST_HOUSEHOLD):
        return False
    # Many acts begin at once, and none of them should work calendars out.
    await asyncio.to_thread(calendars.load)
    stage.go_to(0)
    partners = await register_organizations(stage)
    await load_release(stage)
    *families, last = people.DEMO_FAMILIES
    homes = await together(
        partial(_on_its_day, stage.another(), number, family) for number, family in enumerate(families)
    )
    stage.go_to(_REGISTRATION_DAYS)
    await together(work.everything(stage, partners, homes))
    stage.at = stage.now
    await _family(stage, len(families), last, LAST_HOUSEHOLD)
    return True


async def register_organizations(stage: Stage) -> dict[str, UUID]:
    """Register them and set what they take in the months of the demo and the next. Returns the ids by code."""
    administrator = stage.actor(Role.ADMINISTRATOR)
    months = [f"{month:%Y-%m}" for month in stage.months()]
    ids: dict[str, UUID] = {}
    for each in organizations.DEMO_ORGANIZATIONS:
        told = await stage.act(
            f"organization {each.code}",
            administrator,
            organization_service.register,
            RegisterOrganization(
                code=each.code,
                name=each.name,
                kind=OrganizationKind(each.kind),
                area_code=each.area_code,
                sk_number=each.sk_number,
                sk_date=each.sk_date,
                officers=tuple(
                    NewOfficer(name=officer.name, office=officer.office, valid_from=officer.valid_from)
                    for officer in each.officers
                ),
                services=each.services,
                areas=each.areas_served,
            ),
        )
        ids[each.code] = UUID(told["id"])
        for line in each.capacity:
            for month in months:
                await stage.act(
                    f"capacity {each.code} {line.service} {month}",
                    administrator,
                    organization_service.set_capacity,
                    SetCapacity(area_code=REGENCY, service=line.service, period=month, capacity=line.per_month),
                    on=ids[each.code],
                )
    return ids


async def load_release(stage: Stage) -> None:
    """Load the release of the registry in which most of the families stand."""
    await stage.act(
        f"release {people.REGISTRY_RELEASE}",
        stage.actor(Role.INTEGRATOR),
        registry.load_release,
        LoadRelease(
            source=people.REGISTRY_SOURCE,
            release=people.REGISTRY_RELEASE,
            as_of=people.REGISTRY_AS_OF,
            area_code=REGENCY,
            entries=tuple(
                ReleaseEntry(nik=row.nik, kk=row.kk, birth_date=row.birth_date, desil=row.desil)
                for row in people.DEMO_REGISTRY
            ),
        ),
    )


async def _on_its_day(stage: Stage, number: int, family: DemoFamily) -> Home:
    stage.go_to(number % _REGISTRATION_DAYS, number // _REGISTRATION_DAYS * 4)
    return await _family(stage, number, family)


async def _family(stage: Stage, number: int, family: DemoFamily, id_: UUID | None = None) -> Home:
    """Register one family by the facilitator of its village."""
    command = RegisterHousehold(
        kk=family.kk,
        area_code=family.area_code,
        address=family.address,
        members=tuple(
            NewMember(
                name=person.name,
                nik=person.nik,
                # The youngest are born in the weeks of the demo; nobody is registered with a birthday to come.
                birth_date=person.birth_date if person.birth_date <= stage.at.date() else None,
                sex=Sex(person.sex),
                relation=Relation(person.relation),
            )
            for person in family.members
        ),
    )
    told = await stage.act(
        f"household {number}",
        stage.actor(Role.FACILITATOR, family.area_code),
        registry.register if id_ is None else registry.register_as,
        command,
        on=id_,
    )
    persons = tuple(UUID(member["person_id"]) for member in told["members"])
    return Home(family.area_code, UUID(told["id"]), persons)
