"""The program catalog, against the code lists that it uses."""

from collections import Counter
from dataclasses import replace
from datetime import date

from slrt_api.areas.codelists import load_code_lists
from slrt_api.programs.catalog import load_programs

PROGRAMS = {program.code: program for program in load_programs()}


def test_at_least_twenty_five_programs_are_there_once_each() -> None:
    assert {"PKH", "PBI-JK", "ATENSI", "SEMBAKO", "PIP"} <= set(PROGRAMS)
    assert len(PROGRAMS) == len(load_programs()) >= 25


def test_every_level_and_every_unit_has_its_programs() -> None:
    levels = Counter(program.level for program in PROGRAMS.values())
    assert set(levels) == {"NATIONAL", "PROVINCE", "REGENCY", "VILLAGE", "NON_GOVERNMENT"}
    assert {program.unit for program in PROGRAMS.values()} == {"FAMILY", "PERSON", "GROUP", "METER"}


def test_each_is_granted_to_its_own_unit() -> None:
    units = {code: program.unit for code, program in PROGRAMS.items()}
    assert (units["PKH"], units["SEMBAKO"], units["BLT-DD"]) == ("FAMILY", "FAMILY", "FAMILY")
    assert (units["PBI-JK"], units["PIP"], units["ATENSI"]) == ("PERSON", "PERSON", "PERSON")
    assert (units["KUBE"], units["LISTRIK-SUBSIDI"]) == ("GROUP", "METER")


def test_coded_columns_hold_codes_of_their_lists() -> None:
    lists = load_code_lists()
    for program in PROGRAMS.values():
        assert program.unit in lists["program-units"].codes
        assert program.owner_kind in lists["organization-kinds"].codes
        assert program.sector in lists["program-sectors"].codes
        assert program.level in lists["program-levels"].codes
        assert program.domain in lists["service-domains"].codes
        assert str(program.cluster) in lists["program-clusters"].codes


def test_programs_of_a_province_are_open_in_it_alone() -> None:
    areas = {code: program.area for code, program in PROGRAMS.items() if program.area}
    assert areas == {"KLJ": 3100000000, "KPDJ": 3100000000, "KAJ": 3100000000, "PKH-PLUS": 3500000000}
    assert {PROGRAMS[code].level for code in areas} == {"PROVINCE"}


def test_every_row_says_where_it_comes_from() -> None:
    for program in PROGRAMS.values():
        assert program.citation
        assert program.confidence in {"sourced", "unverified"}
        assert program.name_id != program.name_en
        assert program.complaint_channel


def test_what_no_source_says_is_not_called_sourced() -> None:
    for program in PROGRAMS.values():
        assert ("no source at hand" in program.citation) <= (program.confidence == "unverified"), program.code


def test_the_window_includes_both_its_ends() -> None:
    program = replace(PROGRAMS["PKH"], open_to=date(2026, 12, 31))
    assert not program.is_open_on(date(2025, 12, 31))
    assert program.is_open_on(date(2026, 1, 1))
    assert program.is_open_on(date(2026, 12, 31))
    assert not program.is_open_on(date(2027, 1, 1))
    assert PROGRAMS["PKH"].is_open_on(date(2027, 1, 1))


def test_a_program_that_ended_is_open_no_more() -> None:
    assert PROGRAMS["BPUM"].is_open_on(date(2021, 12, 31))
    assert not PROGRAMS["BPUM"].is_open_on(date(2022, 1, 1))
