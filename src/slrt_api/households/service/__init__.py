"""Use cases of households and persons."""

from slrt_api.households.service import registry_numbers
from slrt_api.households.service.answers import answer_household, answer_person
from slrt_api.households.service.members import (
    AddMember,
    active,
    add_member,
    change_member,
    join,
    leave,
    members_of,
    relocate,
)
from slrt_api.households.service.persons import correct, new_identity, new_person, nik_findings
from slrt_api.households.service.registration import RegisterHousehold, change, register, register_as
from slrt_api.households.service.vault import identity_place, index_under, number_of

__all__ = [
    "AddMember",
    "RegisterHousehold",
    "active",
    "add_member",
    "answer_household",
    "answer_person",
    "change",
    "change_member",
    "correct",
    "identity_place",
    "index_under",
    "join",
    "leave",
    "members_of",
    "new_identity",
    "new_person",
    "nik_findings",
    "number_of",
    "register",
    "register_as",
    "registry_numbers",
    "relocate",
]
