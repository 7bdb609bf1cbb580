"""The REST surface: one file a domain, routes only."""

from collections.abc import Mapping

from slrt_api.access.permissions import Rule
from slrt_api.rest import (
    access,
    audit,
    cases,
    clocks,
    complaints,
    consents,
    duplicates,
    households,
    lineage,
    organizations,
    permissions,
    programs,
    public,
    reference,
    referrals,
    registry,
    screenings,
)
from slrt_api.rest.operations import Routes
from slrt_api.rest.service import Service

#: in the order of the documentation
DOMAINS = (
    households,
    lineage,
    duplicates,
    complaints,
    public,
    clocks,
    organizations,
    programs,
    screenings,
    registry,
    cases,
    referrals,
    access,
    consents,
    audit,
    reference,
)


def all_routes(service: Service, root_fields: Mapping[str, Rule]) -> Routes:
    """Every route of the surface, over one service.

    root_fields  those of GraphQL, for the table of permissions, which is one for both surfaces
    """
    routes = Routes(service)
    for domain in DOMAINS:
        domain.add(routes)
    permissions.add(routes, root_fields)
    return routes
