"""The shipped catalog of social programs: what they are called, who they are for, and when they are open.

Their rules of eligibility change every year and are versions of a program; those that are shipped stand in `data/rules`, a file
a program. Findings that exclude from most social assistance are told once, in `data/exclusions.json`: a version that has
`shared_exclusions` has them before its own. Reads package data only. What no source says is left empty, and what is only
generally known is marked `unverified`.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Final

from slrt_api.areas.codes import area_number, parse_area_code
from slrt_api.programs.criteria import Criterion, Rule

_SHARED: Final = "exclusions.json"


@dataclass(frozen=True, slots=True)
class CatalogProgram:
    """One program.

    cluster            1 individual and family assistance, 2 community empowerment, 3 micro and small enterprise (TNP2K)
    unit               who is entitled: a code of the list `program-units`
    owner_kind         kind of organization that decides: a code of the list `organization-kinds`
    complaint_channel  where the program itself takes complaints, in words
    open_from          first day of the budget year for which the row was checked; open_to None while it goes on
    confidence         sourced or unverified, for the facts in `citation`
    domain             bidang layanan: a code of the list `service-domains`; another axis than `sector`
    area               area number in which it is open; 0 = the whole nation, or every area of its level
    legal_basis        decrees that found it; empty where no source names them
    """

    code: str
    name_id: str
    name_en: str
    cluster: int
    sector: str
    level: str
    unit: str
    owner_kind: str
    complaint_channel: str
    open_from: date
    open_to: date | None
    citation: str
    confidence: str
    domain: str
    area: int
    legal_basis: str | None

    def is_open_on(self, day: date) -> bool:
        """Whether the program takes beneficiaries on `day`; both ends of the window are open days."""
        return self.open_from <= day and (self.open_to is None or day <= self.open_to)


def load_programs() -> tuple[CatalogProgram, ...]:
    """The catalog, in the order in which it is shipped."""
    return tuple(
        CatalogProgram(
            code=row["code"],
            name_id=row["name_id"],
            name_en=row["name_en"],
            cluster=int(row["cluster"]),
            sector=row["sector"],
            level=row["level"],
            unit=row["unit"],
            owner_kind=row["owner_kind"],
            complaint_channel=row["complaint_channel"],
            open_from=date.fromisoformat(row["open_from"]),
            open_to=date.fromisoformat(row["open_to"]) if row["open_to"] else None,
            citation=row["citation"],
            confidence=row["confidence"],
            domain=row["domain"],
            area=_area(row["area_code"]),
            legal_basis=row["legal_basis"] or None,
        )
        for row in _rows("programs.csv")
    )


def load_rules() -> tuple[Rule, ...]:
    """The shipped versions of all programs, program by program in the order of the catalog, the oldest first.

    Raises pydantic.ValidationError for what is no rule.
    """
    shared = json.loads(_text(_SHARED))
    versions = []
    for program in load_programs():
        for version in json.loads(_text(f"rules/{program.code}.json")):
            if version.pop("shared_exclusions", False):
                version["exclusions"] = [*shared, *version.get("exclusions", ())]
            versions.append(Rule.model_validate_json(json.dumps(version)))
    return tuple(versions)


def load_shared_exclusions() -> tuple[Criterion, ...]:
    """Findings that versions with `shared_exclusions` have before their own."""
    return tuple(Criterion.model_validate_json(json.dumps(each)) for each in json.loads(_text(_SHARED)))


def _text(name: str) -> str:
    return files("slrt_api.programs").joinpath("data", *name.split("/")).read_text(encoding="utf-8")


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (files("slrt_api.programs") / "data" / name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _area(code: str) -> int:
    return area_number(parse_area_code(code)) if code else 0
