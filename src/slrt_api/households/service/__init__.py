"""Use cases of households and persons."""

from slrt_api.households.service.identities import reveal, search
from slrt_api.households.service.registration import change, identity_place, register, register_as

__all__ = ["change", "identity_place", "register", "register_as", "reveal", "search"]
