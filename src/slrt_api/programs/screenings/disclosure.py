"""Which counts may be told to somebody who may not see the list behind them. Pure.

What is told is told of parts that no statement splits further: a village, or several that are only told together. Whoever takes
told numbers from each other gets sums of such parts and never less, so that it is enough that no number of any part is one
to four (`LEAST` - 1). All numbers of a place are told or none: they add up to its units, and one that was left out would be
the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from slrt_api.kernel.disclosure import LEAST

_DISTRICT: Final = 10_000

Cells = Sequence[int]
Key = TypeVar("Key", int, str)


def district_of(village: int) -> int:
    """The number of the district in which a village lies."""
    return village - village % _DISTRICT


def totals(cells: Iterable[Cells]) -> tuple[int, ...]:
    """The sum, number by number."""
    return tuple(map(sum, zip(*cells, strict=True)))


def is_small(cells: Cells) -> bool:
    """Whether one of the numbers is too small to be told."""
    return any(0 < number < LEAST for number in cells)


def told(villages: Mapping[int, Cells]) -> tuple[frozenset[int], bool]:
    """The villages and districts whose numbers may be told, and whether those of all together may.

    villages  by their numbers, of one program
    Villages with a small number are told together with the smallest others of their district until no sum is small; a district
    of which that is not enough is told together with other whole districts.
    """
    districts: dict[int, dict[int, Cells]] = {}
    for village, cells in villages.items():
        districts.setdefault(district_of(village), {})[village] = cells
    sums = {district: totals(inner.values()) for district, inner in districts.items()}
    together = _together(sums)
    open_ = frozenset(district for district in districts if district not in together)
    inside = {village for district in open_ for village in districts[district].keys() - _together(districts[district])}
    whole = totals(villages.values()) if villages else ()
    return open_ | inside, not is_small(whole)


def group(categories: Mapping[str, Cells]) -> frozenset[str]:
    """The categories of one breakdown whose numbers may be told."""
    return frozenset(categories.keys() - _together(categories))


def _together(parts: Mapping[Key, Cells]) -> set[Key]:
    """The parts that are only told together: all with a small number, and the smallest others that hide these."""
    found = {key for key, cells in parts.items() if is_small(cells)}
    others = sorted(parts.keys() - found, key=lambda key: (sum(parts[key]), str(key)))
    while found and others and is_small(totals(parts[key] for key in found)):
        found.add(others.pop(0))
    return found
