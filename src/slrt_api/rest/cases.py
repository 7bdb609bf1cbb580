"""Routes of cases."""

from slrt_api.cases import service
from slrt_api.cases.shapes import CASE
from slrt_api.flows import open_case
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest import clocks
from slrt_api.rest.operations import Routes

TAG = "Cases"


def add(routes: Routes) -> None:
    routes.read(CASE, tag=TAG)
    routes.write(open_case.open_case, "/v1/cases", tag=TAG)
    routes.write(service.transition, "/v1/cases/{id}/transitions", tag=TAG)
    routes.write(service.escalate, "/v1/cases/{id}/escalation", tag=TAG)
    routes.write(service.add_need, "/v1/cases/{id}/needs", tag=TAG)
    routes.write(service.transition_need, "/v1/cases/{id}/need-transitions", tag=TAG)
    routes.write(service.assess, "/v1/cases/{id}/assessments", tag=TAG)
    routes.write(service.provide, "/v1/cases/{id}/services", tag=TAG)
    for link in ("needs", "assessments", "services"):
        routes.link(CASE, link, tag=TAG)
    clocks.link(routes, CASE, tag=TAG)
    routes.link(HOUSEHOLD, "cases", tag=TAG)
