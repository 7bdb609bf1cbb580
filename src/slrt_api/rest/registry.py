"""Routes of the national registry: its releases, and the check of a household."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from slrt_api.registry import service
from slrt_api.registry.codes import RegistryOutcome
from slrt_api.registry.shapes import SNAPSHOT
from slrt_api.rest.operations import Routes

TAG = "Registry"


class CheckedRelease(BaseModel):
    """The release that a check looked into."""

    id: UUID = Field(description="Id of the release.", examples=["019aaa11-2233-8000-8cfe-68a1b2c3d4e5"])
    source: str = Field(description="The registry.", examples=["DTSEN"])
    release: str = Field(description="Name of the release.", examples=["2026-Q3"])
    as_of: date = Field(description="The day whose state it tells.", examples=["2026-09-30"])


class RegistryCheck(BaseModel):
    """What the registry says of a household."""

    outcome: RegistryOutcome = Field(description="The finding.", examples=["NOT_FOUND"])
    snapshot: CheckedRelease = Field(description="The release that was looked into.")
    checked_at: datetime = Field(description="When.", examples=["2026-11-22T02:14:07.000000Z"])


def add(routes: Routes) -> None:
    routes.read(SNAPSHOT, tag=TAG)
    routes.write(service.check_household, "/v1/registry/checks", tag=TAG, model=RegistryCheck)
