"""Routes of organizations."""

from slrt_api.organizations import service
from slrt_api.organizations.shapes import ORGANIZATION, ROUTING_POLICY
from slrt_api.rest.operations import Routes

TAG = "Organizations"


def add(routes: Routes) -> None:
    routes.read(ORGANIZATION, tag=TAG)
    routes.write(service.register, "/v1/organizations", tag=TAG)
    routes.write(service.set_capacity, "/v1/organizations/{id}/capacity", tag=TAG)
    routes.read(ROUTING_POLICY, tag=TAG)
    routes.write(service.decide_policy, "/v1/routing-policies", tag=TAG)
