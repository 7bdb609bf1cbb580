"""What the shipped area tables hold: every code of six editions, successors of withdrawn codes, population, tenants.

Reads package data only; the tables' origin and license stand in `data/NOTICE.md`.
"""

import csv
import gzip
import io
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from slrt_api.areas.codes import Level, time_zones

CURRENT_EDITION = 2025


class Basis(StrEnum):
    """How a successor is known."""

    DECREE = "decree"
    NAME_MATCH = "name-match"


@dataclass(frozen=True, slots=True)
class Edition:
    """One published code table. `issued_on` is the date of its decree."""

    edition: int
    decree: str
    issued_on: date
    remark: str | None


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One code of any edition.

    number            10-digit integer, zeros to the right
    kind              PROVINSI, KABUPATEN, KOTA, KECAMATAN, KELURAHAN, DESA or DESA_ADAT
    current           stands in the current edition; only such codes may be used for new rows
    successor_codes   what became of a withdrawn code; empty for a current one, or where it is not known
    """

    code: str
    number: int
    level: Level
    name: str
    kind: str
    parent_code: str | None
    first_edition: int
    last_edition: int
    current: bool
    time_zone: str
    successor_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Successor:
    """A withdrawn code and a code that took its place. `decree` is None where no law of its own made the new one."""

    code: str
    successor: str
    basis: Basis
    decree: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Population:
    """Registered population of a province or regency, December 2024."""

    code: str
    male: int
    female: int
    total: int


@dataclass(frozen=True, slots=True)
class Tenant:
    """A regency or city as a tenant of the platform.

    number  4 digits, assigned once, never changed, never reused: the digits of the code at the tenant's founding.
            All tenants of the first list were founded with the 2025 edition. When a later edition gives a regency
            another code, its number stays and its code changes, so never compute the one from the other.
    """

    number: int
    code: str
    name: str
    time_zone: str
    valid_from: date


def name_key(text: str) -> str:
    """A name as it is searched: lower case letters and digits only, accents and the kind of a regency left out."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    key = "".join(character for character in plain if character.isascii() and character.isalnum())
    for kind in ("kabupaten", "kota"):
        if key.startswith(kind) and len(key) > len(kind):
            return key.removeprefix(kind)
    return key


def load_areas() -> Iterator[AreaRow]:
    """Every code of every edition, ordered by code, so that parents precede their children."""
    zones = time_zones()
    successors: dict[str, tuple[str, ...]] = {}
    for entry in load_successors():
        successors[entry.code] = (*successors.get(entry.code, ()), entry.successor)
    shapes = {
        2: (Level.PROVINCE, 2, 10**8),
        5: (Level.REGENCY, 2, 10**6),
        8: (Level.DISTRICT, 5, 10**4),
        13: (Level.VILLAGE, 8, 1),
    }
    villages = {"1": "KELURAHAN", "2": "DESA", "3": "DESA_ADAT"}
    with _table("wilayah.csv.gz") as table:
        rows = csv.reader(table)
        next(rows)
        for code, name, first_edition, last_edition in rows:
            level, cut, width = shapes[len(code)]
            if level is Level.VILLAGE:
                kind = villages[code[9]]
            elif level is Level.DISTRICT:
                kind = "KECAMATAN"
            elif level is Level.REGENCY:
                kind = "KOTA" if code[3:] >= "71" else "KABUPATEN"
            else:
                kind = "PROVINSI"
            last = int(last_edition)
            yield AreaRow(
                code=code,
                number=int(code.replace(".", "")) * width,
                level=level,
                name=name,
                kind=kind,
                parent_code=None if level is Level.PROVINCE else code[:cut],
                first_edition=int(first_edition),
                last_edition=last,
                current=last == CURRENT_EDITION,
                time_zone=zones[code[:2]],
                successor_codes=successors.get(code, ()),
            )


def load_successors() -> Iterator[Successor]:
    """Withdrawn codes with what took their place, ordered by code."""
    with _table("successors.csv") as table:
        for row in csv.DictReader(table):
            yield Successor(
                row["code"], row["successor"], Basis(row["basis"]), row["decree"] or None, source=row["source"]
            )


def load_population() -> Iterator[Population]:
    """Population of every province and regency, ordered by code."""
    with _table("population.csv") as table:
        for row in csv.DictReader(table):
            yield Population(row["code"], int(row["male"]), int(row["female"]), int(row["total"]))


def load_editions() -> tuple[Edition, ...]:
    """The editions, oldest first."""
    with _table("editions.csv") as table:
        return tuple(
            Edition(int(row["edition"]), row["decree"], date.fromisoformat(row["issued_on"]), row["remark"] or None)
            for row in csv.DictReader(table)
        )


def _load_tenants() -> tuple[Tenant, ...]:
    with _table("tenants.csv") as table:
        return tuple(
            Tenant(
                int(row["number"]), row["code"], row["name"], row["time_zone"], date.fromisoformat(row["valid_from"])
            )
            for row in csv.DictReader(table)
        )


@contextmanager
def _table(name: str) -> Iterator[io.TextIOBase]:
    with (files("slrt_api.areas") / "data" / name).open("rb") as packed:
        raw = gzip.GzipFile(fileobj=packed) if name.endswith(".gz") else packed
        with io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
            yield text


TENANTS: tuple[Tenant, ...] = _load_tenants()


@cache
def tenants_by_code() -> Mapping[str, Tenant]:
    """Tenants by the code that they have now."""
    return MappingProxyType({tenant.code: tenant for tenant in TENANTS})
