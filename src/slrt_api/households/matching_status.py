"""What an answer of the civil registry makes of a person's matching status. Nothing is overwritten by it.

Statuses that only this service can tell (NOT_MATCHED_YET, DUPLICATE_FAMILY, NIK_ANOMALOUS) come from nowhere here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from slrt_api.households.codes import MatchingStatus, Standing

_OF_STANDING: Final = MappingProxyType(
    {
        Standing.NOT_FOUND: MatchingStatus.NIK_NOT_FOUND,
        Standing.INACTIVE: MatchingStatus.NIK_INACTIVE,
        Standing.DUPLICATE: MatchingStatus.DUPLICATE_NIK,
        Standing.DECEASED: MatchingStatus.DECEASED,
        Standing.MOVED: MatchingStatus.MOVED,
    }
)


def status_of(standing: Standing, fields: Mapping[str, bool]) -> MatchingStatus:
    """The status that an answer means.

    fields  whether each declared value is the registry's; counted only where the NIK is in force
    Raises ValueError for a NIK in force without any field: then nothing was compared.
    """
    if standing is not Standing.IN_FORCE:
        return _OF_STANDING[standing]
    if not fields:
        message = "a NIK in force is compared by one field at least"
        raise ValueError(message)
    if all(fields.values()):
        return MatchingStatus.MATCHED
    return MatchingStatus.PARTIAL if any(fields.values()) else MatchingStatus.NOT_MATCHED
