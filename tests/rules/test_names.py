"""Names: what is dropped, what is written out, which spellings sound alike, how they are looked up and how alike they are."""

import csv
import random
import string
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slrt_api.households import likeness, names
from slrt_api.households.likeness import Likeness
from slrt_api.households.names import Lookup

WORDS = (
    *("Siti", "Aminah", "Muhammad", "Nur", "Aini", "Nuraini", "Sutrisno"),
    *("Sutirsno", "Sri", "St.", "Muh.", "Wahyuni", "Yuni", "A.", "Agus"),
)
WRITTEN = st.text(alphabet=string.ascii_letters + " .,'-áé李", max_size=60)
#: names as they come, for properties that need more than noise
PLAIN = st.lists(
    st.sampled_from(WORDS),
    min_size=1,
    max_size=4,
).map(" ".join)


class TestParse:
    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("Siti Aminah", "siti aminah"),
            ("  SITI   AMINAH ", "siti aminah"),
            ("Hj. Siti Aminah", "siti aminah"),
            ("H. Ahmad", "ahmad"),
            ("Drs. H. Ahmad", "ahmad"),
            ("Drs.H.Ahmad", "ahmad"),
            ("K.H. Ahmad", "ahmad"),
            ("R.A. Kartini", "kartini"),
            ("Prof. Dr. Ir. Slamet", "slamet"),
            ("Almh. Sukinem", "sukinem"),
            ("Sukinem (almh)", "sukinem"),
            ("Bpk Karto", "karto"),
            ("a.n. Karto", "karto"),
            ("Budi Santoso, S.Pd", "budi santoso"),
            ("Budi Santoso, S.Pd., M.Si.", "budi santoso"),
            ("Budi Santoso S.Pd.I", "budi santoso"),
            ("Budi Santoso, S. Pd", "budi santoso"),
            ("Budi Santoso SE", "budi santoso"),
            ("budi santoso sh", "budi santoso"),
            ("Budi, SE, MM", "budi"),
            ("Santoso, Budi", "santoso budi"),
            ("Muh. Rizki", "muhammad rizki"),
            ("Moh Rizki", "muhammad rizki"),
            ("Mhd. Rizki", "muhammad rizki"),
            ("M. Rizki", "muhammad rizki"),
            ("M.Rizki", "muhammad rizki"),
            ("H.M. Rizki", "muhammad rizki"),
            ("Mochammad Rizky", "muhammad rizki"),
            ("St. Aminah", "siti aminah"),
            ("ST AMINAH", "siti aminah"),
            ("Sitti Aminah", "siti aminah"),
            ("Aminah ST", "aminah"),
            ("Abd. Rahman", "abdul rahman"),
            ("Abdurrahman", "abdul rahman"),
            ("Abdurahman", "abdul rahman"),
            ("Abdulrahman", "abdul rahman"),
            ("Abdul Rohman", "abdul rahman"),
            ("Abdullah", "abdullah"),
            ("Abdulloh", "abdullah"),
            ("Ahmad bin Ali", "ahmad ali"),
            ("Aminah binti Ali", "aminah ali"),
            ("Nur'aini", "nuraini"),
            ("Nur’aini", "nuraini"),
            ("Ma'ruf", "maruf"),
            ("Ali-Akbar", "ali akbar"),
            ("Ni Luh Ayu", "luh ayu"),
            ("I Wayan Sudarta", "wayan sudarta"),
            ("I Wy. Sudarta", "wayan sudarta"),
            ("I Nym. Rai", "nyoman rai"),
            ("Ni Md. Ayu", "made ayu"),
            ("I Md Rai", "made rai"),
            ("Ni M. Ayu", "made ayu"),
            ("I Gst. Ngr. Rai", "gusti ngurah rai"),
            ("I.B. Oka", "ida bagus oka"),
            ("IB Oka", "ida bagus oka"),
            ("I.A. Oka", "ida ayu oka"),
            ("A.A. Gde Rai", "anak agung gede rai"),
            ("Md. Rai", "muhammad rai"),
            ("Made", "made"),
            ("Ni Made", "made"),
            ("Ni", "ni"),
            ("Hj. St. Fatimah, S.Pd.", "siti fatimah"),
            ("HM Yusuf", "muhammad yusuf"),
            ("H.M.Jusuf", "muhammad yusuf"),
            ("Md. Yusup", "muhammad yusuf"),
            ("Hi. Bambang", "bambang"),
            ("Ahmad b. Hasan", "ahmad hasan"),
            ("Aminah bt. H. Hasan", "aminah hasan"),
            ("Karto alias Kardi", "karto kardi"),
            ("Abdur Rahman", "abdul rahman"),
            ("Abdus Salam", "abdul salam"),
            ("Abdussalam", "abdul salam"),
            ("Ma'mun", "mamun"),
            ("Makmun", "mamun"),
            ("Dja'far", "jafar"),
            ("Jakfar", "jafar"),
            ("Selamet", "slamet"),
            ("Dg. Ngasseng", "daeng ngasseng"),
            ("Sri", "sri"),
            ("José", "jose"),
            ("李明", "李明"),
        ],
    )
    def test_a_written_name_becomes_these_words(self, written: str, words: str) -> None:
        assert names.parse(written).words == tuple(words.split())

    @pytest.mark.parametrize("alone", ["Haji", "H", "Ir", "M", "St", "Bin", "Alm", "Se", "S.Pd"])
    def test_a_name_that_looks_like_a_title_is_not_lost(self, alone: str) -> None:
        assert len(names.parse(alone).words) >= 1

    @pytest.mark.parametrize("empty", ["", " ", "...", "-", ",", "''", "(.)"])
    def test_nothing_to_read_gives_no_words(self, empty: str) -> None:
        assert names.parse(empty) == names.Name((), ())

    def test_an_initial_at_the_end_is_not_written_out(self) -> None:
        assert names.parse("Budi M").words == ("budi", "m")

    def test_words_are_bounded(self) -> None:
        parsed = names.parse(" ".join("abcdefgh" * 20 for _ in range(50)))
        assert len(parsed.words) == names.MOST_WORDS
        assert max(map(len, parsed.words)) == 40

    @given(WRITTEN)
    def test_never_fails_and_words_have_sounds(self, written: str) -> None:
        parsed = names.parse(written)
        assert len(parsed.words) == len(parsed.sounds)
        assert all(parsed.words)
        assert all(parsed.sounds)


class TestSound:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            # old spelling
            ("soeharto", "suharto"),
            ("soerjadi", "suryadi"),
            ("wahjoedi", "wahyudi"),
            ("djoko", "joko"),
            ("djumadi", "jumadi"),
            ("tjipto", "cipto"),
            ("tjokro", "cokro"),
            ("moeljono", "mulyono"),
            ("sjamsul", "syamsul"),
            ("sjafroedin", "syafrudin"),
            ("tjahjo", "cahyo"),
            ("koemolo", "kumolo"),
            ("hardjo", "harjo"),
            ("soedjarwo", "sujarwo"),
            ("soenarjo", "sunaryo"),
            ("sjarifoedin", "syarifuddin"),
            ("moehammad", "muhammad"),
            ("njoman", "nyoman"),
            ("djajadi", "jayadi"),
            # Arabic letters
            ("chasanah", "khasanah"),
            ("khusnul", "husnul"),
            ("achmad", "ahmad"),
            ("syamsul", "samsul"),
            ("shodiq", "sodik"),
            ("thohir", "tohir"),
            ("ramadhan", "ramadan"),
            ("ramadlan", "ramadan"),
            ("ghofur", "gofur"),
            ("utsman", "usman"),
            ("dzaki", "zaki"),
            ("fatimah", "patimah"),
            ("fauzi", "pauzi"),
            ("latif", "latip"),
            ("novita", "nopita"),
            ("philip", "filip"),
            ("taufiq", "taufik"),
            ("qomariyah", "komariah"),
            ("zaenal", "jaenal"),
            ("zainal", "zaenal"),
            ("aziz", "asis"),
            ("rizal", "risal"),
            # vowels and doubled letters
            ("annisa", "anisa"),
            ("rizky", "rizki"),
            ("eddy", "edi"),
            ("wiwiek", "wiwik"),
            ("setyo", "setio"),
            ("badriyah", "badriah"),
            ("suwarno", "suarno"),
            ("aminah", "amina"),
            ("indah", "endah"),
            ("rukmini", "rokmini"),
            # hard ends
            ("ahmad", "ahmat"),
            ("yakub", "yakup"),
            ("alex", "aleks"),
            ("christina", "kristina"),
        ],
    )
    def test_spellings_that_sound_alike(self, one: str, other: str) -> None:
        assert names.sound(one) == names.sound(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("siti", "sari"),
            ("sari", "sri"),
            ("anjani", "anyani"),
            ("panji", "panyi"),
            ("hadi", "hari"),
            ("rina", "rani"),
            ("bambang", "bambank"),
            ("sutrisno", "sutrisna"),
            ("wati", "yati"),
            ("agus", "bagus"),
        ],
    )
    def test_names_that_habit_tells_apart_sound_different(self, one: str, other: str) -> None:
        assert names.sound(one) != names.sound(other)

    @given(st.text(alphabet="aeioubdgklmnprtw", min_size=1, max_size=20))
    def test_a_doubled_letter_is_never_heard(self, word: str) -> None:
        assert names.sound("".join(letter * 2 for letter in word)) == names.sound(word)

    @given(st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=20))
    def test_there_is_always_a_sound(self, word: str) -> None:
        assert names.sound(word)


class TestKeys:
    def test_words_sounds_and_neighbors_written_as_one(self) -> None:
        assert names.keys(names.parse("Siti Aminah")) == {"=siti", "=aminah", "~siti", "~amina", "~sitiamina"}

    def test_two_words_find_what_is_written_as_one_and_the_other_way_around(self) -> None:
        one, two = names.parse("Nuraini"), names.parse("Nur Aini")
        assert "~" + one.sounds[0] in names.keys(two)
        assert any(lookup.low in names.keys(one) for lookup in names.joined_lookups(two))

    @given(WRITTEN)
    def test_keys_are_bounded(self, written: str) -> None:
        assert len(names.keys(names.parse(written))) <= 3 * names.MOST_WORDS

    @given(PLAIN)
    def test_every_name_is_found_by_itself(self, written: str) -> None:
        stored = names.keys(names.parse(written))
        for ways in names.lookups(names.parse(written)):
            assert any(_finds(lookup, key) for lookup in ways for key in stored)

    @pytest.mark.parametrize(
        ("asked", "written"),
        [
            ("amin", "Siti Aminah"),
            ("sit", "Siti Aminah"),
            ("suhart", "Soeharto"),
            ("joko", "Djoko Susilo"),
            ("muhammad", "Moh. Ali"),
            ("rohman", "Abdurrahman"),
            ("patim", "Fatimah"),
        ],
    )
    def test_a_fragment_finds_the_name(self, asked: str, written: str) -> None:
        stored = names.keys(names.parse(written))
        assert any(
            _finds(lookup, key) for ways in names.lookups(names.parse(asked)) for lookup in ways for key in stored
        )

    def test_two_letters_are_looked_up_by_equality_only(self) -> None:
        assert names.lookups(names.parse("Al")) == ((Lookup("=al", None), Lookup("~al", None)),)

    def test_a_prefix_range_holds_what_begins_with_it_and_nothing_else(self) -> None:
        (_, _, prefix, _) = names.lookups(names.parse("sari"))[0]
        inside = ["=sari", "=sarijan", "=sariz", "=sari李"]
        outside = ["=sar", "=sasi", "=sarj", "~sari", "=sa"]
        assert [key for key in inside + outside if _finds(prefix, key)] == inside


def _finds(lookup: Lookup, key: str) -> bool:
    """What `=` and a range do under COLLATE "C": compare by code points, as UTF-8 does."""
    return key == lookup.low if lookup.high is None else lookup.low <= key < lookup.high


class TestPair:
    @pytest.mark.parametrize(
        ("one", "other", "agreement"),
        [
            ("Aminah", "Aminah", Likeness.SAME),
            ("Suryadi", "Soerjadi", Likeness.SOUND),
            ("Muhammad", "Moch.", Likeness.SAME),
            ("Subardjo", "Subarjo", Likeness.SOUND),
            ("Sutrisno", "Sutirsno", Likeness.TYPO),
            ("Tarwiyah", "Tarwiya", Likeness.SOUND),
            ("Darsini", "Darsinii", Likeness.SOUND),
            ("Kasmuri", "Kasmuti", Likeness.TYPO),
            ("Sulastri", "Lastri", Likeness.SHORT),
            ("Bambang", "Bam", Likeness.SHORT),
            ("Sutrisno", "S", Likeness.SHORT),
            ("Ali", "Al", Likeness.SHORT),
            ("Ani", "Ari", Likeness.FAINT),
        ],
    )
    def test_two_words_agree_in_this_way(self, one: str, other: str, agreement: Likeness) -> None:
        found = likeness.pair(names.parse(one), names.parse(other))
        assert [pair.likeness for pair in found.pairs] == [agreement]
        assert found.left == found.right == ()

    @pytest.mark.parametrize(("one", "other"), [("Rina", "Wati"), ("Kasmuri", "Tarwiyah"), ("A", "Budi")])
    def test_two_words_do_not_agree(self, one: str, other: str) -> None:
        assert likeness.pair(names.parse(one), names.parse(other)).pairs == ()

    def test_words_left_over(self) -> None:
        found = likeness.pair(names.parse("Siti Aminah"), names.parse("Rahayu Siti Wulan"))
        assert (found.left, found.right) == (("aminah",), ("rahayu", "wulan"))

    def test_each_word_is_paired_once(self) -> None:
        found = likeness.pair(names.parse("Siti Siti"), names.parse("Siti"))
        assert len(found.pairs) == 1
        assert found.left == ("siti",)

    @given(PLAIN, PLAIN)
    def test_sides_are_equal(self, one: str, other: str) -> None:
        a, b = names.parse(one), names.parse(other)
        there, back = likeness.pair(a, b), likeness.pair(b, a)
        assert sorted(pair.likeness for pair in there.pairs) == sorted(pair.likeness for pair in back.pairs)
        assert sorted(there.left) == sorted(back.right)
        assert sorted(there.right) == sorted(back.left)


class TestSimilarity:
    @pytest.mark.parametrize(
        ("one", "other", "least", "most"),
        [
            ("Siti Aminah", "Siti Aminah", 1, 1),
            ("Siti Aminah", "Aminah Siti", 1, 1),
            ("Hj. St. Aminah, S.Pd", "SITI AMINAH", 1, 1),
            ("Moehammad Ali", "M. Ali", 0.95, 1),
            ("Nuraini", "Nur Aini", 0.95, 1),
            ("Sutrisno", "Sutirsno", 0.85, 0.97),
            ("Siti Aminah", "Siti Aminah Wulandari", 0.85, 0.95),
            ("Siti Aminah", "Aminah", 0.8, 0.95),
            ("Sulastri", "Lastri", 0.6, 0.8),
            ("Siti Aminah", "Siti Rahayu", 0, 0.4),
            ("Kasmuri", "Tarwiyah", 0, 0.3),
            ("", "Siti", 0, 0),
            ("", "", 0, 0),
        ],
    )
    def test_lies_between(self, one: str, other: str, least: float, most: float) -> None:
        assert least <= likeness.similarity(names.parse(one), names.parse(other)) <= most

    @given(WRITTEN, WRITTEN)
    def test_is_symmetric_and_within_bounds(self, one: str, other: str) -> None:
        a, b = names.parse(one), names.parse(other)
        assert likeness.similarity(a, b) == pytest.approx(likeness.similarity(b, a))
        assert 0 <= likeness.similarity(a, b) <= 1

    @given(PLAIN)
    def test_order_means_nothing(self, written: str) -> None:
        parsed = names.parse(written)
        order = list(range(len(parsed.words)))
        random.Random(1).shuffle(order)
        mixed = names.Name(tuple(parsed.words[i] for i in order), tuple(parsed.sounds[i] for i in order))
        assert likeness.similarity(parsed, mixed) == pytest.approx(1)


class TestRelevance:
    def test_ranks_as_an_officer_expects(self) -> None:
        written = ["Siti Aminah", "Sitti Aminah Wulandari", "Siti Aminatun", "Aminah", "Siti Rahayu", "Kasmuri"]
        query = names.parse("siti aminah")
        ranked = sorted(written, key=lambda name: -likeness.relevance(query, names.parse(name)))
        assert ranked[:3] == ["Siti Aminah", "Sitti Aminah Wulandari", "Siti Aminatun"]
        assert ranked[-1] == "Kasmuri"

    def test_a_beginning_counts_as_what_it_begins(self) -> None:
        query = names.parse("siti am")
        good, bad = (likeness.relevance(query, names.parse(name)) for name in ("Siti Aminah", "Siti Rahayu"))
        assert good > 0.85
        assert bad < 0.7

    def test_words_written_as_one_are_found(self) -> None:
        assert likeness.relevance(names.parse("nuraini"), names.parse("Nur Aini")) > 0.9

    @given(WRITTEN, WRITTEN)
    def test_stays_within_bounds(self, asked: str, written: str) -> None:
        assert 0 <= likeness.relevance(names.parse(asked), names.parse(written)) <= 1


class TestTable:
    def test_every_row_tells_how_sure_it_is(self) -> None:
        for row in _rows():
            assert row["source"], row
            assert row["confidence"] in {"sourced", "unverified"}, row
            assert row["kind"] in {"TITLE", "DEGREE", "LINK", "ABBREVIATION", "PARTICLE", "SPELLING"}, row

    def test_forms_are_normalized_and_stand_once(self) -> None:
        seen = set()
        for row in _rows():
            words = row["kind"] in {"ABBREVIATION", "SPELLING"}
            # Points stand in what is initials only, such as A.A.
            parts = row["form"].split(".")
            assert all(part.isalnum() for part in parts), row
            assert len(parts) == 1 or all(len(part) == 1 for part in parts), row
            assert row["form"] == row["form"].casefold(), row
            assert bool(row["canonical"]) == (words or row["kind"] == "PARTICLE"), row
            key = (row["form"], "WORD" if words else row["kind"])
            assert key not in seen, row
            seen.add(key)

    def test_a_canonical_word_is_no_variant_of_another(self) -> None:
        rows = _rows()
        variants = {row["form"] for row in rows if row["kind"] in {"ABBREVIATION", "SPELLING"}}
        assert {word for row in rows for word in row["canonical"].split()} & variants == set()


def _rows() -> list[dict[str, str]]:
    with (files("slrt_api.households") / "data" / "name-words.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
