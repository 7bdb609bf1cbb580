"""Use cases of households and persons."""

from slrt_api.households.service.registration import change, register, register_as
from slrt_api.households.service.vault import identity_place, index_under, number_of

__all__ = ["change", "identity_place", "index_under", "number_of", "register", "register_as"]
