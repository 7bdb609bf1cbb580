"""What can be told of a NIK or a KK number by itself.

NIK: `PPKKCC DDMMYY SSSS`, women DD + 40; given once and permanent, also when the birth date is corrected. KK: district of
issue, date of recording, serial. Only the form is enforced; everything else is a warning, because numbers that were issued
otherwise exist and stay valid. Sources: `domain` notes on PP 37/2007 and PP 40/2019.
"""

import re
from collections.abc import Collection
from datetime import date

from slrt_api.households.codes import Finding, Sex

_DIGITS = re.compile(r"[0-9]{16}")
_WOMAN = 40
_LAST_DAY = 31


def well_formed(number: str) -> bool:
    """Sixteen ASCII digits, not all zero, with a serial other than 0000."""
    return bool(_DIGITS.fullmatch(number)) and number != "0" * 16 and not number.endswith("0000")


def mask(number: str) -> str:
    """The district in clear, the rest as stars: `332601**********`."""
    return number[:6] + "*" * 10


def nik_findings(
    nik: str, *, sex: Sex, birth_date: date | None, known_prefixes: Collection[str]
) -> tuple[Finding, ...]:
    """Warnings about a well-formed NIK. Where the person lives is no matter: a NIK stays what it is after every move.

    birth_date      as declared; None where it is not known, and then it differs from nothing
    known_prefixes  six-digit district codes of every edition, also withdrawn ones
    """
    found = []
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    woman = day > _WOMAN
    day_of_birth = day - _WOMAN if woman else day
    dates = _dates(day_of_birth, month, year)
    # A day that can be one tells the sex even where the month or the year makes no date of it.
    other_sex = 1 <= day_of_birth <= _LAST_DAY and woman is not (sex is Sex.F)
    other_day = bool(dates) and birth_date is not None and birth_date not in dates
    if not dates:
        found.append(Finding.NIK_ANOMALOUS)
    if other_sex or other_day:
        found.append(Finding.NIK_MISMATCH_LOCAL)
    if nik[:6] not in known_prefixes:
        found.append(Finding.NIK_PREFIX_UNKNOWN)
    return tuple(found)


def kk_findings(kk: str, *, known_prefixes: Collection[str]) -> tuple[Finding, ...]:
    """Warnings about a well-formed KK number: its day is the one of recording, which has no 40 added for anybody.

    known_prefixes  as of `nik_findings`
    """
    found = []
    if not _dates(int(kk[6:8]), int(kk[8:10]), int(kk[10:12])):
        found.append(Finding.KK_ANOMALOUS)
    if kk[:6] not in known_prefixes:
        found.append(Finding.KK_PREFIX_UNKNOWN)
    return tuple(found)


def _dates(day: int, month: int, year: int) -> list[date]:
    """The dates that two digits of year can mean, in this century and the last."""
    found = []
    for century in (1900, 2000):
        try:
            found.append(date(century + year, month, day))
        except ValueError:
            continue
    return found
