"""Routes of households and persons."""

from slrt_api.cases import service as cases
from slrt_api.cases.service.identities import FoundPersons, RevealedNumber
from slrt_api.households import service
from slrt_api.households.service import civil_checks
from slrt_api.households.service import registry_numbers as numbers
from slrt_api.households.shapes import CIVIL_CHECK, HOUSEHOLD, PERSON
from slrt_api.registry import service as registry
from slrt_api.rest.operations import Routes

TAG = "Households"
PERSONS = "Persons"


def add(routes: Routes) -> None:
    routes.read(HOUSEHOLD, tag=TAG)
    routes.write(registry.register, "/v1/households", tag=TAG)
    routes.write(registry.register_as, "/v1/households/{id}", tag=TAG, method="PUT", errors_=())
    routes.write(service.change, "/v1/households/{id}", tag=TAG, method="PATCH")
    routes.link(HOUSEHOLD, "members", tag=TAG)
    routes.write(registry.add_member, "/v1/households/{id}/members", tag=TAG)
    routes.write(
        service.change_member,
        "/v1/households/{id}/members/{person_id}",
        tag=TAG,
        method="PATCH",
        within="person_id",
    )
    for name in ("memberships", "family_cards", "registry_numbers", "registry_facts", "answers", "earlier_answers"):
        routes.link(HOUSEHOLD, name, tag=TAG)
    routes.write(numbers.add_to_household, "/v1/households/{id}/registry-numbers", tag=TAG)
    routes.write(service.answer_household, "/v1/households/{id}/answers", tag=TAG, method="PUT")
    routes.link(HOUSEHOLD, "house", tag=TAG)
    routes.read(PERSON, tag=PERSONS)
    routes.write(service.correct, "/v1/persons/{id}", tag=PERSONS, method="PATCH")
    for name in ("households", "niks", "registry_numbers", "registry_facts", "answers", "earlier_answers"):
        routes.link(PERSON, name, tag=PERSONS)
    routes.write(numbers.add_to_person, "/v1/persons/{id}/registry-numbers", tag=PERSONS)
    routes.write(service.answer_person, "/v1/persons/{id}/answers", tag=PERSONS, method="PUT")
    routes.write(numbers.search, "/v1/registry-numbers/search", tag=PERSONS, model=numbers.FoundOwners, errors_=())
    routes.write(cases.search, "/v1/persons/search", tag=PERSONS, model=FoundPersons, errors_=(409,))
    routes.write(cases.reveal, "/v1/persons/{id}/reveal", tag=PERSONS, noun="person", model=RevealedNumber)
    routes.write(civil_checks.request, "/v1/persons/{id}/civil-checks", tag=PERSONS, noun="person")
    routes.link(PERSON, "civil_checks", tag=PERSONS)
    routes.read(CIVIL_CHECK, tag=PERSONS)
