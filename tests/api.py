"""The application under test, in this process, and clients that act in any role."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from slrt_api.access.rules import FORMS
from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.app import create_app
from slrt_api.runtime.devissuer import DevClient, DevIssuer
from slrt_api.settings import Settings

VILLAGE = "33.26.01.2001"
OTHER_VILLAGE = "33.26.02.2001"
OTHER_REGENCY_VILLAGE = "33.27.01.2001"
#: office of integrity officers that no complaint accuses unless a test says so
INSPECTORATE = UUID("019aaa11-2233-8000-8000-20a1b2c3d4e5")
_PLACES: Mapping[Role, str] = {
    Role.FACILITATOR: VILLAGE,
    Role.PUSKESOS_OFFICER: VILLAGE,
    Role.PUSKESOS_COORDINATOR: VILLAGE,
    Role.SUPERVISOR: "33.26.01",
    Role.PROVINCE_OFFICE: "33",
}


@dataclass
class Api:
    """The running application. `as_(role)` is a client of that role; `anonymous` has no token."""

    app: FastAPI
    issuer: DevIssuer
    anonymous: httpx.AsyncClient

    def token(
        self,
        role: Role | str,
        *,
        area: str | None = None,
        areas: Sequence[str] | None = None,
        organization: UUID | str | None = None,
        programs: Sequence[UUID | str] = (),
        person: UUID | str | None = None,
        scopes: frozenset[str] | None = None,
        subject: str | None = None,
        grants: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """An access token of one grant (or of `grants`), with every scope that the role permits unless `scopes`."""
        role = Role(role)
        if role is Role.INTEGRITY_OFFICER and organization is None:
            organization = INSPECTORATE
        places = list(areas) if areas is not None else [area or _PLACES.get(role, "33.26")]
        grant: dict[str, Any] = {
            "role": role.value,
            "areas": places,
            "organization": str(organization) if organization else None,
            "programs": [str(program) for program in programs],
            "person": str(person) if person else None,
        }
        if FORMS[role].ends:
            grant["valid_until"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        client = DevClient(
            "test",
            "test",
            subject or f"{role.value}@{','.join(places)}",
            frozenset(scope.value for scope in PERMISSIONS[role]) if scopes is None else scopes,
            tuple(grants) if grants is not None else (grant,),
        )
        return self.issuer.issue(client)

    def as_(self, role: Role | str, **claims: Any) -> httpx.AsyncClient:
        """A client whose every request carries such a token."""
        return self.client(self.token(role, **claims))

    def client(self, token: str) -> httpx.AsyncClient:
        """A client that carries `token`."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://api.test",
            headers={"authorization": f"Bearer {token}"},
        )


@asynccontextmanager
async def running_api(database_url: str, data_dir: Path, **settings: Any) -> AsyncIterator[Api]:
    """Start the application on a database, with a development issuer that tests mint tokens from."""
    # The whole suite is one caller; what limits do is tested with settings of its own.
    limits: dict[str, Any] = {"rate_limit_per_minute": 1_000_000, "public_rate_limit_per_minute": 1_000_000}
    # Nor is the patience of callers what is tested, on a machine that does other things as well.
    limits["pool_acquire_timeout_seconds"] = 10
    # Checks may be requested; a worker that asks is started by the tests of that.
    limits |= {"civil_registry_url": "http://127.0.0.1:9", "civil_registry_credential": SecretStr("simulator")}
    chosen = Settings(database_url=database_url, data_dir=data_dir, base_url="http://api.test", **(limits | settings))
    app = create_app(chosen)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as anonymous,
    ):
        yield Api(app, DevIssuer(chosen, data_dir, {}), anonymous)


def household_body(**changes: Any) -> dict[str, Any]:
    """A family of two that any facilitator of VILLAGE may register."""
    return {
        "kk": "9901010101120007",
        "area_code": VILLAGE,
        "address": "Dusun III RT 02",
        "members": [
            {
                "name": "Siti Aminah",
                "nik": "9901014505880003",
                "birth_date": "1988-05-05",
                "sex": "F",
                "relation": "HEAD",
            },
            {"name": "Budi Santoso", "birth_date": "2015-03-02", "sex": "M", "relation": "CHILD"},
        ],
        "captured_at": "2026-11-21T09:14:07+07:00",
        **changes,
    }
