"""Which of several people answers a search by name best: rules of ranking, in memory."""

from datetime import date

import pytest

from slrt_api.households import names
from slrt_api.households.service.search import LEAST_SCORE, Query, score_of

BORN = date(1988, 5, 5)


def query(text: str, year: int | None = None, margin: int = 2) -> Query:
    return Query(names.parse(text), year, margin)


@pytest.mark.parametrize(
    ("asked", "best_first"),
    [
        ("Siti Aminah", ["Siti Aminah", "Siti Aminnah", "Siti Aminatun", "Siti Rahayu"]),
        ("Sukarno", ["Sukarno", "Soekarno", "Sukarnoputra", "Sutarno"]),
        ("aminah siti", ["Siti Aminah", "Siti Aminah Wulandari", "Aminah"]),
        ("Muh. Rizki", ["Muhammad Rizki", "Moehammad Rizky", "Muhammad Rifki", "Muhammad Ali"]),
    ],
)
def test_nearer_names_answer_better(asked: str, best_first: list[str]) -> None:
    scores = [score_of(query(asked), name, None) for name in best_first]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores), scores
    assert scores[0] > 0.95


@pytest.mark.parametrize("written", ["Hj. Sitti Aminah", "ST AMINAH", "Siti Aminah, S.Pd", "SITI AMINA", "Aminah Siti"])
def test_habits_of_writing_hardly_cost_anything(written: str) -> None:
    assert score_of(query("Siti Aminah"), written, None) >= 0.95


@pytest.mark.parametrize("other", ["Bambang Wijaya", "Dewi", "Sri Rahayu"])
def test_other_names_are_not_shown(other: str) -> None:
    assert score_of(query("Siti Aminah"), other, None) < LEAST_SCORE


def test_a_word_more_than_was_asked_costs_less_than_a_word_too_few() -> None:
    assert score_of(query("Siti Aminah"), "Siti Aminah Wulandari", None) > score_of(
        query("Siti Aminah Wulandari"), "Siti Aminah", None
    )


def test_the_year_of_birth_orders_people_of_one_name() -> None:
    exact, near, unknown = (score_of(query("Siti", 1988), "Siti", born) for born in (BORN, date(1990, 1, 1), None))
    assert (exact, near, unknown) == (1.0, 0.94, 0.9)
    # Where no year is asked, none counts.
    assert score_of(query("Siti"), "Siti", None) == score_of(query("Siti"), "Siti", BORN) == 1.0


def test_a_year_and_its_margin_are_a_range() -> None:
    assert (query("Siti", 1988, 2).years, query("Siti", 1988, 0).years, query("Siti").years) == (
        (1986, 1990),
        (1988, 1988),
        None,
    )
