"""Routes of reference data: areas, services, code lists, state machines. Public, also without a token."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final

import orjson
from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.access.consents.lifecycle import LIFECYCLE as CONSENT_LIFECYCLE
from slrt_api.access.overrides.lifecycle import LIFECYCLE as OVERRIDE_LIFECYCLE
from slrt_api.areas.shapes import AREA, CODE_LIST, SERVICE
from slrt_api.attachments.lifecycle import ATTACHMENT_LIFECYCLE
from slrt_api.cases.lifecycle import CASE_LIFECYCLE, NEED_LIFECYCLE
from slrt_api.cases.parts import (
    ASSIGNMENT_LIFECYCLE,
    CASE_MERGE_LIFECYCLE,
    FAMILY_PLAN_LIFECYCLE,
    PLAN_LINE_LIFECYCLE,
    TASK_LIFECYCLE,
)
from slrt_api.complaints.lifecycle import COMPLAINT_LIFECYCLE
from slrt_api.complaints.sealed.lifecycle import LIFECYCLE as SEALED_ACCESS_LIFECYCLE
from slrt_api.households.lifecycle import DUPLICATE_LIFECYCLE, HANDOVER_LIFECYCLE, LINEAGE_LIFECYCLE, TICKET_LIFECYCLE
from slrt_api.kernel import errors
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.programs.lifecycle import ENROLLMENT_LIFECYCLE, REVIEW_LIFECYCLE, VERSION_LIFECYCLE
from slrt_api.programs.screenings.lifecycle import SCREENING_LIFECYCLE
from slrt_api.referrals.lifecycle import LIFECYCLE as REFERRAL_LIFECYCLE
from slrt_api.referrals.lifecycle import OFFER_LIFECYCLE
from slrt_api.rest import query
from slrt_api.rest.caching import reference
from slrt_api.rest.documents import LabelDocument
from slrt_api.rest.operations import Handler, Routes
from slrt_api.rest.parameters import REQUIRED
from slrt_api.rest.service import accepts_json

TAG = "Reference"
_TABLES: Final[tuple[Lifecycle, ...]] = (
    CASE_LIFECYCLE,
    NEED_LIFECYCLE,
    PLAN_LINE_LIFECYCLE,
    ASSIGNMENT_LIFECYCLE,
    TASK_LIFECYCLE,
    FAMILY_PLAN_LIFECYCLE,
    CASE_MERGE_LIFECYCLE,
    REFERRAL_LIFECYCLE,
    OFFER_LIFECYCLE,
    COMPLAINT_LIFECYCLE,
    CONSENT_LIFECYCLE,
    OVERRIDE_LIFECYCLE,
    DUPLICATE_LIFECYCLE,
    VERSION_LIFECYCLE,
    ENROLLMENT_LIFECYCLE,
    REVIEW_LIFECYCLE,
    HANDOVER_LIFECYCLE,
    LINEAGE_LIFECYCLE,
    TICKET_LIFECYCLE,
    SCREENING_LIFECYCLE,
    ATTACHMENT_LIFECYCLE,
    SEALED_ACCESS_LIFECYCLE,
)
#: the state machines of the house by name
LIFECYCLES: Final[Mapping[str, Lifecycle]] = {table.name: table for table in _TABLES}


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StateDocument(_Document):
    """One state."""

    code: str = Field(description="Code of the state.", examples=["REGISTERED"])
    label: LabelDocument = Field(
        description="Name in Indonesian and English.", examples=[{"id": "Terdaftar", "en": "Registered"}]
    )
    terminal: bool = Field(description="Whether it ends here.", examples=[False])


class TransitionDocument(_Document):
    """One line of the table: from where, by which action, to where, by whom."""

    source: str = Field(alias="from", description="State that it leaves.", examples=["REGISTERED"])
    action: str = Field(description="Action that the request names.", examples=["VERIFY"])
    target: str = Field(alias="to", description="State that it leads to.", examples=["VERIFICATION"])
    roles: list[str] = Field(description="Roles that may act.", examples=[["puskesos_officer"]])
    guard: str | None = Field(
        description="What must hold besides; null where nothing must.", examples=["assessed = true and need_count >= 1"]
    )


class LifecycleDocument(_Document):
    """A state machine: its states and who may do what from where."""

    name: str = Field(description="What it is the lifecycle of.", examples=["case"])
    states: list[StateDocument] = Field(
        description="The states; the first is where a thing begins.",
        examples=[[{"code": "REGISTERED", "label": {"id": "Terdaftar", "en": "Registered"}, "terminal": False}]],
    )
    transitions: list[TransitionDocument] = Field(
        description="The table.",
        examples=[
            [
                {
                    "from": "ASSESSMENT",
                    "action": "RECOMMEND",
                    "to": "RECOMMENDED",
                    "roles": ["puskesos_officer"],
                    "guard": "assessed = true and need_count >= 1",
                }
            ]
        ],
    )


def add(routes: Routes) -> None:
    for shape in (AREA, SERVICE, CODE_LIST):
        routes.read(shape, tag=TAG, anonymous=True)
    routes.add(
        "GET",
        "/v1/meta/lifecycles/{name}",
        published(routes, lambda request: _lifecycle(request.path_params["name"])),
        name="get_lifecycle",
        summary="Get one state machine",
        doc="The table that drives transitions and `allowed_actions`: states, actions, roles and guards.",
        tag=TAG,
        parameters={
            "name": (Annotated[str, Path(description="What it is the lifecycle of.", examples=["case"])], REQUIRED)
        },
        model=LifecycleDocument,
        errors_=(404,),
        anonymous=True,
        cached=True,
    )


def published(routes: Routes, body: Callable[[Request], bytes]) -> Handler:
    """The handler of an answer that is the same for everybody."""

    async def handler(request: Request) -> Response:
        accepts_json(request)
        # Asked for its refusals only: a wrong token is a wrong token here, too.
        await routes.service.act(request, anonymous=True)
        query.parameters(request.scope["query_string"], ())
        return reference(request, body(request))

    return handler


def _lifecycle(name: str) -> bytes:
    if name not in LIFECYCLES:
        raise errors.NotFound
    return _described(name)


@cache
def _described(name: str) -> bytes:
    described: Any = LIFECYCLES[name].describe()
    return orjson.dumps(described)
