"""Coded answers: what fits a question of its instrument, and in which form it is kept."""

import pytest

from slrt_api.areas.codelists import Question, QuestionType, load_code_lists, load_questions
from slrt_api.households.answers import Given, Unfit, Value, read

REGSOSEK, PBDT = "REGSOSEK2022K", "PBDT2015"


def question(instrument: str, code: str) -> Question:
    return load_questions()[instrument, code]


@pytest.mark.parametrize(
    ("instrument", "code", "given", "fault"),
    [
        (REGSOSEK, "303", "10", "unknown_code"),
        (REGSOSEK, "303", "", "unknown_code"),
        (REGSOSEK, "303", True, "type"),
        (REGSOSEK, "303", 1.0, "type"),
        (REGSOSEK, "303", ["1"], "type"),
        (REGSOSEK, "302", "60", "type"),
        (REGSOSEK, "302", True, "type"),
        (REGSOSEK, "302", 0, "range"),
        (REGSOSEK, "302", 1000, "range"),
        ("SLRT", "graduated_on", 20250604, "type"),
        ("SLRT", "graduated_on", "2025-6-4", "type"),
        ("SLRT", "graduated_on", "2025-W23-3", "type"),
        ("SLRT", "graduated_on", "2025-02-29", "range"),
        ("SLRT", "graduated_on", "1899-12-31", "range"),
        # A two-digit code is not its number: this is how a code list gets out of step by one.
        (PBDT, "disability", 1, "unknown_code"),
        (PBDT, "disability", "13", "unknown_code"),
        (PBDT, "chronic_disease", "01", "unknown_code"),
        (REGSOSEK, "411", "1", "type"),
        (REGSOSEK, "411", [], "items"),
        (REGSOSEK, "411", ["1", "1"], "items"),
        (REGSOSEK, "411", ["0", "1"], "items"),
        (REGSOSEK, "411", ["8"], "unknown_code"),
        (REGSOSEK, "411", [None], "type"),
        (REGSOSEK, "411", 8, "unknown_code"),
        (REGSOSEK, "411", -1, "unknown_code"),
        (REGSOSEK, "431a", ["99", "1"], "items"),
        (REGSOSEK, "431a", 16, "unknown_code"),
        (REGSOSEK, "307b", "1", "type"),
        (REGSOSEK, "307b", [], "items"),
        (REGSOSEK, "307b", ["1", "1", "1", "1"], "items"),
    ],
)
def test_what_does_not_fit_is_refused(instrument: str, code: str, given: Given, fault: str) -> None:
    with pytest.raises(Unfit) as refused:
        read(question(instrument, code), given, load_code_lists())
    assert refused.value.code == fault


@pytest.mark.parametrize(
    ("instrument", "code", "given", "kept"),
    [
        (REGSOSEK, "303", "8", "8"),
        (REGSOSEK, "303", 8, "8"),
        (REGSOSEK, "302", 36, 36),
        (PBDT, "disability", "01", "01"),
        (REGSOSEK, "411", ["4", "1"], ["1", "4"]),
        (REGSOSEK, "411", 5, ["1", "4"]),
        (REGSOSEK, "411", 0, ["0"]),
        (REGSOSEK, "411", ["0"], ["0"]),
        (REGSOSEK, "431a", 99, ["99"]),
        (REGSOSEK, "431a", 15, ["1", "2", "4", "8"]),
        (PBDT, "identity_cards", 9, ["1", "8"]),
        (REGSOSEK, "307b", [2, "1", "2"], ["2", "1", "2"]),
        ("SLRT", "graduated_on", "2024-02-29", "2024-02-29"),
    ],
)
def test_every_form_of_an_answer_is_kept_in_one(instrument: str, code: str, given: Given, kept: Value) -> None:
    assert read(question(instrument, code), given, load_code_lists()) == kept


def test_a_sum_and_its_set_are_one_answer_for_every_sum() -> None:
    lists = load_code_lists()
    for total in range(1, 16):
        codes = [code for code in (1, 2, 4, 8) if total & code]
        asked = question(REGSOSEK, "431a")
        assert read(asked, total, lists) == read(asked, [*codes], lists)


def test_the_same_number_means_two_things_in_two_instruments() -> None:
    lists = load_code_lists()
    labels = {
        instrument: {item.code: item.label_en for item in lists[question(instrument, code).list_name or ""].items}
        for instrument, code in ((REGSOSEK, "412"), (PBDT, "school_participation"))
    }
    assert (labels[REGSOSEK]["2"], labels[PBDT]["2"]) == ("Attending", "No longer attending")


def test_every_question_has_a_list_of_its_own_instrument() -> None:
    lists = load_code_lists()
    for (instrument, code), asked in load_questions().items():
        if asked.list_name is None:
            assert ((asked.low, asked.high) == (None, None)) == (asked.type is QuestionType.DATE), code
        elif code != "ppks_category":  # the law's own list, which no instrument numbers
            assert lists[asked.list_name].instrument == instrument, code


def test_health_and_disability_are_special() -> None:
    special = {code for (instrument, code), asked in load_questions().items() if asked.special and instrument != "SLRT"}
    assert special == {
        "410",
        "427",
        *(f"428{letter}" for letter in "abcdefghi"),
        "430",
        "disability",
        "chronic_disease",
    }


def test_no_question_of_an_instrument_whose_variables_are_not_published() -> None:
    assert {instrument for instrument, _ in load_questions()} == {REGSOSEK, PBDT, "SLRT"}
