"""Cursors and limits, hostile ones first."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.kernel.errors import BadRequest
from slrt_api.kernel.paging import CursorValue, decode_cursor, digest, encode_cursor, parse_limit

HERE = digest("status=OPEN", "-updated_at", "puskesos_officer")
ID = "01a2028a-d1b8-8300-8cfe-7529bddacbdf"


def packed(payload: object) -> str:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def refusal(text: str) -> str:
    with pytest.raises(BadRequest) as refused:
        decode_cursor(text, HERE)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("cursor", refused.value.code)
    return refused.value.code


class TestCursorRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a",
            "%",
            "é",
            "AAAA",
            encode_cursor([ID], HERE) + "=",
            encode_cursor([ID], HERE) + "\n",
            encode_cursor([ID], HERE)[:-1],
            packed(b"\xff\xfe"),
            packed({"a": 1}),
            packed(HERE.hex()),
            packed([]),
            packed([ID]),
            packed([5, ID]),
            packed([HERE.hex().upper(), ID]),
            packed([HERE.hex(), 1.5]),
            packed([HERE.hex(), [1]]),
            packed([HERE.hex(), {"a": 1}]),
            packed([HERE.hex(), 2**63]),
            packed([HERE.hex(), -(2**63) - 1]),
            packed([HERE.hex(), "\x00"]),
            packed([HERE.hex(), "\ud800"]),
            packed(b'["' + HERE.hex().encode() + b'",NaN]'),
            packed(b'["' + HERE.hex().encode() + b'", 1]'),
            packed(b'["' + HERE.hex().encode() + b'",1e400]'),
            packed(b'["' + HERE.hex().encode() + b'","\\u0041"]'),
            packed(b"[" * 760),
            packed(b"[" * 380 + b"]" * 380),
            packed([HERE.hex(), "a" * 760]),
        ],
    )
    def test_what_was_not_written_here_is_invalid(self, text: str) -> None:
        assert refusal(text) == "cursor_invalid"

    def test_nesting_that_exhausts_the_stack_of_a_deep_caller_is_invalid(self) -> None:
        def deeper(levels: int) -> str:
            return deeper(levels - 1) if levels else refusal(packed(b"[" * 760))

        assert deeper(400) == "cursor_invalid"

    @pytest.mark.parametrize(
        "other",
        [
            digest("status=OPEN", "-updated_at", "auditor"),
            digest("status=OPEN", "updated_at", "puskesos_officer"),
            digest("", "-updated_at", "puskesos_officer"),
            digest("status=OPEN-updated_at", "", "puskesos_officer"),
        ],
    )
    def test_another_filter_sort_or_role_is_a_mismatch(self, other: bytes) -> None:
        assert refusal(encode_cursor([ID], other)) == "cursor_mismatch"

    def test_values_that_are_too_long_are_refused_when_written(self) -> None:
        with pytest.raises(ValueError, match="too long"):
            encode_cursor(["a" * 760], HERE)


class TestCursor:
    def test_is_the_unpadded_base64url_of_compact_json(self) -> None:
        assert encode_cursor(["Desa é", 7, True, None], bytes(8)) == (
            "WyIwMDAwMDAwMDAwMDAwMDAwIiwiRGVzYSDDqSIsNyx0cnVlLG51bGxd"
        )

    def test_a_digest_has_eight_bytes(self) -> None:
        assert (len(HERE), digest("a"), digest("ab", "c") == digest("a", "bc")) == (8, digest("a"), False)

    @settings(max_examples=size(200, 50_000))
    @given(
        values=st.lists(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
            max_size=4,
        )
    )
    def test_values_come_back_with_their_types(self, values: list[CursorValue]) -> None:
        back = decode_cursor(encode_cursor(values, HERE), HERE)
        assert [(type(value), value) for value in back] == [(type(value), value) for value in values]

    @settings(max_examples=size(200, 50_000))
    @given(text=st.text(st.sampled_from("AZaz09_-WyIwMDciLF0"), max_size=60))
    def test_random_text_is_always_a_bad_request(self, text: str) -> None:
        assert refusal(text) == "cursor_invalid"


class TestLimit:
    @pytest.mark.parametrize("text", ["", "0", "201", "-1", "+5", "1.0", "007", " 5", "5\n", "٥", "1e2", "9" * 5000])
    def test_anything_but_1_to_200_is_refused(self, text: str) -> None:
        with pytest.raises(BadRequest) as refused:
            parse_limit(text)
        assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("limit", "out_of_range")]

    def test_bounds_and_default(self) -> None:
        assert [parse_limit(text) for text in (None, "1", "50", "200")] == [50, 1, 50, 200]
