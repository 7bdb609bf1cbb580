"""The clients of the development issuer: one for each role of the demo regency 33.26.

Partners and program managers act for one organization or program, so each of these has a client of its own. Of integrity
officers there are two, because one of them alone is shown no identity.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from slrt_api.access.rules import AUDITOR_LONGEST, FORMS
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.demo.credentials import SECRET, client_id
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.db import Database
from slrt_api.runtime.devissuer import DevClient
from slrt_api.runtime.roles import ScopeKind

REGENCY: Final = "33.26"
#: program and partner of the clients that are named by their role alone
MAIN_PROGRAM: Final = "PKH"
MAIN_PARTNER: Final = "LKS-TUNAS-HARAPAN"
#: office and second name of those who handle sealed reports
INSPECTORATE: Final = "OPD-INSPEKTORAT-3326"
SECOND: Final = "SECOND"
#: where the role acts; the whole regency where nothing else stands
_AREAS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.FACILITATOR: ("33.26.01.2001",),
    Role.PUSKESOS_OFFICER: ("33.26.01.2001",),
    Role.PUSKESOS_COORDINATOR: ("33.26.01.2001",),
    Role.SUPERVISOR: ("33.26.01",),
    Role.PROVINCE_OFFICE: ("33",),
    Role.NATIONAL_OFFICE: (),
}


async def clients(database: Database) -> dict[str, DevClient]:
    """The clients by their client_id; partners and program managers as the database knows organizations and programs."""
    async with database.transaction(RowScope(ScopeKind.PUBLIC, regency=0, receipt=-1), write=False) as connection:
        organizations = await connection.fetch("SELECT id, code FROM organizations")
        programs = await connection.fetch("SELECT id, code FROM programs")
    several = {Role.PARTNER, Role.PROGRAM_MANAGER, Role.INTEGRITY_OFFICER}
    found = [_client(role) for role in Role if role not in several]
    for each in organizations:
        if each["code"] == INSPECTORATE:
            found += [_client(Role.INTEGRITY_OFFICER, code, organization=each["id"]) for code in (None, SECOND)]
        found.append(_client(Role.PARTNER, each["code"], organization=each["id"]))
        if each["code"] == MAIN_PARTNER:
            found.append(_client(Role.PARTNER, organization=each["id"]))
    for each in programs:
        found.append(_client(Role.PROGRAM_MANAGER, each["code"], programs=[each["id"]]))
        if each["code"] == MAIN_PROGRAM:
            found.append(_client(Role.PROGRAM_MANAGER, programs=[each["id"]]))
    return {client.client_id: client for client in found}


def _client(
    role: Role, code: str | None = None, *, organization: UUID | None = None, programs: Sequence[UUID] = ()
) -> DevClient:
    name = client_id(role.value, code)
    grant: dict[str, Any] = {
        "role": role.value,
        "areas": list(_AREAS.get(role, (REGENCY,))),
        "organization": str(organization) if organization else None,
        "programs": [str(program) for program in programs],
    }
    if FORMS[role].ends:
        # As long as a grant of this role can be: a development server does not run for a year.
        grant["valid_until"] = (datetime.now(UTC) + AUDITOR_LONGEST).isoformat()
    scopes = frozenset(scope.value for scope in PERMISSIONS[role])
    return DevClient(name, SECRET, f"demo-{name}", scopes, (grant,))
