"""Routes of what happens to families: operations, undoing them, and hand-overs to another regency."""

from slrt_api.flows import handovers, lineage
from slrt_api.households.shapes import HANDOVER, HOUSEHOLD, LINEAGE, PERSON
from slrt_api.rest.operations import Routes

TAG = "Lineage"


def add(routes: Routes) -> None:
    routes.write(lineage.birth, "/v1/households/{id}/births", tag=TAG, noun="household")
    routes.write(lineage.split, "/v1/households/{id}/split", tag=TAG, noun="household")
    routes.write(lineage.merge, "/v1/households/{id}/merge", tag=TAG, noun="household")
    routes.write(lineage.move, "/v1/households/{id}/move", tag=TAG, noun="household")
    routes.write(lineage.family_card, "/v1/households/{id}/family-card", tag=TAG, noun="household")
    routes.write(lineage.death, "/v1/persons/{id}/death", tag=TAG, noun="person")
    routes.write(lineage.correct_nik, "/v1/persons/{id}/nik", tag=TAG, noun="person")
    routes.read(LINEAGE, tag=TAG)
    routes.write(lineage.undo, "/v1/lineage/{id}/undo", tag=TAG, noun="operation")
    routes.link(HOUSEHOLD, "lineage", tag=TAG)
    routes.link(PERSON, "lineage", tag=TAG)
    routes.read(HANDOVER, tag=TAG)
    routes.write(handovers.offer, "/v1/handovers", tag=TAG)
    routes.write(handovers.transition, "/v1/handovers/{id}/transitions", tag=TAG)
