"""Routes of households."""

from slrt_api.households import service
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest.operations import Routes

TAG = "Households"


def add(routes: Routes) -> None:
    routes.read(HOUSEHOLD, tag=TAG)
    routes.write(service.register, "/v1/households", tag=TAG)
    routes.link(HOUSEHOLD, "members", tag=TAG)
