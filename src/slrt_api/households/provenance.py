"""Where a value is from: who told it, of which day, and who verified it. Nothing is overwritten silently.

The column `provenance` of a row holds, by field, `{value, source, as_of, verified_by, earlier}`, the values that it had before
in `earlier`, newest first. Pure: JSON in, JSON out.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Source(StrEnum):
    """Who told a value."""

    #: the family itself, at a visit or at the counter
    DECLARED = "DECLARED"
    #: an official document that was shown
    DOCUMENT = "DOCUMENT"
    #: the civil registry (Dukcapil)
    CIVIL_REGISTRY = "CIVIL_REGISTRY"
    #: the national social registry (DTSEN and what came before it)
    NATIONAL_REGISTRY = "NATIONAL_REGISTRY"
    #: an officer who saw it on the spot
    OBSERVED = "OBSERVED"


def told(
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    source: str,
    as_of: date,
    verified_by: str | None = None,
    replaced_at: datetime | None = None,
) -> dict[str, Any]:
    """The provenance after `values` were told.

    before       the provenance until now
    values       field -> the new value, as JSON holds it; a date may stand as itself
    verified_by  who checked it, where somebody did
    replaced_at  when what was known before gave way; None for the first values of a row
    """
    after = dict(before)
    for name, value in values.items():
        known: Mapping[str, Any] | None = before.get(name)
        earlier: list[Any] = []
        if known is not None:
            gone = {key: each for key, each in known.items() if key != "earlier"}
            earlier = [{**gone, "replaced_at": _plain(replaced_at)}, *known.get("earlier", ())]
        after[name] = {
            "value": _plain(value),
            "source": source,
            "as_of": as_of.isoformat(),
            "verified_by": verified_by,
            "earlier": earlier,
        }
    return after


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value
