"""The GraphQL surface: made from the same shapes and use cases as REST, over the same read engine.

`build` makes the schema, `documents` parses and limits, `plans` compiles a query to selections, `execute` runs both executors,
`http` speaks GraphQL over HTTP.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from types import ModuleType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from slrt_api.access import shapes as access
from slrt_api.access.consents import shapes as consents
from slrt_api.access.overrides import shapes as overrides
from slrt_api.access.permissions import Rule, doing, reading
from slrt_api.access.service import Service
from slrt_api.areas import shapes as areas
from slrt_api.audit import shapes as audit
from slrt_api.cases import service as _cases_service
from slrt_api.cases import shapes as cases
from slrt_api.clocks import service as _clocks_service
from slrt_api.clocks import shapes as clocks
from slrt_api.complaints import shapes as complaints
from slrt_api.complaints.service import escalate as _escalate
from slrt_api.complaints.service import file as _file
from slrt_api.complaints.service import ladders as _ladders
from slrt_api.complaints.service import links as _links
from slrt_api.complaints.service import messages as _messages
from slrt_api.complaints.service import track as _track
from slrt_api.complaints.service import transition as _transition
from slrt_api.flows import consents as _consents
from slrt_api.flows import deadlines as _deadlines
from slrt_api.flows import grants as _grants
from slrt_api.flows import join_case as _join_case
from slrt_api.flows import open_case as _open_case
from slrt_api.flows import overrides as _overrides
from slrt_api.flows import screening as _screening
from slrt_api.graph.build import Built, build
from slrt_api.graph.catalog import ASKED
from slrt_api.graph.execute import Executor
from slrt_api.graph.http import GraphQL
from slrt_api.households import service as _households_service
from slrt_api.households import shapes as households
from slrt_api.organizations import service as _organizations_service
from slrt_api.organizations import shapes as organizations
from slrt_api.programs import shapes as programs
from slrt_api.programs.screenings import shapes as screenings
from slrt_api.referrals import service as _referrals_service
from slrt_api.referrals import shapes as referrals
from slrt_api.registry import service as _registry_service
from slrt_api.registry import shapes as registry
from slrt_api.runtime.shapes import Shape
from slrt_api.runtime.usecase import USE_CASES

#: where shapes stand
SHAPES: Final = (
    households,
    complaints,
    clocks,
    organizations,
    programs,
    screenings,
    registry,
    cases,
    referrals,
    consents,
    overrides,
    access,
    areas,
    audit,
)
#: imported for the use cases that they declare
SERVICES: Final[tuple[ModuleType, ...]] = (
    _households_service,
    _clocks_service,
    _deadlines,
    _file,
    _links,
    _messages,
    _escalate,
    _ladders,
    _track,
    _transition,
    _join_case,
    _open_case,
    _grants,
    _consents,
    _overrides,
    _screening,
    _organizations_service,
    _registry_service,
    _cases_service,
    _referrals_service,
)


@cache
def schema() -> Built:
    """The schema of the platform, made once."""
    return build(value for module in SHAPES for value in vars(module).values() if isinstance(value, Shape))


def root_fields() -> dict[str, Rule]:
    """What is asked of the caller of each root field, by its name."""
    built = schema()
    catalog = built.catalog
    found = {name: reading(resource.shape, item=True) for name, resource in catalog.items.items()}
    found |= {name: reading(resource.shape, item=False) for name, resource in catalog.pages.items()}
    found |= {name: doing(USE_CASES[case]) for name, case in ASKED.items()}
    found |= {name: doing(mutation.case) for name, mutation in built.mutations.items()}
    # What the id names decides: the rule of its kind, and null where that refuses.
    return found | {"node": Rule("node", lambda _: None, frozenset())}


def in_front_of(app: ASGIApp, service: Service, problem: Callable[[Request, Any], Awaitable[Response]]) -> GraphQL:
    """`/graphql` over one service, and `app` for all other paths; `problem` answers refused requests."""
    return GraphQL(app, service, Executor.of(schema()), problem)
