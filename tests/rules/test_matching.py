"""Matching: levels of agreement, scores with reasons, what stays below the threshold, and which pairs are looked at."""

import json
from dataclasses import replace
from datetime import date
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from benchmarks import linking, people
from hypothesis import given
from hypothesis import strategies as st

from slrt_api.households import likeness, matching, names
from slrt_api.households.matching import LEVELS, Compared, Entry, Level, Population

VILLAGE, NEXT_VILLAGE, OTHER_DISTRICT = 33_26_01_2001, 33_26_01_2002, 33_26_09_2001
#: a regency of 200,000 in which these words are borne by so many
POPULATION = Population(
    200_000,
    {
        "siti": 8_000,
        "muhammad": 9_000,
        "nur": 6_000,
        "sri": 3_000,
        "aminah": 900,
        "rahayu": 700,
        "tarwiyah": 40,
        "kasmuri": 60,
    }
    | {
        "wulandari": 500,
        "ali": 1_200,
        "aldi": 300,
        "saputra": 900,
        "ratna": 400,
        "dewi": 1_500,
        "hasan": 800,
        "husain": 500,
    },
)
WORDS = (
    *("Siti", "Aminah", "Muhammad", "Nur", "Aini", "Nuraini", "Tarwiyah"),
    *("Tarwiya", "Rahayu", "Yuni", "Wahyuni", "A.", "Hasan", "Husain"),
)
MODEL = matching.shipped_model()


def entry(written: str = "Siti Tarwiyah", **given: Any) -> Entry:
    plain = Entry(names.parse(written), "F", date(1988, 5, 17), VILLAGE, "9926015705880001", "home")
    return replace(plain, **given)


def weight(a: Entry, b: Entry) -> float:
    return matching.score(a, b, POPULATION).weight


ENTRIES = st.builds(
    Entry,
    name=st.lists(
        st.sampled_from(WORDS),
        max_size=3,
    ).map(lambda words: names.parse(" ".join(words))),
    sex=st.sampled_from(["F", "M", None]),
    birth_date=st.sampled_from(
        [date(1988, 5, 7), date(1988, 7, 5), date(1989, 5, 7), date(1988, 1, 1), date(1950, 3, 9), None]
    ),
    village=st.sampled_from([VILLAGE, NEXT_VILLAGE, OTHER_DISTRICT, None]),
    nik=st.sampled_from(
        ["9926014705880001", "9926014705880002", "9926014705880901", "9926014805880001", "9975010101500001", None]
    ),
    household=st.sampled_from(["one", "two", None]),
)


class TestNameLevel:
    @pytest.mark.parametrize(
        ("one", "other", "level"),
        [
            ("Siti Aminah", "AMINAH SITI", Level.EXACT),
            ("St. Aminah", "Siti Aminah", Level.EXACT),
            ("Siti Subardjo", "Siti Subarjo", Level.SOUND),
            ("Nuraini", "Nur Aini", Level.SOUND),
            ("Siti Tarwiyah", "Siti Tarwuyah", Level.CLOSE),
            ("Joemijan Nizar", "Jumijan Nizar", Level.CLOSE),
            ("Sulastri", "Lastri", Level.SHORT),
            ("S. Aminah", "Sukinem Aminah", Level.SHORT),
            ("Siti Aminah", "Aminah", Level.PART),
            ("Siti Aminah Wulandari", "Siti Wulandsri", Level.PART_CLOSE),
            ("Siti Ayu", "Siti Atu", Level.VAGUE),
            ("Siti Aminah", "Siti Rahayu", Level.SHARED),
            ("Kasmuri", "Tarwiyah", Level.DIFFERENT),
        ],
    )
    def test_names_agree_in_this_way(self, one: str, other: str, level: Level) -> None:
        a, b = names.parse(one), names.parse(other)
        assert matching.name_level(likeness.pair(a, b)) is level
        assert matching.name_level(likeness.pair(b, a)) is level


class TestBirthDateLevel:
    @pytest.mark.parametrize(
        ("one", "other", "level"),
        [
            (date(1988, 5, 17), date(1988, 5, 17), Level.EXACT),
            (date(1950, 1, 1), date(1950, 1, 1), Level.ROUND),
            (date(1950, 12, 31), date(1950, 12, 31), Level.ROUND),
            (date(1950, 7, 1), date(1950, 7, 1), Level.ROUND),
            (date(1988, 5, 7), date(1988, 7, 5), Level.SWAPPED),
            (date(1988, 5, 17), date(1989, 5, 17), Level.YEAR),
            (date(1988, 5, 7), date(1987, 7, 5), Level.YEAR),
            (date(1988, 5, 17), date(1988, 5, 18), Level.DIGIT),
            (date(1988, 5, 17), date(1998, 5, 17), Level.DIGIT),
            (date(1988, 5, 17), date(1990, 5, 17), Level.DIFFERENT),
            (date(1988, 5, 7), date(1990, 7, 5), Level.DIFFERENT),
            (date(1988, 5, 17), None, None),
            (None, None, None),
        ],
    )
    def test_dates_agree_in_this_way(self, one: date | None, other: date | None, level: Level | None) -> None:
        assert matching.birth_date_level(one, other) is level
        assert matching.birth_date_level(other, one) is level


class TestNikLevel:
    @pytest.mark.parametrize(
        ("one", "other", "level"),
        [
            ("9926015705880001", "9926015705880001", Level.EXACT),
            # of another district, although both live in the first
            ("9926015705880001", "9926025705880001", Level.NEIGHBOR),
            # born in that district on that day
            ("9926015705880001", "9926015705880002", Level.SERIAL),
            ("9926015705880001", "9926015705880012", Level.SERIAL),
            # nobody counts that far in a day, and no second person has such a birth date
            ("9926015705880001", "9926015705880041", Level.DIGIT),
            ("9926015705880001", "9926015705880901", Level.DIGIT),
            ("9926015705880001", "9926015705890001", Level.DIGIT),
            ("9926015705880001", "9926011705880001", Level.DIGIT),
            ("9926015705880001", "9926015705980002", Level.DIFFERENT),
            ("9926015705880001", "9975010101500001", Level.DIFFERENT),
            ("9926015705880001", None, None),
        ],
    )
    def test_numbers_agree_in_this_way(self, one: str, other: str | None, level: Level | None) -> None:
        assert matching.nik_level(entry(nik=one), entry(nik=other)) is level
        assert matching.nik_level(entry(nik=other), entry(nik=one)) is level

    def test_numbers_that_each_tell_their_own_birth_date_are_two_people(self) -> None:
        older = entry(nik="9926015705880001")
        younger = entry(nik="9926015705890001", birth_date=date(1989, 5, 17))
        assert matching.nik_level(older, younger) is Level.DIFFERENT

    def test_numbers_that_each_tell_their_own_district_are_two_people(self) -> None:
        here = entry(nik="9926015705880001")
        there = entry(nik="9926095705880001", village=OTHER_DISTRICT)
        assert matching.nik_level(here, there) is matching.nik_level(there, here) is Level.DIFFERENT
        # Who lives here with the number of there may be who lives here.
        assert matching.nik_level(here, replace(there, village=NEXT_VILLAGE)) is Level.NEIGHBOR
        assert matching.nik_level(here, replace(there, village=None)) is Level.NEIGHBOR

    def test_numbers_of_one_district_far_from_where_both_live(self) -> None:
        a, b = entry(nik="9975105705880001"), entry(nik="9975105705880002")
        # Twins of a family that came to this village from elsewhere.
        assert matching.nik_level(a, b) is Level.SERIAL
        assert matching.nik_level(a, replace(b, village=NEXT_VILLAGE)) is Level.NEIGHBOR

    def test_serials_run_high_on_days_that_stand_for_unknown_ones(self) -> None:
        a, b = (entry(nik=f"992601410150{serial}", birth_date=date(1950, 1, 1)) for serial in ("0001", "0041"))
        assert matching.nik_level(a, b) is Level.SERIAL


class TestPlaceLevel:
    @pytest.mark.parametrize(
        ("other", "level"),
        [(VILLAGE, Level.VILLAGE), (NEXT_VILLAGE, Level.DISTRICT), (OTHER_DISTRICT, Level.DIFFERENT), (None, None)],
    )
    def test_places_agree_in_this_way(self, other: int | None, level: Level | None) -> None:
        assert matching.place_level(VILLAGE, other) is level


class TestScore:
    def test_tells_a_reason_for_every_field_and_they_add_up(self) -> None:
        found = matching.score(entry(), entry(household="other"), POPULATION)
        assert [reason.field for reason in found.reasons] == list(Compared)
        assert found.weight == pytest.approx(MODEL.prior(POPULATION) + sum(reason.weight for reason in found.reasons))

    def test_probability_is_what_the_weight_means(self) -> None:
        found = matching.score(entry(), entry("Kasmuri", household="other", nik=None), POPULATION)
        assert found.probability == pytest.approx(1 / (1 + 2**-found.weight))

    @given(ENTRIES, ENTRIES)
    def test_is_symmetric(self, a: Entry, b: Entry) -> None:
        there, back = matching.score(a, b, POPULATION), matching.score(b, a, POPULATION)
        assert there.weight == pytest.approx(back.weight)
        assert {(reason.field, reason.level) for reason in there.reasons} == {
            (reason.field, reason.level) for reason in back.reasons
        }

    @given(ENTRIES, ENTRIES)
    def test_likely_is_the_score_at_and_above_the_threshold(self, a: Entry, b: Entry) -> None:
        found = matching.score(a, b, POPULATION)
        likely = matching.likely(a, b, POPULATION)
        assert likely == (found if found.weight >= MODEL.threshold else None)

    @pytest.mark.parametrize(
        ("field", "missing"),
        [
            (Compared.NAME, {"name": names.parse("")}),
            (Compared.BIRTH_DATE, {"birth_date": None}),
            (Compared.SEX, {"sex": None}),
            (Compared.PLACE, {"village": None}),
            (Compared.NIK, {"nik": None}),
            (Compared.HOUSEHOLD, {"household": None}),
        ],
    )
    def test_a_missing_value_weighs_nothing(self, field: Compared, missing: dict[str, Any]) -> None:
        other = entry(household="other")
        full = matching.score(entry(), other, POPULATION)
        (lost,) = (reason.weight for reason in full.reasons if reason.field is field)
        less = matching.score(entry(**missing), other, POPULATION)
        assert field not in {reason.field for reason in less.reasons}
        # Without its date, a number one digit off cannot be weighed otherwise here: both numbers are equal.
        assert less.weight == pytest.approx(full.weight - lost)

    def test_nothing_known_leaves_the_prior(self) -> None:
        nobody = Entry(names.parse(""))
        found = matching.score(nobody, nobody, POPULATION)
        assert found.reasons == ()
        assert found.weight == MODEL.prior(POPULATION)

    @pytest.mark.parametrize("field", [field for field in Compared if field is not Compared.NAME])
    def test_a_better_level_never_weighs_less(self, field: Compared) -> None:
        for better, worse in pairwise(LEVELS[field]):
            assert MODEL.weights[field][better].weight >= MODEL.weights[field][worse].weight

    @given(st.floats(0, 39))
    def test_a_better_agreement_of_names_never_weighs_less_at_one_rarity(self, rare: float) -> None:
        table = MODEL.weights[Compared.NAME]
        weights = [matching.name_weight(table, level, rare) for level in LEVELS[Compared.NAME]]
        assert weights == sorted(weights, reverse=True)

    @pytest.mark.parametrize("level", LEVELS[Compared.NAME])
    def test_rarer_words_never_weigh_less(self, level: Level) -> None:
        table = MODEL.weights[Compared.NAME]
        weights = [matching.name_weight(table, level, rare) for rare in range(40)]
        assert weights == sorted(weights)

    def test_a_rare_name_weighs_more_than_a_common_one(self) -> None:
        common = weight(entry("Siti", household="other"), entry("Siti"))
        rare = weight(entry("Tarwiyah", household="other"), entry("Tarwiyah"))
        assert rare > common + 1

    def test_every_field_agreeing_weighs_more_than_disagreeing(self) -> None:
        a = entry(household=None)
        whole = weight(a, a)
        for other in (
            {"name": names.parse("Kasmuri")},
            {"birth_date": date(1950, 3, 9)},
            {"sex": "M"},
            {"village": OTHER_DISTRICT},
            {"nik": "9975010101500001"},
        ):
            assert weight(a, replace(a, **other)) < whole

    def test_the_larger_the_regency_the_less_likely(self) -> None:
        a, b = entry(), entry(household="other")
        small, large = (matching.score(a, b, Population(count, {})).weight for count in (10_000, 1_000_000))
        assert small > large + 6


class TestOnePerson:
    """What the queue must show: at or above the threshold."""

    @pytest.mark.parametrize(
        "other",
        [
            {"name": names.parse("SITI TARWIYA"), "nik": None, "household": "other"},
            {"name": names.parse("Tarwiyah"), "nik": None, "household": "other"},
            {"birth_date": date(1989, 5, 17), "nik": None, "household": "other"},
            {"village": OTHER_DISTRICT, "nik": None, "household": "other"},
            {"nik": "9926015705880041", "household": "other"},
            {"name": names.parse("Siti Tarwuyah"), "nik": None},
            {"name": names.parse("Kasmuri"), "household": "other"},
        ],
    )
    def test_is_found(self, other: dict[str, Any]) -> None:
        assert matching.likely(entry(), entry(**other), POPULATION) is not None

    def test_day_and_month_exchanged(self) -> None:
        a = entry(birth_date=date(1988, 5, 7), nik=None)
        b = entry(birth_date=date(1988, 7, 5), nik=None, household="other")
        assert matching.likely(a, b, POPULATION) is not None


class TestTwoPeople:
    """What the queue must not show: below the threshold."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Siti Aminah", "Siti Rahayu"),
            ("Hasan", "Husain"),
            ("Dewi Ratna", "Ratna Wulandari"),
            ("Aldi Saputra", "Aldo Saputra"),
            ("Siti Aminah", "Kasmuri"),
        ],
    )
    def test_twins(self, one: str, other: str) -> None:
        assert matching.likely(entry(one), entry(other, nik="9926015705880002"), POPULATION) is None

    @pytest.mark.parametrize("name", ["Siti Aminah", "Tarwiyah", "Muhammad Ali"])
    def test_neighbors_of_one_name(self, name: str) -> None:
        neighbor = entry(name, birth_date=date(1984, 11, 2), nik="9926014211840001", household="other")
        assert matching.likely(entry(name), neighbor, POPULATION) is None

    def test_neighbors_of_one_name_without_numbers(self) -> None:
        neighbor = entry("Siti Aminah", birth_date=date(1984, 11, 2), nik=None, household="other")
        assert matching.likely(entry("Siti Aminah", nik=None), neighbor, POPULATION) is None

    def test_mother_and_daughter_of_one_name(self) -> None:
        daughter = entry("Siti Aminah", birth_date=date(2009, 5, 3), nik="9926014305090001")
        assert matching.likely(entry("Siti Aminah"), daughter, POPULATION) is None

    def test_strangers_born_on_one_day(self) -> None:
        stranger = entry("Nur Rahayu", village=NEXT_VILLAGE, nik="9926025705880001", household="other")
        assert matching.likely(entry(), stranger, POPULATION) is None


class TestCandidates:
    def test_birth_dates_to_look_under(self) -> None:
        assert set(matching.birth_dates(date(1988, 5, 7))) == {
            date(year, *day) for year in (1987, 1988, 1989) for day in ((5, 7), (7, 5))
        }

    def test_a_day_that_is_no_month_and_a_leap_day(self) -> None:
        assert matching.birth_dates(date(1988, 2, 29)) == (date(1988, 2, 29),)
        assert len(matching.birth_dates(date(1988, 5, 17))) == 3

    def test_rare_words_are_looked_up_first(self) -> None:
        assert matching.rare_sounds(names.parse("Siti Nur Tarwiyah"), POPULATION) == ("tarwia", "nur", "siti")

    @pytest.mark.parametrize(
        "other",
        [
            {"birth_date": date(1988, 7, 5), "name": names.parse("Kasmuri"), "village": OTHER_DISTRICT},
            {"birth_date": date(1987, 5, 7), "name": names.parse("Kasmuri"), "village": OTHER_DISTRICT},
            {"birth_date": date(1989, 7, 5), "name": names.parse("Kasmuri"), "village": OTHER_DISTRICT},
            {"birth_date": None, "name": names.parse("Sitti Kasmuri")},
            {"birth_date": None, "village": None, "name": names.parse(""), "household": "home"},
            {"birth_date": None, "village": None, "name": names.parse(""), "nik": "9926014705880001"},
        ],
    )
    def test_pairs_that_share_a_key(self, other: dict[str, Any]) -> None:
        a = entry(birth_date=date(1988, 5, 7), nik="9926014705880001")
        b = entry(**{"nik": None, "household": None, **other})
        assert matching.block_keys(a) & matching.block_keys(b)

    def test_pairs_that_share_none(self) -> None:
        a = entry(birth_date=date(1988, 5, 7), nik=None)
        b = entry("Kasmuri", birth_date=date(1990, 5, 7), nik=None, household="other")
        assert not matching.block_keys(a) & matching.block_keys(b)


class TestModel:
    def test_tells_where_its_weights_come_from(self) -> None:
        document = json.loads((files("slrt_api.households") / "data" / "matching.json").read_text(encoding="utf-8"))
        assert "Splink" in document["trained"]["by"]
        assert "synthetic" in document["trained"]["on"]
        assert document["trained"]["confidence"].startswith("unverified")
        assert set(document["fields"]) == set(Compared)

    def test_a_document_that_is_no_model_is_refused(self) -> None:
        with pytest.raises(TypeError):
            matching.read_model({"persons": 1, "chance": 0.1, "threshold": 0, "fields": [], "siblings": {}})


@pytest.fixture(scope="module")
def regency() -> people.Regency:
    return people.generate(8_000, seed=5)


class TestSyntheticRegency:
    """A small one of another seed than the weights were trained on; the figures at full size: `benchmarks.duplicates`."""

    def test_is_the_same_for_the_same_seed(self, regency: people.Regency) -> None:
        again = people.generate(8_000, seed=5)
        assert again.people == regency.people
        assert again.duplicates == regency.duplicates
        assert people.generate(8_000, seed=6).people != regency.people

    def test_holds_what_the_plan_says(self, regency: people.Regency) -> None:
        parsed = [names.parse(person.name).words for person in regency.people]
        assert len(regency.people) == 8_000
        assert len(regency.duplicates) == 400
        assert len(regency.twins) == 80
        assert 65 <= len(regency.neighbors) <= 80
        assert sum("siti" in words for words in parsed) >= 0.03 * 8_000
        assert sum("muhammad" in words for words in parsed) >= 0.03 * 8_000
        assert sum(len(words) == 1 for words in parsed) == pytest.approx(0.20 * 8_000, rel=0.1)
        assert all(2 <= len(duplicate.corruptions) <= 4 for duplicate in regency.duplicates)

    def test_no_number_can_be_that_of_a_real_person(self, regency: people.Regency) -> None:
        assert all(person.nik is None or person.nik.startswith("99") for person in regency.people)
        assert all(person.kk is None or person.kk.startswith("99") for person in regency.people)

    def test_duplicates_are_found_and_others_are_not(self, regency: people.Regency) -> None:
        entries = [linking.entry(person) for person in regency.people]
        population, same = linking.population(entries), linking.truth(regency)
        pairs, _ = linking.candidates(entries)
        found = {(a, b) for a, b in pairs if matching.likely(entries[a], entries[b], population) is not None}
        assert len(found & same) >= 0.93 * len(same)
        assert len(found & same) >= 0.93 * len(found)
