"""Area codes of the Kemendagri scheme: their form, their numbers, what contains what, and the time of day there.

Canonical is the dotted text `PP[.KK[.CC[.DDDD]]]`. Undotted digits are refused everywhere: 3,775 undotted
village codes mean one village to Kemendagri and another to BPS. Which codes exist, and in which edition, is the
subject of `dataset`.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias


class Level(StrEnum):
    """Levels of the tree of areas."""

    PROVINCE = "PROVINCE"
    REGENCY = "REGENCY"
    DISTRICT = "DISTRICT"
    VILLAGE = "VILLAGE"


class VillageKind(StrEnum):
    KELURAHAN = "KELURAHAN"
    DESA = "DESA"
    DESA_ADAT = "DESA_ADAT"


class AreaCodeError(ValueError):
    """Not an area code. The message never holds the text that was given."""

    def __init__(self) -> None:
        super().__init__("Give a dotted Kemendagri code, such as 33.26.01.2001.")


@dataclass(frozen=True, slots=True)
class AreaCode:
    """A well-formed code. Make it with `parse_area_code`."""

    text: str
    level: Level

    def __str__(self) -> str:
        return self.text


Code: TypeAlias = AreaCode | str

#: lowest and highest number that an area may have, both included
NATION_RANGE = (0, 9_999_999_999)
_LEVELS = (Level.PROVINCE, Level.REGENCY, Level.DISTRICT, Level.VILLAGE)
_WIDTHS = {Level.PROVINCE: 10**8, Level.REGENCY: 10**6, Level.DISTRICT: 10**4, Level.VILLAGE: 1}
# `[0-9]`, because `\d` takes the digits of every script. A segment of zeros would number like its own parent.
_BODY = r"[1-9][0-9](?:\.(?!00)[0-9]{2}(?:\.(?!00)[0-9]{2}(?:\.[1-3][0-9]{3})?)?)?"
_FORM = re.compile(_BODY)
#: of a code of any level, for documentation
PATTERN = f"^{_BODY}$"
LIST_PATTERN = f"^{_BODY}(,{_BODY})*$"
_KINDS = {"1": VillageKind.KELURAHAN, "2": VillageKind.DESA, "3": VillageKind.DESA_ADAT}


def parse_area_code(text: str) -> AreaCode:
    """The code that `text` is, which need not exist. Raises AreaCodeError."""
    if _FORM.fullmatch(text) is None:
        raise AreaCodeError
    return AreaCode(text, _LEVELS[text.count(".")])


def area_number(code: Code) -> int:
    """The code as a 10-digit integer with zeros to the right: `33.26` is 3326000000, `33.26.01.2001` is 3326012001."""
    return int(_code(code).text.replace(".", "").ljust(10, "0"))


def area_code(number: int) -> str:
    """The dotted code of a 10-digit area number: the inverse of `area_number`. Raises AreaCodeError."""
    digits = str(number)
    segments = [digits[0:2], digits[2:4], digits[4:6], digits[6:]]
    while len(segments) > 1 and segments[-1].strip("0") == "":
        segments.pop()
    code = parse_area_code(".".join(segments))
    if len(digits) != 10:
        raise AreaCodeError
    return code.text


def area_range(code: Code) -> tuple[int, int]:
    """Lowest and highest area number inside the code, both included: `33.26` is (3326000000, 3326999999)."""
    code = _code(code)
    low = area_number(code)
    return low, low + _WIDTHS[code.level] - 1


def contains(outer: Code, inner: Code) -> bool:
    """Whether `inner` is `outer` or lies in it, by whole segments: `33.26.01` does not contain `33.26.10`."""
    low, high = area_range(outer)
    inner_low, inner_high = area_range(inner)
    return low <= inner_low and inner_high <= high


def parent_of(code: Code) -> AreaCode | None:
    """The code one level up, or None for a province."""
    head, dot, _ = _code(code).text.rpartition(".")
    return parse_area_code(head) if dot else None


def regency_of(code: Code) -> AreaCode | None:
    """The regency or city that the code is or lies in, or None for a province."""
    text = _code(code).text
    return AreaCode(text[:5], Level.REGENCY) if len(text) >= 5 else None


def village_kind(code: Code) -> VillageKind | None:
    """What kind of village a village code names, by the first digit of its last segment; None for other levels."""
    code = _code(code)
    return _KINDS[code.text[9]] if code.level is Level.VILLAGE else None


def is_city(code: Code) -> bool:
    """Whether the code is or lies in a city (kota, KK 71-99) and not a regency (kabupaten, KK 01-69)."""
    regency = regency_of(code)
    return regency is not None and regency.text[3:] >= "71"


def time_zone(code: Code) -> str:
    """IANA time zone of the area, which its province decides. Raises LookupError for a province that does not exist.

    Source: `data/time-zones.csv`, with confidence.
    """
    return time_zones()[_code(code).text[:2]]


@cache
def time_zones() -> Mapping[str, str]:
    """IANA time zone of every province code."""
    with (files("slrt_api.areas") / "data" / "time-zones.csv").open(encoding="utf-8") as table:
        return MappingProxyType({row["province"]: row["time_zone"] for row in csv.DictReader(table)})


def _code(code: Code) -> AreaCode:
    return code if isinstance(code, AreaCode) else parse_area_code(code)
