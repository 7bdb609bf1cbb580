"""The REST surface: one file a domain, routes only."""

from slrt_api.rest import (
    audit,
    cases,
    complaints,
    households,
    organizations,
    programs,
    public,
    reference,
    referrals,
    registry,
)
from slrt_api.rest.operations import Routes
from slrt_api.rest.service import Service

#: in the order of the documentation
DOMAINS = (
    households,
    complaints,
    public,
    organizations,
    programs,
    registry,
    cases,
    referrals,
    audit,
    reference,
)


def all_routes(service: Service) -> Routes:
    """Every route of the surface, over one service."""
    routes = Routes(service)
    for domain in DOMAINS:
        domain.add(routes)
    return routes
