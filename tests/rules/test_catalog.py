"""The program catalog, against the code lists that it uses."""

from dataclasses import replace
from datetime import date

from slrt_api.areas.codelists import load_code_lists
from slrt_api.programs.catalog import load_programs

PROGRAMS = {program.code: program for program in load_programs()}


def test_the_programs_of_the_first_loop_are_there_once_each() -> None:
    assert {"PKH", "PBI-JK", "ATENSI"} <= set(PROGRAMS)
    assert len(PROGRAMS) == len(load_programs())


def test_each_is_granted_to_its_own_unit() -> None:
    assert {code: program.unit for code, program in PROGRAMS.items()} == {
        "PKH": "FAMILY",
        "PBI-JK": "PERSON",
        "ATENSI": "PERSON",
        "SEMBAKO": "FAMILY",
        "PIP": "PERSON",
    }


def test_coded_columns_hold_codes_of_their_lists() -> None:
    lists = load_code_lists()
    for program in PROGRAMS.values():
        assert program.unit in lists["program-units"].codes
        assert program.owner_kind in lists["organization-kinds"].codes
        assert program.sector in lists["program-sectors"].codes
        assert program.level in lists["program-levels"].codes
        assert str(program.cluster) in lists["program-clusters"].codes


def test_every_row_says_where_it_comes_from() -> None:
    for program in PROGRAMS.values():
        assert program.citation
        assert program.confidence in {"sourced", "unverified"}
        assert program.name_id != program.name_en
        assert program.complaint_channel


def test_the_window_includes_both_its_ends() -> None:
    program = replace(PROGRAMS["PKH"], open_to=date(2026, 12, 31))
    assert not program.is_open_on(date(2025, 12, 31))
    assert program.is_open_on(date(2026, 1, 1))
    assert program.is_open_on(date(2026, 12, 31))
    assert not program.is_open_on(date(2027, 1, 1))
    assert PROGRAMS["PKH"].is_open_on(date(2027, 1, 1))
