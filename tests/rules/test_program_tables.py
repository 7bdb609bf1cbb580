"""The tables of households at the boundaries of the shipped programs: each row says where its boundary is from."""

from pathlib import Path

import pytest
from tests import boundaries

from slrt_api.programs.catalog import load_programs

OUTCOMES = {
    "ELIGIBLE",
    "INELIGIBLE",
    "INDETERMINATE",
    "ELIGIBLE_WAITLIST",
    "ALREADY_RECEIVING",
    "CONFLICT",
    "EXCLUDED_PENDING_VERIFICATION",
}


def complaints(rows: list[boundaries.Row]) -> list[str]:
    """What a table lacks, in words; nothing where it lacks nothing."""
    found = []
    if len(rows) < 10:
        found.append("fewer than ten households")
    if len({row.case for row in rows}) != len(rows):
        found.append("a case told twice")
    for row in rows:
        if not row.citation.strip():
            found.append(f"{row.case}: no citation")
        if row.outcome not in OUTCOMES:
            found.append(f"{row.case}: no such outcome")
        if not set(row.criteria.values()) <= {"TRUE", "FALSE", "UNKNOWN"}:
            found.append(f"{row.case}: no such truth")
    return found


def test_every_shipped_program_has_a_table_and_no_table_is_left_over() -> None:
    assert boundaries.programs() == sorted(program.code for program in load_programs())


@pytest.mark.parametrize("program", boundaries.programs())
def test_a_table_has_ten_households_and_a_citation_a_row(program: str) -> None:
    assert complaints(boundaries.load(program)) == []


@pytest.mark.parametrize("program", boundaries.programs())
def test_a_table_stands_on_both_sides_of_its_boundary(program: str) -> None:
    outcomes = {row.outcome for row in boundaries.load(program)}
    assert {"ELIGIBLE", "INELIGIBLE", "INDETERMINATE"} <= outcomes


def test_all_outcomes_occur() -> None:
    assert {row.outcome for row in boundaries.every_row()} == OUTCOMES


class TestTheTestItself:
    def test_a_row_without_its_citation_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = (boundaries.FOLDER / "LPG-3KG.csv").read_text(encoding="utf-8").splitlines()
        lines[3] = lines[3][: lines[3].rindex(",") + 1]
        (tmp_path / "LPG-3KG.csv").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setattr(boundaries, "FOLDER", tmp_path)
        (found,) = complaints(boundaries.load("LPG-3KG"))
        assert found.endswith("no citation")

    def test_a_short_table_is_found(self) -> None:
        assert complaints(boundaries.load("PUPUK")[:9]) == ["fewer than ten households"]

    def test_a_column_that_is_no_fact_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = (boundaries.FOLDER / "PUPUK.csv").read_text(encoding="utf-8")
        (tmp_path / "PUPUK.csv").write_text(text.replace("farmer_registered", "farmer", 1), encoding="utf-8")
        monkeypatch.setattr(boundaries, "FOLDER", tmp_path)
        with pytest.raises(KeyError):
            boundaries.load("PUPUK")
