"""Use cases of the registry, and of what is looked up in it when a family is registered."""

from slrt_api.registry.service.facts import match
from slrt_api.registry.service.registration import add_member, register, register_as
from slrt_api.registry.service.releases import (
    MAX_ENTRIES,
    Check,
    LoadRelease,
    ReleaseEntry,
    check,
    check_household,
    load_release,
)

__all__ = [
    "MAX_ENTRIES",
    "Check",
    "LoadRelease",
    "ReleaseEntry",
    "add_member",
    "check",
    "check_household",
    "load_release",
    "match",
    "register",
    "register_as",
]
