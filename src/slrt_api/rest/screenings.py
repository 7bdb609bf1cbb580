"""Routes of screenings. Their lists and counts leave as pages, as CSV or as NDJSON."""

from slrt_api.flows import screening
from slrt_api.programs.screenings.shapes import SCREENING
from slrt_api.rest.operations import Routes

TAG = "Screenings"


def add(routes: Routes) -> None:
    routes.read(SCREENING, tag=TAG)
    routes.write(screening.start, "/v1/screenings", tag=TAG)
    routes.write(screening.transition, "/v1/screenings/{id}/transitions", tag=TAG)
    for link in ("results", "counts", "changes"):
        routes.link(SCREENING, link, tag=TAG, exported=True)
