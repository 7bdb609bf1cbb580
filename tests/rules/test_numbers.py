"""Numbers that people say aloud, and secrets."""

import re
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.kernel import numbers
from slrt_api.kernel.numbers import Number, new_number, new_secret, normalize_secret, parse_number

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# By hand, modulo 37: 2**36 = 1, so 2**40 = 16, and 3326 = 33; 33 * 16 + 1 = 529 = 11, which is written B.
ONE = "KSS-3326-0000-0001-B"


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "KSS-3326-0000-0001",
            "KSS-3326-0000-0001-C",
            "KSS-3327-0000-0001-B",
            "KEL-3326-0000-0001-B",
            "KSS-3326-0000-000U-B",
            "KSS-326-0000-0001-B",
            "KSS-3326-00000001-B",
            "KSS-3326-0000-0001-B\n",
            " KSS-3326-0000-0001-B",
            "KSS-٣٣٢٦-0000-0001-B",
            "KSS-3326-0000-000ı-B",
            "KſS-3326-0000-0001-B",
            "KSS-3326-0000-0001-B" * 100,
        ],
    )
    def test_malformed_and_mistyped_numbers_are_none(self, text: str) -> None:
        assert parse_number("KSS", text) is None

    def test_tenants_have_four_digits(self) -> None:
        with pytest.raises(ValueError, match="four digits"):
            new_number("KSS", 10000)

    @pytest.mark.parametrize("text", ["", "00000-00000-00000-0000", "00000-00000-00000-0000U", "ı" * 20, "0" * 21])
    def test_malformed_secrets_are_none(self, text: str) -> None:
        assert normalize_secret(text) is None


class TestNumbers:
    @pytest.mark.parametrize("text", [ONE, ONE.lower(), "KSS-3326-OOoo-0o0I-B", "kss-3326-0000-000l-b"])
    def test_case_and_lookalikes_are_forgiven(self, text: str) -> None:
        assert parse_number("KSS", text) == Number(3326, 1, ONE)

    def test_the_prefix_is_not_read_by_lookalikes(self) -> None:
        complaint = new_number("KEL", 3326)
        assert parse_number("KEL", complaint.replace("KEL", "KE1")) is None

    def test_check_characters_beyond_base32_are_read(self) -> None:
        texts = {numbers._text("KSS", 3326, value) for value in range(37)}
        assert {text[-1] for text in texts} == set(ALPHABET + "*~$=U")
        assert all(parse_number("KSS", text) for text in texts)

    def test_what_cannot_be_said_is_drawn_anew(self) -> None:
        unsayable = next(value for value in range(37) if numbers._text("KSS", 3326, value).endswith("*"))
        with patch("slrt_api.kernel.numbers.secrets.randbits", side_effect=[unsayable, 1]):
            assert new_number("KSS", 3326) == ONE

    @settings(max_examples=size(200, 20_000))
    @given(tenant=st.integers(0, 9999))
    def test_new_numbers_come_back(self, tenant: int) -> None:
        text = new_number("RJK", tenant)
        assert re.fullmatch(r"RJK-[0-9]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-Z]", text)
        number = parse_number("RJK", text)
        assert number is not None
        assert (number.tenant, number.text) == (tenant, text)

    @settings(max_examples=size(200, 20_000))
    @given(value=st.integers(0, 2**40 - 1), place=st.sampled_from([9, 10, 11, 12, 14, 15, 16, 17]), data=st.data())
    def test_one_wrong_character_is_found(self, value: int, place: int, data: st.DataObject) -> None:
        text = numbers._text("KSS", 3326, value)
        wrong = data.draw(st.sampled_from([character for character in ALPHABET if character != text[place]]))
        assert parse_number("KSS", text[:place] + wrong + text[place + 1 :]) is None

    @settings(max_examples=size(200, 20_000))
    @given(value=st.integers(0, 2**40 - 1), place=st.sampled_from([9, 10, 11, 14, 15, 16]))
    def test_two_swapped_neighbors_are_found(self, value: int, place: int) -> None:
        text = numbers._text("KSS", 3326, value)
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert (parse_number("KSS", swapped) is None) == (swapped != text)


class TestSecrets:
    def test_a_secret_has_a_hundred_bits_in_four_groups(self) -> None:
        with patch("slrt_api.kernel.numbers.secrets.randbits", return_value=2**100 - 1) as drawn:
            assert new_secret() == "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ"
        drawn.assert_called_once_with(100)

    @pytest.mark.parametrize("text", ["abcde-01234-fghjk-56789", "ABCDE O1234 FGHJK 56789", "abcdeoi234fghjk56789"])
    def test_secrets_are_read_as_people_type_them(self, text: str) -> None:
        assert normalize_secret(text) == "ABCDE-01234-FGHJK-56789"

    def test_secrets_are_canonical_and_differ(self) -> None:
        drawn = {new_secret() for _ in range(100)}
        assert len(drawn) == 100
        assert {normalize_secret(secret) for secret in drawn} == drawn


class TestSayableNumber:
    def test_values_whose_check_character_cannot_be_said_are_passed_over(self) -> None:
        # 37 * 2**40 is 0 modulo 37, so tenant 37 leaves the check to the value: 32 to 35 cannot be said, 36 is U.
        found = numbers.sayable_number("KEL", 37, iter((32, 33, 34, 35, 36, 1)))
        assert (found.value, found.text) == (36, "KEL-0037-0000-0014-U")

    def test_the_same_values_give_the_same_number(self) -> None:
        assert numbers.sayable_number("KSS", 3326, iter((1,))) == parse_number("KSS", ONE)

    def test_without_a_value_there_is_none(self) -> None:
        with pytest.raises(ValueError, match="no value"):
            numbers.sayable_number("KEL", 37, iter((32,)))
