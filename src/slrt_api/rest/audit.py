"""Routes of the audit: the history of resources, and the records of accesses."""

from slrt_api.audit.shapes import ACCESS, WITH_HISTORY
from slrt_api.rest.operations import Routes

TAG = "Audit"


def add(routes: Routes) -> None:
    for shape in WITH_HISTORY:
        routes.link(shape, "history", tag=TAG)
    routes.read(ACCESS, tag=TAG)
