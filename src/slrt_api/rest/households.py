"""Routes of households and persons."""

from slrt_api.cases import service as cases
from slrt_api.cases.service.identities import FoundPersons, RevealedNumber
from slrt_api.households import service
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.rest.operations import Routes

TAG = "Households"
PERSONS = "Persons"


def add(routes: Routes) -> None:
    routes.read(HOUSEHOLD, tag=TAG)
    routes.write(service.register, "/v1/households", tag=TAG)
    routes.write(service.register_as, "/v1/households/{id}", tag=TAG, method="PUT", errors_=())
    routes.write(service.change, "/v1/households/{id}", tag=TAG, method="PATCH", errors_=())
    routes.link(HOUSEHOLD, "members", tag=TAG)
    routes.link(HOUSEHOLD, "memberships", tag=TAG)
    routes.link(HOUSEHOLD, "house", tag=TAG)
    routes.read(PERSON, tag=PERSONS)
    routes.link(PERSON, "households", tag=PERSONS)
    routes.write(cases.search, "/v1/persons/search", tag=PERSONS, model=FoundPersons, errors_=(409,))
    routes.write(cases.reveal, "/v1/persons/{id}/reveal", tag=PERSONS, noun="person", model=RevealedNumber)
