"""The REST surface: one file a domain, routes only."""

from slrt_api.rest import households, organizations, programs
from slrt_api.rest.operations import Routes
from slrt_api.rest.service import Service


def all_routes(service: Service) -> Routes:
    """Every route of the surface, over one service."""
    routes = Routes(service)
    for domain in (households, organizations, programs):
        domain.add(routes)
    return routes
