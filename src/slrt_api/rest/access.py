"""Routes of access: grants, and revocations of subjects and tokens."""

from slrt_api.access.shapes import GRANT, REVOCATION
from slrt_api.flows import grants
from slrt_api.rest.operations import Routes

TAG = "Access"


def add(routes: Routes) -> None:
    # Before `/v1/grants/{id}`, which would take `revocations` for an id.
    routes.read(REVOCATION, tag=TAG)
    routes.write(grants.declare, "/v1/grants/revocations", tag=TAG)
    routes.write(grants.lift, "/v1/grants/revocations/{id}/lifting", tag=TAG)
    routes.read(GRANT, tag=TAG)
    routes.write(grants.give, "/v1/grants", tag=TAG)
    routes.write(grants.revoke, "/v1/grants/{id}/revocation", tag=TAG)
