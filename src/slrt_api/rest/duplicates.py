"""Routes of persons who may be one, and of the runs that look for them."""

from slrt_api.flows import duplicates, finding, tickets
from slrt_api.households.shapes import DUPLICATE, DUPLICATE_RUN, DUPLICATE_TICKET
from slrt_api.rest.operations import Routes

TAG = "Duplicates"


def add(routes: Routes) -> None:
    routes.read(DUPLICATE, tag=TAG)
    routes.write(duplicates.transition, "/v1/duplicates/{id}/transitions", tag=TAG)
    routes.read(DUPLICATE_RUN, tag=TAG)
    routes.write(finding.start, "/v1/duplicate-runs", tag=TAG)
    routes.read(DUPLICATE_TICKET, tag=TAG)
    routes.write(tickets.transition, "/v1/duplicate-tickets/{id}/transitions", tag=TAG)
