"""Places that a request names: the code must be of the current edition, and lie in the caller's scope."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from functools import cache

from slrt_api.areas import codes, dataset
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor


@cache
def _places() -> dict[str, tuple[bool, tuple[str, ...]]]:
    return {row.code: (row.current, tuple(row.successor_codes)) for row in dataset.load_areas()}


def known() -> Collection[str]:
    """Codes of every area that is or ever was, of any level."""
    return _places().keys()


@cache
def district_prefixes() -> frozenset[str]:
    """Six-digit codes of every district that ever was: what a NIK or KK number may begin with."""
    return frozenset(code.replace(".", "") for code in _places() if code.count(".") == 2)


@cache
def _villages() -> list[int]:
    """Numbers of every village that ever was, ascending."""
    return sorted(codes.area_number(code) for code in _places() if code.count(".") == 3)


def villages_in(areas: Iterable[str]) -> tuple[int, ...]:
    """Numbers of every village that is or ever was in `areas`, ascending: rows keep the code that they were written with."""
    known = _villages()
    found: set[int] = set()
    for each in areas:
        first, last = codes.area_range(each)
        found.update(known[bisect_left(known, first) : bisect_right(known, last)])
    return tuple(sorted(found))


def load() -> None:
    """Read the codes into memory, more than a second's work: at the start of a process, never within a transaction."""
    district_prefixes()
    _villages()


def village(actor: Actor, text: str, pointer: str = "/area_code") -> int:
    """The number of a village of the current edition in the actor's scope.

    Raises Invalid `area_unknown`, or `area_withdrawn` naming the successor; OutOfScope for a village elsewhere.
    """
    if text.count(".") != 3:
        raise errors.Invalid.at(pointer, "area_unknown", "Give the code of a village, such as 33.26.01.2001.")
    return area(actor, text, pointer)[0]


def area(actor: Actor, text: str, pointer: str = "/area_code") -> tuple[int, int]:
    """First and last number of an area of any level and of the current edition, the whole of it in the actor's scope.

    Raises as `village` does.
    """
    _require_current(text, pointer)
    first, last = codes.area_range(text)
    actor.require_area(first)
    actor.require_area(last)
    return first, last


def elsewhere(text: str, pointer: str = "/area_code") -> int:
    """The number of an area of any level and of the current edition, in the actor's scope or not.

    For a place that is told of, not written to. Raises Invalid as `village` does.
    """
    _require_current(text, pointer)
    return codes.area_number(text)


def _require_current(text: str, pointer: str) -> None:
    known = _places().get(text)
    if known is None:
        raise errors.Invalid.at(pointer, "area_unknown", "Give a Kemendagri code such as 33.26.01.2001.")
    current, successors = known
    if not current:
        hint = f"Its successor is {', '.join(successors)}." if successors else "Look its successor up under /v1/areas."
        raise errors.Invalid.at(pointer, "area_withdrawn", f"This code was withdrawn. {hint}")


def tenant(text: str) -> int:
    """The tenant number of the regency in which a code lies. Raises Invalid `area_unknown`."""
    found = dataset.tenants_by_code().get(text[:5])
    if found is None:
        raise errors.Invalid.at("/area_code", "area_unknown", "No regency of this code.")
    return found.number
